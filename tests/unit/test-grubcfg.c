/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is made of a grub.cfg, and what is refused because only GRUB could tell. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kexec/core/bls.h"
#include "kexec/core/grubcfg.h"

/* Files that are there: names and contents, ended by NULL. */
static const char *const *files;

static bool find(void *context, const char *name, struct bytes *ret)
{
	(void)context;
	for (size_t i = 0; files && files[i]; i += 2) {
		if (strcmp(files[i], name))
			continue;
		if (ret)
			*ret = (struct bytes){ (const uint8_t *)files[i + 1],
					       strlen(files[i + 1]) };
		return true;
	}
	return false;
}

static int parse(const char *text, struct boot_entries *bls, struct boot_entries *ret,
		 struct err *err)
{
	struct grubcfg_input input = {
		.text = { (const uint8_t *)text, strlen(text) },
		.path = "boot/grub/grub.cfg",
		.is_efi = true,
		.find = find,
		.bls = bls,
	};
	bool has_blscfg;

	return grubcfg_parse(&input, ret, &has_blscfg, err);
}

/* Each entry in a line: place id kernel initrds, options; or why not. */
static void assert_menu(const char *text, const char *expected)
{
	struct boot_entries bls = { 0 };
	struct boot_entries menu CLEANUP(boot_entries_done) = { 0 };
	char found[4000] = "";
	struct err err = { 0 };

	if (parse(text, &bls, &menu, &err))
		fail_msg("%s: %s", text, err.text);
	for (size_t i = 0; i < menu.count; i++) {
		const struct boot_entry *entry = &menu.entry[i];
		size_t used = strlen(found);

		snprintf(found + used, sizeof(found) - used, "%s%s%s %s%s%s", i ? "\n" : "",
			 !menu.not_chosen.code && menu.chosen == i ? "*" : "", entry->place,
			 entry->id, entry->why ? ": " : "", entry->why ? entry->why->text : "");
		if (entry->why)
			continue;
		used = strlen(found);
		snprintf(found + used, sizeof(found) - used, " (%s)%s", entry->device,
			 entry->kernel);
		for (size_t j = 0; j < entry->nr_initrds; j++) {
			strcat(found, " ");
			strcat(found, entry->initrd[j]);
		}
		strcat(found, ", ");
		strcat(found, entry->options);
	}
	if (menu.not_chosen.code) {
		strcat(found, "\nno default: ");
		strcat(found, menu.not_chosen.text);
	}
	assert_string_equal(found, expected);
}

static int find_refusal(const char *text, struct err *err)
{
	struct boot_entries bls = { 0 };
	struct boot_entries menu CLEANUP(boot_entries_done) = { 0 };

	return parse(text, &bls, &menu, err);
}

static void assert_refused(const char *text, const char *sentence)
{
	struct boot_entries bls = { 0 }, menu = { 0 };
	struct err err;

	assert_int_equal(parse(text, &bls, &menu, &err), -1);
	assert_string_equal(err.text, sentence);
	assert_int_equal(menu.count, 0);
}

#define ENTRY(body) "menuentry x {\n" body "\n}\n"

static void test_entries(void **state)
{
	(void)state;
	assert_menu("menuentry 'A' --class os --id a { linux /k root=x  quiet; initrd /i }\n"
		    "menuentry \"B C\" --users u --hotkey=b {\n"
		    "\tlinuxefi /k2\n\tinitrdefi /ucode /i2 # a comment }\n}\n"
		    "menuentry C { linux16 /k3; initrd /c; linux /k4 b; initrd /a; initrd16 /b }\n"
		    "menuentry D { linux /k5; initrd /a; linux /k6 }",
		    "*0 a ()/k /i, root=x quiet\n"
		    "1 B C ()/k2 /ucode /i2, \n"
		    "2 C ()/k4 /b, b\n"
		    "3 D ()/k6, ");
	assert_menu("", "\nno default: /boot/grub/grub.cfg: the menu is empty");
}

