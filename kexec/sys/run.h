/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small files of root's own that last until the next boot, below /run/safekexec. */
#ifndef SYS_RUN_H
#define SYS_RUN_H

#include "kexec/sys/root.h"

#define RUN_DIRECTORY "run/safekexec"

/* Whole or not at all, of mode 0600, in a directory of mode 0700. A failure leaves what was there. */
int run_write(const struct root *root, const char *name, struct bytes data, struct err *err);
/* root_is_missing() tells that there is none. ret is zero-initialised. */
int run_read(const struct root *root, const char *name, struct buf *ret, struct err *err);
/* One that is not there is removed. */
int run_remove(const struct root *root, const char *name, struct err *err);

#endif
