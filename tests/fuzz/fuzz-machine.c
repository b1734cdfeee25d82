/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: files of a machine, in place of a good machine's. A line "@PATH" begins a file, which
 * goes on to the next such line; "!PATH" removes one. Only what is in the table below is taken.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kexec/lib/explain.h"
#include "kexec/sys/gather.h"
#include "kexec/x86/load.h"
#include "tests/fuzz/fuzz.h"
#include "tests/mk/image.h"
#include "tests/mk/machine.h"

#define MEMMAP	   "sys/firmware/memmap/"
#define EFI	   "sys/firmware/efi/"
#define RUNTIME	   EFI "runtime-map/"
#define SETUP_DATA "sys/kernel/boot_params/setup_data/"
#define CPU	   "sys/devices/system/cpu/"

/* Two entries of the same directory have the same place in each. */
static const struct {
	const char *path;
	const char *text; /* a good machine's; NULL: it has no such file */
} files[] = {
	{ MEMMAP "0/start", "0x0\n" },
	{ MEMMAP "0/end", "0x9fbff\n" },
	{ MEMMAP "0/type", "System RAM\n" },
	{ MEMMAP "1/start", "0x9fc00\n" },
	{ MEMMAP "1/end", "0x9ffff\n" },
	{ MEMMAP "1/type", "Reserved\n" },
	{ MEMMAP "2/start", "0x100000\n" },
	{ MEMMAP "2/end", "0x3fffffff\n" },
	{ MEMMAP "2/type", "System RAM\n" },
	{ MEMMAP "3/start", NULL },
	{ MEMMAP "3/end", NULL },
	{ MEMMAP "3/type", NULL },
	{ "proc/iomem", "00001000-0009fbff : System RAM\n"
			"00100000-3fffffff : System RAM\n"
			"  01000000-01ffffff : Kernel code\n"
			"  20000000-27ffffff : Crash kernel\n" },
	{ "proc/cmdline", "console=ttyS0\n" },
	{ "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu sse\n" },
	{ "proc/kcore", NULL },
	{ "proc/kpageflags", NULL },
	{ "proc/meminfo", "MemTotal:        1013344 kB\nMemAvailable:     900000 kB\n" },
	{ "proc/self/status", "Name:\tkexec\nCapEff:\t000001ffffffffff\n" },
	{ "proc/sys/kernel/kexec_load_disabled", "0\n" },
	{ "proc/sys/kernel/kexec_load_limit_panic", "-1\n" },
	{ "proc/sys/kernel/kexec_load_limit_reboot", "-1\n" },
	{ "proc/sys/kernel/osrelease", "6.1.0\n" },
	{ "boot/config-6.1.0", "CONFIG_KEXEC=y\nCONFIG_KEXEC_FILE=y\n" },
	{ "dmesg", "[    0.000000] tsc: Detected 2599.998 MHz processor\n" },
	{ "sys/firmware/acpi/tables/FACP", NULL },
	{ "sys/firmware/acpi/tables/SRAT", NULL },
	{ CPU "possible", "0-1\n" },
	{ "sys/class/graphics/fb0/name", NULL },
	{ "facts/efi-memmap", NULL },
	{ "facts/bios", NULL },
	{ "sys/hypervisor/type", NULL },
	{ "sys/hypervisor/properties/features", NULL },
	{ "sys/kernel/security/lockdown", "[none] integrity confidentiality\n" },
	{ "sys/kernel/security/tpm0/binary_bios_measurements", NULL },
	{ "sys/kernel/kexec_loaded", "0\n" },
	{ "sys/kernel/kexec_crash_loaded", "0\n" },
	{ "sys/kernel/kexec/loaded", NULL },
	{ "sys/kernel/kexec/crash_loaded", NULL },
	{ "sys/kernel/kexec/crash_cma_ranges", NULL },
	{ "sys/kernel/kexec/crash_elfcorehdr_size", NULL },
	{ "sys/kernel/crash_elfcorehdr_size", NULL },
	{ "sys/kernel/vmcoreinfo", "0x000000003e001000 1024\n" },
	{ CPU "cpu0/crash_notes", "3e000000\n" },
	{ CPU "cpu0/crash_notes_size", "368\n" },
	{ CPU "cpu7/crash_notes", NULL },
	{ CPU "cpu7/crash_notes_size", NULL },
	{ SETUP_DATA "0/type", NULL },
	{ SETUP_DATA "0/data", NULL },
	{ SETUP_DATA "1/type", NULL },
	{ SETUP_DATA "1/data", NULL },
	{ EFI "fw_vendor", NULL },
	{ EFI "runtime", NULL },
	{ EFI "config_table", NULL },
	{ EFI "systab", NULL },
	{ RUNTIME "0/type", NULL },
	{ RUNTIME "0/phys_addr", NULL },
	{ RUNTIME "0/virt_addr", NULL },
	{ RUNTIME "0/num_pages", NULL },
	{ RUNTIME "0/attribute", NULL },
	/* Of a zero page, by mk_machine_init(); others are of the wrong size, mostly. */
	{ "sys/kernel/boot_params/data", NULL },
};

