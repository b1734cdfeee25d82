/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: a unified kernel image. Each of its profiles is taken, with all that is made of it. */
#include <stdlib.h>
#include <string.h>

#include "kexec/core/initrd.h"
#include "kexec/core/uki.h"
#include "tests/fuzz/fuzz.h"

enum { PROFILES_TRIED = 4 };

static bool lies_within(struct bytes part, struct bytes whole)
{
	size_t offset = (size_t)(part.data - whole.data);

	return !part.size || (part.data >= whole.data && offset <= whole.size &&
			      part.size <= whole.size - offset);
}

static void check_cmdline(const struct uki *uki)
{
	struct warnings warnings = { 0 };
	struct err err = { 0 };
	char *text = NULL;

	require(!uki_cmdline(uki, &warnings, &text, &err));
	require(warnings.count <= 1);
	if (text)
		require(strlen(text) <= uki->section[UKI_CMDLINE].data.size);
	for (const char *at = text; at && *at; at++)
		require((unsigned char)*at >= ' ' && *at != 0x7f);
	free(text);
	warnings_done(&warnings);
}

/* As much as there is, and a multiple of 4; the archive at its end has what every reader finds. */
static void check_initrd(const struct uki *uki, struct bytes in_place)
{
	const struct uki_section *first = &uki->section[UKI_UCODE];
	struct buf initrd CLEANUP(buf_done) = { 0 };
	uint64_t least = 0;
	struct err err = { 0 };
	bool extra = false;

	require(!uki_initrd(uki, in_place, &initrd, &err));
	require(initrd.size % 4 == 0);
	for (enum uki_id id = UKI_UCODE; id < UKI_IDS; id++) {
		const struct uki_section *section = &uki->section[id];
		uint64_t size = section->data.size + section->zeros;

		if (id == UKI_INITRD && in_place.size)
			size = in_place.size;
		least += size;
		extra |= size && uki_extra(id);
	}
	require(initrd.size >= least && (least || !initrd.size));
	require(!first->data.size || !memcmp(initrd.data, first->data.data, first->data.size));
	if (extra)
		require(memmem(initrd.data, initrd.size, ".extra", 7) &&
			!memcmp(initrd.data + initrd.size - 14, "TRAILER!!!\0\0\0", 13));
}

/* What the headers alone say is what was read. */
static void check_find(struct bytes file, const struct uki *uki)
{
	require(uki_count_profiles(file) == uki->nr_profiles);
	for (enum uki_id id = 0; id < UKI_IDS; id++) {
		struct bytes data = uki->section[id].data;
		uint64_t offset = 0;
		uint32_t size = 0;
		bool found = uki_find(file, uki->profile, id, &offset, &size);

		require(size == data.size && (found || !data.size));
		require(!size || file.data + offset == data.data);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes file = { data, size };
	unsigned int nr_profiles = 0;
	bool is_one = uki_is(file);

	for (unsigned int profile = 0; profile < PROFILES_TRIED; profile++) {
		struct uki uki = { .profile = 77 };
		struct err err = { 0 };

		if (uki_parse(file, profile, &uki, &err)) {
			require((err.code == ERR_INPUT || err.code == ERR_DAMAGED) &&
				is_sentence(err.text) && uki.profile == 77);
			continue;
		}
		require(is_one && uki.profile == profile);
		require(profile < uki.nr_profiles || !profile);
		require(!nr_profiles || uki.nr_profiles == nr_profiles);
		nr_profiles = uki.nr_profiles;
		require(uki.section[UKI_LINUX].data.size && !uki.section[UKI_LINUX].zeros);
		for (enum uki_id id = 0; id < UKI_IDS; id++)
			require(lies_within(uki.section[id].data, file) &&
				uki.section[id].zeros <= UKI_PADDING_MAX);
		check_find(file, &uki);
		check_cmdline(&uki);
		check_initrd(&uki, (struct bytes){ 0 });
		check_initrd(&uki, (struct bytes){ data, 5 });
	}
	return 0;
}
