/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/audit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/decompress.h"
#include "kexec/core/efimap_log.h"
#include "kexec/lib/json.h"
#include "kexec/lib/kernel.h"
#include "kexec/lib/print.h"
#include "kexec/sys/gather.h"
#include "kexec/sys/input.h"
#include "kexec/x86/efistub.h"

enum { AUDIT_SCHEMA = 1, ALL_ERAS = (1 << EFISTUB_ERAS) - 1, CONFLICTS_SHOWN = 12 };

static const struct {
	const char *name, *kernels;
} eras[EFISTUB_ERAS] = {
	[EFISTUB_NO_FLOOR] = { "no-floor", "Linux to 5.3" },
	[EFISTUB_FLOOR] = { "floor", "5.4 to 5.6" },
	[EFISTUB_IN_PLACE] = { "in-place", "5.7 to 6.5" },
	[EFISTUB_DECOMPRESSES] = { "decompresses", "6.6 and later, later 6.1.y" },
};

static const char *const verdicts[] = {
	[EFISTUB_SAFE] = "safe",
	[EFISTUB_UNKNOWN] = "unknown",
	[EFISTUB_NO_PLACE] = "no-place",
	[EFISTUB_HAZARD] = "hazard",
};

/* --- the kernel ---------------------------------------------------------- */

struct subject {
	const char *path; /* NULL: given by numbers */
	struct kernel kernel;
	struct bzimage image; /* if there is a path */
	struct efistub_start start;
	unsigned int eras; /* that it may be of, a bit each */
};

static void subject_done(struct subject *subject)
{
	kernel_done(&subject->kernel);
}

static int open_image(struct subject *subject, struct err *err)
{
	if (kernel_open(subject->path, /* profile= */ 0, /* memory= */ 0, &subject->kernel, err))
		return err_prefix(err, "kernel");
	if (bzimage_parse(subject->kernel.image, &subject->image, err))
		return err_prefix(err, "%s", subject->path);
	if (subject->image.entry_32bit)
		return err_set(err, ERR_INPUT,
			       "%s: a 32-bit kernel: what its EFI stub does is not known here",
			       subject->path);
	if (!subject->image.pe_image_size)
		return err_set(err, ERR_INPUT,
			       "%s: no PE header, so no EFI stub: the firmware cannot start it",
			       subject->path);
	return 0;
}

/* The image's values, and before them those of the command line. */
static int open_subject(const struct request *request, struct subject *ret, struct err *err)
{
	const struct footprint_of *given = &request->audit.footprint;
	struct footprint_of *of = &ret->start.footprint;

	ret->path = request->kernel;
	ret->start = request->audit;
	ret->eras = ALL_ERAS;
	of->relocatable = true;
	if (ret->path) {
		if (open_image(ret, err))
			return -1;
		*of = ret->image.footprint;
		ret->start.setup_size = ret->image.setup_size;
		ret->eras = efistub_eras(&ret->image);
	}
	of->init_size = given->init_size ?: of->init_size;
	of->alignment = given->alignment ?: of->alignment;
	of->pref_address = given->pref_address ?: of->pref_address;
	if (!of->wrapper_size || of->wrapper_size > of->init_size)
		of->wrapper_size = of->init_size;
	return 0;
}

/* --- one machine --------------------------------------------------------- */

enum source { SOURCE_LOG, SOURCE_MEMORY, SOURCE_RUNTIME_MAP };

static const struct {
	const char *name, *of_machine;
} sources[] = {
	[SOURCE_LOG] = { "log", "the kernel's log" },
	[SOURCE_MEMORY] = { "memory", "the running kernel's memory" },
	[SOURCE_RUNTIME_MAP] = { "runtime-map", "/sys/firmware/efi/runtime-map" },
};

struct finding {
	const char *name; /* of the log or the machine; borrowed; NULL: the source's */
	struct efi_map map;
	enum source source;
	bool partial;  /* the map has only what the firmware keeps for itself */
	bool log_same; /* SOURCE_MEMORY: the kernel's log has just that map */
	struct warnings warnings;
	struct efistub_audit audit;
	enum efistub_verdict verdict;
	enum efistub_era worst; /* the first era that has it */
};

static void finding_done(struct finding *finding)
{
	efi_map_done(&finding->map);
	warnings_done(&finding->warnings);
	efistub_audit_done(&finding->audit);
}

