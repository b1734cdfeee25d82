/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRINT_H
#define PRINT_H

#include <stdio.h>

/* Behind what is ours, text that files may have a part in: what is no character to be shown becomes '?', as
 * text_make_harmless() has it. */
void print_harmless(FILE *to, const char *before, const char *text);

#endif
