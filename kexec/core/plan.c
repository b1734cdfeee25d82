/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/text.h"

/* include/linux/kexec.h: the system call takes no more */
enum { SEGMENTS_MAX = 16, FIRST_MIB = 0x100000 };

void plan_init(struct plan *plan, struct warnings *warnings)
{
	*plan = (struct plan){
		.stage = PLAN_SHAPED,
		.kernel = PLAN_NO_ITEM,
		.initrd = PLAN_NO_ITEM,
		.params = PLAN_NO_ITEM,
		.purgatory = PLAN_NO_ITEM,
		.elfcorehdr = PLAN_NO_ITEM,
		.backup = PLAN_NO_ITEM,
		.warnings = warnings,
	};
}

void plan_done(struct plan *plan)
{
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		struct buf *own = &plan->item[i].own;

		if (own->data)
			bytes_wipe(own->data, own->size);
		buf_done(own);
	}
	range_set_done(&plan->usable);
	range_set_done(&plan->dumped);
	free(plan->protected_range);
	memmap_done(&plan->e820);
	free(plan->cmdline);
	for (size_t i = 0; i < plan->nr_reasons; i++)
		free(plan->reason[i]);
	free(plan->reason);
}

static int require_stage(const struct plan *plan, enum plan_stage stage, struct err *err)
{
	static const char *const name[] = { "shaped", "placed", "filled", "sealed" };

	if (plan->stage == stage)
		return 0;
	return err_set(err, ERR_INTERNAL, "the plan is %s, not %s", name[plan->stage], name[stage]);
}

int plan_add_item(struct plan *plan, const struct plan_item *item, unsigned int *ret_index,
		  struct err *err)
{
	if (require_stage(plan, PLAN_SHAPED, err))
		return -1;
	if (plan->nr_items == PLAN_ITEMS_MAX)
		return err_set(err, ERR_INPUT, "more than %d segments", PLAN_ITEMS_MAX);
	plan->item[plan->nr_items] = *item;
	*ret_index = plan->nr_items++;
	return 0;
}

int plan_reason(struct plan *plan, struct err *err, const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	if (array_grow(&plan->reason, &plan->reasons_room, plan->nr_reasons, sizeof(*plan->reason),
		       err))
		return -1;
	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return err_no_memory(err);
	text_make_harmless(text);
	plan->reason[plan->nr_reasons++] = text;
	return 0;
}

/* What an item asks of a hole; a staged one asks twice. */
struct want {
	const char *name;
	uint64_t size, align;
	phys_t min, max;
	const char *min_is;
	bool fixed, drawn;
	uint64_t draw;
};

struct namer {
	const char *(*what_is_in)(const void *context, struct range *range);
	const void *context;
};

/* What lies at the start of a range that is not free: a segment of this plan, or the machine's.
 * *range is cut where that ends. */
static const char *what_is_in(const struct plan *plan, const struct namer *namer,
			      struct range *range)
{
	const char *name = NULL;

	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[i];
		const struct range room = { item->run.start, item->run.start + item->room };
		const struct range own[] = { item->load, item->run,
					     range_is_valid(item->run) ? room : item->run };

		for (size_t j = 0; j < sizeof(own) / sizeof(own[0]); j++) {
			*range = range_first_part(*range, own[j]);
			if (!name && range_overlaps(*range, own[j]))
				name = j < 2 ? item->name : "the kernel's footprint";
		}
	}
	return name ?: namer->what_is_in(namer->context, range);
}

static const char *what_is_at(const struct plan *plan, const struct namer *namer, phys_t address)
{
	struct range byte = { address, address + 1 };

	return what_is_in(plan, namer, &byte);
}

