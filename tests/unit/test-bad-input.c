/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bad input, a row each: the whole sentence, the exit status 1, no system call. Each row
 * begins with a good kernel on a good machine, and spoils one thing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zlib.h>

#include <cmocka.h>

#include "kexec/action.h"
#include "kexec/guard.h"
#include "kexec/sys/input.h"
#include "tests/mk/image.h"
#include "tests/mk/machine.h"

static unsigned int calls;

static int count_load(void *context, uint64_t entry, size_t nr_segments,
		      const struct kexec_segment *segment, unsigned long flags)
{
	(void)context;
	(void)entry;
	(void)nr_segments;
	(void)segment;
	(void)flags;
	calls++;
	return 0;
}

static int count_file_load(void *context, int kernel_fd, int initrd_fd, size_t cmdline_size,
			   const char *cmdline, unsigned long flags)
{
	(void)context;
	(void)kernel_fd;
	(void)initrd_fd;
	(void)cmdline_size;
	(void)cmdline;
	(void)flags;
	calls++;
	return 0;
}

static void count(void *context)
{
	(void)context;
	calls++;
}

static int count_exec(void *context)
{
	(void)context;
	calls++;
	return 0;
}

static const struct ops counting = {
	.load = count_load,
	.file_load = count_file_load,
	.sync = count,
	.network_down = count,
	.exec_loaded = count_exec,
	.shutdown = count_exec,
};

/* What a row may spoil before the load. */
struct bench {
	struct mk_machine machine;
	uint8_t image[MK_IMAGE_SIZE];
	struct setup_header *header;
	size_t image_size;
	char end[20]; /* of what is compressed, as messages have it */
	struct request request;
	char kernel[MK_PATH_MAX], initrd[MK_PATH_MAX];
	char *long_text;
};

struct row {
	const char *name;
	void (*spoil)(struct bench *bench);
	/* The error; "" if it must load. %K and %D stand for the kernel's and the machine's path,
	 * %E for the end of what is compressed. */
	const char *error;
	const char *warning; /* one of the warnings; NULL: none is given */
};

/* Replaces %K and %D. */
static void expand(const struct bench *bench, const char *text, char *ret, size_t room)
{
	size_t used = 0;

	for (; *text && used + 1 < room; text++) {
		const char *with = NULL;

		if (text[0] == '%' && text[1] == 'K')
			with = bench->kernel;
		else if (text[0] == '%' && text[1] == 'D')
			with = bench->machine.path;
		if (text[0] == '%' && text[1] == 'E')
			with = bench->end;
		if (with) {
			used += (size_t)snprintf(ret + used, room - used, "%s", with);
			text++;
		} else {
			ret[used++] = *text;
		}
	}
	ret[used] = '\0';
}

static void prepare(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	mk_machine_init(&bench->machine);
	bench->header = mk_image(bench->image);
	bench->image_size = sizeof(bench->image);
	mk_path(&bench->machine, "vmlinuz", bench->kernel);
	mk_path(&bench->machine, "initrd", bench->initrd);
	mk_text(&bench->machine, "initrd", "070701");
	bench->request = (struct request){
		.action = ACTION_LOAD,
		.method = METHOD_LOAD,
		.mem_max = PHYS_LIMIT,
		.append = "quiet",
		.kernel = bench->kernel,
		.initrd = { bench->initrd },
		.nr_initrds = 1,
	};
}

