/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/action.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "kexec/audit.h"
#include "kexec/boot.h"
#include "kexec/core/cmdline.h"
#include "kexec/core/initrd.h"
#include "kexec/doctor.h"
#include "kexec/explain.h"
#include "kexec/kernel.h"
#include "kexec/loaded.h"
#include "kexec/progress.h"
#include "kexec/report.h"
#include "kexec/sys/fd.h"
#include "kexec/sys/gather.h"
#include "kexec/sys/input.h"
#include "kexec/sys/newfile.h"
#include "kexec/x86/program.h"
#include "kexec/x86/estimate.h"
#include "kexec/x86/kernel_loader.h"
#include "purgatory/sha256.h"

enum { DEFAULT_SERIAL_PORT = 0x3f8 };

/* --- loading ------------------------------------------------------------- */

struct session {
	const struct request *request;
	const struct surroundings *around;
	struct kernel kernel;
	struct inputs initrd;
	struct buf joined;    /* the initrd of a unified kernel image */
	struct bytes ramdisk; /* the initrd, whatever it is of */
	/* Of a multiboot kernel its modules are in the initrd's place: the files' names, and what they are. */
	char *module_path[REQUEST_MODULES_MAX];
	struct multiboot_module module[REQUEST_MODULES_MAX];
	size_t nr_modules;
	struct buf unpacked; /* the same, if it is loaded so */
	struct system system;
	struct load load;
	/* For the running kernel's own loader; NULL: no initrd. */
	const struct input *given_kernel, *given_initrd;
	struct input made_kernel, made_initrd;
	char method_reason[128];
	const char *only_ours;	/* why no other loader can do it; NULL: one may */
	struct warnings unread; /* of a dry run: what this user may not read */
	char *cmdline;
	uint8_t seed[RNG_SEED_SIZE];
	struct load_random random;
};

static void session_done(struct session *session)
{
	bytes_wipe(session->seed, sizeof(session->seed));
	bytes_wipe(&session->random, sizeof(session->random));
	load_done(&session->load);
	kernel_done(&session->kernel);
	inputs_done(&session->initrd);
	buf_done(&session->joined);
	buf_done(&session->unpacked);
	input_done(&session->made_kernel);
	input_done(&session->made_initrd);
	system_done(&session->system);
	warnings_done(&session->unread);
	free(session->cmdline);
	for (size_t i = 0; i < session->nr_modules; i++)
		free(session->module_path[i]);
}

static bool is_multiboot(const struct session *session)
{
	return !session->kernel.is_uki && multiboot_version(session->kernel.image);
}

static int check_type(const struct session *session, struct err *err)
{
	const char *type = session->request->type, *is = "bzImage64";
	struct bzimage image;
	struct err ignored;

	if (session->kernel.is_uki)
		is = TYPE_UKI;
	else if (image_parse_with(session->kernel.image, session->request->args, &image, &ignored))
		return 0; /* it is said when it is loaded */
	else if (image.is_program)
		is = program_type(&image);
	else if (image.is_elf)
		is = TYPE_ELF;
	else if (image.entry_32bit)
		is = "bzImage";
	if (!type || !strcmp(type, is) || (!strcmp(type, "bzImage") && !strcmp(is, "bzImage64")))
		return 0;
	return err_set(err, ERR_INPUT, "--type=%s: the file is %s", type, is);
}

static int open_modules(struct session *session, struct err *err)
{
	const struct request *request = session->request;
	uint64_t at = 0;

	if (request->nr_initrds)
		return err_set(err, ERR_INPUT,
			       "--initrd: a multiboot kernel takes no initrd but modules: "
			       "--module=FILE");
	if (request->unpack_initrd)
		return err_set(err, ERR_INPUT,
			       "--unpack-initrd: a multiboot kernel's modules are loaded as they "
			       "are");
	for (size_t i = 0; i < request->nr_modules; i++) {
		session->module_path[i] =
			strndup(request->module[i], strcspn(request->module[i], " "));
		if (!session->module_path[i])
			return err_no_memory(err);
		session->nr_modules++;
	}
	if (request->nr_modules && inputs_open((const char *const *)session->module_path,
					       request->nr_modules, &session->initrd, err))
		return err_prefix(err, "module");
	for (size_t i = 0; i < request->nr_modules; i++) {
		uint64_t size = (uint64_t)session->initrd.file[i].status.st_size;

		session->module[i] = (struct multiboot_module){ at, size, request->module[i] };
		at = range_grow_to((struct range){ at, at + size }, PAGE_SIZE_4K).end;
	}
	session->ramdisk = session->initrd.bytes;
	return 0;
}

static int open_inputs(struct session *session, struct err *err)
{
	const struct request *request = session->request;

	if (kernel_open(request->kernel, request->uki_profile, &session->kernel, err))
		return err_prefix(err, "kernel");
	if (check_type(session, err))
		return err_prefix(err, "%s", request->kernel);
	if (is_multiboot(session))
		return open_modules(session, err);
	if (request->nr_initrds &&
	    inputs_open(request->initrd, request->nr_initrds, &session->initrd, err))
		return err_prefix(err, "initrd");
	if (kernel_initrd(&session->kernel, &session->initrd, &session->joined, &session->ramdisk,
			  err))
		return err_prefix(err, "initrd");
	if (request->unpack_initrd && !session->ramdisk.size)
		return err_set(err, ERR_USAGE, "--unpack-initrd goes with --initrd");
	return 0;
}

/* The old crash kernel is gone before the kernel looks at the new one: what was hashed must be
 * what it then copies, whoever writes to the files meanwhile. */
static void pin_inputs(const struct session *session)
{
	inputs_pin(&session->kernel.inputs);
	inputs_pin(&session->initrd);
}

