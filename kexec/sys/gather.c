/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/sys/gather.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <unistd.h>

#include "kexec/core/cmdline.h"
#include "kexec/core/efimap_memory.h"
#include "kexec/core/text.h"
#include "kexec/x86/crash.h"
#include "x86/bootparam.h"

/* Where a capture keeps what is in no file as a plan uses it. The running machine has none. */
#define FACTS	   "facts/"
#define SETUP_DATA "sys/kernel/boot_params/setup_data"

enum {
	CPUINFO_HEAD = 16384, /* the first processor's lines */
	/* No table of a known type is larger, but for the event log: firmware gives it
	 * 64 KiB at least, and some give it much more. */
	TABLE_BOUND = 0x10000,
	EVENT_LOG_BOUND = 0x100000,
	TABLE_SLACK = 4096,
	KLOG_READ_ALL = 3,
	KLOG_SIZE = 10,
	/* ACPI 6.5, table 5.9 (FADT) */
	FADT_FLAGS_AT = 112,
	FADT_RESET_REG_AT = 116,
	FADT_RESET_VALUE_AT = 128,
	FADT_RESET_REG_SUP = 1 << 10,
	GAS_SYSTEM_IO = 1,
};

/* --- /sys/firmware/memmap ------------------------------------------------ */

static int gather_memmap_entry(const struct root *root, size_t number, struct system *system,
			       struct warnings *warnings, struct err *err)
{
	char path[64];
	char *name CLEANUP(text_done) = NULL;
	uint64_t start, last;
	uint32_t type;

	snprintf(path, sizeof(path), "sys/firmware/memmap/%zu/start", number);
	if (root_read_number(root, path, &start, err))
		return -1;
	snprintf(path, sizeof(path), "sys/firmware/memmap/%zu/end", number);
	if (root_read_number(root, path, &last, err))
		return -1;
	snprintf(path, sizeof(path), "sys/firmware/memmap/%zu/type", number);
	if (root_read_text(root, path, &name, err))
		return -1;
	if (!memmap_type_from_name(name, strlen(name), &type)) {
		warn_add(warnings, "/%s: type \"%.40s\" is not known: taken for reserved", path,
			 name);
		type = E820_RESERVED;
	}
	if (last == UINT64_MAX)
		return err_set(
			err, ERR_INPUT,
			"/sys/firmware/memmap/%zu: 0x%llx-0x%llx reaches the end of the 64-bit "
			"address space",
			number, PHYS(start), PHYS(last));
	if (memmap_add(&system->firmware, (struct range){ start, last + 1 }, type, err))
		return err_prefix(err, "/sys/firmware/memmap/%zu", number);
	return 0;
}

static int gather_memmap(const struct root *root, struct system *system, struct warnings *warnings,
			 struct err *err)
{
	size_t count;

	if (root_count_numbered(root, "sys/firmware/memmap", &count, err))
		return root_is_missing(err) ? system_no_firmware_map(err) : -1;
	for (size_t i = 0; i < count; i++)
		if (gather_memmap_entry(root, i, system, warnings, err))
			return -1;
	return 0;
}

/* Where the command line and the setup_data are is of no use to another kernel. */
static void narrow_boot_params(struct buf *data)
{
	struct boot_params *params = (void *)data->data;

	if (data->size != sizeof(*params))
		return;
	params->hdr.cmd_line_ptr = params->ext_cmd_line_ptr = 0;
	params->hdr.setup_data = 0;
}

static int read_boot_params(const struct root *root, uint8_t ret[SYSTEM_BOOT_PARAMS_SIZE],
			    struct err *err)
{
	struct buf data CLEANUP(buf_done) = { 0 };

	if (root_read_used(root, "sys/kernel/boot_params/data", SYSTEM_BOOT_PARAMS_SIZE + 1,
			   narrow_boot_params, &data, err))
		return -1;
	if (data.size != SYSTEM_BOOT_PARAMS_SIZE)
		return err_set(err, ERR_INPUT,
			       "/sys/kernel/boot_params/data: %zu bytes, a zero page has %d",
			       data.size, SYSTEM_BOOT_PARAMS_SIZE);
	memcpy(ret, data.data, data.size);
	return 0;
}

static int gather_boot_params(const struct root *root, struct system *system,
			      struct warnings *warnings, struct err *err)
{
	system->has_boot_params = !read_boot_params(root, system->boot_params, err);
	if (system->has_boot_params)
		return 0;
	if (!root_is_missing(err))
		return -1;
	warn_add(warnings, "%s", err->text);
	return 0;
}

/* --- lines of text ------------------------------------------------------- */

/* Leaves the lines that are used, each with its newline. */
static void keep_lines(struct buf *data, bool (*is_used)(struct bytes line))
{
	struct bytes rest = buf_bytes(data), line;
	size_t kept = 0;

	while (bytes_next_line(&rest, &line)) {
		size_t whole = (size_t)(rest.data - line.data);

		if (!is_used(line))
			continue;
		memmove(data->data + kept, line.data, whole);
		kept += whole;
	}
	data->size = kept;
}

static bool contains(struct bytes text, const char *word)
{
	return text.size && memmem(text.data, text.size, word, strlen(word));
}

static bool begins_with(struct bytes text, const char *word)
{
	return text.size >= strlen(word) && !memcmp(text.data, word, strlen(word));
}

/* --- memory ------------------------------------------------------------- */

static bool meminfo_line_is_used(struct bytes line)
{
	return begins_with(line, "MemTotal:") || begins_with(line, "Unaccepted:");
}

static void narrow_meminfo(struct buf *meminfo)
{
	keep_lines(meminfo, meminfo_line_is_used);
}

/* "MemTotal:     2014348 kB": totalram_pages() of the running kernel; "Unaccepted:" from 6.5 on. */
static uint64_t meminfo_bytes(const char *meminfo, const char *name)
{
	const char *line = strstr(meminfo, name);

	return line ? strtoull(line + strlen(name), NULL, 10) * 1024 : 0;
}

