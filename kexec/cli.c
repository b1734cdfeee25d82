/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/cli.h"

#include <getopt.h>
#include <string.h>

#include "kexec/core/uki.h"
#include "purgatory-abi.h"

enum option_id {
	/* Those of kexec-tools come first; short options are their own ids. */
	OPTION_APPEND = 256,
	OPTION_REUSE_CMDLINE,
	OPTION_INITRD,
	OPTION_MEM_MIN,
	OPTION_MEM_MAX,
	OPTION_NO_EFI,
	OPTION_CONSOLE_SERIAL,
	OPTION_CONSOLE_VGA,
	OPTION_SERIAL,
	OPTION_SERIAL_BAUD,
	OPTION_RESET_VGA,
	OPTION_HOTPLUG,
	OPTION_MEMMAP_CMDLINE,
	OPTION_PRINT_RESERVATION,
	OPTION_MODULE,
	OPTION_DTB,
	OPTION_ACCEPTED, /* without an effect here */
	OPTION_ARGS_LINUX,
	OPTION_ARGS_ELF,
	OPTION_ARGS_NONE,
	OPTION_ENTRY,
	OPTION_REUSE_INITRD,
	OPTION_REAL_MODE,
	OPTION_ENTRY_32BIT,
	OPTION_JUMP,
	OPTION_LIVE_UPDATE,
	OPTION_OWN_FIRST, /* yield to kexec-tools' where both begin alike; see add_abbreviations() */
	OPTION_NO_CMA = OPTION_OWN_FIRST, /* newer than any release of kexec-tools */
	OPTION_FORCE_DTB,
	OPTION_OF_OTHERS, /* kexec-tools has it on other processors only */
	OPTION_UNPACK_INITRD,
	OPTION_CONSOLE_E9,
	OPTION_ON_CORRUPTION,
	OPTION_HASH,
	OPTION_DIRECT,
	OPTION_FAST,
	OPTION_DRY_RUN,
	OPTION_JSON,
	OPTION_SVG,
	OPTION_VERBOSE,
	OPTION_BACKUP,
	OPTION_DOCTOR,
	OPTION_ESTIMATE,
	OPTION_SPARE_COPY,
	OPTION_NO_SPARE_COPY,
	OPTION_SYSROOT,
	OPTION_CAPTURE,
	OPTION_CAPTURE_CMDLINE,
	OPTION_BOOT_ENTRY,
	OPTION_LIST_ENTRIES,
	OPTION_UKI_PROFILE,
	OPTION_AUDIT_EFI,
	OPTION_AUDIT_FIRST, /* only with --audit-efi, from here on */
	OPTION_ALL = OPTION_AUDIT_FIRST,
	OPTION_LOAD_ADDRESS,
	OPTION_HANDOVER,
	OPTION_INIT_SIZE,
	OPTION_KERNEL_ALIGNMENT,
	OPTION_PREF_ADDRESS,
	OPTION_DECOMPRESSED_SIZE,
};

struct cli_option {
	const char *name;
	int id;		      /* enum option_id or a short option */
	const char *argument; /* what it is called in the help, NULL if there is none; "[=...]":
				 it may be left out */
	bool only_for_load;
	const char *help; /* NULL: not shown */
};