/* A command line that is given is in place of that in a unified kernel image; beside a boot entry it
 * is added. */
static bool takes_own_cmdline(const struct session *session)
{
	return session->kernel.is_uki &&
	       (!session->request->append || session->request->of_entry) &&
	       !session->request->entry_options && !session->request->reuse_cmdline;
}

static int compose_cmdline(struct session *session, struct err *err)
{
	const struct request *request = session->request;
	char *own CLEANUP(text_done) = NULL;
	const char *begin =
		request->reuse_cmdline ? session->system.cmdline : request->entry_options;

	if (request->reuse_cmdline && !session->system.cmdline)
		return err_set(err, ERR_INPUT, "--reuse-cmdline: /proc/cmdline cannot be read%s",
			       session->around->root.captured
				       ? "; a capture has it if taken with --capture-cmdline"
				       : "");
	if (takes_own_cmdline(session)) {
		if (uki_cmdline(&session->kernel.uki, session->around->warnings, &own, err))
			return -1;
		begin = own;
	}
	return cmdline_compose(begin, request->append, request->crash, &session->cmdline, err);
}

/*
 * Where the purgatory speaks: where it was told to; else, so that a failure is
 * not mute, on the serial console of the new kernel or of the running one.
 */
static struct load_console choose_console(const struct session *session)
{
	struct load_console console = session->request->console;
	const struct system *running = &session->system;
	uint32_t unused = 0;
	uint16_t port = running->serial_port;
	bool found = cmdline_serial_console(session->cmdline, &port, &unused) ||
		     running->has_serial_console;

	if (!session->request->console_asked)
		console.serial = found || session->request->port_given;
	if (!session->request->port_given)
		console.port = found ? port : DEFAULT_SERIAL_PORT;
	return console;
}

static bool draw(void *ret, size_t size)
{
	return getrandom(ret, size, GRND_NONBLOCK) == (ssize_t)size;
}

/* --fast does not want a crash kernel's: what it takes is missing from the memory that it runs in. */
static bool wants_unpacked(const struct session *session)
{
	const struct request *request = session->request;

	return request->unpack_initrd ||
	       (request->fast && !request->crash && session->ramdisk.size && !session->nr_modules);
}

static int place_with(struct session *session, const struct load_request *load_request,
		      struct err *err)
{
	if (load_place(load_request, &session->system, session->around->warnings, &session->load,
		       err))
		return err_prefix(err, "%s", session->request->kernel);
	return 0;
}

/* The initrd is unpacked; of a crash kernel it is placed only with spare copies, where it may have some. */
static int place_unpacked(struct session *session, const struct load_request *packed,
			  struct err *err)
{
	const struct request *request = session->request;
	struct load_request unpacked = *packed;
	struct load *load = &session->load;

	unpacked.initrd = buf_bytes(&session->unpacked);
	unpacked.initrd_is_unpacked = true;
	if (unpacked.spares == LOAD_SPARES_AUTO)
		unpacked.spares = LOAD_SPARES_ALWAYS;
	if (place_with(session, &unpacked, err) ||
	    /* Memory of the moment, of which a plan that is shown knows nothing. */
	    (!request->crash && !request->dry_run &&
	     explain_check_memory(&session->around->root, &load->plan, err))) {
		if (err->code == ERR_NO_FIT)
			err_set(err, ERR_NO_FIT,
				"there is no room for the %zu bytes that it has unpacked",
				unpacked.initrd.size);
		return -1;
	}
	return plan_reason(&load->plan, err,
			   "initrd of %zu bytes, unpacked from %zu: the new kernel has nothing to "
			   "decompress",
			   unpacked.initrd.size, packed->initrd.size);
}

/* With its initrd unpacked, where that is wanted and can be. */
static int place(struct session *session, const struct load_request *load_request, struct err *err)
{
	struct progress progress = progress_of(load_request->progress, "of the initrd unpacked");
	struct err why;

	if (!wants_unpacked(session))
		return place_with(session, load_request, err);
	if (initrd_unpack(load_request->initrd, &progress, &session->unpacked, &why)) {
		if (why.code == ERR_DAMAGED)
			err_prefix(&why, "initrd");
	} else if (!place_unpacked(session, load_request, &why)) {
		return 0;
	}
	if (why.code != ERR_NO_FIT && why.code != ERR_INPUT) {
		*err = why;
		return -1;
	}
	buf_done(&session->unpacked);
	if (place_with(session, load_request, err))
		return -1;
	if (session->request->unpack_initrd)
		warn_add(session->around->warnings,
			 "--unpack-initrd: the initrd is loaded as it is: %s", why.text);
	return plan_reason(&session->load.plan, err, "initrd as it is: %s", why.text);
}

/* What was taken of a unified kernel image. */
static int say_uki(struct session *session, struct err *err)
{
	const struct kernel *kernel = &session->kernel;
	struct plan *plan = &session->load.plan;
	bool own = takes_own_cmdline(session);

	if (!kernel->is_uki)
		return 0;
	if (plan_reason(
		    plan, err,
		    "unified kernel image, profile %u of %u: the kernel is its .linux, %zu bytes",
		    kernel->uki.profile, kernel->uki.nr_profiles, kernel->image.size) ||
	    plan_reason(plan, err, "command line %s",
			!own ? "as given, in place of .cmdline"
			: kernel->uki.section[UKI_CMDLINE].data.size
				? "of .cmdline"
				: "empty: there is no .cmdline, and none was given"))
		return -1;
	for (enum uki_id id = UKI_UCODE; id < UKI_IDS; id++) {
		const struct uki_section *section = &kernel->uki.section[id];
		const char *extra = uki_extra(id);
		size_t size = section->data.size + section->zeros;

		if (id == UKI_INITRD && session->initrd.count) {
			if (plan_reason(plan, err, "initrd: the files given, in place of .initrd"))
				return -1;
		} else if (size && plan_reason(plan, err, "initrd: %s, %zu bytes%s%s", uki_name(id),
					       size, extra ? ", as /" : "", extra ?: "")) {
			return -1;
		}
	}
	return 0;
}

