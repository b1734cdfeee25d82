/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/bootentry.h"

#include <stdlib.h>
#include <string.h>

/* --- entries ------------------------------------------------------------- */

void boot_entry_forget_initrds(struct boot_entry *entry)
{
	while (entry->nr_initrds)
		free(entry->initrd[--entry->nr_initrds]);
}

void boot_entry_done(struct boot_entry *entry)
{
	boot_entry_forget_initrds(entry);
	free(entry->initrd);
	free(entry->id);
	free(entry->title);
	free(entry->place);
	free(entry->source);
	free(entry->kernel);
	free(entry->options);
	free(entry->top);
	free(entry->device);
	free(entry->why);
	free(entry->sort_key);
	free(entry->machine_id);
	free(entry->version);
	*entry = (struct boot_entry){ 0 };
}

int boot_entry_refuse(struct boot_entry *entry, const struct err *why, struct err *err)
{
	if (why->code == ERR_NO_MEMORY) {
		*err = *why;
		return -1;
	}
	if (entry->why)
		return 0;
	entry->why = malloc(sizeof(*entry->why));
	if (!entry->why)
		return err_no_memory(err);
	*entry->why = *why;
	return 0;
}

int boot_text(struct bytes text, char **ret, struct err *err)
{
	char *copy = strndup(text.size ? (const char *)text.data : "", text.size);

	if (!copy)
		return err_no_memory(err);
	free(*ret);
	*ret = copy;
	return 0;
}

int boot_text_add(struct bytes text, char **ret, struct err *err)
{
	struct buf line CLEANUP(buf_done) = { 0 };

	if (*ret && **ret &&
	    (buf_append(&line, *ret, strlen(*ret), err) || buf_append(&line, " ", 1, err)))
		return -1;
	if (buf_append(&line, text.data, text.size, err))
		return -1;
	return boot_text(buf_bytes(&line), ret, err);
}

int boot_entry_add_initrd(struct boot_entry *entry, struct bytes path, struct err *err)
{
	char *text = NULL;

	if (entry->nr_initrds == BOOT_INITRDS_MAX)
		return err_set(err, ERR_INPUT, "the entry has more than %d initrds",
			       BOOT_INITRDS_MAX);
	if (array_grow(&entry->initrd, &entry->initrds_room, entry->nr_initrds,
		       sizeof(*entry->initrd), err) ||
	    boot_text(path, &text, err))
		return -1;
	entry->initrd[entry->nr_initrds++] = text;
	return 0;
}

int boot_entries_add(struct boot_entries *entries, struct boot_entry *entry, struct err *err)
{
	int failed = entries->count == BOOT_ENTRIES_MAX
			     ? err_set(err, ERR_INPUT, "there are more than %d boot entries",
				       BOOT_ENTRIES_MAX)
			     : array_grow(&entries->entry, &entries->room, entries->count,
					  sizeof(*entries->entry), err);

	if (failed) {
		boot_entry_done(entry);
		return -1;
	}
	entries->entry[entries->count++] = *entry;
	*entry = (struct boot_entry){ 0 };
	return 0;
}

int boot_entries_join(struct boot_entries *entries, struct boot_entries *more, struct err *err)
{
	for (size_t i = 0; i < more->count; i++)
		if (boot_entries_add(entries, &more->entry[i], err))
			return -1;
	return 0;
}

void boot_entries_done(struct boot_entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		boot_entry_done(&entries->entry[i]);
	free(entries->entry);
	*entries = (struct boot_entries){ 0 };
}

/* --- names --------------------------------------------------------------- */

bool boot_id_is(const char *id, const char *name)
{
	size_t length = strlen(name);

	return !strncmp(id, name, length) &&
	       (!id[length] || !strcmp(id + length, ".conf") || !strcmp(id + length, ".efi"));
}

static bool is_called(const struct boot_entry *entry, const char *name, unsigned int how)
{
	if (how == 0)
		return boot_id_is(entry->id, name);
	if (how == 1)
		return *name && !strcmp(entry->title, name);
	return entry->place && !strcmp(entry->place, name);
}

int boot_entries_find(const struct boot_entries *entries, const char *name, size_t *ret,
		      struct err *err)
{
	size_t found = 0, count = 0;

	for (unsigned int how = 0; how < 3 && !count; how++) {
		for (size_t i = 0; i < entries->count; i++) {
			if (!is_called(&entries->entry[i], name, how))
				continue;
			if (!count++)
				found = i;
		}
	}
	if (!count)
		return err_set(err, ERR_INPUT, "no boot entry is called \"%s\"", name);
	if (count > 1)
		return err_set(err, ERR_INPUT,
			       "%zu boot entries are called \"%s\"; the first stands in /%s", count,
			       name, entries->entry[found].source);
	*ret = found;
	return 0;
}

/* --- versions ------------------------------------------------------------ */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Anything else only separates. */
static const char *skip_separators(const char *text)
{
	while (*text && !is_digit(*text) && !is_letter(*text) && !strchr("~-^.", *text))
		text++;
	return text;
}

static size_t span(const char *text, bool (*is_one)(char))
{
	size_t length = 0;

	while (is_one(text[length]))
		length++;
	return length;
}

/* Without leading zeros the longer number is the larger. */
static int compare_numbers(const char *a, size_t a_length, const char *b, size_t b_length)
{
	for (; a_length && *a == '0'; a_length--)
		a++;
	for (; b_length && *b == '0'; b_length--)
		b++;
	if (a_length != b_length)
		return a_length < b_length ? -1 : 1;
	return memcmp(a, b, a_length);
}

static int compare_words(const char *a, size_t a_length, const char *b, size_t b_length)
{
	int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

	return order ?: (a_length > b_length) - (a_length < b_length);
}

int boot_version_compare(const char *a, const char *b)
{
	/* Whichever has one of these where the other has not is older; what has ended is older
	 * than all but "~". */
	static const char marks[] = "~\0-^.";

	for (;;) {
		bool a_is_number, b_is_number, passed = false;
		size_t a_length, b_length;
		int order;

		a = skip_separators(a);
		b = skip_separators(b);
		for (size_t i = 0; i < sizeof(marks) - 1 && !passed; i++) {
			if (*a != marks[i] && *b != marks[i])
				continue;
			if (*a != *b)
				return *a == marks[i] ? -1 : 1;
			if (!*a)
				return 0;
			passed = true;
		}
		if (passed) {
			a++;
			b++;
			continue;
		}
		a_is_number = is_digit(*a);
		b_is_number = is_digit(*b);
		if (a_is_number != b_is_number)
			return a_is_number ? 1 : -1;
		a_length = span(a, a_is_number ? is_digit : is_letter);
		b_length = span(b, a_is_number ? is_digit : is_letter);
		order = (a_is_number ? compare_numbers : compare_words)(a, a_length, b, b_length);
		if (order)
			return order;
		a += a_length;
		b += b_length;
	}
}
