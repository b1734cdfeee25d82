/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What plan_check() stops before the system call: a good plan, spoiled in one way each. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kexec/core/plan.h"

enum { KERNEL, INITRD, PARAMS, PURGATORY, HEADER, LINK_LOW = 0x218, LINK_HIGH = 0xc0 };

static uint8_t kernel_bytes[0x5000], initrd_bytes[0x1000], params_bytes[0x2000],
	purgatory_bytes[0x1000], header_bytes[0x1000];

static void put(struct plan *plan, unsigned int index, phys_t start)
{
	struct plan_item *item = &plan->item[index];

	item->run = item->load = (struct range){ start, start + item->mem_size };
}

static void add(struct plan *plan, const char *name, struct bytes file, phys_t start, uint64_t size,
		const char *unverified)
{
	const struct plan_item item = {
		.name = name, .file = file, .mem_size = size, .unverified = unverified
	};
	unsigned int index;
	struct err err;

	assert_int_equal(plan_add_item(plan, &item, &index, &err), 0);
	put(plan, index, start);
}

/* A normal load, or a crash kernel's. */
static void make(struct plan *plan, bool crash)
{
	struct err err;

	plan_init(plan, /* warnings= */ NULL);
	memset(initrd_bytes, 0, sizeof(initrd_bytes));
	memset(params_bytes, 0, sizeof(params_bytes));
	put_u32(params_bytes + LINK_LOW, 0x4000000);
	assert_int_equal(range_set_add(&plan->usable, (struct range){ 0x100000, 0x40000000 }, &err),
			 0);
	add(plan, "kernel", (struct bytes){ kernel_bytes, sizeof(kernel_bytes) }, 0x1000000,
	    0x3000000, NULL);
	add(plan, "initrd", (struct bytes){ initrd_bytes, sizeof(initrd_bytes) }, 0x4000000, 0x1000,
	    NULL);
	add(plan, "params", (struct bytes){ params_bytes, sizeof(params_bytes) }, 0x100000, 0x2000,
	    NULL);
	add(plan, "purgatory", (struct bytes){ purgatory_bytes, sizeof(purgatory_bytes) }, 0x102000,
	    0xa000, "its first stage checks it");
	plan->kernel = KERNEL;
	plan->initrd = INITRD;
	plan->params = PARAMS;
	plan->purgatory = PURGATORY;
	plan->floor = 0x1000000;
	plan->footprint = (struct range){ 0x1000000, 0x4000000 };
	plan->kernel_entry = 0x1000200;
	plan->entry = 0x102000;
	plan->link[plan->nr_links++] =
		(struct plan_link){ PARAMS, LINK_LOW, LINK_HIGH, INITRD, 0, sizeof(initrd_bytes) };
	plan->protected_range = calloc(1, sizeof(*plan->protected_range));
	assert_non_null(plan->protected_range);
	plan->protected_range[plan->nr_protected++] =
		(struct plan_protected){ "MEMATTR", { 0x30000000, 0x30001000 } };
	if (!crash)
		return;
	add(plan, "elfcorehdr", (struct bytes){ header_bytes, sizeof(header_bytes) }, 0x3ffff000,
	    0x1000, NULL);
	plan->elfcorehdr = HEADER;
	plan->reservation = (struct range){ 0x100000, 0x40000000 };
	plan->kernel_pages = 0x21000;
	assert_int_equal(
		memmap_add(&plan->e820, (struct range){ 0x100000, 0x3ffff000 }, E820_RAM, &err), 0);
	assert_int_equal(
		range_set_add(&plan->dumped, (struct range){ 0x40000000, 0x80000000 }, &err), 0);
}

static void no_segments(struct plan *plan)
{
	plan->nr_items = 0;
}

static void too_many_segments(struct plan *plan)
{
	plan->nr_items = PLAN_ITEMS_MAX + 1;
}

static void no_kernel(struct plan *plan)
{
	plan->kernel = PLAN_NO_ITEM;
}

static void no_page(struct plan *plan)
{
	put(plan, INITRD, 0x4000800);
}

static void another_size(struct plan *plan)
{
	plan->item[INITRD].mem_size = 0x2000;
}

static void more_file_than_memory(struct plan *plan)
{
	plan->item[INITRD].file = (struct bytes){ params_bytes, 0x2000 };
}

static void outside(struct plan *plan)
{
	put(plan, INITRD, 0x40000000);
}

static void elsewhere(struct plan *plan)
{
	plan->item[INITRD].load = (struct range){ 0x5000000, 0x5001000 };
}

static void over_a_table(struct plan *plan)
{
	put(plan, INITRD, 0x30000000);
}

static void undigested(struct plan *plan)
{
	plan->item[PARAMS].unverified = "forgotten";
}

static void entry_outside(struct plan *plan)
{
	plan->entry = 0x103000;
}

static void overlap(struct plan *plan)
{
	put(plan, INITRD, 0x101000);
}

static void staged_over_another(struct plan *plan)
{
	plan->item[INITRD].staged = true;
	plan->item[INITRD].load = (struct range){ 0x2000000, 0x2001000 };
}

static void staged_over_itself(struct plan *plan)
{
	plan->item[INITRD].staged = true;
	plan->item[INITRD].mem_size = 0x2000;
	plan->item[INITRD].run = (struct range){ 0x4000000, 0x4002000 };
	plan->item[INITRD].load = (struct range){ 0x4001000, 0x4003000 };
}

