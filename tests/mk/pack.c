/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/mk/pack.h"

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

enum { ZLIB_GZIP = 16, LZOP_BLOCK = 1 << 18, LZOP_WITH_LEVEL = 0x940 };

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void put(const void *data, size_t size, struct buf *to)
{
	struct err err;

	must(!buf_append(to, data, size, &err));
}

/* More than any of these makes of so many bytes; take() keeps what was used. */
static uint8_t *room(size_t size, size_t *ret_room, struct buf *to)
{
	size_t before = to->size;
	struct err err;

	*ret_room = size + size / 8 + 65536;
	must(!buf_extend(to, before + *ret_room, &err));
	to->size = before;
	return to->data + before;
}

void pack_gzip(struct bytes in, struct buf *to)
{
	z_stream stream = { .next_in = (Bytef *)in.data, .avail_in = (uInt)in.size };
	size_t size;

	stream.next_out = room(in.size, &size, to);
	stream.avail_out = (uInt)size;
	must(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + ZLIB_GZIP, 8, 0) == Z_OK);
	must(deflate(&stream, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&stream);
	to->size += stream.total_out;
}

static void code(lzma_stream *stream, struct bytes in, struct buf *to)
{
	stream->next_in = in.data;
	stream->avail_in = in.size;
	stream->next_out = room(in.size, &stream->avail_out, to);
	must(lzma_code(stream, LZMA_FINISH) == LZMA_STREAM_END);
	to->size += stream->total_out;
	lzma_end(stream);
}

void pack_xz(struct bytes in, struct buf *to)
{
	lzma_stream stream = LZMA_STREAM_INIT;

	must(lzma_easy_encoder(&stream, 0, LZMA_CHECK_CRC32) == LZMA_OK);
	code(&stream, in, to);
}

void pack_lzma(struct bytes in, struct buf *to)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_options_lzma options;

	must(!lzma_lzma_preset(&options, 0));
	must(lzma_alone_encoder(&stream, &options) == LZMA_OK);
	code(&stream, in, to);
}

void pack_zstd(struct bytes in, struct buf *to)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	uint8_t *at;
	size_t size;

	must(context);
	at = room(in.size, &size, to);
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	size = ZSTD_compress2(context, at, size, in.data, in.size);
	must(!ZSTD_isError(size));
	ZSTD_freeCCtx(context);
	to->size += size;
}

void pack_lz4(struct bytes in, struct buf *to)
{
	LZ4F_preferences_t preferences = { .frameInfo.contentChecksumFlag =
						   LZ4F_contentChecksumEnabled };
	size_t size;
	uint8_t *at = room(in.size, &size, to);

	size = LZ4F_compressFrame(at, size, in.data, in.size, &preferences);
	must(!LZ4F_isError(size));
	to->size += size;
}

void pack_lz4_legacy(struct bytes in, struct buf *to)
{
	size_t half = in.size / 2;

	for (size_t i = 0; i < 2; i++) {
		size_t part = i ? in.size - half : half, size;
		uint8_t *at = room(part, &size, to);
		int block = LZ4_compress_default((const char *)in.data + i * half, (char *)at + 8,
						 (int)part, (int)size - 8);

		must(block > 0);
		put_u32(at, 0x184c2102);
		put_u32(at + 4, (uint32_t)block);
		to->size += 8 + (size_t)block;
	}
}

void pack_bzip2(struct bytes in, struct buf *to)
{
	size_t size;
	uint8_t *at = room(in.size, &size, to);
	unsigned int used = (unsigned int)size;

	must(BZ2_bzBuffToBuffCompress((char *)at, &used, (char *)in.data, (unsigned int)in.size, 1,
				      0, 0) == BZ_OK);
	to->size += used;
}

static void put_be(uint64_t value, int size, struct buf *to)
{
	while (size--) {
		uint8_t byte = (uint8_t)(value >> 8 * size);

		put(&byte, 1, to);
	}
}