static const struct cli_option options[] = {
	{ "load", 'l', NULL, false, "load a kernel for the next kexec -e or reboot" },
	{ "exec", 'e', NULL, false, "start the loaded kernel now, without a shutdown" },
	{ "unload", 'u', NULL, false, "unload the loaded kernel; with -p the crash kernel" },
	{ "status", 'S', NULL, false,
	  "exit 1 if a crash kernel (with -l: a kernel) is loaded, else 0" },
	{ "force", 'f', NULL, false, "load and start at once, without a shutdown" },
	{ "load-panic", 'p', NULL, false,
	  "load a crash kernel, for after a panic; with -u or -S: the crash kernel" },
	{ "print-ckr-size", OPTION_PRINT_RESERVATION, NULL, false,
	  "print how many bytes are reserved for the crash kernel" },
	{ "doctor", OPTION_DOCTOR, NULL, false,
	  "whether reboots and crash kernels work here, and what to do if not" },
	{ "estimate", OPTION_ESTIMATE, "[=measure]", false,
	  "print the crashkernel= that a kernel and its initrd need, with its parts; measure: by QEMU" },
	{ "list-entries", OPTION_LIST_ENTRIES, NULL, false,
	  "list the boot loader's entries, the default with *" },
	{ "hotplug", OPTION_HOTPLUG, NULL, false,
	  "with -p: the kernel keeps the dump's header true at hotplug" },
	{ "pass-memmap-cmdline", OPTION_MEMMAP_CMDLINE, NULL, true,
	  "with -p: tell the memory map as memmap=, too" },
	{ "spare-copy", OPTION_SPARE_COPY, NULL, true,
	  "with -p: refuse to load without spare copies to repair from" },
	{ "no-spare-copy", OPTION_NO_SPARE_COPY, NULL, true, "with -p: make none" },
	{ "backup", OPTION_BACKUP, "auto|always|never", true,
	  "with -p: save low memory for the dump (auto: if in use)" },
	{ "dry-run", OPTION_DRY_RUN, NULL, true, "show what would be loaded where; load nothing" },
	{ "json", OPTION_JSON, NULL, false,
	  "with --dry-run, --doctor, --audit-efi or --list-entries: for programs" },
	{ "svg", OPTION_SVG, "FILE", true, "with --dry-run: draw it into a new file, too" },
	{ "boot-entry", OPTION_BOOT_ENTRY, "[=NAME]", true,
	  "what the boot loader would start, its default or NAME" },
	{ "append", OPTION_APPEND, "STRING", true, "the new kernel's command line" },
	{ "command-line", OPTION_APPEND, "STRING", true, "the same as --append" },
	{ "reuse-cmdline", OPTION_REUSE_CMDLINE, NULL, true, "begin it with the running kernel's" },
	{ "initrd", OPTION_INITRD, "FILE", true, "initial ramdisk; several are joined in order" },
	{ "ramdisk", OPTION_INITRD, "FILE", true, "the same as --initrd" },
	{ "dtb", OPTION_DTB, "FILE", true,
	  "a device tree, for a kernel that unpacks one (CONFIG_OF_EARLY_FLATTREE)" },
	{ "unpack-initrd", OPTION_UNPACK_INITRD, NULL, true,
	  "decompress it now, where that fits, so that the new kernel need not" },
	{ "entry-32bit", OPTION_ENTRY_32BIT, NULL, true,
	  "enter the kernel in 32-bit mode although it has a 64-bit entry" },
	{ "real-mode", OPTION_REAL_MODE, NULL, true,
	  "enter the kernel through its 16-bit setup code, which asks the BIOS" },
	{ "module", OPTION_MODULE, "FILE", true,
	  "of a multiboot kernel: a module; with its command line: --module=\"FILE WORDS\"" },
	{ "args-linux", OPTION_ARGS_LINUX, NULL, true,
	  "of an ELF file: tell it of the machine in a zero page (default for Linux)" },
	{ "args-elf", OPTION_ARGS_ELF, NULL, true, "by ELF boot notes (default for others)" },
	{ "args-none", OPTION_ARGS_NONE, NULL, true, "not at all" },
	{ "uki-profile", OPTION_UKI_PROFILE, "N", true,
	  "of a unified kernel image: which of its profiles (0)" },
	{ "kexec-syscall", 'c', NULL, false, "place and verify it ourselves (kexec_load)" },
	{ "kexec-file-syscall", 's', NULL, false,
	  "let the running kernel do it (kexec_file_load)" },
	{ "kexec-syscall-auto", 'a', NULL, false, "choose, and say which and why (default)" },
	{ "no-cma", OPTION_NO_CMA, NULL, false,
	  "with -s: load into no memory that is kept for devices (CMA)" },
	{ "force-dtb", OPTION_FORCE_DTB, NULL, false,
	  "with -s: hand the running kernel's device tree on" },
	{ "type", 't', "TYPE", false,
	  "bzImage64 (bzImage), elf-x86_64, elf-x86, multiboot-x86, multiboot2-x86 or uki: what "
	  "the kernel must be" },
	{ "mem-min", OPTION_MEM_MIN, "ADDRESS", false, "nothing is loaded below" },
	{ "mem-max", OPTION_MEM_MAX, "ADDRESS", false, "nothing is loaded above" },
	{ "noefi", OPTION_NO_EFI, NULL, true, "hand no EFI over" },
	{ "no-checks", 'i', NULL, false,
	  "no digests: the purgatory verifies nothing; with -e: start it whatever became of memory" },
	{ "hash", OPTION_HASH, "auto|avx512|sha-ni|avx2|baseline", true,
	  "how the purgatory hashes (auto: the fastest that the processor has)" },
	{ "direct", OPTION_DIRECT, NULL, true,
	  "unpack the kernel now, and enter it without its decompressor" },
	{ "fast", OPTION_FAST, NULL, true,
	  "whatever makes the downtime shorter, where it can be done" },
	{ "on-corruption", OPTION_ON_CORRUPTION, "reset|halt", true,
	  "what the purgatory does about damage (reset, after 10 s)" },
	{ "console-serial", OPTION_CONSOLE_SERIAL, NULL, false,
	  "the purgatory speaks on a serial port" },
	{ "console-vga", OPTION_CONSOLE_VGA, NULL, false,
	  "the purgatory speaks on a VGA text screen" },
	{ "console-e9", OPTION_CONSOLE_E9, NULL, true,
	  "the purgatory speaks on the debug port 0xe9" },
	{ "serial", OPTION_SERIAL, "PORT", false, "ttyS0 to ttyS3 or an I/O port, 0x3f8" },
	{ "serial-baud", OPTION_SERIAL_BAUD, "RATE", false,
	  "a divisor of 115200; else left as it is" },
	{ "reset-vga", OPTION_RESET_VGA, NULL, false, "bring VGA back to text before the jump" },
	{ "no-ifdown", 'x', NULL, false, "leave the network up when starting" },
	{ "no-sync", 'y', NULL, false, "do not sync file systems when starting" },
	{ "capture", OPTION_CAPTURE, "FILE.tar", false,
	  "write what plans depend on to a new file, for --sysroot" },
	{ "capture-cmdline", OPTION_CAPTURE_CMDLINE, NULL, false,
	  "with --capture: the running kernel's command line, too" },
	{ "sysroot", OPTION_SYSROOT, "DIR|FILE", false,
	  "plan for a captured machine; load nothing" },
	{ "audit-efi", OPTION_AUDIT_EFI, "[=LOG]", false,
	  "what the EFI stub of KERNEL does at boot, by the EFI memory map of a machine or a log" },
	{ "all", OPTION_ALL, "DIR", false, "with --audit-efi: for each log or capture in DIR" },
	{ "load-address", OPTION_LOAD_ADDRESS, "ADDRESS", false,
	  "with --audit-efi: where the firmware loads the kernel (else: the worst)" },
	{ "handover", OPTION_HANDOVER, NULL, false,
	  "with --audit-efi: entered through the handover protocol" },
	{ "init-size", OPTION_INIT_SIZE, "SIZE", false, "with --audit-efi: in place of KERNEL's" },
	{ "kernel-alignment", OPTION_KERNEL_ALIGNMENT, "SIZE", false, "likewise" },
	{ "pref-address", OPTION_PREF_ADDRESS, "ADDRESS", false, "likewise" },
	{ "decompressed-size", OPTION_DECOMPRESSED_SIZE, "SIZE", false,
	  "with --audit-efi: of the kernel in memory (else: at most init-size)" },
	{ "verbose", OPTION_VERBOSE, NULL, false,
	  "with -S: say it, and how this kernel was started" },
	{ "debug", 'd', NULL, false, "say more" },
	{ "version", 'v', NULL, false, "print the version" },
	{ "help", 'h', NULL, false, "print this" },
	{ "dt-no-old-root", OPTION_OF_OTHERS, NULL, false, "of other processors" },
	{ "elf64-core-headers", OPTION_ACCEPTED, NULL, false, "always done" },
	{ "elf32-core-headers", OPTION_ACCEPTED, NULL, false, "the header of a dump is ELF64" },
	{ "reuse-video-type", OPTION_ACCEPTED, NULL, true, "always done" },
	{ "entry", OPTION_ENTRY, "ADDRESS", false, NULL },
	{ "reuseinitrd", OPTION_REUSE_INITRD, NULL, false, NULL },
	{ "load-preserve-context", OPTION_JUMP, NULL, false, NULL },
	{ "load-jump-back-helper", OPTION_JUMP, NULL, false, NULL },
	{ "load-live-update", OPTION_LIVE_UPDATE, NULL, false, NULL },
	{ "exec-live-update", OPTION_LIVE_UPDATE, NULL, false, NULL },
};

