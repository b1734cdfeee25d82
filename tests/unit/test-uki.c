/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is found in a unified kernel image, whole and spoilt, and what is made of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/initrd.h"
#include "kexec/core/num.h"
#include "kexec/core/uki.h"
#include "tests/mk/image.h"
#include "tests/mk/pack.h"
#include "tests/mk/uki.h"

enum { SECTIONS_MAX = 16 };

/* Names and contents, a pair each; ends with NULL. */
static void make(struct buf *uki, const char *const *words)
{
	struct mk_section section[SECTIONS_MAX];
	size_t count = 0;

	for (; words[0]; words += 2)
		section[count++] = (struct mk_section){ words[0], text_bytes(words[1]) };
	mk_uki(section, count, uki);
}

#define MAKE(uki, ...) make(uki, (const char *const[]){ __VA_ARGS__, NULL })

static struct uki parse(const struct buf *file, unsigned int profile)
{
	struct uki uki = { 0 };
	struct err err = { 0 };

	if (uki_parse(buf_bytes(file), profile, &uki, &err))
		fail_msg("%s", err.text);
	return uki;
}

/* NULL for a section that is not there. */
static void expect(const struct uki *uki, enum uki_id id, const char *contents)
{
	const struct uki_section *section = &uki->section[id];

	assert_int_equal(section->data.size, contents ? strlen(contents) : 0);
	assert_int_equal(section->zeros, 0);
	if (contents)
		assert_memory_equal(section->data.data, contents, strlen(contents));
}

static void expect_refused(const struct buf *file, unsigned int profile, enum err_code code,
			   const char *sentence)
{
	struct uki uki = { .profile = 77 };
	struct err err = { 0 };

	assert_int_equal(uki_parse(buf_bytes(file), profile, &uki, &err), -1);
	assert_string_equal(err.text, sentence);
	assert_int_equal(err.code, code);
	assert_int_equal(uki.profile, 77);
}

static void test_sections(void **state)
{
	struct buf file CLEANUP(buf_done) = { 0 };
	struct uki uki;

	(void)state;
	MAKE(&file, ".osrel", "ID=x", ".cmdline", "quiet", ".uname", "6.1", ".linux", "kernel",
	     ".initrd", "initrd", ".ucode", "ucode", ".dtb", "a", ".dtb", "b", ".dtbauto", "c",
	     ".dtbauto", "d", ".efifw", "e", ".efifw", "f", ".pcrsig", "{}", ".pcrpkey", "key");
	assert_true(uki_is(buf_bytes(&file)));
	uki = parse(&file, 0);
	expect(&uki, UKI_LINUX, "kernel");
	expect(&uki, UKI_INITRD, "initrd");
	expect(&uki, UKI_UCODE, "ucode");
	expect(&uki, UKI_CMDLINE, "quiet");
	expect(&uki, UKI_OSREL, "ID=x");
	expect(&uki, UKI_PCRSIG, "{}");
	expect(&uki, UKI_PCRPKEY, "key");
	expect(&uki, UKI_PROFILE, NULL);
	assert_int_equal(uki.nr_profiles, 0);
	/* Nothing is copied. */
	assert_true(uki.section[UKI_LINUX].data.data > file.data &&
		    uki.section[UKI_LINUX].data.data < file.data + file.size);
}

/* A name is 8 bytes, with no NUL if it has so many. */
static void test_names(void **state)
{
	struct buf file CLEANUP(buf_done) = { 0 };
	struct uki uki;

	(void)state;
	MAKE(&file, ".linux", "kernel", ".initrd2", "x", ".cmd", "x", ".profil", "x", ".linuxx",
	     "x");
	uki = parse(&file, 0);
	expect(&uki, UKI_INITRD, NULL);
	expect(&uki, UKI_CMDLINE, NULL);
	assert_int_equal(uki.nr_profiles, 0);
	/* What is behind that NUL is no part of it. */
	memcpy(mk_uki_entry(&file, 1), ".linux\0x", 8);
	assert_true(uki_is(buf_bytes(&file)));
	parse(&file, 0);
	memcpy(mk_uki_entry(&file, 1), ".linuxy", 7);
	assert_false(uki_is(buf_bytes(&file)));
}

