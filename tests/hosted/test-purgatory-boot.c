/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The purgatory as it ships, alone in a machine: entered as the old kernel enters
 * it, with tables made here, it has to reach the code that stands for the new kernel,
 * or to say why not. Needs QEMU; skipped without.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kexec/core/sha256.h"
#include "kexec/x86/purgatory_image.h"
#include "purgatory-abi.h"
#include "tests/hosted/purgatory-boot.h"

#define LINE	      "safekexec purgatory: "
#define VERIFYING     LINE "verifying 2 segments, 2 MiB, baseline\n"
#define REPAIRED      LINE "the purgatory itself was repaired\n"
#define BEYOND_REPAIR LINE "damaged, and its spare copy, if any\r\n"
#define ENTERED	      VERIFYING LINE "all verified, entering the kernel at 0x101000\n............\n"

enum {
	TIMEOUT_SECONDS = 60,
	IN_PLACE_AT = 0x100000, /* offsets from PURGATORY_AT */
	COPIED_AT = 0x200000,
	COPY_TO = 0x4000000,
	REGION_SIZE = 3 * PURGATORY_CHUNK_SIZE + 17,
	LARGE_REGION_SIZE = 24 << 20,
	SPARE_ROOM = 0x20000,
	NO_MEMORY_AT = 5, /* GiB: above what the page tables map */
};

/* More than a second of any processor's. */
static const uint64_t DELAY_TICKS = 6000000000, TSC_HZ_MAX = 5000000000;

/* What lies in memory from PURGATORY_AT on. */
struct machine {
	uint8_t *memory;
	size_t size;
	struct purgatory_params *params;
	struct purgatory_region *region;
	size_t spare_at; /* a copy of the second stage */
	bool has_spare;
	size_t flip[2], nr_flips; /* bytes to damage once all is sealed */
	const char *cpu;	  /* NULL: all that QEMU knows */
};

static uint32_t add_region(struct machine *machine, uint32_t i, uint32_t first_chunk,
			   const char *name, uint64_t offset, uint64_t dst, uint64_t size)
{
	uint8_t *digest = (uint8_t *)(machine->region + 2);
	uint32_t chunk = first_chunk;

	machine->region[i] = (struct purgatory_region){
		.src = PURGATORY_AT + offset,
		.dst = dst,
		.size = size,
		.zero = dst == PURGATORY_AT + offset ? 0 : 5000,
		.first_chunk = first_chunk,
		.segment = i,
	};
	strcpy(machine->region[i].name, name);
	for (uint64_t at = 0; at < size; at += PURGATORY_CHUNK_SIZE)
		sha256(machine->memory + offset + at,
		       size - at < PURGATORY_CHUNK_SIZE ? size - at : PURGATORY_CHUNK_SIZE,
		       digest + 32 * chunk++);
	return chunk;
}

/* Bit by bit, and not as the loader does it: polynomial division by ECMA-182. */
static uint64_t crc64(const uint8_t *data, size_t size)
{
	uint64_t crc = UINT64_MAX;

	for (size_t i = 0; i < 8 * size; i++) {
		bool carry = (crc ^ data[i / 8] >> i % 8) & 1;

		crc = crc >> 1 ^ (carry ? UINT64_C(0xc96c5795d7870f42) : 0);
	}
	return crc;
}

static size_t stage2_size(const struct machine *machine)
{
	return machine->params->digests + 32 * machine->params->nr_chunks - PURGATORY_AT -
	       PURGATORY_STAGE2_OFFSET;
}

static void seal(struct machine *machine)
{
	struct purgatory_stage1 *stage1 = (void *)(machine->memory + PURGATORY_STAGE1_OFFSET);

	sha256(machine->region, 2 * sizeof(*machine->region) + 32 * machine->params->nr_chunks,
	       machine->params->tables_digest);
	stage1->size = stage2_size(machine);
	stage1->serial_port = 0x3f8;
	stage1->crc = crc64(machine->memory + PURGATORY_STAGE2_OFFSET, stage1->size);
	assert_true(stage1->size <= SPARE_ROOM);
	memcpy(machine->memory + machine->spare_at, machine->memory + PURGATORY_STAGE2_OFFSET,
	       stage1->size);
	stage1->spare = machine->has_spare ? PURGATORY_AT + machine->spare_at : 0;
	for (size_t i = 0; i < machine->nr_flips; i++)
		machine->memory[machine->flip[i]] ^= 0x04;
}

