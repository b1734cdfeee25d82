/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan says of every range that it passed over why, by address; of many, how many. */
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

enum { MIB = 0x100000 };

static uint8_t image[MK_IMAGE_SIZE];
static struct setup_header *header;
static struct system machine;
static struct load load;
static struct load_request request;
static struct buf resources;

static void ram(phys_t start, phys_t end)
{
	struct err err;

	assert_int_equal(
		memmap_add(&machine.firmware, (struct range){ start, end }, E820_RAM, &err), 0);
}

static void firmware(phys_t start, phys_t end, uint32_t type)
{
	struct err err;

	assert_int_equal(memmap_add(&machine.firmware, (struct range){ start, end }, type, &err),
			 0);
}

static void resource(unsigned int depth, phys_t start, phys_t end, const char *name)
{
	struct err err;
	char line[128];
	int length = snprintf(line, sizeof(line), "%*s%08llx-%08llx : %s\n", (int)depth * 2, "",
			      PHYS(start), PHYS(end - 1), name);

	assert_int_equal(buf_append(&resources, line, (size_t)length, &err), 0);
}

static int set_up(void **state)
{
	(void)state;
	header = mk_image(image);
	header->init_size = 16 * MIB;
	machine = (struct system){ .has_boot_params = true };
	request = (struct load_request){
		.kernel = { image, sizeof(image) },
		.cmdline = "",
		.mem_max = PHYS_LIMIT,
	};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	load_done(&load);
	load = (struct load){ 0 };
	system_done(&machine);
	buf_done(&resources);
	resources = (struct buf){ 0 };
	return 0;
}

static void place(void)
{
	struct err err;

	assert_int_equal(iomem_parse(buf_bytes(&resources), &machine.iomem, &err), 0);
	if (load_place(&request, &machine, NULL, &load, &err))
		fail_msg("%s", err.text);
}

/* All reasons that begin so, a line each. */
static void expect(const char *begin, const char *expected)
{
	static char found[8192];

	found[0] = '\0';
	for (size_t i = 0; i < load.plan.nr_reasons; i++)
		if (!strncmp(load.plan.reason[i], begin, strlen(begin)))
			snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s\n",
				 load.plan.reason[i]);
	assert_string_equal(found, expected);
}

static void test_each_kind(void **state)
{
	(void)state;
	/* 16 MiB of RAM more than what is in the way. */
	ram(1 * MIB, 0x4000000);
	firmware(0x1800000, 0x1900000, E820_RESERVED);
	firmware(0x1900000, 0x1904000, E820_NVS);
	firmware(0x1904000, 0x1905000, E820_ACPI);
	resource(0, 1 * MIB, 0x4000000, "System RAM");
	resource(1, 0x1a00000, 0x1a01000, "Reserved");
	machine.efi.nr_tables = 1;
	machine.efi.table[0] = (struct efi_table){ "MEMATTR", 0x1c00008, 0x100 };
	place();
	expect("kernel ",
	       "kernel at 0x1e00000: the lowest place at or above 0x1000000, its floor, for "
	       "0x1000000 bytes aligned to 0x200000\n"
	       "kernel not in 0x100000-0x1000000 (15360 KiB): free, but below 0x1000000, its "
	       "floor\n"
	       "kernel not in 0x1000000-0x1800000 (8192 KiB): free, 8192 KiB too small\n"
	       "kernel not in 0x1800000-0x1900000 (1024 KiB): Reserved by the firmware\n"
	       "kernel not in 0x1900000-0x1904000 (16 KiB): ACPI Non-volatile Storage\n"
	       "kernel not in 0x1904000-0x1905000 (4 KiB): ACPI Tables\n"
	       "kernel not in 0x1905000-0x1a00000 (1004 KiB): free, with no address aligned to "
	       "0x200000\n"
	       "kernel not in 0x1a00000-0x1a01000 (4 KiB): Reserved by the running kernel\n"
	       "kernel not in 0x1a01000-0x1c00000 (2044 KiB): free, with no address aligned to "
	       "0x200000\n"
	       "kernel not in 2 more ranges up to 0x1e00000, which are too low, too small or in use, and "
	       "not listed\n");
	expect("purgatory not", "purgatory not in 0x100000-0x102000 (8 KiB): params\n");
	tear_down(NULL);
	/* From where that list ends. */
	set_up(NULL);
	ram(0x1a00000, 0x4000000);
	resource(0, 0x1a00000, 0x4000000, "System RAM");
	resource(0, 0x4000000, 0x8000000, "PCI Bus 0000:00");
	resource(1, 0x1a00000, 0x1a01000, "Reserved");
	machine.efi.nr_tables = 1;
	machine.efi.table[0] = (struct efi_table){ "MEMATTR", 0x1c00008, 0x100 };
	place();
	expect("kernel not",
	       "kernel not in 0x1000000-0x1a00000 (10240 KiB): no memory\n"
	       "kernel not in 0x1a00000-0x1a01000 (4 KiB): Reserved by the running kernel\n"
	       "kernel not in 0x1a01000-0x1c00000 (2044 KiB): free, with no address aligned to "
	       "0x200000\n"
	       "kernel not in 0x1c00000-0x1c01000 (4 KiB): MEMATTR\n"
	       "kernel not in 0x1c01000-0x1e00000 (2044 KiB): free, with no address aligned to "
	       "0x200000\n");
}

