#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Refusals by the running kernel, each with a cause that is real in the guest.
. "$(dirname "$0")/lib.sh"

# refused NAME LOADED SENTENCE: the sentence, then that nothing changed.
refused() {
	expect_line "$log" "^kexec: $3\$"
	expect_line "$log" "^@ $1=255 $2\$"
}

# advised LINE REMEDY: of --doctor.
advised() {
	grep -aE -A1 -- "^$1\$" "$log" | grep -aqE -- "^ +try: $2\$" || fail "no \"try: $2\" after \"$1\" in $log"
}

# errors VERSION: what does not need Secure Boot.
errors() {
	local kernel
	need_loader
	need setpriv strace gcc
	kernel=$(kernel_dir "$1") || exit
	unsigned "$kernel"
	gcc -O2 -static -o "$case_dir/refuse" "$vm_here/refuse.c" || fail "refuse.c cannot be built"
	make_initramfs "$case_dir/initrd" "$vm_here/script-errors.sh" "$KEXEC=/sbin/kexec" \
		"$(command -v setpriv)=/sbin/setpriv" "$(command -v strace)=/sbin/strace" \
		"$case_dir/refuse=/refuse" "$kernel/vmlinuz=/k/vmlinuz" "$case_dir/unsigned=/k/unsigned"
	# Without KASLR no kernel lies above the reservation, where "address" pretends that it reaches.
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/initrd" --cpus 2 --append "crashkernel=96M nokaslr" --timeout 400
	expect_line "$log" '^@ doctor=0 00$'
	expect_line "$log" '^ok    reservation    98304 KiB; to load, to boot and to write a dump takes about [0-9]+ KiB, and the crash kernel would be checked and repaired$'
	refused capability 00 'kexec_load failed: Operation not permitted: CAP_SYS_BOOT is needed; try: sudo kexec ...'
	refused container 00 'kexec_load failed: Operation not permitted: a security module forbids it, or this is a container; try: journalctl -k -g kexec'
	refused hidden 00 'kexec_load failed: Function not implemented: the running kernel was built without this system call, or a container hides it; try: kexec -s ...'
	refused hidden-file 00 'kexec_file_load failed: Function not implemented: the running kernel was built without this system call, or a container hides it; try: kexec -c ...'
	refused format 00 "kexec_file_load failed: Exec format error: the running kernel's loader does not take this image; try: kexec -c ..."
	refused busy-text 00 'kexec_file_load failed: Text file busy: somebody has the file open to write to it; try: fuser -v KERNEL'
	refused long 00 'kexec_file_load failed: Invalid argument: the command line is longer than the kernel takes \(3000 characters of 2047\); try: a shorter line, all of it by --append=\.\.\., without --reuse-cmdline and --boot-entry'
	refused too-large 00 'kexec_file_load failed: File too large: a file is larger than the running kernel reads; try: kexec -c ...'
	refused too-little 00 'kexec_file_load failed: Cannot allocate memory: the running kernel has no memory to read the files into \([0-9]+ KiB are available, what is to be loaded has 15[0-9]+ KiB\); try: kexec -c ..., which reads no copy'
	refused too-little-crash 00 'kexec_file_load failed: Cannot allocate memory: the running kernel has no memory to read the files into \(.*'
	refused no-place 00 "kexec_file_load failed: Cannot assign requested address: the running kernel's loader finds no place in the reservation of 98304 KiB; try: kexec -c -p --dry-run KERNEL, which says what would do"
	advised 'fail  reservation    crash kernel: [0-9]+ KiB are needed .* KiB too few: .*' 'boot the running kernel with crashkernel=[0-9]+M'
	expect_line "$log" '^@ doctor-large=1 00$'
	expect_line "$log" '^kexec: kexec_file_load failed: Device or resource busy: another load is under way; try: the same again$'
	refused busy-start 10 'kexec failed: Device or resource busy: another load is under way; try: the same again'
	expect_line "$log" '^@ load=0 10$'
	refused start 10 'kexec failed: Operation not permitted: CAP_SYS_BOOT is needed; try: sudo kexec ...'
	refused start-inside 10 'kexec failed: Invalid argument: this is a container: only processes of the machine itself may start a kernel; try: kexec -e outside of it'
	refused shrinks 00 'kexec_load failed: Bad address: a file shrank while the kernel copied it; try: the same again'
	refused address 00 'kexec_load failed: Cannot assign requested address: the kernel refuses the address of a segment; try: kexec --dry-run ... and a report of what it says'
	refused outside 00 'kexec_load failed: Cannot assign requested address: [a-z]+ 0x[0-9a-f]+-0x[0-9a-f]+ is outside the reservation, which is 0x[0-9a-f]+-0x[0-9a-f]+ now; it was inside when the plan was made; try: the same again'
	refused lockdown '[01]0' 'kexec_load failed: Operation not permitted: the kernel is locked down \(integrity\): only a kernel with a signature that it trusts can be loaded, with -s; try: kexec -s -l KERNEL.signed, or turn Secure Boot off'
	refused lockdown-unsigned '[01]0' 'kexec_file_load failed: Operation not permitted: the kernel is locked down \(integrity\): only a kernel with a signature that it trusts can be loaded, with -s; try: kexec -s -l KERNEL.signed, or turn Secure Boot off'
	refused disabled '[01]0' 'kexec_load failed: Operation not permitted: kernel.kexec_load_disabled is 1, and stays so until the next boot; try: reboot'
	advised 'fail  system call    kernel.kexec_load_disabled is 1: nothing can be loaded until the next boot' \
		'reboot; find what sets it in sysctl.d'
	advised 'warn  lockdown       the kernel is locked down \(integrity\): .*' 'kexec -s, with a kernel that is signed'
	expect_line "$log" '^@ doctor-disabled=1 [01]0$'
}