static int make_plan(struct session *session, struct err *err)
{
	const struct request *request = session->request;
	struct progress_line line;
	struct load_request load_request = {
		.kernel = session->kernel.image,
		.name = request->kernel,
		.args = request->args,
		.initrd = session->ramdisk,
		.module = session->module,
		.nr_modules = session->nr_modules,
		.cmdline = session->cmdline,
		.mem_min = request->mem_min,
		.mem_max = request->mem_max,
		.no_efi = request->no_efi,
		.entry_32bit = request->entry_32bit,
		.crash = request->crash,
		.hotplug = request->hotplug && session->system.crash.elfcorehdr_size,
		.backup = request->backup,
		.spares = request->spares,
		.memmap_cmdline = request->memmap_cmdline,
		.skip_verify = request->no_checks,
		.hashes = sha256_hashes() & request->hashes,
		.hashes_allowed = request->hashes,
		.seed = session->seed,
		.direct = request->direct,
		.random = &session->random,
		.console = choose_console(session),
		.on_corruption = request->on_corruption,
		.progress = { .tell = progress_line_tell, .context = &line },
	};
	int failed;

	/* A dry run prints digests: zeros instead of a seed keep it the same each time. */
	if (!request->dry_run && !draw(session->seed, sizeof(session->seed)))
		load_request.seed = NULL;
	if (request->dry_run)
		load_request.random = NULL;
	else if (request->direct && !draw(&session->random, sizeof(session->random))) {
		warn_add(
			session->around->warnings,
			"the kernel is not started directly: there are no random numbers yet for its "
			"addresses");
		load_request.direct = LOAD_DIRECT_NEVER;
	}
	progress_line_begin(&line, stderr);
	failed = place(session, &load_request, err) || say_uki(session, err) ||
		 load_seal(&load_request, &session->system, &session->load, err);
	progress_line_end(&line);
	if (failed)
		return -1;
	bytes_wipe(session->seed, sizeof(session->seed));
	return 0;
}

static int write_svg(void *report, FILE *to, struct err *err)
{
	return report_svg(report, to, err);
}

static int report_plan(const struct session *session, FILE *to, struct err *err)
{
	const struct request *request = session->request;
	struct report report = {
		.load = &session->load,
		.kernel_path = request->kernel,
		.method = "kexec_load",
		.method_reason = session->method_reason,
		.initrd_packed = session->unpacked.data ? session->ramdisk.size : 0,
		.unread = &session->unread,
	};

	if (request->svg && new_file(request->svg, write_svg, &report, err))
		return -1;
	return request->json ? report_json(&report, to, err) : report_text(&report, to, err);
}

static int load_plan(const struct ops *ops, const struct plan *plan, unsigned long *ret_flags)
{
	unsigned long flags[OPS_FLAGS_MAX];
	size_t count = ops_plan_flags(plan, flags);
	int error;

	*ret_flags = flags[0];
	error = -ops_load_plan(ops, plan, flags[0]);
	if (error != EINVAL || count == 1)
		return error;
	*ret_flags = flags[1];
	return -ops_load_plan(ops, plan, flags[1]);
}

/* The load has been made: what cannot be recorded is only a warning. */
static void remember(const struct session *session, const struct loaded_digests *digests,
		     unsigned long flags, const struct plan *plan)
{
	const struct loaded loaded = {
		.root = &session->around->root,
		.crash = session->request->crash,
		.hotplug = plan && plan->hotplug,
		.method = plan ? "kexec_load" : "kexec_file_load",
		.flags = flags & ~(unsigned long)KEXEC_ARCH_X86_64,
		.kernel = &session->kernel,
		.initrd = &session->initrd,
		.cmdline = session->cmdline,
		.cmdline_is_own = takes_own_cmdline(session) && !session->request->append,
		.digests = *digests,
		.plan = plan,
		.system = plan ? &session->system : NULL,
	};
	struct err err;

	if (loaded_remember(&loaded, &err))
		warn_add(session->around->warnings,
			 "what was loaded is not recorded, and --doctor cannot compare it: %s",
			 err.text);
}

static int submit_plan(struct session *session, unsigned long *ret_flags, struct err *err)
{
	struct explain_failure failure = {
		.call = EXPLAIN_LOAD,
		.crash = session->request->crash,
		.used_up = explain_used_up(&session->around->root, session->request->crash),
		.root = &session->around->root,
		.plan = &session->load.plan,
	};

	if (session->load.plan.stage != PLAN_SEALED)
		return err_set(err, ERR_INTERNAL, "the plan is not sealed");
	if (!failure.crash && explain_check_memory(failure.root, failure.plan, err))
		return -1;
	failure.error = load_plan(session->around->ops, &session->load.plan, ret_flags);
	load_forget_seed(&session->load);
	return failure.error ? explain(&failure, err) : 0;
}

/* The file call works under lockdown, too; kernels without it have the other. */
static int unload(const struct surroundings *around, enum method method, bool crash,
		  struct err *err)
{
	const struct ops *ops = around->ops;
	struct explain_failure failure = {
		.call = EXPLAIN_FILE_LOAD,
		.crash = crash,
		.used_up = explain_used_up(&around->root, crash),
		.root = &around->root,
	};
	struct err ignored;

