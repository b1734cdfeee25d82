/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/direct.h"

#include "kexec/core/cmdline.h"
#include "kexec/x86/elfimage.h"
#include "x86/bootparam.h"

/* What the kernel's decompressor does besides, and nobody would do in its place. */
static int check(const struct load_request *request, const struct system *system,
		 const struct bzimage *image, struct err *err)
{
	enum { PROTOCOL_FIRST = 0x020f /* Linux 5.5 */ };

	if (image->protocol < PROTOCOL_FIRST)
		return err_set(err, ERR_INPUT, "boot protocol %u.%02u is of a kernel before 5.5",
			       image->protocol >> 8, image->protocol & 0xff);
	if (image->entry_32bit)
		return err_set(err, ERR_INPUT, "the kernel is entered in 32-bit mode");
	if (!image->footprint.relocatable)
		return err_set(err, ERR_INPUT, "the kernel is not relocatable");
	if (system->mem_unaccepted)
		return err_set(err, ERR_INPUT,
			       "%llu KiB of memory are not accepted yet (SEV-SNP, TDX), which the "
			       "decompressor would do for the kernel",
			       (unsigned long long)system->mem_unaccepted / 1024);
	if (system->may_encrypt_memory)
		return err_set(err, ERR_INPUT,
			       "the processor can encrypt this memory (SEV, SME), and the kernel's "
			       "log no longer says whether it does");
	if (system->encrypts_memory)
		return err_set(err, ERR_INPUT,
			       "memory is encrypted here (SEV, SME, TDX), which the decompressor "
			       "prepares for the kernel");
	if (cmdline_has(request->cmdline, "mem_encrypt"))
		return err_set(err, ERR_INPUT,
			       "mem_encrypt= on its command line is for the decompressor");
	/* Such a kernel can be entered with it, for its decompressor leaves it. */
	if (system->la57 && !(image->xloadflags & XLF_5LEVEL_ENABLED))
		return err_set(err, ERR_INPUT,
			       "the machine runs with 5-level paging, which the kernel itself is "
			       "not built for");
	if (system->la57 && cmdline_has(request->cmdline, "no5lvl"))
		return err_set(err, ERR_INPUT,
			       "the machine runs with 5-level paging, and no5lvl asks the "
			       "decompressor to leave it");
	return 0;
}

static int unpack(const struct load_request *request, struct load *load, struct err *err)
{
	/* The pages by which the kernel maps itself. */
	enum { MAPPED_BY = 0x200000 };
	struct footprint_of *of = &load->image.footprint;
	struct vmlinux *vmlinux = &load->vmlinux;
	struct progress progress = progress_of(request->progress, "of the kernel unpacked");
	uint64_t index, mapped;

	if (vmlinux_unpack(&load->image, &progress, vmlinux, err))
		return -1;
	if (!num_align_up(vmlinux->mem_size, PAGE_SIZE_4K, &of->wrapper_size) ||
	    !num_align_up(vmlinux->mem_size, MAPPED_BY, &mapped) ||
	    of->wrapper_size > of->init_size)
		return err_set(err, ERR_INPUT,
			       "unpacked, it has 0x%llx bytes of memory, more than its init_size, "
			       "0x%llx",
			       (unsigned long long)vmlinux->mem_size,
			       (unsigned long long)of->init_size);
	if (of->init_size < mapped)
		of->init_size = mapped;
	load->kaslr = vmlinux->relocations.size && !cmdline_has(request->cmdline, "nokaslr");
	load->virtual_places = load->kaslr ? vmlinux_places(vmlinux, of->alignment) : 1;
	index = request->random ? request->random->virtual % load->virtual_places : 0;
	load->virtual_offset = index * of->alignment;
	return vmlinux_relocate(vmlinux, load->virtual_offset, err);
}

int direct_give_up(const struct load_request *request, const struct system *system,
		   const struct err *why, struct load *load, struct err *err)
{
	vmlinux_done(&load->vmlinux);
	load->is_direct = load->kaslr = false;
	load->virtual_places = load->virtual_offset = 0;
	load->not_direct = *why;
	return load_parse(request, system, &load->image, err);
}

/* There is nothing that it could be loaded as otherwise. */
static int prepare_elf(const struct load_request *request, const struct system *system,
		       struct load *load, struct err *err)
{
	if (system->la57 && load->image.is_stripped)
		return err_set(err, ERR_INPUT,
			       "the machine runs with 5-level paging, and the ELF file has no "
			       "symbols: whether the kernel is built for that cannot be seen");
	if (check(request, system, &load->image, err))
		return err_prefix(err,
				  "an ELF file has no decompressor that it could be loaded with");
	if (elfimage_load(load->image.protected, &load->vmlinux, err))
		return -1;
	load->is_direct = true;
	load->virtual_places = 1;
	return 0;
}

int direct_prepare(const struct load_request *request, const struct system *system,
		   struct load *load, struct err *err)
{
	struct err why;

	if (load->image.is_elf)
		return prepare_elf(request, system, load, err);
	if (request->direct == LOAD_DIRECT_NEVER)
		return 0;
	if (check(request, system, &load->image, &why))
		return direct_give_up(request, system, &why, load, err);
	if (!unpack(request, load, &why)) {
		load->is_direct = true;
		return 0;
	}
	if (why.code == ERR_DAMAGED) {
		*err = why;
		return -1;
	}
	load->is_unknown = why.code == ERR_INPUT;
	return direct_give_up(request, system, &why, load, err);
}

bool direct_draws(const struct load_request *request, const struct load *load)
{
	static const char *const words[] = { "mem", "memmap", "movable_node", "hugepages" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (cmdline_has(request->cmdline, words[i]))
			return false;
	return load->kaslr && !request->crash;
}

int direct_explain(const struct load_request *request, struct load *load, struct err *err)
{
	struct plan *plan = &load->plan;

	if (load->image.is_elf)
		return plan_reason(plan, err,
				   "an ELF file: %zu bytes of segments, entered without a "
				   "decompressor, at its own virtual address",
				   load->vmlinux.size);
	if (request->direct == LOAD_DIRECT_NEVER)
		return 0;
	if (!load->is_direct)
		return plan_reason(plan, err, "not started directly: %s", load->not_direct.text);
	if (plan_reason(plan, err, "started directly: its payload of %zu bytes is unpacked to %zu",
			load->image.payload.size, load->vmlinux.size))
		return -1;
	if (load->virtual_places == 1)
		return plan_reason(plan, err, "at its own virtual address: %s",
				   load->kaslr ? "there is no other"
					       : "KASLR is off, or the kernel has none");
	return plan_reason(plan, err, "at one of %llu virtual addresses, at random%s",
			   (unsigned long long)load->virtual_places,
			   request->random
				   ? ""
				   : ": a load draws this one and its place, of which the lowest "
				     "are shown");
}
