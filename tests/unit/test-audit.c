/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The audit: which of its sources it takes and what it says of the others; bad input, a row each:
 * the whole sentence, the exit status. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "kexec/action.h"
#include "kexec/cli.h"
#include "tests/mk/image.h"
#include "tests/mk/machine.h"
#include "x86/bootparam.h"

static struct mk_machine machine;
static char logs[MK_PATH_MAX], log_path[MK_PATH_MAX], tar[MK_PATH_MAX];

static int set_up(void **state)
{
	(void)state;
	mk_machine_init(&machine);
	mk_text(&machine, "logs/.empty", "");
	mk_path(&machine, "logs", logs);
	mk_path(&machine, "logs/log", log_path);
	mk_path(&machine, "m.tar", tar);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mk_machine_done(&machine);
	return 0;
}

/* Whether a line of what is printed is kept: those that name the map and what comes of it. */
static bool is_kept(const char *line)
{
	return !strncmp(line, "EFI map ", 8) || !strncmp(line, "Verdict ", 8) ||
	       !strncmp(line, "log", 3) || strstr(line, "\"source\"") ||
	       strstr(line, "\"verdict\":\"error\"");
}

/*
 * kexec WORD...: "STATUS: " and the sentence of a refusal; or "STATUS", what is printed, and "warning: "
 * and each warning, a line each. Malloc'ed. all: everything that is printed.
 */
static char *run(const char *sysroot, int argc, char *const argv[], bool all)
{
	struct warnings warnings = { 0 };
	struct surroundings around = { .warnings = &warnings };
	struct request request;
	struct err err = { 0 };
	char *printed = NULL, *text = NULL, *rest;
	size_t size, printed_size;
	int status = STATUS_DONE;
	FILE *out = open_memstream(&text, &size);

	around.out = open_memstream(&printed, &printed_size);
	if (cli_parse(argc, argv, &request, &err) || root_open(sysroot, &around.root, &err)) {
		fprintf(out, "%d: %s\n", STATUS_REFUSED, err.text);
		fclose(around.out);
	} else {
		int result = action_run(&request, &around, &status, &err);

		root_close(&around.root);
		fclose(around.out);
		assert_int_not_equal(err.code, ERR_REFUSED);
		assert_int_not_equal(err.code, ERR_INTERNAL);
		if (result)
			fprintf(out, "%d: %s\n", STATUS_REFUSED, err.text);
		else
			fprintf(out, "%d\n", status);
		rest = printed;
		for (char *line; (line = strsep(&rest, "\n"));)
			if (*line && (all || is_kept(line)))
				fprintf(out, "%s\n", line);
	}
	for (size_t i = 0; i < warnings.count; i++)
		fprintf(out, "warning: %s\n", warnings.text[i]);
	warnings_done(&warnings);
	fclose(out);
	free(printed);
	return text;
}

#define VALUES                                                            \
	(char *)"--init-size=0x377d000", (char *)"--kernel-alignment=2M", \
		(char *)"--pref-address=16M", (char *)"--load-address=0x3c881000"

/* --audit-efi of a machine, for the kernel of the report on Hyper-V. */
static char *audit(const char *sysroot, bool json)
{
	char *const argv[] = { (char *)"kexec", (char *)"--audit-efi", VALUES, (char *)"--json" };

	return run(sysroot, json ? 7 : 6, argv, json);
}

static void expect(const char *wanted)
{
	char *text = audit(machine.path, false);

	assert_string_equal(text, wanted);
	free(text);
}

/* --- a machine with a map in its memory -------------------------------------- */

enum { MAP_AT = 0x3f772040, RAM_AT = 0x100000, DESC = 48 };

/* Type, from, to, attribute: what is in the way of the report's kernel. */
struct line {
	uint32_t type;
	uint64_t start, end, attribute;
};
static const struct line whole[] = {
	{ 7, 0x100000, 0x4200000, 15 },
	{ 4, 0x4200000, 0x4400000, 15 },
	{ 7, 0x4400000, 0x39a39000, 15 },
	{ 6, 0x39a39000, 0x40000000, 0x800000000000000f },
};
enum { NR_WHOLE = sizeof(whole) / sizeof(whole[0]) };

