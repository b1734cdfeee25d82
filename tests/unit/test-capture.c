/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Captures as files: what a hostile one is told, and how one is written. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kexec/sys/capture.h"

#define MANIFEST_OF(entries) "safekexec-capture 1\nentries " entries "\n"

/* --- archives, well and badly made ----------------------------------------- */

/* An archive that is being made: entries that libarchive writes, then bytes of our own. */
struct making {
	struct archive *archive;
	FILE *raw;
	off_t cut; /* bytes that its end is to be without */
};

static void put_entry(struct making *making, struct archive_entry *entry, const char *text)
{
	assert_int_equal(archive_write_header(making->archive, entry), ARCHIVE_OK);
	if (text)
		assert_int_equal(archive_write_data(making->archive, text, strlen(text)),
				 strlen(text));
	assert_int_equal(archive_write_finish_entry(making->archive), ARCHIVE_OK);
	archive_entry_free(entry);
}

static struct archive_entry *named(const char *name, unsigned int type)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, type);
	archive_entry_set_perm(entry, 0600);
	return entry;
}

static void put(struct making *making, const char *name, const char *text)
{
	struct archive_entry *entry = named(name, AE_IFREG);

	archive_entry_set_size(entry, (la_int64_t)strlen(text));
	put_entry(making, entry, text);
}

static void manifest(struct making *making)
{
	put(making, "MANIFEST", MANIFEST_OF("1"));
}

/* A header by hand. */
static void put_header_of(FILE *to, const char *name, size_t length, unsigned long long size)
{
	char header[512] = "";
	unsigned int sum = 0;

	memcpy(header, name, length);
	snprintf(header + 100, 8, "%07o", 0600);
	snprintf(header + 124, 12, "%011llo", size);
	header[156] = '0';
	memcpy(header + 257,
	       "ustar\0"
	       "00",
	       8);
	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(header); i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 8, "%06o", sum);
	assert_int_equal(fwrite(header, sizeof(header), 1, to), 1);
}

static void put_header(FILE *to, const char *name, unsigned long long size)
{
	put_header_of(to, name, strlen(name), size);
}

/* --- what is refused ------------------------------------------------------- */

static void good(struct making *making)
{
	manifest(making);
	put(making, "proc/iomem", "text");
}

static void leads_up(struct making *making)
{
	manifest(making);
	put(making, "../../etc/passwd", "text");
}

static void leads_up_within(struct making *making)
{
	manifest(making);
	put(making, "proc/../../etc/passwd", "text");
}

static void begins_at_root(struct making *making)
{
	manifest(making);
	put(making, "/etc/passwd", "text");
}

static void has_empty_part(struct making *making)
{
	manifest(making);
	put(making, "proc//iomem", "text");
}

static void ends_in_dots(struct making *making)
{
	manifest(making);
	put(making, "proc/..", "text");
}

static void has_newline(struct making *making)
{
	manifest(making);
	put(making, "proc/iomem\n\033[2J", "text");
}

static void has_no_name(struct making *making)
{
	manifest(making);
	put_header(making->raw, "", 0);
}

static void has_nul(struct making *making)
{
	/* What is behind the NUL is no part of a name, for nobody. */
	manifest(making);
	put_header_of(making->raw, "proc\0/../../etc", 15, 0);
}

static void has_long_name(struct making *making)
{
	char name[256];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	manifest(making);
	put(making, name, "text");
}

static void is_symlink(struct making *making)
{
	struct archive_entry *entry = named("proc/iomem", AE_IFLNK);

	manifest(making);
	archive_entry_set_symlink(entry, "/etc/shadow");
	put_entry(making, entry, NULL);
}

static void is_hard_link(struct making *making)
{
	struct archive_entry *entry = named("proc/iomem", AE_IFREG);

	manifest(making);
	archive_entry_set_hardlink(entry, "/etc/shadow");
	put_entry(making, entry, NULL);
}

static void is_pipe(struct making *making)
{
	manifest(making);
	put_entry(making, named("proc/iomem", AE_IFIFO), NULL);
}

static void is_disk(struct making *making)
{
	manifest(making);
	put_entry(making, named("proc/iomem", AE_IFBLK), NULL);
}

static void is_terminal(struct making *making)
{
	manifest(making);
	put_entry(making, named("proc/iomem", AE_IFCHR), NULL);
}

static void is_huge(struct making *making)
{
	manifest(making);
	put_header(making->raw, "proc/iomem", 8000000000);
}

static void is_sparse(struct making *making)
{
	struct archive_entry *entry = named("proc/iomem", AE_IFREG);

	manifest(making);
	archive_entry_set_size(entry, 10000000000);
	archive_entry_sparse_add_entry(entry, 0, 4);
	put_entry(making, entry, "text");
}

