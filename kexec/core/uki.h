/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A unified kernel image (UKI): a PE32+ file for EFI with a kernel, its initrd and its command line
 * in sections of it. UAPI.5, https://uapi-group.org/specifications/specs/unified_kernel_image/;
 * what that leaves open is as systemd-stub does it.
 */
#ifndef CORE_UKI_H
#define CORE_UKI_H

#include "kexec/core/bytes.h"

enum {
	UKI_SECTIONS_MAX = 1024, /* of a file, those of its stub, too; ukify's have 20 */
	UKI_PADDING_MAX = 65536, /* zeros that a section ends with, unwritten: the largest
				    FileAlignment of PE/COFF */
};

/* The sections that are used here. The others are of no use to a kernel that no firmware starts. */
enum uki_id {
	UKI_LINUX,
	UKI_CMDLINE,
	UKI_UCODE,
	UKI_INITRD,
	UKI_OSREL,
	UKI_PCRSIG,
	UKI_PCRPKEY,
	UKI_PROFILE,
	UKI_IDS,
};

/* Not there: all is 0. Its contents are data and as many zeros. */
struct uki_section {
	struct bytes data;
	uint32_t zeros;
};

/* Borrows from the file's bytes. */
struct uki {
	struct uki_section section[UKI_IDS]; /* .linux is never empty */
	unsigned int profile;
	unsigned int nr_profiles; /* 0: the base alone */
};

/* The name of a section, with its dot. */
const char *uki_name(enum uki_id id);
/* Whether it is a PE file with a .linux section, of whatever machine. Of a bzImage it is false. */
bool uki_is(struct bytes file);
/* Where the profile's section, else the base's, has its bytes in the file of which `head` has the
 * headers. */
bool uki_find(struct bytes head, unsigned int profile, enum uki_id id, uint64_t *ret_offset,
	      uint32_t *ret_size);
/* How many profiles that file has; 0: the base alone. */
unsigned int uki_count_profiles(struct bytes head);
/*
 * The base's sections, and over them those of the profile; profile 0 of an image without any is the
 * base. Zeros behind .linux are not counted: SizeOfImage of the kernel in it may be its VirtualSize,
 * and a bzImage says itself what has to be there. ERR_DAMAGED for what is cut, else ERR_INPUT.
 */
int uki_parse(struct bytes file, unsigned int profile, struct uki *ret, struct err *err);
/*
 * The initrd: .ucode, then .initrd or, if that is not empty, what is given in its place, then an archive with the files
 * below /.extra. Each begins at a multiple of 4. ret is zero-initialised, and stays empty if there
 * is none of them.
 */
int uki_initrd(const struct uki *uki, struct bytes in_place, struct buf *ret, struct err *err);
/* The name below / of the file that a section becomes in it, or NULL. */
const char *uki_extra(enum uki_id id);
/*
 * The text of .cmdline up to its first NUL, with blanks for control characters; malloc'ed. What is
 * behind that NUL, and not zero, is a warning. NULL if there is no such section.
 */
int uki_cmdline(const struct uki *uki, struct warnings *warnings, char **ret, struct err *err);

#endif
