/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Input: a file that may have a multiboot header, or be an ELF executable. What is parsed is looked for again,
 * and loaded, and compared byte by byte.
 */
#include <string.h>

#include "kexec/x86/multiboot.h"
#include "kexec/x86/program.h"
#include "tests/fuzz/fuzz.h"

enum { SMALL = 1 << 20 };

static uint32_t word(struct bytes file, size_t at)
{
	return file.data[at] | file.data[at + 1] << 8 | file.data[at + 2] << 16 |
	       (uint32_t)file.data[at + 3] << 24;
}

/* The specifications' words, byte for byte. */
static unsigned int version_of(struct bytes file, size_t *ret_at)
{
	for (size_t at = 0; at + 16 <= file.size && at + 16 <= 32768; at += 8)
		if (word(file, at) == 0xe85250d6 && !word(file, at + 4) &&
		    word(file, at + 8) + word(file, at + 12) == -0xe85250d6) {
			*ret_at = at;
			return 2;
		}
	for (size_t at = 0; at + 12 <= file.size && at + 12 <= 8192; at += 4)
		if (word(file, at) == 0x1badb002 &&
		    word(file, at + 4) + word(file, at + 8) == -0x1badb002U) {
			*ret_at = at;
			return 1;
		}
	return 0;
}

static void check_segments(struct bytes file, const struct segments *segments)
{
	struct vmlinux vmlinux = { 0 };
	bool is_entered = false;
	struct err err;

	require(segments->count && segments->count <= SEGMENTS_OF_FILE_MAX);
	for (size_t i = 0; i < segments->count; i++) {
		const struct segment *a = &segments->segment[i];

		require(a->offset <= file.size && a->file_size <= file.size - a->offset);
		require(a->mem_size && a->file_size <= a->mem_size);
		require(a->address >= segments->start && a->address + a->mem_size <= segments->end);
		is_entered |= segments->entry >= a->address &&
			      segments->entry < a->address + a->file_size;
		for (size_t j = 0; j < i; j++) {
			const struct segment *b = &segments->segment[j];

			require(a->address + a->mem_size <= b->address ||
				b->address + b->mem_size <= a->address);
		}
	}
	require(is_entered);
	/* Not what takes long. */
	if (segments->end - segments->start > SMALL)
		return;
	require(!segments_load(file, segments, &vmlinux, &err));
	require(vmlinux.pref_address % PAGE_SIZE_4K == 0 &&
		vmlinux.pref_address <= segments->start);
	require(vmlinux.pref_address + vmlinux.entry == segments->entry);
	require(vmlinux.size <= vmlinux.mem_size && vmlinux.entry < vmlinux.size);
	for (uint64_t at = 0; at < vmlinux.size; at++) {
		uint64_t address = vmlinux.pref_address + at;
		uint8_t byte = 0;

		for (size_t i = 0; i < segments->count; i++)
			if (address >= segments->segment[i].address &&
			    address < segments->segment[i].address + segments->segment[i].file_size)
				byte = file.data[segments->segment[i].offset +
						 (address - segments->segment[i].address)];
		require(vmlinux_image(&vmlinux).data[at] == byte);
	}
	vmlinux_done(&vmlinux);
}

static void check_kernel(struct bytes file, const struct multiboot *kernel)
{
	check_segments(file, &kernel->segments);
	require(kernel->segments.end <= FOUR_GIB);
	if (kernel->relocatable)
		require(kernel->version == 2 && num_is_power_of_two(kernel->align) &&
			kernel->min < kernel->max && kernel->max <= FOUR_GIB);
}

/* The input is a log, too. */
static void check_rsdp(const struct rsdp *rsdp)
{
	uint8_t first = 0, all = 0;

	if (!rsdp->size)
		return;
	require(rsdp->size == RSDP_SIZE_0 || rsdp->size == RSDP_SIZE);
	for (size_t i = 0; i < rsdp->size; i++) {
		first = (uint8_t)(first + (i < RSDP_SIZE_0 ? rsdp->bytes[i] : 0));
		all = (uint8_t)(all + rsdp->bytes[i]);
	}
	require(!first && !all && !memcmp(rsdp->bytes, "RSD PTR ", 8));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes file = { data, size };
	struct multiboot kernel = { .version = 7 };
	struct segments segments = { .count = 77 };
	struct bzimage image = { .protocol = 7 };
	struct err err = { 0 };
	struct rsdp rsdp;
	size_t at = 0;
	unsigned int version = version_of(file, &at);
	int failed;

	rsdp_from_log(file, &rsdp);
	check_rsdp(&rsdp);
	require(multiboot_version(file) == version);
	failed = version ? multiboot_parse(file, &kernel, &err)
			 : segments_of_elf(file, NULL, false, &segments, &err);
	if (failed) {
		require((err.code == ERR_INPUT || err.code == ERR_DAMAGED) &&
			is_sentence(err.text));
		require(kernel.version == 7 && segments.count == 77);
		if (version)
			require(image_parse(file, &image, &err) && image.protocol == 7);
		return 0;
	}
	if (version) {
		require(kernel.version == version && kernel.offset == at);
		check_kernel(file, &kernel);
		require(!image_parse(file, &image, &err) && image.is_program && image.entry_32bit);
		require(image.footprint.init_size % PAGE_SIZE_4K == 0);
	} else {
		check_segments(file, &segments);
	}
	return 0;
}
