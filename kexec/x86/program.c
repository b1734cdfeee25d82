/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/program.h"

#include <string.h>

#include "kexec/x86/elfimage.h"
#include "kexec/x86/multiboot_info.h"
#include "x86/bootparam.h"

/* --- what it is ------------------------------------------------------------ */

/* `start` is of the page on which the first segment begins. */
static struct footprint_of footprint_of(const struct segments *segments)
{
	phys_t start = num_align_down(segments->start, PAGE_SIZE_4K);
	uint64_t size = num_align_down(segments->end - start + PAGE_SIZE_4K - 1, PAGE_SIZE_4K);

	return (struct footprint_of){
		.alignment = PAGE_SIZE_4K,
		.pref_address = start,
		.init_size = size,
		.wrapper_size = size,
	};
}

static int parse_multiboot(struct bytes file, struct bzimage *ret, struct err *err)
{
	struct bzimage image = {
		.is_program = true,
		.entry_32bit = true,
		.protected = file,
		.cmdline_size = UINT32_MAX,
		.initrd_addr_max = UINT32_MAX,
	};
	struct multiboot kernel;

	if (multiboot_parse(file, &kernel, err))
		return -1;
	image.told = kernel.version == 2 ? IMAGE_TOLD_MULTIBOOT2 : IMAGE_TOLD_MULTIBOOT;
	image.footprint = footprint_of(&kernel.segments);
	if (kernel.relocatable) {
		image.footprint.relocatable = true;
		image.footprint.alignment = num_max(kernel.align, PAGE_SIZE_4K);
		image.footprint.pref_address = kernel.min;
		image.end_max = kernel.max;
	}
	*ret = image;
	return 0;
}

static int check_elf(const struct segments *segments, bool is_linux, enum load_args args,
		     struct err *err)
{
	if (is_linux && (args == LOAD_ARGS_ELF || args == LOAD_ARGS_NONE))
		return err_set(err, ERR_INPUT,
			       "--args-%s: the ELF file is a Linux kernel, which reads nothing but "
			       "the zero page of --args-linux",
			       args == LOAD_ARGS_ELF ? "elf" : "none");
	if (!is_linux && segments->of_user_space && args == LOAD_ARGS_AUTO)
		return err_set(
			err, ERR_INPUT,
			"the ELF file is a program for user space: it has an interpreter, or "
			"thread-local storage");
	if (segments->end - segments->start > VMLINUX_IMAGE_MAX)
		return err_set(
			err, ERR_INPUT,
			"the ELF file's segments take 0x%llx-0x%llx: they are loaded as one, "
			"of at most 0x%llx bytes",
			(unsigned long long)segments->start, (unsigned long long)segments->end,
			(unsigned long long)VMLINUX_IMAGE_MAX);
	return 0;
}

static int parse_elf(struct bytes file, enum load_args args, struct bzimage *ret, struct err *err)
{
	struct bzimage image = {
		.is_program = true,
		.protected = file,
		.cmdline_size = UINT32_MAX,
		.initrd_addr_max = UINT32_MAX,
		.told = args == LOAD_ARGS_NONE ? IMAGE_TOLD_NOTHING : IMAGE_TOLD_ELF_NOTES,
	};
	struct segments segments;
	bool is_linux;

	if (segments_of_elf(file, /* entry= */ NULL, /* virtual_first= */ false, &segments, err))
		return -1;
	is_linux = elfimage_version(file, &segments, image.version, sizeof(image.version));
	if (check_elf(&segments, is_linux, args, err))
		return -1;
	if (is_linux && !segments.is_elf32)
		return elfimage_parse(file, ret, err);
	image.entry_32bit = segments.is_elf32;
	if (!image.entry_32bit)
		image.xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G;
	if (is_linux || args == LOAD_ARGS_LINUX)
		elfimage_tell(&image);
	image.footprint = footprint_of(&segments);
	*ret = image;
	return 0;
}

