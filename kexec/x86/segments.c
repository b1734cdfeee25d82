/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/segments.h"

#include <elf.h>
#include <string.h>

bool segments_are_elf(struct bytes file)
{
	return file.size >= SELFMAG && !memcmp(file.data, ELFMAG, SELFMAG);
}

/* What both classes have, as far as it is asked for. */
struct elf_header {
	uint8_t class;
	uint16_t type, machine, phentsize, phnum;
	uint64_t entry, phoff;
};

static const char *type_name(uint16_t type)
{
	switch (type) {
	case ET_REL:
		return "an object, or a module of a kernel";
	case ET_DYN:
		return "a program of an operating system, or a library, which is position-independent";
	case ET_CORE:
		return "a dump of a process, or of a kernel";
	default:
		return "nothing that is known";
	}
}

static int read_header(struct bytes file, struct elf_header *ret, struct err *err)
{
	Elf32_Ehdr small;
	Elf64_Ehdr large;
	struct elf_header header;
	uint16_t size;

	if (file.size < sizeof(small))
		return err_set(err, ERR_DAMAGED, "an ELF file of %zu bytes: it is cut", file.size);
	memcpy(&small, file.data, sizeof(small));
	header = (struct elf_header){
		small.e_ident[EI_CLASS], small.e_type,	small.e_machine, small.e_phentsize,
		small.e_phnum,		 small.e_entry, small.e_phoff
	};
	size = sizeof(Elf32_Phdr);
	if (header.class == ELFCLASS64) {
		if (file.size < sizeof(large))
			return err_set(err, ERR_DAMAGED, "an ELF file of %zu bytes: it is cut",
				       file.size);
		memcpy(&large, file.data, sizeof(large));
		header = (struct elf_header){ ELFCLASS64,	 large.e_type,	large.e_machine,
					      large.e_phentsize, large.e_phnum, large.e_entry,
					      large.e_phoff };
		size = sizeof(Elf64_Phdr);
	}
	if (small.e_ident[EI_DATA] != ELFDATA2LSB ||
	    !((header.class == ELFCLASS64 && header.machine == EM_X86_64) ||
	      (header.class == ELFCLASS32 && header.machine == EM_386)))
		return err_set(err, ERR_INPUT,
			       "an ELF file of class %u for machine %u: not for x86-64",
			       header.class, header.machine);
	if (header.type != ET_EXEC)
		return err_set(err, ERR_INPUT, "%s (an ELF file of type %u): no kernel",
			       type_name(header.type), header.type);
	if (header.phentsize != size)
		return err_set(err, ERR_INPUT,
			       "an ELF file with program headers of %u bytes: no kernel",
			       header.phentsize);
	*ret = header;
	return 0;
}

int segments_add(struct bytes file, const struct segment *segment, struct segments *segments,
		 struct err *err)
{
	struct bytes ignored;
	struct range range;

	if (segment->file_size > segment->mem_size ||
	    !range_from_size(segment->address, segment->mem_size, &range) ||
	    segments->count == SEGMENTS_OF_FILE_MAX)
		return err_set(err, ERR_INPUT,
			       "segment %zu of the ELF file, 0x%llx bytes of 0x%llx at 0x%llx, is "
			       "none of a kernel",
			       segments->count, (unsigned long long)segment->file_size,
			       (unsigned long long)segment->mem_size,
			       (unsigned long long)segment->address);
	if (!bytes_slice(file, segment->offset, segment->file_size, &ignored))
		return err_set(err, ERR_DAMAGED,
			       "segment %zu of the ELF file ends at 0x%llx, the file at 0x%zx: it "
			       "is cut",
			       segments->count,
			       (unsigned long long)(segment->offset + segment->file_size),
			       file.size);
	for (size_t i = 0; i < segments->count; i++) {
		const struct segment *other = &segments->segment[i];

		if (range_overlaps(range, (struct range){ other->address,
							  other->address + other->mem_size }))
			return err_set(err, ERR_INPUT,
				       "segments %zu and %zu of the ELF file overlap at 0x%llx", i,
				       segments->count, (unsigned long long)segment->address);
	}
	if (!segments->count || range.start < segments->start)
		segments->start = range.start;
	segments->end = num_max(segments->end, range.end);
	if (segment->file_size)
		segments->file_end =
			num_max(segments->file_end, segment->address + segment->file_size);
	segments->segment[segments->count++] = *segment;
	return 0;
}