static void try(const struct row *row)
{
	struct bench *bench = malloc(sizeof(*bench));
	struct warnings warnings = { 0 };
	struct err err = { 0 };
	struct surroundings around = { .ops = &counting, .out = stderr, .warnings = &warnings };
	char error[2048], warning[2048];
	bool warned = false;
	int status = 0, result;

	prepare(bench);
	row->spoil(bench);
	mk_file(&bench->machine, "vmlinuz", bench->image, bench->image_size);
	calls = 0;
	assert_int_equal(root_open(bench->machine.path, &around.root, &err), 0);
	result = action_run(&bench->request, &around, &status, &err);
	root_close(&around.root);
	expand(bench, row->error, error, sizeof(error));
	print_message("%s\n", row->name);
	if (!*row->error) {
		if (result)
			fail_msg("%s: %s", row->name, err.text);
		assert_int_equal(calls, 1);
	} else {
		assert_int_equal(result, -1);
		assert_string_equal(err.text, error);
		/* Exit status 1 is for all but what the kernel refused. */
		assert_int_not_equal(err.code, ERR_REFUSED);
		assert_int_not_equal(err.code, ERR_INTERNAL);
		assert_int_equal(calls, 0);
	}
	if (row->warning) {
		expand(bench, row->warning, warning, sizeof(warning));
		for (size_t i = 0; i < warnings.count; i++)
			warned |= !strcmp(warnings.text[i], warning);
		if (!warned)
			fail_msg("%s: %zu warnings, not \"%s\" but \"%s\"", row->name,
				 warnings.count, warning, warnings.count ? warnings.text[0] : "");
	} else if (!*row->error && warnings.count) {
		fail_msg("%s: warned \"%s\"", row->name, warnings.text[0]);
	}
	warnings_done(&warnings);
	mk_machine_done(&bench->machine);
	free(bench->long_text);
	free(bench);
}

/* --- images -------------------------------------------------------------- */

static void good(struct bench *bench)
{
	(void)bench;
}

static void cut_header(struct bench *bench)
{
	bench->image_size = 0x250;
}

static void cut_kernel(struct bench *bench)
{
	bench->image_size -= 16;
}

static void no_magic(struct bench *bench)
{
	bench->header->header = 0x53726458;
}

static void no_boot_flag(struct bench *bench)
{
	bench->header->boot_flag = 0x55;
}

static void old_protocol(struct bench *bench)
{
	bench->header->version = 0x0209;
}

static void no_jump(struct bench *bench)
{
	bench->header->jump = 0xeb;
}

static void low_kernel(struct bench *bench)
{
	bench->header->loadflags = 0;
}

static void no_entry64(struct bench *bench)
{
	bench->header->xloadflags = 0x7e;
	bench->header->kernel_alignment = 0x1000;
}

static void init_size_zero(struct bench *bench)
{
	bench->header->init_size = 0;
}

static void init_size_small(struct bench *bench)
{
	bench->header->init_size = 0x4fff;
}

static void init_size_huge(struct bench *bench)
{
	bench->header->init_size = 0xfffff000;
}

static void alignment_zero(struct bench *bench)
{
	bench->header->kernel_alignment = 0;
}

static void alignment_odd(struct bench *bench)
{
	bench->header->kernel_alignment = 0x300000;
}

static void alignment_small(struct bench *bench)
{
	bench->header->kernel_alignment = 0x1000;
}

static void pref_address_odd(struct bench *bench)
{
	bench->header->pref_address = 0x1000010;
}

static void pref_address_wild(struct bench *bench)
{
	bench->header->pref_address = UINT64_MAX - 0xfff;
}

static void short_header(struct bench *bench)
{
	bench->header->jump = 0x4aeb;
}

static void setup_sects_zero(struct bench *bench)
{
	bench->header->setup_sects = 0;
}

static void setup_sects_many(struct bench *bench)
{
	bench->header->setup_sects = 0xff;
}

static void syssize_zero(struct bench *bench)
{
	bench->header->syssize = 0;
}

static void syssize_huge(struct bench *bench)
{
	bench->header->syssize = UINT32_MAX;
}

static void fixed_below_mem_min(struct bench *bench)
{
	bench->header->relocatable_kernel = 0;
	bench->request.mem_min = 0x2000000;
}

static void fixed_over_reserved(struct bench *bench)
{
	bench->header->relocatable_kernel = 0;
	mk_memmap(&bench->machine, 3, 0x2000000, 0x2000fff, "Reserved\n");
}

static void mem_max_below_floor(struct bench *bench)
{
	bench->request.mem_max = 0x3000000;
}

