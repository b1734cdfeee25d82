/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is found wrong with machines that have something wrong with them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kexec/doctor.h"
#include "tests/mk/image.h"
#include "tests/mk/machine.h"
#include "tests/mk/pack.h"
#include "tests/mk/program.h"
#include "x86/bootparam.h"

static struct mk_machine machine;
static char kernel[MK_PATH_MAX];

static const char iomem[] = "00001000-0009fbff : System RAM\n"
			    "00100000-3fffffff : System RAM\n"
			    "  10000000-17ffffff : Crash kernel\n";

struct row {
	const char *path, *text; /* text NULL: the file is not there */
	bool fails;
	const char *said;
};

static const struct row rows[] = {
	{ "sys/kernel/kexec_loaded", NULL, true,
	  "fail  system call    the running kernel was built without kexec "
	  "(/sys/kernel/kexec_loaded is missing)\n"
	  "                     try: install a kernel with CONFIG_KEXEC\n" },
	{ "proc/sys/kernel/kexec_load_disabled", "1\n", true,
	  "fail  system call    kernel.kexec_load_disabled is 1: nothing can be loaded until the next "
	  "boot\n                     try: reboot; find what sets it in sysctl.d\n" },
	{ "proc/sys/kernel/kexec_load_limit_reboot", "0\n", true,
	  "fail  kexec_load_limit_reboot 0 more loads are allowed until the next boot\n" },
	{ "proc/sys/kernel/kexec_load_limit_panic", "3\n", false,
	  "warn  kexec_load_limit_panic 3 more loads are allowed until the next boot\n" },
	{ "proc/sys/kernel/kexec_load_limit_panic", "-1\n", false, "ok    lockdown       none\n" },
	{ "sys/kernel/security/lockdown", "none [integrity] confidentiality\n", false,
	  "warn  lockdown       the kernel is locked down (integrity): its own loader must be used, " },
	{ "proc/iomem", "00000000-00000000 : System RAM\n", true,
	  "fail  machine        /proc/iomem hides every address\n                     try: run this as root\n" },
	{ "sys/hypervisor/properties/features", "00002f05\n", true,
	  "fail  hypervisor     /sys/hypervisor: this is Xen's dom0: only the hypervisor can start "
	  "another kernel\n" },
	{ "proc/cmdline", "quiet\n", false,
	  "warn  console        no serial console: if the purgatory finds damage nobody hears of it\n" },
	{ "proc/cmdline", "console=ttyS1\n", false,
	  "ok    console        the purgatory speaks on the serial port 0x2f8\n" },
	{ "proc/iomem", "00100000-3fffffff : System RAM\n", false,
	  "warn  reservation    none: if this kernel crashes, nobody learns why\n"
	  "                     try: boot the running kernel with crashkernel=80M\n" },
	/* 80 MiB, and twice the kernel's 48, are left where there are 176, and not a page below. */
	{ "proc/iomem", "00100000-0b0fffff : System RAM\n", false,
	  "warn  reservation    none: if this kernel crashes, nobody learns why\n"
	  "                     try: boot the running kernel with crashkernel=80M\n" },
	{ "proc/iomem", "00100000-0b0fefff : System RAM\n", false,
	  "warn  reservation    none: if this kernel crashes, nobody learns why\n"
	  "                     try: use a smaller kernel or initrd: this machine has 175 MiB of "
	  "memory, too little for the crashkernel=80M that these take\n" },
	{ "proc/iomem", "00100000-3fffffff : System RAM\n  10000000-11ffffff : Crash kernel\n",
	  true,
	  "crashkernel=80M\n                     try: boot the running kernel with crashkernel=80M\n" },
	{ "proc/iomem", "00100000-3fffffff : System RAM\n  10000000-13ffffff : Crash kernel\n",
	  false,
	  "warn  reservation    65536 KiB; to load, to boot and to write a dump takes about 81920 KiB, "
	  "and the crash kernel would be checked and repaired\n                     try: boot the "
	  "running kernel with crashkernel=80M\n" },
	{ "proc/iomem",
	  "00001000-0009fbff : System RAM\n00100000-00ffffff : System RAM\n20000000-20ffffff : System "
	  "RAM\n",
	  true, "fail  reboot         " },
	{ "sys/kernel/crash_elfcorehdr_size", "16384\n", false,
	  "ok    hotplug        with --hotplug the dump follows memory and CPUs that come and go\n" },
	{ "sys/kernel/kexec_crash_loaded", "1\n", false,
	  "ok    loaded crash   a crash kernel\n"
	  "warn  loaded crash   another program has loaded it, and did not record what it is\n"
	  "                     try: kexec -p, again\n" },
	{ "sys/kernel/kexec_crash_loaded", "0\n", false, "warn  loaded crash   no crash kernel\n" },
	{ "sys/kernel/kexec_loaded", "0\n", false, "ok    loaded         no kernel\n" },
	{ "dmesg", "<6>[    0.1] Hyper-V: running as root partition\n", true,
	  "fail  hypervisor     this is a root partition of Hyper-V: " },
	{ "dmesg", "<6>[    0.1] Hyper-V: running on a nested hypervisor\n", false, "" },
	{ "sys/devices/virtual/misc/mshv/dev", "10:1\n", true,
	  "fail  hypervisor     this is a root partition of Hyper-V: " },
	{ "sys/firmware/efi/fw_vendor", "0x3f5ec018\n", false,
	  "warn  EFI            there is no /sys/firmware/efi/runtime-map: the next kernel has no EFI "
	  "runtime services, so no EFI variables\n"
	  "                     try: boot the running kernel without noefi and efi=noruntime\n" },
	{ "sys/kernel/boot_params/data", NULL, true,
	  "warn  framebuffer    not known: /sys/kernel/boot_params/data cannot be read\n"
	  "                     try: the same on the machine itself\n" },
	{ "proc/cmdline", "\n", false, "ok    framebuffer    none, and no screen\n" },
	{ "sys/class/tty/ttyS2/type", "4\n", false,
	  "warn  console        no serial console: if the purgatory finds damage nobody hears of it\n"
	  "                     try: console=ttyS2\n" },
	{ "sys/class/tty/ttyS0/type", "0\n", false,
	  "nobody hears of it\n                     try: --console-vga\n" },
	{ "proc/cpuinfo", "flags\t\t: fpu la57\n\n", false,
	  "ok    5-level paging on, and the kernel can be entered so\n" },
	{ "proc/cpuinfo", "flags\t\t: fpu\n\n", false, "ok    5-level paging off\n" },
};

