/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/iomem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SPACES_A_LEVEL = 2, DEPTH_MAX = 64 };

static bool has_name(const struct iomem_entry *entry, const char *name)
{
	return !strcasecmp(entry->name, name);
}

/* "START-END : NAME" without its indentation; the end is inclusive. */
static bool split(struct bytes line, phys_t *ret_start, phys_t *ret_last, struct bytes *ret_name)
{
	const char *text = (const char *)line.data;
	const char *dash = memchr(text, '-', line.size);
	const char *colon = memmem(text, line.size, " : ", 3);

	if (!dash || !colon || dash > colon ||
	    !num_parse(text, (size_t)(dash - text), 16, ret_start) ||
	    !num_parse(dash + 1, (size_t)(colon - dash) - 1, 16, ret_last))
		return false;
	*ret_name = (struct bytes){ (const uint8_t *)colon + 3,
				    line.size - (size_t)(colon - text) - 3 };
	return true;
}

/* The nearest entry before `count` that is one level up. */
static size_t parent_of(const struct iomem *iomem, unsigned int depth)
{
	size_t at = iomem->count;

	if (!depth)
		return iomem->count;
	for (at = iomem->count - 1; iomem->entry[at].depth != depth - 1;)
		at = iomem->entry[at].parent;
	return at;
}

static int add(struct iomem *iomem, struct range range, unsigned int depth, struct bytes name,
	       struct err *err)
{
	struct iomem_entry entry = { .range = range, .depth = depth };

	if (array_grow(&iomem->entry, &iomem->room, iomem->count, sizeof(*iomem->entry), err))
		return -1;
	entry.name = strndup((const char *)name.data, name.size);
	if (!entry.name)
		return err_no_memory(err);
	entry.parent = parent_of(iomem, depth);
	iomem->entry[iomem->count++] = entry;
	return 0;
}

static int parse_line(struct bytes line, struct iomem *iomem, size_t *zeroed, struct err *err)
{
	struct bytes name, rest;
	unsigned int spaces = 0, depth, depth_allowed;
	phys_t start, last;

	while (spaces < line.size && line.data[spaces] == ' ')
		spaces++;
	depth = spaces / SPACES_A_LEVEL;
	depth_allowed = iomem->count ? iomem->entry[iomem->count - 1].depth + 1 : 0;
	bytes_slice(line, spaces, line.size - spaces, &rest);
	if (!split(rest, &start, &last, &name))
		return err_set(err, ERR_INPUT, "\"%.*s\" is not START-END : NAME",
			       (int)(line.size < 80 ? line.size : 80), (const char *)line.data);
	if (!start && !last) {
		/* Hidden, whatever its depth: nothing else starts and ends at 0. */
		++*zeroed;
		return 0;
	}
	if (last < start)
		return err_set(err, ERR_INPUT,
			       PHYS_FMT "-" PHYS_FMT ": the end lies below the start", PHYS(start),
			       PHYS(last));
	if (spaces % SPACES_A_LEVEL || depth > depth_allowed || depth > DEPTH_MAX)
		return err_set(err, ERR_INPUT, "an indentation of %u after one of %u", spaces,
			       iomem->count ? iomem->entry[iomem->count - 1].depth * SPACES_A_LEVEL
					    : 0);
	if (last >= PHYS_LIMIT) {
		/* PCI windows reach there on some machines; memory does not. */
		if (strncasecmp((const char *)name.data, "System RAM",
				name.size < 10 ? name.size : 10) == 0)
			return err_set(err, ERR_INPUT,
				       PHYS_FMT
				       "-" PHYS_FMT
				       ": memory past the end of physical memory, " PHYS_FMT,
				       PHYS(start), PHYS(last), PHYS(PHYS_LIMIT));
		if (start >= PHYS_LIMIT)
			start = PHYS_LIMIT - 1;
		last = PHYS_LIMIT - 1;
	}
	return add(iomem, (struct range){ start, last + 1 }, depth, name, err);
}

