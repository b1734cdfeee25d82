/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Input: grub.cfg, grubenv, custom.cfg and an entry for blscfg, with a byte 1 between them. */
#include "kexec/core/bls.h"
#include "kexec/core/grubcfg.h"
#include "tests/fuzz/fuzz.h"

enum { CONFIG, GRUBENV, CUSTOM, BLS, NR_PARTS };

static void cut(struct bytes in, struct bytes ret[NR_PARTS])
{
	for (unsigned int i = 0; i < NR_PARTS; i++) {
		const uint8_t *end = in.size && i < BLS ? memchr(in.data, 1, in.size) : NULL;
		size_t size = end ? (size_t)(end - in.data) : in.size;

		ret[i] = (struct bytes){ in.data, size };
		size += end != NULL;
		in = (struct bytes){ in.data + size, in.size - size };
	}
}

static bool find(void *context, const char *name, struct bytes *ret)
{
	const struct bytes *part = context;
	unsigned int index = !strcmp(name, "grubenv")	    ? GRUBENV
			     : !strcmp(name, "custom.cfg")  ? CUSTOM
			     : !strcmp(name, "/custom.cfg") ? CUSTOM
							    : CONFIG;

	if (index == CONFIG || !part[index].size)
		return false;
	if (ret)
		*ret = part[index];
	return true;
}

static void check_entry(const struct boot_entry *entry)
{
	require(entry->id && entry->title && entry->options && entry->source && entry->place);
	require(entry->nr_initrds <= BOOT_INITRDS_MAX);
	for (size_t i = 0; i < entry->nr_initrds; i++)
		require(entry->initrd[i]);
	if (entry->why)
		require(is_sentence(entry->why->text));
	else
		require(entry->kernel && (entry->top || (*entry->kernel == '/' && entry->device)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct boot_entries bls CLEANUP(boot_entries_done) = { 0 };
	struct boot_entries menu CLEANUP(boot_entries_done) = { 0 };
	struct boot_entry entry = { 0 };
	struct bytes part[NR_PARTS];
	struct grubcfg_input input = {
		.path = "boot/grub/grub.cfg", .find = find, .context = part, .bls = &bls
	};
	bool is_ours, has_blscfg;
	struct err err;

	cut((struct bytes){ data, size }, part);
	input.text = part[CONFIG];
	if (!bls_parse(part[BLS], "boot", "entry.conf", &entry, &is_ours, &err) && is_ours)
		require(!boot_entries_add(&bls, &entry, &err));
	if (grubcfg_parse(&input, &menu, &has_blscfg, &err)) {
		require(is_sentence(err.text));
		return 0;
	}
	for (size_t i = 0; i < menu.count; i++)
		check_entry(&menu.entry[i]);
	if (menu.not_chosen.code)
		require(is_sentence(menu.not_chosen.text));
	else
		require(menu.chosen < menu.count);
	return 0;
}
