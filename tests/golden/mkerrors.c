/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mkerrors: doc/ERRORS.md, from the table of causes. */
#include <stdio.h>
#include <string.h>

#include "kexec/explain.h"

static const char *calls(unsigned int calls)
{
	switch (calls) {
	case EXPLAIN_LOAD:
		return "kexec_load";
	case EXPLAIN_FILE_LOAD:
		return "kexec_file_load";
	case EXPLAIN_LOAD | EXPLAIN_FILE_LOAD:
		return "kexec_load, kexec_file_load";
	case EXPLAIN_START:
		return "kexec";
	default:
		return "each";
	}
}

/* Text in a table's cell. */
static void cell(const char *text)
{
	const char *slot = strstr(text, "%s");
	int before = slot ? (int)(slot - text) : (int)strlen(text);

	printf(" %.*s%s%s |", before, text, slot ? "..." : "", slot ? slot + 2 : "");
}

int main(void)
{
	size_t count;
	const struct explain_cause *cause = explain_causes(&count);

	puts("# When the running kernel refuses\n\n"
	     "What `kexec` says then is `CALL failed: ERROR: CAUSE; try: NEXT`, with exit status 255. "
	     "`CALL` is the system call:\n"
	     "`kexec_load` (our own placement, `-c`), `kexec_file_load` (the running kernel's, `-s`), or "
	     "`kexec`, the start itself. Of several causes\n"
	     "with the same error the first that can be seen on the machine is named; one without \"seen in\" "
	     "is what remains.\n"
	     "Everything that can be known before the call is refused before it, with exit status 1 "
	     "and a sentence of its own that says\n"
	     "what, where, and what to do: nothing has been changed then.\n\n"
	     "| call | error | cause | seen in | try |\n|---|---|---|---|---|");
	for (size_t i = 0; i < count; i++) {
		printf("| %s | %s |", calls(cause[i].calls), strerrorname_np(cause[i].error));
		cell(cause[i].cause);
		cell(cause[i].seen_in);
		printf(" `%s` |\n", cause[i].next);
	}
	return 0;
}
