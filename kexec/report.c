/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/sha256.h"
#include "kexec/json.h"
#include "purgatory-abi.h"

enum { REPORT_SCHEMA = 1 };

/* --- the picture --------------------------------------------------------- */

/* Every address at which the picture may change. */
struct cuts {
	phys_t *at;
	size_t count, room;
};

static void cuts_done(struct cuts *cuts)
{
	free(cuts->at);
}

static void cut(struct cuts *cuts, struct range range)
{
	struct err ignored;

	for (int i = 0; i < 2; i++)
		if (!array_grow(&cuts->at, &cuts->room, cuts->count, sizeof(*cuts->at), &ignored))
			cuts->at[cuts->count++] = i ? range.end : range.start;
}

static int compare_cuts(const void *a, const void *b)
{
	phys_t x = *(const phys_t *)a, y = *(const phys_t *)b;

	return x < y ? -1 : x > y;
}

struct piece {
	const char *mark; /* one column of the picture */
	const char *what;
	size_t identity; /* pieces of one identity that touch are drawn as one */
};

enum { IDENTITY_ITEM = 1, IDENTITY_PROTECTED = 1000, IDENTITY_FREE = 100000, IDENTITY_KEPT };

/* Index of the e820 entry at an address, looked for from *from on. */
static const struct memmap_entry *entry_at(const struct memmap *e820, phys_t address, size_t *from)
{
	while (*from < e820->count && e820->entry[*from].range.end <= address)
		(*from)++;
	if (*from < e820->count && e820->entry[*from].range.start <= address)
		return &e820->entry[*from];
	return NULL;
}

static struct piece piece_at(const struct plan *plan, struct range range, size_t *e820_from)
{
	const struct memmap_entry *entry = entry_at(&plan->e820, range.start, e820_from);

	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[i];

		if (range_overlaps(item->load, range))
			return (struct piece){ "#", item->name, IDENTITY_ITEM + i };
		if (range_overlaps(item->run, range))
			return (struct piece){ "=", "copied there by the purgatory",
					       IDENTITY_ITEM + PLAN_ITEMS_MAX + i };
	}
	for (size_t i = 0; i < plan->nr_protected; i++)
		if (entry && entry->type == E820_RAM &&
		    range_overlaps(plan->protected_range[i].range, range))
			return (struct piece){ "!", plan->protected_range[i].name,
					       IDENTITY_PROTECTED + i };
	if (range_set_contains(&plan->usable, range))
		return (struct piece){ ".", "free", IDENTITY_FREE };
	if (!entry)
		return (struct piece){ NULL, NULL, 0 };
	if (entry->type == E820_RAM)
		return (struct piece){ "x", "RAM in use or kept", IDENTITY_KEPT };
	return (struct piece){ "x", memmap_type_name(entry->type) ?: "unknown type",
			       IDENTITY_KEPT + 1 + entry->type };
}

/* One column for each factor of four above a page: 4 KiB is 1, 16 GiB is 12. */
static int width(uint64_t size)
{
	int columns = 1;

	for (size /= PAGE_SIZE_4K; size >= 4; size /= 4)
		columns++;
	return columns;
}

static const char *human(uint64_t size, char text[32])
{
	static const char unit[] = "BKMGTP";
	size_t i = 0;

	for (; size >= 10240 && i < sizeof(unit) - 2; i++)
		size /= 1024;
	snprintf(text, 32, "%" PRIu64 " %c%s", size, unit[i], i ? "iB" : "");
	return text;
}

static void print_piece(FILE *to, struct range range, const struct piece *piece)
{
	char bar[24] = "", size[32];
	int columns = width(range_size(range));

	for (int i = 0; i < columns && i < 20; i++)
		strcat(bar, piece->mark);
	fprintf(to, "  0x%012" PRIx64 "-0x%012" PRIx64 " %9s  %-14s %s\n", range.start, range.end,
		human(range_size(range), size), bar, piece->what);
}

static void picture(const struct plan *plan, FILE *to)
{
	struct cuts cuts CLEANUP(cuts_done) = { 0 };
	struct piece drawn = { 0 };
	struct range pending = { 0, 0 };
	size_t from = 0;

	for (size_t i = 0; i < plan->e820.count; i++)
		cut(&cuts, plan->e820.entry[i].range);
	for (size_t i = 0; i < plan->usable.count; i++)
		cut(&cuts, plan->usable.range[i]);
	for (size_t i = 0; i < plan->nr_protected; i++)
		cut(&cuts, plan->protected_range[i].range);
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		cut(&cuts, plan->item[i].load);
		cut(&cuts, plan->item[i].run);
	}
	qsort(cuts.at, cuts.count, sizeof(*cuts.at), compare_cuts);
	for (size_t i = 0; i + 1 < cuts.count; i++) {
		struct range range = { cuts.at[i], cuts.at[i + 1] };
		struct piece piece;

		if (range.start == range.end)
			continue;
		piece = piece_at(plan, range, &from);
		if (piece.identity == drawn.identity && pending.end == range.start) {
			pending.end = range.end;
			continue;
		}
		if (drawn.mark)
			print_piece(to, pending, &drawn);
		drawn = piece;
		pending = range;
	}
	if (drawn.mark)
		print_piece(to, pending, &drawn);
}

