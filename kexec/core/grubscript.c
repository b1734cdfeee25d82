/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/core/grubscript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/bootentry.h"
#include "kexec/core/grubcfg.h"
#include "kexec/core/num.h"

static bool is_name(uint8_t c, bool is_first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!is_first && c >= '0' && c <= '9');
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* --- tokens -------------------------------------------------------------- */

static int peek(const struct grub_script *script, size_t ahead)
{
	return ahead < script->text.size - script->at ? script->text.data[script->at + ahead] : -1;
}

static void advance(struct grub_script *script, size_t count)
{
	for (; count && script->at < script->text.size; count--)
		script->line += script->text.data[script->at++] == '\n';
}

/* Over what is between quotes, and the quote that ends it; false if none does. */
static bool pass_quoted(struct grub_script *script, int quote)
{
	int c;

	advance(script, 1);
	while ((c = peek(script, 0)) != quote) {
		if (c < 0)
			return false;
		advance(script, c == '\\' && quote == '"' ? 2 : 1);
	}
	advance(script, 1);
	return true;
}

static bool pass_word(struct grub_script *script)
{
	int c;

	while ((c = peek(script, 0)) >= 0 && !is_blank((uint8_t)c) && !strchr("\n;{}", c)) {
		if (!c || strchr("|&<>", c))
			return false;
		if (c == '\'' || c == '"') {
			if (!pass_quoted(script, c))
				return false;
		} else if (c == '$' && peek(script, 1) == '{') {
			while ((c = peek(script, 0)) != '}') {
				if (c < 0 || c == '\n')
					return false;
				advance(script, 1);
			}
			advance(script, 1);
		} else {
			advance(script, c == '\\' ? 2 : 1);
		}
	}
	return true;
}

enum grub_token grub_next(struct grub_script *script, struct bytes *ret_word)
{
	size_t start;
	int c;

	while ((c = peek(script, 0)) >= 0) {
		if (c == '\\' && peek(script, 1) == '\n')
			advance(script, 2);
		else if (is_blank((uint8_t)c))
			advance(script, 1);
		else
			break;
	}
	if (c == '#')
		while (peek(script, 0) >= 0 && peek(script, 0) != '\n')
			advance(script, 1);
	c = peek(script, 0);
	if (c < 0)
		return GRUB_END;
	if (c == '\n' || c == ';' || c == '{' || c == '}') {
		advance(script, 1);
		return c == '{' ? GRUB_OPEN : c == '}' ? GRUB_CLOSE : GRUB_SEPARATOR;
	}
	start = script->at;
	if (!pass_word(script) || script->at == start)
		return GRUB_BAD;
	*ret_word = (struct bytes){ script->text.data + start, script->at - start };
	return GRUB_WORD;
}

/* --- variables ----------------------------------------------------------- */

void grub_env_done(struct grub_env *env)
{
	for (size_t i = 0; i < env->count; i++) {
		free(env->variable[i].name);
		free(env->variable[i].value);
	}
	free(env->variable);
	*env = (struct grub_env){ 0 };
}

static struct grub_variable *find_here(const struct grub_env *env, struct bytes name)
{
	for (size_t i = 0; i < env->count; i++)
		if (bytes_are(name, env->variable[i].name))
			return &env->variable[i];
	return NULL;
}

/* NULL: it has never been set, or, with *ret_forgotten, may have been. */
static const struct grub_variable *find(const struct grub_env *env, struct bytes name,
					bool *ret_forgotten)
{
	const struct grub_variable *found = find_here(env, name);

	*ret_forgotten = !found && env->is_forgotten;
	if (found || env->is_forgotten || !env->outer)
		return found;
	found = find(env->outer, name, ret_forgotten);
	if (!found || !env->is_menu || found->is_exported)
		return found;
	/* What is forgotten may have exported it. */
	for (env = env->outer; env; env = env->outer)
		*ret_forgotten |= env->is_forgotten;
	return NULL;
}

