#!/bin/bash
# full
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Debian server with systemd and its own kdump-tools, our package in the place of
# kexec-tools: it panics on each of its CPUs, and each time comes back by itself with a dump,
# which crash opens.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/crash.sh"

# disk PACKAGE: $case_dir/disk, a file system with the package installed as its owner would.
disk() {
	local tree=$case_dir/tree unit
	[ "$(id -u)" = 0 ] || skip "root is needed to make a Debian"
	unit=$tree/etc/systemd/system
	cp -a "$("$VM_PACKAGES" --disk)" "$tree" || fail "a Debian cannot be had"
	cp "$1" "$tree/tmp/safekexec.deb"
	chroot "$tree" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin dpkg --auto-deconfigure \
		--force-confold -i /tmp/safekexec.deb >"$case_dir/dpkg.log" 2>&1 ||
		fail "dpkg: $(tail -n 1 "$case_dir/dpkg.log")"
	install -m 755 "$vm_here/script-kdump-tools.sh" "$tree/usr/local/sbin/kdump-test"
	cat >"$unit/kdump-test.service" <<-END
		[Unit]
		After=multi-user.target kdump-tools.service
		ConditionKernelCommandLine=panics
		[Service]
		Type=oneshot
		TimeoutStartSec=infinity
		ExecStart=/usr/local/sbin/kdump-test
		[Install]
		WantedBy=multi-user.target
	END
	mkdir -p "$unit/multi-user.target.wants"
	ln -s ../kdump-test.service "$unit/multi-user.target.wants/kdump-test.service"
	echo "/dev/vda / ext4 defaults 0 1" >"$tree/etc/fstab"
	mke2fs -q -t ext4 -d "$tree" "$case_dir/disk" 2G || fail "no disk could be made"
	mv "$tree/boot" "$case_dir/boot"
	rm -rf "$tree"
}

# server PANICS FROM: on so many CPUs, from one on.
server() {
	local package dump file
	need mke2fs debugfs makedumpfile debootstrap dpkg-shlibdeps
	package=$("$vm_top/packaging/build-deb" "$case_dir") || fail "the package cannot be built"
	disk "$package"
	# A getty would hang up the line that the test speaks on.
	vm_run '' --kernel "$(echo "$case_dir"/boot/vmlinuz-*)" --initrd "$(echo "$case_dir"/boot/initrd.img-*)" \
		--cpus 4 --mem 1G --timeout $((300 + 240 * $1)) \
		--append "root=/dev/vda rw crashkernel=256M panics=$1 from=$2 systemd.mask=serial-getty@ttyS0.service systemd.mask=apt-daily.timer systemd.mask=apt-daily-upgrade.timer" \
		-action reboot=reset -drive "if=virtio,format=raw,file=$case_dir/disk"
	expect_line "$log" '^@ service loaded=1$'
	expect_line "$log" '^@ verify=$'
	expect_line "$log" '^@ package=safekexec install ok installed$'
	expect_line "$log" '^@ peer=((de)?install ok config-files)?$'
	for action in unload load try-reload; do
		expect_line "$log" "^@ status $action=0\$"
	done
	expect_count "$log" '^@ unload loaded=0$' 2
	expect_count "$log" '^@ load loaded=1$' 2
	expect_count "$log" '^@ boot=' $(($1 + 1))
	expect_count "$log" '^@ dump=dmesg\.[0-9]+ dump\.[0-9]+ *$' "$1"
	expect_count "$log" '^@ filtered=0 1$' "$1"
	for ((dump = 0; dump < $1; dump++)); do
		expect_line "$log" "^@ crashed=CPU: $(((dump + $2) % 4)) 1\$"
	done
	mkdir "$case_dir/found"
	debugfs -R "rdump /var/crash /var/lib/kdump-test $case_dir/found" "$case_dir/disk" >"$case_dir/debugfs.log" 2>&1
	dump=0
	for file in "$case_dir"/found/crash/2*/dump.*; do
		# It was written through a pipe.
		makedumpfile -R "$case_dir/dump-$dump" <"$file" >"$case_dir/makedumpfile.log" 2>&1 ||
			fail "makedumpfile -R: $(tail -n 1 "$case_dir/makedumpfile.log")"
		crash_judge "$case_dir/dump-$dump" $(((dump + $2) % 4)) "$case_dir/found/kdump-test/ps.$dump"
		dump=$((dump + 1))
	done
	[ $dump = "$1" ] || fail "$dump dumps are on the disk, see $case_dir/debugfs.log"
}

case_every_cpu() {
	server 4 0
}

vm_cases every_cpu