static void test_profiles(void **state)
{
	struct buf file CLEANUP(buf_done) = { 0 };
	struct uki uki;

	(void)state;
	MAKE(&file, ".linux", "kernel", ".cmdline", "base", ".initrd", "initrd", ".osrel", "os",
	     ".profile", "ID=zero", ".profile", "ID=one", ".cmdline", "one", ".osrel", "",
	     ".profile", "ID=two", ".cmdline", "two", ".linux", "another", ".initrd", "another's");
	uki = parse(&file, 0);
	assert_int_equal(uki.nr_profiles, 3);
	expect(&uki, UKI_PROFILE, "ID=zero");
	expect(&uki, UKI_CMDLINE, "base");
	expect(&uki, UKI_OSREL, "os");
	uki = parse(&file, 1);
	expect(&uki, UKI_PROFILE, "ID=one");
	expect(&uki, UKI_CMDLINE, "one");
	expect(&uki, UKI_LINUX, "kernel");
	expect(&uki, UKI_INITRD, "initrd");
	/* An empty section is over the base's, too. */
	expect(&uki, UKI_OSREL, NULL);
	uki = parse(&file, 2);
	expect(&uki, UKI_CMDLINE, "two");
	expect(&uki, UKI_LINUX, "another");
	expect(&uki, UKI_INITRD, "another's");
	expect(&uki, UKI_OSREL, "os");
	expect_refused(&file, 3, ERR_INPUT, "no profile 3: it has 3, counted from 0");
	expect_refused(&file, 4000000000, ERR_INPUT,
		       "no profile 4000000000: it has 3, counted from 0");
}

static void test_no_profiles(void **state)
{
	struct buf file CLEANUP(buf_done) = { 0 }, odd CLEANUP(buf_done) = { 0 };

	(void)state;
	MAKE(&file, ".linux", "kernel");
	expect_refused(&file, 1, ERR_INPUT, "no profile 1: it has none at all");
	MAKE(&odd, ".profile", "ID=zero", ".cmdline", "zero", ".profile", "ID=one", ".linux",
	     "one");
	assert_true(uki_is(buf_bytes(&odd)));
	expect_refused(&odd, 0, ERR_INPUT, "profile 0 has no .linux section, nor has the base");
	parse(&odd, 1);
}

/* Contents are as large as VirtualSize, of data and of zeros that are not in the file. */
static void test_sizes(void **state)
{
	struct buf file CLEANUP(buf_done) = { 0 };
	struct uki uki;

	(void)state;
	MAKE(&file, ".linux", "kernel", ".initrd", "initrd", ".osrel", "os");
	put_u32(mk_uki_entry(&file, 1) + MK_UKI_VIRTUAL_SIZE, 3);
	put_u32(mk_uki_entry(&file, 2) + MK_UKI_VIRTUAL_SIZE, MK_UKI_FILE_ALIGNMENT + 5);
	/* Without data, wherever that would be. */
	put_u32(mk_uki_entry(&file, 3) + MK_UKI_RAW_SIZE, 0);
	put_u32(mk_uki_entry(&file, 3) + MK_UKI_RAW_AT, UINT32_MAX);
	uki = parse(&file, 0);
	expect(&uki, UKI_LINUX, "ker");
	assert_int_equal(uki.section[UKI_INITRD].data.size, MK_UKI_FILE_ALIGNMENT);
	assert_int_equal(uki.section[UKI_INITRD].zeros, 5);
	assert_int_equal(uki.section[UKI_OSREL].data.size, 0);
	assert_int_equal(uki.section[UKI_OSREL].zeros, 2);
	/* The kernel's own SizeOfImage, of whatever it needs. */
	put_u32(mk_uki_entry(&file, 1) + MK_UKI_VIRTUAL_SIZE, MK_UKI_ALIGNMENT);
	uki = parse(&file, 0);
	assert_int_equal(uki.section[UKI_LINUX].data.size, MK_UKI_FILE_ALIGNMENT);
	assert_int_equal(uki.section[UKI_LINUX].zeros, 0);

	put_u32(mk_uki_entry(&file, 3) + MK_UKI_VIRTUAL_SIZE, UKI_PADDING_MAX);
	parse(&file, 0);
	put_u32(mk_uki_entry(&file, 3) + MK_UKI_VIRTUAL_SIZE, UKI_PADDING_MAX + 1);
	expect_refused(&file, 0, ERR_INPUT,
		       "section .osrel: VirtualSize 0x10001 is more than 0x10000 larger than "
		       "SizeOfRawData 0x0");
}

