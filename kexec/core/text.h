/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text that files may have a part in, made fit to be shown. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stddef.h>

/* Of the bytes at a place that make a character of UTF-8 which is no control character; 0: none. */
size_t text_character(const char *text);
/* Nothing of it is an order to a terminal then, or a line of its own, and it is UTF-8: each byte
 * that is of no such character becomes '?'. */
void text_make_harmless(char *text);

#endif
