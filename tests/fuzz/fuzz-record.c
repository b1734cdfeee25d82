/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: a record of what was loaded. What can be read is written, and read again, the same. */
#include <string.h>

#include "kexec/lib/loaded.h"
#include "tests/fuzz/fuzz.h"

static void check_map(const struct record *record)
{
	struct record_change change CLEANUP(record_change_done) = { 0 };
	struct system system = { .firmware = record->firmware };
	struct err err;

	/* A machine that has the map, and no other RAM: nothing of the map has gone or come. */
	if (!record->has_map || !record->firmware.count)
		return;
	require(!record_compare_map(record, &system, &change, &err));
	for (size_t i = 0; i < record->ram.count; i++)
		require(range_set_contains(&change.gone, record->ram.range[i]));
	require(!change.came.count);
	record_what_lies_in(record, &change.gone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record record CLEANUP(record_done) = { 0 }, again CLEANUP(record_done) = { 0 };
	struct buf text CLEANUP(buf_done) = { 0 }, second CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };
	FILE *null;

	if (record_parse((struct bytes){ data, size }, &record, &err)) {
		require(err.code == ERR_INPUT && err.text[0]);
		return 0;
	}
	require(!record_write(&record, &text, &err));
	require(!record_parse(buf_bytes(&text), &again, &err));
	require(!record_write(&again, &second, &err));
	require(text.size == second.size && !memcmp(text.data, second.data, text.size));
	check_map(&record);
	null = fopen("/dev/null", "w");
	require(null != NULL);
	loaded_print(&record, null);
	fclose(null);
	return 0;
}
