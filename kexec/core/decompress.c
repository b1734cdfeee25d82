/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/decompress.h"

#include <bzlib.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
	BLOCK = 1 << 18,
	ZLIB_GZIP = 16,
	LZMA_MEMORY_MAX = 1 << 28,
	XZ_PADDING = 4,
	LZ4_LEGACY_MAGIC = 0x184c2102,
	LZ4_LEGACY_BLOCK = 8 << 20,
	LZ4_RATIO_MAX = 255,
	LZOP_MAGIC_SIZE = 9,
	LZOP_BLOCK_MAX = 64 << 20,
};

/* Of a header of lzop: version and flags. */
enum {
	LZOP_WITH_LEVEL = 0x940,
	LZOP_ADLER32_D = 1 << 0,
	LZOP_ADLER32_C = 1 << 1,
	LZOP_EXTRA_FIELD = 1 << 6,
	LZOP_CRC32_D = 1 << 8,
	LZOP_CRC32_C = 1 << 9,
	LZOP_FILTER = 1 << 11,
	LZOP_CRC32_H = 1 << 12,
};

/* Of one that expands. */
struct making {
	const struct decompress_rules *rules;
	struct buf *out;
	size_t begin; /* in `out`: where what it expands to begins */
	size_t most;  /* bytes of it */
	bool is_judged;
};

static size_t most_of(struct bytes in)
{
	if (in.size <= DECOMPRESSED_FREE / DECOMPRESSED_RATIO)
		return DECOMPRESSED_FREE;
	return in.size < DECOMPRESSED_MAX / DECOMPRESSED_RATIO ? in.size * DECOMPRESSED_RATIO
							       : DECOMPRESSED_MAX;
}

static struct making making_of(struct bytes in, const struct decompress_rules *rules,
			       struct buf *out)
{
	static const struct decompress_rules none;

	return (struct making){ rules ? rules : &none, out, out->size, most_of(in), false };
}

/* Whether there may be so many bytes more. */
static int check_room(const struct making *making, size_t more, struct err *err)
{
	const struct decompress_rules *rules = making->rules;
	size_t most = rules->most ? rules->most : DECOMPRESSED_MAX;
	size_t size = making->out->size + more;

	if (size > most)
		return err_set(err, ERR_INPUT, "expands to more than %zu bytes", most);
	if (size - making->begin > making->most)
		return err_set(err, ERR_INPUT,
			       "expands to more than %d times its size, which no kernel or initrd "
			       "does",
			       DECOMPRESSED_RATIO);
	if (rules->memory && size > rules->memory)
		return err_set(err, ERR_NO_FIT,
			       "expands to more than the %zu bytes of memory that are available",
			       rules->memory);
	return 0;
}

/* Once there is enough to tell. */
static int judge(struct making *making, bool is_whole, struct err *err)
{
	const struct decompress_rules *rules = making->rules;
	struct bytes made = { 0 };

	bytes_slice(buf_bytes(making->out), making->begin, making->out->size - making->begin,
		    &made);
	if (!rules->judge || making->is_judged || (made.size < rules->judged && !is_whole))
		return 0;
	making->is_judged = true;
	return rules->judge(made, err);
}

static int add_made(struct making *making, size_t size, struct err *err)
{
	if (check_room(making, size, err))
		return -1;
	making->out->size += size;
	return judge(making, /* is_whole= */ false, err);
}

static int damaged(struct err *err, size_t offset)
{
	return err_set(err, ERR_DAMAGED, "damaged at 0x%zx", offset);
}

static int truncated(struct err *err, size_t offset)
{
	return err_set(err, ERR_DAMAGED, "truncated at 0x%zx", offset);
}

/* --- decoders that take and give as much as there is ------------------------ */

struct decoding {
	struct bytes in;
	size_t at;   /* in `in`: the next byte that the decoder takes */
	uint8_t *to; /* for BLOCK bytes */
	size_t made; /* of them */
	const char *why;
	union {
		z_stream gzip;
		lzma_stream lzma;
		bz_stream bzip2;
		ZSTD_DStream *zstd;
		LZ4F_dctx *lz4;
	};
};

