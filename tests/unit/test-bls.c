/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries of the Boot Loader Specification: what a file says, their order, the default. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/bls.h"
#include "kexec/core/uki.h"

static struct bytes of(const char *text)
{
	return (struct bytes){ (const uint8_t *)text, strlen(text) };
}

static void add(struct boot_entries *to, const char *name, const char *text)
{
	struct boot_entry entry = { 0 };
	struct err err = { 0 };
	bool is_ours;

	if (bls_parse(of(text), "boot", name, &entry, &is_ours, &err) ||
	    (is_ours && boot_entries_add(to, &entry, &err)))
		fail_msg("%s: %s", name, err.text);
}

static void assert_order(const struct boot_entries *entries, const char *expected)
{
	char order[1000] = "";

	for (size_t i = 0; i < entries->count; i++) {
		strcat(order, i ? " " : "");
		strcat(order, entries->entry[i].id);
	}
	assert_string_equal(order, expected);
}

/* Each is older than the one behind it: the examples of the Version Format Specification, and
 * versions of kernels. */
static void test_versions(void **state)
{
	static const char *const ascending[] = {
		"~~",
		"~",
		"",
		"1~rc1",
		"1",
		"1-2",
		"1^post1",
		"1.1~rc1",
		"1.1",
		"1.2~2",
		"1.2",
		"1.2-1",
		"1.2^1",
		"1.2.0",
		"1.2.9",
		"1.2.10",
		"6.1.0-28-amd64",
		"6.8.0-49-generic",
		"6.8.0-100-generic",
		"6.11.4-301.fc41.x86_64",
		"6.11.10-300.fc41.x86_64",
		"6.12.0-rc7",
		"6.12.0.arch1-1",
		"100",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ascending) / sizeof(ascending[0]); i++) {
		for (size_t j = 0; j < sizeof(ascending) / sizeof(ascending[0]); j++) {
			int order = boot_version_compare(ascending[i], ascending[j]);

			if ((order > 0) - (order < 0) != (i > j) - (i < j))
				fail_msg("%s and %s: %d", ascending[i], ascending[j], order);
		}
	}
	/* Signs that only separate, zeros before a number. */
	assert_int_equal(boot_version_compare("6_1+x", "6/1x"), 0);
	assert_int_equal(boot_version_compare("1.002", "1.2"), 0);
	assert_true(boot_version_compare("1.b", "1.1") < 0);
	assert_true(boot_version_compare("1.a", "1.ab") < 0);
}

static void test_keys(void **state)
{
	struct boot_entries entries CLEANUP(boot_entries_done) = { 0 };
	const struct boot_entry *entry;

	(void)state;
	add(&entries, "a+3-1.conf",
	    "# a comment\n\n"
	    "  title \tArch Linux  \r\n"
	    "version 6.1\nmachine-id 4098\nsort-key arch\n"
	    "linux /a/linux\ninitrd /ucode\ninitrd\t/initrd with blank\n"
	    "options root=/dev/sda2\noptions   quiet\n"
	    "architecture X64\nunheard-of x\noptions");
	assert_int_equal(entries.count, 1);
	entry = entries.entry;
	assert_string_equal(entry->id, "a.conf");
	assert_string_equal(entry->source, "boot/loader/entries/a+3-1.conf");
	assert_string_equal(entry->title, "Arch Linux");
	assert_string_equal(entry->version, "6.1");
	assert_string_equal(entry->machine_id, "4098");
	assert_string_equal(entry->sort_key, "arch");
	assert_string_equal(entry->kernel, "/a/linux");
	assert_int_equal(entry->nr_initrds, 2);
	assert_string_equal(entry->initrd[0], "/ucode");
	assert_string_equal(entry->initrd[1], "/initrd with blank");
	assert_string_equal(entry->options, "root=/dev/sda2 quiet ");
	assert_int_equal(entry->tries_left, 3);
	assert_int_equal(entry->tries_done, 1);
	assert_false(entry->is_uki);
	/* Of another architecture, and nothing to start. */
	add(&entries, "arm.conf", "architecture aa64\nlinux /x\n");
	add(&entries, "arm.conf", "architecture x6\nlinux /x\n");
	add(&entries, "empty.conf", "title x\nlinux\n");
	assert_int_equal(entries.count, 1);
	add(&entries, "b.conf", "uki /EFI/Linux/b.efi\n");
	add(&entries, "c.conf", "efi /shell.efi\n");
	assert_true(entries.entry[1].is_uki && entries.entry[2].is_uki);
	add(&entries, "d.conf", "initrd /i\nuki /d.efi\ninitrd /j\n");
	assert_int_equal(entries.entry[3].nr_initrds, 0);
	assert_null(entries.entry[3].why);
	add(&entries, "e.conf", "uki /e.efi\nprofile 1\n");
	assert_string_equal(entries.entry[4].why->text,
			    "/boot/loader/entries/e.conf: `profile` is not known here");
	add(&entries, "f.conf", "uki-url http://x/f.efi\nuki /f.efi\n");
	assert_string_equal(entries.entry[5].why->text,
			    "/boot/loader/entries/f.conf: `uki-url` is not known here");
	add(&entries, "g.conf", "uki /g.efi\nextra /x.cred\n");
	assert_string_equal(entries.entry[6].why->text,
			    "/boot/loader/entries/g.conf: `extra` is not known here");
}

