/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Multiboot kernels and other ELF executables: what is taken for one, where it lies, what it is told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <string.h>

#include "kexec/sys/gather.h"
#include "kexec/x86/program.h"
#include "purgatory-abi.h"
#include "tests/mk/machine.h"
#include "tests/mk/program.h"
#include "x86/bootparam.h"

static uint8_t file[MK_PROGRAM_SIZE];
static const struct bytes whole = { file, sizeof(file) };

static int set_up(void **state)
{
	(void)state;
	mk_program(file, false);
	return 0;
}

/* The file is as it was before. */
static void assert_refused(enum load_args args, const char *sentence)
{
	struct bzimage image = { .protocol = 7 };
	struct err err;

	assert_int_equal(image_parse_with(whole, args, &image, &err), -1);
	assert_string_equal(err.text, sentence);
	assert_int_equal(image.protocol, 7);
}

static struct bzimage parsed(enum load_args args)
{
	struct bzimage image;
	struct err err;

	if (image_parse_with(whole, args, &image, &err))
		fail_msg("%s", err.text);
	return image;
}

/* --- multiboot 1 ------------------------------------------------------------- */

static void test_multiboot_1(void **state)
{
	struct bzimage image;

	(void)state;
	mk_multiboot_1(file, 0xffff0007 & ~0x10000U, NULL);
	assert_int_equal(multiboot_version(whole), 1);
	image = parsed(LOAD_ARGS_AUTO);
	assert_true(image.is_program && image.entry_32bit && !image.footprint.relocatable);
	assert_int_equal(image.told, IMAGE_TOLD_MULTIBOOT);
	assert_string_equal(program_type(&image), "multiboot-x86");
	assert_int_equal(image.footprint.pref_address, MK_PROGRAM_ADDRESS);
	assert_int_equal(image.footprint.init_size, MK_PROGRAM_END);
	/* --args-... is of other ELF files. */
	assert_int_equal(parsed(LOAD_ARGS_NONE).told, IMAGE_TOLD_MULTIBOOT);
	/* An ELF file of 64 bits, too, is entered in 32-bit mode. */
	mk_program(file, true);
	mk_multiboot_1(file, 0, NULL);
	assert_true(parsed(LOAD_ARGS_AUTO).entry_32bit);
	/* Not with a wrong checksum, nor where it is not aligned. */
	file[MK_PROGRAM_HEADER_AT + 8]++;
	assert_int_equal(multiboot_version(whole), 0);
	mk_multiboot_1(file + 2, 0, NULL);
	assert_int_equal(multiboot_version(whole), 0);
	mk_multiboot_1(file + 4, 0, NULL);
	assert_int_equal(multiboot_version(whole), 1);
	assert_int_equal(multiboot_version((struct bytes){ file, MK_PROGRAM_HEADER_AT + 4 + 12 }),
			 1);
	assert_int_equal(multiboot_version((struct bytes){ file, MK_PROGRAM_HEADER_AT + 4 + 11 }),
			 0);
}

static void test_multiboot_1_refused(void **state)
{
	(void)state;
	mk_multiboot_1(file, 0x1008, NULL);
	assert_refused(LOAD_ARGS_AUTO,
		       "its multiboot header insists on flags 0x1008, which this loader does not "
		       "know");
	mk_multiboot_1(file, 0, NULL);
	file[0] = 0;
	assert_refused(LOAD_ARGS_AUTO,
		       "it has a multiboot header without addresses, and is no ELF file either");
}

/* Header, load, end of what is loaded, end of bss, entry. */
static void assert_addresses(uint32_t header, uint32_t load, uint32_t load_end, uint32_t bss_end,
			     uint32_t entry, bool can_be)
{
	const uint32_t address[] = { header, load, load_end, bss_end, entry };
	struct bzimage image;
	struct err err;

	mk_multiboot_1(file, 0x10000, address);
	file[0] = 0;
	assert_int_equal(image_parse(whole, &image, &err), can_be ? 0 : -1);
	if (!can_be)
		assert_non_null(strstr(err.text, entry == 0x104fff ? "is in no segment"
								   : "addresses that cannot be"));
}

static void test_addresses(void **state)
{
	struct multiboot kernel;
	struct err err;

	(void)state;
	/* The header lies 0x200 bytes into the file, and is told to lie 0x100 bytes from the first loaded. */
	assert_addresses(0x100100, 0x100000, 0x100800, 0x105000, 0x100456, true);
	assert_int_equal(multiboot_parse(whole, &kernel, &err), 0);
	assert_int_equal(kernel.segments.count, 1);
	assert_int_equal(kernel.segments.segment[0].offset, 0x100);
	assert_int_equal(kernel.segments.segment[0].address, 0x100000);
	assert_int_equal(kernel.segments.segment[0].file_size, 0x800);
	assert_int_equal(kernel.segments.segment[0].mem_size, 0x5000);
	assert_int_equal(kernel.segments.entry, 0x100456);
	/* No end: all of the file; no bss. */
	assert_addresses(0x100100, 0x100000, 0, 0, 0x100456, true);
	assert_int_equal(multiboot_parse(whole, &kernel, &err), 0);
	assert_int_equal(kernel.segments.segment[0].file_size, MK_PROGRAM_SIZE - 0x100);
	assert_int_equal(kernel.segments.segment[0].mem_size, MK_PROGRAM_SIZE - 0x100);
	assert_addresses(0x100100, 0x100000, 0x100800, 0x105000, 0x104fff, false);
	assert_addresses(0x100100, 0x100101, 0x100800, 0x105000, 0x100456, false);
	assert_addresses(0x100201, 0x100000, 0x100800, 0x105000, 0x100456, false);
	assert_addresses(0x100100, 0x100000, 0x100000, 0x105000, 0x100456, false);
	assert_addresses(0x100100, 0x100000, 0x0fffff, 0x105000, 0x100456, false);
	assert_addresses(0x100100, 0x100000, 0x101301, 0x105000, 0x100456, false);
	assert_addresses(0x100100, 0x100000, 0x101300, 0x105000, 0x100456, true);
	assert_addresses(0x100100, 0x100000, 0x100800, 0x0fffff, 0x100456, false);
}

