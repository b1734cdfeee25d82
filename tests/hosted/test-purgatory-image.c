/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The purgatory as it was linked: what an image that runs anywhere may not have. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kexec/x86/purgatory_image.h"
#include "purgatory-abi.h"

enum { IMAGE_SIZE_MAX = 40 * 1024, IMAGE_AND_BSS_MAX = 64 * 1024 };

struct image {
	int fd;
	Elf *elf;
};

static int setup(void **state)
{
	static struct image image;

	elf_version(EV_CURRENT);
	image.fd = open(PURGATORY_ELF, O_RDONLY | O_CLOEXEC);
	assert_true(image.fd >= 0);
	image.elf = elf_begin(image.fd, ELF_C_READ, NULL);
	assert_non_null(image.elf);
	*state = &image;
	return 0;
}

static int teardown(void **state)
{
	struct image *image = *state;

	elf_end(image->elf);
	close(image->fd);
	return 0;
}

/* The value of a symbol; fails if there is none. */
static uint64_t symbol(Elf *elf, const char *name)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		Elf_Data *data = elf_getdata(section, NULL);
		GElf_Sym entry;

		assert_non_null(gelf_getshdr(section, &header));
		if (header.sh_type != SHT_SYMTAB)
			continue;
		for (int i = 0; gelf_getsym(data, i, &entry); i++) {
			if (!strcmp(elf_strptr(elf, header.sh_link, entry.st_name), name))
				return entry.st_value;
		}
	}
	fail_msg("no symbol %s", name);
	return 0;
}

static void test_nothing_to_link(void **state)
{
	struct image *image = *state;
	Elf_Scn *section = NULL;
	int symbols = 0;

	while ((section = elf_nextscn(image->elf, section))) {
		GElf_Shdr header;
		Elf_Data *data = elf_getdata(section, NULL);
		GElf_Sym entry;

		assert_non_null(gelf_getshdr(section, &header));
		if (header.sh_type == SHT_REL || header.sh_type == SHT_RELA ||
		    header.sh_type == SHT_DYNAMIC || header.sh_type == SHT_DYNSYM)
			fail_msg("a section of type %u", header.sh_type);
		if (header.sh_type != SHT_SYMTAB)
			continue;
		for (int i = 1; gelf_getsym(data, i, &entry); i++) {
			const char *name = elf_strptr(image->elf, header.sh_link, entry.st_name);

			symbols++;
			if (entry.st_shndx == SHN_UNDEF)
				fail_msg("%s is not defined", name);
		}
	}
	assert_true(symbols > 10);
}

static void test_entry(void **state)
{
	struct image *image = *state;
	GElf_Ehdr header;

	assert_non_null(gelf_getehdr(image->elf, &header));
	assert_int_equal(header.e_entry, 0);
	assert_int_equal(symbol(image->elf, "purgatory_entry"), 0);
	assert_int_equal(symbol(image->elf, "purgatory_params"), PURGATORY_PARAMS_OFFSET);
}

/* What the loader embeds is what was linked, and its parameter block has what the
 * link fills in and nothing else. */
static void test_flat_image(void **state)
{
	struct image *image = *state;
	size_t size = (size_t)(purgatory_image_end - purgatory_image);
	struct purgatory_params params, expected = {
		.magic = PURGATORY_MAGIC,
		.version = PURGATORY_ABI_VERSION,
		.params_size = sizeof(params),
		.image_size = symbol(image->elf, "purgatory_end"),
	};
	uint64_t end = 0;
	GElf_Phdr header;

	for (int i = 0; gelf_getphdr(image->elf, i, &header); i++) {
		char part[IMAGE_SIZE_MAX];

		if (header.p_type != PT_LOAD)
			continue;
		assert_true(header.p_vaddr + header.p_filesz <= size);
		assert_int_equal(pread(image->fd, part, header.p_filesz, (off_t)header.p_offset),
				 header.p_filesz);
		assert_memory_equal(part, purgatory_image + header.p_vaddr, header.p_filesz);
		if (header.p_vaddr + header.p_filesz > end)
			end = header.p_vaddr + header.p_filesz;
	}
	assert_int_equal(end, size);
	assert_in_range(size, 4096, IMAGE_SIZE_MAX);
	memcpy(&params, purgatory_image + PURGATORY_PARAMS_OFFSET, sizeof(params));
	assert_memory_equal(&params, &expected, sizeof(params));
	assert_in_range(params.image_size, size + 0x4000, IMAGE_AND_BSS_MAX);
	assert_memory_equal(&params.magic, "PURGATOR", 8);
}

/* Registers that are off or stay as they are found, and instructions that a confidential guest
 * cannot execute or not every processor has: in the functions alone that are called where they
 * can be. */
static const struct {
	const char *word;
	const char *where[2];
} forbidden[] = {
	{ "%xmm", { "sha256_blocks_ni_2" } },
	{ "%ymm", { "sha256_blocks_avx2_8" } },
	{ "%zmm", { "sha256_blocks_avx512_16" } },
	{ "vzeroupper", { "sha256_blocks_avx2_8", "sha256_blocks_avx512_16" } },
	{ "%mm", { NULL } },
	{ "%st", { NULL } },
	{ "%cr0", { "purgatory_main", "leave_long_mode" } },
	{ "%cr3", { NULL } },
	{ "%cr4", { "purgatory_main", "leave_long_mode" } },
	{ "cpuid", { "purgatory_main", "sha256_hashes" } },
	{ "xgetbv", { "purgatory_main", "sha256_hashes" } },
	{ "xsetbv", { "purgatory_main" } },
	{ "rdmsr", { "leave_long_mode" } },
	{ "wrmsr", { "leave_long_mode" } },
	{ "rorx", { NULL } },
	{ "andn", { NULL } },
	{ "popcnt", { NULL } },
	{ "sti", { NULL } },
	{ "(bad)", { NULL } },
};

static void check_instruction(const char *instruction, const char *function)
{
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		const char *word = forbidden[i].word, *found = strstr(instruction, word);
		const char *const *where = forbidden[i].where;

		if (!found || (word[0] != '%' && found != instruction))
			continue;
		for (size_t j = 0; found && j < 2 && where[j]; j++)
			if (!strcmp(where[j], function))
				found = NULL;
		if (found)
			fail_msg("%s in %s", instruction, function);
	}
}

static void test_instructions(void **state)
{
	char line[512], function[128] = "";
	int instructions = 0;
	FILE *objdump = popen("objdump -d --no-show-raw-insn " PURGATORY_ELF, "re");

	(void)state;
	assert_non_null(objdump);
	while (fgets(line, sizeof(line), objdump)) {
		const char *instruction = strchr(line, '\t');

		sscanf(line, "%*x <%127[^>]>:", function);
		if (!instruction)
			continue;
		instructions++;
		check_instruction(instruction + 1, function);
	}
	assert_int_equal(pclose(objdump), 0);
	assert_true(instructions > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_link),
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_flat_image),
		cmocka_unit_test(test_instructions),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
