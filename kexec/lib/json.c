/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/lib/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/text.h"

struct json_object *json_hex(uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	return json_object_new_string(text);
}

struct json_object *json_range(struct range range)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "start", json_hex(range.start));
	json_object_object_add(object, "end", json_hex(range.end));
	return object;
}

struct json_object *json_text(const char *text)
{
	struct json_object *object;
	char *copy = strdup(text);
	size_t length;

	if (!copy)
		return NULL;
	for (char *at = copy; *at; at += length) {
		/* Those below are escaped. */
		length = (unsigned char)*at < ' ' ? 1 : text_character(at);
		if (!length)
			*at = '?';
		length = length ?: 1;
	}
	object = json_object_new_string(copy);
	free(copy);
	return object;
}

struct json_object *json_strings(char *const *text, size_t count)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < count; i++)
		json_object_array_add(array, json_text(text[i]));
	return array;
}

/* The object's own. */
static const char *text_of(struct json_object *object)
{
	return json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							      JSON_C_TO_STRING_NOSLASHESCAPE);
}

int json_print(struct json_object *object, FILE *to, struct err *err)
{
	const char *text = text_of(object);
	int failed = text ? 0 : err_no_memory(err);

	/* What is long is not kept to be written later: why it fails is known now alone. */
	if (text && fprintf(to, "%s\n", text) < 0)
		failed = err_set_errno(err, errno, "standard output");
	json_object_put(object);
	return failed;
}

int json_append(struct json_object *object, struct buf *to, struct err *err)
{
	const char *text = text_of(object);
	int failed = text ? buf_append(to, text, strlen(text), err) || buf_append(to, "\n", 1, err)
			  : err_no_memory(err);

	json_object_put(object);
	return failed ? -1 : 0;
}
