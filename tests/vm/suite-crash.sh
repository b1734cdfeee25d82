#!/bin/bash
# full
# SPDX-License-Identifier: LGPL-2.1-or-later
# crash opens a dump, as it was and filtered.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/crash.sh"

panics_on=2

case_dump() {
	local kernel dump
	need_loader
	need makedumpfile
	kernel=$(kernel_dir 6.1-cloud) || exit
	# shellcheck disable=SC2046
	make_initramfs "$case_dir/second" "$vm_here/script-crash.sh" \
		"$(command -v makedumpfile)=/sbin/makedumpfile" $(modules "$kernel" virtio_blk virtio_pci)
	make_initramfs "$case_dir/first" "$vm_here/script-crash.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	truncate -s 1200M "$case_dir/raw"
	truncate -s 200M "$case_dir/filtered"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --cpus 4 --timeout 240 \
		--append "crashkernel=192M cpu=$panics_on" \
		-drive "if=virtio,format=raw,file=$case_dir/raw" -drive "if=virtio,format=raw,file=$case_dir/filtered"
	expect_line "$log" '^@ loaded=1$'
	expect_line "$log" '^@ raw=0$'
	expect_line "$log" '^@ filtered=0 '
	truncate -s "$(sed -n 's/^@ filtered=0 //p' "$log")" "$case_dir/filtered"
	block "$log" ps >"$case_dir/ps"
	for dump in raw filtered; do
		crash_judge "$case_dir/$dump" "$panics_on" "$case_dir/ps"
		expect_count <(processes "${log%.log}-$dump.txt") ' sleep$' 2
	done
}

vm_cases dump
