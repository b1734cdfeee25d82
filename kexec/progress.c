/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/progress.h"

#include <unistd.h>

enum { SILENT_MS = 500, EVERY_MS = 100, MIB_SHIFT = 20 };

static long since_ms(struct timespec then, struct timespec now)
{
	return (now.tv_sec - then.tv_sec) * 1000 + (now.tv_nsec - then.tv_nsec) / 1000000;
}

void progress_begin(struct progress *progress, FILE *to)
{
	*progress = (struct progress){ .to = isatty(fileno(to)) ? to : NULL };
	clock_gettime(CLOCK_MONOTONIC, &progress->began);
}

void progress_tell(void *context, uint64_t done, uint64_t total)
{
	struct progress *progress = context;
	struct timespec now;

	if (!progress->to)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (since_ms(progress->began, now) < SILENT_MS || since_ms(progress->told, now) < EVERY_MS)
		return;
	progress->told = now;
	/* The carriage return takes no room. */
	progress->width = fprintf(progress->to, "\rkexec: %llu of %llu MiB read and hashed",
				  (unsigned long long)done >> MIB_SHIFT,
				  (unsigned long long)total >> MIB_SHIFT) -
			  1;
	fflush(progress->to);
}

void progress_end(struct progress *progress)
{
	if (progress->width > 0)
		fprintf(progress->to, "\r%*s\r", progress->width, "");
	progress->width = 0;
}
