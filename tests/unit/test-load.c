/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A load as the running kernel sees it: the segments of the system call are copied to a
 * model of memory, and everything is then read from there by physical address, as the
 * purgatory and the new kernel will.
 */
#include <elf.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kexec/action.h"
#include "kexec/cli.h"
#include "kexec/core/dtb.h"
#include "kexec/lib/loaded.h"
#include "kexec/x86/footprint.h"
#include "kexec/x86/realmode.h"
#include "purgatory-abi.h"
#include "purgatory/sha256.h"
#include "tests/mk/image.h"
#include "tests/mk/machine.h"

enum { SEGMENTS_MAX = 16 };

static struct {
	uint64_t start, size, file_size;
	uint8_t *bytes;
} segments[SEGMENTS_MAX];
static size_t nr_segments;
static uint64_t entered_at;
static char calls[256];

static int keep(void *context, uint64_t entry, size_t count, const struct kexec_segment *segment,
		unsigned long flags)
{
	(void)context;
	strcat(calls, "load ");
	if (!count)
		return 0;
	assert_int_equal(flags, KEXEC_ARCH_X86_64);
	assert_in_range(count, 1, SEGMENTS_MAX);
	entered_at = entry;
	nr_segments = count;
	for (size_t i = 0; i < count; i++) {
		segments[i].start = (uint64_t)segment[i].mem;
		segments[i].size = segment[i].memsz;
		segments[i].file_size = segment[i].bufsz;
		segments[i].bytes = calloc(1, segment[i].memsz);
		memcpy(segments[i].bytes, segment[i].buf, segment[i].bufsz);
	}
	return 0;
}

static void forget(void)
{
	for (size_t i = 0; i < nr_segments; i++)
		free(segments[i].bytes);
	nr_segments = 0;
	calls[0] = '\0';
}

/* size bytes at a physical address, inside one segment. */
static const void *memory(uint64_t address, uint64_t size)
{
	for (size_t i = 0; i < nr_segments; i++)
		if (address >= segments[i].start &&
		    address + size <= segments[i].start + segments[i].size)
			return segments[i].bytes + (address - segments[i].start);
	fail_msg("0x%llx: %llu bytes are in no segment", (unsigned long long)address,
		 (unsigned long long)size);
	return NULL;
}

static const struct purgatory_params *purgatory(void)
{
	return memory(entered_at + PURGATORY_PARAMS_OFFSET, sizeof(struct purgatory_params));
}

static const struct boot_params *zero_page(void)
{
	return memory(purgatory()->entry_rsi, sizeof(struct boot_params));
}

