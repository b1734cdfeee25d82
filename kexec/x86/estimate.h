/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a load needs of the machine, by bounds, where there is no plan. */
#ifndef X86_ESTIMATE_H
#define X86_ESTIMATE_H

#include "kexec/x86/load.h"

enum { ESTIMATE_CRASHKERNEL_UNIT = 8 << 20, ESTIMATE_REMEDY_MAX = 256 };

/* What a crash kernel needs of crashkernel=, in bytes, bounds where a reservation decides. */
struct estimate {
	uint64_t kernel;       /* its footprint, with what its alignment may cost */
	uint64_t alignment;    /* of the kernel */
	uint64_t initrd;       /* as it is loaded */
	uint64_t header;       /* the ELF core header, with room to grow */
	uint64_t small;	       /* purgatory, parameters, EFI map */
	uint64_t kernel_pages; /* the running kernel's control pages and page tables */
	uint64_t unpacked;     /* the initrd once more, unpacked */
	uint64_t working;      /* for one CPU to boot and to write a dump */
	uint64_t cpus;	       /* that it makes room for */
	uint64_t per_cpu;      /* for those but one */
	uint64_t swiotlb;      /* bounce buffers below 4 GiB */
	uint64_t crashkernel;  /* all of it, rounded up to what crashkernel= is given in */
};
/* ERR_INPUT for an image that cannot be a crash kernel. */
int estimate_load(const struct load_request *request, const struct system *system,
		  struct estimate *ret, struct err *err);
/* What of it is loaded in any case. */
static inline uint64_t estimate_loaded(const struct estimate *estimate)
{
	return estimate->kernel - estimate->alignment + estimate->initrd;
}

/*
 * What to do for a reservation of `crashkernel` bytes, into which so many are `loaded`: boot with it, if
 * what it leaves to the running kernel lets that load them (estimate_segments_max()).
 */
int estimate_remedy(const struct system *system, uint64_t loaded, uint64_t crashkernel,
		    char ret[ESTIMATE_REMEDY_MAX], struct err *err);
/* The same of the estimate, appended to a sentence. */
int estimate_advise(const struct load_request *request, const struct system *system,
		    struct err *err);

/*
 * For a reload of a crash kernel by the running kernel's own loader: ERR_INPUT or ERR_NO_FIT
 * if that can fail. Where it puts what is not known in detail, so that some MiB are to spare.
 */
int estimate_check_reload(const struct load_request *request, const struct system *system,
			  struct err *err);

/* What the capture kernel needs when it runs: `unpacked` and what follows it, but the sum. */
int estimate_capture(const struct load_request *request, const struct system *system,
		     struct estimate *ret, struct err *err);
/* The reservation that would do for `needed` bytes of segments. */
uint64_t estimate_crashkernel(uint64_t needed, const struct estimate *capture);
/* Bytes that all segments together may have: half of the running kernel's memory
 * (sanity_check_segment_list() in kernel/kexec_core.c). */
uint64_t estimate_segments_max(const struct system *system);

#endif
