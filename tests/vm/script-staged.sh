# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# One kexec by a plan whose initrd the purgatory copies into place.
. /guest.sh
report
if [ "$stage" = 1 ]; then
	block "plan 1" staged /k/vmlinuz /k/initrd "$cmdline second=1 stage=2 nokaslr"
	jump "$(word pause)"
elif grep -q 'second=1' /proc/cmdline; then
	echo "SECOND KERNEL UP"
fi
