/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of an executable lies where in memory. */
#ifndef X86_SEGMENTS_H
#define X86_SEGMENTS_H

#include "kexec/x86/vmlinux.h"

enum { SEGMENTS_OF_FILE_MAX = 64 };

struct segment {
	uint64_t offset, file_size; /* in the file */
	uint64_t address, mem_size; /* physical; what is not from the file is zero */
	uint64_t virtual_address;
};

struct segments {
	struct segment segment
		[SEGMENTS_OF_FILE_MAX]; /* those that are loaded, in the file's order; disjoint */
	size_t count;
	uint64_t start, end, file_end; /* of all of them; the last byte from the file */
	uint64_t entry;		       /* physical, in the bytes from the file of one of them */
	bool is_elf32;
	bool of_user_space; /* an operating system's loader is to start it */
};

bool segments_are_elf(struct bytes file);
/*
 * Of an ELF executable of 32 or 64 bits for x86. It is entered at *entry, or where its header says: a virtual or
 * a physical address, which is tried first. ERR_INPUT names what is no such one's; ERR_DAMAGED for a file that is cut.
 */
int segments_of_elf(struct bytes file, const uint64_t *entry, bool virtual_first,
		    struct segments *ret, struct err *err);
/* Adds one that has memory. */
int segments_add(struct bytes file, const struct segment *segment, struct segments *segments,
		 struct err *err);
/* ERR_INPUT if it is in none. */
int segments_set_entry(uint64_t entry, bool virtual_first, struct segments *segments,
		       struct err *err);
/*
 * Their bytes as they lie in memory, from the start, or the beginning of its page, on: at `entry` it is
 * entered. They were read from that file, and have not more than VMLINUX_IMAGE_MAX in all.
 */
int segments_load(struct bytes file, const struct segments *segments, struct vmlinux *ret,
		  struct err *err);

#endif
