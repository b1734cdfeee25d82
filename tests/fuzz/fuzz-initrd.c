/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: an initrd. In what is made of it nothing is left to unpack, so it stays as it is; and
 * its boot configuration is still at the end.
 */
#include "kexec/core/bytes.h"
#include "kexec/core/initrd.h"
#include "tests/fuzz/fuzz.h"

/* Size, sum and magic; three bytes of padding may follow. */
enum { BOOTCONFIG_BLOCK = 8 + 12, BOOTCONFIG_END = BOOTCONFIG_BLOCK + 3 };

static struct bytes end_of(struct bytes in)
{
	size_t size = in.size < BOOTCONFIG_END ? in.size : BOOTCONFIG_END;

	return (struct bytes){ in.data + in.size - size, size };
}

static bool has_bootconfig(struct bytes in)
{
	struct bytes end = end_of(in);

	return memmem(end.data, end.size, "#BOOTCONFIG\n", 12);
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