enum { NR_OPTIONS = sizeof(options) / sizeof(options[0]) };

/* The help is grouped by task: what is above an option. */
static const struct {
	int first;
	const char *heading;
} groups[] = {
	{ 'l', "Loading, starting, unloading:" },
	{ OPTION_PRINT_RESERVATION, "Looking at this machine:" },
	{ OPTION_HOTPLUG, "Crash kernels:" },
	{ OPTION_DRY_RUN, "Looking at a load before it is made:" },
	{ OPTION_BOOT_ENTRY, "What is loaded:" },
	{ 'c', "By which loader, and where to:" },
	{ 'i', "Verification and speed:" },
	{ OPTION_CONSOLE_SERIAL, "Where the purgatory speaks:" },
	{ 'x', "Starting:" },
	{ OPTION_CAPTURE, "Captured machines:" },
	{ OPTION_AUDIT_EFI, "Audit of the EFI stub:" },
	{ OPTION_VERBOSE, "Others:" },
	{ OPTION_OF_OTHERS, "Of kexec-tools, without an effect:" },
};

static const char *heading_above(int id)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (groups[i].first == id)
			return groups[i].heading;
	return NULL;
}

void cli_usage(FILE *to)
{
	enum { COLUMN = 22 };

	fputs("Usage: kexec [OPTION]... [KERNEL]\n"
	      "Load a Linux kernel from a running one and start it without the firmware.\n"
	      "Without an action the kernel is loaded and `shutdown -r now` is run.\n",
	      to);
	for (size_t i = 0; i < NR_OPTIONS; i++) {
		const struct cli_option *option = &options[i];
		char word[64], name[8] = "    ";

		if (heading_above(option->id))
			fprintf(to, "\n%s\n", heading_above(option->id));
		if (!option->help)
			continue;
		snprintf(word, sizeof(word), "--%s%s%s", option->name,
			 option->argument && *option->argument != '[' ? "=" : "",
			 option->argument ?: "");
		if (option->id < 256)
			snprintf(name, sizeof(name), "-%c, ", option->id);
		/* What is too long for its column has a line of its own. */
		if (strlen(word) > COLUMN) {
			fprintf(to, "  %s%s\n", name, word);
			name[0] = word[0] = '\0';
		}
		fprintf(to, "  %-4s%-*s %s\n", name, COLUMN, word, option->help);
	}
	fputs("\nExit status: 0 done; 1 refused, or -S and loaded; 3 --audit-efi found a hazard;\n"
	      "255 a system call failed.\n",
	      to);
}

static bool examines_kernel(enum action action)
{
	return action == ACTION_DOCTOR || action == ACTION_ESTIMATE || action == ACTION_AUDIT_EFI;
}

static bool is_of_kexec_tools(enum action action)
{
	return action == ACTION_LOAD || action == ACTION_EXEC || action == ACTION_FORCE ||
	       action == ACTION_UNLOAD || action == ACTION_STATUS;
}

/* What two actions mean that stand in this order; ACTION_DEFAULT: they contradict each other. */
static enum action meant(enum action first, enum action second)
{
	if (first == ACTION_DEFAULT || first == second)
		return second;
	/* What would be loaded may be examined with the words that would load it. */
	if (first == ACTION_LOAD && examines_kernel(second))
		return second;
	if (examines_kernel(first) && second == ACTION_LOAD)
		return first;
	if (!is_of_kexec_tools(first) || !is_of_kexec_tools(second))
		return ACTION_DEFAULT;
	if (first == ACTION_STATUS || second == ACTION_STATUS)
		return ACTION_STATUS;
	/* The last counts, as with kexec-tools: -e -l starts nothing. */
	return second;
}

static int refuse_actions(struct err *err)
{
	return err_set(
		err, ERR_USAGE,
		"only one of -l, -e, -u, -f, -S, --doctor, --estimate, --audit-efi, --capture and --list-entries can be done at a time");
}

static int set_action(struct request *request, enum action action, struct err *err)
{
	enum action together = meant(request->action, action);

	if (together == ACTION_DEFAULT)
		return refuse_actions(err);
	request->action = together;
	return 0;
}

static int parse_address(const char *text, const char *name, phys_t *ret, struct err *err)
{
	uint64_t value;

	if (!num_parse_size(text, strlen(text), &value))
		return err_set(err, ERR_USAGE, "--%s=%s: not an address", name, text);
	*ret = value < PHYS_LIMIT ? value : PHYS_LIMIT;
	return 0;
}

