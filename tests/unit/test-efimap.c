/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "kexec/core/efimap.h"

enum { ROOM = 8 };

static size_t tables(const char *log, struct efi_table *ret)
{
	return efi_tables_from_log((struct bytes){ (const uint8_t *)log, strlen(log) }, ret, ROOM);
}

static void assert_table(const struct efi_table *table, const char *name, phys_t address)
{
	assert_string_equal(table->name, name);
	assert_true(table->address == address);
	assert_true(table->size == 0);
}

static void descriptors_are_kept_in_order(void **state)
{
	struct efi_map map CLEANUP(efi_map_done) = { 0 };
	struct err err;

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		struct efi_desc desc = { .type = i,
					 .phys = i * UINT64_C(0x1000),
					 .virt = UINT64_C(0xfffffffe00000000) + i,
					 .pages = i + 1,
					 .attribute = UINT64_C(1) << 63 };

		assert_int_equal(efi_map_add(&map, desc, &err), 0);
	}
	assert_int_equal(map.count, 100);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(map.desc[i].type, i);
		assert_true(map.desc[i].phys == i * UINT64_C(0x1000));
		assert_true(map.desc[i].virt == UINT64_C(0xfffffffe00000000) + i);
		assert_true(map.desc[i].pages == i + 1);
		assert_true(map.desc[i].attribute == UINT64_C(1) << 63);
	}
	efi_map_done(&map);
	assert_int_equal(map.count, 0);
	assert_null(map.desc);
}

static void tables_of_a_log(void **state)
{
	struct efi_table table[ROOM];

	(void)state;
	assert_int_equal(tables("[    0.000000] efi: EFI v2.70 by EDK II\n"
				"[    0.000000] efi: SMBIOS=0x7f520000 ACPI=0x7f77d000 "
				"ACPI 2.0=0x7f77d014 MEMATTR=0x7d6af018 TPMEventLog=0x7d686f18 \n"
				"[    1.469476] efi: Freeing EFI boot services memory: 49748K\n",
				table),
			 5);
	assert_table(&table[0], "SMBIOS", 0x7f520000);
	assert_table(&table[1], "ACPI", 0x7f77d000);
	assert_table(&table[2], "ACPI 2.0", 0x7f77d014);
	assert_table(&table[3], "MEMATTR", 0x7d6af018);
	assert_table(&table[4], "TPMEventLog", 0x7d686f18);
}

static void prefixes_of_a_log(void **state)
{
	static const char *const logs[] = {
		"efi: ESRT=0x1000",
		"efi:  ESRT=0x1000  \n",
		"<6>efi: ESRT=0x1000 \n",
		"<6>[    0.000000] efi: ESRT=0x1000 \n",
		"[    0.000000]efi: ESRT=0x1000 \n",
		"Nov 23 08:00:00 host kernel: efi: ESRT=0x1000 \n",
		"noise=0x1\n\nefi: ESRT=0x1000 \nnoise=0x2\n",
	};
	struct efi_table table[ROOM];

	(void)state;
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		assert_int_equal(tables(logs[i], table), 1);
		assert_table(&table[0], "ESRT", 0x1000);
	}
}

static void lines_without_tables(void **state)
{
	static const char *const logs[] = {
		"",
		"\n",
		"efi: ",
		"efi:",
		"efi: EFI v2.40 by Microsoft\n",
		"efi: mem00: type=7, attr=0xf, range=[0x0000000000000000-0x0000000000080000) (0MB)\n",
		"efi: mem00: [Conventional|   |  |WB] range=[0x0000000000000000-0x00000000000fffff]\n",
		"efi: Remove mem5: MMIO range=[0xe0000000-0xefffffff] (256MB)\n",
		"tpm_efi: ESRT=0x1000\n",
		"ESRT=0x1000\n",
		"efi: =0x1000\n",
		"efi: ESRT=1000\n",
		"efi: ESRT=0x\n",
		"efi: ESRT=\n",
		"efi: ESRT=0x1000,\n",
		"efi: ESRT=0x10000000000000000\n",
		"efi: ESRT=0x10000000000000\n",
		"efi: a name of 24 characters!=0x1000\n",
		"efi: \033[2J=0x1000\n",
	};
	struct efi_table table[ROOM];

	(void)state;
	memset(table, 0xee, sizeof(table));
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++)
		if (tables(logs[i], table))
			fail_msg("a table in: %s", logs[i]);
	assert_int_equal((uint8_t)table[0].name[0], 0xee);
}

static void edges_of_name_and_address(void **state)
{
	struct efi_table table[ROOM];

	(void)state;
	assert_int_equal(tables("efi: a name of 23 characters=0xfffffffffffff X=0x0", table), 2);
	assert_table(&table[0], "a name of 23 characters", PHYS_LIMIT - 1);
	assert_table(&table[1], "X", 0);
}

static void no_more_than_there_is_room_for(void **state)
{
	static const char log[] = "efi: A=0x1 B=0x2 C=0x3 \nefi: D=0x4 \n";
	struct bytes bytes = { (const uint8_t *)log, sizeof(log) - 1 };
	struct efi_table table[ROOM];

	(void)state;
	for (size_t room = 0; room <= 5; room++) {
		size_t expected = room < 4 ? room : 4;

		memset(table, 0xee, sizeof(table));
		assert_int_equal(efi_tables_from_log(bytes, table, room), expected);
		for (size_t i = 0; i < expected; i++)
			assert_true(table[i].address == i + 1);
		assert_int_equal((uint8_t)table[expected].name[0], 0xee);
	}
}

static uint64_t size_of(const char *name, uint32_t first, uint32_t second, uint32_t third)
{
	uint8_t head[EFI_TABLE_HEAD_SIZE] = { 0 };

	put_u32(head, first);
	put_u32(head + 4, second);
	put_u32(head + 8, third);
	return efi_table_size(name, (struct bytes){ head, sizeof(head) });
}

static void sizes_of_tables(void **state)
{
	uint8_t head[4] = { 1 };

	(void)state;
	assert_int_equal(size_of("TPMEventLog", 0x5000, 0, 2), 0x5009);
	assert_int_equal(size_of("MEMATTR", 1, 30, 48), 16 + 30 * 48);
	assert_int_equal(size_of("ESRT", 3, 3, 1), 16 + 3 * 40);
	assert_int_equal(size_of("RNG", 512, 0, 0), 516);
	assert_int_equal(size_of("MOKvar", 512, 0, 0), 0);
	/* No table: what lies there now is something else. */
	assert_int_equal(size_of("TPMEventLog", 0xffffffff, 0, 0), 0);
	assert_int_equal(size_of("MEMATTR", 1, 0xffffffff, 0xffffffff), 0);
	assert_int_equal(efi_table_size("RNG", (struct bytes){ head, sizeof(head) }), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_are_kept_in_order),
		cmocka_unit_test(tables_of_a_log),
		cmocka_unit_test(sizes_of_tables),
		cmocka_unit_test(prefixes_of_a_log),
		cmocka_unit_test(lines_without_tables),
		cmocka_unit_test(edges_of_name_and_address),
		cmocka_unit_test(no_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests_name("efimap", tests, NULL, NULL);
}
