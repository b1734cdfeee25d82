/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/load.h"

#include <lzma.h>
#include <stdio.h>
#include <string.h>

#include "kexec/core/cmdline.h"
#include "kexec/core/sha256.h"
#include "kexec/x86/direct.h"
#include "kexec/x86/estimate.h"
#include "kexec/x86/program.h"
#include "kexec/x86/purgatory_image.h"
#include "kexec/x86/realmode.h"
#include "purgatory-abi.h"
#include "purgatory/sha256.h"
#include "x86/bootparam.h"

enum {
	FIRST_MIB = 0x100000,
	/* The kernel's own loader keeps initrds above this, so out of ZONE_DMA:
	 * MIN_INITRD_LOAD_ADDR in arch/x86/kernel/kexec-bzimage64.c. */
	INITRD_FROM = 0x1000000,
	/* A kernel of 32 bits unpacks itself below __PAGE_OFFSET less 128 MiB, as a physical address, or
	 * halts: extract_kernel() in arch/x86/boot/compressed/misc.c, with the usual 3 GiB split. */
	KERNEL_32BIT_END = 0x38000000,
	RESET_DELAY_SECONDS = 10,
	SERIAL_CLOCK = 115200,
};

static const char first_mib[] = "the end of the first MiB";

static int add_segment(struct plan *plan, const struct plan_item *item, unsigned int *ret_index,
		       struct err *err)
{
	struct plan_item segment = *item;

	if (!num_align_up(item->own.data ? item->own.size : item->mem_size, PAGE_SIZE_4K,
			  &segment.mem_size))
		return err_set(err, ERR_INPUT, "%s: 0x%llx bytes are too many", item->name,
			       (unsigned long long)item->mem_size);
	if (item->own.data)
		segment.file = buf_bytes(&item->own);
	return plan_add_item(plan, &segment, ret_index, err);
}

/* The lowest start of a segment: its own, or what was asked for. */
static void set_lowest(struct plan_item *item, const struct load_request *request, phys_t own,
		       const char *own_is)
{
	bool asked = request->mem_min > own;

	item->min = asked ? request->mem_min : own;
	item->min_is = asked ? "--mem-min" : own_is;
}

/* Its file is not what is loaded. */
static bool is_unpacked(const struct load *load)
{
	return load->is_direct || load->image.is_program;
}

static int shape_kernel(const struct load_request *request, struct load *load, bool drawn,
			phys_t max, struct err *err)
{
	struct plan *plan = &load->plan;
	const struct footprint_of *of = &load->image.footprint;
	struct plan_item item = {
		.name = "kernel",
		.purpose = is_unpacked(load)
				   ? "the kernel: unpacked, runs as soon as it is entered"
				   : "the kernel: unpacks itself within its footprint, and runs",
		.file = is_unpacked(load) ? vmlinux_image(&load->vmlinux) : load->image.protected,
		.mem_size = of->init_size,
		.align = of->relocatable ? of->alignment : PAGE_SIZE_4K,
		.max = max,
		.fixed = !of->relocatable,
		.drawn = drawn,
		.draw = drawn && request->random ? request->random->physical : 0,
	};

	if (load->image.end_max)
		item.max = num_min(max, load->image.end_max);
	if (!(load->image.xloadflags & XLF_KERNEL_64) && load->image.told == IMAGE_TOLD_LINUX)
		item.max = num_min(max, KERNEL_32BIT_END);
	if (item.fixed && request->mem_min > of->pref_address)
		return err_set(err, ERR_NO_FIT,
			       "the kernel is not relocatable and runs only at " PHYS_FMT
			       ", below --mem-min=" PHYS_FMT,
			       PHYS(of->pref_address), PHYS(request->mem_min));
	plan->floor = of->pref_address;
	if (item.fixed) {
		item.min = of->pref_address;
		item.min_is = "where a kernel runs that is not relocatable";
	} else {
		set_lowest(&item, request, of->pref_address, "its floor");
	}
	return add_segment(plan, &item, &plan->kernel, err);
}

static int shape_params(const struct load_request *request, const struct system *system,
			struct load *load, phys_t max, struct err *err)
{
	struct plan *plan = &load->plan;
	bool is_linux = load->image.told == IMAGE_TOLD_LINUX;
	struct plan_item item = {
		.name = "params",
		.purpose = !is_linux ? "what the new kernel is told of the machine and of itself"
			   : plan->real_mode
				   ? "the new kernel's setup code, with its stack, command "
				     "line and setup data"
				   : "the new kernel's zero page, command line and setup data",
		.align = PAGE_SIZE_4K,
		.max = max,
		.fixed = plan->real_mode,
	};

	if (load->image.told == IMAGE_TOLD_NOTHING)
		return 0;
	set_lowest(&item, request, FIRST_MIB, first_mib);
	if (plan->real_mode) {
		if (request->mem_min > REALMODE_AT)
			return err_set(err, ERR_NO_FIT,
				       "in real mode the kernel's setup code runs at 0x%x, below "
				       "--mem-min=" PHYS_FMT,
				       REALMODE_AT, PHYS(request->mem_min));
		item.min = REALMODE_AT;
		item.min_is = "where a BIOS has no data of its own";
	}
	if ((is_linux ? buf_extend(&item.own, load->bootparams.size, err)
		      : program_tell(request, system, load, &item.own, err)) ||
	    add_segment(plan, &item, &plan->params, err)) {
		buf_done(&item.own);
		return -1;
	}
	return 0;
}

