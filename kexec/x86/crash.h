/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a crash kernel needs beside a kernel: the reservation that it lives in, the header
 * that describes the crashed kernel's memory, and a memory map that leaves the rest alone.
 */
#ifndef X86_CRASH_H
#define X86_CRASH_H

#include "kexec/core/elfcorehdr.h"
#include "kexec/core/system.h"

enum crash_backup {
	CRASH_BACKUP_AUTO, /* if the running kernel uses the first MiB */
	CRASH_BACKUP_ALWAYS,
	CRASH_BACKUP_NEVER,
};

/*
 * Leaves of /proc/kcore's headers what a plan uses, with the addresses of a kernel without KASLR
 * (Documentation/arch/x86/x86_64/mm.rst) in the place of random ones: for plans that are shown
 * or kept, not for those that are loaded. At most CRASH_KCORE_MAX segments; no file's offsets.
 */
enum { CRASH_KCORE_MAX = 2 };
void crash_forget_kaslr(struct kcore *kcore);

/*
 * From the top of the reservation downward: the ELF core header, then the backup of low
 * memory. So the RAM that the capture kernel is given is one range, whatever else is loaded.
 * Owned; zero-initialise; release with crash_done().
 */
struct crash {
	struct range main; /* crashk_res: segments lie here and nowhere else */
	struct range low;  /* crashk_low_res: handed on as RAM; empty: none */
	struct elfcorehdr header;
	uint64_t header_size; /* bytes that are written; the rest of header_at is room to grow */
	struct range header_at;
	struct range backup_of; /* low memory that the purgatory saves; empty: none */
	struct range backup_at;
	struct range ram;      /* main without the two */
	uint64_t kernel_pages; /* see crash_kernel_pages() */
};

struct load_request;
/* ERR_INPUT where the running kernel hides what a dump needs, or reserved nothing. */
int crash_shape(const struct load_request *request, const struct system *system,
		struct warnings *warnings, struct crash *ret, struct err *err);
/* The capture kernel's memory map, of the firmware's as system_e820() has it. ret is
 * zero-initialised, and owned afterwards. */
int crash_e820(const struct crash *crash, const struct memmap *firmware,
	       const struct system *system, struct memmap *ret, struct err *err);
/* All that /proc/vmcore will show, where it is then, in whole pages. */
int crash_dumped(const struct crash *crash, struct range_set *ret, struct err *err);

/*
 * Bytes of the reservation that are left to the running kernel: for its control pages, the
 * page tables of all RAM, and a copy of vmcoreinfo (kernel/kexec_core.c
 * kimage_alloc_crash_control_pages(), arch/x86/kernel/machine_kexec_64.c).
 */
int crash_kernel_pages(const struct system *system, uint64_t *ret, struct err *err);

/*
 * What the capture kernel must be told on its command line, *ret malloc'ed: elfcorehdr=;
 * acpi_rsdp= where `acpi_rsdp` is not 0; e820 as memmap= where it is not NULL.
 */
int crash_cmdline(const struct crash *crash, const char *cmdline, uint64_t acpi_rsdp,
		  const struct memmap *e820, char **ret, struct err *err);
void crash_done(struct crash *crash);

#endif