static int set_up(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];

	(void)state;
	mk_machine_init(&machine);
	mk_image(image);
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	mk_path(&machine, "vmlinuz", kernel);
	mk_text(&machine, "proc/iomem", iomem);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mk_machine_done(&machine);
	return 0;
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct root root;
		const struct doctor_request request = { .root = &root, .kernel = kernel };
		struct err err = { 0 };
		char *said = NULL;
		size_t size;
		bool failed;
		FILE *to = open_memstream(&said, &size);

		set_up(state);
		mk_text(&machine, "sys/kernel/kexec_loaded", "0\n");
		mk_text(&machine, "sys/kernel/kexec_crash_loaded", "0\n");
		mk_text(&machine, "sys/hypervisor/type", "xen\n");
		if (row->text)
			mk_text(&machine, row->path, row->text);
		else
			mk_file(&machine, row->path, NULL, 0);
		assert_int_equal(root_open(machine.path, &root, &err), 0);
		if (doctor(&request, to, &failed, &err))
			fail_msg("row %zu: %s", i, err.text);
		fclose(to);
		if (!strstr(said, row->said) || failed != row->fails)
			fail_msg("row %zu: expected \"%s\", got \"%s\"", i, row->said, said);
		free(said);
		root_close(&root);
		tear_down(state);
	}
}

/* Of a kernel and a command line; the bytes of a file are changed, or the words. */
static char *examine(const char *cmdline, bool estimates, bool *ret_failed)
{
	struct root root CLEANUP(root_close) = { 0 };
	const struct doctor_request request = { .root = &root,
						.kernel = kernel,
						.cmdline = cmdline };
	struct err err = { 0 };
	char *said = NULL;
	size_t size;
	FILE *to = open_memstream(&said, &size);

	assert_int_equal(root_open(machine.path, &root, &err), 0);
	if (estimates ? doctor_estimate(&request, to, &err)
		      : doctor(&request, to, ret_failed, &err))
		fail_msg("%s", err.text);
	fclose(to);
	return said;
}

