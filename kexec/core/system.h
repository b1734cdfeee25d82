/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The running machine as values: everything that a plan depends on, gathered
 * once (kexec/sys/gather.h), live or from a capture.
 */
#ifndef CORE_SYSTEM_H
#define CORE_SYSTEM_H

#include "kexec/core/efimap.h"
#include "kexec/core/elfcorehdr.h"
#include "kexec/core/iomem.h"
#include "kexec/core/kcore.h"
#include "kexec/core/rsdp.h"

enum { SYSTEM_EFI_TABLES_MAX = 32, SYSTEM_BOOT_PARAMS_SIZE = 4096 };

struct system_efi {
	bool booted;	       /* /sys/firmware/efi exists */
	bool can_hand_over;    /* runtime map, fw_vendor and config_table are all there */
	uint64_t fw_vendor;    /* physical */
	uint64_t runtime;      /* physical in the first kernel, a converted pointer after a kexec */
	uint64_t config_table; /* physical */
	uint64_t smbios;       /* 0: unknown */
	struct efi_map runtime_map;
	struct efi_table table[SYSTEM_EFI_TABLES_MAX];
	size_t nr_tables;
};

/* What a crash kernel must know of the running one. Filled for crash loads only. */
struct system_crash {
	struct elfcorehdr_note *note; /* one for each CPU that sysfs shows, in their order */
	size_t nr_notes, notes_room;
	struct elfcorehdr_note vmcoreinfo; /* size 0: unknown */
	uint64_t elfcorehdr_size; /* what the kernel can grow it to at hotplug; 0: it cannot */
	struct range_set cma;	  /* crashkernel=,cma: RAM that the capture kernel may use */
	uint64_t possible_cpus;	  /* that may come, too; 0: unknown */
	phys_t memory_may_reach;  /* by ACPI's SRAT; 0: it has none */
	bool first_mib_in_use;	  /* the running kernel allocates from it (before 5.14) */
};

/* What the running kernel's own loader hands on, and nobody else can. */
enum system_handed_on {
	HANDED_ON_KHO = 1,  /* what kexec handover preserves, to a normal kernel */
	HANDED_ON_IMA = 2,  /* IMA's list of measurements, likewise */
	HANDED_ON_KEYS = 4, /* of dm-crypt, to a crash kernel */
};

/* The interrupts of the BIOS that a kernel's setup code calls: screen, disks, memory, keyboard. */
enum { SYSTEM_BIOS_HANDLERS = 7 };
extern const uint8_t system_bios_vector[SYSTEM_BIOS_HANDLERS];

/* What a BIOS left in the first page, which no kernel uses. */
struct system_bios {
	bool known;
	struct err unknown;		      /* why not */
	phys_t handler[SYSTEM_BIOS_HANDLERS]; /* 0: there is none */
	phys_t data_at; /* from here to 640 KiB memory may be the BIOS's, whatever its map says */
};

/* Owned; zero-initialise; release with system_done(). */
struct system {
	struct memmap firmware; /* /sys/firmware/memmap, as it stands there, and what
				   system_add_efi_memmap() adds */
	struct iomem iomem;
	uint8_t boot_params[SYSTEM_BOOT_PARAMS_SIZE]; /* the running kernel's zero page */
	bool has_boot_params;
	struct system_efi efi;
	struct kcore kcore; /* empty if it may not be read: kcore_unread says why */
	struct err kcore_unread;
	struct system_crash crash;
	struct system_bios bios; /* filled where real mode is asked for */
	uint64_t mem_total;	 /* bytes that the kernel manages; 0: unknown */
	uint64_t mem_unaccepted; /* bytes of RAM that an encrypted guest has yet to accept */
	uint64_t acpi_rsdp;	 /* 0: leave the search to the new kernel */
	struct rsdp rsdp;	 /* the same, where only its bytes can be told */
	char *cmdline;		 /* /proc/cmdline without its newline; NULL if unreadable */
	bool adds_efi_memmap;	 /* add_efi_memmap is on that command line */
	bool has_serial_console; /* of it, too; see cmdline_serial_console() */
	uint16_t serial_port;
	uint32_t serial_baud;
	bool la57; /* 5-level paging is on */
	bool has_boot_apicid;
	uint32_t boot_apicid;	  /* of the CPU that the firmware started */
	bool is_guest_without_io; /* SEV-ES, SEV-SNP or TDX: PURGATORY_NO_IO */
	bool encrypts_memory;	  /* those, SEV, and a host with SME in use */
	bool may_encrypt_memory;  /* both are what the processor can do: the log has lost its
				     beginning, which would say what it does */
	bool is_hypervisor_host; /* of Hyper-V: the root partition, or one that has guests of its own */
	/* Of Xen: its memory is not the machine's, and the machine not its own to start anew. */
	bool is_xen_dom0, is_xen_pv;
	bool framebuffer_moved;	   /* hyperv_fb is bound: boot_params' framebuffer is stale */
	uint64_t framebuffer_base; /* where it is then; 0: unknown */
	uint64_t tsc_hz;	   /* 0: unknown */
	uint16_t reset_port;	   /* FADT reset register in I/O space; 0: none */
	uint8_t reset_value;
	bool only_shown; /* by no plan for it anything is loaded: where /proc/iomem is hidden, the
			    firmware's map stands for it */
	char *release;	 /* uname -r; NULL if unreadable */
	uint32_t handed_on; /* of enum system_handed_on */
	char *lockdown;	    /* "none", "integrity", "confidentiality"; NULL: no such file */
};

void system_done(struct system *system);

/* ERR_INPUT where no kernel can start another by itself, however it is loaded. */
int system_check_host(const struct system *system, struct err *err);

/* With add_efi_memmap the running kernel has taken memory from the EFI map that the firmware's other
 * one lacks, and shows it in /proc/iomem only (do_add_efi_memmap() in arch/x86/platform/efi/efi.c).
 * It comes to `firmware`, by the types that it has there; what is in that stays as it is. */
int system_add_efi_memmap(struct system *system, struct warnings *warnings, struct err *err);

/* ERR_INPUT: the firmware's map is not shown. */
int system_no_firmware_map(struct err *err);

/* The firmware's map in the kernel's order, overlaps resolved, neighbours merged. */
int system_e820(const struct system *system, struct memmap *ret, struct warnings *warnings,
		struct err *err);

/* RAM for firmware and running kernel, in whole pages, less the EFI tables that only memblock
 * protects. Otherwise as system_usable(). */
int system_ram(const struct system *system, const struct memmap *e820, struct range within,
	       struct range_set *ret, struct err *err);

/*
 * The rule for what a segment may use. Usable is what the firmware calls RAM
 * *and* /proc/iomem calls System RAM, less the "Reserved" below it, less the EFI
 * tables that only memblock protects, less the first MiB; whole pages only.
 * e820 is system_e820()'s; nothing outside `within` is usable. ret is zero-initialised by the caller, owned by it afterwards.
 * ERR_INPUT where a source is missing or hides its addresses.
 */
int system_usable(const struct system *system, const struct memmap *e820, struct range within,
		  struct range_set *ret, struct err *err);

/* Why no segment may lie at the start of a range: a firmware type, a table, a resource. *range,
 * which is not empty, is cut where that ends. Points into `system` or at a constant. */
const char *system_what_is_in(const struct system *system, struct range *range);

#endif
