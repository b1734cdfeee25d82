/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/mk/program.h"

#include <elf.h>
#include <string.h>

#include "kexec/core/bytes.h"

void mk_program(uint8_t *file, bool is_elf64)
{
	Elf32_Ehdr small = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_entry = MK_PROGRAM_ADDRESS + MK_PROGRAM_ENTRY,
		.e_phoff = sizeof(small),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 2,
	};
	Elf64_Ehdr large = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_entry = MK_PROGRAM_ADDRESS + MK_PROGRAM_ENTRY,
		.e_phoff = sizeof(large),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	};
	const Elf32_Phdr small_segments[] = {
		{ PT_LOAD, MK_PROGRAM_HEADER_AT, MK_PROGRAM_ADDRESS, MK_PROGRAM_ADDRESS,
		  MK_PROGRAM_TEXT_SIZE, MK_PROGRAM_TEXT_SIZE, PF_R | PF_X, 0x1000 },
		{ PT_LOAD, MK_PROGRAM_DATA_AT, MK_PROGRAM_ADDRESS + MK_PROGRAM_DATA,
		  MK_PROGRAM_ADDRESS + MK_PROGRAM_DATA, MK_PROGRAM_DATA_SIZE,
		  MK_PROGRAM_END - MK_PROGRAM_DATA, PF_R | PF_W, 0x1000 },
	};

	for (size_t i = 0; i < MK_PROGRAM_SIZE; i++)
		file[i] = (uint8_t)(i / 8 + 1);
	if (!is_elf64) {
		memcpy(file, &small, sizeof(small));
		memcpy(file + sizeof(small), small_segments, sizeof(small_segments));
		return;
	}
	memcpy(file, &large, sizeof(large));
	for (size_t i = 0; i < 2; i++) {
		const Elf32_Phdr *from = &small_segments[i];
		const Elf64_Phdr segment = { from->p_type,  from->p_flags, from->p_offset,
					     from->p_vaddr, from->p_paddr, from->p_filesz,
					     from->p_memsz, from->p_align };

		memcpy(file + sizeof(large) + i * sizeof(segment), &segment, sizeof(segment));
	}
}

void mk_multiboot_1(uint8_t *file, uint32_t flags, const uint32_t address[5])
{
	uint8_t *at = file + MK_PROGRAM_HEADER_AT;

	put_u32(at, 0x1badb002);
	put_u32(at + 4, flags);
	put_u32(at + 8, -(0x1badb002 + flags));
	for (size_t i = 0; address && i < 5; i++)
		put_u32(at + 12 + 4 * i, address[i]);
}

void mk_multiboot_2(uint8_t *file, const void *tags, uint32_t size)
{
	static const uint32_t end[] = { 0, 8 };
	uint8_t *at = file + MK_PROGRAM_HEADER_AT;
	uint32_t length = 16 + size + sizeof(end);

	put_u32(at, 0xe85250d6);
	put_u32(at + 4, 0);
	put_u32(at + 8, length);
	put_u32(at + 12, -(0xe85250d6 + length));
	if (size)
		memcpy(at + 16, tags, size);
	memcpy(at + 16 + size, end, sizeof(end));
}