static void assert_name(const char *name, const char *id, int left, int done)
{
	struct boot_entries entries CLEANUP(boot_entries_done) = { 0 };

	add(&entries, name, "linux /x\n");
	assert_string_equal(entries.entry[0].id, id);
	assert_int_equal(entries.entry[0].tries_left, left);
	if (left >= 0)
		assert_int_equal(entries.entry[0].tries_done, done);
}

static void test_counters(void **state)
{
	(void)state;
	assert_name("a.conf", "a.conf", BOOT_TRIES_UNCOUNTED, 0);
	assert_name("a+2.conf", "a.conf", 2, 0);
	assert_name("a+0-3.conf", "a.conf", 0, 3);
	assert_name("a+1+2-3.conf", "a+1.conf", 2, 3);
	assert_name("a+.conf", "a+.conf", BOOT_TRIES_UNCOUNTED, 0);
	assert_name("a+2-.conf", "a+2-.conf", BOOT_TRIES_UNCOUNTED, 0);
	assert_name("a+2x.conf", "a+2x.conf", BOOT_TRIES_UNCOUNTED, 0);
	assert_name("linux-6.1+deb.conf", "linux-6.1+deb.conf", BOOT_TRIES_UNCOUNTED, 0);
	assert_name("a+99999999999999999999.conf", "a.conf", INT16_MAX, 0);
}

static void test_order(void **state)
{
	struct boot_entries entries CLEANUP(boot_entries_done) = { 0 };

	(void)state;
	add(&entries, "a-5.conf", "linux /x\n");
	add(&entries, "a-10.conf", "linux /x\n");
	add(&entries, "z+0-3.conf", "linux /x\nsort-key aaa\nversion 99\n");
	add(&entries, "n-1.conf", "linux /x\nsort-key nixos\nmachine-id 1\nversion 1\n");
	add(&entries, "n-2.conf", "linux /x\nsort-key nixos\nmachine-id 1\nversion 2\n");
	add(&entries, "n-9.conf", "linux /x\nsort-key nixos\nmachine-id 2\nversion 9\n");
	add(&entries, "m.conf", "linux /x\nsort-key arch\n");
	add(&entries, "c+1-2.conf", "linux /x\n");
	add(&entries, "c+3.conf", "linux /x\n");
	bls_sort(&entries);
	assert_order(&entries, "m.conf n-2.conf n-1.conf n-9.conf c.conf c.conf a-10.conf a-5.conf "
			       "z.conf");
	assert_int_equal(entries.entry[4].tries_left, 3);
	bls_sort_for_grub(&entries);
	assert_order(&entries, "z.conf n-9.conf n-2.conf n-1.conf m.conf c.conf c.conf a-10.conf "
			       "a-5.conf");
}