/* A number within [min, max] that is a multiple of min, if that is not 1. */
static int parse_size(const char *text, const char *name, uint64_t min, uint64_t max, uint64_t *ret,
		      struct err *err)
{
	uint64_t value;

	if (!num_parse_size(text, strlen(text), &value) || value < min || value > max ||
	    value % min)
		return err_set(err, ERR_USAGE, "--%s=%s: not a number from 0x%llx to 0x%llx%s",
			       name, text, (unsigned long long)min, (unsigned long long)max,
			       min > 1 ? " on a page" : "");
	*ret = value;
	return 0;
}

static int parse_alignment(const char *text, const char *name, uint64_t *ret, struct err *err)
{
	uint64_t value;

	if (parse_size(text, name, PAGE_SIZE_4K, FOUR_GIB, &value, err))
		return -1;
	if (!num_is_power_of_two(value))
		return err_set(err, ERR_USAGE, "--%s=%s: not a power of two", name, text);
	*ret = value;
	return 0;
}

static int parse_serial(const char *text, struct request *request, struct err *err)
{
	static const uint16_t port[] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };
	uint64_t value;

	if (!strncmp(text, "ttyS", 4) && text[4] >= '0' && text[4] <= '3' && !text[5])
		value = port[text[4] - '0'];
	else if (!num_parse(text, strlen(text), 0, &value) || !value || value > UINT16_MAX)
		return err_set(err, ERR_USAGE, "--serial=%s: not ttyS0 to ttyS3, nor an I/O port",
			       text);
	request->console.port = (uint16_t)value;
	request->port_given = true;
	return 0;
}

static int parse_baud(const char *text, struct request *request, struct err *err)
{
	uint64_t value;

	if (!num_parse(text, strlen(text), 10, &value) || !value || value > 115200 ||
	    115200 % value || 115200 / value > UINT16_MAX)
		return err_set(err, ERR_USAGE, "--serial-baud=%s: 115200 is not a multiple of it",
			       text);
	request->console.baud = (uint32_t)value;
	return 0;
}

static int parse_on_corruption(const char *text, struct request *request, struct err *err)
{
	if (!strcmp(text, "reset"))
		request->on_corruption = ON_CORRUPTION_RESET;
	else if (!strcmp(text, "halt"))
		request->on_corruption = ON_CORRUPTION_HALT;
	else
		return err_set(err, ERR_USAGE, "--on-corruption=%s: not reset or halt", text);
	return 0;
}

static int parse_hash(const char *text, struct request *request, struct err *err)
{
	static const struct {
		const char *name;
		uint32_t hashes;
	} hash[] = {
		{ "auto", PURGATORY_HASH_ALL },
		{ "avx512", PURGATORY_HASH_AVX512 },
		{ "sha-ni", PURGATORY_HASH_SHA_NI },
		{ "avx2", PURGATORY_HASH_AVX2 },
		{ "baseline", 0 },
	};

	for (size_t i = 0; i < sizeof(hash) / sizeof(hash[0]); i++) {
		if (!strcmp(text, hash[i].name)) {
			request->hashes = hash[i].hashes;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "--hash=%s: not auto, avx512, sha-ni, avx2 or baseline",
		       text);
}

static int parse_backup(const char *text, struct request *request, struct err *err)
{
	if (!strcmp(text, "auto"))
		request->backup = CRASH_BACKUP_AUTO;
	else if (!strcmp(text, "always"))
		request->backup = CRASH_BACKUP_ALWAYS;
	else if (!strcmp(text, "never"))
		request->backup = CRASH_BACKUP_NEVER;
	else
		return err_set(err, ERR_USAGE, "--backup=%s: not auto, always or never", text);
	return 0;
}

static int parse_profile(const char *text, struct request *request, struct err *err)
{
	uint64_t value;

	if (!num_parse(text, strlen(text), 10, &value) || value >= UKI_SECTIONS_MAX)
		return err_set(err, ERR_USAGE, "--uki-profile=%s: not a number from 0 to %d", text,
			       UKI_SECTIONS_MAX - 1);
	request->uki_profile = (unsigned int)value;
	request->has_uki_profile = true;
	return 0;
}

static int add_initrd(const char *path, struct request *request, struct err *err)
{
	if (request->nr_initrds == REQUEST_INITRDS_MAX)
		return err_set(err, ERR_USAGE, "more than %d initrds", REQUEST_INITRDS_MAX);
	request->initrd[request->nr_initrds++] = path;
	return 0;
}

static int add_module(const char *text, struct request *request, struct err *err)
{
	if (*text == ' ')
		return err_set(err, ERR_USAGE, "--module=%s: it begins with no file's name", text);
	if (request->nr_modules == REQUEST_MODULES_MAX)
		return err_set(err, ERR_USAGE, "more than %d modules", REQUEST_MODULES_MAX);
	request->module[request->nr_modules++] = text;
	return 0;
}

static int set_args(enum load_args args, struct request *request, struct err *err)
{
	if (request->args != LOAD_ARGS_AUTO && request->args != args)
		return err_set(
			err, ERR_USAGE,
			"only one of --args-linux, --args-elf and --args-none can be used at "
			"a time");
	request->args = args;
	return 0;
}

static int set_spares(enum load_spares spares, struct request *request, struct err *err)
{
	if (request->spares != LOAD_SPARES_AUTO && request->spares != spares)
		return err_set(
			err, ERR_USAGE,
			"only one of --spare-copy and --no-spare-copy can be used at a time");
	request->spares = spares;
	return 0;
}

/* An empty name would be one of a file that is not there. */
static bool lacks_name(const struct cli_option *option, const char *argument)
{
	static const char *const names[] = { "FILE", "DIR", "LOG" };

	if (!argument || *argument)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strstr(option->argument, names[i]))
			return true;
	return false;
}

