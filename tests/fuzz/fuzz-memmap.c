/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: lines of "START END TYPE", half-open, numbers as C writes them or a
 * type by its name. Lines of another form are passed over.
 */
#include <string.h>

#include "kexec/core/memmap.h"
#include "tests/fuzz/fuzz.h"

/* The check is quadratic. */
enum { ENTRIES_MAX = 200 };

static bool next_number(struct bytes *line, uint64_t *ret)
{
	const uint8_t *blank = line->size ? memchr(line->data, ' ', line->size) : NULL;
	size_t length = blank ? (size_t)(blank - line->data) : line->size;

	if (!blank || !num_parse((const char *)line->data, length, 0, ret))
		return false;
	line->data += length + 1;
	line->size -= length + 1;
	return true;
}

static void read_line(struct bytes line, struct memmap *map)
{
	struct err err = { 0 };
	struct range range;
	uint64_t number;
	uint32_t type;

	if (!next_number(&line, &range.start) || !next_number(&line, &range.end))
		return;
	if (num_parse((const char *)line.data, line.size, 0, &number))
		type = (uint32_t)number;
	else if (!memmap_type_from_name((const char *)line.data, line.size, &type))
		return;
	if (memmap_add(map, range, type, &err))
		require(!range_is_valid(range) && err.code == ERR_INPUT && err.text[0]);
	else
		require(range_is_valid(range));
}

/* The larger type that covers the address; false if nothing does. */
static bool type_at(const struct memmap *map, phys_t address, uint32_t *ret)
{
	uint32_t type = 0;
	bool is_there = false;

	for (size_t i = 0; i < map->count; i++) {
		struct range range = map->entry[i].range;

		if (address < range.start || address >= range.end)
			continue;
		is_there = true;
		if (map->entry[i].type > type)
			type = map->entry[i].type;
	}
	*ret = type;
	return is_there;
}

static void check_address(const struct memmap *before, const struct memmap *after, phys_t address)
{
	uint32_t was, is;

	require(type_at(before, address, &was) == type_at(after, address, &is));
	require(was == is);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memmap before CLEANUP(memmap_done) = { 0 };
	struct memmap after CLEANUP(memmap_done) = { 0 };
	struct range_set ram CLEANUP(range_set_done) = { 0 };
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct bytes text = { data, size }, line;
	struct err err;

	while (before.count < ENTRIES_MAX && bytes_next_line(&text, &line))
		read_line(line, &before);
	require(!memmap_copy(&before, &after, &err));
	require(!memmap_normalise(&after, &warnings, &err));
	for (size_t i = 1; i < after.count; i++)
		require(after.entry[i - 1].range.end < after.entry[i].range.start ||
			(after.entry[i - 1].range.end == after.entry[i].range.start &&
			 after.entry[i - 1].type != after.entry[i].type));
	/* Types change at the entries' ends only. */
	for (size_t i = 0; i < before.count; i++) {
		struct range range = before.entry[i].range;

		check_address(&before, &after, range.start);
		check_address(&before, &after, range.start - 1);
		check_address(&before, &after, range.end - 1);
		check_address(&before, &after, range.end);
	}
	require(!memmap_select(&after, E820_RAM, &ram, &err));
	for (size_t i = 0; i < after.count; i++)
		require(range_set_overlaps(&ram, after.entry[i].range) ==
			(after.entry[i].type == E820_RAM));
	return 0;
}
