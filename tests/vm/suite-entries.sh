#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the boot loader would start.
. "$(dirname "$0")/lib.sh"

case_chain() {
	local kernel
	need_loader
	kernel=$(kernel_dir 6.1-cloud) || exit
	mkdir "$case_dir/head"
	echo joined >"$case_dir/head/from-head"
	(cd "$case_dir/head" && find . | cpio -o -H newc --quiet) >"$case_dir/initrd-head"
	make_initramfs "$case_dir/last" "$vm_here/script-entries.sh"
	make_initramfs "$case_dir/second" "$vm_here/script-entries.sh" "$KEXEC=/sbin/kexec" \
		"$kernel/vmlinuz=/boot/vmlinuz" "$case_dir/last=/boot/initrd"
	make_initramfs "$case_dir/first" "$vm_here/script-entries.sh" "$KEXEC=/sbin/kexec" "$case_dir/initrd-head=/boot/initrd-head" \
		"$kernel/vmlinuz=/boot/vmlinuz" "$case_dir/second=/boot/initrd" "/dev/null=/boot/grub/x"
	vm_run '' --firmware bios --kernel "$kernel/vmlinuz" --initrd "$case_dir/first"
	expect_line "$log" '^\* second'
	expect_line "$log" '^@ second=console=ttyS0 panic=-1 no_timer_check stage=2 "quoted=a b" where=bios added=yes'
	expect_line "$log" '^@ head=joined'
	expect_line "$log" '^@ third=console=ttyS0 panic=-1 no_timer_check stage=3'
	expect_count "$log" '\] Linux version ' 3
	expect_line "$log" '^@ done 0'
}

# A Debian with systemd and our package, whose boot loader searches its file system by UUID: the units load its default,
# then an entry by its id, and `systemctl kexec` starts them, and, where nothing is loaded, the entry that it finds on the ESP.
case_systemd() {
	local package tree=$case_dir/tree unit words
	[ "$(id -u)" = 0 ] || skip "root is needed to make a Debian"
	need mke2fs debootstrap dpkg-shlibdeps
	package=$("$vm_top/packaging/build-deb" "$case_dir") || fail "the package cannot be built"
	cp -a "$("$VM_PACKAGES" --disk)" "$tree" || fail "a Debian cannot be had"
	unit=$tree/etc/systemd/system
	cp "$package" "$tree/tmp/safekexec.deb"
	chroot "$tree" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin dpkg --auto-deconfigure \
		--force-confold -i /tmp/safekexec.deb >"$case_dir/dpkg.log" 2>&1 ||
		fail "dpkg: $(tail -n 1 "$case_dir/dpkg.log")"
	install -m 755 "$vm_here/script-units.sh" "$tree/usr/local/sbin/units-test"
	mkdir -p "$unit/multi-user.target.wants" "$tree/boot/grub"
	cat >"$unit/units-test.service" <<-END
		[Unit]
		After=multi-user.target
		[Service]
		Type=oneshot
		TimeoutStartSec=infinity
		ExecStart=/usr/local/sbin/units-test
	END
	ln -s ../units-test.service "$unit/multi-user.target.wants/units-test.service"
	echo "/dev/vda / ext4 defaults 0 1" >"$tree/etc/fstab"
	mke2fs -q -t ext4 -U 6a2c1f0e-3b6d-4f6e-9a8b-0c1d2e3f4a5b -d "$tree" "$case_dir/disk" 2G || fail "no disk could be made"
	mv "$tree/boot" "$case_dir/boot"
	rm -rf "$tree"
	words="root=/dev/vda rw systemd.mask=serial-getty@ttyS0.service systemd.mask=apt-daily.timer systemd.mask=apt-daily-upgrade.timer systemd.mask=kdump-tools.service"
	mkdir -p "$case_dir/esp/EFI/Linux" "$case_dir/esp/loader/entries"
	cp "$case_dir"/boot/vmlinuz-* "$case_dir/esp/vmlinuz"
	cp "$case_dir"/boot/initrd.img-* "$case_dir/esp/initrd"
	printf '%s\n' "title Of the ESP" "linux /vmlinuz" "initrd /initrd" "options $words $vm_cmdline" "options entry=esp" \
		>"$case_dir/esp/loader/entries/esp.conf"
	vm_run '' --kernel "$case_dir/esp/vmlinuz" --initrd "$case_dir/esp/initrd" --mem 1G --timeout 1200 --append "$words" \
		-drive "if=virtio,format=raw,file=$case_dir/disk" \
		-drive "if=virtio,format=raw,readonly=on,file=fat:$case_dir/esp"
	expect_line "$log" '^@ unit kexec-load=0 loaded=1$'
	expect_line "$log" '^@ started=console=.* entry=default$'
	expect_line "$log" '^@ unit kexec-load@named=0 loaded=1$'
	expect_line "$log" '^@ started=console=.* entry=named$'
	expect_line "$log" '^@ unit kexec-load@gone=[1-9][0-9]* loaded=0$'
	expect_line "$log" 'no boot entry is called "gone"'
	expect_line "$log" "^Running /sbin/kexec --load \"/boot/efi/vmlinuz\" --append \"$words $vm_cmdline entry=esp\" --initrd "
	expect_line "$log" '^@ started=console=.* entry=esp$'
	expect_count "$log" '^@ unit kexec-load@named=0 loaded=1$' 2
	# Where a kernel is loaded, this release's `systemctl reboot` starts the firmware all the same.
	expect_line "$log" 'reboot: Restarting system$'
	expect_count "$log" '\] Linux version ' 4
}

# GRUB itself, in which `linux` and `initrd` are functions that say what they are given, runs each grub.cfg.
case_grub() {
	local modules tools name config esp why
	need_loader
	modules=$("$VM_PACKAGES" --grub) && tools=$("$VM_PACKAGES" --grub-tools) || fail "GRUB cannot be had"
	for name in debian nixos-grub odd opensuse ubuntu; do
		config=$(echo "$vm_top/tests/boot/$name"/boot/grub*/grub.cfg)
		esp=$case_dir/$name
		mkdir -p "$esp/EFI/BOOT" "$esp/boot/grub"
		[ ! -e "$vm_top/tests/boot/$name/.snapshots" ] || cp -r "$vm_top/tests/boot/$name/.snapshots" "$esp"
		cp "$(dirname "$config")"/* "$esp/boot/grub"
		{
			# A word a line, which the console would cut.
			# shellcheck disable=SC2016
			printf 'function %s { for word in $@; do echo "@ %s $word"; done; echo "@ end %s"; }\n' \
				linux linux linux initrd initrd initrd
			cat "$config"
			echo 'set timeout=0; terminal_output console'
		} >"$esp/boot/grub/grub.cfg"
		"$tools/usr/bin/grub-mkimage" -d "$modules/usr/lib/grub/x86_64-efi" -O x86_64-efi -p /boot/grub -o "$esp/EFI/BOOT/BOOTX64.EFI" \
			fat part_msdos normal test echo terminal search search_fs_uuid search_label loadenv sleep true ||
			fail "GRUB cannot be made"
		vm_start "$name" --firmware ovmf --mem 256M --timeout 180 --esp "$esp"
		vm_await '@ end initrd'
		vm_stop
		"$KEXEC" --sysroot="$vm_top/tests/boot/$name" --list-entries --json >"$case_dir/list" || fail "$name: no list"
		why=$(python3 "$vm_top/tests/model/grub_choice.py" "$case_dir/list" "$log" 2>&1) || fail "$name: $(tail -n 1 <<<"$why")"
	done
}

vm_cases chain grub ${FULL:+systemd}
