/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: a compressed file, or one with something behind it. What is made of it in pieces is held
 * against what each library makes of the whole at once, and a stream against a file of its bytes.
 */
#include <bzlib.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "kexec/core/decompress.h"
#include "tests/fuzz/fuzz.h"

/* Larger results are looked at for their bounds alone. */
enum { COMPARED_MAX = 1 << 20, ZLIB_GZIP = 16, XZ_MEMORY_MAX = 1 << 28 };

static bool begins(const void *in, size_t size, const char *magic, size_t magic_size)
{
	return size >= magic_size && !memcmp(in, magic, magic_size);
}

static bool are_zeros(const uint8_t *in, size_t size)
{
	while (size && !in[size - 1])
		size--;
	return !size;
}

/* Each: whether all of the input is one file of that format that fits into COMPARED_MAX
 * bytes at `to`, and its size. */
static bool gunzip_at_once(struct bytes in, uint8_t *to, size_t *ret_size)
{
	z_stream stream = {
		.next_in = (Bytef *)in.data,
		.avail_in = (uInt)in.size,
		.next_out = to,
		.avail_out = COMPARED_MAX,
	};
	int result;

	require(inflateInit2(&stream, MAX_WBITS + ZLIB_GZIP) == Z_OK);
	do {
		require(inflateReset(&stream) == Z_OK);
		result = inflate(&stream, Z_FINISH);
	} while (result == Z_STREAM_END && begins(stream.next_in, stream.avail_in, "\x1f\x8b", 2));
	inflateEnd(&stream);
	*ret_size = COMPARED_MAX - stream.avail_out;
	return result == Z_STREAM_END && are_zeros(stream.next_in, stream.avail_in);
}

static bool unxz_at_once(struct bytes in, uint8_t *to, size_t *ret_size)
{
	uint64_t memory = XZ_MEMORY_MAX;
	size_t used = 0;

	*ret_size = 0;
	return lzma_stream_buffer_decode(&memory, LZMA_CONCATENATED, NULL, in.data, &used, in.size,
					 to, ret_size, COMPARED_MAX) == LZMA_OK &&
	       used == in.size;
}

static bool unzstd_at_once(struct bytes in, uint8_t *to, size_t *ret_size)
{
	*ret_size = ZSTD_decompress(to, COMPARED_MAX, in.data, in.size);
	return !ZSTD_isError(*ret_size);
}

static bool unlzma_at_once(struct bytes in, uint8_t *to, size_t *ret_size)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_ret result;

	require(lzma_alone_decoder(&stream, XZ_MEMORY_MAX) == LZMA_OK);
	stream.next_in = in.data;
	stream.avail_in = in.size;
	stream.next_out = to;
	stream.avail_out = COMPARED_MAX;
	result = lzma_code(&stream, LZMA_FINISH);
	*ret_size = stream.total_out;
	lzma_end(&stream);
	return result == LZMA_STREAM_END && !stream.avail_in;
}

static bool bunzip2_at_once(struct bytes in, uint8_t *to, size_t *ret_size)
{
	bz_stream stream = {
		.next_in = (char *)in.data,
		.avail_in = (unsigned int)in.size,
		.next_out = (char *)to,
		.avail_out = COMPARED_MAX,
	};
	int result;

	do {
		require(BZ2_bzDecompressInit(&stream, 0, 0) == BZ_OK);
		result = BZ2_bzDecompress(&stream);
		BZ2_bzDecompressEnd(&stream);
	} while (result == BZ_STREAM_END && begins(stream.next_in, stream.avail_in, "BZh", 3));
	*ret_size = COMPARED_MAX - stream.avail_out;
	return result == BZ_STREAM_END && !stream.avail_in;
}

static bool unlz4_at_once(struct bytes in, uint8_t *to, size_t *ret_size)
{
	size_t at = 0, result, taken, made;
	LZ4F_dctx *context;

	require(!LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)));
	*ret_size = 0;
	do {
		taken = in.size - at;
		made = COMPARED_MAX - *ret_size;
		result =
			LZ4F_decompress(context, to + *ret_size, &made, in.data + at, &taken, NULL);
		at += taken;
		*ret_size += made;
	} while (!result && (begins(in.data + at, in.size - at, "\x04\x22\x4d\x18", 4) ||
			     (in.size - at >= 4 && begins(in.data + at + 1, 3, "\x2a\x4d\x18", 3) &&
			      in.data[at] >> 4 == 5)));
	LZ4F_freeDecompressionContext(context);
	return !result && at == in.size;
}

