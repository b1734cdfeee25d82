/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan for people and for programs. */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include "kexec/core/system.h"
#include "kexec/x86/load.h"

struct report {
	const struct load *load; /* sealed */
	const struct system *system;
	const char *kernel_path;
	const char *method; /* "kexec_load" */
};

/* A picture of memory from low to high, the segments, and the reasons. */
void report_text(const struct report *report, FILE *to);
/* The same as JSON; doc/kexec.8 lists the members. schema is 1. */
int report_json(const struct report *report, FILE *to, struct err *err);

#endif
