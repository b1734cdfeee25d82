/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each action does to the machine, as a line of words, and what it says. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kexec/action.h"
#include "kexec/core/initrd.h"
#include "kexec/sys/fd.h"
#include "kexec/sys/gather.h"
#include "tests/mk/image.h"
#include "tests/mk/machine.h"
#include "tests/mk/pack.h"
#include "tests/mk/program.h"
#include "tests/mk/uki.h"

static char did[256];
static int load_result, file_load_result, exec_result;
static unsigned long unknown_flags;  /* to kexec_file_load */
static struct bytes archive, packed; /* an initrd, which the segments are compared with */
static const char *loaded_initrd;

static struct bytes in_kernel; /* what a segment begins with if that kernel is loaded */
static bool takes_kernel;

static int record_load(void *context, uint64_t entry, size_t nr_segments,
		       const struct kexec_segment *segment, unsigned long flags)
{
	(void)context;
	(void)entry;
	loaded_initrd = "none";
	takes_kernel = false;
	for (size_t i = 0; i < nr_segments; i++)
		takes_kernel |= in_kernel.size && segment[i].bufsz >= in_kernel.size &&
				!memcmp(segment[i].buf, in_kernel.data, in_kernel.size);
	for (size_t i = 0; archive.size && i < nr_segments; i++) {
		if (segment[i].bufsz == archive.size &&
		    !memcmp(segment[i].buf, archive.data, archive.size))
			loaded_initrd = "unpacked";
		if (segment[i].bufsz == packed.size &&
		    !memcmp(segment[i].buf, packed.data, packed.size))
			loaded_initrd = "packed";
	}
	snprintf(did + strlen(did), sizeof(did) - strlen(did), "load(%zu,0x%lx) ", nr_segments,
		 flags);
	return load_result;
}

/* What the running kernel's loader was given: bytes, and whether nobody can change them. */
struct given {
	struct buf bytes;
	bool is_sealed;
};
static struct given given_kernel, given_initrd;

static void take_file(int fd, struct given *ret)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct stat status;
	struct err err;

	buf_done(&ret->bytes);
	*ret = (struct given){ 0 };
	if (fd < 0)
		return;
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(buf_extend(&ret->bytes, (size_t)status.st_size, &err), 0);
	assert_int_equal(pread(fd, ret->bytes.data, ret->bytes.size, 0), status.st_size);
	ret->is_sealed = fcntl(fd, F_GET_SEALS) > 0 && (fcntl(fd, F_GET_SEALS) & seals) == seals;
}

static int record_file_load(void *context, int kernel_fd, int initrd_fd, size_t cmdline_size,
			    const char *cmdline, unsigned long flags)
{
	(void)context;
	snprintf(did + strlen(did), sizeof(did) - strlen(did), "file_load(%s,%s,%zu,%s,0x%lx) ",
		 kernel_fd < 0 ? "none" : "kernel", initrd_fd < 0 ? "none" : "initrd", cmdline_size,
		 cmdline ?: "", flags);
	take_file(kernel_fd, &given_kernel);
	take_file(initrd_fd, &given_initrd);
	return flags & unknown_flags ? -EINVAL : file_load_result;
}

static void record_sync(void *context)
{
	(void)context;
	strcat(did, "sync ");
}

static void record_network_down(void *context)
{
	(void)context;
	strcat(did, "network-down ");
}

/* How far standard error is, where that is a file. */
static off_t said_by_then;

static int record_exec(void *context)
{
	(void)context;
	said_by_then = lseek(STDERR_FILENO, 0, SEEK_CUR);
	strcat(did, "exec ");
	return exec_result;
}

static int record_shutdown(void *context)
{
	(void)context;
	said_by_then = lseek(STDERR_FILENO, 0, SEEK_CUR);
	strcat(did, "shutdown ");
	return -ENOENT;
}

static struct mk_machine machine;
static char kernel[MK_PATH_MAX], initrd[MK_PATH_MAX];
static bool hides_memory; /* as from a process without CAP_SYS_ADMIN */
static char kept[64];	  /* what was given up, in order, with what had been done by then */

static void record_keep_only(void *context, unsigned int privileges)
{
	(void)context;
	snprintf(kept + strlen(kept), sizeof(kept) - strlen(kept), "%zu:load%s%s%s ", strlen(did),
		 privileges & PRIVILEGE_NETWORK ? "+network" : "",
		 privileges & PRIVILEGE_FILES ? "+files" : "",
		 privileges & PRIVILEGE_PROGRAMS ? "+programs" : "");
	if (hides_memory)
		mk_text(&machine, "proc/iomem",
			"00000000-00000000 : System RAM\n  00000000-00000000 : Crash kernel\n");
}

static const struct ops recording = {
	.load = record_load,
	.file_load = record_file_load,
	.sync = record_sync,
	.network_down = record_network_down,
	.exec_loaded = record_exec,
	.shutdown = record_shutdown,
	.keep_only = record_keep_only,
};

static int set_up(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];

	(void)state;
	mk_machine_init(&machine);
	mk_image(image);
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	mk_path(&machine, "vmlinuz", kernel);
	did[0] = '\0';
	load_result = file_load_result = 0;
	unknown_flags = 0;
	exec_result = -EINVAL;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mk_machine_done(&machine);
	return 0;
}

static char warned[512];   /* the first warning */
static char last[512];	   /* and the last one */
static char output[32768]; /* on standard output */

static void (*said_something)(
	void); /* NULL: nobody wants to know, each time that something is printed */

static ssize_t take_output(void *cookie, const char *text, size_t size)
{
	(void)cookie;
	snprintf(output + strlen(output), sizeof(output) - strlen(output), "%.*s", (int)size, text);
	said_something();
	return (ssize_t)size;
}

static FILE *open_output(void)
{
	FILE *file = said_something ? fopencookie(NULL, "w",
						  (cookie_io_functions_t){ .write = take_output })
				    : fmemopen(output, sizeof(output), "w");

	assert_non_null(file);
	if (said_something)
		setvbuf(file, NULL, _IOLBF, 0);
	return file;
}

/* Parses a command line, words between blanks, %K for the kernel, %I for the initrd, and does it. The error's
 * text or the exit status as text. */
static const char *run(const char *line)
{
	static char text[2300];
	static struct err err;
	struct warnings warnings = { 0 };
	struct surroundings around = { .ops = &recording, .warnings = &warnings };
	struct request request;
	char words[256], *argv[32] = { (char *)"kexec" };
	int argc = 1, status = 0, result;

	output[0] = '\0';
	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = !strcmp(word, "%K") ? kernel : !strcmp(word, "%I") ? initrd : word;
	if (cli_parse(argc, argv, &request, &err))
		return err.text;
	assert_int_equal(root_open(machine.path, &around.root, &err), 0);
	around.out = open_output();
	result = action_run(&request, &around, &status, &err);
	assert_int_equal(fclose(around.out), 0);
	root_close(&around.root);
	snprintf(warned, sizeof(warned), "%s", warnings.count ? warnings.text[0] : "");
	snprintf(last, sizeof(last), "%s", warnings.count ? warnings.text[warnings.count - 1] : "");
	warnings_done(&warnings);
	if (result)
		snprintf(text, sizeof(text), "%s%s",
			 err.code == ERR_REFUSED ? "255: " : "1: ", err.text);
	else
		snprintf(text, sizeof(text), "%d", status);
	return text;
}

static void expect(const char *line, const char *result, const char *actions)
{
	did[0] = '\0';
	assert_string_equal(run(line), result);
	assert_string_equal(did, actions);
}

/* What it says, where %K stands for the kernel. */
static void expect_said(const char *line, const char *text)
{
	char expected[sizeof(output)] = "";
	const char *mark = strstr(text, "%K");

	if (mark)
		snprintf(expected, sizeof(expected), "%.*s%s", (int)(mark - text), text, kernel);
	snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%s",
		 mark ? mark + 2 : text);
	assert_string_equal(run(line), "0");
	assert_string_equal(output, expected);
}

static void test_load(void **state)
{
	(void)state;
	expect("-c -l %K", "0", "load(3,0x3e0000) ");
	expect("%K --load -a --append=x", "0", "load(3,0x3e0000) ");
	expect_said("-c -l %K", "");
	expect_said("-l %K",
		    "kexec: %K loaded by kexec_load: placed and verified by this loader\n");
	expect("-s -l %K --append=quiet", "0", "file_load(kernel,none,6,quiet,0x4) ");
	expect("--dry-run -l %K", "0", "");
	expect("--dry-run -s -l %K",
	       "1: the running kernel's own loader is to load (as asked), and where it would put a "
	       "kernel is not known before it does: there is no plan to show",
	       "");
	expect("--dry-run --force-dtb -l %K",
	       "1: the running kernel's own loader is to load (no other hands on the device tree of "
	       "--force-dtb), and where it would put a kernel is not known before it does: there is "
	       "no plan to show",
	       "");
	expect("-s -l %K --direct",
	       "1: --direct with -s: the running kernel's own loader starts kernels only as they are; "
	       "-c does it",
	       "");
	/* The kernel's own loader needs nothing that ours reads. */
	mk_file(&machine, "proc/iomem", NULL, 0);
	expect("-s -l %K --append=quiet", "0", "file_load(kernel,none,6,quiet,0x4) ");
	expect("-c -l %K", "1: /proc/iomem: No such file or directory", "");
}

/* What is not verified is not said to be. */
static void test_unverified(void **state)
{
	static const char *const lines[] = { "--dry-run -i -l %K",
					     "--dry-run -i -p --backup=never %K" };
	static const char unverified[] =
		"\"unverified\":\"with --no-checks the purgatory verifies nothing\"";
	char json[80];

	(void)state;
	mk_text(&machine, "proc/iomem",
		"00001000-0009fbff : System RAM\n00100000-3fffffff : System RAM\n"
		"  10000000-17ffffff : Crash kernel\n");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const char *at = output;
		size_t segments = 0, found = 0;

		assert_string_equal(run(lines[i]), "0");
		assert_non_null(strstr(output, "\nDamage     is not found: with --no-checks the "
					       "purgatory verifies nothing\n"));
		assert_non_null(strstr(output, " kexec_load: placed by this loader\n"));
		assert_non_null(
			strstr(output, "entered first: verifies no segment, enters the kernel\n"));
		assert_null(strstr(output, "verifies every"));
		assert_null(strstr(output, "damage is"));
		assert_int_equal(!strstr(output, " bytes of kernel: with --no-checks the purgatory "
						 "verifies nothing\n"),
				 i == 0);
		snprintf(json, sizeof(json), "%s --json", lines[i]);
		assert_string_equal(run(json), "0");
		for (at = output; (at = strstr(at, "\"purpose\":")); at++)
			segments++;
		for (at = output; (at = strstr(at, unverified)); at++)
			found++;
		/* The purgatory's first stage checks the second all the same. */
		assert_int_equal(found, segments - 1);
		assert_non_null(strstr(output, "\"unverified\":\"its first stage checks it\""));
	}
	assert_string_equal(run("--dry-run -p %K"), "0");
	assert_null(strstr(output, "Damage  "));
	assert_non_null(strstr(output, "damage is found, and repaired from spare copies\n"));
	expect("-p %K -i --spare-copy",
	       "--spare-copy with --no-checks: damage that nobody looks for is not repaired", "");
	expect("-c -p %K -i --no-spare-copy", "0", "load(5,0x3e0001) ");
}

