/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Direct start: of a load, what the kernel's decompressor would do. */
#ifndef X86_DIRECT_H
#define X86_DIRECT_H

#include "kexec/x86/load.h"

/*
 * Unpacks and relocates the kernel of load->image, if that was asked for. Where it cannot be,
 * load->not_direct says why, and load->image is as it was: no failure; but for an ELF file, which
 * can be started so alone, asked for or not. ERR_DAMAGED if its payload is:
 * its own decompressor could do nothing with it either.
 */
int direct_prepare(const struct load_request *request, const struct system *system,
		   struct load *load, struct err *err);
/* After it: the kernel is loaded as it is all the same. */
int direct_give_up(const struct load_request *request, const struct system *system,
		   const struct err *why, struct load *load, struct err *err);
/*
 * Whether the kernel's place is drawn: with KASLR, from all memory that it may have, but where its
 * command line takes some away, or wants it movable, which only the kernel reads: there, and in a
 * reservation, it has the lowest.
 */
bool direct_draws(const struct load_request *request, const struct load *load);
/* Adds to the plan's reasons how the kernel is started, if a direct start was asked for. */
int direct_explain(const struct load_request *request, struct load *load, struct err *err);

#endif
