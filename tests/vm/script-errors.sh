# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Loads and starts that the running kernel refuses, each for a cause that is real here.
. /guest.sh

# try NAME COMMAND...: what it says, its status, what is loaded then.
try() {
	name=$1
	shift
	"$@" >/tmp/said 2>&1
	status=$?
	cat /tmp/said
	say "$name=$status $(cat /sys/kernel/kexec_loaded)$(cat /sys/kernel/kexec_crash_loaded)"
}
without_boot() {
	/sbin/setpriv --bounding-set -sys_boot --inh-caps -sys_boot "$@"
}

try doctor kexec --doctor /k/vmlinuz
if [ -n "$(word only)" ]; then
	exit 0
fi
if [ -n "$(word secure)" ]; then
	try secure kexec -c -l /k/vmlinuz
	try unsigned kexec -s -l /k/unsigned
	try other kexec -s -l /k/other
	try tampered kexec -s -l /k/tampered
	try signed kexec -s -l /k/vmlinuz
	try chosen kexec -l /k/vmlinuz
	exit 0
fi
try capability without_boot kexec -c -l /k/vmlinuz
echo "not a kernel" >/tmp/text
try format kexec -s -l /tmp/text
exec 3>>/k/vmlinuz
try busy-text kexec -s -l /k/vmlinuz
exec 3>&-
try long kexec -s -l /k/vmlinuz --append="$(printf '%03000d' 0)"
head -c 104857600 /dev/zero >/tmp/large
try doctor-large kexec --doctor /k/vmlinuz --initrd=/tmp/large
try no-place kexec -s -p /k/vmlinuz --initrd=/tmp/large
rm /tmp/large
(while [ ! -e /tmp/stop ]; do kexec -c -l /k/vmlinuz >/dev/null 2>&1; done) &
count=0
until grep -q busy /tmp/said || [ $count = 500 ]; do
	kexec -c -p /k/vmlinuz >/tmp/said 2>&1
	count=$((count + 1))
done
touch /tmp/stop
wait
cat /tmp/said
kexec -u
kexec -u -p
try load kexec -c -l /k/vmlinuz
try start without_boot kexec -e -x -y
kexec -u
if [ -e /proc/sys/kernel/kexec_load_limit_reboot ]; then
	echo 1 >/proc/sys/kernel/kexec_load_limit_reboot
	try last-of-limit kexec -c -l /k/vmlinuz
	try limit kexec -c -l /k/vmlinuz
fi
echo integrity >/sys/kernel/security/lockdown
try lockdown kexec -c -p /k/vmlinuz
echo 1 >/proc/sys/kernel/kexec_load_disabled
try disabled kexec -c -p /k/vmlinuz
try doctor-disabled kexec --doctor /k/vmlinuz
