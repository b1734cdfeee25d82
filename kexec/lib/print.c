/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/lib/print.h"

#include "kexec/core/text.h"

void print_harmless(FILE *to, const char *before, const char *text)
{
	fputs(before, to);
	for (size_t length; *text; text += length ? length : 1) {
		length = text_character(text);
		if (length)
			fwrite(text, 1, length, to);
		else
			putc('?', to);
	}
}
