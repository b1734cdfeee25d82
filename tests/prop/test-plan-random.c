/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random machines, and loads of them, normal and of crash kernels: a load is refused if and only
 * if one of its segments has no place, by a model that knows pages and nothing else, and
 * otherwise each goes to its lowest, an initrd to that of the upper half if there is one. What the new kernel is told of memory, and what a dump
 * shows, is compared page by page, too. The reasons tell of every range below the kernel's place,
 * and what they say of it is so. MAPS in the environment says how many are tried, SEED
 * repeats a run. Prints a histogram of what came of them, which must be of all kinds.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kexec/x86/load.h"
#include "tests/mk/image.h"
#include "tests/mk/random.h"

enum {
	MAPS = 20000,
	PAGE = 4096,
	UNIT = 16, /* pages: what maps are made of */
	UNITS = 2048,
	PAGES = UNIT * UNITS, /* 128 MiB */
	MIB = 0x100000 / PAGE,
	FLOOR = 16 * MIB, /* of the kernel, and of initrds */
	HOLES = 10,
	INITRD_MAX = 16 * MIB,
};

enum { NOT_USABLE, FREE, TAKEN };

struct map {
	uint8_t page[PAGES];  /* of what segments may use */
	uint32_t type[UNITS]; /* of the firmware's map; 0: nothing is there */
	bool live[UNITS];     /* RAM of the running kernel's */
	struct range reservation;
	struct system system;
	/* The load. */
	uint64_t pages, align;
	struct load_request request;
};

static struct range bytes_of(uint64_t page, uint64_t pages)
{
	return (struct range){ page * PAGE, (page + pages) * PAGE };
}

static void add_firmware(struct map *map, uint64_t unit, uint64_t units, uint32_t type)
{
	struct err err;

	require(!memmap_add(&map->system.firmware, bytes_of(unit * UNIT, units * UNIT), type,
			    &err));
	for (uint64_t i = unit; i < unit + units; i++)
		map->type[i] = map->type[i] > type ? map->type[i] : type;
}

static void add_resource(struct map *map, uint64_t unit, uint64_t units, unsigned int depth,
			 const char *name)
{
	struct iomem *iomem = &map->system.iomem;
	struct err err;

	require(!array_grow(&iomem->entry, &iomem->room, iomem->count, sizeof(*iomem->entry),
			    &err));
	/* All is below the first. */
	iomem->entry[iomem->count++] =
		(struct iomem_entry){ bytes_of(unit * UNIT, units * UNIT), depth, 0, name };
}

static void add_ram(struct map *map)
{
	uint64_t from = MIB / UNIT;

	map->system.has_boot_params = true;
	add_firmware(map, from, UNITS - from, E820_RAM);
	add_resource(map, from, UNITS - from, 0, "System RAM");
	memset(map->live + from, true, UNITS - from);
}

/* What the firmware calls otherwise, and what the running kernel keeps. */
static void add_holes(struct map *map)
{
	static const uint32_t types[] = { E820_RESERVED, E820_ACPI, E820_NVS };

	for (uint64_t count = mk_random(HOLES); count; count--) {
		uint64_t at = MIB / UNIT + mk_random(UNITS - MIB / UNIT);
		uint64_t units = 1 + mk_random(1 + mk_random(UNITS / 8));

		if (units > UNITS - at)
			units = UNITS - at;
		if (mk_random(2)) {
			add_firmware(map, at, units, types[mk_random(3)]);
		} else {
			add_resource(map, at, units, 1, "Reserved");
			memset(map->live + at, false, units);
		}
	}
}

static void reserve(struct map *map)
{
	uint64_t units = UNITS / 4 + mk_random(UNITS / 2);
	uint64_t at = MIB / UNIT + mk_random(UNITS - MIB / UNIT - units + 1);

	add_resource(map, at, units, 1, "Crash kernel");
	map->reservation = bytes_of(at * UNIT, units * UNIT);
}

