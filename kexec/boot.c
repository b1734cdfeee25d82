/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kexec/core/bls.h"
#include "kexec/core/grubcfg.h"
#include "kexec/core/num.h"
#include "kexec/core/uki.h"
#include "kexec/lib/json.h"
#include "kexec/lib/print.h"
#include "kexec/sys/fd.h"

/* Where the partitions of the Boot Loader Specification are mounted: XBOOTLDR at the first, the
 * EFI system partition at one of them. */
static const char *const tops[] = { "boot", "efi", "boot/efi" };
enum { NR_TOPS = sizeof(tops) / sizeof(tops[0]) };

/* systemd's vendor UUID of the variables that a boot loader leaves to the system:
 * https://systemd.io/BOOT_LOADER_INTERFACE */
#define EFIVARS "sys/firmware/efi/efivars"
#define LOADER	"-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

struct reading {
	const struct root *root;
	struct err unread;
	struct buf file[GRUBCFG_FILES_MAX]; /* that the parser of grub.cfg has asked for */
	size_t nr_files;
	bool is_systemd_boot;
	const char *grub;    /* the directory of grub.cfg, with a slash */
	size_t nr_left_out;  /* files without an entry that counts */
	struct err left_out; /* why the first of them has none */
};

static void reading_done(struct reading *reading)
{
	for (size_t i = 0; i < reading->nr_files; i++)
		buf_done(&reading->file[i]);
}

/* 0 for what is not there; what may not be read counts so, and is noted. */
static int pass_over(struct reading *reading, struct err *err)
{
	bool forbidden = err->sys_errno == EACCES || err->sys_errno == EPERM;

	if (err->code != ERR_SYSTEM || (!forbidden && err->sys_errno != ENOENT &&
					err->sys_errno != ENOTDIR && err->sys_errno != ELOOP))
		return -1;
	if (forbidden && !reading->unread.code)
		reading->unread = *err;
	return 0;
}

/* *ret_found false: there is none. */
static int read_config(struct reading *reading, const char *path, struct buf *ret, bool *ret_found,
		       struct err *err)
{
	*ret_found = !root_peek(reading->root, path, BOOT_CONFIG_MAX + 1, ret, err);
	if (!*ret_found)
		return pass_over(reading, err);
	if (ret->size > BOOT_CONFIG_MAX)
		return err_set(err, ERR_INPUT, "/%s: more than %d bytes", path, BOOT_CONFIG_MAX);
	return 0;
}

static int read_variable(struct reading *reading, const char *name, char **ret, struct err *err)
{
	struct buf data CLEANUP(buf_done) = { 0 };
	char path[200];
	bool found;

	snprintf(path, sizeof(path), EFIVARS "/%s" LOADER, name);
	if (read_config(reading, path, &data, &found, err))
		return -1;
	if (found && bls_efi_text(buf_bytes(&data), ret, err))
		return err_prefix(err, "/%s", path);
	return 0;
}

static void leave_out(struct reading *reading, const struct err *why)
{
	if (!reading->nr_left_out++)
		reading->left_out = *why;
}

/* --- the Boot Loader Specification --------------------------------------- */

/* The names in a directory that end so. */
static int list(struct reading *reading, const char *path, const char *suffix,
		struct root_names *ret, struct err *err)
{
	size_t kept = 0;

	if (root_list(reading->root, path, ret, err))
		return pass_over(reading, err);
	for (size_t i = 0; i < ret->count; i++) {
		size_t length = strlen(ret->name[i]), end = strlen(suffix);

		if (length > end && !strcasecmp(ret->name[i] + length - end, suffix))
			ret->name[kept++] = ret->name[i];
		else
			free(ret->name[i]);
	}
	ret->count = kept;
	return 0;
}

static bool stat_below(const struct root *root, const char *path, struct stat *ret)
{
	int fd CLEANUP(fd_close) = root_fd_below(root, path, O_PATH);

	return fd >= 0 && !fstat(fd, ret);
}

/* What may not be looked at is left to the reader, who says so. */
static bool is_file(const struct root *root, const char *path)
{
	struct stat status;

	return !stat_below(root, path, &status) || S_ISREG(status.st_mode);
}

/* systemd-boot keeps "auto-" for entries of its own. */
static bool is_kept_name(struct reading *reading, const char *path)
{
	struct err why;

	if (strncasecmp(strrchr(path, '/') + 1, "auto-", 5))
		return false;
	err_set(&why, ERR_INPUT, "/%s: a name that systemd-boot keeps for entries of its own",
		path);
	leave_out(reading, &why);
	return true;
}