/* Bytes from its start that have digests; and spares, where there are any. */
static uint64_t digested(const struct load *load, unsigned int index)
{
	const struct plan_item *item = &load->plan.item[index];

	if (index == load->plan.elfcorehdr)
		return load->crash.header_size;
	return item->unverified ? 0 : item->file.size;
}

static uint32_t chunks(uint64_t size)
{
	return (uint32_t)((size + PURGATORY_CHUNK_SIZE - 1) / PURGATORY_CHUNK_SIZE);
}

/* The purgatory's segment: its image, its bss, then the tables. It is the last
 * to be shaped, for its tables have a line for each of the others. */
struct purgatory_layout {
	uint64_t image_size, regions_at, digests_at, size, stage2_size;
	uint32_t nr_regions, nr_chunks;
};

static struct purgatory_layout purgatory_layout(const struct load *load)
{
	struct bytes image = { purgatory_image, (size_t)(purgatory_image_end - purgatory_image) };
	struct cursor at = cursor_at(image, PURGATORY_PARAMS_OFFSET +
						    offsetof(struct purgatory_params, image_size));
	struct purgatory_layout layout = { .image_size = cursor_u64(&at) };

	for (unsigned int i = 0; i < load->plan.nr_items; i++) {
		layout.nr_regions += digested(load, i) > 0;
		layout.nr_chunks += chunks(digested(load, i));
	}
	layout.regions_at = (layout.image_size + 63) & ~UINT64_C(63);
	layout.digests_at = layout.regions_at + layout.nr_regions * sizeof(struct purgatory_region);
	layout.size = layout.digests_at + (uint64_t)layout.nr_chunks * PURGATORY_DIGEST_SIZE;
	layout.stage2_size = layout.size - PURGATORY_STAGE2_OFFSET;
	return layout;
}

static int shape_purgatory(const struct load_request *request, struct load *load, struct err *err)
{
	struct plan *plan = &load->plan;
	struct purgatory_layout layout = purgatory_layout(load);
	struct plan_item item = {
		.name = "purgatory",
		.purpose = plan->unverified
				   ? "entered first: verifies no segment, enters the kernel"
				   : "entered first: verifies every segment, then enters "
				     "the kernel",
		.align = PAGE_SIZE_4K,
		.max = load->image.entry_32bit ? num_min(request->mem_max, FOUR_GIB)
					       : request->mem_max,
		.unverified = "its first stage checks it",
	};

	set_lowest(&item, request, FIRST_MIB, first_mib);
	if (buf_append(&item.own, purgatory_image, (size_t)(purgatory_image_end - purgatory_image),
		       err) ||
	    buf_extend(&item.own, layout.size, err) ||
	    add_segment(plan, &item, &plan->purgatory, err)) {
		buf_done(&item.own);
		return -1;
	}
	return 0;
}

/* Such a 64-bit entry cannot be used, but without paging any can. */
static bool needs_4_levels(const struct system *system, const struct bzimage *image)
{
	return system->la57 && image->xloadflags & XLF_KERNEL_64 &&
	       !(image->xloadflags & XLF_5LEVEL);
}

static int explain_entry(const struct load_request *request, const struct system *system,
			 struct load *load, struct err *err)
{
	const struct bzimage *image = &load->image;
	const char *why = "it has no 64-bit entry";

	if (!image->entry_32bit)
		return 0;
	if (image->real_mode) {
		if (realmode_reads_disks(image, request->cmdline))
			warn_add(
				load->plan.warnings,
				"the kernel's setup code lets the BIOS read each disk, whose "
				"controllers the running kernel has used: it may wait long for them; "
				"with edd=off on its command line it does not");
		return plan_reason(
			&load->plan, err,
			"entered in real mode, through its setup code, as asked: that asks the "
			"BIOS for memory map and screen");
	}
	if (image->is_program)
		why = "such kernels are";
	else if (needs_4_levels(system, image))
		why = "the machine runs with 5-level paging, with which its 64-bit entry cannot "
		      "be used";
	if (request->entry_32bit)
		why = "as asked";
	if (system->is_guest_without_io)
		return err_set(
			err, ERR_INPUT,
			"the kernel would be entered in 32-bit mode (%s), and in a guest "
			"with encrypted registers (SEV-ES, SEV-SNP, TDX) long mode cannot be "
			"left",
			why);
	return plan_reason(&load->plan, err, "entered in 32-bit mode: %s", why);
}

static int list_protected(const struct system *system, struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < system->efi.nr_tables; i++) {
		const struct efi_table *table = &system->efi.table[i];
		struct plan_protected entry = { .range = { table->address,
							   table->address + table->size } };

		if (array_grow(&plan->protected_range, &plan->protected_room, plan->nr_protected,
			       sizeof(entry), err))
			return -1;
		entry.range = range_grow_to(entry.range, PAGE_SIZE_4K);
		memcpy(entry.name, table->name, sizeof(entry.name));
		plan->protected_range[plan->nr_protected++] = entry;
	}
	return 0;
}

static struct bootparams_request bootparams_request(const struct load_request *request,
						    const struct system *system,
						    const struct load *load)
{
	return (struct bootparams_request){
		.image = &load->image,
		.system = system,
		.e820 = &load->plan.e820,
		.cmdline = load->plan.cmdline,
		.seed = request->seed,
		.dtb = request->dtb,
		.no_efi = request->no_efi,
		.kaslr = load->kaslr,
	};
}

struct machine {
	const struct system *system;
	const struct crash *crash;
};

