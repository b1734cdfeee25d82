/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/memmap.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME(text) (text), sizeof(text) - 1

static const struct {
	const char *name;
	size_t size;
	uint32_t type;
} type_names[] = {
	{ NAME("System RAM"), E820_RAM },
	{ NAME("Reserved"), E820_RESERVED },
	{ NAME("ACPI Tables"), E820_ACPI },
	{ NAME("ACPI Non-volatile Storage"), E820_NVS },
	{ NAME("Unusable memory"), E820_UNUSABLE },
	{ NAME("Persistent Memory"), E820_PMEM },
	{ NAME("Persistent Memory (legacy)"), E820_PRAM },
	{ NAME("Soft Reserved"), (uint32_t)E820_SOFT_RESERVED },
};

enum { NR_TYPE_NAMES = sizeof(type_names) / sizeof(type_names[0]) };

bool memmap_type_from_name(const char *name, size_t size, uint32_t *ret)
{
	for (size_t i = 0; i < NR_TYPE_NAMES; i++) {
		if (type_names[i].size != size || strncasecmp(type_names[i].name, name, size))
			continue;
		*ret = type_names[i].type;
		return true;
	}
	return false;
}

const char *memmap_type_name(uint32_t type)
{
	for (size_t i = 0; i < NR_TYPE_NAMES; i++)
		if (type_names[i].type == type)
			return type_names[i].name;
	return NULL;
}

static int make_room(size_t count, struct memmap *ret, struct err *err)
{
	struct memmap_entry *entry = reallocarray(NULL, count + 1, sizeof(*entry));

	if (!entry)
		return err_no_memory(err);
	*ret = (struct memmap){ .entry = entry, .room = count + 1 };
	return 0;
}

static int add(struct memmap *map, struct memmap_entry entry, struct err *err)
{
	if (array_grow(&map->entry, &map->room, map->count, sizeof(entry), err))
		return -1;
	map->entry[map->count++] = entry;
	return 0;
}

int memmap_add(struct memmap *map, struct range range, uint32_t type, struct err *err)
{
	if (range_check(range, err))
		return -1;
	return add(map, (struct memmap_entry){ range, type }, err);
}

/* --- in order ------------------------------------------------------------ */

enum { ADDRESS_BITS = 52, DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS };

/* The first that starts below the one before it; 0: none does. */
static size_t out_of_order(const struct memmap *map)
{
	for (size_t i = 1; i < map->count; i++)
		if (map->entry[i].range.start < map->entry[i - 1].range.start)
			return i;
	return 0;
}

static size_t digit(const struct memmap_entry *entry, unsigned int shift)
{
	return entry->range.start >> shift & (DIGITS - 1);
}

static void swap(struct memmap *a, struct memmap *b)
{
	struct memmap old = *a;

	*a = *b;
	*b = old;
}

/* By start, with the help of as many entries more. A radix sort, digit by digit from the lowest:
 * qsort(3) took half of a plan's time for a large map. */
static void sort(struct memmap *map, struct memmap *spare)
{
	for (unsigned int shift = 0; shift < ADDRESS_BITS; shift += DIGIT_BITS) {
		size_t place[DIGITS + 1] = { 0 };

		for (size_t i = 0; i < map->count; i++)
			place[digit(&map->entry[i], shift) + 1]++;
		if (place[digit(&map->entry[0], shift) + 1] == map->count)
			continue;
		for (size_t i = 0; i < DIGITS; i++)
			place[i + 1] += place[i];
		for (size_t i = 0; i < map->count; i++)
			spare->entry[place[digit(&map->entry[i], shift)]++] = map->entry[i];
		spare->count = map->count;
		swap(map, spare);
	}
}

static void warn_of_overlap(const struct memmap *sorted, struct warnings *warnings)
{
	for (size_t i = 1; i < sorted->count; i++) {
		struct range range = sorted->entry[i].range;
		phys_t end = sorted->entry[i - 1].range.end;

		if (range.start >= end)
			continue;
		warn_add(warnings,
			 "the memory map overlaps itself at " PHYS_FMT "-" PHYS_FMT
			 ": the larger type wins, as in the kernel",
			 PHYS(range.start), PHYS(range.end < end ? range.end : end));
		return;
	}
}

