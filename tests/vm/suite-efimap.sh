#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The EFI memory map in the running kernel's memory: it is the firmware's, it is what the log has,
# and a capture has it; where it cannot be read, a sentence says so.
. "$(dirname "$0")/lib.sh"

no_log='no EFI memory map: x86 kernels print it \("efi: mem00: \.\.\."\) when they are booted by EFI firmware with efi=debug'
kexeced='a kexec has started the running kernel, and handed on what the runtime services need of the EFI memory map, no more: boot by the firmware'

# machine VERSION APPEND
machine() {
	local kernel
	need_loader
	kernel=$(kernel_dir "$1") || exit
	make_initramfs "$case_dir/base" "$vm_here/script-efimap.sh"
	pack "$case_dir/again" "$KEXEC=/sbin/kexec" "$kernel/vmlinuz=/k/vmlinuz"
	cat "$case_dir/base" "$case_dir/again" >"$case_dir/second"
	pack "$case_dir/loader" "$KEXEC=/sbin/kexec" "$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	cat "$case_dir/base" "$case_dir/loader" >"$case_dir/initrd"
	vm_run "" --firmware ovmf --timeout 300 --kernel "$kernel/vmlinuz" --initrd "$case_dir/initrd" --append "$2"
	expect_equal "the audit of the capture" "$(value "$log" compared)" same
	expect_equal "a capture of the capture" "$(value "$log" again)" same
}

# map SOURCE: from where the audit says that it has the map, and how many descriptors.
map() {
	block "$log" json | sed '/^kexec: warning/d' | python3 -c "
import json, sys
audit = json.load(sys.stdin)['audits'][0]
print(audit['source'], audit['partial'], audit['descriptors'])" || fail "no JSON in $log"
}

# The unprivileged see neither the log, nor memory, nor what the runtime services have.
unprivileged() {
	expect_equal "status of the unprivileged" "$(value "$log" 'status user')" 1
	expect_line "$log" "^kexec: the kernel's log: Operation not permitted; /proc/kcore: Permission denied: try as root, or boot once with efi=debug, so that the log has the map\$"
}

# The runtime services' map is all that there is, and why.
only_runtime() {
	expect_equal "status of the audit $1" "$(value "$log" "status audit $1")" 1
	expect_line "$log" "^kexec: warning: $no_log; $2; /sys/firmware/efi/runtime-map has only "
	block "$log" "audit $1" | grep -q '^Verdict    unknown$' || fail "the audit $1 says more than that it does not know"
}

# Before 6.1 the stub puts the map where /proc/kcore shows it.
case_memory() {
	machine 5.10-cloud hop=no
	expect_equal "status of the audit" "$(value "$log" 'status audit 1')" 0
	expect_line "$log" "^EFI map    the running kernel's memory, [0-9]{2,3} descriptors\$"
	[[ $(map) =~ ^memory\ False\ [0-9]{2,3}$ ]] || fail "the audit's map: $(map)"
	unprivileged
}

# With efi=debug the log has it, too: descriptor by descriptor, as somebody else reads both.
case_agree() {
	local found
	machine 5.10-cloud 'efi=debug hop=no'
	expect_line "$log" "^EFI map    the running kernel's memory, [0-9]{2,3} descriptors, as in the kernel's log\$"
	block "$log" tar | base64 -d | gzip -d >"$case_dir/machine.tar" || fail "the capture is not whole"
	found=$(block "$log" dmesg | python3 "$vm_here/efimap-memory.py" "$case_dir/machine.tar" 2>&1) ||
		fail "$(tail -n 1 <<<"$found")"
	echo "# $found"
	expect_equal "the map" "$(map)" "memory False ${found%% *}"
}

case_locked() {
	machine 5.10-cloud 'lockdown=confidentiality hop=no'
	only_runtime 1 '/proc/kcore: Operation not permitted: lockdown=confidentiality hides memory: boot once with efi=debug, so that the log has the map'
}

# Since then /proc/kcore shows it no more; the log does. After a kexec it is another one.
case_not_shown() {
	machine 6.12-cloud ''
	only_runtime 1 '/proc/kcore does not show the EFI memory map at 0x[0-9a-f]+: it shows System RAM, and from Linux 6.1 on the EFI stub puts the map among ACPI tables; boot once with efi=debug, so that the log has the map'
	only_runtime 2 "$kexeced"
}

case_log() {
	machine 6.12-cloud 'efi=debug hop=no'
	expect_equal "status of the audit" "$(value "$log" 'status audit 1')" 0
	expect_line "$log" "^EFI map    the kernel's log, [0-9]{2,3} descriptors\$"
	[[ $(map) =~ ^log\ False\ [0-9]{2,3}$ ]] || fail "the audit's map: $(map)"
}

vm_cases memory agree locked not_shown log
