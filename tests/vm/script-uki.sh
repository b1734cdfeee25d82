# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# One kexec of a unified kernel image, and what of it the new kernel has. Words of the first command line, commas
# in them stand for spaces: options=, the loader's; append=, in place of the image's own command line.
. /guest.sh
if [ "$stage" = 1 ]; then
	mkdir -p /run
	append=$(word append)
	[ ! -e /k/unsigned ] || kexec -l /k/unsigned
	# shellcheck disable=SC2046
	load $(word options) ${append:+--append="$cmdline $append"} && kexec -S -l --verbose
	block "doctor" kexec --doctor /k/vmlinuz
	jump
else
	say "cmdline $(cat /proc/cmdline)"
	for file in /from/* /.extra/*; do
		[ ! -f "$file" ] || say "file $file=$(stat -c %a "$file") $(cat "$file")"
	done
	say "directory $(stat -c %a /.extra)"
	echo "SECOND KERNEL UP"
fi
