# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# What the demonstration shows from inside.
. /guest.sh
if [ "$stage" = 1 ]; then
	append="$cmdline nokaslr stage=2"
	block picture kexec --dry-run -l /k/vmlinuz --initrd=/k/initrd --append="$append"
	block load kexec -l /k/vmlinuz --initrd=/k/initrd --append="$append" && jump 1
else
	echo "SECOND KERNEL UP"
fi