/* A file that is no entry's is listed with the reason, and the others stay. */
static int refuse_entry(const char *top, const char *name, struct boot_entries *to, struct err *err)
{
	struct boot_entry entry = { 0 };
	struct err why = *err;

	if (why.code != ERR_INPUT || bls_refused(top, name, &why, &entry, err))
		return -1;
	return boot_entries_add(to, &entry, err);
}

static int read_entry(struct reading *reading, const char *top, const char *name,
		      struct boot_entries *to, struct err *err)
{
	struct boot_entry entry = { 0 };
	struct buf text CLEANUP(buf_done) = { 0 };
	char path[PATH_MAX];
	bool found, is_ours;

	snprintf(path, sizeof(path), "%s/loader/entries/%s", top, name);
	if (!is_file(reading->root, path) ||
	    (reading->is_systemd_boot && is_kept_name(reading, path)))
		return 0;
	if (read_config(reading, path, &text, &found, err))
		return refuse_entry(top, name, to, err);
	if (!found)
		return 0;
	if (bls_parse(buf_bytes(&text), top, name, &entry, &is_ours, err))
		return refuse_entry(top, name, to, err);
	if (is_ours)
		return boot_entries_add(to, &entry, err);
	leave_out(reading, err);
	return 0;
}

/* *ret_found false: there is none, or it has been cut. */
static int read_section(struct reading *reading, const char *path, struct bytes headers,
			unsigned int profile, enum uki_id id, struct buf *ret, bool *ret_found,
			struct err *err)
{
	enum { TEXT_MAX = 65536 };
	uint64_t offset;
	uint32_t size;

	*ret_found = false;
	if (!uki_find(headers, profile, id, &offset, &size))
		return 0;
	if (buf_extend(ret, num_min(size, TEXT_MAX), err))
		return -1;
	if (root_peek_at(reading->root, path, offset, ret->data, ret->size, err))
		return err->code == ERR_INPUT ? 0 : -1;
	*ret_found = true;
	return 0;
}

static int read_profile(struct reading *reading, const char *path, struct bytes headers,
			unsigned int profile, const char *top, struct boot_entries *to,
			struct err *err)
{
	struct buf os_release CLEANUP(buf_done) = { 0 }, about CLEANUP(buf_done) = { 0 };
	bool has_osrel, has_about;
	struct boot_entry entry = { 0 };
	struct bls_uki uki = { .profile = profile };
	uint64_t offset;
	uint32_t size;

	if (read_section(reading, path, headers, profile, UKI_OSREL, &os_release, &has_osrel,
			 err) ||
	    read_section(reading, path, headers, profile, UKI_PROFILE, &about, &has_about, err))
		return -1;
	if (!has_osrel || (!has_about && uki_find(headers, profile, UKI_PROFILE, &offset, &size)))
		return 0;
	uki.os_release = buf_bytes(&os_release);
	uki.about = buf_bytes(&about);
	if (bls_of_uki(&uki, top, strrchr(path, '/') + 1, &entry, err))
		return -1;
	if (*entry.title)
		return boot_entries_add(to, &entry, err);
	boot_entry_done(&entry);
	return 0;
}

/* Of a UKI no more is read than its headers, and os-release and .profile of each profile. As for systemd-boot,
 * what has no name there, or has been cut, is none. */
static int read_uki(struct reading *reading, const char *top, const char *name,
		    struct boot_entries *to, struct err *err)
{
	enum { HEADERS_MAX = 16384 };
	struct buf headers CLEANUP(buf_done) = { 0 };
	unsigned int profile = 0, count;
	size_t before = to->count;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/EFI/Linux/%s", top, name);
	if (!is_file(reading->root, path) || is_kept_name(reading, path))
		return 0;
	if (root_peek(reading->root, path, HEADERS_MAX, &headers, err))
		return pass_over(reading, err);
	count = uki_count_profiles(buf_bytes(&headers));
	do {
		if (read_profile(reading, path, buf_bytes(&headers), profile, top, to, err))
			return -1;
	} while (++profile < count);
	if (to->count == before) {
		err_set(err, ERR_INPUT,
			"/%s: no unified kernel image with a system's name in .osrel", path);
		leave_out(reading, err);
	}
	return 0;
}