	if (method != METHOD_LOAD)
		failure.error =
			-ops->file_load(ops->context, -1, -1, 0, NULL,
					KEXEC_FILE_UNLOAD | (crash ? KEXEC_FILE_ON_CRASH : 0));
	if (method == METHOD_LOAD || (method == METHOD_AUTO && failure.error == ENOSYS)) {
		failure.call = EXPLAIN_LOAD;
		failure.error = -ops->load(ops->context, 0, 0, NULL,
					   KEXEC_ARCH_X86_64 | (crash ? KEXEC_ON_CRASH : 0));
	}
	if (failure.error)
		return explain(&failure, err);
	if (loaded_forget(&around->root, crash, &ignored))
		warn_add(around->warnings, "the record of what was loaded stays: %s", ignored.text);
	return 0;
}

static int check_inputs(const struct session *session, struct err *err)
{
	if (inputs_check_unchanged(&session->kernel.inputs, err) ||
	    inputs_check_unchanged(&session->initrd, err))
		return -1;
	return 0;
}

/* A plan that lacks what this user may not read is shown for what it is; a crash kernel's is not
 * worth showing without /proc/iomem. */
static int check_unread(struct session *session, struct err *err)
{
	struct system *system = &session->system;
	struct warnings *unread = &session->unread;

	system->only_shown = session->request->dry_run;
	if (system->iomem.zeroed)
		warn_add(unread, "/proc/iomem: every address is 0");
	if (!unread->count)
		return 0;
	err_set(err, ERR_INPUT,
		"the plan is incomplete, for this user may not read all that it "
		"depends on: ");
	for (size_t i = 0; i < unread->count; i++)
		err_append(err, "%s%s", i ? ", " : "", unread->text[i]);
	if (system->lockdown && !strcmp(system->lockdown, "confidentiality"))
		return err_advise(err,
				  "; the lockdown (confidentiality) hides memory from everybody: "
				  "with -s the running kernel's own loader places it");
	return err_advise(err, "; run this as root, or with --sysroot for a capture that root has "
			       "made");
}

/* It is compared with the file: what was loaded of that unpacked has been digested in another form. */
static bool digest_file(const struct session *session, unsigned int index, bool is_unpacked,
			struct bytes file, uint8_t ret[32])
{
	struct err ignored;

	return load_digest(&session->load, index, ret) &&
	       (!is_unpacked || !load_digest_bytes(sha256_hashes() & session->request->hashes, file,
						   ret, &ignored));
}

static int load_ourselves(struct session *session, struct err *err)
{
	const struct request *request = session->request;
	const struct load *load = &session->load;
	struct loaded_digests digests;
	struct err changed, incomplete = { 0 };
	unsigned long flags = 0;
	bool failed;

	failed = gather_machine(&session->around->root, &session->system, session->around->warnings,
				err) ||
		 (request->crash && gather_crash(&session->around->root, &session->system, err));
	if (request->dry_run && check_unread(session, &incomplete)) {
		if (request->crash && (failed || session->system.iomem.zeroed)) {
			*err = incomplete;
			return -1;
		}
		if (!request->crash)
			warn_add(session->around->warnings, "%s", incomplete.text);
	}
	if (failed)
		return -1;
	if (session->system.is_hypervisor_host && !request->crash)
		warn_add(session->around->warnings,
			 "this is a root partition of Hyper-V: memory that it gave to the "
			 "hypervisor stays the hypervisor's, and the next kernel does not know");
	/* Digests that are printed would give random addresses away. */
	if (request->dry_run)
		crash_forget_kaslr(&session->system.kcore);
	if (request->hotplug && !session->system.crash.elfcorehdr_size)
		warn_add(session->around->warnings,
			 "--hotplug: the running kernel cannot keep a loaded crash kernel up to "
			 "date (/sys/kernel/crash_elfcorehdr_size is missing): load it again "
			 "after memory or CPUs come or go");
	if (request->crash && !request->dry_run)
		pin_inputs(session);
	if (make_plan(session, err) || check_inputs(session, err))
		return -1;
	if (request->dry_run) {
		if (report_plan(session, session->around->out, err))
			return -1;
		*err = incomplete;
		return request->crash && incomplete.code ? -1 : 0;
	}
	if (request->debug && report_plan(session, stderr, err))
		return -1;
	if (submit_plan(session, &flags, err))
		return -1;
	digests.has_kernel =
		digest_file(session, load->plan.kernel, load->is_direct || load->image.is_program,
			    load->image.protected, digests.kernel);
	digests.has_initrd = digest_file(session, load->plan.initrd, session->unpacked.data,
					 session->ramdisk, digests.initrd);
	remember(session, &digests, flags, &load->plan);
	if (request->crash || !check_inputs(session, &changed))
		return 0;
	if (unload(session->around, METHOD_AUTO, false, err))
		return -1;
	*err = changed;
	return err_append(err, "; what had been loaded is unloaded again");
}

static int read_memory(struct session *session, struct err *err)
{
	struct system *system = &session->system;

	return system->iomem.count ? 0 : gather_memory(&session->around->root, system, err);
}

/* A running kernel that does not know a flag answers EINVAL before it looks at anything else. */
static int try_file_load(const struct session *session, int initrd, unsigned long *flags)
{
	static const unsigned long newer =
		KEXEC_FILE_DEBUG | KEXEC_FILE_NO_CMA | KEXEC_FILE_FORCE_DTB;
	const struct ops *ops = session->around->ops;
	size_t size = strlen(session->cmdline) + 1;
	int error = -ops->file_load(ops->context, session->given_kernel->fd, initrd, size,
				    session->cmdline, *flags);

	if (error != EINVAL || !(*flags & newer))
		return error;
	if (*flags & KEXEC_FILE_FORCE_DTB)
		warn_add(
			session->around->warnings,
			"--force-dtb: the running kernel cannot hand its device tree on (Linux 6.18 "
			"and later can)");
	*flags &= ~newer;
	return -ops->file_load(ops->context, session->given_kernel->fd, initrd, size,
			       session->cmdline, *flags);
}