/* What hides from this user is guessed for what is only shown, and never for a load. */
static void test_hidden(void **state)
{
	static const char hidden[] =
		"1: the plan is incomplete, for this user may not read all that it depends on: "
		"/proc/iomem: every address is 0; run this as root, or with --sysroot for a capture "
		"that root has made";

	(void)state;
	mk_text(&machine, "proc/iomem",
		"00000000-00000000 : System RAM\n"
		"  00000000-00000000 : Crash kernel\n");
	expect("--dry-run -l %K", "0", "");
	assert_string_equal(warned, hidden + strlen("1: "));
	expect("--dry-run -p %K", hidden, "");
	assert_non_null(strstr(run("-c -l %K"), ": /proc/iomem: every address is 0: "));
	assert_non_null(strstr(run("-c -p %K"), ": /proc/iomem: every address is 0: "));
	assert_string_equal(did, "");
}

static void test_svg(void **state)
{
	char path[MK_PATH_MAX], line[256];
	FILE *file;

	(void)state;
	mk_path(&machine, "plan.svg", path);
	snprintf(line, sizeof(line), "--dry-run -l %%K --svg=%s", path);
	expect(line, "0", "");
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_string_equal(line, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	fclose(file);
	snprintf(line, sizeof(line), "--dry-run -l %%K --svg=%s", path);
	assert_non_null(strstr(run(line), "plan.svg: File exists: nothing is overwritten"));
	expect("-l %K --svg=x", "--svg goes with --dry-run", "");
	expect("--doctor --svg=x", "--svg goes with --dry-run", "");
}

static void test_locked_down(void **state)
{
	(void)state;
	mk_text(&machine, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	expect("-l %K --append=quiet", "0", "file_load(kernel,none,6,quiet,0x4) ");
	expect("-c -l %K", "0", "load(3,0x3e0000) ");
	expect_said("-l %K",
		    "kexec: %K loaded by kexec_file_load: the running kernel is locked down\n");
	expect_said("-s -l %K", "");
}

/* A plan for what the running kernel will refuse says so; a load asks it. */
static void test_dry_run_of_locked_down(void **state)
{
	static const char *const ours[] = { "--dry-run -l %K --entry-32bit",
					    "--dry-run -c -p %K --entry-32bit" };

	(void)state;
	mk_text(&machine, "proc/iomem",
		"00001000-0009fbff : System RAM\n00100000-3fffffff : System RAM\n"
		"  10000000-17ffffff : Crash kernel\n");
	mk_text(&machine, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	expect("--dry-run -c -l %K", "0", "");
	assert_string_equal(warned,
			    "the running kernel is locked down (integrity) and will refuse this "
			    "load: with -s its own loader takes the kernel, if that is signed");
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		expect(ours[i], "0", "");
		assert_string_equal(
			warned, "the running kernel is locked down (integrity) and will refuse "
				"this load (only this loader enters kernels in 32-bit mode): use a "
				"bzImage that its own loader can start, or turn Secure Boot off");
	}
	assert_string_equal(run("--dry-run --json -c -l %K"), "0");
	assert_non_null(strstr(output, "is locked down (integrity)"));
	expect("-c -l %K", "0", "load(3,0x3e0000) ");
	assert_string_equal(warned, "");
	mk_text(&machine, "sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	expect("--dry-run -c -l %K", "0", "");
	assert_string_equal(warned, "");
}

/* What only the running kernel's own loader hands on, and to which kernel. */
static void test_handed_on(void **state)
{
	static const struct {
		const char *path, *text;
		bool crash;
		const char *what;
	} rows[] = {
		{ "boot/config-6.18.0",
		  "\nCONFIG_KEXEC_HANDOVER=y\nCONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT=y\n", false,
		  "what kexec handover preserves" },
		{ "proc/cmdline", "quiet kho=0 kho=on\n", false, "what kexec handover preserves" },
		{ "sys/kernel/security/ima/runtime_measurements_count", "2\n", false,
		  "IMA's list of measurements" },
		{ "sys/kernel/config/crash_dm_crypt_keys/count", "1\n", true,
		  "the keys of dm-crypt that are staged for a crash kernel" },
		/* Its directory stays here. */
		{ "sys/kernel/debug/kho/out/fdt", "x", false, "what kexec handover preserves" },
	};
	static const struct {
		const char *path, *text;
	} nothing[] = {
		{ "boot/config-6.18.0", "\nCONFIG_KEXEC_HANDOVER=y\n" },
		{ "proc/cmdline", "quiet kho=on kho=off\n" },
		{ "sys/kernel/security/ima/runtime_measurements_count", "1\n" },
		{ "sys/kernel/config/crash_dm_crypt_keys/count", "0\n" },
	};
	char said[300];

	(void)state;
	mk_text(&machine, "proc/sys/kernel/osrelease", "6.18.0\n");
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
		mk_text(&machine, nothing[i].path, nothing[i].text);
		expect("-l %K", "0", "load(3,0x3e0000) ");
		expect("-c -l %K", "0", "load(3,0x3e0000) ");
		assert_string_equal(warned, "");
		mk_file(&machine, nothing[i].path, NULL, 0);
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mk_text(&machine, rows[i].path, rows[i].text);
		if (rows[i].crash) {
			mk_text(&machine, "sys/kernel/kexec_crash_loaded", "0\n");
			expect("-l %K", "0", "load(3,0x3e0000) ");
			expect("-p %K", "0", "file_load(kernel,none,19,acpi_no_memhotplug,0x6) ");
		} else {
			expect("-l %K", "0", "file_load(kernel,none,1,,0x4) ");
			snprintf(said, sizeof(said),
				 "kexec: %s loaded by kexec_file_load: no other hands on %s\n",
				 kernel, rows[i].what);
			assert_string_equal(output, said);
			/* What cannot be had so is had otherwise, and the loss is told. */
			snprintf(
				said, sizeof(said),
				"only the running kernel's own loader hands on %s: it is lost; -s loads "
				"so",
				rows[i].what);
			file_load_result = -EADDRNOTAVAIL;
			expect("-l %K", "0", "file_load(kernel,none,1,,0x4) load(3,0x3e0000) ");
			assert_string_equal(last, said);
			file_load_result = 0;
			expect("-c -l %K", "0", "load(3,0x3e0000) ");
			assert_string_equal(last, said);
		}
		mk_file(&machine, rows[i].path, NULL, 0);
	}
}

/* What was said of a load that the other call then made in another way is not said. */
static void test_warnings_of_the_other(void **state)
{
	static const char measured[] = "sys/kernel/security/ima/runtime_measurements_count";
	static const char lost[] = "only the running kernel's own loader hands on IMA's list of "
				   "measurements: it is lost; -s loads so";

	(void)state;
	mk_text(&machine, measured, "2\n");
	file_load_result = -ENOMEM;
	expect("-l %K --reset-vga", "0", "file_load(kernel,none,1,,0x4) load(3,0x3e0000) ");
	assert_string_equal(warned, lost);
	assert_string_equal(last, lost);
	/* What is said of the files is said of both. */
	mk_file(&machine, measured, NULL, 0);
	load_result = -EPERM;
	file_load_result = 0;
	expect("-l %K --args-none", "0", "load(3,0x3e0000) file_load(kernel,none,1,,0x4) ");
	assert_string_equal(warned, "--args-elf or --args-none: without an effect, for the kernel "
				    "is no ELF file");
	mk_text(&machine, "sys/firmware/efi/fw_vendor", "0x3f000000\n");
	load_result = 0;
	expect("-c -l %K", "0", "load(3,0x3e0000) ");
	assert_non_null(strstr(last, "the new kernel will have no EFI runtime services"));
	load_result = -EPERM;
	expect("-l %K", "0", "load(3,0x3e0000) file_load(kernel,none,1,,0x4) ");
	assert_string_equal(warned, "");
	/* Where both fail, nothing was loaded that could be warned of. */
	file_load_result = -EPERM;
	assert_non_null(strstr(run("-l %K"), "kexec_load failed: Operation not permitted"));
	assert_string_equal(warned, "");
}

/* Both calls are counted by one limit: where none is left, the other is not tried. */
static void test_limit_of_both(void **state)
{
	static const char left[] = "proc/sys/kernel/kexec_load_limit_reboot";

	(void)state;
	mk_text(&machine, left, "0\n");
	load_result = -EPERM;
	did[0] = '\0';
	assert_non_null(strstr(run("-l %K"), "kernel.kexec_load_limit_reboot is 0"));
	assert_string_equal(did, "load(3,0x3e0000) ");
	/* A call that is not there is not counted. */
	load_result = -ENOSYS;
	expect("-l %K", "0", "load(3,0x3e0000) file_load(kernel,none,1,,0x4) ");
	/* The one that failed was the last. */
	mk_text(&machine, "sys/kernel/security/ima/runtime_measurements_count", "2\n");
	load_result = 0;
	file_load_result = -EADDRNOTAVAIL;
	did[0] = '\0';
	assert_non_null(
		strstr(run("-l %K"), "kexec_file_load failed: Cannot assign requested address"));
	assert_string_equal(did, "file_load(kernel,none,1,,0x4) ");
	mk_text(&machine, left, "1\n");
	expect("-l %K", "0", "file_load(kernel,none,1,,0x4) load(3,0x3e0000) ");
}

static void expect_kept(const char *line, const char *privileges)
{
	did[0] = kept[0] = '\0';
	run(line);
	assert_string_equal(kept, privileges);
}

/* Once the inputs are open, and before a byte of them is judged. */
static void test_privileges(void **state)
{
	(void)state;
	mk_text(&machine, "sys/kernel/kexec_loaded", "1\n");
	expect_kept("-l %K", "0:load ");
	expect_kept("-c -l %K", "0:load ");
	expect_kept("-s -l %K", "0:load ");
	expect_kept("-l %K --initrd=/nowhere", "");
	expect_kept("-f --dry-run %K", "0:load ");
	expect_kept("-l --dry-run --svg=/nowhere/plan.svg %K", "0:load+files ");
	/* The network goes down after the load and the sync. */
	expect_kept("-f %K", "0:load+network 17:load+network 35:load ");
	expect_kept("%K", "0:load+programs ");
	expect_kept("-e", "0:load+network 18:load ");
	expect_kept("-t uki -l %K", "0:load ");
	expect_kept("--doctor %K", "0:load+files ");
	expect_kept("--estimate %K", "0:load+files ");
	expect_kept("-u", "0:load ");
	expect_kept("-S", "0:load ");
	expect_kept("-S -l --verbose", "0:load ");
	expect_kept("--capture=/nowhere/capture.tar", "0:load+files ");
	expect_kept("--audit-efi=/nowhere %K", "0:load+files ");
	expect_kept("--audit-efi --all=/nowhere %K", "0:load+files ");
	mk_text(&machine, "vmlinuz", "no kernel");
	expect_kept("-l %K", "0:load ");
	expect_kept("--doctor %K", "0:load+files ");
	expect_kept("--estimate %K", "0:load+files ");
}

/* What is hidden from then on has been read. */
static void test_hidden_from_who_has_none(void **state)
{
	static const char iomem[] = "00001000-0009fbff : System RAM\n"
				    "00100000-3fffffff : System RAM\n"
				    "  10000000-1fffffff : Crash kernel\n";

	(void)state;
	hides_memory = true;
	mk_text(&machine, "proc/iomem", iomem);
	assert_string_equal(run("-c -p %K"), "0");
	mk_text(&machine, "sys/kernel/kexec_crash_size", "65536\n");
	mk_text(&machine, "proc/iomem", iomem);
	load_result = -EADDRNOTAVAIL;
	assert_non_null(strstr(run("-c -p %K"),
			       "is outside the reservation, which is 0x10000000-0x10010000 now"));
	mk_text(&machine, "sys/kernel/kexec_crash_size", "268435456\n");
	mk_text(&machine, "proc/iomem", iomem);
	file_load_result = -EADDRNOTAVAIL;
	assert_non_null(strstr(run("-s -p %K"), "finds no place in the reservation of 262144 KiB"));
	/* Whoever has not been shown it is refused as long as something would be lost. */
	mk_text(&machine, "sys/kernel/kexec_crash_loaded", "1\n");
	assert_non_null(
		strstr(run("-s -p %K"), "has 0 KiB, and the loaded crash kernel would be lost"));
	hides_memory = false;
}

static void test_writable_by_others(void **state)
{
	static const struct {
		mode_t mode;
		gid_t group;
		bool warned;
	} rows[] = {
		{ 0644, 0, false }, { 0755, 1, false }, { 0664, 0, false },
		{ 0664, 1, true },  { 0646, 0, true },
	};
	char said[600];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (geteuid() && rows[i].group)
			continue;
		assert_int_equal(chmod(kernel, rows[i].mode), 0);
		if (!geteuid())
			assert_int_equal(chown(kernel, 0, rows[i].group), 0);
		expect("-l %K", "0", "load(3,0x3e0000) ");
		snprintf(said, sizeof(said),
			 "%s: others may write to it (user 0, group %u, mode %04o)", kernel,
			 rows[i].group, rows[i].mode);
		assert_string_equal(warned, rows[i].warned ? said : "");
	}
	if (geteuid())
		return;
	assert_int_equal(chmod(kernel, 0644), 0);
	assert_int_equal(chown(kernel, 1, 0), 0);
	expect("-l %K", "0", "load(3,0x3e0000) ");
	assert_non_null(strstr(warned, "others may write to it (user 1, group 0, mode 0644)"));
}

/* IMA's list goes nowhere if the kernel was built without. */
static void test_measurements_stay(void **state)
{
	(void)state;
	mk_text(&machine, "proc/sys/kernel/osrelease", "6.18.0\n");
	mk_text(&machine, "sys/kernel/security/ima/runtime_measurements_count", "2\n");
	mk_text(&machine, "boot/config-6.18.0", "\n# CONFIG_IMA_KEXEC is not set\n");
	expect("-l %K", "0", "load(3,0x3e0000) ");
}

/* Under -a the other call is made where it may do what the first did not. */
static void test_fall_back(void **state)
{
	static const int by_file[] = { ENOSYS, EPERM, EACCES };
	static const int not_by_file[] = { EBUSY, EINVAL, ENOMEM, EADDRNOTAVAIL };
	static const int by_ours[] = { ENOSYS, EINVAL, ENOEXEC, ENOMEM, EADDRNOTAVAIL, EOPNOTSUPP };
	static const int not_by_ours[] = { EPERM,   EBUSY,   EKEYREJECTED, ENOKEY,
					   EBADMSG, ELIBBAD, ENOPKG,	   ENODATA };
	static const char both[] = "load(3,0x3e0000) file_load(kernel,none,1,,0x4) ";
	static const char back[] = "file_load(kernel,none,1,,0x4) load(3,0x3e0000) ";
	char said[200];

	(void)state;
	for (size_t i = 0; i < sizeof(by_file) / sizeof(by_file[0]); i++) {
		load_result = -by_file[i];
		expect("-l %K", "0", both);
		snprintf(said, sizeof(said),
			 "kexec: %s loaded by kexec_file_load: kexec_load failed: %s\n", kernel,
			 strerror(by_file[i]));
		assert_string_equal(output, said);
		did[0] = '\0';
		assert_int_equal(strncmp(run("-c -l %K"), "255: kexec_load failed: ", 24), 0);
		assert_string_equal(did, "load(3,0x3e0000) ");
	}
	for (size_t i = 0; i < sizeof(not_by_file) / sizeof(not_by_file[0]); i++) {
		load_result = -not_by_file[i];
		did[0] = '\0';
		assert_int_equal(strncmp(run("-l %K"), "255: kexec_load failed: ", 24), 0);
		assert_string_equal(did, "load(3,0x3e0000) ");
	}
	/* Of two failures for one cause the first is told, else the second. */
	load_result = file_load_result = -EPERM;
	assert_int_equal(strncmp(run("-l %K"), "255: kexec_load failed: ", 24), 0);
	file_load_result = -ENOKEY;
	assert_int_equal(strncmp(run("-l %K"), "255: kexec_file_load failed: ", 29), 0);

	mk_text(&machine, "sys/kernel/security/ima/runtime_measurements_count", "2\n");
	load_result = 0;
	for (size_t i = 0; i < sizeof(by_ours) / sizeof(by_ours[0]); i++) {
		file_load_result = -by_ours[i];
		expect("-l %K", "0", back);
		did[0] = '\0';
		assert_int_equal(strncmp(run("-s -l %K"), "255: kexec_file_load failed: ", 29), 0);
		assert_string_equal(did, "file_load(kernel,none,1,,0x4) ");
	}
	for (size_t i = 0; i < sizeof(not_by_ours) / sizeof(not_by_ours[0]); i++) {
		file_load_result = -not_by_ours[i];
		did[0] = '\0';
		assert_int_equal(strncmp(run("-l %K"), "255: kexec_file_load failed: ", 29), 0);
		assert_string_equal(did, "file_load(kernel,none,1,,0x4) ");
	}
	/* Nothing goes round a lockdown. */
	mk_text(&machine, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	file_load_result = -ENOEXEC;
	did[0] = '\0';
	assert_int_equal(strncmp(run("-l %K"), "255: kexec_file_load failed: ", 29), 0);
	assert_string_equal(did, "file_load(kernel,none,1,,0x4) ");
}

/* Flags that a running kernel may not know: they are left out then. */
static void test_newer_flags(void **state)
{
	(void)state;
	expect("-s -l %K --no-cma --force-dtb", "0", "file_load(kernel,none,1,,0x34) ");
	expect("-l %K --no-cma", "0", "load(3,0x3e0000) ");
	expect("-l %K --force-dtb", "0", "file_load(kernel,none,1,,0x24) ");
	expect("-c -l %K --force-dtb", "0", "load(3,0x3e0000) ");
	assert_string_equal(warned,
			    "only the running kernel's own loader hands on the device tree of "
			    "--force-dtb: it is lost; -s loads so");
	unknown_flags = 0x38;
	expect("-s -l %K --no-cma", "0",
	       "file_load(kernel,none,1,,0x14) file_load(kernel,none,1,,0x4) ");
	assert_string_equal(warned, "");
	expect("-s -l %K --force-dtb", "0",
	       "file_load(kernel,none,1,,0x24) file_load(kernel,none,1,,0x4) ");
	assert_string_equal(warned,
			    "--force-dtb: the running kernel cannot hand its device tree on (Linux "
			    "6.18 and later can)");
	expect("-s -d -l %K", "0", "file_load(kernel,none,1,,0xc) file_load(kernel,none,1,,0x4) ");
	/* A try counts there. */
	mk_text(&machine, "proc/sys/kernel/kexec_load_limit_reboot", "1\n");
	expect("-s -d -l %K", "0", "file_load(kernel,none,1,,0x4) ");
	file_load_result = -EINVAL;
	assert_int_equal(
		strncmp(run("-s -l %K"), "255: kexec_file_load failed: Invalid argument", 45), 0);
}

/* What the running kernel reads: the file itself, or a copy that nobody can write to. */
static void test_files_of_the_kernel(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];
	static const uint8_t zeros[4096 - 3];
	struct buf compressed CLEANUP(buf_done) = { 0 }, joined CLEANUP(buf_done) = { 0 };
	struct err err;
	char one[MK_PATH_MAX], two[MK_PATH_MAX], line[3 * MK_PATH_MAX];

	(void)state;
	mk_image(image);
	expect("-s -l %K", "0", "file_load(kernel,none,1,,0x4) ");
	assert_false(given_kernel.is_sealed);
	assert_int_equal(given_kernel.bytes.size, sizeof(image));
	pack_xz((struct bytes){ image, sizeof(image) }, &compressed);
	mk_file(&machine, "vmlinuz", compressed.data, compressed.size);
	mk_file(&machine, "one", "one", 3);
	mk_file(&machine, "two", "two2", 4);
	mk_path(&machine, "one", one);
	mk_path(&machine, "two", two);
	snprintf(line, sizeof(line), "-s -l %%K --initrd=%s", one);
	expect(line, "0", "file_load(kernel,initrd,1,,0x0) ");
	assert_true(given_kernel.is_sealed);
	assert_int_equal(given_kernel.bytes.size, sizeof(image));
	assert_memory_equal(given_kernel.bytes.data, image, sizeof(image));
	assert_false(given_initrd.is_sealed);
	snprintf(line, sizeof(line), "-s -l %%K --initrd=%s --ramdisk=%s", one, two);
	expect(line, "0", "file_load(kernel,initrd,1,,0x0) ");
	assert_true(given_initrd.is_sealed);
	assert_int_equal(given_initrd.bytes.size, 4096 + 4);
	assert_int_equal(buf_append(&joined, "one", 3, &err) ||
				 buf_append(&joined, zeros, sizeof(zeros), &err) ||
				 buf_append(&joined, "two2", 4, &err),
			 0);
	assert_memory_equal(given_initrd.bytes.data, joined.data, joined.size);
}

static void test_void_of_the_kernel(void **state)
{
	static const char *const options[] = {
		"--no-checks",
		"--mem-min=1M",
		"--mem-max=1G",
		"--noefi",
		"--console-serial",
		"--serial=ttyS1",
		"--serial-baud=115200",
		"--reset-vga",
		"--on-corruption=halt",
		"--hash=baseline",
		"-i",
	};
	char line[100];

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		snprintf(line, sizeof(line), "-s -l %%K %s", options[i]);
		expect(line, "0", "file_load(kernel,none,1,,0x4) ");
		assert_non_null(strstr(warned, ": without an effect, for the running kernel's own "
					       "loader loads (as asked)"));
	}
	expect("-l %K --module=x", "0", "load(3,0x3e0000) ");
	assert_string_equal(warned,
			    "--module: only multiboot kernels take modules, none is loaded");
	expect("-l %K --args-none", "0", "load(3,0x3e0000) ");
	assert_string_equal(warned, "--args-elf or --args-none: without an effect, for the kernel "
				    "is no ELF file");
	expect("-l %K --args-linux --reuse-video-type", "0", "load(3,0x3e0000) ");
	assert_string_equal(warned, "");
	/* A device tree: its file is open before it is known who needs it. */
	expect("-l %K --dtb=/nowhere", "1: dtb: /nowhere: No such file or directory", "");
	expect("-s -l %K --dtb %K", "0", "file_load(kernel,none,1,,0x4) ");
	assert_string_equal(warned, "--dtb: without an effect, for the running kernel's own loader "
				    "loads (as asked)");
}

