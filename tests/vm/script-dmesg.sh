# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Fills the kernel's log until its oldest records are gone, prints it and waits to be dumped.
. /guest.sh

say "vmcoreinfo=$(cat /sys/kernel/vmcoreinfo)"
records=$(word records)
i=0
while [ $i -lt "$records" ]; do
	echo "<$((i % 7 + 1))>record $i of a log that has to go around" >/dev/kmsg
	i=$((i + 1))
done
printf '<5>two lines\nin one record, [    1.000000] and brackets' >/dev/kmsg
printf '<3>bytes \001 \t \177 \303\244 \\x01 "quoted"' >/dev/kmsg
printf '<30>of a daemon' >/dev/kmsg
printf '<6>' >/dev/kmsg
printf '<6>%0900d' 0 >/dev/kmsg
echo '<2>LAST WORDS' >/dev/kmsg
block log dmesg -r -s 8388608
say ready
sleep 600