static bool is_same_file(const struct root *root, const char *a, const char *b)
{
	struct stat x, y;

	return stat_below(root, a, &x) && stat_below(root, b, &y) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

static int read_top(struct reading *reading, const char *top, struct boot_entries *to,
		    struct err *err)
{
	struct root_names entries CLEANUP(root_names_done) = { 0 };
	struct root_names ukis CLEANUP(root_names_done) = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "%s/loader/entries", top);
	if (list(reading, path, ".conf", &entries, err))
		return -1;
	snprintf(path, sizeof(path), "%s/EFI/Linux", top);
	if (list(reading, path, ".efi", &ukis, err))
		return -1;
	for (size_t i = 0; i < entries.count; i++)
		if (read_entry(reading, top, entries.name[i], to, err))
			return -1;
	for (size_t i = 0; i < ukis.count; i++)
		if (read_uki(reading, top, ukis.name[i], to, err))
			return -1;
	return 0;
}

static int read_bls(struct reading *reading, struct boot_entries *to, struct err *err)
{
	for (size_t i = 0; i < NR_TOPS; i++) {
		bool again = false;

		for (size_t j = 0; j < i; j++)
			again |= is_same_file(reading->root, tops[i], tops[j]);
		if (!again && read_top(reading, tops[i], to, err))
			return -1;
	}
	return 0;
}

/* loader.conf is on the EFI system partition. */
static int read_loader_conf(struct reading *reading, char **ret_default, char **ret_preferred,
			    struct err *err)
{
	for (size_t i = NR_TOPS; i--;) {
		struct buf text CLEANUP(buf_done) = { 0 };
		char path[64];
		bool found;

		snprintf(path, sizeof(path), "%s/loader/loader.conf", tops[i]);
		if (read_config(reading, path, &text, &found, err))
			return -1;
		if (!found)
			continue;
		if (bls_loader_value(buf_bytes(&text), "default", ret_default, err) ||
		    (!*ret_preferred &&
		     bls_loader_value(buf_bytes(&text), "preferred", ret_preferred, err)))
			return -1;
		return 0;
	}
	return 0;
}

static int choose_bls(struct reading *reading, struct boot_entries *bls, struct err *err)
{
	char *once CLEANUP(text_done) = NULL, *variable CLEANUP(text_done) = NULL;
	char *last CLEANUP(text_done) = NULL, *file CLEANUP(text_done) = NULL;
	char *preferred CLEANUP(text_done) = NULL;

	if (read_variable(reading, "LoaderEntryOneShot", &once, err) ||
	    read_variable(reading, "LoaderEntryDefault", &variable, err) ||
	    read_variable(reading, "LoaderEntryLastBooted", &last, err) ||
	    (!last && read_variable(reading, "LoaderEntrySelected", &last, err)) ||
	    read_variable(reading, "LoaderEntryPreferred", &preferred, err) ||
	    read_loader_conf(reading, &file, &preferred, err))
		return -1;
	bls_choose(bls, &(struct bls_choice){ once, variable, file, preferred, last });
	return 0;
}

/* --- GRUB ---------------------------------------------------------------- */

/* Where grub-mkconfig writes: Debian's way, Fedora's and openSUSE's. */
static const char *const grubs[] = { "boot/grub/", "boot/grub2/" };

static bool find_file(void *context, const char *name, struct bytes *ret)
{
	struct reading *reading = context;
	const char *const places[] = { *name == '/' ? "" : reading->grub, "boot" };
	size_t count = *name == '/' ? 2 : 1;
	struct err err;
	char path[PATH_MAX];
	bool found;

	for (size_t i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s%s", places[i], name + (*name == '/' && !i));
		if (!ret && root_exists(reading->root, path))
			return true;
		if (!ret)
			continue;
		if (read_config(reading, path, &reading->file[reading->nr_files], &found, &err)) {
			reading->unread = err;
			buf_done(&reading->file[reading->nr_files]);
		} else if (found) {
			*ret = buf_bytes(&reading->file[reading->nr_files++]);
			return true;
		}
	}
	return false;
}

/* Takes those out that GRUB's blscfg finds: in files, on the partition of /boot. */
static int take_for_grub(struct boot_entries *bls, struct boot_entries *ret, struct err *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < bls->count; i++) {
		struct boot_entry entry = bls->entry[i];

		bls->entry[i] = (struct boot_entry){ 0 };
		if (entry.is_uki || strcmp(entry.top, "boot"))
			bls->entry[kept++] = entry;
		else if (boot_entries_add(ret, &entry, err))
			return -1;
	}
	bls->count = kept;
	bls_sort_for_grub(ret);
	return 0;
}

