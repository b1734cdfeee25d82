/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/range.h"

#include <stdlib.h>
#include <string.h>

bool range_from_size(phys_t start, uint64_t size, struct range *ret)
{
	struct range range = { start, 0 };

	if (!num_add(start, size, &range.end) || !range_is_valid(range))
		return false;
	*ret = range;
	return true;
}

struct range range_shrink_to(struct range range, uint64_t align)
{
	struct range shrunk = { 0, num_align_down(range.end, align) };

	if (!num_align_up(range.start, align, &shrunk.start))
		shrunk.start = shrunk.end;
	return shrunk;
}

struct range range_grow_to(struct range range, uint64_t align)
{
	struct range grown = { num_align_down(range.start, align), 0 };

	if (!num_align_up(range.end, align, &grown.end) || grown.end > PHYS_LIMIT)
		grown.end = PHYS_LIMIT;
	return grown;
}

struct range range_common(struct range a, struct range b)
{
	return (struct range){ a.start > b.start ? a.start : b.start,
			       a.end < b.end ? a.end : b.end };
}

struct range range_first_part(struct range range, struct range other)
{
	if (!range_overlaps(range, other))
		return range;
	if (range.start < other.start)
		range.end = other.start;
	else if (other.end < range.end)
		range.end = other.end;
	return range;
}

int range_check(struct range range, struct err *err)
{
	if (range.start >= range.end)
		return err_set(err, ERR_INPUT,
			       PHYS_FMT "-" PHYS_FMT ": the end does not lie above the start",
			       PHYS(range.start), PHYS(range.end));
	if (range.end > PHYS_LIMIT)
		return err_set(err, ERR_INPUT,
			       PHYS_FMT "-" PHYS_FMT
					" reaches past the end of physical memory, " PHYS_FMT,
			       PHYS(range.start), PHYS(range.end), PHYS(PHYS_LIMIT));
	return 0;
}

/* The first member that ends above `address`. */
static size_t first_ending_above(const struct range_set *set, phys_t address)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->range[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Members [first, last) go, `count` new ones come in their place. */
static int splice(struct range_set *set, size_t first, size_t last, const struct range *with,
		  size_t count, struct err *err)
{
	size_t tail = set->count - last;

	/* At most one member more than before. */
	if (array_grow(&set->range, &set->room, set->count, sizeof(*set->range), err))
		return -1;
	memmove(set->range + first + count, set->range + last, tail * sizeof(*set->range));
	if (count)
		memcpy(set->range + first, with, count * sizeof(*with));
	set->count = first + count + tail;
	return 0;
}

int range_set_add(struct range_set *set, struct range range, struct err *err)
{
	size_t first, last;

	if (range_check(range, err))
		return -1;
	/* One that ends where this begins is joined to it. */
	first = range.start ? first_ending_above(set, range.start - 1) : 0;
	for (last = first; last < set->count && set->range[last].start <= range.end; last++) {
		if (set->range[last].start < range.start)
			range.start = set->range[last].start;
		if (set->range[last].end > range.end)
			range.end = set->range[last].end;
	}
	return splice(set, first, last, &range, 1, err);
}

int range_set_subtract(struct range_set *set, struct range range, struct err *err)
{
	struct range left[2];
	size_t first, last, count = 0;

	if (range_check(range, err))
		return -1;
	first = last = first_ending_above(set, range.start);
	while (last < set->count && set->range[last].start < range.end)
		last++;
	if (first == last)
		return 0;
	if (set->range[first].start < range.start)
		left[count++] = (struct range){ set->range[first].start, range.start };
	if (set->range[last - 1].end > range.end)
		left[count++] = (struct range){ range.end, set->range[last - 1].end };
	return splice(set, first, last, left, count, err);
}

static int compare_starts(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* What is added is mostly in order already. */
static void sort(struct range_set *all)
{
	for (size_t i = 1; i < all->count; i++)
		if (all->range[i].start < all->range[i - 1].start) {
			qsort(all->range, all->count, sizeof(*all->range), compare_starts);
			return;
		}
}

static int append(struct range_set *set, struct range range, struct err *err)
{
	struct range *last = set->count ? &set->range[set->count - 1] : NULL;

	if (last && range.start <= last->end) {
		if (range.end > last->end)
			last->end = range.end;
		return 0;
	}
	if (array_grow(&set->range, &set->room, set->count, sizeof(*set->range), err))
		return -1;
	set->range[set->count++] = range;
	return 0;
}

static void take(struct range_set *to, struct range_set *from)
{
	range_set_done(to);
	*to = *from;
	*from = (struct range_set){ 0 };
}

int range_set_add_all(struct range_set *set, const struct range *range, size_t count,
		      struct err *err)
{
	struct range_set all CLEANUP(range_set_done) = { .room = set->count + count + 1 };
	size_t unmerged;

	all.range = reallocarray(NULL, all.room, sizeof(*all.range));
	if (!all.range)
		return err_no_memory(err);
	for (size_t i = 0; i < set->count; i++)
		all.range[all.count++] = set->range[i];
	for (size_t i = 0; i < count; i++) {
		if (range_check(range[i], err))
			return -1;
		all.range[all.count++] = range[i];
	}
	sort(&all);
	/* Within its own room, where the next is read before anything is written over it. */
	unmerged = all.count;
	all.count = 0;
	for (size_t i = 0; i < unmerged; i++)
		if (append(&all, all.range[i], err))
			return -1;
	take(set, &all);
	return 0;
}

int range_set_subtract_all(struct range_set *set, const struct range_set *other, struct err *err)
{
	struct range_set rest CLEANUP(range_set_done) = { 0 };
	size_t j = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct range range = set->range[i];

		while (j < other->count && other->range[j].end <= range.start)
			j++;
		for (size_t k = j; k < other->count && other->range[k].start < range.end; k++) {
			if (other->range[k].start > range.start &&
			    append(&rest, (struct range){ range.start, other->range[k].start },
				   err))
				return -1;
			range.start = other->range[k].end;
			if (range.start >= range.end)
				break;
		}
		if (range.start < range.end && append(&rest, range, err))
			return -1;
	}
	take(set, &rest);
	return 0;
}

int range_set_intersect(const struct range_set *a, const struct range_set *b, struct range_set *ret,
			struct err *err)
{
	struct range_set common CLEANUP(range_set_done) = { 0 };

	for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
		struct range x = a->range[i], y = b->range[j];
		struct range both = { x.start > y.start ? x.start : y.start,
				      x.end < y.end ? x.end : y.end };

		if (both.start < both.end && append(&common, both, err))
			return -1;
		if (x.end < y.end)
			i++;
		else
			j++;
	}
	take(ret, &common);
	return 0;
}

