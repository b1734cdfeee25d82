/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of the purgatory, and what each owes the others. */
#ifndef PURGATORY_PURGATORY_H
#define PURGATORY_PURGATORY_H

#include <stdbool.h>
#include <stdint.h>

#include "purgatory-abi.h"

/* --- console.c ----------------------------------------------------------- */

/*
 * Takes the consoles of `params` into use, and with PURGATORY_RESET_VGA sets up the
 * adapter. With PURGATORY_NO_IO there is none, and nothing is touched. To be called
 * before the others, which until then print nowhere.
 */
void console_init(const struct purgatory_params *params);

/*
 * Prints to every console and puts "safekexec purgatory: " before each line.
 * Knows %s, %lu and %lx, with a width, and a 0 before that to fill with zeroes;
 * arguments of the last two are uint64_t.
 */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Waits until the last byte has left the serial port, or too much time has gone by. */
void console_flush(void);

/* --- vga_font.c ---------------------------------------------------------- */

enum { VGA_FONT_FIRST = ' ', VGA_FONT_LAST = '~', VGA_FONT_ROWS = 13 };

extern const uint8_t vga_font[VGA_FONT_LAST - VGA_FONT_FIRST + 1][VGA_FONT_ROWS];

/* --- failure.c ----------------------------------------------------------- */

/*
 * Takes the policy that the loader chose: halt, or reset after the delay. With
 * PURGATORY_NO_IO it is a triple fault at once.
 */
_Noreturn void purgatory_fail(const struct purgatory_params *params);

/* What the stubs of entry.S leave on the stack, upward from the stack pointer. */
struct exception_frame {
	uint64_t cr2;
	uint64_t vector;
	uint64_t error;
	uint64_t rip;
	uint64_t cs;
	uint64_t rflags;
	uint64_t rsp;
	uint64_t ss;
};

/*
 * Prints the exception, then takes the policy. One that strikes on the way there
 * resets at once, a third is a triple fault.
 */
_Noreturn void purgatory_exception(const struct purgatory_params *params,
				   const struct exception_frame *frame);

/* --- elfcorehdr.c -------------------------------------------------------- */

/*
 * Whether what lies here, in so many bytes of room, can be the ELF core header that the
 * running kernel writes when memory or CPUs come and go (kernel/crash_core.c,
 * crash_prepare_elf64_headers()): nobody has a digest of that. Of single damaged bits in
 * what /proc/vmcore reads these are not seen: a smaller number of program headers, the
 * kernel text's virtual address, and where a backup of low memory is.
 */
bool elfcorehdr_is_sound(const void *bytes, uint64_t room);

/* --- verify.c ------------------------------------------------------------ */

/*
 * Verifies and copies all regions, and repairs what it can from spares. Returns only if the
 * kernel may be entered. own_repaired: the first stage took this one from its spare.
 */
void purgatory_main(const struct purgatory_params *params, uint32_t own_repaired);

#endif