enum { NR_FILES = sizeof(files) / sizeof(files[0]), ZERO_PAGE = NR_FILES - 1 };

/* What an empty machine does not have, from within. */
static const char *const directories[] = {
	MEMMAP "3", RUNTIME "0",    EFI "runtime-map", "sys/firmware/efi",
	CPU "cpu7", SETUP_DATA "0", SETUP_DATA "1",    "sys/kernel/boot_params/setup_data",
};

enum { NR_DIRECTORIES = sizeof(directories) / sizeof(directories[0]) };

struct content {
	bool is_there;
	struct bytes bytes;
};

/* The machine on disk, and what each file has now. */
static struct mk_machine machine;
static struct root root;
static struct buf zero_page, written[NR_FILES];
static bool is_there[NR_FILES];

static void remove_machine(void)
{
	mk_machine_done(&machine);
	root_close(&root);
	for (size_t i = 0; i < NR_FILES; i++)
		buf_done(&written[i]);
	buf_done(&zero_page);
}

static void make_machine(void)
{
	struct err err;

	mk_machine_init(&machine);
	require(!root_open(machine.path, &root, &err));
	require(!root_read(&root, files[ZERO_PAGE].path, SYSTEM_BOOT_PARAMS_SIZE, &zero_page,
			   &err));
	for (size_t i = 0; i < NR_FILES; i++)
		is_there[i] = root_exists(&root, files[i].path);
	require(!atexit(remove_machine));
}

/* --- from bytes to files --------------------------------------------------- */

/* The place in the table; NR_FILES: none. */
static size_t find_file(struct bytes line)
{
	size_t i = 0;

	while (i < NR_FILES && (strlen(files[i].path) != line.size - 1 ||
				memcmp(files[i].path, line.data + 1, line.size - 1)))
		i++;
	return i;
}

static void read_input(struct bytes in, struct content content[NR_FILES])
{
	struct bytes ignored = in;
	struct bytes *open = &ignored;
	struct bytes line;

	for (size_t i = 0; i < NR_FILES; i++) {
		const char *text = files[i].text;

		content[i] = (struct content){ text,
					       { (const uint8_t *)text, text ? strlen(text) : 0 } };
	}
	content[ZERO_PAGE] = (struct content){ true, buf_bytes(&zero_page) };
	while (bytes_next_line(&in, &line)) {
		bool begins = line.size && (*line.data == '@' || *line.data == '!');
		size_t i = begins ? find_file(line) : NR_FILES;

		if (i == NR_FILES) {
			open->size = (size_t)(in.data - open->data);
			continue;
		}
		content[i].is_there = *line.data == '@';
		content[i].bytes = (struct bytes){ in.data, 0 };
		open = &content[i].bytes;
	}
}

