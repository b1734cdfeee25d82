/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Synthetic bzImages: valid, and then as wrong as a test wants them. */
#ifndef MK_IMAGE_H
#define MK_IMAGE_H

#include "kexec/core/bytes.h"
#include "x86/bootparam.h"

enum {
	MK_IMAGE_SETUP_SECTS = 4,
	MK_IMAGE_SETUP_SIZE = (MK_IMAGE_SETUP_SECTS + 1) * SETUP_SECTOR_SIZE,
	MK_IMAGE_SIZE = MK_IMAGE_SETUP_SIZE + 0x5000,
	MK_IMAGE_INIT_SIZE = 0x3000000,
	MK_IMAGE_WRAPPER_SIZE = 0x8000,
	MK_IMAGE_PE_AT = 0x80,
	MK_IMAGE_SIZE_OF_IMAGE_AT = MK_IMAGE_PE_AT + 0x50,
	MK_IMAGE_VERSION_AT = 0x500,
};

/* Fills image, of MK_IMAGE_SIZE bytes, with a kernel of protocol 2.15: relocatable,
 * pref_address 16 MiB, alignment 2 MiB, every xloadflag of a Debian kernel, a PE header that
 * says the decompressor's size. Returns the setup header inside it, to be changed. */
struct setup_header *mk_image(uint8_t *image);

#endif
