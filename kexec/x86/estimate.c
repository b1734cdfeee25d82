/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/estimate.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "kexec/core/cmdline.h"
#include "kexec/x86/program.h"

enum {
	/* What a capture kernel needs besides what is loaded: to boot, measured with cloud
	 * kernels, and for each byte of an initrd to unpack it. */
	CAPTURE_WORKING_MEMORY = 24 << 20,
	CAPTURE_UNPACKED = 3,
	/* For each further CPU that it starts: measured as 0.7 (6.1) and 1.7 MiB (6.12); for one that may come, its
	 * per-CPU area ("percpu: Embedded 66 pages/cpu"). */
	CAPTURE_PER_CPU = 2 << 20,
	CAPTURE_PER_ABSENT_CPU = 264 << 10,
	/* IO_TLB_DEFAULT_SIZE and IO_TLB_SHIFT of include/linux/swiotlb.h. */
	SWIOTLB_DEFAULT = 64 << 20,
	SWIOTLB_SLAB = 2048,
	/* Of the running kernel's own loader (arch/x86/kernel/kexec-bzimage64.c, crash.c), at most:
	 * its purgatory, parameters with EFI map, and a backup of low memory before 5.5. */
	KERNELS_OWN_PARTS = 1 << 20,
	KERNELS_ELFCOREHDR_STRING = 30,
};

/* CPUs that a kernel with this command line makes room for (arch/x86/kernel/smpboot.c and
 * topology.c): maxcpus= leaves them possible, unless it is 0. */
static uint64_t capture_cpus(const char *cmdline, const struct system *system)
{
	uint64_t possible = system->crash.possible_cpus ?: system->crash.nr_notes ?: 1, asked;
	struct bytes value;

	if (cmdline_has(cmdline, "nosmp") ||
	    (cmdline_get(cmdline, "maxcpus", &value) &&
	     num_parse((const char *)value.data, value.size, 0, &asked) && !asked))
		return 1;
	if (cmdline_get(cmdline, "nr_cpus", &value) &&
	    num_parse((const char *)value.data, value.size, 0, &asked) && asked && asked < possible)
		return asked;
	return possible;
}

/*
 * Bounce buffers, which come out of memory below 4 GiB, are allocated if memory may lie above. That
 * is told by ACPI's SRAT, which has the machine's and what may be plugged in, not only the capture
 * kernel's (pci_swiotlb_detect() in arch/x86/kernel/pci-dma.c, max_possible_pfn in
 * drivers/acpi/numa/srat.c); in encrypted guests always (mem_encrypt_setup_arch()). A low reservation
 * is there for them, and one above 4 GiB has no place for them.
 */
static int capture_swiotlb(const char *cmdline, const struct system *system, uint64_t *ret,
			   struct err *err)
{
	struct range main = { 0, 0 }, low = { 0, 0 };
	struct bytes value;
	uint64_t slabs;

	*ret = 0;
	if (iomem_crash_kernel(&system->iomem, &main, &low, err))
		return -1;
	if (range_is_valid(low) || main.start >= FOUR_GIB ||
	    (!system->is_guest_without_io && system->crash.memory_may_reach <= FOUR_GIB))
		return 0;
	*ret = SWIOTLB_DEFAULT;
	if (!cmdline_get(cmdline, "swiotlb", &value))
		return 0;
	for (size_t i = 0; i < value.size; i++)
		if (value.data[i] == ',')
			value.size = i;
	if (value.size == 7 && !memcmp(value.data, "noforce", 7))
		*ret = 0;
	else if (num_parse((const char *)value.data, value.size, 0, &slabs) && slabs <= UINT32_MAX)
		*ret = slabs * SWIOTLB_SLAB;
	return 0;
}

int estimate_capture(const struct load_request *request, const struct system *system,
		     struct estimate *ret, struct err *err)
{
	uint64_t present;

	ret->unpacked = request->initrd.size * (request->initrd_is_unpacked ? 1 : CAPTURE_UNPACKED);
	ret->working = CAPTURE_WORKING_MEMORY;
	ret->cpus = capture_cpus(request->cmdline, system);
	present = num_min(num_max(system->crash.nr_notes, 1), ret->cpus);
	ret->per_cpu =
		(present - 1) * CAPTURE_PER_CPU + (ret->cpus - present) * CAPTURE_PER_ABSENT_CPU;
	return capture_swiotlb(request->cmdline, system, &ret->swiotlb, err);
}

uint64_t estimate_crashkernel(uint64_t needed, const struct estimate *capture)
{
	uint64_t size =
		needed + capture->unpacked + capture->working + capture->per_cpu + capture->swiotlb;

	return (size + ESTIMATE_CRASHKERNEL_UNIT - 1) / ESTIMATE_CRASHKERNEL_UNIT *
	       ESTIMATE_CRASHKERNEL_UNIT;
}

