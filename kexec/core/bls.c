/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/bls.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kexec/core/num.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct bytes strip(struct bytes text)
{
	while (text.size && is_blank(text.data[0])) {
		text.data++;
		text.size--;
	}
	while (text.size && is_blank(text.data[text.size - 1]))
		text.size--;
	return text;
}

/* The next line that has a key, which ends at one of `ends`, and what is behind that. */
static bool next_pair(struct bytes *rest, const char *ends, struct bytes *ret_key,
		      struct bytes *ret_value)
{
	struct bytes line;

	while (bytes_next_line(rest, &line)) {
		size_t length = 0;

		line = strip(line);
		if (!line.size || line.data[0] == '#')
			continue;
		while (length < line.size && !strchr(ends, line.data[length]))
			length++;
		*ret_key = (struct bytes){ line.data, length };
		length += length < line.size;
		*ret_value = strip((struct bytes){ line.data + length, line.size - length });
		return true;
	}
	return false;
}

/* --- names --------------------------------------------------------------- */

static size_t count_digits(const char *text)
{
	return strspn(text, "0123456789");
}

static int number(const char *text)
{
	uint64_t value;

	return num_parse(text, count_digits(text), 10, &value) && value < INT16_MAX ? (int)value
										    : INT16_MAX;
}

/* "NAME+LEFT-DONE.conf", "NAME+LEFT.conf": its counters are no part of the id. */
static int set_id(struct boot_entry *entry, const char *name, struct err *err)
{
	const char *plus = strrchr(name, '+'), *end = plus, *done = NULL, *suffix;

	entry->tries_left = BOOT_TRIES_UNCOUNTED;
	if (plus && count_digits(plus + 1)) {
		end = plus + 1 + count_digits(plus + 1);
		if (*end == '-' && count_digits(end + 1)) {
			done = end + 1;
			end = done + count_digits(done);
		}
	}
	suffix = strrchr(name, '.');
	if (!plus || end == plus || end != suffix)
		return boot_text(text_bytes(name), &entry->id, err);
	entry->tries_left = number(plus + 1);
	entry->tries_done = done ? number(done) : 0;
	if (asprintf(&entry->id, "%.*s%s", (int)(plus - name), name, suffix) < 0) {
		entry->id = NULL;
		return err_no_memory(err);
	}
	return 0;
}

static int begin(struct boot_entry *entry, const char *top, const char *directory, const char *name,
		 struct err *err)
{
	if (asprintf(&entry->source, "%s/%s/%s", top, directory, name) < 0) {
		entry->source = NULL;
		return err_no_memory(err);
	}
	if (set_id(entry, name, err) || boot_text(text_bytes(top), &entry->top, err) ||
	    boot_text(text_bytes(""), &entry->title, err) ||
	    boot_text(text_bytes(""), &entry->options, err))
		return -1;
	return 0;
}

/* --- files of entries ---------------------------------------------------- */

static int apply(struct boot_entry *entry, struct bytes key, struct bytes value,
		 struct bytes *ret_architecture, struct err *err)
{
	struct err why;

	if (bytes_are(key, "title"))
		return boot_text(value, &entry->title, err);
	if (bytes_are(key, "version"))
		return boot_text(value, &entry->version, err);
	if (bytes_are(key, "machine-id"))
		return boot_text(value, &entry->machine_id, err);
	if (bytes_are(key, "sort-key"))
		return boot_text(value, &entry->sort_key, err);
	if (bytes_are(key, "options"))
		return boot_text_add(value, &entry->options, err);
	if (bytes_are(key, "initrd"))
		return boot_entry_add_initrd(entry, value, err);
	if (bytes_are(key, "architecture"))
		*ret_architecture = value;
	if (bytes_are(key, "profile") || bytes_are(key, "uki-url") || bytes_are(key, "extra")) {
		err_set(&why, ERR_INPUT, "/%s: `%.*s` is not known here", entry->source,
			(int)key.size, (const char *)key.data);
		return boot_entry_refuse(entry, &why, err);
	}
	if (bytes_are(key, "linux") || bytes_are(key, "efi") || bytes_are(key, "uki")) {
		entry->is_uki = !bytes_are(key, "linux");
		return boot_text(value, &entry->kernel, err);
	}
	return 0;
}

int bls_refused(const char *top, const char *name, const struct err *why, struct boot_entry *ret,
		struct err *err)
{
	struct boot_entry entry CLEANUP(boot_entry_done) = { 0 };

	if (begin(&entry, top, "loader/entries", name, err) || boot_entry_refuse(&entry, why, err))
		return -1;
	*ret = entry;
	entry = (struct boot_entry){ 0 };
	return 0;
}

static bool is_our_architecture(struct bytes architecture)
{
	return !architecture.data ||
	       (architecture.size == 3 && !strncasecmp((const char *)architecture.data, "x64", 3));
}

