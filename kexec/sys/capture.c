/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/sys/capture.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/num.h"
#include "kexec/sys/newfile.h"

static const char manifest_name[] = "MANIFEST";
static const char format_word[] = "safekexec-capture ";

enum { TAR_BLOCK = CAPTURE_HEAD_SIZE, READ_SIZE = 65536 };

/* POSIX.1-2017, pax, "ustar Interchange Format". Numbers are octal digits. libarchive's writer
 * would bring every format that it knows, and their libraries, into a static binary. */
struct ustar {
	char name[100];
	char mode[8], uid[8], gid[8], size[12], mtime[12];
	char checksum[8];
	char type;
	char linked[100];
	char magic[6], version[2];
	char unused[247];
};
_Static_assert(sizeof(struct ustar) == TAR_BLOCK, "ustar");

/* --- in memory ----------------------------------------------------------- */

static struct capture_entry *add(struct capture *capture, const char *path)
{
	struct capture_entry entry = { .path = strdup(path) };
	struct err ignored;

	if (!entry.path ||
	    array_grow(&capture->entry, &capture->room, capture->count, sizeof(entry), &ignored)) {
		free(entry.path);
		capture->lost = true;
		return NULL;
	}
	capture->entry[capture->count] = entry;
	return &capture->entry[capture->count++];
}

void capture_add_file(struct capture *capture, const char *path, struct bytes data)
{
	struct capture_entry *entry = add(capture, path);
	struct err ignored;

	if (entry && buf_append(&entry->data, data.data, data.size, &ignored))
		capture->lost = true;
}

void capture_add_directory(struct capture *capture, const char *path)
{
	struct capture_entry *entry = add(capture, path);

	if (entry)
		entry->is_directory = true;
}

void capture_add_unread(struct capture *capture, const char *path, int error)
{
	struct capture_entry *entry = add(capture, path);

	if (entry)
		entry->unread = error;
}

static void entry_done(struct capture_entry *entry)
{
	free(entry->path);
	buf_done(&entry->data);
}

void capture_done(struct capture *capture)
{
	for (size_t i = 0; i < capture->count; i++)
		entry_done(&capture->entry[i]);
	free(capture->entry);
	*capture = (struct capture){ 0 };
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct capture_entry *)a)->path,
		      ((const struct capture_entry *)b)->path);
}

static void sort(struct capture *capture)
{
	if (capture->count)
		qsort(capture->entry, capture->count, sizeof(*capture->entry), compare_entries);
}

/* The first of the sorted entries whose path another has, too; NULL: none. */
static struct capture_entry *find_twice(const struct capture *capture)
{
	for (size_t i = 1; i < capture->count; i++)
		if (!compare_entries(&capture->entry[i - 1], &capture->entry[i]))
			return &capture->entry[i];
	return NULL;
}

const struct capture_entry *capture_find(const struct capture *capture, const char *path)
{
	const struct capture_entry wanted = { .path = (char *)path };

	return capture->count ? bsearch(&wanted, capture->entry, capture->count, sizeof(wanted),
					compare_entries)
			      : NULL;
}

/* --- reading ------------------------------------------------------------- */

bool capture_begins(struct bytes head)
{
	/* GNU's has a blank in place of the NUL. */
	return bytes_slice(head, offsetof(struct ustar, magic), 5, &head) &&
	       !memcmp(head.data, "ustar", 5);
}

static void archive_done(struct archive **archive)
{
	archive_read_free(*archive);
}

/* Whether a part is empty, or dots alone. */
static bool has_dots(const char *path)
{
	for (;; path++) {
		size_t length = strcspn(path, "/");

		if (strspn(path, ".") == length)
			return true;
		path += length;
		if (!*path)
			return false;
	}
}

static int check_path(const char *path, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-/";
	size_t good = strspn(path, allowed);

	if (path[good])
		return err_set(err, ERR_INPUT,
			       "entry \"%.63s\": character 0x%02x at offset %zu is in no path of a "
			       "capture",
			       path, (unsigned char)path[good], good);
	if (strlen(path) > CAPTURE_PATH_MAX)
		return err_set(err, ERR_INPUT,
			       "entry \"%.63s\": a path of %zu characters, %d is the most", path,
			       strlen(path), CAPTURE_PATH_MAX);
	if (has_dots(path))
		return err_set(err, ERR_INPUT,
			       "entry \"%s\": a part of this path is empty or dots alone: it may "
			       "lead out of the capture",
			       path);
	return 0;
}

