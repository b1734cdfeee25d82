/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/grubcfg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/grubscript.h"
#include "kexec/core/num.h"

enum { NOWHERE = BOOT_ENTRIES_MAX * 2 + 1 };

/* Whether a command is run; MAYBE: that is unknown. */
enum mode { SKIP, MAYBE, RUN };

/* A line of a menu: an entry, or a submenu, whose lines have it as their parent. */
struct node {
	struct boot_entry entry;
	bool is_submenu, is_bls;
	bool is_maybe; /* it may be missing, and those behind it have another number */
	size_t parent, number;
	struct grub_script body;
	struct grub_env *env; /* owned; of a submenu */
	const char *other;    /* a command that starts something else than Linux */
};

struct function {
	struct bytes name;
	struct grub_script body;
	bool is_maybe; /* it may be another one, or none */
};

struct machine {
	const struct grubcfg_input *input;
	struct grub_env top;
	struct grub_env *env;		    /* in which commands are run */
	const struct grub_words *arguments; /* of the function that is run; NULL: unknown */
	bool in_function;
	struct function *function;
	size_t nr_functions, functions_room;
	struct node *node;
	size_t nr_nodes, nodes_room;
	size_t menu;	    /* the submenu whose lines are made, or NOWHERE */
	size_t entry;	    /* the entry whose commands are run, or NOWHERE */
	enum mode cap;	    /* MAYBE or SKIP behind a `return` or `boot` */
	bool is_started;    /* by a `boot`, in whatever function */
	bool in_loop;	    /* nothing is known of how often */
	struct err unknown; /* why there may be more lines than are known; code 0: there are not */
	bool has_blscfg;
	size_t nr_files;	       /* that were asked for */
	char *path[GRUBCFG_FILES_MAX]; /* of those that are sourced */
	size_t nr_paths;
	unsigned int depth;
	size_t commands, work;
};

static void machine_done(struct machine *machine)
{
	for (size_t i = 0; i < machine->nr_nodes; i++) {
		boot_entry_done(&machine->node[i].entry);
		if (machine->node[i].env)
			grub_env_done(machine->node[i].env);
		free(machine->node[i].env);
	}
	for (size_t i = 0; i < machine->nr_paths; i++)
		free(machine->path[i]);
	free(machine->node);
	free(machine->function);
	grub_env_done(&machine->top);
}

static bool is_one_of(const char *text, const char *const *list)
{
	while (*list && strcmp(text, *list))
		list++;
	return *list;
}

static enum mode lower(enum mode a, enum mode b)
{
	return a < b ? a : b;
}

static const char *after(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) ? NULL : text + strlen(prefix);
}

/* --- what cannot be known ------------------------------------------------ */

static int at_line(const struct grub_script *script, struct err *err)
{
	return err_prefix(err, "/%s:%u", script->path, script->line);
}

/* The entry whose commands are run is refused: where, and why. */
static int refuse(struct machine *machine, const struct grub_script *script, struct err *why,
		  struct err *err)
{
	at_line(script, why);
	return boot_entry_refuse(&machine->node[machine->entry].entry, why, err);
}

/* What a file would do that is not known: any variable may have another value behind it.
 * command: one that may add to the menu, or start something, too, or NULL. */
static int forget(struct machine *machine, const struct grub_script *script, const char *command,
		  struct err *err)
{
	const struct grub_env *outer = machine->env->outer;
	bool is_menu = machine->env->is_menu;
	struct err why;

	grub_env_done(machine->env);
	*machine->env =
		(struct grub_env){ .outer = outer, .is_menu = is_menu, .is_forgotten = true };
	if (command && machine->entry != NOWHERE) {
		err_set(&why, ERR_INPUT, "what `%.40s` runs is not known", command);
		return refuse(machine, script, &why, err);
	}
	if (command && machine->menu == NOWHERE && !machine->unknown.code) {
		err_set(&machine->unknown, ERR_INPUT, "what `%.40s` adds to the menu is not known",
			command);
		at_line(script, &machine->unknown);
	}
	return grub_set(machine->env, text_bytes("prefix"), "(prefix)", err);
}

static int assign(struct machine *machine, struct bytes name, const char *value, enum mode mode,
		  struct err *err)
{
	const char *now = grub_get(machine->env, name);

	if (mode == SKIP)
		return 0;
	if (machine->in_loop || (mode == MAYBE && !(now && value && !strcmp(now, value))))
		value = NULL;
	return grub_set(machine->env, name, value, err);
}

/* A script may be short and call its functions without end. */
static int add_work(struct machine *machine, const struct grub_script *script, size_t size,
		    struct err *err)
{
	machine->work += size;
	if (machine->commands <= GRUBCFG_COMMANDS_MAX && machine->work <= GRUBCFG_WORK_MAX)
		return 0;
	err_set(err, ERR_INPUT, "more than %d commands or %d characters are run",
		GRUBCFG_COMMANDS_MAX, GRUBCFG_WORK_MAX);
	return at_line(script, err);
}

static size_t count_variables(const struct machine *machine)
{
	size_t count = 0;

	for (const struct grub_env *env = machine->env; env; env = env->outer)
		count += env->count;
	return count;
}

/* Every variable in a word is looked for among all. */
static int add_look_ups(struct machine *machine, const struct grub_script *script,
			struct bytes word, struct err *err)
{
	size_t count = 0;

	for (size_t i = 0; i < word.size; i++)
		count += word.data[i] == '$';
	return add_work(machine, script, count * count_variables(machine), err);
}

/* --- files --------------------------------------------------------------- */

