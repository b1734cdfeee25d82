/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/lib/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "kexec/core/cmdline.h"
#include "kexec/core/dtb.h"
#include "kexec/core/initrd.h"
#include "kexec/lib/explain.h"
#include "kexec/lib/loaded.h"
#include "kexec/sys/gather.h"
#include "kexec/sys/input.h"
#include "kexec/x86/program.h"
#include "kexec/x86/estimate.h"
#include "kexec/x86/kernel_loader.h"
#include "purgatory/sha256.h"

enum { DEFAULT_SERIAL_PORT = 0x3f8 };

void session_init(struct session *session)
{
	*session = (struct session){ .made_kernel.fd = -1, .made_initrd.fd = -1 };
}

void session_done(struct session *session)
{
	bytes_wipe(session->seed, sizeof(session->seed));
	bytes_wipe(&session->random, sizeof(session->random));
	load_done(&session->load);
	inputs_done(&session->kernel_file);
	kernel_done(&session->kernel);
	inputs_done(&session->initrd);
	inputs_done(&session->modules);
	inputs_done(&session->dtb);
	buf_done(&session->joined);
	buf_done(&session->unpacked);
	input_done(&session->made_kernel);
	input_done(&session->made_initrd);
	system_done(&session->system);
	warnings_done(&session->of_machine);
	warnings_done(&session->unread);
	free(session->cmdline);
	for (size_t i = 0; i < session->nr_module_paths; i++)
		free(session->module_path[i]);
}

static bool is_multiboot(const struct session *session)
{
	return !session->kernel.is_uki && multiboot_version(session->kernel.image);
}

static int open_files(const char *const *name, const int *fd, size_t count,
		      enum request_files files, struct inputs *ret, struct err *err)
{
	switch (files) {
	case REQUEST_FILES_NAMED:
		return inputs_open(name, count, ret, err);
	case REQUEST_FILES_OPEN:
		return inputs_map(fd, name, count, ret, err);
	case REQUEST_FILES_COPIED:
		return inputs_copy(fd, name, count, ret, err);
	}
	return err_set(err, ERR_INTERNAL, "unknown files");
}

/* Who can write to it decides what is started. A pipe's copy has no name, and no such writer. */
static void warn_of_writable(const struct inputs *inputs, struct warnings *warnings)
{
	for (size_t i = 0; i < inputs->count; i++) {
		const struct stat *status = &inputs->file[i].status;
		bool of_another = status->st_uid && status->st_uid != geteuid();
		bool of_group = status->st_mode & S_IWGRP && status->st_gid;

		if (status->st_nlink && (of_another || of_group || status->st_mode & S_IWOTH))
			warn_add(warnings,
				 "%s: others may write to it (user %u, group %u, mode %04o)",
				 inputs->file[i].path, status->st_uid, status->st_gid,
				 status->st_mode & 07777);
	}
}

/* "FILE WORDS" */
static int open_modules(struct session *session, struct err *err)
{
	const struct request *request = session->request;

	for (size_t i = 0; i < request->nr_modules; i++) {
		session->module_path[i] =
			strndup(request->module[i], strcspn(request->module[i], " "));
		if (!session->module_path[i])
			return err_no_memory(err);
		session->nr_module_paths++;
	}
	if (inputs_open((const char *const *)session->module_path, request->nr_modules,
			&session->modules, err))
		return err_prefix(err, "module");
	return 0;
}

static int open_inputs(struct session *session, struct err *err)
{
	const struct request *request = session->request;

	if (open_files(&request->kernel, &request->kernel_fd, 1, request->files,
		       &session->kernel_file, err))
		return err_prefix(err, "kernel");
	if (request->nr_initrds &&
	    open_files(request->initrd, request->initrd_fd, request->nr_initrds, request->files,
		       &session->initrd, err))
		return err_prefix(err, "initrd");
	if (request->dtb && inputs_open(&request->dtb, 1, &session->dtb, err))
		return err_prefix(err, "dtb");
	/* Whether they are wanted is not known yet. */
	if (request->nr_modules && open_modules(session, &session->no_modules) &&
	    session->no_modules.code == ERR_NO_MEMORY) {
		*err = session->no_modules;
		return -1;
	}
	warn_of_writable(&session->kernel_file, session->around->warnings);
	warn_of_writable(&session->initrd, session->around->warnings);
	warn_of_writable(&session->modules, session->around->warnings);
	warn_of_writable(&session->dtb, session->around->warnings);
	return 0;
}