static void below_the_floor(struct plan *plan)
{
	plan->floor = 0x1200000;
}

static void no_footprint(struct plan *plan)
{
	plan->footprint.end = plan->footprint.start;
}

static void footprint_too_long(struct plan *plan)
{
	plan->footprint.end += 0x1000;
}

static void kernel_entry_outside(struct plan *plan)
{
	plan->kernel_entry = 0x1005000;
}

static void initrd_in_the_room(struct plan *plan)
{
	plan->item[KERNEL].room = 0x3001000;
}

static void room_uncovered(struct plan *plan)
{
	plan->item[KERNEL].mem_size = 0x1000000;
	put(plan, KERNEL, 0x1000000);
	plan->item[KERNEL].room = 0x3000000;
}

static void wrong_link(struct plan *plan)
{
	(void)plan;
	put_u32(params_bytes + LINK_HIGH, 1);
}

static void long_link(struct plan *plan)
{
	plan->link[0].target_size++;
}

static void outside_the_reservation(struct plan *plan)
{
	plan->reservation.start = 0x101000;
}

static void elf(struct plan *plan)
{
	(void)plan;
	memcpy(initrd_bytes, "\177ELF", 4);
}

static void no_room_for_the_kernel(struct plan *plan)
{
	plan->reservation.end = plan->reservation.start + 0x40000000;
	plan->kernel_pages = 0x40000000;
}

static void no_header(struct plan *plan)
{
	plan->elfcorehdr = PLAN_NO_ITEM;
}

static void header_is_ram(struct plan *plan)
{
	plan->e820.entry[0].range.end = 0x40000000;
}

static void dump_is_ram(struct plan *plan)
{
	plan->dumped.range[0].start = 0x3fffe000;
}

static const struct row {
	void (*spoil)(struct plan *plan);
	const char *error;
} rows[] = {
	{ no_segments, "0 segments" },
	{ too_many_segments, "17 segments" },
	{ no_kernel, "no kernel or no purgatory" },
	{ no_page, "initrd: not page-aligned" },
	{ another_size, "initrd: its place is not its size" },
	{ more_file_than_memory, "initrd: 0x2000 bytes of file in 0x1000 of memory" },
	{ outside, "initrd: 0x40000000-0x40001000 is not usable memory" },
	{ elsewhere, "initrd: moved though not staged" },
	{ over_a_table, "initrd lies over MEMATTR" },
	{ undigested, "params has no digest" },
	{ entry_outside, "the entry lies outside the purgatory" },
	{ overlap, "params and initrd overlap" },
	{ staged_over_another, "initrd and kernel overlap" },
	{ staged_over_itself, "initrd: staged over itself" },
	{ below_the_floor,
	  "the kernel's footprint 0x1000000-0x4000000 reaches below its floor 0x1200000" },
	{ no_footprint,
	  "the kernel's footprint 0x1000000-0x1000000 reaches below its floor 0x1000000" },
	{ footprint_too_long,
	  "the kernel's footprint 0x1000000-0x4001000 reaches past its own memory "
	  "0x1000000-0x4000000" },
	{ kernel_entry_outside, "the kernel's entry 0x1005000 lies outside its bytes" },
	{ initrd_in_the_room, "initrd lies in the kernel's footprint" },
	{ room_uncovered, "0x2000000 bytes of the kernel's footprint are in no segment" },
	{ wrong_link, "params: the address at 0x218 does not point into initrd" },
	{ long_link, "params: the address at 0x218 does not point into initrd" },
}, crash_rows[] = {
	{ outside_the_reservation, "params lies outside the reservation" },
	{ elf,
	  "initrd begins as an ELF file: the kernel would take it for the ELF core header" },
	{ no_room_for_the_kernel,
	  "0x3cff2000 bytes of the reservation are left to the kernel, not 0x40000000" },
	{ no_header, "a crash kernel without an ELF core header" },
	{ header_is_ram, "elfcorehdr is RAM for the new kernel" },
	{ dump_is_ram, "0x3fffe000-0x80000000 is to be dumped and is RAM for the new kernel" },
};

static void check(const struct row *row, bool crash)
{
	struct plan plan;
	struct err err;

	make(&plan, crash);
	assert_int_equal(plan_check(&plan, &err), 0);
	row->spoil(&plan);
	assert_int_equal(plan_check(&plan, &err), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_string_equal(err.text, row->error);
	/* plan_done() looks at those that there are. */
	if (plan.nr_items > PLAN_ITEMS_MAX)
		plan.nr_items = 4;
	plan_done(&plan);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i], /* crash= */ false);
}

static void test_crash_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(crash_rows) / sizeof(crash_rows[0]); i++)
		check(&crash_rows[i], /* crash= */ true);
}

/* No step is taken twice, or before the one that it needs. */
static void test_stages(void **state)
{
	struct plan_link link = { PARAMS, LINK_LOW, LINK_HIGH, INITRD, 0, 0x1000 };
	struct plan plan;
	struct err err;

	(void)state;
	make(&plan, /* crash= */ false);
	assert_int_equal(plan_write_link(&plan, &link, &err), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_int_equal(plan_filled(&plan, &err), -1);
	plan.stage = PLAN_PLACED;
	assert_int_equal(plan_place(&plan, NULL, NULL, &err), -1);
	assert_int_equal(plan_filled(&plan, &err), 0);
	assert_int_equal(plan_filled(&plan, &err), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
	plan_done(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_crash_rows),
		cmocka_unit_test(test_stages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
