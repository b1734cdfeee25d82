/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All that the purgatory asks of the machine beyond memory. In the image these
 * are the instructions themselves; in a hosted build they are functions of the
 * test, which records them and ends the run in those that do not return.
 */
#ifndef PURGATORY_MACHINE_H
#define PURGATORY_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/* The size of the text screen at machine_vga_text(), 16 bits a cell; the dots of a character
 * at machine_vga_font(), a row a byte. */
enum { VGA_COLUMNS = 80, VGA_ROWS = 25, VGA_CHARACTERS = 256, VGA_CHARACTER_SIZE = 32 };

/* Non-maskable interrupts since the entry. They are counted and returned from. */
extern volatile uint64_t machine_nmi_count;

#if __STDC_HOSTED__

uint8_t machine_in(uint16_t port);
void machine_out(uint16_t port, uint8_t value);
uint16_t machine_in16(uint16_t port);
void machine_out16(uint16_t port, uint16_t value);
uint64_t machine_tsc(void);
void machine_pause(void);
void machine_copy(void *to, const void *from, size_t size);
volatile uint16_t *machine_vga_text(void);
volatile uint8_t *machine_vga_font(void);
_Noreturn void machine_halt(void);
_Noreturn void machine_triple_fault(void);

#else

#include <string.h>

static inline uint8_t machine_in(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %w1, %b0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void machine_out(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %b0, %w1" : : "a"(value), "Nd"(port));
}

static inline uint16_t machine_in16(uint16_t port)
{
	uint16_t value;

	__asm__ volatile("inw %w1, %w0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void machine_out16(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %w0, %w1" : : "a"(value), "Nd"(port));
}

static inline uint64_t machine_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static inline void machine_pause(void)
{
	__asm__ volatile("pause");
}

static inline void machine_copy(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
}

static inline volatile uint16_t *machine_vga_text(void)
{
	return (volatile uint16_t *)0xb8000;
}

/* What the processor sees of the VGA's memory while the planes are apart. */
static inline volatile uint8_t *machine_vga_font(void)
{
	return (volatile uint8_t *)0xa0000;
}

/* Only a reset, an NMI or an SMI ends a halt with interrupts off, and the last
 * two come back here. */
static inline _Noreturn void machine_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* Without a handler for the first fault, nor for the second, the processor shuts
 * down, and the machine or the hypervisor resets. */
static inline _Noreturn void machine_triple_fault(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) no_idt = { 0, 0 };

	__asm__ volatile("lidt %0; ud2" : : "m"(no_idt));
	__builtin_unreachable();
}

#endif
#endif
