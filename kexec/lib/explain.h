/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a system call of kexec failed, as far as the machine says, and what to do about it. */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "kexec/core/plan.h"
#include "kexec/sys/root.h"

enum explain_call {
	EXPLAIN_LOAD = 1,      /* kexec_load(2), to load or to unload */
	EXPLAIN_FILE_LOAD = 2, /* kexec_file_load(2), likewise */
	EXPLAIN_START = 4,     /* reboot(LINUX_REBOOT_CMD_KEXEC) */
};

struct explain_failure {
	enum explain_call call;
	int error; /* an errno */
	bool crash;
	bool used_up;		 /* explain_used_up() before the call, which counts itself */
	const struct root *root; /* where causes are looked up */
	/* The machine, as it was read when it could be; NULL: it can be read now. */
	const struct system *system;
	const struct plan *plan; /* what kexec_load was given; NULL: nothing, or not ours */
	/* What kexec_file_load was given: bytes of its files; the command line, and how long it
	 * may be, 0 where that is not known. */
	uint64_t files_size;
	size_t cmdline_length, cmdline_max;
};

enum { EXPLAIN_DETAIL_MAX = 256 };

/* The causes of failures, in the order in which they are looked up. */
struct explain_cause {
	unsigned int calls; /* enum explain_call, or'ed */
	int error;	    /* 0: any other */
	/* Whether this is it; writes what the text has as %s. NULL: it may be, if nothing
	 * before it was. */
	bool (*is_it)(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX]);
	const char *seen_in; /* the file, for the documentation; "" without is_it */
	const char *cause;   /* with at most one %s */
	const char *next;    /* a command, or what to do */
};

/* Whether kexec_load_limit_panic, or _reboot, allows no more calls. */
bool explain_used_up(const struct root *root, bool crash);
/* Whether it counts calls, so that none should be spent on a trial. */
bool explain_is_limited(const struct root *root, bool crash);

const struct explain_cause *explain_causes(size_t *ret_count);

/*
 * "CALL failed: STRERROR: cause; try: next", ERR_REFUSED. kexec-tools' scripts look for the
 * first words.
 */
int explain(const struct explain_failure *failure, struct err *err);

/* Bytes of memory, and of swap, that are there without a process being killed for them; 0: not known. */
size_t explain_memory(const struct root *root);
/*
 * Whether the running kernel has memory for its copy of a plan that is no crash kernel's.
 * It does not answer ENOMEM where it has not: it kills processes. ERR_NO_FIT with both sizes.
 */
int explain_check_memory(const struct root *root, const struct plan *plan, struct err *err);

#endif