static const char *what_is_in(const void *context, struct range *range)
{
	const struct machine *machine = context;
	const struct crash *crash = machine->crash;

	if (range_is_valid(crash->main)) {
		*range = range_first_part(*range, crash->main);
		*range = range_first_part(*range, crash->low);
		if (range_overlaps(*range, crash->low))
			return "the lower reservation, which takes no segments";
		if (!range_overlaps(*range, crash->main))
			return "memory outside the reservation";
	}
	return system_what_is_in(machine->system, range);
}

/* --- a crash kernel ------------------------------------------------------ */

/* Before 6.9 (arch/x86/kernel/cpu/topology.c) a kernel that is not on the CPU that the firmware
 * started sends that one an INIT when it starts its CPUs, which resets the machine. */
static void warn_of_cpus(const struct load *load, const struct system *system)
{
	static const char *const words[] = { "nr_cpus", "maxcpus", "nosmp", "disable_cpu_apicid" };
	unsigned int major, minor;

	if (sscanf(load->image.version, "%u.%u", &major, &minor) != 2 || major > 6 ||
	    (major == 6 && minor >= 9) || system->crash.nr_notes < 2 || !system->has_boot_apicid)
		return;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (cmdline_has(load->plan.cmdline, words[i]))
			return;
	warn_add(load->plan.warnings,
		 "Linux %u.%u with several CPUs resets the machine if the panic is not on the boot "
		 "CPU: add disable_cpu_apicid=%u or nr_cpus=1 to its command line",
		 major, minor, system->boot_apicid);
}

static int shape_crash(const struct load_request *request, const struct system *system,
		       struct load *load, struct err *err)
{
	struct memmap e820 CLEANUP(memmap_done) = { 0 };
	struct plan *plan = &load->plan;
	/* From 2.14 on the zero page has a field for it. */
	uint64_t rsdp = load->image.protocol < 0x20e ? system->acpi_rsdp : 0;

	if (crash_shape(request, system, plan->warnings, &load->crash, err) ||
	    system_usable(system, &plan->e820, load->crash.main, &plan->usable, err) ||
	    crash_e820(&load->crash, &plan->e820, system, &e820, err) ||
	    crash_dumped(&load->crash, &plan->dumped, err) ||
	    crash_cmdline(&load->crash, request->cmdline, rsdp,
			  request->memmap_cmdline ? &e820 : NULL, &plan->cmdline, err))
		return -1;
	warn_of_cpus(load, system);
	memmap_done(&plan->e820);
	plan->e820 = e820;
	e820 = (struct memmap){ 0 };
	plan->reservation = load->crash.main;
	plan->kernel_pages = load->crash.kernel_pages;
	plan->hotplug = request->hotplug;
	return 0;
}

/* What the capture kernel must not use: the ELF core header, and the backup. */
static int shape_kept(const struct crash *crash, struct plan *plan, struct err *err)
{
	struct plan_item header = {
		.name = "elfcorehdr",
		.purpose = "the ELF core header, from which the capture kernel makes /proc/vmcore",
		.align = PAGE_SIZE_4K,
		.min = crash->header_at.start,
		.min_is = "the end of the reservation, so that the RAM handed on is one range",
		.max = crash->header_at.end,
		.fixed = true,
		.unverified = plan->hotplug ? "the running kernel rewrites it" : NULL,
	};
	struct plan_item backup = {
		.name = "backup",
		.purpose = "where the purgatory saves low memory for the dump",
		.mem_size = range_size(crash->backup_at),
		.align = PAGE_SIZE_4K,
		.min = crash->backup_at.start,
		.min_is = "below the ELF core header, so that the RAM handed on is one range",
		.max = crash->backup_at.end,
		.fixed = true,
		.unverified = "the purgatory writes it",
	};

	if (!range_is_valid(crash->header_at))
		return 0;
	if (buf_extend(&header.own, range_size(crash->header_at), err) ||
	    add_segment(plan, &header, &plan->elfcorehdr, err)) {
		buf_done(&header.own);
		return -1;
	}
	return backup.mem_size ? add_segment(plan, &backup, &plan->backup, err) : 0;
}

static uint64_t initrd_size(const struct plan *plan)
{
	return plan->initrd == PLAN_NO_ITEM ? 0 : plan->item[plan->initrd].file.size;
}

/* Nobody needs a spare once the kernel runs, so it may lie where the kernel alone writes, and
 * does so only then: in the footprint, behind the decompressor. The larger first. */
static int use_footprint(struct load *load, struct err *err)
{
	struct plan *plan = &load->plan;
	const struct spares *spares = &load->spares;
	struct plan_item *kernel = &plan->item[plan->kernel];
	bool initrd_first = initrd_size(plan) > kernel->file.size;
	const unsigned int spare[] = { initrd_first ? spares->initrd : spares->kernel,
				       initrd_first ? spares->kernel : spares->initrd,
				       spares->small };
	struct plan_item rest = {
		.name = "footprint",
		.purpose = "keeps pages of the running kernel out of the rest of the footprint",
		.align = PAGE_SIZE_4K,
		.unverified = "only the new kernel writes it",
	};
	uint64_t wrapper, used;
	unsigned int ignored;

	if (!num_align_up(load->image.footprint.wrapper_size, PAGE_SIZE_4K, &wrapper))
		return err_set(err, ERR_INTERNAL, "the decompressor has no end");
	used = wrapper;
	for (size_t i = 0; i < sizeof(spare) / sizeof(spare[0]); i++) {
		struct plan_item *item;

		if (spare[i] == PLAN_NO_ITEM)
			continue;
		item = &plan->item[spare[i]];
		if (used + item->mem_size > kernel->mem_size)
			continue;
		item->in_room = used;
		used += item->mem_size;
	}
	if (used == wrapper)
		return 0;
	kernel->room = kernel->mem_size;
	kernel->mem_size = wrapper;
	rest.in_room = used;
	rest.mem_size = kernel->room - used;
	return rest.mem_size ? add_segment(plan, &rest, &ignored, err) : 0;
}

