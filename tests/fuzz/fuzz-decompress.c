/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: a compressed file. What is made of it in pieces is held against what each library
 * makes of the whole at once.
 */
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "kexec/core/decompress.h"
#include "tests/fuzz/fuzz.h"

/* Larger results are looked at for their bounds alone. */
enum { COMPARED_MAX = 1 << 20, ZLIB_GZIP = 16, XZ_MEMORY_MAX = 1 << 28 };

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
	result = inflate(&stream, Z_FINISH);
	inflateEnd(&stream);
	*ret_size = stream.total_out;
	return result == Z_STREAM_END && !stream.avail_in;
}

static bool unxz_at_once(struct bytes in, uint8_t *to, size_t *ret_size)
{
	uint64_t memory = XZ_MEMORY_MAX;
	size_t used = 0;

	*ret_size = 0;
	return lzma_stream_buffer_decode(&memory, 0, NULL, in.data, &used, in.size, to, ret_size,
					 COMPARED_MAX) == LZMA_OK &&
	       used == in.size;
}

static bool unzstd_at_once(struct bytes in, uint8_t *to, size_t *ret_size)
{
	*ret_size = ZSTD_decompress(to, COMPARED_MAX, in.data, in.size);
	return !ZSTD_isError(*ret_size);
}

static bool at_once(const char *format, struct bytes in, uint8_t *to, size_t *ret_size)
{
	if (!strcmp(format, "gzip"))
		return gunzip_at_once(in, to, ret_size);
	if (!strcmp(format, "xz"))
		return unxz_at_once(in, to, ret_size);
	require(!strcmp(format, "zstd"));
	return unzstd_at_once(in, to, ret_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t expected[COMPARED_MAX];
	struct bytes in = { data, size };
	struct buf out CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };
	const char *format = decompress_format(in);
	int result = decompress(in, &out, &err);
	size_t expected_size;
	bool is_whole;

	require(out.size <= DECOMPRESSED_MAX);
	if (result) {
		require(err.code == ERR_INPUT && err.text[0] && !out.data && !out.size);
		require(!strncmp(err.text, format ?: "not gzip", strlen(format ?: "not gzip")));
	}
	if (!format) {
		require(result);
		return 0;
	}
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
