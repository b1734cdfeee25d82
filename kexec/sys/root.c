/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/sys/root.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kexec/core/num.h"
#include "kexec/sys/fd.h"

/* A descriptor that is opened as a file, and has to be one. */
static int check_regular(int fd, const char *what, struct err *err)
{
	struct stat status;

	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		return err_set(err, ERR_INPUT, "%s: not a regular file", what);
	return 0;
}

/* Of a file that is open. */
static int open_capture(int fd, struct root *ret, struct err *err)
{
	struct capture *capture = calloc(1, sizeof(*capture));

	if (!capture)
		return err_no_memory(err);
	if (capture_read(fd, capture, err)) {
		free(capture);
		return -1;
	}
	*ret = (struct root){ .fd = -1, .captured = capture };
	return 0;
}

int root_open(const char *path, struct root *ret, struct err *err)
{
	int file CLEANUP(fd_close) = -1;
	int fd = open(path ?: "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOTDIR) {
		file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (file >= 0 && check_regular(file, path, err))
			return -1;
		if (file >= 0)
			return open_capture(file, ret, err) ? err_prefix(err, "%s", path) : 0;
	}
	if (fd < 0)
		return err_set_errno(err, errno, "%s", path ?: "/");
	*ret = (struct root){ .fd = fd, .is_live = !path };
	return 0;
}

int root_fd_below(const struct root *root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_RDONLY | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	if (root->captured) {
		errno = ENOENT;
		return -1;
	}
	if (root->is_live)
		return openat(root->fd, path, (int)how.flags);
	return (int)syscall(SYS_openat2, root->fd, path, &how, sizeof(how));
}

int root_open_below(const struct root *above, const char *path, struct root *ret,
		    bool *ret_is_machine, struct err *err)
{
	int directory = root_fd_below(above, path, O_PATH | O_DIRECTORY);
	int file CLEANUP(fd_close) = -1;
	uint8_t head[CAPTURE_HEAD_SIZE];
	ssize_t got;

	if (directory >= 0) {
		*ret = (struct root){ .fd = directory };
		*ret_is_machine = true;
		return 0;
	}
	if (errno == ENOTDIR)
		file = root_fd_below(above, path, O_NONBLOCK);
	if (file < 0)
		return err_set_errno(err, errno, "%s", path);
	if (check_regular(file, path, err))
		return -1;
	got = pread(file, head, sizeof(head), 0);
	*ret_is_machine = got > 0 && capture_begins((struct bytes){ head, (size_t)got });
	return *ret_is_machine ? open_capture(file, ret, err) : 0;
}

void root_close(struct root *root)
{
	fd_close(&root->fd);
	root->fd = -1;
	if (root->captured)
		capture_done(root->captured);
	free(root->captured);
	root->captured = NULL;
}

/* --- what is recorded ---------------------------------------------------- */

void root_record(const struct root *root, const char *path, struct bytes data)
{
	if (root->record)
		capture_add_file(root->record, path, data);
}

void root_record_text(const struct root *root, const char *path, const char *text)
{
	char *line CLEANUP(text_done) = NULL;

	if (!root->record)
		return;
	if (asprintf(&line, "%s\n", text) < 0) {
		line = NULL;
		root->record->lost = true;
		return;
	}
	capture_add_file(root->record, path, (struct bytes){ (uint8_t *)line, strlen(line) });
}

void root_record_unread(const struct root *root, const char *path, struct err *err)
{
	bool forbidden = err->sys_errno == EACCES || err->sys_errno == EPERM;

	if (err->code != ERR_SYSTEM || err->sys_errno == ENOENT)
		return;
	if (root->record)
		capture_add_unread(root->record, path, err->sys_errno);
	else if (root->unread && forbidden && !strcmp(path, ROOT_LOG))
		warn_add(root->unread, "the kernel's log: %s", strerror(err->sys_errno));
	else if (root->unread && forbidden)
		warn_add(root->unread, "/%s: %s", path, strerror(err->sys_errno));
	else
		return;
	err->sys_errno = ENOENT;
}

/* --- reading ------------------------------------------------------------- */

/* NULL with the error that the file gave where it was captured. */
static const struct capture_entry *find_captured(const struct root *root, const char *path,
						 struct err *err)
{
	const struct capture_entry *entry = capture_find(root->captured, path);

	if (entry && !entry->unread)
		return entry;
	err_set_errno(err, entry ? entry->unread : ENOENT, "/%s", path);
	return NULL;
}

static int captured_file(const struct root *root, const char *path, struct bytes *ret,
			 struct err *err)
{
	const struct capture_entry *entry = find_captured(root, path, err);

	if (!entry)
		return -1;
	if (entry->is_directory)
		return err_set(err, ERR_INPUT, "/%s: not a regular file", path);
	*ret = buf_bytes(&entry->data);
	return 0;
}

