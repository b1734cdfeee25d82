/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: a request, a kernel's header and a machine; see read_choices() and read_entry() for
 * the bytes. A plan that comes of it is judged from its bytes and addresses alone, against
 * the entries that the machine was made of.
 */
#include <elf.h>
#include <lzma.h>
#include <stdio.h>
#include <string.h>

#include "kexec/core/sha256.h"
#include "kexec/x86/load.h"
#include "purgatory-abi.h"
#include "tests/fuzz/fuzz.h"
#include "tests/mk/image.h"

enum {
	ENTRIES_MAX = 40,
	POINTS_MAX = 4 * ENTRIES_MAX + 8,
	PAGE = 4096,
	MIB = 0x100000,
	/* Where setup code runs in real mode, the last 256 bytes entered first. */
	SETUP_CODE = 0x10000,
	SETUP_CODE_END = 0x20000,
	INITRD_MAX = 0x20000,
	CMDLINE_MAX = 4096,
	DEPTH_MAX = 3,
	SEED_BYTE = 0xa7,
};

static const phys_t FILLER_AT = PHYS_LIMIT - (UINT64_C(1) << 30);

/* With four levels of page tables: Documentation/arch/x86/x86_64/mm.rst. */
static const uint64_t DIRECT_MAP_SIZE = UINT64_C(1) << 46;

enum kind { FIRMWARE_AND_IOMEM, FIRMWARE, IOMEM, EFI_TABLE, EFI_DESC, KCORE, NOTE, CMA, NR_KINDS };

static const uint32_t e820_types[] = { E820_RAM,      E820_RESERVED,
				       E820_ACPI,     E820_NVS,
				       E820_UNUSABLE, E820_PMEM,
				       E820_PRAM,     (uint32_t)E820_SOFT_RESERVED };

enum iomem_name { RAM, RESERVED, CRASH_KERNEL, KMEM, ACPI_TABLES, KERNEL_CODE, NR_NAMES };
static const char *const iomem_names[] = { "System RAM",	"Reserved",    "Crash kernel",
					   "System RAM (kmem)", "ACPI Tables", "Kernel code" };

/* What one entry of the input says of a range; the judge's own record. */
struct fact {
	enum kind kind;
	struct range range;
	uint32_t type;	      /* of firmware */
	enum iomem_name name; /* of iomem */
	unsigned int depth;   /* of iomem */
};

/* What is true of every byte from one point to the next. */
struct stretch {
	phys_t start, end;
	uint32_t e820; /* the larger type; 0: none */
	bool usable, dumped;
};

struct bench {
	struct system system;
	struct buf iomem;
	struct fact fact[ENTRIES_MAX];
	size_t nr_facts;
	phys_t end;	    /* of what facts may be about */
	unsigned int depth; /* of the last line of iomem */
	struct range main;  /* the reservation: the higher of the two */
	struct stretch stretch[POINTS_MAX];
	size_t nr_stretches;
	uint8_t image[MK_IMAGE_SIZE];
	char cmdline[CMDLINE_MAX + 1];
	struct load_request request;
	struct warnings warnings;
	struct load load;
};

static uint8_t initrd[INITRD_MAX];
static uint8_t seed[RNG_SEED_SIZE];

/* --- facts ------------------------------------------------------------------ */

static bool covers(const struct fact *fact, phys_t address)
{
	return fact->range.start <= address && address < fact->range.end;
}

static bool is_iomem(const struct fact *fact)
{
	return fact->kind == IOMEM || fact->kind == FIRMWARE_AND_IOMEM;
}

/* It is the capture kernel's own. */
static bool is_set_aside(const struct fact *fact)
{
	return fact->kind == CMA || (is_iomem(fact) && fact->name == CRASH_KERNEL);
}

static bool is_image(const struct fact *fact)
{
	return fact->kind == KCORE && fact->type & 1;
}

static bool overlap(struct range a, struct range b)
{
	return a.start < b.end && b.start < a.end;
}

/* --- from bytes to a machine ---------------------------------------------- */

/* Pages from the bottom of physical memory, negative ones from its top. */
static phys_t take_address(struct cursor *in)
{
	return (PHYS_LIMIT + (phys_t)(int64_t)(int32_t)cursor_u32(in) * PAGE) % PHYS_LIMIT;
}

static void read_image(struct cursor *in, struct bench *bench)
{
	struct setup_header *header = mk_image(bench->image);
	uint8_t odds = cursor_u8(in);

	header->version = 0x20c + odds % 4;
	header->relocatable_kernel = odds >> 2 & 1;
	header->kernel_alignment = 0x200000u << (odds >> 3 & 7);
	header->xloadflags = cursor_u8(in) | XLF_KERNEL_64;
	header->pref_address = take_address(in);
	header->init_size = cursor_u32(in);
	header->initrd_addr_max = cursor_u32(in);
	header->cmdline_size = cursor_u16(in);
	/* The end of the wrapper's bss, as the PE header has it. */
	put_u32(bench->image + MK_IMAGE_SIZE_OF_IMAGE_AT, cursor_u32(in));
}

/* Reserved pages at the very top, more than the zero page or than a kernel takes. */
static void add_filler(struct bench *bench, unsigned int choice)
{
	static const unsigned int counts[] = { 0, 0, 0, 1, 100, 128, 400, 3300 };
	struct err err;

	for (unsigned int i = 0; i < counts[choice]; i++) {
		phys_t at = FILLER_AT + i * UINT64_C(2) * PAGE;

		require(!memmap_add(&bench->system.firmware, (struct range){ at, at + PAGE },
				    E820_RESERVED, &err));
	}
	bench->end = counts[choice] ? FILLER_AT : PHYS_LIMIT;
}

