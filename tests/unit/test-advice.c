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

/* No option and no file is named that may not be the one. */
static void test_neutral(void **state)
{
	static const char file[] =
		"sha256sum FILE, and compare it with where it is from; copy or make it again";
	static const char line[] =
		"a shorter line, all of it by --append=..., without --reuse-cmdline and --boot-entry";
	struct err err = { 0 };

	(void)state;
	err_set(&err, ERR_DAMAGED, "truncated at 0x%zx", (size_t)1);
	expect(&err, file);
	err_set(&err, ERR_DAMAGED, "damaged at 0x%zx", (size_t)1);
	expect(&err, file);
	err_set(&err, ERR_DAMAGED, "damaged at 0x%zx: %s", (size_t)1, "checksum");
	expect(&err, file);
	err_set(&err, ERR_DAMAGED, "data behind its end at 0x%zx", (size_t)1);
	expect(&err, file);
	err_set(&err, ERR_USAGE, "--%s=%s: not an address", "mem-max", "4GB");
	expect(&err, "a number of bytes, such as 16M, 4G or 0x1000000");
	err_set(&err, ERR_INPUT, "the command line has %zu characters, the kernel takes %u at most",
		(size_t)3000, 2047);
	expect(&err, line);
	err_set(&err, ERR_INPUT,
		"the command line has %zu bytes, %d more are needed for elfcorehdr=, and the kernel "
		"takes %u: the loaded crash kernel stays",
		(size_t)2040, 30, 2047);
	expect(&err, line);
	err_set(&err, ERR_NO_FIT,
		"%s: no place for 0x%llx bytes (%llu KiB), which must start at exactly " PHYS_FMT,
		"kernel", 0x100000ULL, 0x400ULL, 0x1000000ULL);
	expect(&err, "a kernel that is relocatable, or a reboot through the firmware");
	err_set_errno(&err, ENAMETOOLONG, "%s", "file");
	expect(&err, "a shorter path");
	err_set_errno(&err, EFBIG, "%s", "file");
	expect(&err, "ulimit -f; df -T FILE");
	err_set_errno(&err, ESPIPE, "%s", "file");
	expect(&err, "cat >FILE, and the same with that file");
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
		cmocka_unit_test(test_neutral),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