#define LINES                                                                                      \
	"[    0.000000] efi: mem00: type=7, attr=0xf, range=[0x100000-0x4200000) (65MB)\n"         \
	"[    0.000000] efi: mem01: type=4, attr=0xf, range=[0x4200000-0x4400000) (2MB)\n"         \
	"[    0.000000] efi: mem02: type=7, attr=0xf, range=[0x4400000-0x39a39000) (854MB)\n"      \
	"[    0.000000] efi: mem03: type=6, attr=0x800000000000000f, range=[0x39a39000-0x40000000" \
	") (101MB)\n"
#define HAZARD "Verdict    hazard: a kernel of Linux 5.4 or later does not do that here\n"
#define NO_LOG                                                                                       \
	"no EFI memory map: x86 kernels print it (\"efi: mem00: ...\") when they are booted by EFI " \
	"firmware with efi=debug"
#define PARTIAL                                                                                    \
	"; /sys/firmware/efi/runtime-map has only what the firmware keeps for itself, from which " \
	"nothing follows for the rest\n"
#define KEXECED                                                                                    \
	"a kexec has started the running kernel, and handed on what the runtime services need of " \
	"the EFI memory map, no more: boot by the firmware"
#define IN_MEMORY "EFI map    the running kernel's memory, 4 descriptors"

static void mk_info(struct efi_info info)
{
	struct boot_params params = { .efi_info = info };

	mk_file(&machine, "sys/kernel/boot_params/data", &params, sizeof(params));
}

static struct efi_info info_of(size_t count)
{
	return (struct efi_info){ .signature = { 'E', 'L', '6', '4' },
				  .memdesc_size = DESC,
				  .memdesc_version = 1,
				  .memmap = MAP_AT,
				  .memmap_size = (uint32_t)count * DESC };
}

/* In /proc/kcore, which shows the RAM. */
static void mk_memory(const struct line *line, size_t count)
{
	struct mk_kcore headers = mk_kcore(0x1000000, RAM_AT, 0x40000000);
	char path[MK_PATH_MAX];
	FILE *file;

	headers.phdr[1].p_offset = 0x10000;
	mk_file(&machine, "proc/kcore", &headers, sizeof(headers));
	mk_path(&machine, "proc/kcore", path);
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, 0x10000 + MAP_AT - RAM_AT, SEEK_SET), 0);
	for (size_t i = 0; i < count; i++) {
		struct efi_memory_desc_wire desc = {
			.type = line[i].type,
			.phys_addr = line[i].start,
			.virt_addr = 0x5ec4e75ec4e75ec4,
			.num_pages = (line[i].end - line[i].start) / 4096,
			.attribute = line[i].attribute,
		};

		assert_int_equal(fwrite(&desc, sizeof(desc), 1, file), 1);
		assert_int_equal(fwrite("BETWEEN", DESC - sizeof(desc), 1, file), 1);
	}
	assert_int_equal(fclose(file), 0);
	mk_info(info_of(count));
}

static void mk_runtime_map(const char *type, const char *start)
{
	mk_text(&machine, "sys/firmware/efi/runtime-map/0/type", type);
	mk_text(&machine, "sys/firmware/efi/runtime-map/0/phys_addr", start);
	mk_text(&machine, "sys/firmware/efi/runtime-map/0/virt_addr", "0xfffffffeff000000\n");
	mk_text(&machine, "sys/firmware/efi/runtime-map/0/num_pages", "0x65c7\n");
	mk_text(&machine, "sys/firmware/efi/runtime-map/0/attribute", "0x800000000000000f\n");
}

/* --- which source ------------------------------------------------------------- */

static void memory_alone(void **state)
{
	(void)state;
	mk_memory(whole, NR_WHOLE);
	expect("3\n" IN_MEMORY "\n" HAZARD);
	mk_text(&machine, "dmesg", "Linux version 5.3.0\n");
	mk_runtime_map("0x6\n", "0x39a39000\n");
	expect("3\n" IN_MEMORY "\n" HAZARD);
	/* 32-bit firmware has the same descriptors. */
	struct efi_info info = info_of(NR_WHOLE);

	info.signature[2] = '3';
	info.signature[3] = '2';
	mk_info(info);
	expect("3\n" IN_MEMORY "\n" HAZARD);
}

