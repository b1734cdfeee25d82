/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was compressed, whole and damaged, in each format. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "kexec/core/decompress.h"

enum { CONTENTS_SIZE = 700000, ROOM = CONTENTS_SIZE + 4096 };

static uint8_t contents[CONTENTS_SIZE], packed[ROOM];

static size_t gzip(void)
{
	z_stream stream = { .next_in = contents,
			    .avail_in = CONTENTS_SIZE,
			    .next_out = packed,
			    .avail_out = ROOM };

	assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, 0), Z_OK);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	deflateEnd(&stream);
	return stream.total_out;
}

static size_t xz(void)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	size_t size;

	assert_int_equal(lzma_easy_encoder(&stream, 0, LZMA_CHECK_CRC32), LZMA_OK);
	stream.next_in = contents;
	stream.avail_in = CONTENTS_SIZE;
	stream.next_out = packed;
	stream.avail_out = ROOM;
	assert_int_equal(lzma_code(&stream, LZMA_FINISH), LZMA_STREAM_END);
	size = stream.total_out;
	lzma_end(&stream);
	return size;
}

static size_t zstd(void)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t size;

	assert_non_null(context);
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	size = ZSTD_compress2(context, packed, ROOM, contents, CONTENTS_SIZE);
	assert_false(ZSTD_isError(size));
	ZSTD_freeCCtx(context);
	return size;
}

/* The error, "" if the contents came out. */
static const char *expand(size_t size)
{
	struct buf out CLEANUP(buf_done) = { 0 };
	static struct err err;

	err = (struct err){ 0 };
	if (decompress((struct bytes){ packed, size }, &out, &err)) {
		assert_int_equal(err.code, ERR_INPUT);
		assert_null(out.data);
		return err.text;
	}
	assert_int_equal(out.size, CONTENTS_SIZE);
	assert_memory_equal(out.data, contents, CONTENTS_SIZE);
	return "";
}

static void assert_begins(const char *text, const char *with)
{
	if (strncmp(text, with, strlen(with)))
		assert_string_equal(text, with);
}

static void test_formats(void **state)
{
	static const struct {
		size_t (*pack)(void);
		const char *name, *more, *damaged;
	} rows[] = {
		{ gzip, "gzip", "gzip: data behind its end at 0x%zx", "gzip: damaged at 0x" },
		{ xz, "xz", "xz: data behind its end at 0x%zx", "xz: damaged at 0x" },
		{ zstd, "zstd", "zstd: damaged at 0x", "zstd: damaged at 0x" },
	};

	(void)state;
	for (size_t i = 0; i < CONTENTS_SIZE; i++)
		contents[i] = (uint8_t)(i % 251 * (i / 7919));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t size = rows[i].pack();
		char text[80];

		assert_string_equal(decompress_format((struct bytes){ packed, size }),
				    rows[i].name);
		assert_string_equal(expand(size), "");
		snprintf(text, sizeof(text), "%s: truncated at 0x%zx", rows[i].name, size - 1);
		assert_string_equal(expand(size - 1), text);
		memcpy(packed + size, "more", 4);
		snprintf(text, sizeof(text), rows[i].more, size);
		assert_begins(expand(size + 4), text);
		for (size_t at = size / 4; at < size / 4 + 64; at++)
			packed[at] ^= 0xa5;
		assert_begins(expand(size), rows[i].damaged);
	}
	memcpy(packed, "text", 4);
	assert_null(decompress_format((struct bytes){ packed, 4 }));
	assert_string_equal(expand(4), "not gzip, xz or zstd");
	assert_string_equal(expand(0), "not gzip, xz or zstd");
}

/* The xz format, 3.1: a block's header with one filter, whose property is its dictionary's size. */
static void test_dictionary(void **state)
{
	uint8_t *header = packed + LZMA_STREAM_HEADER_SIZE;
	size_t size = xz();
	uint32_t header_size = (header[0] + 1u) * 4, crc;

	(void)state;
	/* LZMA2, with a property of one byte. */
	assert_int_equal(header[2], 0x21);
	assert_int_equal(header[3], 1);
	header[4] = 39; /* 3 GiB */
	crc = lzma_crc32(header, header_size - 4, 0);
	memcpy(header + header_size - 4, &crc, sizeof(crc));
	assert_string_equal(expand(size), "xz: its dictionary is too large for a kernel");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_dictionary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
