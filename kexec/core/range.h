/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Half-open ranges [start, end) of physical addresses and sets of them.
 * The only module that does interval arithmetic. A set is always sorted, its
 * ranges non-empty, disjoint and not adjacent (adjacent ones are merged), and
 * ends at or below PHYS_LIMIT.
 */
#ifndef CORE_RANGE_H
#define CORE_RANGE_H

#include "kexec/core/bytes.h"
#include "kexec/core/num.h"

struct range {
	phys_t start;
	phys_t end;
};

#define RANGE_ALL ((struct range){ 0, PHYS_LIMIT })

/* Owned; zero-initialise; release with range_set_done(). */
struct range_set {
	struct range *range;
	size_t count;
	size_t room;
};

static inline uint64_t range_size(struct range range)
{
	return range.end - range.start;
}
static inline bool range_is_valid(struct range range)
{
	return range.start < range.end && range.end <= PHYS_LIMIT;
}
static inline bool range_overlaps(struct range a, struct range b)
{
	return a.start < b.end && b.start < a.end;
}
static inline bool range_contains(struct range outer, struct range inner)
{
	return outer.start <= inner.start && inner.end <= outer.end;
}
/* [start, start + size); false if it is empty or reaches past PHYS_LIMIT. */
bool range_from_size(phys_t start, uint64_t size, struct range *ret);
/* The largest range within `range` whose ends are multiples of align. May be empty (start >= end). */
struct range range_shrink_to(struct range range, uint64_t align);
/* The smallest range around `range` whose ends are multiples of align. */
struct range range_grow_to(struct range range, uint64_t align);

/* What both have. May be empty (start >= end). */
struct range range_common(struct range a, struct range b);
/* The part of `range` from its start on that lies wholly in `other`, or wholly outside. */
struct range range_first_part(struct range range, struct range other);

/* ERR_INPUT, with both numbers, if the range is not valid. */
int range_check(struct range range, struct err *err);
/* ERR_INPUT if the range is not valid; the set is unchanged on failure. */
int range_set_add(struct range_set *set, struct range range, struct err *err);
int range_set_subtract(struct range_set *set, struct range range, struct err *err);
/* Many at once, n log n in all; the input need not be sorted or disjoint. */
int range_set_add_all(struct range_set *set, const struct range *range, size_t count,
		      struct err *err);
int range_set_subtract_all(struct range_set *set, const struct range_set *other, struct err *err);
/* *ret (zero-initialised) = a intersected with b. */
int range_set_intersect(const struct range_set *a, const struct range_set *b, struct range_set *ret,
			struct err *err);
int range_set_copy(const struct range_set *set, struct range_set *ret, struct err *err);
/* Every member shrunk inwards to multiples of align; empty ones go. */
void range_set_shrink_to(struct range_set *set, uint64_t align);

/* True if one member contains all of range. */
bool range_set_contains(const struct range_set *set, struct range range);
bool range_set_overlaps(const struct range_set *set, struct range range);
/* First member that overlaps range, or NULL. */
const struct range *range_set_first_overlap(const struct range_set *set, struct range range);
uint64_t range_set_total(const struct range_set *set);

/*
 * The lowest multiple of align at or above min such that [start, start + size)
 * lies in one member and ends at or below max. False if there is none.
 * align is a power of two, size > 0.
 */
bool range_set_find_lowest(const struct range_set *set, uint64_t size, uint64_t align, phys_t min,
			   phys_t max, phys_t *ret_start);
/*
 * How many such starts there are, and the one that has so many before it, `index` less than that;
 * *ret_within is from the first to the end of the last.
 */
uint64_t range_set_places(const struct range_set *set, uint64_t size, uint64_t align, phys_t min,
			  phys_t max, struct range *ret_within);
phys_t range_set_place(const struct range_set *set, uint64_t size, uint64_t align, phys_t min,
		       phys_t max, uint64_t index);
/* The largest piece of a member within [min, max), whatever its alignment. */
bool range_set_largest(const struct range_set *set, phys_t min, phys_t max, struct range *ret);
void range_set_done(struct range_set *set);

#endif
