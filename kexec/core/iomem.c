/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/iomem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SPACES_A_LEVEL = 2, DEPTH_MAX = 64, DIGITS_MAX = 16, QUOTE_MAX = 80 };

static bool has_name(const struct iomem_entry *entry, const char *name)
{
	return !strcasecmp(entry->name, name);
}

static bool is_ram_name(struct bytes name)
{
	static const char ram[] = "System RAM";

	return name.size >= strlen(ram) && !strncasecmp((const char *)name.data, ram, strlen(ram));
}

static bool parse_hex(const char *text, size_t size, uint64_t *ret)
{
	bool has_prefix = size > 1 && (text[1] | 0x20) == 'x';

	return size <= DIGITS_MAX && !has_prefix && num_parse(text, size, 16, ret);
}

/* "START-END : NAME" without its indentation; the end is inclusive. */
static bool split(struct bytes line, phys_t *ret_start, phys_t *ret_last, struct bytes *ret_name)
{
	const char *text = (const char *)line.data;
	const char *dash = memchr(text, '-', line.size);
	const char *colon = memchr(text, ':', line.size);
	const char *end = text + line.size;

	if (!dash || !colon || colon - dash < 2 || colon + 1 >= end || colon[-1] != ' ' ||
	    colon[1] != ' ' || !parse_hex(text, (size_t)(dash - text), ret_start) ||
	    !parse_hex(dash + 1, (size_t)(colon - 1 - dash) - 1, ret_last))
		return false;
	*ret_name = (struct bytes){ (const uint8_t *)colon + 2, (size_t)(end - colon) - 2 };
	return true;
}

static int add(struct iomem *iomem, struct range range, unsigned int depth, struct bytes name,
	       struct err *err)
{
	struct iomem_entry entry = { .range = range, .depth = depth, .parent = iomem->count };
	size_t above = iomem->count;

	if (array_grow(&iomem->entry, &iomem->room, iomem->count, sizeof(*iomem->entry), err))
		return -1;
	/* The nearest before it that is less deep: that is one level up, unless left out. */
	if (depth && above--) {
		while (iomem->entry[above].depth >= depth && iomem->entry[above].parent != above)
			above = iomem->entry[above].parent;
		if (iomem->entry[above].depth < depth)
			entry.parent = above;
	}
	entry.name = iomem->names + iomem->names_size;
	memcpy(iomem->names + iomem->names_size, name.data, name.size);
	iomem->names[iomem->names_size + name.size] = '\0';
	iomem->names_size += name.size + 1;
	iomem->entry[iomem->count++] = entry;
	return 0;
}

/* *depth is that of the line before, -1 before the first. */
static int parse_line(struct bytes line, struct iomem *iomem, int *depth, struct err *err)
{
	int shown = (int)(line.size < QUOTE_MAX ? line.size : QUOTE_MAX);
	const char *text = (const char *)line.data;
	struct bytes name, rest;
	size_t spaces = 0;
	phys_t start, last;

	while (spaces < line.size && line.data[spaces] == ' ')
		spaces++;
	rest = (struct bytes){ line.data + spaces, line.size - spaces };
	if (!split(rest, &start, &last, &name))
		return err_set(err, ERR_INPUT, "\"%.*s\" is not START-END : NAME", shown, text);
	if (spaces % SPACES_A_LEVEL || spaces / SPACES_A_LEVEL > (size_t)(*depth + 1) ||
	    spaces / SPACES_A_LEVEL > DEPTH_MAX)
		return err_set(err, ERR_INPUT,
			       "\"%.*s\": an indentation of %zu, where an even one of at most %d "
			       "is possible",
			       shown, text, spaces,
			       SPACES_A_LEVEL * (*depth < DEPTH_MAX ? *depth + 1 : DEPTH_MAX));
	*depth = (int)(spaces / SPACES_A_LEVEL);
	if (last < start)
		return err_set(err, ERR_INPUT,
			       PHYS_FMT "-" PHYS_FMT ": the end lies below the start", PHYS(start),
			       PHYS(last));
	if (start >= PHYS_LIMIT)
		return 0;
	if (last >= PHYS_LIMIT) {
		/* PCI windows reach there on some machines; memory does not. */
		if (is_ram_name(name))
			return err_set(err, ERR_INPUT,
				       PHYS_FMT
				       "-" PHYS_FMT
				       ": memory past the end of physical memory, " PHYS_FMT,
				       PHYS(start), PHYS(last), PHYS(PHYS_LIMIT));
		last = PHYS_LIMIT - 1;
	}
	return add(iomem, (struct range){ start, last + 1 }, (unsigned int)*depth, name, err);
}

