# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Functions for the scripts that run inside a test guest. All that is meant for
# the host begins with "@ ", so that it stands apart from the kernel's lines.

# word NAME: NAME=... of the command line, spaces for its commas. The kernels of a guest
# are counted: stage=N, 1 if it is not there.
word() {
	sed -n "s/\(^\|.* \)$1=\([^ ]*\).*/\2/p" /proc/cmdline | tr , ' '
}
stage=$(word stage)
stage=${stage:-1}
# What every kernel is told, as in lib.sh.
# shellcheck disable=SC2034
cmdline='console=ttyS0 panic=-1 no_timer_check'

say() {
	echo "@ $*"
}

# block NAME COMMAND...: the command's output as a block, its status as a value. It is not on a terminal, where a load
# that takes long shows how far it is.
block() {
	name=$1
	shift
	echo "@ begin $name"
	"$@" >/tmp/block 2>&1
	status=$?
	cat /tmp/block
	echo "@ end $name"
	echo "@ status $name=$status"
	return $status
}

# What one kernel must hand on to the next unchanged.
facts() {
	grep . /sys/firmware/memmap/*/*
	(cd /sys/firmware/acpi/tables && find . -type f | sort | xargs sha256sum)
	[ -d /sys/firmware/efi ] || return 0
	grep . /sys/firmware/efi/runtime-map/*/* /sys/firmware/efi/fw_vendor \
		/sys/firmware/efi/config_table /sys/firmware/efi/fw_platform_size
	sort /sys/firmware/efi/systab
}

# facts, and where this kernel runs.
report() {
	block "facts $stage" facts
	say "kernel-code $stage=$(sed -n 's/^ *\([0-9a-f]*\)-.* : Kernel code$/\1/p' /proc/iomem)"
	say "kernel $stage=$(uname -r)"
	say "screen $stage=$(od -v -A n -t x1 -N 64 /sys/kernel/boot_params/data | tr -d ' \n')"
	say "framebuffer $stage=$(cat /sys/class/graphics/fb0/name 2>/dev/null)"
	say "nodes $stage=$(cat /sys/devices/system/node/online)"
	say "cpus $stage=$(nproc)"
	say "la57 $stage=$(grep -c -m 1 -w la57 /proc/cpuinfo)"
	# shellcheck disable=SC2046
	[ -z "$(word pins)" ] || block "canaries $stage" /canaries $(word pins | tr + ' ')
}

# load ARGUMENT...: prints the plan, unless the command line has plan=no, and loads
# /k/vmlinuz, or $image.
load() {
	[ "$(word plan)" = no ] || block "plan $stage" kexec --dry-run --json -l "${image:-/k/vmlinuz}" "$@"
	block "load $stage" kexec -l "${image:-/k/vmlinuz}" "$@"
}

# shellcheck disable=SC2120
# jump [SECONDS]: starts what is loaded, after so long; does not return.
jump() {
	say "jump $stage"
	sleep "${1:-0.2}"
	kexec -e
	say "kexec -e came back with $?"
}
