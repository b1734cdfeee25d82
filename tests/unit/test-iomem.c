/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/iomem.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void parse(const char *text, struct iomem *ret)
{
	struct err err = { 0 };

	if (iomem_parse((struct bytes){ (const uint8_t *)text, strlen(text) }, ret, &err))
		fail_msg("%s", err.text);
}

static void assert_refused(const char *text, const char *sentence)
{
	struct iomem iomem = { .count = 7 };
	struct err err = { 0 };

	assert_int_equal(
		iomem_parse((struct bytes){ (const uint8_t *)text, strlen(text) }, &iomem, &err),
		-1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_string_equal(err.text, sentence);
	assert_int_equal(iomem.count, 7);
	assert_null(iomem.entry);
}

static void assert_set(const struct range_set *set, const struct range *expected, size_t count)
{
	assert_int_equal(set->count, count);
	for (size_t i = 0; i < count; i++)
		if (set->range[i].start != expected[i].start ||
		    set->range[i].end != expected[i].end)
			fail_msg("range %zu is " PHYS_FMT "-" PHYS_FMT, i,
				 PHYS(set->range[i].start), PHYS(set->range[i].end));
}

static void assert_ram(const char *text, const struct range *expected, size_t count)
{
	struct iomem iomem CLEANUP(iomem_done) = { 0 };
	struct range_set ram CLEANUP(range_set_done) = { 0 };
	struct err err = { 0 };

	parse(text, &iomem);
	assert_int_equal(iomem_system_ram(&iomem, RANGE_ALL, &ram, &err), 0);
	assert_set(&ram, expected, count);
}

static const char small_machine[] = "00000000-00000fff : Reserved\n"
				    "00001000-0009fbff : System RAM\n"
				    "0009fc00-0009ffff : Reserved\n"
				    "000f0000-000fffff : Reserved\n"
				    "  000f0000-000fffff : System ROM\n"
				    "00100000-3ffdffff : System RAM\n"
				    "  29800000-2a601ef1 : Kernel code\n"
				    "  2b200000-2b445dff : Kernel data\n"
				    "b0000000-bfffffff : PCI MMCONFIG 0000 [bus 00-ff]\n"
				    "  b0000000-bfffffff : Reserved\n"
				    "    b0000000-bfffffff : pnp 00:04\n"
				    "fd00000000-ffffffffff : Reserved\n";

static void entries_come_with_depth_and_parent(void **state)
{
	static const struct {
		struct range range;
		unsigned int depth;
		size_t parent;
		const char *name;
	} rows[] = {
		{ { 0, 0x1000 }, 0, 0, "Reserved" },
		{ { 0x1000, 0x9fc00 }, 0, 1, "System RAM" },
		{ { 0x9fc00, 0xa0000 }, 0, 2, "Reserved" },
		{ { 0xf0000, 0x100000 }, 0, 3, "Reserved" },
		{ { 0xf0000, 0x100000 }, 1, 3, "System ROM" },
		{ { 0x100000, 0x3ffe0000 }, 0, 5, "System RAM" },
		{ { 0x29800000, 0x2a601ef2 }, 1, 5, "Kernel code" },
		{ { 0x2b200000, 0x2b445e00 }, 1, 5, "Kernel data" },
		{ { 0xb0000000, 0xc0000000 }, 0, 8, "PCI MMCONFIG 0000 [bus 00-ff]" },
		{ { 0xb0000000, 0xc0000000 }, 1, 8, "Reserved" },
		{ { 0xb0000000, 0xc0000000 }, 2, 9, "pnp 00:04" },
		{ { 0xfd00000000, 0x10000000000 }, 0, 11, "Reserved" },
	};
	struct iomem iomem CLEANUP(iomem_done) = { 0 };

	(void)state;
	parse(small_machine, &iomem);
	assert_false(iomem.zeroed);
	assert_int_equal(iomem.count, LENGTH(rows));
	for (size_t i = 0; i < LENGTH(rows); i++) {
		assert_true(iomem.entry[i].range.start == rows[i].range.start);
		assert_true(iomem.entry[i].range.end == rows[i].range.end);
		assert_int_equal(iomem.entry[i].depth, rows[i].depth);
		assert_int_equal(iomem.entry[i].parent, rows[i].parent);
		assert_string_equal(iomem.entry[i].name, rows[i].name);
	}
}

static void the_form_may_vary_a_little(void **state)
{
	struct iomem iomem CLEANUP(iomem_done) = { 0 };

	(void)state;
	/* One digit and sixteen, capitals, a name with blanks and colons, no last newline. */
	parse("1-F : a\n000000000000abcd-000000000000ABCE :  b : c \n1f-2f : ", &iomem);
	assert_int_equal(iomem.count, 3);
	assert_true(iomem.entry[0].range.start == 1 && iomem.entry[0].range.end == 0x10);
	assert_true(iomem.entry[1].range.start == 0xabcd && iomem.entry[1].range.end == 0xabcf);
	assert_string_equal(iomem.entry[1].name, " b : c ");
	assert_string_equal(iomem.entry[2].name, "");
	iomem_done(&iomem);
	parse("", &iomem);
	assert_int_equal(iomem.count, 0);
	assert_false(iomem.zeroed);
}

static void malformed_lines_are_named(void **state)
{
	static const struct {
		const char *text, *sentence;
	} rows[] = {
		{ "\n", "line 1: \"\" is not START-END : NAME" },
		{ "00000000-00000fff : Reserved\n\n", "line 2: \"\" is not START-END : NAME" },
		{ "garbage", "line 1: \"garbage\" is not START-END : NAME" },
		{ "1000-2000: x\n", "line 1: \"1000-2000: x\" is not START-END : NAME" },
		{ "1000-2000 :x\n", "line 1: \"1000-2000 :x\" is not START-END : NAME" },
		{ "1000-2000 :x : y\n", "line 1: \"1000-2000 :x : y\" is not START-END : NAME" },
		{ "1000-2000 :", "line 1: \"1000-2000 :\" is not START-END : NAME" },
		{ "1000- : x-y\n", "line 1: \"1000- : x-y\" is not START-END : NAME" },
		{ "1000: 2-3 : x\n", "line 1: \"1000: 2-3 : x\" is not START-END : NAME" },
		{ "1000 2000 : a-b\n", "line 1: \"1000 2000 : a-b\" is not START-END : NAME" },
		{ "10002000 : x\n", "line 1: \"10002000 : x\" is not START-END : NAME" },
		{ "1000-2000\n", "line 1: \"1000-2000\" is not START-END : NAME" },
		{ "1-2 : a\n  ", "line 2: \"  \" is not START-END : NAME" },
		{ "1000-2000 : a\r\n-", "line 2: \"-\" is not START-END : NAME" },
		{ "-2000 : x\n", "line 1: \"-2000 : x\" is not START-END : NAME" },
		{ "1000- : x\n", "line 1: \"1000- : x\" is not START-END : NAME" },
		{ "0x1000-0x2000 : x\n", "line 1: \"0x1000-0x2000 : x\" is not START-END : NAME" },
		{ "1000-2g00 : x\n", "line 1: \"1000-2g00 : x\" is not START-END : NAME" },
		{ "00000000000000001-2 : x\n",
		  "line 1: \"00000000000000001-2 : x\" is not START-END : NAME" },
		{ "\t1000-2000 : x\n", "line 1: \"?1000-2000 : x\" is not START-END : NAME" },
		{ "00001000-00000fff : Reserved\n",
		  "line 1: 0x1000-0xfff: the end lies below the start" },
		{ "1-2 : a\n  2-1 : b\n", "line 2: 0x2-0x1: the end lies below the start" },
		{ "  1-2 : a\n",
		  "line 1: \"  1-2 : a\": an indentation of 2, where an even one of at most 0 is "
		  "possible" },
		{ "1-2 : a\n 1-2 : b\n",
		  "line 2: \" 1-2 : b\": an indentation of 1, where an even one of at most 2 is "
		  "possible" },
		{ "1-2 : a\n  1-2 : b\n      1-2 : c\n",
		  "line 3: \"      1-2 : c\": an indentation of 6, where an even one of at most 4 "
		  "is possible" },
		{ "1-2 : a\n  1-2 : b\n1-2 : c\n    1-2 : d\n",
		  "line 4: \"    1-2 : d\": an indentation of 4, where an even one of at most 2 is "
		  "possible" },
		{ "fffffffffffff-10000000000000 : System RAM\n",
		  "line 1: 0xfffffffffffff-0x10000000000000: memory past the end of physical "
		  "memory, 0x10000000000000" },
		{ "100000000-ffffffffffffffff : system ram (kmem)\n",
		  "line 1: 0x100000000-0xffffffffffffffff: memory past the end of physical memory, "
		  "0x10000000000000" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++)
		assert_refused(rows[i].text, rows[i].sentence);
}

static void long_garbage_is_cut(void **state)
{
	char text[4000], sentence[200];

	(void)state;
	memset(text, 'z', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	snprintf(sentence, sizeof(sentence), "line 1: \"%.80s\" is not START-END : NAME", text);
	assert_refused(text, sentence);
}

static void bottomless_nesting_is_refused(void **state)
{
	struct buf text CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };
	struct iomem iomem CLEANUP(iomem_done) = { 0 };

	(void)state;
	for (int depth = 0; depth < 100; depth++) {
		char line[300];
		int length = snprintf(line, sizeof(line), "%*s1-2 : x\n", 2 * depth, "");

		assert_int_equal(buf_append(&text, line, (size_t)length, &err), 0);
	}
	assert_int_equal(iomem_parse(buf_bytes(&text), &iomem, &err), -1);
	assert_non_null(strstr(err.text, "line 66: "));
	assert_non_null(strstr(err.text,
			       "an indentation of 130, where an even one of at most 128 is "
			       "possible"));
}

static void windows_past_the_end_are_cut_or_left_out(void **state)
{
	struct iomem iomem CLEANUP(iomem_done) = { 0 };

	(void)state;
	parse("ffffffff00000-ffffffffffffffff : PCI Bus 0000:00\n"
	      "  fffffffffffff-fffffffffffff : last\n"
	      "10000000000000-ffffffffffffffff : PCI Bus 0000:80\n"
	      "  10000000000000-10000000000fff : 0000:80:00.0\n"
	      "    10000000000000-10000000000fff : nvme\n"
	      "ffffffffffffffff-ffffffffffffffff : end\n"
	      "10000000000000-10000000000fff : System RAM\n",
	      &iomem);
	assert_int_equal(iomem.count, 2);
	assert_true(iomem.entry[0].range.start == UINT64_C(0xffffffff00000));
	assert_true(iomem.entry[0].range.end == PHYS_LIMIT);
	assert_true(iomem.entry[1].range.start == PHYS_LIMIT - 1);
	assert_true(iomem.entry[1].range.end == PHYS_LIMIT);
	assert_int_equal(iomem.entry[1].parent, 0);
}

static void children_of_what_was_left_out_find_a_parent(void **state)
{
	struct iomem iomem CLEANUP(iomem_done) = { 0 };

	(void)state;
	/* No kernel prints these; the parser must not loop or look past its entries. */
	parse("10000000000000-10000000000fff : out\n"
	      "  1000-1fff : a\n"
	      "  2000-2fff : b\n"
	      "    10000000000000-10000000000fff : out\n"
	      "      2000-2fff : c\n"
	      "    2000-2fff : d\n"
	      "  3000-3fff : e\n",
	      &iomem);
	assert_int_equal(iomem.count, 5);
	assert_int_equal(iomem.entry[0].parent, 0);
	assert_int_equal(iomem.entry[1].parent, 1);
	assert_int_equal(iomem.entry[2].parent, 1);
	assert_int_equal(iomem.entry[2].depth, 3);
	assert_int_equal(iomem.entry[3].parent, 1);
	assert_int_equal(iomem.entry[4].parent, 4);
}

static void hidden_addresses_are_told_from_an_empty_file(void **state)
{
	struct iomem iomem CLEANUP(iomem_done) = { 0 };
	struct range_set ram CLEANUP(range_set_done) = { 0 };
	struct err err;

	(void)state;
	parse("00000000-00000000 : Reserved\n"
	      "00000000-00000000 : System RAM\n"
	      "  00000000-00000000 : Kernel code\n",
	      &iomem);
	assert_true(iomem.zeroed);
	assert_int_equal(iomem.count, 0);
	assert_int_equal(iomem_system_ram(&iomem, RANGE_ALL, &ram, &err), 0);
	assert_int_equal(ram.count, 0);
	iomem_done(&iomem);
	assert_false(iomem.zeroed);

	/* One byte at 0 may be real where another entry is. */
	parse("0-0 : dma\n  0-0 : page\n1000-1fff : System RAM\n", &iomem);
	assert_false(iomem.zeroed);
	assert_int_equal(iomem.count, 3);
	iomem_done(&iomem);
	parse("0-1 : dma\n", &iomem);
	assert_false(iomem.zeroed);
	assert_int_equal(iomem.count, 1);
}

static void ram_of_a_small_machine(void **state)
{
	static const struct range ram[] = { { 0x1000, 0x9fc00 }, { 0x100000, 0x3ffe0000 } };

	(void)state;
	assert_ram(small_machine, ram, LENGTH(ram));
}

static void what_lies_deeper_has_the_last_word(void **state)
{
	static const struct range holes[] = { { 0x1000, 0x2000 },
					      { 0x3000, 0x4000 },
					      { 0x5000, 0x6000 },
					      { 0x7000, 0x8000 },
					      { 0x9000, 0xa000 } };
	static const struct range inner[] = { { 0x2000, 0x3000 }, { 0x4000, 0x6000 } };
	static const struct range plain[] = { { 0x1000, 0x9000 } };

	(void)state;
	assert_ram("1000-9fff : System RAM\n"
		   "  2000-2fff : reserved\n"
		   "  4000-4fff : Soft Reserved\n"
		   "  6000-6fff : something\n"
		   "    6000-6fff : Reserved\n"
		   "  8000-8fff : Persistent Memory\n",
		   holes, LENGTH(holes));
	assert_ram("1000-8fff : Reserved\n"
		   "  2000-5fff : System RAM\n"
		   "    3000-3fff : RESERVED\n",
		   inner, LENGTH(inner));
	assert_ram("1000-8fff : PCI Bus 0000:00\n"
		   "  2000-2fff : System RAM\n"
		   "  4000-5fff : System RAM\n",
		   inner, LENGTH(inner));
	assert_ram("1000-8fff : Soft Reserved\n"
		   "  2000-5fff : dax0.0\n"
		   "    2000-5fff : SYSTEM RAM\n"
		   "      3000-3fff : ACPI Tables\n",
		   inner, LENGTH(inner));
	assert_ram("1000-8fff : System RAM\n"
		   "  2000-2fff : Kernel code\n"
		   "  3000-3fff : Crash kernel\n"
		   "  4000-4fff : RAM buffer\n",
		   plain, LENGTH(plain));
}

static void memory_of_drivers_is_no_ram(void **state)
{
	static const struct range ram[] = { { 0x1000, 0x2000 } };

	(void)state;
	assert_ram("1000-1fff : System RAM\n"
		   "2000-2fff : System RAM (kmem)\n"
		   "3000-3fff : Soft Reserved\n"
		   "4000-4fff : RAM buffer\n"
		   "5000-8fff : Persistent Memory\n"
		   "  6000-6fff : namespace0.0\n"
		   "  7000-7fff : System RAM (virtio_mem)\n",
		   ram, LENGTH(ram));
	assert_ram("1000-2fff : System RAM\n  2000-2fff : System RAM (kmem)\n", ram, LENGTH(ram));
}

static void finding_by_name(void **state)
{
	static const struct range reserved[] = { { 0, 0x1000 },
						 { 0x9fc00, 0xa0000 },
						 { 0xf0000, 0x100000 },
						 { 0xb0000000, 0xc0000000 },
						 { 0xfd00000000, 0x10000000000 } };
	struct iomem iomem CLEANUP(iomem_done) = { 0 };
	struct range_set found CLEANUP(range_set_done) = { 0 };
	struct range_set none CLEANUP(range_set_done) = { 0 };
	struct err err;

	(void)state;
	parse(small_machine, &iomem);
	assert_int_equal(iomem_find(&iomem, "rESERVED", &found, &err), 0);
	assert_set(&found, reserved, LENGTH(reserved));
	assert_int_equal(iomem_find(&iomem, "Kernel", &none, &err), 0);
	assert_int_equal(none.count, 0);
}

static void the_innermost_name(void **state)
{
	struct iomem iomem CLEANUP(iomem_done) = { 0 };

	(void)state;
	parse(small_machine, &iomem);
	assert_string_equal(iomem_name_at(&iomem, 0), "Reserved");
	assert_string_equal(iomem_name_at(&iomem, 0xfff), "Reserved");
	assert_string_equal(iomem_name_at(&iomem, 0x1000), "System RAM");
	assert_string_equal(iomem_name_at(&iomem, 0xf8000), "System ROM");
	assert_string_equal(iomem_name_at(&iomem, 0x2a601ef1), "Kernel code");
	assert_string_equal(iomem_name_at(&iomem, 0x2a601ef2), "System RAM");
	assert_string_equal(iomem_name_at(&iomem, 0xb0000000), "pnp 00:04");
	assert_null(iomem_name_at(&iomem, 0xa0000));
	assert_null(iomem_name_at(&iomem, 0x3ffe0000));
	assert_null(iomem_name_at(&iomem, UINT64_MAX));
}

static void assert_crash(const char *text, struct range expected_main, struct range expected_low)
{
	struct iomem iomem CLEANUP(iomem_done) = { 0 };
	struct range main_region = { 7, 8 }, low = { 7, 8 };
	struct err err;

	parse(text, &iomem);
	assert_int_equal(iomem_crash_kernel(&iomem, &main_region, &low, &err), 0);
	assert_true(main_region.start == expected_main.start);
	assert_true(main_region.end == expected_main.end);
	assert_true(low.start == expected_low.start);
	assert_true(low.end == expected_low.end);
}

static void the_crash_kernels_regions(void **state)
{
	static const struct range none = { 0, 0 };
	struct iomem iomem CLEANUP(iomem_done) = { 0 };
	struct range main_region = { 7, 8 }, low = { 7, 8 };
	struct err err = { 0 };

	(void)state;
	assert_crash(small_machine, none, none);
	assert_crash("100000-7fffffff : System RAM\n  73000000-7affffff : Crash kernel\n",
		     (struct range){ 0x73000000, 0x7b000000 }, none);
	/* The low one is the larger. */
	assert_crash("100000-7fffffff : System RAM\n"
		     "  63000000-7affffff : Crash kernel\n"
		     "100000000-1ffffffff : System RAM\n"
		     "  1ef000000-1feffffff : Crash kernel\n",
		     (struct range){ 0x1ef000000, 0x1ff000000 },
		     (struct range){ 0x63000000, 0x7b000000 });
	assert_crash("3000-3fff : Crash kernel\n1000-1fff : crash kernel\n",
		     (struct range){ 0x3000, 0x4000 }, (struct range){ 0x1000, 0x2000 });
	/* Two that touch are not one. */
	assert_crash("1000-1fff : Crash kernel\n2000-3fff : Crash kernel\n",
		     (struct range){ 0x2000, 0x4000 }, (struct range){ 0x1000, 0x2000 });

	parse("1000-1fff : Crash kernel\n3000-3fff : Crash kernel\n5000-5fff : Crash kernel\n",
	      &iomem);
	assert_int_equal(iomem_crash_kernel(&iomem, &main_region, &low, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_string_equal(err.text, "/proc/iomem has a third \"Crash kernel\" entry, "
				      "0x5000-0x5fff, where kernels have two at most");
	assert_true(main_region.start == 7 && low.start == 7);
}

static void a_hundred_thousand_lines(void **state)
{
	enum { COUNT = 100000 };
	struct buf text CLEANUP(buf_done) = { 0 };
	struct iomem iomem CLEANUP(iomem_done) = { 0 };
	struct range_set ram CLEANUP(range_set_done) = { 0 };
	struct range_set reserved CLEANUP(range_set_done) = { 0 };
	struct err err;

	(void)state;
	for (uint64_t i = COUNT; i--;) {
		char line[120];
		int length = snprintf(line, sizeof(line),
				      "%08llx-%08llx : System RAM\n  %08llx-%08llx : Reserved\n",
				      PHYS(i << 16), PHYS((i << 16) + 0xffff), PHYS(i << 16),
				      PHYS((i << 16) + 0xfff));

		assert_int_equal(buf_append(&text, line, (size_t)length, &err), 0);
	}
	assert_int_equal(iomem_parse(buf_bytes(&text), &iomem, &err), 0);
	assert_int_equal(iomem.count, 2 * COUNT);
	assert_int_equal(iomem_system_ram(&iomem, RANGE_ALL, &ram, &err), 0);
	assert_int_equal(ram.count, COUNT);
	assert_true(range_set_total(&ram) == UINT64_C(0xf000) * COUNT);
	assert_int_equal(iomem_find(&iomem, "Reserved", &reserved, &err), 0);
	assert_int_equal(reserved.count, COUNT);
}

static void ram_within_a_range_is_what_it_is_of_all(void **state)
{
	static const char text[] = "00001000-0000ffff : System RAM\n"
				   "  00004000-00004fff : Reserved\n"
				   "  00008000-0000bfff : Crash kernel\n"
				   "    00009000-00009fff : Reserved\n"
				   "00010000-0001ffff : Reserved\n"
				   "00020000-0002ffff : System RAM\n";
	struct iomem iomem CLEANUP(iomem_done) = { 0 };
	struct range_set all CLEANUP(range_set_done) = { 0 };
	struct err err;

	(void)state;
	parse(text, &iomem);
	assert_int_equal(iomem_system_ram(&iomem, RANGE_ALL, &all, &err), 0);
	for (phys_t start = 0; start < 0x30000; start += 0x800) {
		for (phys_t end = start + 0x800; end <= 0x30000; end += 0x800) {
			struct range within = { start, end };
			struct range_set ram CLEANUP(range_set_done) = { 0 };

			assert_int_equal(iomem_system_ram(&iomem, within, &ram, &err), 0);
			for (phys_t at = start; at < end; at += 0x800) {
				struct range one = { at, at + 0x800 };

				assert_int_equal(range_set_contains(&ram, one),
						 range_set_contains(&all, one));
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_come_with_depth_and_parent),
		cmocka_unit_test(the_form_may_vary_a_little),
		cmocka_unit_test(malformed_lines_are_named),
		cmocka_unit_test(long_garbage_is_cut),
		cmocka_unit_test(bottomless_nesting_is_refused),
		cmocka_unit_test(windows_past_the_end_are_cut_or_left_out),
		cmocka_unit_test(children_of_what_was_left_out_find_a_parent),
		cmocka_unit_test(hidden_addresses_are_told_from_an_empty_file),
		cmocka_unit_test(ram_of_a_small_machine),
		cmocka_unit_test(what_lies_deeper_has_the_last_word),
		cmocka_unit_test(memory_of_drivers_is_no_ram),
		cmocka_unit_test(finding_by_name),
		cmocka_unit_test(the_innermost_name),
		cmocka_unit_test(the_crash_kernels_regions),
		cmocka_unit_test(a_hundred_thousand_lines),
		cmocka_unit_test(ram_within_a_range_is_what_it_is_of_all),
	};

	return cmocka_run_group_tests_name("iomem", tests, NULL, NULL);
}
