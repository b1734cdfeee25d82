/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/crash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/cmdline.h"
#include "kexec/core/num.h"
#include "kexec/x86/estimate.h"

enum {
	MIB = 0x100000,
	LOW_MEMORY_END = 0xa0000, /* what kernels before 5.14 use below the first MiB */
	ELF_HEADER_SIZE = 64,	  /* left out of /sys/kernel/crash_elfcorehdr_size */
	KERNEL_PAGES_FIXED = 32,
};

/* Where the image's mapping begins: arch/x86/include/asm/page_64_types.h, __START_KERNEL_map. */
static const uint64_t IMAGE_MAP = UINT64_C(0xffffffff80000000);
/* Without KASLR: the direct map, with 4 levels of paging and with 5, whose addresses begin below
 * those of 4; the image, at the usual LOAD_PHYSICAL_ADDR. */
static const uint64_t DIRECT_MAP_FIXED = UINT64_C(0xffff888000000000);
static const uint64_t DIRECT_MAP_FIXED_5 = UINT64_C(0xff11000000000000);
static const uint64_t KERNEL_ADDRESSES_4 = UINT64_C(0xffff800000000000);
static const uint64_t IMAGE_FIXED = UINT64_C(0xffffffff81000000);

/* --- what the crashed kernel's memory is --------------------------------- */

static bool direct_map(const struct kcore *kcore, uint64_t *ret_base)
{
	for (size_t i = 0; i < kcore->count; i++) {
		if (kcore->segment[i].vaddr >= IMAGE_MAP)
			continue;
		*ret_base = kcore->segment[i].vaddr - kcore->segment[i].paddr;
		return true;
	}
	return false;
}

void crash_forget_kaslr(struct kcore *kcore)
{
	bool has_image = false, has_direct_map = false;
	size_t count = 0;

	for (size_t i = 0; i < kcore->count; i++) {
		struct kcore_segment segment = kcore->segment[i];
		bool is_image = segment.vaddr >= IMAGE_MAP;
		bool *has = is_image ? &has_image : &has_direct_map;

		if (*has)
			continue;
		*has = true;
		kcore->segment[count++] = (struct kcore_segment){
			.vaddr = is_image			      ? IMAGE_FIXED
				 : segment.vaddr < KERNEL_ADDRESSES_4 ? DIRECT_MAP_FIXED_5
								      : DIRECT_MAP_FIXED,
			.paddr = is_image ? segment.paddr : 0,
			.size = is_image ? segment.size : 0,
		};
	}
	kcore->count = count;
}

/* The image has a mapping of its own, which tells a reader the physical base. */
static int add_image(const struct kcore *kcore, const struct range *reserved,
		     struct elfcorehdr *header, struct err *err)
{
	for (size_t i = 0; i < kcore->count; i++) {
		const struct kcore_segment *segment = &kcore->segment[i];
		struct elfcorehdr_load load = {
			.range = { segment->paddr, segment->paddr + segment->size },
			.vaddr = segment->vaddr,
			.found_at = segment->paddr,
		};

		if (segment->vaddr < IMAGE_MAP)
			continue;
		if (range_overlaps(load.range, *reserved))
			return err_set(err, ERR_INPUT,
				       "/proc/kcore: the running kernel's image " PHYS_FMT
				       "-" PHYS_FMT " lies in the reservation for the crash kernel",
				       PHYS(load.range.start), PHYS(load.range.end));
		return elfcorehdr_add_load(header, load, err);
	}
	return 0;
}

static int add_notes(const struct system_crash *running, struct elfcorehdr *header, struct err *err)
{
	for (size_t i = 0; i < running->nr_notes; i++)
		if (elfcorehdr_add_note(header, running->note[i], err))
			return -1;
	return running->vmcoreinfo.size ? elfcorehdr_add_note(header, running->vmcoreinfo, err) : 0;
}

static int add_ram(const struct range_set *ram, uint64_t map_base, struct elfcorehdr *header,
		   struct err *err)
{
	for (size_t i = 0; i < ram->count; i++) {
		struct range range = ram->range[i];
		struct elfcorehdr_load load = {
			.range = range,
			.vaddr = map_base ? map_base + range.start : 0,
			.found_at = range.start,
		};

		if (elfcorehdr_add_load(header, load, err))
			return -1;
	}
	return 0;
}

/* Of all RAM, what the capture kernel will not use itself. */
static int leave_out_own(const struct system *system, const struct crash *crash,
			 struct range_set *ram, struct err *err)
{
	struct range_set low CLEANUP(range_set_done) = { 0 };
	struct range_set backed CLEANUP(range_set_done) = { 0 };

