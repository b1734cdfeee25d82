# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Size and hash of the TPM's event log, the kernel's "efi:" lines, then one kexec.
. /guest.sh
events=/sys/kernel/security/tpm0/binary_bios_measurements
say "event log $stage=$(wc -c <$events) $(sha256sum <$events)"
block efi sh -c 'dmesg | grep "efi: .*=0x"'
. /script-hop
