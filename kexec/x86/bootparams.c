/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/bootparams.h"

#include <string.h>

#include "kexec/core/cmdline.h"
#include "kexec/x86/realmode.h"
#include "purgatory-abi.h"
#include "x86/bootparam.h"

enum {
	NODE_ALIGN = 16,
	NODE_HEADER = sizeof(struct setup_data_wire),
	E820_ENTRY = sizeof(struct e820_entry_wire),
	MIB = 0x100000,
};

#define ZERO_PAGE(field) ((uint64_t)offsetof(struct boot_params, field))

static uint64_t take(struct bootparams *shape, uint64_t size)
{
	uint64_t at = (shape->size + NODE_ALIGN - 1) & ~(uint64_t)(NODE_ALIGN - 1);

	shape->size = at + size;
	return at;
}

/* What of the firmware's EFI the new kernel can be given, with the reason where nothing. */
static bool hands_over_efi(const struct bootparams_request *request, struct warnings *warnings)
{
	const struct system *system = request->system;
	const struct boot_params *running = (const void *)system->boot_params;
	static const char lost[] = "the new kernel will have no EFI runtime services, "
				   "EFI variables or ESRT";

	if (!system->efi.booted || request->no_efi)
		return false;
	if (!system->efi.can_hand_over)
		warn_add(warnings,
			 "/sys/firmware/efi/runtime-map, fw_vendor or config_table is missing "
			 "(CONFIG_EFI_RUNTIME_MAP, or efi=noruntime): %s",
			 lost);
	else if (!(request->image->xloadflags & XLF_EFI_KEXEC))
		warn_add(warnings, "the new kernel cannot take EFI over (xloadflags 0x%x): %s",
			 request->image->xloadflags, lost);
	else if (memcmp(running->efi_info.signature, "EL64", 4))
		warn_add(warnings, "the firmware's EFI is not 64-bit: %s", lost);
	else if (running->efi_info.memdesc_version != 1)
		warn_add(warnings, "EFI memory descriptors have version %u, not 1: %s",
			 running->efi_info.memdesc_version, lost);
	else
		return true;
	return false;
}

int bootparams_shape(const struct bootparams_request *request, struct bootparams *ret,
		     struct warnings *warnings, struct err *err)
{
	bool real_mode = request->image->real_mode;
	struct bootparams shape = { .size = real_mode ? REALMODE_STACK_END
						      : sizeof(struct boot_params) };
	size_t length = strlen(request->cmdline);

	if (length > request->image->cmdline_size)
		return err_set(err, ERR_INPUT,
			       "the command line has %zu characters, the kernel takes %u at most",
			       length, request->image->cmdline_size);
	if (!real_mode && request->e820->count > E820_HANDED_ON_MAX)
		return err_set(
			err, ERR_INPUT,
			"the memory map has %zu entries, merged; a kernel keeps %d at most and "
			"would lose the rest",
			request->e820->count, E820_HANDED_ON_MAX);
	if (!request->system->has_boot_params)
		return err_set(
			err, ERR_INPUT,
			"/sys/kernel/boot_params/data is missing: without it the new kernel would "
			"lose its screen, its ACPI tables and its EFI");
	shape.cmdline_room = length + 1 > COMMAND_LINE_WINDOW ? length + 1 : COMMAND_LINE_WINDOW;
	shape.cmdline_at = take(&shape, shape.cmdline_room);
	if (!real_mode && request->e820->count > E820_MAX_ENTRIES_ZEROPAGE) {
		shape.e820_ext_count = request->e820->count - E820_MAX_ENTRIES_ZEROPAGE;
		shape.e820_ext_at = take(&shape, NODE_HEADER + shape.e820_ext_count * E820_ENTRY);
	}
	shape.hands_over_efi = hands_over_efi(request, warnings);
	if (shape.hands_over_efi) {
		shape.efi_setup_at = take(&shape, NODE_HEADER + sizeof(struct efi_setup_data_wire));
		shape.efi_map_size = request->system->efi.runtime_map.count *
				     sizeof(struct efi_memory_desc_wire);
		shape.efi_map_at = take(&shape, shape.efi_map_size);
	}
	shape.report_at = take(&shape, NODE_HEADER + sizeof(struct purgatory_report));
	/* There is room also where there is no seed, so that no plan's addresses depend on it. */
	shape.seed_at = take(&shape, NODE_HEADER + RNG_SEED_SIZE);
	if (request->dtb.size && !real_mode)
		shape.dtb_at = take(&shape, NODE_HEADER + request->dtb.size);
	if (real_mode && shape.size > REALMODE_CODE_AT)
		return err_set(
			err, ERR_INPUT,
			"in real mode there is room for 0x%x bytes of command line and setup data, "
			"which have 0x%llx",
			REALMODE_CODE_AT - REALMODE_STACK_END,
			(unsigned long long)shape.size - REALMODE_STACK_END);
	if (real_mode)
		shape.size = REALMODE_SIZE;
	*ret = shape;
	return 0;
}

