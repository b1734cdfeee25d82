/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/vmlinux.h"

#include <elf.h>
#include <string.h>

#include "kexec/core/decompress.h"

enum {
	/* At the end of every compressed payload: the size of what is in it. gzip has it, and
	 * scripts/Makefile.lib adds it to the others. */
	PAYLOAD_SIZE_FIELD = 4,
	SEGMENT_ALIGNMENT = 0x200000,
	LISTS_MAX = 3,
};

static int unpack_payload(const struct bzimage *image, const struct progress *progress,
			  struct buf *ret, struct err *err)
{
	struct bytes payload = image->payload;
	const char *format = decompress_format(payload);
	struct cursor cursor;

	if (payload.size <= PAYLOAD_SIZE_FIELD)
		return err_set(err, ERR_INPUT, "its setup header names no payload");
	cursor = cursor_at(payload, payload.size - PAYLOAD_SIZE_FIELD);
	if (format && strcmp(format, "gzip"))
		payload.size -= PAYLOAD_SIZE_FIELD;
	if (decompress_sized(payload, cursor_u32(&cursor), progress, ret, err))
		return err_prefix(err, "its payload");
	return 0;
}

/* --- the ELF file ---------------------------------------------------------- */

/* What is moved: from the file to the image, in ascending order of both. */
struct segments {
	struct vmlinux *vmlinux;
	uint64_t end;	   /* of the last one in the image, with its memory, from its beginning */
	uint64_t file_end; /* of the last one in the file */
	uint64_t size;	   /* of the image up to the last one's last byte of the file */
};

static int unknown_layout(struct err *err, const Elf64_Phdr *phdr)
{
	return err_set(err, ERR_INPUT,
		       "a segment of its ELF file (offset 0x%llx, address 0x%llx, 0x%llx bytes of "
		       "0x%llx) lies where none of a kernel does",
		       (unsigned long long)phdr->p_offset, (unsigned long long)phdr->p_paddr,
		       (unsigned long long)phdr->p_filesz, (unsigned long long)phdr->p_memsz);
}

/* Downwards only, so that no segment is moved over one that is yet to be. */
static int add_segment(struct segments *segments, const Elf64_Phdr *phdr, struct err *err)
{
	struct vmlinux *vmlinux = segments->vmlinux;
	uint8_t *image;
	struct bytes file;
	uint64_t to;

	if (phdr->p_align % SEGMENT_ALIGNMENT || phdr->p_filesz > phdr->p_memsz ||
	    phdr->p_memsz > VMLINUX_IMAGE_MAX || phdr->p_paddr < vmlinux->pref_address ||
	    phdr->p_offset < segments->file_end ||
	    !bytes_slice(buf_bytes(&vmlinux->unpacked), phdr->p_offset, phdr->p_filesz, &file))
		return unknown_layout(err, phdr);
	to = phdr->p_paddr - vmlinux->pref_address;
	if (!segments->end)
		vmlinux->at = phdr->p_offset;
	if ((!segments->end && to) || to < segments->end ||
	    to > VMLINUX_IMAGE_MAX - phdr->p_memsz || vmlinux->at + to > phdr->p_offset)
		return unknown_layout(err, phdr);
	image = vmlinux->unpacked.data + vmlinux->at;
	memset(image + segments->size, 0, to - segments->size);
	if (vmlinux->at + to != phdr->p_offset)
		memmove(image + to, file.data, file.size);
	segments->file_end = phdr->p_offset + phdr->p_filesz;
	segments->size = to + phdr->p_filesz;
	segments->end = to + phdr->p_memsz;
	return 0;
}

static int read_header(struct bytes file, Elf64_Ehdr *ret, struct err *err)
{
	Elf64_Ehdr ehdr;

	if (file.size < sizeof(ehdr))
		return err_set(err, ERR_INPUT, "its payload has %zu bytes, and is no ELF file",
			       file.size);
	memcpy(&ehdr, file.data, sizeof(ehdr));
	if (memcmp(ehdr.e_ident, ELFMAG, SELFMAG) || ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
	    ehdr.e_ident[EI_DATA] != ELFDATA2LSB || ehdr.e_machine != EM_X86_64 ||
	    ehdr.e_type != ET_EXEC || ehdr.e_phentsize != sizeof(Elf64_Phdr))
		return err_set(err, ERR_INPUT,
			       "its payload is no 64-bit ELF file of a kernel for x86-64");
	*ret = ehdr;
	return 0;
}

