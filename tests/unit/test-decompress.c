/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was compressed, whole and damaged, in each format. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <bzlib.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "kexec/core/decompress.h"

enum { CONTENTS_SIZE = 700000, ROOM = CONTENTS_SIZE + 65536, LZOP_BLOCK = 1 << 18 };

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

static size_t lzma(void)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_options_lzma options;
	size_t size;

	assert_false(lzma_lzma_preset(&options, 0));
	assert_int_equal(lzma_alone_encoder(&stream, &options), LZMA_OK);
	stream.next_in = contents;
	stream.avail_in = CONTENTS_SIZE;
	stream.next_out = packed;
	stream.avail_out = ROOM;
	assert_int_equal(lzma_code(&stream, LZMA_FINISH), LZMA_STREAM_END);
	size = stream.total_out;
	lzma_end(&stream);
	return size;
}

/* The size is in the header, behind the properties. */
static size_t lzma_known(void)
{
	size_t size = lzma();

	put_u64(packed + 5, CONTENTS_SIZE);
	return size;
}

static size_t bzip2(void)
{
	unsigned int size = ROOM;

	assert_int_equal(BZ2_bzBuffToBuffCompress((char *)packed, &size, (char *)contents,
						  CONTENTS_SIZE, 1, 0, 0),
			 BZ_OK);
	return size;
}

static size_t lz4(void)
{
	LZ4F_preferences_t preferences = { .frameInfo.contentChecksumFlag =
						   LZ4F_contentChecksumEnabled };
	size_t size = LZ4F_compressFrame(packed, ROOM, contents, CONTENTS_SIZE, &preferences);

	assert_false(LZ4F_isError(size));
	return size;
}

/* Two blocks, in two frames. */
static size_t lz4_legacy(void)
{
	size_t size = 0, half = CONTENTS_SIZE / 2;

	for (size_t at = 0; at < CONTENTS_SIZE; at += half) {
		int block = LZ4_compress_default((char *)contents + at, (char *)packed + size + 8,
						 (int)half, (int)(ROOM - size - 8));

		assert_true(block > 0);
		put_u32(packed + size, 0x184c2102);
		put_u32(packed + size + 4, (uint32_t)block);
		size += 8 + (size_t)block;
	}
	return size;
}

static void put_be(uint64_t value, int size, size_t *at)
{
	while (size--)
		packed[(*at)++] = (uint8_t)(value >> 8 * size);
}

enum {
	ADLER32_D = 1,
	ADLER32_C = 2,
	EXTRA_FIELD = 0x40,
	CRC32_D = 0x100,
	CRC32_C = 0x200,
	FILTER = 0x800,
	CRC32_H = 0x1000,
};

/* As lzop 1.04 writes it, or an older one; the last block as it is. */
static size_t lzop_with(uint32_t flags, uint16_t version)
{
	static uint8_t work[LZO1X_1_MEM_COMPRESS];
	size_t size = 9;

	memcpy(packed, "\x89LZO\0\r\n\x1a\n", 9);
	put_be(version, 2, &size);
	put_be(0x20a0, 2, &size);
	if (version >= 0x940)
		put_be(0x940, 2, &size);
	put_be(1, 1, &size);
	if (version >= 0x940)
		put_be(5, 1, &size);
	put_be(flags, 4, &size);
	if (flags & FILTER)
		put_be(1, 4, &size);
	put_be(0100644, 4, &size);
	put_be(0, version >= 0x940 ? 8 : 4, &size);
	put_be(4, 1, &size);
	memcpy(packed + size, "name", 4);
	size += 4;
	put_be(flags & CRC32_H ? crc32(0, packed + 9, (uInt)size - 9)
			       : adler32(1, packed + 9, (uInt)size - 9),
	       4, &size);
	if (flags & EXTRA_FIELD) {
		put_be(3, 4, &size);
		put_be(0, 3 + 4, &size);
	}
	for (size_t at = 0; at < CONTENTS_SIZE; at += LZOP_BLOCK) {
		bool last = at + LZOP_BLOCK >= CONTENTS_SIZE;
		size_t part = last ? CONTENTS_SIZE - at : LZOP_BLOCK;
		size_t sums = (flags & ADLER32_D ? 4u : 0u) + (flags & CRC32_D ? 4u : 0u) +
			      (flags & ADLER32_C && !last ? 4u : 0u) +
			      (flags & CRC32_C && !last ? 4u : 0u);
		lzo_uint block = part;

		if (last)
			memcpy(packed + size + 8 + sums, contents + at, part);
		else
			assert_int_equal(lzo1x_1_compress(contents + at, part,
							  packed + size + 8 + sums, &block, work),
					 LZO_E_OK);
		put_be(part, 4, &size);
		put_be(block, 4, &size);
		if (flags & ADLER32_D)
			put_be(adler32(1, contents + at, (uInt)part), 4, &size);
		if (flags & CRC32_D)
			put_be(crc32(0, contents + at, (uInt)part), 4, &size);
		if (flags & ADLER32_C && !last)
			put_be(0, 4, &size);
		if (flags & CRC32_C && !last)
			put_be(0, 4, &size);
		size += block;
	}
	put_be(0, 4, &size);
	return size;
}