/* --- filling ------------------------------------------------------------- */

struct filler {
	const struct bootparams_request *request;
	const struct bootparams *shape;
	struct plan *plan;
	uint8_t *bytes;
	uint64_t chain_at; /* the 64-bit pointer to the next setup_data node */
	struct err *err;
};

static int link_to(struct filler *f, uint64_t low_at, uint64_t high_at, unsigned int target,
		   uint64_t target_offset, uint64_t target_size)
{
	struct plan_link link = { f->plan->params, low_at,	  high_at,
				  target,	   target_offset, target_size };

	return plan_write_link(f->plan, &link, f->err);
}

static int add_node(struct filler *f, uint64_t at, uint32_t type, uint64_t length)
{
	if (link_to(f, f->chain_at, f->chain_at + 4, f->plan->params, at, NODE_HEADER + length))
		return -1;
	put_u32(f->bytes + at + offsetof(struct setup_data_wire, type), type);
	put_u32(f->bytes + at + offsetof(struct setup_data_wire, len), (uint32_t)length);
	f->chain_at = at;
	return 0;
}

static void put_e820(uint8_t *at, const struct memmap_entry *entry)
{
	put_u64(at, entry->range.start);
	put_u64(at + 8, range_size(entry->range));
	put_u32(at + 16, entry->type);
}

static int fill_e820(struct filler *f)
{
	const struct memmap *e820 = f->request->e820;
	size_t in_page = e820->count - f->shape->e820_ext_count;

	f->bytes[ZERO_PAGE(e820_entries)] = (uint8_t)in_page;
	for (size_t i = 0; i < e820->count; i++) {
		uint64_t at = i < in_page ? ZERO_PAGE(e820_table) + i * E820_ENTRY
					  : f->shape->e820_ext_at + NODE_HEADER +
						    (i - in_page) * E820_ENTRY;

		put_e820(f->bytes + at, &e820->entry[i]);
		if (e820->entry[i].type == E820_RAM && e820->entry[i].range.start <= MIB &&
		    e820->entry[i].range.end > MIB)
			put_u32(f->bytes + ZERO_PAGE(alt_mem_k),
				(uint32_t)((e820->entry[i].range.end - MIB) / 1024));
	}
	if (!f->shape->e820_ext_count)
		return 0;
	return add_node(f, f->shape->e820_ext_at, SETUP_E820_EXT,
			f->shape->e820_ext_count * E820_ENTRY);
}

static int fill_efi(struct filler *f)
{
	const struct boot_params *running = (const void *)f->request->system->boot_params;
	const struct system_efi *efi = &f->request->system->efi;
	struct boot_params *new = (void *)f->bytes;
	uint8_t *setup = f->bytes + f->shape->efi_setup_at + NODE_HEADER;
	uint8_t *map = f->bytes + f->shape->efi_map_at;

	if (!f->shape->hands_over_efi)
		return 0;
	new->efi_info = running->efi_info;
	new->efi_info.memdesc_size = sizeof(struct efi_memory_desc_wire);
	new->efi_info.memmap_size = (uint32_t)f->shape->efi_map_size;
	put_u64(setup + offsetof(struct efi_setup_data_wire, fw_vendor), efi->fw_vendor);
	put_u64(setup + offsetof(struct efi_setup_data_wire, runtime), efi->runtime);
	put_u64(setup + offsetof(struct efi_setup_data_wire, tables), efi->config_table);
	put_u64(setup + offsetof(struct efi_setup_data_wire, smbios), efi->smbios);
	for (size_t i = 0; i < efi->runtime_map.count; i++) {
		const struct efi_desc *desc = &efi->runtime_map.desc[i];

		put_u32(map, desc->type);
		put_u64(map + offsetof(struct efi_memory_desc_wire, phys_addr), desc->phys);
		put_u64(map + offsetof(struct efi_memory_desc_wire, virt_addr), desc->virt);
		put_u64(map + offsetof(struct efi_memory_desc_wire, num_pages), desc->pages);
		put_u64(map + offsetof(struct efi_memory_desc_wire, attribute), desc->attribute);
		map += sizeof(struct efi_memory_desc_wire);
	}
	if (link_to(f, ZERO_PAGE(efi_info.memmap), ZERO_PAGE(efi_info.memmap_hi), f->plan->params,
		    f->shape->efi_map_at, f->shape->efi_map_size))
		return -1;
	return add_node(f, f->shape->efi_setup_at, SETUP_EFI, sizeof(struct efi_setup_data_wire));
}