static uint64_t pointer(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

struct fixture {
	struct mk_machine machine;
	uint8_t image[MK_IMAGE_SIZE];
	struct setup_header *header;
	char kernel[MK_PATH_MAX], initrd[2][MK_PATH_MAX];
	struct request request;
	struct warnings warnings;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	mk_machine_init(&fixture->machine);
	fixture->header = mk_image(fixture->image);
	mk_path(&fixture->machine, "vmlinuz", fixture->kernel);
	mk_path(&fixture->machine, "initrd0", fixture->initrd[0]);
	mk_path(&fixture->machine, "initrd1", fixture->initrd[1]);
	mk_text(&fixture->machine, "initrd0", "first initrd");
	mk_text(&fixture->machine, "initrd1", "second");
	fixture->request = (struct request){
		.action = ACTION_LOAD,
		.method = METHOD_LOAD,
		.mem_max = PHYS_LIMIT,
		.append = "quiet root=/dev/sda",
		.kernel = fixture->kernel,
		.initrd = { fixture->initrd[0], fixture->initrd[1] },
		.nr_initrds = 1,
	};
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	forget();
	warnings_done(&fixture->warnings);
	mk_machine_done(&fixture->machine);
	free(fixture);
	return 0;
}

static int try_to_load(struct fixture *fixture, struct err *err)
{
	static const struct ops ops = { .load = keep };
	struct surroundings around = { .ops = &ops, .out = stderr, .warnings = &fixture->warnings };
	int status, failed;

	mk_file(&fixture->machine, "vmlinuz", fixture->image, sizeof(fixture->image));
	assert_int_equal(root_open(fixture->machine.path, &around.root, err), 0);
	failed = action_run(&fixture->request, &around, &status, err);
	root_close(&around.root);
	return failed;
}

static void load(struct fixture *fixture)
{
	struct err err;

	if (try_to_load(fixture, &err))
		fail_msg("%s", err.text);
}

/* --- where ---------------------------------------------------------------- */

static void test_kernel_is_whole(void **state)
{
	const uint8_t *image = ((struct fixture *)*state)->image;
	uint64_t entry;

	load(*state);
	entry = purgatory()->entry_rip;
	assert_int_equal(entry % 0x200000, BZIMAGE_ENTRY64_OFFSET);
	assert_true(entry >= 0x1000000);
	/* All that the kernel may write is its own. */
	memory(entry - BZIMAGE_ENTRY64_OFFSET, MK_IMAGE_INIT_SIZE);
	assert_memory_equal(memory(entry - BZIMAGE_ENTRY64_OFFSET, 0x5000),
			    image + MK_IMAGE_SETUP_SIZE, 0x5000);
}

static void test_never_below_the_floor(void **state)
{
	struct fixture *fixture = *state;

	fixture->request.mem_min = 0x100000;
	fixture->header->pref_address = 0x3000000;
	load(fixture);
	assert_true(purgatory()->entry_rip >= 0x3000000);
}

static void test_nothing_in_the_first_mib(void **state)
{
	load(*state);
	for (size_t i = 0; i < nr_segments; i++)
		assert_true(segments[i].start >= 0x100000);
}

static void test_protected_tables(void **state)
{
	struct fixture *fixture = *state;

	/* Just where the kernel and the small segments would go. */
	mk_text(&fixture->machine, "sys/firmware/efi/fw_vendor", "0x3f000000\n");
	mk_text(&fixture->machine, "dmesg",
		"[    0.000000] efi: ACPI=0x3ff00000 MEMATTR=0x102018 TPMEventLog=0x2000000 \n");
	load(fixture);
	for (size_t i = 0; i < nr_segments; i++) {
		uint64_t end = segments[i].start + segments[i].size;

		assert_false(segments[i].start < 0x112000 && end > 0x102000);
		assert_false(segments[i].start < 0x2100000 && end > 0x2000000);
	}
}

static void test_footprint(void **state)
{
	struct footprint_of of = { true, 0x200000, 0x1000000, 0x37dc000, 0xb74000 };
	struct range wrapper, output;

	(void)state;
	assert_true(footprint(&of, 0x100000, &wrapper, &output));
	assert_int_equal(wrapper.start, 0x100000);
	assert_int_equal(wrapper.end, 0xc74000);
	assert_int_equal(output.start, 0x1000000);
	assert_int_equal(output.end, 0x47dc000);
	assert_true(footprint(&of, 0x2100000, &wrapper, &output));
	assert_int_equal(output.start, 0x2200000);
	assert_int_equal(output.end, 0x59dc000);
	of.relocatable = false;
	assert_true(footprint(&of, 0x2100000, &wrapper, &output));
	assert_int_equal(output.start, 0x1000000);
	assert_false(footprint(&of, PHYS_LIMIT - 0x1000, &wrapper, &output));
}

/* --- what ----------------------------------------------------------------- */

static void test_header(void **state)
{
	struct fixture *fixture = *state;
	const struct boot_params *page;

	load(fixture);
	page = zero_page();
	assert_int_equal(page->sentinel, 0);
	assert_int_equal(page->hdr.type_of_loader, LOADER_TYPE_KEXEC);
	assert_int_equal(page->hdr.loadflags, LOADED_HIGH | QUIET_FLAG);
	assert_int_equal(page->hdr.init_size, MK_IMAGE_INIT_SIZE);
	assert_int_equal(page->hdr.kernel_alignment, 0x200000);
	assert_int_equal(page->acpi_rsdp_addr, 0xf5a00);
	assert_int_equal(page->efi_info.memmap_size, 0);
	assert_int_equal(page->alt_mem_k, (0x40000000 - 0x100000) / 1024);
	assert_string_equal(memory(pointer(page->hdr.cmd_line_ptr, page->ext_cmd_line_ptr), 2048),
			    "quiet root=/dev/sda");
}

static void test_inherited(void **state)
{
	struct fixture *fixture = *state;
	struct boot_params running = { .secure_boot = 3, .cc_blob_address = 0x1234 };
	const struct boot_params *page;

	for (size_t i = 0; i < sizeof(running.screen_info); i++)
		running.screen_info.bytes[i] = (uint8_t)(i + 1);
	running.edid_info[5] = 0xed;
	running.hdr.hardware_subarch = 3;
	running.eddbuf_entries = 99;
	running.eddbuf[5].bytes[81] = 7;
	running.edd_mbr_sig_buf_entries = 2;
	running.edd_mbr_sig_buffer[1] = 0xabcdef;
	mk_file(&fixture->machine, "sys/kernel/boot_params/data", &running, sizeof(running));
	load(fixture);
	page = zero_page();
	assert_memory_equal(&page->screen_info, &running.screen_info, 0x40);
	assert_memory_equal(page->edid_info, running.edid_info, sizeof(page->edid_info));
	assert_int_equal(page->secure_boot, 3);
	assert_int_equal(page->cc_blob_address, 0x1234);
	assert_int_equal(page->hdr.hardware_subarch, 3);
	assert_int_equal(page->eddbuf_entries, EDDMAXNR);
	assert_int_equal(page->eddbuf[5].bytes[81], 7);
	assert_int_equal(page->edd_mbr_sig_buffer[1], 0xabcdef);
}

/* hyperv_fb has moved the framebuffer, and a captured machine does not say where to. */
static void test_moved_framebuffer(void **state)
{
	struct fixture *fixture = *state;
	struct boot_params running = { .acpi_rsdp_addr = 0xf5a00 };
	const uint8_t none[8] = { 0 };

	memset(&running.screen_info, 0x55, sizeof(running.screen_info));
	mk_file(&fixture->machine, "sys/kernel/boot_params/data", &running, sizeof(running));
	mk_text(&fixture->machine, "sys/class/graphics/fb0/name", "hyperv_fb\n");
	load(fixture);
	assert_memory_equal(zero_page()->screen_info.bytes + SCREEN_INFO_LFB_BASE, none, 8);
	assert_memory_equal(zero_page()->screen_info.bytes + SCREEN_INFO_EXT_LFB_BASE, none, 4);
	assert_int_equal(zero_page()->screen_info.bytes[0x07], 0x55);
	assert_int_equal(fixture->warnings.count, 1);
}

/* Above 4 GiB, where it was not before. */
static void test_framebuffer_moved_high(void **state)
{
	struct fixture *fixture = *state;
	struct boot_params running = { .acpi_rsdp_addr = 0xf5a00 };
	const uint8_t *screen;

	put_u32(running.screen_info.bytes + SCREEN_INFO_LFB_BASE, 0xf8000000);
	mk_file(&fixture->machine, "sys/kernel/boot_params/data", &running, sizeof(running));
	mk_text(&fixture->machine, "sys/class/graphics/fb0/name", "hyperv_fb\n");
	mk_text(&fixture->machine, "facts/framebuffer", "0x123450000\n");
	load(fixture);
	screen = zero_page()->screen_info.bytes;
	assert_memory_equal(screen + SCREEN_INFO_LFB_BASE, "\x00\x00\x45\x23", 4);
	assert_memory_equal(screen + SCREEN_INFO_EXT_LFB_BASE, "\x01\x00\x00\x00", 4);
	assert_int_equal(screen[0x36], 2);
}

static void test_initrds_are_joined(void **state)
{
	struct fixture *fixture = *state;
	const struct boot_params *page;
	const char *initrd;
	uint64_t size;

	fixture->request.nr_initrds = 2;
	load(fixture);
	page = zero_page();
	size = pointer(page->hdr.ramdisk_size, page->ext_ramdisk_size);
	assert_int_equal(size, 4096 + strlen("second"));
	initrd = memory(pointer(page->hdr.ramdisk_image, page->ext_ramdisk_image), size);
	assert_memory_equal(initrd, "first initrd\0\0\0", 15);
	assert_memory_equal(initrd + 4096, "second", 6);
}

/* The firmware's map, and what does not fit into the zero page, in one node. */
static void check_e820(unsigned int expected)
{
	const struct boot_params *page = zero_page();
	const struct e820_entry_wire *more = NULL;
	unsigned int count = page->e820_entries, in_node = 0;

	for (uint64_t at = page->hdr.setup_data; at;) {
		const struct setup_data_wire *node = memory(at, sizeof(*node));

		if (node->type == SETUP_E820_EXT) {
			assert_int_equal(node->len % sizeof(*more), 0);
			in_node = node->len / sizeof(*more);
			more = memory(at + sizeof(*node), node->len);
		}
		at = node->next;
	}
	assert_int_equal(count + in_node, expected);
	assert_int_equal(page->e820_table[0].addr, 0);
	assert_int_equal(page->e820_table[0].size, 0x9fc00);
	assert_int_equal(page->e820_table[0].type, E820_RAM);
	assert_int_equal(page->e820_table[2].addr, 0x100000);
	assert_int_equal(page->e820_table[2].size, 0x3ff00000);
	for (unsigned int i = 3; i < expected; i++) {
		const struct e820_entry_wire *entry =
			i < count ? &page->e820_table[i] : &more[i - count];

		assert_int_equal(entry->addr, 0x100000000 + (i - 3) * 0x2000ull);
		assert_int_equal(entry->size, 0x1000);
		assert_int_equal(entry->type, E820_ACPI);
	}
}

static void test_e820(void **state)
{
	struct fixture *fixture = *state;

	load(fixture);
	check_e820(3);
	forget();
	for (unsigned int i = 3; i < 300; i++) {
		mk_memmap(&fixture->machine, i, 0x100000000 + (i - 3) * 0x2000ull,
			  0x100000fff + (i - 3) * 0x2000ull, "ACPI Tables\n");
		if (i != 127 && i != 128 && i != 299)
			continue;
		load(fixture);
		check_e820(i + 1);
		forget();
	}
}

static void assert_entry(unsigned int i, uint64_t address, uint64_t size, uint32_t type)
{
	const struct e820_entry_wire *entry = &zero_page()->e820_table[i];

	assert_int_equal(entry->addr, address);
	assert_int_equal(entry->size, size);
	assert_int_equal(entry->type, type);
}

/* Wherever the word is on a command line, which may have 2,047 characters; and only that word. */
static void test_add_efi_memmap(void **state)
{
	static const char iomem[] = "00001000-0009fbff : System RAM\n"
				    "00100000-3fffffff : System RAM\n"
				    "  01000000-01ffffff : Kernel code\n"
				    "  02000000-02000fff : Reserved\n"
				    "3ffff000-4000ffff : ACPI Tables\n"
				    "50000000-5fffffff : System RAM\n"
				    "  50800000-508fffff : Reserved\n"
				    "60000000-6fffffff : PCI Bus 0000:00\n"
				    "100000000-10fffffff : System RAM (kmem)\n";
	struct fixture *fixture = *state;
	char cmdline[2048];

	mk_text(&fixture->machine, "proc/iomem", iomem);
	mk_text(&fixture->machine, "proc/cmdline", "no_add_efi_memmap foo.add_efi_memmap\n");
	load(fixture);
	assert_int_equal(zero_page()->e820_entries, 3);
	forget();

	snprintf(cmdline, sizeof(cmdline), "%01000d %01000d add_efi_memmap\n", 0, 0);
	mk_text(&fixture->machine, "proc/cmdline", cmdline);
	fixture->request.mem_min = 0x50000000;
	load(fixture);
	assert_int_equal(fixture->warnings.count, 0);
	assert_int_equal(zero_page()->e820_entries, 5);
	assert_entry(2, 0x100000, 0x3ff00000, E820_RAM);
	assert_entry(3, 0x40000000, 0x10000, E820_ACPI);
	assert_entry(4, 0x50000000, 0x10000000, E820_RAM);
	for (size_t i = 0; i < nr_segments; i++) {
		assert_true(segments[i].start >= 0x50000000);
		assert_true(segments[i].start + segments[i].size <= 0x50800000 ||
			    segments[i].start >= 0x50900000);
	}
}

static void mk_efi(struct fixture *fixture)
{
	static const char *const file[] = { "type", "phys_addr", "virt_addr", "num_pages",
					    "attribute" };
	struct boot_params running = {
		.efi_info = { .signature = { 'E', 'L', '6', '4' },
			      .systab = 0x3f5ec018,
			      .memdesc_size = 48,
			      .memdesc_version = 1,
			      .memmap = 0x99,
			      .memmap_size = 0x1000 },
	};
	char path[96], text[32];

	mk_file(&fixture->machine, "sys/kernel/boot_params/data", &running, sizeof(running));
	mk_text(&fixture->machine, "sys/firmware/efi/fw_vendor", "0x3f5ed018\n");
	mk_text(&fixture->machine, "sys/firmware/efi/runtime", "0x3f5eeb98\n");
	mk_text(&fixture->machine, "sys/firmware/efi/config_table", "0x3f5ecf18\n");
	mk_text(&fixture->machine, "sys/firmware/efi/systab",
		"ACPI20=0x3f77e014\nACPI=0x3f77e000\nSMBIOS=0x3f5cc000\n");
	mk_text(&fixture->machine, "dmesg", "efi: ACPI=0x3f77e000 ACPI 2.0=0x3f77e014 \n");
	for (int i = 0; i < 11; i++) {
		for (int j = 0; j < 5; j++) {
			snprintf(path, sizeof(path), "sys/firmware/efi/runtime-map/%d/%s", i,
				 file[j]);
			snprintf(text, sizeof(text), "0x%x\n", 0x1000 * (i + 1) + j);
			mk_text(&fixture->machine, path, text);
		}
	}
}

static void test_efi(void **state)
{
	struct fixture *fixture = *state;
	const struct boot_params *page;
	const struct efi_memory_desc_wire *map;
	const struct efi_setup_data_wire *setup = NULL;

	mk_efi(fixture);
	load(fixture);
	page = zero_page();
	assert_memory_equal(page->efi_info.signature, "EL64", 4);
	assert_int_equal(page->efi_info.systab, 0x3f5ec018);
	assert_int_equal(page->efi_info.memdesc_size, sizeof(*map));
	assert_int_equal(page->efi_info.memdesc_version, 1);
	assert_int_equal(page->efi_info.memmap_size, 11 * sizeof(*map));
	assert_int_equal(page->acpi_rsdp_addr, 0x3f77e014);
	map = memory(pointer(page->efi_info.memmap, page->efi_info.memmap_hi), 11 * sizeof(*map));
	for (uint32_t i = 0; i < 11; i++) {
		assert_int_equal(map[i].type, 0x1000 * (i + 1));
		assert_int_equal(map[i].phys_addr, 0x1000 * (i + 1) + 1);
		assert_int_equal(map[i].virt_addr, 0x1000 * (i + 1) + 2);
		assert_int_equal(map[i].num_pages, 0x1000 * (i + 1) + 3);
		assert_int_equal(map[i].attribute, 0x1000 * (i + 1) + 4);
	}
	for (uint64_t at = page->hdr.setup_data; at;) {
		const struct setup_data_wire *node = memory(at, sizeof(*node));

		if (node->type == SETUP_EFI) {
			assert_int_equal(node->len, sizeof(*setup));
			setup = memory(at + sizeof(*node), node->len);
		}
		at = node->next;
	}
	assert_non_null(setup);
	assert_int_equal(setup->fw_vendor, 0x3f5ed018);
	assert_int_equal(setup->runtime, 0x3f5eeb98);
	assert_int_equal(setup->tables, 0x3f5ecf18);
	assert_int_equal(setup->smbios, 0x3f5cc000);
	assert_int_equal(fixture->warnings.count, 0);
}

static void test_no_efi(void **state)
{
	struct fixture *fixture = *state;

	mk_efi(fixture);
	fixture->request.no_efi = true;
	load(fixture);
	assert_memory_equal(zero_page()->efi_info.signature, "\0\0\0", 4);
	assert_int_equal(zero_page()->acpi_rsdp_addr, 0x3f77e014);
}

static void test_kernel_without_efi_kexec(void **state)
{
	struct fixture *fixture = *state;

	mk_efi(fixture);
	fixture->header->xloadflags = 0x6f;
	load(fixture);
	assert_memory_equal(zero_page()->efi_info.signature, "\0\0\0", 4);
	assert_int_equal(fixture->warnings.count, 1);
	assert_string_equal(
		fixture->warnings.text[0],
		"the new kernel cannot take EFI over (xloadflags 0x6f): the new kernel will "
		"have no EFI runtime services, EFI variables or ESRT");
}

/* One that does not look for ACPI's tables where others do is told on its command line. */
static void test_old_kernel_with_efi(void **state)
{
	struct fixture *fixture = *state;
	const struct boot_params *page;

	mk_efi(fixture);
	fixture->header->version = 0x20d;
	fixture->request.append = "quiet";
	load(fixture);
	page = zero_page();
	assert_string_equal(memory(pointer(page->hdr.cmd_line_ptr, page->ext_cmd_line_ptr), 40),
			    "quiet acpi_rsdp=0x3f77e014");
}

/* A kernel that must stay low is put there, and all that it is told of. */
static void test_below_4g(void **state)
{
	struct fixture *fixture = *state;

	mk_memmap(&fixture->machine, 3, 0x100000000, 0x1ffffffff, "System RAM\n");
	mk_text(&fixture->machine, "proc/iomem",
		"00100000-3fffffff : System RAM\n100000000-1ffffffff : System RAM\n");
	fixture->request.mem_min = 0x3f000000;
	fixture->header->xloadflags = XLF_KERNEL_64;
	fixture->header->init_size = 0x800000;
	load(fixture);
	for (size_t i = 0; i < nr_segments; i++)
		assert_true(segments[i].start < 0x40000000);
}

/* All of it below 4 GiB, whatever the kernel says, where the first hole is too small for the initrd. */
static void check_entry_32bit(struct fixture *fixture)
{
	forget();
	load(fixture);
	assert_int_equal(purgatory()->flags, PURGATORY_ENTRY_32);
	assert_int_equal(purgatory()->entry_rip % 0x200000, 0);
	assert_memory_equal(memory(purgatory()->entry_rip, 0x5000),
			    fixture->image + MK_IMAGE_SETUP_SIZE, 0x5000);
	for (size_t i = 0; i < nr_segments; i++)
		assert_true(segments[i].start < 0x40000000);
}

/* Where only the kernel and some of what it needs find a place below, nothing goes above. */
static void test_entry_32bit_without_room(void **state)
{
	struct fixture *fixture = *state;
	unsigned int pages = 0;
	struct err err;

	mk_memmap(&fixture->machine, 3, 0x100000000, 0x1ffffffff, "System RAM\n");
	mk_text(&fixture->machine, "proc/iomem",
		"00100000-3fffffff : System RAM\n100000000-1ffffffff : System RAM\n");
	fixture->request.mem_min = 0x3f000000;
	fixture->request.entry_32bit = true;
	do {
		forget();
		fixture->header->init_size = 0x1000000 - 0x1000 * pages++;
	} while (try_to_load(fixture, &err) && err.code == ERR_NO_FIT && pages < 100);
	assert_in_range(pages, 10, 99);
	for (size_t i = 0; i < nr_segments; i++)
		assert_true(segments[i].start < 0x40000000);
}

/* syssize counts paragraphs, of which the file need not have the whole last one. */
static void test_part_of_a_paragraph(void **state)
{
	struct fixture *fixture = *state;
	struct bytes file = { fixture->image, sizeof(fixture->image) - 15 };
	struct bzimage image;
	struct err err;

	assert_int_equal(bzimage_parse(file, &image, &err), 0);
	assert_ptr_equal(image.protected.data + image.protected.size, file.data + file.size);
	file.size--;
	assert_int_equal(bzimage_parse(file, &image, &err), -1);
}

static void test_entry_32bit(void **state)
{
	struct fixture *fixture = *state;
	struct err err;

	mk_memmap(&fixture->machine, 3, 0x100000000, 0x1ffffffff, "System RAM\n");
	mk_text(&fixture->machine, "proc/iomem",
		"00100000-3fffffff : System RAM\n100000000-1ffffffff : System RAM\n");
	fixture->request.mem_min = 0x3f000000;
	fixture->header->init_size = 0x800000;
	fixture->request.entry_32bit = true;
	check_entry_32bit(fixture);
	fixture->request.entry_32bit = false;
	fixture->header->xloadflags &= (uint16_t)~XLF_KERNEL_64;
	fixture->request.mem_min = 0x30000000;
	check_entry_32bit(fixture);
	/* Its decompressor takes no place from 0x38000000 on, whatever is there. */
	fixture->request.mem_min = 0x37000000;
	check_entry_32bit(fixture);
	assert_true(purgatory()->entry_rip <= 0x38000000 - 0x800000);
	fixture->request.mem_min = 0x37900000;
	assert_int_equal(try_to_load(fixture, &err), -1);
	assert_int_equal(err.code, ERR_NO_FIT);
	fixture->request.mem_min = 0x30000000;
	/* Before there were such flags. */
	fixture->header->version = 0x20b;
	fixture->header->xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G;
	check_entry_32bit(fixture);
	/* With paging off there is no 5-level paging. */
	mk_text(&fixture->machine, "proc/cpuinfo", "flags\t\t: fpu la57 sse\n");
	check_entry_32bit(fixture);
	fixture->header->version = 0x20f;
	check_entry_32bit(fixture);
	fixture->request.direct = LOAD_DIRECT_IF_POSSIBLE;
	check_entry_32bit(fixture);
	fixture->request.mem_min = FOUR_GIB;
	assert_int_equal(try_to_load(fixture, &err), -1);
	assert_int_equal(err.code, ERR_NO_FIT);
	fixture->request.mem_min = 0;
	mk_text(&fixture->machine, "dmesg",
		"[    0.1] Memory Encryption Features active: AMD SEV SEV-ES\n");
	assert_int_equal(try_to_load(fixture, &err), -1);
	assert_non_null(strstr(err.text, "long mode cannot be left"));
}

#define BIOS_IS "ffea5 fe987 ff065 fe3fe ff859 fe82e fff53 9fc00\n"

static void ask_for_real_mode(struct fixture *fixture)
{
	fixture->request.real_mode = true;
	fixture->request.append = "quiet root=/dev/sda edd=off";
	mk_text(&fixture->machine, "proc/iomem",
		"00000000-00000fff : Reserved\n00001000-0009fbff : System RAM\n"
		"00100000-3fffffff : System RAM\n100000000-1ffffffff : System RAM\n");
	mk_memmap(&fixture->machine, 3, 0x100000000, 0x1ffffffff, "System RAM\n");
	mk_text(&fixture->machine, "facts/bios", BIOS_IS);
}

/* The setup code reads its own header, and nothing else of us; what it does not know it leaves as it is. */
static void check_setup_code(const struct fixture *fixture)
{
	const struct setup_header *header =
		memory(REALMODE_AT + SETUP_HEADER_OFFSET, sizeof(*header));
	const char *cmdline = memory(header->cmd_line_ptr, COMMAND_LINE_WINDOW);
	uint8_t setup[MK_IMAGE_SETUP_SIZE];
	struct setup_header *changed = (void *)(setup + SETUP_HEADER_OFFSET);
	uint64_t node;

	assert_int_equal(header->type_of_loader, LOADER_TYPE_KEXEC);
	assert_int_equal(header->loadflags, LOADED_HIGH | CAN_USE_HEAP | QUIET_FLAG);
	assert_in_range(header->heap_end_ptr, REALMODE_SETUP_MAX, REALMODE_STACK_END - 0x200);
	assert_in_range(header->cmd_line_ptr, REALMODE_AT + REALMODE_STACK_END,
			REALMODE_AT + REALMODE_CODE_AT - COMMAND_LINE_WINDOW);
	assert_string_equal(cmdline, fixture->request.append);
	assert_true(header->code32_start >= 0x1000000);
	memory(header->code32_start, MK_IMAGE_INIT_SIZE);
	assert_memory_equal(memory(header->code32_start, 0x5000),
			    fixture->image + MK_IMAGE_SETUP_SIZE, 0x5000);
	node = header->setup_data;
	for (unsigned int nodes = 0; node; nodes++) {
		const struct setup_data_wire *wire = memory(node, sizeof(*wire));

		assert_in_range(node, header->cmd_line_ptr + COMMAND_LINE_WINDOW,
				REALMODE_AT + REALMODE_CODE_AT - sizeof(*wire) - wire->len);
		assert_int_equal(wire->type, nodes ? PURGATORY_REPORT_TYPE : SETUP_RNG_SEED);
		assert_true(nodes < 2);
		node = wire->next;
	}
	memcpy(setup, fixture->image, sizeof(setup));
	changed->type_of_loader = header->type_of_loader;
	changed->loadflags = header->loadflags;
	changed->heap_end_ptr = header->heap_end_ptr;
	changed->code32_start = header->code32_start;
	changed->cmd_line_ptr = header->cmd_line_ptr;
	changed->ramdisk_image = header->ramdisk_image;
	changed->ramdisk_size = header->ramdisk_size;
	changed->setup_data = header->setup_data;
	assert_memory_equal(setup, memory(REALMODE_AT, sizeof(setup)), sizeof(setup));
}

static void test_real_mode(void **state)
{
	struct fixture *fixture = *state;
	const struct purgatory_region *regions;
	const struct setup_header *header;
	unsigned int verified = 0;

	ask_for_real_mode(fixture);
	load(fixture);
	assert_int_equal(fixture->warnings.count, 0);
	assert_int_equal(purgatory()->flags, PURGATORY_ENTRY_32);
	assert_int_equal(purgatory()->entry_rip, REALMODE_AT + REALMODE_CODE_AT);
	assert_int_equal(purgatory()->entry_rsi, REALMODE_AT);
	assert_memory_equal(memory(purgatory()->entry_rip, sizeof(realmode_code)), realmode_code,
			    sizeof(realmode_code));
	check_setup_code(fixture);
	header = memory(REALMODE_AT + SETUP_HEADER_OFFSET, sizeof(*header));
	assert_int_equal(header->ramdisk_size, strlen("first initrd"));
	assert_memory_equal(memory(header->ramdisk_image, header->ramdisk_size), "first initrd",
			    strlen("first initrd"));
	regions = memory(purgatory()->regions, purgatory()->nr_regions * sizeof(*regions));
	for (size_t i = 0; i < purgatory()->nr_regions; i++)
		verified += regions[i].dst == REALMODE_AT && regions[i].size == REALMODE_SIZE;
	assert_int_equal(verified, 1);
	/* It alone is in the first MiB, and nothing is where no pointer of 32 bits reaches. */
	for (size_t i = 0; i < nr_segments; i++) {
		assert_true(segments[i].start == REALMODE_AT || segments[i].start >= 0x100000);
		assert_true(segments[i].start + segments[i].size <= 0x40000000);
	}
	assert_in_range(purgatory()->report, header->cmd_line_ptr + COMMAND_LINE_WINDOW,
			purgatory()->entry_rip - sizeof(struct purgatory_report));

	fixture->request.nr_initrds = 0;
	fixture->request.direct = LOAD_DIRECT_IF_POSSIBLE;
	forget();
	load(fixture);
	check_setup_code(fixture);
	header = memory(REALMODE_AT + SETUP_HEADER_OFFSET, sizeof(*header));
	assert_int_equal(header->ramdisk_image, 0);
	assert_int_equal(header->ramdisk_size, 0);
}

/* The setup code's screen is set before anybody reads the command line. */
static void test_real_mode_screen(void **state)
{
	static const struct {
		const char *cmdline;
		uint16_t mode;
	} rows[] = {
		{ "quiet vga=ask", 0xfffd }, { "vga=normal", 0xffff }, { "vga=ext", 0xfffe },
		{ "vga=0x317 x", 0x317 },    { "vga=791", 791 },
	};
	struct fixture *fixture = *state;
	const struct setup_header *header;

	ask_for_real_mode(fixture);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fixture->request.append = rows[i].cmdline;
		forget();
		load(fixture);
		header = memory(REALMODE_AT + SETUP_HEADER_OFFSET, sizeof(*header));
		assert_int_equal(header->vid_mode, rows[i].mode);
		/* The code before its header is as it was. */
		assert_memory_equal(memory(REALMODE_AT, 16), fixture->image, 16);
	}
}

