/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said of each failure of a system call, on machines that show its cause. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kexec/lib/explain.h"
#include "tests/mk/machine.h"
#include "x86/bootparam.h"

enum { SIZE = 0x100000 };

static struct mk_machine machine;
static struct root root;
static struct plan plan;

/* A file that the machine has, for one row; NULL path: none. */
struct row {
	enum explain_call call;
	int error;
	bool crash, with_plan;
	const char *path, *text;
	const char *said;
};

static const struct row rows[] = {
	{ EXPLAIN_LOAD, EPERM, false, false, "proc/self/status", "CapEff:\t000001ffffbfffff\n",
	  "kexec_load failed: Operation not permitted: CAP_SYS_BOOT is needed; try: sudo kexec ..." },
	{ EXPLAIN_START, EPERM, false, false, "proc/self/status", "CapEff:\t0000000000000000\n",
	  "kexec failed: Operation not permitted: CAP_SYS_BOOT is needed; try: sudo kexec ..." },
	{ EXPLAIN_LOAD, EPERM, false, false, "proc/self/status", "CapEff:\t0000000000400000\n",
	  "kexec_load failed: Operation not permitted: a security module forbids it, or this is a "
	  "container; try: journalctl -k -g kexec" },
	{ EXPLAIN_LOAD, EPERM, false, false, "proc/sys/kernel/kexec_load_disabled", "1\n",
	  "kexec_load failed: Operation not permitted: kernel.kexec_load_disabled is 1, and stays so "
	  "until the next boot; try: reboot" },
	{ EXPLAIN_FILE_LOAD, EPERM, false, false, "proc/sys/kernel/kexec_load_limit_reboot", "0\n",
	  "kexec_file_load failed: Operation not permitted: kernel.kexec_load_limit_reboot is 0: it "
	  "counts every load and unload, also one that fails, and none is left; try: reboot" },
	{ EXPLAIN_LOAD, EPERM, true, false, "proc/sys/kernel/kexec_load_limit_panic", "0\n",
	  "kexec_load failed: Operation not permitted: kernel.kexec_load_limit_panic is 0: it "
	  "counts every load and unload, also one that fails, and none is left; try: reboot" },
	{ EXPLAIN_LOAD, EPERM, true, false, "proc/sys/kernel/kexec_load_limit_reboot", "0\n",
	  "kexec_load failed: Operation not permitted: a security module forbids it, or this is a "
	  "container; try: journalctl -k -g kexec" },
	{ EXPLAIN_LOAD, EPERM, false, false, "sys/kernel/security/lockdown",
	  "none [integrity] confidentiality\n",
	  "kexec_load failed: Operation not permitted: the kernel is locked down (integrity): only a "
	  "kernel with a signature that it trusts can be loaded, with -s; try: kexec -s -l "
	  "KERNEL.signed, or turn Secure Boot off" },
	{ EXPLAIN_FILE_LOAD, EACCES, false, false, NULL, NULL,
	  "kexec_file_load failed: Permission denied: a security module forbids it: IMA appraises "
	  "what is loaded, or a policy of SELinux; try: kexec -s -l KERNEL.signed" },
	{ EXPLAIN_FILE_LOAD, ELIBBAD, false, false, NULL, NULL,
	  "kexec_file_load failed: Accessing a corrupted shared library: the kernel's PE header, or "
	  "the table of its signatures, is malformed; try: sbverify --list KERNEL" },
	{ EXPLAIN_FILE_LOAD, ENOPKG, false, false, NULL, NULL,
	  "kexec_file_load failed: Package not installed: the kernel's signature is of a kind that "
	  "the running kernel was built without; try: sbverify --list KERNEL" },
	{ EXPLAIN_FILE_LOAD, EKEYREJECTED, false, false, NULL, NULL,
	  "kexec_file_load failed: Key was rejected by service: the kernel's contents do not match its "
	  "signature, or the signature is revoked; try: sbverify --cert CERTIFICATE KERNEL" },
	{ EXPLAIN_FILE_LOAD, ENOKEY, false, false, NULL, NULL,
	  "kexec_file_load failed: Required key not available: the kernel's signature is of a key that "
	  "the running kernel does not have; try: sbverify --list KERNEL; mokutil --list-enrolled" },
	{ EXPLAIN_FILE_LOAD, ENODATA, false, false, NULL, NULL,
	  "kexec_file_load failed: No data available: the kernel is not signed, and must be; try: "
	  "sbverify --list KERNEL" },
	{ EXPLAIN_FILE_LOAD, EBADMSG, false, false, NULL, NULL,
	  "kexec_file_load failed: Bad message: the kernel's signature is malformed; try: sbverify "
	  "--list KERNEL" },
	{ EXPLAIN_LOAD, ENOSYS, false, false, "boot/config-6.1.0-test",
	  "CONFIG_A=y\n# CONFIG_KEXEC is not set\n# CONFIG_KEXEC_FILE is not set\n",
	  "kexec_load failed: Function not implemented: the running kernel was built without this "
	  "system call (/boot/config-6.1.0-test: no CONFIG_KEXEC=y); try: install a kernel that "
	  "has it" },
	{ EXPLAIN_FILE_LOAD, ENOSYS, false, false, "boot/config-6.1.0-test",
	  "CONFIG_A=y\n# CONFIG_KEXEC is not set\n# CONFIG_KEXEC_FILE is not set\n",
	  "kexec_file_load failed: Function not implemented: the running kernel was built without "
	  "this system call (/boot/config-6.1.0-test: no CONFIG_KEXEC_FILE=y); try: install a "
	  "kernel that has it" },
	{ EXPLAIN_FILE_LOAD, ENOSYS, false, false, "lib/modules/6.1.0-test/config",
	  "# Automatically generated\nCONFIG_KEXEC=y\n",
	  "kexec_file_load failed: Function not implemented: the running kernel was built without "
	  "this system call (/lib/modules/6.1.0-test/config: no CONFIG_KEXEC_FILE=y); try: install "
	  "a kernel that has it" },
	{ EXPLAIN_LOAD, ENOSYS, false, false, "boot/config-6.1.0-test",
	  "# Automatically generated\nCONFIG_KEXEC=y\n# CONFIG_KEXEC_FILE is not set\n",
	  "kexec_load failed: Function not implemented: the running kernel was built without this "
	  "system call, or a container hides it; try: kexec -s ..." },
	{ EXPLAIN_FILE_LOAD, ENOSYS, false, false, NULL, NULL,
	  "kexec_file_load failed: Function not implemented: the running kernel was built without "
	  "this system call, or a container hides it; try: kexec -c ..." },
	{ EXPLAIN_START, EBUSY, false, false, NULL, NULL,
	  "kexec failed: Device or resource busy: another load is under way; try: the same again" },
	{ EXPLAIN_FILE_LOAD, ETXTBSY, false, false, NULL, NULL,
	  "kexec_file_load failed: Text file busy: somebody has the file open to write to it; try: "
	  "fuser -v KERNEL" },
	{ EXPLAIN_FILE_LOAD, ENOEXEC, false, false, NULL, NULL,
	  "kexec_file_load failed: Exec format error: the running kernel's loader does not take this "
	  "image; try: kexec -c ..." },
	{ EXPLAIN_FILE_LOAD, EFBIG, false, false, NULL, NULL,
	  "kexec_file_load failed: File too large: a file is larger than the running kernel reads; "
	  "try: kexec -c ..." },
	{ EXPLAIN_LOAD, EADDRNOTAVAIL, true, true, "proc/iomem", "00100000-3fffffff : System RAM\n",
	  "kexec_load failed: Cannot assign requested address: no memory is reserved for a crash "
	  "kernel; try: kexec --estimate KERNEL, and boot the running kernel with that crashkernel=" },
	{ EXPLAIN_LOAD, EADDRNOTAVAIL, true, true, "proc/iomem",
	  "00100000-3fffffff : System RAM\n  10000000-107fffff : Crash kernel\n",
	  "kexec_load failed: Cannot assign requested address: initrd 0x10780000-0x10880000 is outside "
	  "the reservation, which is 0x10000000-0x10800000 now; it was inside when the plan was made; try: the same again" },
	{ EXPLAIN_LOAD, EADDRNOTAVAIL, true, true, "proc/iomem",
	  "00100000-3fffffff : System RAM\n  10000000-1fffffff : Crash kernel\n",
	  "kexec_load failed: Cannot assign requested address: the kernel refuses the address of a "
	  "segment; try: kexec --dry-run ... and a report of what it says" },
	{ EXPLAIN_FILE_LOAD, EADDRNOTAVAIL, true, false, "proc/iomem",
	  "00100000-3fffffff : System RAM\n  10000000-10ffffff : Crash kernel\n",
	  "kexec_file_load failed: Cannot assign requested address: the running kernel's loader finds "
	  "no place in the reservation of 16384 KiB; try: kexec -c -p --dry-run KERNEL, which says what "
	  "would do" },
	{ EXPLAIN_FILE_LOAD, EADDRNOTAVAIL, false, false, NULL, NULL,
	  "kexec_file_load failed: Cannot assign requested address: the running kernel's loader finds "
	  "no place in memory; try: kexec -c ..." },
	{ EXPLAIN_LOAD, ENOMEM, true, true, NULL, NULL,
	  "kexec_load failed: Cannot allocate memory: the running kernel has no room left in the "
	  "reservation for its page tables; try: boot the running kernel with a larger crashkernel=" },
	{ EXPLAIN_LOAD, ENOMEM, false, true, "proc/meminfo",
	  "MemTotal:  100000 kB\nMemAvailable:   1500 kB\n",
	  "kexec_load failed: Cannot allocate memory: the running kernel has no memory for a second "
	  "copy of the segments (1500 KiB are available, what is to be loaded has 2048 KiB); try: "
	  "ps aux --sort=-rss | head, and end what can go" },
	{ EXPLAIN_LOAD, ENOMEM, false, true, "proc/meminfo", "MemAvailable:   15000 kB\n",
	  "kexec_load failed: Cannot allocate memory: the running kernel found too little memory in "
	  "one piece, or none for a moment; try: the same again" },
	{ EXPLAIN_FILE_LOAD, ENOMEM, true, false, "proc/meminfo", "MemAvailable:   1500 kB\n",
	  "kexec_file_load failed: Cannot allocate memory: the running kernel has no memory to read "
	  "the files into (1500 KiB are available, what is to be loaded has 3072 KiB); try: kexec -c "
	  "..., which reads no copy" },
	{ EXPLAIN_FILE_LOAD, ENOMEM, true, false, "proc/meminfo", "MemAvailable:   15000 kB\n",
	  "kexec_file_load failed: Cannot allocate memory: the running kernel has no room left in the "
	  "reservation for its page tables; try: boot the running kernel with a larger crashkernel=" },
	{ EXPLAIN_LOAD, EFAULT, false, true, NULL, NULL,
	  "kexec_load failed: Bad address: a file shrank while the kernel copied it; try: the same "
	  "again" },
	{ EXPLAIN_LOAD, EINVAL, false, true, "proc/meminfo", "MemTotal:  4094 kB\n",
	  "kexec_load failed: Invalid argument: what is to be loaded is more than half of memory "
	  "(2048 KiB of 4094 KiB); try: the same with a smaller initrd" },
	{ EXPLAIN_LOAD, EINVAL, false, true, "proc/meminfo", "MemTotal:  4096 kB\n",
	  "kexec_load failed: Invalid argument: the running kernel does not take an argument of the "
	  "call; try: dmesg | tail" },
	{ EXPLAIN_FILE_LOAD, EINVAL, true, false, NULL, NULL,
	  "kexec_file_load failed: Invalid argument: the command line is longer than the kernel takes "
	  "(2018 characters of 2017); try: a shorter line, all of it by --append=..., without --reuse-cmdline and --boot-entry" },
	{ EXPLAIN_FILE_LOAD, EINVAL, false, false, NULL, NULL,
	  "kexec_file_load failed: Invalid argument: the running kernel does not take an argument of "
	  "the call; try: dmesg | tail" },
	{ EXPLAIN_START, EINVAL, false, false, "sys/kernel/kexec_loaded", "0\n",
	  "kexec failed: Invalid argument: nothing is loaded; try: kexec -l KERNEL" },
	{ EXPLAIN_START, EINVAL, false, false, "sys/kernel/kexec_loaded", "1\n",
	  "kexec failed: Invalid argument: this is a container: only processes of the machine itself "
	  "may start a kernel; try: kexec -e outside of it" },
	{ EXPLAIN_LOAD, EOPNOTSUPP, false, false, NULL, NULL,
	  "kexec_load failed: Operation not supported: the running kernel does no kexec on this "
	  "machine; try: dmesg | grep -i kexec" },
	{ EXPLAIN_START, EIO, false, false, NULL, NULL,
	  "kexec failed: Input/output error: nothing is known of this error; the kernel's log may say "
	  "more; try: dmesg | tail" },
};

