/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "kexec/core/efimap_log.h"

#define LOST "what they describe is taken for memory in use"
#define NO_MAP                                                                                   \
	"no EFI memory map: x86 kernels print it (\"efi: mem00: ...\") when they are booted by " \
	"EFI firmware with efi=debug"

/* Reads a log; its warnings joined by newlines, or the error's text. */
static const char *read_log(const char *log, struct efi_map *ret)
{
	static char text[2400];
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct err err;

	text[0] = '\0';
	*ret = (struct efi_map){ 0 };
	if (efi_map_from_log((struct bytes){ (const uint8_t *)log, strlen(log) }, ret, &warnings,
			     &err)) {
		assert_int_equal(err.code, ERR_INPUT);
		assert_null(ret->desc);
		snprintf(text, sizeof(text), "%s", err.text);
		return text;
	}
	for (size_t i = 0; i < warnings.count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? "\n" : "",
			 warnings.text[i]);
	return text;
}

/* The map as text, "NUMBER TYPE ATTRIBUTE START PAGES;" for each descriptor. */
static const char *map_text(const struct efi_map *map)
{
	static char text[4000];

	text[0] = '\0';
	for (size_t i = 0; i < map->count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u %u %llx %llx %llx;",
			 map->desc[i].number, map->desc[i].type,
			 (unsigned long long)map->desc[i].attribute,
			 (unsigned long long)map->desc[i].phys,
			 (unsigned long long)map->desc[i].pages);
	return text;
}

static void expect(const char *log, const char *wanted, const char *said)
{
	struct efi_map map CLEANUP(efi_map_done) = { 0 };

	assert_string_equal(read_log(log, &map), said);
	assert_string_equal(map_text(&map), wanted);
}

/* --- forms ---------------------------------------------------------------- */

static void numeric_types(void **state)
{
	(void)state;
	expect("efi: mem00: type=7, attr=0xf, range=[0x0000000000000000-0x0000000000080000) (0MB)\n"
	       "efi: mem01: type=6, attr=0x800000000000000f, "
	       "range=[0x00000000f6dfb000-0x00000000f6e06000) (0MB)\n",
	       "0 7 f 0 80;1 6 800000000000000f f6dfb000 b;", "");
	expect("EFI: mem00: type=7, attr=0xf, range=[0x1000-0x3000) (0MB)", "0 7 f 1000 2;", "");
}

static void named_types(void **state)
{
	static const char *const names[][2] = {
		{ "Reserved", NULL },
		{ "Loader Code", NULL },
		{ "Loader Data", NULL },
		{ "Boot Code", NULL },
		{ "Boot Data", NULL },
		{ "Runtime Code", NULL },
		{ "Runtime Data", NULL },
		{ "Conventional", "Conventional Memory" },
		{ "Unusable", "Unusable Memory" },
		{ "ACPI Reclaim", "ACPI Reclaim Memory" },
		{ "ACPI Mem NVS", "ACPI Memory NVS" },
		{ "MMIO", "Memory Mapped I/O" },
		{ "MMIO Port", "MMIO Port Space" },
		{ "PAL Code", NULL },
		{ "Persistent", "Persistent Memory" },
		{ "Unaccepted", NULL },
	};
	char log[300], wanted[100];

	(void)state;
	for (unsigned int i = 0; i < 16; i++)
		for (int j = 0; j < 2 && names[i][j]; j++) {
			snprintf(log, sizeof(log),
				 "efi: mem00: [%-12s|   |WB] range=[0x1000-0x1fff] (0MB)\n"
				 "efi: mem01: [Conventional] range=[0x2000-0x2fff] (0MB)\n",
				 names[i][j]);
			snprintf(wanted, sizeof(wanted), "0 %u 8 1000 1;1 7 0 2000 1;", i);
			expect(log, wanted, "");
		}
	expect("efi: mem00: [type=16|attr=0x8000000000000000] range=[0x1000-0x1fff] (0MB)\n"
	       "efi: mem01: [Loader Data|attr=0x20] range=[0x2000-0x3000) (0MB)\n",
	       "0 16 8000000000000000 1000 1;1 2 20 2000 1;", "");
}

