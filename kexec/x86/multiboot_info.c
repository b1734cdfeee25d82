/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/multiboot_info.h"

#include <string.h>

#include "x86/bootparam.h"

enum {
	KIB = 1024,
	MIB = 0x100000,
	LOW_MEMORY_KIB = 640,
	TEXT_SCREEN = 0xb8000,
	TEXT_BITS = 16,
	PALETTE_BITS = 8, /* a colour's number, of colours that are not known */
};

static const char loader[] = "safekexec " PACKAGE_VERSION;

/* The types of both versions' memory maps: a kernel takes what it does not know for reserved. */
static uint32_t map_type(uint32_t e820)
{
	switch (e820) {
	case E820_RAM:
	case E820_ACPI:
	case E820_NVS:
	case E820_UNUSABLE:
		return e820;
	default:
		return E820_RESERVED;
	}
}

/* In KiB: RAM from 0 on, and from 1 MiB on, up to the first hole. */
static void measure(const struct memmap *e820, uint32_t *ret_lower, uint32_t *ret_upper)
{
	uint64_t lower = 0, upper = 0;

	for (size_t i = 0; i < e820->count; i++) {
		struct range range = e820->entry[i].range;

		if (e820->entry[i].type != E820_RAM)
			continue;
		if (!range.start)
			lower = num_min(range.end / KIB, LOW_MEMORY_KIB);
		if (range.start <= MIB && range.end > MIB)
			upper = (range.end - MIB) / KIB;
	}
	*ret_lower = (uint32_t)lower;
	*ret_upper = (uint32_t)num_min(upper, UINT32_MAX);
}

/* --- the screen ------------------------------------------------------------ */

struct screen {
	uint64_t address;
	uint32_t pitch, width, height;
	uint8_t bits;
	bool is_text; /* else pixels, whose colours lie so: position and size of red, green, blue */
	uint8_t colour[6];
};

/* That which the firmware or the boot loader set, as with a Linux kernel. */
static bool find_screen(const struct multiboot_info_request *request, struct screen *ret)
{
	static const struct screen text = { TEXT_SCREEN, 160, 80, 25, TEXT_BITS, true, { 0 } };
	const struct system *system = request->system;
	const struct boot_params *running = (const void *)system->boot_params;
	struct bytes info = { running->screen_info.bytes, sizeof(running->screen_info) };
	struct cursor at = cursor_at(info, SCREEN_INFO_LFB_WIDTH);
	uint8_t type = info.data[SCREEN_INFO_IS_VGA];
	struct screen screen = { .is_text = false };

	*ret = text;
	if (request->text_screen || (system->has_boot_params && type == VIDEO_TYPE_TEXT))
		return true;
	if (!system->has_boot_params || (type != VIDEO_TYPE_VLFB && type != VIDEO_TYPE_EFI))
		return false;
	screen.width = cursor_u16(&at);
	screen.height = cursor_u16(&at);
	screen.bits = (uint8_t)cursor_u16(&at);
	screen.address = cursor_u32(&at);
	at.offset = SCREEN_INFO_LINE_LENGTH;
	screen.pitch = cursor_u16(&at);
	for (size_t i = 0; i < sizeof(screen.colour); i += 2) {
		screen.colour[i + 1] = cursor_u8(&at);
		screen.colour[i] = cursor_u8(&at);
	}
	at.offset = SCREEN_INFO_EXT_LFB_BASE;
	if (info.data[SCREEN_INFO_CAPABILITIES] & VIDEO_CAPABILITY_64BIT_BASE)
		screen.address |= (uint64_t)cursor_u32(&at) << 32;
	if (system->framebuffer_moved)
		screen.address = system->framebuffer_base;
	*ret = screen;
	return screen.address && screen.width && screen.height && screen.bits > PALETTE_BITS;
}

enum { SCREEN_RGB = 1, SCREEN_TEXT = 2, SCREEN_COLOURS_1 = 22 };

