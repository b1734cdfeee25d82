/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan for people and for programs. */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include "kexec/x86/load.h"

struct report {
	const struct load *load; /* sealed */
	const char *kernel_path;
	const char *method;	       /* "kexec_load" */
	const char *method_reason;     /* why that one */
	size_t initrd_packed;	       /* bytes of its files, if it is loaded unpacked, else 0 */
	const struct warnings *unread; /* sources that may not be read: the plan is incomplete */
	bool colour;		       /* of the text: orders to a terminal are in it */
};

/* A picture of memory from low to high, the segments, and the reasons. */
int report_text(const struct report *report, FILE *to, struct err *err);
/* The same as JSON; doc/PLAN.md lists the members. schema is 1. */
int report_json(const struct report *report, FILE *to, struct err *err);
/* The picture, as SVG. */
int report_svg(const struct report *report, FILE *to, struct err *err);

#endif
