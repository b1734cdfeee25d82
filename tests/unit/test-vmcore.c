/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log out of small vmcores, in each shape that it has had, whole and damaged. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/printk_log.h"
#include "tests/mk/vmcore.h"

static struct mk_vmcore core;
static size_t core_size;
static char printed[4096];
static uint64_t skipped;

static int read_core(void *context, uint64_t offset, void *to, size_t size, struct err *err)
{
	(void)context;
	if (offset > core_size || size > core_size - offset)
		return err_set(err, ERR_INPUT, "%zu bytes at 0x%llx are not there", size,
			       (unsigned long long)offset);
	memcpy(to, core.file + offset, size);
	return 0;
}

static int print(void *context, const struct printk_record *record, struct err *err)
{
	size_t used = strlen(printed);

	(void)context;
	(void)err;
	assert_true(record->text.size < 1000);
	if (record->is_bare)
		snprintf(printed + used, sizeof(printed) - used, "%.*s\n", (int)record->text.size,
			 (const char *)record->text.data);
	else
		snprintf(printed + used, sizeof(printed) - used, "%llu %llu %u.%u %u %.*s\n",
			 (unsigned long long)record->seq,
			 (unsigned long long)record->ts_nsec / 1000000000, record->facility,
			 record->level, record->caller, (int)record->text.size,
			 (const char *)record->text.data);
	return 0;
}

/* The error, "" if there is none. */
static const char *walk(void)
{
	static struct err err;
	const struct vmcore_file file = { NULL, read_core };
	struct vmcore vmcore = { 0 };

	err = (struct err){ 0 };
	printed[0] = '\0';
	skipped = 0;
	if (!vmcore_open(&file, &vmcore, &err))
		printk_log_walk(&vmcore, print, NULL, &skipped, &err);
	vmcore_done(&vmcore);
	return err.text;
}

static int set_up(void **state)
{
	(void)state;
	core_size = sizeof(core.file);
	mk_vmcore(&core);
	return 0;
}

static void set_tail(uint64_t id)
{
	memcpy(core.memory + 0x100 + 32, &id, sizeof(id));
}

/* More records than the ring holds, texts that go over its end, one without a text. */
static void fill_ring(void)
{
	char text[64], more[32];
	uint64_t lpos = 0;

	mk_vmcore_ring(&core);
	for (uint64_t id = 0; id < 12; id++) {
		memset(more, '.', sizeof(more));
		more[id] = '\0';
		snprintf(text, sizeof(text), "record %llu%s", (unsigned long long)id, more);
		if (id == 7)
			mk_vmcore_put(&core, id, id, NULL, 3);
		else
			lpos = mk_vmcore_put(&core, id, id, text, lpos);
	}
	set_tail(4);
}

static void test_ring(void **state)
{
	(void)state;
	fill_ring();
	assert_string_equal(walk(), "");
	assert_int_equal(skipped, 0);
	assert_string_equal(printed, "40 4 3.6 77 record 4....\n"
				     "50 5 3.6 77 record 5.....\n"
				     "60 6 3.6 77 record 6......\n"
				     "70 7 3.6 77 \n"
				     "80 8 3.6 77 record 8........\n"
				     "90 9 3.6 77 record 9.........\n"
				     "100 10 3.6 77 record 10..........\n"
				     "110 11 3.6 77 record 11...........\n");
}

/* The id of a record runs over its 62 bits. */
static void test_ring_wraps(void **state)
{
	const uint64_t last = (UINT64_C(1) << 62) - 1;

	(void)state;
	mk_vmcore_ring(&core);
	mk_vmcore_put(&core, 0, 2, "second", mk_vmcore_put(&core, last, 1, "first", 0));
	set_tail(last);
	assert_string_equal(walk(), "");
	assert_non_null(strstr(printed, " 1 3.6 77 first\n"));
	assert_non_null(strstr(printed, "0 2 3.6 77 second\n"));
}