/* As grubcfg_input.find() knows it; NULL: it is on a file system that is not known, or that was
 * searched for, which is another one than GRUB's. */
static const char *file_name(const struct machine *machine, const char *path)
{
	const char *root = grub_get(machine->env, text_bytes("root"));

	const char *here =
		*path == '/' && root && !strcmp(root, "here") ? path : after(path, "(here)");

	/* "(here)512+1" are blocks of the disk. */
	return after(path, "(prefix)/") ?: here && *here == '/' ? here : NULL;
}

static enum grub_truth is_there(void *context, const char *path)
{
	const struct machine *machine = context;
	const struct grubcfg_input *input = machine->input;
	const char *name = file_name(machine, path);

	if (!name)
		return GRUB_UNKNOWN;
	if (!input->find(input->context, name, NULL))
		return GRUB_FALSE;
	/* Of two file systems it may be on the other one. */
	return *name == '/' ? GRUB_UNKNOWN : GRUB_TRUE;
}

/* The block of variables that grub-editenv keeps: lines NAME=VALUE. */
static int load_env(struct machine *machine, const struct grub_script *script,
		    const struct grub_words *words, enum mode mode, struct err *err)
{
	const struct grubcfg_input *input = machine->input;
	const char *path = "(prefix)/grubenv";
	struct bytes rest, line;
	size_t first = 1;

	for (; first < words->count && *words->word[first].text == '-'; first++) {
		const char *option = words->word[first].text;

		if (after(option, "--file="))
			path = after(option, "--file=");
		else if ((!strcmp(option, "-f") || !strcmp(option, "--file")) &&
			 first + 1 < words->count)
			path = words->word[++first].text;
	}
	if (words->unknown[0] || !file_name(machine, path) ||
	    machine->nr_files == GRUBCFG_FILES_MAX)
		return forget(machine, script, /* command= */ NULL, err);
	machine->nr_files++;
	if (!input->find(input->context, file_name(machine, path), &rest))
		return 0;
	while (bytes_next_line(&rest, &line)) {
		char *value CLEANUP(text_done) = NULL;
		const uint8_t *equals = line.size ? memchr(line.data, '=', line.size) : NULL;
		struct bytes name = { line.data, equals ? (size_t)(equals - line.data) : 0 };
		bool is_wanted = first == words->count;

		if (add_work(machine, script, line.size + words->count + count_variables(machine),
			     err))
			return -1;
		for (size_t i = first; i < words->count; i++)
			is_wanted |= bytes_are(name, words->word[i].text);
		if (!name.size || name.data[0] == '#' || !is_wanted)
			continue;
		if (boot_text((struct bytes){ equals + 1, line.size - name.size - 1 }, &value,
			      err) ||
		    assign(machine, name, value, mode, err))
			return -1;
	}
	return 0;
}

static int run_all(struct machine *machine, struct grub_script *script, enum mode mode,
		   struct err *err);

static int source(struct machine *machine, const struct grub_script *script,
		  const struct grub_words *words, enum mode mode, struct err *err)
{
	const struct grubcfg_input *input = machine->input;
	const char *name = words->count == 2 && !words->unknown[0]
				   ? file_name(machine, words->word[1].text)
				   : NULL;
	const char *slash = strrchr(input->path, '/');
	struct grub_script file = { .line = 1 };
	char *path = NULL;

	if (!name || machine->nr_files == GRUBCFG_FILES_MAX)
		return forget(machine, script, "source", err);
	machine->nr_files++;
	if (!input->find(input->context, name, &file.text))
		return 0;
	if (asprintf(&path, "%.*s%s", *name == '/' || !slash ? 0 : (int)(slash + 1 - input->path),
		     input->path, name + (*name == '/')) < 0)
		return err_no_memory(err);
	machine->path[machine->nr_paths++] = path;
	file.path = path;
	return run_all(machine, &file, mode, err);
}

/* --- commands of entries ------------------------------------------------- */

/* "(uuid:...)/vmlinuz": where GRUB finds it; *ret_path points into `word`. */
static int split_device(struct machine *machine, const char *word, char **ret_device,
			const char **ret_path, struct err *why)
{
	const char *end = *word == '(' ? strchr(word, ')') : NULL;
	const char *device = end ? word + 1 : grub_get(machine->env, text_bytes("root"));
	size_t length = end ? (size_t)(end - device) : device ? strlen(device) : 0;

	*ret_path = end ? end + 1 : word;
	if (!device)
		return err_set(why, ERR_INPUT, "$root cannot be told");
	if (length == 4 && !memcmp(device, "here", 4))
		length = 0;
	else if (!after(device, "uuid:") && !after(device, "label:"))
		return err_set(why, ERR_INPUT,
			       "\"%.*s\" is a file system by GRUB's own numbers: the entry has to "
			       "`search` it by its UUID",
			       (int)num_min(length, 100), device);
	if (**ret_path != '/')
		return err_set(why, ERR_INPUT, "\"%.100s\" is not a path", *ret_path);
	return boot_text((struct bytes){ (const uint8_t *)device, length }, ret_device, why);
}

/* As GRUB makes one line of words: where there is a space in one, quotes go around it. */
static int join_words(const struct grub_words *words, size_t first, char **ret, struct err *err)
{
	struct buf line CLEANUP(buf_done) = { 0 };

	for (size_t i = first; i < words->count; i++) {
		const char *text = words->word[i].text;
		bool quoted = strchr(text, ' ');

		if ((i > first && buf_append(&line, " ", 1, err)) ||
		    (quoted && buf_append(&line, "\"", 1, err)))
			return -1;
		for (; *text; text++)
			if ((strchr("\\'\"", *text) && buf_append(&line, "\\", 1, err)) ||
			    buf_append(&line, text, 1, err))
				return -1;
		if (quoted && buf_append(&line, "\"", 1, err))
			return -1;
	}
	return boot_text(buf_bytes(&line), ret, err);
}

