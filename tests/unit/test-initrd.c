/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of an initrd's members, whole and damaged. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "kexec/core/initrd.h"
#include "tests/mk/pack.h"

static struct bytes of(const char *text)
{
	return (struct bytes){ (const uint8_t *)text, strlen(text) };
}

static void append(struct buf *to, struct bytes bytes)
{
	struct err err;

	assert_int_equal(buf_append(to, bytes.data, bytes.size, &err), 0);
}

static void zeros(struct buf *to, size_t count)
{
	struct err err;

	assert_int_equal(buf_extend(to, to->size + count, &err), 0);
}

/* Two files; what they hold makes sizes that are no multiple of 4. */
static void archive(const char *name, struct buf *to)
{
	pack_file(name, of("contents"), to);
	pack_file("etc/of-another", of("a line of it\n"), to);
	pack_archive_end(to);
}

static void packed(void (*with)(struct bytes in, struct buf *to), const char *name, struct buf *to)
{
	struct buf plain CLEANUP(buf_done) = { 0 };

	archive(name, &plain);
	with(buf_bytes(&plain), to);
}

static void assert_unpacks(const struct buf *in, const struct buf *expected)
{
	struct buf out CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };

	if (initrd_unpack(buf_bytes(in), 0, NULL, &out, &err))
		assert_string_equal(err.text, "");
	assert_int_equal(out.size, expected->size);
	assert_memory_equal(out.data, expected->data, expected->size);
}

static bool says_damage(const char *text)
{
	return strstr(text, "damaged") || strstr(text, "truncated") ||
	       strstr(text, "has not ended");
}

static void assert_refused(const struct buf *in, const char *sentence)
{
	struct buf out CLEANUP(buf_done) = { 0 };
	struct err err;

	assert_int_equal(initrd_unpack(buf_bytes(in), 0, NULL, &out, &err), -1);
	assert_int_equal(err.code, says_damage(err.text) ? ERR_DAMAGED : ERR_INPUT);
	assert_null(out.data);
	if (strncmp(err.text, sentence, strlen(sentence)))
		assert_string_equal(err.text, sentence);
}

static void (*const formats[])(struct bytes in, struct buf *to) = {
	pack_gzip, pack_xz, pack_zstd, pack_lz4, pack_lz4_legacy, pack_lzma, pack_bzip2, pack_lzop,
};

enum { NR_FORMATS = sizeof(formats) / sizeof(formats[0]) };

static void test_formats(void **state)
{
	struct buf expected CLEANUP(buf_done) = { 0 };

	(void)state;
	archive("a", &expected);
	for (size_t i = 0; i < NR_FORMATS; i++) {
		struct buf in CLEANUP(buf_done) = { 0 };

		packed(formats[i], "a", &in);
		assert_unpacks(&in, &expected);
		/* Zeros behind it are nothing. */
		zeros(&in, 9);
		assert_unpacks(&in, &expected);
	}
}

/* As distributions make it: microcode as it is, then the rest; here in every format. */
static void test_order(void **state)
{
	static const char name[] = "of-some-length";
	struct buf in CLEANUP(buf_done) = { 0 }, expected CLEANUP(buf_done) = { 0 };

	(void)state;
	archive("kernel/x86/microcode/GenuineIntel.bin", &in);
	zeros(&in, 512 - in.size % 512);
	append(&expected, buf_bytes(&in));
	for (size_t i = 0; i < NR_FORMATS; i++) {
		packed(formats[i], &name[i], &in);
		/* What is legacy lz4 ends with zeros; the other needs none. */
		zeros(&in, formats[i] == pack_lz4_legacy ? 8 : i % 2);
		archive(&name[i], &expected);
	}
	zeros(&in, -in.size % 4);
	archive("last", &in);
	archive("last", &expected);
	zeros(&in, 512);
	zeros(&expected, 512);
	assert_unpacks(&in, &expected);
}

/* A member that ends anywhere, and is archives of its own. */
static void test_alignment(void **state)
{
	(void)state;
	for (size_t tail = 0; tail < 8; tail++) {
		struct buf in CLEANUP(buf_done) = { 0 }, expected CLEANUP(buf_done) = { 0 };
		struct buf two CLEANUP(buf_done) = { 0 };

		archive("first", &two);
		zeros(&two, 128);
		archive("second", &two);
		zeros(&two, tail);
		pack_gzip(buf_bytes(&two), &in);
		packed(pack_xz, "third", &in);
		append(&expected, buf_bytes(&two));
		zeros(&expected, -expected.size % 4);
		archive("third", &expected);
		assert_unpacks(&in, &expected);
	}
}

