/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: a kernel's ELF file with its relocations, as a payload expands to. */
#include <elf.h>

#include "kexec/x86/vmlinux.h"
#include "tests/fuzz/fuzz.h"

enum { BASE = 0x1000000, SMALL = 1 << 20, RISE = 0x1200000 };

/* The image once more, in memory of its own: false if it is too large for that. */
static bool model(struct bytes file, uint64_t mem_size, uint8_t *ret)
{
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr;

	if (mem_size > SMALL)
		return false;
	memcpy(&ehdr, file.data, sizeof(ehdr));
	memset(ret, 0, SMALL);
	for (unsigned int i = 0; i < ehdr.e_phnum; i++) {
		memcpy(&phdr, file.data + ehdr.e_phoff + i * sizeof(phdr), sizeof(phdr));
		if (phdr.p_type == PT_LOAD && phdr.p_memsz)
			memcpy(ret + (phdr.p_paddr - BASE), file.data + phdr.p_offset,
			       phdr.p_filesz);
	}
	return true;
}

/* The bytes are the model's, and behind them the model has zeros; but what is relocated. */
static void check_image(const struct vmlinux *vmlinux, const uint8_t *expected)
{
	struct bytes image = vmlinux_image(vmlinux);

	require(!memcmp(image.data, expected, image.size));
	for (uint64_t i = image.size; i < vmlinux->mem_size; i++)
		require(!expected[i]);
}

static int take(struct bytes file, struct vmlinux *ret, struct err *err)
{
	struct buf copy = { 0 };
	int failed;

	require(!buf_append(&copy, file.data, file.size, err));
	failed = vmlinux_from_elf(&copy, BASE, ret, err);
	require(!copy.data);
	return failed;
}

/* As a payload, which is compressed: hardly ever. */
static void unpack(struct bytes payload)
{
	const struct bzimage image = { .payload = payload, .footprint.pref_address = BASE };
	struct vmlinux vmlinux CLEANUP(vmlinux_done) = { 0 };
	struct err err = { 0 };

	if (vmlinux_unpack(&image, NULL, &vmlinux, &err))
		require((err.code == ERR_INPUT || err.code == ERR_DAMAGED) &&
			is_sentence(err.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t expected[SMALL];
	struct bytes file = { data, size };
	struct vmlinux vmlinux = { 0 };
	struct err err = { 0 };

	unpack(file);
	if (take(file, &vmlinux, &err)) {
		require(err.code == ERR_INPUT && is_sentence(err.text));
		require(!vmlinux.unpacked.data);
		return 0;
	}
	require(vmlinux.size <= vmlinux.mem_size && vmlinux.mem_size <= VMLINUX_IMAGE_MAX);
	require(vmlinux.entry < vmlinux.size);
	require(vmlinux.relocations.size % 4 == 0);
	require(vmlinux_places(&vmlinux, 0x200000) >= 1 &&
		vmlinux_places(&vmlinux, 0x200000) <= 504);
	require(!vmlinux_relocate(&vmlinux, 0, &err));
	require(vmlinux.entry < vmlinux.size);
	if (model(file, vmlinux.mem_size, expected))
		check_image(&vmlinux, expected);
	vmlinux_done(&vmlinux);

	require(!take(file, &vmlinux, &err));
	if (vmlinux_relocate(&vmlinux, RISE, &err))
		require(err.code == ERR_INPUT && is_sentence(err.text));
	vmlinux_done(&vmlinux);
	return 0;
}
