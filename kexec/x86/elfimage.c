/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/elfimage.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "x86/bootparam.h"

enum {
	SEGMENTS_MAX = 64,
	/* startup_64() of arch/x86/kernel/head_64.S and head64.c asks for it; PMD_SIZE. */
	ALIGNMENT = 0x200000,
	/* COMMAND_LINE_SIZE of arch/x86/include/asm/setup.h, without its NUL. */
	CMDLINE_SIZE = 2047,
	/* What Linux has had since 5.5. */
	PROTOCOL = 0x020f,
	FIRST_MAJOR = 5,
	FIRST_MINOR = 5,
};

static const char banner[] = "Linux version ";
/* Only a kernel with CONFIG_X86_5LEVEL has this table, arch/x86/kernel/head_64.S. */
static const char five_levels[] = "\0level4_kernel_pgt";

static const struct setup_header setup_header = {
	.root_flags = 1,
	.boot_flag = SETUP_BOOT_FLAG,
	.header = SETUP_HEADER_MAGIC,
	.version = PROTOCOL,
	.loadflags = LOADED_HIGH,
	.initrd_addr_max = 0x7fffffff,
	.kernel_alignment = ALIGNMENT,
	.relocatable_kernel = 1,
	.cmdline_size = CMDLINE_SIZE,
};

bool elfimage_is(struct bytes file)
{
	return file.size >= SELFMAG && !memcmp(file.data, ELFMAG, SELFMAG);
}

/* --- segments ---------------------------------------------------------------- */

struct layout {
	Elf64_Phdr segment[SEGMENTS_MAX]; /* those that are loaded */
	size_t count;
	uint64_t start, end, file_end; /* of all of them, physical; the last byte from the file */
	uint64_t entry;		       /* likewise */
};

static int read_header(struct bytes file, Elf64_Ehdr *ret, struct err *err)
{
	if (file.size < sizeof(*ret))
		return err_set(err, ERR_DAMAGED, "an ELF file of %zu bytes: it is cut", file.size);
	memcpy(ret, file.data, sizeof(*ret));
	if (ret->e_ident[EI_CLASS] != ELFCLASS64 || ret->e_ident[EI_DATA] != ELFDATA2LSB ||
	    ret->e_machine != EM_X86_64)
		return err_set(err, ERR_INPUT,
			       "an ELF file of class %u for machine %u: not for x86-64",
			       ret->e_ident[EI_CLASS], ret->e_machine);
	if (ret->e_type != ET_EXEC || ret->e_phentsize != sizeof(Elf64_Phdr))
		return err_set(
			err, ERR_INPUT,
			"an ELF file of type %u, with program headers of %u bytes: no kernel",
			ret->e_type, ret->e_phentsize);
	return 0;
}

static int add_segment(struct bytes file, const Elf64_Phdr *phdr, struct layout *layout,
		       struct err *err)
{
	struct bytes ignored;
	struct range range;

	if (phdr->p_filesz > phdr->p_memsz ||
	    !range_from_size(phdr->p_paddr, phdr->p_memsz, &range) || layout->count == SEGMENTS_MAX)
		return err_set(err, ERR_INPUT,
			       "segment %zu of the ELF file, 0x%llx bytes of 0x%llx at 0x%llx, is "
			       "none of a kernel",
			       layout->count, (unsigned long long)phdr->p_filesz,
			       (unsigned long long)phdr->p_memsz,
			       (unsigned long long)phdr->p_paddr);
	if (!bytes_slice(file, phdr->p_offset, phdr->p_filesz, &ignored))
		return err_set(err, ERR_DAMAGED,
			       "segment %zu of the ELF file ends at 0x%llx, the file at 0x%zx: it "
			       "is cut",
			       layout->count, (unsigned long long)(phdr->p_offset + phdr->p_filesz),
			       file.size);
	for (size_t i = 0; i < layout->count; i++) {
		const Elf64_Phdr *other = &layout->segment[i];

		if (range.start < other->p_paddr + other->p_memsz && other->p_paddr < range.end)
			return err_set(err, ERR_INPUT,
				       "segments %zu and %zu of the ELF file overlap at 0x%llx", i,
				       layout->count, (unsigned long long)phdr->p_paddr);
	}
	if (!layout->count || range.start < layout->start)
		layout->start = range.start;
	layout->end = num_max(layout->end, range.end);
	layout->file_end = num_max(layout->file_end, phdr->p_paddr + phdr->p_filesz);
	layout->segment[layout->count++] = *phdr;
	return 0;
}

