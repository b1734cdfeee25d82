/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library as its users see it: the plans are the command's, and nothing is loaded but what was submitted. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kexec/action.h"
#include "kexec/lib/machine.h"
#include "tests/mk/image.h"
#include "tests/mk/machine.h"

static struct mk_machine fixture;
static char kernel[MK_PATH_MAX], initrd[MK_PATH_MAX];
static char did[256];
static int load_result, file_load_result;

static int record_load(void *context, uint64_t entry, size_t nr_segments,
		       const struct kexec_segment *segment, unsigned long flags)
{
	(void)context;
	(void)entry;
	(void)segment;
	snprintf(did + strlen(did), sizeof(did) - strlen(did), "load(%zu,0x%lx) ", nr_segments,
		 flags);
	return load_result;
}

static int record_file_load(void *context, int kernel_fd, int initrd_fd, size_t cmdline_size,
			    const char *cmdline, unsigned long flags)
{
	(void)context;
	(void)cmdline_size;
	snprintf(did + strlen(did), sizeof(did) - strlen(did), "file_load(%s,%s,%s,0x%lx) ",
		 kernel_fd < 0 ? "none" : "kernel", initrd_fd < 0 ? "none" : "initrd",
		 cmdline ?: "", flags);
	return file_load_result;
}

/* Neither starts anything: nothing but a load is in the table. */
static const struct ops recording = { .load = record_load, .file_load = record_file_load };

static int set_up(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];

	(void)state;
	mk_machine_init(&fixture);
	mk_image(image);
	mk_file(&fixture, "vmlinuz", image, sizeof(image));
	mk_text(&fixture, "initrd", "070701");
	mk_path(&fixture, "vmlinuz", kernel);
	mk_path(&fixture, "initrd", initrd);
	did[0] = '\0';
	load_result = file_load_result = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mk_machine_done(&fixture);
	return 0;
}

static void machine_free(struct kexec_machine **machine)
{
	kexec_machine_free(*machine);
}

static void request_free(struct kexec_request **request)
{
	kexec_request_free(*request);
}

static void plan_free(struct kexec_plan **plan)
{
	kexec_plan_free(*plan);
}

static struct kexec_machine *open_machine(const char *path)
{
	struct kexec_machine *machine;

	assert_int_equal(kexec_machine_open(path, &machine, NULL), 0);
	/* No test can make a system call that loads. */
	assert_null(machine->ops);
	return machine;
}

/* As the running one, but that loads are recorded. */
static struct kexec_machine *open_recorded(void)
{
	struct kexec_machine *machine = open_machine(fixture.path);

	machine->ops = &recording;
	return machine;
}

/* The kernel and the initrd by descriptors, which are closed at once. */
static struct kexec_request *new_request(const char *cmdline)
{
	int kernel_fd = open(kernel, O_RDONLY | O_CLOEXEC);
	int initrd_fd = open(initrd, O_RDONLY | O_CLOEXEC);
	struct kexec_request *request;

	assert_int_equal(kexec_request_new(&request, NULL), 0);
	assert_int_equal(kexec_request_set_kernel_fd(request, kernel_fd, NULL), 0);
	assert_int_equal(kexec_request_add_initrd_fd(request, initrd_fd, NULL), 0);
	assert_int_equal(kexec_request_set_cmdline(request, cmdline, NULL), 0);
	assert_int_equal(close(kernel_fd), 0);
	assert_int_equal(close(initrd_fd), 0);
	return request;
}

/* Its code and its sentence, and is freed. */
static void expect_error(struct kexec_error *error, int code, const char *text)
{
	assert_non_null(error);
	assert_string_equal(kexec_error_text(error), text);
	assert_int_equal(kexec_error_code(error), code);
	kexec_error_free(error);
}

