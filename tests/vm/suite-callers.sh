#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The calls of those who call kexec today.
. "$(dirname "$0")/lib.sh"

# The state after each call of script-callers.sh: a normal kernel, then a crash kernel.
states=(01 00 01 00 01 00 10 00 01 00 10 00 01 00 10 00 10 10 00 10 00 10 00 10 00)

case_calls() {
	local kernel i
	need_loader
	kernel=$(kernel_dir 6.1-cloud) || exit
	make_initramfs "$case_dir/second" "$vm_here/script-hop.sh"
	make_initramfs "$case_dir/first" "$vm_here/script-callers.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/k/vmlinuz" "$case_dir/second=/k/initrd"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --append crashkernel=160M
	for ((i = 0; i < ${#states[@]}; i++)); do
		expect_line "$log" "^@ call $((i + 1))=0 ${states[i]} "
	done
	expect_count "$log" '^@ call ' ${#states[@]}
}

# Five kernels in one machine, and a sixth without an initrd.
case_reached() {
	local kernel stage
	need_loader
	need nohup
	kernel=$(kernel_dir 6.1-cloud) || exit
	make_initramfs "$case_dir/base" "$vm_here/script-reached.sh"
	pack "$case_dir/loader" "$KEXEC=/sbin/kexec" "$kernel/vmlinuz=/k/vmlinuz" "$case_dir/base=/k/base" \
		"$(command -v nohup)=/bin/nohup"
	cat "$case_dir/base" "$case_dir/loader" >"$case_dir/first"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --timeout 400
	for stage in 1 2 3 4; do
		expect_line "$log" "^@ call $stage=0 loaded=1 "
		expect_line "$log" "^@ cmdline $((stage + 1))=.* stage=$((stage + 1))\$"
	done
	expect_line "$log" '^@ cmdline 4=.* stage=3 stage=4$'
	expect_count "$log" '^@ call 5=0 loaded=1 ' 3
	expect_count "$log" '^@ call 5=0 loaded=0 --unload' 2
	expect_count "$log" '\] Linux version ' 6
	expect_line "$log" 'Kernel panic - not syncing: VFS: Unable to mount root fs'
}

# tools NAME...: words for pack() with these programs.
tools() {
	local name
	need "$@"
	for name; do
		words+=("$(type -P "$name")=/bin/$name")
	done
}

# sysvinit DIRECTORY FILE...: System V's init and its scripts, as Debian's packages have them, and these of DIRECTORY: reboots
# become starts of the kernel that /etc/default/kexec names, but where coldreboot is asked for one.
sysvinit() {
	local kernel debian name from=$1 words=()
	shift
	need dash mawk
	tools cat cut grep head mountpoint mount run-parts sed tail uname
	kernel=$(kernel_dir 6.1-cloud) || exit
	debian=$("$VM_PACKAGES" --sysvinit) || fail "System V's init cannot be had"
	for name in lib/init/rc lib/init/vars.sh lib/lsb/init-functions lib/lsb/init-functions.d/00-verbose \
		etc/default/rcS etc/default/halt etc/init.d/reboot etc/init.d/umountroot \
		sbin/init sbin/halt sbin/reboot sbin/shutdown sbin/runlevel; do
		words+=("$debian/$name=/$name")
	done
	for name in "$@"; do
		words+=("${from:-$debian}/$name=/$name")
	done
	cat >"$case_dir/inittab" <<-END
		id:2:initdefault:
		si::sysinit:/start boot
		l2:2:wait:/lib/init/rc 2
		l6:6:wait:/lib/init/rc 6
	END
	pack "$case_dir/first" "$(command -v busybox)=/bin/busybox" "$(command -v dash)=/bin/sh" "$(command -v mawk)=/bin/awk" \
		"$vm_here/guest.sh=/guest.sh" "$vm_here/script-sysvinit.sh=/start" "$case_dir/inittab=/etc/inittab" \
		"x=/etc/default/kexec.d/" "$KEXEC=/sbin/kexec" "$kernel/vmlinuz=/boot/vmlinuz" "${words[@]}"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --append rdinit=/sbin/init --timeout 300
	expect_line "$log" '^@ runlevel 1=N 2$'
	expect_line "$log" "^@ cmdline 2=$vm_cmdline rdinit=/sbin/init stage=2 from=default\$"
	expect_line "$log" "^@ cmdline 3=$vm_cmdline rdinit=/sbin/init stage=3 from=grub\$"
	expect_line "$log" '^@ initrd 2=of stage 1$'
	expect_line "$log" '^@ initrd 3=of stage 2$'
	expect_count "$log" '\] Linux version ' 3
	expect_line "$log" 'reboot: Restarting system'
	echo "# sysvinit $(zcat "$debian/usr/share/doc/sysvinit-core/changelog.Debian.gz" | head -n 1)"
}

# Those of kexec-tools.
case_sysvinit() {
	need_loader
	sysvinit '' etc/init.d/kexec etc/init.d/kexec-load sbin/coldreboot
	expect_count "$log" 'Loading new kernel image into memory' 2
	expect_count "$log" 'Will now restart with kexec' 2
	echo "# $(zcat "$("$VM_PACKAGES" --sysvinit)/usr/share/doc/kexec-tools/changelog.Debian.gz" | head -n 1)"
}

# Ours, as the package has them.
case_sysvinit_ours() {
	local sources=$vm_here/../../packaging/sysvinit
	need_loader
	install -D -t "$case_dir/package/etc/init.d" "$sources/safekexec" "$sources/safekexec-load"
	install -D -t "$case_dir/package/sbin" "$sources/coldreboot"
	sysvinit "$case_dir/package" etc/init.d/safekexec etc/init.d/safekexec-load sbin/coldreboot
	expect_count "$log" 'Starting the loaded kernel' 2
}

# crash CALLER [FILE=TARGET]...: a crash kernel that it has loaded, $image if there is one, writes a dump.
crash() {
	local kernel caller=$1
	shift
	need_loader
	need makedumpfile
	kernel=$(kernel_dir 6.1-cloud) || exit
	make_initramfs "$case_dir/second" "$vm_here/script-captured.sh" "$KEXEC=/sbin/kexec" \
		"$(dirname "$KEXEC")/vmcore-dmesg=/sbin/vmcore-dmesg" "$(command -v makedumpfile)=/sbin/makedumpfile"
	make_initramfs "$case_dir/first" "$vm_here/script-captured.sh" "$KEXEC=/sbin/kexec" \
		"${image:-$kernel/vmlinuz}=/k/vmlinuz" "$case_dir/second=/k/initrd" "$@"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --append "crashkernel=192M caller=$caller" --timeout 300
	expect_line "$log" '^@ load=0 loaded=1$'
	expect_line "$log" '^@ vmcore-dmesg=0 words=1$'
	expect_line "$log" '^@ makedumpfile=0 '
	expect_line "$log" '^@ dmesg=0 words=1$'
	expect_line "$log" '^@ cmdline=.*elfcorehdr='
}

case_kdumpctl() {
	crash kdumpctl
	expect_line "$log" '^@ cmdline=.* nr_cpus=1 irqpoll reset_devices'
	expect_line "$log" "^@ started=this kernel was not started by safekexec's purgatory\$"
}

case_kdumpctl_without_s() {
	crash kdumpctl-without-s
	expect_line "$log" "^@ started=this kernel was started by safekexec's purgatory: "
}

# unified CALLER: what it names as kernel is a unified kernel image, of which the command line and the initrd are not used.
unified() {
	local kernel tools image=$case_dir/uki.efi
	kernel=$(kernel_dir 6.1-cloud) || exit
	need_ukify
	make_initramfs "$case_dir/other" /dev/null
	ukify --stub="$tools/usr/lib/systemd/boot/efi/linuxx64.efi.stub" --linux="$kernel/vmlinuz" --initrd="$case_dir/other" \
		--cmdline="$vm_cmdline from=image" --output="$image"
	crash "$1"
	expect_line "$log" '^@ cmdline=.* nr_cpus=1 irqpoll reset_devices'
	expect_no_line "$log" '^@ cmdline=.*from=image'
}

case_kdumpctl_unified() {
	unified kdumpctl
	expect_line "$log" "^@ started=this kernel was not started by safekexec's purgatory\$"
}

case_kdumpctl_unified_without_s() {
	unified kdumpctl-without-s
	expect_line "$log" "^@ started=this kernel was started by safekexec's purgatory: "
}

# compressed CALLER: what it names as kernel is compressed as a whole.
compressed() {
	local kernel image=$case_dir/vmlinuz.zst
	need zstd
	kernel=$(kernel_dir 6.1-cloud) || exit
	zstd -1 <"$kernel/vmlinuz" >"$image" || fail "zstd failed"
	crash "$1"
}

case_kdumpctl_compressed() {
	compressed kdumpctl
	expect_line "$log" "^@ started=this kernel was not started by safekexec's purgatory\$"
}

case_kdumpctl_compressed_without_s() {
	compressed kdumpctl-without-s
	expect_line "$log" "^@ started=this kernel was started by safekexec's purgatory: "
}

case_opensuse() {
	crash opensuse
	expect_line "$log" "^@ started=this kernel was started by safekexec's purgatory: "
}

# own DIRECTORY: $own, where a caller's own files are, which are in no package that can be reached: CALLERS in the environment
# names a directory with checkouts of them.
own() {
	own=${CALLERS:-}/$1
	[ -n "${CALLERS:-}" ] && [ -d "$own" ] || skip "CALLERS names no directory with $1"
	echo "# $1: $(git -C "$own" describe --always 2>/dev/null || echo "of unknown version")"
}

# The installer that nixos-anywhere starts, with what Nix fills in; it takes the network's configuration along.
case_nixos_script() {
	local kernel words=()
	own nixos-images
	need_loader
	kernel=$(kernel_dir 6.1-cloud) || exit
	tools nohup sort mktemp readlink
	sed "s|@init@|/init|; s|@kernelParams@|$vm_cmdline stage=2|" "$own/nix/kexec-installer/kexec-run.sh" >"$case_dir/run"
	make_initramfs "$case_dir/base" "$vm_here/script-installer.sh"
	pack "$case_dir/loader" "$KEXEC=/kexec/kexec" "$(type -P ip)=/kexec/ip" "$kernel/vmlinuz=/kexec/bzImage" \
		"$case_dir/base=/kexec/initrd" "$case_dir/run=/kexec/run" "${words[@]}"
	cat "$case_dir/base" "$case_dir/loader" >"$case_dir/first"
	vm_run '' --kernel "$kernel/vmlinuz" --initrd "$case_dir/first" --timeout 300
	expect_line "$log" '^@ run=0 loaded=1$'
	expect_line "$log" "^@ cmdline=init=/init $vm_cmdline stage=2\$"
	expect_line "$log" '^@ addresses=.*"ifname":"lo"'
}

case_opensuse_script() {
	local packages words=()
	own kdump
	packages=$("$VM_PACKAGES" --scripts) || fail "gawk cannot be had"
	tools bash uname
	# What CMake makes of it without FADump.
	sed '/^@if/,/^@endif/d' "$own/sysconfig.kdump.in" >"$case_dir/sysconfig"
	crash own "$own/init/load.sh=/caller" "$own/kdump-read-config.sh=/usr/lib/kdump/kdump-read-config.sh" \
		"$own/70-kdump.rules.in=/usr/lib/kdump/70-kdump.rules" "$case_dir/sysconfig=/etc/sysconfig/kdump" \
		"$packages/usr/bin/gawk=/bin/awk" "$(type -P test)=/usr/bin/test" "${words[@]}"
	expect_line "$log" '^@ cmdline=.* root=kdump rootflags=bind '
}

case_kdumpctl_script() {
	local packages words=() file
	own kdump-utils
	packages=$("$VM_PACKAGES" --scripts) || fail "dracut and keyutils cannot be had"
	tools bash getopt grep sed flock findmnt mktemp uname find xargs sort stat lsblk lscpu hostname
	bash "$own/gen-kdump-sysconfig.sh" x86_64 >"$case_dir/sysconfig"
	{
		bash "$own/gen-kdump-conf.sh" x86_64
		echo "force_no_rebuild 1"
	} >"$case_dir/conf"
	printf '#!/bin/sh\nexec /usr/bin/kdumpctl start\n' >"$case_dir/caller"
	chmod +x "$case_dir/caller"
	for file in kdump-lib.sh kdump-lib-initramfs.sh kdump-logger.sh; do
		words+=("$own/$file=/lib/kdump/$file")
	done
	crash own "$case_dir/caller=/caller" "$own/kdumpctl=/usr/bin/kdumpctl" "$case_dir/sysconfig=/etc/sysconfig/kdump" \
		"$case_dir/conf=/etc/kdump.conf" "$packages/bin/keyctl=/bin/keyctl" \
		"$packages/usr/lib/dracut/dracut-functions.sh=/usr/lib/dracut/dracut-functions.sh" "${words[@]}"
	expect_line "$log" '^@ cmdline=.* irqpoll nr_cpus=1 reset_devices .* rd.systemd.gpt_auto=no'
}

vm_cases calls reached sysvinit sysvinit_ours kdumpctl kdumpctl_without_s kdumpctl_unified \
	${FULL:+kdumpctl_unified_without_s kdumpctl_compressed kdumpctl_compressed_without_s} opensuse nixos_script opensuse_script kdumpctl_script
