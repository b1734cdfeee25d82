# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# What nixos-anywhere unpacks and runs on the machine that it takes over; what it has handed on is in the initrd.
. /guest.sh
case $stage in
1)
	mkdir -p /root /etc
	(sh /kexec/run </dev/null)
	say "run=$? loaded=$(cat /sys/kernel/kexec_loaded)"
	exec sleep 120
	;;
2)
	say "cmdline=$(cat /proc/cmdline)"
	say "addresses=$(cat /addrs.json)"
	;;
esac
