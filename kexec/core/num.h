/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checked arithmetic, alignment, and numbers out of text. */
#ifndef CORE_NUM_H
#define CORE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A physical address, or one past the last. Never a pointer. */
typedef uint64_t phys_t;

#define PAGE_SIZE_4K UINT64_C(4096)
#define FOUR_GIB     (UINT64_C(1) << 32)
/* No range reaches past this, so that start + size cannot wrap. The widest
 * physical address of x86-64 is 52 bits (Intel SDM vol. 3, 4.1.4). */
#define PHYS_LIMIT   (UINT64_C(1) << 52)

#define PHYS_FMT    "0x%llx"
#define PHYS(value) ((unsigned long long)(value))

/* True and *ret set if the sum does not wrap. */
static inline bool num_add(uint64_t a, uint64_t b, uint64_t *ret)
{
	return !__builtin_add_overflow(a, b, ret);
}

static inline bool num_mul(uint64_t a, uint64_t b, uint64_t *ret)
{
	return !__builtin_mul_overflow(a, b, ret);
}

static inline uint64_t num_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t num_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline bool num_is_power_of_two(uint64_t value)
{
	return value && !(value & (value - 1));
}

/* align is a power of two; false if the result would wrap. */
static inline bool num_align_up(uint64_t value, uint64_t align, uint64_t *ret)
{
	uint64_t sum;

	if (!num_add(value, align - 1, &sum))
		return false;
	*ret = sum & ~(align - 1);
	return true;
}

static inline uint64_t num_align_down(uint64_t value, uint64_t align)
{
	return value & ~(align - 1);
}

/* The whole of text (size bytes, no NUL needed) is a number: base 10 or 16;
 * base 0 takes 0x, leading 0 for octal, else decimal, like strtoul(3). No sign,
 * no white space. True and *ret set, or false. */
bool num_parse(const char *text, size_t size, unsigned int base, uint64_t *ret);
/* As num_parse() with base 0, with an optional K, M, G, T suffix (1024). */
bool num_parse_size(const char *text, size_t size, uint64_t *ret);

#endif