/* By name: GRUB's without the suffix, systemd-boot's in small letters. */
static void test_order_of_names(void **state)
{
	struct boot_entries entries CLEANUP(boot_entries_done) = { 0 };

	(void)state;
	add(&entries, "m-6.1.conf", "linux /x\n");
	add(&entries, "m-6.1-lts.conf", "linux /x\n");
	bls_sort_for_grub(&entries);
	assert_order(&entries, "m-6.1-lts.conf m-6.1.conf");
	bls_sort(&entries);
	assert_order(&entries, "m-6.1.conf m-6.1-lts.conf");
	boot_entries_done(&entries);
	add(&entries, "alpha.conf", "linux /x\n");
	add(&entries, "Zeta.conf", "linux /x\n");
	bls_sort(&entries);
	assert_order(&entries, "Zeta.conf alpha.conf");
}

static void assert_chosen(struct boot_entries *entries, struct bls_choice choice, const char *id)
{
	bls_choose(entries, &choice);
	assert_int_equal(entries->not_chosen.code, ERR_NONE);
	assert_string_equal(entries->entry[entries->chosen].id, id);
}

static void assert_unknown(struct boot_entries *entries, struct bls_choice choice, const char *why)
{
	bls_choose(entries, &choice);
	assert_string_equal(entries->not_chosen.code ? entries->not_chosen.text : "", why);
}

static void test_default(void **state)
{
	struct boot_entries entries CLEANUP(boot_entries_done) = { 0 };

	(void)state;
	bls_choose(&entries, &(struct bls_choice){ 0 });
	assert_string_equal(entries.not_chosen.text, "there are no boot entries");
	add(&entries, "arch-2.conf", "linux /x\n");
	add(&entries, "arch-1.conf", "linux /x\n");
	add(&entries, "Alts.conf", "linux /x\n");
	bls_sort(&entries);
	assert_order(&entries, "arch-2.conf arch-1.conf Alts.conf");
	assert_chosen(&entries, (struct bls_choice){ 0 }, "arch-2.conf");
	assert_chosen(&entries, (struct bls_choice){ .file = "alts.conf" }, "Alts.conf");
	assert_chosen(&entries, (struct bls_choice){ .file = "arch-[01].*" }, "arch-1.conf");
	assert_chosen(&entries, (struct bls_choice){ .file = "arch-*" }, "arch-2.conf");
	assert_chosen(&entries, (struct bls_choice){ .file = "arch-1" }, "arch-1.conf");
	assert_chosen(&entries, (struct bls_choice){ .file = "none.conf" }, "arch-2.conf");
	assert_chosen(&entries, (struct bls_choice){ .file = "arch-1.conf", .variable = "alts*" },
		      "Alts.conf");
	assert_chosen(&entries,
		      (struct bls_choice){ .once = "arch-1.conf", .variable = "Alts.conf" },
		      "arch-1.conf");
	assert_chosen(&entries, (struct bls_choice){ .variable = "@saved", .last = "Alts.conf" },
		      "Alts.conf");
	assert_chosen(&entries, (struct bls_choice){ .file = "@saved" }, "arch-2.conf");
	assert_unknown(&entries, (struct bls_choice){ .file = "@oldest" },
		       "what the boot loader starts as \"@oldest\" is not known");
	assert_unknown(&entries, (struct bls_choice){ .once = "auto-windows", .file = "Alts.conf" },
		       "what the boot loader starts as \"auto-windows\" is not known");
	assert_unknown(&entries, (struct bls_choice){ .file = "@saved", .last = "x.efi@1" },
		       "what the boot loader starts as \"x.efi@1\" is not known");
	assert_unknown(&entries, (struct bls_choice){ .file = "Alts.conf", .preferred = "arch-*" },
		       "the boot loader prefers \"arch-*\", by rules that are not known here");
}

static void test_loader_conf(void **state)
{
	char *found CLEANUP(text_done) = NULL;
	struct err err;

	(void)state;
	assert_int_equal(bls_loader_value(of("timeout 3\n#default x\n"), "default", &found, &err),
			 0);
	assert_null(found);
	assert_int_equal(
		bls_loader_value(of(" default a\ndefault\tb.conf \n"), "default", &found, &err), 0);
	assert_string_equal(found, "b.conf");
}