/* Where startup_64 is: by its physical address, or its virtual one. */
static bool find_entry(uint64_t entry, struct layout *layout)
{
	for (size_t i = 0; i < layout->count; i++) {
		const Elf64_Phdr *phdr = &layout->segment[i];

		if (entry >= phdr->p_paddr && entry - phdr->p_paddr < phdr->p_filesz)
			layout->entry = entry;
		else if (entry >= phdr->p_vaddr && entry - phdr->p_vaddr < phdr->p_filesz)
			layout->entry = entry - phdr->p_vaddr + phdr->p_paddr;
		else
			continue;
		return true;
	}
	return false;
}

static int read_layout(struct bytes file, struct layout *ret, struct err *err)
{
	struct layout layout = { .count = 0 };
	struct bytes headers;
	Elf64_Ehdr ehdr;

	if (read_header(file, &ehdr, err))
		return -1;
	if (!bytes_slice(file, ehdr.e_phoff, (uint64_t)ehdr.e_phnum * sizeof(Elf64_Phdr), &headers))
		return err_set(err, ERR_DAMAGED,
			       "the ELF file's %u program headers at 0x%llx lie outside it: it is "
			       "cut",
			       ehdr.e_phnum, (unsigned long long)ehdr.e_phoff);
	for (unsigned int i = 0; i < ehdr.e_phnum; i++) {
		Elf64_Phdr phdr;

		memcpy(&phdr, headers.data + i * sizeof(phdr), sizeof(phdr));
		if (phdr.p_type == PT_LOAD && phdr.p_memsz &&
		    add_segment(file, &phdr, &layout, err))
			return -1;
	}
	if (!layout.count || layout.start % ALIGNMENT ||
	    layout.end - layout.start > VMLINUX_IMAGE_MAX)
		return err_set(err, ERR_INPUT,
			       "the ELF file's %zu segments take 0x%llx-0x%llx: no kernel's do, "
			       "which begin at a multiple of 0x%x",
			       layout.count, (unsigned long long)layout.start,
			       (unsigned long long)layout.end, ALIGNMENT);
	if (layout.segment[0].p_vaddr - layout.segment[0].p_paddr != VMLINUX_MAP)
		return err_set(err, ERR_INPUT,
			       "the ELF file is linked for 0x%llx at 0x%llx: no Linux kernel for "
			       "x86-64 is",
			       (unsigned long long)layout.segment[0].p_vaddr,
			       (unsigned long long)layout.segment[0].p_paddr);
	if (!find_entry(ehdr.e_entry, &layout))
		return err_set(err, ERR_INPUT, "the ELF file's entry, 0x%llx, is in no segment",
			       (unsigned long long)ehdr.e_entry);
	*ret = layout;
	return 0;
}

/* --- what else is known of it -------------------------------------------------- */

/* "6.12.1 (...) ...", as the setup header of its bzImage has it. */
static bool copy_version(struct bytes file, const struct layout *layout, char *ret, size_t room)
{
	for (size_t i = 0; i < layout->count; i++) {
		const Elf64_Phdr *phdr = &layout->segment[i];
		const uint8_t *begin = file.data + phdr->p_offset, *end = begin + phdr->p_filesz;
		const uint8_t *found = memmem(begin, phdr->p_filesz, banner, sizeof(banner) - 1);
		size_t used = 0;

		if (!found)
			continue;
		found += sizeof(banner) - 1;
		for (; found < end && *found >= ' ' && *found <= '~' && used < room - 1; found++)
			ret[used++] = (char)*found;
		ret[used] = '\0';
		return used;
	}
	return false;
}