static void read_choices(struct cursor *in, struct bench *bench)
{
	struct boot_params *running = (void *)bench->system.boot_params;
	struct system *system = &bench->system;
	uint32_t flags = cursor_u32(in);
	uint64_t initrd_size;
	phys_t min, max;
	size_t length;

	for (size_t i = 0; i < sizeof(*running); i++)
		system->boot_params[i] = (uint8_t)(i * 5 + flags);
	memcpy(running->efi_info.signature, flags & 1 ? "EL64" : "EL32", 4);
	running->efi_info.memdesc_version = flags >> 1 & 1;
	system->has_boot_params = true;
	system->efi.booted = flags & 4;
	system->la57 = flags & 8;
	system->is_guest_without_io = flags & 0x10;
	system->framebuffer_moved = flags & 0x20;
	system->crash.first_mib_in_use = flags & 0x40;
	system->acpi_rsdp = flags & 0x80 ? 0xf5a00 : 0;
	system->crash.elfcorehdr_size = cursor_u16(in) * UINT64_C(16);
	read_image(in, bench);
	initrd_size = (cursor_u16(in) * UINT64_C(2) + (flags >> 8 & 1)) % INITRD_MAX;
	min = take_address(in);
	max = take_address(in);
	bench->request = (struct load_request){
		.kernel = { bench->image, sizeof(bench->image) },
		.initrd = { initrd, initrd_size },
		.cmdline = bench->cmdline,
		.mem_min = min,
		.mem_max = max ?: PHYS_LIMIT,
		.no_efi = flags & 0x200,
		.skip_verify = flags & 0x400,
		.crash = flags & 0x800,
		.hotplug = flags & 0x1000,
		.backup = (flags >> 13 & 3) % 3,
		.spares = (flags >> 23 & 3) % 3,
		.memmap_cmdline = flags & 0x8000,
		.stage_initrd = (flags & 0x10800) == 0x10000, /* of a normal load alone */
		.seed = flags & 0x20000 ? seed : NULL,
		.console = { .serial = flags & 0x40000, .port = 0x3f8, .baud = 9600 },
		.on_corruption = flags >> 19 & 1 ? ON_CORRUPTION_HALT : ON_CORRUPTION_RESET,
		.entry_32bit = flags >> 25 & 1,
		.real_mode = (flags & 0x4000800) == 0x4000000, /* of a normal load alone */
	};
	if (bench->request.real_mode) {
		memset(running->efi_info.signature, 0, 4);
		system->bios = (struct system_bios){ .known = true, .data_at = 0x9fc00 };
		for (size_t i = 0; i < SYSTEM_BIOS_HANDLERS; i++)
			system->bios.handler[i] = 0xff000;
	}
	add_filler(bench, flags >> 20 & 7);
	length = cursor_u16(in) % (CMDLINE_MAX + 1);
	for (size_t i = 0; i < length; i++)
		bench->cmdline[i] = i % 7 ? 'x' : ' ';
	if (length >= 5)
		memcpy(bench->cmdline, "quiet", 5);
}

static void add_iomem(struct bench *bench, const struct fact *fact)
{
	char line[96];
	struct err err;
	int length = snprintf(line, sizeof(line), "%*s%08llx-%08llx : %s\n", 2 * (int)fact->depth,
			      "", PHYS(fact->range.start), PHYS(fact->range.end - 1),
			      iomem_names[fact->name]);

	bench->depth = fact->depth;
	require(!buf_append(&bench->iomem, line, (size_t)length, &err));
}

static void add_efi_table(struct system_efi *efi, struct range range)
{
	struct efi_table table = { "TPMEventLog", range.start, range_size(range) };

	efi->table[efi->nr_tables++] = table;
}

static void add_efi_desc(struct system_efi *efi, struct range range, uint32_t type)
{
	struct efi_desc desc = { type, range.start, ~range.start, range_size(range) / PAGE, 15, 0 };
	struct err err;

	require(!efi_map_add(&efi->runtime_map, desc, &err));
	efi->fw_vendor = 0x1000;
	efi->config_table = 0x2000;
	efi->can_hand_over = true;
}

static void add_kcore(struct kcore *kcore, struct range range, bool is_image)
{
	struct kcore_segment segment = {
		.vaddr = range.start + (is_image ? 0xffffffff80000000 : 0xffff888000000000),
		.paddr = range.start,
		.size = range_size(range),
	};
	struct err err;

	require(!array_grow(&kcore->segment, &kcore->room, kcore->count, sizeof(segment), &err));
	kcore->segment[kcore->count++] = segment;
}

static void add_note(struct system_crash *crash, struct range range)
{
	struct elfcorehdr_note note = { range.start, range_size(range) % PAGE + 1 };
	struct err err;

	require(!array_grow(&crash->note, &crash->notes_room, crash->nr_notes, sizeof(note), &err));
	crash->note[crash->nr_notes++] = note;
}