static int check_words(const struct grub_words *words, enum mode mode, struct err *why)
{
	if (mode == MAYBE)
		return err_set(why, ERR_INPUT,
			       "whether `%.40s` is run depends on a condition that cannot be told",
			       words->word[0].text);
	if (words->unknown[0])
		return err_set(why, ERR_INPUT, "what $%s has cannot be told", words->unknown);
	if (words->count < 2)
		return err_set(why, ERR_INPUT, "`%.40s` names no file", words->word[0].text);
	return 0;
}

static int set_kernel(struct machine *machine, const struct grub_words *words, enum mode mode,
		      struct err *why)
{
	struct boot_entry *entry = &machine->node[machine->entry].entry;
	const char *path;

	if (check_words(words, mode, why) ||
	    split_device(machine, words->word[1].text, &entry->device, &path, why) ||
	    boot_text(text_bytes(path), &entry->kernel, why))
		return -1;
	/* Whatever was named before is gone with a new `linux` or `initrd`. */
	boot_entry_forget_initrds(entry);
	return join_words(words, 2, &entry->options, why);
}

static int set_initrds(struct machine *machine, const struct grub_words *words, enum mode mode,
		       struct err *why)
{
	struct boot_entry *entry = &machine->node[machine->entry].entry;

	if (check_words(words, mode, why))
		return -1;
	if (!entry->kernel)
		return err_set(why, ERR_INPUT, "`%.40s` comes before the kernel that it is for",
			       words->word[0].text);
	boot_entry_forget_initrds(entry);
	for (size_t i = 1; i < words->count; i++) {
		char *device CLEANUP(text_done) = NULL;
		const char *path;

		if (split_device(machine, words->word[i].text, &device, &path, why))
			return -1;
		if (strcmp(device, entry->device))
			return err_set(why, ERR_INPUT,
				       "the initrd is on another file system than the kernel");
		if (boot_entry_add_initrd(entry, text_bytes(path), why))
			return -1;
	}
	return 0;
}

/* A key's value in an entry of blscfg, in which variables are expanded. */
static int expand_bls(struct machine *machine, const char *value, struct grub_words *ret,
		      struct err *why)
{
	struct grub_script script = { .text = text_bytes(value), .line = 1 };
	enum grub_token token;
	struct bytes word;

	while ((token = grub_next(&script, &word)) == GRUB_WORD)
		if (grub_expand(word, machine->env, /* arguments= */ NULL, ret, why))
			return -1;
	if (token != GRUB_END)
		return err_set(why, ERR_INPUT, "\"%.100s\" is not understood", value);
	if (ret->unknown[0])
		return err_set(why, ERR_INPUT, "what $%s has cannot be told", ret->unknown);
	return 0;
}

static bool is_empty(const struct machine *machine, const char *variable)
{
	const char *value = grub_get(machine->env, text_bytes(variable));

	return value && !*value;
}

static int fill_bls(struct machine *machine, struct boot_entry *entry, struct err *why)
{
	const char *added = !is_empty(machine, "early_initrd") ? "early_initrd"
			    : !*entry->options && !is_empty(machine, "default_kernelopts")
				    ? "default_kernelopts"
				    : NULL;
	struct grub_words initrds CLEANUP(grub_words_done) = { 0 };
	struct grub_words options CLEANUP(grub_words_done) = { 0 };
	struct grub_words kernel CLEANUP(grub_words_done) = { 0 };

	if (added)
		return err_set(why, ERR_INPUT, "what blscfg makes of $%s is not known", added);
	for (size_t i = 0; i < entry->nr_initrds; i++)
		if (expand_bls(machine, entry->initrd[i], &initrds, why))
			return -1;
	if (expand_bls(machine, entry->kernel, &kernel, why) ||
	    expand_bls(machine, entry->options, &options, why) ||
	    join_words(&kernel, 0, &entry->kernel, why) ||
	    join_words(&options, 0, &entry->options, why))
		return -1;
	boot_entry_forget_initrds(entry);
	for (size_t i = 0; i < initrds.count; i++)
		if (boot_entry_add_initrd(entry, text_bytes(initrds.word[i].text), why))
			return -1;
	return 0;
}

/* --- the menu ------------------------------------------------------------ */

/* Takes node->entry, on failure, too. */
static int add_node(struct machine *machine, struct node *node, struct err *err)
{
	const struct node *parent = machine->menu == NOWHERE ? NULL : &machine->node[machine->menu];
	unsigned int depth = 0;
	struct boot_entry entry CLEANUP(boot_entry_done) = node->entry;

	node->parent = machine->menu;
	node->number = 0;
	for (size_t i = 0; i < machine->nr_nodes; i++)
		node->number += machine->node[i].parent == machine->menu;
	free(entry.place);
	if (asprintf(&entry.place, "%s%s%zu", parent ? parent->entry.place : "", parent ? ">" : "",
		     node->number) < 0) {
		entry.place = NULL;
		return err_no_memory(err);
	}
	for (size_t i = machine->menu; i != NOWHERE; i = machine->node[i].parent)
		depth++;
	if (depth > GRUBCFG_DEPTH_MAX)
		return err_set(err, ERR_INPUT,
			       "more than %d blocks, functions, files or menus in one another",
			       GRUBCFG_DEPTH_MAX);
	if (machine->nr_nodes == BOOT_ENTRIES_MAX)
		return err_set(err, ERR_INPUT, "there are more than %d boot entries",
			       BOOT_ENTRIES_MAX);
	if (array_grow(&machine->node, &machine->nodes_room, machine->nr_nodes, sizeof(*node), err))
		return -1;
	node->entry = entry;
	entry = (struct boot_entry){ 0 };
	machine->node[machine->nr_nodes++] = *node;
	return 0;
}

