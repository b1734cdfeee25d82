/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/efimap_memory.h"

#include <string.h>

/* UEFI 2.10, 7.2.3: EFI_MEMORY_DESCRIPTOR, version 1. */
enum { DESC_VERSION = 1, DESC_SIZE = 40, DESC_SIZE_MAX = 4096, DESC_VIRT_AT = 16 };

int efi_memmap_check_place(const struct efi_memmap_place *place, struct err *err)
{
	struct range range;

	if (place->desc_version != DESC_VERSION)
		return err_set(err, ERR_INPUT, "EFI descriptors of version %u, not %d",
			       place->desc_version, DESC_VERSION);
	if (place->desc_size < DESC_SIZE || place->desc_size > DESC_SIZE_MAX ||
	    place->desc_size % sizeof(uint64_t))
		return err_set(err, ERR_INPUT,
			       "EFI descriptors of %u bytes, which are not %d to %d, a multiple "
			       "of 8",
			       place->desc_size, DESC_SIZE, DESC_SIZE_MAX);
	if (!place->size || place->size % place->desc_size || place->size > EFI_MEMMAP_SIZE_MAX)
		return err_set(err, ERR_INPUT,
			       "an EFI memory map of %llu bytes, which are not 1 to %llu "
			       "descriptors of %u",
			       (unsigned long long)place->size,
			       (unsigned long long)EFI_MEMMAP_SIZE_MAX / place->desc_size,
			       place->desc_size);
	if (!place->address || !range_from_size(place->address, place->size, &range))
		return err_set(err, ERR_INPUT, "an EFI memory map at 0x%llx", PHYS(place->address));
	return 0;
}

void efi_memmap_narrow(uint8_t *data, size_t size, uint32_t desc_size)
{
	for (size_t at = 0; size - at >= desc_size; at += desc_size) {
		put_u32(data + at + sizeof(uint32_t), 0);
		put_u64(data + at + DESC_VIRT_AT, 0);
		memset(data + at + DESC_SIZE, 0, desc_size - DESC_SIZE);
	}
}

/* What the kernel calls invalid, and leaves out, too: efi_memmap_entry_valid(). */
static bool describes_memory(const struct efi_desc *desc)
{
	struct range range;

	return efi_desc_range(desc, &range);
}

static int read_descriptors(struct bytes bytes, uint32_t desc_size, struct efi_map *map,
			    struct err *err)
{
	for (size_t at = 0; bytes.size - at >= desc_size; at += desc_size) {
		struct cursor cursor = cursor_at(bytes, at);
		struct efi_desc desc = { .number = (uint32_t)map->count };

		desc.type = cursor_u32(&cursor);
		cursor_u32(&cursor);
		desc.phys = cursor_u64(&cursor);
		desc.virt = cursor_u64(&cursor);
		desc.pages = cursor_u64(&cursor);
		desc.attribute = cursor_u64(&cursor);
		if (desc.phys % PAGE_SIZE_4K)
			return err_set(err, ERR_INPUT,
				       "no EFI memory map: descriptor %zu begins at 0x%llx, which "
				       "is not at a page",
				       at / desc_size, PHYS(desc.phys));
		/* The mark of efi_reserve_boot_services(). */
		if (desc.type == EFI_BOOT_CODE || desc.type == EFI_BOOT_DATA)
			desc.attribute &= ~EFI_MEMORY_RUNTIME;
		if (describes_memory(&desc) && efi_map_add(map, desc, err))
			return -1;
	}
	return 0;
}

static bool is_blank(const struct efi_desc *desc)
{
	return desc->type == EFI_RESERVED && !desc->attribute;
}

/* Gives those behind first that it has swallowed their own again; returns how many. */
static size_t undo_merge(struct efi_map *map, size_t first)
{
	struct efi_desc *whole = &map->desc[first];
	struct range range, part = { 0, 0 };
	phys_t at = 0;
	size_t count = 0;

	efi_desc_range(whole, &range);
	while (first + count + 1 < map->count) {
		const struct efi_desc *next = whole + count + 1;

		if (!is_blank(next) || !efi_desc_range(next, &part) ||
		    !range_contains(range, part) || part.start == range.start ||
		    (count && part.start != at))
			break;
		at = part.end;
		count++;
	}
	if (!count || at != range.end)
		return 0;
	whole->pages = (whole[1].phys - whole->phys) / PAGE_SIZE_4K;
	for (size_t i = 1; i <= count; i++) {
		whole[i].type = whole->type;
		whole[i].attribute = whole->attribute;
	}
	return count;
}

/* Whether the last descriptor is one that efi_clean_memmap() has moved up. */
static bool ends_with_copy(const struct efi_map *map)
{
	const struct efi_desc *last = &map->desc[map->count - 1];

	for (size_t i = map->count - 1; i--;)
		if (efi_desc_same(&map->desc[i], last))
			return true;
	return false;
}

int efi_map_from_memory(struct bytes bytes, uint32_t desc_size, struct efi_map *ret,
			struct err *err)
{
	struct efi_map map CLEANUP(efi_map_done) = { 0 };

	if (read_descriptors(bytes, desc_size, &map, err))
		return -1;
	for (size_t i = 0; i < map.count; i++)
		i += undo_merge(&map, i);
	while (map.count && ends_with_copy(&map))
		map.count--;
	if (!map.count)
		return err_set(err, ERR_INPUT,
			       "no EFI memory map: none of %zu descriptors is of memory",
			       bytes.size / desc_size);
	*ret = map;
	map = (struct efi_map){ 0 };
	return 0;
}
