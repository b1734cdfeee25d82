/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where things are in the machine of test-purgatory-boot.c, for C and assembly. */
#ifndef TESTS_HOSTED_PURGATORY_BOOT_H
#define TESTS_HOSTED_PURGATORY_BOOT_H

#define BOOT_AT		 0x100000
#define TARGET_AT	 0x101000
#define PURGATORY_AT	 0x2000000
#define TARGET_RSI	 0x123456789000
#define TARGET_RDI	 0x6789abcdef00
#define TARGET_EAX	 0x2badb002
#define TARGET_EBX	 0x55667788
#define TARGET_32_AT	 0x102000
#define TARGET_EXIT	 0x55 /* the debug exit device answers with 2 * value + 1 */
#define TARGET_EXIT_PORT 0xf4

#endif
