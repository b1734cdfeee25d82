# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# A firmware with a hostile memory map: canaries before and after. Words of the first command
# line: loader=ours|peer|kernel, damage=, the address of a canary that is overwritten before;
# crash=, load a crash kernel and panic; hop=, what is added to the second command line.
. /guest.sh

if [ "$stage" != 1 ]; then
	report
	if [ -e /proc/vmcore ]; then echo "CAPTURED"; else echo "SECOND KERNEL UP"; fi
	exit 0
fi
[ -z "$(word damage)" ] || /canaries --damage "$(word damage)"
report
block memory dmesg
if [ -n "$(word crash)" ]; then
	block load kexec -p /k/vmlinuz --initrd=/k/initrd --console-serial --append="$cmdline stage=2 $(word hop)"
	# shellcheck disable=SC2046
	block "canaries after" /canaries $(word pins | tr + ' ')
	echo c >/proc/sysrq-trigger
fi
case $(word loader) in
peer) block load peer-kexec -l /k/vmlinuz --initrd=/k/initrd --append="$cmdline stage=2 $(word hop)" ;;
kernel) block load kexec -s -l /k/vmlinuz --initrd=/k/initrd --append="$cmdline stage=2 $(word hop)" ;;
*) load --initrd=/k/initrd --console-serial --append="$cmdline stage=2 $(word hop)" ;;
esac
say "loaded=$(cat /sys/kernel/kexec_loaded)"
# shellcheck disable=SC2046
block "canaries after" /canaries $(word pins | tr + ' ')
[ "$(cat /sys/kernel/kexec_loaded)" = 0 ] || jump