/* What GRUB sets by itself, of the machine and of how it was started: not known here. */
static bool is_of_grub(struct bytes name)
{
	static const char *const own[] = {
		"cmdpath",   "config_file", "biosnum",	      "chosen",
		"fw_path",   "lang",	    "lockdown",	      "pxe_default_server",
		"shim_lock", "secure_boot", "package_version"
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (bytes_are(name, own[i]))
			return true;
	return name.size >= 4 && (!memcmp(name.data, "net_", 4) || !memcmp(name.data, "pxe_", 4));
}

const char *grub_get(const struct grub_env *env, struct bytes name)
{
	const struct grub_variable *found;
	bool forgotten;

	/* Ubuntu's: that GRUB leaves a picture on the screen, which nothing does here. */
	if (bytes_are(name, "vt_handoff"))
		return "";
	found = find(env, name, &forgotten);
	if (found)
		return found->value;
	/* Every GRUB 2 since 2.00 has all of them. */
	if (name.size > 8 && !memcmp(name.data, "feature_", 8))
		return "y";
	return forgotten || is_of_grub(name) ? NULL : "";
}

static int set_value(struct grub_variable *variable, const char *value, struct err *err)
{
	if (value && strlen(value) <= GRUBCFG_VALUE_MAX)
		return boot_text(text_bytes(value), &variable->value, err);
	free(variable->value);
	variable->value = NULL;
	return 0;
}

int grub_set(struct grub_env *env, struct bytes name, const char *value, struct err *err)
{
	struct grub_variable *variable = find_here(env, name);
	const struct grub_variable *outside;
	struct grub_variable added = { 0 };
	bool forgotten;

	if (variable)
		return set_value(variable, value, err);
	if (env->count == GRUBCFG_VARIABLES_MAX)
		return err_set(err, ERR_INPUT, "there are more than %d variables",
			       GRUBCFG_VARIABLES_MAX);
	outside = find(env, name, &forgotten);
	added.is_exported = outside && outside->is_exported;
	if (array_grow(&env->variable, &env->room, env->count, sizeof(added), err) ||
	    boot_text(name, &added.name, err))
		return -1;
	if (set_value(&added, value, err)) {
		free(added.name);
		return -1;
	}
	env->variable[env->count++] = added;
	return 0;
}

int grub_export(struct grub_env *env, struct bytes name, struct err *err)
{
	char *value CLEANUP(text_done) = NULL;
	const char *now = grub_get(env, name);

	if (!find_here(env, name) &&
	    ((now && boot_text(text_bytes(now), &value, err)) || grub_set(env, name, value, err)))
		return -1;
	find_here(env, name)->is_exported = true;
	return 0;
}

/* --- words --------------------------------------------------------------- */

void grub_words_done(struct grub_words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->word[i].text);
	free(words->word);
	*words = (struct grub_words){ 0 };
}

/* A word that is being made. */
struct making {
	struct buf text;
	bool is_there, is_unknown;
};

static void making_done(struct making *making)
{
	buf_done(&making->text);
}

static int put(struct making *making, const void *data, size_t size, struct err *err)
{
	making->is_there = true;
	return buf_append(&making->text, data, size, err);
}

static int finish(struct making *making, struct grub_words *words, struct err *err)
{
	struct grub_word word = { .is_unknown = making->is_unknown };

	if (!making->is_there)
		return 0;
	words->size += making->text.size;
	if (words->count == GRUBCFG_WORDS_MAX || words->size > BOOT_CONFIG_MAX)
		return err_set(err, ERR_INPUT, "a command of more than %d words or %d characters",
			       GRUBCFG_WORDS_MAX, BOOT_CONFIG_MAX);
	if (array_grow(&words->word, &words->room, words->count, sizeof(word), err) ||
	    boot_text(buf_bytes(&making->text), &word.text, err))
		return -1;
	words->word[words->count++] = word;
	making->text.size = 0;
	making->is_there = making->is_unknown = false;
	return 0;
}

static const char *value_of(struct bytes name, const struct grub_env *env,
			    const struct grub_words *arguments)
{
	uint64_t number;

	if (num_parse((const char *)name.data, name.size, 10, &number)) {
		if (!arguments || !number)
			return NULL;
		if (number >= arguments->count)
			return "";
		return arguments->word[number].is_unknown ? NULL : arguments->word[number].text;
	}
	return is_name(name.data[0], true) ? grub_get(env, name) : NULL;
}

/* The name behind a "$", and how much of the text it takes; empty if it is none. */
static struct bytes name_of(struct bytes text, size_t *ret_taken)
{
	struct bytes name = { text.data, 0 };

