/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files to load: opened once, mapped, and the same bytes when they are hashed
 * and when they are loaded.
 */
#ifndef SYS_INPUT_H
#define SYS_INPUT_H

#include <sys/stat.h>

#include "kexec/core/bytes.h"

struct input {
	const char *path; /* borrowed */
	int fd;
	struct stat status; /* as it was when the file was opened */
};

/* One or more files as one piece of memory: each begins on a page, the rest of
 * the page before it is zero. Zero-initialise; release with inputs_done(). */
struct inputs {
	struct input *file;
	size_t count;
	struct bytes bytes;
	size_t mapped_size;
};

/*
 * Maps the files one behind the other; a pipe is read
 * into an anonymous one first. ERR_INPUT for an empty file. Private maps: nothing
 * is written to the files.
 */
int inputs_open(const char *const *path, size_t count, struct inputs *ret, struct err *err);
/*
 * A file in memory with these bytes, which nobody can change any more: it is sealed against
 * writing, growing and shrinking. Its descriptor; -1 with ERR_SYSTEM.
 */
int input_sealed(struct bytes bytes, struct err *err);
/* Makes every page of the map this process's own: no writer of the files reaches the bytes then. */
void inputs_pin(const struct inputs *inputs);
/* ERR_INPUT if a file's size or times are not what they were when it was opened. */
int inputs_check_unchanged(const struct inputs *inputs, struct err *err);
void inputs_done(struct inputs *inputs);

/*
 * From here to the end of the process, reading a mapped file that somebody else
 * has truncated prints a sentence and exits with status 1, before any system
 * call of kexec's.
 */
int inputs_guard(struct err *err);

#endif
