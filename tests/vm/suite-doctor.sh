#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What --doctor finds where the cause is real, and what --estimate says of a capture kernel.
. "$(dirname "$0")/lib.sh"

# found NAME STATUS VERDICT CHECK TEXT [REMEDY]: a line of the page of that name, what is to be
# tried, and the exit status.
found() {
	local page=$case_dir/page
	block "$log" "doctor $1" >"$page"
	expect_equal "status of the page $1" "$(value "$log" "status doctor $1")" "$2"
	grep -qE -- "^$(printf '%-4s  %-14s' "$3" "$4") $5\$" "$page" ||
		fail "the page $1 has no line \"$3 $4 $5\", see $log"
	[ -z "${6:-}" ] || grep -A1 -E -- "^$(printf '%-4s  %-14s' "$3" "$4") $5\$" "$page" | grep -qE -- "^ +try: $6\$" ||
		fail "the page $1 has no \"try: $6\" after \"$3 $4 $5\", see $log"
}

prepare() {
	local peer
	need_loader
	kernel=$(kernel_dir "$1") || exit
	peer=$("$VM_PACKAGES" --peer) || fail "kexec-tools cannot be had"
	make_initramfs "$case_dir/second" "$vm_here/script-doctor.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$vm_here/guest.sh=/k/initrd"
	make_initramfs "$case_dir/first" "$vm_here/script-doctor.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd" "$peer/sbin/kexec=/sbin/peer"
}

# What is loaded against its files, against what others load and unload, and against memory that
# comes and goes; a start that would use memory that is gone is refused, and the next is not.
case_record() {
	prepare 6.12-cloud
	vm_start '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --append "crashkernel=192M" \
		--mem 1G,slots=2,maxmem=4G --timeout 480 -monitor "unix:path=$case_dir/monitor,server=on,wait=off"
	vm_await '^@ hotadd'
	python3 "$vm_here/monitor.py" "$case_dir/monitor" "object_add memory-backend-ram,id=m1,size=512M" \
		"device_add pc-dimm,id=d1,memdev=m1" >"$case_dir/monitor.out" 2>&1 || fail "$(cat "$case_dir/monitor.out")"
	vm_await '^@ hotremove'
	python3 "$vm_here/monitor.py" "$case_dir/monitor" "device_del d1" >"$case_dir/monitor.out" 2>&1 ||
		fail "$(cat "$case_dir/monitor.out")"
	vm_wait
	found before 0 ok loaded 'no kernel'
	found before 0 warn 'loaded crash' 'no crash kernel' "kexec -p KERNEL, or the distribution's kdump service"
	found before 0 ok '5-level paging' 'on, and the kernel can be entered so'
	found before 0 ok framebuffer 'none, and no screen'
	expect_line "$log" '^@ modes=700 600 600$'
	expect_line "$log" '^@ secrets=0$'
	expect_line "$log" '^loaded     20.* by kexec_load, flags 0x0$'
	expect_line "$log" '^kernel     /k/vmlinuz, [0-9]+ bytes of '
	found loaded 0 ok loaded 'a kernel, for kexec -e'
	found loaded 0 ok loaded 'at 20.* by kexec_load'
	found loaded 0 ok loaded 'the kernel /k/vmlinuz is as it was loaded'
	found loaded 0 ok loaded 'the initrd /k/initrd is as it was loaded'
	found loaded 0 ok loaded 'the memory map is that of the load'
	found loaded 0 ok 'loaded crash' 'the initrd /k/initrd is as it was loaded'
	found loaded 0 warn 'loaded crash' \
		"the running kernel does not keep the dump's header true when memory or CPUs come or go" 'kexec -p --hotplug, again'
	found changed 0 warn loaded 'the initrd /k/initrd has changed since it was loaded' 'kexec -l, again'
	found changed 0 warn 'loaded crash' 'the initrd /k/initrd has changed since it was loaded' 'kexec -p, again'
	found touched 0 ok loaded 'the initrd /k/initrd has another time, and is as it was loaded'
	expect_line "$log" '^@ status their unload=0$'
	found unloaded 0 warn loaded \
		'what was loaded at 20.*, /k/vmlinuz, is not loaded any more: another program has unloaded it, .*' 'kexec -l, again'
	expect_line "$log" '^@ status their load=0$'
	found theirs 0 warn loaded 'another program has loaded it, and did not record what it is' 'kexec -l, again'
	found theirs 0 ok 'loaded crash' 'the memory map is that of the load'
	found added 0 warn loaded 'memory has come since, 0x100000000-0x120000000: the new kernel will not have it' 'kexec -l, again'
	found added 0 warn 'loaded crash' 'memory has come since, 0x100000000-0x120000000: it is not in the dump' 'kexec -p, again'
	found again 0 ok loaded 'the memory map is that of the load'
	found again 0 ok 'loaded crash' "the running kernel keeps the dump's header true when memory or CPUs come or go"
	found gone 1 fail loaded 'memory has gone since, 0x100000000-0x120000000: kexec -e refuses' 'kexec -l, again'
	found gone 1 ok 'loaded crash' 'memory has gone since, 0x100000000-0x120000000, and the running kernel has taken it out of the dump'
	expect_line "$log" '^kexec: memory has gone since the kernel was loaded, 0x100000000-0x120000000, and the new kernel would take it for RAM: nothing was started, '
	expect_line "$log" '^@ status exec=1$'
	expect_line "$log" '^@ still loaded=1$'
	expect_line "$log" '^@ second$'
	found second 0 ok loaded 'no kernel'
}