static void test_efi_text(void **state)
{
	static const uint8_t whole[] = "\6\0\0\0a\0.\0\344\0b\0\0\0x";
	char *text CLEANUP(text_done) = NULL;
	struct err err;

	(void)state;
	assert_int_equal(bls_efi_text((struct bytes){ whole, 15 }, &text, &err), 0);
	assert_string_equal(text, "a.\303\244b");
	/* Without a NUL at its end, and cut in a character. */
	assert_int_equal(bls_efi_text((struct bytes){ whole, 6 }, &text, &err), 0);
	assert_string_equal(text, "a");
	assert_int_equal(bls_efi_text((struct bytes){ whole, 7 }, &text, &err), -1);
	assert_string_equal(err.text, "7 bytes are no text of an EFI variable");
	assert_int_equal(bls_efi_text((struct bytes){ whole, 3 }, &text, &err), -1);
}

/* A PE file with sections .linux and .osrel. */
static size_t make_uki(uint8_t *image)
{
	static const struct {
		const char *name;
		uint32_t size, raw_size, offset;
	} sections[] = { { ".linux", 16, 512, 0x400 }, { ".osrel", 100, 30, 0x200 } };
	size_t at = 0x80 + 24 + 240;

	memset(image, 0, 0x600);
	memcpy(image, "MZ", 2);
	put_u32(image + 0x3c, 0x80);
	memcpy(image + 0x80, "PE\0", 4);
	put_u16(image + 0x84, 0x8664);
	put_u16(image + 0x86, 2);
	put_u16(image + 0x94, 240);
	for (size_t i = 0; i < 2; i++, at += 40) {
		memcpy(image + at, sections[i].name, strlen(sections[i].name));
		put_u32(image + at + 8, sections[i].size);
		put_u32(image + at + 16, sections[i].raw_size);
		put_u32(image + at + 20, sections[i].offset);
	}
	return 0x600;
}

static void test_uki(void **state)
{
	struct boot_entry entry CLEANUP(boot_entry_done) = { 0 };
	uint8_t image[0x600];
	uint64_t offset;
	uint32_t size;
	struct bytes file = { image, make_uki(image) };
	const struct bls_uki uki = { 0,
				     of("NAME=x\nID=fedora\nPRETTY_NAME=\"Fedora Linux 41\"\n"
					"VERSION_ID='41'\nBUILD_ID=9\nIMAGE_ID=\n"),
				     of("ID=main\n") };
	struct err err;

	(void)state;
	assert_true(uki_find(file, 0, UKI_OSREL, &offset, &size));
	assert_int_equal(offset, 0x200);
	assert_int_equal(size, 30);
	assert_false(uki_find(file, 0, UKI_CMDLINE, &offset, &size));
	assert_int_equal(uki_count_profiles(file), 0);
	for (size_t cut = 0; cut < 0x80 + 24 + 240 + 80; cut++)
		assert_false(uki_find((struct bytes){ image, cut }, 0, UKI_OSREL, &offset, &size));
	assert_int_equal(bls_of_uki(&uki, "efi", "fedora-6.11+2.efi", &entry, &err), 0);
	assert_string_equal(entry.id, "fedora-6.11.efi");
	assert_string_equal(entry.kernel, "/EFI/Linux/fedora-6.11+2.efi");
	assert_string_equal(entry.title, "Fedora Linux 41");
	assert_string_equal(entry.version, "41");
	assert_string_equal(entry.sort_key, "fedora");
	assert_string_equal(entry.top, "efi");
	assert_int_equal(entry.tries_left, 2);
	assert_true(entry.is_uki);
}

