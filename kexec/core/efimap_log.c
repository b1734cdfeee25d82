/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/efimap_log.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_SIZE = 512 };

/* --- one descriptor ------------------------------------------------------ */

/* A line, with the next one if it goes on there, as text. */
struct scan {
	char text[LINE_MAX_SIZE];
	char *at;
};

static void scan_append(struct scan *scan, struct bytes line)
{
	size_t used = strlen(scan->text), room = sizeof(scan->text) - 1 - used;
	size_t size = line.size < room ? line.size : room;

	for (size_t i = 0; i < size; i++)
		scan->text[used++] = line.data[i] ? (char)line.data[i] : ' ';
	scan->text[used] = '\0';
}

static void skip_blanks(struct scan *scan)
{
	while (isspace((unsigned char)*scan->at))
		scan->at++;
}

static bool skip(struct scan *scan, const char *word)
{
	size_t size = strlen(word);

	skip_blanks(scan);
	if (strncmp(scan->at, word, size))
		return false;
	scan->at += size;
	return true;
}

/* The digits here are a number. */
static bool scan_number(struct scan *scan, unsigned int base, uint64_t *ret)
{
	size_t size = 0;

	while (isxdigit((unsigned char)scan->at[size]) || scan->at[size] == 'x')
		size++;
	if (!num_parse(scan->at, size, base, ret))
		return false;
	scan->at += size;
	return true;
}

static bool scan_hex(struct scan *scan, uint64_t *ret)
{
	skip_blanks(scan);
	return !strncmp(scan->at, "0x", 2) && scan_number(scan, 16, ret);
}