enum step { STEP_MORE, STEP_END, STEP_DAMAGED, STEP_DICTIONARY, STEP_NO_MEMORY };

struct decoder {
	bool (*open)(struct decoding *decoding);
	/* Takes some and makes some, or neither: then it wants more than there is. */
	enum step (*step)(struct decoding *decoding);
	void (*close)(struct decoding *decoding);
};

/* What is left of the input, as counters of 32 bits take it. */
static unsigned int left(const struct decoding *decoding)
{
	size_t size = decoding->in.size - decoding->at;

	return size < UINT32_MAX ? (unsigned int)size : UINT32_MAX;
}

static bool gzip_open(struct decoding *decoding)
{
	decoding->gzip = (z_stream){ 0 };
	return inflateInit2(&decoding->gzip, MAX_WBITS + ZLIB_GZIP) == Z_OK;
}

static enum step gzip_step(struct decoding *decoding)
{
	z_stream *stream = &decoding->gzip;
	unsigned int size = left(decoding);
	int result;

	stream->next_in = (Bytef *)decoding->in.data + decoding->at;
	stream->avail_in = size;
	stream->next_out = decoding->to;
	stream->avail_out = BLOCK;
	result = inflate(stream, Z_NO_FLUSH);
	decoding->at += size - stream->avail_in;
	decoding->made = BLOCK - stream->avail_out;
	if (result == Z_STREAM_END)
		return STEP_END;
	if (result == Z_MEM_ERROR)
		return STEP_NO_MEMORY;
	return result == Z_OK || result == Z_BUF_ERROR ? STEP_MORE : STEP_DAMAGED;
}

static void gzip_close(struct decoding *decoding)
{
	inflateEnd(&decoding->gzip);
}

static bool xz_open(struct decoding *decoding)
{
	decoding->lzma = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_stream_decoder(&decoding->lzma, LZMA_MEMORY_MAX, 0) == LZMA_OK;
}

static bool lzma_open(struct decoding *decoding)
{
	decoding->lzma = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_alone_decoder(&decoding->lzma, LZMA_MEMORY_MAX) == LZMA_OK;
}

static enum step lzma_step(struct decoding *decoding)
{
	lzma_stream *stream = &decoding->lzma;
	lzma_ret result;

	stream->next_in = decoding->in.data + decoding->at;
	stream->avail_in = decoding->in.size - decoding->at;
	stream->next_out = decoding->to;
	stream->avail_out = BLOCK;
	result = lzma_code(stream, LZMA_RUN);
	decoding->at = decoding->in.size - stream->avail_in;
	decoding->made = BLOCK - stream->avail_out;
	if (result == LZMA_STREAM_END)
		return STEP_END;
	if (result == LZMA_MEMLIMIT_ERROR)
		return STEP_DICTIONARY;
	if (result == LZMA_MEM_ERROR)
		return STEP_NO_MEMORY;
	return result == LZMA_OK || result == LZMA_BUF_ERROR ? STEP_MORE : STEP_DAMAGED;
}

static void lzma_close(struct decoding *decoding)
{
	lzma_end(&decoding->lzma);
}

static bool bzip2_open(struct decoding *decoding)
{
	decoding->bzip2 = (bz_stream){ 0 };
	return BZ2_bzDecompressInit(&decoding->bzip2, /* verbosity= */ 0, /* small= */ 0) == BZ_OK;
}

static enum step bzip2_step(struct decoding *decoding)
{
	bz_stream *stream = &decoding->bzip2;
	unsigned int size = left(decoding);
	int result;

	stream->next_in = (char *)decoding->in.data + decoding->at;
	stream->avail_in = size;
	stream->next_out = (char *)decoding->to;
	stream->avail_out = BLOCK;
	result = BZ2_bzDecompress(stream);
	decoding->at += size - stream->avail_in;
	decoding->made = BLOCK - stream->avail_out;
	if (result == BZ_STREAM_END)
		return STEP_END;
	if (result == BZ_MEM_ERROR)
		return STEP_NO_MEMORY;
	return result == BZ_OK ? STEP_MORE : STEP_DAMAGED;
}

