#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Firmware with a hostile memory map, made by pins.c: stripes of reserved memory, all of them
# canaries. Each case says whether a kernel is loaded, and where it runs then.
. "$(dirname "$0")/lib.sh"

# Stripes of 2 MiB with 62 MiB between them. Behind \pins' first line, what fills the gap below the
# firmware's own memory.
stripes=('0 4c00000 e 4000000 200' '0 3b400000 1 0 200')

# boot TARGET WORDS PIN...: UEFI starts the kernel $first, 6.1-cloud, behind pins.efi; that
# one loads TARGET. Words: see script-hazard.sh.
boot() {
	local target=$1 words=$2 peer pins
	shift 2
	need_loader
	need gcc
	first=$(kernel_dir "${first:-6.1-cloud}") || exit
	target=$(kernel_dir "$target") || exit
	peer=$("$VM_PACKAGES" --peer) || fail "kexec-tools cannot be had"
	build_pins "$case_dir/pins.efi"
	gcc -O2 -static -o "$case_dir/canaries" "$vm_here/canaries.c" || fail "canaries.c cannot be built"
	mkdir -p "$case_dir/esp/EFI/BOOT"
	mv "$case_dir/pins.efi" "$case_dir/esp/EFI/BOOT/BOOTX64.EFI"
	make_initramfs "$case_dir/second" "$vm_here/${script:-script-hazard.sh}" "$case_dir/canaries=/canaries" \
		"$KEXEC=/sbin/kexec" "$(dirname "$KEXEC")/vmcore-dmesg=/sbin/vmcore-dmesg"
	pack "$case_dir/loader" "$target/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd" \
		"$peer/sbin/kexec=/sbin/peer-kexec"
	cat "$case_dir/second" "$case_dir/loader" >"$case_dir/esp/initrd"
	cp "$first/vmlinuz" "$case_dir/esp/vmlinuz"
	printf '%s\n' "$@" >"$case_dir/esp/pins"
	pins=pins=$(sed 's/ /:/g' "$case_dir/esp/pins" | paste -sd +)
	echo "initrd=\\initrd $vm_cmdline nokaslr hop=nokaslr,$pins $pins $words" >"$case_dir/esp/cmdline"
	vm_start '' --firmware ovmf --esp "$case_dir/esp" --mem "${mem:-1G}" --timeout "${timeout:-240}"
}

# expect_canaries PAGES NAME...: all that were pinned are whole, at each of these times.
expect_canaries() {
	local pages=$1 name
	shift
	for name; do
		expect_equal "canaries $name" "$(block "$log" "canaries $name")" "pages=$pages whole=$pages"
	done
}

# starts PAGES ADDRESS: the new kernel runs there, and every canary is whole.
starts() {
	vm_wait
	expect_line "$log" '^@ status load 1=0$'
	expect_line "$log" '^SECOND KERNEL UP$'
	[ -n "${marked:-}" ] || expect_same_facts "$log" 1 2
	expect_planned_place "$log" 2
	expect_equal "the kernel's place" "$(plan_field "$log" 1 "[s['start'] for s in p['segments'] if s['name'] == 'kernel'][0]")" "$2"
	expect_canaries "$1" 1 after 2
}

# refused PAGES SENTENCE: nothing is loaded.
refused() {
	vm_wait
	expect_line "$log" '^@ status load 1=1$'
	expect_line "$log" "^kexec: /k/vmlinuz: kernel: no place for 0x3f98000 bytes \\(65120 KiB\\) aligned to 0x200000 at or above 0x1000000; $2; try: a smaller kernel or initrd, other --mem-min and --mem-max, or a reboot through the firmware\$"
	expect_line "$log" '^@ loaded=0$'
	expect_canaries "$1" 1 after
}

# dies: what was loaded is started, and nothing is heard any more.
dies() {
	local waited
	vm_await '^@ jump 1'
	for ((waited = 0; waited < 30; waited++)); do
		kill -0 "$vm_pid" 2>/dev/null || break
		sleep 1
	done
	vm_stop
	expect_line "$log" '^@ status load=0$'
	expect_line "$log" '^@ loaded=1$'
	expect_no_line "$log" '^SECOND KERNEL UP$'
	expect_no_line "$log" 'kexec -e came back'
}

# No hole at or above the floor, and one below that would do.
case_tempting() {
	boot 6.1 '' "${stripes[@]}"
	refused 7680 'the largest hole there is 0x[0-9a-f]*-0x[0-9a-f]* \(63488 KiB\), ended by Reserved by the firmware, begun after Reserved by the firmware'
}

# Debian 12's, which asks for a place below the floor, and is given it.
case_tempting_peer() {
	boot 6.1 loader=peer "${stripes[@]}"
	dies
	expect_line "$log" '^@ peer=kexec-tools 2\.0\.25$'
	expect_line "$log" '^Loaded 64bit kernel at 0xc00000$'
	expect_canaries 7680 1 after
}

# The running kernel's loader, before it had a floor, and since.
case_tempting_kernel_6.1() {
	boot 6.1 loader=kernel "${stripes[@]}"
	dies
	expect_line "$log" "^kexec: warning: the running kernel's own loader may put the kernel at 0xc00000, from where it moves itself to 0x1000000, over what is there\$"
	expect_equal "the kernel's own place for the kernel" "$(value "$log" kernel-place)" 0xc00000
	expect_canaries 7680 1 after
}

