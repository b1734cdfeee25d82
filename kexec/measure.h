/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In how much memory a kernel and its initrd reach userspace: they are booted in QEMU. */
#ifndef SYS_MEASURE_H
#define SYS_MEASURE_H

#include <limits.h>
#include <stdio.h>

#include "kexec/core/bytes.h"

struct measure_request {
	const char *qemu; /* the program's path */
	struct bytes kernel, initrd;
	const char *cmdline;
	uint64_t never;		/* bytes that are too few, whatever happens */
	uint64_t first;		/* bytes to begin with */
	unsigned int unit;	/* a multiple of 1 MiB; what is found is one */
	unsigned int limit_s;	/* for each boot */
	unsigned int silence_s; /* KVM without a word for so long does not work here */
	unsigned int settle_s;	/* userspace has to last so long; thrice that if emulated */
	FILE *progress;		/* a line for each boot; NULL: none */
};

struct measure_result {
	uint64_t enough;     /* bytes */
	uint64_t too_little; /* one unit less */
	unsigned int boots;
};

/* False if qemu-system-x86_64 is not on PATH. */
bool measure_find_qemu(char ret[PATH_MAX]);
/* ERR_INPUT with the guest's last line if it reaches userspace in no amount of memory. No guest
 * outlives the caller. */
int measure(const struct measure_request *request, struct measure_result *ret, struct err *err);

#endif
