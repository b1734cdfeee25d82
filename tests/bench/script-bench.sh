# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Measured loads and one measured start. Words of the command line, commas in them stand for
# spaces: options= are the loader's; way= of the start: kexec or crash; loads= how many; plan=yes
# if the loader shows plans. tsc_at_init is of this kernel's init. Between load and start
# somebody outside has to write a line to the second serial port.
. /guest.sh

# COMMAND...: is measured, and loads.
measured_load() {
	say "load=$(/rdtsc "$@" 2>/tmp/said | tail -n 1)"
	cat /tmp/said
}

if [ "$stage" = 2 ]; then
	say "arrived=$tsc_at_init"
	say "cmdline=$(cat /proc/cmdline)"
	poweroff -f
fi
# A plan that is shown has no random places: so that the kernel's entry is known, there are none.
case $(word way) in
kexec) how=-l loaded=kexec_loaded call=kernel_kexec arguments='nokaslr ' ;;
crash) how=-p loaded=kexec_crash_loaded call=panic arguments='nr_cpus=1 nokaslr ' ;;
esac
arguments="$cmdline ${arguments}stage=2"
for _ in $(seq "$(word loads)"); do
	# shellcheck disable=SC2046
	measured_load kexec $(word options) $how /k/vmlinuz --initrd=/k/initrd --append="$arguments"
done
say "loaded=$(cat /sys/kernel/$loaded)"
# shellcheck disable=SC2046
[ "$(word plan)" != yes ] ||
	block "plan 1" kexec --dry-run --json $(word options) $how /k/vmlinuz --initrd=/k/initrd --append="$arguments"
say "call=$(sed -n "s/^\([0-9a-f]*\) T $call\$/\1/p" /proc/kallsyms)"
say "machine_kexec=$(sed -n 's/^\([0-9a-f]*\) T machine_kexec$/\1/p' /proc/kallsyms)"
say "loader=$(kexec -v)"
say ready
sync
read -r _ </dev/ttyS1
say "left=$(/rdtsc)"
case $(word way) in
kexec) kexec -e ;;
crash) echo c >/proc/sysrq-trigger ;;
esac