static void the_end_is_inside_or_not(void **state)
{
	(void)state;
	expect("efi: mem00: [Conventional|   |WB] range=[0x0-0xfff] (0MB)\n"
	       "efi: mem01: [Conventional|   |WB] range=[0x1000-0x2000) (0MB)\n",
	       "0 7 8 0 1;1 7 8 1000 1;", "");
}

static void every_flag(void **state)
{
	(void)state;
	expect("efi: mem00: [Conventional|RUN|HP|MR|CC|SP|NV|XP|RP|WP|RO|UCE|WB|WT|WC|UC] "
	       "range=[0x1000-0x1fff] (0MB)\n",
	       "0 7 80000000001ff01f 1000 1;", "");
	expect("efi: mem00: [Conventional|   |  |  |SP|  |  |  |  |  |   |WB|WT|WC|UC] "
	       "range=[0x1000-0x1fff] (0MB)\n",
	       "0 7 4000f 1000 1;", "");
}

static void prefixes(void **state)
{
	static const char *const prefix[] = {
		"",
		"[    0.000000] ",
		"<6>",
		"<6>[    0.000000] ",
		"Sep 25 13:36:02 host kernel: ",
		"Sep 25 13:36:02 host kernel: [    0.000000] ",
		"2019-09-25T13:36:02.123456+00:00 host kernel: ",
		"kernel: ",
		"6,123,0,-;",
		"> > kernel: ",
	};
	char log[200];

	(void)state;
	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		snprintf(log, sizeof(log),
			 "%sefi: mem00: type=7, attr=0xf, range=[0x1000-0x3000) (0MB)\n",
			 prefix[i]);
		expect(log, "0 7 f 1000 2;", "");
	}
}

static void wrapped_lines(void **state)
{
	(void)state;
	expect("kernel: efi: mem00: type=7, attr=0xf,\n"
	       "range=[0x0000000000000000-0x0000000000080000) (0MB)\n"
	       "kernel: efi: mem01: type=4, attr=0xf,\n"
	       "range=[0x0000000000080000-0x0000000000081000) (0MB)\n",
	       "0 7 f 0 80;1 4 f 80000 1;", "");
	expect("> efi: mem00: [Conventional|   |  |\r\n>   |WB] range=[0x1000-0x1fff] (0MB)\r\n",
	       "0 7 8 1000 1;", "");
	/* The next line is another descriptor's, whole. */
	expect("efi: mem00: type=7, attr=0xf,\n"
	       "efi: mem01: type=7, attr=0xf, range=[0x1000-0x2000) (0MB)\n",
	       "1 7 f 1000 1;",
	       "the log lacks mem00 of the EFI memory map, or they are damaged: " LOST);
}

static void other_lines(void **state)
{
	(void)state;
	expect("Linux version 5.3.0\n"
	       "efi: EFI v2.40 by Microsoft\n"
	       "efi: mem00: type=7, attr=0xf, range=[0x1000-0x2000) (0MB)\n"
	       "\n"
	       "ACPI: Early table checksum verification disabled\n"
	       "efi: Remove mem5: MMIO range=[0xe0000000-0xefffffff] (256MB) from e820 map\n"
	       "my_efi: mem01: type=0, attr=0xf, range=[0x1000-0x2000) (0MB)\n"
	       "efi: mem01: type=7, attr=0xf, range=[0x2000-0x3000) (0MB)\n",
	       "0 7 f 1000 1;1 7 f 2000 1;", "");
}

