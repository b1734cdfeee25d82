#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Kernels that choose their own place: one kexec after another, in the smallest guest
# that holds two kernels, so that a choice falls beside what was loaded.
. "$(dirname "$0")/lib.sh"

hops=${FULL:+50}
hops=${hops:-5}

# chain VERSION
chain() {
	local kernel stage
	need_loader
	kernel=$(kernel_dir "$1") || exit
	make_initramfs "$case_dir/base" "$vm_here/script-chain.sh"
	pack "$case_dir/loader" "$KEXEC=/sbin/kexec" "$kernel/vmlinuz=/k/vmlinuz" \
		"$case_dir/base=/k/initrd"
	cat "$case_dir/base" "$case_dir/loader" >"$case_dir/first"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --mem 192M \
		--append "last=$((hops + 1)) plan=no hop=plan=no" --timeout $((60 + 20 * hops))
	for ((stage = 2; stage <= hops + 1; stage++)); do
		expect_same_facts "$log" 1 "$stage"
	done
	expect_line "$log" '^@ done 0$'
	[ "$(grep -a '^@ kernel-code' "$log" | cut -d= -f2 | sort -u | wc -l)" -gt 1 ] ||
		fail "the kernel ran $((hops + 1)) times at one address: KASLR was off"
}

case_6.1-cloud() {
	chain 6.1-cloud
}

case_6.12-cloud() {
	chain 6.12-cloud
}

vm_cases 6.1-cloud 6.12-cloud
