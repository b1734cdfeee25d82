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
#include <sys/mman.h>
#include <zstd.h>

#include "kexec/core/decompress.h"
#include "tests/mk/pack.h"

/* A sanitizer has an allocator of its own. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define IS_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED
#endif

enum { CONTENTS_SIZE = 700000, ROOM = CONTENTS_SIZE + 4096 };

static uint8_t contents[CONTENTS_SIZE], packed[ROOM];

/* Into `packed`. */
static size_t keep(const struct buf *buf)
{
	assert_true(buf->size + 8 <= ROOM);
	memcpy(packed, buf->data, buf->size);
	return buf->size;
}

static size_t pack(void (*with)(struct bytes in, struct buf *to))
{
	struct buf buf CLEANUP(buf_done) = { 0 };

	with((struct bytes){ contents, CONTENTS_SIZE }, &buf);
	return keep(&buf);
}

static size_t lzop_with(uint32_t flags, uint16_t version)
{
	struct buf buf CLEANUP(buf_done) = { 0 };

	pack_lzop_with((struct bytes){ contents, CONTENTS_SIZE }, &buf, flags, version);
	return keep(&buf);
}

/* The size is in the header, behind the properties. */
static void pack_lzma_known(struct bytes in, struct buf *to)
{
	size_t begin = to->size;

	pack_lzma(in, to);
	put_u64(to->data + begin + 5, in.size);
}

static bool says_damage(const char *text)
{
	return strstr(text, "damaged") || strstr(text, "truncated") || strstr(text, "behind");
}