/* State and id are one word: what is not committed is not there, what is damaged is skipped. */
static void test_ring_damaged(void **state)
{
	(void)state;
	fill_ring();
	core.memory[0x1000 + 24 * 5 + 7] = 0;	      /* reserved, not yet committed */
	core.memory[0x1000 + 24 * 6] ^= 0x10;	      /* another id */
	core.memory[0x1000 + 24 * (9 % 8) + 8] = 1;   /* its text was lost */
	core.memory[0x1000 + 24 * (10 % 8) + 16] = 0; /* ends before it begins, one ring later */
	core.memory[0x1000 + 24 * (10 % 8) + 17] = 0;
	core.memory[0x1400 + 88 * (11 % 8) + 17] = 0xff; /* longer than its block: cut */
	core.memory[0x1000 + 24 * (8 % 8) + 7] = 0xc0;	 /* given up, to be used anew */
	assert_string_equal(walk(), "");
	assert_null(strstr(printed, "record 5"));
	assert_null(strstr(printed, "record 6"));
	assert_null(strstr(printed, "record 8"));
	assert_null(strstr(printed, "record 9"));
	assert_non_null(strstr(printed, "record 4....\n"));
	assert_non_null(strstr(printed, "record 11..........."));
	assert_int_equal(skipped, 3);
}

static unsigned int count_printed(void)
{
	unsigned int count = 0;

	for (const char *at = printed; (at = strchr(at, '\n')); at++)
		count++;
	return count;
}

/* Zeros in the middle are damage, at the end a record that was only begun. */
static void test_ring_zeros(void **state)
{
	(void)state;
	fill_ring();
	memset(core.memory + 0x1000 + 24 * 5, 0, 2 * 24);
	assert_string_equal(walk(), "");
	assert_int_equal(count_printed(), 6);
	assert_int_equal(skipped, 2);
	fill_ring();
	memset(core.memory + 0x1000 + 24 * 3, 0, 24);
	assert_string_equal(walk(), "");
	assert_int_equal(count_printed(), 7);
	assert_int_equal(skipped, 0);
	/* The head is where the lap before was not yet overwritten. */
	fill_ring();
	core.memory[0x1000 + 24 * 3] = 3;
	core.memory[0x1000 + 24 * 3 + 7] = 0xc0;
	assert_string_equal(walk(), "");
	assert_int_equal(count_printed(), 7);
	assert_int_equal(skipped, 0);
}

/* For one record there was no room, which the kernel notes; another's text was overwritten. */
static void test_ring_texts(void **state)
{
	(void)state;
	fill_ring();
	memcpy(core.memory + 0x1000 + 24 * 5 + 8, &(uint64_t){ 1 }, 8);
	memcpy(core.memory + 0x1000 + 24 * 5 + 16, &(uint64_t){ 1 }, 8);
	assert_string_equal(walk(), "");
	assert_null(strstr(printed, "record 5"));
	assert_int_equal(count_printed(), 7);
	assert_int_equal(skipped, 0);
	memcpy(core.memory + 0x1800 + (core.memory[0x1000 + 24 * 6 + 8]), &(uint64_t){ 99 }, 8);
	assert_string_equal(walk(), "");
	assert_null(strstr(printed, "record 6"));
	assert_int_equal(count_printed(), 6);
	assert_int_equal(skipped, 1);
}

static void cut_memory(uint64_t size)
{
	memcpy(core.file + 64 + 56 + 32, &size, sizeof(size)); /* p_filesz */
}

