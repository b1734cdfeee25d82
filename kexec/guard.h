/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef GUARD_H
#define GUARD_H

#include "kexec/core/err.h"

/*
 * From here to the end of the process, reading a mapped file that somebody else
 * has truncated prints a sentence and exits with status 1, before any system
 * call of kexec's.
 */
int guard_mapped_files(struct err *err);

#endif
