/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "purgatory/sha256.h"

#include <cpuid.h>
#include <stdbool.h>
#include <string.h>

#include "purgatory-abi.h"

enum { BLOCK_SIZE = 64, LENGTH_SIZE = 8, WORDS = 8 };

/* Intel SDM volume 2, CPUID. */
enum {
	CPUID_1_ECX_SSSE3 = 1 << 9,
	CPUID_1_ECX_OSXSAVE = 1 << 27,
	CPUID_7_EBX_AVX2 = 1 << 5,
	CPUID_7_EBX_SHA = 1 << 29,
	CPUID_7_EBX_AVX512BW = 1 << 30,
};

uint32_t sha256_hashes(void)
{
	uint32_t eax, ebx, ecx, edx, features, enabled = 0, hashes = 0;

	if (__get_cpuid_max(0, NULL) < 7)
		return 0;
	__cpuid(1, eax, ebx, ecx, edx);
	features = ecx;
	if (features & CPUID_1_ECX_OSXSAVE)
		__asm__ volatile("xgetbv" : "=a"(enabled), "=d"(edx) : "c"(0));
	__cpuid_count(7, 0, eax, ebx, ecx, edx);
	if (features & CPUID_1_ECX_SSSE3 && ebx & CPUID_7_EBX_SHA)
		hashes |= PURGATORY_HASH_SHA_NI;
	if ((enabled & XCR0_AVX) == XCR0_AVX && ebx & CPUID_7_EBX_AVX2)
		hashes |= PURGATORY_HASH_AVX2;
	if ((enabled & XCR0_AVX512) == XCR0_AVX512 && ebx & CPUID_7_EBX_AVX512F &&
	    ebx & CPUID_7_EBX_AVX512BW)
		hashes |= PURGATORY_HASH_AVX512;
	return hashes;
}

/* Of the set, the one to use for so many messages: the fastest whose lanes are not mostly
 * idle. 0: the baseline. */
static uint32_t choose(uint32_t hashes, size_t count)
{
	if (hashes & PURGATORY_HASH_AVX512 && count > 8)
		return PURGATORY_HASH_AVX512;
	if (hashes & PURGATORY_HASH_SHA_NI)
		return PURGATORY_HASH_SHA_NI;
	if (hashes & PURGATORY_HASH_AVX2 && count > 2)
		return PURGATORY_HASH_AVX2;
	if (hashes & PURGATORY_HASH_AVX512 && count > 2)
		return PURGATORY_HASH_AVX512;
	return 0;
}

const char *purgatory_sha256_name(uint32_t hashes, size_t count)
{
	switch (choose(hashes, count)) {
	case PURGATORY_HASH_AVX512:
		return "avx512";
	case PURGATORY_HASH_SHA_NI:
		return "sha-ni";
	case PURGATORY_HASH_AVX2:
		return "avx2";
	default:
		return "baseline";
	}
}

static size_t lanes_of(uint32_t hash)
{
	switch (hash) {
	case PURGATORY_HASH_AVX512:
		return 16;
	case PURGATORY_HASH_SHA_NI:
		return 2;
	case PURGATORY_HASH_AVX2:
		return 8;
	default:
		return 1;
	}
}

/* No table of functions: the purgatory is linked to no address. */
static void compress(uint32_t hash, uint32_t *state, const uint8_t *const *data, size_t nr_blocks)
{
	switch (hash) {
	case PURGATORY_HASH_AVX512:
		sha256_blocks_avx512_16(state, data, nr_blocks);
		break;
	case PURGATORY_HASH_SHA_NI:
		sha256_blocks_ni_2(state, data, nr_blocks);
		break;
	case PURGATORY_HASH_AVX2:
		sha256_blocks_avx2_8(state, data, nr_blocks);
		break;
	default:
		sha256_blocks_x86_64(state, data[0], nr_blocks);
	}
}

/* One batch: at most as many messages as `hash` has lanes. Lanes that are left hash the first
 * message again. */
static void hash_batch(uint32_t hash, const uint8_t *messages, size_t size, size_t count,
		       uint8_t (*ret_digests)[32])
{
	/* FIPS 180-4, 5.3.3 */
	static const uint32_t initial[WORDS] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};
	uint32_t state[WORDS * SHA256_LANES_MAX];
	uint8_t tail[SHA256_LANES_MAX][2 * BLOCK_SIZE];
	const uint8_t *data[SHA256_LANES_MAX];
	size_t lanes = lanes_of(hash), whole = size / BLOCK_SIZE, rest = size % BLOCK_SIZE;
	size_t tail_blocks = rest + 1 + LENGTH_SIZE > BLOCK_SIZE ? 2 : 1;
	uint64_t bits = __builtin_bswap64((uint64_t)size * 8);

	for (size_t lane = 0; lane < lanes; lane++) {
		data[lane] = messages + (lane < count ? lane : 0) * size;
		for (size_t word = 0; word < WORDS; word++)
			state[word * lanes + lane] = initial[word];
	}
	if (whole)
		compress(hash, state, data, whole);
	for (size_t lane = 0; lane < lanes; lane++) {
		memset(tail[lane], 0, sizeof(tail[lane]));
		if (rest)
			memcpy(tail[lane], data[lane] + whole * BLOCK_SIZE, rest);
		tail[lane][rest] = 0x80;
		memcpy(tail[lane] + tail_blocks * BLOCK_SIZE - LENGTH_SIZE, &bits, LENGTH_SIZE);
		data[lane] = tail[lane];
	}
	compress(hash, state, data, tail_blocks);
	for (size_t lane = 0; lane < count; lane++) {
		for (size_t word = 0; word < WORDS; word++) {
			uint32_t value = __builtin_bswap32(state[word * lanes + lane]);

			memcpy(ret_digests[lane] + 4 * word, &value, sizeof(value));
		}
	}
}

void purgatory_sha256_many(uint32_t hashes, const void *messages, size_t size, size_t count,
			   uint8_t (*ret_digests)[32])
{
	const uint8_t *at = messages;

	while (count) {
		uint32_t hash = choose(hashes, count);
		size_t batch = lanes_of(hash) < count ? lanes_of(hash) : count;

		hash_batch(hash, at, size, batch, ret_digests);
		at += batch * size;
		ret_digests += batch;
		count -= batch;
	}
}

void purgatory_sha256(uint32_t hashes, const void *data, size_t size, uint8_t ret_digest[32])
{
	purgatory_sha256_many(hashes, data, size, 1, (uint8_t(*)[32])ret_digest);
}
