/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/action.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kexec/audit.h"
#include "kexec/boot.h"
#include "kexec/doctor.h"
#include "kexec/lib/explain.h"
#include "kexec/lib/loaded.h"
#include "kexec/lib/print.h"
#include "kexec/progress.h"
#include "kexec/sys/gather.h"
#include "kexec/sys/newfile.h"

/* --- loading ------------------------------------------------------------- */

/* https://no-color.org */
static bool wants_colour(FILE *to)
{
	const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
	int fd = fileno(to);

	return fd >= 0 && isatty(fd) && !(no_colour && *no_colour) && terminal && *terminal &&
	       strcmp(terminal, "dumb");
}

static int write_svg(void *report, FILE *to, struct err *err)
{
	return report_svg(report, to, err);
}

static int report_plan(const struct session *session, FILE *to, struct err *err)
{
	const struct request *request = session->request;
	struct report report = session_report(session);

	report.colour = wants_colour(to);
	if (request->svg && new_file(request->svg, write_svg, &report, err))
		return -1;
	return request->json ? report_json(&report, to, err) : report_text(&report, to, err);
}

static int show_plan(struct session *session, struct err *err)
{
	const struct request *request = session->request;

	progress_line_end(session->context);
	if (request->dry_run)
		return report_plan(session, session->around->out, err);
	return request->debug ? report_plan(session, stderr, err) : 0;
}

/* What the files hold is not trusted. */
static void give_up_privileges(struct session *session)
{
	const struct request *request = session->request;
	unsigned int needed = PRIVILEGES_TO_LOAD;

	if (request->svg)
		needed |= PRIVILEGE_FILES;
	if (!request->dry_run && request->action == ACTION_FORCE)
		needed |= PRIVILEGE_NETWORK;
	if (!request->dry_run && request->action == ACTION_DEFAULT)
		needed |= PRIVILEGE_PROGRAMS;
	ops_keep_only(session->around->ops, needed);
}

static int load_kernel(const struct request *request, const struct surroundings *around,
		       struct err *err)
{
	struct progress_line line;
	struct session session CLEANUP(session_done);
	int failed;

	session_init(&session);
	session.progress = (struct progress){ .tell = progress_line_tell, .context = &line };
	session.opened = give_up_privileges;
	session.planned = show_plan;
	session.context = &line;
	progress_line_begin(&line, stderr);
	failed = session_begin(&session, request, around, err) || session_load(&session, err);
	progress_line_end(&line);
	if (failed)
		return -1;
	if (!request->dry_run && request->method == METHOD_AUTO) {
		print_harmless(around->out, "kexec: ", request->kernel);
		fprintf(around->out, " loaded by %s: %s\n",
			session.method == METHOD_FILE_LOAD ? "kexec_file_load" : "kexec_load",
			session.method_reason);
	}
	return 0;
}

/* --- the other actions --------------------------------------------------- */

void action_print_warnings(struct warnings *warnings)
{
	for (size_t i = 0; i < warnings->count; i++)
		fprintf(stderr, "kexec: warning: %s\n", warnings->text[i]);
	warnings_cut(warnings, 0);
}

/* Before what this program does not come back from, and which does not wait for somebody to listen. */
static void say_all(const struct surroundings *around)
{
	void (*saved)(int) = signal(SIGPIPE, SIG_IGN);

	fflush(around->out);
	action_print_warnings(around->warnings);
	signal(SIGPIPE, saved);
}

static int exec_loaded(const struct request *request, const struct surroundings *around,
		       struct err *err)
{
	const struct ops *ops = around->ops;
	struct explain_failure failure = { .call = EXPLAIN_START, .root = &around->root };
	bool loaded;