static void the_kernels_invalid_ones(void **state)
{
	(void)state;
	expect("efi: [Firmware Bug]: Invalid EFI memory map entries:\n"
	       "efi: mem01: [Reserved|   ] range=[0x0000000000000000-0x0000000000000000] (invalid)\n"
	       "efi: mem07: [Reserved|   ] range=[0x1000-0x10000000000000fff] (invalid)\n"
	       "efi: mem00: [Conventional|   |WB] range=[0x1000-0x1fff] (0MB)\n",
	       "0 7 8 1000 1;", "");
}

/* --- more or less than one map --------------------------------------------- */

#define MEM(number, type, start, end) \
	"efi: mem" number ": type=" type ", attr=0xf, range=[" start "-" end ") (0MB)\n"
#define RUNTIME(number, start, end) \
	"efi: mem" number ": type=5, attr=0x800000000000000f, range=[" start "-" end ") (0MB)\n"

static void twice_in_the_log(void **state)
{
	(void)state;
	/* By line, and as a whole. */
	expect(MEM("00", "7", "0x1000", "0x2000") MEM("00", "7", "0x1000", "0x2000")
		       MEM("01", "4", "0x2000", "0x3000") MEM("01", "4", "0x2000", "0x3000"),
	       "0 7 f 1000 1;1 4 f 2000 1;", "");
	expect(MEM("00", "7", "0x1000", "0x2000") MEM("01", "4", "0x2000", "0x3000")
		       MEM("00", "7", "0x1000", "0x2000") MEM("01", "4", "0x2000", "0x3000"),
	       "0 7 f 1000 1;1 4 f 2000 1;", "");
	/* One line of it again, as people quote it. */
	expect(MEM("00", "7", "0x1000", "0x2000") MEM("01", "7", "0x2000", "0x3000")
		       MEM("01", "7", "0x2000", "0x3000") "so\n" MEM("00", "7", "0x1000", "0x2000"),
	       "0 7 f 1000 1;", "");
}

static void the_last_complete_map_counts(void **state)
{
	(void)state;
	expect(MEM("00", "7", "0x1000", "0x2000") MEM("01", "4", "0x2000", "0x3000")
		       MEM("00", "7", "0x5000", "0x6000"),
	       "0 7 f 5000 1;",
	       "the log has EFI memory maps that differ, of several boots: the last complete one "
	       "is used");
	expect(MEM("00", "7", "0x1000", "0x2000") MEM("01", "4", "0x2000", "0x3000")
		       MEM("00", "7", "0x5000", "0x6000") MEM("02", "7", "0x7000", "0x8000"),
	       "0 7 f 1000 1;1 4 f 2000 1;",
	       "the log has EFI memory maps that differ, of several boots: the last complete one "
	       "is used");
	expect(MEM("01", "7", "0x1000", "0x2000") MEM("03", "4", "0x2000", "0x3000")
		       MEM("01", "7", "0x5000", "0x6000") MEM("02", "7", "0x7000", "0x8000"),
	       "1 7 f 5000 1;2 7 f 7000 1;",
	       "the log has EFI memory maps that differ, of several boots: the last one, which is "
	       "not complete, is used\n"
	       "the log lacks mem00 of the EFI memory map, or they are damaged: " LOST);
}

static void never_the_runtime_map(void **state)
{
	(void)state;
	expect(MEM("00", "7", "0x1000", "0x2000") "efi: EFI runtime memory map:\n" RUNTIME(
		       "00", "0x3000", "0x4000") MEM("01", "4", "0x2000", "0x3000"),
	       "0 7 f 1000 1;", "");
	expect(MEM("00", "7", "0x1000", "0x2000") RUNTIME("00", "0x3000", "0x4000"),
	       "0 7 f 1000 1;", "");
	/* A 32-bit firmware's has free memory in it. */
	expect(MEM("00", "7", "0x1000",
		   "0x2000") "efi: EFI runtime memory map:\n" MEM("00", "7", "0x3000", "0x4000"),
	       "0 7 f 1000 1;", "");
	expect("efi: EFI runtime memory map:\n" RUNTIME("00", "0x3000", "0x4000"), "",
	       "the log has only the runtime services' part of the EFI memory map: the lines "
	       "\"efi: mem00: ...\" of early boot are lost");
	expect(RUNTIME("00", "0x3000", "0x4000"), "",
	       "the log has only the runtime services' part of the EFI memory map: the lines "
	       "\"efi: mem00: ...\" of early boot are lost");
}