static void memory_and_log(void **state)
{
	(void)state;
	mk_memory(whole, NR_WHOLE);
	mk_text(&machine, "dmesg", LINES);
	expect("3\n" IN_MEMORY ", as in the kernel's log\n" HAZARD);
	/* Half-lost, which is no matter then. */
	mk_text(&machine, "dmesg", strstr(LINES, "[    0.000000] efi: mem02"));
	expect("3\n" IN_MEMORY "\n" HAZARD);
	mk_text(&machine, "dmesg",
		"efi: mem00: type=7, attr=0xf, range=[0x100000-0x4200000) (65MB)\n"
		"efi: mem01: type=7, attr=0xf, range=[0x4200000-0x4400000) (2MB)\n");
	expect("3\n" IN_MEMORY "\n" HAZARD
	       "warning: mem01 of the EFI memory map is another one in the kernel's log than in "
	       "its memory: the map in memory is used\n");
}

/* What the kernel has done to it in the meantime. */
static void memory_with_marks(void **state)
{
	static const struct line marked[] = {
		{ 7, 0x100000, 0x4200000, 15 },
		{ 4, 0x4200000, 0x4400000, 0x800000000000000f },
		{ 7, 0x4400000, 0x39a39000, 15 },
		{ 0, 0x8000000, 0x39a39000, 0 },
		{ 6, 0x39a39000, 0x40000000, 0x800000000000000f },
	};

	(void)state;
	mk_memory(marked, 5);
	mk_text(&machine, "dmesg",
		"efi: mem00: type=7, attr=0xf, range=[0x100000-0x4200000) (65MB)\n"
		"efi: mem01: type=4, attr=0xf, range=[0x4200000-0x4400000) (2MB)\n"
		"efi: mem02: type=7, attr=0xf, range=[0x4400000-0x8000000) (60MB)\n"
		"efi: mem03: type=7, attr=0xf, range=[0x8000000-0x39a39000) (794MB)\n"
		"efi: mem04: type=6, attr=0x800000000000000f, range=[0x39a39000-0x40000000) (101MB)\n");
	expect("3\nEFI map    the running kernel's memory, 5 descriptors, as in the kernel's log\n" HAZARD);
}

static void log_alone(void **state)
{
	(void)state;
	mk_text(&machine, "dmesg", LINES);
	expect("3\nEFI map    the kernel's log, 4 descriptors\n" HAZARD);
	/* A map that is not shown, and one that cannot be. */
	mk_info(info_of(NR_WHOLE));
	expect("3\nEFI map    the kernel's log, 4 descriptors\n" HAZARD);
}

static void neither(void **state)
{
	static const struct line wild[] = { { 7, 0x100800, 0x4200800, 15 } };
	struct mk_kcore small = mk_kcore(0x1000000, RAM_AT, MAP_AT);
	struct efi_info info = info_of(NR_WHOLE);

	(void)state;
	mk_text(&machine, "dmesg", "Linux version 5.3.0\n");
	expect("1: " NO_LOG "; /sys/kernel/boot_params/data: no EFI memory map: the running kernel "
	       "was not started by EFI firmware, nor by a kexec that hands its map on\n");
	info.memdesc_version = 2;
	mk_info(info);
	expect("1: " NO_LOG
	       "; /sys/kernel/boot_params/data: EFI descriptors of version 2, not 1\n");
	mk_info(info_of(NR_WHOLE));
	expect("1: " NO_LOG "; /proc/kcore: No such file or directory\n");
	mk_file(&machine, "proc/kcore", &small, sizeof(small));
	expect("1: " NO_LOG
	       "; /proc/kcore does not show the EFI memory map at 0x3f772040: it shows System RAM, "
	       "and from Linux 6.1 on the EFI stub puts the map among ACPI tables; boot once with "
	       "efi=debug, so that the log has the map\n");
	mk_memory(wild, 1);
	expect("1: " NO_LOG
	       "; the running kernel's memory at 0x3f772040: no EFI memory map: descriptor 0 begins "
	       "at 0x100800, which is not at a page\n");
	mk_file(&machine, "sys/kernel/boot_params/data", NULL, 0);
	expect("1: " NO_LOG "; /sys/kernel/boot_params/data: No such file or directory\n");
}

