/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which entries a machine has, whose default counts, where their files are, and what is loaded. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kexec/action.h"
#include "kexec/boot.h"
#include "tests/mk/image.h"
#include "tests/mk/machine.h"
#include "tests/mk/uki.h"

#define VARIABLE(name) "sys/firmware/efi/efivars/" name "-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
#define UUID	       "0d3c2c6e-6b9d-4b57-8f3b-5a5a3cf0b6a1"

static struct mk_machine machine;

static int set_up(void **state)
{
	(void)state;
	mk_machine_init(&machine);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mk_machine_done(&machine);
	return 0;
}

static void text(const char *path, const char *contents)
{
	mk_text(&machine, path, contents);
}

static void variable(const char *path, const char *value)
{
	uint8_t data[200] = { 6, 0, 0, 0 };

	for (size_t i = 0; i <= strlen(value); i++)
		data[4 + 2 * i] = (uint8_t)value[i];
	mk_file(&machine, path, data, 6 + 2 * strlen(value));
}

/* An entry of that name below a directory, with its kernel. */
static void bls(const char *top, const char *name)
{
	char path[100], contents[100];

	snprintf(path, sizeof(path), "%s/loader/entries/%s.conf", top, name);
	snprintf(contents, sizeof(contents), "linux /k-%s\n", name);
	text(path, contents);
	snprintf(path, sizeof(path), "%s/k-%s", top, name);
	text(path, "");
}

/* What tells that systemd-boot starts the machine. */
static void systemd_boot(void)
{
	variable(VARIABLE("LoaderInfo"), "systemd-boot 256.4");
	text("boot/EFI/systemd/systemd-bootx64.efi", "");
}

static void link_to(const char *target, const char *path)
{
	char full[MK_PATH_MAX];

	mk_path(&machine, path, full);
	assert_int_equal(symlink(target, full), 0);
}

/* "id id ...; default", with the kernel of each or why not. */
static const char *entries(void)
{
	static char said[4000];
	struct boot_entries found CLEANUP(boot_entries_done) = { 0 };
	struct root root;
	struct err err = { 0 }, unread = { 0 };
	int failed;

	assert_int_equal(root_open(machine.path, &root, &err), 0);
	failed = boot_read(&root, &found, &unread, &err);
	root_close(&root);
	assert_int_equal(unread.code, ERR_NONE);
	if (failed) {
		snprintf(said, sizeof(said), "%s", err.text);
		return said;
	}
	said[0] = '\0';
	for (size_t i = 0; i < found.count; i++) {
		const struct boot_entry *entry = &found.entry[i];
		size_t used = strlen(said);

		snprintf(said + used, sizeof(said) - used, "%s%s%s ", entry->id,
			 entry->why ? ": " : "=", entry->why ? entry->why->text : entry->kernel);
	}
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "; %s",
		 found.not_chosen.code ? found.not_chosen.text : found.entry[found.chosen].id);
	return said;
}

static void test_directories(void **state)
{
	(void)state;
	systemd_boot();
	bls("boot", "a");
	bls("efi", "c");
	bls("boot/efi", "b");
	/* Another suffix, hidden, a directory. */
	text("boot/loader/entries/z.txt", "linux /k-a\n");
	text("boot/loader/entries/.z.conf", "linux /k-a\n");
	assert_string_equal(entries(), "c.conf=/efi/k-c b.conf=/boot/efi/k-b a.conf=/boot/k-a ; "
				       "c.conf");
	text("boot/efi/loader/loader.conf", "default a.conf\n");
	text("boot/loader/loader.conf", "default b.conf\n");
	assert_string_equal(strchr(entries(), ';'), "; a.conf");
	text("boot/loader/entries/x.conf/y", "");
	link_to("l.conf", "boot/loader/entries/l.conf");
	assert_string_equal(strchr(entries(), ';'), "; a.conf");
	assert_null(strstr(entries(), "x.conf"));
	assert_null(strstr(entries(), "l.conf"));
}

static void test_same_directory(void **state)
{
	(void)state;
	systemd_boot();
	bls("boot", "a");
	link_to("boot", "efi");
	assert_string_equal(entries(), "a.conf=/boot/k-a ; a.conf");
}

