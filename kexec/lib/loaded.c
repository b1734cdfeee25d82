/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/lib/loaded.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kexec/core/cmdline.h"
#include "kexec/core/sha256.h"
#include "kexec/lib/print.h"
#include "kexec/sys/fd.h"
#include "kexec/sys/gather.h"
#include "kexec/sys/run.h"
#include "purgatory-abi.h"
#include "purgatory/sha256.h"

enum { RANGES_NAMED = 4 };

static const char *file_name(bool crash)
{
	return crash ? "panic.json" : "load.json";
}

static void hex(const uint8_t digest[32], char ret[RECORD_DIGEST_MAX])
{
	for (size_t i = 0; i < 32; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

/* --- remembering -------------------------------------------------------------- */

/* NULL where the working directory is gone. */
static int absolute(const char *path, char **ret, struct err *err)
{
	char *directory CLEANUP(text_done) = *path == '/' ? NULL : getcwd(NULL, 0);
	int length;

	*ret = NULL;
	if (*path != '/' && !directory)
		return 0;
	length = directory ? asprintf(ret, "%s/%s", directory, path) : asprintf(ret, "%s", path);
	if (length >= 0)
		return 0;
	*ret = NULL;
	return err_no_memory(err);
}

static int remember_file(const struct input *file, struct record_file *ret, struct err *err)
{
	*ret = (struct record_file){
		.size = (uint64_t)file->status.st_size,
		.mtime_s = file->status.st_mtim.tv_sec,
		.mtime_ns = file->status.st_mtim.tv_nsec,
	};
	return file->is_named ? absolute(file->path, &ret->path, err) : 0;
}

static int remember_files(const struct loaded *loaded, struct record *record, struct err *err)
{
	if (remember_file(&loaded->kernel->inputs.file[0], &record->kernel, err))
		return -1;
	for (size_t i = 0; i < loaded->initrd->count; i++) {
		struct record_file file;

		if (remember_file(&loaded->initrd->file[i], &file, err))
			return -1;
		if (record_add_initrd(record, &file, err)) {
			free(file.path);
			return -1;
		}
	}
	return 0;
}

/* What is loaded of a kernel: of what is no bzImage, all. */
static struct bytes kernel_part(struct bytes image)
{
	struct bzimage parsed;
	struct err ignored;

	return bzimage_parse(image, &parsed, &ignored) ? image : parsed.protected;
}

/* False if the file does not have so much. */
static bool read_exactly(int fd, uint64_t offset, uint8_t *ret, size_t size)
{
	return fd_read_at(fd, offset, ret, size) == (ssize_t)size;
}

static bool digest_kernel(const struct input *file, uint8_t ret[32])
{
	struct buf image CLEANUP(buf_done) = { 0 };
	size_t size = (size_t)file->status.st_size;
	struct err ignored;

	return !buf_extend(&image, size, &ignored) && read_exactly(file->fd, 0, image.data, size) &&
	       !load_digest_bytes(sha256_hashes(), kernel_part(buf_bytes(&image)), ret, &ignored);
}

/* As load_digest_bytes(), piece by piece: an initrd can be large. */
static bool digest_initrd(const struct input *file, uint8_t ret[32])
{
	struct buf digests CLEANUP(buf_done) = { 0 }, piece CLEANUP(buf_done) = { 0 };
	uint64_t size = (uint64_t)file->status.st_size;
	uint8_t digest[PURGATORY_DIGEST_SIZE];
	uint32_t hashes = sha256_hashes();
	struct err ignored;

	if (buf_extend(&piece, PURGATORY_CHUNK_SIZE, &ignored))
		return false;
	for (uint64_t at = 0; at < size; at += PURGATORY_CHUNK_SIZE) {
		size_t want = size - at < PURGATORY_CHUNK_SIZE ? (size_t)(size - at)
							       : PURGATORY_CHUNK_SIZE;

		if (!read_exactly(file->fd, at, piece.data, want))
			return false;
		purgatory_sha256(hashes, piece.data, want, digest);
		if (buf_append(&digests, digest, sizeof(digest), &ignored))
			return false;
	}
	sha256(digests.data, digests.size, ret);
	return true;
}

struct loaded_digests loaded_digest(const struct input *kernel, const struct input *initrd)
{
	struct loaded_digests digests = { 0 };
	struct err ignored;

	digests.has_kernel = digest_kernel(kernel, digests.kernel);
	digests.has_initrd = initrd && digest_initrd(initrd, digests.initrd);
	if (input_check_unchanged(kernel, &ignored) ||
	    (initrd && input_check_unchanged(initrd, &ignored)))
		digests.has_kernel = digests.has_initrd = false;
	return digests;
}

static void digest_cmdline(const char *cmdline, char ret[RECORD_DIGEST_MAX])
{
	uint8_t digest[32];

	sha256(cmdline, strlen(cmdline), digest);
	hex(digest, ret);
}

static void remember_digests(const struct loaded *loaded, struct record *record)
{
	if (loaded->digests.has_kernel)
		hex(loaded->digests.kernel, record->kernel_digest);
	if (loaded->digests.has_initrd)
		hex(loaded->digests.initrd, record->initrd_digest);
	record->cmdline_size = strlen(loaded->cmdline);
	digest_cmdline(loaded->cmdline, record->cmdline_digest);
}

static int remember_plan(const struct plan *plan, struct record *record, struct err *err)
{
	unsigned int order[PLAN_ITEMS_MAX];

	plan_sorted(plan, order);
	for (unsigned int i = 0; i < plan->nr_items; i++) {
		struct record_segment segment = { .load = plan->item[order[i]].load };

		/* What is random of an address is in no record: only what it is from. */
		if (order[i] == plan->kernel && plan->drawn_from.end)
			segment.load = plan->drawn_from;
		snprintf(segment.name, sizeof(segment.name), "%s", plan->item[order[i]].name);
		if (array_grow(&record->segment, &record->segments_room, record->nr_segments,
			       sizeof(segment), err))
			return -1;
		record->segment[record->nr_segments++] = segment;
	}
	record->footprint = plan->drawn_from.end ? plan->drawn_from : plan->footprint;
	return 0;
}

static int boot_id(const struct root *root, char **ret, struct err *err)
{
	return root_peek_text(root, "proc/sys/kernel/random/boot_id", ret, err);
}

static int remember(const struct loaded *loaded, struct record *record, struct err *err)
{
	struct buf text CLEANUP(buf_done) = { 0 };
	struct err unknown;
	char stamp[32];
	struct tm utc;
	time_t now = time(NULL);

	record->crash = loaded->crash;
	record->hotplug = loaded->hotplug;
	record->flags = loaded->flags;
	record->is_uki = loaded->kernel->is_uki;
	record->uki_profile = loaded->kernel->uki.profile;
	record->cmdline_is_own = loaded->cmdline_is_own;
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	record->time = strdup(stamp);
	record->method = strdup(loaded->method);
	if (!record->time || !record->method)
		return err_no_memory(err);
	if (boot_id(loaded->root, &record->boot_id, err) || remember_files(loaded, record, err) ||
	    (loaded->plan && remember_plan(loaded->plan, record, err)))
		return -1;
	remember_digests(loaded, record);
	/* The running kernel's own loader needs no map of ours. */
	if (record_set_map(record, loaded->system, &unknown))
		record->has_map = false;
	if (record_write(record, &text, err))
		return -1;
	return run_write(loaded->root, file_name(loaded->crash), buf_bytes(&text), err);
}

int loaded_remember(const struct loaded *loaded, struct err *err)
{
	struct record record CLEANUP(record_done) = { 0 };
	struct err ignored;

	/* An initramfs may have nowhere to keep it. */
	if (!root_exists(loaded->root, "run") || !remember(loaded, &record, err))
		return 0;
	loaded_forget(loaded->root, loaded->crash, &ignored);
	return -1;
}

int loaded_forget(const struct root *root, bool crash, struct err *err)
{
	return run_remove(root, file_name(crash), err);
}

int loaded_recall(const struct root *root, bool crash, struct record *ret, bool *ret_found,
		  struct err *err)
{
	struct record record CLEANUP(record_done) = { 0 };
	struct buf text CLEANUP(buf_done) = { 0 };
	char *now CLEANUP(text_done) = NULL;

	*ret_found = false;
	if (run_read(root, file_name(crash), &text, err))
		return err->code == ERR_SYSTEM &&
				       (err->sys_errno == ENOENT || err->sys_errno == EACCES)
			       ? 0
			       : -1;
	if (record_parse(buf_bytes(&text), &record, err))
		return err_prefix(err, "/" RUN_DIRECTORY "/%s", file_name(crash));
	if (boot_id(root, &now, err))
		return -1;
	if (strcmp(now, record.boot_id) || record.crash != crash)
		return 0;
	*ret_found = true;
	*ret = record;
	record = (struct record){ 0 };
	return 0;
}

/* --- the map, just before a start ---------------------------------------------- */

const char *loaded_ranges(const struct range_set *set, char ret[LOADED_RANGES_MAX])
{
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < set->count && i < RANGES_NAMED; i++)
		used += (size_t)snprintf(ret + used, LOADED_RANGES_MAX - used,
					 "%s" PHYS_FMT "-" PHYS_FMT, i ? ", " : "",
					 PHYS(set->range[i].start), PHYS(set->range[i].end));
	if (set->count > RANGES_NAMED)
		snprintf(ret + used, LOADED_RANGES_MAX - used, " and %zu more",
			 set->count - RANGES_NAMED);
	return ret;
}

int loaded_check_map(const struct root *root, struct warnings *warnings, struct err *err)
{
	struct record_change change CLEANUP(record_change_done) = { 0 };
	struct record record CLEANUP(record_done) = { 0 };
	struct system system CLEANUP(system_done) = { 0 };
	char ranges[LOADED_RANGES_MAX];
	const char *where;
	struct err why;
	bool found;

	if (loaded_recall(root, /* crash= */ false, &record, &found, &why) ||
	    (found && record.has_map && gather_map(root, &system, &why)) ||
	    (found && record.has_map && record_compare_map(&record, &system, &change, &why))) {
		warn_add(warnings,
			 "whether the memory map is still that of the load is not known: %s",
			 why.text);
		return 0;
	}
	if (!found || !record.has_map || system.iomem.zeroed)
		return 0;
	if (change.came.count)
		warn_add(warnings,
			 "memory has come since the kernel was loaded, %s: the new kernel will not "
			 "have it; load it again to hand it on",
			 loaded_ranges(&change.came, ranges));
	if (!change.gone.count)
		return 0;
	where = record_what_lies_in(&record, &change.gone);
	return err_set(err, ERR_INPUT,
		       "memory has gone since the kernel was loaded, %s, and %s%s: nothing was "
		       "started, the network is as it was; load it again (--no-checks starts it "
		       "all the same)",
		       loaded_ranges(&change.gone, ranges),
		       where ? "it would be written to: " : "the new kernel would take it for RAM",
		       where ?: "");
}

/* --- the files ------------------------------------------------------------------ */

/* By size and time; the bytes have the last word. */
static enum loaded_file compare_status(const struct root *root, const struct record_file *file)
{
	int fd CLEANUP(fd_close) = -1;
	struct stat now;

	if (!file->path)
		return LOADED_FILE_UNNAMED;
	fd = root_fd_below(root, file->path + 1, O_PATH);
	if (fd < 0 || fstat(fd, &now))
		return LOADED_FILE_GONE;
	if ((uint64_t)now.st_size != file->size)
		return LOADED_FILE_CHANGED;
	return now.st_mtim.tv_sec == file->mtime_s && now.st_mtim.tv_nsec == file->mtime_ns
		       ? LOADED_FILE_SAME
		       : LOADED_FILE_TOUCHED;
}

struct opened {
	int *fd;
	char (*path)[32];
	const char **paths;
	size_t count;
};

static void opened_done(struct opened *opened)
{
	for (size_t i = 0; i < opened->count; i++)
		close(opened->fd[i]);
	free(opened->fd);
	free(opened->path);
	free(opened->paths);
}

/* Those that the kernel was made of, or the initrd: a unified kernel image is of both. */
static size_t nr_files(const struct record *record, bool of_kernel)
{
	if (of_kernel)
		return 1;
	/* One that brought no initrd has none to compare. */
	return record->nr_initrds +
	       (record->is_uki && (record->nr_initrds || *record->initrd_digest));
}

static const struct record_file *file_of(const struct record *record, bool of_kernel, size_t index)
{
	if (of_kernel || (record->is_uki && !index))
		return &record->kernel;
	return &record->initrd[index - record->is_uki];
}

/* As paths of this process, wherever the root is. */
static int open_files(const struct root *root, const struct record *record, bool of_kernel,
		      struct opened *ret, struct err *err)
{
	size_t count = nr_files(record, of_kernel);

	ret->fd = calloc(count, sizeof(*ret->fd));
	ret->path = calloc(count, sizeof(*ret->path));
	ret->paths = calloc(count, sizeof(*ret->paths));
	if (!ret->fd || !ret->path || !ret->paths)
		return err_no_memory(err);
	for (; ret->count < count; ret->count++) {
		const char *path = file_of(record, of_kernel, ret->count)->path;
		int fd = root_fd_below(root, path + 1, O_NONBLOCK);

		if (fd < 0)
			return err_set_errno(err, errno, "%s", path);
		ret->fd[ret->count] = fd;
		snprintf(ret->path[ret->count], sizeof(*ret->path), "/proc/self/fd/%d", fd);
		ret->paths[ret->count] = ret->path[ret->count];
	}
	return 0;
}

static int digest_bytes(struct bytes bytes, char ret[RECORD_DIGEST_MAX], struct err *err)
{
	uint8_t digest[32];

	if (load_digest_bytes(sha256_hashes(), bytes, digest, err))
		return -1;
	hex(digest, ret);
	return 0;
}

/* With the command line, if it was the image's own. */
static int is_same_kernel(const struct record *record, const struct opened *opened, bool *ret,
			  struct err *err)
{
	char *own CLEANUP(text_done) = NULL, *cmdline CLEANUP(text_done) = NULL;
	struct kernel kernel CLEANUP(kernel_done) = { 0 };
	char now[RECORD_DIGEST_MAX];

	if (kernel_open(opened->paths[0], record->uki_profile, /* memory= */ 0, &kernel, err) ||
	    digest_bytes(kernel_part(kernel.image), now, err))
		return -1;
	*ret = !strcmp(now, record->kernel_digest);
	if (!*ret || !record->cmdline_is_own)
		return 0;
	if (uki_cmdline(&kernel.uki, /* warnings= */ NULL, &own, err) ||
	    cmdline_compose(own, /* append= */ NULL, record->crash, &cmdline, err))
		return -1;
	digest_cmdline(cmdline, now);
	*ret = !strcmp(now, record->cmdline_digest);
	return 0;
}

static int is_same_initrd(const struct record *record, const struct opened *opened, bool *ret,
			  struct err *err)
{
	struct kernel kernel CLEANUP(kernel_done) = { 0 };
	struct inputs files CLEANUP(inputs_done) = { 0 };
	struct buf joined CLEANUP(buf_done) = { 0 };
	size_t first = record->is_uki;
	char now[RECORD_DIGEST_MAX];
	struct bytes initrd;

	if ((first &&
	     kernel_open(opened->paths[0], record->uki_profile, /* memory= */ 0, &kernel, err)) ||
	    (opened->count > first &&
	     inputs_open(opened->paths + first, opened->count - first, &files, err)) ||
	    kernel_initrd(&kernel, &files, &joined, &initrd, err) || digest_bytes(initrd, now, err))
		return -1;
	*ret = !strcmp(now, record->initrd_digest);
	return 0;
}

static enum loaded_file compare(const struct root *root, const struct record *record,
				bool of_kernel, const char **ret_path)
{
	struct opened opened CLEANUP(opened_done) = { 0 };
	enum loaded_file worst = LOADED_FILE_SAME;
	size_t count = nr_files(record, of_kernel);
	struct err ignored;
	bool same = false;

	*ret_path = NULL;
	for (size_t i = 0; i < count; i++) {
		const struct record_file *file = file_of(record, of_kernel, i);
		enum loaded_file one = compare_status(root, file);

		if (i && one <= worst)
			continue;
		worst = one;
		*ret_path = file->path;
	}
	if (!count || worst > LOADED_FILE_TOUCHED)
		return worst;
	if (!*(of_kernel ? record->kernel_digest : record->initrd_digest))
		return worst == LOADED_FILE_TOUCHED ? LOADED_FILE_UNKNOWN : worst;
	if (open_files(root, record, of_kernel, &opened, &ignored) ||
	    (of_kernel ? is_same_kernel : is_same_initrd)(record, &opened, &same, &ignored))
		return LOADED_FILE_GONE;
	return same ? worst : LOADED_FILE_CHANGED;
}

enum loaded_file loaded_compare_kernel(const struct root *root, const struct record *record,
				       const char **ret_path)
{
	return compare(root, record, /* of_kernel= */ true, ret_path);
}

enum loaded_file loaded_compare_initrd(const struct root *root, const struct record *record,
				       const char **ret_path)
{
	return compare(root, record, /* of_kernel= */ false, ret_path);
}

/* --- for people ------------------------------------------------------------------ */

static void print_file(const char *name, const struct record_file *file, FILE *to)
{
	time_t seconds = (time_t)file->mtime_s;
	char stamp[32] = "?";
	struct tm utc;

	if (gmtime_r(&seconds, &utc))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &utc);
	fprintf(to, "%-9s  ", name);
	print_harmless(to, "", file->path ?: "a pipe");
	fprintf(to, ", %" PRIu64 " bytes of %s\n", file->size, stamp);
}

