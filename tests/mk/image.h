/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Synthetic bzImages: valid, and then as wrong as a test wants them. */
#ifndef MK_IMAGE_H
#define MK_IMAGE_H

#include "kexec/core/bytes.h"
#include "x86/bootparam.h"

enum {
	MK_IMAGE_SETUP_SECTS = 4,
	MK_IMAGE_SETUP_SIZE = (MK_IMAGE_SETUP_SECTS + 1) * SETUP_SECTOR_SIZE,
	MK_IMAGE_SIZE = MK_IMAGE_SETUP_SIZE + 0x5000,
	MK_IMAGE_INIT_SIZE = 0x3000000,
	MK_IMAGE_WRAPPER_SIZE = 0x8000,
	MK_IMAGE_PE_AT = 0x80,
	MK_IMAGE_SIZE_OF_IMAGE_AT = MK_IMAGE_PE_AT + 0x50,
	MK_IMAGE_VERSION_AT = 0x500,
};

/* Fills image, of MK_IMAGE_SIZE bytes, with a kernel of protocol 2.15: relocatable,
 * pref_address 16 MiB, alignment 2 MiB, every xloadflag of a Debian kernel, a PE header that
 * says the decompressor's size. Returns the setup header inside it, to be changed. */
struct setup_header *mk_image(uint8_t *image);

/*
 * The ELF file of a kernel that is linked at 16 MiB, with its relocations: text, data, and per-CPU
 * data that lie behind a gap, and in the file further behind. Where what is relocated lies,
 * from its beginning, and what is there: virtual addresses, or what falls as the kernel rises.
 */
enum {
	MK_VMLINUX_SIZE = 0x1000,
	MK_VMLINUX_TEXT_AT = 0x200, /* in the file */
	MK_VMLINUX_DATA = 0x400,
	MK_VMLINUX_DATA_END = 0x600,
	MK_VMLINUX_PER_CPU_AT = 0xa00,
	MK_VMLINUX_PER_CPU = 0x800,
	MK_VMLINUX_PER_CPU_SIZE = 0x100,
	MK_VMLINUX_BSS = 0x8a0, /* behind zeros that are data */
	MK_VMLINUX_MEM_SIZE = 0x7000,
	MK_VMLINUX_ENTRY = 0x123,
	MK_VMLINUX_BANNER = 0x40,
	MK_VMLINUX_64 = 0x100,
	MK_VMLINUX_32 = 0x420,
	MK_VMLINUX_NEGATIVE = 0x810,
	MK_VMLINUX_TABLE_AT = 0xb40, /* in the file */
};
#define MK_VMLINUX_BANNER_IS   "Linux version 6.1.0-test (nobody) #1\n"
#define MK_VMLINUX_64_IS       UINT64_C(0xffffffff81000200)
#define MK_VMLINUX_32_IS       UINT32_C(0x81000300)
#define MK_VMLINUX_NEGATIVE_IS UINT32_C(0xfffff000)
/* file has MK_VMLINUX_SIZE bytes; lists: 0, 2 or 3. Returns how many are used. */
size_t mk_vmlinux(uint8_t *file, unsigned int lists);
/* Makes it the payload of an image of mk_image()'s, compressed with gzip. */
void mk_image_payload(uint8_t *image, const uint8_t *file, size_t size);

#endif