/* The running kernel keeps a copy, for which it would kill. */
static void test_memory_for_the_copy(void **state)
{
	(void)state;
	mk_text(&machine, "proc/meminfo",
		"MemTotal: 900000 kB\nMemAvailable: 300 kB\nSwapFree: 20 kB\n");
	expect("-c -l %K",
	       "1: the running kernel needs 49216 KiB for its copy of the segments and has 320 KiB to "
	       "give: it would kill processes for them, so nothing was loaded",
	       "");
	expect("--dry-run -l %K", "0", "");
	mk_text(&machine, "proc/meminfo",
		"MemTotal: 900000 kB\nMemAvailable: 300 kB\nSwapFree: 200000 kB\n");
	expect("-c -l %K", "0", "load(3,0x3e0000) ");
}

static void replace(const char *path)
{
	char by[MK_PATH_MAX], full[MK_PATH_MAX];

	mk_path(&machine, "boot/another", by);
	mk_path(&machine, path, full);
	mk_text(&machine, "boot/another", "another");
	assert_int_equal(rename(by, full), 0);
}

static void replace_files(void)
{
	replace("boot/k");
	replace("boot/i");
}

/* Files that get the names of a boot entry's after that was found are others. */
static void test_entry_replaced(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];

	(void)state;
	mk_image(image);
	mk_text(&machine, "boot/grub/grub.cfg", "menuentry a {\nlinux /k\ninitrd /i\n}\n");
	for (int by_us = 0; by_us <= 1; by_us++) {
		mk_file(&machine, "boot/k", image, sizeof(image));
		mk_text(&machine, "boot/i", "the entry's");
		packed = archive = (struct bytes){ (const uint8_t *)"the entry's", 11 };
		said_something = replace_files;
		expect(by_us ? "-c -l --boot-entry" : "-s -l --boot-entry", "0",
		       by_us ? "load(4,0x3e0000) " : "file_load(kernel,initrd,1,,0x0) ");
		said_something = NULL;
	}
	assert_string_equal(loaded_initrd, "packed");
	assert_int_equal(given_kernel.bytes.size, sizeof(image));
	assert_memory_equal(given_kernel.bytes.data, image, sizeof(image));
	assert_int_equal(given_initrd.bytes.size, 11);
	assert_memory_equal(given_initrd.bytes.data, "the entry's", 11);
	packed = archive = (struct bytes){ 0 };
}

