/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel that a file holds, and what goes with it, for every action that looks at one. */
#ifndef KERNEL_H
#define KERNEL_H

#include "kexec/core/uki.h"
#include "kexec/sys/input.h"
#include "kexec/x86/load.h"

/* Zero-initialise; release with kernel_done(). */
struct kernel {
	struct inputs inputs; /* the file */
	struct buf expanded;  /* what it expands to, if it is compressed */
	struct bytes image;   /* the kernel, in one of the two; not judged yet, but for .linux */
	bool is_uki;	      /* the image is .linux of it */
	struct uki uki;
};

/*
 * Maps the file, and finds the kernel in what is compressed as a whole or is a unified kernel image;
 * other files have profile 0 alone. What expands to more than `memory` bytes is ERR_NO_FIT, where that is not
 * 0. The error names the file.
 */
int kernel_open(const char *path, unsigned int profile, size_t memory, struct kernel *ret,
		struct err *err);
/* The same of a file that is open, which it takes over, also on failure. */
int kernel_of(struct inputs *file, unsigned int profile, size_t memory, struct kernel *ret,
	      struct err *err);
/* Whether it is of the type that --type names; NULL is any. */
int kernel_check_type(const struct kernel *kernel, const char *type, enum load_args args,
		      struct err *err);
/*
 * What is loaded as its initrd: those files, or with a unified kernel image what uki_initrd() makes, in
 * joined, which is zero-initialised. Size 0: none.
 */
int kernel_initrd(const struct kernel *kernel, const struct inputs *files, struct buf *joined,
		  struct bytes *ret, struct err *err);
void kernel_done(struct kernel *kernel);

#endif
