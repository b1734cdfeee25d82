/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mkimage FILE [init_size=N] [relocatable=0|1] [pref_address=N] [pe_size=N] [version=TEXT]
 * [protocol=N] [payload=LISTS] [.NAME=FILE]...: a synthetic bzImage; the payload has so many lists of relocations. With
 * a .NAME, a unified kernel image of it, with the file as that section. multiboot2=1: a multiboot 2 kernel instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/sys/input.h"
#include "tests/mk/image.h"
#include "tests/mk/program.h"
#include "tests/mk/uki.h"

int main(int argc, char *argv[])
{
	static uint8_t image[MK_IMAGE_SIZE], payload[MK_VMLINUX_SIZE], program[MK_PROGRAM_SIZE];
	struct setup_header *header = mk_image(image);
	struct mk_section sections[8] = { { ".linux", { image, sizeof(image) } } };
	struct bytes made = { image, sizeof(image) };
	struct inputs inputs[8] = { 0 };
	struct buf uki = { 0 };
	size_t count = 1;
	struct err err;
	FILE *file;

	for (int i = 2; i < argc; i++) {
		char *equals = strchr(argv[i], '=');
		unsigned long value = equals ? strtoul(equals + 1, NULL, 0) : 0;

		if (equals && !strncmp(argv[i], "init_size", 9))
			header->init_size = (uint32_t)value;
		else if (equals && !strncmp(argv[i], "relocatable", 11))
			header->relocatable_kernel = (uint8_t)value;
		else if (equals && !strncmp(argv[i], "pref_address", 12))
			header->pref_address = value;
		else if (equals && !strncmp(argv[i], "pe_size", 7))
			put_u32(image + MK_IMAGE_SIZE_OF_IMAGE_AT, (uint32_t)value);
		else if (equals && !strncmp(argv[i], "protocol", 8))
			header->version = (uint16_t)value;
		else if (equals && !strncmp(argv[i], "payload", 7))
			mk_image_payload(image, payload, mk_vmlinux(payload, (unsigned int)value));
		else if (equals && !strncmp(argv[i], "version", 7) && strlen(equals) < 64)
			strcpy((char *)image + MK_IMAGE_VERSION_AT, equals + 1);
		else if (equals && !strncmp(argv[i], "multiboot2", 10)) {
			mk_program(program, /* is_elf64= */ false);
			mk_multiboot_2(program, NULL, 0);
			made = (struct bytes){ program, sizeof(program) };
		} else if (equals && argv[i][0] == '.' && count < 8) {
			const char *path = equals + 1;

			if (inputs_open(&path, 1, &inputs[count], &err))
				return 1;
			*equals = '\0';
			sections[count] = (struct mk_section){ argv[i], inputs[count].bytes };
			count++;
		} else
			return 1;
	}
	if (count > 1) {
		mk_uki(sections, count, &uki);
		made = buf_bytes(&uki);
	}
	file = argc > 1 ? fopen(argv[1], "wb") : NULL;
	if (!file || fwrite(made.data, 1, made.size, file) != made.size || fclose(file))
		return 1;
	for (size_t i = 1; i < count; i++)
		inputs_done(&inputs[i]);
	buf_done(&uki);
	return 0;
}