static void gather_meminfo(const struct root *root, struct system *system)
{
	struct buf meminfo CLEANUP(buf_done) = { 0 };
	struct err ignored;

	if (root_read_used(root, "proc/meminfo", ROOT_FILE_MAX, narrow_meminfo, &meminfo,
			   &ignored) ||
	    buf_append(&meminfo, "", 1, &ignored))
		return;
	system->mem_total = meminfo_bytes((const char *)meminfo.data, "MemTotal:");
	system->mem_unaccepted = meminfo_bytes((const char *)meminfo.data, "Unaccepted:");
}

int gather_memory(const struct root *root, struct system *system, struct err *err)
{
	struct buf text CLEANUP(buf_done) = { 0 };

	if (root_read(root, "proc/iomem", ROOT_FILE_MAX, &text, err))
		return -1;
	if (iomem_parse(buf_bytes(&text), &system->iomem, err))
		return err_prefix(err, "/proc/iomem");
	gather_meminfo(root, system);
	return 0;
}

/* The command line is not in a capture unless asked for; what it says of memory and the console that
 * it names are, each as the word that would say so. */
static int gather_cmdline(const struct root *root, struct system *system, struct err *err)
{
	static const char path[] = "proc/cmdline", fact[] = FACTS "serial-console";
	static const char of_memory[] = "add_efi_memmap", memory_fact[] = FACTS "add-efi-memmap";
	char *console CLEANUP(text_done) = NULL;
	char *memory CLEANUP(text_done) = NULL;
	struct err ignored;
	char text[64];

	if (root_peek_text(root, path, &system->cmdline, err)) {
		if (!root_is_missing(err))
			return -1;
		system->adds_efi_memmap =
			!root->is_live && !root_read_text(root, memory_fact, &memory, &ignored);
		system->has_serial_console =
			!root->is_live && !root_read_text(root, fact, &console, &ignored) &&
			cmdline_serial_console(console, &system->serial_port, &system->serial_baud);
		return 0;
	}
	if (root->record && root->record->takes_cmdline)
		root_record_text(root, path, system->cmdline);
	system->adds_efi_memmap = cmdline_has(system->cmdline, of_memory);
	if (system->adds_efi_memmap)
		root_record_text(root, memory_fact, of_memory);
	system->has_serial_console =
		cmdline_serial_console(system->cmdline, &system->serial_port, &system->serial_baud);
	if (system->has_serial_console) {
		snprintf(text, sizeof(text), "console=uart8250,io,0x%x,%u", system->serial_port,
			 system->serial_baud);
		root_record_text(root, fact, text);
	}
	return 0;
}

int gather_map(const struct root *root, struct system *system, struct err *err)
{
	return gather_cmdline(root, system, err) ||
			       gather_memmap(root, system, /* warnings= */ NULL, err) ||
			       gather_memory(root, system, err) ||
			       system_add_efi_memmap(system, /* warnings= */ NULL, err)
		       ? -1
		       : 0;
}

/* --- the kernel's log ---------------------------------------------------- */

static const char log_path[] = ROOT_LOG;
static const char tsc_mark[] = "tsc: Detected ";
/* arch/x86/kernel/cpu/mshyperv.c, drivers/hv/hv_common.c: "root partition", "L1VH partition" */
static const char host_mark[] = "Hyper-V: running as ";
static const char encryption_mark[] = "Memory Encryption Features active: ";
/* Before 5.10: "AMD Secure Memory Encryption (SME) active" */
static const char sme_mark[] = "(SME) active", sev_mark[] = "(SEV) active";

static bool log_line_is_used(struct bytes line)
{
	struct efi_table table;

	/* The kernel repeats its command line, whatever that says. */
	if (contains(line, "ommand line"))
		return false;
	/* The firmware's map is for the audit. */
	return contains(line, tsc_mark) || contains(line, encryption_mark) ||
	       contains(line, sme_mark) || contains(line, sev_mark) || contains(line, host_mark) ||
	       contains(line, "efi: mem") || contains(line, "efi: EFI runtime memory map:") ||
	       rsdp_is_in_line(line) || efi_tables_from_log(line, &table, 1);
}

static void narrow_log(struct buf *log)
{
	keep_lines(log, log_line_is_used);
}

int gather_log(const struct root *root, struct buf *ret, struct err *err)
{
	struct buf log CLEANUP(buf_done) = { 0 };
	int size, got;

	if (!root->is_live)
		return root_peek(root, log_path, ROOT_FILE_MAX, ret, err);
	size = klogctl(KLOG_SIZE, NULL, 0);
	if (size < 0)
		return err_set_errno(err, errno, "the kernel's log");
	if (buf_extend(&log, (size_t)size, err))
		return -1;
	got = klogctl(KLOG_READ_ALL, (char *)log.data, size);
	if (got < 0)
		return err_set_errno(err, errno, "the kernel's log");
	log.size = (size_t)got;
	*ret = log;
	log = (struct buf){ 0 };
	return 0;
}

static int read_log(const struct root *root, struct buf *ret, struct err *err)
{
	if (gather_log(root, ret, err)) {
		root_record_unread(root, log_path, err);
		return -1;
	}
	narrow_log(ret);
	root_record(root, log_path, buf_bytes(ret));
	return 0;
}

/* "tsc: Detected 2100.000 MHz processor", arch/x86/kernel/tsc.c */
static uint64_t tsc_hz_from_log(struct bytes log)
{
	const uint8_t *at =
		log.size ? memmem(log.data, log.size, tsc_mark, strlen(tsc_mark)) : NULL;
	unsigned long long mhz, khz;
	char text[40] = "";
	size_t left;

	if (!at)
		return 0;
	at += strlen(tsc_mark);
	left = (size_t)(log.data + log.size - at);
	memcpy(text, at, left < sizeof(text) - 1 ? left : sizeof(text) - 1);
	if (sscanf(text, "%7llu.%3llu MHz", &mhz, &khz) != 2 ||
	    mhz > PURGATORY_TSC_HZ_MAX / 1000000)
		return 0;
	return mhz * 1000000 + khz * 1000;
}