/* Twelve bytes: kind, type, odd bytes of the start and of the end, start, pages. */
static void read_entry(struct cursor *in, struct bench *bench)
{
	struct fact fact = { .kind = cursor_u8(in) % NR_KINDS };
	uint8_t type = cursor_u8(in);
	uint8_t odd_start = cursor_u8(in), odd_end = cursor_u8(in);
	phys_t start = take_address(in) + odd_start * UINT64_C(16);
	uint64_t size = cursor_u32(in) * UINT64_C(4096) + odd_end * UINT64_C(16);
	struct system *system = &bench->system;
	struct err err;

	if (in->bad || start >= bench->end)
		return;
	if (size > bench->end - start)
		size = bench->end - start;
	if (!range_from_size(start, size, &fact.range))
		return;
	fact.type = fact.kind == FIRMWARE_AND_IOMEM ? (uint32_t)E820_RAM
		    : fact.kind == FIRMWARE	    ? e820_types[type % 8]
						    : type;
	if (fact.kind == KCORE && start >= DIRECT_MAP_SIZE)
		return;
	if (fact.kind == EFI_TABLE && system->efi.nr_tables == SYSTEM_EFI_TABLES_MAX)
		return;
	if (fact.kind == IOMEM) {
		fact.name = (enum iomem_name)(type % NR_NAMES);
		fact.depth = type / NR_NAMES % (DEPTH_MAX + 1);
		if (fact.depth > (bench->iomem.size ? bench->depth + 1 : 0))
			return;
	}
	if (fact.kind == FIRMWARE_AND_IOMEM || fact.kind == FIRMWARE)
		require(!memmap_add(&system->firmware, fact.range, fact.type, &err));
	if (fact.kind == FIRMWARE_AND_IOMEM || fact.kind == IOMEM)
		add_iomem(bench, &fact);
	else if (fact.kind == EFI_TABLE)
		add_efi_table(&system->efi, fact.range);
	else if (fact.kind == EFI_DESC)
		add_efi_desc(&system->efi, fact.range, type);
	else if (fact.kind == KCORE)
		add_kcore(&system->kcore, fact.range, is_image(&fact));
	else if (fact.kind == NOTE)
		add_note(&system->crash, fact.range);
	else if (fact.kind == CMA)
		require(!range_set_add(&system->crash.cma, fact.range, &err));
	bench->fact[bench->nr_facts++] = fact;
}

/* --- what is true of each byte -------------------------------------------- */

/* The deepest that says whether it is RAM decides, and among them one that denies it. */
static bool is_live_ram(const struct bench *bench, phys_t address, bool with_kmem)
{
	unsigned int deepest = 0;
	bool ret = false;

	for (size_t i = 0; i < bench->nr_facts; i++) {
		const struct fact *fact = &bench->fact[i];
		bool ram = fact->name == RAM || (with_kmem && fact->name == KMEM);

		if (!is_iomem(fact) || !covers(fact, address) || fact->name == CRASH_KERNEL ||
		    fact->name == KERNEL_CODE || fact->depth + 1 < deepest)
			continue;
		ret = fact->depth + 1 > deepest ? ram : ret && ram;
		deepest = fact->depth + 1;
	}
	return ret;
}

static uint32_t e820_at(const struct bench *bench, phys_t address)
{
	uint32_t type = 0;

	for (size_t i = 0; i < bench->nr_facts; i++) {
		const struct fact *fact = &bench->fact[i];

		if (fact->kind > FIRMWARE || !covers(fact, address) || fact->type < type)
			continue;
		type = fact->type;
	}
	return type;
}

static bool is_in_table(const struct bench *bench, phys_t address)
{
	phys_t page = address / PAGE * PAGE;

	for (size_t i = 0; i < bench->nr_facts; i++) {
		const struct fact *fact = &bench->fact[i];

		if (fact->kind == EFI_TABLE && fact->range.start < page + PAGE &&
		    fact->range.end > page)
			return true;
	}
	return false;
}

/* The capture kernel has it for itself. */
static bool is_captures(const struct bench *bench, phys_t address)
{
	for (size_t i = 0; i < bench->nr_facts; i++)
		if (covers(&bench->fact[i], address) && is_set_aside(&bench->fact[i]))
			return true;
	return false;
}

/*
 * What kernels set aside for a crash kernel is whole pages above the first MiB, of which
 * none is set aside twice or holds the running kernel's image.
 */
static bool has_sane_reservations(const struct bench *bench)
{
	for (size_t i = 0; i < bench->nr_facts; i++) {
		const struct fact *fact = &bench->fact[i];

		if (is_image(fact) && fact->range.start < MIB)
			return false;
		if (!is_set_aside(fact))
			continue;
		if (fact->range.start < MIB || fact->range.start % PAGE || fact->range.end % PAGE)
			return false;
		for (size_t j = 0; j < bench->nr_facts; j++) {
			const struct fact *other = &bench->fact[j];

			if (j != i && (is_set_aside(other) || is_image(other)) &&
			    overlap(fact->range, range_grow_to(other->range, PAGE)))
				return false;
		}
	}
	return true;
}

static void add_point(phys_t *point, size_t *count, phys_t address)
{
	size_t at = *count;

	for (size_t i = 0; i < *count; i++)
		if (point[i] == address)
			return;
	for (; at && point[at - 1] > address; at--)
		point[at] = point[at - 1];
	point[at] = address;
	++*count;
}

