/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: an initrd. In what is made of it nothing is left to unpack, so it stays as it is; and
 * its boot configuration is still at the end.
 */
#include "kexec/core/bytes.h"
#include "kexec/core/initrd.h"
#include "tests/fuzz/fuzz.h"

/* Size, sum and magic; up to three bytes of padding may follow. */
static const char magic[] = "#BOOTCONFIG\n";
enum { MAGIC_SIZE = sizeof(magic) - 1, BOOTCONFIG_BLOCK = 8 + MAGIC_SIZE };

/* Whether it ends in one that a kernel takes: compressed bytes may end in the magic, too. */
static bool has_bootconfig(struct bytes in)
{
	uint32_t size, sum, found = 0;

	for (size_t padding = 0; padding < 4; padding++) {
		size_t end = in.size - padding - BOOTCONFIG_BLOCK;

		if (in.size < padding + BOOTCONFIG_BLOCK)
			return false;
		if (memcmp(in.data + end + 8, magic, MAGIC_SIZE))
			continue;
		memcpy(&size, in.data + end, 4);
		memcpy(&sum, in.data + end + 4, 4);
		if (size > end)
			return false;
		for (size_t i = end - size; i < end; i++)
			found += in.data[i];
		return found == sum;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	struct buf out CLEANUP(buf_done) = { 0 }, again CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };

	if (initrd_unpack(in, 0, NULL, &out, &err)) {
		require((err.code == ERR_INPUT || err.code == ERR_DAMAGED) &&
			is_sentence(err.text) && !out.data && !out.size);
		return 0;
	}
	require(out.size && !err.text[0]);
	/* The last file of a member may end as one does. */
	if (has_bootconfig(buf_bytes(&out)) && !has_bootconfig(in))
		return 0;
	require(initrd_unpack(buf_bytes(&out), 0, NULL, &again, &err));
	require(!strcmp(err.text, "nothing in it is compressed"));
	if (has_bootconfig(in))
		require(!memcmp(in.data + in.size - BOOTCONFIG_BLOCK,
				out.data + out.size - BOOTCONFIG_BLOCK, BOOTCONFIG_BLOCK));
	return 0;
}