	if (gather_loaded(&around->root, false, &loaded, err))
		return err_prefix(err, "nothing was started, the network is as it was");
	if (!loaded)
		return err_set(err, ERR_INPUT,
			       "Nothing has been loaded! Load a kernel first: kexec -l KERNEL");
	/* What has just been loaded fits. */
	if (!request->no_checks && request->action == ACTION_EXEC &&
	    loaded_check_map(&around->root, around->warnings, err))
		return -1;
	say_all(around);
	ops_keep_only(ops, PRIVILEGE_NETWORK);
	if (!request->no_sync)
		ops->sync(ops->context);
	if (!request->no_network_down)
		ops->network_down(ops->context);
	ops_keep_only(ops, PRIVILEGES_TO_LOAD);
	failure.error = -ops->exec_loaded(ops->context);
	return explain(&failure, err);
}

static int print_start(const struct surroundings *around, struct err *err)
{
	struct purgatory_report report;
	bool found;

	if (gather_report(&around->root, &report, &found, err))
		return -1;
	if (!found) {
		fprintf(around->out, "this kernel was not started by safekexec's purgatory\n");
		return 0;
	}
	fprintf(around->out,
		"this kernel was started by safekexec's purgatory: %u segments, %llu bytes, %u "
		"chunks verified",
		report.nr_regions, (unsigned long long)report.bytes, report.nr_chunks);
	if (report.tsc_hz && report.tsc_exit > report.tsc_entry)
		fprintf(around->out, " in %llu ms",
			(unsigned long long)((report.tsc_exit - report.tsc_entry) /
					     (report.tsc_hz / 1000 + 1)));
	if (report.nr_repaired)
		fprintf(around->out, ", %u repaired (first: %s at 0x%llx)", report.nr_repaired,
			report.repaired_name, (unsigned long long)report.repaired_offset);
	if (report.own_repaired)
		fprintf(around->out, ", the purgatory repaired");
	fprintf(around->out, ", %llu NMIs\n", (unsigned long long)report.nmis);
	return 0;
}

static void print_record(const struct request *request, const struct surroundings *around,
			 bool loaded)
{
	struct record record CLEANUP(record_done) = { 0 };
	struct err err;
	bool found;

	if (loaded_recall(&around->root, !request->status_of_normal, &record, &found, &err)) {
		warn_add(around->warnings, "%s", err.text);
		return;
	}
	if (!found && loaded)
		fprintf(around->out, "there is no record of it, or none that may be read\n");
	if (!found)
		return;
	if (!loaded)
		fprintf(around->out, "another program has unloaded this:\n");
	loaded_print(&record, around->out);
}

static int status(const struct request *request, const struct surroundings *around, int *ret_status,
		  struct err *err)
{
	bool loaded;

	/* The record is a text like others, and nothing that is read here needs more. */
	ops_keep_only(around->ops, PRIVILEGES_TO_LOAD);
	if (gather_loaded(&around->root, !request->status_of_normal, &loaded, err)) {
		err->code = ERR_REFUSED;
		return -1;
	}
	if (request->verbose) {
		fprintf(around->out, "%s is %sloaded\n",
			request->status_of_normal ? "a kernel" : "a crash kernel",
			loaded ? "" : "not ");
		print_record(request, around, loaded);
		if (print_start(around, err))
			return -1;
	}
	*ret_status = loaded ? STATUS_LOADED : STATUS_DONE;
	return 0;
}

static int print_reservation(const struct surroundings *around, struct err *err)
{
	struct range main, low;

	if (gather_reservation(&around->root, &main, &low, err))
		return -1;
	fprintf(around->out, "%llu\n", (unsigned long long)range_size(main));
	return 0;
}

static int examine(const struct request *request, const struct surroundings *around,
		   int *ret_status, struct err *err)
{
	const struct doctor_request asked = {
		.root = &around->root,
		.ops = around->ops,
		.kernel = request->kernel,
		.initrd = request->initrd,
		.nr_initrds = request->nr_initrds,
		.type = request->type,
		.uki_profile = request->uki_profile,
		.unpack_initrd = request->unpack_initrd,
		.cmdline = request->append,
		.json = request->json,
		.measure = request->measure,
	};
	bool failed = false;

	if (request->action == ACTION_ESTIMATE)
		return doctor_estimate(&asked, around->out, err);
	if (doctor(&asked, around->out, &failed, err))
		return -1;
	*ret_status = failed ? STATUS_REFUSED : STATUS_DONE;
	return 0;
}

