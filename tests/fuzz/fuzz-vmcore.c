/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: a vmcore. */
#include <string.h>

#include "kexec/core/printk_log.h"
#include "tests/fuzz/fuzz.h"

static int read_input(void *context, uint64_t offset, void *to, size_t size, struct err *err)
{
	const struct bytes *input = context;

	if (offset > input->size || size > input->size - offset)
		return err_set(err, ERR_INPUT, "past the end");
	memcpy(to, input->data + offset, size);
	return 0;
}

/* Sums up all of the text, so that a byte out of bounds is read. */
static int take(void *context, const struct printk_record *record, struct err *err)
{
	volatile uint64_t *sum = context;

	(void)err;
	require(record->text.size <= UINT16_MAX);
	for (size_t i = 0; i < record->text.size; i++)
		*sum += record->text.data[i];
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = { data, size };
	struct vmcore_file file = { &input, read_input };
	struct vmcore vmcore = { 0 };
	struct err err = { 0 };
	uint64_t skipped = 0, sum = 0;

	if (vmcore_open(&file, &vmcore, &err)) {
		require(err.code && *err.text);
		return 0;
	}
	if (printk_log_walk(&vmcore, take, &sum, &skipped, &err))
		require(err.code && *err.text);
	vmcore_done(&vmcore);
	return 0;
}
