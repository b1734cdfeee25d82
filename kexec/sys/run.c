/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/sys/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kexec/sys/fd.h"

static const char parent[] = "run", directory[] = "safekexec";

/* Nobody else may put files there: what is in them is believed. */
static int check_own(int fd, struct err *err)
{
	struct stat status;

	if (fstat(fd, &status))
		return err_set_errno(err, errno, "/" RUN_DIRECTORY);
	if (status.st_uid != geteuid() || status.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err, ERR_INPUT,
			       "/" RUN_DIRECTORY ": belongs to user %u, with mode %03o: remove it",
			       status.st_uid, status.st_mode & 0777);
	return 0;
}

static int open_directory(const struct root *root, bool make, int *ret, struct err *err)
{
	int above CLEANUP(fd_close) = root_fd_below(root, parent, O_DIRECTORY);
	int fd;

	if (above < 0)
		return err_set_errno(err, errno, "/%s", parent);
	if (make && mkdirat(above, directory, 0700) && errno != EEXIST)
		return err_set_errno(err, errno, "/" RUN_DIRECTORY);
	fd = openat(above, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, errno, "/" RUN_DIRECTORY);
	if (check_own(fd, err)) {
		close(fd);
		return -1;
	}
	*ret = fd;
	return 0;
}

int run_write(const struct root *root, const char *name, struct bytes data, struct err *err)
{
	int in CLEANUP(fd_close) = -1, fd CLEANUP(fd_close) = -1;
	char new_name[64];

	if (open_directory(root, true, &in, err))
		return -1;
	snprintf(new_name, sizeof(new_name), "%s.%ld", name, (long)gettid());
	fd = openat(in, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_errno(err, errno, "/" RUN_DIRECTORY "/%s", new_name);
	if (fd_write(fd, data) || renameat(in, new_name, in, name)) {
		err_set_errno(err, errno, "/" RUN_DIRECTORY "/%s", name);
		unlinkat(in, new_name, 0);
		return -1;
	}
	return 0;
}

int run_read(const struct root *root, const char *name, struct buf *ret, struct err *err)
{
	int in CLEANUP(fd_close) = -1, fd CLEANUP(fd_close) = -1;
	struct buf buf CLEANUP(buf_done) = { 0 };

	if (open_directory(root, false, &in, err))
		return -1;
	fd = openat(in, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, errno, "/" RUN_DIRECTORY "/%s", name);
	if (fd_read(fd, ROOT_FILE_MAX + 1, &buf, err))
		return err_prefix(err, "/" RUN_DIRECTORY "/%s", name);
	if (buf.size > ROOT_FILE_MAX)
		return err_set(err, ERR_INPUT, "/" RUN_DIRECTORY "/%s: too large", name);
	*ret = buf;
	buf = (struct buf){ 0 };
	return 0;
}

int run_remove(const struct root *root, const char *name, struct err *err)
{
	int in CLEANUP(fd_close) = -1;

	if (open_directory(root, false, &in, err))
		return root_is_missing(err) ? 0 : -1;
	if (unlinkat(in, name, 0) && errno != ENOENT)
		return err_set_errno(err, errno, "/" RUN_DIRECTORY "/%s", name);
	return 0;
}
