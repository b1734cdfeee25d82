/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/efistub.h"

#include <stdio.h>
#include <stdlib.h>

enum { MIN_KERNEL_ALIGN = 0x200000 }; /* arch/x86/include/asm/boot.h */

/* MAXMEM_X86_64_4LEVEL, drivers/firmware/efi/libstub/x86-stub.c of Linux 5.7 */
static const phys_t HIGHEST_END = UINT64_C(1) << 46;

/* --- the map as the stub sees it ----------------------------------------- */

/* Conventional memory of one descriptor, or a part of it. */
struct free_entry {
	struct range range;
	uint64_t attribute;
	size_t desc;
};

struct view {
	const struct efi_map *map;
	const struct efistub_start *start;
	size_t own_copy;
	struct range loaded;	  /* the image, where the firmware put it; can be empty */
	struct free_entry *entry; /* in the firmware's order */
	size_t count, room;
	struct range_set free;	    /* what can be allocated */
	struct range_set described; /* by any descriptor */
};

static void view_done(struct view *view)
{
	free(view->entry);
	range_set_done(&view->free);
	range_set_done(&view->described);
}

static uint64_t decompressed_size(const struct efistub_start *start)
{
	uint64_t size = start->decompressed_size ?: start->footprint.init_size;

	return num_align_up(size, MIN_KERNEL_ALIGN, &size) ? size : UINT64_MAX;
}

static size_t find_own_copy(const struct efi_map *map, const struct efistub_start *start)
{
	struct range whole =
		range_grow_to((struct range){ 0, start->footprint.init_size }, PAGE_SIZE_4K);

	for (size_t i = 0; i < map->count; i++) {
		const struct efi_desc *desc = &map->desc[i];
		struct range range;

		if (desc->type != EFI_LOADER_CODE && desc->type != EFI_LOADER_DATA)
			continue;
		if (!efi_desc_range(desc, &range) || range.start % start->footprint.alignment)
			continue;
		if (range_size(range) == range_size(whole) ||
		    range_size(range) == decompressed_size(start))
			return i;
	}
	return EFISTUB_NONE;
}

static bool is_free(const struct view *view, size_t index)
{
	const struct efi_type *type = efi_type(view->map->desc[index].type);

	return (type && type->can_be_allocated) || index == view->own_copy;
}

static int add_entry(struct view *view, struct free_entry entry, struct err *err)
{
	if (array_grow(&view->entry, &view->room, view->count, sizeof(*view->entry), err))
		return -1;
	view->entry[view->count++] = entry;
	return 0;
}

/* The last entry ends with the descriptor before this one, and one of both is the own copy. */
static bool joins(const struct view *view, size_t index, struct range range)
{
	const struct efi_desc *desc = view->map->desc;
	const struct free_entry *last;
	struct range before;

	if (!view->count || (index != view->own_copy && index - 1 != view->own_copy))
		return false;
	last = &view->entry[view->count - 1];
	return is_free(view, index - 1) && efi_desc_range(&desc[index - 1], &before) &&
	       before.end == last->range.end && before.end == range.start &&
	       last->attribute == desc[index].attribute;
}

/* The image's own memory is carved out of the entries. */
static int carve(struct view *view, struct err *err)
{
	struct free_entry *whole = view->entry;
	size_t count = view->count;

	view->entry = NULL;
	view->count = view->room = 0;
	for (size_t i = 0; i < count; i++) {
		struct range_set parts CLEANUP(range_set_done) = { 0 };

		if (range_set_add(&parts, whole[i].range, err) ||
		    range_set_subtract(&parts, view->loaded, err))
			goto failed;
		for (size_t j = 0; j < parts.count; j++)
			if (add_entry(view,
				      (struct free_entry){ parts.range[j], whole[i].attribute,
							   whole[i].desc },
				      err))
				goto failed;
	}
	free(whole);
	return 0;
failed:
	free(whole);
	return -1;
}

static int fill_view(struct view *view, struct err *err)
{
	const struct efi_map *map = view->map;
	struct range_set used CLEANUP(range_set_done) = { 0 };

	for (size_t i = 0; i < map->count; i++) {
		struct range range;

		if (!efi_desc_range(&map->desc[i], &range))
			continue;
		if (range_set_add(&view->described, range, err) ||
		    range_set_add(is_free(view, i) ? &view->free : &used, range, err))
			return -1;
		if (!is_free(view, i))
			continue;
		if (joins(view, i, range))
			view->entry[view->count - 1].range.end = range.end;
		else if (add_entry(view, (struct free_entry){ range, map->desc[i].attribute, i },
				   err))
			return -1;
	}
	if (range_set_subtract_all(&view->free, &used, err))
		return -1;
	if (!range_is_valid(view->loaded))
		return 0;
	return range_set_subtract(&view->free, view->loaded, err) ? -1 : carve(view, err);
}