/*
 * The files that kexec_file_load() is given: those named, of which what IMA knows stays true, but for
 * what has been made of them, in memory. It takes one initrd, and no running kernel takes a unified
 * kernel image as it is, or a kernel that is compressed as a whole.
 */
static int open_for_kernel(struct session *session, struct err *err)
{
	const struct kernel *kernel = &session->kernel;
	bool is_whole = kernel->image.data == kernel->inputs.bytes.data;

	session->given_kernel = kernel->inputs.file;
	session->given_initrd = session->initrd.count ? session->initrd.file : NULL;
	if (!is_whole) {
		if (input_in_memory("kernel", kernel->image, &session->made_kernel, err))
			return -1;
		session->given_kernel = &session->made_kernel;
	}
	if (session->joined.size || session->initrd.count > 1) {
		if (input_in_memory("initrd", session->ramdisk, &session->made_initrd, err))
			return -1;
		session->given_initrd = &session->made_initrd;
	}
	return 0;
}

/* 0, or an errno with its explanation. *flags are those that the running kernel knew. */
static int file_load(const struct session *session, const struct input *initrd,
		     unsigned long *flags, struct err *err)
{
	const struct root *root = &session->around->root;
	bool crash = *flags & KEXEC_FILE_ON_CRASH;
	struct bzimage image = { 0 };
	struct err ignored;
	struct explain_failure failure = {
		.call = EXPLAIN_FILE_LOAD,
		.crash = crash,
		.used_up = explain_used_up(root, crash),
		.root = root,
		.files_size = session->kernel.image.size + (initrd ? session->ramdisk.size : 0),
		.cmdline_length = strlen(session->cmdline),
	};

	failure.error = try_file_load(session, initrd ? initrd->fd : -1, flags);
	if (!failure.error)
		return 0;
	if (!bzimage_parse(session->kernel.image, &image, &ignored))
		failure.cmdline_max = image.cmdline_size;
	explain(&failure, err);
	return failure.error;
}

/*
 * Whether the running kernel takes this image, its signature above all, is known only when it
 * has looked at it: as a normal kernel, where there is none that would be lost.
 */
static int try_image(const struct session *session, struct err *err)
{
	const struct surroundings *around = session->around;
	unsigned long flags = KEXEC_FILE_NO_INITRAMFS;
	bool loaded;

	if (gather_loaded(&around->root, false, &loaded, err))
		return -1;
	if (loaded || explain_is_limited(&around->root, /* crash= */ false))
		return 0;
	switch (file_load(session, NULL, &flags, err)) {
	case 0:
		return unload(around, METHOD_FILE_LOAD, false, err);
	case ENOMEM:
	case EBUSY:
	case EADDRNOTAVAIL:
		return 0; /* of the moment and the place, not of the image */
	default:
		return err_append(err, "; the loaded crash kernel stays");
	}
}

/* The running kernel gives the loaded crash kernel up before it looks at the new one. */
static int check_reload(struct session *session, struct err *err)
{
	const struct root *root = &session->around->root;
	const struct load_request request = {
		.kernel = session->kernel.image,
		.initrd = session->ramdisk,
		.cmdline = session->cmdline,
	};
	bool loaded;

	if (gather_loaded(root, true, &loaded, err))
		return -1;
	if (!loaded)
		return 0;
	if (read_memory(session, err) || gather_crash(root, &session->system, err))
		return -1;
	if (estimate_check_reload(&request, &session->system, err))
		return err_prefix(err, "%s", session->request->kernel);
	return try_image(session, err);
}

/* Under -a nobody asked for a loader that may put the kernel where it cannot run. */
static int check_floor(struct session *session, struct err *err)
{
	const struct request *request = session->request;
	struct bzimage image;
	struct err ignored;
	phys_t address;

	/* The running kernel knows more images than this program, and memory that it hides. */
	if (bzimage_parse(session->kernel.image, &image, &ignored) ||
	    read_memory(session, &ignored))
		return 0;
	if (!kernel_loader_goes_low(&session->system, &image, request->crash, &address))
		return 0;
	if (request->method == METHOD_FILE_LOAD) {
		warn_add(session->around->warnings,
			 "the running kernel's own loader may put the kernel at " PHYS_FMT
			 ", from where it moves itself to " PHYS_FMT ", over what is there",
			 PHYS(address), PHYS(image.footprint.pref_address));
		return 0;
	}
	err_set(err, ERR_NO_FIT,
		"the running kernel's own loader may put the kernel at " PHYS_FMT
		", from where it moves itself to " PHYS_FMT ", over what is there",
		PHYS(address), PHYS(image.footprint.pref_address));
	return err_advise(err, ", and no other is allowed: nothing was loaded; -s does it all the "
			       "same");
}

/*
 * Warns of what was asked for and the running kernel's own loader decides by itself. Returns the
 * first of it that a load had better not be without; NULL: there is none.
 */