static void find_stretches(struct bench *bench)
{
	phys_t point[POINTS_MAX];
	size_t count = 0;

	add_point(point, &count, 0);
	add_point(point, &count, SETUP_CODE);
	add_point(point, &count, SETUP_CODE_END);
	add_point(point, &count, MIB);
	add_point(point, &count, bench->end);
	add_point(point, &count, PHYS_LIMIT);
	for (size_t i = 0; i < bench->nr_facts; i++) {
		const struct fact *fact = &bench->fact[i];

		add_point(point, &count, fact->range.start);
		add_point(point, &count, fact->range.end);
		if (fact->kind == EFI_TABLE) {
			add_point(point, &count, fact->range.start / PAGE * PAGE);
			add_point(point, &count, (fact->range.end + PAGE - 1) / PAGE * PAGE);
		}
		if (is_iomem(fact) && fact->name == CRASH_KERNEL &&
		    fact->range.start >= bench->main.start)
			bench->main = fact->range;
	}
	for (size_t i = 0; i + 1 < count; i++) {
		phys_t at = point[i];
		bool reserved = bench->main.start <= at && at < bench->main.end;

		bench->stretch[bench->nr_stretches++] = (struct stretch){
			.start = at,
			.end = point[i + 1],
			.e820 = e820_at(bench, at),
			.usable = (at >= MIB || (bench->request.real_mode && at >= SETUP_CODE &&
						 at < SETUP_CODE_END)) &&
				  e820_at(bench, at) == E820_RAM &&
				  is_live_ram(bench, at, /* with_kmem= */ false) &&
				  !is_in_table(bench, at) && (!bench->request.crash || reserved),
			.dumped = is_live_ram(bench, at, /* with_kmem= */ true) &&
				  !is_captures(bench, at),
		};
	}
}

static bool is_usable(const struct bench *bench, phys_t start, uint64_t size)
{
	for (size_t i = 0; i < bench->nr_stretches; i++) {
		const struct stretch *stretch = &bench->stretch[i];

		if (stretch->end > start && stretch->start < start + size && !stretch->usable)
			return false;
	}
	return true;
}

/* --- where things are ------------------------------------------------------ */

/* What nobody else may have, but in the kernel's room those that belong there. */
static struct range taken(const struct plan_item *item)
{
	return (struct range){ item->run.start, item->run.start + (item->room ?: item->mem_size) };
}

/* Usable, and not taken by one of the items before `index`, or by `beside`. */
static bool is_free(const struct bench *bench, unsigned int index, struct range beside,
		    phys_t start, uint64_t size)
{
	struct range range = { start, start + size };

	for (unsigned int i = 0; i < index; i++)
		if (overlap(bench->load.plan.item[i].load, range) ||
		    overlap(taken(&bench->load.plan.item[i]), range))
			return false;
	return !overlap(beside, range) && is_usable(bench, start, size);
}

/* No place from `lowest` to below `limit` would have done: an item begins at its lowest address, behind
 * something unusable, or behind another item. */
static void check_none_between(const struct bench *bench, unsigned int index, struct range beside,
			       uint64_t align, phys_t lowest, phys_t limit)
{
	const struct plan *plan = &bench->load.plan;
	const struct plan_item *item = &plan->item[index];
	phys_t from[POINTS_MAX + 2 * PLAN_ITEMS_MAX];
	size_t count = 0;

	from[count++] = lowest;
	from[count++] = beside.end;
	for (size_t i = 0; i < bench->nr_stretches; i++)
		from[count++] = bench->stretch[i].start;
	for (unsigned int i = 0; i < index; i++) {
		from[count++] = plan->item[i].load.end;
		from[count++] = taken(&plan->item[i]).end;
	}
	for (size_t i = 0; i < count; i++) {
		phys_t start = (from[i] + align - 1) / align * align;
		uint64_t size = range_size(taken(item));

		require(start < lowest || start >= limit || start + size > item->max ||
			!is_free(bench, index, beside, start, size));
	}
}

/* An initrd that is loaded for a reboot wants the upper half of what is usable below 4 GiB. */
static phys_t wish_of(const struct bench *bench, unsigned int index)
{
	phys_t start = 0, end = 0;

	if (index != bench->load.plan.initrd || bench->request.crash)
		return 0;
	for (size_t i = 0; i < bench->nr_stretches && bench->stretch[i].start < FOUR_GIB; i++) {
		phys_t last = bench->stretch[i].end / PAGE * PAGE;

		if (!bench->stretch[i].usable)
			continue;
		if (!i || !bench->stretch[i - 1].usable ||
		    bench->stretch[i - 1].end != bench->stretch[i].start)
			start = (bench->stretch[i].start + PAGE - 1) / PAGE * PAGE;
		if (last > start)
			end = last < FOUR_GIB ? last : FOUR_GIB;
	}
	return end / 2 / PAGE * PAGE;
}

static void check_lowest(const struct bench *bench, unsigned int index, struct range beside,
			 uint64_t align, phys_t start)
{
	const struct plan_item *item = &bench->load.plan.item[index];
	phys_t wish = wish_of(bench, index);

	if (start >= wish && wish > item->min) {
		check_none_between(bench, index, beside, align, wish, start);
		return;
	}
	check_none_between(bench, index, beside, align, item->min, start);
	if (wish > item->min)
		check_none_between(bench, index, beside, align, wish, item->max);
}

