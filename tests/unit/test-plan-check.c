/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A sealed plan with one thing wrong: plan_check() names it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/x86/load.h"
#include "tests/mk/image.h"

static const char iomem[] = "00001000-0009fbff : System RAM\n00100000-3fffffff : System RAM\n"
			    "  10000000-1fffffff : Crash kernel\n";

struct machine {
	uint8_t image[MK_IMAGE_SIZE], initrd[0x3000];
	struct system system;
	struct load load;
};

enum of { NORMAL, CRASH, REAL_MODE };

static void seal(struct machine *machine, enum of of)
{
	struct load_request request = {
		.kernel = { machine->image, sizeof(machine->image) },
		.initrd = { machine->initrd, sizeof(machine->initrd) },
		.cmdline = "",
		.mem_max = PHYS_LIMIT,
		.crash = of == CRASH,
		.real_mode = of == REAL_MODE,
		.spares = LOAD_SPARES_NEVER,
		.stage_initrd = of == NORMAL,
	};
	struct system *system = &machine->system;
	struct err err = { 0 };

	mk_image(machine->image);
	system->has_boot_params = true;
	system->efi.table[system->efi.nr_tables++] =
		(struct efi_table){ "TPMEventLog", 0x3f000000, 0x1000 };
	system->bios = (struct system_bios){ true,
					     { 0 },
					     { 0xff065, 0xfe3fe, 0xff859, 0xfe82e, 0xff000, 0xff000,
					       0xff000 },
					     0x9fc00 };
	if (memmap_add(&system->firmware, (struct range){ 0x0, 0x9fc00 }, E820_RAM, &err) ||
	    memmap_add(&system->firmware, (struct range){ 0x100000, 0x40000000 }, E820_RAM, &err) ||
	    iomem_parse((struct bytes){ (const uint8_t *)iomem, strlen(iomem) }, &system->iomem,
			&err) ||
	    load_place(&request, system, NULL, &machine->load, &err) ||
	    load_seal(&request, system, &machine->load, &err))
		fail_msg("%s", err.text);
}

static void done(struct machine *machine)
{
	load_done(&machine->load);
	system_done(&machine->system);
}

/* --- what is wrong ----------------------------------------------------------- */

static struct plan_item *item(struct plan *plan, const char *name)
{
	for (unsigned int i = 0; i < plan->nr_items; i++)
		if (!strcmp(plan->item[i].name, name))
			return &plan->item[i];
	fail_msg("no %s", name);
	return NULL;
}

static void move(struct plan_item *which, phys_t to)
{
	which->load = which->run = (struct range){ to, to + which->mem_size };
}

static void too_many(struct plan *plan)
{
	plan->nr_items = 17;
}

static void no_purgatory(struct plan *plan)
{
	plan->purgatory = PLAN_NO_ITEM;
}

static void odd_address(struct plan *plan)
{
	item(plan, "params")->load.start += 0x10;
}

static void too_short(struct plan *plan)
{
	item(plan, "params")->load.end -= PAGE_SIZE_4K;
}

static void more_file(struct plan *plan)
{
	item(plan, "params")->file.size = item(plan, "params")->mem_size + 1;
}

static void outside(struct plan *plan)
{
	move(item(plan, "params"), 0x80000);
}

static void over_a_table(struct plan *plan)
{
	struct err err;

	assert_int_equal(
		range_set_add(&plan->usable, (struct range){ 0x3f000000, 0x3f001000 }, &err), 0);
	move(item(plan, "params"), 0x3f000000);
}

static void in_the_first_mib(struct plan *plan)
{
	struct err err;

	assert_int_equal(range_set_add(&plan->usable, (struct range){ 0x1000, 0x9f000 }, &err), 0);
	item(plan, "initrd")->staged = false;
	move(item(plan, "initrd"), 0x30000);
}

static void staged_in_the_first_mib(struct plan *plan)
{
	in_the_first_mib(plan);
	item(plan, "initrd")->run =
		(struct range){ 0x30000000, 0x30000000 + item(plan, "initrd")->mem_size };
	item(plan, "initrd")->staged = true;
}

static void setup_code_outside(struct plan *plan)
{
	move(item(plan, "params"), 0x30000000);
	plan->kernel_entry = 0x30000000;
}

static void entered_beside_setup_code(struct plan *plan)
{
	plan->kernel_entry = item(plan, "params")->run.end;
}

static void setup_code_enters_another_kernel(struct plan *plan)
{
	put_u32(item(plan, "params")->own.data + SETUP_HEADER_OFFSET +
			offsetof(struct setup_header, code32_start),
		(uint32_t)item(plan, "kernel")->run.start + 0x200000);
}

static void no_digest(struct plan *plan)
{
	item(plan, "initrd")->unverified = "nobody minds";
}

static void entry_outside(struct plan *plan)
{
	plan->entry = item(plan, "kernel")->run.start;
}

static void overlap(struct plan *plan)
{
	move(item(plan, "params"), item(plan, "purgatory")->load.start);
}

static void staged_over_itself(struct plan *plan)
{
	item(plan, "initrd")->load = item(plan, "initrd")->run;
}

static void below_the_floor(struct plan *plan)
{
	plan->floor = plan->footprint.start + 1;
}

static void past_its_memory(struct plan *plan)
{
	plan->footprint.end += PAGE_SIZE_4K;
}

static void kernel_entry_outside(struct plan *plan)
{
	plan->kernel_entry += 0x1000000;
}