/* A filtered dump has the headers of pages that it left out. */
static void test_left_out(void **state)
{
	(void)state;
	fill_ring();
	cut_memory(0x1800);
	assert_string_equal(walk(), "");
	assert_string_equal(printed, "70 7 3.6 77 \n");
	assert_int_equal(skipped, 7);
	cut_memory(0x1400);
	assert_string_equal(walk(), "");
	assert_string_equal(printed, "");
	assert_int_equal(skipped, 8);
	/* The fifth descriptor is the first that is not there in whole. */
	cut_memory(0x1000 + 24 * 5 - 1);
	assert_string_equal(walk(), "");
	assert_int_equal(skipped, 8);
	cut_memory(0x80);
	assert_string_equal(walk(), "the log's ring at 0xffff888001000100: number of records: "
				    "address 0xffff888001000100 is in no program header, and "
				    "VMCOREINFO has no SYMBOL(swapper_pg_dir)");
	set_up(state);
	mk_vmcore_text(&core, "one\ntwo\n");
	cut_memory(0x2006);
	assert_string_equal(walk(), "");
	assert_string_equal(printed, "one\ntw\n");
	assert_int_equal(skipped, 1);
	cut_memory(0x2000);
	assert_string_equal(walk(), "");
	assert_string_equal(printed, "");
	assert_int_equal(skipped, 1);
}

static void test_structured(void **state)
{
	uint32_t first, next;

	(void)state;
	mk_vmcore_structured(&core);
	first = 160;
	next = mk_vmcore_put_structured(&core, first, 1, "before the end");
	assert_in_range(next, first + 1, MK_VMCORE_DATA - 16);
	/* A length of 0 sends to the start. */
	next = mk_vmcore_put_structured(&core, 0, 2, "at the start");
	next = mk_vmcore_put_structured(&core, next, 3, "");
	mk_vmcore_bounds(&core, first, next);
	assert_string_equal(walk(), "");
	assert_int_equal(skipped, 0);
	assert_string_equal(printed,
			    "0 1 3.6 0 before the end\n0 2 3.6 0 at the start\n0 3 3.6 0 \n");

	/* A text longer than its record is left out, the next one is found. */
	core.memory[0x2000 + 10] = 0xff;
	assert_string_equal(walk(), "");
	assert_int_equal(skipped, 1);
	assert_string_equal(printed, "0 1 3.6 0 before the end\n0 3 3.6 0 \n");
	core.memory[0x2000 + 8] = 15;
	assert_string_equal(walk(),
			    "a record of 0xf bytes at 0x0 of the log: the rest of it cannot be "
			    "found");
	assert_string_equal(printed, "0 1 3.6 0 before the end\n");
	/* Two zero lengths are no way round. */
	core.memory[0x2000 + 8] = 0;
	assert_non_null(strstr(walk(), "a record of 0x0 bytes at 0x0"));
	/* Nor is one in the middle, which would tell the start once more. */
	mk_vmcore_bounds(&core, 0, 160);
	assert_non_null(strstr(walk(), "a record of 0x0 bytes at 0x0"));
	mk_vmcore_bounds(&core, 256, 0);
	assert_string_equal(walk(), "the log goes from 0x100 to 0x0 and has 0x100 bytes");
}

static void test_text(void **state)
{
	(void)state;
	mk_vmcore_text(&core, "<6>one\n<4>two\n");
	assert_string_equal(walk(), "");
	assert_string_equal(printed, "<6>one\n<4>two\n");
	/* Longer than its room of 64: what is left begins in the middle of a line. */
	set_up(state);
	mk_vmcore_text(&core, "a line that is gone, for the most part of it anyway, as it is old\n"
			      "a line that is there, and is the newest");
	assert_string_equal(walk(), "");
	assert_string_equal(printed,
			    " it anyway, as it is old\na line that is there, and is the newest\n");
}

static void put_entry(uint32_t at, uint64_t entry)
{
	memcpy(core.memory + at, &entry, sizeof(entry));
}