static void expect_said(char *said, const char *line)
{
	if (!strstr(said, line))
		fail_msg("expected \"%s\", got \"%s\"", line, said);
	free(said);
}

static void test_screen(void **state)
{
	static struct boot_params params;
	bool failed;

	(void)state;
	params.screen_info.bytes[SCREEN_INFO_IS_VGA] = 1;
	mk_file(&machine, "sys/kernel/boot_params/data", &params, sizeof(params));
	expect_said(examine(NULL, false, &failed),
		    "ok    framebuffer    none, a VGA text screen\n");
	params.screen_info.bytes[SCREEN_INFO_IS_VGA] = VIDEO_TYPE_EFI;
	put_u16(params.screen_info.bytes + SCREEN_INFO_LFB_WIDTH, 1280);
	put_u16(params.screen_info.bytes + SCREEN_INFO_LFB_HEIGHT, 800);
	mk_file(&machine, "sys/kernel/boot_params/data", &params, sizeof(params));
	expect_said(examine(NULL, false, &failed),
		    "ok    framebuffer    1280 by 800, which is handed on\n");
	assert_false(failed);
}

/* Root is of use only where the file would be there for it. */
static void test_machine_unknown(void **state)
{
	char memmap[MK_PATH_MAX], hidden[MK_PATH_MAX], top[MK_PATH_MAX], path[MK_PATH_MAX];
	uid_t user = geteuid();
	bool failed;
	char *said;

	(void)state;
	mk_path(&machine, "sys/firmware/memmap", memmap);
	mk_path(&machine, "sys/firmware/hidden", hidden);
	mk_path(&machine, "", top);
	mk_path(&machine, "proc/iomem", path);
	assert_int_equal(rename(memmap, hidden), 0);
	expect_said(examine(NULL, false, &failed),
		    "fail  machine        /sys/firmware/memmap has no entries: the running kernel "
		    "does not show the firmware's memory map (CONFIG_FIRMWARE_MEMMAP), or a "
		    "container hides it\n"
		    "                     try: outside of a container; or kexec -s ..., which "
		    "loads without that map and shows no plan\n");
	assert_true(failed);
	assert_int_equal(rename(hidden, memmap), 0);
	assert_int_equal(chmod(top, 0755), 0);
	assert_int_equal(chmod(path, 0), 0);
	if (!user)
		assert_int_equal(seteuid(65534), 0);
	said = examine(NULL, false, &failed);
	assert_int_equal(seteuid(user), 0);
	expect_said(said, "fail  machine        /proc/iomem: Permission denied\n"
			  "                     try: run this as root\n");
}

/* Nothing of a name is an order to a terminal. */
static void test_odd_name(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];
	bool failed;

	(void)state;
	mk_image(image);
	mk_file(&machine, "vm\033linuz\xff", image, sizeof(image));
	mk_path(&machine, "vm\033linuz\xff", kernel);
	expect_said(examine(NULL, false, &failed), "vm?linuz?");
}

static void test_paging(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];
	bool failed;

	(void)state;
	mk_text(&machine, "proc/cpuinfo", "flags\t\t: fpu la57\n\n");
	mk_image(image);
	put_u16(image + offsetof(struct boot_params, hdr.xloadflags), XLF_KERNEL_64);
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	expect_said(
		examine(NULL, false, &failed),
		"ok    5-level paging on, and the kernel is entered in 32-bit mode, for it cannot "
		"be entered so\n");
	assert_false(failed);
	mk_text(&machine, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	expect_said(examine(NULL, false, &failed),
		    ": the running kernel is locked down, and its own loader does not take it\n");
	assert_true(failed);
}

static void test_new_console(void **state)
{
	bool failed;

	(void)state;
	mk_text(&machine, "proc/cmdline", "console=ttyS0\n");
	expect_said(
		examine("nr_cpus=1 quiet", false, &failed),
		"warn  console        the running kernel has a serial console, the new command line "
		"names none: ");
	expect_said(examine("nr_cpus=1 console=ttyS0", false, &failed),
		    "the purgatory speaks on the serial port 0x3f8\nok    reboot ");
}