static void test_words(void **state)
{
	(void)state;
	assert_menu("set a=\"1 2\"; b='$a'\n" ENTRY(
			    "linux /k $a \"$a\" '$a' ${a}x \\$a $b z\\\ny \"q\\\"\" $none\"\"$none "
			    "$ \"a\\b\" $\"t\" $none it's"
			    "'"),
		    "*0 x ()/k, 1 2 \"1 2\" $a 1 2x $a $a zy q\\\"  $ a\\\\b t its");
	/* As GRUB hands on what has blanks in it. */
	assert_menu(ENTRY("linux /k dyndbg=\"file a.c +p\" b"),
		    "*0 x ()/k, \"dyndbg=file a.c +p\" b");
}

static void test_conditions(void **state)
{
	(void)state;
	assert_menu("if [ a = b ]; then x=1; elif [ a != b -a ! -n \"\" ]; then x=2; else x=3; fi\n"
		    "if test 10 -gt 9 -a 9 -le 9 -a 1 -ne 2; then y=1; fi\n"
		    "if [ -z \"$unset\" -o -z a ]; then z=1; fi\n"
		    "if [ ! -s $prefix/grubenv ]; then w=1; fi\n"
		    "if [ x$grub_platform = xefi ]; then v=1; fi\n"
		    "if true; then u=1; fi; if false; then u=2; fi; if [ ]; then u=3; fi\n"
		    "if [ \"$unset\" ]; then u=4; fi; if [ 1 -lt 1 -o 2 -eq 3 ]; then u=5; fi\n"
		    "{ t=1; }\n" ENTRY("linux /k $x$y$z$w$v$u$t"),
		    "*0 x ()/k, 2111111");
	/* Of a command's result nothing is known, nor of what follows from it. */
	assert_menu("x=1; y=1; if sleep 1; then x=2; y=1; fi\n" ENTRY("linux /k $y")
			    ENTRY("linux /k $x"),
		    "*0 x ()/k, 1\n1 x: /boot/grub/grub.cfg:6: what $x has cannot be told");
	assert_menu(
		ENTRY("if keystatus --shift; then linux /a; else linux /b; fi"),
		"*0 x: /boot/grub/grub.cfg:2: whether `linux` is run depends on a condition that "
		"cannot be told");
	assert_menu(
		ENTRY("linux /k\nif [ \"$?\" = 0 ]; then initrd /b; fi"),
		"*0 x: /boot/grub/grub.cfg:3: whether `initrd` is run depends on a condition that "
		"cannot be told");
	assert_menu(ENTRY("if [ -e /x ]; then linux /a; fi; linux /k"), "*0 x ()/k, ");
	files = (const char *const[]){ "/x", "", NULL };
	assert_menu(
		ENTRY("if [ -e /x ]; then linux /a; fi; linux /k"),
		"*0 x: /boot/grub/grub.cfg:2: whether `linux` is run depends on a condition that "
		"cannot be told");
	files = NULL;
	assert_menu(
		ENTRY("for i in a b; do linux /$i; done"),
		"*0 x: /boot/grub/grub.cfg:2: whether `linux` is run depends on a condition that "
		"cannot be told");
	assert_menu("a=1; b=1; for i in 1 2; do b=$a; if [ $a = 2 ]; then c=1; fi; a=2; done\n"
		    "while [ $a = 1 ]; do d=1; done; until false; do e=1; done\n" ENTRY(
			    "linux /k $b") ENTRY("linux /k $c") ENTRY("linux /k $i"),
		    "*0 x: /boot/grub/grub.cfg:4: what $b has cannot be told\n"
		    "1 x: /boot/grub/grub.cfg:7: what $c has cannot be told\n"
		    "2 x: /boot/grub/grub.cfg:10: what $i has cannot be told");
	/* Commands that set what they name. */
	assert_menu("regexp --set=1:a x y; read b; c=1; probe --set c --fs $root\n" ENTRY(
			    "linux /k $a") ENTRY("linux /k $b") ENTRY("linux /k $c"),
		    "*0 x: /boot/grub/grub.cfg:3: what $a has cannot be told\n"
		    "1 x: /boot/grub/grub.cfg:6: what $b has cannot be told\n"
		    "2 x: /boot/grub/grub.cfg:9: what $c has cannot be told");
	assert_menu(ENTRY("linux /k $cmdpath") ENTRY("$cmdpath /k") ENTRY("linux /k $net_x"),
		    "*0 x: /boot/grub/grub.cfg:2: what $cmdpath has cannot be told\n"
		    "1 x: /boot/grub/grub.cfg:5: what `` runs is not known\n"
		    "2 x: /boot/grub/grub.cfg:8: what $net_x has cannot be told");
}