static bool find_entry(uint64_t entry, bool is_virtual, struct segments *segments)
{
	for (size_t i = 0; i < segments->count; i++) {
		const struct segment *segment = &segments->segment[i];
		uint64_t start = is_virtual ? segment->virtual_address : segment->address;

		if (entry < start || entry - start >= segment->file_size)
			continue;
		segments->entry = entry - start + segment->address;
		return true;
	}
	return false;
}

int segments_set_entry(uint64_t entry, bool virtual_first, struct segments *segments,
		       struct err *err)
{
	if (find_entry(entry, virtual_first, segments) ||
	    find_entry(entry, !virtual_first, segments))
		return 0;
	return err_set(err, ERR_INPUT, "its entry, 0x%llx, is in no segment",
		       (unsigned long long)entry);
}

static uint32_t read_segment(const struct elf_header *header, const uint8_t *at,
			     struct segment *ret)
{
	Elf32_Phdr small;
	Elf64_Phdr large;

	if (header->class == ELFCLASS32) {
		memcpy(&small, at, sizeof(small));
		*ret = (struct segment){ small.p_offset, small.p_filesz, small.p_paddr,
					 small.p_memsz, small.p_vaddr };
		return small.p_type;
	}
	memcpy(&large, at, sizeof(large));
	*ret = (struct segment){ large.p_offset, large.p_filesz, large.p_paddr, large.p_memsz,
				 large.p_vaddr };
	return large.p_type;
}

int segments_of_elf(struct bytes file, const uint64_t *entry, bool virtual_first,
		    struct segments *ret, struct err *err)
{
	struct segments segments = { .count = 0 };
	struct elf_header header = { 0 };
	struct bytes headers;

	if (read_header(file, &header, err))
		return -1;
	if (!bytes_slice(file, header.phoff, (uint64_t)header.phnum * header.phentsize, &headers))
		return err_set(err, ERR_DAMAGED,
			       "the ELF file's %u program headers at 0x%llx lie outside it: it is "
			       "cut",
			       header.phnum, (unsigned long long)header.phoff);
	for (unsigned int i = 0; i < header.phnum; i++) {
		struct segment segment;
		uint32_t type = read_segment(&header, headers.data + (size_t)i * header.phentsize,
					     &segment);

		segments.of_user_space |= type == PT_INTERP || type == PT_TLS;
		if (type == PT_LOAD && segment.mem_size &&
		    segments_add(file, &segment, &segments, err))
			return -1;
	}
	if (segments_set_entry(entry ? *entry : header.entry, virtual_first, &segments, err))
		return -1;
	segments.is_elf32 = header.class == ELFCLASS32;
	*ret = segments;
	return 0;
}

int segments_load(struct bytes file, const struct segments *segments, struct vmlinux *ret,
		  struct err *err)
{
	struct vmlinux vmlinux CLEANUP(vmlinux_done) = { .nr_lists = 0 };
	uint64_t start = num_align_down(segments->start, PAGE_SIZE_4K);

	if (buf_extend(&vmlinux.unpacked, segments->file_end - start, err))
		return -1;
	for (size_t i = 0; i < segments->count; i++) {
		const struct segment *segment = &segments->segment[i];

		memcpy(vmlinux.unpacked.data + (segment->address - start),
		       file.data + segment->offset, segment->file_size);
	}
	vmlinux.size = vmlinux.unpacked.size;
	vmlinux.mem_size = segments->end - start;
	vmlinux.entry = segments->entry - start;
	vmlinux.pref_address = start;
	*ret = vmlinux;
	vmlinux = (struct vmlinux){ 0 };
	return 0;
}
