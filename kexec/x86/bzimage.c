/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/bzimage.h"

#include <stdio.h>
#include <string.h>

#include "x86/bootparam.h"

enum {
	PROTOCOL_INIT_SIZE = 0x020a,
	PROTOCOL_XLOADFLAGS = 0x020c,
	HEADER_END_WITH_INIT_SIZE = 0x264,
	DEFAULT_SETUP_SECTS = 4,
	SYSSIZE_UNIT = 16,
	/* MIN_KERNEL_ALIGN of arch/x86/include/asm/boot.h */
	SMALLEST_ALIGNMENT = 0x200000,
	SMALLEST_ALIGNMENT_32 = 0x2000,
	LOWEST_PREF_ADDRESS = 0x100000,
	/* kernel_version is counted from here, Documentation/arch/x86/boot.rst */
	VERSION_BASE = 0x200,
	PE_HEADER_OFFSET_AT = 0x3c,
	PE_SIZE_OF_IMAGE_AT = 0x50, /* from the PE signature: 24 + 56 */
};

#define AT(field) (SETUP_HEADER_OFFSET + (unsigned int)offsetof(struct setup_header, field))

/* SizeOfImage of the PE header that the EFI stub needs; 0: there is none. */
static uint32_t pe_image_size(struct bytes image)
{
	struct cursor at = cursor_at(image, PE_HEADER_OFFSET_AT);
	uint32_t pe = cursor_u32(&at);
	struct cursor signature = cursor_at(image, pe);
	uint32_t magic = cursor_u32(&signature);
	struct cursor size_at = cursor_at(image, (size_t)pe + PE_SIZE_OF_IMAGE_AT);
	uint32_t size_of_image = cursor_u32(&size_at);

	if (at.bad || signature.bad || size_at.bad || magic != 0x4550 /* "PE" */)
		return 0;
	return size_of_image;
}

/*
 * The decompressor's size in memory: SizeOfImage counts setup sectors and wrapper. Without
 * one, init_size bounds it.
 */
static uint64_t wrapper_size(uint32_t size_of_image, uint64_t setup_size, uint64_t file_size,
			     uint64_t init_size)
{
	uint64_t size;

	if (size_of_image <= setup_size)
		return init_size;
	size = size_of_image - setup_size;
	return size < file_size || size > init_size ? init_size : size;
}

static void copy_version(struct bytes image, const struct setup_header *wire, uint64_t setup_size,
			 struct bzimage *ret)
{
	uint64_t at = (uint64_t)wire->kernel_version + VERSION_BASE;
	size_t used = 0;

	ret->version[0] = '\0';
	if (!wire->kernel_version || at >= setup_size)
		return;
	for (; at + used < setup_size && used < sizeof(ret->version) - 1; used++) {
		uint8_t byte = image.data[at + used];

		if (byte < 0x20 || byte > 0x7e)
			break;
		ret->version[used] = (char)byte;
	}
	ret->version[used] = '\0';
}

static bool has_64bit_entry(const struct setup_header *wire)
{
	return wire->version >= PROTOCOL_XLOADFLAGS && wire->xloadflags & XLF_KERNEL_64;
}

static int check_alignment(const struct setup_header *wire, struct err *err)
{
	uint32_t smallest = has_64bit_entry(wire) ? SMALLEST_ALIGNMENT : SMALLEST_ALIGNMENT_32;

	/* One that is not moved has nothing to align. */
	if (!wire->relocatable_kernel ||
	    (num_is_power_of_two(wire->kernel_alignment) && wire->kernel_alignment >= smallest))
		return 0;
	return err_set(err, ERR_INPUT,
		       "offset 0x%x: kernel_alignment 0x%x is not a power of two of at least 0x%x",
		       AT(kernel_alignment), wire->kernel_alignment, smallest);
}

static int check_header(const struct setup_header *wire, uint64_t header_end, bool is_pe,
			struct err *err)
{
	if (is_pe && wire->boot_flag != SETUP_BOOT_FLAG && wire->header != SETUP_HEADER_MAGIC)
		return err_set(err, ERR_INPUT,
			       "a PE file that is no kernel: it has no .linux section, as a "
			       "unified kernel image has, nor \"HdrS\" at 0x%x, as a bzImage has",
			       AT(header));
	if (wire->header != SETUP_HEADER_MAGIC)
		return err_set(err, ERR_INPUT,
			       "not a bzImage: at 0x%x there is 0x%x, not \"HdrS\" (0x%x)",
			       AT(header), wire->header, SETUP_HEADER_MAGIC);
	if (wire->boot_flag != SETUP_BOOT_FLAG)
		return err_set(err, ERR_INPUT, "not a bzImage: at 0x%x there is 0x%x, not 0x%x",
			       AT(boot_flag), wire->boot_flag, SETUP_BOOT_FLAG);
	if (wire->version < PROTOCOL_INIT_SIZE)
		return err_set(
			err, ERR_INPUT,
			"offset 0x%x: boot protocol %u.%02u does not say how much memory the "
			"kernel runs in; 2.10 (Linux 2.6.31) or later is needed",
			AT(version), wire->version >> 8, wire->version & 0xff);
	if (header_end < HEADER_END_WITH_INIT_SIZE)
		return err_set(
			err, ERR_INPUT,
			"offset 0x201: the setup header ends at 0x%llx, before init_size, which "
			"protocol %u.%02u has",
			(unsigned long long)header_end, wire->version >> 8, wire->version & 0xff);
	if (!(wire->loadflags & LOADED_HIGH))
		return err_set(err, ERR_INPUT,
			       "offset 0x%x: loadflags 0x%x: a zImage, which runs below 1 MiB, "
			       "cannot be loaded",
			       AT(loadflags), wire->loadflags);
	if (check_alignment(wire, err))
		return -1;
	if (wire->pref_address % PAGE_SIZE_4K || wire->pref_address < LOWEST_PREF_ADDRESS ||
	    wire->pref_address >= PHYS_LIMIT)
		return err_set(err, ERR_INPUT,
			       "offset 0x%x: pref_address 0x%llx is not a page at or above 0x%x",
			       AT(pref_address), (unsigned long long)wire->pref_address,
			       LOWEST_PREF_ADDRESS);
	return 0;
}

