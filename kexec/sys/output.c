/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/sys/output.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void output_hold_descriptors(void)
{
	/* The lowest number that is free is the one that open() takes. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH) < 0)
			return;
}

int output_end(FILE *output, struct err *err)
{
	errno = 0;
	/* What failed before is remembered, and why is not. */
	if (!fflush(output) && !ferror(output))
		return 0;
	return err_set_errno(err, errno ? errno : EIO, "standard output");
}
