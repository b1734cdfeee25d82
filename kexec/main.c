/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "kexec/action.h"
#include "kexec/guard.h"
#include "kexec/lib/advice.h"
#include "kexec/sys/output.h"

static int exit_status(const struct err *err)
{
	return err->code == ERR_REFUSED ? STATUS_SYSTEM : STATUS_REFUSED;
}

/* Of what is done the exit status tells; of the rest what is said is all that there is. */
static bool is_done_by(const struct request *request)
{
	return !request->dry_run &&
	       (request->action == ACTION_LOAD || request->action == ACTION_FORCE ||
		request->action == ACTION_DEFAULT);
}

static int end_output(const struct request *request, struct warnings *warnings, struct err *err)
{
	struct err failure;

	if (!output_end(stdout, &failure))
		return 0;
	if (is_done_by(request)) {
		warn_add(warnings, "standard output: %s", strerror(failure.sys_errno));
		return 0;
	}
	*err = failure;
	/* 1 would be an answer of -S. */
	if (request->action == ACTION_STATUS)
		err->code = ERR_REFUSED;
	return -1;
}

static int run(int argc, char *const argv[], struct warnings *warnings, int *ret_status,
	       struct err *err)
{
	struct surroundings around = { .ops = &ops_real, .out = stdout, .warnings = warnings };
	struct request request;
	int result;

	if (guard_mapped_files(err) || cli_parse(argc, argv, &request, err) ||
	    root_open(request.sysroot, &around.root, err))
		return -1;
	result = action_run(&request, &around, ret_status, err);
	root_close(&around.root);
	/* What is said on standard error does not come in its midst. */
	if (result)
		fflush(stdout);
	return result ? result : end_output(&request, warnings, err);
}

int main(int argc, char *argv[])
{
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct err err = { 0 };
	int status = STATUS_DONE, result;

	output_hold_descriptors();
	result = run(argc, argv, &warnings, &status, &err);
	action_print_warnings(&warnings);
	if (!result)
		return status;
	advice_print(stderr, "kexec", &err);
	return exit_status(&err);
}
