/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is told of a long load, on a terminal. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pty.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "kexec/action.h"
#include "kexec/core/initrd.h"
#include "kexec/progress.h"
#include "kexec/x86/load.h"
#include "tests/mk/image.h"
#include "tests/mk/machine.h"
#include "tests/mk/pack.h"

static const uint64_t MIB = 1 << 20;

static void longer_ago(struct timespec *then)
{
	then->tv_sec -= 1;
}

/* What has been written to the terminal since it was last asked. A mark behind it is waited for: a terminal hands over
   in its own time. */
static const char *seen(int above, int below)
{
	static char text[4096];
	size_t got = 0;

	assert_int_equal(write(below, "#", 1), 1);
	do {
		assert_true(got < sizeof(text));
		assert_int_equal(read(above, text + got, 1), 1);
	} while (text[got++] != '#');
	text[got - 1] = '\0';
	return text;
}

static void test_terminal(void **state)
{
	struct termios raw = { 0 };
	struct progress_line line;
	int above, below;
	FILE *to;

	(void)state;
	assert_int_equal(openpty(&above, &below, NULL, &raw, NULL), 0);
	to = fdopen(below, "w");
	assert_non_null(to);
	progress_line_begin(&line, to);
	longer_ago(&line.told);
	progress_line_tell(&line, "unpacked", MIB, 300 * MIB);
	progress_line_end(&line);
	assert_int_equal(fflush(to), 0);
	assert_string_equal(seen(above, below), "");
	/* Half a second is over. */
	longer_ago(&line.began);
	progress_line_tell(&line, "unpacked", 2 * MIB, 300 * MIB);
	assert_string_equal(seen(above, below), "kexec: 2 of 300 MiB unpacked");
	/* Not so often that it is a load of its own. */
	line.told = (struct timespec){ line.told.tv_sec + 1000, 0 };
	progress_line_tell(&line, "unpacked", 3 * MIB, 300 * MIB);
	assert_string_equal(seen(above, below), "");
	progress_line_end(&line);
	progress_line_end(&line);
	assert_int_equal(fflush(to), 0);
	assert_string_equal(seen(above, below), "\r                            \r");
	/* Of little in a smaller unit. */
	line.told = (struct timespec){ 0 };
	progress_line_tell(&line, "unpacked", 3 << 10, MIB - 1);
	assert_string_equal(seen(above, below), "kexec: 3 of 1023 KiB unpacked");
	fclose(to);
	close(above);
}

static void test_no_terminal(void **state)
{
	struct progress_line line;
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	progress_line_begin(&line, file);
	longer_ago(&line.began);
	progress_line_tell(&line, "unpacked", MIB, 300 * MIB);
	progress_line_end(&line);
	assert_int_equal(ftell(file), 0);
	fclose(file);
}

/* --- what a load tells ------------------------------------------------------- */

struct told {
	const char *what;
	uint64_t done, total;
	unsigned int times;
};

static void tell(void *context, const char *what, uint64_t done, uint64_t total)
{
	struct told *told = context;

	if (!told->what || strcmp(told->what, what))
		*told = (struct told){ 0 };
	assert_true(done > told->done && done <= total);
	assert_true(!told->times || total == told->total);
	*told = (struct told){ what, done, total, told->times + 1 };
}

static void test_load(void **state)
{
	enum { INITRD_SIZE = (40 << 20) + 123 };
	static const char iomem[] = "00100000-3fffffff : System RAM\n";
	static uint8_t image[MK_IMAGE_SIZE], initrd[INITRD_SIZE];
	struct system system = { .has_boot_params = true };
	struct told told = { 0 };
	struct load load = { 0 };
	uint8_t file[MK_VMLINUX_SIZE];
	struct load_request request = {
		.direct = LOAD_DIRECT_ASKED,
		.kernel = { image, sizeof(image) },
		.initrd = { initrd, sizeof(initrd) },
		.cmdline = "",
		.mem_max = PHYS_LIMIT,
		.progress = { .tell = tell, .context = &told },
	};
	struct err err = { 0 };

	(void)state;
	mk_image(image);
	mk_image_payload(image, file, mk_vmlinux(file, 3));
	if (memmap_add(&system.firmware, (struct range){ 0x100000, 0x40000000 }, E820_RAM, &err) ||
	    iomem_parse((struct bytes){ (const uint8_t *)iomem, strlen(iomem) }, &system.iomem,
			&err) ||
	    load_place(&request, &system, NULL, &load, &err))
		fail_msg("%s", err.text);
	assert_string_equal(told.what, "of the kernel unpacked");
	assert_true(told.done == told.total && told.total == load.image.payload.size);
	/* Tried again, with what there is. */
	told = (struct told){ 0 };
	assert_int_equal(load_place(&request, &system, NULL, &load, &err), 0);
	assert_int_equal(told.times, 0);
	if (load_seal(&request, &system, &load, &err))
		fail_msg("%s", err.text);
	assert_string_equal(told.what, "read and hashed");
	assert_true(told.done == told.total);
	assert_true(told.total > INITRD_SIZE && told.total < INITRD_SIZE + (1 << 20));
	/* Three pieces of the initrd, and the small segments. */
	assert_true(told.times >= 5);
	load_done(&load);
	system_done(&system);
}

