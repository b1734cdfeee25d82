#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the boot loader would start.
. "$(dirname "$0")/lib.sh"

case_chain() {
	local kernel
	need_loader
	kernel=$(kernel_dir 6.1-cloud) || exit
	mkdir "$case_dir/head"
	echo joined >"$case_dir/head/from-head"
	(cd "$case_dir/head" && find . | cpio -o -H newc --quiet) >"$case_dir/initrd-head"
	make_initramfs "$case_dir/last" "$vm_here/script-entries.sh"
	make_initramfs "$case_dir/second" "$vm_here/script-entries.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/boot/vmlinuz" "$case_dir/last=/boot/initrd"
	make_initramfs "$case_dir/first" "$vm_here/script-entries.sh" "$KEXEC=/sbin/kexec" "$case_dir/initrd-head=/boot/initrd-head" \
		"$kernel/vmlinuz=/boot/vmlinuz" "$case_dir/second=/boot/initrd" "/dev/null=/boot/grub/x"
	vm_run '' --firmware bios --kernel "$kernel/vmlinuz" --initrd "$case_dir/first"
	expect_line "$log" '^\* second'
	expect_line "$log" '^@ second=console=ttyS0 panic=-1 no_timer_check stage=2 "quoted=a b" where=bios added=yes'
	expect_line "$log" '^@ head=joined'
	expect_line "$log" '^@ third=console=ttyS0 panic=-1 no_timer_check stage=3'
	expect_count "$log" '\] Linux version ' 3
	expect_line "$log" '^@ done 0'
}

vm_cases chain