static int capture_machine(const struct request *request, const struct surroundings *around,
			   struct err *err)
{
	struct capture capture CLEANUP(capture_done) = { .takes_cmdline =
								 request->capture_cmdline };
	struct root root = around->root;

	root.record = &capture;
	gather_capture(&root, around->warnings);
	ops_keep_only(around->ops, PRIVILEGE_FILES);
	return capture_save(&capture, request->capture, err);
}

_Static_assert((int)BOOT_INITRDS_MAX <= (int)REQUEST_INITRDS_MAX, "an entry has no more");

/* What an entry names stands for what the command line would. It was looked for and is open: whatever has its name by now is
 * another. */
static int run_from_entry(const struct request *request, const struct surroundings *around,
			  int *ret_status, struct err *err)
{
	struct boot_entry entry CLEANUP(boot_entry_done) = { 0 };
	struct boot_files files CLEANUP(boot_files_done) = BOOT_FILES_NONE;
	struct request of_entry = *request;

	if (boot_choose(&around->root, request->boot_entry, &entry, &files, err))
		return -1;
	of_entry.from_entry = false;
	of_entry.of_entry = true;
	of_entry.files = REQUEST_FILES_OPEN;
	of_entry.kernel = entry.kernel;
	of_entry.kernel_fd = files.kernel;
	of_entry.entry_options = *entry.options ? entry.options : NULL;
	for (size_t i = 0; i < entry.nr_initrds; i++) {
		of_entry.initrd[i] = entry.initrd[i];
		of_entry.initrd_fd[i] = files.initrd[i];
	}
	of_entry.nr_initrds = entry.nr_initrds;
	if (!request->has_uki_profile)
		of_entry.uki_profile = entry.uki_profile;
	if (!request->dry_run && !request->json)
		boot_say(&entry, around->out);
	return action_run(&of_entry, around, ret_status, err);
}

int action_run(const struct request *request, const struct surroundings *around, int *ret_status,
	       struct err *err)
{
	const struct ops *ops = around->ops;

	*ret_status = STATUS_DONE;
	if (request->from_entry)
		return run_from_entry(request, around, ret_status, err);
	switch (request->action) {
	case ACTION_LOAD:
		return load_kernel(request, around, err);
	case ACTION_LIST_ENTRIES:
		return boot_list(&around->root, request->json, around->out, around->warnings, err);
	case ACTION_CAPTURE:
		return capture_machine(request, around, err);
	case ACTION_PRINT_RESERVATION:
		return print_reservation(around, err);
	case ACTION_DOCTOR:
	case ACTION_ESTIMATE:
		return examine(request, around, ret_status, err);
	case ACTION_AUDIT_EFI:
		return audit_efi(request, around, ret_status, err);
	case ACTION_UNLOAD:
		ops_keep_only(ops, PRIVILEGES_TO_LOAD);
		return session_unload(around, request->method, request->crash, err);
	case ACTION_EXEC:
		return exec_loaded(request, around, err);
	case ACTION_FORCE:
	case ACTION_DEFAULT:
		if (load_kernel(request, around, err))
			return -1;
		if (request->dry_run)
			return 0;
		if (request->action == ACTION_FORCE)
			return exec_loaded(request, around, err);
		say_all(around);
		err_set_errno(err, -ops->shutdown(ops->context),
			      "loaded, but shutdown -r now cannot be run");
		err->code = ERR_REFUSED;
		return err_advise(err, "; reboot in another way, or kexec -e");
	case ACTION_STATUS:
		return status(request, around, ret_status, err);
	case ACTION_USAGE:
		*ret_status = STATUS_REFUSED;
		cli_usage(around->out);
		return 0;
	case ACTION_HELP:
		cli_usage(around->out);
		return 0;
	case ACTION_VERSION:
		fprintf(around->out, "safekexec %s\n", PACKAGE_VERSION);
		return 0;
	}
	return err_set(err, ERR_INTERNAL, "unknown action");
}
