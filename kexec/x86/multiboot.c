/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/multiboot.h"

#include <string.h>

/* Multiboot 1: 3.1.1 and 3.1.2. */
enum {
	MAGIC_1 = 0x1badb002,
	WINDOW_1 = 8192,
	ALIGN_1 = 4,
	FLAG_ALIGN = 0x1, /* modules begin on pages, as they always do here */
	FLAG_MEMORY = 0x2,
	FLAG_VIDEO = 0x4,
	FLAGS_REQUIRED = 0xffff, /* what a loader does not know of these, it must not ignore */
	FLAG_ADDRESSES = 0x10000,
	HEADER_1_SIZE = 12,
};

/* Multiboot 2: 3.1.1 to 3.1.13. */
enum {
	WINDOW_2 = 32768,
	ALIGN_2 = 8,
	ARCHITECTURE_I386 = 0,
	HEADER_2_SIZE = 16,
	TAG_HEADER_SIZE = 8,
	TAG_OPTIONAL = 0x1,
	CONSOLE_REQUIRED = 0x1,
};
static const uint32_t magic_2 = 0xe85250d6;

enum header_tag {
	HEADER_END = 0,
	HEADER_INFORMATION = 1,
	HEADER_ADDRESS = 2,
	HEADER_ENTRY = 3,
	HEADER_CONSOLE = 4,
	HEADER_FRAMEBUFFER = 5,
	HEADER_MODULE_ALIGN = 6,
	HEADER_EFI_BOOT_SERVICES = 7,
	HEADER_EFI32_ENTRY = 8,
	HEADER_EFI64_ENTRY = 9,
	HEADER_RELOCATABLE = 10,
};

/* The address fields, or the address tag. */
struct addresses {
	uint32_t header, load, load_end, bss_end;
};

/* What a header says of how the kernel is loaded. */
struct header {
	bool has_addresses, has_entry;
	struct addresses addresses;
	uint32_t entry;
};

static bool find(struct bytes file, size_t window, size_t step, size_t size,
		 bool (*is_header)(struct cursor at), size_t *ret)
{
	for (size_t at = 0; at + size <= window && at + size <= file.size; at += step) {
		if (!is_header(cursor_at(file, at)))
			continue;
		*ret = at;
		return true;
	}
	return false;
}

static bool is_header_1(struct cursor at)
{
	uint32_t magic = cursor_u32(&at), flags = cursor_u32(&at), checksum = cursor_u32(&at);

	return magic == MAGIC_1 && !(uint32_t)(magic + flags + checksum);
}

static bool is_header_2(struct cursor at)
{
	uint32_t magic = cursor_u32(&at), architecture = cursor_u32(&at);
	uint32_t length = cursor_u32(&at), checksum = cursor_u32(&at);

	return magic == magic_2 && architecture == ARCHITECTURE_I386 &&
	       !(uint32_t)(magic + architecture + length + checksum);
}

static unsigned int find_header(struct bytes file, size_t *ret)
{
	if (find(file, WINDOW_2, ALIGN_2, HEADER_2_SIZE, is_header_2, ret))
		return 2;
	return find(file, WINDOW_1, ALIGN_1, HEADER_1_SIZE, is_header_1, ret) ? 1 : 0;
}

unsigned int multiboot_version(struct bytes file)
{
	size_t ignored;

	return find_header(file, &ignored);
}

bool multiboot_has_1(struct bytes file)
{
	size_t ignored;

	return find(file, WINDOW_1, ALIGN_1, HEADER_1_SIZE, is_header_1, &ignored);
}

static struct addresses read_addresses(struct cursor *at)
{
	struct addresses addresses;

	addresses.header = cursor_u32(at);
	addresses.load = cursor_u32(at);
	addresses.load_end = cursor_u32(at);
	addresses.bss_end = cursor_u32(at);
	return addresses;
}

static int read_header_1(struct bytes file, struct multiboot *kernel, struct header *header,
			 struct err *err)
{
	struct cursor at = cursor_at(file, kernel->offset + 4);
	uint32_t flags = cursor_u32(&at);
	uint32_t unknown =
		flags & FLAGS_REQUIRED & ~(uint32_t)(FLAG_ALIGN | FLAG_MEMORY | FLAG_VIDEO);

	if (unknown)
		return err_set(err, ERR_INPUT,
			       "its multiboot header insists on flags 0x%x, which this loader "
			       "does not know",
			       unknown);
	cursor_u32(&at); /* the checksum */
	header->has_addresses = header->has_entry = flags & FLAG_ADDRESSES;
	if (header->has_addresses) {
		header->addresses = read_addresses(&at);
		header->entry = cursor_u32(&at);
	}
	return at.bad ? err_set(err, ERR_DAMAGED,
				"its multiboot header at 0x%zx ends past the file: it is cut",
				kernel->offset)
		      : 0;
}

