/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The boot entries of a machine, as its boot loader has them, with the files that they name. */
#ifndef BOOT_H
#define BOOT_H

#include <stdio.h>

#include "kexec/core/bootentry.h"
#include "kexec/sys/root.h"

/*
 * All entries, those of the boot loader that starts the machine first, in its order, and which
 * is its default. Kernels and initrds are paths from the root, that exist; an entry that cannot
 * be loaded says why. *ret_unread: what this user may not read; code 0: nothing.
 */
int boot_read(const struct root *root, struct boot_entries *ret, struct err *ret_unread,
	      struct err *err);

/* --list-entries. ERR_INPUT if there are none. */
int boot_list(const struct root *root, bool json, FILE *to, struct warnings *warnings,
	      struct err *err);

/* Descriptors of the files of an entry. */
struct boot_files {
	int kernel, initrd[BOOT_INITRDS_MAX];
	size_t nr_initrds;
};

#define BOOT_FILES_NONE ((struct boot_files){ .kernel = -1 })

void boot_files_done(struct boot_files *files);

/* The entry of that name, NULL: the default, and its files, open, and called as this process can open them. Release
 * with boot_entry_done() and boot_files_done(). */
int boot_choose(const struct root *root, const char *name, struct boot_entry *ret,
		struct boot_files *ret_files, struct err *err);

/* Which one is loaded, in a line. */
void boot_say(const struct boot_entry *entry, FILE *to);

#endif
