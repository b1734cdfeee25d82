# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# As many kexecs as last= says, each with the same files: facts everywhere, and EFI
# variables where there are any. Stage N starts /k/vmlinuz.N, if it is there, with the options of options=.
. /guest.sh

# Each stage reads the variable of the one before and makes its own. A file's first
# four bytes are the attributes: non-volatile, boot and run time.
variables=/sys/firmware/efi/efivars
guid=a5c059a1-94e4-4aa7-87b5-ab155c2bf072
hand_on_a_variable() {
	say "variable $stage=$(tail -c +5 $variables/Stage$((stage - 1))-$guid 2>/dev/null)"
	printf '\007\000\000\000%s' "$stage" >/tmp/variable
	cat /tmp/variable >$variables/Stage"$stage"-$guid || say "variable cannot be written"
}

report
say "started $stage=$(kexec -S --verbose | tail -n 1)"
[ -d /sys/firmware/efi ] && hand_on_a_variable
[ "$stage" -lt "$(word last)" ] || exit 0
rm -f /k/vmlinuz.$((stage - 1))
# The initrd of the next stage is that of this one: the part without a loader, then a
# new archive of the rest.
(cd / && find sbin k | cpio -o -H newc 2>/dev/null) >/tmp/loader
[ ! -e /k/vmlinuz."$stage" ] || image=/k/vmlinuz.$stage
# shellcheck disable=SC2046
load --initrd=/k/initrd --initrd=/tmp/loader $(word options) \
	--append="$cmdline $(word hop) hop=$(word hop | tr ' ' ,) options=$(word options | tr ' ' ,) plan=$(word plan) last=$(word last) stage=$((stage + 1))" &&
	jump
