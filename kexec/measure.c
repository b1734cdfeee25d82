/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kexec/sys/fd.h"

enum { LINE_MAX_BYTES = 512, BOOTS_MAX_MIB = 16384, MIB = 1 << 20 };
enum { SLOWER = 3 }; /* an emulated guest, at least */

/* The last words count. Serial output goes to QEMU's standard output. */
static const char own_words[] = "console=ttyS0 loglevel=7 ignore_loglevel panic=-1 nr_cpus=1 "
				"no_timer_check";
static const char began[] = " as init process"; /* run_init_process() in init/main.c */
static const char *const failures[] = {
	"Kernel panic - not syncing", "Out of memory",
	"invoked oom-killer",	      "page allocation failure",
	"Initramfs unpacking failed", "Failed to execute",
};

bool measure_find_qemu(char ret[PATH_MAX])
{
	const char *path = getenv("PATH") ?: "/usr/bin:/bin";

	while (*path) {
		size_t length = strcspn(path, ":");

		if (length &&
		    snprintf(ret, PATH_MAX, "%.*s/qemu-system-x86_64", (int)length, path) <
			    PATH_MAX &&
		    !access(ret, X_OK))
			return true;
		path += length + (path[length] == ':');
	}
	return false;
}

/* --- one boot --------------------------------------------------------------- */

enum boot { BOOT_USERSPACE, BOOT_FAILED, BOOT_SILENT };

struct watch {
	char line[LINE_MAX_BYTES];
	size_t used;
	char last[LINE_MAX_BYTES]; /* the last line that was not empty */
	bool spoke, userspace, failed;
};

static void end_line(struct watch *watch)
{
	watch->line[watch->used] = '\0';
	watch->used = 0;
	if (!*watch->line)
		return;
	memcpy(watch->last, watch->line, sizeof(watch->last));
	watch->userspace |= strstr(watch->line, began) != NULL;
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		watch->failed |= strstr(watch->line, failures[i]) != NULL;
}

static void look(struct watch *watch, const char *text, size_t size)
{
	watch->spoke = true;
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\n' || watch->used == sizeof(watch->line) - 1)
			end_line(watch);
		else if (text[i] >= ' ' && text[i] != '\177')
			watch->line[watch->used++] = text[i];
	}
}

static int to_memory(struct bytes bytes, int *ret, struct err *err)
{
	int fd = memfd_create("kexec-measure", MFD_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, errno, "memfd_create");
	if (fd_write(fd, bytes)) {
		err_set_errno(err, errno, "copying to memory");
		close(fd);
		return -1;
	}
	*ret = fd;
	return 0;
}

struct guest {
	const struct measure_request *request;
	int kernel, initrd;
	char *cmdline;
	bool kvm;
};

static void guest_done(struct guest *guest)
{
	fd_close(&guest->kernel);
	fd_close(&guest->initrd);
	free(guest->cmdline);
}

/* In the child. */
static void become_qemu(const struct guest *guest, uint64_t memory, int out, pid_t parent)
{
	char size[32], kernel[32], initrd[32];
	const char *const argv[] = {
		guest->request->qemu,
		"-machine",
		"pc",
		"-accel",
		guest->kvm ? "kvm" : "tcg",
		"-cpu",
		"max",
		"-smp",
		"1",
		"-m",
		size,
		"-nodefaults",
		"-no-user-config",
		"-nic",
		"none",
		"-display",
		"none",
		"-monitor",
		"none",
		"-no-reboot",
		"-serial",
		"stdio",
		"-kernel",
		kernel,
		"-initrd",
		initrd,
		"-append",
		guest->cmdline,
		NULL,
	};
	int null = open("/dev/null", O_RDONLY);

	snprintf(size, sizeof(size), "%lluM", (unsigned long long)(memory / MIB));
	snprintf(kernel, sizeof(kernel), "/proc/self/fd/%d", guest->kernel);
	snprintf(initrd, sizeof(initrd), "/proc/self/fd/%d", guest->initrd);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(out, 2) < 0 || fcntl(guest->kernel, F_SETFD, 0) ||
	    fcntl(guest->initrd, F_SETFD, 0))
		_exit(127);
	execv(guest->request->qemu, (char *const *)argv);
	_exit(127);
}

static unsigned int milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned int)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

/* Until it has lasted in userspace, has failed, has ended, or its time is over. */
static enum boot watch_guest(const struct guest *guest, int from, struct watch *watch)
{
	const struct measure_request *request = guest->request;
	unsigned int limit = request->limit_s * 1000, started = milliseconds();
	bool settles = false;
	char text[4096];