static const char *name_of(const struct finding *finding)
{
	return finding->name ?: sources[finding->source].of_machine;
}

/* Takes the map in memory; of_log is that of the log, or empty. */
static int take_memory(struct efi_map *memory, const struct efi_map *of_log,
		       struct finding *finding, struct err *err)
{
	uint32_t number = 0;

	finding->source = SOURCE_MEMORY;
	finding->map = *memory;
	*memory = (struct efi_map){ 0 };
	if (!efi_map_is_part_of(of_log, &finding->map, &number))
		warn_add(&finding->warnings,
			 "mem%02u of the EFI memory map is another one in the kernel's log than in "
			 "its memory: the map in memory is used",
			 number);
	else
		finding->log_same = of_log->count == finding->map.count;
	return efi_map_check(&finding->map, &finding->warnings, err);
}

/* The log's map, with what was said of it. */
static int take_log(struct efi_map *of_log, struct warnings *warnings, struct finding *finding)
{
	finding->source = SOURCE_LOG;
	finding->map = *of_log;
	*of_log = (struct efi_map){ 0 };
	finding->warnings = *warnings;
	*warnings = (struct warnings){ 0 };
	return 0;
}

/* What the kernel kept of the map. why has the sentences for both of the others. */
static int take_runtime_map(const struct root *root, const char *why, struct finding *finding,
			    struct err *err)
{
	struct err ignored;

	if (gather_runtime_map(root, &finding->map, &ignored) || !finding->map.count)
		return err_set(err, ERR_INPUT, "%s", why);
	finding->source = SOURCE_RUNTIME_MAP;
	finding->partial = true;
	warn_add(&finding->warnings,
		 "%s; /sys/firmware/efi/runtime-map has only what the firmware keeps for itself, "
		 "from which nothing follows for the rest",
		 why);
	return 0;
}

/*
 * Of a running or captured machine: the map in the kernel's memory, of which it is known that it
 * is whole; else that of its log; else what the kernel kept.
 */
static int map_of_machine(const struct root *root, struct finding *finding, struct err *err)
{
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct efi_map of_log CLEANUP(efi_map_done) = { 0 };
	struct efi_map memory CLEANUP(efi_map_done) = { 0 };
	struct buf log CLEANUP(buf_done) = { 0 };
	struct err no_log, no_memory;
	bool has_log, has_memory;
	char *why CLEANUP(text_done) = NULL;

	has_log = !gather_log(root, &log, &no_log) &&
		  !efi_map_from_log(buf_bytes(&log), &of_log, &warnings, &no_log);
	has_memory = !gather_efi_memmap(root, &memory, &no_memory);
	if (has_memory)
		return take_memory(&memory, &of_log, finding, err);
	if (has_log)
		return take_log(&of_log, &warnings, finding);
	if (asprintf(&why, "%s; %s", no_log.text, no_memory.text) < 0) {
		why = NULL;
		return err_no_memory(err);
	}
	return take_runtime_map(root, why, finding, err);
}

/* A log, which can be compressed as logrotate(8) does it. */
static int map_of_log(struct bytes log, struct finding *finding, struct err *err)
{
	struct buf expanded CLEANUP(buf_done) = { 0 };
	const char *format = decompress_format(log);

	if (format && decompress(log, NULL, &expanded, err))
		return -1;
	if (format)
		log = buf_bytes(&expanded);
	if (log.size > ROOT_FILE_MAX)
		return err_set(err, ERR_INPUT, "more than the %d bytes that a log may have",
			       ROOT_FILE_MAX);
	if (capture_begins(log))
		return err_set(err, ERR_INPUT,
			       "a tar archive%s, no log: a capture is read with --sysroot",
			       format ? ", compressed" : "");
	return efi_map_from_log(log, &finding->map, &finding->warnings, err);
}

static int map_of_file(const char *path, struct finding *finding, struct err *err)
{
	struct inputs log CLEANUP(inputs_done) = { 0 };
	bool is_stdin = !strcmp(path, "-");

	finding->name = is_stdin ? "standard input" : path;
	if (is_stdin)
		path = "/dev/stdin";
	if (inputs_open(&path, 1, &log, err))
		return -1;
	return map_of_log(log.bytes, finding, err) ? err_prefix(err, "%s", finding->name) : 0;
}