static int apply(const struct cli_option *option, const char *argument, struct request *request,
		 struct err *err)
{
	if (lacks_name(option, argument))
		return err_set(err, ERR_USAGE, "--%s=: the name of a file is missing",
			       option->name);
	switch (option->id) {
	case 'l':
		request->status_of_normal = !request->crash;
		return set_action(request, ACTION_LOAD, err);
	case 'e':
		return set_action(request, ACTION_EXEC, err);
	case 'u':
		return set_action(request, ACTION_UNLOAD, err);
	case 'S':
		return set_action(request, ACTION_STATUS, err);
	case 'f':
		return set_action(request, ACTION_FORCE, err);
	case 'p':
		request->crash = true;
		request->status_of_normal = false;
		return set_action(request, ACTION_LOAD, err);
	case 'h':
		request->action = ACTION_HELP;
		return 0;
	case 'v':
		request->action = ACTION_VERSION;
		return 0;
	case 'c':
		request->method = METHOD_LOAD;
		return 0;
	case 's':
		request->method = METHOD_FILE_LOAD;
		return 0;
	case 'a':
		request->method = METHOD_AUTO;
		return 0;
	case 't':
		request->type = argument;
		return 0;
	case 'i':
		request->no_checks = true;
		return 0;
	case 'x':
		request->no_network_down = true;
		return 0;
	case 'y':
		request->no_sync = true;
		return 0;
	case 'd':
		request->debug = true;
		return 0;
	case OPTION_APPEND:
		request->append = argument;
		return 0;
	case OPTION_REUSE_CMDLINE:
		request->reuse_cmdline = true;
		return 0;
	case OPTION_INITRD:
		return add_initrd(argument, request, err);
	case OPTION_ENTRY_32BIT:
		request->entry_32bit = true;
		return 0;
	case OPTION_BOOT_ENTRY:
		if (argument && !*argument)
			return err_set(err, ERR_USAGE, "--boot-entry=: no name is given");
		request->from_entry = true;
		request->boot_entry = argument;
		return 0;
	case OPTION_LIST_ENTRIES:
		return set_action(request, ACTION_LIST_ENTRIES, err);
	case OPTION_UNPACK_INITRD:
		request->unpack_initrd = true;
		return 0;
	case OPTION_UKI_PROFILE:
		return parse_profile(argument, request, err);
	case OPTION_MEM_MIN:
		return parse_address(argument, option->name, &request->mem_min, err);
	case OPTION_MEM_MAX:
		if (parse_address(argument, option->name, &request->mem_max, err))
			return -1;
		/* The highest address that may be used, in whole pages. */
		if (request->mem_max < PHYS_LIMIT)
			request->mem_max = num_align_down(request->mem_max + 1, PAGE_SIZE_4K);
		return 0;
	case OPTION_NO_EFI:
		request->no_efi = true;
		return 0;
	case OPTION_CONSOLE_SERIAL:
		request->console.serial = request->console_asked = true;
		return 0;
	case OPTION_CONSOLE_VGA:
		request->console.vga = request->console_asked = true;
		return 0;
	case OPTION_CONSOLE_E9:
		request->console.debug_port = request->console_asked = true;
		return 0;
	case OPTION_SERIAL:
		return parse_serial(argument, request, err);
	case OPTION_SERIAL_BAUD:
		return parse_baud(argument, request, err);
	case OPTION_RESET_VGA:
		request->console.reset_vga = true;
		return 0;
	case OPTION_ON_CORRUPTION:
		return parse_on_corruption(argument, request, err);
	case OPTION_DIRECT:
		request->direct = LOAD_DIRECT_ASKED;
		return 0;
	case OPTION_FAST:
		request->fast = true;
		if (request->direct == LOAD_DIRECT_NEVER)
			request->direct = LOAD_DIRECT_IF_POSSIBLE;
		return 0;
	case OPTION_DRY_RUN:
		request->dry_run = true;
		return 0;
	case OPTION_JSON:
		request->json = true;
		return 0;
	case OPTION_SVG:
		request->svg = argument;
		return 0;
	case OPTION_HOTPLUG:
		request->hotplug = true;
		return 0;
	case OPTION_MEMMAP_CMDLINE:
		request->memmap_cmdline = true;
		return 0;
	case OPTION_SPARE_COPY:
		return set_spares(LOAD_SPARES_ALWAYS, request, err);
	case OPTION_NO_SPARE_COPY:
		return set_spares(LOAD_SPARES_NEVER, request, err);
	case OPTION_HASH:
		return parse_hash(argument, request, err);
	case OPTION_BACKUP:
		return parse_backup(argument, request, err);
	case OPTION_PRINT_RESERVATION:
		request->action = ACTION_PRINT_RESERVATION;
		return 0;
	case OPTION_NO_CMA:
		request->no_cma = true;
		return 0;
	case OPTION_FORCE_DTB:
		request->force_dtb = true;
		return 0;
	case OPTION_MODULE:
		return add_module(argument, request, err);
	case OPTION_ARGS_LINUX:
		return set_args(LOAD_ARGS_LINUX, request, err);
	case OPTION_ARGS_ELF:
		return set_args(LOAD_ARGS_ELF, request, err);
	case OPTION_ARGS_NONE:
		return set_args(LOAD_ARGS_NONE, request, err);
	case OPTION_DTB:
		request->dtb = argument;
		return 0;
	case OPTION_ENTRY:
		return err_set(
			err, ERR_USAGE,
			"--entry: a kernel is entered by the purgatory, which verifies it, and nowhere else");
	case OPTION_REUSE_INITRD:
		return err_set(err, ERR_USAGE,
			       "--reuseinitrd: a running kernel that has kept its initrd "
			       "(retain_initrd) shows it in /sys/firmware/initrd");
	case OPTION_REAL_MODE:
		request->real_mode = true;
		return 0;
	case OPTION_JUMP:
		return err_set(err, ERR_USAGE,
			       "--%s: no kernel comes back to the one that has started it",
			       option->name);
	case OPTION_LIVE_UPDATE:
		return err_set(err, ERR_USAGE, "--%s: this loader does not update a running Xen",
			       option->name);
	case OPTION_DOCTOR:
		return set_action(request, ACTION_DOCTOR, err);
	case OPTION_ESTIMATE:
		if (argument && strcmp(argument, "measure"))
			return err_set(err, ERR_USAGE, "--estimate=%s: only =measure is known",
				       argument);
		request->measure = argument;
		return set_action(request, ACTION_ESTIMATE, err);
	case OPTION_AUDIT_EFI:
		request->audit_log = argument;
		return set_action(request, ACTION_AUDIT_EFI, err);
	case OPTION_ALL:
		request->audit_all = argument;
		return 0;
	case OPTION_LOAD_ADDRESS:
		request->audit.has_load = true;
		return parse_size(argument, option->name, 1, PHYS_LIMIT - 1, &request->audit.load,
				  err);
	case OPTION_HANDOVER:
		request->audit.handover = true;
		return 0;
	case OPTION_INIT_SIZE:
		return parse_size(argument, option->name, 1, UINT32_MAX,
				  &request->audit.footprint.init_size, err);
	case OPTION_KERNEL_ALIGNMENT:
		return parse_alignment(argument, option->name, &request->audit.footprint.alignment,
				       err);
	case OPTION_PREF_ADDRESS:
		return parse_size(argument, option->name, PAGE_SIZE_4K, PHYS_LIMIT - PAGE_SIZE_4K,
				  &request->audit.footprint.pref_address, err);
	case OPTION_DECOMPRESSED_SIZE:
		return parse_size(argument, option->name, 1, UINT32_MAX,
				  &request->audit.decompressed_size, err);
	case OPTION_VERBOSE:
		request->verbose = true;
		return 0;
	case OPTION_CAPTURE:
		request->capture = argument;
		return set_action(request, ACTION_CAPTURE, err);
	case OPTION_CAPTURE_CMDLINE:
		request->capture_cmdline = true;
		return 0;
	case OPTION_SYSROOT:
		request->sysroot = argument;
		request->dry_run = true;
		return 0;
	default: /* OPTION_ACCEPTED */
		return 0;
	}
}