static void test_is(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];
	struct buf file CLEANUP(buf_done) = { 0 }, addon CLEANUP(buf_done) = { 0 };

	(void)state;
	mk_image(image);
	assert_false(uki_is((struct bytes){ image, sizeof(image) }));
	assert_false(uki_is((struct bytes){ 0 }));
	MAKE(&addon, ".cmdline", "more");
	assert_false(uki_is(buf_bytes(&addon)));
	expect_refused(&addon, 0, ERR_INPUT, "profile 0 has no .linux section, nor has the base");
	MAKE(&file, ".linux", "kernel");
	assert_true(uki_is(buf_bytes(&file)));
	put_u32(file.data + 0x3c, (uint32_t)file.size - 3);
	assert_false(uki_is(buf_bytes(&file)));
	expect_refused(&file, 0, ERR_INPUT, "not a PE file");
	put_u32(file.data + 0x3c, UINT32_MAX);
	assert_false(uki_is(buf_bytes(&file)));
	put_u32(file.data + 0x3c, MK_UKI_PE_AT);
	file.data[0] = 'm';
	assert_false(uki_is(buf_bytes(&file)));
}

static void test_headers(void **state)
{
	struct buf file CLEANUP(buf_done) = { 0 };

	(void)state;
	MAKE(&file, ".linux", "kernel", ".initrd", "initrd");
	put_u16(file.data + MK_UKI_MACHINE_AT, 0xaa64);
	assert_true(uki_is(buf_bytes(&file)));
	expect_refused(&file, 0, ERR_INPUT,
		       "a PE file of type 0x20b for machine 0xaa64, not PE32+ (0x20b) for x86-64 "
		       "(0x8664)");
	put_u16(file.data + MK_UKI_MACHINE_AT, 0x8664);
	put_u16(file.data + MK_UKI_MAGIC_AT, 0x10b);
	expect_refused(&file, 0, ERR_INPUT,
		       "a PE file of type 0x10b for machine 0x8664, not PE32+ (0x20b) for x86-64 "
		       "(0x8664)");
	put_u16(file.data + MK_UKI_MAGIC_AT, 0x20b);
	put_u16(file.data + MK_UKI_COUNT_AT, UKI_SECTIONS_MAX + 1);
	expect_refused(&file, 0, ERR_INPUT, "1025 sections are more than the 1024 that are read");
	put_u16(file.data + MK_UKI_COUNT_AT, UKI_SECTIONS_MAX);
	expect_refused(&file, 0, ERR_DAMAGED,
		       "the section table ends at 0xa188, the file at 0x800: it is truncated");
	put_u16(file.data + MK_UKI_COUNT_AT, 3);
	parse(&file, 0);
}

