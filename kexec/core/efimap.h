/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* EFI state of the running machine that the next kernel needs. */
#ifndef CORE_EFIMAP_H
#define CORE_EFIMAP_H

#include "kexec/core/range.h"

/* One descriptor of the runtime map, validated (UEFI 2.10, 7.2.3). */
struct efi_desc {
	uint32_t type;
	phys_t phys;
	uint64_t virt;
	uint64_t pages;
	uint64_t attribute;
};

/* Owned; zero-initialise; release with efi_map_done(). In the kernel's order. */
struct efi_map {
	struct efi_desc *desc;
	size_t count;
	size_t room;
};
int efi_map_add(struct efi_map *map, struct efi_desc desc, struct err *err);
void efi_map_done(struct efi_map *map);

/* A configuration table that only memblock protects: it is in RAM, typed RAM. */
struct efi_table {
	char name[24]; /* as the kernel log's `efi:` line has it: "TPMEventLog" */
	phys_t address;
	uint64_t size; /* bytes to keep; a bound where the table could not be read */
};

/*
 * The tables of the `efi:` line of a kernel log ("efi: ACPI=0x7f77e000 ACPI
 * 2.0=0x7f77e014 MEMATTR=0x7e6f5018 ..."; drivers/firmware/efi/efi.c
 * match_config_table()), each line with any timestamp or syslog prefix. size is
 * 0 in each. ret is an array of up to room tables.
 */
size_t efi_tables_from_log(struct bytes log, struct efi_table *ret, size_t room);

enum { EFI_TABLE_HEAD_SIZE = 16 };

/*
 * How many bytes a table of that name has, from the first EFI_TABLE_HEAD_SIZE of them
 * (include/linux/efi.h: linux_efi_tpm_eventlog, efi_memory_attributes_table_t,
 * linux_efi_random_seed; UEFI 2.10, 23.4: ESRT). 0: a table of another kind, or larger
 * than one can be.
 */
uint64_t efi_table_size(const char *name, struct bytes head);

#endif
