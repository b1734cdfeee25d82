/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/mk/uki.h"

#include <stdlib.h>
#include <string.h>

static void must(bool holds)
{
	if (!holds)
		abort();
}

static size_t aligned(size_t at, size_t alignment)
{
	return (at + alignment - 1) / alignment * alignment;
}

static void put_header(uint8_t *at, size_t count)
{
	memcpy(at, "MZ", 2);
	put_u32(at + 0x3c, MK_UKI_PE_AT);
	memcpy(at + MK_UKI_PE_AT, "PE", 2);
	put_u16(at + MK_UKI_MACHINE_AT, 0x8664);
	put_u16(at + MK_UKI_COUNT_AT, (uint16_t)count);
	put_u16(at + MK_UKI_PE_AT + 20, MK_UKI_TABLE_AT - MK_UKI_MAGIC_AT);
	put_u16(at + MK_UKI_PE_AT + 22, 0x22e);
	put_u16(at + MK_UKI_MAGIC_AT, 0x20b);
	put_u32(at + MK_UKI_MAGIC_AT + 32, MK_UKI_ALIGNMENT);
	put_u32(at + MK_UKI_MAGIC_AT + 36, MK_UKI_FILE_ALIGNMENT);
	put_u16(at + MK_UKI_MAGIC_AT + 68, 10); /* an EFI application */
	put_u32(at + MK_UKI_MAGIC_AT + 108, 16);
}

void mk_uki(const struct mk_section *section, size_t count, struct buf *to)
{
	static const uint8_t code[64] = { 0xc3 };
	const struct mk_section text = { ".text", { code, sizeof(code) } };
	size_t begin = to->size, address = MK_UKI_ALIGNMENT;
	struct err err;

	must(!buf_extend(to,
			 begin + aligned(MK_UKI_TABLE_AT + (count + 1) * MK_UKI_ENTRY_SIZE,
					 MK_UKI_FILE_ALIGNMENT),
			 &err));
	put_header(to->data + begin, count + 1);
	for (size_t i = 0; i <= count; i++) {
		const struct mk_section *now = i ? &section[i - 1] : &text;
		size_t size = now->contents.size, raw = aligned(size, MK_UKI_FILE_ALIGNMENT);
		size_t at = to->size - begin;
		uint8_t *entry;

		must(!buf_append(to, now->contents.data, size, &err) &&
		     !buf_extend(to, begin + at + raw, &err));
		entry = to->data + begin + MK_UKI_TABLE_AT + i * MK_UKI_ENTRY_SIZE;
		memcpy(entry, now->name, strnlen(now->name, 8));
		put_u32(entry + MK_UKI_VIRTUAL_SIZE, (uint32_t)size);
		put_u32(entry + MK_UKI_ADDRESS, (uint32_t)address);
		put_u32(entry + MK_UKI_RAW_SIZE, (uint32_t)raw);
		put_u32(entry + MK_UKI_RAW_AT, (uint32_t)at);
		put_u32(entry + 36, 0x40000040);
		address += aligned(size ? size : 1, MK_UKI_ALIGNMENT);
	}
	put_u32(to->data + begin + MK_UKI_MAGIC_AT + 56, (uint32_t)address);
}
