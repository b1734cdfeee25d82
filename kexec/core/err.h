/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors that say what and where.
 *
 * A function that can fail returns 0 or -1 and takes a caller-owned
 * struct err as its last parameter. The leaf that finds the fault calls
 * err_set() (what failed, with the value, and a row in kexec/lib/advice.c); each frame that knows more calls
 * err_prefix() (where: a file, an offset); main prints the text once. All three
 * return -1, so that `return err_set(...)` reads as one step. Outputs are not
 * touched on failure.
 */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#include <stdarg.h>
#include <stddef.h>

enum err_code {
	ERR_NONE,
	ERR_USAGE,   /* the command line asks for something that makes no sense */
	ERR_INPUT,   /* a file or the machine's description is malformed, or of an unknown form */
	ERR_DAMAGED, /* a file is of a known form, and cannot be whole */
	ERR_NO_FIT,  /* no place for a segment */
	ERR_SYSTEM,  /* a file or a system call failed; sys_errno says how */
	ERR_REFUSED, /* the kernel refused to load, unload or start; sys_errno likewise */
	ERR_NO_MEMORY,
	ERR_INTERNAL, /* an invariant of ours does not hold */
};

struct err {
	enum err_code code;
	int sys_errno; /* for ERR_SYSTEM, else 0 */
	/* Of the leaf, by which advice_for() knows the sentence; NULL where it has its advice. */
	const char *format;
	char text[2048];
};

/* Text longer than the room is cut at its end; reporting never fails. Control characters and
 * what is no UTF-8, which files can bring into it, are shown as '?'. */
int err_set(struct err *err, enum err_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* ERR_SYSTEM with ": <strerror(errnum)>" appended. */
int err_set_errno(struct err *err, int errnum, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int err_no_memory(struct err *err);
/* Puts "<text>: " before what is there. */
int err_prefix(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
int err_append(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends the advice that follows the fact: no other is given. */
int err_advise(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * What the caller should tell the user although nothing failed. Owned by the
 * caller, released with warnings_done(). Adding one that is already there does
 * nothing. Running out of memory while adding a warning sets `lost`.
 */
struct warnings {
	char **text;
	size_t count;
	int lost;
};

/* warnings NULL: nobody listens. */
void warn_add(struct warnings *warnings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Takes back all behind the first so many; warnings may be NULL. */
void warnings_cut(struct warnings *warnings, size_t count);
void warnings_done(struct warnings *warnings);

#endif
