/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is recorded of a load, and what a start, the status and a comparison make of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kexec/action.h"
#include "kexec/core/sha256.h"
#include "kexec/lib/loaded.h"
#include "kexec/sys/run.h"
#include "purgatory-abi.h"
#include "tests/mk/image.h"
#include "tests/mk/machine.h"
#include "tests/mk/pack.h"
#include "tests/mk/uki.h"

static const char normal[] = "run/safekexec/load.json", crash[] = "run/safekexec/panic.json";
static const char iomem[] = "00001000-0009fbff : System RAM\n"
			    "00100000-3fffffff : System RAM\n"
			    "  10000000-1fffffff : Crash kernel\n";

static struct mk_machine machine;
static char kernel[MK_PATH_MAX], initrd[MK_PATH_MAX];
static bool started;
static const char *shrinks; /* a file, while the kernel's own loader is at work */

static int accept_load(void *context, uint64_t entry, size_t nr_segments,
		       const struct kexec_segment *segment, unsigned long flags)
{
	(void)context;
	(void)entry;
	(void)nr_segments;
	(void)segment;
	return flags & KEXEC_CRASH_HOTPLUG_SUPPORT ? -EINVAL : 0;
}

static int accept_file_load(void *context, int kernel_fd, int initrd_fd, size_t cmdline_size,
			    const char *line, unsigned long flags)
{
	(void)context;
	(void)kernel_fd;
	(void)initrd_fd;
	(void)cmdline_size;
	(void)line;
	(void)flags;
	return shrinks ? truncate(shrinks, 1) : 0;
}

static void nothing(void *context)
{
	(void)context;
}

static int start(void *context)
{
	(void)context;
	started = true;
	return -EINVAL;
}

static const struct ops accepting = {
	.load = accept_load,
	.file_load = accept_file_load,
	.sync = nothing,
	.network_down = nothing,
	.exec_loaded = start,
};

/* Paths of this process are found below the machine's root, too. */
static void link_paths(void)
{
	char path[MK_PATH_MAX];

	mk_text(&machine, "tmp/x", "");
	assert_true(snprintf(path, sizeof(path), "%s%s", machine.path, machine.path) < MK_PATH_MAX);
	assert_int_equal(symlink("/", path), 0);
}

static int set_up(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];

	(void)state;
	mk_machine_init(&machine);
	link_paths();
	mk_image(image);
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	mk_path(&machine, "vmlinuz", kernel);
	mk_text(&machine, "initrd", "070701, and more");
	mk_path(&machine, "initrd", initrd);
	mk_text(&machine, "proc/iomem", iomem);
	mk_text(&machine, "sys/kernel/kexec_loaded", "1\n");
	started = false;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mk_machine_done(&machine);
	return 0;
}

static char said[16384]; /* the output, then each warning, then the error, a line each */

/* %K and %I for the kernel and the initrd. The exit status, -1 for an error. */
static int run(const char *line)
{
	struct warnings warnings = { 0 };
	struct surroundings around = { .ops = &accepting, .warnings = &warnings };
	struct request request;
	char words[512], *argv[32] = { (char *)"kexec" }, warned[1024];
	int argc = 1, status = 0, result, saved = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	struct err err = { 0 };

	assert_non_null(file);
	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = !strcmp(word, "%K") ? kernel : !strcmp(word, "%I") ? initrd : word;
	memset(said, 0, sizeof(said));
	around.out = fmemopen(said, sizeof(said) - 1, "w");
	if (cli_parse(argc, argv, &request, &err))
		fail_msg("%s: %s", line, err.text);
	assert_int_equal(root_open(machine.path, &around.root, &err), 0);
	/* Some are printed before the kernel is started. */
	dup2(fileno(file), STDERR_FILENO);
	result = action_run(&request, &around, &status, &err);
	action_print_warnings(&warnings);
	dup2(saved, STDERR_FILENO);
	close(saved);
	root_close(&around.root);
	fclose(around.out);
	rewind(file);
	while (fgets(warned, sizeof(warned), file)) {
		assert_memory_equal(warned, "kexec: warning: ", 16);
		snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s", warned + 16);
	}
	fclose(file);
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s", result ? err.text : "");
	warnings_done(&warnings);
	return result ? -1 : status;
}

static struct record recall(bool of_crash)
{
	struct record record = { 0 };
	struct root root CLEANUP(root_close) = { 0 };
	struct err err;
	bool found;

