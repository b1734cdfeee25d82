/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/sys/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int write_to(int fd, int (*write)(void *context, FILE *to, struct err *err), void *context,
		    struct err *err)
{
	FILE *to = fdopen(fd, "w");
	int result;

	if (!to) {
		close(fd);
		return err_set_errno(err, errno, "write");
	}
	result = write(context, to, err);
	/* A short write is remembered. */
	if (!result && (fflush(to) || ferror(to)))
		result = err_set_errno(err, errno, "write");
	if (!result && fsync(fd))
		result = err_set_errno(err, errno, "fsync");
	if (fclose(to) && !result)
		result = err_set_errno(err, errno, "close");
	return result;
}

int new_file(const char *path, int (*write)(void *context, FILE *to, struct err *err),
	     void *context, struct err *err)
{
	char *temporary CLEANUP(text_done) = NULL;
	int fd;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return err_no_memory(err);
	}
	/* It is made anew, with mode 0600, whatever the umask. */
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, errno, "%s", path);
	if (write_to(fd, write, context, err)) {
		err_prefix(err, "%s", path);
		unlink(temporary);
		return -1;
	}
	if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE)) {
		err_set_errno(err, errno, "%s", path);
		if (err->sys_errno == EEXIST)
			err_advise(err, ": nothing is overwritten; name another file");
		unlink(temporary);
		return -1;
	}
	return 0;
}
