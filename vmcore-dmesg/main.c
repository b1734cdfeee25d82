/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vmcore-dmesg: the log of a crashed kernel, out of its vmcore. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kexec/core/printk_log.h"
#include "kexec/lib/advice.h"
#include "kexec/sys/ops.h"
#include "kexec/sys/output.h"

#define NSEC_PER_SEC  1000000000
#define NSEC_PER_USEC 1000

/* As kexec-tools' program; every other failure is 1. */
enum { EXIT_NOT_OPENED = 2 };

static const char usage[] =
	"usage: vmcore-dmesg [--json] VMCORE\n"
	"Prints the log of the crashed kernel: /proc/vmcore, or a copy of it.\n"
	"  --json   one object for each record, with level, facility and caller\n"
	"  --help, --version\n";

static int read_file(void *context, uint64_t offset, void *to, size_t size, struct err *err)
{
	uint8_t *next = to;

	while (size) {
		ssize_t got = pread(*(int *)context, next, size, (off_t)offset);

		if (got < 0)
			return err_set_errno(err, errno, "%zu bytes at offset 0x%llx", size,
					     (unsigned long long)offset);
		if (!got)
			return err_set(err, ERR_INPUT, "the file ends at or before offset 0x%llx",
				       (unsigned long long)offset);
		next += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return 0;
}

static void print_text(struct bytes text)
{
	size_t printed = 0;

	for (size_t i = 0; i < text.size; i++) {
		if (isprint(text.data[i]) || isspace(text.data[i]))
			continue;
		fwrite(text.data + printed, 1, i - printed, stdout);
		printf("\\x%02x", text.data[i]);
		printed = i + 1;
	}
	if (printed < text.size)
		fwrite(text.data + printed, 1, text.size - printed, stdout);
	putchar('\n');
}

static int print_record(void *context, const struct printk_record *record, struct err *err)
{
	(void)context;
	if (!record->is_bare)
		printf("[%5llu.%06llu] ", (unsigned long long)record->ts_nsec / NSEC_PER_SEC,
		       (unsigned long long)record->ts_nsec % NSEC_PER_SEC / NSEC_PER_USEC);
	print_text(record->text);
	return ferror(stdout) ? output_end(stdout, err) : 0;
}

/* JSON is UTF-8: what is not ASCII is told as its bytes. */
static json_object *json_text(struct bytes text)
{
	struct buf escaped CLEANUP(buf_done) = { 0 };
	struct err ignored;
	char piece[8];

	for (size_t i = 0; i < text.size; i++) {
		bool ascii = text.data[i] < 0x80;
		int size = snprintf(piece, sizeof(piece), ascii ? "%c" : "\\x%02x", text.data[i]);

		if (buf_append(&escaped, piece, (size_t)size, &ignored))
			return NULL;
	}
	return json_object_new_string_len(escaped.data ? (const char *)escaped.data : "",
					  (int)escaped.size);
}

static int print_json(void *context, const struct printk_record *record, struct err *err)
{
	json_object *object = json_object_new_object();

	(void)context;
	if (!object)
		return err_no_memory(err);
	if (!record->is_bare) {
		json_object_object_add(object, "seq", json_object_new_uint64(record->seq));
		json_object_object_add(object, "ts_nsec", json_object_new_uint64(record->ts_nsec));
		json_object_object_add(object, "level", json_object_new_int(record->level));
		json_object_object_add(object, "facility", json_object_new_int(record->facility));
		json_object_object_add(object, "caller", json_object_new_uint64(record->caller));
	}
	json_object_object_add(object, "text", json_text(record->text));
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
	return ferror(stdout) ? output_end(stdout, err) : 0;
}

static int print_log(int fd, const char *path, printk_sink *sink, uint64_t *ret_skipped,
		     struct err *err)
{
	struct vmcore vmcore CLEANUP(vmcore_done) = { 0 };
	int result;
	struct vmcore_file file = { &fd, read_file };

	/* What is in it is not trusted. */
	ops_keep_only(&ops_real, PRIVILEGES_TO_LOAD);
	result = vmcore_open(&file, &vmcore, err) ||
		 printk_log_walk(&vmcore, sink, NULL, ret_skipped, err);
	return result ? err_prefix(err, "%s", path) : 0;
}

/* The exit status: what was not written is lost. */
static int said(void)
{
	struct err err;

	if (!output_end(stdout, &err))
		return 0;
	advice_print(stderr, "vmcore-dmesg", &err);
	return 1;
}

int main(int argc, char *argv[])
{
	bool json = argc > 1 && !strcmp(argv[1], "--json");
	uint64_t skipped = 0;
	struct err err = { 0 };
	int fd;

	output_hold_descriptors();
	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		fputs(usage, stdout);
		return said();
	}
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("vmcore-dmesg (safekexec) " PACKAGE_VERSION);
		return said();
	}
	if (argc != 2 + json || argv[1 + json][0] == '-') {
		fputs(usage, stderr);
		return 1;
	}
	fd = open(argv[1 + json], O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err_set_errno(&err, errno, "%s", argv[1 + json]);
		advice_print(stderr, "vmcore-dmesg", &err);
		return EXIT_NOT_OPENED;
	}
	if (print_log(fd, argv[1 + json], json ? print_json : print_record, &skipped, &err)) {
		advice_print(stderr, "vmcore-dmesg", &err);
		return 1;
	}
	if (said())
		return 1;
	if (skipped) {
		fprintf(stderr, "vmcore-dmesg: %s: %llu records are damaged and were left out\n",
			argv[1 + json], (unsigned long long)skipped);
		return 1;
	}
	return 0;
}
