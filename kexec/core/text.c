/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/text.h"

#include <stdint.h>

size_t text_character(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;
	size_t length = at[0] < ' ' || at[0] == 0x7f	? 0
			: at[0] < 0x80			? 1
			: at[0] >= 0xc2 && at[0] < 0xe0 ? 2
			: at[0] >= 0xe0 && at[0] < 0xf0 ? 3
			: at[0] >= 0xf0 && at[0] < 0xf5 ? 4
							: 0;

	for (size_t i = 1; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than it has to be, half of a pair, above U+10FFFF; and U+0080 to U+009f. */
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0) ||
	    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90) ||
	    (at[0] == 0xc2 && at[1] < 0xa0))
		return 0;
	return length;
}

void text_make_harmless(char *text)
{
	for (size_t length; *text; text += length ? length : 1) {
		length = text_character(text);
		if (!length)
			*text = '?';
	}
}