	while (!watch->failed) {
		struct pollfd wait = { .fd = from, .events = POLLIN };
		unsigned int past = milliseconds() - started;
		ssize_t got;

		if (guest->kvm && !watch->spoke && past >= request->silence_s * 1000)
			break;
		if (past >= limit)
			return settles ? BOOT_USERSPACE : BOOT_FAILED;
		poll(&wait, 1, 100);
		if (!wait.revents)
			continue;
		got = read(from, text, sizeof(text));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		look(watch, text, (size_t)got);
		if (watch->userspace && !settles) {
			settles = true;
			limit = milliseconds() - started +
				request->settle_s * 1000 * (guest->kvm ? 1 : SLOWER);
		}
	}
	end_line(watch);
	if (watch->userspace && !watch->failed)
		return BOOT_USERSPACE;
	return watch->spoke ? BOOT_FAILED : BOOT_SILENT;
}

static int boot(const struct guest *guest, uint64_t memory, struct watch *watch, enum boot *ret,
		struct err *err)
{
	int from CLEANUP(fd_close) = -1, to CLEANUP(fd_close) = -1, ends[2];
	pid_t parent = getpid(), child;

	if (pipe2(ends, O_CLOEXEC))
		return err_set_errno(err, errno, "pipe");
	from = ends[0];
	to = ends[1];
	child = fork();
	if (child < 0)
		return err_set_errno(err, errno, "fork");
	if (!child)
		become_qemu(guest, memory, to, parent);
	fd_close(&to);
	to = -1;
	*watch = (struct watch){ 0 };
	*ret = watch_guest(guest, from, watch);
	kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* --- the search ---------------------------------------------------------------- */

struct search {
	struct guest guest;
	struct watch watch;
	unsigned int boots;
};

static void search_done(struct search *search)
{
	guest_done(&search->guest);
}

static int try(struct search *search, uint64_t memory, bool *ret, struct err *err)
{
	struct guest *guest = &search->guest;
	unsigned int started = milliseconds();
	enum boot result = BOOT_FAILED;

	if (boot(guest, memory, &search->watch, &result, err))
		return -1;
	/* There, and not working: in a virtual machine that has no other inside. */
	if (guest->kvm && (result == BOOT_SILENT || (!search->boots && result == BOOT_FAILED))) {
		guest->kvm = false;
		return try(search, memory, ret, err);
	}
	search->boots++;
	*ret = result == BOOT_USERSPACE;
	if (guest->request->progress)
		fprintf(guest->request->progress, "kexec: %llu MiB, %s: %s after %u s\n",
			(unsigned long long)(memory / MIB), guest->kvm ? "KVM" : "emulated",
			*ret ? "userspace" : "none", (milliseconds() - started) / 1000);
	return 0;
}

static int bisect(struct search *search, uint64_t low, uint64_t high, struct measure_result *ret,
		  struct err *err)
{
	const uint64_t unit = search->guest.request->unit;
	bool enough = false;

	for (;;) {
		if (try(search, high * unit, &enough, err))
			return -1;
		if (enough)
			break;
		if (high * unit / MIB >= BOOTS_MAX_MIB)
			return err_set(err, ERR_INPUT,
				       "it does not reach userspace in QEMU, not in %llu MiB; its "
				       "last line: %.200s",
				       (unsigned long long)(high * unit / MIB), search->watch.last);
		low = high;
		high *= 2;
	}
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (try(search, middle * unit, &enough, err))
			return -1;
		*(enough ? &high : &low) = middle;
	}
	*ret = (struct measure_result){ high * unit, low * unit, search->boots };
	return 0;
}

int measure(const struct measure_request *request, struct measure_result *ret, struct err *err)
{
	struct search search CLEANUP(search_done) = {
		.guest = { .request = request,
			   .kernel = -1,
			   .initrd = -1,
			   .kvm = !access("/dev/kvm", R_OK | W_OK) },
	};
	uint64_t low = request->never / request->unit;
	uint64_t high = (request->first + request->unit - 1) / request->unit;

	if (to_memory(request->kernel, &search.guest.kernel, err) ||
	    to_memory(request->initrd, &search.guest.initrd, err))
		return -1;
	if (asprintf(&search.guest.cmdline, "%s %s", request->cmdline, own_words) < 0) {
		search.guest.cmdline = NULL;
		return err_no_memory(err);
	}
	return bisect(&search, low, high > low ? high : low + 1, ret, err);
}
