/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kernels with a multiboot header: what it says, and where the kernel lies.
 * Sources: the Multiboot Specification version 0.6.96, and the Multiboot2 Specification version 2.0.
 */
#ifndef X86_MULTIBOOT_H
#define X86_MULTIBOOT_H

#include "kexec/x86/segments.h"

/* Types of what a multiboot 2 kernel is told: its tags, 3.6. */
enum multiboot_tag {
	MULTIBOOT_TAG_END = 0,
	MULTIBOOT_TAG_CMDLINE = 1,
	MULTIBOOT_TAG_LOADER = 2,
	MULTIBOOT_TAG_MODULE = 3,
	MULTIBOOT_TAG_MEMORY = 4,
	MULTIBOOT_TAG_MAP = 6,
	MULTIBOOT_TAG_FRAMEBUFFER = 8,
	MULTIBOOT_TAG_RSDP_0 = 14,
	MULTIBOOT_TAG_RSDP = 15,
	MULTIBOOT_TAG_LOAD_BASE = 21,
};

struct multiboot {
	unsigned int version; /* 1 or 2 */
	size_t offset;	      /* of the header in the file */
	struct segments segments;
	bool relocatable;			     /* if so: */
	phys_t min, max;			     /* no byte lies below, or at or above */
	uint64_t align;				     /* a power of two */
	bool wants_screen, wants_rsdp_0, wants_rsdp; /* it is not to be started without one */
};

/* 1 or 2; 0: the file has no multiboot header. Of one that has both it is 2. */
unsigned int multiboot_version(struct bytes file);
/* Whether it has a header of version 1, too. */
bool multiboot_has_1(struct bytes file);
/*
 * ERR_INPUT names what in its header, or in its ELF file, this loader cannot do, or no kernel has;
 * ERR_DAMAGED for a file that is cut. The file has such a header.
 */
int multiboot_parse(struct bytes file, struct multiboot *ret, struct err *err);

#endif
