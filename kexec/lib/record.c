/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/lib/record.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/text.h"
#include "kexec/lib/json.h"

static void file_done(struct record_file *file)
{
	free(file->path);
	*file = (struct record_file){ 0 };
}

void record_done(struct record *record)
{
	free(record->boot_id);
	free(record->time);
	free(record->method);
	file_done(&record->kernel);
	for (size_t i = 0; i < record->nr_initrds; i++)
		file_done(&record->initrd[i]);
	free(record->initrd);
	free(record->segment);
	memmap_done(&record->firmware);
	range_set_done(&record->ram);
	*record = (struct record){ 0 };
}

void record_change_done(struct record_change *change)
{
	range_set_done(&change->gone);
	range_set_done(&change->came);
}

int record_add_initrd(struct record *record, const struct record_file *file, struct err *err)
{
	if (array_grow(&record->initrd, &record->initrds_room, record->nr_initrds, sizeof(*file),
		       err))
		return -1;
	record->initrd[record->nr_initrds++] = *file;
	return 0;
}

/* --- the map ---------------------------------------------------------------- */

static int ram_of(bool crash, const struct system *system, struct range_set *ret, struct err *err)
{
	return crash ? iomem_dumped_ram(&system->iomem, ret, err)
		     : iomem_system_ram(&system->iomem, RANGE_ALL, ret, err);
}

int record_set_map(struct record *record, const struct system *system, struct err *err)
{
	if (system->iomem.zeroed)
		return err_set(err, ERR_INPUT, "/proc/iomem hides every address");
	if (system_e820(system, &record->firmware, /* warnings= */ NULL, err) ||
	    ram_of(record->crash, system, &record->ram, err))
		return -1;
	record->cpus = record->crash ? system->crash.nr_notes : 0;
	record->has_map = true;
	return 0;
}

/* ret gets what is in a and not in b. */
static int add_difference(const struct range_set *a, const struct range_set *b,
			  struct range_set *ret, struct err *err)
{
	struct range_set rest CLEANUP(range_set_done) = { 0 };

	if (range_set_copy(a, &rest, err) || range_set_subtract_all(&rest, b, err))
		return -1;
	return range_set_add_all(ret, rest.range, rest.count, err);
}

int record_compare_map(const struct record *record, const struct system *system,
		       struct record_change *ret, struct err *err)
{
	struct record_change change CLEANUP(record_change_done) = { 0 };
	struct range_set ram CLEANUP(range_set_done) = { 0 };
	struct range_set was CLEANUP(range_set_done) = { 0 };
	struct range_set is CLEANUP(range_set_done) = { 0 };
	struct memmap firmware CLEANUP(memmap_done) = { 0 };

	if (ram_of(record->crash, system, &ram, err) ||
	    system_e820(system, &firmware, /* warnings= */ NULL, err) ||
	    memmap_select(&firmware, E820_RAM, &is, err) ||
	    memmap_select(&record->firmware, E820_RAM, &was, err) ||
	    add_difference(&record->ram, &ram, &change.gone, err) ||
	    add_difference(&was, &is, &change.gone, err) ||
	    add_difference(&ram, &record->ram, &change.came, err) ||
	    add_difference(&is, &was, &change.came, err))
		return -1;
	*ret = change;
	change = (struct record_change){ 0 };
	return 0;
}

const char *record_what_lies_in(const struct record *record, const struct range_set *set)
{
	for (size_t i = 0; i < record->nr_segments; i++)
		if (range_set_overlaps(set, record->segment[i].load))
			return record->segment[i].name;
	if (range_is_valid(record->footprint) && range_set_overlaps(set, record->footprint))
		return "the kernel's footprint";
	return NULL;
}

/* --- writing ---------------------------------------------------------------- */

static struct json_object *file_object(const struct record_file *file)
{
	struct json_object *object = json_object_new_object();
	char text[48];

	/* Byte for byte, even where that is no UTF-8: the file is found again by it. */
	json_object_object_add(object, "path",
			       file->path ? json_object_new_string(file->path) : NULL);
	json_object_object_add(object, "size", json_object_new_int64((int64_t)file->size));
	snprintf(text, sizeof(text), "%lld.%09lld", (long long)file->mtime_s,
		 (long long)file->mtime_ns);
	json_object_object_add(object, "mtime", json_object_new_string(text));
	return object;
}

