# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# In Xen's dom0: what --doctor says, and each load, none of which may reach the running kernel.
. /guest.sh

try() {
	name=$1
	shift
	kexec "$@" /k/vmlinuz 2>&1
	say "$name=$? $(cat /sys/kernel/kexec_loaded)$(cat /sys/kernel/kexec_crash_loaded)"
}
say "features=$(cat /sys/hypervisor/type /sys/hypervisor/properties/features | tr '\n' ' ')"
try doctor --doctor
try load -l
try file -s -l
try panic -p
try force -f
try plan --dry-run -l
kexec -u
say "unload=$?"