static int read_captured(const struct root *root, const char *path, size_t limit, struct buf *ret,
			 struct err *err)
{
	struct buf buf CLEANUP(buf_done) = { 0 };
	struct bytes data = { 0 };

	if (captured_file(root, path, &data, err) ||
	    buf_append(&buf, data.data, data.size < limit ? data.size : limit, err))
		return -1;
	*ret = buf;
	buf = (struct buf){ 0 };
	return 0;
}

static int read_file(const struct root *root, const char *path, size_t limit, struct buf *ret,
		     struct err *err)
{
	/* No waiting for the writer of a pipe in a captured machine. */
	int fd CLEANUP(fd_close) = root_fd_below(root, path, O_NONBLOCK);
	struct buf buf CLEANUP(buf_done) = { 0 };
	char name[PATH_MAX];

	if (fd < 0)
		return err_set_errno(err, errno, "/%s", path);
	snprintf(name, sizeof(name), "/%s", path);
	if (check_regular(fd, name, err))
		return -1;
	if (fd_read(fd, limit, &buf, err))
		return err_prefix(err, "%s", name);
	*ret = buf;
	buf = (struct buf){ 0 };
	return 0;
}

int root_peek(const struct root *root, const char *path, size_t limit, struct buf *ret,
	      struct err *err)
{
	if (!(root->captured ? read_captured : read_file)(root, path, limit, ret, err))
		return 0;
	/* Something that is no file: so is a directory. */
	if (err->code == ERR_INPUT && root->record)
		capture_add_directory(root->record, path);
	root_record_unread(root, path, err);
	return -1;
}

int root_read_used(const struct root *root, const char *path, size_t limit,
		   void (*narrow)(struct buf *data), struct buf *ret, struct err *err)
{
	if (root_peek(root, path, limit, ret, err))
		return -1;
	narrow(ret);
	root_record(root, path, buf_bytes(ret));
	return 0;
}

int root_read(const struct root *root, const char *path, size_t limit, struct buf *ret,
	      struct err *err)
{
	if (root_peek(root, path, limit, ret, err))
		return -1;
	root_record(root, path, buf_bytes(ret));
	return 0;
}

static int read_file_at(const struct root *root, const char *path, uint64_t offset, void *ret,
			size_t size, struct err *err)
{
	int fd CLEANUP(fd_close) = root_fd_below(root, path, O_NONBLOCK);
	ssize_t got;

	if (fd < 0)
		return err_set_errno(err, errno, "/%s", path);
	got = fd_read_at(fd, offset, ret, size);
	if (got < 0)
		return err_set_errno(err, errno, "/%s: read at 0x%llx", path,
				     (unsigned long long)offset);
	if ((size_t)got < size)
		return err_set(err, ERR_INPUT, "/%s: ends at 0x%llx", path,
			       (unsigned long long)(offset + (size_t)got));
	return 0;
}

static int read_captured_at(const struct root *root, const char *path, uint64_t offset, void *ret,
			    size_t size, struct err *err)
{
	struct bytes data = { 0 };

	if (captured_file(root, path, &data, err))
		return -1;
	if (!bytes_slice(data, offset, size, &data))
		return err_set(err, ERR_INPUT, "/%s: ends at 0x%zx", path, data.size);
	memcpy(ret, data.data, size);
	return 0;
}

int root_peek_at(const struct root *root, const char *path, uint64_t offset, void *ret, size_t size,
		 struct err *err)
{
	if (!(root->captured ? read_captured_at : read_file_at)(root, path, offset, ret, size, err))
		return 0;
	root_record_unread(root, path, err);
	return -1;
}

int root_peek_text(const struct root *root, const char *path, char **ret, struct err *err)
{
	struct buf buf CLEANUP(buf_done) = { 0 };
	char *text;

	if (root_peek(root, path, ROOT_FILE_MAX, &buf, err))
		return -1;
	if (buf.size)
		buf.size = strnlen((const char *)buf.data, buf.size);
	while (buf.size && isspace(buf.data[buf.size - 1]))
		buf.size--;
	text = strndup(buf.size ? (const char *)buf.data : "", buf.size);
	if (!text)
		return err_no_memory(err);
	*ret = text;
	return 0;
}

int root_read_text(const struct root *root, const char *path, char **ret, struct err *err)
{
	if (root_peek_text(root, path, ret, err))
		return -1;
	root_record_text(root, path, *ret);
	return 0;
}

int root_read_number(const struct root *root, const char *path, uint64_t *ret, struct err *err)
{
	char *text CLEANUP(text_done) = NULL;

	if (root_read_text(root, path, &text, err))
		return -1;
	if (!num_parse(text, strlen(text), 0, ret))
		return err_set(err, ERR_INPUT, "/%s: \"%.40s\" is not a number", path, text);
	return 0;
}

