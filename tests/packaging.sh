#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# packaging.sh [BUILD... | --scripts]
#
# The packages: what is in them, how their programs are hardened, and that they can be installed, run and removed in a
# Debian that has nothing else, which tests/bare keeps. Needs root, debootstrap and rpmbuild. Prints a line for each case.
# BUILD: nothing but how what these build directories have is hardened. --scripts: nothing but what the scripts for init of
# System V do, with the programs of the machine that it runs on; needs root.
set -u -o pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
root=$scratch/root
failed=0
trap 'rm -rf "$scratch"' EXIT

verdict() { # NAME WHY
	if [ -z "$2" ]; then
		echo "ok packaging/$1"
	else
		echo "not ok packaging/$1: $2"
		failed=1
	fi
}

# Nothing that runs there can start a kernel or change this machine's network.
inside() {
	setpriv --bounding-set=-sys_boot,-net_admin --inh-caps=-sys_boot,-net_admin chroot "$root" \
		/usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb DEBIAN_FRONTEND=noninteractive "$@"
}

# hardened NAME FILE [BUILD]: position independent, read-only after relocation, bound at once, no executable
# stack, a guard on it, and checked calls of the C library. What is not installed from its build directory has a path for
# libraries; and in what is static our calls are told from those of other libraries only there.
hardened() {
	local headers dynamic symbols why=
	headers=$(readelf -hlW "$2") dynamic=$(readelf -dW "$2") symbols=$(readelf --dyn-syms -W "$2")
	grep -q NEEDED <<<"$dynamic" || symbols=$(nm -u "$3"/libkexec-{core,edge,command}.a)
	grep -q 'Type: *DYN' <<<"$headers" || why="$why, no PIE"
	[[ $2 == *.so.* ]] || grep -q 'PIE' <<<"$dynamic" || why="$why, no PIE flag"
	[ $# = 2 ] && grep -qE 'R(UN)?PATH' <<<"$dynamic" && why="$why, a path for libraries"
	grep -q 'GNU_RELRO' <<<"$headers" || why="$why, no RELRO"
	grep -qE 'BIND_NOW|FLAGS.* NOW' <<<"$dynamic" || why="$why, bound lazily"
	grep -qE 'GNU_STACK.* RW ' <<<"$headers" || why="$why, an executable stack"
	grep -q '__stack_chk_fail' <<<"$symbols" || why="$why, no stack protector"
	grep -qE '__(memcpy|snprintf|fprintf|printf|vasprintf)_chk' <<<"$symbols" || why="$why, no _FORTIFY_SOURCE"
	verdict "$1" "${why#, }"
}

# contents NAME DIRECTORY: what both packages have, but where their distributions have it elsewhere.
contents() {
	local why= file
	for file in sbin/kexec sbin/vmcore-dmesg share/man/man8/kexec.8 share/man/man8/vmcore-dmesg.8 \
		systemd/system/kexec-load.service systemd/system/kexec-load@.service bash-completion/completions/kexec \
		zsh/site-functions/_kexec fish/vendor_completions.d/kexec.fish libkexec.so.1; do
		find "$2" -type f | grep -E "/$file(\.gz)?\$" >/dev/null || why="lacks $file"
	done
	verdict "$1" "$why"
}

# development NAME DIRECTORY: what compiling for the library needs.
development() {
	local why= file
	for file in include/libkexec.h libkexec.a pkgconfig/libkexec.pc share/man/man3/libkexec.3 plan.c; do
		find "$2" -type f | grep -E "/$file(\.gz)?\$" >/dev/null || why="lacks $file"
	done
	[ "$(readlink "$(find "$2" -name libkexec.so)")" = libkexec.so.1 ] || why="libkexec.so does not lead to libkexec.so.1"
	verdict "$1" "$why"
}

# runs NAME: it says its version, which is the package's, and what a boot loader would start.
runs() {
	local why= said
	said=$(inside kexec --version 2>&1) || why="--version: status $?"
	grep -qF "$version" <<<"$said" || why="--version says $said"
	said=$(inside kexec --list-entries 2>&1) || why="--list-entries: status $?"
	grep -q '^\* gnulinux-simple-0d3c2c6e' <<<"$said" || why="--list-entries says $(head -1 <<<"$said")"
	said=$(inside kexec --dry-run --boot-entry=gone 2>&1) && why="an entry that is not there is loaded"
	verdict "$1" "$why"
}

# carries: what the RPM says that it is and needs; its distribution's kdump-utils wants a kexec-tools of 2.0.28-8 or newer.
carries() {
	local why= provides requires provided
	provides=$(rpm -qp --provides "$rpm" 2>/dev/null) requires=$(rpm -qp --requires "$rpm" 2>/dev/null)
	provided=$(sed -n 's/^kexec-tools = //p' <<<"$provides")
	[ "$(rpm --eval "%{lua: print(rpm.vercmp('${provided:-0}', '2.0.28-8'))}")" = 1 ] || why="provides kexec-tools \"$provided\""
	[ "$provided" = "$(dpkg-deb -f "$deb" Provides | sed -n 's/.*kexec-tools (= 1:\([^)]*\)).*/\1/p')" ] || why="provides another kexec-tools than the deb"
	grep -q '^libarchive\.so' <<<"$requires" || why="requires no libarchive"
	grep -v '^libkexec\.so\.1' <<<"$requires" | grep -i kexec >"$scratch/said" && why="requires $(head -1 "$scratch/said")"
	# Its own library is in it, under each name that the programs ask for.
	grep '^libkexec\.so\.1' <<<"$requires" | grep -vxFf <(printf '%s\n' "$provides") >"$scratch/said" && why="lacks $(head -1 "$scratch/said")"
	verdict rpm-carries "$why"
}

# What an administrator adds to /etc/default/kexec.
configuration() {
	printf 'KERNEL_IMAGE=/boot/the-kernel\nINITRD="/boot/the initrd"\nAPPEND="a  b"\n'
}

# said SCRIPT WHAT WORDS: how it is wrong that SCRIPT says something else as the machine goes to the runlevel of $runlevel.
said() {
	local said
	rm -f "$root/sbin/runlevel"
	printf '#!/bin/sh\necho N %s\n' "$runlevel" >"$root/sbin/runlevel"
	chmod +x "$root/sbin/runlevel"
	said=$(inside "/etc/init.d/$1" "$2" 2>&1)
	[ "$said" = "$3" ] || echo "$1 $2 in runlevel $runlevel, ${4:-as configured}, says \"$said\"; "
}

# What the scripts for init of System V do wrong, with LOAD_KEXEC=true and that configuration.
scripts() {
	local runlevel=6 file=$root/etc/default/kexec
	# A kexec that says its arguments. The system calls are refused in here, whatever would make them.
	printf '#!/bin/sh\nprintf "<%%s>" "$@"\n' >"$root/sbin/kexec"
	chmod +x "$root/sbin/kexec"
	mkdir -p "$root/sys/kernel"
	echo 0 >"$root/sys/kernel/kexec_loaded"
	said safekexec-load start ''
	said safekexec-load stop '<-l></boot/the-kernel><--append=a  b><--initrd=/boot/the initrd>'
	said safekexec stop '' "without a kernel"
	for runlevel in 0 1 5; do
		said safekexec-load stop ''
	done
	runlevel=6
	echo USE_GRUB_CONFIG=true >>"$file"
	said safekexec-load stop '<--boot-entry>' "with GRUB's"
	: >"$root/no-kexec-reboot"
	said safekexec-load stop '' "after coldreboot"
	[ ! -e "$root/no-kexec-reboot" ] || echo "coldreboot is for good; "
	echo 1 >"$root/sys/kernel/kexec_loaded"
	said safekexec-load stop '' "with a kernel"
	said safekexec start '' "with a kernel"
	said safekexec stop $'Starting the loaded kernel.\n<-e>' "with a kernel"
	for runlevel in 0 1 5; do
		said safekexec stop '' "with a kernel"
	done
	runlevel=6
	echo 0 >"$root/sys/kernel/kexec_loaded"
	echo LOAD_KEXEC=false >>"$file"
	said safekexec-load stop '' "with LOAD_KEXEC=false"
	rm "$root/sbin/runlevel" "$root/sys/kernel/kexec_loaded"
	rmdir "$root/sys/kernel"
}

# Where no package is installed: a root with them, and busybox.
scripts_alone() {
	if [ "$(id -u)" != 0 ]; then
		echo "skip packaging/scripts: needs root"
		return
	fi
	mkdir -p "$root"/{bin,sbin,run,dev,root,boot/grub,etc/default,etc/init.d}
	cp "$(command -v busybox)" "$root/bin" || exit 1
	chroot "$root" /bin/busybox --install -s /bin
	ln -s . "$root/usr"
	rm -f "$root/bin/runlevel"
	cp "$top"/packaging/sysvinit/safekexec{,-load} "$root/etc/init.d"
	: >"$root/boot/grub/grub.cfg"
	(echo LOAD_KEXEC=true && configuration) >"$root/etc/default/kexec"
	verdict scripts "$(scripts)"
}

# habits: over kexec-tools, whose configuration loads a kernel before a reboot, the same is still done, and no other.
habits() {
	local why= said link
	inside sh -c 'echo kexec-tools kexec-tools/load_kexec boolean true | debconf-set-selections' >"$scratch/log" 2>&1
	inside apt-get install -qy --no-install-recommends kexec-tools >"$scratch/log" 2>&1 || {
		verdict deb-over "kexec-tools cannot be installed: $(tail -1 "$scratch/log")"
		return
	}
	configuration >>"$root/etc/default/kexec"
	cp "$root/etc/default/kexec" "$scratch/configuration"
	inside apt-get install -qy --no-install-recommends "/tmp/$(basename "$deb")" >"$scratch/log" 2>&1 || why=$(tail -1 "$scratch/log")
	[[ $(inside dpkg-query -W -f '${db:Status-Status}' kexec-tools) = config-files ]] || why="kexec-tools is still there"
	cmp -s "$root/etc/default/kexec" "$scratch/configuration" || why="another /etc/default/kexec"
	grep -q '^LOAD_KEXEC=true' "$root/etc/default/kexec" || why="LOAD_KEXEC is not what was answered"
	verdict deb-over "$why"

	why=
	for link in 'coldreboot' 'kexec' 'vmcore-dmesg'; do
		[ -x "$root/sbin/$link" ] || why="no /sbin/$link"
	done
	for link in safekexec safekexec-load; do
		[ -x "$root/etc/init.d/$link" ] || why="no /etc/init.d/$link"
		[ "$(readlink "$root"/*/systemd/system/$link.service "$root"/usr/lib/systemd/system/$link.service 2>/dev/null | head -1)" = /dev/null ] ||
			why="systemd makes a unit of $link"
	done
	[ ! -x "$root/etc/init.d/kexec-load" ] || why="kexec-tools' own script runs, too"
	mv "$root/sbin/kexec" "$root/sbin/kexec.ours"
	why=${why:-$(scripts)}
	mv "$root/sbin/kexec.ours" "$root/sbin/kexec"
	verdict deb-habits "$why"

	inside dpkg -P safekexec kexec-tools >"$scratch/log" 2>&1 || verdict deb-over-remove "$(tail -1 "$scratch/log")"
	gone deb-over-gone
}

# What may be a package's, in the root.
ours() {
	find "$root" -xdev \( -name '*kexec*' -o -name 'vmcore-dmesg*' -o -name 'coldreboot*' \) ! -path "$root/var/*" ! -path "$root/tmp/*" | sort
}

# What the package has left behind.
gone() {
	local left
	left=$(ours | comm -13 "$scratch/before" - | head -3 | tr '\n' ' ')
	verdict "$1" "${left:+leaves $left}"
}

units() {
	local why
	if ! command -v systemd-analyze >/dev/null; then
		echo "skip packaging/units: there is no systemd-analyze"
		return
	fi
	mkdir -p "$scratch/units"
	sed "s|/sbin/kexec|$scratch/deb/sbin/kexec|" "$scratch"/deb/usr/lib/systemd/system/kexec-load.service >"$scratch/units/kexec-load.service"
	sed "s|/sbin/kexec|$scratch/deb/sbin/kexec|" "$scratch"/deb/usr/lib/systemd/system/kexec-load@.service >"$scratch/units/kexec-load@x.service"
	why=$(systemd-analyze verify --man=no --recursive-errors=no "$scratch"/units/*.service 2>&1 | grep -F kexec-load | head -1)
	verdict units "$why"
	# Neither can be meant for anything but a load.
	why=$(grep -h '^ExecStart' "$scratch"/units/*.service | grep -vE -e '^ExecStart=:?[^ ]*/sbin/kexec --boot-entry(=%i)?$')
	verdict units-load-only "$why"
}

if [ "${1:-}" = --scripts ]; then
	scripts_alone
	exit $failed
fi
# What `./configure && make` makes.
builds=("$@")
[ $# != 0 ] || builds=(build-gcc build-static)
for build in "${builds[@]}"; do
	for program in sbin/kexec sbin/vmcore-dmesg lib/libkexec.so.1; do
		name=$build-hardened-$(basename $program)
		if [ -x "$top/$build/$program" ]; then
			hardened "$name" "$top/$build/$program" "$top/$build"
		# A static build has no shared library.
		elif [ "$program" != lib/libkexec.so.1 ] || [ ! -x "$top/$build/sbin/kexec" ]; then
			echo "skip packaging/$name: it is not built"
		fi
	done
done
[ $# = 0 ] || exit $failed
if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null || ! command -v rpmbuild >/dev/null; then
	echo "skip packaging: needs root, debootstrap and rpmbuild"
	exit 0
fi
deb=$("$top/packaging/build-deb" "$scratch" 2>"$scratch/log") || {
	verdict deb "cannot be built: $(tail -1 "$scratch/log")"
	exit 1
}
rpm=$("$top/packaging/build-rpm" "$scratch" 2>"$scratch/log") || {
	verdict rpm "cannot be built: $(tail -1 "$scratch/log")"
	exit 1
}
version=$(dpkg-deb -f "$deb" Version)
dpkg-deb -x "$deb" "$scratch/deb"
dpkg-deb -x "${deb/safekexec_/libkexec-dev_}" "$scratch/deb-development"
mkdir "$scratch/rpm" "$scratch/rpm-development" "$scratch/rpmdb"
(cd "$scratch/rpm" && rpm2cpio "$rpm" | cpio -id --quiet)
(cd "$scratch/rpm-development" && rpm2cpio "$(dirname "$rpm")"/libkexec-devel-*.rpm | cpio -id --quiet)
for kind in deb rpm; do
	contents $kind-contents "$scratch/$kind"
	development $kind-development "$scratch/$kind-development"
	for program in kexec vmcore-dmesg libkexec.so.1; do
		hardened $kind-hardened-$program "$(find "$scratch/$kind" -path "*sbin/$program" -o -name "$program" -path '*/lib*')"
	done
done
units
carries

"$top/tests/bare" true >"$scratch/log" 2>&1 || {
	verdict root "$(tail -1 "$scratch/log")"
	exit 1
}
mv "${XDG_CACHE_HOME:-$HOME/.cache}/safekexec/bare-run" "$root"
rm -rf "$root/root/safekexec"
mkdir -p "$root/boot" "$root/tmp"
cp -r "$top/tests/boot/debian/." "$root"
cp "$deb" "$root/tmp"
ours >"$scratch/before"
inside apt-get update -q >"$scratch/log" 2>&1
inside apt-get install -qy --no-install-recommends "/tmp/$(basename "$deb")" >"$scratch/log" 2>&1
verdict deb-install "$([ ${PIPESTATUS[0]} = 0 ] || tail -1 "$scratch/log")"
runs deb-runs
inside dpkg -P safekexec >"$scratch/log" 2>&1 || verdict deb-remove "$(tail -1 "$scratch/log")"
gone deb-gone
habits
# The libraries are still there; its database is of its own. Its distributions have libraries in lib64.
echo /usr/lib64 >"$root/etc/ld.so.conf.d/lib64.conf"
rpm --root "$root" --dbpath /var/lib/rpm-of-test --nodeps -i "$rpm" >"$scratch/log" 2>&1
verdict rpm-install "$([ $? = 0 ] || tail -1 "$scratch/log")"
runs rpm-runs
rpm --root "$root" --dbpath /var/lib/rpm-of-test --nodeps -e safekexec >"$scratch/log" 2>&1 || verdict rpm-remove "$(tail -1 "$scratch/log")"
gone rpm-gone
exit $failed
