# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# A crash kernel is loaded as caller= says, and the machine panics; the dump is saved as that caller does it.
. /guest.sh
if [ -e /proc/vmcore ]; then
	vmcore-dmesg /proc/vmcore >/tmp/vmcore-dmesg.txt
	say "vmcore-dmesg=$? words=$(grep -c 'LAST WORDS' /tmp/vmcore-dmesg.txt)"
	makedumpfile -l --message-level 7 -d 31 /proc/vmcore /tmp/vmcore >/tmp/said 2>&1
	say "makedumpfile=$? $(tail -n 1 /tmp/said)"
	makedumpfile --dump-dmesg /tmp/vmcore /tmp/dmesg >/dev/null 2>&1
	say "dmesg=$? words=$(grep -c 'LAST WORDS' /tmp/dmesg)"
	say "cmdline=$(cat /proc/cmdline)"
	say "started=$(kexec -S --verbose | tail -n 1)"
	exit 0
fi
K=/k/vmlinuz I=/k/initrd A="$cmdline nr_cpus=1 irqpoll reset_devices"
case $(word caller) in
kdumpctl)
	/sbin/kexec -s -p --command-line="$A" --initrd=$I $K
	;;
kdumpctl-without-s)
	/sbin/kexec -p --command-line="$A" --initrd=$I $K
	;;
opensuse)
	eval "/sbin/kexec -p $K --append=\"$A\" --initrd=$I  -a"
	;;
*)
	# Where the callers themselves look.
	mkdir -p /boot /etc /run /var/lib/kdump
	ln -s $K /boot/vmlinuz-"$(uname -r)"
	ln -s $I /boot/initramfs-"$(uname -r)".img
	ln -s $I /boot/initramfs-"$(uname -r)"kdump.img
	ln -s $K /var/lib/kdump/kernel
	ln -s $I /var/lib/kdump/initrd
	ln -s /proc/self/fd /dev/fd
	echo 0123456789abcdef0123456789abcdef >/etc/machine-id
	/caller
	;;
esac
say "load=$? loaded=$(cat /sys/kernel/kexec_crash_loaded)"
echo "LAST WORDS" >/dev/kmsg
sleep 0.2
echo c >/proc/sysrq-trigger
