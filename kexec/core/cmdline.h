/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernel command lines. Quotes group words as in lib/cmdline.c next_arg(). */
#ifndef CORE_CMDLINE_H
#define CORE_CMDLINE_H

#include "kexec/core/bytes.h"

/*
 * The new kernel's command line. reuse: /proc/cmdline's text, or NULL; cut at
 * its newline, less every parameter that starts with BOOT_IMAGE, and, for a
 * crash load, less crashkernel. append: text or NULL. *ret is malloc'ed.
 * A crash kernel is told acpi_no_memhotplug: it would take memory that ACPI names, and that
 * is to be dumped, for its own (drivers/acpi/acpi_memhotplug.c).
 * ERR_INPUT for a newline inside append.
 */
int cmdline_compose(const char *reuse, const char *append, bool crash, char **ret, struct err *err);
/* The line with more words, where the kernel still reads them: before a "--", behind which all
 * is init's (kernel/params.c parse_args()), and before a quote that nothing ends. *ret is malloc'ed. */
int cmdline_add(const char *cmdline, const char *words, char **ret, struct err *err);
/* The value of the last `name=value` or "" for a bare `name`; false if absent. Borrowed. */
bool cmdline_get(const char *cmdline, const char *name, struct bytes *ret_value);
/* Whether it is there, with a value or bare. */
bool cmdline_has(const char *cmdline, const char *name);
/*
 * The I/O port of the first 8250 serial console of console= or earlyprintk=:
 * ttyS0..3, serial,ttySN, uart8250,io,0xPORT, serial,0xPORT. baud 0 if not given.
 */
bool cmdline_serial_console(const char *cmdline, uint16_t *ret_port, uint32_t *ret_baud);

#endif