static bool log_says_encryption(struct bytes log, const char *features)
{
	char text[80];

	snprintf(text, sizeof(text), "%s%s", encryption_mark, features);
	return contains(log, text);
}

/* --- /proc/kcore --------------------------------------------------------- */

static int gather_kcore(const struct root *root, struct kcore *ret, struct err *err)
{
	struct buf headers CLEANUP(buf_done) = { 0 };
	uint8_t head[KCORE_ELF_HEADER_SIZE];
	uint64_t size;

	if (root_peek_at(root, "proc/kcore", 0, head, sizeof(head), err))
		return -1;
	if (kcore_headers_size((struct bytes){ head, sizeof(head) }, &size, err) ||
	    root_peek(root, "proc/kcore", size, &headers, err) ||
	    kcore_parse(buf_bytes(&headers), ret, err))
		return err_prefix(err, "/proc/kcore");
	return 0;
}

/* The headers as a plan uses them, without what is random in them: virtual addresses, and with
 * those the offsets. */
static void record_kcore(const struct root *root, struct kcore *kcore)
{
	struct {
		Elf64_Ehdr ehdr;
		Elf64_Phdr phdr[CRASH_KCORE_MAX];
	} file = { .ehdr = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					  ELFDATA2LSB },
			     .e_phoff = sizeof(Elf64_Ehdr),
			     .e_phentsize = sizeof(Elf64_Phdr) } };

	if (!root->record)
		return;
	crash_forget_kaslr(kcore);
	for (size_t i = 0; i < kcore->count; i++)
		file.phdr[file.ehdr.e_phnum++] = (Elf64_Phdr){ .p_type = PT_LOAD,
							       .p_vaddr = kcore->segment[i].vaddr,
							       .p_paddr = kcore->segment[i].paddr,
							       .p_memsz = kcore->segment[i].size };
	root_record(root, "proc/kcore",
		    (struct bytes){ (const uint8_t *)&file,
				    sizeof(file.ehdr) + kcore->count * sizeof(file.phdr[0]) });
}

/* --- EFI ----------------------------------------------------------------- */

static int gather_runtime_desc(const struct root *root, size_t number, struct efi_map *map,
			       struct err *err)
{
	static const char *const file[] = { "type", "phys_addr", "virt_addr", "num_pages",
					    "attribute" };
	uint64_t value[5];
	struct range range;
	char path[64];

	for (size_t i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "sys/firmware/efi/runtime-map/%zu/%s", number,
			 file[i]);
		if (root_read_number(root, path, &value[i], err))
			return -1;
	}
	if (value[0] > UINT32_MAX || value[3] > PHYS_LIMIT / PAGE_SIZE_4K ||
	    !range_from_size(value[1], value[3] * PAGE_SIZE_4K, &range))
		return err_set(err, ERR_INPUT,
			       "/sys/firmware/efi/runtime-map/%zu: 0x%llx pages of type 0x%llx at "
			       "0x%llx do not lie in physical memory",
			       number, (unsigned long long)value[3], (unsigned long long)value[0],
			       (unsigned long long)value[1]);
	return efi_map_add(map,
			   (struct efi_desc){ (uint32_t)value[0], value[1], value[2], value[3],
					      value[4], (uint32_t)number },
			   err);
}

int gather_runtime_map(const struct root *root, struct efi_map *ret, struct err *err)
{
	size_t count;

	if (root_count_numbered(root, "sys/firmware/efi/runtime-map", &count, err))
		return root_is_missing(err) ? 0 : -1;
	for (size_t i = 0; i < count; i++)
		if (gather_runtime_desc(root, i, ret, err))
			return -1;
	return 0;
}

/* "none [integrity] confidentiality": the one in brackets. */
static void gather_lockdown(const struct root *root, struct system *system)
{
	char *text CLEANUP(text_done) = NULL;
	const char *bracket;
	struct err ignored;
	size_t length;

	if (root_read_text(root, "sys/kernel/security/lockdown", &text, &ignored))
		return;
	bracket = strchr(text, '[');
	length = bracket ? strspn(bracket + 1, "abcdefghijklmnopqrstuvwxyz") : 0;
	if (length && bracket[length + 1] == ']')
		system->lockdown = strndup(bracket + 1, length);
}

/* Where boot_params says that the map is. */
static int locate_efi_memmap(const struct root *root, struct efi_memmap_place *ret, struct err *err)
{
	uint8_t page[SYSTEM_BOOT_PARAMS_SIZE];
	const struct efi_info *info = &((const struct boot_params *)page)->efi_info;
	struct efi_memmap_place place;

	if (read_boot_params(root, page, err))
		return -1;
	if (memcmp(info->signature, "EL64", 4) && memcmp(info->signature, "EL32", 4))
		return err_set(err, ERR_INPUT,
			       "/sys/kernel/boot_params/data: no EFI memory map: the running "
			       "kernel was not started by EFI firmware, nor by a kexec that hands "
			       "its map on");
	place = (struct efi_memmap_place){ (uint64_t)info->memmap_hi << 32 | info->memmap,
					   info->memmap_size, info->memdesc_size,
					   info->memdesc_version };
	if (efi_memmap_check_place(&place, err))
		return err_prefix(err, "/sys/kernel/boot_params/data");
	*ret = place;
	return 0;
}

/* The advice behind an error of /proc/kcore. */
static int explain_kcore(const struct root *root, struct err *err)
{
	struct system system CLEANUP(system_done) = { 0 };

	if (err->code != ERR_SYSTEM || (err->sys_errno != EACCES && err->sys_errno != EPERM))
		return -1;
	gather_lockdown(root, &system);
	if (system.lockdown && !strcmp(system.lockdown, "confidentiality"))
		return err_append(err, ": lockdown=confidentiality hides memory: boot once with "
				       "efi=debug, so that the log has the map");
	return err_append(err, ": try as root, or boot once with efi=debug, so that the log has "
			       "the map");
}

