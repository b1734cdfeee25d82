/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a capture has of a machine, and what it must not have; plans for both are the same. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kexec/action.h"
#include "kexec/sys/gather.h"
#include "tests/mk/image.h"
#include "tests/mk/machine.h"
#include "x86/bootparam.h"

enum { TABLES_AT = 0x20000000 };

static const uint64_t image_vaddr = 0xffffffffa5a00000, direct_map = 0xffff9d7c70000000;

static struct mk_machine machine;
static char kernel[MK_PATH_MAX], tar[MK_PATH_MAX], again[MK_PATH_MAX];

/* --- a machine with something to hide ---------------------------------------- */

/* Image and RAM where KASLR put them, three tables in the RAM. Offsets are of the virtual address,
 * as the kernel makes them, less what no file system has room for. */
static void mk_random_kcore(uint64_t image, uint64_t map)
{
	struct mk_kcore headers = mk_kcore(0x1000000, 0x100000, 0x40000000);
	static const uint8_t tables[] =
		"\x20\0\0\0SEED-OF-FIRMWARE"			  /* RNG */
		"\x00\x21\0\0\x02LOG-HASH-OF-BOOT"		  /* TPMEventLog */
		"\x02\0\0\0\x03\0\0\0\x30\0\0\0\0\0\0\0\0\0\0\0"; /* MEMATTR */
	char path[MK_PATH_MAX];
	FILE *file;

	headers.phdr[0].p_vaddr = image;
	headers.phdr[0].p_offset = image & 0x7ffffffff000;
	headers.phdr[1].p_vaddr = map + 0x100000;
	headers.phdr[1].p_offset = 0x10000 + (map & 0xf0000000);
	mk_file(&machine, "proc/kcore", &headers, sizeof(headers));
	mk_path(&machine, "proc/kcore", path);
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(
		fseek(file, (long)headers.phdr[1].p_offset + TABLES_AT - 0x100000, SEEK_SET), 0);
	assert_int_equal(fwrite(tables, sizeof(tables), 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

static void mk_boot_params(void)
{
	struct boot_params params = { .acpi_rsdp_addr = 0xf5a00,
				      .ext_cmd_line_ptr = 0x5ec4e701,
				      .hdr = { .cmd_line_ptr = 0x5ec4e702,
					       .setup_data = 0x5ec4e703 } };

	mk_file(&machine, "sys/kernel/boot_params/data", &params, sizeof(params));
}

static void mk_page_flags(void)
{
	uint64_t flags[256];

	for (size_t i = 0; i < 256; i++)
		flags[i] = UINT64_C(1) << 32 | 0x5ec4e7;
	mk_file(&machine, "proc/kpageflags", flags, sizeof(flags));
}

static int set_up(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];
	struct purgatory_report report = { .version = PURGATORY_REPORT_VERSION };
	char type[24];

	(void)state;
	mk_machine_init(&machine);
	mk_image(image);
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	mk_path(&machine, "vmlinuz", kernel);
	mk_path(&machine, "m.tar", tar);
	mk_path(&machine, "again.tar", again);
	mk_text(&machine, "proc/iomem",
		"00001000-0009fbff : System RAM\n"
		"00100000-3fffffff : System RAM\n"
		"  01000000-01ffffff : Kernel code\n"
		"  10000000-1fffffff : Crash kernel\n");
	mk_text(&machine, "proc/cmdline", "root=/dev/sda SECRET-WORD console=ttyS1,9600\n");
	mk_text(&machine, "proc/meminfo", "MemTotal: 1000000 kB\nMemFree: 5555555 kB\n");
	mk_text(&machine, "proc/cpuinfo",
		"processor\t: 0\ncpu MHz\t\t: 1234.567\ninitial apicid\t: 4\nflags\t\t: fpu sse\n\n"
		"processor\t: 1\ninitial apicid\t: 77\nflags\t\t: fpu la57\n\n");
	mk_text(&machine, "dmesg",
		"[    0.000000] Command line: SECRET-WORD efi: ACPI=0x1000 \n"
		"[    0.000000] efi: EFI v2.70 by SECRET-MAKER\n"
		"[    0.000000] efi: ACPI 2.0=0x3ff00014 RNG=0x20000000 TPMEventLog=0x20000014 "
		"MEMATTR=0x20000029 \n"
		"[    0.000000] tsc: Detected 2100.000 MHz processor\n"
		"[    9.000000] audit: SECRET-USER logged in\n");
	mk_text(&machine, "sys/firmware/efi/fw_vendor", "0x3f000000\n");
	mk_text(&machine, "sys/kernel/security/tpm0/binary_bios_measurements", "HASHES-OF-BOOT");
	mk_text(&machine, "sys/kernel/boot_params/setup_data/0/type", "0x9\n");
	mk_text(&machine, "sys/kernel/boot_params/setup_data/0/data", "SEED-OF-LOADER");
	snprintf(type, sizeof(type), "0x%x\n", PURGATORY_REPORT_TYPE);
	mk_text(&machine, "sys/kernel/boot_params/setup_data/1/type", type);
	mk_file(&machine, "sys/kernel/boot_params/setup_data/1/data", &report, sizeof(report));
	mk_text(&machine, "sys/devices/system/cpu/cpu0/crash_notes", "3f000000\n");
	mk_text(&machine, "sys/devices/system/cpu/cpu0/crash_notes_size", "368\n");
	mk_text(&machine, "sys/devices/system/cpu/cpu2/topology/core_id", "0\n");
	mk_text(&machine, "sys/kernel/vmcoreinfo", "0x000000003f010000 1024\n");
	mk_text(&machine, CAPTURE_RELEASE, "7.2.13\n");
	mk_text(&machine, "etc/shadow", "root:SECRET-HASH\n");
	mk_random_kcore(image_vaddr, direct_map);
	mk_boot_params();
	mk_page_flags();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mk_machine_done(&machine);
	return 0;
}

/* --- running ----------------------------------------------------------------- */

/* What the running kernel was given: whether these bytes are in it. */
static struct {
	const void *data;
	size_t size;
	bool found;
} sought;

static int seek_in_load(void *context, uint64_t entry, size_t count,
			const struct kexec_segment *segment, unsigned long flags)
{
	(void)context;
	(void)entry;
	(void)flags;
	for (size_t i = 0; i < count; i++)
		sought.found |= segment[i].bufsz &&
				memmem(segment[i].buf, segment[i].bufsz, sought.data, sought.size);
	return 0;
}

static const struct ops ops = { .load = seek_in_load };

/* Runs with these words: what it prints, or the sentence that it is refused with. Then, with a
 * line each, the warnings. Malloc'ed. */
static char *run(const char *sysroot, int argc, char *const argv[])
{
	struct warnings warnings = { 0 };
	struct surroundings around = { .ops = &ops, .warnings = &warnings };
	struct request request;
	struct err err = { 0 };
	char *text = NULL;
	size_t size;
	int status;

	around.out = open_memstream(&text, &size);
	if (cli_parse(argc, argv, &request, &err) || root_open(sysroot, &around.root, &err)) {
		fprintf(around.out, "%s\n", err.text);
	} else {
		if (action_run(&request, &around, &status, &err))
			fprintf(around.out, "%s\n", err.text);
		root_close(&around.root);
	}
	for (size_t i = 0; i < warnings.count; i++)
		fprintf(around.out, "warning: %s\n", warnings.text[i]);
	warnings_done(&warnings);
	fclose(around.out);
	return text;
}

static char *plan(const char *sysroot, bool crash)
{
	char *const argv[] = { (char *)"kexec",	 (char *)"--dry-run",
			       (char *)"--json", (char *)(crash ? "-p" : "-l"),
			       kernel,		 (char *)"--append=nr_cpus=1" };

	return run(sysroot, 6, argv);
}

static void capture(const char *sysroot, const char *to, bool with_cmdline, const char *expected)
{
	char word[MK_PATH_MAX + 16], *text;
	char *const argv[] = { (char *)"kexec", word, (char *)"--capture-cmdline" };

	snprintf(word, sizeof(word), "--capture=%s", to);
	text = run(sysroot, with_cmdline ? 3 : 2, argv);
	assert_string_equal(text, expected);
	free(text);
}

/* A whole file, malloc'ed, NUL-terminated. */
static char *slurp(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "r");
	struct stat status;
	char *data;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &status), 0);
	data = calloc(1, (size_t)status.st_size + 1);
	assert_int_equal(fread(data, 1, (size_t)status.st_size, file), status.st_size);
	fclose(file);
	*ret_size = (size_t)status.st_size;
	return data;
}