static void test_real_mode_reads_disks(void **state)
{
	struct fixture *fixture = *state;

	ask_for_real_mode(fixture);
	fixture->request.append = "";
	load(fixture);
	assert_int_equal(fixture->warnings.count, 0);
	strcpy((char *)fixture->image + 0x700, "Probing EDD (edd=off to disable)... ");
	forget();
	load(fixture);
	assert_int_equal(fixture->warnings.count, 1);
	assert_non_null(strstr(fixture->warnings.text[0], "lets the BIOS read each disk"));
	warnings_done(&fixture->warnings);
	fixture->warnings = (struct warnings){ 0 };
	fixture->request.append = "edd=skipmbr";
	forget();
	load(fixture);
	assert_int_equal(fixture->warnings.count, 0);
}

/* Each on a machine that has real mode otherwise. */
static void test_no_real_mode(void **state)
{
	static const char efi[] = "started it by EFI";
	static const struct {
		const char *path, *text, *expected;
	} rows[] = {
		{ "facts/bios", NULL, "whether there is one cannot be seen: " },
		{ "facts/bios", "ffea5 fe987 ff065 fe3fe ff859 fe82e",
		  "/facts/bios: not 8 numbers" },
		{ "facts/bios", "ffea5 fe987 0 fe3fe ff859 fe82e fff53 9fc00",
		  "no handler of interrupt 0x10" },
		{ "facts/bios", "ffea5 fe987 ff065 fe3fe 0 fe82e fff53 9fc00",
		  "no handler of interrupt 0x15" },
		{ "facts/bios", "ffea5 fe987 ff065 1000 ff859 fe82e fff53 9fc00",
		  "the handler of interrupt 0x13 lay at 0x1000" },
		{ "facts/bios", "ffea5 fe987 ff065 fe3fe ff859 9fbff fff53 9fc00",
		  "the handler of interrupt 0x16 lay at 0x9fbff" },
		{ "facts/bios", "ffea5 fe987 ff065 fe3fe ff859 fe82e fff53 1ffff",
		  "keeps its own data from 0x1ffff on" },
		{ "proc/iomem", "00020000-0009fbff : System RAM\n00100000-3fffffff : System RAM\n",
		  "0x10000-0x20000, where setup code runs in real mode, is not RAM" },
		{ "sys/firmware/memmap/0/end", "0x1fffe\n",
		  "0x10000-0x20000, where setup code runs in real mode, is not RAM" },
		{ "sys/firmware/efi/fw_vendor", "0x3f5ed018\n", efi },
		{ "dmesg", "[    0.1] Memory Encryption Features active: AMD SEV\n",
		  "memory is encrypted here" },
		{ "dmesg", "[    0.1] Memory Encryption Features active: AMD SEV SEV-ES\n",
		  "memory is encrypted here" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *fixture;
		struct err err;

		tear_down(state);
		set_up(state);
		fixture = *state;
		ask_for_real_mode(fixture);
		mk_file(&fixture->machine, rows[i].path, rows[i].text,
			rows[i].text ? strlen(rows[i].text) : 0);
		if (!try_to_load(fixture, &err))
			fail_msg("%s: loaded", rows[i].path);
		if (!strstr(err.text, rows[i].expected))
			fail_msg("\"%s\" for \"%s\"", err.text, rows[i].expected);
		assert_string_equal(calls, "");
	}
	/* efi=off on the running kernel's command line hides the rest. */
	for (size_t i = 0; i < 2; i++) {
		struct boot_params page = { 0 };
		struct fixture *fixture = *state;
		struct err err;

		ask_for_real_mode(fixture);
		memcpy(page.efi_info.signature, i ? "EL64" : "EL32", 4);
		mk_text(&fixture->machine, "dmesg", "");
		mk_file(&fixture->machine, "sys/kernel/boot_params/data", &page, sizeof(page));
		assert_int_equal(try_to_load(fixture, &err), -1);
		assert_non_null(strstr(err.text, efi));
	}
}

static void test_real_mode_needs_room(void **state)
{
	struct fixture *fixture = *state;
	struct bzimage image = { .setup.size = REALMODE_SETUP_MAX + 1 };
	struct system system = { 0 };
	char line[0x1f00];
	struct err err;

	assert_int_equal(realmode_check(&system, &image, &err), -1);
	assert_non_null(strstr(err.text, "0x8001 bytes of setup code"));
	ask_for_real_mode(fixture);
	fixture->request.mem_min = REALMODE_AT;
	load(fixture);
	fixture->request.mem_min = REALMODE_AT + 1;
	assert_int_equal(try_to_load(fixture, &err), -1);
	assert_int_equal(err.code, ERR_NO_FIT);
	fixture->request.mem_min = 0;
	/* Behind it are two nodes, of 96 and 32 bytes. */
	memset(line, 'x', sizeof(line));
	memcpy(line, "quiet ", 6);
	line[0x1f00 - (16 + 96 + 16 + 32)] = '\0';
	fixture->header->cmdline_size = sizeof(line);
	fixture->request.append = line;
	assert_int_equal(try_to_load(fixture, &err), -1);
	assert_non_null(strstr(err.text, "there is room for 0x1f00 bytes of command line"));
	line[strlen(line) - 1] = '\0';
	forget();
	load(fixture);
	check_setup_code(fixture);
}

/*
 * What physical KASLR keeps off, by choose_random_location() and mem_avoid_overlap() of
 * arch/x86/boot/compressed/kaslr.c: the initrd, the command line to its NUL, the zero page
 * and each node of setup_data. Everything in the parameters that is not zero must be there.
 * Only with an EFI memory map may more lie there: then free memory is looked for in that
 * map, and it must have none.
 */
static void check_kaslr(void)
{
	const struct boot_params *page = zero_page();
	uint64_t base = purgatory()->entry_rsi;
	uint64_t cmdline = pointer(page->hdr.cmd_line_ptr, page->ext_cmd_line_ptr);
	uint64_t map = pointer(page->efi_info.memmap, page->efi_info.memmap_hi);
	const uint8_t *bytes = NULL;
	bool *kept;
	uint64_t size = 0;

	for (size_t i = 0; i < nr_segments; i++) {
		if (segments[i].start != base)
			continue;
		bytes = segments[i].bytes;
		size = segments[i].size;
	}
	assert_non_null(bytes);
	kept = calloc(size, sizeof(*kept));
	memset(kept, true, sizeof(*page));
	memset(kept + (cmdline - base), true, strlen(memory(cmdline, 1)) + 1);
	for (uint64_t at = page->hdr.setup_data; at;) {
		const struct setup_data_wire *node = memory(at, sizeof(*node));

		memset(kept + (at - base), true, sizeof(*node) + node->len);
		at = node->next;
	}
	if (!memcmp(page->efi_info.signature, "EL64", 4)) {
		const struct efi_memory_desc_wire *desc = memory(map, page->efi_info.memmap_size);

		for (uint32_t i = 0; i < page->efi_info.memmap_size / sizeof(*desc); i++) {
			assert_int_not_equal(desc[i].type, 7);	/* conventional */
			assert_int_not_equal(desc[i].type, 15); /* unaccepted */
		}
		memset(kept + (map - base), true, page->efi_info.memmap_size);
	}
	for (uint64_t i = 0; i < size; i++)
		if (bytes[i] && !kept[i])
			fail_msg("0x%llx in the parameters is not kept", (unsigned long long)i);
	free(kept);
	/* The initrd that is kept is all of the initrd. */
	for (size_t i = 0; i < nr_segments; i++)
		if (segments[i].start == pointer(page->hdr.ramdisk_image, page->ext_ramdisk_image))
			assert_int_equal(segments[i].file_size,
					 pointer(page->hdr.ramdisk_size, page->ext_ramdisk_size));
}

/* The header of a device tree blob: its magic, and its size. */
static void put_dtb(struct fixture *fixture, uint32_t magic, uint32_t told, size_t size)
{
	uint8_t *blob = calloc(size ?: 1, 1);

	assert_non_null(blob);
	for (int i = 0; i < 4; i++) {
		blob[i] = (uint8_t)(magic >> (24 - 8 * i));
		blob[4 + i] = (uint8_t)(told >> (24 - 8 * i));
	}
	memset(blob + 40, 'D', size - 40);
	mk_file(&fixture->machine, "dtb", blob, size);
	free(blob);
}

static void check_dtb(struct fixture *fixture, uint32_t size)
{
	unsigned int found = 0;

	forget();
	put_dtb(fixture, 0xd00dfeed, size, size);
	load(fixture);
	for (uint64_t at = zero_page()->hdr.setup_data; at;) {
		const struct setup_data_wire *node = memory(at, sizeof(*node));
		const uint8_t *blob = memory(at + sizeof(*node), node->len);

		at = node->next;
		if (node->type != SETUP_DTB)
			continue;
		found++;
		assert_int_equal(node->len, size);
		assert_memory_equal(blob, "\xd0\x0d\xfe\xed", 4);
		for (uint32_t i = 40; i < size; i++)
			assert_int_equal(blob[i], 'D');
	}
	assert_int_equal(found, 1);
	check_kaslr();
}

static void expect_no_dtb(struct fixture *fixture, const char *why)
{
	struct err err;

	assert_int_equal(try_to_load(fixture, &err), -1);
	assert_string_equal(strstr(err.text, "/dtb: ") + 6, why);
}

static void test_dtb(void **state)
{
	struct fixture *fixture = *state;
	char path[4096];

	mk_path(&fixture->machine, "dtb", path);
	fixture->request.dtb = path;
	check_dtb(fixture, 1001);
	fixture->request.entry_32bit = true;
	check_dtb(fixture, 1001);
	check_dtb(fixture, DTB_SIZE_MAX);
	forget();
	put_dtb(fixture, 0xd00dfeed, DTB_SIZE_MAX, DTB_SIZE_MAX + 1);
	expect_no_dtb(fixture,
		      "the device tree has 258049 bytes, of which a kernel maps 258048 at most");
	put_dtb(fixture, 0xd00dfeed, 101, 100);
	expect_no_dtb(fixture, "the device tree has 101 bytes by its header, the file 100");
	put_dtb(fixture, 0xd00dfeed, 39, 100);
	expect_no_dtb(fixture, "the device tree has 39 bytes by its header, the file 100");
	put_dtb(fixture, 0xedfe0dd0, 100, 100);
	expect_no_dtb(fixture, "no device tree blob: it does not begin with 0xd00dfeed");
	mk_file(&fixture->machine, "dtb", "\xd0\x0d\xfe\xed", 4);
	expect_no_dtb(fixture, "no device tree blob: it does not begin with 0xd00dfeed");
	assert_int_equal(nr_segments, 0);
}

static void test_kaslr_keeps_off(void **state)
{
	struct fixture *fixture = *state;

	load(fixture);
	check_kaslr();
	forget();
	for (unsigned int i = 3; i < 200; i++)
		mk_memmap(&fixture->machine, i, 0x100000000 + (i - 3) * 0x2000ull,
			  0x100000fff + (i - 3) * 0x2000ull, "ACPI Tables\n");
	load(fixture);
	check_kaslr();
	forget();
	mk_efi(fixture);
	load(fixture);
	check_kaslr();
}

static void test_purgatory_params(void **state)
{
	struct fixture *fixture = *state;
	const struct purgatory_params *params;
	const struct purgatory_region *regions;
	uint64_t file_bytes = 0, verified = 0;

	fixture->request.append = "console=ttyS1,9600";
	fixture->request.on_corruption = ON_CORRUPTION_HALT;
	mk_text(&fixture->machine, "dmesg",
		"[    0.000000] tsc: Detected 2599.998 MHz processor\n");
	load(fixture);
	params = purgatory();
	assert_true(params->magic == PURGATORY_MAGIC);
	assert_int_equal(params->tsc_hz, 2599998000);
	assert_int_equal(params->on_corruption, PURGATORY_ON_CORRUPTION_HALT);
	assert_int_equal(params->console, PURGATORY_CONSOLE_SERIAL);
	assert_int_equal(params->serial_port, 0x2f8);
	assert_int_equal(params->flags, 0);
	regions = memory(params->regions, params->nr_regions * sizeof(*regions));
	memory(params->digests, (uint64_t)params->nr_chunks * PURGATORY_DIGEST_SIZE);
	for (uint32_t i = 0; i < params->nr_regions; i++) {
		memory(regions[i].src, regions[i].size);
		assert_int_equal(regions[i].src, regions[i].dst);
		verified += regions[i].size;
	}
	for (size_t i = 0; i < nr_segments; i++)
		if (segments[i].start != entered_at)
			file_bytes += segments[i].file_size;
	/* Every file byte of every other segment, and no padding. */
	assert_int_equal(verified, file_bytes);
}

/* With --no-checks the purgatory is told to verify nothing, and nothing was hashed. */
static void test_no_checks(void **state)
{
	static const uint8_t none[PURGATORY_DIGEST_SIZE];
	struct fixture *fixture = *state;
	const struct purgatory_params *params;

	load(fixture);
	params = purgatory();
	assert_memory_not_equal(memory(params->digests, PURGATORY_DIGEST_SIZE), none, sizeof(none));
	forget();
	fixture->request.no_checks = true;
	load(fixture);
	params = purgatory();
	assert_int_equal(params->flags, PURGATORY_SKIP_VERIFY);
	for (uint32_t i = 0; i < params->nr_chunks; i++)
		assert_memory_equal(
			memory(params->digests + i * PURGATORY_DIGEST_SIZE, PURGATORY_DIGEST_SIZE),
			none, sizeof(none));
}

/* Where the purgatory and its first stage speak. */
static void test_consoles(void **state)
{
	static const struct {
		const char *running, *new;
		struct load_console asked;
		bool is_asked, port_given;
		uint32_t consoles;
		uint16_t port, divisor, of_first_stage;
		uint64_t flags;
	} rows[] = {
		{ "quiet", "quiet", { 0 }, false, false, 0, 0x3f8, 0, 0, 0 },
		{ "console=ttyS2", "quiet", { 0 }, false, false, 1, 0x3e8, 0, 0x3e8, 0 },
		{ "console=ttyS2", "console=ttyS1", { 0 }, false, false, 1, 0x2f8, 0, 0x2f8, 0 },
		{ "quiet", "earlyprintk=serial,ttyS1", { 0 }, false, false, 1, 0x2f8, 0, 0x2f8, 0 },
		{ "console=ttyS2", "quiet", { .vga = true }, true, false, 2, 0x3e8, 0, 0, 0 },
		{ "quiet", "quiet", { .debug_port = true }, true, false, 4, 0x3f8, 0, 0, 0 },
		{ "quiet",
		  "quiet",
		  { .port = 0x5f8, .baud = 9600 },
		  false,
		  true,
		  1,
		  0x5f8,
		  12,
		  0x5f8,
		  0 },
		{ "quiet",
		  "quiet",
		  { .serial = true, .reset_vga = true },
		  true,
		  false,
		  1,
		  0x3f8,
		  0,
		  0x3f8,
		  PURGATORY_RESET_VGA },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct purgatory_stage1 *first;

		mk_text(&fixture->machine, "proc/cmdline", rows[i].running);
		fixture->request.append = rows[i].new;
		fixture->request.console = rows[i].asked;
		fixture->request.console_asked = rows[i].is_asked;
		fixture->request.port_given = rows[i].port_given;
		load(fixture);
		first = memory(entered_at + PURGATORY_STAGE1_OFFSET, sizeof(*first));
		assert_int_equal(purgatory()->console, rows[i].consoles);
		assert_int_equal(purgatory()->serial_port, rows[i].port);
		assert_int_equal(purgatory()->serial_divisor, rows[i].divisor);
		assert_int_equal(purgatory()->flags, rows[i].flags);
		assert_int_equal(first->serial_port, rows[i].of_first_stage);
		forget();
	}
}

/* How a machine is reset, and what may be touched on the way. */
static void test_failure(void **state)
{
	static const struct {
		const char *log, *cpu;
		enum on_corruption on_corruption;
		uint64_t flags;
		uint8_t of_first_stage;
		uint32_t waits;
	} rows[] = {
		{ "x", "flags\t\t: fpu\n", ON_CORRUPTION_RESET, 0, 0, 610351 },
		{ "tsc: Detected 2000.000 MHz processor", "flags\t\t: fpu\n", ON_CORRUPTION_RESET,
		  0, 0, 305175 },
		/* No machine has that: it would be a wait without an end. */
		{ "tsc: Detected 100001.000 MHz processor", "flags\t\t: fpu\n", ON_CORRUPTION_RESET,
		  0, 0, 610351 },
		{ "x", "flags\t\t: fpu\n", ON_CORRUPTION_HALT, 0, PURGATORY_STAGE1_HALT, 610351 },
		{ "Memory Encryption Features active: AMD SEV SEV-ES", "flags\t\t: fpu\n",
		  ON_CORRUPTION_RESET, PURGATORY_NO_IO, PURGATORY_STAGE1_NO_IO, 0 },
		{ "Memory Encryption Features active: SEV SEV-ES SEV-SNP", "flags\t\t: fpu\n",
		  ON_CORRUPTION_RESET, PURGATORY_NO_IO, PURGATORY_STAGE1_NO_IO, 0 },
		{ "Memory Encryption Features active: AMD SEV", "flags\t\t: fpu\n",
		  ON_CORRUPTION_RESET, 0, 0, 610351 },
		{ "x", "flags\t\t: fpu tdx_guest sse\n", ON_CORRUPTION_RESET, PURGATORY_NO_IO,
		  PURGATORY_STAGE1_NO_IO, 0 },
		/* A log that has lost its beginning: as the processor says. */
		{ "x", "flags\t\t: fpu hypervisor sev sev_es\n", ON_CORRUPTION_RESET,
		  PURGATORY_NO_IO, PURGATORY_STAGE1_NO_IO, 0 },
		{ "x", "flags\t\t: fpu hypervisor sev\n", ON_CORRUPTION_RESET, 0, 0, 610351 },
		{ "tsc: Detected 2000.000 MHz processor", "flags\t\t: fpu hypervisor sev sev_es\n",
		  ON_CORRUPTION_RESET, 0, 0, 305175 },
		/* A host of such guests. */
		{ "x", "flags\t\t: fpu sev sev_es sev_snp\n", ON_CORRUPTION_RESET, 0, 0, 610351 },
	};
	struct fixture *fixture = *state;
	uint8_t fadt[132] = {
		[113] = 0x04, [116] = 1, [117] = 8, [120] = 0xb2, [121] = 0x05, [128] = 0x5a
	};

	assert_int_equal(PURGATORY_NO_IO, 2);
	mk_file(&fixture->machine, "sys/firmware/acpi/tables/FACP", fadt, sizeof(fadt));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct purgatory_stage1 *first;

		mk_text(&fixture->machine, "dmesg", rows[i].log);
		mk_text(&fixture->machine, "proc/cpuinfo", rows[i].cpu);
		fixture->request.on_corruption = rows[i].on_corruption;
		load(fixture);
		first = memory(entered_at + PURGATORY_STAGE1_OFFSET, sizeof(*first));
		assert_int_equal(purgatory()->flags, rows[i].flags);
		assert_int_equal(first->flags, rows[i].of_first_stage);
		assert_int_equal(purgatory()->reset_delay_s, 10);
		assert_int_equal(first->reset_delay, rows[i].waits);
		assert_int_equal(purgatory()->reset_port, 0x5b2);
		assert_int_equal(purgatory()->reset_value, 0x5a);
		forget();
	}
	/* In memory, or not said to work: there is no port. */
	fadt[116] = 0;
	mk_file(&fixture->machine, "sys/firmware/acpi/tables/FACP", fadt, sizeof(fadt));
	load(fixture);
	assert_int_equal(purgatory()->reset_port, 0);
	forget();
	fadt[116] = 1;
	fadt[113] = 0;
	mk_file(&fixture->machine, "sys/firmware/acpi/tables/FACP", fadt, sizeof(fadt));
	load(fixture);
	assert_int_equal(purgatory()->reset_port, 0);
}