static void in_no_segment(struct plan *plan)
{
	struct plan_item *kernel = item(plan, "kernel");

	kernel->room = kernel->mem_size;
	kernel->mem_size -= PAGE_SIZE_4K;
	move(kernel, kernel->run.start);
}

static void wrong_link(struct plan *plan)
{
	plan->link[0].target_offset += 8;
}

static void outside_the_reservation(struct plan *plan)
{
	plan->reservation.start += 0x2000000;
}

static void too_little_left(struct plan *plan)
{
	plan->kernel_pages = range_size(plan->reservation);
}

static void no_header(struct plan *plan)
{
	item(plan, "elfcorehdr")->file.size = 0;
	plan->elfcorehdr = PLAN_NO_ITEM;
}

static void as_an_elf_file(struct plan *plan)
{
	memcpy(item(plan, "params")->own.data, "\177ELF", 4);
}

static void add_ram(struct plan *plan, phys_t start, phys_t end)
{
	struct err err;

	assert_int_equal(memmap_add(&plan->e820, (struct range){ start, end }, E820_RAM, &err), 0);
}

static void header_is_ram(struct plan *plan)
{
	add_ram(plan, item(plan, "elfcorehdr")->run.end - 1, item(plan, "elfcorehdr")->run.end);
}

static void first_dumped_is_ram(struct plan *plan)
{
	add_ram(plan, 0x100000, 0x100001);
}

/* Found though it is the last, and its entry the first of the map. */
static void last_dumped_is_ram(struct plan *plan)
{
	struct memmap_entry *entry;

	add_ram(plan, 0x3fffffff, 0x40000000);
	entry = &plan->e820.entry[plan->e820.count - 1];
	for (struct memmap_entry *first = plan->e820.entry; entry > first; entry--) {
		struct memmap_entry kept = *entry;

		*entry = entry[-1];
		entry[-1] = kept;
	}
}

struct wrong {
	void (*make)(struct plan *plan);
	const char *text;
};

static const struct wrong of_any[] = {
	{ too_many, "17 segments" },
	{ no_purgatory, "no kernel or no purgatory" },
	{ odd_address, "params: not page-aligned" },
	{ too_short, "params: its place is not its size" },
	{ more_file, "bytes of file in 0x" },
	{ outside, "params: 0x80000-" },
	{ no_digest, "initrd has no digest" },
	{ entry_outside, "the entry lies outside the purgatory" },
	{ overlap, " overlap" },
	{ below_the_floor, "reaches below its floor" },
	{ past_its_memory, "reaches past its own memory" },
	{ kernel_entry_outside, "the kernel's entry " },
	{ in_no_segment, "0x1000 bytes of the kernel's footprint are in no segment" },
	{ wrong_link, "the address at 0x" },
};

static const struct wrong of_normal[] = {
	{ in_the_first_mib, "initrd lies in the first MiB" },
	{ over_a_table, "params lies over TPMEventLog" },
	{ staged_over_itself, "initrd: staged over itself" },
};

static const struct wrong of_real_mode[] = {
	{ in_the_first_mib, "initrd lies in the first MiB" },
	{ staged_in_the_first_mib, "initrd lies in the first MiB" },
	{ setup_code_outside, "params lies outside the first MiB" },
	{ entered_beside_setup_code, "the kernel's entry 0x20000 lies outside" },
	{ setup_code_enters_another_kernel, "does not point into kernel" },
};

static const struct wrong of_crash[] = {
	{ outside_the_reservation, "lies outside the reservation" },
	{ too_little_left, "bytes of the reservation are left to the kernel, not 0x10000000" },
	{ no_header, "a crash kernel without an ELF core header" },
	{ as_an_elf_file, "params begins as an ELF file" },
	{ header_is_ram, "elfcorehdr is RAM for the new kernel" },
	{ first_dumped_is_ram, "0x100000-0x10000000 is to be dumped and is RAM" },
	{ last_dumped_is_ram, "0x20000000-0x40000000 is to be dumped and is RAM" },
};

static void check(const struct wrong *wrong, size_t count, enum of of)
{
	for (size_t i = 0; i < count; i++) {
		struct machine machine = { 0 };
		struct err err = { 0 };
		unsigned int items;

		seal(&machine, of);
		assert_int_equal(plan_check(&machine.load.plan, &err), 0);
		items = machine.load.plan.nr_items;
		wrong[i].make(&machine.load.plan);
		if (!plan_check(&machine.load.plan, &err))
			fail_msg("not noticed: \"%s\"", wrong[i].text);
		if (!strstr(err.text, wrong[i].text) || err.code != ERR_INTERNAL)
			fail_msg("\"%s\" for \"%s\"", err.text, wrong[i].text);
		machine.load.plan.nr_items = items;
		done(&machine);
	}
}

#define CHECK(list, of) check(list, sizeof(list) / sizeof((list)[0]), of)

static void what_is_wrong_with_a_load_is_named(void **state)
{
	(void)state;
	CHECK(of_any, NORMAL);
	CHECK(of_normal, NORMAL);
}

static void what_is_wrong_with_a_crash_kernel_is_named(void **state)
{
	(void)state;
	CHECK(of_any, CRASH);
	CHECK(of_crash, CRASH);
}

static void what_is_wrong_in_real_mode_is_named(void **state)
{
	(void)state;
	CHECK(of_any, REAL_MODE);
	CHECK(of_real_mode, REAL_MODE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_with_a_load_is_named),
		cmocka_unit_test(what_is_wrong_with_a_crash_kernel_is_named),
		cmocka_unit_test(what_is_wrong_in_real_mode_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
