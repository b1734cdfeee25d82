#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Unified kernel images, as Debian's tools make them, are started.
. "$(dirname "$0")/lib.sh"

# make_parts: what is in the sections, below $case_dir. Words of the command line that the loader finds in
# the image; `from` tells them apart.
make_parts() {
	local name
	stub=$tools/usr/lib/systemd/boot/efi/linuxx64.efi.stub
	addon=$tools/usr/lib/systemd/boot/efi/addonx64.efi.stub
	for name in ucode initrd given; do
		echo "$name" >"$case_dir/word-$name"
	done
	pack "$case_dir/ucode" "$case_dir/word-ucode=/from/ucode"
	make_initramfs "$case_dir/plain" "$vm_here/script-uki.sh" "$case_dir/word-initrd=/from/initrd"
	gzip -c "$case_dir/plain" >"$case_dir/initrd"
	make_initramfs "$case_dir/given" "$vm_here/script-uki.sh" "$case_dir/word-given=/from/given"
	echo 'ID=uki-test' >"$case_dir/osrel"
	echo '{"sha256":[]}' >"$case_dir/pcrsig"
	echo 'a public key' >"$case_dir/pcrpkey"
	# Of a device tree that no x86 kernel reads: an empty one.
	printf '\320\015\376\355\0\0\0\110\0\0\0\070\0\0\0\110\0\0\0\050\0\0\0\021\0\0\0\020\0\0\0\0\0\0\0\0\0\0\0\020' >"$case_dir/dtb"
	printf '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\001\0\0\0\0\0\0\0\002\0\0\0\011' >>"$case_dir/dtb"
	echo "$vm_cmdline stage=2 from=base" >"$case_dir/cmdline"
}

# images KERNEL: $kernel, and the parts of an image with it.
images() {
	need_loader
	kernel=$(kernel_dir "$1") || exit
	need_ukify
	make_parts
}

# make_image LINUX OUT: base and two profiles, of which the second has a command line of its own.
make_image() {
	ukify --stub="$addon" --profile='ID=one' --cmdline="$vm_cmdline stage=2 from=one" --output="$case_dir/one.efi"
	ukify --stub="$stub" --linux="$1" --initrd="$case_dir/initrd" --microcode="$case_dir/ucode" \
		--cmdline="@$case_dir/cmdline" --os-release="@$case_dir/osrel" --pcrpkey="$case_dir/pcrpkey" \
		--section=".pcrsig:@$case_dir/pcrsig" --devicetree="$case_dir/dtb" --profile='ID=zero' --join-profile="$case_dir/one.efi" \
		--output="$2"
}

# start IMAGE WORDS [FILE=TARGET]... [-- vm_run argument...]: $kernel, or what those arguments say, loads the image and
# starts it.
start() {
	local image=$1 words=$2 files=()
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		files+=("$1")
		shift
	done
	make_initramfs "$case_dir/first" "$vm_here/script-uki.sh" "$KEXEC=/sbin/kexec" \
		"$image=/k/vmlinuz" "${files[@]}"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --append "nokaslr $words" "${@:2}"
	expect_line "$log" '^SECOND KERNEL UP$'
}

# expect_parts FROM PROFILE INITRD: by their names.
expect_parts() {
	expect_line "$log" "^@ cmdline $vm_cmdline stage=2 from=$1 *\$"
	expect_equal "the microcode" "$(value "$log" 'file \/from\/ucode')" "644 ucode"
	expect_equal "the initrd" "$(value "$log" "file \\/from\\/$3")" "644 $3"
	expect_equal "os-release" "$(value "$log" 'file \/.extra\/os-release')" "444 ID=uki-test"
	expect_equal "the signature" "$(value "$log" 'file \/.extra\/tpm2-pcr-signature.json')" '444 {"sha256":[]}'
	expect_equal "the key" "$(value "$log" 'file \/.extra\/tpm2-pcr-public-key.pem')" '444 a public key'
	expect_equal "the profile" "$(value "$log" 'file \/.extra\/profile')" "444 ID=$2"
	expect_line "$log" '^@ directory 555$'
}

