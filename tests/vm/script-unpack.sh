# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# One kexec with an initrd that the loader unpacks, and what of its members the new kernel has.
. /guest.sh
say "initrd $stage=$(od -A n -t u4 -j 540 -N 4 /sys/kernel/boot_params/data | tr -d ' ')"
if [ "$stage" = 1 ]; then
	load -c --unpack-initrd --initrd=/k/initrd --append="$cmdline nokaslr stage=2" && jump
else
	for file in /member/*; do
		say "member ${file##*/}=$(cat "$file")"
	done
	echo "SECOND KERNEL UP"
fi
