/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * staged KERNEL INITRD COMMAND-LINE: loads a kernel by a plan in which the initrd is
 * loaded elsewhere and copied into place by the purgatory, which the command line of
 * kexec never asks for. Prints the plan as JSON; kexec -e starts it.
 */
#include <stdio.h>
#include <string.h>

#include "kexec/lib/report.h"
#include "kexec/sys/gather.h"
#include "kexec/sys/input.h"
#include "kexec/sys/ops.h"

static int run(char *const argv[], struct warnings *warnings, struct err *err)
{
	static const struct warnings unread;
	unsigned long flags[OPS_FLAGS_MAX];
	struct inputs kernel = { 0 }, initrd = { 0 };
	struct system system = { 0 };
	struct load load = { 0 };
	struct root root;
	int error;
	struct load_request request = {
		.cmdline = argv[3],
		.mem_max = PHYS_LIMIT,
		.stage_initrd = true,
		.console = { .serial = true, .port = 0x3f8 },
	};
	const struct report report = {
		.load = &load,
		.kernel_path = argv[1],
		.method = "kexec_load",
		.method_reason = "as asked",
		.unread = &unread,
	};

	if (root_open(NULL, &root, err) ||
	    inputs_open((const char *const *)&argv[1], 1, &kernel, err) ||
	    inputs_open((const char *const *)&argv[2], 1, &initrd, err) ||
	    gather_machine(&root, &system, warnings, err))
		return -1;
	request.kernel = kernel.bytes;
	request.initrd = initrd.bytes;
	if (load_place(&request, &system, warnings, &load, err) ||
	    load_seal(&request, &system, &load, err) || report_json(&report, stdout, err))
		return -1;
	ops_plan_flags(&load.plan, flags);
	error = -ops_load_plan(&ops_real, &load.plan, flags[0]);
	return error ? err_set_errno(err, error, "kexec_load") : 0;
}

int main(int argc, char *argv[])
{
	struct warnings warnings = { 0 };
	struct err err;

	if (argc != 4) {
		fputs("usage: staged KERNEL INITRD COMMAND-LINE\n", stderr);
		return 1;
	}
	if (!run(argv, &warnings, &err))
		return 0;
	fprintf(stderr, "staged: %s\n", err.text);
	return 1;
}
