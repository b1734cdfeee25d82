/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/efimap.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int efi_map_add(struct efi_map *map, struct efi_desc desc, struct err *err)
{
	if (array_grow(&map->desc, &map->room, map->count, sizeof(*map->desc), err))
		return -1;
	map->desc[map->count++] = desc;
	return 0;
}

void efi_map_done(struct efi_map *map)
{
	free(map->desc);
	*map = (struct efi_map){ 0 };
}

/* The text behind "efi: " of a line that lists tables, without its prefixes. */
static bool table_line(struct bytes line, struct bytes *ret)
{
	static const char mark[] = "efi: ";
	const uint8_t *at = line.size ? memmem(line.data, line.size, mark, strlen(mark)) : NULL;

	if (!at)
		return false;
	at += strlen(mark);
	*ret = (struct bytes){ at, (size_t)(line.data + line.size - at) };
	return true;
}

/* "NAME=0x..." words; a name can have spaces, as "ACPI 2.0" and "SMBIOS 3.0" do. */
static bool next_table(struct bytes *rest, struct efi_table *ret)
{
	const char *text = (const char *)rest->data;
	const char *equals = rest->size ? memchr(text, '=', rest->size) : NULL;
	size_t name, digits;
	uint64_t address;

	if (!equals)
		return false;
	while (rest->size && *text == ' ') {
		text++;
		rest->size--;
	}
	name = (size_t)(equals - text);
	rest->data = (const uint8_t *)equals + 1;
	rest->size -= name + 1;
	for (digits = 0; digits < rest->size && isxdigit(rest->data[digits]); digits++)
		if (!digits && rest->size > 2 && rest->data[0] == '0' && rest->data[1] == 'x')
			digits = 1;
	if (digits < 3 || (digits < rest->size && rest->data[digits] != ' ') || !name ||
	    name >= sizeof(ret->name) ||
	    !num_parse((const char *)rest->data, digits, 0, &address) || address >= PHYS_LIMIT)
		return false;
	*ret = (struct efi_table){ .address = address };
	memcpy(ret->name, text, name);
	rest->data += digits;
	rest->size -= digits;
	return true;
}

size_t efi_tables_from_log(struct bytes log, struct efi_table *ret, size_t room)
{
	struct bytes line, rest;
	size_t count = 0;

	while (bytes_next_line(&log, &line)) {
		struct efi_table table;

		if (!table_line(line, &rest))
			continue;
		while (count < room && next_table(&rest, &table))
			ret[count++] = table;
	}
	return count;
}
