/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine of include/libkexec.h; a test gives it operations that record. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdatomic.h>

#include "libkexec.h"
#include "kexec/sys/ops.h"
#include "kexec/sys/root.h"

struct kexec_machine {
	struct root root;
	const struct ops *ops; /* NULL: nothing is loaded there */
	atomic_uint references;
};

#endif