static void test_functions(void **state)
{
	(void)state;
	assert_menu("function f {\n  x=$1\n  if [ $2 = b ]; then return; fi\n  x=no\n}\n" ENTRY(
			    "f a b\nlinux /k $x"),
		    "*0 x ()/k, a");
	assert_menu(
		"function f { if sleep 1; then return; fi; x=no; }\nx=1\n" ENTRY("f\nlinux /k $x"),
		"*0 x: /boot/grub/grub.cfg:5: what $x has cannot be told");
	assert_menu("if sleep 1; then function f { true; }; fi\n" ENTRY("f\nlinux /k"),
		    "*0 x: /boot/grub/grub.cfg:3: what `f` runs is not known");
	assert_menu("function b { boot; }\n" ENTRY("linux /k; b; linux /late")
			    ENTRY("return; linux /k; boot; initrd /late")
				    ENTRY("linux /k; if sleep 1; then boot; fi; linux /late"),
		    "*0 x ()/k, \n1 x ()/k, \n2 x: /boot/grub/grub.cfg:9: whether `linux` is run "
		    "depends on a condition that cannot be told");
	assert_menu(
		"function f { shift; x=$1; }\nfunction g { setparams c; x=$1; return; x=n; }\n" ENTRY(
			"f a b\nlinux /k $x") ENTRY("g a\nlinux /k $x"),
		"*0 x: /boot/grub/grub.cfg:5: what $x has cannot be told\n"
		"1 x: /boot/grub/grub.cfg:9: what $x has cannot be told");
	/* Ubuntu's, of GRUB's own picture. */
	assert_menu("function gfxmode { set vt_handoff=vt.handoff=7; }\n" ENTRY(
			    "gfxmode keep\nlinux /k splash $vt_handoff"),
		    "*0 x ()/k, splash");
	assert_refused("function f { f; f; }\nf\n",
		       "/boot/grub/grub.cfg:1: more than 32 blocks, functions, files or menus in "
		       "one another");
	assert_refused(
		"function f { g; g; g; g; g; g; g; g; g; g }\n"
		"function g { h; h; h; h; h; h; h; h; h; h }\n"
		"function h { i; i; i; i; i; i; i; i; i; i }\n"
		"function i { j; j; j; j; j; j; j; j; j; j }\n"
		"function j { k; k; k; k; k; k; k; k; k; k }\n"
		"function k { true }\nf",
		"/boot/grub/grub.cfg:6: more than 100000 commands or 16777216 characters are "
		"run");
}

