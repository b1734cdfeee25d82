/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* Opened before it is needed, when files can no longer be. */
static int maps = -1;

static uintptr_t hex(const char **at)
{
	static const char digits[] = "0123456789abcdef";
	uintptr_t value = 0;

	for (const char *digit; **at && (digit = strchr(digits, **at)); (*at)++)
		value = value << 4 | (uintptr_t)(digit - digits);
	return value;
}

/* The file in a line of /proc/self/maps, if it is mapped there to be read and the address is in it. */
static const char *file_at(const char *line, uintptr_t address)
{
	uintptr_t start = hex(&line), end;

	if (*line++ != '-')
		return NULL;
	end = hex(&line);
	if (address < start || address >= end || strncmp(line, " rw-p ", 6))
		return NULL;
	return strchr(line, '/');
}

static void say(const char *text)
{
	ssize_t ignored = write(STDERR_FILENO, text, strlen(text));

	(void)ignored;
}

/* What a handler may call, and nothing else. */
static void on_bus_error(int signal_number, siginfo_t *info, void *context)
{
	char line[PATH_MAX + 128], c;
	size_t length = 0;

	(void)context;
	while (read(maps, &c, 1) == 1) {
		const char *path;

		if (c != '\n') {
			if (length < sizeof(line) - 1)
				line[length++] = c;
			continue;
		}
		line[length] = '\0';
		length = 0;
		path = file_at(line, (uintptr_t)info->si_addr);
		if (!path)
			continue;
		say("kexec: ");
		say(path);
		say(": shrank or could not be read while it was being loaded: nothing was loaded\n");
		_exit(1);
	}
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

int guard_mapped_files(struct err *err)
{
	struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };

	maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (sigaction(SIGBUS, &action, NULL))
		return err_set_errno(err, errno, "sigaction");
	return 0;
}
