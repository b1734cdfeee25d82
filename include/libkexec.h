/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libkexec: loads a Linux kernel from a running one, on x86-64.
 *
 *	machine		what a plan depends on: the running machine, another root, or a capture
 *	request		what is to be loaded, and how
 *	plan		which bytes go where, and why; made of both, checked, shown, submitted
 *
 * Conventions:
 *  - Types are opaque and their sizes no part of the ABI. Each has a _free(), which takes NULL.
 *  - A function that can fail returns 0, or -1 with *ret_error set to an error that the caller frees.
 *    ret_error may be NULL. Other results come in ret_... and are not touched on failure.
 *  - Nothing is printed, and the process is never ended. There is no global state: neither the locale of the
 *    process, nor its environment, nor a signal handler makes a difference, and none of them is changed.
 *  - Different objects may be used by different threads at the same time, and the same machine by
 *    several; every other object by one at a time.
 *  - Texts are UTF-8 or ASCII, in English, without control characters: what is none of it in the names and
 *    files that they quote is a "?", and in JSON an escape where that has one. Only kexec_plan_cmdline() gives
 *    bytes as they are. What a getter returns is the object's and lives as long as that, or until the object is
 *    changed.
 *  - Addresses are physical; addresses and sizes are in bytes; ranges are half-open. Booleans are int, 0 or 1.
 *  - Descriptors that are given stay the caller's, who may close them when the function has returned.
 *
 * A function, an option or an error code that is added comes with a new minor version; none is taken away, and none
 * changes its number, while the library's name is libkexec.so.1.
 */
#ifndef LIBKEXEC_H
#define LIBKEXEC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kexec_error;
struct kexec_machine;
struct kexec_capture;
struct kexec_request;
struct kexec_plan;

/* The version of the package that the library is of, "0.1.0". */
const char *kexec_version(void);

/* --- errors ------------------------------------------------------------------ */

enum {
	KEXEC_ERROR_USAGE = 1, /* what was asked for makes no sense */
	KEXEC_ERROR_INPUT =
		2, /* a file or the machine's description is malformed, or of an unknown form */
	KEXEC_ERROR_DAMAGED = 3,   /* a file is of a known form, and cannot be whole */
	KEXEC_ERROR_NO_FIT = 4,	   /* there is no place for a segment, or too little memory */
	KEXEC_ERROR_SYSTEM = 5,	   /* a file or a system call failed */
	KEXEC_ERROR_REFUSED = 6,   /* the running kernel refused to load or to unload */
	KEXEC_ERROR_NO_MEMORY = 7, /* the process has no more memory */
	KEXEC_ERROR_INTERNAL = 8,  /* a fault of this library */
};

int kexec_error_code(const struct kexec_error *error);
/* The errno of KEXEC_ERROR_SYSTEM and KEXEC_ERROR_REFUSED; else 0. */
int kexec_error_errno(const struct kexec_error *error);
/* One sentence: what failed, and where. */
const char *kexec_error_text(const struct kexec_error *error);
/* What to do about it, a command or a hint; NULL if the sentence says it. doc/ERRORS.md has all. */
const char *kexec_error_advice(const struct kexec_error *error);
void kexec_error_free(struct kexec_error *error);

/* --- machines ---------------------------------------------------------------- */

/* The running one. Root sees all of it; what others may not read is an error of the plan. */
int kexec_machine_open_live(struct kexec_machine **ret, struct kexec_error **ret_error);
/*
 * A directory with the files of a machine, below which every path is looked up and out of which none leads;
 * or a capture, an archive that kexec_capture_write() or `kexec --capture` has made. Only shown plans are made
 * for it.
 */
int kexec_machine_open(const char *path, struct kexec_machine **ret,
		       struct kexec_error **ret_error);
/* Plans and captures that were made of it do not need it any more. */
void kexec_machine_free(struct kexec_machine *machine);

/* *ret says whether a kernel is loaded; crash not 0: a crash kernel. */
int kexec_machine_loaded(const struct kexec_machine *machine, int crash, int *ret,
			 struct kexec_error **ret_error);

/* --- captures ---------------------------------------------------------------- */

enum {
	/* With the running kernel's command line, in which there may be secrets. */
	KEXEC_CAPTURE_CMDLINE = 1
};

/* All that a plan depends on, in memory. flags are of KEXEC_CAPTURE_. What cannot be read is a warning. */
int kexec_capture_new(const struct kexec_machine *machine, unsigned int flags,
		      struct kexec_capture **ret, struct kexec_error **ret_error);
size_t kexec_capture_warnings(const struct kexec_capture *capture);
const char *kexec_capture_warning(const struct kexec_capture *capture, size_t index);
/* A tar archive, from where the descriptor is. A machine that is the same gives the same bytes. */
int kexec_capture_write(struct kexec_capture *capture, int fd, struct kexec_error **ret_error);
void kexec_capture_free(struct kexec_capture *capture);