/* A loaded purgatory with one region in place and one to copy; the second is last in
 * memory, of `copied_size` bytes. */
static void load(struct machine *machine, size_t copied_size)
{
	struct purgatory_params *params;
	uint64_t tables;

	machine->spare_at = (COPIED_AT + copied_size + 7) & ~(size_t)7;
	machine->size = machine->spare_at + SPARE_ROOM;
	machine->memory = malloc(machine->size);
	assert_non_null(machine->memory);
	for (size_t i = 0; i < machine->size; i++)
		machine->memory[i] = (uint8_t)(i * 7 + (i >> 8) * 13);
	memcpy(machine->memory, purgatory_image, (size_t)(purgatory_image_end - purgatory_image));
	machine->params = params = (void *)(machine->memory + PURGATORY_PARAMS_OFFSET);
	memset(machine->memory + (purgatory_image_end - purgatory_image), 0,
	       params->image_size - (size_t)(purgatory_image_end - purgatory_image));
	tables = (params->image_size + 63) & ~UINT64_C(63);
	machine->region = (void *)(machine->memory + tables);
	params->nr_regions = 2;
	params->nr_chunks = add_region(machine, 0, 0, "in place", IN_PLACE_AT,
				       PURGATORY_AT + IN_PLACE_AT, REGION_SIZE);
	params->nr_chunks = add_region(machine, 1, params->nr_chunks, "copied", COPIED_AT,
				       PURGATORY_AT + COPY_TO, copied_size);
	params->regions = PURGATORY_AT + tables;
	params->digests = params->regions + 2 * sizeof(struct purgatory_region);
	params->entry_rip = TARGET_AT;
	params->entry_rsi = TARGET_RSI;
	params->entry_rdi = TARGET_RDI;
	params->entry_eax = TARGET_EAX;
	params->entry_ebx = TARGET_EBX;
	params->console = PURGATORY_CONSOLE_E9;
	params->serial_port = 0x3f8;
}

enum { TIMED_OUT = -1, HALTED = -2 };

struct result {
	char output[4096];
	int status; /* QEMU's exit status, or one of the above */
};

static pid_t start(const char *cpu, const char *file, const char *console, int output, int monitor)
{
	char loader[128], chardev[64];
	pid_t child = fork();

	if (child)
		return child;
	snprintf(loader, sizeof(loader), "loader,file=%s,addr=%#x,force-raw=on", file,
		 PURGATORY_AT);
	snprintf(chardev, sizeof(chardev), "socket,id=monitor,fd=%d", monitor);
	dup2(output, STDOUT_FILENO);
	execlp("qemu-system-x86_64", "qemu-system-x86_64", "-machine", "q35,accel=tcg", "-cpu",
	       cpu ?: "max", "-m", "256M", "-nodefaults", "-no-user-config", "-nic", "none",
	       "-display", "none", "-no-reboot", "-device", "VGA", "-kernel", PURGATORY_BOOT,
	       "-device", loader, "-device", "isa-debug-exit,iobase=0xf4,iosize=4", console,
	       "stdio", "-chardev", chardev, "-mon", "chardev=monitor,mode=readline", (char *)NULL);
	_exit(127);
}

/* Runs the machine until QEMU ends or a line says that it halts. `console` is
 * QEMU's option for what the output is taken from. With `sends_nmis` it gets some
 * from its first output on until it leaves the purgatory. */
static void run(struct machine *machine, const char *console, bool sends_nmis,
		struct result *ret_result)
{
	char file[] = "/tmp/purgatory-boot.XXXXXX";
	time_t deadline = time(NULL) + TIMEOUT_SECONDS;
	int memory = mkstemp(file), output[2], monitor[2], status;
	size_t length = 0;
	pid_t child;

