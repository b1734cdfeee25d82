/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a boot loader's menu has: entries, the order that they stand in, and which of them boots
 * when nobody chooses. Made by kexec/core/bls.h and kexec/core/grubcfg.h.
 */
#ifndef CORE_BOOTENTRY_H
#define CORE_BOOTENTRY_H

#include "kexec/core/bytes.h"

enum {
	BOOT_ENTRIES_MAX = 1000,   /* of all sources together */
	BOOT_INITRDS_MAX = 64,	   /* of one entry */
	BOOT_CONFIG_MAX = 1 << 20, /* bytes of one file of a boot loader */
	BOOT_TRIES_UNCOUNTED = -1,
};

/* An entry; all text is owned. */
struct boot_entry {
	char *id; /* a file's name without counters, and @PROFILE; GRUB's --id, else its title */
	size_t profile_at;	  /* in id, where @PROFILE begins; 0: it has none */
	unsigned int uki_profile; /* of the unified kernel image, counted from 0 */
	char *title;		  /* "" if it has none */
	char *place;		  /* in GRUB's menu, counted from 0: "1>2"; else NULL */
	char *source;		  /* the file that it stands in, without a leading slash */
	unsigned int line;	  /* there; 0: all of it */
	char *kernel;		  /* as it stands there; NULL only with `why` */
	char **initrd;		  /* likewise */
	size_t nr_initrds, initrds_room;
	char *options; /* "" if it has none */
	char *top;     /* the directory that its paths begin at: "boot"; NULL: GRUB's file system */
	char *device; /* GRUB's file system: "uuid:...", "label:..."; "": the one that GRUB is on */
	bool is_uki;  /* the kernel is an EFI program with all that it needs */
	struct err *why;		       /* owned; why it cannot be loaded; NULL: it can */
	char *sort_key, *machine_id, *version; /* of the Boot Loader Specification; or NULL */
	int tries_left, tries_done; /* likewise; BOOT_TRIES_UNCOUNTED: it is not counted */
};

void boot_entry_done(struct boot_entry *entry);
/* Keeps the first reason. That memory ran out is none, and is handed on as a failure. */
int boot_entry_refuse(struct boot_entry *entry, const struct err *why, struct err *err);
int boot_entry_add_initrd(struct boot_entry *entry, struct bytes path, struct err *err);
void boot_entry_forget_initrds(struct boot_entry *entry);
/* malloc'ed text; what is behind a NUL is not in it. *ret is freed first. */
int boot_text(struct bytes text, char **ret, struct err *err);
/* Appends to text, with a space between. *ret is malloc'ed, or NULL. */
int boot_text_add(struct bytes text, char **ret, struct err *err);

/* Owned; zero-initialise; release with boot_entries_done(). */
struct boot_entries {
	struct boot_entry *entry; /* in the order of the menu */
	size_t count, room;
	size_t chosen; /* what boots when nobody chooses, if not not_chosen.code */
	struct err not_chosen;
};

/* Takes the entry, on failure, too. ERR_INPUT if there are BOOT_ENTRIES_MAX. */
int boot_entries_add(struct boot_entries *entries, struct boot_entry *entry, struct err *err);
/* Takes all of `more` behind what is there; the default stays that of `entries`. */
int boot_entries_join(struct boot_entries *entries, struct boot_entries *more, struct err *err);
void boot_entries_done(struct boot_entries *entries);

/*
 * The entry of that name: its id, with or without .conf or .efi; its title; its place in GRUB's
 * menu. ERR_INPUT if there is none, or several.
 */
int boot_entries_find(const struct boot_entries *entries, const char *name, size_t *ret,
		      struct err *err);
/* Whether the id is that name, with or without its suffix. */
bool boot_id_is(const char *id, const char *name);

/* Below 0, 0, above 0: a is older than b, the same, newer. By the Version Format Specification of
 * the UAPI group: segments of digits by number, others by character, "~" before all, even an end. */
int boot_version_compare(const char *a, const char *b);

#endif
