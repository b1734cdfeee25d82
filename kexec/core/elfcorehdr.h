/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ELF core header that a crashed kernel's memory is described by: what the capture
 * kernel turns into /proc/vmcore (fs/proc/vmcore.c, Documentation/admin-guide/kdump).
 */
#ifndef CORE_ELFCOREHDR_H
#define CORE_ELFCOREHDR_H

#include "kexec/core/range.h"

enum {
	/* e_phnum has 16 bits, 0xffff of them means "elsewhere", which /proc/vmcore does not know. */
	ELFCOREHDR_PHDRS_MAX = 65534,
};

/* Memory that holds ELF notes: one processor's registers, or vmcoreinfo. */
struct elfcorehdr_note {
	phys_t address;
	uint64_t size;
};

/* Memory of the crashed kernel. */
struct elfcorehdr_load {
	struct range range; /* physical, as the crashed kernel had it */
	uint64_t vaddr;	    /* where that kernel had it mapped */
	phys_t found_at;    /* where its bytes are now: range.start, but for a backup */
};

/* Owned; zero-initialise; release with elfcorehdr_done(). */
struct elfcorehdr {
	struct elfcorehdr_note *note;
	size_t nr_notes, notes_room;
	struct elfcorehdr_load *load;
	size_t nr_loads, loads_room;
};

int elfcorehdr_add_note(struct elfcorehdr *header, struct elfcorehdr_note note, struct err *err);
int elfcorehdr_add_load(struct elfcorehdr *header, struct elfcorehdr_load load, struct err *err);
/* Bytes that it will have. ERR_INPUT, with both numbers, above ELFCOREHDR_PHDRS_MAX. */
int elfcorehdr_size(const struct elfcorehdr *header, uint64_t *ret, struct err *err);
/* Into `size` bytes at `to`, of which elfcorehdr_size() are used and the rest zeroed. Notes
 * come first, as the kernel wants them; then loads, in the order in which they were added. */
void elfcorehdr_write(const struct elfcorehdr *header, uint8_t *to, uint64_t size);
void elfcorehdr_done(struct elfcorehdr *header);

#endif