/* --- multiboot 2 ----------------------------------------------------------- */

static int read_information_request(struct cursor at, size_t count, bool optional,
				    struct multiboot *kernel, struct err *err)
{
	static const uint32_t given = 1U << MULTIBOOT_TAG_CMDLINE | 1U << MULTIBOOT_TAG_LOADER |
				      1U << MULTIBOOT_TAG_MODULE | 1U << MULTIBOOT_TAG_MEMORY |
				      1U << MULTIBOOT_TAG_MAP | 1U << MULTIBOOT_TAG_FRAMEBUFFER |
				      1U << MULTIBOOT_TAG_RSDP_0 | 1U << MULTIBOOT_TAG_RSDP |
				      1U << MULTIBOOT_TAG_LOAD_BASE;

	for (size_t i = 0; i < count && !optional; i++) {
		uint32_t type = cursor_u32(&at);

		if (type >= 32 || !(given >> type & 1))
			return err_set(err, ERR_INPUT,
				       "its multiboot 2 header insists on information of type %u, "
				       "which this loader has not to give",
				       type);
		kernel->wants_screen |= type == MULTIBOOT_TAG_FRAMEBUFFER;
		kernel->wants_rsdp_0 |= type == MULTIBOOT_TAG_RSDP_0;
		kernel->wants_rsdp |= type == MULTIBOOT_TAG_RSDP;
	}
	return 0;
}

static int no_place(const struct multiboot *kernel, struct err *err)
{
	return err_set(err, ERR_INPUT,
		       "its multiboot 2 header wants it between 0x%llx and 0x%llx, aligned to "
		       "0x%llx: no place is so",
		       (unsigned long long)kernel->min, (unsigned long long)kernel->max,
		       (unsigned long long)kernel->align);
}

static int read_relocatable(struct cursor at, struct multiboot *kernel, struct err *err)
{
	kernel->relocatable = true;
	kernel->min = cursor_u32(&at);
	/* max_addr is the last byte's. Where between them the kernel prefers to lie is a suggestion. */
	kernel->max = (phys_t)cursor_u32(&at) + 1;
	kernel->align = cursor_u32(&at) ?: 1;
	return num_is_power_of_two(kernel->align) && kernel->min < kernel->max
		       ? 0
		       : no_place(kernel, err);
}

/* One tag; its size does not reach past the header. */
static int read_tag(uint16_t type, bool optional, struct bytes body, struct multiboot *kernel,
		    struct header *header, struct err *err)
{
	/* Bytes behind a tag's own header. */
	static const uint8_t least[] = {
		[HEADER_ADDRESS] = 16,	   [HEADER_ENTRY] = 4,	      [HEADER_CONSOLE] = 4,
		[HEADER_FRAMEBUFFER] = 12, [HEADER_RELOCATABLE] = 16,
	};
	struct cursor at = cursor_at(body, 0);

	if (type < sizeof(least) && body.size < least[type])
		return err_set(err, ERR_INPUT,
			       "a tag of type %u in its multiboot 2 header has %zu bytes, too few",
			       type, body.size + TAG_HEADER_SIZE);
	switch (type) {
	case HEADER_INFORMATION:
		return read_information_request(at, body.size / 4, optional, kernel, err);
	case HEADER_ADDRESS:
		header->has_addresses = true;
		header->addresses = read_addresses(&at);
		return 0;
	case HEADER_ENTRY:
		header->has_entry = true;
		header->entry = cursor_u32(&at);
		return 0;
	case HEADER_CONSOLE:
		kernel->wants_screen |= !optional && cursor_u32(&at) & CONSOLE_REQUIRED;
		return 0;
	case HEADER_FRAMEBUFFER: /* it gets the mode that is set */
		kernel->wants_screen |= !optional;
		return 0;
	case HEADER_RELOCATABLE:
		return read_relocatable(at, kernel, err);
	case HEADER_MODULE_ALIGN:      /* they begin on pages */
	case HEADER_EFI_BOOT_SERVICES: /* they ended before the running kernel began, and */
	case HEADER_EFI32_ENTRY:       /* with them what a loader enters these for */
	case HEADER_EFI64_ENTRY:
		return 0;
	default:
		if (optional)
			return 0;
		return err_set(err, ERR_INPUT,
			       "its multiboot 2 header insists on a tag of type %u, which this "
			       "loader does not know",
			       type);
	}
}

static int read_header_2(struct bytes file, struct multiboot *kernel, struct header *header,
			 struct err *err)
{
	struct cursor at = cursor_at(file, kernel->offset + 8);
	uint32_t length = cursor_u32(&at);
	struct bytes whole, body;

