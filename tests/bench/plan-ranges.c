/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plan-ranges N [CPUS]: plans a load on a machine whose maps have N ranges each, shuffled, nested
 * and overlapping, from the text of /proc/iomem and the firmware's entries to a sealed plan, and
 * prints seconds and peak memory; with CPUS, of a crash kernel, whose dump shows half as many
 * ranges and so many CPUs. Under `valgrind --tool=callgrind` it counts instructions:
 * `--toggle-collect=iomem_parse` of the text, `--toggle-collect=load_place
 * --toggle-collect=load_seal` of planning.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kexec/x86/load.h"
#include "tests/mk/image.h"
#include "tests/mk/random.h"

enum {
	BLOCK = 0x100000,
	LOW = 0x1000000,
	TOP = 0x8000000, /* the last range, above the blocks: the first that holds a kernel */
	PILES = 400,	 /* of what is not RAM: a kernel takes 3200 entries, merged */
	PAGE = 4096,
};

struct machine {
	size_t count;
	size_t *order;
	struct buf iomem; /* the text */
	struct system system;
};

static void shuffle(struct machine *machine)
{
	for (size_t i = machine->count - 1; i; i--) {
		size_t j = mk_random(i + 1), kept = machine->order[i];

		machine->order[i] = machine->order[j];
		machine->order[j] = kept;
	}
}

static phys_t blocks_end(const struct machine *machine)
{
	return LOW + (phys_t)machine->count * BLOCK;
}

/* Of eight entries four are RAM, of which one begins in the block before; one is RAM with 16 of
 * them inside; three lie in piles on RAM, each of another type or size. */
static struct memmap_entry firmware_entry(const struct machine *machine, size_t i)
{
	phys_t start = LOW + (phys_t)i / 8 * 8 * BLOCK;
	uint64_t pile = i / 8 % PILES, level = i / 8 / PILES % 8;
	phys_t pile_at = LOW + machine->count / PILES * pile * BLOCK;

	switch (i % 8) {
	case 0:
	case 1:
	case 2:
		return (struct memmap_entry){
			{ start + 2 * (i % 8) * BLOCK, start + 2 * (i % 8 + 1) * BLOCK }, E820_RAM
		};
	case 3:
		return (struct memmap_entry){ { start + 5 * BLOCK + BLOCK / 2, start + 8 * BLOCK },
					      E820_RAM };
	case 4:
		return (struct memmap_entry){ { start, start + 16 * BLOCK }, E820_RAM };
	default:
		return (struct memmap_entry){ { pile_at + (level + i % 8) * PAGE,
						pile_at + (40 - 2 * level) * PAGE },
					      (uint32_t)(E820_RESERVED + i % 3) };
	}
}

static int make_firmware(struct machine *machine, struct err *err)
{
	struct memmap *firmware = &machine->system.firmware;
	phys_t top = blocks_end(machine);

	for (size_t i = 0; i < machine->count; i++) {
		struct memmap_entry entry = firmware_entry(machine, machine->order[i]);

		if (memmap_add(firmware, entry.range, entry.type, err))
			return -1;
	}
	return memmap_add(firmware, (struct range){ BLOCK, LOW }, E820_RAM, err) ||
	       memmap_add(firmware, (struct range){ top, top + TOP }, E820_RAM, err);
}

/* Blocks of RAM, each torn by a page of its own; for a dump every second. */
static int make_iomem(struct machine *machine, bool crash, struct err *err)
{
	phys_t top = blocks_end(machine);
	char line[160];
	int length;

	for (size_t i = 0; i < machine->count; i++) {
		size_t number = machine->order[i];
		phys_t start = LOW + (phys_t)number * BLOCK;

		length = snprintf(line, sizeof(line),
				  "%08llx-%08llx : System RAM\n  %08llx-%08llx : %s\n", PHYS(start),
				  PHYS(start + BLOCK - 1), PHYS(start + BLOCK / 2),
				  PHYS(start + BLOCK / 2 + PAGE - 1),
				  crash && number % 2 ? "Kernel data" : "Reserved");
		if (buf_append(&machine->iomem, line, (size_t)length, err))
			return -1;
	}
	length = snprintf(line, sizeof(line),
			  "%08llx-%08llx : System RAM\n  %08llx-%08llx : %s\n"
			  "00100000-00ffffff : System RAM\n",
			  PHYS(top), PHYS(top + TOP - 1), PHYS(top), PHYS(top + TOP - 1),
			  crash ? "Crash kernel" : "Kernel bss");
	return buf_append(&machine->iomem, line, (size_t)length, err);
}

