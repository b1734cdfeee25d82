/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a multiboot kernel is told: its boot information, one segment. */
#ifndef X86_MULTIBOOT_INFO_H
#define X86_MULTIBOOT_INFO_H

#include "kexec/core/plan.h"
#include "kexec/core/system.h"
#include "kexec/x86/multiboot.h"

/* What is in eax at the entry: 3.2 of the Multiboot Specification 0.6.96, 3.3 of Multiboot2 2.0. */
#define MULTIBOOT_MAGIC_1 0x2badb002
#define MULTIBOOT_MAGIC_2 0x36d76289

/* One of the modules, which are one piece of memory, each from a page on. */
struct multiboot_module {
	uint64_t offset, size;
	const char *cmdline; /* begins with the file's name, as that of the kernel does */
};

/* Borrowed, all of it. */
struct multiboot_info_request {
	const struct multiboot *kernel;
	const struct system *system;
	const struct memmap *e820; /* normalised */
	const char *cmdline;
	const struct multiboot_module *module; /* they are plan->initrd */
	size_t nr_modules;
	bool text_screen; /* the purgatory brings VGA to its text mode */
};

/* All of it but addresses, in ret, which is zero-initialised. ERR_INPUT where the kernel insists on a
 * screen, and there is none. */
int multiboot_info_make(const struct multiboot_info_request *request, struct buf *ret,
			struct err *err);
/* The addresses, in plan->params, which is what was made for the same request. The plan is PLACED. */
int multiboot_info_link(const struct multiboot_info_request *request, struct plan *plan,
			struct err *err);

#endif
