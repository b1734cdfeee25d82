/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: what /proc/kcore begins with. */
#include <elf.h>
#include <string.h>

#include "kexec/core/kcore.h"
#include "tests/fuzz/fuzz.h"

/* The segments once more, by number. False if there is none of that number. */
static bool load_at(struct bytes file, unsigned int number, Elf64_Phdr *ret)
{
	Elf64_Ehdr ehdr;

	memcpy(&ehdr, file.data, sizeof(ehdr));
	for (unsigned int i = 0; i < ehdr.e_phnum; i++) {
		memcpy(ret, file.data + ehdr.e_phoff + i * sizeof(*ret), sizeof(*ret));
		if (ret->p_type == PT_LOAD && ret->p_paddr < PHYS_LIMIT &&
		    ret->p_memsz <= PHYS_LIMIT - ret->p_paddr && !number--)
			return true;
	}
	return false;
}

static void check_segments(struct bytes file, const struct kcore *kcore)
{
	Elf64_Phdr phdr;

	for (unsigned int i = 0; i < kcore->count; i++) {
		require(load_at(file, i, &phdr));
		require(kcore->segment[i].vaddr == phdr.p_vaddr);
		require(kcore->segment[i].paddr == phdr.p_paddr);
		require(kcore->segment[i].offset == phdr.p_offset);
		require(kcore->segment[i].size == phdr.p_memsz);
	}
	require(!load_at(file, (unsigned int)kcore->count, &phdr));
}

/* The first segment that shows all of it, in numbers that do not wrap. */
static void check_found(const struct kcore *kcore, phys_t address, uint64_t size)
{
	uint64_t offset = 1;
	bool found = kcore_find(kcore, address, size, &offset);

	for (size_t i = 0; i < kcore->count; i++) {
		const struct kcore_segment *segment = &kcore->segment[i];
		__uint128_t end = (__uint128_t)segment->paddr + segment->size;

		if (address < segment->paddr || address >= end || (__uint128_t)address + size > end)
			continue;
		require(found && offset == segment->offset + (address - segment->paddr));
		return;
	}
	require(!found && offset == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes file = { data, size };
	struct kcore kcore CLEANUP(kcore_done) = { 0 };
	struct err err = { 0 };
	uint64_t headers = 1;

	if (kcore_headers_size(file, &headers, &err)) {
		require(err.code == ERR_INPUT && err.text[0] && headers == 1);
		require(kcore_parse(file, &kcore, &err) && !kcore.count);
		return 0;
	}
	if (kcore_parse(file, &kcore, &err)) {
		require(err.code == ERR_INPUT && headers > size && !kcore.segment);
		return 0;
	}
	require(headers <= size);
	check_segments(file, &kcore);
	for (size_t i = 0; i < kcore.count && i < 8; i++) {
		const struct kcore_segment *segment = &kcore.segment[i];

		check_found(&kcore, segment->paddr, segment->size);
		check_found(&kcore, segment->paddr - 1, 1);
		check_found(&kcore, segment->paddr + segment->size, 1);
		check_found(&kcore, segment->paddr + segment->size - 1, 1);
		check_found(&kcore, segment->paddr + segment->size - 1, 2);
		check_found(&kcore, segment->paddr, UINT64_MAX);
	}
	return 0;
}
