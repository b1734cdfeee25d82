/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every report in JSON is made of. */
#ifndef JSON_H
#define JSON_H

#include <json-c/json.h>
#include <stdio.h>

#include "kexec/core/range.h"

/* A number as text, "0x1000": JSON's own lose bits above 2^53 in many readers. */
struct json_object *json_hex(uint64_t value);
/* {"start": ..., "end": ...} */
struct json_object *json_range(struct range range);
/* Text that may have come from a file: bytes that are no UTF-8 become "?", and so do the control
 * characters that JSON does not escape. */
struct json_object *json_text(const char *text);
struct json_object *json_strings(char *const *text, size_t count);
/* Both give the object up, on failure, too. */
int json_print(struct json_object *object, FILE *to, struct err *err);
int json_append(struct json_object *object, struct buf *to, struct err *err);

#endif
