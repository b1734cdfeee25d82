# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Loads kernels and has --doctor compare them with what becomes of their files, of memory, and of
# others' loads. With crash=1 it loads a crash kernel and panics; the capture kernel tells of its
# bounce buffers.
. /guest.sh
mkdir -p /run

examine() {
	block "doctor $1" kexec --doctor /k/vmlinuz --initrd=/k/initrd
}
# load_pair [OPTION]: a normal kernel, and a crash kernel with that option.
load_pair() {
	block load kexec -c -l /k/vmlinuz --initrd=/k/initrd --append="$cmdline password=HIDDEN stage=$((stage + 1))"
	# shellcheck disable=SC2086
	block "load -p" kexec -c -p /k/vmlinuz --initrd=/k/initrd --append="$cmdline nr_cpus=1" $1
}
# await_blocks TEST N: until so many blocks of memory are there.
await_blocks() {
	count=0
	until [ "$(cat /sys/devices/system/memory/memory*/state | grep -c .)" "$1" "$2" ] || [ $count = 100 ]; do
		sleep 0.2
		count=$((count + 1))
	done
}

if [ -e /proc/vmcore ] || [ -n "$(word crash)" ]; then
	if [ -e /proc/vmcore ]; then
		say "swiotlb=$(dmesg | sed -n 's/.*software IO TLB: mapped .*(\(.*\))$/\1/p')"
		say "captured"
		exit 0
	fi
	block estimate kexec --estimate /k/vmlinuz --initrd=/k/initrd
	block "load -p" kexec -p /k/vmlinuz --initrd=/k/initrd --append="$cmdline nr_cpus=1"
	echo c >/proc/sysrq-trigger
fi
if [ "$stage" = 2 ]; then
	say "second"
	examine second
	exit 0
fi
examine before
load_pair
say "modes=$(stat -c %a /run/safekexec) $(stat -c %a /run/safekexec/load.json) $(stat -c %a /run/safekexec/panic.json)"
say "secrets=$(cat /run/safekexec/*.json | grep -c HIDDEN)"
block status kexec -S -l --verbose
examine loaded
cp /k/initrd /tmp/initrd
echo more >>/k/initrd
examine changed
cp /tmp/initrd /k/initrd
examine touched
block "their unload" /sbin/peer -u
examine unloaded
block unload kexec -u
block "their load" /sbin/peer -l -c /k/vmlinuz --initrd=/k/initrd
examine theirs
load_pair
before=$(cat /sys/devices/system/memory/memory*/state | grep -c .)
# So that it can go again.
echo online_movable >/sys/devices/system/memory/auto_online_blocks
say "hotadd"
await_blocks -ge $((before + 4))
sleep 1
examine added
load_pair --hotplug
examine again
say "hotremove"
await_blocks -le "$before"
dmesg | grep -iE "memory|hotremove|offlin" | tail -n 5
examine gone
block exec kexec -e
say "still loaded=$(cat /sys/kernel/kexec_loaded)"
load_pair
jump