/* The archive is, behind what is good: its end comes first, or what it says of itself is too much. */
static void is_sparse_itself(struct making *making)
{
	good(making);
	making->cut = -10000000000;
}

static void is_hole(struct making *making)
{
	making->cut = -10000000000 + 1024;
}

static void has_sparse_entry(struct making *making)
{
	manifest(making);
	put_header(making->raw, "proc/iomem", 8000000000);
	making->cut = -8000000000;
}

static void is_too_much(struct making *making)
{
	static const char block[1 << 20];

	manifest(making);
	put_header(making->raw, "a", CAPTURE_BYTES_MAX - 4096);
	for (size_t i = 0; i < CAPTURE_BYTES_MAX / sizeof(block); i++)
		fwrite(block, i ? sizeof(block) : sizeof(block) - 4096, 1, making->raw);
	put_header(making->raw, "b", 4096);
}

static void is_twice(struct making *making)
{
	put(making, "MANIFEST", MANIFEST_OF("2"));
	put(making, "proc/iomem", "text");
	put(making, "proc/iomem", "another");
}

static void ends_in_data(struct making *making)
{
	manifest(making);
	put_header(making->raw, "proc/iomem", 4000);
	fputs("text", making->raw);
}

static void ends_in_header(struct making *making)
{
	manifest(making);
	put_header(making->raw, "proc/iomem", 0);
	making->cut = 1024 + 100;
}

static void ends_before_entry(struct making *making)
{
	put(making, "MANIFEST", MANIFEST_OF("2"));
	put(making, "proc/iomem", "text");
}

static void has_bad_checksum(struct making *making)
{
	manifest(making);
	put_header(making->raw, "proc/iomem", 0);
	fseek(making->raw, -512, SEEK_END);
	fputc('P', making->raw);
	fseek(making->raw, 0, SEEK_END);
}

