# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Loads what is no Linux kernel with the arguments in /arguments, one a line, and starts it. Before that, what it is to find:
# the firmware's map, and the screen.
. /guest.sh
for entry in /sys/firmware/memmap/*; do
	say "firmware=$(cat "$entry/start") $(cat "$entry/end") $(cat "$entry/type")"
done
say "booted=$(od -v -A n -t x1 -j 15 -N 1 /sys/kernel/boot_params/data | tr -d ' \n')"
set --
while IFS= read -r argument; do
	set -- "$@" "$argument"
done </arguments
block "plan $stage" kexec --dry-run --json -l /k/program "$@"
block load kexec -l /k/program "$@" && jump
