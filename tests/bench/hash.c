/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How fast each way of SHA-256 that this processor has is, over chunks of the purgatory's
 * size, beside memcpy() and OpenSSL: the best of some runs, in GB of 10^9 bytes for each
 * second of processor time, as rows of Markdown.
 */
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "purgatory-abi.h"
#include "purgatory/sha256.h"

enum { CHUNKS = 256, SIZE = CHUNKS * PURGATORY_CHUNK_SIZE, RUNS = 7 };

static uint8_t digest[CHUNKS][PURGATORY_DIGEST_SIZE];
static uint8_t *data, *copy;

static void hash(uint32_t hashes)
{
	purgatory_sha256_many(hashes, data, PURGATORY_CHUNK_SIZE, CHUNKS, digest);
}

static void hash_by_openssl(uint32_t unused)
{
	(void)unused;
	for (size_t i = 0; i < CHUNKS; i++)
		SHA256(data + i * PURGATORY_CHUNK_SIZE, PURGATORY_CHUNK_SIZE, digest[i]);
}

static void copy_all(uint32_t unused)
{
	(void)unused;
	memcpy(copy, data, SIZE);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void row(const char *name, void (*what)(uint32_t hashes), uint32_t hashes)
{
	double best = 0;

	for (int i = 0; i < RUNS; i++) {
		double before = seconds(), speed;

		what(hashes);
		speed = SIZE / (seconds() - before) / 1e9;
		if (speed > best)
			best = speed;
	}
	printf("| %s | %.2f |\n", name, best);
}

int main(void)
{
	static const uint32_t ways[] = { 0, PURGATORY_HASH_AVX2, PURGATORY_HASH_SHA_NI,
					 PURGATORY_HASH_AVX512 };

	data = malloc(SIZE);
	copy = malloc(SIZE);
	if (!data || !copy)
		return 1;
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(i * 7 + (i >> 8) * 13);
	memset(copy, 0, SIZE);
	printf("| SHA-256 of %d chunks of 256 KiB | GB/s |\n|---|---|\n", CHUNKS);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!(ways[i] & ~sha256_hashes()))
			row(purgatory_sha256_name(ways[i], CHUNKS), hash, ways[i]);
	row("OpenSSL", hash_by_openssl, 0);
	row("memcpy", copy_all, 0);
	return 0;
}