static void test_devices(void **state)
{
	(void)state;
	assert_menu(
		"search --no-floppy --fs-uuid --set=root AB-12\n"
		"search --set=d --label L\n" ENTRY("linux /k\ninitrd /i") ENTRY(
			"linux ($d)/k\ninitrd ($d)//i") ENTRY("linux ($root)/k\ninitrd ($d)/i")
			ENTRY("search -f /x; linux /k") ENTRY("set root='hd0,gpt2'; linux /k")
				ENTRY("linux (hd0,1)/k") ENTRY("linux k")
					ENTRY("search.fs_uuid X root; linux /k")
						ENTRY("search --hint hd0 --fs-uuid Y; linux /k"),
		"*0 x (uuid:AB-12)/k /i, \n"
		"1 x (label:L)/k //i, \n"
		"2 x: /boot/grub/grub.cfg:13: the initrd is on another file system than the kernel\n"
		"3 x: /boot/grub/grub.cfg:16: $root cannot be told\n"
		"4 x: /boot/grub/grub.cfg:19: \"hd0,gpt2\" is a file system by GRUB's own numbers: "
		"the entry has to `search` it by its UUID\n"
		"5 x: /boot/grub/grub.cfg:22: \"hd0,1\" is a file system by GRUB's own numbers: the "
		"entry has to `search` it by its UUID\n"
		"6 x: /boot/grub/grub.cfg:25: \"k\" is not a path\n"
		"7 x (uuid:X)/k, \n"
		"8 x (uuid:Y)/k, ");
	assert_menu(ENTRY("chainloader +1") ENTRY("multiboot2 /xen; module2 /k") ENTRY("reboot")
			    ENTRY("linux") ENTRY("initrd /i\nlinux /k"),
		    "*0 x: /boot/grub/grub.cfg:1: the entry starts no Linux kernel by itself "
		    "(`chainloader`)\n"
		    "1 x: /boot/grub/grub.cfg:4: the entry starts no Linux kernel by itself "
		    "(`multiboot2`)\n"
		    "2 x: /boot/grub/grub.cfg:7: the entry names no Linux kernel\n"
		    "3 x: /boot/grub/grub.cfg:11: `linux` names no file\n"
		    "4 x: /boot/grub/grub.cfg:14: `initrd` comes before the kernel that it is for");
}

#define MENU                                                                                     \
	"menuentry 'A>B' --id a { linux /a }\n"                                                  \
	"submenu 'Sub' --id sub {\n menuentry S0 --id s0 { linux /s0 }\n submenu T { menuentry " \
	"T0 { linux /t0 } }\n menuentry S2 --id s2 { linux /s2 }\n}\n"                           \
	"menuentry C --id c { linux /c }\n"

/* value: what `default` is set to; id: of the entry that is the default, NULL: none is. */
static void assert_default(const char *before, const char *id)
{
	struct boot_entries bls = { 0 };
	struct boot_entries menu CLEANUP(boot_entries_done) = { 0 };
	char text[1000];
	struct err err = { 0 };

	snprintf(text, sizeof(text), "%s\n" MENU, before);
	if (parse(text, &bls, &menu, &err))
		fail_msg("%s: %s", before, err.text);
	if (menu.not_chosen.code != (id ? ERR_NONE : ERR_INPUT))
		fail_msg("%s: %s", before, menu.not_chosen.text);
	if (id)
		assert_string_equal(menu.entry[menu.chosen].id, id);
}