static int add_bls(struct machine *machine, const struct grub_script *script,
		   const struct grub_words *words, enum mode mode, struct err *err)
{
	struct boot_entries *bls = machine->input->bls;

	if (words->count > 1 || !is_empty(machine, "blsdir"))
		return forget(machine, script, "blscfg ...", err);
	if (machine->has_blscfg)
		return 0;
	machine->has_blscfg = true;
	for (size_t i = 0; i < bls->count; i++) {
		struct node node = { .entry = bls->entry[i],
				     .is_bls = true,
				     .is_maybe = mode == MAYBE };
		struct err why;

		bls->entry[i] = (struct boot_entry){ 0 };
		if (!node.entry.why && fill_bls(machine, &node.entry, &why)) {
			err_prefix(&why, "/%s", node.entry.source);
			if (boot_entry_refuse(&node.entry, &why, err)) {
				boot_entry_done(&node.entry);
				return -1;
			}
		}
		if (add_node(machine, &node, err))
			return -1;
	}
	return 0;
}

/* menuentry and submenu: title, and options, of which --id is of use. */
static int define(struct machine *machine, const struct grub_script *at,
		  const struct grub_words *words, struct grub_script body, enum mode mode,
		  struct err *err)
{
	static const char *const with_value[] = { "--class", "--users", "--hotkey", "--source",
						  NULL };
	const char *title = NULL, *id = NULL;
	struct node node = { .is_submenu = !strcmp(words->word[0].text, "submenu"),
			     .is_maybe = mode == MAYBE,
			     .body = body };
	struct err why;

	for (size_t i = 1; i < words->count; i++) {
		const char *text = words->word[i].text;

		if (!strcmp(text, "--id") && i + 1 < words->count)
			id = words->word[++i].text;
		else if (after(text, "--id="))
			id = after(text, "--id=");
		else if (is_one_of(text, with_value))
			i++;
		else if (*text != '-' && !title)
			title = text;
	}
	if (boot_text(text_bytes(title ?: ""), &node.entry.title, err) ||
	    boot_text(text_bytes(id ?: title ?: ""), &node.entry.id, err) ||
	    boot_text(text_bytes(at->path), &node.entry.source, err) ||
	    boot_text(text_bytes(""), &node.entry.options, err)) {
		boot_entry_done(&node.entry);
		return -1;
	}
	node.entry.line = at->line;
	if (words->unknown[0]) {
		err_set(&why, ERR_INPUT, "what $%s has cannot be told", words->unknown);
		at_line(at, &why);
		if (boot_entry_refuse(&node.entry, &why, err)) {
			boot_entry_done(&node.entry);
			return -1;
		}
	}
	return add_node(machine, &node, err);
}

/* --- commands ------------------------------------------------------------ */

/* search: a variable becomes the file system of that UUID or label. */
static int search(struct machine *machine, const struct grub_words *words, enum mode mode,
		  struct err *err)
{
	const char *kind = NULL, *what = NULL, *variable = "root";
	char value[300];
	bool known = !words->unknown[0];

	if (after(words->word[0].text, "search.") || after(words->word[0].text, "search_")) {
		kind = words->word[0].text + strlen("search.");
		what = words->count > 1 ? words->word[1].text : NULL;
		variable = words->count > 2 ? words->word[2].text : variable;
	}
	for (size_t i = 1; !kind && i < words->count; i++) {
		const char *text = words->word[i].text;

		if (after(text, "--set="))
			variable = after(text, "--set=");
		else if (!strcmp(text, "--hint"))
			i++;
		else if (*text != '-')
			what = text;
	}
	for (size_t i = 1; !kind && i < words->count; i++) {
		const char *text = words->word[i].text;

		if (!strcmp(text, "-u") || !strcmp(text, "--fs-uuid"))
			kind = "fs_uuid";
		else if (!strcmp(text, "-l") || !strcmp(text, "--label"))
			kind = "fs_label";
	}
	known = known && kind && what && (!strcmp(kind, "fs_uuid") || !strcmp(kind, "fs_label"));
	if (known)
		snprintf(value, sizeof(value), "%s:%.256s",
			 !strcmp(kind, "fs_uuid") ? "uuid" : "label", what);
	return assign(machine, text_bytes(variable), known ? value : NULL, mode, err);
}

/* What a command that is not known may have done to variables that it names. */
static int taint(struct machine *machine, const struct grub_words *words, enum mode mode,
		 struct err *err)
{
	static const char *const harmless[] = { "acpi",
						"background_color",
						"background_image",
						"clear",
						"cutmem",
						"echo",
						"fwsetup",
						"gfxmode",
						"insmod",
						"keymap",
						"keystatus",
						"loadfont",
						"password",
						"password_pbkdf2",
						"play",
						"rmmod",
						"save_env",
						"savedefault",
						"serial",
						"sleep",
						"terminal_input",
						"terminal_output",
						"terminfo",
						"trust",
						NULL };

