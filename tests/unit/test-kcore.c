/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/kcore.h"

enum { SEGMENTS = 4 };

struct file {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[SEGMENTS];
};

static struct file file_of_kernel(void)
{
	struct file file = {
		.ehdr = { .e_ident = ELFMAG,
			  .e_type = ET_CORE,
			  .e_phoff = sizeof(Elf64_Ehdr),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = SEGMENTS },
		.phdr = {
			{ .p_type = PT_NOTE },
			{ .p_type = PT_LOAD, .p_vaddr = 0xffffffff81000000, .p_paddr = 0x2000000,
			  .p_offset = 0x7fff81000000, .p_memsz = 0x2000000 },
			{ .p_type = PT_LOAD, .p_vaddr = 0xffffc90000000000, .p_paddr = UINT64_MAX,
			  .p_offset = 0x490000000000, .p_memsz = 0x1fffffffffff },
			{ .p_type = PT_LOAD, .p_vaddr = 0xffff888000100000, .p_paddr = 0x100000,
			  .p_offset = 0x088000101000, .p_memsz = 0x3fee0000 },
		},
	};

	file.ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	file.ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	return file;
}

static struct bytes bytes_of(const struct file *file, size_t size)
{
	return (struct bytes){ (const void *)file, size };
}

static void what_has_a_physical_address_is_found(void **state)
{
	struct kcore kcore CLEANUP(kcore_done) = { 0 };
	struct file file = file_of_kernel();
	uint64_t offset, size;
	struct err err;

	(void)state;
	assert_int_equal(kcore_headers_size(bytes_of(&file, KCORE_ELF_HEADER_SIZE), &size, &err),
			 0);
	assert_int_equal(size, sizeof(file));
	assert_int_equal(kcore_parse(bytes_of(&file, sizeof(file)), &kcore, &err), 0);
	assert_int_equal(kcore.count, 2);
	assert_true(kcore_find(&kcore, 0x2000010, 16, &offset));
	assert_true(offset == 0x7fff81000010);
	assert_true(kcore_find(&kcore, 0x100000, 0x3fee0000, &offset));
	assert_true(offset == 0x088000101000);
	assert_false(kcore_find(&kcore, 0xfffff, 2, &offset));
	assert_false(kcore_find(&kcore, 0x100000, 0x3fee0001, &offset));
	assert_false(kcore_find(&kcore, 0x3ffdffff, 2, &offset));
}

/* Machines with much memory in many pieces have more than 64 KiB of headers. */
static void headers_have_no_limit(void **state)
{
	enum { COUNT = 20000 };
	struct kcore kcore CLEANUP(kcore_done) = { 0 };
	size_t room = sizeof(Elf64_Ehdr) + COUNT * sizeof(Elf64_Phdr);
	struct file file = file_of_kernel();
	uint8_t *bytes = calloc(1, room);
	uint64_t offset, size;
	struct err err;

	(void)state;
	assert_non_null(bytes);
	file.ehdr.e_phnum = COUNT;
	memcpy(bytes, &file.ehdr, sizeof(file.ehdr));
	for (uint64_t i = 0; i < COUNT; i++) {
		const Elf64_Phdr phdr = { .p_type = PT_LOAD,
					  .p_vaddr = 0xffff888000000000 + i * 0x200000,
					  .p_paddr = i * 0x200000,
					  .p_offset = i * 0x200000,
					  .p_memsz = 0x100000 };

		memcpy(bytes + sizeof(file.ehdr) + i * sizeof(phdr), &phdr, sizeof(phdr));
	}
	assert_int_equal(kcore_headers_size((struct bytes){ bytes, room }, &size, &err), 0);
	assert_int_equal(size, room);
	assert_int_equal(kcore_parse((struct bytes){ bytes, room }, &kcore, &err), 0);
	assert_int_equal(kcore.count, COUNT);
	assert_true(kcore_find(&kcore, (COUNT - 1) * UINT64_C(0x200000), 1, &offset));
	free(bytes);
}

static void assert_refused(const struct file *file, size_t size, const char *sentence)
{
	struct kcore kcore = { 0 };
	struct err err;

	assert_int_equal(kcore_parse(bytes_of(file, size), &kcore, &err), -1);
	assert_string_equal(err.text, sentence);
	assert_null(kcore.segment);
}

static void what_is_no_core_is_refused(void **state)
{
	struct file file = file_of_kernel();

	(void)state;
	assert_refused(&file, 63, "63 bytes, an ELF header has 64");
	assert_refused(&file, sizeof(file) - 1, "program headers up to 0x120 of 0x11f bytes");
	file.ehdr.e_phoff = UINT64_MAX;
	assert_refused(&file, sizeof(file), "program headers at offset 0xffffffffffffffff");
	file.ehdr.e_phoff = sizeof(Elf64_Ehdr);
	file.ehdr.e_ident[EI_CLASS] = ELFCLASS32;
	assert_refused(&file, sizeof(file), "not a little-endian 64-bit ELF file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_a_physical_address_is_found),
		cmocka_unit_test(headers_have_no_limit),
		cmocka_unit_test(what_is_no_core_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