static void test_bounds(void **state)
{
	struct buf file CLEANUP(buf_done) = { 0 };
	uint8_t *initrd;

	(void)state;
	MAKE(&file, ".linux", "kernel", ".initrd", "initrd", ".sbat", "1", ".ucode", "u");
	initrd = mk_uki_entry(&file, 2);
	/* To the last byte of the file, and one more. */
	put_u32(initrd + MK_UKI_RAW_AT, (uint32_t)file.size - 6);
	parse(&file, 0);
	put_u32(initrd + MK_UKI_RAW_AT, (uint32_t)file.size - 5);
	expect_refused(&file, 0, ERR_DAMAGED,
		       "section .initrd: it ends at 0xe01, the file at 0xe00: it is truncated");
	put_u32(initrd + MK_UKI_RAW_AT, UINT32_MAX);
	expect_refused(
		&file, 0, ERR_DAMAGED,
		"section .initrd: it ends at 0x100000005, the file at 0xe00: it is truncated");
	put_u32(initrd + MK_UKI_RAW_AT, 0x800);
	/* Nor may those be outside that are not used. */
	put_u32(mk_uki_entry(&file, 0) + MK_UKI_RAW_AT, UINT32_MAX);
	expect_refused(&file, 0, ERR_DAMAGED,
		       "section .text: it ends at 0x10000003f, the file at 0xe00: it is truncated");
	put_u32(mk_uki_entry(&file, 0) + MK_UKI_RAW_AT, 0x400);
	parse(&file, 0);
	/* Cut off anywhere it is no whole image. */
	for (size_t whole = file.size; file.size-- > 0;) {
		struct uki uki;
		struct err err = { 0 };

		if (file.size > whole - MK_UKI_FILE_ALIGNMENT)
			parse(&file, 0);
		else
			assert_int_equal(uki_parse(buf_bytes(&file), 0, &uki, &err), -1);
	}
}

static void test_overlap(void **state)
{
	struct buf file CLEANUP(buf_done) = { 0 };

	(void)state;
	MAKE(&file, ".linux", "kernel", ".initrd", "initrd", ".osrel", "");
	put_u32(mk_uki_entry(&file, 2) + MK_UKI_ADDRESS, 0x2006);
	parse(&file, 0);
	put_u32(mk_uki_entry(&file, 2) + MK_UKI_ADDRESS, 0x2005);
	expect_refused(&file, 0, ERR_INPUT,
		       "section .initrd: in memory it is at 0x2005-0x200b, over .linux at "
		       "0x2000-0x2006");
	put_u32(mk_uki_entry(&file, 2) + MK_UKI_ADDRESS, 0x1000);
	expect_refused(&file, 0, ERR_INPUT,
		       "section .initrd: in memory it is at 0x1000-0x1006, over .text at "
		       "0x1000-0x1040");
	put_u32(mk_uki_entry(&file, 2) + MK_UKI_ADDRESS, UINT32_MAX);
	/* What is empty is over nothing. */
	put_u32(mk_uki_entry(&file, 3) + MK_UKI_ADDRESS, 0x2003);
	parse(&file, 0);
}

static void test_repeated(void **state)
{
	static const char *const names[] = { ".linux", ".initrd", ".ucode",   ".cmdline",
					     ".osrel", ".pcrsig", ".pcrpkey", ".splash",
					     ".uname", ".sbat",	  ".hwids" };
	char sentence[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf twice CLEANUP(buf_done) = { 0 }, profile CLEANUP(buf_done) = { 0 };
		struct buf fine CLEANUP(buf_done) = { 0 };

		snprintf(sentence, sizeof(sentence),
			 "two sections %s: the base and each profile have one at most", names[i]);
		MAKE(&twice, ".linux", "kernel", names[i], "a", names[i], "b");
		expect_refused(
			&twice, 0, ERR_INPUT,
			i ? sentence
			  : "two sections .linux: the base and each profile have one at most");
		/* Also in one that is not chosen. */
		MAKE(&profile, ".linux", "kernel", ".profile", "", ".profile", "", names[i], "a",
		     names[i], "b");
		expect_refused(&profile, 0, ERR_INPUT, sentence);
		MAKE(&fine, ".linux", "kernel", i ? names[i] : ".x", "base", ".profile", "",
		     names[i], "a", ".profile", "", names[i], "b");
		parse(&fine, 1);
	}
}

/* --- the initrd ----------------------------------------------------------------- */

static uint64_t number(const uint8_t *header, unsigned int index)
{
	uint64_t value = 0;

	assert_true(num_parse((const char *)header + 6 + 8 * index, 8, 16, &value));
	return value;
}

