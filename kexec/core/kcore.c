/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/kcore.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

int kcore_headers_size(struct bytes head, uint64_t *ret, struct err *err)
{
	Elf64_Ehdr ehdr;

	if (head.size < sizeof(ehdr))
		return err_set(err, ERR_INPUT, "%zu bytes, an ELF header has %zu", head.size,
			       sizeof(ehdr));
	memcpy(&ehdr, head.data, sizeof(ehdr));
	if (memcmp(ehdr.e_ident, ELFMAG, SELFMAG) || ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
	    ehdr.e_ident[EI_DATA] != ELFDATA2LSB || ehdr.e_phentsize != sizeof(Elf64_Phdr))
		return err_set(err, ERR_INPUT, "not a little-endian 64-bit ELF file");
	if (ehdr.e_phoff > UINT32_MAX)
		return err_set(err, ERR_INPUT, "program headers at offset 0x%llx",
			       (unsigned long long)ehdr.e_phoff);
	*ret = ehdr.e_phoff + (uint64_t)ehdr.e_phnum * sizeof(Elf64_Phdr);
	return 0;
}

int kcore_parse(struct bytes headers, struct kcore *ret, struct err *err)
{
	struct kcore kcore CLEANUP(kcore_done) = { 0 };
	uint64_t size;
	Elf64_Ehdr ehdr;

	if (kcore_headers_size(headers, &size, err))
		return -1;
	if (size > headers.size)
		return err_set(err, ERR_INPUT, "program headers up to 0x%llx of 0x%zx bytes",
			       (unsigned long long)size, headers.size);
	memcpy(&ehdr, headers.data, sizeof(ehdr));
	for (uint64_t at = ehdr.e_phoff; at < size; at += sizeof(Elf64_Phdr)) {
		struct kcore_segment segment;
		Elf64_Phdr phdr;

		memcpy(&phdr, headers.data + at, sizeof(phdr));
		segment = (struct kcore_segment){ phdr.p_vaddr, phdr.p_paddr, phdr.p_offset,
						  phdr.p_memsz };
		if (phdr.p_type != PT_LOAD || segment.paddr >= PHYS_LIMIT ||
		    segment.size > PHYS_LIMIT - segment.paddr)
			continue;
		if (array_grow(&kcore.segment, &kcore.room, kcore.count, sizeof(segment), err))
			return -1;
		kcore.segment[kcore.count++] = segment;
	}
	*ret = kcore;
	kcore = (struct kcore){ 0 };
	return 0;
}

bool kcore_find(const struct kcore *kcore, phys_t address, uint64_t size, uint64_t *ret_offset)
{
	for (size_t i = 0; i < kcore->count; i++) {
		const struct kcore_segment *segment = &kcore->segment[i];

		if (address < segment->paddr || address - segment->paddr >= segment->size ||
		    size > segment->size - (address - segment->paddr))
			continue;
		*ret_offset = segment->offset + (address - segment->paddr);
		return true;
	}
	return false;
}

void kcore_done(struct kcore *kcore)
{
	free(kcore->segment);
	*kcore = (struct kcore){ 0 };
}