/* The program headers lie in front of the segments, so that moving those leaves them as they are. */
static int move_segments(const Elf64_Ehdr *ehdr, struct segments *segments, struct err *err)
{
	struct vmlinux *vmlinux = segments->vmlinux;
	struct bytes headers;

	if (!bytes_slice(buf_bytes(&vmlinux->unpacked), ehdr->e_phoff,
			 (uint64_t)ehdr->e_phnum * sizeof(Elf64_Phdr), &headers))
		return err_set(err, ERR_INPUT, "its ELF file's program headers lie outside it");
	segments->file_end = ehdr->e_phoff + headers.size;
	for (unsigned int i = 0; i < ehdr->e_phnum; i++) {
		Elf64_Phdr phdr;

		memcpy(&phdr, headers.data + i * sizeof(phdr), sizeof(phdr));
		if (phdr.p_type == PT_LOAD && phdr.p_memsz && add_segment(segments, &phdr, err))
			return -1;
	}
	vmlinux->mem_size = segments->end;
	vmlinux->entry = ehdr->e_entry - vmlinux->pref_address;
	if (ehdr->e_entry < vmlinux->pref_address || vmlinux->entry >= segments->size)
		return err_set(err, ERR_INPUT, "its ELF file's entry, 0x%llx, is in no segment",
			       (unsigned long long)ehdr->e_entry);
	return 0;
}

/* Where the first section at or behind `at` begins that has nothing in a file; the image's end without one. */
static size_t next_bss(const struct vmlinux *vmlinux, size_t at)
{
	size_t first = vmlinux->size;
	struct bytes headers;
	Elf64_Ehdr ehdr;

	memcpy(&ehdr, vmlinux->unpacked.data, sizeof(ehdr));
	if (ehdr.e_shentsize != sizeof(Elf64_Shdr) ||
	    !bytes_slice(buf_bytes(&vmlinux->unpacked), ehdr.e_shoff,
			 (uint64_t)ehdr.e_shnum * sizeof(Elf64_Shdr), &headers))
		return first;
	for (unsigned int i = 0; i < ehdr.e_shnum; i++) {
		uint64_t begin;
		Elf64_Shdr shdr;

		memcpy(&shdr, headers.data + i * sizeof(shdr), sizeof(shdr));
		begin = shdr.sh_addr - VMLINUX_MAP - vmlinux->pref_address;
		if (shdr.sh_type == SHT_NOBITS && begin >= at && begin < first)
			first = begin;
	}
	return first;
}

/*
 * Zeros at the end need not be loaded: all memory besides what is loaded is zeros. Those that are data are: they are
 * verified as other bytes are.
 */
static void drop_zeros(struct vmlinux *vmlinux)
{
	const uint8_t *image = vmlinux->unpacked.data + vmlinux->at;
	size_t end = vmlinux->size;

	while (end > vmlinux->entry + 1 && !image[end - 1])
		end--;
	vmlinux->size = next_bss(vmlinux, end);
}

/* --- relocations ------------------------------------------------------------- */

/*
 * Little-endian words of 32 bits: lists of virtual addresses, each list behind a zero. First those
 * of 64-bit addresses, then, before 6.15, of 32-bit ones that fall as the kernel rises, then of
 * 32-bit ones.
 */
static int find_relocations(const Elf64_Ehdr *ehdr, uint64_t segments_end, struct vmlinux *vmlinux,
			    struct err *err)
{
	struct bytes unpacked = buf_bytes(&vmlinux->unpacked), table;
	uint64_t at = ehdr->e_shoff + (uint64_t)ehdr->e_shnum * ehdr->e_shentsize;
	struct cursor cursor;

