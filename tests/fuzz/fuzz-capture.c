/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: an archive, whose headers get the checksums that belong to them. It is refused with a sentence, or holds what a capture may, is the same
 * when it was written and read again, and gives, read as a machine, a capture that gives itself.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kexec/sys/gather.h"
#include "kexec/x86/crash.h"
#include "tests/fuzz/fuzz.h"

enum { SAVED_MAX = 4096 };

static bool is_letter(char character)
{
	return character && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789._-/",
				   character);
}

static void check_path(const char *path)
{
	size_t length = strlen(path);

	require(length && length <= CAPTURE_PATH_MAX);
	require(path[0] != '/' && path[length - 1] != '/');
	require(!strstr(path, "//") && strncmp(path, "../", 3) && !strstr(path, "/../"));
	require(strcmp(path, "..") && (length < 3 || strcmp(path + length - 3, "/..")));
	for (size_t i = 0; i < length; i++)
		require(is_letter(path[i]));
}

static void check_entries(const struct capture *capture)
{
	size_t bytes = 0;

	require(capture->count <= CAPTURE_ENTRIES_MAX);
	for (size_t i = 0; i < capture->count; i++) {
		const struct capture_entry *entry = &capture->entry[i];

		check_path(entry->path);
		require(!i || strcmp(capture->entry[i - 1].path, entry->path) < 0);
		require(!entry->data.size || (!entry->is_directory && !entry->unread));
		require(capture_find(capture, entry->path) == entry);
		bytes += entry->data.size;
	}
	require(bytes <= CAPTURE_BYTES_MAX);
}

/* So that what is in a header comes further than to its checksum. */
static void correct_checksums(struct buf *archive)
{
	enum { BLOCK = 512, CHECKSUM_AT = 148, MAGIC_AT = 257 };
	char text[7]; /* and a blank behind it */

	for (size_t at = 0; at + BLOCK <= archive->size; at += BLOCK) {
		uint8_t *header = archive->data + at;
		unsigned int sum = 0;

		if (memcmp(header + MAGIC_AT, "ustar", 5))
			continue;
		memset(header + CHECKSUM_AT, ' ', sizeof(text) + 1);
		for (size_t i = 0; i < BLOCK; i++)
			sum += header[i];
		snprintf(text, sizeof(text), "%06o", sum);
		memcpy(header + CHECKSUM_AT, text, sizeof(text));
	}
}

static bool read_bytes(struct bytes in, struct capture *ret)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct err err = { 0 };
	int result;

	require(fd >= 0);
	require(write(fd, in.data, in.size) == (ssize_t)in.size);
	require(!lseek(fd, 0, SEEK_SET));
	result = capture_read(fd, ret, &err);
	close(fd);
	require(result ? is_sentence(err.text) : !err.text[0]);
	require(!result || (err.code == ERR_INPUT && !ret->count));
	return !result;
}

/* Malloc'ed, and owned by the caller. */
static struct bytes write_bytes(struct capture *capture)
{
	struct buf text = { 0 };
	struct err err;

	require(!capture_to_memory(capture, &text, &err));
	return buf_bytes(&text);
}

static void require_same(struct bytes a, struct bytes b)
{
	require(a.size == b.size && !memcmp(a.data, b.data, a.size));
	free((void *)a.data);
	free((void *)b.data);
}

static char directory[] = "/tmp/fuzz-capture-XXXXXX";

static void remove_directory(void)
{
	require(!rmdir(directory));
}

/* A file gets the same bytes, and gets them once. */
static void check_saved(struct capture *capture, struct bytes written)
{
	static bool has_directory;
	char path[sizeof(directory) + 16];
	struct err err = { 0 };
	struct root root;

	if (!has_directory)
		require(mkdtemp(directory) && !atexit(remove_directory));
	has_directory = true;
	snprintf(path, sizeof(path), "%s/saved.tar", directory);
	require(!capture_save(capture, path, &err));
	require(capture_save(capture, path, &err) && err.sys_errno == EEXIST);
	require(!root_open(path, &root, &err));
	require_same(written, write_bytes(root.captured));
	root_close(&root);
	require(!unlink(path));
}

/* The machine, captured. */
static struct bytes capture_of(struct capture *captured)
{
	struct capture record CLEANUP(capture_done) = { .takes_cmdline = true };
	struct root root = { .fd = -1, .captured = captured, .record = &record };
	struct warnings warnings CLEANUP(warnings_done) = { 0 };

	gather_capture(&root, &warnings);
	return write_bytes(&record);
}

/* What a plan would be made of: the same, or refused with the same sentence. */
static void check_gathered(struct capture *a, struct capture *b)
{
	struct capture *const captured[] = { a, b };
	struct system system[2] = { 0 };
	struct err err[2] = { 0 };

	for (int i = 0; i < 2; i++) {
		const struct root root = { .fd = -1, .captured = captured[i] };

		if (gather_choice(&root, &system[i], &err[i]) ||
		    gather_machine(&root, &system[i], /* warnings= */ NULL, &err[i]) ||
		    gather_crash(&root, &system[i], &err[i]))
			require(err[i].text[0] == '/' &&
				(err[i].code == ERR_INPUT || err[i].code == ERR_SYSTEM));
		else
			err[i].text[0] = '\0';
		crash_forget_kaslr(&system[i].kcore);
	}
	require(!strcmp(err[0].text, err[1].text));
	require(system[0].firmware.count == system[1].firmware.count);
	require(system[0].efi.nr_tables == system[1].efi.nr_tables);
	for (size_t i = 0; i < system[0].efi.nr_tables; i++)
		require(system[0].efi.table[i].size == system[1].efi.table[i].size);
	require(system[0].kcore.count == system[1].kcore.count);
	require(system[0].crash.nr_notes == system[1].crash.nr_notes);
	require(system[0].crash.first_mib_in_use == system[1].crash.first_mib_in_use);
	require(system[0].mem_total == system[1].mem_total);
	require(system[0].la57 == system[1].la57);
	require(system[0].tsc_hz == system[1].tsc_hz);
	require(system[0].has_serial_console == system[1].has_serial_console);
	require(system[0].serial_port == system[1].serial_port);
	system_done(&system[0]);
	system_done(&system[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture capture CLEANUP(capture_done) = { 0 };
	struct capture again CLEANUP(capture_done) = { 0 };
	struct capture of CLEANUP(capture_done) = { 0 };
	struct buf archive CLEANUP(buf_done) = { 0 };
	struct bytes once;
	struct err err;

	require(!buf_append(&archive, data, size, &err));
	correct_checksums(&archive);
	if (!read_bytes(buf_bytes(&archive), &capture))
		return 0;
	check_entries(&capture);
	once = write_bytes(&capture);
	/* To the disk, few only: of the small ones those that are what is written. */
	if (size <= SAVED_MAX && size == once.size && !memcmp(archive.data, once.data, size))
		check_saved(&capture, write_bytes(&capture));
	require(read_bytes(once, &again));
	require_same(once, write_bytes(&again));
	once = capture_of(&capture);
	require(read_bytes(once, &of));
	check_entries(&of);
	check_gathered(&capture, &of);
	require_same(once, capture_of(&of));
	return 0;
}
