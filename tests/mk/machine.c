/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/mk/machine.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kexec/core/bytes.h"
#include "x86/bootparam.h"

static void must(int holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	abort();
}

void mk_path(const struct mk_machine *machine, const char *path, char ret[MK_PATH_MAX])
{
	char full[MK_PATH_MAX];

	must(snprintf(full, sizeof(full), "%s/%s", machine->path, path) < MK_PATH_MAX, path);
	memcpy(ret, full, sizeof(full));
}

void mk_file(const struct mk_machine *machine, const char *path, const void *data, size_t size)
{
	char full[MK_PATH_MAX];
	FILE *file;

	mk_path(machine, path, full);
	if (!data) {
		must(!unlink(full), full);
		return;
	}
	for (char *slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "w");
	must(file != NULL, full);
	must(!fchmod(fileno(file), 0644), full);
	must(fwrite(data, 1, size, file) == size && !fclose(file), full);
}

void mk_text(const struct mk_machine *machine, const char *path, const char *text)
{
	mk_file(machine, path, text, strlen(text));
}

void mk_memmap(const struct mk_machine *machine, unsigned int number, unsigned long long start,
	       unsigned long long last, const char *type)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "sys/firmware/memmap/%u/start", number);
	snprintf(text, sizeof(text), "0x%llx\n", start);
	mk_text(machine, path, text);
	snprintf(path, sizeof(path), "sys/firmware/memmap/%u/end", number);
	snprintf(text, sizeof(text), "0x%llx\n", last);
	mk_text(machine, path, text);
	snprintf(path, sizeof(path), "sys/firmware/memmap/%u/type", number);
	mk_text(machine, path, type);
}

void mk_machine_init(struct mk_machine *machine)
{
	static uint8_t zero_page[sizeof(struct boot_params)];
	struct boot_params *page = (void *)zero_page;

	strcpy(machine->path, "/tmp/kexec-machine-XXXXXX");
	must(mkdtemp(machine->path) != NULL, machine->path);
	page->acpi_rsdp_addr = 0xf5a00;
	mk_memmap(machine, 0, 0, 0x9fbff, "System RAM\n");
	mk_memmap(machine, 1, 0x9fc00, 0x9ffff, "Reserved\n");
	mk_memmap(machine, 2, 0x100000, 0x3fffffff, "System RAM\n");
	mk_text(machine, "proc/iomem",
		"00001000-0009fbff : System RAM\n"
		"00100000-3fffffff : System RAM\n"
		"  01000000-01ffffff : Kernel code\n");
	mk_text(machine, "proc/cmdline", "console=tty0\n");
	mk_text(machine, "proc/sys/kernel/random/boot_id",
		"c7a9a2a6-3a0b-4f0e-9a57-4b1d1c0f7e11\n");
	mk_text(machine, "run/utmp", "");
	mk_text(machine, "sys/kernel/kexec_loaded", "0\n");
	mk_text(machine, "sys/kernel/kexec_crash_loaded", "1\n");
	mk_file(machine, "sys/kernel/boot_params/data", zero_page, sizeof(zero_page));
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
	(void)status;
	(void)flag;
	(void)walk;
	return remove(path);
}

void mk_machine_done(struct mk_machine *machine)
{
	nftw(machine->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct mk_kcore mk_kcore(uint64_t image_size, uint64_t ram_start, uint64_t ram_end)
{
	return (struct mk_kcore){
		.ehdr = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
				       ELFDATA2LSB },
			  .e_phoff = sizeof(Elf64_Ehdr),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 2 },
		.phdr = { { .p_type = PT_LOAD,
			    .p_vaddr = 0xffffffff81000000,
			    .p_paddr = 0x1000000,
			    .p_memsz = image_size },
			  { .p_type = PT_LOAD,
			    .p_vaddr = 0xffff888000000000 + ram_start,
			    .p_paddr = ram_start,
			    .p_memsz = ram_end - ram_start } },
	};
}
