/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A Linux kernel as an ELF file, vmlinux: what a bzImage has inside. It is entered itself. */
#ifndef X86_ELFIMAGE_H
#define X86_ELFIMAGE_H

#include "kexec/x86/vmlinux.h"

bool elfimage_is(struct bytes file);
/*
 * What the setup header of a bzImage with this kernel would say, as far as the loader asks; its
 * floor is the physical address that it is linked for. ERR_INPUT names what in the file is no
 * such kernel's; ERR_DAMAGED for a file that is cut. Reads all of the segments, for the banner.
 */
int elfimage_parse(struct bytes file, struct bzimage *ret, struct err *err);
/* Its segments, copied to where they lie in memory, without relocations. It was parsed. */
int elfimage_load(struct bytes file, struct vmlinux *ret, struct err *err);
/* Either kind. */
int image_parse(struct bytes file, struct bzimage *ret, struct err *err);

#endif
