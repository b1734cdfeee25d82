/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What include/libkexec.h promises, over what the command uses, too. */
#include "libkexec.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kexec/lib/advice.h"
#include "kexec/lib/machine.h"
#include "kexec/lib/report.h"
#include "kexec/lib/session.h"
#include "kexec/sys/fd.h"
#include "kexec/sys/gather.h"

_Static_assert((int)ERR_USAGE == (int)KEXEC_ERROR_USAGE &&
		       (int)ERR_INPUT == (int)KEXEC_ERROR_INPUT &&
		       (int)ERR_DAMAGED == (int)KEXEC_ERROR_DAMAGED &&
		       (int)ERR_NO_FIT == (int)KEXEC_ERROR_NO_FIT &&
		       (int)ERR_SYSTEM == (int)KEXEC_ERROR_SYSTEM &&
		       (int)ERR_REFUSED == (int)KEXEC_ERROR_REFUSED &&
		       (int)ERR_NO_MEMORY == (int)KEXEC_ERROR_NO_MEMORY &&
		       (int)ERR_INTERNAL == (int)KEXEC_ERROR_INTERNAL,
	       "codes are handed on");
_Static_assert((int)METHOD_AUTO == (int)KEXEC_LOADER_AUTO &&
		       (int)METHOD_LOAD == (int)KEXEC_LOADER_OWN &&
		       (int)METHOD_FILE_LOAD == (int)KEXEC_LOADER_KERNEL,
	       "loaders are handed on");
_Static_assert((int)LOAD_DIRECT_NEVER == (int)KEXEC_DIRECT_NEVER &&
		       (int)LOAD_DIRECT_ASKED == (int)KEXEC_DIRECT_ASKED &&
		       (int)LOAD_DIRECT_IF_POSSIBLE == (int)KEXEC_DIRECT_IF_POSSIBLE,
	       "likewise");
_Static_assert((int)LOAD_SPARES_AUTO == (int)KEXEC_SPARES_AUTO &&
		       (int)LOAD_SPARES_ALWAYS == (int)KEXEC_SPARES_ALWAYS &&
		       (int)LOAD_SPARES_NEVER == (int)KEXEC_SPARES_NEVER,
	       "likewise");

const char *kexec_version(void)
{
	return PACKAGE_VERSION;
}

/* --- the caller's locale ------------------------------------------------- */

/* Of this thread alone, and only while it is in the library. */
struct c_locale {
	locale_t own, before;
};

static struct c_locale c_locale_enter(void)
{
	locale_t own = newlocale(LC_ALL_MASK, "C", (locale_t)0);

	return (struct c_locale){ own, uselocale(own) };
}

static void c_locale_leave(struct c_locale *locale)
{
	uselocale(locale->before);
	if (locale->own)
		freelocale(locale->own);
}

#define IN_C_LOCALE                                                                   \
	__attribute__((unused)) struct c_locale in_c_locale CLEANUP(c_locale_leave) = \
		c_locale_enter()

/* --- errors -------------------------------------------------------------- */

struct kexec_error {
	struct err err;
};

/* Where there is no memory for another. */
static const struct kexec_error no_memory = {
	.err = { .code = ERR_NO_MEMORY, .text = "out of memory" },
};

/* Returns -1. */
static int give(const struct err *err, struct kexec_error **ret_error)
{
	struct kexec_error *error;

	if (!ret_error)
		return -1;
	error = malloc(sizeof(*error));
	if (error)
		error->err = *err;
	*ret_error = error ? error : (struct kexec_error *)&no_memory;
	return -1;
}

int kexec_error_code(const struct kexec_error *error)
{
	return (int)error->err.code;
}

int kexec_error_errno(const struct kexec_error *error)
{
	return error->err.sys_errno;
}

const char *kexec_error_text(const struct kexec_error *error)
{
	return error->err.text;
}

const char *kexec_error_advice(const struct kexec_error *error)
{
	return advice_for(&error->err);
}

void kexec_error_free(struct kexec_error *error)
{
	if (error != &no_memory)
		free(error);
}

static const char *one_of(const struct warnings *warnings, size_t index)
{
	return index < warnings->count ? warnings->text[index] : NULL;
}

/* --- machines ------------------------------------------------------------ */

