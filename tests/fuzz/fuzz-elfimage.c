/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: the ELF file of a kernel. What is parsed is loaded, and compared byte by byte. */
#include <elf.h>
#include <string.h>

#include "kexec/x86/elfimage.h"
#include "kexec/x86/program.h"
#include "tests/fuzz/fuzz.h"

enum { SMALL = 1 << 20 };

/* By the program headers again, for one byte. */
static uint8_t byte_at(struct bytes file, uint64_t address)
{
	Elf64_Ehdr ehdr;

	memcpy(&ehdr, file.data, sizeof(ehdr));
	for (unsigned int i = 0; i < ehdr.e_phnum; i++) {
		Elf64_Phdr phdr;

		memcpy(&phdr, file.data + ehdr.e_phoff + i * sizeof(phdr), sizeof(phdr));
		if (phdr.p_type == PT_LOAD && phdr.p_memsz && address >= phdr.p_paddr &&
		    address < phdr.p_paddr + phdr.p_filesz)
			return file.data[phdr.p_offset + (address - phdr.p_paddr)];
	}
	return 0;
}

/* What is no kernel that is known may be told of the machine as Linux is. */
static void check_told(struct bytes file)
{
	struct bzimage image = { 0 };
	struct err err = { 0 };

	if (image_parse_with(file, LOAD_ARGS_LINUX, &image, &err))
		require((err.code == ERR_INPUT || err.code == ERR_DAMAGED) &&
			is_sentence(err.text));
	else if (image.is_program && image.told == IMAGE_TOLD_LINUX)
		require(image.header.size && image.cmdline_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes file = { data, size };
	struct bzimage image = { .protocol = 7 };
	const struct footprint_of *of = &image.footprint;
	struct vmlinux vmlinux = { 0 };
	struct err err = { 0 };

	if (elfimage_parse(file, &image, &err)) {
		require((err.code == ERR_INPUT || err.code == ERR_DAMAGED) &&
			is_sentence(err.text));
		require(image.protocol == 7 && !image.header.data);
		check_told(file);
		return 0;
	}
	require(image.is_elf && image.version[0] && !image.entry_32bit);
	require(of->relocatable && of->pref_address % of->alignment == 0);
	require(of->init_size % PAGE_SIZE_4K == 0 && of->init_size == of->wrapper_size);
	require(of->init_size <= VMLINUX_IMAGE_MAX);
	/* Not what takes long. */
	if (of->init_size > SMALL)
		return 0;
	require(!elfimage_load(file, &vmlinux, &err));
	require(vmlinux.size <= vmlinux.mem_size && vmlinux.mem_size <= of->init_size);
	require(vmlinux.entry < vmlinux.size && vmlinux.pref_address == of->pref_address);
	for (uint64_t i = 0; i < vmlinux.size; i++)
		require(vmlinux_image(&vmlinux).data[i] == byte_at(file, of->pref_address + i));
	vmlinux_done(&vmlinux);
	return 0;
}
