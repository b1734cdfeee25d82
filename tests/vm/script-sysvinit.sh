#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Started by Debian's init of System V: to make the machine ready (boot), and once its services run, to reboot. The
# first time kexec-load's configuration names the kernel, then GRUB's does, and at last no kexec is wanted.
case $1 in
boot)
	/bin/busybox mkdir -p /proc /sys /dev /tmp /run /var/log /etc/rc2.d /etc/rc6.d
	/bin/busybox --install -s /bin 2>/dev/null
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	mount -t devtmpfs devtmpfs /dev
	ln -sf /run /var/run
	: >/run/utmp
	: >/var/log/wtmp
	dmesg -n 1
	ln -sf /start /etc/rc2.d/S01start
	# As their headers ask for.
	for link in K01kexec-load K01safekexec-load K02umountroot K03kexec K03safekexec K04reboot; do
		[ -e "/etc/init.d/${link#K??}" ] || continue
		ln -sf "/etc/init.d/${link#K??}" /etc/rc6.d/$link
	done
	exit
	;;
start) ;;
*) exit ;;
esac
. /guest.sh
say "runlevel $stage=$(runlevel)"
say "cmdline $stage=$(cat /proc/cmdline)"
say "initrd $stage=$(cat /etc/made 2>/dev/null)"
echo "of stage $stage" >/etc/made
(cd / && find bin boot etc guest.sh lib lib64 sbin start | cpio -o -H newc 2>/dev/null) >/tmp/initrd
next="$cmdline rdinit=/sbin/init stage=$((stage + 1))"
case $stage in
1)
	cat >/etc/default/kexec <<-END
		LOAD_KEXEC=true
		KERNEL_IMAGE=/boot/vmlinuz
		INITRD=/tmp/initrd
		APPEND="$next from=default"
		USE_GRUB_CONFIG=false
	END
	reboot
	;;
2)
	mkdir -p /boot/grub
	cat >/boot/grub/grub.cfg <<-END
		set default="1"
		menuentry 'First' {
			linux /boot/vmlinuz stage=wrong
		}
		menuentry 'Second' {
			linux /boot/vmlinuz $next from=grub
			initrd /tmp/initrd
		}
		### END
	END
	cat >/etc/default/kexec <<-END
		LOAD_KEXEC=true
		KERNEL_IMAGE=/boot/none
		INITRD=
		APPEND=
		USE_GRUB_CONFIG=true
	END
	reboot
	;;
3)
	coldreboot
	;;
esac