/* What the command prints for the same. */
static char *said_by_command(const char *path, const char *const *options)
{
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct surroundings around = { .ops = &recording, .warnings = &warnings };
	char *argv[16] = { (char *)"kexec", (char *)"--dry-run", (char *)"--json", kernel };
	char with_initrd[MK_PATH_MAX + 16], *text = NULL;
	int argc = 4, status;
	struct request request;
	struct err err;
	size_t size;

	snprintf(with_initrd, sizeof(with_initrd), "--initrd=%s", initrd);
	argv[argc++] = with_initrd;
	while (*options)
		argv[argc++] = (char *)*options++;
	if (cli_parse(argc, argv, &request, &err))
		fail_msg("%s", err.text);
	assert_int_equal(root_open(path, &around.root, &err), 0);
	around.out = open_memstream(&text, &size);
	assert_int_equal(action_run(&request, &around, &status, &err), 0);
	assert_int_equal(fclose(around.out), 0);
	root_close(&around.root);
	return text;
}

struct setting {
	enum kexec_option option;
	uint64_t value;
};

static void expect_same_plan(const char *path, const char *const *options,
			     const struct setting *setting, size_t nr_settings)
{
	struct kexec_machine *machine CLEANUP(machine_free) = open_machine(path);
	struct kexec_request *request CLEANUP(request_free) = new_request("quiet");
	struct kexec_plan *plan CLEANUP(plan_free) = NULL;
	char *expected CLEANUP(text_done) = said_by_command(path, options);
	char *json CLEANUP(text_done) = NULL;
	struct kexec_error *error = NULL;

	for (size_t i = 0; i < nr_settings; i++)
		assert_int_equal(
			kexec_request_set(request, setting[i].option, setting[i].value, NULL), 0);
	if (kexec_plan_new(machine, request, KEXEC_PLAN_SHOW, &plan, &error))
		fail_msg("%s: %s", path, kexec_error_text(error));
	assert_int_equal(kexec_plan_json(plan, &json, NULL), 0);
	assert_string_equal(json, expected);
	assert_int_equal(kexec_plan_check(plan, NULL), 0);
}

static void test_same_as_the_command(void **state)
{
	static const struct setting crash[] = { { KEXEC_OPTION_CRASH, 1 },
						{ KEXEC_OPTION_SPARES, KEXEC_SPARES_ALWAYS } };
	static const struct setting limits[] = {
		{ KEXEC_OPTION_MEM_MIN, 64 << 20 },  { KEXEC_OPTION_MEM_MAX, 512 << 20 },
		{ KEXEC_OPTION_NO_CHECKS, 1 },	     { KEXEC_OPTION_LOADER, KEXEC_LOADER_OWN },
		{ KEXEC_OPTION_SERIAL_PORT, 0x2f8 }, { KEXEC_OPTION_SERIAL_BAUD, 9600 },
		{ KEXEC_OPTION_ENTRY_32BIT, 1 },     { KEXEC_OPTION_HALT_ON_CORRUPTION, 1 }
	};

	(void)state;
	expect_same_plan(fixture.path, (const char *const[]){ "-l", "--append=quiet", NULL }, NULL,
			 0);
	expect_same_plan("tests/sysroot/ovmf-1g",
			 (const char *const[]){ "-l", "--append=quiet", NULL }, NULL, 0);
	expect_same_plan("tests/sysroot/crash-low-high",
			 (const char *const[]){ "-p", "--append=quiet", "--spare-copy", NULL },
			 crash, 2);
	expect_same_plan("tests/sysroot/numa-4",
			 (const char *const[]){ "-c", "-l", "--append=quiet", "--mem-min=64M",
						"--mem-max=0x1fffffff", "-i", "--serial=0x2f8",
						"--serial-baud=9600", "--entry-32bit",
						"--on-corruption=halt", NULL },
			 limits, sizeof(limits) / sizeof(limits[0]));
}