/* The error, "" if the contents came out. */
static const char *expand(size_t size)
{
	struct buf out CLEANUP(buf_done) = { 0 };
	static struct err err;

	err = (struct err){ 0 };
	if (decompress((struct bytes){ packed, size }, NULL, &out, &err)) {
		assert_int_equal(err.code, says_damage(err.text) ? ERR_DAMAGED : ERR_INPUT);
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
	assert_int_equal(decompress_stream((struct bytes){ packed, size + 8 }, NULL, NULL, &out,
					   &used, &err),
			 0);
	assert_int_equal(used, size);
	assert_int_equal(out.size, 6 + CONTENTS_SIZE);
	assert_memory_equal(out.data, "before", 6);
	assert_memory_equal(out.data + 6, contents, CONTENTS_SIZE);
	assert_int_equal(decompress_stream((struct bytes){ packed, size - 1 }, NULL, NULL, &out,
					   &used, &err),
			 -1);
	assert_int_equal(used, size);
	assert_int_equal(out.size, 6 + CONTENTS_SIZE);
	assert_int_equal(decompress_stream((struct bytes){ packed + size, 8 }, NULL, NULL, &out,
					   &used, &err),
			 -1);
}

/* What is known to be so large, in one piece or more. */
static void assert_sized(size_t size)
{
	struct bytes in = { packed, size };
	struct buf out CLEANUP(buf_done) = { 0 }, none = { 0 };
	struct err err;

	assert_int_equal(decompress_sized(in, CONTENTS_SIZE, NULL, &out, &err), 0);
	assert_int_equal(out.size, CONTENTS_SIZE);
	assert_memory_equal(out.data, contents, CONTENTS_SIZE);
	in.size--;
	assert_int_equal(decompress_sized(in, CONTENTS_SIZE, NULL, &none, &err), -1);
	assert_int_equal(err.code, ERR_DAMAGED);
	assert_int_equal(decompress_sized(in, (size_t)DECOMPRESSED_MAX + 1, NULL, &none, &err), -1);
	assert_string_equal(err.text, "its end says that it expands to 1073741825 bytes");
	assert_null(none.data);
}

/* Memory for less than there is is not written past. */
static void test_size_that_is_a_lie(void **state)
{
	struct buf out CLEANUP(buf_done) = { 0 };
	struct err err;
	size_t size = pack(pack_zstd);

	(void)state;
	assert_int_equal(decompress_sized((struct bytes){ packed, size }, CONTENTS_SIZE - 1, NULL,
					  &out, &err),
			 -1);
	assert_begins(err.text, "zstd: damaged: ");
	size = pack(pack_gzip);
	assert_int_equal(decompress_sized((struct bytes){ packed, size }, 1, NULL, &out, &err), 0);
	assert_int_equal(out.size, CONTENTS_SIZE);
}

static void test_formats(void **state)
{
	static const struct {
		void (*pack)(struct bytes in, struct buf *to);
		const char *name;
		const char *damaged; /* NULL: it has no checksum */
		bool passes_zeros;
	} rows[] = {
		{ pack_gzip, "gzip", "gzip: damaged at 0x", true },
		{ pack_xz, "xz", "xz: damaged at 0x", true },
		{ pack_zstd, "zstd", "zstd: damaged at 0x", false },
		{ pack_lz4, "lz4", "lz4: damaged at 0x", false },
		{ pack_lz4_legacy, "lz4", NULL, false },
		{ pack_lzma, "lzma", "lzma: damaged at 0x", false },
		{ pack_lzma_known, "lzma", "lzma: damaged at 0x", false },
		{ pack_bzip2, "bzip2", "bzip2: damaged at 0x", false },
		{ pack_lzop, "lzop", "lzop: damaged at 0x", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t size = pack(rows[i].pack);
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
		assert_string_equal(expand(size + 4), rows[i].passes_zeros ? "" : text);
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
	size_t size = pack(pack_lz4_legacy);
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
		{ PACK_LZOP_ADLER32_D | PACK_LZOP_ADLER32_C, 0x1030 },
		{ PACK_LZOP_CRC32_D | PACK_LZOP_CRC32_C | PACK_LZOP_CRC32_H | PACK_LZOP_EXTRA_FIELD,
		  0x1040 },
		{ PACK_LZOP_FILTER, 0x940 },
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
	size = pack(pack_lzop);
	packed[36] ^= 1;
	assert_string_equal(expand(size), "lzop: damaged at 0x0");
	size = pack(pack_lzop);
	put_u32(packed + 46, 0xffffffff);
	assert_string_equal(expand(size), "lzop: damaged at 0x2e");
	put_u32(packed + 42, 0xffffffff);
	put_u32(packed + 46, 1);
	assert_string_equal(expand(size), "lzop: damaged at 0x2e");
	size = pack(pack_lzop);
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

/* Both halves of the contents, with so many zeros between and behind them. */
static size_t pack_halves(void (*with)(struct bytes in, struct buf *to), size_t between,
			  size_t behind)
{
	static const uint8_t zeros[512];
	const size_t half = CONTENTS_SIZE / 2;
	struct buf buf CLEANUP(buf_done) = { 0 };
	struct err err;

	with((struct bytes){ contents, half }, &buf);
	assert_int_equal(buf_append(&buf, zeros, between, &err), 0);
	with((struct bytes){ contents + half, CONTENTS_SIZE - half }, &buf);
	assert_int_equal(buf_append(&buf, zeros, behind, &err), 0);
	return keep(&buf);
}

/* Streams may follow one another, as gzip(1) and the others take them, and zeros where those let them
 * pass; what is no such stream stays data behind the end, and a payload is one stream. */
static void test_streams(void **state)
{
	static const struct {
		void (*pack)(struct bytes in, struct buf *to);
		bool goes_on, passes_last, passes_between;
		size_t padding; /* zeros are a multiple of this */
	} rows[] = {
		{ pack_gzip, true, true, false, 1 },	    { pack_xz, true, true, true, 4 },
		{ pack_zstd, true, false, false, 1 },	    { pack_lz4, true, false, false, 1 },
		{ pack_lz4_legacy, true, false, false, 1 }, { pack_bzip2, true, false, false, 1 },
		{ pack_lzop, true, false, false, 1 },	    { pack_lzma, false, false, false, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t size = pack_halves(rows[i].pack, 0, 0);
		struct buf out CLEANUP(buf_done) = { 0 };
		const char *name = decompress_format((struct bytes){ packed, size });
		bool is_legacy = rows[i].pack == pack_lz4_legacy;
		bool is_zstd = rows[i].pack == pack_zstd;
		char begin[80];
		struct err err;

		snprintf(begin, sizeof(begin), "%s: data behind its end at 0x", name);
		if (!rows[i].goes_on) {
			assert_begins(expand(size), begin);
			continue;
		}
		assert_string_equal(expand(size), "");
		assert_int_equal(decompress_sized((struct bytes){ packed, size }, CONTENTS_SIZE,
						  NULL, &out, &err),
				 is_zstd || is_legacy ? 0 : -1);
		assert_true(says_damage(expand(size - 1)));
		memcpy(packed + size, "tail", 4);
		assert_begins(expand(size + 4), is_legacy ? "lz4: damaged at 0x" : begin);
		if (is_zstd || rows[i].pack == pack_lz4) {
			memcpy(packed + size, "\x5a\x2a\x4d\x18\x01\0\0\0.", 9);
			assert_string_equal(expand(size + 9), "");
		}
		for (size_t zeros = 1; zeros <= 512; zeros += zeros == 1 ? 3 : 508) {
			bool fits = zeros % rows[i].padding == 0;

			size = pack_halves(rows[i].pack, 0, zeros);
			if (rows[i].passes_last && fits)
				assert_string_equal(expand(size), "");
			else
				assert_begins(expand(size), begin);
			size = pack_halves(rows[i].pack, zeros, 0);
			if (rows[i].passes_between && fits)
				assert_string_equal(expand(size), "");
			else
				assert_true(says_damage(expand(size)));
		}
	}
}

/* The xz format, 3.1: a block's header with one filter, whose property is its dictionary's size. */
static void test_dictionary(void **state)
{
	uint8_t *header = packed + LZMA_STREAM_HEADER_SIZE;
	size_t size = pack(pack_xz);
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

/* --- too little memory --------------------------------------------------------- */

#ifdef IS_SANITIZED

static void test_no_memory(void **state)
{
	(void)state;
	skip();
}

#else

/* The allocation that fails, counted from 1; 0: none does. */
static unsigned int failing, counted;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);

static bool fails(void)
{
	return failing && ++counted == failing;
}

/* In the place of the C library's, for the libraries that decompress, too. */
void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

/* Each allocation of a library's fails once; returns how many there are. */
static unsigned int fail_each(const char *name, struct bytes in, bool is_sized)
{
	enum { ALLOCATIONS_MAX = 1000 };

	for (unsigned int n = 1; n < ALLOCATIONS_MAX; n++) {
		struct buf out CLEANUP(buf_done) = { 0 };
		struct err err = { 0 };
		char text[80];
		int result;

		counted = 0;
		failing = n;
		result = is_sized ? decompress_sized(in, CONTENTS_SIZE, NULL, &out, &err)
				  : decompress(in, NULL, &out, &err);
		failing = 0;
		if (counted < n) {
			assert_int_equal(result, 0);
			return n - 1;
		}
		snprintf(text, sizeof(text), "%s: out of memory", name);
		assert_string_equal(err.text, text);
		assert_int_equal(err.code, ERR_NO_MEMORY);
		assert_int_equal(result, -1);
	}
	fail_msg("%s: no end after %d allocations", name, ALLOCATIONS_MAX);
	return 0;
}

/* That this process gets none is no fault of the file's. */
static void test_no_memory(void **state)
{
	static const struct {
		void (*pack)(struct bytes in, struct buf *to);
		const char *name;
	} rows[] = {
		{ pack_gzip, "gzip" }, { pack_xz, "xz" },     { pack_zstd, "zstd" },
		{ pack_lz4, "lz4" },   { pack_lzma, "lzma" }, { pack_bzip2, "bzip2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes in = { packed, pack(rows[i].pack) };

		/* For its state, and while it works. */
		assert_true(fail_each(rows[i].name, in, false) >= 2);
		assert_true(fail_each(rows[i].name, in, true));
	}
}

#endif

/* --- more than there should be ------------------------------------------------ */

enum { BOMB_SIZE = 48 << 20, JUDGED_MAX = 9 << 20 };

/* No block expands to more than 8 MiB. */
static void pack_lz4_legacy_long(struct bytes in, struct buf *to)
{
	const size_t most = 8 << 20;

	for (size_t at = 0; at < in.size; at += most)
		pack_lz4_legacy(
			(struct bytes){ in.data + at, in.size - at < most ? in.size - at : most },
			to);
}

static const struct {
	void (*pack)(struct bytes in, struct buf *to);
	const char *name;
} packers[] = {
	{ pack_gzip, "gzip" },		 { pack_xz, "xz" },
	{ pack_zstd, "zstd" },		 { pack_lz4, "lz4" },
	{ pack_lzma, "lzma" },		 { pack_lzma_known, "lzma" },
	{ pack_lz4_legacy_long, "lz4" }, { pack_bzip2, "bzip2" },
	{ pack_lzop, "lzop" },
};

enum { NR_PACKERS = sizeof(packers) / sizeof(packers[0]) };

/* Zeros, and behind them so many bytes that are kept as they are. */
static void pack_bomb(size_t i, size_t kept, struct buf *to)
{
	uint8_t *plain = calloc(BOMB_SIZE, 1);
	uint32_t random = 1;

	assert_non_null(plain);
	for (size_t at = BOMB_SIZE - kept; at < BOMB_SIZE; at++)
		plain[at] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
	packers[i].pack((struct bytes){ plain, BOMB_SIZE }, to);
	free(plain);
}

static void assert_is(size_t i, const struct err *err, enum err_code code, const char *sentence)
{
	char text[160];

	snprintf(text, sizeof(text), "%s: %s", packers[i].name, sentence);
	assert_string_equal(err->text, text);
	assert_int_equal(err->code, code);
}

/* Both as a file and as a member of one. */
static void assert_refused(size_t i, struct bytes in, const struct decompress_rules *rules,
			   enum err_code code, const char *sentence)
{
	struct buf out CLEANUP(buf_done) = { 0 }, none = { 0 };
	struct err err;
	size_t used;

	assert_int_equal(decompress(in, rules, &none, &err), -1);
	assert_is(i, &err, code, sentence);
	assert_null(none.data);
	assert_int_equal(buf_append(&out, "before", 6, &err), 0);
	assert_int_equal(decompress_stream(in, rules, NULL, &out, &used, &err), -1);
	assert_is(i, &err, code, sentence);
	assert_int_equal(out.size, 6);
}

static size_t times_judged, size_judged;

static int refuse(struct bytes begin, struct err *err)
{
	times_judged++;
	size_judged = begin.size;
	for (size_t at = 0; at < 1024; at++)
		assert_int_equal(begin.data[at], 0);
	return err_set(err, ERR_INPUT, "not wanted");
}

static void test_bombs(void **state)
{
	const struct decompress_rules few = { .most = 1 << 20 }, poor = { .memory = 1 << 20 },
				      strict = { .judged = 1024, .judge = refuse };

	(void)state;
	for (size_t i = 0; i < NR_PACKERS; i++) {
		struct buf bomb CLEANUP(buf_done) = { 0 }, out = { 0 };
		struct err err;

		pack_bomb(i, 0, &bomb);
		assert_refused(i, buf_bytes(&bomb), NULL, ERR_INPUT,
			       "expands to more than 64 times its size, which no kernel or initrd "
			       "does");
		assert_refused(i, buf_bytes(&bomb), &few, ERR_INPUT,
			       "expands to more than 1048576 bytes");
		assert_refused(
			i, buf_bytes(&bomb), &poor, ERR_NO_FIT,
			"expands to more than the 1048576 bytes of memory that are available");
		times_judged = 0;
		assert_refused(i, buf_bytes(&bomb), &strict, ERR_INPUT, "not wanted");
		assert_int_equal(times_judged, 2);
		assert_in_range(size_judged, 1024, JUDGED_MAX);
		assert_int_equal(decompress_sized(buf_bytes(&bomb), BOMB_SIZE, NULL, &out, &err),
				 -1);
		assert_string_equal(err.text, "its end says that it expands to 50331648 bytes");
	}
}

/* Where it is: behind memory that is mapped, and never touched. */
static void test_limit(void **state)
{
	static const uint8_t zeros[4096];
	const size_t size = (size_t)DECOMPRESSED_MAX + (16 << 20);
	uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)state;
	assert_ptr_not_equal(memory, MAP_FAILED);
	for (size_t i = 0; i < NR_PACKERS; i++) {
		struct buf in CLEANUP(buf_done) = { 0 }, out = { memory, 0, size };
		struct err err;
		size_t used;

		packers[i].pack((struct bytes){ zeros, sizeof(zeros) }, &in);
		out.size = DECOMPRESSED_MAX - sizeof(zeros) + 1;
		assert_int_equal(decompress_stream(buf_bytes(&in), NULL, NULL, &out, &used, &err),
				 -1);
		assert_is(i, &err, ERR_INPUT, "expands to more than 1073741824 bytes");
		assert_int_equal(out.size, DECOMPRESSED_MAX - sizeof(zeros) + 1);
		out.size--;
		assert_int_equal(decompress_stream(buf_bytes(&in), NULL, NULL, &out, &used, &err),
				 0);
		assert_int_equal(out.size, DECOMPRESSED_MAX);
		assert_ptr_equal(out.data, memory);
	}
	assert_int_equal(munmap(memory, size), 0);
}

static size_t nr_wanted;

static int want(struct bytes begin, struct err *err)
{
	(void)begin;
	(void)err;
	nr_wanted++;
	return 0;
}

/* Many zeros are no bomb where there is enough beside them; and who is content is asked once. */
static void test_many_zeros(void **state)
{
	const struct decompress_rules rules = { .judged = 1024, .judge = want };

	(void)state;
	for (size_t i = 0; i < NR_PACKERS; i++) {
		struct buf in CLEANUP(buf_done) = { 0 }, out CLEANUP(buf_done) = { 0 };
		struct err err = { 0 };

		pack_bomb(i, 1 << 20, &in);
		nr_wanted = 0;
		if (decompress(buf_bytes(&in), &rules, &out, &err))
			assert_string_equal(err.text, "");
		assert_int_equal(out.size, BOMB_SIZE);
		assert_int_equal(nr_wanted, 1);
	}
}

/* The limits are for all streams together, and those together are judged once. */
static void test_streams_and_limits(void **state)
{
	static const uint8_t zeros[4096];

	(void)state;
	for (size_t i = 0; i < NR_PACKERS; i++) {
		const struct decompress_rules few = { .most = 2 * sizeof(zeros) - 1 },
					      rules = { .judged = 2 * sizeof(zeros),
							.judge = want };
		struct buf in CLEANUP(buf_done) = { 0 }, out CLEANUP(buf_done) = { 0 };
		struct err err = { 0 };

		if (!strcmp(packers[i].name, "lzma"))
			continue;
		packers[i].pack((struct bytes){ zeros, sizeof(zeros) }, &in);
		packers[i].pack((struct bytes){ zeros, sizeof(zeros) }, &in);
		assert_int_equal(decompress(buf_bytes(&in), &few, &out, &err), -1);
		assert_is(i, &err, ERR_INPUT, "expands to more than 8191 bytes");
		nr_wanted = 0;
		assert_int_equal(decompress(buf_bytes(&in), &rules, &out, &err), 0);
		assert_int_equal(out.size, 2 * sizeof(zeros));
		assert_int_equal(nr_wanted, 1);
	}
}

/* What ends before there is enough to judge is judged all the same. */
static void test_judged_at_its_end(void **state)
{
	const struct decompress_rules rules = { .judged = BOMB_SIZE, .judge = refuse };

	(void)state;
	for (size_t i = 0; i < NR_PACKERS; i++) {
		struct buf in CLEANUP(buf_done) = { 0 };
		static const uint8_t zeros[4096];

		packers[i].pack((struct bytes){ zeros, sizeof(zeros) }, &in);
		times_judged = 0;
		assert_refused(i, buf_bytes(&in), &rules, ERR_INPUT, "not wanted");
		assert_int_equal(times_judged, 2);
		assert_int_equal(size_judged, sizeof(zeros));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),	    cmocka_unit_test(test_size_that_is_a_lie),
		cmocka_unit_test(test_lz4_legacy),  cmocka_unit_test(test_lzop),
		cmocka_unit_test(test_zstd_frames), cmocka_unit_test(test_dictionary),
		cmocka_unit_test(test_streams),	    cmocka_unit_test(test_streams_and_limits),
		cmocka_unit_test(test_bombs),	    cmocka_unit_test(test_limit),
		cmocka_unit_test(test_many_zeros),  cmocka_unit_test(test_judged_at_its_end),
		cmocka_unit_test(test_no_memory),
	};

	for (size_t i = 0; i < CONTENTS_SIZE; i++)
		contents[i] = (uint8_t)(i % 251 * (i / 7919));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
