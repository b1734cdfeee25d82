# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Says which processes run, and panics on cpu=; the capture kernel writes the dump to the first
# disk as it is, and to the second as makedumpfile filters it.
. /guest.sh

if [ -e /proc/vmcore ]; then
	cat /proc/vmcore >/dev/vda
	say "raw=$?"
	makedumpfile -c -d 31 /proc/vmcore /tmp/dump >/dev/null 2>&1
	say "filtered=$? $(wc -c </tmp/dump)"
	cat /tmp/dump >/dev/vdb
	sync
	exit 0
fi
kexec --append="$cmdline nr_cpus=1" --console-serial -p /k/vmlinuz --initrd=/k/initrd
say "loaded=$(cat /sys/kernel/kexec_crash_loaded)"
sleep 1000 &
sleep 2000 &
block ps sh -c 'for task in /proc/[0-9]*; do read -r id name rest <"$task/stat" && echo "$id $name"; done'
sleep 1
taskset -c "$(word cpu)" sh -c 'echo c >/proc/sysrq-trigger'
