/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All that the purgatory asks of the machine beyond memory. In the image these
 * are the instructions themselves; in a hosted build they are functions of the
 * test, which records them and ends the run in those that do not return.
 */
#ifndef PURGATORY_MACHINE_H
#define PURGATORY_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The size of the text screen at machine_vga_text(), 16 bits a cell; the dots of a character
 * at machine_vga_font(), a row a byte. */
enum { VGA_COLUMNS = 80, VGA_ROWS = 25, VGA_CHARACTERS = 256, VGA_CHARACTER_SIZE = 32 };

/* Non-maskable interrupts since the entry. They are counted and returned from. */
extern volatile uint64_t machine_nmi_count;

/* What machine_vectors_on() found. */
struct machine_vectors {
	uint64_t cr0, cr4, xcr0;
	bool has_xcr0;
};

#if __STDC_HOSTED__

uint8_t machine_in(uint16_t port);
void machine_out(uint16_t port, uint8_t value);
uint16_t machine_in16(uint16_t port);
void machine_out16(uint16_t port, uint16_t value);
uint64_t machine_tsc(void);
void machine_pause(void);
void machine_copy(void *to, const void *from, size_t size);
void machine_vectors_on(bool wide, struct machine_vectors *ret_before);
void machine_vectors_off(const struct machine_vectors *before);
volatile uint16_t *machine_vga_text(void);
volatile uint8_t *machine_vga_font(void);
_Noreturn void machine_halt(void);
_Noreturn void machine_triple_fault(void);

#else

#include <cpuid.h>
#include <string.h>

#include "purgatory/sha256.h"

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

/* Intel SDM volume 3, 2.5 and 2.6. */
enum {
	CR0_MP = 1 << 1,
	CR0_EM = 1 << 2,
	CR0_TS = 1 << 3,
	CR4_OSFXSR = 1 << 9,
	CR4_OSXMMEXCPT = 1 << 10,
	CR4_OSXSAVE = 1 << 18,
	CPUID_1_ECX_XSAVE = 1 << 26,
	CPUID_1_ECX_AVX = 1 << 28,
	CPUID_XSAVE = 0xd,
};

static inline void machine_set_xcr0(uint64_t value)
{
	__asm__ volatile("xsetbv" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(0));
}

/*
 * Makes vector instructions executable: the old kernel leaves only what paging needs. Those of 128 bits every processor
 * has; `wide` asks CPUID for more. XCR0 takes no state whose feature is hidden, and a hypervisor may hide one of them
 * alone.
 */
static inline void machine_vectors_on(bool wide, struct machine_vectors *ret_before)
{
	uint32_t eax, ebx, ecx, edx, wanted = XCR0_AVX;
	uint64_t cr4;

	__asm__ volatile("movq %%cr0, %0" : "=r"(ret_before->cr0));
	__asm__ volatile("movq %%cr4, %0" : "=r"(ret_before->cr4));
	ret_before->has_xcr0 = false;
	cr4 = ret_before->cr4 | CR4_OSFXSR | CR4_OSXMMEXCPT;
	__asm__ volatile("movq %0, %%cr0"
			 :
			 : "r"((ret_before->cr0 | CR0_MP) & ~(uint64_t)(CR0_EM | CR0_TS)));
	__asm__ volatile("movq %0, %%cr4" : : "r"(cr4));
	if (!wide || __get_cpuid_max(0, NULL) < CPUID_XSAVE)
		return;
	__cpuid(1, eax, ebx, ecx, edx);
	if (!(ecx & CPUID_1_ECX_XSAVE) || !(ecx & CPUID_1_ECX_AVX))
		return;
	__cpuid_count(7, 0, eax, ebx, ecx, edx);
	if (ebx & CPUID_7_EBX_AVX512F)
		wanted = XCR0_AVX512;
	__cpuid_count(CPUID_XSAVE, 0, eax, ebx, ecx, edx);
	if ((eax & wanted) != wanted)
		wanted = XCR0_AVX;
	if ((eax & wanted) != wanted)
		return;
	__asm__ volatile("movq %0, %%cr4" : : "r"(cr4 | CR4_OSXSAVE));
	__asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
	ret_before->xcr0 = (uint64_t)edx << 32 | eax;
	ret_before->has_xcr0 = true;
	machine_set_xcr0(ret_before->xcr0 | wanted);
}

static inline void machine_vectors_off(const struct machine_vectors *before)
{
	if (before->has_xcr0)
		machine_set_xcr0(before->xcr0);
	__asm__ volatile("movq %0, %%cr4" : : "r"(before->cr4));
	__asm__ volatile("movq %0, %%cr0" : : "r"(before->cr0));
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
