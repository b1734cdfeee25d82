/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/efimap.h"

#include <stdlib.h>
#include <string.h>

int efi_map_add(struct efi_map *map, struct efi_desc desc, struct err *err)
{
	if (array_grow(&map->desc, &map->room, map->count, sizeof(*map->desc), err))
		return -1;
	map->desc[map->count++] = desc;
	return 0;
}

void efi_map_done(struct efi_map *map)
{
	free(map->desc);
	*map = (struct efi_map){ 0 };
}

bool efi_desc_same(const struct efi_desc *a, const struct efi_desc *b)
{
	return a->type == b->type && a->phys == b->phys && a->pages == b->pages &&
	       a->attribute == b->attribute;
}

bool efi_map_is_part_of(const struct efi_map *a, const struct efi_map *b, uint32_t *ret_number)
{
	size_t j = 0;

	for (size_t i = 0; i < a->count; i++) {
		const struct efi_desc *desc = &a->desc[i];

		while (j < b->count && b->desc[j].number < desc->number)
			j++;
		if (j == b->count || b->desc[j].number != desc->number ||
		    !efi_desc_same(&b->desc[j], desc)) {
			*ret_number = desc->number;
			return false;
		}
	}
	return true;
}

bool efi_map_is_of_runtime(const struct efi_map *map)
{
	for (size_t i = 0; i < map->count; i++) {
		uint32_t type = map->desc[i].type;

		if (type == EFI_CONVENTIONAL || type == EFI_LOADER_CODE || type == EFI_LOADER_DATA)
			return false;
	}
	return true;
}

struct numbered {
	struct range range;
	uint32_t number;
};

