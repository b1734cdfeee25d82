#!/bin/bash
# long
# SPDX-License-Identifier: LGPL-2.1-or-later
# Crash kernels: loaded, started by a panic, repaired, and what they find in /proc/vmcore.
. "$(dirname "$0")/lib.sh"

# start VERSION APPEND [OPTION of vm_start]...: the guest that will panic. $large, if set, is a
# file that is to be refused as an initrd.
start() {
	local version=$1 append=$2 kernel peer
	shift 2
	need_loader
	need readelf python3 makedumpfile
	kernel=$(kernel_dir "$version") || exit
	peer=$("$VM_PACKAGES" --peer) || fail "kexec-tools cannot be had"
	make_initramfs "$case_dir/second" "$vm_here/script-kdump.sh" "$KEXEC=/sbin/kexec" \
		"$(dirname "$KEXEC")/vmcore-dmesg=/sbin/vmcore-dmesg" "$peer/sbin/vmcore-dmesg=/sbin/peer-dmesg" \
		"$(command -v readelf)=/bin/readelf" "$(command -v makedumpfile)=/sbin/makedumpfile"
	# shellcheck disable=SC2086
	make_initramfs "$case_dir/first" "$vm_here/script-kdump.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd" ${large:+$large=/k/large}
	vm_start '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --append "$append" "$@"
}

# captured CPUS [REASON]: the dump has that many processors' registers, vmcoreinfo and the log.
captured() {
	expect_line "$log" '^@ status load=0$'
	expect_line "$log" '^@ loaded=1$'
	expect_line "$log" '^CAPTURED$'
	expect_count "$log" 'NT_PRSTATUS' "$1"
	expect_count "$log" '^  VMCOREINFO ' 1
	expect_line "$log" '^  LOAD .* 0xffffffff[89a-f][0-9a-f]{7} '
	expect_line "$log" '^@ words=1$'
	expect_line "$log" '^@ log status=0 lines=[0-9]{3,} words=1 $'
	expect_line "$log" "^@ log panic=.*${2:-sysrq triggered crash}"
	expect_line "$log" '^@ log json=0 records=[0-9]{3,}$'
	expect_line "$log" '^@ log compared=same$'
	expect_line "$log" '^@ makedumpfile=0 '
	expect_line "$log" '^@ log dumped=1$'
	expect_line "$log" "^@ started=this kernel was started by safekexec's purgatory: "
}

case_bios() {
	start 6.1-cloud "crashkernel=160M hop=nr_cpus=1"
	vm_wait
	captured 1
}

# Several CPUs in a capture kernel of 6.1, after a panic that is not on the boot CPU.
case_several_cpus() {
	start 6.1-cloud "crashkernel=192M cpu=2 hop=disable_cpu_apicid=0" --cpus 4
	vm_wait
	captured 4
	expect_line "$log" 'smp: Brought up 1 node, 3 CPUs'
}

# The main reservation is above 4 GiB; the low one is RAM for the capture kernel.
case_ovmf_high() {
	start 6.12-cloud "crashkernel=256M,high cpu=3 hop=nr_cpus=1 options=--hotplug" \
		--firmware ovmf --mem 6G --cpus 4 --timeout 240
	vm_wait
	captured 4
	expect_line "$log" '^  *[0-9a-f]{9}-[0-9a-f]{9} : Kernel code$'
	expect_no_line "$log" 'elfcorehdr .*cannot keep'
}