# bounce NAME SIZE QEMU-ARGUMENT...: what a capture kernel has of bounce buffers on a machine with
# memory above 4 GiB, and what the estimate says.
bounce() {
	local size=$1
	shift
	prepare 6.1-cloud
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --append "crashkernel=256M crash=1" \
		--mem 5G --timeout 480 "$@"
	expect_line "$log" '^@ captured$'
	expect_equal "bounce buffers" "$(value "$log" swiotlb)" "$size"
}

# ACPI's SRAT tells the capture kernel of memory that is not its own.
case_swiotlb() {
	bounce 64MB -object memory-backend-ram,id=m0,size=5G -numa node,memdev=m0
	expect_line "$log" '^     65536 KiB  bounce buffers \(swiotlb\), '
}

case_no_swiotlb() {
	bounce ''
	expect_no_line "$log" 'bounce buffers'
}

# The measured crashkernel= is one with which the pair captures a dump.
case_measure() {
	local measured
	prepare 6.1-cloud
	mkdir "$case_dir/bin"
	# KVM that is there and does not work would be waited for.
	printf '#!/bin/sh\nfor word; do [ "$word" != kvm ] || exit 1; done\nexec %s "$@"\n' \
		"$(command -v qemu-system-x86_64)" >"$case_dir/bin/qemu-system-x86_64"
	chmod +x "$case_dir/bin/qemu-system-x86_64"
	PATH=$case_dir/bin:$PATH "$KEXEC" --estimate=measure "$kernel/vmlinuz" --initrd="$case_dir/second" \
		>"$case_dir/said" 2>"$case_dir/boots" || fail "$(tail -n 1 "$case_dir/boots")"
	measured=$(sed -n '1s/^crashkernel=\([0-9]*\)M$/\1/p' "$case_dir/said")
	[ -n "$measured" ] || fail "the first line is $(head -n 1 "$case_dir/said")"
	grep -qE '^ +[0-9]+ KiB  measured: the pair reaches userspace on one CPU, not in [0-9]+ KiB' "$case_dir/said" ||
		fail "no line about what was measured"
	grep -q ' MiB, emulated: none after ' "$case_dir/boots" || fail "no boot had too little memory"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --append "crashkernel=${measured}M crash=1" --timeout 240
	expect_line "$log" '^@ captured$'
	echo "# measured $(sed -n '2s/^ *\([0-9]*\) KiB .*/\1/p' "$case_dir/said") KiB: crashkernel=${measured}M, $(tail -n 1 "$case_dir/said"), $(wc -l <"$case_dir/boots") boots"
}

vm_cases record measure swiotlb no_swiotlb
