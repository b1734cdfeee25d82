#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The plan is the act: what --dry-run --json says of each segment is what the load that follows gives the kernel.
. "$(dirname "$0")/lib.sh"

# only_the_record NAME MEMFD: that load wrote its record, and to no other file but what begins with MEMFD.
only_the_record() {
	local record='[0-9]+</run/safekexec>, "[a-z]+(\.[a-z]+)?' made
	expect_equal "status of $1" "$(value "$log" "status writes $1")" 0
	made=$(block "$log" "writes $1" | grep -vE "^mkdirat\([0-9]+</run>, \"safekexec\", 0700\) = 0\$" |
		grep -vE "^openat\($record\.[0-9]+\", O_WRONLY\|O_CREAT\|O_TRUNC\|O_NOFOLLOW\|O_CLOEXEC, 0600\) = " |
		grep -vE "^renameat\($record\.[0-9]+\", $record\"\) = 0\$" | grep -v ' = -1 E[A-Z]* (' | sed 's/,.*//')
	expect_equal "what else load $1 wrote" "$made" "$2"
	block "$log" "writes $1" | grep -q '^renameat' || fail "load $1 recorded nothing"
}

# acted VERSION OPTIONS [OPTION of vm_run]...: OPTIONS are the loader's.
acted() {
	local version=$1 options=$2 kernel way name summary
	shift 2
	need_loader
	need gcc strace
	kernel=$(kernel_dir "$version") || exit
	gcc -O2 -Wall -Wextra -static -o "$case_dir/trace-load" "$vm_here/trace-load.c" || fail "trace-load.c cannot be built"
	# Its last page is not full.
	head -c 300001 /dev/urandom >"$case_dir/small"
	make_initramfs "$case_dir/initrd" "$vm_here/script-act.sh" "$KEXEC=/sbin/kexec" \
		"$(command -v strace)=/bin/strace" "$case_dir/trace-load=/trace-load" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/small=/k/initrd"
	# A plan that is shown has no random addresses, in its ELF core header and elsewhere: here they are not random.
	vm_run '' --timeout 600 --kernel "$kernel/vmlinuz" --initrd "$case_dir/initrd" --append "crashkernel=256M nokaslr efi=debug options=$options" "$@"
	for way in l p; do
		for name in plan strace load; do
			expect_equal "status of $name -$way" "$(value "$log" "status $name $way")" 0
		done
		# CAP_SYS_BOOT is left, the bounding set as it was, and no program can give more.
		expect_line "$log" "^@ privileges $way=0+ 0+400000 0+400000 [0-9a-f]*[1-9a-f][0-9a-f]* 0+ 1 \$"
		for name in plan strace call sums small; do
			block "$log" "$name $way" >"$case_dir/$name.$way"
		done
		summary=$(python3 "$vm_here/act.py" "$case_dir" $way) || fail "-$way: $(head -n 1 <<<"$summary")"
		echo "$summary" >>"$log"
	done
	# The running kernel's own loader is called with no more.
	expect_equal "status of load -s" "$(value "$log" 'status load s')" 0
	expect_line "$log" "^@ privileges s=0+ 0+400000 0+400000 [0-9a-f]*[1-9a-f][0-9a-f]* 0+ 1 \$"
	only_the_record load ''
	only_the_record crash ''
	only_the_record file 'memfd_create("kernel"'
	# What is loaded and started at once has CAP_NET_ADMIN, too, until the network is down. It was killed before the start.
	expect_equal "status of load -f" "$(value "$log" 'status load f')" 137
	expect_line "$log" "^@ privileges f=0+ 0+401000 0+401000 [0-9a-f]*[1-9a-f][0-9a-f]* 0+ 1 \$"
	expect_line "$log" "^@ privileges reboot=0+ 0+400000 0+400000 [0-9a-f]*[1-9a-f][0-9a-f]* 0+ 1 \$"
	expect_line "$log" '^@ loaded=1 1$'
	for name in u cu; do
		expect_equal "status of unload $name" "$(value "$log" "status unload $name")" 0
		expect_line "$log" "^@ privileges $name=0+ 0+400000 0+400000 [0-9a-f]*[1-9a-f][0-9a-f]* 0+ 1 \$"
	done
	expect_line "$log" '^@ unloaded=0 0$'
	expect_audit log
}

# expect_audit NAME: it has opened its file with CAP_DAC_OVERRIDE, besides.
expect_audit() {
	expect_line "$log" "^@ privileges $1=0+ 0+400002 0+400002 [0-9a-f]*[1-9a-f][0-9a-f]* 0+ 1 \$"
}

case_bios() {
	acted 6.1-cloud ''
}

case_ovmf() {
	local cpus=${FULL:+2}
	acted 6.12-cloud '' --firmware ovmf --cpus "${cpus:-1}" --mem 2G
	# The kernel's log, which takes more, was read before the kernel's file was opened.
	expect_line "$log" "^EFI map    the kernel's log, "
	expect_audit kernel
}

case_direct() {
	acted 6.12-cloud --direct
}

vm_cases bios ovmf direct