/* *ret_found false: there is no grub.cfg. Takes what blscfg finds out of bls. */
static int read_grub(struct reading *reading, struct boot_entries *bls, struct boot_entries *ret,
		     bool *ret_found, struct err *err)
{
	struct boot_entries files CLEANUP(boot_entries_done) = { 0 };
	struct grubcfg_input input = { .find = find_file, .context = reading, .bls = &files };
	struct buf text CLEANUP(buf_done) = { 0 };
	char path[2][32];
	bool found[2], has_bls;

	for (size_t i = 0; i < 2; i++) {
		struct buf *to = &text, second CLEANUP(buf_done) = { 0 };

		if (i && found[0])
			to = &second;
		snprintf(path[i], sizeof(path[i]), "%sgrub.cfg", grubs[i]);
		if (read_config(reading, path[i], to, &found[i], err))
			return -1;
	}
	*ret_found = found[0] || found[1];
	if (!*ret_found)
		return 0;
	reading->grub = grubs[!found[0]];
	input.path = path[!found[0]];
	input.text = buf_bytes(&text);
	input.is_efi = root_exists(reading->root, "sys/firmware/efi");
	if (take_for_grub(bls, &files, err) || grubcfg_parse(&input, ret, &has_bls, err))
		return -1;
	if (!ret->count)
		leave_out(reading, &ret->not_chosen);
	if (found[0] && found[1])
		err_set(&ret->not_chosen, ERR_INPUT,
			"there is a /%s and a /%s: which of them GRUB reads is not known", path[0],
			path[1]);
	return has_bls ? 0 : boot_entries_join(bls, &files, err);
}

static void leave_out_grub(struct reading *reading)
{
	for (size_t i = 0; i < sizeof(grubs) / sizeof(grubs[0]); i++) {
		struct err why;
		char path[32];

		snprintf(path, sizeof(path), "%sgrub.cfg", grubs[i]);
		err_set(&why, ERR_INPUT, "/%s: GRUB's, and systemd-boot has started this machine",
			path);
		if (root_exists(reading->root, path))
			leave_out(reading, &why);
	}
}

/* --- files --------------------------------------------------------------- */

/* A mount of the running system. */
struct mount {
	char *inside; /* which directory of the file system it shows: "/", "/@" of btrfs */
	char *source; /* "/dev/sda2" */
};

static void mount_done(struct mount *mount)
{
	free(mount->inside);
	free(mount->source);
}

static struct bytes next_field(struct bytes *line)
{
	struct bytes field;

	while (line->size && strchr(" \t", line->data[0]) && line->data[0]) {
		line->data++;
		line->size--;
	}
	field = (struct bytes){ line->data, 0 };
	while (field.size < line->size && field.data[field.size] != ' ' &&
	       field.data[field.size] != '\t')
		field.size++;
	line->data += field.size;
	line->size -= field.size;
	return field;
}

/* The line of a table of mounts whose field number `at` is that mount point; false: there is none. */
static bool find_point(struct bytes *rest, unsigned int at, const char *point,
		       struct bytes *ret_line)
{
	struct bytes line;

	while (bytes_next_line(rest, &line)) {
		*ret_line = line;
		for (unsigned int i = 0; i < at; i++)
			next_field(&line);
		if (bytes_are(next_field(&line), point))
			return true;
	}
	return false;
}

/* proc_pid_mountinfo(5): the last mount there is the one on top. Of a machine that does not run:
 * fstab(5). *ret is empty if there is none. */
static int find_mount(const struct root *root, const char *point, struct mount *ret,
		      struct err *err)
{
	struct buf text CLEANUP(buf_done) = { 0 };
	struct bytes rest, line;
	struct err ignored;

	if (root_peek(root, "proc/self/mountinfo", BOOT_CONFIG_MAX, &text, &ignored)) {
		if (root_peek(root, "etc/fstab", BOOT_CONFIG_MAX, &text, &ignored))
			return 0;
		rest = buf_bytes(&text);
		if (!find_point(&rest, 1, point, &line))
			return 0;
		return boot_text((struct bytes){ (const uint8_t *)"/", 1 }, &ret->inside, err);
	}
	rest = buf_bytes(&text);
	while (find_point(&rest, 4, point, &line)) {
		struct bytes inside, field;

		for (unsigned int i = 0; i < 3; i++)
			next_field(&line);
		inside = next_field(&line);
		do
			field = next_field(&line);
		while (field.size && !bytes_are(field, "-"));
		next_field(&line);
		if (boot_text(inside, &ret->inside, err) ||
		    boot_text(next_field(&line), &ret->source, err))
			return -1;
	}
	return 0;
}