/* What is done as soon as it is read, whatever else there is. */
static bool is_immediate(enum action action)
{
	return action == ACTION_HELP || action == ACTION_USAGE || action == ACTION_VERSION ||
	       action == ACTION_PRINT_RESERVATION;
}

static bool has_all_of_kernel(const struct footprint_of *of)
{
	return of->init_size && of->alignment && of->pref_address;
}

static bool is_known_type(const char *type)
{
	static const char *const known[] = { "bzImage64", "bzImage",	   "elf-x86_64",
					     "elf-x86",	  "multiboot-x86", "multiboot2-x86",
					     TYPE_UKI };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(type, known[i]))
			return true;
	return false;
}

/* An option as it was given. */
struct given {
	const struct cli_option *option;
	const char *argument; /* NULL: none */
};

/*
 * Of an option of kexec-tools' that is given again the last counts, as there; ours would drop what
 * is asked for without a word.
 */
static int refuse_other_value(const struct given *first, const struct given *again, struct err *err)
{
	const char *a = first->argument, *b = again->argument;

	if (!first->option || again->option->id < OPTION_OWN_FIRST ||
	    (a && b ? !strcmp(a, b) : a == b))
		return 0;
	return err_set(err, ERR_USAGE,
		       "--%s%s%s and --%s%s%s: only one of them can be used at a time",
		       first->option->name, a ? "=" : "", a ?: "", again->option->name,
		       b ? "=" : "", b ?: "");
}

static bool is_given(const struct given given[NR_OPTIONS], int id)
{
	for (size_t i = 0; i < NR_OPTIONS; i++)
		if (given[i].option && given[i].option->id == id)
			return true;
	return false;
}

/* What is known of the action only when all words are. */
static int settle_action(struct request *request, const struct given given[NR_OPTIONS],
			 struct err *err)
{
	if (request->action == ACTION_DEFAULT && request->from_entry)
		request->action = ACTION_LOAD;
	if (!is_of_kexec_tools(request->action) || request->action == ACTION_STATUS)
		return 0;
	/* -l or -p may stand beside each of them, and none beside another. */
	if (is_given(given, 'e') + is_given(given, 'f') + is_given(given, 'u') > 1)
		return refuse_actions(err);
	/* -u -p says which one to unload, as -p -u does, where none is named to load. */
	if (request->action == ACTION_LOAD && !request->kernel && !request->from_entry &&
	    is_given(given, 'u') && !is_given(given, 'l'))
		request->action = ACTION_UNLOAD;
	return 0;
}

/* The option for what loads nothing. */
static const char *action_option(enum action action)
{
	switch (action) {
	case ACTION_UNLOAD:
		return "-u";
	case ACTION_EXEC:
		return "-e";
	case ACTION_STATUS:
		return "-S";
	case ACTION_AUDIT_EFI:
		return "--audit-efi";
	case ACTION_CAPTURE:
		return "--capture";
	case ACTION_LIST_ENTRIES:
		return "--list-entries";
	default:
		return "the action";
	}
}

