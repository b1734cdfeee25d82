/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/vmcore.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* arch/x86/include/asm/page_64_types.h: __START_KERNEL_map, KERNEL_IMAGE_SIZE at most. */
#define KERNEL_MAP_START 0xffffffff80000000
#define KERNEL_MAP_SIZE	 0x40000000

/* Intel SDM volume 3, 4.5: entries of 4- and 5-level page tables. */
#define PTE_PRESENT   0x1
#define PTE_LARGE     0x80
#define PTE_ADDRESS   0x000ffffffffff000
#define TABLE_INDEX   0x1ff
#define PAGE_SHIFT    12
#define LEVEL_SHIFT   9
#define LARGEST_LEVEL 3 /* of a page: 1 GiB */

enum {
	HEADERS_MAX = 8 << 20,
	NOTES_MAX = 64 << 20, /* all of them; 368 bytes for each of 8,192 CPUs are 3 MiB */
	INFO_MAX = 1 << 20,   /* the kernel's is one page: include/linux/vmcore_info.h */
	NOTE_HEADER_SIZE = 12,
	PAGE_SIZE = 1 << PAGE_SHIFT,
};

static int read_at(const struct vmcore *vmcore, uint64_t offset, size_t size, struct buf *to,
		   struct err *err)
{
	if (buf_extend(to, size, err))
		return -1;
	return size ? vmcore->file.read(vmcore->file.context, offset, to->data, size, err) : 0;
}

static uint64_t note_align(uint64_t size)
{
	return (size + 3) & ~UINT64_C(3);
}

/* The description of the note VMCOREINFO, if it is among these. */
static bool find_info(struct bytes notes, struct bytes *ret)
{
	static const char name[] = "VMCOREINFO";
	struct cursor at = cursor_at(notes, 0);

	while (at.offset + NOTE_HEADER_SIZE <= notes.size) {
		uint32_t name_size = cursor_u32(&at), size = cursor_u32(&at);
		uint64_t name_at = at.offset + 4, text_at = name_at + note_align(name_size);
		struct bytes found;

		if (!name_size && !size)
			return false;
		if (name_size == sizeof(name) &&
		    bytes_slice(notes, name_at, sizeof(name), &found) &&
		    !memcmp(found.data, name, sizeof(name)))
			return bytes_slice(notes, text_at, size, ret);
		if (text_at + note_align(size) > notes.size)
			return false;
		at = cursor_at(notes, text_at + note_align(size));
	}
	return false;
}

/* *room: how many bytes the notes still may have. */
static int find_info_in(struct vmcore *vmcore, const Elf64_Phdr *phdr, uint64_t *room,
			struct err *err)
{
	struct buf notes CLEANUP(buf_done) = { 0 };
	struct bytes text;

	if (phdr->p_filesz > *room)
		return err_set(
			err, ERR_INPUT, "notes of 0x%llx bytes at offset 0x%llx are too many",
			(unsigned long long)phdr->p_filesz, (unsigned long long)phdr->p_offset);
	*room -= phdr->p_filesz;
	if (read_at(vmcore, phdr->p_offset, phdr->p_filesz, &notes, err))
		return err_prefix(err, "notes");
	if (!find_info(buf_bytes(&notes), &text))
		return 0;
	if (text.size > INFO_MAX)
		return err_set(err, ERR_INPUT, "VMCOREINFO of 0x%zx bytes is too long", text.size);
	vmcore->info = strndup((const char *)text.data, text.size);
	return vmcore->info ? 0 : err_no_memory(err);
}

/* A dump of another format, by what it begins with: another program reads it. */
static int refuse_others(const struct buf *headers, struct err *err)
{
	if (!memcmp(headers->data, "KDUMP   ", 8))
		return err_set(err, ERR_INPUT,
			       "a dump in makedumpfile's compressed format, no ELF file");
	if (!memcmp(headers->data, "makedumpfile", 13))
		return err_set(err, ERR_INPUT,
			       "a dump in makedumpfile's flattened format, no ELF file");
	if (!memcmp(headers->data, "DISKDUMP", 8))
		return err_set(err, ERR_INPUT, "a dump in diskdump's format, no ELF file");
	return 0;
}

