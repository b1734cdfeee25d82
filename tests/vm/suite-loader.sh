#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What only the running kernel's own loader hands on, and what it knows.
. "$(dirname "$0")/lib.sh"

# boot KERNEL [PARAMETER]
boot() {
	local kernel
	need_loader
	kernel=$(kernel_dir "$1") || exit
	make_initramfs "$case_dir/initrd" "$vm_here/script-loader.sh" "$KEXEC=/sbin/kexec" "$kernel/vmlinuz=/k/vmlinuz"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/initrd" --append "crashkernel=160M ${2:-}"
	expect_line "$log" '^@ chosen=0 1 0$'
	expect_line "$log" '^@ ours=0 1 0$'
	expect_line "$log" '^@ flags=0 1 0$'
	expect_line "$log" '^@ debug=0 1 0$'
	expect_line "$log" '^@ debug_ours=0 1 0$'
	expect_line "$log" '^@ debug_crash=0 0 1$'
	expect_line "$log" '^@ debug_crash_file=0 0 1$'
}

# Something besides the boot has been measured; and none of the newer flags is known.
case_ima() {
	boot 6.1 ima_policy=critical_data
	expect_line "$log" '^@ measured=2$'
	expect_line "$log" "^kexec: /k/vmlinuz loaded by kexec_file_load: no other hands on IMA's list of measurements\$"
	expect_line "$log" "^kexec: warning: only the running kernel's own loader hands on IMA's list of measurements: it is lost; -s loads so\$"
	expect_line "$log" '^kexec: warning: --force-dtb: the running kernel cannot hand its device tree on .*'
}

# Only the boot is measured.
case_plain() {
	boot 6.1
	expect_line "$log" '^@ measured=1$'
	expect_line "$log" '^kexec: /k/vmlinuz loaded by kexec_load: placed and verified by this loader$'
	expect_count "$log" '^kexec: warning: only the running' 0
}

# All flags are known.
case_flags() {
	boot sid-cloud
	expect_count "$log" '^kexec: warning: --force-dtb' 0
}

vm_cases ima plain ${FULL:+flags}
