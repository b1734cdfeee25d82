/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trace-load DIRECTORY COMMAND...: runs it, and stops it where it enters kexec_load: what the
 * kernel is about to copy is then in DIRECTORY, the bytes of segment N as N.bin and the
 * arguments in the file `call`. Reads the tracee's memory itself, so that nothing of the loader
 * is trusted. There, where it unloads, and where it enters kexec_file_load, `status` has what
 * /proc says of the loader; where it opens the file that AT in the environment names,
 * `status-at-open`. Where it enters reboot, it is killed, and `status-at-reboot` has what /proc
 * said then. Its status is the command's, by a shell's rule.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* include/uapi/linux/kexec.h */
struct segment {
	uint64_t buf, bufsz, mem, memsz;
};

static void die(const char *what)
{
	fprintf(stderr, "trace-load: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void peek(pid_t child, uint64_t address, void *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		struct iovec local = { (char *)to + done, size - done };
		struct iovec remote = { (void *)(uintptr_t)(address + done), size - done };
		ssize_t got = process_vm_readv(child, &local, 1, &remote, 1, 0);

		if (got <= 0)
			die("process_vm_readv");
		done += (size_t)got;
	}
}

/* An address that is not the tracee's is the kernel's to refuse. */
static int is_text(pid_t child, uint64_t address, const char *expected)
{
	char text[256];
	struct iovec local = { text, strlen(expected) + 1 };
	struct iovec remote = { (void *)(uintptr_t)address, local.iov_len };

	return local.iov_len <= sizeof(text) &&
	       process_vm_readv(child, &local, 1, &remote, 1, 0) == (ssize_t)local.iov_len &&
	       !memcmp(text, expected, local.iov_len);
}

static void keep(pid_t child, const struct user_regs_struct *regs)
{
	struct segment segment[16];
	size_t count = regs->rsi;
	FILE *call = fopen("call", "w");

	if (!call || count > 16)
		die("call");
	fprintf(call, "0x%llx %zu 0x%llx\n", regs->rdi, count, regs->r10);
	peek(child, regs->rdx, segment, count * sizeof(*segment));
	for (size_t i = 0; i < count; i++) {
		char *bytes = malloc(segment[i].bufsz + 1), name[16];
		FILE *file;

		snprintf(name, sizeof(name), "%zu.bin", i);
		file = fopen(name, "w");
		if (!bytes || !file)
			die(name);
		peek(child, segment[i].buf, bytes, segment[i].bufsz);
		if (fwrite(bytes, 1, segment[i].bufsz, file) != segment[i].bufsz || fclose(file))
			die(name);
		free(bytes);
		fprintf(call, "0x%lx %lu %lu\n", segment[i].mem, segment[i].memsz,
			segment[i].bufsz);
	}
	if (fclose(call))
		die("call");
}

static void keep_status(pid_t child, const char *name)
{
	char path[64], text[4096];
	FILE *from, *to = fopen(name, "w");
	size_t size;

	snprintf(path, sizeof(path), "/proc/%d/status", child);
	from = fopen(path, "r");
	if (!from || !to)
		die(path);
	size = fread(text, 1, sizeof(text), from);
	if (fwrite(text, 1, size, to) != size || fclose(to))
		die(name);
	fclose(from);
}

int main(int argc, char *argv[])
{
	const char *at = getenv("AT");
	int status, entering = 1;
	pid_t child;

	if (argc < 3 || chdir(argv[1]))
		die("usage: trace-load DIRECTORY COMMAND...");
	child = fork();
	if (!child) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execv(argv[2], &argv[2]);
		die(argv[2]);
	}
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
		die("the command does not start");
	ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD);
	for (;;) {
		struct user_regs_struct regs;

		if (ptrace(PTRACE_SYSCALL, child, NULL, NULL) ||
		    waitpid(child, &status, 0) != child)
			die("ptrace");
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		if (ptrace(PTRACE_GETREGS, child, NULL, &regs))
			die("PTRACE_GETREGS");
		if (entering && regs.orig_rax == SYS_kexec_load && regs.rsi)
			keep(child, &regs);
		if (entering &&
		    (regs.orig_rax == SYS_kexec_load || regs.orig_rax == SYS_kexec_file_load))
			keep_status(child, "status");
		if (entering && at && regs.orig_rax == SYS_openat && is_text(child, regs.rsi, at))
			keep_status(child, "status-at-open");
		if (entering && regs.orig_rax == SYS_reboot) {
			keep_status(child, "status-at-reboot");
			kill(child, SIGKILL);
			return waitpid(child, &status, 0) == child ? 128 + WTERMSIG(status) : 125;
		}
		entering = !entering;
	}
}