/* A capture of the machine, as an archive, gives the plan that the machine gives. */
static void test_capture(void **state)
{
	struct kexec_machine *machine CLEANUP(machine_free) = open_machine("tests/sysroot/bios-1g");
	char archive[MK_PATH_MAX], *of_machine CLEANUP(text_done) = NULL;
	char *of_capture CLEANUP(text_done) = NULL;
	const char *const options[] = { "-l", "--append=quiet", NULL };
	struct kexec_capture *capture;
	struct kexec_error *error;
	int fd;

	(void)state;
	mk_path(&fixture, "capture.tar", archive);
	fd = open(archive, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(kexec_capture_new(machine, KEXEC_CAPTURE_CMDLINE, &capture, NULL), 0);
	assert_int_equal(kexec_capture_write(capture, fd, NULL), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(kexec_capture_warnings(capture), 0);
	assert_null(kexec_capture_warning(capture, 0));
	expect_same_plan(archive, options, NULL, 0);
	of_machine = said_by_command("tests/sysroot/bios-1g", options);
	of_capture = said_by_command(archive, options);
	assert_string_equal(of_machine, of_capture);
	assert_int_equal(kexec_capture_write(capture, -1, &error), -1);
	expect_error(error, KEXEC_ERROR_SYSTEM, "write: Bad file descriptor");
	kexec_capture_free(capture);
	assert_int_equal(kexec_capture_new(machine, 2, &capture, &error), -1);
	expect_error(error, KEXEC_ERROR_USAGE, "flags 0x2 of a capture are not known");
}

static size_t segment_of(const struct kexec_plan *plan, const char *name)
{
	for (size_t i = 0; i < kexec_plan_segments(plan); i++)
		if (!strcmp(kexec_plan_segment_name(plan, i), name))
			return i;
	fail_msg("no segment %s", name);
	return 0;
}

static void test_getters(void **state)
{
	struct kexec_machine *machine = open_machine(fixture.path);
	struct kexec_request *request = new_request("quiet");
	struct kexec_plan *plan CLEANUP(plan_free) = NULL;
	uint64_t end = 0;
	size_t at;

	(void)state;
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_SHOW, &plan, NULL), 0);
	/* It needs neither any more. */
	kexec_request_free(request);
	kexec_machine_free(machine);
	assert_int_equal(kexec_plan_loader(plan), KEXEC_LOADER_OWN);
	assert_string_equal(kexec_plan_loader_reason(plan), "placed and verified by this loader");
	assert_int_equal(kexec_plan_complete(plan), 1);
	assert_string_equal(kexec_plan_cmdline(plan), "quiet");
	assert_int_equal(kexec_plan_segments(plan), 4);
	at = segment_of(plan, "initrd");
	for (size_t i = 0; i < 4; i++) {
		assert_true(kexec_plan_segment_address(plan, i) >= end);
		assert_int_equal(kexec_plan_segment_address(plan, i) % 4096, 0);
		assert_true(kexec_plan_segment_size(plan, i) <=
			    kexec_plan_segment_memory_size(plan, i));
		end = kexec_plan_segment_address(plan, i) + kexec_plan_segment_memory_size(plan, i);
	}
	assert_string_equal(kexec_plan_segment_purpose(plan, at), "the initial ramdisk");
	assert_int_equal(kexec_plan_segment_size(plan, at), 6);
	assert_memory_equal(kexec_plan_segment_data(plan, at), "070701", 6);
	assert_int_equal(kexec_plan_footprint_start(plan),
			 kexec_plan_segment_address(plan, segment_of(plan, "kernel")));
	assert_int_equal(kexec_plan_footprint_end(plan) - kexec_plan_footprint_start(plan),
			 MK_IMAGE_INIT_SIZE);
	assert_int_equal(kexec_plan_kernel_entry(plan), kexec_plan_footprint_start(plan) + 0x200);
	assert_int_not_equal(kexec_plan_entry(plan), 0);
	assert_true(kexec_plan_reasons(plan) > 0);
	assert_non_null(kexec_plan_reason(plan, 0));
	assert_null(kexec_plan_reason(plan, kexec_plan_reasons(plan)));
	assert_null(kexec_plan_warning(plan, kexec_plan_warnings(plan)));
	assert_null(kexec_plan_segment_name(plan, 4));
	assert_null(kexec_plan_segment_data(plan, 4));
	assert_int_equal(kexec_plan_segment_address(plan, 4), 0);
}

/* The command line is handed on byte for byte; what is made to be read has nothing of it that a
 * terminal obeys, or that is no UTF-8. */