static int fill_seed(struct filler *f)
{
	if (!f->request->seed)
		return 0;
	memcpy(f->bytes + f->shape->seed_at + NODE_HEADER, f->request->seed, RNG_SEED_SIZE);
	return add_node(f, f->shape->seed_at, SETUP_RNG_SEED, RNG_SEED_SIZE);
}

static int fill_dtb(struct filler *f)
{
	if (!f->shape->dtb_at)
		return 0;
	memcpy(f->bytes + f->shape->dtb_at + NODE_HEADER, f->request->dtb.data,
	       f->request->dtb.size);
	return add_node(f, f->shape->dtb_at, SETUP_DTB, f->request->dtb.size);
}

/*
 * The screen is what the firmware and the boot loader said of it, whatever
 * driver has it now. The old hyperv_fb alone moves the framebuffer: then the
 * new place is passed, or none, for a kernel that draws at the old one hangs.
 */
static void fill_screen(struct filler *f, const struct boot_params *running)
{
	const struct system *system = f->request->system;
	uint8_t *screen = f->bytes + ZERO_PAGE(screen_info);

	memcpy(screen, &running->screen_info, sizeof(running->screen_info));
	if (!system->framebuffer_moved)
		return;
	put_u32(screen + SCREEN_INFO_LFB_BASE, (uint32_t)system->framebuffer_base);
	put_u32(screen + SCREEN_INFO_EXT_LFB_BASE, (uint32_t)(system->framebuffer_base >> 32));
	if (system->framebuffer_base >> 32)
		screen[SCREEN_INFO_CAPABILITIES] |= VIDEO_CAPABILITY_64BIT_BASE;
	if (system->framebuffer_base)
		return;
	put_u32(screen + SCREEN_INFO_LFB_SIZE, 0);
	warn_add(f->plan->warnings,
		 "hyperv_fb has moved the framebuffer and does not say where: the new kernel gets "
		 "none");
}

/* What only the firmware or the boot loader could tell, and the running kernel remembers. */
static void fill_inherited(struct filler *f, const struct boot_params *running)
{
	struct boot_params *new = (void *)f->bytes;

	new->acpi_rsdp_addr = f->request->system->acpi_rsdp;
	new->secure_boot = running->secure_boot;
	new->cc_blob_address = running->cc_blob_address;
	new->hdr.hardware_subarch = running->hdr.hardware_subarch;
	new->hdr.hardware_subarch_data = running->hdr.hardware_subarch_data;
	memcpy(new->edid_info, running->edid_info, sizeof(new->edid_info));
	new->edd_mbr_sig_buf_entries = running->edd_mbr_sig_buf_entries < EDD_MBR_SIG_MAX
					       ? running->edd_mbr_sig_buf_entries
					       : EDD_MBR_SIG_MAX;
	memcpy(new->edd_mbr_sig_buffer, running->edd_mbr_sig_buffer,
	       sizeof(new->edd_mbr_sig_buffer));
	new->eddbuf_entries =
		running->eddbuf_entries < EDDMAXNR ? running->eddbuf_entries : EDDMAXNR;
	memcpy(new->eddbuf, running->eddbuf, sizeof(new->eddbuf));
}

/* Where the high half of an address goes; setup code knows none. */
static uint64_t high_half(const struct filler *f, uint64_t in_zero_page)
{
	return f->request->image->real_mode ? PLAN_LINK_LOW : in_zero_page;
}

