/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kexec/advice.h"

#include <errno.h>
#include <string.h>

#include "kexec/core/num.h"

/* clang-format off */
#define REPORT	"kexec --capture=FILE.tar, and report the sentence with that file"
#define COMPARE	"sha256sum KERNEL, and compare it with where it is from; copy it again"
#define HELP	"kexec --help"
#define AS_ROOT	"sudo kexec ..."
#define CRASH	"crash or makedumpfile --dump-dmesg, which may know it"

const char advice_internal_cause[] = "a fault of kexec: a plan that it made does not pass its own checks; nothing was loaded";
const char advice_internal_cure[] = REPORT;
const char advice_memory_cause[] = "this process got no memory";
const char advice_memory_cure[] = "free, and end what uses it up";

static const struct advice_file files[] = {
	{ ENOENT, "there is no such file, or the running kernel was built without it", "ls -l FILE" },
	{ EACCES, "only root may read it", AS_ROOT },
	{ EPERM, "only root may read it, or the kernel is locked down", AS_ROOT },
	{ EISDIR, "it is a directory", "ls -ld FILE" },
	{ ENOTDIR, "a part of the path is a file", "ls -ld FILE" },
	{ ELOOP, "the path is a link, or links lead in a circle", "ls -ld FILE" },
	{ EEXIST, "the file is there already", "another name" },
	{ ENOSPC, "the file system is full", "df FILE" },
	{ EROFS, "the file system is read-only", "another directory" },
	{ EIO, "the disk cannot be read", "dmesg | tail" },
	{ ENOMEM, "this process got no memory", "free, and end what uses it up" },
	{ EMFILE, "the process may have no more files open", "ulimit -n 1024" },
	{ 0, "the file system or the kernel says so", "dmesg | tail" },
};

