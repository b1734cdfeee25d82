/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/lib/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/sha256.h"
#include "kexec/lib/json.h"
#include "kexec/lib/picture.h"
#include "kexec/lib/print.h"
#include "kexec/sys/ops.h"
#include "kexec/x86/program.h"
#include "purgatory-abi.h"

enum { REPORT_SCHEMA = 1 };

/* --- text ---------------------------------------------------------------- */

/* SGR parameters, as ECMA-48 has them; NULL: as it is. */
static const char *const piece_colour[PIECE_KINDS] = {
	[PIECE_NOTHING] = "2",	  [PIECE_LOADED] = "1;32",  [PIECE_COPIED] = "36",
	[PIECE_PROTECTED] = "33", [PIECE_HANDED_ON] = "35", [PIECE_DUMPED] = "34",
	[PIECE_NOT_OURS] = "31",
};

static void print_coloured(FILE *to, bool colour, const char *parameters, const char *text)
{
	if (colour && parameters)
		fprintf(to, "\033[%sm%s\033[0m", parameters, text);
	else
		fputs(text, to);
}

static void print_piece(FILE *to, bool colour, const struct piece *piece)
{
	const char *parameters = piece_colour[piece->kind];
	char bar[24] = "";
	int columns = picture_columns(piece->range);

	memset(bar, piece_style(piece->kind)->mark, (size_t)columns);
	fprintf(to, "  0x%012" PRIx64 "-0x%012" PRIx64 " %9s %c%c ", piece->range.start,
		piece->range.end, picture_size(range_size(piece->range)).text,
		piece->in_footprint ? 'F' : ' ', piece->in_reservation ? 'R' : ' ');
	print_coloured(to, colour, parameters, bar);
	fprintf(to, "%*s ", columns < 14 ? 14 - columns : 0, "");
	print_coloured(to, colour, parameters, piece->what);
	putc('\n', to);
}

static int print_picture(const struct load *load, FILE *to, bool colour, struct err *err)
{
	struct picture picture CLEANUP(picture_done) = { 0 };
	bool is_there[PIECE_KINDS] = { 0 };
	const char *separator = "";

	if (picture_make(load, &picture, err))
		return -1;
	for (size_t i = 0; i < picture.count; i++)
		is_there[picture.piece[i].kind] = true;
	fputs("\nMemory     ", to);
	for (int kind = 0; kind < PIECE_KINDS; kind++) {
		const struct piece_style *style = piece_style((enum piece_kind)kind);
		char text[64];

		if (!is_there[kind] || !style->legend)
			continue;
		snprintf(text, sizeof(text), "%c %s", style->mark, style->legend);
		fputs(separator, to);
		print_coloured(to, colour, piece_colour[kind], text);
		separator = "  ";
	}
	fprintf(to, "\n           F the kernel's footprint%s\n",
		range_is_valid(load->plan.reservation) ? "  R the crash kernel's reservation" : "");
	for (size_t i = 0; i < picture.count; i++)
		print_piece(to, colour, &picture.piece[i]);
	return 0;
}

/* What nothing checks, or nothing can repair: name, bytes, why. At most UNPROTECTED_MAX. */
struct unprotected {
	const char *name;
	struct range range; /* empty: somewhere in the rest of the reservation */
	uint64_t size;
	const char *why;
};

enum { UNPROTECTED_MAX = 3 + PLAN_ITEMS_MAX };