static bool has(const char *path, const void *what, size_t length)
{
	size_t size;
	char *data = slurp(path, &size);
	bool found = memmem(data, size, what, length);

	free(data);
	return found;
}

static void assert_same_file(const char *a, const char *b)
{
	size_t size_a, size_b;
	char *data_a = slurp(a, &size_a), *data_b = slurp(b, &size_b);

	assert_int_equal(size_a, size_b);
	assert_memory_equal(data_a, data_b, size_a);
	free(data_a);
	free(data_b);
}

/* Plans for the machine and for its capture, and a capture of that. */
static void assert_same(const char *warnings)
{
	for (int crash = 0; crash < 2; crash++) {
		char *of_machine, *of_capture;

		if (!crash)
			capture(machine.path, tar, /* with_cmdline= */ false, warnings);
		of_machine = plan(machine.path, crash);
		of_capture = plan(tar, crash);
		assert_string_equal(of_machine, of_capture);
		free(of_machine);
		free(of_capture);
	}
	capture(tar, again, /* with_cmdline= */ false, warnings);
	assert_same_file(tar, again);
}

/* --- tests ------------------------------------------------------------------- */

static void test_no_secret(void **state)
{
	static const char *const secrets[] = {
		"SECRET-WORD",	  "SECRET-MAKER",     "SECRET-USER",  "SECRET-HASH",
		"SEED-OF-LOADER", "SEED-OF-F",	      "HASHES-OF",    "LOG-HASH",
		"5555555",	  "1234.567",	      "\xe7\xc4\x5e", "\x7c\x9d\xff\xff",
		"\xa0\xa5\xff",	  "\x5a\xa0\x00\x00",
	};
	const uint64_t offset = 0x10000 + (direct_map & 0xf0000000);

	(void)state;
	capture(machine.path, tar, /* with_cmdline= */ false, "");
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		print_message("%s\n", secrets[i]);
		assert_false(has(tar, secrets[i], strlen(secrets[i])));
	}
	assert_false(has(tar, (const uint8_t *)&offset + 3, 2));
	assert_false(has(tar, "proc/cmdline", 12));
	/* The search can find, and what was asked for is there. */
	capture(machine.path, again, /* with_cmdline= */ true, "");
	assert_true(has(again, "SECRET-WORD", 11));
	assert_true(has(tar, "console=uart8250,io,0x2f8,9600\n", 31));
	assert_true(has(tar, "release 7.2.13\n", 15));
}

