/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/sys/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "kexec/core/num.h"
#include "kexec/sys/fd.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U /* include/uapi/linux/memfd.h of Linux 6.3 */
#endif

/* More than any initrd, less than what makes page counts wrap. */
static const uint64_t INPUT_MAX = UINT64_C(1) << 40;

/* The running kernel loads no more than half of memory, by either call. */
static uint64_t pipe_max(void)
{
	struct sysinfo info;

	return sysinfo(&info) ? INPUT_MAX : (uint64_t)info.totalram * info.mem_unit / 2;
}

static int copy_pipe(int from, int to, struct err *err)
{
	uint64_t most = pipe_max(), total = 0;
	uint8_t block[65536];

	for (;;) {
		ssize_t got = read(from, block, sizeof(block));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, errno, "read");
		if (!got)
			return 0;
		total += (uint64_t)got;
		if (total > most)
			return err_set(
				err, ERR_INPUT,
				"gives more than %llu KiB, half of memory: no kernel loads that",
				(unsigned long long)most / 1024);
		if (fd_write(to, (struct bytes){ block, (size_t)got }))
			return err_set_errno(err, errno, "copying to memory");
	}
}

/* Kernels before 6.3 know no MFD_NOEXEC_SEAL; later ones can insist on it (vm.memfd_noexec). */
static int new_memory(const char *name, struct err *err)
{
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, flags);
	return fd < 0 ? err_set_errno(err, errno, "memfd_create") : fd;
}

static int seal(int fd, struct err *err)
{
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL))
		return err_set_errno(err, errno, "sealing a copy in memory");
	return 0;
}

/* The descriptor is one of memory then. */
static int pipe_to_memory(int *from, struct err *err)
{
	int fd CLEANUP(fd_close) = new_memory("kexec-input", err);

	if (fd < 0 || copy_pipe(*from, fd, err) || seal(fd, err))
		return -1;
	close(*from);
	*from = fd;
	fd = -1;
	return 0;
}

static bool is_named(const char *path, const struct stat *status)
{
	struct stat now;

	return strncmp(path, "/proc/", 6) && strncmp(path, "/dev/", 5) && !stat(path, &now) &&
	       now.st_dev == status->st_dev && now.st_ino == status->st_ino;
}

/* Takes over the descriptor, also on failure. */
static int input_take(int fd, const char *path, struct input *ret, struct err *err)
{
	struct input input CLEANUP(input_done) = { .path = path, .fd = fd };

	if (fstat(input.fd, &input.status))
		return err_set_errno(err, errno, "%s", path);
	if (S_ISDIR(input.status.st_mode))
		return err_set(err, ERR_INPUT, "%s: a directory, not a file", path);
	if (S_ISCHR(input.status.st_mode) || S_ISBLK(input.status.st_mode))
		return err_set(err, ERR_INPUT, "%s: a device, not a file", path);
	if (!S_ISREG(input.status.st_mode)) {
		if (pipe_to_memory(&input.fd, err))
			return err_prefix(err, "%s", path);
		if (fstat(input.fd, &input.status))
			return err_set_errno(err, errno, "%s", path);
	}
	if (!input.status.st_size)
		return err_set(err, ERR_INPUT, "%s: the file is empty", path);
	input.is_named = is_named(path, &input.status);
	*ret = input;
	input.fd = -1;
	return 0;
}

static int input_open(const char *path, struct input *ret, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_set_errno(err, errno, "%s", path) : input_take(fd, path, ret, err);
}

int input_duplicate(int fd, const char *name, struct input *ret, struct err *err)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return own < 0 ? err_set_errno(err, errno, "%s", name) : input_take(own, name, ret, err);
}

static uint64_t page_align(uint64_t size)
{
	return (size + PAGE_SIZE_4K - 1) & ~(PAGE_SIZE_4K - 1);
}

typedef int fill_function(const struct input *file, uint8_t *at, size_t bytes, struct err *err);

static int map(const struct input *file, uint8_t *at, size_t bytes, struct err *err)
{
	if (mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file->fd, 0) ==
	    MAP_FAILED)
		return err_set_errno(err, errno, "%s: mapping %zu bytes", file->path, bytes);
	return 0;
}

static bool is_sealed(const struct input *file)
{
	int seals = fcntl(file->fd, F_GET_SEALS);

	return seals >= 0 && seals & F_SEAL_SHRINK && seals & F_SEAL_WRITE;
}

static int copy(const struct input *file, uint8_t *at, size_t bytes, struct err *err)
{
	ssize_t got;

	if (is_sealed(file))
		return map(file, at, bytes, err);
	if (mprotect(at, bytes, PROT_READ | PROT_WRITE))
		return err_set_errno(err, errno, "%s: memory for %zu bytes", file->path, bytes);
	got = fd_read_at(file->fd, 0, at, bytes);
	if (got < 0)
		return err_set_errno(err, errno, "%s: read", file->path);
	if ((size_t)got < bytes)
		return err_set(err, ERR_INPUT, "%s: shrank to %zu bytes while it was read",
			       file->path, (size_t)got);
	return 0;
}

