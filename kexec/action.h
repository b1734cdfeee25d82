/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each action does: gather, plan, submit. */
#ifndef ACTION_H
#define ACTION_H

#include "kexec/cli.h"
#include "kexec/lib/session.h"

/* Exit statuses, those of kexec-tools, and one for --audit-efi. */
enum {
	STATUS_DONE = 0,
	STATUS_REFUSED = 1,
	STATUS_LOADED = 1,
	STATUS_HAZARD = 3,
	STATUS_SYSTEM = 255
};

/* *ret_status is set on success; on failure it follows from err->code. */
int action_run(const struct request *request, const struct surroundings *around, int *ret_status,
	       struct err *err);
/* On standard error; none is left then. */
void action_print_warnings(struct warnings *warnings);

#endif