/* What the capture kernel needs for CPUs and bounce buffers: in the estimate, and in a verdict. */
static void test_parts(void **state)
{
	static const char with_low[] = "00100000-bfffffff : System RAM\n"
				       "  10000000-17ffffff : Crash kernel\n"
				       "  60000000-67ffffff : Crash kernel\n";
	static const char above[] = "00100000-bfffffff : System RAM\n"
				    "100000000-1ffffffff : System RAM\n"
				    "  110000000-117ffffff : Crash kernel\n";
	uint8_t srat[48 + 16 + 40 + 40] = { 0 };
	static const char base[] = "crashkernel=80M\n", bounce[] = "  65536 KiB  bounce buffers ";
	char *said;
	bool failed;

	(void)state;
	expect_said(examine(NULL, true, NULL), base);
	/* One each, whatever the machine has; then all that it may have. */
	for (int i = 0; i < 4; i++) {
		char path[64];

		snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%d/crash_notes", i);
		mk_text(&machine, path, "1000000\n");
		snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%d/crash_notes_size", i);
		mk_text(&machine, path, "360\n");
	}
	expect_said(examine(NULL, true, NULL), base);
	expect_said(examine("quiet", true, NULL), "      6144 KiB  for 3 CPUs more\n");
	mk_text(&machine, "sys/devices/system/cpu/possible", "0-1,4-11\n");
	expect_said(examine("quiet", true, NULL), "      8256 KiB  for 11 CPUs more\n");
	expect_said(examine("maxcpus=1", true, NULL), "  for 11 CPUs more\n");
	expect_said(examine("nr_cpus=3", true, NULL), "      4096 KiB  for 2 CPUs more\n");
	expect_said(examine("nr_cpus=300", true, NULL), "  for 11 CPUs more\n");
	expect_said(examine("nosmp", true, NULL), base);
	expect_said(examine("maxcpus=0", true, NULL), base);
	expect_said(
		examine("quiet", false, &failed),
		"warn  CPUs           the crash kernel makes room for 12 CPUs, which takes about "
		"8256 KiB of the reservation\n                     try: add nr_cpus=1 to ");
	assert_false(failed);
	/* ACPI names a processor, memory that is not there, and memory below, then above, 4 GiB. */
	srat[48 + 1] = 16;
	for (size_t at = 48 + 16; at < sizeof(srat); at += 40) {
		srat[at] = 1;
		srat[at + 1] = 40;
		put_u64(srat + at + 8, at == 64 ? 0x80000000 : UINT64_C(1) << 40);
		put_u64(srat + at + 16, 0x80000000);
		put_u32(srat + at + 28, at == 64);
	}
	mk_file(&machine, "sys/firmware/acpi/tables/SRAT", srat, sizeof(srat));
	said = examine(NULL, true, NULL);
	assert_null(strstr(said, "bounce"));
	free(said);
	put_u64(srat + 64 + 16, 0x80001000);
	mk_file(&machine, "sys/firmware/acpi/tables/SRAT", srat, sizeof(srat));
	expect_said(examine(NULL, true, NULL), bounce);
	expect_said(examine("nr_cpus=1 swiotlb=4096,force", true, NULL),
		    "      8192 KiB  bounce buffers ");
	said = examine("nr_cpus=1 swiotlb=noforce", true, NULL);
	assert_null(strstr(said, "bounce"));
	free(said);
	expect_said(examine(NULL, false, &failed), "takes about 147456 KiB, ");
	/* They come out of the low reservation, where there is one. */
	for (int i = 0; i < 2; i++) {
		mk_text(&machine, "proc/iomem", i ? above : with_low);
		said = examine(NULL, true, NULL);
		assert_null(strstr(said, "bounce"));
		free(said);
	}
	mk_text(&machine, "proc/iomem", iomem);
	/* Cut, and with an entry of no length. */
	mk_file(&machine, "sys/firmware/acpi/tables/SRAT", srat, 64 + 20);
	said = examine(NULL, true, NULL);
	assert_null(strstr(said, "bounce"));
	free(said);
	srat[48 + 1] = 0;
	mk_file(&machine, "sys/firmware/acpi/tables/SRAT", srat, sizeof(srat));
	said = examine(NULL, true, NULL);
	assert_null(strstr(said, "bounce"));
	free(said);
}

