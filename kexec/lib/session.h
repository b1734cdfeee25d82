/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A load of a kernel in its stages: its files are open and a loader is chosen; where it is ours, there is a
 * plan; what was planned, or the files, are given to the running kernel. What one loader cannot do, the other may.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdio.h>

#include "kexec/lib/kernel.h"
#include "kexec/lib/report.h"
#include "kexec/lib/request.h"
#include "kexec/sys/ops.h"
#include "kexec/sys/root.h"

struct surroundings {
	const struct ops *ops;
	struct root root;
	FILE *out; /* of the command's actions; no stage of a load prints */
	struct warnings *warnings;
};

/* session_init(); release with session_done(). It points into itself. */
struct session {
	const struct request *request;
	const struct surroundings *around;
	struct surroundings own;
	struct progress progress; /* the caller's */
	/* The caller's; NULL: nobody wants to know. All files are open, and no byte of them has been
	 * judged: what a load needs from here on is CAP_SYS_BOOT. */
	void (*opened)(struct session *session);
	/* The caller's; NULL: nobody looks. Each time that there is a plan. */
	int (*planned)(struct session *session, struct err *err);
	void *context;		   /* of the caller */
	struct inputs kernel_file; /* until it is known what it is: then it is the kernel's */
	struct kernel kernel;
	struct inputs initrd;
	struct inputs dtb;
	struct buf joined;    /* the initrd of a unified kernel image */
	struct bytes ramdisk; /* the initrd, whatever it is of */
	/* Until it is known that the kernel is a multiboot one: then they are in the initrd's place. */
	struct inputs modules;
	struct err no_modules; /* why there are none */
	char *module_path[REQUEST_MODULES_MAX];
	size_t nr_module_paths;
	struct multiboot_module module[REQUEST_MODULES_MAX];
	size_t nr_modules;
	struct buf unpacked; /* the same, if it is loaded so */
	size_t memory;	     /* bytes that there are for what is expanded; 0: not known */
	struct system system;
	struct err unknown, unknown_to_dump; /* why it is not all known; code 0: it is */
	struct warnings of_machine;	     /* for who places a kernel in it */
	struct load load;
	/* For the running kernel's own loader; NULL: no initrd. */
	const struct input *given_kernel, *given_initrd;
	struct input made_kernel, made_initrd;
	enum method method; /* the one that is tried, and once it is loaded the one that did it */
	char method_reason[128];
	size_t nr_warnings;	/* the first so many are of the files, whoever loads them */
	const char *only_ours;	/* why no other loader can do it; NULL: one may */
	struct warnings unread; /* of a dry run: what this user may not read */
	char *cmdline;
	uint8_t seed[RNG_SEED_SIZE];
	struct load_random random;
};

void session_init(struct session *session);
void session_done(struct session *session);

/* Opens the files and chooses; request and around, less its root's directory, are borrowed. */
int session_begin(struct session *session, const struct request *request,
		  const struct surroundings *around, struct err *err);
/* The plan, sealed, in session->load; without one, if the running kernel's own loader is to load. */
int session_plan(struct session *session, struct err *err);
/* Plans, if that was not done, and loads; a dry run ends before that. What is loaded is recorded. */
int session_load(struct session *session, struct err *err);
/* Of a plan that there is. */
struct report session_report(const struct session *session);

int session_unload(const struct surroundings *around, enum method method, bool crash,
		   struct err *err);

#endif