# Memory comes after the load, and a CPU goes and comes: the kernel has rewritten the ELF core
# header, and the purgatory takes it for sound. (A CPU that is plugged in is accepted by the
# 6.12 kernels only below a hypervisor that they know, which emulation is not.)
case_hotadd() {
	start 6.12-cloud "crashkernel=256M cpu=1 hop=nr_cpus=1 options=--hotplug hotadd=12" \
		--mem 1G,slots=2,maxmem=4G --cpus 2 \
		-monitor "unix:path=$case_dir/monitor,server=on,wait=off"
	vm_await '^@ hotadd'
	python3 "$vm_here/monitor.py" "$case_dir/monitor" "object_add memory-backend-ram,id=m1,size=512M" \
		"device_add pc-dimm,id=d1,memdev=m1" >"$case_dir/monitor.out" 2>&1 ||
		fail "$(cat "$case_dir/monitor.out")"
	vm_wait
	captured 2
	expect_line "$log" '^  LOAD +0x[0-9a-f]+ 0x[0-9a-f]+ 0x0*100000000 0x0*20000000 '
	# What is to be dumped is not the capture kernel's own.
	expect_no_line "$log" '^100000000-11fffffff : System RAM'
	expect_no_line "$log" '^@ started=.* repaired'
}

# from_outside COMMAND: the panic is the monitor's doing.
from_outside() {
	start 6.1-cloud "crashkernel=160M hop=nr_cpus=1 await=1" --cpus 4 \
		-monitor "unix:path=$case_dir/monitor,server=on,wait=off"
	vm_await '^@ awaiting'
	python3 "$vm_here/monitor.py" "$case_dir/monitor" "$1" >"$case_dir/monitor.out" 2>&1 ||
		fail "$(cat "$case_dir/monitor.out")"
	vm_wait
}

case_nmi() {
	from_outside nmi
	captured 4 'NMI: Not continuing'
}

# The keyboard's interrupt: the panic is in its handler, as the dump's log has it; a console that another processor writes to
# may not.
case_interrupt() {
	from_outside "sendkey alt-sysrq-c"
	captured 4
	expect_line "$log" '^@ log interrupt=[1-9]'
}

# case_cpu_N: a panic on each CPU of 4.
for cpu in 0 1 2 3; do
	eval "case_cpu_$cpu() { on_cpu $cpu; }"
done
on_cpu() {
	start 6.1-cloud "crashkernel=160M hop=nr_cpus=1 cpu=$1" --cpus 4
	vm_wait
	captured 4
	expect_line "$log" "^\[.* CPU: $1 PID: .* Comm: sh "
}

# Loaded again and again: nothing is lost, no memory is gone.
case_reloads() {
	local count=${FULL:+1000} grown
	count=${count:-20}
	start 6.1-cloud "crashkernel=160M hop=nr_cpus=1 reloads=$count" --timeout $((120 + 4 * count))
	vm_wait
	captured 1
	expect_line "$log" "^@ reloads=$count lost=0 grown="
	grown=$(sed -n 's/^@ reloads=.* grown=//p' "$log")
	[ "$grown" -le 2048 ] || fail "$grown KiB are gone after $count reloads"
	echo "# $count reloads, $grown KiB less memory available"
}

# A crash kernel that does not fit is refused before the loaded one is given up.
case_reload() {
	large=$case_dir/large
	head -c 120M /dev/zero >"$large"
	start 6.1-cloud "crashkernel=160M hop=nr_cpus=1" --mem 1536M
	vm_wait
	captured 1
	expect_line "$log" '^@ status reload=1$'
	expect_line "$log" '^kexec: /k/vmlinuz: crash kernel: [0-9]+ KiB are needed .* KiB too few: boot the running kernel with crashkernel=[0-9]+M$'
	expect_line "$log" '^@ still loaded=1$'
}

# The running kernel is locked down after the load, takes no unsigned kernel any more, and hides
# /proc/kcore: the loaded one stays.
case_lockdown() {
	start 6.1-cloud "crashkernel=192M hop=nr_cpus=1 lock=confidentiality"
	vm_wait
	expect_line "$log" '^@ status reload=255$'
	expect_line "$log" '^kexec: kexec_file_load failed: .*; the loaded crash kernel stays$'
	expect_line "$log" '^@ status reload -c=255$'
	expect_line "$log" '^kexec: kexec_load failed: .* locked down \(confidentiality\): '
	expect_line "$log" "^kexec: warning: /proc/kcore shows no direct map \\(/proc/kcore: Operation not permitted\\): the dump's program headers will have no virtual addresses\$"
	expect_line "$log" '^kexec: the plan is incomplete, .*/proc/kcore: Operation not permitted; the lockdown \(confidentiality\) hides memory from everybody: with -s .*$'
	expect_line "$log" '^@ status hidden=1$'
	expect_line "$log" '^@ still loaded=1$'
	captured 1
}