static void add_digest(struct json_object *object, const char *name, const char *digest)
{
	json_object_object_add(object, name, *digest ? json_object_new_string(digest) : NULL);
}

static struct json_object *ranges_array(const struct range_set *set)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < set->count; i++)
		json_object_array_add(array, json_range(set->range[i]));
	return array;
}

static void add_map(struct json_object *root, const struct record *record)
{
	struct json_object *firmware = json_object_new_array();

	for (size_t i = 0; i < record->firmware.count; i++) {
		const struct memmap_entry *entry = &record->firmware.entry[i];
		struct json_object *object = json_range(entry->range);

		json_object_object_add(object, "type", json_object_new_int64(entry->type));
		json_object_array_add(firmware, object);
	}
	json_object_object_add(root, "e820", firmware);
	json_object_object_add(root, "ram", ranges_array(&record->ram));
	if (record->crash)
		json_object_object_add(root, "cpus", json_object_new_int64((int64_t)record->cpus));
}

static void add_segments(struct json_object *root, const struct record *record)
{
	struct json_object *segments = json_object_new_array();

	for (size_t i = 0; i < record->nr_segments; i++) {
		struct json_object *object = json_range(record->segment[i].load);

		json_object_object_add(object, "name",
				       json_object_new_string(record->segment[i].name));
		json_object_array_add(segments, object);
	}
	json_object_object_add(root, "footprint", json_range(record->footprint));
	json_object_object_add(root, "segments", segments);
}

static void add_uki(struct json_object *root, const struct record *record)
{
	struct json_object *uki = json_object_new_object();

	json_object_object_add(uki, "profile", json_object_new_int64(record->uki_profile));
	json_object_object_add(uki, "own_cmdline", json_object_new_boolean(record->cmdline_is_own));
	json_object_object_add(root, "uki", uki);
}

int record_write(const struct record *record, struct buf *ret, struct err *err)
{
	struct json_object *root = json_object_new_object(), *initrds = json_object_new_array(),
			   *cmdline = json_object_new_object();

	json_object_object_add(root, "schema", json_object_new_int(RECORD_SCHEMA));
	json_object_object_add(root, "crash", json_object_new_boolean(record->crash));
	json_object_object_add(root, "boot_id", json_object_new_string(record->boot_id));
	json_object_object_add(root, "time", json_object_new_string(record->time));
	json_object_object_add(root, "method", json_object_new_string(record->method));
	json_object_object_add(root, "flags", json_hex(record->flags));
	json_object_object_add(root, "hotplug", json_object_new_boolean(record->hotplug));
	json_object_object_add(root, "kernel", file_object(&record->kernel));
	add_digest(root, "kernel_digest", record->kernel_digest);
	for (size_t i = 0; i < record->nr_initrds; i++)
		json_object_array_add(initrds, file_object(&record->initrd[i]));
	json_object_object_add(root, "initrds", initrds);
	add_digest(root, "initrd_digest", record->initrd_digest);
	if (record->is_uki)
		add_uki(root, record);
	json_object_object_add(cmdline, "size",
			       json_object_new_int64((int64_t)record->cmdline_size));
	add_digest(cmdline, "sha256", record->cmdline_digest);
	json_object_object_add(root, "cmdline", cmdline);
	if (record->nr_segments)
		add_segments(root, record);
	if (record->has_map)
		add_map(root, record);
	return json_append(root, ret, err);
}

/* --- reading ---------------------------------------------------------------- */

/* A member of that type; optional ones may be absent or null: NULL then. */
static int member(struct json_object *object, const char *name, enum json_type type, bool optional,
		  struct json_object **ret, struct err *err)
{
	struct json_object *found = NULL;

	if (!json_object_is_type(object, json_type_object))
		return err_set(err, ERR_INPUT, "no object with \"%s\" where one should be", name);
	if (!json_object_object_get_ex(object, name, &found) || !found) {
		*ret = NULL;
		return optional ? 0 : err_set(err, ERR_INPUT, "\"%s\" is missing", name);
	}
	if (!json_object_is_type(found, type))
		return err_set(err, ERR_INPUT, "\"%s\" is not of type %s", name,
			       json_type_to_name(type));
	*ret = found;
	return 0;
}