static int read_efi_memmap(const struct root *root, const struct efi_memmap_place *place,
			   struct buf *ret, struct err *err)
{
	static const char fact[] = FACTS "efi-memmap";
	struct kcore kcore CLEANUP(kcore_done) = { 0 };
	struct buf data CLEANUP(buf_done) = { 0 };
	uint64_t offset;

	if (!root->is_live && !root_read(root, fact, EFI_MEMMAP_SIZE_MAX, ret, err))
		return ret->size == place->size
			       ? 0
			       : err_set(err, ERR_INPUT, "/%s: %zu bytes, the map has %llu", fact,
					 ret->size, (unsigned long long)place->size);
	if (gather_kcore(root, &kcore, err))
		return explain_kcore(root, err);
	if (!kcore_find(&kcore, place->address, place->size, &offset))
		return err_set(err, ERR_INPUT,
			       "/proc/kcore does not show the EFI memory map at 0x%llx: it shows "
			       "System RAM, and from Linux 6.1 on the EFI stub puts the map among "
			       "ACPI tables; boot once with efi=debug, so that the log has the map",
			       PHYS(place->address));
	if (root->captured)
		return err_set(err, ERR_INPUT,
			       "the capture has no EFI memory map: one of this kexec has");
	if (buf_extend(&data, place->size, err) ||
	    root_peek_at(root, "proc/kcore", offset, data.data, data.size, err))
		return -1;
	efi_memmap_narrow(data.data, data.size, place->desc_size);
	root_record(root, fact, buf_bytes(&data));
	*ret = data;
	data = (struct buf){ 0 };
	return 0;
}

/* What the kernel keeps for the runtime services has to be in its map, under its type. */
static int check_by_runtime_map(const struct root *root, const struct efi_map *map, struct err *err)
{
	struct efi_map runtime CLEANUP(efi_map_done) = { 0 };
	struct err ignored;

	/* Not everybody may read it. */
	if (gather_runtime_map(root, &runtime, &ignored))
		return 0;
	for (uint32_t type = 0; efi_type(type); type++) {
		struct range_set of_type CLEANUP(range_set_done) = { 0 };
		struct range range;

		for (size_t i = 0; i < map->count; i++)
			if (map->desc[i].type == type && efi_desc_range(&map->desc[i], &range) &&
			    range_set_add(&of_type, range, err))
				return -1;
		for (size_t i = 0; i < runtime.count; i++)
			if (runtime.desc[i].type == type &&
			    efi_desc_range(&runtime.desc[i], &range) &&
			    !range_set_contains(&of_type, range))
				return err_set(err, ERR_INPUT,
					       "not the EFI memory map: it lacks "
					       "/sys/firmware/efi/runtime-map/%u, 0x%llx-0x%llx",
					       runtime.desc[i].number, PHYS(range.start),
					       PHYS(range.end));
	}
	return 0;
}

/* Only a kexec makes such a node: the firmware's own tables are still where it says. */
static bool was_kexeced(const struct root *root)
{
	uint64_t type = 0;
	struct err ignored;
	char path[64];
	size_t count;

	if (root_count_numbered(root, SETUP_DATA, &count, &ignored))
		return false;
	for (size_t i = 0; i < count && type != SETUP_EFI; i++) {
		snprintf(path, sizeof(path), SETUP_DATA "/%zu/type", i);
		if (root_read_number(root, path, &type, &ignored))
			return false;
	}
	return type == SETUP_EFI;
}

static int refuse_kexeced(struct err *err)
{
	return err_set(err, ERR_INPUT,
		       "a kexec has started the running kernel, and handed on what the runtime "
		       "services need of the EFI memory map, no more: boot by the firmware");
}

int gather_efi_memmap(const struct root *root, struct efi_map *ret, struct err *err)
{
	struct efi_map map CLEANUP(efi_map_done) = { 0 };
	struct buf data CLEANUP(buf_done) = { 0 };
	struct efi_memmap_place place;

	if (locate_efi_memmap(root, &place, err))
		return -1;
	if (was_kexeced(root))
		return refuse_kexeced(err);
	if (read_efi_memmap(root, &place, &data, err))
		return -1;
	if (efi_map_from_memory(buf_bytes(&data), place.desc_size, &map, err) ||
	    check_by_runtime_map(root, &map, err))
		return err_prefix(err, "the running kernel's memory at 0x%llx",
				  PHYS(place.address));
	if (efi_map_is_of_runtime(&map))
		return refuse_kexeced(err);
	*ret = map;
	map = (struct efi_map){ 0 };
	return 0;
}

/* "NAME=0x..." of /sys/firmware/efi/systab; 0 if it is not there. */
static uint64_t systab_value(const char *systab, const char *name)
{
	struct bytes rest = { (const uint8_t *)systab, strlen(systab) }, line;
	size_t length = strlen(name);
	uint64_t value;

	while (bytes_next_line(&rest, &line)) {
		const char *text = (const char *)line.data;

		if (line.size > length && !memcmp(text, name, length) && text[length] == '=' &&
		    num_parse(text + length + 1, line.size - length - 1, 0, &value))
			return value;
	}
	return 0;
}

/* Missing is fine, malformed is not. */
static int optional_number(const struct root *root, const char *path, uint64_t *ret,
			   struct err *err)
{
	if (!root_read_number(root, path, ret, err) || root_is_missing(err))
		return 0;
	return -1;
}

/* Only its size is of use. */
static void narrow_event_log(struct buf *log)
{
	if (log->size)
		memset(log->data, 0, log->size);
}

static uint64_t event_log_bound(const struct root *root)
{
	static const char path[] = "sys/kernel/security/tpm0/binary_bios_measurements";
	struct buf log CLEANUP(buf_done) = { 0 };
	struct err ignored;

	if (root_read_used(root, path, ROOT_FILE_MAX, narrow_event_log, &log, &ignored) ||
	    !log.size)
		return EVENT_LOG_BOUND;
	return log.size + TABLE_SLACK;
}