static void test_default(void **state)
{
	/* Each may put lines of its own before these. */
	static const char *const menus[] = {
		"source (hd0)/x",
		"configfile /x",
		"normal /x",
		"eval x",
		"uki",
		"bls_import",
		"legacy_source /x",
		"legacy_configfile /x",
		"syslinux_source /x",
		"syslinux_configfile /x",
		"extract_entries_source /x",
		"extract_entries_configfile /x",
		"extract_legacy_entries_source /x",
		"extract_legacy_entries_configfile /x",
		"extract_syslinux_entries_source /x",
		"extract_syslinux_entries_configfile /x",
	};

	(void)state;
	assert_default("", "a");
	assert_default("set default=2", "c");
	assert_default("set default='C'", "c");
	assert_default("set default=c", "c");
	assert_default("set default='A>>B'", "a");
	assert_default("set default='1>2'", "s2");
	assert_default("set default='Sub>S2'", "s2");
	assert_default("set default='sub>T>0'", "T0");
	assert_default("set default=1", "s0");
	assert_default("set default='1>1'", "T0");
	assert_default("set default='1>9'", "s0");
	/* GRUB takes the first for what is not there. */
	assert_default("set default=gone", "a");
	assert_default("set default=99", "a");
	assert_default("set default=$chosen", NULL);
	assert_default("if sleep 1; then set default=2; fi", NULL);
	assert_default("if sleep 1; then menuentry M { linux /m }; fi", NULL);
	assert_default("if sleep 1; then submenu M { menuentry N { linux /m } }; fi; default=C",
		       NULL);
	assert_default("linux /k; boot", NULL);
	assert_default("if sleep 1; then exit; fi", NULL);
	assert_default("if false; then exit; fi", "a");
	for (size_t i = 0; i < sizeof(menus) / sizeof(menus[0]); i++)
		assert_default(menus[i], NULL);
	files = (const char *const[]){
		"grubenv", "# GRUB Environment Block\nsaved_entry=sub>s2\nother=c\n#######", NULL
	};
	assert_default("load_env; set default=\"${saved_entry}\"", "s2");
	assert_default("load_env -f $prefix/grubenv other; set default=\"${other}${saved_entry}\"",
		       "c");
	assert_default("load_env --file=(hd0)/x; set default=c", "c");
	assert_default("load_env --file=(hd0)/x; set default=$saved_entry", NULL);
	/* openSUSE's on btrfs: blocks outside of any file. */
	assert_default("load_env -f \"($root)512+1\"; set default=$saved_entry", NULL);
	assert_default("env_block=512+1; load_env; if [ \"${env_block}\" ]; then "
		       "load_env -f (${root})${env_block}; fi; set default=$saved_entry",
		       NULL);
	assert_default("if [ -s $prefix/grubenv ]; then load_env; fi; "
		       "if [ \"${next_entry}\" ]; then default=$next_entry; else default=c; fi",
		       "c");
	files = NULL;
	/* Only what is exported is known in a submenu. */
	assert_menu("a=1; b=2; export b; submenu S { menuentry T { linux /k $a$b } }",
		    "*0>0 T ()/k, 2");
	/* What has been forgotten may have exported it. */
	assert_menu(
		"load_env -f (hd0)/x; a=1; submenu S { menuentry T { linux /k $a } }; default=0",
		"*0>0 T: /boot/grub/grub.cfg:1: what $a has cannot be told");
	assert_menu("submenu S { menuentry --id t $cmdpath { linux /k } }",
		    "*0>0 t: /boot/grub/grub.cfg:1: what $cmdpath has cannot be told");
}

static void test_files(void **state)
{
	(void)state;
	files = (const char *const[]){ "custom.cfg",  "menuentry c --id c {\n linux /c }\nx=2",
				       "/boot/x.cfg", "set default=c",
				       "a.cfg",	      "source a.cfg",
				       NULL };
	assert_menu("if [ -f ${config_directory}/custom.cfg ]; then\n"
		    "source ${config_directory}/custom.cfg; fi\n. $prefix/gone.cfg\n" ENTRY(
			    "linux /k $x") "source /boot/x.cfg",
		    "*0 c ()/c, \n1 x ()/k, 2");
	assert_menu(
		"source (hd0)/unknown\n" ENTRY("linux /k $x"),
		"0 x: /boot/grub/grub.cfg:3: what $x has cannot be told\n"
		"no default: /boot/grub/grub.cfg:1: what `source` adds to the menu is not known");
	assert_menu("a=1; configfile /other\n" ENTRY("root=; linux ()/k $a"),
		    "0 x: /boot/grub/grub.cfg:3: what $a has cannot be told\n"
		    "no default: /boot/grub/grub.cfg:1: what `configfile` adds to the menu is not "
		    "known");
	/* On a file system that was searched for there may be such a file. */
	assert_menu(
		ENTRY("if [ -e /gone ]; then linux /b; else linux /k; fi") ENTRY(
			"search -u U --set=root\nif [ -e /gone ]; then initrd /b; fi; linux /k"),
		"*0 x ()/k, \n1 x: /boot/grub/grub.cfg:6: whether `initrd` is run depends on a "
		"condition that cannot be told");
	/* Of too many files nothing is known. */
	assert_menu(
		"for i in a; do load_env; done; load_env; load_env; load_env; load_env; load_env\n"
		"load_env; load_env; load_env; load_env; load_env; load_env; load_env; load_env\n"
		"load_env; load_env\n. $prefix/custom.cfg\n",
		"\nno default: /boot/grub/grub.cfg:4: what `source` adds to the menu is not "
		"known");
	assert_menu(ENTRY("linux /k; source (hd0)/x") ENTRY("linux /k; eval $x"),
		    "*0 x: /boot/grub/grub.cfg:2: what `source` runs is not known\n"
		    "1 x: /boot/grub/grub.cfg:5: what `eval` runs is not known");
	files = NULL;
}

