/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "kexec/x86/efistub.h"
#include "tests/mk/image.h"

#define MIB UINT64_C(0x100000)

/* A descriptor: type, from, to, attribute. */
struct line {
	uint32_t type;
	phys_t start, end;
	uint64_t attribute;
};

/* The firmware has something at 66 MiB; free memory begins at 6.2 MiB, below 16 MiB. */
static const struct line hyperv[] = {
	{ 7, 0x0, 0x80000, 15 },	   { 4, 0x100000, 0x62a000, 15 },
	{ 7, 0x62a000, 0x4200000, 15 },	   { 4, 0x4200000, 0x462b000, 15 },
	{ 7, 0x462b000, 0x4800000, 15 },   { 2, 0x4800000, 0x7f7d000, 15 },
	{ 7, 0x7f7d000, 0x39a39000, 15 },  { 2, 0x39a39000, 0x40000000, 15 },
	{ 7, 0x40000000, 0x4263d000, 15 },
};

enum { NR_HYPERV = sizeof(hyperv) / sizeof(hyperv[0]) };

static struct efistub_start start_of(void)
{
	return (struct efistub_start){
		.footprint = { true, 2 * MIB, 16 * MIB, 0x377d000, 0xb00000 },
		.has_load = true,
		.load = 0x3c881000,
	};
}

/* Audits; *ret is the caller's to release. */
static void audit_lines(const struct line *lines, size_t count, const struct efistub_start *start,
			struct efistub_audit *ret)
{
	struct efi_map map CLEANUP(efi_map_done) = { 0 };
	struct err err = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct efi_desc desc = { .type = lines[i].type,
					 .phys = lines[i].start,
					 .pages = (lines[i].end - lines[i].start) / PAGE_SIZE_4K,
					 .attribute = lines[i].attribute,
					 .number = (uint32_t)i };

		assert_int_equal(efi_map_add(&map, desc, &err), 0);
	}
	*ret = (struct efistub_audit){ 0 };
	if (efistub_audit(&map, start, ret, &err))
		fail_msg("%s", err.text);
}

/* "VERDICT moved|stays IMAGE from DESC at OUTPUT over CONFLICTS bare UNDESCRIBED" */
static const char *era_text(const struct efistub_audit *audit, enum efistub_era era)
{
	static const char *const verdicts[] = { "safe", "unknown", "no-place", "hazard" };
	const struct efistub_outcome *outcome = &audit->era[era];
	static char text[400];
	size_t used;

	snprintf(text, sizeof(text), "%s", verdicts[outcome->verdict]);
	if (outcome->verdict == EFISTUB_NO_PLACE || outcome->verdict == EFISTUB_UNKNOWN)
		return text;
	used = strlen(text);
	used += (size_t)snprintf(text + used, sizeof(text) - used, " %s 0x%llx",
				 outcome->moves ? "moved" : "stays", PHYS(outcome->image));
	if (outcome->desc != EFISTUB_NONE)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " in %zu",
					 outcome->desc);
	used += (size_t)snprintf(text + used, sizeof(text) - used, " at 0x%llx-0x%llx",
				 PHYS(outcome->output.start), PHYS(outcome->output.end));
	for (size_t i = 0; i < outcome->nr_conflicts; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " over %zu",
					 outcome->conflict[i]);
	if (outcome->undescribed.end)
		snprintf(text + used, sizeof(text) - used, " bare 0x%llx-0x%llx",
			 PHYS(outcome->undescribed.start), PHYS(outcome->undescribed.end));
	return text;
}

static void expect(const struct line *lines, size_t count, const struct efistub_start *start,
		   const char *const era[EFISTUB_ERAS])
{
	struct efistub_audit audit CLEANUP(efistub_audit_done) = { 0 };

	audit_lines(lines, count, start, &audit);
	for (enum efistub_era i = 0; i < EFISTUB_ERAS; i++)
		assert_string_equal(era_text(&audit, i), era[i]);
}

