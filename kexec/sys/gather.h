/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the machine: the only way into struct system. */
#ifndef SYS_GATHER_H
#define SYS_GATHER_H

#include "kexec/core/system.h"
#include "kexec/sys/root.h"
#include "purgatory-abi.h"

/* How the running kernel was built, from /boot or /lib/modules: ret_path, from the root, says
 * which; false if neither may be read. ret is malloc'ed. */
enum { CONFIG_PATH_MAX = 128 };
bool gather_config(const struct root *root, const char *release, char **ret,
		   char ret_path[CONFIG_PATH_MAX]);
/* Whether it says option=y. */
bool config_has(const char *config, const char *option);

/* What the choice of a loader and a command line need: cmdline, release, lockdown, and what is
 * handed on. ret is zero-initialised and the caller's. */
int gather_choice(const struct root *root, struct system *ret, struct err *err);

/* /proc/iomem, and how much memory the running kernel has. */
int gather_memory(const struct root *root, struct system *system, struct err *err);

/* The firmware's map, with what the command line adds to it, and /proc/iomem, as quickly as can be. */
int gather_map(const struct root *root, struct system *system, struct err *err);

/* The kernel's log; of a captured machine, its dmesg. */
int gather_log(const struct root *root, struct buf *ret, struct err *err);
/* /sys/firmware/efi/runtime-map, empty if it is not there. ret is zero-initialised. */
int gather_runtime_map(const struct root *root, struct efi_map *ret, struct err *err);
/*
 * The firmware's EFI memory map, where boot_params says it lies, through /proc/kcore. A kexec hands on
 * only a part of it, which is none here. What err says is why there is none, and what to do. ret is
 * zero-initialised.
 */
int gather_efi_memmap(const struct root *root, struct efi_map *ret, struct err *err);

/*
 * The rest, that a plan of ours needs. What a load cannot do without and what is
 * malformed is an error that names the file; what the new kernel will lose is a warning.
 */
int gather_machine(const struct root *root, struct system *ret, struct warnings *warnings,
		   struct err *err);

/* What a BIOS has left of itself, after gather_machine(): through /dev/mem, which of the first page shows what is
 * there. Where that cannot be read, system->bios says why. */
void gather_bios(const struct root *root, struct system *system);

/* What a crash kernel must know of the running one; after gather_machine(). What a dump will
 * lack is a warning. */
int gather_crash(const struct root *root, struct system *system, struct err *err);
/* The reservation of /proc/iomem; see iomem_crash_kernel(). */
int gather_reservation(const struct root *root, struct range *ret_main, struct range *ret_low,
		       struct err *err);

/*
 * Reads, through a root that records, what any of the above would, and goes on where one of them
 * would be refused: that, and what cannot be read, is a warning. What the record then has is what
 * they were given, so that from it they give the same.
 */
void gather_capture(const struct root *root, struct warnings *warnings);

/* The number in /sys/kernel/kexec/NAME. The files moved there in Linux 6.19; their old names, which are then links that will go, are tried,
 * too. ERR_SYSTEM. */
int gather_of_kexec(const struct root *root, const char *name, uint64_t *ret, struct err *err);

/* Whether an image is loaded; `crash` asks for the crash kernel. ERR_SYSTEM if
 * the kernel does not say (no CONFIG_KEXEC). */
int gather_loaded(const struct root *root, bool crash, bool *ret, struct err *err);

/* What the purgatory left when it started the running kernel; *ret_found false if another
 * loader, or the firmware, did. */
int gather_report(const struct root *root, struct purgatory_report *ret, bool *ret_found,
		  struct err *err);

#endif