static size_t list_unprotected(const struct load *load, struct unprotected ret[UNPROTECTED_MAX])
{
	const struct plan *plan = &load->plan;
	phys_t stage1 = plan->item[plan->purgatory].run.start;
	size_t count = 0;

	ret[count++] = (struct unprotected){
		"first stage",
		{ stage1, stage1 + PURGATORY_STAGE2_OFFSET },
		PURGATORY_STAGE2_OFFSET,
		plan->unverified ? "it checks the rest of the purgatory, and nothing checks it"
				 : "it checks the rest, and nothing checks it"
	};
	if (plan->item[plan->elfcorehdr].unverified)
		ret[count++] = (struct unprotected){
			"elfcorehdr", plan->item[plan->elfcorehdr].run,
			plan->item[plan->elfcorehdr].mem_size,
			"the running kernel rewrites it: its structure is checked"
		};
	for (unsigned int i = 0; plan->unverified && i < plan->nr_items; i++)
		if (!plan->item[i].unverified)
			ret[count++] =
				(struct unprotected){ plan->item[i].name, plan->item[i].run,
						      plan->item[i].mem_size, plan->unverified };
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

	if (!range_is_valid(plan->reservation))
		return;
	fprintf(to, "\nCrash      reserved 0x%" PRIx64 "-0x%" PRIx64 " %s", plan->reservation.start,
		plan->reservation.end, picture_size(range_size(plan->reservation)).text);
	if (range_is_valid(load->crash.low))
		fprintf(to, "; RAM for it, too: 0x%" PRIx64 "-0x%" PRIx64 " %s",
			load->crash.low.start, load->crash.low.end,
			picture_size(range_size(load->crash.low)).text);
	fprintf(to, "\n           dump of %zu notes and %zu ranges of memory, %s\n",
		load->crash.header.nr_notes, load->crash.header.nr_loads,
		picture_size(range_set_total(&plan->dumped)).text);
	if (!plan->unverified)
		fprintf(to, "           damage is %s\n",
			load->spares.small == PLAN_NO_ITEM
				? "found, and not repaired: no spare copies"
				: "found, and repaired from spare copies");
	fprintf(to, "           not protected:\n");
	for (size_t i = 0, count = list_unprotected(load, unprotected); i < count; i++)
		fprintf(to, "             %" PRIu64 " bytes of %s: %s\n", unprotected[i].size,
			unprotected[i].name, unprotected[i].why);
}

/* --- flags --------------------------------------------------------------- */

/* The names of a system call's flags, in ret, which has room for all. */
enum { FLAG_NAMES_MAX = 4 };

static size_t flag_names(unsigned long flags, const char *ret[FLAG_NAMES_MAX])
{
	static const struct {
		unsigned long mask, value;
		const char *name;
	} known[FLAG_NAMES_MAX] = {
		{ 0xffff0000, KEXEC_ARCH_X86_64, "KEXEC_ARCH_X86_64" },
		{ KEXEC_ON_CRASH, KEXEC_ON_CRASH, "KEXEC_ON_CRASH" },
		{ KEXEC_UPDATE_ELFCOREHDR, KEXEC_UPDATE_ELFCOREHDR, "KEXEC_UPDATE_ELFCOREHDR" },
		{ KEXEC_CRASH_HOTPLUG_SUPPORT, KEXEC_CRASH_HOTPLUG_SUPPORT,
		  "KEXEC_CRASH_HOTPLUG_SUPPORT" },
	};
	size_t count = 0;

	for (size_t i = 0; i < FLAG_NAMES_MAX; i++)
		if ((flags & known[i].mask) == known[i].value)
			ret[count++] = known[i].name;
	return count;
}

static void method_text(const struct report *report, FILE *to)
{
	unsigned long flags[OPS_FLAGS_MAX];
	const char *name[FLAG_NAMES_MAX];
	size_t count = ops_plan_flags(&report->load->plan, flags);

	for (size_t i = 0; i < count; i++) {
		if (i)
			fprintf(to, "           if the kernel does not know them");
		else
			fprintf(to, "Method     %s: %s\n           flags", report->method,
				report->method_reason);
		fprintf(to, " 0x%lx:", flags[i]);
		for (size_t j = 0, names = flag_names(flags[i], name); j < names; j++)
			fprintf(to, " %s", name[j]);
		putc('\n', to);
	}
}

static void segments_text(const struct plan *plan, FILE *to)
{
	unsigned int order[PLAN_ITEMS_MAX];

	fprintf(to, "\nSegments   file and memory in bytes\n");
	plan_sorted(plan, order);
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[order[i]];

		fprintf(to,
			"  %2u %-12s 0x%012" PRIx64 "-0x%012" PRIx64 " %12zu %12" PRIu64 "  %s\n",
			i, item->name, item->load.start, item->load.end, item->file.size,
			item->mem_size, item->purpose);
		if (item->staged)
			fprintf(to, "     %-12s 0x%012" PRIx64 "-0x%012" PRIx64 "\n", "copied to",
				item->run.start, item->run.end);
	}
}

static void e820_text(const struct memmap *e820, FILE *to)
{
	fprintf(to, "\nHanded on  memory as the new kernel is told of it (e820)\n");
	for (size_t i = 0; i < e820->count; i++)
		fprintf(to, "  0x%012" PRIx64 "-0x%012" PRIx64 " %u %s\n",
			e820->entry[i].range.start, e820->entry[i].range.end, e820->entry[i].type,
			memmap_type_name(e820->entry[i].type) ?: "");
}