/* They can be started, and never be crash kernels: no reservation would help. */
static void test_programs(void **state)
{
	static const char refusal[] =
		"only a Linux kernel can be told where the dump is: this one cannot be a crash kernel";
	uint8_t file[MK_PROGRAM_SIZE];
	char expected[200];

	(void)state;
	for (int i = 0; i < 6; i++) {
		bool is_reserved = i & 1, failed;
		struct root root CLEANUP(root_close) = { 0 };
		const struct doctor_request request = { .root = &root, .kernel = kernel };
		struct err err;
		char *said;

		mk_program(file, i >= 4);
		if (i < 2)
			mk_multiboot_1(file, 0, NULL);
		else if (i < 4)
			mk_multiboot_2(file, NULL, 0);
		mk_file(&machine, "vmlinuz", file, sizeof(file));
		mk_text(&machine, "proc/iomem",
			is_reserved ? iomem : "00100000-3fffffff : System RAM\n");
		said = examine(NULL, false, &failed);
		assert_int_equal(failed, is_reserved);
		assert_null(strstr(said, "crashkernel="));
		assert_non_null(strstr(said, "ok    reboot         "));
		assert_null(strstr(said, "()"));
		snprintf(expected, sizeof(expected), "%s  crash kernel   %s\n",
			 is_reserved ? "fail" : "warn", refusal);
		expect_said(said, expected);
		assert_int_equal(root_open(machine.path, &root, &err), 0);
		assert_int_equal(doctor_estimate(&request, stdout, &err), -1);
		assert_non_null(strstr(err.text, refusal));
	}
}

/* A larger reservation is advised only where that is what is missing. */
static void test_no_remedy(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];
	struct mk_kcore kcore = mk_kcore(0x2000000, 0x1000, 0x9f000);
	bool failed;

	(void)state;
	mk_image(image)->relocatable_kernel = 0;
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	expect_said(examine(NULL, false, &failed),
		    " is used: use a kernel that is relocatable\nok    loaded ");
	assert_true(failed);
	mk_image(image);
	mk_file(&machine, "vmlinuz", image, sizeof(image));
	mk_file(&machine, "proc/kcore", &kcore, sizeof(kcore));
	mk_text(&machine, "proc/iomem",
		"00100000-3fffffff : System RAM\n  02000000-05ffffff : Crash kernel\n");
	expect_said(examine(NULL, false, &failed),
		    " lies in the reservation for the crash kernel\nok    loaded ");
	assert_true(failed);
}

static void assert_estimated(const struct doctor_request *request, const char *initrd,
			     const char *unpacked)
{
	char *said = NULL;
	size_t size;
	FILE *to = open_memstream(&said, &size);
	struct err err;

	if (doctor_estimate(request, to, &err))
		fail_msg("%s", err.text);
	fclose(to);
	if (!strstr(said, initrd))
		fail_msg("no \"%s\" in \"%s\"", initrd, said);
	expect_said(said, unpacked);
}

static void test_unpacked_initrd(void **state)
{
	struct buf zeros CLEANUP(buf_done) = { 0 }, archive CLEANUP(buf_done) = { 0 };
	struct buf packed CLEANUP(buf_done) = { 0 };
	char initrd[MK_PATH_MAX];
	const char *const initrds[] = { initrd };
	struct root root CLEANUP(root_close) = { 0 };
	struct doctor_request request = {
		.root = &root,
		.kernel = kernel,
		.initrd = initrds,
		.nr_initrds = 1,
		.unpack_initrd = true,
	};
	FILE *to = tmpfile();
	struct err err;

	(void)state;
	assert_int_equal(buf_extend(&zeros, 4 << 20, &err), 0);
	pack_file("zeros", buf_bytes(&zeros), &archive);
	pack_archive_end(&archive);
	pack_gzip(buf_bytes(&archive), &packed);
	mk_path(&machine, "initrd", initrd);
	assert_int_equal(root_open(machine.path, &root, &err), 0);
	mk_file(&machine, "initrd", packed.data, packed.size);
	assert_estimated(&request, "\n      4096 KiB  the initrd as it is loaded\n",
			 "\n      4096 KiB  the initrd, unpacked\n");
	/* Where nothing is, it is loaded as it is. */
	mk_file(&machine, "initrd", archive.data, archive.size);
	assert_estimated(&request, "\n      4096 KiB  the initrd as it is loaded\n",
			 "\n     12288 KiB  the initrd, unpacked\n");
	mk_file(&machine, "initrd", packed.data, packed.size - 1);
	assert_int_equal(doctor_estimate(&request, to, &err), -1);
	assert_non_null(strstr(err.text, "initrd: the member at 0x0: gzip: truncated"));
	fclose(to);
}

