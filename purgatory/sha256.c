/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "purgatory/sha256.h"

#include <string.h>

#include "purgatory-abi.h"

enum { BLOCK_SIZE = 64, LENGTH_SIZE = 8 };

static void compress(uint32_t hash, uint32_t state[8], const void *data, size_t nr_blocks)
{
	switch (hash) {
	case PURGATORY_HASH_BASELINE:
	default:
		sha256_blocks_x86_64(state, data, nr_blocks);
		break;
	}
}

void purgatory_sha256(uint32_t hash, const void *data, size_t size, uint8_t ret_digest[32])
{
	/* FIPS 180-4, 5.3.3 */
	uint32_t state[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};
	uint8_t tail[2 * BLOCK_SIZE] = { 0 };
	size_t whole = size / BLOCK_SIZE, rest = size % BLOCK_SIZE;
	size_t tail_blocks = rest + 1 + LENGTH_SIZE > BLOCK_SIZE ? 2 : 1;
	uint64_t bits = __builtin_bswap64((uint64_t)size * 8);

	if (whole)
		compress(hash, state, data, whole);
	if (rest)
		memcpy(tail, (const uint8_t *)data + whole * BLOCK_SIZE, rest);
	tail[rest] = 0x80;
	memcpy(tail + tail_blocks * BLOCK_SIZE - LENGTH_SIZE, &bits, LENGTH_SIZE);
	compress(hash, state, tail, tail_blocks);
	for (size_t i = 0; i < 8; i++) {
		uint32_t word = __builtin_bswap32(state[i]);

		memcpy(ret_digest + 4 * i, &word, sizeof(word));
	}
}
