/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The search for the smallest memory, with a script in QEMU's place. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "kexec/measure.h"
#include "tests/mk/machine.h"

static struct mk_machine machine;
static char qemu[MK_PATH_MAX];

/* $memory is what -m says, $accel what -accel says, $kernel and $initrd the bytes. */
static const char head[] = "#!/bin/sh\n"
			   "while [ $# -gt 0 ]; do\n"
			   "	case $1 in\n"
			   "	-m) memory=${2%M} ;;\n"
			   "	-accel) accel=$2 ;;\n"
			   "	-kernel) kernel=$(cat $2) ;;\n"
			   "	-initrd) initrd=$(cat $2) ;;\n"
			   "	-append) append=$2 ;;\n"
			   "	esac\n"
			   "	shift\n"
			   "done\n"
			   "echo booting\n";

static void script(const char *body)
{
	char text[2048];

	snprintf(text, sizeof(text), "%s%s", head, body);
	mk_text(&machine, "bin/qemu-system-x86_64", text);
	mk_path(&machine, "bin/qemu-system-x86_64", qemu);
	assert_int_equal(chmod(qemu, 0755), 0);
}

static int set_up(void **state)
{
	(void)state;
	mk_machine_init(&machine);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mk_machine_done(&machine);
	return 0;
}

static char said[4096]; /* the error, or the lines about each boot */

/* A busy host takes its time for a script, too: only what hangs has a short limit. */
static unsigned int limit_s = 60;

static int search(unsigned int never_mib, unsigned int first_mib, struct measure_result *ret)
{
	struct measure_request request = {
		.qemu = qemu,
		.kernel = { (const uint8_t *)"KERNEL", 6 },
		.initrd = { (const uint8_t *)"INITRD", 6 },
		.cmdline = "quiet console=tty0",
		.never = (uint64_t)never_mib << 20,
		.first = (uint64_t)first_mib << 20,
		.unit = 8 << 20,
		.limit_s = limit_s,
		.silence_s = 1,
		.settle_s = 10,
	};
	struct err err;
	int result;

	memset(said, 0, sizeof(said));
	request.progress = fmemopen(said, sizeof(said) - 1, "w");
	result = measure(&request, ret, &err);
	fclose(request.progress);
	if (result)
		snprintf(said, sizeof(said), "%s", err.text);
	return result;
}

#define USERSPACE "	echo '[    1.0] Run /init as init process'; sleep 0.1; exit 0\n"

static void test_bisection(void **state)
{
	static const unsigned int rows[][3] = { /* enough from, never, first */
						{ 72, 40, 104 },  { 104, 40, 104 }, { 48, 40, 104 },
						{ 200, 40, 104 }, { 41, 41, 100 },  { 8, 0, 0 }
	};
	struct measure_result result;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned int expected = (rows[i][0] + 7) / 8 * 8;

		snprintf(text, sizeof(text),
			 "[ $accel = tcg ] || exit 1\n"
			 "if [ $memory -ge %u ]; then\n" USERSPACE
			 "fi\necho '[ 0.5] Kernel panic - not syncing: x'\n",
			 rows[i][0]);
		script(text);
		if (search(rows[i][1], rows[i][2], &result))
			fail_msg("row %zu: %s", i, said);
		assert_int_equal(result.enough, (uint64_t)expected << 20);
		assert_int_equal(result.too_little, (uint64_t)(expected - 8) << 20);
	}
}

/* What it is given, and that the words which are looked for are not silenced. */
static void test_arguments(void **state)
{
	struct measure_result result;

	(void)state;
	script("[ $accel = tcg ] || exit 1\n"
	       "case $append in *quiet*console=ttyS0*ignore_loglevel*) ;; *) exit 1 ;; esac\n"
	       "[ $kernel = KERNEL ] && [ $initrd = INITRD ] || exit 1\n" USERSPACE);
	assert_int_equal(search(8, 16, &result), 0);
}

/* Each is no userspace: nothing more is asked for below. */
static void test_failures(void **state)
{
	static const char ends_late[] =
		"echo 'Run /init as init process'; sleep 0.1\n"
		"echo 'init invoked oom-killer: gfp_mask=0x0'; exec sleep 120\n";
	static const char *const body[] = {
		"echo 'Initramfs unpacking failed: write error'; echo 'Run /init as init process'\n",
		"echo 'Run /init as init process'; echo 'Failed to execute /init (error -12)'\n",
		ends_late,
		"echo 'Run /bin/sh as first program'\n",
		"exit 1\n",
	};
	struct measure_result result;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(body) / sizeof(body[0]); i++) {
		snprintf(text, sizeof(text),
			 "[ $accel = tcg ] || exit 1\nif [ $memory -ge 24 ]; then\n" USERSPACE
			 "fi\n%s",
			 body[i]);
		script(text);
		if (search(8, 24, &result))
			fail_msg("row %zu: %s", i, said);
		assert_int_equal(result.enough, 24 << 20);
	}
}

static void test_none(void **state)
{
	struct measure_result result;

	(void)state;
	script("echo; echo 'qemu: no such thing'; exit 1\n");
	assert_int_equal(search(8, 8192, &result), -1);
	assert_string_equal(said, "it does not reach userspace in QEMU, not in 16384 MiB; its last "
				  "line: qemu: no such thing");
	strcpy(qemu, "/nonexistent");
	assert_int_equal(search(8, 8192, &result), -1);
}

/* A guest that does not end is ended, and KVM that stays silent is not waited for. */
static void test_hanging(void **state)
{
	struct measure_result result;
	char path[MK_PATH_MAX];
	char *text = NULL;
	struct timespec begin, end;
	FILE *file;
	long pid;

	(void)state;
	script("echo $$ >>${0%/*}/pids\nexec sleep 120\n");
	limit_s = 2;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(search(8, 16384, &result), -1);
	clock_gettime(CLOCK_MONOTONIC, &end);
	limit_s = 60;
	assert_in_range(end.tv_sec - begin.tv_sec, 1, 60);
	mk_path(&machine, "bin/pids", path);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fscanf(file, "%ld", &pid) == 1) {
		assert_int_equal(kill((pid_t)pid, 0), -1);
		text = path;
	}
	fclose(file);
	assert_non_null(text);
}

static void test_find(void **state)
{
	char found[PATH_MAX], path[2 * MK_PATH_MAX], bin[MK_PATH_MAX];

	(void)state;
	setenv("PATH", "/nonexistent", 1);
	assert_false(measure_find_qemu(found));
	script("exit 0\n");
	mk_path(&machine, "bin", bin);
	snprintf(path, sizeof(path), "/nonexistent::%s", bin);
	setenv("PATH", path, 1);
	assert_true(measure_find_qemu(found));
	assert_string_equal(found, qemu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bisection, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_arguments, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hanging, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_find, set_up, tear_down),
	};

	/* A guest that nobody ends is waited for without an end. */
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