static void checked_by_the_runtime_map(void **state)
{
	(void)state;
	mk_memory(whole, NR_WHOLE);
	/* Another type, another place: what lies there is no map of this machine. */
	mk_runtime_map("0x5\n", "0x39a39000\n");
	expect("1\nEFI map    /sys/firmware/efi/runtime-map, 1 descriptors\nVerdict    unknown\n"
	       "warning: /dmesg: No such file or directory; the running kernel's memory at "
	       "0x3f772040: not the EFI memory map: it lacks /sys/firmware/efi/runtime-map/0, "
	       "0x39a39000-0x40000000" PARTIAL);
}

static void after_a_kexec(void **state)
{
	(void)state;
	mk_runtime_map("0x6\n", "0x39a39000\n");
	mk_text(&machine, "dmesg", "Linux version 5.3.0\n");
	/* It is told by the map, and by what goes with it where that is not shown. */
	mk_memory(whole + 3, 1);
	expect("1\nEFI map    /sys/firmware/efi/runtime-map, 1 descriptors\nVerdict    unknown\n"
	       "warning: " NO_LOG "; " KEXECED PARTIAL);
	mk_memory(whole, NR_WHOLE);
	mk_text(&machine, "sys/kernel/boot_params/setup_data/0/type", "0x9\n");
	mk_text(&machine, "sys/kernel/boot_params/setup_data/1/type", "0x4\n");
	expect("1\nEFI map    /sys/firmware/efi/runtime-map, 1 descriptors\nVerdict    unknown\n"
	       "warning: " NO_LOG "; " KEXECED PARTIAL);
}

/* --- values of the kernel, and in their place ------------------------------------ */

static void values(void **state)
{
#define KERNEL(init_size, alignment, pref_address, load)                                          \
	"           init_size " init_size ", alignment " alignment ", pref_address " pref_address \
	", " load "\n"
#define WORST "where it is loaded is not known: the worst is taken"
	static const struct {
		const char *option, *line;
	} rows[] = {
		{ "--json", "\"init_size\":\"0x3000000\"" },
		{ "--handover", KERNEL("0x3000000", "0x200000", "0x1000000", WORST) },
		{ "--init-size=56820K", KERNEL("0x377d000", "0x200000", "0x1000000", WORST) },
		{ "--kernel-alignment=4M", KERNEL("0x3000000", "0x400000", "0x1000000", WORST) },
		{ "--pref-address=32M", KERNEL("0x3000000", "0x200000", "0x2000000", WORST) },
		{ "--load-address=0x3c881000",
		  KERNEL("0x3000000", "0x200000", "0x1000000", "loaded at 0x3c881000") },
	};
	static uint8_t image[MK_IMAGE_SIZE];
	char kernel[MK_PATH_MAX];

	(void)state;
	mk_image(image);
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	mk_path(&machine, "vmlinuz", kernel);
	mk_text(&machine, "dmesg", LINES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *const argv[] = { (char *)"kexec", (char *)"--audit-efi",
				       (char *)rows[i].option, kernel };
		char *text = run(machine.path, 4, argv, true);

		if (!strstr(text, rows[i].line))
			fail_msg("%s: %s", rows[i].option, text);
		free(text);
	}
}

/* --- captures ------------------------------------------------------------------- */

