/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: a bzImage. What era its EFI stub may be of is asked, too. */
#include <string.h>

#include "kexec/x86/efistub.h"
#include "tests/fuzz/fuzz.h"

/* From arch/x86/include/uapi/asm/bootparam.h of Linux 6.12, not from our own header. */
enum { HEADER_AT = 0x1f1, HEADER_SIZE_MAX = 0x290 - 0x1f1, ENTRY64_AT = 0x200 };

static bool lies_within(struct bytes part, struct bytes whole)
{
	size_t offset = (size_t)(part.data - whole.data);

	return part.data >= whole.data && offset <= whole.size && part.size <= whole.size - offset;
}

static void check_image(const struct bzimage *image, struct bytes file)
{
	const struct footprint_of *of = &image->footprint;
	size_t length = strnlen(image->version, sizeof(image->version));

	require(lies_within(image->header, file) && lies_within(image->protected, file));
	require(image->header.data == file.data + HEADER_AT);
	require(image->header.size <= HEADER_SIZE_MAX);
	require(image->protected.data > image->header.data);
	require(image->protected.size > (image->entry_32bit ? 0 : ENTRY64_AT));
	require(image->protected.size % 16 == 0 ||
		image->protected.data + image->protected.size == file.data + file.size);
	require(image->protocol >= (image->entry_32bit ? 0x020a : 0x020c));
	require(image->entry_32bit == !(image->xloadflags & 1));
	require(num_is_power_of_two(of->alignment));
	require(!of->relocatable || of->alignment >= (image->entry_32bit ? 0x2000 : 0x200000));
	require(of->pref_address % PAGE_SIZE_4K == 0 && of->pref_address < PHYS_LIMIT);
	require(of->wrapper_size >= image->protected.size && of->wrapper_size <= of->init_size);
	require(length < sizeof(image->version));
	for (size_t i = 0; i < length; i++)
		require(image->version[i] >= ' ' && image->version[i] <= '~');
}

/* There is one at least; the PE header has the last word, and a version can leave no two but the
 * first. */
static void check_eras(const struct bzimage *image)
{
	const unsigned int old = 1 << EFISTUB_NO_FLOOR | 1 << EFISTUB_FLOOR;
	unsigned int eras = efistub_eras(image), major, minor;
	uint64_t init_size = image->footprint.init_size;

	require(eras && eras < 1 << EFISTUB_ERAS);
	require(image->pe_image_size != init_size || !(eras & ~old));
	require(image->pe_image_size != init_size + image->footprint.alignment || !(eras & old));
	if (sscanf(image->version, "%3u.%3u", &major, &minor) == 2 && major > 4)
		require(num_is_power_of_two(eras) || eras == old ||
			eras == (1 << EFISTUB_IN_PLACE | 1 << EFISTUB_DECOMPRESSES));
}

/* The rule once more, by division, for loads that leave room to compute with. */
static phys_t output_of(const struct footprint_of *of, phys_t load)
{
	phys_t output = (load / of->alignment + (load % of->alignment != 0)) * of->alignment;

	return of->relocatable && output > of->pref_address ? output : of->pref_address;
}

static void check_footprint(const struct footprint_of *of, phys_t load)
{
	struct range wrapper = { 1, 2 }, output = { 1, 2 };
	bool fits = load <= PHYS_LIMIT && load + of->wrapper_size <= PHYS_LIMIT &&
		    output_of(of, load) + of->init_size <= PHYS_LIMIT;

	require(footprint(of, load, &wrapper, &output) == fits);
	require(wrapper.start == (fits ? load : 1));
	require(output.start == (fits ? output_of(of, load) : 1));
	require(range_size(wrapper) == (fits ? of->wrapper_size : 1));
	require(range_size(output) == (fits ? of->init_size : 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const phys_t fixed[] = {
		0,	    1,		 0x100000,	 0x1000000,  0x1000001,
		0xfffff000, 0x100000000, PHYS_LIMIT - 1, PHYS_LIMIT, PHYS_LIMIT + 1,
		UINT64_MAX
	};
	struct bytes file = { data, size };
	struct bzimage image = { .protocol = 7 };
	const struct footprint_of *of = &image.footprint;
	struct err err = { 0 };

	if (bzimage_parse(file, &image, &err)) {
		require(err.code == ERR_INPUT && err.text[0]);
		require(image.protocol == 7 && !image.header.data && !image.protected.data);
		return 0;
	}
	check_image(&image, file);
	check_eras(&image);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		check_footprint(of, fixed[i]);
	for (int64_t offset = -1; offset <= 1; offset++) {
		check_footprint(of, of->pref_address + (uint64_t)offset);
		check_footprint(of, of->alignment + (uint64_t)offset);
		check_footprint(of, PHYS_LIMIT - of->init_size + (uint64_t)offset);
		check_footprint(of, PHYS_LIMIT - of->wrapper_size + (uint64_t)offset);
	}
	return 0;
}
