/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the decompressors read, made by the libraries; and what an initrd is made of. */
#ifndef MK_PACK_H
#define MK_PACK_H

#include "kexec/core/bytes.h"

/* Each appends one stream to `to`. */
void pack_gzip(struct bytes in, struct buf *to);
void pack_xz(struct bytes in, struct buf *to);
void pack_zstd(struct bytes in, struct buf *to);
void pack_lz4(struct bytes in, struct buf *to);
void pack_lz4_legacy(struct bytes in, struct buf *to); /* of two frames */
void pack_lzma(struct bytes in, struct buf *to);       /* of a size that it does not tell */
void pack_bzip2(struct bytes in, struct buf *to);
void pack_lzop(struct bytes in, struct buf *to);

/* Flags of lzop's header. */
enum {
	PACK_LZOP_ADLER32_D = 1,
	PACK_LZOP_ADLER32_C = 2,
	PACK_LZOP_EXTRA_FIELD = 0x40,
	PACK_LZOP_CRC32_D = 0x100,
	PACK_LZOP_CRC32_C = 0x200,
	PACK_LZOP_FILTER = 0x800,
	PACK_LZOP_CRC32_H = 0x1000,
};
/* As lzop of that version writes it, with the last block as it is. */
void pack_lzop_with(struct bytes in, struct buf *to, uint32_t flags, uint16_t version);

/* A file of a newc archive; pack_archive_end() ends that. */
void pack_file(const char *name, struct bytes contents, struct buf *to);
void pack_archive_end(struct buf *to);
/* One with a size and a checksum that hold. */
void pack_bootconfig(const char *text, struct buf *to);

#endif
