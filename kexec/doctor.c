/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/cmdline.h"
#include "kexec/core/initrd.h"
#include "kexec/core/text.h"
#include "kexec/lib/advice.h"
#include "kexec/lib/explain.h"
#include "kexec/lib/json.h"
#include "kexec/lib/kernel.h"
#include "kexec/lib/loaded.h"
#include "kexec/sys/gather.h"
#include "kexec/sys/input.h"
#include "kexec/measure.h"
#include "kexec/x86/program.h"
#include "kexec/x86/estimate.h"
#include "kexec/x86/kernel_loader.h"
#include "kexec/x86/load.h"
#include "x86/bootparam.h"

enum { DOCTOR_SCHEMA = 1, CHECKS_MAX = 64, TEXT_MAX = 1024, REMEDY_MAX = 256 };

enum {
	MEASURE_LIMIT_S = 300, /* an initrd of some 100 MiB, emulated */
	MEASURE_SILENCE_S = 20,
	MEASURE_SETTLE_S = 3,
	MEASURE_LEFT = 8 << 20,
};

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
	struct kernel kernel;
	struct inputs initrd;
	struct buf joined, unpacked;
	struct bytes ramdisk; /* the initrd, not unpacked */
	char *own_cmdline;    /* of a unified kernel image; NULL: none */
	char *default_kernel, *default_initrd;
	struct check check[CHECKS_MAX];
	size_t nr_checks;
};

static void examination_done(struct examination *on)
{
	system_done(&on->system);
	kernel_done(&on->kernel);
	inputs_done(&on->initrd);
	buf_done(&on->joined);
	buf_done(&on->unpacked);
	free(on->own_cmdline);
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
	text_make_harmless(check->text);
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
	struct err ignored;
	uint64_t value;
	char path[64];

	if (gather_of_kexec(on->request->root, "loaded", &value, &ignored))
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
		bool forbidden = err.sys_errno == EACCES || err.sys_errno == EPERM;

		say(on, VERDICT_FAIL, "machine",
		    forbidden ? "run this as root" : advice_for(&err) ?: "", "%s", err.text);
		return false;
	}
	if (on->system.iomem.zeroed) {
		say(on, VERDICT_FAIL, "machine", "run this as root",
		    "/proc/iomem hides every address");
		return false;
	}
	say(on, VERDICT_OK, "machine", "", "%zu entries of the firmware's map, %s",
	    on->system.firmware.count,
	    on->system.efi.booted ? "booted by EFI" : "booted by a BIOS");
	check_warnings(on, "machine", "", &warnings);
	return true;
}

static void check_hypervisor(struct examination *on)
{
	struct err host;

	if (system_check_host(&on->system, &host))
		say(on, VERDICT_FAIL, "hypervisor", "a normal reboot", "%s", host.text);
	if (on->system.is_hypervisor_host)
		say(on, VERDICT_FAIL, "hypervisor", "a normal reboot",
		    "this is a root partition of Hyper-V: memory that it gave to the hypervisor stays "
		    "the hypervisor's, and the next kernel does not know");
	if (on->system.is_guest_without_io)
		say(on, VERDICT_WARN, "hypervisor", "",
		    "an encrypted guest: the purgatory says nothing and resets by a triple fault");
}

static void check_efi(struct examination *on)
{
	const struct system_efi *efi = &on->system.efi;

	if (!efi->booted)
		return;
	if (efi->can_hand_over)
		say(on, VERDICT_OK, "EFI", "", "%zu entries of the runtime map, which is handed on",
		    efi->runtime_map.count);
	else
		say(on, VERDICT_WARN, "EFI",
		    "boot the running kernel without noefi and efi=noruntime",
		    "%s: the next kernel has no EFI runtime services, so no EFI variables",
		    efi->runtime_map.count ? "/sys/firmware/efi lacks addresses"
					   : "there is no /sys/firmware/efi/runtime-map");
}