static void test_initrd(void **state)
{
	struct buf in CLEANUP(buf_done) = { 0 }, out CLEANUP(buf_done) = { 0 };
	struct buf archive CLEANUP(buf_done) = { 0 };
	struct told told = { 0 };
	struct progress progress = { tell, &told, "unpacked" };
	struct err err;

	(void)state;
	pack_archive_end(&archive);
	pack_gzip(buf_bytes(&archive), &in);
	assert_int_equal(initrd_unpack(buf_bytes(&in), 0, &progress, &out, &err), 0);
	assert_string_equal(told.what, "unpacked");
	assert_int_equal(told.times, 1);
	assert_true(told.done == in.size && told.total == in.size);
}

/* --- the command --------------------------------------------------------------- */

static int loaded(void *context, uint64_t entry, size_t count, const struct kexec_segment *segment,
		  unsigned long flags)
{
	(void)context;
	(void)entry;
	(void)count;
	(void)segment;
	(void)flags;
	return 0;
}

/* What comes before the files are looked at takes longer than half a second. */
static void dawdle(void *context, unsigned int privileges)
{
	(void)context;
	(void)privileges;
	usleep(600000);
}

/* What a load shows on its terminal, in full. */
static const char *shown(const struct request *request, const struct mk_machine *machine)
{
	static const struct ops ops = { .load = loaded, .keep_only = dawdle };
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct surroundings around = { .ops = &ops, .out = stdout, .warnings = &warnings };
	struct termios raw = { 0 };
	int above, below, saved = dup(STDERR_FILENO), status, failed;
	const char *text;
	struct err err;

	assert_int_equal(openpty(&above, &below, NULL, &raw, NULL), 0);
	assert_int_equal(root_open(machine->path, &around.root, &err), 0);
	dup2(below, STDERR_FILENO);
	failed = action_run(request, &around, &status, &err);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	root_close(&around.root);
	if (failed)
		fail_msg("%s", err.text);
	text = seen(above, below);
	close(above);
	close(below);
	close(saved);
	return text;
}

/* The first line tells how far what is. */
static void assert_told(const char *text, const char *what)
{
	assert_ptr_equal(strstr(text, "kexec: "), text);
	assert_non_null(strstr(text, what));
}

static void test_command(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];
	struct buf archive CLEANUP(buf_done) = { 0 }, packed CLEANUP(buf_done) = { 0 };
	char kernel[MK_PATH_MAX], initrd[MK_PATH_MAX];
	struct request request = {
		.action = ACTION_LOAD,
		.method = METHOD_LOAD,
		.mem_max = PHYS_LIMIT,
		.kernel = kernel,
		.initrd = { initrd },
		.nr_initrds = 1,
	};
	uint8_t file[MK_VMLINUX_SIZE];
	struct mk_machine machine;
	const char *text;

	(void)state;
	mk_machine_init(&machine);
	mk_image(image);
	mk_image_payload(image, file, mk_vmlinux(file, 3));
	pack_archive_end(&archive);
	pack_gzip(buf_bytes(&archive), &packed);
	mk_path(&machine, "vmlinuz", kernel);
	mk_path(&machine, "initrd", initrd);
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	mk_file(&machine, "initrd", packed.data, packed.size);
	/* Nothing of it is left on the terminal as the plan comes. */
	request.debug = true;
	text = shown(&request, &machine);
	assert_told(text, " KiB read and hashed\r   ");
	request.debug = false;
	request.direct = LOAD_DIRECT_ASKED;
	text = shown(&request, &machine);
	assert_told(text, " KiB of the kernel unpacked");
	request.direct = LOAD_DIRECT_NEVER;
	request.unpack_initrd = true;
	text = shown(&request, &machine);
	assert_told(text, " KiB of the initrd unpacked");
	mk_machine_done(&machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terminal), cmocka_unit_test(test_no_terminal),
		cmocka_unit_test(test_load),	 cmocka_unit_test(test_initrd),
		cmocka_unit_test(test_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