int range_set_copy(const struct range_set *set, struct range_set *ret, struct err *err)
{
	return range_set_add_all(ret, set->range, set->count, err);
}

void range_set_shrink_to(struct range_set *set, uint64_t align)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct range range = range_shrink_to(set->range[i], align);

		if (range.start < range.end)
			set->range[kept++] = range;
	}
	set->count = kept;
}

const struct range *range_set_first_overlap(const struct range_set *set, struct range range)
{
	size_t i = first_ending_above(set, range.start);

	return i < set->count && set->range[i].start < range.end ? &set->range[i] : NULL;
}

bool range_set_overlaps(const struct range_set *set, struct range range)
{
	return range_set_first_overlap(set, range);
}

bool range_set_contains(const struct range_set *set, struct range range)
{
	const struct range *member = range_set_first_overlap(set, range);

	return member && range_contains(*member, range);
}

uint64_t range_set_total(const struct range_set *set)
{
	uint64_t total = 0;

	for (size_t i = 0; i < set->count; i++)
		total += range_size(set->range[i]);
	return total;
}

bool range_set_find_lowest(const struct range_set *set, uint64_t size, uint64_t align, phys_t min,
			   phys_t max, phys_t *ret_start)
{
	for (size_t i = first_ending_above(set, min); i < set->count; i++) {
		phys_t end = set->range[i].end < max ? set->range[i].end : max;
		phys_t start = set->range[i].start > min ? set->range[i].start : min;

		if (start >= max || !num_align_up(start, align, &start))
			return false;
		if (start < end && size <= end - start) {
			*ret_start = start;
			return true;
		}
	}
	return false;
}

/* Of one member: the first start, and how many there are. */
static uint64_t places_in(struct range range, uint64_t size, uint64_t align, phys_t min, phys_t max,
			  phys_t *ret_first)
{
	phys_t end = range.end < max ? range.end : max;
	phys_t start = range.start > min ? range.start : min;

	if (!num_align_up(start, align, &start) || start >= end || size > end - start)
		return 0;
	*ret_first = start;
	return (end - start - size) / align + 1;
}

uint64_t range_set_places(const struct range_set *set, uint64_t size, uint64_t align, phys_t min,
			  phys_t max, struct range *ret_within)
{
	uint64_t places = 0;

	for (size_t i = 0; i < set->count; i++) {
		phys_t first;
		uint64_t here = places_in(set->range[i], size, align, min, max, &first);

		if (!here)
			continue;
		if (!places)
			ret_within->start = first;
		ret_within->end = first + (here - 1) * align + size;
		places += here;
	}
	return places;
}

phys_t range_set_place(const struct range_set *set, uint64_t size, uint64_t align, phys_t min,
		       phys_t max, uint64_t index)
{
	phys_t first = 0;

	for (size_t i = 0; i < set->count; i++) {
		uint64_t here = places_in(set->range[i], size, align, min, max, &first);

		if (index < here)
			return first + index * align;
		index -= here;
	}
	return first;
}

bool range_set_largest(const struct range_set *set, phys_t min, phys_t max, struct range *ret)
{
	struct range largest = { 0, 0 };

	for (size_t i = first_ending_above(set, min); i < set->count; i++) {
		struct range piece = { set->range[i].start > min ? set->range[i].start : min,
				       set->range[i].end < max ? set->range[i].end : max };

		if (piece.start < piece.end && range_size(piece) > range_size(largest))
			largest = piece;
	}
	if (!range_size(largest))
		return false;
	*ret = largest;
	return true;
}

void range_set_done(struct range_set *set)
{
	free(set->range);
	*set = (struct range_set){ 0 };
}