/* The size that a table itself tells, where /proc/kcore shows it, or a capture has it; else 0. */
static uint64_t table_size(const struct root *root, const struct kcore *kcore, size_t number,
			   const struct efi_table *table)
{
	uint8_t head[EFI_TABLE_HEAD_SIZE];
	struct err ignored;
	uint64_t offset, size = 0;
	char fact[64], text[24];

	snprintf(fact, sizeof(fact), FACTS "efi-table-size/%zu", number);
	if (!root->is_live && !root_read_number(root, fact, &size, &ignored))
		return size <= EFI_TABLE_SIZE_MAX ? size : 0;
	if (kcore_find(kcore, table->address, sizeof(head), &offset) &&
	    !root_peek_at(root, "proc/kcore", offset, head, sizeof(head), &ignored))
		size = efi_table_size(table->name, (struct bytes){ head, sizeof(head) });
	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)size);
	root_record_text(root, fact, text);
	return size;
}

static void gather_efi_tables(const struct root *root, struct bytes log, struct system *system,
			      struct warnings *warnings)
{
	struct system_efi *efi = &system->efi;
	efi->nr_tables = efi_tables_from_log(log, efi->table, SYSTEM_EFI_TABLES_MAX);
	if (!efi->nr_tables)
		warn_add(
			warnings,
			"the kernel's log has no line \"efi: ...\", or may not be read: EFI tables that only "
			"the running kernel reserves (TPM event log, memory attributes, ESRT) "
			"cannot be kept off; segments go to the lowest places that hold them, away "
			"from the top of memory where firmware puts such tables");
	for (size_t i = 0; i < efi->nr_tables; i++) {
		struct efi_table *table = &efi->table[i];

		table->size = table_size(root, &system->kcore, i, table);
		if (table->size)
			continue;
		table->size = TABLE_BOUND;
		if (!strcmp(table->name, "TPMEventLog"))
			table->size = event_log_bound(root);
	}
}

/* What this user may not read is left out of a plan that says so. */
static int unless_unread(const struct root *root, int result, const struct err *err)
{
	return result && root->unread && root->unread->count && root_is_missing(err) ? 0 : result;
}

/* A capture goes on where a plan is refused, so that it has what can be read. */
static int go_on(const struct root *root, int result, struct warnings *warnings,
		 const struct err *err)
{
	if (!result || !root->record)
		return result;
	warn_add(warnings, "a plan for this machine is refused: %s", err->text);
	return 0;
}

static int gather_efi(const struct root *root, struct bytes log, struct system *system,
		      struct warnings *warnings, struct err *err)
{
	struct system_efi *efi = &system->efi;
	char *systab CLEANUP(text_done) = NULL;

	efi->booted = root_exists(root, "sys/firmware/efi");
	if (!efi->booted)
		return 0;
	if (optional_number(root, "sys/firmware/efi/fw_vendor", &efi->fw_vendor, err) ||
	    optional_number(root, "sys/firmware/efi/runtime", &efi->runtime, err) ||
	    optional_number(root, "sys/firmware/efi/config_table", &efi->config_table, err) ||
	    go_on(root, unless_unread(root, gather_runtime_map(root, &efi->runtime_map, err), err),
		  warnings, err))
		return -1;
	if (root_read_text(root, "sys/firmware/efi/systab", &systab, err)) {
		if (!root_is_missing(err))
			return -1;
	} else {
		efi->smbios = systab_value(systab, "SMBIOS");
		if (!system->acpi_rsdp)
			system->acpi_rsdp =
				systab_value(systab, "ACPI20") ?: systab_value(systab, "ACPI");
	}
	efi->can_hand_over = efi->runtime_map.count && efi->fw_vendor && efi->config_table;
	gather_efi_tables(root, log, system, warnings);
	for (size_t i = 0; !system->acpi_rsdp && i < efi->nr_tables; i++)
		if (!strcmp(efi->table[i].name, "ACPI 2.0"))
			system->acpi_rsdp = efi->table[i].address;
	return 0;
}

/* --- the rest ------------------------------------------------------------ */

/* Blanks around each word. */
static bool has_word(struct bytes line, const char *word)
{
	size_t length = strlen(word);
	const uint8_t *end = line.data + line.size, *at = line.data;

	while (at < end && (at = memmem(at, (size_t)(end - at), word, length))) {
		if (at > line.data && at[-1] == ' ' && (at + length == end || at[length] == ' '))
			return true;
		at += length;
	}
	return false;
}

static bool cpuinfo_line_is_used(struct bytes line)
{
	return begins_with(line, "flags\t") || begins_with(line, "initial apicid\t");
}

/* The first processor's lines end at an empty one. */
static void narrow_cpuinfo(struct buf *cpuinfo)
{
	const uint8_t *end = cpuinfo->size ? memmem(cpuinfo->data, cpuinfo->size, "\n\n", 2) : NULL;

	if (end)
		cpuinfo->size = (size_t)(end + 1 - cpuinfo->data);
	keep_lines(cpuinfo, cpuinfo_line_is_used);
}

/* CPUID Fn8000_001F_EAX, AMD64 Architecture Programmer's Manual, volume 3 */
enum {
	CPUID_ENCRYPTION = 0x8000001f,
	CPUID_SEV = 1 << 1,
	CPUID_SEV_ES = 1 << 3,
	CPUID_SEV_SNP = 1 << 4,
};

/* /proc/cpuinfo has them only where the kernel could have such guests; one that is a guest finds it here. */
static uint64_t gather_encryption(const struct root *root)
{
	static const char fact[] = FACTS "cpuid-8000001f";
	unsigned int eax, ebx, ecx, edx;
	uint64_t kept = 0;
	struct err ignored;
	char text[24];

	if (!root->is_live) {
		root_read_number(root, fact, &kept, &ignored);
		return kept;
	}
	if (!__get_cpuid(CPUID_ENCRYPTION, &eax, &ebx, &ecx, &edx) || !eax)
		return 0;
	snprintf(text, sizeof(text), "0x%x", eax);
	root_record_text(root, fact, text);
	return eax;
}

