/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are loaded: mapped one behind the other, or read from a pipe, and watched. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kexec/sys/input.h"
#include "tests/mk/machine.h"

enum { PIPED = 300000 };

static struct mk_machine machine;
static char first[MK_PATH_MAX], second[MK_PATH_MAX];

static int set_up(void **state)
{
	(void)state;
	mk_machine_init(&machine);
	mk_path(&machine, "first", first);
	mk_path(&machine, "second", second);
	mk_text(&machine, "first", "first");
	mk_text(&machine, "second", "second");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mk_machine_done(&machine);
	return 0;
}

/* Between two files there are zeros, whatever a shared map of the first has left there. */
static void test_joined(void **state)
{
	static const uint8_t zeros[4096];
	const char *const path[] = { first, second };
	struct inputs inputs CLEANUP(inputs_done) = { 0 };
	FILE *file = fopen(first, "r+");
	uint8_t *shared;
	struct err err;

	(void)state;
	assert_non_null(file);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
	assert_true(shared != MAP_FAILED);
	memset(shared + 5, 0x55, 4096 - 5);
	assert_int_equal(inputs_open(path, 2, &inputs, &err), 0);
	assert_int_equal(inputs.bytes.size, 4096 + 6);
	assert_memory_equal(inputs.bytes.data, "first", 5);
	assert_memory_equal(inputs.bytes.data + 5, zeros, 4096 - 5);
	assert_memory_equal(inputs.bytes.data + 4096, "second", 6);
	munmap(shared, 4096);
	fclose(file);
}

/* It can be read once only, so it is opened once. */
static void test_pipe(void **state)
{
	const char *const path[] = { second };
	struct inputs inputs CLEANUP(inputs_done) = { 0 };
	uint8_t *bytes = malloc(PIPED);
	struct err err;
	int status;
	pid_t child;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < PIPED; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	mk_file(&machine, "second", NULL, 0);
	assert_int_equal(mkfifo(second, 0600), 0);
	child = fork();
	if (!child) {
		FILE *file = fopen(second, "w");

		_exit(!file || fwrite(bytes, 1, PIPED, file) != PIPED || fclose(file));
	}
	assert_int_equal(inputs_open(path, 1, &inputs, &err), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(inputs.bytes.size, PIPED);
	assert_memory_equal(inputs.bytes.data, bytes, PIPED);
	assert_int_equal(inputs_check_unchanged(&inputs, &err), 0);
	free(bytes);
}

/* As large as it is, and as it is, for ever; the descriptor is at its end, which no reader minds. */
static void test_in_memory(void **state)
{
	static const uint8_t bytes[] = "some bytes";
	struct input input CLEANUP(input_done) = { .fd = -1 };
	uint8_t read_again[sizeof(bytes)];
	struct err err;

	(void)state;
	assert_int_equal(
		input_in_memory("name", (struct bytes){ bytes, sizeof(bytes) }, &input, &err), 0);
	assert_int_equal(input.status.st_size, sizeof(bytes));
	assert_int_equal(pread(input.fd, read_again, sizeof(bytes), 0), sizeof(bytes));
	assert_memory_equal(read_again, bytes, sizeof(bytes));
	assert_int_equal(input_check_unchanged(&input, &err), 0);
	assert_int_equal(pwrite(input.fd, "x", 1, 0), -1);
	assert_int_equal(pwrite(input.fd, "x", 1, sizeof(bytes)), -1);
	assert_int_equal(ftruncate(input.fd, 1), -1);
	assert_int_equal(fcntl(input.fd, F_ADD_SEALS, 0), -1);
}

static void test_changed(void **state)
{
	const char *const path[] = { first, second };
	struct inputs inputs CLEANUP(inputs_done) = { 0 };
	char said[MK_PATH_MAX + 120];
	struct err err;
	FILE *file;

	(void)state;
	assert_int_equal(inputs_open(path, 2, &inputs, &err), 0);
	assert_int_equal(inputs_check_unchanged(&inputs, &err), 0);
	file = fopen(second, "a");
	assert_non_null(file);
	fputs("!", file);
	fclose(file);
	assert_int_equal(inputs_check_unchanged(&inputs, &err), -1);
	snprintf(
		said, sizeof(said),
		"%s: changed while it was being loaded (6 bytes, then 7): load it again when it is "
		"whole",
		second);
	assert_string_equal(err.text, said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_joined, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pipe, set_up, tear_down),
		cmocka_unit_test(test_in_memory),
		cmocka_unit_test_setup_teardown(test_changed, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
