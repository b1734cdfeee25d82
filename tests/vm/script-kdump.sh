# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# The first kernel loads a crash kernel and panics; the capture kernel judges /proc/vmcore.
# Words of the first command line: options=, to the loader's; hop=, to the capture kernel's
# command line; panic=, how (sysrq, or cpuN to panic there).
. /guest.sh

# What a capture kernel sees: the ELF headers, and a page of memory that the first wrote.
capture() {
	say "vmcore=$(wc -c </proc/vmcore)"
	block readelf readelf -lW /proc/vmcore
	block notes readelf -nW /proc/vmcore
	block iomem cat /proc/iomem
	[ ! -x /sbin/vmcore-dmesg ] || block dmesg vmcore-dmesg /proc/vmcore
	[ ! -x /bin/makedumpfile ] || block makedumpfile makedumpfile -d 31 -c /proc/vmcore /tmp/dump
	say "started=$(kexec -S --verbose | tail -n 1)"
	echo "CAPTURED"
}

if [ -e /proc/vmcore ]; then
	capture
	exit 0
fi
block iomem cat /proc/iomem
say "reservation=$(kexec --print-ckr-size)"
# shellcheck disable=SC2046
block plan kexec --dry-run --json -p /k/vmlinuz --initrd=/k/initrd --append="$cmdline $(word hop)" $(word options)
# shellcheck disable=SC2046
block load kexec -p /k/vmlinuz --initrd=/k/initrd --append="$cmdline $(word hop)" $(word options)
say "loaded=$(cat /sys/kernel/kexec_crash_loaded)"
echo "LAST WORDS" >/dev/kmsg
sleep 0.2
echo c >/proc/sysrq-trigger