static int fill_header(struct filler *f)
{
	struct setup_header *header = (void *)(f->bytes + SETUP_HEADER_OFFSET);
	const struct plan *plan = f->plan;
	size_t length = strlen(f->request->cmdline);

	memcpy(header, f->request->image->header.data, f->request->image->header.size);
	header->type_of_loader = LOADER_TYPE_KEXEC;
	header->loadflags &= LOADED_HIGH;
	if (cmdline_has(f->request->cmdline, "quiet"))
		header->loadflags |= QUIET_FLAG;
	if (f->request->kaslr)
		header->loadflags |= KASLR_FLAG;
	header->setup_data = 0;
	memcpy(f->bytes + f->shape->cmdline_at, f->request->cmdline, length + 1);
	if (link_to(f, ZERO_PAGE(hdr.cmd_line_ptr), high_half(f, ZERO_PAGE(ext_cmd_line_ptr)),
		    plan->params, f->shape->cmdline_at, f->shape->cmdline_room))
		return -1;
	header->ramdisk_image = 0;
	header->ramdisk_size = 0;
	if (plan->initrd == PLAN_NO_ITEM)
		return 0;
	put_u32(f->bytes + ZERO_PAGE(hdr.ramdisk_size),
		(uint32_t)plan->item[plan->initrd].file.size);
	if (high_half(f, ZERO_PAGE(ext_ramdisk_size)) != PLAN_LINK_LOW)
		put_u32(f->bytes + ZERO_PAGE(ext_ramdisk_size),
			(uint32_t)(plan->item[plan->initrd].file.size >> 32));
	return link_to(f, ZERO_PAGE(hdr.ramdisk_image), high_half(f, ZERO_PAGE(ext_ramdisk_image)),
		       plan->initrd, 0, plan->item[plan->initrd].file.size);
}

/* The rest of the zero page. */
static int fill_zero_page(struct filler *f)
{
	const struct boot_params *running = (const void *)f->request->system->boot_params;

	fill_screen(f, running);
	fill_inherited(f, running);
	return fill_e820(f) || fill_efi(f) ? -1 : 0;
}

/* Setup code sets the screen up before anybody reads the command line (Documentation/arch/x86/boot.rst, "vga="). */
static uint16_t video_mode(const char *cmdline, uint16_t otherwise)
{
	static const struct {
		const char *name;
		uint16_t mode;
	} named[] = { { "normal", 0xffff }, { "ext", 0xfffe }, { "ask", 0xfffd } };
	struct bytes value;
	uint64_t mode;
	bool is_hex;

	if (!cmdline_get(cmdline, "vga", &value))
		return otherwise;
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (bytes_are(value, named[i].name))
			return named[i].mode;
	is_hex = value.size > 2 && !memcmp(value.data, "0x", 2);
	return num_parse((const char *)value.data, value.size, is_hex ? 16 : 10, &mode) &&
			       mode <= UINT16_MAX
		       ? (uint16_t)mode
		       : otherwise;
}

/* What is beside the header in real mode, where setup_data are all that a zero page need have of us. */
static int fill_real_mode(struct filler *f)
{
	struct setup_header *header = (void *)(f->bytes + SETUP_HEADER_OFFSET);
	const struct plan *plan = f->plan;

	memcpy(f->bytes + REALMODE_CODE_AT, realmode_code, sizeof(realmode_code));
	header->loadflags |= CAN_USE_HEAP;
	header->vid_mode = video_mode(plan->cmdline, header->vid_mode);
	header->heap_end_ptr = REALMODE_STACK_END - SETUP_SECTOR_SIZE;
	return link_to(f, ZERO_PAGE(hdr.code32_start), PLAN_LINK_LOW, plan->kernel, 0,
		       plan->item[plan->kernel].file.size);
}

int bootparams_fill(const struct bootparams_request *request, const struct bootparams *shape,
		    struct plan *plan, struct err *err)
{
	struct filler f = {
		.request = request,
		.shape = shape,
		.plan = plan,
		.bytes = plan->item[plan->params].own.data,
		.chain_at = ZERO_PAGE(hdr.setup_data),
		.err = err,
	};

	if (plan->item[plan->params].own.size != shape->size)
		return err_set(err, ERR_INTERNAL, "the parameters have 0x%zx bytes, not 0x%llx",
			       plan->item[plan->params].own.size, (unsigned long long)shape->size);
	if (request->image->real_mode)
		memcpy(f.bytes, request->image->setup.data, request->image->setup.size);
	if (fill_header(&f) ||
	    (request->image->real_mode ? fill_real_mode(&f) : fill_zero_page(&f)) ||
	    fill_seed(&f) || fill_dtb(&f) ||
	    add_node(&f, shape->report_at, PURGATORY_REPORT_TYPE, sizeof(struct purgatory_report)))
		return -1;
	return 0;
}