	if (!ehdr->e_shoff || ehdr->e_shoff > unpacked.size || at < segments_end ||
	    !bytes_slice(unpacked, at, unpacked.size - at, &table))
		return err_set(err, ERR_INPUT, "its ELF file's section headers are not its end");
	if (!table.size)
		return 0;
	cursor = cursor_at(table, 0);
	for (size_t i = 0; i < table.size / 4; i++) {
		bool begins = !cursor_u32(&cursor);

		if (!i && !begins)
			break;
		vmlinux->nr_lists += begins;
	}
	if (table.size % 4 || vmlinux->nr_lists < 2 || vmlinux->nr_lists > LISTS_MAX)
		return err_set(err, ERR_INPUT,
			       "its relocations are of an unknown form: %zu bytes, %u lists",
			       table.size, vmlinux->nr_lists);
	vmlinux->relocations = table;
	return 0;
}

uint64_t vmlinux_places(const struct vmlinux *vmlinux, uint64_t alignment)
{
	uint64_t size = vmlinux->mem_size, used;

	if (size < vmlinux->unpacked.size)
		size = vmlinux->unpacked.size;
	if (!num_align_up(vmlinux->pref_address + size, SEGMENT_ALIGNMENT, &used) ||
	    !vmlinux->relocations.size || used >= VMLINUX_IMAGE_MAX)
		return 1;
	return (VMLINUX_IMAGE_MAX - used) / alignment + 1;
}

static void add_to(uint8_t *at, size_t size, uint64_t value)
{
	uint64_t number = 0;

	memcpy(&number, at, size);
	number += value;
	memcpy(at, &number, size);
}

int vmlinux_relocate(struct vmlinux *vmlinux, uint64_t offset, struct err *err)
{
	struct cursor cursor = cursor_at(vmlinux->relocations, 0);
	uint8_t *image = vmlinux->unpacked.data + vmlinux->at;
	unsigned int list = 0;

	for (size_t i = 0; offset && i < vmlinux->relocations.size / 4; i++) {
		uint32_t word = cursor_u32(&cursor);
		/* A virtual address, of which the upper half is all ones. */
		uint64_t at = (0xffffffff00000000 | word) - VMLINUX_MAP - vmlinux->pref_address;
		size_t size = list == 1 ? 8 : 4;
		bool falls;

		if (!word) {
			list++;
			continue;
		}
		if (at > vmlinux->size || size > vmlinux->size - at)
			return err_set(err, ERR_INPUT,
				       "its relocation %zu, 0x%x, points outside the kernel", i,
				       word);
		falls = list == 2 && vmlinux->nr_lists == LISTS_MAX;
		add_to(image + at, size, falls ? -offset : offset);
	}
	drop_zeros(vmlinux);
	return 0;
}

/* --- all of it ------------------------------------------------------------------ */

int vmlinux_from_elf(struct buf *elf, uint64_t pref_address, struct vmlinux *ret, struct err *err)
{
	struct vmlinux vmlinux CLEANUP(vmlinux_done) = {
		.unpacked = *elf,
		.pref_address = pref_address,
	};
	struct segments segments = { .vmlinux = &vmlinux };
	Elf64_Ehdr ehdr = { 0 };

	*elf = (struct buf){ 0 };
	if (read_header(buf_bytes(&vmlinux.unpacked), &ehdr, err) ||
	    move_segments(&ehdr, &segments, err) ||
	    find_relocations(&ehdr, segments.file_end, &vmlinux, err))
		return -1;
	vmlinux.size = segments.size;
	*ret = vmlinux;
	vmlinux = (struct vmlinux){ 0 };
	return 0;
}

int vmlinux_unpack(const struct bzimage *image, const struct progress *progress,
		   struct vmlinux *ret, struct err *err)
{
	struct buf unpacked CLEANUP(buf_done) = { 0 };

	if (unpack_payload(image, progress, &unpacked, err))
		return -1;
	return vmlinux_from_elf(&unpacked, image->footprint.pref_address, ret, err);
}

void vmlinux_done(struct vmlinux *vmlinux)
{
	buf_done(&vmlinux->unpacked);
	*vmlinux = (struct vmlinux){ 0 };
}