# A kernel that was built without kexec: Linux as a program, in a guest, as it does not run
# on every processor.
case_not_built() {
	local kernel uml release
	need_loader
	kernel=$(kernel_dir 6.1-cloud) || exit
	uml=$("$VM_PACKAGES" --uml) || skip "user-mode-linux cannot be had"
	release=$(basename "$uml"/usr/lib/uml/modules/*)
	gzip -dc "$uml/usr/share/doc/user-mode-linux/config.gz" >"$case_dir/config" || fail "no configuration of user-mode-linux"
	make_initramfs "$case_dir/uml-initrd" "$vm_here/script-errors.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/config=/boot/config-$release"
	make_initramfs "$case_dir/initrd" "$vm_here/script-errors.sh" "$uml/usr/bin/linux.uml=/sbin/linux.uml" \
		"$case_dir/uml-initrd=/uml-initrd"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/initrd" --append only=call --timeout 400
	refused not-built '' "kexec_file_load failed: Function not implemented: the running kernel was built without this system call \\(/boot/config-$release: no CONFIG_KEXEC_FILE=y\\); try: install a kernel that has it"
	refused not-built-unload '' "kexec_load failed: Function not implemented: the running kernel was built without this system call \\(/boot/config-$release: no CONFIG_KEXEC=y\\); try: install a kernel that has it"
}

# A machine whose memory is not what it was when the plan was made.
case_small() {
	local kernel
	need_loader
	need strace
	kernel=$(kernel_dir 6.1-cloud) || exit
	make_initramfs "$case_dir/initrd" "$vm_here/script-errors.sh" "$KEXEC=/sbin/kexec" \
		"$(command -v strace)=/sbin/strace" "$kernel/vmlinuz=/k/vmlinuz"
	vm_run '' --mem 320M --kernel "$kernel/vmlinuz" --initrd "$case_dir/initrd" --append only=small --timeout 240
	expect_line "$log" '^kexec: kernel: /proc/self/fd/0: gives more than [0-9]+ KiB, half of memory: no kernel loads that; try: the same with a smaller file$'
	expect_line "$log" '^@ endless=1 00$'
	refused half 00 'kexec_load failed: Invalid argument: what is to be loaded is more than half of memory \([0-9]+ KiB of [0-9]+ KiB\); try: the same with a smaller initrd'
	expect_line "$log" '^kexec: the running kernel needs [0-9]+ KiB for its copy of the segments and has [0-9]+ KiB to give: it would kill processes for them, so nothing was loaded; try: ps aux --sort=-rss \| head, and end what can go; kexec -u$'
	expect_line "$log" '^@ scarce=1 00$'
	expect_line "$log" '^@ killed=137 00$'
}

# EFI without its runtime services: the new kernel will lose them.
case_no_runtime_map() {
	local kernel
	need_loader
	kernel=$(kernel_dir 6.1-cloud) || exit
	make_initramfs "$case_dir/initrd" "$vm_here/script-errors.sh" "$KEXEC=/sbin/kexec" "$kernel/vmlinuz=/k/vmlinuz"
	vm_run '' --firmware ovmf --kernel "$kernel/vmlinuz" --initrd "$case_dir/initrd" --append "efi=noruntime only=doctor"
	expect_line "$log" '^ok    machine        [0-9]+ entries of the firmware.s map, booted by EFI$'
	advised 'warn  EFI            there is no /sys/firmware/efi/runtime-map: the next kernel has no EFI runtime services, so no EFI variables' \
		'boot the running kernel without noefi and efi=noruntime'
	expect_line "$log" '^ok    framebuffer    none, and no screen$'
	expect_line "$log" '^ok    console        the purgatory speaks on the serial port 0x3f8$'
	expect_line "$log" '^warn  reboot         /sys/firmware/efi/runtime-map, .* no EFI runtime services'
	expect_line "$log" '^@ doctor=0 00$'
	refused none-reserved 00 'kexec_file_load failed: Cannot assign requested address: no memory is reserved for a crash kernel; try: kexec --estimate KERNEL, and boot the running kernel with that crashkernel='
}

case_6.1() {
	errors 6.1-cloud
}

case_6.12() {
	errors 6.12-cloud
	expect_line "$log" '^@ last-of-limit=0 10$'
	advised 'warn  kexec_load_limit_reboot 1 more loads are allowed until the next boot' 'reboot to load again'
	expect_line "$log" '^@ doctor-limit=0 '
	advised 'fail  kexec_load_limit_reboot 0 more loads are allowed until the next boot' 'reboot to load again'
	expect_line "$log" '^@ doctor-no-more=1 10$'
	refused limit 10 'kexec_load failed: Operation not permitted: kernel.kexec_load_limit_reboot is 0: it counts every load and unload, also one that fails, and none is left; try: reboot'
	refused last-of-limit-panic 10 'kexec_load failed: Operation not permitted: the kernel is locked down \(integrity\): .*'
	refused limit-panic 10 'kexec_load failed: Operation not permitted: kernel.kexec_load_limit_panic is 0: it counts every load and unload, also one that fails, and none is left; try: reboot'
}

# damage_signature NAME OFFSET: the signed kernel with a byte of the table of its signatures
# changed; "digest": that says which digest was signed.
damage_signature() {
	python3 - "$case_dir/vmlinuz" "$case_dir/$1" "$2" <<-'END' || fail "no signature is found"
		import struct, sys
		image = bytearray(open(sys.argv[1], "rb").read())
		pe = struct.unpack_from("<I", image, 0x3c)[0]
		# Data directory 4 of a PE32+ header: the certificate table.
		at, size = struct.unpack_from("<II", image, pe + 24 + 112 + 4 * 8)
		assert size and at + size <= len(image)
		sha256 = bytes.fromhex("608648016503040201")
		last = image.rindex(sha256, at) + len(sha256) - 1
		image[last if sys.argv[3] == "digest" else at + int(sys.argv[3])] ^= 0x55
		open(sys.argv[2], "wb").write(image)
	END
}

# The firmware trusts one key, and has the kernel that it starts locked down.
case_secure_boot() {
	local kernel
	need_loader
	need python3
	kernel=$(kernel_dir 6.1-cloud) || exit
	signed "$kernel"
	cp "$case_dir/vmlinuz" "$case_dir/tampered"
	printf 'X' | dd of="$case_dir/tampered" bs=1 seek=5000000 conv=notrunc 2>/dev/null
	# The tag of a SET in its DER; the length of the table.
	damage_signature malformed 34
	damage_signature unwrapped 0
	damage_signature unknown-digest digest
	make_initramfs "$case_dir/initrd" "$vm_here/script-errors.sh" "$KEXEC=/sbin/kexec" \
		"$case_dir/vmlinuz=/k/vmlinuz" "$case_dir/unsigned=/k/unsigned" \
		"$case_dir/malformed=/k/malformed" "$case_dir/unwrapped=/k/unwrapped" \
		"$case_dir/unknown-digest=/k/unknown-digest" \
		"$case_dir/tampered=/k/tampered" "$kernel/vmlinuz=/k/other"
	vm_run '' --firmware secure --kernel "$case_dir/vmlinuz" --initrd "$case_dir/initrd" \
		--append only=secure --timeout 240
	expect_line "$log" 'secureboot: Secure boot enabled'
	advised 'warn  lockdown       the kernel is locked down \(integrity\): its own loader must be used, .*' 'kexec -s, with a kernel that is signed'
	expect_line "$log" '^@ doctor=0 00$'
	refused secure 00 'kexec_load failed: Permission denied: Secure Boot is on and the kernel is locked down \(integrity\): this call gives the running kernel no signature to check; try: kexec -s -l KERNEL.signed'
	refused unsigned 00 'kexec_file_load failed: No data available: the kernel is not signed, and must be; try: sbverify --list KERNEL'
	refused other 00 "kexec_file_load failed: Required key not available: the kernel's signature is of a key that the running kernel does not have; try: sbverify --list KERNEL; mokutil --list-enrolled"
	refused tampered 00 "kexec_file_load failed: Key was rejected by service: the kernel's contents do not match its signature, or the signature is revoked; try: sbverify --cert CERTIFICATE KERNEL"
	refused malformed 00 "kexec_file_load failed: Bad message: the kernel's signature is malformed; try: sbverify --list KERNEL"
	refused unwrapped 00 "kexec_file_load failed: Accessing a corrupted shared library: the kernel's PE header, or the table of its signatures, is malformed; try: sbverify --list KERNEL"
	refused unknown-digest 00 "kexec_file_load failed: Package not installed: the kernel's signature is of a kind that the running kernel was built without; try: sbverify --list KERNEL"
	expect_line "$log" '^@ signed=0 10$'
	expect_line "$log" '^kexec: /k/vmlinuz loaded by kexec_file_load: the running kernel is locked down$'
	expect_line "$log" '^@ chosen=0 10$'
	expect_line "$log" '^@ unloaded=0 00$'
	# The signature is of what is in the file, which is passed as a copy in memory.
	expect_line "$log" '^kexec: /tmp/vmlinuz.gz loaded by kexec_file_load: the running kernel is locked down$'
	expect_line "$log" '^@ packed=0 10$'
	refused packed-unsigned 10 'kexec_file_load failed: No data available: the kernel is not signed, and must be; try: sbverify --list KERNEL'
}

# The file of Debian's package, untouched, from the firmware to kexec_file_load: both trust Debian's certificate, which the
# running kernel has from the firmware.
case_debian_signed() {
	local kernel shim
	need_loader
	need python3
	kernel=$(kernel_dir 6.1-cloud) || exit
	shim=$("$VM_PACKAGES" --shim) || skip "Debian's certificate cannot be had"
	make_initramfs "$case_dir/initrd" "$vm_here/script-errors.sh" "$KEXEC=/sbin/kexec" "$kernel/vmlinuz=/k/vmlinuz"
	vm_run '' --firmware secure --trust "$shim/usr/share/shim/debian-uefi-ca.der" --kernel "$kernel/vmlinuz" \
		--initrd "$case_dir/initrd" --append only=debian --timeout 240
	expect_line "$log" 'secureboot: Secure boot enabled'
	refused secure 00 'kexec_load failed: Permission denied: Secure Boot is on and the kernel is locked down \(integrity\): this call gives the running kernel no signature to check; try: kexec -s -l KERNEL.signed'
	expect_line "$log" '^@ signed=0 10$'
	expect_line "$log" '^kexec: /k/vmlinuz loaded by kexec_file_load: the running kernel is locked down$'
	expect_line "$log" '^@ chosen=0 10$'
}

# What one system call is refused, the other may do.
case_fallback() {
	local kernel
	need_loader
	kernel=$(kernel_dir 6.1-cloud) || exit
	gcc -O2 -static -o "$case_dir/refuse" "$vm_here/refuse.c" || fail "refuse.c cannot be built"
	make_initramfs "$case_dir/initrd" "$vm_here/script-errors.sh" "$KEXEC=/sbin/kexec" \
		"$case_dir/refuse=/refuse" "$kernel/vmlinuz=/k/vmlinuz"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/initrd" --append only=fallback --timeout 240
	expect_line "$log" '^kexec: /k/vmlinuz loaded by kexec_file_load: kexec_load failed: Function not implemented$'
	expect_line "$log" '^@ file_load=0 10$'
	expect_line "$log" '^kexec: /k/vmlinuz loaded by kexec_load: kexec_file_load failed: Function not implemented$'
	expect_line "$log" '^@ load=0 10$'
	expect_line "$log" '^kexec: /k/vmlinuz loaded by kexec_load: kexec_file_load failed: Exec format error$'
	expect_line "$log" '^@ image=0 10$'
	refused busy 00 'kexec_load failed: Device or resource busy: another load is under way; try: the same again'
}

vm_cases secure_boot debian_signed fallback no_runtime_map small not_built ${FULL:+6.1} 6.12
