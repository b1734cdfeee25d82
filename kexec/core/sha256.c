/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/sha256.h"

#include "purgatory-abi.h"
#include "purgatory/sha256.h"

void sha256(const void *data, size_t size, uint8_t ret_digest[32])
{
	purgatory_sha256(/* hashes= */ 0, data, size, ret_digest);
}