	assert_true(memory >= 0);
	seal(machine);
	assert_int_equal(write(memory, machine->memory, machine->size), machine->size);
	close(memory);
	assert_int_equal(pipe(output), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, monitor), 0);
	child = start(machine->cpu, file, console, output[1], monitor[1]);
	close(output[1]);
	close(monitor[1]);

	*ret_result = (struct result){ .status = TIMED_OUT };
	while (time(NULL) < deadline) {
		struct pollfd ready = { .fd = output[0], .events = POLLIN };
		ssize_t got;

		if (sends_nmis && length && !strstr(ret_result->output, "entering"))
			(void)!send(monitor[0], "nmi\n", 4, MSG_NOSIGNAL);
		if (poll(&ready, 1, 50) != 1)
			continue;
		got = read(output[0], ret_result->output + length,
			   sizeof(ret_result->output) - 1 - length);
		if (got <= 0)
			break;
		length += (size_t)got;
		if (strstr(ret_result->output, LINE "halted\n")) {
			usleep(300000);
			if (!waitpid(child, &status, WNOHANG))
				ret_result->status = HALTED;
			break;
		}
	}
	if (ret_result->status == HALTED || time(NULL) >= deadline)
		kill(child, SIGKILL);
	if (waitpid(child, &status, 0) == child && ret_result->status != HALTED &&
	    WIFEXITED(status) && time(NULL) < deadline)
		ret_result->status = WEXITSTATUS(status);
	close(output[0]);
	close(monitor[0]);
	unlink(file);
}

static int setup(void **state)
{
	static struct machine machine;

	if (system("qemu-system-x86_64 --version >/dev/null 2>&1")) {
		print_message("qemu-system-x86_64 is not there\n");
		*state = NULL;
		return 0;
	}
	machine.cpu = NULL;
	load(&machine, REGION_SIZE);
	*state = &machine;
	return 0;
}

static int teardown(void **state)
{
	struct machine *machine = *state;

	if (machine)
		free(machine->memory);
	return 0;
}