# Under lockdown the running kernel's loader is the only one, and nobody has asked for it.
case_tempting_lockdown_6.1() {
	boot 6.1 'loader=auto lockdown=integrity' "${stripes[@]}"
	vm_wait
	expect_line "$log" "^kexec: the running kernel's own loader may put the kernel at 0xc00000, from where it moves itself to 0x1000000, over what is there, and no other is allowed: nothing was loaded; -s does it all the same\$"
	expect_line "$log" '^@ status load=1$'
	expect_line "$log" '^@ loaded=0$'
}

case_tempting_kernel_6.12() {
	local first=6.12-cloud
	boot 6.1 loader=kernel "${stripes[@]}"
	vm_wait
	expect_line "$log" '^@ status load=255$'
	expect_line "$log" "^kexec: kexec_file_load failed: Cannot assign requested address: the running kernel's loader finds no place in memory; try: kexec -c ...\$"
	expect_no_line "$log" '^kexec: warning: the running kernel.s own loader'
	expect_canaries 7680 1 after
}

case_small_enough() {
	boot 6.1-cloud '' "${stripes[@]}"
	starts 7680 0x1000000
}

# More entries than the zero page holds.
case_entries_300() {
	boot 6.1-cloud '' '0 20000000 96 20000 1'
	starts 150 0x1000000
	[ "$(block "$log" 'facts 1' | grep -c '^/sys/firmware/memmap/.*/type')" -gt 200 ] ||
		fail "the firmware's map has 200 entries or fewer"
}

# One hole that fits to the byte; the same, a page too small; one that would do but for the
# alignment.
case_exact() {
	boot 6.1 '' '0 4c00000 4 4000000 200' '0 14d98000 1 0 68' '0 18c00000 9 4000000 200' '0 3b400000 1 0 200'
	starts 7272 0x10e00000
}

case_page_short() {
	boot 6.1 '' '0 4c00000 4 4000000 200' '0 14d97000 1 0 69' '0 18c00000 9 4000000 200' '0 3b400000 1 0 200'
	refused 7273 'the largest hole there is 0x10e00000-0x14d97000 \(65116 KiB\), ended by Reserved by the firmware, begun after Reserved by the firmware'
}

case_unaligned() {
	boot 6.1 '' '0 4c00000 3 4000000 200' '0 10c00000 1 0 300' '0 14f18000 1 0 e8' '0 18c00000 9 4000000 200' '0 3b400000 1 0 200'
	refused 7656 'the largest hole there is 0x10f00000-0x14f18000 \(65632 KiB, 64608 KiB from the first aligned address on\), ended by Reserved by the firmware, begun after Reserved by the firmware'
}

case_above_4g() {
	local mem=5G timeout=400
	boot 6.1 '' '0 4c00000 1e 4000000 200' '0 7a000000 4 1000000 200'
	starts 17408 0x100000000
}

# The reservation lies between two stripes.
case_crash() {
	boot 6.1-cloud 'crash=1 crashkernel=112M' '0 4c00000 7 8000000 200'
	vm_wait
	expect_line "$log" '^@ status load=0$'
	expect_line "$log" '^CAPTURED$'
	expect_equal "the reservation" "$(plan_field "$log" 1 "p['crash']['reservation']")" "{'start': '0x2d000000', 'end': '0x34000000'}"
	expect_equal "the kernel's place" "$(plan_field "$log" 1 "[s['start'] for s in p['segments'] if s['name'] == 'kernel'][0]")" 0x2d000000
	expect_planned_place "$log" 2
	expect_canaries 3584 1 after 2
}

# The check itself: a canary that is overwritten is found, by its address.
case_damaged_canary() {
	boot 6.1-cloud 'damage=0x8c01230' "${stripes[@]}"
	vm_wait
	expect_line "$log" '^SECOND KERNEL UP$'
	expect_equal "canaries" "$(block "$log" 'canaries 2')" $'damaged 0x8c01230: 0x0000000008c01001\npages=7680 whole=7679'
}

# The map of the report from Hyper-V, but for the kernel's own copy, mem13, and what lies
# above this machine's memory. The firmware's own wishes come first: what differs is printed.
# Memory of boot services, which is free now, is in the runtime map, too, and the new kernel marks
# what it finds in use of that (efi_reserve_boot_services() in arch/x86/platform/efi/quirks.c).
case_thread() {
	local mem=2815M timeout=240 marked=yes map=$vm_top/tests/sysroot/hyperv-gen2/dmesg pins differences
	mapfile -t pins < <(sed -n -E 's/.*mem(..): type=([0-9]+), .*range=\[0x([0-9a-f]+)-0x([0-9a-f]+)\).*/\1 \2 \3 \4/p' "$map" |
		while read -r number type start end; do
			[ "$number" != 13 ] && [ "$type" != 7 ] && [ $((0x$end)) -le $((0xb0000000)) ] &&
				printf '%x %x 1 0 %x\n' "$type" $((0x$start)) $(((0x$end - 0x$start) / 4096))
		done)
	boot 6.1 efi=debug "${pins[@]}"
	starts 1 0x1000000
	differences=$(block "$log" memory | python3 "$vm_here/efimap-diff.py" "$map") || fail "no map in the log"
	echo "$differences"
	grep -q '^# 0x806000-0x808000: Conventional in the report, here ACPI Mem NVS$' <<<"$differences" ||
		fail "what OVMF keeps to itself is not among the differences"
	# What was in the kernel's way.
	! grep -E '^# 0x4[2-7][0-9a-f]{5}-' <<<"$differences" >"$case_dir/said" || fail "$(cat "$case_dir/said")"
}

vm_cases entries_300 tempting tempting_peer tempting_kernel_6.1 tempting_lockdown_6.1 tempting_kernel_6.12 small_enough exact \
	page_short unaligned above_4g crash damaged_canary thread
