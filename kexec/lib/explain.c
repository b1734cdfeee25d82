/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/lib/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/num.h"
#include "kexec/sys/gather.h"
#include "x86/bootparam.h"

/* include/uapi/linux/capability.h */
enum { CAP_SYS_BOOT = 22 };
/* Documentation/arch/x86/zero-page.rst, and include/linux/efi.h */
enum { SECURE_BOOT_ENABLED = 3 };

static const char *const call_name[] = {
	[EXPLAIN_LOAD] = "kexec_load",
	[EXPLAIN_FILE_LOAD] = "kexec_file_load",
	[EXPLAIN_START] = "kexec",
};

/* The number behind KEY in a file of lines "KEY NUMBER"; base as for strtoull(). */
static bool look_up(const struct root *root, const char *path, const char *key, int base,
		    uint64_t *ret)
{
	char *text CLEANUP(text_done) = NULL;
	struct err ignored;
	const char *at;

	if (root_read_text(root, path, &text, &ignored))
		return false;
	at = strstr(text, key);
	if (!at)
		return false;
	*ret = strtoull(at + strlen(key), NULL, base);
	return true;
}

/* --- what may be the cause ------------------------------------------------ */

static bool is_disabled(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	struct err ignored;
	uint64_t value;

	(void)detail;
	return !root_read_number(failure->root, "proc/sys/kernel/kexec_load_disabled", &value,
				 &ignored) &&
	       value == 1;
}

static bool lacks_capability(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	uint64_t capabilities;

	(void)detail;
	return look_up(failure->root, "proc/self/status", "CapEff:", 16, &capabilities) &&
	       !(capabilities >> CAP_SYS_BOOT & 1);
}

static const char *limit_name(bool crash)
{
	return crash ? "kexec_load_limit_panic" : "kexec_load_limit_reboot";
}

bool explain_used_up(const struct root *root, bool crash)
{
	struct err ignored;
	uint64_t left;
	char path[64];

	snprintf(path, sizeof(path), "proc/sys/kernel/%s", limit_name(crash));
	return !root_read_number(root, path, &left, &ignored) && !left;
}

bool explain_is_limited(const struct root *root, bool crash)
{
	char *limit CLEANUP(text_done) = NULL;
	struct err ignored;
	char path[64];

	snprintf(path, sizeof(path), "proc/sys/kernel/%s", limit_name(crash));
	return !root_read_text(root, path, &limit, &ignored) && strcmp(limit, "-1");
}

static bool is_used_up(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	snprintf(detail, EXPLAIN_DETAIL_MAX, "%s", limit_name(failure->crash));
	return failure->used_up;
}

static bool is_locked_down(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	struct system system CLEANUP(system_done) = { 0 };
	struct err ignored;

	if (gather_choice(failure->root, &system, &ignored) || !system.lockdown ||
	    !strcmp(system.lockdown, "none"))
		return false;
	snprintf(detail, EXPLAIN_DETAIL_MAX, "%s", system.lockdown);
	return true;
}

static bool is_not_built(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	const char *option =
		failure->call == EXPLAIN_FILE_LOAD ? "CONFIG_KEXEC_FILE" : "CONFIG_KEXEC";
	char *release CLEANUP(text_done) = NULL, *config CLEANUP(text_done) = NULL;
	char path[CONFIG_PATH_MAX];
	struct err ignored;

	if (root_read_text(failure->root, "proc/sys/kernel/osrelease", &release, &ignored) ||
	    !gather_config(failure->root, release, &config, path))
		return false;
	if (config_has(config, option))
		return false;
	snprintf(detail, EXPLAIN_DETAIL_MAX, "/%s: no %s=y", path, option);
	return true;
}

/* The zero page of the running kernel says how the firmware started it; not every kernel is locked down then. */
static bool is_secure_boot(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	const struct boot_params *params;
	char state[EXPLAIN_DETAIL_MAX];
	struct buf data CLEANUP(buf_done) = { 0 };
	struct err ignored;

	if (root_read(failure->root, "sys/kernel/boot_params/data", sizeof(*params), &data,
		      &ignored) ||
	    data.size != sizeof(*params))
		return false;
	params = (const void *)data.data;
	if (params->secure_boot != SECURE_BOOT_ENABLED)
		return false;
	if (is_locked_down(failure, state))
		snprintf(detail, EXPLAIN_DETAIL_MAX, " and the kernel is locked down (%.60s)",
			 state);
	return true;
}