static int judge(const struct subject *subject, struct finding *finding, struct err *err)
{
	struct efistub_start start = subject->start;

	start.partial = finding->partial;
	if (efistub_audit(&finding->map, &start, &finding->audit, err))
		return -1;
	finding->worst = EFISTUB_ERAS;
	for (enum efistub_era era = 0; era < EFISTUB_ERAS; era++) {
		if (!(subject->eras & 1 << era))
			continue;
		if (finding->worst == EFISTUB_ERAS ||
		    finding->audit.era[era].verdict > finding->verdict) {
			finding->verdict = finding->audit.era[era].verdict;
			finding->worst = era;
		}
	}
	return 0;
}

static int status_of(enum efistub_verdict verdict)
{
	switch (verdict) {
	case EFISTUB_SAFE:
		return STATUS_DONE;
	case EFISTUB_UNKNOWN:
		return STATUS_REFUSED;
	case EFISTUB_NO_PLACE:
	case EFISTUB_HAZARD:
		break;
	}
	return STATUS_HAZARD;
}

/* --- text ---------------------------------------------------------------- */

static const char *type_name(const struct efi_desc *desc)
{
	const struct efi_type *type = efi_type(desc->type);

	return type ? type->name : "type without a name";
}

static void print_range(FILE *to, struct range range)
{
	fprintf(to, "0x%" PRIx64 "-0x%" PRIx64, range.start, range.end);
}

static void print_conflicts(const struct efi_map *map, const struct efistub_outcome *outcome,
			    FILE *to)
{
	size_t shown =
		outcome->nr_conflicts < CONFLICTS_SHOWN ? outcome->nr_conflicts : CONFLICTS_SHOWN;

	fprintf(to, ", over ");
	for (size_t i = 0; i < shown; i++)
		fprintf(to, "%smem%02u", i ? " " : "", map->desc[outcome->conflict[i]].number);
	if (outcome->nr_conflicts > shown)
		fprintf(to, " and %zu more", outcome->nr_conflicts - shown);
	if (outcome->undescribed.end) {
		fprintf(to, "%s", outcome->nr_conflicts ? " and " : "");
		print_range(to, outcome->undescribed);
		fprintf(to, ", which no descriptor has");
	}
}

static void print_outcome(const struct finding *finding, enum efistub_era era, FILE *to)
{
	const struct efistub_outcome *outcome = &finding->audit.era[era];

	switch (outcome->verdict) {
	case EFISTUB_UNKNOWN:
		fprintf(to, "only a part of the EFI memory map is known\n");
		return;
	case EFISTUB_NO_PLACE:
		fprintf(to, "there is no place: the stub returns to the firmware\n");
		return;
	case EFISTUB_SAFE:
	case EFISTUB_HAZARD:
		break;
	}
	fprintf(to, "%s 0x%" PRIx64,
		!outcome->moves		      ? "stays at"
		: era == EFISTUB_DECOMPRESSES ? "decompressed to"
					      : "moved to",
		outcome->image);
	if (outcome->desc != EFISTUB_NONE)
		fprintf(to, " (mem%02u)", finding->map.desc[outcome->desc].number);
	if (outcome->slots > 1)
		fprintf(to, " or one of %" PRIu64 " places more", outcome->slots - 1);
	if (outcome->output.start != outcome->image)
		fprintf(to, ", from there by head_64.S to 0x%" PRIx64, outcome->output.start);
	fprintf(to, ", runs in ");
	print_range(to, outcome->output);
	if (outcome->verdict == EFISTUB_HAZARD)
		print_conflicts(&finding->map, outcome, to);
	fprintf(to, "\n");
}

static void print_condition(enum efistub_answer answer, const char *what, FILE *to)
{
	static const char *const words[] = {
		[EFISTUB_NO] = "no",
		[EFISTUB_YES] = "yes",
		[EFISTUB_NOT_KNOWN] = "not known",
	};

	fprintf(to, "  %-10s %s\n", words[answer], what);
}

