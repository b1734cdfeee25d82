#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Kexecs in a row, three every day and five in the full run: what the last kernel is handed is what the first one had.
. "$(dirname "$0")/lib.sh"

hops=${FULL:+5}
hops=${hops:-3}

# chain FIRMWARE
chain() {
	local kernel stage
	need_loader
	kernel=$(kernel_dir 6.1-cloud) || exit
	# shellcheck disable=SC2046
	make_initramfs "$case_dir/base" "$vm_here/script-chain.sh" $(modules "$kernel" efivarfs)
	pack "$case_dir/loader" "$KEXEC=/sbin/kexec" "$kernel/vmlinuz=/k/vmlinuz" \
		"$case_dir/base=/k/initrd"
	cat "$case_dir/base" "$case_dir/loader" >"$case_dir/first"
	vm_run '' --firmware "$1" --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" \
		--append "nokaslr last=$((hops + 1)) hop=nokaslr"
	for ((stage = 2; stage <= hops + 1; stage++)); do
		expect_same_facts "$log" 1 "$stage"
		expect_planned_place "$log" "$stage"
		expect_line "$log" "^@ started $stage=this kernel was started by safekexec's purgatory: [34] segments, [0-9]{8} bytes, [0-9]{2,} chunks verified in [0-9]+ ms, 0 NMIs\$"
	done
	expect_line "$log" "^@ started 1=this kernel was not started by safekexec's purgatory\$"
	expect_line "$log" '^@ done 0$'
}

case_bios() {
	chain bios
}

# Each kernel reads the variable that the one before made, and makes its own.
case_ovmf() {
	local stage
	chain ovmf
	expect_no_line "$log" '^@ variable cannot be written'
	for ((stage = 2; stage <= hops + 1; stage++)); do
		expect_equal "stage $stage: EFI variable" "$(value "$log" "variable $stage")" \
			"$((stage - 1))"
	done
}

vm_cases ${FULL:+bios} ovmf
