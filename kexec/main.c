/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "kexec/action.h"
#include "kexec/guard.h"
#include "kexec/lib/advice.h"

static int exit_status(const struct err *err)
{
	return err->code == ERR_REFUSED ? STATUS_SYSTEM : STATUS_REFUSED;
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
	return result;
}

int main(int argc, char *argv[])
{
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct err err = { 0 };
	const char *advice;
	int status = STATUS_DONE;
	int result = run(argc, argv, &warnings, &status, &err);
	/* What is said on standard error does not come in its midst. */
	int flushed = fflush(stdout);

	for (size_t i = 0; i < warnings.count; i++)
		fprintf(stderr, "kexec: warning: %s\n", warnings.text[i]);
	if (!result)
		return flushed ? STATUS_SYSTEM : status;
	advice = advice_for(&err);
	fprintf(stderr, "kexec: %s%s%s\n", err.text, advice ? "; try: " : "", advice ? advice : "");
	return exit_status(&err);
}
