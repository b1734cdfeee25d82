/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is advised for each class of failure. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kexec/lib/advice.h"
#include "kexec/x86/bzimage.h"

static void expect(const struct err *err, const char *advice)
{
	const char *given = advice_for(err);

	if (advice)
		assert_string_equal(given, advice);
	else
		assert_null(given);
}

static void test_classes(void **state)
{
	struct err err = { 0 };

	(void)state;
	expect(&err, NULL);
	err_set(&err, ERR_INTERNAL, "%s overlaps", "initrd");
	expect(&err, "kexec --capture=FILE.tar, and report the sentence with that file");
	err_no_memory(&err);
	expect(&err, "free, and end what uses it up");
	err_set_errno(&err, EACCES, "/%s", "proc/kcore");
	expect(&err, "sudo kexec ...");
	err_set_errno(&err, EDOM, "%s", "file");
	expect(&err, "dmesg | tail");
	err_set(&err, ERR_USAGE, "no kernel named");
	expect(&err, "kexec --help");
	err_set(&err, ERR_USAGE, "more than %d modules", 64);
	expect(&err, "the same with fewer of them: several files in one archive");
	err_set(&err, ERR_USAGE, "more than %d initrds", 64);
	expect(&err, "cat A B >BOTH, which a kernel takes as one");
	err_set(&err, ERR_INPUT, "a sentence without a row");
	expect(&err, NULL);
}

/* Frames add to the sentence, which stays the leaf's; what advises has the last word. */
static void test_frames(void **state)
{
	const uint8_t image[100] = { 0 };
	struct bzimage parsed;
	struct err err;

	(void)state;
	assert_int_equal(bzimage_parse((struct bytes){ image, sizeof(image) }, &parsed, &err), -1);
	err_prefix(&err, "kernel: %s", "vmlinuz");
	err_append(&err, "; nothing was loaded");
	expect(&err, "sha256sum KERNEL, and compare it with where it is from; copy it again");
	err_advise(&err, "; another kernel is needed");
	expect(&err, NULL);
	assert_non_null(strstr(err.text, "; nothing was loaded; another kernel is needed"));
}

/* An errno's own row stands before that of all others; nothing is advised twice. */
static void test_tables(void **state)
{
	const struct advice_file *file;
	size_t count;

	(void)state;
	file = advice_files(&count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(!file[i].error, i == count - 1);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(file[i].error, file[j].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
