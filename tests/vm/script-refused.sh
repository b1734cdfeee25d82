# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# A good load of a kernel and of a crash kernel, bad ones, then the start of what must still be loaded.
. /guest.sh
tried=0

# refused NAME ARGUMENT...: as a kernel, and as a crash kernel.
refused() {
	name=$1
	shift
	for action in -l -p; do
		kexec $action "$@" >/tmp/said 2>&1
		say "refused $name$action=$? loaded=$(cat /sys/kernel/kexec_loaded)$(cat /sys/kernel/kexec_crash_loaded) lines=$(grep -c '^kexec: [^w]' /tmp/said)"
		echo "$(cat /tmp/said)"
		tried=$((tried + 1))
	done
}

kexec -p /k/vmlinuz --initrd=/k/initrd --append="$cmdline nr_cpus=1"
say "crash=$? loaded=$(cat /sys/kernel/kexec_crash_loaded)"
load --initrd=/k/initrd --append="$cmdline second=1 stage=2"
head -c 1000000 /k/vmlinuz >/tmp/truncated
head -c 700 /k/vmlinuz >/tmp/header
: >/tmp/empty
echo "not a kernel" >/tmp/text
{
	head -c 514 /k/vmlinuz
	printf 'XdrS'
	tail -c +519 /k/vmlinuz
} >/tmp/magic
long=$(printf '%03000d' 0)

refused truncated /tmp/truncated --initrd=/k/initrd
refused header /tmp/header
refused empty /tmp/empty
refused text /tmp/text
refused magic /tmp/magic
refused missing /tmp/missing
refused initrd-missing /k/vmlinuz --initrd=/tmp/missing
refused command-line /k/vmlinuz --append="$long"
for file in elf uki xz; do
	head -c $(($(stat -c %s /k/$file) / 2)) /k/$file >/tmp/$file
	refused cut-$file /tmp/$file
done
refused module-missing /k/multiboot --module=/tmp/missing
refused module-empty /k/multiboot --module=/tmp/empty
refused contradiction /k/vmlinuz --hash=avx2 --hash=baseline
refused bounds /k/vmlinuz --mem-min=512M --mem-max=256M
refused no-room /k/vmlinuz --initrd=/k/initrd --mem-max=0x1ffffff
say "tried=$tried"
jump
