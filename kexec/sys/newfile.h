/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that this program makes. */
#ifndef SYS_NEWFILE_H
#define SYS_NEWFILE_H

#include <stdio.h>

#include "kexec/core/bytes.h"

/*
 * Makes a file of what write() writes, for its owner alone, that appears at once and whole.
 * Nothing that is there is overwritten, no link is followed; what was begun is removed where it
 * fails. Errors begin with the path.
 */
int new_file(const char *path, int (*write)(void *context, FILE *to, struct err *err),
	     void *context, struct err *err);

#endif
