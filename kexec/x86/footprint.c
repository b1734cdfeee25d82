/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/footprint.h"

bool footprint(const struct footprint_of *of, phys_t load, struct range *ret_wrapper,
	       struct range *ret_output)
{
	struct range wrapper, output_range;
	phys_t output = of->pref_address;

	if (of->relocatable) {
		if (!num_align_up(load, of->alignment, &output))
			return false;
		if (output < of->pref_address)
			output = of->pref_address;
	}
	if (!range_from_size(load, of->wrapper_size, &wrapper) ||
	    !range_from_size(output, of->init_size, &output_range))
		return false;
	*ret_wrapper = wrapper;
	*ret_output = output_range;
	return true;
}
