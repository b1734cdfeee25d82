# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Which loader -a takes where the running kernel's own hands on IMA's list, which flags that knows, and -d where it
# knows none for it.
. /guest.sh
try() {
	name=$1
	shift
	kexec "$@" >/tmp/said 2>/tmp/warned
	say "$name=$? $(cat /sys/kernel/kexec_loaded) $(cat /sys/kernel/kexec_crash_loaded)"
	cat /tmp/said
	grep '^kexec: ' /tmp/warned
	kexec -u
	kexec -p -u
}
mount -t securityfs securityfs /sys/kernel/security
say "measured=$(cat /sys/kernel/security/ima/runtime_measurements_count)"
try chosen -l /k/vmlinuz
try ours -c -l /k/vmlinuz
try flags -s -d --no-cma --force-dtb -l /k/vmlinuz
try debug -d -l /k/vmlinuz
try debug_ours -d -c -l /k/vmlinuz
try debug_crash -p -d -c /k/vmlinuz
try debug_crash_file -d -s -p /k/vmlinuz