/* --- multiboot 2 ------------------------------------------------------------- */

static void put_tag(uint16_t type, uint16_t flags, uint32_t size, const uint32_t *body)
{
	uint32_t tag[16] = { (uint32_t)flags << 16 | type, size };

	if (size > 8)
		memcpy(tag + 2, body, size - 8);
	mk_program(file, false);
	mk_multiboot_2(file, tag, (size + 7) & ~7U);
}

static void test_multiboot_2(void **state)
{
	static const uint32_t relocatable[] = { 0x2000000, 0x7fffffff, 0x200000, 2 };
	static const uint32_t wanted[] = { 4, 6, 1, 2, 3, 21 };
	static const uint32_t entry[] = { MK_PROGRAM_ADDRESS + 0x234 };
	static const uint32_t ignored[] = { 6, 7, 8, 9 };
	struct multiboot kernel;
	struct bzimage image;
	struct err err;

	(void)state;
	mk_multiboot_2(file, NULL, 0);
	assert_int_equal(multiboot_version(whole), 2);
	image = parsed(LOAD_ARGS_AUTO);
	assert_int_equal(image.told, IMAGE_TOLD_MULTIBOOT2);
	assert_string_equal(program_type(&image), "multiboot2-x86");
	put_tag(1, 0, 32, wanted);
	parsed(LOAD_ARGS_AUTO);
	for (size_t i = 0; i < 4; i++) {
		put_tag((uint16_t)ignored[i], 0, 12, entry);
		assert_int_equal(parsed(LOAD_ARGS_AUTO).footprint.pref_address, MK_PROGRAM_ADDRESS);
	}
	put_tag(3, 0, 12, entry);
	assert_int_equal(multiboot_parse(whole, &kernel, &err), 0);
	assert_int_equal(kernel.segments.entry, MK_PROGRAM_ADDRESS + 0x234);
	put_tag(10, 0, 24, relocatable);
	image = parsed(LOAD_ARGS_AUTO);
	assert_true(image.footprint.relocatable);
	assert_int_equal(image.footprint.alignment, 0x200000);
	assert_int_equal(image.footprint.pref_address, 0x2000000);
	assert_int_equal(image.end_max, 0x80000000);
	/* What is optional and not known is nothing. */
	put_tag(0x1234, 1, 8, NULL);
	parsed(LOAD_ARGS_AUTO);
	put_tag(1, 1, 12, (const uint32_t[]){ 12 });
	parsed(LOAD_ARGS_AUTO);
	/* An architecture that is not i386 makes it no header. */
	mk_multiboot_2(file, NULL, 0);
	file[MK_PROGRAM_HEADER_AT + 4] = 4;
	file[MK_PROGRAM_HEADER_AT + 12] = (uint8_t)(file[MK_PROGRAM_HEADER_AT + 12] - 4);
	assert_int_equal(multiboot_version(whole), 0);
}

/* A header's entry is a physical address, an ELF file's a virtual one. */
static void test_entry(void **state)
{
	enum { ENTRY_AT = 24, VIRTUAL_AT = 60, DATA_FILE_SIZE_AT = 100, DATA_SIZE_AT = 104 };
	static const uint32_t entry[] = { MK_PROGRAM_ADDRESS + MK_PROGRAM_DATA + 0x10 };
	struct multiboot kernel;
	struct err err;

	(void)state;
	put_tag(3, 0, 12, entry);
	put_u32(file + VIRTUAL_AT, MK_PROGRAM_ADDRESS + MK_PROGRAM_DATA);
	assert_int_equal(multiboot_parse(whole, &kernel, &err), 0);
	assert_int_equal(kernel.segments.entry, MK_PROGRAM_ADDRESS + MK_PROGRAM_DATA + 0x10);
	mk_multiboot_2(file, NULL, 0);
	put_u32(file + ENTRY_AT, entry[0]);
	assert_int_equal(multiboot_parse(whole, &kernel, &err), 0);
	assert_int_equal(kernel.segments.entry, MK_PROGRAM_ADDRESS + 0x10);
	/* Zeros are not loaded from anywhere. */
	put_u32(file + DATA_FILE_SIZE_AT, 0);
	put_u32(file + DATA_SIZE_AT, 0x20000000);
	assert_int_equal(multiboot_parse(whole, &kernel, &err), 0);
	assert_int_equal(kernel.segments.file_end, MK_PROGRAM_ADDRESS + MK_PROGRAM_TEXT_SIZE);
}

