# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# One kexec; facts before and after. Words of the first command line, commas in them
# stand for spaces: hop=, what is added to the second command line; options=, to the
# loader's; pause=, seconds between load and jump.
. /guest.sh
report
if [ "$stage" = 1 ]; then
	# shellcheck disable=SC2046
	load --initrd=/k/initrd --console-serial $(word options) ${mem_min:+--mem-min=$mem_min} \
		--append="$cmdline second=1 stage=2 $(word hop)" &&
		jump "$(word pause)"
elif grep -q 'second=1' /proc/cmdline; then
	echo "SECOND KERNEL UP"
fi
