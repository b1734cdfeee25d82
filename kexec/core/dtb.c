/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/dtb.h"

int dtb_check(struct bytes dtb, struct err *err)
{
	enum { MAGIC = 0xd00dfeed, HEADER_SIZE = 40 };
	struct cursor at = cursor_at(dtb, 0);
	uint32_t size;

	if (dtb.size < HEADER_SIZE || cursor_be32(&at) != MAGIC)
		return err_set(err, ERR_INPUT,
			       "no device tree blob: it does not begin with 0xd00dfeed");
	size = cursor_be32(&at);
	if (size < HEADER_SIZE || size > dtb.size)
		return err_set(err, ERR_DAMAGED,
			       "the device tree has %u bytes by its header, the file %zu", size,
			       dtb.size);
	if (dtb.size > DTB_SIZE_MAX)
		return err_set(err, ERR_INPUT,
			       "the device tree has %zu bytes, of which a kernel maps %d at most",
			       dtb.size, DTB_SIZE_MAX);
	return 0;
}