/* It is moved by pages. */
static void test_begins_no_page(void **state)
{
	enum { PHYSICAL_AT = 64, SIZE_AT = 68 };
	static const uint32_t elsewhere[] = { 0x2000000, 0x7fffffff, 0x10, 0 };
	static const uint32_t here[] = { 0x200000, 0x7fffffff, 0x10, 0 };

	(void)state;
	put_tag(10, 0, 24, elsewhere);
	put_u32(file + PHYSICAL_AT, MK_PROGRAM_ADDRESS + 0x10);
	assert_refused(LOAD_ARGS_AUTO,
		       "its multiboot 2 header wants it between 0x2000000 and 0x80000000, aligned "
		       "to 0x10: no place is so");
	put_tag(10, 0, 24, here);
	put_u32(file + PHYSICAL_AT, MK_PROGRAM_ADDRESS + 0x10);
	assert_false(parsed(LOAD_ARGS_AUTO).footprint.relocatable);
	put_u32(file + PHYSICAL_AT, MK_PROGRAM_ADDRESS + 0x18);
	assert_refused(LOAD_ARGS_AUTO,
		       "its multiboot 2 header wants it between 0x200000 and 0x80000000, aligned "
		       "to 0x10: no place is so");
}

static void test_multiboot_2_refused(void **state)
{
	static const uint32_t upside_down[] = { 0x2000000, 0x1ffffff - 1, 0x1000, 0 };
	static const uint32_t crooked[] = { 0x2000000, 0x7fffffff, 0x3000, 0 };

	(void)state;
	put_tag(0x1234, 0, 8, NULL);
	assert_refused(LOAD_ARGS_AUTO,
		       "its multiboot 2 header insists on a tag of type 4660, which this loader "
		       "does not know");
	put_tag(1, 0, 16, (const uint32_t[]){ 6, 12 });
	assert_refused(LOAD_ARGS_AUTO,
		       "its multiboot 2 header insists on information of type 12, which this "
		       "loader has not to give");
	put_tag(1, 0, 12, (const uint32_t[]){ 38 });
	assert_refused(LOAD_ARGS_AUTO,
		       "its multiboot 2 header insists on information of type 38, which this "
		       "loader has not to give");
	put_tag(10, 0, 24, upside_down);
	assert_refused(LOAD_ARGS_AUTO,
		       "its multiboot 2 header wants it between 0x2000000 and 0x1ffffff, aligned "
		       "to 0x1000: no place is so");
	put_tag(10, 0, 24, crooked);
	assert_refused(LOAD_ARGS_AUTO,
		       "its multiboot 2 header wants it between 0x2000000 and 0x80000000, aligned "
		       "to 0x3000: no place is so");
	put_tag(10, 0, 23, crooked);
	assert_refused(LOAD_ARGS_AUTO,
		       "a tag of type 10 in its multiboot 2 header has 23 bytes, too few");
	put_tag(6, 0, 8, NULL);
	file[MK_PROGRAM_HEADER_AT + 16 + 4] = 7;
	assert_refused(LOAD_ARGS_AUTO,
		       "a tag at 0x10 of its multiboot 2 header of 0x20 bytes lies outside it");
	file[MK_PROGRAM_HEADER_AT + 16 + 4] = 17;
	assert_refused(LOAD_ARGS_AUTO,
		       "a tag at 0x10 of its multiboot 2 header of 0x20 bytes lies outside it");
	/* One that no tag ends. */
	file[MK_PROGRAM_HEADER_AT + 16 + 4] = 8;
	file[MK_PROGRAM_HEADER_AT + 24] = 7;
	assert_refused(LOAD_ARGS_AUTO,
		       "a tag at 0x20 of its multiboot 2 header of 0x20 bytes lies outside it");
	mk_multiboot_2(file, NULL, 0);
	put_u32(file + MK_PROGRAM_HEADER_AT + 8, 0x10018);
	put_u32(file + MK_PROGRAM_HEADER_AT + 12, -(0xe85250d6 + 0x10018));
	assert_refused(LOAD_ARGS_AUTO,
		       "its multiboot 2 header at 0x200 has 65560 bytes: it ends past the file, or "
		       "past the 0x8000 bytes that it may lie in");
}

static void test_address_tag(void **state)
{
	/* It begins the file, which is loaded to where that puts it. */
	static const uint32_t tags[] = { 2,	   24, 0x100200, 0xffffffff, 0,
					 0x109000, 3,  12,	 0x100300,   0 };
	struct multiboot kernel;
	struct err err;

	(void)state;
	mk_multiboot_2(file, tags, sizeof(tags));
	file[0] = 0;
	assert_int_equal(multiboot_parse(whole, &kernel, &err), 0);
	assert_int_equal(kernel.segments.start, 0x100000);
	assert_int_equal(kernel.segments.end, 0x109000);
	assert_int_equal(kernel.segments.file_end, 0x100000 + MK_PROGRAM_SIZE);
	assert_int_equal(kernel.segments.entry, 0x100300);
	/* Nobody knows the entry. */
	mk_multiboot_2(file, tags, 24);
	assert_int_equal(multiboot_parse(whole, &kernel, &err), -1);
	assert_non_null(strstr(err.text, "addresses that cannot be"));
}

/* --- other ELF files --------------------------------------------------------- */

static void set_segment_type(uint32_t type)
{
	((Elf32_Phdr *)(file + sizeof(Elf32_Ehdr)))[1].p_type = type;
}