/* Both versions have these fields one behind the other, but for what is between type and colours. */
static void put_screen(uint8_t *at, const struct screen *screen, size_t colours_at)
{
	put_u64(at, screen->address);
	put_u32(at + 8, screen->pitch);
	put_u32(at + 12, screen->width);
	put_u32(at + 16, screen->height);
	at[20] = screen->bits;
	at[21] = screen->is_text ? SCREEN_TEXT : SCREEN_RGB;
	if (!screen->is_text)
		memcpy(at + colours_at, screen->colour, sizeof(screen->colour));
}

/* --- multiboot 1: 3.3 of its specification --------------------------------- */

enum {
	INFO_FLAGS = 0,
	INFO_LOWER = 4,
	INFO_UPPER = 8,
	INFO_CMDLINE = 16,
	INFO_NR_MODULES = 20,
	INFO_MODULES = 24,
	INFO_MAP_SIZE = 44,
	INFO_MAP = 48,
	INFO_LOADER = 64,
	INFO_SCREEN = 88,
	INFO_SIZE = 120,
	INFO_HAS_MEMORY = 1 << 0,
	INFO_HAS_CMDLINE = 1 << 2,
	INFO_HAS_MODULES = 1 << 3,
	INFO_HAS_MAP = 1 << 6,
	INFO_HAS_LOADER = 1 << 9,
	INFO_HAS_SCREEN = 1 << 12,
	MODULE_SIZE = 16,
	MAP_ENTRY_SIZE = 24, /* with its own size in front, which does not count itself */
};

/* Where each part lies, in their order. */
struct info_layout {
	uint64_t modules, map, loader, cmdline, modules_cmdlines;
};

static struct info_layout layout_1(const struct multiboot_info_request *request)
{
	struct info_layout layout = { .modules = INFO_SIZE };

	layout.map = layout.modules + request->nr_modules * MODULE_SIZE;
	layout.loader = layout.map + request->e820->count * MAP_ENTRY_SIZE;
	layout.cmdline = layout.loader + sizeof(loader);
	layout.modules_cmdlines = layout.cmdline + strlen(request->cmdline) + 1;
	return layout;
}

static int make_1(const struct multiboot_info_request *request, struct buf *info, struct err *err)
{
	const struct memmap *e820 = request->e820;
	uint32_t flags = INFO_HAS_MEMORY | INFO_HAS_CMDLINE | INFO_HAS_MAP | INFO_HAS_LOADER;
	struct info_layout layout = layout_1(request);
	struct screen screen;
	uint32_t lower, upper;

	if (buf_extend(info, layout.loader, err))
		return -1;
	if (request->nr_modules)
		flags |= INFO_HAS_MODULES;
	if (find_screen(request, &screen)) {
		flags |= INFO_HAS_SCREEN;
		put_screen(info->data + INFO_SCREEN, &screen, SCREEN_COLOURS_1);
	}
	measure(e820, &lower, &upper);
	put_u32(info->data + INFO_FLAGS, flags);
	put_u32(info->data + INFO_LOWER, lower);
	put_u32(info->data + INFO_UPPER, upper);
	put_u32(info->data + INFO_NR_MODULES, (uint32_t)request->nr_modules);
	put_u32(info->data + INFO_MAP_SIZE, (uint32_t)(layout.loader - layout.map));
	for (size_t i = 0; i < e820->count; i++) {
		uint8_t *at = info->data + layout.map + i * MAP_ENTRY_SIZE;

		put_u32(at, MAP_ENTRY_SIZE - 4);
		put_u64(at + 4, e820->entry[i].range.start);
		put_u64(at + 12, range_size(e820->entry[i].range));
		put_u32(at + 20, map_type(e820->entry[i].type));
	}
	if (buf_append(info, loader, sizeof(loader), err) ||
	    buf_append(info, request->cmdline, strlen(request->cmdline) + 1, err))
		return -1;
	for (size_t i = 0; i < request->nr_modules; i++)
		if (buf_append(info, request->module[i].cmdline,
			       strlen(request->module[i].cmdline) + 1, err))
			return -1;
	return 0;
}

/* One address, of 32 bits, within the information itself. */
static int link_within(struct plan *plan, uint64_t at, uint64_t target, uint64_t size,
		       struct err *err)
{
	struct plan_link link = { plan->params, at, PLAN_LINK_LOW, plan->params, target, size };

	return plan_write_link(plan, &link, err);
}

