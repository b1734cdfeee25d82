/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/iomem: "    START-END : NAME", two spaces a level, inclusive ends
 * (kernel/resource.c r_show()).
 */
#ifndef CORE_IOMEM_H
#define CORE_IOMEM_H

#include "kexec/core/memmap.h"

struct iomem_entry {
	struct range range;
	unsigned int depth; /* 0 at the top */
	size_t parent;	    /* index; itself at depth 0 */
	const char *name;
};

/* Owned; zero-initialise; release with iomem_done(). In the file's order. */
struct iomem {
	struct iomem_entry *entry;
	size_t count;
	size_t room;
	char *names; /* of the entries, each with its NUL */
	size_t names_size;
	bool zeroed; /* every address is 0: read without CAP_SYS_ADMIN (then no entries) */
};

/* ERR_INPUT names the line and what is wrong with it. Entries that lie past
 * PHYS_LIMIT whole are left out (PCI windows of some machines do). */
int iomem_parse(struct bytes text, struct iomem *ret, struct err *err);

/*
 * RAM that the kernel would give away: every "System RAM" at any depth (it may
 * lie under another resource), less each "Reserved" below it. Driver-managed
 * RAM, "System RAM (kmem)" and the like, and "Soft Reserved" are no part of it.
 * Outside `within` what is returned means nothing.
 */
int iomem_system_ram(const struct iomem *iomem, struct range within, struct range_set *ret,
		     struct err *err);
/* The same of everything, with driver-managed RAM, which no segment may use and every dump should show. */
int iomem_dumped_ram(const struct iomem *iomem, struct range_set *ret, struct err *err);
/* All entries of that name (case ignored), at any depth. */
int iomem_find(const struct iomem *iomem, const char *name, struct range_set *ret, struct err *err);
/* The innermost entry's name at this address, or NULL. */
const char *iomem_name_at(const struct iomem *iomem, phys_t address);
/*
 * The crash kernel's reservation. Up to two "Crash kernel" entries: segments
 * may lie only in the higher, *ret_main (crashk_res, kernel/crash_reserve.c);
 * *ret_low is the other. Returned size 0 where there is none.
 */
int iomem_crash_kernel(const struct iomem *iomem, struct range *ret_main, struct range *ret_low,
		       struct err *err);
void iomem_done(struct iomem *iomem);

#endif