static int refuse(const struct plan *plan, const struct range_set *free_ranges,
		  const struct want *want, const struct namer *namer, struct err *err)
{
	struct range hole;
	phys_t aligned;

	if (want->fixed)
		err_set(err, ERR_NO_FIT,
			"%s: no place for 0x%llx bytes (%llu KiB), which must start at exactly " PHYS_FMT,
			want->name, (unsigned long long)want->size,
			(unsigned long long)want->size / 1024, PHYS(want->min));
	else
		err_set(err, ERR_NO_FIT,
			"%s: no place for 0x%llx bytes (%llu KiB) aligned to 0x%llx at or above " PHYS_FMT,
			want->name, (unsigned long long)want->size,
			(unsigned long long)want->size / 1024, (unsigned long long)want->align,
			PHYS(want->min));
	if (want->max < PHYS_LIMIT)
		err_append(err, " and ending at or below " PHYS_FMT, PHYS(want->max));
	if (!range_set_largest(free_ranges, want->min, want->max, &hole))
		return err_append(err, "; nothing is free there");
	err_append(err, "; the largest hole there is " PHYS_FMT "-" PHYS_FMT " (%llu KiB",
		   PHYS(hole.start), PHYS(hole.end), (unsigned long long)range_size(hole) / 1024);
	if (!want->fixed && range_size(hole) >= want->size &&
	    num_align_up(hole.start, want->align, &aligned) && aligned < hole.end)
		err_append(err, ", %llu KiB from the first aligned address on",
			   (unsigned long long)(hole.end - aligned) / 1024);
	err_append(err, ")");
	if (hole.end < want->max)
		err_append(err, ", ended by %s", what_is_at(plan, namer, hole.end));
	else
		err_append(err, ", ended by the limit asked for");
	if (hole.start > want->min)
		err_append(err, ", begun after %s", what_is_at(plan, namer, hole.start - 1));
	return -1;
}

/* The ranges that one choice passed over. */
struct rejected {
	const struct want *want;
	const struct namer *namer;
	size_t shown, left_out;
	phys_t end; /* of the last one that is left out */
};

/* Whether there is room for one more sentence; if not, the range is counted. */
static bool is_shown(struct rejected *rejected, struct range range)
{
	if (rejected->shown < PLAN_REJECTED_SHOWN) {
		rejected->shown++;
		return true;
	}
	rejected->left_out++;
	rejected->end = range.end;
	return false;
}

static int reject(struct plan *plan, const struct want *want, struct range range, const char *why,
		  struct err *err)
{
	return plan_reason(plan, err, "%s not in " PHYS_FMT "-" PHYS_FMT " (%llu KiB): %s",
			   want->name, PHYS(range.start), PHYS(range.end),
			   (unsigned long long)(range_size(range) + 1023) / 1024, why);
}

/* What is not free, owner by owner. */
static int reject_used(struct plan *plan, struct rejected *rejected, struct range range,
		       struct err *err)
{
	while (range.start < range.end) {
		struct range part = range;
		const char *name;

		if (!is_shown(rejected, range))
			return 0;
		name = what_is_in(plan, rejected->namer, &part);
		if (reject(plan, rejected->want, part, name, err))
			return -1;
		range.start = part.end;
	}
	return 0;
}

/* What is free at or above the lowest start, and does not hold it. */
static int reject_free(struct plan *plan, struct rejected *rejected, struct range range,
		       struct err *err)
{
	const struct want *want = rejected->want;
	char why[160];
	phys_t aligned;

	if (!is_shown(rejected, range))
		return 0;
	if (!num_align_up(range.start, want->align, &aligned) || aligned >= range.end)
		snprintf(why, sizeof(why), "free, with no address aligned to 0x%llx",
			 (unsigned long long)want->align);
	else
		snprintf(why, sizeof(why), "free, %llu KiB too small%s",
			 (unsigned long long)(want->size - (range.end - aligned) + 1023) / 1024,
			 aligned > range.start ? " from its first aligned address on" : "");
	return reject(plan, want, range, why, err);
}

static int reject_low(struct plan *plan, struct rejected *rejected, struct range range,
		      struct err *err)
{
	const struct want *want = rejected->want;
	char why[160];

	if (!range_is_valid(range) || !is_shown(rejected, range))
		return 0;
	snprintf(why, sizeof(why), "free, but below " PHYS_FMT ", %s", PHYS(want->min),
		 want->min_is);
	return reject(plan, want, range, why, err);
}

/* Every range from the lowest start up to the chosen one, and what is free below. */
static int explain_rejected(struct plan *plan, const struct range_set *free_ranges,
			    struct rejected *rejected, struct range chosen, struct err *err)
{
	const struct want *want = rejected->want;
	const struct range low = { 0, want->min }, high = { want->min, PHYS_LIMIT };
	phys_t at = want->min;