/* A module's first address, and that behind it. */
static int link_module(struct plan *plan, uint64_t at, const struct multiboot_module *module,
		       struct err *err)
{
	struct plan_link link = { plan->params,	  at,	       PLAN_LINK_LOW, plan->initrd,
				  module->offset, module->size };

	if (plan_write_link(plan, &link, err))
		return -1;
	put_u32(plan->item[plan->params].own.data + at + 4,
		(uint32_t)(plan->item[plan->initrd].run.start + module->offset + module->size));
	return 0;
}

static int link_1(const struct multiboot_info_request *request, struct plan *plan, struct err *err)
{
	struct info_layout layout = layout_1(request);
	uint64_t string = layout.modules_cmdlines;

	if (link_within(plan, INFO_CMDLINE, layout.cmdline, string - layout.cmdline, err) ||
	    link_within(plan, INFO_MAP, layout.map, layout.loader - layout.map, err) ||
	    link_within(plan, INFO_LOADER, layout.loader, sizeof(loader), err))
		return -1;
	if (request->nr_modules &&
	    link_within(plan, INFO_MODULES, layout.modules, layout.map - layout.modules, err))
		return -1;
	for (size_t i = 0; i < request->nr_modules; i++) {
		const struct multiboot_module *module = &request->module[i];
		uint64_t at = layout.modules + i * MODULE_SIZE;
		size_t size = strlen(module->cmdline) + 1;

		if (link_module(plan, at, module, err) ||
		    link_within(plan, at + 8, string, size, err))
			return -1;
		string += size;
	}
	return 0;
}

/* --- multiboot 2: 3.6 ------------------------------------------------------ */

enum {
	TAG_HEADER = 8,
	TAG_ALIGN = 8,
	TAG_MAP_ENTRY = 24,
	SCREEN_COLOURS_2 = 24, /* two reserved bytes are before them */
};

/* A tag with room for its body; where that is, in *ret_body. */
static int add_tag(struct buf *info, enum multiboot_tag type, size_t size, uint8_t **ret_body,
		   struct err *err)
{
	size_t at = (info->size + TAG_ALIGN - 1) & ~(size_t)(TAG_ALIGN - 1);

	if (buf_extend(info, at + TAG_HEADER + size, err))
		return -1;
	put_u32(info->data + at, type);
	put_u32(info->data + at + 4, (uint32_t)(TAG_HEADER + size));
	*ret_body = info->data + at + TAG_HEADER;
	return 0;
}

static int add_text(struct buf *info, enum multiboot_tag type, const char *text, struct err *err)
{
	uint8_t *body;

	if (add_tag(info, type, strlen(text) + 1, &body, err))
		return -1;
	memcpy(body, text, strlen(text) + 1);
	return 0;
}

static int add_map(const struct memmap *e820, struct buf *info, struct err *err)
{
	uint8_t *body;

	if (add_tag(info, MULTIBOOT_TAG_MAP, 8 + e820->count * TAG_MAP_ENTRY, &body, err))
		return -1;
	put_u32(body, TAG_MAP_ENTRY);
	body += 8;
	for (size_t i = 0; i < e820->count; i++, body += TAG_MAP_ENTRY) {
		put_u64(body, e820->entry[i].range.start);
		put_u64(body + 8, range_size(e820->entry[i].range));
		put_u32(body + 16, map_type(e820->entry[i].type));
	}
	return 0;
}

static int add_screen(const struct multiboot_info_request *request, struct buf *info,
		      struct err *err)
{
	struct screen screen;
	uint8_t *body;

	if (!find_screen(request, &screen)) {
		if (!request->kernel->wants_screen)
			return 0;
		return err_set(err, ERR_INPUT,
			       "its multiboot 2 header insists on a screen, and none is known here "
			       "that it could have");
	}
	if (add_tag(info, MULTIBOOT_TAG_FRAMEBUFFER,
		    screen.is_text ? SCREEN_COLOURS_2 : SCREEN_COLOURS_2 + sizeof(screen.colour),
		    &body, err))
		return -1;
	put_screen(body, &screen, SCREEN_COLOURS_2);
	return 0;
}