static void test_odd_text(void **state)
{
	static const char cmdline[] = "a=\033]0;owned\a b=\xe4\xff c=\u00e4\x7f";
	struct kexec_machine *machine CLEANUP(machine_free) = open_machine(fixture.path);
	struct kexec_request *request CLEANUP(request_free) = new_request(cmdline);
	struct kexec_plan *plan CLEANUP(plan_free) = NULL;
	char *json CLEANUP(text_done) = NULL;

	(void)state;
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_SHOW, &plan, NULL), 0);
	assert_string_equal(kexec_plan_cmdline(plan), cmdline);
	assert_int_equal(kexec_plan_json(plan, &json, NULL), 0);
	assert_non_null(strstr(json, "\"cmdline\":\"a=\\u001b]0;owned\\u0007 b=?? c=\u00e4?\""));
	assert_null(strpbrk(json, "\033\xff"));
}

static void test_submit(void **state)
{
	struct kexec_machine *machine CLEANUP(machine_free) = open_recorded();
	struct kexec_request *request CLEANUP(request_free) = new_request("quiet");
	struct kexec_plan *plan CLEANUP(plan_free) = NULL;
	struct kexec_plan *shown CLEANUP(plan_free) = NULL;
	struct kexec_error *error;
	char *json;

	(void)state;
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_LOAD, &plan, NULL), 0);
	assert_string_equal(did, "");
	assert_int_equal(kexec_plan_submit(plan, NULL), 0);
	assert_string_equal(did, "load(4,0x3e0000) ");
	/* What was loaded can still be shown. */
	assert_int_equal(kexec_plan_json(plan, &json, NULL), 0);
	free(json);
	assert_int_equal(kexec_plan_check(plan, &error), -1);
	expect_error(error, KEXEC_ERROR_USAGE,
		     "a plan that was submitted cannot be checked any more");
	assert_int_equal(kexec_plan_submit(plan, &error), -1);
	expect_error(error, KEXEC_ERROR_USAGE, "a plan can be submitted only once");
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_SHOW, &shown, NULL), 0);
	assert_int_equal(kexec_plan_submit(shown, &error), -1);
	expect_error(error, KEXEC_ERROR_USAGE,
		     "a plan that was made to be shown cannot be submitted");
	assert_string_equal(did, "load(4,0x3e0000) ");
	did[0] = '\0';
	assert_int_equal(kexec_unload(machine, 0, KEXEC_LOADER_AUTO, NULL), 0);
	assert_string_equal(did, "file_load(none,none,,0x1) ");
	assert_int_equal(kexec_unload(machine, 0, 3, &error), -1);
	expect_error(error, KEXEC_ERROR_USAGE, "there is no loader 3");
}

/* Ours has loaded what was planned; the running kernel's would read the file as it is now. */
static void test_changed(void **state)
{
	struct kexec_machine *machine CLEANUP(machine_free) = open_recorded();
	struct kexec_request *request CLEANUP(request_free) = new_request("quiet");
	struct kexec_plan *own CLEANUP(plan_free) = NULL;
	struct kexec_plan *by_kernel CLEANUP(plan_free) = NULL;
	struct kexec_error *error;

	(void)state;
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_LOAD, &own, NULL), 0);
	assert_int_equal(kexec_request_set(request, KEXEC_OPTION_LOADER, KEXEC_LOADER_KERNEL, NULL),
			 0);
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_LOAD, &by_kernel, NULL), 0);
	assert_int_equal(truncate(kernel, MK_IMAGE_SIZE - 1), 0);
	assert_int_equal(kexec_plan_submit(own, NULL), 0);
	assert_string_equal(did, "load(4,0x3e0000) ");
	assert_int_equal(kexec_plan_submit(by_kernel, &error), -1);
	assert_non_null(strstr(kexec_error_text(error), "changed while it was being loaded"));
	assert_string_equal(did, "load(4,0x3e0000) ");
	kexec_error_free(error);
}