static int set_up(void **state)
{
	struct err err;

	(void)state;
	mk_machine_init(&machine);
	mk_text(&machine, "proc/sys/kernel/osrelease", "6.1.0-test\n");
	plan_init(&plan, NULL);
	plan.item[0] = (struct plan_item){ .name = "kernel", .mem_size = SIZE };
	plan.item[0].load = (struct range){ 0x10000000, 0x10000000 + SIZE };
	plan.item[1] = (struct plan_item){ .name = "initrd", .mem_size = SIZE };
	plan.item[1].load = (struct range){ 0x10780000, 0x10780000 + SIZE };
	plan.nr_items = 2;
	return root_open(machine.path, &root, &err);
}

static int tear_down(void **state)
{
	(void)state;
	root_close(&root);
	mk_machine_done(&machine);
	return 0;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		bool used_up;
		struct err err = { 0 };

		if (row->path)
			mk_text(&machine, row->path, row->text);
		used_up = explain_used_up(&root, row->crash);

		const struct explain_failure failure = {
			.call = row->call,
			.error = row->error,
			.crash = row->crash,
			.root = &root,
			.used_up = used_up,
			.plan = row->with_plan ? &plan : NULL,
			.files_size = row->call == EXPLAIN_FILE_LOAD ? 3 * SIZE : 0,
			.cmdline_length = 2018,
			.cmdline_max = 2047,
		};

		assert_int_equal(explain(&failure, &err), -1);
		assert_string_equal(err.text, row->said);
		assert_int_equal(err.code, ERR_REFUSED);
		assert_int_equal(err.sys_errno, row->error);
		if (row->path)
			mk_file(&machine, row->path, NULL, 0);
	}
}

