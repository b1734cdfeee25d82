/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: a kernel log; its first bytes are the head of each table that it names, too. */
#include <string.h>

#include "kexec/core/efimap.h"
#include "tests/fuzz/fuzz.h"

enum { ROOM = 5 };

/* No byte behind the head is asked for. */
static void check_size(const char *name, struct bytes table)
{
	struct bytes head = { table.data, EFI_TABLE_HEAD_SIZE };
	uint64_t size = efi_table_size(name, table);

	require(size <= EFI_TABLE_SIZE_MAX);
	if (table.size >= EFI_TABLE_HEAD_SIZE)
		require(efi_table_size(name, head) == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct efi_table table[ROOM];
	size_t count = efi_tables_from_log((struct bytes){ data, size }, table, ROOM);

	require(count <= ROOM);
	for (size_t i = 0; i < count; i++) {
		size_t length = strnlen(table[i].name, sizeof(table[i].name));

		require(length < sizeof(table[i].name));
		for (size_t j = 0; j < length; j++)
			require(is_shown(table[i].name[j]) && table[i].name[j] != '=');
		require(table[i].address < PHYS_LIMIT);
		require(!table[i].size);
		check_size(table[i].name, (struct bytes){ data, size });
	}
	return 0;
}
