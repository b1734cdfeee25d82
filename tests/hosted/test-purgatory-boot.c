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

#define LINE	  "safekexec purgatory: "
#define VERIFYING LINE "verifying 2 segments, 2 MiB\n"
#define ENTERED	  VERIFYING LINE "all verified, entering the kernel at 0x101000\n..........\n"

enum {
	TIMEOUT_SECONDS = 60,
	IN_PLACE_AT = 0x100000, /* offsets from PURGATORY_AT */
	COPIED_AT = 0x200000,
	COPY_TO = 0x4000000,
	REGION_SIZE = 3 * PURGATORY_CHUNK_SIZE + 17,
	LARGE_REGION_SIZE = 24 << 20,
	CHUNKS_PER_REGION = 4,
	NO_MEMORY_AT = 5, /* GiB: above what the page tables map */
};

/* What lies in memory from PURGATORY_AT on. */
struct machine {
	uint8_t *memory;
	size_t size;
	struct purgatory_params *params;
	struct purgatory_region *region;
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

static void seal(struct machine *machine)
{
	sha256(machine->region, 2 * sizeof(*machine->region) + 32 * machine->params->nr_chunks,
	       machine->params->tables_digest);
}

/* A loaded purgatory with one region in place and one to copy; the second is last in
 * memory, of `copied_size` bytes. */
static void load(struct machine *machine, size_t copied_size)
{
	struct purgatory_params *params;
	uint64_t tables;

	machine->size = COPIED_AT + copied_size;
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
	params->console = PURGATORY_CONSOLE_E9;
	params->serial_port = 0x3f8;
	seal(machine);
}

struct result {
	char output[4096];
	int status; /* exit status of QEMU, -1 if it had to be killed */
};

/* Runs it until QEMU ends, or until a line says "halted". `sends_nmis`: from the first
 * output on, until the machine leaves the purgatory. `console`: debugcon or serial. */
static struct result run(const struct machine *machine, const char *console, bool sends_nmis)
{
	char file[] = "/tmp/purgatory-boot.XXXXXX", loader[128], debug[32];
	struct result result = { .status = -1 };
	time_t deadline = time(NULL) + TIMEOUT_SECONDS;
	int memory = mkstemp(file), output[2], monitor[2], status;
	size_t length = 0;
	pid_t child;

	assert_true(memory >= 0);
	assert_int_equal(write(memory, machine->memory, machine->size), machine->size);
	close(memory);
	assert_int_equal(pipe(output), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, monitor), 0);
	snprintf(loader, sizeof(loader), "loader,file=%s,addr=%#x,force-raw=on", file,
		 PURGATORY_AT);
	snprintf(debug, sizeof(debug), "socket,id=monitor,fd=%d", monitor[1]);
	child = fork();
	if (!child) {
		dup2(output[1], STDOUT_FILENO);
		execlp("qemu-system-x86_64", "qemu-system-x86_64", "-machine", "q35,accel=tcg",
		       "-cpu", "max", "-m", "256M", "-nodefaults", "-no-user-config", "-nic",
		       "none", "-display", "none", "-no-reboot", "-device", "VGA", "-kernel",
		       PURGATORY_BOOT, "-device", loader, "-device",
		       "isa-debug-exit,iobase=0xf4,iosize=4", console, "stdio", "-chardev", debug,
		       "-mon", "chardev=monitor,mode=readline", (char *)NULL);
		_exit(127);
	}
	close(output[1]);
	close(monitor[1]);
	while (length < sizeof(result.output) - 1 && time(NULL) < deadline) {
		struct pollfd ready = { .fd = output[0], .events = POLLIN };

		if (poll(&ready, 1, 50) == 1) {
			ssize_t got = read(output[0], result.output + length,
					   sizeof(result.output) - 1 - length);
			if (got <= 0)
				break;
			length += (size_t)got;
		}
		if (strstr(result.output, LINE "halted"))
			break;
		if (sends_nmis && length && !strstr(result.output, "entering"))
			(void)!write(monitor[0], "nmi\n", 4);
	}
	usleep(strstr(result.output, LINE "halted") ? 200000 : 0);
	kill(child, waitpid(child, &status, WNOHANG) ? 0 : SIGTERM);
	close(output[0]);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status))
		result.status = WEXITSTATUS(status);
	close(monitor[0]);
	unlink(file);
	return result;
}