/*
 * A second copy of everything that was loaded and that the purgatory can repair, in three
 * segments: of the kernel, of the initrd, and one of all that is small. The last begins
 * with the parameters, for no spare may begin as an ELF file does.
 */
static int shape_spares(const struct load_request *request, struct load *load, phys_t max,
			struct err *err)
{
	struct plan *plan = &load->plan;
	struct spares *spares = &load->spares;
	struct plan_item item = {
		.align = PAGE_SIZE_4K,
		.max = max,
		.unverified = "a spare copy",
	};

	set_lowest(&item, request, FIRST_MIB, first_mib);
	item.name = "spare kernel";
	item.purpose = "a second copy of the kernel, to repair it from";
	item.file = plan->item[plan->kernel].file;
	item.mem_size = item.file.size;
	if (add_segment(plan, &item, &spares->kernel, err))
		return -1;
	if (plan->initrd != PLAN_NO_ITEM) {
		item.name = "spare initrd";
		item.purpose = "a second copy of the initrd, to repair it from";
		item.file = plan->item[plan->initrd].file;
		item.mem_size = item.file.size;
		if (add_segment(plan, &item, &spares->initrd, err))
			return -1;
	}
	spares->purgatory_at = plan->item[plan->params].mem_size;
	spares->header_at = spares->purgatory_at + plan->item[plan->purgatory].mem_size;
	item.name = "spares";
	item.purpose = "a second copy of params, purgatory and elfcorehdr";
	item.file = (struct bytes){ 0 };
	if (buf_extend(&item.own, spares->header_at + digested(load, plan->elfcorehdr), err) ||
	    add_segment(plan, &item, &spares->small, err)) {
		buf_done(&item.own);
		return -1;
	}
	return use_footprint(load, err);
}

/* Where the spare of an item is; 0: it has none. */
static phys_t spare_of(const struct load *load, unsigned int index)
{
	const struct plan *plan = &load->plan;
	const struct spares *spares = &load->spares;
	phys_t small;

	if (spares->small == PLAN_NO_ITEM || !digested(load, index))
		return 0;
	small = plan->item[spares->small].run.start;
	if (index == plan->kernel)
		return plan->item[spares->kernel].run.start;
	if (index == plan->initrd)
		return plan->item[spares->initrd].run.start;
	return index == plan->params ? small : small + spares->header_at;
}

static uint64_t segments_size(const struct plan *plan)
{
	uint64_t size = 0;

	for (unsigned int i = 0; i < plan->nr_items; i++)
		size += plan->item[i].mem_size;
	return size;
}

static uint64_t reservation_needed(const struct plan *plan)
{
	return plan->kernel_pages + segments_size(plan);
}

static void list_sizes(const struct plan *plan, struct err *err)
{
	for (unsigned int i = 0; i < plan->nr_items; i++)
		err_append(err, "%s%s %llu", i ? ", " : "", plan->item[i].name,
			   (unsigned long long)plan->item[i].mem_size / 1024);
}

static int check_half(const struct plan *plan, struct err *err)
{
	uint64_t size = segments_size(plan);

	if (size <= plan->segments_max)
		return 0;
	err_set(err, ERR_NO_FIT, "the segments have %llu KiB (", (unsigned long long)size / 1024);
	list_sizes(plan, err);
	return err_append(err,
			  "), the running kernel takes half of its memory at most, %llu KiB: use "
			  "a smaller kernel or initrd",
			  (unsigned long long)plan->segments_max / 1024);
}

/* What a reservation for this plan would have, and what to do for it. */
static int larger_reservation(const struct load_request *request, const struct system *system,
			      const struct plan *plan, uint64_t *ret_size,
			      char ret_remedy[ESTIMATE_REMEDY_MAX], struct err *err)
{
	struct estimate capture;

	if (estimate_capture(request, system, &capture, err))
		return -1;
	*ret_size = estimate_crashkernel(reservation_needed(plan), &capture);
	return estimate_remedy(system, segments_size(plan), *ret_size, ret_remedy, err);
}

/* Before the kernel gives the old crash kernel up for one that it will refuse. */
static int check_reservation(const struct load_request *request, const struct system *system,
			     const struct plan *plan, struct err *err)
{
	uint64_t size = range_size(plan->reservation), needed = reservation_needed(plan), larger;
	char remedy[ESTIMATE_REMEDY_MAX];

	if (!range_is_valid(plan->reservation) || needed <= size)
		return 0;
	if (larger_reservation(request, system, plan, &larger, remedy, err))
		return -1;
	err_set(err, ERR_NO_FIT, "crash kernel: %llu KiB are needed (",
		(unsigned long long)needed / 1024);
	list_sizes(plan, err);
	return err_append(err,
			  ", the running kernel's page tables %llu), the reservation " PHYS_FMT
			  "-" PHYS_FMT " has %llu KiB, %llu KiB too few: %s",
			  (unsigned long long)plan->kernel_pages / 1024,
			  PHYS(plan->reservation.start), PHYS(plan->reservation.end),
			  (unsigned long long)size / 1024,
			  (unsigned long long)(needed - size + 1023) / 1024, remedy);
}

/* The first that found no place. */
static const struct plan_item *unplaced(const struct plan *plan)
{
	unsigned int i = 0;

	while (i < plan->nr_items - 1 && range_is_valid(plan->item[i].load))
		i++;
	return &plan->item[i];
}

