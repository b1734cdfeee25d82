/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * grub.cfg: the menu that GRUB 2 makes by running it as a script. It is run here as far as a
 * machine that has been booted tells what GRUB would find; what depends on anything else (a
 * command's result, a key that is held) is unknown, and so is what is made of it: an entry whose
 * kernel, initrd or options are is refused with its line, never guessed.
 */
#ifndef CORE_GRUBCFG_H
#define CORE_GRUBCFG_H

#include "kexec/core/bootentry.h"

enum {
	GRUBCFG_COMMANDS_MAX = 100000, /* that are run, in functions, too */
	GRUBCFG_WORK_MAX = 16 << 20,   /* characters of them */
	GRUBCFG_DEPTH_MAX = 32,	       /* of blocks, functions, files and menus in one another */
	GRUBCFG_VALUE_MAX = 4096,      /* characters of a variable */
	GRUBCFG_VARIABLES_MAX = 500,   /* functions, too */
	GRUBCFG_WORDS_MAX = 1000,      /* of one command */
	GRUBCFG_FILES_MAX = 16,	       /* that are read */
};

/* Borrowed while it is parsed. */
struct grubcfg_input {
	struct bytes text;
	const char *path; /* for sentences, without a leading slash */
	bool is_efi;	  /* GRUB was started by EFI firmware */
	/*
	 * A file: "grubenv" is beside grub.cfg, "/x" on GRUB's file system. False: it is not
	 * there. *ret is borrowed until the parser returns. ret NULL: only whether it is there.
	 */
	bool (*find)(void *context, const char *name, struct bytes *ret);
	void *context;
	/* What the command blscfg finds, in its order; its entries are taken if it is run. */
	struct boot_entries *bls;
};

/*
 * ret is zero-initialised. not_chosen says why the default cannot be told. *ret_blscfg: the
 * entries of bls were taken. ERR_INPUT, with file and line, for what is no script of GRUB's.
 */
int grubcfg_parse(const struct grubcfg_input *input, struct boot_entries *ret, bool *ret_blscfg,
		  struct err *err);

#endif
