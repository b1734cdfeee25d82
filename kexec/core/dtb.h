/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device tree blobs: the Devicetree Specification 0.4, chapter 5. */
#ifndef CORE_DTB_H
#define CORE_DTB_H

#include "kexec/core/bytes.h"

enum {
	/* In bytes. The target maps it early, in NR_FIX_BTMAPS pages (arch/x86/include/asm/fixmap.h),
	 * of which it may begin in the midst of one; it does without a larger one. */
	DTB_SIZE_MAX = 63 * 4096,
};

/* By its header, section 5.2, and its size: ERR_INPUT for what is none or too large, ERR_DAMAGED for what was cut. */
int dtb_check(struct bytes dtb, struct err *err);

#endif