static void direct_text(const struct load *load, FILE *to)
{
	if (!load->is_direct)
		return;
	fprintf(to,
		"Direct     unpacked, %zu bytes; KERNELOFFSET 0x%" PRIx64 ", one of %" PRIu64 "\n",
		load->vmlinux.size, load->virtual_offset, load->virtual_places);
}

int report_text(const struct report *report, FILE *to, struct err *err)
{
	const struct plan *plan = &report->load->plan;
	const struct bzimage *image = &report->load->image;
	const struct warnings *unread = report->unread;
	bool colour = report->colour;

	if (unread->count)
		print_coloured(to, colour, "1;31", "INCOMPLETE");
	for (size_t i = 0; i < unread->count; i++)
		fprintf(to, "%s%s\n", i ? "           " : " ", unread->text[i]);
	print_harmless(to, "Kernel     ", report->kernel_path);
	fprintf(to, "\n           %s\n", image->version);
	if (image->is_program)
		fprintf(to, "           %s", program_type(image));
	else if (image->is_elf)
		fprintf(to, "           an ELF file");
	else
		fprintf(to, "           boot protocol %u.%02u", image->protocol >> 8,
			image->protocol & 0xff);
	fprintf(to, ", %s, alignment 0x%" PRIx64 ", init_size 0x%" PRIx64 ", floor 0x%" PRIx64 "\n",
		image->footprint.relocatable ? "relocatable" : "not relocatable",
		image->footprint.alignment, image->footprint.init_size, plan->floor);
	method_text(report, to);
	fprintf(to, "Entry      0x%" PRIx64 " purgatory, then 0x%" PRIx64 " kernel%s\n",
		plan->entry, plan->kernel_entry,
		image->real_mode     ? ", in real mode"
		: image->entry_32bit ? ", in 32-bit mode"
				     : "");
	fprintf(to,
		"Footprint  0x%" PRIx64 "-0x%" PRIx64
		" %s: all that the kernel writes before it knows memory\n",
		plan->footprint.start, plan->footprint.end,
		picture_size(range_size(plan->footprint)).text);
	direct_text(report->load, to);
	if (plan->unverified)
		fprintf(to, "Damage     is not found: %s\n", plan->unverified);
	print_harmless(to, "Command    ", plan->cmdline);
	putc('\n', to);
	if (print_picture(report->load, to, colour, err))
		return -1;
	segments_text(plan, to);
	crash_text(report->load, to);
	e820_text(&plan->e820, to);
	fprintf(to, "\nReasons\n");
	for (size_t i = 0; i < plan->nr_reasons; i++)
		fprintf(to, "  %s\n", plan->reason[i]);
	return 0;
}

/* --- JSON ---------------------------------------------------------------- */

static struct json_object *kernel_object(const struct report *report)
{
	const struct bzimage *image = &report->load->image;
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "path", json_text(report->kernel_path));
	json_object_object_add(object, "version", json_object_new_string(image->version));
	json_object_object_add(object, "pref_address", json_hex(image->footprint.pref_address));
	json_object_object_add(object, "init_size", json_hex(image->footprint.init_size));
	json_object_object_add(object, "alignment", json_hex(image->footprint.alignment));
	json_object_object_add(object, "relocatable",
			       json_object_new_boolean(image->footprint.relocatable));
	json_object_object_add(object, "entry", json_hex(report->load->plan.kernel_entry));
	json_object_object_add(object, "entry_bits",
			       json_object_new_int(image->real_mode	? 16
						   : image->entry_32bit ? 32
									: 64));
	if (image->is_program)
		json_object_object_add(object, "type", json_object_new_string(program_type(image)));
	return object;
}

static struct json_object *direct_object(const struct load *load)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "unpacked_size",
			       json_object_new_int64((int64_t)load->vmlinux.size));
	json_object_object_add(object, "virtual_places",
			       json_object_new_int64((int64_t)load->virtual_places));
	if (load->plan.drawn_from.end)
		json_object_object_add(object, "drawn_from", json_range(load->plan.drawn_from));
	return object;
}

