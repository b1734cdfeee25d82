#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A program that has the library alone loads a kernel; what it has loaded is what kexec finds, and starts.
. "$(dirname "$0")/lib.sh"

case_load() {
	local kernel plan
	need_loader
	plan=$(dirname "$KEXEC")/../examples/plan
	[ -x "$plan" ] || fail "$plan is not there"
	kernel=$(kernel_dir 6.1-cloud) || exit
	make_initramfs "$case_dir/second" "$vm_here/script-libkexec.sh"
	make_initramfs "$case_dir/first" "$vm_here/script-libkexec.sh" "$KEXEC=/sbin/kexec" "$plan=/sbin/plan" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	vm_run '' --firmware bios --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --append nokaslr --timeout 90
	expect_equal "status of the load" "$(value "$log" 'status plan 1')" 0
	expect_line "$log" '^0x.* kernel$'
	expect_line "$log" '^@ loaded=1$'
	expect_line "$log" '^kernel +.* /k/vmlinuz.*'
	expect_count "$log" '\] Linux version ' 2
	expect_line "$log" '^SECOND KERNEL UP$'
	expect_line "$log" '^@ done 0$'
}

vm_cases load