static void gaps(void **state)
{
	char log[6000] = "";
	struct efi_map map CLEANUP(efi_map_done) = { 0 };

	(void)state;
	expect(MEM("02", "7", "0x1000", "0x2000") MEM("03", "7", "0x2000", "0x3000")
		       MEM("05", "7", "0x5000", "0x6000") MEM("109", "7", "0x7000", "0x8000"),
	       "2 7 f 1000 1;3 7 f 2000 1;5 7 f 5000 1;109 7 f 7000 1;",
	       "the log lacks mem00 to mem01, mem04, mem06 to mem108 of the EFI memory map, or "
	       "they are damaged: " LOST);
	/* The last line is cut. */
	expect(MEM("00", "7", "0x1000", "0x2000") "efi: mem01: type=7, attr=0xf, range=[0x20",
	       "0 7 f 1000 1;",
	       "the log lacks mem01 of the EFI memory map, or they are damaged: " LOST);
	for (int i = 1; i < 120; i += 2)
		snprintf(log + strlen(log), sizeof(log) - strlen(log),
			 "efi: mem%02d: type=7, attr=0xf, range=[0x%x000-0x%x000)\n", i, i, i + 1);
	assert_non_null(strstr(read_log(log, &map), "mem78, mem80, mem82, ... of the EFI"));
	assert_int_equal(map.count, 60);
}

/* --- wrong lines ------------------------------------------------------------- */

