/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An ELF executable of two segments, with room for a multiboot header. */
#ifndef MK_PROGRAM_H
#define MK_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

enum {
	MK_PROGRAM_SIZE = 0x1400,
	MK_PROGRAM_ADDRESS = 0x400000,
	MK_PROGRAM_HEADER_AT = 0x200, /* in the file; at the beginning of the first segment */
	MK_PROGRAM_TEXT_SIZE = 0x600,
	MK_PROGRAM_DATA_AT = 0x800, /* in the file */
	MK_PROGRAM_DATA_SIZE = 0x300,
	MK_PROGRAM_DATA = 0x1000, /* from its address */
	MK_PROGRAM_END = 0x5000,
	MK_PROGRAM_ENTRY = 0x123,
};

/* file has MK_PROGRAM_SIZE bytes. There is no multiboot header in it. */
void mk_program(uint8_t *file, bool is_elf64);
/* The header of multiboot 1, its flags, and its five addresses, or NULL. */
void mk_multiboot_1(uint8_t *file, uint32_t flags, const uint32_t address[5]);
/* The header of multiboot 2, with those tags and the one that ends it. */
void mk_multiboot_2(uint8_t *file, const void *tags, uint32_t size);

#endif
