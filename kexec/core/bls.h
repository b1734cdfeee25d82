/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entries of the Boot Loader Specification (UAPI.1): files of keys and values, and unified kernel
 * images (UKI), as systemd-boot, and GRUB by its command blscfg, make a menu of them.
 */
#ifndef CORE_BLS_H
#define CORE_BLS_H

#include "kexec/core/bootentry.h"

/*
 * A *.conf file of loader/entries. top: the directory that its paths begin at; name: the file's
 * own. *ret_is_ours false: it is for another architecture, or starts nothing, as err says, and *ret is
 * empty.
 */
int bls_parse(struct bytes text, const char *top, const char *name, struct boot_entry *ret,
	      bool *ret_is_ours, struct err *err);
/* A file that cannot be read as one: an entry without a kernel. */
int bls_refused(const char *top, const char *name, const struct err *why, struct boot_entry *ret,
		struct err *err);
/* A profile of a UKI of EFI/Linux, by the texts of its sections, which may be empty. */
struct bls_uki {
	unsigned int profile;		/* counted from 0 */
	struct bytes os_release, about; /* .osrel, .profile */
};
int bls_of_uki(const struct bls_uki *uki, const char *top, const char *name, struct boot_entry *ret,
	       struct err *err);

/* As systemd-boot sorts: what has tries left, by sort-key, machine-id, version, name; newest first. */
void bls_sort(struct boot_entries *entries);
/* As GRUB's blscfg does: by name, newest first. */
void bls_sort_for_grub(struct boot_entries *entries);

/* A key's value in loader.conf, malloc'ed; NULL: it has none. */
int bls_loader_value(struct bytes text, const char *name, char **ret, struct err *err);
/* What an EFI variable of efivarfs holds: attributes, then UTF-16. malloc'ed. ERR_INPUT for what
 * is no such text. */
int bls_efi_text(struct bytes variable, char **ret, struct err *err);

/* What chooses, before all that, by whom; NULL: it is not there. */
struct bls_choice {
	const char *once;      /* LoaderEntryOneShot */
	const char *variable;  /* LoaderEntryDefault, a pattern */
	const char *file;      /* of loader.conf, a pattern */
	const char *preferred; /* LoaderEntryPreferred, else of loader.conf: not known how */
	const char *last;      /* LoaderEntryLastBooted, else LoaderEntrySelected: "@saved" */
};
/* Sets chosen of sorted entries. */
void bls_choose(struct boot_entries *entries, const struct bls_choice *choice);

#endif