	assert_int_equal(root_open(machine.path, &root, &err), 0);
	if (loaded_recall(&root, of_crash, &record, &found, &err))
		fail_msg("%s", err.text);
	assert_true(found);
	return record;
}

static bool exists(const char *path)
{
	char full[MK_PATH_MAX];

	mk_path(&machine, path, full);
	return !access(full, F_OK);
}

static mode_t mode(const char *path)
{
	char full[MK_PATH_MAX];
	struct stat status;

	mk_path(&machine, path, full);
	assert_int_equal(stat(full, &status), 0);
	return status.st_mode & 07777;
}

static char *text_of(const char *path)
{
	struct root root CLEANUP(root_close) = { 0 };
	struct err err;
	char *text = NULL;

	assert_int_equal(root_open(machine.path, &root, &err), 0);
	if (root_peek_text(&root, path, &text, &err))
		fail_msg("%s", err.text);
	return text;
}

/* The digest, told again. */
static void expect_digest(const char *digest, const uint8_t *data, size_t size)
{
	uint8_t pieces[64 * 32], whole[32];
	char text[RECORD_DIGEST_MAX];
	size_t count = 0;

	for (size_t at = 0; at < size; at += PURGATORY_CHUNK_SIZE)
		sha256(data + at,
		       size - at < PURGATORY_CHUNK_SIZE ? size - at : PURGATORY_CHUNK_SIZE,
		       pieces + 32 * count++);
	sha256(pieces, 32 * count, whole);
	for (size_t i = 0; i < 32; i++)
		snprintf(text + 2 * i, 3, "%02x", whole[i]);
	assert_string_equal(digest, text);
}

static void test_remembered(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];
	struct record record CLEANUP(record_done) = { 0 };
	char *text CLEANUP(text_done) = NULL;
	struct bzimage parsed;
	struct err err;

	(void)state;
	umask(0);
	assert_int_equal(run("-c -l %K --initrd=x --initrd=%I"), -1);
	assert_false(exists(normal));
	assert_int_equal(run("-c -l %K --initrd %I --append=password=hush"), 0);
	assert_string_equal(said, "");
	assert_int_equal(mode("run/safekexec"), 0700);
	assert_int_equal(mode(normal), 0600);
	text = text_of(normal);
	assert_null(strstr(text, "hush"));
	record = recall(false);
	assert_string_equal(record.method, "kexec_load");
	assert_string_equal(record.kernel.path, kernel);
	assert_int_equal(record.kernel.size, MK_IMAGE_SIZE);
	assert_int_equal(record.nr_initrds, 1);
	assert_string_equal(record.initrd[0].path, initrd);
	assert_int_equal(record.cmdline_size, strlen("password=hush"));
	mk_image(image);
	assert_int_equal(bzimage_parse((struct bytes){ image, sizeof(image) }, &parsed, &err), 0);
	expect_digest(record.kernel_digest, parsed.protected.data, parsed.protected.size);
	expect_digest(record.initrd_digest, (const uint8_t *)"070701, and more", 16);
	assert_int_equal(record.footprint.start, 0x1000000);
	assert_int_equal(record.nr_segments, 4);
	assert_string_equal(record.segment[0].name, "params");
	assert_true(record.has_map);
	assert_int_equal(record.ram.count, 2);
	assert_int_equal(record.firmware.count, 3);
	assert_int_equal(run("-S -l --verbose"), 1);
	assert_non_null(strstr(said, "a kernel is loaded\nloaded     20"));
	assert_non_null(strstr(said, record.kernel_digest));
	assert_null(strstr(said, "hush"));
	/* Nothing is loaded by a dry run, and one that is unloaded is forgotten. */
	assert_int_equal(run("-u"), 0);
	assert_false(exists(normal));
	assert_int_equal(run("--dry-run -l %K"), 0);
	assert_false(exists(normal));
}

/* What is recorded is the file, whatever was loaded of it. */
static void test_unpacked(void **state)
{
	struct buf archive CLEANUP(buf_done) = { 0 }, file CLEANUP(buf_done) = { 0 };
	struct record record CLEANUP(record_done) = { 0 };

	(void)state;
	pack_file("init", (struct bytes){ (const uint8_t *)"of it", 5 }, &archive);
	pack_archive_end(&archive);
	pack_zstd(buf_bytes(&archive), &file);
	mk_file(&machine, "initrd", file.data, file.size);
	assert_int_equal(run("-c -l %K --initrd %I --unpack-initrd"), 0);
	assert_string_equal(said, "");
	record = recall(false);
	assert_int_equal(record.initrd[0].size, file.size);
	expect_digest(record.initrd_digest, file.data, file.size);
	record_done(&record);
	assert_int_equal(run("-c -l %K --initrd %I --unpack-initrd --no-checks"), 0);
	record = recall(false);
	assert_string_equal(record.initrd_digest, "");
}

