#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Multiboot kernels, and ELF files of other kernels than Linux: what they find at their entry is what they say on the serial port.
. "$(dirname "$0")/lib.sh"

# two_modules: files of other sizes than pages, $case_dir/one and two.
two_modules() {
	head -c 5000 "$vm_here/lib.sh" >"$case_dir/one"
	head -c 12288 "$vm_top/tests/packages" >"$case_dir/two"
}

# start PROGRAM ARGUMENT... [-- vm_start argument]...: loads it, with /m/one and /m/two at hand, and starts it.
start() {
	start_loader "$@"
	vm_wait
	expect_line "$log" '^PROGRAM DONE$'
}

# The same, without waiting for anything.
start_loader() {
	local program=$1
	shift
	: >"$case_dir/arguments"
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		printf '%s\n' "$1" >>"$case_dir/arguments"
		shift
	done
	[ $# = 0 ] || shift
	need_loader
	kernel=$(kernel_dir 6.12-cloud) || exit
	[ -e "$case_dir/one" ] || two_modules
	make_initramfs "$case_dir/initrd" "$vm_here/script-program.sh" "$KEXEC=/sbin/kexec" "$program=/k/program" \
		"$case_dir/arguments=/arguments" "$case_dir/one=/m/one" "$case_dir/two=/m/two"
	vm_start '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/initrd" --append nokaslr \
		--timeout 300 "$@"
}

# expect_fact NAME VALUE
expect_fact() {
	expect_equal "$1" "$(value "$log" "$1")" "$2"
}

# What a program is entered with, whatever it is told: expect_entry BITS PAGING
expect_entry() {
	expect_fact bits "$(printf '%x' "$1")"
	expect_fact paging "$2"
	expect_fact interrupts 0
	expect_fact dirty 0
}

# What the program says of memory is what the firmware said, in the numbers of multiboot and of e820.
expect_map() {
	python3 - "$log" <<-'END' || fail "the program was told of other memory than the firmware told, see $log"
		import re, sys
		number = {'System RAM': 1, 'Reserved': 2, 'ACPI Tables': 3, 'ACPI Non-volatile Storage': 4, 'Unusable memory': 5}
		text = open(sys.argv[1], errors='replace').read()
		firmware = sorted((int(a, 16), int(b, 16) + 1, number.get(t, 2)) for a, b, t in
		                  re.findall(r'^@ firmware=(\S+) (\S+) (.*)$', text, re.M))
		merged = []
		for start, end, kind in firmware:
		    if merged and merged[-1][1:] == (start, kind):
		        merged[-1] = (merged[-1][0], end, kind)
		    else:
		        merged.append((start, end, kind))
		told = [tuple(int(n, 16) for n in line.split()) for line in re.findall(r'^@ map=(.*)$', text, re.M)]
		sys.exit(not told or told != merged)
	END
}

# The modules: their sizes, that they begin on pages, their bytes, and their command lines; in their order.
expect_modules() {
	local file wanted=''
	for file; do
		wanted+=$(python3 -c "
import sys
a = b = 0
data = open('$case_dir/' + '${file%% *}'.split('/')[-1], 'rb').read()
for byte in data:
    a = (a + byte) & 0xffffffff
    b = (b + a) & 0xffffffff
print('%x 0 %x $file' % (len(data), b << 32 | a))")$'\n'
	done
	expect_equal modules "$(sed -n 's/^@ module=//p' "$log")" "${wanted%$'\n'}"
}

# Of RAM that begins at 0 and at 1 MiB, in KiB.
expect_memory() {
	expect_fact lower "$(printf '%x' $(($(sed -n 's/^@ map=0 \([0-9a-f]*\) 1$/0x\1/p' "$log") / 1024)))"
	expect_fact upper "$(printf '%x' $(($(sed -n 's/^@ map=100000 \([0-9a-f]*\) 1$/0x\1/p' "$log") / 1024 - 1024)))"
}

multiboot2() {
	expect_entry 32 0
	expect_fact eax 36d76289
	expect_fact ebx 1
	expect_fact aligned 1
	expect_fact ended 1
	expect_fact loader "safekexec $("$KEXEC" --version | sed 's/.* //')"
	expect_fact cmdline "/k/program console=com1 words"
	expect_modules "/m/two first  words" "/m/one"
	expect_map
	expect_memory
	expect_no_line "$log" '^@ tag='
	expect_fact sums 0
}

case_multiboot2() {
	build_program "$case_dir/program" -m32 -DMULTIBOOT=2
	start "$case_dir/program" --console-serial '--module=/m/two first  words' '--append=console=com1 words' --module=/m/one
	multiboot2
	expect_fact base ''
	# "RSDT", of a BIOS.
	expect_fact rsdp e
	expect_fact table 54445352
	expect_line "$log" '^safekexec purgatory: all verified, entering the kernel at 0x400'
	expect_line "$log" '^kexec: /k/program loaded by kexec_load: only this loader takes multiboot kernels$'
}

# On UEFI, one that may be moved.
case_multiboot2_moved() {
	build_program "$case_dir/program" -m32 -DMULTIBOOT=2 -DRELOCATABLE=0x2000000 -fpie -fvisibility=hidden
	start "$case_dir/program" '--module=/m/two first  words' '--append=console=com1 words' --module=/m/one -- --firmware ovmf
	multiboot2
	# "XSDT"
	expect_fact rsdp f
	expect_fact table 54445358
	expect_fact base "$(printf '%x' "$(plan_field "$log" 1 'int(p["footprint"]["start"], 16)')")"
	[ $((16#$(value "$log" base))) -ge $((0x2000000)) ] || fail "it lies below what it allows"
}

multiboot1() {
	expect_entry 32 0
	expect_fact eax 2badb002
	expect_fact ebx 1
	expect_fact loader "safekexec $("$KEXEC" --version | sed 's/.* //')"
	expect_fact cmdline "/k/program words"
	expect_modules "/m/one" "/m/two first  words"
	expect_map
	expect_memory
}

case_multiboot1() {
	build_program "$case_dir/program" -m32 -DMULTIBOOT=1
	gzip "$case_dir/program"
	start "$case_dir/program.gz" --append=words --module=/m/one '--module=/m/two first  words'
	multiboot1
}

# By the addresses in its header, a file that is no ELF file; at 1 MiB, as such kernels are. The screen is the text mode that the
# purgatory brings back.
case_multiboot1_addresses() {
	START=0x100000 build_program "$case_dir/elf" -m32 -DMULTIBOOT=1 -DADDRESSES
	objcopy -O binary "$case_dir/elf" "$case_dir/program" || fail "objcopy failed"
	start "$case_dir/program" --reset-vga --append=words --module=/m/one '--module=/m/two first  words' -- -vga std
	multiboot1
	expect_fact screen 'b8000 50 19 10 2'
}

# notes BITS: those that the program was given, as expected.
notes() {
	expect_entry "$1" "$2"
	expect_fact eax 0
	expect_fact ebx 0
	expect_fact esi 0
	expect_fact argument 1
	expect_fact signature e1fb007
	expect_fact checked 1
	expect_fact notes 3
	expect_equal notes "$(sed -n 's/^@ note=//p' "$log")" "2 safekexec"$'\n'"3 $("$KEXEC" --version | sed 's/.* //')"$'\n'"4 some words"
}

case_elf64_notes() {
	build_program "$case_dir/program" -m64 -DNOTES
	start "$case_dir/program" '--append=some words'
	notes 64 1
}

case_elf32_notes() {
	build_program "$case_dir/program" -m32 -DNOTES
	start "$case_dir/program" --args-elf '--append=some words'
	notes 32 0
}

case_elf32_nothing() {
	build_program "$case_dir/program" -m32
	start "$case_dir/program" --args-none
	expect_entry 32 0
	for register in eax ebx esi argument; do
		expect_fact $register 0
	done
}

# zero_page BITS PAGING
zero_page() {
	build_program "$case_dir/program" "-m$1" -DZERO_PAGE
	start "$case_dir/program" --args-linux '--append=some words' --initrd=/m/two
	expect_entry "$1" "$2"
	expect_fact esi 1
	expect_fact ebx 0
	expect_fact argument 0
	expect_fact header 53726448
	expect_fact cmdline 'some words'
	two_modules
	cp "$case_dir/two" "$case_dir/initrd"
	expect_modules initrd
	expect_map
}

case_elf64_zero_page() {
	zero_page 64 1
}

case_elf32_zero_page() {
	zero_page 32 0
}

# Debian's Xen, with a dom0: its kernel and its initrd are modules. It moves itself, and reads the information by its own idea of it. On UEFI
# it resets the machine before its first line, also with no-real-mode.
case_xen() {
	local directory
	directory=$("$VM_PACKAGES" --xen) || skip "Xen cannot be had"
	kernel=$(kernel_dir 6.1) || exit
	make_initramfs "$case_dir/two" "$vm_here/script-dom0.sh"
	cp "$kernel/vmlinuz" "$case_dir/one"
	start_loader "$directory/boot/xen-4.17-amd64.gz" --console-serial '--module=/m/one console=hvc0 panic=-1 stage=2 dom0words' \
		--module=/m/two '--append=console=com1 com1=115200,8n1 dom0_mem=600M' -- --mem 1500M --timeout 900
	vm_wait
	expect_line "$log" '^@ dom0=xen [0-9a-f]{8} '
	expect_line "$log" '^@ words=console=hvc0 panic=-1 stage=2 dom0words$'
	expect_line "$log" '^safekexec purgatory: all verified, entering the kernel at 0x'
	expect_line "$log" '^\(XEN\) Command line: console=com1 com1=115200,8n1 dom0_mem=600M$'
}

vm_cases multiboot2 multiboot2_moved multiboot1 multiboot1_addresses elf64_notes elf32_notes elf32_nothing elf64_zero_page elf32_zero_page \
	xen