/* The whole of a file as the audit of it is, and of the machine. */
static void expect_same_of_capture(const char *warnings)
{
	char word[MK_PATH_MAX + 16], again[MK_PATH_MAX];
	char *const argv[] = { (char *)"kexec", word };
	char *text, *other;

	for (int i = 0; i < 2; i++) {
		mk_path(&machine, i ? "again.tar" : "m.tar", again);
		snprintf(word, sizeof(word), "--capture=%s", again);
		text = run(i ? tar : machine.path, 2, argv, true);
		assert_string_equal(text, warnings);
		free(text);
	}
	for (int json = 0; json < 2; json++) {
		text = audit(machine.path, json);
		for (int i = 0; i < 2; i++) {
			other = audit(i ? tar : again, json);
			assert_string_equal(text, other);
			free(other);
		}
		free(text);
	}
}

static bool has(const char *path, const char *what, size_t size)
{
	static char data[1 << 20];
	FILE *file = fopen(path, "r");
	size_t got;

	assert_non_null(file);
	got = fread(data, 1, sizeof(data), file);
	fclose(file);
	return memmem(data, got, what, size);
}

static void captured_memory(void **state)
{
	char *text;

	(void)state;
	mk_memory(whole, NR_WHOLE);
	mk_text(&machine, "dmesg",
		LINES
		"[    0.1] efi: EFI runtime memory map:\n"
		"[    0.1] efi: mem00: type=7, attr=0xf, range=[0x1000000-0x2000000) (16MB)\n");
	expect_same_of_capture("0\n");
	text = audit(tar, false);
	assert_string_equal(text, "3\n" IN_MEMORY ", as in the kernel's log\n" HAZARD);
	free(text);
	/* What is random in it stays where it is. */
	assert_true(has(tar, "facts/efi-memmap", 16));
	assert_false(has(tar, "\xc4\x5e\xe7\xc4", 4));
	assert_false(has(tar, "BETWEEN", 7));
	assert_true(has(tar, "\x39\xa3\x09", 3) || has(tar, "\x90\xa3\x39", 3));
}

static void captured_without(void **state)
{
	(void)state;
	mk_text(&machine, "dmesg", LINES);
	expect_same_of_capture("0\n");
	mk_info(info_of(NR_WHOLE));
	unlink(tar);
	mk_file(&machine, "again.tar", NULL, 0);
	expect_same_of_capture("0\n");
}

/* A capture that was made as no kexec makes it. */
static void mk_capture(const char *fact, size_t size, int unread, const char *lockdown)
{
	struct boot_params params = { .efi_info = info_of(NR_WHOLE) };
	struct capture capture = { 0 };
	struct mk_kcore kcore = mk_kcore(0x1000000, RAM_AT, 0x40000000);
	struct err err;

	capture_add_file(&capture, "sys/kernel/boot_params/data",
			 (struct bytes){ (const uint8_t *)&params, sizeof(params) });
	capture_add_file(&capture, "dmesg", (struct bytes){ (const uint8_t *)"x\n", 2 });
	if (fact)
		capture_add_file(&capture, "facts/efi-memmap",
				 (struct bytes){ (const uint8_t *)fact, size });
	if (unread)
		capture_add_unread(&capture, "proc/kcore", unread);
	else
		capture_add_file(&capture, "proc/kcore",
				 (struct bytes){ (const uint8_t *)&kcore, sizeof(kcore) });
	if (lockdown)
		capture_add_file(&capture, "sys/kernel/security/lockdown",
				 (struct bytes){ (const uint8_t *)lockdown, strlen(lockdown) });
	unlink(tar);
	assert_int_equal(capture_save(&capture, tar, &err), 0);
	capture_done(&capture);
}

