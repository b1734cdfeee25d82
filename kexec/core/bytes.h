/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes, borrowed and owned, and the bounded cursor through which every input
 * is read.
 */
#ifndef CORE_BYTES_H
#define CORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kexec/core/err.h"

/* Borrowed: somebody else frees it, and outlives this. */
struct bytes {
	const uint8_t *data;
	size_t size;
};

/* Without its NUL; none of NULL. */
static inline struct bytes text_bytes(const char *text)
{
	return (struct bytes){ (const uint8_t *)text, text ? strlen(text) : 0 };
}
/* Whether they are that text, all of them. */
static inline bool bytes_are(struct bytes bytes, const char *text)
{
	return bytes.size == strlen(text) && !memcmp(bytes.data, text, bytes.size);
}

/* Owned and growing. Zero-initialise; release with buf_done(). */
struct buf {
	uint8_t *data;
	size_t size;
	size_t room;
};

/* Room for so many bytes in all; what is in those that are new is left open. */
int buf_reserve(struct buf *buf, size_t size, struct err *err);
int buf_append(struct buf *buf, const void *data, size_t size, struct err *err);
/* Appends zeros until size bytes are there; does nothing if there are. */
int buf_extend(struct buf *buf, size_t size, struct err *err);
void buf_done(struct buf *buf);
static inline struct bytes buf_bytes(const struct buf *buf)
{
	return (struct bytes){ buf->data, buf->size };
}

/* Frees malloc'ed text. */
void text_done(char **text);

/* Overwrites in a way that the compiler keeps: seeds, not ordinary data. */
void bytes_wipe(void *data, size_t size);

/*
 * Makes room for one more element in an array that doubles: *array has *room
 * elements of `element` bytes, `count` in use.
 */
int array_double(void *array_pointer, size_t *room, size_t element, struct err *err);
static inline int array_grow(void *array_pointer, size_t *room, size_t count, size_t element,
			     struct err *err)
{
	return count < *room ? 0 : array_double(array_pointer, room, element, err);
}

/*
 * Reads little-endian numbers in order. Reading past the end sets `bad` and
 * gives 0; check once, at the end, before any value is used.
 */
struct cursor {
	struct bytes in;
	size_t offset;
	bool bad;
};

static inline struct cursor cursor_at(struct bytes in, size_t offset)
{
	return (struct cursor){ in, offset, offset > in.size };
}
bool cursor_take(struct cursor *cursor, size_t size, struct bytes *ret);
uint8_t cursor_u8(struct cursor *cursor);
uint16_t cursor_u16(struct cursor *cursor);
uint32_t cursor_u32(struct cursor *cursor);
uint64_t cursor_u64(struct cursor *cursor);
uint16_t cursor_be16(struct cursor *cursor);
uint32_t cursor_be32(struct cursor *cursor);

/* The part [offset, offset + size) of in; false if it does not lie within. */
bool bytes_slice(struct bytes in, uint64_t offset, uint64_t size, struct bytes *ret);
/* Next line without its newline; false at the end. */
bool bytes_next_line(struct bytes *rest, struct bytes *ret_line);

/* Little-endian numbers into bytes that are there. */
void put_u16(uint8_t *at, uint16_t value);
void put_u32(uint8_t *at, uint32_t value);
void put_u64(uint8_t *at, uint64_t value);

/*
 * The cleanup attribute of every owned thing:
 *	struct buf buf CLEANUP(buf_done) = { 0 };
 */
#define CLEANUP(done) __attribute__((cleanup(done)))

#endif