static void bzip2_close(struct decoding *decoding)
{
	BZ2_bzDecompressEnd(&decoding->bzip2);
}

static bool zstd_open(struct decoding *decoding)
{
	decoding->zstd = ZSTD_createDStream();
	return decoding->zstd;
}

static bool zstd_lacks_memory(size_t result)
{
	return ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation;
}

static enum step zstd_step(struct decoding *decoding)
{
	ZSTD_inBuffer from = { decoding->in.data, decoding->in.size, decoding->at };
	ZSTD_outBuffer to = { decoding->to, BLOCK, 0 };
	size_t result = ZSTD_decompressStream(decoding->zstd, &to, &from);

	decoding->at = from.pos;
	decoding->made = to.pos;
	if (!ZSTD_isError(result))
		return result ? STEP_MORE : STEP_END;
	decoding->why = ZSTD_getErrorName(result);
	return zstd_lacks_memory(result) ? STEP_NO_MEMORY : STEP_DAMAGED;
}

static void zstd_close(struct decoding *decoding)
{
	ZSTD_freeDStream(decoding->zstd);
}

static bool lz4_open(struct decoding *decoding)
{
	return !LZ4F_isError(LZ4F_createDecompressionContext(&decoding->lz4, LZ4F_VERSION));
}

static enum step lz4_step(struct decoding *decoding)
{
	size_t taken = decoding->in.size - decoding->at, made = BLOCK, result;

	result = LZ4F_decompress(decoding->lz4, decoding->to, &made,
				 decoding->in.data + decoding->at, &taken, NULL);
	decoding->at += taken;
	decoding->made = made;
	if (!LZ4F_isError(result))
		return result ? STEP_MORE : STEP_END;
	decoding->why = LZ4F_getErrorName(result);
	/* LZ4F_getErrorCode() is in its static library alone. */
	return strcmp(decoding->why, "ERROR_allocation_failed") ? STEP_DAMAGED : STEP_NO_MEMORY;
}

static void lz4_close(struct decoding *decoding)
{
	LZ4F_freeDecompressionContext(decoding->lz4);
}

static int failed_step(const struct decoding *decoding, enum step step, struct err *err)
{
	if (step == STEP_NO_MEMORY)
		return err_no_memory(err);
	if (step == STEP_DICTIONARY)
		return err_set(err, ERR_INPUT, "its dictionary is too large for a kernel");
	if (decoding->why)
		return err_set(err, ERR_DAMAGED, "damaged at 0x%zx: %s", decoding->at,
			       decoding->why);
	return damaged(err, decoding->at);
}

static int decode(const struct decoder *decoder, struct bytes in, size_t *at,
		  const struct progress *progress, struct making *making, struct err *err)
{
	struct buf *out = making->out;
	struct decoding decoding;
	int failed = 0;

	decoding.in = in;
	decoding.at = *at;
	decoding.why = NULL;
	if (!decoder->open(&decoding))
		return err_no_memory(err);
	for (enum step step = STEP_MORE; step != STEP_END && !failed;) {
		size_t before = decoding.at;

		if (buf_reserve(out, out->size + BLOCK, err)) {
			failed = -1;
			break;
		}
		decoding.to = out->data + out->size;
		step = decoder->step(&decoding);
		if (step != STEP_MORE && step != STEP_END)
			failed = failed_step(&decoding, step, err);
		else if (step == STEP_MORE && decoding.at == before && !decoding.made)
			failed = truncated(err, in.size);
		else
			failed = add_made(making, decoding.made, err);
		progress_tell(progress, decoding.at, in.size);
	}
	decoder->close(&decoding);
	*at = decoding.at;
	return failed;
}

/* --- containers of blocks --------------------------------------------------- */

/* Room for more bytes behind what is there. */
static int make_room(const struct making *making, size_t size, struct err *err)
{
	return buf_reserve(making->out, making->out->size + size, err);
}