static void write_machine(const struct content content[NR_FILES])
{
	bool has_removed = false;
	char path[MK_PATH_MAX];
	struct err err;

	for (size_t i = 0; i < NR_FILES; i++) {
		struct bytes now = content[i].bytes;

		if (!content[i].is_there && is_there[i]) {
			mk_file(&machine, files[i].path, NULL, 0);
			has_removed = true;
		}
		if (content[i].is_there &&
		    !(is_there[i] && written[i].size == now.size &&
		      !memcmp(written[i].data ?: now.data, now.data, now.size))) {
			mk_file(&machine, files[i].path, now.data, now.size);
			written[i].size = 0;
			require(!buf_append(&written[i], now.data, now.size, &err));
		}
		is_there[i] = content[i].is_there;
	}
	for (size_t i = 0; has_removed && i < NR_DIRECTORIES; i++) {
		mk_path(&machine, directories[i], path);
		require(!rmdir(path) || errno == ENOTEMPTY || errno == ENOENT);
	}
}

/* --- what comes of it -------------------------------------------------------- */

static void check_error(const struct err *err)
{
	require(err->code == ERR_INPUT || (err->code == ERR_SYSTEM && err->sys_errno == ENOENT));
	require(err->text[0] == '/' && is_sentence(err->text));
}

/* The number in a file that was accepted, as the C library reads it. */
static uint64_t number_in(const struct content *content, int base)
{
	char text[64] = "";

	require(content->is_there && content->bytes.size);
	memcpy(text, content->bytes.data,
	       content->bytes.size < sizeof(text) ? content->bytes.size : sizeof(text) - 1);
	return strtoull(text, NULL, base);
}

static void check_firmware(const struct content content[NR_FILES], const struct memmap *map)
{
	require(map->count <= 4);
	for (size_t i = 0; i < map->count; i++) {
		const struct memmap_entry *entry = &map->entry[i];

		require(range_is_valid(entry->range));
		require(entry->range.start == number_in(&content[3 * i], 0));
		require(entry->range.end == number_in(&content[3 * i + 1], 0) + 1);
		require(content[3 * i + 2].is_there);
	}
}

static void check_efi(const struct system_efi *efi)
{
	require(efi->booted || (!efi->can_hand_over && !efi->runtime_map.count && !efi->nr_tables));
	require(efi->runtime_map.count <= 1 && efi->nr_tables <= SYSTEM_EFI_TABLES_MAX);
	for (size_t i = 0; i < efi->runtime_map.count; i++) {
		const struct efi_desc *desc = &efi->runtime_map.desc[i];

		require(desc->phys < PHYS_LIMIT && desc->pages);
		require(desc->pages <= (PHYS_LIMIT - desc->phys) / PAGE_SIZE_4K);
	}
	for (size_t i = 0; i < efi->nr_tables; i++) {
		require(strnlen(efi->table[i].name, sizeof(efi->table[i].name)) <
			sizeof(efi->table[i].name));
		require(efi->table[i].address < PHYS_LIMIT && efi->table[i].size);
	}
}

static void check_crash(const struct content content[NR_FILES], const struct system_crash *crash)
{
	require(crash->nr_notes <= 2);
	for (size_t i = 0; i < crash->nr_notes; i++) {
		require(crash->note[i].address && crash->note[i].address < PHYS_LIMIT);
		require(crash->note[i].size && crash->note[i].size <= PAGE_SIZE_4K);
	}
	require(crash->vmcoreinfo.address < PHYS_LIMIT);
	for (size_t i = 0; i < NR_FILES; i++)
		if (!strcmp(files[i].path, CPU "cpu0/crash_notes") && crash->nr_notes == 2)
			require(crash->note[0].address == number_in(&content[i], 16));
}

static void check_memmap(void)
{
	struct efi_map map CLEANUP(efi_map_done) = { 0 };
	struct range range;
	struct err err = { 0 };

	if (gather_efi_memmap(&root, &map, &err)) {
		require(!map.count && err.text[0]);
		require(err.code == ERR_INPUT ||
			(err.code == ERR_SYSTEM && err.sys_errno == ENOENT));
		return;
	}
	require(map.count && !efi_map_is_of_runtime(&map));
	for (size_t i = 0; i < map.count; i++)
		require(efi_desc_range(&map.desc[i], &range));
}