# sweep OPTION: initrds of all sizes around the largest that fits, page by page. The capture
# kernel, which nearly fills its reservation, has the low one to run in.
sweep() {
	local kernel
	need_loader
	kernel=$(kernel_dir 6.1-cloud) || exit
	make_initramfs "$case_dir/second" "$vm_here/script-sweep.sh"
	make_initramfs "$case_dir/first" "$vm_here/script-sweep.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --mem 5G --timeout 900 \
		--append "crashkernel=96M,high crashkernel=96M,low options=$1 most=48"
	expect_line "$log" '^@ base=0$'
	expect_line "$log" '^@ filled=0$'
	expect_line "$log" '^@ loads=1[23] refusals=1[12] lost=0$'
	expect_line "$log" "^@ refusal=kexec: .* boot the running kernel with crashkernel=[0-9]+M\$"
	expect_line "$log" '^@ last=1 loaded=1$'
	expect_line "$log" '^@ words=1$'
	expect_line "$log" '^CAPTURED$'
}

case_sweep_c() {
	sweep -c
}

case_sweep_s() {
	sweep -s
}

# reserved MIB: what happens with so much, and an initrd that is compressed as those of
# distributions are. Each has a log of its own.
reserved() {
	vm_run "$1" --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" \
		--append "crashkernel=$1M hop=nr_cpus=1"
}

# What a refusal advises works, and three quarters of it do not.
case_advice() {
	local kernel advised
	need_loader
	kernel=$(kernel_dir 6.1-cloud) || exit
	make_initramfs "$case_dir/plain" "$vm_here/script-kdump.sh" "$KEXEC=/sbin/kexec" \
		"$(command -v readelf)=/bin/readelf"
	gzip -n <"$case_dir/plain" >"$case_dir/second"
	make_initramfs "$case_dir/first" "$vm_here/script-kdump.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	reserved 40
	expect_line "$log" '^@ status load=1$'
	advised=$(sed -n 's/^kexec: .* boot the running kernel with crashkernel=\([0-9]*\)M$/\1/p' "$log" | head -n 1)
	reserved $((advised * 3 / 4))
	expect_no_line "$log" '^CAPTURED$'
	reserved "$advised"
	expect_line "$log" '^CAPTURED$'
	echo "# advised $advised MiB"
}

# flip NAME EXPRESSION...: a word for gdb.py for each; `s` is the segment.
flip() {
	local name=$1
	shift
	plan_field "$log" 1 "[hex(int(s['start'], 16) + $1) for s in p['segments'] if s['name'] == '$name'][0]"
}

# No packaged kernel needs it: low memory is saved for the dump before the capture kernel uses it.
case_backup() {
	local entry
	start 6.1-cloud "crashkernel=160M hop=nr_cpus=1,low=65536:142 pause=5 options=--backup=always" \
		-gdb "unix:path=$case_dir/gdb,server=on,wait=off"
	vm_await '^@ panic'
	vm_clean_log
	entry=$(plan_field "$log" 1 'p["entry"]') || exit
	python3 "$vm_here/gdb.py" "$case_dir/gdb" "$entry" fill=0x10000-0x9e000 >"$case_dir/gdb.out" 2>&1 ||
		fail "$(cat "$case_dir/gdb.out")"
	vm_wait
	captured 1
	expect_equal "low memory in the dump" "$(value "$log" low)" "$(python3 -c "
import hashlib
print(hashlib.sha256(b''.join(at.to_bytes(8, 'little') for at in range(0x10000, 0x9e000, 8))).hexdigest())")  /tmp/low"
}