/* Blocks, their sizes in front, up to the end of the file. As in the kernel, the magic between them
 * is that of a frame that was appended, and a size of 0 is padding behind the last. */
static int expand_lz4_legacy(struct bytes in, size_t *at, struct making *making, struct err *err)
{
	struct buf *out = making->out;

	while (true) {
		struct cursor cursor = cursor_at(in, *at);
		uint32_t size = cursor_u32(&cursor);
		struct bytes block;
		size_t room;
		int made;

		if (cursor.bad || !size)
			return 0;
		if (size == LZ4_LEGACY_MAGIC) {
			*at = cursor.offset;
			continue;
		}
		if (size > (uint32_t)LZ4_COMPRESSBOUND(LZ4_LEGACY_BLOCK))
			return damaged(err, *at);
		if (!cursor_take(&cursor, size, &block))
			return truncated(err, in.size);
		room = size < LZ4_LEGACY_BLOCK / LZ4_RATIO_MAX ? size * LZ4_RATIO_MAX
							       : LZ4_LEGACY_BLOCK;
		if (make_room(making, room, err))
			return -1;
		made = LZ4_decompress_safe((const char *)block.data, (char *)out->data + out->size,
					   (int)size, (int)room);
		if (made < 0)
			return damaged(err, *at);
		if (add_made(making, (size_t)made, err))
			return -1;
		*at = cursor.offset;
	}
}

static uint32_t checksum(bool is_crc32, const uint8_t *data, size_t size)
{
	return (uint32_t)(is_crc32 ? crc32_z(0, data, size) : adler32_z(1, data, size));
}

/* What reads past the end is left to the caller, who has the cursor. */
static uint32_t lzop_header(struct cursor *cursor, bool *ret_good)
{
	size_t begin = cursor->offset;
	struct bytes ignored;
	uint16_t version = cursor_be16(cursor);
	bool with_level = version >= LZOP_WITH_LEVEL;
	uint32_t flags, sum;

	/* Of the library; what it takes to extract; method, level. */
	cursor_take(cursor, with_level ? 6 : 3, &ignored);
	flags = cursor_be32(cursor);
	/* Filter, mode, time. */
	cursor_take(cursor, (flags & LZOP_FILTER ? 4u : 0u) + (with_level ? 12 : 8), &ignored);
	cursor_take(cursor, cursor_u8(cursor), &ignored);
	sum = cursor->bad ? 0
			  : checksum(flags & LZOP_CRC32_H, cursor->in.data + begin,
				     cursor->offset - begin);
	*ret_good = cursor_be32(cursor) == sum;
	if (flags & LZOP_EXTRA_FIELD) {
		cursor_take(cursor, cursor_be32(cursor), &ignored);
		cursor_take(cursor, sizeof(sum), &ignored);
	}
	return flags;
}

/* One block behind its size; the cursor says whether it was cut. */
static int lzop_block(struct cursor *cursor, uint32_t flags, uint32_t size, struct making *making,
		      struct err *err)
{
	size_t begin = cursor->offset;
	uint32_t packed = cursor_be32(cursor);
	uint32_t adler = flags & LZOP_ADLER32_D ? cursor_be32(cursor) : 0;
	uint32_t crc = flags & LZOP_CRC32_D ? cursor_be32(cursor) : 0;
	lzo_uint made = size;
	struct bytes block;
	uint8_t *to;

	/* Checksums of what is stored, where it is not what it expands to. */
	if (packed < size)
		cursor_take(cursor,
			    (flags & LZOP_ADLER32_C ? 4u : 0u) + (flags & LZOP_CRC32_C ? 4u : 0u),
			    &block);
	if (packed > size || size > LZOP_BLOCK_MAX)
		return damaged(err, begin);
	if (!cursor_take(cursor, packed, &block))
		return truncated(err, cursor->in.size);
	if (check_room(making, size, err) || make_room(making, size, err))
		return -1;
	to = making->out->data + making->out->size;
	if (packed == size)
		memcpy(to, block.data, size);
	else if (lzo1x_decompress_safe(block.data, packed, to, &made, NULL) != LZO_E_OK)
		return damaged(err, begin);
	if (made != size || (flags & LZOP_ADLER32_D && checksum(false, to, size) != adler) ||
	    (flags & LZOP_CRC32_D && checksum(true, to, size) != crc))
		return damaged(err, begin);
	return add_made(making, size, err);
}