static void check_place(const struct bench *bench, unsigned int index, struct range place)
{
	const struct plan_item *item = &bench->load.plan.item[index];
	const struct load_request *request = &bench->request;

	require(place.start % PAGE == 0 && place.start < place.end);
	if (request->real_mode && index == bench->load.plan.params)
		require(place.start == SETUP_CODE && place.end == SETUP_CODE_END);
	else
		require(place.start >= MIB);
	require(place.end - place.start == item->mem_size && item->mem_size % PAGE == 0);
	require(item->file.size <= item->mem_size);
	require(is_usable(bench, place.start, item->mem_size));
	require(!request->crash ||
		(bench->main.start <= place.start && place.end <= bench->main.end));
	if (!item->fixed)
		require(place.start >= request->mem_min && place.end <= request->mem_max);
}

static void check_places(const struct bench *bench)
{
	const struct plan *plan = &bench->load.plan;
	const struct range nothing = { 0, 0 };

	require(plan->nr_items <= 16);
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[i];

		check_place(bench, i, item->load);
		check_place(bench, i, item->run);
		if (item->in_room)
			continue;
		require(is_free(bench, i, nothing, item->run.start, range_size(taken(item))));
		require(is_free(bench, i, nothing, item->load.start, item->mem_size));
		if (!item->fixed)
			check_lowest(bench, i, nothing, item->align, item->run.start);
		if (item->staged)
			check_lowest(bench, i, item->run, PAGE, item->load.start);
		require(item->staged ? !overlap(item->load, item->run)
				     : item->load.start == item->run.start);
	}
}

/* Spares behind the decompressor, and no page left for the running kernel. */
static void check_room(const struct bench *bench)
{
	const struct plan *plan = &bench->load.plan;
	const struct plan_item *kernel = &plan->item[plan->kernel];
	struct range room = taken(kernel);
	struct cursor at =
		cursor_at((struct bytes){ bench->image, MK_IMAGE_SIZE }, MK_IMAGE_SIZE_OF_IMAGE_AT);
	uint32_t size_of_image = cursor_u32(&at);
	uint64_t covered = 0;

	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[i];

		if (!overlap(item->run, room))
			continue;
		covered += item->mem_size;
		require(i == plan->kernel || item->in_room);
		require(item->run.end <= room.end);
		for (unsigned int j = 0; j < i; j++)
			require(!overlap(item->run, plan->item[j].run));
	}
	require(covered == range_size(room));
	require(!kernel->room ||
		(bench->request.crash && kernel->mem_size + MK_IMAGE_SETUP_SIZE >= size_of_image &&
		 kernel->mem_size >= kernel->file.size));
}

/* Paging goes with the mode: 5 levels are no hindrance to whoever switches it off. */
static bool entry_32bit(const struct bench *bench)
{
	const struct setup_header *header = (const void *)(bench->image + SETUP_HEADER_OFFSET);

	return bench->request.entry_32bit || bench->request.real_mode ||
	       (bench->system.la57 && !(header->xloadflags & XLF_5LEVEL));
}

/* Where the kernel goes when it is entered, by division. */
static void check_kernel(const struct bench *bench)
{
	const struct setup_header *header = (const void *)(bench->image + SETUP_HEADER_OFFSET);
	const struct plan *plan = &bench->load.plan;
	struct range run = taken(&plan->item[plan->kernel]);
	uint64_t alignment = header->kernel_alignment;
	phys_t output = (run.start + alignment - 1) / alignment * alignment;

	if (!header->relocatable_kernel || output < header->pref_address)
		output = header->pref_address;
	require(output >= run.start && output + header->init_size <= run.end);
	require(plan->footprint.start <= output &&
		plan->footprint.end >= output + header->init_size);
	require(plan->kernel_entry == (bench->request.real_mode ? SETUP_CODE_END - 0x100
				       : entry_32bit(bench)	? run.start
								: run.start + 0x200));
	require(plan->item[plan->kernel].file.data == bench->image + MK_IMAGE_SETUP_SIZE);
	if (entry_32bit(bench)) {
		require(!bench->system.is_guest_without_io);
		require(plan->item[plan->purgatory].run.end <= UINT64_C(1) << 32);
	}
	if (entry_32bit(bench) || !(header->xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G)) {
		require(run.end <= UINT64_C(1) << 32);
		require(plan->item[plan->params].run.end <= UINT64_C(1) << 32);
		require(!bench->request.initrd.size ||
			plan->item[plan->initrd].run.end <= header->initrd_addr_max + UINT64_C(1));
	}
}

/* --- what the new kernel reads -------------------------------------------- */

/* File bytes of the item that is there when the kernel starts. */
static const uint8_t *memory(const struct plan *plan, phys_t address, uint64_t size)
{
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[i];

		if (address >= item->run.start && address + size >= address &&
		    address + size <= item->run.start + item->file.size)
			return item->file.data + (address - item->run.start);
	}
	abort();
}

static phys_t pointer(uint32_t low, uint32_t high)
{
	return (phys_t)high << 32 | low;
}

/* What the new kernel is told of one address. */
struct told {
	const struct boot_params *page;
	const struct e820_entry_wire *more;
	size_t nr_more;
};

static uint32_t told_at(const struct told *told, phys_t address)
{
	uint32_t type = 0;

	for (size_t i = 0; i < told->page->e820_entries + told->nr_more; i++) {
		const struct e820_entry_wire *entry =
			i < told->page->e820_entries ? &told->page->e820_table[i]
						     : &told->more[i - told->page->e820_entries];

		if (address >= entry->addr && address - entry->addr < entry->size) {
			require(!type); /* they are disjoint */
			type = entry->type;
		}
	}
	return type;
}

