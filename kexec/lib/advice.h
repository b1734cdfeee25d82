/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is behind each sentence of a refusal or a warning, and what to do. */
#ifndef ADVICE_H
#define ADVICE_H

#include <stdio.h>

#include "kexec/core/err.h"

/*
 * One sentence of the program. tests/golden/messages.py finds every err_set() and warn_add() in
 * the sources and wants a row for each, so that doc/ERRORS.md has them all.
 */
struct advice {
	const char *text; /* as the source has it, for printf; NULL: a heading, in cause */
	const char *cause;
	const char *cure; /* NULL: the sentence says it */
};

const struct advice *advice_all(size_t *ret_count);

/* The same of a file that cannot be opened, read or written, by its errno; error 0 is the rest. */
struct advice_file {
	int error;
	const char *cause, *cure;
};

const struct advice_file *advice_files(size_t *ret_count);

/* What to do about a failure; NULL if its sentence says it, or nothing is known. */
const char *advice_for(const struct err *err);
/* A program's last words: what failed, and what to do. */
void advice_print(FILE *to, const char *program, const struct err *err);

/* For ERR_INTERNAL. */
extern const char advice_internal_cause[], advice_internal_cure[];
extern const char advice_memory_cause[], advice_memory_cure[];

#endif