/* The running kernel's own file, where there is none. */
static void test_no_kernel(void **state)
{
	struct root root CLEANUP(root_close) = { 0 };
	struct doctor_request request = { .root = &root };
	struct err err;

	(void)state;
	mk_text(&machine, "proc/sys/kernel/osrelease", "6.0-absent\n");
	assert_int_equal(root_open(machine.path, &root, &err), 0);
	root.is_live = true;
	assert_int_equal(doctor_estimate(&request, stderr, &err), -1);
	assert_string_equal(err.text,
			    "no kernel is named, and /boot/vmlinuz-6.0-absent is not there");
}

/* With a script in QEMU's place, which reaches userspace in 64 MiB. */
static void test_measured(void **state)
{
	static const char script[] =
		"#!/bin/sh\n"
		"while [ $# -gt 1 ]; do\n"
		"	[ \"$1 $2\" != '-accel kvm' ] || exit 1\n"
		"	[ $1 != -m ] || memory=${2%M}\n"
		"	shift\n"
		"done\n"
		"[ $memory -lt 64 ] || { echo 'Run /init as init process'; exit 0; }\n"
		"echo 'Kernel panic - not syncing: System is deadlocked on memory'\n";
	char initrd[MK_PATH_MAX], bin[MK_PATH_MAX], qemu[MK_PATH_MAX];
	const char *const initrds[] = { initrd };
	struct root root CLEANUP(root_close) = { 0 };
	struct doctor_request request = { .root = &root, .kernel = kernel, .measure = true };
	struct err err = { 0 };
	char *said = NULL, *path = strdup(getenv("PATH") ?: "/usr/bin:/bin"), *longer;
	size_t size;
	FILE *to = open_memstream(&said, &size);

	(void)state;
	mk_text(&machine, "initrd", "070701");
	mk_path(&machine, "initrd", initrd);
	assert_int_equal(root_open(machine.path, &root, &err), 0);
	setenv("PATH", "/nonexistent", 1);
	assert_int_equal(doctor_estimate(&request, to, &err), -1);
	assert_string_equal(err.text,
			    "--estimate=measure: qemu-system-x86_64 is not on PATH: install "
			    "it, or do without =measure");
	mk_text(&machine, "bin/qemu-system-x86_64", script);
	mk_path(&machine, "bin/qemu-system-x86_64", qemu);
	mk_path(&machine, "bin", bin);
	assert_int_equal(chmod(qemu, 0755), 0);
	assert_true(asprintf(&longer, "%s:%s", bin, path) > 0);
	setenv("PATH", longer, 1);
	free(longer);
	assert_int_equal(doctor_estimate(&request, to, &err), -1);
	assert_string_equal(err.text,
			    "--estimate=measure: without an initrd there is no userspace: "
			    "name it with --initrd");
	request.initrd = initrds;
	request.nr_initrds = 1;
	if (doctor_estimate(&request, to, &err))
		fail_msg("%s", err.text);
	fclose(to);
	assert_memory_equal(
		said,
		"crashkernel=80M\n"
		"     65536 KiB  measured: the pair reaches userspace on one CPU, not in "
		"57344 KiB (3 boots)\n"
		"      8192 KiB  left to the program that writes the dump\n",
		160);
	expect_said(said, "\nnot measured, but computed, it is crashkernel=80M\n");
	/* It is not done unasked, but told of. */
	expect_said(examine(NULL, true, NULL),
		    "\n--estimate=measure boots the pair in QEMU to see\n");
	setenv("PATH", path, 1);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test_setup_teardown(test_machine_unknown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_screen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_odd_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_paging, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_new_console, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_parts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_programs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_remedy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unpacked_initrd, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_kernel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_measured, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
