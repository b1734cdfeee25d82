/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel inside a bzImage, as its decompressor would leave it. */
#ifndef X86_VMLINUX_H
#define X86_VMLINUX_H

#include "kexec/core/progress.h"
#include "kexec/x86/bzimage.h"

/* The kernel's own mapping, and the image's share of it with KASLR: __START_KERNEL_map and
 * KERNEL_IMAGE_SIZE of arch/x86/include/asm/page_64_types.h. */
#define VMLINUX_MAP	  UINT64_C(0xffffffff80000000)
#define VMLINUX_IMAGE_MAX UINT64_C(0x40000000)

/* Owned; zero-initialise; release with vmlinux_done(). */
struct vmlinux {
	struct buf unpacked;	  /* what the payload expands to; the image lies in it */
	size_t at;		  /* where in it the image begins: what is linked at pref_address */
	size_t size;		  /* of the image; behind it are zeros, or nothing */
	uint64_t mem_size;	  /* bytes that it has when it runs */
	uint64_t entry;		  /* of 64-bit code, from its beginning */
	struct bytes relocations; /* the table behind the ELF file, in `unpacked`; size 0: none */
	unsigned int nr_lists;	  /* 3 before Linux 6.15, 2 since */
	uint64_t pref_address;	  /* that it is linked at */
};

/*
 * Moves the segments of an ELF file to where they belong, within its bytes, which it takes over;
 * behind the file come its relocations. ERR_INPUT if it is none of those that Linux 5.5 to 7.2 are
 * (arch/x86/boot/compressed/misc.c, arch/x86/tools/relocs.c).
 */
int vmlinux_from_elf(struct buf *elf, uint64_t pref_address, struct vmlinux *ret, struct err *err);
/* The same of the payload. ERR_INPUT, too, if there is none; ERR_DAMAGED if it is damaged.
 * progress, or NULL, is told. */
int vmlinux_unpack(const struct bzimage *image, const struct progress *progress,
		   struct vmlinux *ret, struct err *err);
/*
 * How many virtual addresses it can have, its own one included: multiples of the alignment, as many as the kernel's own
 * KASLR has (find_random_virt_addr() of arch/x86/boot/compressed/kaslr.c), which counts the whole ELF file's size.
 */
uint64_t vmlinux_places(const struct vmlinux *vmlinux, uint64_t alignment);
/*
 * Applies the relocations: it runs `offset` bytes above its own virtual address. Once. The image
 * is of no use after ERR_INPUT, a table that points outside it.
 */
int vmlinux_relocate(struct vmlinux *vmlinux, uint64_t offset, struct err *err);
static inline struct bytes vmlinux_image(const struct vmlinux *vmlinux)
{
	return (struct bytes){ vmlinux->unpacked.data + vmlinux->at, vmlinux->size };
}
void vmlinux_done(struct vmlinux *vmlinux);

#endif