	if (text.size && text.data[0] == '{') {
		name.data++;
		while (name.size + 1 < text.size && name.data[name.size] != '}')
			name.size++;
		*ret_taken = num_min(name.size + 2, text.size);
		return name;
	}
	if (text.size && strchr("?#*@", text.data[0]) && text.data[0])
		name.size = 1;
	else if (text.size && text.data[0] >= '0' && text.data[0] <= '9')
		while (name.size < text.size && text.data[name.size] >= '0' &&
		       text.data[name.size] <= '9')
			name.size++;
	else
		while (name.size < text.size && is_name(text.data[name.size], !name.size))
			name.size++;
	*ret_taken = name.size;
	return name;
}

struct expansion {
	const struct grub_env *env;
	const struct grub_words *arguments;
	struct making making;
	struct grub_words *words;
};

/* Without quotes its blanks separate words. */
static int put_value(struct expansion *to, struct bytes name, bool is_quoted, struct err *err)
{
	const char *value = value_of(name, to->env, to->arguments);

	if (!value) {
		to->making.is_there = to->making.is_unknown = true;
		if (!to->words->unknown[0])
			snprintf(to->words->unknown, sizeof(to->words->unknown), "%.*s",
				 (int)num_min(name.size, 63), name.data);
		return 0;
	}
	if (is_quoted)
		return put(&to->making, value, strlen(value), err);
	for (; *value; value++)
		if (is_blank((uint8_t)*value) || *value == '\n'
			    ? finish(&to->making, to->words, err)
			    : put(&to->making, value, 1, err))
			return -1;
	return 0;
}

/* What begins at a "$"; *at goes behind it. */
static int put_variable(struct expansion *to, struct bytes word, size_t *at, bool is_quoted,
			struct err *err)
{
	struct bytes rest = { word.data + *at + 1, word.size - *at - 1 }, name;
	size_t taken;

	/* $"..." is text that GRUB would translate. */
	if (!is_quoted && rest.size && (rest.data[0] == '"' || rest.data[0] == '\'')) {
		(*at)++;
		return 0;
	}
	name = name_of(rest, &taken);
	*at += 1 + taken;
	if (!name.size)
		return put(&to->making, "$", 1, err);
	return put_value(to, name, is_quoted, err);
}

static int put_word(struct expansion *to, struct bytes word, struct err *err)
{
	uint8_t quote = 0;

	for (size_t at = 0; at < word.size;) {
		uint8_t c = word.data[at];
		bool has_next = at + 1 < word.size;

		if ((c == '\'' || c == '"') && (!quote || c == quote)) {
			quote = quote ? 0 : c;
			to->making.is_there = true;
			at++;
		} else if (c == '$' && quote != '\'') {
			if (put_variable(to, word, &at, quote, err))
				return -1;
		} else if (c == '\\' && has_next && quote != '\'' &&
			   (!quote || strchr("$\"\\\n", word.data[at + 1]))) {
			if (word.data[at + 1] != '\n' &&
			    put(&to->making, word.data + at + 1, 1, err))
				return -1;
			at += 2;
		} else if (put(&to->making, word.data + at++, 1, err)) {
			return -1;
		}
	}
	return 0;
}

int grub_expand(struct bytes word, const struct grub_env *env, const struct grub_words *arguments,
		struct grub_words *ret, struct err *err)
{
	struct expansion to = { .env = env, .arguments = arguments, .words = ret };
	int failed = put_word(&to, word, err) || finish(&to.making, ret, err);

	making_done(&to.making);
	return failed ? -1 : 0;
}

/* --- test ---------------------------------------------------------------- */

struct test {
	const struct grub_words *words;
	size_t at, end;
	enum grub_truth (*is_there)(void *context, const char *path);
	void *context;
};

static bool next_is(const struct test *test, size_t ahead, const char *text)
{
	return ahead < test->end - test->at && !test->words->word[test->at + ahead].is_unknown &&
	       !strcmp(test->words->word[test->at + ahead].text, text);
}

static enum grub_truth truth(bool value)
{
	return value ? GRUB_TRUE : GRUB_FALSE;
}

