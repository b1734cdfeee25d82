/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: a file that is handed on as a device tree. */
#include "kexec/core/dtb.h"
#include "kexec/core/err.h"
#include "tests/fuzz/fuzz.h"

static uint32_t number_at(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* What libfdt of a kernel asks for before it reads more. */
static bool is_whole(const uint8_t *data, size_t size)
{
	return size >= 40 && number_at(data) == 0xd00dfeed && number_at(data + 4) >= 40 &&
	       number_at(data + 4) <= size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of the exact size, so that a sanitizer sees a read past the end. */
	uint8_t *bytes = malloc(size ?: 1);
	struct err err = { 0 };

	require(bytes);
	if (size)
		memcpy(bytes, data, size);
	if (!dtb_check((struct bytes){ bytes, size }, &err)) {
		require(is_whole(data, size) && size <= DTB_SIZE_MAX);
	} else {
		require(err.code == ERR_INPUT || err.code == ERR_DAMAGED);
		require(is_sentence(err.text));
		require(!is_whole(data, size) || size > DTB_SIZE_MAX);
	}
	free(bytes);
	return 0;
}