/* The ring lies where no program header says: found through page tables of every kind. */
static void test_page_tables(void **state)
{
	const uint64_t outside = 0xffffc90000000000;
	const unsigned int top = outside >> 39 & 0x1ff;
	const uint64_t ring = outside + 0x100, physical = MK_VMCORE_PHYSICAL;

	(void)state;
	fill_ring();
	mk_vmcore_tell(&core, "SYMBOL(swapper_pg_dir)=ffffffff81003000");
	memcpy(core.memory, &ring, sizeof(ring));
	assert_string_equal(walk(),
			    "the log's ring at 0xffffc90000000100: number of records: address "
			    "0xffffc90000000100 is in no program header and not in the page "
			    "tables");
	/* 4 KiB pages. */
	put_entry(0x3000 + 8 * top, (physical + 0x4000) | 1);
	put_entry(0x4000, (physical + 0x5000) | 1);
	put_entry(0x5000, (physical + 0x2000) | 1);
	put_entry(0x2000, physical | 1);
	assert_string_equal(walk(), "");
	assert_non_null(strstr(printed, "record 11"));
	/* 2 MiB pages: the memory begins one. */
	put_entry(0x5000, physical | 0x81);
	assert_string_equal(walk(), "");
	assert_non_null(strstr(printed, "record 11"));
	/* 1 GiB pages, with memory encryption's bit in the entries. */
	mk_vmcore_tell(&core, "NUMBER(sme_mask)=140737488355328");
	put_entry(0x4000, UINT64_C(1) << 47 | 0x81);
	put_entry(0x3000 + 8 * top, UINT64_C(1) << 47 | (physical + 0x4000) | 1);
	memcpy(core.memory, &(uint64_t){ outside + physical + 0x100 }, 8);
	assert_string_equal(walk(), "");
	assert_non_null(strstr(printed, "record 11"));
	/* Five levels. */
	mk_vmcore_tell(&core, "NUMBER(pgtable_l5_enabled)=1");
	put_entry(0x5000 + 8 * top, (physical + 0x4000) | 1);
	put_entry(0x3000 + 8 * (outside >> 48 & 0x1ff), (physical + 0x5000) | 1);
	put_entry(0x3000 + 8 * top, 0); /* no way in four */
	assert_string_equal(walk(), "");
	assert_non_null(strstr(printed, "record 11"));
}

/* What a file claims is not what is read: notes without an end, and a text of 2 MiB. */
struct claim {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[2];
	Elf64_Nhdr note;
	char name[12];
};

static int read_claim(void *context, uint64_t offset, void *to, size_t size, struct err *err)
{
	const uint8_t *from = context;
	uint8_t *next = to;

	(void)err;
	for (size_t i = 0; i < size; i++)
		next[i] = offset + i < sizeof(struct claim) ? from[offset + i] : 1;
	return 0;
}

static void test_claims(void **state)
{
	struct claim claim = {
		.phdr = { { .p_type = PT_NOTE, .p_offset = 1 << 20, .p_filesz = 40 << 20 },
			  { .p_type = PT_NOTE, .p_offset = 2 << 20, .p_filesz = 40 << 20 } },
		.note = { sizeof("VMCOREINFO"), 2 << 20, 0 },
		.name = "VMCOREINFO",
	};
	const struct vmcore_file file = { &claim, read_claim };
	struct vmcore vmcore = { 0 };
	struct err err = { 0 };

	(void)state;
	memcpy(&claim.ehdr, core.file, sizeof(claim.ehdr));
	assert_int_equal(vmcore_open(&file, &vmcore, &err), -1);
	assert_string_equal(err.text, "notes of 0x2800000 bytes at offset 0x200000 are too many");
	claim.phdr[0] = (Elf64_Phdr){ .p_type = PT_NOTE,
				      .p_offset = offsetof(struct claim, note),
				      .p_filesz = 3 << 20 };
	assert_int_equal(vmcore_open(&file, &vmcore, &err), -1);
	assert_string_equal(err.text, "VMCOREINFO of 0x200000 bytes is too long");
	assert_null(vmcore.info);
}

