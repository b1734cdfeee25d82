/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/bytes.h"

#include <stdlib.h>
#include <string.h>

#include "kexec/core/num.h"

int array_double(void *array_pointer, size_t *room, size_t element, struct err *err)
{
	uint64_t wanted = 16, size;
	void *old, *grown;

	if ((*room && !num_mul(*room, 2, &wanted)) || !num_mul(wanted, element, &size))
		return err_no_memory(err);
	memcpy(&old, array_pointer, sizeof(old));
	grown = realloc(old, size);
	if (!grown)
		return err_no_memory(err);
	memcpy(array_pointer, &grown, sizeof(grown));
	*room = wanted;
	return 0;
}

int buf_reserve(struct buf *buf, size_t size, struct err *err)
{
	size_t room = buf->room * 2 > size ? buf->room * 2 : size;
	uint8_t *grown;

	if (size <= buf->room)
		return 0;
	grown = realloc(buf->data, room);
	if (!grown)
		return err_no_memory(err);
	buf->data = grown;
	buf->room = room;
	return 0;
}

int buf_append(struct buf *buf, const void *data, size_t size, struct err *err)
{
	uint64_t end;

	if (!num_add(buf->size, size, &end))
		return err_no_memory(err);
	if (buf_reserve(buf, end, err))
		return -1;
	if (size)
		memcpy(buf->data + buf->size, data, size);
	buf->size = end;
	return 0;
}

int buf_extend(struct buf *buf, size_t size, struct err *err)
{
	if (size <= buf->size)
		return 0;
	if (buf_reserve(buf, size, err))
		return -1;
	memset(buf->data + buf->size, 0, size - buf->size);
	buf->size = size;
	return 0;
}

void buf_done(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}

void text_done(char **text)
{
	free(*text);
	*text = NULL;
}

void bytes_wipe(void *data, size_t size)
{
	explicit_bzero(data, size);
}

bool cursor_take(struct cursor *cursor, size_t size, struct bytes *ret)
{
	if (cursor->bad || !bytes_slice(cursor->in, cursor->offset, size, ret)) {
		cursor->bad = true;
		return false;
	}
	cursor->offset += size;
	return true;
}

static uint64_t take_number(struct cursor *cursor, size_t size)
{
	struct bytes raw;
	uint64_t value = 0;

	if (!cursor_take(cursor, size, &raw))
		return 0;
	for (size_t i = size; i--;)
		value = value << 8 | raw.data[i];
	return value;
}

uint8_t cursor_u8(struct cursor *cursor)
{
	return (uint8_t)take_number(cursor, 1);
}

uint16_t cursor_u16(struct cursor *cursor)
{
	return (uint16_t)take_number(cursor, 2);
}

uint32_t cursor_u32(struct cursor *cursor)
{
	return (uint32_t)take_number(cursor, 4);
}

uint64_t cursor_u64(struct cursor *cursor)
{
	return take_number(cursor, 8);
}

uint16_t cursor_be16(struct cursor *cursor)
{
	return __builtin_bswap16(cursor_u16(cursor));
}

uint32_t cursor_be32(struct cursor *cursor)
{
	return __builtin_bswap32(cursor_u32(cursor));
}

bool bytes_slice(struct bytes in, uint64_t offset, uint64_t size, struct bytes *ret)
{
	if (offset > in.size || size > in.size - offset)
		return false;
	*ret = (struct bytes){ in.data ? in.data + offset : NULL, size };
	return true;
}

bool bytes_next_line(struct bytes *rest, struct bytes *ret_line)
{
	const uint8_t *newline;
	size_t length;

	if (!rest->size)
		return false;
	newline = memchr(rest->data, '\n', rest->size);
	length = newline ? (size_t)(newline - rest->data) : rest->size;
	*ret_line = (struct bytes){ rest->data, length };
	rest->data += length + (newline != NULL);
	rest->size -= length + (newline != NULL);
	return true;
}

static void put_number(uint8_t *at, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

void put_u16(uint8_t *at, uint16_t value)
{
	put_number(at, value, 2);
}

void put_u32(uint8_t *at, uint32_t value)
{
	put_number(at, value, 4);
}

void put_u64(uint8_t *at, uint64_t value)
{
	put_number(at, value, 8);
}