static void test_same_plans(void **state)
{
	char *text;

	(void)state;
	assert_same("");
	/* It is a plan, and the event log has the size that it says itself, not the file's. */
	text = plan(tar, /* crash= */ true);
	assert_non_null(strstr(text, "\"name\":\"elfcorehdr\""));
	free(text);
	text = plan(tar, /* crash= */ false);
	assert_non_null(strstr(text, "\"start\":\"0x20000000\",\n      \"end\":\"0x20003000\""));
	assert_null(strstr(text, "the new kernel gets none"));
	free(text);
}

/* The command line is in no capture; that it brings memory is. */
static void test_add_efi_memmap(void **state)
{
	char *text;

	(void)state;
	mk_text(&machine, "proc/iomem",
		"00001000-0009fbff : System RAM\n"
		"00100000-3fffffff : System RAM\n"
		"  01000000-01ffffff : Kernel code\n"
		"40000000-4fffffff : System RAM\n");
	mk_text(&machine, "proc/cmdline", "SECRET-WORD add_efi_memmap\n");
	assert_same("");
	assert_false(has(tar, "SECRET-WORD", 11));
	text = plan(tar, /* crash= */ false);
	assert_non_null(strstr(text, "\"end\":\"0x50000000\""));
	free(text);
}

/* What is shown has no random address in it, what is loaded has the real ones. */
static void test_random_addresses(void **state)
{
	char *const argv[] = { (char *)"kexec", (char *)"-c", (char *)"-p", kernel };
	char *text, *other;

	(void)state;
	text = plan(machine.path, /* crash= */ true);
	mk_random_kcore(image_vaddr + 0x200000, direct_map + 0x40000000);
	other = plan(machine.path, /* crash= */ true);
	assert_string_equal(text, other);
	free(text);
	free(other);
	mk_random_kcore(image_vaddr, direct_map);
	for (int i = 0; i < 2; i++) {
		const uint64_t vaddr = i ? direct_map + 0x100000 : image_vaddr;

		sought.data = &vaddr;
		sought.size = sizeof(vaddr);
		sought.found = false;
		text = run(machine.path, 4, argv);
		assert_true(sought.found);
		free(text);
	}
}

