/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/memmap.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	uint32_t type;
} type_names[] = {
	{ "System RAM", E820_RAM },
	{ "Reserved", E820_RESERVED },
	{ "ACPI Tables", E820_ACPI },
	{ "ACPI Non-volatile Storage", E820_NVS },
	{ "Unusable memory", E820_UNUSABLE },
	{ "Persistent Memory", E820_PMEM },
	{ "Persistent Memory (legacy)", E820_PRAM },
	{ "Soft Reserved", (uint32_t)E820_SOFT_RESERVED },
};

enum { NR_TYPE_NAMES = sizeof(type_names) / sizeof(type_names[0]) };

bool memmap_type_from_name(const char *name, size_t size, uint32_t *ret)
{
	for (size_t i = 0; i < NR_TYPE_NAMES; i++) {
		if (strlen(type_names[i].name) != size ||
		    strncasecmp(type_names[i].name, name, size))
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

int memmap_add(struct memmap *map, struct range range, uint32_t type, struct err *err)
{
	if (range_check(range, err))
		return -1;
	if (array_grow(&map->entry, &map->room, map->count, sizeof(*map->entry), err))
		return -1;
	map->entry[map->count++] = (struct memmap_entry){ range, type };
	return 0;
}

static int compare_starts(const void *a, const void *b)
{
	const struct memmap_entry *x = a, *y = b;

	return x->range.start < y->range.start ? -1 : x->range.start > y->range.start;
}

/* The first fault of order or overlap, as a warning. */
static void warn_of_disorder(const struct memmap *map, const struct memmap *sorted,
			     struct warnings *warnings)
{
	phys_t end = 0;

	for (size_t i = 1; i < map->count; i++) {
		if (map->entry[i].range.start >= map->entry[i - 1].range.start)
			continue;
		warn_add(warnings,
			 "the memory map is not sorted: " PHYS_FMT " comes after " PHYS_FMT,
			 PHYS(map->entry[i].range.start), PHYS(map->entry[i - 1].range.start));
		break;
	}
	for (size_t i = 0; i < sorted->count; i++) {
		struct range range = sorted->entry[i].range;

		if (range.start < end) {
			warn_add(warnings,
				 "the memory map overlaps itself at " PHYS_FMT "-" PHYS_FMT
				 ": the larger type wins, as in the kernel",
				 PHYS(range.start), PHYS(range.end < end ? range.end : end));
			return;
		}
		end = range.end;
	}
}

/*
 * A sweep over the starts in order, with the entries that cover the present
 * address in a heap whose top has the largest type. Entries that are over stay
 * in the heap until they come to its top.
 */
struct heap {
	struct memmap_entry *entry;
	size_t count;
};

static bool is_above(const struct memmap_entry *a, const struct memmap_entry *b)
{
	return a->type != b->type ? a->type > b->type : a->range.end > b->range.end;
}

static void heap_push(struct heap *heap, struct memmap_entry entry)
{
	size_t at = heap->count++;

	for (; at && is_above(&entry, &heap->entry[(at - 1) / 2]); at = (at - 1) / 2)
		heap->entry[at] = heap->entry[(at - 1) / 2];
	heap->entry[at] = entry;
}

static void heap_pop(struct heap *heap)
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
	return memmap_add(map, range, type, err);
}

static int sweep(const struct memmap *sorted, struct heap *heap, struct memmap *ret,
		 struct err *err)
{
	phys_t at = 0;
	size_t next = 0;

	while (next < sorted->count || heap->count) {
		phys_t until;

		if (heap->count && heap->entry[0].range.end <= at) {
			heap_pop(heap);
			continue;
		}
		if (!heap->count && next < sorted->count && sorted->entry[next].range.start > at)
			at = sorted->entry[next].range.start;
		if (next < sorted->count && sorted->entry[next].range.start == at) {
			heap_push(heap, sorted->entry[next++]);
			continue;
		}
		until = heap->entry[0].range.end;
		if (next < sorted->count && sorted->entry[next].range.start < until)
			until = sorted->entry[next].range.start;
		if (append(ret, (struct range){ at, until }, heap->entry[0].type, err))
			return -1;
		at = until;
	}
	return 0;
}

static void heap_done(struct heap *heap)
{
	free(heap->entry);
}

int memmap_normalise(struct memmap *map, struct warnings *warnings, struct err *err)
{
	struct memmap sorted CLEANUP(memmap_done) = { 0 };
	struct memmap result CLEANUP(memmap_done) = { 0 };
	struct heap heap CLEANUP(heap_done) = { 0 };
	struct memmap old;

	if (!map->count)
		return 0;
	heap.entry = calloc(map->count, sizeof(*heap.entry));
	if (!heap.entry)
		return err_no_memory(err);
	if (memmap_copy(map, &sorted, err))
		return -1;
	qsort(sorted.entry, sorted.count, sizeof(*sorted.entry), compare_starts);
	warn_of_disorder(map, &sorted, warnings);
	if (sweep(&sorted, &heap, &result, err))
		return -1;
	old = *map;
	*map = result;
	result = old;
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
	struct memmap copy = { .count = map->count, .room = map->count };

	if (!map->count) {
		*ret = copy;
		return 0;
	}
	copy.entry = reallocarray(NULL, map->count, sizeof(*copy.entry));
	if (!copy.entry)
		return err_no_memory(err);
	memcpy(copy.entry, map->entry, map->count * sizeof(*copy.entry));
	*ret = copy;
	return 0;
}

void memmap_done(struct memmap *map)
{
	free(map->entry);
	*map = (struct memmap){ 0 };
}
