/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one thing that loader and purgatory share: the parameter block, and the
 * tables that it points to.
 *
 * The purgatory is a flat, position-independent image. Its entry is offset 0, the first
 * stage, which checks all that begins at PURGATORY_STAGE2_OFFSET.
 * The parameter block lies PURGATORY_PARAMS_OFFSET bytes into the image, so the
 * loader writes it without reading ELF and without relocating anything. The
 * tables follow the image and its zero-initialised tail (image_size) in the
 * same segment; all addresses in them are physical.
 *
 * Everything is little endian, naturally aligned, and included by C and by
 * assembly: the OFF_ constants below are asserted against the structs.
 */
#ifndef PURGATORY_ABI_H
#define PURGATORY_ABI_H

#define PURGATORY_STAGE1_OFFSET 0x8
#define PURGATORY_STAGE2_OFFSET 0x180
#define PURGATORY_PARAMS_OFFSET 0x1c0
#define PURGATORY_MAGIC		0x524f544147525550 /* "PURGATOR" in memory order */
#define PURGATORY_ABI_VERSION	1

/* Bytes that one digest covers. The last chunk of a region may be shorter. */
#define PURGATORY_CHUNK_SIZE  0x40000
#define PURGATORY_DIGEST_SIZE 32

/* purgatory_params.flags */
#define PURGATORY_SKIP_VERIFY 0x1 /* --no-checks: copy and jump, hash nothing */
#define PURGATORY_NO_IO \
	0x2 /* SEV-ES, SEV-SNP, TDX: no CPUID, port I/O or MSR; fail by triple fault */
#define PURGATORY_RESET_VGA 0x4 /* bring a VGA adapter back to text mode 3 */
#define PURGATORY_DIRECT    0x8 /* the kernel is unpacked already: only to be said */
/* Enter it in 32-bit protected mode, without paging, segments flat: the purgatory and the entry lie
 * below 4 GiB, and PURGATORY_NO_IO is not set. */
#define PURGATORY_ENTRY_32  0x10

/* purgatory_stage1.flags */
#define PURGATORY_STAGE1_NO_IO 0x1 /* as PURGATORY_NO_IO */
#define PURGATORY_STAGE1_HALT  0x2 /* as PURGATORY_ON_CORRUPTION_HALT; else reset */

/* Offsets within struct purgatory_stage1. */
#define OFF_STAGE1_SIZE	       0x00
#define OFF_STAGE1_CRC	       0x08
#define OFF_STAGE1_SPARE       0x10
#define OFF_STAGE1_SERIAL_PORT 0x18
#define OFF_STAGE1_FLAGS       0x1a
#define OFF_STAGE1_RESET_DELAY 0x1c
#define PURGATORY_STAGE1_SIZE  0x20

/* purgatory_params.console, a set */
#define PURGATORY_CONSOLE_SERIAL 0x1
#define PURGATORY_CONSOLE_VGA	 0x2 /* text buffer at 0xb8000 */
#define PURGATORY_CONSOLE_E9	 0x4 /* the debug port of QEMU and Bochs */

/* More than most processors have: so the wait is too long, not too short. */
#define PURGATORY_TSC_HZ_ASSUMED 4000000000
/* A frequency that no machine has is a damaged one, and must not become a hang. */
#define PURGATORY_TSC_HZ_MAX	 100000000000

/* purgatory_params.on_corruption */
#define PURGATORY_ON_CORRUPTION_RESET 0 /* wait reset_delay_s, then reset */
#define PURGATORY_ON_CORRUPTION_HALT  1

/*
 * purgatory_params.hashes, a set: which ways of SHA-256 besides the baseline are allowed. The
 * purgatory asks the processor which of them it has, but with PURGATORY_NO_IO.
 */
#define PURGATORY_HASH_SHA_NI 0x1 /* 2 messages at a time */
#define PURGATORY_HASH_AVX2   0x2 /* 8 */
#define PURGATORY_HASH_AVX512 0x4 /* 16; AVX-512 F and BW */
#define PURGATORY_HASH_ALL    0x7

/* Offsets within struct purgatory_params that assembly uses. */
#define OFF_PARAMS_MAGIC      0x00
#define OFF_PARAMS_FLAGS      0x10
#define OFF_PARAMS_ENTRY_RIP  0x18
#define OFF_PARAMS_ENTRY_RSI  0x20
#define OFF_PARAMS_IMAGE_SIZE 0x28
#define OFF_PARAMS_ENTRY_EAX  0xa8
#define OFF_PARAMS_ENTRY_EBX  0xac
#define OFF_PARAMS_ENTRY_RDI  0xb0
#define PURGATORY_PARAMS_SIZE 0xb8

/* setup_data type of the report below: none that the kernel knows, none that it will soon. */
#define PURGATORY_REPORT_TYPE	 0x5341464b /* "KFAS" in memory order */
#define PURGATORY_REPORT_VERSION 1

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

/* What the first stage knows of the second. */
struct purgatory_stage1 {
	uint64_t size;	      /* of the second stage with its tables; a multiple of 8 */
	uint64_t crc;	      /* CRC-64 of it: ECMA-182, reflected, all ones first, not inverted */
	uint64_t spare;	      /* address of a second copy; 0: none */
	uint16_t serial_port; /* 8250 base that a failure is told on; 0: none */
	uint8_t flags;
	uint8_t pad;
	uint32_t reset_delay; /* in 65,536 ticks of the TSC, before it resets */
};

/*
 * One segment's file bytes. Verified at src; if dst differs, copied there and
 * verified again. Sources and destinations of all regions are disjoint: the
 * loader has checked that, so regions may be copied in any order.
 */