/* The node of setup_data that the purgatory reports in is the one that it is told of. */
static void test_report_node(void **state)
{
	bool found = false;

	load(*state);
	for (uint64_t at = zero_page()->hdr.setup_data; at;) {
		const struct setup_data_wire *node = memory(at, sizeof(*node));

		if (node->type == PURGATORY_REPORT_TYPE) {
			found = true;
			assert_int_equal(node->len, sizeof(struct purgatory_report));
			assert_int_equal(purgatory()->report, at + sizeof(*node));
		}
		at = node->next;
	}
	assert_true(found);
}

/* As a command line has it: the purgatory takes no other way but the baseline. */
static void test_hash(void **state)
{
	static const struct {
		const char *word;
		uint64_t hashes;
	} rows[] = {
		{ "--hash=auto", PURGATORY_HASH_ALL },
		{ "--hash=avx512", PURGATORY_HASH_AVX512 },
		{ "--hash=sha-ni", PURGATORY_HASH_SHA_NI },
		{ "--hash=avx2", PURGATORY_HASH_AVX2 },
		{ "--hash=baseline", 0 },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *words[] = { "kexec", "-l", (char *)rows[i].word, fixture->kernel, NULL };
		struct request request;
		struct err err;

		optind = 0;
		assert_int_equal(cli_parse(4, words, &request, &err), 0);
		fixture->request.hashes = request.hashes;
		forget();
		load(fixture);
		assert_int_equal(purgatory()->hashes, rows[i].hashes);
	}
	/* Nor does one that can ask no processor, which has what this one has. */
	mk_text(&fixture->machine, "proc/cpuinfo", "flags\t\t: fpu tdx_guest\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fixture->request.hashes = (uint32_t)rows[i].hashes;
		forget();
		load(fixture);
		assert_int_equal(purgatory()->hashes,
				 rows[i].hashes & sha256_hashes() & PURGATORY_HASH_SHA_NI);
	}
}

