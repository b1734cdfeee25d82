/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a bzImage runs, given where it is loaded. */
#ifndef X86_FOOTPRINT_H
#define X86_FOOTPRINT_H

#include "kexec/core/range.h"

struct footprint_of {
	bool relocatable;    /* setup header: relocatable_kernel */
	uint64_t alignment;  /* kernel_alignment, a power of two */
	phys_t pref_address; /* the compiled LOAD_PHYSICAL_ADDR */
	uint64_t init_size;  /* bytes from the output address that the kernel may write */
	uint64_t
		wrapper_size; /* bytes of the decompressor in memory, bss included; at most init_size */
};

/*
 * Everything that the kernel touches before it knows the memory map, when it is
 * entered at load + 0x200: [load, load + wrapper_size) and
 * [output, output + init_size), where output is load rounded up to alignment,
 * then raised to pref_address (a kernel that is not relocatable: always
 * pref_address). Two ranges, for they can lie apart.
 * Source: startup_64 in arch/x86/boot/compressed/head_64.S of Linux 6.1, 6.12.
 * False if they reach past PHYS_LIMIT.
 */
bool footprint(const struct footprint_of *of, phys_t load, struct range *ret_wrapper,
	       struct range *ret_output);

#endif