static void print_finding(const struct subject *subject, const struct finding *finding, FILE *to)
{
	const struct footprint_of *of = &subject->start.footprint;
	const struct efistub_audit *audit = &finding->audit;
	struct range range = { 0, 0 };

	print_harmless(to, "EFI map    ", name_of(finding));
	fprintf(to, ", %zu descriptors%s\n", finding->map.count,
		finding->log_same ? ", as in the kernel's log" : "");
	if (audit->own_copy != EFISTUB_NONE) {
		const struct efi_desc *desc = &finding->map.desc[audit->own_copy];

		efi_desc_range(desc, &range);
		fprintf(to, "           mem%02u ", desc->number);
		print_range(to, range);
		fprintf(to, " %s, of just this size, is the kernel's own copy: taken as free\n",
			type_name(desc));
	}
	if (subject->path) {
		print_harmless(to, "Kernel     ", subject->path);
		fprintf(to, "\n           %s\n", subject->image.version);
	}
	fprintf(to, "%s init_size 0x%" PRIx64 ", alignment 0x%" PRIx64 ", pref_address 0x%" PRIx64,
		subject->path ? "          " : "Kernel    ", of->init_size, of->alignment,
		of->pref_address);
	if (subject->start.has_load)
		fprintf(to, ", loaded at 0x%" PRIx64 "\n", subject->start.load);
	else
		fprintf(to, ", where it is loaded is not known: the worst is taken\n");
	fprintf(to, "\nConditions of a boot over memory in use, all three (commit 220dd7699c46)\n");
	print_condition(audit->not_at_preferred, "the kernel is not loaded at pref_address", to);
	print_condition(audit->preferred_occupied, "init_size from there on is not all free", to);
	print_condition(audit->room_below, "there is room for it that begins below", to);
	fprintf(to, "\nEFI stub   > %s\n",
		subject->path ? "this kernel's, as far as it tells" : "any: no kernel was named");
	for (enum efistub_era era = 0; era < EFISTUB_ERAS; era++) {
		fprintf(to, "  %c %-26s %-8s ", subject->eras & 1 << era ? '>' : ' ',
			eras[era].kernels, verdicts[audit->era[era].verdict]);
		print_outcome(finding, era, to);
	}
	fprintf(to, "\nVerdict    %s%s\n", verdicts[finding->verdict],
		finding->verdict == EFISTUB_HAZARD &&
				audit->era[EFISTUB_FLOOR].verdict == EFISTUB_SAFE &&
				finding->worst == EFISTUB_NO_FLOOR
			? ": a kernel of Linux 5.4 or later does not do that here"
			: "");
}

/* --- JSON ---------------------------------------------------------------- */

static struct json_object *number_object(const struct efi_map *map, size_t desc)
{
	return desc == EFISTUB_NONE ? NULL : json_object_new_int64(map->desc[desc].number);
}

static struct json_object *answer_object(enum efistub_answer answer)
{
	return answer == EFISTUB_NOT_KNOWN ? NULL : json_object_new_boolean(answer == EFISTUB_YES);
}

static struct json_object *conflict_object(const struct efi_desc *desc)
{
	const struct efi_type *type = efi_type(desc->type);
	struct range range = { 0, 0 };
	struct json_object *object;

	efi_desc_range(desc, &range);
	object = json_range(range);
	json_object_object_add(object, "descriptor", json_object_new_int64(desc->number));
	json_object_object_add(object, "type", json_object_new_int64(desc->type));
	json_object_object_add(object, "name", type ? json_object_new_string(type->name) : NULL);
	json_object_object_add(object, "free_after_exit",
			       json_object_new_boolean(efi_desc_is_free_after_exit(desc)));
	return object;
}

static struct json_object *era_object(const struct subject *subject, const struct finding *finding,
				      enum efistub_era era)
{
	const struct efistub_outcome *outcome = &finding->audit.era[era];
	struct json_object *object = json_object_new_object();
	struct json_object *candidates = json_object_new_array();
	struct json_object *conflicts = json_object_new_array();