static void make_map(struct map *map, struct setup_header *header)
{
	static const uint8_t initrd[INITRD_MAX * PAGE];
	uint64_t from = mk_random(2) ? mk_random(PAGES / 8) : 0;
	uint64_t to = mk_random(4) ? PAGES : FLOOR + mk_random(PAGES - FLOOR);
	bool crash = !mk_random(4);

	memset(map, 0, sizeof(*map));
	map->pages = UNIT * (1 + mk_random(UNITS / (crash ? 4 : 2)));
	map->align = 2 * MIB << mk_random(3);
	header->init_size = (uint32_t)(map->pages * PAGE);
	header->kernel_alignment = (uint32_t)(map->align * PAGE);
	map->request.cmdline = "";
	map->request.crash = crash;
	map->request.spares = LOAD_SPARES_NEVER;
	map->request.mem_min = from * PAGE;
	map->request.mem_max = to * PAGE;
	if (mk_random(2))
		map->request.initrd = (struct bytes){ initrd, 1 + mk_random(sizeof(initrd)) };
	/* Digests would take longer than all else. */
	map->request.skip_verify = map->request.initrd.size > 256 * PAGE || mk_random(16);
	add_ram(map);
	add_holes(map);
	if (crash)
		reserve(map);
	for (uint64_t i = 0; i < UNITS; i++)
		if (map->live[i] && map->type[i] == E820_RAM &&
		    (!crash || range_contains(map->reservation, bytes_of(i * UNIT, UNIT))))
			memset(map->page + i * UNIT, FREE, UNIT);
}

/* --- the model ------------------------------------------------------------- */

struct want {
	const char *name;
	uint64_t pages, align, min, max;
	uint64_t wish; /* a page from which on it would rather be */
};

/* The first page that is not free of so many; the end of them: all are. */
static uint64_t first_not_free(const struct map *map, uint64_t page, uint64_t pages)
{
	uint64_t at = page;

	while (at < page + pages && at < PAGES && map->page[at] == FREE)
		at++;
	return at;
}

/* The lowest place from a page on; PAGES if there is none. */
static uint64_t lowest(const struct map *map, const struct want *want, uint64_t from)
{
	uint64_t at = from > want->min ? from : want->min;

	while (at + want->pages <= want->max) {
		uint64_t end;

		if (at % want->align) {
			at += want->align - at % want->align;
			continue;
		}
		end = first_not_free(map, at, want->pages);
		if (end == at + want->pages)
			return at;
		at = end + 1;
	}
	return PAGES;
}

/* The place that it gets; PAGES if there is none. */
static uint64_t place_of(const struct map *map, const struct want *want)
{
	uint64_t wished = lowest(map, want, want->wish);

	return wished < PAGES ? wished : lowest(map, want, 0);
}

/* Half of the last page that segments may use. */
static uint64_t middle(const struct map *map)
{
	uint64_t end = PAGES;

	while (end && map->page[end - 1] == NOT_USABLE)
		end--;
	return end / 2;
}

/* How many stretches of free memory have a place. */
static unsigned int count_holes(const struct map *map, const struct want *want)
{
	unsigned int holes = 0;

	for (uint64_t at = 0; (at = lowest(map, want, at)) < PAGES; holes++)
		at = first_not_free(map, at, PAGES);
	return holes;
}

static struct want want_of(const struct map *map, const char *name, uint64_t size)
{
	uint64_t min = map->request.mem_min / PAGE, max = map->request.mem_max / PAGE;
	bool is_kernel = !strcmp(name, "kernel");
	uint64_t floor = is_kernel || !strcmp(name, "initrd") ? FLOOR : MIB;
	uint64_t pages = (size + PAGE - 1) / PAGE;

	if (!strcmp(name, "elfcorehdr")) {
		max = map->reservation.end / PAGE;
		return (struct want){ name, pages, 1, max - pages, max, 0 };
	}
	return (struct want){ name,
			      pages,
			      is_kernel ? map->align : 1,
			      min > floor ? min : floor,
			      max < PAGES ? max : PAGES,
			      strcmp(name, "initrd") || map->request.crash ? 0 : middle(map) };
}

/* Finds the place again that the plan has, and takes it. */
static void require_place(struct map *map, const char *name, struct range place)
{
	struct want want = want_of(map, name, range_size(place));

	require(place.start == place_of(map, &want) * PAGE);
	require(place.end == place.start + want.pages * PAGE);
	memset(map->page + place.start / PAGE, TAKEN, want.pages);
}

/* --- what is required of a plan, and of a refusal -------------------------- */