static void check_others(void)
{
	struct system system CLEANUP(system_done) = { 0 };
	struct purgatory_report report;
	struct range main_region, low;
	struct err err = { 0 };
	bool is;

	for (int crash = 0; crash < 2; crash++)
		if (gather_loaded(&root, crash, &is, &err))
			check_error(&err);
	if (gather_report(&root, &report, &is, &err))
		check_error(&err);
	else
		require(!is || report.version == PURGATORY_REPORT_VERSION);
	if (gather_map(&root, &system, &err))
		check_error(&err);
	if (gather_reservation(&root, &main_region, &low, &err))
		check_error(&err);
	else
		require(!range_size(main_region) || range_is_valid(main_region));
}

/* Whatever the files say of a failure, it is one sentence. */
static void check_explained(void)
{
	static struct plan plan = {
		.item = { { .name = "kernel",
			    .load = { 0x20000000, 0x20800000 },
			    .mem_size = 0x800000 },
			  { .name = "initrd", .load = { 0x28000000, 0x28800000 } } },
		.nr_items = 2,
	};
	struct err err = { 0 };
	size_t count;
	const struct explain_cause *cause = explain_causes(&count);

	for (size_t i = 0; i < 2 * count; i++) {
		struct explain_failure failure = {
			.call = cause[i / 2].calls & -cause[i / 2].calls,
			.error = cause[i / 2].error,
			.crash = i % 2,
			.root = &root,
			.plan = &plan,
		};

		if (!cause[i / 2].is_it)
			continue;
		failure.used_up = explain_used_up(&root, failure.crash);
		require(explain(&failure, &err) && err.code == ERR_REFUSED);
		require(is_sentence(err.text) && !strncmp(err.text, "kexec", 5));
	}
	if (explain_check_memory(&root, &plan, &err))
		require(err.code == ERR_NO_FIT && is_sentence(err.text));
}

static void check_warnings(const struct warnings *warnings)
{
	for (size_t i = 0; i < warnings->count; i++)
		require(is_sentence(warnings->text[i]));
}

/* A plan is refused or sealed. Files that contradict each other (a running kernel inside the
 * reservation for the next) may bring a crash kernel's as far as plan_check(). */
static void plan_load(const struct system *system, bool crash)
{
	static uint8_t image[MK_IMAGE_SIZE];
	struct load_request request = {
		.kernel = { image, sizeof(image) },
		.cmdline = "quiet",
		.mem_max = PHYS_LIMIT,
		.crash = crash,
		.memmap_cmdline = crash,
	};
	struct load load CLEANUP(load_done) = { 0 };
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct err err = { 0 };

	mk_image(image);
	if (load_place(&request, system, &warnings, &load, &err)) {
		require((err.code == ERR_INPUT || err.code == ERR_NO_FIT) && is_sentence(err.text));
		return;
	}
	check_warnings(&warnings);
	if (load_seal(&request, system, &load, &err))
		require(crash && err.code == ERR_INTERNAL);
	else
		require(load.plan.stage == PLAN_SEALED);
}

static void check_bios(void)
{
	struct system system CLEANUP(system_done) = { 0 };

	gather_bios(&root, &system);
	require(system.bios.known || is_sentence(system.bios.unknown.text));
	for (size_t i = 0; i < SYSTEM_BIOS_HANDLERS; i++)
		require(system.bios.handler[i] < PHYS_LIMIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct content content[NR_FILES];
	struct system system CLEANUP(system_done) = { 0 };
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct err err = { 0 };

	if (!machine.path[0])
		make_machine();
	read_input((struct bytes){ data, size }, content);
	write_machine(content);
	check_others();
	check_memmap();
	check_explained();
	check_bios();
	if (gather_choice(&root, &system, &err) ||
	    gather_machine(&root, &system, &warnings, &err) || gather_crash(&root, &system, &err)) {
		check_error(&err);
		return 0;
	}
	check_warnings(&warnings);
	check_firmware(content, &system.firmware);
	check_efi(&system.efi);
	check_crash(content, &system.crash);
	plan_load(&system, false);
	plan_load(&system, true);
	return 0;
}
