#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Faults in a loaded crash kernel, from outside: repaired or reported, never lost; but for the
# bytes that the plan says nothing protects. With FULL=1 over 1,000 seeded single bits.
. "$(dirname "$0")/lib.sh"

flips=${FULL:+500}
flips=${flips:-10}

# faults SEED [OPTION]: into a guest of 6.12 with one CPU, loaded with the option.
faults() {
	local kernel
	need_loader
	need python3
	kernel=$(kernel_dir 6.12-cloud) || exit
	make_initramfs "$case_dir/second" "$vm_here/script-kdump.sh" "$KEXEC=/sbin/kexec" \
		"$(command -v readelf)=/bin/readelf"
	make_initramfs "$case_dir/first" "$vm_here/script-kdump.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	truncate -s 1M "$case_dir/disk"
	vm_start '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --mem 768M \
		--timeout $((300 + flips * 30)) --append "crashkernel=192M pause=5 hop=nr_cpus=1 options=${2:-}" \
		-action reboot=reset -gdb "unix:path=$case_dir/gdb,server=on,wait=off" \
		-monitor "unix:path=$case_dir/monitor,server=on,wait=off" \
		-drive "if=none,format=raw,file=$case_dir/disk,snapshot=on"
	vm_await '^@ panic'
	vm_clean_log
	block "$log" "plan 1" >"$case_dir/plan.json"
	python3 "$vm_here/faults.py" "$case_dir/gdb" "$case_dir/monitor" "$log.raw" "$case_dir/plan.json" \
		--seed "$1" --flips "$flips" --directed >"$log.faults" 2>&1 ||
		fail "$(grep -E 'WRONG|faults.py' "$log.faults" | head -n 1), see $log.faults"
	vm_await '^CAPTURED'
	vm_stop
	expect_line "$log" '^@ started=.* 1 repaired'
}

case_plain() {
	faults 1
}

case_hotplug() {
	faults 2 --hotplug
}

vm_cases plain ${FULL:+hotplug}
