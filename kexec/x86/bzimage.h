/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bzImage, validated: what the rest of the loader knows of it. */
#ifndef X86_BZIMAGE_H
#define X86_BZIMAGE_H

#include "kexec/x86/footprint.h"

/* How a kernel is told of the machine. */
enum image_told {
	IMAGE_TOLD_LINUX, /* by a zero page */
	IMAGE_TOLD_MULTIBOOT,
	IMAGE_TOLD_MULTIBOOT2,
	IMAGE_TOLD_ELF_NOTES,
	IMAGE_TOLD_NOTHING,
};

/* Borrows from the image's bytes. */
struct bzimage {
	bool is_elf;	 /* an ELF file, which `protected` is; see elfimage.h */
	bool is_program; /* likewise, or a multiboot kernel; see program.h */
	enum image_told told;
	phys_t end_max;	     /* of a program that may be moved: no byte of it at or above; else 0 */
	bool is_stripped;    /* an ELF file without symbols: what it was built for cannot be seen */
	struct bytes setup;  /* boot sector and setup code, all before the protected-mode part */
	struct bytes header; /* [0x1f1, its end), at most to 0x290: copied into the zero page */
	struct bytes protected; /* the protected-mode part, without the signature behind it */
	struct bytes payload;	/* the compressed kernel in it; size 0: none, or not inside it */
	struct footprint_of footprint;
	uint64_t setup_size;	/* bytes of the file before the protected-mode part */
	uint32_t pe_image_size; /* SizeOfImage of the EFI stub's PE header; 0: no EFI stub */
	uint16_t protocol;	/* 0x020f is 2.15 */
	uint16_t xloadflags;
	bool real_mode;	  /* entered through its setup code: entry_32bit, and then realmode.h */
	bool entry_32bit; /* entered at the beginning of the protected-mode part, in 32-bit mode */
	uint32_t cmdline_size;	  /* the longest command line, without its NUL */
	uint32_t initrd_addr_max; /* last address of an initrd of a kernel that stays below 4 GiB */
	char version[96];	  /* the kernel's own words, "" if it has none */
};

/*
 * ERR_INPUT names the offset in the file, the field and its value. Accepts protocol 2.10 and later,
 * which says how much memory the kernel runs in; entry_32bit is set of one that has no 64-bit entry.
 */
int bzimage_parse(struct bytes image, struct bzimage *ret, struct err *err);

#endif
