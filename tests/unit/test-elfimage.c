/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is taken for a Linux kernel of an ELF file, and what it is then. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <string.h>

#include "kexec/x86/elfimage.h"
#include "kexec/x86/program.h"
#include "tests/mk/image.h"
#include "x86/bootparam.h"

static uint8_t file[MK_VMLINUX_SIZE];
static const struct bytes whole = { file, sizeof(file) };

static Elf64_Ehdr *header(void)
{
	return (void *)file;
}

static Elf64_Phdr *segment(unsigned int i)
{
	return (Elf64_Phdr *)(file + sizeof(Elf64_Ehdr)) + i;
}

static int set_up(void **state)
{
	(void)state;
	mk_vmlinux(file, 0);
	return 0;
}

static void assert_refused(struct bytes bytes, enum err_code code, const char *sentence)
{
	struct bzimage image = { .protocol = 7 };
	struct err err;

	assert_int_equal(elfimage_parse(bytes, &image, &err), -1);
	assert_string_equal(err.text, sentence);
	assert_int_equal(err.code, code);
	assert_int_equal(image.protocol, 7);
	mk_vmlinux(file, 0);
}

static void test_parse(void **state)
{
	struct bzimage image;
	struct err err;

	(void)state;
	assert_int_equal(image_parse(whole, &image, &err), 0);
	assert_true(image.is_elf && image.is_stripped && !image.entry_32bit);
	assert_string_equal(image.version, "6.1.0-test (nobody) #1");
	assert_true(image.footprint.relocatable);
	assert_int_equal(image.footprint.pref_address, 0x1000000);
	assert_int_equal(image.footprint.alignment, 0x200000);
	/* The kernel maps itself by pages of 2 MiB. */
	assert_int_equal(image.footprint.init_size, 0x200000);
	assert_int_equal(image.xloadflags,
			 XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G | XLF_EFI_KEXEC);
	assert_int_equal(image.cmdline_size, 2047);
	assert_ptr_equal(image.protected.data, file);
}

static void test_old(void **state)
{
	uint8_t *banner = file + MK_VMLINUX_TEXT_AT + MK_VMLINUX_BANNER;

	(void)state;
	memcpy(banner, "Linux version 5.4.9", 20);
	assert_refused(whole, ERR_INPUT,
		       "an ELF file of Linux 5.4.9: before 5.5 what a kernel needs to be told "
		       "differs");
	memcpy(banner, "Linux version next", 19);
	assert_refused(
		whole, ERR_INPUT,
		"an ELF file of Linux next: before 5.5 what a kernel needs to be told differs");
}

/* With symbols: a table, and its names. */
static void test_symbols(void **state)
{
	static const char names[] = "\0_text\0level4_kernel_pgt\0";
	const Elf64_Shdr sections[] = {
		{ .sh_type = SHT_SYMTAB },
		{ .sh_type = SHT_STRTAB, .sh_offset = 0xf00, .sh_size = sizeof(names) },
	};
	struct bzimage image;
	struct err err;

	(void)state;
	memcpy(file + 0xc00, sections, sizeof(sections));
	memcpy(file + 0xf00, names, sizeof(names));
	header()->e_shoff = 0xc00;
	header()->e_shnum = 2;
	assert_int_equal(image_parse(whole, &image, &err), 0);
	assert_false(image.is_stripped);
	assert_int_equal(image.xloadflags & XLF_5LEVEL_ENABLED, XLF_5LEVEL_ENABLED);
	file[0xf00 + 8] = 'k';
	assert_int_equal(image_parse(whole, &image, &err), 0);
	assert_int_equal(image.xloadflags & (XLF_5LEVEL | XLF_5LEVEL_ENABLED), 0);
	/* Section headers that lie outside are as if there were none. */
	header()->e_shoff = UINT64_MAX;
	assert_int_equal(image_parse(whole, &image, &err), 0);
	assert_true(image.is_stripped);
}

static void test_load(void **state)
{
	static const uint8_t zeros[MK_VMLINUX_PER_CPU - MK_VMLINUX_DATA_END];
	struct vmlinux vmlinux;
	const uint8_t *image;
	struct err err;

	(void)state;
	assert_int_equal(elfimage_load(whole, &vmlinux, &err), 0);
	assert_int_equal(vmlinux.entry, MK_VMLINUX_ENTRY);
	assert_int_equal(vmlinux.mem_size, MK_VMLINUX_MEM_SIZE);
	assert_int_equal(vmlinux.size, MK_VMLINUX_PER_CPU + MK_VMLINUX_PER_CPU_SIZE);
	assert_int_equal(vmlinux.relocations.size, 0);
	image = vmlinux_image(&vmlinux).data;
	assert_memory_equal(image, file + MK_VMLINUX_TEXT_AT, MK_VMLINUX_DATA_END);
	assert_memory_equal(image + MK_VMLINUX_DATA_END, zeros, sizeof(zeros));
	assert_memory_equal(image + MK_VMLINUX_PER_CPU, file + MK_VMLINUX_PER_CPU_AT,
			    MK_VMLINUX_PER_CPU_SIZE);
	vmlinux_done(&vmlinux);
	/* A virtual entry is the same one. */
	header()->e_entry = 0xffffffff81000000 + MK_VMLINUX_ENTRY;
	assert_int_equal(elfimage_load(whole, &vmlinux, &err), 0);
	assert_int_equal(vmlinux.entry, MK_VMLINUX_ENTRY);
	vmlinux_done(&vmlinux);
}

