/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/sys/fd.h"

#include <errno.h>
#include <unistd.h>

enum { BLOCK_SIZE = 16384 };

void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

int fd_read(int fd, size_t limit, struct buf *ret, struct err *err)
{
	char block[BLOCK_SIZE];

	while (ret->size < limit) {
		size_t left = limit - ret->size;
		ssize_t got = read(fd, block, left < sizeof(block) ? left : sizeof(block));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, errno, "read");
		if (!got)
			break;
		if (buf_append(ret, block, (size_t)got, err))
			return -1;
	}
	return 0;
}

ssize_t fd_read_at(int fd, uint64_t offset, void *ret, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = pread(fd, (char *)ret + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (!got)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

int fd_write(int fd, struct bytes data)
{
	while (data.size) {
		ssize_t wrote = write(fd, data.data, data.size);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -1;
		data.data += wrote;
		data.size -= (size_t)wrote;
	}
	return 0;
}