static void test_elf(void **state)
{
	static const char banner[] = "Linux version 4.4.0";
	struct bzimage image;

	(void)state;
	image = parsed(LOAD_ARGS_AUTO);
	assert_true(image.is_program && image.entry_32bit);
	assert_int_equal(image.told, IMAGE_TOLD_ELF_NOTES);
	assert_string_equal(program_type(&image), "elf-x86");
	assert_int_equal(parsed(LOAD_ARGS_ELF).told, IMAGE_TOLD_ELF_NOTES);
	assert_int_equal(parsed(LOAD_ARGS_NONE).told, IMAGE_TOLD_NOTHING);
	image = parsed(LOAD_ARGS_LINUX);
	assert_int_equal(image.told, IMAGE_TOLD_LINUX);
	assert_int_equal(image.initrd_addr_max, 0x37ffffff);
	assert_int_equal(image.xloadflags, 0);
	mk_program(file, true);
	image = parsed(LOAD_ARGS_AUTO);
	assert_true(image.is_program && !image.entry_32bit);
	assert_string_equal(program_type(&image), "elf-x86_64");
	assert_int_equal(image.xloadflags, XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G);
	image = parsed(LOAD_ARGS_LINUX);
	assert_int_equal(image.xloadflags, XLF_KERNEL_64);
	assert_int_equal(image.initrd_addr_max, 0x7fffffff);
	/* A kernel of Linux for 32 bits. */
	mk_program(file, false);
	memcpy(file + 0x300, banner, sizeof(banner));
	image = parsed(LOAD_ARGS_AUTO);
	assert_true(image.is_program && image.entry_32bit);
	assert_int_equal(image.told, IMAGE_TOLD_LINUX);
	assert_string_equal(image.version, "4.4.0");
	assert_refused(LOAD_ARGS_ELF,
		       "--args-elf: the ELF file is a Linux kernel, which reads nothing but the "
		       "zero page of --args-linux");
	assert_refused(LOAD_ARGS_NONE,
		       "--args-none: the ELF file is a Linux kernel, which reads nothing but the "
		       "zero page of --args-linux");
}

static void test_elf_refused(void **state)
{
	static const uint32_t types[] = { PT_INTERP, PT_TLS };
	Elf32_Phdr *segment = (Elf32_Phdr *)(file + sizeof(Elf32_Ehdr));

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		set_segment_type(types[i]);
		assert_refused(LOAD_ARGS_AUTO,
			       "the ELF file is a program for user space: it has an interpreter, "
			       "or thread-local storage");
		assert_int_equal(parsed(LOAD_ARGS_NONE).told, IMAGE_TOLD_NOTHING);
	}
	mk_program(file, false);
	segment[1].p_paddr = 0x50000000;
	assert_refused(LOAD_ARGS_AUTO,
		       "the ELF file's segments take 0x400000-0x50004000: they are loaded as one, "
		       "of at most 0x40000000 bytes");
	segment[1].p_paddr = 0xffffe000;
	mk_multiboot_1(file, 0, NULL);
	assert_refused(LOAD_ARGS_AUTO, "a multiboot kernel of 0x400000-0x100002000: it is to lie "
				       "below 4 GiB, in at most 0x40000000 bytes");
	mk_program(file, false);
	((Elf32_Ehdr *)file)->e_machine = EM_X86_64;
	assert_refused(LOAD_ARGS_AUTO, "an ELF file of class 1 for machine 62: not for x86-64");
}

/* --- loads ------------------------------------------------------------------- */

struct fixture {
	struct mk_machine machine;
	struct system system;
	struct warnings warnings;
	struct load load;
	struct load_request request;
};

static int set_up_load(void **state)
{
	static struct fixture fixture;
	struct err err;
	struct root root;

	fixture = (struct fixture){ .load = { .is_direct = false } };
	mk_machine_init(&fixture.machine);
	assert_int_equal(root_open(fixture.machine.path, &root, &err), 0);
	assert_int_equal(gather_machine(&root, &fixture.system, &fixture.warnings, &err), 0);
	root_close(&root);
	mk_program(file, false);
	fixture.request = (struct load_request){
		.kernel = whole,
		.name = "/boot/program",
		.cmdline = "some words",
		.mem_max = PHYS_LIMIT,
	};
	*state = &fixture;
	return 0;
}

static int tear_down_load(void **state)
{
	struct fixture *fixture = *state;

	load_done(&fixture->load);
	system_done(&fixture->system);
	warnings_done(&fixture->warnings);
	mk_machine_done(&fixture->machine);
	return 0;
}

static void do_load(struct fixture *fixture)
{
	struct err err;

	if (load_place(&fixture->request, &fixture->system, &fixture->warnings, &fixture->load,
		       &err) ||
	    load_seal(&fixture->request, &fixture->system, &fixture->load, &err))
		fail_msg("%s", err.text);
}

static void assert_no_load(struct fixture *fixture, const char *part)
{
	struct err err;

	assert_int_equal(load_place(&fixture->request, &fixture->system, &fixture->warnings,
				    &fixture->load, &err),
			 -1);
	if (!strstr(err.text, part))
		fail_msg("%s", err.text);
}

/* What is at a physical address when the program starts. */
static const uint8_t *memory(const struct fixture *fixture, uint64_t address, uint64_t size)
{
	const struct plan *plan = &fixture->load.plan;

	for (unsigned int i = 0; i < plan->nr_items; i++)
		if (address >= plan->item[i].run.start &&
		    address + size <= plan->item[i].run.start + plan->item[i].file.size)
			return plan->item[i].file.data + (address - plan->item[i].run.start);
	fail_msg("0x%llx: nothing is loaded there", (unsigned long long)address);
	return NULL;
}