static void check_framebuffer(struct examination *on)
{
	const struct boot_params *params = (const void *)on->system.boot_params;
	struct bytes screen = { params->screen_info.bytes, sizeof(params->screen_info.bytes) };
	struct cursor type = cursor_at(screen, SCREEN_INFO_IS_VGA);
	struct cursor width = cursor_at(screen, SCREEN_INFO_LFB_WIDTH);
	struct cursor height = cursor_at(screen, SCREEN_INFO_LFB_HEIGHT);
	uint8_t kind = cursor_u8(&type);

	if (on->system.framebuffer_moved)
		say(on, on->system.framebuffer_base ? VERDICT_OK : VERDICT_WARN, "framebuffer",
		    on->system.framebuffer_base ? "" : "use hyperv_drm",
		    on->system.framebuffer_base ? "hyperv_fb moved it, it is handed on"
						: "hyperv_fb moved it: the new kernel has none");
	else if (!on->system.has_boot_params)
		say(on, VERDICT_WARN, "framebuffer", "the same on the machine itself",
		    "not known: /sys/kernel/boot_params/data cannot be read");
	else if (kind == VIDEO_TYPE_EFI || kind == VIDEO_TYPE_VLFB)
		say(on, VERDICT_OK, "framebuffer", "", "%u by %u, which is handed on",
		    cursor_u16(&width), cursor_u16(&height));
	else
		say(on, VERDICT_OK, "framebuffer", "",
		    kind ? "none, a VGA text screen" : "none, and no screen");
}

/* The first 8250 with hardware behind it, -1: none. Type 0 is PORT_UNKNOWN. */
static int serial_port_number(const struct examination *on)
{
	uint64_t type;
	char path[48];

	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "sys/class/tty/ttyS%d/type", i);
		if (read_number(on, path, &type) && type)
			return i;
	}
	return -1;
}

static void check_console(struct examination *on)
{
	const char *cmdline = on->request->cmdline;
	int number = serial_port_number(on);
	uint32_t ignored_baud;
	uint16_t port;
	char remedy[REMEDY_MAX];

	if (on->system.has_serial_console)
		say(on, VERDICT_OK, "console", "", "the purgatory speaks on the serial port 0x%x",
		    on->system.serial_port);
	else {
		snprintf(remedy, sizeof(remedy), "--console-vga");
		if (number >= 0)
			snprintf(remedy, sizeof(remedy), "console=ttyS%d", number);
		say(on, VERDICT_WARN, "console", remedy,
		    "no serial console: if the purgatory finds damage nobody hears of it");
	}
	if (!cmdline)
		return;
	if (on->system.has_serial_console && !cmdline_serial_console(cmdline, &port, &ignored_baud))
		say(on, VERDICT_WARN, "console", "add the running kernel's console= to --append",
		    "the running kernel has a serial console, the new command line names none: the new "
		    "kernel is silent there");
}

/* --- a load ------------------------------------------------------------------ */

static int open_pair(struct examination *on, struct err *err)
{
	const struct doctor_request *request = on->request;
	const char *kernel = request->kernel, *const *initrd = request->initrd;
	const char *default_initrd;
	size_t nr_initrds = request->nr_initrds, memory = 0;

	if (!kernel) {
		const char *release = on->system.release ?: "";

		if (!request->root->is_live)
			return err_set(err, ERR_INPUT,
				       "a captured machine has no kernel: name one");
		if (asprintf(&on->default_kernel, "/boot/vmlinuz-%s", release) < 0 ||
		    asprintf(&on->default_initrd, "/boot/initrd.img-%s", release) < 0)
			return err_no_memory(err);
		if (!root_exists(request->root, on->default_kernel + 1))
			return err_set(err, ERR_INPUT, "no kernel is named, and %s is not there",
				       on->default_kernel);
		kernel = on->default_kernel;
		default_initrd = on->default_initrd;
		initrd = &default_initrd;
		nr_initrds = root_exists(request->root, on->default_initrd + 1);
	}
	if (request->root->is_live)
		memory = explain_memory(request->root);
	if (kernel_open(kernel, request->uki_profile, memory, &on->kernel, err))
		return -1;
	if (kernel_check_type(&on->kernel, request->type, LOAD_ARGS_AUTO, err))
		return err_prefix(err, "%s", kernel);
	if (nr_initrds && inputs_open(initrd, nr_initrds, &on->initrd, err))
		return -1;
	if (kernel_initrd(&on->kernel, &on->initrd, &on->joined, &on->ramdisk, err) ||
	    (on->kernel.is_uki && uki_cmdline(&on->kernel.uki, NULL, &on->own_cmdline, err)))
		return -1;
	if (request->unpack_initrd && on->ramdisk.size &&
	    initrd_unpack(on->ramdisk, memory, NULL, &on->unpacked, err) &&
	    err->code != ERR_INPUT && err->code != ERR_NO_FIT && err->code != ERR_NO_MEMORY)
		return err_prefix(err, "initrd");
	return 0;
}

