/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/uki.h"

#include <stdlib.h>
#include <string.h>

#include "kexec/core/initrd.h"
#include "kexec/core/num.h"
#include "kexec/core/range.h"

/* https://learn.microsoft.com/windows/win32/debug/pe-format */
enum {
	DOS_MAGIC = 0x5a4d, /* "MZ" */
	PE_OFFSET_AT = 0x3c,
	PE_MAGIC = 0x4550, /* "PE", two NULs */
	PE_MACHINE = 0x8664,
	PE32_PLUS = 0x20b,
	COFF_REST = 12, /* between the number of sections and the optional header's size */
	SECTION_SIZE = 40,
	SECTION_REST = 16, /* relocations, line numbers, flags */
	NAME_SIZE = 8,
};

enum { NO_PROFILE = -1 };

/* Those that no profile, nor the base, has twice; .dtb, .dtbauto and .efifw may be. */
static const char singleton[][NAME_SIZE + 1] = {
	[UKI_LINUX] = ".linux",
	[UKI_INITRD] = ".initrd",
	[UKI_UCODE] = ".ucode",
	[UKI_CMDLINE] = ".cmdline",
	[UKI_OSREL] = ".osrel",
	[UKI_PCRSIG] = ".pcrsig",
	[UKI_PCRPKEY] = ".pcrpkey",
	[UKI_PROFILE] = ".profile",
	".splash",
	".uname",
	".sbat",
	".hwids",
};

enum { NR_SINGLETONS = sizeof(singleton) / sizeof(singleton[0]) };

/* As systemd-stub has them (src/boot/stub.c, cpio.c); directory and modes likewise. */
static const char directory[] = ".extra";
static const char *const extra[UKI_IDS] = {
	[UKI_PCRSIG] = ".extra/tpm2-pcr-signature.json",
	[UKI_PCRPKEY] = ".extra/tpm2-pcr-public-key.pem",
	[UKI_PROFILE] = ".extra/profile",
	[UKI_OSREL] = ".extra/os-release",
};
enum { DIRECTORY_MODE = 0040555, FILE_MODE = 0100444 };

struct table {
	uint16_t machine, magic, count;
	uint64_t offset;
};

struct entry {
	char name[NAME_SIZE + 1];
	size_t id; /* of singleton[], or NR_SINGLETONS */
	struct range memory;
	struct bytes data;
	uint32_t zeros;
};

const char *uki_name(enum uki_id id)
{
	return singleton[id];
}

const char *uki_extra(enum uki_id id)
{
	return extra[id];
}

/* False for what is no PE file. */
static bool read_table(struct bytes file, struct table *ret)
{
	struct cursor at = cursor_at(file, 0);
	uint16_t dos = cursor_u16(&at), header_size;
	uint32_t magic;
	struct bytes rest;

	at = cursor_at(file, PE_OFFSET_AT);
	at = cursor_at(file, cursor_u32(&at));
	magic = cursor_u32(&at);
	ret->machine = cursor_u16(&at);
	ret->count = cursor_u16(&at);
	cursor_take(&at, COFF_REST, &rest);
	header_size = cursor_u16(&at);
	cursor_u16(&at);
	ret->offset = at.offset + header_size;
	ret->magic = cursor_u16(&at);
	return !at.bad && dos == DOS_MAGIC && magic == PE_MAGIC;
}

static size_t id_of(const char *name)
{
	size_t id = 0;

	while (id < NR_SINGLETONS && strcmp(name, singleton[id]))
		id++;
	return id;
}

/* How many of that name; of the file there may be no more than its headers. */
static unsigned int count_sections(struct bytes file, enum uki_id id)
{
	unsigned int count = 0;
	struct bytes header;
	struct table table;

	if (!read_table(file, &table))
		return 0;
	for (uint64_t i = 0; i < table.count; i++)
		if (bytes_slice(file, table.offset + i * SECTION_SIZE, SECTION_SIZE, &header) &&
		    !strncmp((const char *)header.data, singleton[id], NAME_SIZE))
			count++;
	return count;
}

bool uki_is(struct bytes file)
{
	return count_sections(file, UKI_LINUX);
}

unsigned int uki_count_profiles(struct bytes head)
{
	return count_sections(head, UKI_PROFILE);
}

