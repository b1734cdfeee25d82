/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "purgatory/machine.h"
#include "purgatory/purgatory.h"
#include "purgatory/sha256.h"

/* Addresses of the block are physical, and the memory is identity-mapped. */
static void *at_address(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

/* What every check needs. */
struct verification {
	const struct purgatory_params *params;
	uint32_t hashes; /* what of params->hashes this processor can execute */
	struct purgatory_report report;
};

static bool is_same(const uint8_t actual[PURGATORY_DIGEST_SIZE],
		    const uint8_t expected[PURGATORY_DIGEST_SIZE])
{
	uint8_t differences = 0;

	for (size_t i = 0; i < PURGATORY_DIGEST_SIZE; i++)
		differences |= actual[i] ^ expected[i];
	return !differences;
}

static bool digest_is(const struct verification *verification, const void *data, uint64_t size,
		      const uint8_t expected[PURGATORY_DIGEST_SIZE],
		      uint8_t ret_actual[PURGATORY_DIGEST_SIZE])
{
	purgatory_sha256(verification->hashes, data, size, ret_actual);
	return is_same(ret_actual, expected);
}

static void print_digests(const uint8_t actual[PURGATORY_DIGEST_SIZE],
			  const uint8_t expected[PURGATORY_DIGEST_SIZE])
{
	uint64_t starts[2];

	memcpy(&starts[0], actual, sizeof(starts[0]));
	memcpy(&starts[1], expected, sizeof(starts[1]));
	console_print("SHA-256 begins with %016lx, expected %016lx\n",
		      (uint64_t)__builtin_bswap64(starts[0]),
		      (uint64_t)__builtin_bswap64(starts[1]));
}

static void check_params(const struct purgatory_params *params)
{
	if (params->magic == PURGATORY_MAGIC && params->version == PURGATORY_ABI_VERSION &&
	    params->params_size == sizeof(*params))
		return;
	console_print("the parameter block is damaged: magic %016lx, version %lu, size %lu\n",
		      params->magic, (uint64_t)params->version, (uint64_t)params->params_size);
	purgatory_fail(params);
}

/* The regions say which bytes are hashed and the digests what they should be, so
 * neither may be believed before both have been verified. */
static void check_tables(const struct verification *verification)
{
	const struct purgatory_params *params = verification->params;
	uint64_t regions_size = params->nr_regions * sizeof(struct purgatory_region);
	uint64_t size = regions_size + (uint64_t)params->nr_chunks * PURGATORY_DIGEST_SIZE;
	uint8_t actual[PURGATORY_DIGEST_SIZE];

	if (params->digests - params->regions != regions_size) {
		console_print("the parameter block is damaged: %lu regions at 0x%lx, digests at "
			      "0x%lx\n",
			      (uint64_t)params->nr_regions, params->regions, params->digests);
		purgatory_fail(params);
	}
	if (digest_is(verification, at_address(params->regions), size, params->tables_digest,
		      actual))
		return;
	console_print("the tables of regions and digests are damaged\n");
	print_digests(actual, params->tables_digest);
	purgatory_fail(params);
}

/* A chunk of a region, at `address` now, that may be damaged. */
struct chunk {
	const struct purgatory_region *region;
	uint64_t offset, size, address;
	const uint8_t *expected;
};

/* From the spare, if that is good, and then verified again where it is needed. */
static bool repair(struct verification *verification, const struct chunk *chunk)
{
	const struct purgatory_region *region = chunk->region;
	const void *spare = at_address(region->spare + chunk->offset);
	struct purgatory_report *report = &verification->report;
	uint8_t actual[PURGATORY_DIGEST_SIZE];

	if (!region->spare || !digest_is(verification, spare, chunk->size, chunk->expected, actual))
		return false;
	machine_copy(at_address(chunk->address), spare, chunk->size);
	if (!digest_is(verification, at_address(chunk->address), chunk->size, chunk->expected,
		       actual))
		return false;
	console_print("segment %lu (%s) repaired: 0x%lx bytes at offset 0x%lx\n",
		      (uint64_t)region->segment, region->name, chunk->size, chunk->offset);
	if (!report->nr_repaired++) {
		report->repaired_offset = chunk->offset;
		memcpy(report->repaired_name, region->name, sizeof(report->repaired_name));
	}
	return true;
}

static void check_chunk(struct verification *verification, const struct chunk *chunk,
			const uint8_t actual[PURGATORY_DIGEST_SIZE], const char *which)
{
	verification->report.nr_chunks++;
	if (is_same(actual, chunk->expected) || repair(verification, chunk))
		return;
	console_print("segment %lu (%s) is damaged: 0x%lx bytes at offset 0x%lx of its %s\n",
		      (uint64_t)chunk->region->segment, chunk->region->name, chunk->size,
		      chunk->offset, which);
	print_digests(actual, chunk->expected);
	purgatory_fail(verification->params);
}

/* Chunks of full size are hashed several at a time, the shorter last one by itself. */
static void check_region(struct verification *verification, const struct purgatory_region *region,
			 uint64_t address, const char *which)
{
	struct chunk chunk = { .region = region,
			       .expected = at_address(verification->params->digests) };

	if (region->room && elfcorehdr_is_sound(at_address(address), region->room))
		return;
	chunk.expected += (uint64_t)region->first_chunk * PURGATORY_DIGEST_SIZE;
	while (chunk.offset < region->size) {
		uint64_t left = region->size - chunk.offset, count = left / PURGATORY_CHUNK_SIZE;
		uint8_t actual[SHA256_LANES_MAX][PURGATORY_DIGEST_SIZE];

		chunk.size = count ? PURGATORY_CHUNK_SIZE : left;
		if (count > SHA256_LANES_MAX)
			count = SHA256_LANES_MAX;
		if (!count)
			count = 1;
		purgatory_sha256_many(verification->hashes, at_address(address + chunk.offset),
				      chunk.size, count, actual);
		for (uint64_t i = 0; i < count; i++) {
			chunk.address = address + chunk.offset;
			check_chunk(verification, &chunk, actual[i], which);
			chunk.offset += chunk.size;
			chunk.expected += PURGATORY_DIGEST_SIZE;
		}
	}
}

/* Not in a guest whose time stamps the hypervisor may intercept. */
static uint64_t time_stamp(const struct purgatory_params *params)
{
	return params->report && !(params->flags & PURGATORY_NO_IO) ? machine_tsc() : 0;
}

static void leave_report(const struct purgatory_params *params, struct purgatory_report *report)
{
	if (!params->report)
		return;
	report->version = PURGATORY_REPORT_VERSION;
	report->nmis = machine_nmi_count;
	report->tsc_exit = time_stamp(params);
	*(struct purgatory_report *)at_address(params->report) = *report;
}

void purgatory_main(const struct purgatory_params *params, uint32_t own_repaired)
{
	const struct purgatory_region *regions = at_address(params->regions);
	bool verifies = !(params->flags & PURGATORY_SKIP_VERIFY);
	bool asks_processor = !(params->flags & PURGATORY_NO_IO);
	struct verification verification = { .params = params };
	struct purgatory_report *report = &verification.report;
	struct machine_vectors before = { 0 };

	report->nr_regions = params->nr_regions;
	report->own_repaired = own_repaired;
	report->tsc_hz = params->tsc_hz;
	report->tsc_entry = time_stamp(params);
	console_init(params);
	check_params(params);
	if (own_repaired)
		console_print("the purgatory itself was repaired\n");
	if (verifies) {
		machine_vectors_on(asks_processor && params->hashes & (PURGATORY_HASH_AVX2 |
								       PURGATORY_HASH_AVX512),
				   &before);
		verification.hashes = params->hashes;
		if (asks_processor)
			verification.hashes &= sha256_hashes();
		check_tables(&verification);
	}
	for (uint32_t i = 0; i < params->nr_regions; i++)
		report->bytes += regions[i].size;
	if (verifies)
		console_print("verifying %lu segments, %lu MiB, %s\n", (uint64_t)params->nr_regions,
			      (report->bytes + 0xfffff) >> 20,
			      purgatory_sha256_name(verification.hashes, SHA256_LANES_MAX));
	else
		console_print("not verifying %lu segments, %lu MiB\n", (uint64_t)params->nr_regions,
			      (report->bytes + 0xfffff) >> 20);

	for (uint32_t i = 0; verifies && i < params->nr_regions; i++)
		check_region(&verification, &regions[i], regions[i].src, "source");
	for (uint32_t i = 0; i < params->nr_regions; i++) {
		const struct purgatory_region *region = &regions[i];

		if (region->dst == region->src)
			continue;
		machine_copy(at_address(region->dst), at_address(region->src), region->size);
		memset(at_address(region->dst + region->size), 0, region->zero);
		if (verifies)
			check_region(&verification, region, region->dst, "copy");
	}

	if (verifies)
		machine_vectors_off(&before);
	if (params->backup_size)
		machine_copy(at_address(params->backup_dst), at_address(params->backup_src),
			     params->backup_size);
	if (machine_nmi_count)
		console_print("%lu NMIs came and were passed over\n", machine_nmi_count);
	console_print("%s, %s 0x%lx\n", verifies ? "all verified" : "nothing verified",
		      params->flags & PURGATORY_DIRECT ? "direct start of the kernel at"
						       : "entering the kernel at",
		      params->entry_rip);
	console_flush();
	leave_report(params, report);
}
