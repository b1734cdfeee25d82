# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# A firmware with a hostile memory map: canaries before and after. Words of the first command
# line: loader=ours|peer|kernel|auto, damage=, the address of a canary that is overwritten before;
# crash=, load a crash kernel and panic; hop=, what is added to the second command line;
# lockdown=, after which canaries cannot be looked at.
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
	block "plan $stage" kexec --dry-run --json -p /k/vmlinuz --initrd=/k/initrd --append="$cmdline stage=2 $(word hop)"
	block load kexec -p /k/vmlinuz --initrd=/k/initrd --console-serial --append="$cmdline stage=2 $(word hop)"
	# shellcheck disable=SC2046
	block "canaries after" /canaries $(word pins | tr + ' ')
	echo c >/proc/sysrq-trigger
fi
[ -z "$(word lockdown)" ] || word lockdown >/sys/kernel/security/lockdown
case $(word loader) in
peer)
	say "peer=$(peer-kexec --version | sed 's/ released.*//')"
	block load peer-kexec -d -l /k/vmlinuz --initrd=/k/initrd --append="$cmdline stage=2 $(word hop)"
	;;
kernel)
	echo 'file kexec-bzimage64.c +p' >/sys/kernel/debug/dynamic_debug/control
	block load kexec -s -l /k/vmlinuz --initrd=/k/initrd --append="$cmdline stage=2 $(word hop)"
	say "kernel-place=$(dmesg | sed -n 's/.*Loaded 64bit kernel at \(0x[0-9a-f]*\).*/\1/p')"
	;;
auto) block load kexec -a -l /k/vmlinuz --initrd=/k/initrd --append="$cmdline stage=2 $(word hop)" ;;
*) load --initrd=/k/initrd --console-serial --append="$cmdline stage=2 $(word hop)" ;;
esac
say "loaded=$(cat /sys/kernel/kexec_loaded)"
# shellcheck disable=SC2046
[ -n "$(word lockdown)" ] || block "canaries after" /canaries $(word pins | tr + ' ')
[ "$(cat /sys/kernel/kexec_loaded)" = 0 ] || jump