static int compare_starts(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	if (x->range.start != y->range.start)
		return x->range.start < y->range.start ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static void warn_of_overlap(const struct numbered *a, const struct numbered *b,
			    struct warnings *warnings)
{
	warn_add(warnings,
		 "mem%02u 0x%llx-0x%llx and mem%02u 0x%llx-0x%llx of the EFI memory map overlap: "
		 "memory is taken for free where all descriptors say so",
		 a->number, PHYS(a->range.start), PHYS(a->range.end), b->number,
		 PHYS(b->range.start), PHYS(b->range.end));
}

int efi_map_check(const struct efi_map *map, struct warnings *warnings, struct err *err)
{
	struct numbered *sorted = calloc(map->count, sizeof(*sorted));
	size_t count = 0;
	bool has_told = false;

	if (!sorted)
		return err_no_memory(err);
	for (size_t i = 0; i < map->count; i++) {
		const struct efi_desc *desc = &map->desc[i];

		sorted[count].number = desc->number;
		if (efi_desc_range(desc, &sorted[count].range)) {
			count++;
		} else if (!has_told) {
			warn_add(
				warnings,
				"mem%02u of the EFI memory map, %llu pages at 0x%llx, is left out: "
				"no range of physical memory",
				desc->number, (unsigned long long)desc->pages, PHYS(desc->phys));
			has_told = true;
		}
	}
	qsort(sorted, count, sizeof(*sorted), compare_starts);
	for (size_t i = 1; i < count; i++) {
		if (range_overlaps(sorted[i - 1].range, sorted[i].range)) {
			warn_of_overlap(&sorted[i - 1], &sorted[i], warnings);
			break;
		}
	}
	free(sorted);
	return 0;
}

/* Unaccepted memory (15) has to be accepted before anybody touches it, which a kernel may not know
 * how to do (CONFIG_UNACCEPTED_MEMORY, from 6.5 on); persistent memory (14) and what ACPI may be read
 * from (9) are not the kernel's to overwrite. */
static const struct efi_type types[] = {
	{ "Reserved", NULL, false, false, false },
	{ "Loader Code", NULL, false, true, true },
	{ "Loader Data", NULL, false, true, true },
	{ "Boot Code", NULL, false, true, true },
	{ "Boot Data", NULL, false, true, true },
	{ "Runtime Code", NULL, false, false, false },
	{ "Runtime Data", NULL, false, false, false },
	{ "Conventional", "Conventional Memory", true, true, true },
	{ "Unusable", "Unusable Memory", false, false, false },
	{ "ACPI Reclaim", "ACPI Reclaim Memory", false, false, false },
	{ "ACPI Mem NVS", "ACPI Memory NVS", false, false, false },
	{ "MMIO", "Memory Mapped I/O", false, false, false },
	{ "MMIO Port", "MMIO Port Space", false, false, false },
	{ "PAL Code", NULL, false, false, false },
	{ "Persistent", "Persistent Memory", false, false, false },
	{ "Unaccepted", NULL, false, false, false },
};

enum { NR_TYPES = sizeof(types) / sizeof(types[0]) };

const struct efi_type *efi_type(uint32_t type)
{
	return type < NR_TYPES ? &types[type] : NULL;
}

bool efi_desc_is_free_after_exit(const struct efi_desc *desc)
{
	const struct efi_type *type = efi_type(desc->type);

	return type && type->is_free_after_exit &&
	       !(type->is_kept_with_sp && desc->attribute & EFI_MEMORY_SP);
}

static bool is_name(const char *name, const char *text, size_t size)
{
	return name && strlen(name) == size && !memcmp(name, text, size);
}

bool efi_type_from_name(const char *name, size_t size, uint32_t *ret)
{
	for (uint32_t i = 0; i < NR_TYPES; i++)
		if (is_name(types[i].name, name, size) || is_name(types[i].long_name, name, size)) {
			*ret = i;
			return true;
		}
	return false;
}

bool efi_desc_range(const struct efi_desc *desc, struct range *ret)
{
	uint64_t size;

	return num_mul(desc->pages, PAGE_SIZE_4K, &size) && range_from_size(desc->phys, size, ret);
}

bool efi_log_text(struct bytes line, struct bytes *ret)
{
	static const char *const mark[] = { "efi: ", "EFI: " };

	for (size_t i = 0; i < 2; i++) {
		const uint8_t *at =
			line.size ? memmem(line.data, line.size, mark[i], strlen(mark[i])) : NULL;

		/* Not "tpm_efi: "; /dev/kmsg has "6,1,0,-;efi: ". */
		if (!at || (at > line.data && !strchr(" >];", at[-1])))
			continue;
		at += strlen(mark[i]);
		*ret = (struct bytes){ at, (size_t)(line.data + line.size - at) };
		return true;
	}
	return false;
}

/* "NAME=0x..." words; a name can have spaces, as "ACPI 2.0" and "SMBIOS 3.0" do. */
static bool next_table(struct bytes *rest, struct efi_table *ret)
{
	const char *text = (const char *)rest->data, *end = text + rest->size;
	const char *equals, *value, *value_end;
	uint64_t address;

	while (text < end && *text == ' ')
		text++;
	equals = memchr(text, '=', (size_t)(end - text));
	if (!equals || equals == text || (size_t)(equals - text) >= sizeof(ret->name))
		return false;
	for (const char *at = text; at < equals; at++)
		if (*at < ' ' || *at > '~')
			return false;
	value = equals + 1;
	value_end = memchr(value, ' ', (size_t)(end - value));
	if (!value_end)
		value_end = end;
	if (value_end - value < 3 || memcmp(value, "0x", 2) ||
	    !num_parse(value, (size_t)(value_end - value), 16, &address) || address >= PHYS_LIMIT)
		return false;
	*ret = (struct efi_table){ .address = address };
	memcpy(ret->name, text, (size_t)(equals - text));
	*rest = (struct bytes){ (const uint8_t *)value_end, (size_t)(end - value_end) };
	return true;
}

size_t efi_tables_from_log(struct bytes log, struct efi_table *ret, size_t room)
{
	struct bytes line, rest;
	size_t count = 0;

	while (bytes_next_line(&log, &line)) {
		struct efi_table table;

		if (!efi_log_text(line, &rest))
			continue;
		while (count < room && next_table(&rest, &table))
			ret[count++] = table;
	}
	return count;
}

uint64_t efi_table_size(const char *name, struct bytes head)
{
	enum {
		EVENT_LOG_HEAD = 9,
		ATTRIBUTES_HEAD = 16,
		ESRT_HEAD = 16,
		ESRT_ENTRY = 40,
		SEED_HEAD = 4
	};
	struct cursor at = cursor_at(head, 0);
	uint64_t first = cursor_u32(&at), second = cursor_u32(&at), third = cursor_u32(&at);
	uint64_t size;

	if (at.bad)
		return 0;
	if (!strcmp(name, "TPMEventLog"))
		size = EVENT_LOG_HEAD + first;
	else if (!strcmp(name, "MEMATTR"))
		size = ATTRIBUTES_HEAD + second * third;
	else if (!strcmp(name, "ESRT"))
		size = ESRT_HEAD + first * ESRT_ENTRY;
	else if (!strcmp(name, "RNG"))
		size = SEED_HEAD + first;
	else
		return 0;
	return size <= EFI_TABLE_SIZE_MAX ? size : 0;
}
