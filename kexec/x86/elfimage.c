/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/elfimage.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "x86/bootparam.h"

enum {
	/* startup_64() of arch/x86/kernel/head_64.S and head64.c asks for it; PMD_SIZE. */
	ALIGNMENT = 0x200000,
	/* COMMAND_LINE_SIZE of arch/x86/include/asm/setup.h, without its NUL. */
	CMDLINE_SIZE = 2047,
	/* What Linux has had since 5.5, and before: nobody shall use 2.14
	 * (Documentation/arch/x86/boot.rst). */
	PROTOCOL = 0x020f,
	PROTOCOL_OLD = 0x020d,
	FIRST_MAJOR = 5,
	FIRST_MINOR = 5,
	/* Of a kernel of 32 bits: MAXMEM of arch/x86/include/asm/setup.h, as header.S has it. */
	INITRD_ADDR_MAX_32 = 0x37ffffff,
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

/* Those of a kernel that is linked as Linux is. */
static int read_layout(struct bytes file, struct segments *ret, struct err *err)
{
	struct segments segments;

	if (segments_of_elf(file, /* entry= */ NULL, /* virtual_first= */ false, &segments, err))
		return -1;
	if (segments.start % ALIGNMENT || segments.end - segments.start > VMLINUX_IMAGE_MAX)
		return err_set(err, ERR_INPUT,
			       "the ELF file's %zu segments take 0x%llx-0x%llx: no kernel's do, "
			       "which begin at a multiple of 0x%x",
			       segments.count, (unsigned long long)segments.start,
			       (unsigned long long)segments.end, ALIGNMENT);
	if (segments.segment[0].virtual_address - segments.segment[0].address != VMLINUX_MAP)
		return err_set(err, ERR_INPUT,
			       "the ELF file is linked for 0x%llx at 0x%llx: no Linux kernel for "
			       "x86-64 is",
			       (unsigned long long)segments.segment[0].virtual_address,
			       (unsigned long long)segments.segment[0].address);
	*ret = segments;
	return 0;
}

/* --- what else is known of it -------------------------------------------------- */

bool elfimage_version(struct bytes file, const struct segments *segments, char *ret, size_t room)
{
	for (size_t i = 0; i < segments->count; i++) {
		const struct segment *segment = &segments->segment[i];
		const uint8_t *begin = file.data + segment->offset;
		const uint8_t *end = begin + segment->file_size;
		const uint8_t *found =
			memmem(begin, segment->file_size, banner, sizeof(banner) - 1);
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

void elfimage_tell(struct bzimage *image)
{
	image->told = IMAGE_TOLD_LINUX;
	image->header = (struct bytes){ (const uint8_t *)&setup_header, sizeof(setup_header) };
	image->protocol = *image->version && is_old(image->version) ? PROTOCOL_OLD : PROTOCOL;
	image->cmdline_size = CMDLINE_SIZE;
	image->initrd_addr_max =
		image->entry_32bit ? INITRD_ADDR_MAX_32 : setup_header.initrd_addr_max;
	image->xloadflags &= XLF_KERNEL_64;
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
	struct segments segments;
	uint64_t size;

	if (read_layout(file, &segments, err))
		return -1;
	/* By pages of this size the kernel maps itself. */
	size = num_align_down(segments.end - segments.start + ALIGNMENT - 1, ALIGNMENT);
	if (!elfimage_version(file, &segments, image.version, sizeof(image.version)))
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
		.pref_address = segments.start,
		.init_size = size,
		.wrapper_size = size,
	};
	*ret = image;
	return 0;
}

int elfimage_load(struct bytes file, struct vmlinux *ret, struct err *err)
{
	struct segments segments;

	if (read_layout(file, &segments, err) || segments_load(file, &segments, ret, err))
		return -1;
	return 0;
}
