#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The TPM's event log, and the other tables that firmware keeps in ordinary RAM.
. "$(dirname "$0")/lib.sh"

start_tpm() {
	need swtpm qemu-system-x86_64
	mkdir "$case_dir/tpm"
	swtpm socket --tpm2 --tpmstate "dir=$case_dir/tpm" --terminate \
		--ctrl "type=unixio,path=$case_dir/tpm.sock" --log "file=$case_dir/tpm.log" &
	local tpm_pid=$!
	vm_children+=("$tpm_pid")
	while [ ! -S "$case_dir/tpm.sock" ]; do
		kill -0 $tpm_pid 2>/dev/null || fail "swtpm ended: $(cat "$case_dir/tpm.log")"
		sleep 0.05
	done
}

# Each table of the log's "efi:" line that only the running kernel keeps is protected by
# the plan, is outside what may be used, and is under no segment.
expect_protected() {
	local result
	block "$1" plan\ 1 >"$case_dir/plan.json"
	result=$(block "$1" efi | python3 -c '
import json, re, sys
plan = json.load(open(sys.argv[1]))
def ranges(name):
    return [(int(r["start"], 16), int(r["end"], 16), r.get("name")) for r in plan[name]]
found = dict(re.findall(r"(\w+)=(0x[0-9a-f]+)", sys.stdin.read()))
wanted = [n for n in ("TPMEventLog", "MEMATTR", "ESRT") if n in found]
if "TPMEventLog" not in wanted or "MEMATTR" not in wanted:
    sys.exit("the log names only %s" % sorted(found))
for name in wanted:
    at = int(found[name], 16)
    if not any(s <= at < e and n == name for s, e, n in ranges("protected")):
        sys.exit("%s at 0x%x is not protected" % (name, at))
for s, e, name in ranges("protected"):
    for where in ("usable", "segments"):
        for start, end, what in ranges(where):
            if s < end and start < e:
                sys.exit("%s is in %s: 0x%x-0x%x %s" % (name, where, start, end, what or ""))
' "$case_dir/plan.json" 2>&1) || fail "$result"
}

# event_log MEMORY [WORD]
event_log() {
	local kernel
	need_loader
	kernel=$(kernel_dir 6.1-cloud) || exit
	make_initramfs "$case_dir/second" "$vm_here/script-tpm.sh" "$vm_here/script-hop.sh=/script-hop"
	make_initramfs "$case_dir/first" "$vm_here/script-tpm.sh" "$vm_here/script-hop.sh=/script-hop" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	start_tpm
	vm_run '' --firmware ovmf --mem "$1" --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" \
		--append "nokaslr hop=nokaslr ${2:-}" \
		-chardev "socket,id=tpm,path=$case_dir/tpm.sock" \
		-tpmdev emulator,id=tpm0,chardev=tpm -device tpm-tis,tpmdev=tpm0
	expect_line "$log" '^SECOND KERNEL UP$'
	expect_same_facts "$log" 1 2
	expect_planned_place "$log" 2
	expect_line "$log" '^@ event log 1=[0-9]{3,} '
	expect_equal "event log of the second kernel" "$(value "$log" 'event log 2')" \
		"$(value "$log" 'event log 1')"
	expect_protected "$log"
}

case_event_log() {
	event_log 1G
}

# The memory attributes table, which firmware keeps in ordinary RAM, lies where a segment would
# go, did the loader not know of it: in the lowest page that may be used. The kernel goes above
# 4 GiB. (Where the event log is, Linux decides: in memory of type ACPI Tables, since 6.1.)
case_most_attractive_hole() {
	local result
	event_log 5G hole=1
	result=$(python3 -c '
import json, sys
plan = json.load(open(sys.argv[1]))
number = lambda text: int(text, 16)
def ranges(name):
    return [(number(r["start"]), number(r["end"]), r) for r in plan[name]]
table = [(s, e) for s, e, r in ranges("protected") if r["name"] == "MEMATTR"][0]
if not any(s <= table[0] and table[1] <= e and r["type"] == 1 for s, e, r in ranges("e820")):
    sys.exit("MEMATTR at 0x%x is not in RAM: nobody would take it" % table[0])
if any(s < table[1] for s, e, r in ranges("segments")):
    sys.exit("a segment lies below or over MEMATTR at 0x%x" % table[0])
# Without the tables it is in this hole, and the parameters are taken there.
holes = sorted((s, e) for s, e, r in ranges("usable") + ranges("protected"))
start, end = table
for low, high in holes:
    if low <= end < high:
        end = high
size = [s["mem_size"] for s in plan["segments"] if s["name"] == "params"][0]
if end - start < size:
    sys.exit("0x%x-0x%x would not hold the parameters" % (start, end))
' "$case_dir/plan.json" 2>&1) || fail "$result"
	expect_no_line "$log" 'efi: memattr: '
}

vm_cases event_log most_attractive_hole
