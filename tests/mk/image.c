/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/mk/image.h"

#include <string.h>

struct setup_header *mk_image(uint8_t *image)
{
	struct setup_header *header = (void *)(image + SETUP_HEADER_OFFSET);

	for (size_t i = 0; i < MK_IMAGE_SIZE; i++)
		image[i] = i < MK_IMAGE_SETUP_SIZE ? 0 : (uint8_t)(i * 7 + 1);
	*header = (struct setup_header){
		.setup_sects = MK_IMAGE_SETUP_SECTS,
		.syssize = (MK_IMAGE_SIZE - MK_IMAGE_SETUP_SIZE) / 16,
		.boot_flag = SETUP_BOOT_FLAG,
		.jump = 0x6aeb, /* to the header's end, 0x26c */
		.header = SETUP_HEADER_MAGIC,
		.version = 0x20f,
		.kernel_version = MK_IMAGE_VERSION_AT - 0x200,
		.loadflags = LOADED_HIGH,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = 0x200000,
		.relocatable_kernel = 1,
		.min_alignment = 21,
		.xloadflags = 0x7f,
		.cmdline_size = 2047,
		.pref_address = 0x1000000,
		.init_size = MK_IMAGE_INIT_SIZE,
	};
	put_u32(image + 0x3c, MK_IMAGE_PE_AT);
	memcpy(image + MK_IMAGE_PE_AT, "PE", 2);
	put_u32(image + MK_IMAGE_SIZE_OF_IMAGE_AT, MK_IMAGE_SETUP_SIZE + MK_IMAGE_WRAPPER_SIZE);
	strcpy((char *)image + MK_IMAGE_VERSION_AT, "6.1.0-test");
	return header;
}