static void damaged_lines(void **state)
{
	static const char *const lines[] = {
		"efi: mem00: type=7, attr=0xf, range=[0x1000-0x2000",
		"efi: mem00: type=7, attr=0xf, range=[0x1000-2000)",
		"efi: mem00: type=7, attr=0xf, range=[0x1000-0x2001)",
		"efi: mem00: type=7, attr=0xf, range=[0x1001-0x3000)",
		"efi: mem00: type=7, attr=0xf, range=[0x1000-0x2000]",
		"efi: mem00: type=7, attr=0xf, range=[0x3000-0x2000)",
		"efi: mem00: type=7, attr=0xf, range=[0x1000-0x10000000000000000)",
		"efi: mem00: type=7, attr=f, range=[0x1000-0x2000)",
		"efi: mem00: type=, attr=0xf, range=[0x1000-0x2000)",
		"efi: mem00: type=4294967296, attr=0xf, range=[0x1000-0x2000)",
		"efi: mem00: type=0x7, attr=0xf, range=[0x1000-0x2000)",
		"efi: mem00: type=7 range=[0x1000-0x2000)",
		"efi: mem00: [Conventiona|WB] range=[0x1000-0x2000)",
		"efi: mem00: [Conventional|QQ] range=[0x1000-0x2000)",
		"efi: mem00: [Conventional|attr=x] range=[0x1000-0x2000)",
		"efi: mem00: [type=|WB] range=[0x1000-0x2000)",
		"efi: mem00: [Conventional|WB range=[0x1000-0x2000)",
		"efi: mem00: [] range=[0x1000-0x2000)",
		"efi: mem00:",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		expect(lines[i], "",
		       "every line \"efi: memNN: ...\" of the EFI memory map is damaged (1)");
}

static void lines_that_are_none(void **state)
{
	static const char *const lines[] = {
		"",
		"\n\n",
		"efi: mem",
		"efi: mem: type=7, attr=0xf, range=[0x1000-0x2000)",
		"efi: memx0: type=7, attr=0xf, range=[0x1000-0x2000)",
		"efi: mem4294967295: type=7, attr=0xf, range=[0x1000-0x2000)",
		"efi: mem00 type=7, attr=0xf, range=[0x1000-0x2000)",
		"mem00: type=7, attr=0xf, range=[0x1000-0x2000)",
		"efi:   0x000040000000-0x00004007ffff",
		"efi:   0x000040000000 [Loader Data        |   |  |WB|WT|WC|UC]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		expect(lines[i], "", NO_MAP);
}

static void another_architecture(void **state)
{
	(void)state;
	expect("[    0.000000] efi: Processing EFI memory map:\n"
	       "[    0.000000] efi:   0x000040000000-0x00004007ffff [Loader Data |   |  |WB|WT|WC|UC]\n",
	       "",
	       "the EFI memory map in the log (\"efi:   0x...\") is of another architecture's "
	       "kernel: the audit knows those of x86");
	expect(MEM("00", "7", "0x1000", "0x2000") "efi:   0x1000-0x1fff [Reserved|]\n",
	       "0 7 f 1000 1;", "");
}

static void odd_ranges(void **state)
{
	(void)state;
	expect(MEM("00", "7", "0x0", "0x9000") MEM("01", "6", "0x3000", "0x4000")
		       MEM("02", "7", "0x8000", "0xa000"),
	       "0 7 f 0 9;1 6 f 3000 1;2 7 f 8000 2;",
	       "mem00 0x0-0x9000 and mem01 0x3000-0x4000 of the EFI memory map overlap: memory is "
	       "taken for free where all descriptors say so");
	expect(MEM("00", "7", "0x9000", "0xa000") MEM("01", "7", "0x1000", "0x1000")
		       MEM("02", "7", "0x10000000000000", "0x10000000001000"),
	       "0 7 f 9000 1;1 7 f 1000 0;2 7 f 10000000000000 1;",
	       "mem01 of the EFI memory map, 0 pages at 0x1000, is left out: no range of physical "
	       "memory");
	/* Not sorted is not odd: the firmware's order counts. */
	expect(MEM("00", "7", "0x9000", "0xa000") MEM("01", "0", "0x1000", "0x2000"),
	       "0 7 f 9000 1;1 0 f 1000 1;", "");
}

/* --- types --------------------------------------------------------------------- */

static void fates_of_types(void **state)
{
	static const bool is_free_after_exit[16] = {
		[1] = true, [2] = true, [3] = true, [4] = true, [7] = true
	};

	(void)state;
	for (uint32_t type = 0; type < 16; type++) {
		assert_int_equal(efi_type(type)->can_be_allocated, type == EFI_CONVENTIONAL);
		assert_int_equal(efi_type(type)->is_free_after_exit, is_free_after_exit[type]);
		assert_int_equal(efi_desc_is_free_after_exit(
					 &(struct efi_desc){ .type = type, .attribute = 15 }),
				 is_free_after_exit[type]);
		assert_false(efi_desc_is_free_after_exit(
			&(struct efi_desc){ .type = type, .attribute = 15 | EFI_MEMORY_SP }));
	}
	assert_false(efi_desc_is_free_after_exit(&(struct efi_desc){ .type = 16 }));
	assert_null(efi_type(16));
	assert_null(efi_type(UINT32_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numeric_types),
		cmocka_unit_test(named_types),
		cmocka_unit_test(the_end_is_inside_or_not),
		cmocka_unit_test(every_flag),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(wrapped_lines),
		cmocka_unit_test(other_lines),
		cmocka_unit_test(the_kernels_invalid_ones),
		cmocka_unit_test(twice_in_the_log),
		cmocka_unit_test(the_last_complete_map_counts),
		cmocka_unit_test(never_the_runtime_map),
		cmocka_unit_test(gaps),
		cmocka_unit_test(damaged_lines),
		cmocka_unit_test(lines_that_are_none),
		cmocka_unit_test(another_architecture),
		cmocka_unit_test(odd_ranges),
		cmocka_unit_test(fates_of_types),
	};

	return cmocka_run_group_tests_name("efimap-log", tests, NULL, NULL);
}