static void check_e820(const struct bench *bench, const struct told *told)
{
	for (size_t i = 0; i < bench->nr_stretches; i++) {
		const struct stretch *stretch = &bench->stretch[i];
		uint32_t first = told_at(told, stretch->start);

		if (stretch->start >= bench->end)
			break;
		if (!bench->request.crash) {
			require(first == stretch->e820);
			require(told_at(told, stretch->end - 1) == first);
		} else if (stretch->dumped && stretch->start >= MIB) {
			require(first != E820_RAM && told_at(told, stretch->end - 1) != E820_RAM);
		}
	}
}

static void check_efi(const struct bench *bench, const struct boot_params *page,
		      const struct efi_setup_data_wire *setup)
{
	const struct efi_map *map = &bench->system.efi.runtime_map;
	const struct efi_memory_desc_wire *desc;

	require(!setup == !page->efi_info.memmap_size);
	if (!setup)
		return;
	require(!memcmp(page->efi_info.signature, "EL64", 4) && !bench->request.no_efi);
	require(page->efi_info.memdesc_size == sizeof(*desc));
	require(page->efi_info.memmap_size == map->count * sizeof(*desc));
	require(setup->fw_vendor == 0x1000 && setup->tables == 0x2000);
	desc = (const void *)memory(&bench->load.plan,
				    pointer(page->efi_info.memmap, page->efi_info.memmap_hi),
				    page->efi_info.memmap_size);
	for (size_t i = 0; i < map->count; i++)
		require(desc[i].type == map->desc[i].type &&
			desc[i].phys_addr == map->desc[i].phys &&
			desc[i].virt_addr == map->desc[i].virt &&
			desc[i].num_pages == map->desc[i].pages);
}

static void check_nodes(const struct bench *bench, const struct boot_params *page)
{
	const struct plan *plan = &bench->load.plan;
	const struct efi_setup_data_wire *efi = NULL;
	const uint8_t *given_seed = NULL;
	struct told told = { .page = page };
	unsigned int count = 0;

	for (phys_t at = page->hdr.setup_data; at; count++) {
		const struct setup_data_wire *node = (const void *)memory(plan, at, sizeof(*node));
		const uint8_t *payload = memory(plan, at + sizeof(*node), node->len);

		require(count < 8);
		if (node->type == SETUP_E820_EXT) {
			require(!told.more && node->len % sizeof(*told.more) == 0);
			told.more = (const void *)payload;
			told.nr_more = node->len / sizeof(*told.more);
		} else if (node->type == SETUP_EFI) {
			require(!efi && node->len == sizeof(*efi));
			efi = (const void *)payload;
		} else if (node->type == SETUP_RNG_SEED) {
			require(!given_seed && node->len == sizeof(seed));
			given_seed = payload;
		} else {
			require(node->type == PURGATORY_REPORT_TYPE);
		}
		at = node->next;
	}
	require(!told.nr_more || page->e820_entries == E820_MAX_ENTRIES_ZEROPAGE);
	require(!bench->request.seed == !given_seed);
	require(!given_seed || !memcmp(given_seed, seed, sizeof(seed)));
	check_e820(bench, &told);
	check_efi(bench, page, efi);
}

/* Kernels before protocol 2.14 have no place for it but their command line. */
static bool tells_rsdp(const struct bench *bench)
{
	const struct setup_header *header = (const void *)(bench->image + SETUP_HEADER_OFFSET);

	return header->version < 0x20e && bench->system.efi.booted && bench->system.acpi_rsdp;
}

static void check_zero_page(const struct bench *bench, phys_t at)
{
	const struct plan *plan = &bench->load.plan;
	const struct boot_params *page = (const void *)memory(plan, at, sizeof(*page));
	const struct boot_params *running = (const void *)bench->system.boot_params;
	phys_t line = pointer(page->hdr.cmd_line_ptr, page->ext_cmd_line_ptr);
	uint64_t size = pointer(page->hdr.ramdisk_size, page->ext_ramdisk_size);
	phys_t at_initrd = pointer(page->hdr.ramdisk_image, page->ext_ramdisk_image);
	const char *said = (const char *)memory(plan, line, COMMAND_LINE_WINDOW);
	size_t length = strlen(bench->cmdline);

	memory(plan, line, length + 1);
	require(!memcmp(said, bench->cmdline, length));
	require(bench->request.crash || tells_rsdp(bench) || !said[length]);
	if (!bench->request.crash && tells_rsdp(bench))
		require(strstr(said + length, "acpi_rsdp=0xf5a00") != NULL);
	require(strlen(said) <= page->hdr.cmdline_size);
	require(size == bench->request.initrd.size);
	if (size)
		require(memory(plan, at_initrd, size) == initrd);
	else
		require(!at_initrd);
	require(!page->sentinel && page->hdr.type_of_loader == LOADER_TYPE_KEXEC);
	require(!memcmp(&page->screen_info, &running->screen_info,
			bench->system.framebuffer_moved ? SCREEN_INFO_LFB_BASE
							: sizeof(page->screen_info)));
	require(!memcmp(page->edid_info, running->edid_info, sizeof(page->edid_info)));
	require(page->acpi_rsdp_addr == bench->system.acpi_rsdp);
	check_nodes(bench, page);
}