/* The other loader is tried where that can help; else the error says why, and what to do. */
static void test_refused(void **state)
{
	struct kexec_machine *machine CLEANUP(machine_free) = open_recorded();
	struct kexec_request *request CLEANUP(request_free) = new_request("quiet");
	struct kexec_plan *plan = NULL;
	struct kexec_error *error;

	(void)state;
	load_result = -EPERM;
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_LOAD, &plan, NULL), 0);
	assert_int_equal(kexec_plan_submit(plan, NULL), 0);
	assert_string_equal(did, "load(4,0x3e0000) file_load(kernel,initrd,quiet,0x0) ");
	assert_int_equal(kexec_plan_loader(plan), KEXEC_LOADER_KERNEL);
	assert_int_equal(kexec_plan_segments(plan), 0);
	kexec_plan_free(plan);
	load_result = -EBUSY;
	did[0] = '\0';
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_LOAD, &plan, NULL), 0);
	assert_int_equal(kexec_plan_submit(plan, &error), -1);
	assert_string_equal(did, "load(4,0x3e0000) ");
	assert_int_equal(kexec_error_errno(error), EBUSY);
	assert_int_equal(kexec_error_code(error), KEXEC_ERROR_REFUSED);
	kexec_error_free(error);
	kexec_plan_free(plan);
}

/* Under a lockdown the running kernel's loader gets the file: there is nothing to show. */
static void test_lockdown(void **state)
{
	struct kexec_machine *machine CLEANUP(machine_free) = open_recorded();
	struct kexec_request *request CLEANUP(request_free) = new_request("quiet");
	struct kexec_plan *plan CLEANUP(plan_free) = NULL;
	struct kexec_error *error;
	char *json;

	(void)state;
	mk_text(&fixture, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_LOAD, &plan, NULL), 0);
	assert_int_equal(kexec_plan_loader(plan), KEXEC_LOADER_KERNEL);
	assert_int_equal(kexec_plan_segments(plan), 0);
	assert_int_equal(kexec_plan_check(plan, NULL), 0);
	assert_int_equal(kexec_plan_json(plan, &json, &error), -1);
	expect_error(error, KEXEC_ERROR_USAGE,
		     "there is no plan to show: the running kernel's own loader makes it");
	assert_int_equal(kexec_plan_submit(plan, NULL), 0);
	assert_string_equal(did, "file_load(kernel,initrd,quiet,0x0) ");
}

/* The running kernel's loader was chosen and has failed: ours has a plan after all. */
static void test_planned_late(void **state)
{
	struct kexec_machine *machine CLEANUP(machine_free) = open_recorded();
	struct kexec_request *request CLEANUP(request_free) = new_request("quiet");
	struct kexec_plan *plan CLEANUP(plan_free) = NULL;

	(void)state;
	mk_text(&fixture, "proc/sys/kernel/osrelease", "6.18.0\n");
	mk_text(&fixture, "sys/kernel/security/ima/runtime_measurements_count", "2\n");
	file_load_result = -ENOEXEC;
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_LOAD, &plan, NULL), 0);
	assert_int_equal(kexec_plan_segments(plan), 0);
	assert_int_equal(kexec_plan_submit(plan, NULL), 0);
	assert_string_equal(did, "file_load(kernel,initrd,quiet,0x0) load(4,0x3e0000) ");
	assert_int_equal(kexec_plan_loader(plan), KEXEC_LOADER_OWN);
	assert_int_equal(kexec_plan_segments(plan), 4);
	for (size_t i = 1; i < 4; i++)
		assert_true(kexec_plan_segment_address(plan, i) >
			    kexec_plan_segment_address(plan, i - 1));
}

