/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is told of a long load, on a terminal. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pty.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "kexec/progress.h"
#include "kexec/x86/load.h"
#include "tests/mk/image.h"

static const uint64_t MIB = 1 << 20;

static void longer_ago(struct timespec *then)
{
	then->tv_sec -= 1;
}

/* What has been written to the terminal since it was last asked. */
static const char *seen(int terminal)
{
	static char text[256];
	ssize_t got = read(terminal, text, sizeof(text) - 1);

	text[got > 0 ? got : 0] = '\0';
	return text;
}

static void test_terminal(void **state)
{
	struct termios raw = { 0 };
	struct progress progress;
	int above, below;
	FILE *to;

	(void)state;
	assert_int_equal(openpty(&above, &below, NULL, &raw, NULL), 0);
	assert_int_equal(fcntl(above, F_SETFL, O_NONBLOCK), 0);
	to = fdopen(below, "w");
	assert_non_null(to);
	progress_begin(&progress, to);
	longer_ago(&progress.told);
	progress_tell(&progress, MIB, 300 * MIB);
	progress_end(&progress);
	assert_int_equal(fflush(to), 0);
	assert_string_equal(seen(above), "");
	/* Half a second is over. */
	longer_ago(&progress.began);
	progress_tell(&progress, 2 * MIB, 300 * MIB);
	assert_string_equal(seen(above), "\rkexec: 2 of 300 MiB read and hashed");
	/* Not so often that it is a load of its own. */
	progress.told = (struct timespec){ progress.told.tv_sec + 1000, 0 };
	progress_tell(&progress, 3 * MIB, 300 * MIB);
	assert_string_equal(seen(above), "");
	progress_end(&progress);
	progress_end(&progress);
	assert_int_equal(fflush(to), 0);
	assert_string_equal(seen(above), "\r                                   \r");
	fclose(to);
	close(above);
}

static void test_no_terminal(void **state)
{
	struct progress progress;
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	progress_begin(&progress, file);
	longer_ago(&progress.began);
	progress_tell(&progress, MIB, 300 * MIB);
	progress_end(&progress);
	assert_int_equal(ftell(file), 0);
	fclose(file);
}

/* --- what a load tells ------------------------------------------------------- */

struct told {
	uint64_t done, total;
	unsigned int times;
};

static void tell(void *context, uint64_t done, uint64_t total)
{
	struct told *told = context;

	assert_true(done > told->done && done <= total);
	assert_true(!told->times || total == told->total);
	*told = (struct told){ done, total, told->times + 1 };
}

static void test_load(void **state)
{
	enum { INITRD_SIZE = (40 << 20) + 123 };
	static const char iomem[] = "00100000-3fffffff : System RAM\n";
	static uint8_t image[MK_IMAGE_SIZE], initrd[INITRD_SIZE];
	struct system system = { .has_boot_params = true };
	struct told told = { 0 };
	struct load load = { 0 };
	struct load_request request = {
		.kernel = { image, sizeof(image) },
		.initrd = { initrd, sizeof(initrd) },
		.cmdline = "",
		.mem_max = PHYS_LIMIT,
		.progress = tell,
		.progress_context = &told,
	};
	struct err err = { 0 };

	(void)state;
	mk_image(image);
	if (memmap_add(&system.firmware, (struct range){ 0x100000, 0x40000000 }, E820_RAM, &err) ||
	    iomem_parse((struct bytes){ (const uint8_t *)iomem, strlen(iomem) }, &system.iomem,
			&err) ||
	    load_place(&request, &system, NULL, &load, &err) ||
	    load_seal(&request, &system, &load, &err))
		fail_msg("%s", err.text);
	assert_true(told.done == told.total);
	assert_true(told.total > INITRD_SIZE && told.total < INITRD_SIZE + (1 << 20));
	/* Three pieces of the initrd, and the small segments. */
	assert_true(told.times >= 5);
	load_done(&load);
	system_done(&system);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_no_terminal),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