static void test_variables(void **state)
{
	(void)state;
	bls("boot", "a");
	bls("boot", "b");
	bls("boot", "c");
	systemd_boot();
	text("boot/loader/loader.conf", "default @saved\n");
	assert_string_equal(strchr(entries(), ';'), "; c.conf");
	variable(VARIABLE("LoaderEntrySelected"), "b.conf");
	assert_string_equal(strchr(entries(), ';'), "; b.conf");
	variable(VARIABLE("LoaderEntryLastBooted"), "a.conf");
	assert_string_equal(strchr(entries(), ';'), "; a.conf");
	variable(VARIABLE("LoaderEntryDefault"), "b*");
	assert_string_equal(strchr(entries(), ';'), "; b.conf");
	variable(VARIABLE("LoaderEntryOneShot"), "c.conf");
	assert_string_equal(strchr(entries(), ';'), "; c.conf");
	variable(VARIABLE("LoaderEntryPreferred"), "b.conf");
	text("boot/loader/loader.conf", "preferred a.conf\n");
	assert_string_equal(strchr(entries(), ';'), "; the boot loader prefers \"b.conf\", by "
						    "rules that are not known here");
	variable(VARIABLE("LoaderEntryPreferred"), "");
	text(VARIABLE("LoaderEntryDefault"), "12345");
	assert_string_equal(entries(),
			    "/" VARIABLE("LoaderEntryDefault") ": 5 bytes are no text of "
							       "an EFI variable");
}

static void test_which_loader(void **state)
{
	(void)state;
	bls("boot", "a");
	text("boot/k", "");
	text("boot/grub/grub.cfg", "menuentry g { linux /k }\n");
	assert_string_equal(entries(), "g=/boot/k a.conf=/boot/k-a ; g");
	/* EFI, and nothing says who has started the machine. */
	text("sys/firmware/efi/runtime", "");
	assert_string_equal(
		strchr(entries(), ';'),
		"; there are entries of GRUB and of the Boot Loader Specification, and "
		"without /sys/firmware/efi/efivars nothing tells which of them boot this "
		"machine");
	variable("sys/firmware/efi/efivars/BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c", "");
	assert_string_equal(strchr(entries(), ';'), "; g");
	variable(VARIABLE("LoaderInfo"), "GRUB 2.14");
	assert_string_equal(strchr(entries(), ';'), "; g");
	systemd_boot();
	assert_string_equal(entries(), "a.conf=/boot/k-a ; a.conf");
	variable(VARIABLE("LoaderInfo"), "rEFInd 0.14");
	assert_string_equal(
		strchr(entries(), ';'),
		"; the boot loader of this machine is \"rEFInd 0.14\", whose default is "
		"not known");
	text("boot/grub2/grub.cfg", "");
	variable(VARIABLE("LoaderInfo"), "GRUB 2.14");
	assert_string_equal(strchr(entries(), ';'),
			    "; there is a /boot/grub/grub.cfg and a /boot/grub2/grub.cfg: which of "
			    "them GRUB reads is not known");
}

#define UNKNOWN                                                                      \
	"; the boot loader of this machine is not known: there is no grub.cfg, and " \
	"systemd-boot has left no LoaderInfo in /sys/firmware/efi/efivars"

/* A boot loader that has its configuration where nothing here looks, started by a BIOS or by EFI. */
static void test_no_loader(void **state)
{
	(void)state;
	bls("boot", "a");
	assert_string_equal(strchr(entries(), ';'), UNKNOWN);
	text("sys/firmware/efi/runtime", "");
	assert_string_equal(strchr(entries(), ';'), UNKNOWN);
	variable("sys/firmware/efi/efivars/BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c", "");
	assert_string_equal(strchr(entries(), ';'), UNKNOWN);
	variable(VARIABLE("LoaderInfo"), "GRUB 2.14");
	assert_string_equal(strchr(entries(), ';'), UNKNOWN);
}

#define VARIABLE_LEFT(name)                                                                 \
	name ".conf: /boot/loader/entries/" name ".conf: a \"$\" stands for a variable of " \
	     "GRUB's, and no grub.cfg that was read expands it "