/* As read_sections() takes them: the profile's before the base's. */
static bool find_header(struct bytes file, unsigned int profile, enum uki_id id, struct bytes *ret)
{
	int current = NO_PROFILE;
	bool found = false;
	struct table table;

	if (!read_table(file, &table))
		return false;
	for (uint64_t i = 0; i < table.count && current <= (int)profile; i++) {
		struct bytes header;
		const char *name;

		if (!bytes_slice(file, table.offset + i * SECTION_SIZE, SECTION_SIZE, &header))
			break;
		name = (const char *)header.data;
		current += !strncmp(name, singleton[UKI_PROFILE], NAME_SIZE);
		if (strncmp(name, singleton[id], NAME_SIZE) ||
		    (current != NO_PROFILE && current != (int)profile))
			continue;
		*ret = header;
		found = true;
	}
	return found;
}

bool uki_find(struct bytes head, unsigned int profile, enum uki_id id, uint64_t *ret_offset,
	      uint32_t *ret_size)
{
	struct bytes header;
	struct cursor at;
	uint32_t size;

	if (!find_header(head, profile, id, &header))
		return false;
	at = cursor_at(header, NAME_SIZE);
	size = cursor_u32(&at);
	cursor_u32(&at);
	*ret_size = (uint32_t)num_min(size, cursor_u32(&at));
	*ret_offset = cursor_u32(&at);
	return true;
}

static int read_entry(struct bytes file, uint64_t offset, struct entry *ret, struct err *err)
{
	struct cursor at = cursor_at(file, offset);
	uint32_t virtual_size, address, raw_size, raw_at, size;
	struct bytes name;

	cursor_take(&at, NAME_SIZE, &name);
	memcpy(ret->name, name.data, NAME_SIZE);
	ret->name[NAME_SIZE] = '\0';
	ret->id = id_of(ret->name);
	virtual_size = cursor_u32(&at);
	address = cursor_u32(&at);
	raw_size = cursor_u32(&at);
	raw_at = cursor_u32(&at);
	ret->memory = (struct range){ address, (uint64_t)address + virtual_size };
	size = virtual_size < raw_size ? virtual_size : raw_size;
	ret->zeros = virtual_size - size;
	/* Without data its place in the file means nothing. */
	if (!size)
		ret->data = (struct bytes){ 0 };
	else if (!bytes_slice(file, raw_at, size, &ret->data))
		return err_set(err, ERR_DAMAGED,
			       "it ends at 0x%llx, the file at 0x%zx: it is truncated",
			       (unsigned long long)raw_at + size, file.size);
	if (ret->id == UKI_LINUX)
		ret->zeros = 0;
	if (ret->id < UKI_IDS && ret->zeros > UKI_PADDING_MAX)
		return err_set(err, ERR_INPUT,
			       "VirtualSize 0x%x is more than 0x%x larger than SizeOfRawData 0x%x",
			       virtual_size, UKI_PADDING_MAX, raw_size);
	return 0;
}

static int check_overlap(const struct entry *entry, const struct entry *before, size_t count,
			 struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (range_is_valid(entry->memory) && range_is_valid(before[i].memory) &&
		    range_overlaps(entry->memory, before[i].memory))
			return err_set(err, ERR_INPUT,
				       "in memory it is at " PHYS_FMT "-" PHYS_FMT
				       ", over %s at " PHYS_FMT "-" PHYS_FMT,
				       PHYS(entry->memory.start), PHYS(entry->memory.end),
				       before[i].name, PHYS(before[i].memory.start),
				       PHYS(before[i].memory.end));
	return 0;
}

static int read_sections(struct bytes file, const struct table *table, struct entry *entry,
			 struct uki *uki, struct err *err)
{
	bool seen[NR_SINGLETONS + 1] = { 0 };
	int current = NO_PROFILE;

	for (size_t i = 0; i < table->count; i++) {
		struct entry *now = &entry[i];

		if (read_entry(file, table->offset + i * SECTION_SIZE, now, err) ||
		    check_overlap(now, entry, i, err))
			return err_prefix(err, "section %s", now->name);
		if (now->id == UKI_PROFILE) {
			current++;
			memset(seen, 0, sizeof(seen));
		}
		if (now->id < NR_SINGLETONS && seen[now->id])
			return err_set(
				err, ERR_INPUT,
				"two sections %s: the base and each profile have one at most",
				now->name);
		seen[now->id] = true;
		if (now->id < UKI_IDS &&
		    (current == NO_PROFILE || (unsigned int)current == uki->profile))
			uki->section[now->id] = (struct uki_section){ now->data, now->zeros };
	}
	uki->nr_profiles = (unsigned int)(current + 1);
	return 0;
}