	if (is_one_of(words->word[0].text, harmless))
		return 0;
	for (size_t i = 1; i < words->count; i++) {
		const char *text = words->word[i].text, *name = text;

		for (; *text; text++)
			if (*text == '=' || *text == ':')
				name = text + 1;
		if (*name && *name != '-' && assign(machine, text_bytes(name), NULL, mode, err))
			return -1;
	}
	return 0;
}

static int call(struct machine *machine, const struct grub_script *at,
		const struct function *function, const struct grub_words *words, enum mode mode,
		struct err *err)
{
	const struct grub_words *arguments = machine->arguments;
	struct grub_script body = function->body;
	bool in_function = machine->in_function;
	enum mode cap = machine->cap;
	int failed;

	if (add_work(machine, at, body.text.size - body.at, err))
		return -1;
	machine->arguments = words;
	machine->in_function = true;
	failed = run_all(machine, &body, mode, err);
	machine->arguments = arguments;
	machine->in_function = in_function;
	if (!machine->is_started)
		machine->cap = cap;
	return failed;
}

static const struct function *find_function(const struct machine *machine, const char *name)
{
	for (size_t i = machine->nr_functions; i--;)
		if (bytes_are(machine->function[i].name, name))
			return &machine->function[i];
	return NULL;
}

/* `set` without an argument prints; NAME=VALUE as a command is `set` as well. */
static int set(struct machine *machine, const struct grub_word *word, enum mode mode,
	       struct err *err)
{
	const char *equals = strchr(word->text, '=');

	if (!equals)
		return 0;
	return assign(machine,
		      (struct bytes){ (const uint8_t *)word->text, (size_t)(equals - word->text) },
		      word->is_unknown ? NULL : equals + 1, mode, err);
}

static bool is_assignment(const char *word)
{
	size_t length =
		strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	return length && word[length] == '=';
}

/* A command of an entry that says what to start; *ret_taken false: it is none. */
static int load(struct machine *machine, const struct grub_script *at,
		const struct grub_words *words, enum mode mode, bool *ret_taken, struct err *err)
{
	static const char *const kernels[] = { "linux", "linuxefi", "linux16", NULL };
	static const char *const initrds[] = { "initrd", "initrdefi", "initrd16", NULL };
	static const char *const others[] = {
		"chainloader", "configfile", "multiboot", "multiboot2", "xen_hypervisor",
		"kfreebsd",    "knetbsd",    "kopenbsd",  "ntldr",	"freedos",
		"plan9",       "truecrypt",  "linux_xen", "bls_import", "uki",
		"efi",	       NULL
	};
	const char *name = words->word[0].text;
	bool is_kernel = is_one_of(name, kernels), is_initrd = is_one_of(name, initrds);
	struct err why;

	*ret_taken = is_kernel || is_initrd || is_one_of(name, others);
	if (!*ret_taken || machine->entry == NOWHERE)
		return 0;
	if (!is_kernel && !is_initrd) {
		for (size_t i = 0; others[i]; i++)
			if (!strcmp(name, others[i]))
				machine->node[machine->entry].other = others[i];
		return 0;
	}
	if ((is_kernel ? set_kernel : set_initrds)(machine, words, mode, &why))
		return refuse(machine, at, &why, err);
	return 0;
}

/* Before the menu is there, or, of a submenu, when it is opened. */
static int start_early(struct machine *machine, const struct grub_script *at, const char *command,
		       struct err *err)
{
	if (machine->menu != NOWHERE)
		return forget(machine, at, command, err);
	if (machine->unknown.code)
		return 0;
	err_set(&machine->unknown, ERR_INPUT, "`%.40s` may start something before the menu",
		command);
	at_line(at, &machine->unknown);
	return 0;
}

static int execute(struct machine *machine, const struct grub_script *at,
		   const struct grub_words *words, enum mode mode, enum grub_truth *ret_result,
		   struct err *err)
{
	static const char *const menus[] = { "configfile",
					     "normal",
					     "normal_exit",
					     "eval",
					     "uki",
					     "bls_import",
					     "legacy_configfile",
					     "legacy_source",
					     "syslinux_configfile",
					     "syslinux_source",
					     "extract_entries_source",
					     "extract_entries_configfile",
					     "extract_legacy_entries_source",
					     "extract_legacy_entries_configfile",
					     "extract_syslinux_entries_source",
					     "extract_syslinux_entries_configfile",
					     NULL };
	static const char *const starters[] = {
		"boot", "exit", "halt", "poweroff", "reboot", NULL
	};
	const struct grub_word *first = words->word;
	const struct function *function;
	const char *name = first->text;
	bool taken;