	for (size_t i = 0; i < free_ranges->count; i++) {
		struct range hole = free_ranges->range[i], usable = range_common(hole, high);

		if (reject_low(plan, rejected, range_common(hole, low), err))
			return -1;
		if (usable.start >= usable.end)
			continue;
		if (reject_used(plan, rejected, (struct range){ at, usable.start }, err))
			return -1;
		if (range_contains(usable, chosen)) {
			usable.end = chosen.start;
			return usable.start < usable.end ? reject_free(plan, rejected, usable, err)
							 : 0;
		}
		if (reject_free(plan, rejected, usable, err))
			return -1;
		at = usable.end;
	}
	return 0;
}

static int explain(struct plan *plan, const struct range_set *free_ranges, const struct want *want,
		   const struct namer *namer, struct range chosen, struct err *err)
{
	struct rejected rejected = { .want = want, .namer = namer };

	if (want->fixed)
		return plan_reason(plan, err,
				   "%s at " PHYS_FMT ": its only place for 0x%llx bytes, %s",
				   want->name, PHYS(chosen.start), (unsigned long long)want->size,
				   want->min_is);
	if (plan_reason(plan, err,
			"%s at " PHYS_FMT ": the lowest place at or above " PHYS_FMT
			", %s, for 0x%llx bytes aligned to 0x%llx",
			want->name, PHYS(chosen.start), PHYS(want->min), want->min_is,
			(unsigned long long)want->size, (unsigned long long)want->align) ||
	    explain_rejected(plan, free_ranges, &rejected, chosen, err))
		return -1;
	if (!rejected.left_out)
		return 0;
	return plan_reason(plan, err,
			   "%s not in %zu more ranges up to " PHYS_FMT
			   ", which are too low, too small or in use, and not listed",
			   want->name, rejected.left_out, PHYS(rejected.end));
}

/* An address of which nobody outside shall know more than what it was drawn from. */
static int draw(struct plan *plan, const struct range_set *free_ranges, const struct want *want,
		const struct namer *namer, phys_t *ret, struct err *err)
{
	uint64_t places = range_set_places(free_ranges, want->size, want->align, want->min,
					   want->max, &plan->drawn_from);

	if (!places)
		return refuse(plan, free_ranges, want, namer, err);
	*ret = range_set_place(free_ranges, want->size, want->align, want->min, want->max,
			       want->draw % places);
	return plan_reason(plan, err,
			   "%s at " PHYS_FMT ": one of %llu places for 0x%llx bytes "
			   "aligned to 0x%llx in " PHYS_FMT "-" PHYS_FMT ", at random",
			   want->name, PHYS(*ret), (unsigned long long)places,
			   (unsigned long long)want->size, (unsigned long long)want->align,
			   PHYS(plan->drawn_from.start), PHYS(plan->drawn_from.end));
}

static int place_one(struct plan *plan, struct range_set *free_ranges, const struct want *want,
		     const struct namer *namer, struct range *ret, struct err *err)
{
	struct range chosen;
	phys_t start;

	if (want->fixed) {
		if (!range_from_size(want->min, want->size, &chosen) ||
		    !range_set_contains(free_ranges, chosen) || chosen.end > want->max)
			return refuse(plan, free_ranges, want, namer, err);
	} else if (want->drawn) {
		if (draw(plan, free_ranges, want, namer, &start, err))
			return -1;
		chosen = (struct range){ start, start + want->size };
	} else {
		if (!range_set_find_lowest(free_ranges, want->size, want->align, want->min,
					   want->max, &start))
			return refuse(plan, free_ranges, want, namer, err);
		chosen = (struct range){ start, start + want->size };
	}
	if ((!want->drawn && explain(plan, free_ranges, want, namer, chosen, err)) ||
	    range_set_subtract(free_ranges, chosen, err))
		return -1;
	*ret = chosen;
	return 0;
}

static void grant_wish(const struct range_set *free_ranges, const struct plan_item *item,
		       struct want *want)
{
	phys_t ignored;

	if (item->wish <= item->min || !range_set_find_lowest(free_ranges, want->size, want->align,
							      item->wish, item->max, &ignored))
		return;
	want->min = item->wish;
	want->min_is = item->wish_is;
}

static int place_in_room(struct plan *plan, struct plan_item *item, struct err *err)
{
	phys_t start = plan->item[plan->kernel].run.start + item->in_room;

	item->run = (struct range){ start, start + item->mem_size };
	item->load = item->run;
	return plan_reason(plan, err,
			   "%s at " PHYS_FMT
			   ": in the kernel's footprint, which nobody uses before it runs",
			   item->name, PHYS(start));
}