static void test_other_files(void **state)
{
	(void)state;
	assert_refused((struct bytes){ file, 63 }, ERR_DAMAGED,
		       "an ELF file of 63 bytes: it is cut");
	header()->e_ident[EI_CLASS] = ELFCLASS32;
	assert_refused(whole, ERR_INPUT, "an ELF file of class 1 for machine 62: not for x86-64");
	header()->e_machine = EM_AARCH64;
	assert_refused(whole, ERR_INPUT, "an ELF file of class 2 for machine 183: not for x86-64");
	header()->e_type = ET_CORE;
	assert_refused(whole, ERR_INPUT,
		       "a dump of a process, or of a kernel (an ELF file of type 4): no kernel");
	header()->e_type = ET_DYN;
	assert_refused(whole, ERR_INPUT,
		       "a program of an operating system, or a library, which is "
		       "position-independent (an ELF file of type 3): no kernel");
	header()->e_type = ET_REL;
	assert_refused(whole, ERR_INPUT,
		       "an object, or a module of a kernel (an ELF file of type 1): no kernel");
	header()->e_phentsize = 32;
	assert_refused(whole, ERR_INPUT, "an ELF file with program headers of 32 bytes: no kernel");
	header()->e_phoff = MK_VMLINUX_SIZE - 100;
	assert_refused(whole, ERR_DAMAGED,
		       "the ELF file's 4 program headers at 0xf9c lie outside it: it is cut");
	assert_refused((struct bytes){ file, MK_VMLINUX_PER_CPU_AT + 0xff }, ERR_DAMAGED,
		       "segment 2 of the ELF file ends at 0xb00, the file at 0xaff: it is cut");
	memset(file + MK_VMLINUX_TEXT_AT, 0, 0x80);
	assert_refused(whole, ERR_INPUT,
		       "the ELF file has no \"Linux version ...\": no Linux kernel");
	header()->e_entry = 0x1000600;
	assert_refused(whole, ERR_INPUT, "its entry, 0x1000600, is in no segment");
}

static void test_segments(void **state)
{
	(void)state;
	segment(1)->p_filesz++;
	assert_refused(whole, ERR_INPUT,
		       "segment 1 of the ELF file, 0x201 bytes of 0x200 at 0x1000400, is none of a "
		       "kernel");
	segment(1)->p_paddr = UINT64_MAX - 4;
	assert_refused(whole, ERR_INPUT,
		       "segment 1 of the ELF file, 0x200 bytes of 0x200 at 0xfffffffffffffffb, is "
		       "none of a kernel");
	segment(1)->p_paddr--;
	assert_refused(whole, ERR_INPUT, "segments 0 and 1 of the ELF file overlap at 0x10003ff");
	segment(0)->p_paddr = 0xf00000;
	header()->e_entry = 0xf00000;
	assert_refused(whole, ERR_INPUT,
		       "the ELF file's 3 segments take 0xf00000-0x1007000: no kernel's do, which "
		       "begin at a multiple of 0x200000");
	segment(2)->p_memsz = 0x40000000;
	assert_refused(whole, ERR_INPUT,
		       "the ELF file's 3 segments take 0x1000000-0x41000800: no kernel's do, which "
		       "begin at a multiple of 0x200000");
	for (unsigned int i = 0; i < 3; i++)
		segment(i)->p_type = PT_NOTE;
	assert_refused(whole, ERR_INPUT, "its entry, 0x1000123, is in no segment");
	segment(0)->p_vaddr = 0x1000000;
	assert_refused(whole, ERR_INPUT,
		       "the ELF file is linked for 0x1000000 at 0x1000000: no Linux kernel for "
		       "x86-64 is");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_parse, set_up),
		cmocka_unit_test_setup(test_old, set_up),
		cmocka_unit_test_setup(test_symbols, set_up),
		cmocka_unit_test_setup(test_load, set_up),
		cmocka_unit_test_setup(test_other_files, set_up),
		cmocka_unit_test_setup(test_segments, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
