#!/bin/bash
# full
# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian's crash opens a dump, as it was and filtered, with the kernel's debug symbols: the log,
# the processes that ran, the task that panicked, on its CPU. Its `ps` (8.0.2) finds of a 6.1
# kernel only what is on a CPU, whatever loader made the dump: the processes are listed
# by the kernel's own list of them, besides.
. "$(dirname "$0")/lib.sh"

panics_on=2

# crash DIRECTORY VMLINUX DUMP
crash() {
	local dir=$1 vmlinux=$2 dump=$3
	printf '%s\n' log ps 'bt -a' 'kmem -i' \
		'list -o task_struct.tasks -s task_struct.pid,comm -h init_task' quit |
		LD_LIBRARY_PATH=$dir/usr/lib/x86_64-linux-gnu timeout 300 "$dir/usr/bin/crash" -s "$vmlinux" "$dump"
}

# The list of processes that crash printed: "ID NAME" lines.
processes() {
	sed -n -E 's/^ *pid = ([0-9]+),.*/\1/p; s/^ *comm = "(.*)",?$/\1/p' "$1" | sed 's/\\000//g' | paste -d ' ' - -
}

# judge FILE: what crash printed.
judge() {
	local id name missing=
	expect_line "$1" 'sysrq: Trigger a crash'
	expect_line "$1" "^ *PID: .* CPU: $panics_on +COMMAND: \"sh\""
	expect_line "$1" '^ *#[0-9]+ .* sysrq_handle_crash at '
	expect_count "$1" '^ *PID: .* CPU: [0-9] +COMMAND:' 4
	expect_line "$1" '^ *TOTAL MEM +[0-9]+ '
	# Without brackets, and without what a worker is busy with.
	while read -r id name; do
		name=$(sed -E 's/^\(//; s/\)$//; s|^(kworker/[^-+]*)[-+].*|\1|' <<<"$name")
		processes "$1" | grep -qFx "$id ${name:0:15}" || missing="$missing $id $name,"
	done < <(block "$log" ps)
	# The process that listed them is gone, and a worker may be.
	[ "$(tr -cd , <<<"$missing" | wc -c)" -le 3 ] || fail "crash's ps does not show$missing see $1"
	expect_count <(processes "$1") ' sleep$' 2
	expect_line "$1" "^> +[0-9]+ .* $panics_on .* RU .* sh\$"
}

case_dump() {
	local kernel vmlinux dir
	need_loader
	need makedumpfile
	kernel=$(kernel_dir 6.1-cloud) || exit
	vmlinux=$("$VM_PACKAGES" --debug 6.1-cloud) || fail "debug symbols cannot be had"
	dir=$("$VM_PACKAGES" --crash) || fail "crash cannot be had"
	# shellcheck disable=SC2046
	make_initramfs "$case_dir/second" "$vm_here/script-crash.sh" \
		"$(command -v makedumpfile)=/sbin/makedumpfile" $(modules "$kernel" virtio_blk virtio_pci)
	make_initramfs "$case_dir/first" "$vm_here/script-crash.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	truncate -s 1200M "$case_dir/raw"
	truncate -s 200M "$case_dir/filtered"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --cpus 4 --timeout 240 \
		--append "crashkernel=192M cpu=$panics_on" \
		-drive "if=virtio,format=raw,file=$case_dir/raw" -drive "if=virtio,format=raw,file=$case_dir/filtered"
	expect_line "$log" '^@ loaded=1$'
	expect_line "$log" '^@ raw=0$'
	expect_line "$log" '^@ filtered=0 '
	truncate -s "$(sed -n 's/^@ filtered=0 //p' "$log")" "$case_dir/filtered"
	for dump in raw filtered; do
		crash "$dir" "$vmlinux" "$case_dir/$dump" >"${log%.log}-$dump.txt" 2>&1 || fail "crash: $(tail -n 1 "${log%.log}-$dump.txt")"
		judge "${log%.log}-$dump.txt"
	done
}

vm_cases dump
