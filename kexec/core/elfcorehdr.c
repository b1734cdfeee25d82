/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/elfcorehdr.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

int elfcorehdr_add_note(struct elfcorehdr *header, struct elfcorehdr_note note, struct err *err)
{
	if (array_grow(&header->note, &header->notes_room, header->nr_notes, sizeof(note), err))
		return -1;
	header->note[header->nr_notes++] = note;
	return 0;
}

int elfcorehdr_add_load(struct elfcorehdr *header, struct elfcorehdr_load load, struct err *err)
{
	if (array_grow(&header->load, &header->loads_room, header->nr_loads, sizeof(load), err))
		return -1;
	header->load[header->nr_loads++] = load;
	return 0;
}

int elfcorehdr_size(const struct elfcorehdr *header, uint64_t *ret, struct err *err)
{
	size_t count = header->nr_notes + header->nr_loads;

	if (count > ELFCOREHDR_PHDRS_MAX)
		return err_set(err, ERR_INPUT,
			       "%zu processors' notes and %zu ranges of memory are %zu program "
			       "headers, an ELF core has %d at most: boot the running "
			       "kernel with less memory (mem=) or fewer processors (nr_cpus=)",
			       header->nr_notes, header->nr_loads, count, ELFCOREHDR_PHDRS_MAX);
	*ret = sizeof(Elf64_Ehdr) + count * sizeof(Elf64_Phdr);
	return 0;
}

void elfcorehdr_write(const struct elfcorehdr *header, uint8_t *to, uint64_t size)
{
	Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)(header->nr_notes + header->nr_loads),
	};

	memset(to, 0, size);
	memcpy(to, &ehdr, sizeof(ehdr));
	to += sizeof(ehdr);
	for (size_t i = 0; i < header->nr_notes; i++, to += sizeof(Elf64_Phdr)) {
		const struct elfcorehdr_note *note = &header->note[i];

		memcpy(to,
		       &(Elf64_Phdr){ .p_type = PT_NOTE,
				      .p_offset = note->address,
				      .p_paddr = note->address,
				      .p_filesz = note->size,
				      .p_memsz = note->size },
		       sizeof(Elf64_Phdr));
	}
	for (size_t i = 0; i < header->nr_loads; i++, to += sizeof(Elf64_Phdr)) {
		const struct elfcorehdr_load *load = &header->load[i];

		memcpy(to,
		       &(Elf64_Phdr){ .p_type = PT_LOAD,
				      .p_flags = PF_R | PF_W | PF_X,
				      .p_offset = load->found_at,
				      .p_vaddr = load->vaddr,
				      .p_paddr = load->range.start,
				      .p_filesz = range_size(load->range),
				      .p_memsz = range_size(load->range) },
		       sizeof(Elf64_Phdr));
	}
}

void elfcorehdr_done(struct elfcorehdr *header)
{
	free(header->note);
	free(header->load);
	*header = (struct elfcorehdr){ 0 };
}
