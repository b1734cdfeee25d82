/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The new kernel's random seed is nowhere in the loader's memory once the system call has
 * returned. To look at that moment, the call changes the kernel's file, so that the loader
 * unloads it again before it gives anything up: then every writable mapping of this
 * process is searched.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kexec/action.h"
#include "tests/mk/image.h"

/* What of it is kept is kept inverted, so that the search does not find itself. */
static uint8_t inverted[RNG_SEED_SIZE];
static unsigned int loads, found_after_load = 1000;
static char path[] = "/tmp/kexec-test-XXXXXX";

/* Follows the setup_data list of the parameters, the first segment of two pages or so. */
static int take_seed(void *context, uint64_t entry, size_t nr_segments,
		     const struct kexec_segment *segment, unsigned long flags)
{
	const struct boot_params *page;
	const uint8_t *bytes;
	uint64_t base;

	(void)context;
	(void)entry;
	(void)nr_segments;
	/* Not a spare copy: what it points to lies in itself. */
	for (;; segment++) {
		page = segment->buf;
		if (segment->bufsz >= sizeof(*page) && page->hdr.header == SETUP_HEADER_MAGIC &&
		    page->hdr.setup_data - (uint64_t)segment->mem < segment->bufsz)
			break;
	}
	bytes = segment->buf;
	base = (uint64_t)segment->mem;
	loads++;
	if (!(flags & KEXEC_ON_CRASH))
		assert_int_equal(truncate(path, MK_IMAGE_SIZE - 1), 0);
	for (uint64_t at = page->hdr.setup_data; at;) {
		const struct setup_data_wire *node = (const void *)(bytes + (at - base));

		assert_in_range(at, base, base + segment->bufsz - sizeof(*node));
		if (node->type == SETUP_RNG_SEED) {
			assert_int_equal(node->len, RNG_SEED_SIZE);
			for (size_t i = 0; i < RNG_SEED_SIZE; i++)
				inverted[i] = (uint8_t) ~((const uint8_t *)(node + 1))[i];
		}
		at = node->next;
	}
	return 0;
}

static bool is_seed(const uint8_t *at)
{
	for (size_t i = 0; i < RNG_SEED_SIZE; i++)
		if ((at[i] ^ inverted[i]) != 0xff)
			return false;
	return true;
}

static uint8_t window[1 << 20];

/* How often the seed is in [start, end), read through a window that is not looked at itself. */
static unsigned int search_mapping(int memory, unsigned long start, unsigned long end)
{
	unsigned int found = 0;

	for (unsigned long at = start; at + RNG_SEED_SIZE <= end;
	     at += sizeof(window) - RNG_SEED_SIZE + 1) {
		ssize_t got =
			pread(memory, window, end - at < sizeof(window) ? end - at : sizeof(window),
			      (off_t)at);

		for (ssize_t i = 0; i + RNG_SEED_SIZE <= got; i++) {
			uintptr_t address = at + (unsigned long)i;

			found += (address < (uintptr_t)window ||
				  address >= (uintptr_t)(window + sizeof(window))) &&
				 is_seed(window + i);
		}
	}
	return found;
}

/* How often the seed is in writable memory; mappings of more than 1 GiB are a sanitizer's. */
static unsigned int search(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int memory = open("/proc/self/mem", O_RDONLY);
	unsigned long start, end;
	unsigned int found = 0;
	char access[5], line[512];

	assert_non_null(maps);
	assert_true(memory >= 0);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %4s", &start, &end, access) == 3 && access[0] == 'r' &&
		    access[1] == 'w' && end - start <= 1UL << 30)
			found += search_mapping(memory, start, end);
	fclose(maps);
	close(memory);
	return found;
}

static int unload(void *context, int kernel_fd, int initrd_fd, size_t cmdline_size,
		  const char *cmdline, unsigned long flags)
{
	(void)context;
	(void)kernel_fd;
	(void)initrd_fd;
	(void)cmdline_size;
	(void)cmdline;
	assert_int_equal(flags, KEXEC_FILE_UNLOAD);
	found_after_load = search();
	return 0;
}

/* What says that a crash kernel is loaded. */
static ssize_t hear(void *context, const char *text, size_t size)
{
	(void)context;
	(void)text;
	found_after_load = search();
	return (ssize_t)size;
}

static void write_image(void)
{
	static uint8_t image[MK_IMAGE_SIZE];
	int fd = mkstemp(path);

	mk_image(image);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, image, sizeof(image)), sizeof(image));
	close(fd);
}

/* The search happens after the load, when the loader's memory is still as it left it: a normal
 * kernel's file has changed, so that it is unloaded; a crash kernel is reported. */
static void seed_is_gone(bool crash)
{
	FILE *out = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = hear });
	struct warnings warnings = { 0 };
	struct err err = { 0 };
	struct ops ops = { .load = take_seed, .file_load = unload };
	struct request request = {
		.action = ACTION_LOAD,
		.crash = crash,
		.method = crash ? METHOD_AUTO : METHOD_LOAD,
		.mem_max = PHYS_LIMIT,
		.append = "",
		.kernel = path,
	};
	struct surroundings around = { .ops = &ops, .out = out, .warnings = &warnings };
	uint8_t zero[RNG_SEED_SIZE] = { 0 };
	uint8_t probe[RNG_SEED_SIZE];
	int status;

	loads = 0;
	found_after_load = 1000;
	strcpy(strrchr(path, '-'), "-XXXXXX");
	write_image();
	assert_int_equal(root_open(crash ? "tests/sysroot/crash-low-high" : "tests/sysroot/bios-1g",
				   &around.root, &err),
			 0);
	setbuf(out, NULL);
	assert_int_equal(action_run(&request, &around, &status, &err), crash ? 0 : -1);
	unlink(path);
	assert_true(crash || strstr(err.text, "changed while it was being loaded"));
	assert_true(crash || strstr(err.text, "what had been loaded is unloaded again"));
	assert_int_equal(loads, 1);
	assert_memory_not_equal(inverted, zero, sizeof(zero));
	assert_int_equal(found_after_load, 0);

	/* The search can find: this copy. */
	for (size_t i = 0; i < sizeof(probe); i++)
		((volatile uint8_t *)probe)[i] = (uint8_t)~inverted[i];
	assert_int_equal(search(), 1);
	fclose(out);
	root_close(&around.root);
	warnings_done(&warnings);
}

static void test_seed_is_gone(void **state)
{
	(void)state;
	seed_is_gone(/* crash= */ false);
}

/* From the spare copy, too. */
static void test_seed_of_crash_is_gone(void **state)
{
	(void)state;
	seed_is_gone(/* crash= */ true);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_seed_is_gone),
					    cmocka_unit_test(test_seed_of_crash_is_gone) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