static void test_errors(void **state)
{
	struct kexec_machine *machine CLEANUP(machine_free) = NULL;
	struct kexec_request *request CLEANUP(request_free) = NULL;
	struct kexec_plan *plan;
	struct kexec_error *error = NULL;

	(void)state;
	assert_int_equal(kexec_machine_open(NULL, &machine, &error), -1);
	expect_error(error, KEXEC_ERROR_USAGE, "no directory or capture is named");
	assert_int_equal(kexec_machine_open("/nonexistent", &machine, NULL), -1);
	assert_null(machine);
	assert_int_equal(kexec_machine_open("/nonexistent", &machine, &error), -1);
	assert_int_equal(kexec_error_errno(error), ENOENT);
	assert_string_equal(kexec_error_advice(error), "ls -l FILE");
	expect_error(error, KEXEC_ERROR_SYSTEM, "/nonexistent: No such file or directory");
	kexec_error_free(NULL);
	machine = open_machine(fixture.path);
	assert_int_equal(kexec_request_new(&request, NULL), 0);
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_SHOW, &plan, &error), -1);
	expect_error(error, KEXEC_ERROR_USAGE, "the request has no kernel");
	assert_int_equal(kexec_request_set_kernel(request, "no kernel", 9, NULL), 0);
	assert_int_equal(kexec_plan_new(machine, request, 7, &plan, &error), -1);
	expect_error(error, KEXEC_ERROR_USAGE, "a plan has no purpose 7");
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_LOAD, &plan, &error), -1);
	expect_error(error, KEXEC_ERROR_USAGE,
		     "nothing can be loaded on another machine than the running one");
	assert_int_equal(kexec_unload(machine, 0, KEXEC_LOADER_AUTO, &error), -1);
	expect_error(error, KEXEC_ERROR_USAGE,
		     "nothing is loaded on another machine than the running one");
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_SHOW, &plan, &error), -1);
	assert_non_null(strstr(kexec_error_text(error), "memory: "));
	assert_int_equal(kexec_error_code(error), KEXEC_ERROR_INPUT);
	assert_non_null(kexec_error_advice(error));
	kexec_error_free(error);
	assert_int_equal(kexec_request_set(request, KEXEC_OPTION_HOTPLUG, 1, NULL), 0);
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_SHOW, &plan, &error), -1);
	expect_error(error, KEXEC_ERROR_USAGE,
		     "the options for hotplug and spare copies are of crash kernels");
	assert_int_equal(kexec_request_set(request, KEXEC_OPTION_CRASH, 1, NULL), 0);
	assert_int_equal(kexec_request_set(request, KEXEC_OPTION_SPARES, KEXEC_SPARES_ALWAYS, NULL),
			 0);
	assert_int_equal(kexec_request_set(request, KEXEC_OPTION_NO_CHECKS, 1, NULL), 0);
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_SHOW, &plan, &error), -1);
	expect_error(error, KEXEC_ERROR_USAGE,
		     "spare copies without checks: damage that nobody looks for is not repaired");
	assert_int_equal(kexec_request_set_kernel_fd(request, -1, &error), -1);
	expect_error(error, KEXEC_ERROR_SYSTEM, "kernel: descriptor: Bad file descriptor");
	assert_int_equal(kexec_request_add_initrd(request, "", 0, &error), -1);
	expect_error(error, KEXEC_ERROR_INPUT, "initrd: memory: the file is empty");
	for (int i = 0; i < 64; i++)
		assert_int_equal(kexec_request_add_initrd(request, "x", 1, NULL), 0);
	assert_int_equal(kexec_request_add_initrd(request, "x", 1, &error), -1);
	expect_error(error, KEXEC_ERROR_USAGE, "more than 64 initrds");
}

