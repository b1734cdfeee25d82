/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Command lines against kexec-tools' table: what is clear to it means the same here. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kexec/cli.h"

/* Of kexec-tools 2.0.32 for x86-64: the names, and which take an argument. */
static const struct option theirs[] = {
	{ "help", 0, NULL, 'h' },
	{ "version", 0, NULL, 'v' },
	{ "force", 0, NULL, 'f' },
	{ "no-checks", 0, NULL, 'i' },
	{ "no-ifdown", 0, NULL, 'x' },
	{ "no-sync", 0, NULL, 'y' },
	{ "load", 0, NULL, 'l' },
	{ "unload", 0, NULL, 'u' },
	{ "exec", 0, NULL, 'e' },
	{ "exec-live-update", 0, NULL, 1 },
	{ "load-preserve-context", 0, NULL, 2 },
	{ "load-jump-back-helper", 0, NULL, 3 },
	{ "load-live-update", 0, NULL, 4 },
	{ "entry", 1, NULL, 5 },
	{ "type", 1, NULL, 't' },
	{ "load-panic", 0, NULL, 'p' },
	{ "mem-min", 1, NULL, 6 },
	{ "mem-max", 1, NULL, 7 },
	{ "reuseinitrd", 0, NULL, 8 },
	{ "kexec-file-syscall", 0, NULL, 's' },
	{ "kexec-syscall", 0, NULL, 'c' },
	{ "kexec-syscall-auto", 0, NULL, 'a' },
	{ "debug", 0, NULL, 'd' },
	{ "status", 0, NULL, 'S' },
	{ "print-ckr-size", 0, NULL, 9 },
	{ "hotplug", 0, NULL, 10 },
	{ "reset-vga", 0, NULL, 13 },
	{ "serial", 1, NULL, 14 },
	{ "serial-baud", 1, NULL, 15 },
	{ "console-vga", 0, NULL, 16 },
	{ "console-serial", 0, NULL, 17 },
	{ "elf32-core-headers", 0, NULL, 18 },
	{ "elf64-core-headers", 0, NULL, 19 },
	{ "pass-memmap-cmdline", 0, NULL, 20 },
	{ "noefi", 0, NULL, 21 },
	{ "reuse-video-type", 0, NULL, 22 },
	{ "command-line", 1, NULL, 23 },
	{ "append", 1, NULL, 23 },
	{ "reuse-cmdline", 0, NULL, 24 },
	{ "initrd", 1, NULL, 25 },
	{ "ramdisk", 1, NULL, 25 },
	{ "args-elf", 0, NULL, 26 },
	{ "args-linux", 0, NULL, 27 },
	{ "args-none", 0, NULL, 28 },
	{ "module", 1, NULL, 29 },
	{ "real-mode", 0, NULL, 30 },
	{ "entry-32bit", 0, NULL, 31 },
	{ "dtb", 1, NULL, 32 },
	{ NULL, 0, NULL, 0 },
};

/* The option that the word is to kexec-tools, NULL if that is none or not clear. */
static const struct option *to_them(const char *word)
{
	char text[80];
	char *argv[] = { (char *)"kexec", text, (char *)"x", NULL };
	int index = -1;

	snprintf(text, sizeof(text), "--%s", word);
	optind = 0;
	opterr = 0;
	return getopt_long(3, argv, "", theirs, &index) == '?' ? NULL : &theirs[index];
}

/* Each option says its name where its argument is missing, or where there is one too many. */
static struct err to_us(const char *word, bool has_argument)
{
	struct request request;
	struct err err = { 0 };
	char text[80];
	char *argv[] = { (char *)"kexec", text, NULL };

	snprintf(text, sizeof(text), "--%s%s", word, has_argument ? "" : "=x");
	assert_int_equal(cli_parse(2, argv, &request, &err), -1);
	return err;
}

static void test_abbreviations(void **state)
{
	size_t clear = 0;

	(void)state;
	for (const struct option *option = theirs; option->name; option++) {
		for (size_t length = 1; length <= strlen(option->name); length++) {
			char word[64], expected[256];
			const struct option *found;
			struct err said;

			snprintf(word, sizeof(word), "%.*s", (int)length, option->name);
			found = to_them(word);
			if (!found)
				continue;
			clear++;
			if (found->has_arg)
				snprintf(expected, sizeof(expected),
					 "--%s: an argument is missing: --%s=", found->name,
					 found->name);
			else
				snprintf(expected, sizeof(expected),
					 "--%s=x: --%s takes no argument", word, found->name);
			said = to_us(word, found->has_arg);
			said.text[strlen(expected)] = '\0';
			assert_string_equal(said.text, expected);
		}
	}
	assert_true(clear > 300);
}