/* What nothing checks, or nothing can repair: name, bytes, why. At most UNPROTECTED_MAX. */
struct unprotected {
	const char *name;
	struct range range; /* empty: somewhere in the rest of the reservation */
	uint64_t size;
	const char *why;
};

enum { UNPROTECTED_MAX = 3 };

static size_t list_unprotected(const struct load *load, struct unprotected ret[UNPROTECTED_MAX])
{
	const struct plan *plan = &load->plan;
	phys_t stage1 = plan->item[plan->purgatory].run.start;
	size_t count = 0;

	ret[count++] = (struct unprotected){ "first stage",
					     { stage1, stage1 + PURGATORY_STAGE2_OFFSET },
					     PURGATORY_STAGE2_OFFSET,
					     "it checks the rest, and nothing checks it" };
	if (plan->item[plan->elfcorehdr].unverified)
		ret[count++] = (struct unprotected){
			"elfcorehdr", plan->item[plan->elfcorehdr].run,
			plan->item[plan->elfcorehdr].mem_size,
			"the running kernel rewrites it: its structure is checked"
		};
	ret[count++] = (struct unprotected){ "control pages and page tables",
					     { 0, 0 },
					     plan->kernel_pages,
					     "the running kernel makes them, at most so much" };
	return count;
}

static void crash_text(const struct load *load, FILE *to)
{
	const struct plan *plan = &load->plan;
	struct unprotected unprotected[UNPROTECTED_MAX];
	char size[32];

	if (!range_is_valid(plan->reservation))
		return;
	fprintf(to, "\nCrash      reserved 0x%" PRIx64 "-0x%" PRIx64 " %s", plan->reservation.start,
		plan->reservation.end, human(range_size(plan->reservation), size));
	if (range_is_valid(load->crash.low))
		fprintf(to, "; RAM for it, too: 0x%" PRIx64 "-0x%" PRIx64 " %s",
			load->crash.low.start, load->crash.low.end,
			human(range_size(load->crash.low), size));
	fprintf(to, "\n           dump of %zu notes and %zu ranges of memory, %s\n",
		load->crash.header.nr_notes, load->crash.header.nr_loads,
		human(range_set_total(&plan->dumped), size));
	fprintf(to, "           damage is %s\n",
		load->spares.small == PLAN_NO_ITEM ? "found, and not repaired: no spare copies"
						   : "found, and repaired from spare copies");
	fprintf(to, "           not protected:\n");
	for (size_t i = 0, count = list_unprotected(load, unprotected); i < count; i++)
		fprintf(to, "             %" PRIu64 " bytes of %s: %s\n", unprotected[i].size,
			unprotected[i].name, unprotected[i].why);
}

void report_text(const struct report *report, FILE *to)
{
	const struct plan *plan = &report->load->plan;
	const struct bzimage *image = &report->load->image;
	unsigned int order[PLAN_ITEMS_MAX];
	char size[32];

	fprintf(to, "Kernel     %s\n           %s\n", report->kernel_path, image->version);
	fprintf(to,
		"           boot protocol %u.%02u, %s, alignment 0x%" PRIx64
		", init_size 0x%" PRIx64 ", floor 0x%" PRIx64 "\n",
		image->protocol >> 8, image->protocol & 0xff,
		image->footprint.relocatable ? "relocatable" : "not relocatable",
		image->footprint.alignment, image->footprint.init_size, plan->floor);
	fprintf(to, "Method     %s\n", report->method);
	fprintf(to, "Entry      0x%" PRIx64 " purgatory, then 0x%" PRIx64 " kernel\n", plan->entry,
		plan->kernel_entry);
	fprintf(to,
		"Footprint  0x%" PRIx64 "-0x%" PRIx64
		" %s: all that the kernel writes before it knows memory\n",
		plan->footprint.start, plan->footprint.end,
		human(range_size(plan->footprint), size));
	fprintf(to, "Command    %s\n", plan->cmdline);
	fprintf(to,
		"\nMemory     # loaded  = copied by the purgatory  . free  ! kept for its owner  x not ours\n");
	picture(plan, to);
	fprintf(to, "\nSegments   file and memory in bytes\n");
	plan_sorted(plan, order);
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[order[i]];

		fprintf(to, "  %2u %-10s 0x%012" PRIx64 "-0x%012" PRIx64 " %12zu %12" PRIu64 "\n",
			i, item->name, item->load.start, item->load.end, item->file.size,
			item->mem_size);
		if (item->staged)
			fprintf(to, "     %-10s 0x%012" PRIx64 "-0x%012" PRIx64 "\n", "copied to",
				item->run.start, item->run.end);
	}
	crash_text(report->load, to);
	fprintf(to, "\nReasons\n");
	for (size_t i = 0; i < plan->nr_reasons; i++)
		fprintf(to, "  %s\n", plan->reason[i]);
}