static int expand_lzop(struct bytes in, size_t *at, struct making *making, struct err *err)
{
	struct cursor cursor = cursor_at(in, *at + LZOP_MAGIC_SIZE);
	bool good;
	uint32_t flags = lzop_header(&cursor, &good), size;

	if (!cursor.bad && !good)
		return damaged(err, *at);
	while ((size = cursor_be32(&cursor)))
		if (lzop_block(&cursor, flags, size, making, err))
			return -1;
	if (cursor.bad)
		return truncated(err, in.size);
	*at = cursor.offset;
	return 0;
}

/* --- formats ---------------------------------------------------------------- */

/* What the rest of a file may be where its first stream has ended. */
enum rest {
	REST_NONE,
	REST_STREAMS,
	/* gzip(1) passes over them without a word, but not over those between two streams. */
	REST_STREAMS_THEN_ZEROS,
	/* Stream padding (the xz format, 2.2): behind any of them, a multiple of 4. */
	REST_STREAMS_AND_ZEROS,
};

static const struct format {
	const char *name;
	char magic[LZOP_MAGIC_SIZE + 1];
	size_t size;
	struct decoder decoder;
	enum rest rest;
	/* One stream from *at on; *at is then where it ends. NULL: by the decoder. */
	int (*expand)(struct bytes in, size_t *at, struct making *making, struct err *err);
} formats[] = {
	{ "gzip",
	  "\x1f\x8b",
	  2,
	  { gzip_open, gzip_step, gzip_close },
	  REST_STREAMS_THEN_ZEROS,
	  NULL },
	/* The NUL that ends it is a part of it. */
	{ "xz", "\3757zXZ", 6, { xz_open, lzma_step, lzma_close }, REST_STREAMS_AND_ZEROS, NULL },
	{ "zstd", "\x28\xb5\x2f\xfd", 4, { zstd_open, zstd_step, zstd_close }, REST_STREAMS, NULL },
	{ "lz4", "\x04\x22\x4d\x18", 4, { lz4_open, lz4_step, lz4_close }, REST_STREAMS, NULL },
	{ "lz4", "\x02\x21\x4c\x18", 4, { 0 }, REST_STREAMS, expand_lz4_legacy },
	/* Its usual properties, and the low byte of a dictionary's size. */
	{ "lzma", "\x5d\x00", 2, { lzma_open, lzma_step, lzma_close }, REST_NONE, NULL },
	{ "bzip2", "BZh", 3, { bzip2_open, bzip2_step, bzip2_close }, REST_STREAMS, NULL },
	{ "lzop", "\x89LZO\0\r\n\x1a\n", LZOP_MAGIC_SIZE, { 0 }, REST_STREAMS, expand_lzop },
};

static const struct format *format_of(struct bytes in)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (in.size >= formats[i].size &&
		    !memcmp(in.data, formats[i].magic, formats[i].size))
			return &formats[i];
	return NULL;
}

const char *decompress_format(struct bytes in)
{
	const struct format *format = format_of(in);

	return format ? format->name : NULL;
}

static int expand(const struct format *format, struct bytes in, size_t *at,
		  const struct progress *progress, struct making *making, struct err *err)
{
	size_t before = making->out->size;

	if (!format)
		return err_set(err, ERR_INPUT, "not gzip, xz, zstd, lz4, lzma, bzip2 or lzop");
	if (!(format->expand ? format->expand(in, at, making, err)
			     : decode(&format->decoder, in, at, progress, making, err)))
		return 0;
	making->out->size = before;
	return err_prefix(err, "%s", format->name);
}