# Single bits of every kind of segment at once, from outside, as the purgatory begins.
case_repair() {
	local entry flips=() segment
	start 6.1-cloud "crashkernel=160M hop=nr_cpus=1 pause=5" \
		-gdb "unix:path=$case_dir/gdb,server=on,wait=off"
	vm_await '^@ panic'
	vm_clean_log
	entry=$(plan_field "$log" 1 'p["entry"]') || exit
	flips=("$(flip kernel 's["file_size"] // 2')" "$(flip kernel 0x200)" "$(flip initrd 's["file_size"] - 1')"
		"$(flip params 0x1e8)" "$(flip params 0x1001)" "$(flip elfcorehdr 0x38)"
		"$(flip purgatory 0x1d8)" "$(flip purgatory 's["file_size"] - 1')"
		"$(flip "spare kernel" 0x300000)" "$(flip "spare initrd" 0)")
	python3 "$vm_here/gdb.py" "$case_dir/gdb" "$entry" "${flips[@]}" >"$case_dir/gdb.out" 2>&1 ||
		fail "$(cat "$case_dir/gdb.out")"
	vm_wait
	captured 1
	expect_line "$log" '^safekexec purgatory: the purgatory itself was repaired$'
	for segment in kernel initrd params elfcorehdr; do
		expect_line "$log" "^safekexec purgatory: segment [0-9]+ \\($segment\\) repaired: "
	done
	expect_line "$log" '^@ started=.* [56] repaired'
}

# A crash kernel that is started directly is repaired like any other: at its entry, in its middle, at its end.
case_direct() {
	local entry
	start 6.12-cloud "crashkernel=256M hop=nr_cpus=1 options=--direct pause=5" \
		-gdb "unix:path=$case_dir/gdb,server=on,wait=off"
	vm_await '^@ panic'
	vm_clean_log
	entry=$(plan_field "$log" 1 'p["entry"]') || exit
	python3 "$vm_here/gdb.py" "$case_dir/gdb" "$entry" \
		"$(flip kernel 'int(p["kernel"]["entry"], 16) - int(s["start"], 16)')" \
		"$(flip kernel 's["file_size"] // 2')" "$(flip kernel 's["file_size"] - 1')" >"$case_dir/gdb.out" 2>&1 ||
		fail "$(cat "$case_dir/gdb.out")"
	vm_wait
	captured 1
	expect_line "$log" 'all verified, direct start of the kernel at 0x'
	expect_line "$log" '^@ started=.* 3 repaired'
}

# One chunk and its spare: nothing is started, and the machine is reset.
case_beyond_repair() {
	local entry
	start 6.1-cloud "crashkernel=160M hop=nr_cpus=1 pause=5" \
		-gdb "unix:path=$case_dir/gdb,server=on,wait=off"
	vm_await '^@ panic'
	vm_clean_log
	entry=$(plan_field "$log" 1 'p["entry"]') || exit
	python3 "$vm_here/gdb.py" "$case_dir/gdb" "$entry" "$(flip initrd 0x40)" "$(flip "spare initrd" 0x80)" \
		>"$case_dir/gdb.out" 2>&1 || fail "$(cat "$case_dir/gdb.out")"
	vm_wait
	expect_line "$log" '^safekexec purgatory: segment [0-9]+ \(initrd\) is damaged: 0x40000 bytes at offset 0x0 of its source$'
	expect_line "$log" '^safekexec purgatory: reset in 10 .* 0 s$'
	expect_no_line "$log" '^CAPTURED$'
}

vm_cases backup ${FULL:+sweep_c sweep_s} advice reloads lockdown nmi ${FULL:+interrupt cpu_0 cpu_1 cpu_2 cpu_3} several_cpus bios ovmf_high hotadd reload repair direct beyond_repair
