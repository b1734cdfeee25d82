#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# quick
# The first thing: one kernel starts itself.
. "$(dirname "$0")/lib.sh"

case_first() {
	local kernel
	need_loader
	kernel=$(kernel_dir 6.1-cloud) || exit
	make_initramfs "$case_dir/second" "$vm_here/script-hop.sh"
	make_initramfs "$case_dir/first" "$vm_here/script-hop.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	vm_run '' --firmware bios --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" \
		--append "nokaslr hop=nokaslr" --timeout 60
	expect_equal "status of the load" "$(value "$log" 'status load 1')" 0
	expect_line "$log" '^safekexec purgatory: '
	expect_count "$log" '\] Linux version ' 2
	expect_line "$log" '^SECOND KERNEL UP$'
	expect_line "$log" '^@ done 0$'
}

vm_cases first