static bool at_once(const char *format, struct bytes in, uint8_t *to, size_t *ret_size)
{
	if (!strcmp(format, "gzip"))
		return gunzip_at_once(in, to, ret_size);
	if (!strcmp(format, "xz"))
		return unxz_at_once(in, to, ret_size);
	if (!strcmp(format, "lzma"))
		return unlzma_at_once(in, to, ret_size);
	if (!strcmp(format, "bzip2"))
		return bunzip2_at_once(in, to, ret_size);
	if (!strcmp(format, "lz4"))
		return unlz4_at_once(in, to, ret_size);
	require(!strcmp(format, "zstd"));
	return unzstd_at_once(in, to, ret_size);
}

/* What only the container of is known here, and not to the library. */
static bool has_reference(const char *format, struct bytes in)
{
	return strcmp(format, "lzop") && (strcmp(format, "lz4") || in.data[0] == 0x04);
}

/* How many bytes it has; 0: it is none. */
static size_t check_stream(struct bytes in)
{
	struct buf out CLEANUP(buf_done) = { 0 }, alone CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };
	size_t used = 0;

	require(!buf_append(&out, "before", 6, &err));
	if (decompress_stream(in, NULL, NULL, &out, &used, &err)) {
		require((err.code == ERR_INPUT || err.code == ERR_DAMAGED) &&
			is_sentence(err.text) && out.size == 6 && !used);
		return 0;
	}
	require(used && used <= in.size && !memcmp(out.data, "before", 6));
	require(!decompress((struct bytes){ in.data, used }, NULL, &alone, &err));
	require(alone.size == out.size - 6);
	require(!alone.size || !memcmp(alone.data, out.data + 6, alone.size));
	return used;
}

/* What is known in size, or is said to be, as `expanded` is; NULL: it cannot be expanded. */
static void check_sized(struct bytes in, const struct buf *expanded)
{
	struct buf out CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };
	size_t size = expanded ? expanded->size : 4096;

	if (decompress_sized(in, size, NULL, &out, &err)) {
		require(!expanded && (err.code == ERR_INPUT || err.code == ERR_DAMAGED) &&
			is_sentence(err.text) && !out.data);
		return;
	}
	/* At once, libzstd needs no window, and minds none that is too small. */
	require(expanded || !memcmp(in.data, "\x28\xb5\x2f\xfd", 4));
	require(out.size <= size);
	require(!expanded ||
		(out.size == size && (!size || !memcmp(out.data, expanded->data, size))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t expected[COMPARED_MAX];
	struct bytes in = { data, size };
	struct buf out CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };
	const char *format = decompress_format(in);
	int result = decompress(in, NULL, &out, &err);
	size_t expected_size;
	bool is_whole, is_one;

	require(out.size <= DECOMPRESSED_MAX);
	if (result) {
		require((err.code == ERR_INPUT || err.code == ERR_DAMAGED) && err.text[0] &&
			!out.data && !out.size);
		require(!strncmp(err.text, format ?: "not gzip", strlen(format ?: "not gzip")));
	}
	/* Of several streams, a size is known only of zstd's. */
	is_one = check_stream(in) == size || (format && !strcmp(format, "zstd"));
	check_sized(in, result || !is_one ? NULL : &out);
	if (!format)
		require(result);
	if (!format || !has_reference(format, in))
		return 0;
	is_whole = at_once(format, in, expected, &expected_size);
	if (result) {
		/* At once, libzstd needs no window, and minds none that is too small. */
		require(!is_whole || !strcmp(format, "zstd"));
	} else if (out.size <= COMPARED_MAX) {
		require(is_whole && out.size == expected_size);
		require(!memcmp(out.data ?: expected, expected, expected_size));
	}
	return 0;
}