/* The options that keep an item off a part of the reservation; NULL: none. */
static const char *cutting_options(const struct load_request *request, const struct plan_item *item,
				   struct range reservation)
{
	bool below = request->mem_min > reservation.start && item->min == request->mem_min;
	bool above = request->mem_max < reservation.end;

	if (below && above)
		return "--mem-min and --mem-max";
	if (below)
		return "--mem-min";
	return above ? "--mem-max" : NULL;
}

/* In a reservation that is large enough in all: what keeps an item out of it. */
static int advise(const struct load_request *request, const struct system *system,
		  const struct plan *plan, struct err *err)
{
	const struct range reservation = plan->reservation;
	const struct plan_item *item = unplaced(plan);
	char remedy[ESTIMATE_REMEDY_MAX];
	const char *options;
	uint64_t larger;
	struct err lost;

	if (err->code != ERR_NO_FIT || !range_is_valid(reservation) ||
	    reservation_needed(plan) > range_size(reservation))
		return -1;
	if (larger_reservation(request, system, plan, &larger, remedy, &lost)) {
		*err = lost;
		return -1;
	}
	err_advise(err,
		   "; only the reservation for the crash kernel, " PHYS_FMT "-" PHYS_FMT
		   ", is used",
		   PHYS(reservation.start), PHYS(reservation.end));
	if (item->fixed)
		return err_advise(err, ": use a kernel that is relocatable");
	if (item->max < request->mem_max && item->max < reservation.end)
		return err_advise(
			err, ", which lies too high for this kernel: %s%s",
			request->entry_32bit ? "do without --entry-32bit, or "
					     : "use one that can be loaded there, or ",
			reservation.start < FOUR_GIB
				? "boot the running kernel with crashkernel=...M@..., lower"
				: "boot the running kernel with crashkernel=...M, without "
				  ",high");
	options = cutting_options(request, item, reservation);
	if (options)
		return err_advise(err, ", of which too little is left by %s: do without", options);
	if (larger <= range_size(reservation))
		return err_advise(err, ": boot the running kernel with a larger crashkernel=");
	return err_advise(err, ": %s", remedy);
}

/*
 * Of what is usable below 4 GiB. The running kernel copies a segment to pages that are free; each
 * that belongs to a later one is put aside, and looked for at each page from then on
 * (kimage_alloc_page() in kernel/kexec_core.c). Where much memory is free, it takes the lowest first.
 */
static phys_t middle(const struct range_set *usable)
{
	phys_t end = 0;

	for (size_t i = 0; i < usable->count && usable->range[i].start < FOUR_GIB; i++)
		end = num_min(usable->range[i].end, FOUR_GIB);
	return num_align_down(end / 2, PAGE_SIZE_4K);
}

/* Before protocol 2.14 only the command line can tell where ACPI is, which UEFI alone hides. */
static int plain_cmdline(const struct load_request *request, const struct system *system,
			 const struct load *load, char **ret, struct err *err)
{
	bool untold = load->image.protocol < 0x20e && system->efi.booted && system->acpi_rsdp;
	char word[40];

	if (!untold) {
		*ret = strdup(request->cmdline);
		return *ret ? 0 : err_no_memory(err);
	}
	snprintf(word, sizeof(word), "acpi_rsdp=0x%llx", (unsigned long long)system->acpi_rsdp);
	return cmdline_add(request->cmdline, word, ret, err);
}

static int shape(const struct load_request *request, const struct system *system, bool with_spares,
		 bool drawn, struct load *load, struct err *err)
{
	struct plan *plan = &load->plan;
	struct bootparams_request parameters;
	phys_t max = request->mem_max, initrd_max;
	bool high = !load->image.entry_32bit && load->image.xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G;

	if (explain_entry(request, system, load, err) ||
	    (load->image.is_program ? program_explain(request, system, load, err)
				    : direct_explain(request, load, err)) ||
	    system_e820(system, &plan->e820, plan->warnings, err) ||
	    list_protected(system, plan, err))
		return -1;
	plan->segments_max = estimate_segments_max(system);
	if (!high)
		max = num_min(max, FOUR_GIB);
	plan->below_4g = load->image.entry_32bit;
	plan->real_mode = load->image.real_mode;
	if (request->crash) {
		if (shape_crash(request, system, load, err))
			return -1;
	} else {
		if (system_usable(system, &plan->e820, RANGE_ALL, &plan->usable, err) ||
		    (plan->real_mode && realmode_use(system, &plan->e820, &plan->usable, err)))
			return -1;
		if (load->image.told == IMAGE_TOLD_LINUX
			    ? plain_cmdline(request, system, load, &plan->cmdline, err)
			    : program_cmdline(request, &load->image, &plan->cmdline, err))
			return -1;
	}
	parameters = bootparams_request(request, system, load);
	if (load->image.told == IMAGE_TOLD_LINUX &&
	    bootparams_shape(&parameters, &load->bootparams, plan->warnings, err))
		return -1;

	if (shape_kernel(request, load, drawn, max, err))
		return -1;
	initrd_max = high ? max : num_min(max, (phys_t)load->image.initrd_addr_max + 1);
	if (request->initrd.size) {
		struct plan_item item = {
			.name = request->nr_modules ? "modules" : "initrd",
			.purpose = request->nr_modules ? "the kernel's modules, each on its pages"
						       : "the initial ramdisk",
			.file = request->initrd,
			.mem_size = request->initrd.size,
			.align = PAGE_SIZE_4K,
			.max = initrd_max,
			.staged = request->stage_initrd,
			.wish_is = "the middle of memory, as the running kernel takes pages lower "
				   "down first",
		};

		set_lowest(&item, request, INITRD_FROM, "the end of ISA DMA memory");
		if (!request->crash)
			item.wish = middle(&plan->usable);
		if (request->crash && request->initrd.size >= 4 &&
		    !memcmp(request->initrd.data, "\177ELF", 4))
			return err_set(err, ERR_INPUT,
				       "the initrd begins as an ELF file: the kernel would take it "
				       "for the crash kernel's ELF core header");
		if (add_segment(plan, &item, &plan->initrd, err))
			return -1;
	}
	if (shape_params(request, system, load, max, err) || shape_kept(&load->crash, plan, err) ||
	    shape_purgatory(request, load, err))
		return -1;
	if (with_spares && shape_spares(request, load, max, err))
		return -1;
	return check_reservation(request, system, plan, err);
}