static struct machine *loaded(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static void test_enters_the_kernel(void **state)
{
	struct machine *machine = loaded(state);
	struct result result;

	run(machine, "-debugcon", false, &result);
	assert_string_equal(result.output, ENTERED);
	assert_int_equal(result.status, TARGET_EXIT);
}

static void test_enters_a_32_bit_kernel(void **state)
{
	struct machine *machine = loaded(state);
	struct result result;

	machine->params->flags = PURGATORY_ENTRY_32;
	machine->params->entry_rip = TARGET_32_AT;
	run(machine, "-debugcon", false, &result);
	assert_string_equal(result.output, LINE "verifying 2 segments, 2 MiB, baseline\n" LINE
						"all verified, entering the kernel at 0x102000\n"
						"................\n");
	assert_int_equal(result.status, TARGET_EXIT);
}

static void test_all_consoles(void **state)
{
	struct machine *machine = loaded(state);
	struct result result;

	machine->params->console |= PURGATORY_CONSOLE_SERIAL | PURGATORY_CONSOLE_VGA;
	machine->params->serial_divisor = 1;
	machine->params->flags = PURGATORY_RESET_VGA;
	run(machine, "-serial", false, &result);
	assert_string_equal(result.output,
			    LINE "verifying 2 segments, 2 MiB, baseline\r\n" LINE
				 "all verified, entering the kernel at 0x101000\r\n");
	assert_int_equal(result.status, TARGET_EXIT);
}

static void test_survives_nmis(void **state)
{
	struct machine *machine = loaded(state);
	struct result result;
	unsigned long nmis = 0;

	free(machine->memory);
	load(machine, LARGE_REGION_SIZE);
	run(machine, "-debugcon", true, &result);
	assert_int_equal(sscanf(result.output,
				LINE "verifying 2 segments, 25 MiB, baseline\n" LINE
				     "%lu NMIs came and were passed over\n",
				&nmis),
			 1);
	assert_true(nmis >= 1);
	assert_non_null(strstr(result.output, "entering the kernel at 0x101000\n............\n"));
	assert_int_equal(result.status, TARGET_EXIT);
}

static void test_damage_resets(void **state)
{
	struct machine *machine = loaded(state);
	const char *report = VERIFYING LINE
		"segment 0 (in place) is damaged: 0x40000 bytes at offset 0x40000 of its source\n" LINE
		"SHA-256 begins with ";
	struct result result;

	machine->params->reset_delay_s = 1;
	machine->params->tsc_hz = 1000000000;
	machine->memory[IN_PLACE_AT + PURGATORY_CHUNK_SIZE] ^= 0x80;
	run(machine, "-debugcon", false, &result);
	assert_memory_equal(result.output, report, strlen(report));
	assert_non_null(strstr(result.output, "\n" LINE "reset in 1 0 s\n"));
	assert_int_equal(result.status, 0);
}

static void test_damage_halts(void **state)
{
	struct machine *machine = loaded(state);
	struct result result;

	machine->params->on_corruption = PURGATORY_ON_CORRUPTION_HALT;
	machine->memory[COPIED_AT + REGION_SIZE - 1] ^= 1;
	run(machine, "-debugcon", false, &result);
	assert_non_null(strstr(
		result.output, LINE
		"segment 1 (copied) is damaged: 0x11 bytes at offset 0xc0000 of its source\n"));
	assert_int_equal(result.status, HALTED);
}

static void test_exception_is_told(void **state)
{
	struct machine *machine = loaded(state);
	struct result result;

	machine->params->reset_delay_s = 0;
	machine->region[0].src = machine->region[0].dst = NO_MEMORY_AT * (UINT64_C(1) << 30);
	run(machine, "-debugcon", false, &result);
	assert_memory_equal(result.output, VERIFYING LINE "exception 14 at 0x200",
			    strlen(VERIFYING LINE "exception 14 at 0x200"));
	assert_non_null(
		strstr(result.output, ", error code 0x0, cr2 0x140000000\n" LINE "reset in 0 s\n"));
	assert_int_equal(result.status, 0);
}

/* A triple fault, and not a byte of output. */
static void test_no_io(void **state)
{
	struct machine *machine = loaded(state);
	struct result result;

	machine->params->flags = PURGATORY_NO_IO;
	run(machine, "-debugcon", false, &result);
	assert_string_equal(result.output, "............\n"); /* the target's */
	assert_int_equal(result.status, TARGET_EXIT);

	machine->params->on_corruption = PURGATORY_ON_CORRUPTION_HALT;
	machine->memory[IN_PLACE_AT] ^= 1;
	run(machine, "-debugcon", false, &result);
	assert_string_equal(result.output, "");
	assert_int_equal(result.status, 0);
	machine->memory[IN_PLACE_AT] ^= 1;

	machine->region[0].src = machine->region[0].dst = NO_MEMORY_AT * (UINT64_C(1) << 30);
	run(machine, "-debugcon", false, &result);
	assert_string_equal(result.output, "");
	assert_int_equal(result.status, 0);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Single bits of the second stage: its entry, parameters, code, zeros, tables, last byte. */
static void test_second_stage(void **state)
{
	struct machine *machine = loaded(state);
	size_t end = PURGATORY_STAGE2_OFFSET + stage2_size(machine);
	const size_t place[] = { PURGATORY_STAGE2_OFFSET,
				 PURGATORY_PARAMS_OFFSET + OFF_PARAMS_ENTRY_RIP,
				 PURGATORY_STAGE2_OFFSET + 0x1234, end - 40 * 32 - 1000, end - 1 };
	struct purgatory_stage1 *stage1 = (void *)(machine->memory + PURGATORY_STAGE1_OFFSET);
	struct result result;
	double started;

	machine->nr_flips = 1;
	for (size_t i = 0; i < sizeof(place) / sizeof(place[0]); i++) {
		machine->has_spare = true;
		machine->flip[0] = place[i];
		run(machine, "-debugcon", false, &result);
		assert_string_equal(result.output, REPAIRED ENTERED);
		assert_int_equal(result.status, TARGET_EXIT);
		machine->memory[place[i]] ^= 0x04;
	}
	/* Without a spare it is told, and the machine reset. */
	machine->has_spare = false;
	machine->flip[0] = PURGATORY_STAGE2_OFFSET + 0x1234;
	run(machine, "-serial", false, &result);
	assert_string_equal(result.output, BEYOND_REPAIR);
	assert_int_equal(result.status, 0);
	machine->memory[machine->flip[0]] ^= 0x04;
	/* After the time that it is given. */
	stage1->reset_delay = (uint32_t)(DELAY_TICKS >> 16);
	started = seconds();
	run(machine, "-serial", false, &result);
	assert_true(seconds() - started >= (double)DELAY_TICKS / (double)TSC_HZ_MAX);
	assert_string_equal(result.output, BEYOND_REPAIR);
	assert_int_equal(result.status, 0);
	stage1->reset_delay = 0;
	machine->memory[machine->flip[0]] ^= 0x04;
	/* With a damaged one likewise. */
	machine->has_spare = true;
	machine->nr_flips = 2;
	machine->flip[1] = machine->spare_at + 0x777;
	run(machine, "-serial", false, &result);
	assert_string_equal(result.output, BEYOND_REPAIR);
	assert_int_equal(result.status, 0);
	/* A damaged spare alone hurts nobody. */
	machine->memory[machine->flip[0]] ^= 0x04;
	machine->nr_flips = 1;
	machine->flip[0] = machine->spare_at + 0x777;
	run(machine, "-debugcon", false, &result);
	assert_string_equal(result.output, ENTERED);
}

static bool qemu_has_sha_ni(void)
{
	FILE *version = popen("qemu-system-x86_64 --version", "r");
	int major = 0;

	assert_non_null(version);
	if (fscanf(version, "QEMU emulator version %d.", &major) != 1)
		major = 0;
	pclose(version);
	return major >= 9;
}

/* Whatever the processor has of what the loader allows, the purgatory finds, switches on and
 * uses, names, and leaves as it was; and one bit of each region is found. */
static void hash_path(void **state, uint32_t allowed, const char *cpu, const char *name)
{
	struct machine *machine = loaded(state);
	struct result result;
	char expected[300];

	free(machine->memory);
	load(machine, 21 * PURGATORY_CHUNK_SIZE + 17);
	machine->cpu = cpu;
	machine->params->hashes = allowed;
	run(machine, "-debugcon", false, &result);
	snprintf(expected, sizeof(expected),
		 LINE "verifying 2 segments, 7 MiB, %s\n" LINE
		      "all verified, entering the kernel at 0x101000\n............\n",
		 name);
	assert_string_equal(result.output, expected);
	assert_int_equal(result.status, TARGET_EXIT);

	machine->params->on_corruption = PURGATORY_ON_CORRUPTION_HALT;
	machine->memory[COPIED_AT + 19 * PURGATORY_CHUNK_SIZE - 1] ^= 1;
	run(machine, "-debugcon", false, &result);
	assert_non_null(strstr(
		result.output, LINE
		"segment 1 (copied) is damaged: 0x40000 bytes at offset 0x480000 of its source\n"));
	assert_int_equal(result.status, HALTED);
}

static void test_hash_sha_ni(void **state)
{
	if (!qemu_has_sha_ni())
		skip();
	hash_path(state, PURGATORY_HASH_ALL, "max", "sha-ni");
	hash_path(state, PURGATORY_HASH_ALL, "max,-xsave,-avx,-avx2", "sha-ni");
	hash_path(state, PURGATORY_HASH_ALL, "max,level=7", "sha-ni");
}

static void test_hash_avx2(void **state)
{
	hash_path(state, PURGATORY_HASH_ALL, "max,-sha-ni", "avx2");
	hash_path(state, PURGATORY_HASH_AVX2, "max", "avx2");
}

static void test_hash_baseline(void **state)
{
	hash_path(state, PURGATORY_HASH_ALL, "max,-sha-ni,-avx2", "baseline");
	hash_path(state, PURGATORY_HASH_ALL, "max,-sha-ni,level=7", "baseline");
	hash_path(state, PURGATORY_HASH_ALL, "max,-sha-ni,-avx", "baseline");
	hash_path(state, PURGATORY_HASH_ALL, "qemu64", "baseline");
}

/* What may not ask the processor does what the loader found. */
static void test_hash_without_cpuid(void **state)
{
	struct machine *machine = loaded(state);
	struct result result;

	if (!qemu_has_sha_ni())
		skip();
	machine->params->flags = PURGATORY_NO_IO;
	machine->params->hashes = PURGATORY_HASH_SHA_NI;
	run(machine, "-debugcon", false, &result);
	assert_string_equal(result.output, "............\n");
	assert_int_equal(result.status, TARGET_EXIT);
}

#define MACHINE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MACHINE(test_enters_the_kernel),  MACHINE(test_enters_a_32_bit_kernel),
		MACHINE(test_all_consoles),	  MACHINE(test_survives_nmis),
		MACHINE(test_damage_resets),	  MACHINE(test_hash_sha_ni),
		MACHINE(test_hash_avx2),	  MACHINE(test_hash_baseline),
		MACHINE(test_hash_without_cpuid), MACHINE(test_damage_halts),
		MACHINE(test_exception_is_told),  MACHINE(test_no_io),
		MACHINE(test_second_stage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