/* In real mode: the kernel's own code, and what it reads of its header. */
static void check_setup_code(const struct bench *bench, phys_t at)
{
	const struct plan *plan = &bench->load.plan;
	const uint8_t *code = memory(plan, at, MK_IMAGE_SETUP_SIZE);
	const struct setup_header *header = (const void *)(code + SETUP_HEADER_OFFSET);
	const char *said = (const char *)memory(plan, header->cmd_line_ptr, COMMAND_LINE_WINDOW);
	unsigned int count = 0;

	require(at == SETUP_CODE && !memcmp(code, bench->image, SETUP_HEADER_OFFSET));
	require(!memcmp(code + SETUP_HEADER_LIMIT, bench->image + SETUP_HEADER_LIMIT,
			MK_IMAGE_SETUP_SIZE - SETUP_HEADER_LIMIT));
	require(header->code32_start == plan->item[plan->kernel].run.start);
	require(header->cmd_line_ptr > at + header->heap_end_ptr &&
		header->cmd_line_ptr + strlen(said) < plan->kernel_entry);
	require(!strcmp(said, plan->cmdline) &&
		!strncmp(said, bench->cmdline, strlen(bench->cmdline)));
	require(header->ramdisk_size == bench->request.initrd.size);
	require(header->ramdisk_size
			? memory(plan, header->ramdisk_image, header->ramdisk_size) == initrd
			: !header->ramdisk_image);
	for (phys_t node_at = header->setup_data; node_at; count++) {
		const struct setup_data_wire *node =
			(const void *)memory(plan, node_at, sizeof(*node));

		require(node_at >= header->cmd_line_ptr + strlen(said) &&
			node_at + sizeof(*node) + node->len <= plan->kernel_entry);
		require(node->type == SETUP_RNG_SEED || node->type == PURGATORY_REPORT_TYPE);
		node_at = node->next;
	}
	require(count == (bench->request.seed ? 2 : 1));
}

/* --- what the purgatory reads --------------------------------------------- */

static bool is_repeated(const struct bench *bench, unsigned int index)
{
	const struct plan *plan = &bench->load.plan;

	return index == plan->kernel || index == plan->initrd || index == plan->params ||
	       index == plan->elfcorehdr;
}

/* All of a file; of the ELF core header what is written, for the rest is room. */
static uint64_t digested_size(const struct bench *bench, unsigned int index)
{
	const struct plan_item *item = &bench->load.plan.item[index];
	const Elf64_Ehdr *header = (const void *)item->file.data;

	if (index != bench->load.plan.elfcorehdr)
		return item->file.size;
	return sizeof(*header) + header->e_phnum * sizeof(Elf64_Phdr);
}

static void check_digests(const struct purgatory_region *region, const uint8_t *bytes,
			  const uint8_t *digest)
{
	uint8_t expected[PURGATORY_DIGEST_SIZE];

	for (uint64_t at = 0; at < region->size; at += PURGATORY_CHUNK_SIZE) {
		uint64_t left = region->size - at;

		sha256(bytes + at, left < PURGATORY_CHUNK_SIZE ? left : PURGATORY_CHUNK_SIZE,
		       expected);
		require(!memcmp(digest, expected, sizeof(expected)));
		digest += PURGATORY_DIGEST_SIZE;
	}
}

static void check_spares(const struct bench *bench, const struct purgatory_region *region,
			 const struct plan_item *item)
{
	bool wanted = bench->request.crash && bench->request.spares == LOAD_SPARES_ALWAYS &&
		      !bench->request.skip_verify;

	require(region->spare || !wanted);
	require(!region->spare || bench->request.crash);
	if (!region->spare)
		return;
	require(!overlap((struct range){ region->spare, region->spare + region->size }, item->run));
	require(!memcmp(memory(&bench->load.plan, region->spare, region->size), item->file.data,
			region->size));
}

/* The first stage, too, has all that it needs, and the spare of the second is whole. */
static void check_stage1(const struct bench *bench)
{
	const struct plan *plan = &bench->load.plan;
	const struct purgatory_stage1 *stage1;
	const uint8_t *stage2;

	stage1 = (const void *)memory(plan, plan->entry + PURGATORY_STAGE1_OFFSET, sizeof(*stage1));
	stage2 = memory(plan, plan->entry + PURGATORY_STAGE2_OFFSET, stage1->size);
	require(PURGATORY_STAGE2_OFFSET + stage1->size == plan->item[plan->purgatory].file.size);
	require(stage1->crc == ~lzma_crc64(stage2, stage1->size, 0));
	require(!stage1->spare ||
		!memcmp(memory(plan, stage1->spare, stage1->size), stage2, stage1->size));
}