int bls_parse(struct bytes text, const char *top, const char *name, struct boot_entry *ret,
	      bool *ret_is_ours, struct err *err)
{
	struct boot_entry entry CLEANUP(boot_entry_done) = { 0 };
	struct bytes rest = text, key, value, architecture = { NULL, 0 };

	if (begin(&entry, top, "loader/entries", name, err))
		return -1;
	while (next_pair(&rest, " \t", &key, &value))
		if (apply(&entry, key, value, &architecture, err))
			return err_prefix(err, "/%s", entry.source);
	/* systemd-boot starts an EFI program without them. */
	if (entry.is_uki)
		boot_entry_forget_initrds(&entry);
	*ret_is_ours = false;
	if (!is_our_architecture(architecture)) {
		err_set(err, ERR_INPUT, "/%s: for the architecture \"%.*s\", not for x64",
			entry.source, (int)num_min(architecture.size, 40),
			(const char *)architecture.data);
		return 0;
	}
	if (!entry.kernel || !*entry.kernel) {
		err_set(err, ERR_INPUT, "/%s: none of `linux`, `efi` and `uki` names a kernel",
			entry.source);
		return 0;
	}
	*ret_is_ours = true;
	*ret = entry;
	entry = (struct boot_entry){ 0 };
	return 0;
}

int bls_loader_value(struct bytes text, const char *name, char **ret, struct err *err)
{
	struct bytes rest = text, key, value;

	while (next_pair(&rest, " \t", &key, &value))
		if (bytes_are(key, name) && boot_text(value, ret, err))
			return -1;
	return 0;
}

/* --- unified kernel images ----------------------------------------------- */

static struct bytes unquote(struct bytes value)
{
	if (value.size > 1 && (value.data[0] == '"' || value.data[0] == '\'') &&
	    value.data[value.size - 1] == value.data[0])
		return (struct bytes){ value.data + 1, value.size - 2 };
	return value;
}

/* The first of the names, separated by spaces, that os-release has. */
static int first_of(struct bytes os_release, const char *names, char **ret, struct err *err)
{
	for (const char *name = names; *name; name += strspn(name, " ")) {
		struct bytes rest = os_release, key, value;
		size_t length = strcspn(name, " ");

		while (next_pair(&rest, "=", &key, &value)) {
			value = unquote(value);
			if (key.size == length && !memcmp(key.data, name, length) && value.size)
				return boot_text(value, ret, err);
		}
		name += length;
	}
	return 0;
}

static int append(char **text, const char *before, const char *what, const char *behind,
		  struct err *err)
{
	char *longer;

	if (asprintf(&longer, "%s%s%s%s", *text, before, what, behind) < 0)
		return err_no_memory(err);
	free(*text);
	*text = longer;
	return 0;
}

/* As systemd-boot names them: the first has the file's id, and only a TITLE in its title. */
static int name_profile(const struct bls_uki *uki, struct boot_entry *entry, struct err *err)
{
	char *id CLEANUP(text_done) = NULL, *title CLEANUP(text_done) = NULL;
	char number[16], numbered[32];

	if (first_of(uki->about, "ID", &id, err) || first_of(uki->about, "TITLE", &title, err))
		return -1;
	snprintf(number, sizeof(number), "%u", uki->profile);
	snprintf(numbered, sizeof(numbered), "Profile #%u", uki->profile + 1);
	entry->uki_profile = uki->profile;
	if (uki->profile) {
		entry->profile_at = strlen(entry->id);
		if (append(&entry->id, "@", id ?: number, "", err))
			return -1;
	}
	/* Without a name of the system it is no entry. */
	if (!*entry->title || (!title && !uki->profile))
		return 0;
	return append(&entry->title, " (", title ?: id ?: numbered, ")", err);
}

int bls_of_uki(const struct bls_uki *uki, const char *top, const char *name, struct boot_entry *ret,
	       struct err *err)
{
	struct boot_entry entry CLEANUP(boot_entry_done) = { .is_uki = true };
	struct bytes os_release = uki->os_release;

	if (begin(&entry, top, "EFI/Linux", name, err) ||
	    boot_text(text_bytes(entry.source + strlen(top)), &entry.kernel, err) ||
	    first_of(os_release, "PRETTY_NAME IMAGE_ID NAME ID", &entry.title, err) ||
	    first_of(os_release, "IMAGE_VERSION VERSION VERSION_ID BUILD_ID", &entry.version,
		     err) ||
	    first_of(os_release, "IMAGE_ID ID", &entry.sort_key, err) ||
	    name_profile(uki, &entry, err))
		return -1;
	*ret = entry;
	entry = (struct boot_entry){ 0 };
	return 0;
}

/* --- order and default --------------------------------------------------- */

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ?: "", b ?: "");
}

/* Longer than any file's name. */
struct name {
	char text[NAME_MAX + 1];
};

/* blscfg compares names without their suffix. */
static struct name without_suffix(const char *id)
{
	struct name name;
	size_t length = strlen(id);

