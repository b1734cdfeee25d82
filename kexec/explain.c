/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/sys/gather.h"

/* include/uapi/linux/capability.h */
enum { CAP_SYS_BOOT = 22 };

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

static bool is_used_up(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	const char *name = failure->crash ? "kexec_load_limit_panic" : "kexec_load_limit_reboot";
	struct err ignored;
	uint64_t left;
	char path[64];

	snprintf(path, sizeof(path), "proc/sys/kernel/%s", name);
	snprintf(detail, EXPLAIN_DETAIL_MAX, "%s", name);
	return !root_read_number(failure->root, path, &left, &ignored) && !left;
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
	char path[128], line[64];
	struct err ignored;

	if (root_read_text(failure->root, "proc/sys/kernel/osrelease", &release, &ignored))
		return false;
	snprintf(path, sizeof(path), "boot/config-%s", release);
	snprintf(line, sizeof(line), "# %s is not set", option);
	if (root_read_text(failure->root, path, &config, &ignored) || !strstr(config, line))
		return false;
	snprintf(detail, EXPLAIN_DETAIL_MAX, "/%s: %s is not set", path, option);
	return true;
}

/* Memory went from the reservation since the plan was made. */
static bool is_outside(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	const struct plan *plan = failure->plan;
	struct range main, low;
	struct err ignored;

	if (!plan || !failure->crash || gather_reservation(failure->root, &main, &low, &ignored))
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
	struct range main, low;
	struct err ignored;

	(void)detail;
	return failure->crash && !gather_reservation(failure->root, &main, &low, &ignored) &&
	       !range_is_valid(main);
}

static bool is_too_small(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	struct range main, low;
	struct err ignored;

	if (!failure->crash || gather_reservation(failure->root, &main, &low, &ignored))
		return false;
	snprintf(detail, EXPLAIN_DETAIL_MAX, "%" PRIu64 " KiB", range_size(main) / 1024);
	return true;
}

static bool lacks_memory(const struct explain_failure *failure, char detail[EXPLAIN_DETAIL_MAX])
{
	uint64_t available, size = 0;

	if (!look_up(failure->root, "proc/meminfo", "MemAvailable:", 10, &available))
		return false;
	for (unsigned int i = 0; failure->plan && i < failure->plan->nr_items; i++)
		size += failure->plan->item[i].mem_size;
	if (size)
		snprintf(detail, EXPLAIN_DETAIL_MAX,
			 "%" PRIu64 " KiB are available, the segments have %" PRIu64 " KiB",
			 available, size / 1024);
	else
		snprintf(detail, EXPLAIN_DETAIL_MAX, "%" PRIu64 " KiB are available", available);
	return true;
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
	  "kernel.%s is 0: as many loads as it allowed have been made since the boot", "reboot" },
	{ LOADS, EPERM, is_locked_down, "/sys/kernel/security/lockdown",
	  "the kernel is locked down (%s): only a kernel with a signature that it trusts can be "
	  "loaded, with -s",
	  "kexec -s -l KERNEL.signed, or turn Secure Boot off" },
	{ ALL, EPERM, NULL, "", "a security module forbids it, or this is a container",
	  "journalctl -k -g kexec" },
	{ LOADS, EACCES, NULL, "",
	  "the kernel has no proof of what is in the image (IMA appraises kexec, or Secure Boot is "
	  "on)",
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
	{ LOADS, EADDRNOTAVAIL, has_no_reservation, "/proc/iomem",
	  "no memory is reserved for a crash kernel",
	  "boot the running kernel with crashkernel=256M" },
	{ EXPLAIN_LOAD, EADDRNOTAVAIL, is_outside, "/proc/iomem",
	  "%s; it was inside when the plan was made", "the same again" },
	{ FILE_LOAD, EADDRNOTAVAIL, is_too_small, "/proc/iomem",
	  "the running kernel's loader finds no place in the reservation of %s",
	  "kexec -c -p --dry-run KERNEL, which says what would do" },
	{ FILE_LOAD, EADDRNOTAVAIL, NULL, "",
	  "the running kernel's loader finds no place in memory", "kexec -c ..." },
	{ EXPLAIN_LOAD, EADDRNOTAVAIL, NULL, "", "the kernel refuses the address of a segment",
	  "kexec --dry-run ... and a report of what it says" },
	{ LOADS, ENOMEM, loads_crash, "-p",
	  "the running kernel has no room left in the reservation for its page tables",
	  "boot the running kernel with a larger crashkernel=" },
	{ LOADS, ENOMEM, lacks_memory, "/proc/meminfo",
	  "the running kernel has no memory for a second copy of the segments (%s)",
	  "sync; echo 3 > /proc/sys/vm/drop_caches" },
	{ EXPLAIN_LOAD, EFAULT, NULL, "", "a file shrank while the kernel copied it",
	  "the same again" },
	{ EXPLAIN_LOAD, EINVAL, NULL, "",
	  "the segments are more than half of memory, or the running kernel does not know an option",
	  "kexec --dry-run ..." },
	{ FILE_LOAD, EINVAL, NULL, "",
	  "the command line is longer than the kernel takes, the segments are more than half of "
	  "memory, or the running kernel does not know an option",
	  "kexec -c ..., which says which" },
	{ EXPLAIN_START, EINVAL, NULL, "", "nothing is loaded, or this is a container",
	  "kexec -l KERNEL" },
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

		if (!(cause->calls & failure->call) || cause->error != failure->error ||
		    (cause->is_it && !cause->is_it(failure, detail)))
			continue;
		if (slot)
			snprintf(text, sizeof(text), "%.*s%s%s", (int)(slot - cause->cause),
				 cause->cause, detail, slot + 2);
		return err_append(err, ": %s; try: %s", slot ? text : cause->cause, cause->next);
	}
	return -1;
}
