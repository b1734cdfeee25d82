/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/text.h"

static void set_text(struct err *err, enum err_code code, const char *format, va_list arguments)
{
	err->code = code;
	err->sys_errno = 0;
	err->format = format;
	vsnprintf(err->text, sizeof(err->text), format, arguments);
	text_make_harmless(err->text);
}

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set_text(err, code, format, arguments);
	va_end(arguments);
	return -1;
}

int err_set_errno(struct err *err, int errnum, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set_text(err, ERR_SYSTEM, format, arguments);
	va_end(arguments);
	err_append(err, ": %s", strerror(errnum));
	err->sys_errno = errnum;
	return -1;
}

int err_no_memory(struct err *err)
{
	return err_set(err, ERR_NO_MEMORY, "out of memory");
}

int err_prefix(struct err *err, const char *format, ...)
{
	char old[sizeof(err->text)];
	va_list arguments;

	memcpy(old, err->text, sizeof(old));
	va_start(arguments, format);
	vsnprintf(err->text, sizeof(err->text), format, arguments);
	va_end(arguments);
	text_make_harmless(err->text);
	return err_append(err, ": %s", old);
}

static void append_text(struct err *err, const char *format, va_list arguments)
{
	size_t used = strlen(err->text);

	vsnprintf(err->text + used, sizeof(err->text) - used, format, arguments);
	text_make_harmless(err->text + used);
}

int err_append(struct err *err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	append_text(err, format, arguments);
	va_end(arguments);
	return -1;
}

int err_advise(struct err *err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	append_text(err, format, arguments);
	va_end(arguments);
	err->format = NULL;
	return -1;
}

void warn_add(struct warnings *warnings, const char *format, ...)
{
	va_list arguments;
	char **grown;
	char *text;
	int length;

	if (!warnings)
		return;
	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0) {
		warnings->lost = 1;
		return;
	}
	text_make_harmless(text);
	for (size_t i = 0; i < warnings->count; i++) {
		if (!strcmp(warnings->text[i], text)) {
			free(text);
			return;
		}
	}
	grown = reallocarray(warnings->text, warnings->count + 1, sizeof(*grown));
	if (!grown) {
		free(text);
		warnings->lost = 1;
		return;
	}
	warnings->text = grown;
	warnings->text[warnings->count++] = text;
}

void warnings_cut(struct warnings *warnings, size_t count)
{
	while (warnings && warnings->count > count)
		free(warnings->text[--warnings->count]);
}

void warnings_done(struct warnings *warnings)
{
	warnings_cut(warnings, 0);
	free(warnings->text);
	*warnings = (struct warnings){ 0 };
}
