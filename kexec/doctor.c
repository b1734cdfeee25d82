/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/doctor.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/decompress.h"
#include "kexec/sys/gather.h"
#include "kexec/sys/input.h"
#include "kexec/x86/kernel_loader.h"
#include "kexec/x86/load.h"

enum { DOCTOR_SCHEMA = 1, CHECKS_MAX = 64, TEXT_MAX = 1024, REMEDY_MAX = 256 };

enum verdict { VERDICT_OK, VERDICT_WARN, VERDICT_FAIL };

static const char *const verdict_name[] = { "ok", "warn", "fail" };

struct check {
	enum verdict verdict;
	const char *name;
	char text[TEXT_MAX];
	char remedy[REMEDY_MAX]; /* "": none is needed */
};

struct examination {
	const struct doctor_request *request;
	struct system system;
	struct inputs kernel, initrd;
	struct buf expanded;
	char *default_kernel, *default_initrd;
	struct check check[CHECKS_MAX];
	size_t nr_checks;
};

static void examination_done(struct examination *on)
{
	system_done(&on->system);
	inputs_done(&on->kernel);
	inputs_done(&on->initrd);
	buf_done(&on->expanded);
	free(on->default_kernel);
	free(on->default_initrd);
}

static void say(struct examination *on, enum verdict verdict, const char *name, const char *remedy,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

static void say(struct examination *on, enum verdict verdict, const char *name, const char *remedy,
		const char *format, ...)
{
	struct check *check = &on->check[on->nr_checks];
	va_list arguments;

	if (on->nr_checks == CHECKS_MAX)
		return;
	on->nr_checks++;
	check->verdict = verdict;
	check->name = name;
	snprintf(check->remedy, sizeof(check->remedy), "%s", remedy);
	va_start(arguments, format);
	vsnprintf(check->text, sizeof(check->text), format, arguments);
	va_end(arguments);
}

static bool read_number(const struct examination *on, const char *path, uint64_t *ret)
{
	struct err ignored;

	return !root_read_number(on->request->root, path, ret, &ignored);
}

/* --- may anything be loaded ------------------------------------------------ */

static void check_call(struct examination *on)
{
	static const char *const limit[] = { "kexec_load_limit_reboot", "kexec_load_limit_panic" };
	const char *lockdown = on->system.lockdown;
	uint64_t value;
	char path[64];

	if (!read_number(on, "sys/kernel/kexec_loaded", &value) &&
	    !read_number(on, "sys/kernel/kexec/loaded", &value))
		say(on, VERDICT_FAIL, "system call", "install a kernel with CONFIG_KEXEC",
		    "the running kernel was built without kexec (/sys/kernel/kexec_loaded is missing)");
	else if (read_number(on, "proc/sys/kernel/kexec_load_disabled", &value) && value)
		say(on, VERDICT_FAIL, "system call", "reboot; find what sets it in sysctl.d",
		    "kernel.kexec_load_disabled is 1: nothing can be loaded until the next boot");
	else
		say(on, VERDICT_OK, "system call", "", "kernels can be loaded");
	for (size_t i = 0; i < sizeof(limit) / sizeof(limit[0]); i++) {
		snprintf(path, sizeof(path), "proc/sys/kernel/%s", limit[i]);
		/* -1, which is no such number, is no limit. */
		if (read_number(on, path, &value))
			say(on, value ? VERDICT_WARN : VERDICT_FAIL, limit[i],
			    "reboot to load again",
			    "%" PRIu64 " more loads are allowed until the next boot", value);
	}
	if (lockdown && strcmp(lockdown, "none"))
		say(on, VERDICT_WARN, "lockdown", "kexec -s, with a kernel that is signed",
		    "the kernel is locked down (%s): its own loader must be used, without spare copies "
		    "and without this loader's placement",
		    lockdown);
	else
		say(on, VERDICT_OK, "lockdown", "", "none");
}

/* --- the machine ------------------------------------------------------------ */

static void check_warnings(struct examination *on, const char *name, const char *remedy,
			   const struct warnings *warnings)
{
	for (size_t i = 0; i < warnings->count; i++)
		say(on, VERDICT_WARN, name, remedy, "%s", warnings->text[i]);
}

static bool check_machine(struct examination *on)
{
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	const struct root *root = on->request->root;
	struct err err;

	if (gather_machine(root, &on->system, &warnings, &err) ||
	    gather_crash(root, &on->system, &err)) {
		say(on, VERDICT_FAIL, "machine", "run this as root", "%s", err.text);
		return false;
	}
	if (on->system.iomem.zeroed) {
		say(on, VERDICT_FAIL, "machine", "run this as root",
		    "/proc/iomem hides every address");
		return false;
	}
	say(on, VERDICT_OK, "machine", "", "%zu entries of the firmware's map, %s",
	    on->system.firmware.count,
	    !on->system.efi.booted	   ? "booted by a BIOS"
	    : on->system.efi.can_hand_over ? "booted by EFI, which is handed on"
					   : "booted by EFI, which is lost");
	check_warnings(on, "machine", "", &warnings);
	return true;
}

static void check_hypervisor(struct examination *on)
{
	char *capabilities CLEANUP(text_done) = NULL;
	struct err ignored;

	if (!root_read_text(on->request->root, "proc/xen/capabilities", &capabilities, &ignored) &&
	    strstr(capabilities, "control_d"))
		say(on, VERDICT_FAIL, "hypervisor", "a normal reboot",
		    "this is Xen's dom0: the hypervisor would have to be started again, not Linux");
	if (on->system.is_guest_without_io)
		say(on, VERDICT_WARN, "hypervisor", "",
		    "an encrypted guest: the purgatory says nothing and resets by a triple fault");
	if (on->system.framebuffer_moved)
		say(on, on->system.framebuffer_base ? VERDICT_OK : VERDICT_WARN, "framebuffer",
		    on->system.framebuffer_base ? "" : "use hyperv_drm",
		    on->system.framebuffer_base ? "hyperv_fb moved it, it is handed on"
						: "hyperv_fb moved it: the new kernel has none");
}

static void check_console(struct examination *on)
{
	if (on->system.has_serial_console)
		say(on, VERDICT_OK, "console", "", "the purgatory speaks on the serial port 0x%x",
		    on->system.serial_port);
	else
		say(on, VERDICT_WARN, "console", "console=ttyS0, or --console-vga",
		    "no serial console: if the purgatory finds damage nobody hears of it");
	if (on->system.la57)
		say(on, VERDICT_OK, "5-level paging", "",
		    "on: a kernel that cannot be entered so is refused");
}

/* --- a load ------------------------------------------------------------------ */

static int open_pair(struct examination *on, struct err *err)
{
	const struct doctor_request *request = on->request;
	const char *kernel = request->kernel, *const *initrd = request->initrd;
	const char *default_initrd;
	size_t nr_initrds = request->nr_initrds;

	if (!kernel) {
		const char *release = on->system.release ?: "";

		if (!request->root->is_live)
			return err_set(err, ERR_INPUT,
				       "a captured machine has no kernel: name one");
		if (asprintf(&on->default_kernel, "/boot/vmlinuz-%s", release) < 0 ||
		    asprintf(&on->default_initrd, "/boot/initrd.img-%s", release) < 0)
			return err_no_memory(err);
		kernel = on->default_kernel;
		default_initrd = on->default_initrd;
		initrd = &default_initrd;
		nr_initrds = root_exists(request->root, on->default_initrd + 1);
	}
	if (inputs_guard(err) || inputs_open(&kernel, 1, &on->kernel, err))
		return -1;
	if (decompress_format(on->kernel.bytes) && decompress(on->kernel.bytes, &on->expanded, err))
		return err_prefix(err, "%s", kernel);
	return nr_initrds ? inputs_open(initrd, nr_initrds, &on->initrd, err) : 0;
}

static struct load_request pair(const struct examination *on)
{
	return (struct load_request){
		.kernel = on->expanded.data ? buf_bytes(&on->expanded) : on->kernel.bytes,
		.initrd = on->initrd.bytes,
		.cmdline = on->request->cmdline ?: "nr_cpus=1",
		.mem_max = PHYS_LIMIT,
	};
}

static void check_normal(struct examination *on)
{
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct load load CLEANUP(load_done) = { 0 };
	struct load_request request = pair(on);
	struct bzimage image;
	struct err err;
	phys_t address;

	if (load_place(&request, &on->system, &warnings, &load, &err)) {
		say(on, VERDICT_FAIL, "reboot", "", "%s: %s", on->kernel.file[0].path, err.text);
		return;
	}
	say(on, VERDICT_OK, "reboot", "", "%s (%.*s) would run at " PHYS_FMT,
	    on->kernel.file[0].path, (int)strcspn(load.image.version, " "), load.image.version,
	    PHYS(load.plan.footprint.start));
	check_warnings(on, "reboot", "", &warnings);
	if (!bzimage_parse(request.kernel, &image, &err) &&
	    kernel_loader_goes_low(&on->system, &image, false, &address))
		say(on, VERDICT_WARN, "reboot", "kexec -c",
		    "the running kernel's own loader (-s) may put it at " PHYS_FMT
		    ", where it cannot run",
		    PHYS(address));
}

static void check_crash(struct examination *on)
{
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct load load CLEANUP(load_done) = { 0 };
	struct load_request request = pair(on);
	struct load_estimate estimate;
	struct range main = { 0, 0 }, low;
	struct err err;
	char remedy[REMEDY_MAX];

	request.crash = true;
	if (load_estimate(&request, &on->system, &estimate, &err) ||
	    iomem_crash_kernel(&on->system.iomem, &main, &low, &err)) {
		say(on, VERDICT_FAIL, "crash kernel", "", "%s", err.text);
		return;
	}
	snprintf(remedy, sizeof(remedy), "boot the running kernel with crashkernel=%" PRIu64 "M",
		 estimate.crashkernel >> 20);
	if (!range_is_valid(main)) {
		say(on, VERDICT_WARN, "reservation", remedy,
		    "none: if this kernel crashes, nobody learns why");
		return;
	}
	if (load_place(&request, &on->system, &warnings, &load, &err)) {
		say(on, VERDICT_FAIL, "reservation", remedy, "%s", err.text);
		return;
	}
	say(on, range_size(main) < estimate.crashkernel ? VERDICT_WARN : VERDICT_OK, "reservation",
	    range_size(main) < estimate.crashkernel ? remedy : "",
	    "%" PRIu64 " KiB; to load, to boot and to write a dump takes about %" PRIu64 " KiB, "
	    "and the crash kernel would be %s",
	    range_size(main) / 1024, estimate.crashkernel / 1024,
	    load.spares.small == PLAN_NO_ITEM ? "checked" : "checked and repaired");
	check_warnings(on, "crash kernel", "", &warnings);
	if (on->system.crash.elfcorehdr_size)
		say(on, VERDICT_OK, "hotplug", "",
		    "with --hotplug the dump follows memory and CPUs that come and go");
	else
		say(on, VERDICT_WARN, "hotplug",
		    "load it again from a udev rule, as kdump-tools does",
		    "memory and CPUs that come after the load are not in the dump");
}

static void check_loaded(struct examination *on)
{
	struct range main = { 0, 0 }, low;
	bool loaded, crash;
	struct err err;

	if (iomem_crash_kernel(&on->system.iomem, &main, &low, &err) ||
	    gather_loaded(on->request->root, false, &loaded, &err) ||
	    gather_loaded(on->request->root, true, &crash, &err))
		return; /* said by check_call() */
	say(on, VERDICT_OK, "loaded", "", "%s", loaded ? "a kernel, for kexec -e" : "no kernel");
	say(on, crash || !range_is_valid(main) ? VERDICT_OK : VERDICT_WARN, "loaded",
	    crash || !range_is_valid(main) ? ""
					   : "kexec -p KERNEL, or the distribution's kdump service",
	    "%s", crash ? "a crash kernel" : "no crash kernel");
}

/* --- the page ------------------------------------------------------------------ */

static void print_text(const struct examination *on, FILE *to)
{
	for (size_t i = 0; i < on->nr_checks; i++) {
		const struct check *check = &on->check[i];

		fprintf(to, "%-4s  %-14s %s\n", verdict_name[check->verdict], check->name,
			check->text);
		if (*check->remedy)
			fprintf(to, "      %-14s try: %s\n", "", check->remedy);
	}
}

static int print_json(const struct examination *on, FILE *to, struct err *err)
{
	struct json_object *root = json_object_new_object(), *checks = json_object_new_array();
	const char *text;

	for (size_t i = 0; i < on->nr_checks; i++) {
		const struct check *check = &on->check[i];
		struct json_object *object = json_object_new_object();

		json_object_object_add(object, "verdict",
				       json_object_new_string(verdict_name[check->verdict]));
		json_object_object_add(object, "name", json_object_new_string(check->name));
		json_object_object_add(object, "text", json_object_new_string(check->text));
		if (*check->remedy)
			json_object_object_add(object, "remedy",
					       json_object_new_string(check->remedy));
		json_object_array_add(checks, object);
	}
	json_object_object_add(root, "schema", json_object_new_int(DOCTOR_SCHEMA));
	json_object_object_add(root, "checks", checks);
	text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		fprintf(to, "%s\n", text);
	json_object_put(root);
	return text ? 0 : err_no_memory(err);
}

int doctor(const struct doctor_request *request, FILE *to, bool *ret_failed, struct err *err)
{
	struct examination on CLEANUP(examination_done) = { .request = request };
	bool failed = false;

	if (gather_choice(request->root, &on.system, err))
		return -1;
	check_call(&on);
	if (check_machine(&on)) {
		check_hypervisor(&on);
		check_console(&on);
		if (!open_pair(&on, err)) {
			check_normal(&on);
			check_crash(&on);
		} else if (request->kernel) {
			return -1;
		} else {
			say(&on, VERDICT_WARN, "reboot", "kexec --doctor KERNEL --initrd=INITRD",
			    "nothing to try: %s", err->text);
		}
		check_loaded(&on);
	}
	for (size_t i = 0; i < on.nr_checks; i++)
		failed |= on.check[i].verdict == VERDICT_FAIL;
	if (request->json && print_json(&on, to, err))
		return -1;
	if (!request->json)
		print_text(&on, to);
	*ret_failed = failed;
	return 0;
}

int doctor_estimate(const struct doctor_request *request, FILE *to, struct err *err)
{
	struct examination on CLEANUP(examination_done) = { .request = request };
	struct load_request load_request;
	struct load_estimate estimate;

	if (gather_choice(request->root, &on.system, err) || open_pair(&on, err) ||
	    gather_memory(request->root, &on.system, err) ||
	    gather_crash(request->root, &on.system, err))
		return -1;
	load_request = pair(&on);
	if (load_estimate(&load_request, &on.system, &estimate, err))
		return err_prefix(err, "%s", on.kernel.file[0].path);
	fprintf(to,
		"crashkernel=%" PRIu64 "M\n"
		"%10" PRIu64 " KiB  the kernel, where it unpacks itself\n"
		"%10" PRIu64 " KiB  the initrd as it is loaded\n"
		"%10" PRIu64 " KiB  the initrd, unpacked\n"
		"%10" PRIu64 " KiB  the ELF core header\n"
		"%10" PRIu64 " KiB  purgatory and parameters\n"
		"%10" PRIu64 " KiB  the running kernel's page tables\n"
		"%10" PRIu64 " KiB  to boot on one CPU and write a dump\n",
		estimate.crashkernel >> 20, estimate.kernel / 1024, estimate.initrd / 1024,
		estimate.unpacked / 1024, estimate.header / 1024, estimate.small / 1024,
		estimate.kernel_pages / 1024, estimate.working / 1024);
	return 0;
}