int bzimage_parse(struct bytes image, struct bzimage *ret, struct err *err)
{
	struct setup_header wire = { 0 };
	struct bytes setup, header, protected, payload = { 0 };
	uint64_t header_end, wire_size, setup_size, loaded_size;
	uint32_t size_of_image = pe_image_size(image);

	if (image.size < SETUP_HEADER_LIMIT)
		return err_set(err, ERR_INPUT,
			       "%zu bytes are too few for a kernel: its setup header ends at 0x%x",
			       image.size, SETUP_HEADER_LIMIT);
	/* The jump instruction at 0x200 skips the header: its operand says how long that is. */
	header_end = 0x202 + (uint64_t)image.data[0x201];
	if (header_end > SETUP_HEADER_LIMIT)
		header_end = SETUP_HEADER_LIMIT;
	bytes_slice(image, SETUP_HEADER_OFFSET, header_end - SETUP_HEADER_OFFSET, &header);
	/* What it is by its magic and version, however long it says that it is. */
	wire_size = num_max(header.size, offsetof(struct setup_header, realmode_swtch));
	memcpy(&wire, header.data, num_min(wire_size, sizeof(wire)));
	if (check_header(&wire, header_end, size_of_image, err))
		return -1;

	setup_size = (uint64_t)((wire.setup_sects ?: DEFAULT_SETUP_SECTS) + 1) * SETUP_SECTOR_SIZE;
	loaded_size = (uint64_t)wire.syssize * SYSSIZE_UNIT;
	/* A file need not end with a whole unit. */
	if (image.size > setup_size && image.size - setup_size < loaded_size &&
	    loaded_size - (image.size - setup_size) < SYSSIZE_UNIT)
		loaded_size = image.size - setup_size;
	if (!bytes_slice(image, 0, setup_size, &setup) ||
	    !bytes_slice(image, setup_size, loaded_size, &protected))
		return err_set(
			err, ERR_INPUT,
			"offset 0x%x: syssize 0x%x: the kernel ends at 0x%llx, the file at 0x%zx: "
			"it is truncated",
			AT(syssize), wire.syssize, (unsigned long long)(setup_size + loaded_size),
			image.size);
	if (loaded_size <= (has_64bit_entry(&wire) ? BZIMAGE_ENTRY64_OFFSET : 0))
		return err_set(err, ERR_INPUT,
			       "offset 0x%x: syssize 0x%x: %llu bytes hold no entry", AT(syssize),
			       wire.syssize, (unsigned long long)loaded_size);
	if (wire.init_size < loaded_size)
		return err_set(err, ERR_INPUT,
			       "offset 0x%x: init_size 0x%x is less than the 0x%llx bytes to load",
			       AT(init_size), wire.init_size, (unsigned long long)loaded_size);

	bytes_slice(protected, wire.payload_offset, wire.payload_length, &payload);
	*ret = (struct bzimage){
		.setup = setup,
		.header = header,
		.protected = protected,
		.payload = payload,
		.footprint = {
			.relocatable = wire.relocatable_kernel,
			.alignment = num_is_power_of_two(wire.kernel_alignment) ? wire.kernel_alignment : PAGE_SIZE_4K,
			.pref_address = wire.pref_address,
			.init_size = wire.init_size,
			.wrapper_size = wrapper_size(size_of_image, setup_size, loaded_size,
						     wire.init_size),
		},
		.setup_size = setup_size,
		.pe_image_size = size_of_image,
		.protocol = wire.version,
		.xloadflags = wire.version >= PROTOCOL_XLOADFLAGS ? wire.xloadflags : 0,
		.entry_32bit = !has_64bit_entry(&wire),
		.cmdline_size = wire.cmdline_size,
		.initrd_addr_max = wire.initrd_addr_max,
	};
	copy_version(image, &wire, setup_size, ret);
	return 0;
}