static void mk_packed(const void *data, size_t size, size_t zeros)
{
	struct buf plain CLEANUP(buf_done) = { 0 }, compressed CLEANUP(buf_done) = { 0 };
	struct err err;

	assert_int_equal(
		buf_append(&plain, data, size, &err) || buf_extend(&plain, size + zeros, &err), 0);
	pack_zstd(buf_bytes(&plain), &compressed);
	mk_file(&machine, "vmlinuz", compressed.data, compressed.size);
}

/* A file that is compressed as a whole is expanded as far as it can be a kernel. */
static void test_expanded(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE], vmlinux[MK_VMLINUX_SIZE], program[MK_PROGRAM_SIZE];
	enum { FLAT_HEADER_AT = 7 << 10 };
	static uint8_t flat[2 * FLAT_HEADER_AT];
	static const uint8_t late[32000 + 64];
	char said[MK_PATH_MAX + 200];

	(void)state;
	mk_image(image);
	mk_vmlinux(vmlinux, 0);
	mk_program(program, false);
	mk_multiboot_2(program, NULL, 0);
	mk_packed(image, sizeof(image), 0);
	expect("-c -l %K", "0", "load(3,0x3e0000) ");
	mk_packed(vmlinux, sizeof(vmlinux), 0);
	expect("-c -l %K -t elf-x86_64", "0", "load(3,0x3e0000) ");
	mk_packed(program, sizeof(program), 0);
	expect("-c -l %K -t multiboot2-x86", "0", "load(3,0x3e0000) ");
	/* Of no other kind: its addresses are in its header, behind the first 7 KiB. */
	mk_multiboot_1(flat + FLAT_HEADER_AT, 0x10000,
		       (const uint32_t[]){ MK_PROGRAM_ADDRESS + FLAT_HEADER_AT, MK_PROGRAM_ADDRESS,
					   0, 0, MK_PROGRAM_ADDRESS });
	mk_packed(flat, sizeof(flat), 0);
	expect("-c -l %K -t multiboot-x86", "0", "load(3,0x3e0000) ");
	snprintf(said, sizeof(said),
		 "1: kernel: %s: zstd: what it expands to is no kernel: it begins neither as a "
		 "bzImage, a unified kernel image or an ELF file does, nor as a multiboot kernel",
		 kernel);
	mk_packed(late, sizeof(late), 100 << 20);
	expect("-c -l %K", said, "");
	expect("-s -l %K", said, "");
	expect("-c -p %K", said, "");
	snprintf(said, sizeof(said),
		 "1: kernel: %s: zstd: expands to more than 64 times its size, which no kernel or "
		 "initrd does",
		 kernel);
	mk_packed(image, sizeof(image), 17 << 20);
	expect("-c -l %K", said, "");
	/* Of what it asks for, the machine has less. */
	mk_text(&machine, "proc/meminfo",
		"MemTotal: 900000 kB\nMemAvailable: 10 kB\nSwapFree: 5 kB\n");
	snprintf(said, sizeof(said),
		 "1: kernel: %s: zstd: expands to more than the 15360 bytes of memory that are "
		 "available",
		 kernel);
	mk_packed(image, sizeof(image), 0);
	expect("-c -l %K", said, "");
	expect("-c --dry-run -l %K", "0", "");
}

/* What the running kernel's loader did before 6.12, where the first RAM that is large enough has
 * its last place below the floor. */
