/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The EFI memory map out of the running kernel's memory. */
#ifndef CORE_EFIMAP_MEMORY_H
#define CORE_EFIMAP_MEMORY_H

#include "kexec/core/efimap.h"

/* A bound: 32,768 descriptors of the usual 48 bytes. */
enum { EFI_MEMMAP_SIZE_MAX = 0x180000 };

/* Where boot_params says that the map is (struct efi_info in arch/x86/include/uapi/asm/bootparam.h). */
struct efi_memmap_place {
	phys_t address;
	uint64_t size;
	uint32_t desc_size, desc_version;
};
/* ERR_INPUT if no map can be there. */
int efi_memmap_check_place(const struct efi_memmap_place *place, struct err *err);

/* Leaves what the firmware said: no virtual addresses, nothing between the descriptors. */
void efi_memmap_narrow(uint8_t *data, size_t size, uint32_t desc_size);

/*
 * The map as the EFI stub, or a kexec, handed it on. The kernel works on it where it lies
 * (arch/x86/platform/efi of Linux 6.1), and that is undone:
 *
 *	efi_reserve_boot_services()  EFI_MEMORY_RUNTIME for memory of boot services that it keeps
 *	efi_merge_regions()	     neighbours of one type and attribute become the first of
 *				     them, the others Reserved without an attribute
 *	efi_clean_memmap()	     descriptors of no memory are left out, the others move up, and
 *				     at the end the last ones are there twice
 *
 * Numbers are those that the kernel prints. ERR_INPUT if these bytes are no map.
 */
int efi_map_from_memory(struct bytes bytes, uint32_t desc_size, struct efi_map *ret,
			struct err *err);

#endif
