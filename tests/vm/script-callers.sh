# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# How distributions and tools call kexec: each call's status, and what is loaded after it.
. /guest.sh
number=0
call() {
	number=$((number + 1))
	kexec "$@" >/tmp/said 2>&1
	say "call $number=$? $(cat /sys/kernel/kexec_loaded)$(cat /sys/kernel/kexec_crash_loaded) $* -- $(head -n 1 /tmp/said)"
}
K=/k/vmlinuz I=/k/initrd A="console=ttyS0 nr_cpus=1"
# Debian's kdump-tools
call -p --command-line="$A" --initrd=$I $K
call -p -u
call -p --args-linux --command-line="$A" --initrd=$I $K
call -p -u
call -p -s --command-line="$A" --initrd=$I $K
call -s -p -u
# Debian's kexec-tools, its init scripts
call -l $K --initrd=$I --append="$A"
call -u
# Fedora's kdump-utils
call -s -s -p --command-line="$A" --initrd=$I $K
call -s -p -u
call -s -l $K --initrd=$I --reuse-cmdline --append="$A"
call -s -u
# openSUSE's kdump: the kernel before the options
call -p $K --append="$A" --initrd=$I -a
call -a -p -u
# systemd, nixos-images, the kernel's selftests, LTP, SONiC, heads
call --load $K --append "$A" --initrd $I
call --unload
call --load $K --kexec-syscall-auto --initrd=$I --no-checks --command-line "$A"
call --load --kexec-file-syscall $K
call --unload --kexec-file-syscall
call --load --kexec-syscall $K
call --unload
call -s -l $K --reuse-cmdline
call -u
call -d -l --initrd=$I --append="$A" $K
call -u