static uint64_t entry_offset(const struct load *load)
{
	if (is_unpacked(load))
		return load->vmlinux.entry;
	return load->image.entry_32bit ? 0 : BZIMAGE_ENTRY64_OFFSET;
}

/* A plan from its beginning; what an earlier trial left is gone. */
static int place(const struct load_request *request, const struct system *system,
		 struct warnings *warnings, bool with_spares, bool drawn, struct load *load,
		 struct err *err)
{
	const struct machine machine = { system, &load->crash };
	struct plan *plan = &load->plan;
	struct range wrapper, output;

	plan_done(plan);
	crash_done(&load->crash);
	plan_init(plan, warnings);
	plan->unverified =
		request->skip_verify ? "with --no-checks the purgatory verifies nothing" : NULL;
	load->spares = (struct spares){ PLAN_NO_ITEM, PLAN_NO_ITEM, PLAN_NO_ITEM, 0, 0 };
	if (shape(request, system, with_spares, drawn, load, err))
		return -1;
	if (plan_place(plan, what_is_in, &machine, err))
		return advise(request, system, plan, err);
	if (check_half(plan, err))
		return -1;
	if (!footprint(&load->image.footprint, plan->item[plan->kernel].run.start, &wrapper,
		       &output))
		return err_set(err, ERR_INTERNAL, "the kernel's footprint has no end");
	plan->footprint = (struct range){ num_min(wrapper.start, output.start),
					  num_max(wrapper.end, output.end) };
	plan->kernel_entry = plan->real_mode
				     ? plan->item[plan->params].run.start + REALMODE_CODE_AT
				     : plan->item[plan->kernel].run.start + entry_offset(load);
	plan->entry = plan->item[plan->purgatory].run.start;
	return 0;
}

static int place_with_spares(const struct load_request *request, const struct system *system,
			     struct warnings *warnings, struct load *load, struct err *err)
{
	struct err no_spares;

	if (!place(request, system, warnings, true, false, load, err))
		return 0;
	/* Packed, the spare of the kernel is smaller, and that it can be repaired counts for more. */
	if (err->code == ERR_NO_FIT && load->is_direct && !load->image.is_elf) {
		struct err why = *err;

		if (direct_give_up(request, system, &why, load, err))
			return -1;
		if (!place(request, system, warnings, true, false, load, err))
			return 0;
	}
	if (err->code != ERR_NO_FIT)
		return -1;
	if (request->spares == LOAD_SPARES_ALWAYS)
		return err_advise(err, "; without --spare-copy less is needed");
	no_spares = *err;
	if (place(request, system, warnings, false, false, load, err))
		return -1;
	warn_add(warnings,
		 "no spare copies: damage to the crash kernel will be found, and cannot "
		 "be repaired: %s",
		 no_spares.text);
	return 0;
}

int load_parse(const struct load_request *request, const struct system *system, struct bzimage *ret,
	       struct err *err)
{
	if (image_parse_with(request->kernel, request->args, ret, err))
		return -1;
	if ((ret->is_elf || ret->is_program) && request->real_mode)
		return err_set(err, ERR_INPUT, "only a bzImage has setup code for real mode");
	if ((ret->is_elf || ret->is_program) && !ret->entry_32bit && request->entry_32bit)
		return err_set(err, ERR_INPUT, "an ELF file of a kernel has no 32-bit entry");
	if (ret->is_elf || ret->is_program)
		return 0;
	ret->entry_32bit |= request->entry_32bit || needs_4_levels(system, ret);
	ret->real_mode = request->real_mode;
	ret->entry_32bit |= request->real_mode;
	if (ret->real_mode && realmode_check(system, ret, err))
		return -1;
	return 0;
}

int load_place(const struct load_request *request, const struct system *system,
	       struct warnings *warnings, struct load *load, struct err *err)
{
	bool drawn;
	int failed;

	if (!load->vmlinux.unpacked.data &&
	    (load_parse(request, system, &load->image, err) ||
	     (load->image.is_program ? program_prepare(request, load, err)
				     : direct_prepare(request, system, load, err))))
		return -1;
	drawn = direct_draws(request, load);
	if (request->crash && request->spares != LOAD_SPARES_NEVER && !request->skip_verify)
		failed = place_with_spares(request, system, warnings, load, err);
	else
		failed = place(request, system, warnings, false, drawn, load, err);
	/* The place that was drawn may split the only one that is large enough for the initrd. */
	if (failed && drawn && err->code == ERR_NO_FIT)
		failed = place(request, system, warnings, false, false, load, err);
	if (!failed && !load->is_direct &&
	    (request->direct == LOAD_DIRECT_ASKED || load->is_unknown))
		warn_add(warnings, "the kernel is not started directly: %s",
			 load->image.is_program ? "it has no decompressor, and is entered as it is"
						: load->not_direct.text);
	return failed;
}