static const char *unheeded(const struct session *session, struct warnings *warnings)
{
	const struct request *request = session->request;
	const struct {
		const char *name;
		bool given, matters;
	} option[] = {
		{ "--no-checks", request->no_checks, false },
		{ "--mem-min", request->mem_min, true },
		{ "--mem-max", request->mem_max < PHYS_LIMIT, true },
		{ "--noefi", request->no_efi, true },
		{ "--console-serial, --console-vga or --console-e9", request->console_asked,
		  false },
		{ "--serial", request->port_given, false },
		{ "--serial-baud", request->console.baud, false },
		{ "--reset-vga", request->console.reset_vga, false },
		{ "--on-corruption", request->on_corruption != ON_CORRUPTION_RESET, false },
		{ "--hash", request->hashes != PURGATORY_HASH_ALL, false },
		{ "--pass-memmap-cmdline", request->memmap_cmdline, false },
		{ "--backup", request->backup != CRASH_BACKUP_AUTO, false },
		{ "--spare-copy", request->spares == LOAD_SPARES_ALWAYS, true },
		{ "--unpack-initrd", request->unpack_initrd, false },
		{ "--direct", request->direct == LOAD_DIRECT_ASKED, false },
	};
	const char *first = NULL;

	for (size_t i = 0; i < sizeof(option) / sizeof(option[0]); i++) {
		if (!option[i].given)
			continue;
		if (!first && option[i].matters)
			first = option[i].name;
		warn_add(warnings,
			 "%s: without an effect, for the running kernel's own loader loads (%s)",
			 option[i].name, session->method_reason);
	}
	return first;
}

static int load_by_kernel(struct session *session, struct err *err)
{
	const struct request *request = session->request;
	/* Where loads are counted, a try with what may be unknown counts, too. */
	bool tries = !explain_is_limited(&session->around->root, request->crash);
	unsigned long flags = (session->ramdisk.size ? 0 : KEXEC_FILE_NO_INITRAMFS) |
			      (request->crash ? KEXEC_FILE_ON_CRASH : 0) |
			      (tries && request->debug ? KEXEC_FILE_DEBUG : 0) |
			      (tries && request->no_cma ? KEXEC_FILE_NO_CMA : 0) |
			      (request->force_dtb ? KEXEC_FILE_FORCE_DTB : 0);
	struct loaded_digests digests;

	if (session->only_ours)
		return err_set(err, ERR_INPUT, "-s cannot load it: %s", session->only_ours);
	if (request->dry_run)
		return err_set(
			err, ERR_USAGE,
			"--dry-run with -s: where the running kernel would put a kernel is not "
			"known before it does; -c shows our plan");
	if (request->direct == LOAD_DIRECT_ASKED && request->method == METHOD_FILE_LOAD)
		return err_set(err, ERR_USAGE,
			       "--direct with -s: the running kernel's own loader starts kernels "
			       "only as they are; -c does it");
	if (request->method == METHOD_AUTO && unheeded(session, NULL))
		return err_set(err, ERR_USAGE,
			       "%s: the running kernel's own loader, which is to load (%s), does "
			       "without: -s loads so",
			       unheeded(session, NULL), session->method_reason);
	unheeded(session, session->around->warnings);
	if (open_for_kernel(session, err) || check_floor(session, err) ||
	    (request->crash && check_reload(session, err)))
		return -1;
	if (check_inputs(session, err) || file_load(session, session->given_initrd, &flags, err))
		return -1;
	digests = loaded_digest(session->given_kernel, session->given_initrd);
	remember(session, &digests, flags, /* plan= */ NULL);
	return 0;
}

static bool is_locked_down(const struct session *session)
{
	const char *lockdown = session->system.lockdown;

	return lockdown && strcmp(lockdown, "none");
}

/* What this load would lose by not being made by the running kernel's own loader; NULL: nothing. */
static const char *lost_by_ours(const struct session *session)
{
	const struct request *request = session->request;
	uint32_t handed_on = session->system.handed_on;

	if (request->crash && handed_on & HANDED_ON_KEYS)
		return "the keys of dm-crypt that are staged for a crash kernel";
	if (!request->crash && handed_on & HANDED_ON_KHO)
		return "what kexec handover preserves";
	if (!request->crash && handed_on & HANDED_ON_IMA)
		return "IMA's list of measurements";
	return request->force_dtb ? "the device tree of --force-dtb" : NULL;
}

/* Why the running kernel's own loader cannot do it; NULL: it may. */
static const char *only_ours(const struct session *session)
{
	struct bzimage image;
	struct err ignored;

	if (is_multiboot(session))
		return "only this loader takes multiboot kernels";
	if (segments_are_elf(session->kernel.image))
		return "only this loader takes ELF files";
	if (session->request->entry_32bit ||
	    (!bzimage_parse(session->kernel.image, &image, &ignored) && image.entry_32bit))
		return "only this loader enters kernels in 32-bit mode";
	return NULL;
}

/* Ours, unless the running kernel would refuse it or something was lost. */
static enum method choose_method(struct session *session)
{
	const char *lost = lost_by_ours(session);
	enum method method = METHOD_LOAD;

	snprintf(session->method_reason, sizeof(session->method_reason), "%s", "as asked");
	if (session->request->method != METHOD_AUTO)
		return session->request->method;
	if (session->only_ours) {
		snprintf(session->method_reason, sizeof(session->method_reason), "%s",
			 session->only_ours);
		return METHOD_LOAD;
	}
	if (is_locked_down(session) || lost)
		method = METHOD_FILE_LOAD;
	snprintf(session->method_reason, sizeof(session->method_reason), "%s%s",
		 is_locked_down(session) ? "the running kernel is locked down"
		 : lost			 ? "no other hands on "
					 : "placed and verified by this loader",
		 lost && !is_locked_down(session) ? lost : "");
	return method;
}

/*
 * Whether the other way may do what this one failed to, under -a. A kernel whose signature was
 * refused is not loaded by another way. EBUSY is of both: they share one lock.
 */