struct purgatory_region {
	uint64_t src;
	uint64_t dst;
	uint64_t size;	      /* bytes hashed and copied, never 0 */
	uint64_t spare;	      /* address of a second copy of the bytes; 0: none */
	uint64_t zero;	      /* bytes to clear after dst + size; only where dst != src */
	uint32_t first_chunk; /* index of its first digest; it has ceil(size / chunk size) */
	uint32_t segment;     /* number in the plan, for messages */
	/* Not 0: an ELF core header that the running kernel may have rewritten since, in so many
	 * bytes. If it is sound (elfcorehdr_is_sound()), the digests do not count. */
	uint64_t room;
	char name[24]; /* NUL-terminated, for messages */
};

/*
 * What the purgatory leaves for the new kernel, in a setup_data node that Linux shows
 * under /sys/kernel/boot_params/setup_data. Digests cover it as it was loaded: zeros.
 */
struct purgatory_report {
	uint32_t version; /* 0: the purgatory has not come to its end */
	uint32_t nr_regions;
	uint32_t nr_chunks;    /* verified, of sources and of copies */
	uint32_t nr_repaired;  /* of those, taken from their spares */
	uint32_t own_repaired; /* 1: the purgatory itself was */
	uint32_t pad0;
	uint64_t bytes; /* of all regions */
	uint64_t nmis;
	uint64_t tsc_entry; /* time stamps at the first instruction of C, and at the last */
	uint64_t tsc_exit;
	uint64_t tsc_hz;	  /* 0: unknown */
	uint64_t repaired_offset; /* of the first repaired chunk, in its segment's file bytes */
	char repaired_name[24];
};

struct purgatory_params {
	uint64_t magic;
	uint32_t version;
	uint32_t params_size; /* sizeof(struct purgatory_params) */
	uint64_t flags;
	uint64_t
		entry_rip; /* where to go when all is well, long mode but with PURGATORY_ENTRY_32 */
	uint64_t entry_rsi;  /* boot_params for a Linux kernel */
	uint64_t image_size; /* from the entry to the end of bss, filled in by the link */
	uint64_t regions;    /* address of struct purgatory_region[nr_regions] */
	uint64_t digests;    /* address of uint8_t[nr_chunks][32], right behind the regions */
	uint32_t nr_regions;
	uint32_t nr_chunks;
	uint8_t tables_digest[PURGATORY_DIGEST_SIZE]; /* SHA-256 of the regions, then the digests */
	uint32_t on_corruption;
	uint32_t reset_delay_s;
	uint64_t tsc_hz; /* 0: not known, PURGATORY_TSC_HZ_ASSUMED then */
	uint32_t console;
	uint16_t serial_port;	 /* 8250 base, 0x3f8 for ttyS0 */
	uint16_t serial_divisor; /* of 115200; 0: leave the speed as it is */
	uint16_t reset_port;	 /* the FADT's reset register if in I/O space, else 0 */
	uint8_t reset_value;
	uint8_t pad0;
	uint32_t hashes;
	uint64_t backup_src;  /* copied, unverified, before the kernel is entered: */
	uint64_t backup_dst;  /* low memory, for kernels that the dump must show it of */
	uint64_t backup_size; /* 0: none */
	uint64_t report;      /* address of struct purgatory_report; 0: nobody wants one */
	uint32_t entry_eax;   /* with PURGATORY_ENTRY_32; eax is 0 else */
	uint32_t entry_ebx;   /* likewise */
	uint64_t entry_rdi;   /* with PURGATORY_ENTRY_32 edi, and the first argument on the stack */
};

#define PURGATORY_OFFSET_IS(member, offset) \
	_Static_assert(offsetof(struct purgatory_params, member) == (offset), #member)
PURGATORY_OFFSET_IS(magic, OFF_PARAMS_MAGIC);
PURGATORY_OFFSET_IS(flags, OFF_PARAMS_FLAGS);
PURGATORY_OFFSET_IS(entry_rip, OFF_PARAMS_ENTRY_RIP);
PURGATORY_OFFSET_IS(entry_rsi, OFF_PARAMS_ENTRY_RSI);
PURGATORY_OFFSET_IS(image_size, OFF_PARAMS_IMAGE_SIZE);
PURGATORY_OFFSET_IS(regions, 0x30);
PURGATORY_OFFSET_IS(nr_regions, 0x40);
PURGATORY_OFFSET_IS(tables_digest, 0x48);
PURGATORY_OFFSET_IS(on_corruption, 0x68);
PURGATORY_OFFSET_IS(console, 0x78);
PURGATORY_OFFSET_IS(reset_port, 0x80);
PURGATORY_OFFSET_IS(entry_eax, OFF_PARAMS_ENTRY_EAX);
PURGATORY_OFFSET_IS(entry_ebx, OFF_PARAMS_ENTRY_EBX);
PURGATORY_OFFSET_IS(entry_rdi, OFF_PARAMS_ENTRY_RDI);
_Static_assert(sizeof(struct purgatory_params) == PURGATORY_PARAMS_SIZE, "purgatory_params");
_Static_assert(sizeof(struct purgatory_report) == 96, "purgatory_report");
_Static_assert(sizeof(struct purgatory_region) == 80, "purgatory_region");
_Static_assert(sizeof(struct purgatory_stage1) == PURGATORY_STAGE1_SIZE, "purgatory_stage1");
_Static_assert(offsetof(struct purgatory_stage1, spare) == OFF_STAGE1_SPARE, "spare");
_Static_assert(offsetof(struct purgatory_stage1, flags) == OFF_STAGE1_FLAGS, "flags");
_Static_assert(offsetof(struct purgatory_stage1, reset_delay) == OFF_STAGE1_RESET_DELAY,
	       "reset_delay");
#endif /* __ASSEMBLER__ */
#endif
