/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/num.h"

static bool digit_value(char character, unsigned int base, unsigned int *ret)
{
	unsigned int value;

	if (character >= '0' && character <= '9')
		value = (unsigned int)(character - '0');
	else if (character >= 'a' && character <= 'f')
		value = (unsigned int)(character - 'a') + 10;
	else if (character >= 'A' && character <= 'F')
		value = (unsigned int)(character - 'A') + 10;
	else
		return false;
	*ret = value;
	return value < base;
}

bool num_parse(const char *text, size_t size, unsigned int base, uint64_t *ret)
{
	bool has_prefix = size > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	uint64_t value = 0;

	if (has_prefix && (base == 0 || base == 16)) {
		text += 2;
		size -= 2;
		base = 16;
	} else if (base == 0) {
		base = size > 1 && text[0] == '0' ? 8 : 10;
	}
	if (!size)
		return false;
	for (size_t i = 0; i < size; i++) {
		unsigned int digit;

		if (!digit_value(text[i], base, &digit) || !num_mul(value, base, &value) ||
		    !num_add(value, digit, &value))
			return false;
	}
	*ret = value;
	return true;
}

bool num_parse_size(const char *text, size_t size, uint64_t *ret)
{
	static const char suffix[] = "KMGT";
	unsigned int shift = 0;
	uint64_t value;

	for (unsigned int i = 0; size && i < 4; i++)
		if ((text[size - 1] & ~0x20) == suffix[i])
			shift = 10 * (i + 1);
	if (shift)
		size--;
	if (!num_parse(text, size, 0, &value) || !num_mul(value, UINT64_C(1) << shift, &value))
		return false;
	*ret = value;
	return true;
}