static struct load_request pair(const struct examination *on)
{
	return (struct load_request){
		.kernel = on->kernel.image,
		.name = on->kernel.inputs.file[0].path,
		.initrd = on->unpacked.data ? buf_bytes(&on->unpacked) : on->ramdisk,
		.initrd_is_unpacked = on->unpacked.data,
		.cmdline = on->request->cmdline ?: on->own_cmdline ?: "nr_cpus=1",
		.mem_max = PHYS_LIMIT,
	};
}

static void check_normal(struct examination *on)
{
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct load load CLEANUP(load_done) = { 0 };
	struct load_request request = pair(on);
	char version[sizeof(load.image.version) + 4] = "";
	struct bzimage image;
	struct err err;
	phys_t address;

	if (load_place(&request, &on->system, &warnings, &load, &err)) {
		say(on, VERDICT_FAIL, "reboot", "", "%s: %s", on->kernel.inputs.file[0].path,
		    err.text);
		return;
	}
	if ((load.image.is_elf || load.image.is_program || load.image.entry_32bit) &&
	    on->system.lockdown && strcmp(on->system.lockdown, "none")) {
		say(on, VERDICT_FAIL, "reboot", "kexec --doctor BZIMAGE",
		    "%s: the running kernel is locked down, and its own loader does not take it",
		    on->kernel.inputs.file[0].path);
		return;
	}
	if (*load.image.version)
		snprintf(version, sizeof(version), " (%.*s)", (int)strcspn(load.image.version, " "),
			 load.image.version);
	say(on, VERDICT_OK, "reboot", "", "%s%s would run at " PHYS_FMT,
	    on->kernel.inputs.file[0].path, version, PHYS(load.plan.footprint.start));
	check_warnings(on, "reboot", "", &warnings);
	if (!image_parse(request.kernel, &image, &err) && !image.is_program &&
	    kernel_loader_goes_low(&on->system, &image, false, &address))
		say(on, VERDICT_WARN, "reboot", "kexec -c",
		    "the running kernel's own loader (-s) may put it at " PHYS_FMT
		    ", where it cannot run",
		    PHYS(address));
}

static void check_paging(struct examination *on)
{
	struct load_request request = pair(on);
	struct bzimage image;
	struct err ignored;

	if (image_parse(request.kernel, &image, &ignored))
		return; /* said by check_normal() */
	/* An ELF file is entered as it is, or it has been said why not. */
	if (image.is_elf || image.is_program)
		return;
	if (!on->system.la57)
		say(on, VERDICT_OK, "5-level paging", "", "off");
	else if (image.xloadflags & XLF_5LEVEL)
		say(on, VERDICT_OK, "5-level paging", "", "on, and the kernel can be entered so");
	else if (on->system.is_guest_without_io)
		say(on, VERDICT_FAIL, "5-level paging", "boot the running kernel with no5lvl",
		    "on, and the kernel cannot be entered so");
	else
		say(on, VERDICT_OK, "5-level paging", "",
		    "on, and the kernel is entered in 32-bit mode, for it cannot be entered so");
}

static void check_crash_cpus(struct examination *on, const struct estimate *estimate)
{
	if (estimate->cpus > 1)
		say(on, VERDICT_WARN, "CPUs", "add nr_cpus=1 to the crash kernel's command line",
		    "the crash kernel makes room for %" PRIu64 " CPUs, which takes about %" PRIu64
		    " KiB of the reservation",
		    estimate->cpus, estimate->per_cpu / 1024);
	else
		say(on, VERDICT_OK, "CPUs", "", "the crash kernel uses one");
}