bool root_exists(const struct root *root, const char *path)
{
	int fd CLEANUP(fd_close) = root->captured ? -1 : root_fd_below(root, path, O_PATH);
	struct err ignored;

	if (root->captured ? !find_captured(root, path, &ignored) : fd < 0)
		return false;
	if (root->record)
		capture_add_directory(root->record, path);
	return true;
}

bool root_is_missing(const struct err *err)
{
	return err->code == ERR_SYSTEM && err->sys_errno == ENOENT;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void root_names_done(struct root_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->name[i]);
	free(names->name);
	*names = (struct root_names){ 0 };
}

static int add_name(struct root_names *names, const char *name, struct err *err)
{
	if (array_grow(&names->name, &names->room, names->count, sizeof(*names->name), err))
		return -1;
	names->name[names->count] = strdup(name);
	if (!names->name[names->count])
		return err_no_memory(err);
	names->count++;
	return 0;
}

int root_list(const struct root *root, const char *path, struct root_names *ret, struct err *err)
{
	struct root_names names CLEANUP(root_names_done) = { 0 };
	int fd = root_fd_below(root, path, O_DIRECTORY);
	struct dirent *entry;
	DIR *directory;

	directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory) {
		err_set_errno(err, errno, "/%s", path);
		fd_close(&fd);
		return -1;
	}
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] != '.' && add_name(&names, entry->d_name, err)) {
			closedir(directory);
			return -1;
		}
	}
	closedir(directory);
	if (names.count)
		qsort(names.name, names.count, sizeof(*names.name), compare_names);
	*ret = names;
	names = (struct root_names){ 0 };
	return 0;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

struct numbers {
	uint64_t *number;
	size_t count, room;
};

static void numbers_done(struct numbers *numbers)
{
	free(numbers->number);
}

/* Adds N of a name that is PREFIX followed by N, without zeros before it; another name is left
 * out. */
static int add_numbered(const char *name, const char *prefix, struct numbers *to, struct err *err)
{
	const char *rest = name + strlen(prefix);
	uint64_t value;

	if (strncmp(name, prefix, strlen(prefix)) || (rest[0] == '0' && rest[1]) ||
	    !num_parse(rest, strlen(rest), 10, &value))
		return 0;
	if (array_grow(&to->number, &to->room, to->count, sizeof(*to->number), err))
		return -1;
	to->number[to->count++] = value;
	return 0;
}

static int list_directory(const struct root *root, const char *path, const char *prefix,
			  struct numbers *to, struct err *err)
{
	struct root_names names CLEANUP(root_names_done) = { 0 };

	if (root_list(root, path, &names, err))
		return -1;
	for (size_t i = 0; i < names.count; i++)
		if (add_numbered(names.name[i], prefix, to, err))
			return -1;
	return 0;
}

static int list_captured(const struct root *root, const char *path, const char *prefix,
			 struct numbers *to, struct err *err)
{
	const struct capture_entry *entry = find_captured(root, path, err), *end;
	size_t length = strlen(path);

	if (!entry)
		return -1;
	end = root->captured->entry + root->captured->count;
	if (!entry->is_directory)
		return err_set_errno(err, ENOTDIR, "/%s", path);
	/* What is in a directory comes behind it; so may what begins with its name. */
	for (entry++; entry < end && !strncmp(entry->path, path, length); entry++)
		if (entry->path[length] == '/' &&
		    add_numbered(entry->path + length + 1, prefix, to, err))
			return -1;
	return 0;
}

static void record_list(const struct root *root, const char *path, const char *prefix,
			const struct numbers *numbers)
{
	char child[PATH_MAX];

	if (!root->record)
		return;
	capture_add_directory(root->record, path);
	for (size_t i = 0; i < numbers->count; i++) {
		snprintf(child, sizeof(child), "%s/%s%llu", path, prefix,
			 (unsigned long long)numbers->number[i]);
		capture_add_directory(root->record, child);
	}
}

int root_list_numbered(const struct root *root, const char *path, const char *prefix,
		       uint64_t **ret, size_t *ret_count, struct err *err)
{
	struct numbers numbers CLEANUP(numbers_done) = { 0 };

	if ((root->captured ? list_captured : list_directory)(root, path, prefix, &numbers, err)) {
		root_record_unread(root, path, err);
		return -1;
	}
	if (numbers.count)
		qsort(numbers.number, numbers.count, sizeof(*numbers.number), compare_numbers);
	record_list(root, path, prefix, &numbers);
	*ret = numbers.number;
	*ret_count = numbers.count;
	numbers.number = NULL;
	return 0;
}

int root_count_numbered(const struct root *root, const char *path, size_t *ret, struct err *err)
{
	uint64_t *number;

	if (root_list_numbered(root, path, "", &number, ret, err))
		return -1;
	free(number);
	return 0;
}