static uint32_t word(const uint8_t *at, size_t offset)
{
	uint32_t value;

	memcpy(&value, at + offset, sizeof(value));
	return value;
}

static uint64_t long_word(const uint8_t *at, size_t offset)
{
	return word(at, offset) | (uint64_t)word(at, offset + 4) << 32;
}

static const struct purgatory_params *purgatory(const struct fixture *fixture)
{
	return (const void *)(memory(fixture, fixture->load.plan.entry, 0x1000) +
			      PURGATORY_PARAMS_OFFSET);
}

static const struct multiboot_module modules[] = {
	{ 0, 5, "/m/a words  of it" },
	{ 0x1000, 3, "/m/b" },
};

/* Two, the second on its page. */
static void give_modules(struct fixture *fixture)
{
	static uint8_t bytes[0x1003];

	memcpy(bytes, "first", 5);
	memcpy(bytes + 0x1000, "two", 3);
	fixture->request.initrd = (struct bytes){ bytes, sizeof(bytes) };
	fixture->request.module = modules;
	fixture->request.nr_modules = 2;
}

static const char *text_at(const struct fixture *fixture, uint32_t address)
{
	return (const char *)memory(fixture, address, 1);
}

/* Entries of `size` bytes, each of start, length and type, as those of mk_machine_init(). */
static void assert_map(const uint8_t *at, size_t count, size_t size)
{
	static const uint64_t map[][3] = {
		{ 0, 0x9fc00, 1 },
		{ 0x9fc00, 0xa0000, 2 },
		{ 0x100000, 0x40000000, 1 },
	};

	assert_int_equal(count, 3);
	for (size_t i = 0; i < count; i++, at += size) {
		assert_int_equal(long_word(at, 0), map[i][0]);
		assert_int_equal(long_word(at, 8), map[i][1] - map[i][0]);
		assert_int_equal(word(at, 16), map[i][2]);
	}
}

static void assert_entered(const struct fixture *fixture, uint32_t eax, uint64_t entry)
{
	const struct purgatory_params *params = purgatory(fixture);

	assert_int_equal(params->entry_rip, entry);
	assert_int_equal(params->entry_eax, eax);
	assert_int_equal(params->entry_rsi, 0);
	assert_int_equal(params->report, 0);
	assert_int_equal(params->flags & PURGATORY_DIRECT, 0);
}

static void test_load_multiboot_1(void **state)
{
	struct fixture *fixture = *state;
	const uint8_t *info, *module;

	mk_multiboot_1(file, 3, NULL);
	give_modules(fixture);
	do_load(fixture);
	assert_entered(fixture, 0x2badb002, MK_PROGRAM_ADDRESS + MK_PROGRAM_ENTRY);
	assert_int_equal(purgatory(fixture)->flags & PURGATORY_ENTRY_32, PURGATORY_ENTRY_32);
	info = memory(fixture, purgatory(fixture)->entry_ebx, 120);
	/* Memory, command line, modules, map, loader; no screen is known. */
	assert_int_equal(word(info, 0), 1 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
	assert_int_equal(word(info, 4), 0x9fc00 / 1024);
	assert_int_equal(word(info, 8), (0x40000000 - 0x100000) / 1024);
	assert_string_equal(text_at(fixture, word(info, 16)), "/boot/program some words");
	assert_string_equal(text_at(fixture, word(info, 64)), "safekexec " PACKAGE_VERSION);
	assert_int_equal(word(info, 20), 2);
	module = memory(fixture, word(info, 24), 32);
	assert_int_equal(word(module, 0) % 0x1000, 0);
	assert_int_equal(word(module, 4) - word(module, 0), 5);
	assert_memory_equal(memory(fixture, word(module, 0), 5), "first", 5);
	assert_string_equal(text_at(fixture, word(module, 8)), "/m/a words  of it");
	assert_int_equal(word(module, 16), word(module, 0) + 0x1000);
	assert_int_equal(word(module, 20) - word(module, 16), 3);
	assert_memory_equal(memory(fixture, word(module, 16), 3), "two", 3);
	assert_string_equal(text_at(fixture, word(module, 24)), "/m/b");
	assert_int_equal(word(info, 44), 72);
	assert_int_equal(word(memory(fixture, word(info, 48), 72), 0), 20);
	assert_map(memory(fixture, word(info, 48), 72) + 4, word(info, 44) / 24, 24);
	/* Its bytes, and behind them zeros. */
	assert_memory_equal(memory(fixture, MK_PROGRAM_ADDRESS, MK_PROGRAM_TEXT_SIZE),
			    file + MK_PROGRAM_HEADER_AT, MK_PROGRAM_TEXT_SIZE);
	assert_memory_equal(
		memory(fixture, MK_PROGRAM_ADDRESS + MK_PROGRAM_DATA, MK_PROGRAM_DATA_SIZE),
		file + MK_PROGRAM_DATA_AT, MK_PROGRAM_DATA_SIZE);
	assert_int_equal(*memory(fixture, MK_PROGRAM_ADDRESS + MK_PROGRAM_TEXT_SIZE, 1), 0);
}

static void test_load_multiboot_2(void **state)
{
	static const uint32_t relocatable[] = { 0x2000123, 0x7fffffff, 0x200000, 1 };
	static const uint32_t types[] = { 3, 3, 1, 2, 4, 6, 21, 0 };
	struct fixture *fixture = *state;
	const uint8_t *info;
	uint32_t at = 8;

	put_tag(10, 0, 24, relocatable);
	give_modules(fixture);
	fixture->request.cmdline = "";
	do_load(fixture);
	assert_entered(fixture, 0x36d76289, 0x2200000 + MK_PROGRAM_ENTRY);
	info = memory(fixture, purgatory(fixture)->entry_ebx, 8);
	assert_int_equal(purgatory(fixture)->entry_ebx % 8, 0);
	memory(fixture, purgatory(fixture)->entry_ebx, word(info, 0));
	assert_int_equal(word(info, 4), 0);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const uint8_t *tag = info + at;

		assert_int_equal(word(tag, 0), types[i]);
		if (types[i] == 3) {
			assert_int_equal(word(tag, 12) - word(tag, 8), modules[i].size);
			assert_memory_equal(memory(fixture, word(tag, 8), 3), i ? "two" : "fir", 3);
			assert_string_equal((const char *)tag + 16, modules[i].cmdline);
		}
		if (types[i] == 1)
			assert_string_equal((const char *)tag + 8, "/boot/program");
		if (types[i] == 4) {
			assert_int_equal(word(tag, 8), 0x9fc00 / 1024);
			assert_int_equal(word(tag, 12), (0x40000000 - 0x100000) / 1024);
		}
		if (types[i] == 6) {
			assert_int_equal(word(tag, 8), 24);
			assert_int_equal(word(tag, 12), 0);
			assert_map(tag + 16, (word(tag, 4) - 16) / 24, 24);
		}
		if (types[i] == 21)
			assert_int_equal(word(tag, 8), 0x2200000);
		at += (word(tag, 4) + 7) & ~7U;
	}
	assert_int_equal(at, word(info, 0));
}

