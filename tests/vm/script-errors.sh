# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Loads and starts that the running kernel refuses, each for a cause that is real here. Words:
# only=doctor|secure|debian|fallback|small|call, for a part of it.
. /guest.sh
kexec_load=246 kexec_file_load=320 EPERM=1 ENOEXEC=8 EBUSY=16 ENOSYS=38

# say_result NAME STATUS: what was said, the status, what is loaded then.
say_result() {
	cat /tmp/said
	say "$1=$2 $(cat /sys/kernel/kexec_loaded)$(cat /sys/kernel/kexec_crash_loaded)"
}

# try NAME COMMAND...
try() {
	name=$1
	shift
	"$@" >/tmp/said 2>&1
	say_result "$name" $?
}
without_boot() {
	/sbin/setpriv --bounding-set -sys_boot --inh-caps -sys_boot "$@"
}

# meanwhile NAME ACTION COMMAND...: ACTION when the command's plan is made and the call is not.
meanwhile() {
	name=$1 action=$2
	shift 2
	strace -qq -o /dev/null -e trace=kexec_load -e inject=kexec_load:delay_enter=3000000 "$@" >/tmp/said 2>&1 &
	count=0
	until grep -qs "^$kexec_load " "/proc/$(pidof kexec)/syscall" || [ $count = 300 ]; do
		sleep 0.1
		count=$((count + 1))
	done
	eval "$action"
	wait $!
	say_result "$name" $?
}

# pretend FILE SED-PROGRAM: what a file of the kernel's says, until umount.
pretend() {
	local kept
	kept=$(mktemp)
	sed "$2" "$1" >"$kept"
	mount --bind "$kept" "$1"
}

case $(word only) in '' | doctor | secure) try doctor kexec --doctor /k/vmlinuz ;; esac
case $(word only) in
doctor)
	try none-reserved kexec -s -p /k/vmlinuz
	exit 0
	;;
call)
	mkdir /uml
	mount -t tmpfs tmpfs /uml
	TMPDIR=/uml linux.uml only=not-built mem=192M initrd=/uml-initrd con=null con0=null,fd:1 console=tty0 panic=-1 </dev/null 2>&1
	exit 0
	;;
not-built)
	try not-built kexec -s -l /k/vmlinuz
	try not-built-unload kexec -u
	exit 0
	;;
secure)
	try secure kexec -c -l /k/vmlinuz
	for kernel in unsigned other tampered malformed unwrapped unknown-digest; do
		try $kernel kexec -s -l /k/$kernel
	done
	try signed kexec -s -l /k/vmlinuz
	try chosen kexec -l /k/vmlinuz
	try unloaded kexec -u
	gzip -c /k/vmlinuz >/tmp/vmlinuz.gz
	try packed kexec -a -l /tmp/vmlinuz.gz
	gzip -c /k/unsigned >/tmp/unsigned.gz
	try packed-unsigned kexec -a -l /tmp/unsigned.gz
	exit 0
	;;
debian)
	try secure kexec -c -l /k/vmlinuz
	try signed kexec -s -l /k/vmlinuz
	try chosen kexec -a -l /k/vmlinuz
	exit 0
	;;
fallback)
	try file_load /refuse $kexec_load $ENOSYS kexec -a -l /k/vmlinuz
	kexec -u
	try load /refuse $kexec_file_load $ENOSYS kexec -a --force-dtb -l /k/vmlinuz
	kexec -u
	try image /refuse $kexec_file_load $ENOEXEC kexec -a --force-dtb -l /k/vmlinuz
	kexec -u
	# It is busy for both.
	try busy /refuse $kexec_load $EBUSY kexec -a -l /k/vmlinuz
	exit 0
	;;
