/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands between a kexec program and the system calls that change the machine: none is made. Each
 * is a line of SPY_DIR/calls, what it was given are files beside that, and the answer comes from
 * the environment: SPY_kexec_load="22 0" answers the first call with errno 22, all others with
 * success; SPY_UNKNOWN_kexec_load="0x10" answers EINVAL wherever one of these flags is set. There are three interfaces: lo and eth0, which is up, and an alias of it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kexec-abi.h"

static int calls_made;

static void path_of(char ret[4096], const char *name)
{
	snprintf(ret, 4096, "%s/%s", getenv("SPY_DIR") ?: "/nonexistent", name);
}

/* A test must not go on with a call that it has not seen. */
static void give_up(const char *what)
{
	fprintf(stderr, "spy: %s: %s\n", what, strerror(errno));
	_exit(99);
}

static void tell(const char *format, ...)
{
	char path[4096];
	va_list list;
	FILE *file;

	path_of(path, "calls");
	file = fopen(path, "a");
	if (!file)
		give_up(path);
	va_start(list, format);
	vfprintf(file, format, list);
	va_end(list);
	if (fclose(file))
		give_up(path);
}

static void keep(const char *name, const void *data, size_t size)
{
	char path[4096];
	FILE *file;

	path_of(path, name);
	file = fopen(path, "w");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file))
		give_up(path);
}

/* A running kernel that does not know all flags. */
static bool knows(const char *call, unsigned long flags)
{
	char name[64];

	snprintf(name, sizeof(name), "SPY_UNKNOWN_%s", call);
	return !(flags & strtoul(getenv(name) ?: "0", NULL, 0));
}

static int refuse(void)
{
	errno = EINVAL;
	return -1;
}

static int answer(const char *call)
{
	char name[64], *list, *end;
	static int number[8];
	static const char *const known[] = { "kexec_load", "kexec_file_load", "reboot", "exec" };
	long error = 0;
	int at = 0;

	while (strcmp(known[at], call))
		at++;
	snprintf(name, sizeof(name), "SPY_%s", call);
	list = getenv(name);
	for (int i = 0; list && i <= number[at]; i++, list = end) {
		long next = strtol(list, &end, 10);

		if (end == list)
			break;
		error = next;
	}
	number[at]++;
	errno = (int)error;
	return error ? -1 : 0;
}

static long spy_load(unsigned long entry, unsigned long count, const struct kexec_segment *segment,
		     unsigned long flags)
{
	int call = calls_made++;
	char name[64];

	tell("kexec_load %d entry=0x%lx flags=0x%lx segments=%lu\n", call, entry, flags, count);
	for (unsigned long i = 0; i < count; i++) {
		tell("segment %d %lu mem=0x%lx memsz=0x%zx\n", call, i,
		     (unsigned long)segment[i].mem, segment[i].memsz);
		snprintf(name, sizeof(name), "segment-%d-%lu", call, i);
		keep(name, segment[i].buf, segment[i].bufsz);
	}
	return knows("kexec_load", flags) ? answer("kexec_load") : refuse();
}

static void keep_file(const char *what, int call, int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	int seals = fcntl(fd, F_GET_SEALS);
	char name[64], *data;
	struct stat status;

	if (size < 0 || fstat(fd, &status))
		give_up(what);
	data = malloc((size_t)size + 1);
	if (!data || pread(fd, data, (size_t)size, 0) != size)
		give_up(what);
	snprintf(name, sizeof(name), "%s-%d", what, call);
	keep(name, data, (size_t)size);
	tell("file %d %s seals=%d inode=%ju:%ju\n", call, what, seals, (uintmax_t)status.st_dev,
	     (uintmax_t)status.st_ino);
	free(data);
}

static long spy_file_load(int kernel, int initrd, unsigned long size, const char *cmdline,
			  unsigned long flags)
{
	int call = calls_made++;
	char name[64];

	tell("kexec_file_load %d flags=0x%lx size=%lu\n", call, flags, size);
	if (!(flags & KEXEC_FILE_UNLOAD)) {
		keep_file("kernel", call, kernel);
		if (!(flags & KEXEC_FILE_NO_INITRAMFS))
			keep_file("initrd", call, initrd);
		snprintf(name, sizeof(name), "cmdline-%d", call);
		keep(name, cmdline, size);
	}
	return knows("kexec_file_load", flags) ? answer("kexec_file_load") : refuse();
}