/* What blscfg has not expanded is no text of a command line, whoever names the entry. */
static void test_grub_variables(void **state)
{
	(void)state;
	text("boot/k", "");
	text("boot/loader/entries/a.conf", "linux /k\noptions $kernelopts\n");
	text("boot/loader/entries/b.conf", "linux /k\ninitrd /i $tuned_initrd\n");
	text("boot/loader/entries/c.conf", "linux $k\n");
	assert_string_equal(entries(),
			    VARIABLE_LEFT("c") VARIABLE_LEFT("b") VARIABLE_LEFT("a") UNKNOWN);
	text("boot/grub2/grub.cfg", "menuentry g { linux /k }");
	assert_string_equal(entries(), "g=/boot/k " VARIABLE_LEFT("c") VARIABLE_LEFT("b")
					       VARIABLE_LEFT("a") "; g");
	variable(VARIABLE("LoaderInfo"), "systemd-boot 256.4");
	text("boot/loader/entries/a.conf", "linux /k\noptions x=$y\n");
	assert_non_null(strstr(entries(), "a.conf=/boot/k "));
}

static void test_grub2(void **state)
{
	(void)state;
	/* GRUB does not look on the EFI system partition. */
	bls("efi", "z");
	bls("boot", "x-6.11.4");
	bls("boot", "x-6.11.10");
	text("boot/grub2/grub.cfg",
	     "load_env\nset default=$saved_entry\nblscfg\nsource /more.cfg\n. $prefix/custom.cfg\n");
	text("boot/grub2/grubenv", "saved_entry=x-6.11.4\n");
	text("boot/grub2/custom.cfg", "menuentry c { linux /k-x-6.11.4 }");
	text("boot/more.cfg", "menuentry m { linux /k-x-6.11.4 }");
	assert_string_equal(entries(), "x-6.11.10.conf=/boot/k-x-6.11.10 "
				       "x-6.11.4.conf=/boot/k-x-6.11.4 m=/boot/k-x-6.11.4 "
				       "c=/boot/k-x-6.11.4 z.conf=/efi/k-z ; x-6.11.4.conf");
	text("boot/grub2/grub.cfg", "'");
	assert_string_equal(entries(),
			    "/boot/grub2/grub.cfg:1: not understood as a script of GRUB's");
}

static void test_paths(void **state)
{
	(void)state;
	systemd_boot();
	/* Fedora's, where /boot is no partition of its own; Debian's link at the root. */
	text("boot/loader/entries/a.conf", "linux /boot/k\ninitrd /i\n");
	text("boot/k", "");
	assert_string_equal(entries(),
			    "a.conf: /boot/loader/entries/a.conf: initrd: /i is not there "
			    "; a.conf");
	link_to("boot/k", "i");
	assert_string_equal(entries(), "a.conf=/boot/k ; a.conf");
	link_to("k", "boot/i");
	assert_string_equal(entries(), "a.conf=/boot/k ; a.conf");
	text("boot/boot/k", "");
	assert_string_equal(entries(),
			    "a.conf: /boot/loader/entries/a.conf: kernel: /boot/k may be "
			    "/boot/boot/k or /boot/k ; a.conf");
}

/* What is missing on the entry's file system is not made up for by another one. */
static void test_bases(void **state)
{
	(void)state;
	systemd_boot();
	text("boot/loader/entries/a.conf", "linux /k\ninitrd /i\n");
	text("boot/k", "");
	text("i", "");
	assert_string_equal(entries(), "a.conf: /boot/loader/entries/a.conf: initrd: /i is not "
				       "there ; a.conf");
	text("boot/loader/entries/a.conf", "linux /k\n");
	text("k", "root's");
	text("etc/fstab", "UUID=x /boot ext4\n");
	assert_string_equal(entries(), "a.conf=/boot/k ; a.conf");
	text("boot/loader/entries/a.conf", "linux /i\n");
	assert_string_equal(entries(), "a.conf: /boot/loader/entries/a.conf: kernel: /i is not "
				       "there ; a.conf");
	text("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/vda2 rw\n");
	assert_string_equal(entries(), "a.conf=/i ; a.conf");
	text("boot/loader/entries/a.conf", "linux /boot/k\n");
	text("efi/loader/entries/e.conf", "linux /i\n");
	assert_string_equal(entries(), "e.conf: /efi/loader/entries/e.conf: kernel: /i is not "
				       "there a.conf=/boot/k ; e.conf");
}

static void grub(const char *path)
{
	char contents[200];

	snprintf(contents, sizeof(contents),
		 "menuentry g {\n search --fs-uuid --set=root " UUID "\n linux %s\n}\n", path);
	text("boot/grub/grub.cfg", contents);
}