	if (range_set_subtract(ram, crash->main, err) ||
	    (range_is_valid(crash->low) && range_set_subtract(ram, crash->low, err)) ||
	    range_set_subtract_all(ram, &system->crash.cma, err))
		return -1;
	if (range_is_valid(crash->backup_of) && (range_set_add(&low, crash->backup_of, err) ||
						 range_set_intersect(ram, &low, &backed, err)))
		return -1;
	if (range_set_subtract(ram, (struct range){ 0, MIB }, err))
		return -1;
	return range_set_add_all(ram, backed.range, backed.count, err);
}

static uint64_t kernel_pages(const struct range_set *ram)
{
	return ((range_set_total(ram) >> 30) + 1 + KERNEL_PAGES_FIXED) * PAGE_SIZE_4K;
}

static int describe(const struct load_request *request, const struct system *system,
		    struct warnings *warnings, struct crash *crash, struct err *err)
{
	struct range_set ram CLEANUP(range_set_done) = { 0 };
	uint64_t map_base = 0, size, room;

	if (!system->crash.nr_notes)
		warn_add(warnings,
			 "no /sys/devices/system/cpu/cpu*/crash_notes can be read: the dump will "
			 "not have the processors' registers");
	if (!system->crash.vmcoreinfo.size)
		warn_add(warnings, "/sys/kernel/vmcoreinfo cannot be read: makedumpfile and crash "
				   "will not understand the dump");
	if (crash->main.start >= FOUR_GIB && !range_is_valid(crash->low))
		warn_add(
			warnings,
			"the reservation at " PHYS_FMT " is above 4 GiB and there is none below: "
			"devices that reach only there will not work for the capture kernel; boot the "
			"running kernel with crashkernel=...,low, too",
			PHYS(crash->main.start));
	if (!direct_map(&system->kcore, &map_base))
		warn_add(warnings,
			 "/proc/kcore shows no direct map (%s): the dump's program headers will "
			 "have no virtual addresses",
			 system->kcore_unread.text);
	if (iomem_dumped_ram(&system->iomem, &ram, err))
		return -1;
	crash->kernel_pages = kernel_pages(&ram);
	if (leave_out_own(system, crash, &ram, err) ||
	    add_notes(&system->crash, &crash->header, err) ||
	    add_image(&system->kcore, &crash->main, &crash->header, err))
		return -1;
	if (add_ram(&ram, map_base, &crash->header, err) ||
	    elfcorehdr_size(&crash->header, &size, err))
		return -1;
	crash->header_size = size;
	if (request->hotplug && system->crash.elfcorehdr_size + ELF_HEADER_SIZE > size)
		size = system->crash.elfcorehdr_size + ELF_HEADER_SIZE;
	if (!num_align_up(size, PAGE_SIZE_4K, &room) || room > range_size(crash->main)) {
		err_set(err, ERR_NO_FIT,
			"the ELF core header alone has %llu KiB, the reservation %llu KiB",
			(unsigned long long)size / 1024,
			(unsigned long long)range_size(crash->main) / 1024);
		return estimate_advise(request, system, err);
	}
	crash->header_at = (struct range){ crash->main.end - room, crash->main.end };
	crash->ram = (struct range){ crash->main.start, crash->header_at.start };
	if (!range_is_valid(crash->backup_of))
		return 0;
	if (range_size(crash->ram) <= range_size(crash->backup_of)) {
		err_set(err, ERR_NO_FIT,
			"the backup of low memory has %llu KiB, the reservation %llu KiB",
			(unsigned long long)range_size(crash->backup_of) / 1024,
			(unsigned long long)range_size(crash->main) / 1024);
		return estimate_advise(request, system, err);
	}
	crash->ram.end -= range_size(crash->backup_of);
	crash->backup_at = (struct range){ crash->ram.end, crash->header_at.start };
	for (size_t i = 0; i < crash->header.nr_loads; i++) {
		struct elfcorehdr_load *load = &crash->header.load[i];

		if (range_contains(crash->backup_of, load->range))
			load->found_at = crash->backup_at.start +
					 (load->range.start - crash->backup_of.start);
	}
	return 0;
}

int crash_shape(const struct load_request *request, const struct system *system,
		struct warnings *warnings, struct crash *ret, struct err *err)
{
	struct crash crash CLEANUP(crash_done) = { 0 };

