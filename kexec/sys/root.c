/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/sys/root.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kexec/core/num.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

int root_open(const char *directory, struct root *ret, struct err *err)
{
	int fd = open(directory ?: "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, errno, "%s", directory ?: "/");
	*ret = (struct root){ fd, !directory };
	return 0;
}

void root_close(struct root *root)
{
	close_fd(&root->fd);
	root->fd = -1;
}

static int open_below(const struct root *root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_RDONLY | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	if (root->is_live)
		return openat(root->fd, path, (int)how.flags);
	return (int)syscall(SYS_openat2, root->fd, path, &how, sizeof(how));
}

int root_read(const struct root *root, const char *path, size_t limit, struct buf *ret,
	      struct err *err)
{
	/* No waiting for the writer of a pipe in a captured machine. */
	int fd CLEANUP(close_fd) = open_below(root, path, O_NONBLOCK);
	struct buf buf CLEANUP(buf_done) = { 0 };
	struct stat status;
	char block[16384];
	ssize_t got;

	if (fd < 0)
		return err_set_errno(err, errno, "/%s", path);
	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		return err_set(err, ERR_INPUT, "/%s: not a regular file", path);
	while (buf.size < limit) {
		size_t want = limit - buf.size < sizeof(block) ? limit - buf.size : sizeof(block);

		got = read(fd, block, want);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, errno, "/%s: read", path);
		if (!got)
			break;
		if (buf_append(&buf, block, (size_t)got, err))
			return -1;
	}
	*ret = buf;
	buf = (struct buf){ 0 };
	return 0;
}

int root_read_at(const struct root *root, const char *path, uint64_t offset, void *ret, size_t size,
		 struct err *err)
{
	int fd CLEANUP(close_fd) = open_below(root, path, O_NONBLOCK);
	size_t done = 0;

	if (fd < 0)
		return err_set_errno(err, errno, "/%s", path);
	while (done < size) {
		ssize_t got = pread(fd, (uint8_t *)ret + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, errno, "/%s: read at 0x%llx", path,
					     (unsigned long long)(offset + done));
		if (!got)
			return err_set(err, ERR_INPUT, "/%s: ends at 0x%llx", path,
				       (unsigned long long)(offset + done));
		done += (size_t)got;
	}
	return 0;
}

int root_read_text(const struct root *root, const char *path, char **ret, struct err *err)
{
	struct buf buf CLEANUP(buf_done) = { 0 };
	char *text;

	if (root_read(root, path, ROOT_FILE_MAX, &buf, err))
		return -1;
	while (buf.size && isspace(buf.data[buf.size - 1]))
		buf.size--;
	text = strndup(buf.size ? (const char *)buf.data : "", buf.size);
	if (!text)
		return err_no_memory(err);
	*ret = text;
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
	int fd CLEANUP(close_fd) = open_below(root, path, O_PATH);

	return fd >= 0;
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
	int fd = open_below(root, path, O_DIRECTORY);
	struct dirent *entry;
	DIR *directory;

	directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory) {
		err_set_errno(err, errno, "/%s", path);
		close_fd(&fd);
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

int root_list_numbered(const struct root *root, const char *path, const char *prefix,
		       uint64_t **ret, size_t *ret_count, struct err *err)
{
	struct root_names names CLEANUP(root_names_done) = { 0 };
	size_t length = strlen(prefix), count = 0;
	uint64_t *number;

	if (root_list(root, path, &names, err))
		return -1;
	number = calloc(names.count ?: 1, sizeof(*number));
	if (!number)
		return err_no_memory(err);
	for (size_t i = 0; i < names.count; i++) {
		const char *rest = names.name[i] + length;

		if (!strncmp(names.name[i], prefix, length) &&
		    num_parse(rest, strlen(rest), 10, &number[count]))
			count++;
	}
	qsort(number, count, sizeof(*number), compare_numbers);
	*ret = number;
	*ret_count = count;
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
