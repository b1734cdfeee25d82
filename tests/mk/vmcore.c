/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/mk/vmcore.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "kexec/core/bytes.h"

enum {
	NOTE_AT = MK_VMCORE_HEADERS,
	INFO_AT = NOTE_AT + 12 + 12, /* the header, and the name in whole words */
	MEMORY_AT = INFO_AT + MK_VMCORE_INFO,
	RING_AT = 0x100,
	DESCS_AT = 0x1000,
	INFOS_AT = 0x1400,
	TEXTS_AT = 0x1800,
	BUFFER_AT = 0x2000,
	DESC_SIZE = 24,
	RECORD_INFO_SIZE = 88,
	HEADER_SIZE = 16, /* of a structured record */
};

void mk_vmcore(struct mk_vmcore *core)
{
	Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	};
	Elf64_Phdr phdr[2] = {
		{ .p_type = PT_NOTE, .p_offset = NOTE_AT, .p_filesz = MEMORY_AT - NOTE_AT },
		{ .p_type = PT_LOAD,
		  .p_offset = MEMORY_AT,
		  .p_vaddr = MK_VMCORE_DIRECT,
		  .p_paddr = MK_VMCORE_PHYSICAL,
		  .p_filesz = MK_VMCORE_MEMORY,
		  .p_memsz = MK_VMCORE_MEMORY },
	};

	memset(core, 0, sizeof(*core));
	memcpy(core->file, &ehdr, sizeof(ehdr));
	memcpy(core->file + sizeof(ehdr), phdr, sizeof(phdr));
	put_u32(core->file + NOTE_AT, sizeof("VMCOREINFO"));
	put_u32(core->file + NOTE_AT + 4, MK_VMCORE_INFO);
	memcpy(core->file + NOTE_AT + 12, "VMCOREINFO", sizeof("VMCOREINFO"));
	core->info = (char *)core->file + INFO_AT;
	core->memory = core->file + MEMORY_AT;
	mk_vmcore_tell(core, "OSRELEASE=6.1.0\nNUMBER(phys_base)=0");
}

void mk_vmcore_tell(struct mk_vmcore *core, const char *line)
{
	size_t used = strlen(core->info);

	snprintf(core->info + used, MK_VMCORE_INFO - used, "%s\n", line);
}

static void tell_symbol(struct mk_vmcore *core, const char *name, uint32_t at)
{
	char line[80];

	snprintf(line, sizeof(line), "SYMBOL(%s)=%llx", name,
		 (unsigned long long)(MK_VMCORE_KERNEL + at));
	mk_vmcore_tell(core, line);
}

void mk_vmcore_ring(struct mk_vmcore *core)
{
	uint8_t *ring = core->memory + RING_AT;

	tell_symbol(core, "prb", 0);
	mk_vmcore_tell(core, "SIZE(printk_ringbuffer)=80\nOFFSET(printk_ringbuffer.desc_ring)=0\n"
			     "OFFSET(printk_ringbuffer.text_data_ring)=48\n"
			     "OFFSET(prb_desc_ring.count_bits)=0\nOFFSET(prb_desc_ring.descs)=8\n"
			     "OFFSET(prb_desc_ring.infos)=16\nOFFSET(prb_desc_ring.head_id)=24\n"
			     "OFFSET(prb_desc_ring.tail_id)=32\nSIZE(prb_desc)=24\n"
			     "OFFSET(prb_desc.state_var)=0\nOFFSET(prb_desc.text_blk_lpos)=8\n"
			     "OFFSET(prb_data_blk_lpos.begin)=0\nOFFSET(prb_data_blk_lpos.next)=8\n"
			     "SIZE(printk_info)=88\nOFFSET(printk_info.seq)=0\n"
			     "OFFSET(printk_info.ts_nsec)=8\nOFFSET(printk_info.text_len)=16\n"
			     "OFFSET(printk_info.caller_id)=20\nOFFSET(prb_data_ring.size_bits)=0\n"
			     "OFFSET(prb_data_ring.data)=8\nOFFSET(atomic_long_t.counter)=0");
	put_u64(core->memory, MK_VMCORE_DIRECT + RING_AT);
	put_u32(ring, 3);
	put_u64(ring + 8, MK_VMCORE_DIRECT + DESCS_AT);
	put_u64(ring + 16, MK_VMCORE_KERNEL + INFOS_AT);
	put_u32(ring + 48, 8);
	put_u64(ring + 56, MK_VMCORE_DIRECT + TEXTS_AT);
}