static void captures_without_memory(void **state)
{
	static const char zeros[NR_WHOLE * DESC];
	static const char *const advice =
		", or boot once with efi=debug, so that the log has the map\n";
	const struct {
		const char *fact;
		size_t size;
		int unread;
		const char *lockdown, *why, *advice;
	} rows[] = {
		{ zeros, sizeof(zeros), 0, NULL,
		  "the running kernel's memory at 0x3f772040: no EFI memory map: none of 4 "
		  "descriptors is of memory\n",
		  "" },
		{ zeros, 40, 0, NULL, "/facts/efi-memmap: 40 bytes, the map has 192\n", "" },
		{ NULL, 0, 0, NULL, "the capture has no EFI memory map: one of this kexec has\n",
		  "" },
		{ NULL, 0, EACCES, NULL, "/proc/kcore: Permission denied: try as root", advice },
		{ NULL, 0, EPERM, "none [integrity] confidentiality\n",
		  "/proc/kcore: Operation not permitted: try as root", advice },
		{ NULL, 0, EPERM, "none integrity [confidentiality]\n",
		  "/proc/kcore: Operation not permitted: lockdown=confidentiality hides memory: "
		  "boot once with efi=debug, so that the log has the map\n",
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char wanted[1024], *text;

		mk_capture(rows[i].fact, rows[i].size, rows[i].unread, rows[i].lockdown);
		text = audit(tar, false);
		snprintf(wanted, sizeof(wanted), "1: %s; %s%s", NO_LOG, rows[i].why,
			 rows[i].advice);
		assert_string_equal(text, wanted);
		free(text);
	}
}

/* --- bad logs ----------------------------------------------------------------------- */

struct log_row {
	const char *name;
	void (*make)(void);
	/* What the audit says of it, behind the path and ": "; and warnings, in both forms. */
	const char *said;
};

static void put(const char *text)
{
	mk_text(&machine, "logs/log", text);
}

static void put_sparse(off_t size)
{
	put("");
	assert_int_equal(truncate(log_path, size), 0);
}

static void put_gzip(const char *text, size_t cut)
{
	char out[4096];
	z_stream stream = { 0 };

	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	stream.next_in = (Bytef *)text;
	stream.avail_in = (uInt)strlen(text);
	stream.next_out = (Bytef *)out;
	stream.avail_out = sizeof(out);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	mk_file(&machine, "logs/log", out, stream.total_out - cut);
	deflateEnd(&stream);
}

static void good(void)
{
	put(LINES);
}

static void interleaved(void)
{
	put("[    0.000000] efi: mem00: type=7, attr=0xf, range=[0x100000-0x4200000) (65MB)\n"
	    "[    0.000000] e820: update [mem 0x00000000-0x00000fff] usable ==> reserved\n"
	    "[    0.000000] efi: mem01: type=4, attr=0xf, range=[0x4200000-0x4400000) (2MB)\n"
	    "[    0.000000] efi: mem02: type=7, attr=0xf, range=[0x4400000-[    0.1] usb 1-1: new\n"
	    "[    0.000000] efi: mem03: type=6, attr=0x800000000000000f, range=[0x39a39000-0x40000000)\n");
}

static void duplicated(void)
{
	put(LINES LINES);
}

static void missing(void)
{
	put(strstr(LINES, "[    0.000000] efi: mem01"));
}

static void overlapping(void)
{
	put("efi: mem00: type=7, attr=0xf, range=[0x100000-0x4200000) (65MB)\n"
	    "efi: mem01: type=4, attr=0xf, range=[0x3200000-0x4400000) (2MB)\n"
	    "efi: mem02: type=7, attr=0xf, range=[0x4400000-0x39a39000) (854MB)\n");
}

static void of_two_boots(void)
{
	put(LINES "efi: mem00: type=7, attr=0xf, range=[0x100000-0x39a39000) (65MB)\n"
		  "efi: mem01: type=6, attr=0xf, range=[0x39a39000-0x40000000) (65MB)\n");
}

static void damaged(void)
{
	put("efi: mem00: type=7, attr=0xf, range=[0x100000-0x42\n");
}

static void of_arm64(void)
{
	put("[    0.000000] efi: EFI v2.70 by EDK II\n"
	    "[    0.000000] efi: Processing EFI memory map:\n"
	    "[    0.000000] efi:   0x000040000000-0x00004007ffff [Loader Data |   |  |WB|WT|WC|UC]\n");
}

static void of_bios(void)
{
	put("[    0.000000] Linux version 5.3.0\n"
	    "[    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable\n");
}

static void runtime_only(void)
{
	put("efi: EFI runtime memory map:\n"
	    "efi: mem00: type=6, attr=0x800000000000000f, range=[0x39a39000-0x40000000) (101MB)\n");
}

static void compressed(void)
{
	put_gzip(LINES, 0);
}

static void compressed_and_cut(void)
{
	put_gzip(LINES, 8);
}

static void junk(void)
{
	uint8_t bytes[65536];
	uint32_t seed = 1;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		seed = seed * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(seed >> 24);
	}
	mk_file(&machine, "logs/log", bytes, sizeof(bytes));
}

