/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bzImage entered through its 16-bit setup code, which asks the BIOS for memory map and screen and
 * makes the zero page itself (Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"). All that is
 * there in real mode is one segment of 64 KiB:
 *
 *   0x0000  the setup code, then its bss and heap
 *   0xe000  the end of its stack, which grows downward; the command line, then setup_data nodes
 *   0xff00  code that the purgatory enters in 32-bit mode: it goes back to real mode
 *
 * It lies at 64 KiB, where every boot loader may put it: some BIOSes write below (the kernel's
 * CONFIG_X86_RESERVE_LOW), and from 128 KiB on their own data may begin, by the lowest size of memory that
 * the kernel believes (BIOS_START_MIN in arch/x86/kernel/ebda.c).
 */
#ifndef X86_REALMODE_H
#define X86_REALMODE_H

#define REALMODE_AT	   0x10000 /* the segment's physical address */
#define REALMODE_SETUP_MAX 0x8000  /* of the setup code with its bss, by boot.rst */
#define REALMODE_STACK_END 0xe000
#define REALMODE_CODE_AT   0xff00
#define REALMODE_SIZE	   0x10000

#ifndef __ASSEMBLER__
#include "kexec/core/memmap.h"
#include "kexec/core/system.h"
#include "kexec/x86/bzimage.h"

/* What lies at REALMODE_CODE_AT; it runs nowhere else. At its entry the processor is as the purgatory leaves
 * it with PURGATORY_ENTRY_32. */
extern const uint8_t realmode_code[REALMODE_SIZE - REALMODE_CODE_AT];

/*
 * ERR_INPUT if the image has no setup code that fits, or if the machine has no BIOS, or none that is still whole:
 * each handler that the setup code calls has to be where the running kernel has no RAM of its own.
 */
int realmode_check(const struct system *system, const struct bzimage *image, struct err *err);
/* Adds the segment to what is usable. ERR_INPUT if it is not RAM for firmware and running kernel. */
int realmode_use(const struct system *system, const struct memmap *e820, struct range_set *usable,
		 struct err *err);
/* Whether the setup code reads the disks (EDD) with this command line. */
bool realmode_reads_disks(const struct bzimage *image, const char *cmdline);
#endif
#endif