/* Whether fstab(5) has that file system there. */
static bool fstab_has(const struct root *root, const char *point, const char *device)
{
	struct buf text CLEANUP(buf_done) = { 0 };
	bool is_uuid = !strncmp(device, "uuid:", 5);
	struct bytes rest, line;
	char spec[2][320];
	struct err ignored;

	device = strchr(device, ':') + 1;
	snprintf(spec[0], sizeof(spec[0]), "%s=%s", is_uuid ? "UUID" : "LABEL", device);
	snprintf(spec[1], sizeof(spec[1]), "/dev/disk/by-%s/%s", is_uuid ? "uuid" : "label",
		 device);
	if (root_peek(root, "etc/fstab", BOOT_CONFIG_MAX, &text, &ignored))
		return false;
	rest = buf_bytes(&text);
	while (find_point(&rest, 1, point, &line)) {
		struct bytes what = next_field(&line);

		for (size_t i = 0; i < 2; i++)
			if (what.size == strlen(spec[i]) &&
			    !strncasecmp((const char *)what.data, spec[i], what.size))
				return true;
	}
	return false;
}

/* Whether the file system "uuid:..." or "label:..." is mounted there. */
static bool is_mounted(const struct root *root, const char *point, const struct mount *mount,
		       const char *device)
{
	struct stat wanted, mounted;
	char path[320];

	if (!mount->inside)
		return false;
	snprintf(path, sizeof(path), "dev/disk/by-%.*s/%s", (int)strcspn(device, ":"), device,
		 strchr(device, ':') + 1);
	if (mount->source && *mount->source == '/' && stat_below(root, path, &wanted) &&
	    stat_below(root, mount->source + 1, &mounted) && S_ISBLK(wanted.st_mode) &&
	    S_ISBLK(mounted.st_mode) && wanted.st_rdev == mounted.st_rdev)
		return true;
	return fstab_has(root, point, device);
}

/* What a mount shows of a path in its file system; NULL: it does not show it. */
static const char *shown(const struct mount *mount, const char *path)
{
	size_t length = mount->inside && strcmp(mount->inside, "/") ? strlen(mount->inside) : 0;

	if (!length)
		return path;
	return !strncmp(path, mount->inside, length) && path[length] == '/' ? path + length : NULL;
}

/* Where a path of an entry may be, without a slash before it; at most as many as `tops`. */
struct candidates {
	char path[NR_TOPS + 1][PATH_MAX];
	const char *base[NR_TOPS + 1]; /* the directory that it was looked for below */
	size_t count;
};

/* Kept if there is such a file, and another than is kept already. wanted: the only base that
 * counts; NULL: all do. */
static void add_candidate(const struct root *root, const char *base, const char *wanted,
			  const char *path, struct candidates *to)
{
	char *text = to->path[to->count];

	if (wanted && strcmp(base, wanted))
		return;
	snprintf(text, sizeof(to->path[0]), "%s/%s", base, path + strspn(path, "/"));
	memmove(text, text + strspn(text, "/"), strlen(text) + 1 - strspn(text, "/"));
	if (!root_exists(root, text))
		return;
	for (size_t i = 0; i < to->count; i++)
		if (is_same_file(root, to->path[i], text))
			return;
	to->base[to->count++] = base;
}

/* On a file system that is named, below where that is mounted. */
static int find_on_device(const struct root *root, const char *device, const char *wanted,
			  const char *path, struct candidates *to, struct err *err)
{
	static const char *const points[] = { "/", "/boot", "/boot/efi", "/efi" };
	struct mount boot CLEANUP(mount_done) = { 0 };
	bool mounted = false;

	if (find_mount(root, "/boot", &boot, err))
		return -1;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct mount mount CLEANUP(mount_done) = { 0 };
		const char *rest;

		if (find_mount(root, points[i], &mount, err))
			return -1;
		if (!is_mounted(root, points[i], &mount, device))
			continue;
		mounted = true;
		/* A path as it is, too: btrfs has a default subvolume. */
		rest = shown(&mount, path) ?: path;
		/* What another mount hides is not what is found there. */
		if (!i && boot.inside && !strncmp(rest, "/boot/", 6))
			continue;
		add_candidate(root, points[i] + 1, wanted, rest, to);
	}
	if (!mounted)
		return err_set(err, ERR_INPUT,
			       "%s is on the file system %s, which is mounted neither at / nor at "
			       "/boot",
			       path, device);
	return 0;
}

