/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "kexec/core/num.h"

static void sums_and_products_that_wrap_are_refused(void **state)
{
	uint64_t value = 5;

	(void)state;
	assert_true(num_add(UINT64_MAX - 1, 1, &value));
	assert_true(value == UINT64_MAX);
	assert_false(num_add(UINT64_MAX, 1, &value));
	assert_true(num_mul(UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1, &value));
	assert_true(value == UINT64_C(0xffffffff00000000));
	assert_false(num_mul(UINT64_C(1) << 32, UINT64_C(1) << 32, &value));
}

static void powers_of_two(void **state)
{
	(void)state;
	assert_false(num_is_power_of_two(0));
	for (unsigned int shift = 0; shift < 64; shift++) {
		uint64_t power = UINT64_C(1) << shift;

		assert_true(num_is_power_of_two(power));
		assert_int_equal(num_is_power_of_two(power + 1), power == 1);
		assert_int_equal(num_is_power_of_two(power - 1), power == 2);
		if (shift > 1)
			assert_false(num_is_power_of_two(power | 1));
	}
}

static void alignment(void **state)
{
	static const struct {
		uint64_t value, align, up, down;
	} rows[] = {
		{ 0, 4096, 0, 0 },
		{ 1, 4096, 4096, 0 },
		{ 4095, 4096, 4096, 0 },
		{ 4096, 4096, 4096, 4096 },
		{ 4097, 4096, 8192, 4096 },
		{ 77, 1, 77, 77 },
		{ UINT64_C(0xfffffffffffff000), 4096, UINT64_C(0xfffffffffffff000),
		  UINT64_C(0xfffffffffffff000) },
	};
	uint64_t value = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(num_align_up(rows[i].value, rows[i].align, &value));
		assert_true(value == rows[i].up);
		assert_true(num_align_down(rows[i].value, rows[i].align) == rows[i].down);
	}
	value = 7;
	assert_false(num_align_up(UINT64_C(0xfffffffffffff001), 4096, &value));
	assert_true(value == 7);
}

static bool parse(const char *text, unsigned int base, uint64_t *ret)
{
	return num_parse(text, strlen(text), base, ret);
}

static void numbers_are_read(void **state)
{
	static const struct {
		const char *text;
		unsigned int base;
		uint64_t value;
	} rows[] = {
		{ "0", 0, 0 },
		{ "00", 0, 0 },
		{ "017", 0, 15 },
		{ "17", 0, 17 },
		{ "0x1F", 0, 31 },
		{ "0XabCDef", 0, 0xabcdef },
		{ "0x9", 0, 9 },
		{ "0xA", 0, 10 },
		{ "aAfF", 16, 0xaaff },
		{ "017", 10, 17 },
		{ "1024", 16, 0x1024 },
		{ "0x1024", 16, 0x1024 },
		{ "18446744073709551615", 10, UINT64_MAX },
		{ "0xffffffffffffffff", 0, UINT64_MAX },
		{ "01777777777777777777777", 0, UINT64_MAX },
		{ "00000000000000000000000000000001", 16, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t value = 99;

		if (!parse(rows[i].text, rows[i].base, &value) || value != rows[i].value)
			fail_msg("\"%s\" in base %u gives %llu", rows[i].text, rows[i].base,
				 PHYS(value));
	}
}

static void what_is_no_number_is_refused(void **state)
{
	static const struct {
		const char *text;
		unsigned int base;
	} rows[] = {
		{ "", 0 },
		{ "", 10 },
		{ "0x", 0 },
		{ "0x", 16 },
		{ "x1", 0 },
		{ "08", 0 },
		{ "-1", 10 },
		{ "+1", 10 },
		{ " 1", 10 },
		{ "1 ", 10 },
		{ "1\n", 10 },
		{ "0x1", 10 },
		{ "1a", 10 },
		{ "1g", 16 },
		{ "0x0x1", 0 },
		{ "18446744073709551616", 10 },
		{ "99999999999999999999", 10 },
		{ "0x10000000000000000", 0 },
		{ "1_000", 10 },
		{ "1/", 10 },
		{ "1:", 10 },
		{ "1@", 16 },
		{ "1`", 16 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t value = 99;

		if (parse(rows[i].text, rows[i].base, &value) || value != 99)
			fail_msg("\"%s\" in base %u is taken for %llu", rows[i].text, rows[i].base,
				 PHYS(value));
	}
}

static void text_needs_no_terminator(void **state)
{
	uint64_t value;

	(void)state;
	assert_true(num_parse("123456", 3, 10, &value));
	assert_true(value == 123);
	assert_false(num_parse("0x12", 2, 0, &value));
	assert_false(num_parse("1\0"
			       "2",
			       3, 10, &value));
	assert_false(num_parse(NULL, 0, 10, &value));
}

static void sizes_have_suffixes(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} rows[] = {
		{ "512", 512 },
		{ "1k", 1024 },
		{ "1K", 1024 },
		{ "0x10K", 16384 },
		{ "010k", 8192 },
		{ "256M", UINT64_C(256) << 20 },
		{ "256m", UINT64_C(256) << 20 },
		{ "3G", UINT64_C(3) << 30 },
		{ "3g", UINT64_C(3) << 30 },
		{ "64T", UINT64_C(64) << 40 },
		{ "64t", UINT64_C(64) << 40 },
		{ "16777215T", UINT64_C(16777215) << 40 },
	};
	static const char *const bad[] = { "",	 "K",	"1KK",	     "1P",  "1kB", "1 K",
					   "K1", "0xK", "16777216T", "-1K", "1 " };
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		value = 99;
		if (!num_parse_size(rows[i].text, strlen(rows[i].text), &value) ||
		    value != rows[i].value)
			fail_msg("\"%s\" gives %llu", rows[i].text, PHYS(value));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		value = 99;
		if (num_parse_size(bad[i], strlen(bad[i]), &value) || value != 99)
			fail_msg("\"%s\" is taken for %llu", bad[i], PHYS(value));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_and_products_that_wrap_are_refused),
		cmocka_unit_test(powers_of_two),
		cmocka_unit_test(alignment),
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(what_is_no_number_is_refused),
		cmocka_unit_test(text_needs_no_terminator),
		cmocka_unit_test(sizes_have_suffixes),
	};

	return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}