int plan_place(struct plan *plan,
	       const char *(*name_range)(const void *context, struct range *range),
	       const void *context, struct err *err)
{
	const struct namer namer = { name_range, context };
	struct range_set free_ranges CLEANUP(range_set_done) = { 0 };

	if (require_stage(plan, PLAN_SHAPED, err) ||
	    range_set_copy(&plan->usable, &free_ranges, err))
		return -1;
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		struct plan_item *item = &plan->item[i];
		struct want want = {
			.name = item->name,
			.size = item->room ?: item->mem_size,
			.align = item->align,
			.min = item->min,
			.max = item->max,
			.min_is = item->min_is,
			.fixed = item->fixed,
			.drawn = item->drawn,
			.draw = item->draw,
		};

		if (item->in_room) {
			if (place_in_room(plan, item, err))
				return -1;
			continue;
		}
		grant_wish(&free_ranges, item, &want);
		if (place_one(plan, &free_ranges, &want, &namer, &item->run, err))
			return -1;
		item->run.end = item->run.start + item->mem_size;
		item->load = item->run;
		if (!item->staged)
			continue;
		want.align = PAGE_SIZE_4K;
		want.fixed = want.drawn = false;
		want.min = item->min;
		want.min_is = item->min_is;
		grant_wish(&free_ranges, item, &want);
		if (place_one(plan, &free_ranges, &want, &namer, &item->load, err))
			return err_prefix(err, "staging");
	}
	plan->stage = PLAN_PLACED;
	return 0;
}

static phys_t link_value(const struct plan *plan, const struct plan_link *link)
{
	return plan->item[link->target].run.start + link->target_offset;
}

int plan_write_link(struct plan *plan, const struct plan_link *link, struct err *err)
{
	struct buf *own = &plan->item[link->item].own;
	phys_t value = link_value(plan, link);

	if (require_stage(plan, PLAN_PLACED, err))
		return -1;
	if (plan->nr_links == PLAN_LINKS_MAX)
		return err_set(err, ERR_INTERNAL, "more than %d links", PLAN_LINKS_MAX);
	if (link->low_at + 4 > own->size ||
	    (link->high_at != PLAN_LINK_LOW && link->high_at + 4 > own->size))
		return err_set(err, ERR_INTERNAL, "%s: a link at 0x%llx lies past its 0x%zx bytes",
			       plan->item[link->item].name, (unsigned long long)link->low_at,
			       own->size);
	put_u32(own->data + link->low_at, (uint32_t)value);
	if (link->high_at != PLAN_LINK_LOW)
		put_u32(own->data + link->high_at, (uint32_t)(value >> 32));
	plan->link[plan->nr_links++] = *link;
	return 0;
}

int plan_filled(struct plan *plan, struct err *err)
{
	if (require_stage(plan, PLAN_PLACED, err))
		return -1;
	plan->stage = PLAN_FILLED;
	return 0;
}

void plan_sorted(const struct plan *plan, unsigned int ret_order[PLAN_ITEMS_MAX])
{
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		unsigned int at = i;

		for (; at && plan->item[ret_order[at - 1]].load.start > plan->item[i].load.start;
		     at--)
			ret_order[at] = ret_order[at - 1];
		ret_order[at] = i;
	}
}

static int check_item(const struct plan *plan, const struct plan_item *item, struct err *err)
{
	if (item->load.start % PAGE_SIZE_4K || item->load.end % PAGE_SIZE_4K ||
	    item->run.start % PAGE_SIZE_4K)
		return err_set(err, ERR_INTERNAL, "%s: not page-aligned", item->name);
	if (range_size(item->load) != item->mem_size || range_size(item->run) != item->mem_size)
		return err_set(err, ERR_INTERNAL, "%s: its place is not its size", item->name);
	if (item->file.size > item->mem_size)
		return err_set(err, ERR_INTERNAL, "%s: 0x%zx bytes of file in 0x%llx of memory",
			       item->name, item->file.size, (unsigned long long)item->mem_size);
	if (!range_set_contains(&plan->usable, item->load) ||
	    !range_set_contains(&plan->usable, item->run))
		return err_set(err, ERR_INTERNAL,
			       "%s: " PHYS_FMT "-" PHYS_FMT " is not usable memory", item->name,
			       PHYS(item->load.start), PHYS(item->load.end));
	if (!item->staged && item->load.start != item->run.start)
		return err_set(err, ERR_INTERNAL, "%s: moved though not staged", item->name);
	return 0;
}