/* --- JSON ---------------------------------------------------------------- */

static struct json_object *kernel_object(const struct report *report)
{
	const struct bzimage *image = &report->load->image;
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "path", json_object_new_string(report->kernel_path));
	json_object_object_add(object, "version", json_object_new_string(image->version));
	json_object_object_add(object, "pref_address", json_hex(image->footprint.pref_address));
	json_object_object_add(object, "init_size", json_hex(image->footprint.init_size));
	json_object_object_add(object, "alignment", json_hex(image->footprint.alignment));
	json_object_object_add(object, "relocatable",
			       json_object_new_boolean(image->footprint.relocatable));
	json_object_object_add(object, "entry", json_hex(report->load->plan.kernel_entry));
	return object;
}

static struct json_object *digest_string(struct bytes bytes)
{
	uint8_t digest[32];
	char text[65];

	sha256(bytes.data, bytes.size, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return json_object_new_string(text);
}

static struct json_object *segments_array(const struct plan *plan)
{
	struct json_object *array = json_object_new_array();
	unsigned int order[PLAN_ITEMS_MAX];

	plan_sorted(plan, order);
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[order[i]];
		struct json_object *object = json_range(item->load);

		json_object_object_add(object, "index", json_object_new_int((int)i));
		json_object_object_add(object, "name", json_object_new_string(item->name));
		json_object_object_add(object, "file_size",
				       json_object_new_int64((int64_t)item->file.size));
		json_object_object_add(object, "mem_size",
				       json_object_new_int64((int64_t)item->mem_size));
		json_object_object_add(object, "sha256", digest_string(item->file));
		if (item->staged)
			json_object_object_add(object, "copied_to", json_range(item->run));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *protected_array(const struct plan *plan)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < plan->nr_protected; i++) {
		struct json_object *object = json_range(plan->protected_range[i].range);

		json_object_object_add(object, "name",
				       json_object_new_string(plan->protected_range[i].name));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *e820_array(const struct memmap *e820)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < e820->count; i++) {
		struct json_object *object = json_range(e820->entry[i].range);

		json_object_object_add(object, "type", json_object_new_int64(e820->entry[i].type));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *crash_object(const struct load *load)
{
	const struct plan *plan = &load->plan;
	struct unprotected unprotected[UNPROTECTED_MAX];
	struct json_object *object = json_object_new_object();
	struct json_object *dumped = json_object_new_array(), *list = json_object_new_array();

	json_object_object_add(object, "reservation", json_range(plan->reservation));
	if (range_is_valid(load->crash.low))
		json_object_object_add(object, "low", json_range(load->crash.low));
	for (size_t i = 0; i < plan->dumped.count; i++)
		json_object_array_add(dumped, json_range(plan->dumped.range[i]));
	json_object_object_add(object, "dumped", dumped);
	json_object_object_add(object, "notes",
			       json_object_new_int64((int64_t)load->crash.header.nr_notes));
	json_object_object_add(object, "repairs",
			       json_object_new_boolean(load->spares.small != PLAN_NO_ITEM));
	for (size_t i = 0, count = list_unprotected(load, unprotected); i < count; i++) {
		struct json_object *entry = range_is_valid(unprotected[i].range)
						    ? json_range(unprotected[i].range)
						    : json_object_new_object();

		json_object_object_add(entry, "name", json_object_new_string(unprotected[i].name));
		json_object_object_add(entry, "size",
				       json_object_new_int64((int64_t)unprotected[i].size));
		json_object_array_add(list, entry);
	}
	json_object_object_add(object, "unprotected", list);
	return object;
}

int report_json(const struct report *report, FILE *to, struct err *err)
{
	const struct plan *plan = &report->load->plan;
	struct json_object *root = json_object_new_object();
	struct json_object *usable = json_object_new_array();

	for (size_t i = 0; i < plan->usable.count; i++)
		json_object_array_add(usable, json_range(plan->usable.range[i]));
	json_object_object_add(root, "schema", json_object_new_int(REPORT_SCHEMA));
	json_object_object_add(root, "method", json_object_new_string(report->method));
	json_object_object_add(root, "entry", json_hex(plan->entry));
	json_object_object_add(root, "kernel", kernel_object(report));
	json_object_object_add(root, "floor", json_hex(plan->floor));
	json_object_object_add(root, "footprint", json_range(plan->footprint));
	json_object_object_add(root, "segments", segments_array(plan));
	json_object_object_add(root, "protected", protected_array(plan));
	json_object_object_add(root, "usable", usable);
	json_object_object_add(root, "e820", e820_array(&plan->e820));
	if (range_is_valid(plan->reservation))
		json_object_object_add(root, "crash", crash_object(report->load));
	json_object_object_add(root, "cmdline", json_object_new_string(plan->cmdline));
	json_object_object_add(root, "reasons", json_strings(plan->reason, plan->nr_reasons));
	json_object_object_add(root, "warnings",
			       json_strings(plan->warnings->text, plan->warnings->count));
	return json_print(root, to, err);
}
