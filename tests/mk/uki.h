/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Synthetic unified kernel images: valid, and then as wrong as a test wants them. */
#ifndef MK_UKI_H
#define MK_UKI_H

#include "kexec/core/bytes.h"

/* Where what a test spoils lies in the file. */
enum {
	MK_UKI_PE_AT = 0x80,
	MK_UKI_MACHINE_AT = MK_UKI_PE_AT + 4,
	MK_UKI_COUNT_AT = MK_UKI_PE_AT + 6,
	MK_UKI_MAGIC_AT = MK_UKI_PE_AT + 24,
	MK_UKI_TABLE_AT = MK_UKI_MAGIC_AT + 240,
	MK_UKI_ENTRY_SIZE = 40,
	/* In an entry of the table, behind its name. */
	MK_UKI_VIRTUAL_SIZE = 8,
	MK_UKI_ADDRESS = 12,
	MK_UKI_RAW_SIZE = 16,
	MK_UKI_RAW_AT = 20,
	MK_UKI_FILE_ALIGNMENT = 0x200,
	MK_UKI_ALIGNMENT = 0x1000,
};

struct mk_section {
	const char *name;
	struct bytes contents;
};

/* Appends a PE32+ file for x86-64 with a stub's .text and these sections, in their order. */
void mk_uki(const struct mk_section *section, size_t count, struct buf *to);
/* The entry of the section with that number, the .text being the first. */
static inline uint8_t *mk_uki_entry(const struct buf *uki, size_t number)
{
	return uki->data + MK_UKI_TABLE_AT + number * MK_UKI_ENTRY_SIZE;
}

#endif
