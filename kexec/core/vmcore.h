/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory of a crashed kernel in an ELF core: /proc/vmcore, a copy of it, or what a
 * hypervisor wrote. Addresses are the crashed kernel's virtual ones. What it says of itself is
 * VMCOREINFO: Documentation/admin-guide/kdump/vmcoreinfo.rst.
 */
#ifndef CORE_VMCORE_H
#define CORE_VMCORE_H

#include "kexec/core/kcore.h"

/* Where the bytes come from: all of them, or an error. */
struct vmcore_file {
	void *context;
	int (*read)(void *context, uint64_t offset, void *to, size_t size, struct err *err);
};

/* Owned; zero-initialise; release with vmcore_done(). The file is borrowed. */
struct vmcore {
	struct vmcore_file file;
	struct kcore memory;
	char *info; /* VMCOREINFO, lines of KEY=VALUE */
	/* Of VMCOREINFO, for every translation. */
	bool has_phys_base;
	uint64_t phys_base;	 /* what the kernel's own map adds */
	uint64_t swapper_pg_dir; /* 0: not told */
	uint64_t encryption;	 /* bits of a page table entry that are no address */
	int levels;		 /* of page tables, 4 or 5 */
};

/* ERR_INPUT names what is no ELF core, or that there is no VMCOREINFO. */
int vmcore_open(const struct vmcore_file *file, struct vmcore *ret, struct err *err);
void vmcore_done(struct vmcore *vmcore);

/* KIND(NAME)= of VMCOREINFO, as "SYMBOL", "prb": SYMBOL is hexadecimal, SIZE, OFFSET and NUMBER
 * are decimal and may be negative. False if it is not there. */
bool vmcore_value(const struct vmcore *vmcore, const char *kind, const char *name, uint64_t *ret);
/* The same where it must be there. ERR_INPUT names it. */
int vmcore_require(const struct vmcore *vmcore, const char *kind, const char *name, uint64_t *ret,
		   struct err *err);

/*
 * Bytes at a virtual address: where a program header has them, in the kernel's own map, or
 * through the crashed kernel's page tables. ERR_INPUT names the address that is in none.
 */
int vmcore_read(const struct vmcore *vmcore, uint64_t address, void *to, size_t size,
		struct err *err);
/* The same as far as it goes: how many bytes, from the first, were read. Fewer than `size` with an
 * error that says why. */
size_t vmcore_read_part(const struct vmcore *vmcore, uint64_t address, void *to, size_t size,
			struct err *err);

#endif