int decompress_stream(struct bytes in, const struct decompress_rules *rules,
		      const struct progress *progress, struct buf *out, size_t *ret_used,
		      struct err *err)
{
	struct making making = making_of(in, rules, out);
	const struct format *format = format_of(in);
	size_t used = 0;

	if (expand(format, in, &used, progress, &making, err))
		return -1;
	if (judge(&making, /* is_whole= */ true, err)) {
		out->size = making.begin;
		return err_prefix(err, "%s", format->name);
	}
	*ret_used = used;
	return 0;
}

/* Frames of zstd and lz4 without data, for what another program wants to keep there. */
static bool is_skippable(const struct format *format, struct bytes in)
{
	struct cursor cursor = cursor_at(in, 0);

	return (format->decoder.step == zstd_step || format->decoder.step == lz4_step) &&
	       (cursor_u32(&cursor) & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

/* Behind a stream's end: past the zeros that may be there. */
static size_t pass_zeros(const struct format *format, struct bytes in, size_t at)
{
	size_t end = at;

	while (end < in.size && !in.data[end])
		end++;
	if (format->rest == REST_STREAMS_THEN_ZEROS)
		return end == in.size ? end : at;
	return format->rest == REST_STREAMS_AND_ZEROS && (end - at) % XZ_PADDING == 0 ? end : at;
}

/* Whether another stream of the file begins there. */
static bool goes_on(const struct format *format, struct bytes in, size_t at)
{
	struct bytes rest = { in.data + at, in.size - at };

	return format->rest && (format_of(rest) == format || is_skippable(format, rest));
}

static int expand_whole(struct bytes in, bool one_stream, const struct decompress_rules *rules,
			const struct progress *progress, struct buf *out, struct err *err)
{
	const struct format *format = format_of(in);
	struct making making = making_of(in, rules, out);
	size_t at = 0;

	do {
		if (expand(format, in, &at, progress, &making, err))
			return -1;
		if (!one_stream)
			at = pass_zeros(format, in, at);
	} while (!one_stream && goes_on(format, in, at));
	if (at != in.size) {
		err_set(err, ERR_DAMAGED, "data behind its end at 0x%zx", at);
		return err_prefix(err, "%s", format->name);
	}
	return judge(&making, /* is_whole= */ true, err) ? err_prefix(err, "%s", format->name) : 0;
}

int decompress(struct bytes in, const struct decompress_rules *rules, struct buf *ret,
	       struct err *err)
{
	struct buf out CLEANUP(buf_done) = { 0 };

	if (expand_whole(in, /* one_stream= */ false, rules, NULL, &out, err))
		return -1;
	*ret = out;
	out = (struct buf){ 0 };
	return 0;
}

/* Without the window that zstd keeps beside what it makes piece by piece, 128 MiB for a kernel's. */
static int expand_zstd(struct bytes in, size_t size, struct buf *out, struct err *err)
{
	size_t made = ZSTD_decompress(out->data, size, in.data, in.size);

	if (zstd_lacks_memory(made))
		return err_no_memory(err);
	if (ZSTD_isError(made))
		return err_set(err, ERR_DAMAGED, "damaged: %s", ZSTD_getErrorName(made));
	out->size = made;
	return 0;
}

int decompress_sized(struct bytes in, size_t size, const struct progress *progress, struct buf *ret,
		     struct err *err)
{
	struct buf out CLEANUP(buf_done) = { 0 };
	const struct format *format = format_of(in);

	if (size > most_of(in))
		return err_set(err, ERR_DAMAGED, "its end says that it expands to %zu bytes", size);
	if (buf_reserve(&out, size + BLOCK, err))
		return -1;
	if (format && format->decoder.step == zstd_step) {
		if (expand_zstd(in, size, &out, err))
			return err_prefix(err, "zstd");
	} else if (expand_whole(in, /* one_stream= */ true, NULL, progress, &out, err)) {
		return -1;
	}
	*ret = out;
	out = (struct buf){ 0 };
	return 0;
}
