#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Refusals by the running kernel, each with a cause that is real in the guest.
. "$(dirname "$0")/lib.sh"

# refused NAME LOADED SENTENCE: the sentence, then that nothing changed.
refused() {
	expect_line "$log" "^kexec: $3\$"
	expect_line "$log" "^@ $1=255 $2\$"
}

# errors VERSION: what does not need Secure Boot.
errors() {
	local kernel
	need_loader
	need setpriv
	kernel=$(kernel_dir "$1") || exit
	make_initramfs "$case_dir/initrd" "$vm_here/script-errors.sh" "$KEXEC=/sbin/kexec" \
		"$(command -v setpriv)=/sbin/setpriv" "$kernel/vmlinuz=/k/vmlinuz"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/initrd" --append crashkernel=96M
	expect_line "$log" '^@ doctor=0 00$'
	expect_line "$log" '^ok    reservation    98304 KiB; to load, to boot and to write a dump takes about [0-9]+ KiB, and the crash kernel would be checked and repaired$'
	refused capability 00 'kexec_load failed: Operation not permitted: CAP_SYS_BOOT is needed; try: sudo kexec ...'
	refused format 00 "kexec_file_load failed: Exec format error: the running kernel's loader does not take this image; try: kexec -c ..."
	refused busy-text 00 'kexec_file_load failed: Text file busy: somebody has the file open to write to it; try: fuser -v KERNEL'
	refused long 00 'kexec_file_load failed: Invalid argument: the command line is longer than the kernel takes, .*; try: kexec -c ..., which says which'
	refused no-place 00 "kexec_file_load failed: Cannot assign requested address: the running kernel's loader finds no place in the reservation of 98304 KiB; try: kexec -c -p --dry-run KERNEL, which says what would do"
	expect_line "$log" '^fail  reservation    crash kernel: [0-9]+ KiB are needed .* KiB too few: '
	expect_line "$log" '^@ doctor-large=1 00$'
	expect_line "$log" '^kexec: kexec_load failed: Device or resource busy: another load is under way; try: the same again$'
	expect_line "$log" '^@ load=0 10$'
	refused start 10 'kexec failed: Operation not permitted: CAP_SYS_BOOT is needed; try: sudo kexec ...'
	refused lockdown '[01]0' 'kexec_load failed: Operation not permitted: the kernel is locked down \(integrity\): only a kernel with a signature that it trusts can be loaded, with -s; try: kexec -s -l KERNEL.signed, or turn Secure Boot off'
	refused disabled '[01]0' 'kexec_load failed: Operation not permitted: kernel.kexec_load_disabled is 1, and stays so until the next boot; try: reboot'
	expect_line "$log" '^fail  system call    kernel.kexec_load_disabled is 1: nothing can be loaded until the next boot$'
	expect_line "$log" '^warn  lockdown       the kernel is locked down \(integrity\): '
	expect_line "$log" '^@ doctor-disabled=1 [01]0$'
}

# EFI without its runtime services: the new kernel will lose them.
case_no_runtime_map() {
	local kernel
	need_loader
	kernel=$(kernel_dir 6.1-cloud) || exit
	make_initramfs "$case_dir/initrd" "$vm_here/script-errors.sh" "$KEXEC=/sbin/kexec" "$kernel/vmlinuz=/k/vmlinuz"
	vm_run '' --firmware ovmf --kernel "$kernel/vmlinuz" --initrd "$case_dir/initrd" --append "efi=noruntime only=doctor"
	expect_line "$log" '^ok    machine        [0-9]+ entries of the firmware.s map, booted by EFI, which is lost$'
	expect_line "$log" '^warn  reboot         /sys/firmware/efi/runtime-map, .* no EFI runtime services'
	expect_line "$log" '^@ doctor=0 00$'
}

case_6.1() {
	errors 6.1-cloud
}

case_6.12() {
	errors 6.12-cloud
	expect_line "$log" '^@ last-of-limit=0 10$'
	refused limit 10 'kexec_load failed: Operation not permitted: kernel.kexec_load_limit_reboot is 0: as many loads as it allowed have been made since the boot; try: reboot'
}

# The firmware trusts one key, and has the kernel that it starts locked down.
case_secure_boot() {
	local kernel key=/usr/share/ovmf/PkKek-1-snakeoil
	need_loader
	need sbsign sbattach openssl
	kernel=$(kernel_dir 6.1-cloud) || exit
	cp "$kernel/vmlinuz" "$case_dir/unsigned"
	chmod u+w "$case_dir/unsigned"
	sbattach --remove "$case_dir/unsigned" || fail "the signature cannot be removed"
	openssl rsa -in $key.key -passin pass:snakeoil -out "$case_dir/key" 2>"$case_dir/said" &&
		sbsign --key "$case_dir/key" --cert $key.pem --output "$case_dir/vmlinuz" \
			"$case_dir/unsigned" >>"$case_dir/said" 2>&1 || fail "$(tail -n 1 "$case_dir/said")"
	cp "$case_dir/vmlinuz" "$case_dir/tampered"
	printf 'X' | dd of="$case_dir/tampered" bs=1 seek=5000000 conv=notrunc 2>/dev/null
	make_initramfs "$case_dir/initrd" "$vm_here/script-errors.sh" "$KEXEC=/sbin/kexec" \
		"$case_dir/vmlinuz=/k/vmlinuz" "$case_dir/unsigned=/k/unsigned" \
		"$case_dir/tampered=/k/tampered" "$kernel/vmlinuz=/k/other"
	vm_run '' --firmware secure --kernel "$case_dir/vmlinuz" --initrd "$case_dir/initrd" \
		--append secure=1 --timeout 240
	expect_line "$log" 'secureboot: Secure boot enabled'
	refused secure 00 'kexec_load failed: Permission denied: the kernel has no proof of what is in the image \(IMA appraises kexec, or Secure Boot is on\); try: kexec -s -l KERNEL.signed'
	refused unsigned 00 'kexec_file_load failed: No data available: the kernel is not signed, and must be; try: sbverify --list KERNEL'
	refused other 00 "kexec_file_load failed: Required key not available: the kernel's signature is of a key that the running kernel does not have; try: sbverify --list KERNEL; mokutil --list-enrolled"
	refused tampered 00 "kexec_file_load failed: Key was rejected by service: the kernel's contents do not match its signature, or the signature is revoked; try: sbverify --cert CERTIFICATE KERNEL"
	expect_line "$log" '^@ signed=0 10$'
	expect_line "$log" '^kexec: /k/vmlinuz loaded by kexec_file_load: the running kernel is locked down$'
	expect_line "$log" '^@ chosen=0 10$'
}

vm_cases secure_boot no_runtime_map 6.1 6.12
