/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plan-ranges N [CPUS]: plans a load on a machine whose maps have N ranges, shuffled, nested
 * and overlapping, and prints seconds and peak memory of the planning alone; with CPUS, of a
 * crash kernel, whose dump shows the N ranges and so many CPUs. Under
 * `valgrind --tool=callgrind --toggle-collect=load_place` it counts instructions, with
 * `--toggle-collect=elfcorehdr_write` those of the ELF core header's bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "kexec/x86/load.h"
#include "tests/mk/image.h"
#include "tests/mk/random.h"

enum { BLOCK = 0x100000, LOW = 0x1000000 };

/* Blocks of RAM, each but the last torn by a page of its own that is reserved in one of the
 * maps, in random order; every eighth block overlaps the one before it. */
static int make_system(size_t count, size_t cpus, struct system *system, struct err *err)
{
	size_t *order = malloc(count * sizeof(*order));
	struct buf text = { 0 };

	for (size_t i = 0; i < count; i++)
		order[i] = i;
	for (size_t i = count - 1; i; i--) {
		size_t j = mk_random(i + 1), kept = order[i];

		order[i] = order[j];
		order[j] = kept;
	}
	for (size_t i = 0; i < count; i++) {
		phys_t start = LOW + (phys_t)order[i] * BLOCK;
		phys_t early = order[i] % 8 == 7 ? BLOCK / 2 : 0;

		if (memmap_add(&system->firmware, (struct range){ start - early, start + BLOCK },
			       E820_RAM, err))
			return -1;
	}
	if (memmap_add(&system->firmware, (struct range){ BLOCK, LOW }, E820_RAM, err) ||
	    memmap_add(&system->firmware,
		       (struct range){ LOW + count * BLOCK, LOW + count * BLOCK + 0x8000000 },
		       E820_RAM, err))
		return -1;
	for (size_t i = 0; i < count; i++) {
		char line[128];
		phys_t start = LOW + (phys_t)i * BLOCK;
		int length = snprintf(line, sizeof(line),
				      "%08llx-%08llx : System RAM\n  %08llx-%08llx : Reserved\n",
				      PHYS(start), PHYS(start + BLOCK - 1), PHYS(start + BLOCK / 2),
				      PHYS(start + BLOCK / 2 + 0xfff));

		if (buf_append(&text, line, (size_t)length, err))
			return -1;
	}
	free(order);
	{
		char line[128];
		phys_t start = LOW + count * BLOCK;
		int length = snprintf(line, sizeof(line),
				      "%08llx-%08llx : System RAM\n%s%08llx-%08llx : %s\n"
				      "00100000-00ffffff : System RAM\n",
				      PHYS(start), PHYS(start + 0x7ffffff), "  ", PHYS(start),
				      PHYS(start + 0x7ffffff), cpus ? "Crash kernel" : "Nothing");

		if (buf_append(&text, line, (size_t)length, err) ||
		    iomem_parse(buf_bytes(&text), &system->iomem, err))
			return -1;
	}
	buf_done(&text);
	system->has_boot_params = true;
	system->crash.note = calloc(cpus + 1, sizeof(*system->crash.note));
	for (; system->crash.nr_notes < cpus; system->crash.nr_notes++)
		system->crash.note[system->crash.nr_notes] =
			(struct elfcorehdr_note){ LOW + system->crash.nr_notes * 0x1000, 368 };
	return 0;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static long peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

int main(int argc, char *argv[])
{
	static uint8_t image[MK_IMAGE_SIZE];
	struct system system = { 0 };
	struct warnings warnings = { 0 };
	struct load load = { 0 };
	struct err err;
	struct load_request request = { .kernel = { image, sizeof(image) },
					.cmdline = "",
					.mem_max = PHYS_LIMIT };
	double began;
	long before;

	mk_image(image);
	if (argc < 2 ||
	    make_system((size_t)atol(argv[1]), argc > 2 ? (size_t)atol(argv[2]) : 0, &system, &err))
		return 1;
	request.crash = argc > 2;
	before = peak_kib();
	began = now();
	if (load_place(&request, &system, &warnings, &load, &err)) {
		fprintf(stderr, "plan-ranges: %s\n", err.text);
		return 1;
	}
	printf("%s ranges: %.1f ms, %ld KiB more than the maps themselves (%ld KiB)\n", argv[1],
	       (now() - began) * 1000, peak_kib() - before, before);
	if (request.crash) {
		struct buf header = { 0 };

		if (buf_extend(&header, load.crash.header_size, &err))
			return 1;
		began = now();
		elfcorehdr_write(&load.crash.header, header.data, header.size);
		printf("elfcorehdr: %zu CPUs, %zu ranges, %zu bytes, %.1f ms\n",
		       load.crash.header.nr_notes, load.crash.header.nr_loads, header.size,
		       (now() - began) * 1000);
		buf_done(&header);
	}
	printf("kernel at " PHYS_FMT "\n", PHYS(load.plan.footprint.start));
	load_done(&load);
	system_done(&system);
	warnings_done(&warnings);
	return 0;
}