/* A link to itself can be opened by nobody, root included. */
static void mk_unreadable(const char *path)
{
	char full[MK_PATH_MAX];

	mk_path(&machine, path, full);
	unlink(full);
	assert_int_equal(symlink(strrchr(path, '/') + 1, full), 0);
}

#define LOOP "Too many levels of symbolic links"

static void test_unreadable(void **state)
{
	char *text;

	(void)state;
	mk_unreadable("proc/kcore");
	mk_unreadable("sys/kernel/vmcoreinfo");
	assert_same("warning: /proc/kcore: " LOOP ": it is not in the capture\n"
		    "warning: /sys/kernel/vmcoreinfo: " LOOP ": it is not in the capture\n");
	unlink(tar);
	unlink(again);
	mk_unreadable("proc/iomem");
	mk_unreadable("sys/firmware/efi/fw_vendor");
	assert_same(
		"warning: a plan for this machine is refused: /proc/iomem: " LOOP "\n"
		"warning: a plan for this machine is refused: /proc/iomem: no System RAM in 0 entries\n"
		"warning: /proc/iomem: " LOOP ": it is not in the capture\n"
		"warning: /proc/kcore: " LOOP ": it is not in the capture\n"
		"warning: /sys/firmware/efi/fw_vendor: " LOOP ": it is not in the capture\n"
		"warning: /sys/kernel/vmcoreinfo: " LOOP ": it is not in the capture\n");
	text = plan(tar, /* crash= */ false);
	assert_string_equal(text, "/proc/iomem: " LOOP "\n");
	free(text);
	assert_true(has(tar, "\nunread 40 proc/iomem " LOOP "\n",
			strlen("\nunread 40 proc/iomem " LOOP "\n")));
}

/* What a plan is refused for is in the capture, and all the rest. */
static void test_malformed(void **state)
{
	char *text;

	(void)state;
	mk_text(&machine, "sys/firmware/memmap/1/end", "wild\n");
	assert_same("warning: a plan for this machine is refused: /sys/firmware/memmap/1/end: "
		    "\"wild\" is not a number\n");
	text = plan(tar, /* crash= */ false);
	assert_string_equal(text, "/sys/firmware/memmap/1/end: \"wild\" is not a number\n");
	free(text);
	assert_true(has(tar, "sys/kernel/vmcoreinfo", 21));
}

static void test_framebuffer(void **state)
{
	struct root root CLEANUP(root_close) = { 0 };
	struct system system CLEANUP(system_done) = { 0 };
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct err err;

	(void)state;
	/* Of the running machine the driver tells; of another, what was captured does. */
	mk_text(&machine, "sys/class/graphics/fb0/name", "hyperv_fb\n");
	mk_text(&machine, "facts/framebuffer", "0x123450000\n");
	assert_same("");
	assert_int_equal(root_open(tar, &root, &err), 0);
	assert_int_equal(gather_machine(&root, &system, &warnings, &err), 0);
	assert_true(system.framebuffer_moved);
	assert_int_equal(system.framebuffer_base, 0x123450000);
}