static bool other_may_do(const struct session *session, enum method failed, const struct err *err)
{
	if (session->request->method != METHOD_AUTO || session->request->dry_run ||
	    session->only_ours)
		return false;
	if (failed == METHOD_LOAD && unheeded(session, NULL))
		return false;
	if (failed == METHOD_FILE_LOAD && is_locked_down(session))
		return false;
	if (err->code != ERR_REFUSED)
		return failed == METHOD_FILE_LOAD && err->code == ERR_NO_FIT;
	switch (err->sys_errno) {
	case ENOSYS:
		return true;
	case EPERM:
	case EACCES:
		return failed == METHOD_LOAD;
	case EINVAL:
	case ENOEXEC:
	case ENOMEM:
	case EADDRNOTAVAIL:
	case EOPNOTSUPP:
		return failed == METHOD_FILE_LOAD;
	default:
		return false;
	}
}

static int load_by(struct session *session, enum method method, struct err *err)
{
	return method == METHOD_FILE_LOAD ? load_by_kernel(session, err)
					  : load_ourselves(session, err);
}

/* Of two failures the first is told, unless the second has another cause. */
static int load_otherwise(struct session *session, enum method *method, struct err *err)
{
	const char *failed = *method == METHOD_LOAD ? "kexec_load" : "kexec_file_load";
	const struct err first = *err;

	snprintf(session->method_reason, sizeof(session->method_reason), "%s %s%s", failed,
		 first.sys_errno ? "failed: " : "finds no place",
		 first.sys_errno ? strerror(first.sys_errno) : "");
	*method = *method == METHOD_LOAD ? METHOD_FILE_LOAD : METHOD_LOAD;
	/* Each gathers what it needs. */
	system_done(&session->system);
	session->system = (struct system){ 0 };
	if (!gather_choice(&session->around->root, &session->system, err) &&
	    !load_by(session, *method, err))
		return 0;
	if (first.sys_errno && err->sys_errno == first.sys_errno)
		*err = first;
	return -1;
}

/* What the image has no use for. */
static void warn_of_other_images(const struct session *session)
{
	const struct request *request = session->request;

	if (request->nr_modules && !session->nr_modules)
		warn_add(session->around->warnings,
			 "--module: only multiboot kernels take modules, none is loaded");
	if (request->args != LOAD_ARGS_AUTO && is_multiboot(session))
		warn_add(
			session->around->warnings,
			"--args-linux, --args-elf or --args-none: without an effect, for a multiboot "
			"kernel is told by its own information");
	if (request->dtb)
		warn_add(session->around->warnings,
			 "--dtb: a bzImage that is entered in 64-bit mode gets no device tree");
}

static int load_kernel(const struct request *request, const struct surroundings *around,
		       struct err *err)
{
	struct surroundings own = *around;
	struct session session CLEANUP(session_done) = {
		.request = request,
		.around = &own,
		.made_kernel.fd = -1,
		.made_initrd.fd = -1,
	};
	enum method method;
	const char *lost;

	if (request->dry_run)
		own.root.unread = &session.unread;
	if (open_inputs(&session, err) || gather_choice(&own.root, &session.system, err) ||
	    system_check_host(&session.system, err) || compose_cmdline(&session, err))
		return -1;
	warn_of_other_images(&session);
	session.only_ours = only_ours(&session);
	method = choose_method(&session);
	if (load_by(&session, method, err) &&
	    (!other_may_do(&session, method, err) || load_otherwise(&session, &method, err)))
		return -1;
	lost = method == METHOD_LOAD ? lost_by_ours(&session) : NULL;
	if (lost)
		warn_add(
			around->warnings,
			"only the running kernel's own loader hands on %s: it is lost; -s loads so",
			lost);
	if (!request->dry_run && request->method == METHOD_AUTO)
		fprintf(around->out, "kexec: %s loaded by %s: %s\n", request->kernel,
			method == METHOD_FILE_LOAD ? "kexec_file_load" : "kexec_load",
			session.method_reason);
	return 0;
}

/* --- the other actions --------------------------------------------------- */

static int exec_loaded(const struct request *request, const struct surroundings *around,
		       struct err *err)
{
	const struct ops *ops = around->ops;
	struct explain_failure failure = { .call = EXPLAIN_START, .root = &around->root };
	bool loaded;

	if (gather_loaded(&around->root, false, &loaded, err))
		return err_prefix(err, "nothing was started, the network is as it was");
	if (!loaded)
		return err_set(err, ERR_INPUT,
			       "Nothing has been loaded! Load a kernel first: kexec -l KERNEL");
	if (!request->no_checks && loaded_check_map(&around->root, around->warnings, err))
		return -1;
	if (!request->no_sync)
		ops->sync(ops->context);
	if (!request->no_network_down)
		ops->network_down(ops->context);
	failure.error = -ops->exec_loaded(ops->context);
	return explain(&failure, err);
}

static int print_start(const struct surroundings *around, struct err *err)
{
	struct purgatory_report report;
	bool found;

	if (gather_report(&around->root, &report, &found, err))
		return -1;
	if (!found) {
		fprintf(around->out, "this kernel was not started by safekexec's purgatory\n");
		return 0;
	}
	fprintf(around->out,
		"this kernel was started by safekexec's purgatory: %u segments, %llu bytes, %u "
		"chunks verified",
		report.nr_regions, (unsigned long long)report.bytes, report.nr_chunks);
	if (report.tsc_hz && report.tsc_exit > report.tsc_entry)
		fprintf(around->out, " in %llu ms",
			(unsigned long long)((report.tsc_exit - report.tsc_entry) /
					     (report.tsc_hz / 1000 + 1)));
	if (report.nr_repaired)
		fprintf(around->out, ", %u repaired (first: %.23s at 0x%llx)", report.nr_repaired,
			report.repaired_name, (unsigned long long)report.repaired_offset);
	if (report.own_repaired)
		fprintf(around->out, ", the purgatory repaired");
	fprintf(around->out, ", %llu NMIs\n", (unsigned long long)report.nmis);
	return 0;
}