static void test_file_systems(void **state)
{
	(void)state;
	text("boot/k", "");
	text("k", "");
	grub("/k");
	assert_string_equal(entries(),
			    "g: /boot/grub/grub.cfg:1: kernel: /k is on the file system "
			    "uuid:" UUID ", which is mounted neither at / nor at /boot ; g");
	text("etc/fstab", "# UUID=" UUID " / ext4\nUUID=x /boot ext4\nUUID=" UUID " / ext4\n");
	assert_string_equal(entries(), "g=/k ; g");
	text("etc/fstab", "UUID=x / ext4\n/dev/disk/by-uuid/" UUID "\t /boot ext4\n");
	assert_string_equal(entries(), "g=/boot/k ; g");
	/* What is below a mount of its own is not what / has there. */
	text("etc/fstab", "UUID=" UUID " / ext4\nUUID=x /boot ext4\n");
	grub("/boot/k");
	assert_string_equal(entries(),
			    "g: /boot/grub/grub.cfg:1: kernel: /boot/k is not there ; g");
	text("etc/fstab", "UUID=" UUID " / ext4\n");
	assert_string_equal(entries(), "g=/boot/k ; g");
	/* A subvolume. */
	text("proc/self/mountinfo", "1 0 0:3 / / rw - rootfs none rw\n"
				    "22 1 0:31 /@ / rw,relatime shared:1 - btrfs /dev/vda2 rw\n");
	grub("/@/boot/k");
	assert_string_equal(entries(), "g=/boot/k ; g");
	/* What fstab(5) has and nobody has mounted. */
	text("etc/fstab", "UUID=x / btrfs\nUUID=" UUID " /boot ext4\n");
	grub("/k");
	assert_string_equal(entries(),
			    "g: /boot/grub/grub.cfg:1: kernel: /k is on the file system "
			    "uuid:" UUID ", which is mounted neither at / nor at /boot ; g");
	text("etc/fstab", "UUID=" UUID " / btrfs\n");
	grub("/@home/boot/k");
	assert_string_equal(entries(),
			    "g: /boot/grub/grub.cfg:1: kernel: /@home/boot/k is not there ; g");
}

/* A UKI with that text of os-release, of which `cut` bytes at the end are missing. */
static void uki(const char *path, const char *os_release, size_t cut)
{
	const struct mk_section section = { ".osrel", text_bytes(os_release) };
	struct buf file CLEANUP(buf_done) = { 0 };

	mk_uki(&section, 1, &file);
	mk_file(&machine, path, file.data, file.size - cut);
}

static void test_uki(void **state)
{
	(void)state;
	systemd_boot();
	uki("efi/EFI/Linux/linux-6.1.efi", "ID=a", 0);
	uki("efi/EFI/Linux/linux-6.2.EFI", "ID=a", 0);
	text("efi/EFI/Linux/readme.txt", "");
	/* None of these is an entry of systemd-boot's. */
	text("efi/EFI/Linux/linux-9.efi", "MZ");
	uki("efi/EFI/Linux/linux-10.efi", "VERSION=1", 0);
	uki("efi/EFI/Linux/auto-x.efi", "ID=a", 0);
	uki("efi/EFI/Linux/linux-11.efi", "ID=a", MK_UKI_FILE_ALIGNMENT - 1);
	text("efi/EFI/Linux/x.efi/y", "");
	assert_string_equal(entries(),
			    "linux-6.2.EFI=/efi/EFI/Linux/linux-6.2.EFI "
			    "linux-6.1.efi=/efi/EFI/Linux/linux-6.1.efi ; linux-6.2.EFI");
}

/* One file that is no entry's takes none of the others away. */
static void test_odd_entries(void **state)
{
	char large[BOOT_INITRDS_MAX * 12] = "linux /k\n";

	(void)state;
	for (size_t i = 0; i <= BOOT_INITRDS_MAX; i++)
		strcat(large, "initrd /i\n");
	bls("boot", "a");
	text("boot/loader/entries/b.conf", large);
	assert_string_equal(entries(), "b.conf: /boot/loader/entries/b.conf: the entry has more "
				       "than 64 initrds a.conf=/boot/k-a " UNKNOWN);
	text("boot/grub/grub.cfg", "default=a\nblscfg\n");
	assert_string_equal(entries(), "b.conf: /boot/loader/entries/b.conf: the entry has more "
				       "than 64 initrds a.conf=/boot/k-a ; a.conf");
	text("boot/loader/entries/auto-x.conf", "linux /k-a\n");
	assert_non_null(strstr(entries(), "auto-x.conf=/boot/k-a"));
	variable(VARIABLE("LoaderInfo"), "systemd-boot 256.4");
	assert_null(strstr(entries(), "auto-x.conf"));
}