static int read_text(struct json_object *object, const char *name, bool optional, char **ret,
		     struct err *err)
{
	struct json_object *found;

	if (member(object, name, json_type_string, optional, &found, err))
		return -1;
	if (!found)
		return 0;
	*ret = strdup(json_object_get_string(found));
	return *ret ? 0 : err_no_memory(err);
}

static int read_bool(struct json_object *object, const char *name, bool *ret, struct err *err)
{
	struct json_object *found;

	if (member(object, name, json_type_boolean, false, &found, err))
		return -1;
	*ret = json_object_get_boolean(found);
	return 0;
}

static int read_count(struct json_object *object, const char *name, bool optional, uint64_t *ret,
		      struct err *err)
{
	struct json_object *found;

	if (member(object, name, json_type_int, optional, &found, err))
		return -1;
	if (!found)
		return 0;
	if (json_object_get_int64(found) < 0)
		return err_set(err, ERR_INPUT, "\"%s\" is negative", name);
	*ret = (uint64_t)json_object_get_int64(found);
	return 0;
}

static int read_hex(struct json_object *object, const char *name, uint64_t *ret, struct err *err)
{
	char *text CLEANUP(text_done) = NULL;

	if (read_text(object, name, false, &text, err))
		return -1;
	if (!num_parse(text, strlen(text), 0, ret))
		return err_set(err, ERR_INPUT, "\"%s\": \"%.40s\" is not a number", name, text);
	return 0;
}

static int read_digest(struct json_object *object, const char *name, char ret[RECORD_DIGEST_MAX],
		       struct err *err)
{
	char *text CLEANUP(text_done) = NULL;

	if (read_text(object, name, true, &text, err))
		return -1;
	if (text && (strlen(text) != RECORD_DIGEST_MAX - 1 ||
		     strspn(text, "0123456789abcdef") != RECORD_DIGEST_MAX - 1))
		return err_set(err, ERR_INPUT, "\"%s\" is not a digest", name);
	snprintf(ret, RECORD_DIGEST_MAX, "%s", text ?: "");
	return 0;
}

static int read_range(struct json_object *object, struct range *ret, struct err *err)
{
	struct range range;

	if (read_hex(object, "start", &range.start, err) ||
	    read_hex(object, "end", &range.end, err) || range_check(range, err))
		return -1;
	*ret = range;
	return 0;
}

static int read_file(struct json_object *object, struct record_file *ret, struct err *err)
{
	char *mtime CLEANUP(text_done) = NULL;
	struct record_file file = { 0 };
	long long s, ns;

	if (read_count(object, "size", false, &file.size, err) ||
	    read_text(object, "mtime", false, &mtime, err))
		return -1;
	if (sscanf(mtime, "%lld.%9lld", &s, &ns) != 2)
		return err_set(err, ERR_INPUT, "\"mtime\": \"%.40s\" is not a time", mtime);
	file.mtime_s = s;
	file.mtime_ns = ns;
	if (read_text(object, "path", true, &file.path, err))
		return -1;
	if (file.path && *file.path != '/') {
		err_set(err, ERR_INPUT, "\"path\": \"%.40s\" does not begin with /", file.path);
		file_done(&file);
		return -1;
	}
	*ret = file;
	return 0;
}

static int read_initrds(struct json_object *root, struct record *record, struct err *err)
{
	struct json_object *array;

	if (member(root, "initrds", json_type_array, false, &array, err))
		return -1;
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct record_file file;

		if (read_file(json_object_array_get_idx(array, i), &file, err))
			return err_prefix(err, "\"initrds\"");
		if (record_add_initrd(record, &file, err)) {
			file_done(&file);
			return -1;
		}
	}
	return 0;
}

static int read_uki(struct json_object *root, struct record *record, struct err *err)
{
	struct json_object *uki;
	uint64_t profile;

	if (member(root, "uki", json_type_object, true, &uki, err))
		return -1;
	if (!uki)
		return 0;
	if (read_count(uki, "profile", false, &profile, err) ||
	    read_bool(uki, "own_cmdline", &record->cmdline_is_own, err))
		return err_prefix(err, "\"uki\"");
	record->uki_profile = (unsigned int)num_min(profile, UINT32_MAX);
	record->is_uki = true;
	return 0;
}

