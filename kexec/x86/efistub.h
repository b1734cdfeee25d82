/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a kernel's EFI stub does with it at boot: where it puts it, where it then runs, and what
 * of the firmware's it writes over. A kexec never comes here; the firmware's boot does.
 */
#ifndef X86_EFISTUB_H
#define X86_EFISTUB_H

#include "kexec/core/efimap.h"
#include "kexec/x86/bzimage.h"

/*
 * The stub has done it in four ways. "Allocates" is AllocatePages(AllocateAddress), which
 * succeeds if and only if every page is conventional memory. "Walks" is: each descriptor in
 * the firmware's order, of conventional memory and as large as init_size, gives one candidate,
 * its start raised to a floor and then rounded up to kernel_alignment; the first that ends
 * within its descriptor and can be allocated is it.
 */
enum efistub_era {
	/*
	 * To Linux 5.3: unless loaded at pref_address, allocates init_size there, else walks,
	 * without a floor. Below pref_address, head_64.S moves on to there, allocated or not.
	 * efi_relocate_kernel() and efi_low_alloc() in drivers/firmware/efi/libstub/
	 * efi-stub-helper.c, efi_main() in arch/x86/boot/compressed/eboot.c.
	 */
	EFISTUB_NO_FLOOR,
	/*
	 * 5.4 to 5.6, 5.3.11, and what distributions brought back: the same with pref_address
	 * for a floor (commit 220dd7699c46, "x86, efi: Never relocate kernel below lowest
	 * acceptable address"). From 5.5 the walk leaves EFI_MEMORY_SP out, which is not
	 * modelled: such memory is the firmware's to give, too.
	 */
	EFISTUB_FLOOR,
	/*
	 * 5.7 to 6.5: the same, but only if the kernel, rounded up from where its setup sectors
	 * were loaded, would run below pref_address or end above 64 TiB, or was entered through
	 * the handover protocol (commit d5cdf4cfeac9). Leaves EFI_MEMORY_SP out.
	 */
	EFISTUB_IN_PLACE,
	/*
	 * 6.6 and later, later 6.1.y: decompresses, without head_64.S, to one of all places at
	 * or above pref_address, at random, or with nokaslr to the first; only to such that
	 * survive memory errors, if there are any. Leaves EFI_MEMORY_SP and
	 * EFI_MEMORY_HOT_PLUGGABLE out. efi_decompress_kernel() in
	 * drivers/firmware/efi/libstub/x86-stub.c, efi_random_alloc() in randomalloc.c.
	 */
	EFISTUB_DECOMPRESSES,
	EFISTUB_ERAS,
};

/* From the best to the worst. */
enum efistub_verdict {
	EFISTUB_SAFE,
	EFISTUB_UNKNOWN,  /* the map is only a part */
	EFISTUB_NO_PLACE, /* the stub gives up and returns to the firmware */
	EFISTUB_HAZARD,	  /* the kernel writes to memory that is not its own */
};

enum efistub_answer { EFISTUB_NO, EFISTUB_YES, EFISTUB_NOT_KNOWN };

/* A kernel and how it is started. */
struct efistub_start {
	struct footprint_of footprint;
	uint64_t setup_size; /* bytes before the protected-mode part in memory; 0: not known */
	/* Of the kernel once it is decompressed: its file's and its memory's, whichever is
	 * larger. 0: not known; init_size is never less. */
	uint64_t decompressed_size;
	bool has_load; /* else the worst is taken: not at pref_address, and moved */
	phys_t load;   /* where the protected-mode part was loaded */
	bool handover; /* entered through the handover protocol */
	bool partial;  /* the map has only what the firmware keeps for itself */
};

#define EFISTUB_NONE SIZE_MAX /* no descriptor */

struct efistub_candidate {
	size_t desc;	/* index in the map */
	phys_t address; /* the first place */
	uint64_t slots; /* how many places; 1 for a candidate of a walk */
	bool is_free;	/* can be allocated */
};

struct efistub_outcome {
	enum efistub_verdict verdict;
	bool moves;			     /* by the stub, from where it was loaded */
	struct efistub_candidate *candidate; /* in the firmware's order */
	size_t nr_candidates, room;
	uint64_t slots; /* EFISTUB_DECOMPRESSES: places to choose from */
	/* Only if verdict is not EFISTUB_NO_PLACE: */
	phys_t image;	     /* where the stub leaves or puts it */
	size_t desc;	     /* the candidate's; EFISTUB_NONE: at pref_address, or not moved */
	struct range output; /* where it then runs, and may write: [output, output + init_size) */
	/* Descriptors that are not free and that the footprint overlaps; indices in the map. */
	size_t *conflict;
	size_t nr_conflicts, conflicts_room;
	struct range undescribed; /* the first part of it that is in no descriptor, or empty */
};

/* Owned; zero-initialise; release with efistub_audit_done(). */
struct efistub_audit {
	/*
	 * The descriptor that is the kernel's own copy: a log is written after the stub has
	 * allocated it. The first of loader code or data of just init_size or decompressed_size,
	 * aligned. Free for this audit, and one with free descriptors that it touches, listed
	 * before and behind it. EFISTUB_NONE if there is none.
	 */
	size_t own_copy;
	/* The three conditions of commit 220dd7699c46, all of which make its bug. */
	enum efistub_answer not_at_preferred;	/* the kernel is not loaded at pref_address */
	enum efistub_answer preferred_occupied; /* no init_size free bytes at pref_address */
	enum efistub_answer room_below; /* a candidate of the first era's walk is below it */
	struct efistub_outcome era[EFISTUB_ERAS];
};

/*
 * All four eras on one map, in the firmware's order. The memory that the image itself was
 * loaded to is in use. ERR_INPUT if the kernel would reach past PHYS_LIMIT.
 */
int efistub_audit(const struct efi_map *map, const struct efistub_start *start,
		  struct efistub_audit *ret, struct err *err);
void efistub_audit_done(struct efistub_audit *audit);

/*
 * The eras that an image can be of, a bit each; all if nothing tells. The image has an EFI stub. SizeOfImage in the PE
 * header is init_size from 3.16 to 5.6, kernel_alignment more from 5.7 to 6.6, and only the
 * decompressor from 6.7 and in the 6.1.y that decompress (arch/x86/boot/tools/build.c, later
 * header.S); before 3.16 only the file, with a boot protocol before 2.15, which came with 5.5. Where
 * the version in the image leaves some of these, it counts, too: distributions bring the stub of
 * a later version back. A fix brought back to a version before 5.4 leaves no trace.
 */
unsigned int efistub_eras(const struct bzimage *image);

#endif