static void test_kinds(void **state)
{
	struct record record CLEANUP(record_done) = { 0 };
	char *ours CLEANUP(text_done) = NULL;

	(void)state;
	/* The two are apart. */
	assert_int_equal(run("-c -l %K --initrd %I"), 0);
	assert_int_equal(run("-c -p %K --initrd %I --append=nr_cpus=1 --no-checks"), 0);
	assert_true(exists(normal));
	record = recall(true);
	assert_true(record.crash);
	assert_int_equal(record.flags, KEXEC_ON_CRASH);
	assert_string_equal(record.kernel_digest, "");
	record_done(&record);
	mk_text(&machine, "sys/kernel/crash_elfcorehdr_size", "16384\n");
	assert_int_equal(run("-c -p %K --hotplug"), 0);
	record = recall(true);
	assert_true(record.hotplug);
	assert_int_equal(record.flags, KEXEC_ON_CRASH | KEXEC_UPDATE_ELFCOREHDR);
	record_done(&record);
	assert_int_equal(run("-u -p"), 0);
	assert_true(exists(normal));
	assert_false(exists(crash));
	/* The same bytes have the same digest whoever loads them. */
	record = recall(false);
	ours = strdup(record.kernel_digest);
	record_done(&record);
	assert_int_equal(run("-s -l %K --initrd %I"), 0);
	record = recall(false);
	assert_string_equal(record.method, "kexec_file_load");
	assert_string_equal(record.kernel_digest, ours);
	assert_int_equal(record.nr_segments, 0);
	assert_true(record.has_map);
	record_done(&record);
	shrinks = initrd;
	assert_int_equal(run("-s -l %K --initrd %I"), 0);
	shrinks = NULL;
	assert_string_equal(said, "");
	record = recall(false);
	assert_string_equal(record.kernel_digest, "");
	assert_string_equal(record.initrd_digest, "");
	record_done(&record);
	/* The running kernel's loader needs no map, and so the record has none then. */
	mk_file(&machine, "sys/firmware/memmap/0/start", NULL, 0);
	assert_int_equal(run("-s -l %K"), 0);
	record = recall(false);
	assert_false(record.has_map);
}

/* The load has been made whatever becomes of its record; but an old one does not stay. */
static void test_not_written(void **state)
{
	char path[MK_PATH_MAX];

	(void)state;
	assert_int_equal(run("-c -l %K"), 0);
	mk_file(&machine, "proc/sys/kernel/random/boot_id", NULL, 0);
	assert_int_equal(run("-c -l %K"), 0);
	assert_string_equal(said,
			    "what was loaded is not recorded, and --doctor cannot compare it: "
			    "/proc/sys/kernel/random/boot_id: No such file or directory\n");
	assert_false(exists(normal));
	mk_text(&machine, "proc/sys/kernel/random/boot_id", "a\n");
	mk_path(&machine, "run/safekexec", path);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(run("-c -l %K"), 0);
	assert_non_null(strstr(said, "/run/safekexec: belongs to user "));
	assert_false(exists(normal));
	/* Neither a link in its place, nor no /run at all. */
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/tmp", path), 0);
	assert_int_equal(run("-c -l %K"), 0);
	assert_non_null(strstr(said, "/run/safekexec: "));
	assert_false(exists("tmp/load.json"));
	assert_int_equal(unlink(path), 0);
	mk_file(&machine, "run/utmp", NULL, 0);
	mk_path(&machine, "run", path);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(run("-c -l %K"), 0);
	assert_string_equal(said, "");
	assert_int_equal(run("-e"), -1);
	assert_true(started);
}

#define GONE                                                                                      \
	"memory has gone since the kernel was loaded, 0x30000000-0x40000000, and the new kernel " \
	"would take it for RAM: nothing was started, the network is as it was; load it again "    \
	"(--no-checks starts it all the same)"

