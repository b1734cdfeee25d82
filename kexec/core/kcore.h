/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program headers of /proc/kcore: which of the running kernel's memory it shows, and
 * where. fs/proc/kcore.c: p_paddr is the physical address for System RAM and for the
 * kernel's image, all ones for the rest. The file shows System RAM only.
 */
#ifndef CORE_KCORE_H
#define CORE_KCORE_H

#include "kexec/core/num.h"
#include "kexec/core/bytes.h"

enum { KCORE_ELF_HEADER_SIZE = 64 };

struct kcore_segment {
	uint64_t vaddr;
	phys_t paddr;
	uint64_t offset; /* in the file */
	uint64_t size;
};

/* Owned; zero-initialise; release with kcore_done(). Only what has a physical address. */
struct kcore {
	struct kcore_segment *segment;
	size_t count;
	size_t room;
};

/* How many bytes from the file's start hold its program headers, from its first
 * KCORE_ELF_HEADER_SIZE bytes. */
int kcore_headers_size(struct bytes head, uint64_t *ret, struct err *err);
int kcore_parse(struct bytes headers, struct kcore *ret, struct err *err);
/* Where in the file `size` bytes at a physical address are; false if it does not show them. */
bool kcore_find(const struct kcore *kcore, phys_t address, uint64_t size, uint64_t *ret_offset);
void kcore_done(struct kcore *kcore);

#endif