/* Without the partition that it starts from its entries and its loader.conf are not seen. */
static void test_no_esp(void **state)
{
	(void)state;
	bls("boot", "a");
	variable(VARIABLE("LoaderInfo"), "systemd-boot 256.4");
	assert_string_equal(strchr(entries(), ';'),
			    "; the EFI system partition that systemd-boot starts from is mounted "
			    "at none of /boot, /efi and /boot/efi");
	text("efi/EFI/BOOT/BOOTX64.EFI", "");
	assert_string_equal(strchr(entries(), ';'), "; a.conf");
}

static void test_limit(void **state)
{
	char *large = calloc(1, BOOT_CONFIG_MAX + 2);

	(void)state;
	assert_non_null(large);
	memset(large, '\n', BOOT_CONFIG_MAX + 1);
	text("boot/grub/grub.cfg", large);
	free(large);
	assert_string_equal(entries(), "/boot/grub/grub.cfg: more than 1048576 bytes");
}

/* --- what is loaded ------------------------------------------------------ */

/* What the action says, on standard output or as an error. */
static const char *run(const char *line)
{
	static char output[30000];
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	static const struct ops no_calls;
	struct surroundings around = { .ops = &no_calls, .warnings = &warnings };
	struct request request;
	char words[200], *argv[16] = { (char *)"kexec" };
	int argc = 1, status;
	struct err err;

	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	output[0] = '\0';
	if (!cli_parse(argc, argv, &request, &err)) {
		assert_int_equal(root_open(machine.path, &around.root, &err), 0);
		request.dry_run = request.action != ACTION_DOCTOR;
		around.out = fmemopen(output, sizeof(output), "w");
		assert_non_null(around.out);
		if (!action_run(&request, &around, &status, &err))
			err = (struct err){ 0 };
		fclose(around.out);
		root_close(&around.root);
	}
	if (err.code)
		snprintf(output, sizeof(output), "%s", err.text);
	return output;
}

static bool plan_has(const char *line, const char *part)
{
	const char *said = run(line);

	if (!strstr(said, part))
		print_message("%s:\n%s\n", line, said);
	return strstr(said, part);
}

/* One with profiles, of which the last has a system's name of its own. */
static void mk_profiles(struct buf *to)
{
	static uint8_t image[MK_IMAGE_SIZE];
	static const struct mk_section sections[] = {
		{ ".osrel", { (const uint8_t *)"NAME=Y", 6 } },
		{ ".linux", { image, sizeof(image) } },
		{ ".profile", { (const uint8_t *)"ID=main", 7 } },
		{ ".cmdline", { (const uint8_t *)"root=/dev/0", 11 } },
		{ ".profile", { (const uint8_t *)"TITLE=Reset", 11 } },
		{ ".cmdline", { (const uint8_t *)"root=/dev/1", 11 } },
		{ ".profile", { (const uint8_t *)"ID=last", 7 } },
		{ ".osrel", { (const uint8_t *)"NAME=Z", 6 } },
	};

	mk_image(image);
	mk_uki(sections, sizeof(sections) / sizeof(sections[0]), to);
}

static void test_profiles(void **state)
{
	const char file[] = "/efi/EFI/Linux/y.efi";
	struct buf image CLEANUP(buf_done) = { 0 };
	char expected[200];

	(void)state;
	mk_profiles(&image);
	mk_file(&machine, file, image.data, image.size);
	systemd_boot();
	snprintf(expected, sizeof(expected), "y.efi=%s y.efi@1=%s y.efi@last=%s ; y.efi", file,
		 file, file);
	assert_string_equal(entries(), expected);
	variable(VARIABLE("LoaderEntryDefault"), "y.efi@1");
	assert_string_equal(strchr(entries(), ';'), "; y.efi@1");
	assert_true(plan_has("--boot-entry", "root=/dev/1"));
	assert_true(plan_has("--boot-entry=y.efi", "root=/dev/0"));
	assert_true(plan_has("--boot-entry=y.efi@1", "root=/dev/1"));
	assert_true(plan_has("--boot-entry=y.efi --uki-profile=1", "root=/dev/1"));
	assert_true(plan_has("--boot-entry=y.efi@1 --uki-profile=0", "root=/dev/0"));
	assert_true(plan_has("--list-entries", "    title    Z (last)\n"));
	assert_true(plan_has("--list-entries", "    profile  2\n"));
	assert_true(plan_has("--list-entries --json", "\"profile\":1"));
	assert_int_equal(run("--doctor --json --boot-entry=y.efi")[0], '{');
	/* What has lost its description has lost its name. */
	put_u32(mk_uki_entry(&image, 5) + MK_UKI_RAW_AT, (uint32_t)image.size);
	mk_file(&machine, file, image.data, image.size);
	assert_false(strstr(entries(), "y.efi@1="));
}

