/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kexec/core/bytes.h"

static struct bytes bytes_of(const char *text)
{
	return (struct bytes){ (const uint8_t *)text, strlen(text) };
}

static void a_buffer_grows(void **state)
{
	struct buf buf CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };
	uint8_t block[100];

	(void)state;
	assert_int_equal(buf_append(&buf, NULL, 0, &err), 0);
	assert_int_equal(buf.size, 0);
	for (unsigned int i = 0; i < 100; i++) {
		memset(block, (int)i, sizeof(block));
		assert_int_equal(buf_append(&buf, block, sizeof(block), &err), 0);
	}
	assert_int_equal(buf.size, 10000);
	for (size_t i = 0; i < buf.size; i++)
		assert_int_equal(buf.data[i], i / 100);
	assert_ptr_equal(buf_bytes(&buf).data, buf.data);
	assert_int_equal(buf_bytes(&buf).size, 10000);
	buf_done(&buf);
	assert_null(buf.data);
	assert_int_equal(buf.size, 0);
}

static void what_cannot_be_held_leaves_the_buffer_alone(void **state)
{
	struct buf buf CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(buf_append(&buf, "abc", 3, &err), 0);
	assert_int_equal(buf_append(&buf, "abc", SIZE_MAX, &err), -1);
	assert_int_equal(err.code, ERR_NO_MEMORY);
	assert_string_equal(err.text, "out of memory");
	assert_int_equal(buf.size, 3);
	assert_memory_equal(buf.data, "abc", 3);
}

static void extending_adds_zeros_and_never_shrinks(void **state)
{
	struct buf buf CLEANUP(buf_done) = { 0 };
	struct err err = { 0 };
	uint8_t dirt[64];

	(void)state;
	/* Dirty the room first: the zeros have to be written. */
	memset(dirt, 0xff, sizeof(dirt));
	assert_int_equal(buf_append(&buf, dirt, sizeof(dirt), &err), 0);
	buf.size = 3;
	assert_int_equal(buf_extend(&buf, 2, &err), 0);
	assert_int_equal(buf.size, 3);
	assert_int_equal(buf_extend(&buf, 3, &err), 0);
	assert_int_equal(buf.size, 3);
	assert_int_equal(buf_extend(&buf, 300, &err), 0);
	assert_int_equal(buf.size, 300);
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(buf.data[i], i < 3 ? 0xff : 0);
}

static void wiping_clears_every_byte(void **state)
{
	uint8_t seed[9] = "12345678", clean[9] = { 0 };

	(void)state;
	clean[8] = '9';
	seed[8] = '9';
	bytes_wipe(seed, 8);
	assert_memory_equal(seed, clean, sizeof(seed));
}

static void an_array_doubles_and_keeps_its_elements(void **state)
{
	uint32_t *array = NULL;
	size_t room = 0, grown = 0;
	struct err err = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		size_t before = room;

		assert_int_equal(array_grow(&array, &room, i, sizeof(*array), &err), 0);
		assert_true(room > i);
		if (room != before) {
			grown++;
			if (before)
				assert_int_equal(room, 2 * before);
		}
		array[i] = i;
	}
	assert_true(grown < 10);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(array[i], i);
	room = SIZE_MAX / 2;
	assert_int_equal(array_grow(&array, &room, room, sizeof(*array), &err), -1);
	assert_int_equal(err.code, ERR_NO_MEMORY);
	assert_int_equal(array[999], 999);
	assert_int_equal(room, SIZE_MAX / 2);
	free(array);
}