static void set_screen(struct fixture *fixture, uint16_t bits)
{
	uint8_t *screen = fixture->system.boot_params;

	screen[SCREEN_INFO_IS_VGA] = VIDEO_TYPE_EFI;
	put_u16(screen + SCREEN_INFO_LFB_WIDTH, 1024);
	put_u16(screen + SCREEN_INFO_LFB_HEIGHT, 768);
	put_u16(screen + 0x16, bits);
	put_u32(screen + SCREEN_INFO_LFB_BASE, 0xc0000000);
	put_u32(screen + SCREEN_INFO_EXT_LFB_BASE, 4);
	screen[0x36] = 2; /* which is only then to be looked at */
	put_u16(screen + 0x24, 4096);
	memcpy(screen + 0x26, (const uint8_t[]){ 8, 16, 7, 9, 6, 3 }, 6);
}

/* A framebuffer, as the running kernel was told of it; and text. */
static void test_screen(void **state)
{
	struct fixture *fixture = *state;
	const uint8_t *tag;
	uint32_t at = 8;
	const uint8_t *info;

	mk_multiboot_2(file, NULL, 0);
	set_screen(fixture, 32);
	do_load(fixture);
	info = memory(fixture, purgatory(fixture)->entry_ebx, 8);
	for (tag = info + at; word(tag, 0) != 8; tag = info + at)
		at += (word(tag, 4) + 7) & ~7U;
	assert_int_equal(word(tag, 4), 38);
	assert_int_equal(long_word(tag, 8), 0x4c0000000);
	assert_int_equal(word(tag, 16), 4096);
	assert_int_equal(word(tag, 20), 1024);
	assert_int_equal(word(tag, 24), 768);
	assert_int_equal(tag[28], 32);
	assert_int_equal(tag[29], 1);
	assert_memory_equal(tag + 32, ((const uint8_t[]){ 16, 8, 9, 7, 3, 6 }), 6);
	/* Where the purgatory brings the text mode back, that is there. */
	load_done(&fixture->load);
	fixture->load = (struct load){ .is_direct = false };
	mk_program(file, false);
	mk_multiboot_1(file, 4, NULL);
	fixture->request.console.reset_vga = true;
	do_load(fixture);
	info = memory(fixture, purgatory(fixture)->entry_ebx, 120);
	assert_int_equal(word(info, 0) & 1 << 12, 1 << 12);
	assert_int_equal(long_word(info, 88), 0xb8000);
	assert_int_equal(word(info, 100), 80);
	assert_int_equal(word(info, 104), 25);
	assert_int_equal(info[109], 2);
}

static void test_no_screen(void **state)
{
	static const uint32_t wanted[] = { 8 }, required[] = { 1 };
	struct fixture *fixture = *state;
	const char *sentence = "its multiboot 2 header insists on a screen, and none is known here "
			       "that it could have";

	put_tag(1, 0, 12, wanted);
	assert_no_load(fixture, sentence);
	load_done(&fixture->load);
	fixture->load = (struct load){ .is_direct = false };
	put_tag(4, 0, 12, required);
	assert_no_load(fixture, sentence);
	load_done(&fixture->load);
	fixture->load = (struct load){ .is_direct = false };
	put_tag(5, 0, 20, (const uint32_t[]){ 0, 0, 0 });
	assert_no_load(fixture, sentence);
	load_done(&fixture->load);
	fixture->load = (struct load){ .is_direct = false };
	set_screen(fixture, 8);
	assert_no_load(fixture, sentence);
}

static void assert_rsdp(const char *log, size_t size, const char *bytes)
{
	struct rsdp rsdp;

	rsdp_from_log(text_bytes(log), &rsdp);
	assert_int_equal(rsdp.size, size);
	assert_memory_equal(rsdp.bytes, bytes, size);
}

