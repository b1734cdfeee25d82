/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How fast each way of SHA-256 that this processor has is, over chunks of the purgatory's
 * size, beside memcpy(), OpenSSL and kexec-tools' purgatory: the best of some runs, in GB of
 * 10^9 bytes for each second of processor time, of one thread, and of two that have half of the
 * chunks each, by the time of the slower. As rows of Markdown. It fails if any digest is not
 * OpenSSL's, or if a way is not as many times faster than kexec-tools' purgatory as it is to be.
 */
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "purgatory-abi.h"
#include "purgatory/sha256.h"

enum { CHUNKS = 256, SIZE = CHUNKS * PURGATORY_CHUNK_SIZE, RUNS = 3 };

/* Of kexec-tools: its state, which is smaller than this, and how it is called. */
struct peer_context {
	_Alignas(16) uint8_t room[1024];
};
void sha256_starts(struct peer_context *context);
void sha256_update(struct peer_context *context, const uint8_t *data, size_t size);
void sha256_finish(struct peer_context *context, uint8_t digest[32]);

struct part {
	void (*what)(const struct part *part);
	uint32_t hashes;
	size_t first, count;
	double seconds; /* of the thread's processor time: what it took */
};

static uint8_t digest[CHUNKS][PURGATORY_DIGEST_SIZE], expected[CHUNKS][PURGATORY_DIGEST_SIZE];
static uint8_t *data, *copy;

static const uint8_t *chunk(size_t i)
{
	return data + i * PURGATORY_CHUNK_SIZE;
}

static void hash(const struct part *part)
{
	purgatory_sha256_many(part->hashes, chunk(part->first), PURGATORY_CHUNK_SIZE, part->count,
			      digest + part->first);
}

static void hash_by_openssl(const struct part *part)
{
	for (size_t i = part->first; i < part->first + part->count; i++)
		SHA256(chunk(i), PURGATORY_CHUNK_SIZE, digest[i]);
}

static void hash_by_peer(const struct part *part)
{
	for (size_t i = part->first; i < part->first + part->count; i++) {
		struct peer_context context = { 0 };

		sha256_starts(&context);
		sha256_update(&context, chunk(i), PURGATORY_CHUNK_SIZE);
		sha256_finish(&context, digest[i]);
	}
}

static void copy_all(const struct part *part)
{
	memcpy(copy + part->first * PURGATORY_CHUNK_SIZE, chunk(part->first),
	       part->count * PURGATORY_CHUNK_SIZE);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void *run(void *argument)
{
	struct part *part = argument;
	double before = seconds();

	part->what(part);
	part->seconds = seconds() - before;
	return NULL;
}

static double run_two(const struct part *all)
{
	struct part half = *all, rest = *all;
	pthread_t other;

	half.count = all->count / 2;
	rest.first += half.count;
	rest.count -= half.count;
	if (pthread_create(&other, NULL, run, &half)) {
		fputs("hash: no thread\n", stderr);
		exit(1);
	}
	run(&rest);
	pthread_join(other, NULL);
	return half.seconds > rest.seconds ? half.seconds : rest.seconds;
}

/* Returns the speed of one thread. */
static double row(const char *name, void (*what)(const struct part *part), uint32_t hashes,
		  double peer)
{
	struct part all = { what, hashes, 0, CHUNKS, 0 };
	double one = 0, two = 0;

	memset(digest, 0, sizeof(digest));
	for (int i = 0; i < RUNS; i++) {
		double took;

		run(&all);
		if (SIZE / all.seconds / 1e9 > one)
			one = SIZE / all.seconds / 1e9;
		took = run_two(&all);
		if (SIZE / took / 1e9 > two)
			two = SIZE / took / 1e9;
	}
	if (what != copy_all && memcmp(digest, expected, sizeof(digest))) {
		fprintf(stderr, "not ok hash: digests of %s are not OpenSSL's\n", name);
		exit(1);
	}
	printf("| %s | %.2f | %.1f × | %.2f |\n", name, one, one / (peer > 0 ? peer : one), two);
	fflush(stdout);
	return one;
}

int main(void)
{
	static const struct {
		uint32_t hashes;
		double goal; /* times the speed of kexec-tools' purgatory */
	} ways[] = {
		{ 0, 1 },
		{ PURGATORY_HASH_AVX2, 4 },
		{ PURGATORY_HASH_SHA_NI, 5.5 },
		{ PURGATORY_HASH_AVX512, 9 },
	};
	const struct part all = { hash_by_openssl, 0, 0, CHUNKS, 0 };
	double peer;
	int missed = 0;

	data = malloc(SIZE);
	copy = malloc(SIZE);
	if (!data || !copy)
		return 1;
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(i * 7 + (i >> 8) * 13);
	memset(copy, 0, SIZE);
	hash_by_openssl(&all);
	memcpy(expected, digest, sizeof(expected));
	printf("| SHA-256 of %d chunks of 256 KiB | GB/s | of kexec-tools | of two threads, GB/s |\n"
	       "|---|---|---|---|\n",
	       CHUNKS);
	peer = row("kexec-tools' purgatory", hash_by_peer, 0, 0);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const char *name = purgatory_sha256_name(ways[i].hashes, CHUNKS);

		if (ways[i].hashes & ~sha256_hashes())
			continue;
		if (row(name, hash, ways[i].hashes, peer) < ways[i].goal * peer) {
			fprintf(stderr,
				"not ok hash: %s is not %.1f times as fast as kexec-tools\n", name,
				ways[i].goal);
			missed = 1;
		}
	}
	row("OpenSSL", hash_by_openssl, 0, peer);
	row("memcpy", copy_all, 0, peer);
	return missed;
}
