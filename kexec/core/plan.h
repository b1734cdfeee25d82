/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan of a load: which bytes go where, and why.
 *
 * SHAPED: items with sizes and constraints. PLACED: every item has its address.
 * FILLED: every byte is there. SEALED: digests are in the purgatory's tables
 * and plan_check() has passed. A step that finds the plan at another stage
 * fails with ERR_INTERNAL. Sizes never depend on addresses.
 */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "kexec/core/memmap.h"

enum plan_stage { PLAN_SHAPED, PLAN_PLACED, PLAN_FILLED, PLAN_SEALED };

enum { PLAN_ITEMS_MAX = 16, PLAN_LINKS_MAX = 160, PLAN_NO_ITEM = 255 };

/* plan_link.high_at of an address that has 32 bits alone. */
#define PLAN_LINK_LOW UINT64_MAX

/* One segment: memory that the kexec system call fills. */
struct plan_item {
	const char *name;	/* a constant, at most 23 characters */
	const char *purpose;	/* a constant: what it is for */
	struct bytes file;	/* its bytes: borrowed, or those of `own` */
	struct buf own;		/* where the loader makes the bytes itself */
	uint64_t mem_size;	/* bytes of memory, a multiple of the page */
	uint64_t room;		/* of the kernel, if not 0: bytes from its start that are found
				 * for it; others lie behind its mem_size */
	uint64_t in_room;	/* if not 0: it lies in the kernel's room, so far from its start */
	uint64_t align;		/* a power of two, at least a page */
	phys_t min;		/* the lowest start */
	const char *min_is;	/* a constant: what is there, or why it is fixed */
	phys_t wish;		/* if not 0: a start at or above, where there is one; else min */
	const char *wish_is;	/* a constant */
	phys_t max;		/* the highest end */
	bool fixed;		/* only at min, whatever align says */
	bool drawn;		/* by `draw`, of all places that hold it; else the lowest */
	uint64_t draw;		/* a random number */
	bool staged;		/* loaded elsewhere, copied to `run` by the purgatory */
	const char *unverified; /* why it has no digests, a constant; NULL: it has */
	struct range load;	/* where the system call puts it */
	struct range run;	/* where it is when the new kernel starts; load unless staged */
};

/* An address that was written into an item's bytes: plan_check() reads it back. */
struct plan_link {
	unsigned int item;
	uint64_t low_at; /* offset of the 32 low bits */
	uint64_t
		high_at; /* offset of the 32 high bits; low_at + 4 where it is one number; PLAN_LINK_LOW */
	unsigned int target;
	uint64_t target_offset;
	uint64_t target_size; /* bytes at the target that the reader will use */
};

/* Memory that looks free and is not. */
struct plan_protected {
	char name[24];
	struct range range;
};

/* Owned; plan_init(); release with plan_done(), which wipes what it frees. */
struct plan {
	enum plan_stage stage;
	struct plan_item item[PLAN_ITEMS_MAX]; /* in order of creation */
	unsigned int nr_items;
	struct plan_link link[PLAN_LINKS_MAX];
	unsigned int nr_links;
	unsigned int kernel, initrd, params, purgatory, elfcorehdr,
		backup; /* indices or PLAN_NO_ITEM */
	struct range_set usable;
	struct plan_protected *protected_range;
	size_t nr_protected, protected_room;
	struct memmap e820;	/* handed on */
	struct range footprint; /* what the kernel writes from its entry on, all of it */
	struct range
		drawn_from; /* what the place of the one drawn item was drawn from; else empty */
	phys_t floor;	    /* the lowest address that the footprint may have */
	phys_t kernel_entry;
	bool below_4g; /* the kernel is entered in 32-bit mode: all that it needs lies there */
	/* The kernel is entered in real mode: the parameters, which kernel_entry is in then, lie
	 * in the first MiB. */
	bool real_mode;
	phys_t entry; /* the purgatory's */
	/*
	 * A crash load: every segment lies in `reservation` and leaves kernel_pages bytes of
	 * it free; `dumped` is memory that the new kernel must read and may not use. Empty
	 * otherwise.
	 */
	struct range reservation;
	uint64_t kernel_pages;
	uint64_t segments_max; /* bytes of all segments that the kernel takes */
	struct range_set dumped;
	bool hotplug;		/* the running kernel may rewrite the ELF core header */
	const char *unverified; /* why no digest is looked at, a constant; NULL: each is */
	char *cmdline;
	struct warnings *warnings; /* the caller's */
	char **reason;		   /* one line for each choice, owned */
	size_t nr_reasons, reasons_room;
};

void plan_init(struct plan *plan, struct warnings *warnings);
void plan_done(struct plan *plan);

/* Appends an item; *ret_index is its index. */
int plan_add_item(struct plan *plan, const struct plan_item *item, unsigned int *ret_index,
		  struct err *err);
int plan_reason(struct plan *plan, struct err *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * SHAPED -> PLACED. Every item at the lowest place that holds it, at or above its wish if there
 * is one, in order of creation, drawn ones and those in the kernel's room excepted; a staged one gets two. Each choice leaves a
 * reason, and one for each range that it passed over, PLAN_REJECTED_SHOWN at most, with the count
 * of the others. ERR_NO_FIT names the size, the floor, the
 * largest hole at or above it and what ends that hole. what_is_in(context,
 * range) names what lies at a range's start, and cuts it where that ends.
 */
enum { PLAN_REJECTED_SHOWN = 8 };
int plan_place(struct plan *plan,
	       const char *(*what_is_in)(const void *context, struct range *range),
	       const void *context, struct err *err);

/* Writes the address of target + target_offset into item's own bytes and
 * remembers it. The plan is PLACED. */
int plan_write_link(struct plan *plan, const struct plan_link *link, struct err *err);

/* PLACED -> FILLED */
int plan_filled(struct plan *plan, struct err *err);

/*
 * Every invariant that doc/ARCHITECTURE.md lists, judged from the plan alone;
 * nothing is submitted that has not passed. ERR_INTERNAL names the first that
 * does not hold.
 */
int plan_check(const struct plan *plan, struct err *err);

/* Items in ascending order of load address: indices, nr_items of them. */
void plan_sorted(const struct plan *plan, unsigned int ret_order[PLAN_ITEMS_MAX]);

#endif