static void gather_cpu(const struct root *root, struct bytes log, struct system *system)
{
	struct buf cpuinfo CLEANUP(buf_done) = { 0 };
	uint64_t encryption = gather_encryption(root);
	bool is_guest = false, sme = false, tdx = false;
	struct bytes rest, line;
	struct err ignored;
	char text[64];

	system->is_hypervisor_host =
		contains(log, host_mark) || root_exists(root, "sys/devices/virtual/misc/mshv");
	system->tsc_hz = tsc_hz_from_log(log);
	/* Without it, as if it were empty. */
	root_read_used(root, "proc/cpuinfo", CPUINFO_HEAD, narrow_cpuinfo, &cpuinfo, &ignored);
	rest = buf_bytes(&cpuinfo);
	while (bytes_next_line(&rest, &line)) {
		system->la57 |= has_word(line, "la57");
		is_guest |= has_word(line, "hypervisor");
		sme |= has_word(line, "sme");
		tdx |= has_word(line, "tdx_guest");
		encryption |= (has_word(line, "sev") ? CPUID_SEV : 0) |
			      (has_word(line, "sev_es") ? CPUID_SEV_ES : 0) |
			      (has_word(line, "sev_snp") ? CPUID_SEV_SNP : 0);
		snprintf(text, sizeof(text), "%.*s", (int)line.size, (const char *)line.data);
		system->has_boot_apicid |=
			sscanf(text, "initial apicid : %u", &system->boot_apicid) == 1;
	}
	/* Only SEV-SNP and TDX have memory that is unaccepted. */
	system->is_guest_without_io = log_says_encryption(log, "AMD SEV SEV-ES") ||
				      log_says_encryption(log, "SEV SEV-ES") || tdx ||
				      system->mem_unaccepted;
	system->encrypts_memory = system->is_guest_without_io || contains(log, encryption_mark) ||
				  contains(log, sme_mark) || contains(log, sev_mark);
	/* A log that has the TSC's line, which comes earlier, would say it. */
	if (system->encrypts_memory || contains(log, tsc_mark))
		return;
	encryption &= is_guest ? CPUID_SEV | CPUID_SEV_ES | CPUID_SEV_SNP : 0;
	system->may_encrypt_memory = system->encrypts_memory = sme || encryption;
	system->is_guest_without_io = encryption & (CPUID_SEV_ES | CPUID_SEV_SNP);
}

static void gather_reset_register(const struct root *root, struct system *system)
{
	struct buf fadt CLEANUP(buf_done) = { 0 };
	struct cursor flags, reset, value;
	struct err ignored;
	uint8_t space;
	uint64_t port;

	if (root_read(root, "sys/firmware/acpi/tables/FACP", 4096, &fadt, &ignored))
		return;
	flags = cursor_at(buf_bytes(&fadt), FADT_FLAGS_AT);
	reset = cursor_at(buf_bytes(&fadt), FADT_RESET_REG_AT);
	value = cursor_at(buf_bytes(&fadt), FADT_RESET_VALUE_AT);
	if (!(cursor_u32(&flags) & FADT_RESET_REG_SUP))
		return;
	/* Generic address structure: space, bit width, bit offset, access size, address. */
	space = cursor_u8(&reset);
	reset.offset += 3;
	port = cursor_u64(&reset);
	system->reset_value = cursor_u8(&value);
	if (!reset.bad && !value.bad && space == GAS_SYSTEM_IO && port <= UINT16_MAX)
		system->reset_port = (uint16_t)port;
}

/* hyperv_fb moves the framebuffer and leaves boot_params as it was. */
static void gather_framebuffer(const struct root *root, struct system *system)
{
	static const char fact[] = FACTS "framebuffer";
	char *name CLEANUP(text_done) = NULL;
	struct fb_fix_screeninfo fix;
	struct err ignored;
	char text[24];
	int fd;

	if (root_read_text(root, "sys/class/graphics/fb0/name", &name, &ignored) ||
	    strcmp(name, "hyperv_fb"))
		return;
	system->framebuffer_moved = true;
	if (!root->is_live) {
		root_read_number(root, fact, &system->framebuffer_base, &ignored);
		return;
	}
	fd = open("/dev/fb0", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!ioctl(fd, FBIOGET_FSCREENINFO, &fix))
		system->framebuffer_base = fix.smem_start;
	close(fd);
	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)system->framebuffer_base);
	root_record_text(root, fact, text);
}

/* Interrupt vectors and words of the BIOS data area, as since the PC/AT. */
static void parse_first_page(struct bytes page, struct system_bios *ret)
{
	enum { EBDA_SEGMENT_AT = 0x40e, MEMORY_KIB_AT = 0x413 };
	struct cursor ebda = cursor_at(page, EBDA_SEGMENT_AT);
	struct cursor memory = cursor_at(page, MEMORY_KIB_AT);
	phys_t ebda_at = (phys_t)cursor_u16(&ebda) << 4;

	ret->data_at = (phys_t)cursor_u16(&memory) << 10;
	if (ebda_at)
		ret->data_at = num_min(ret->data_at, ebda_at);
	for (size_t i = 0; i < SYSTEM_BIOS_HANDLERS; i++) {
		struct cursor vector = cursor_at(page, system_bios_vector[i] * 4);
		phys_t offset = cursor_u16(&vector);

		ret->handler[i] = ((phys_t)cursor_u16(&vector) << 4) + offset;
	}
}

/* As a capture has it: the handlers' addresses, and where the BIOS's data begin. */
static bool parse_bios(const char *text, struct system_bios *ret)
{
	char *end;

	for (size_t i = 0; i <= SYSTEM_BIOS_HANDLERS; i++, text = end) {
		unsigned long long number = strtoull(text, &end, 16);

		if (end == text)
			return false;
		if (i < SYSTEM_BIOS_HANDLERS)
			ret->handler[i] = number % PHYS_LIMIT;
		else
			ret->data_at = number;
	}
	return true;
}

