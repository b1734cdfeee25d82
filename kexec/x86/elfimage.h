/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A Linux kernel as an ELF file, vmlinux: what a bzImage has inside. It is entered itself. */
#ifndef X86_ELFIMAGE_H
#define X86_ELFIMAGE_H

#include "kexec/x86/segments.h"

/* "6.12.1 (...) ...", as the setup header of its bzImage has it; false: no Linux kernel. */
bool elfimage_version(struct bytes file, const struct segments *segments, char *ret, size_t room);
/* What the setup header would say of another ELF file that is told by a zero page, of 32 or 64 bits. */
void elfimage_tell(struct bzimage *image);
/*
 * What the setup header of a bzImage with this kernel would say, as far as the loader asks; its
 * floor is the physical address that it is linked for. ERR_INPUT names what in the file is no
 * such kernel's; ERR_DAMAGED for a file that is cut. Reads all of the segments, for the banner.
 */
int elfimage_parse(struct bytes file, struct bzimage *ret, struct err *err);
/* Its segments, copied to where they lie in memory, without relocations. It was parsed. */
int elfimage_load(struct bytes file, struct vmlinux *ret, struct err *err);

#endif
