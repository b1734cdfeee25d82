# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Size and hash of the TPM's event log, the kernel's "efi:" lines, then one kexec; with
# hole= on the command line nothing may be loaded below the memory attributes table, whose page
# so is the first choice.
. /guest.sh
events=/sys/kernel/security/tpm0/binary_bios_measurements
say "event log $stage=$(wc -c <$events) $(sha256sum <$events)"
block efi sh -c 'dmesg | grep "efi: .*=0x"'
[ -z "$(word hole)" ] ||
	mem_min=$(dmesg | sed -n 's/.*MEMATTR=\(0x[0-9a-f]*\)[0-9a-f]\{3\}.*/\1000/p')
. /script-hop
