/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: the text of /proc/iomem. */
#include <string.h>

#include "kexec/core/iomem.h"
#include "tests/fuzz/fuzz.h"

static void check_entries(const struct iomem *iomem)
{
	require(!iomem->zeroed || !iomem->count);
	for (size_t i = 0; i < iomem->count; i++) {
		const struct iomem_entry *entry = &iomem->entry[i];

		require(range_is_valid(entry->range));
		require(entry->parent <= i);
		require(entry->parent == i || iomem->entry[entry->parent].depth < entry->depth);
		require(entry->depth || entry->parent == i);
		require(entry->name != NULL);
	}
	if (iomem->count) {
		require(iomem_name_at(iomem, iomem->entry[0].range.start) != NULL);
		require(iomem_name_at(iomem, iomem->entry[iomem->count - 1].range.end - 1) != NULL);
	}
}

static void check_ram(const struct iomem *iomem)
{
	struct range_set ram CLEANUP(range_set_done) = { 0 };
	struct range_set named CLEANUP(range_set_done) = { 0 };
	struct err err;

	require(!iomem_system_ram(iomem, RANGE_ALL, &ram, &err));
	require(!iomem_find(iomem, "System RAM", &named, &err));
	for (size_t i = 0; i < ram.count; i++) {
		require(range_set_contains(&named, ram.range[i]));
		require(!i || ram.range[i - 1].end < ram.range[i].start);
	}
}

static void check_crash_kernel(const struct iomem *iomem)
{
	struct range main_region, low;
	struct err err = { 0 };

	if (iomem_crash_kernel(iomem, &main_region, &low, &err)) {
		require(err.code == ERR_INPUT && err.text[0]);
		return;
	}
	require(!range_size(main_region) || range_is_valid(main_region));
	require(!range_size(low) || range_is_valid(low));
	require(low.start <= main_region.start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iomem iomem CLEANUP(iomem_done) = { 0 };
	struct err err = { 0 };

	if (iomem_parse((struct bytes){ data, size }, &iomem, &err)) {
		require(err.code == ERR_INPUT && !strncmp(err.text, "line ", 5));
		require(!iomem.entry && !iomem.count);
		return 0;
	}
	check_entries(&iomem);
	check_ram(&iomem);
	check_crash_kernel(&iomem);
	return 0;
}