/* Ids and titles are systemd-boot's; in the menu a file's profiles keep its place, and their order. */
static void test_profiles(void **state)
{
	static const struct {
		unsigned int profile;
		const char *about, *id, *title;
	} rows[] = {
		{ 0, "", "y.efi", "Y" },
		{ 0, "ID=main\nTITLE='Main'\n", "y.efi", "Y (Main)" },
		{ 1, "", "y.efi@1", "Y (Profile #2)" },
		{ 2, "ID=reset\n", "y.efi@reset", "Y (reset)" },
		{ 3, "ID=safe\nTITLE=Safe mode\n", "y.efi@safe", "Y (Safe mode)" },
		{ 10, "TITLE=Ten\n", "y.efi@10", "Y (Ten)" },
	};
	struct boot_entries entries CLEANUP(boot_entries_done) = { 0 };
	struct boot_entry entry = { 0 };
	struct err err;

	(void)state;
	for (size_t i = sizeof(rows) / sizeof(rows[0]); i--;) {
		const struct bls_uki uki = { rows[i].profile, of("NAME=Y\nID=y\n"),
					     of(rows[i].about) };

		assert_int_equal(bls_of_uki(&uki, "efi", "y+3-1.efi", &entry, &err), 0);
		assert_string_equal(entry.id, rows[i].id);
		assert_string_equal(entry.title, rows[i].title);
		assert_string_equal(entry.kernel, "/EFI/Linux/y+3-1.efi");
		assert_int_equal(entry.uki_profile, rows[i].profile);
		assert_int_equal(entry.tries_left, 3);
		if (i)
			assert_int_equal(boot_entries_add(&entries, &entry, &err), 0);
	}
	boot_entry_done(&entry);
	assert_int_equal(bls_of_uki(&(struct bls_uki){ 0, of("NAME=Y\nID=y\n"), of("") }, "efi",
				    "y-2.efi", &entry, &err),
			 0);
	assert_int_equal(boot_entries_add(&entries, &entry, &err), 0);
	bls_sort(&entries);
	for (size_t i = 1; i < entries.count; i++)
		assert_string_equal(entries.entry[i - 1].id, rows[i].id);
	assert_string_equal(entries.entry[entries.count - 1].id, "y-2.efi");
}

static void assert_found(const struct boot_entries *entries, const char *name, size_t expected)
{
	struct err err = { 0 };
	size_t found;

	if (boot_entries_find(entries, name, &found, &err))
		fail_msg("%s: %s", name, err.text);
	assert_int_equal(found, expected);
}

static void test_names(void **state)
{
	struct boot_entries entries CLEANUP(boot_entries_done) = { 0 };
	struct err err;
	size_t found;

	(void)state;
	add(&entries, "a.conf", "linux /x\ntitle Same\n");
	add(&entries, "b.conf", "linux /x\ntitle Same\n");
	add(&entries, "c.efi.conf", "linux /x\ntitle a.conf\n");
	add(&entries, "a.conf.conf", "linux /x\ntitle Other\n");
	add(&entries, "untitled.conf", "linux /x\n");
	assert_found(&entries, "b", 1);
	assert_found(&entries, "b.conf", 1);
	assert_found(&entries, "Other", 3);
	assert_int_equal(boot_entries_find(&entries, "Same", &found, &err), -1);
	assert_string_equal(err.text, "2 boot entries are called \"Same\"; the first stands in "
				      "/boot/loader/entries/a.conf");
	assert_int_equal(boot_entries_find(&entries, "a.conf", &found, &err), -1);
	assert_int_equal(boot_entries_find(&entries, "", &found, &err), -1);
	assert_string_equal(err.text, "no boot entry is called \"\"");
}

static void test_limits(void **state)
{
	struct boot_entries entries CLEANUP(boot_entries_done) = { 0 };
	struct buf text CLEANUP(buf_done) = { 0 };
	struct boot_entry entry = { 0 };
	struct err err;
	bool is_ours;

	(void)state;
	for (size_t i = 0; i <= BOOT_INITRDS_MAX; i++)
		assert_int_equal(buf_append(&text, "initrd /x\n", 10, &err), 0);
	assert_int_equal(bls_parse(buf_bytes(&text), "boot", "a.conf", &entry, &is_ours, &err), -1);
	assert_string_equal(err.text, "/boot/loader/entries/a.conf: the entry has more than 64 "
				      "initrds");
	for (size_t i = 0; i < BOOT_ENTRIES_MAX; i++)
		add(&entries, "a.conf", "linux /x\n");
	assert_int_equal(bls_parse(of("linux /x"), "boot", "a", &entry, &is_ours, &err), 0);
	assert_int_equal(boot_entries_add(&entries, &entry, &err), -1);
	assert_string_equal(err.text, "there are more than 1000 boot entries");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_order_of_names),
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_loader_conf),
		cmocka_unit_test(test_efi_text),
		cmocka_unit_test(test_uki),
		cmocka_unit_test(test_profiles),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