void loaded_print(const struct record *record, FILE *to)
{
	char ranges[LOADED_RANGES_MAX];

	fprintf(to, "loaded     %s by %s, flags 0x%" PRIx64 "%s\n", record->time, record->method,
		record->flags, record->hotplug ? ", kept true at hotplug" : "");
	print_file("kernel", &record->kernel, to);
	if (*record->kernel_digest)
		fprintf(to, "%-9s  %s\n", "", record->kernel_digest);
	for (size_t i = 0; i < record->nr_initrds; i++)
		print_file("initrd", &record->initrd[i], to);
	if (*record->initrd_digest)
		fprintf(to, "%-9s  %s\n", "", record->initrd_digest);
	fprintf(to, "command    %" PRIu64 " bytes, SHA-256 %s\n", record->cmdline_size,
		record->cmdline_digest);
	if (record->is_uki)
		fprintf(to, "unified    profile %u, %s\n", record->uki_profile,
			record->cmdline_is_own ? "with its own command line"
					       : "with another command line");
	for (size_t i = 0; i < record->nr_segments; i++)
		fprintf(to, "segment    0x%012" PRIx64 "-0x%012" PRIx64 " %s\n",
			record->segment[i].load.start, record->segment[i].load.end,
			record->segment[i].name);
	if (record->has_map)
		fprintf(to, "map        %zu entries, RAM %s\n", record->firmware.count,
			loaded_ranges(&record->ram, ranges));
}
