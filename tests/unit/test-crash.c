/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Crash kernels: where they go, what the capture kernel is told, and what is refused before
 * the running kernel would give the old one up. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/action.h"
#include "purgatory-abi.h"
#include "tests/mk/image.h"
#include "tests/mk/machine.h"
#include "x86/bootparam.h"

enum { SEGMENTS = 16 };

/* What the running kernel was given, copied. */
static struct {
	int calls, file_calls;
	unsigned long flags;
	unsigned long file_flags[4];
	size_t count;
	struct kexec_segment segment[SEGMENTS];
} given;

static void forget(void)
{
	for (size_t i = 0; i < given.count; i++)
		free((void *)given.segment[i].buf);
	memset(&given, 0, sizeof(given));
}

static int einval_of; /* flags that this kernel does not know */
static int not_taken; /* why a normal load of the image fails */

static const char *overwritten; /* a file that somebody writes to as the call begins */

static void overwrite(void)
{
	FILE *file = fopen(overwritten, "r+e");

	assert_non_null(file);
	assert_true(fputs("XXXXXX", file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int record(void *context, uint64_t entry, size_t count, const struct kexec_segment *segment,
		  unsigned long flags)
{
	(void)context;
	(void)entry;
	given.calls++;
	if (flags & (unsigned long)einval_of)
		return -EINVAL;
	given.flags = flags;
	given.count = count;
	if (overwritten)
		overwrite();
	for (size_t i = 0; i < count; i++) {
		void *copy = calloc(1, segment[i].bufsz + 1);

		if (segment[i].bufsz)
			memcpy(copy, segment[i].buf, segment[i].bufsz);
		given.segment[i] = segment[i];
		given.segment[i].buf = copy;
	}
	return 0;
}

static int record_file(void *context, int kernel_fd, int initrd_fd, size_t cmdline_size,
		       const char *cmdline, unsigned long flags)
{
	(void)context;
	(void)kernel_fd;
	(void)initrd_fd;
	(void)cmdline_size;
	(void)cmdline;
	assert_in_range(given.file_calls, 0, 3);
	given.file_flags[given.file_calls++] = flags;
	return flags == KEXEC_FILE_NO_INITRAMFS ? -not_taken : 0;
}

static const struct ops recording = { .load = record, .file_load = record_file };

static struct mk_machine machine;
static struct request request;

static const char iomem[] = "00001000-0009fbff : System RAM\n"
			    "00100000-3fffffff : System RAM\n"
			    "  01000000-01ffffff : Kernel code\n"
			    "  10000000-1fffffff : Crash kernel\n"
			    "100000000-17fffffff : System RAM\n"
			    "  160000000-16fffffff : Crash kernel\n"
			    "180000000-18fffffff : System RAM (kmem)\n";

static void mk_direct_map(void)
{
	struct mk_kcore file = mk_kcore(0x2000000, 0x1000, 0x9f000);

	mk_file(&machine, "proc/kcore", &file, sizeof(file));
}

static void mk_page_flags(uint64_t of_one_page)
{
	uint64_t flags[256];

	for (size_t i = 0; i < 256; i++)
		flags[i] = UINT64_C(1) << 32;
	flags[7] = of_one_page;
	mk_file(&machine, "proc/kpageflags", flags, sizeof(flags));
}

static int set_up(void **state)
{
	static char kernel[MK_PATH_MAX], initrd[MK_PATH_MAX];
	static uint8_t image[MK_IMAGE_SIZE];

	(void)state;
	einval_of = 0;
	not_taken = 0;
	overwritten = NULL;
	mk_machine_init(&machine);
	mk_image(image);
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	mk_path(&machine, "vmlinuz", kernel);
	mk_text(&machine, "initrd", "070701");
	mk_path(&machine, "initrd", initrd);
	mk_text(&machine, "proc/iomem", iomem);
	mk_memmap(&machine, 3, 0x100000000, 0x17fffffff, "System RAM\n");
	mk_direct_map();
	mk_page_flags(UINT64_C(1) << 32);
	mk_text(&machine, "proc/meminfo", "MemTotal:        2900000 kB\nMemFree: 1 kB\n");
	/* Sparse ids: 1 is missing; 10 comes after 2. */
	mk_text(&machine, "sys/devices/system/cpu/cpu0/crash_notes", "3f000000\n");
	mk_text(&machine, "sys/devices/system/cpu/cpu0/crash_notes_size", "368\n");
	mk_text(&machine, "sys/devices/system/cpu/cpu10/crash_notes", "3f002000\n");
	mk_text(&machine, "sys/devices/system/cpu/cpu10/crash_notes_size", "368\n");
	mk_text(&machine, "sys/devices/system/cpu/cpu2/crash_notes", "3f001000\n");
	mk_text(&machine, "sys/devices/system/cpu/cpu2/crash_notes_size", "368\n");
	mk_text(&machine, "sys/devices/system/cpu/cpufreq/boost", "1\n");
	mk_text(&machine, "sys/kernel/vmcoreinfo", "0x000000003f010000 1024\n");
	request = (struct request){ .action = ACTION_LOAD,
				    .method = METHOD_LOAD,
				    .crash = true,
				    .kernel = kernel,
				    .initrd = { initrd },
				    .nr_initrds = 1,
				    .append = "nr_cpus=1",
				    .mem_max = PHYS_LIMIT };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	forget();
	mk_machine_done(&machine);
	return 0;
}

/* Loads; the error's text, "" if there is none. The warnings, if the caller wants them. */
static const char *load(char warnings_text[4096])
{
	static struct err err;
	struct warnings warnings = { 0 };
	struct surroundings around = { .ops = &recording, .out = stderr, .warnings = &warnings };
	int status, result;

	err = (struct err){ 0 };
	forget();
	assert_int_equal(root_open(machine.path, &around.root, &err), 0);
	result = action_run(&request, &around, &status, &err);
	root_close(&around.root);
	if (warnings_text)
		warnings_text[0] = '\0';
	for (size_t i = 0; warnings_text && i < warnings.count; i++)
		snprintf(warnings_text + strlen(warnings_text), 4096 - strlen(warnings_text),
			 "%s\n", warnings.text[i]);
	warnings_done(&warnings);
	return result ? err.text : "";
}

static const struct kexec_segment *segment_at(uint64_t address)
{
	for (size_t i = 0; i < given.count; i++)
		if ((uintptr_t)given.segment[i].mem == address)
			return &given.segment[i];
	fail_msg("no segment at 0x%llx", (unsigned long long)address);
	return NULL;
}

static void assert_phdr(Elf *elf, int i, uint32_t type, uint64_t offset, uint64_t vaddr,
			uint64_t paddr, uint64_t size)
{
	GElf_Phdr phdr;

	assert_non_null(gelf_getphdr(elf, i, &phdr));
	assert_int_equal(phdr.p_type, type);
	assert_true(phdr.p_offset == offset);
	assert_true(phdr.p_vaddr == vaddr);
	assert_true(phdr.p_paddr == paddr);
	assert_true(phdr.p_filesz == size && phdr.p_memsz == size);
}

static void assert_note(Elf *elf, int i, uint64_t address, uint64_t size)
{
	assert_phdr(elf, i, PT_NOTE, address, 0, address, size);
}

static void assert_ram(Elf *elf, int i, uint64_t start, uint64_t end)
{
	assert_phdr(elf, i, PT_LOAD, start, 0xffff888000000000 + start, start, end - start);
}

static void test_header(void **state)
{
	const struct kexec_segment *segment;
	size_t count;
	Elf *elf;

	(void)state;
	assert_string_equal(load(NULL), "");
	assert_int_equal(given.flags, KEXEC_ON_CRASH | KEXEC_ARCH_X86_64);
	segment = segment_at(0x16ffff000);
	elf_version(EV_CURRENT);
	elf = elf_memory((char *)segment->buf, segment->bufsz);
	assert_non_null(elf);
	assert_int_equal(elf_getphdrnum(elf, &count), 0);
	assert_int_equal(count, 3 + 1 + 1 + 4);
	assert_note(elf, 0, 0x3f000000, 368);
	assert_note(elf, 1, 0x3f001000, 368);
	assert_note(elf, 2, 0x3f002000, 368);
	assert_note(elf, 3, 0x3f010000, 0x1024);
	assert_phdr(elf, 4, PT_LOAD, 0x1000000, 0xffffffff81000000, 0x1000000, 0x2000000);
	assert_ram(elf, 5, 0x100000, 0x10000000);
	assert_ram(elf, 6, 0x20000000, 0x40000000);
	assert_ram(elf, 7, 0x100000000, 0x160000000);
	/* Driver-managed RAM behind it, too. */
	assert_ram(elf, 8, 0x170000000, 0x190000000);
	elf_end(elf);
}

/* Both reservations are RAM for the capture kernel, the main one up to the header. */
static void test_world(void **state)
{
	const struct boot_params *page = NULL;
	uint64_t start, last = 0;

	(void)state;
	assert_string_equal(load(NULL), "");
	for (size_t i = 0; i < given.count; i++) {
		start = (uintptr_t)given.segment[i].mem;
		last = start + given.segment[i].memsz;
		assert_in_range(start, 0x160000000, 0x16fffffff);
		if (!page && given.segment[i].bufsz > sizeof(*page) &&
		    ((const struct boot_params *)given.segment[i].buf)->hdr.header ==
			    SETUP_HEADER_MAGIC)
			page = given.segment[i].buf;
	}
	assert_true(last == 0x170000000);
	assert_non_null(page);
	assert_int_equal(page->e820_entries, 4);
	assert_true(page->e820_table[2].addr == 0x10000000 &&
		    page->e820_table[2].size == 0x10000000);
	assert_true(page->e820_table[3].addr == 0x160000000 &&
		    page->e820_table[3].size == 0xffff000);
	assert_int_equal(page->e820_table[3].type, E820_RAM);
	assert_int_equal(page->hdr.cmd_line_ptr & 0xfff, 0);
	assert_string_equal((const char *)page + 0x1000,
			    "nr_cpus=1 acpi_no_memhotplug elfcorehdr=0x16ffff000");
}

/* The capture kernel's zero page, and its command line. */
static const struct boot_params *zero_page(const char **ret_cmdline)
{
	const struct boot_params *page = NULL;

	for (size_t i = 0; i < given.count && !page; i++) {
		const struct boot_params *at = given.segment[i].buf;

		if (given.segment[i].bufsz > sizeof(*at) && at->hdr.header == SETUP_HEADER_MAGIC)
			page = at;
	}
	assert_non_null(page);
	*ret_cmdline = (const char *)page + 0x1000;
	return page;
}

static void assert_entry(const struct boot_params *page, int i, uint64_t address, uint64_t size,
			 uint32_t type)
{
	assert_true(page->e820_table[i].addr == address);
	assert_true(page->e820_table[i].size == size);
	assert_int_equal(page->e820_table[i].type, type);
}

/* What is not RAM is told as it is, on the command line, too, if asked for. */
static void test_map(void **state)
{
	static const char words[] =
		"nr_cpus=1 acpi_no_memhotplug elfcorehdr=0x16ffff000 memmap=exactmap memmap=0x9fc00@0x0 "
		"memmap=0x400$0x9fc00 memmap=0x10000000@0x10000000 memmap=0xffff000@0x160000000 "
		"memmap=0x1000#0x200000000 memmap=0x1000$0x200001000 memmap=0x1000!0x200002000 "
		"memmap=0x1000$0x200003000";
	const struct boot_params *page;
	const char *cmdline;

	(void)state;
	mk_memmap(&machine, 4, 0x200000000, 0x200000fff, "ACPI Tables\n");
	mk_memmap(&machine, 5, 0x200001000, 0x200001fff, "ACPI Non-volatile Storage\n");
	mk_memmap(&machine, 6, 0x200002000, 0x200002fff, "Persistent Memory (legacy)\n");
	mk_memmap(&machine, 7, 0x200003000, 0x200003fff, "Soft Reserved\n");
	request.memmap_cmdline = true;
	assert_string_equal(load(NULL), "");
	page = zero_page(&cmdline);
	assert_int_equal(page->e820_entries, 8);
	assert_entry(page, 4, 0x200000000, 0x1000, E820_ACPI);
	assert_entry(page, 5, 0x200001000, 0x1000, E820_NVS);
	assert_entry(page, 6, 0x200002000, 0x1000, E820_PRAM);
	assert_entry(page, 7, 0x200003000, 0x1000, E820_RESERVED);
	assert_string_equal(cmdline, words);
}

/* Where the zero page has no field for it. */
static void test_rsdp_before_2_14(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];
	const char *cmdline;

	(void)state;
	mk_image(image)->version = 0x20d;
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	assert_string_equal(load(NULL), "");
	zero_page(&cmdline);
	assert_string_equal(
		cmdline, "nr_cpus=1 acpi_no_memhotplug elfcorehdr=0x16ffff000 acpi_rsdp=0xf5a00");
}

/* Movable memory that the capture kernel may use is RAM there, and not in the dump. */
static void test_cma(void **state)
{
	const struct kexec_segment *segment;
	const struct boot_params *page;
	const char *cmdline;
	Elf *elf;

	(void)state;
	mk_text(&machine, "sys/kernel/kexec/crash_cma_ranges", "20000000-23ffffff\n");
	assert_string_equal(load(NULL), "");
	segment = segment_at(0x16ffff000);
	elf = elf_memory((char *)segment->buf, segment->bufsz);
	assert_non_null(elf);
	assert_ram(elf, 5, 0x100000, 0x10000000);
	assert_ram(elf, 6, 0x24000000, 0x40000000);
	elf_end(elf);
	page = zero_page(&cmdline);
	assert_entry(page, 2, 0x10000000, 0x14000000, E820_RAM);
}

static void test_backup(void **state)
{
	const struct kexec_segment *segment;
	GElf_Phdr phdr;
	Elf *elf;

	(void)state;
	/* A page of the first MiB that is not reserved: the running kernel uses it. */
	mk_page_flags(0);
	assert_string_equal(load(NULL), "");
	segment_at(0x16ffff000 - 0xa0000);
	segment = segment_at(0x16ffff000);
	elf = elf_memory((char *)segment->buf, segment->bufsz);
	assert_non_null(gelf_getphdr(elf, 5, &phdr));
	assert_true(phdr.p_paddr == 0x1000 && phdr.p_offset == 0x16ffff000 - 0xa0000 + 0x1000);
	assert_int_equal(phdr.p_memsz, 0x9fc00 - 0x1000);
	elf_end(elf);
}

static void test_hotplug_flags(void **state)
{
	char warnings[4096];

	(void)state;
	request.hotplug = true;
	assert_string_equal(load(warnings), "");
	assert_non_null(strstr(warnings, "--hotplug: the running kernel cannot keep"));
	assert_int_equal(given.flags, KEXEC_ON_CRASH | KEXEC_ARCH_X86_64);
	tear_down(state);
	set_up(state);
	request.hotplug = true;
	mk_text(&machine, "sys/kernel/crash_elfcorehdr_size", "917616\n");
	einval_of = KEXEC_CRASH_HOTPLUG_SUPPORT;
	assert_string_equal(load(NULL), "");
	assert_int_equal(given.calls, 2);
	assert_int_equal(given.flags, KEXEC_ON_CRASH | KEXEC_UPDATE_ELFCOREHDR | KEXEC_ARCH_X86_64);
	/* Room for the header that sysfs leaves out, in whole pages. */
	assert_int_equal(segment_at(0x170000000 - 0xe1000)->memsz, 0xe1000);
}

static void refused(const char *text)
{
	char expected[2048];

	snprintf(expected, sizeof(expected), "%s%s", *text == '/' ? "" : request.kernel, text);
	assert_string_equal(load(NULL), *text == '/' ? text : expected);
	assert_int_equal(given.calls, 0);
}

/* What was hashed is what is loaded, whoever writes to the files meanwhile; and it stays. */
static void test_pinned(void **state)
{
	bool found = false;

	(void)state;
	overwritten = request.initrd[0];
	assert_string_equal(load(NULL), "");
	assert_int_equal(given.calls, 1);
	assert_int_equal(given.file_calls, 0);
	for (size_t i = 0; i < given.count; i++) {
		assert_true(given.segment[i].bufsz != 6 ||
			    !memcmp(given.segment[i].buf, "070701", 6));
		found |= given.segment[i].bufsz == 6;
	}
	assert_true(found);
}

/* The running kernel's own loader gives up what is loaded before it looks at what comes. */
static void test_reload_by_the_kernel(void **state)
{
	char *cmdline;

	(void)state;
	request.method = METHOD_FILE_LOAD;
	mk_text(&machine, "sys/kernel/kexec_crash_loaded", "1\n");
	assert_string_equal(load(NULL), "");
	assert_int_equal(given.file_calls, 3);
	assert_int_equal(given.file_flags[0], KEXEC_FILE_NO_INITRAMFS);
	assert_int_equal(given.file_flags[1], KEXEC_FILE_UNLOAD);
	assert_int_equal(given.file_flags[2], KEXEC_FILE_ON_CRASH);
	mk_text(&machine, "proc/iomem",
		"00100000-3fffffff : System RAM\n  10000000-130fffff : Crash kernel\n");
	refused(": the running kernel's own loader may need 52356 KiB, the reservation "
		"0x10000000-0x13100000 has 50176 KiB, and the loaded crash kernel would be lost: it "
		"stays. Unload it first (kexec -p -u) to try all the same, use -c, which knows, or boot "
		"the running kernel with crashkernel=80M");
	assert_int_equal(given.file_calls, 0);
	mk_text(&machine, "proc/meminfo", "MemTotal:        104000 kB\n");
	refused(": the running kernel's own loader may need 52356 KiB, the running kernel takes half "
		"of its memory at most, 52000 KiB, and the loaded crash kernel would be lost: it "
		"stays. Use a smaller kernel or initrd");
	mk_text(&machine, "proc/meminfo", "MemTotal:        2900000 kB\n");
	mk_text(&machine, "sys/kernel/kexec_crash_loaded", "0\n");
	assert_string_equal(load(NULL), "");
	assert_int_equal(given.file_calls, 1);
	mk_text(&machine, "sys/kernel/kexec_crash_loaded", "1\n");
	mk_text(&machine, "proc/iomem", iomem);
	/* As long as it can be, with what a crash kernel is told besides. */
	cmdline = calloc(1, 2000);
	memset(cmdline, 'x', 1999);
	request.append = cmdline;
	refused(": the command line has 2018 bytes, 30 more are needed for elfcorehdr=, and the kernel "
		"takes 2047: the loaded crash kernel stays");
	cmdline[1998] = '\0';
	assert_string_equal(load(NULL), "");
	mk_text(&machine, "vmlinuz", "no kernel");
	refused(": 9 bytes are too few for a kernel: its setup header ends at 0x290");
	assert_int_equal(given.file_calls, 0);
	free(cmdline);
}

/* An image that the running kernel does not take costs nothing, where that can be known. */
static void test_reload_of_an_image_that_is_not_taken(void **state)
{
	(void)state;
	request.method = METHOD_FILE_LOAD;
	mk_text(&machine, "sys/kernel/kexec_crash_loaded", "1\n");
	not_taken = EKEYREJECTED;
	assert_string_equal(
		load(NULL),
		"kexec_file_load failed: Key was rejected by service: the kernel's contents do "
		"not match its signature, or the signature is revoked; try: sbverify "
		"--cert CERTIFICATE KERNEL; the loaded crash kernel stays");
	assert_int_equal(given.file_calls, 1);
	assert_int_equal(given.file_flags[0], KEXEC_FILE_NO_INITRAMFS);
	not_taken = ENOMEM;
	assert_string_equal(load(NULL), "");
	assert_int_equal(given.file_calls, 2);
	assert_int_equal(given.file_flags[1], KEXEC_FILE_ON_CRASH);
	not_taken = EKEYREJECTED;
	mk_text(&machine, "proc/sys/kernel/kexec_load_limit_reboot", "2\n");
	assert_string_equal(load(NULL), "");
	assert_int_equal(given.file_calls, 1);
	mk_text(&machine, "proc/sys/kernel/kexec_load_limit_reboot", "-1\n");
	assert_non_null(strstr(load(NULL), "Key was rejected"));
	mk_text(&machine, "sys/kernel/kexec_loaded", "1\n");
	assert_string_equal(load(NULL), "");
	assert_int_equal(given.file_calls, 1);
	assert_int_equal(given.file_flags[0], KEXEC_FILE_ON_CRASH);
}

static void test_no_low_reservation(void **state)
{
	char warnings[4096];

	(void)state;
	assert_string_equal(load(warnings), "");
	assert_string_equal(warnings, "");
	mk_text(&machine, "proc/iomem",
		"00001000-0009fbff : System RAM\n00100000-3fffffff : System RAM\n"
		"100000000-17fffffff : System RAM\n  160000000-16fffffff : Crash kernel\n");
	assert_string_equal(load(warnings), "");
	assert_string_equal(
		warnings,
		"the reservation at 0x160000000 is above 4 GiB and there is none below: "
		"devices that reach only there will not work for the capture kernel; boot "
		"the running kernel with crashkernel=...,low, too\n");
}

static void test_cpus_before_6_9(void **state)
{
	static const char warning[] =
		"Linux 6.1 with several CPUs resets the machine if the panic is not on the boot CPU: "
		"add disable_cpu_apicid=4 or nr_cpus=1 to its command line\n";
	static uint8_t image[MK_IMAGE_SIZE];
	char warnings[4096];

	(void)state;
	mk_text(&machine, "proc/cpuinfo", "processor\t: 0\ninitial apicid\t: 4\nflags\t\t: fpu\n");
	request.append = "quiet";
	assert_string_equal(load(warnings), "");
	assert_string_equal(warnings, warning);
	request.append = "quiet disable_cpu_apicid=4";
	assert_string_equal(load(warnings), "");
	assert_string_equal(warnings, "");
	request.append = "quiet";
	mk_image(image);
	strcpy((char *)image + 0x500, "6.12.1");
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	assert_string_equal(load(warnings), "");
	assert_string_equal(warnings, "");
}

static void test_refusals(void **state)
{
	(void)state;
	mk_text(&machine, "proc/iomem", "00100000-3fffffff : System RAM\n");
	refused(": no memory is reserved for a crash kernel (/proc/iomem has no \"Crash kernel\"): "
		"boot the running kernel with crashkernel=80M");
	mk_text(&machine, "proc/iomem", "00100000-09ffffff : System RAM\n");
	refused(": no memory is reserved for a crash kernel (/proc/iomem has no \"Crash kernel\"): "
		"use a smaller kernel or initrd: this machine has 159 MiB of memory, too little for "
		"the crashkernel=80M that these take");
	mk_text(&machine, "proc/iomem",
		"00100000-09ffffff : System RAM\n  05000000-06ffffff : Crash kernel\n");
	refused(": crash kernel: 49356 KiB are needed (kernel 49152, initrd 4, params 8, elfcorehdr "
		"4, purgatory 56, the running kernel's page tables 132), the reservation "
		"0x5000000-0x7000000 has 32768 KiB, 16588 KiB too few: use a smaller kernel or "
		"initrd: this machine has 159 MiB of memory, too little for the crashkernel=80M that "
		"these take");
	mk_text(&machine, "proc/iomem",
		"00100000-3fffffff : System RAM\n  10000000-12ffffff : Crash kernel\n");
	refused(": crash kernel: 49356 KiB are needed (kernel 49152, initrd 4, params 8, elfcorehdr "
		"4, purgatory 56, the running kernel's page tables 132), the reservation "
		"0x10000000-0x13000000 has 49152 KiB, 204 KiB too few: boot the running kernel with "
		"crashkernel=80M");
	/* More memory has more page tables. */
	mk_text(&machine, "proc/iomem",
		"00100000-3fffffff : System RAM\n  10000000-12ffffff : Crash kernel\n"
		"100000000-10ffffffff : System RAM\n");
	refused(": crash kernel: 49612 KiB are needed (kernel 49152, initrd 4, params 8, elfcorehdr "
		"4, purgatory 56, the running kernel's page tables 388), the reservation "
		"0x10000000-0x13000000 has 49152 KiB, 460 KiB too few: boot the running kernel with "
		"crashkernel=80M");
	mk_text(&machine, "proc/iomem",
		"00100000-3fffffff : System RAM\n  02000000-0fffffff : Crash kernel\n");
	refused(": /proc/kcore: the running kernel's image 0x1000000-0x3000000 lies in the "
		"reservation for the crash kernel");
	mk_file(&machine, "proc/kcore", NULL, 0);
	/* 8 MiB to 64 MiB: large enough in all, but not above the floor. */
	mk_text(&machine, "proc/iomem",
		"00100000-3fffffff : System RAM\n  00800000-03bfffff : Crash kernel\n");
	refused(": kernel: no place for 0x3000000 bytes (49152 KiB) aligned to 0x200000 at or above "
		"0x1000000; the largest hole there is 0x1000000-0x3c00000 (45056 KiB), ended by "
		"memory outside the reservation; only the reservation for the crash kernel, 0x800000-0x3c00000, is used: "
		"boot the running kernel with crashkernel=80M");
	mk_text(&machine, "proc/iomem", iomem);
	mk_text(&machine, "proc/meminfo", "MemTotal:          90000 kB\n");
	refused(": the segments have 49224 KiB (kernel 49152, initrd 4, params 8, elfcorehdr 4, "
		"purgatory 56), the running kernel takes half of its memory at most, 45000 KiB: use a "
		"smaller kernel or initrd");
	mk_text(&machine, "proc/meminfo", "MemTotal:        2900000 kB\n");
	mk_text(&machine, "initrd", "\177ELF");
	refused(": the initrd begins as an ELF file: the kernel would take it for the crash kernel's "
		"ELF core header");
	mk_text(&machine, "initrd", "070701");
	mk_text(&machine, "sys/devices/system/cpu/cpu2/crash_notes", "wrong\n");
	refused("/sys/devices/system/cpu/cpu2/crash_notes: \"wrong\" is not an address");
	mk_text(&machine, "sys/devices/system/cpu/cpu2/crash_notes", "3f001000\n");
	mk_text(&machine, "sys/kernel/vmcoreinfo", "0x3f010000\n");
	refused("/sys/kernel/vmcoreinfo: \"0x3f010000\" is not an address and a size");
	mk_text(&machine, "sys/kernel/vmcoreinfo", "0x000000003f010000 1024\n");
	mk_text(&machine, "sys/devices/system/cpu/cpu2/crash_notes_size", "4097\n");
	refused("/sys/devices/system/cpu/cpu2/crash_notes_size: 4097 bytes of notes");
	mk_text(&machine, "sys/devices/system/cpu/cpu2/crash_notes_size", "368\n");
	mk_text(&machine, "sys/kernel/kexec/crash_cma_ranges", "20000000\n");
	refused("/sys/kernel/kexec/crash_cma_ranges: \"20000000\" is not a range");
	mk_text(&machine, "sys/kernel/kexec/crash_cma_ranges", "");
	mk_text(&machine, "proc/iomem",
		"00100000-3fffffff : System RAM\n  10000000-1009ffff : Crash kernel\n");
	mk_page_flags(0);
	refused(": the backup of low memory has 640 KiB, the reservation 640 KiB: boot the running "
		"kernel with crashkernel=80M");
	mk_text(&machine, "sys/kernel/crash_elfcorehdr_size", "917616\n");
	request.hotplug = true;
	refused(": the ELF core header alone has 896 KiB, the reservation 640 KiB: boot the running "
		"kernel with crashkernel=80M");
}

static void refused_ending(const char *ending)
{
	const char *text = load(NULL);
	size_t length = strlen(text), of_ending = strlen(ending);

	if (length < of_ending || strcmp(text + length - of_ending, ending))
		assert_string_equal(text, ending);
	assert_int_equal(given.calls, 0);
}

/* A reservation that would do, but for what was asked for, or what the kernel is: no size is advised. */
static void test_place_that_cannot_be_used(void **state)
{
	static uint8_t old[MK_IMAGE_SIZE];
	struct setup_header *header;

	(void)state;
	request.mem_max = 0x162000000;
	refused_ending(
		"; only the reservation for the crash kernel, 0x160000000-0x170000000, is used, "
		"of which too little is left by --mem-max: do without");
	request.mem_min = 0x161000000;
	refused_ending(
		"; only the reservation for the crash kernel, 0x160000000-0x170000000, is used, "
		"of which too little is left by --mem-min and --mem-max: do without");
	request.mem_max = PHYS_LIMIT;
	request.mem_min = 0x170000000;
	refused_ending(
		"; only the reservation for the crash kernel, 0x160000000-0x170000000, is used, "
		"of which too little is left by --mem-min: do without");
	/* Above its end, the limit is not what keeps the kernel out. */
	request.mem_min = 0x1000;
	request.mem_max = 0x180000000;
	request.entry_32bit = true;
	refused_ending(
		"; only the reservation for the crash kernel, 0x160000000-0x170000000, is used, "
		"which lies too high for this kernel: do without --entry-32bit, or boot the "
		"running kernel with crashkernel=...M, without ,high");
	request.entry_32bit = false;
	mk_image(old);
	header = (void *)(old + offsetof(struct boot_params, hdr));
	header->xloadflags = XLF_KERNEL_64;
	mk_file(&machine, "vmlinuz", old, sizeof(old));
	refused_ending(
		"; only the reservation for the crash kernel, 0x160000000-0x170000000, is used, "
		"which lies too high for this kernel: use one that can be loaded there, or boot "
		"the running kernel with crashkernel=...M, without ,high");
	/* Below 4 GiB, and still above where this one looks for its initrd. */
	header->initrd_addr_max = 0xfffffff;
	mk_file(&machine, "vmlinuz", old, sizeof(old));
	mk_text(&machine, "proc/iomem",
		"00100000-3fffffff : System RAM\n  10000000-1fffffff : Crash kernel\n");
	refused_ending(
		"; only the reservation for the crash kernel, 0x10000000-0x20000000, is used, "
		"which lies too high for this kernel: use one that can be loaded there, or boot "
		"the running kernel with crashkernel=...M@..., lower");
	mk_image(old);
	header->relocatable_kernel = 0;
	mk_file(&machine, "vmlinuz", old, sizeof(old));
	refused_ending(
		"; only the reservation for the crash kernel, 0x10000000-0x20000000, is used: use "
		"a kernel that is relocatable");
	/* It would be large enough for one with another floor. */
	mk_image(old);
	header->pref_address = 0x1f000000;
	mk_file(&machine, "vmlinuz", old, sizeof(old));
	refused_ending(
		"; only the reservation for the crash kernel, 0x10000000-0x20000000, is used: "
		"boot the running kernel with a larger crashkernel=");
}

static void test_what_the_dump_lacks(void **state)
{
	char warnings[4096];

	(void)state;
	mk_file(&machine, "sys/kernel/vmcoreinfo", NULL, 0);
	mk_file(&machine, "proc/kcore", NULL, 0);
	for (int cpu = 0; cpu <= 10; cpu++) {
		char path[64];

		snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%d/crash_notes", cpu);
		if (cpu == 0 || cpu == 2 || cpu == 10)
			mk_file(&machine, path, NULL, 0);
	}
	assert_string_equal(load(warnings), "");
	assert_string_equal(
		warnings,
		"no /sys/devices/system/cpu/cpu*/crash_notes can be read: the dump will not have the "
		"processors' registers\n"
		"/sys/kernel/vmcoreinfo cannot be read: makedumpfile and crash will not understand "
		"the dump\n"
		"/proc/kcore shows no direct map (/proc/kcore: No such file or directory): the dump's "
		"program headers will have no virtual addresses\n");
}

/* Bit by bit: ECMA-182, reflected. */
static uint64_t crc64(const uint8_t *data, size_t size)
{
	uint64_t crc = UINT64_MAX;

	for (size_t i = 0; i < 8 * size; i++) {
		bool carry = (crc ^ data[i / 8] >> i % 8) & 1;

		crc = crc >> 1 ^ (carry ? UINT64_C(0xc96c5795d7870f42) : 0);
	}
	return crc;
}

/* What the segments have at `address`. */
static const void *loaded_at(uint64_t address, uint64_t size)
{
	for (size_t i = 0; i < given.count; i++) {
		uint64_t start = (uintptr_t)given.segment[i].mem;

		if (address >= start && address + size <= start + given.segment[i].bufsz)
			return (const uint8_t *)given.segment[i].buf + (address - start);
	}
	fail_msg("nothing was loaded at 0x%llx", (unsigned long long)address);
	return NULL;
}

/* A kernel whose decompressor and initrd have so many bytes, the initrd's from its pattern. */
static void write_inputs(uint32_t wrapper_size, size_t initrd_size)
{
	static uint8_t image[MK_IMAGE_SIZE], initrd[0x1000000];

	mk_image(image);
	put_u32(image + MK_IMAGE_SIZE_OF_IMAGE_AT, MK_IMAGE_SETUP_SIZE + wrapper_size);
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	for (size_t i = 0; i < initrd_size; i++)
		initrd[i] = (uint8_t)(i % 251 + 1);
	mk_file(&machine, "initrd", initrd, initrd_size);
}

/* Segments, of which one begins at `address` and has so much memory. */
static void assert_segment(uint64_t address, uint64_t bufsz, uint64_t memsz)
{
	const struct kexec_segment *segment = segment_at(address);

	assert_int_equal(segment->bufsz, bufsz);
	assert_int_equal(segment->memsz, memsz);
}

/* Spares lie in the kernel's footprint, behind the decompressor, the larger first, those that
 * find no place there elsewhere; and segments cover all of it. */
static void test_spares_in_the_footprint(void **state)
{
	enum { KERNEL_AT = 0x160000000, KERNEL = MK_IMAGE_SIZE - MK_IMAGE_SETUP_SIZE };

	(void)state;
	write_inputs(0x8000, 0x100800);
	assert_string_equal(load(NULL), "");
	assert_int_equal(given.count, 9);
	assert_segment(KERNEL_AT, KERNEL, 0x8000);
	assert_segment(KERNEL_AT + 0x8000, 0x100800, 0x101000);
	assert_segment(KERNEL_AT + 0x109000, KERNEL, 0x5000);
	write_inputs(MK_IMAGE_INIT_SIZE - 0x101000, 0x100800);
	assert_string_equal(load(NULL), "");
	assert_int_equal(given.count, 8);
	assert_segment(KERNEL_AT, KERNEL, MK_IMAGE_INIT_SIZE - 0x101000);
	assert_segment(KERNEL_AT + MK_IMAGE_INIT_SIZE - 0x101000, 0x100800, 0x101000);
	write_inputs(MK_IMAGE_INIT_SIZE - 0x100000, 0x100800);
	assert_string_equal(load(NULL), "");
	assert_int_equal(given.count, 9);
	write_inputs(MK_IMAGE_INIT_SIZE - 0x1000, 0x100800);
	assert_string_equal(load(NULL), "");
	assert_int_equal(given.count, 8);
	assert_segment(KERNEL_AT, KERNEL, MK_IMAGE_INIT_SIZE);
}

/* A spare copy of each segment that has digests, where the tables say, and without spares
 * where there is no room. */
static void test_spares(void **state)
{
	const struct purgatory_params *params = NULL;
	const struct purgatory_region *region;
	const struct purgatory_stage1 *stage1 = NULL;
	const uint8_t *stage2;
	uint64_t purgatory = 0;
	char warnings[4096];

	(void)state;
	assert_string_equal(load(NULL), "");
	for (size_t i = 0; i < given.count; i++) {
		const uint8_t *bytes = given.segment[i].buf;

		if (given.segment[i].bufsz < PURGATORY_PARAMS_OFFSET + sizeof(*params) ||
		    memcmp(bytes + PURGATORY_PARAMS_OFFSET, "PURGATOR", 8))
			continue;
		params = (const void *)(bytes + PURGATORY_PARAMS_OFFSET);
		stage1 = (const void *)(bytes + PURGATORY_STAGE1_OFFSET);
		purgatory = (uintptr_t)given.segment[i].mem;
	}
	assert_non_null(params);
	assert_int_equal(params->nr_regions, 4);
	region = (const void *)((const uint8_t *)params - PURGATORY_PARAMS_OFFSET +
				(params->regions - purgatory));
	for (uint32_t i = 0; i < params->nr_regions; i++) {
		const void *loaded = loaded_at(region[i].src, region[i].size);
		const void *spare = loaded_at(region[i].spare, region[i].size);

		assert_ptr_not_equal(loaded, spare);
		assert_memory_equal(loaded, spare, region[i].size);
	}
	stage2 = (const uint8_t *)params - PURGATORY_PARAMS_OFFSET + PURGATORY_STAGE2_OFFSET;
	assert_ptr_not_equal(loaded_at(stage1->spare, stage1->size), stage2);
	assert_memory_equal(loaded_at(stage1->spare, stage1->size), stage2, stage1->size);
	assert_true(stage1->crc == crc64(stage2, stage1->size));
	assert_memory_not_equal(given.segment[0].buf, "\177ELF", 4);

	request.spares = LOAD_SPARES_NEVER;
	assert_string_equal(load(NULL), "");
	assert_int_equal(given.count, 5);
	mk_text(&machine, "proc/iomem",
		"00001000-0009fbff : System RAM\n00100000-3fffffff : System RAM\n"
		"  10000000-1303cfff : Crash kernel\n");
	request.spares = LOAD_SPARES_AUTO;
	write_inputs(MK_IMAGE_INIT_SIZE, 6);
	assert_string_equal(load(warnings), "");
	assert_int_equal(given.count, 5);
	assert_non_null(strstr(warnings,
			       "no spare copies: damage to the crash kernel will be found, "
			       "and cannot be repaired: "));
	request.spares = LOAD_SPARES_ALWAYS;
	assert_non_null(strstr(load(NULL), "; without --spare-copy less is needed"));
	write_inputs(0x8000, 6);
	assert_string_equal(load(NULL), "");
}

/* 8,192 processors and 50,000 ranges; one program header too many is refused. */
static void test_limits(void **state)
{
	struct elfcorehdr header CLEANUP(elfcorehdr_done) = { 0 };
	struct err err = { 0 };
	uint64_t size;
	size_t count;
	uint8_t *bytes;
	Elf *elf;

	(void)state;
	for (uint64_t i = 0; i < 8192; i++)
		assert_int_equal(
			elfcorehdr_add_note(&header,
					    (struct elfcorehdr_note){ 0x1000 * i + 0x1000, 368 },
					    &err),
			0);
	for (uint64_t i = 0; i < 65534 - 8192; i++) {
		struct range range = { 0x100000000 + i * 0x200000, 0x100100000 + i * 0x200000 };

		assert_int_equal(elfcorehdr_add_load(&header,
						     (struct elfcorehdr_load){ range, range.start,
									       range.start },
						     &err),
				 0);
	}
	assert_int_equal(elfcorehdr_size(&header, &size, &err), 0);
	assert_int_equal(size, 64 + 65534 * 56);
	bytes = malloc(size);
	elfcorehdr_write(&header, bytes, size);
	elf_version(EV_CURRENT);
	elf = elf_memory((char *)bytes, size);
	assert_int_equal(elf_getphdrnum(elf, &count), 0);
	assert_int_equal(count, 65534);
	assert_note(elf, 8191, 0x2000000, 368);
	assert_phdr(elf, 65533, PT_LOAD, 0x100000000 + 57341 * UINT64_C(0x200000),
		    0x100000000 + 57341 * UINT64_C(0x200000),
		    0x100000000 + 57341 * UINT64_C(0x200000), 0x100000);
	elf_end(elf);
	free(bytes);
	assert_int_equal(elfcorehdr_add_note(&header, (struct elfcorehdr_note){ 1, 1 }, &err), 0);
	assert_int_equal(elfcorehdr_size(&header, &size, &err), -1);
	assert_string_equal(
		err.text,
		"8193 processors' notes and 57342 ranges of memory are 65535 "
		"program headers, an ELF core has 65534 at most: boot the running kernel with less memory (mem=) or fewer processors (nr_cpus=)");
}

#define MACHINE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* What is shown has the direct map of a kernel without KASLR, of the paging that it has. */
static void test_forgotten_direct_maps(void **state)
{
	struct kcore_segment segment = { .vaddr = UINT64_C(0xff2bcd0040100000), .paddr = 0x100000 };
	struct kcore kcore = { .segment = &segment, .count = 1 };

	(void)state;
	crash_forget_kaslr(&kcore);
	assert_true(segment.vaddr == UINT64_C(0xff11000000000000));
	segment =
		(struct kcore_segment){ .vaddr = UINT64_C(0xffff9bcd40100000), .paddr = 0x100000 };
	crash_forget_kaslr(&kcore);
	assert_true(segment.vaddr == UINT64_C(0xffff888000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forgotten_direct_maps),
		MACHINE(test_header),
		MACHINE(test_world),
		MACHINE(test_map),
		MACHINE(test_rsdp_before_2_14),
		MACHINE(test_cma),
		MACHINE(test_no_low_reservation),
		MACHINE(test_cpus_before_6_9),
		MACHINE(test_pinned),
		MACHINE(test_reload_by_the_kernel),
		MACHINE(test_reload_of_an_image_that_is_not_taken),
		MACHINE(test_backup),
		MACHINE(test_hotplug_flags),
		MACHINE(test_refusals),
		MACHINE(test_place_that_cannot_be_used),
		MACHINE(test_what_the_dump_lacks),
		MACHINE(test_spares),
		MACHINE(test_spares_in_the_footprint),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