/* Of the revision that there is. One that only a BIOS has, a kernel finds there by itself. */
static int add_rsdp(const struct multiboot_info_request *request, struct buf *info, struct err *err)
{
	const struct rsdp *rsdp = &request->system->rsdp;
	uint8_t *body;

	if ((request->kernel->wants_rsdp && rsdp->size != RSDP_SIZE) ||
	    (request->kernel->wants_rsdp_0 && rsdp->size != RSDP_SIZE_0))
		return err_set(err, ERR_INPUT,
			       "its multiboot 2 header insists on ACPI's root pointer of revision "
			       "%d, which the running kernel's log does not tell",
			       request->kernel->wants_rsdp ? 2 : 0);
	if (!rsdp->size)
		return 0;
	if (add_tag(info, rsdp->size == RSDP_SIZE ? MULTIBOOT_TAG_RSDP : MULTIBOOT_TAG_RSDP_0,
		    rsdp->size, &body, err))
		return -1;
	memcpy(body, rsdp->bytes, rsdp->size);
	return 0;
}

static int add_memory(const struct memmap *e820, struct buf *info, struct err *err)
{
	uint32_t lower, upper;
	uint8_t *body;

	if (add_tag(info, MULTIBOOT_TAG_MEMORY, 8, &body, err))
		return -1;
	measure(e820, &lower, &upper);
	put_u32(body, lower);
	put_u32(body + 4, upper);
	return 0;
}

/* Modules come first: their addresses are found from there. */
static int make_2(const struct multiboot_info_request *request, struct buf *info, struct err *err)
{
	uint8_t *body;

	/* Its own header: all of its bytes, and 4 that are reserved. */
	if (buf_extend(info, TAG_HEADER, err))
		return -1;
	for (size_t i = 0; i < request->nr_modules; i++) {
		const char *cmdline = request->module[i].cmdline;

		if (add_tag(info, MULTIBOOT_TAG_MODULE, 8 + strlen(cmdline) + 1, &body, err))
			return -1;
		memcpy(body + 8, cmdline, strlen(cmdline) + 1);
	}
	if (add_text(info, MULTIBOOT_TAG_CMDLINE, request->cmdline, err) ||
	    add_text(info, MULTIBOOT_TAG_LOADER, loader, err) ||
	    add_memory(request->e820, info, err) || add_map(request->e820, info, err) ||
	    add_screen(request, info, err) || add_rsdp(request, info, err) ||
	    (request->kernel->relocatable &&
	     add_tag(info, MULTIBOOT_TAG_LOAD_BASE, 4, &body, err)) ||
	    add_tag(info, MULTIBOOT_TAG_END, 0, &body, err))
		return -1;
	put_u32(info->data, (uint32_t)info->size);
	return 0;
}

static int link_2(const struct multiboot_info_request *request, struct plan *plan, struct err *err)
{
	const struct buf *info = &plan->item[plan->params].own;
	const struct multiboot_module *module = request->module;
	struct plan_link base = { plan->params, 0, PLAN_LINK_LOW, plan->kernel, 0, 1 };
	uint64_t at = TAG_HEADER;

	for (;;) {
		struct cursor tag = cursor_at(buf_bytes(info), at);
		uint32_t type = cursor_u32(&tag), size = cursor_u32(&tag);

		if (type == MULTIBOOT_TAG_END)
			return 0;
		if (type == MULTIBOOT_TAG_MODULE &&
		    link_module(plan, at + TAG_HEADER, module++, err))
			return -1;
		base.low_at = at + TAG_HEADER;
		if (type == MULTIBOOT_TAG_LOAD_BASE && plan_write_link(plan, &base, err))
			return -1;
		at += (size + TAG_ALIGN - 1) & ~(uint64_t)(TAG_ALIGN - 1);
	}
}

int multiboot_info_make(const struct multiboot_info_request *request, struct buf *ret,
			struct err *err)
{
	return request->kernel->version == 2 ? make_2(request, ret, err)
					     : make_1(request, ret, err);
}

int multiboot_info_link(const struct multiboot_info_request *request, struct plan *plan,
			struct err *err)
{
	return request->kernel->version == 2 ? link_2(request, plan, err)
					     : link_1(request, plan, err);
}
