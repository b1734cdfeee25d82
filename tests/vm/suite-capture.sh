#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Captures: a plan for a machine and for its capture are the same bytes, in the machine and here.
. "$(dirname "$0")/lib.sh"

# captured VERSION APPEND [OPTION of vm_run]...
captured() {
	local version=$1 append=$2 kernel way
	shift 2
	need_loader
	kernel=$(kernel_dir "$version") || exit
	printf '070701' >"$case_dir/small"
	make_initramfs "$case_dir/initrd" "$vm_here/script-capture.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/small=/k/initrd"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/initrd" \
		--append "crashkernel=192M secret=HIDDEN $append" "$@"
	expect_equal "status of the capture" "$(value "$log" 'status capture')" 0
	for way in l p; do
		expect_equal "status of the plan -$way" "$(value "$log" "status live $way")" 0
		expect_equal "the plan -$way of the capture" "$(value "$log" "compared $way")" same
	done
	expect_equal "two captures" "$(value "$log" 'compared captures')" same
	expect_equal "a capture of the capture" "$(value "$log" 'compared again')" same
	expect_equal "an unprivileged plan and that of its capture" "$(value "$log" 'compared user')" same
	expect_line "$log" '^kexec: warning: /proc/kcore: Permission denied: it is not in the capture$'
	# Here, where nothing is of that machine.
	block "$log" tar | base64 -d | gzip -d >"$case_dir/machine.tar" || fail "the capture is not whole"
	python3 - "$case_dir/machine.tar" "$(value "$log" text)" <<-'END' || fail "a secret is in the capture"
		import sys
		data, text = open(sys.argv[1], "rb").read(), sys.argv[2]
		secrets = [b"HIDDEN"]
		# Where the image is mapped, as text and in a header; one time in 512 it is not moved.
		if text != "ffffffff81000000":
		    secrets += [text.encode(), int(text, 16).to_bytes(8, "little")[2:]]
		sys.exit(any(secret in data for secret in secrets))
	END
	for way in l p; do
		(cd "$case_dir" && mkdir -p k && cp "$kernel/vmlinuz" small k && mv k/small k/initrd &&
			cd k && "$KEXEC" --sysroot=../machine.tar --json "-$way" vmlinuz --initrd=initrd --append=quiet) |
			sed 's|"path":"vmlinuz"|"path":"/k/vmlinuz"|' >"$case_dir/here"
		block "$log" "live $way" | diff - "$case_dir/here" >"$case_dir/diff" ||
			fail "the plan -$way here: $(sed -n 2p "$case_dir/diff")"
	done
}

case_bios() {
	captured 6.1-cloud ""
}

case_ovmf() {
	captured 6.12-cloud "" --firmware ovmf --cpus 2 --mem 2G
}

vm_cases bios ovmf