static void add_bls(struct boot_entries *to, const char *name, const char *text)
{
	struct boot_entry entry = { 0 };
	struct err err;
	bool is_ours;

	assert_int_equal(bls_parse((struct bytes){ (const uint8_t *)text, strlen(text) }, "boot",
				   name, &entry, &is_ours, &err),
			 0);
	assert_int_equal(boot_entries_add(to, &entry, &err), 0);
}

static void test_blscfg(void **state)
{
	struct boot_entries bls CLEANUP(boot_entries_done) = { 0 };
	struct boot_entries menu CLEANUP(boot_entries_done) = { 0 };
	struct err err;

	(void)state;
	add_bls(&bls, "b.conf",
		"linux /b\ninitrd /i $tuned_initrd\noptions ro $kernelopts \"a b\"\n");
	add_bls(&bls, "a.conf", "linux /a\noptions $cmdpath\n");
	add_bls(&bls, "o.conf", "linux /a\noptions a;b\n");
	assert_int_equal(parse(ENTRY("linux /k") "set kernelopts='x y'\nset tuned_initrd=/t\n"
						 "default=a\nblscfg\nblscfg\n",
			       &bls, &menu, &err),
			 0);
	assert_int_equal(menu.count, 4);
	assert_string_equal(menu.entry[menu.chosen].id, "a.conf");
	assert_string_equal(menu.entry[1].place, "1");
	assert_string_equal(menu.entry[1].options, "ro x y \"a b\"");
	assert_int_equal(menu.entry[1].nr_initrds, 2);
	assert_string_equal(menu.entry[1].initrd[1], "/t");
	assert_string_equal(menu.entry[2].why->text,
			    "/boot/loader/entries/a.conf: what $cmdpath has cannot be told");
	assert_string_equal(menu.entry[3].why->text,
			    "/boot/loader/entries/o.conf: \"a;b\" is not understood");
	assert_menu(
		"blscfg non-default\n",
		"\nno default: /boot/grub/grub.cfg:1: what `blscfg ...` adds to the menu is not "
		"known");
}

static void assert_bls(const char *before, const char *why, const char *not_chosen)
{
	struct boot_entries bls CLEANUP(boot_entries_done) = { 0 };
	struct boot_entries menu CLEANUP(boot_entries_done) = { 0 };
	char text[200];
	struct err err;

	add_bls(&bls, "a.conf", "linux /a\n");
	snprintf(text, sizeof(text), "%s\nblscfg\n", before);
	assert_int_equal(parse(text, &bls, &menu, &err), 0);
	assert_string_equal(menu.not_chosen.code ? menu.not_chosen.text : "", not_chosen);
	if (menu.count)
		assert_string_equal(menu.entry[0].why ? menu.entry[0].why->text : "", why);
}

/* Variables that blscfg looks at by itself. */
static void test_blscfg_variables(void **state)
{
	static const char not_known[] =
		"/boot/grub/grub.cfg:2: what `blscfg ...` adds to the menu is not known";

	(void)state;
	assert_bls("", "", "");
	assert_bls("early_initrd=/i",
		   "/boot/loader/entries/a.conf: what blscfg makes of $early_initrd is not known",
		   "");
	assert_bls("read default_kernelopts",
		   "/boot/loader/entries/a.conf: what blscfg makes of $default_kernelopts is not "
		   "known",
		   "");
	assert_bls("blsdir=/x", "", not_known);
	assert_bls("load_env -f (hd0)/x", "", not_known);
}

#define WORDS_10 " b b b b b b b b b b"
#define WORDS_100 \
	WORDS_10 WORDS_10 WORDS_10 WORDS_10 WORDS_10 WORDS_10 WORDS_10 WORDS_10 WORDS_10 WORDS_10

