/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is compressed as a whole, told by its magic: gzip, xz, zstd, lz4 (frames, and the legacy
 * ones that Linux takes), lzma, bzip2, lzop.
 */
#ifndef CORE_DECOMPRESS_H
#define CORE_DECOMPRESS_H

#include "kexec/core/bytes.h"
#include "kexec/core/progress.h"

/*
 * No kernel is larger, nor an initrd; what expands further is hostile. The files of kernels and of
 * initrds expand to 3 to 10 times their size; beyond DECOMPRESSED_FREE, which every machine has, one with
 * many zeros may still expand to DECOMPRESSED_RATIO times.
 */
enum {
	DECOMPRESSED_MAX = 1 << 30,
	DECOMPRESSED_FREE = 1 << 24,
	DECOMPRESSED_RATIO = 64,
};

/* What else it is held to; all of it may be zero. */
struct decompress_rules {
	size_t most;   /* bytes, in place of DECOMPRESSED_MAX */
	size_t memory; /* bytes that there are for them; ERR_NO_FIT for more */
	/* Once it has made so many bytes, or ended, it is asked, with all of them, whether to go on. */
	size_t judged;
	int (*judge)(struct bytes begin, struct err *err);
};

/* The format's name, a constant, or NULL if it is none of them. */
const char *decompress_format(struct bytes in);
/*
 * A whole file: one stream or more of a format, as its own program takes them (of lzma only one), with zeros
 * behind them where it passes over those. ret is zero-initialised. ERR_DAMAGED for damage,
 * truncation, and other data behind the end; ERR_INPUT for too many bytes, and what
 * is none of them. The limits are for all streams together. rules may be NULL.
 */
int decompress(struct bytes in, const struct decompress_rules *rules, struct buf *ret,
	       struct err *err);
/*
 * One stream (zstd's: one or more), and nothing behind it, that is said to expand to so many bytes, in
 * less memory; more of zstd's is damage, and so is a size beyond the limits. A kernel's own decompressor
 * takes no more than that from its payload.
 * progress, or NULL, is told of what takes long.
 */
int decompress_sized(struct bytes in, size_t size, const struct progress *progress, struct buf *ret,
		     struct err *err);
/*
 * The one stream that begins with `in`: appends what it expands to, and says how many bytes it
 * has. Of the limits only DECOMPRESSED_RATIO is its own, the others are for all that is in `out` then; what
 * was there stays on failure.
 */
int decompress_stream(struct bytes in, const struct decompress_rules *rules,
		      const struct progress *progress, struct buf *out, size_t *ret_used,
		      struct err *err);

#endif