static int make_machine(struct machine *machine, size_t cpus, struct err *err)
{
	struct system_crash *crash = &machine->system.crash;

	machine->order = malloc(machine->count * sizeof(*machine->order));
	crash->note = calloc(cpus + 1, sizeof(*crash->note));
	for (size_t i = 0; i < machine->count; i++)
		machine->order[i] = i;
	shuffle(machine);
	if (make_firmware(machine, err))
		return -1;
	shuffle(machine);
	if (make_iomem(machine, cpus, err))
		return -1;
	free(machine->order);
	machine->system.has_boot_params = true;
	for (; crash->nr_notes < cpus; crash->nr_notes++)
		crash->note[crash->nr_notes] =
			(struct elfcorehdr_note){ LOW + crash->nr_notes * 0x1000, 368 };
	return 0;
}

/* Milliseconds that have passed, and that this program ran: the machine may have others to run. */
struct moment {
	double wall, processor;
};

static double milliseconds(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec * 1000 + (double)time.tv_nsec / 1e6;
}

static struct moment now(void)
{
	return (struct moment){ milliseconds(CLOCK_MONOTONIC),
				milliseconds(CLOCK_PROCESS_CPUTIME_ID) };
}

static void print_since(const char *what, struct moment from, struct moment to)
{
	printf("%s: %.2f ms, %.2f of them on a processor\n", what, to.wall - from.wall,
	       to.processor - from.processor);
}

/* The most that was resident; getrusage(2) would count whoever started this, too. */
static long peak_kib(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];
	long kib = 0;

	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "VmHWM: %ld kB", &kib);
	if (status)
		fclose(status);
	return kib;
}

int main(int argc, char *argv[])
{
	static uint8_t image[MK_IMAGE_SIZE];
	struct machine machine = { 0 };
	struct warnings warnings = { 0 };
	struct load load = { 0 };
	struct load_request request = { .kernel = { image, sizeof(image) },
					.cmdline = "",
					.mem_max = PHYS_LIMIT };
	struct moment began, parsed, planned;
	struct err err;

	mk_image(image);
	machine.count = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	if (!machine.count)
		return 1;
	request.crash = argc > 2;
	if (make_machine(&machine, argc > 2 ? strtoul(argv[2], NULL, 10) : 0, &err)) {
		fprintf(stderr, "plan-ranges: %s\n", err.text);
		return 1;
	}
	began = now();
	if (iomem_parse(buf_bytes(&machine.iomem), &machine.system.iomem, &err)) {
		fprintf(stderr, "plan-ranges: %s\n", err.text);
		return 1;
	}
	parsed = now();
	if (load_place(&request, &machine.system, &warnings, &load, &err) ||
	    load_seal(&request, &machine.system, &load, &err)) {
		fprintf(stderr, "plan-ranges: %s\n", err.text);
		return 1;
	}
	planned = now();
	print_since("/proc/iomem parsed", began, parsed);
	print_since("planned", parsed, planned);
	printf("memory: %ld KiB\n", peak_kib());
	printf("kernel at " PHYS_FMT ", %zu usable ranges, %zu entries handed on, %zu dumped\n",
	       PHYS(load.plan.footprint.start), load.plan.usable.count, load.plan.e820.count,
	       load.plan.dumped.count);
	load_done(&load);
	system_done(&machine.system);
	buf_done(&machine.iomem);
	warnings_done(&warnings);
	return 0;
}
