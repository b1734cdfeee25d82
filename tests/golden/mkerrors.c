/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mkerrors: doc/ERRORS.md, from the tables of causes and of advice. mkerrors --texts: the
 * sentences that have a row, each ended by a NUL. */
#include <stdio.h>
#include <string.h>

#include "kexec/lib/advice.h"
#include "kexec/lib/explain.h"

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

static const char *error_name(int error)
{
	return error ? strerrorname_np(error) : "any other";
}

/* The length of a conversion of printf's. */
static size_t conversion(const char *text)
{
	return 1 + strspn(text + 1, "0123456789.*lhz") + 1;
}

/* Text in a table, where a bar would end the cell. */
static void put(char c)
{
	printf(c == '|' ? "\\%c" : "%c", c);
}

/* A cell, what is filled in as "...". */
static void cell(const char *text)
{
	size_t length = strlen(text);

	putchar(' ');
	for (const char *at = text; *at;) {
		const char *percent = strncmp(at, "0x%", 3) ? at : at + 2;

		if (*percent == '%') {
			fputs("...", stdout);
			at = percent + conversion(percent);
			/* Such as a version, MAJOR.MINOR. */
			while (*at == '%' || (*at == '.' && at[1] == '%'))
				at += (*at == '.') + conversion(at + (*at == '.'));
		} else {
			put(*at++);
		}
	}
	/* The rest of such a sentence is appended. */
	printf("%s |", length && text[length - 1] == '(' ? "...)" : "");
}

static void code_cell(const char *text)
{
	if (!text) {
		printf(" it says so |");
		return;
	}
	printf(" `");
	while (*text)
		put(*text++);
	printf("` |");
}

static void print_calls(void)
{
	size_t count;
	const struct explain_cause *cause = explain_causes(&count);

	puts("## The running kernel refuses\n\n"
	     "`kexec: CALL failed: ERROR: CAUSE; try: NEXT`, with exit status 255. `CALL` is the\n"
	     "system call: `kexec_load` (our own placement, `-c`), `kexec_file_load` (the running\n"
	     "kernel's, `-s`), or `kexec`, the start itself. Of several causes with the same error\n"
	     "the first that can be seen on the machine is named; one without \"seen in\" is what\n"
	     "remains.\n\n"
	     "| call | error | cause | seen in | try |\n|---|---|---|---|---|");
	for (size_t i = 0; i < count; i++) {
		printf("| %s | %s |", calls(cause[i].calls), error_name(cause[i].error));
		cell(cause[i].cause);
		cell(cause[i].seen_in);
		code_cell(cause[i].next);
		putchar('\n');
	}
}

static void print_files(void)
{
	size_t count;
	const struct advice_file *file = advice_files(&count);

	puts("\n## A file cannot be opened, read or written\n\n"
	     "`kexec: FILE: ERROR; try: NEXT`, with exit status 1.\n\n"
	     "| error | cause | try |\n|---|---|---|");
	for (size_t i = 0; i < count; i++) {
		printf("| %s |", error_name(file[i].error));
		cell(file[i].cause);
		code_cell(file[i].cure);
		putchar('\n');
	}
}

static void print_sentences(void)
{
	size_t count;
	const struct advice *advice = advice_all(&count);

	for (size_t i = 0; i < count; i++) {
		if (!advice[i].text) {
			printf("\n## %s\n\n| what is said | cause | try |\n|---|---|---|\n",
			       advice[i].cause);
			continue;
		}
		putchar('|');
		cell(advice[i].text);
		cell(advice[i].cause);
		code_cell(advice[i].cure);
		putchar('\n');
	}
	puts("\n## The program itself\n\n| what is said | cause | try |\n|---|---|---|");
	printf("| any other sentence, about segments, links, digests or a footprint |");
	cell(advice_internal_cause);
	code_cell(advice_internal_cure);
	printf("\n| out of memory |");
	cell(advice_memory_cause);
	code_cell(advice_memory_cure);
	putchar('\n');
}

static void print_texts(void)
{
	size_t count;
	const struct advice *advice = advice_all(&count);

	for (size_t i = 0; i < count; i++)
		if (advice[i].text)
			printf("%s%c", advice[i].text, 0);
}

int main(int argc, char *argv[])
{
	if (argc == 2 && !strcmp(argv[1], "--texts")) {
		print_texts();
		return 0;
	}
	puts("# What kexec says, why, and what to do\n\n"
	     "Made by tests/golden/run --update from the tables of kexec/lib/explain.c and\n"
	     "kexec/lib/advice.c: change those. `...` stands for what is filled in; before a sentence\n"
	     "stands where: a file, an offset. Everything that can be known before a system call is\n"
	     "refused before it, with exit status 1: nothing has been changed then. A warning changes\n"
	     "no exit status.\n");
	print_calls();
	print_files();
	print_sentences();
	return 0;
}
