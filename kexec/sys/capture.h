/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A captured machine: what was read of one, by path, in memory. As a file it is a plain tar
 * archive (POSIX.1-2017, pax, "ustar Interchange Format"): MANIFEST first, then files and
 * directories in the order of their names, with nothing of the time or the user in it, so that
 * a machine that is the same gives the same bytes.
 *
 * MANIFEST is lines of text:
 *	safekexec-capture 1		the format
 *	release 6.1.0-28-amd64		of the running kernel, as it says itself
 *	entries 412			files and directories behind it
 *	unread 13 proc/iomem Permission denied
 *					the errno with which a file could not be read, each
 */
#ifndef SYS_CAPTURE_H
#define SYS_CAPTURE_H

#include <stdio.h>

#include "kexec/core/bytes.h"

/* Where the running kernel says its release. */
#define CAPTURE_RELEASE "proc/sys/kernel/osrelease"

enum {
	CAPTURE_FORMAT = 1,
	CAPTURE_HEAD_SIZE = 512, /* for capture_begins() */
	/* What the name field of a header holds, which is all that is used of it. */
	CAPTURE_PATH_MAX = 99,
	/* 100,000 ranges in the firmware's map have three files and a directory each, 8,192
	 * processors two and one. */
	CAPTURE_ENTRIES_MAX = 500000,
	/* Of all files together; those of 100,000 ranges have a fifth of it. */
	CAPTURE_BYTES_MAX = 64 << 20,
};

struct capture_entry {
	char *path; /* no slash before it, none behind it */
	struct buf data;
	int unread; /* errno with which it could not be read; 0: it could */
	bool is_directory;
};

/* Owned; zero-initialise; release with capture_done(). */
struct capture {
	struct capture_entry *entry;
	size_t count, room;
	bool takes_cmdline; /* when recording: /proc/cmdline, too */
	bool lost;	    /* memory ran out while something was added */
};

void capture_add_file(struct capture *capture, const char *path, struct bytes data);
void capture_add_directory(struct capture *capture, const char *path);
void capture_add_unread(struct capture *capture, const char *path, int error);
void capture_done(struct capture *capture);

/*
 * Reads an archive from its start to its end; nothing is written anywhere. Whoever made it is
 * not trusted: ERR_INPUT, with the name of the entry, for all that kexec --capture does not
 * write (a path that leads out, links, devices, more than the limits above, an entry twice,
 * compression) and for an archive that is cut.
 */
int capture_read(int fd, struct capture *ret, struct err *err);
/* Whether a file that begins so is a tar archive. */
bool capture_begins(struct bytes head);
/* The entry of that path; NULL: there is none. Of a capture that was read. */
const struct capture_entry *capture_find(const struct capture *capture, const char *path);

/* Sorts what was added, each path once, and writes it as an archive. */
int capture_write(struct capture *capture, FILE *to, struct err *err);
/* The same to bytes, appended. */
int capture_to_memory(struct capture *capture, struct buf *ret, struct err *err);
/* Makes a file of it; see new_file(). */
int capture_save(struct capture *capture, const char *path, struct err *err);

#endif
