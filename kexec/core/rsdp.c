/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/rsdp.h"

#include <stdio.h>
#include <string.h>

static const char mark[] = "ACPI: ";

/* "RSDP 0x000000007FB7E014 000024 (v02 BOCHS )" is of that line. */
static bool read_line(struct bytes line, char ret[80])
{
	const uint8_t *at = line.size ? memmem(line.data, line.size, mark, sizeof(mark) - 1) : NULL;
	size_t size;

	if (!at)
		return false;
	at += sizeof(mark) - 1;
	size = (size_t)(line.data + line.size - at);
	if (size > 79)
		size = 79;
	memcpy(ret, at, size);
	ret[size] = '\0';
	return !strncmp(ret, "RSDP 0x", 7) || !strncmp(ret, "XSDT 0x", 7) ||
	       !strncmp(ret, "RSDT 0x", 7);
}

bool rsdp_is_in_line(struct bytes line)
{
	char ignored[80];

	return read_line(line, ignored);
}

/* The byte that makes the sum of all of them 0. */
static uint8_t checksum(const uint8_t *bytes, size_t size)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return (uint8_t)-sum;
}

void rsdp_from_log(struct bytes log, struct rsdp *ret)
{
	unsigned long long address, rsdt = 0, xsdt = 0;
	unsigned int revision = 0;
	bool found = false;
	char text[80], oem[7] = "";
	struct rsdp rsdp = { .size = RSDP_SIZE_0 };
	struct bytes line;

	*ret = (struct rsdp){ .size = 0 };
	while (bytes_next_line(&log, &line)) {
		if (!read_line(line, text))
			continue;
		if (*text == 'X')
			sscanf(text, "XSDT 0x%16llx", &xsdt);
		else if (text[3] == 'T')
			sscanf(text, "RSDT 0x%16llx", &rsdt);
		else
			found = sscanf(text, "RSDP 0x%16llx %*6x (v%2u %6[ -~]", &address,
				       &revision, oem) == 3;
	}
	if (!found || (!xsdt && (!rsdt || rsdt > UINT32_MAX)))
		return;
	memcpy(rsdp.bytes, "RSD PTR ", 8);
	memcpy(rsdp.bytes + 9, oem, strlen(oem));
	rsdp.bytes[15] = xsdt ? (uint8_t)revision : 0;
	put_u32(rsdp.bytes + 16, (uint32_t)(xsdt ? 0 : rsdt));
	rsdp.bytes[8] = checksum(rsdp.bytes, RSDP_SIZE_0);
	if (xsdt) {
		rsdp.size = RSDP_SIZE;
		put_u32(rsdp.bytes + 20, RSDP_SIZE);
		put_u64(rsdp.bytes + 24, xsdt);
		rsdp.bytes[32] = checksum(rsdp.bytes, RSDP_SIZE);
	}
	*ret = rsdp;
}