static enum grub_truth not(enum grub_truth value) {
	return value == GRUB_UNKNOWN ? value : truth(value == GRUB_FALSE);
}

static enum grub_truth of_two(const char *a, const char *operator, const char * b)
{
	static const char *const orders[] = { "-eq", "-ne", "-lt", "-ge", "-gt", "-le" };
	uint64_t x, y;

	if (!strcmp(operator, "=") || !strcmp(operator, "=="))
		return truth(!strcmp(a, b));
	if (!strcmp(operator, "!="))
		return truth(strcmp(a, b));
	if (!num_parse(a, strlen(a), 10, &x) || !num_parse(b, strlen(b), 10, &y))
		return GRUB_UNKNOWN;
	for (size_t i = 0; i < 6; i++)
		if (!strcmp(operator, orders[i]))
			return truth((i / 2 == 0 ? x == y : i / 2 == 1 ? x < y : x > y) != i % 2);
	return GRUB_UNKNOWN;
}

static bool is_operator_of_two(const struct test *test)
{
	static const char *const operators[] = { "=",	"==",  "!=",  "-eq", "-ne",
						 "-lt", "-ge", "-gt", "-le" };

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (test->end - test->at >= 3 && next_is(test, 1, operators[i]))
			return true;
	return false;
}

static enum grub_truth of_one(const struct test *test, char operator, const struct grub_word * word)
{
	if (word->is_unknown)
		return GRUB_UNKNOWN;
	switch (operator) {
	case 'n':
		return truth(*word->text);
	case 'z':
		return truth(!*word->text);
	case 'e':
	case 'f':
	case 's':
		return test->is_there(test->context, word->text);
	default:
		return GRUB_UNKNOWN;
	}
}

static enum grub_truth factor(struct test *test)
{
	const struct grub_word *word = test->words->word + test->at;
	enum grub_truth result;

	if (is_operator_of_two(test)) {
		test->at += 3;
		return word[0].is_unknown || word[2].is_unknown
			       ? GRUB_UNKNOWN
			       : of_two(word[0].text, word[1].text, word[2].text);
	}
	if (next_is(test, 0, "!")) {
		/* Several cancel each other out; no word behind them is empty text. */
		test->at++;
		result = test->at < test->end && !next_is(test, 0, "!") ? factor(test)
									: GRUB_UNKNOWN;
		return not(result);
	}
	if (test->end - test->at >= 2 && !word->is_unknown && word->text[0] == '-' &&
	    word->text[1] && !word->text[2]) {
		test->at += 2;
		return of_one(test, word->text[1], word + 1);
	}
	test->at++;
	return of_one(test, 'n', word);
}

enum grub_truth grub_test(const struct grub_words *words, size_t first,
			  enum grub_truth (*is_there)(void *context, const char *path),
			  void *context)
{
	struct test test = { words, first, words->count, is_there, context };
	enum grub_truth any = GRUB_FALSE, all = GRUB_TRUE, one;

	if (test.end > first && next_is(&test, test.end - first - 1, "]"))
		test.end--;
	/* A word that is unknown may be none, or several. */
	for (size_t i = first; i < test.end; i++)
		if (words->word[i].is_unknown && !words->word[i].text[0])
			return GRUB_UNKNOWN;
	if (test.at == test.end)
		return GRUB_FALSE;
	while (test.at < test.end) {
		one = factor(&test);
		all = one == GRUB_FALSE || all == GRUB_FALSE ? GRUB_FALSE
		      : one == GRUB_UNKNOWN		     ? one
							     : all;
		if (test.at == test.end)
			break;
		if (next_is(&test, 0, "-o")) {
			any = any == GRUB_TRUE || all == GRUB_TRUE ? GRUB_TRUE
			      : all == GRUB_UNKNOWN		   ? all
								   : any;
			all = GRUB_TRUE;
		} else if (!next_is(&test, 0, "-a")) {
			return GRUB_UNKNOWN;
		}
		if (++test.at == test.end)
			return GRUB_UNKNOWN;
	}
	if (any == GRUB_TRUE || all == GRUB_TRUE)
		return GRUB_TRUE;
	return any == GRUB_UNKNOWN || all == GRUB_UNKNOWN ? GRUB_UNKNOWN : GRUB_FALSE;
}
