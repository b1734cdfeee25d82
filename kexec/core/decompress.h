/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is compressed as a whole, told by its magic: gzip, xz, zstd, lz4 (frames, and the legacy
 * ones that Linux takes), lzma, bzip2, lzop.
 */
#ifndef CORE_DECOMPRESS_H
#define CORE_DECOMPRESS_H

#include "kexec/core/bytes.h"
#include "kexec/core/progress.h"

/* No kernel is larger, nor an initrd; what expands further is hostile. */
enum { DECOMPRESSED_MAX = 1 << 30 };

/* The format's name, a constant, or NULL if it is none of them. */
const char *decompress_format(struct bytes in);
/*
 * A whole file. ret is zero-initialised. ERR_DAMAGED for damage, truncation, data behind the end
 * (of the last frame, if they are zstd's); ERR_INPUT for more than DECOMPRESSED_MAX bytes, and what
 * is none of them.
 */
int decompress(struct bytes in, struct buf *ret, struct err *err);
/*
 * The same of what is said to expand to so many bytes, in less memory; more of zstd's is
 * damage, and so is more than DECOMPRESSED_MAX.
 * progress, or NULL, is told of what takes long.
 */
int decompress_sized(struct bytes in, size_t size, const struct progress *progress, struct buf *ret,
		     struct err *err);
/*
 * The one stream that begins with `in`: appends what it expands to, and says how many bytes it
 * has. The limit is that of all that is in `out` then; what was there stays on failure.
 */
int decompress_stream(struct bytes in, const struct progress *progress, struct buf *out,
		      size_t *ret_used, struct err *err);

#endif
