# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# A plan, and twice the load that follows: as strace decodes it, and as the kernel would copy it. Words of the command
# line: options=, to the loader's.
. /guest.sh

# privileges NAME FILE: of a file like /proc/PID/status.
privileges() {
	say "privileges $1=$(sed -n 's/^\(Cap...\|NoNewPrivs\):\t//p' "$2" | tr '\n' ' ')"
}

for way in l p; do
	# shellcheck disable=SC2046
	set -- "-$way" /k/vmlinuz --initrd=/k/initrd --append="quiet nokaslr" $(word options)
	block "plan $way" kexec --dry-run --json "$@"
	block "strace $way" strace -f -e trace=kexec_load -X raw -s 0 -v kexec "$@"
	mkdir "/tmp/$way"
	block "load $way" /trace-load "/tmp/$way" /sbin/kexec "$@"
	cd "/tmp/$way" || exit
	block "call $way" cat call
	privileges $way status
	block "sums $way" sha256sum -- *.bin
	# Those whose bytes have to do with the seed are small.
	for file in *.bin; do
		[ "$(wc -c <"$file")" -lt 1000000 ] || rm "$file"
	done
	block "small $way" sh -c 'tar cz -- *.bin | base64'
done
# writes NAME ARGUMENT...: the calls of a load that make, change or rename files.
writes() {
	name=$1
	shift
	mkdir -p /run
	rm -rf /run/safekexec
	strace -f -y -o /tmp/trace -e 'trace=/^(open(at2?)?|creat|memfd_create|mkdir|mknod|rename|link|symlink|truncate|ftruncate|chmod|fchmod|chown|fchown)(at2?)?$' \
		kexec "$@" >/dev/null 2>&1
	say "status writes $name=$?"
	block "writes $name" sed -n -E 's/^[0-9]+ +//; /^open.*O_(WRONLY|RDWR|CREAT|TMPFILE)/p; /^open/!{/^[a-z]/p}' /tmp/trace
}
writes load -c -l /k/vmlinuz --initrd=/k/initrd
writes crash -c -p /k/vmlinuz --initrd=/k/initrd
gzip -c /k/vmlinuz >/tmp/vmlinuz.gz
writes file -s -l /tmp/vmlinuz.gz --initrd=/k/initrd
mkdir /tmp/s
block "load s" /trace-load /tmp/s /sbin/kexec -s -l /k/vmlinuz --initrd=/k/initrd
privileges s /tmp/s/status
mkdir /tmp/f
block "load f" /trace-load /tmp/f /sbin/kexec -f /k/vmlinuz --initrd=/k/initrd --append=quiet
privileges f /tmp/f/status
privileges reboot /tmp/f/status-at-reboot
say "loaded=$(cat /sys/kernel/kexec_loaded) $(cat /sys/kernel/kexec_crash_loaded)"
# unload NAME OPTION...
unload() {
	way=$1
	shift
	mkdir "/tmp/$way"
	block "unload $way" /trace-load "/tmp/$way" /sbin/kexec "$@"
	privileges "$way" "/tmp/$way/status"
}
unload u -u
unload cu -c -p -u
say "unloaded=$(cat /sys/kernel/kexec_loaded) $(cat /sys/kernel/kexec_crash_loaded)"
# audit NAME FILE ARGUMENT...: an audit that opens the file.
audit() {
	way=$1
	export AT="$2"
	shift 2
	mkdir "/tmp/$way"
	block "audit $way" /trace-load "/tmp/$way" /sbin/kexec "$@"
	privileges "$way" "/tmp/$way/status-at-open"
}
dmesg >/tmp/dmesg
audit log /tmp/dmesg --audit-efi=/tmp/dmesg /k/vmlinuz
[ ! -d /sys/firmware/efi ] || audit kernel /k/vmlinuz --audit-efi /k/vmlinuz