/* The files of one archive, "MODE NAME=CONTENTS" each, by Documentation/driver-api/early-userspace/buffer-format.rst. */
static size_t list(struct bytes archive, char *to, size_t room)
{
	size_t at = 0, used = 0;

	to[0] = '\0';
	for (;;) {
		const uint8_t *header = archive.data + at;
		size_t name = at + 110, contents, size;

		assert_true(at % 4 == 0 && archive.size - at >= 110);
		assert_memory_equal(header, "070701", 6);
		size = number(header, 6);
		contents = (name + number(header, 11) + 3) / 4 * 4;
		assert_true(contents + size <= archive.size);
		assert_int_equal(archive.data[name + number(header, 11) - 1], 0);
		for (unsigned int zero = 2; zero < 13; zero++)
			if (zero != 4 && zero != 6 && zero != 11)
				assert_int_equal(number(header, zero), 0);
		assert_int_equal(number(header, 4), 1);
		at = (contents + size + 3) / 4 * 4;
		if (!strcmp((const char *)archive.data + name, "TRAILER!!!"))
			return at;
		used += (size_t)snprintf(to + used, room - used, "%o %s=%.*s\n",
					 (unsigned int)number(header, 1), archive.data + name,
					 (int)size, archive.data + contents);
		assert_true(used < room);
	}
}

static void make_initrd(const struct buf *file, unsigned int profile, const char *in_place,
			struct buf *ret)
{
	struct uki uki = parse(file, profile);
	struct err err = { 0 };

	if (uki_initrd(&uki, text_bytes(in_place), ret, &err))
		fail_msg("%s", err.text);
}

static void expect_bytes(const struct buf *initrd, size_t at, const void *bytes, size_t size)
{
	assert_true(at + size <= initrd->size);
	assert_memory_equal(initrd->data + at, bytes, size);
}

static void test_initrd(void **state)
{
	struct buf file CLEANUP(buf_done) = { 0 }, one CLEANUP(buf_done) = { 0 };
	struct buf two CLEANUP(buf_done) = { 0 }, three CLEANUP(buf_done) = { 0 };
	char files[512];
	size_t used;

	(void)state;
	MAKE(&file, ".initrd", "initrd", ".linux", "kernel", ".ucode", "ucode", ".pcrpkey", "key",
	     ".osrel", "ID=x\n", ".pcrsig", "{}", ".profile", "ID=zero", ".profile", "ID=one",
	     ".pcrsig", "{1}", ".ucode", "");
	make_initrd(&file, 0, "", &one);
	expect_bytes(&one, 0, "ucode\0\0\0initrd\0\0", 16);
	used = list((struct bytes){ one.data + 16, one.size - 16 }, files, sizeof(files));
	assert_int_equal(16 + used, one.size);
	assert_string_equal(files, "40555 .extra=\n"
				   "100444 .extra/os-release=ID=x\n\n"
				   "100444 .extra/tpm2-pcr-signature.json={}\n"
				   "100444 .extra/tpm2-pcr-public-key.pem=key\n"
				   "100444 .extra/profile=ID=zero\n");
	/* What is given is in place of .initrd alone. */
	make_initrd(&file, 0, "given", &two);
	expect_bytes(&two, 0, "ucode\0\0\0given\0\0\0", 16);
	assert_int_equal(two.size, one.size);
	make_initrd(&file, 1, "", &three);
	expect_bytes(&three, 0, "initrd\0\0", 8);
	list((struct bytes){ three.data + 8, three.size - 8 }, files, sizeof(files));
	assert_non_null(strstr(files, "signature.json={1}\n"));
	assert_non_null(strstr(files, "/profile=ID=one\n"));
}

static void test_initrd_without(void **state)
{
	struct buf file CLEANUP(buf_done) = { 0 }, none CLEANUP(buf_done) = { 0 };
	struct buf given CLEANUP(buf_done) = { 0 }, padded CLEANUP(buf_done) = { 0 };
	struct buf zeros CLEANUP(buf_done) = { 0 };
	char files[512];

	(void)state;
	MAKE(&file, ".linux", "kernel", ".cmdline", "quiet");
	make_initrd(&file, 0, "", &none);
	assert_int_equal(none.size, 0);
	make_initrd(&file, 0, "given", &given);
	assert_int_equal(given.size, 8);
	/* Zeros that are not in the file are in the initrd. */
	MAKE(&padded, ".linux", "kernel", ".osrel", "os");
	put_u32(mk_uki_entry(&padded, 2) + MK_UKI_RAW_SIZE, 2);
	put_u32(mk_uki_entry(&padded, 2) + MK_UKI_VIRTUAL_SIZE, 100);
	make_initrd(&padded, 0, "", &zeros);
	list(buf_bytes(&zeros), files, sizeof(files));
	assert_string_equal(files, "40555 .extra=\n100444 .extra/os-release=os\n");
	assert_int_equal(zeros.size, 120 + 128 + 100 + 124);
}

