/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parameters of the new kernel, one segment: the zero page, the command
 * line, the setup_data nodes and the EFI runtime map. In real mode the setup code, which makes
 * a zero page itself, in that one's place; see realmode.h.
 */
#ifndef X86_BOOTPARAMS_H
#define X86_BOOTPARAMS_H

#include "kexec/core/bytes.h"
#include "kexec/core/plan.h"
#include "kexec/core/system.h"
#include "kexec/x86/bzimage.h"

enum {
	RNG_SEED_SIZE = 32, /* what the kernel's own loader passes: RNG_SEED_LENGTH */
	/* The target keeps 128 entries and 3,072 more and drops the rest:
	 * E820_MAX_ENTRIES in arch/x86/include/asm/e820/types.h of Linux 6.12 (64 NUMA
	 * nodes and more: 3 * MAX_NUMNODES, 1,024 in distribution kernels). */
	E820_HANDED_ON_MAX = 128 + 3072,
};

/* Where each part lies in the segment; 0: there is none. */
struct bootparams {
	uint64_t cmdline_at, cmdline_room;
	uint64_t e820_ext_at, e820_ext_count;
	uint64_t efi_setup_at;
	uint64_t seed_at; /* of its room: there is a seed only if there was one */
	uint64_t report_at;
	uint64_t dtb_at;
	uint64_t efi_map_at, efi_map_size;
	uint64_t size;
	bool hands_over_efi;
};

struct bootparams_request {
	const struct bzimage *image;
	const struct system *system;
	const struct memmap *e820; /* normalised */
	const char *cmdline;
	const uint8_t *seed; /* RNG_SEED_SIZE bytes, or NULL; the caller wipes it */
	struct bytes dtb;    /* size 0: none; in real mode none is handed on */
	bool no_efi;
	bool kaslr; /* the kernel's addresses are random already; it draws more itself then */
};

/* Sizes and refusals; warns of what the new kernel will do without. */
int bootparams_shape(const struct bootparams_request *request, struct bootparams *ret,
		     struct warnings *warnings, struct err *err);
/* The plan is PLACED and has the segment as plan->params, its own bytes of the
 * size that was shaped. */
int bootparams_fill(const struct bootparams_request *request, const struct bootparams *shape,
		    struct plan *plan, struct err *err);

#endif