/* The value before stays. */
static void test_options(void **state)
{
	static const struct setting wrong[] = {
		{ KEXEC_OPTION_LOADER, 3 },
		{ KEXEC_OPTION_CRASH, 2 },
		{ KEXEC_OPTION_NO_CHECKS, 2 },
		{ KEXEC_OPTION_MEM_MIN, PHYS_LIMIT },
		{ KEXEC_OPTION_MEM_MAX, UINT64_MAX },
		{ KEXEC_OPTION_DIRECT, 3 },
		{ KEXEC_OPTION_UNPACK_INITRD, 2 },
		{ KEXEC_OPTION_NO_EFI, 2 },
		{ KEXEC_OPTION_ENTRY_32BIT, 2 },
		{ KEXEC_OPTION_UKI_PROFILE, UINT64_C(1) << 32 },
		{ KEXEC_OPTION_HOTPLUG, 2 },
		{ KEXEC_OPTION_SPARES, 3 },
		{ KEXEC_OPTION_SERIAL_PORT, 65536 },
		{ KEXEC_OPTION_SERIAL_BAUD, 7 },
		{ KEXEC_OPTION_SERIAL_BAUD, 230400 },
		{ KEXEC_OPTION_HALT_ON_CORRUPTION, 2 },
	};
	static const unsigned int unknown[] = { 0, 16 };
	struct kexec_machine *machine CLEANUP(machine_free) = open_machine(fixture.path);
	struct kexec_request *request CLEANUP(request_free) = new_request("quiet");
	struct kexec_plan *plan CLEANUP(plan_free) = NULL;
	struct kexec_error *error;
	char text[80];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(
			kexec_request_set(request, wrong[i].option, wrong[i].value, &error), -1);
		snprintf(text, sizeof(text), "option %u of a request does not take %llu",
			 (unsigned int)wrong[i].option, (unsigned long long)wrong[i].value);
		expect_error(error, KEXEC_ERROR_USAGE, text);
	}
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		assert_int_equal(
			kexec_request_set(request, (enum kexec_option)unknown[i], 0, &error), -1);
		assert_string_equal(kexec_error_advice(error), "install a newer safekexec");
		snprintf(text, sizeof(text), "option %u of a request is not known", unknown[i]);
		expect_error(error, KEXEC_ERROR_USAGE, text);
	}
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_SHOW, &plan, NULL), 0);
	assert_int_equal(kexec_plan_segment_address(plan, segment_of(plan, "kernel")), 16 << 20);
}

/* A pipe is read when it is given; the descriptors are the caller's, and none is left behind. */
static void test_descriptors(void **state)
{
	struct kexec_machine *machine CLEANUP(machine_free) = open_machine(fixture.path);
	struct kexec_request *request = new_request("quiet");
	struct kexec_plan *plan = NULL;
	int first_free = dup(0), end[2], fd;
	struct kexec_error *error;
	struct stat status;
	char *json;
	size_t at;

	(void)state;
	assert_true(first_free > 0);
	close(first_free);
	assert_int_equal(pipe(end), 0);
	assert_int_equal(write(end[1], "070701 of a pipe", 16), 16);
	close(end[1]);
	assert_int_equal(kexec_request_add_initrd_fd(request, end[0], NULL), 0);
	assert_int_equal(fstat(end[0], &status), 0);
	close(end[0]);
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_SHOW, &plan, NULL), 0);
	at = segment_of(plan, "initrd");
	assert_int_equal(kexec_plan_segment_size(plan, at), 4096 + 16);
	assert_memory_equal((const char *)kexec_plan_segment_data(plan, at) + 4096,
			    "070701 of a pipe", 16);
	/* A file that shrinks is no signal: what was read is there. */
	assert_int_equal(truncate(kernel, 0), 0);
	assert_int_equal(kexec_plan_json(plan, &json, NULL), 0);
	free(json);
	kexec_plan_free(plan);
	assert_int_equal(kexec_plan_new(machine, request, KEXEC_PLAN_SHOW, &plan, &error), -1);
	assert_non_null(strstr(kexec_error_text(error), "the file is empty"));
	kexec_error_free(error);
	kexec_request_free(request);
	/* The one of the request's kernel and of its first initrd are gone, too. */
	fd = dup(0);
	assert_true(fd <= first_free);
	close(fd);
}

/* A locale that has its own words for errors is the caller's, during a call and after it. */
static void test_locale(void **state)
{
	locale_t own = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0), before;
	struct kexec_machine *machine = NULL;
	struct kexec_error *error;

	(void)state;
	assert_non_null(own);
	before = uselocale(own);
	assert_int_equal(kexec_machine_open("/nonexistent", &machine, &error), -1);
	expect_error(error, KEXEC_ERROR_SYSTEM, "/nonexistent: No such file or directory");
	assert_ptr_equal(uselocale(before), own);
	freelocale(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_same_as_the_command, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_capture, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_getters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_odd_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_submit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_changed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lockdown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_planned_late, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_options, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_descriptors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_locale, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
