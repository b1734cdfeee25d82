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

# --- screens --------------------------------------------------------------------

# screen MODULE FRAMEBUFFER vm_run's arguments: the new kernel is told of the screen that
# the old one was told of, though a driver, known by its framebuffer's name, has it.
screen() {
	local module=$1 framebuffer=$2
	shift 2
	images "${version:-6.1}" virtio_pci "$module"
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

# --- an initrd that is unpacked --------------------------------------------------

# As microcode is in front of it; the new kernel's unpacker, not ours, judges what is made of it.
case_unpacked_initrd() {
	local kernel member
	need_loader
	need xz lz4
	kernel=$(kernel_dir 6.1-cloud) || exit
	for member in plain gzip xz lz4; do
		echo "in $member" >"$case_dir/word-$member"
		pack "$case_dir/$member" "$case_dir/word-$member=/member/$member"
	done
	make_initramfs "$case_dir/gzip" "$vm_here/script-unpack.sh" "$case_dir/word-gzip=/member/gzip"
	{
		cat "$case_dir/plain"
		gzip -c "$case_dir/gzip"
		xz --check=crc32 -c "$case_dir/xz"
		lz4 -q -l -c "$case_dir/lz4"
	} >"$case_dir/second"
	make_initramfs "$case_dir/first" "$vm_here/script-unpack.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --append nokaslr
	expect_line "$log" '^SECOND KERNEL UP$'
	for member in plain gzip xz lz4; do
		expect_equal "member $member" "$(value "$log" "member $member")" "in $member"
	done
	expect_no_line "$log" 'unpack-initrd: '
	expect_equal "bytes of the second kernel's initrd" "$(value "$log" 'initrd 2')" \
		"$(plan_field "$log" 1 'p["initrd"]["unpacked_size"]')"
	expect_equal "bytes of its file" "$(plan_field "$log" 1 'p["initrd"]["packed_size"]')" \
		"$(stat -c %s "$case_dir/second")"
}

# --- loads that fail --------------------------------------------------------------

case_failed_loads_keep_the_loaded_one() {
	local stub
	images
	make_initramfs "$case_dir/second" "$vm_here/script-hop.sh"
	build_program "$case_dir/elf" -m64 -DNOTES
	build_program "$case_dir/multiboot" -m32 -DMULTIBOOT=2
	xz -0 --check=crc32 -c "$kernel/vmlinuz" >"$case_dir/xz"
	stub=$("$VM_PACKAGES" --ukify)/usr/lib/systemd/boot/efi/linuxx64.efi.stub || fail "systemd's stub cannot be had"
	objcopy --add-section ".linux=$kernel/vmlinuz" --change-section-vma ".linux=$((0x$(objdump -p "$stub" | sed -n 's/^ImageBase\s*//p') + 0x2000000))" \
		"$stub" "$case_dir/uki" || fail "objcopy cannot make an image"
	make_initramfs "$case_dir/first" "$vm_here/script-refused.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd" "$case_dir/elf=/k/elf" "$case_dir/multiboot=/k/multiboot" \
		"$case_dir/xz=/k/xz" "$case_dir/uki=/k/uki"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --append "nokaslr crashkernel=192M" --timeout 300
	expect_line "$log" '^@ crash=0 loaded=1$'
	expect_equal "bad loads tried" "$(value "$log" tried)" 32
	expect_count "$log" '^@ refused .*=1 loaded=11 lines=1$' 32
	expect_line "$log" '^SECOND KERNEL UP$'
}

case_screen_simpledrm() {
	local version=simpledrm
	screen simpledrm simpledrmdrmfb --firmware ovmf -vga std
}

vm_cases cpus_4 la57_off la57_to_no5lvl numa_4 ${FULL:+screen_bochs} \
	screen_virtio_gpu ${FULL:+screen_vesafb screen_simpledrm} unpacked_initrd failed_loads_keep_the_loaded_one