/* It only shrinks, at its end (crash_shrink_memory() in kernel/crash_core.c). */
static bool find_reservation(const struct explain_failure *failure, struct range *ret)
{
	const struct root *root = failure->root;
	struct range low;
	struct err ignored;
	uint64_t size;

	if (!failure->system)
		return !gather_reservation(root, ret, &low, &ignored);
	if (!failure->system->iomem.count ||
	    iomem_crash_kernel(&failure->system->iomem, ret, &low, &ignored))
		return false;
	if (!gather_of_kexec(root, "crash_size", &size, &ignored) && size < range_size(*ret))
		ret->end = ret->start + size;
	return true;
}

/* Memory went from the reservation since the plan was made. */
static bool is_outside(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	const struct plan *plan = failure->plan;
	struct range main;

	if (!plan || !failure->crash || !find_reservation(failure, &main))
		return false;
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[i];

		if (range_contains(main, item->load))
			continue;
		snprintf(detail, EXPLAIN_DETAIL_MAX,
			 "%s " PHYS_FMT "-" PHYS_FMT
			 " is outside the reservation, which is " PHYS_FMT "-" PHYS_FMT " now",
			 item->name, PHYS(item->load.start), PHYS(item->load.end), PHYS(main.start),
			 PHYS(main.end));
		return true;
	}
	return false;
}

static bool has_no_reservation(const struct explain_failure *failure,
			       char detail[EXPLAIN_DETAIL_MAX])
{
	struct range main;

	(void)detail;
	return failure->crash && find_reservation(failure, &main) && !range_is_valid(main);
}

static bool is_too_small(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	struct range main;

	if (!failure->crash || !find_reservation(failure, &main))
		return false;
	snprintf(detail, EXPLAIN_DETAIL_MAX, "%" PRIu64 " KiB", range_size(main) / 1024);
	return true;
}

/* What kexec_load copies, or else the files that the running kernel reads. */
static uint64_t bytes_to_load(const struct explain_failure *failure)
{
	uint64_t size = failure->files_size;

	for (unsigned int i = 0; failure->plan && i < failure->plan->nr_items; i++)
		size += failure->plan->item[i].mem_size;
	return size;
}

static bool lacks_memory(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	uint64_t available, size = bytes_to_load(failure);

	if (!look_up(failure->root, "proc/meminfo", "MemAvailable:", 10, &available) ||
	    size / 1024 < available)
		return false;
	snprintf(detail, EXPLAIN_DETAIL_MAX,
		 "%" PRIu64 " KiB are available, what is to be loaded has %" PRIu64 " KiB",
		 available, size / 1024);
	return true;
}

static bool is_over_half(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	uint64_t total, size = bytes_to_load(failure);

	if (!look_up(failure->root, "proc/meminfo", "MemTotal:", 10, &total) ||
	    size / 1024 <= total / 2)
		return false;
	snprintf(detail, EXPLAIN_DETAIL_MAX, "%" PRIu64 " KiB of %" PRIu64 " KiB", size / 1024,
		 total);
	return true;
}

/* The running kernel puts elfcorehdr= into a crash kernel's, 30 bytes with a NUL
 * (MAX_ELFCOREHDR_STR_LEN of arch/x86/kernel/kexec-bzimage64.c). */
static bool is_too_long(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	size_t most = failure->cmdline_max;

	if (failure->crash)
		most = most > 30 ? most - 30 : 0;
	snprintf(detail, EXPLAIN_DETAIL_MAX, "%zu characters of %zu", failure->cmdline_length,
		 most);
	return failure->cmdline_max && failure->cmdline_length > most;
}

static bool is_not_loaded(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	struct err ignored;
	bool loaded;

	(void)detail;
	return !gather_loaded(failure->root, false, &loaded, &ignored) && !loaded;
}

static bool loads_crash(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	(void)detail;
	return failure->crash;
}

enum {
	LOADS = EXPLAIN_LOAD | EXPLAIN_FILE_LOAD,
	ALL = LOADS | EXPLAIN_START,
	FILE_LOAD = EXPLAIN_FILE_LOAD,
};