/* --- sealing ------------------------------------------------------------- */

/* Returns where the next digest goes. */
static uint8_t *digest_chunks(uint32_t hashes, const uint8_t *data, uint64_t size, uint8_t *digest)
{
	size_t whole = size / PURGATORY_CHUNK_SIZE, rest = size % PURGATORY_CHUNK_SIZE;

	purgatory_sha256_many(hashes, data, PURGATORY_CHUNK_SIZE, whole, (void *)digest);
	digest += whole * PURGATORY_DIGEST_SIZE;
	if (!rest)
		return digest;
	purgatory_sha256(hashes, data + whole * PURGATORY_CHUNK_SIZE, rest, digest);
	return digest + PURGATORY_DIGEST_SIZE;
}

/* What is between two reports of the progress; a multiple of every number of lanes. */
static const uint64_t PIECE_SIZE = 64 * PURGATORY_CHUNK_SIZE;

struct sealing {
	const struct load_request *request;
	uint64_t done, total; /* bytes */
	uint8_t *digest;      /* where the next one goes */
	struct progress progress;
};

static void seal_chunks(struct sealing *sealing, struct bytes data)
{
	const struct load_request *request = sealing->request;

	while (data.size) {
		size_t piece = data.size < PIECE_SIZE ? data.size : PIECE_SIZE;

		sealing->digest = digest_chunks(request->hashes, data.data, piece, sealing->digest);
		data.data += piece;
		data.size -= piece;
		sealing->done += piece;
		progress_tell(&sealing->progress, sealing->done, sealing->total);
	}
}

static void seal_regions(const struct load_request *request, const struct load *load,
			 const struct purgatory_layout *layout, uint8_t *bytes)
{
	const struct plan *plan = &load->plan;
	struct purgatory_region *region = (void *)(bytes + layout->regions_at);
	struct sealing sealing = {
		.request = request,
		.digest = bytes + layout->digests_at,
		.progress = progress_of(request->progress, "read and hashed"),
	};
	unsigned int order[PLAN_ITEMS_MAX];
	uint32_t chunk = 0;

	for (unsigned int i = 0; i < plan->nr_items; i++)
		sealing.total += digested(load, i);
	plan_sorted(plan, order);
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[order[i]];
		uint64_t size = digested(load, order[i]);

		if (!size)
			continue;
		*region = (struct purgatory_region){
			.src = item->load.start,
			.dst = item->run.start,
			.size = size,
			.spare = spare_of(load, order[i]),
			.zero = item->staged ? item->mem_size - item->file.size : 0,
			.first_chunk = chunk,
			.segment = i,
			.room = order[i] == plan->elfcorehdr && plan->hotplug ? item->mem_size : 0,
		};
		strncpy(region->name, item->name, sizeof(region->name) - 1);
		region++;
		chunk += chunks(size);
		if (!request->skip_verify)
			seal_chunks(&sealing, (struct bytes){ item->file.data, size });
	}
}

static void console_params(const struct load_request *request, struct purgatory_params *params)
{
	const struct load_console *console = &request->console;

	params->console = (console->serial ? PURGATORY_CONSOLE_SERIAL : 0) |
			  (console->vga ? PURGATORY_CONSOLE_VGA : 0) |
			  (console->debug_port ? PURGATORY_CONSOLE_E9 : 0);
	params->serial_port = console->port;
	params->serial_divisor = console->baud ? (uint16_t)(SERIAL_CLOCK / console->baud) : 0;
}

static void seal_purgatory(const struct load_request *request, const struct system *system,
			   struct load *load)
{
	struct plan *plan = &load->plan;
	struct plan_item *item = &plan->item[plan->purgatory];
	struct purgatory_layout layout = purgatory_layout(load);
	struct purgatory_params *params = (void *)(item->own.data + PURGATORY_PARAMS_OFFSET);
	struct program_registers registers = program_registers(load);

	seal_regions(request, load, &layout, item->own.data);
	params->flags = (request->skip_verify ? PURGATORY_SKIP_VERIFY : 0) |
			(system->is_guest_without_io ? PURGATORY_NO_IO : 0) |
			(request->console.reset_vga ? PURGATORY_RESET_VGA : 0) |
			(load->is_direct ? PURGATORY_DIRECT : 0) |
			(load->image.entry_32bit ? PURGATORY_ENTRY_32 : 0);
	params->entry_rip = plan->kernel_entry;
	params->entry_eax = registers.eax;
	params->entry_ebx = registers.ebx;
	params->entry_rdi = registers.rdi;
	if (load->image.told == IMAGE_TOLD_LINUX)
		params->entry_rsi = plan->item[plan->params].run.start;
	params->regions = item->run.start + layout.regions_at;
	params->digests = item->run.start + layout.digests_at;
	params->nr_regions = layout.nr_regions;
	params->nr_chunks = layout.nr_chunks;
	purgatory_sha256(request->hashes, item->own.data + layout.regions_at,
			 layout.size - layout.regions_at, params->tables_digest);
	params->backup_src = load->crash.backup_of.start;
	params->backup_dst = load->crash.backup_at.start;
	params->backup_size = range_size(load->crash.backup_of);
	params->on_corruption = request->on_corruption == ON_CORRUPTION_HALT
					? PURGATORY_ON_CORRUPTION_HALT
					: PURGATORY_ON_CORRUPTION_RESET;
	params->reset_delay_s = RESET_DELAY_SECONDS;
	params->tsc_hz = system->tsc_hz;
	params->reset_port = system->reset_port;
	params->reset_value = system->reset_value;
	/* Where the purgatory may not ask the processor, it does what is done here. */
	params->hashes = request->hashes_allowed;
	if (system->is_guest_without_io)
		params->hashes &= request->hashes & PURGATORY_HASH_SHA_NI;
	if (load->image.told == IMAGE_TOLD_LINUX)
		params->report = params->entry_rsi + load->bootparams.report_at +
				 sizeof(struct setup_data_wire);
	console_params(request, params);
}

