/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/lib/kernel.h"

#include <string.h>

#include "kexec/core/decompress.h"
#include "kexec/lib/request.h"
#include "kexec/x86/bzimage.h"
#include "kexec/x86/multiboot.h"
#include "kexec/x86/program.h"
#include "x86/bootparam.h"

/* include/linux/pe.h and drivers/firmware/efi/libstub/zboot-header.S of Linux 6.12 */
static const char zboot_magic[8] = "MZ\0\0zimg";
/* "Draft Net Boot Image Proposal" 0.3, J. Jamie Honan and G. Kuhlmann: bytes 36 13 03 1b */
static const char nbi_magic[4] = "\x36\x13\x03\x1b";

void kernel_done(struct kernel *kernel)
{
	inputs_done(&kernel->inputs);
	buf_done(&kernel->expanded);
}

static bool begins_with(struct bytes file, const char *magic, size_t size)
{
	struct bytes found;

	return bytes_slice(file, 0, size, &found) && !memcmp(found.data, magic, size);
}

/* What the file is, expanded, becomes the kernel in it. */
static int find_kernel(struct kernel *kernel, unsigned int profile, struct err *err)
{
	struct bzimage image;

	if (begins_with(kernel->image, zboot_magic, sizeof(zboot_magic)))
		return err_set(err, ERR_INPUT,
			       "an EFI zboot image: no kernel for x86 is made so, it is one for "
			       "another processor");
	if (begins_with(kernel->image, nbi_magic, sizeof(nbi_magic)))
		return err_set(err, ERR_INPUT,
			       "a network boot image (NBI): a boot ROM starts it, no kexec does");
	kernel->is_uki = uki_is(kernel->image);
	if (!kernel->is_uki && profile)
		return err_set(err, ERR_INPUT,
			       "no unified kernel image, which alone has profiles: "
			       "--uki-profile=%u has nothing to choose from",
			       profile);
	if (!kernel->is_uki)
		return 0;
	if (uki_parse(kernel->image, profile, &kernel->uki, err))
		return err_prefix(err, "unified kernel image");
	kernel->image = kernel->uki.section[UKI_LINUX].data;
	/* Its offsets are not those of the file. */
	if (bzimage_parse(kernel->image, &image, err))
		return err_prefix(err, "unified kernel image: .linux");
	return 0;
}

/* Multiboot kernels may have their header anywhere in the first 32 KiB. */
enum { JUDGED = 1 << 16 };

/* Whether it can be anything that the rest of it would have to be expanded for. */
static int judge_begin(struct bytes begin, struct err *err)
{
	struct cursor cursor = cursor_at(begin, offsetof(struct boot_params, hdr.header));

	if (begins_with(begin, "MZ", 2) || cursor_u32(&cursor) == SETUP_HEADER_MAGIC ||
	    begins_with(begin, nbi_magic, sizeof(nbi_magic)) || segments_are_elf(begin) ||
	    multiboot_version(begin))
		return 0;
	return err_set(err, ERR_INPUT,
		       "what it expands to is no kernel: it begins neither as a bzImage, a unified "
		       "kernel image or an ELF file does, nor as a multiboot kernel");
}

int kernel_of(struct inputs *file, unsigned int profile, size_t memory, struct kernel *ret,
	      struct err *err)
{
	const struct decompress_rules rules = {
		.memory = memory,
		.judged = JUDGED,
		.judge = judge_begin,
	};
	struct kernel kernel CLEANUP(kernel_done) = { .inputs = *file, .image = file->bytes };
	const char *name = file->file[0].path;

	*file = (struct inputs){ 0 };
	if (decompress_format(kernel.image)) {
		if (decompress(kernel.image, &rules, &kernel.expanded, err))
			return err_prefix(err, "%s", name);
		kernel.image = buf_bytes(&kernel.expanded);
	}
	if (find_kernel(&kernel, profile, err))
		return err_prefix(err, "%s", name);
	*ret = kernel;
	kernel = (struct kernel){ 0 };
	return 0;
}

int kernel_open(const char *path, unsigned int profile, size_t memory, struct kernel *ret,
		struct err *err)
{
	struct inputs file;

	return inputs_open(&path, 1, &file, err) || kernel_of(&file, profile, memory, ret, err) ? -1
												: 0;
}

int kernel_check_type(const struct kernel *kernel, const char *type, enum load_args args,
		      struct err *err)
{
	const char *is = "bzImage64";
	struct bzimage image;
	struct err ignored;

	if (kernel->is_uki)
		is = TYPE_UKI;
	else if (image_parse_with(kernel->image, args, &image, &ignored))
		return 0; /* it is said when it is loaded */
	else if (type && !strcmp(type, TYPE_MULTIBOOT_1) && multiboot_version(kernel->image) &&
		 multiboot_has_1(kernel->image))
		is = type; /* as the other of its two headers says */
	else if (image.is_program)
		is = program_type(&image);
	else if (image.is_elf)
		is = TYPE_ELF;
	else if (image.entry_32bit)
		is = "bzImage";
	if (!type || !strcmp(type, is) || (!strcmp(type, "bzImage") && !strcmp(is, "bzImage64")))
		return 0;
	return err_set(err, ERR_INPUT, "--type=%s: the file is %s", type, is);
}

int kernel_initrd(const struct kernel *kernel, const struct inputs *files, struct buf *joined,
		  struct bytes *ret, struct err *err)
{
	if (!kernel->is_uki) {
		*ret = files->bytes;
		return 0;
	}
	if (uki_initrd(&kernel->uki, files->bytes, joined, err))
		return -1;
	*ret = buf_bytes(joined);
	return 0;
}
