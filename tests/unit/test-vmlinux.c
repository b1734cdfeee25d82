/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel in a bzImage: where its parts come to lie, and how it is moved. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "kexec/x86/vmlinux.h"
#include "tests/mk/image.h"

enum { BASE = 0x1000000, RISE = 0x2a00000 };

static uint8_t file[MK_VMLINUX_SIZE];

static Elf64_Ehdr *ehdr(void)
{
	return (void *)file;
}

static Elf64_Phdr *phdr(size_t index)
{
	return (Elf64_Phdr *)(void *)(file + sizeof(Elf64_Ehdr)) + index;
}

static int from_file(size_t size, struct vmlinux *ret, struct err *err)
{
	struct buf copy CLEANUP(buf_done) = { 0 };

	assert_int_equal(buf_append(&copy, file, size, err), 0);
	return vmlinux_from_elf(&copy, BASE, ret, err);
}

static uint64_t number(struct bytes image, size_t at, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, image.data + at, size);
	return value;
}

static void test_segments(void **state)
{
	struct vmlinux vmlinux = { 0 };
	struct bytes image;
	struct err err;

	(void)state;
	assert_int_equal(from_file(mk_vmlinux(file, 3), &vmlinux, &err), 0);
	assert_int_equal(vmlinux.mem_size, MK_VMLINUX_MEM_SIZE);
	assert_int_equal(vmlinux.entry, MK_VMLINUX_ENTRY);
	assert_int_equal(vmlinux_relocate(&vmlinux, 0, &err), 0);
	image = vmlinux_image(&vmlinux);
	/* Half of the last segment's bytes are zeros. */
	assert_int_equal(image.size, MK_VMLINUX_BSS);
	assert_memory_equal(image.data, file + MK_VMLINUX_TEXT_AT, MK_VMLINUX_DATA_END);
	for (size_t i = MK_VMLINUX_DATA_END; i < MK_VMLINUX_PER_CPU; i++)
		assert_int_equal(image.data[i], 0);
	assert_memory_equal(image.data + MK_VMLINUX_PER_CPU, file + MK_VMLINUX_PER_CPU_AT,
			    MK_VMLINUX_PER_CPU_SIZE / 2);
	vmlinux_done(&vmlinux);
}

/* Before 6.15 there are three lists of relocations, since then two. */
static void test_relocations(void **state)
{
	(void)state;
	for (unsigned int lists = 2; lists <= 3; lists++) {
		struct vmlinux vmlinux = { 0 };
		struct bytes image;
		struct err err;

		assert_int_equal(from_file(mk_vmlinux(file, lists), &vmlinux, &err), 0);
		assert_int_equal(vmlinux_relocate(&vmlinux, RISE, &err), 0);
		image = vmlinux_image(&vmlinux);
		assert_int_equal(number(image, MK_VMLINUX_64, 8), MK_VMLINUX_64_IS + RISE);
		assert_int_equal(number(image, MK_VMLINUX_32, 4), MK_VMLINUX_32_IS + RISE);
		assert_int_equal(number(image, MK_VMLINUX_NEGATIVE, 4),
				 lists == 3 ? MK_VMLINUX_NEGATIVE_IS - RISE
					    : MK_VMLINUX_NEGATIVE_IS);
		assert_memory_equal(image.data, file + MK_VMLINUX_TEXT_AT, MK_VMLINUX_64);
		vmlinux_done(&vmlinux);
	}
}

