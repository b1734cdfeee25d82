/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/cmdline.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kexec/core/num.h"

static bool is_blank(char character)
{
	return character == ' ' || character == '\t' || character == '\n' || character == '\r';
}

/* The next parameter of *rest; blanks inside double quotes belong to it. */
static bool next_parameter(const char **rest, struct bytes *ret)
{
	const char *at = *rest;
	bool quoted = false;
	const char *start;

	while (is_blank(*at))
		at++;
	start = at;
	for (; *at && (quoted || !is_blank(*at)); at++)
		if (*at == '"')
			quoted = !quoted;
	*ret = (struct bytes){ (const uint8_t *)start, (size_t)(at - start) };
	*rest = at;
	return ret->size;
}

static bool begins_with(struct bytes text, const char *what)
{
	return text.size >= strlen(what) && !memcmp(text.data, what, strlen(what));
}

static bool is_parameter(struct bytes parameter, const char *name)
{
	size_t length = strlen(name);

	return begins_with(parameter, name) &&
	       (parameter.size == length || parameter.data[length] == '=');
}

static int add_word(struct buf *line, struct bytes word, struct err *err)
{
	if (line->size && buf_append(line, " ", 1, err))
		return -1;
	return buf_append(line, word.data, word.size, err);
}

int cmdline_compose(const char *reuse, const char *append, bool crash, char **ret, struct err *err)
{
	struct buf line CLEANUP(buf_done) = { 0 };
	const char *newline = append ? strchr(append, '\n') : NULL;
	struct bytes parameter;

	if (newline)
		return err_set(
			err, ERR_INPUT,
			"the command line has a newline at character %zu: a kernel's is one line",
			(size_t)(newline - append));
	while (reuse && next_parameter(&reuse, &parameter)) {
		if (begins_with(parameter, "BOOT_IMAGE") ||
		    (crash && is_parameter(parameter, "crashkernel")))
			continue;
		if (add_word(&line, parameter, err))
			return -1;
	}
	if (append && *append &&
	    add_word(&line, (struct bytes){ (const uint8_t *)append, strlen(append) }, err))
		return -1;
	if (buf_append(&line, "", 1, err))
		return -1;
	*ret = (char *)line.data;
	line = (struct buf){ 0 };
	return 0;
}

bool cmdline_get(const char *cmdline, const char *name, struct bytes *ret_value)
{
	struct bytes parameter;
	bool found = false;

	while (next_parameter(&cmdline, &parameter)) {
		size_t skip = strlen(name) + 1;

		if (!is_parameter(parameter, name))
			continue;
		found = true;
		*ret_value =
			parameter.size < skip
				? (struct bytes){ parameter.data + parameter.size, 0 }
				: (struct bytes){ parameter.data + skip, parameter.size - skip };
	}
	return found;
}

/* Cuts the text at the first comma; the rest is behind it. */
static struct bytes first_word(struct bytes *rest)
{
	const uint8_t *comma = rest->size ? memchr(rest->data, ',', rest->size) : NULL;
	struct bytes word = { rest->data, comma ? (size_t)(comma - rest->data) : rest->size };
	size_t used = word.size + (comma != NULL);

	rest->data += used;
	rest->size -= used;
	return word;
}

static bool is_word(struct bytes word, const char *text)
{
	return word.size == strlen(text) && !memcmp(word.data, text, word.size);
}

/* "ttyS1", "0x3f8" or "3f8" (earlyprintk reads hexadecimal either way). */
static bool port_of(struct bytes word, uint16_t *ret)
{
	/* The ports of a PC: arch/x86/include/asm/serial.h */
	static const uint16_t standard[] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };
	uint64_t value;

	if (word.size == 5 && begins_with(word, "ttyS") && word.data[4] >= '0' &&
	    word.data[4] <= '3') {
		*ret = standard[word.data[4] - '0'];
		return true;
	}
	if (!begins_with(word, "0x") ||
	    !num_parse((const char *)word.data, word.size, 16, &value) || !value ||
	    value > UINT16_MAX)
		return false;
	*ret = (uint16_t)value;
	return true;
}

/* "115200n8" and the like: the digits. */
static uint32_t baud_of(struct bytes word)
{
	uint64_t value = 0;
	size_t digits = 0;

	while (digits < word.size && word.data[digits] >= '0' && word.data[digits] <= '9')
		digits++;
	if (!num_parse((const char *)word.data, digits, 10, &value) || value > 115200)
		return 0;
	return (uint32_t)value;
}

static bool serial_of(struct bytes value, uint16_t *ret_port, uint32_t *ret_baud)
{
	struct bytes word = first_word(&value);
	uint16_t port = 0x3f8;

	if (is_word(word, "uart8250") || is_word(word, "uart")) {
		word = first_word(&value);
		if (!is_word(word, "io"))
			return false;
		word = first_word(&value);
		if (!port_of(word, &port))
			return false;
	} else if (is_word(word, "serial")) {
		/* Without a port it is the first one. */
		word = first_word(&value);
		if (word.size && !port_of(word, &port))
			return false;
	} else if (!port_of(word, &port)) {
		return false;
	}
	*ret_port = port;
	*ret_baud = baud_of(first_word(&value));
	return true;
}

bool cmdline_serial_console(const char *cmdline, uint16_t *ret_port, uint32_t *ret_baud)
{
	static const char *const names[] = { "console", "earlyprintk", "earlycon" };
	struct bytes parameter;

	while (next_parameter(&cmdline, &parameter)) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			size_t skip = strlen(names[i]) + 1;

			if (!is_parameter(parameter, names[i]) || parameter.size <= skip)
				continue;
			if (serial_of(
				    (struct bytes){ parameter.data + skip, parameter.size - skip },
				    ret_port, ret_baud))
				return true;
		}
	}
	return false;
}
