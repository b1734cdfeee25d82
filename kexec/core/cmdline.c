/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/cmdline.h"

#include <string.h>

#include "kexec/core/num.h"

struct parameter {
	struct bytes raw; /* as it stands there, with its quotes */
	struct bytes name;
	struct bytes value; /* its text, without quotes around it; empty if there is no '=' */
};

static bool is_blank(uint8_t character)
{
	return character == ' ' || character == '\t' || character == '\n';
}

static struct bytes between(const uint8_t *start, const uint8_t *end)
{
	return (struct bytes){ start, start < end ? (size_t)(end - start) : 0 };
}

/* Quotes go around the whole, around the value, or stay where they are. */
static struct parameter split(struct bytes raw)
{
	const uint8_t *start = raw.data, *end = raw.data + raw.size, *equals;
	bool quoted = *start == '"';
	struct parameter ret = { .raw = raw };

	start += quoted;
	/* A '=' at the very start belongs to the name. */
	equals = end - start > 1 ? memchr(start + 1, '=', (size_t)(end - start) - 1) : NULL;
	if (equals && equals + 1 < end && equals[1] == '"') {
		ret.value.data = equals + 2;
		quoted = true;
	} else if (equals) {
		ret.value.data = equals + 1;
	}
	if (quoted && end > start && end[-1] == '"')
		end--;
	if (equals)
		ret.value = between(ret.value.data, end);
	else
		ret.value = between(end, end);
	ret.name = between(start, equals ? equals : end);
	return ret;
}

/* The next parameter of *rest; blanks inside double quotes belong to it. */
static bool next_parameter(struct bytes *rest, struct parameter *ret)
{
	const uint8_t *at = rest->data, *end = rest->data + rest->size, *start;
	bool quoted = false;

	while (at < end && is_blank(*at))
		at++;
	start = at;
	for (; at < end && (quoted || !is_blank(*at)); at++)
		if (*at == '"')
			quoted = !quoted;
	*rest = between(at, end);
	if (at == start)
		return false;
	*ret = split(between(start, at));
	return true;
}

static bool begins_with(struct bytes text, const char *what)
{
	return text.size >= strlen(what) && !memcmp(text.data, what, strlen(what));
}

static int add_word(struct buf *line, struct bytes word, struct err *err)
{
	if (line->size && buf_append(line, " ", 1, err))
		return -1;
	return buf_append(line, word.data, word.size, err);
}

/* A quote without its partner takes in all that follows. */
static bool is_left_open(struct bytes raw)
{
	size_t quotes = 0;

	for (size_t i = 0; i < raw.size; i++)
		quotes += raw.data[i] == '"';
	return quotes % 2;
}

int cmdline_add(const char *cmdline, const char *words, char **ret, struct err *err)
{
	struct bytes rest = text_bytes(cmdline), head = rest, tail = { 0 };
	struct buf line CLEANUP(buf_done) = { 0 };
	struct parameter parameter;

	while (next_parameter(&rest, &parameter)) {
		if (!bytes_are(parameter.raw, "--") && !bytes_are(parameter.raw, "\"--\"") &&
		    !is_left_open(parameter.raw))
			continue;
		head.size = (size_t)(parameter.raw.data - head.data);
		tail = between(parameter.raw.data, rest.data + rest.size);
		break;
	}
	if (buf_append(&line, head.data, head.size, err) ||
	    (!tail.size && head.size && buf_append(&line, " ", 1, err)) ||
	    buf_append(&line, words, strlen(words), err) ||
	    (tail.size && add_word(&line, tail, err)) || buf_append(&line, "", 1, err))
		return -1;
	*ret = (char *)line.data;
	line = (struct buf){ 0 };
	return 0;
}

int cmdline_compose(const char *reuse, const char *append, bool crash, char **ret, struct err *err)
{
	struct buf line CLEANUP(buf_done) = { 0 };
	struct bytes all = text_bytes(reuse), added = text_bytes(append), rest;
	const char *newline = append ? strchr(append, '\n') : NULL;
	struct parameter parameter;

	if (newline)
		return err_set(
			err, ERR_INPUT,
			"the command line has a newline at offset %zu: a kernel's is one line",
			(size_t)(newline - append));
	if (bytes_next_line(&all, &rest)) {
		while (next_parameter(&rest, &parameter)) {
			if (begins_with(parameter.name, "BOOT_IMAGE") ||
			    (crash && bytes_are(parameter.name, "crashkernel")))
				continue;
			if (add_word(&line, parameter.raw, err))
				return -1;
		}
	}
	if (added.size && add_word(&line, added, err))
		return -1;
	if (buf_append(&line, "", 1, err))
		return -1;
	if (crash && !cmdline_has((const char *)line.data, "acpi_no_memhotplug"))
		return cmdline_add((const char *)line.data, "acpi_no_memhotplug", ret, err);
	*ret = (char *)line.data;
	line = (struct buf){ 0 };
	return 0;
}

bool cmdline_get(const char *cmdline, const char *name, struct bytes *ret_value)
{
	struct bytes rest = text_bytes(cmdline);
	struct parameter parameter;
	bool found = false;

	while (next_parameter(&rest, &parameter)) {
		if (!bytes_are(parameter.name, name))
			continue;
		*ret_value = parameter.value;
		found = true;
	}
	return found;
}

bool cmdline_has(const char *cmdline, const char *name)
{
	struct bytes ignored;

	return cmdline_get(cmdline, name, &ignored);
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

/* "ttyS1" or "0x2f8". */
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

/* "115200n8" and the like: the digits. A PC's UART has no more than 115200. */
static uint32_t baud_of(struct bytes word)
{
	uint64_t value;
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

	if (bytes_are(word, "uart8250") || bytes_are(word, "uart")) {
		word = first_word(&value);
		if (!bytes_are(word, "io"))
			return false;
		word = first_word(&value);
		if (!port_of(word, &port))
			return false;
	} else if (bytes_are(word, "serial")) {
		/* What is no port, as in "serial,keep", leaves it at the first one. */
		word = first_word(&value);
		port_of(word, &port);
	} else if (!begins_with(word, "ttyS") || !port_of(word, &port)) {
		return false;
	}
	*ret_port = port;
	*ret_baud = baud_of(first_word(&value));
	return true;
}

bool cmdline_serial_console(const char *cmdline, uint16_t *ret_port, uint32_t *ret_baud)
{
	struct bytes rest = text_bytes(cmdline);
	struct parameter parameter;

	while (next_parameter(&rest, &parameter))
		if ((bytes_are(parameter.name, "console") ||
		     bytes_are(parameter.name, "earlyprintk")) &&
		    serial_of(parameter.value, ret_port, ret_baud))
			return true;
	return false;
}
