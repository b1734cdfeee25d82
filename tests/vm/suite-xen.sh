#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A host of Xen: Linux is a guest there, and the system call brings its kernel down.
. "$(dirname "$0")/lib.sh"

case_dom0() {
	local kernel xen boot=$case_dir/esp/EFI/BOOT
	need_loader
	kernel=$(kernel_dir 6.1) || exit
	xen=$("$VM_PACKAGES" --xen) || skip "Xen cannot be had"
	make_initramfs "$case_dir/initrd" "$vm_here/script-xen.sh" "$KEXEC=/sbin/kexec" "$kernel/vmlinuz=/k/vmlinuz"
	mkdir -p "$boot"
	cp "$xen"/boot/xen-*.efi "$boot/BOOTX64.EFI"
	cp "$kernel/vmlinuz" "$case_dir/initrd" "$boot"
	cat >"$boot/BOOTX64.cfg" <<-END
		[global]
		default=dom0
		[dom0]
		options=console=com1 com1=115200,8n1 noreboot dom0_mem=800M
		kernel=vmlinuz console=hvc0 panic=-1
		ramdisk=initrd
	END
	vm_run '' --firmware ovmf --mem 1500M --esp "$case_dir/esp" --timeout 400
	expect_line "$log" '^@ features=xen [0-9a-f]{8} $'
	expect_line "$log" "^fail  hypervisor     /sys/hypervisor: this is Xen's dom0: only the hypervisor can start another kernel\$"
	expect_line "$log" '^@ doctor=1 00$'
	for load in load file panic force plan; do
		expect_line "$log" "^@ $load=1 00\$"
	done
	expect_count "$log" "^kexec: /sys/hypervisor: this is Xen's dom0: only the hypervisor can start another kernel; try: reboot, or kexec-tools with libxenctrl, which asks the hypervisor\$" 5
	expect_line "$log" '^@ unload=0$'
	expect_no_line "$log" 'BUG: |Oops'
}

vm_cases dom0
