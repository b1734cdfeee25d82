/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: a byte that chooses the size of a descriptor, then memory where an EFI memory map should be. */
#include "kexec/core/efimap_memory.h"
#include "tests/fuzz/fuzz.h"

static const uint32_t sizes[] = { 40, 48, 56, 64 };

static int read_map(struct bytes bytes, uint32_t size, struct efi_map *ret)
{
	struct err err = { 0 };

	if (!efi_map_from_memory(bytes, size, ret, &err))
		return 0;
	require(err.code == ERR_INPUT && !ret->count && !ret->desc);
	return -1;
}

static void check_map(const struct efi_map *map, size_t most)
{
	struct range range;

	require(map->count && map->count <= most);
	for (size_t i = 0; i < map->count; i++) {
		require(efi_desc_range(&map->desc[i], &range) && range_is_valid(range));
		require(range.start % PAGE_SIZE_4K == 0);
		require(map->desc[i].number == i);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct efi_map map CLEANUP(efi_map_done) = { 0 };
	struct efi_map narrowed_map CLEANUP(efi_map_done) = { 0 };
	struct buf narrowed CLEANUP(buf_done) = { 0 };
	struct err err;
	uint32_t desc_size;
	struct bytes bytes;
	int result;

	if (!size)
		return 0;
	desc_size = sizes[data[0] % 4];
	bytes = (struct bytes){ data + 1, (size - 1) / desc_size * desc_size };
	require(!buf_append(&narrowed, bytes.data, bytes.size, &err));
	if (bytes.size)
		efi_memmap_narrow(narrowed.data, narrowed.size, desc_size);
	result = read_map(bytes, desc_size, &map);
	require(result == read_map(buf_bytes(&narrowed), desc_size, &narrowed_map));
	if (result)
		return 0;
	check_map(&map, bytes.size / desc_size);
	/* What a capture keeps says the same of memory. */
	require(map.count == narrowed_map.count);
	for (size_t i = 0; i < map.count; i++) {
		require(efi_desc_same(&map.desc[i], &narrowed_map.desc[i]));
		require(!narrowed_map.desc[i].virt);
	}
	return 0;
}