static void require_items(struct map *map, const struct load *load)
{
	static const char *const order[] = { "kernel", "initrd", "params", "elfcorehdr",
					     "purgatory" };
	const struct plan *plan = &load->plan;
	unsigned int at = 0;

	for (unsigned int i = 0; i < plan->nr_items; i++, at++) {
		const struct plan_item *item = &plan->item[i];

		while (at < 5 && strcmp(order[at], item->name))
			at++;
		require(at < 5);
		require(item->load.start == item->run.start && item->load.end == item->run.end);
		require(item->file.size <= range_size(item->load));
		require_place(map, item->name, item->run);
	}
	require(plan->nr_items ==
		3u + (map->request.initrd.size > 0) + (unsigned int)map->request.crash);
	require(range_size(plan->item[plan->kernel].run) == map->pages * PAGE);
	require(plan->footprint.start == plan->item[plan->kernel].run.start);
	require(range_size(plan->footprint) == map->pages * PAGE);
}

/* Whether all pages of a range are free, or none is. */
static bool is_uniform(const struct map *map, uint64_t first, uint64_t end, bool is_free)
{
	for (uint64_t page = first; page < end; page++)
		if ((map->page[page] == FREE) != is_free)
			return false;
	return true;
}

/* The largest number of pages from an aligned start on. */
static uint64_t largest(uint64_t first, uint64_t end, uint64_t align)
{
	uint64_t start = (first + align - 1) / align * align;

	return start < end ? end - start : 0;
}

/* Of the kernel's place: what was passed over tiles all from the floor to it. Before anything
 * is marked as taken. */
static void require_reasons(const struct map *map, const struct plan *plan)
{
	static const char named[] = "kernel not in 0x";
	uint64_t at = FLOOR;
	size_t told = 0;

	for (size_t i = 0; i < plan->nr_reasons; i++) {
		const char *text = plan->reason[i], *why = strstr(text, "KiB): ");
		unsigned long long start, end;

		if (sscanf(text, "kernel not in %*u more ranges up to 0x%llx", &end) == 1) {
			require(told == PLAN_REJECTED_SHOWN);
			at = end / PAGE;
			continue;
		}
		if (strncmp(text, named, strlen(named)))
			continue;
		told++;
		require(why);
		require(sscanf(text, "kernel not in 0x%llx-0x%llx (", &start, &end) == 2);
		require(start % PAGE == 0 && end % PAGE == 0 && start < end);
		start /= PAGE;
		end /= PAGE;
		why += strlen("KiB): ");
		if (end <= FLOOR) {
			require(!strcmp(why, "free, but below 0x1000000, its floor"));
			require(is_uniform(map, start, end, true));
			continue;
		}
		require(start == at);
		at = end;
		require(is_uniform(map, start, end, !strncmp(why, "free, ", 6)));
		if (strncmp(why, "free, ", 6))
			continue;
		require(largest(start, end, map->align) < map->pages);
		if (strstr(why, " KiB too small"))
			require(strtoull(why + 6, NULL, 10) ==
				(map->pages - largest(start, end, map->align)) * PAGE / 1024);
		else
			require(largest(start, end, map->align) == 0);
	}
	require(at * PAGE == plan->item[plan->kernel].run.start);
	require(told <= PLAN_REJECTED_SHOWN);
}

/* Of a normal load the firmware's own map; a crash kernel has the reservation for RAM, but for
 * what it must not use. */
static uint32_t told(const struct map *map, const struct plan *plan, uint64_t page)
{
	struct range bytes = bytes_of(page, 1);

	if (!map->request.crash || map->type[page / UNIT] > E820_RAM)
		return map->type[page / UNIT];
	return range_contains(map->reservation, bytes) &&
			       !range_overlaps(plan->item[plan->elfcorehdr].run, bytes)
		       ? E820_RAM
		       : 0;
}

static void require_memory(const struct map *map, const struct plan *plan)
{
	size_t e820 = 0, dumped = 0;

	for (uint64_t i = 0; i < PAGES; i++) {
		struct range bytes = bytes_of(i, 1);
		uint32_t type = 0;
		bool is_dumped;

		while (e820 < plan->e820.count && plan->e820.entry[e820].range.end <= bytes.start)
			e820++;
		if (e820 < plan->e820.count && range_contains(plan->e820.entry[e820].range, bytes))
			type = plan->e820.entry[e820].type;
		require(type == told(map, plan, i));
		while (dumped < plan->dumped.count && plan->dumped.range[dumped].end <= bytes.start)
			dumped++;
		is_dumped = dumped < plan->dumped.count &&
			    range_contains(plan->dumped.range[dumped], bytes);
		require(is_dumped == (map->request.crash && map->live[i / UNIT] &&
				      !range_overlaps(map->reservation, bytes)));
	}
}

