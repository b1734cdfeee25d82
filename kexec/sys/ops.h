/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The system calls that change the machine, as a table, so that tests can
 * record them. Each returns 0 or a negative errno. */
#ifndef SYS_OPS_H
#define SYS_OPS_H

#include "kexec-abi.h"
#include "kexec/core/plan.h"

/* What is left to do besides a load, which needs CAP_SYS_BOOT: or'ed. */
enum privileges {
	PRIVILEGES_TO_LOAD = 0,
	PRIVILEGE_NETWORK = 1,	/* CAP_NET_ADMIN, until it is down */
	PRIVILEGE_FILES = 2,	/* CAP_DAC_OVERRIDE: a new file in anybody's directory */
	PRIVILEGE_PROGRAMS = 4, /* a program of root's has all of root again */
};

struct ops {
	void *context;
	int (*load)(void *context, uint64_t entry, size_t nr_segments,
		    const struct kexec_segment *segment, unsigned long flags);
	/* initrd_fd -1: none. cmdline_size counts the NUL. */
	int (*file_load)(void *context, int kernel_fd, int initrd_fd, size_t cmdline_size,
			 const char *cmdline, unsigned long flags);
	void (*sync)(void *context);
	/* Every interface but loopback down; what fails is left as it is. */
	void (*network_down)(void *context);
	/* Does not return if it succeeds. */
	int (*exec_loaded)(void *context);
	/* Replaces the process by shutdown -r now. */
	int (*shutdown)(void *context);
	/* Gives up, for good, all capabilities but those; NULL: nothing is given up. */
	void (*keep_only)(void *context, unsigned int privileges);
};

extern const struct ops ops_real;

/* By what they have for it, if anything; ops may be NULL. */
void ops_keep_only(const struct ops *ops, unsigned int privileges);

/*
 * The flags that a plan is loaded with, the first choice first; returns how many there are. A
 * running kernel that does not know one refuses it (EINVAL) before it looks at anything else.
 */
enum { OPS_FLAGS_MAX = 2 };
size_t ops_plan_flags(const struct plan *plan, unsigned long ret[OPS_FLAGS_MAX]);
/* Hands a plan's segments to ops->load, in ascending order. */
int ops_load_plan(const struct ops *ops, const struct plan *plan, unsigned long flags);

#endif