static void test_map_before_start(void **state)
{
	(void)state;
	assert_int_equal(run("-c -l %K"), 0);
	assert_int_equal(run("-e"), -1);
	assert_true(started);
	assert_memory_equal(said, "kexec failed: ", 14);
	/* Memory came: hot-added memory reaches both maps. */
	started = false;
	mk_text(&machine, "proc/iomem",
		"00001000-0009fbff : System RAM\n00100000-3fffffff : System RAM\n"
		"100000000-11fffffff : System RAM\n");
	mk_memmap(&machine, 3, 0x100000000, 0x11fffffff, "System RAM\n");
	assert_int_equal(run("-e"), -1);
	assert_true(started);
	assert_memory_equal(said,
			    "memory has come since the kernel was loaded, 0x100000000-0x120000000: "
			    "the new kernel will not have it; load it again to hand it on\nkexec "
			    "failed: ",
			    140);
	/* Memory went. */
	started = false;
	mk_text(&machine, "proc/iomem",
		"00001000-0009fbff : System RAM\n00100000-2fffffff : System RAM\n"
		"100000000-11fffffff : System RAM\n");
	assert_int_equal(run("-e -x"), -1);
	assert_false(started);
	assert_non_null(strstr(said, GONE));
	assert_int_equal(run("-e --no-checks"), -1);
	assert_true(started);
	/* Where the kernel would be copied to. */
	started = false;
	mk_text(&machine, "proc/iomem",
		"00001000-0009fbff : System RAM\n00100000-01ffffff : System RAM\n"
		"04000000-3fffffff : System RAM\n100000000-11fffffff : System RAM\n");
	assert_int_equal(run("-e"), -1);
	assert_false(started);
	assert_non_null(strstr(said, "0x2000000-0x4000000, and it would be written to: kernel: "));
	/* By the firmware's map alone. */
	mk_text(&machine, "proc/iomem", iomem);
	assert_int_equal(run("-c -l %K"), 0);
	mk_memmap(&machine, 3, 0x100000000, 0x10fffffff, "System RAM\n");
	assert_int_equal(run("-e"), -1);
	assert_false(started);
	assert_non_null(strstr(said, "0x110000000-0x120000000"));
}

/* What is not of this boot, or unreadable, stops nothing. */
static void test_no_record_before_start(void **state)
{
	char path[MK_PATH_MAX];

	(void)state;
	assert_int_equal(run("-c -l %K"), 0);
	mk_text(&machine, "proc/iomem", "00100000-2fffffff : System RAM\n");
	assert_int_equal(run("-e"), -1);
	assert_false(started);
	mk_text(&machine, "proc/sys/kernel/random/boot_id", "another\n");
	assert_int_equal(run("-e"), -1);
	assert_true(started);
	assert_memory_equal(said, "kexec failed: ", 14);
	started = false;
	mk_text(&machine, normal, "{\"schema\": 1");
	assert_int_equal(run("-e"), -1);
	assert_true(started);
	assert_memory_equal(said,
			    "whether the memory map is still that of the load is not known: "
			    "/run/safekexec/load.json: not JSON, or cut\n",
			    100);
	started = false;
	mk_file(&machine, normal, NULL, 0);
	mk_path(&machine, "run/safekexec", path);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(run("-e"), -1);
	assert_true(started);
	assert_memory_equal(said, "kexec failed: ", 14);
}

static enum loaded_file compare(bool of_initrd, const char **ret_path)
{
	static struct record record;
	struct root root CLEANUP(root_close) = { 0 };
	struct err err;

	record_done(&record);
	record = recall(false);
	assert_int_equal(root_open(machine.path, &root, &err), 0);
	return (of_initrd ? loaded_compare_initrd : loaded_compare_kernel)(&root, &record,
									   ret_path);
}