/* --- requests ---------------------------------------------------------------- */

/* Numbers; what an option is if it is not set comes first. */
enum kexec_option {
	/* KEXEC_LOADER_: who loads. */
	KEXEC_OPTION_LOADER = 1,
	/* 0, 1: a crash kernel, into the reservation of crashkernel=. */
	KEXEC_OPTION_CRASH = 2,
	/* 0, 1: the purgatory does not verify what was loaded before it enters the kernel. */
	KEXEC_OPTION_NO_CHECKS = 3,
	/* 0, an address: segments start at or above it. */
	KEXEC_OPTION_MEM_MIN = 4,
	/* No limit, an address: they end at or below it. */
	KEXEC_OPTION_MEM_MAX = 5,
	/* KEXEC_DIRECT_: whether the kernel is entered without its decompressor. */
	KEXEC_OPTION_DIRECT = 6,
	/* 0, 1: what is compressed in the initrd is unpacked here, where it can be. */
	KEXEC_OPTION_UNPACK_INITRD = 7,
	/* 0, 1: nothing of EFI is handed on. */
	KEXEC_OPTION_NO_EFI = 8,
	/* 0, 1: the kernel is entered in 32-bit mode although it has a 64-bit entry. */
	KEXEC_OPTION_ENTRY_32BIT = 9,
	/* 0 and more: the profile of a unified kernel image. */
	KEXEC_OPTION_UKI_PROFILE = 10,
	/* 0, 1, of a crash kernel: the running kernel may rewrite its ELF core header at hotplug. */
	KEXEC_OPTION_HOTPLUG = 11,
	/* KEXEC_SPARES_, of a crash kernel: copies from which the purgatory repairs damage; not with NO_CHECKS. */
	KEXEC_OPTION_SPARES = 12,
	/* The serial console that a kernel has, else none; an I/O port: where the purgatory speaks. */
	KEXEC_OPTION_SERIAL_PORT = 13,
	/* 0, a divisor of 115200: the speed of that port, which is left as it is. */
	KEXEC_OPTION_SERIAL_BAUD = 14,
	/* 0, 1: where the purgatory finds damage that it cannot repair, it halts instead of a reset. */
	KEXEC_OPTION_HALT_ON_CORRUPTION = 15,
};

/* Of KEXEC_OPTION_LOADER. */
enum {
	/* This library's, where nothing is lost by it and the running kernel allows it. */
	KEXEC_LOADER_AUTO = 0,
	/* This library's plan, by kexec_load(2). */
	KEXEC_LOADER_OWN = 1,
	/* The running kernel's own, by kexec_file_load(2): nobody knows its plan before. */
	KEXEC_LOADER_KERNEL = 2,
};

/* Of KEXEC_OPTION_DIRECT. */
enum {
	KEXEC_DIRECT_NEVER = 0,
	KEXEC_DIRECT_ASKED = 1, /* where it cannot be, a warning says why */
	KEXEC_DIRECT_IF_POSSIBLE = 2,
};

/* Of KEXEC_OPTION_SPARES. */
enum {
	KEXEC_SPARES_AUTO = 0, /* where the reservation has room for them */
	KEXEC_SPARES_ALWAYS = 1,
	KEXEC_SPARES_NEVER = 2,
};

int kexec_request_new(struct kexec_request **ret, struct kexec_error **ret_error);
void kexec_request_free(struct kexec_request *request);
/*
 * The kernel: a bzImage, an ELF vmlinux, a unified kernel image, or any of them compressed as a whole. A regular file
 * is read from its beginning when a plan is made, a pipe here and to its end. The last one that was set counts. The
 * running kernel's own loader is given the file itself, of which the signature may be known by IMA.
 */
int kexec_request_set_kernel_fd(struct kexec_request *request, int fd,
				struct kexec_error **ret_error);
/* The same, of bytes, which are copied. */
int kexec_request_set_kernel(struct kexec_request *request, const void *data, size_t size,
			     struct kexec_error **ret_error);
/* One more initrd, behind those before it; 64 at most. */
int kexec_request_add_initrd_fd(struct kexec_request *request, int fd,
				struct kexec_error **ret_error);
int kexec_request_add_initrd(struct kexec_request *request, const void *data, size_t size,
			     struct kexec_error **ret_error);
/* The command line, which is copied; NULL: none, or a unified kernel image's own. */
int kexec_request_set_cmdline(struct kexec_request *request, const char *cmdline,
			      struct kexec_error **ret_error);
/* KEXEC_ERROR_USAGE for a value that the option does not take, and for an option that this library
 * does not know. */
int kexec_request_set(struct kexec_request *request, enum kexec_option option, uint64_t value,
		      struct kexec_error **ret_error);

/* --- plans ------------------------------------------------------------------- */

