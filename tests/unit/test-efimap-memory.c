/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "kexec/core/efimap_memory.h"

#define RUNTIME (UINT64_C(1) << 63)

/* A descriptor as the firmware has it: type, first page, pages, attribute. */
struct line {
	uint32_t type;
	uint64_t page, pages, attribute;
};

enum { ROOM = 16, DESC = 48 };

/* Bytes of descriptors of `size` bytes, with what only a running kernel has in them. */
static struct bytes bytes_of(const struct line *line, size_t count, uint32_t size)
{
	static uint8_t bytes[ROOM * 4096];

	memset(bytes, 0xee, sizeof(bytes));
	for (size_t i = 0; i < count; i++) {
		uint8_t *at = bytes + i * size;

		put_u32(at, line[i].type);
		put_u64(at + 8, line[i].page * PAGE_SIZE_4K);
		put_u64(at + 24, line[i].pages);
		put_u64(at + 32, line[i].attribute);
	}
	return (struct bytes){ bytes, count * size };
}

/* The map as text, "NUMBER TYPE ATTRIBUTE PAGE PAGES;" for each descriptor, or the error's. */
static const char *read_lines(const struct line *line, size_t count, uint32_t size)
{
	static char text[4096];
	struct efi_map map CLEANUP(efi_map_done) = { 0 };
	struct err err = { 0 };

	text[0] = '\0';
	if (efi_map_from_memory(bytes_of(line, count, size), size, &map, &err)) {
		assert_int_equal(err.code, ERR_INPUT);
		assert_null(map.desc);
		snprintf(text, sizeof(text), "%s", err.text);
		return text;
	}
	for (size_t i = 0; i < map.count; i++) {
		assert_true(map.desc[i].virt == UINT64_C(0xeeeeeeeeeeeeeeee));
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u %u %llx %llx %llx;",
			 map.desc[i].number, map.desc[i].type,
			 (unsigned long long)map.desc[i].attribute,
			 (unsigned long long)map.desc[i].phys / PAGE_SIZE_4K,
			 (unsigned long long)map.desc[i].pages);
	}
	return text;
}

#define EXPECT(wanted, ...)                                                                    \
	do {                                                                                   \
		static const struct line lines[] = { __VA_ARGS__ };                            \
		assert_string_equal(read_lines(lines, sizeof(lines) / sizeof(lines[0]), DESC), \
				    wanted);                                                   \
	} while (0)

