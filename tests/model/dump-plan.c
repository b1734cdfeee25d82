/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dump-plan DIR SYSROOT KERNEL INITRD CMDLINE [crash]: plans a load for a captured machine
 * and writes every segment's bytes to DIR/NAME, and to DIR/segments a line for each: its
 * address when the new kernel starts, its size in memory, its name. The seed is fixed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/sys/gather.h"
#include "kexec/sys/input.h"
#include "kexec/x86/load.h"

static int write_item(const char *directory, const struct plan_item *item, FILE *list)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, item->name);
	file = fopen(path, "wb");
	if (!file ||
	    (item->file.size &&
	     fwrite(item->file.data, 1, item->file.size, file) != item->file.size) ||
	    fclose(file))
		return -1;
	return fprintf(list, "0x%llx 0x%llx %s\n", PHYS(item->run.start),
		       (unsigned long long)item->mem_size, item->name) < 0;
}

static int write_plan(const char *directory, const struct plan *plan)
{
	char path[4096];
	FILE *list;

	snprintf(path, sizeof(path), "%s/segments", directory);
	list = fopen(path, "w");
	for (unsigned int i = 0; list && i < plan->nr_items; i++)
		if (write_item(directory, &plan->item[i], list))
			return -1;
	return list && !fclose(list) ? 0 : -1;
}

int main(int argc, char *argv[])
{
	static const uint8_t seed[RNG_SEED_SIZE] = { 0x5e, 0xed };
	struct warnings warnings = { 0 };
	struct system system = { 0 };
	struct inputs kernel = { 0 }, initrd = { 0 };
	struct load load = { 0 };
	struct root root;
	struct err err = { 0 };
	struct load_request request = { .mem_max = PHYS_LIMIT, .seed = seed, .crash = argc == 7 };
	int status = 1;

	if (argc < 6)
		return 2;
	request.cmdline = argv[5];
	if (root_open(argv[2], &root, &err) ||
	    inputs_open((const char *const[]){ argv[3] }, 1, &kernel, &err) ||
	    inputs_open((const char *const[]){ argv[4] }, 1, &initrd, &err) ||
	    gather_choice(&root, &system, &err) ||
	    gather_machine(&root, &system, &warnings, &err) ||
	    (request.crash && gather_crash(&root, &system, &err)))
		goto out;
	request.kernel = kernel.bytes;
	request.initrd = initrd.bytes;
	if (load_place(&request, &system, &warnings, &load, &err) ||
	    load_seal(&request, &system, &load, &err))
		goto out;
	status = write_plan(argv[1], &load.plan) != 0;
out:
	if (err.code)
		fprintf(stderr, "dump-plan: %s\n", err.text);
	load_done(&load);
	inputs_done(&kernel);
	inputs_done(&initrd);
	system_done(&system);
	warnings_done(&warnings);
	return status;
}
