#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The calls of those who call kexec today.
. "$(dirname "$0")/lib.sh"

# The state after each call of script-callers.sh: a normal kernel, then a crash kernel.
states=(01 00 01 00 01 00 10 00 01 00 10 00 01 00 10 00 10 10 00 10 00 10 00 10 00)

case_calls() {
	local kernel i
	need_loader
	kernel=$(kernel_dir 6.1-cloud) || exit
	make_initramfs "$case_dir/second" "$vm_here/script-hop.sh"
	make_initramfs "$case_dir/first" "$vm_here/script-callers.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --append crashkernel=160M
	for ((i = 0; i < ${#states[@]}; i++)); do
		expect_line "$log" "^@ call $((i + 1))=0 ${states[i]} "
	done
	expect_count "$log" '^@ call ' ${#states[@]}
}

vm_cases calls