/* Memory only where such a kernel, or its initrd, cannot be. */
static void only_above_4g(struct bench *bench)
{
	mk_memmap(&bench->machine, 3, 0x100000000, 0x1ffffffff, "System RAM\n");
	mk_text(&bench->machine, "proc/iomem", "100000000-1ffffffff : System RAM\n");
	bench->header->xloadflags = XLF_KERNEL_64;
}

static void initrd_too_high(struct bench *bench)
{
	bench->header->xloadflags = XLF_KERNEL_64;
	bench->header->initrd_addr_max = 0x37ffffff;
	bench->request.mem_min = 0x38000000;
}

static void five_levels(struct bench *bench)
{
	bench->header->xloadflags = 0x5f;
	mk_text(&bench->machine, "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu la57 sse\n");
	mk_text(&bench->machine, "dmesg",
		"[    0.1] Memory Encryption Features active: AMD SEV SEV-ES\n");
}

static void damaged_gzip(struct bench *bench)
{
	memcpy(bench->image, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff", 13);
}

/* The image in a form that is cut, has something behind it, or is none after all. */
static void compressed(struct bench *bench, long change)
{
	static uint8_t packed[2 * MK_IMAGE_SIZE];
	z_stream stream = { 0 };

	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY),
			 Z_OK);
	stream.next_in = bench->image;
	stream.avail_in = sizeof(bench->image);
	stream.next_out = packed;
	stream.avail_out = sizeof(packed);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	bench->image_size = (size_t)((long)stream.total_out + change);
	assert_true(bench->image_size <= sizeof(bench->image));
	memcpy(bench->image, packed, bench->image_size);
	snprintf(bench->end, sizeof(bench->end), "0x%lx",
		 change < 0 ? bench->image_size : stream.total_out);
	deflateEnd(&stream);
}

static void whole_gzip(struct bench *bench)
{
	compressed(bench, 0);
}

static void cut_gzip(struct bench *bench)
{
	compressed(bench, -4);
}

static void more_than_gzip(struct bench *bench)
{
	compressed(bench, 1);
	bench->image[bench->image_size - 1] = 1;
}

/* --- other files --------------------------------------------------------- */

static void empty_initrd(struct bench *bench)
{
	mk_text(&bench->machine, "initrd", "");
}

static void no_initrd(struct bench *bench)
{
	mk_file(&bench->machine, "initrd", NULL, 0);
}

static void directory_as_initrd(struct bench *bench)
{
	bench->request.initrd[0] = bench->machine.path;
}

static void device_as_initrd(struct bench *bench)
{
	bench->request.initrd[0] = "/dev/null";
}

static void empty_kernel(struct bench *bench)
{
	bench->image_size = 0;
}

static void little_memory(struct bench *bench)
{
	mk_text(&bench->machine, "proc/meminfo", "MemTotal:          90000 kB\n");
}

static void spoil_cmdline(struct bench *bench, size_t length)
{
	bench->long_text = calloc(1, length + 1);
	memset(bench->long_text, 'x', length);
	bench->request.append = bench->long_text;
}

static void longest_cmdline(struct bench *bench)
{
	spoil_cmdline(bench, 2047);
}

static void too_long_cmdline(struct bench *bench)
{
	spoil_cmdline(bench, 2048);
}

static void newline_cmdline(struct bench *bench)
{
	bench->request.append = "quiet\nroot=/dev/sda";
}

/* --- maps ---------------------------------------------------------------- */

static void inverted_map(struct bench *bench)
{
	mk_memmap(&bench->machine, 3, 0x50000000, 0x4fffffff - 0x1000, "System RAM\n");
}

static void map_at_end(struct bench *bench)
{
	mk_memmap(&bench->machine, 3, 0x50000000, UINT64_MAX, "System RAM\n");
}

static void map_past_limit(struct bench *bench)
{
	mk_memmap(&bench->machine, 3, 0x50000000, UINT64_MAX - 1, "System RAM\n");
}