long syscall(long number, ...)
{
	long (*real)(long, ...) = dlsym(RTLD_NEXT, "syscall");
	unsigned long argument[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		argument[i] = va_arg(list, unsigned long);
	va_end(list);
	switch (number) {
	case SYS_kexec_load:
		return spy_load(argument[0], argument[1], (void *)argument[2], argument[3]);
	case SYS_kexec_file_load:
		return spy_file_load((int)argument[0], (int)argument[1], argument[2],
				     (void *)argument[3], argument[4]);
	case SYS_reboot:
		tell("reboot 0x%lx\n", argument[2]);
		return answer("reboot");
	default:
		return real(number, argument[0], argument[1], argument[2], argument[3], argument[4],
			    argument[5]);
	}
}

int reboot(int command)
{
	tell("reboot 0x%x\n", (unsigned int)command);
	return answer("reboot");
}

void sync(void)
{
	tell("sync\n");
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
	struct ifreq *interface;
	va_list list;

	va_start(list, request);
	interface = va_arg(list, void *);
	va_end(list);
	switch (request) {
	case SIOCGIFFLAGS:
		interface->ifr_flags = IFF_UP | IFF_RUNNING;
		if (!strcmp(interface->ifr_name, "lo"))
			interface->ifr_flags |= IFF_LOOPBACK;
		return 0;
	case SIOCSIFFLAGS:
		tell("interface %s %s\n", interface->ifr_name,
		     interface->ifr_flags & IFF_UP ? "up" : "down");
		return 0;
	default:
		return real(fd, request, interface);
	}
}

static struct if_nameindex interfaces[] = {
	{ 1, (char *)"lo" },
	{ 2, (char *)"eth0" },
	{ 3, (char *)"eth0:1" },
	{ 0, NULL },
};

struct if_nameindex *if_nameindex(void)
{
	return interfaces;
}

void if_freenameindex(struct if_nameindex *list)
{
	(void)list;
}

/* A name in a list that is kept. */
static void add_to(const char *list, const char *name)
{
	char path[4096];
	FILE *file;

	path_of(path, list);
	file = fopen(path, "a");
	if (!file || fprintf(file, "%s\n", name) < 0 || fclose(file))
		give_up(path);
}

/* Which files are opened to be written, by their names as they are given; not those of this library. */
static void tell_written(const char *name, bool is_written)
{
	const char *own = getenv("SPY_DIR") ?: "/nonexistent";

	if (is_written && strncmp(name, own, strlen(own)))
		add_to("written", name);
}

#define OPEN(function, PARAMETERS, ...)                                                 \
	int function PARAMETERS                                                         \
	{                                                                               \
		int(*real) PARAMETERS = dlsym(RTLD_NEXT, #function);                    \
		mode_t mode = 0;                                                        \
		va_list list;                                                           \
                                                                                        \
		va_start(list, flags);                                                  \
		if (flags & (O_CREAT | O_TMPFILE))                                      \
			mode = va_arg(list, mode_t);                                    \
		va_end(list);                                                           \
		tell_written(name, (flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT); \
		return real(__VA_ARGS__, mode);                                         \
	}

OPEN(open, (const char *name, int flags, ...), name, flags)
OPEN(open64, (const char *name, int flags, ...), name, flags)
OPEN(openat, (int in, const char *name, int flags, ...), in, name, flags)
OPEN(openat64, (int in, const char *name, int flags, ...), in, name, flags)

#define FOPEN(function)                                                                  \
	FILE *function(const char *name, const char *mode)                               \
	{                                                                                \
		FILE *(*real)(const char *, const char *) = dlsym(RTLD_NEXT, #function); \
                                                                                         \
		tell_written(name, strpbrk(mode, "wa+"));                                \
		return real(name, mode);                                                 \
	}

FOPEN(fopen)
FOPEN(fopen64)

FILE *tmpfile(void)
{
	FILE *(*real)(void) = dlsym(RTLD_NEXT, "tmpfile");

	tell_written("tmpfile", true);
	return real();
}

/* Those of them that are made in /tmp are looked for afterwards, too. */
#define MKSTEMP(function, PARAMETERS, ...)                           \
	int function PARAMETERS                                      \
	{                                                            \
		int(*real) PARAMETERS = dlsym(RTLD_NEXT, #function); \
		int fd = real(__VA_ARGS__);                          \
                                                                     \
		tell_written(name, true);                            \
		add_to("temporary", name);                           \
		return fd;                                           \
	}

MKSTEMP(mkstemp, (char *name), name)
MKSTEMP(mkstemp64, (char *name), name)
MKSTEMP(mkostemp, (char *name, int flags), name, flags)
MKSTEMP(mkostemp64, (char *name, int flags), name, flags)

/* A program that is started ends this one: with success, unless the answer is an error. */
static int spy_exec(const char *path, char *const argv[])
{
	tell("exec %s", path);
	for (int i = 1; argv[i]; i++)
		tell(" %s", argv[i]);
	tell("\n");
	if (answer("exec"))
		return -1;
	_exit(0);
}

int execve(const char *path, char *const argv[], char *const environment[])
{
	(void)environment;
	return spy_exec(path, argv);
}

int execv(const char *path, char *const argv[])
{
	return spy_exec(path, argv);
}

int execvp(const char *path, char *const argv[])
{
	return spy_exec(path, argv);
}

int execl(const char *path, const char *first, ...)
{
	char *argv[16] = { (char *)first };
	va_list list;

	va_start(list, first);
	for (int i = 1; i < 15; i++)
		if (!(argv[i] = va_arg(list, char *)))
			break;
	va_end(list);
	return spy_exec(path, argv);
}
