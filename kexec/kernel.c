/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/kernel.h"

#include "kexec/core/decompress.h"

void kernel_done(struct kernel *kernel)
{
	inputs_done(&kernel->inputs);
	buf_done(&kernel->expanded);
}

int kernel_open(const char *path, struct kernel *ret, struct err *err)
{
	struct kernel kernel CLEANUP(kernel_done) = { 0 };

	if (inputs_guard(err) || inputs_open(&path, 1, &kernel.inputs, err))
		return -1;
	kernel.image = kernel.inputs.bytes;
	if (decompress_format(kernel.image)) {
		if (decompress(kernel.image, &kernel.expanded, err))
			return err_prefix(err, "%s", path);
		kernel.image = buf_bytes(&kernel.expanded);
	}
	*ret = kernel;
	kernel = (struct kernel){ 0 };
	return 0;
}