/* --- where the stub puts the image --------------------------------------- */

static int add_candidate(struct efistub_outcome *outcome, struct efistub_candidate candidate,
			 struct err *err)
{
	if (array_grow(&outcome->candidate, &outcome->room, outcome->nr_candidates,
		       sizeof(*outcome->candidate), err))
		return -1;
	outcome->candidate[outcome->nr_candidates++] = candidate;
	return 0;
}

static bool can_allocate(const struct view *view, phys_t start, uint64_t size)
{
	struct range range;

	return range_from_size(start, size, &range) &&
	       range_set_contains(&view->free, range_grow_to(range, PAGE_SIZE_4K));
}

/* Every candidate of a walk; the outcome's image is not touched. */
static int walk(const struct view *view, phys_t floor, uint64_t left_out,
		struct efistub_outcome *outcome, struct err *err)
{
	const struct footprint_of *of = &view->start->footprint;

	for (size_t i = 0; i < view->count; i++) {
		const struct free_entry *entry = &view->entry[i];
		phys_t at = entry->range.start > floor ? entry->range.start : floor;
		struct range range;

		/* A candidate is never 0: code takes that for none. */
		if (!num_align_up(at ?: 1, of->alignment, &at) ||
		    !range_from_size(at, of->init_size, &range) ||
		    !range_contains(entry->range, range_grow_to(range, PAGE_SIZE_4K)) ||
		    entry->attribute & left_out)
			continue;
		if (add_candidate(
			    outcome,
			    (struct efistub_candidate){ entry->desc, at, 1,
							can_allocate(view, at, of->init_size) },
			    err))
			return -1;
	}
	return 0;
}

/* efi_relocate_kernel(): at pref_address, else the first candidate. */
static void relocate(const struct view *view, struct efistub_outcome *outcome)
{
	const struct footprint_of *of = &view->start->footprint;

	outcome->moves = true;
	outcome->image = of->pref_address;
	if (can_allocate(view, of->pref_address, of->init_size))
		return;
	outcome->verdict = EFISTUB_NO_PLACE;
	for (size_t i = 0; i < outcome->nr_candidates; i++) {
		if (!outcome->candidate[i].is_free)
			continue;
		outcome->verdict = EFISTUB_SAFE;
		outcome->image = outcome->candidate[i].address;
		outcome->desc = outcome->candidate[i].desc;
		break;
	}
}

/* efi_random_alloc(): its candidates among entries that have all of an attribute. */
static int add_slots(const struct view *view, uint64_t wanted, struct efistub_outcome *outcome,
		     struct err *err)
{
	const struct footprint_of *of = &view->start->footprint;
	const uint64_t size = decompressed_size(view->start);

	for (size_t i = 0; i < view->count; i++) {
		const struct free_entry *entry = &view->entry[i];
		phys_t at = entry->range.start > of->pref_address ? entry->range.start
								  : of->pref_address;
		struct efistub_candidate candidate = { .desc = entry->desc };

		if (entry->attribute & (EFI_MEMORY_SP | EFI_MEMORY_HOT_PLUGGABLE) ||
		    (entry->attribute & wanted) != wanted ||
		    !num_align_up(at, of->alignment, &at) || range_size(entry->range) < size ||
		    at > entry->range.end - size)
			continue;
		candidate.address = at;
		candidate.slots = (entry->range.end - size - at) / of->alignment + 1;
		candidate.is_free = can_allocate(view, at, size);
		outcome->slots += candidate.slots;
		if (add_candidate(outcome, candidate, err))
			return -1;
	}
	return 0;
}

/* efi_decompress_kernel(): tries one place, here the first, where nokaslr puts it. */
static int decompress_to(const struct view *view, struct efistub_outcome *outcome, struct err *err)
{
	const struct efistub_candidate *first;

	outcome->moves = true;
	if (add_slots(view, EFI_MEMORY_MORE_RELIABLE, outcome, err) ||
	    (!outcome->nr_candidates && add_slots(view, 0, outcome, err)))
		return -1;
	first = outcome->candidate;
	if (!outcome->nr_candidates || !first->is_free) {
		outcome->verdict = EFISTUB_NO_PLACE;
		return 0;
	}
	outcome->image = first->address;
	outcome->desc = first->desc;
	outcome->output =
		(struct range){ first->address, first->address + decompressed_size(view->start) };
	return 0;
}

