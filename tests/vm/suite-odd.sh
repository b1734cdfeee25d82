#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Machines that are not like the others, and loads that must fail.
. "$(dirname "$0")/lib.sh"

# images [VERSION [MODULE]...]: $kernel, and $case_dir/first that starts the same kernel.
images() {
	need_loader
	kernel=$(kernel_dir "${1:-6.1-cloud}") || exit
	# shellcheck disable=SC2046
	make_initramfs "$case_dir/second" "$vm_here/script-hop.sh" $(modules "$kernel" "${@:2}")
	pack "$case_dir/loader" "$KEXEC=/sbin/kexec" "$kernel/vmlinuz=/k/vmlinuz" \
		"$case_dir/second=/k/initrd"
	cat "$case_dir/second" "$case_dir/loader" >"$case_dir/first"
}

# hop vm_run's arguments: after images.
hop() {
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" \
		--append "nokaslr hop=${words:-nokaslr}" "$@"
	expect_hop
}

expect_hop() {
	expect_line "$log" '^SECOND KERNEL UP$'
	expect_same_facts "$log" 1 2
	expect_planned_place "$log" 2
}

case_cpus_4() {
	images
	hop --cpus 4
	expect_equal "processors of the second kernel" "$(value "$log" 'cpus 2')" 4
}

case_la57_off() {
	images
	hop -cpu max,la57=off
	expect_equal "LA57 of the first kernel" "$(value "$log" 'la57 1')" 0
	expect_equal "LA57 of the second kernel" "$(value "$log" 'la57 2')" 0
}

case_la57_to_no5lvl() {
	local words=nokaslr,no5lvl
	images
	hop
	expect_equal "LA57 of the first kernel" "$(value "$log" 'la57 1')" 1
	expect_equal "LA57 of the second kernel" "$(value "$log" 'la57 2')" 0
}

case_numa_4() {
	local numa=() n
	for n in 0 1 2 3; do
		numa+=(-object "memory-backend-ram,size=1G,id=m$n" -numa "node,nodeid=$n,memdev=m$n,cpus=$n")
	done
	images
	hop --mem 4G --cpus 4 "${numa[@]}"
	expect_equal "nodes of the second kernel" "$(value "$log" 'nodes 2')" 0-3
}

# --- a firmware with a hostile memory map --------------------------------------

# boot_pinned "TYPE START COUNT STRIDE PAGES"...: UEFI boots $kernel with
# $case_dir/first behind pins.efi. The first line's pins are canaries.
boot_pinned() {
	build_pins "$case_dir/pins.efi"
	mkdir -p "$case_dir/esp/EFI/BOOT"
	mv "$case_dir/pins.efi" "$case_dir/esp/EFI/BOOT/BOOTX64.EFI"
	cp "$kernel/vmlinuz" "$case_dir/esp/vmlinuz"
	cp "$case_dir/first" "$case_dir/esp/initrd"
	local canaries=pins=${1// /:}
	printf '%s\n' "$@" >"$case_dir/esp/pins"
	echo "initrd=\\initrd $vm_cmdline nokaslr hop=nokaslr,$canaries $canaries" \
		>"$case_dir/esp/cmdline"
	vm_run '' --firmware ovmf --esp "$case_dir/esp"
}

# expect_canaries LOG START COUNT STRIDE, decimal or 0x: each pin's first page holds its own
# address in both kernels.
expect_canaries() {
	local i stage expected=''
	for ((i = 0; i < $3; i++)); do
		expected+=$(printf ' %016x %016x' $(($2 + i * $4)) $(($2 + i * $4)))$'\n'
	done
	for stage in 1 2; do
		[ "$(block "$1" "canaries $stage")" = "${expected%$'\n'}" ] ||
			fail "stage $stage: a pinned page has changed, see $1"
	done
}

case_e820_of_300_entries() {
	images
	boot_pinned '0 20000000 96 20000 1'
	expect_hop
	[ "$(block "$log" 'facts 1' | grep -c '^/sys/firmware/memmap/.*/type')" -gt 200 ] ||
		fail "the firmware's map has 200 entries or fewer"
	expect_canaries "$log" 0x20000000 150 0x20000
}

# Between the stripes there is room for the small kernel above its floor; for the large
# one there is only a place from which it would run over the first stripe.
case_stripes() {
	local large
	large=$(kernel_dir 6.1) || exit
	images
	pack "$case_dir/large" "$large/vmlinuz=/k/large"
	cat "$case_dir/large" >>"$case_dir/first"
	boot_pinned '0 4c00000 e 4000000 200' '0 3b400000 1 0 200'
	expect_equal "status for the kernel that fits nowhere" "$(value "$log" 'status too large')" 1
	expect_equal "loaded then" "$(value "$log" loaded)" 0
	expect_line "$log" '^kexec: .*kernel.*0x3f98000'
	expect_hop
	expect_canaries "$log" 0x4c00000 14 0x4000000
}

# --- screens --------------------------------------------------------------------

# screen MODULE FRAMEBUFFER vm_run's arguments: the new kernel is told of the screen that
# the old one was told of, though a driver, known by its framebuffer's name, has it.
screen() {
	local module=$1 framebuffer=$2
	shift 2
	images 6.1 virtio_pci "$module"
	hop "$@"
	expect_equal "framebuffer" "$(value "$log" 'framebuffer 1')" "$framebuffer"
	local before after
	before=$(value "$log" 'screen 1') after=$(value "$log" 'screen 2')
	expect_no_line "$log" '^@ screen 1=0*$'
	# The first two bytes are the cursor, which the decompressor moves in text modes.
	expect_equal "screen_info of the second kernel" "${after:4}" "${before:4}"
}

case_screen_bochs() {
	screen bochs bochs-drmdrmfb --firmware ovmf -vga std
}

case_screen_virtio_gpu() {
	screen virtio-gpu virtio_gpudrmfb --firmware ovmf -vga virtio
}

case_screen_vesafb() {
	screen vesafb 'VESA VGA' --firmware bios --append "nokaslr hop=nokaslr vga=0x317" -vga std
}

# --- loads that fail --------------------------------------------------------------

case_failed_loads_keep_the_loaded_one() {
	images
	make_initramfs "$case_dir/second" "$vm_here/script-hop.sh"
	make_initramfs "$case_dir/first" "$vm_here/script-refused.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --append "nokaslr"
	expect_equal "bad loads tried" "$(value "$log" tried)" 9
	expect_count "$log" '^@ refused .*=1 loaded=1 lines=1$' 9
	expect_line "$log" '^SECOND KERNEL UP$'
}

vm_cases cpus_4 la57_off la57_to_no5lvl numa_4 e820_of_300_entries stripes screen_bochs \
	screen_virtio_gpu screen_vesafb failed_loads_keep_the_loaded_one