static size_t lzop(void)
{
	return lzop_with(ADLER32_D | ADLER32_C, 0x1040);
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

/* What it is when the contents are one stream of `in` before other data. */
static void assert_stream(size_t size)
{
	struct buf out CLEANUP(buf_done) = { 0 };
	struct err err;
	size_t used;

	memcpy(packed + size, "\0\0\0\0more", 8);
	assert_int_equal(buf_append(&out, "before", 6, &err), 0);
	assert_int_equal(decompress_stream((struct bytes){ packed, size + 8 }, &out, &used, &err),
			 0);
	assert_int_equal(used, size);
	assert_int_equal(out.size, 6 + CONTENTS_SIZE);
	assert_memory_equal(out.data, "before", 6);
	assert_memory_equal(out.data + 6, contents, CONTENTS_SIZE);
	assert_int_equal(decompress_stream((struct bytes){ packed, size - 1 }, &out, &used, &err),
			 -1);
	assert_int_equal(used, size);
	assert_int_equal(out.size, 6 + CONTENTS_SIZE);
	assert_int_equal(decompress_stream((struct bytes){ packed + size, 8 }, &out, &used, &err),
			 -1);
}

/* What is known to be so large, in one piece or more. */
static void assert_sized(size_t size)
{
	struct bytes in = { packed, size };
	struct buf out CLEANUP(buf_done) = { 0 }, none = { 0 };
	struct err err;

	assert_int_equal(decompress_sized(in, CONTENTS_SIZE, &out, &err), 0);
	assert_int_equal(out.size, CONTENTS_SIZE);
	assert_memory_equal(out.data, contents, CONTENTS_SIZE);
	in.size--;
	assert_int_equal(decompress_sized(in, CONTENTS_SIZE, &none, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_int_equal(decompress_sized(in, (size_t)DECOMPRESSED_MAX + 1, &none, &err), -1);
	assert_string_equal(err.text, "expands to more than 1073741824 bytes");
	assert_null(none.data);
}

/* Memory for less than there is is not written past. */
static void test_size_that_is_a_lie(void **state)
{
	struct buf out CLEANUP(buf_done) = { 0 };
	struct err err;
	size_t size = zstd();

	(void)state;
	assert_int_equal(
		decompress_sized((struct bytes){ packed, size }, CONTENTS_SIZE - 1, &out, &err),
		-1);
	assert_begins(err.text, "zstd: damaged: ");
	size = gzip();
	assert_int_equal(decompress_sized((struct bytes){ packed, size }, 1, &out, &err), 0);
	assert_int_equal(out.size, CONTENTS_SIZE);
}

static void test_formats(void **state)
{
	static const struct {
		size_t (*pack)(void);
		const char *name;
		const char *damaged; /* NULL: it has no checksum */
	} rows[] = {
		{ gzip, "gzip", "gzip: damaged at 0x" },
		{ xz, "xz", "xz: damaged at 0x" },
		{ zstd, "zstd", "zstd: damaged at 0x" },
		{ lz4, "lz4", "lz4: damaged at 0x" },
		{ lz4_legacy, "lz4", NULL },
		{ lzma, "lzma", "lzma: damaged at 0x" },
		{ lzma_known, "lzma", "lzma: damaged at 0x" },
		{ bzip2, "bzip2", "bzip2: damaged at 0x" },
		{ lzop, "lzop", "lzop: damaged at 0x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t size = rows[i].pack();
		char text[80];

		assert_string_equal(decompress_format((struct bytes){ packed, size }),
				    rows[i].name);
		assert_string_equal(expand(size), "");
		assert_sized(size);
		snprintf(text, sizeof(text), "%s: truncated at 0x%zx", rows[i].name, size - 1);
		assert_string_equal(expand(size - 1), text);
		memset(packed + size, 0, 4);
		snprintf(text, sizeof(text), "%s: data behind its end at 0x%zx", rows[i].name,
			 size);
		assert_string_equal(expand(size + 4), text);
		assert_stream(size);
		if (!rows[i].damaged)
			continue;
		for (size_t at = size / 4; at < size / 4 + 64; at++)
			packed[at] ^= 0xa5;
		assert_begins(expand(size), rows[i].damaged);
	}
	memcpy(packed, "text", 4);
	assert_null(decompress_format((struct bytes){ packed, 4 }));
	assert_string_equal(expand(4), "not gzip, xz, zstd, lz4, lzma, bzip2 or lzop");
	assert_string_equal(expand(0), "not gzip, xz, zstd, lz4, lzma, bzip2 or lzop");
}

/* A block whose size says more than there can be, and one that is no block. */
static void test_lz4_legacy(void **state)
{
	size_t size = lz4_legacy();
	char text[80];

	(void)state;
	memcpy(packed + size, "more", 4);
	snprintf(text, sizeof(text), "lz4: damaged at 0x%zx", size);
	assert_string_equal(expand(size + 4), text);
	memcpy(packed + 8, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	assert_string_equal(expand(size), "lz4: damaged at 0x4");
}

static void test_lzop(void **state)
{
	static const struct {
		uint32_t flags;
		uint16_t version;
	} rows[] = {
		{ ADLER32_D | ADLER32_C, 0x1030 },
		{ CRC32_D | CRC32_C | CRC32_H | EXTRA_FIELD, 0x1040 },
		{ FILTER, 0x940 },
		{ 0, 0x930 },
	};
	size_t size = 0;
	char text[80];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size = lzop_with(rows[i].flags, rows[i].version);
		assert_string_equal(expand(size), "");
		for (size_t cut = 9; cut < 60; cut++) {
			snprintf(text, sizeof(text), "lzop: truncated at 0x%zx", cut);
			assert_string_equal(expand(cut), text);
		}
	}
	/* The name in the header; then, the checksum with it, the first block's sizes. */
	size = lzop();
	packed[36] ^= 1;
	assert_string_equal(expand(size), "lzop: damaged at 0x0");
	size = lzop();
	put_u32(packed + 46, 0xffffffff);
	assert_string_equal(expand(size), "lzop: damaged at 0x2e");
	put_u32(packed + 42, 0xffffffff);
	put_u32(packed + 46, 1);
	assert_string_equal(expand(size), "lzop: damaged at 0x2e");
	size = lzop();
	/* The last block's bytes. */
	packed[size - 5] ^= 1;
	assert_begins(expand(size), "lzop: damaged at 0x");
}

/* Frames may follow one another, with some between that hold what is no data. */
static void test_zstd_frames(void **state)
{
	size_t half = CONTENTS_SIZE / 2, size;

	(void)state;
	size = ZSTD_compress(packed, ROOM, contents, half, 1);
	assert_false(ZSTD_isError(size));
	put_u32(packed + size, ZSTD_MAGIC_SKIPPABLE_START + 3);
	put_u32(packed + size + 4, 5);
	size += 8 + 5;
	size += ZSTD_compress(packed + size, ROOM - size, contents + half, half, 1);
	assert_string_equal(expand(size), "");
	assert_begins(expand(size - 1), "zstd: truncated at 0x");
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
		cmocka_unit_test(test_formats),	    cmocka_unit_test(test_size_that_is_a_lie),
		cmocka_unit_test(test_lz4_legacy),  cmocka_unit_test(test_lzop),
		cmocka_unit_test(test_zstd_frames), cmocka_unit_test(test_dictionary),
	};

	for (size_t i = 0; i < CONTENTS_SIZE; i++)
		contents[i] = (uint8_t)(i % 251 * (i / 7919));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