int image_parse_with(struct bytes file, enum load_args args, struct bzimage *ret, struct err *err)
{
	if (multiboot_version(file))
		return parse_multiboot(file, ret, err);
	if (segments_are_elf(file))
		return parse_elf(file, args, ret, err);
	return bzimage_parse(file, ret, err);
}

const char *program_type(const struct bzimage *image)
{
	if (!image->is_program)
		return NULL;
	switch (image->told) {
	case IMAGE_TOLD_MULTIBOOT2:
		return "multiboot2-x86";
	case IMAGE_TOLD_MULTIBOOT:
		return "multiboot-x86";
	default:
		return image->entry_32bit ? "elf-x86" : "elf-x86_64";
	}
}

static bool is_multiboot(const struct bzimage *image)
{
	return image->told == IMAGE_TOLD_MULTIBOOT || image->told == IMAGE_TOLD_MULTIBOOT2;
}

int image_check_crash(const struct bzimage *image, struct err *err)
{
	if (image->told == IMAGE_TOLD_LINUX)
		return 0;
	return err_set(err, ERR_INPUT,
		       "only a Linux kernel can be told where the dump is: this one cannot be a "
		       "crash kernel");
}

int program_prepare(const struct load_request *request, struct load *load, struct err *err)
{
	const struct bzimage *image = &load->image;
	struct segments *segments = &load->multiboot.segments;

	if (request->crash && image_check_crash(image, err))
		return -1;
	if (request->initrd.size && is_multiboot(image) && !request->nr_modules)
		return err_set(err, ERR_INPUT,
			       "it has a multiboot header, and such a kernel takes no initrd");
	if (request->initrd.size && !is_multiboot(image) && image->told != IMAGE_TOLD_LINUX)
		return err_set(err, ERR_INPUT,
			       "an ELF file that is no Linux kernel takes no initrd: --args-linux "
			       "passes one in a zero page");
	if (is_multiboot(image) ? multiboot_parse(image->protected, &load->multiboot, err)
				: segments_of_elf(image->protected, NULL, false, segments, err))
		return -1;
	return segments_load(image->protected, segments, &load->vmlinux, err);
}

int program_explain(const struct load_request *request, const struct system *system,
		    struct load *load, struct err *err)
{
	static const char *const told[] = {
		[IMAGE_TOLD_LINUX] = "a zero page",
		[IMAGE_TOLD_MULTIBOOT] = "multiboot information in ebx",
		[IMAGE_TOLD_MULTIBOOT2] = "multiboot 2 information in ebx",
		[IMAGE_TOLD_ELF_NOTES] = "ELF boot notes, in rdi or as its first argument",
		[IMAGE_TOLD_NOTHING] = "nothing",
	};
	const struct bzimage *image = &load->image;

	if (image->told == IMAGE_TOLD_NOTHING && *request->cmdline)
		warn_add(load->plan.warnings,
			 "--args-none: the command line is not passed on, as nothing is");
	if (!image->entry_32bit && system->la57)
		warn_add(
			load->plan.warnings,
			"the machine runs with 5-level paging, and so the ELF file is entered: boot "
			"the running kernel with no5lvl if it knows only 4 levels");
	if (is_multiboot(image) && system->efi.booted &&
	    (image->told == IMAGE_TOLD_MULTIBOOT || !system->rsdp.size))
		warn_add(load->plan.warnings,
			 "the multiboot kernel is not told where ACPI's root pointer is, which "
			 "UEFI alone knows: it may find no tables");
	return plan_reason(&load->plan, err, "%s: %zu bytes of segments, told by %s",
			   program_type(image), load->vmlinux.size, told[image->told]);
}

/* A multiboot kernel's begins with the name of its file. */
int program_cmdline(const struct load_request *request, const struct bzimage *image, char **ret,
		    struct err *err)
{
	const char *name = is_multiboot(image) ? request->name : "";
	struct buf line CLEANUP(buf_done) = { 0 };