/* *base NULL: any, and becomes the one that has the file; else the only one that counts. */
static int find_path(const struct root *root, const struct boot_entry *entry, const char **base,
		     char **path, struct err *err)
{
	const char *top = entry->top ?: "boot";
	struct mount boot CLEANUP(mount_done) = { 0 };
	struct candidates found = { .count = 0 };

	if (entry->device && *entry->device) {
		if (find_on_device(root, entry->device, *base, *path, &found, err))
			return -1;
	} else {
		if (find_mount(root, "/boot", &boot, err))
			return -1;
		/* Relative to a partition; where /boot is none of its own, to the root's. */
		add_candidate(root, top, *base, *path, &found);
		if (!strcmp(top, "boot") && !boot.inside)
			add_candidate(root, "", *base, *path, &found);
	}
	if (!found.count)
		return err_set(err, ERR_INPUT, "%s is not there", *path);
	if (found.count > 1)
		return err_set(err, ERR_INPUT, "%s may be /%s or /%s", *path, found.path[0],
			       found.path[1]);
	*base = found.base[0];
	free(*path);
	*path = NULL;
	return asprintf(path, "/%s", found.path[0]) < 0 ? (*path = NULL, err_no_memory(err)) : 0;
}

static int find_paths(const struct root *root, struct boot_entry *entry, struct err *err)
{
	const char *base = NULL;

	if (find_path(root, entry, &base, &entry->kernel, err))
		return err_prefix(err, "kernel");
	/* A kernel and its initrds come from one file system. */
	for (size_t i = 0; i < entry->nr_initrds; i++)
		if (find_path(root, entry, &base, &entry->initrd[i], err))
			return err_prefix(err, "initrd");
	return 0;
}

/* --- all of it ----------------------------------------------------------- */

enum loader { LOADER_UNKNOWN, LOADER_GRUB, LOADER_SYSTEMD_BOOT, LOADER_OTHER };

/* By what the boot loader has left. systemd-boot always says its name, and starts EFI machines
 * alone. *ret_name: of one whose entries are not known. */
static int find_loader(struct reading *reading, enum loader *ret, char **ret_name, struct err *err)
{
	struct root_names names CLEANUP(root_names_done) = { 0 };
	char *info CLEANUP(text_done) = NULL;

	if (read_variable(reading, "LoaderInfo", &info, err) ||
	    list(reading, EFIVARS, "", &names, err))
		return -1;
	if (info && !strncmp(info, "systemd-boot", 12))
		*ret = LOADER_SYSTEMD_BOOT;
	else if (info && strncmp(info, "GRUB", 4))
		*ret = LOADER_OTHER;
	else if (names.count || !root_exists(reading->root, "sys/firmware/efi"))
		*ret = LOADER_GRUB;
	else
		*ret = LOADER_UNKNOWN;
	*ret_name = info;
	info = NULL;
	return 0;
}

/* Whether a partition with an EFI boot loader is mounted; FAT knows no case. */
static bool has_esp(const struct root *root)
{
	static const char *const directories[] = { "EFI/systemd", "EFI/BOOT", "EFI/Boot",
						   "EFI/boot",	  "efi/boot", "efi/systemd" };
	char path[64];

	for (size_t i = 0; i < NR_TOPS; i++) {
		for (size_t j = 0; j < sizeof(directories) / sizeof(directories[0]); j++) {
			snprintf(path, sizeof(path), "%s/%s", tops[i], directories[j]);
			if (root_exists(root, path))
				return true;
		}
	}
	return false;
}

/* Only GRUB has variables, and what they have stands in the grub.cfg that it has run. */
static int refuse_variables(struct boot_entries *bls, struct err *err)
{
	for (size_t i = 0; i < bls->count; i++) {
		struct boot_entry *entry = &bls->entry[i];
		bool found = (entry->kernel && strchr(entry->kernel, '$')) ||
			     strchr(entry->options, '$');
		struct err why;

		for (size_t j = 0; j < entry->nr_initrds; j++)
			found |= !!strchr(entry->initrd[j], '$');
		if (!found)
			continue;
		err_set(&why, ERR_INPUT,
			"/%s: a \"$\" stands for a variable of GRUB's, and no grub.cfg that was read "
			"expands it",
			entry->source);
		if (boot_entry_refuse(entry, &why, err))
			return -1;
	}
	return 0;
}

static int resolve(const struct root *root, struct boot_entry *entry, struct err *err)
{
	struct err why;

	if (entry->why || !find_paths(root, entry, &why))
		return 0;
	if (entry->line)
		err_prefix(&why, "/%s:%u", entry->source, entry->line);
	else
		err_prefix(&why, "/%s", entry->source);
	return boot_entry_refuse(entry, &why, err);
}

static void explain_none(const struct reading *reading, struct err *ret)
{
	if (reading->nr_left_out) {
		*ret = reading->left_out;
		err_prefix(ret, "no boot entries, though there are files for them (%zu); the first",
			   reading->nr_left_out);
		return;
	}
	err_set(ret, ERR_INPUT,
		"no boot entries: neither .conf in loader/entries nor .efi in EFI/Linux below "
		"/boot, /efi or /boot/efi, nor /boot/grub/grub.cfg or /boot/grub2/grub.cfg");
}