static const struct advice all[] = {
	{ NULL, "The command line", NULL },
	{ "-%c: no such option", "a misspelt option", HELP },
	{ "--%s: %s", "a misspelt option, or one that is cut so short that it may be several", HELP },
	{ "--%s: an argument is missing: --%s=%s", "the option takes a value", NULL },
	{ "-%c: an argument is missing", "the option takes a value", HELP },
	{ "%s: --%s takes no argument", "a value for an option that has none", HELP },
	{ "--hash=%s: not auto, avx512, sha-ni, avx2 or baseline", "a misspelt word", NULL },
	{ "--estimate=%s: only =measure is known", "a misspelt word", NULL },
	{ "--svg goes with --dry-run", "only a plan can be drawn", "kexec --dry-run --svg=FILE -l KERNEL" },
	{ "no kernel named", "the action needs a kernel file", HELP },
	{ "only one of -l, -e, -u, -f, --doctor, --estimate, --audit-efi, --capture and --print-ckr-size can be done at a time",
	  "two actions", NULL },
	{ "--%s=%s: not an address", "no number, nor one with a unit, or past 2^52", "--mem-min=16M, or 0x1000000" },
	{ "--%s=%s: not a number from 0x%llx to 0x%llx%s", "a value of the audit that no kernel has", "kexec --audit-efi KERNEL, which takes it from there" },
	{ "--%s=%s: not a power of two", "a value of the audit that no kernel has", "kexec --audit-efi KERNEL, which takes it from there" },
	{ "--serial=%s: not ttyS0 to ttyS3, nor an I/O port", "the purgatory drives no other port", "--serial=ttyS0, or 0x3f8" },
	{ "--serial-baud=%s: 115200 is not a multiple of it", "the port cannot be set so", "--serial-baud=115200" },
	{ "--on-corruption=%s: not reset or halt", "a misspelt word", NULL },
	{ "--backup=%s: not auto, always or never", "a misspelt word", NULL },
	{ "more than %d initrds", "--initrd= was given too often", "cat A B >BOTH, which a kernel takes as one" },
	{ "--%s makes no sense without loading a kernel", "an option of -l, -p or -f with another action", HELP },
	{ "--%s goes with --audit-efi", "an option of the audit without it", NULL },
	{ "--all names the logs: --audit-efi takes none then", "both were given", NULL },
	{ "no kernel named, nor --init-size, --kernel-alignment and --pref-address in its place", "the audit needs to know the kernel", NULL },
	{ "--sysroot goes with loading, --doctor, --estimate, --audit-efi and --capture", "the other actions are of the running machine", NULL },
	{ "--capture-cmdline goes with --capture", "an option of a capture without it", NULL },
	{ "-p with -f: a panic starts a crash kernel", "two actions", "kexec -p KERNEL" },
	{ "--hotplug, --pass-memmap-cmdline, --spare-copy and --backup go with -p", "an option of crash kernels without -p", NULL },
	{ "--json goes with --dry-run, --doctor or --audit-efi", "nothing else is said as JSON", NULL },
	{ "--type=%s: only bzImage64 (or bzImage) is known", "another kind of kernel", "-s, if the running kernel knows it" },
	{ "--dry-run with -s: where the running kernel would put a kernel is not known before it does; -c shows our plan",
	  "the running kernel plans, and does not show its plan", NULL },
	{ "-s takes one initrd, %zu are given; -c joins them", "the system call has room for one", NULL },
	{ "--direct with -s: the running kernel's own loader starts kernels only as they are; -c does it", "the system call takes the file as it is", NULL },
	{ "--unpack-initrd goes with --initrd", "there is nothing to unpack", NULL },
	{ "--unpack-initrd needs -c: with -s the running kernel's own loader takes the initrd's file as it is",
	  "the running kernel reads the file itself", "kexec -c --unpack-initrd ..." },
	{ "--reuse-cmdline: /proc/cmdline cannot be read%s", "/proc is not there, or the capture was taken without it", "--append=, with what it should be" },
	{ "the command line has a newline at offset %zu: a kernel's is one line", "text of a file with a line's end was given", "--append=\"$(tr '\\n' ' ' <FILE)\"" },

	{ NULL, "The kernel and the initrd", NULL },
	{ "%s: a device, not a file", "a device has no end: it would be read until memory is full", "ls -l FILE" },
	{ "not a bzImage: at 0x%x there is 0x%x, not \"HdrS\" (0x%x), or at 0x%x 0x%x, not 0x%x",
	  "the file is no x86 kernel: an initrd, a vmlinux, or a kernel for another machine", "file KERNEL" },
	{ "%zu bytes are too few for a kernel: its setup header ends at 0x%x", "the file is cut, or is no kernel", COMPARE },
	{ "offset 0x%x: syssize 0x%x: the kernel ends at 0x%llx, the file at 0x%zx: it is truncated",
	  "the file is cut: a download or a copy that did not end, a full /boot", COMPARE },
	{ "offset 0x%x: boot protocol %u.%02u has no 64-bit entry; 2.12 (Linux 3.8) or later is needed", "the kernel is older than 2013", NULL },
	{ "offset 0x201: the setup header ends at 0x%llx, before init_size, which protocol %u.%02u has", "the file is damaged", COMPARE },
	{ "offset 0x%x: loadflags 0x%x: a zImage, which runs below 1 MiB, cannot be loaded", "no kernel of this century, or a damaged file", COMPARE },
	{ "offset 0x%x: xloadflags 0x%x: no 64-bit entry; is this a 32-bit kernel?", "a 32-bit kernel", "file KERNEL, and a 64-bit one" },
	{ "offset 0x%x: kernel_alignment 0x%x is not a power of two of at least 0x%x", "the file is damaged", COMPARE },
	{ "offset 0x%x: pref_address 0x%llx is not a page at or above 0x%x", "the file is damaged", COMPARE },
	{ "offset 0x%x: syssize 0x%x: %llu bytes hold no 64-bit entry at 0x%x", "the file is damaged", COMPARE },
	{ "offset 0x%x: init_size 0x%x is less than the 0x%llx bytes to load", "the file is damaged", COMPARE },
	{ "expands to more than %d bytes", "a compressed file that is no kernel", "file KERNEL" },
	{ "data behind its end at 0x%zx", "two files in one, or a damaged one", COMPARE },
	{ "damaged at 0x%zx", "the compressed file is damaged", COMPARE },
	{ "damaged at 0x%zx: %s", "the compressed file is damaged", COMPARE },
	{ "damaged: %s", "the compressed file is damaged, or not as large as it says", COMPARE },
	{ "truncated at 0x%zx", "the compressed file is cut", COMPARE },
	{ "its dictionary is too large for a kernel", "no kernel needs so much to be expanded", "xz -dc KERNEL >EXPANDED, and load that" },
	{ "not gzip, xz, zstd, lz4, lzma, bzip2 or lzop", "the file begins like a compressed one and is none", "file KERNEL" },
	{ "at 0x%zx there is neither a newc archive, at a multiple of %d, nor one that is compressed in a way that is known",
	  "the initrd is an image of a file system, or damaged", "file INITRD" },
	{ "at 0x%zx there is no header of a file, and the archive has not ended", "the initrd is damaged", "cpio -it <INITRD" },
	{ "the archive is cut or damaged: its file at 0x%zx does not end", "the initrd is cut: a full /boot", "ls -l INITRD; df INITRD" },
	{ "the zeros behind an archive end at 0x%zx, which is no multiple of %d", "two initrds were joined without the padding that the kernel wants", "--initrd=A --initrd=B, which are joined right" },
	{ "there is no room for the %zu bytes that it has unpacked", "too little memory, or too little is reserved, which spare copies of a crash kernel must fit, too", "the same without --unpack-initrd; for a crash kernel a larger crashkernel=" },
	{ "nothing in it is compressed", "--unpack-initrd has nothing to do", "the same without it" },
	{ "what it expands to is no newc archive at 0x%zx", "an image of a file system that is compressed, or more behind the archive", "file -z INITRD" },
	{ "%s: a directory, not a file", "the path names a directory", "ls FILE" },
	{ "%s: the file is empty", "a full disk when it was written, or the wrong name", "ls -l FILE; df FILE" },
	{ "gives more than %llu KiB, half of memory: no kernel loads that", "a pipe without an end, or one whose file is too large", "the same with a smaller file" },
	{ "%s: %lld bytes are too many to load", "the file is larger than any memory", "ls -l FILE" },
	{ "%s: 0x%llx bytes are too many", "the file is larger than any memory", "ls -l FILE" },
	{ "%s: changed while it was being loaded (%lld bytes, then %lld): load it again when it is whole", "somebody writes it: an update of the package, or of the initrd", NULL },
	{ ": shrank or could not be read while it was being loaded: nothing was loaded", "somebody writes it, or its disk fails", "dmesg | tail, then the same again" },
	{ "the command line has %zu characters, the kernel takes %u at most", "too long a line", "the same with a shorter --append" },
	{ "the initrd begins as an ELF file: the kernel would take it for the crash kernel's ELF core header",
	  "kernel and initrd have been confused, or the initrd is no archive", "file INITRD" },
	{ "the machine runs with 5-level paging, and the kernel cannot be entered so (offset 0x%x: xloadflags 0x%x): boot the running kernel with no5lvl first",
	  "the new kernel is older than 4.17, or built without it", NULL },

	{ NULL, "No place", NULL },
	{ "%s: no place for 0x%llx bytes (%llu KiB)",
	  "no hole in memory holds it: the firmware has cut memory into pieces, or --mem-min and --mem-max leave too little. "
	  "A kernel runs at or above its floor wherever it is loaded, so a hole below is of no use to it",
	  "a smaller kernel or initrd, other --mem-min and --mem-max, or a reboot through the firmware" },
	{ "the kernel is not relocatable and runs only at " PHYS_FMT ", below --mem-min=" PHYS_FMT, "the two contradict each other", "the same without --mem-min" },
	{ "the segments have %llu KiB (", "the running kernel takes no more than half of memory", NULL },
	{ "the running kernel needs %llu KiB for its copy of the segments and has %llu KiB to give: it would kill processes for them, so nothing was loaded",
	  "until the reboot the new kernel is in memory beside all that runs, and beside a kernel that is loaded already", "ps aux --sort=-rss | head, and end what can go; kexec -u" },
	{ "the running kernel's own loader may put the kernel at " PHYS_FMT ", from where it moves itself to " PHYS_FMT ", over what is there",
	  "loaders before Linux 6.12 begin at 1 MiB, whatever the kernel's floor is; with -s a warning, with -a a refusal",
	  "kexec -c ..., which keeps to the floor" },
	{ "the memory map has %zu entries, merged; a kernel keeps %d at most and would lose the rest", "firmware with a very scattered map, or a driver that adds to it", "a reboot through the firmware" },
	{ "more than %d segments", "the system call takes no more", REPORT },

	{ NULL, "The crash kernel", NULL },
	{ "no memory is reserved for a crash kernel (/proc/iomem has no \"Crash kernel\"): boot the running kernel with crashkernel=256M",
	  "no crashkernel= on the running kernel's command line, or it found no place (its log says so)", NULL },
	{ "crash kernel: %llu KiB are needed (", "the reservation is too small", NULL },
	{ "the ELF core header alone has %llu KiB, the reservation %llu KiB: boot the running kernel with crashkernel=256M", "the reservation is far too small, or memory is in very many pieces", NULL },
	{ "the backup of low memory has %llu KiB, the reservation %llu KiB: boot the running kernel with crashkernel=256M", "the reservation is far too small", NULL },
	{ "the command line has %zu bytes, %d more are needed for elfcorehdr=, and the kernel takes %u: the loaded crash kernel stays", "too long a line", "the same with a shorter --append" },
	{ "the running kernel's own loader may need %llu KiB, the running kernel takes half of its memory at most, %llu KiB, and the loaded crash kernel would be lost: it stays. Use a smaller kernel or initrd",
	  "-s gives the loaded crash kernel up before it looks whether the new one fits", NULL },
	{ "the running kernel's own loader may need %llu KiB, the reservation " PHYS_FMT "-" PHYS_FMT " has %llu KiB, and the loaded crash kernel would be lost: it stays. Unload it first (kexec -p -u) to try all the same, use -c, which knows, or boot the running kernel with crashkernel=%lluM",
	  "-s gives the loaded crash kernel up before it looks whether the new one fits", NULL },
	{ "%zu processors' notes and %zu ranges of memory are %zu program headers, an ELF core has %d at most: boot the running kernel with less memory (mem=) or fewer processors (nr_cpus=)",
	  "memory is in more pieces than a dump can describe", NULL },
	{ "/proc/kcore: the running kernel's image " PHYS_FMT "-" PHYS_FMT " lies in the reservation for the crash kernel", "a damaged capture, or a kernel that says what cannot be", REPORT },

	{ NULL, "What the machine says of itself", NULL },
	{ "/proc/iomem: every address is 0: the kernel hides them from a reader without CAP_SYS_ADMIN; run this as root", "not root, or a container", NULL },
	{ "/proc/iomem: no System RAM in %zu entries", "a container, or a damaged capture", "the same on the machine itself" },
	{ "/proc/iomem has a third \"Crash kernel\" entry, " PHYS_FMT "-" PHYS_FMT ", where kernels have two at most", "a damaged capture, or a kernel newer than this program", REPORT },
	{ "\"%.*s\" is not START-END : NAME", "a damaged capture, or a kernel newer than this program", REPORT },
	{ "\"%.*s\": an indentation of %zu, where an even one of at most %d is possible", "a damaged capture, or a kernel newer than this program", REPORT },
	{ PHYS_FMT "-" PHYS_FMT ": the end lies below the start", "a damaged capture, or broken firmware", REPORT },
	{ PHYS_FMT "-" PHYS_FMT ": memory past the end of physical memory, " PHYS_FMT, "a damaged capture, or broken firmware", REPORT },
	{ PHYS_FMT "-" PHYS_FMT ": the end does not lie above the start", "a damaged capture, or broken firmware", REPORT },
	{ PHYS_FMT "-" PHYS_FMT " reaches past the end of physical memory, " PHYS_FMT, "a damaged capture, or broken firmware", REPORT },
	{ "/sys/firmware/memmap has no entries: the running kernel does not show the firmware's memory map (CONFIG_FIRMWARE_MEMMAP); its own loader can be used with -s",
	  "the kernel was built without it, or this is a container", NULL },
	{ "/sys/firmware/memmap/%zu: 0x%llx-0x%llx reaches the end of the 64-bit address space", "a damaged capture, or broken firmware", REPORT },
	{ "/sys/firmware/efi/runtime-map/%zu: 0x%llx pages of type 0x%llx at 0x%llx do not lie in physical memory", "broken firmware, or a damaged capture", "the same with --noefi" },
	{ "EFI table %s: 0x%llx bytes at " PHYS_FMT " do not lie in physical memory", "broken firmware, or a damaged capture", "kexec -s ..." },
	{ "/sys/kernel/boot_params/data: %zu bytes, a zero page has %d", "a damaged capture, or a kernel newer than this program", REPORT },
	{ "/sys/kernel/boot_params/data is missing: without it the new kernel would lose its screen, its ACPI tables and its EFI", "a container, or an incomplete capture", "the same on the machine itself, or kexec -s ..." },
	{ "%zu bytes, an ELF header has %zu", "/proc/kcore, or a vmcore, is cut", REPORT },
	{ "not a little-endian 64-bit ELF file", "another file than it should be", "file FILE" },
	{ "program headers at offset 0x%llx", "/proc/kcore, or a vmcore, is damaged", REPORT },
	{ "program headers up to 0x%llx of 0x%zx bytes", "/proc/kcore, or a vmcore, is cut", REPORT },
	{ "/%s: \"%.40s\" is not an address", "a damaged capture, or a kernel newer than this program", REPORT },
	{ "/%s: \"%.40s\" is not a number", "a damaged capture, or a kernel newer than this program", REPORT },
	{ "/%s: \"%.*s\" is not a range", "a damaged capture, or a kernel newer than this program", REPORT },
	{ "/%s: %llu bytes of notes", "a damaged capture, or a kernel newer than this program", REPORT },
	{ "/sys/kernel/vmcoreinfo: \"%.60s\" is not an address and a size", "a damaged capture, or a kernel newer than this program", REPORT },
	{ "/%s: %zu bytes, a report has %zu", "the running kernel was started by another version of this program", "kexec -S, without --verbose" },
	{ "/%s: a report of version %u, not %u", "the running kernel was started by another version of this program", "kexec -S, without --verbose" },
	{ "/%s: not a regular file", "a damaged capture", "the same with a new capture" },
	{ "%s: not a regular file", "a pipe or a device, where a file is needed", "ls -l FILE" },
	{ "/%s: ends at 0x%llx", "a file of the kernel's is cut, or a damaged capture", REPORT },
	{ "/%s: ends at 0x%zx", "a file of the kernel's is cut, or a damaged capture", REPORT },
	{ "Nothing has been loaded! Load a kernel first: kexec -l KERNEL", "-e, and no kernel is loaded: its load failed, or the machine was rebooted since", NULL },
	{ "a captured machine has no kernel: name one", "--doctor of a capture", NULL },

	{ NULL, "Captures", NULL },
	{ "no tar archive, or a compressed one: %s", "another file than a capture", "file FILE; gzip -d FILE" },
	{ "does not begin with a file %s: kexec --capture makes one that does", "an archive of something else, or one that was packed anew", NULL },
	{ "does not begin with \"%sNUMBER\"", "the archive was changed", "the same with a new capture" },
	{ "format %llu; this kexec knows %d: use one that is as new as what made it", "made by a newer version", NULL },
	{ "no line \"entries NUMBER\"", "the archive was changed", "the same with a new capture" },
	{ "\"unread %.63s\" is not an errno and a path", "the archive was changed", "the same with a new capture" },
	{ "%llu entries behind %s, which says %llu: it is cut", "mail or a full disk has cut the archive", "the same with a new capture" },
	{ "entry \"%.63s\": character 0x%02x at offset %zu is in no path of a capture", "the archive was made by something else, or to do harm", "tar tvf FILE, and mistrust it" },
	{ "entry \"%.63s\": a path of %zu characters, %d is the most", "the archive was made by something else, or to do harm", "tar tvf FILE, and mistrust it" },
	{ "entry \"%s\": a part of this path is empty or dots alone: it may lead out of the capture", "the archive was made by something else, or to do harm", "tar tvf FILE, and mistrust it" },
	{ "entry \"%s\": %s", "the archive is cut or damaged", "the same with a new capture" },
	{ "entry \"%s\": ends after %zu of %llu bytes", "the archive is cut", "the same with a new capture" },
	{ "entry \"%s\": there are %d before it, which is the most", "the archive was made by something else, or to do harm", "tar tvf FILE, and mistrust it" },
	{ "entry \"%.63s\": %s: a capture has files and directories alone", "a link or a device: the archive was made by something else, or to do harm", "tar tvf FILE, and mistrust it" },
	{ "entry \"%s\": it has %llu bytes, %llu are left of the %d that all files may have", "the archive was made by something else, or to do harm", "tar tvf FILE, and mistrust it" },
	{ "entry number %zu: %s", "the archive is cut or damaged", "the same with a new capture" },
	{ "entry \"%s\": there are two of it", "the archive was changed", "the same with a new capture" },
	{ "%zu entries with %llu bytes; a capture has at most %d with %d", "a machine with more than a capture holds", "the sentence, in a report" },

	{ NULL, "The audit of the EFI stub", NULL },
	{ "more than the %d bytes that a log may have", "the file is no log", "ls -l LOG" },
	{ "a tar archive%s, no log: a capture is read with --sysroot", "a capture was given as a log", NULL },
	{ "%s: there is no log or capture in it", "an empty directory, or the wrong one", "ls DIR" },
	{ "the EFI memory map in the log (\"efi:   0x...\") is of another architecture's kernel: the audit knows those of x86",
	  "a log of an arm64 machine", NULL },
	{ "/sys/kernel/boot_params/data: no EFI memory map: the running kernel was not started by EFI firmware, nor by a kexec that hands its map on",
	  "a BIOS boot, or a kexec with --noefi", NULL },
	{ "/proc/kcore does not show the EFI memory map at 0x%llx: it shows System RAM, and from Linux 6.1 on the EFI stub puts the map among ACPI tables; boot once with efi=debug, so that the log has the map",
	  "the map is where nobody may read it", NULL },
	{ "the capture has no EFI memory map: one of this kexec has", "the capture is older than this program", "the same with a new capture" },
	{ "not the EFI memory map: it lacks /sys/firmware/efi/runtime-map/%u, 0x%llx-0x%llx",
	  "the memory where the map was has been used for something else", "boot once with efi=debug, so that the log has the map" },
	{ "a kexec has started the running kernel, and handed on what the runtime services need of the EFI memory map, no more: boot by the firmware",
	  "after a kexec the firmware's whole map is gone", NULL },
	{ "/%s: %zu bytes, the map has %llu", "a damaged capture", "the same with a new capture" },
	{ "EFI descriptors of version %u, not %d", "firmware newer than this program, or a damaged capture", REPORT },
	{ "EFI descriptors of %u bytes, which are not %d to %d, a multiple of 8", "broken firmware, or a damaged capture", REPORT },
	{ "an EFI memory map of %llu bytes, which are not 1 to %llu descriptors of %u",
	  "broken firmware, or a damaged capture", REPORT },
	{ "an EFI memory map at 0x%llx", "broken firmware, or a damaged capture", REPORT },
	{ "no EFI memory map: descriptor %zu begins at 0x%llx, which is not at a page",
	  "the memory where the map was has been used for something else", "boot once with efi=debug, so that the log has the map" },
	{ "no EFI memory map: none of %zu descriptors is of memory", "the memory where the map was has been used for something else", "boot once with efi=debug, so that the log has the map" },
	{ "%s: no PE header, so no EFI stub: the firmware cannot start it", "a kernel without CONFIG_EFI_STUB", "grep EFI_STUB /boot/config-*" },
	{ "the log has only the runtime services' part of the EFI memory map: the lines \"efi: mem00: ...\" of early boot are lost",
	  "the log is a ring, and its begin is overwritten", "journalctl -k -b >LOG; kexec --audit-efi=LOG KERNEL" },
	{ "every line \"efi: memNN: ...\" of the EFI memory map is damaged (%zu)", "the log was cut, or joined with another", "journalctl -k -b >LOG; kexec --audit-efi=LOG KERNEL" },
	{ "no EFI memory map: x86 kernels print it (\"efi: mem00: ...\") when they are booted by EFI firmware with efi=debug", "a BIOS boot, a kexec, or no efi=debug", NULL },
	{ "a kernel at 0x%llx, of init_size 0x%llx, does not lie in physical memory", "values of the audit that contradict each other", "kexec --audit-efi KERNEL, which takes them from there" },
	{ "a kernel loaded at 0x%llx does not lie in physical memory", "--load-address= is past all memory", "the address of the firmware's log" },

	{ NULL, "What is loaded, and what was", NULL },
	{ "memory has gone since the kernel was loaded, %s, and %s%s: nothing was started, the network is as it was; load it again (--no-checks starts it all the same)",
	  "memory was unplugged: the new kernel would be told of memory that is not there, or would be put where none is", NULL },
	{ "/run/safekexec: belongs to user %u, with mode %03o: remove it", "somebody else made the directory", NULL },
	{ "/run/safekexec/%s: too large", "no record of kexec's", "rm FILE" },
	{ "not JSON, or cut", "the record was changed, or the disk was full", "load the kernel again" },
	{ "no object with \"%s\" where one should be", "the record was changed", "load the kernel again" },
	{ "\"%s\" is missing", "the record was changed", "load the kernel again" },
	{ "\"%s\" is not of type %s", "the record was changed", "load the kernel again" },
	{ "\"%s\" is negative", "the record was changed", "load the kernel again" },
	{ "\"%s\": \"%.40s\" is not a number", "the record was changed", "load the kernel again" },
	{ "\"%s\" is not a digest", "the record was changed", "load the kernel again" },
	{ "\"mtime\": \"%.40s\" is not a time", "the record was changed", "load the kernel again" },
	{ "\"path\": \"%.40s\" does not begin with /", "the record was changed", "load the kernel again" },
	{ "a record of schema %llu, not %d", "another version of kexec wrote it", "load the kernel again" },
	{ "/proc/iomem hides every address", "not root, or a container", AS_ROOT },
	{ "--estimate=measure: qemu-system-x86_64 is not on PATH: install it, or do without =measure",
	  "the pair is booted in QEMU", NULL },
	{ "--estimate=measure: without an initrd there is no userspace: name it with --initrd",
	  "what is measured is how much memory it takes to get there", NULL },
	{ "it does not reach userspace in QEMU, not in %llu MiB; its last line: %.200s",
	  "the kernel lacks a driver that QEMU's machine needs, or the initrd has no init", "kexec --estimate KERNEL, which computes" },
	{ NULL, "Why a kernel is not started directly", NULL },
	{ "boot protocol %u.%02u is of a kernel before 5.5", "how such kernels are entered without their decompressor was not tried", NULL },
	{ "the kernel is not relocatable", "it was built without CONFIG_RELOCATABLE", NULL },
	{ "memory is encrypted here (SEV, SME, TDX), which the decompressor prepares for the kernel", "of the processor, or of the hypervisor", NULL },
	{ "mem_encrypt= on its command line is for the decompressor", "only the decompressor reads it", "the command line without it" },
	{ "the machine runs with 5-level paging, which the kernel itself is not built for", "a kernel keeps the paging that it is entered with, but for its decompressor", "boot the running kernel with no5lvl" },
	{ "the machine runs with 5-level paging, and no5lvl asks the decompressor to leave it", "a kernel keeps the paging that it is entered with", "the command line without no5lvl" },
	{ "unpacked, it has 0x%llx bytes of memory, more than its init_size, 0x%llx", "a damaged or a hostile image", COMPARE },
	{ "its setup header names no payload", "no kernel is in it that could be unpacked", COMPARE },
	{ "its payload has %zu bytes, and is no ELF file", "no kernel is in it that this loader knows", COMPARE },
	{ "its payload is no 64-bit ELF file of a kernel for x86-64", "no kernel is in it that this loader knows", COMPARE },
	{ "a segment of its ELF file (offset 0x%llx, address 0x%llx, 0x%llx bytes of 0x%llx) lies where none of a kernel does", "a damaged image, or a kernel of another kind", COMPARE },
	{ "its ELF file's program headers lie outside it", "a damaged image", COMPARE },
	{ "its ELF file's entry, 0x%llx, is in no segment", "a damaged image", COMPARE },
	{ "its ELF file's section headers are not its end", "its relocations cannot be found: it was made in another way than kernels are", COMPARE },
	{ "its relocations are of an unknown form: %zu bytes, %u lists", "a kernel that is newer than this loader", REPORT },
	{ "its relocation %zu, 0x%x, points outside the kernel", "a damaged image, or a kernel that is newer than this loader", REPORT },
	{ NULL, "Warnings", NULL },
	{ "what was loaded is not recorded, and --doctor cannot compare it: %s", "/run cannot be written", NULL },
	{ "the record of what was loaded stays: %s", "/run cannot be written", "rm /run/safekexec/*.json" },
	{ "whether the memory map is still that of the load is not known: %s", "the record or the map cannot be read", "kexec --status --verbose" },
	{ "memory has come since the kernel was loaded, %s: the new kernel will not have it; load it again to hand it on",
	  "memory was plugged in after the load", NULL },
	{ "the plan is incomplete, for this user may not read all that it depends on: ",
	  "not root", AS_ROOT },
	{ "/sys/hypervisor: this is %s: only the hypervisor can start another kernel",
	  "Linux does not own the machine, nor, where it is paravirtualised, its memory", "reboot, or kexec-tools with libxenctrl, which asks the hypervisor" },
	{ "this is a root partition of Hyper-V: memory that it gave to the hypervisor stays the hypervisor's, and the next kernel does not know",
	  "Linux has guests of the hypervisor below it", "reboot" },
	{ "/proc/iomem: every address is 0", "not root, or a container", AS_ROOT },
	{ "the kernel's log: %s", "not root", AS_ROOT },
	{ "/%s: %s", "not root", AS_ROOT },
	{ "mem%02u of the EFI memory map is another one in the kernel's log than in its memory: the map in memory is used",
	  "the log is of another boot, or damaged", NULL },
	{ "%s", "what would be refused elsewhere is passed over here; the sentence is one of this page", NULL },
	{ "%s: %s", "a warning of one machine of a fleet, which it begins with", NULL },
	{ "--hotplug: the running kernel cannot keep a loaded crash kernel up to date (/sys/kernel/crash_elfcorehdr_size is missing): load it again after memory or CPUs come or go",
	  "a kernel before 6.6, or without CONFIG_CRASH_HOTPLUG", NULL },
	{ "%s; /sys/firmware/efi/runtime-map has only what the firmware keeps for itself, from which nothing follows for the rest", "no log with the whole map", "boot with efi=debug" },
	{ "the log lacks %s of the EFI memory map, or they are damaged: what they describe is taken for memory in use", "the log was cut, or joined with another", "journalctl -k -b >LOG" },
	{ "mem%02u 0x%llx-0x%llx and mem%02u 0x%llx-0x%llx of the EFI memory map overlap: memory is taken for free where all descriptors say so", "broken firmware, or two logs joined", "journalctl -k -b >LOG" },
	{ "mem%02u of the EFI memory map, %llu pages at 0x%llx, is left out: no range of physical memory", "broken firmware, or a damaged log", "journalctl -k -b >LOG" },
	{ "the log has EFI memory maps that differ, of several boots: the last %s is used", "a log of several boots", "journalctl -k -b >LOG" },
	{ "the memory map is not sorted: " PHYS_FMT " comes after " PHYS_FMT, "odd firmware; it is sorted here as the kernel does", "nothing" },
	{ "the memory map overlaps itself at " PHYS_FMT "-" PHYS_FMT ": the larger type wins, as in the kernel", "odd firmware", "nothing" },
	{ "/%s: type \"%.40s\" is not known: taken for reserved", "a kernel newer than this program", REPORT },
	{ "the kernel's log has no line \"efi: ...\", or may not be read: EFI tables that only the running kernel reserves (TPM event log, memory attributes, ESRT) cannot be kept off; segments go to the lowest places that hold them, away from the top of memory where firmware puts such tables",
	  "the log's begin is overwritten, or kernel.dmesg_restrict", "a larger log_buf_len= for the running kernel" },
	{ "a plan for this machine is refused: %s", "a capture is taken all the same, so that the refusal can be reported", NULL },
	{ "/%s: %s: it is not in the capture", "a file that may not be read, or is not there", "the same as root" },
	{ "/sys/firmware/efi/runtime-map, fw_vendor or config_table is missing (CONFIG_EFI_RUNTIME_MAP, or efi=noruntime): %s", "the running kernel has no EFI runtime services to hand over", "boot the running kernel without efi=noruntime" },
	{ "the new kernel cannot take EFI over (xloadflags 0x%x): %s", "a kernel without CONFIG_EFI", "a kernel with it" },
	{ "the firmware's EFI is not 64-bit: %s", "32-bit firmware", NULL },
	{ "EFI memory descriptors have version %u, not 1: %s", "firmware newer than this program", REPORT },
	{ "hyperv_fb has moved the framebuffer and does not say where: the new kernel gets none", "an old Hyper-V driver", "a serial console, or the driver hyperv_drm" },
	{ "no /sys/devices/system/cpu/cpu*/crash_notes can be read: the dump will not have the processors' registers", "not root, or a kernel without CONFIG_CRASH_DUMP", AS_ROOT },
	{ "/sys/kernel/vmcoreinfo cannot be read: makedumpfile and crash will not understand the dump", "a kernel that hides it", "a dump of all pages, with cp" },
	{ "the reservation at " PHYS_FMT " is above 4 GiB and there is none below: devices that reach only there will not work for the capture kernel; boot the running kernel with crashkernel=...,low, too",
	  "crashkernel=...,high alone", NULL },
	{ "/proc/kcore shows no direct map (%s): the dump's program headers will have no virtual addresses", "lockdown, or no CONFIG_PROC_KCORE", "crash, which needs none" },
	{ "Linux %u.%u with several CPUs resets the machine if the panic is not on the boot CPU: add disable_cpu_apicid=%u or nr_cpus=1 to its command line",
	  "a capture kernel before 6.2 that starts other CPUs", NULL },
	{ "the kernel is not started directly: %s", "what its decompressor does besides is needed here, or what is in it is not what this loader knows; it is loaded as it is, which takes longer", "without --direct this is not said" },
	{ "the kernel is not started directly: %s, so the running kernel loads it", "-a chose that", "-c, if it may be done" },
	{ "the kernel is not started directly: there are no random numbers yet for its addresses", "it was early in the boot; the kernel is loaded as it is", "load it again later" },
	{ "--unpack-initrd: the initrd is loaded as it is: %s", "what it says; the new kernel decompresses it, if it can", "the same without --unpack-initrd" },
	{ "--unpack-initrd: the running kernel's own loader takes the initrd's file as it is",
	  "the running kernel is locked down, and reads the file itself", "the same without --unpack-initrd" },
	{ "no spare copies: damage to the crash kernel will be found, and cannot be repaired: %s", "the reservation has no room for them", "boot the running kernel with a larger crashkernel=" },

	{ NULL, "vmcore-dmesg", NULL },
	{ "the file ends at or before offset 0x%llx", "the dump is cut: a full disk when it was written", CRASH },
	{ "notes of 0x%llx bytes at offset 0x%llx are too many", "a damaged dump", CRASH },
	{ "VMCOREINFO of 0x%zx bytes is too long", "a damaged dump", CRASH },
	{ "an ELF file of type %u for machine %u with headers up to 0x%llx is no vmcore of an x86-64 kernel", "another file, or a dump of another machine", "file FILE" },
	{ "none of the notes is VMCOREINFO: the crashed kernel did not say where its log is (was it loaded with a kernel that hides /sys/kernel/vmcoreinfo, or is this a core of a process?)", "as it says", CRASH },
	{ "VMCOREINFO has no %s(%s)", "a kernel of a kind that is not known", CRASH },
	{ "physical address " PHYS_FMT " is in no program header", "the dump lacks a part of memory, or is damaged", CRASH },
	{ "address 0x%llx is in no program header, and VMCOREINFO has no SYMBOL(swapper_pg_dir)", "the dump lacks a part of memory, or is damaged", CRASH },
	{ "where the page tables at 0x%llx are is not known", "a kernel of a kind that is not known", CRASH },
	{ "address 0x%llx is in no program header and not in the page tables", "the dump lacks a part of memory, or is damaged", CRASH },
	{ "%s: 2^%u makes no sense", "the log was damaged before the crash", CRASH },
	{ "VMCOREINFO's offsets do not fit its SIZE(prb_desc)=%llu and SIZE(printk_info)=%llu", "a kernel of a kind that is not known", CRASH },
	{ "the log's ring goes from record %llu to %llu and has room for %llu", "the log was damaged before the crash", CRASH },
	{ "a block from 0x%llx to 0x%llx", "a record was damaged before the crash", CRASH },
	{ "a block of another record", "a record was overwritten before the crash", CRASH },
	{ "a descriptor of another record", "a record was overwritten before the crash", CRASH },
	{ "VMCOREINFO's offsets do not fit its SIZE(%s)=%llu", "a kernel of a kind that is not known", CRASH },
	{ "the log goes from 0x%x to 0x%x and has 0x%x bytes", "the log was damaged before the crash", CRASH },
	{ "a record of 0x%x bytes at 0x%llx of the log: the rest of it cannot be found", "the log was damaged before the crash", CRASH },
	{ "the log has 0x%x bytes, which is no power of two", "the log was damaged before the crash", CRASH },
	{ "VMCOREINFO has none of SYMBOL(prb), SYMBOL(log_first_idx) and SYMBOL(logged_chars): a log of a shape that is not known", "a kernel before 3.5, or newer than this program", CRASH },
};
/* clang-format on */

const struct advice *advice_all(size_t *ret_count)
{
	*ret_count = sizeof(all) / sizeof(all[0]);
	return all;
}

const struct advice_file *advice_files(size_t *ret_count)
{
	*ret_count = sizeof(files) / sizeof(files[0]);
	return files;
}

static const char *for_file(int error)
{
	const struct advice_file *file = files;

	while (file->error && file->error != error)
		file++;
	return file->cure;
}

const char *advice_for(const struct err *err)
{
	switch (err->code) {
	case ERR_INTERNAL:
		return advice_internal_cure;
	case ERR_NO_MEMORY:
		return advice_memory_cure;
	case ERR_SYSTEM:
		return err->format ? for_file(err->sys_errno) : NULL;
	case ERR_USAGE:
	case ERR_INPUT:
	case ERR_DAMAGED:
	case ERR_NO_FIT:
		for (size_t i = 0; err->format && i < sizeof(all) / sizeof(all[0]); i++)
			if (all[i].text && !strcmp(all[i].text, err->format))
				return all[i].cure;
		return NULL;
	case ERR_NONE:
	case ERR_REFUSED: /* explain() has said it */
		return NULL;
	}
	return NULL;
}
