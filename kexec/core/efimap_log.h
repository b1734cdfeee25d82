/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The EFI memory map out of a kernel log. */
#ifndef CORE_EFIMAP_LOG_H
#define CORE_EFIMAP_LOG_H

#include "kexec/core/efimap.h"

/*
 * The map that an x86 kernel prints with efi=debug, and that old ones print always, in each
 * form that it has had (efi_print_memmap() in arch/x86/platform/efi/efi.c,
 * efi_md_typeattr_format() in drivers/firmware/efi/efi.c of Linux 3.2 to 6.12):
 *
 *	efi: mem00: type=7, attr=0xf, range=[0x0000000000000000-0x0000000000080000) (0MB)
 *	efi: mem00: [Conventional Memory|   |  |WB|WT|WC|UC] range=[0x0-0x80000) (0MB)
 *	efi: mem00: [Conventional|   |  |WB|WT|WC|UC] range=[0x0-0x7ffff] (0MB)
 *	efi: mem00: [type=16|attr=0x8000000000000000] range=[0x0-0x7ffff] (0MB)
 *
 * ")" ends a half-open range, "]" one whose last address it is. A line may have any prefix
 * (efi_log_text()) and may go on in the next one, as mailers break it. Lines of others may
 * stand between; descriptors that the kernel itself calls "(invalid)" are not of its map.
 *
 * A number that is not higher than the one before begins another map. The last that is
 * complete counts, and never one of the runtime services, which the kernel prints behind
 * "EFI runtime memory map:" when it has thrown the rest away.
 *
 * *ret (zero-initialised) is in firmware order, with gaps where lines are missing or damaged:
 * a warning has their numbers. So have overlaps, descriptors outside of physical memory, and
 * maps that differ. ERR_INPUT if there is no map.
 */
int efi_map_from_log(struct bytes log, struct efi_map *ret, struct warnings *warnings,
		     struct err *err);

#endif
