# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# A boot loader's entry is started: GRUB's default, which is in a submenu, then one of loader/entries by its name.
. /guest.sh
case $stage in
1)
	cat >/boot/grub/grub.cfg <<'END'
load_env
set default="${saved_entry}"
menuentry 'First' --id first {
	linux /vmlinuz stage=wrong
	initrd /initrd
}
submenu 'More' --id more {
	menuentry 'Second' --id second {
		if [ x$grub_platform = xpc ]; then set where=bios; fi
		linux /vmlinuz console=ttyS0 panic=-1 no_timer_check stage=2 "quoted=a b" where=$where
		initrd /initrd-head /initrd
	}
}
END
	echo 'saved_entry=more>second' >/boot/grub/grubenv
	block list kexec --list-entries
	block "load $stage" kexec --boot-entry --append=added=yes && jump
	;;
2)
	say "second=$(cat /proc/cmdline)"
	say "head=$(cat /from-head)"
	mkdir -p /boot/loader/entries
	cat >/boot/loader/entries/third.conf <<'END'
title Third
linux /vmlinuz
initrd /initrd
options console=ttyS0 panic=-1 no_timer_check
options stage=3
END
	block "load $stage" kexec -l --boot-entry=third && jump
	;;
3)
	say "third=$(cat /proc/cmdline)"
	;;
esac
