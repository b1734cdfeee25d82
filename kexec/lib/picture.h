/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory as a plan leaves it, from low to high: what every drawing of a plan is made of. */
#ifndef PICTURE_H
#define PICTURE_H

#include "kexec/x86/load.h"

enum piece_kind {
	PIECE_NOTHING,	 /* no memory */
	PIECE_LOADED,	 /* a segment */
	PIECE_COPIED,	 /* the purgatory copies one there */
	PIECE_FREE,	 /* a segment could lie there */
	PIECE_PROTECTED, /* looks free, and has an owner */
	PIECE_HANDED_ON, /* RAM of a capture kernel that no segment may use */
	PIECE_DUMPED,	 /* memory of the crashed kernel that the dump shows */
	PIECE_NOT_OURS,
	PIECE_KINDS,
};

struct piece {
	struct range range;
	enum piece_kind kind;
	const char *what; /* borrowed from the plan, or a constant */
	bool in_footprint;
	bool in_reservation; /* the crash kernel's, the main one */
};

/* Owned; zero-initialise; release with picture_done(). Pieces touch, and no two that do could
 * be one. */
struct picture {
	struct piece *piece;
	size_t count, room;
};

struct piece_style {
	char mark;	    /* one column of a bar */
	const char *word;   /* in JSON */
	const char *legend; /* NULL: explains itself */
};

/* Of a plan that is placed; it must live as long as the picture. */
int picture_make(const struct load *load, struct picture *ret, struct err *err);
void picture_done(struct picture *picture);

const struct piece_style *piece_style(enum piece_kind kind);
/* How large a range is drawn: 1 for a page, one more for each factor of four, 20 at most. */
int picture_columns(struct range range);
/* "48 MiB" */
struct picture_size {
	char text[32];
};
struct picture_size picture_size(uint64_t size);

#endif
