/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/sys/gather.h"

enum {
	FIRST_MIB_PAGES = 256,
	/* include/uapi/linux/kernel-page-flags.h, and include/linux/kernel-page-flags.h */
	KPF_NOPAGE = 20,
	KPF_RESERVED = 32,
	SRAT_MAX = 1 << 20,
	SRAT_ENTRIES_AT = 48,
	SRAT_MEMORY = 1,
	SRAT_ENABLED = 1,
};

static void numbers_done(uint64_t **number)
{
	free(*number);
}

/* Hexadecimal without 0x, and a decimal size: drivers/base/cpu.c. */
static int gather_notes_of(const struct root *root, uint64_t cpu, struct elfcorehdr_note *ret,
			   struct err *err)
{
	char *address CLEANUP(text_done) = NULL;
	char path[64];

	snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%llu/crash_notes",
		 (unsigned long long)cpu);
	if (root_read_text(root, path, &address, err))
		return -1;
	if (!num_parse(address, strlen(address), 16, &ret->address) || !ret->address ||
	    ret->address >= PHYS_LIMIT)
		return err_set(err, ERR_INPUT, "/%s: \"%.40s\" is not an address", path, address);
	snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%llu/crash_notes_size",
		 (unsigned long long)cpu);
	if (root_read_number(root, path, &ret->size, err))
		return -1;
	if (!ret->size || ret->size > PAGE_SIZE_4K)
		return err_set(err, ERR_INPUT, "/%s: %llu bytes of notes", path,
			       (unsigned long long)ret->size);
	return 0;
}

static int gather_notes(const struct root *root, struct system_crash *crash, struct err *err)
{
	uint64_t *cpu CLEANUP(numbers_done) = NULL;
	size_t count = 0;

	if (root_list_numbered(root, "sys/devices/system/cpu", "cpu", &cpu, &count, err))
		return root_is_missing(err) ? 0 : -1;
	for (size_t i = 0; i < count; i++) {
		struct elfcorehdr_note note;

		if (gather_notes_of(root, cpu[i], &note, err)) {
			if (root_is_missing(err))
				continue;
			return -1;
		}
		if (array_grow(&crash->note, &crash->notes_room, crash->nr_notes, sizeof(note),
			       err))
			return -1;
		crash->note[crash->nr_notes++] = note;
	}
	return 0;
}

/* "0x%016llx %x\n": the size is hexadecimal, too (kernel/ksysfs.c). */
static int gather_vmcoreinfo(const struct root *root, struct system_crash *crash, struct err *err)
{
	char *text CLEANUP(text_done) = NULL;
	struct elfcorehdr_note note;
	const char *blank;

	if (root_read_text(root, "sys/kernel/vmcoreinfo", &text, err))
		return root_is_missing(err) ? 0 : -1;
	blank = strchrnul(text, ' ');
	if (!*blank || !num_parse(text, (size_t)(blank - text), 16, &note.address) ||
	    !num_parse(blank + 1, strlen(blank + 1), 16, &note.size) || !note.size ||
	    note.address >= PHYS_LIMIT || note.size > UINT16_MAX)
		return err_set(err, ERR_INPUT,
			       "/sys/kernel/vmcoreinfo: \"%.60s\" is not an address and a size",
			       text);
	crash->vmcoreinfo = note;
	return 0;
}

/* Lines of "%08llx-%08llx", inclusive: kernel/kexec_core.c, crash_cma_ranges. */
static int gather_cma(const struct root *root, struct range_set *ret, struct err *err)
{
	static const char path[] = "sys/kernel/kexec/crash_cma_ranges";
	struct buf text CLEANUP(buf_done) = { 0 };
	struct bytes rest, line;

	if (root_read(root, path, PAGE_SIZE_4K, &text, err))
		return root_is_missing(err) ? 0 : -1;
	rest = buf_bytes(&text);
	while (bytes_next_line(&rest, &line)) {
		const char *word = (const char *)line.data;
		const char *dash = line.size ? memchr(word, '-', line.size) : NULL;
		uint64_t start, last;

		if (!dash || !num_parse(word, (size_t)(dash - word), 16, &start) ||
		    !num_parse(dash + 1, line.size - (size_t)(dash - word) - 1, 16, &last) ||
		    last >= PHYS_LIMIT ||
		    range_set_add(ret, (struct range){ start, last + 1 }, err))
			return err_set(err, ERR_INPUT, "/%s: \"%.*s\" is not a range", path,
				       (int)line.size, word);
	}
	return 0;
}

