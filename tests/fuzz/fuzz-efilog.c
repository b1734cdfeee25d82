/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: a kernel log. */
#include <string.h>

#include "kexec/core/efimap.h"
#include "tests/fuzz/fuzz.h"

enum { ROOM = 5 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct efi_table table[ROOM];
	size_t count = efi_tables_from_log((struct bytes){ data, size }, table, ROOM);

	require(count <= ROOM);
	for (size_t i = 0; i < count; i++) {
		size_t length = strnlen(table[i].name, sizeof(table[i].name));

		require(length < sizeof(table[i].name));
		require(!memchr(table[i].name, '\n', length) &&
			!memchr(table[i].name, '=', length));
		require(table[i].address < PHYS_LIMIT);
		require(!table[i].size);
	}
	return 0;
}