/*
 * Everything that a load may need to know of the machine, while it may be read. Only who places a
 * kernel in it cannot do without, and says so then.
 */
static int gather(struct session *session, struct err *err)
{
	const struct root *root = &session->around->root;
	struct system *system = &session->system;
	struct err ignored;

	if (gather_choice(root, system, err))
		return -1;
	if (!gather_machine(root, system, &session->of_machine, &session->unknown))
		session->unknown.code = ERR_NONE;
	else if (!system->iomem.count)
		gather_memory(root, system, &ignored);
	if (session->request->real_mode)
		gather_bios(root, system);
	if (session->request->crash && !gather_crash(root, system, &session->unknown_to_dump))
		session->unknown_to_dump.code = ERR_NONE;
	return 0;
}

/* A multiboot kernel's modules are in the place of an initrd. */
static int judge_modules(struct session *session, struct err *err)
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
	if (request->nr_modules && !session->modules.count) {
		*err = session->no_modules;
		return -1;
	}
	session->initrd = session->modules;
	session->modules = (struct inputs){ 0 };
	for (; session->nr_modules < request->nr_modules; session->nr_modules++) {
		size_t i = session->nr_modules;
		uint64_t size = (uint64_t)session->initrd.file[i].status.st_size;

		session->module[i] = (struct multiboot_module){ at, size, request->module[i] };
		at = range_grow_to((struct range){ at, at + size }, PAGE_SIZE_4K).end;
	}
	session->ramdisk = session->initrd.bytes;
	return 0;
}

/* A kernel that is told by a zero page of ours; what cannot be parsed is refused otherwise. */
static bool takes_dtb(const struct session *session)
{
	struct bzimage image;
	struct err ignored;

	return !session->request->real_mode &&
	       (image_parse_with(session->kernel.image, session->request->args, &image, &ignored) ||
		image.told == IMAGE_TOLD_LINUX);
}

