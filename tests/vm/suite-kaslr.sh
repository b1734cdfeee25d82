#!/bin/bash
# long
# SPDX-License-Identifier: LGPL-2.1-or-later
# Kernels that choose their own place: one kexec after another, in the smallest guest
# that holds two kernels, so that a choice falls beside what was loaded.
. "$(dirname "$0")/lib.sh"

hops=${FULL:+100}
hops=${hops:-5}

# guest MIB HOPS: starts and ends in a machine of that size.
guest() {
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --mem "$1M" \
		--append "last=$(($2 + 1)) plan=no hop=plan=no" --timeout $((60 + 20 * $2))
}

# chain VERSION: in the smallest guest, in steps of 4 MiB, whose kernel takes the segments;
# one step below, the loader refuses. What fits every day has some MiB to spare.
chain() {
	local kernel stage memory=208
	need_loader
	kernel=$(kernel_dir "$1") || exit
	make_initramfs "$case_dir/base" "$vm_here/script-chain.sh"
	pack "$case_dir/loader" "$KEXEC=/sbin/kexec" "$kernel/vmlinuz=/k/vmlinuz" \
		"$case_dir/base=/k/initrd"
	cat "$case_dir/base" "$case_dir/loader" >"$case_dir/first"
	[ -z "${FULL:-}" ] || for ((memory = 160; ; memory += 4)); do
		guest $memory 1
		grep -qa '^@ done 0' "$log" && break
		expect_line "$log" 'the running kernel takes half of its memory at most'
		expect_no_line "$log" 'SECOND KERNEL UP'
	done
	guest $memory "$hops"
	for ((stage = 2; stage <= hops + 1; stage++)); do
		expect_same_facts "$log" 1 "$stage"
	done
	expect_line "$log" '^@ done 0$'
	# The first one is QEMU's to start.
	[ "$(grep -a '^@ kernel-code' "$log" | tail -n +2 | cut -d= -f2 | sort -u | wc -l)" -gt 1 ] ||
		fail "the kernel was started $hops times at one address: KASLR was off"
	echo "# $hops kexecs with $memory MiB"
}

case_6.1-cloud() {
	chain 6.1-cloud
}

case_6.12-cloud() {
	chain 6.12-cloud
}

vm_cases ${FULL:+6.1-cloud} 6.12-cloud