uint64_t estimate_segments_max(const struct system *system)
{
	return system->mem_total ? system->mem_total / 2 : PHYS_LIMIT;
}

int estimate_load(const struct load_request *request, const struct system *system,
		  struct estimate *ret, struct err *err)
{
	struct estimate estimate = {
		.initrd = request->initrd.size,
		.header =
			num_max((system->iomem.count + system->crash.nr_notes) * sizeof(Elf64_Phdr),
				system->crash.elfcorehdr_size),
		.small = KERNELS_OWN_PARTS,
	};
	struct bzimage image;

	if (image_parse_with(request->kernel, request->args, &image, err) ||
	    image_check_crash(&image, err) ||
	    crash_kernel_pages(system, &estimate.kernel_pages, err))
		return -1;
	estimate.alignment = image.footprint.alignment;
	estimate.kernel = image.footprint.init_size + estimate.alignment;
	if (estimate_capture(request, system, &estimate, err))
		return -1;
	estimate.crashkernel =
		estimate_crashkernel(estimate.kernel + estimate.initrd + estimate.header +
					     estimate.small + estimate.kernel_pages,
				     &estimate);
	*ret = estimate;
	return 0;
}

int estimate_remedy(const struct system *system, uint64_t loaded, uint64_t crashkernel,
		    char ret[ESTIMATE_REMEDY_MAX], struct err *err)
{
	struct range_set ram CLEANUP(range_set_done) = { 0 };
	unsigned long long mib = crashkernel >> 20;

	if (iomem_dumped_ram(&system->iomem, &ram, err))
		return -1;
	if (crashkernel + 2 * loaded <= range_set_total(&ram))
		snprintf(ret, ESTIMATE_REMEDY_MAX, "boot the running kernel with crashkernel=%lluM",
			 mib);
	else
		snprintf(ret, ESTIMATE_REMEDY_MAX,
			 "use a smaller kernel or initrd: this machine has %llu MiB of memory, too "
			 "little for the crashkernel=%lluM that these take",
			 (unsigned long long)range_set_total(&ram) >> 20, mib);
	return 0;
}

int estimate_advise(const struct load_request *request, const struct system *system,
		    struct err *err)
{
	char remedy[ESTIMATE_REMEDY_MAX];
	struct estimate estimate;
	struct err lost;

	if (estimate_load(request, system, &estimate, &lost) ||
	    estimate_remedy(system, estimate_loaded(&estimate), estimate.crashkernel, remedy,
			    &lost)) {
		*err = lost;
		return -1;
	}
	return err_advise(err, ": %s", remedy);
}

int estimate_check_reload(const struct load_request *request, const struct system *system,
			  struct err *err)
{
	struct estimate estimate;
	struct range main, low;
	struct bzimage image;
	uint64_t needed;

	if (image_parse(request->kernel, &image, err) ||
	    estimate_load(request, system, &estimate, err) ||
	    iomem_crash_kernel(&system->iomem, &main, &low, err))
		return -1;
	if (strlen(request->cmdline) + KERNELS_ELFCOREHDR_STRING > image.cmdline_size)
		return err_set(
			err, ERR_INPUT,
			"the command line has %zu bytes, %d more are needed for elfcorehdr=, "
			"and the kernel takes %u: the loaded crash kernel stays",
			strlen(request->cmdline), KERNELS_ELFCOREHDR_STRING, image.cmdline_size);
	needed = estimate.kernel + estimate.initrd + estimate.header + estimate.small +
		 estimate.kernel_pages;
	if (needed > estimate_segments_max(system))
		return err_set(err, ERR_NO_FIT,
			       "the running kernel's own loader may need %llu KiB, the running "
			       "kernel takes half of its memory at most, %llu KiB, and the loaded "
			       "crash kernel would be lost: it stays. Use a smaller kernel or "
			       "initrd",
			       (unsigned long long)needed / 1024,
			       (unsigned long long)estimate_segments_max(system) / 1024);
	if (needed <= range_size(main))
		return 0;
	return err_set(
		err, ERR_NO_FIT,
		"the running kernel's own loader may need %llu KiB, the reservation " PHYS_FMT
		"-" PHYS_FMT " has %llu KiB, and the loaded crash kernel would be lost: it "
		"stays. Unload it first (kexec -p -u) to try all the same, use -c, which "
		"knows, or boot the running kernel with crashkernel=%lluM",
		(unsigned long long)needed / 1024, PHYS(main.start), PHYS(main.end),
		(unsigned long long)range_size(main) / 1024,
		(unsigned long long)estimate.crashkernel >> 20);
}