/*
 * A sweep over the starts in order, with the entries that cover the present
 * address in a heap whose top has the largest type. Entries that are over stay
 * in the heap until they come to its top.
 */
static bool is_above(const struct memmap_entry *a, const struct memmap_entry *b)
{
	return a->type > b->type;
}

static int heap_push(struct memmap *heap, struct memmap_entry entry, struct err *err)
{
	size_t at = heap->count;

	if (add(heap, entry, err))
		return -1;
	for (; at && is_above(&entry, &heap->entry[(at - 1) / 2]); at = (at - 1) / 2)
		heap->entry[at] = heap->entry[(at - 1) / 2];
	heap->entry[at] = entry;
	return 0;
}

static void heap_pop(struct memmap *heap)
{
	struct memmap_entry last = heap->entry[--heap->count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count &&
		    is_above(&heap->entry[child + 1], &heap->entry[child]))
			child++;
		if (!is_above(&heap->entry[child], &last))
			break;
		heap->entry[at] = heap->entry[child];
		at = child;
	}
	heap->entry[at] = last;
}

static int append(struct memmap *map, struct range range, uint32_t type, struct err *err)
{
	struct memmap_entry *last = map->count ? &map->entry[map->count - 1] : NULL;

	if (last && last->type == type && last->range.end == range.start) {
		last->range.end = range.end;
		return 0;
	}
	return add(map, (struct memmap_entry){ range, type }, err);
}

static int sweep(const struct memmap *sorted, struct memmap *ret, struct err *err)
{
	struct memmap heap CLEANUP(memmap_done) = { 0 };
	phys_t at = 0;
	size_t next = 0;

	while (next < sorted->count || heap.count) {
		phys_t until;

		if (heap.count && heap.entry[0].range.end <= at) {
			heap_pop(&heap);
			continue;
		}
		if (!heap.count && next < sorted->count && sorted->entry[next].range.start > at)
			at = sorted->entry[next].range.start;
		if (next < sorted->count && sorted->entry[next].range.start == at) {
			if (heap_push(&heap, sorted->entry[next++], err))
				return -1;
			continue;
		}
		until = heap.entry[0].range.end;
		if (next < sorted->count && sorted->entry[next].range.start < until)
			until = sorted->entry[next].range.start;
		if (append(ret, (struct range){ at, until }, heap.entry[0].type, err))
			return -1;
		at = until;
	}
	return 0;
}

int memmap_normalise(struct memmap *map, struct warnings *warnings, struct err *err)
{
	struct memmap result CLEANUP(memmap_done) = { 0 };
	size_t at;

	if (make_room(map->count, &result, err))
		return -1;
	at = out_of_order(map);
	if (at) {
		warn_add(warnings,
			 "the memory map is not sorted: " PHYS_FMT " comes after " PHYS_FMT,
			 PHYS(map->entry[at].range.start), PHYS(map->entry[at - 1].range.start));
		sort(map, &result);
	}
	warn_of_overlap(map, warnings);
	result.count = 0;
	if (sweep(map, &result, err))
		return -1;
	swap(map, &result);
	return 0;
}

int memmap_select(const struct memmap *map, uint32_t type, struct range_set *ret, struct err *err)
{
	struct range *chosen = reallocarray(NULL, map->count + 1, sizeof(*chosen));
	size_t count = 0;
	int result;

	if (!chosen)
		return err_no_memory(err);
	for (size_t i = 0; i < map->count; i++)
		if (map->entry[i].type == type)
			chosen[count++] = map->entry[i].range;
	result = range_set_add_all(ret, chosen, count, err);
	free(chosen);
	return result;
}

int memmap_copy(const struct memmap *map, struct memmap *ret, struct err *err)
{
	if (make_room(map->count, ret, err))
		return -1;
	if (map->count)
		memcpy(ret->entry, map->entry, map->count * sizeof(*ret->entry));
	ret->count = map->count;
	return 0;
}

void memmap_done(struct memmap *map)
{
	free(map->entry);
	*map = (struct memmap){ 0 };
}