static void test_files(void **state)
{
	const struct timespec then[2] = { { 1000000000, 5 }, { 1000000000, 7 } };
	const char *path;
	struct stat status;

	(void)state;
	assert_int_equal(run("-c -l %K --initrd %I --initrd %K"), 0);
	assert_int_equal(compare(false, &path), LOADED_FILE_SAME);
	assert_int_equal(compare(true, &path), LOADED_FILE_SAME);
	assert_int_equal(utimensat(AT_FDCWD, initrd, then, 0), 0);
	assert_int_equal(compare(true, &path), LOADED_FILE_TOUCHED);
	assert_string_equal(path, initrd);
	/* The same size and time, other bytes. */
	assert_int_equal(run("-c -l %K --initrd %I"), 0);
	assert_int_equal(stat(initrd, &status), 0);
	mk_text(&machine, "initrd", "070701, and less");
	assert_int_equal(utimensat(AT_FDCWD, initrd, then, 0), 0);
	assert_int_equal(compare(true, &path), LOADED_FILE_CHANGED);
	mk_text(&machine, "initrd", "070701");
	assert_int_equal(compare(true, &path), LOADED_FILE_CHANGED);
	mk_file(&machine, "initrd", NULL, 0);
	assert_int_equal(compare(true, &path), LOADED_FILE_GONE);
	assert_int_equal(compare(false, &path), LOADED_FILE_SAME);
	/* Without digests a file of another time is one that is not known. */
	assert_int_equal(run("-c -l %K --no-checks"), 0);
	assert_int_equal(compare(false, &path), LOADED_FILE_SAME);
	assert_int_equal(compare(true, &path), LOADED_FILE_SAME);
	assert_int_equal(utimensat(AT_FDCWD, kernel, then, 0), 0);
	assert_int_equal(compare(false, &path), LOADED_FILE_UNKNOWN);
	/* A path is kept with the directory that it was meant in. */
	assert_int_equal(chdir(machine.path), 0);
	assert_int_equal(run("-c -l vmlinuz --no-checks"), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(compare(false, &path), LOADED_FILE_SAME);
	assert_string_equal(path, kernel);
	/* What another process cannot find is not looked for. */
	snprintf(initrd, sizeof(initrd), "/proc/self/fd/%d", open(kernel, O_RDONLY));
	assert_int_equal(run("-c -l %K --initrd %I"), 0);
	assert_int_equal(compare(true, &path), LOADED_FILE_UNNAMED);
	assert_null(path);
}

static void mk_unified(const char *cmdline, const char *ramdisk, const char *profile)
{
	static uint8_t image[MK_IMAGE_SIZE];
	struct buf file CLEANUP(buf_done) = { 0 };

	mk_image(image);
	mk_uki((const struct mk_section[]){ { ".linux", { image, sizeof(image) } },
					    { ".initrd", text_bytes(ramdisk) },
					    { ".osrel", text_bytes("ID=x") },
					    { ".profile", text_bytes("ID=zero") },
					    { ".cmdline", text_bytes(cmdline) },
					    { ".profile", text_bytes("ID=one") },
					    { ".cmdline", text_bytes(profile) } },
	       7, &file);
	mk_file(&machine, "vmlinuz", file.data, file.size);
}

/* Each time the file is as large as before, and of another time. */
static void expect_unified(const char *cmdline, const char *ramdisk, const char *profile,
			   enum loaded_file of_kernel, enum loaded_file of_initrd)
{
	const struct timespec then[2] = { { 1000000000, 5 }, { 1000000000, 7 } };
	const char *path;

	mk_unified(cmdline, ramdisk, profile);
	assert_int_equal(utimensat(AT_FDCWD, kernel, then, 0), 0);
	assert_int_equal(compare(false, &path), of_kernel);
	assert_string_equal(path, kernel);
	assert_int_equal(compare(true, &path), of_initrd);
}

/* What was loaded of it counts, and nothing else. */
static void test_unified(void **state)
{
	static const char *const methods[] = { "-c", "-s" };
	char line[64];
	const char *path;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		mk_unified("quiet", "070701, and more", "one");
		snprintf(line, sizeof(line), "%s -l %%K", methods[i]);
		assert_int_equal(run(line), 0);
		assert_int_equal(compare(false, &path), LOADED_FILE_SAME);
		assert_int_equal(compare(true, &path), LOADED_FILE_SAME);
		assert_int_equal(run("-S -l --verbose"), 1);
		assert_non_null(
			strstr(said, "\nunified    profile 0, with its own command line\n"));
		expect_unified("quiet", "070701, and more", "two", LOADED_FILE_TOUCHED,
			       LOADED_FILE_TOUCHED);
		expect_unified("quiem", "070701, and more", "two", LOADED_FILE_CHANGED,
			       LOADED_FILE_TOUCHED);
		expect_unified("quiet", "070701, and less", "two", LOADED_FILE_TOUCHED,
			       LOADED_FILE_CHANGED);
		/* Where another command line was loaded, its own does not matter. */
		mk_unified("quiet", "070701, and more", "one");
		snprintf(line, sizeof(line), "%s -l %%K --append=x --uki-profile=1", methods[i]);
		assert_int_equal(run(line), 0);
		expect_unified("quiet", "070701, and more", "two", LOADED_FILE_TOUCHED,
			       LOADED_FILE_TOUCHED);
		assert_int_equal(run("-S -l --verbose"), 1);
		assert_non_null(
			strstr(said, "\nunified    profile 1, with another command line\n"));
		/* The profile that was loaded, and no other. */
		mk_unified("quiet", "070701, and more", "one");
		snprintf(line, sizeof(line), "%s -l %%K --uki-profile=1", methods[i]);
		assert_int_equal(run(line), 0);
		expect_unified("quiem", "070701, and more", "one", LOADED_FILE_TOUCHED,
			       LOADED_FILE_TOUCHED);
		expect_unified("quiet", "070701, and more", "two", LOADED_FILE_CHANGED,
			       LOADED_FILE_TOUCHED);
		/* In place of .initrd. */
		mk_unified("quiet", "070701, and more", "one");
		snprintf(line, sizeof(line), "%s -l %%K --initrd %%I", methods[i]);
		mk_text(&machine, "initrd", "given");
		assert_int_equal(run(line), 0);
		assert_int_equal(compare(true, &path), LOADED_FILE_SAME);
		expect_unified("quiet", "070701, and less", "two", LOADED_FILE_TOUCHED,
			       LOADED_FILE_TOUCHED);
		mk_text(&machine, "initrd", "gives");
		assert_int_equal(compare(true, &path), LOADED_FILE_CHANGED);
	}
	mk_file(&machine, "vmlinuz", NULL, 0);
	assert_int_equal(compare(true, &path), LOADED_FILE_GONE);
	assert_int_equal(compare(false, &path), LOADED_FILE_GONE);
}

