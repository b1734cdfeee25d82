/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: the name of an entry in a line, then its file. The same is taken for the other files. */
#include "kexec/core/bls.h"
#include "kexec/core/uki.h"
#include "tests/fuzz/fuzz.h"

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

/* An order: nobody is before who is before him, and what is before both is before the last. */
static void check_versions(const char *a, const char *b, const char *c)
{
	require(!boot_version_compare(a, a));
	require(sign(boot_version_compare(a, b)) == -sign(boot_version_compare(b, a)));
	if (boot_version_compare(a, b) <= 0 && boot_version_compare(b, c) <= 0)
		require(boot_version_compare(a, c) <= 0);
}

static void check_entry(const struct boot_entry *entry)
{
	require(entry->id && entry->title && entry->options && entry->source && entry->top);
	require(entry->kernel && *entry->kernel);
	require(entry->tries_left >= BOOT_TRIES_UNCOUNTED && entry->tries_done >= 0);
	require(boot_id_is(entry->id, entry->id));
	check_versions(entry->id, entry->version ?: "", entry->sort_key ?: "");
	check_versions(entry->title, entry->id, entry->options);
}

/* What is found has that name; how many have it is counted by whoever asks for nothing else. */
static void check_find(const struct boot_entries *entries, const char *name)
{
	const struct boot_entry *entry;
	struct err err;
	size_t found;

	if (boot_entries_find(entries, name, &found, &err)) {
		require(is_sentence(err.text));
		return;
	}
	entry = &entries->entry[found];
	require(boot_id_is(entry->id, name) || !strcmp(entry->title, name));
}

static int compare_without_suffix(const char *a, const char *b)
{
	const char *id[] = { a, b };
	char name[2][256];

	for (size_t i = 0; i < 2; i++) {
		size_t length = strlen(id[i]);

		if (length > 5 && !strcasecmp(id[i] + length - 5, ".conf"))
			length -= 5;
		snprintf(name[i], sizeof(name[i]), "%.*s", (int)length, id[i]);
	}
	return boot_version_compare(name[0], name[1]);
}

static void check_order(struct boot_entries *entries, const char *name)
{
	const struct bls_choice choices[] = { { .file = name },
					      { .variable = "*.conf", .last = name },
					      { .once = "@saved", .last = name } };

	bls_sort_for_grub(entries);
	for (size_t i = 1; i < entries->count; i++)
		require(compare_without_suffix(entries->entry[i - 1].id, entries->entry[i].id) >=
			0);
	bls_sort(entries);
	for (size_t i = 1; i < entries->count; i++)
		require(entries->entry[i - 1].tries_left || !entries->entry[i].tries_left);
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		bls_choose(entries, &choices[i]);
		require(entries->count ? entries->chosen < entries->count
				       : entries->not_chosen.code != ERR_NONE);
	}
}

/* The entry, one of a similar name, and a UKI. */
static void check_parse(struct bytes text, const char *name)
{
	struct boot_entries entries CLEANUP(boot_entries_done) = { 0 };
	struct boot_entries all CLEANUP(boot_entries_done) = { 0 };
	struct boot_entry entry = { 0 }, uki = { 0 }, second = { 0 };
	char other[300];
	struct err err;

	check_order(&entries, name);
	snprintf(other, sizeof(other), "%s~x.conf", name);
	for (unsigned int i = 0; i < 3; i++) {
		bool is_ours = false;

		if (bls_parse(text, "boot", i == 1 ? other : name, &entry, &is_ours, &err))
			require(is_sentence(err.text));
		else if (is_ours) {
			check_entry(&entry);
			require(!boot_entries_add(&entries, &entry, &err));
		}
	}
	require(!bls_of_uki(&(struct bls_uki){ 0, text, text }, "efi", name, &uki, &err));
	require(!boot_entries_add(&entries, &uki, &err));
	require(!bls_of_uki(&(struct bls_uki){ 1, text, text }, "efi", name, &second, &err));
	require(second.id[second.profile_at] == '@');
	require(!boot_entries_add(&entries, &second, &err));
	require(!boot_entries_join(&all, &entries, &err));
	check_order(&all, name);
	for (size_t i = 0; i < all.count; i++) {
		check_find(&all, all.entry[i].id);
		check_find(&all, all.entry[i].title);
	}
	check_find(&all, other);
}

static void check_others(struct bytes text)
{
	char *loader CLEANUP(text_done) = NULL, *variable CLEANUP(text_done) = NULL;
	struct err err;
	uint64_t offset;
	uint32_t size;

	require(!bls_loader_value(text, "default", &loader, &err));
	if (bls_efi_text(text, &variable, &err))
		require(is_sentence(err.text));
	for (unsigned int profile = 0; profile <= uki_count_profiles(text); profile++)
		if (uki_find(text, profile, UKI_OSREL, &offset, &size))
			require(offset <= UINT32_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = { data, size }, line = { NULL, 0 };
	char name[256];

	check_others(rest);
	bytes_next_line(&rest, &line);
	snprintf(name, sizeof(name), "%.*s", (int)(line.size < 255 ? line.size : 255),
		 line.size ? (const char *)line.data : "");
	check_parse(rest, name);
	return 0;
}
