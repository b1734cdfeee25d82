/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kexec system calls as their users see them.
 * Source of every constant: include/uapi/linux/kexec.h and
 * include/uapi/linux/reboot.h of Linux 6.12; limits from kernel/kexec_core.c.
 */
#ifndef KEXEC_ABI_H
#define KEXEC_ABI_H

#include <stddef.h>
#include <stdint.h>

/* kexec_load(2) flags */
enum {
	KEXEC_ON_CRASH = 0x1,
	KEXEC_UPDATE_ELFCOREHDR = 0x4,	   /* since 6.6; EINVAL before */
	KEXEC_CRASH_HOTPLUG_SUPPORT = 0x8, /* since 6.10; EINVAL before */
	KEXEC_ARCH_X86_64 = 62 << 16,
};

/* kexec_file_load(2) flags */
enum {
	KEXEC_FILE_UNLOAD = 0x1,
	KEXEC_FILE_ON_CRASH = 0x2,
	KEXEC_FILE_NO_INITRAMFS = 0x4,
	KEXEC_FILE_DEBUG = 0x8,	     /* since 6.8; EINVAL before */
	KEXEC_FILE_NO_CMA = 0x10,    /* since 6.17 */
	KEXEC_FILE_FORCE_DTB = 0x20, /* since 6.18 */
};

enum {
	KEXEC_SEGMENT_MAX = 16,
	LINUX_REBOOT_KEXEC = 0x45584543,
};

/* One segment of kexec_load(2): memsz - bufsz bytes after buf's are zeroed. */
struct kexec_segment {
	const void *buf;
	size_t bufsz;
	const void *mem; /* physical address */
	size_t memsz;
};
_Static_assert(sizeof(struct kexec_segment) == 32, "kexec_segment");

#endif