static void test_own_loader_goes_low(void **state)
{
	static const char low[] = "00001000-0009fbff : System RAM\n"
				  "00900000-03dfffff : System RAM\n"
				  "  00a00000-00afffff : Reserved\n"
				  "10000000-3fffffff : System RAM\n";
	static const char said[] =
		"the running kernel's own loader may put the kernel at 0xe00000, from where it "
		"moves itself to 0x1000000, over what is there";
	char refusal[400];

	(void)state;
	snprintf(refusal, sizeof(refusal),
		 "1: %s, and no other is allowed: nothing was loaded; -s does it all the "
		 "same",
		 said);
	mk_text(&machine, "proc/iomem", low);
	mk_text(&machine, "proc/sys/kernel/osrelease", "6.11.10-amd64\n");
	expect("-s -l %K", "0", "file_load(kernel,none,1,,0x4) ");
	assert_string_equal(warned, said);
	mk_text(&machine, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	expect("-l %K", refusal, "");
	mk_text(&machine, "proc/sys/kernel/osrelease", "6.12.0\n");
	expect("-l %K", "0", "file_load(kernel,none,1,,0x4) ");
	mk_text(&machine, "proc/sys/kernel/osrelease", "6.1.0\n");
	mk_text(&machine, "proc/iomem", "00900000-03ffffff : System RAM\n");
	expect("-l %K", "0", "file_load(kernel,none,1,,0x4) ");
	mk_text(&machine, "proc/iomem",
		"00900000-3fffffff : System RAM\n  00a00000-04000000 : Crash kernel\n");
	expect("-p %K",
	       "1: the running kernel's own loader may put the kernel at 0xa00000, from where "
	       "it moves itself to 0x1000000, over what is there, and no other is allowed: "
	       "nothing was loaded; -s does it all the same",
	       "");
}

enum { UNPACKED_SIZE = 9 << 20 };

/* The running kernel's own loader takes no ELF file, and is not asked to. */
static void test_elf(void **state)
{
	uint8_t file[MK_VMLINUX_SIZE];
	char said[MK_PATH_MAX + 100];

	(void)state;
	snprintf(said, sizeof(said), "1: %s: --type=elf-x86_64: the file is bzImage64", kernel);
	expect("-l %K -t elf-x86_64", said, "");
	mk_vmlinux(file, 0);
	mk_file(&machine, "vmlinuz", file, sizeof(file));
	snprintf(said, sizeof(said), "1: %s: --type=bzImage64: the file is elf-x86_64", kernel);
	expect("-l %K -t bzImage64", said, "");
	mk_text(&machine, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	expect("-l %K -t elf-x86_64", "0", "load(3,0x3e0000) ");
	/* Nor on demand: it would give up a loaded crash kernel before it looks. */
	mk_text(&machine, "sys/kernel/kexec_crash_loaded", "1\n");
	mk_text(&machine, "sys/kernel/kexec_loaded", "1\n");
	expect("-s -p %K", "1: -s cannot load it: only this loader takes ELF files", "");
	mk_text(&machine, "sys/kernel/kexec_loaded", "0\n");
	load_result = -EPERM;
	did[0] = '\0';
	assert_non_null(strstr(run("-l %K"), "kexec_load failed: Operation not permitted"));
	assert_string_equal(did, "load(3,0x3e0000) ");
	load_result = 0;
}

static void test_multiboot(void **state)
{
	static uint8_t file[MK_PROGRAM_SIZE];
	char said[2 * MK_PATH_MAX + 100];

	(void)state;
	mk_program(file, false);
	mk_multiboot_2(file, NULL, 0);
	mk_file(&machine, "vmlinuz", file, sizeof(file));
	mk_text(&machine, "initrd", "module");
	mk_path(&machine, "initrd", initrd);
	expect("-l %K -t multiboot2-x86", "0", "load(3,0x3e0000) ");
	snprintf(said, sizeof(said),
		 "kexec: %s loaded by kexec_load: only this loader takes multiboot kernels\n",
		 kernel);
	assert_string_equal(output, said);
	snprintf(said, sizeof(said), "1: %s: --type=elf-x86: the file is multiboot2-x86", kernel);
	expect("-l %K -t elf-x86", said, "");
	snprintf(said, sizeof(said), "1: %s: --type=multiboot-x86: the file is multiboot2-x86",
		 kernel);
	expect("-l %K -t multiboot-x86", said, "");
	expect("-s -l %K", "1: -s cannot load it: only this loader takes multiboot kernels", "");
	/* Xen has both headers. */
	mk_multiboot_1(file + 0x100, 0, NULL);
	mk_file(&machine, "vmlinuz", file, sizeof(file));
	expect("-l %K -t multiboot-x86", "0", "load(3,0x3e0000) ");
	snprintf(said, sizeof(said), "-l %%K --fast --module=%s --module=%s", initrd, initrd);
	expect(said, "0", "load(4,0x3e0000) ");
	expect("-l %K --module=absent", "1: module: absent: No such file or directory", "");
	expect("-l %K --initrd %I",
	       "1: --initrd: a multiboot kernel takes no initrd but modules: --module=FILE", "");
	expect("-l %K --unpack-initrd",
	       "1: --unpack-initrd: a multiboot kernel's modules are loaded as they are", "");
	expect("-l %K --args-none", "0", "load(3,0x3e0000) ");
	assert_string_equal(warned,
			    "--args-linux, --args-elf or --args-none: without an effect, for a "
			    "multiboot kernel is told by its own information");
	snprintf(said, sizeof(said),
		 "1: %s: only a Linux kernel can be told where the dump is: this one cannot be a "
		 "crash kernel",
		 kernel);
	mk_text(&machine, "proc/iomem",
		"00100000-3fffffff : System RAM\n  10000000-1fffffff : Crash kernel\n");
	expect("-p %K", said, "");
	expect("-l %K --module=", "--module=: the name of a file is missing", "");
	expect("-l %K --args-elf --args-linux",
	       "only one of --args-linux, --args-elf and --args-none can be used at a time", "");
	/* Twice the same is no contradiction. */
	expect("-l %K --args-elf --args-elf", "0", "load(3,0x3e0000) ");
}

/* Only what it is entered by tells it from another bzImage. */
static void test_32bit(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];
	char said[MK_PATH_MAX + 100];

	(void)state;
	mk_image(image)->xloadflags &= (uint16_t)~XLF_KERNEL_64;
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	snprintf(said, sizeof(said), "1: %s: --type=bzImage64: the file is bzImage", kernel);
	expect("-l %K -t bzImage64", said, "");
	expect("-l %K -t bzImage", "0", "load(3,0x3e0000) ");
	expect("-s -l %K", "1: -s cannot load it: only this loader enters kernels in 32-bit mode",
	       "");
}

/* What must not be lost on the way to another loader that nobody has asked for. */
static void test_unheeded(void **state)
{
	static const char *const options[] = { "--mem-min=32M", "--mem-max=900M", "--noefi" };
	char line[100], said[200];

	(void)state;
	mk_text(&machine, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		snprintf(line, sizeof(line), "-l %%K %s", options[i]);
		snprintf(said, sizeof(said),
			 "1: %.*s: the running kernel's own loader, which is to load (the running "
			 "kernel is locked down), does without: -s loads so",
			 (int)strcspn(options[i], "="), options[i]);
		expect(line, said, "");
		snprintf(line, sizeof(line), "-s -l %%K %s", options[i]);
		expect(line, "0", "file_load(kernel,none,1,,0x4) ");
	}
	mk_file(&machine, "sys/kernel/security/lockdown", NULL, 0);
	/* Nor is there another way back. */
	load_result = -EPERM;
	did[0] = '\0';
	assert_non_null(strstr(run("-l %K --noefi"), "kexec_load failed: Operation not permitted"));
	assert_string_equal(did, "load(3,0x3e0000) ");
	load_result = 0;
}

/* One file of zeros, and what it is compressed. */
static void mk_initrd(struct buf *plain, struct buf *compressed)
{
	struct buf zeros CLEANUP(buf_done) = { 0 };
	struct err err;

	assert_int_equal(buf_extend(&zeros, UNPACKED_SIZE, &err), 0);
	pack_file("zeros", buf_bytes(&zeros), plain);
	pack_archive_end(plain);
	pack_gzip(buf_bytes(plain), compressed);
	archive = buf_bytes(plain);
	packed = buf_bytes(compressed);
	mk_file(&machine, "initrd", compressed->data, compressed->size);
	mk_path(&machine, "initrd", initrd);
}

static void expect_initrd(const char *line, const char *as, const char *warning)
{
	loaded_initrd = "none";
	assert_string_equal(run(line), "0");
	assert_string_equal(loaded_initrd, as);
	assert_string_equal(strstr(last, "--unpack-initrd") ? last : "", warning);
}

static void test_unpack_initrd(void **state)
{
	struct buf plain CLEANUP(buf_done) = { 0 }, compressed CLEANUP(buf_done) = { 0 };
	char no_room[200], reason[200], json[200], damaged[100];

	(void)state;
	mk_initrd(&plain, &compressed);
	snprintf(
		no_room, sizeof(no_room),
		"--unpack-initrd: the initrd is loaded as it is: there is no room for the %zu bytes "
		"that it has unpacked",
		archive.size);
	expect_initrd("-c -l %K --initrd %I", "packed", "");
	expect_initrd("-c -l %K --initrd %I --unpack-initrd", "unpacked", "");
	expect_initrd("--unpack-initrd -l %K --initrd %I", "unpacked", "");
	expect_initrd("-c -l %K --initrd %I --unpack-initrd --mem-max=70M", "packed", no_room);
	/* Nobody insisted. */
	expect_initrd("-l %K --initrd %I --fast", "unpacked", "");
	expect_initrd("-l %K --initrd %I --fast --mem-max=70M", "packed", "");
	expect_initrd("-s -l %K --initrd %I --fast", "none", "");
	expect("-l %K --fast", "0", "load(3,0x3e0000) ");
	/* The plan has both sizes. */
	snprintf(reason, sizeof(reason),
		 "\n  initrd of %zu bytes, unpacked from %zu: the new kernel has nothing to "
		 "decompress\n",
		 archive.size, packed.size);
	snprintf(json, sizeof(json), "\"packed_size\":%zu,\n    \"unpacked_size\":%zu\n",
		 packed.size, archive.size);
	assert_string_equal(run("--dry-run -l %K --initrd %I --unpack-initrd"), "0");
	assert_non_null(strstr(output, reason));
	assert_string_equal(run("--dry-run -l %K --initrd %I --unpack-initrd --json"), "0");
	assert_non_null(strstr(output, json));
	assert_string_equal(run("--dry-run -l %K --initrd %I --unpack-initrd --json --mem-max=70M"),
			    "0");
	assert_null(strstr(output, "packed_size"));
	/* What the running kernel has room for, at this moment. */
	mk_text(&machine, "proc/meminfo", "MemAvailable: 55000 kB\nSwapFree: 20 kB\n");
	expect_initrd("-c -l %K --initrd %I --unpack-initrd", "packed", no_room);
	assert_string_equal(run("--dry-run -l %K --initrd %I --unpack-initrd"), "0");
	assert_non_null(strstr(output, reason));
	mk_file(&machine, "proc/meminfo", NULL, 0);

	compressed.size -= 1;
	packed = buf_bytes(&compressed);
	mk_file(&machine, "initrd", packed.data, packed.size);
	snprintf(damaged, sizeof(damaged), "1: initrd: the member at 0x0: gzip: truncated at 0x%zx",
		 packed.size);
	expect("-c -l %K --initrd %I --unpack-initrd", damaged, "");
	expect("-l %K --initrd %I --fast", damaged, "");
	expect_initrd("-c -l %K --initrd %I", "packed", "");
	mk_file(&machine, "initrd", archive.data, archive.size);
	expect_initrd("-c -l %K --initrd %I --unpack-initrd", "unpacked",
		      "--unpack-initrd: the initrd is loaded as it is: nothing in it is "
		      "compressed");
	/* Where the kernel reads the file itself. */
	expect("-l %K --unpack-initrd", "1: --unpack-initrd goes with --initrd", "");
	expect("-s -l %K --unpack-initrd --initrd %I",
	       "--unpack-initrd needs -c: with -s the running kernel's own loader takes the "
	       "initrd's file as it is",
	       "");
	expect("-s -l %K --entry-32bit",
	       "--entry-32bit needs -c: with -s the running kernel's own loader enters kernels in "
	       "64-bit mode",
	       "");
	expect("--direct -l %K --entry-32bit",
	       "--entry-32bit with --direct: an unpacked kernel is entered in 64-bit mode", "");
	mk_text(&machine, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	/* The other loader cannot do it. */
	expect("-l %K --entry-32bit", "0", "load(3,0x3e0000) ");
	expect("-l %K --unpack-initrd --initrd %I", "0", "file_load(kernel,initrd,1,,0x0) ");
	assert_string_equal(
		warned, "--unpack-initrd: without an effect, for the running kernel's own loader "
			"loads (the running kernel is locked down)");
	archive = packed = (struct bytes){ 0 };
}

static bool is_out_of_memory;

int __real_initrd_unpack(struct bytes in, size_t memory, const struct progress *progress,
			 struct buf *ret, struct err *err);
int __wrap_initrd_unpack(struct bytes in, size_t memory, const struct progress *progress,
			 struct buf *ret, struct err *err);

int __wrap_initrd_unpack(struct bytes in, size_t memory, const struct progress *progress,
			 struct buf *ret, struct err *err)
{
	if (!is_out_of_memory)
		return __real_initrd_unpack(in, memory, progress, ret, err);
	err_no_memory(err);
	return err_prefix(err, "the member at 0x0: zstd");
}

static void test_unpack_initrd_without_memory(void **state)
{
	struct buf plain CLEANUP(buf_done) = { 0 }, compressed CLEANUP(buf_done) = { 0 };

	(void)state;
	mk_initrd(&plain, &compressed);
	is_out_of_memory = true;
	expect_initrd("-l %K --initrd %I --unpack-initrd", "packed",
		      "--unpack-initrd: the initrd is loaded as it is: the member at 0x0: zstd: "
		      "out of memory");
	expect_initrd("-l %K --initrd %I --fast", "packed", "");
	is_out_of_memory = false;
	archive = packed = (struct bytes){ 0 };
}

/* Of a crash kernel, spare copies come first: no damage is worth the time. */
static void test_unpack_initrd_of_crash(void **state)
{
	struct buf plain CLEANUP(buf_done) = { 0 }, compressed CLEANUP(buf_done) = { 0 };
	uint8_t image[MK_IMAGE_SIZE];
	char no_room[200];

	(void)state;
	mk_initrd(&plain, &compressed);
	mk_image(image)->init_size = 8 << 20;
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	snprintf(
		no_room, sizeof(no_room),
		"--unpack-initrd: the initrd is loaded as it is: there is no room for the %zu bytes "
		"that it has unpacked",
		archive.size);
	mk_text(&machine, "proc/iomem",
		"00001000-0009fbff : System RAM\n00100000-3fffffff : System RAM\n"
		"  10000000-11ffffff : Crash kernel\n");
	expect_initrd("-c -p %K --unpack-initrd --initrd %I", "unpacked", "");
	/* It needs the memory that this takes, and nobody insisted. */
	expect_initrd("-c -p %K --fast --initrd %I", "packed", "");
	mk_text(&machine, "proc/iomem",
		"00001000-0009fbff : System RAM\n00100000-3fffffff : System RAM\n"
		"  10000000-113fffff : Crash kernel\n");
	expect_initrd("-c -p %K --unpack-initrd --initrd %I", "packed", no_room);
	expect_initrd("-c -p %K --unpack-initrd --initrd %I --no-spare-copy", "unpacked", "");
	archive = packed = (struct bytes){ 0 };
}

/* Where the system call would bring the running kernel down, or what it starts. */
/* --- unified kernel images --------------------------------------------------------- */

static uint8_t uki_kernel[MK_IMAGE_SIZE];

/* A kernel, an initrd that is compressed, a command line in the base and another in profile 1. */
static void mk_unified(struct buf *file, struct buf *inner)
{
	struct buf plain CLEANUP(buf_done) = { 0 }, zeros CLEANUP(buf_done) = { 0 };
	struct err err;

	assert_int_equal(buf_extend(&zeros, 1 << 20, &err), 0);
	pack_file("zeros", buf_bytes(&zeros), &plain);
	pack_archive_end(&plain);
	pack_gzip(buf_bytes(&plain), inner);
	mk_image(uki_kernel);
	mk_uki(
		(const struct mk_section[]){
			{ ".osrel", text_bytes("ID=x\n") },
			{ ".cmdline", text_bytes("base  crashkernel=1G\nline\n") },
			{ ".linux", { uki_kernel, sizeof(uki_kernel) } },
			{ ".initrd", buf_bytes(inner) },
			{ ".profile", text_bytes("ID=zero") },
			{ ".profile", text_bytes("ID=one") },
			{ ".cmdline", text_bytes("one") },
		},
		7, file);
	mk_file(&machine, "vmlinuz", file->data, file->size);
	in_kernel = (struct bytes){ uki_kernel + MK_IMAGE_SETUP_SIZE,
				    MK_IMAGE_SIZE - MK_IMAGE_SETUP_SIZE };
}

static bool has(const struct given *given, const char *text)
{
	return memmem(given->bytes.data, given->bytes.size, text, strlen(text));
}

static void test_unified(void **state)
{
	struct buf file CLEANUP(buf_done) = { 0 }, inner CLEANUP(buf_done) = { 0 };

	(void)state;
	mk_unified(&file, &inner);
	expect("-c -l %K", "0", "load(4,0x3e0000) ");
	assert_true(takes_kernel);
	assert_string_equal(run("--dry-run -l %K"), "0");
	assert_non_null(strstr(output, "\nCommand    base crashkernel=1G line\n"));
	assert_non_null(strstr(output,
			       "\n  unified kernel image, profile 0 of 2: the kernel is its "
			       ".linux, 23040 bytes\n  command line of .cmdline\n"
			       "  initrd: .initrd, "));
	assert_non_null(strstr(output, "\n  initrd: .osrel, 5 bytes, as /.extra/os-release\n"
				       "  initrd: .profile, 7 bytes, as /.extra/profile\n"));
	assert_string_equal(run("--dry-run -l %K --uki-profile=1"), "0");
	assert_non_null(strstr(output, "\nCommand    one\n"));
	assert_string_equal(run("--dry-run -l %K --append=given"), "0");
	assert_non_null(strstr(output, "\nCommand    given\n"));
	assert_non_null(strstr(output, "\n  command line as given, in place of .cmdline\n"));
	assert_string_equal(run("--dry-run -l %K --append="), "0");
	assert_non_null(strstr(output, "\nCommand    \n"));
	assert_string_equal(run("--dry-run -l %K --reuse-cmdline"), "0");
	assert_non_null(strstr(output, "\nCommand    console=tty0\n"));
	assert_string_equal(run("--dry-run -l %K --initrd %K"), "0");
	assert_non_null(strstr(output, "\n  initrd: the files given, in place of .initrd\n"));
	assert_non_null(
		strstr(run("-l %K --uki-profile=2"),
		       "/vmlinuz: unified kernel image: no profile 2: it has 2, counted from 0"));
	expect("-l %K --uki-profile=x", "--uki-profile=x: not a number from 0 to 1023", "");
	expect("-l %K --uki-profile=1024", "--uki-profile=1024: not a number from 0 to 1023", "");
	/* The initrd of its own can be unpacked. */
	assert_string_equal(run("--dry-run -l %K --unpack-initrd --json"), "0");
	assert_non_null(strstr(output, "\"unpacked_size\":1049"));
	assert_string_equal(warned, "");
	assert_string_equal(run("--dry-run -l %K --fast --json"), "0");
	assert_non_null(strstr(output, "\"unpacked_size\":1049"));
}

static void test_unified_by_the_kernel(void **state)
{
	struct buf file CLEANUP(buf_done) = { 0 }, inner CLEANUP(buf_done) = { 0 };
	struct buf packed_kernel CLEANUP(buf_done) = { 0 };

	(void)state;
	mk_unified(&file, &inner);
	expect("-s -l %K", "0", "file_load(kernel,initrd,25,base crashkernel=1G line,0x0) ");
	assert_true(given_kernel.is_sealed && given_initrd.is_sealed);
	assert_int_equal(given_kernel.bytes.size, sizeof(uki_kernel));
	assert_memory_equal(given_kernel.bytes.data, uki_kernel, sizeof(uki_kernel));
	assert_memory_equal(given_initrd.bytes.data, inner.data, inner.size);
	assert_true(has(&given_initrd, ".extra/os-release"));
	expect("-s -l %K --uki-profile=1 --append=x", "0", "file_load(kernel,initrd,2,x,0x0) ");
	assert_true(has(&given_initrd, "ID=one"));
	/* Two files are one part of the initrd that is made. */
	mk_text(&machine, "initrd", "070701, and more");
	mk_path(&machine, "initrd", initrd);
	expect("-s -l %K --append=x --initrd %I --initrd %I", "0",
	       "file_load(kernel,initrd,2,x,0x0) ");
	assert_memory_equal(given_initrd.bytes.data, "070701, and more", 16);
	assert_memory_equal(given_initrd.bytes.data + 4096, "070701, and more", 16);
	mk_text(&machine, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	expect("-l %K --append=x", "0", "file_load(kernel,initrd,2,x,0x0) ");
	assert_true(given_kernel.is_sealed);
	/* A plain kernel is given as it is, with its file's signatures; one that is compressed, expanded. */
	mk_file(&machine, "vmlinuz", uki_kernel, sizeof(uki_kernel));
	expect("-s -l %K --initrd %I", "0", "file_load(kernel,initrd,1,,0x0) ");
	assert_false(given_kernel.is_sealed || given_initrd.is_sealed);
	pack_xz((struct bytes){ uki_kernel, sizeof(uki_kernel) }, &packed_kernel);
	mk_file(&machine, "vmlinuz", packed_kernel.data, packed_kernel.size);
	expect("-s -l %K", "0", "file_load(kernel,none,1,,0x4) ");
	assert_true(given_kernel.is_sealed);
	assert_memory_equal(given_kernel.bytes.data, uki_kernel, sizeof(uki_kernel));
	/* The image as a whole may be compressed, too. */
	packed_kernel.size = 0;
	pack_zstd(buf_bytes(&file), &packed_kernel);
	mk_file(&machine, "vmlinuz", packed_kernel.data, packed_kernel.size);
	expect("-s -l %K --append=x", "0", "file_load(kernel,initrd,2,x,0x0) ");
	assert_memory_equal(given_kernel.bytes.data, uki_kernel, sizeof(uki_kernel));
	expect("-c -l %K --append=x", "0", "load(4,0x3e0000) ");
}

static void test_unified_crash(void **state)
{
	struct buf file CLEANUP(buf_done) = { 0 }, inner CLEANUP(buf_done) = { 0 };

	(void)state;
	mk_unified(&file, &inner);
	mk_text(&machine, "proc/iomem",
		"00001000-0009fbff : System RAM\n00100000-3fffffff : System RAM\n"
		"  10000000-1fffffff : Crash kernel\n");
	/* One that was meant for the first kernel reserves nothing in the capture kernel. */
	expect("-s -p %K", "0",
	       "file_load(kernel,none,29,base line acpi_no_memhotplug,0x4) "
	       "file_load(none,none,0,,0x1) "
	       "file_load(kernel,initrd,29,base line acpi_no_memhotplug,0x2) ");
	assert_string_equal(run("-c -p %K --append=x"), "0");
	assert_true(takes_kernel);
}

static void expect_image(struct bytes linux_, const char *line, const char *end)
{
	struct buf file CLEANUP(buf_done) = { 0 };
	const char *result;

	mk_uki((const struct mk_section[]){ { ".linux", linux_ } }, 1, &file);
	mk_file(&machine, "vmlinuz", file.data, file.size);
	did[0] = '\0';
	result = run(line);
	if (strlen(result) < strlen(end) || strcmp(result + strlen(result) - strlen(end), end))
		assert_string_equal(result, end);
	assert_string_equal(did, "");
}

static void test_no_unified(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE] = "MZ\0\0zimg";
	struct buf file CLEANUP(buf_done) = { 0 };

	(void)state;
	expect("-t bzImage -l %K", "0", "load(3,0x3e0000) ");
	assert_non_null(strstr(run("-t uki -l %K"), "vmlinuz: --type=uki: the file is bzImage64"));
	assert_non_null(strstr(run("-l %K --uki-profile=1"),
			       "/vmlinuz: no unified kernel image, which alone has profiles: "
			       "--uki-profile=1 has nothing to choose from"));
	expect("-l %K --uki-profile=0", "0", "load(3,0x3e0000) ");
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	did[0] = '\0';
	assert_non_null(strstr(run("-s -l %K"), "/vmlinuz: an EFI zboot image: no kernel for x86"));
	memcpy(image, "\x36\x13\x03\x1b", 4);
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	assert_non_null(strstr(run("-l %K"), "/vmlinuz: a network boot image (NBI): a boot ROM"));
	mk_uki((const struct mk_section[]){ { ".cmdline", text_bytes("more") } }, 1, &file);
	mk_file(&machine, "vmlinuz", file.data, file.size);
	assert_non_null(strstr(run("-l %K"),
			       "/vmlinuz: a PE file that is no kernel: it has no "
			       ".linux section, as a unified kernel image has, nor "));
	/* What is in it has to be a kernel that can be loaded. */
	expect_image(
		text_bytes("kernel"), "-c -l %K",
		"/vmlinuz: unified kernel image: .linux: 6 bytes are too few for a kernel: its setup header ends at 0x290");
	mk_image(image);
	expect_image(
		(struct bytes){ image, sizeof(image) - 16 }, "-c -l %K",
		"/vmlinuz: unified kernel image: .linux: offset 0x1f4: syssize 0x500: the kernel ends at 0x5a00, the file at "
		"0x59f0: it is truncated");
	expect_image((struct bytes){ image, sizeof(image) }, "-t bzImage -l %K",
		     "vmlinuz: --type=bzImage: the file is uki");
	image[0x202] = 0;
	expect_image(
		(struct bytes){ image, sizeof(image) }, "-c -l %K",
		"/vmlinuz: unified kernel image: .linux: not a bzImage: at 0x202 there is 0x53726400, not \"HdrS\" "
		"(0x53726448)");
}

/* As long as the kernel takes, and one more. */
static void test_unified_cmdline(void **state)
{
	struct buf file CLEANUP(buf_done) = { 0 };
	char line[2049];

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[2048] = '\0';
	mk_image(uki_kernel);
	for (size_t length = 2048; length >= 2047; length--) {
		file.size = 0;
		mk_uki(
			(const struct mk_section[]){
				{ ".linux", { uki_kernel, sizeof(uki_kernel) } },
				{ ".cmdline", { (const uint8_t *)line, length } } },
			2, &file);
		mk_file(&machine, "vmlinuz", file.data, file.size);
		if (length == 2047)
			expect("-c -l %K", "0", "load(3,0x3e0000) ");
		else
			assert_non_null(
				strstr(run("-c -l %K"),
				       "/vmlinuz: the command line has 2048 characters, the "
				       "kernel takes 2047 at most"));
	}
	file.size = 0;
	mk_uki((const struct mk_section[]){ { ".linux", { uki_kernel, sizeof(uki_kernel) } },
					    { ".cmdline", { (const uint8_t *)"a\0b", 3 } } },
	       2, &file);
	mk_file(&machine, "vmlinuz", file.data, file.size);
	expect("-s -l %K", "0", "file_load(kernel,none,2,a,0x4) ");
	assert_string_equal(warned,
			    ".cmdline ends with the NUL at its offset 1: the text behind it "
			    "is not taken");
	expect("-s -l %K --append=b", "0", "file_load(kernel,none,2,b,0x4) ");
	assert_string_equal(warned, "");
	/* It has no profiles, so none is spoken of. */
	assert_string_equal(run("--dry-run -l %K"), "0");
	assert_non_null(strstr(
		output, "\n  unified kernel image: the kernel is its .linux, 23040 bytes\n"));
}

static void test_unified_examined(void **state)
{
	struct buf file CLEANUP(buf_done) = { 0 }, inner CLEANUP(buf_done) = { 0 };
	char said[MK_PATH_MAX + 100];

	(void)state;
	mk_unified(&file, &inner);
	assert_string_equal(run("--doctor %K"), "0");
	assert_non_null(strstr(output, "vmlinuz (6.1.0-test) would run at 0x1000000"));
	assert_non_null(strstr(run("--doctor %K --uki-profile=2"), ": no profile 2: it has 2"));
	mk_text(&machine, "proc/iomem", "00100000-3fffffff : System RAM\n");
	assert_string_equal(run("--estimate %K"), "0");
	assert_non_null(strstr(output, "         1 KiB  the initrd as it is loaded\n"));
	assert_non_null(strstr(run("--audit-efi %K"), "1: "));
	assert_null(strstr(run("--audit-efi %K"), "bzImage"));
	assert_string_equal(run("--doctor -t uki %K"), "0");
	snprintf(said, sizeof(said), "1: %s: --type=bzImage64: the file is uki", kernel);
	expect("--doctor -t bzImage64 %K", said, "");
	expect("--estimate -t bzImage64 %K", said, "");
	expect("--doctor -t bogus %K",
	       "--type=bogus: only bzImage64 (or bzImage), elf-x86_64, elf-x86, multiboot-x86, "
	       "multiboot2-x86 and uki are known",
	       "");
}

static void test_hypervisor_host(void **state)
{
	static const char dom0[] =
		"1: /sys/hypervisor: this is Xen's dom0: only the hypervisor can "
		"start another kernel";

	(void)state;
	mk_text(&machine, "sys/hypervisor/type", "xen\n");
	/* A guest that the hardware translates for. */
	mk_text(&machine, "sys/hypervisor/properties/features", "00002705\n");
	expect("-l %K", "0", "load(3,0x3e0000) ");
	mk_text(&machine, "sys/hypervisor/properties/features", "00002701\n");
	expect("-l %K",
	       "1: /sys/hypervisor: this is a paravirtualised guest of Xen: only the hypervisor can "
	       "start another kernel",
	       "");
	mk_text(&machine, "sys/hypervisor/properties/features", "00002f0f\n");
	expect("-c -l %K", dom0, "");
	expect("-s -l %K", dom0, "");
	expect("-p %K", dom0, "");
	expect("-f %K", dom0, "");
	expect("--dry-run -l %K", dom0, "");
	expect("-u", "0", "file_load(none,none,0,,0x1) ");
	mk_text(&machine, "sys/hypervisor/type", "other\n");
	mk_text(&machine, "sys/devices/virtual/misc/mshv", "");
	expect("-l %K", "0", "load(3,0x3e0000) ");
	assert_string_equal(warned,
			    "this is a root partition of Hyper-V: memory that it gave to the "
			    "hypervisor stays the hypervisor's, and the next kernel does not know");
}

static void test_load_is_refused(void **state)
{
	(void)state;
	load_result = -EPERM;
	mk_text(&machine, "proc/sys/kernel/kexec_load_disabled", "1\n");
	expect("-c -l %K",
	       "255: kexec_load failed: Operation not permitted: kernel.kexec_load_disabled is 1, "
	       "and stays so until the next boot; try: reboot",
	       "load(3,0x3e0000) ");
	file_load_result = -ENOEXEC;
	expect("-s -l %K",
	       "255: kexec_file_load failed: Exec format error: the running kernel's loader does not "
	       "take this image; try: kexec -c ...",
	       "file_load(kernel,none,1,,0x4) ");
}

static void test_unload(void **state)
{
	(void)state;
	expect("-u", "0", "file_load(none,none,0,,0x1) ");
	expect("-u -p", "0", "file_load(none,none,0,,0x3) ");
	expect("-p -u", "0", "file_load(none,none,0,,0x3) ");
	file_load_result = -ENOSYS;
	expect("-u -p", "0", "file_load(none,none,0,,0x3) load(0,0x3e0001) ");
	did[0] = '\0';
	assert_int_equal(strncmp(run("-u -s"), "255: kexec_file_load failed: ", 29), 0);
	assert_string_equal(did, "file_load(none,none,0,,0x1) ");
	expect("-c -u", "0", "load(0,0x3e0000) ");
}

static void test_exec(void **state)
{
	(void)state;
	expect("-e", "1: Nothing has been loaded! Load a kernel first: kexec -l KERNEL", "");
	mk_text(&machine, "sys/kernel/kexec_loaded", "1\n");
	expect("-e",
	       "255: kexec failed: Invalid argument: this is a container: only processes of the machine "
	       "itself may start a kernel; try: kexec -e outside of it",
	       "sync network-down exec ");
	run("-e -x");
	did[0] = '\0';
	run("-x -e");
	assert_string_equal(did, "sync exec ");
	did[0] = '\0';
	run("-e -y -x");
	assert_string_equal(did, "exec ");
	/* The new place of the file has the last word. */
	mk_text(&machine, "sys/kernel/kexec/loaded", "0\n");
	expect("-e", "1: Nothing has been loaded! Load a kernel first: kexec -l KERNEL", "");
	mk_file(&machine, "sys/kernel/kexec/loaded", NULL, 0);
	mk_file(&machine, "sys/kernel/kexec_loaded", NULL, 0);
	expect("-e",
	       "1: nothing was started, the network is as it was: /sys/kernel/kexec_loaded: No such file "
	       "or directory: the running kernel was built without kexec (CONFIG_KEXEC)",
	       "");
}

static void test_force_and_default(void **state)
{
	(void)state;
	mk_text(&machine, "sys/kernel/kexec_loaded", "1\n");
	run("-f -c %K");
	assert_string_equal(did, "load(3,0x3e0000) sync network-down exec ");
	expect("-c %K",
	       "255: loaded, but shutdown -r now cannot be run: No such file or directory; reboot in another "
	       "way, or kexec -e",
	       "load(3,0x3e0000) shutdown ");
}

/* Nobody hears it afterwards. */
static void test_said_before_the_end(void **state)
{
	static const char *const line[] = { "-f -c %K", "-c %K" };
	int saved = dup(STDERR_FILENO);
	FILE *file;

	(void)state;
	mk_text(&machine, "sys/kernel/kexec_loaded", "1\n");
	assert_int_equal(chmod(kernel, 0666), 0);
	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		file = tmpfile();
		assert_non_null(file);
		dup2(fileno(file), STDERR_FILENO);
		said_by_then = 0;
		run(line[i]);
		dup2(saved, STDERR_FILENO);
		fclose(file);
		assert_true(said_by_then > 0);
		assert_string_equal(warned, "");
	}
	close(saved);
}

/* That nobody listens is no reason not to start, and the signal is as it was for what comes then. */
static void test_said_to_nobody(void **state)
{
	static const char *const line[][2] = {
		{ "-f -c %K", "load(3,0x3e0000) sync network-down exec " },
		{ "-c %K", "load(3,0x3e0000) shutdown " },
	};
	int saved = dup(STDERR_FILENO), ends[2];

	(void)state;
	mk_text(&machine, "sys/kernel/kexec_loaded", "1\n");
	assert_int_equal(chmod(kernel, 0666), 0);
	for (size_t i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		assert_int_equal(pipe(ends), 0);
		close(ends[0]);
		dup2(ends[1], STDERR_FILENO);
		close(ends[1]);
		did[0] = '\0';
		run(line[i][0]);
		dup2(saved, STDERR_FILENO);
		assert_string_equal(did, line[i][1]);
		assert_true(signal(SIGPIPE, SIG_DFL) == SIG_DFL);
	}
	close(saved);
}

static void test_status(void **state)
{
	(void)state;
	expect("-S", "1", "");
	expect("-S -p", "1", "");
	expect("-d -S", "1", "");
	expect("-S -l", "0", "");
	expect("-l -S", "0", "");
	mk_text(&machine, "sys/kernel/kexec_loaded", "1\n");
	mk_text(&machine, "sys/kernel/kexec_crash_loaded", "0\n");
	expect("-S -l", "1", "");
	expect("-S", "0", "");
	mk_file(&machine, "sys/kernel/kexec_crash_loaded", NULL, 0);
	expect("-S",
	       "255: /sys/kernel/kexec_crash_loaded: No such file or directory: the "
	       "running kernel was built without kexec (CONFIG_KEXEC)",
	       "");
}

static void test_report(void **state)
{
	static const char node[] = "sys/kernel/boot_params/setup_data/1/data";
	struct purgatory_report report = {
		.version = PURGATORY_REPORT_VERSION,
		.nr_regions = 3,
		.nr_chunks = 240,
		.bytes = 62914560,
		.nmis = 2,
		.tsc_entry = 1000000000,
		.tsc_exit = 1500000000,
		.tsc_hz = 2000000000,
	};
	struct root root CLEANUP(root_close) = { 0 };
	struct err err;
	bool found;

	(void)state;
	assert_int_equal(root_open(machine.path, &root, &err), 0);
	mk_text(&machine, "sys/kernel/boot_params/setup_data/0/type", "0x4\n");
	assert_int_equal(gather_report(&root, &report, &found, &err), 0);
	assert_false(found);
	mk_text(&machine, "sys/kernel/boot_params/setup_data/1/type", "0x5341464b\n");
	mk_file(&machine, node, &report, sizeof(report));
	expect("-S --verbose", "1", "");
	assert_int_equal(gather_report(&root, &report, &found, &err), 0);
	assert_true(found);
	assert_int_equal(report.nr_chunks, 240);
	mk_file(&machine, node, &report, sizeof(report) - 1);
	expect("-S --verbose",
	       "1: /sys/kernel/boot_params/setup_data/1/data: 95 bytes, a report has 96", "");
	report.version = 0;
	mk_file(&machine, node, &report, sizeof(report));
	expect("-S --verbose",
	       "1: /sys/kernel/boot_params/setup_data/1/data: a report of version 0, not 1", "");
}

#define VALUES "--init-size=56820K --kernel-alignment=2M --pref-address=16M "

static void test_audit(void **state)
{
	static const char map[] =
		"efi: mem00: type=7, attr=0xf, range=[0x62a000-0x4200000) (59MB)\n"
		"efi: mem01: type=4, attr=0xf, range=[0x4200000-0x4400000) (2MB)\n"
		"efi: mem02: type=7, attr=0xf, range=[0x4400000-0x20000000) (2MB)\n";
	char fleet[MK_PATH_MAX], line[MK_PATH_MAX + 100], said[MK_PATH_MAX + 100];

	(void)state;
	/* The image of tests has a PE header of the last era. */
	mk_file(&machine, "dmesg", map, sizeof(map) - 1);
	expect("--audit-efi %K", "0", "");
	expect("--audit-efi " VALUES, "3", "");
	expect("--json %K --audit-efi " VALUES, "0", "");
	expect("--audit-efi %K --init-size=1G", "3", "");
	/* Without a map in the log: nothing, or what the kernel kept. */
	mk_file(&machine, "dmesg", "x", 1);
	expect("--audit-efi %K",
	       "1: no EFI memory map: x86 kernels print it (\"efi: mem00: ...\") when they are "
	       "booted by EFI firmware with efi=debug; /sys/kernel/boot_params/data: no EFI memory "
	       "map: the running kernel was not started by EFI firmware, nor by a kexec that hands "
	       "its map on",
	       "");
	mk_text(&machine, "sys/firmware/efi/runtime-map/0/type", "6");
	mk_text(&machine, "sys/firmware/efi/runtime-map/0/phys_addr", "0x1000000");
	mk_text(&machine, "sys/firmware/efi/runtime-map/0/virt_addr", "0xfffffffeff000000");
	mk_text(&machine, "sys/firmware/efi/runtime-map/0/num_pages", "0x10");
	mk_text(&machine, "sys/firmware/efi/runtime-map/0/attribute", "0x800000000000000f");
	expect("--audit-efi %K", "1", "");
	/* A fleet: one without a map, one with a hazard. */
	mk_file(&machine, "fleet/a.log", "x", 1);
	mk_path(&machine, "fleet", fleet);
	snprintf(line, sizeof(line), "--audit-efi --all=%s %%K", fleet);
	expect(line, "1", "");
	mk_file(&machine, "fleet/b.log", map, sizeof(map) - 1);
	expect(line, "1", "");
	snprintf(line, sizeof(line), "--audit-efi --json --all=%s " VALUES, fleet);
	expect(line, "3", "");
	mk_file(&machine, "fleet/a.log", map, sizeof(map) - 1);
	snprintf(line, sizeof(line), "--audit-efi --all %s %%K", fleet);
	expect(line, "0", "");
	snprintf(line, sizeof(line), "--audit-efi %%K --all %s/none", fleet);
	snprintf(said, sizeof(said), "1: %s/none: No such file or directory", fleet);
	expect(line, said, "");
}

static void test_audit_usage(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];
	char said[MK_PATH_MAX + 100];

	(void)state;
	expect("--audit-efi",
	       "no kernel named, nor --init-size, --kernel-alignment and --pref-address in its "
	       "place",
	       "");
	expect("--audit-efi --init-size=1M --kernel-alignment=2M",
	       "no kernel named, nor --init-size, --kernel-alignment and --pref-address in its "
	       "place",
	       "");
	expect("--all=x -l %K", "--all goes with --audit-efi", "");
	expect("-l %K --load-address=1M", "--load-address goes with --audit-efi", "");
	expect("--audit-efi=x --all=y %K", "--all names the logs: --audit-efi takes none then", "");
	expect("--audit-efi %K --initrd=x --json",
	       "--initrd makes no sense without loading a kernel: --audit-efi loads none", "");
	expect("-u --json", "--json goes with --dry-run, --doctor, --audit-efi or --list-entries",
	       "");
	expect("-u --sysroot=x",
	       "--sysroot goes with loading, --doctor, --estimate, --audit-efi, --capture, --list-entries and --print-ckr-size",
	       "");
	expect("--audit-efi -l %K --init-size=0",
	       "--init-size=0: not a number from 0x1 to 0xffffffff", "");
	expect("--audit-efi --init-size=4G", "--init-size=4G: not a number from 0x1 to 0xffffffff",
	       "");
	expect("--audit-efi --kernel-alignment=3M", "--kernel-alignment=3M: not a power of two",
	       "");
	expect("--audit-efi --kernel-alignment=2K",
	       "--kernel-alignment=2K: not a number from 0x1000 to 0x100000000 on a page", "");
	expect("--audit-efi --pref-address=0x1000001",
	       "--pref-address=0x1000001: not a number from 0x1000 to 0xffffffffff000 on a page",
	       "");
	expect("--audit-efi --load-address=x",
	       "--load-address=x: not a number from 0x1 to 0xfffffffffffff", "");
	expect("--audit-efi=/nonexistent/log %K", "1: /nonexistent/log: No such file or directory",
	       "");
	mk_image(image);
	put_u32(image + 0x3c, 0);
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	snprintf(said, sizeof(said),
		 "1: %s: no PE header, so no EFI stub: the firmware cannot start it", kernel);
	expect("--audit-efi=/nonexistent/log %K", said, "");
}