static int check(const struct request *request, const char *load_option, const char *audit_option,
		 struct err *err)
{
	bool audits = request->action == ACTION_AUDIT_EFI;
	bool loads = request->action == ACTION_DEFAULT || request->action == ACTION_LOAD ||
		     request->action == ACTION_FORCE;
	bool lists = request->action == ACTION_LIST_ENTRIES;
	bool starts = request->action == ACTION_EXEC;
	bool examines = request->action == ACTION_DOCTOR || request->action == ACTION_ESTIMATE;

	if (is_immediate(request->action))
		return 0;
	if (request->sysroot && !loads && !examines && !audits && !lists &&
	    request->action != ACTION_CAPTURE)
		return err_set(
			err, ERR_USAGE,
			"--sysroot goes with loading, --doctor, --estimate, --audit-efi, --capture, --list-entries and --print-ckr-size");
	if (request->dry_run && (starts || request->action == ACTION_UNLOAD))
		return err_set(err, ERR_USAGE,
			       "a dry run shows what would be loaded, and %s loads nothing",
			       action_option(request->action));
	if (load_option && starts)
		return err_set(err, ERR_USAGE,
			       "--%s makes no sense without loading a kernel: -e starts the one "
			       "that is loaded, as it was loaded",
			       load_option);
	if (load_option && !loads && !examines)
		return err_set(err, ERR_USAGE,
			       "--%s makes no sense without loading a kernel: %s loads none",
			       load_option, action_option(request->action));
	if (audit_option && !audits)
		return err_set(err, ERR_USAGE, "--%s goes with --audit-efi", audit_option);
	if (audits && request->audit_all && request->audit_log)
		return err_set(err, ERR_USAGE, "--all names the logs: --audit-efi takes none then");
	if (audits && !request->kernel && !has_all_of_kernel(&request->audit.footprint))
		return err_set(err, ERR_USAGE,
			       "no kernel named, nor --init-size, --kernel-alignment and "
			       "--pref-address in its place");
	if (request->capture_cmdline && request->action != ACTION_CAPTURE)
		return err_set(err, ERR_USAGE, "--capture-cmdline goes with --capture");
	if (request->from_entry &&
	    (request->kernel || request->nr_initrds || request->reuse_cmdline))
		return err_set(
			err, ERR_USAGE,
			"--boot-entry names kernel, initrd and command line: KERNEL, --initrd and "
			"--reuse-cmdline do not go with it");
	if ((loads || examines || audits) && request->kernel && !*request->kernel)
		return err_set(err, ERR_USAGE, "KERNEL is an empty word");
	if (loads && !request->kernel && !request->from_entry)
		return err_set(err, ERR_USAGE, "no kernel named");
	if ((loads || examines) && request->mem_max < PHYS_LIMIT &&
	    request->mem_min >= request->mem_max)
		return err_set(err, ERR_USAGE,
			       "--mem-min=" PHYS_FMT " with --mem-max=" PHYS_FMT
			       ": nothing lies between them",
			       PHYS(request->mem_min), PHYS(request->mem_max));
	if (request->unpack_initrd && request->method == METHOD_FILE_LOAD)
		return err_set(err, ERR_USAGE,
			       "--unpack-initrd needs -c: with -s the running kernel's own loader "
			       "takes the initrd's file as it is");
	if (request->entry_32bit && request->method == METHOD_FILE_LOAD)
		return err_set(err, ERR_USAGE,
			       "--entry-32bit needs -c: with -s the running kernel's own loader "
			       "enters kernels in 64-bit mode");
	if (request->entry_32bit && request->direct == LOAD_DIRECT_ASKED)
		return err_set(err, ERR_USAGE,
			       "--entry-32bit with --direct: an unpacked kernel is entered in "
			       "64-bit mode");
	if (request->real_mode && request->method == METHOD_FILE_LOAD)
		return err_set(err, ERR_USAGE,
			       "--real-mode needs -c: with -s the running kernel's own loader "
			       "enters kernels in 64-bit mode");
	if (request->real_mode && (request->entry_32bit || request->direct == LOAD_DIRECT_ASKED))
		return err_set(err, ERR_USAGE, "--real-mode with --%s: a kernel has one entry",
			       request->entry_32bit ? "entry-32bit" : "direct");
	if (request->real_mode && request->crash)
		return err_set(err, ERR_USAGE,
			       "--real-mode with -p: a capture kernel must not take all memory for "
			       "its own, as the BIOS would tell it to");
	if (request->crash && request->action == ACTION_FORCE)
		return err_set(err, ERR_USAGE, "-p with -f: a panic starts a crash kernel");
	if (!request->crash && loads &&
	    (request->hotplug || request->memmap_cmdline || request->backup != CRASH_BACKUP_AUTO ||
	     request->spares != LOAD_SPARES_AUTO))
		return err_set(
			err, ERR_USAGE,
			"--hotplug, --pass-memmap-cmdline, --spare-copy and --backup go with -p");
	if (loads && request->no_checks && request->spares == LOAD_SPARES_ALWAYS)
		return err_set(err, ERR_USAGE,
			       "--spare-copy with --no-checks: damage that nobody looks for is not "
			       "repaired");
	if (request->json && !(request->dry_run && loads) && !audits && !lists &&
	    request->action != ACTION_DOCTOR)
		return err_set(
			err, ERR_USAGE,
			"--json goes with --dry-run, --doctor, --audit-efi or --list-entries");
	if (request->svg && (!request->dry_run || !loads))
		return err_set(err, ERR_USAGE, "--svg goes with --dry-run");
	if ((loads || examines) && request->type && !is_known_type(request->type))
		return err_set(err, ERR_USAGE,
			       "--type=%s: only bzImage64 (or bzImage), elf-x86_64, elf-x86, "
			       "multiboot-x86, multiboot2-x86 and uki are known",
			       request->type);
	return 0;
}