int iomem_parse(struct bytes text, struct iomem *ret, struct err *err)
{
	struct iomem iomem CLEANUP(iomem_done) = { 0 };
	size_t zeroed = 0, number = 0;
	struct bytes line;

	while (bytes_next_line(&text, &line)) {
		number++;
		if (parse_line(line, &iomem, &zeroed, err))
			return err_prefix(err, "line %zu", number);
	}
	iomem.zeroed = zeroed && !iomem.count;
	*ret = iomem;
	iomem = (struct iomem){ 0 };
	return 0;
}

/* What a range is for the kernel's allocator, by the innermost entry that says. */
enum fate { FATE_INHERITED, FATE_RAM, FATE_KEPT };

static enum fate fate_of(const struct iomem_entry *entry)
{
	if (has_name(entry, "System RAM"))
		return FATE_RAM;
	if (has_name(entry, "Reserved") || has_name(entry, "Soft Reserved") ||
	    !strncasecmp(entry->name, "Persistent Memory", 17) ||
	    !strncasecmp(entry->name, "System RAM (", 12))
		return FATE_KEPT;
	return FATE_INHERITED;
}

int iomem_system_ram(const struct iomem *iomem, struct range_set *ret, struct err *err)
{
	struct range_set ram CLEANUP(range_set_done) = { 0 };
	unsigned int deepest = 0;

	for (size_t i = 0; i < iomem->count; i++)
		if (iomem->entry[i].depth > deepest)
			deepest = iomem->entry[i].depth;
	/* Level by level, so that what lies deeper has the last word. */
	for (unsigned int depth = 0; depth <= deepest; depth++) {
		struct range_set level[2] = { 0 };
		struct range *chosen = reallocarray(NULL, iomem->count + 1, sizeof(*chosen));
		int result = chosen ? 0 : err_no_memory(err);

		for (int fate = FATE_RAM; !result && fate <= FATE_KEPT; fate++) {
			size_t count = 0;

			for (size_t i = 0; i < iomem->count; i++)
				if (iomem->entry[i].depth == depth &&
				    (int)fate_of(&iomem->entry[i]) == fate)
					chosen[count++] = iomem->entry[i].range;
			result = range_set_add_all(&level[fate - FATE_RAM], chosen, count, err);
		}
		if (!result)
			result = range_set_subtract_all(&ram, &level[1], err) ||
				 range_set_add_all(&ram, level[0].range, level[0].count, err);
		free(chosen);
		range_set_done(&level[0]);
		range_set_done(&level[1]);
		if (result)
			return -1;
	}
	*ret = ram;
	ram = (struct range_set){ 0 };
	return 0;
}

int iomem_find(const struct iomem *iomem, const char *name, struct range_set *ret, struct err *err)
{
	struct range_set found CLEANUP(range_set_done) = { 0 };

	for (size_t i = 0; i < iomem->count; i++)
		if (has_name(&iomem->entry[i], name) &&
		    range_set_add(&found, iomem->entry[i].range, err))
			return -1;
	*ret = found;
	found = (struct range_set){ 0 };
	return 0;
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
	struct range_set found CLEANUP(range_set_done) = { 0 };
	struct range none = { 0, 0 };

	if (iomem_find(iomem, "Crash kernel", &found, err))
		return -1;
	if (found.count > 2)
		return err_set(err, ERR_INPUT,
			       "/proc/iomem: %zu \"Crash kernel\" entries, two at most are known",
			       found.count);
	*ret_main = found.count ? found.range[found.count - 1] : none;
	*ret_low = found.count == 2 ? found.range[0] : none;
	return 0;
}

void iomem_done(struct iomem *iomem)
{
	for (size_t i = 0; i < iomem->count; i++)
		free(iomem->entry[i].name);
	free(iomem->entry);
	*iomem = (struct iomem){ 0 };
}