/* --- direct start ---------------------------------------------------------- */

static void make_payload(struct fixture *fixture)
{
	uint8_t file[MK_VMLINUX_SIZE];

	mk_image_payload(fixture->image, file, mk_vmlinux(file, 3));
	fixture->request.direct = LOAD_DIRECT_ASKED;
}

/* Where the kernel is, and how far from its own virtual address: as its bytes say. */
static void check_direct(uint64_t *ret_physical, uint64_t *ret_rise)
{
	const uint64_t *address;
	const uint32_t *falls;

	assert_true(purgatory()->flags & PURGATORY_DIRECT);
	*ret_physical = purgatory()->entry_rip - MK_VMLINUX_ENTRY;
	assert_int_equal(*ret_physical % 0x200000, 0);
	assert_true(*ret_physical >= 0x1000000);
	memory(*ret_physical, MK_IMAGE_INIT_SIZE);
	address = memory(*ret_physical + MK_VMLINUX_64, 8);
	*ret_rise = *address - MK_VMLINUX_64_IS;
	assert_int_equal(*ret_rise % 0x200000, 0);
	assert_true(*ret_rise <= 0x40000000 - 0x1000000 - MK_VMLINUX_MEM_SIZE);
	falls = memory(*ret_physical + MK_VMLINUX_NEGATIVE, 4);
	assert_int_equal(*falls, (uint32_t)(MK_VMLINUX_NEGATIVE_IS - *ret_rise));
}