static void overlapping_map(struct bench *bench)
{
	mk_memmap(&bench->machine, 3, 0x30000000, 0x300fffff, "Reserved\n");
}

static void unsorted_map(struct bench *bench)
{
	mk_memmap(&bench->machine, 0, 0x50000000, 0x50ffffff, "Reserved\n");
	mk_memmap(&bench->machine, 3, 0x1000, 0x9fbff, "System RAM\n");
}

static void unknown_type(struct bench *bench)
{
	mk_memmap(&bench->machine, 3, 0x50000000, 0x50ffffff, "Holy RAM\n");
}

static void shrunk_map_file(struct bench *bench)
{
	mk_text(&bench->machine, "sys/firmware/memmap/1/end", "");
}

static void missing_map_file(struct bench *bench)
{
	mk_file(&bench->machine, "sys/firmware/memmap/1/type", NULL, 0);
}

static void remove_memmap(struct bench *bench)
{
	static const char *const names[] = { "start", "end", "type" };
	char path[128];

	for (int i = 0; i < 3; i++) {
		for (int j = 0; j < 3; j++) {
			snprintf(path, sizeof(path), "sys/firmware/memmap/%d/%s", i, names[j]);
			mk_file(&bench->machine, path, NULL, 0);
		}
		snprintf(path, sizeof(path), "%s/sys/firmware/memmap/%d", bench->machine.path, i);
		rmdir(path);
	}
}

static void empty_map(struct bench *bench)
{
	remove_memmap(bench);
}

static void no_map(struct bench *bench)
{
	char path[128];

	remove_memmap(bench);
	snprintf(path, sizeof(path), "%s/sys/firmware/memmap", bench->machine.path);
	rmdir(path);
}

static void many_entries(struct bench *bench)
{
	for (unsigned int i = 0; i < 3199; i++)
		mk_memmap(&bench->machine, 3 + i, 0x100000000 + i * 0x2000ull,
			  0x100000fff + i * 0x2000ull, "Reserved\n");
}

/* A name of that entry of /sys/firmware/memmap. */
static void entry_path(const struct bench *bench, unsigned int number, char ret[MK_PATH_MAX])
{
	char name[64];

	snprintf(name, sizeof(name), "sys/firmware/memmap/%u", number);
	mk_path(&bench->machine, name, ret);
}

/*
 * All of them RAM, in no order and one over the other; /proc/iomem has as many. A hundred
 * have files of their own, then come links to those, and more names of the same links.
 */
static void large_map(struct bench *bench)
{
	enum { ENTRIES = 100000, OWN = 100, LINE = 64 };
	const unsigned long long base = 0x100000000, block = 0x100000;
	char path[MK_PATH_MAX], link_path[MK_PATH_MAX], name[32];
	char *iomem = malloc((size_t)ENTRIES * LINE);
	size_t used = 0;

	for (unsigned int i = 3; i < ENTRIES; i++) {
		unsigned long long start = base + i * 7919ull % OWN * 1000 * block;

		entry_path(bench, i, path);
		entry_path(bench, OWN + i % OWN, link_path);
		snprintf(name, sizeof(name), "%u", i % OWN);
		if (i < OWN)
			mk_memmap(&bench->machine, i, start, start + 1001 * block - 1,
				  "System RAM\n");
		else
			assert_int_equal(i < 2 * OWN ? symlink(name, path) : link(link_path, path),
					 0);
	}
	used += (size_t)sprintf(iomem, "00100000-3fffffff : System RAM\n");
	for (unsigned int i = 1; i < ENTRIES; i++)
		used += (size_t)sprintf(iomem + used, "%llx-%llx : System RAM\n", base + i * block,
					base + i * block + block / 2 - 1);
	mk_file(&bench->machine, "proc/iomem", iomem, used);
	free(iomem);
}

static void no_iomem(struct bench *bench)
{
	mk_file(&bench->machine, "proc/iomem", NULL, 0);
}

