/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every fuzz target is: one function of bytes that aborts where something does not hold. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* https://llvm.org/docs/LibFuzzer.html */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define require(condition)                                                              \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

/* In a terminal it is a character, and nothing else. */
static inline bool is_shown(char character)
{
	return character >= ' ' && character <= '~';
}

/* So is all of a sentence, which may cite a file, with characters of any alphabet. */
static inline bool is_sentence(const char *text)
{
	const char *at = text;

	while (is_shown(*at) || *at < 0)
		at++;
	return at > text && !*at && !strstr(text, "\xc2\x9b");
}

#endif