static void huge(void)
{
	put_sparse(10000000000);
}

static void archive(void)
{
	mk_capture(NULL, 0, 0, NULL);
	assert_int_equal(rename(tar, log_path), 0);
}

#define FOUND(descriptors) "3\nEFI map    %s, " descriptors " descriptors\n"
#define PLAIN		   "Verdict    hazard\n"
#define LACKS                                                                                     \
	" of the EFI memory map, or they are damaged: what they describe is taken for memory in " \
	"use\n"

static const struct log_row log_rows[] = {
	{ "good", good, FOUND("4") HAZARD },
	{ "interleaved", interleaved, FOUND("3") PLAIN "warning: %sthe log lacks mem02" LACKS },
	{ "duplicated", duplicated, FOUND("4") HAZARD },
	{ "missing", missing, FOUND("3") PLAIN "warning: %sthe log lacks mem00" LACKS },
	{ "overlapping", overlapping,
	  FOUND("3") PLAIN
	  "warning: %smem00 0x100000-0x4200000 and mem01 0x3200000-0x4400000 of the EFI "
	  "memory map overlap: memory is taken for free where all descriptors say so\n" },
	{ "of two boots", of_two_boots,
	  FOUND("2") PLAIN
	  "warning: %sthe log has EFI memory maps that differ, of several boots: the last "
	  "complete one is used\n" },
	{ "damaged", damaged,
	  "1: %severy line \"efi: memNN: ...\" of the EFI memory map is damaged (1)\n" },
	{ "arm64", of_arm64,
	  "1: %sthe EFI memory map in the log (\"efi:   0x...\") is of another architecture's "
	  "kernel: the audit knows those of x86\n" },
	{ "BIOS", of_bios, "1: %s" NO_LOG "\n" },
	{ "runtime only", runtime_only,
	  "1: %sthe log has only the runtime services' part of the EFI memory map: the lines \"efi: "
	  "mem00: ...\" of early boot are lost\n" },
	{ "gzip", compressed, FOUND("4") HAZARD },
	{ "gzip, cut", compressed_and_cut, "1: %sgzip: truncated at 0x92\n" },
	{ "junk", junk, "1: %s" NO_LOG "\n" },
	{ "10 GB", huge, "1: %smore than the 268435456 bytes that a log may have\n" },
};

/* Replaces each %s. */
static void fill_in(char *ret, size_t room, const char *text, const char *first, const char *next)
{
	size_t used = 0;

	ret[0] = '\0';
	for (; *text; text++) {
		if (text[0] == '%' && text[1] == 's') {
			used += (size_t)snprintf(ret + used, room - used, "%s", first);
			first = next;
			text++;
		} else {
			ret[used++] = *text;
			ret[used] = '\0';
		}
	}
}

static void bad_logs(void **state)
{
	char word[MK_PATH_MAX + 16], prefix[MK_PATH_MAX + 8], wanted[2048];
	char *const argv[] = { (char *)"kexec", word, VALUES };

	(void)state;
	snprintf(word, sizeof(word), "--audit-efi=%s", log_path);
	snprintf(prefix, sizeof(prefix), "%s: ", log_path);
	for (size_t i = 0; i < sizeof(log_rows) / sizeof(log_rows[0]); i++) {
		bool is_error = !strncmp(log_rows[i].said, "1: ", 3);
		char *text;

		print_message("%s\n", log_rows[i].name);
		log_rows[i].make();
		text = run(machine.path, 6, argv, false);
		fill_in(wanted, sizeof(wanted), log_rows[i].said, is_error ? prefix : log_path, "");
		assert_string_equal(text, wanted);
		free(text);
	}
	archive();
	snprintf(wanted, sizeof(wanted),
		 "1: %s: a tar archive, no log: a capture is read with --sysroot\n", log_path);
	char *text = run(machine.path, 6, argv, false);

	assert_string_equal(text, wanted);
	free(text);
}

