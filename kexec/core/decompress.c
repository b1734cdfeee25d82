/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/decompress.h"

#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { BLOCK = 1 << 18, ZLIB_GZIP = 16, XZ_MEMORY_MAX = 1 << 28 };

static int append(struct buf *out, const void *block, size_t size, struct err *err)
{
	if (out->size + size > DECOMPRESSED_MAX)
		return err_set(err, ERR_INPUT, "expands to more than %d bytes", DECOMPRESSED_MAX);
	return buf_append(out, block, size, err);
}

static int gunzip(struct bytes in, struct buf *out, struct err *err)
{
	z_stream stream = { .next_in = (Bytef *)in.data };
	uint8_t block[BLOCK];
	size_t left = in.size;
	int result = Z_OK;

	if (inflateInit2(&stream, MAX_WBITS + ZLIB_GZIP) != Z_OK)
		return err_no_memory(err);
	while (result == Z_OK) {
		if (!stream.avail_in) {
			stream.avail_in = left < UINT32_MAX ? (uInt)left : UINT32_MAX;
			left -= stream.avail_in;
		}
		stream.next_out = block;
		stream.avail_out = BLOCK;
		result = inflate(&stream, Z_NO_FLUSH);
		if ((result == Z_OK || result == Z_STREAM_END) &&
		    append(out, block, BLOCK - stream.avail_out, err)) {
			inflateEnd(&stream);
			return -1;
		}
	}
	inflateEnd(&stream);
	if (result == Z_STREAM_END && !stream.avail_in && !left)
		return 0;
	if (result == Z_STREAM_END)
		return err_set(err, ERR_INPUT, "data behind its end at 0x%llx",
			       (unsigned long long)stream.total_in);
	return err_set(err, ERR_INPUT, "%s at 0x%llx",
		       result == Z_BUF_ERROR ? "truncated" : "damaged",
		       (unsigned long long)stream.total_in);
}

static int unxz(struct bytes in, struct buf *out, struct err *err)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	uint8_t block[BLOCK];
	lzma_ret result;

	if (lzma_stream_decoder(&stream, XZ_MEMORY_MAX, 0) != LZMA_OK)
		return err_no_memory(err);
	stream.next_in = in.data;
	stream.avail_in = in.size;
	do {
		stream.next_out = block;
		stream.avail_out = BLOCK;
		result = lzma_code(&stream, LZMA_FINISH);
		if ((result == LZMA_OK || result == LZMA_STREAM_END) &&
		    append(out, block, BLOCK - stream.avail_out, err)) {
			lzma_end(&stream);
			return -1;
		}
	} while (result == LZMA_OK);
	lzma_end(&stream);
	if (result == LZMA_STREAM_END && !stream.avail_in)
		return 0;
	if (result == LZMA_MEMLIMIT_ERROR)
		return err_set(err, ERR_INPUT, "its dictionary is too large for a kernel");
	if (result == LZMA_STREAM_END)
		return err_set(err, ERR_INPUT, "data behind its end at 0x%llx",
			       (unsigned long long)(in.size - stream.avail_in));
	return err_set(err, ERR_INPUT, "%s at 0x%llx",
		       result == LZMA_BUF_ERROR ? "truncated" : "damaged",
		       (unsigned long long)(in.size - stream.avail_in));
}

static int unzstd(struct bytes in, struct buf *out, struct err *err)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_inBuffer from = { in.data, in.size, 0 };
	uint8_t block[BLOCK];
	size_t result;

	if (!stream)
		return err_no_memory(err);
	do {
		ZSTD_outBuffer to = { block, BLOCK, 0 };
		size_t before = from.pos;

		result = ZSTD_decompressStream(stream, &to, &from);
		if (ZSTD_isError(result)) {
			err_set(err, ERR_INPUT, "damaged at 0x%zx: %s", from.pos,
				ZSTD_getErrorName(result));
			break;
		}
		if (append(out, block, to.pos, err))
			break;
		if (result && from.pos == before && !to.pos) {
			err_set(err, ERR_INPUT, "truncated at 0x%zx", from.pos);
			break;
		}
		if (!result && from.pos == from.size) {
			ZSTD_freeDStream(stream);
			return 0;
		}
	} while (true);
	ZSTD_freeDStream(stream);
	return -1;
}

static const struct {
	const char *name;
	char magic[8];
	size_t size;
	int (*expand)(struct bytes in, struct buf *out, struct err *err);
} formats[] = {
	{ "gzip", "\x1f\x8b", 2, gunzip },
	{ "xz",
	  "\xfd"
	  "7zXZ",
	  6, unxz }, /* with the NUL behind it */
	{ "zstd", "\x28\xb5\x2f\xfd", 4, unzstd },
};

enum { NR_FORMATS = sizeof(formats) / sizeof(formats[0]) };

static size_t format_of(struct bytes in)
{
	size_t i = 0;

	while (i < NR_FORMATS &&
	       (in.size < formats[i].size || memcmp(in.data, formats[i].magic, formats[i].size)))
		i++;
	return i;
}

const char *decompress_format(struct bytes in)
{
	size_t format = format_of(in);

	return format < NR_FORMATS ? formats[format].name : NULL;
}

int decompress(struct bytes in, struct buf *ret, struct err *err)
{
	struct buf out CLEANUP(buf_done) = { 0 };
	size_t format = format_of(in);

	if (format == NR_FORMATS)
		return err_set(err, ERR_INPUT, "not gzip, xz or zstd");
	if (formats[format].expand(in, &out, err))
		return err_prefix(err, "%s", formats[format].name);
	*ret = out;
	out = (struct buf){ 0 };
	return 0;
}