/*
 * The order of the kernel's own checks: kernel/kexec.c, kernel/kexec_file.c, kernel/kexec_core.c
 * and kernel/reboot.c of Linux 6.1 and 6.12.
 */
static const struct explain_cause causes[] = {
	{ ALL, EPERM, lacks_capability, "/proc/self/status", "CAP_SYS_BOOT is needed",
	  "sudo kexec ..." },
	{ LOADS, EPERM, is_disabled, "/proc/sys/kernel/kexec_load_disabled",
	  "kernel.kexec_load_disabled is 1, and stays so until the next boot", "reboot" },
	{ LOADS, EPERM, is_used_up, "/proc/sys/kernel/kexec_load_limit_reboot, _panic",
	  "kernel.%s is 0: it counts every load and unload, also one that fails, and none is left",
	  "reboot" },
	{ LOADS, EPERM, is_locked_down, "/sys/kernel/security/lockdown",
	  "the kernel is locked down (%s): only a kernel with a signature that it trusts can be "
	  "loaded, with -s",
	  "kexec -s -l KERNEL.signed, or turn Secure Boot off" },
	{ ALL, EPERM, NULL, "", "a security module forbids it, or this is a container",
	  "journalctl -k -g kexec" },
	{ LOADS, EACCES, is_secure_boot, "/sys/kernel/boot_params/data",
	  "Secure Boot is on%s: this call gives the running kernel no signature to check",
	  "kexec -s -l KERNEL.signed" },
	{ LOADS, EACCES, NULL, "",
	  "a security module forbids it: IMA appraises what is loaded, or a policy of SELinux",
	  "kexec -s -l KERNEL.signed" },
	{ FILE_LOAD, EKEYREJECTED, NULL, "",
	  "the kernel's contents do not match its signature, or the signature is revoked",
	  "sbverify --cert CERTIFICATE KERNEL" },
	{ FILE_LOAD, ENOKEY, NULL, "",
	  "the kernel's signature is of a key that the running kernel does not have",
	  "sbverify --list KERNEL; mokutil --list-enrolled" },
	{ FILE_LOAD, ENODATA, NULL, "", "the kernel is not signed, and must be",
	  "sbverify --list KERNEL" },
	{ FILE_LOAD, EBADMSG, NULL, "", "the kernel's signature is malformed",
	  "sbverify --list KERNEL" },
	{ FILE_LOAD, ELIBBAD, NULL, "",
	  "the kernel's PE header, or the table of its signatures, is malformed",
	  "sbverify --list KERNEL" },
	{ FILE_LOAD, ENOPKG, NULL, "",
	  "the kernel's signature is of a kind that the running kernel was built without",
	  "sbverify --list KERNEL" },
	{ LOADS, ENOSYS, is_not_built, "/boot/config-*",
	  "the running kernel was built without this system call (%s)",
	  "install a kernel that has it" },
	{ EXPLAIN_LOAD, ENOSYS, NULL, "",
	  "the running kernel was built without this system call, or a container hides it",
	  "kexec -s ..." },
	{ FILE_LOAD, ENOSYS, NULL, "",
	  "the running kernel was built without this system call, or a container hides it",
	  "kexec -c ..." },
	{ ALL, EBUSY, NULL, "", "another load is under way", "the same again" },
	{ FILE_LOAD, ETXTBSY, NULL, "", "somebody has the file open to write to it",
	  "fuser -v KERNEL" },
	{ FILE_LOAD, ENOEXEC, NULL, "", "the running kernel's loader does not take this image",
	  "kexec -c ..." },
	{ FILE_LOAD, EFBIG, NULL, "", "a file is larger than the running kernel reads",
	  "kexec -c ..." },
	{ LOADS, EADDRNOTAVAIL, has_no_reservation, "/proc/iomem, /sys/kernel/kexec_crash_size",
	  "no memory is reserved for a crash kernel",
	  "kexec --estimate KERNEL, and boot the running kernel with that crashkernel=" },
	{ EXPLAIN_LOAD, EADDRNOTAVAIL, is_outside, "/proc/iomem, /sys/kernel/kexec_crash_size",
	  "%s; it was inside when the plan was made", "the same again" },
	{ FILE_LOAD, EADDRNOTAVAIL, is_too_small, "/proc/iomem, /sys/kernel/kexec_crash_size",
	  "the running kernel's loader finds no place in the reservation of %s",
	  "kexec -c -p --dry-run KERNEL, which says what would do" },
	{ FILE_LOAD, EADDRNOTAVAIL, NULL, "",
	  "the running kernel's loader finds no place in memory", "kexec -c ..." },
	{ EXPLAIN_LOAD, EADDRNOTAVAIL, NULL, "", "the kernel refuses the address of a segment",
	  "kexec --dry-run ... and a report of what it says" },
	{ FILE_LOAD, ENOMEM, lacks_memory, "/proc/meminfo",
	  "the running kernel has no memory to read the files into (%s)",
	  "kexec -c ..., which reads no copy" },
	{ LOADS, ENOMEM, loads_crash, "-p",
	  "the running kernel has no room left in the reservation for its page tables",
	  "boot the running kernel with a larger crashkernel=" },
	{ LOADS, ENOMEM, lacks_memory, "/proc/meminfo",
	  "the running kernel has no memory for a second copy of the segments (%s)",
	  "ps aux --sort=-rss | head, and end what can go" },
	{ LOADS, ENOMEM, NULL, "",
	  "the running kernel found too little memory in one piece, or none for a moment",
	  "the same again" },
	{ EXPLAIN_LOAD, EFAULT, NULL, "", "a file shrank while the kernel copied it",
	  "the same again" },
	{ FILE_LOAD, EINVAL, is_too_long, "KERNEL's setup header",
	  "the command line is longer than the kernel takes (%s)",
	  "a shorter line, all of it by --append=..., without --reuse-cmdline and --boot-entry" },
	{ LOADS, EINVAL, is_over_half, "/proc/meminfo",
	  "what is to be loaded is more than half of memory (%s)",
	  "the same with a smaller initrd" },
	{ LOADS, EINVAL, NULL, "", "the running kernel does not take an argument of the call",
	  "dmesg | tail" },
	{ EXPLAIN_START, EINVAL, is_not_loaded, "/sys/kernel/kexec_loaded", "nothing is loaded",
	  "kexec -l KERNEL" },
	{ EXPLAIN_START, EINVAL, NULL, "",
	  "this is a container: only processes of the machine itself may start a kernel",
	  "kexec -e outside of it" },
	{ LOADS, EOPNOTSUPP, NULL, "", "the running kernel does no kexec on this machine",
	  "dmesg | grep -i kexec" },
	{ ALL, 0, NULL, "", "nothing is known of this error; the kernel's log may say more",
	  "dmesg | tail" },
};

