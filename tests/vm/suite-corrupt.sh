#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One bit is damaged after the load, as the purgatory begins: it must say where, and
# start nothing.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/damage.sh"

# reset SEGMENT EXPRESSION [LOADER OPTION]
reset() {
	damage "$@"
	vm_wait
	expect_named "$1"
	expect_line "$log" '^safekexec purgatory: reset in 10 .* 0 s$'
	expect_nothing_started
}

case_kernel_first_byte() {
	reset kernel 0
}

case_kernel() {
	reset kernel 's["file_size"] // 2 + 5'
}

# Of a kernel that is unpacked.
case_direct() {
	reset kernel 's["file_size"] // 2 + 5' --direct
	[ "$(plan_field "$log" 1 'p["direct"]["unpacked_size"]')" -gt 0 ] || fail "not started directly"
}

case_initrd_last_byte() {
	reset initrd 's["file_size"] - 1'
}

case_params() {
	reset params 0x1e8
}

# reset_by_first_stage OFFSET: of a purgatory that has no spare copy.
reset_by_first_stage() {
	damage purgatory "$1"
	vm_wait
	expect_line "$log" '^safekexec purgatory: damaged, and its spare copy, if any$'
	expect_nothing_started
}

# The digests themselves: the last one ends the purgatory's file.
case_tables() {
	reset_by_first_stage 's["file_size"] - 1'
}

# The parameter block stands behind the second stage's entry.
case_parameter_block() {
	reset_by_first_stage 0x1c0
}

case_halt() {
	damage initrd 's["file_size"] // 2' --on-corruption=halt
	vm_await '^safekexec purgatory: halted'
	sleep 2
	kill -0 "$vm_pid" 2>/dev/null || fail "the guest ended instead of standing still"
	vm_stop
	expect_named initrd
	expect_nothing_started
}

# on_screen COMMAND PROGRAM: what a program makes of what the monitor's command writes to
# $case_dir/screen says that the initrd is damaged.
on_screen() {
	vm_await '^safekexec purgatory: halted'
	sleep 1
	python3 "$vm_here/monitor.py" "$case_dir/monitor" "$1" >"$case_dir/monitor.out" 2>&1 ||
		fail "$(cat "$case_dir/monitor.out")"
	vm_stop
	$2 >"$log.screen" 2>&1
	expect_count "$log.screen" \
		'^safekexec purgatory: segment 3 \(initrd\) is damaged: 0x40000 bytes at offset 0x0$' 1
	expect_count "$log.screen" '^safekexec purgatory: halted$' 1
	expect_nothing_started
}

screen_memory() {
	python3 -c 'import sys
text = open(sys.argv[1], "rb").read()[::2].decode("latin-1")
for at in range(0, 2000, 80):
    print(text[at:at + 80].rstrip())' "$case_dir/screen"
}

screen_picture() {
	python3 "$vm_here/screen.py" "$case_dir/screen" "$vm_top/purgatory/vga_font.c"
}

case_vga() {
	local machine=(-vga std)
	damage initrd 5 --on-corruption=halt,--console-vga
	on_screen "pmemsave 0xb8000 4000 \"$case_dir/screen\"" screen_memory
}

# From a graphics mode, in which a driver has written over the font.
case_vga_from_graphics() {
	local version=6.1 modules=(bochs fbcon) machine=(-vga std)
	damage initrd 5 --on-corruption=halt,--console-vga,--reset-vga
	expect_equal "framebuffer" "$(value "$log" 'framebuffer 1')" bochs-drmdrmfb
	on_screen "screendump $case_dir/screen" screen_picture
}

# staged [PLACE WORD]: a boot in which the purgatory copies the initrd. If asked to, one bit
# in the middle of the initrd's PLACE is flipped, and the purgatory calls it WORD: at its
# entry in `start`, where the initrd is loaded, or, as soon as the copy is complete, in
# `copied_to`, where it must be when the new kernel starts.
staged() {
	local kernel build entry start copied_to size after=
	need_loader
	kernel=$(kernel_dir 6.1-cloud) || exit
	build=$(dirname "$(dirname "$KEXEC")")
	make -C "$build" "$build/tests/vm/staged" >"$case_dir/make.log" 2>&1 || fail "staged does not build"
	make_initramfs "$case_dir/second" "$vm_here/script-staged.sh"
	make_initramfs "$case_dir/first" "$vm_here/script-staged.sh" "$KEXEC=/sbin/kexec" \
		"$build/tests/vm/staged=/sbin/staged" "$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	vm_start '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" \
		--append "nokaslr pause=5" -gdb "unix:path=$case_dir/gdb,server=on,wait=off"
	vm_await '^@ jump 1'
	vm_clean_log
	[ $# = 2 ] || return 0
	entry=$(plan_field "$log" 1 'p["entry"]') || exit
	size=$(initrd_field 's["file_size"]') || exit
	start=$(initrd_field 's["start"]') || exit
	copied_to=$(initrd_field 's["copied_to"]["start"]') || exit
	offset=$((size / 2))
	[ "$1" = start ] || after=after=$(printf '0x%x' $((copied_to + size - 1)))
	# shellcheck disable=SC2086
	python3 "$vm_here/gdb.py" "$case_dir/gdb" "$entry" $after "$(printf '0x%x' $((${!1} + offset)))" \
		>"$case_dir/gdb.out" 2>&1 || fail "$(cat "$case_dir/gdb.out")"
	vm_wait
	expect_nothing_started
	expect_line "$log" '^safekexec purgatory: reset in 10 .* 0 s$'
	expect_line "$log" "^safekexec purgatory: segment [0-9]+ \\(initrd\\) is damaged: .* at offset $(printf '0x%x' $((offset / 0x40000 * 0x40000))) of its $2"
}

# initrd_field EXPRESSION: `s` is the initrd's segment in the plan.
initrd_field() {
	plan_field "$log" 1 "[$1 for s in p['segments'] if s['name'] == 'initrd'][0]"
}

case_copy() {
	staged
	vm_wait
	expect_line "$log" '^SECOND KERNEL UP$'
}

case_copy_source() {
	staged start source
}

case_copy_destination() {
	staged copied_to copy
}

vm_cases ${FULL:+kernel_first_byte} kernel direct initrd_last_byte params tables ${FULL:+parameter_block} halt vga vga_from_graphics copy \
	${FULL:+copy_source} copy_destination