static const uint64_t FLAGS_USED = UINT64_C(1) << KPF_NOPAGE | UINT64_C(1) << KPF_RESERVED;

/* The other flags change all the time. */
static void narrow_page_flags(struct buf *flags)
{
	uint64_t of_page;

	for (size_t at = 0; at + sizeof(of_page) <= flags->size; at += sizeof(of_page)) {
		memcpy(&of_page, flags->data + at, sizeof(of_page));
		of_page &= FLAGS_USED;
		memcpy(flags->data + at, &of_page, sizeof(of_page));
	}
}

/*
 * Whether the running kernel gives pages of the first MiB away: kernels before 5.14 may, and
 * their dump must show them as they were. Where page flags cannot be read it is taken for so.
 */
static bool first_mib_in_use(const struct root *root)
{
	struct buf flags CLEANUP(buf_done) = { 0 };
	static const uint64_t free_page;
	struct err ignored;

	if (root_read_used(root, "proc/kpageflags", FIRST_MIB_PAGES * sizeof(free_page),
			   narrow_page_flags, &flags, &ignored) ||
	    flags.size != FIRST_MIB_PAGES * sizeof(free_page))
		return true;
	for (size_t at = 0; at < flags.size; at += sizeof(free_page))
		if (!memcmp(flags.data + at, &free_page, sizeof(free_page)))
			return true;
	return false;
}

/* "0-3,8-11": the last number is the highest. */
static uint64_t possible_cpus(const struct root *root)
{
	char *text CLEANUP(text_done) = NULL;
	struct err ignored;
	const char *last;
	uint64_t value;

	if (root_read_text(root, "sys/devices/system/cpu/possible", &text, &ignored))
		return 0;
	last = text + strlen(text);
	while (last > text && last[-1] >= '0' && last[-1] <= '9')
		last--;
	return num_parse(last, strlen(last), 10, &value) ? value + 1 : 0;
}

/* The end of what an enabled Memory Affinity Structure names: ACPI 6.5, 5.2.16.2. */
static phys_t memory_may_reach(const struct root *root)
{
	struct buf srat CLEANUP(buf_done) = { 0 };
	struct cursor at;
	struct err ignored;
	phys_t reach = 0;

	if (root_read(root, "sys/firmware/acpi/tables/SRAT", SRAT_MAX, &srat, &ignored))
		return 0;
	for (at = cursor_at(buf_bytes(&srat), SRAT_ENTRIES_AT); !at.bad;) {
		struct cursor entry = at;
		uint8_t type = cursor_u8(&entry), length = cursor_u8(&entry);
		uint64_t base, size;
		struct range range;

		if (length < 2)
			break;
		at.offset += length;
		entry.offset += 6;
		base = cursor_u64(&entry);
		size = cursor_u64(&entry);
		entry.offset += 4;
		if (type != SRAT_MEMORY || !(cursor_u32(&entry) & SRAT_ENABLED) || entry.bad ||
		    !range_from_size(base, size, &range))
			continue;
		if (range.end > reach)
			reach = range.end;
	}
	return reach;
}

static uint64_t room_for_hotplug(const struct root *root)
{
	struct err ignored;
	uint64_t size;

	return gather_of_kexec(root, "crash_elfcorehdr_size", &size, &ignored) ? 0 : size;
}

int gather_crash(const struct root *root, struct system *system, struct err *err)
{
	struct system_crash *crash = &system->crash;

	if (gather_notes(root, crash, err) || gather_vmcoreinfo(root, crash, err) ||
	    gather_cma(root, &crash->cma, err))
		return -1;
	crash->elfcorehdr_size = room_for_hotplug(root);
	crash->possible_cpus = possible_cpus(root);
	crash->memory_may_reach = memory_may_reach(root);
	crash->first_mib_in_use = first_mib_in_use(root);
	return 0;
}

int gather_reservation(const struct root *root, struct range *ret_main, struct range *ret_low,
		       struct err *err)
{
	struct system system CLEANUP(system_done) = { 0 };

	if (gather_memory(root, &system, err))
		return -1;
	return iomem_crash_kernel(&system.iomem, ret_main, ret_low, err);
}
