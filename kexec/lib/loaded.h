/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was loaded is recorded, in load.json and panic.json below /run/safekexec, and compared
 * with its files and with the machine until the next boot.
 */
#ifndef LOADED_H
#define LOADED_H

#include <stdio.h>

#include "kexec/lib/kernel.h"
#include "kexec/lib/record.h"
#include "kexec/sys/root.h"
#include "kexec/x86/load.h"

/* See load_digest(). */
struct loaded_digests {
	bool has_kernel, has_initrd;
	uint8_t kernel[32], initrd[32];
};
/*
 * Of what the running kernel's loader was given: the kernel's part that is loaded, of what is no
 * bzImage all, and the initrd, or NULL. The files are read, not mapped: one that has shrunk, or changed since
 * it was opened, gives none.
 */
struct loaded_digests loaded_digest(const struct input *kernel, const struct input *initrd);

struct loaded {
	const struct root *root;
	bool crash, hotplug;
	const char *method;
	unsigned long flags;
	const struct kernel *kernel;
	const struct inputs *initrd; /* count 0: no files */
	const char *cmdline;
	bool cmdline_is_own; /* it is of the unified kernel image */
	struct loaded_digests digests;
	const struct plan *plan; /* NULL: the running kernel's loader placed it */
	const struct system *system;
};

/* What was there is forgotten, also if the new cannot be recorded. Without a /run nothing is
 * recorded. */
int loaded_remember(const struct loaded *loaded, struct err *err);
int loaded_forget(const struct root *root, bool crash, struct err *err);
/*
 * *ret_found false where nothing is recorded, may be read, or is of this boot. What is malformed
 * is an error. ret is zero-initialised.
 */
int loaded_recall(const struct root *root, bool crash, struct record *ret, bool *ret_found,
		  struct err *err);

/*
 * Before a normal kernel is started: ERR_INPUT if it would be copied to memory that is gone, or
 * take some for RAM; memory that came, and what cannot be compared, is a warning.
 */
int loaded_check_map(const struct root *root, struct warnings *warnings, struct err *err);

enum loaded_file {
	LOADED_FILE_SAME,
	LOADED_FILE_TOUCHED, /* of another time, with the same bytes */
	LOADED_FILE_UNKNOWN, /* of another time; there is no digest */
	LOADED_FILE_UNNAMED, /* it was a pipe, or a descriptor */
	LOADED_FILE_GONE,
	LOADED_FILE_CHANGED,
};
/*
 * The kernel, or the initrds together, with their bytes; *ret_path is the first that differs. Of a
 * unified kernel image its kernel and, if it was taken, its command line; and with the initrds all that it
 * adds to them.
 */
enum loaded_file loaded_compare_kernel(const struct root *root, const struct record *record,
				       const char **ret_path);
enum loaded_file loaded_compare_initrd(const struct root *root, const struct record *record,
				       const char **ret_path);

/* Ranges as text, "0x1000-0x2000, ... and 3 more". */
enum { LOADED_RANGES_MAX = 256 };
const char *loaded_ranges(const struct range_set *set, char ret[LOADED_RANGES_MAX]);
void loaded_print(const struct record *record, FILE *to);

#endif
