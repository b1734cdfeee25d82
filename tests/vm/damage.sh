# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# One bit of what was loaded is damaged from outside the guest, as the purgatory begins.

# What a case may set for damage(): the kernel's version, modules of the first kernel, arguments
# of QEMU.
version=6.1-cloud modules=() machine=()

# damage SEGMENT EXPRESSION [LOADER OPTION]: `s` is the segment in the Python expression for
# the byte's offset. Leaves the guest running, $offset in hexadecimal.
damage() {
	local kernel entry at
	need_loader
	need python3
	kernel=$(kernel_dir "$version") || exit
	make_initramfs "$case_dir/second" "$vm_here/script-hop.sh"
	# shellcheck disable=SC2046
	make_initramfs "$case_dir/first" "$vm_here/script-hop.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd" $(modules "$kernel" "${modules[@]}")
	vm_start '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" \
		--append "nokaslr hop=nokaslr pause=5 options=${3:-}" \
		-gdb "unix:path=$case_dir/gdb,server=on,wait=off" \
		-monitor "unix:path=$case_dir/monitor,server=on,wait=off" "${machine[@]}"
	vm_await '^@ jump 1'
	vm_clean_log
	entry=$(plan_field "$log" 1 'p["entry"]') || exit
	offset=$(plan_field "$log" 1 "[hex($2) for s in p['segments'] if s['name'] == '$1'][0]") || exit
	at=$(plan_field "$log" 1 "[hex(int(s['start'], 16) + $offset) for s in p['segments'] if s['name'] == '$1'][0]") || exit
	python3 "$vm_here/gdb.py" "$case_dir/gdb" "$entry" "$at" >"$case_dir/gdb.out" 2>&1 ||
		fail "$(cat "$case_dir/gdb.out")"
}

expect_nothing_started() {
	expect_count "$log" '\] Linux version ' 1
	expect_no_line "$log" 'SECOND KERNEL UP'
}

# The chunk of 256 KiB that has the damaged byte is named.
expect_named() {
	local chunk
	chunk=$(printf '0x%x' $((offset / 0x40000 * 0x40000)))
	expect_count "$log" \
		"^safekexec purgatory: segment [0-9]+ \\($1\\) is damaged: 0x[0-9a-f]+ bytes at offset $chunk of its source\$" 1
}
