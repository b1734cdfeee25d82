/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/lib/picture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct piece_style styles[PIECE_KINDS] = {
	[PIECE_NOTHING] = { ' ', "nothing", NULL },
	[PIECE_LOADED] = { '#', "loaded", "loaded" },
	[PIECE_COPIED] = { '=', "copied", "copied by the purgatory" },
	[PIECE_FREE] = { '.', "free", "free" },
	[PIECE_PROTECTED] = { '!', "protected", "kept for its owner" },
	[PIECE_HANDED_ON] = { '+', "handed_on", "RAM of the capture kernel" },
	[PIECE_DUMPED] = { 'o', "dumped", "in the dump" },
	[PIECE_NOT_OURS] = { 'x', "not_ours", "not ours" },
};

const struct piece_style *piece_style(enum piece_kind kind)
{
	return &styles[kind];
}

/* Every address at which the picture may change. */
struct cuts {
	phys_t *at;
	size_t count, room;
};

static void cuts_done(struct cuts *cuts)
{
	free(cuts->at);
}

static int cut(struct cuts *cuts, struct range range, struct err *err)
{
	const phys_t at[] = { range.start, range.end };

	for (size_t i = 0; i < 2 && range_is_valid(range); i++) {
		if (array_grow(&cuts->at, &cuts->room, cuts->count, sizeof(*cuts->at), err))
			return -1;
		cuts->at[cuts->count++] = at[i];
	}
	return 0;
}

static int compare_cuts(const void *a, const void *b)
{
	phys_t x = *(const phys_t *)a, y = *(const phys_t *)b;

	return x < y ? -1 : x > y;
}

static int cut_all(const struct load *load, struct cuts *cuts, struct err *err)
{
	const struct plan *plan = &load->plan;

	for (size_t i = 0; i < plan->e820.count; i++)
		if (cut(cuts, plan->e820.entry[i].range, err))
			return -1;
	for (size_t i = 0; i < plan->usable.count; i++)
		if (cut(cuts, plan->usable.range[i], err))
			return -1;
	for (size_t i = 0; i < plan->dumped.count; i++)
		if (cut(cuts, plan->dumped.range[i], err))
			return -1;
	for (size_t i = 0; i < plan->nr_protected; i++)
		if (cut(cuts, plan->protected_range[i].range, err))
			return -1;
	for (unsigned int i = 0; i < plan->nr_items; i++)
		if (cut(cuts, plan->item[i].load, err) || cut(cuts, plan->item[i].run, err))
			return -1;
	if (cut(cuts, plan->footprint, err) || cut(cuts, plan->reservation, err))
		return -1;
	if (cuts->count)
		qsort(cuts->at, cuts->count, sizeof(*cuts->at), compare_cuts);
	return 0;
}

/* The e820 entry at an address, looked for from *from on. */
static const struct memmap_entry *entry_at(const struct memmap *e820, phys_t address, size_t *from)
{
	while (*from < e820->count && e820->entry[*from].range.end <= address)
		(*from)++;
	if (*from < e820->count && e820->entry[*from].range.start <= address)
		return &e820->entry[*from];
	return NULL;
}

static struct piece segment_in(const struct plan *plan, struct range range)
{
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[i];

		if (range_overlaps(item->load, range))
			return (struct piece){ .kind = PIECE_LOADED, .what = item->name };
		if (range_overlaps(item->run, range))
			return (struct piece){ .kind = PIECE_COPIED, .what = item->name };
	}
	return (struct piece){ .kind = PIECE_NOTHING };
}

static const char *protected_in(const struct plan *plan, struct range range)
{
	for (size_t i = 0; i < plan->nr_protected; i++)
		if (range_overlaps(plan->protected_range[i].range, range))
			return plan->protected_range[i].name;
	return NULL;
}

/* The range has no cut in it, so all of it is the same. */
static struct piece piece_in(const struct plan *plan, struct range range, size_t *e820_from)
{
	const struct memmap_entry *entry = entry_at(&plan->e820, range.start, e820_from);
	bool is_ram = entry && entry->type == E820_RAM;
	const char *owner = protected_in(plan, range);
	struct piece segment = segment_in(plan, range);

	if (segment.what)
		return segment;
	if (range_set_contains(&plan->dumped, range))
		return (struct piece){ .kind = PIECE_DUMPED, .what = "in the dump" };
	if (owner && is_ram)
		return (struct piece){ .kind = PIECE_PROTECTED, .what = owner };
	if (range_set_contains(&plan->usable, range))
		return (struct piece){ .kind = PIECE_FREE, .what = "free" };
	if (!entry)
		return (struct piece){ .kind = PIECE_NOTHING, .what = "no memory" };
	if (!is_ram)
		return (struct piece){ .kind = PIECE_NOT_OURS,
				       .what = memmap_type_name(entry->type) ?: "unknown type" };
	if (range_is_valid(plan->reservation))
		return (struct piece){ .kind = PIECE_HANDED_ON,
				       .what = "RAM of the capture kernel" };
	return (struct piece){ .kind = PIECE_NOT_OURS, .what = "RAM in use or kept" };
}

static bool continues(const struct piece *before, const struct piece *piece)
{
	return before->kind == piece->kind && !strcmp(before->what, piece->what) &&
	       before->in_footprint == piece->in_footprint &&
	       before->in_reservation == piece->in_reservation;
}

int picture_make(const struct load *load, struct picture *ret, struct err *err)
{
	struct picture picture CLEANUP(picture_done) = { 0 };
	struct cuts cuts CLEANUP(cuts_done) = { 0 };
	const struct plan *plan = &load->plan;
	size_t from = 0;

	if (cut_all(load, &cuts, err))
		return -1;
	for (size_t i = 0; i + 1 < cuts.count; i++) {
		struct range range = { cuts.at[i], cuts.at[i + 1] };
		struct piece piece;

		if (range.start == range.end)
			continue;
		piece = piece_in(plan, range, &from);
		piece.range = range;
		piece.in_footprint = range_overlaps(plan->footprint, range);
		piece.in_reservation = range_overlaps(plan->reservation, range);
		if (picture.count && continues(&picture.piece[picture.count - 1], &piece)) {
			picture.piece[picture.count - 1].range.end = range.end;
			continue;
		}
		if (array_grow(&picture.piece, &picture.room, picture.count, sizeof(piece), err))
			return -1;
		picture.piece[picture.count++] = piece;
	}
	*ret = picture;
	picture = (struct picture){ 0 };
	return 0;
}

void picture_done(struct picture *picture)
{
	free(picture->piece);
	*picture = (struct picture){ 0 };
}

int picture_columns(struct range range)
{
	uint64_t pages = range_size(range) / PAGE_SIZE_4K;
	int columns = 1;

	for (; pages >= 4 && columns < 20; pages /= 4)
		columns++;
	return columns;
}

struct picture_size picture_size(uint64_t size)
{
	static const char unit[] = "BKMGTP";
	struct picture_size ret;
	size_t i = 0;

	for (; size >= 10240 && i < sizeof(unit) - 2; i++)
		size /= 1024;
	snprintf(ret.text, sizeof(ret.text), "%" PRIu64 " %c%s", size, unit[i], i ? "iB" : "");
	return ret;
}
