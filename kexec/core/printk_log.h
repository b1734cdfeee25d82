/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A crashed kernel's log, in the three shapes that it has had: a lockless ring of records
 * (Linux 5.10 and later, kernel/printk/printk_ringbuffer.h), records one behind the other
 * (3.5 to 5.9), and plain text (before).
 */
#ifndef CORE_PRINTK_LOG_H
#define CORE_PRINTK_LOG_H

#include "kexec/core/vmcore.h"

struct printk_record {
	bool is_bare; /* of plain text: a line, and nothing else is known */
	uint64_t seq; /* 0 between 3.5 and 5.9, which do not store it */
	uint64_t ts_nsec;
	uint8_t facility, level;
	uint32_t caller;   /* a thread, or, with the top bit, a CPU; 0: not stored */
	struct bytes text; /* borrowed until the sink returns; no newline at its end */
};

/* Takes one record; not 0 stops the walk, with an error. */
typedef int printk_sink(void *context, const struct printk_record *record, struct err *err);

/*
 * All records, oldest first, in bounded memory. What cannot be read or makes no sense is
 * skipped and counted. ERR_INPUT if there is no log at all, or it has no beginning.
 */
int printk_log_walk(const struct vmcore *vmcore, printk_sink *sink, void *context,
		    uint64_t *ret_skipped, struct err *err);

#endif