/* What was refused has no place where all before it have theirs, which the sizes in the text
 * and of the plan on an empty machine tell. */
static void require_refusal(struct map *map, const struct err *err, uint64_t params_size)
{
	const struct {
		const char *name;
		uint64_t size;
	} before[] = {
		{ "kernel", map->pages * PAGE },
		{ "initrd", map->request.initrd.size },
		{ "params", params_size },
	};
	unsigned long long size;
	struct want want;
	char name[16];

	require(err->code == ERR_NO_FIT);
	if (sscanf(err->text, "crash kernel: %llu KiB are needed ", &size) == 1) {
		require(size * 1024 > range_size(map->reservation));
		return;
	}
	require(sscanf(err->text, "%15[a-z]: no place for %llx bytes ", name, &size) == 2);
	for (size_t i = 0; i < 3 && strcmp(before[i].name, name); i++) {
		uint64_t at;

		if (!before[i].size)
			continue;
		want = want_of(map, before[i].name, before[i].size);
		at = place_of(map, &want);
		require(at < PAGES);
		memset(map->page + at, TAKEN, want.pages);
	}
	want = want_of(map, name, size);
	if (!strcmp(name, "elfcorehdr"))
		require(first_not_free(map, want.min, want.pages) < want.max);
	else
		require(lowest(map, &want, 0) == PAGES);
}

static uint64_t size_of_params(const struct load_request *request)
{
	static struct map map;
	struct load load = { 0 };
	uint64_t size;
	struct err err;

	add_ram(&map);
	require(!load_place(request, &map.system, NULL, &load, &err));
	size = load.plan.item[load.plan.params].mem_size;
	load_done(&load);
	system_done(&map.system);
	return size;
}

enum kind { REFUSED, ONE_HOLE, MORE_HOLES, NR_KINDS };

static enum kind try(struct map *map, uint64_t params_size)
{
	struct want kernel = want_of(map, "kernel", map->pages * PAGE);
	unsigned int holes = count_holes(map, &kernel);
	struct load load = { 0 };
	struct err err = { 0 };
	int result;

	result = load_place(&map->request, &map->system, NULL, &load, &err);
	if (result) {
		require_refusal(map, &err, params_size);
	} else {
		if (load_seal(&map->request, &map->system, &load, &err))
			fail_msg("%s", err.text);
		require(load.plan.stage == PLAN_SEALED);
		require(holes > 0);
		if (!map->request.crash && map->request.mem_min <= FLOOR * PAGE)
			require_reasons(map, &load.plan);
		require_items(map, &load);
		if (!mk_random(8))
			require_memory(map, &load.plan);
	}
	load_done(&load);
	return result ? REFUSED : holes == 1 ? ONE_HOLE : MORE_HOLES;
}

static void plans_are_as_a_naive_model_says(void **unused)
{
	static const char *const names[] = { "refused", "fits in exactly one hole",
					     "fits in several holes" };
	static const char bar[] = "##################################################";
	const char *wanted = getenv("MAPS");
	uint64_t maps = wanted ? strtoull(wanted, NULL, 10) : MAPS, kinds[NR_KINDS] = { 0 };
	static uint8_t image[MK_IMAGE_SIZE];
	static struct map map;
	struct setup_header *header = mk_image(image);
	const struct load_request smallest = {
		.kernel = { image, sizeof(image) },
		.cmdline = "",
		.mem_max = PHYS_LIMIT,
	};
	uint64_t params_size = size_of_params(&smallest);

	(void)unused;
	mk_random_restart();
	for (uint64_t i = 0; i < maps; i++) {
		make_map(&map, header);
		map.request.kernel = smallest.kernel;
		kinds[try(&map, params_size)]++;
		system_done(&map.system);
	}
	printf("%llu random maps:\n", (unsigned long long)maps);
	for (size_t i = 0; i < NR_KINDS; i++)
		printf("%-24s %9llu %5.1f %% %.*s\n", names[i], (unsigned long long)kinds[i],
		       100.0 * (double)kinds[i] / (double)maps, (int)(50 * kinds[i] / maps), bar);
	for (size_t i = 0; i < NR_KINDS; i++)
		if (kinds[i] * 10 < maps)
			fail_msg("less than a tenth of the maps: %s", names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(plans_are_as_a_naive_model_says) };

	mk_random_init();
	return cmocka_run_group_tests_name("plan-random", tests, NULL, NULL);
}
