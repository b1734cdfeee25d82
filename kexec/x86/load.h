/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole load of a kernel: from a request and a machine to a sealed plan. */
#ifndef X86_LOAD_H
#define X86_LOAD_H

#include "kexec/core/plan.h"
#include "kexec/core/system.h"
#include "kexec/x86/bootparams.h"
#include "kexec/x86/crash.h"
#include "kexec/x86/multiboot_info.h"
#include "kexec/x86/vmlinux.h"

enum on_corruption { ON_CORRUPTION_RESET, ON_CORRUPTION_HALT };

/* Spare copies of a crash kernel, from which the purgatory repairs damage. */
enum load_spares {
	LOAD_SPARES_AUTO, /* where the reservation has room for them */
	LOAD_SPARES_ALWAYS,
	LOAD_SPARES_NEVER,
};

/* Direct start: the kernel is unpacked and relocated here, and entered without its decompressor. */
enum load_direct {
	LOAD_DIRECT_NEVER,
	LOAD_DIRECT_ASKED,	/* where it cannot be done, a warning says why */
	LOAD_DIRECT_IF_POSSIBLE /* a reason of the plan does, and a warning if it may be damaged */
};

/* Of LOAD_DIRECT: what is random about its addresses. */
struct load_random {
	uint64_t physical, virtual;
};

/* How an ELF file is told of the machine, but a multiboot kernel. */
enum load_args {
	LOAD_ARGS_AUTO, /* Linux by its zero page, others by ELF boot notes */
	LOAD_ARGS_LINUX,
	LOAD_ARGS_ELF,
	LOAD_ARGS_NONE,
};

/* Where the purgatory speaks. */
struct load_console {
	bool serial, vga, debug_port;
	bool reset_vga;
	uint16_t port; /* 8250 base */
	uint32_t baud; /* 0: leave the speed as it is */
};

struct load_request {
	struct bytes kernel; /* the bzImage, borrowed for as long as the plan lives */
	const char *name;    /* of its file, which a multiboot kernel is told; likewise */
	enum load_args args;
	struct bytes initrd;		       /* likewise; size 0: none */
	const struct multiboot_module *module; /* of a multiboot kernel: what is in the initrd */
	size_t nr_modules;
	bool initrd_is_unpacked; /* nothing in it is compressed */
	struct bytes dtb;	 /* a device tree for a zero page; size 0: none */
	const char *cmdline;	 /* composed */
	phys_t mem_min;		 /* segments start at or above */
	phys_t mem_max;		 /* and end at or below; PHYS_LIMIT: no limit */
	bool no_efi;
	bool skip_verify;
	uint32_t hashes;	 /* what the processor has now of PURGATORY_HASH_ */
	uint32_t hashes_allowed; /* what the purgatory may use of them, if it finds them */
	bool crash;		 /* into the crash kernel's reservation, and nowhere else */
	bool hotplug; /* room for the running kernel to describe memory and CPUs that come later */
	enum crash_backup backup;
	enum load_spares spares;
	bool memmap_cmdline; /* tell the map on the command line, too */
	bool entry_32bit;    /* enter the kernel in 32-bit mode although it has a 64-bit entry */
	bool real_mode;	     /* enter it through its 16-bit setup code; see realmode.h */
	bool stage_initrd;   /* load it elsewhere and let the purgatory copy it */
	const uint8_t *seed; /* RNG_SEED_SIZE bytes, or NULL */
	enum load_direct direct;
	const struct load_random *random; /* NULL, for a plan that is shown: the lowest addresses */
	struct load_console console;
	enum on_corruption on_corruption;
	struct progress progress; /* of what is unpacked, and of what is hashed */
};

/* Indices of the spare copies, PLAN_NO_ITEM without; where in the small one which lies. */
struct spares {
	unsigned int kernel, initrd, small;
	uint64_t purgatory_at, header_at;
};

/* What lies between the steps; zero-initialise; load_done() releases and wipes. */
struct load {
	struct bzimage image;
	bool is_direct;
	struct err not_direct;	    /* why, if that was asked for */
	bool is_unknown;	    /* that is its payload, which may be damaged */
	struct vmlinux vmlinux;	    /* of a direct start, and of a program */
	struct multiboot multiboot; /* of a multiboot kernel; of another program its segments */
	bool kaslr;		    /* its addresses are random, or were if the plan were loaded */
	uint64_t virtual_places;    /* that its virtual address is drawn from; 1: it has its own */
	uint64_t virtual_offset;    /* from its own virtual address; as secret as the seed */
	struct bootparams bootparams;
	struct spares spares;
	struct crash crash; /* empty for a normal load */
	struct plan plan;
};

/* The kernel as it will be entered. */
int load_parse(const struct load_request *request, const struct system *system, struct bzimage *ret,
	       struct err *err);
/*
 * Judges the image, the map and the request; places every segment. Nothing has been read of the
 * initrd and, but for its header or a direct start, of the kernel. It can be called again with
 * another initrd or limits: what was unpacked is used again.
 */
int load_place(const struct load_request *request, const struct system *system,
	       struct warnings *warnings, struct load *load, struct err *err);
/* Fills, digests, checks. Reads every byte of the inputs once. */
int load_seal(const struct load_request *request, const struct system *system, struct load *load,
	      struct err *err);
/*
 * A digest of what was loaded, of one item, that needs no second reading: SHA-256 of the SHA-256s
 * of its pieces of PURGATORY_CHUNK_SIZE, in their order. False without digests, or without such an
 * item. The plan was sealed.
 */
bool load_digest(const struct load *load, unsigned int index, uint8_t ret[32]);
/* The same of bytes. */
int load_digest_bytes(uint32_t hashes, struct bytes bytes, uint8_t ret[32], struct err *err);
/* Overwrites the random seed in the parameters: once the kernel has its copy,
 * nobody else shall. The plan cannot be submitted again. */
void load_forget_seed(struct load *load);
void load_done(struct load *load);

#endif
