/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <elf.h>
#include <string.h>

#include "purgatory/purgatory.h"

/* The kernel's text and data are mapped from here on (arch/x86/include/asm/page_64_types.h,
 * __START_KERNEL_map), all other memory at one distance from its address. */
#define KERNEL_MAP_START 0xffffffff80000000
#define BACKED_UP_BELOW	 0x100000 /* such memory may have been moved before the dump */

/* The first 8 bytes: magic number, ELFCLASS64, ELFDATA2LSB, EV_CURRENT; the rest is 0. */
#define IDENT 0x00010102464c457f

struct loads {
	uint64_t end;	   /* of the last one */
	uint64_t distance; /* from address to virtual address */
	bool has_distance;
};

static bool is_sound_header(const Elf64_Ehdr *header, uint64_t room)
{
	uint64_t ident[2];

	if (room < sizeof(*header))
		return false;
	memcpy(ident, header->e_ident, sizeof(ident));
	return ident[0] == IDENT && !ident[1] && header->e_type == ET_CORE &&
	       header->e_machine == EM_X86_64 && header->e_version == EV_CURRENT &&
	       header->e_phoff == sizeof(*header) && header->e_ehsize == sizeof(*header) &&
	       header->e_phentsize == sizeof(Elf64_Phdr) && header->e_phnum && !header->e_shnum &&
	       sizeof(*header) + header->e_phnum * sizeof(Elf64_Phdr) <= room;
}

static bool is_sound_load(const Elf64_Phdr *load, struct loads *loads)
{
	uint64_t end = load->p_paddr + load->p_memsz;

	if (end < load->p_paddr)
		return false;
	if (load->p_vaddr >= KERNEL_MAP_START)
		return load->p_offset == load->p_paddr;
	if (load->p_offset != load->p_paddr && load->p_paddr >= BACKED_UP_BELOW)
		return false;
	if (load->p_paddr < loads->end)
		return false;
	loads->end = end;
	if (!load->p_vaddr)
		return true;
	if (loads->has_distance && load->p_vaddr - load->p_paddr != loads->distance)
		return false;
	loads->distance = load->p_vaddr - load->p_paddr;
	loads->has_distance = true;
	return true;
}

bool elfcorehdr_is_sound(const void *bytes, uint64_t room)
{
	const Elf64_Ehdr *header = bytes;
	const Elf64_Phdr *entry = (const void *)(header + 1);
	struct loads loads = { 0 };

	if (!is_sound_header(header, room))
		return false;
	for (uint64_t i = 0; i < header->e_phnum; i++, entry++) {
		if (!entry->p_memsz || entry->p_filesz != entry->p_memsz)
			return false;
		if (entry->p_type == PT_NOTE
			    ? entry->p_offset != entry->p_paddr
			    : entry->p_type != PT_LOAD || !is_sound_load(entry, &loads))
			return false;
	}
	return true;
}