static void test_load(void **state)
{
	static uint8_t image[MK_IMAGE_SIZE];
	struct buf unified CLEANUP(buf_done) = { 0 };
	char kernel[MK_PATH_MAX];

	(void)state;
	systemd_boot();
	mk_image(image);
	mk_file(&machine, "boot/real", image, sizeof(image));
	mk_path(&machine, "boot/real", kernel);
	/* A link of the machine's, which would lead elsewhere here. */
	link_to("/boot/real", "boot/vmlinuz");
	text("boot/initrd", "070701");
	text("boot/loader/entries/a.conf",
	     "title The first\nlinux /vmlinuz\ninitrd /initrd\noptions BOOT_IMAGE=x root=/dev/a "
	     "crashkernel=1G\n");
	text("boot/loader/entries/~Z.conf", "linux /gone\n");
	assert_true(plan_has("--boot-entry", kernel));
	assert_true(plan_has("--boot-entry", "Command    root=/dev/a crashkernel=1G\n"));
	assert_true(plan_has("--boot-entry", "initrd"));
	assert_true(plan_has("-l --boot-entry=a --append=quiet",
			     "Command    root=/dev/a crashkernel=1G quiet\n"));
	/* What a unified kernel image has is kept, too. */
	mk_uki((const struct mk_section[]){ { ".cmdline", text_bytes("root=/dev/u rw") },
					    { ".linux", { image, sizeof(image) } } },
	       2, &unified);
	mk_file(&machine, "boot/u.efi", unified.data, unified.size);
	text("boot/loader/entries/u.conf", "uki /u.efi\n");
	assert_true(plan_has("--boot-entry=u", "Command    root=/dev/u rw\n"));
	assert_true(plan_has("--boot-entry=u --append=debug", "Command    root=/dev/u rw debug\n"));
	mk_file(&machine, "boot/loader/entries/u.conf", NULL, 0);
	assert_true(plan_has("--boot-entry=~Z",
			     "/boot/loader/entries/~Z.conf: kernel: /gone is not there"));
	assert_true(plan_has("--boot-entry=1", "no boot entry is called \"1\""));
	assert_true(plan_has("--boot-entry=a k", "do not go with it"));
	assert_true(plan_has("--boot-entry=a --initrd=k", "do not go with it"));
	assert_true(plan_has("--boot-entry --reuse-cmdline", "do not go with it"));
	assert_true(plan_has("--boot-entry -e", "--boot-entry makes no sense without loading"));
	assert_true(plan_has("--list-entries", "* a.conf\n    title    The first\n"));
	assert_true(plan_has("--list-entries -u", "only one of"));
	assert_true(
		plan_has("--list-entries --json", "\"source\":\"/boot/loader/entries/a.conf\""));
	assert_true(plan_has("--list-entries --json",
			     "\"problem\":\"/boot/loader/entries/~Z.conf: kernel: /gone is not "
			     "there\""));
	text("boot/loader/entries/b.conf", "linux /vmlinuz\ntitle \033[31mred\001\n");
	assert_true(plan_has("--list-entries", "    title    ?[31mred?\n"));
	text("boot/loader/entries/x\033.conf", "linux /vmlinuz\ntitle b\344d \303\244\n");
	assert_true(plan_has("--list-entries", "    from     /boot/loader/entries/x?.conf\n"));
	assert_true(plan_has("--list-entries --json", "\"b?d \303\244\""));
	assert_true(plan_has("--boot-entry=", "--boot-entry=: no name is given"));
}

static void set_mode(const char *path, mode_t mode)
{
	char full[MK_PATH_MAX];

	mk_path(&machine, path, full);
	assert_int_equal(chmod(full, mode), 0);
}