static struct request parse(int argc, char *const argv[])
{
	struct request request;
	struct err err;

	assert_int_equal(cli_parse(argc, argv, &request, &err), 0);
	return request;
}

#define PARSE(...)                                                                      \
	parse((int)(sizeof((const char *[]){ "kexec", __VA_ARGS__ }) / sizeof(char *)), \
	      (char *const[]){ (char *)"kexec", __VA_ARGS__, NULL })

/* What is done as soon as it is read: nothing behind it is looked at. */
static void test_at_once(void **state)
{
	struct request request;

	(void)state;
	assert_int_equal(PARSE("-v", "--frobnicate").action, ACTION_VERSION);
	assert_int_equal(PARSE("-l", "-h", "--frobnicate").action, ACTION_HELP);
	assert_int_equal(PARSE("-?", "--frobnicate").action, ACTION_USAGE);
	assert_int_equal(PARSE("-l?q").action, ACTION_USAGE);
	/* Help is of no machine. */
	assert_int_equal(PARSE("--sysroot=x", "--help").action, ACTION_HELP);
	assert_null(PARSE("--sysroot=x", "--help").sysroot);
	assert_int_equal(PARSE("--sysroot=x", "-?").action, ACTION_USAGE);
	assert_null(PARSE("--sysroot=x", "-v").sysroot);
	assert_int_equal(PARSE("--append=x", "--print-ckr-size", "--frobnicate").action,
			 ACTION_PRINT_RESERVATION);
	/* But of which machine it is. */
	request = PARSE("--print-ckr-size", "--frobnicate", "-h", "-e", "--sysroot=x");
	assert_int_equal(request.action, ACTION_PRINT_RESERVATION);
	assert_string_equal(request.sysroot, "x");
	request = PARSE("--append=x", "--sysroot", "x", "--print-ckr-size", "--append");
	assert_int_equal(request.action, ACTION_PRINT_RESERVATION);
	assert_string_equal(request.sysroot, "x");
}

/* --, an option's argument that looks like one, and options behind the kernel. */
static void test_words(void **state)
{
	struct request request;

	(void)state;
	request = PARSE("-l", "--", "-k");
	assert_string_equal(request.kernel, "-k");
	request = PARSE("K", "-l", "--append", "--no-checks", "-s", "-s");
	assert_string_equal(request.kernel, "K");
	assert_string_equal(request.append, "--no-checks");
	assert_false(request.no_checks);
	assert_int_equal(request.method, METHOD_FILE_LOAD);
	assert_int_equal(PARSE("-s", "-c", "-a", "-l", "K").method, METHOD_AUTO);
	request = PARSE("-pucd");
	assert_int_equal(request.action, ACTION_UNLOAD);
	assert_true(request.crash && request.debug);
	assert_true(PARSE("-l", "K", "--no-cma", "--force-dtb").no_cma);
	assert_true(PARSE("-l", "K", "--no-cma", "--force-dtb").force_dtb);
	/* Which of them are of a load, kexec-tools decided. */
	assert_int_equal(PARSE("-e", "--mem-min=0", "--mem-max", "1G", "--hotplug", "--reset-vga",
			       "--serial=ttyS1", "--serial-baud=9600", "--console-vga",
			       "--console-serial", "-t", "bzImage64", "--elf32-core-headers")
				 .action,
			 ACTION_EXEC);
}

static struct err refusal(int argc, char *const argv[])
{
	struct request request;
	struct err err = { 0 };