/* "mem05: " */
static bool scan_head(struct scan *scan, uint32_t *ret_number)
{
	uint64_t number;

	if (!skip(scan, "mem") || !isdigit((unsigned char)*scan->at) ||
	    !scan_number(scan, 10, &number) || number >= UINT32_MAX || !skip(scan, ":"))
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

/* What is between two bars, less the blanks that pad it. */
static size_t scan_field(struct scan *scan, const char **ret)
{
	size_t size;

	skip_blanks(scan);
	*ret = scan->at;
	size = strcspn(scan->at, "|]");
	scan->at += size;
	while (size && isspace((unsigned char)(*ret)[size - 1]))
		size--;
	return size;
}

/* drivers/firmware/efi/efi.c: efi_md_typeattr_format(); bits: UEFI 2.10, 7.2.3 */
static bool flag_from_name(const char *name, size_t size, uint64_t *ret)
{
	static const struct {
		const char *name;
		unsigned int bit;
	} flags[] = {
		{ "UC", 0 },  { "WC", 1 },  { "WT", 2 },  { "WB", 3 },	{ "UCE", 4 },
		{ "WP", 12 }, { "RP", 13 }, { "XP", 14 }, { "NV", 15 }, { "MR", 16 },
		{ "RO", 17 }, { "SP", 18 }, { "CC", 19 }, { "HP", 20 }, { "RUN", 63 },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strlen(flags[i].name) == size && !memcmp(flags[i].name, name, size)) {
			*ret = UINT64_C(1) << flags[i].bit;
			return true;
		}
	return false;
}

/* "[NAME|FLAG|...]", "[type=N|attr=0x...]": from behind the bracket. */
static bool scan_named(struct scan *scan, struct efi_desc *desc)
{
	const char *field;
	size_t size = scan_field(scan, &field);
	uint64_t value;

	if (size > 5 && !memcmp(field, "type=", 5) && num_parse(field + 5, size - 5, 10, &value) &&
	    value <= UINT32_MAX)
		desc->type = (uint32_t)value;
	else if (!efi_type_from_name(field, size, &desc->type))
		return false;
	while (*scan->at == '|') {
		scan->at++;
		size = scan_field(scan, &field);
		if (!size)
			continue;
		if (size > 5 && !memcmp(field, "attr=", 5)) {
			if (!num_parse(field + 5, size - 5, 16, &value))
				return false;
		} else if (!flag_from_name(field, size, &value)) {
			return false;
		}
		desc->attribute |= value;
	}
	return skip(scan, "]");
}

/* "type=7, attr=0xf," */
static bool scan_numeric(struct scan *scan, struct efi_desc *desc)
{
	uint64_t type;

	if (!skip(scan, "type=") || !scan_number(scan, 10, &type) || type > UINT32_MAX ||
	    !skip(scan, ",") || !skip(scan, "attr=") || !scan_hex(scan, &desc->attribute) ||
	    !skip(scan, ","))
		return false;
	desc->type = (uint32_t)type;
	return true;
}

static bool scan_range(struct scan *scan, struct efi_desc *desc)
{
	uint64_t start, end;

	if (!skip(scan, "range=[") || !scan_hex(scan, &start) || !skip(scan, "-") ||
	    !scan_hex(scan, &end))
		return false;
	/* The last address: that of an empty range is before its start. */
	if (skip(scan, "]"))
		end++;
	else if (!skip(scan, ")"))
		return false;
	if (end < start || start % PAGE_SIZE_4K || end % PAGE_SIZE_4K)
		return false;
	desc->phys = start;
	desc->pages = (end - start) / PAGE_SIZE_4K;
	return true;
}

/* What stands before "range=" if a mailer broke the line: quoting, blanks. */
static struct bytes without_quotes(struct bytes line)
{
	while (line.size && (line.data[0] == '>' || isspace(line.data[0])))
		line = (struct bytes){ line.data + 1, line.size - 1 };
	return line;
}

enum verdict { NO_DESCRIPTOR, DAMAGED, DESCRIPTOR };

/* The number is set for a damaged one, too. Takes the next line from *rest if it belongs to it. */
static enum verdict scan_descriptor(struct bytes text, struct bytes *rest, struct efi_desc *ret)
{
	struct efi_desc desc = { 0 };
	struct scan scan = { .text = "" };
	struct bytes after = *rest, next;

	scan.at = scan.text;
	scan_append(&scan, text);
	if (!scan_head(&scan, &desc.number) || strstr(scan.text, "(invalid)"))
		return NO_DESCRIPTOR;
	if (!strstr(scan.at, "range=") && bytes_next_line(&after, &next)) {
		struct bytes behind = without_quotes(next), other;

		if (!efi_log_text(next, &other) && behind.size &&
		    memmem(behind.data, behind.size, "range=", 6)) {
			scan_append(&scan, (struct bytes){ (const uint8_t *)" ", 1 });
			scan_append(&scan, behind);
			*rest = after;
			if (strstr(scan.text, "(invalid)"))
				return NO_DESCRIPTOR;
		}
	}
	*ret = desc;
	if (skip(&scan, "[") ? !scan_named(&scan, &desc) : !scan_numeric(&scan, &desc))
		return DAMAGED;
	if (!scan_range(&scan, &desc))
		return DAMAGED;
	*ret = desc;
	return DESCRIPTOR;
}

/* --- maps of a log ------------------------------------------------------- */

/* One map while it is read. */
struct log_map {
	struct efi_map map;
	uint64_t numbers; /* one more than the highest number seen, damaged or not */
	bool is_runtime;
};

/* All that a log has, and the best of it. */
struct log_maps {
	struct log_map best;
	struct log_map current;
	size_t nr_runtime, nr_damaged;
	bool has_other; /* lines of other architectures */
	bool differ;
};

static void log_maps_done(struct log_maps *maps)
{
	efi_map_done(&maps->best.map);
	efi_map_done(&maps->current.map);
}

static bool is_complete(const struct log_map *map)
{
	return map->map.count == map->numbers;
}

/* The current map is over: keeps the better one. */
static void close_map(struct log_maps *maps)
{
	struct log_map *best = &maps->best, *current = &maps->current;
	bool counts =
		current->map.count && !current->is_runtime && !efi_map_is_of_runtime(&current->map);
	uint32_t ignored;

	maps->nr_runtime += current->map.count && !counts;
	if (counts && !efi_map_is_part_of(&best->map, &current->map, &ignored) &&
	    !efi_map_is_part_of(&current->map, &best->map, &ignored))
		maps->differ = true;
	if (counts && (is_complete(current) || !best->map.count || !is_complete(best))) {
		efi_map_done(&best->map);
		*best = *current;
	} else {
		efi_map_done(&current->map);
	}
	*current = (struct log_map){ 0 };
}

static int take_descriptor(struct log_maps *maps, const struct efi_desc *desc, bool is_damaged,
			   struct err *err)
{
	struct log_map *current = &maps->current;
	const struct efi_map *map = &current->map;

	/* What reaches a log on two ways is there twice. */
	if (!is_damaged && map->count && efi_desc_same(&map->desc[map->count - 1], desc) &&
	    map->desc[map->count - 1].number == desc->number &&
	    current->numbers == (uint64_t)desc->number + 1)
		return 0;
	if (desc->number < current->numbers)
		close_map(maps);
	current->numbers = (uint64_t)desc->number + 1;
	maps->nr_damaged += is_damaged;
	return is_damaged ? 0 : efi_map_add(&current->map, *desc, err);
}

/* "  0x000040000000-0x00004007ffff [Loader Data|...": reserve_regions() in
 * drivers/firmware/efi/efi-init.c, which x86 has not. */
static bool is_of_other(struct bytes text)
{
	struct scan scan = { .text = "" };
	uint64_t start, last;

	scan.at = scan.text;
	scan_append(&scan, text);
	return scan_hex(&scan, &start) && skip(&scan, "-") && scan_hex(&scan, &last) &&
	       skip(&scan, "[");
}

static bool has_prefix(struct bytes text, const char *prefix)
{
	return text.size >= strlen(prefix) && !memcmp(text.data, prefix, strlen(prefix));
}

static int read_maps(struct bytes log, struct log_maps *maps, struct err *err)
{
	struct bytes line, text;

	while (bytes_next_line(&log, &line)) {
		struct efi_desc desc;
		enum verdict verdict;

		if (!efi_log_text(line, &text))
			continue;
		if (has_prefix(text, "EFI runtime memory map:")) {
			close_map(maps);
			maps->current.is_runtime = true;
			continue;
		}
		verdict = scan_descriptor(text, &log, &desc);
		maps->has_other |= verdict == NO_DESCRIPTOR && is_of_other(text);
		if (verdict != NO_DESCRIPTOR &&
		    take_descriptor(maps, &desc, verdict == DAMAGED, err))
			return -1;
	}
	close_map(maps);
	return 0;
}

/* --- what is odd about a map --------------------------------------------- */

/* Appends "mem03 to mem05"; "..." once the text is full. */
static void name_numbers(char *text, size_t room, uint64_t first, uint64_t end)
{
	size_t used = strlen(text);
	char word[80];

	if (end - first == 1)
		snprintf(word, sizeof(word), "%smem%02llu", used ? ", " : "",
			 (unsigned long long)first);
	else
		snprintf(word, sizeof(word), "%smem%02llu to mem%02llu", used ? ", " : "",
			 (unsigned long long)first, (unsigned long long)end - 1);
	if (used + strlen(word) + sizeof(", ...") <= room)
		strcat(text, word);
	else if (used < 3 || strcmp(text + used - 3, "..."))
		strcat(text, ", ...");
}

static void warn_of_gaps(const struct log_map *map, struct warnings *warnings)
{
	uint64_t expected = 0;
	char text[300] = "";

	if (is_complete(map))
		return;
	for (size_t i = 0; i < map->map.count; i++) {
		uint64_t number = map->map.desc[i].number;

		if (number > expected)
			name_numbers(text, sizeof(text), expected, number);
		expected = number + 1;
	}
	if (map->numbers > expected)
		name_numbers(text, sizeof(text), expected, map->numbers);
	warn_add(warnings,
		 "the log lacks %s of the EFI memory map, or they are damaged: what they describe "
		 "is taken for memory in use",
		 text);
}

int efi_map_from_log(struct bytes log, struct efi_map *ret, struct warnings *warnings,
		     struct err *err)
{
	struct log_maps maps CLEANUP(log_maps_done) = { 0 };

	if (read_maps(log, &maps, err))
		return -1;
	if (!maps.best.map.count && maps.nr_runtime)
		return err_set(err, ERR_INPUT,
			       "the log has only the runtime services' part of the EFI memory map: "
			       "the lines \"efi: mem00: ...\" of early boot are lost");
	if (!maps.best.map.count && maps.nr_damaged)
		return err_set(err, ERR_INPUT,
			       "every line \"efi: memNN: ...\" of the EFI memory map is damaged "
			       "(%zu)",
			       maps.nr_damaged);
	if (!maps.best.map.count && maps.has_other)
		return err_set(err, ERR_INPUT,
			       "the EFI memory map in the log (\"efi:   0x...\") is of another "
			       "architecture's kernel: the audit knows those of x86");
	if (!maps.best.map.count)
		return err_set(err, ERR_INPUT,
			       "no EFI memory map: x86 kernels print it (\"efi: mem00: ...\") when "
			       "they are booted by EFI firmware with efi=debug");
	if (maps.differ)
		warn_add(
			warnings,
			"the log has EFI memory maps that differ, of several boots: the last %s is "
			"used",
			is_complete(&maps.best) ? "complete one" : "one, which is not complete,");
	warn_of_gaps(&maps.best, warnings);
	if (efi_map_check(&maps.best.map, warnings, err))
		return -1;
	*ret = maps.best.map;
	maps.best.map = (struct efi_map){ 0 };
	return 0;
}