int boot_read(const struct root *root, struct boot_entries *ret, struct err *ret_unread,
	      struct err *err)
{
	struct reading reading CLEANUP(reading_done) = { .root = root };
	struct boot_entries bls CLEANUP(boot_entries_done) = { 0 };
	struct boot_entries grub CLEANUP(boot_entries_done) = { 0 };
	struct boot_entries *first = &bls, *second = &grub;
	char *name CLEANUP(text_done) = NULL;
	enum loader loader;
	bool has_grub = false;

	if (find_loader(&reading, &loader, &name, err))
		return -1;
	reading.is_systemd_boot = loader == LOADER_SYSTEMD_BOOT;
	if (read_bls(&reading, &bls, err))
		return -1;
	if (loader == LOADER_SYSTEMD_BOOT)
		leave_out_grub(&reading);
	else if (read_grub(&reading, &bls, &grub, &has_grub, err))
		return -1;
	bls_sort(&bls);
	if (choose_bls(&reading, &bls, err) ||
	    (loader != LOADER_SYSTEMD_BOOT && refuse_variables(&bls, err)))
		return -1;
	if (has_grub) {
		first = &grub;
		second = &bls;
	}
	if (loader != LOADER_SYSTEMD_BOOT && !has_grub && bls.count)
		err_set(&bls.not_chosen, ERR_INPUT,
			"the boot loader of this machine is not known: there is no grub.cfg, and "
			"systemd-boot has left no LoaderInfo in /sys/firmware/efi/efivars");
	if (loader == LOADER_SYSTEMD_BOOT && !has_esp(root))
		err_set(&bls.not_chosen, ERR_INPUT,
			"the EFI system partition that systemd-boot starts from is mounted at none of "
			"/boot, /efi and /boot/efi");
	if (loader == LOADER_OTHER)
		err_set(&first->not_chosen, ERR_INPUT,
			"the boot loader of this machine is \"%.60s\", whose default is not known",
			name);
	if (loader == LOADER_UNKNOWN && first->count && second->count)
		err_set(&first->not_chosen, ERR_INPUT,
			"there are entries of GRUB and of the Boot Loader Specification, and "
			"without /sys/firmware/efi/efivars nothing tells which of them boot this "
			"machine");
	if (boot_entries_join(first, second, err))
		return -1;
	for (size_t i = 0; i < first->count; i++)
		if (resolve(root, &first->entry[i], err))
			return -1;
	if (!first->count)
		explain_none(&reading, &first->not_chosen);
	*ret_unread = reading.unread;
	*ret = *first;
	*first = (struct boot_entries){ 0 };
	return 0;
}

/* --- for people, and for programs ---------------------------------------- */

static void print_text(FILE *to, const char *before, const char *text)
{
	print_harmless(to, before, text);
	fputc('\n', to);
}

static void print_entry(const struct boot_entry *entry, bool is_default, FILE *to)
{
	print_text(to, is_default ? "* " : "  ", entry->id);
	if (strcmp(entry->title, entry->id) && *entry->title)
		print_text(to, "    title    ", entry->title);
	print_harmless(to, "    from     /", entry->source);
	if (entry->line)
		fprintf(to, ":%u", entry->line);
	if (entry->place)
		fprintf(to, ", %s of the menu", entry->place);
	fputc('\n', to);
	if (entry->kernel)
		print_text(to, entry->is_uki ? "    image    " : "    kernel   ", entry->kernel);
	if (entry->uki_profile)
		fprintf(to, "    profile  %u\n", entry->uki_profile);
	for (size_t i = 0; i < entry->nr_initrds; i++)
		print_text(to, "    initrd   ", entry->initrd[i]);
	if (*entry->options)
		print_text(to, "    options  ", entry->options);
	if (entry->why)
		print_text(to, "    cannot be loaded: ", entry->why->text);
}

static void add_text(struct json_object *object, const char *name, const char *text)
{
	if (text)
		json_object_object_add(object, name, json_text(text));
}

static struct json_object *json_source(const struct boot_entry *entry)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/%s", entry->source);
	return json_text(path);
}

