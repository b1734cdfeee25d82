/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The purgatory as it goes into a segment: a flat, position-independent image,
 * entered at its first byte, with the parameter block of purgatory-abi.h
 * PURGATORY_PARAMS_OFFSET bytes into it. Magic, version, params_size and image_size
 * are filled in. purgatory_image_end is the byte after it; the zero-initialised rest
 * up to image_size is not in it.
 */
#ifndef X86_PURGATORY_IMAGE_H
#define X86_PURGATORY_IMAGE_H

#include <stdint.h>

extern const uint8_t purgatory_image[];
extern const uint8_t purgatory_image_end[];

#endif