static struct json_object *initrd_object(const struct report *report)
{
	const struct plan *plan = &report->load->plan;
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "packed_size",
			       json_object_new_int64((int64_t)report->initrd_packed));
	json_object_object_add(object, "unpacked_size",
			       json_object_new_int64((int64_t)plan->item[plan->initrd].file.size));
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
		const char *unverified = item->unverified ?: plan->unverified;
		struct json_object *object = json_range(item->load);

		json_object_object_add(object, "index", json_object_new_int((int)i));
		json_object_object_add(object, "name", json_object_new_string(item->name));
		json_object_object_add(object, "purpose", json_object_new_string(item->purpose));
		json_object_object_add(object, "file_size",
				       json_object_new_int64((int64_t)item->file.size));
		json_object_object_add(object, "mem_size",
				       json_object_new_int64((int64_t)item->mem_size));
		json_object_object_add(object, "sha256", digest_string(item->file));
		if (unverified)
			json_object_object_add(object, "unverified",
					       json_object_new_string(unverified));
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

		const char *name = memmap_type_name(e820->entry[i].type);

		json_object_object_add(object, "type", json_object_new_int64(e820->entry[i].type));
		if (name)
			json_object_object_add(object, "type_name", json_object_new_string(name));
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

static int add_memory(const struct load *load, struct json_object *to, struct err *err)
{
	struct picture picture CLEANUP(picture_done) = { 0 };
	struct json_object *array;

	if (picture_make(load, &picture, err))
		return -1;
	array = json_object_new_array();
	for (size_t i = 0; i < picture.count; i++) {
		const struct piece *piece = &picture.piece[i];
		struct json_object *object = json_range(piece->range);

		json_object_object_add(object, "kind",
				       json_object_new_string(piece_style(piece->kind)->word));
		json_object_object_add(object, "what", json_object_new_string(piece->what));
		json_object_object_add(object, "in_footprint",
				       json_object_new_boolean(piece->in_footprint));
		json_object_object_add(object, "in_reservation",
				       json_object_new_boolean(piece->in_reservation));
		json_object_array_add(array, object);
	}
	json_object_object_add(to, "memory", array);
	return 0;
}

static void add_method(const struct report *report, struct json_object *to)
{
	struct json_object *names = json_object_new_array();
	unsigned long flags[OPS_FLAGS_MAX];
	const char *name[FLAG_NAMES_MAX];
	size_t count = ops_plan_flags(&report->load->plan, flags);

	for (size_t i = 0, known = flag_names(flags[0], name); i < known; i++)
		json_object_array_add(names, json_object_new_string(name[i]));
	json_object_object_add(to, "method", json_object_new_string(report->method));
	json_object_object_add(to, "method_reason", json_object_new_string(report->method_reason));
	json_object_object_add(to, "flags", json_hex(flags[0]));
	json_object_object_add(to, "flag_names", names);
	if (count > 1)
		json_object_object_add(to, "flags_if_unknown", json_hex(flags[1]));
}

int report_json(const struct report *report, FILE *to, struct err *err)
{
	const struct plan *plan = &report->load->plan;
	struct json_object *root = json_object_new_object();
	struct json_object *usable = json_object_new_array();

	for (size_t i = 0; i < plan->usable.count; i++)
		json_object_array_add(usable, json_range(plan->usable.range[i]));
	json_object_object_add(root, "schema", json_object_new_int(REPORT_SCHEMA));
	json_object_object_add(root, "complete", json_object_new_boolean(!report->unread->count));
	json_object_object_add(root, "unread",
			       json_strings(report->unread->text, report->unread->count));
	add_method(report, root);
	json_object_object_add(root, "entry", json_hex(plan->entry));
	json_object_object_add(root, "kernel", kernel_object(report));
	if (report->load->is_direct)
		json_object_object_add(root, "direct", direct_object(report->load));
	if (report->initrd_packed)
		json_object_object_add(root, "initrd", initrd_object(report));
	json_object_object_add(root, "floor", json_hex(plan->floor));
	json_object_object_add(root, "footprint", json_range(plan->footprint));
	json_object_object_add(root, "segments", segments_array(plan));
	if (add_memory(report->load, root, err)) {
		json_object_put(root);
		json_object_put(usable);
		return -1;
	}
	json_object_object_add(root, "protected", protected_array(plan));
	json_object_object_add(root, "usable", usable);
	json_object_object_add(root, "e820", e820_array(&plan->e820));
	if (range_is_valid(plan->reservation))
		json_object_object_add(root, "crash", crash_object(report->load));
	json_object_object_add(root, "cmdline", json_text(plan->cmdline));
	json_object_object_add(root, "reasons", json_strings(plan->reason, plan->nr_reasons));
	json_object_object_add(root, "warnings",
			       json_strings(plan->warnings->text, plan->warnings->count));
	return json_print(root, to, err);
}