	if (length < HEADER_2_SIZE || kernel->offset + length > WINDOW_2 ||
	    !bytes_slice(file, kernel->offset, length, &whole))
		return err_set(err, ERR_INPUT,
			       "its multiboot 2 header at 0x%zx has %u bytes: it ends past the "
			       "file, or past the 0x%x bytes that it may lie in",
			       kernel->offset, length, WINDOW_2);
	for (size_t offset = HEADER_2_SIZE;;) {
		struct cursor tag = cursor_at(whole, offset);
		uint16_t type = cursor_u16(&tag), flags = cursor_u16(&tag);
		uint32_t size = cursor_u32(&tag);

		if (tag.bad || size < TAG_HEADER_SIZE || !bytes_slice(whole, offset, size, &body))
			return err_set(err, ERR_INPUT,
				       "a tag at 0x%zx of its multiboot 2 header of 0x%zx bytes "
				       "lies outside it",
				       offset, whole.size);
		if (type == HEADER_END)
			return 0;
		body.data += TAG_HEADER_SIZE;
		body.size -= TAG_HEADER_SIZE;
		if (read_tag(type, flags & TAG_OPTIONAL, body, kernel, header, err))
			return -1;
		offset += (size + ALIGN_2 - 1) & ~(size_t)(ALIGN_2 - 1);
	}
}

/* --- where it lies --------------------------------------------------------- */

/* As its header says: the file's bytes from load on, those up to bss_end behind them zero. */
static int load_by_addresses(struct bytes file, size_t offset, const struct header *header,
			     struct segments *ret, struct err *err)
{
	static const uint32_t whole_file = 0xffffffff; /* of multiboot 2: load begins the file */
	const struct addresses *addresses = &header->addresses;
	struct segments segments = { .count = 0 };
	struct segment segment = { 0 };
	uint64_t before = (uint64_t)addresses->header - addresses->load;

	if (addresses->load == whole_file)
		before = offset;
	segment.address = addresses->header - before;
	segment.virtual_address = segment.address;
	segment.offset = offset - before;
	segment.file_size = addresses->load_end ? addresses->load_end - segment.address
						: file.size - segment.offset;
	segment.mem_size = num_max(segment.file_size,
				   addresses->bss_end ? addresses->bss_end - segment.address : 0);
	if (before > offset || addresses->header < before || !header->has_entry ||
	    !segment.file_size || segment.file_size > file.size - segment.offset ||
	    segment.mem_size > FOUR_GIB)
		return err_set(err, ERR_INPUT,
			       "its multiboot header at 0x%zx of 0x%zx bytes has addresses that "
			       "cannot be: header 0x%x, load 0x%x to 0x%x, bss to 0x%x, entry 0x%x",
			       offset, file.size, addresses->header, addresses->load,
			       addresses->load_end, addresses->bss_end, header->entry);
	if (segments_add(file, &segment, &segments, err) ||
	    segments_set_entry(header->entry, /* virtual_first= */ false, &segments, err))
		return -1;
	*ret = segments;
	return 0;
}

int multiboot_parse(struct bytes file, struct multiboot *ret, struct err *err)
{
	struct multiboot kernel = { .version = 0 };
	struct header header = { .entry = 0 };
	uint64_t entry, size;
	int failed;

	kernel.version = find_header(file, &kernel.offset);
	if (kernel.version == 2 ? read_header_2(file, &kernel, &header, err)
				: read_header_1(file, &kernel, &header, err))
		return -1;
	entry = header.entry;
	if (header.has_addresses)
		failed = load_by_addresses(file, kernel.offset, &header, &kernel.segments, err);
	else if (segments_are_elf(file))
		/* A header's is physical, the ELF file's own virtual. */
		failed = segments_of_elf(file, header.has_entry ? &entry : NULL, !header.has_entry,
					 &kernel.segments, err);
	else
		return err_set(err, ERR_INPUT,
			       "it has a multiboot header without addresses, and is no ELF file "
			       "either");
	if (failed)
		return -1;
	size = kernel.segments.end - kernel.segments.start;
	if (kernel.segments.end > FOUR_GIB || size > VMLINUX_IMAGE_MAX)
		return err_set(err, ERR_INPUT,
			       "a multiboot kernel of 0x%llx-0x%llx: it is to lie below 4 GiB, in "
			       "at most 0x%llx bytes",
			       (unsigned long long)kernel.segments.start,
			       (unsigned long long)kernel.segments.end,
			       (unsigned long long)VMLINUX_IMAGE_MAX);
	/* What does not begin a page stays where it is linked for, if that is as it wants. */
	if (kernel.relocatable && kernel.segments.start % PAGE_SIZE_4K) {
		if (kernel.segments.start < kernel.min || kernel.segments.end > kernel.max ||
		    kernel.segments.start % kernel.align)
			return no_place(&kernel, err);
		kernel.relocatable = false;
	}
	*ret = kernel;
	return 0;
}