/* Each cause has a row above. */
static void test_all_are_tried(void **state)
{
	size_t count;
	const struct explain_cause *cause = explain_causes(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const char *slot = strstr(cause[i].cause, "%s");
		const char *end = slot ? slot + 2 : cause[i].cause;
		bool found = strstr(cause[i].cause, "Secure Boot is on"); /* test_secure_boot() */

		for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++)
			found |= (!cause[i].error || rows[j].error == cause[i].error) &&
				 (rows[j].call & cause[i].calls) && strstr(rows[j].said, end) &&
				 strstr(rows[j].said, cause[i].next);
		if (!found)
			fail_msg("no row says \"%s\"", cause[i].cause);
		assert_int_equal(!cause[i].is_it, !*cause[i].seen_in);
	}
}

/* A call counts itself: what the limit says after it is not why it was refused. */
static void test_last_of_limit(void **state)
{
	struct explain_failure failure = {
		.call = EXPLAIN_LOAD,
		.error = EPERM,
		.root = &root,
	};
	struct err err = { 0 };

	(void)state;
	mk_text(&machine, "proc/sys/kernel/kexec_load_limit_reboot", "1\n");
	failure.used_up = explain_used_up(&root, false);
	mk_text(&machine, "proc/sys/kernel/kexec_load_limit_reboot", "0\n");
	mk_text(&machine, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	assert_int_equal(explain(&failure, &err), -1);
	assert_non_null(strstr(err.text, "the kernel is locked down (integrity)"));
	failure.used_up = explain_used_up(&root, false);
	assert_int_equal(explain(&failure, &err), -1);
	assert_non_null(strstr(err.text, "kernel.kexec_load_limit_reboot is 0"));
}

/* A zero page, of a machine that was started by Secure Boot. */
static void test_secure_boot(void **state)
{
	const struct explain_failure failure = {
		.call = EXPLAIN_LOAD,
		.error = EACCES,
		.root = &root,
	};
	struct boot_params params = { .secure_boot = 3 };
	struct err err = { 0 };

	(void)state;
	mk_file(&machine, "sys/kernel/boot_params/data", &params, sizeof(params));
	assert_int_equal(explain(&failure, &err), -1);
	assert_string_equal(
		err.text,
		"kexec_load failed: Permission denied: Secure Boot is on: this call gives "
		"the running kernel no signature to check; try: kexec -s -l "
		"KERNEL.signed");
	mk_text(&machine, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	assert_int_equal(explain(&failure, &err), -1);
	assert_string_equal(
		err.text, "kexec_load failed: Permission denied: Secure Boot is on and the kernel "
			  "is locked down (integrity): this call gives the running kernel no "
			  "signature to check; try: kexec -s -l KERNEL.signed");
	mk_text(&machine, "sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	assert_int_equal(explain(&failure, &err), -1);
	assert_non_null(strstr(err.text, "Secure Boot is on: this call"));
	params.secure_boot = 2;
	mk_file(&machine, "sys/kernel/boot_params/data", &params, sizeof(params));
	assert_int_equal(explain(&failure, &err), -1);
	assert_non_null(strstr(err.text, "Permission denied: a security module forbids it"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_last_of_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_secure_boot, set_up, tear_down),
		cmocka_unit_test(test_all_are_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
