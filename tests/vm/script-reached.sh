# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# What callers load, and how each goes on from there: a kernel for each call.
. /guest.sh
say "started $stage=$(kexec -S --verbose | tail -n 1)"
say "cmdline $stage=$(cat /proc/cmdline)"
# Theirs is one file.
(cd / && find sbin k | cpio -o -H newc 2>/dev/null) >/tmp/loader
cat /k/base /tmp/loader >/tmp/initrd
K=/k/vmlinuz I=/tmp/initrd A="$cmdline stage=$((stage + 1))"
call() {
	kexec "$@" >/tmp/said 2>&1
	say "call $stage=$? loaded=$(cat /sys/kernel/kexec_loaded) $* -- $(head -n 1 /tmp/said)"
}
case $stage in
1) # nixos-images, with which nixos-anywhere installs
	call --load $K --kexec-syscall-auto --initrd=$I --no-checks --command-line "$A"
	nohup sh -c "sleep 1 && kexec -e " >/dev/null 2>&1 &
	exec sleep 60
	;;
2) # systemctl kexec, and systemd-shutdown
	call --load $K --append "$A" --initrd $I
	kexec -e
	;;
3) # the tests of kdump-utils, and SONiC
	call -s -l $K --initrd=$I --reuse-cmdline --append="stage=4"
	kexec -e
	;;
4) # heads
	call -d -l --initrd=$I --append="$A" $K
	kexec -e
	;;
5) # the kernel's selftests load and unload; what LTP loads has no initrd
	call --load --kexec-file-syscall $K
	call --unload --kexec-file-syscall
	call --load --kexec-syscall $K
	call --unload
	call -s -l $K --reuse-cmdline
	kexec -e
	;;
esac
