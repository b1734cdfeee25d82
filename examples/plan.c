/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plan [--load] [--machine=PATH] KERNEL [INITRD [COMMAND-LINE]]: shows where a kernel would be loaded, on the running machine or
 * on a captured one (kexec --capture=FILE); with --load it is loaded, too. C and C++.
 *
 *	cc plan.c $(pkg-config --cflags --libs libkexec) -o plan
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libkexec.h>

/* Prints what failed, and what to do about it. */
static int fail(struct kexec_error *error)
{
	const char *advice = kexec_error_advice(error);

	fprintf(stderr, "plan: %s%s%s\n", kexec_error_text(error), advice ? "; try: " : "",
		advice ? advice : "");
	kexec_error_free(error);
	return 1;
}

static void show(const struct kexec_plan *plan)
{
	for (size_t i = 0; i < kexec_plan_segments(plan); i++) {
		uint64_t start = kexec_plan_segment_address(plan, i);

		printf("0x%" PRIx64 "-0x%" PRIx64 " %s\n", start,
		       start + kexec_plan_segment_memory_size(plan, i),
		       kexec_plan_segment_name(plan, i));
	}
	printf("entry 0x%" PRIx64 ", then 0x%" PRIx64 "\n", kexec_plan_entry(plan),
	       kexec_plan_kernel_entry(plan));
}

static void show_warnings(const struct kexec_plan *plan)
{
	for (size_t i = 0; i < kexec_plan_warnings(plan); i++)
		fprintf(stderr, "plan: warning: %s\n", kexec_plan_warning(plan, i));
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

/* words: the kernel, the initrd, the command line, NULL from where there are no more. */
static int fill(struct kexec_request *request, char *words[], struct kexec_error **error)
{
	int kernel = open_file(words[0]);
	int initrd = words[1] ? open_file(words[1]) : -1;
	int failed = kexec_request_set_kernel_fd(request, kernel, error) ||
		     (words[1] && kexec_request_add_initrd_fd(request, initrd, error)) ||
		     (words[1] && words[2] && kexec_request_set_cmdline(request, words[2], error));

	close(kernel);
	close(initrd);
	return failed;
}

int main(int argc, char *argv[])
{
	const char *captured = NULL;
	struct kexec_machine *machine = NULL;
	struct kexec_request *request = NULL;
	struct kexec_plan *plan = NULL;
	struct kexec_error *error;
	int load = 0, status = 0;

	for (argv++; argc > 1 && !strncmp(*argv, "--", 2); argv++, argc--) {
		if (!strcmp(*argv, "--load"))
			load = 1;
		else if (!strncmp(*argv, "--machine=", 10))
			captured = *argv + 10;
		else
			argc = 2;
	}
	if (argc < 2 || argc > 4) {
		fputs("usage: plan [--load] [--machine=PATH] KERNEL [INITRD [COMMAND-LINE]]\n",
		      stderr);
		return 1;
	}
	if ((captured ? kexec_machine_open(captured, &machine, &error)
		      : kexec_machine_open_live(&machine, &error)) ||
	    kexec_request_new(&request, &error) || fill(request, argv, &error) ||
	    kexec_plan_new(machine, request, load ? KEXEC_PLAN_LOAD : KEXEC_PLAN_SHOW, &plan,
			   &error)) {
		status = fail(error);
	} else {
		show(plan);
		if (load && kexec_plan_submit(plan, &error))
			status = fail(error);
		show_warnings(plan);
	}
	kexec_plan_free(plan);
	kexec_request_free(request);
	kexec_machine_free(machine);
	return status;
}
