#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# On a Debian with systemd, once its services run: what loads a boot entry, another in each boot. Two units of ours;
# `systemctl kexec` itself, which takes the default of the ESP where nothing is loaded; and none, for `systemctl reboot`.
exec >/dev/ttyS0 2>&1
say() {
	echo "@ $*"
}
options="root=/dev/vda rw $(sed -n 's/^.*\(console=ttyS0 [^ ]* [^ ]*\).*$/\1/p' /proc/cmdline) $(grep -o 'systemd.mask=[^ ]*' /proc/cmdline | tr '\n' ' ')"
entry() {
	cat <<-END
		menuentry '$1' --id $1 {
			set root='hd0,gpt1'
			search --no-floppy --fs-uuid --set=root 6a2c1f0e-3b6d-4f6e-9a8b-0c1d2e3f4a5b
			linux $(echo /boot/vmlinuz-*) $options entry=$1
			initrd $(echo /boot/initrd.img-*)
		}
	END
}
{
	entry named
	echo 'submenu More { }'
	entry default
	echo 'set default=2'
} >/boot/grub/grub.cfg
load() {
	systemctl start "$1"
	say "unit $1=$? loaded=$(cat /sys/kernel/kexec_loaded)"
}
case $(cat /proc/cmdline) in
*entry=default*)
	say "started=$(grep -o 'console=.*' /proc/cmdline)"
	load kexec-load@named
	;;
*entry=named*)
	say "started=$(grep -o 'console=.*' /proc/cmdline)"
	load kexec-load@gone
	journalctl -b -u kexec-load@gone --no-pager
	mkdir -p /boot/efi
	mount -o ro /dev/vdb1 /boot/efi
	# What QEMU makes of a directory is no partition of the right type.
	export SYSTEMD_RELAX_ESP_CHECKS=1
	;;
*entry=esp*)
	say "started=$(grep -o 'console=.*' /proc/cmdline)"
	load kexec-load@named
	systemctl --no-block reboot
	exit
	;;
*)
	kexec --list-entries
	load kexec-load
	;;
esac
# Services cannot wait for their own end.
systemctl --no-block kexec || systemctl --no-block poweroff