static void test_sources_disagree(void **state)
{
	(void)state;
	ram(0x1000000, 0x1400000);
	resource(0, 0x1200000, 0x1600000, "System RAM");
	ram(0x1800000, 0x4000000);
	resource(0, 0x1800000, 0x4000000, "System RAM");
	place();
	expect("kernel not",
	       "kernel not in 0x1000000-0x1200000 (2048 KiB): RAM of the firmware's that "
	       "/proc/iomem lacks\n"
	       "kernel not in 0x1200000-0x1400000 (2048 KiB): free, 14336 KiB too small\n"
	       "kernel not in 0x1400000-0x1600000 (2048 KiB): System RAM that the firmware's map "
	       "lacks\n"
	       "kernel not in 0x1600000-0x1800000 (2048 KiB): no memory\n");
}

static void test_asked(void **state)
{
	(void)state;
	ram(1 * MIB, 0x4000000);
	resource(0, 1 * MIB, 0x4000000, "System RAM");
	request.mem_min = 0x1100000;
	place();
	expect("kernel ",
	       "kernel at 0x1200000: the lowest place at or above 0x1100000, --mem-min, for "
	       "0x1000000 bytes aligned to 0x200000\n"
	       "kernel not in 0x100000-0x1100000 (16384 KiB): free, but below 0x1100000, "
	       "--mem-min\n"
	       "kernel not in 0x1100000-0x1200000 (1024 KiB): free, with no address aligned to "
	       "0x200000\n");
}

static void test_fixed(void **state)
{
	(void)state;
	ram(1 * MIB, 0x4000000);
	resource(0, 1 * MIB, 0x4000000, "System RAM");
	header->relocatable_kernel = 0;
	place();
	expect("kernel ", "kernel at 0x1000000: its only place for 0x1000000 bytes, where a kernel "
			  "runs that is not relocatable\n");
}

static void test_crash(void **state)
{
	(void)state;
	ram(1 * MIB, 0x20000000);
	resource(0, 1 * MIB, 0x20000000, "System RAM");
	resource(1, 0x2000000, 0x3000000, "Crash kernel");
	resource(1, 0x10000000, 0x18000000, "Crash kernel");
	request.crash = true;
	request.spares = LOAD_SPARES_NEVER;
	place();
	expect("kernel not",
	       "kernel not in 0x1000000-0x2000000 (16384 KiB): memory outside the reservation\n"
	       "kernel not in 0x2000000-0x3000000 (16384 KiB): the lower reservation, which takes "
	       "no segments\n"
	       "kernel not in 0x3000000-0x10000000 (212992 KiB): memory outside the "
	       "reservation\n");
	expect("elfcorehdr ", "elfcorehdr at 0x17fff000: its only place for 0x1000 bytes, the end "
			      "of the reservation, so that the RAM handed on is one range\n");
}

/* A thousand holes of one page each: eight sentences, and how many more. */
static void test_many(void **state)
{
	(void)state;
	ram(1 * MIB, 0x8000000);
	resource(0, 1 * MIB, 0x8000000, "System RAM");
	for (phys_t at = 0x1000000; at < 0x17d0000; at += 0x2000)
		resource(1, at, at + 0x1000, "Reserved");
	place();
	assert_int_equal(load.plan.item[load.plan.kernel].run.start, 0x1800000);
	expect("kernel not in 0x17", "");
	expect("kernel not in 1",
	       "kernel not in 1993 more ranges up to 0x1800000, which are too low, too small or in use, and "
	       "not listed\n");
}

/* A load without a seed, where the kernel has no random bytes yet, goes where the plan said. */
static void test_seed_moves_nothing(void **state)
{
	static const uint8_t seed[RNG_SEED_SIZE];
	struct range with[PLAN_ITEMS_MAX];
	unsigned int count;
	uint64_t size;

	(void)state;
	ram(1 * MIB, 0x8000000);
	resource(0, 1 * MIB, 0x8000000, "System RAM");
	request.seed = seed;
	place();
	size = load.bootparams.size;
	count = load.plan.nr_items;
	for (unsigned int i = 0; i < count; i++)
		with[i] = load.plan.item[i].load;
	load_done(&load);
	load = (struct load){ 0 };
	iomem_done(&machine.iomem);
	request.seed = NULL;
	place();
	assert_int_equal(load.plan.nr_items, count);
	for (unsigned int i = 0; i < count; i++)
		assert_memory_equal(&load.plan.item[i].load, &with[i], sizeof(with[i]));
	assert_int_equal(load.bootparams.size, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_kind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sources_disagree, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_fixed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_crash, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_seed_moves_nothing, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