/* Every file byte of what must have digests has one, where it was loaded. */
static void check_purgatory(const struct bench *bench)
{
	const struct plan *plan = &bench->load.plan;
	const struct purgatory_params *params;
	const struct purgatory_region *regions;
	const uint8_t *digests;
	uint32_t count = 0;

	params = (const void *)memory(plan, plan->entry + PURGATORY_PARAMS_OFFSET, sizeof(*params));
	require(params->magic == PURGATORY_MAGIC && params->params_size == sizeof(*params));
	require(!(params->flags & PURGATORY_ENTRY_32) == !entry_32bit(bench));
	require(params->entry_rip == plan->kernel_entry);
	regions =
		(const void *)memory(plan, params->regions, params->nr_regions * sizeof(*regions));
	digests = memory(plan, params->digests, params->nr_chunks * PURGATORY_DIGEST_SIZE);
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[i];
		unsigned int found = 0;

		for (uint32_t j = 0; j < params->nr_regions; j++) {
			if (regions[j].src != item->load.start)
				continue;
			found++;
			require(regions[j].dst == item->run.start);
			require(regions[j].size == digested_size(bench, i));
			require(regions[j].room == (i == plan->elfcorehdr && bench->request.hotplug
							    ? item->mem_size
							    : 0));
			require(regions[j].first_chunk < params->nr_chunks);
			check_spares(bench, &regions[j], item);
			if (!bench->request.skip_verify)
				check_digests(&regions[j], item->file.data,
					      digests + regions[j].first_chunk *
								PURGATORY_DIGEST_SIZE);
		}
		count += found;
		require(found <= 1 && (found || !is_repeated(bench, i)));
	}
	require(count == params->nr_regions);
	require(!bench->load.bootparams.report_at ||
		memory(plan, params->report, sizeof(struct purgatory_report)));
	check_stage1(bench);
	if (bench->request.real_mode)
		check_setup_code(bench, params->entry_rsi);
	else
		check_zero_page(bench, params->entry_rsi);
}

/* --- what a dump shows ------------------------------------------------------ */

static bool is_in_dump(const Elf64_Phdr *phdr, size_t count, const struct stretch *stretch)
{
	for (size_t i = 0; i < count; i++)
		if (phdr[i].p_type == PT_LOAD && phdr[i].p_paddr <= stretch->start &&
		    phdr[i].p_paddr + phdr[i].p_memsz >= stretch->end)
			return true;
	return false;
}

static void check_dump(const struct bench *bench)
{
	const struct plan *plan = &bench->load.plan;
	const Elf64_Ehdr *header;
	const Elf64_Phdr *phdr;
	char word[48];

	if (!bench->request.crash)
		return;
	require(plan->elfcorehdr != PLAN_NO_ITEM);
	header =
		(const void *)memory(plan, plan->item[plan->elfcorehdr].run.start, sizeof(*header));
	require(!memcmp(header->e_ident, ELFMAG, SELFMAG) && header->e_type == ET_CORE);
	phdr = (const void *)memory(plan, plan->item[plan->elfcorehdr].run.start + header->e_phoff,
				    header->e_phnum * sizeof(*phdr));
	for (size_t i = 0; i < bench->nr_stretches; i++) {
		const struct stretch *stretch = &bench->stretch[i];

		if (stretch->dumped && stretch->start >= MIB)
			require(is_in_dump(phdr, header->e_phnum, stretch));
	}
	snprintf(word, sizeof(word), "elfcorehdr=0x%llx",
		 PHYS(plan->item[plan->elfcorehdr].run.start));
	require(strstr(plan->cmdline, word) != NULL);
}

/* --- all of it --------------------------------------------------------------- */

static void check_seed_is_gone(const struct plan *plan)
{
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct buf *own = &plan->item[i].own;

		require(!own->size || !memmem(own->data, own->size, seed, sizeof(seed)));
	}
}

static void check_refusal(const struct bench *bench, const struct err *err)
{
	const struct setup_header *header = (const void *)(bench->image + SETUP_HEADER_OFFSET);
	static const char no_place[] = "kernel: no place", long_line[] = "the command line has";
	const struct plan *plan = &bench->load.plan;
	const struct range nothing = { 0, 0 };

	require((err->code == ERR_INPUT || err->code == ERR_NO_FIT) && err->text[0]);
	if (!strncmp(err->text, long_line, strlen(long_line)))
		require(bench->request.crash || tells_rsdp(bench) ||
			strlen(bench->cmdline) > header->cmdline_size);
	if (strncmp(err->text, no_place, strlen(no_place)))
		return;
	require(err->code == ERR_NO_FIT);
	if (!plan->item[plan->kernel].fixed)
		check_none_between(bench, plan->kernel, nothing, plan->item[plan->kernel].align,
				   plan->item[plan->kernel].min, UINT64_MAX);
}

static void fill_constants(void)
{
	memset(seed, SEED_BYTE, sizeof(seed));
	for (size_t i = 0; i < sizeof(initrd); i++)
		initrd[i] = (uint8_t)(i >> 8 ^ i);
}

static void bench_done(struct bench *bench)
{
	load_done(&bench->load);
	warnings_done(&bench->warnings);
	system_done(&bench->system);
	buf_done(&bench->iomem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bench fresh, used;
	struct bench *bench = &used;
	struct cursor in = cursor_at((struct bytes){ data, size }, 0);
	struct err err = { 0 };

	*bench = fresh;
	if (!seed[0])
		fill_constants();
	read_choices(&in, bench);
	while (!in.bad && bench->nr_facts < ENTRIES_MAX)
		read_entry(&in, bench);
	bench->request.crash &= has_sane_reservations(bench);
	find_stretches(bench);
	require(!iomem_parse(buf_bytes(&bench->iomem), &bench->system.iomem, &err));
	if (load_place(&bench->request, &bench->system, &bench->warnings, &bench->load, &err)) {
		check_refusal(bench, &err);
	} else {
		require(!load_seal(&bench->request, &bench->system, &bench->load, &err));
		require(!plan_check(&bench->load.plan, &err));
		check_places(bench);
		check_kernel(bench);
		check_room(bench);
		check_purgatory(bench);
		check_dump(bench);
		load_forget_seed(&bench->load);
		check_seed_is_gone(&bench->load.plan);
	}
	bench_done(bench);
	return 0;
}
