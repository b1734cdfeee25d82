# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# The first kernel loads a crash kernel and panics; the capture kernel tells what it finds.
# Words of the first command line: options=, to the loader's; hop=, what is added to the
# capture kernel's command line; cpu=, where to panic; pause=, seconds before that; hotadd=, how
# many blocks of memory there must be before it goes on, with that CPU off and on;
# await=, the panic comes from outside; reloads=, how often it is loaded again; lock=, how the
# running kernel is locked down then, before an unsigned kernel is loaded. If there is /k/large,
# it is loaded as an initrd after the crash kernel is, and must be refused.
. /guest.sh

if [ -e /proc/vmcore ]; then
	block readelf readelf -lW /proc/vmcore
	block notes readelf -nW /proc/vmcore
	block iomem cat /proc/iomem
	say "words=$(grep -a -c -m 1 'LAST WORDS' /proc/vmcore)"
	if [ -n "$(word low)" ]; then
		# Its first RAM, from the address that low= gives on, for so many pages.
		readelf -lW /proc/vmcore | sed -n 's/^ *LOAD *0x\([0-9a-f]*\) 0x[0-9a-f]* 0x0*\([0-9a-f]*\) .*/\1 \2/p' |
			while read -r offset address; do
				[ $((0x$address)) -lt $((0x100000)) ] || continue
				skip=$(((0x$offset + $(word low | cut -d: -f1) - 0x$address) / 4096))
				dd if=/proc/vmcore bs=4096 skip=$skip count="$(word low | cut -d: -f2)" of=/tmp/low 2>/dev/null
				say "low=$(sha256sum /tmp/low)"
			done
	fi
	vmcore-dmesg /proc/vmcore >/tmp/log 2>/tmp/said
	say "log status=$? lines=$(wc -l </tmp/log) words=$(grep -c 'LAST WORDS' /tmp/log) $(cat /tmp/said)"
	say "log panic=$(grep 'Kernel panic - not syncing: ' /tmp/log)"
	say "log interrupt=$(grep -c '</*IRQ>' /tmp/log)"
	makedumpfile -c -d 31 /proc/vmcore /tmp/dump >/tmp/said 2>&1
	status=$?
	[ $status = 0 ] || { cat /tmp/said; df /tmp; free; }
	say "makedumpfile=$status $(tail -n 1 /tmp/said)"
	makedumpfile --dump-dmesg /proc/vmcore /tmp/dumped >/dev/null 2>&1
	say "log dumped=$(grep -c 'LAST WORDS' /tmp/dumped)"
	vmcore-dmesg --json /proc/vmcore >/tmp/json
	say "log json=$? records=$(grep -c '^{"seq":.*}$' /tmp/json)"
	if [ -x /sbin/peer-dmesg ]; then
		peer-dmesg /proc/vmcore >/tmp/theirs
		say "log compared=$(cmp /tmp/log /tmp/theirs && echo same)"
	fi
	say "started=$(kexec -S --verbose | tail -n 1)"
	echo "CAPTURED"
	exit 0
fi
say "reservation=$(kexec --print-ckr-size)"
load_crash() {
	# shellcheck disable=SC2046
	kexec "$@" --append="$cmdline $(word hop)" --console-serial $(word options)
}
block "plan 1" load_crash --dry-run --json -p /k/vmlinuz --initrd=/k/initrd
block load load_crash -p /k/vmlinuz --initrd=/k/initrd
say "loaded=$(cat /sys/kernel/kexec_crash_loaded)"
if [ -n "$(word reloads)" ]; then
	available() {
		echo 3 >/proc/sys/vm/drop_caches
		sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo
	}
	# What each CPU keeps of freed pages for itself settles with the first loads.
	lost=0 count=0
	while [ $count -lt "$(word reloads)" ]; do
		[ $count != 10 ] || before=$(available)
		load_crash -p /k/vmlinuz --initrd=/k/initrd >/dev/null 2>&1 || lost=$((lost + 1))
		[ "$(cat /sys/kernel/kexec_crash_loaded)" = 1 ] || lost=$((lost + 1))
		count=$((count + 1))
	done
	say "reloads=$count lost=$lost grown=$((before - $(available)))"
fi
if [ -e /k/large ]; then
	block reload load_crash -p /k/vmlinuz --initrd=/k/large
	say "still loaded=$(cat /sys/kernel/kexec_crash_loaded)"
fi
if [ -n "$(word lock)" ]; then
	word lock >/sys/kernel/security/lockdown
	block reload load_crash -p /k/vmlinuz --initrd=/k/initrd
	block "reload -c" load_crash -c -p /k/vmlinuz --initrd=/k/initrd
	block hidden load_crash -c --dry-run -p /k/vmlinuz --initrd=/k/initrd
	say "still loaded=$(cat /sys/kernel/kexec_crash_loaded)"
fi
if [ -n "$(word hotadd)" ]; then
	say "hotadd"
	while [ "$(cat /sys/devices/system/memory/memory*/state | grep -c .)" -lt "$(word hotadd)" ]; do
		sleep 0.2
	done
	for state in /sys/devices/system/memory/memory*/state; do
		grep -qx offline "$state" && echo online >"$state"
	done
	for state in 0 1; do
		echo $state >/sys/devices/system/cpu/cpu"$(word cpu)"/online
	done
	say "memory=$(grep MemTotal /proc/meminfo)"
fi
echo "LAST WORDS" >/dev/kmsg
say "panic"
sleep "$(word pause | grep . || echo 0.2)"
if [ -n "$(word await)" ]; then
	# It comes from outside: an NMI, or a key.
	echo 1 >/proc/sys/kernel/sysrq
	echo 1 >/proc/sys/kernel/unknown_nmi_panic
	echo 1 >/proc/sys/kernel/panic_on_unrecovered_nmi
	say "awaiting"
	sleep 60
fi
# shellcheck disable=SC2046
taskset -c "$(word cpu | grep . || echo 0)" sh -c 'echo c >/proc/sysrq-trigger'