static const char *kind_of(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry))
		return "a hard link";
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
	case AE_IFDIR:
		return NULL;
	case AE_IFLNK:
		return "a symbolic link";
	case AE_IFIFO:
		return "a pipe";
	case AE_IFCHR:
	case AE_IFBLK:
		return "a device";
	default:
		return "of an unknown type";
	}
}

static int read_data(struct archive *archive, uint64_t size, const char *path, struct buf *ret,
		     struct err *err)
{
	struct buf data CLEANUP(buf_done) = { 0 };
	size_t done = 0;
	la_ssize_t got;

	if (buf_extend(&data, size, err))
		return -1;
	while (done < size && (got = archive_read_data(archive, data.data + done, size - done))) {
		if (got < 0)
			return err_set(err, ERR_INPUT, "entry \"%s\": %s", path,
				       archive_error_string(archive));
		done += (size_t)got;
	}
	if (done != size)
		return err_set(err, ERR_INPUT, "entry \"%s\": ends after %zu of %llu bytes", path,
			       done, (unsigned long long)size);
	*ret = data;
	data = (struct buf){ 0 };
	return 0;
}

static int check_room(const struct capture *capture, const char *path, struct err *err)
{
	if (capture->count < CAPTURE_ENTRIES_MAX)
		return 0;
	return err_set(err, ERR_INPUT, "entry \"%s\": there are %d before it, which is the most",
		       path, CAPTURE_ENTRIES_MAX);
}

/* *left: bytes that all files may still have. */
static int read_entry(struct archive *archive, struct archive_entry *entry, uint64_t *left,
		      struct capture *capture, struct err *err)
{
	bool is_directory = archive_entry_filetype(entry) == AE_IFDIR;
	struct buf data CLEANUP(buf_done) = { 0 };
	char *path CLEANUP(text_done) = NULL;
	const char *kind = kind_of(entry);
	uint64_t size;

	path = strdup(archive_entry_pathname(entry) ?: "");
	if (!path)
		return err_no_memory(err);
	if (kind)
		return err_set(err, ERR_INPUT,
			       "entry \"%.63s\": %s: a capture has files and directories alone",
			       path, kind);
	if (is_directory && *path && path[strlen(path) - 1] == '/')
		path[strlen(path) - 1] = '\0';
	if (check_path(path, err) || check_room(capture, path, err))
		return -1;
	if (is_directory) {
		capture_add_directory(capture, path);
		return 0;
	}
	size = (uint64_t)archive_entry_size(entry);
	if (size > *left)
		return err_set(err, ERR_INPUT,
			       "entry \"%s\": it has %llu bytes, %llu are left of the %d that all "
			       "files may have",
			       path, (unsigned long long)size, (unsigned long long)*left,
			       CAPTURE_BYTES_MAX);
	*left -= size;
	if (read_data(archive, size, path, &data, err))
		return -1;
	capture_add_file(capture, path, buf_bytes(&data));
	return 0;
}

static int next_header(struct archive *archive, size_t number, struct archive_entry **ret,
		       struct err *err)
{
	switch (archive_read_next_header(archive, ret)) {
	case ARCHIVE_OK:
		return 0;
	case ARCHIVE_EOF:
		*ret = NULL;
		return 0;
	default:
		return err_set(err, ERR_INPUT, "entry number %zu: %s", number,
			       archive_error_string(archive));
	}
}

/* What is behind WORD in a line that begins with it. */
static bool behind(struct bytes line, const char *word, struct bytes *ret)
{
	size_t length = strlen(word);

	return line.size >= length && !memcmp(line.data, word, length) &&
	       bytes_slice(line, length, line.size - length, ret);
}

/* "ERRNO PATH WHY" */
static int read_unread(struct bytes words, struct capture *capture, struct err *err)
{
	char text[256], path[CAPTURE_PATH_MAX + 2];
	int error;

	snprintf(text, sizeof(text), "%.*s", (int)words.size, (const char *)words.data);
	if (sscanf(text, "%4d %100s", &error, path) != 2 || error <= 0)
		return err_set(err, ERR_INPUT, "\"unread %.63s\" is not an errno and a path", text);
	if (check_path(path, err) || check_room(capture, path, err))
		return -1;
	capture_add_unread(capture, path, error);
	return 0;
}