	if (buf_append(&line, name, strlen(name), err) ||
	    (*name && *request->cmdline && buf_append(&line, " ", 1, err)) ||
	    buf_append(&line, request->cmdline, strlen(request->cmdline) + 1, err))
		return -1;
	*ret = (char *)line.data;
	line = (struct buf){ 0 };
	return 0;
}

/* --- what it is told ------------------------------------------------------- */

/*
 * ELF boot notes: include/boot/elf_boot.h of kexec-tools 2.0.32 has their numbers. A header with the
 * Internet checksum (RFC 1071) of all, then notes without names.
 */
enum {
	NOTES_MAGIC = 0x0e1fb007,
	NOTES_HEADER = 12,
	NOTES_CHECKSUM_AT = 8,
	NOTE_LOADER_NAME = 2,
	NOTE_LOADER_VERSION = 3,
	NOTE_CMDLINE = 4,
	NR_NOTES = 3,
};

static int add_note(struct buf *notes, uint32_t type, const char *text, struct err *err)
{
	size_t size = strlen(text) + 1;
	uint8_t header[12] = { 0 };

	put_u32(header + 4, (uint32_t)size);
	put_u32(header + 8, type);
	if (buf_append(notes, header, sizeof(header), err) || buf_append(notes, text, size, err))
		return -1;
	return buf_extend(notes, (notes->size + 3) & ~(size_t)3, err);
}

static uint16_t internet_checksum(struct bytes bytes)
{
	struct cursor at = cursor_at(bytes, 0);
	uint64_t sum = 0;

	while (at.offset < bytes.size)
		sum += cursor_u16(&at);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static int make_notes(const char *cmdline, struct buf *ret, struct err *err)
{
	if (buf_extend(ret, NOTES_HEADER, err) ||
	    add_note(ret, NOTE_LOADER_NAME, "safekexec", err) ||
	    add_note(ret, NOTE_LOADER_VERSION, PACKAGE_VERSION, err) ||
	    add_note(ret, NOTE_CMDLINE, cmdline, err))
		return -1;
	put_u32(ret->data, NOTES_MAGIC);
	put_u32(ret->data + 4, (uint32_t)ret->size);
	put_u16(ret->data + 10, NR_NOTES);
	put_u16(ret->data + NOTES_CHECKSUM_AT, internet_checksum(buf_bytes(ret)));
	return 0;
}

static struct multiboot_info_request info_request(const struct load_request *request,
						  const struct system *system,
						  const struct load *load)
{
	return (struct multiboot_info_request){
		.kernel = &load->multiboot,
		.system = system,
		.e820 = &load->plan.e820,
		.cmdline = load->plan.cmdline,
		.module = request->module,
		.nr_modules = request->nr_modules,
		.text_screen = request->console.reset_vga,
	};
}

int program_tell(const struct load_request *request, const struct system *system,
		 const struct load *load, struct buf *ret, struct err *err)
{
	struct multiboot_info_request info = info_request(request, system, load);

	return is_multiboot(&load->image) ? multiboot_info_make(&info, ret, err)
					  : make_notes(load->plan.cmdline, ret, err);
}

int program_link(const struct load_request *request, const struct system *system, struct load *load,
		 struct err *err)
{
	struct multiboot_info_request info = info_request(request, system, load);

	return is_multiboot(&load->image) ? multiboot_info_link(&info, &load->plan, err) : 0;
}

struct program_registers program_registers(const struct load *load)
{
	const struct plan *plan = &load->plan;
	phys_t told = plan->params == PLAN_NO_ITEM ? 0 : plan->item[plan->params].run.start;

	switch (load->image.told) {
	case IMAGE_TOLD_MULTIBOOT:
		return (struct program_registers){ MULTIBOOT_MAGIC_1, (uint32_t)told, 0 };
	case IMAGE_TOLD_MULTIBOOT2:
		return (struct program_registers){ MULTIBOOT_MAGIC_2, (uint32_t)told, 0 };
	case IMAGE_TOLD_ELF_NOTES:
		return (struct program_registers){ 0, 0, told };
	default:
		return (struct program_registers){ 0 };
	}
}
