/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/x86/kernel_loader.h"

#include <stdio.h>
#include <strings.h>

enum { LOWEST = 0x100000, FLOOR_SINCE_MAJOR = 6, FLOOR_SINCE_MINOR = 12 };

static bool has_floor(const char *release)
{
	unsigned int major, minor;

	if (!release || sscanf(release, "%u.%u", &major, &minor) != 2)
		return true;
	return major > FLOOR_SINCE_MAJOR ||
	       (major == FLOOR_SINCE_MAJOR && minor >= FLOOR_SINCE_MINOR);
}

/* The highest aligned place of so many bytes in a range, or the lowest. */
static bool place_in(struct range range, const struct footprint_of *of, bool lowest, phys_t *ret)
{
	phys_t start = range.start < LOWEST ? LOWEST : range.start, first, last;

	if (!num_align_up(start, of->alignment, &first) || range.end < of->init_size)
		return false;
	last = (range.end - of->init_size) / of->alignment * of->alignment;
	if (last < first)
		return false;
	*ret = lowest ? first : last;
	return true;
}

/* In what it takes for the reservation, or the first RAM that is large enough. */
static bool place_of(const struct system *system, const struct footprint_of *of, bool crash,
		     phys_t *ret)
{
	const struct iomem *iomem = &system->iomem;
	struct range main, low;
	struct err ignored;

	if (crash)
		return !iomem_crash_kernel(iomem, &main, &low, &ignored) && range_is_valid(main) &&
		       place_in(main, of, true, ret);
	for (size_t i = 0; i < iomem->count; i++)
		if (!strcasecmp(iomem->entry[i].name, "System RAM") &&
		    place_in(iomem->entry[i].range, of, false, ret))
			return true;
	return false;
}

bool kernel_loader_goes_low(const struct system *system, const struct bzimage *image, bool crash,
			    phys_t *ret_address)
{
	const struct footprint_of *of = &image->footprint;
	phys_t place;

	if (has_floor(system->release) || !of->relocatable ||
	    !place_of(system, of, crash, &place) || place >= of->pref_address)
		return false;
	*ret_address = place;
	return true;
}