static void lzop_block(struct bytes in, bool as_it_is, uint32_t flags, struct buf *to)
{
	static uint8_t work[LZO1X_1_MEM_COMPRESS];
	struct buf block CLEANUP(buf_done) = { 0 };
	lzo_uint size;
	size_t ignored;
	uint8_t *at = room(in.size, &ignored, &block);

	must(lzo1x_1_compress(in.data, in.size, at, &size, work) == LZO_E_OK);
	as_it_is = as_it_is || size >= in.size;
	put_be(in.size, 4, to);
	put_be(as_it_is ? in.size : size, 4, to);
	if (flags & PACK_LZOP_ADLER32_D)
		put_be(adler32(1, in.data, (uInt)in.size), 4, to);
	if (flags & PACK_LZOP_CRC32_D)
		put_be(crc32(0, in.data, (uInt)in.size), 4, to);
	if (flags & PACK_LZOP_ADLER32_C && !as_it_is)
		put_be(adler32(1, at, (uInt)size), 4, to);
	if (flags & PACK_LZOP_CRC32_C && !as_it_is)
		put_be(crc32(0, at, (uInt)size), 4, to);
	put(as_it_is ? in.data : at, as_it_is ? in.size : size, to);
}

void pack_lzop_with(struct bytes in, struct buf *to, uint32_t flags, uint16_t version)
{
	bool with_level = version >= LZOP_WITH_LEVEL;
	size_t begin;

	put("\x89LZO\0\r\n\x1a\n", 9, to);
	begin = to->size;
	put_be(version, 2, to);
	put_be(0x20a0, 2, to);
	if (with_level)
		put_be(LZOP_WITH_LEVEL, 2, to);
	put_be(1, 1, to);
	if (with_level)
		put_be(5, 1, to);
	put_be(flags, 4, to);
	if (flags & PACK_LZOP_FILTER)
		put_be(1, 4, to);
	put_be(0100644, 4, to);
	put_be(0, with_level ? 8 : 4, to);
	put_be(4, 1, to);
	put("name", 4, to);
	put_be(flags & PACK_LZOP_CRC32_H ? crc32(0, to->data + begin, (uInt)(to->size - begin))
					 : adler32(1, to->data + begin, (uInt)(to->size - begin)),
	       4, to);
	if (flags & PACK_LZOP_EXTRA_FIELD) {
		put_be(3, 4, to);
		put_be(0, 3 + 4, to);
	}
	for (size_t at = 0; at < in.size; at += LZOP_BLOCK) {
		bool last = at + LZOP_BLOCK >= in.size;

		lzop_block((struct bytes){ in.data + at, last ? in.size - at : LZOP_BLOCK }, last,
			   flags, to);
	}
	put_be(0, 4, to);
}

void pack_lzop(struct bytes in, struct buf *to)
{
	pack_lzop_with(in, to, PACK_LZOP_ADLER32_D | PACK_LZOP_ADLER32_C, 0x1040);
}

static void align(struct buf *to)
{
	struct err err;

	must(!buf_extend(to, (to->size + 3) & ~(size_t)3, &err));
}

/* ino, mode, uid, gid, nlink, mtime, size, two devices of two parts, the name's size, checksum. */
void pack_file(const char *name, struct bytes contents, struct buf *to)
{
	char header[128];
	int size = snprintf(header, sizeof(header),
			    "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1,
			    0100644, 0, 0, 1, 0, contents.size, 0, 0, 0, 0, strlen(name) + 1, 0);

	put(header, (size_t)size, to);
	put(name, strlen(name) + 1, to);
	align(to);
	put(contents.data, contents.size, to);
	align(to);
}

void pack_archive_end(struct buf *to)
{
	pack_file("TRAILER!!!", (struct bytes){ 0 }, to);
}

void pack_bootconfig(const char *text, struct buf *to)
{
	uint8_t end[8];
	uint32_t sum = 0;

	for (const char *at = text; *at; at++)
		sum += (uint8_t)*at;
	put_u32(end, (uint32_t)strlen(text));
	put_u32(end + 4, sum);
	put(text, strlen(text), to);
	put(end, sizeof(end), to);
	put("#BOOTCONFIG\n", 12, to);
}
