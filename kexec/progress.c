/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/progress.h"

#include <unistd.h>

enum { SILENT_MS = 500, EVERY_MS = 100, KIB_SHIFT = 10, MIB_SHIFT = 20 };

static long since_ms(struct timespec then, struct timespec now)
{
	return (now.tv_sec - then.tv_sec) * 1000 + (now.tv_nsec - then.tv_nsec) / 1000000;
}

void progress_line_begin(struct progress_line *line, FILE *to)
{
	*line = (struct progress_line){ .to = isatty(fileno(to)) ? to : NULL };
	clock_gettime(CLOCK_MONOTONIC, &line->began);
}

static void clear(struct progress_line *line)
{
	if (line->width > 0)
		fprintf(line->to, "\r%*s\r", line->width, "");
	line->width = 0;
}

void progress_line_tell(void *context, const char *what, uint64_t done, uint64_t total)
{
	struct progress_line *line = context;
	const bool little = total >> MIB_SHIFT == 0;
	const int shift = little ? KIB_SHIFT : MIB_SHIFT;
	struct timespec now;

	if (!line->to)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (since_ms(line->began, now) < SILENT_MS || since_ms(line->told, now) < EVERY_MS)
		return;
	line->told = now;
	clear(line);
	line->width =
		fprintf(line->to, "kexec: %llu of %llu %s %s", (unsigned long long)done >> shift,
			(unsigned long long)total >> shift, little ? "KiB" : "MiB", what);
	fflush(line->to);
}

void progress_line_end(struct progress_line *line)
{
	clear(line);
}
