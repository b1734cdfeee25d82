/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rdtsc: prints the time stamp counter, which goes on counting across a kexec.
 * rdtsc COMMAND...: runs the command, then prints "TICKS KIB": what it took by that
 * counter, and its peak resident memory. Its exit status is the command's.
 *
 * Under QEMU's -icount shift=0 a tick is one guest instruction.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

int main(int argc, char *argv[])
{
	unsigned long long before = __rdtsc();
	struct rusage usage;
	int status;
	pid_t child;

	if (argc < 2) {
		printf("%llu\n", before);
		return 0;
	}
	child = vfork();
	if (!child) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child) {
		perror(argv[1]);
		return 127;
	}
	printf("%llu %ld\n", __rdtsc() - before, usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