	for (size_t i = 0; i < outcome->nr_candidates; i++) {
		const struct efistub_candidate *candidate = &outcome->candidate[i];
		struct json_object *entry = json_object_new_object();

		json_object_object_add(entry, "descriptor",
				       number_object(&finding->map, candidate->desc));
		json_object_object_add(entry, "address", json_hex(candidate->address));
		json_object_object_add(entry, "slots",
				       json_object_new_int64((int64_t)candidate->slots));
		json_object_object_add(entry, "free", json_object_new_boolean(candidate->is_free));
		json_object_array_add(candidates, entry);
	}
	for (size_t i = 0; i < outcome->nr_conflicts; i++)
		json_object_array_add(conflicts,
				      conflict_object(&finding->map.desc[outcome->conflict[i]]));
	json_object_object_add(object, "era", json_object_new_string(eras[era].name));
	json_object_object_add(object, "kernels", json_object_new_string(eras[era].kernels));
	json_object_object_add(object, "possible",
			       json_object_new_boolean(subject->eras & 1 << era));
	json_object_object_add(object, "verdict",
			       json_object_new_string(verdicts[outcome->verdict]));
	json_object_object_add(object, "moved", json_object_new_boolean(outcome->moves));
	json_object_object_add(object, "candidates", candidates);
	if (outcome->verdict == EFISTUB_SAFE || outcome->verdict == EFISTUB_HAZARD) {
		json_object_object_add(object, "image", json_hex(outcome->image));
		json_object_object_add(object, "descriptor",
				       number_object(&finding->map, outcome->desc));
		json_object_object_add(object, "runs", json_range(outcome->output));
	}
	json_object_object_add(object, "conflicts", conflicts);
	if (outcome->undescribed.end)
		json_object_object_add(object, "undescribed", json_range(outcome->undescribed));
	return object;
}

static struct json_object *finding_object(const struct subject *subject,
					  const struct finding *finding)
{
	const struct efistub_audit *audit = &finding->audit;
	struct json_object *object = json_object_new_object();
	struct json_object *conditions = json_object_new_object();
	struct json_object *list = json_object_new_array();

	json_object_object_add(object, "log", json_text(name_of(finding)));
	json_object_object_add(object, "source",
			       json_object_new_string(sources[finding->source].name));
	json_object_object_add(object, "verdict",
			       json_object_new_string(verdicts[finding->verdict]));
	json_object_object_add(object, "partial", json_object_new_boolean(finding->partial));
	json_object_object_add(object, "descriptors",
			       json_object_new_int64((int64_t)finding->map.count));
	json_object_object_add(object, "own_copy", number_object(&finding->map, audit->own_copy));
	json_object_object_add(conditions, "not_at_preferred",
			       answer_object(audit->not_at_preferred));
	json_object_object_add(conditions, "preferred_occupied",
			       answer_object(audit->preferred_occupied));
	json_object_object_add(conditions, "room_below", answer_object(audit->room_below));
	json_object_object_add(object, "conditions", conditions);
	for (enum efistub_era era = 0; era < EFISTUB_ERAS; era++)
		json_object_array_add(list, era_object(subject, finding, era));
	json_object_object_add(object, "eras", list);
	json_object_object_add(object, "warnings",
			       json_strings(finding->warnings.text, finding->warnings.count));
	return object;
}

static struct json_object *kernel_object(const struct subject *subject)
{
	const struct footprint_of *of = &subject->start.footprint;
	struct json_object *object = json_object_new_object();

	if (subject->path) {
		json_object_object_add(object, "path", json_text(subject->path));
		json_object_object_add(object, "version",
				       json_object_new_string(subject->image.version));
	}
	json_object_object_add(object, "init_size", json_hex(of->init_size));
	json_object_object_add(object, "alignment", json_hex(of->alignment));
	json_object_object_add(object, "pref_address", json_hex(of->pref_address));
	json_object_object_add(object, "load_address",
			       subject->start.has_load ? json_hex(subject->start.load) : NULL);
	return object;
}

static int print_json(const struct subject *subject, struct json_object *audits, FILE *to,
		      struct err *err)
{
	struct json_object *root = json_object_new_object();

	json_object_object_add(root, "schema", json_object_new_int(AUDIT_SCHEMA));
	json_object_object_add(root, "kernel", kernel_object(subject));
	json_object_object_add(root, "audits", audits);
	return json_print(root, to, err);
}

/* --- the actions --------------------------------------------------------- */

static int audit_one(const struct request *request, const struct surroundings *around,
		     const struct subject *subject, struct finding *finding, int *ret_status,
		     struct err *err)
{
	if (judge(subject, finding, err))
		return -1;
	for (size_t i = 0; i < finding->warnings.count; i++)
		warn_add(around->warnings, "%s", finding->warnings.text[i]);
	*ret_status = status_of(finding->verdict);
	if (request->json) {
		struct json_object *audits = json_object_new_array();

		json_object_array_add(audits, finding_object(subject, finding));
		return print_json(subject, audits, around->out, err);
	}
	print_finding(subject, finding, around->out);
	return 0;
}

