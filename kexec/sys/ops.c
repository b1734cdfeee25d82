/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/sys/ops.h"

#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int real_load(void *context, uint64_t entry, size_t nr_segments,
		     const struct kexec_segment *segment, unsigned long flags)
{
	(void)context;
	return syscall(SYS_kexec_load, entry, nr_segments, segment, flags) ? -errno : 0;
}

static int real_file_load(void *context, int kernel_fd, int initrd_fd, size_t cmdline_size,
			  const char *cmdline, unsigned long flags)
{
	(void)context;
	return syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, cmdline_size, cmdline, flags)
		       ? -errno
		       : 0;
}

static void real_sync(void *context)
{
	(void)context;
	sync();
}

static void real_network_down(void *context)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct if_nameindex *interfaces = fd < 0 ? NULL : if_nameindex();

	(void)context;
	for (struct if_nameindex *at = interfaces; at && at->if_index; at++) {
		struct ifreq request = { 0 };

		/* The name of an address of another one. */
		if (strchr(at->if_name, ':'))
			continue;
		strncpy(request.ifr_name, at->if_name, sizeof(request.ifr_name) - 1);
		if (ioctl(fd, SIOCGIFFLAGS, &request) || request.ifr_flags & IFF_LOOPBACK ||
		    !(request.ifr_flags & IFF_UP))
			continue;
		request.ifr_flags = (short)(request.ifr_flags & ~IFF_UP);
		ioctl(fd, SIOCSIFFLAGS, &request);
	}
	if (interfaces)
		if_freenameindex(interfaces);
	if (fd >= 0)
		close(fd);
}

static int real_exec_loaded(void *context)
{
	(void)context;
	reboot(LINUX_REBOOT_KEXEC);
	return -errno;
}

static int real_shutdown(void *context)
{
	static const char *const path[] = { "/sbin/shutdown", "/etc/shutdown", "/bin/shutdown" };

	(void)context;
	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++)
		execl(path[i], "shutdown", "-r", "now", (char *)NULL);
	return -errno;
}

static void real_keep_only(void *context, unsigned int privileges)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint32_t keep = CAP_TO_MASK(CAP_SYS_BOOT);

	(void)context;
	if (syscall(SYS_capget, &header, data))
		return;
	if (privileges & PRIVILEGE_NETWORK)
		keep |= CAP_TO_MASK(CAP_NET_ADMIN);
	if (privileges & PRIVILEGE_FILES)
		keep |= CAP_TO_MASK(CAP_DAC_OVERRIDE);
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= i ? 0 : keep;
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	syscall(SYS_capset, &header, data);
	if (!(privileges & PRIVILEGE_PROGRAMS))
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

const struct ops ops_real = {
	.load = real_load,
	.file_load = real_file_load,
	.sync = real_sync,
	.network_down = real_network_down,
	.exec_loaded = real_exec_loaded,
	.shutdown = real_shutdown,
	.keep_only = real_keep_only,
};

void ops_keep_only(const struct ops *ops, unsigned int privileges)
{
	if (ops && ops->keep_only)
		ops->keep_only(ops->context, privileges);
}

size_t ops_plan_flags(const struct plan *plan, unsigned long ret[OPS_FLAGS_MAX])
{
	unsigned long flags =
		KEXEC_ARCH_X86_64 | (range_is_valid(plan->reservation) ? KEXEC_ON_CRASH : 0);

	ret[0] = flags;
	if (!plan->hotplug)
		return 1;
	ret[0] = flags | KEXEC_CRASH_HOTPLUG_SUPPORT;
	ret[1] = flags | KEXEC_UPDATE_ELFCOREHDR;
	return 2;
}

int ops_load_plan(const struct ops *ops, const struct plan *plan, unsigned long flags)
{
	struct kexec_segment segment[PLAN_ITEMS_MAX];
	unsigned int order[PLAN_ITEMS_MAX];

	plan_sorted(plan, order);
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		const struct plan_item *item = &plan->item[order[i]];

		segment[i] = (struct kexec_segment){
			.buf = item->file.data,
			.bufsz = item->file.size,
			.mem = (const void *)(uintptr_t)item->load.start,
			.memsz = item->mem_size,
		};
	}
	return ops->load(ops->context, plan->entry, plan->nr_items, segment, flags);
}