static void is_compressed(struct making *making)
{
	fwrite("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10, 1, making->raw);
}

static void is_text(struct making *making)
{
	fputs("This is no archive.\n", making->raw);
}

static void has_nothing(struct making *making)
{
	(void)making;
}

static void is_empty(struct making *making)
{
	making->cut = 1024;
}

static void has_no_manifest(struct making *making)
{
	put(making, "proc/iomem", "text");
}

static void has_directory_as_manifest(struct making *making)
{
	put_entry(making, named("MANIFEST", AE_IFDIR), NULL);
}

static void has_late_manifest(struct making *making)
{
	put(making, "proc/iomem", "text");
	manifest(making);
}

static void has_other_manifest(struct making *making)
{
	put(making, "MANIFEST", "Main-Class: Kexec\n");
}

static void is_newer(struct making *making)
{
	put(making, "MANIFEST", "safekexec-capture 2\nentries 0\n");
}

static void counts_nothing(struct making *making)
{
	put(making, "MANIFEST", "safekexec-capture 1\nentries many\n");
}

static void has_unread_without_path(struct making *making)
{
	put(making, "MANIFEST", MANIFEST_OF("0") "unread 13\n");
}

static void has_unread_without_error(struct making *making)
{
	put(making, "MANIFEST", MANIFEST_OF("0") "unread 0 proc/iomem Success\n");
}

static void has_unread_above(struct making *making)
{
	put(making, "MANIFEST", MANIFEST_OF("0") "unread 13 ../x Permission denied\n");
}

static void is_read_and_unread(struct making *making)
{
	put(making, "MANIFEST", MANIFEST_OF("1") "unread 13 proc/iomem Permission denied\n");
	put(making, "proc/iomem", "text");
}

#define DOTS	    ": a part of this path is empty or dots alone: it may lead out of the capture"
#define KIND	    ": a capture has files and directories alone"
#define NO_TAR	    "no tar archive, or a compressed one: Unrecognized archive format"
#define NO_MANIFEST "does not begin with a file MANIFEST: kexec --capture makes one that does"

static const struct row {
	const char *name;
	void (*make)(struct making *making);
	const char *error; /* "": it is read */
} rows[] = {
	{ "good", good, "" },
	{ "leads up", leads_up, "entry \"../../etc/passwd\"" DOTS },
	{ "leads up within", leads_up_within, "entry \"proc/../../etc/passwd\"" DOTS },
	{ "begins at the root", begins_at_root, "entry \"/etc/passwd\"" DOTS },
	{ "empty part", has_empty_part, "entry \"proc//iomem\"" DOTS },
	{ "ends in dots", ends_in_dots, "entry \"proc/..\"" DOTS },
	{ "newline and escape", has_newline,
	  "entry \"proc/iomem??[2J\": character 0x0a at offset 10 is in no path of a capture" },
	{ "no name", has_no_name, "entry \"\"" DOTS },
	{ "NUL in the name", has_nul, "" },
	{ "long name", has_long_name,
	  "entry \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\": a path of 255 "
	  "characters, 99 is the most" },
	{ "symbolic link", is_symlink, "entry \"proc/iomem\": a symbolic link" KIND },
	{ "hard link", is_hard_link, "entry \"proc/iomem\": a hard link" KIND },
	{ "pipe", is_pipe, "entry \"proc/iomem\": a pipe" KIND },
	{ "disk", is_disk, "entry \"proc/iomem\": a device" KIND },
	{ "terminal", is_terminal, "entry \"proc/iomem\": a device" KIND },
	{ "8 GB", is_huge,
	  "entry \"proc/iomem\": it has 8000000000 bytes, 67108834 are left of the 67108864 that all "
	  "files may have" },
	{ "10 GB, sparse", is_sparse,
	  "entry \"proc/iomem\": it has 10000000000 bytes, 67108834 are left of the 67108864 that "
	  "all files may have" },
	{ "archive of 10 GB, sparse", is_sparse_itself, "" },
	{ "10 GB of nothing", is_hole, NO_MANIFEST },
	{ "8 GB that are there", has_sparse_entry,
	  "entry \"proc/iomem\": it has 8000000000 bytes, 67108834 are left of the 67108864 that all "
	  "files may have" },
	{ "too much together", is_too_much,
	  "entry \"b\": it has 4096 bytes, 4066 are left of the 67108864 that all files may have" },
	{ "twice", is_twice, "entry \"proc/iomem\": there are two of it" },
	{ "cut in data", ends_in_data, "entry \"proc/iomem\": Truncated tar archive" },
	{ "cut in a header", ends_in_header, "entry number 2: Truncated tar archive" },
	{ "cut before an entry", ends_before_entry,
	  "1 entries behind MANIFEST, which says 2: it is cut" },
	{ "bad checksum", has_bad_checksum, "entry number 2: Damaged tar archive" },
	{ "compressed", is_compressed, NO_TAR },
	{ "text", is_text, NO_TAR },
	{ "empty", is_empty, NO_TAR },
	{ "empty archive", has_nothing, NO_MANIFEST },
	{ "no MANIFEST", has_no_manifest, NO_MANIFEST },
	{ "MANIFEST a directory", has_directory_as_manifest, NO_MANIFEST },
	{ "MANIFEST not first", has_late_manifest, NO_MANIFEST },
	{ "another MANIFEST", has_other_manifest,
	  "entry \"MANIFEST\": does not begin with \"safekexec-capture NUMBER\"" },
	{ "a newer format", is_newer,
	  "entry \"MANIFEST\": format 2; this kexec knows 1: use one that is as new as what made it" },
	{ "no count", counts_nothing, "entry \"MANIFEST\": no line \"entries NUMBER\"" },
	{ "unread nothing", has_unread_without_path,
	  "entry \"MANIFEST\": \"unread 13\" is not an errno and a path" },
	{ "unread without an error", has_unread_without_error,
	  "entry \"MANIFEST\": \"unread 0 proc/iomem Success\" is not an errno and a path" },
	{ "unread above", has_unread_above, "entry \"MANIFEST\": entry \"../x\"" DOTS },
	{ "read and unread", is_read_and_unread, "entry \"proc/iomem\": there are two of it" },
};

static int make(const struct row *row)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct making making = { .archive = archive_write_new(), .raw = fdopen(dup(fd), "r+") };

	assert_int_equal(archive_write_set_format_pax(making.archive), ARCHIVE_OK);
	/* What is put comes into the file at once. */
	assert_int_equal(archive_write_set_bytes_per_block(making.archive, 0), ARCHIVE_OK);
	setbuf(making.raw, NULL);
	assert_int_equal(archive_write_open_fd(making.archive, fd), ARCHIVE_OK);
	row->make(&making);
	fclose(making.raw);
	archive_write_free(making.archive);
	assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - making.cut), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct capture capture = { 0 };
		struct err err = { 0 };
		int fd = make(&rows[i]);

		print_message("%s\n", rows[i].name);
		assert_int_equal(capture_read(fd, &capture, &err), *rows[i].error ? -1 : 0);
		assert_string_equal(err.text, rows[i].error);
		if (*rows[i].error)
			assert_int_equal(err.code, ERR_INPUT);
		assert_int_equal(capture.count, !*rows[i].error);
		capture_done(&capture);
		close(fd);
	}
}