static struct json_object *json_entry(const struct boot_entry *entry, bool is_default)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "id", entry->id);
	add_text(object, "title", entry->title);
	json_object_object_add(object, "default", json_object_new_boolean(is_default));
	json_object_object_add(object, "source", json_source(entry));
	if (entry->line)
		json_object_object_add(object, "line", json_object_new_int64(entry->line));
	add_text(object, "place", entry->place);
	add_text(object, entry->is_uki ? "image" : "kernel", entry->kernel);
	if (entry->uki_profile)
		json_object_object_add(object, "profile",
				       json_object_new_int64(entry->uki_profile));
	json_object_object_add(object, "initrds", json_strings(entry->initrd, entry->nr_initrds));
	add_text(object, "options", entry->options);
	if (entry->why)
		add_text(object, "problem", entry->why->text);
	return object;
}

static int print_json(const struct boot_entries *entries, FILE *to, struct err *err)
{
	struct json_object *object = json_object_new_object(), *array = json_object_new_array();

	json_object_object_add(object, "schema", json_object_new_int(1));
	for (size_t i = 0; i < entries->count; i++)
		json_object_array_add(array,
				      json_entry(&entries->entry[i], !entries->not_chosen.code &&
									     i == entries->chosen));
	json_object_object_add(object, "entries", array);
	if (entries->not_chosen.code)
		add_text(object, "no_default", entries->not_chosen.text);
	return json_print(object, to, err);
}

int boot_list(const struct root *root, bool json, FILE *to, struct warnings *warnings,
	      struct err *err)
{
	struct boot_entries entries CLEANUP(boot_entries_done) = { 0 };
	struct err unread = { 0 };

	if (boot_read(root, &entries, &unread, err))
		return -1;
	if (!entries.count) {
		*err = unread.code ? unread : entries.not_chosen;
		return -1;
	}
	if (unread.code)
		warn_add(warnings, "%s: entries may be missing", unread.text);
	if (entries.not_chosen.code)
		warn_add(warnings, "no entry is the default: %s", entries.not_chosen.text);
	if (json)
		return print_json(&entries, to, err);
	for (size_t i = 0; i < entries.count; i++)
		print_entry(&entries.entry[i], !entries.not_chosen.code && i == entries.chosen, to);
	return 0;
}

void boot_say(const struct boot_entry *entry, FILE *to)
{
	print_harmless(to, "kexec: boot entry /", entry->source);
	print_text(to, ": ", entry->id);
}

void boot_files_done(struct boot_files *files)
{
	fd_close(&files->kernel);
	for (size_t i = 0; i < files->nr_initrds; i++)
		fd_close(&files->initrd[i]);
}

/* Of another root the path, whose links are followed there, becomes that which this process can open. */
static int open_path(const struct root *root, char **path, int *ret_fd, struct err *err)
{
	char link[40], real[PATH_MAX];
	ssize_t length;

	*ret_fd = root_fd_below(root, *path + 1, 0);
	if (*ret_fd < 0)
		return err_set_errno(err, errno, "%s", *path);
	if (root->is_live)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", *ret_fd);
	length = readlink(link, real, sizeof(real));
	if (length < 0)
		return err_set_errno(err, errno, "%s", *path);
	return boot_text((struct bytes){ (uint8_t *)real, (size_t)length }, path, err);
}

static int open_entry(const struct root *root, struct boot_entry *entry, struct boot_files *ret,
		      struct err *err)
{
	struct boot_files files CLEANUP(boot_files_done) = BOOT_FILES_NONE;

	if (open_path(root, &entry->kernel, &files.kernel, err))
		return -1;
	while (files.nr_initrds < entry->nr_initrds) {
		size_t i = files.nr_initrds++;

		if (open_path(root, &entry->initrd[i], &files.initrd[i], err))
			return -1;
	}
	*ret = files;
	files = BOOT_FILES_NONE;
	return 0;
}

int boot_choose(const struct root *root, const char *name, struct boot_entry *ret,
		struct boot_files *ret_files, struct err *err)
{
	struct boot_entries entries CLEANUP(boot_entries_done) = { 0 };
	struct err unread = { 0 };
	struct boot_entry *entry;
	size_t index;

	if (boot_read(root, &entries, &unread, err))
		return -1;
	/* What is missing may have been the default, or of that name, too. */
	if (unread.code) {
		*err = unread;
		return -1;
	}
	if (entries.not_chosen.code && (!name || !entries.count)) {
		*err = entries.not_chosen;
		return -1;
	}
	index = entries.chosen;
	if (name && boot_entries_find(&entries, name, &index, err))
		return -1;
	entry = &entries.entry[index];
	if (entry->why) {
		*err = *entry->why;
		return -1;
	}
	if (open_entry(root, entry, ret_files, err))
		return -1;
	*ret = *entry;
	*entry = (struct boot_entry){ 0 };
	return 0;
}