int vmcore_open(const struct vmcore_file *file, struct vmcore *ret, struct err *err)
{
	struct vmcore vmcore CLEANUP(vmcore_done) = { .file = *file };
	struct buf headers CLEANUP(buf_done) = { 0 };
	Elf64_Ehdr ehdr;
	uint64_t size, room = NOTES_MAX, five_levels = 0;

	if (read_at(&vmcore, 0, KCORE_ELF_HEADER_SIZE, &headers, err) ||
	    refuse_others(&headers, err) || kcore_headers_size(buf_bytes(&headers), &size, err))
		return -1;
	memcpy(&ehdr, headers.data, sizeof(ehdr));
	if (ehdr.e_type != ET_CORE || ehdr.e_machine != EM_X86_64 || size > HEADERS_MAX)
		return err_set(err, ERR_INPUT,
			       "an ELF file of type %u for machine %u with headers up to 0x%llx is "
			       "no vmcore of an x86-64 kernel",
			       ehdr.e_type, ehdr.e_machine, (unsigned long long)size);
	if (read_at(&vmcore, 0, size, &headers, err))
		return -1;
	for (uint64_t at = ehdr.e_phoff; at < size; at += sizeof(Elf64_Phdr)) {
		Elf64_Phdr phdr;

		memcpy(&phdr, headers.data + at, sizeof(phdr));
		if (phdr.p_type == PT_NOTE && !vmcore.info &&
		    find_info_in(&vmcore, &phdr, &room, err))
			return -1;
		/* What a filtered dump left out is not in the file. */
		phdr.p_memsz = phdr.p_filesz;
		memcpy(headers.data + at, &phdr, sizeof(phdr));
	}
	if (kcore_parse(buf_bytes(&headers), &vmcore.memory, err))
		return -1;
	if (!vmcore.info)
		return err_set(
			err, ERR_INPUT,
			"none of the notes is VMCOREINFO: the crashed kernel did not say where "
			"its log is (was it loaded with a kernel that hides "
			"/sys/kernel/vmcoreinfo, or is this a core of a process?)");
	vmcore.has_phys_base = vmcore_value(&vmcore, "NUMBER", "phys_base", &vmcore.phys_base);
	vmcore_value(&vmcore, "SYMBOL", "swapper_pg_dir", &vmcore.swapper_pg_dir);
	vmcore_value(&vmcore, "NUMBER", "sme_mask", &vmcore.encryption);
	vmcore_value(&vmcore, "NUMBER", "pgtable_l5_enabled", &five_levels);
	vmcore.levels = five_levels ? 5 : 4;
	*ret = vmcore;
	vmcore = (struct vmcore){ 0 };
	return 0;
}

void vmcore_done(struct vmcore *vmcore)
{
	kcore_done(&vmcore->memory);
	free(vmcore->info);
	*vmcore = (struct vmcore){ 0 };
}

bool vmcore_value(const struct vmcore *vmcore, const char *kind, const char *name, uint64_t *ret)
{
	struct bytes rest = { (const uint8_t *)vmcore->info, strlen(vmcore->info) }, line;
	unsigned int base = strcmp(kind, "SYMBOL") ? 10 : 16;
	char key[128];
	size_t length;

	length = (size_t)snprintf(key, sizeof(key), "%s(%s)=", kind, name);
	while (bytes_next_line(&rest, &line)) {
		const char *text = (const char *)line.data + length;
		bool negative;

		if (line.size <= length || memcmp(line.data, key, length))
			continue;
		negative = *text == '-';
		if (!num_parse(text + negative, line.size - length - negative, base, ret))
			return false;
		*ret = negative ? -*ret : *ret;
		return true;
	}
	return false;
}