static int open_machine(const char *path, const struct ops *ops, struct kexec_machine **ret,
			struct kexec_error **ret_error)
{
	IN_C_LOCALE;
	struct kexec_machine *machine = calloc(1, sizeof(*machine));
	struct err err;

	if (!machine) {
		err_no_memory(&err);
		return give(&err, ret_error);
	}
	if (root_open(path, &machine->root, &err)) {
		free(machine);
		return give(&err, ret_error);
	}
	machine->ops = ops;
	machine->references = 1;
	*ret = machine;
	return 0;
}

int kexec_machine_open_live(struct kexec_machine **ret, struct kexec_error **ret_error)
{
	return open_machine(NULL, &ops_real, ret, ret_error);
}

int kexec_machine_open(const char *path, struct kexec_machine **ret, struct kexec_error **ret_error)
{
	struct err err;

	if (path)
		return open_machine(path, NULL, ret, ret_error);
	err_set(&err, ERR_USAGE, "no directory or capture is named");
	return give(&err, ret_error);
}

void kexec_machine_free(struct kexec_machine *machine)
{
	if (!machine || atomic_fetch_sub(&machine->references, 1) != 1)
		return;
	root_close(&machine->root);
	free(machine);
}

int kexec_machine_loaded(const struct kexec_machine *machine, int crash, int *ret,
			 struct kexec_error **ret_error)
{
	IN_C_LOCALE;
	struct err err;
	bool loaded;

	if (gather_loaded(&machine->root, crash, &loaded, &err))
		return give(&err, ret_error);
	*ret = loaded;
	return 0;
}

/* --- captures ------------------------------------------------------------ */

struct kexec_capture {
	struct capture capture;
	struct warnings warnings;
};

int kexec_capture_new(const struct kexec_machine *machine, unsigned int flags,
		      struct kexec_capture **ret, struct kexec_error **ret_error)
{
	IN_C_LOCALE;
	struct root root = machine->root;
	struct kexec_capture *made;
	struct err err;

	if (flags & ~(unsigned int)KEXEC_CAPTURE_CMDLINE) {
		err_set(&err, ERR_USAGE, "flags 0x%x of a capture are not known", flags);
		return give(&err, ret_error);
	}
	made = calloc(1, sizeof(*made));
	if (!made) {
		err_no_memory(&err);
		return give(&err, ret_error);
	}
	made->capture.takes_cmdline = flags & KEXEC_CAPTURE_CMDLINE;
	root.record = &made->capture;
	gather_capture(&root, &made->warnings);
	*ret = made;
	return 0;
}

size_t kexec_capture_warnings(const struct kexec_capture *capture)
{
	return capture->warnings.count;
}

const char *kexec_capture_warning(const struct kexec_capture *capture, size_t index)
{
	return one_of(&capture->warnings, index);
}

int kexec_capture_write(struct kexec_capture *capture, int fd, struct kexec_error **ret_error)
{
	IN_C_LOCALE;
	struct buf archive CLEANUP(buf_done) = { 0 };
	struct err err;

	if (capture_to_memory(&capture->capture, &archive, &err))
		return give(&err, ret_error);
	if (fd_write(fd, buf_bytes(&archive))) {
		err_set_errno(&err, errno, "write");
		return give(&err, ret_error);
	}
	return 0;
}

void kexec_capture_free(struct kexec_capture *capture)
{
	if (!capture)
		return;
	capture_done(&capture->capture);
	warnings_done(&capture->warnings);
	free(capture);
}

/* --- requests ------------------------------------------------------------ */

/* Strings and descriptors in `request` are those of the other members. */
struct kexec_request {
	struct request request;
	struct input kernel, initrd[REQUEST_INITRDS_MAX];
	char *cmdline;
};

static void release(struct input *input)
{
	input_done(input);
	free((char *)input->path);
}

void kexec_request_free(struct kexec_request *request)
{
	if (!request)
		return;
	release(&request->kernel);
	for (size_t i = 0; i < request->request.nr_initrds; i++)
		release(&request->initrd[i]);
	free(request->cmdline);
	free(request);
}

static struct kexec_request *new_request(struct err *err)
{
	struct kexec_request *request = calloc(1, sizeof(*request));

	if (!request) {
		err_no_memory(err);
		return NULL;
	}
	request->request = (struct request){
		.action = ACTION_LOAD,
		.json = true,
		.mem_max = PHYS_LIMIT,
		.hashes = PURGATORY_HASH_ALL,
		.files = REQUEST_FILES_COPIED,
	};
	request->kernel.fd = -1;
	return request;
}