static void test_direct(void **state)
{
	struct fixture *fixture = *state;
	uint64_t physical, rise, physical_bits = 0, rise_bits = 0;

	make_payload(fixture);
	for (int i = 0; i < 40; i++) {
		forget();
		load(fixture);
		check_direct(&physical, &rise);
		physical_bits |= physical;
		rise_bits |= rise;
		assert_int_equal(zero_page()->hdr.loadflags, LOADED_HIGH | QUIET_FLAG | KASLR_FLAG);
		assert_true(zero_page()->hdr.payload_length > 0);
	}
	/* Of so many draws each bit was set in one. */
	assert_int_equal(physical_bits & 0x3fe00000, 0x3fe00000);
	assert_int_equal(rise_bits, 0x3fe00000);
	assert_int_equal(fixture->warnings.count, 0);
}

static void test_direct_without_kaslr(void **state)
{
	struct fixture *fixture = *state;
	uint64_t physical, rise;

	make_payload(fixture);
	fixture->request.append = "nokaslr";
	load(fixture);
	check_direct(&physical, &rise);
	assert_int_equal(physical, 0x1000000);
	assert_int_equal(rise, 0);
	assert_int_equal(zero_page()->hdr.loadflags, LOADED_HIGH);
}

/* The kernel maps itself by pages of 2 MiB. */
static void test_direct_of_whole_pages(void **state)
{
	struct fixture *fixture = *state;

	make_payload(fixture);
	fixture->header->init_size = 0x8000;
	fixture->request.append = "nokaslr";
	load(fixture);
	assert_true(purgatory()->flags & PURGATORY_DIRECT);
	memory(0x1000000, 0x200000);
}