/* *ret_entries: how many come behind it. */
static int read_manifest(struct bytes text, struct capture *capture, uint64_t *ret_entries,
			 struct err *err)
{
	bool has_entries = false;
	struct bytes line, rest;
	uint64_t format;

	if (!bytes_next_line(&text, &line) || !behind(line, format_word, &rest) ||
	    !num_parse((const char *)rest.data, rest.size, 10, &format))
		return err_set(err, ERR_INPUT, "does not begin with \"%sNUMBER\"", format_word);
	if (format != CAPTURE_FORMAT)
		return err_set(
			err, ERR_INPUT,
			"format %llu; this kexec knows %d: use one that is as new as what made "
			"it",
			(unsigned long long)format, CAPTURE_FORMAT);
	while (bytes_next_line(&text, &line)) {
		if (behind(line, "entries ", &rest))
			has_entries =
				num_parse((const char *)rest.data, rest.size, 10, ret_entries);
		else if (behind(line, "unread ", &rest) && read_unread(rest, capture, err))
			return -1;
	}
	return has_entries ? 0 : err_set(err, ERR_INPUT, "no line \"entries NUMBER\"");
}

/* MANIFEST comes first, and leaves the entries that could not be read. */
static int read_first(struct archive *archive, uint64_t *left, struct capture *capture,
		      uint64_t *ret_entries, struct err *err)
{
	struct capture only CLEANUP(capture_done) = { 0 };
	struct archive_entry *entry;

	if (next_header(archive, 1, &entry, err) ||
	    (entry && read_entry(archive, entry, left, &only, err)))
		return -1;
	if (only.lost)
		return err_no_memory(err);
	if (!entry || strcmp(only.entry[0].path, manifest_name) || only.entry[0].is_directory)
		return err_set(err, ERR_INPUT,
			       "does not begin with a file %s: kexec --capture makes one that does",
			       manifest_name);
	if (read_manifest(buf_bytes(&only.entry[0].data), capture, ret_entries, err))
		return err_prefix(err, "entry \"%s\"", manifest_name);
	return 0;
}

int capture_read(int fd, struct capture *ret, struct err *err)
{
	struct archive *archive CLEANUP(archive_done) = archive_read_new();
	struct capture capture CLEANUP(capture_done) = { 0 };
	uint64_t left = CAPTURE_BYTES_MAX, expected, count = 0;
	const struct capture_entry *twice;
	struct archive_entry *entry;

	if (!archive || archive_read_support_format_tar(archive) != ARCHIVE_OK)
		return err_no_memory(err);
	if (archive_read_open_fd(archive, fd, READ_SIZE) != ARCHIVE_OK)
		return err_set(err, ERR_INPUT, "no tar archive, or a compressed one: %s",
			       archive_error_string(archive));
	if (read_first(archive, &left, &capture, &expected, err))
		return -1;
	for (;; count++) {
		if (next_header(archive, count + 2, &entry, err))
			return -1;
		if (!entry)
			break;
		if (read_entry(archive, entry, &left, &capture, err))
			return -1;
	}
	if (count != expected)
		return err_set(err, ERR_INPUT, "%llu entries behind %s, which says %llu: it is cut",
			       (unsigned long long)count, manifest_name,
			       (unsigned long long)expected);
	if (capture.lost)
		return err_no_memory(err);
	sort(&capture);
	twice = find_twice(&capture);
	if (twice)
		return err_set(err, ERR_INPUT, "entry \"%s\": there are two of it", twice->path);
	*ret = capture;
	capture = (struct capture){ 0 };
	return 0;
}

/* --- writing ------------------------------------------------------------- */

static int write_header(FILE *to, const char *path, bool is_directory, size_t size, struct err *err)
{
	struct ustar header = { .type = is_directory ? '5' : '0' };
	unsigned int sum = 0;

	if (strlen(path) + is_directory > CAPTURE_PATH_MAX)
		return err_set(err, ERR_INTERNAL, "a path of %zu characters", strlen(path));
	memcpy(header.name, path, strlen(path));
	if (is_directory)
		header.name[strlen(path)] = '/';
	snprintf(header.mode, sizeof(header.mode), "%07o", is_directory ? 0700 : 0600);
	snprintf(header.uid, sizeof(header.uid), "%07o", 0);
	snprintf(header.gid, sizeof(header.gid), "%07o", 0);
	snprintf(header.size, sizeof(header.size), "%011zo", size);
	snprintf(header.mtime, sizeof(header.mtime), "%011o", 0);
	memcpy(header.magic, "ustar", 6);
	memcpy(header.version, "00", 2);
	/* The sum is of a header whose own place holds blanks. */
	memset(header.checksum, ' ', sizeof(header.checksum));
	for (size_t i = 0; i < sizeof(header); i++)
		sum += ((const uint8_t *)&header)[i];
	snprintf(header.checksum, sizeof(header.checksum), "%06o", sum);
	fwrite(&header, sizeof(header), 1, to);
	return 0;
}

