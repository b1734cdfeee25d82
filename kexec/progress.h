/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far a load is, in a line on a terminal, once it has taken half a second. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "kexec/core/progress.h"

struct progress_line {
	FILE *to; /* NULL: nobody looks */
	struct timespec began, told;
	int width; /* of what is on it */
};

/* Nothing is ever printed to what is no terminal. */
void progress_line_begin(struct progress_line *line, FILE *to);
/* Of struct progress, with the line as its context. */
void progress_line_tell(void *line, const char *what, uint64_t done, uint64_t total);
/* Clears it for what comes. */
void progress_line_end(struct progress_line *line);

#endif
