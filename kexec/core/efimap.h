/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The EFI memory map, from whatever source, and the EFI tables of the running machine. */
#ifndef CORE_EFIMAP_H
#define CORE_EFIMAP_H

#include "kexec/core/range.h"

/* UEFI 2.10, 7.2.3; the others have no name here. */
enum efi_memory_type {
	EFI_RESERVED = 0,
	EFI_LOADER_CODE = 1,
	EFI_LOADER_DATA = 2,
	EFI_BOOT_CODE = 3,
	EFI_BOOT_DATA = 4,
	EFI_CONVENTIONAL = 7,
};

/* Attributes (UEFI 2.10, 7.2.3). */
#define EFI_MEMORY_MORE_RELIABLE (UINT64_C(1) << 16)
#define EFI_MEMORY_SP		 (UINT64_C(1) << 18) /* meant for one purpose: "soft reserved" */
#define EFI_MEMORY_HOT_PLUGGABLE (UINT64_C(1) << 20)
#define EFI_MEMORY_RUNTIME	 (UINT64_C(1) << 63)

/* The fate of memory of one type: UEFI 2.10, tables 7.9 and 7.10, and for EFI_MEMORY_SP and unaccepted
 * memory what Linux makes of it: setup_e820() in drivers/firmware/efi/libstub/x86-stub.c. */
struct efi_type {
	const char *name;      /* memory_type_name in drivers/firmware/efi/efi.c of Linux 6.12 */
	const char *long_name; /* the same where Linux 3.18 to 5.x has it longer, else NULL */
	bool can_be_allocated; /* from the firmware, before ExitBootServices */
	bool is_free_after_exit;
	bool is_kept_with_sp; /* not free with EFI_MEMORY_SP, from Linux 5.5 on: soft reserved */
};
/* NULL for a type that has no name. */
const struct efi_type *efi_type(uint32_t type);
bool efi_type_from_name(const char *name, size_t size, uint32_t *ret);

/* One descriptor (UEFI 2.10, 7.2.3); its source has validated it. */
struct efi_desc {
	uint32_t type;
	phys_t phys;
	uint64_t virt;
	uint64_t pages; /* 0 is possible */
	uint64_t attribute;
	uint32_t number; /* as the source counts: mem05, runtime-map/5 */
};
/* False if it is empty or reaches past PHYS_LIMIT. */
bool efi_desc_range(const struct efi_desc *desc, struct range *ret);

/* Owned; zero-initialise; release with efi_map_done(). In the source's order. */
struct efi_map {
	struct efi_desc *desc;
	size_t count;
	size_t room;
};
/* Whether it is the kernel's in the end. */
bool efi_desc_is_free_after_exit(const struct efi_desc *desc);
int efi_map_add(struct efi_map *map, struct efi_desc desc, struct err *err);
void efi_map_done(struct efi_map *map);

/* The same memory, of one type and attribute. */
bool efi_desc_same(const struct efi_desc *a, const struct efi_desc *b);
/* Whether every descriptor of a is in b under its number, by which both ascend; else the number of
 * the first that is not. */
bool efi_map_is_part_of(const struct efi_map *a, const struct efi_map *b, uint32_t *ret_number);
/*
 * Whether the map is that of the runtime services, which is all of it that a kernel needs after
 * it has thrown the rest away, and all that a kexec hands on. Boot services' memory can be in it
 * (should_map_region() in arch/x86/platform/efi/efi.c).
 */
bool efi_map_is_of_runtime(const struct efi_map *map);
/* Warns of the first overlap, and of the first descriptor that describes nothing. */
int efi_map_check(const struct efi_map *map, struct warnings *warnings, struct err *err);

/* What the kernel's EFI code says on a line of a log: the text behind "efi: " (older ones:
 * "EFI: "), whatever prefixes dmesg, journald or syslog put before it. False if it is another's. */
bool efi_log_text(struct bytes line, struct bytes *ret);

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

enum { EFI_TABLE_HEAD_SIZE = 16, EFI_TABLE_SIZE_MAX = 16 << 20 };

/*
 * How many bytes a table of that name has, from the first EFI_TABLE_HEAD_SIZE of them
 * (include/linux/efi.h: linux_efi_tpm_eventlog, efi_memory_attributes_table_t,
 * linux_efi_random_seed; UEFI 2.10, 23.4: ESRT). 0: a table of another kind, or one
 * above EFI_TABLE_SIZE_MAX, which none is.
 */
uint64_t efi_table_size(const char *name, struct bytes head);

#endif