/* What the command line takes of memory is known when the kernel reads it. */
static void test_direct_with_less_memory(void **state)
{
	struct fixture *fixture = *state;
	uint64_t physical, rise, bits = 0;

	make_payload(fixture);
	fixture->request.append = "mem=512M";
	for (int i = 0; i < 10; i++) {
		forget();
		load(fixture);
		check_direct(&physical, &rise);
		assert_int_equal(physical, 0x1000000);
		bits |= rise;
	}
	assert_true(bits);
}

/* A place in the middle of memory leaves none for this initrd. */
static void test_direct_beside_an_initrd(void **state)
{
	struct fixture *fixture = *state;
	uint64_t physical, rise;
	char path[MK_PATH_MAX];

	make_payload(fixture);
	mk_path(&fixture->machine, "initrd0", path);
	assert_int_equal(truncate(path, 0x3a000000), 0);
	mk_text(&fixture->machine, "proc/meminfo", "MemTotal: 8000000 kB\n");
	for (int i = 0; i < 3; i++) {
		forget();
		fixture->request.no_checks = true;
		load(fixture);
		check_direct(&physical, &rise);
	}
}

static void check_not_direct(struct fixture *fixture, const char *why)
{
	forget();
	load(fixture);
	assert_false(purgatory()->flags & PURGATORY_DIRECT);
	assert_int_equal(purgatory()->entry_rip % 0x200000, BZIMAGE_ENTRY64_OFFSET);
	assert_memory_equal(memory(purgatory()->entry_rip - BZIMAGE_ENTRY64_OFFSET, 0x5000),
			    fixture->image + MK_IMAGE_SETUP_SIZE, 0x5000);
	assert_int_equal(zero_page()->hdr.loadflags & KASLR_FLAG, 0);
	assert_int_equal(fixture->warnings.count, 1);
	if (!strstr(fixture->warnings.text[0], why))
		fail_msg("\"%s\", not \"%s\"", fixture->warnings.text[0], why);
	warnings_done(&fixture->warnings);
}

static void test_not_direct(void **state)
{
	struct fixture *fixture = *state;

	make_payload(fixture);
	fixture->header->version = 0x20e;
	check_not_direct(fixture, "boot protocol 2.14 is of a kernel before 5.5");
	fixture->header->version = 0x20f;
	fixture->header->init_size = 0x6000;
	check_not_direct(fixture, "more than its init_size, 0x6000");
	fixture->header->init_size = MK_IMAGE_INIT_SIZE;
	fixture->request.append = "mem_encrypt=on";
	check_not_direct(fixture, "mem_encrypt= on its command line");
	fixture->request.append = "no5lvl";
	mk_text(&fixture->machine, "proc/cpuinfo", "flags\t\t: fpu la57 sse\n");
	check_not_direct(fixture, "no5lvl asks the decompressor to leave it");
	fixture->header->xloadflags &= (uint16_t)~XLF_5LEVEL_ENABLED;
	check_not_direct(fixture, "5-level paging, which the kernel itself is not built for");
	fixture->header->xloadflags |= XLF_5LEVEL_ENABLED;
	mk_text(&fixture->machine, "proc/cpuinfo", "flags\t\t: fpu sse\n");
	mk_text(&fixture->machine, "dmesg",
		"[    0.1] AMD Memory Encryption Features active: SEV\n");
	check_not_direct(fixture, "memory is encrypted here");
	mk_text(&fixture->machine, "dmesg", "");
	mk_text(&fixture->machine, "proc/cpuinfo", "flags\t\t: fpu tdx_guest sse\n");
	check_not_direct(fixture, "memory is encrypted here");
	mk_text(&fixture->machine, "proc/cpuinfo", "flags\t\t: fpu sse\n");
	mk_text(&fixture->machine, "proc/meminfo",
		"MemTotal: 900000 kB\nUnaccepted:    12288 kB\n");
	check_not_direct(fixture, "12288 KiB of memory are not accepted yet");
	mk_text(&fixture->machine, "proc/meminfo", "MemTotal: 900000 kB\nUnaccepted: 0 kB\n");
	fixture->header->payload_length = 0;
	check_not_direct(fixture, "its setup header names no payload");
	fixture->header->relocatable_kernel = 0;
	check_not_direct(fixture, "the kernel is not relocatable");
	/* Nobody insisted. */
	fixture->request.direct = LOAD_DIRECT_IF_POSSIBLE;
	forget();
	load(fixture);
	assert_int_equal(fixture->warnings.count, 0);
}

/* As the boot of a running kernel has said it, as long as its log has that, and as the processor says. */
static void test_not_direct_by_the_processor(void **state)
{
	static const char begins[] = "[    0.0] tsc: Detected 2000.000 MHz processor\n",
			  ended[] = "[99999.0] systemd[1]: Started something.\n",
			  doubt[] = "the kernel's log no longer says whether it does";
	static const struct {
		const char *log, *cpu, *cpuid, *why;
	} rows[] = {
		{ ended, "flags\t\t: fpu hypervisor sev\n", "0", doubt },
		{ ended, "flags\t\t: fpu hypervisor sev_snp\n", "0", doubt },
		{ ended, "flags\t\t: fpu hypervisor\n", "0x2", doubt },
		{ ended, "flags\t\t: fpu hypervisor\n", "0x1a", doubt },
		{ "", "flags\t\t: fpu hypervisor\n", "0xa", doubt },
		/* SME of a host. */
		{ ended, "flags\t\t: fpu sme sev sev_es\n", "0x1f", doubt },
		{ "[    0.2] AMD Secure Encrypted Virtualization (SEV) active\n",
		  "flags\t\t: fpu hypervisor\n", "0", "memory is encrypted here" },
		{ "[    0.2] AMD Secure Memory Encryption (SME) active\n", "flags\t\t: fpu sme\n",
		  "0", "memory is encrypted here" },
		{ begins, "flags\t\t: fpu hypervisor sev sev_es\n", "0xa", NULL },
		{ ended, "flags\t\t: fpu hypervisor sse\n", "0x1", NULL },
		{ ended, "flags\t\t: fpu sev sev_es sev_snp\n", "0x1f", NULL },
	};
	struct fixture *fixture = *state;
	uint64_t physical, rise;

	make_payload(fixture);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mk_text(&fixture->machine, "dmesg", rows[i].log);
		mk_text(&fixture->machine, "proc/cpuinfo", rows[i].cpu);
		mk_text(&fixture->machine, "facts/cpuid-8000001f", rows[i].cpuid);
		if (rows[i].why) {
			check_not_direct(fixture, rows[i].why);
			continue;
		}
		forget();
		load(fixture);
		check_direct(&physical, &rise);
		assert_int_equal(fixture->warnings.count, 0);
	}
}

