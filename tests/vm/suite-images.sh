#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Images besides bzImages with a 64-bit entry.
. "$(dirname "$0")/lib.sh"

# images VERSION: $kernel, and $case_dir/second, whose init reports.
images() {
	need_loader
	kernel=$(kernel_dir "$1") || exit
	make_initramfs "$case_dir/second" "$vm_here/script-hop.sh"
}

# start IMAGE OPTIONS WORDS [FILE=TARGET]... [-- vm_start argument]...: loads the image with options and a command line, commas
# for spaces, and starts it.
start() {
	local image=$1 options=$2 words=$3 files=()
	shift 3
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		files+=("$1")
		shift
	done
	[ $# = 0 ] || shift
	pack "$case_dir/loader" "$KEXEC=/sbin/kexec" "$image=/k/vmlinuz" "$case_dir/second=/k/initrd" \
		"${files[@]}"
	cat "$case_dir/second" "$case_dir/loader" >"$case_dir/first"
	vm_start '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" \
		--append "nokaslr options=$options hop=${words:-nokaslr}" "$@"
}

expect_hop() {
	vm_wait
	expect_line "$log" '^SECOND KERNEL UP$'
	expect_same_facts "$log" 1 2
	expect_planned_place "$log" 2
}

case_entry_32bit() {
	images 6.12-cloud
	start "$kernel/vmlinuz" --entry-32bit nokaslr
	expect_hop
	expect_line "$log" '^safekexec purgatory: all verified, entering the kernel at 0x1000000$'
}

# With UEFI, whose runtime services the second kernel takes over all the same.
case_entry_32bit_efi() {
	images 6.1-cloud
	start "$kernel/vmlinuz" --entry-32bit nokaslr -- --firmware ovmf
	expect_hop
}

# Its setup code asks the BIOS for what it hands on otherwise.
real_mode() {
	images "$1"
	start "$kernel/vmlinuz" --real-mode nokaslr,edd=off "${@:2}"
	expect_hop
	expect_line "$log" '^safekexec purgatory: all verified, entering the kernel at 0x1ff00$'
}

case_real_mode() {
	real_mode 6.12-cloud
}

case_real_mode_old() {
	real_mode 6.1-cloud -- --cpus 2
}

# What the running kernel has moved and stopped is as the BIOS needs it.
case_real_mode_setup() {
	need gcc
	images 6.12-cloud
	gcc -nostdlib -static -Wl,--build-id=none,-Ttext=0,-e0,--oformat=binary "$vm_here/setup.S" -o "$case_dir/setup" ||
		fail "setup.S cannot be built"
	chmod -x "$case_dir/setup"
	start "$case_dir/setup" --real-mode ''
	vm_await 'SETUP CODE: THREE TICKS'
	vm_stop
	expect_equal flags "$(value "$log" flags)" 0002
	expect_equal segments "$(value "$log" code-behind-data)" 20
	expect_equal "masks of the interrupt controllers" "$(value "$log" masks)" f8ff
	expect_equal "mode of the timer" "$(value "$log" timer)" 36
}

# A kernel of 32 bits. It cannot run the init of 64 that it finds in the initrd.
case_i386() {
	local other
	images 6.12-cloud
	other=$(kernel_dir 6.1-686) || exit
	start "$other/vmlinuz" '' 'nokaslr,panic=-1'
	vm_await 'Linux version [^ ]*-686 '
	vm_await 'Failed to execute /init \(error -8\)'
	vm_wait
}

# The ELF file that a kernel is linked to, without debugging symbols; with all that objcopy is given, and compressed.
vmlinux() {
	local debug
	debug=$("$VM_PACKAGES" --debug 6.12-cloud) || fail "debug symbols cannot be had"
	objcopy --strip-debug "$@" "$debug" "$case_dir/vmlinux" || fail "objcopy failed"
	gzip -1 "$case_dir/vmlinux"
}

case_vmlinux() {
	images 6.12-cloud
	vmlinux
	start "$case_dir/vmlinux.gz" '' nokaslr -- --mem 2G
	expect_hop
	expect_line "$log" '^safekexec purgatory: all verified, direct start of the kernel at 0x1000'
}

# Moved, and stripped: whether it takes 5-level paging cannot be seen.
case_vmlinux_moved() {
	images 6.12-cloud
	vmlinux --strip-all
	start "$case_dir/vmlinux.gz" --mem-min=0x10000001 nokaslr -- --mem 2G -cpu max,la57=off
	vm_wait
	expect_line "$log" '^SECOND KERNEL UP$'
	expect_same_facts "$log" 1 2
	expect_equal "where it runs" "$(value "$log" 'kernel-code 2')" 10200000
}

# device_tree WAY [VERSION]: a kernel that is loaded so, of $kernel's or that version, has the tree's bytes.
device_tree() {
	local loaded
	need python3
	need_loader
	kernel=$(kernel_dir 6.12-cloud) && loaded=$(kernel_dir "${2:-6.12-cloud}") || exit
	# More than a page of structure: a node with a word, and padding in a property.
	python3 - "$case_dir/dtb" <<-'END' || fail "no device tree could be made"
		import struct, sys
		strings = b"word\0padding\0"
		def token(number, rest=b""):
		    return struct.pack(">I", number) + rest + bytes(-len(rest) % 4)
		def prop(name, value):
		    return token(3, struct.pack(">II", len(value), strings.index(name + b"\0")) + value)
		tree = (token(1, b"\0") + token(1, b"safekexec\0") + prop(b"word", b"of the old kernel\0") +
		        prop(b"padding", b"x" * 9000) + token(2) + token(2) + token(9))
		header = [40 + 16 + len(tree) + len(strings), 56, 56 + len(tree), 40, 17, 16, 0, len(strings), len(tree)]
		with open(sys.argv[1], "wb") as out:
		    out.write(struct.pack(">10I", 0xd00dfeed, *header) + bytes(16) + tree + strings)
	END
	make_initramfs "$case_dir/second" "$vm_here/script-dtb.sh"
	make_initramfs "$case_dir/first" "$vm_here/script-dtb.sh" "$KEXEC=/sbin/kexec" "$loaded/vmlinuz=/k/vmlinuz" \
		"$case_dir/second=/k/initrd" "$case_dir/dtb=/k/dtb"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --timeout 300 --append "nokaslr crashkernel=192M way=$1"
	expect_line "$log" '^@ status load 1=0$'
	block "$log" tree | base64 -d >"$case_dir/told"
	cmp "$case_dir/dtb" "$case_dir/told" || fail "the new kernel was told another device tree"
}

case_device_tree() {
	device_tree l
	expect_equal captured "$(value "$log" captured)" ''
}

case_device_tree_crash() {
	device_tree p
	expect_equal captured "$(value "$log" captured)" yes
}

# Unpacked, as no packaged kernel does it.
case_device_tree_unpacked() {
	device_tree l devicetree
	expect_equal "the property" "$(value "$log" property)" "of the old kernel"
}

# memtest NAME OPTIONS: what it is shows on its serial console.
memtest() {
	local directory
	images 6.12-cloud
	directory=$("$VM_PACKAGES" --memtest) || fail "memtest86+ cannot be had"
	start "$directory/boot/memtest86+$1.bin" "$2" console=ttyS0,115200
	vm_await 'safekexec purgatory: all verified'
	vm_await 'Status: Testing'
	vm_stop
}

case_memtest_x64() {
	memtest x64 ''
}

case_memtest_ia32() {
	memtest ia32 ''
}

# Its own setup code, which is not Linux's.
case_memtest_real_mode() {
	memtest x64 --real-mode
}

# compressed OPTION: a kernel after the other in one machine, each a file that is compressed in another way.
compressed() {
	local files=() format stage formats=('zstd -1' 'xz --format=lzma -0' 'lzop -1')
	[ -z "$FULL" ] || formats+=('gzip -1' 'xz -0' 'lz4 -1' 'bzip2 -1')
	need gzip xz zstd lz4 bzip2 lzop
	images 6.12-cloud
	make_initramfs "$case_dir/base" "$vm_here/script-chain.sh"
	for format in "${formats[@]}"; do
		files+=("$case_dir/${#files[@]}=/k/vmlinuz.$((${#files[@]} + 1))")
		$format <"$kernel/vmlinuz" >"${files[-1]%%=*}"
	done
	pack "$case_dir/loader" "$KEXEC=/sbin/kexec" "$case_dir/base=/k/initrd" "${files[@]}"
	cat "$case_dir/base" "$case_dir/loader" >"$case_dir/first"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --mem 2G --timeout 900 \
		--append "options=$1 plan=no last=$((${#files[@]} + 1))"
	for ((stage = 1; stage <= ${#files[@]}; stage++)); do
		expect_line "$log" "^@ status load $stage=0\$"
		expect_same_facts "$log" 1 $((stage + 1))
	done
	expect_line "$log" '^@ done 0$'
}

case_compressed() {
	compressed -c
}

case_compressed_s() {
	compressed -s
}

vm_cases compressed entry_32bit entry_32bit_efi real_mode ${FULL:+real_mode_old} real_mode_setup i386 ${FULL:+vmlinux} vmlinux_moved memtest_x64 ${FULL:+memtest_ia32 memtest_real_mode} \
	device_tree device_tree_crash ${FULL:+device_tree_unpacked compressed_s}