	*ret_result = GRUB_UNKNOWN;
	function = find_function(machine, name);
	if ((first->is_unknown && !is_assignment(name)) || (function && function->is_maybe))
		return forget(machine, at, name, err);
	if (function)
		return call(machine, at, function, words, mode, err);
	if (!strcmp(name, "[") || !strcmp(name, "test")) {
		if (!machine->in_loop)
			*ret_result = grub_test(words, 1, is_there, machine);
		return 0;
	}
	if (!strcmp(name, "true") || !strcmp(name, "false")) {
		*ret_result = *name == 't' ? GRUB_TRUE : GRUB_FALSE;
		return 0;
	}
	if (is_assignment(name))
		return set(machine, first, mode, err);
	if (!strcmp(name, "set"))
		return words->count > 1 ? set(machine, first + 1, mode, err) : 0;
	if (!strcmp(name, "unset") || !strcmp(name, "export")) {
		for (size_t i = 1; i < words->count; i++) {
			struct bytes variable = text_bytes(words->word[i].text);

			if (*name == 'u' ? assign(machine, variable, "", mode, err)
					 : grub_export(machine->env, variable, err))
				return -1;
		}
		return 0;
	}
	if (!strcmp(name, "load_env"))
		return load_env(machine, at, words, mode, err);
	if (!strcmp(name, "source") || !strcmp(name, "."))
		return source(machine, at, words, mode, err);
	if (!strcmp(name, "search") || after(name, "search.") || after(name, "search_"))
		return search(machine, words, mode, err);
	/* Outside of functions it does nothing; what is behind `boot` is too late. */
	if ((!strcmp(name, "return") && machine->in_function) ||
	    (!strcmp(name, "boot") && machine->entry != NOWHERE)) {
		machine->is_started |= *name == 'b';
		machine->cap = lower(machine->cap, mode == RUN ? SKIP : MAYBE);
		return 0;
	}
	if (!strcmp(name, "shift") || !strcmp(name, "setparams")) {
		machine->arguments = NULL;
		return 0;
	}
	if (is_one_of(name, starters) && machine->entry == NOWHERE)
		return start_early(machine, at, name, err);
	if (load(machine, at, words, mode, &taken, err))
		return -1;
	if (taken && machine->entry != NOWHERE)
		return 0;
	if (!strcmp(name, "blscfg"))
		return machine->entry == NOWHERE ? add_bls(machine, at, words, mode, err) : 0;
	if (is_one_of(name, menus))
		return forget(machine, at, name, err);
	return taint(machine, words, mode, err);
}

/* --- control ------------------------------------------------------------- */

enum keyword {
	NO_KEYWORD,
	IF,
	THEN,
	ELIF,
	ELSE,
	FI,
	FOR,
	WHILE,
	UNTIL,
	DO,
	DONE,
	FUNCTION,
	BLOCK_END,
	END
};

static const char *const keywords[] = {
	[IF] = "if",	   [THEN] = "then", [ELIF] = "elif",	     [ELSE] = "else",
	[FI] = "fi",	   [FOR] = "for",   [WHILE] = "while",	     [UNTIL] = "until",
	[DO] = "do",	   [DONE] = "done", [FUNCTION] = "function", [BLOCK_END] = "}",
	[END] = "its end",
};

static enum keyword keyword_of(struct bytes word)
{
	for (enum keyword i = IF; i <= FUNCTION; i++)
		if (bytes_are(word, keywords[i]))
			return i;
	return NO_KEYWORD;
}

static int not_a_script(const struct grub_script *script, struct err *err)
{
	err_set(err, ERR_INPUT, "not understood as a script of GRUB's");
	return at_line(script, err);
}

static int run_list(struct machine *machine, struct grub_script *script, enum mode mode,
		    enum keyword *ret_end, enum grub_truth *ret_last, struct err *err);

static int expect(struct machine *machine, struct grub_script *script, enum mode mode,
		  enum keyword wanted, struct err *err)
{
	enum grub_truth ignored;
	enum keyword end;

	if (run_list(machine, script, mode, &end, &ignored, err))
		return -1;
	return end == wanted ? 0 : not_a_script(script, err);
}

/* To the end of a file or of a block that was cut out. */
static int run_all(struct machine *machine, struct grub_script *script, enum mode mode,
		   struct err *err)
{
	return expect(machine, script, mode, END, err);
}

static int run_if(struct machine *machine, struct grub_script *script, enum mode mode,
		  struct err *err)
{
	/* Of the branches that follow. */
	enum mode chance = mode;
	enum grub_truth truth;
	enum keyword end;

	do {
		enum mode branch;

		if (run_list(machine, script, chance, &end, &truth, err))
			return -1;
		if (end != THEN)
			return not_a_script(script, err);
		branch = truth == GRUB_TRUE    ? chance
			 : truth == GRUB_FALSE ? SKIP
					       : lower(chance, MAYBE);
		if (run_list(machine, script, branch, &end, &(enum grub_truth){ 0 }, err))
			return -1;
		chance = truth == GRUB_TRUE    ? SKIP
			 : truth == GRUB_FALSE ? chance
					       : lower(chance, MAYBE);
	} while (end == ELIF);
	if (end == ELSE)
		return expect(machine, script, chance, FI, err);
	return end == FI ? 0 : not_a_script(script, err);
}

static int run_loop(struct machine *machine, struct grub_script *script, enum keyword kind,
		    enum mode mode, struct err *err)
{
	bool in_loop = machine->in_loop;
	struct bytes word;
	int failed = 0;

	machine->in_loop = true;
	mode = lower(mode, MAYBE);
	if (kind == FOR) {
		if (grub_next(script, &word) != GRUB_WORD)
			return not_a_script(script, err);
		failed = assign(machine, word, NULL, mode, err);
		while (!failed && grub_next(script, &word) == GRUB_WORD)
			;
	}
	failed = failed || expect(machine, script, mode, DO, err) ||
		 expect(machine, script, mode, DONE, err);
	machine->in_loop = in_loop;
	return failed ? -1 : 0;
}

/* What is between the "{" that was read and its "}". */
static int cut_block(struct grub_script *script, struct grub_script *ret, struct err *err)
{
	unsigned int depth = 1;
	struct bytes word;
	size_t end;

	*ret = *script;
	while (depth) {
		end = script->at;
		switch (grub_next(script, &word)) {
		case GRUB_OPEN:
			depth++;
			break;
		case GRUB_CLOSE:
			depth--;
			break;
		case GRUB_END:
		case GRUB_BAD:
			return not_a_script(script, err);
		default:
			break;
		}
	}
	ret->text.size = end;
	return 0;
}