void gather_bios(const struct root *root, struct system *system)
{
	enum { USED = 0x415 /* of the first page */ };
	static const char fact[] = FACTS "bios";
	struct system_bios *bios = &system->bios;
	char *kept CLEANUP(text_done) = NULL;
	uint8_t page[USED];
	char text[17 * (SYSTEM_BIOS_HANDLERS + 1) + 1] = "";
	size_t length = 0;

	if (!root->is_live) {
		if (root_read_text(root, fact, &kept, &bios->unknown))
			return;
		bios->known = parse_bios(kept, bios);
		if (!bios->known)
			err_set(&bios->unknown, ERR_INPUT, "/%s: not %d numbers", fact,
				SYSTEM_BIOS_HANDLERS + 1);
		return;
	}
	if (root_peek_at(root, "dev/mem", 0, page, sizeof(page), &bios->unknown))
		return;
	parse_first_page((struct bytes){ page, sizeof(page) }, bios);
	bios->known = true;
	for (size_t i = 0; i < SYSTEM_BIOS_HANDLERS; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%llx ",
					   PHYS(bios->handler[i]));
	snprintf(text + length, sizeof(text) - length, "%llx", PHYS(bios->data_at));
	root_record_text(root, fact, text);
}

/* drivers/xen/sys-hypervisor.c; the bits are of include/xen/interface/features.h. */
static void gather_xen(const struct root *root, struct system *system)
{
	enum { AUTO_TRANSLATED_PHYSMAP = 1 << 2, DOM0 = 1 << 11 };
	char *type CLEANUP(text_done) = NULL, *features CLEANUP(text_done) = NULL;
	uint64_t bits;
	struct err ignored;

	if (root_read_text(root, "sys/hypervisor/type", &type, &ignored) || strcmp(type, "xen") ||
	    root_read_text(root, "sys/hypervisor/properties/features", &features, &ignored) ||
	    !num_parse(features, strlen(features), 16, &bits))
		return;
	system->is_xen_dom0 = bits & DOM0;
	system->is_xen_pv = !(bits & AUTO_TRANSLATED_PHYSMAP);
}

bool gather_config(const struct root *root, const char *release, char **ret,
		   char ret_path[CONFIG_PATH_MAX])
{
	static const char *const prefix[] = { "boot/config-", "lib/modules/" };
	static const char *const suffix[] = { "", "/config" };
	struct err ignored;

	for (size_t i = 0; release && i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		snprintf(ret_path, CONFIG_PATH_MAX, "%s%s%s", prefix[i], release, suffix[i]);
		if (!root_peek_text(root, ret_path, ret, &ignored))
			return true;
	}
	return false;
}

bool config_has(const char *config, const char *option)
{
	size_t length = strlen(option);

	for (const char *at = config; (at = strstr(at, option)); at += length)
		if ((at == config || at[-1] == '\n') && !strncmp(at + length, "=y", 2) &&
		    (at[length + 2] == '\n' || !at[length + 2]))
			return true;
	return false;
}

static bool exceeds(const struct root *root, const char *path, uint64_t limit)
{
	char *text CLEANUP(text_done) = NULL;
	struct err ignored;
	uint64_t value;

	return !root_peek_text(root, path, &text, &ignored) &&
	       num_parse(text, strlen(text), 10, &value) && value > limit;
}

/* kernel/liveupdate/kexec_handover.c: its directory is made where it is on, kho= switches it. */
static bool hands_memory_over(const struct root *root, const char *cmdline, const char *config)
{
	struct bytes value;

	if (root_exists(root, "sys/kernel/debug/kho/out"))
		return true;
	/* Without a config nothing is known to be left out, nor to be the default. */
	if (config && !config_has(config, "CONFIG_KEXEC_HANDOVER"))
		return false;
	if (!cmdline || !cmdline_get(cmdline, "kho", &value) || !value.size)
		return config && config_has(config, "CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT");
	/* As kstrtobool() reads it. */
	return memchr("yYtTeE1", value.data[0], 7) ||
	       (value.size > 1 && (value.data[0] | 0x20) == 'o' && (value.data[1] | 0x20) == 'n');
}

/*
 * Of IMA's list the first record is always there: it measures the boot, not what ran. The keys
 * are counted by kernel/crash_dump_dm_crypt.c (since 6.17).
 */
static void gather_handed_on(const struct root *root, struct system *system)
{
	static const char fact[] = FACTS "handed-on";
	char *config CLEANUP(text_done) = NULL, *kept CLEANUP(text_done) = NULL;
	char path[CONFIG_PATH_MAX], text[32];
	struct err ignored;
	uint64_t value;

	if (!root->is_live && !root_read_text(root, fact, &kept, &ignored) &&
	    num_parse(kept, strlen(kept), 0, &value)) {
		system->handed_on = (uint32_t)value;
		return;
	}
	gather_config(root, system->release, &config, path);
	if (hands_memory_over(root, system->cmdline, config))
		system->handed_on |= HANDED_ON_KHO;
	if (exceeds(root, "sys/kernel/security/ima/runtime_measurements_count", 1) &&
	    (!config || config_has(config, "CONFIG_IMA_KEXEC")))
		system->handed_on |= HANDED_ON_IMA;
	if (exceeds(root, "sys/kernel/config/crash_dm_crypt_keys/count", 0))
		system->handed_on |= HANDED_ON_KEYS;
	if (!system->handed_on)
		return;
	snprintf(text, sizeof(text), "0x%x", system->handed_on);
	root_record_text(root, fact, text);
}

int gather_choice(const struct root *root, struct system *ret, struct err *err)
{
	if (gather_cmdline(root, ret, err))
		return -1;
	if (root_read_text(root, "proc/sys/kernel/osrelease", &ret->release, err) &&
	    !root_is_missing(err))
		return -1;
	gather_lockdown(root, ret);
	gather_xen(root, ret);
	gather_handed_on(root, ret);
	return 0;
}

