/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the running kernel's own loader, kexec_file_load(2), puts a bzImage. */
#ifndef X86_KERNEL_LOADER_H
#define X86_KERNEL_LOADER_H

#include "kexec/core/system.h"
#include "kexec/x86/bzimage.h"

/*
 * Whether it may put the kernel below LOAD_PHYSICAL_ADDR, from where the decompressor moves it
 * over memory that nobody looked at. Loaders of 6.12 and later begin at pref_address; 6.1's
 * begins at 1 MiB (arch/x86/kernel/kexec-bzimage64.c, MIN_KERNEL_LOAD_ADDR), and is taken for
 * all between. It walks "System RAM" upward, and takes the highest place in the first range
 * that has one (kernel/kexec_file.c, locate_mem_hole_callback()); of a reservation it may take
 * the lowest. *ret_address: where then. False, too, if the release is not known.
 */
bool kernel_loader_goes_low(const struct system *system, const struct bzimage *image, bool crash,
			    phys_t *ret_address);

#endif