	if (system->iomem.zeroed)
		return err_set(
			err, ERR_INPUT,
			"/proc/iomem: every address is 0: the kernel hides them from a reader "
			"without CAP_SYS_ADMIN; run this as root");
	if (iomem_crash_kernel(&system->iomem, &crash.main, &crash.low, err))
		return -1;
	if (!range_is_valid(crash.main)) {
		err_set(err, ERR_INPUT,
			"no memory is reserved for a crash kernel (/proc/iomem has no \"Crash "
			"kernel\")");
		return estimate_advise(request, system, err);
	}
	crash.main = range_shrink_to(crash.main, PAGE_SIZE_4K);
	if (request->backup == CRASH_BACKUP_ALWAYS ||
	    (request->backup == CRASH_BACKUP_AUTO && system->crash.first_mib_in_use))
		crash.backup_of = (struct range){ 0, LOW_MEMORY_END };
	if (describe(request, system, warnings, &crash, err))
		return -1;
	*ret = crash;
	crash = (struct crash){ 0 };
	return 0;
}

/* --- what the capture kernel is told ------------------------------------- */

static int add_entry(struct memmap *map, struct range range, uint32_t type, struct err *err)
{
	return range_is_valid(range) ? memmap_add(map, range, type, err) : 0;
}

int crash_e820(const struct crash *crash, const struct memmap *firmware,
	       const struct system *system, struct memmap *ret, struct err *err)
{
	struct memmap map CLEANUP(memmap_done) = { 0 };

	for (size_t i = 0; i < firmware->count; i++) {
		const struct memmap_entry *entry = &firmware->entry[i];
		struct range range = entry->range;
		uint32_t type =
			entry->type == (uint32_t)E820_SOFT_RESERVED ? E820_RESERVED : entry->type;

		if (type == E820_RAM && range.end > MIB)
			range.end = MIB;
		if (add_entry(&map, range, type, err))
			return -1;
	}
	if (add_entry(&map, crash->ram, E820_RAM, err) ||
	    add_entry(&map, crash->low, E820_RAM, err))
		return -1;
	for (size_t i = 0; i < system->crash.cma.count; i++)
		if (add_entry(&map, system->crash.cma.range[i], E820_RAM, err))
			return -1;
	if (memmap_normalise(&map, /* warnings= */ NULL, err))
		return -1;
	*ret = map;
	map = (struct memmap){ 0 };
	return 0;
}

int crash_dumped(const struct crash *crash, struct range_set *ret, struct err *err)
{
	struct range_set dumped CLEANUP(range_set_done) = { 0 };

	for (size_t i = 0; i < crash->header.nr_loads; i++) {
		const struct elfcorehdr_load *load = &crash->header.load[i];
		struct range range = { load->found_at, load->found_at + range_size(load->range) };

		if (range_set_add(&dumped, range_grow_to(range, PAGE_SIZE_4K), err))
			return -1;
	}
	*ret = dumped;
	dumped = (struct range_set){ 0 };
	return 0;
}

int crash_kernel_pages(const struct system *system, uint64_t *ret, struct err *err)
{
	struct range_set ram CLEANUP(range_set_done) = { 0 };

	if (iomem_dumped_ram(&system->iomem, &ram, err))
		return -1;
	*ret = kernel_pages(&ram);
	return 0;
}

/* Documentation/admin-guide/kernel-parameters.txt, memmap=: the mark of each type. */
static char memmap_mark(uint32_t type)
{
	switch (type) {
	case E820_RAM:
		return '@';
	case E820_ACPI:
		return '#';
	case E820_PRAM:
		return '!';
	default:
		return '$';
	}
}

static int append_memmap(const struct memmap *e820, struct buf *words, struct err *err)
{
	static const char first[] = " memmap=exactmap";
	char word[64];

	if (buf_append(words, first, sizeof(first) - 1, err))
		return -1;
	for (size_t i = 0; i < e820->count; i++) {
		const struct memmap_entry *entry = &e820->entry[i];
		int length = snprintf(word, sizeof(word), " memmap=0x%llx%c0x%llx",
				      (unsigned long long)range_size(entry->range),
				      memmap_mark(entry->type), PHYS(entry->range.start));

		if (buf_append(words, word, (size_t)length, err))
			return -1;
	}
	return 0;
}

int crash_cmdline(const struct crash *crash, const char *cmdline, uint64_t acpi_rsdp,
		  const struct memmap *e820, char **ret, struct err *err)
{
	struct buf words CLEANUP(buf_done) = { 0 };
	char first[80];
	int length =
		snprintf(first, sizeof(first), "elfcorehdr=0x%llx", PHYS(crash->header_at.start));

	if (acpi_rsdp)
		length += snprintf(first + length, sizeof(first) - (size_t)length,
				   " acpi_rsdp=0x%llx", (unsigned long long)acpi_rsdp);
	if (buf_append(&words, first, (size_t)length, err) ||
	    (e820 && append_memmap(e820, &words, err)) || buf_append(&words, "", 1, err))
		return -1;
	return cmdline_add(cmdline, (const char *)words.data, ret, err);
}

void crash_done(struct crash *crash)
{
	elfcorehdr_done(&crash->header);
	*crash = (struct crash){ 0 };
}