static int define_function(struct machine *machine, struct grub_script *script, enum mode mode,
			   struct err *err)
{
	struct function function;
	struct bytes ignored;
	enum grub_token token;

	if (grub_next(script, &function.name) != GRUB_WORD)
		return not_a_script(script, err);
	do
		token = grub_next(script, &ignored);
	while (token == GRUB_SEPARATOR);
	if (token != GRUB_OPEN)
		return not_a_script(script, err);
	if (cut_block(script, &function.body, err))
		return -1;
	if (mode == SKIP)
		return 0;
	function.is_maybe = mode == MAYBE;
	if (machine->nr_functions == GRUBCFG_VARIABLES_MAX)
		return err_set(err, ERR_INPUT, "there are more than %d functions",
			       GRUBCFG_VARIABLES_MAX);
	if (array_grow(&machine->function, &machine->functions_room, machine->nr_functions,
		       sizeof(function), err))
		return -1;
	machine->function[machine->nr_functions++] = function;
	return 0;
}

static int run_command(struct machine *machine, struct grub_script *script, struct bytes word,
		       enum mode mode, enum grub_truth *ret_result, struct err *err)
{
	struct grub_words words CLEANUP(grub_words_done) = { 0 };
	bool has_block = bytes_are(word, "menuentry") || bytes_are(word, "submenu");
	const struct grub_script at = *script;
	struct grub_script body;
	enum grub_token token;

	machine->commands++;
	do {
		if (mode != SKIP) {
			if (add_look_ups(machine, &at, word, err))
				return -1;
			if (grub_expand(word, machine->env, machine->arguments, &words, err))
				return at_line(script, err);
		}
		token = grub_next(script, &word);
	} while (token == GRUB_WORD);
	if (add_work(machine, &at, words.size, err))
		return -1;
	/* A "}" in the same line ends the block that the command stands in. */
	if (token == GRUB_CLOSE && !has_block)
		script->at--;
	else if ((token == GRUB_OPEN) != has_block || token == GRUB_BAD || token == GRUB_CLOSE)
		return not_a_script(script, err);
	if (has_block && cut_block(script, &body, err))
		return -1;
	if (mode == SKIP || !words.count)
		return 0;
	if (!has_block)
		return execute(machine, &at, &words, mode, ret_result, err);
	return machine->entry == NOWHERE ? define(machine, &at, &words, body, mode, err) : 0;
}

/* Commands up to a keyword that begins none. */
static int run_list(struct machine *machine, struct grub_script *script, enum mode wanted,
		    enum keyword *ret_end, enum grub_truth *ret_last, struct err *err)
{
	*ret_last = GRUB_UNKNOWN;
	if (++machine->depth > GRUBCFG_DEPTH_MAX) {
		err_set(err, ERR_INPUT,
			"more than %d blocks, functions, files or menus in one another",
			GRUBCFG_DEPTH_MAX);
		return at_line(script, err);
	}
	for (;;) {
		enum mode mode = lower(wanted, machine->cap);
		struct bytes word = { NULL, 0 };
		enum grub_token token = grub_next(script, &word);
		enum keyword keyword = token == GRUB_WORD ? keyword_of(word) : NO_KEYWORD;
		int failed = 0;

		if (token == GRUB_SEPARATOR)
			continue;
		if (token == GRUB_BAD)
			return not_a_script(script, err);
		if (token == GRUB_END || token == GRUB_CLOSE)
			keyword = token == GRUB_END ? END : BLOCK_END;
		switch (keyword) {
		case NO_KEYWORD:
			failed = token == GRUB_OPEN
					 ? expect(machine, script, mode, BLOCK_END, err)
					 : run_command(machine, script, word, mode, ret_last, err);
			break;
		case IF:
			*ret_last = GRUB_UNKNOWN;
			failed = run_if(machine, script, mode, err);
			break;
		case FOR:
		case WHILE:
		case UNTIL:
			*ret_last = GRUB_UNKNOWN;
			failed = run_loop(machine, script, keyword, mode, err);
			break;
		case FUNCTION:
			failed = define_function(machine, script, mode, err);
			break;
		case THEN:
		case ELIF:
		case ELSE:
		case FI:
		case DO:
		case DONE:
		case BLOCK_END:
		case END:
			machine->depth--;
			*ret_end = keyword;
			return 0;
		}
		if (failed)
			return -1;
	}
}

/* --- the whole ----------------------------------------------------------- */

/* What is started when an entry is chosen, or which lines a submenu has. */
static int run_node(struct machine *machine, size_t index, struct err *err)
{
	struct node *node = &machine->node[index];
	struct grub_env env CLEANUP(grub_env_done) = { 0 };
	struct grub_script body = node->body;
	struct err why;
	int failed;

	env.outer = node->parent == NOWHERE ? &machine->top : machine->node[node->parent].env;
	env.is_menu = node->is_submenu;
	machine->env = &env;
	machine->cap = RUN;
	machine->is_started = false;
	if (node->is_submenu) {
		node->env = calloc(1, sizeof(*node->env));
		if (!node->env)
			return err_no_memory(err);
		*node->env = env;
		machine->env = node->env;
		machine->menu = index;
		return run_all(machine, &body, node->is_maybe ? MAYBE : RUN, err);
	}
	machine->entry = index;
	failed = run_all(machine, &body, RUN, err);
	machine->entry = NOWHERE;
	if (failed)
		return -1;
	node = &machine->node[index];
	if (node->entry.kernel && !node->other)
		return 0;
	if (node->other)
		err_set(&why, ERR_INPUT, "the entry starts no Linux kernel by itself (`%s`)",
			node->other);
	else
		err_set(&why, ERR_INPUT, "the entry names no Linux kernel");
	err_prefix(&why, "/%s:%u", node->entry.source, node->entry.line);
	return boot_entry_refuse(&node->entry, &why, err);
}