int kexec_request_new(struct kexec_request **ret, struct kexec_error **ret_error)
{
	struct err err;
	struct kexec_request *request = new_request(&err);

	if (!request)
		return give(&err, ret_error);
	*ret = request;
	return 0;
}

/* What an open file is called: its path, if it has one that others may find. */
static char *name_of(int fd, const char *otherwise)
{
	char link[32], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	path[length < 0 ? 0 : length] = '\0';
	return strdup(*path == '/' && strncmp(path, "/memfd:", 7) ? path : otherwise);
}

/* `what` is its name if it has no path. */
static int take(int fd, const char *what, struct input *ret, struct err *err)
{
	char *name = name_of(fd, what);

	if (!name)
		return err_no_memory(err);
	if (input_duplicate(fd, name, ret, err)) {
		free(name);
		return -1;
	}
	return 0;
}

static int take_bytes(const void *data, size_t size, struct input *ret, struct err *err)
{
	static const char what[] = "memory";
	struct input input CLEANUP(input_done) = { .fd = -1 };

	if (!size)
		return err_set(err, ERR_INPUT, "%s: the file is empty", what);
	if (input_in_memory(what, (struct bytes){ (const uint8_t *)data, size }, &input, err))
		return -1;
	return take(input.fd, what, ret, err);
}

static int set_kernel(struct kexec_request *request, int fd, const void *data, size_t size,
		      struct kexec_error **ret_error)
{
	IN_C_LOCALE;
	struct input input;
	struct err err;

	if (data ? take_bytes(data, size, &input, &err) : take(fd, "descriptor", &input, &err)) {
		err_prefix(&err, "kernel");
		return give(&err, ret_error);
	}
	release(&request->kernel);
	request->kernel = input;
	request->request.kernel = input.path;
	request->request.kernel_fd = input.fd;
	return 0;
}

static int add_initrd(struct kexec_request *request, int fd, const void *data, size_t size,
		      struct kexec_error **ret_error)
{
	IN_C_LOCALE;
	struct request *inner = &request->request;
	struct input input;
	struct err err;

	if (inner->nr_initrds == REQUEST_INITRDS_MAX) {
		err_set(&err, ERR_USAGE, "more than %d initrds", REQUEST_INITRDS_MAX);
		return give(&err, ret_error);
	}
	if (data ? take_bytes(data, size, &input, &err) : take(fd, "descriptor", &input, &err)) {
		err_prefix(&err, "initrd");
		return give(&err, ret_error);
	}
	request->initrd[inner->nr_initrds] = input;
	inner->initrd[inner->nr_initrds] = input.path;
	inner->initrd_fd[inner->nr_initrds++] = input.fd;
	return 0;
}

int kexec_request_set_kernel_fd(struct kexec_request *request, int fd,
				struct kexec_error **ret_error)
{
	return set_kernel(request, fd, NULL, 0, ret_error);
}

int kexec_request_set_kernel(struct kexec_request *request, const void *data, size_t size,
			     struct kexec_error **ret_error)
{
	return set_kernel(request, -1, data, size, ret_error);
}

int kexec_request_add_initrd_fd(struct kexec_request *request, int fd,
				struct kexec_error **ret_error)
{
	return add_initrd(request, fd, NULL, 0, ret_error);
}

int kexec_request_add_initrd(struct kexec_request *request, const void *data, size_t size,
			     struct kexec_error **ret_error)
{
	return add_initrd(request, -1, data, size, ret_error);
}

static int copy_cmdline(struct kexec_request *request, const char *cmdline, struct err *err)
{
	char *copy = cmdline ? strdup(cmdline) : NULL;

	if (cmdline && !copy)
		return err_no_memory(err);
	free(request->cmdline);
	request->cmdline = copy;
	request->request.append = copy;
	return 0;
}

int kexec_request_set_cmdline(struct kexec_request *request, const char *cmdline,
			      struct kexec_error **ret_error)
{
	struct err err;

	return copy_cmdline(request, cmdline, &err) ? give(&err, ret_error) : 0;
}

enum { SERIAL_BASE_BAUD = 115200 };