static void test_places(void **state)
{
	struct vmlinux vmlinux = { 0 };
	struct err err;
	size_t size;

	(void)state;
	assert_int_equal(from_file(mk_vmlinux(file, 2), &vmlinux, &err), 0);
	/* The last one that ends at or below 1 GiB, all of 2 MiB. */
	assert_int_equal(vmlinux_places(&vmlinux, 0x200000), 512 - 8);
	/* The kernel's own KASLR counts the ELF file's size, too. */
	size = vmlinux.unpacked.size;
	vmlinux.unpacked.size = 0x600001;
	assert_int_equal(vmlinux_places(&vmlinux, 0x200000), 512 - 8 - 3);
	vmlinux.unpacked.size = size;
	vmlinux.mem_size = VMLINUX_IMAGE_MAX - BASE;
	assert_int_equal(vmlinux_places(&vmlinux, 0x200000), 1);
	vmlinux_done(&vmlinux);
	assert_int_equal(from_file(mk_vmlinux(file, 0), &vmlinux, &err), 0);
	assert_int_equal(vmlinux_places(&vmlinux, 0x200000), 1);
	vmlinux_done(&vmlinux);
}

static void test_image(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];
	struct vmlinux vmlinux = { 0 };
	struct setup_header *header = mk_image(image);
	struct bzimage parsed;
	struct err err;

	(void)state;
	mk_image_payload(image, file, mk_vmlinux(file, 3));
	assert_int_equal(bzimage_parse((struct bytes){ image, sizeof(image) }, &parsed, &err), 0);
	assert_int_equal(vmlinux_unpack(&parsed, NULL, &vmlinux, &err), 0);
	assert_int_equal(vmlinux.nr_lists, 3);
	vmlinux_done(&vmlinux);

	header->payload_length /= 2;
	put_u32(image + MK_IMAGE_SETUP_SIZE + header->payload_offset + header->payload_length - 4,
		MK_VMLINUX_SIZE);
	assert_int_equal(bzimage_parse((struct bytes){ image, sizeof(image) }, &parsed, &err), 0);
	assert_int_equal(vmlinux_unpack(&parsed, NULL, &vmlinux, &err), -1);
	assert_non_null(strstr(err.text, "its payload: gzip: truncated"));
	header->payload_length = MK_IMAGE_SIZE;
	assert_int_equal(bzimage_parse((struct bytes){ image, sizeof(image) }, &parsed, &err), 0);
	assert_int_equal(vmlinux_unpack(&parsed, NULL, &vmlinux, &err), -1);
	assert_string_equal(err.text, "its setup header names no payload");
}

static void assert_refused(size_t size, const char *why)
{
	struct vmlinux vmlinux = { 0 };
	struct err err = { 0 };
	int failed = from_file(size, &vmlinux, &err);

	if (!failed && vmlinux_relocate(&vmlinux, RISE, &err)) {
		vmlinux_done(&vmlinux);
		failed = -1;
	}
	if (!failed || !strstr(err.text, why))
		fail_msg("\"%s\", not \"%s\"", err.text, why);
	assert_int_equal(err.code, ERR_INPUT);
	assert_null(vmlinux.unpacked.data);
}

static void test_other_files(void **state)
{
	const char elf[] = "no 64-bit ELF file of a kernel";
	size_t size;

	(void)state;
	mk_vmlinux(file, 3);
	assert_refused(63, "63 bytes, and is no ELF file");
	size = mk_vmlinux(file, 3);
	file[0] = 0;
	assert_refused(size, elf);
	mk_vmlinux(file, 3);
	ehdr()->e_ident[EI_CLASS] = ELFCLASS32;
	assert_refused(size, elf);
	mk_vmlinux(file, 3);
	ehdr()->e_machine = EM_AARCH64;
	assert_refused(size, elf);
	mk_vmlinux(file, 3);
	ehdr()->e_type = ET_DYN;
	assert_refused(size, elf);
	mk_vmlinux(file, 3);
	ehdr()->e_phoff = UINT64_MAX - 8;
	assert_refused(size, "program headers lie outside it");
	mk_vmlinux(file, 3);
	ehdr()->e_entry = BASE - 1;
	assert_refused(size, "is in no segment");
	mk_vmlinux(file, 3);
	ehdr()->e_entry = BASE + MK_VMLINUX_PER_CPU + MK_VMLINUX_PER_CPU_SIZE;
	assert_refused(size, "is in no segment");
	mk_vmlinux(file, 3);
	ehdr()->e_phnum = 0;
	assert_refused(size, "is in no segment");
	mk_vmlinux(file, 3);
	ehdr()->e_shoff = 0;
	assert_refused(size, "section headers are not its end");
	mk_vmlinux(file, 3);
	ehdr()->e_shnum = UINT16_MAX;
	assert_refused(size, "section headers are not its end");
	mk_vmlinux(file, 3);
	ehdr()->e_shoff = MK_VMLINUX_TEXT_AT;
	assert_refused(size, "section headers are not its end");
}

