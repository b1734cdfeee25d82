/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is loaded by its segments and is no Linux kernel for x86-64: multiboot kernels, and other ELF
 * executables, with what each is told of the machine.
 */
#ifndef X86_PROGRAM_H
#define X86_PROGRAM_H

#include "kexec/x86/load.h"

/* Any image, by the options that its kind has; ERR_INPUT and ERR_DAMAGED as its own parser says. */
int image_parse_with(struct bytes file, enum load_args args, struct bzimage *ret, struct err *err);
static inline int image_parse(struct bytes file, struct bzimage *ret, struct err *err)
{
	return image_parse_with(file, LOAD_ARGS_AUTO, ret, err);
}

/* "multiboot2-x86", as --type has it; NULL: the image is no program. */
const char *program_type(const struct bzimage *image);

/* ERR_INPUT for an image that cannot be told where the dump is. */
int image_check_crash(const struct bzimage *image, struct err *err);

/* Of load->image, which is one: its segments become load->vmlinux. ERR_INPUT for what it cannot be
 * given. */
int program_prepare(const struct load_request *request, struct load *load, struct err *err);
/* Adds to the plan's reasons and warnings what it is, and how it is started. */
int program_explain(const struct load_request *request, const struct system *system,
		    struct load *load, struct err *err);
/* Its command line, owned by the caller. */
int program_cmdline(const struct load_request *request, const struct bzimage *image, char **ret,
		    struct err *err);
/* What it is told, but for addresses, in ret, which is zero-initialised. The plan has its map. */
int program_tell(const struct load_request *request, const struct system *system,
		 const struct load *load, struct buf *ret, struct err *err);
/* The addresses in it, and the registers. The plan is PLACED. */
int program_link(const struct load_request *request, const struct system *system, struct load *load,
		 struct err *err);
struct program_registers {
	uint32_t eax, ebx;
	uint64_t rdi;
};
struct program_registers program_registers(const struct load *load);

#endif
