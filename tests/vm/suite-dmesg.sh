#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# vmcore-dmesg over the memory of a running guest as the hypervisor writes it, with and without
# virtual addresses in the program headers: the guest's own dmesg, and the peer's output.
. "$(dirname "$0")/lib.sh"

dmesg=$(dirname "$KEXEC")/vmcore-dmesg

# dumped VERSION RECORDS [WORD of the command line]...
dumped() {
	local version=$1 records=$2 kernel peer kind words
	shift 2
	need_loader
	need python3
	kernel=$(kernel_dir "$version") || exit
	peer=$("$VM_PACKAGES" --peer) || fail "kexec-tools cannot be had"
	words=$(modules "$kernel" qemu_fw_cfg)
	# shellcheck disable=SC2086
	make_initramfs "$case_dir/initrd" "$vm_here/script-dmesg.sh" $words
	vm_start '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/initrd" --mem 256M --timeout 300 \
		--append "printk.devkmsg=on records=$records $*" -device vmcoreinfo \
		-monitor "unix:path=$case_dir/monitor,server=on,wait=off"
	vm_await '^@ ready'
	python3 "$vm_here/monitor.py" "$case_dir/monitor" "dump-guest-memory $case_dir/physical" \
		"dump-guest-memory -p $case_dir/virtual" || fail "the guest cannot be dumped"
	vm_stop
	block "$log" log >"$case_dir/guest"
	for kind in physical virtual; do
		"$dmesg" "$case_dir/$kind" >"$case_dir/text" 2>"$case_dir/said" ||
			fail "$kind addresses: $(cat "$case_dir/said")"
		"$dmesg" --json "$case_dir/$kind" >"$case_dir/json" || fail "$kind addresses: --json fails"
		python3 "$vm_here/dmesg.py" "$case_dir/guest" "$case_dir/text" "$case_dir/json" ||
			fail "$kind addresses: not what the guest printed"
	done
	# The peer knows no page tables: it needs the virtual addresses.
	"$peer/sbin/vmcore-dmesg" "$case_dir/virtual" >"$case_dir/theirs" || fail "the peer fails"
	cmp "$case_dir/text" "$case_dir/theirs" || fail "the peer prints something else"
	echo "# $version: $(wc -l <"$case_dir/text") lines, $(grep -a -m 1 '^KERNELOFFSET=' "$case_dir/virtual")"
}

# The ring in the kernel's image.
case_6.1-cloud() {
	dumped 6.1-cloud 4500
}

case_6.12-cloud() {
	dumped 6.12-cloud 4500
}

# The ring in allocated memory.
case_6.1-nokaslr() {
	dumped 6.1-cloud 50 nokaslr log_buf_len=1M
}

case_6.12-nokaslr() {
	dumped 6.12-cloud 50 nokaslr log_buf_len=1M
}

case_6.12-allocated() {
	dumped 6.12-cloud 50 log_buf_len=1M
}

vm_cases 6.1-cloud 6.12-cloud 6.1-nokaslr 6.12-nokaslr 6.12-allocated