static void test_other_segments(void **state)
{
	const char layout[] = "lies where none of a kernel does";
	size_t size = mk_vmlinux(file, 3);

	(void)state;
	phdr(0)->p_paddr = BASE - 0x1000;
	assert_refused(size, layout);
	mk_vmlinux(file, 3);
	phdr(0)->p_paddr = BASE + 0x1000;
	assert_refused(size, layout);
	mk_vmlinux(file, 3);
	phdr(0)->p_align = 0x1000;
	assert_refused(size, layout);
	mk_vmlinux(file, 3);
	phdr(0)->p_offset = 0x40; /* over the program headers */
	assert_refused(size, layout);
	mk_vmlinux(file, 3);
	phdr(1)->p_filesz = phdr(1)->p_memsz + 1;
	assert_refused(size, layout);
	mk_vmlinux(file, 3);
	phdr(1)->p_paddr = BASE + 0x200; /* over the first */
	assert_refused(size, layout);
	mk_vmlinux(file, 3);
	phdr(1)->p_paddr = BASE + 0x480; /* upwards */
	assert_refused(size, layout);
	mk_vmlinux(file, 3);
	phdr(1)->p_offset = MK_VMLINUX_TEXT_AT + 0x200; /* the same bytes twice */
	assert_refused(size, layout);
	mk_vmlinux(file, 3);
	phdr(2)->p_filesz = MK_VMLINUX_SIZE;
	phdr(2)->p_memsz = 2 * MK_VMLINUX_SIZE;
	assert_refused(size, layout);
	mk_vmlinux(file, 3);
	phdr(2)->p_memsz = VMLINUX_IMAGE_MAX;
	assert_refused(size, layout);
	mk_vmlinux(file, 3);
	phdr(2)->p_paddr = UINT64_MAX - 0x1000;
	assert_refused(size, layout);
}

static void test_other_relocations(void **state)
{
	const char form[] = "relocations are of an unknown form";
	size_t size = mk_vmlinux(file, 3);

	(void)state;
	put_u32(file + MK_VMLINUX_TABLE_AT, 1);
	assert_refused(size, form);
	assert_refused((mk_vmlinux(file, 3), size - 1), form);
	assert_refused((mk_vmlinux(file, 3), MK_VMLINUX_TABLE_AT + 4), form);
	mk_vmlinux(file, 3);
	put_u32(file + size, 0);
	assert_refused(size + 4, form);
	mk_vmlinux(file, 3);
	put_u32(file + MK_VMLINUX_TABLE_AT + 4, 0x80ffffff); /* one byte below */
	assert_refused(size, "its relocation 1, 0x80ffffff, points outside");
	mk_vmlinux(file, 3);
	put_u32(file + MK_VMLINUX_TABLE_AT + 4,
		0x81000000 + MK_VMLINUX_PER_CPU + MK_VMLINUX_PER_CPU_SIZE - 7);
	assert_refused(size, "points outside");
	mk_vmlinux(file, 3);
	put_u32(file + MK_VMLINUX_TABLE_AT + 4, 0x1000000);
	assert_refused(size, "points outside");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_relocations),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_other_segments),
		cmocka_unit_test(test_other_relocations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
