/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine's files, through a directory that can be another root: a captured
 * machine is read as the running one is.
 */
#ifndef SYS_ROOT_H
#define SYS_ROOT_H

#include "kexec/core/bytes.h"

struct root {
	int fd;
	bool is_live; /* the running machine, so that its system calls mean something */
};

enum { ROOT_FILE_MAX = 256 << 20 };

/* directory NULL: the running machine. In another root no path leads outside. */
int root_open(const char *directory, struct root *ret, struct err *err);
void root_close(struct root *root);

/*
 * Reads a regular file to its end, at most `limit` bytes of it, into ret
 * (zero-initialised). Paths have no leading slash. ERR_SYSTEM with the errno
 * if it is missing or unreadable: root_is_missing() tells.
 */
int root_read(const struct root *root, const char *path, size_t limit, struct buf *ret,
	      struct err *err);
/* Exactly `size` bytes at an offset. */
int root_read_at(const struct root *root, const char *path, uint64_t offset, void *ret, size_t size,
		 struct err *err);
/* The file's text without trailing white space, NUL-terminated, malloc'ed. */
int root_read_text(const struct root *root, const char *path, char **ret, struct err *err);
/* The file holds one number, "0x..." or decimal. */
int root_read_number(const struct root *root, const char *path, uint64_t *ret, struct err *err);
bool root_exists(const struct root *root, const char *path);
bool root_is_missing(const struct err *err);
/* The names in a directory, sorted, but those that begin with a dot. Zero-initialise; release
 * with root_names_done(). */
struct root_names {
	char **name;
	size_t count, room;
};
int root_list(const struct root *root, const char *path, struct root_names *ret, struct err *err);
void root_names_done(struct root_names *names);
/*
 * The numbers N of the directory's entries PREFIX followed by N, in ascending order, in an
 * array that is malloc'ed.
 */
int root_list_numbered(const struct root *root, const char *path, const char *prefix,
		       uint64_t **ret, size_t *ret_count, struct err *err);
/* How many entries the directory has whose names are numbers, so that a caller
 * can read 0 .. count - 1 and notice one that is not there. */
int root_count_numbered(const struct root *root, const char *path, size_t *ret, struct err *err);

#endif
