# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# A good load, bad ones, then the start of what must still be loaded.
. /guest.sh
tried=0

# refused NAME ARGUMENT...
refused() {
	name=$1
	shift
	kexec -l "$@" >/tmp/said 2>&1
	say "refused $name=$? loaded=$(cat /sys/kernel/kexec_loaded) lines=$(grep -c '^kexec: ' /tmp/said)"
	echo "$(cat /tmp/said)"
	tried=$((tried + 1))
}

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
refused no-room /k/vmlinuz --initrd=/k/initrd --mem-max=0x1ffffff
say "tried=$tried"
jump