/* VMCOREINFO's offsets lead nowhere but into the structures. */
static void test_fields(void **state)
{
	(void)state;
	fill_ring();
	strstr(core.info, "SIZE(prb_desc)=24")[15] = '1';
	assert_string_equal(walk(), "VMCOREINFO's offsets do not fit its SIZE(prb_desc)=14 and "
				    "SIZE(printk_info)=88");
	set_up(state);
	fill_ring();
	strstr(core.info, "OFFSET(printk_info.caller_id)=20")[30] = '9';
	assert_string_equal(walk(), "VMCOREINFO's offsets do not fit its SIZE(prb_desc)=24 and "
				    "SIZE(printk_info)=88");
	set_up(state);
	mk_vmcore_structured(&core);
	strstr(core.info, "OFFSET(printk_log.len)=8")[23] = '-';
	assert_string_equal(walk(), "VMCOREINFO has no OFFSET(printk_log.len)");
	strstr(core.info, "OFFSET(printk_log.len)=-")[23] = '9';
	strstr(core.info, "OFFSET(printk_log.text_len)=10")[28] = '9';
	assert_string_equal(walk(), "VMCOREINFO's offsets do not fit its SIZE(printk_log)=16");
}

static void test_refusals(void **state)
{
	char *line;

	(void)state;
	assert_string_equal(walk(), "VMCOREINFO has none of SYMBOL(prb), SYMBOL(log_first_idx) and "
				    "SYMBOL(logged_chars): a log of a shape that is not known");
	mk_vmcore_ring(&core);
	put_entry(0x100, 27);
	assert_string_equal(walk(),
			    "the log's ring at 0xffff888001000100: number of records: 2^27 makes "
			    "no sense");
	put_entry(0x100, 26);
	put_entry(0x130, 32);
	assert_string_equal(walk(),
			    "the log's ring at 0xffff888001000100: size of the texts: 2^32 makes "
			    "no sense");
	put_entry(0x130, 8);
	put_entry(0x100, 3);
	put_entry(0x118, 8);
	assert_string_equal(walk(), "the log's ring goes from record 0 to 8 and has room for 8");
	line = strstr(core.info, "SIZE(printk_info)=88");
	memcpy(line + 18, "23", 2);
	assert_string_equal(walk(), "VMCOREINFO's offsets do not fit its SIZE(prb_desc)=24 and "
				    "SIZE(printk_info)=23");
	line = strstr(core.info, "OFFSET(prb_desc.state_var)");
	line[0] = 'X';
	assert_string_equal(walk(), "VMCOREINFO has no OFFSET(prb_desc.state_var)");
	core.file[64 + 56 * 2 + 12] = 'v';
	assert_non_null(
		strstr(walk(), "none of the notes is VMCOREINFO: the crashed kernel did not say"));
	core.file[64 + 35] = 0x40; /* the note's size */
	assert_string_equal(walk(), "notes of 0x40000818 bytes at offset 0xb0 are too many");
	core.file[16] = ET_EXEC;
	assert_string_equal(walk(),
			    "an ELF file of type 2 for machine 62 with headers up to 0xb0 is no "
			    "vmcore of an x86-64 kernel");
	memcpy(core.file, "KDUMP   ", 8);
	assert_string_equal(walk(), "a dump in makedumpfile's compressed format, no ELF file");
	memcpy(core.file, "DISKDUMP", 8);
	assert_string_equal(walk(), "a dump in diskdump's format, no ELF file");
	memcpy(core.file, "makedumpfile", 13);
	assert_string_equal(walk(), "a dump in makedumpfile's flattened format, no ELF file");
	core.file[0] = 0;
	assert_string_equal(walk(), "not a little-endian 64-bit ELF file");
	core_size = 63;
	assert_string_equal(walk(), "64 bytes at 0x0 are not there");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ring, set_up),
		cmocka_unit_test_setup(test_ring_wraps, set_up),
		cmocka_unit_test_setup(test_ring_damaged, set_up),
		cmocka_unit_test_setup(test_ring_zeros, set_up),
		cmocka_unit_test_setup(test_ring_texts, set_up),
		cmocka_unit_test_setup(test_left_out, set_up),
		cmocka_unit_test_setup(test_structured, set_up),
		cmocka_unit_test_setup(test_text, set_up),
		cmocka_unit_test_setup(test_page_tables, set_up),
		cmocka_unit_test_setup(test_claims, set_up),
		cmocka_unit_test_setup(test_fields, set_up),
		cmocka_unit_test_setup(test_refusals, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
