/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A machine in a temporary directory, as --sysroot reads it. */
#ifndef MK_MACHINE_H
#define MK_MACHINE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

enum { MK_PATH_MAX = 128 };

struct mk_machine {
	char path[64];
};

/* 1 GiB on BIOS: RAM at 0-0x9fc00 and 0x100000-0x40000000, a zero page of zeros but for
 * the RSDP at 0xf5a00, no EFI, the command line "console=tty0". Every failure aborts. */
void mk_machine_init(struct mk_machine *machine);
/* Removes the directory with all that is in it. */
void mk_machine_done(struct mk_machine *machine);

/* The path of a file of the machine, as this process opens it. */
void mk_path(const struct mk_machine *machine, const char *path, char ret[MK_PATH_MAX]);
/* Writes a file, and the directories above it; NULL data removes it. */
void mk_file(const struct mk_machine *machine, const char *path, const void *data, size_t size);
void mk_text(const struct mk_machine *machine, const char *path, const char *text);
/* One entry of /sys/firmware/memmap; the end is inclusive, as it is there. */
void mk_memmap(const struct mk_machine *machine, unsigned int number, unsigned long long start,
	       unsigned long long last, const char *type);

/* /proc/kcore of a kernel whose image has so many bytes at 16 MiB, and one range of RAM. */
struct mk_kcore {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[2];
};
struct mk_kcore mk_kcore(uint64_t image_size, uint64_t ram_start, uint64_t ram_end);

#endif