/* An entry of a directory: a captured machine, as a directory or an archive, or a log. */
static int judge_entry(const struct root *fleet, const struct subject *subject,
		       struct finding *finding, struct err *err)
{
	struct root machine CLEANUP(root_close) = ROOT_NONE;
	struct buf log CLEANUP(buf_done) = { 0 };
	bool is_machine;

	if (root_open_below(fleet, finding->name, &machine, &is_machine, err))
		return -1;
	if (is_machine) {
		if (map_of_machine(&machine, finding, err))
			return -1;
	} else if (root_read(fleet, finding->name, ROOT_FILE_MAX + 1, &log, err) ||
		   map_of_log(buf_bytes(&log), finding, err)) {
		return -1;
	}
	return judge(subject, finding, err);
}

/* Prints or adds the entry; its status. */
static int audit_entry(const struct request *request, const struct surroundings *around,
		       const struct root *fleet, const struct subject *subject, const char *name,
		       struct json_object *audits)
{
	struct finding finding CLEANUP(finding_done) = { .name = name };
	struct err err = { 0 };
	bool failed = judge_entry(fleet, subject, &finding, &err);

	for (size_t i = 0; i < finding.warnings.count && !failed; i++)
		warn_add(around->warnings, "%s: %s", name, finding.warnings.text[i]);
	if (request->json && failed) {
		struct json_object *object = json_object_new_object();

		json_object_object_add(object, "log", json_text(name));
		json_object_object_add(object, "verdict", json_object_new_string("error"));
		json_object_object_add(object, "error", json_object_new_string(err.text));
		json_object_array_add(audits, object);
	} else if (request->json) {
		json_object_array_add(audits, finding_object(subject, &finding));
	} else if (failed) {
		print_harmless(around->out, "", name);
		fprintf(around->out, ": error: %s\n", err.text);
	} else {
		print_harmless(around->out, "", name);
		fprintf(around->out, ": %s: ", verdicts[finding.verdict]);
		print_outcome(&finding, finding.worst, around->out);
	}
	return failed ? STATUS_REFUSED : status_of(finding.verdict);
}

static int audit_all(const struct request *request, const struct surroundings *around,
		     const struct subject *subject, int *ret_status, struct err *err)
{
	struct root_names names CLEANUP(root_names_done) = { 0 };
	struct json_object *audits = NULL;
	struct root fleet;
	int worst = STATUS_DONE;

	if (root_open(request->audit_all, &fleet, err))
		return -1;
	if (root_list(&fleet, ".", &names, err)) {
		root_close(&fleet);
		return err_prefix(err, "%s", request->audit_all);
	}
	if (!names.count) {
		root_close(&fleet);
		return err_set(err, ERR_INPUT, "%s: there is no log or capture in it",
			       request->audit_all);
	}
	if (request->json)
		audits = json_object_new_array();
	/* Of the statuses, the higher is the worse. */
	for (size_t i = 0; i < names.count; i++) {
		int status = audit_entry(request, around, &fleet, subject, names.name[i], audits);

		worst = status > worst ? status : worst;
	}
	root_close(&fleet);
	*ret_status = worst;
	return request->json ? print_json(subject, audits, around->out, err) : 0;
}

int audit_efi(const struct request *request, const struct surroundings *around, int *ret_status,
	      struct err *err)
{
	struct subject subject CLEANUP(subject_done) = { 0 };
	struct finding finding CLEANUP(finding_done) = { 0 };
	bool of_machine = !request->audit_log && !request->audit_all;

	/* Privileges are for this machine's map. Kernels and logs are not trusted. */
	if (of_machine && map_of_machine(&around->root, &finding, err))
		return -1;
	ops_keep_only(around->ops, PRIVILEGE_FILES);
	if (open_subject(request, &subject, err))
		return -1;
	if (request->audit_all)
		return audit_all(request, around, &subject, ret_status, err);
	if (request->audit_log && map_of_file(request->audit_log, &finding, err))
		return -1;
	return audit_one(request, around, &subject, &finding, ret_status, err);
}