/* It brings none. */
static void test_unified_without_initrd(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];
	struct buf file CLEANUP(buf_done) = { 0 };
	const char *path;

	(void)state;
	mk_image(image);
	mk_uki((const struct mk_section[]){ { ".linux", { image, sizeof(image) } } }, 1, &file);
	mk_file(&machine, "vmlinuz", file.data, file.size);
	assert_int_equal(run("-c -l %K"), 0);
	assert_int_equal(compare(false, &path), LOADED_FILE_SAME);
	assert_int_equal(compare(true, &path), LOADED_FILE_SAME);
	assert_null(path);
	assert_int_equal(run("--doctor %K"), 0);
	assert_null(strstr(said, "the initrd"));
}

static void expect_said(const char *line)
{
	if (!strstr(said, line))
		fail_msg("expected \"%s\", got \"%s\"", line, said);
}

static void test_examined(void **state)
{
	const struct timespec then[2] = { { 1000000000, 5 }, { 1000000000, 7 } };
	char line[2 * MK_PATH_MAX];

	(void)state;
	assert_int_equal(run("-c -l %K --initrd %I"), 0);
	assert_int_equal(run("--doctor %K --initrd %I"), 0);
	expect_said("ok    loaded         a kernel, for kexec -e\nok    loaded         at 20");
	snprintf(line, sizeof(line), "ok    loaded         the kernel %s is as it was loaded\n",
		 kernel);
	expect_said(line);
	expect_said(
		"is as it was loaded\nok    loaded         the memory map is that of the load\n");
	/* The initrd is made anew, and is the same; then it is not. */
	assert_int_equal(utimensat(AT_FDCWD, initrd, then, 0), 0);
	assert_int_equal(run("--doctor %K"), 0);
	snprintf(line, sizeof(line),
		 "ok    loaded         the initrd %s has another time, and is as it was loaded\n",
		 initrd);
	expect_said(line);
	mk_text(&machine, "initrd", "070701, and less");
	assert_int_equal(run("--doctor %K"), 0);
	snprintf(line, sizeof(line),
		 "warn  loaded         the initrd %s has changed since it was loaded\n"
		 "                     try: kexec -l, again\n",
		 initrd);
	expect_said(line);
	mk_file(&machine, "initrd", NULL, 0);
	assert_int_equal(run("--doctor %K"), 0);
	expect_said("cannot be read any more, and so not compared\n");
	/* Others at work. */
	mk_text(&machine, "sys/kernel/kexec_loaded", "0\n");
	assert_int_equal(run("--doctor %K"), 0);
	expect_said("ok    loaded         no kernel\nwarn  loaded         what was loaded at 20");
	expect_said(" is not loaded any more: another program has unloaded it, or ");
	assert_int_equal(run("-S -l --verbose"), 0);
	expect_said("a kernel is not loaded\nanother program has unloaded this:\nloaded     20");
	assert_int_equal(run("-u"), 0);
	mk_text(&machine, "sys/kernel/kexec_loaded", "1\n");
	assert_int_equal(run("--doctor %K"), 0);
	expect_said(
		"warn  loaded         another program has loaded it, and did not record what it is\n"
		"                     try: kexec -l, again\n");
	assert_int_equal(run("-S -l --verbose"), 1);
	expect_said("there is no record of it, or none that may be read\n");
	/* A record that cannot be read is no reason to fail. */
	mk_text(&machine, normal, "[]");
	assert_int_equal(run("--doctor %K"), 0);
	expect_said(
		"warn  loaded         /run/safekexec/load.json: no object with \"schema\" where ");
	assert_int_equal(run("-S -l --verbose"), 1);
	expect_said("/run/safekexec/load.json: no object");
	/* Memory. */
	assert_int_equal(run("-c -l %K"), 0);
	mk_memmap(&machine, 3, 0x100000000, 0x11fffffff, "System RAM\n");
	assert_int_equal(run("--doctor %K"), 0);
	expect_said(
		"warn  loaded         memory has come since, 0x100000000-0x120000000: the new kernel "
		"will not have it\n                     try: kexec -l, again\n");
	assert_int_equal(run("-c -l %K"), 0);
	mk_memmap(&machine, 3, 0x100000000, 0x10fffffff, "System RAM\n");
	assert_int_equal(run("--doctor %K"), 1);
	expect_said("fail  loaded         memory has gone since, 0x110000000-0x120000000: kexec -e "
		    "refuses\n                     try: kexec -l, again\n");
}