/* One behind the other, each by `fill`. */
static int fill_all(struct inputs *inputs, fill_function *fill, struct err *err)
{
	const struct input *last = &inputs->file[inputs->count - 1];
	uint64_t size = 0, at = 0;
	uint8_t *base;

	for (size_t i = 0; i < inputs->count; i++) {
		if ((uint64_t)inputs->file[i].status.st_size > INPUT_MAX)
			return err_set(err, ERR_INPUT, "%s: %lld bytes are too many to load",
				       inputs->file[i].path,
				       (long long)inputs->file[i].status.st_size);
		size += page_align((uint64_t)inputs->file[i].status.st_size);
	}
	base = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return err_set_errno(err, errno, "mapping 0x%llx bytes", (unsigned long long)size);
	inputs->mapped_size = size;
	inputs->bytes.data = base;
	for (size_t i = 0; i < inputs->count; i++) {
		const struct input *file = &inputs->file[i];
		size_t bytes = (size_t)file->status.st_size, room = page_align(bytes);

		if (fill(file, base + at, bytes, err))
			return -1;
		/* Another's shared map can have left something behind the end. */
		if (room > bytes && file != last)
			memset(base + at + bytes, 0, room - bytes);
		at += room;
	}
	inputs->bytes.size =
		size - page_align((uint64_t)last->status.st_size) + (uint64_t)last->status.st_size;
	madvise(base, size, MADV_SEQUENTIAL);
	return 0;
}

/* Those of the descriptors, or where that is NULL of the paths. */
static int take_all(const int *fd, const char *const *name, size_t count, fill_function *fill,
		    struct inputs *ret, struct err *err)
{
	struct inputs inputs CLEANUP(inputs_done) = { 0 };

	inputs.file = calloc(count, sizeof(*inputs.file));
	if (!inputs.file)
		return err_no_memory(err);
	for (; inputs.count < count; inputs.count++) {
		struct input *file = &inputs.file[inputs.count];
		const char *path = name[inputs.count];

		if (fd ? input_duplicate(fd[inputs.count], path, file, err)
		       : input_open(path, file, err))
			return -1;
	}
	if (fill_all(&inputs, fill, err))
		return -1;
	*ret = inputs;
	inputs = (struct inputs){ 0 };
	return 0;
}

int inputs_open(const char *const *path, size_t count, struct inputs *ret, struct err *err)
{
	return take_all(NULL, path, count, map, ret, err);
}

int inputs_map(const int *fd, const char *const *name, size_t count, struct inputs *ret,
	       struct err *err)
{
	return take_all(fd, name, count, map, ret, err);
}

int inputs_copy(const int *fd, const char *const *name, size_t count, struct inputs *ret,
		struct err *err)
{
	return take_all(fd, name, count, copy, ret, err);
}

void inputs_pin(const struct inputs *inputs)
{
	volatile uint8_t *byte = (volatile uint8_t *)inputs->bytes.data;

	/* The first write to a page of a private map copies it. */
	for (size_t at = 0; at < inputs->bytes.size; at += PAGE_SIZE_4K)
		byte[at] = byte[at];
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

int input_check_unchanged(const struct input *file, struct err *err)
{
	struct stat now;

	if (fstat(file->fd, &now))
		return err_set_errno(err, errno, "%s", file->path);
	if (now.st_size != file->status.st_size || !same_time(now.st_mtim, file->status.st_mtim) ||
	    !same_time(now.st_ctim, file->status.st_ctim))
		return err_set(err, ERR_INPUT,
			       "%s: changed while it was being loaded (%lld bytes, then %lld): "
			       "load it again when it is whole",
			       file->path, (long long)file->status.st_size, (long long)now.st_size);
	return 0;
}

int inputs_check_unchanged(const struct inputs *inputs, struct err *err)
{
	for (size_t i = 0; i < inputs->count; i++)
		if (input_check_unchanged(&inputs->file[i], err))
			return -1;
	return 0;
}

void inputs_done(struct inputs *inputs)
{
	if (inputs->mapped_size)
		munmap((void *)inputs->bytes.data, inputs->mapped_size);
	for (size_t i = 0; i < inputs->count; i++)
		close(inputs->file[i].fd);
	free(inputs->file);
}

int input_in_memory(const char *name, struct bytes bytes, struct input *ret, struct err *err)
{
	struct input input CLEANUP(input_done) = { .path = name, .fd = new_memory(name, err) };

	if (input.fd < 0)
		return -1;
	if (fd_write(input.fd, bytes))
		return err_set_errno(err, errno, "copying to memory");
	if (seal(input.fd, err))
		return -1;
	if (fstat(input.fd, &input.status))
		return err_set_errno(err, errno, "fstat");
	*ret = input;
	input.fd = -1;
	return 0;
}

void input_done(struct input *input)
{
	fd_close(&input->fd);
}