small)
	try endless sh -c 'cat /dev/zero | kexec -l /proc/self/fd/0'
	truncate -s 160M /tmp/initrd
	pretend /proc/meminfo 's/^\(MemTotal: *\)/\14/'
	meanwhile half 'umount /proc/meminfo' kexec -c -i -l /k/vmlinuz --initrd=/tmp/initrd
	mount -t tmpfs -o size=100% tmpfs /mnt
	head -c $((($(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo) - 32768) * 1024)) /dev/zero >/mnt/large
	try scarce kexec -c -l /k/vmlinuz
	# What would happen: no answer, but the end of this one, which asks to be the first.
	pretend /proc/meminfo 's/^\(MemAvailable: *\)/\19/'
	try killed sh -c 'echo 1000 >/proc/self/oom_score_adj; exec kexec -c -l /k/vmlinuz'
	exit 0
	;;
esac
try capability without_boot kexec -c -l /k/vmlinuz
try container /refuse $kexec_load $EPERM kexec -c -l /k/vmlinuz
try hidden /refuse $kexec_load $ENOSYS kexec -c -l /k/vmlinuz
try hidden-file /refuse $kexec_file_load $ENOSYS kexec -s -l /k/vmlinuz
echo "not a kernel" >/tmp/text
try format kexec -s -l /tmp/text
exec 3>>/k/vmlinuz
try busy-text kexec -s -l /k/vmlinuz
exec 3>&-
try long kexec -s -l /k/vmlinuz --append="$(printf '%03000d' 0)"
# So that files larger than memory can be mapped.
echo 1 >/proc/sys/vm/overcommit_memory
truncate -s 5G /tmp/large
try too-large kexec -s -l /k/vmlinuz --initrd=/tmp/large
truncate -s 1500M /tmp/large
try too-little kexec -s -l /k/vmlinuz --initrd=/tmp/large
try too-little-crash kexec -s -p /k/vmlinuz --initrd=/tmp/large
rm /tmp/large
head -c 104857600 /dev/zero >/tmp/large
try doctor-large kexec --doctor /k/vmlinuz --initrd=/tmp/large
try no-place kexec -s -p /k/vmlinuz --initrd=/tmp/large
try load kexec -c -l /k/vmlinuz
kexec -s -l /k/vmlinuz --initrd=/tmp/large >/tmp/other 2>&1 &
count=0
while kexec -u -p >/tmp/busy 2>&1 && [ $count -lt 1000 ]; do
	count=$((count + 1))
done
try busy-start kexec -e -x -y
cat /tmp/busy
wait
rm /tmp/large
kexec -u
try load kexec -c -l /k/vmlinuz
try start without_boot kexec -e -x -y
try start-inside unshare -p -f kexec -e -x -y
kexec -u
head -c 8388608 /dev/zero >/tmp/shrinks
meanwhile shrinks ': >/tmp/shrinks' kexec -c -l /k/vmlinuz --initrd=/tmp/shrinks
pretend /proc/iomem 's/^\( *\)\(.*\)-.* : Crash kernel$/\1\2-3f7fffff : Crash kernel/'
pretend /sys/kernel/kexec_crash_size 's/.*/1000000000/'
try address kexec -c -p /k/vmlinuz
umount /sys/kernel/kexec_crash_size /proc/iomem
meanwhile outside 'echo 83886080 >/sys/kernel/kexec_crash_size' kexec -c -p /k/vmlinuz
if [ -e /proc/sys/kernel/kexec_load_limit_reboot ]; then
	echo 1 >/proc/sys/kernel/kexec_load_limit_reboot
	try doctor-limit kexec --doctor /k/vmlinuz
	try last-of-limit kexec -c -l /k/vmlinuz
	try limit kexec -c -l /k/vmlinuz
	try doctor-no-more kexec --doctor /k/vmlinuz
fi
echo integrity >/sys/kernel/security/lockdown
try lockdown kexec -c -p /k/vmlinuz
try lockdown-unsigned kexec -s -p /k/unsigned
if [ -e /proc/sys/kernel/kexec_load_limit_panic ]; then
	echo 1 >/proc/sys/kernel/kexec_load_limit_panic
	try last-of-limit-panic kexec -c -p /k/vmlinuz
	try limit-panic kexec -c -p /k/vmlinuz
fi
echo 1 >/proc/sys/kernel/kexec_load_disabled
try disabled kexec -c -p /k/vmlinuz
try doctor-disabled kexec --doctor /k/vmlinuz
