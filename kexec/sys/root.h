/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine's files, through a directory that can be another root, or out of a capture: a
 * captured machine is read as the running one is. While a root records, what is read of it is
 * added to a capture, as it was handed to the reader: whoever narrows what he reads to what he
 * uses narrows both.
 */
#ifndef SYS_ROOT_H
#define SYS_ROOT_H

#include "kexec/sys/capture.h"

struct root {
	int fd;			  /* -1: there is no directory, `captured` has the files */
	bool is_live;		  /* the running machine, so that its system calls mean something */
	struct capture *captured; /* owned; NULL: a directory */
	struct capture *record;	  /* the caller's; NULL: nothing is recorded */
	struct warnings *unread;  /* the caller's: what this user may not read is noted there and
				     counts as missing; NULL: it is an error */
};

#define ROOT_NONE ((struct root){ .fd = -1 })

/* The kernel's log, which is no file of the running machine's. */
#define ROOT_LOG "dmesg"

enum { ROOT_FILE_MAX = 256 << 20 };

/* path NULL: the running machine; else a directory, which no path leads out of, or a capture. */
int root_open(const char *path, struct root *ret, struct err *err);
/* What is in one, below a directory's, in the same way: no path leads out of that. *ret_is_machine
 * false for a file that is no tar archive. */
int root_open_below(const struct root *above, const char *path, struct root *ret,
		    bool *ret_is_machine, struct err *err);
void root_close(struct root *root);

/*
 * Reads a regular file to its end, at most `limit` bytes of it, into ret
 * (zero-initialised). Paths have no leading slash. ERR_SYSTEM with the errno
 * if it is missing or unreadable: root_is_missing() tells. While recording, a file that
 * cannot be read is noted and then counts as missing, so that the reader goes on.
 */
int root_read(const struct root *root, const char *path, size_t limit, struct buf *ret,
	      struct err *err);
/* As root_read(); narrow leaves of the data, in its place, what is used. */
int root_read_used(const struct root *root, const char *path, size_t limit,
		   void (*narrow)(struct buf *data), struct buf *ret, struct err *err);
/* The file's text without trailing white space, NUL-terminated, malloc'ed. */
int root_read_text(const struct root *root, const char *path, char **ret, struct err *err);
/* The file holds one number, "0x..." or decimal. */
int root_read_number(const struct root *root, const char *path, uint64_t *ret, struct err *err);

/* As their namesakes, but what is read is not recorded: a file that holds more than may be kept.
 * The reader adds what it made of it with root_record(). */
int root_peek(const struct root *root, const char *path, size_t limit, struct buf *ret,
	      struct err *err);
int root_peek_text(const struct root *root, const char *path, char **ret, struct err *err);
/* Exactly `size` bytes at an offset. */
int root_peek_at(const struct root *root, const char *path, uint64_t offset, void *ret, size_t size,
		 struct err *err);
/* Adds a file, if the root records. */
void root_record(const struct root *root, const char *path, struct bytes data);
void root_record_text(const struct root *root, const char *path, const char *text);
/* Notes that what err says could not be read, and makes it count as missing; if the root records,
 * or has a list of what is unread. */
void root_record_unread(const struct root *root, const char *path, struct err *err);

/* A descriptor, -1 with errno set: ENOENT for all of a capture. Nothing is recorded. */
int root_fd_below(const struct root *root, const char *path, int flags);
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