/* What getopt_long() found wrong: `word` is the argument before the next one. */
static int refuse_option(int id, const char *word, struct err *err)
{
	const struct cli_option *option = optopt >= 256 ? &options[optopt - 256] : NULL;
	size_t length, count = 0;

	if (id == ':' && option)
		return err_set(err, ERR_USAGE, "--%s: an argument is missing: --%s=%s",
			       option->name, option->name, option->argument);
	if (id == ':')
		return err_set(err, ERR_USAGE, "-%c: an argument is missing", optopt);
	if (option)
		return err_set(err, ERR_USAGE, "%s: --%s takes no argument", word, option->name);
	if (optopt)
		return err_set(err, ERR_USAGE, "-%c: no such option", optopt);
	word += strspn(word, "-");
	length = strcspn(word, "=");
	for (size_t i = 0; i < NR_OPTIONS; i++)
		count += !strncmp(options[i].name, word, length);
	return err_set(err, ERR_USAGE, "--%s: %s", word,
		       count > 1 ? "several options begin so" : "no such option");
}

/* Whether the text is clear to kexec-tools, and an option of ours begins with it, too. */
static bool is_contended(const char *text, size_t length)
{
	const struct cli_option *first = NULL;
	bool contended = false;

	for (size_t i = 0; i < NR_OPTIONS; i++) {
		const struct cli_option *option = &options[i];

		if (strncmp(option->name, text, length))
			continue;
		if (option->id >= OPTION_OWN_FIRST)
			contended = true;
		else if (!first)
			first = option;
		/* Two names of one option are no doubt. */
		else if (option->id != first->id || option->id == OPTION_ACCEPTED)
			return false;
	}
	return contended;
}

enum { ABBREVIATIONS_MAX = 128, ABBREVIATION_SIZE = 24 };

struct table {
	struct option option[NR_OPTIONS + ABBREVIATIONS_MAX + 1];
	char abbreviation[ABBREVIATIONS_MAX][ABBREVIATION_SIZE];
	size_t count, nr_abbreviations;
};

/*
 * Where an abbreviation is clear to kexec-tools, an option of ours that begins alike must not
 * make it ambiguous: it becomes a name of its own, which getopt_long() prefers.
 */
static void add_abbreviations(struct table *table, size_t index)
{
	const char *name = options[index].name;

	for (size_t length = 1; length < strlen(name) && length < ABBREVIATION_SIZE; length++) {
		char *to = table->abbreviation[table->nr_abbreviations];

		if (table->nr_abbreviations == ABBREVIATIONS_MAX || !is_contended(name, length))
			continue;
		memcpy(to, name, length);
		table->nr_abbreviations++;
		table->option[table->count] = table->option[index];
		table->option[table->count++].name = to;
	}
}

static void make_table(struct table *ret, char short_options[2 * NR_OPTIONS + 3])
{
	size_t used = 0;

	/* The colon has a missing argument told from an unknown option. */
	short_options[used++] = ':';
	for (size_t i = 0; i < NR_OPTIONS; i++) {
		/* val is the index, so that an option is found in the table at once. */
		ret->option[ret->count++] =
			(struct option){ options[i].name,
					 !options[i].argument	       ? no_argument
					 : *options[i].argument == '[' ? optional_argument
								       : required_argument,
					 NULL, 256 + (int)i };
		if (options[i].id >= 256)
			continue;
		short_options[used++] = (char)options[i].id;
		if (options[i].argument)
			short_options[used++] = ':';
	}
	short_options[used] = '\0';
	for (size_t i = 0; i < NR_OPTIONS; i++)
		if (options[i].id < OPTION_OWN_FIRST)
			add_abbreviations(ret, i);
}

/* Nothing behind --print-ckr-size is looked at, but of which machine it is. */
static bool is_skipped(const struct request *request, int id)
{
	int word = id == ':' ? optopt : id;

	return request->action == ACTION_PRINT_RESERVATION &&
	       (word < 256 || options[word - 256].id != OPTION_SYSROOT);
}

int cli_parse(int argc, char *const argv[], struct request *ret, struct err *err)
{
	struct table table = { 0 };
	struct request request = { .mem_max = PHYS_LIMIT, .hashes = PURGATORY_HASH_ALL };
	const char *load_option = NULL, *audit_option = NULL;
	struct given given[NR_OPTIONS] = { 0 }, again;
	char short_options[2 * NR_OPTIONS + 3];
	int id;

	make_table(&table, short_options);
	optind = 0;
	opterr = 0;
	while ((id = getopt_long(argc, argv, short_options, table.option, NULL)) != -1) {
		const struct cli_option *option = options;

		if (is_skipped(&request, id))
			continue;
		if (id == '?' && optopt == '?') {
			request.action = ACTION_USAGE;
			break;
		}
		if (id == '?' || id == ':')
			return refuse_option(id, argv[optind - 1], err);
		while (id < 256 && option->id != id)
			option++;
		if (id >= 256)
			option = &options[id - 256];
		if (option->only_for_load)
			load_option = option->name;
		if (option->id >= OPTION_AUDIT_FIRST)
			audit_option = option->name;
		again = (struct given){ option, optarg };
		if (refuse_other_value(&given[option - options], &again, err))
			return -1;
		given[option - options] = again;
		if (apply(option, optarg, &request, err))
			return -1;
		if (is_immediate(request.action) && request.action != ACTION_PRINT_RESERVATION)
			break;
	}
	/* What is only said is of no machine. */
	if (is_immediate(request.action) && request.action != ACTION_PRINT_RESERVATION)
		request.sysroot = NULL;
	if (optind < argc)
		request.kernel = argv[optind];
	if (settle_action(&request, given, err) || check(&request, load_option, audit_option, err))
		return -1;
	*ret = request;
	return 0;
}
