/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far a load is, on a terminal, once it has taken half a second. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

struct progress {
	FILE *to; /* NULL: nobody looks */
	struct timespec began, told;
	int width; /* of what is on the line */
};

/* Nothing is ever printed to what is no terminal. */
void progress_begin(struct progress *progress, FILE *to);
/* In bytes. context: the struct progress. */
void progress_tell(void *context, uint64_t done, uint64_t total);
/* Clears the line for what comes. */
void progress_end(struct progress *progress);

#endif