/* --- what the kernel then writes over ------------------------------------ */

/* The firmware's allocation for an image that stays there. */
static bool is_loaders(const struct view *view, size_t index)
{
	const struct efi_desc *desc = &view->map->desc[index];
	phys_t load = view->start->load;
	struct range range;

	return (desc->type == EFI_LOADER_CODE || desc->type == EFI_LOADER_DATA) &&
	       efi_desc_range(desc, &range) && range.start <= load && load < range.end;
}

static int add_conflict(struct efistub_outcome *outcome, size_t desc, struct err *err)
{
	if (array_grow(&outcome->conflict, &outcome->conflicts_room, outcome->nr_conflicts,
		       sizeof(*outcome->conflict), err))
		return -1;
	outcome->conflict[outcome->nr_conflicts++] = desc;
	return 0;
}

/* head_64.S at outcome->image: its footprint, and whose memory that is. */
static int enter(const struct view *view, struct efistub_outcome *outcome, struct err *err)
{
	const struct efi_map *map = view->map;
	struct range_set touched CLEANUP(range_set_done) = { 0 };
	struct range_set nowhere CLEANUP(range_set_done) = { 0 };
	struct range wrapper, own = view->loaded;

	if (!footprint(&view->start->footprint, outcome->image, &wrapper, &outcome->output))
		return err_set(err, ERR_INPUT,
			       "a kernel at 0x%llx, of init_size 0x%llx, does not lie in physical "
			       "memory",
			       PHYS(outcome->image),
			       (unsigned long long)view->start->footprint.init_size);
	if (outcome->moves)
		own = (struct range){ outcome->image,
				      outcome->image + view->start->footprint.init_size };
	if (range_set_add(&touched, wrapper, err) ||
	    range_set_add(&touched, outcome->output, err) ||
	    range_set_subtract(&touched, range_grow_to(own, PAGE_SIZE_4K), err))
		return -1;
	for (size_t i = 0; i < map->count; i++) {
		struct range range;

		if (is_free(view, i) || (!outcome->moves && is_loaders(view, i)) ||
		    !efi_desc_range(&map->desc[i], &range) || !range_set_overlaps(&touched, range))
			continue;
		if (add_conflict(outcome, i, err))
			return -1;
	}
	if (range_set_copy(&touched, &nowhere, err) ||
	    range_set_subtract_all(&nowhere, &view->described, err))
		return -1;
	if (nowhere.count)
		outcome->undescribed = nowhere.range[0];
	if (outcome->nr_conflicts || nowhere.count)
		outcome->verdict = EFISTUB_HAZARD;
	return 0;
}

/* --- the eras ------------------------------------------------------------ */

/* Whether the stub of an era leaves the image where it was loaded, and from where it is entered. */
static bool stays(const struct efistub_start *start, enum efistub_era era, phys_t *ret_image)
{
	const struct footprint_of *of = &start->footprint;
	phys_t base = start->load > start->setup_size ? start->load - start->setup_size : 0;
	phys_t output, end;

	if (!start->has_load)
		return false;
	if (era != EFISTUB_IN_PLACE) {
		*ret_image = start->load;
		return start->load == of->pref_address;
	}
	*ret_image = base;
	return !start->handover && num_align_up(base, of->alignment, &output) &&
	       output >= of->pref_address && num_add(output, of->init_size, &end) &&
	       end <= HIGHEST_END;
}

static int run_era(const struct view *view, enum efistub_era era, struct efistub_outcome *ret,
		   struct err *err)
{
	const struct efistub_start *start = view->start;
	phys_t floor = era == EFISTUB_NO_FLOOR ? 0 : start->footprint.pref_address;

	ret->desc = EFISTUB_NONE;
	if (start->partial) {
		ret->verdict = EFISTUB_UNKNOWN;
		return 0;
	}
	if (era == EFISTUB_DECOMPRESSES)
		return decompress_to(view, ret, err);
	if (walk(view, floor, era == EFISTUB_IN_PLACE ? EFI_MEMORY_SP : 0, ret, err))
		return -1;
	if (!stays(start, era, &ret->image))
		relocate(view, ret);
	return ret->verdict == EFISTUB_NO_PLACE ? 0 : enter(view, ret, err);
}