/* False if it takes no such value, or is none that is known. */
static bool set_option(struct request *request, enum kexec_option option, uint64_t value,
		       bool *ret_known)
{
	bool is_boolean = value <= 1;

	*ret_known = true;
	switch (option) {
	case KEXEC_OPTION_LOADER:
		request->method = (enum method)value;
		return value <= KEXEC_LOADER_KERNEL;
	case KEXEC_OPTION_CRASH:
		request->crash = value;
		return is_boolean;
	case KEXEC_OPTION_NO_CHECKS:
		request->no_checks = value;
		return is_boolean;
	case KEXEC_OPTION_MEM_MIN:
		request->mem_min = value;
		return value < PHYS_LIMIT;
	case KEXEC_OPTION_MEM_MAX:
		request->mem_max = value;
		return value <= PHYS_LIMIT;
	case KEXEC_OPTION_DIRECT:
		request->direct = (enum load_direct)value;
		return value <= KEXEC_DIRECT_IF_POSSIBLE;
	case KEXEC_OPTION_UNPACK_INITRD:
		request->unpack_initrd = value;
		return is_boolean;
	case KEXEC_OPTION_NO_EFI:
		request->no_efi = value;
		return is_boolean;
	case KEXEC_OPTION_ENTRY_32BIT:
		request->entry_32bit = value;
		return is_boolean;
	case KEXEC_OPTION_UKI_PROFILE:
		request->uki_profile = (unsigned int)value;
		return value < UKI_SECTIONS_MAX;
	case KEXEC_OPTION_HOTPLUG:
		request->hotplug = value;
		return is_boolean;
	case KEXEC_OPTION_SPARES:
		request->spares = (enum load_spares)value;
		return value <= KEXEC_SPARES_NEVER;
	case KEXEC_OPTION_SERIAL_PORT:
		request->console.port = (uint16_t)value;
		request->port_given = value;
		return value <= UINT16_MAX;
	case KEXEC_OPTION_SERIAL_BAUD:
		request->console.baud = (uint32_t)value;
		return !value || (value <= SERIAL_BASE_BAUD && SERIAL_BASE_BAUD % value == 0);
	case KEXEC_OPTION_HALT_ON_CORRUPTION:
		request->on_corruption = value ? ON_CORRUPTION_HALT : ON_CORRUPTION_RESET;
		return is_boolean;
	}
	*ret_known = false;
	return false;
}

int kexec_request_set(struct kexec_request *request, enum kexec_option option, uint64_t value,
		      struct kexec_error **ret_error)
{
	struct request changed = request->request;
	struct err err;
	bool is_known;

	if (!set_option(&changed, option, value, &is_known)) {
		if (is_known)
			err_set(&err, ERR_USAGE, "option %u of a request does not take %llu",
				(unsigned int)option, (unsigned long long)value);
		else
			err_set(&err, ERR_USAGE, "option %u of a request is not known",
				(unsigned int)option);
		return give(&err, ret_error);
	}
	request->request = changed;
	return 0;
}

static int copy_input(const struct input *from, struct input *ret, struct err *err)
{
	char *name = strdup(from->path);

	if (!name)
		return err_no_memory(err);
	if (input_duplicate(from->fd, name, ret, err)) {
		free(name);
		return -1;
	}
	return 0;
}

/* As it is now, with descriptors and strings of its own; NULL with err. */
static struct kexec_request *copy_request(const struct kexec_request *from, struct err *err)
{
	struct kexec_request *to = new_request(err);

	if (!to)
		return NULL;
	to->request = from->request;
	to->request.nr_initrds = 0;
	if (copy_input(&from->kernel, &to->kernel, err) || copy_cmdline(to, from->cmdline, err))
		goto failed;
	to->request.kernel = to->kernel.path;
	to->request.kernel_fd = to->kernel.fd;
	for (size_t i = 0; i < from->request.nr_initrds; i++) {
		if (copy_input(&from->initrd[i], &to->initrd[i], err))
			goto failed;
		to->request.initrd[i] = to->initrd[i].path;
		to->request.initrd_fd[i] = to->initrd[i].fd;
		to->request.nr_initrds++;
	}
	return to;
failed:
	kexec_request_free(to);
	return NULL;
}

/* --- plans --------------------------------------------------------------- */

struct kexec_plan {
	struct kexec_machine *machine;
	struct kexec_request *request;
	struct session session;
	struct warnings warnings;
	bool submitted;
	unsigned int order[PLAN_ITEMS_MAX];
};