static int check_disjoint(const struct plan *plan, struct err *err)
{
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *a = &plan->item[i];

		if (a->staged && range_overlaps(a->load, a->run))
			return err_set(err, ERR_INTERNAL, "%s: staged over itself", a->name);
		for (unsigned int j = 0; j < i; j++) {
			const struct plan_item *b = &plan->item[j];

			if (range_overlaps(a->load, b->load) || range_overlaps(a->run, b->run) ||
			    range_overlaps(a->load, b->run) || range_overlaps(a->run, b->load))
				return err_set(err, ERR_INTERNAL, "%s and %s overlap", a->name,
					       b->name);
		}
	}
	return 0;
}

/* Segments cover all of the kernel's room, so that the running kernel puts no page of its own
 * there, and what lies there is of no use to the new one. */
static int check_room(const struct plan *plan, struct range room, struct err *err)
{
	uint64_t covered = 0;

	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[i];

		if (!range_overlaps(room, item->run) && !range_overlaps(room, item->load))
			continue;
		if (!range_contains(room, item->run) ||
		    (i != plan->kernel && (!item->unverified || i == plan->purgatory ||
					   i == plan->elfcorehdr || i == plan->backup)))
			return err_set(err, ERR_INTERNAL, "%s lies in the kernel's footprint",
				       item->name);
		covered += item->mem_size;
	}
	if (covered != range_size(room))
		return err_set(err, ERR_INTERNAL,
			       "0x%llx bytes of the kernel's footprint are in no segment",
			       (unsigned long long)(range_size(room) - covered));
	return 0;
}

static int check_footprint(const struct plan *plan, struct err *err)
{
	const struct plan_item *kernel = &plan->item[plan->kernel];
	const struct plan_item *entered = plan->real_mode ? &plan->item[plan->params] : kernel;
	struct range room = { kernel->run.start,
			      kernel->run.start + (kernel->room ?: kernel->mem_size) };

	if (!range_is_valid(plan->footprint) || plan->footprint.start < plan->floor)
		return err_set(err, ERR_INTERNAL,
			       "the kernel's footprint " PHYS_FMT "-" PHYS_FMT
			       " reaches below its floor " PHYS_FMT,
			       PHYS(plan->footprint.start), PHYS(plan->footprint.end),
			       PHYS(plan->floor));
	if (!range_contains(room, plan->footprint))
		return err_set(err, ERR_INTERNAL,
			       "the kernel's footprint " PHYS_FMT "-" PHYS_FMT
			       " reaches past its own memory " PHYS_FMT "-" PHYS_FMT,
			       PHYS(plan->footprint.start), PHYS(plan->footprint.end),
			       PHYS(room.start), PHYS(room.end));
	if (plan->kernel_entry < entered->run.start ||
	    plan->kernel_entry >= entered->run.start + entered->file.size)
		return err_set(err, ERR_INTERNAL,
			       "the kernel's entry " PHYS_FMT " lies outside its bytes",
			       PHYS(plan->kernel_entry));
	return check_room(plan, room, err);
}

/* What the first MiB is for is known of one item: setup code, which runs there in real mode. */
static int check_first_mib(const struct plan *plan, struct err *err)
{
	const struct range first_mib = { 0, FIRST_MIB };

	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[i];
		bool belongs = plan->real_mode && i == plan->params;

		if (belongs ? !range_contains(first_mib, item->run)
			    : range_overlaps(first_mib, item->run) ||
				      range_overlaps(first_mib, item->load))
			return err_set(err, ERR_INTERNAL, "%s lies %s the first MiB", item->name,
				       belongs ? "outside" : "in");
	}
	return 0;
}

/* The purgatory leaves long mode where it runs, and the kernel's pointers have 32 bits. */
static int check_below_4g(const struct plan *plan, struct err *err)
{
	for (unsigned int i = 0; plan->below_4g && i < plan->nr_items; i++)
		if (plan->item[i].run.end > FOUR_GIB)
			return err_set(err, ERR_INTERNAL, "%s lies above 4 GiB",
				       plan->item[i].name);
	return 0;
}

