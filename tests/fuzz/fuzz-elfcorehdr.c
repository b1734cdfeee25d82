/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: what lies where the purgatory looks for an ELF core header that the running kernel
 * rewrote. What it takes for sound is read again by libelf.
 */
#include <gelf.h>
#include <string.h>

#include "purgatory/purgatory.h"
#include "tests/fuzz/fuzz.h"

/* __START_KERNEL_map, arch/x86/include/asm/page_64_types.h */
#define KERNEL_MAP 0xffffffff80000000

enum { MIB = 0x100000 };

/* Memory comes in order, each byte once; the kernel's image besides. */
static void check_loads(Elf *elf, size_t count)
{
	uint64_t end = 0;
	GElf_Phdr phdr;

	for (int i = 0; i < (int)count; i++) {
		require(gelf_getphdr(elf, i, &phdr) == &phdr);
		require(phdr.p_type == PT_NOTE || phdr.p_type == PT_LOAD);
		require(phdr.p_memsz && phdr.p_filesz == phdr.p_memsz);
		if (phdr.p_type == PT_NOTE || phdr.p_vaddr >= KERNEL_MAP || phdr.p_paddr >= MIB)
			require(phdr.p_offset == phdr.p_paddr);
		if (phdr.p_type == PT_NOTE || phdr.p_vaddr >= KERNEL_MAP)
			continue;
		require(phdr.p_paddr >= end && phdr.p_memsz <= UINT64_MAX - phdr.p_paddr);
		end = phdr.p_paddr + phdr.p_memsz;
	}
}

static void check_sound(char *bytes, size_t room)
{
	GElf_Ehdr ehdr;
	size_t count;
	Elf *elf;

	/* Of no section: nobody but libelf looks where there are none. */
	memset(bytes + offsetof(Elf64_Ehdr, e_shoff), 0, sizeof(Elf64_Off));
	elf = elf_memory(bytes, room);
	require(elf && elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64);
	require(gelf_getehdr(elf, &ehdr) == &ehdr);
	require(ehdr.e_type == ET_CORE && ehdr.e_machine == EM_X86_64 && !ehdr.e_shnum);
	require(!elf_getphdrnum(elf, &count) && count == ehdr.e_phnum && count);
	require(ehdr.e_phoff + count * sizeof(Elf64_Phdr) <= room);
	check_loads(elf, count);
	require(!elf_end(elf));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Aligned as a segment is, and of the exact size, so that a sanitizer sees a read past
	 * the end. */
	char *bytes = malloc(size ?: 1);
	bool is_sound;

	require(bytes && elf_version(EV_CURRENT) != EV_NONE);
	if (size)
		memcpy(bytes, data, size);
	is_sound = elfcorehdr_is_sound(bytes, size);
	require(!size || !memcmp(bytes, data, size));
	if (is_sound)
		check_sound(bytes, size);
	free(bytes);
	return 0;
}
