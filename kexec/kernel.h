/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel that a file holds, for every action that looks at one. */
#ifndef KERNEL_H
#define KERNEL_H

#include "kexec/sys/input.h"

/* Zero-initialise; release with kernel_done(). */
struct kernel {
	struct inputs inputs; /* the file */
	struct buf expanded;  /* what the file expands to, if it is compressed */
	struct bytes image;   /* the kernel, in one of the two; nobody has judged it yet */
};

/*
 * Maps the file, and expands what is compressed as a whole. The error names the file. From here on
 * inputs_guard() holds.
 */
int kernel_open(const char *path, struct kernel *ret, struct err *err);
void kernel_done(struct kernel *kernel);

#endif
