#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# On a Debian server, once its services run: what kdump-tools says and does, then a panic on one
# CPU after the other, a boot for each. panics= on the command line is how many, cpus= from where.
exec >/dev/ttyS0 2>&1
say() {
	echo "@ $*"
}
word() {
	sed -n "s/\(^\|.* \)$1=\([^ ]*\).*/\2/p" /proc/cmdline
}
loaded() {
	say "$1 loaded=$(cat /sys/kernel/kexec_crash_loaded)"
}
state=/var/lib/kdump-test
mkdir -p $state
boots=$(cat $state/boots 2>/dev/null || echo 0)
echo $((boots + 1)) >$state/boots
say "boot=$boots"
loaded service
if [ "$boots" = 0 ]; then
	say "verify=$(dpkg -V kdump-tools)"
	say "package=$(dpkg-query -W -f '${Package} ${Status}' safekexec)"
	say "peer=$(dpkg-query -W -f '${Status}' kexec-tools 2>/dev/null)"
	say "kexec=$(kexec --version)"
	for action in unload load unload try-reload load try-reload test status; do
		kdump-config $action
		say "status $action=$?"
		loaded $action
	done
fi
if [ "$boots" -lt "$(word panics)" ]; then
	cpu=$(((boots + $(word from)) % $(nproc)))
	say "panic on $cpu"
	# The console forgets what it has not yet sent. And kdump-config names dumps by the minute.
	sleep 2
	while [ -e "/var/crash/$(date +%Y%m%d%H%M)" ]; do
		sleep 1
	done
	# As late as can be: services start and end.
	for task in /proc/[0-9]*; do
		read -r id name rest <"$task/stat" && echo "$id $name"
	done >$state/ps."$boots"
	sync
	taskset -c $cpu sh -c 'echo c >/proc/sysrq-trigger'
fi
for dump in /var/crash/2*; do
	say "dump=$(ls "$dump" | tr '\n' ' ')"
	say "crashed=$(cat "$dump"/dmesg.* | sed -n 's/.*\(CPU: [0-9]\).* Comm: sh .*/\1/p' | head -n 1) $(grep -c 'sysrq: Trigger a crash' "$dump"/dmesg.*)"
	# It was written through a pipe.
	makedumpfile -R /tmp/core <"$(echo "$dump"/dump.*)" >/dev/null 2>&1
	makedumpfile --dump-dmesg /tmp/core /tmp/log >/dev/null 2>&1
	say "filtered=$? $(grep -c 'sysrq: Trigger a crash' /tmp/log)"
	rm -f /tmp/core /tmp/log
done
sync
poweroff -f
