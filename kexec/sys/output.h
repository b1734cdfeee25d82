/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a program says: that it has been said, and to whom. */
#ifndef SYS_OUTPUT_H
#define SYS_OUTPUT_H

#include <stdio.h>

#include "kexec/core/err.h"

/*
 * Before anything is opened: of the three standard descriptors those that are closed (>&-) become
 * ones that can be neither read nor written, so that no file gets their number and what is said.
 */
void output_hold_descriptors(void);

/* All that was said is written. */
int output_end(FILE *output, struct err *err);

#endif