/* --- the report on Hyper-V ------------------------------------------------- */

static void the_report(void **state)
{
	static const char *const eras[] = {
		"hazard moved 0x800000 in 2 at 0x1000000-0x477d000 over 3",
		"safe moved 0x4800000 in 4 at 0x4800000-0x7f7d000",
		"safe stays 0x3c881000 at 0x3ca00000-0x4017d000",
		"safe moved 0x4800000 in 4 at 0x4800000-0x8000000",
	};
	struct efistub_start start = start_of();
	struct efistub_audit audit CLEANUP(efistub_audit_done) = { 0 };

	(void)state;
	audit_lines(hyperv, NR_HYPERV, &start, &audit);
	assert_int_equal(audit.own_copy, 5);
	assert_int_equal(audit.not_at_preferred, EFISTUB_YES);
	assert_int_equal(audit.preferred_occupied, EFISTUB_YES);
	assert_int_equal(audit.room_below, EFISTUB_YES);
	for (enum efistub_era era = 0; era < EFISTUB_ERAS; era++)
		assert_string_equal(era_text(&audit, era), eras[era]);
	/* Candidates: below in the first era only; the own copy and its neighbours are one. */
	assert_int_equal(audit.era[EFISTUB_NO_FLOOR].nr_candidates, 2);
	assert_int_equal(audit.era[EFISTUB_NO_FLOOR].candidate[0].address, 0x800000);
	assert_int_equal(audit.era[EFISTUB_NO_FLOOR].candidate[1].address, 0x4800000);
	assert_int_equal(audit.era[EFISTUB_FLOOR].nr_candidates, 1);
	assert_int_equal(audit.era[EFISTUB_FLOOR].candidate[0].desc, 4);
	assert_int_equal(audit.era[EFISTUB_DECOMPRESSES].slots,
			 (0x39a39000 - 0x3800000 - 0x4800000) / (2 * MIB) + 1);
}

static void each_condition_alone_is_harmless(void **state)
{
	struct efistub_start start = start_of();
	struct line lines[NR_HYPERV];
	static const char *const free_there = "safe moved 0x1000000 at 0x1000000-0x477d000";

	(void)state;
	/* Loaded where it runs. */
	memcpy(lines, hyperv, sizeof(lines));
	lines[2].end = 0x1000000;
	lines[3] = (struct line){ 1, 0x1000000, 0x462b000, 15 };
	lines[4].end = 0x4780000;
	start.load = 0x1000000;
	for (enum efistub_era era = 0; era < EFISTUB_IN_PLACE; era++) {
		struct efistub_audit audit CLEANUP(efistub_audit_done) = { 0 };

		audit_lines(lines, NR_HYPERV, &start, &audit);
		assert_int_equal(audit.not_at_preferred, EFISTUB_NO);
		assert_string_equal(era_text(&audit, era),
				    "safe stays 0x1000000 at 0x1000000-0x477d000");
	}
	/* Room at pref_address. */
	start.load = 0x3c881000;
	memcpy(lines, hyperv, sizeof(lines));
	lines[3].type = 7;
	for (enum efistub_era era = 0; era < EFISTUB_IN_PLACE; era++) {
		struct efistub_audit audit CLEANUP(efistub_audit_done) = { 0 };

		audit_lines(lines, NR_HYPERV, &start, &audit);
		assert_int_equal(audit.preferred_occupied, EFISTUB_NO);
		assert_string_equal(era_text(&audit, era), free_there);
	}
	/* No room below. */
	memcpy(lines, hyperv, sizeof(lines));
	lines[2].start = 0x1200000;
	lines[1].end = 0x1200000;
	for (enum efistub_era era = 0; era < EFISTUB_IN_PLACE; era++) {
		struct efistub_audit audit CLEANUP(efistub_audit_done) = { 0 };

		audit_lines(lines, NR_HYPERV, &start, &audit);
		assert_int_equal(audit.room_below, EFISTUB_NO);
		assert_string_equal(era_text(&audit, era),
				    "safe moved 0x4800000 in 4 at 0x4800000-0x7f7d000");
	}
}