	if (length > 5 && !strcasecmp(id + length - 5, ".conf"))
		length -= 5;
	snprintf(name.text, sizeof(name.text), "%.*s", (int)length, id);
	return name;
}

/* systemd-boot compares them in small letters, and without a profile. */
static struct name in_small_letters(const struct boot_entry *entry)
{
	size_t length = entry->profile_at ?: strlen(entry->id);
	struct name name;

	snprintf(name.text, sizeof(name.text), "%.*s", (int)length, entry->id);
	for (char *c = name.text; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	return name;
}

/* Newest first; where that is the same, in one order on every run. */
static int compare_names(const void *a_entry, const void *b_entry)
{
	const struct boot_entry *a = a_entry, *b = b_entry;
	struct name a_name = without_suffix(a->id), b_name = without_suffix(b->id);

	return boot_version_compare(b_name.text, a_name.text) ?: strcmp(a->source, b->source);
}

static int compare_entries(const void *a_entry, const void *b_entry)
{
	const struct boot_entry *a = a_entry, *b = b_entry;
	int order = !a->tries_left - !b->tries_left;

	if (!order)
		order = !a->sort_key - !b->sort_key;
	if (!order && a->sort_key) {
		order = strcmp(a->sort_key, b->sort_key);
		if (!order)
			order = compare_texts(a->machine_id, b->machine_id);
		if (!order)
			order = boot_version_compare(b->version ?: "", a->version ?: "");
	}
	if (!order) {
		struct name a_name = in_small_letters(a), b_name = in_small_letters(b);

		order = boot_version_compare(b_name.text, a_name.text);
	}
	if (!order)
		order = (int)a->uki_profile - (int)b->uki_profile;
	if (!order && a->tries_left >= 0 && b->tries_left >= 0)
		order = a->tries_left != b->tries_left ? b->tries_left - a->tries_left
						       : a->tries_done - b->tries_done;
	return order ?: strcmp(a->source, b->source);
}

static void sort(struct boot_entries *entries, int (*compare)(const void *, const void *))
{
	if (entries->count)
		qsort(entries->entry, entries->count, sizeof(*entries->entry), compare);
}

void bls_sort(struct boot_entries *entries)
{
	sort(entries, compare_entries);
}

void bls_sort_for_grub(struct boot_entries *entries)
{
	sort(entries, compare_names);
}

int bls_efi_text(struct bytes variable, char **ret, struct err *err)
{
	enum { ATTRIBUTES_SIZE = 4 };
	struct cursor cursor = cursor_at(variable, ATTRIBUTES_SIZE);
	struct buf text CLEANUP(buf_done) = { 0 };
	uint16_t unit;

	/* As UTF-8, which names of files are in; half of a pair becomes text that none has. */
	while (cursor.offset < variable.size && (unit = cursor_u16(&cursor))) {
		const uint8_t utf8[] = { unit < 0x80 ? (uint8_t)unit : 0xe0 | unit >> 12,
					 0x80 | (unit >> 6 & 0x3f), 0x80 | (unit & 0x3f) };
		const uint8_t two[] = { 0xc0 | (unit >> 6 & 0x1f), utf8[2] };
		bool is_two = unit >= 0x80 && unit < 0x800;

		if (buf_append(&text, is_two ? two : utf8, is_two ? 2 : unit < 0x80 ? 1 : 3, err))
			return -1;
	}
	if (cursor.bad)
		return err_set(err, ERR_INPUT, "%zu bytes are no text of an EFI variable",
			       variable.size);
	return boot_text(buf_bytes(&text), ret, err);
}

static bool find_pattern(const struct boot_entries *entries, const char *pattern, size_t *ret)
{
	for (size_t i = 0; i < entries->count; i++) {
		if (!fnmatch(pattern, entries->entry[i].id, FNM_CASEFOLD) ||
		    boot_id_is(entries->entry[i].id, pattern)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

void bls_choose(struct boot_entries *entries, const struct bls_choice *choice)
{
	const char *wanted[] = { choice->once, choice->variable, choice->file };

	entries->chosen = 0;
	entries->not_chosen = (struct err){ 0 };
	if (!entries->count)
		err_set(&entries->not_chosen, ERR_INPUT, "there are no boot entries");
	else if (choice->preferred && *choice->preferred)
		err_set(&entries->not_chosen, ERR_INPUT,
			"the boot loader prefers \"%.100s\", by rules that are not known here",
			choice->preferred);
	if (entries->not_chosen.code)
		return;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		const char *pattern = wanted[i];

		if (pattern && !strcmp(pattern, "@saved"))
			pattern = choice->last;
		if (!pattern)
			continue;
		if (find_pattern(entries, pattern, &entries->chosen))
			return;
		/* Entries of systemd-boot's own, and names that it gives a meaning. */
		if (strchr(pattern, '@') || !strncasecmp(pattern, "auto-", 5)) {
			err_set(&entries->not_chosen, ERR_INPUT,
				"what the boot loader starts as \"%.100s\" is not known", pattern);
			return;
		}
	}
}
