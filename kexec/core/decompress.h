/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are compressed as a whole: gzip, xz, zstd, told by their magic. */
#ifndef CORE_DECOMPRESS_H
#define CORE_DECOMPRESS_H

#include "kexec/core/bytes.h"

/* No kernel is larger; what expands further is hostile. */
enum { DECOMPRESSED_MAX = 1 << 30 };

/* The format's name, a constant, or NULL if it is none of them. */
const char *decompress_format(struct bytes in);
/* ret is zero-initialised. ERR_INPUT for damage, truncation, data behind the end,
 * and more than DECOMPRESSED_MAX bytes. */
int decompress(struct bytes in, struct buf *ret, struct err *err);

#endif