static void hidden_iomem(struct bench *bench)
{
	mk_text(&bench->machine, "proc/iomem",
		"00000000-00000000 : System RAM\n"
		"  00000000-00000000 : Kernel code\n");
}

static void malformed_iomem(struct bench *bench)
{
	mk_text(&bench->machine, "proc/iomem", "00001000-0009fbff System RAM\n");
}

static void iomem_without_ram(struct bench *bench)
{
	mk_text(&bench->machine, "proc/iomem", "000a0000-000bffff : PCI Bus 0000:00\n");
}

static void no_boot_params(struct bench *bench)
{
	mk_file(&bench->machine, "sys/kernel/boot_params/data", NULL, 0);
}

static void short_boot_params(struct bench *bench)
{
	mk_file(&bench->machine, "sys/kernel/boot_params/data", "short", 5);
}

static void efi_without_map(struct bench *bench)
{
	mk_text(&bench->machine, "sys/firmware/efi/fw_vendor", "0x3f000000\n");
	mk_text(&bench->machine, "dmesg", "efi: ACPI=0x3ff00000 MEMATTR=0x3e000018 \n");
}

static void efi_without_addresses(struct bench *bench)
{
	struct boot_params running = { .acpi_rsdp_addr = 0xf5a00,
				       .efi_info = { .signature = { 'E', 'L', '6', '4' },
						     .memdesc_version = 1 } };
	static const char *const file[] = { "type", "phys_addr", "virt_addr", "num_pages",
					    "attribute" };
	char path[96];

	mk_file(&bench->machine, "sys/kernel/boot_params/data", &running, sizeof(running));
	mk_text(&bench->machine, "sys/firmware/efi/fw_vendor", "0x3f000000\n");
	mk_text(&bench->machine, "sys/firmware/efi/config_table", "0x3f001000\n");
	for (size_t i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "sys/firmware/efi/runtime-map/0/%s", file[i]);
		mk_text(&bench->machine, path, "0x5000\n");
	}
	mk_text(&bench->machine, "dmesg", "Linux version 6.1\n");
}

static void efi_of(struct bench *bench, char bits, uint32_t version)
{
	struct boot_params running = { .acpi_rsdp_addr = 0xf5a00,
				       .efi_info = { .signature = { 'E', 'L', bits, '4' },
						     .memdesc_version = version } };

	efi_without_addresses(bench);
	mk_file(&bench->machine, "sys/kernel/boot_params/data", &running, sizeof(running));
	mk_text(&bench->machine, "dmesg", "efi: ACPI=0x3ff00000 \n");
}

static void efi_of_32_bits(struct bench *bench)
{
	efi_of(bench, '3', 1);
}

static void efi_of_another_version(struct bench *bench)
{
	efi_of(bench, '6', 2);
}

static void efi_with_a_hole(struct bench *bench)
{
	efi_without_map(bench);
	mk_text(&bench->machine, "sys/firmware/efi/runtime-map/0/type", "0x5\n");
}

static void reuse_nothing(struct bench *bench)
{
	bench->request.reuse_cmdline = true;
	mk_file(&bench->machine, "proc/cmdline", NULL, 0);
}

#define NO_PLACE(size, kib, rest)                                                          \
	"%K: kernel: no place for " size " bytes (" kib " KiB) aligned to 0x200000 at or " \
	"above 0x1000000" rest

