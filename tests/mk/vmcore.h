/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A small vmcore with a log in it, in each of the shapes. */
#ifndef MK_VMCORE_H
#define MK_VMCORE_H

#include <stdint.h>

enum {
	MK_VMCORE_MEMORY = 0x6000,
	MK_VMCORE_INFO = 0x800,
	MK_VMCORE_HEADERS = 64 + 2 * 56,
	MK_VMCORE_SIZE = MK_VMCORE_HEADERS + 12 + 12 + MK_VMCORE_INFO + MK_VMCORE_MEMORY,
	MK_VMCORE_RECORDS = 8,
	MK_VMCORE_DATA = 256, /* of the ring of texts */
};

/* The memory is at this physical address; the kernel's image begins with it, and the direct
 * map shows it. */
#define MK_VMCORE_PHYSICAL 0x1000000
#define MK_VMCORE_KERNEL   0xffffffff81000000
#define MK_VMCORE_DIRECT   0xffff888001000000

struct mk_vmcore {
	uint8_t file[MK_VMCORE_SIZE];
	char *info;	 /* VMCOREINFO, NUL-terminated in its room */
	uint8_t *memory; /* MK_VMCORE_MEMORY bytes */
};

/* No log yet: only phys_base is told. */
void mk_vmcore(struct mk_vmcore *core);
void mk_vmcore_tell(struct mk_vmcore *core, const char *line);

/*
 * Lockless: the ring has 8 descriptors at 0x1000 of the memory, its infos at 0x1400, texts at
 * 0x1800, printk_ringbuffer at 0x100, and its symbol at 0. Records come with mk_vmcore_put().
 */
void mk_vmcore_ring(struct mk_vmcore *core);
/* The next record, at `seconds`: committed; begins at `lpos` of the texts, which only grows. Returns
 * the position behind it. text NULL: none, as `lpos` says. */
uint64_t mk_vmcore_put(struct mk_vmcore *core, uint64_t id, uint64_t seconds, const char *text,
		       uint64_t lpos);

/* 3.5 to 5.9: a buffer of 256 bytes at 0x2000. */
void mk_vmcore_structured(struct mk_vmcore *core);
/* At an offset of the buffer; returns the one behind it. */
uint32_t mk_vmcore_put_structured(struct mk_vmcore *core, uint32_t at, uint64_t seconds,
				  const char *text);
void mk_vmcore_bounds(struct mk_vmcore *core, uint32_t first, uint32_t next);

/* Before: 64 bytes of text at 0x2000. */
void mk_vmcore_text(struct mk_vmcore *core, const char *text);

#endif