static void descriptors(void **state)
{
	static const struct line lines[] = { { 7, 1, 2, 15 }, { 0x80000001, 8, 1, RUNTIME } };
	static const uint32_t sizes[] = { 40, 48, 56, 4096 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_string_equal(read_lines(lines, 2, sizes[i]),
				    "0 7 f 1 2;1 2147483649 8000000000000000 8 1;");
}

static void the_mark_of_boot_services(void **state)
{
	(void)state;
	EXPECT("0 3 f 1 1;1 4 f 2 1;2 5 800000000000000f 3 1;3 7 800000000000000f 4 1;",
	       { 3, 1, 1, RUNTIME | 15 }, { 4, 2, 1, RUNTIME | 15 }, { 5, 3, 1, RUNTIME | 15 },
	       { 7, 4, 1, RUNTIME | 15 });
}

static void merged_neighbours(void **state)
{
	(void)state;
	/* Two, three, and each at an end of the map. */
	EXPECT("0 7 f 1 2;1 7 f 3 4;2 0 0 7 1;", { 7, 1, 6, 15 }, { 0, 3, 4, 0 }, { 0, 7, 1, 0 });
	EXPECT("0 2 1 0 1;1 7 f 1 1;2 7 f 2 1;3 7 f 3 1;", { 2, 0, 1, 1 }, { 7, 1, 3, 15 },
	       { 0, 2, 1, 0 }, { 0, 3, 1, 0 });
	EXPECT("0 4 f 1 1;1 4 f 2 1;2 4 f 3 1;3 7 f 4 1;4 7 f 5 1;", { 4, 1, 3, 15 },
	       { 0, 2, 1, 0 }, { 0, 3, 1, 0 }, { 7, 4, 2, 15 }, { 0, 5, 1, 0 });
	/* Reserved memory is as it was; so is what the kernel would not have merged. */
	EXPECT("0 7 f 1 1;1 0 0 2 1;2 0 0 3 1;", { 7, 1, 1, 15 }, { 0, 2, 1, 0 }, { 0, 3, 1, 0 });
	EXPECT("0 7 f 1 5;1 0 0 3 1;", { 7, 1, 5, 15 }, { 0, 3, 1, 0 });
	EXPECT("0 7 f 1 5;1 0 0 2 1;2 0 0 4 2;", { 7, 1, 5, 15 }, { 0, 2, 1, 0 }, { 0, 4, 2, 0 });
	EXPECT("0 7 f 1 5;1 0 0 1 5;", { 7, 1, 5, 15 }, { 0, 1, 5, 0 });
	EXPECT("0 7 f 1 5;1 0 1 3 3;", { 7, 1, 5, 15 }, { 0, 3, 3, 1 });
	EXPECT("0 7 f 1 5;1 6 0 3 3;", { 7, 1, 5, 15 }, { 6, 3, 3, 0 });
	EXPECT("0 7 f 1 5;1 0 0 3 4;", { 7, 1, 5, 15 }, { 0, 3, 4, 0 });
}

static void what_the_kernel_leaves_out(void **state)
{
	(void)state;
	/* Of no pages, past physical memory, past everything. */
	EXPECT("0 7 f 1 1;1 4 f 9 1;", { 0, 0, 0, 0 }, { 7, 1, 1, 15 }, { 0, 5, 1ULL << 60, 0 },
	       { 0, 1ULL << 40, 1, 0 }, { 0, (1ULL << 52) - 1, 1, 15 }, { 4, 9, 1, 15 });
	/* Those behind moved up, so that the last are there twice, and are marked or merged there. */
	EXPECT("0 7 f 1 1;1 4 f 2 1;2 4 f 9 1;", { 7, 1, 1, 15 }, { 4, 2, 1, RUNTIME | 15 },
	       { 4, 9, 1, 15 }, { 4, 2, 1, 15 }, { 4, 9, 1, 15 });
	EXPECT("0 7 f 1 1;1 7 f 2 1;", { 7, 1, 2, 15 }, { 0, 2, 1, 0 }, { 7, 2, 1, 15 });
	/* Twice elsewhere is the firmware's own. */
	EXPECT("0 7 f 1 1;1 7 f 1 1;2 4 f 2 1;", { 7, 1, 1, 15 }, { 7, 1, 1, 15 }, { 4, 2, 1, 15 });
}

static void no_map(void **state)
{
	static const struct line empty[] = { { 7, 1, 0, 15 }, { 0, 0, 0, 0 } };
	struct efi_map map CLEANUP(efi_map_done) = { 0 };
	struct bytes bytes;
	struct err err;

	(void)state;
	assert_string_equal(read_lines(empty, 2, DESC),
			    "no EFI memory map: none of 2 descriptors is of memory");
	bytes = bytes_of(empty, 2, DESC);
	put_u64((uint8_t *)bytes.data + DESC + 8, 0x1008);
	assert_int_equal(efi_map_from_memory(bytes, DESC, &map, &err), -1);
	assert_string_equal(err.text, "no EFI memory map: descriptor 1 begins at 0x1008, which is "
				      "not at a page");
	assert_null(map.desc);
}

static void narrowed(void **state)
{
	static const struct line lines[] = { { 7, 1, 2, 15 }, { 6, 3, 4, RUNTIME } };
	struct bytes bytes = bytes_of(lines, 2, DESC);
	uint8_t wanted[2 * DESC] = { 0 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		put_u32(wanted + i * DESC, lines[i].type);
		put_u64(wanted + i * DESC + 8, lines[i].page * PAGE_SIZE_4K);
		put_u64(wanted + i * DESC + 24, lines[i].pages);
		put_u64(wanted + i * DESC + 32, lines[i].attribute);
	}
	efi_memmap_narrow((uint8_t *)bytes.data, bytes.size, DESC);
	assert_memory_equal(bytes.data, wanted, sizeof(wanted));
	assert_int_equal(bytes.data[sizeof(wanted)], 0xee);
}

static void places(void **state)
{
	static const struct {
		struct efi_memmap_place place;
		const char *error;
	} rows[] = {
		{ { 0x3f772040, 48, 48, 1 }, "" },
		{ { 0x1000, EFI_MEMMAP_SIZE_MAX, 48, 1 }, "" },
		{ { PHYS_LIMIT - 80, 80, 40, 1 }, "" },
		{ { 0x3f772040, 48, 48, 2 }, "EFI descriptors of version 2, not 1" },
		{ { 0x3f772040, 64, 32, 1 },
		  "EFI descriptors of 32 bytes, which are not 40 to 4096, a multiple of 8" },
		{ { 0x3f772040, 44, 44, 1 },
		  "EFI descriptors of 44 bytes, which are not 40 to 4096, a multiple of 8" },
		{ { 0x3f772040, 4104, 4104, 1 },
		  "EFI descriptors of 4104 bytes, which are not 40 to 4096, a multiple of 8" },
		{ { 0x3f772040, 0, 48, 1 },
		  "an EFI memory map of 0 bytes, which are not 1 to 32768 descriptors of 48" },
		{ { 0x3f772040, 50, 48, 1 },
		  "an EFI memory map of 50 bytes, which are not 1 to 32768 descriptors of 48" },
		{ { 0x3f772040, EFI_MEMMAP_SIZE_MAX + 48, 48, 1 },
		  "an EFI memory map of 1572912 bytes, which are not 1 to 32768 descriptors of 48" },
		{ { 0, 48, 48, 1 }, "an EFI memory map at 0x0" },
		{ { PHYS_LIMIT - 40, 48, 48, 1 }, "an EFI memory map at 0xfffffffffffd8" },
		{ { UINT64_MAX, 48, 48, 1 }, "an EFI memory map at 0xffffffffffffffff" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { 0 };

		assert_int_equal(efi_memmap_check_place(&rows[i].place, &err),
				 *rows[i].error ? -1 : 0);
		assert_string_equal(err.text, rows[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors),
		cmocka_unit_test(the_mark_of_boot_services),
		cmocka_unit_test(merged_neighbours),
		cmocka_unit_test(what_the_kernel_leaves_out),
		cmocka_unit_test(no_map),
		cmocka_unit_test(narrowed),
		cmocka_unit_test(places),
	};

	return cmocka_run_group_tests_name("efimap-memory", tests, NULL, NULL);
}