const struct explain_cause *explain_causes(size_t *ret_count)
{
	*ret_count = sizeof(causes) / sizeof(causes[0]);
	return causes;
}

int explain(const struct explain_failure *failure, struct err *err)
{
	char detail[EXPLAIN_DETAIL_MAX] = "", text[2 * EXPLAIN_DETAIL_MAX];

	err_set_errno(err, failure->error, "%s failed", call_name[failure->call]);
	err->code = ERR_REFUSED;
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		const struct explain_cause *cause = &causes[i];
		const char *slot = strstr(cause->cause, "%s");

		if (!(cause->calls & failure->call) ||
		    (cause->error && cause->error != failure->error) ||
		    (cause->is_it && !cause->is_it(failure, detail)))
			continue;
		if (slot)
			snprintf(text, sizeof(text), "%.*s%s%s", (int)(slot - cause->cause),
				 cause->cause, detail, slot + 2);
		return err_append(err, ": %s; try: %s", slot ? text : cause->cause, cause->next);
	}
	return -1;
}

size_t explain_memory(const struct root *root)
{
	uint64_t available, swap = 0;

	if (!look_up(root, "proc/meminfo", "MemAvailable:", 10, &available))
		return 0;
	look_up(root, "proc/meminfo", "SwapFree:", 10, &swap);
	return (available + swap) * 1024;
}

int explain_check_memory(const struct root *root, const struct plan *plan, struct err *err)
{
	const struct explain_failure failure = { .plan = plan };
	uint64_t available = explain_memory(root), needed = bytes_to_load(&failure);

	if (!available || needed <= available)
		return 0;
	return err_set(
		err, ERR_NO_FIT,
		"the running kernel needs %llu KiB for its copy of the segments and has %llu KiB "
		"to give: it would kill processes for them, so nothing was loaded",
		(unsigned long long)needed / 1024, (unsigned long long)available / 1024);
}