static int judge_inputs(struct session *session, struct err *err)
{
	const struct request *request = session->request;

	/* Memory of the moment, of which a plan that is shown knows nothing. */
	if (!request->dry_run)
		session->memory = explain_memory(&session->around->root);
	if (kernel_of(&session->kernel_file, request->uki_profile, session->memory,
		      &session->kernel, err))
		return err_prefix(err, "kernel");
	if (kernel_check_type(&session->kernel, request->type, request->args, err))
		return err_prefix(err, "%s", request->kernel);
	if (request->dtb && request->method != METHOD_FILE_LOAD && takes_dtb(session) &&
	    dtb_check(session->dtb.bytes, err))
		return err_prefix(err, "dtb: %s", request->dtb);
	if (is_multiboot(session))
		return judge_modules(session, err);
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
	if (initrd_unpack(load_request->initrd, session->memory, &progress, &session->unpacked,
			  &why)) {
		if (why.code == ERR_DAMAGED)
			err_prefix(&why, "initrd");
	} else if (!place_unpacked(session, load_request, &why)) {
		return 0;
	}
	if (why.code != ERR_NO_FIT && why.code != ERR_INPUT && why.code != ERR_NO_MEMORY) {
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
	char profile[48] = "";

	if (!kernel->is_uki)
		return 0;
	if (kernel->uki.nr_profiles)
		snprintf(profile, sizeof(profile), ", profile %u of %u", kernel->uki.profile,
			 kernel->uki.nr_profiles);
	if (plan_reason(plan, err, "unified kernel image%s: the kernel is its .linux, %zu bytes",
			profile, kernel->image.size) ||
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
	struct load_request load_request = {
		.kernel = session->kernel.image,
		.name = request->kernel,
		.args = request->args,
		.initrd = session->ramdisk,
		.dtb = session->dtb.bytes,
		.module = session->module,
		.nr_modules = session->nr_modules,
		.cmdline = session->cmdline,
		.mem_min = request->mem_min,
		.mem_max = request->mem_max,
		.no_efi = request->no_efi,
		.entry_32bit = request->entry_32bit,
		.real_mode = request->real_mode,
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
		.progress = session->progress,
	};

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
	if (place(session, &load_request, err) || say_uki(session, err) ||
	    (session->load.bootparams.dtb_at &&
	     plan_reason(&session->load.plan, err, "device tree of %s, %zu bytes, in setup_data",
			 request->dtb, load_request.dtb.size)) ||
	    load_seal(&load_request, &session->system, &session->load, err))
		return -1;
	bytes_wipe(session->seed, sizeof(session->seed));
	return 0;
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
		.system = &session->system,
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
		.system = &session->system,
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
int session_unload(const struct surroundings *around, enum method method, bool crash,
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

static bool is_locked_down(const struct session *session)
{
	const char *lockdown = session->system.lockdown;

	return lockdown && strcmp(lockdown, "none");
}

/* A plan is a plan: that it cannot be loaded here is said beside it. */
static void warn_of_lockdown(const struct session *session)
{
	const char *lockdown = session->system.lockdown;
	struct warnings *warnings = session->around->warnings;

	if (session->only_ours)
		warn_add(warnings,
			 "the running kernel is locked down (%s) and will refuse this load (%s): "
			 "use a bzImage that its own loader can start, or turn Secure Boot off",
			 lockdown, session->only_ours);
	else
		warn_add(warnings,
			 "the running kernel is locked down (%s) and will refuse this load: with "
			 "-s its own loader takes the kernel, if that is signed",
			 lockdown);
}

static int plan_ourselves(struct session *session, struct err *err)
{
	const struct request *request = session->request;
	const struct err *unknown =
		session->unknown.code ? &session->unknown : &session->unknown_to_dump;
	struct err incomplete = { 0 };

	for (size_t i = 0; i < session->of_machine.count; i++)
		warn_add(session->around->warnings, "%s", session->of_machine.text[i]);
	if (request->dry_run && check_unread(session, &incomplete)) {
		if (request->crash && (unknown->code || session->system.iomem.zeroed)) {
			*err = incomplete;
			return -1;
		}
		if (!request->crash)
			warn_add(session->around->warnings, "%s", incomplete.text);
	}
	if (unknown->code) {
		*err = *unknown;
		return -1;
	}
	if (session->system.is_hypervisor_host && !request->crash)
		warn_add(session->around->warnings,
			 "this is a root partition of Hyper-V: memory that it gave to the "
			 "hypervisor stays the hypervisor's, and the next kernel does not know");
	if (request->dry_run && is_locked_down(session))
		warn_of_lockdown(session);
	/* Digests that are printed would give random addresses away. */
	if (request->dry_run)
		crash_forget_kaslr(&session->system.kcore);
	if (request->hotplug && !session->system.crash.elfcorehdr_size)
		warn_add(session->around->warnings,
			 "--hotplug: the running kernel cannot keep a loaded crash kernel up to "
			 "date (/sys/kernel/crash_elfcorehdr_size is missing): load it again "
			 "after memory or CPUs come or go");
	if (request->crash && !request->dry_run && request->files != REQUEST_FILES_COPIED)
		pin_inputs(session);
	if (make_plan(session, err) || check_inputs(session, err) ||
	    (session->planned && session->planned(session, err)))
		return -1;
	if (!request->crash || !incomplete.code)
		return 0;
	*err = incomplete;
	return -1;
}

static int submit_ourselves(struct session *session, struct err *err)
{
	const struct request *request = session->request;
	const struct load *load = &session->load;
	struct loaded_digests digests;
	unsigned long flags = 0;
	struct err changed;

	/* The files are looked at no more when something is loaded. */
	digests.has_kernel =
		digest_file(session, load->plan.kernel, load->is_direct || load->image.is_program,
			    load->image.protected, digests.kernel);
	digests.has_initrd = digest_file(session, load->plan.initrd, session->unpacked.data,
					 session->ramdisk, digests.initrd);
	if (submit_plan(session, &flags, err))
		return -1;
	remember(session, &digests, flags, &load->plan);
	/* Of those its own copies were loaded. */
	if (request->crash || request->files == REQUEST_FILES_COPIED ||
	    !check_inputs(session, &changed))
		return 0;
	if (session_unload(session->around, METHOD_AUTO, false, err))
		return -1;
	*err = changed;
	return err_append(err, "; what had been loaded is unloaded again");
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
		.system = &session->system,
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
		return session_unload(around, METHOD_FILE_LOAD, false, err);
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
	const struct err *unknown;
	bool loaded;

	if (gather_loaded(root, true, &loaded, err))
		return -1;
	if (!loaded)
		return 0;
	unknown = session->unknown.code && !session->system.iomem.count ? &session->unknown
									: &session->unknown_to_dump;
	if (unknown->code) {
		*err = *unknown;
		return -1;
	}
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
	if (bzimage_parse(session->kernel.image, &image, &ignored) || !session->system.iomem.count)
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
		{ "--dtb", request->dtb, false },
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
			"the running kernel's own loader is to load (%s), and where it would put a "
			"kernel is not known before it does: there is no plan to show",
			session->method_reason);
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
	if (session->request->real_mode)
		return "only this loader enters kernels in real mode";
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
		 is_locked_down(session)       ? "the running kernel is locked down"
		 : lost			       ? "no other hands on "
		 : session->request->no_checks ? "placed by this loader"
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
	/* One limit counts both calls (kexec_load_permitted() in kernel/kexec_core.c of Linux 6.3). */
	if (err->sys_errno != ENOSYS &&
	    explain_used_up(&session->around->root, session->request->crash))
		return false;
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
	if (method == METHOD_FILE_LOAD)
		return load_by_kernel(session, err);
	if (session->load.plan.stage != PLAN_SEALED && plan_ourselves(session, err))
		return -1;
	return session->request->dry_run ? 0 : submit_ourselves(session, err);
}

/* Of two failures the first is told, unless the second has another cause. What was warned of concerned
 * the load that failed. */
static int load_otherwise(struct session *session, enum method *method, struct err *err)
{
	const char *failed = *method == METHOD_LOAD ? "kexec_load" : "kexec_file_load";
	const struct err first = *err;

	snprintf(session->method_reason, sizeof(session->method_reason), "%s %s%s", failed,
		 first.sys_errno ? "failed: " : "finds no place",
		 first.sys_errno ? strerror(first.sys_errno) : "");
	*method = *method == METHOD_LOAD ? METHOD_FILE_LOAD : METHOD_LOAD;
	/* A plan of ours is none of the running kernel's. */
	load_done(&session->load);
	session->load = (struct load){ 0 };
	warnings_cut(session->around->warnings, session->nr_warnings);
	if (!load_by(session, *method, err))
		return 0;
	warnings_cut(session->around->warnings, session->nr_warnings);
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
	else if ((request->args == LOAD_ARGS_ELF || request->args == LOAD_ARGS_NONE) &&
		 !segments_are_elf(session->kernel.image))
		warn_add(
			session->around->warnings,
			"--args-elf or --args-none: without an effect, for the kernel is no ELF file");
	if (request->dtb && !takes_dtb(session))
		warn_add(session->around->warnings,
			 "--dtb: only Linux takes a device tree, and not in real mode: the kernel "
			 "gets none");
}

int session_begin(struct session *session, const struct request *request,
		  const struct surroundings *around, struct err *err)
{
	session->request = request;
	session->own = *around;
	session->around = &session->own;
	if (request->dry_run)
		session->own.root.unread = &session->unread;
	if (open_inputs(session, err) || gather(session, err))
		return -1;
	if (session->opened)
		session->opened(session);
	if (judge_inputs(session, err) || system_check_host(&session->system, err) ||
	    compose_cmdline(session, err))
		return -1;
	warn_of_other_images(session);
	if (around->warnings)
		session->nr_warnings = around->warnings->count;
	session->only_ours = only_ours(session);
	session->method = choose_method(session);
	return 0;
}

int session_plan(struct session *session, struct err *err)
{
	return session->method == METHOD_LOAD ? plan_ourselves(session, err) : 0;
}

int session_load(struct session *session, struct err *err)
{
	const char *lost;

	if (load_by(session, session->method, err) &&
	    (!other_may_do(session, session->method, err) ||
	     load_otherwise(session, &session->method, err)))
		return -1;
	lost = session->method == METHOD_LOAD ? lost_by_ours(session) : NULL;
	if (lost)
		warn_add(
			session->around->warnings,
			"only the running kernel's own loader hands on %s: it is lost; -s loads so",
			lost);
	return 0;
}

struct report session_report(const struct session *session)
{
	return (struct report){
		.load = &session->load,
		.kernel_path = session->request->kernel,
		.method = "kexec_load",
		.method_reason = session->method_reason,
		.initrd_packed = session->unpacked.data ? session->ramdisk.size : 0,
		.unread = &session->unread,
	};
}
