/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Typed memory maps: the firmware's e820 as given to a kernel.
 */
#ifndef CORE_MEMMAP_H
#define CORE_MEMMAP_H

#include "kexec/core/range.h"

/* arch/x86/include/asm/e820/types.h of Linux 6.12 */
enum e820_type {
	E820_RAM = 1,
	E820_RESERVED = 2,
	E820_ACPI = 3,
	E820_NVS = 4,
	E820_UNUSABLE = 5,
	E820_PMEM = 7,
	E820_PRAM = 12,
	E820_SOFT_RESERVED = (int)0xefffffff,
};

struct memmap_entry {
	struct range range;
	uint32_t type; /* enum e820_type or what the firmware says */
};

/* Owned; zero-initialise; release with memmap_done(). */
struct memmap {
	struct memmap_entry *entry;
	size_t count;
	size_t room;
};

/* Appends as it is, in any order, overlapping or not. ERR_INPUT, with both
 * numbers, if the range is empty, inverted, or reaches past PHYS_LIMIT. */
int memmap_add(struct memmap *map, struct range range, uint32_t type, struct err *err);
/*
 * Sorts; resolves overlaps by the kernel's rule, the numerically larger type
 * wins (e820__update_table() in arch/x86/kernel/e820.c); merges neighbours of
 * one type. An overlap or a wrong order is a warning that names the first one. On
 * failure the map has the same entries, perhaps sorted.
 */
int memmap_normalise(struct memmap *map, struct warnings *warnings, struct err *err);
/* *ret (zero-initialised) = all ranges of that type. */
int memmap_select(const struct memmap *map, uint32_t type, struct range_set *ret, struct err *err);
int memmap_copy(const struct memmap *map, struct memmap *ret, struct err *err);
/*
 * The type strings of /sys/firmware/memmap and of /proc/iomem's top level, in
 * any case ("System RAM", "Reserved", "ACPI Tables", ...; e820_type_to_string()
 * in arch/x86/kernel/e820.c). False for others.
 */
bool memmap_type_from_name(const char *name, size_t size, uint32_t *ret);
/* A static string, "type N" is not one: NULL for types without a name. */
const char *memmap_type_name(uint32_t type);
void memmap_done(struct memmap *map);

#endif