static void print_record(const struct request *request, const struct surroundings *around,
			 bool loaded)
{
	struct record record CLEANUP(record_done) = { 0 };
	struct err err;
	bool found;

	if (loaded_recall(&around->root, !request->status_of_normal, &record, &found, &err)) {
		warn_add(around->warnings, "%s", err.text);
		return;
	}
	if (!found && loaded)
		fprintf(around->out, "there is no record of it, or none that may be read\n");
	if (!found)
		return;
	if (!loaded)
		fprintf(around->out, "another program has unloaded this:\n");
	loaded_print(&record, around->out);
}

static int status(const struct request *request, const struct surroundings *around, int *ret_status,
		  struct err *err)
{
	bool loaded;

	if (gather_loaded(&around->root, !request->status_of_normal, &loaded, err)) {
		err->code = ERR_REFUSED;
		return -1;
	}
	if (request->verbose) {
		fprintf(around->out, "%s is %sloaded\n",
			request->status_of_normal ? "a kernel" : "a crash kernel",
			loaded ? "" : "not ");
		print_record(request, around, loaded);
		if (print_start(around, err))
			return -1;
	}
	*ret_status = loaded ? STATUS_LOADED : STATUS_DONE;
	return 0;
}

static int print_reservation(const struct surroundings *around, struct err *err)
{
	struct range main, low;

	if (gather_reservation(&around->root, &main, &low, err))
		return -1;
	fprintf(around->out, "%llu\n", (unsigned long long)range_size(main));
	return 0;
}

static int examine(const struct request *request, const struct surroundings *around,
		   int *ret_status, struct err *err)
{
	const struct doctor_request asked = {
		.root = &around->root,
		.kernel = request->kernel,
		.initrd = request->initrd,
		.nr_initrds = request->nr_initrds,
		.uki_profile = request->uki_profile,
		.unpack_initrd = request->unpack_initrd,
		.cmdline = request->append,
		.json = request->json,
		.measure = request->measure,
	};
	bool failed = false;

	if (request->action == ACTION_ESTIMATE)
		return doctor_estimate(&asked, around->out, err);
	if (doctor(&asked, around->out, &failed, err))
		return -1;
	*ret_status = failed ? STATUS_REFUSED : STATUS_DONE;
	return 0;
}

static int capture_machine(const struct request *request, const struct surroundings *around,
			   struct err *err)
{
	struct capture capture CLEANUP(capture_done) = { .takes_cmdline =
								 request->capture_cmdline };
	struct root root = around->root;

	root.record = &capture;
	gather_capture(&root, around->warnings);
	return capture_save(&capture, request->capture, err);
}

_Static_assert((int)BOOT_INITRDS_MAX <= (int)REQUEST_INITRDS_MAX, "an entry has no more");

/* What an entry names stands for what the command line would. */
static int run_from_entry(const struct request *request, const struct surroundings *around,
			  int *ret_status, struct err *err)
{
	struct boot_entry entry CLEANUP(boot_entry_done) = { 0 };
	struct request of_entry = *request;

	if (boot_choose(&around->root, request->boot_entry, &entry, err))
		return -1;
	of_entry.from_entry = false;
	of_entry.of_entry = true;
	of_entry.kernel = entry.kernel;
	of_entry.entry_options = *entry.options ? entry.options : NULL;
	for (size_t i = 0; i < entry.nr_initrds; i++)
		of_entry.initrd[i] = entry.initrd[i];
	of_entry.nr_initrds = entry.nr_initrds;
	if (!request->dry_run)
		boot_say(&entry, around->out);
	return action_run(&of_entry, around, ret_status, err);
}

int action_run(const struct request *request, const struct surroundings *around, int *ret_status,
	       struct err *err)
{
	const struct ops *ops = around->ops;

	*ret_status = STATUS_DONE;
	if (request->from_entry)
		return run_from_entry(request, around, ret_status, err);
	switch (request->action) {
	case ACTION_LOAD:
		return load_kernel(request, around, err);
	case ACTION_LIST_ENTRIES:
		return boot_list(&around->root, request->json, around->out, around->warnings, err);
	case ACTION_CAPTURE:
		return capture_machine(request, around, err);
	case ACTION_PRINT_RESERVATION:
		return print_reservation(around, err);
	case ACTION_DOCTOR:
	case ACTION_ESTIMATE:
		return examine(request, around, ret_status, err);
	case ACTION_AUDIT_EFI:
		return audit_efi(request, around, ret_status, err);
	case ACTION_UNLOAD:
		return unload(around, request->method, request->crash, err);
	case ACTION_EXEC:
		return exec_loaded(request, around, err);
	case ACTION_FORCE:
	case ACTION_DEFAULT:
		if (load_kernel(request, around, err))
			return -1;
		if (request->dry_run)
			return 0;
		if (request->action == ACTION_FORCE)
			return exec_loaded(request, around, err);
		err_set_errno(err, -ops->shutdown(ops->context),
			      "loaded, but shutdown -r now cannot be run");
		err->code = ERR_REFUSED;
		return err_advise(err, "; reboot in another way, or kexec -e");
	case ACTION_STATUS:
		return status(request, around, ret_status, err);
	case ACTION_USAGE:
		*ret_status = STATUS_REFUSED;
		cli_usage(around->out);
		return 0;
	case ACTION_HELP:
		cli_usage(around->out);
		return 0;
	case ACTION_VERSION:
		fprintf(around->out, "safekexec %s\n", PACKAGE_VERSION);
		return 0;
	}
	return err_set(err, ERR_INTERNAL, "unknown action");
}