/* Bytes that add up to 0. */
static void test_rsdp(void **state)
{
	static const char old[] =
		"[    0.001] ACPI: RSDP 0x00000000000F5250 000014 (v00 BOCHS )\n"
		"[    0.002] ACPI: RSDT 0x000000005DBE22E0 000038 (v01 BOCHS  BXPC)\n";
	static const char new[] = "ACPI: RSDP 0x000000003F77E014 000024 (v02 BOCHS )\n"
				  "ACPI: XSDT 0x000000003F77D0E8 00004C (v01 BOCHS  BXPC)\n"
				  "ACPI: FACP 0x000000003F77A000 000074\n";
	static const uint32_t wanted[] = { 15 };
	struct fixture *fixture = *state;
	const uint8_t *info;
	uint32_t at = 8;

	assert_rsdp(old, 20,
		    "RSD PTR \x35"
		    "BOCHS \0\xe0\x22\xbe\x5d");
	assert_rsdp(new, 36,
		    "RSD PTR \x50"
		    "BOCHS \2\0\0\0\0\x24\0\0\0\xe8\xd0\x77\x3f\0\0\0\0\x6e\0\0\0");
	assert_rsdp("ACPI: RSDP 0x000F5250 000014 (v00 BOCHS )\n", 0, "");
	assert_rsdp("ACPI: XSDT 0x000F5250 000014\n", 0, "");
	/* Neither revision will do for the other. */
	rsdp_from_log(text_bytes(new), &fixture->system.rsdp);
	put_tag(1, 0, 12, (const uint32_t[]){ 14 });
	assert_no_load(fixture, "its multiboot 2 header insists on ACPI's root pointer of revision "
				"0, which the running kernel's log does not tell");
	load_done(&fixture->load);
	fixture->load = (struct load){ .is_direct = false };
	rsdp_from_log(text_bytes(old), &fixture->system.rsdp);
	put_tag(1, 0, 12, wanted);
	assert_no_load(fixture, "its multiboot 2 header insists on ACPI's root pointer of revision "
				"2, which the running kernel's log does not tell");
	load_done(&fixture->load);
	fixture->load = (struct load){ .is_direct = false };
	rsdp_from_log(text_bytes(new), &fixture->system.rsdp);
	do_load(fixture);
	info = memory(fixture, purgatory(fixture)->entry_ebx, 8);
	while (word(info + at, 0) != 15)
		at += (word(info + at, 4) + 7) & ~7U;
	assert_int_equal(word(info + at, 4), 44);
	assert_memory_equal(info + at + 8, fixture->system.rsdp.bytes, 36);
}

/* UEFI alone knows it, and multiboot 1 has no place for it. */
static void test_rsdp_untold(void **state)
{
	static const char warning[] = "the multiboot kernel is not told where ACPI's root pointer "
				      "is, which UEFI alone knows: it may find no tables";
	struct fixture *fixture = *state;

	for (int version = 1; version <= 2; version++)
		for (int known = 0; known <= 1; known++) {
			mk_program(file, false);
			if (version == 1)
				mk_multiboot_1(file, 0, NULL);
			else
				mk_multiboot_2(file, NULL, 0);
			fixture->system.efi.booted = true;
			fixture->system.rsdp.size = known ? RSDP_SIZE : 0;
			do_load(fixture);
			if (version == 2 && known) {
				assert_int_equal(fixture->warnings.count, 0);
			} else {
				assert_int_equal(fixture->warnings.count, 1);
				assert_string_equal(fixture->warnings.text[0], warning);
			}
			warnings_done(&fixture->warnings);
			fixture->warnings = (struct warnings){ 0 };
			load_done(&fixture->load);
			fixture->load = (struct load){ .is_direct = false };
		}
}

/* What has no decompressor is entered as it is, and who asked for a direct start is told. */
static void test_not_direct(void **state)
{
	struct fixture *fixture = *state;

	fixture->request.direct = LOAD_DIRECT_IF_POSSIBLE;
	do_load(fixture);
	assert_int_equal(fixture->warnings.count, 0);
	load_done(&fixture->load);
	fixture->load = (struct load){ .is_direct = false };
	fixture->request.direct = LOAD_DIRECT_ASKED;
	do_load(fixture);
	assert_int_equal(fixture->warnings.count, 1);
	assert_string_equal(fixture->warnings.text[0],
			    "the kernel is not started directly: it has no decompressor, and is "
			    "entered as it is");
}