static void add_cpu(unsigned int number)
{
	char path[64];

	snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%u/crash_notes", number);
	mk_text(&machine, path, "1000000\n");
	snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%u/crash_notes_size", number);
	mk_text(&machine, path, "360\n");
}

/* A crash kernel, with and without the running kernel's help. */
static void test_examined_crash(void **state)
{
	(void)state;
	add_cpu(0);
	assert_int_equal(run("-c -p %K --append=nr_cpus=1"), 0);
	mk_memmap(&machine, 3, 0x100000000, 0x11fffffff, "System RAM\n");
	add_cpu(1);
	assert_int_equal(run("--doctor %K"), 0);
	expect_said("ok    loaded crash   a crash kernel\nok    loaded crash   at 20");
	expect_said(
		"warn  loaded crash   memory has come since, 0x100000000-0x120000000: it is not in "
		"the dump\n                     try: kexec -p, again\n");
	expect_said(
		"warn  loaded crash   2 CPUs are there, 1 were: the registers of the others are not "
		"in the dump\n                     try: kexec -p, again\n");
	mk_text(&machine, "sys/devices/system/memory/crash_hotplug", "0\n");
	assert_int_equal(run("--doctor %K"), 0);
	expect_said(
		"warn  loaded crash   the running kernel does not keep the dump's header true when "
		"memory or CPUs come or go\n                     try: kexec -p --hotplug, again\n");
	mk_memmap(&machine, 3, 0x100000000, 0x10fffffff, "System RAM\n");
	mk_text(&machine, "proc/iomem",
		"00100000-2fffffff : System RAM\n"
		"  10000000-1fffffff : Crash kernel\n");
	assert_int_equal(run("--doctor %K"), 1);
	expect_said("fail  loaded crash   memory has gone since, 0x1000-0x9fc00, "
		    "0x30000000-0x40000000: the dump would be read from there\n");
	mk_text(&machine, "proc/iomem", iomem);
	mk_text(&machine, "sys/kernel/crash_elfcorehdr_size", "16384\n");
	assert_int_equal(run("-c -p %K --append=nr_cpus=1 --hotplug"), 0);
	mk_memmap(&machine, 3, 0x100000000, 0x11fffffff, "System RAM\n");
	add_cpu(2);
	mk_text(&machine, "sys/devices/system/memory/crash_hotplug", "1\n");
	assert_int_equal(run("--doctor %K"), 0);
	expect_said(
		"ok    loaded crash   memory has come since, 0x110000000-0x120000000, and the running "
		"kernel has added it to the dump\n"
		"ok    loaded crash   the running kernel keeps the dump's header true when memory or "
		"CPUs come or go\n");
	mk_text(&machine, "proc/iomem",
		"00001000-0009fbff : System RAM\n"
		"00100000-2fffffff : System RAM\n"
		"  10000000-1fffffff : Crash kernel\n");
	assert_int_equal(run("--doctor %K"), 0);
	expect_said(
		"ok    loaded crash   memory has gone since, 0x30000000-0x40000000, and the running "
		"kernel has taken it out of the dump\n");
}