/* Of two reservations the one that a crash kernel is loaded into. */
static void test_print_reservation(void **state)
{
	(void)state;
	expect_said("--print-ckr-size", "0\n");
	mk_text(&machine, "proc/iomem",
		"00100000-3fffffff : System RAM\n  10000000-1fffffff : Crash kernel\n"
		"100000000-17fffffff : System RAM\n  160000000-165ffffff : Crash kernel\n");
	expect_said("--print-ckr-size", "100663296\n");
	mk_text(&machine, "proc/iomem",
		"00100000-3fffffff : System RAM\n  10000000-1fffffff : Crash kernel\n");
	expect_said("--print-ckr-size", "268435456\n");
}

/* With -d the plan is shown, and not on standard output. */
static void test_debug(void **state)
{
	char text[4096] = "", path[MK_PATH_MAX];
	int before = dup(STDERR_FILENO);
	FILE *file;

	(void)state;
	mk_path(&machine, "said", path);
	assert_non_null(freopen(path, "w", stderr));
	expect("-d -c -l %K", "0", "load(3,0x3e0000) ");
	fflush(stderr);
	dup2(before, STDERR_FILENO);
	close(before);
	assert_string_equal(output, "");
	file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	assert_non_null(strstr(text, "\nReasons\n  kernel at 0x1000000: "));
}

