# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Reloads the crash kernel with initrds of every size, in pages, around the largest that fits:
# each load works or leaves the old crash kernel in place. Then panics, with the largest loaded.
# options= is the loader's; most=, how many MiB cannot fit.
. /guest.sh

if [ -e /proc/vmcore ]; then
	say "vmcore=$(head -c 4 /proc/vmcore | tail -c 3)"
	say "words=$(grep -a -c -m 1 'LAST WORDS' /proc/vmcore)"
	echo "CAPTURED"
	exit 0
fi
page=4096
base=$((($(wc -c </k/initrd) + page - 1) / page))
cp /k/initrd /tmp/initrd
lost=0
# pages N: loads with an initrd of so many.
pages() {
	truncate -s $(($1 * page)) /tmp/initrd
	# shellcheck disable=SC2046
	kexec $(word options) --append="$cmdline nr_cpus=1" -p /k/vmlinuz --initrd=/tmp/initrd >/tmp/said 2>&1
	result=$?
	[ "$(cat /sys/kernel/kexec_crash_loaded)" = 1 ] || lost=$((lost + 1))
	return $result
}
pages $base || cat /tmp/said
say "base=$result"
low=$base high=$((base + $(word most) * 256))
while [ $((high - low)) -gt 1 ]; do
	middle=$(((low + high) / 2))
	if pages $middle; then low=$middle; else high=$middle; fi
done
say "largest=$low said=$(cat /tmp/said)"
loads=0 refusals=0 count=$((low - 12))
while [ $count -lt $((low + 12)) ]; do
	if pages $count; then loads=$((loads + 1)); else refusals=$((refusals + 1)); fi
	count=$((count + 1))
done
say "loads=$loads refusals=$refusals lost=$lost"
say "refusal=$(cat /tmp/said)"
pages $low
say "filled=$?"
pages $((low + 1)) || say "last=$? loaded=$(cat /sys/kernel/kexec_crash_loaded)"
echo "LAST WORDS" >/dev/kmsg
echo c >/proc/sysrq-trigger