int vmcore_require(const struct vmcore *vmcore, const char *kind, const char *name, uint64_t *ret,
		   struct err *err)
{
	if (vmcore_value(vmcore, kind, name, ret))
		return 0;
	return err_set(err, ERR_INPUT, "VMCOREINFO has no %s(%s)", kind, name);
}

static int read_physical(const struct vmcore *vmcore, phys_t address, void *to, size_t size,
			 struct err *err)
{
	uint64_t offset;

	if (!kcore_find(&vmcore->memory, address, size, &offset))
		return err_set(err, ERR_INPUT,
			       "physical address " PHYS_FMT " is in no program header",
			       PHYS(address));
	return vmcore->file.read(vmcore->file.context, offset, to, size, err);
}

/* The kernel's image; false if the address is not in its map, or its place is not told. */
static bool in_kernel_map(const struct vmcore *vmcore, uint64_t address, phys_t *ret)
{
	if (address < KERNEL_MAP_START || address - KERNEL_MAP_START >= KERNEL_MAP_SIZE ||
	    !vmcore->has_phys_base)
		return false;
	*ret = address - KERNEL_MAP_START + vmcore->phys_base;
	return true;
}

static int walk(const struct vmcore *vmcore, uint64_t address, phys_t *ret, struct err *err)
{
	uint64_t entry;
	phys_t at;

	if (!vmcore->swapper_pg_dir)
		return err_set(err, ERR_INPUT,
			       "address 0x%llx is in no program header, and VMCOREINFO has no "
			       "SYMBOL(swapper_pg_dir)",
			       (unsigned long long)address);
	if (!in_kernel_map(vmcore, vmcore->swapper_pg_dir, &at))
		return err_set(err, ERR_INPUT, "where the page tables at 0x%llx are is not known",
			       (unsigned long long)vmcore->swapper_pg_dir);
	for (int level = vmcore->levels; level; level--) {
		int shift = PAGE_SHIFT + (level - 1) * LEVEL_SHIFT;
		uint64_t offset_mask = (UINT64_C(1) << shift) - 1;

		if (read_physical(vmcore, at + 8 * (address >> shift & TABLE_INDEX), &entry,
				  sizeof(entry), err))
			return -1;
		if (!(entry & PTE_PRESENT))
			break;
		at = entry & PTE_ADDRESS & ~vmcore->encryption;
		if (level == 1 || (level <= LARGEST_LEVEL && entry & PTE_LARGE)) {
			*ret = (at & ~offset_mask) | (address & offset_mask);
			return 0;
		}
	}
	return err_set(err, ERR_INPUT,
		       "address 0x%llx is in no program header and not in the page tables",
		       (unsigned long long)address);
}

/* Within one page. */
static int read_in_page(const struct vmcore *vmcore, uint64_t address, void *to, size_t size,
			struct err *err)
{
	phys_t physical = 0;

	for (size_t i = 0; i < vmcore->memory.count; i++) {
		const struct kcore_segment *segment = &vmcore->memory.segment[i];

		if (segment->vaddr && address >= segment->vaddr &&
		    address - segment->vaddr < segment->size &&
		    size <= segment->size - (address - segment->vaddr))
			return vmcore->file.read(vmcore->file.context,
						 segment->offset + (address - segment->vaddr), to,
						 size, err);
	}
	if (!in_kernel_map(vmcore, address, &physical) && walk(vmcore, address, &physical, err))
		return -1;
	return read_physical(vmcore, physical, to, size, err);
}

size_t vmcore_read_part(const struct vmcore *vmcore, uint64_t address, void *to, size_t size,
			struct err *err)
{
	uint8_t *next = to;
	size_t done = 0;

	while (done < size) {
		size_t part = PAGE_SIZE - ((address + done) & (PAGE_SIZE - 1));

		part = part < size - done ? part : size - done;
		if (read_in_page(vmcore, address + done, next + done, part, err))
			break;
		done += part;
	}
	return done;
}

int vmcore_read(const struct vmcore *vmcore, uint64_t address, void *to, size_t size,
		struct err *err)
{
	return vmcore_read_part(vmcore, address, to, size, err) == size ? 0 : -1;
}