void kexec_plan_free(struct kexec_plan *plan)
{
	if (!plan)
		return;
	session_done(&plan->session);
	warnings_done(&plan->warnings);
	kexec_request_free(plan->request);
	kexec_machine_free(plan->machine);
	free(plan);
}

static int check_request(const struct kexec_machine *machine, const struct kexec_request *request,
			 int purpose, struct err *err)
{
	if (purpose != KEXEC_PLAN_SHOW && purpose != KEXEC_PLAN_LOAD)
		return err_set(err, ERR_USAGE, "a plan has no purpose %d", purpose);
	if (!request->request.kernel)
		return err_set(err, ERR_USAGE, "the request has no kernel");
	if (purpose == KEXEC_PLAN_LOAD && !machine->ops)
		return err_set(err, ERR_USAGE,
			       "nothing can be loaded on another machine than the running one");
	if (!request->request.crash &&
	    (request->request.hotplug || request->request.spares != LOAD_SPARES_AUTO))
		return err_set(err, ERR_USAGE,
			       "the options for hotplug and spare copies are of crash kernels");
	if (request->request.no_checks && request->request.spares == LOAD_SPARES_ALWAYS)
		return err_set(err, ERR_USAGE,
			       "spare copies without checks: damage that nobody looks for is not "
			       "repaired");
	return 0;
}

static int make_plan(const struct kexec_machine *machine, const struct kexec_request *request,
		     int purpose, struct kexec_plan *plan, struct err *err)
{
	struct surroundings around;

	plan->request = copy_request(request, err);
	if (!plan->request)
		return -1;
	/* The count is the one thing about a machine that changes. */
	plan->machine = (struct kexec_machine *)machine;
	atomic_fetch_add(&plan->machine->references, 1);
	around = (struct surroundings){
		.ops = machine->ops,
		.root = machine->root,
		.warnings = &plan->warnings,
	};
	plan->request->request.dry_run = purpose == KEXEC_PLAN_SHOW;
	if (session_begin(&plan->session, &plan->request->request, &around, err))
		return -1;
	return plan->request->request.dry_run ? session_load(&plan->session, err)
					      : session_plan(&plan->session, err);
}

int kexec_plan_new(const struct kexec_machine *machine, const struct kexec_request *request,
		   int purpose, struct kexec_plan **ret, struct kexec_error **ret_error)
{
	IN_C_LOCALE;
	struct kexec_plan *plan;
	struct err err;

	if (check_request(machine, request, purpose, &err))
		return give(&err, ret_error);
	plan = calloc(1, sizeof(*plan));
	if (!plan) {
		err_no_memory(&err);
		return give(&err, ret_error);
	}
	session_init(&plan->session);
	if (make_plan(machine, request, purpose, plan, &err)) {
		kexec_plan_free(plan);
		return give(&err, ret_error);
	}
	plan_sorted(&plan->session.load.plan, plan->order);
	*ret = plan;
	return 0;
}

static bool is_ours(const struct kexec_plan *plan)
{
	return plan->session.load.plan.nr_items;
}

int kexec_plan_loader(const struct kexec_plan *plan)
{
	return (int)plan->session.method;
}

const char *kexec_plan_loader_reason(const struct kexec_plan *plan)
{
	return plan->session.method_reason;
}

int kexec_plan_complete(const struct kexec_plan *plan)
{
	return !plan->session.unread.count;
}

size_t kexec_plan_segments(const struct kexec_plan *plan)
{
	return plan->session.load.plan.nr_items;
}

static const struct plan_item *segment(const struct kexec_plan *plan, size_t index)
{
	const struct plan *inner = &plan->session.load.plan;

	return index < inner->nr_items ? &inner->item[plan->order[index]] : NULL;
}

const char *kexec_plan_segment_name(const struct kexec_plan *plan, size_t index)
{
	return segment(plan, index) ? segment(plan, index)->name : NULL;
}

const char *kexec_plan_segment_purpose(const struct kexec_plan *plan, size_t index)
{
	return segment(plan, index) ? segment(plan, index)->purpose : NULL;
}

uint64_t kexec_plan_segment_address(const struct kexec_plan *plan, size_t index)
{
	return segment(plan, index) ? segment(plan, index)->load.start : 0;
}

uint64_t kexec_plan_segment_memory_size(const struct kexec_plan *plan, size_t index)
{
	return segment(plan, index) ? segment(plan, index)->mem_size : 0;
}