static void test_work(void **state)
{
	struct buf text CLEANUP(buf_done) = { 0 };
	struct err err;

	(void)state;
	for (unsigned int i = 0; i < 400; i++) {
		char line[20];

		snprintf(line, sizeof(line), "a%u=1\n", i);
		assert_int_equal(buf_append(&text, line, strlen(line), &err), 0);
	}
	for (unsigned int i = 0; i < 50000; i++)
		assert_int_equal(buf_append(&text, i % 100 ? "$z" : "\n:", 2, &err), 0);
	assert_int_equal(buf_append(&text, "", 1, &err), 0);
	assert_int_equal(find_refusal((const char *)text.data, &err), -1);
	assert_non_null(strstr(err.text, "more than 100000 commands or 16777216 characters"));
	text.size = 0;
	for (unsigned int i = 0; i < 50000; i++)
		assert_int_equal(buf_append(&text, "a=\n", 3, &err), 0);
	assert_int_equal(buf_append(&text, "", 1, &err), 0);
	files = (const char *const[]){ "grubenv", (const char *)text.data, NULL };
	assert_int_equal(find_refusal("load_env" WORDS_100 WORDS_100 WORDS_100 WORDS_100, &err),
			 -1);
	assert_non_null(strstr(err.text, "more than 100000 commands or 16777216 characters"));
	files = NULL;
}

static void test_refused(void **state)
{
	struct buf text CLEANUP(buf_done) = { 0 };
	struct err err;

	(void)state;
	assert_refused("a\n'", "/boot/grub/grub.cfg:2: not understood as a script of GRUB's");
	assert_refused("a\n\"\\\"", "/boot/grub/grub.cfg:2: not understood as a script of GRUB's");
	assert_refused("menuentry x {\nlinux /k\n",
		       "/boot/grub/grub.cfg:3: not understood as a script of GRUB's");
	assert_refused("}", "/boot/grub/grub.cfg:1: not understood as a script of GRUB's");
	assert_refused("if true; then a", "/boot/grub/grub.cfg:1: not understood as a script of "
					  "GRUB's");
	assert_refused("if true; fi",
		       "/boot/grub/grub.cfg:1: not understood as a script of GRUB's");
	assert_refused("if a; then b; else c; else d; fi",
		       "/boot/grub/grub.cfg:1: not understood as a script of GRUB's");
	assert_refused("for {", "/boot/grub/grub.cfg:1: not understood as a script of GRUB's");
	assert_refused("for a in b; done", "/boot/grub/grub.cfg:1: not understood as a script of "
					   "GRUB's");
	assert_refused("function {", "/boot/grub/grub.cfg:1: not understood as a script of GRUB's");
	assert_refused("function f x",
		       "/boot/grub/grub.cfg:1: not understood as a script of GRUB's");
	assert_refused("a | b", "/boot/grub/grub.cfg:1: not understood as a script of GRUB's");
	assert_refused("echo ${x", "/boot/grub/grub.cfg:1: not understood as a script of GRUB's");
	assert_refused("menuentry x",
		       "/boot/grub/grub.cfg:1: not understood as a script of GRUB's");
	for (unsigned int i = 0; i <= GRUBCFG_VARIABLES_MAX; i++) {
		char line[20];

		snprintf(line, sizeof(line), "a%u=1\n", i);
		assert_int_equal(buf_append(&text, line, strlen(line), &err), 0);
	}
	assert_int_equal(buf_append(&text, "", 1, &err), 0);
	assert_refused((const char *)text.data, "there are more than 500 variables");
	text.size = 0;
	for (unsigned int i = 0; i <= GRUBCFG_WORDS_MAX; i++)
		assert_int_equal(buf_append(&text, "a ", 2, &err), 0);
	assert_int_equal(buf_append(&text, "", 1, &err), 0);
	assert_refused((const char *)text.data,
		       "/boot/grub/grub.cfg:1: a command of more than 1000 words or 1048576 "
		       "characters");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_blscfg),
		cmocka_unit_test(test_blscfg_variables),
		cmocka_unit_test(test_work),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