/* A size that no table has: the bound is kept off. */
static void test_wild_table_size(void **state)
{
	char *text;

	(void)state;
	mk_text(&machine, "facts/efi-table-size/1", "0xfffffffffffff000\n");
	text = plan(machine.path, /* crash= */ false);
	assert_non_null(strstr(text, "\"start\":\"0x20000000\",\n      \"end\":\"0x20010000\""));
	free(text);
}

static void expect(const char *sysroot, int argc, char *const argv[], const char *expected)
{
	char *text = run(sysroot, argc, argv);

	assert_string_equal(text, expected);
	free(text);
}

/* Which loader -a would choose is the captured machine's, too; how its kernel was built is not kept. */
static void test_handed_on(void **state)
{
	char *of_machine, *of_capture;

	(void)state;
	mk_text(&machine, "sys/kernel/security/ima/runtime_measurements_count", "5\n");
	mk_text(&machine, "boot/config-7.2.13", "CONFIG_SECRET=y\nCONFIG_IMA_KEXEC=y\n");
	capture(machine.path, tar, /* with_cmdline= */ false, "");
	assert_false(has(tar, "CONFIG_SECRET", strlen("CONFIG_SECRET")));
	of_machine = plan(machine.path, /* crash= */ false);
	of_capture = plan(tar, /* crash= */ false);
	assert_string_equal(of_machine, of_capture);
	assert_int_equal(
		strncmp(of_capture,
			"the running kernel's own loader is to load (no other hands on IMA's list",
			72),
		0);
	free(of_machine);
	free(of_capture);
}

static void test_words(void **state)
{
	char word[MK_PATH_MAX + 16];
	char *argv[] = { (char *)"kexec", word, (char *)"-e", NULL };
	char *const reuse[] = { (char *)"kexec", (char *)"--dry-run", (char *)"-l", kernel,
				(char *)"--reuse-cmdline" };
	char pipe_path[MK_PATH_MAX], expected[MK_PATH_MAX + 80];

	(void)state;
	snprintf(word, sizeof(word), "--capture=%s", tar);
	expect(machine.path, 3, argv,
	       "only one of -l, -e, -u, -f, -S, --doctor, --estimate, --audit-efi, --capture and "
	       "--list-entries can be done at a time\n");
	argv[2] = (char *)"--dry-run";
	expect(machine.path, 3, argv,
	       "--dry-run makes no sense without loading a kernel: --capture loads none\n");
	strcpy(word, "--sysroot=/");
	argv[2] = (char *)"-u";
	expect(machine.path, 3, argv,
	       "--sysroot goes with loading, --doctor, --estimate, --audit-efi, --capture, --list-entries and --print-ckr-size\n");
	strcpy(word, "--capture-cmdline");
	expect(machine.path, 3, argv, "--capture-cmdline goes with --capture\n");
	mk_path(&machine, "pipe", pipe_path);
	assert_int_equal(mkfifo(pipe_path, 0600), 0);
	snprintf(expected, sizeof(expected), "%s: not a regular file\n", pipe_path);
	expect(pipe_path, 5, reuse, expected);
	snprintf(expected, sizeof(expected),
		 "%s: no tar archive, or a compressed one: Unrecognized archive format\n", kernel);
	expect(kernel, 5, reuse, expected);
	capture(machine.path, tar, /* with_cmdline= */ false, "");
	expect(tar, 5, reuse,
	       "--reuse-cmdline: /proc/cmdline cannot be read; a capture has it if taken with "
	       "--capture-cmdline\n");
	capture(machine.path, again, /* with_cmdline= */ true, "");
	for (int i = 0; i < 2; i++) {
		char *text = run(i ? machine.path : again, 5, reuse);

		assert_non_null(strstr(text, "root=/dev/sda SECRET-WORD console=ttyS1,9600\n"));
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_no_secret, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_same_plans, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_add_efi_memmap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_random_addresses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unreadable, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_malformed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_framebuffer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wild_table_size, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_handed_on, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
