/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/mk/image.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct setup_header *mk_image(uint8_t *image)
{
	struct setup_header *header = (void *)(image + SETUP_HEADER_OFFSET);

	for (size_t i = 0; i < MK_IMAGE_SIZE; i++)
		image[i] = i < MK_IMAGE_SETUP_SIZE ? 0 : (uint8_t)(i * 7 + 1);
	*header = (struct setup_header){
		.setup_sects = MK_IMAGE_SETUP_SECTS,
		.syssize = (MK_IMAGE_SIZE - MK_IMAGE_SETUP_SIZE) / 16,
		.boot_flag = SETUP_BOOT_FLAG,
		.jump = 0x6aeb, /* to the header's end, 0x26c */
		.header = SETUP_HEADER_MAGIC,
		.version = 0x20f,
		.kernel_version = MK_IMAGE_VERSION_AT - 0x200,
		.loadflags = LOADED_HIGH,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = 0x200000,
		.relocatable_kernel = 1,
		.min_alignment = 21,
		.xloadflags = 0x7f,
		.cmdline_size = 2047,
		.pref_address = 0x1000000,
		.init_size = MK_IMAGE_INIT_SIZE,
	};
	put_u32(image + 0x3c, MK_IMAGE_PE_AT);
	memcpy(image + MK_IMAGE_PE_AT, "PE", 2);
	put_u32(image + MK_IMAGE_SIZE_OF_IMAGE_AT, MK_IMAGE_SETUP_SIZE + MK_IMAGE_WRAPPER_SIZE);
	strcpy((char *)image + MK_IMAGE_VERSION_AT, "6.1.0-test");
	return header;
}

static size_t put_words(uint8_t *at, const uint32_t *word, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_u32(at + 4 * i, word[i]);
	return 4 * count;
}

size_t mk_vmlinux(uint8_t *file, unsigned int lists)
{
	const uint32_t text = 0x81000000;
	const uint32_t old[] = { 0, text + MK_VMLINUX_64, 0, text + MK_VMLINUX_NEGATIVE,
				 0, text + MK_VMLINUX_32 };
	const uint32_t new[] = { 0, text + MK_VMLINUX_64, 0, text + MK_VMLINUX_32 };
	Elf64_Ehdr ehdr = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_entry = 0x1000000 + MK_VMLINUX_ENTRY,
		.e_phoff = sizeof(ehdr),
		.e_shoff = MK_VMLINUX_TABLE_AT - sizeof(Elf64_Shdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 4,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 1,
	};
	const Elf64_Phdr phdr[] = {
		{ PT_LOAD, PF_R | PF_X, MK_VMLINUX_TEXT_AT, 0xffffffff81000000, 0x1000000,
		  MK_VMLINUX_DATA, MK_VMLINUX_DATA, 0x200000 },
		{ PT_LOAD, PF_R | PF_W, MK_VMLINUX_TEXT_AT + MK_VMLINUX_DATA, 0xffffffff81000400,
		  0x1000000 + MK_VMLINUX_DATA, MK_VMLINUX_DATA_END - MK_VMLINUX_DATA,
		  MK_VMLINUX_DATA_END - MK_VMLINUX_DATA, 0x200000 },
		{ PT_LOAD, PF_R | PF_W, MK_VMLINUX_PER_CPU_AT, 0, 0x1000000 + MK_VMLINUX_PER_CPU,
		  MK_VMLINUX_PER_CPU_SIZE, MK_VMLINUX_MEM_SIZE - MK_VMLINUX_PER_CPU, 0x200000 },
		{ PT_NOTE, PF_R, MK_VMLINUX_TEXT_AT, 0, 0, 16, 16, 4 },
	};
	const Elf64_Shdr bss = {
		.sh_type = SHT_NOBITS,
		.sh_flags = SHF_ALLOC | SHF_WRITE,
		.sh_addr = 0xffffffff81000000 + MK_VMLINUX_BSS,
	};

	for (size_t i = 0; i < MK_VMLINUX_SIZE; i++)
		file[i] = i < MK_VMLINUX_TEXT_AT ? 0 : (uint8_t)(i / 16 + 1);
	memcpy(file, &ehdr, sizeof(ehdr));
	memcpy(file + sizeof(ehdr), phdr, sizeof(phdr));
	memcpy(file + ehdr.e_shoff, &bss, sizeof(bss));
	memcpy(file + MK_VMLINUX_TEXT_AT + MK_VMLINUX_BANNER, MK_VMLINUX_BANNER_IS,
	       sizeof(MK_VMLINUX_BANNER_IS));
	put_u64(file + MK_VMLINUX_TEXT_AT + MK_VMLINUX_64, MK_VMLINUX_64_IS);
	put_u32(file + MK_VMLINUX_TEXT_AT + MK_VMLINUX_32, MK_VMLINUX_32_IS);
	put_u32(file + MK_VMLINUX_PER_CPU_AT + MK_VMLINUX_NEGATIVE - MK_VMLINUX_PER_CPU,
		MK_VMLINUX_NEGATIVE_IS);
	/* Its last bytes are zeros, as those of a .bss that is in the file. */
	memset(file + MK_VMLINUX_PER_CPU_AT + MK_VMLINUX_PER_CPU_SIZE / 2, 0,
	       MK_VMLINUX_PER_CPU_SIZE / 2);
	if (lists == 3)
		return MK_VMLINUX_TABLE_AT + put_words(file + MK_VMLINUX_TABLE_AT, old, 6);
	return MK_VMLINUX_TABLE_AT + (lists ? put_words(file + MK_VMLINUX_TABLE_AT, new, 4) : 0);
}

void mk_image_payload(uint8_t *image, const uint8_t *file, size_t size)
{
	enum { OFFSET = 0x1000 };
	struct setup_header *header = (void *)(image + SETUP_HEADER_OFFSET);
	z_stream stream = {
		.next_in = (Bytef *)file,
		.avail_in = (uInt)size,
		.next_out = image + MK_IMAGE_SETUP_SIZE + OFFSET,
		.avail_out = MK_IMAGE_SIZE - MK_IMAGE_SETUP_SIZE - OFFSET,
	};

	if (deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, 0) != Z_OK ||
	    deflate(&stream, Z_FINISH) != Z_STREAM_END)
		abort();
	header->payload_offset = OFFSET;
	header->payload_length = (uint32_t)stream.total_out;
	deflateEnd(&stream);
}