int uki_parse(struct bytes file, unsigned int profile, struct uki *ret, struct err *err)
{
	struct entry *entry;
	struct uki uki = { .profile = profile };
	struct table table;
	struct bytes all;
	int failed;

	if (!read_table(file, &table))
		return err_set(err, ERR_INPUT, "not a PE file");
	if (table.machine != PE_MACHINE || table.magic != PE32_PLUS)
		return err_set(err, ERR_INPUT,
			       "a PE file of type 0x%x for machine 0x%x, not PE32+ (0x%x) for "
			       "x86-64 (0x%x)",
			       table.magic, table.machine, PE32_PLUS, PE_MACHINE);
	if (table.count > UKI_SECTIONS_MAX)
		return err_set(err, ERR_INPUT, "%u sections are more than the %d that are read",
			       table.count, UKI_SECTIONS_MAX);
	if (!bytes_slice(file, table.offset, (uint64_t)table.count * SECTION_SIZE, &all))
		return err_set(
			err, ERR_DAMAGED,
			"the section table ends at 0x%llx, the file at 0x%zx: it is truncated",
			(unsigned long long)table.offset + (uint64_t)table.count * SECTION_SIZE,
			file.size);
	entry = calloc((size_t)table.count + 1, sizeof(*entry));
	if (!entry)
		return err_no_memory(err);
	failed = read_sections(file, &table, entry, &uki, err);
	free(entry);
	if (failed)
		return -1;
	if (profile && !uki.nr_profiles)
		return err_set(err, ERR_INPUT, "no profile %u: it has none at all", profile);
	if (profile && profile >= uki.nr_profiles)
		return err_set(err, ERR_INPUT, "no profile %u: it has %u, counted from 0", profile,
			       uki.nr_profiles);
	if (!uki.section[UKI_LINUX].data.size)
		return err_set(err, ERR_INPUT, "profile %u has no .linux section, nor has the base",
			       profile);
	*ret = uki;
	return 0;
}

static int append(const struct uki_section *section, struct buf *to, struct err *err)
{
	size_t end = to->size + section->data.size + section->zeros;

	return buf_append(to, section->data.data, section->data.size, err) ||
			       buf_extend(to, end, err) || initrd_align(to, err)
		       ? -1
		       : 0;
}

static bool is_there(const struct uki_section *section)
{
	return section->data.size || section->zeros;
}

static int append_extra(const struct uki *uki, struct buf *to, struct err *err)
{
	bool begun = false;

	for (enum uki_id id = 0; id < UKI_IDS; id++) {
		const struct uki_section *section = &uki->section[id];
		struct buf contents CLEANUP(buf_done) = { 0 };

		if (!extra[id] || !is_there(section))
			continue;
		if (buf_append(&contents, section->data.data, section->data.size, err) ||
		    buf_extend(&contents, section->data.size + section->zeros, err) ||
		    (!begun &&
		     initrd_add(to, directory, DIRECTORY_MODE, (struct bytes){ 0 }, err)) ||
		    initrd_add(to, extra[id], FILE_MODE, buf_bytes(&contents), err))
			return -1;
		begun = true;
	}
	return begun ? initrd_end(to, err) : 0;
}

int uki_initrd(const struct uki *uki, struct bytes in_place, struct buf *ret, struct err *err)
{
	const struct uki_section given = { .data = in_place };
	const struct uki_section *initrd = in_place.size ? &given : &uki->section[UKI_INITRD];
	struct buf out CLEANUP(buf_done) = { 0 };

	if (append(&uki->section[UKI_UCODE], &out, err) || append(initrd, &out, err) ||
	    append_extra(uki, &out, err))
		return -1;
	*ret = out;
	out = (struct buf){ 0 };
	return 0;
}

static bool is_control(uint8_t character)
{
	return character < ' ' || character == 0x7f;
}

int uki_cmdline(const struct uki *uki, struct warnings *warnings, char **ret, struct err *err)
{
	struct bytes data = uki->section[UKI_CMDLINE].data;
	const uint8_t *nul = data.size ? memchr(data.data, '\0', data.size) : NULL;
	size_t length = nul ? (size_t)(nul - data.data) : data.size;
	char *text;

	if (!is_there(&uki->section[UKI_CMDLINE])) {
		*ret = NULL;
		return 0;
	}
	text = malloc(length + 1);
	if (!text)
		return err_no_memory(err);
	for (size_t i = 0; i < length; i++)
		text[i] = is_control(data.data[i]) ? ' ' : (char)data.data[i];
	text[length] = '\0';
	for (size_t i = length; i < data.size; i++) {
		if (!data.data[i])
			continue;
		warn_add(warnings,
			 ".cmdline ends with the NUL at its offset %zu: the text behind it is not "
			 "taken",
			 length);
		break;
	}
	*ret = text;
	return 0;
}