static int write_file(FILE *to, const char *path, struct bytes data, struct err *err)
{
	static const uint8_t padding[TAR_BLOCK];

	if (write_header(to, path, /* is_directory= */ false, data.size, err))
		return -1;
	if (data.size)
		fwrite(data.data, data.size, 1, to);
	fwrite(padding, -data.size % TAR_BLOCK, 1, to);
	return 0;
}

static int write_manifest(const struct capture *capture, FILE *to, struct err *err)
{
	const struct capture_entry *release = capture_find(capture, CAPTURE_RELEASE);
	struct bytes rest = { 0 }, line;
	char *text CLEANUP(text_done) = NULL;
	size_t size = 0, unread = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return err_no_memory(err);
	for (size_t i = 0; i < capture->count; i++)
		unread += capture->entry[i].unread != 0;
	fprintf(out, "%s%d\n", format_word, CAPTURE_FORMAT);
	if (release)
		rest = buf_bytes(&release->data);
	if (bytes_next_line(&rest, &line))
		fprintf(out, "release %.*s\n", (int)line.size, (const char *)line.data);
	fprintf(out, "entries %zu\n", capture->count - unread);
	for (size_t i = 0; i < capture->count; i++)
		if (capture->entry[i].unread)
			fprintf(out, "unread %d %s %s\n", capture->entry[i].unread,
				capture->entry[i].path, strerror(capture->entry[i].unread));
	if (fclose(out))
		return err_no_memory(err);
	return write_file(to, manifest_name, (struct bytes){ (const uint8_t *)text, size }, err);
}

/* Sorted, each path once, and not more than can be read again. */
static int prepare(struct capture *capture, struct err *err)
{
	struct capture_entry *twice;
	uint64_t bytes = 0;

	if (capture->lost)
		return err_no_memory(err);
	sort(capture);
	while ((twice = find_twice(capture))) {
		entry_done(twice);
		memmove(twice, twice + 1,
			(size_t)(capture->entry + --capture->count - twice) * sizeof(*twice));
	}
	for (size_t i = 0; i < capture->count; i++)
		bytes += capture->entry[i].data.size;
	if (capture->count > CAPTURE_ENTRIES_MAX || bytes > CAPTURE_BYTES_MAX)
		return err_set(err, ERR_INPUT,
			       "%zu entries with %llu bytes; a capture has at most %d with %d",
			       capture->count, (unsigned long long)bytes, CAPTURE_ENTRIES_MAX,
			       CAPTURE_BYTES_MAX);
	return 0;
}

int capture_write(struct capture *capture, FILE *to, struct err *err)
{
	static const uint8_t end[2 * TAR_BLOCK];

	if (prepare(capture, err) || write_manifest(capture, to, err))
		return -1;
	for (size_t i = 0; i < capture->count; i++) {
		const struct capture_entry *entry = &capture->entry[i];

		if (entry->unread)
			continue;
		if (entry->is_directory ? write_header(to, entry->path, true, 0, err)
					: write_file(to, entry->path, buf_bytes(&entry->data), err))
			return -1;
	}
	fwrite(end, sizeof(end), 1, to);
	/* A short write of the above is remembered. */
	if (fflush(to) || ferror(to))
		return err_set_errno(err, errno, "write");
	return 0;
}

static int write_capture(void *capture, FILE *to, struct err *err)
{
	return capture_write(capture, to, err);
}

int capture_save(struct capture *capture, const char *path, struct err *err)
{
	return new_file(path, write_capture, capture, err);
}

int capture_to_memory(struct capture *capture, struct buf *ret, struct err *err)
{
	char *text CLEANUP(text_done) = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	int failed;

	if (!to)
		return err_no_memory(err);
	failed = capture_write(capture, to, err);
	if (fclose(to) && !failed)
		return err_no_memory(err);
	return failed || buf_append(ret, text, size, err) ? -1 : 0;
}