static void the_firmwares_order_counts(void **state)
{
	static const struct line lines[] = {
		{ 7, 0x8000000, 0x20000000, 15 },
		{ 4, 0x1000000, 0x1001000, 15 },
		{ 7, 0x200000, 0x1000000, 15 },
		{ 7, 0x1001000, 0x8000000, 15 },
	};
	static const char *const eras[] = {
		"safe moved 0x8000000 in 0 at 0x8000000-0x8400000",
		"safe moved 0x8000000 in 0 at 0x8000000-0x8400000",
		"safe moved 0x8000000 in 0 at 0x8000000-0x8400000",
		"safe moved 0x8000000 in 0 at 0x8000000-0x8400000",
	};
	struct efistub_start start = start_of();
	struct efistub_audit audit CLEANUP(efistub_audit_done) = { 0 };

	(void)state;
	start.footprint.init_size = start.footprint.wrapper_size = 4 * MIB;
	start.has_load = false;
	expect(lines, 4, &start, eras);
	/* There is room below all the same. */
	audit_lines(lines, 4, &start, &audit);
	assert_int_equal(audit.room_below, EFISTUB_YES);
	assert_int_equal(audit.not_at_preferred, EFISTUB_NOT_KNOWN);
}

/* --- what a stub takes ------------------------------------------------------- */

static void candidates_at_their_edges(void **state)
{
	static const char *const fits = "safe moved 0x2000000 in 0 at 0x2000000-0x2400000";
	struct efistub_start start = start_of();
	struct line line = { 7, 0x1fff000, 0x2400000, 15 };

	(void)state;
	start.footprint.init_size = start.footprint.wrapper_size = 4 * MIB;
	start.has_load = false;
	expect(&line, 1, &start, (const char *const[]){ fits, fits, fits, fits });
	line.end -= PAGE_SIZE_4K;
	expect(&line, 1, &start,
	       (const char *const[]){ "no-place", "no-place", "no-place", "no-place" });
	/* A size that is not whole pages takes whole ones. */
	start.footprint.init_size -= 1;
	expect(&line, 1, &start,
	       (const char *const[]){ "no-place", "no-place", "no-place", "no-place" });
	/* Page 0 is nobody's: from there on the first candidate is one alignment up. */
	start.footprint.init_size = 4 * MIB;
	line = (struct line){ 7, 0, 0x600000, 15 };
	expect(&line, 1, &start,
	       (const char *const[]){ "hazard moved 0x200000 in 0 at 0x1000000-0x1400000 bare "
				      "0x1000000-0x1400000",
				      "no-place", "no-place", "no-place" });
}

static void attributes_that_an_era_leaves_out(void **state)
{
	static const char *const low = "safe moved 0x2000000 in 0 at 0x2000000-0x2400000";
	static const char *const high = "safe moved 0x8000000 in 1 at 0x8000000-0x8400000";
	struct line lines[] = { { 7, 0x2000000, 0x4000000, EFI_MEMORY_SP },
				{ 7, 0x8000000, 0xa000000, 15 } };
	struct efistub_start start = start_of();

	(void)state;
	start.footprint.init_size = start.footprint.wrapper_size = 4 * MIB;
	start.has_load = false;
	expect(lines, 2, &start, (const char *const[]){ low, low, high, high });
	lines[0].attribute = EFI_MEMORY_HOT_PLUGGABLE;
	expect(lines, 2, &start, (const char *const[]){ low, low, low, high });
	lines[0].attribute = 15;
	lines[1].attribute = EFI_MEMORY_MORE_RELIABLE;
	expect(lines, 2, &start, (const char *const[]){ low, low, low, high });
	/* Unaccepted memory is nobody's to allocate. */
	lines[0].type = 15;
	expect(lines, 2, &start, (const char *const[]){ high, high, high, high });
}

