/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The zero page and the setup header of the x86 boot protocol.
 * Sources: Documentation/arch/x86/boot.rst, arch/x86/include/uapi/asm/bootparam.h
 * and setup_data.h, include/uapi/linux/screen_info.h of Linux 6.12. Offsets are
 * asserted below. These are wire types: only kexec/x86 and tests use them.
 */
#ifndef X86_BOOTPARAM_H
#define X86_BOOTPARAM_H

#include <stddef.h>
#include <stdint.h>

enum {
	SETUP_SECTOR_SIZE = 512,
	SETUP_HEADER_OFFSET = 0x1f1,
	SETUP_HEADER_LIMIT = 0x290, /* next field of the zero page after the header */
	SETUP_BOOT_FLAG = 0xaa55,
	SETUP_HEADER_MAGIC = 0x53726448, /* "HdrS" */
	BZIMAGE_ENTRY64_OFFSET = 0x200,
	COMMAND_LINE_WINDOW = 2048, /* bytes that the kernel copies, arch/x86/kernel/head64.c */
};

/* setup_header.loadflags */
enum { LOADED_HIGH = 0x01, KASLR_FLAG = 0x02, QUIET_FLAG = 0x20, CAN_USE_HEAP = 0x80 };

/* setup_header.xloadflags */
enum {
	XLF_KERNEL_64 = 0x01,
	XLF_CAN_BE_LOADED_ABOVE_4G = 0x02,
	XLF_EFI_HANDOVER_32 = 0x04,
	XLF_EFI_HANDOVER_64 = 0x08,
	XLF_EFI_KEXEC = 0x10,
	XLF_5LEVEL = 0x20,
	XLF_5LEVEL_ENABLED = 0x40,
};

/* setup_header.type_of_loader: the id assigned to kexec */
enum { LOADER_TYPE_KEXEC = 0xd0 };

enum setup_data_type {
	SETUP_NONE = 0,
	SETUP_E820_EXT = 1,
	SETUP_DTB = 2,
	SETUP_PCI = 3,
	SETUP_EFI = 4,
	SETUP_APPLE_PROPERTIES = 5,
	SETUP_JAILHOUSE = 6,
	SETUP_CC_BLOB = 7,
	SETUP_IMA = 8,
	SETUP_RNG_SEED = 9,
	SETUP_KEXEC_KHO = 10,
};

enum { E820_MAX_ENTRIES_ZEROPAGE = 128, EDD_MBR_SIG_MAX = 16, EDDMAXNR = 6 };

struct setup_header {
	uint8_t setup_sects;
	uint16_t root_flags;
	uint32_t syssize;
	uint16_t ram_size;
	uint16_t vid_mode;
	uint16_t root_dev;
	uint16_t boot_flag;
	uint16_t jump;
	uint32_t header;
	uint16_t version;
	uint32_t realmode_swtch;
	uint16_t start_sys_seg;
	uint16_t kernel_version;
	uint8_t type_of_loader;
	uint8_t loadflags;
	uint16_t setup_move_size;
	uint32_t code32_start;
	uint32_t ramdisk_image;
	uint32_t ramdisk_size;
	uint32_t bootsect_kludge;
	uint16_t heap_end_ptr;
	uint8_t ext_loader_ver;
	uint8_t ext_loader_type;
	uint32_t cmd_line_ptr;
	uint32_t initrd_addr_max;
	uint32_t kernel_alignment;
	uint8_t relocatable_kernel;
	uint8_t min_alignment;
	uint16_t xloadflags;
	uint32_t cmdline_size;
	uint32_t hardware_subarch;
	uint64_t hardware_subarch_data;
	uint32_t payload_offset;
	uint32_t payload_length;
	uint64_t setup_data;
	uint64_t pref_address;
	uint32_t init_size;
	uint32_t handover_offset;
	uint32_t kernel_info_offset;
} __attribute__((packed));

struct screen_info_wire {
	uint8_t bytes[0x40];
} __attribute__((packed));

/* Offsets within screen_info that the loader reads or changes; values of orig_video_isVGA. */
enum {
	SCREEN_INFO_IS_VGA = 0x0f,
	SCREEN_INFO_LFB_WIDTH = 0x12,
	SCREEN_INFO_LFB_HEIGHT = 0x14,
	SCREEN_INFO_LINE_LENGTH = 0x24, /* sizes and positions of the colours are behind it */
	VIDEO_TYPE_TEXT = 0x01, /* what the kernel's own boot code says of VGA in text mode */
	VIDEO_TYPE_VLFB = 0x23,
	VIDEO_TYPE_EFI = 0x70,
};
enum {
	SCREEN_INFO_LFB_BASE = 0x18,
	SCREEN_INFO_LFB_SIZE = 0x1c,
	SCREEN_INFO_CAPABILITIES = 0x36,
	SCREEN_INFO_EXT_LFB_BASE = 0x3a,
	VIDEO_CAPABILITY_64BIT_BASE = 0x02, /* without it a kernel does not look at EXT_LFB_BASE */
};

struct efi_info {
	char signature[4]; /* "EL64" or "EL32" */
	uint32_t systab;
	uint32_t memdesc_size;
	uint32_t memdesc_version;
	uint32_t memmap;
	uint32_t memmap_size;
	uint32_t systab_hi;
	uint32_t memmap_hi;
} __attribute__((packed));

struct e820_entry_wire {
	uint64_t addr;
	uint64_t size;
	uint32_t type;
} __attribute__((packed));

struct edd_info_wire {
	uint8_t bytes[82];
} __attribute__((packed));

