# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# The library's example loads a kernel, which is started.
. /guest.sh
report
if [ "$stage" = 1 ]; then
	mkdir -p /run
	block "plan 1" plan --load /k/vmlinuz /k/initrd "$cmdline second=1 stage=2"
	say "loaded=$(cat /sys/kernel/kexec_loaded)"
	block "recorded 1" kexec -S -l --verbose
	jump
elif grep -q 'second=1' /proc/cmdline; then
	echo "SECOND KERNEL UP"
fi