static void test_bootconfig(void **state)
{
	static const char config[] = "kernel.ftrace = 1\nx";

	(void)state;
	/* A boot loader may align it, as it does the whole. */
	for (size_t padding = 0; padding < 4; padding++) {
		struct buf in CLEANUP(buf_done) = { 0 }, expected CLEANUP(buf_done) = { 0 };

		packed(pack_gzip, "first", &in);
		packed(pack_zstd, "a", &in);
		archive("first", &expected);
		archive("a", &expected);
		pack_bootconfig(config, &in);
		pack_bootconfig(config, &expected);
		zeros(&in, padding);
		zeros(&expected, padding);
		assert_unpacks(&in, &expected);
	}
	for (size_t wrong = 12 + 8; wrong; wrong -= 4) {
		struct buf in CLEANUP(buf_done) = { 0 };

		packed(pack_gzip, "first", &in);
		zeros(&in, 4);
		pack_bootconfig(config, &in);
		in.data[in.size - wrong] ^= 0x40;
		assert_refused(&in, "at 0x");
	}
}

/* The kernel asks for none, and lets zeros be anywhere between files. */
static void test_no_trailer(void **state)
{
	struct buf in CLEANUP(buf_done) = { 0 }, expected CLEANUP(buf_done) = { 0 };

	(void)state;
	pack_file("first", of("x"), &expected);
	zeros(&expected, 512);
	pack_file("second", of("yz"), &expected);
	pack_xz(buf_bytes(&expected), &in);
	pack_file("third", of("z"), &in);
	pack_file("third", of("z"), &expected);
	assert_unpacks(&in, &expected);
}

static void test_nothing_compressed(void **state)
{
	struct buf in CLEANUP(buf_done) = { 0 };

	(void)state;
	archive("first", &in);
	zeros(&in, 512);
	archive("second", &in);
	pack_bootconfig("x = 1\n", &in);
	assert_refused(&in, "nothing in it is compressed");
	/* A last file that is not padded. */
	in.size = 0;
	archive("first", &in);
	in.size -= 1;
	assert_refused(&in, "nothing in it is compressed");
}

static void test_refused(void **state)
{
	struct buf in CLEANUP(buf_done) = { 0 }, image CLEANUP(buf_done) = { 0 };
	size_t size;

	(void)state;
	append(&in, of("#!/bin/sh\n"));
	assert_refused(&in, "at 0x0 there is neither a newc archive, at a multiple of 4, nor one "
			    "that is compressed in a way that is known");
	in.size = 0;
	archive("first", &in);
	size = in.size;
	append(&in, of("070707"));
	assert_refused(&in, "at 0x188 there is neither ");
	in.size = size - 4;
	assert_refused(&in, "the archive is cut or damaged: its file at 0x10c does not end");
	in.size = size - 124;
	assert_refused(&in, "nothing in it is compressed");
	in.size = 100;
	assert_refused(&in, "the archive is cut or damaged: its file at 0x0 does not end");
	in.size = size;
	in.data[6 + 6 * 8] = 'f';
	assert_refused(&in, "the archive is cut or damaged: its file at 0x0 does not end");
	in.data[6 + 6 * 8] = 'x';
	assert_refused(&in, "the archive is cut or damaged: its file at 0x0 does not end");
	in.data[6 + 6 * 8] = '0';
	zeros(&in, 1);
	packed(pack_gzip, "second", &in);
	assert_refused(&in, "the zeros behind an archive end at 0x189, which is no multiple of 4");
	in.size = 0;
	zeros(&in, 1);
	archive("first", &in);
	assert_refused(&in, "at 0x1 there is neither ");

	in.size = 0;
	packed(pack_gzip, "first", &in);
	in.size -= 1;
	assert_refused(&in, "the member at 0x0: gzip: truncated at 0x");
	in.data[in.size - 7] ^= 1;
	in.size += 1;
	assert_refused(&in, "the member at 0x0: gzip: damaged at 0x");

	/* What an old initrd is: an image of a file system. */
	in.size = 0;
	zeros(&image, 4096);
	archive("first", &in);
	pack_gzip(buf_bytes(&image), &in);
	assert_refused(&in,
		       "the member at 0x188: gzip: what it expands to is no newc archive at 0x0");
	in.size = image.size = 0;
	archive("first", &image);
	append(&image, of("more"));
	pack_xz(buf_bytes(&image), &in);
	assert_refused(&in, "the member at 0x0: what it expands to is no newc archive at 0x188");
	in.size = image.size = 0;
	pack_zstd(buf_bytes(&image), &in);
	assert_refused(&in,
		       "the member at 0x0: zstd: what it expands to is no newc archive at 0x0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),	   cmocka_unit_test(test_order),
		cmocka_unit_test(test_alignment),  cmocka_unit_test(test_bootconfig),
		cmocka_unit_test(test_no_trailer), cmocka_unit_test(test_nothing_compressed),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