static void when_an_image_stays(void **state)
{
	static const struct line lines[] = { { 1, 0xe00000, 0x6000000, 15 },
					     { 4, 0x6000000, 0x6001000, 15 },
					     { 7, 0x6001000, 0x20000000, 15 } };
	struct efistub_start start = start_of();
	struct efistub_audit audit CLEANUP(efistub_audit_done) = { 0 };

	(void)state;
	/* Where it was loaded less its setup sectors, rounded up: there it runs. */
	start.load = 0x2005000;
	start.setup_size = 0x5000;
	audit_lines(lines, 3, &start, &audit);
	assert_string_equal(era_text(&audit, EFISTUB_IN_PLACE),
			    "safe stays 0x2000000 at 0x2000000-0x577d000");
	efistub_audit_done(&audit);
	start.setup_size = 0x4000;
	audit_lines(lines, 3, &start, &audit);
	assert_string_equal(era_text(&audit, EFISTUB_IN_PLACE),
			    "safe stays 0x2001000 at 0x2200000-0x597d000");
	efistub_audit_done(&audit);
	/* The firmware gave it no room for that. */
	start.load = 0x3005000;
	audit_lines(lines, 3, &start, &audit);
	assert_string_equal(era_text(&audit, EFISTUB_IN_PLACE),
			    "hazard stays 0x3001000 at 0x3200000-0x697d000 over 1");
	efistub_audit_done(&audit);
	start.handover = true;
	audit_lines(lines, 3, &start, &audit);
	assert_string_equal(era_text(&audit, EFISTUB_IN_PLACE),
			    "safe moved 0x6200000 in 2 at 0x6200000-0x997d000");
	efistub_audit_done(&audit);
	start.handover = false;
	start.load = 0xf00000;
	audit_lines(lines, 3, &start, &audit);
	assert_string_equal(era_text(&audit, EFISTUB_IN_PLACE),
			    "safe stays 0xefc000 at 0x1000000-0x477d000");
	efistub_audit_done(&audit);
	start.load = 0xd00000;
	audit_lines(lines, 3, &start, &audit);
	assert_string_equal(era_text(&audit, EFISTUB_IN_PLACE),
			    "safe moved 0x6200000 in 2 at 0x6200000-0x997d000");
}

static void too_high_to_stay(void **state)
{
	static const phys_t LIMIT = UINT64_C(1) << 46;
	struct line lines[] = { { 7, 0x1000000, 0x20000000, 15 },
				{ 1, LIMIT - 64 * MIB, LIMIT + 64 * MIB, 15 } };
	struct efistub_start start = start_of();
	struct efistub_audit audit CLEANUP(efistub_audit_done) = { 0 };

	(void)state;
	start.footprint.init_size = start.footprint.wrapper_size = 4 * MIB;
	start.load = LIMIT - 4 * MIB;
	audit_lines(lines, 2, &start, &audit);
	assert_string_equal(era_text(&audit, EFISTUB_IN_PLACE),
			    "safe stays 0x3fffffc00000 at 0x3fffffc00000-0x400000000000");
	efistub_audit_done(&audit);
	start.load += 2 * MIB;
	audit_lines(lines, 2, &start, &audit);
	assert_string_equal(era_text(&audit, EFISTUB_IN_PLACE),
			    "safe moved 0x1000000 at 0x1000000-0x1400000");
}

