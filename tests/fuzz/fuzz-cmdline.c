/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: a line to append, then the text of /proc/cmdline. */
#include <stdlib.h>
#include <string.h>

#include "kexec/core/cmdline.h"
#include "tests/fuzz/fuzz.h"

static char *copy(struct bytes text)
{
	char *ret = strndup(text.size ? (const char *)text.data : "", text.size);

	require(ret != NULL);
	return ret;
}

static void check_values(const char *line)
{
	const char *end = line + strlen(line);
	struct bytes value;
	uint16_t port;
	uint32_t baud;

	if (cmdline_get(line, "console", &value)) {
		const char *start = (const char *)value.data;

		require(start >= line && start <= end && value.size <= (size_t)(end - start));
	}
	if (cmdline_serial_console(line, &port, &baud))
		require(port && baud <= 115200);
}

static const char of_crash[] = " acpi_no_memhotplug";

static void check_reuse(const char *reuse, bool crash)
{
	char *once, *twice;
	struct bytes value;
	struct err err;

	require(!cmdline_compose(reuse, /* append= */ NULL, crash, &once, &err));
	require(!strchr(once, '\n') &&
		strlen(once) <= strlen(reuse) + (crash ? strlen(of_crash) : 0));
	require(!crash || cmdline_has(once, of_crash + 1));
	require(!cmdline_get(once, "BOOT_IMAGE", &value));
	require(!crash || !cmdline_get(once, "crashkernel", &value));
	require(!cmdline_compose(once, /* append= */ NULL, crash, &twice, &err));
	require(!strcmp(once, twice));
	check_values(once);
	free(once);
	free(twice);
}

static void check_append(const char *reuse, const char *append)
{
	struct err err;
	char *line;

	require(!cmdline_compose(reuse, append, /* crash= */ false, &line, &err));
	require(strlen(line) >= strlen(append));
	require(!strcmp(line + strlen(line) - strlen(append), append));
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = { data, size }, line = { NULL, 0 };
	char *append, *reuse;

	bytes_next_line(&rest, &line);
	append = copy(line);
	reuse = copy(rest);
	check_values(append);
	check_values(reuse);
	check_reuse(reuse, false);
	check_reuse(reuse, true);
	check_append(reuse, append);
	free(append);
	free(reuse);
	return 0;
}
