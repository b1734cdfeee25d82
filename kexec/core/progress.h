/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who wants to know how far a long piece of work is. */
#ifndef CORE_PROGRESS_H
#define CORE_PROGRESS_H

#include <stdint.h>

struct progress {
	/* So many bytes of so many have been read. NULL: nobody does. */
	void (*tell)(void *context, const char *what, uint64_t done, uint64_t total);
	void *context;
	const char *what; /* whose, and what is done with them: "of the kernel unpacked" */
};

static inline struct progress progress_of(struct progress progress, const char *what)
{
	progress.what = what;
	return progress;
}

/* NULL, too: nobody does. */
static inline void progress_tell(const struct progress *progress, uint64_t done, uint64_t total)
{
	if (progress && progress->tell)
		progress->tell(progress->context, progress->what, done, total);
}

#endif