/* A writer that does not end: the reader does, at the limit. */
static void test_too_many(void **state)
{
	struct capture capture = { 0 };
	struct err err = { 0 };
	char name[32];
	int ends[2], status;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child) {
		FILE *to = fdopen(ends[1], "w");

		close(ends[0]);
		put_header(to, "MANIFEST", strlen(MANIFEST_OF("1")));
		fputs(MANIFEST_OF("1"), to);
		for (size_t i = strlen(MANIFEST_OF("1")); i < 512; i++)
			fputc(0, to);
		for (int i = 0;; i++) {
			snprintf(name, sizeof(name), "a/%d", i);
			put_header(to, name, 0);
		}
	}
	close(ends[1]);
	assert_int_equal(capture_read(ends[0], &capture, &err), -1);
	assert_string_equal(err.text,
			    "entry \"a/500000\": there are 500000 before it, which is the most");
	assert_int_equal(capture.count, 0);
	close(ends[0]);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
}

/* --- writing ----------------------------------------------------------------- */

static char directory[64], path[128];

static int set_up(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/kexec-capture-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/m.tar", directory);
	return 0;
}

static size_t files_there(void)
{
	DIR *open = opendir(directory);
	size_t count = 0;

	for (struct dirent *entry; (entry = readdir(open));)
		count += entry->d_name[0] != '.';
	closedir(open);
	return count;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	assert_int_equal(rmdir(directory), 0);
	return 0;
}

static void fill(struct capture *capture, size_t size)
{
	uint8_t *data = calloc(1, size + 1);

	memset(data, 'x', size);
	capture_add_file(capture, "proc/iomem", (struct bytes){ data, size });
	capture_add_unread(capture, "proc/kcore", EPERM);
	capture_add_directory(capture, "sys/firmware/efi");
	capture_add_file(capture, CAPTURE_RELEASE,
			 (struct bytes){ (const uint8_t *)"7.2.13\nentries 9\n", 17 });
	/* Read twice, kept once. */
	capture_add_directory(capture, "sys/firmware/efi");
	free(data);
}

static void refused(size_t size, const char *why)
{
	struct capture capture = { 0 };
	char expected[256];
	struct err err;

	fill(&capture, size);
	snprintf(expected, sizeof(expected), "%s: %s", path, why);
	assert_int_equal(capture_save(&capture, path, &err), -1);
	assert_string_equal(err.text, expected);
	capture_done(&capture);
}

static void test_save(void **state)
{
	struct capture capture = { 0 }, back = { 0 };
	const struct capture_entry *entry;
	mode_t old = umask(0);
	struct stat status;
	struct err err = { 0 };
	char text[256];
	int fd;

	(void)state;
	fill(&capture, 700);
	assert_int_equal(capture_save(&capture, path, &err), 0);
	umask(old);
	assert_int_equal(files_there(), 1);
	fd = open(path, O_RDONLY);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(pread(fd, text, sizeof(text), 512), sizeof(text));
	assert_string_equal(text, "safekexec-capture 1\n"
				  "release 7.2.13\n"
				  "entries 3\n"
				  "unread 1 proc/kcore Operation not permitted\n");
	assert_int_equal(capture_read(fd, &back, &err), 0);
	close(fd);
	assert_int_equal(back.count, 4);
	entry = capture_find(&back, "proc/iomem");
	assert_non_null(entry);
	assert_int_equal(entry->data.size, 700);
	assert_int_equal(entry->data.data[699], 'x');
	assert_int_equal(capture_find(&back, "proc/kcore")->unread, EPERM);
	assert_true(capture_find(&back, "sys/firmware/efi")->is_directory);
	assert_null(capture_find(&back, "sys/firmware"));
	capture_done(&back);
	capture_done(&capture);
}

static void test_save_overwrites_nothing(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(symlink("nowhere", path), 0);
	refused(1, "File exists: nothing is overwritten; name another file");
	assert_int_equal(lstat(path, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_int_equal(files_there(), 1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(close(open(path, O_WRONLY | O_CREAT, 0600)), 0);
	refused(1, "File exists: nothing is overwritten; name another file");
	assert_int_equal(files_there(), 1);
}

/* What was begun is not left behind. */
static void test_save_that_fails(void **state)
{
	const struct rlimit small = { 4096, RLIM_INFINITY };
	struct rlimit old;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	refused(100000, "write: File too large");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(files_there(), 0);
	refused(CAPTURE_BYTES_MAX,
		"4 entries with 67108881 bytes; a capture has at most 500000 with 67108864");
	assert_int_equal(files_there(), 0);
	assert_int_equal(rmdir(directory), 0);
	refused(1, "No such file or directory");
	assert_int_equal(mkdir(directory, 0700), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test_setup_teardown(test_save, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_save_overwrites_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_save_that_fails, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
