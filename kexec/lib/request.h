/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked for, by a command line or by a program that links the library. */
#ifndef REQUEST_H
#define REQUEST_H

#include "kexec/core/num.h"
#include "kexec/x86/efistub.h"
#include "kexec/x86/load.h"

enum action {
	ACTION_DEFAULT, /* load, then shutdown -r now */
	ACTION_LOAD,
	ACTION_UNLOAD,
	ACTION_EXEC,
	ACTION_FORCE, /* load, then exec */
	ACTION_STATUS,
	ACTION_PRINT_RESERVATION,
	ACTION_DOCTOR,
	ACTION_ESTIMATE,
	ACTION_AUDIT_EFI,
	ACTION_CAPTURE,
	ACTION_LIST_ENTRIES,
	ACTION_HELP,
	ACTION_USAGE, /* -?: the help, and exit status 1 */
	ACTION_VERSION,
};

enum method { METHOD_AUTO, METHOD_LOAD, METHOD_FILE_LOAD };

enum { REQUEST_INITRDS_MAX = 64, REQUEST_MODULES_MAX = 64 };

#define TYPE_ELF	 "elf-x86_64"
#define TYPE_MULTIBOOT_1 "multiboot-x86"
#define TYPE_UKI	 "uki"

enum request_files {
	REQUEST_FILES_NAMED,
	REQUEST_FILES_OPEN,
	REQUEST_FILES_COPIED, /* see inputs_copy() */
};

/* Strings and descriptors are borrowed. */
struct request {
	enum action action;
	enum method method;
	bool crash;	       /* -p */
	bool status_of_normal; /* -l beside -S */
	bool dry_run, json;
	bool debug;
	bool verbose;
	bool no_checks;
	bool no_sync, no_network_down;
	bool no_efi;
	bool hotplug, memmap_cmdline; /* of a crash load */
	enum crash_backup backup;
	enum load_spares spares;
	enum load_direct direct;
	bool fast;
	bool no_cma, force_dtb;			 /* for the running kernel's own loader */
	const char *dtb;			 /* a device tree's file; NULL: none */
	const char *module[REQUEST_MODULES_MAX]; /* "FILE WORDS" */
	size_t nr_modules;
	enum load_args args;
	bool reuse_cmdline;
	bool from_entry;	   /* --boot-entry names kernel and initrds */
	const char *boot_entry;	   /* its name; NULL: the default */
	bool of_entry;		   /* they are those of the entry that was found, and */
	const char *entry_options; /* its options; NULL: there are none */
	const char *kernel;
	unsigned int uki_profile;
	bool has_uki_profile; /* it was asked for: that of an entry does not count */
	const char *initrd[REQUEST_INITRDS_MAX];
	size_t nr_initrds;
	/* Where they are open, the paths above are only what they are called. */
	enum request_files files;
	int kernel_fd, initrd_fd[REQUEST_INITRDS_MAX];
	bool unpack_initrd;
	bool entry_32bit, real_mode;
	const char *append;  /* NULL: none given */
	const char *type;    /* NULL: find out */
	const char *sysroot; /* a directory or a capture; NULL: the running machine */
	const char *capture; /* the file to make */
	bool capture_cmdline;
	const char *svg; /* of a dry run: the file to draw the plan into */
	bool measure;	 /* --estimate=measure */
	phys_t mem_min;
	phys_t mem_max; /* exclusive */
	struct load_console console;
	bool console_asked; /* --console-serial or --console-vga */
	bool port_given;    /* --serial */
	enum on_corruption on_corruption;
	uint32_t hashes;	    /* of PURGATORY_HASH_, which the purgatory may use */
	const char *audit_log;	    /* a file or "-"; NULL: the running kernel's */
	const char *audit_all;	    /* a directory of logs and captures */
	struct efistub_start audit; /* what is 0 in it was not given */
};

#endif
