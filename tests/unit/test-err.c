/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kexec/core/bytes.h"

static void set_fills_code_and_text(void **state)
{
	struct err err = { .sys_errno = 77 };

	(void)state;
	assert_int_equal(err_set(&err, ERR_INPUT, "entry %d, 0x%x", 12, 0x9fc00), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_int_equal(err.sys_errno, 0);
	assert_string_equal(err.text, "entry 12, 0x9fc00");
}

static void set_replaces(void **state)
{
	struct err err = { 0 };

	(void)state;
	err_set_errno(&err, ENOENT, "first and longer");
	err_set(&err, ERR_USAGE, "second");
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(err.sys_errno, 0);
	assert_string_equal(err.text, "second");
}

static void errno_is_kept_and_spelt_out(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_set_errno(&err, EPERM, "kexec_load failed"), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(err.sys_errno, EPERM);
	assert_string_equal(err.text, "kexec_load failed: Operation not permitted");
}

/* What a file says is shown, not obeyed by the terminal. */
static void control_characters_are_shown_as_such(void **state)
{
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct err err = { 0 };

	(void)state;
	err_set(&err, ERR_INPUT, "type \"%s\"", "\033[2J\n\x7f");
	err_append(&err, ", %s", "\a");
	err_prefix(&err, "/%s", "a\tb");
	assert_string_equal(err.text, "/a?b: type \"?[2J??\", ?");
	warn_add(&warnings, "\u00e4: %s", "\033c\xc2\x9bm");
	assert_string_equal(warnings.text[0], "\u00e4: ?c??m");
	/* Nor is it anything else than UTF-8. */
	warn_add(&warnings, "\u20ac: %s", "\xff\xe4 \xed\xa0\x80\xc0\xaf\xe2\x82");
	assert_string_equal(warnings.text[1], "\u20ac: ?? ???????");
}

static void no_memory_says_so(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_no_memory(&err), -1);
	assert_int_equal(err.code, ERR_NO_MEMORY);
	assert_string_equal(err.text, "out of memory");
}

static void frames_add_where_and_advice(void **state)
{
	struct err err = { 0 };

	(void)state;
	err_set_errno(&err, EIO, "short read");
	assert_int_equal(err_prefix(&err, "line %d", 3), -1);
	assert_int_equal(err_prefix(&err, "%s", "/proc/iomem"), -1);
	assert_int_equal(err_append(&err, "; try %s", "-s"), -1);
	assert_string_equal(err.text,
			    "/proc/iomem: line 3: short read: Input/output error; try -s");
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(err.sys_errno, EIO);
}

static void long_text_is_cut_at_its_end(void **state)
{
	struct err err = { 0 };
	char expected[sizeof(err.text)];
	char text[3 * sizeof(err.text)];
	size_t last = sizeof(err.text) - 1;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(expected, text, last);
	expected[last] = '\0';

	err_set(&err, ERR_INPUT, "%s", text);
	assert_string_equal(err.text, expected);
	err_append(&err, "more");
	assert_string_equal(err.text, expected);
	err_prefix(&err, "file");
	memcpy(expected, "file: ", 6);
	assert_string_equal(err.text, expected);
	err_set_errno(&err, EIO, "%s", text);
	memcpy(expected, "aaaaaa", 6);
	assert_string_equal(err.text, expected);
	assert_int_equal(err.sys_errno, EIO);
	err_set(&err, ERR_INPUT, "short");
	err_prefix(&err, "%s", text);
	assert_string_equal(err.text, expected);
}

static void warnings_come_once_and_in_order(void **state)
{
	struct warnings warnings = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		warn_add(&warnings, "table %d", 1);
		warn_add(&warnings, "table %d", 2);
	}
	assert_int_equal(warnings.count, 2);
	assert_string_equal(warnings.text[0], "table 1");
	assert_string_equal(warnings.text[1], "table 2");
	assert_false(warnings.lost);
	warnings_done(&warnings);
	assert_int_equal(warnings.count, 0);
	assert_null(warnings.text);
	warnings_done(&warnings);
}

static void nobody_has_to_listen(void **state)
{
	(void)state;
	warn_add(/* warnings= */ NULL, "said to %s", "nobody");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_fills_code_and_text),
		cmocka_unit_test(set_replaces),
		cmocka_unit_test(errno_is_kept_and_spelt_out),
		cmocka_unit_test(control_characters_are_shown_as_such),
		cmocka_unit_test(no_memory_says_so),
		cmocka_unit_test(frames_add_where_and_advice),
		cmocka_unit_test(long_text_is_cut_at_its_end),
		cmocka_unit_test(warnings_come_once_and_in_order),
		cmocka_unit_test(nobody_has_to_listen),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
