/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/realmode.h"

#include <string.h>

#include "kexec/core/cmdline.h"
#include "x86/bootparam.h"

static const struct range segment = { REALMODE_AT, REALMODE_AT + REALMODE_SIZE };

/* Also where the running kernel's command line has left EFI behind. */
static bool was_booted_by_efi(const struct system *system)
{
	const struct boot_params *running = (const void *)system->boot_params;

	return system->efi.booted || !memcmp(running->efi_info.signature, "EL64", 4) ||
	       !memcmp(running->efi_info.signature, "EL32", 4);
}

static int check_bios(const struct system *system, struct err *err)
{
	const struct system_bios *bios = &system->bios;
	struct range_set ram CLEANUP(range_set_done) = { 0 };

	if (!bios->known)
		return err_set(
			err, ERR_INPUT,
			"real mode needs a BIOS, and whether there is one cannot be seen: %s",
			bios->unknown.text);
	if (iomem_system_ram(&system->iomem, RANGE_ALL, &ram, err))
		return -1;
	for (size_t i = 0; i < SYSTEM_BIOS_HANDLERS; i++) {
		struct range handler = { bios->handler[i], bios->handler[i] + 1 };

		if (!handler.start)
			return err_set(
				err, ERR_INPUT,
				"real mode needs a BIOS: there is no handler of interrupt 0x%x",
				system_bios_vector[i]);
		if (range_set_overlaps(&ram, handler))
			return err_set(
				err, ERR_INPUT,
				"real mode needs a BIOS: the handler of interrupt 0x%x lay at " PHYS_FMT
				", in what the running kernel has used as RAM",
				system_bios_vector[i], PHYS(handler.start));
	}
	if (bios->data_at < segment.end)
		return err_set(err, ERR_INPUT,
			       "the BIOS keeps its own data from " PHYS_FMT
			       " on: the setup code needs " PHYS_FMT "-" PHYS_FMT,
			       PHYS(bios->data_at), PHYS(segment.start), PHYS(segment.end));
	return 0;
}

int realmode_check(const struct system *system, const struct bzimage *image, struct err *err)
{
	if (image->setup.size > REALMODE_SETUP_MAX)
		return err_set(err, ERR_INPUT,
			       "0x%zx bytes of setup code, of which real mode takes 0x%x",
			       image->setup.size, REALMODE_SETUP_MAX);
	if (was_booted_by_efi(system))
		return err_set(
			err, ERR_INPUT,
			"real mode needs a BIOS: the firmware of this machine started it by EFI");
	if (system->encrypts_memory || system->is_guest_without_io)
		return err_set(
			err, ERR_INPUT,
			"memory is encrypted here (SEV, SME, TDX), of which real mode knows nothing");
	return check_bios(system, err);
}

int realmode_use(const struct system *system, const struct memmap *e820, struct range_set *usable,
		 struct err *err)
{
	struct range_set ram CLEANUP(range_set_done) = { 0 };

	if (system_ram(system, e820, segment, &ram, err))
		return -1;
	if (!range_set_contains(&ram, segment))
		return err_set(err, ERR_INPUT,
			       PHYS_FMT
			       "-" PHYS_FMT
			       ", where setup code runs in real mode, is not RAM for firmware and "
			       "running kernel",
			       PHYS(segment.start), PHYS(segment.end));
	return range_set_add(usable, segment, err);
}

bool realmode_reads_disks(const struct bzimage *image, const char *cmdline)
{
	/* What setup code with CONFIG_EDD says on the screen: arch/x86/boot/edd.c. */
	static const char says[] = "edd=off";

	return memmem(image->setup.data, image->setup.size, says, strlen(says)) &&
	       !cmdline_has(cmdline, "edd");
}
