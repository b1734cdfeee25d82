/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --audit-efi: what the EFI stub of a kernel does on this machine, or on a fleet's. */
#ifndef AUDIT_H
#define AUDIT_H

#include "kexec/action.h"

/*
 * Prints the audit of one log, or a line for each of a directory's. *ret_status is
 * STATUS_HAZARD if an era that the kernel may be of ends badly, STATUS_REFUSED if an audit
 * could not be made, else STATUS_DONE.
 */
int audit_efi(const struct request *request, const struct surroundings *around, int *ret_status,
	      struct err *err);

#endif