/* In 65,536 ticks of the TSC. */
static uint32_t reset_delay(const struct system *system)
{
	uint64_t hz = system->tsc_hz ?: PURGATORY_TSC_HZ_ASSUMED;

	return system->is_guest_without_io ? 0 : (uint32_t)(hz * RESET_DELAY_SECONDS >> 16);
}

/* Last of all: what the first stage checks is complete. */
static void seal_stage1(const struct load_request *request, const struct system *system,
			struct load *load)
{
	struct plan *plan = &load->plan;
	struct purgatory_layout layout = purgatory_layout(load);
	uint8_t *image = plan->item[plan->purgatory].own.data;
	struct purgatory_stage1 stage1 = {
		.size = layout.stage2_size,
		.crc = ~lzma_crc64(image + PURGATORY_STAGE2_OFFSET, layout.stage2_size, 0),
		.serial_port = request->console.serial ? request->console.port : 0,
		.flags = (uint8_t)((system->is_guest_without_io ? PURGATORY_STAGE1_NO_IO : 0) |
				   (request->on_corruption == ON_CORRUPTION_HALT
					    ? PURGATORY_STAGE1_HALT
					    : 0)),
		.reset_delay = reset_delay(system),
	};

	if (load->spares.small != PLAN_NO_ITEM)
		stage1.spare = plan->item[load->spares.small].run.start + load->spares.purgatory_at;
	memcpy(image + PURGATORY_STAGE1_OFFSET, &stage1, sizeof(stage1));
}

static void fill_spares(struct load *load)
{
	struct plan *plan = &load->plan;
	const struct plan_item *purgatory = &plan->item[plan->purgatory];
	const struct plan_item *params;
	uint8_t *to;

	if (load->spares.small == PLAN_NO_ITEM)
		return;
	params = &plan->item[plan->params];
	to = plan->item[load->spares.small].own.data;
	memcpy(to, params->own.data, params->own.size);
	memcpy(to + load->spares.purgatory_at, purgatory->own.data + PURGATORY_STAGE2_OFFSET,
	       purgatory->own.size - PURGATORY_STAGE2_OFFSET);
	memcpy(to + load->spares.header_at, plan->item[plan->elfcorehdr].own.data,
	       digested(load, plan->elfcorehdr));
}

int load_seal(const struct load_request *request, const struct system *system, struct load *load,
	      struct err *err)
{
	struct bootparams_request parameters = bootparams_request(request, system, load);

	if (load->plan.elfcorehdr != PLAN_NO_ITEM) {
		struct buf *own = &load->plan.item[load->plan.elfcorehdr].own;

		elfcorehdr_write(&load->crash.header, own->data, own->size);
	}
	if ((load->image.told == IMAGE_TOLD_LINUX
		     ? bootparams_fill(&parameters, &load->bootparams, &load->plan, err)
		     : program_link(request, system, load, err)) ||
	    plan_filled(&load->plan, err))
		return -1;
	seal_purgatory(request, system, load);
	seal_stage1(request, system, load);
	fill_spares(load);
	if (plan_check(&load->plan, err))
		return -1;
	load->plan.stage = PLAN_SEALED;
	return 0;
}

bool load_digest(const struct load *load, unsigned int index, uint8_t ret[32])
{
	const struct plan *plan = &load->plan;
	struct purgatory_layout layout = purgatory_layout(load);
	const uint8_t *image = plan->item[plan->purgatory].own.data;
	const struct purgatory_params *params = (const void *)(image + PURGATORY_PARAMS_OFFSET);
	const struct purgatory_region *region = (const void *)(image + layout.regions_at);

	if (index == PLAN_NO_ITEM || params->flags & PURGATORY_SKIP_VERIFY)
		return false;
	for (uint32_t i = 0; i < layout.nr_regions; i++) {
		if (region[i].src != plan->item[index].load.start)
			continue;
		sha256(image + layout.digests_at +
			       (size_t)region[i].first_chunk * PURGATORY_DIGEST_SIZE,
		       (size_t)chunks(region[i].size) * PURGATORY_DIGEST_SIZE, ret);
		return true;
	}
	return false;
}

int load_digest_bytes(uint32_t hashes, struct bytes bytes, uint8_t ret[32], struct err *err)
{
	struct buf digests CLEANUP(buf_done) = { 0 };

	if (buf_extend(&digests, (size_t)chunks(bytes.size) * PURGATORY_DIGEST_SIZE, err))
		return -1;
	digest_chunks(hashes, bytes.data, bytes.size, digests.data);
	sha256(digests.data, digests.size, ret);
	return 0;
}

void load_forget_seed(struct load *load)
{
	const unsigned int holder[] = { load->plan.params, load->spares.small };

	for (size_t i = 0; load->bootparams.seed_at && i < 2; i++)
		if (holder[i] != PLAN_NO_ITEM)
			bytes_wipe(load->plan.item[holder[i]].own.data + load->bootparams.seed_at,
				   sizeof(struct setup_data_wire) + RNG_SEED_SIZE);
	load->plan.stage = PLAN_PLACED;
}

void load_done(struct load *load)
{
	plan_done(&load->plan);
	crash_done(&load->crash);
	vmlinux_done(&load->vmlinux);
}
