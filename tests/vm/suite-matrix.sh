#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# From each kernel to each, on both firmwares, with memory below and across 4 GiB.
. "$(dirname "$0")/lib.sh"

kernels='6.1-cloud 6.12-cloud 6.1'
firmwares='bios ovmf'
sizes='1G 6G'

# Every pair of two kernels once: other suites start the same one again.
covering='6.1-cloud_6.12-cloud_bios_6G 6.1-cloud_6.1_ovmf_6G 6.12-cloud_6.1-cloud_ovmf_6G
	6.12-cloud_6.1_bios_1G 6.1_6.1-cloud_bios_1G 6.1_6.12-cloud_ovmf_1G'

# hop FROM TO FIRMWARE SIZE
hop() {
	local from to
	need_loader
	from=$(kernel_dir "$1") || exit
	to=$(kernel_dir "$2") || exit
	make_initramfs "$case_dir/second" "$vm_here/script-hop.sh"
	make_initramfs "$case_dir/first" "$vm_here/script-hop.sh" "$KEXEC=/sbin/kexec" \
		"$to/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	vm_run '' --firmware "$3" --mem "$4" --kernel "$from/vmlinuz" --initrd "$case_dir/first" \
		--append "nokaslr hop=nokaslr"
	expect_line "$log" '^SECOND KERNEL UP$'
	expect_same_facts "$log" 1 2
	expect_planned_place "$log" 2
}

everything=()
for from in $kernels; do
	for to in $kernels; do
		for firmware in $firmwares; do
			for size in $sizes; do
				name=${from}_${to}_${firmware}_$size
				eval "case_$name() { hop $from $to $firmware $size; }"
				everything+=("$name")
			done
		done
	done
done

if [ -n "$FULL" ]; then
	vm_cases "${everything[@]}"
else
	# shellcheck disable=SC2086
	vm_cases $covering
fi