static int read_segments(struct json_object *root, struct record *record, struct err *err)
{
	struct json_object *array, *footprint;

	if (member(root, "segments", json_type_array, true, &array, err) ||
	    member(root, "footprint", json_type_object, !array, &footprint, err) ||
	    (footprint && read_range(footprint, &record->footprint, err)))
		return -1;
	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		struct json_object *object = json_object_array_get_idx(array, i);
		struct record_segment segment = { 0 };
		char *name CLEANUP(text_done) = NULL;

		if (read_range(object, &segment.load, err) ||
		    read_text(object, "name", false, &name, err))
			return err_prefix(err, "\"segments\"");
		snprintf(segment.name, sizeof(segment.name), "%s", name);
		text_make_harmless(segment.name);
		if (array_grow(&record->segment, &record->segments_room, record->nr_segments,
			       sizeof(segment), err))
			return -1;
		record->segment[record->nr_segments++] = segment;
	}
	return 0;
}

static int read_map(struct json_object *root, struct record *record, struct err *err)
{
	struct json_object *e820, *ram;

	if (member(root, "e820", json_type_array, true, &e820, err) ||
	    member(root, "ram", json_type_array, !e820, &ram, err) ||
	    read_count(root, "cpus", true, &record->cpus, err))
		return -1;
	if (!e820)
		return 0;
	for (size_t i = 0; i < json_object_array_length(e820); i++) {
		struct json_object *object = json_object_array_get_idx(e820, i);
		struct range range;
		uint64_t type;

		if (read_range(object, &range, err) ||
		    read_count(object, "type", false, &type, err) ||
		    memmap_add(&record->firmware, range, (uint32_t)type, err))
			return err_prefix(err, "\"e820\"");
	}
	for (size_t i = 0; i < json_object_array_length(ram); i++) {
		struct range range;

		if (read_range(json_object_array_get_idx(ram, i), &range, err) ||
		    range_set_add(&record->ram, range, err))
			return err_prefix(err, "\"ram\"");
	}
	record->has_map = true;
	return 0;
}

static int read_record(struct json_object *root, struct record *record, struct err *err)
{
	struct json_object *kernel, *cmdline;
	uint64_t schema;

	if (read_count(root, "schema", false, &schema, err))
		return -1;
	if (schema != RECORD_SCHEMA)
		return err_set(err, ERR_INPUT, "a record of schema %llu, not %d",
			       (unsigned long long)schema, RECORD_SCHEMA);
	if (read_text(root, "boot_id", false, &record->boot_id, err) ||
	    read_text(root, "time", false, &record->time, err) ||
	    read_text(root, "method", false, &record->method, err) ||
	    read_bool(root, "crash", &record->crash, err) ||
	    read_hex(root, "flags", &record->flags, err) ||
	    read_bool(root, "hotplug", &record->hotplug, err) ||
	    member(root, "kernel", json_type_object, false, &kernel, err) ||
	    read_file(kernel, &record->kernel, err) ||
	    read_digest(root, "kernel_digest", record->kernel_digest, err) ||
	    read_initrds(root, record, err) ||
	    read_digest(root, "initrd_digest", record->initrd_digest, err) ||
	    member(root, "cmdline", json_type_object, false, &cmdline, err) ||
	    read_count(cmdline, "size", false, &record->cmdline_size, err) ||
	    read_digest(cmdline, "sha256", record->cmdline_digest, err))
		return -1;
	text_make_harmless(record->time);
	text_make_harmless(record->method);
	return read_uki(root, record, err) || read_segments(root, record, err) ||
			       read_map(root, record, err)
		       ? -1
		       : 0;
}

int record_parse(struct bytes text, struct record *ret, struct err *err)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *root = NULL;
	struct record record CLEANUP(record_done) = { 0 };
	int result;

	if (!tokener)
		return err_no_memory(err);
	if (text.size && text.size < INT32_MAX)
		root = json_tokener_parse_ex(tokener, (const char *)text.data, (int)text.size);
	json_tokener_free(tokener);
	if (!root)
		return err_set(err, ERR_INPUT, "not JSON, or cut");
	result = read_record(root, &record, err);
	json_object_put(root);
	if (result)
		return -1;
	*ret = record;
	record = (struct record){ 0 };
	return 0;
}
