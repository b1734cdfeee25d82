# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# A kernel gets a device tree: a normal one, or, with way=p, a crash kernel. It says what it has of it.
. /guest.sh
if [ "$stage" = 1 ]; then
	way=$(word way)
	block "load $stage" kexec -c "-$way" /k/vmlinuz --initrd=/k/initrd --dtb=/k/dtb --append="$cmdline nokaslr nr_cpus=1 stage=2"
	[ "$way" = l ] && jump
	echo c >/proc/sysrq-trigger
fi
say "captured=$([ -e /proc/vmcore ] && echo yes)"
for node in /sys/kernel/boot_params/setup_data/*; do
	[ "$(cat "$node/type")" != 0x2 ] || block "tree" base64 "$node/data"
done
say "property=$(tr -d '\0' </proc/device-tree/safekexec/word)"