static int check_links(const struct plan *plan, struct err *err)
{
	for (unsigned int i = 0; i < plan->nr_links; i++) {
		const struct plan_link *link = &plan->link[i];
		const struct bytes *from = &plan->item[link->item].file;
		const struct plan_item *target = &plan->item[link->target];
		struct cursor low = cursor_at(*from, link->low_at);
		struct cursor high = cursor_at(*from, link->high_at);
		phys_t value = cursor_u32(&low);
		struct range used;

		if (link->high_at != PLAN_LINK_LOW)
			value |= (phys_t)cursor_u32(&high) << 32;
		if (low.bad || (link->high_at != PLAN_LINK_LOW && high.bad) ||
		    value != link_value(plan, link) ||
		    !range_from_size(value, link->target_size, &used) ||
		    !range_contains(target->run, used))
			return err_set(err, ERR_INTERNAL,
				       "%s: the address at 0x%llx does not point into %s",
				       plan->item[link->item].name,
				       (unsigned long long)link->low_at, target->name);
	}
	return 0;
}

static int check_crash(const struct plan *plan, struct err *err)
{
	const unsigned int kept[] = { plan->elfcorehdr, plan->backup };
	struct range_set ram CLEANUP(range_set_done) = { 0 };
	uint64_t used = 0;

	if (!range_is_valid(plan->reservation))
		return 0;
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[i];

		used += item->mem_size;
		if (!range_contains(plan->reservation, item->load) || item->staged)
			return err_set(err, ERR_INTERNAL, "%s lies outside the reservation",
				       item->name);
		if (i != plan->elfcorehdr && item->file.size >= 4 &&
		    !memcmp(item->file.data, "\177ELF", 4))
			return err_set(err, ERR_INTERNAL,
				       "%s begins as an ELF file: the kernel would take it for the "
				       "ELF core header",
				       item->name);
	}
	if (used + plan->kernel_pages > range_size(plan->reservation))
		return err_set(err, ERR_INTERNAL,
			       "0x%llx bytes of the reservation are left to the kernel, not 0x%llx",
			       (unsigned long long)(range_size(plan->reservation) - used),
			       (unsigned long long)plan->kernel_pages);
	if (plan->elfcorehdr == PLAN_NO_ITEM)
		return err_set(err, ERR_INTERNAL, "a crash kernel without an ELF core header");
	if (memmap_select(&plan->e820, E820_RAM, &ram, err))
		return -1;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (kept[i] != PLAN_NO_ITEM && range_set_overlaps(&ram, plan->item[kept[i]].run))
			return err_set(err, ERR_INTERNAL, "%s is RAM for the new kernel",
				       plan->item[kept[i]].name);
	for (size_t i = 0; i < plan->dumped.count; i++)
		if (range_set_overlaps(&ram, plan->dumped.range[i]))
			return err_set(err, ERR_INTERNAL,
				       PHYS_FMT "-" PHYS_FMT
						" is to be dumped and is RAM for the new kernel",
				       PHYS(plan->dumped.range[i].start),
				       PHYS(plan->dumped.range[i].end));
	return 0;
}

int plan_check(const struct plan *plan, struct err *err)
{
	if (!plan->nr_items || plan->nr_items > SEGMENTS_MAX)
		return err_set(err, ERR_INTERNAL, "%u segments", plan->nr_items);
	if (plan->kernel == PLAN_NO_ITEM || plan->purgatory == PLAN_NO_ITEM)
		return err_set(err, ERR_INTERNAL, "no kernel or no purgatory");
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[i];

		if (check_item(plan, item, err))
			return -1;
		for (size_t j = 0; j < plan->nr_protected; j++) {
			if (range_overlaps(item->load, plan->protected_range[j].range) ||
			    range_overlaps(item->run, plan->protected_range[j].range))
				return err_set(err, ERR_INTERNAL, "%s lies over %s", item->name,
					       plan->protected_range[j].name);
		}
		if (item->unverified &&
		    (i == plan->kernel || i == plan->initrd || i == plan->params))
			return err_set(err, ERR_INTERNAL, "%s has no digest", item->name);
	}
	if (plan->entry < plan->item[plan->purgatory].run.start ||
	    plan->entry >=
		    plan->item[plan->purgatory].run.start + plan->item[plan->purgatory].file.size)
		return err_set(err, ERR_INTERNAL, "the entry lies outside the purgatory");
	if (check_disjoint(plan, err) || check_footprint(plan, err) || check_below_4g(plan, err) ||
	    check_first_mib(plan, err) || check_links(plan, err) || check_crash(plan, err))
		return -1;
	return 0;
}