uint64_t kexec_plan_segment_size(const struct kexec_plan *plan, size_t index)
{
	return segment(plan, index) ? segment(plan, index)->file.size : 0;
}

const void *kexec_plan_segment_data(const struct kexec_plan *plan, size_t index)
{
	return segment(plan, index) ? segment(plan, index)->file.data : NULL;
}

uint64_t kexec_plan_entry(const struct kexec_plan *plan)
{
	return plan->session.load.plan.entry;
}

uint64_t kexec_plan_kernel_entry(const struct kexec_plan *plan)
{
	return plan->session.load.plan.kernel_entry;
}

uint64_t kexec_plan_footprint_start(const struct kexec_plan *plan)
{
	return plan->session.load.plan.footprint.start;
}

uint64_t kexec_plan_footprint_end(const struct kexec_plan *plan)
{
	return plan->session.load.plan.footprint.end;
}

const char *kexec_plan_cmdline(const struct kexec_plan *plan)
{
	return is_ours(plan) ? plan->session.load.plan.cmdline : plan->session.cmdline;
}

size_t kexec_plan_reasons(const struct kexec_plan *plan)
{
	return plan->session.load.plan.nr_reasons;
}

const char *kexec_plan_reason(const struct kexec_plan *plan, size_t index)
{
	return index < kexec_plan_reasons(plan) ? plan->session.load.plan.reason[index] : NULL;
}

size_t kexec_plan_warnings(const struct kexec_plan *plan)
{
	return plan->warnings.count;
}

const char *kexec_plan_warning(const struct kexec_plan *plan, size_t index)
{
	return one_of(&plan->warnings, index);
}

int kexec_plan_json(const struct kexec_plan *plan, char **ret, struct kexec_error **ret_error)
{
	IN_C_LOCALE;
	struct report report = session_report(&plan->session);
	char *text = NULL;
	size_t size;
	struct err err;
	FILE *to;

	if (!is_ours(plan)) {
		err_set(&err, ERR_USAGE,
			"there is no plan to show: the running kernel's own loader makes it");
		return give(&err, ret_error);
	}
	to = open_memstream(&text, &size);
	if (!to) {
		err_no_memory(&err);
		return give(&err, ret_error);
	}
	if (report_json(&report, to, &err)) {
		fclose(to);
		free(text);
		return give(&err, ret_error);
	}
	if (fclose(to)) {
		free(text);
		err_no_memory(&err);
		return give(&err, ret_error);
	}
	*ret = text;
	return 0;
}

int kexec_plan_check(const struct kexec_plan *plan, struct kexec_error **ret_error)
{
	IN_C_LOCALE;
	struct err err;

	/* Its random seed is gone then. */
	if (plan->submitted)
		err_set(&err, ERR_USAGE, "a plan that was submitted cannot be checked any more");
	else if (!is_ours(plan) || !plan_check(&plan->session.load.plan, &err))
		return 0;
	return give(&err, ret_error);
}

int kexec_plan_submit(struct kexec_plan *plan, struct kexec_error **ret_error)
{
	IN_C_LOCALE;
	struct err err;

	if (plan->request->request.dry_run)
		err_set(&err, ERR_USAGE, "a plan that was made to be shown cannot be submitted");
	else if (plan->submitted)
		err_set(&err, ERR_USAGE, "a plan can be submitted only once");
	else {
		int failed = session_load(&plan->session, &err);

		plan->submitted = true;
		/* Another loader may have done it, with a plan or without. */
		plan_sorted(&plan->session.load.plan, plan->order);
		if (!failed)
			return 0;
	}
	return give(&err, ret_error);
}

int kexec_unload(const struct kexec_machine *machine, int crash, int loader,
		 struct kexec_error **ret_error)
{
	IN_C_LOCALE;
	const struct surroundings around = { .ops = machine->ops, .root = machine->root };
	struct err err;

	if (!machine->ops)
		err_set(&err, ERR_USAGE,
			"nothing is loaded on another machine than the running one");
	else if (loader < KEXEC_LOADER_AUTO || loader > KEXEC_LOADER_KERNEL)
		err_set(&err, ERR_USAGE, "there is no loader %d", loader);
	else if (!session_unload(&around, (enum method)loader, crash, &err))
		return 0;
	return give(&err, ret_error);
}