/* --- fleets ---------------------------------------------------------------------------- */

/* One line for each entry, in the order of their names, and nothing else; the highest status. */
static void expect_fleet(const char *wanted)
{
	char word[MK_PATH_MAX + 16];
	char *const argv[] = { (char *)"kexec", (char *)"--audit-efi", word, VALUES };
	char *text;

	snprintf(word, sizeof(word), "--all=%s", logs);
	text = run(machine.path, 7, argv, true);
	assert_string_equal(text, wanted);
	free(text);
}

#define OVER                                                                                \
	"hazard: moved to 0x200000 (mem00), from there by head_64.S to 0x1000000, runs in " \
	"0x1000000-0x477d000, over mem01\n"

static void bad_logs_of_a_fleet(void **state)
{
	char wanted[2048], said[2000];

	(void)state;
	for (size_t i = 0; i < sizeof(log_rows) / sizeof(log_rows[0]); i++) {
		const char *row = log_rows[i].said;

		if (strncmp(row, "1: ", 3))
			continue;
		log_rows[i].make();
		fill_in(said, sizeof(said), row + 3, "", "");
		snprintf(wanted, sizeof(wanted), "1\nlog: error: %s", said);
		print_message("%s\n", log_rows[i].name);
		expect_fleet(wanted);
	}
}

static void mk_link(const char *to, const char *path)
{
	char full[MK_PATH_MAX];

	mk_path(&machine, path, full);
	assert_int_equal(symlink(to, full), 0);
}

/* All that can be in a directory; what leads out of it leads nowhere. */
static void a_fleet(void **state)
{
	char path[MK_PATH_MAX], other[MK_PATH_MAX];

	char nothing[MK_PATH_MAX + 64];

	(void)state;
	snprintf(nothing, sizeof(nothing), "1: %s: there is no log or capture in it\n", logs);
	expect_fleet(nothing);
	mk_memory(whole, NR_WHOLE);
	mk_text(&machine, "dmesg", "Linux version 5.3.0\n");
	expect_same_of_capture("0\n");
	mk_path(&machine, "logs/capture", path);
	assert_int_equal(rename(tar, path), 0);
	mk_text(&machine, "logs/directory/dmesg", LINES);
	mk_text(&machine, "logs/nothing/proc/iomem", "");
	mk_text(&machine, "logs/log.1", LINES);
	mk_text(&machine, "logs/log.2", "Linux version 5.3.0\n");
	mk_text(&machine, "outside", LINES);
	mk_link("../outside", "logs/up");
	mk_link(machine.path, "logs/root");
	mk_link("/log.1", "logs/inside");
	mk_path(&machine, "logs/pipe", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	/* Archives that are cut, and of somebody else. */
	mk_path(&machine, "again.tar", other);
	mk_path(&machine, "logs/short", path);
	assert_int_equal(rename(other, path), 0);
	assert_int_equal(truncate(path, 1124), 0);
	expect_fleet("3\n"
		     "capture: " OVER "directory: " OVER "inside: " OVER "log.1: " OVER
		     "log.2: error: " NO_LOG "\n"
		     "nothing: error: /dmesg: No such file or directory; "
		     "/sys/kernel/boot_params/data: No such file or directory\n"
		     "pipe: error: pipe: not a regular file\n"
		     "root: error: root: No such file or directory\n"
		     "short: error: entry number 2: Truncated tar archive\n"
		     "up: error: up: No such file or directory\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(memory_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_and_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_with_marks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(log_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(neither, set_up, tear_down),
		cmocka_unit_test_setup_teardown(checked_by_the_runtime_map, set_up, tear_down),
		cmocka_unit_test_setup_teardown(after_a_kexec, set_up, tear_down),
		cmocka_unit_test_setup_teardown(values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(captured_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(captured_without, set_up, tear_down),
		cmocka_unit_test_setup_teardown(captures_without_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_logs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_logs_of_a_fleet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_fleet, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
