# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# The EFI memory map in the running kernel's memory, and in what was kexec'ed from there.
. /guest.sh

cd /tmp || exit
audit() {
	kexec --audit-efi "$@" /k/vmlinuz
}
block "audit $stage" audit
if [ "$stage" = 1 ]; then
	kexec --capture=machine.tar
	audit --json >live.json 2>live.err
	audit --json --sysroot=machine.tar >captured.json 2>captured.err
	cat live.err >>live.json
	cat captured.err >>captured.json
	if cmp live.json captured.json; then say compared=same; else diff live.json captured.json; fi
	block json cat live.json
	kexec --capture=again.tar --sysroot=machine.tar
	if cmp machine.tar again.tar; then say again=same; fi
	mkdir /etc user
	chmod 777 user
	echo 'user:x:65534:65534::/:/bin/sh' >/etc/passwd
	block user start-stop-daemon -S -c user -x /sbin/kexec -- --audit-efi /k/vmlinuz
	block dmesg dmesg
	block tar sh -c 'gzip <machine.tar | base64'
	[ "$(word hop)" = no ] && exit
	kexec -l /k/vmlinuz --initrd=/k/initrd --append="$cmdline stage=2"
	jump
fi
