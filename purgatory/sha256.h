/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SHA-256 (FIPS 180-4) of bytes in memory. The purgatory and the loader compile
 * the same sources, so what is verified is what was computed.
 */
#ifndef PURGATORY_SHA256_H
#define PURGATORY_SHA256_H

#include <stddef.h>
#include <stdint.h>

/*
 * `hash` is one of PURGATORY_HASH_: the caller answers for the processor being
 * able to execute it. A value that is none of them means the baseline, which every
 * x86-64 processor executes and whose result is the same.
 */
void purgatory_sha256(uint32_t hash, const void *data, size_t size, uint8_t ret_digest[32]);

/* The compression function over `nr_blocks` blocks of 64 bytes, of any alignment. */
void sha256_blocks_x86_64(uint32_t state[8], const void *data, size_t nr_blocks);

#endif
