/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An initrd: newc cpio archives, some of them compressed, with zeros between them, and perhaps the
 * block of a boot configuration at its end (Documentation/admin-guide/initrd.rst and bootconfig.rst
 * of Linux; what the kernel takes is in init/initramfs.c).
 */
#ifndef CORE_INITRD_H
#define CORE_INITRD_H

#include "kexec/core/bytes.h"
#include "kexec/core/progress.h"

/*
 * The same initrd with nothing in it compressed: what was, is replaced by what it expands to;
 * each archive begins at a multiple of 4, in the same order, and the boot configuration is at the
 * end, byte for byte. ret is zero-initialised. With the offset: ERR_DAMAGED for archives and members
 * that are cut or damaged, ERR_NO_FIT for more than `memory` bytes, where that is not 0, ERR_INPUT for what else the kernel would not take, and for an image of a
 * file system; and where nothing is compressed.
 * progress, or NULL, is told of each member.
 */
int initrd_unpack(struct bytes in, size_t memory, const struct progress *progress, struct buf *ret,
		  struct err *err);

/*
 * Files of a newc archive, which begins at a multiple of 4: mode with its type (cpio(5), S_IFDIR
 * with no contents), owner root, time 0. initrd_end() ends it. ERR_INPUT for contents of 4 GiB.
 */
int initrd_add(struct buf *to, const char *name, uint32_t mode, struct bytes contents,
	       struct err *err);
int initrd_end(struct buf *to, struct err *err);
/* Appends zeros up to a multiple of 4, at which the next archive may begin. */
int initrd_align(struct buf *to, struct err *err);

#endif