/* The line of a menu that a text names: a number, a title or an id; NOWHERE: there is none. */
static size_t find_line(const struct machine *machine, size_t menu, const char *name)
{
	uint64_t number = UINT64_MAX;
	bool is_number = num_parse(name, strlen(name), 0, &number);

	for (size_t i = 0; i < machine->nr_nodes; i++) {
		const struct node *node = &machine->node[i];

		if (node->parent != menu)
			continue;
		if (is_number
			    ? node->number == number
			    : !strcmp(node->entry.title, name) || boot_id_is(node->entry.id, name))
			return i;
	}
	return NOWHERE;
}

/* Whether all lines of that menu, up to this one, are surely there. */
static bool is_sure(const struct machine *machine, size_t menu, size_t line)
{
	if (menu != NOWHERE && machine->node[menu].env->is_forgotten)
		return false;
	for (size_t i = 0; i <= line; i++)
		if (machine->node[i].parent == menu && machine->node[i].is_maybe)
			return false;
	return true;
}

/* The first part of "A>B", in which ">>" is ">"; *path goes behind it. */
static int next_part(const char **path, char **ret, struct err *err)
{
	struct buf part CLEANUP(buf_done) = { 0 };
	const char *at = *path;

	for (; *at && (*at != '>' || at[1] == '>'); at++) {
		if (buf_append(&part, at, 1, err))
			return -1;
		at += *at == '>';
	}
	*path = *at ? at + 1 : at;
	return boot_text(buf_bytes(&part), ret, err);
}

/* As GRUB does: what names no line is the first one, and of a submenu, too. */
static int choose(const struct machine *machine, size_t *ret, struct err *why, struct err *err)
{
	const char *path = grub_get(&machine->top, text_bytes("default"));
	size_t menu = NOWHERE, line;

	*ret = NOWHERE;
	if (machine->unknown.code) {
		*why = machine->unknown;
		return 0;
	}
	if (!path) {
		err_set(why, ERR_INPUT, "/%s: which entry is the default ($default) cannot be told",
			machine->input->path);
		return 0;
	}
	do {
		char *part CLEANUP(text_done) = NULL;

		if (next_part(&path, &part, err))
			return -1;
		line = find_line(machine, menu, part);
		if (line == NOWHERE)
			line = find_line(machine, menu, "0");
		if (line == NOWHERE) {
			err_set(why, ERR_INPUT, "/%s: the menu is empty", machine->input->path);
			return 0;
		}
		if (!is_sure(machine, menu, line)) {
			err_set(why, ERR_INPUT,
				"/%s:%u: the default cannot be told: whether this or one before is "
				"in the menu depends on a condition that cannot be told",
				machine->node[line].entry.source, machine->node[line].entry.line);
			return 0;
		}
		menu = line;
	} while (machine->node[line].is_submenu);
	*ret = line;
	return 0;
}

/* What is in a submenu comes where that stands. */
static int hand_over(struct machine *machine, size_t menu, size_t chosen, struct boot_entries *ret,
		     struct err *err)
{
	for (size_t i = 0; i < machine->nr_nodes; i++) {
		if (machine->node[i].parent != menu)
			continue;
		if (machine->node[i].is_submenu) {
			if (hand_over(machine, i, chosen, ret, err))
				return -1;
			continue;
		}
		if (i == chosen)
			ret->chosen = ret->count;
		if (boot_entries_add(ret, &machine->node[i].entry, err))
			return -1;
	}
	return 0;
}

static int begin(struct machine *machine, struct err *err)
{
	const char *const variables[][2] = { { "prefix", "(prefix)" },
					     { "config_directory", "(prefix)" },
					     { "root", "here" },
					     { "grub_cpu",
					       machine->input->is_efi ? "x86_64" : "i386" } };

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		if (grub_set(&machine->top, text_bytes(variables[i][0]), variables[i][1], err) ||
		    grub_export(&machine->top, text_bytes(variables[i][0]), err))
			return -1;
	if (grub_set(&machine->top, text_bytes("grub_platform"),
		     machine->input->is_efi ? "efi" : "pc", err))
		return -1;
	return grub_export(&machine->top, text_bytes("grub_platform"), err);
}

int grubcfg_parse(const struct grubcfg_input *input, struct boot_entries *ret, bool *ret_blscfg,
		  struct err *err)
{
	struct machine machine CLEANUP(
		machine_done) = { .input = input, .menu = NOWHERE, .entry = NOWHERE, .cap = RUN };
	struct boot_entries entries CLEANUP(boot_entries_done) = { 0 };
	struct grub_script script = { .text = input->text, .line = 1, .path = input->path };
	size_t chosen;

	machine.env = &machine.top;
	if (begin(&machine, err) || run_all(&machine, &script, RUN, err))
		return -1;
	for (size_t i = 0; i < machine.nr_nodes; i++)
		if (!machine.node[i].is_bls && run_node(&machine, i, err))
			return -1;
	if (choose(&machine, &chosen, &entries.not_chosen, err) ||
	    hand_over(&machine, NOWHERE, chosen, &entries, err))
		return -1;
	*ret_blscfg = machine.has_blscfg;
	*ret = entries;
	entries = (struct boot_entries){ 0 };
	return 0;
}