int gather_machine(const struct root *root, struct system *ret, struct warnings *warnings,
		   struct err *err)
{
	const struct boot_params *running = (const void *)ret->boot_params;
	struct buf log CLEANUP(buf_done) = { 0 };
	bool has_kcore;

	if (go_on(root, gather_memmap(root, ret, warnings, err), warnings, err) ||
	    go_on(root, gather_memory(root, ret, err), warnings, err) ||
	    system_add_efi_memmap(ret, warnings, err) ||
	    go_on(root, gather_boot_params(root, ret, warnings, err), warnings, err))
		return -1;
	ret->acpi_rsdp = running->acpi_rsdp_addr;
	has_kcore = !gather_kcore(root, &ret->kcore, &ret->kcore_unread);
	if (!has_kcore && ret->kcore_unread.code != ERR_SYSTEM)
		warn_add(warnings, "%s", ret->kcore_unread.text);
	if (read_log(root, &log, err))
		log = (struct buf){ 0 };
	if (go_on(root, gather_efi(root, buf_bytes(&log), ret, warnings, err), warnings, err))
		return -1;
	rsdp_from_log(buf_bytes(&log), &ret->rsdp);
	if (has_kcore)
		record_kcore(root, &ret->kcore);
	gather_cpu(root, buf_bytes(&log), ret);
	gather_reset_register(root, ret);
	gather_framebuffer(root, ret);
	return 0;
}

int gather_of_kexec(const struct root *root, const char *name, uint64_t *ret, struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "sys/kernel/kexec/%s", name);
	if (!root_read_number(root, path, ret, err))
		return 0;
	snprintf(path, sizeof(path), "sys/kernel/%s%s",
		 strcmp(name, "crash_elfcorehdr_size") ? "kexec_" : "", name);
	return root_read_number(root, path, ret, err);
}

int gather_loaded(const struct root *root, bool crash, bool *ret, struct err *err)
{
	uint64_t value;

	if (gather_of_kexec(root, crash ? "crash_loaded" : "loaded", &value, err)) {
		if (root_is_missing(err))
			err_advise(err,
				   ": the running kernel was built without kexec (CONFIG_KEXEC)");
		return -1;
	}
	*ret = value;
	return 0;
}

int gather_report(const struct root *root, struct purgatory_report *ret, bool *ret_found,
		  struct err *err)
{
	struct buf data CLEANUP(buf_done) = { 0 };
	uint64_t type = 0;
	char path[64];
	size_t count;

	*ret_found = false;
	if (root_count_numbered(root, SETUP_DATA, &count, err))
		return root_is_missing(err) ? 0 : -1;
	for (size_t i = 0; type != PURGATORY_REPORT_TYPE; i++) {
		if (i == count)
			return 0;
		snprintf(path, sizeof(path), SETUP_DATA "/%zu/type", i);
		if (root_read_number(root, path, &type, err))
			return -1;
		snprintf(path, sizeof(path), SETUP_DATA "/%zu/data", i);
	}
	if (root_read(root, path, sizeof(*ret), &data, err))
		return -1;
	if (data.size < sizeof(*ret))
		return err_set(err, ERR_INPUT, "/%s: %zu bytes, a report has %zu", path, data.size,
			       sizeof(*ret));
	memcpy(ret, data.data, sizeof(*ret));
	if (ret->version != PURGATORY_REPORT_VERSION)
		return err_set(err, ERR_INPUT, "/%s: a report of version %u, not %u", path,
			       ret->version, PURGATORY_REPORT_VERSION);
	ret->repaired_name[sizeof(ret->repaired_name) - 1] = '\0';
	text_make_harmless(ret->repaired_name);
	*ret_found = true;
	return 0;
}

void gather_capture(const struct root *root, struct warnings *warnings)
{
	/* No plan depends on these: they tell why the kernel refuses one. */
	static const char *const others[] = {
		CAPTURE_RELEASE,
		"proc/sys/kernel/kexec_load_disabled",
		"proc/sys/kernel/kexec_load_limit_panic",
		"proc/sys/kernel/kexec_load_limit_reboot",
		"sys/devices/system/cpu/crash_hotplug",
		"sys/devices/system/memory/crash_hotplug",
		"sys/class/tty/ttyS0/type",
		"sys/class/tty/ttyS1/type",
		"sys/class/tty/ttyS2/type",
		"sys/class/tty/ttyS3/type",
	};
	struct system system CLEANUP(system_done) = { 0 };
	struct memmap e820 CLEANUP(memmap_done) = { 0 };
	struct range_set usable CLEANUP(range_set_done) = { 0 };
	struct efi_map map CLEANUP(efi_map_done) = { 0 };
	struct purgatory_report report;
	uint64_t size;
	char *text = NULL;
	struct err err;
	bool is;

	go_on(root, gather_choice(root, &system, &err), warnings, &err);
	if (!gather_machine(root, &system, warnings, &err))
		go_on(root,
		      system_e820(&system, &e820, /* warnings= */ NULL, &err) ||
			      system_usable(&system, &e820, RANGE_ALL, &usable, &err),
		      warnings, &err);
	go_on(root, gather_crash(root, &system, &err), warnings, &err);
	/* Where none is, or none may be seen, there is nothing to read, nor to warn of. */
	if (!system.efi.booted && (!system.lockdown || !strcmp(system.lockdown, "none")))
		gather_bios(root, &system);
	gather_loaded(root, /* crash= */ false, &is, &err);
	gather_loaded(root, /* crash= */ true, &is, &err);
	gather_of_kexec(root, "crash_size", &size, &err);
	gather_report(root, &report, &is, &err);
	gather_efi_memmap(root, &map, &err);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (!root_read_text(root, others[i], &text, &err))
			text_done(&text);
		text = NULL;
	}
	for (size_t i = 0; i < root->record->count; i++)
		if (root->record->entry[i].unread)
			warn_add(warnings, "/%s: %s: it is not in the capture",
				 root->record->entry[i].path,
				 strerror(root->record->entry[i].unread));
}
