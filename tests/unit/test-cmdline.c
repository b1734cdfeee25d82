/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kexec/core/cmdline.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void composing(void **state)
{
	static const struct {
		const char *reuse, *append;
		bool crash;
		const char *line;
	} rows[] = {
		{ NULL, NULL, false, "" },
		{ "", "", false, "" },
		{ "\n", NULL, false, "" },
		{ NULL, "root=/dev/sda1 ro", false, "root=/dev/sda1 ro" },
		{ "root=/dev/sda1 ro\n", NULL, false, "root=/dev/sda1 ro" },
		{ "root=/dev/sda1\n", "quiet", false, "root=/dev/sda1 quiet" },
		{ "root=/dev/sda1\n", "", false, "root=/dev/sda1" },
		{ " \t root=/dev/sda1 \t ro  \n", "quiet", false, "root=/dev/sda1 ro quiet" },
		/* What follows the first line is no part of it. */
		{ "ro\nquiet\n", "x", false, "ro x" },
		{ "\nquiet\n", NULL, false, "" },
		/* append is the user's own, blanks and all. */
		{ NULL, " a  b ", false, " a  b " },
		{ "ro", " a  b ", false, "ro  a  b " },
		{ "BOOT_IMAGE=/boot/vmlinuz root=/dev/sda1\n", NULL, false, "root=/dev/sda1" },
		{ "a BOOT_IMAGE=(hd0,gpt2)/vmlinuz-6.1 b", NULL, false, "a b" },
		{ "BOOT_IMAGE BOOT_IMAGE_2=x \"BOOT_IMAGE=a b\" MY_BOOT_IMAGE=1", NULL, false,
		  "MY_BOOT_IMAGE=1" },
		{ "BOOT_IMAGE=\"/boot/my kernel\" ro", NULL, false, "ro" },
		{ "BOOT_IMAGE=/vmlinuz", "quiet", false, "quiet" },
		{ NULL, "BOOT_IMAGE=x crashkernel=1M", true,
		  "BOOT_IMAGE=x crashkernel=1M acpi_no_memhotplug" },
		/* A crash kernel reserves no memory for another one, and takes none that ACPI names. */
		{ NULL, NULL, true, "acpi_no_memhotplug" },
		{ NULL, "acpi_no_memhotplug nr_cpus=1", true, "acpi_no_memhotplug nr_cpus=1" },
		{ "ro -- single", "a", true, "ro acpi_no_memhotplug -- single a" },
		{ "ro crashkernel=256M quiet", NULL, false, "ro crashkernel=256M quiet" },
		{ "ro crashkernel=256M,high quiet crashkernel=64M,low", "nr_cpus=1", true,
		  "ro quiet nr_cpus=1 acpi_no_memhotplug" },
		{ "foo.crashkernel=1 crashkernel=1G crashkernel_extra=1", NULL, true,
		  "foo.crashkernel=1 crashkernel_extra=1 acpi_no_memhotplug" },
		{ "crashkernel x=crashkernel=1", NULL, true, "x=crashkernel=1 acpi_no_memhotplug" },
		/* Quotes hold words together. */
		{ "dyndbg=\"file a.c +p  crashkernel=1 ; x\" ro", NULL, true,
		  "dyndbg=\"file a.c +p  crashkernel=1 ; x\" ro acpi_no_memhotplug" },
		{ "a \"b  c", NULL, false, "a \"b  c" },
		{ "ro -- single  user", NULL, false, "ro -- single user" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct err err;
		char *line = NULL;

		assert_int_equal(
			cmdline_compose(rows[i].reuse, rows[i].append, rows[i].crash, &line, &err),
			0);
		assert_string_equal(line, rows[i].line);
		free(line);
	}
}

static void words_are_added_where_the_kernel_reads_them(void **state)
{
	static const char *const rows[][2] = {
		{ "", "x=1 y" },
		{ "ro", "ro x=1 y" },
		{ "ro  ", "ro   x=1 y" },
		{ "ro -- single", "ro x=1 y -- single" },
		{ "-- single", "x=1 y -- single" },
		{ "ro \"--\" single", "ro x=1 y \"--\" single" },
		{ "ro --=1 a--", "ro --=1 a-- x=1 y" },
		{ "a=\"b -- c\"", "a=\"b -- c\" x=1 y" },
		{ "a -- b -- c", "a x=1 y -- b -- c" },
		{ "a b=\"c d", "a x=1 y b=\"c d" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		char *line = NULL;
		struct err err;

		assert_int_equal(cmdline_add(rows[i][0], "x=1 y", &line, &err), 0);
		assert_string_equal(line, rows[i][1]);
		free(line);
	}
}

static void a_newline_in_append_is_refused(void **state)
{
	char untouched[] = "untouched", *line = untouched;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(cmdline_compose("ro\n", "root=/dev/sda\nquiet\n", false, &line, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_string_equal(err.text, "the command line has a newline at offset 13: a kernel's is "
				      "one line");
	assert_ptr_equal(line, untouched);
	assert_int_equal(cmdline_compose(NULL, "\n", false, &line, &err), -1);
	assert_non_null(strstr(err.text, "at offset 0:"));
}

static void getting_a_value(void **state)
{
	static const struct {
		const char *line, *name, *value; /* value NULL: absent */
	} rows[] = {
		{ "", "a", NULL },
		{ "  ", "a", NULL },
		{ "a", "a", "" },
		{ "a=", "a", "" },
		{ "a=1", "a", "1" },
		{ "a=1 b=2 a=3", "a", "3" },
		{ "a=1 b=2 a", "a", "" },
		{ "a=1\tb=2\nc=3\n", "b", "2" },
		{ "a=1\tb=2\nc=3\n", "c", "3" },
		{ "aa=1 a.a=2", "a", NULL },
		{ "A=1", "a", NULL },
		{ "a=b=c", "a", "b=c" },
		{ "x=\"a=1 b\" c", "a", NULL },
		{ "x=\"a=1 b\" c", "x", "a=1 b" },
		{ "x=\"a=1 b\" c", "c", "" },
		{ "\"x=a b\" c", "x", "a b" },
		{ "\"x\"", "x", "" },
		{ "x=a\"b c\"d", "x", "a\"b c\"d" },
		{ "x=a\"b c\"", "x", "a\"b c\"" },
		{ "x=\"a b", "x", "a b" },
		{ "x=\"", "x", "" },
		{ "x=\"\"", "x", "" },
		{ "\"", "x", NULL },
		{ "\"\"", "", "" },
		{ "=1", "", NULL },
		{ "=1=2", "=1", "2" },
		{ "a=1\r", "a", "1\r" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		static const uint8_t none[] = "none";
		struct bytes value = { none, 4 };
		bool found = cmdline_get(rows[i].line, rows[i].name, &value);
		const char *expected = rows[i].value ? rows[i].value : "none";

		if (found != (rows[i].value != NULL) || value.size != strlen(expected) ||
		    memcmp(value.data, expected, value.size) != 0)
			fail_msg("\"%s\" of \"%s\" is \"%.*s\"", rows[i].name, rows[i].line,
				 (int)value.size, (const char *)value.data);
	}
}

static void serial_consoles(void **state)
{
	static const struct {
		const char *line;
		uint16_t port; /* 0: none */
		uint32_t baud;
	} rows[] = {
		{ "", 0, 0 },
		{ "console=tty0 quiet", 0, 0 },
		{ "console", 0, 0 },
		{ "console=", 0, 0 },
		{ "console=ttyS0", 0x3f8, 0 },
		{ "console=ttyS0,115200n8", 0x3f8, 115200 },
		{ "console=ttyS1,9600", 0x2f8, 9600 },
		{ "console=ttyS2,38400n8r", 0x3e8, 38400 },
		{ "console=ttyS3", 0x2e8, 0 },
		{ "console=ttyS4", 0, 0 },
		{ "console=ttyS", 0, 0 },
		{ "console=ttyS10", 0, 0 },
		{ "console=ttyS/", 0, 0 },
		{ "console=ttyUSB0,115200", 0, 0 },
		{ "console=hvc0 console=tty0 console=ttyS1 console=ttyS0", 0x2f8, 0 },
		{ "xconsole=ttyS0", 0, 0 },
		{ "console=0x3f8", 0, 0 },
		{ "console=uart8250,io,0x2f8,57600n8", 0x2f8, 57600 },
		{ "console=uart,io,0x3e8", 0x3e8, 0 },
		{ "console=uart8250,mmio32,0xfe030000,115200", 0, 0 },
		{ "console=uart8250,io", 0, 0 },
		{ "console=uart8250,io,0x0", 0, 0 },
		{ "console=uart8250,io,0x10000", 0, 0 },
		{ "console=uart8250,io,0xffff", 0xffff, 0 },
		{ "console=uart8250,io,3f8", 0, 0 },
		{ "earlyprintk", 0, 0 },
		{ "earlyprintk=vga", 0, 0 },
		{ "earlyprintk=serial", 0x3f8, 0 },
		{ "earlyprintk=serial,keep", 0x3f8, 0 },
		{ "earlyprintk=serial,ttyS1,115200,keep", 0x2f8, 115200 },
		{ "earlyprintk=serial,0x3e8,19200", 0x3e8, 19200 },
		{ "earlyprintk=ttyS0,keep", 0x3f8, 0 },
		{ "earlyprintk=pciserial,00:18.0,115200", 0, 0 },
		{ "earlyprintk=efi,keep console=ttyS0,115200", 0x3f8, 115200 },
		{ "console=ttyS0,0", 0x3f8, 0 },
		{ "console=ttyS0,115201", 0x3f8, 0 },
		{ "console=ttyS0,99999999999999999999999", 0x3f8, 0 },
		{ "foo=\"console=ttyS0 x\"", 0, 0 },
		{ "console=\"ttyS1,300\"", 0x2f8, 300 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		uint16_t port = 0;
		uint32_t baud = 7;
		bool found = cmdline_serial_console(rows[i].line, &port, &baud);

		if (found != (rows[i].port != 0) || port != rows[i].port ||
		    baud != (found ? rows[i].baud : 7))
			fail_msg("\"%s\" gives 0x%x at %u baud", rows[i].line, port, baud);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(composing),
		cmocka_unit_test(words_are_added_where_the_kernel_reads_them),
		cmocka_unit_test(a_newline_in_append_is_refused),
		cmocka_unit_test(getting_a_value),
		cmocka_unit_test(serial_consoles),
	};

	return cmocka_run_group_tests_name("cmdline", tests, NULL, NULL);
}
