#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each way of SHA-256 in a real kexec: the purgatory takes the one that the processor has, names
# it, and finds one bit with it. QEMU's emulation has no AVX-512.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/damage.sh"

# boots NAME CPU [LOADER OPTION]: $machine is set for damage().
boots() {
	local kernel
	machine=(-cpu "$2")
	need_loader
	kernel=$(kernel_dir "$version") || exit
	make_initramfs "$case_dir/second" "$vm_here/script-hop.sh"
	make_initramfs "$case_dir/first" "$vm_here/script-hop.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	vm_run boots --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --append "options=-c${3:+,$3}" "${machine[@]}"
	expect_way "$1"
	expect_line "$log" '^safekexec purgatory: all verified, entering the kernel'
	expect_count "$log" '\] Linux version ' 2
	expect_line "$log" '^SECOND KERNEL UP$'
}

# way NAME CPU: the bit is in a chunk that is hashed with others.
way() {
	boots "$1" "$2"
	damage kernel 's["file_size"] // 2 + 5' -c
	vm_wait
	expect_way "$1"
	expect_named kernel
	expect_nothing_started
}

expect_way() {
	expect_count "$log" '^safekexec purgatory: verifying ' 1
	expect_line "$log" "^safekexec purgatory: verifying [0-9]+ segments, [0-9]+ MiB, $1\$"
}

case_sha-ni() {
	local major
	major=$(qemu-system-x86_64 --version | sed -n 's/^QEMU emulator version \([0-9]*\).*/\1/p')
	[ "$major" -ge 9 ] || skip "this QEMU does not emulate the SHA extensions"
	way sha-ni max
}

case_avx2() {
	way avx2 max,-sha-ni
}

case_baseline() {
	way baseline max,-sha-ni,-avx2
}

# What the command allows counts, whatever else the processor has.
case_asked() {
	boots avx2 max --hash=avx2
}

vm_cases sha-ni avx2 baseline asked