static void check_crash(struct examination *on)
{
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct load load CLEANUP(load_done) = { 0 };
	struct load_request request = pair(on);
	struct estimate estimate;
	struct range main = { 0, 0 }, low;
	struct err err;
	char remedy[ESTIMATE_REMEDY_MAX];
	bool is_small;

	request.crash = true;
	if (iomem_crash_kernel(&on->system.iomem, &main, &low, &err) ||
	    estimate_load(&request, &on->system, &estimate, &err) ||
	    estimate_remedy(&on->system, estimate_loaded(&estimate), estimate.crashkernel, remedy,
			    &err)) {
		say(on, range_is_valid(main) ? VERDICT_FAIL : VERDICT_WARN, "crash kernel", "",
		    "%s", err.text);
		return;
	}
	if (!range_is_valid(main)) {
		say(on, VERDICT_WARN, "reservation", remedy,
		    "none: if this kernel crashes, nobody learns why");
		return;
	}
	is_small = range_size(main) < estimate.crashkernel;
	check_crash_cpus(on, &estimate);
	if (load_place(&request, &on->system, &warnings, &load, &err)) {
		say(on, VERDICT_FAIL, "reservation",
		    is_small && err.code == ERR_NO_FIT ? remedy : "", "%s", err.text);
		return;
	}
	say(on, is_small ? VERDICT_WARN : VERDICT_OK, "reservation", is_small ? remedy : "",
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

/* --- what is loaded ------------------------------------------------------------ */

/* The two kinds apart. */
struct loaded_kind {
	bool crash;
	const char *name, *what, *again;
};

static const struct loaded_kind kinds[] = {
	{ false, "loaded", "a kernel, for kexec -e", "kexec -l, again" },
	{ true, "loaded crash", "a crash kernel", "kexec -p, again" },
};

static void check_file(struct examination *on, const struct loaded_kind *kind, const char *what,
		       enum loaded_file state, const char *path)
{
	path = path ?: "";
	switch (state) {
	case LOADED_FILE_SAME:
		say(on, VERDICT_OK, kind->name, "", "%s %s is as it was loaded", what, path);
		return;
	case LOADED_FILE_TOUCHED:
		say(on, VERDICT_OK, kind->name, "",
		    "%s %s has another time, and is as it was loaded", what, path);
		return;
	case LOADED_FILE_UNKNOWN:
		say(on, VERDICT_WARN, kind->name, kind->again,
		    "%s %s has another time; without digests (--no-checks) nothing more is known",
		    what, path);
		return;
	case LOADED_FILE_UNNAMED:
		say(on, VERDICT_OK, kind->name, "", "%s was no file that could be compared", what);
		return;
	case LOADED_FILE_GONE:
		say(on, VERDICT_WARN, kind->name, kind->again,
		    "%s %s cannot be read any more, and so not compared", what, path);
		return;
	case LOADED_FILE_CHANGED:
		say(on, VERDICT_WARN, kind->name, kind->again,
		    "%s %s has changed since it was loaded", what, path);
		return;
	}
}

static void check_map(struct examination *on, const struct loaded_kind *kind,
		      const struct record *record)
{
	struct record_change change CLEANUP(record_change_done) = { 0 };
	char ranges[LOADED_RANGES_MAX];
	struct err err;

	if (!record->has_map) {
		say(on, VERDICT_WARN, kind->name, kind->again,
		    "the memory map that it was loaded for is not known");
		return;
	}
	if (record_compare_map(record, &on->system, &change, &err)) {
		say(on, VERDICT_WARN, kind->name, "", "%s", err.text);
		return;
	}
	if (!change.gone.count && !change.came.count)
		say(on, VERDICT_OK, kind->name, "", "the memory map is that of the load");
	if (change.gone.count && record->hotplug)
		say(on, VERDICT_OK, kind->name, "",
		    "memory has gone since, %s, and the running kernel has taken it out of the dump",
		    loaded_ranges(&change.gone, ranges));
	else if (change.gone.count)
		say(on, VERDICT_FAIL, kind->name, kind->again, "memory has gone since, %s: %s",
		    loaded_ranges(&change.gone, ranges),
		    kind->crash ? "the dump would be read from there" : "kexec -e refuses");
	if (change.came.count && record->hotplug)
		say(on, VERDICT_OK, kind->name, "",
		    "memory has come since, %s, and the running kernel has added it to the dump",
		    loaded_ranges(&change.came, ranges));
	else if (change.came.count)
		say(on, VERDICT_WARN, kind->name, kind->again, "memory has come since, %s: %s",
		    loaded_ranges(&change.came, ranges),
		    kind->crash ? "it is not in the dump" : "the new kernel will not have it");
	if (kind->crash && !record->hotplug && on->system.crash.nr_notes > record->cpus)
		say(on, VERDICT_WARN, kind->name, kind->again,
		    "%zu CPUs are there, %" PRIu64 " were: the registers of the others are not in "
		    "the dump",
		    on->system.crash.nr_notes, record->cpus);
}

/* Whether the running kernel rewrites the header of what is loaded: crash_hotplug is of that image
 * (crash_check_hotplug_support() in kernel/crash_core.c; 6.6 and later). */
static void check_survives(struct examination *on)
{
	uint64_t memory, cpu;
	bool has_memory = read_number(on, "sys/devices/system/memory/crash_hotplug", &memory);
	bool has_cpu = read_number(on, "sys/devices/system/cpu/crash_hotplug", &cpu);

	if (!has_memory && !has_cpu)
		return;
	if ((has_memory && !memory) || (has_cpu && !cpu))
		say(on, VERDICT_WARN, "loaded crash", "kexec -p --hotplug, again",
		    "the running kernel does not keep the dump's header true when memory or CPUs come "
		    "or go");
	else
		say(on, VERDICT_OK, "loaded crash", "",
		    "the running kernel keeps the dump's header true when memory or CPUs come or go");
}

static void check_record(struct examination *on, const struct loaded_kind *kind, bool loaded)
{
	struct record record CLEANUP(record_done) = { 0 };
	const char *path = NULL;
	enum loaded_file state;
	struct err err;
	bool found;

	/* A capture has no record. */
	if (!root_exists(on->request->root, "run"))
		return;
	if (loaded_recall(on->request->root, kind->crash, &record, &found, &err)) {
		say(on, VERDICT_WARN, kind->name, kind->again, "%s", err.text);
		return;
	}
	if (!found && loaded)
		say(on, VERDICT_WARN, kind->name, kind->again,
		    "another program has loaded it, and did not record what it is");
	if (!found)
		return;
	if (!loaded) {
		say(on, VERDICT_WARN, kind->name, kind->again,
		    "what was loaded at %s, %s, is not loaded any more: another program has unloaded "
		    "it, or a load by one has failed",
		    record.time, record.kernel.path ?: "from a pipe");
		return;
	}
	say(on, VERDICT_OK, kind->name, "", "at %s by %s", record.time, record.method);
	state = loaded_compare_kernel(on->request->root, &record, &path);
	check_file(on, kind, "the kernel", state, path);
	if (record.nr_initrds || (record.is_uki && *record.initrd_digest)) {
		state = loaded_compare_initrd(on->request->root, &record, &path);
		check_file(on, kind, "the initrd", state, path);
	}
	check_map(on, kind, &record);
}

static void check_loaded(struct examination *on)
{
	struct range main = { 0, 0 }, low;
	struct err err;

	if (iomem_crash_kernel(&on->system.iomem, &main, &low, &err))
		return; /* said by check_crash() */
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct loaded_kind *kind = &kinds[i];
		bool missed = kind->crash && range_is_valid(main), loaded;

		if (gather_loaded(on->request->root, kind->crash, &loaded, &err))
			return; /* said by check_call() */
		if (loaded)
			say(on, VERDICT_OK, kind->name, "", "%s", kind->what);
		else
			say(on, missed ? VERDICT_WARN : VERDICT_OK, kind->name,
			    missed ? "kexec -p KERNEL, or the distribution's kdump service" : "",
			    kind->crash ? "no crash kernel" : "no kernel");
		check_record(on, kind, loaded);
		if (kind->crash && loaded)
			check_survives(on);
	}
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
	return json_print(root, to, err);
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
		check_efi(&on);
		check_framebuffer(&on);
		check_console(&on);
		ops_keep_only(request->ops, PRIVILEGE_FILES);
		if (!open_pair(&on, err)) {
			check_normal(&on);
			check_paging(&on);
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

/* --- the estimate --------------------------------------------------------------- */

static void print_part(uint64_t size, const char *what, FILE *to)
{
	if (size)
		fprintf(to, "%10" PRIu64 " KiB  %s\n", size / 1024, what);
}

static void print_parts(const struct estimate *estimate, FILE *to)
{
	char cpus[64];

	snprintf(cpus, sizeof(cpus), "for %" PRIu64 " CPUs more", estimate->cpus - 1);
	print_part(estimate->header, "the ELF core header", to);
	print_part(estimate->small, "purgatory and parameters", to);
	print_part(estimate->kernel_pages, "the running kernel's page tables", to);
	print_part(estimate->per_cpu, cpus, to);
	print_part(estimate->swiotlb, "bounce buffers (swiotlb), for memory may lie above 4 GiB",
		   to);
}

static void print_estimate(const struct estimate *estimate, FILE *to)
{
	fprintf(to, "crashkernel=%" PRIu64 "M\n", estimate->crashkernel >> 20);
	print_part(estimate->kernel, "the kernel, where it unpacks itself", to);
	print_part(estimate->initrd, "the initrd as it is loaded", to);
	print_part(estimate->unpacked, "the initrd, unpacked", to);
	print_part(estimate->working, "to boot on one CPU and write a dump", to);
	print_parts(estimate, to);
}

static int print_measured(const struct load_request *request, const struct estimate *estimate,
			  const char *qemu, FILE *to, struct err *err)
{
	const struct measure_request asked = {
		.qemu = qemu,
		.kernel = request->kernel,
		.initrd = request->initrd,
		.cmdline = request->cmdline,
		.never = estimate_loaded(estimate),
		.first = estimate->kernel + estimate->initrd + estimate->unpacked +
			 estimate->working,
		.unit = ESTIMATE_CRASHKERNEL_UNIT,
		.limit_s = MEASURE_LIMIT_S,
		.silence_s = MEASURE_SILENCE_S,
		.settle_s = MEASURE_SETTLE_S,
		.progress = stderr,
	};
	struct measure_result result;
	uint64_t size;

	if (measure(&asked, &result, err))
		return -1;
	size = result.enough + MEASURE_LEFT + estimate->header + estimate->small +
	       estimate->kernel_pages + estimate->per_cpu + estimate->swiotlb;
	fprintf(to, "crashkernel=%" PRIu64 "M\n",
		(size + ESTIMATE_CRASHKERNEL_UNIT - 1) / ESTIMATE_CRASHKERNEL_UNIT *
			(ESTIMATE_CRASHKERNEL_UNIT >> 20));
	fprintf(to,
		"%10" PRIu64
		" KiB  measured: the pair reaches userspace on one CPU, not in %" PRIu64
		" KiB (%u boots)\n",
		result.enough / 1024, result.too_little / 1024, result.boots);
	print_part(MEASURE_LEFT, "left to the program that writes the dump", to);
	print_parts(estimate, to);
	fprintf(to, "not measured, but computed, it is crashkernel=%" PRIu64 "M\n",
		estimate->crashkernel >> 20);
	return 0;
}

int doctor_estimate(const struct doctor_request *request, FILE *to, struct err *err)
{
	struct examination on CLEANUP(examination_done) = { .request = request };
	struct load_request load_request;
	struct estimate estimate;
	char qemu[PATH_MAX];
	bool has_qemu = measure_find_qemu(qemu);

	if (gather_choice(request->root, &on.system, err) ||
	    gather_memory(request->root, &on.system, err) ||
	    gather_crash(request->root, &on.system, err))
		return -1;
	ops_keep_only(request->ops, PRIVILEGE_FILES);
	if (open_pair(&on, err))
		return -1;
	load_request = pair(&on);
	if (estimate_load(&load_request, &on.system, &estimate, err))
		return err_prefix(err, "%s", on.kernel.inputs.file[0].path);
	if (!request->measure) {
		print_estimate(&estimate, to);
		if (has_qemu)
			fprintf(to, "--estimate=measure boots the pair in QEMU to see\n");
		return 0;
	}
	if (!has_qemu)
		return err_set(err, ERR_INPUT,
			       "--estimate=measure: qemu-system-x86_64 is not on PATH: install it, "
			       "or do without =measure");
	if (!load_request.initrd.size)
		return err_set(err, ERR_INPUT,
			       "--estimate=measure: without an initrd there is no userspace: name "
			       "it with --initrd");
	return print_measured(&load_request, &estimate, qemu, to, err);
}