/* Whether one of its symbols has the name, with the NULs around it; and whether it has any. */
static bool has_symbol(struct bytes file, const char *name, size_t size, bool *ret_stripped)
{
	struct bytes headers, names;
	Elf64_Ehdr ehdr;
	bool found = false;

	*ret_stripped = true;
	memcpy(&ehdr, file.data, sizeof(ehdr));
	if (ehdr.e_shentsize != sizeof(Elf64_Shdr) ||
	    !bytes_slice(file, ehdr.e_shoff, (uint64_t)ehdr.e_shnum * sizeof(Elf64_Shdr), &headers))
		return false;
	for (unsigned int i = 0; i < ehdr.e_shnum; i++) {
		Elf64_Shdr shdr;

		memcpy(&shdr, headers.data + i * sizeof(shdr), sizeof(shdr));
		if (shdr.sh_type == SHT_SYMTAB)
			*ret_stripped = false;
		else if (shdr.sh_type == SHT_STRTAB &&
			 bytes_slice(file, shdr.sh_offset, shdr.sh_size, &names))
			found |= memmem(names.data, names.size, name, size) != NULL;
	}
	return found;
}

/* Those that the kernels have of which the protocol is, but what a symbol must tell. */
static uint16_t xloadflags_of(struct bytes file, bool *ret_stripped)
{
	uint16_t flags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G | XLF_EFI_KEXEC;

	if (has_symbol(file, five_levels, sizeof(five_levels), ret_stripped))
		flags |= XLF_5LEVEL | XLF_5LEVEL_ENABLED;
	return flags;
}

static bool is_old(const char *version)
{
	unsigned int major, minor;

	return sscanf(version, "%3u.%3u", &major, &minor) != 2 || major < FIRST_MAJOR ||
	       (major == FIRST_MAJOR && minor < FIRST_MINOR);
}

int elfimage_parse(struct bytes file, struct bzimage *ret, struct err *err)
{
	struct bzimage image = {
		.is_elf = true,
		.header = { (const uint8_t *)&setup_header, sizeof(setup_header) },
		.protected = file,
		.protocol = PROTOCOL,
		.cmdline_size = CMDLINE_SIZE,
		.initrd_addr_max = setup_header.initrd_addr_max,
	};
	struct layout layout;
	uint64_t size;

	if (read_layout(file, &layout, err))
		return -1;
	size = num_align_down(layout.end - layout.start + PAGE_SIZE_4K - 1, PAGE_SIZE_4K);
	if (!copy_version(file, &layout, image.version, sizeof(image.version)))
		return err_set(err, ERR_INPUT, "the ELF file has no \"%s...\": no Linux kernel",
			       banner);
	if (is_old(image.version))
		return err_set(
			err, ERR_INPUT,
			"an ELF file of Linux %s: before %d.%d what a kernel needs to be told "
			"differs",
			image.version, FIRST_MAJOR, FIRST_MINOR);
	image.xloadflags = xloadflags_of(file, &image.is_stripped);
	image.footprint = (struct footprint_of){
		.relocatable = true,
		.alignment = ALIGNMENT,
		.pref_address = layout.start,
		.init_size = size,
		.wrapper_size = size,
	};
	*ret = image;
	return 0;
}

int elfimage_load(struct bytes file, struct vmlinux *ret, struct err *err)
{
	struct vmlinux vmlinux CLEANUP(vmlinux_done) = { .nr_lists = 0 };
	struct layout layout;

	if (read_layout(file, &layout, err) ||
	    buf_extend(&vmlinux.unpacked, layout.file_end - layout.start, err))
		return -1;
	for (size_t i = 0; i < layout.count; i++) {
		const Elf64_Phdr *phdr = &layout.segment[i];

		memcpy(vmlinux.unpacked.data + (phdr->p_paddr - layout.start),
		       file.data + phdr->p_offset, phdr->p_filesz);
	}
	vmlinux.size = vmlinux.unpacked.size;
	vmlinux.mem_size = layout.end - layout.start;
	vmlinux.entry = layout.entry - layout.start;
	vmlinux.pref_address = layout.start;
	*ret = vmlinux;
	vmlinux = (struct vmlinux){ 0 };
	return 0;
}

int image_parse(struct bytes file, struct bzimage *ret, struct err *err)
{
	return elfimage_is(file) ? elfimage_parse(file, ret, err) : bzimage_parse(file, ret, err);
}
