/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Feeds every file named on the command line, and every file in a directory
 * named there, to the fuzz target that it is linked with. Takes the place of
 * libFuzzer where the compiler has none. Prints how many inputs were run.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

static void die(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	exit(1);
}

static void run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	size_t size = 0;
	long length = -1;

	if (!file || fseek(file, 0, SEEK_END) || (length = ftell(file)) < 0)
		die(path);
	rewind(file);
	/* Of the exact size, so that a sanitizer sees a read past the end. */
	data = malloc(length ? (size_t)length : 1);
	if (!data)
		die(path);
	while (size < (size_t)length) {
		size_t got = fread(data + size, 1, (size_t)length - size, file);

		if (!got)
			die(path);
		size += got;
	}
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

static unsigned long run_directory(DIR *directory, const char *path)
{
	struct dirent *entry;
	unsigned long count = 0;

	while ((entry = readdir(directory))) {
		char *name;

		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&name, "%s/%s", path, entry->d_name) < 0)
			die(path);
		run_file(name);
		free(name);
		count++;
	}
	return count;
}

int main(int argc, char **argv)
{
	unsigned long count = 0;

	for (int i = 1; i < argc; i++) {
		DIR *directory = opendir(argv[i]);

		if (directory) {
			count += run_directory(directory, argv[i]);
			closedir(directory);
		} else if (errno == ENOTDIR) {
			run_file(argv[i]);
			count++;
		} else {
			die(argv[i]);
		}
	}
	printf("%lu inputs\n", count);
	return count ? 0 : 1;
}
