/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* argv -> struct request: one option table, one pass, in any order. */
#ifndef CLI_H
#define CLI_H

#include <stdio.h>

#include "kexec/lib/request.h"

/* ERR_USAGE says which word is wrong. */
int cli_parse(int argc, char *const argv[], struct request *ret, struct err *err);
void cli_usage(FILE *to);

#endif