static void test_load_notes(void **state)
{
	struct fixture *fixture = *state;
	const uint8_t *notes;
	uint64_t sum = 0;

	mk_program(file, true);
	do_load(fixture);
	assert_entered(fixture, 0, MK_PROGRAM_ADDRESS + MK_PROGRAM_ENTRY);
	assert_int_equal(purgatory(fixture)->flags & PURGATORY_ENTRY_32, 0);
	notes = memory(fixture, purgatory(fixture)->entry_rdi, 12);
	assert_int_equal(word(notes, 0), 0x0e1fb007);
	memory(fixture, purgatory(fixture)->entry_rdi, word(notes, 4));
	for (size_t i = 0; i < word(notes, 4); i += 2)
		sum += notes[i] | (uint64_t)notes[i + 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(sum, 0xffff);
	assert_int_equal(word(notes, 8) >> 16, 3);
	/* The loader's name, then its version, then the command line. */
	assert_int_equal(word(notes, 12), 0);
	assert_int_equal(word(notes, 16), 10);
	assert_int_equal(word(notes, 20), 2);
	assert_string_equal((const char *)notes + 24, "safekexec");
	assert_int_equal(word(notes, 44), 3);
	assert_string_equal((const char *)notes + 48, PACKAGE_VERSION);
	notes += 48 + ((sizeof(PACKAGE_VERSION) + 3) & ~3U);
	assert_int_equal(word(notes, 8), 4);
	assert_string_equal((const char *)notes + 12, "some words");
}

static void test_load_nothing(void **state)
{
	struct fixture *fixture = *state;

	fixture->request.args = LOAD_ARGS_NONE;
	do_load(fixture);
	assert_entered(fixture, 0, MK_PROGRAM_ADDRESS + MK_PROGRAM_ENTRY);
	assert_int_equal(purgatory(fixture)->entry_rdi, 0);
	assert_int_equal(fixture->load.plan.nr_items, 2);
	assert_int_equal(fixture->load.plan.params, PLAN_NO_ITEM);
	assert_int_equal(fixture->warnings.count, 1);
	assert_string_equal(fixture->warnings.text[0],
			    "--args-none: the command line is not passed on, as nothing is");
}

static void test_load_zero_page(void **state)
{
	struct fixture *fixture = *state;
	const struct purgatory_params *params;

	give_modules(fixture);
	fixture->request.nr_modules = 0;
	fixture->request.args = LOAD_ARGS_LINUX;
	do_load(fixture);
	params = purgatory(fixture);
	assert_int_equal(params->entry_eax, 0);
	assert_int_equal(params->entry_rdi, 0);
	assert_int_equal(word(memory(fixture, params->entry_rsi, 0x1000), 0x202), 0x53726448);
	assert_int_equal(word(memory(fixture, params->entry_rsi, 0x1000), 0x21c), 0x1003);
	assert_int_not_equal(params->report, 0);
}

/* A kernel of 32 bits from before the zero page had a field for it. */
static void test_load_old_linux(void **state)
{
	static const char *const banner[] = { "Linux version 5.5.0", "Linux version 5.4.0" };
	struct fixture *fixture = *state;

	fixture->system.efi.booted = true;
	for (size_t i = 0; i < 2; i++) {
		memcpy(file + 0x300, banner[i], strlen(banner[i]) + 1);
		do_load(fixture);
		assert_int_equal(fixture->load.image.told, IMAGE_TOLD_LINUX);
		assert_string_equal(fixture->load.plan.cmdline,
				    i ? "some words acpi_rsdp=0xf5a00" : "some words");
		load_done(&fixture->load);
		fixture->load = (struct load){ .is_direct = false };
	}
}

static void test_not_loaded(void **state)
{
	struct fixture *fixture = *state;

	give_modules(fixture);
	fixture->request.nr_modules = 0;
	assert_no_load(fixture, "an ELF file that is no Linux kernel takes no initrd");
	fixture->request.crash = true;
	assert_no_load(fixture, "only a Linux kernel can be told where the dump is");
	fixture->request.crash = false;
	fixture->request.initrd.size = 0;
	((Elf32_Phdr *)(file + sizeof(Elf32_Ehdr)))[0].p_paddr = 0x7000;
	((Elf32_Phdr *)(file + sizeof(Elf32_Ehdr)))[1].p_type = PT_NULL;
	((Elf32_Ehdr *)file)->e_entry = 0x7000;
	assert_no_load(fixture, "kernel: no place for 0x1000 bytes (4 KiB), which must start at "
				"exactly 0x7000");
	mk_program(file, true);
	fixture->request.entry_32bit = true;
	load_done(&fixture->load);
	fixture->load = (struct load){ .is_direct = false };
	assert_no_load(fixture, "an ELF file of a kernel has no 32-bit entry");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_multiboot_1, set_up),
		cmocka_unit_test_setup(test_multiboot_1_refused, set_up),
		cmocka_unit_test_setup(test_addresses, set_up),
		cmocka_unit_test_setup(test_multiboot_2, set_up),
		cmocka_unit_test_setup(test_entry, set_up),
		cmocka_unit_test_setup(test_begins_no_page, set_up),
		cmocka_unit_test_setup(test_multiboot_2_refused, set_up),
		cmocka_unit_test_setup(test_address_tag, set_up),
		cmocka_unit_test_setup(test_elf, set_up),
		cmocka_unit_test_setup(test_elf_refused, set_up),
		cmocka_unit_test_setup_teardown(test_load_multiboot_1, set_up_load, tear_down_load),
		cmocka_unit_test_setup_teardown(test_load_multiboot_2, set_up_load, tear_down_load),
		cmocka_unit_test_setup_teardown(test_screen, set_up_load, tear_down_load),
		cmocka_unit_test_setup_teardown(test_no_screen, set_up_load, tear_down_load),
		cmocka_unit_test_setup_teardown(test_rsdp, set_up_load, tear_down_load),
		cmocka_unit_test_setup_teardown(test_rsdp_untold, set_up_load, tear_down_load),
		cmocka_unit_test_setup_teardown(test_not_direct, set_up_load, tear_down_load),
		cmocka_unit_test_setup_teardown(test_load_notes, set_up_load, tear_down_load),
		cmocka_unit_test_setup_teardown(test_load_old_linux, set_up_load, tear_down_load),
		cmocka_unit_test_setup_teardown(test_load_nothing, set_up_load, tear_down_load),
		cmocka_unit_test_setup_teardown(test_load_zero_page, set_up_load, tear_down_load),
		cmocka_unit_test_setup_teardown(test_not_loaded, set_up_load, tear_down_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