static const char *parse(const char *text)
{
	static struct err err;
	struct record record CLEANUP(record_done) = { 0 };

	err.text[0] = '\0';
	return record_parse((struct bytes){ (const uint8_t *)text, strlen(text) }, &record, &err)
		       ? err.text
		       : "";
}

#define HEAD                                                                      \
	"{\"schema\": 1, \"crash\": false, \"boot_id\": \"b\", \"time\": \"t\", " \
	"\"method\": \"m\", \"flags\": \"0x1\", \"hotplug\": false, "             \
	"\"cmdline\": {\"size\": 0}, "
#define FILES "\"kernel\": {\"size\": 1, \"mtime\": \"1.000000002\"}, \"initrds\": []"

static void test_malformed(void **state)
{
	static const char *const rows[][2] = {
		{ "", "not JSON, or cut" },
		{ "{", "not JSON, or cut" },
		{ "[]", "no object with \"schema\" where one should be" },
		{ "{}", "\"schema\" is missing" },
		{ "{\"schema\": \"1\"}", "\"schema\" is not of type int" },
		{ "{\"schema\": 2}", "a record of schema 2, not 1" },
		{ "{\"schema\": -1}", "\"schema\" is negative" },
		{ HEAD FILES "}", "" },
		{ HEAD "\"initrds\": []}", "\"kernel\" is missing" },
		{ HEAD "\"kernel\": {\"size\": 1, \"mtime\": \"x\"}}",
		  "\"mtime\": \"x\" is not a time" },
		{ HEAD "\"kernel\": {\"size\": 1, \"mtime\": \"1.2\", \"path\": \"\"}}",
		  "\"path\": \"\" does not begin with /" },
		{ HEAD FILES ", \"initrd_digest\": \"ab\"}", "\"initrd_digest\" is not a digest" },
		{ HEAD FILES ", \"uki\": 1}", "\"uki\" is not of type object" },
		{ HEAD FILES ", \"uki\": {\"profile\": -1, \"own_cmdline\": true}}",
		  "\"uki\": \"profile\" is negative" },
		{ HEAD FILES ", \"uki\": {\"profile\": 1}}",
		  "\"uki\": \"own_cmdline\" is missing" },
		{ HEAD FILES ", \"uki\": {\"profile\": 99999999999, \"own_cmdline\": false}}", "" },
		{ HEAD FILES ", \"segments\": []}", "\"footprint\" is missing" },
		{ HEAD FILES ", \"segments\": [1], \"footprint\": {\"start\": \"1\", "
			     "\"end\": \"0x2\"}}",
		  "\"segments\": no object with \"start\" where one should be" },
		{ HEAD FILES ", \"e820\": []}", "\"ram\" is missing" },
		{ HEAD FILES ", \"e820\": [], \"ram\": [{\"start\": \"0x2\", \"end\": \"0x1\"}]}",
		  "\"ram\": 0x2-0x1: the end does not lie above the start" },
		{ HEAD FILES ", \"e820\": [], \"ram\": [{\"start\": \"x\", \"end\": \"0x1\"}]}",
		  "\"ram\": \"start\": \"x\" is not a number" },
		{ HEAD FILES ", \"e820\": [], \"ram\": []}", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(parse(rows[i][0]), rows[i][1]);
}

/* Written, read and written again. */
static void expect_round_trip(const char *line)
{
	struct record record CLEANUP(record_done) = { 0 };
	struct buf again CLEANUP(buf_done) = { 0 };
	char *text CLEANUP(text_done) = NULL;
	struct err err;

	assert_int_equal(run(line), 0);
	text = text_of(crash);
	record = recall(true);
	assert_int_equal(record_write(&record, &again, &err), 0);
	assert_int_equal(again.data[again.size - 1], '\n');
	again.data[again.size - 1] = '\0';
	assert_string_equal((const char *)again.data, text);
}

static void test_round_trip(void **state)
{
	(void)state;
	expect_round_trip("-c -p %K --initrd %I --initrd %K --append=nr_cpus=1");
	mk_unified("quiet", "070701, and more", "one");
	expect_round_trip("-c -p %K --uki-profile=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_remembered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unpacked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kinds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_map_before_start, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_record_before_start, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unified, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unified_without_initrd, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_examined, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_examined_crash, set_up, tear_down),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
