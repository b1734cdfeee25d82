/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* File descriptors, whole: what a signal or a short count interrupts goes on. */
#ifndef SYS_FD_H
#define SYS_FD_H

#include <sys/types.h>

#include "kexec/core/bytes.h"

/* For CLEANUP(). Below 0 is none. */
void fd_close(int *fd);
/* Appends what is left of the file, until ret has `limit` bytes. */
int fd_read(int fd, size_t limit, struct buf *ret, struct err *err);
/* The number of bytes: fewer than size at the end of the file alone; -1 with errno. */
ssize_t fd_read_at(int fd, uint64_t offset, void *ret, size_t size);
/* All of it; -1 with errno. */
int fd_write(int fd, struct bytes data);

#endif
