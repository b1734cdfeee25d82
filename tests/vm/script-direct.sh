# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# As many direct starts as last= says, each with the same files. Each kernel says where it is, and what
# was planned for the next one; that of stage N starts /k/vmlinuz.N, if it is there.
. /guest.sh

# How far the kernel is from the virtual address that it is linked at.
rise() {
	echo $((0x$(sed -n 's/ T _text$//p' /proc/kallsyms) - 0xffffffff81000000))
}

# What the kernel randomises by itself: where it maps all memory. Of a program header of /proc/kcore, its virtual address
# less its physical one, which is -1 for what is no RAM.
direct_map() {
	od -v -A n -t x8 -w56 -j 64 -N 1792 /proc/kcore | while read -r _ _ virtual physical _; do
		case $virtual:$physical in
		ffffffff*:* | *:ffffffffffffffff | 0*) continue ;;
		esac
		printf '0x%x\n' $((0x$virtual - 0x$physical))
		break
	done
}

# loadflags is at 0x211 of the zero page, KASLR_FLAG its bit 1.
kaslr_flag() {
	echo $((0x$(od -A n -t x1 -j 529 -N 1 /sys/kernel/boot_params/data | tr -d ' ') >> 1 & 1))
}

say "direct-map $stage=$(direct_map)"
say "KASLR_FLAG $stage=$(kaslr_flag)"
say "physical $stage=$((0x$(sed -n 's/^ *\([0-9a-f]*\)-.* : Kernel code$/\1/p' /proc/iomem)))"
say "virtual $stage=$(rise)"
block "facts $stage" facts
say "started $stage=$(kexec -S --verbose | tail -n 1)"
[ "$stage" -lt "$(word last)" ] || exit 0
rm -f /k/vmlinuz.$((stage - 1))
(cd / && find sbin k | cpio -o -H newc 2>/dev/null) >/tmp/loader
image=/k/vmlinuz.$stage
[ -e "$image" ] || image=/k/vmlinuz
how=$(word how)
# shellcheck disable=SC2046
kexec -d -l $image "--${how:-direct}" --initrd=/k/initrd --initrd=/tmp/loader --console-serial $(word options) \
	--append="$cmdline $(word hop) hop=$(word hop | tr ' ' ,) how=$how last=$(word last) stage=$((stage + 1))" >/tmp/plan 2>&1 ||
	{ cat /tmp/plan; exit 1; }
say "planned physical $((stage + 1))=$(($(sed -n 's/^  kernel at \(0x[0-9a-f]*\): .*/\1/p' /tmp/plan)))"
say "planned virtual $((stage + 1))=$(($(sed -n 's/^Direct .*KERNELOFFSET \(0x[0-9a-f]*\),.*/\1/p' /tmp/plan)))"
say "unpacked $((stage + 1))=$(sed -n 's/.*initrd of \([0-9]*\) bytes, unpacked from [0-9]*:.*/\1/p' /tmp/plan)"
say "places $((stage + 1))=$(sed -n 's/^  kernel at .* one of \([0-9]*\) places .*/\1/p; s/^Direct .*, one of \([0-9]*\)$/\1/p' /tmp/plan | tr '\n' ' ')"
jump
