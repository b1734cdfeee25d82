/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was loaded, as values and as the JSON in which it is kept until the next boot. */
#ifndef RECORD_H
#define RECORD_H

#include "kexec/core/system.h"

enum { RECORD_SCHEMA = 1, RECORD_DIGEST_MAX = 65 };

struct record_file {
	char *path; /* absolute, as it was given; NULL: a pipe, or a descriptor */
	uint64_t size;
	int64_t mtime_s;
	int64_t mtime_ns;
};

struct record_segment {
	char name[24];
	struct range load;
};

/* Owned; zero-initialise; release with record_done(). No seed, no virtual address and no command
 * line is in it. */
struct record {
	char *boot_id;
	char *time; /* RFC 3339, UTC */
	char *method;
	bool crash;
	uint64_t flags; /* of the system call */
	bool hotplug;	/* the running kernel keeps the ELF core header true */
	struct record_file kernel;
	char kernel_digest[RECORD_DIGEST_MAX]; /* see load_digest(); "": none was made */
	struct record_file *initrd;
	size_t nr_initrds, initrds_room;
	char initrd_digest[RECORD_DIGEST_MAX];
	/* Of a unified kernel image. */
	bool is_uki;
	unsigned int uki_profile;
	bool cmdline_is_own;   /* its own was loaded */
	uint64_t cmdline_size; /* without the NUL */
	char cmdline_digest[RECORD_DIGEST_MAX];
	/* Where this loader placed it; nothing of the kernel's own. */
	struct range footprint;
	struct record_segment *segment;
	size_t nr_segments, segments_room;
	/* The machine that it was loaded for. */
	bool has_map;
	struct memmap firmware; /* as it is handed on */
	struct range_set ram;	/* /proc/iomem's; for a crash kernel all that is dumped */
	uint64_t cpus;		/* of a crash kernel: those with notes */
};

void record_done(struct record *record);
/* Appends. ret_index NULL: not asked for. */
int record_add_initrd(struct record *record, const struct record_file *file, struct err *err);
/* Takes the machine's map; record->crash says which RAM counts. The record has none yet. */
int record_set_map(struct record *record, const struct system *system, struct err *err);

int record_write(const struct record *record, struct buf *ret, struct err *err);
/* ERR_INPUT for what is no record of this schema. */
int record_parse(struct bytes text, struct record *ret, struct err *err);

/* What is no longer RAM, and what has become RAM. Zero-initialise. */
struct record_change {
	struct range_set gone, came;
};
void record_change_done(struct record_change *change);
/* By the firmware's map or by /proc/iomem. The record has a map. */
int record_compare_map(const struct record *record, const struct system *system,
		       struct record_change *ret, struct err *err);
/* What of the loaded kernel lies there: a segment's name, "the kernel's footprint", or NULL. */
const char *record_what_lies_in(const struct record *record, const struct range_set *set);

#endif