enum {
	/*
	 * To be looked at: the same each time, with zeros for what is random, and of what this user may not read
	 * with a guess, see kexec_plan_complete(). It cannot be submitted.
	 */
	KEXEC_PLAN_SHOW = 0,
	KEXEC_PLAN_LOAD = 1, /* to be submitted, of the running machine */
};

/*
 * Reads the machine and every byte of the files, decides and checks. Nothing of the machine is changed. What the
 * new kernel may miss is a warning. Neither the machine nor the request is needed afterwards.
 */
int kexec_plan_new(const struct kexec_machine *machine, const struct kexec_request *request,
		   int purpose, struct kexec_plan **ret, struct kexec_error **ret_error);
void kexec_plan_free(struct kexec_plan *plan);

/* KEXEC_LOADER_OWN or KEXEC_LOADER_KERNEL, once it is submitted the one that has loaded; and why it. */
int kexec_plan_loader(const struct kexec_plan *plan);
const char *kexec_plan_loader_reason(const struct kexec_plan *plan);
/* 0: there are sources that this user may not read, and kexec_plan_warning() names them. */
int kexec_plan_complete(const struct kexec_plan *plan);

/*
 * The segments, in ascending order of their addresses; none of a plan that the running kernel's own loader is to make. An
 * index that is too high gives 0 or NULL.
 */
size_t kexec_plan_segments(const struct kexec_plan *plan);
/* A word: "kernel", "initrd", "params", "purgatory", ... */
const char *kexec_plan_segment_name(const struct kexec_plan *plan, size_t index);
const char *kexec_plan_segment_purpose(const struct kexec_plan *plan, size_t index);
/* Where the system call puts it: a multiple of 4096. */
uint64_t kexec_plan_segment_address(const struct kexec_plan *plan, size_t index);
/* Bytes of memory, a multiple of 4096; and how many of them are loaded: the rest are zeros. */
uint64_t kexec_plan_segment_memory_size(const struct kexec_plan *plan, size_t index);
uint64_t kexec_plan_segment_size(const struct kexec_plan *plan, size_t index);
/* What is loaded, kexec_plan_segment_size() bytes. */
const void *kexec_plan_segment_data(const struct kexec_plan *plan, size_t index);

/* Where the running kernel jumps to, which is the purgatory, and where that enters the new one. */
uint64_t kexec_plan_entry(const struct kexec_plan *plan);
uint64_t kexec_plan_kernel_entry(const struct kexec_plan *plan);
/* All that the kernel writes before it knows memory: [start, end). */
uint64_t kexec_plan_footprint_start(const struct kexec_plan *plan);
uint64_t kexec_plan_footprint_end(const struct kexec_plan *plan);
/* The new kernel's, with all that is added to it: byte for byte, so that it may be no UTF-8, and may have
 * control characters. */
const char *kexec_plan_cmdline(const struct kexec_plan *plan);

/* One line for each choice; and what the user should be told. kexec_plan_submit() can add warnings, and where the other loader
 * loads takes back those of the plan. */
size_t kexec_plan_reasons(const struct kexec_plan *plan);
const char *kexec_plan_reason(const struct kexec_plan *plan, size_t index);
size_t kexec_plan_warnings(const struct kexec_plan *plan);
const char *kexec_plan_warning(const struct kexec_plan *plan, size_t index);

/*
 * All of it as JSON, as `kexec --dry-run --json` prints it; doc/PLAN.md lists the members. *ret is the caller's, to be
 * released with free(3). KEXEC_ERROR_USAGE for one without segments.
 */
int kexec_plan_json(const struct kexec_plan *plan, char **ret, struct kexec_error **ret_error);

/*
 * Every invariant that doc/ARCHITECTURE.md lists, once more, judged from the finished plan alone. It was done when the
 * plan was made; without segments there is nothing to judge. KEXEC_ERROR_USAGE once it was submitted.
 */
int kexec_plan_check(const struct kexec_plan *plan, struct kexec_error **ret_error);

/*
 * Gives it to the running kernel, which needs CAP_SYS_BOOT; and records below /run/safekexec what was loaded, for
 * `kexec --doctor`. What was loaded before is replaced; if a normal kernel is refused it stays. With
 * KEXEC_LOADER_AUTO the other loader is tried where that can help. Once only: a plan has random numbers that nobody shall
 * see twice. What was done to the files since the plan was made makes no difference to KEXEC_LOADER_OWN, which has copies, and is
 * an error of KEXEC_LOADER_KERNEL. What was loaded is started by reboot(2) with LINUX_REBOOT_CMD_KEXEC, which is the caller's to make, or systemctl
 * kexec; a crash kernel by a panic.
 */
int kexec_plan_submit(struct kexec_plan *plan, struct kexec_error **ret_error);
/* Gives up what is loaded, of the running machine; loader is KEXEC_LOADER_. That nothing was is no error. */
int kexec_unload(const struct kexec_machine *machine, int crash, int loader,
		 struct kexec_error **ret_error);

#ifdef __cplusplus
}
#endif

#endif
