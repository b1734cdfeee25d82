/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/system.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_MIB = 0x100000 };

const uint8_t system_bios_vector[SYSTEM_BIOS_HANDLERS] = {
	0x08, 0x09, 0x10, 0x13, 0x15, 0x16, 0x1c
};

void system_done(struct system *system)
{
	memmap_done(&system->firmware);
	iomem_done(&system->iomem);
	efi_map_done(&system->efi.runtime_map);
	kcore_done(&system->kcore);
	free(system->crash.note);
	range_set_done(&system->crash.cma);
	free(system->cmdline);
	free(system->release);
	free(system->lockdown);
}

int system_check_host(const struct system *system, struct err *err)
{
	if (!system->is_xen_dom0 && !system->is_xen_pv)
		return 0;
	return err_set(err, ERR_INPUT,
		       "/sys/hypervisor: this is %s: only the hypervisor can start another kernel",
		       system->is_xen_dom0 ? "Xen's dom0" : "a paravirtualised guest of Xen");
}

/* What the firmware's map describes, whatever its type. */
static int described_by_firmware(const struct system *system, struct range_set *ret,
				 struct err *err)
{
	struct memmap map CLEANUP(memmap_done) = { 0 };

	if (memmap_copy(&system->firmware, &map, err))
		return -1;
	for (size_t i = 0; i < map.count; i++)
		map.entry[i].type = 0;
	return memmap_select(&map, 0, ret, err);
}

int system_add_efi_memmap(struct system *system, struct warnings *warnings, struct err *err)
{
	/* RAM first: what is reserved in it is the running kernel's own. */
	static const uint32_t types[] = {
		E820_RAM,      E820_RESERVED, E820_ACPI, E820_NVS,
		E820_UNUSABLE, E820_PMEM,     E820_PRAM, (uint32_t)E820_SOFT_RESERVED,
	};
	struct range_set known CLEANUP(range_set_done) = { 0 };

	if (!system->adds_efi_memmap)
		return 0;
	/* Now, while the order is the firmware's: it is warned of. */
	if (memmap_normalise(&system->firmware, warnings, err))
		return err_prefix(err, "/sys/firmware/memmap");
	if (described_by_firmware(system, &known, err))
		return -1;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct range_set added CLEANUP(range_set_done) = { 0 };

		if (iomem_find(&system->iomem, memmap_type_name(types[i]), &added, err) ||
		    range_set_subtract_all(&added, &known, err) ||
		    range_set_add_all(&known, added.range, added.count, err))
			return -1;
		for (size_t j = 0; j < added.count; j++)
			if (memmap_add(&system->firmware, added.range[j], types[i], err))
				return -1;
	}
	return memmap_normalise(&system->firmware, /* warnings= */ NULL, err);
}

int system_no_firmware_map(struct err *err)
{
	return err_set(err, ERR_INPUT,
		       "/sys/firmware/memmap has no entries: the running kernel does not show the "
		       "firmware's memory map (CONFIG_FIRMWARE_MEMMAP), or a container hides it");
}

int system_e820(const struct system *system, struct memmap *ret, struct warnings *warnings,
		struct err *err)
{
	struct memmap map CLEANUP(memmap_done) = { 0 };

	if (!system->firmware.count)
		return system_no_firmware_map(err);
	if (memmap_copy(&system->firmware, &map, err))
		return -1;
	if (memmap_normalise(&map, warnings, err))
		return err_prefix(err, "/sys/firmware/memmap");
	*ret = map;
	map = (struct memmap){ 0 };
	return 0;
}

static int subtract_tables(const struct system *system, struct range_set *set, struct err *err)
{
	for (size_t i = 0; i < system->efi.nr_tables; i++) {
		const struct efi_table *table = &system->efi.table[i];
		struct range range;

		if (!range_from_size(table->address, table->size, &range))
			return err_set(err, ERR_INPUT,
				       "EFI table %s: 0x%llx bytes at " PHYS_FMT
				       " do not lie in physical memory",
				       table->name, (unsigned long long)table->size,
				       PHYS(table->address));
		if (range_set_subtract(set, range_grow_to(range, PAGE_SIZE_4K), err))
			return -1;
	}
	return 0;
}