/* What this user may not read is told, and no default is made of the rest. */
static void test_unread(void **state)
{
	uid_t user = geteuid();
	const char *refused;

	(void)state;
	systemd_boot();
	bls("boot", "a");
	bls("efi", "b");
	set_mode("", 0755);
	set_mode("efi/loader/entries", 0);
	if (!user)
		assert_int_equal(seteuid(65534), 0);
	assert_true(plan_has("--list-entries", "* a.conf\n"));
	refused = run("--boot-entry=a");
	assert_int_equal(seteuid(user), 0);
	assert_string_equal(refused, "/efi/loader/entries: Permission denied");
	set_mode("efi/loader/entries", 0755);
	assert_true(plan_has("--list-entries", "* b.conf\n"));
}

/* A file that goes on behind the limit is not read up to it. */
static void test_large_source(void **state)
{
	char *large = calloc(1, BOOT_CONFIG_MAX + 2);

	(void)state;
	assert_non_null(large);
	memset(large, '\n', BOOT_CONFIG_MAX + 1);
	text("boot/grub/custom.cfg", large);
	free(large);
	text("boot/grub/grub.cfg", "source $prefix/custom.cfg\nmenuentry g { linux /k }\n");
	assert_true(plan_has("--boot-entry", "/boot/grub/custom.cfg: more than 1048576 bytes"));
}

#define NO_ENTRIES "no boot entries, though there are files for them "

/* Where there are files and no entry the first file's reason is told, with how many there are. */
static void test_left_out(void **state)
{
	(void)state;
	text("boot/grub/grub.cfg", "set timeout=5\n");
	assert_string_equal(run("--list-entries"),
			    NO_ENTRIES "(1); the first: /boot/grub/grub.cfg: the menu is empty");
	uki("boot/EFI/Linux/u.efi", "VERSION=1", 0);
	assert_string_equal(run("--boot-entry"),
			    NO_ENTRIES "(2); the first: /boot/EFI/Linux/u.efi: no unified kernel "
				       "image with a system's name in .osrel");
	text("boot/loader/entries/b.conf", "");
	assert_string_equal(run("--boot-entry=b"),
			    NO_ENTRIES "(3); the first: /boot/loader/entries/b.conf: none of "
				       "`linux`, `efi` and `uki` names a kernel");
	text("boot/loader/entries/a.conf", "linux /k\narchitecture aa64\n");
	assert_string_equal(run("--list-entries --json"),
			    NO_ENTRIES "(4); the first: /boot/loader/entries/a.conf: for the "
				       "architecture \"aa64\", not for x64");
	text("boot/EFI/Linux/auto-a.efi", "");
	assert_non_null(strstr(run("--list-entries"), NO_ENTRIES "(5); "));
	/* Of systemd-boot's machine grub.cfg is not read. */
	systemd_boot();
	text("boot/k", "");
	text("boot/loader/entries/auto-b.conf", "linux /k\n");
	assert_non_null(strstr(run("--list-entries"), NO_ENTRIES "(6); "));
	text("boot/loader/entries/c.conf", "linux /k\n");
	assert_true(plan_has("--list-entries", "* c.conf\n"));
}

static void test_left_by_another(void **state)
{
	(void)state;
	systemd_boot();
	text("boot/grub/grub.cfg", "menuentry g { linux /k }\n");
	assert_string_equal(run("--boot-entry"),
			    NO_ENTRIES "(1); the first: /boot/grub/grub.cfg: GRUB's, and "
				       "systemd-boot has started this machine");
	text("boot/loader/entries/auto-a.conf", "linux /k\n");
	assert_string_equal(run("--list-entries"),
			    NO_ENTRIES "(2); the first: /boot/loader/entries/auto-a.conf: a name "
				       "that systemd-boot keeps for entries of its own");
}

static void test_nothing_to_load(void **state)
{
	(void)state;
	assert_true(plan_has("--boot-entry", "no boot entries: neither .conf in loader/entries"));
	assert_true(plan_has("--list-entries", "no boot entries: neither .conf in loader/entries"));
	text("boot/grub/grub.cfg", "set default=$cmdpath\n"
				   "menuentry g { linux /k }\n");
	assert_true(plan_has("--boot-entry", "/boot/grub/grub.cfg: which entry is the default"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_directories, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_same_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_variables, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_which_loader, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_loader, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_grub_variables, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_grub2, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_paths, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bases, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_file_systems, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_uki, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_profiles, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_odd_entries, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_esp, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_load, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unread, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_large_source, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_left_by_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_to_load, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
