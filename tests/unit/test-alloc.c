/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every allocation of a whole load, from a machine's text to a sealed plan, fails once: the
 * linker's --wrap puts the functions below between the core and the C library.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "kexec/core/bls.h"
#include "kexec/core/cmdline.h"
#include "kexec/core/grubcfg.h"
#include "kexec/core/efimap_log.h"
#include "kexec/x86/efistub.h"
#include "kexec/x86/load.h"
#include "tests/mk/image.h"
#include "tests/mk/machine.h"

enum { ALLOCATIONS_MAX = 5000, FIRMWARE_ENTRIES = 200 };

/* The allocation that fails, counted from 1; 0: none does. */
static unsigned int failing, counted;
static bool has_failed;
static long blocks; /* allocated and not yet freed */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
int __wrap_asprintf(char **ret, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __real_vasprintf(char **ret, const char *format, va_list arguments);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
int __wrap_vasprintf(char **ret, const char *format, va_list arguments);
int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list arguments);
int __wrap___asprintf_chk(char **ret, int flag, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void __wrap_free(void *block);

static bool fails(void)
{
	if (!failing || ++counted != failing)
		return false;
	has_failed = true;
	return true;
}

static void *keep(void *old, void *block)
{
	blocks += block && !old;
	return block;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : keep(NULL, __real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : keep(NULL, __real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : keep(old, __real_realloc(old, size));
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return fails() ? NULL : keep(old, __real_reallocarray(old, count, size));
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : keep(NULL, __real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t size)
{
	return fails() ? NULL : keep(NULL, __real_strndup(text, size));
}

int __wrap_vasprintf(char **ret, const char *format, va_list arguments)
{
	int length;

	if (fails()) {
		*ret = NULL;
		return -1;
	}
	length = __real_vasprintf(ret, format, arguments);
	blocks += length >= 0;
	return length;
}

int __wrap_asprintf(char **ret, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = __wrap_vasprintf(ret, format, arguments);
	va_end(arguments);
	return length;
}

/* What they are called with _FORTIFY_SOURCE. */
int __wrap___vasprintf_chk(char **ret, int flag, const char *format, va_list arguments)
{
	(void)flag;
	return __wrap_vasprintf(ret, format, arguments);
}

int __wrap___asprintf_chk(char **ret, int flag, const char *format, ...)
{
	va_list arguments;
	int length;

	(void)flag;
	va_start(arguments, format);
	length = __wrap_vasprintf(ret, format, arguments);
	va_end(arguments);
	return length;
}

void __wrap_free(void *block)
{
	blocks -= block != NULL;
	__real_free(block);
}

/* --- a load ---------------------------------------------------------------- */

static const char iomem_text[] = "00001000-0009fbff : System RAM\n"
				 "00100000-3fffffff : System RAM\n"
				 "  01000000-01ffffff : Kernel code\n"
				 "  20000000-27ffffff : Crash kernel\n"
				 "  30000000-300fffff : Reserved\n"
				 "100000000-13fffffff : System RAM\n";

static const char log_text[] =
	"efi: ACPI 2.0=0x3f77e014 MEMATTR=0x2102018 TPMEventLog=0x2000000 \n";

struct load_case {
	const char *name;
	bool crash, memmap_cmdline;
	enum crash_backup backup;
	phys_t mem_max;
	const char *warning; /* the last one's beginning */
	/* A load, an audit of the EFI stub, or a boot loader's menu, without a warning. */
	enum { LOADS, AUDITS, READS_MENU } does;
};

static const char overlaps[] = "the memory map overlaps itself at 0x3f000000-0x3f001000: ";

static const struct load_case load_cases[] = {
	{ "normal", false, false, CRASH_BACKUP_AUTO, PHYS_LIMIT, overlaps, LOADS },
	{ "crash", true, true, CRASH_BACKUP_ALWAYS, PHYS_LIMIT, overlaps, LOADS },
	/* All is done again without them. */
	{ "crash without room for spares", true, false, CRASH_BACKUP_NEVER, 0x22017000,
	  "no spare copies: ", LOADS },
	{ "audit of the EFI stub", false, false, CRASH_BACKUP_AUTO, PHYS_LIMIT,
	  "mem00 0x200000-0x400000 and mem02 0x300000-0x500000 of the EFI memory map overlap: ",
	  AUDITS },
	{ .name = "a menu", .does = READS_MENU },
};

static int read_firmware(struct system *system, struct err *err)
{
	if (memmap_add(&system->firmware, (struct range){ 0, 0x9fc00 }, E820_RAM, err) ||
	    memmap_add(&system->firmware, (struct range){ 0x100000, 0x40000000 }, E820_RAM, err) ||
	    memmap_add(&system->firmware, (struct range){ 0x9fc00, 0xa0000 }, E820_RESERVED, err))
		return -1;
	for (uint64_t i = 0; i < FIRMWARE_ENTRIES; i++) {
		struct range range = { 0x3f000000 + i * 0x2000, 0x3f001000 + i * 0x2000 };

		if (memmap_add(&system->firmware, range, E820_NVS, err))
			return -1;
	}
	return 0;
}

static int read_kcore(struct system *system, struct err *err)
{
	struct mk_kcore file = mk_kcore(0x1000000, 0x100000, 0x40000000);

	return kcore_parse((struct bytes){ (const void *)&file, sizeof(file) }, &system->kcore,
			   err);
}

static int read_machine(struct system *system, struct err *err)
{
	struct bytes iomem = { (const uint8_t *)iomem_text, strlen(iomem_text) };
	struct bytes log = { (const uint8_t *)log_text, strlen(log_text) };
	struct boot_params *running = (void *)system->boot_params;
	const struct elfcorehdr_note note = { 0x3e000000, 0x400 };
	struct system_crash *crash = &system->crash;
	struct efi_desc desc = { 5, 0x3f000000, 0xfffffffeff000000, 16, 15, 0 };
	struct system_efi *efi = &system->efi;

	memcpy(running->efi_info.signature, "EL64", 4);
	running->efi_info.memdesc_version = 1;
	system->has_boot_params = true;
	efi->booted = efi->can_hand_over = true;
	efi->nr_tables = efi_tables_from_log(log, efi->table, SYSTEM_EFI_TABLES_MAX);
	for (size_t i = 0; i < efi->nr_tables; i++)
		efi->table[i].size = 0x1000;
	crash->vmcoreinfo = note;
	if (array_grow(&crash->note, &crash->notes_room, crash->nr_notes, sizeof(note), err))
		return -1;
	crash->note[crash->nr_notes++] = note;
	return iomem_parse(iomem, &system->iomem, err) || read_firmware(system, err) ||
			       read_kcore(system, err) || efi_map_add(&efi->runtime_map, desc, err)
		       ? -1
		       : 0;
}

/* More descriptors than an array begins with, of which some conflict and some are candidates. */
static int audit_once(struct warnings *warnings, struct err *err)
{
	static char text[16384];
	struct efi_map map CLEANUP(efi_map_done) = { 0 };
	struct efistub_audit audit CLEANUP(efistub_audit_done) = { 0 };
	const struct efistub_start start = {
		.footprint = { true, 0x200000, 0x4000000, 0x2000000, 0x1000000 },
		.has_load = true,
		.load = 0x4000000,
	};

	text[0] = '\0';
	for (uint64_t i = 0; i < 120; i++) {
		bool is_low = i < 60;

		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "efi: mem%02u: type=%u, attr=0xf, range=[0x%llx-0x%llx)\n",
			 (unsigned int)i, is_low ? 4 : 7, PHYS(is_low ? (i + 1) << 21 : i << 27),
			 PHYS(is_low ? (i + 2) << 21 : (i + 1) << 27));
	}
	/* One that overlaps another. */
	memcpy(strstr(text, "[0x600000-0x800000)"), "[0x300000-0x500000)", 19);
	if (efi_map_from_log((struct bytes){ (const uint8_t *)text, strlen(text) }, &map, warnings,
			     err) ||
	    efistub_audit(&map, &start, &audit, err))
		return -1;
	assert_true(audit.era[EFISTUB_NO_FLOOR].nr_candidates > 16);
	assert_true(audit.era[EFISTUB_NO_FLOOR].nr_conflicts);
	return 0;
}

/* All of one load, and nothing of it left behind. */
static int load_once(const struct load_case *load_case, struct warnings *warnings, struct err *err)
{
	static uint8_t image[MK_IMAGE_SIZE], initrd[8192];
	static const uint8_t seed[RNG_SEED_SIZE] = { 1 };
	struct system system CLEANUP(system_done) = { 0 };
	struct load load CLEANUP(load_done) = { 0 };
	char *cmdline CLEANUP(text_done) = NULL;
	struct setup_header *header;
	struct load_request request = {
		.kernel = { image, sizeof(image) },
		.initrd = { initrd, sizeof(initrd) },
		.mem_max = load_case->mem_max,
		.crash = load_case->crash,
		.backup = load_case->backup,
		.memmap_cmdline = load_case->memmap_cmdline,
		.seed = seed,
	};

	header = mk_image(image);
	header->init_size = 0x2000000;
	/* The decompressor fills the footprint, so that spares need a place of their own. */
	put_u32(image + MK_IMAGE_SIZE_OF_IMAGE_AT, 0);
	header->cmdline_size = 0x10000;
	if (read_machine(&system, err) || cmdline_compose("BOOT_IMAGE=/vmlinuz console=ttyS0",
							  "quiet", load_case->crash, &cmdline, err))
		return -1;
	request.cmdline = cmdline;
	if (load_place(&request, &system, warnings, &load, err) ||
	    load_seal(&request, &system, &load, err))
		return -1;
	assert_int_equal(load.plan.stage, PLAN_SEALED);
	return 0;
}

static bool no_file(void *context, const char *name, struct bytes *ret)
{
	(void)context;
	*ret = (struct bytes){ (const uint8_t *)"menuentry c { linux /c }", 24 };
	return !strcmp(name, "custom.cfg");
}

/* A menu of entries in files, and of a script with a bit of everything. */
static int menu_once(struct err *err)
{
	static const char entry_text[] = "title A\nversion 1\nsort-key a\nmachine-id 1\n"
					 "linux /a\ninitrd /i\noptions a\noptions b\n";
	static const char text[] =
		"function f { x=$1; }\nset y='a b'; export y; f $y\n. $prefix/custom.cfg\n"
		"blscfg\nif sleep 1; then z=1; fi\n"
		"submenu S { menuentry T --id t { linux /k $y 'c d'; initrd /a /b; initrd /c } }\n"
		"menuentry U { linux /k $z }\nset default='S>t'\n";
	struct boot_entries bls CLEANUP(boot_entries_done) = { 0 };
	struct boot_entries menu CLEANUP(boot_entries_done) = { 0 };
	char *pattern CLEANUP(text_done) = NULL;
	struct boot_entry entry = { 0 }, uki = { 0 };
	struct grubcfg_input input = { .text = { (const uint8_t *)text, sizeof(text) - 1 },
				       .path = "boot/grub/grub.cfg",
				       .find = no_file,
				       .bls = &bls };
	const struct bls_uki profile = { 1, text_bytes("ID=x\n"), text_bytes("TITLE=y\n") };
	bool is_ours, has_blscfg;

	if (bls_parse((struct bytes){ (const uint8_t *)entry_text, sizeof(entry_text) - 1 }, "boot",
		      "a+1-2.conf", &entry, &is_ours, err) ||
	    boot_entries_add(&bls, &entry, err) ||
	    bls_of_uki(&profile, "efi", "x.efi", &uki, err) || boot_entries_add(&bls, &uki, err) ||
	    bls_loader_value((struct bytes){ (const uint8_t *)"default a", 9 }, "default", &pattern,
			     err) ||
	    grubcfg_parse(&input, &menu, &has_blscfg, err))
		return -1;
	assert_int_equal(menu.count, 5);
	assert_string_equal(menu.entry[menu.chosen].id, "t");
	assert_non_null(menu.entry[4].why);
	return 0;
}

static void check_warnings(const struct load_case *load_case, const struct warnings *warnings)
{
	const char *last;

	assert_true(warnings->count);
	last = warnings->text[warnings->count - 1];
	if (strncmp(last, load_case->warning, strlen(load_case->warning)))
		fail_msg("%s: warned \"%s\"", load_case->name, last);
}

/* Returns how many allocations the load takes. */
static unsigned int fail_each(const struct load_case *load_case)
{
	for (unsigned int n = 1; n < ALLOCATIONS_MAX; n++) {
		struct warnings warnings = { 0 };
		struct err err = { 0 };
		long before = blocks;
		int result;

		failing = n;
		counted = 0;
		has_failed = false;
		result = load_case->does == READS_MENU ? menu_once(&err)
			 : load_case->does == AUDITS   ? audit_once(&warnings, &err)
						       : load_once(load_case, &warnings, &err);
		failing = 0;
		if (!has_failed && result)
			fail_msg("%s: %s", load_case->name, err.text);
		/* A warning that is lost says so, and is no reason to give up. */
		if (has_failed && !result && !warnings.lost)
			fail_msg("%s: allocation %u failed, and nobody minds", load_case->name, n);
		if (result && (err.code != ERR_NO_MEMORY || !strstr(err.text, "out of memory")))
			fail_msg("%s: allocation %u failed: code %d, \"%s\"", load_case->name, n,
				 err.code, err.text);
		if (!has_failed && load_case->warning)
			check_warnings(load_case, &warnings);
		warnings_done(&warnings);
		if (blocks != before)
			fail_msg("%s: allocation %u failed: %ld blocks are leaked", load_case->name,
				 n, blocks - before);
		if (!has_failed)
			return n - 1;
	}
	fail_msg("%s: no end after %d allocations", load_case->name, ALLOCATIONS_MAX);
	return 0;
}

static void each_failed_allocation_is_an_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(load_cases) / sizeof(load_cases[0]); i++) {
		unsigned int count = fail_each(&load_cases[i]);

		print_message("%s: %u allocations\n", load_cases[i].name, count);
		/* If the functions were not wrapped, none would be counted. */
		assert_true(count > 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_failed_allocation_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