struct boot_params {
	struct screen_info_wire screen_info; /* 0x000 */
	uint8_t apm_bios_info[20];	     /* 0x040 */
	uint8_t pad2[4];
	uint64_t tboot_addr;	 /* 0x058 */
	uint8_t ist_info[16];	 /* 0x060 */
	uint64_t acpi_rsdp_addr; /* 0x070 */
	uint8_t pad3[8];
	uint8_t hd0_info[16];	     /* 0x080 */
	uint8_t hd1_info[16];	     /* 0x090 */
	uint8_t sys_desc_table[16];  /* 0x0a0 */
	uint8_t olpc_ofw_header[16]; /* 0x0b0 */
	uint32_t ext_ramdisk_image;  /* 0x0c0 */
	uint32_t ext_ramdisk_size;   /* 0x0c4 */
	uint32_t ext_cmd_line_ptr;   /* 0x0c8 */
	uint8_t pad4[112];
	uint32_t cc_blob_address;	 /* 0x13c */
	uint8_t edid_info[128];		 /* 0x140 */
	struct efi_info efi_info;	 /* 0x1c0 */
	uint32_t alt_mem_k;		 /* 0x1e0 */
	uint32_t scratch;		 /* 0x1e4 */
	uint8_t e820_entries;		 /* 0x1e8 */
	uint8_t eddbuf_entries;		 /* 0x1e9 */
	uint8_t edd_mbr_sig_buf_entries; /* 0x1ea */
	uint8_t kbd_status;		 /* 0x1eb */
	uint8_t secure_boot;		 /* 0x1ec */
	uint8_t pad5[2];
	uint8_t sentinel; /* 0x1ef */
	uint8_t pad6[1];
	struct setup_header hdr; /* 0x1f1 */
	uint8_t pad7[0x290 - 0x1f1 - sizeof(struct setup_header)];
	uint32_t edd_mbr_sig_buffer[EDD_MBR_SIG_MAX];		      /* 0x290 */
	struct e820_entry_wire e820_table[E820_MAX_ENTRIES_ZEROPAGE]; /* 0x2d0 */
	uint8_t pad8[48];					      /* 0xcd0 */
	struct edd_info_wire eddbuf[EDDMAXNR];			      /* 0xd00 */
	uint8_t pad9[276];					      /* 0xeec */
} __attribute__((packed));

/* A node of the setup_data list; len bytes of payload follow. */
struct setup_data_wire {
	uint64_t next;
	uint32_t type;
	uint32_t len;
} __attribute__((packed));

/* Payload of SETUP_EFI: struct efi_setup_data of arch/x86/include/asm/efi.h.
 * The second slot is `runtime` in kernels before 5.4 and unused since. */
struct efi_setup_data_wire {
	uint64_t fw_vendor;
	uint64_t runtime;
	uint64_t tables;
	uint64_t smbios;
	uint64_t reserved[8];
} __attribute__((packed));

/* EFI memory descriptor version 1, UEFI specification 2.10, 7.2.3. */
struct efi_memory_desc_wire {
	uint32_t type;
	uint32_t pad;
	uint64_t phys_addr;
	uint64_t virt_addr;
	uint64_t num_pages; /* of 4096 bytes */
	uint64_t attribute;
} __attribute__((packed));

#define BOOT_PARAMS_OFFSET_IS(member, offset) \
	_Static_assert(offsetof(struct boot_params, member) == (offset), #member)
BOOT_PARAMS_OFFSET_IS(tboot_addr, 0x058);
BOOT_PARAMS_OFFSET_IS(acpi_rsdp_addr, 0x070);
BOOT_PARAMS_OFFSET_IS(ext_ramdisk_image, 0x0c0);
BOOT_PARAMS_OFFSET_IS(cc_blob_address, 0x13c);
BOOT_PARAMS_OFFSET_IS(efi_info, 0x1c0);
BOOT_PARAMS_OFFSET_IS(alt_mem_k, 0x1e0);
BOOT_PARAMS_OFFSET_IS(e820_entries, 0x1e8);
BOOT_PARAMS_OFFSET_IS(secure_boot, 0x1ec);
BOOT_PARAMS_OFFSET_IS(sentinel, 0x1ef);
BOOT_PARAMS_OFFSET_IS(hdr, 0x1f1);
BOOT_PARAMS_OFFSET_IS(hdr.header, 0x202);
BOOT_PARAMS_OFFSET_IS(hdr.cmd_line_ptr, 0x228);
BOOT_PARAMS_OFFSET_IS(hdr.kernel_alignment, 0x230);
BOOT_PARAMS_OFFSET_IS(hdr.xloadflags, 0x236);
BOOT_PARAMS_OFFSET_IS(hdr.setup_data, 0x250);
BOOT_PARAMS_OFFSET_IS(hdr.pref_address, 0x258);
BOOT_PARAMS_OFFSET_IS(hdr.init_size, 0x260);
BOOT_PARAMS_OFFSET_IS(hdr.kernel_info_offset, 0x268);
BOOT_PARAMS_OFFSET_IS(edd_mbr_sig_buffer, 0x290);
BOOT_PARAMS_OFFSET_IS(e820_table, 0x2d0);
BOOT_PARAMS_OFFSET_IS(eddbuf, 0xd00);
_Static_assert(sizeof(struct boot_params) == 4096, "boot_params");
_Static_assert(sizeof(struct efi_setup_data_wire) == 96, "efi_setup_data");
_Static_assert(sizeof(struct efi_memory_desc_wire) == 40, "efi_memory_desc");

#endif
