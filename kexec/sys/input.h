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
	bool is_named;	    /* another process finds it below that path */
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
 * is written to the files. Where somebody else truncates a file, reading it raises SIGBUS.
 */
int inputs_open(const char *const *path, size_t count, struct inputs *ret, struct err *err);
/* The same of files that are open, from their beginning; a pipe is read from where it is. The descriptors stay the
 * caller's. */
int inputs_map(const int *fd, const char *const *name, size_t count, struct inputs *ret,
	       struct err *err);
/* The same; what can be truncated or written to is copied, so that no SIGBUS can come of it. */
int inputs_copy(const int *fd, const char *const *name, size_t count, struct inputs *ret,
		struct err *err);
/* Makes every page of the map this process's own: no writer of the files reaches the bytes then. */
void inputs_pin(const struct inputs *inputs);
/* ERR_INPUT if the file's size or times are not what they were when it was opened. */
int input_check_unchanged(const struct input *file, struct err *err);
int inputs_check_unchanged(const struct inputs *inputs, struct err *err); /* each of them */
void inputs_done(struct inputs *inputs);

/* One that is open, with a descriptor of its own; a pipe is read. Release with input_done(). */
int input_duplicate(int fd, const char *name, struct input *ret, struct err *err);
/*
 * A file in memory with those bytes, for a system call that takes descriptors: memfd_create(2), with
 * every seal, so that nobody changes it any more. Release with input_done(), which takes fd -1.
 */
int input_in_memory(const char *name, struct bytes bytes, struct input *ret, struct err *err);
void input_done(struct input *input);

#endif
