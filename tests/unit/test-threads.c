/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads plan for different machines at the same time, some of them for the same, and get what one alone
 * gets. Built with --enable-tsan, ThreadSanitizer looks at the whole library besides.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libkexec.h"
#include "tests/mk/image.h"

enum { THREADS = 8, ROUNDS = 3 };

/* What is planned there. */
static const struct work {
	const char *machine;
	int crash, direct, entry_32bit;
} works[] = {
	{ "tests/sysroot/bios-1g", 0, 0, 0 },	     { "tests/sysroot/ovmf-1g", 0, 0, 0 },
	{ "tests/sysroot/crash-low-high", 1, 0, 0 }, { "tests/sysroot/hyperv-gen2", 0, 0, 0 },
	{ "tests/sysroot/numa-4", 0, 1, 0 },	     { "tests/sysroot/crash-low-high", 0, 0, 0 },
	{ "tests/sysroot/bios-1g", 0, 0, 1 },	     { "/nonexistent", 0, 0, 0 },
};

static uint8_t image[MK_IMAGE_SIZE];

/* The plan as JSON, or the sentence of its refusal. */
static char *plan_on(const struct kexec_machine *machine, const struct work *work)
{
	struct kexec_request *request;
	struct kexec_plan *plan;
	struct kexec_error *error;
	char *text = NULL;

	if (kexec_request_new(&request, NULL))
		return NULL;
	if (kexec_request_set_kernel(request, image, sizeof(image), &error) ||
	    kexec_request_add_initrd(request, "070701", 6, &error) ||
	    kexec_request_set_cmdline(request, "quiet", &error) ||
	    kexec_request_set(request, KEXEC_OPTION_CRASH, (uint64_t)work->crash, &error) ||
	    kexec_request_set(request, KEXEC_OPTION_ENTRY_32BIT, (uint64_t)work->entry_32bit,
			      &error) ||
	    kexec_request_set(request, KEXEC_OPTION_DIRECT, (uint64_t)work->direct, &error) ||
	    kexec_plan_new(machine, request, KEXEC_PLAN_SHOW, &plan, &error)) {
		text = strdup(kexec_error_text(error));
		kexec_error_free(error);
	} else {
		if (kexec_plan_check(plan, NULL) || kexec_plan_json(plan, &text, NULL))
			text = NULL;
		kexec_plan_free(plan);
	}
	kexec_request_free(request);
	return text;
}

static char *plan(const struct work *work)
{
	struct kexec_machine *machine;
	struct kexec_capture *capture;
	struct kexec_error *error;
	char *text;

	if (kexec_machine_open(work->machine, &machine, &error)) {
		text = strdup(kexec_error_text(error));
		kexec_error_free(error);
		return text;
	}
	if (!kexec_capture_new(machine, 0, &capture, NULL))
		kexec_capture_free(capture);
	text = plan_on(machine, work);
	kexec_machine_free(machine);
	return text;
}

static pthread_barrier_t barrier;

struct result {
	const struct work *work;
	const char *expected;
	struct kexec_machine *shared;
	unsigned int same;
};

static void *work(void *context)
{
	struct result *result = context;

	/* At the same time, as far as there are processors. */
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < ROUNDS; i++) {
		char *text =
			result->shared ? plan_on(result->shared, result->work) : plan(result->work);

		result->same += text && !strcmp(text, result->expected);
		free(text);
	}
	return NULL;
}

static void run(struct result result[THREADS])
{
	pthread_t thread[THREADS];

	assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, work, &result[i]), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(pthread_barrier_destroy(&barrier), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(result[i].same, ROUNDS);
}

static void test_different_machines(void **state)
{
	struct result result[THREADS] = { 0 };
	char *alone[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		alone[i] = plan(&works[i]);
		assert_non_null(alone[i]);
		/* A plan; the last is refused. */
		assert_int_equal(alone[i][0] == '{', i < THREADS - 1);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(alone[i], alone[j]);
		result[i].work = &works[i];
		result[i].expected = alone[i];
	}
	run(result);
	for (int i = 0; i < THREADS; i++)
		free(alone[i]);
}

/* A machine is read only. */
static void test_one_machine(void **state)
{
	struct result result[THREADS] = { 0 };
	char *alone = plan(&works[0]);
	struct kexec_machine *machine;

	(void)state;
	assert_non_null(alone);
	assert_int_equal(kexec_machine_open(works[0].machine, &machine, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		result[i] = (struct result){ &works[0], alone, machine, 0 };
	run(result);
	kexec_machine_free(machine);
	free(alone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_different_machines),
		cmocka_unit_test(test_one_machine),
	};

	mk_image(image);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
