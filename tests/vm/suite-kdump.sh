#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Crash kernels: loaded, started by a panic, and what they find in /proc/vmcore.
. "$(dirname "$0")/lib.sh"

# crash VERSION FIRMWARE APPEND [OPTION of vm_run]...
crash() {
	local version=$1 firmware=$2 append=$3 kernel
	shift 3
	need_loader
	need readelf
	kernel=$(kernel_dir "$version") || exit
	make_initramfs "$case_dir/second" "$vm_here/script-kdump.sh" "$KEXEC=/sbin/kexec" \
		"$(command -v readelf)=/bin/readelf"
	make_initramfs "$case_dir/first" "$vm_here/script-kdump.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	vm_run '' --firmware "$firmware" --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" \
		--append "$append" "$@"
	expect_line "$log" '^CAPTURED$'
}

case_first() {
	crash 6.1-cloud bios "crashkernel=160M hop=nr_cpus=1"
}

vm_cases first
