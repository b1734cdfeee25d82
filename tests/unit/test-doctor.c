/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is found wrong with machines that have something wrong with them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kexec/doctor.h"
#include "tests/mk/image.h"
#include "tests/mk/machine.h"

static struct mk_machine machine;
static char kernel[MK_PATH_MAX];

static const char iomem[] = "00001000-0009fbff : System RAM\n"
			    "00100000-3fffffff : System RAM\n"
			    "  10000000-17ffffff : Crash kernel\n";

struct row {
	const char *path, *text; /* text NULL: the file is not there */
	bool fails;
	const char *said;
};

static const struct row rows[] = {
	{ "sys/kernel/kexec_loaded", NULL, true,
	  "fail  system call    the running kernel was built without kexec "
	  "(/sys/kernel/kexec_loaded is missing)\n"
	  "                     try: install a kernel with CONFIG_KEXEC\n" },
	{ "proc/sys/kernel/kexec_load_disabled", "1\n", true,
	  "fail  system call    kernel.kexec_load_disabled is 1: nothing can be loaded until the next "
	  "boot\n                     try: reboot; find what sets it in sysctl.d\n" },
	{ "proc/sys/kernel/kexec_load_limit_reboot", "0\n", true,
	  "fail  kexec_load_limit_reboot 0 more loads are allowed until the next boot\n" },
	{ "proc/sys/kernel/kexec_load_limit_panic", "3\n", false,
	  "warn  kexec_load_limit_panic 3 more loads are allowed until the next boot\n" },
	{ "proc/sys/kernel/kexec_load_limit_panic", "-1\n", false, "ok    lockdown       none\n" },
	{ "sys/kernel/security/lockdown", "none [integrity] confidentiality\n", false,
	  "warn  lockdown       the kernel is locked down (integrity): its own loader must be used, " },
	{ "proc/iomem", "00000000-00000000 : System RAM\n", true,
	  "fail  machine        /proc/iomem hides every address\n                     try: run this as root\n" },
	{ "proc/xen/capabilities", "control_d\n", true,
	  "fail  hypervisor     this is Xen's dom0: the hypervisor would have to be started again, not "
	  "Linux\n" },
	{ "proc/cmdline", "quiet\n", false,
	  "warn  console        no serial console: if the purgatory finds damage nobody hears of it\n" },
	{ "proc/cmdline", "console=ttyS1\n", false,
	  "ok    console        the purgatory speaks on the serial port 0x2f8\n" },
	{ "proc/iomem", "00100000-3fffffff : System RAM\n", false,
	  "warn  reservation    none: if this kernel crashes, nobody learns why\n"
	  "                     try: boot the running kernel with crashkernel=80M\n" },
	{ "proc/iomem", "00100000-3fffffff : System RAM\n  10000000-11ffffff : Crash kernel\n",
	  true, "fail  reservation    " },
	{ "proc/iomem", "00100000-3fffffff : System RAM\n  10000000-13ffffff : Crash kernel\n",
	  false,
	  "warn  reservation    65536 KiB; to load, to boot and to write a dump takes about 81920 KiB, "
	  "and the crash kernel would be checked and repaired\n                     try: boot the "
	  "running kernel with crashkernel=80M\n" },
	{ "proc/iomem",
	  "00001000-0009fbff : System RAM\n00100000-00ffffff : System RAM\n20000000-20ffffff : System "
	  "RAM\n",
	  true, "fail  reboot         " },
	{ "sys/kernel/crash_elfcorehdr_size", "16384\n", false,
	  "ok    hotplug        with --hotplug the dump follows memory and CPUs that come and go\n" },
	{ "sys/kernel/kexec_crash_loaded", "1\n", false, "ok    loaded         a crash kernel\n" },
	{ "sys/kernel/kexec_crash_loaded", "0\n", false, "warn  loaded         no crash kernel\n" },
};

static int set_up(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];

	(void)state;
	mk_machine_init(&machine);
	mk_image(image);
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	mk_path(&machine, "vmlinuz", kernel);
	mk_text(&machine, "proc/iomem", iomem);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mk_machine_done(&machine);
	return 0;
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct root root;
		const struct doctor_request request = { .root = &root, .kernel = kernel };
		struct err err = { 0 };
		char *said = NULL;
		size_t size;
		bool failed;
		FILE *to = open_memstream(&said, &size);

		set_up(state);
		mk_text(&machine, "sys/kernel/kexec_loaded", "0\n");
		mk_text(&machine, "sys/kernel/kexec_crash_loaded", "0\n");
		if (row->text)
			mk_text(&machine, row->path, row->text);
		else
			mk_file(&machine, row->path, NULL, 0);
		assert_int_equal(root_open(machine.path, &root, &err), 0);
		if (doctor(&request, to, &failed, &err))
			fail_msg("row %zu: %s", i, err.text);
		fclose(to);
		if (!strstr(said, row->said) || failed != row->fails)
			fail_msg("row %zu: expected \"%s\", got \"%s\"", i, row->said, said);
		free(said);
		root_close(&root);
		tear_down(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