case_placed() {
	images 6.12-cloud
	make_image "$kernel/vmlinuz" "$case_dir/uki.efi"
	start "$case_dir/uki.efi" options=-c,--console-serial
	expect_parts base zero initrd
	expect_line "$log" '^safekexec purgatory: all verified'
	expect_line "$log" '^unified    profile 0, with its own command line$'
	expect_count "$log" '^ok    loaded         the (kernel|initrd) /k/vmlinuz is as it was loaded$' 2
}

case_direct() {
	images 6.12-cloud
	make_image "$kernel/vmlinuz" "$case_dir/uki.efi"
	start "$case_dir/uki.efi" options=-c,--direct,--unpack-initrd,--console-serial,--uki-profile=1
	expect_parts one one initrd
	expect_line "$log" '^safekexec purgatory: all verified, direct start of the kernel at 0x'
	expect_equal "bytes of the unpacked initrd" "$(plan_field "$log" 1 'p["initrd"]["unpacked_size"] > p["initrd"]["packed_size"]')" True
}

case_by_the_kernel() {
	images 6.12-cloud
	make_image "$kernel/vmlinuz" "$case_dir/uki.efi"
	start "$case_dir/uki.efi" "plan=no options=-s,--uki-profile=1"
	expect_parts one one initrd
	expect_line "$log" '^unified    profile 1, with its own command line$'
	expect_count "$log" '^ok    loaded         the (kernel|initrd) /k/vmlinuz is as it was loaded$' 2
}

# Its .linux is signed by whom the running kernel trusts, and handed over as it is; around it nothing is signed.
case_locked_down() {
	images 6.1-cloud
	signed "$kernel"
	make_image "$case_dir/vmlinuz" "$case_dir/uki.efi"
	make_image "$case_dir/unsigned" "$case_dir/unsigned.efi"
	start "$case_dir/uki.efi" "plan=no options=-a" "$case_dir/unsigned.efi=/k/unsigned" -- \
		--firmware secure --kernel "$case_dir/vmlinuz" --timeout 240
	expect_parts base zero initrd
	expect_line "$log" '^kexec: kexec_file_load failed: No data available: the kernel is not signed, and must be; '
	expect_line "$log" '^kexec: /k/vmlinuz loaded by kexec_file_load: the running kernel is locked down$'
}

# What is given is in place of what is in the image.
case_in_place() {
	images 6.12-cloud
	make_image "$kernel/vmlinuz" "$case_dir/uki.efi"
	start "$case_dir/uki.efi" "options=-c,--initrd=/k/given append=stage=2,from=given" "$case_dir/given=/k/given"
	expect_parts given zero given
}

# Without ukify, as it was done before there was one; compressed as a whole.
case_objcopy() {
	local at name arguments=()
	images 6.12-cloud
	need objcopy xz
	at=$((0x$(objdump -p "$stub" | sed -n 's/^ImageBase\s*//p') + 0x2000000))
	for name in osrel cmdline ucode initrd pcrsig pcrpkey; do
		arguments+=(--add-section ".$name=$case_dir/$name" --change-section-vma ".$name=$at")
		at=$((at + 0x1000000))
	done
	cp "$kernel/vmlinuz" "$case_dir/linux"
	objcopy "${arguments[@]}" --add-section ".linux=$case_dir/linux" --change-section-vma ".linux=$at" \
		"$stub" "$case_dir/uki" || fail "objcopy failed"
	xz -c "$case_dir/uki" >"$case_dir/uki.efi"
	start "$case_dir/uki.efi" options=-c
	expect_line "$log" "^@ cmdline $vm_cmdline stage=2 from=base *\$"
	expect_equal "os-release" "$(value "$log" 'file \/.extra\/os-release')" "444 ID=uki-test"
}

vm_cases placed direct by_the_kernel locked_down in_place objcopy
