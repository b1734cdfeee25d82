#!/bin/bash
# long
# SPDX-License-Identifier: LGPL-2.1-or-later
# Kernels that are unpacked when they are loaded, and entered without their decompressor.
. "$(dirname "$0")/lib.sh"

# Words for pack(): the kernel for each stage, if it is not the same for all.
images=()
# What the initrd of the second stage and later ones goes through.
packer=(cat)

# start FROM TO HOPS WORDS [vm_run argument]...: all of them are direct, and as planned.
start() {
	local from to hops=$3 words=$4 stage kaslr=1
	need_loader
	from=$(kernel_dir "$1") || exit
	to=$(kernel_dir "$2") || exit
	shift 4
	[ "$words" != hop=nokaslr ] || kaslr=0
	make_initramfs "$case_dir/base" "$vm_here/script-direct.sh"
	"${packer[@]}" <"$case_dir/base" >"$case_dir/initrd"
	pack "$case_dir/loader" "$KEXEC=/sbin/kexec" "$case_dir/initrd=/k/initrd" "${images[@]:-$to/vmlinuz=/k/vmlinuz}"
	cat "$case_dir/base" "$case_dir/loader" >"$case_dir/first"
	vm_run '' --kernel "$from/vmlinuz" --initrd "$case_dir/first" \
		--append "last=$((hops + 1)) $words" --timeout $((90 + 25 * hops)) "$@"
	expect_line "$log" '^@ done 0$'
	expect_count "$log" '^safekexec purgatory: all verified, direct start of the kernel at 0x' "$hops"
	expect_no_line "$log" 'not started directly'
	for ((stage = 2; stage <= hops + 1; stage++)); do
		expect_same_facts "$log" 1 "$stage"
		expect_equal "KASLR_FLAG $stage" "$(value "$log" "KASLR_FLAG $stage")" "$kaslr"
		expect_equal "the physical address $stage" "$(value "$log" "physical $stage")" \
			"$(value "$log" "planned physical $stage")"
		expect_equal "KERNELOFFSET $stage" "$(value "$log" "virtual $stage")" \
			"$(value "$log" "planned virtual $stage")"
	done
}

# distinct KIND: how many of the values that the started kernels had.
distinct() {
	grep -a "^@ $1 " "$log" | tail -n +2 | cut -d= -f2 | sort -u | wc -l
}

# expect_distinct KIND PLACES DRAWS: not more than three and a half standard deviations fewer than independent draws
# give in the mean: 90 of 100 from 1,478, 80 of 100 from 480.
expect_distinct() {
	local least
	least=$(awk -v n="$2" -v k="$3" 'BEGIN {
		missed = n * (1 - 1 / n) ^ k
		variance = n * (n - 1) * (1 - 2 / n) ^ k + missed - missed ^ 2
		print int(n - missed - 3.5 * sqrt(variance))
	}')
	[ "$(distinct "$1")" -ge "$least" ] ||
		fail "$(distinct "$1") different $1 addresses of $3 kernels, fewer than $least"
}

# chain KERNEL: it starts itself, again and again, in one machine.
chain() {
	local hops=${FULL:+100} places
	hops=${hops:-4}
	start "$1" "$1" "$hops" '' --mem 3G
	read -r -a places <<<"$(value "$log" 'places 2')"
	expect_distinct virtual "${places[0]}" "$hops"
	expect_distinct physical "${places[1]}" "$hops"
	# Thousands, of 1 GiB, where half of the address space is shared out; each kernel draws its own.
	expect_distinct direct-map 1000 "$hops"
	echo "# $hops direct starts: $(distinct physical) physical addresses of ${places[1]}, $(distinct virtual) virtual of ${places[0]}"
}

case_chain_6.12-cloud() {
	chain 6.12-cloud
}

case_chain_6.1-cloud() {
	chain 6.1-cloud
}

# Both firmwares, one level of page tables more, and more than 4 GiB.
case_6.1_6.12-cloud_ovmf() {
	start 6.1 6.12-cloud 1 '' --firmware ovmf --mem 6G
}

case_6.12-cloud_6.1_ovmf() {
	start 6.12-cloud 6.1 1 '' --firmware ovmf
}

case_6.12-cloud_6.1_four-level() {
	start 6.12-cloud 6.1 1 '' -cpu max,la57=off
}

# A kernel that is not built for 5-level paging, without it and with it.
case_6.1-cloud_5.10-cloud() {
	start 6.1-cloud 5.10-cloud 1 '' -cpu max,la57=off
}

case_four_levels() {
	local kernel
	need_loader
	kernel=$(kernel_dir 5.10-cloud) || exit
	make_initramfs "$case_dir/second" "$vm_here/script-hop.sh"
	make_initramfs "$case_dir/first" "$vm_here/script-hop.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	vm_run '' --kernel "$(kernel_dir 6.1-cloud)/vmlinuz" --initrd "$case_dir/first" \
		--append "plan=no options=--direct"
	expect_equal "la57 of the first kernel" "$(value "$log" 'la57 1')" 1
	expect_line "$log" 'not started directly: the machine runs with 5-level paging, which'
	expect_line "$log" '^SECOND KERNEL UP$'
	expect_equal "la57 of the second kernel" "$(value "$log" 'la57 2')" 0
}

# The newest kernel that there is: two lists of relocations, and no entry at its beginning.
case_sid-cloud() {
	start sid-cloud sid-cloud 2 ''
}

case_sid-cloud_ovmf() {
	start sid-cloud sid-cloud 1 '' --firmware ovmf
}

# Not only the clouds' build of it.
case_6.12() {
	start 6.12 6.12 1 ''
}

# What --fast finds worth it: the kernel's payload, and the initrd's.
case_fast() {
	packer=(gzip -1)
	start 6.12-cloud 6.12-cloud 1 how=fast
	[ "$(value "$log" 'unpacked 2')" -gt "$(stat -c %s "$case_dir/base")" ] || fail "the initrd was not unpacked"
}

case_nokaslr() {
	start 6.12-cloud 6.12-cloud 1 hop=nokaslr
	expect_equal "the physical address" "$(value "$log" 'physical 2')" $((0x1000000))
	expect_equal "KERNELOFFSET" "$(value "$log" 'virtual 2')" 0
}

# No packaged kernel has such a payload: it is packed anew.
case_payloads() {
	local kernel format
	need gzip lz4 xz bzip2 lzop
	kernel=$(kernel_dir 6.1-cloud) || exit
	python3 "$vm_here/repack.py" "$kernel/vmlinuz" | lz4 -dc >"$case_dir/vmlinux" || fail "the payload cannot be unpacked"
	for format in 'gzip -1' 'xz --format=lzma -0' 'bzip2 -1' 'lzop -7'; do
		$format <"$case_dir/vmlinux" >"$case_dir/payload"
		images+=("$case_dir/image.${#images[@]}=/k/vmlinuz.$((${#images[@]} + 1))")
		python3 "$vm_here/repack.py" "$kernel/vmlinuz" "$case_dir/payload" "${images[-1]%%=*}" || fail "$format"
	done
	start 6.1-cloud 6.1-cloud ${#images[@]} '' --mem 2G --timeout 600
}

vm_cases chain_6.12-cloud ${FULL:+chain_6.1-cloud} 6.1_6.12-cloud_ovmf 6.12-cloud_6.1_ovmf 6.12-cloud_6.1_four-level 6.1-cloud_5.10-cloud four_levels fast nokaslr ${FULL:+payloads sid-cloud sid-cloud_ovmf 6.12}
