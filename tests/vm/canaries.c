/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * canaries PIN...: looks at what pins.c pinned, as its lines with ":" for blanks: every page
 * of EFI reserved memory (type 0) that /proc/iomem calls Reserved still holds its own address
 * in each word. Prints `pages=N whole=N`, and a line for each of the first that are not:
 * `damaged ADDRESS: VALUE`. canaries --damage ADDRESS: flips a bit there.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, SHOWN = 8, RANGES_MAX = 4096 };

static struct {
	uint64_t start, last;
} reserved[RANGES_MAX];
static size_t nr_reserved;

static void read_reserved(void)
{
	FILE *file = fopen("/proc/iomem", "r");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		uint64_t start, last;

		if (strstr(line, ": Reserved\n") && nr_reserved < RANGES_MAX &&
		    sscanf(line, " %" SCNx64 "-%" SCNx64, &start, &last) == 2) {
			reserved[nr_reserved].start = start;
			reserved[nr_reserved++].last = last;
		}
	}
	if (file)
		fclose(file);
}

static int is_reserved(uint64_t start, uint64_t last)
{
	for (size_t i = 0; i < nr_reserved; i++)
		if (reserved[i].start <= start && last <= reserved[i].last)
			return 1;
	return 0;
}

static uint64_t *map_memory(uint64_t at, uint64_t size, int access)
{
	static int memory = -1;
	void *mapped;

	if (memory < 0)
		memory = open("/dev/mem", O_RDWR);
	mapped = mmap(NULL, size, access, MAP_SHARED, memory, (off_t)at);
	if (mapped == MAP_FAILED) {
		perror("/dev/mem");
		exit(1);
	}
	return mapped;
}

static int damage(uint64_t at)
{
	uint64_t page = at / PAGE * PAGE;

	map_memory(page, PAGE, PROT_READ | PROT_WRITE)[at % PAGE / 8] ^= 1;
	return 0;
}

int main(int argc, char *argv[])
{
	uint64_t pages = 0, whole = 0, shown = 0;

	if (argc == 3 && !strcmp(argv[1], "--damage"))
		return damage(strtoull(argv[2], NULL, 0));
	read_reserved();
	for (int i = 1; i < argc; i++) {
		uint64_t type, start, count, stride, size;

		if (sscanf(argv[i], "%" SCNx64 ":%" SCNx64 ":%" SCNx64 ":%" SCNx64 ":%" SCNx64,
			   &type, &start, &count, &stride, &size) != 5 ||
		    type)
			continue;
		for (uint64_t pin = 0; pin < count; pin++, start += stride) {
			uint64_t *word;

			if (!is_reserved(start, start + size * PAGE - 1))
				continue;
			word = map_memory(start, size * PAGE, PROT_READ);
			for (uint64_t page = 0; page < size; page++) {
				uint64_t address = start + page * PAGE, at = 0;

				while (at < PAGE / 8 && word[page * (PAGE / 8) + at] == address)
					at++;
				pages++;
				whole += at == PAGE / 8;
				if (at < PAGE / 8 && shown++ < SHOWN)
					printf("damaged 0x%" PRIx64 ": 0x%016" PRIx64 "\n",
					       address + 8 * at, word[page * (PAGE / 8) + at]);
			}
			munmap(word, size * PAGE);
		}
	}
	printf("pages=%" PRIu64 " whole=%" PRIu64 "\n", pages, whole);
	return 0;
}
