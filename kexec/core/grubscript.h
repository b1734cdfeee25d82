/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GRUB's script language below its commands: words, variables, what `test` says. */
#ifndef CORE_GRUBSCRIPT_H
#define CORE_GRUBSCRIPT_H

#include "kexec/core/bytes.h"

/* Borrowed text, and how far it has been read. */
struct grub_script {
	struct bytes text;
	size_t at;
	unsigned int line;
	const char *path;
};

enum grub_token {
	GRUB_END,
	GRUB_WORD,
	GRUB_SEPARATOR,
	GRUB_OPEN,
	GRUB_CLOSE,
	GRUB_BAD, /* a quote that does not end, or what GRUB has no meaning for */
};

/* The next token; of a word what stands there, with its quotes. */
enum grub_token grub_next(struct grub_script *script, struct bytes *ret_word);

/* A value whose text is NULL is unknown. */
struct grub_variable {
	char *name, *value;
	bool is_exported;
};

/* Owned, but for what is outside of it; zero-initialise; release with grub_env_done(). */
struct grub_env {
	struct grub_variable *variable;
	size_t count, room;
	const struct grub_env *outer; /* what is not here is looked for there */
	bool is_menu;		      /* of a submenu: only what is exported comes from outside */
	bool is_forgotten;	      /* what is not here is unknown */
};

void grub_env_done(struct grub_env *env);
/* What the variable has: "" if it has never been set; NULL: unknown. Borrowed. */
const char *grub_get(const struct grub_env *env, struct bytes name);
/* value NULL: unknown. ERR_INPUT for more variables than GRUBCFG_VARIABLES_MAX. */
int grub_set(struct grub_env *env, struct bytes name, const char *value, struct err *err);
int grub_export(struct grub_env *env, struct bytes name, struct err *err);

struct grub_word {
	char *text;
	bool is_unknown; /* a part of it is */
};

/* A command. Owned; zero-initialise; release with grub_words_done(). */
struct grub_words {
	struct grub_word *word;
	size_t count, room;
	size_t size;	  /* of all text */
	char unknown[64]; /* the first variable that is unknown; "": none */
};

void grub_words_done(struct grub_words *words);
/* Adds what a word becomes: none, one, or several. arguments: of the function that is run, or NULL. */
int grub_expand(struct bytes word, const struct grub_env *env, const struct grub_words *arguments,
		struct grub_words *ret, struct err *err);

enum grub_truth { GRUB_FALSE, GRUB_TRUE, GRUB_UNKNOWN };
/* What `test` says of words from `first` on; is_there: of a file. */
enum grub_truth grub_test(const struct grub_words *words, size_t first,
			  enum grub_truth (*is_there)(void *context, const char *path),
			  void *context);

#endif