int system_ram(const struct system *system, const struct memmap *e820, struct range within,
	       struct range_set *ret, struct err *err)
{
	struct range_set limits CLEANUP(range_set_done) = { 0 };
	struct range_set inside CLEANUP(range_set_done) = { 0 };
	struct range_set firmware CLEANUP(range_set_done) = { 0 };
	struct range_set live CLEANUP(range_set_done) = { 0 };
	struct range_set usable CLEANUP(range_set_done) = { 0 };

	if (system->iomem.zeroed && !system->only_shown)
		return err_set(
			err, ERR_INPUT,
			"/proc/iomem: every address is 0: the kernel hides them from a reader "
			"without CAP_SYS_ADMIN; run this as root");
	if (memmap_select(e820, E820_RAM, &firmware, err) ||
	    (system->iomem.zeroed ? range_set_copy(&firmware, &live, err)
				  : iomem_system_ram(&system->iomem, within, &live, err)))
		return -1;
	if (!live.count && range_contains(within, RANGE_ALL))
		return err_set(err, ERR_INPUT, "/proc/iomem: no System RAM in %zu entries",
			       system->iomem.count);
	if (range_set_add(&limits, within, err) ||
	    range_set_intersect(&firmware, &limits, &inside, err) ||
	    range_set_intersect(&inside, &live, &usable, err) ||
	    subtract_tables(system, &usable, err))
		return -1;
	range_set_shrink_to(&usable, PAGE_SIZE_4K);
	*ret = usable;
	usable = (struct range_set){ 0 };
	return 0;
}

int system_usable(const struct system *system, const struct memmap *e820, struct range within,
		  struct range_set *ret, struct err *err)
{
	struct range_set usable CLEANUP(range_set_done) = { 0 };

	if (system_ram(system, e820, within, &usable, err) ||
	    range_set_subtract(&usable, (struct range){ 0, FIRST_MIB }, err))
		return -1;
	*ret = usable;
	usable = (struct range_set){ 0 };
	return 0;
}

/* The running kernel's word where the firmware has RAM, or nothing; NULL: it says RAM, too. */
static const char *resource_in(const struct system *system, bool is_firmware_ram,
			       struct range *range)
{
	static const char ram[] = "System RAM";
	const char *name = iomem_name_at(&system->iomem, range->start);
	uint32_t type;

	for (size_t i = 0; i < system->iomem.count; i++) {
		const struct iomem_entry *entry = &system->iomem.entry[i];

		/* Windows of devices where nobody has RAM are one. */
		if (is_firmware_ram || !strcmp(entry->name, ram))
			*range = range_first_part(*range, entry->range);
	}
	if (!is_firmware_ram)
		return name && !strcmp(name, ram) ? "System RAM that the firmware's map lacks"
						  : "no memory";
	if (!name)
		return "RAM of the firmware's that /proc/iomem lacks";
	if (memmap_type_from_name(name, strlen(name), &type) && type == E820_RESERVED)
		return "Reserved by the running kernel";
	return strcmp(name, ram) ? name : NULL;
}

const char *system_what_is_in(const struct system *system, struct range *range)
{
	const struct range first_mib = { 0, FIRST_MIB };
	bool is_ram = false;

	*range = range_first_part(*range, first_mib);
	if (range_overlaps(*range, first_mib))
		return "the first MiB";
	for (size_t i = 0; i < system->efi.nr_tables; i++) {
		const struct efi_table *table = &system->efi.table[i];
		struct range kept;

		if (!range_from_size(table->address, table->size, &kept))
			continue;
		kept = range_grow_to(kept, PAGE_SIZE_4K);
		*range = range_first_part(*range, kept);
		if (range_overlaps(*range, kept))
			return table->name;
	}
	for (size_t i = 0; i < system->firmware.count; i++) {
		const struct memmap_entry *entry = &system->firmware.entry[i];

		*range = range_first_part(*range, entry->range);
		if (!range_overlaps(*range, entry->range))
			continue;
		if (entry->type == E820_RESERVED)
			return "Reserved by the firmware";
		if (entry->type != E820_RAM)
			return memmap_type_name(entry->type) ?: "memory of an unknown type";
		is_ram = true;
	}
	return resource_in(system, is_ram, range) ?: "less than a page of RAM";
}