static bool is_all_zero(const struct iomem *iomem)
{
	for (size_t i = 0; i < iomem->count; i++)
		if (iomem->entry[i].range.end != 1)
			return false;
	return iomem->count;
}

int iomem_parse(struct bytes text, struct iomem *ret, struct err *err)
{
	struct iomem iomem CLEANUP(iomem_done) = { 0 };
	size_t number = 0;
	struct bytes line;
	int depth = -1;

	/* A name is shorter than its line, by more than its NUL. */
	iomem.names = malloc(text.size + 1);
	if (!iomem.names)
		return err_no_memory(err);
	while (bytes_next_line(&text, &line)) {
		number++;
		if (parse_line(line, &iomem, &depth, err))
			return err_prefix(err, "line %zu", number);
	}
	if (is_all_zero(&iomem)) {
		iomem_done(&iomem);
		iomem.zeroed = true;
	}
	*ret = iomem;
	iomem = (struct iomem){ 0 };
	return 0;
}

/*
 * Whether the innermost entry that says so makes it RAM: what lies deeper has
 * the last word, which is the larger type of a map. Odd types are not RAM.
 */
static int select_ram(const struct iomem *iomem, struct range within, bool driver_managed,
		      struct range_set *ret, struct err *err)
{
	struct memmap map CLEANUP(memmap_done) = { 0 };

	for (size_t i = 0; i < iomem->count; i++) {
		const struct iomem_entry *entry = &iomem->entry[i];
		size_t length;
		uint32_t type;

		if (!range_overlaps(entry->range, within))
			continue;
		length = strlen(entry->name);
		if (memmap_type_from_name(entry->name, length, &type))
			type = type != E820_RAM;
		else if (is_ram_name((struct bytes){ (const uint8_t *)entry->name, length }))
			type = !driver_managed;
		else
			continue;
		if (memmap_add(&map, entry->range, 2 * entry->depth + type, err))
			return -1;
	}
	if (memmap_normalise(&map, /* warnings= */ NULL, err))
		return -1;
	for (size_t i = 0; i < map.count; i++)
		map.entry[i].type %= 2;
	return memmap_select(&map, 0, ret, err);
}

int iomem_system_ram(const struct iomem *iomem, struct range within, struct range_set *ret,
		     struct err *err)
{
	return select_ram(iomem, within, /* driver_managed= */ false, ret, err);
}

int iomem_dumped_ram(const struct iomem *iomem, struct range_set *ret, struct err *err)
{
	return select_ram(iomem, RANGE_ALL, /* driver_managed= */ true, ret, err);
}

int iomem_find(const struct iomem *iomem, const char *name, struct range_set *ret, struct err *err)
{
	struct memmap found CLEANUP(memmap_done) = { 0 };

	for (size_t i = 0; i < iomem->count; i++)
		if (has_name(&iomem->entry[i], name) &&
		    memmap_add(&found, iomem->entry[i].range, 0, err))
			return -1;
	return memmap_select(&found, 0, ret, err);
}

const char *iomem_name_at(const struct iomem *iomem, phys_t address)
{
	const struct iomem_entry *innermost = NULL;

	for (size_t i = 0; i < iomem->count; i++) {
		const struct iomem_entry *entry = &iomem->entry[i];

		if (address >= entry->range.start && address < entry->range.end &&
		    (!innermost || entry->depth >= innermost->depth))
			innermost = entry;
	}
	return innermost ? innermost->name : NULL;
}

int iomem_crash_kernel(const struct iomem *iomem, struct range *ret_main, struct range *ret_low,
		       struct err *err)
{
	struct range found[2] = { { 0, 0 }, { 0, 0 } };
	size_t count = 0;

	/* Entry by entry: two that touch are still two. */
	for (size_t i = 0; i < iomem->count; i++) {
		struct range range = iomem->entry[i].range;

		if (!has_name(&iomem->entry[i], "Crash kernel"))
			continue;
		if (count++ == 2)
			return err_set(err, ERR_INPUT,
				       "/proc/iomem has a third \"Crash kernel\" entry, " PHYS_FMT
				       "-" PHYS_FMT ", where kernels have two at most",
				       PHYS(range.start), PHYS(range.end - 1));
		if (range.start >= found[0].start) {
			found[1] = found[0];
			found[0] = range;
		} else {
			found[1] = range;
		}
	}
	*ret_main = found[0];
	*ret_low = found[1];
	return 0;
}

void iomem_done(struct iomem *iomem)
{
	free(iomem->names);
	free(iomem->entry);
	*iomem = (struct iomem){ 0 };
}
