# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# One measured load and one measured kexec. tsc_at_init is of this kernel's init.
. /guest.sh
if [ "$stage" = 1 ] && [ -n "$(word crash)" ]; then
	# shellcheck disable=SC2046
	say "load=$(/rdtsc kexec $(word options) -p /k/vmlinuz --initrd=/k/initrd \
		--append="$cmdline nr_cpus=1 stage=2" 2>/tmp/said | tail -n 1)"
	cat /tmp/said
	say "loaded=$(cat /sys/kernel/kexec_crash_loaded)"
	say "left=$(/rdtsc)"
	echo c >/proc/sysrq-trigger
elif [ "$stage" = 1 ]; then
	# shellcheck disable=SC2046
	say "load=$(/rdtsc kexec -l /k/vmlinuz $(word options) --initrd=/k/initrd \
		--append="$cmdline stage=2" 2>/tmp/said | tail -n 1)"
	cat /tmp/said
	say "loaded=$(cat /sys/kernel/kexec_loaded)"
	sync
	say "left=$(/rdtsc)"
	kexec -e
else
	say "arrived=$tsc_at_init"
fi
