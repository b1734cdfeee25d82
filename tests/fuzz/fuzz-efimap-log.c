/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: a kernel log. Its EFI memory map is then audited for a kernel at the usual places. */
#include "kexec/core/efimap_log.h"
#include "kexec/x86/efistub.h"
#include "tests/fuzz/fuzz.h"

static const struct efistub_start starts[] = {
	{ .footprint = { true, 0x200000, 0x1000000, 0x377d000, 0xb74000 },
	  .has_load = true,
	  .load = 0x3c881000 },
	{ .footprint = { true, 0x200000, 0x1000000, 0x377d000, 0x377d000 } },
	{ .footprint = { true, 0x1000, 0x1000, 0x1000, 0x1000 },
	  .has_load = true,
	  .load = 0x1000,
	  .setup_size = 0x5000 },
	{ .footprint = { true, 0x200000, 0x1000000, 0x377d000, 0xb74000 },
	  .decompressed_size = 0x2c00000,
	  .has_load = true,
	  .load = 0x1000000,
	  .handover = true },
	{ .footprint = { true, 0x200000, 0x1000000, 0x377d000, 0xb74000 }, .partial = true },
};

static const struct efistub_start beyond = {
	.footprint = { true, 0x200000, 0x1000000, 0x377d000, 0xb74000 },
	.has_load = true,
	.load = PHYS_LIMIT - 0xb73000,
};

static void check_map(const struct efi_map *map)
{
	require(map->count);
	for (size_t i = 0; i < map->count; i++) {
		require(map->desc[i].phys % PAGE_SIZE_4K == 0);
		require(map->desc[i].pages <= UINT64_MAX / PAGE_SIZE_4K);
		require(!i || map->desc[i - 1].number < map->desc[i].number);
	}
}

static void check_outcome(const struct efi_map *map, const struct efistub_outcome *outcome,
			  const struct footprint_of *of, bool has_floor)
{
	for (size_t i = 0; i < outcome->nr_candidates; i++) {
		require(outcome->candidate[i].desc < map->count);
		require(outcome->candidate[i].address % of->alignment == 0);
		require(outcome->candidate[i].slots);
		require(!has_floor || outcome->candidate[i].address >= of->pref_address);
	}
	for (size_t i = 0; i < outcome->nr_conflicts; i++) {
		const struct efi_desc *desc = &map->desc[outcome->conflict[i]];

		require(outcome->conflict[i] < map->count && desc->pages);
		require(desc->type != EFI_CONVENTIONAL);
	}
	require((outcome->verdict == EFISTUB_HAZARD) ==
		(outcome->nr_conflicts || outcome->undescribed.end));
	if (outcome->verdict == EFISTUB_NO_PLACE || outcome->verdict == EFISTUB_UNKNOWN)
		return;
	require(range_is_valid(outcome->output));
	/* What the fix fixed: who moves above the floor is safe. */
	if (outcome->moves && has_floor)
		require(outcome->verdict == EFISTUB_SAFE &&
			outcome->output.start == outcome->image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct efi_map map CLEANUP(efi_map_done) = { 0 };
	struct efistub_audit untouched = { 0 };
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct err err = { 0 };

	if (efi_map_from_log((struct bytes){ data, size }, &map, &warnings, &err)) {
		require(err.code == ERR_INPUT && !map.count && !map.desc);
		return 0;
	}
	check_map(&map);
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct efistub_audit audit CLEANUP(efistub_audit_done) = { 0 };

		require(!efistub_audit(&map, &starts[i], &audit, &err));
		for (int era = 0; era < EFISTUB_ERAS; era++) {
			require((audit.era[era].verdict == EFISTUB_UNKNOWN) == starts[i].partial);
			check_outcome(&map, &audit.era[era], &starts[i].footprint,
				      era != EFISTUB_NO_FLOOR);
		}
	}
	require(efistub_audit(&map, &beyond, &untouched, &err) && err.code == ERR_INPUT);
	require(!untouched.own_copy);
	return 0;
}