static void test_help(void **state)
{
	(void)state;
	run("-h");
	assert_non_null(strstr(output, "Usage: kexec "));
	assert_non_null(strstr(output, "\n  -p, --load-panic "));
	run("-e -x --version");
	assert_string_equal(output, "safekexec " PACKAGE_VERSION "\n");
}

/* Each option has its place in the request. */
static void test_console_options(void **state)
{
	static const struct {
		const char *option;
		struct load_console console;
		bool asked, port_given;
	} rows[] = {
		{ "--console-serial", { .serial = true }, true, false },
		{ "--console-vga", { .vga = true }, true, false },
		{ "--console-e9", { .debug_port = true }, true, false },
		{ "--reset-vga", { .reset_vga = true }, false, false },
		{ "--serial=ttyS3", { .port = 0x2e8 }, false, true },
		{ "--serial=0x5f8", { .port = 0x5f8 }, false, true },
		{ "--serial-baud=9600", { .baud = 9600 }, false, false },
	};
	struct request request;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *const argv[] = { (char *)"kexec", (char *)"-l", (char *)rows[i].option,
				       (char *)"K", NULL };

		assert_int_equal(cli_parse(4, argv, &request, &err), 0);
		assert_int_equal(request.console.serial, rows[i].console.serial);
		assert_int_equal(request.console.vga, rows[i].console.vga);
		assert_int_equal(request.console.debug_port, rows[i].console.debug_port);
		assert_int_equal(request.console.reset_vga, rows[i].console.reset_vga);
		assert_int_equal(request.console.port, rows[i].console.port);
		assert_int_equal(request.console.baud, rows[i].console.baud);
		assert_int_equal(request.console_asked, rows[i].asked);
		assert_int_equal(request.port_given, rows[i].port_given);
	}
}