uint64_t mk_vmcore_put(struct mk_vmcore *core, uint64_t id, uint64_t seconds, const char *text,
		       uint64_t lpos)
{
	uint8_t *desc = core->memory + DESCS_AT + id % MK_VMCORE_RECORDS * DESC_SIZE;
	uint8_t *info = core->memory + INFOS_AT + id % MK_VMCORE_RECORDS * RECORD_INFO_SIZE;
	size_t length = text ? strlen(text) : 0;
	uint64_t next = text ? lpos + ((8 + length + 7) & ~UINT64_C(7)) : lpos;
	uint64_t at = lpos % MK_VMCORE_DATA;

	/* Over the end: the block begins anew. */
	if (text && next / MK_VMCORE_DATA != lpos / MK_VMCORE_DATA && next % MK_VMCORE_DATA) {
		at = 0;
		next = next / MK_VMCORE_DATA * MK_VMCORE_DATA + (next - lpos);
	}
	put_u64(desc, UINT64_C(1) << 62 | id);
	put_u64(desc + 8, lpos);
	put_u64(desc + 16, next);
	put_u64(info, id * 10);
	put_u64(info + 8, seconds * 1000000000 + 123456789);
	put_u16(info + 16, (uint16_t)length);
	info[18] = 3;
	info[19] = 6 << 5;
	put_u32(info + 20, 77);
	if (text) {
		put_u64(core->memory + TEXTS_AT + at, id);
		memcpy(core->memory + TEXTS_AT + at + 8, text, length);
	}
	put_u64(core->memory + RING_AT + 24, id);
	return next;
}

static void tell_buffer(struct mk_vmcore *core, uint32_t size)
{
	tell_symbol(core, "log_buf", 0);
	tell_symbol(core, "log_buf_len", 8);
	put_u64(core->memory, MK_VMCORE_DIRECT + BUFFER_AT);
	put_u32(core->memory + 8, size);
}

void mk_vmcore_structured(struct mk_vmcore *core)
{
	tell_buffer(core, MK_VMCORE_DATA);
	tell_symbol(core, "log_first_idx", 16);
	tell_symbol(core, "log_next_idx", 20);
	mk_vmcore_tell(core, "SIZE(printk_log)=16\nOFFSET(printk_log.ts_nsec)=0\n"
			     "OFFSET(printk_log.len)=8\nOFFSET(printk_log.text_len)=10");
}

uint32_t mk_vmcore_put_structured(struct mk_vmcore *core, uint32_t at, uint64_t seconds,
				  const char *text)
{
	uint8_t *record = core->memory + BUFFER_AT + at;
	uint16_t length = (uint16_t)((HEADER_SIZE + strlen(text) + 3) & ~3u);

	put_u64(record, seconds * 1000000000 + 123456789);
	put_u16(record + 8, length);
	put_u16(record + 10, (uint16_t)strlen(text));
	record[14] = 3;
	record[15] = 6 << 5;
	memcpy(record + HEADER_SIZE, text, strlen(text));
	return at + length;
}

void mk_vmcore_bounds(struct mk_vmcore *core, uint32_t first, uint32_t next)
{
	put_u32(core->memory + 16, first);
	put_u32(core->memory + 20, next);
}

void mk_vmcore_text(struct mk_vmcore *core, const char *text)
{
	enum { SIZE = 64 };

	tell_buffer(core, SIZE);
	tell_symbol(core, "log_end", 16);
	tell_symbol(core, "logged_chars", 20);
	put_u32(core->memory + 16, (uint32_t)strlen(text));
	put_u32(core->memory + 20, (uint32_t)strlen(text));
	for (size_t i = 0; text[i]; i++)
		core->memory[BUFFER_AT + i % SIZE] = (uint8_t)text[i];
}