static void the_own_copy(void **state)
{
	struct efistub_start start = start_of();
	struct line lines[NR_HYPERV];
	static const struct {
		uint32_t type;
		phys_t start, end;
		bool is_own;
	} cases[] = {
		{ 2, 0x4800000, 0x7f7d000, true },  { 1, 0x4800000, 0x7f7d000, true },
		{ 2, 0x4800000, 0x7f7e000, false }, { 2, 0x4800000, 0x7f7c000, false },
		{ 2, 0x4801000, 0x7f7e000, false }, { 4, 0x4800000, 0x7f7d000, false },
		{ 0, 0x4800000, 0x7f7d000, false }, { 1, 0x4800000, 0x8000000, true },
		{ 1, 0x4800000, 0x8200000, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct efistub_audit audit CLEANUP(efistub_audit_done) = { 0 };

		memcpy(lines, hyperv, sizeof(lines));
		lines[5].type = cases[i].type;
		lines[5].start = cases[i].start;
		lines[5].end = cases[i].end;
		lines[6].start = cases[i].end;
		audit_lines(lines, NR_HYPERV, &start, &audit);
		assert_int_equal(audit.own_copy, cases[i].is_own ? 5 : EFISTUB_NONE);
	}
	/* The size after decompression, where it is known. */
	start.decompressed_size = 0x31ff001;
	memcpy(lines, hyperv, sizeof(lines));
	lines[5].end = lines[6].start = 0x7a00000;
	struct efistub_audit audit CLEANUP(efistub_audit_done) = { 0 };

	audit_lines(lines, NR_HYPERV, &start, &audit);
	assert_int_equal(audit.own_copy, 5);
	assert_string_equal(era_text(&audit, EFISTUB_DECOMPRESSES),
			    "safe moved 0x1000000 in 2 at 0x1000000-0x4200000");
}

static void its_own_load_is_in_use(void **state)
{
	static const struct line lines[] = { { 7, 0x1000000, 0x8000000, 15 } };
	struct efistub_start start = start_of();
	struct efistub_audit audit CLEANUP(efistub_audit_done) = { 0 };

	(void)state;
	start.footprint.init_size = 16 * MIB;
	start.load = 0x1801800;
	start.footprint.wrapper_size = 0x10000;
	start.setup_size = 0x1000;
	audit_lines(lines, 1, &start, &audit);
	/* [0x1800000, 0x1812000) is taken. */
	assert_int_equal(audit.preferred_occupied, EFISTUB_YES);
	assert_int_equal(audit.era[EFISTUB_NO_FLOOR].candidate[0].address, 0x1a00000);
	assert_int_equal(audit.era[EFISTUB_NO_FLOOR].nr_candidates, 1);
}

static void a_part_of_the_map_says_nothing(void **state)
{
	static const struct line lines[] = { { 6, 0x2000000, 0x3000000, EFI_MEMORY_RUNTIME } };
	struct efistub_start start = start_of();
	struct efistub_audit audit CLEANUP(efistub_audit_done) = { 0 };

	(void)state;
	start.partial = true;
	audit_lines(lines, 1, &start, &audit);
	for (enum efistub_era era = 0; era < EFISTUB_ERAS; era++)
		assert_string_equal(era_text(&audit, era), "unknown");
	assert_int_equal(audit.preferred_occupied, EFISTUB_YES);
	assert_int_equal(audit.room_below, EFISTUB_NOT_KNOWN);
	efistub_audit_done(&audit);
	start.footprint.pref_address = 0x3000000;
	audit_lines(lines, 1, &start, &audit);
	assert_int_equal(audit.preferred_occupied, EFISTUB_NOT_KNOWN);
}

static void outside_of_physical_memory(void **state)
{
	struct efi_map map = { 0 };
	struct efistub_start start = start_of();
	struct efistub_audit audit = { 0 };
	struct err err;

	(void)state;
	start.load = PHYS_LIMIT - PAGE_SIZE_4K;
	assert_int_equal(efistub_audit(&map, &start, &audit, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_string_equal(err.text,
			    "a kernel loaded at 0xffffffffff000 does not lie in physical memory");
	start.load = PHYS_LIMIT - 0xb00000;
	start.footprint.pref_address = start.load;
	assert_int_equal(efistub_audit(&map, &start, &audit, &err), -1);
	assert_string_equal(err.text, "a kernel at 0xfffffff500000, of init_size 0x377d000, does "
				      "not lie in physical memory");
	assert_null(audit.era[0].candidate);
}

/* --- whose era an image is of -------------------------------------------------- */

static void eras_of_images(void **state)
{
	enum { OLD = 1, FIXED = 2, PLACE = 4, DECOMP = 8, ALL = 15 };
	enum { SIZE = 0x377d000 };
	static const struct {
		uint32_t pe_size;
		uint16_t protocol;
		const char *version;
		unsigned int eras;
	} cases[] = {
		{ SIZE, 0x20d, "4.18.0-80.el8", OLD | FIXED },
		{ SIZE, 0x20d, "5.3.18", OLD | FIXED },
		{ SIZE, 0x20d, "5.4.0-rc8", FIXED },
		{ SIZE, 0x20f, "5.6.19", FIXED },
		{ SIZE, 0x20f, "", OLD | FIXED },
		{ SIZE, 0x20f, "my kernel", OLD | FIXED },
		/* The stub is not the one of that version. */
		{ SIZE, 0x20f, "5.10.0", OLD | FIXED },
		{ SIZE + 0x200000, 0x20f, "5.7.0", PLACE },
		{ SIZE + 0x200000, 0x20f, "6.1.0-9-amd64", PLACE },
		{ SIZE + 0x200000, 0x20f, "6.5.13", PLACE },
		{ SIZE + 0x200000, 0x20f, "6.6.0", DECOMP },
		{ SIZE + 0x200000, 0x20f, "", PLACE | DECOMP },
		{ SIZE + 0x200000, 0x20d, "4.18.0-553.el8", PLACE | DECOMP },
		{ 0xb79000, 0x20f, "6.12.117", DECOMP },
		{ 0xb79000, 0x20f, "6.1.0-50-amd64", DECOMP },
		{ 0xb79000, 0x20f, "", DECOMP },
		{ 0x700000, 0x20c, "3.10.0-1160.el7", OLD | FIXED },
		{ SIZE + 0x1000, 0x20f, "", ALL },
		{ SIZE + 0x1000, 0x20f, "5.15.0", PLACE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static uint8_t bytes[MK_IMAGE_SIZE];
		struct setup_header *header = mk_image(bytes);
		struct bzimage image;
		struct err err;

		header->init_size = SIZE;
		header->version = cases[i].protocol;
		put_u32(bytes + MK_IMAGE_SIZE_OF_IMAGE_AT, cases[i].pe_size);
		strcpy((char *)bytes + MK_IMAGE_VERSION_AT, cases[i].version);
		assert_int_equal(
			bzimage_parse((struct bytes){ bytes, sizeof(bytes) }, &image, &err), 0);
		assert_int_equal(image.pe_image_size, cases[i].pe_size);
		assert_int_equal(image.setup_size, MK_IMAGE_SETUP_SIZE);
		if (efistub_eras(&image) != cases[i].eras)
			fail_msg("case %zu: eras %u", i, efistub_eras(&image));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_report),
		cmocka_unit_test(each_condition_alone_is_harmless),
		cmocka_unit_test(the_firmwares_order_counts),
		cmocka_unit_test(candidates_at_their_edges),
		cmocka_unit_test(attributes_that_an_era_leaves_out),
		cmocka_unit_test(when_an_image_stays),
		cmocka_unit_test(too_high_to_stay),
		cmocka_unit_test(the_own_copy),
		cmocka_unit_test(its_own_load_is_in_use),
		cmocka_unit_test(a_part_of_the_map_says_nothing),
		cmocka_unit_test(outside_of_physical_memory),
		cmocka_unit_test(eras_of_images),
	};

	return cmocka_run_group_tests_name("efistub", tests, NULL, NULL);
}
