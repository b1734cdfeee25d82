/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ACPI's root pointer, as a kernel that cannot look for it is given it. */
#ifndef CORE_RSDP_H
#define CORE_RSDP_H

#include "kexec/core/bytes.h"

/* ACPI specification 6.5, 5.2.5.3: of revision 0 the first 20 bytes alone. */
enum { RSDP_SIZE_0 = 20, RSDP_SIZE = 36 };
struct rsdp {
	size_t size; /* RSDP_SIZE_0 or RSDP_SIZE; 0: unknown */
	uint8_t bytes[RSDP_SIZE];
};

/* Of the kernel's log: what rsdp_from_log() reads. */
bool rsdp_is_in_line(struct bytes line);
/*
 * Made anew of what the kernel's log tells of it, for the running kernel shows its bytes to nobody
 * where it lies among ACPI's tables (drivers/acpi/acpica/tbprint.c of Linux 6.12 writes the lines). It points to the XSDT or to the
 * RSDT, the one that the running kernel uses. ret->size 0 if the log does not tell.
 */
void rsdp_from_log(struct bytes log, struct rsdp *ret);

#endif
