/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a reboot by kexec, and a crash kernel, would work on this machine: one page. */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdio.h>

#include "kexec/sys/ops.h"
#include "kexec/sys/root.h"

struct doctor_request {
	const struct root *root;
	/* No call but to give up privileges, once the machine is known and before any file is opened that is not its own. */
	const struct ops *ops; /* NULL: none are given up */
	/* What would be loaded; kernel NULL: the running kernel's own, from /boot. */
	const char *kernel;
	const char *const *initrd;
	size_t nr_initrds;
	const char *type; /* what it must be; NULL: anything */
	unsigned int uki_profile;
	bool unpack_initrd; /* where it can be done */
	const char *
		cmdline; /* what --append gave; NULL: of the unified kernel image, else nr_cpus=1 */
	bool json;
	bool measure; /* of an estimate: boot the pair in QEMU */
};

/* *ret_failed: something will not work. An error of ours, not of the machine, is -1. */
int doctor(const struct doctor_request *request, FILE *to, bool *ret_failed, struct err *err);

/*
 * The crashkernel= that a pair of kernel and initrd needs on this machine, with its parts;
 * where they are measured, by booting them. No reservation is needed for that.
 */
int doctor_estimate(const struct doctor_request *request, FILE *to, struct err *err);

#endif