static void test_usage(void **state)
{
	(void)state;
	expect("-l", "no kernel named", "");
	expect("-e --append=x",
	       "--append makes no sense without loading a kernel: -e starts the one that is loaded, "
	       "as it was loaded",
	       "");
	/* Who asks for a dry run is not led to what changes the machine. */
	expect("--dry-run -e", "a dry run shows what would be loaded, and -e loads nothing", "");
	expect("-u --append=x --dry-run",
	       "a dry run shows what would be loaded, and -u loads nothing", "");
	expect("--noefi -u", "--noefi makes no sense without loading a kernel: -u loads none", "");
	expect("--frobnicate", "--frobnicate: no such option", "");
	expect("-l %K -dqZ", "-q: no such option", "");
	expect("-l %K --console", "--console: several options begin so", "");
	expect("-l %K --append", "--append: an argument is missing: --append=STRING", "");
	expect("-l %K -t", "-t: an argument is missing", "");
	expect("-l %K --noefi=x", "--noefi=x: --noefi takes no argument", "");
	expect("-l %K --json",
	       "--json goes with --dry-run, --doctor, --audit-efi or --list-entries", "");
	expect("-l %K -t beoboot-x86",
	       "--type=beoboot-x86: only bzImage64 (or bzImage), elf-x86_64, elf-x86, "
	       "multiboot-x86, multiboot2-x86 and uki are known",
	       "");
	expect("-e -t elf-x86_64 --mem-max=1G --serial=ttyS0",
	       "1: Nothing has been loaded! Load a kernel first: kexec -l KERNEL", "");
	expect("-l %K --entry=0x1000",
	       "--entry: a kernel is entered by the purgatory, which verifies it, and nowhere else",
	       "");
	expect("-l %K --reuseinitrd",
	       "--reuseinitrd: a running kernel that has kept its initrd (retain_initrd) shows it in "
	       "/sys/firmware/initrd",
	       "");
	expect("--real-mode -s -l %K",
	       "--real-mode needs -c: with -s the running kernel's own loader enters kernels in "
	       "64-bit mode",
	       "");
	expect("--real-mode --direct -l %K", "--real-mode with --direct: a kernel has one entry",
	       "");
	expect("-l %K --entry-32bit --real-mode",
	       "--real-mode with --entry-32bit: a kernel has one entry", "");
	expect("-p %K --real-mode",
	       "--real-mode with -p: a capture kernel must not take all memory for its own, as "
	       "the BIOS would tell it to",
	       "");
	expect("--load-preserve-context --mem-max=1G -c %K",
	       "--load-preserve-context: no kernel comes back to the one that has started it", "");
	expect("--exec-live-update",
	       "--exec-live-update: this loader does not update a running Xen", "");
	expect("-p -f %K", "-p with -f: a panic starts a crash kernel", "");
	expect("-l %K --hotplug",
	       "--hotplug, --pass-memmap-cmdline, --spare-copy and --backup go with -p", "");
	expect("-p %K --backup=maybe", "--backup=maybe: not auto, always or never", "");
	expect("-l %K --elf32-core-headers --elf64-core-headers --args-linux", "0",
	       "load(3,0x3e0000) ");
	expect("--estimate=count", "--estimate=count: only =measure is known", "");
	expect("-l %K --serial=ttyUSB0", "--serial=ttyUSB0: not ttyS0 to ttyS3, nor an I/O port",
	       "");
	expect("-l %K --serial-baud=7", "--serial-baud=7: 115200 is not a multiple of it", "");
	expect("-l %K --on-corruption=spin", "--on-corruption=spin: not reset or halt", "");
	expect("-l %K --mem-min=low", "--mem-min=low: not an address", "");
	expect("-e -u",
	       "only one of -l, -e, -u, -f, -S, --doctor, --estimate, --audit-efi, --capture and --list-entries can be done at a time",
	       "");
}

/* Options mean the same wherever they stand, and however they are spelt. */
static void test_order(void **state)
{
	char *const first[] = { (char *)"kexec",	 (char *)"-l",
				(char *)"--append=a",	 (char *)"K",
				(char *)"--noefi",	 (char *)"--initrd=one",
				(char *)"--ramdisk",	 (char *)"two",
				(char *)"--mem-max=64M", NULL };
	char *const second[] = { (char *)"kexec",
				 (char *)"--noefi",
				 (char *)"--initrd",
				 (char *)"one",
				 (char *)"--mem-max",
				 (char *)"0x4000000",
				 (char *)"--ramd=two",
				 (char *)"--command-line=b",
				 (char *)"--command-line=a",
				 (char *)"--load",
				 (char *)"K",
				 NULL };
	struct request a, b;
	struct err err;

	(void)state;
	assert_int_equal(cli_parse(9, first, &a, &err), 0);
	assert_int_equal(cli_parse(11, second, &b, &err), 0);
	assert_int_equal(a.action, ACTION_LOAD);
	assert_int_equal(b.action, ACTION_LOAD);
	assert_string_equal(a.append, "a");
	assert_string_equal(b.append, "a");
	assert_string_equal(a.kernel, b.kernel);
	assert_true(a.no_efi && b.no_efi);
	assert_int_equal(a.nr_initrds, 2);
	assert_int_equal(b.nr_initrds, 2);
	assert_string_equal(a.initrd[1], "two");
	assert_string_equal(b.initrd[1], "two");
	assert_int_equal(a.mem_max, 0x4000000);
	assert_int_equal(b.mem_max, 0x4000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_load, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unverified, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hidden, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_svg, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_locked_down, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dry_run_of_locked_down, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_handed_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_warnings_of_the_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_limit_of_both, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_privileges, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hidden_from_who_has_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_writable_by_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_measurements_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_fall_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_newer_flags, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_files_of_the_kernel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_void_of_the_kernel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_memory_for_the_copy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_own_loader_goes_low, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_elf, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_multiboot, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_32bit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unheeded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_entry_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_expanded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unpack_initrd, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unpack_initrd_without_memory, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_unpack_initrd_of_crash, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unified, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unified_by_the_kernel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unified_crash, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_unified, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unified_cmdline, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unified_examined, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hypervisor_host, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_load_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unload, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exec, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_force_and_default, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_said_before_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_said_to_nobody, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_status, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_report, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_audit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_audit_usage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_print_reservation, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_debug, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_help, set_up, tear_down),
		cmocka_unit_test(test_console_options),
		cmocka_unit_test_setup_teardown(test_usage, set_up, tear_down),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
