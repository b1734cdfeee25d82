/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * staged KERNEL INITRD COMMAND-LINE: loads a kernel by a plan in which the initrd is
 * loaded elsewhere and copied into place by the purgatory, which the command line of
 * kexec never asks for. Prints the plan as JSON; kexec -e starts it.
 */
#include <stdio.h>
#include <string.h>

#include "kexec/report.h"
#include "kexec/sys/gather.h"
#include "kexec/sys/input.h"
#include "kexec/sys/ops.h"

static int submit(const struct plan *plan, struct err *err)
{
	struct kexec_segment segment[PLAN_ITEMS_MAX];
	unsigned int order[PLAN_ITEMS_MAX];
	int error;

	plan_sorted(plan, order);
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[order[i]];

		segment[i] = (struct kexec_segment){
			.buf = item->file.data,
			.bufsz = item->file.size,
			.mem = (const void *)item->load.start,
			.memsz = item->mem_size,
		};
	}
	error = -ops_real.load(NULL, plan->entry, plan->nr_items, segment, KEXEC_ARCH_X86_64);
	return error ? err_set_errno(err, error, "kexec_load") : 0;
}

static int run(char *const argv[], struct warnings *warnings, struct err *err)
{
	struct inputs kernel = { 0 }, initrd = { 0 };
	struct system system = { 0 };
	struct load load = { 0 };
	struct root root;
	struct load_request request = {
		.cmdline = argv[3],
		.mem_max = PHYS_LIMIT,
		.stage_initrd = true,
		.console = { .serial = true, .port = 0x3f8 },
	};
	const struct report report = { &load, &system, argv[1], "kexec_load" };

	if (root_open(NULL, &root, err) ||
	    inputs_open((const char *const *)&argv[1], 1, &kernel, err) ||
	    inputs_open((const char *const *)&argv[2], 1, &initrd, err) ||
	    gather(&root, &system, warnings, err))
		return -1;
	request.kernel = kernel.bytes;
	request.initrd = initrd.bytes;
	if (load_place(&request, &system, warnings, &load, err) ||
	    load_seal(&request, &system, &load, err) || report_json(&report, stdout, err))
		return -1;
	return submit(&load.plan, err);
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