/* The kernel itself is whole, but not as one of those that are known. */
static void test_not_direct_by_the_payload(void **state)
{
	struct fixture *fixture = *state;
	uint8_t file[MK_VMLINUX_SIZE];
	size_t size;

	make_payload(fixture);
	size = mk_vmlinux(file, 3);
	file[EI_CLASS] = ELFCLASS32;
	mk_image_payload(fixture->image, file, size);
	check_not_direct(fixture, "its payload is no 64-bit ELF file of a kernel for x86-64");
	size = mk_vmlinux(file, 3);
	mk_image_payload(fixture->image, file, 10);
	check_not_direct(fixture, "its payload has 10 bytes, and is no ELF file");
	/* A list more than there are kinds. */
	memset(file + size, 0, 4);
	mk_image_payload(fixture->image, file, size + 4);
	check_not_direct(fixture, "its relocations are of an unknown form: 28 bytes, 4 lists");
	/* The first relocation, of a 32-bit address. */
	memcpy(file + MK_VMLINUX_TABLE_AT + 4, (uint32_t[]){ 0x80000000 }, 4);
	mk_image_payload(fixture->image, file, size);
	/* Where the drawn address is its own, nothing is relocated. */
	for (int i = 0; i < 10 && !fixture->warnings.count; i++) {
		forget();
		load(fixture);
	}
	assert_int_equal(fixture->warnings.count, 1);
	assert_non_null(strstr(fixture->warnings.text[0],
			       "its relocation 1, 0x80000000, points outside the kernel"));
	assert_false(purgatory()->flags & PURGATORY_DIRECT);
}

static void test_elf(void **state)
{
	struct fixture *fixture = *state;
	uint8_t file[MK_VMLINUX_SIZE];
	uint64_t at;
	struct err err;

	mk_vmlinux(file, 0);
	memset(fixture->image, 0, sizeof(fixture->image));
	memcpy(fixture->image, file, sizeof(file));
	load(fixture);
	assert_int_equal(purgatory()->flags, PURGATORY_DIRECT);
	at = purgatory()->entry_rip - MK_VMLINUX_ENTRY;
	assert_int_equal(at, 0x1000000);
	assert_memory_equal(memory(at, MK_VMLINUX_MEM_SIZE), file + MK_VMLINUX_TEXT_AT,
			    MK_VMLINUX_DATA_END);
	assert_memory_equal((uint8_t *)memory(at, MK_VMLINUX_MEM_SIZE) + MK_VMLINUX_PER_CPU,
			    file + MK_VMLINUX_PER_CPU_AT, MK_VMLINUX_PER_CPU_SIZE);
	assert_int_equal(zero_page()->hdr.header, SETUP_HEADER_MAGIC);
	assert_int_equal(zero_page()->hdr.type_of_loader, LOADER_TYPE_KEXEC);
	assert_int_equal(zero_page()->hdr.loadflags & KASLR_FLAG, 0);
	/* It moves as far as it must. */
	fixture->request.mem_min = 0x1000001;
	forget();
	load(fixture);
	assert_int_equal(fixture->warnings.count, 0);
	assert_int_equal(purgatory()->entry_rip - MK_VMLINUX_ENTRY, 0x1200000);
	/* There is no other way to load it. */
	mk_text(&fixture->machine, "proc/cpuinfo", "flags\t\t: fpu la57 sse\n");
	assert_int_equal(try_to_load(fixture, &err), -1);
	assert_non_null(strstr(err.text, "the ELF file has no symbols"));
	mk_text(&fixture->machine, "proc/cpuinfo", "flags\t\t: fpu sse\n");
	fixture->request.append = "mem_encrypt=on";
	assert_int_equal(try_to_load(fixture, &err), -1);
	assert_non_null(strstr(err.text, "mem_encrypt= on its command line"));
	fixture->request.append = NULL;
	fixture->request.entry_32bit = true;
	assert_int_equal(try_to_load(fixture, &err), -1);
	assert_non_null(strstr(err.text, "has no 32-bit entry"));
	fixture->request.entry_32bit = false;
	fixture->request.real_mode = true;
	assert_int_equal(try_to_load(fixture, &err), -1);
	assert_non_null(strstr(err.text, "has setup code for real mode"));
}

/* It may be damaged, so that it is said even where nobody insisted. */
static void test_unknown_payload(void **state)
{
	static const enum load_direct asked[] = { LOAD_DIRECT_ASKED, LOAD_DIRECT_IF_POSSIBLE };
	struct fixture *fixture = *state;
	uint8_t file[MK_VMLINUX_SIZE];
	size_t size;

	for (size_t i = 0; i < 2; i++) {
		make_payload(fixture);
		fixture->request.direct = asked[i];
		fixture->image[MK_IMAGE_SETUP_SIZE + fixture->header->payload_offset] ^= 1;
		check_not_direct(fixture,
				 "its payload: not gzip, xz, zstd, lz4, lzma, bzip2 or lzop");
		size = mk_vmlinux(file, 3);
		file[0] ^= 1;
		mk_image_payload(fixture->image, file, size);
		check_not_direct(fixture,
				 "its payload is no 64-bit ELF file of a kernel for x86-64");
	}
}

/* What has been seen to be damaged is not loaded as it is: nothing could unpack it. */
static void test_damaged_payload(void **state)
{
	static const enum load_direct asked[] = { LOAD_DIRECT_ASKED, LOAD_DIRECT_IF_POSSIBLE };
	struct fixture *fixture = *state;
	struct err err;

	make_payload(fixture);
	fixture->image[MK_IMAGE_SETUP_SIZE + fixture->header->payload_offset + 0x40] ^= 1;
	for (size_t i = 0; i < 2; i++) {
		forget();
		fixture->request.direct = asked[i];
		assert_int_equal(try_to_load(fixture, &err), -1);
		assert_int_equal(err.code, ERR_DAMAGED);
		assert_non_null(strstr(err.text, "its payload: gzip: damaged at 0x"));
		assert_string_equal(calls, "");
	}
	fixture->request.direct = LOAD_DIRECT_NEVER;
	load(fixture);
}

/* Only what its address was drawn from, and the digest of its file, not of what it became. */
static void test_record_of_direct(void **state)
{
	struct fixture *fixture = *state;
	struct record record CLEANUP(record_done) = { 0 };
	char digest[RECORD_DIGEST_MAX];
	struct root root;
	struct err err;
	bool found;

	make_payload(fixture);
	mk_text(&fixture->machine, "run/there", "");
	mk_text(&fixture->machine, "proc/sys/kernel/random/boot_id", "1-2-3\n");
	for (int i = 0; i < 2; i++) {
		forget();
		fixture->request.direct = i ? LOAD_DIRECT_ASKED : LOAD_DIRECT_NEVER;
		load(fixture);
		assert_int_equal(root_open(fixture->machine.path, &root, &err), 0);
		record_done(&record);
		record = (struct record){ 0 };
		assert_int_equal(loaded_recall(&root, false, &record, &found, &err), 0);
		assert_true(found);
		root_close(&root);
		if (!i)
			strcpy(digest, record.kernel_digest);
	}
	assert_string_equal(record.kernel_digest, digest);
	assert_int_equal(record.footprint.start, 0x1000000);
	assert_int_equal(record.footprint.end, 0x40000000);
	for (size_t i = 0; i < record.nr_segments; i++) {
		if (strcmp(record.segment[i].name, "kernel"))
			continue;
		assert_int_equal(record.segment[i].load.start, 0x1000000);
		assert_int_equal(record.segment[i].load.end, 0x40000000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kernel_is_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_never_below_the_floor, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_in_the_first_mib, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_protected_tables, set_up, tear_down),
		cmocka_unit_test(test_footprint),
		cmocka_unit_test_setup_teardown(test_header, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_inherited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_moved_framebuffer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_framebuffer_moved_high, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_initrds_are_joined, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_e820, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_add_efi_memmap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_efi, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_efi, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kernel_without_efi_kexec, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_old_kernel_with_efi, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_below_4g, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_part_of_a_paragraph, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_entry_32bit_without_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_entry_32bit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dtb, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_real_mode, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_real_mode_reads_disks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_real_mode_screen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_real_mode, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_real_mode_needs_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kaslr_keeps_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_purgatory_params, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_checks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_consoles, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failure, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_report_node, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hash, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_direct, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_direct_without_kaslr, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_direct_of_whole_pages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_direct_with_less_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_direct_beside_an_initrd, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_direct, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_direct_by_the_processor, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_not_direct_by_the_payload, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_elf, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown_payload, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_payload, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_record_of_direct, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
