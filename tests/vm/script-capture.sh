# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Plans of the running machine and of its capture, compared.
. /guest.sh

plan() {
	kexec --dry-run --json "$@" --initrd=/k/initrd --append=quiet
}
# same NAME FILE FILE
same() {
	if cmp "$2" "$3"; then say "compared $1=same"; else diff "$2" "$3" | head -n 20; fi
}

cd /tmp || exit
say "text=$(sed -n 's/ T _text$//p' /proc/kallsyms)"
block capture kexec --capture=machine.tar
for way in l p; do
	plan -$way /k/vmlinuz >live.json 2>live.err
	say "status live $way=$?"
	plan -$way /k/vmlinuz --sysroot=machine.tar >captured.json 2>captured.err
	block "live $way" cat live.json
	cat live.err >>live.json
	cat captured.err >>captured.json
	same $way live.json captured.json
done
kexec --capture=second.tar
same captures machine.tar second.tar
kexec --capture=again.tar --sysroot=machine.tar
same again machine.tar again.tar
mkdir /etc user
chmod 777 user
echo 'user:x:65534:65534::/:/bin/sh' >/etc/passwd
as_user() {
	start-stop-daemon -S -c user -x /sbin/kexec -- "$@"
}
block unprivileged as_user --capture=user/m.tar
chmod 644 user/m.tar
as_user --dry-run --json -l /k/vmlinuz >live.json 2>&1
kexec --sysroot=user/m.tar --json -l /k/vmlinuz >captured.json 2>&1
same user live.json captured.json
block user cat live.json
block tar sh -c 'gzip <machine.tar | base64'