/* The kernel's unpacker takes it; ours judges by its rules. */
static void test_initrd_unpacks(void **state)
{
	struct buf plain CLEANUP(buf_done) = { 0 }, packed CLEANUP(buf_done) = { 0 };
	struct buf file CLEANUP(buf_done) = { 0 }, initrd CLEANUP(buf_done) = { 0 };
	struct buf out CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };

	(void)state;
	pack_file("init", text_bytes("#!"), &plain);
	pack_archive_end(&plain);
	pack_gzip(buf_bytes(&plain), &packed);
	mk_uki((const struct mk_section[]){ { ".linux", text_bytes("kernel") },
					    { ".initrd", buf_bytes(&packed) },
					    { ".ucode", buf_bytes(&plain) },
					    { ".osrel", text_bytes("ID=x") } },
	       4, &file);
	make_initrd(&file, 0, "", &initrd);
	if (initrd_unpack(buf_bytes(&initrd), 0, NULL, &out, &err))
		fail_msg("%s", err.text);
	expect_bytes(&out, 0, plain.data, plain.size);
	expect_bytes(&out, plain.size, plain.data, plain.size);
	assert_int_equal(out.size - 2 * plain.size,
			 initrd.size - plain.size - (packed.size + 3) / 4 * 4);
}

/* --- the command line ------------------------------------------------------------- */

static void expect_cmdline(struct bytes text, const char *cmdline, const char *warning)
{
	struct buf file CLEANUP(buf_done) = { 0 };
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	char *got CLEANUP(text_done) = NULL;
	struct err err = { 0 };
	struct uki uki;

	mk_uki((const struct mk_section[]){ { ".linux", text_bytes("kernel") },
					    { ".cmdline", text } },
	       2, &file);
	uki = parse(&file, 0);
	assert_int_equal(uki_cmdline(&uki, &warnings, &got, &err), 0);
	assert_string_equal(got ? got : "(null)", cmdline);
	assert_int_equal(warnings.count, warning ? 1 : 0);
	if (warning)
		assert_string_equal(warnings.text[0], warning);
}

static void test_cmdline(void **state)
{
	(void)state;
	expect_cmdline(text_bytes("quiet root=/dev/sda"), "quiet root=/dev/sda", NULL);
	expect_cmdline(text_bytes("quiet\n"), "quiet ", NULL);
	expect_cmdline(text_bytes("a\nb\tc\x7f\x01 \xc3\xa4"), "a b c   \xc3\xa4", NULL);
	expect_cmdline((struct bytes){ (const uint8_t *)"quiet\0\0\0", 8 }, "quiet", NULL);
	expect_cmdline(
		(struct bytes){ (const uint8_t *)"quiet\0\0init=/x", 14 }, "quiet",
		".cmdline ends with the NUL at its offset 5: the text behind it is not taken");
	expect_cmdline((struct bytes){ (const uint8_t *)"\0", 1 }, "", NULL);
	expect_cmdline((struct bytes){ 0 }, "(null)", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections),       cmocka_unit_test(test_names),
		cmocka_unit_test(test_profiles),       cmocka_unit_test(test_no_profiles),
		cmocka_unit_test(test_sizes),	       cmocka_unit_test(test_is),
		cmocka_unit_test(test_headers),	       cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_overlap),	       cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_initrd),	       cmocka_unit_test(test_initrd_without),
		cmocka_unit_test(test_initrd_unpacks), cmocka_unit_test(test_cmdline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
