/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SHA-256 (FIPS 180-4) of bytes in memory. The purgatory and the loader compile
 * the same sources, so what is verified is what was computed.
 */
#ifndef PURGATORY_SHA256_H
#define PURGATORY_SHA256_H

#include <stddef.h>
#include <stdint.h>

/* What has to be enabled for the vectors of 256 and of 512 bits (Intel SDM volume 1, 13.3). */
enum { XCR0_AVX = 0x6, XCR0_AVX512 = 0xe6 };
/* Intel SDM volume 2, CPUID. */
enum { CPUID_7_EBX_AVX512F = 1 << 16 };

/* The most messages that are hashed at a time. */
enum { SHA256_LANES_MAX = 16 };

/*
 * Which of PURGATORY_HASH_ this processor can execute, as it is set up now. It reads CPUID,
 * which traps in some guests (PURGATORY_NO_IO).
 */
uint32_t sha256_hashes(void);

/*
 * The digests of `count` messages of `size` bytes each, one behind another. `hashes` is a
 * set of PURGATORY_HASH_, of which the fastest is used that so many messages fill: the caller
 * answers for the processor being able to execute them. The results are the same, whichever.
 */
void purgatory_sha256_many(uint32_t hashes, const void *messages, size_t size, size_t count,
			   uint8_t (*ret_digests)[32]);
void purgatory_sha256(uint32_t hashes, const void *data, size_t size, uint8_t ret_digest[32]);
/* What --hash= calls the one that is used for so many messages. */
const char *purgatory_sha256_name(uint32_t hashes, size_t count);

/*
 * The compression functions, over `nr_blocks` blocks of 64 bytes of each message, of any
 * alignment. The states of several messages are interleaved: all first words, all second
 * words, and so on.
 */
void sha256_blocks_x86_64(uint32_t state[8], const void *data, size_t nr_blocks);
void sha256_blocks_ni_2(uint32_t state[8 * 2], const uint8_t *const data[2], size_t nr_blocks);
void sha256_blocks_avx2_8(uint32_t state[8 * 8], const uint8_t *const data[8], size_t nr_blocks);
void sha256_blocks_avx512_16(uint32_t state[8 * 16], const uint8_t *const data[16],
			     size_t nr_blocks);

#endif