static enum efistub_answer answer(bool yes)
{
	return yes ? EFISTUB_YES : EFISTUB_NO;
}

static void answer_conditions(const struct view *view, struct efistub_audit *audit)
{
	const struct efistub_start *start = view->start;
	const struct efistub_outcome *first = &audit->era[EFISTUB_NO_FLOOR];
	const struct footprint_of *of = &start->footprint;

	audit->not_at_preferred =
		start->has_load ? answer(start->load != of->pref_address) : EFISTUB_NOT_KNOWN;
	if (start->partial) {
		struct range wanted = { of->pref_address, of->pref_address + of->init_size };

		audit->preferred_occupied = range_set_overlaps(&view->described, wanted)
						    ? EFISTUB_YES
						    : EFISTUB_NOT_KNOWN;
		audit->room_below = EFISTUB_NOT_KNOWN;
		return;
	}
	audit->preferred_occupied = answer(!can_allocate(view, of->pref_address, of->init_size));
	audit->room_below = EFISTUB_NO;
	for (size_t i = 0; i < first->nr_candidates; i++)
		if (first->candidate[i].is_free && first->candidate[i].address < of->pref_address)
			audit->room_below = EFISTUB_YES;
}

int efistub_audit(const struct efi_map *map, const struct efistub_start *start,
		  struct efistub_audit *ret, struct err *err)
{
	struct efistub_audit audit CLEANUP(efistub_audit_done) = { 0 };
	struct view view CLEANUP(view_done) = { .map = map, .start = start };
	uint64_t end;

	audit.own_copy = view.own_copy = find_own_copy(map, start);
	if (start->has_load) {
		view.loaded.start =
			start->load > start->setup_size ? start->load - start->setup_size : 0;
		if (!num_add(start->load, start->footprint.wrapper_size, &end) || end > PHYS_LIMIT)
			return err_set(err, ERR_INPUT,
				       "a kernel loaded at 0x%llx does not lie in physical memory",
				       PHYS(start->load));
		view.loaded = range_grow_to((struct range){ view.loaded.start, end }, PAGE_SIZE_4K);
	}
	if (fill_view(&view, err))
		return -1;
	for (enum efistub_era era = 0; era < EFISTUB_ERAS; era++)
		if (run_era(&view, era, &audit.era[era], err))
			return -1;
	answer_conditions(&view, &audit);
	*ret = audit;
	audit = (struct efistub_audit){ 0 };
	return 0;
}

void efistub_audit_done(struct efistub_audit *audit)
{
	for (size_t i = 0; i < EFISTUB_ERAS; i++) {
		free(audit->era[i].candidate);
		free(audit->era[i].conflict);
	}
	*audit = (struct efistub_audit){ 0 };
}

/* --- which era an image is of -------------------------------------------- */

enum { ALL_ERAS = (1 << EFISTUB_ERAS) - 1, PROTOCOL_2_15 = 0x20f };

static unsigned int eras_of_header(const struct bzimage *image)
{
	uint64_t init_size = image->footprint.init_size, size = image->pe_image_size;

	if (size == init_size)
		return 1 << EFISTUB_NO_FLOOR | 1 << EFISTUB_FLOOR;
	if (size == init_size + image->footprint.alignment)
		return 1 << EFISTUB_IN_PLACE | 1 << EFISTUB_DECOMPRESSES;
	if (size < init_size)
		return image->protocol >= PROTOCOL_2_15
			       ? 1 << EFISTUB_DECOMPRESSES
			       : 1 << EFISTUB_NO_FLOOR | 1 << EFISTUB_FLOOR;
	return ALL_ERAS;
}

static unsigned int eras_of_version(const char *version)
{
	unsigned int major, minor;

	if (sscanf(version, "%3u.%3u", &major, &minor) != 2)
		return ALL_ERAS;
	if (major < 5 || (major == 5 && minor < 4))
		return 1 << EFISTUB_NO_FLOOR | 1 << EFISTUB_FLOOR;
	if (major == 5 && minor < 7)
		return 1 << EFISTUB_FLOOR;
	if (major == 5 || (major == 6 && minor < 6))
		return 1 << EFISTUB_IN_PLACE;
	return 1 << EFISTUB_DECOMPRESSES;
}

unsigned int efistub_eras(const struct bzimage *image)
{
	unsigned int by_header = eras_of_header(image);

	return by_header & eras_of_version(image->version) ?: by_header;
}