static const uint8_t digits[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static void a_cursor_reads_little_endian_numbers_in_order(void **state)
{
	struct cursor cursor = cursor_at((struct bytes){ digits, sizeof(digits) }, 0);
	struct bytes rest = { NULL, 1 };

	(void)state;
	assert_int_equal(cursor_u8(&cursor), 0x01);
	assert_int_equal(cursor_u16(&cursor), 0x0302);
	assert_int_equal(cursor_u32(&cursor), 0x07060504);
	assert_true(cursor_u64(&cursor) == UINT64_C(0x0f0e0d0c0b0a0908));
	assert_int_equal(cursor.offset, sizeof(digits));
	assert_false(cursor.bad);
	assert_true(cursor_take(&cursor, 0, &rest));
	assert_int_equal(rest.size, 0);
	assert_false(cursor.bad);
	assert_int_equal(cursor_u8(&cursor), 0);
	assert_true(cursor.bad);
}

static void a_cursor_past_the_end_stays_bad(void **state)
{
	struct bytes in = { digits, sizeof(digits) }, taken = { digits, 3 };
	struct cursor cursor = cursor_at(in, sizeof(digits) - 3);

	(void)state;
	assert_int_equal(cursor_u32(&cursor), 0);
	assert_true(cursor.bad);
	/* One byte would be there, but what comes after a failure is not to be trusted. */
	assert_int_equal(cursor_u8(&cursor), 0);
	assert_false(cursor_take(&cursor, 1, &taken));
	assert_int_equal(taken.size, 3);
	assert_ptr_equal(taken.data, digits);

	cursor = cursor_at(in, sizeof(digits));
	assert_false(cursor.bad);
	cursor = cursor_at(in, sizeof(digits) + 1);
	assert_true(cursor.bad);
	assert_int_equal(cursor_u8(&cursor), 0);

	cursor = cursor_at(in, 1);
	assert_false(cursor_take(&cursor, SIZE_MAX, &taken));
	assert_true(cursor.bad);
}

static void a_cursor_takes_borrowed_bytes(void **state)
{
	struct cursor cursor = cursor_at((struct bytes){ digits, sizeof(digits) }, 4);
	struct bytes taken;

	(void)state;
	assert_true(cursor_take(&cursor, 3, &taken));
	assert_ptr_equal(taken.data, digits + 4);
	assert_int_equal(taken.size, 3);
	assert_int_equal(cursor_u8(&cursor), 8);
}

static void slices_lie_within(void **state)
{
	struct bytes in = { digits, sizeof(digits) }, out;

	(void)state;
	for (uint64_t offset = 0; offset <= sizeof(digits) + 2; offset++) {
		for (uint64_t size = 0; size <= sizeof(digits) + 2; size++) {
			bool fits = offset + size <= sizeof(digits);

			out = (struct bytes){ NULL, 99 };
			assert_int_equal(bytes_slice(in, offset, size, &out), fits);
			assert_int_equal(out.size, fits ? size : 99);
			assert_ptr_equal(out.data, fits ? digits + offset : NULL);
		}
	}
	assert_false(bytes_slice(in, UINT64_MAX, 2, &out));
	assert_false(bytes_slice(in, 2, UINT64_MAX, &out));
	assert_false(bytes_slice(in, UINT64_MAX, UINT64_MAX, &out));
	assert_true(bytes_slice((struct bytes){ NULL, 0 }, 0, 0, &out));
}

static void assert_line(struct bytes *rest, const char *expected)
{
	struct bytes line;

	assert_true(bytes_next_line(rest, &line));
	assert_int_equal(line.size, strlen(expected));
	assert_memory_equal(line.data, expected, line.size);
}

static void lines_come_without_their_newline(void **state)
{
	struct bytes rest = bytes_of("one\n\ntwo\nlast"), line = { digits, 1 };

	(void)state;
	assert_line(&rest, "one");
	assert_line(&rest, "");
	assert_line(&rest, "two");
	assert_line(&rest, "last");
	assert_false(bytes_next_line(&rest, &line));
	assert_ptr_equal(line.data, digits);
	rest = bytes_of("end\n");
	assert_line(&rest, "end");
	assert_false(bytes_next_line(&rest, &line));
	rest = (struct bytes){ NULL, 0 };
	assert_false(bytes_next_line(&rest, &line));
}

static void numbers_are_put_where_they_are_told(void **state)
{
	static const uint8_t expected[] = { 0xee, 0x02, 0x01, 0x06, 0x05, 0x04, 0x03, 0x0e,
					    0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08, 0x07, 0xee };
	uint8_t bytes[sizeof(expected)];

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	/* From the last to the first, so that none hides what the one before it wrote too far. */
	put_u64(bytes + 7, UINT64_C(0x0708090a0b0c0d0e));
	put_u32(bytes + 3, 0x03040506);
	put_u16(bytes + 1, 0x0102);
	assert_memory_equal(bytes, expected, sizeof(bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_grows),
		cmocka_unit_test(what_cannot_be_held_leaves_the_buffer_alone),
		cmocka_unit_test(extending_adds_zeros_and_never_shrinks),
		cmocka_unit_test(wiping_clears_every_byte),
		cmocka_unit_test(an_array_doubles_and_keeps_its_elements),
		cmocka_unit_test(a_cursor_reads_little_endian_numbers_in_order),
		cmocka_unit_test(a_cursor_past_the_end_stays_bad),
		cmocka_unit_test(a_cursor_takes_borrowed_bytes),
		cmocka_unit_test(slices_lie_within),
		cmocka_unit_test(lines_come_without_their_newline),
		cmocka_unit_test(numbers_are_put_where_they_are_told),
	};

	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