	assert_int_equal(cli_parse(argc, argv, &request, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	return err;
}

#define REFUSED(...)                                                                      \
	refusal((int)(sizeof((const char *[]){ "kexec", __VA_ARGS__ }) / sizeof(char *)), \
		(char *const[]){ (char *)"kexec", __VA_ARGS__, NULL })                    \
		.text

#define ONLY_ONE ": only one of them can be used at a time"

#define NO_JSON "--json goes with --dry-run, --doctor, --audit-efi or --list-entries"

/* Nothing that is asked for is dropped without a word. */
static void test_contradictions(void **state)
{
	struct request request;

	(void)state;
	assert_string_equal(REFUSED("-p", "K", "--spare-copy", "--no-spare-copy"),
			    "only one of --spare-copy and --no-spare-copy can be used at a time");
	assert_string_equal(REFUSED("-p", "K", "--no-spare-copy", "--spare-copy"),
			    "only one of --spare-copy and --no-spare-copy can be used at a time");
	assert_string_equal(REFUSED("-p", "K", "--backup=always", "--backup", "never"),
			    "--backup=always and --backup=never" ONLY_ONE);
	assert_string_equal(REFUSED("-l", "K", "--hash=avx2", "--hash=auto"),
			    "--hash=avx2 and --hash=auto" ONLY_ONE);
	assert_string_equal(REFUSED("-l", "K", "--on-corruption=halt", "--on-corruption=reset"),
			    "--on-corruption=halt and --on-corruption=reset" ONLY_ONE);
	assert_string_equal(REFUSED("-l", "K", "--svg=a", "--dry-run", "--svg=b"),
			    "--svg=a and --svg=b" ONLY_ONE);
	assert_string_equal(REFUSED("--boot-entry=a", "--boot-entry=b"),
			    "--boot-entry=a and --boot-entry=b" ONLY_ONE);
	assert_string_equal(REFUSED("--boot-entry=a", "--boot-entry"),
			    "--boot-entry=a and --boot-entry" ONLY_ONE);
	assert_string_equal(REFUSED("--boot-entry", "--boot-entry=b"),
			    "--boot-entry and --boot-entry=b" ONLY_ONE);
	assert_string_equal(REFUSED("--capture=a", "--capture=b"),
			    "--capture=a and --capture=b" ONLY_ONE);
	assert_string_equal(REFUSED("--sysroot=a", "--sysroot=b", "-l", "K"),
			    "--sysroot=a and --sysroot=b" ONLY_ONE);
	assert_string_equal(REFUSED("-l", "K", "--uki-profile=1", "--uki-profile=0"),
			    "--uki-profile=1 and --uki-profile=0" ONLY_ONE);
	assert_string_equal(REFUSED("-l", "K", "--mem-min=2G", "--mem-max=1G"),
			    "--mem-min=0x80000000 with --mem-max=0x40000000: nothing lies between "
			    "them");
	assert_string_equal(REFUSED("--print-ckr-size", "--sysroot"),
			    "--sysroot: an argument is missing: --sysroot=DIR|FILE");
	/* Nothing else has a form for programs, also where nothing is loaded. */
	assert_string_equal(REFUSED("--estimate", "--dry-run", "--json", "K"), NO_JSON);
	assert_string_equal(REFUSED("--estimate", "--sysroot=a", "--json", "K"), NO_JSON);
	assert_string_equal(REFUSED("--sysroot=a", "--capture=b", "--json"), NO_JSON);
	assert_true(PARSE("-p", "K", "--sysroot=a", "--json").json);
	assert_true(PARSE("--doctor", "--dry-run", "--json").json);
	/* One is compared with the value, not with whether there was one. */
	assert_string_equal(REFUSED("-l", "K", "--hash=avx2", "--hash=avx2", "--hash=sha-ni"),
			    "--hash=avx2 and --hash=sha-ni" ONLY_ONE);

	request = PARSE("-p", "K", "--no-spare-copy", "--no-spare-copy", "--hash=sha-ni",
			"--hash=sha-ni", "--sysroot=a", "--sysroot=a", "--mem-min=1G",
			"--mem-max=0x40000fff");
	assert_int_equal(request.spares, LOAD_SPARES_NEVER);
	assert_string_equal(request.sysroot, "a");
	assert_int_equal(request.mem_max, 0x40001000);
	assert_true(PARSE("--boot-entry", "--boot-entry").from_entry);
	/* Of kexec-tools' own the last counts, as there. */
	request = PARSE("-l", "K", "--append=a", "--command-line=b", "--mem-min=4G", "--mem-min=1G",
			"--mem-max=2G", "--serial=ttyS0", "--serial=ttyS1", "-t", "uki",
			"--type=bzImage");
	assert_string_equal(request.append, "b");
	assert_int_equal(request.mem_min, 1 << 30);
	assert_int_equal(request.console.port, 0x2f8);
	assert_string_equal(request.type, "bzImage");
}

#define ONLY_ONE_ACTION                                                                 \
	"only one of -l, -e, -u, -f, -S, --doctor, --estimate, --audit-efi, --capture " \
	"and --list-entries can be done at a time"

/* Of kexec-tools' actions the last counts, as there: what asks for a load at its end starts nothing. */
static void test_actions(void **state)
{
	struct request request;

	(void)state;
	assert_int_equal(PARSE("-e", "-l", "K").action, ACTION_LOAD);
	assert_int_equal(PARSE("-f", "-l", "K").action, ACTION_LOAD);
	request = PARSE("-e", "-p", "K");
	assert_int_equal(request.action, ACTION_LOAD);
	assert_true(request.crash);
	assert_int_equal(PARSE("-f", "-p", "K").action, ACTION_LOAD);
	assert_int_equal(PARSE("-l", "-e").action, ACTION_EXEC);
	assert_int_equal(PARSE("-l", "K", "-f").action, ACTION_FORCE);
	assert_int_equal(PARSE("--boot-entry", "-f").action, ACTION_FORCE);
	assert_int_equal(PARSE("-f", "--boot-entry").action, ACTION_FORCE);
	assert_int_equal(PARSE("-f", "--boot-entry", "-l").action, ACTION_LOAD);
	/* A load replaces what is loaded. */
	assert_int_equal(PARSE("-u", "-l", "K").action, ACTION_LOAD);
	assert_int_equal(PARSE("-u", "-p", "K").action, ACTION_LOAD);
	assert_int_equal(PARSE("-u", "K", "-p").action, ACTION_LOAD);
	assert_int_equal(PARSE("-u", "-p", "--boot-entry").action, ACTION_LOAD);
	assert_int_equal(PARSE("-l", "-u", "K").action, ACTION_UNLOAD);
	assert_int_equal(PARSE("-p", "-u", "K").action, ACTION_UNLOAD);
	request = PARSE("-u", "-p");
	assert_int_equal(request.action, ACTION_UNLOAD);
	assert_true(request.crash);
	assert_string_equal(REFUSED("-u", "-l"), "no kernel named");
	assert_string_equal(REFUSED("-u", "-p", "-l"), "no kernel named");
	assert_string_equal(REFUSED("-e", "-l"), "no kernel named");
	/* None of these is a load, whose last word counts. */
	assert_string_equal(REFUSED("-u", "-e"), ONLY_ONE_ACTION);
	assert_string_equal(REFUSED("-e", "-f", "K"), ONLY_ONE_ACTION);
	assert_string_equal(REFUSED("-u", "-l", "K", "-f"), ONLY_ONE_ACTION);
	assert_string_equal(REFUSED("-u", "-p", "-e"), ONLY_ONE_ACTION);
	assert_string_equal(REFUSED("-f", "-l", "K", "-u"), ONLY_ONE_ACTION);

	/* -S asks for the crash kernel, and for the other with -l alone. */
	assert_int_equal(PARSE("-S", "-e").action, ACTION_STATUS);
	assert_int_equal(PARSE("-u", "-S", "-e").action, ACTION_STATUS);
	assert_int_equal(PARSE("-l", "K", "-S").action, ACTION_STATUS);
	assert_true(PARSE("-l", "-S").status_of_normal);
	assert_false(PARSE("-S").status_of_normal);
	assert_false(PARSE("-S", "-p", "-l").status_of_normal);
	assert_false(PARSE("-l", "-S", "-p").status_of_normal);
	assert_false(PARSE("-p", "-l", "-S").status_of_normal);

	/* The words of a load may stand beside what examines its kernel, and beside nothing else. */
	assert_int_equal(PARSE("-p", "K", "--estimate").action, ACTION_ESTIMATE);
	assert_int_equal(PARSE("--doctor", "-l", "K").action, ACTION_DOCTOR);
	assert_int_equal(PARSE("-l", "K", "--audit-efi").action, ACTION_AUDIT_EFI);
	assert_int_equal(PARSE("--doctor", "--boot-entry").action, ACTION_DOCTOR);
	assert_string_equal(REFUSED("-l", "K", "--capture=F"), ONLY_ONE_ACTION);
	assert_string_equal(REFUSED("--capture=F", "-l", "K"), ONLY_ONE_ACTION);
	assert_string_equal(REFUSED("-p", "K", "--capture=F"), ONLY_ONE_ACTION);
	assert_string_equal(REFUSED("-l", "K", "--list-entries"), ONLY_ONE_ACTION);
	assert_string_equal(REFUSED("--list-entries", "-l", "K"), ONLY_ONE_ACTION);
	assert_string_equal(REFUSED("--doctor", "-f", "K"), ONLY_ONE_ACTION);
	assert_string_equal(REFUSED("-S", "--doctor"), ONLY_ONE_ACTION);
	assert_string_equal(REFUSED("--capture=F", "-S"), ONLY_ONE_ACTION);
	assert_string_equal(REFUSED("--doctor", "--estimate"), ONLY_ONE_ACTION);
	assert_string_equal(REFUSED("--capture=F", "--boot-entry"),
			    "--boot-entry makes no sense without loading a kernel: --capture loads "
			    "none");
}

/* A variable of a script that is empty. */
static void test_empty(void **state)
{
	static const char *const options[] = { "--initrd=", "--ramdisk=", "--dtb=",
					       "--svg=",    "--capture=", "--sysroot=",
					       "--all=",    "--module=",  "--audit-efi=" };

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		char expected[80];

		snprintf(expected, sizeof(expected), "%s: the name of a file is missing",
			 options[i]);
		assert_string_equal(REFUSED("-l", "K", (char *)options[i]), expected);
	}
	assert_string_equal(REFUSED("-l", "K", "--initrd", ""),
			    "--initrd=: the name of a file is missing");
	assert_string_equal(REFUSED("-l", ""), "KERNEL is an empty word");
	assert_string_equal(REFUSED("-l"), "no kernel named");
	assert_int_equal(PARSE("-e", "").action, ACTION_EXEC);
	assert_string_equal(PARSE("-l", "K", "--append=").append, "");
}

/* Each task has its heading once, above the options that belong to it. */
static void test_headings(void **state)
{
	static const struct {
		const char *heading, *first, *last;
	} groups[] = {
		{ "Loading, starting, unloading:", "-l, --load", "-p, --load-panic" },
		{ "Looking at this machine:", "    --print-ckr-size", "    --list-entries" },
		{ "Crash kernels:", "    --hotplug", "    --backup=auto|always|never" },
		{ "Looking at a load before it is made:", "    --dry-run", "    --svg=FILE" },
		{ "What is loaded:", "    --boot-entry[=NAME]", "    --uki-profile=N" },
		{ "By which loader, and where to:", "-c, --kexec-syscall", "    --noefi" },
		{ "Verification and speed:", "-i, --no-checks", "    --on-corruption=reset|halt" },
		{ "Where the purgatory speaks:", "    --console-serial", "    --reset-vga" },
		{ "Starting:", "-x, --no-ifdown", "-y, --no-sync" },
		{ "Captured machines:", "    --capture=FILE.tar", "    --sysroot=DIR|FILE" },
		{ "Audit of the EFI stub:", "    --audit-efi[=LOG]",
		  "    --decompressed-size=SIZE" },
		{ "Others:", "    --verbose", "-h, --help" },
		{ "Of kexec-tools, without an effect:", "    --dt-no-old-root",
		  "    --reuse-video-type" },
	};
	enum { NR_GROUPS = sizeof(groups) / sizeof(groups[0]) };
	char *text, *line, *rest;
	size_t size, found = 0;
	FILE *to = open_memstream(&text, &size);

	(void)state;
	assert_non_null(to);
	cli_usage(to);
	fclose(to);
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		const char *next, *last;

		/* The paragraphs above and below are no headings. */
		if (strchr(line, ' ') == line || !*line || line[strlen(line) - 1] != ':')
			continue;
		assert_true(found < NR_GROUPS);
		assert_string_equal(line, groups[found].heading);
		next = strsep(&rest, "\n");
		assert_memory_equal(next + 2, groups[found].first, strlen(groups[found].first));
		for (last = next; *next; next = strsep(&rest, "\n"))
			if (!strncmp(next, "  -", 3) || !strncmp(next, "      --", 8))
				last = next;
		assert_memory_equal(last + 2, groups[found].last, strlen(groups[found].last));
		found++;
	}
	assert_int_equal(found, NR_GROUPS);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_abbreviations), cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_words),	      cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_actions),	      cmocka_unit_test(test_empty),
		cmocka_unit_test(test_headings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