static const struct row rows[] = {
	{ "good", good, "", NULL },
	{ "header cut", cut_header,
	  "%K: 592 bytes are too few for a kernel: its setup header ends at 0x290", NULL },
	{ "kernel cut", cut_kernel,
	  "%K: offset 0x1f4: syssize 0x500: the kernel ends at 0x5a00, the file at 0x59f0: it is "
	  "truncated",
	  NULL },
	{ "no magic", no_magic,
	  "%K: not a bzImage: at 0x202 there is 0x53726458, not \"HdrS\" (0x53726448)", NULL },
	{ "no boot flag", no_boot_flag, "%K: not a bzImage: at 0x1fe there is 0x55, not 0xaa55",
	  NULL },
	{ "old protocol", old_protocol,
	  "%K: offset 0x206: boot protocol 2.09 does not say how much memory the kernel runs in; 2.10 "
	  "(Linux 2.6.31) or later is needed",
	  NULL },
	{ "zImage", low_kernel,
	  "%K: offset 0x211: loadflags 0x0: a zImage, which runs below 1 MiB, cannot be loaded",
	  NULL },
	{ "32-bit kernel that aligns by a page", no_entry64,
	  "%K: offset 0x230: kernel_alignment 0x1000 is not a power of two of at least 0x2000",
	  NULL },
	{ "init_size 0", init_size_zero,
	  "%K: offset 0x260: init_size 0x0 is less than the 0x5000 bytes to load", NULL },
	{ "init_size too small", init_size_small,
	  "%K: offset 0x260: init_size 0x4fff is less than the 0x5000 bytes to load", NULL },
	{ "init_size huge", init_size_huge,
	  NO_PLACE("0xfffff000", "4194300",
		   "; the largest hole there is 0x1000000-0x40000000 (1032192 KiB), ended by no "
		   "memory"),
	  NULL },
	{ "alignment 0", alignment_zero,
	  "%K: offset 0x230: kernel_alignment 0x0 is not a power of two of at least 0x200000",
	  NULL },
	{ "alignment no power of two", alignment_odd,
	  "%K: offset 0x230: kernel_alignment 0x300000 is not a power of two of at least 0x200000",
	  NULL },
	{ "alignment of a page", alignment_small,
	  "%K: offset 0x230: kernel_alignment 0x1000 is not a power of two of at least 0x200000",
	  NULL },
	{ "pref_address odd", pref_address_odd,
	  "%K: offset 0x258: pref_address 0x1000010 is not a page at or above 0x100000", NULL },
	{ "pref_address wild", pref_address_wild,
	  "%K: offset 0x258: pref_address 0xfffffffffffff000 is not a page at or above 0x100000",
	  NULL },
	{ "header ends early", short_header,
	  "%K: offset 0x201: the setup header ends at 0x24c, before init_size, which protocol 2.15 "
	  "has",
	  NULL },
	{ "no setup header to jump over", no_jump,
	  "%K: offset 0x201: the setup header ends at 0x202, before init_size, which protocol 2.15 "
	  "has",
	  NULL },
	{ "setup_sects 0 is 4", setup_sects_zero, "", NULL },
	{ "setup_sects past the end", setup_sects_many,
	  "%K: offset 0x1f4: syssize 0x500: the kernel ends at 0x25000, the file at 0x5a00: it is "
	  "truncated",
	  NULL },
	{ "syssize 0", syssize_zero, "%K: offset 0x1f4: syssize 0x0: 0 bytes hold no entry", NULL },
	{ "syssize huge", syssize_huge,
	  "%K: offset 0x1f4: syssize 0xffffffff: the kernel ends at 0x10000009f0, the file at 0x5a00: "
	  "it is truncated",
	  NULL },
	{ "fixed kernel above", fixed_below_mem_min,
	  "%K: the kernel is not relocatable and runs only at 0x1000000, below --mem-min=0x2000000",
	  NULL },
	{ "fixed kernel over reserved memory", fixed_over_reserved,
	  "%K: kernel: no place for 0x3000000 bytes (49152 KiB), which must start at exactly "
	  "0x1000000; the largest hole there is 0x2001000-0x40000000 (1015804 KiB), ended by no "
	  "memory, begun after Reserved by the firmware",
	  NULL },
	{ "mem-max below the floor", mem_max_below_floor,
	  NO_PLACE("0x3000000", "49152",
		   " and ending at or below 0x3000000; the largest hole there is "
		   "0x1000000-0x3000000 (32768 KiB), ended by the limit asked for"),
	  NULL },
	{ "memory only above 4 GiB", only_above_4g,
	  NO_PLACE("0x3000000", "49152",
		   " and ending at or below 0x100000000; nothing is free there"),
	  NULL },
	{ "memory only above initrd_addr_max", initrd_too_high,
	  "%K: initrd: no place for 0x1000 bytes (4 KiB) aligned to 0x1000 at or above 0x38000000 "
	  "and ending at or below 0x38000000; nothing is free there",
	  NULL },
	{ "5-level paging", five_levels,
	  "%K: the kernel would be entered in 32-bit mode (the machine runs with 5-level paging, with "
	  "which its 64-bit entry cannot be used), and in a guest with encrypted registers (SEV-ES, "
	  "SEV-SNP, TDX) long mode cannot be left",
	  NULL },
	{ "damaged gzip", damaged_gzip, "kernel: %K: gzip: damaged at 0xb", NULL },
	{ "gzip", whole_gzip, "", NULL },
	{ "gzip, cut", cut_gzip, "kernel: %K: gzip: truncated at %E", NULL },
	{ "gzip, and more", more_than_gzip, "kernel: %K: gzip: data behind its end at %E", NULL },
	{ "empty kernel", empty_kernel, "kernel: %K: the file is empty", NULL },
	{ "empty initrd", empty_initrd, "initrd: %D/initrd: the file is empty", NULL },
	{ "no initrd", no_initrd, "initrd: %D/initrd: No such file or directory", NULL },
	{ "a directory as initrd", directory_as_initrd, "initrd: %D: a directory, not a file",
	  NULL },
	{ "a device as initrd", device_as_initrd, "initrd: /dev/null: a device, not a file", NULL },
	{ "longest command line", longest_cmdline, "", NULL },
	{ "command line too long", too_long_cmdline,
	  "%K: the command line has 2048 characters, the kernel takes 2047 at most", NULL },
	{ "command line with a newline", newline_cmdline,
	  "the command line has a newline at offset 5: a kernel's is one line", NULL },
	{ "no command line to reuse", reuse_nothing,
	  "--reuse-cmdline: /proc/cmdline cannot be read", NULL },
	{ "inverted map", inverted_map,
	  "/sys/firmware/memmap/3: 0x50000000-0x4ffff000: the end does not lie above the start",
	  NULL },
	{ "map at 2^64", map_at_end,
	  "/sys/firmware/memmap/3: 0x50000000-0xffffffffffffffff reaches the end of the 64-bit "
	  "address space",
	  NULL },
	{ "map past physical memory", map_past_limit,
	  "/sys/firmware/memmap/3: 0x50000000-0xffffffffffffffff reaches past the end of physical "
	  "memory, 0x10000000000000",
	  NULL },
	{ "overlapping map", overlapping_map, "",
	  "the memory map overlaps itself at 0x30000000-0x30100000: the larger "
	  "type wins, as in the kernel" },
	{ "unsorted map", unsorted_map, "",
	  "the memory map is not sorted: 0x9fc00 comes after 0x50000000" },
	{ "unknown type", unknown_type, "",
	  "/sys/firmware/memmap/3/type: type \"Holy RAM\" is not known: taken for reserved" },
	{ "map file that shrank", shrunk_map_file,
	  "/sys/firmware/memmap/1/end: \"\" is not a number", NULL },
	{ "map file missing", missing_map_file,
	  "/sys/firmware/memmap/1/type: No such file or directory", NULL },
	{ "empty map", empty_map,
	  "%K: /sys/firmware/memmap has no entries: the running kernel does not show the firmware's "
	  "memory map (CONFIG_FIRMWARE_MEMMAP), or a container hides it",
	  NULL },
	{ "no map", no_map,
	  "/sys/firmware/memmap has no entries: the running kernel does not show the firmware's "
	  "memory map (CONFIG_FIRMWARE_MEMMAP), or a container hides it",
	  NULL },
	{ "more entries than a kernel keeps", many_entries,
	  "%K: the memory map has 3202 entries, merged; a kernel keeps 3200 at most and would lose the "
	  "rest",
	  NULL },
	{ "100,000 entries", large_map, "",
	  "the memory map is not sorted: 0x46b000000 comes after 0x1831800000" },
	{ "more than half of the memory", little_memory,
	  "%K: the segments have 49220 KiB (kernel 49152, initrd 4, params 8, purgatory 56), the "
	  "running kernel takes half of its memory at most, 45000 KiB: use a smaller kernel or initrd",
	  NULL },
	{ "no iomem", no_iomem, "/proc/iomem: No such file or directory", NULL },
	{ "hidden iomem", hidden_iomem,
	  "%K: /proc/iomem: every address is 0: the kernel hides them from a reader without "
	  "CAP_SYS_ADMIN; run this as root",
	  NULL },
	{ "malformed iomem", malformed_iomem,
	  "/proc/iomem: line 1: \"00001000-0009fbff System RAM\" is not START-END : NAME", NULL },
	{ "iomem without RAM", iomem_without_ram, "%K: /proc/iomem: no System RAM in 1 entries",
	  NULL },
	{ "no boot_params", no_boot_params,
	  "%K: /sys/kernel/boot_params/data is missing: without it the new kernel would lose its "
	  "screen, its ACPI tables and its EFI",
	  NULL },
	{ "short boot_params", short_boot_params,
	  "/sys/kernel/boot_params/data: 5 bytes, a zero page has 4096", NULL },
	{ "EFI without a runtime map", efi_without_map, "",
	  "/sys/firmware/efi/runtime-map, fw_vendor or config_table is missing (CONFIG_EFI_RUNTIME_MAP, "
	  "or efi=noruntime): the new kernel will have no EFI runtime services, EFI variables or ESRT" },
	{ "EFI whose log does not tell its tables", efi_without_addresses, "",
	  "the kernel's log has no line \"efi: ...\", or may not be read: EFI tables that only "
	  "the running kernel reserves (TPM event log, memory attributes, ESRT) cannot be kept off; "
	  "segments go to the lowest places that hold them, away from the top of memory where "
	  "firmware puts such tables" },
	{ "EFI that is not 64-bit", efi_of_32_bits, "",
	  "the firmware's EFI is not 64-bit: the new kernel will have no EFI runtime services, EFI "
	  "variables or ESRT" },
	{ "EFI descriptors of another version", efi_of_another_version, "",
	  "EFI memory descriptors have version 2, not 1: the new kernel will have no EFI runtime "
	  "services, EFI variables or ESRT" },
	{ "EFI runtime map with a file missing", efi_with_a_hole,
	  "/sys/firmware/efi/runtime-map/0/phys_addr: No such file or directory", NULL },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		try(&rows[i]);
}

/* A file that is truncated after it was mapped gives a sentence, not a signal. */
static void test_truncated_when_mapped(void **state)
{
	static const char expected[] =
		"shrank or could not be read while it was being loaded: nothing "
		"was loaded\n";
	char path[] = "/tmp/kexec-test-XXXXXX";
	const char *const paths[] = { path };
	char block[8192] = { 1 }, said[512] = "";
	int fd = mkstemp(path), out[2], status;
	pid_t child;

	(void)state;
	assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	assert_int_equal(pipe(out), 0);
	child = fork();
	if (!child) {
		struct inputs inputs;
		struct err err;

		dup2(out[1], STDERR_FILENO);
		if (guard_mapped_files(&err) || inputs_open(paths, 1, &inputs, &err) ||
		    ftruncate(fd, 0))
			_exit(2);
		_exit(*(volatile const uint8_t *)(inputs.bytes.data + 4096));
	}
	close(out[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	for (ssize_t used = 0, got = 1; got > 0; used += got) {
		got = read(out[0], said + used, sizeof(said) - 1 - (size_t)used);
		assert_true(got >= 0);
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_non_null(strstr(said, path));
	assert_non_null(strstr(said, expected));
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_truncated_when_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
