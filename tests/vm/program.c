/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel that says on the first serial port how it was started and what it was told, a fact a line,
 * and resets the machine. What it is depends on how it is compiled (suite-multiboot.sh):
 * MULTIBOOT=1 or 2, or neither; -m32 or -m64. Nothing of the loader's is included: it has its own idea
 * of every layout.
 */
#include <stdint.h>

#ifndef MULTIBOOT
#define MULTIBOOT 0
#endif

#define STRING(number) TEXT(number)
#define TEXT(number)   #number

#if MULTIBOOT == 1
#ifdef ADDRESSES
__asm__(".pushsection .header, \"a\"\n.balign 4\n"
	"header: .long 0x1badb002, 0x10003, -(0x1badb002 + 0x10003)\n"
	".long header, image_start, image_end, bss_end, entry\n.popsection\n");
#else
__asm__(".pushsection .header, \"a\"\n.balign 4\n"
	".long 0x1badb002, 0x3, -(0x1badb002 + 0x3)\n.popsection\n");
#endif
#elif MULTIBOOT == 2
__asm__(".pushsection .header, \"a\"\n.balign 8\n"
	"header: .long 0xe85250d6, 0, header_end - header\n"
	".long -(0xe85250d6 + (header_end - header))\n"
	".short 1, 0\n.long 20, 4, 6, 1\n.balign 8\n" /* it wants memory, map and command line */
	".short 5, 1\n.long 20, 0, 0, 0\n.balign 8\n" /* a framebuffer, if there is one */
	".short 6, 0\n.long 8\n"		      /* modules on pages */
#ifdef RELOCATABLE
	".short 10, 0\n.long 24, " STRING(
		RELOCATABLE) ", 0x7fffffff, 0x200000, 1\n"
#endif
			     ".short 4660, 1\n.long 12, 0\n.balign 8\n" /* what nobody knows, and may ignore */
			     ".short 0, 0\n.long 8\nheader_end:\n.popsection\n");
#endif

/* The registers, before anything changes them. Its own address is in none: it may have been moved. */
#ifdef __x86_64__
__asm__(".pushsection .entry, \"ax\"\n.globl entry\nentry:\n"
	"mov %rdi, %rdx\nmov %rsi, %rcx\nmov %rax, %rdi\nmov %rbx, %rsi\n"
	"lea stack_end(%rip), %rsp\ncall program\n1: hlt\njmp 1b\n.popsection\n");
#else
__asm__(".pushsection .entry, \"ax\"\n.globl entry\nentry:\n"
	"mov 4(%esp), %ecx\nmov %esp, %edx\n" /* the argument, as a function of C finds it */
	"call 1f\n1: pop %ebp\nlea stack_end - 1b(%ebp), %esp\n"
	"push %esi\npush %ecx\npush %ebx\npush %eax\ncall program\n1: hlt\njmp 1b\n.popsection\n");
#endif
__asm__(".pushsection .bss\n.balign 16\n.skip 16384\nstack_end:\n.popsection\n");

static void out(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

enum { COM1 = 0x3f8, LINE_STATUS = 5, IS_EMPTY = 0x20, RESET = 0xcf9 };

static void put(char c)
{
	while (!(in(COM1 + LINE_STATUS) & IS_EMPTY))
		;
	out(COM1, (uint8_t)c);
}

static void say(const char *text)
{
	while (*text)
		put(*text++);
}

static void say_hex(uint64_t value)
{
	int digits = 1;

	while (digits < 16 && value >> (4 * digits))
		digits++;
	while (digits--)
		put("0123456789abcdef"[value >> (4 * digits) & 15]);
}

static void fact(const char *name, uint64_t value)
{
	say("@ ");
	say(name);
	put('=');
	say_hex(value);
	put('\n');
}

static void text_fact(const char *name, const char *text)
{
	say("@ ");
	say(name);
	put('=');
	say(text);
	put('\n');
}

static const void *at(uint64_t address)
{
	return (const void *)(uintptr_t)address;
}

/* A sum that knows where each byte was: Fletcher's, of 32 bits each. */
static uint64_t sum(uint32_t start, uint32_t end)
{
	uint32_t a = 0, b = 0;

	for (const uint8_t *byte = at(start); byte != at(end); byte++) {
		a += *byte;
		b += a;
	}
	return (uint64_t)b << 32 | a;
}

static void say_module(uint32_t start, uint32_t end, const char *cmdline)
{
	say("@ module=");
	say_hex(end - start);
	put(' ');
	say_hex(start & 0xfff);
	put(' ');
	say_hex(sum(start, end));
	put(' ');
	say(cmdline);
	put('\n');
}

static void say_range(uint64_t start, uint64_t size, uint32_t type)
{
	say("@ map=");
	say_hex(start);
	put(' ');
	say_hex(start + size);
	put(' ');
	say_hex(type);
	put('\n');
}

struct screen {
	uint64_t address;
	uint32_t pitch, width, height;
	uint8_t bits, type;
} __attribute__((packed));

static void say_screen(const struct screen *screen)
{
	say("@ screen=");
	say_hex(screen->address);
	put(' ');
	say_hex(screen->width);
	put(' ');
	say_hex(screen->height);
	put(' ');
	say_hex(screen->bits);
	put(' ');
	say_hex(screen->type);
	put('\n');
}

struct entry_1 {
	uint32_t size;
	uint64_t start, length;
	uint32_t type;
} __attribute__((packed));

static __attribute__((unused)) void say_information_1(const uint32_t *info)
{
	const struct entry_1 *entry = at(info[12]);
	const uint32_t *module = at(info[6]);

	fact("flags", info[0]);
	fact("lower", info[1]);
	fact("upper", info[2]);
	text_fact("cmdline", at(info[4]));
	text_fact("loader", at(info[16]));
	if (info[0] & 1 << 3)
		for (uint32_t i = 0; i < info[5]; i++, module += 4)
			say_module(module[0], module[1], at(module[2]));
	while ((uintptr_t)entry < info[12] + info[11]) {
		say_range(entry->start, entry->length, entry->type);
		entry = at((uintptr_t)entry + entry->size + 4);
	}
	if (info[0] & 1 << 12)
		say_screen(at((uintptr_t)info + 88));
}

/* Its sums, and what it points to. */
static void say_rsdp(uint32_t type, const uint8_t *rsdp)
{
	const uint32_t *table = at(*(const uint32_t *)(rsdp + (type == 15 ? 24 : 16)));
	uint8_t first = 0, all = 0;

	for (int i = 0; i < 20; i++)
		first = (uint8_t)(first + rsdp[i]);
	for (int i = 0; type == 15 && i < 36; i++)
		all = (uint8_t)(all + rsdp[i]);
	fact("rsdp", type);
	fact("sums", first | all);
	fact("table", *table);
}

struct entry_2 {
	uint64_t start, length;
	uint32_t type, zero;
};

static __attribute__((unused)) void say_information_2(const uint32_t *info)
{
	uintptr_t end = (uintptr_t)info + info[0];
	const uint32_t *tag = info + 2;

	fact("aligned", (uintptr_t)info % 8 == 0);
	for (; (uintptr_t)tag < end; tag = at(((uintptr_t)tag + tag[1] + 7) & ~(uintptr_t)7)) {
		switch (tag[0]) {
		case 0:
			fact("ended", (uintptr_t)tag + 8 == end);
			return;
		case 1:
			text_fact("cmdline", (const char *)(tag + 2));
			break;
		case 2:
			text_fact("loader", (const char *)(tag + 2));
			break;
		case 3:
			say_module(tag[2], tag[3], (const char *)(tag + 4));
			break;
		case 4:
			fact("lower", tag[2]);
			fact("upper", tag[3]);
			break;
		case 6:
			for (uint32_t i = 16; i < tag[1]; i += tag[2]) {
				const struct entry_2 *entry = at((uintptr_t)tag + i);

				say_range(entry->start, entry->length, entry->type);
			}
			break;
		case 8:
			say_screen((const void *)(tag + 2));
			break;
		case 14:
		case 15:
			say_rsdp(tag[0], (const uint8_t *)(tag + 2));
			break;
		case 21:
			fact("base", tag[2]);
			break;
		default:
			fact("tag", tag[0]);
		}
	}
}

/* ELF boot notes: their sum, and each with its text. */
static __attribute__((unused)) void say_notes(const uint32_t *notes)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < notes[1] / 2; i++)
		total += ((const uint16_t *)notes)[i];
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	fact("signature", notes[0]);
	fact("checked", total == 0xffff && notes[1] % 2 == 0);
	fact("notes", notes[2] >> 16);
	for (const uint32_t *note = notes + 3; (uintptr_t)note < (uintptr_t)notes + notes[1];
	     note = at(((uintptr_t)note + 12 + note[0] + note[1] + 3) & ~(uintptr_t)3)) {
		say("@ note=");
		say_hex(note[2]);
		put(' ');
		say((const char *)(note + 3));
		put('\n');
	}
}

static uint64_t flags_and_mode(uint64_t *ret_cr0)
{
	uintptr_t flags, cr0;

	__asm__ volatile("pushf\npop %0\nmov %%cr0, %1" : "=r"(flags), "=r"(cr0));
	*ret_cr0 = cr0;
	return flags;
}

/* zero: of bss, which nobody but the loader cleared. */
static uint8_t zero[4096 * 3];

__attribute__((used)) void program(uintptr_t ax, uintptr_t bx, uintptr_t argument, uintptr_t si)
{
	uint64_t cr0, flags = flags_and_mode(&cr0);
	int dirty = 0;

	for (unsigned int i = 0; i < sizeof(zero); i++)
		dirty |= ((volatile uint8_t *)zero)[i];
	put('\n');
	fact("bits", 8 * sizeof(ax));
	fact("eax", ax);
	fact("ebx", MULTIBOOT ? !!bx : bx);
	fact("esi", MULTIBOOT ? 0 : !!si);
	fact("argument", MULTIBOOT ? argument : !!argument);
	fact("dirty", (uint64_t)dirty);
	fact("interrupts", flags >> 9 & 1);
	fact("paging", cr0 >> 31 & 1);
#if MULTIBOOT == 1
	say_information_1(at(bx));
#elif MULTIBOOT == 2
	say_information_2(at(bx));
#elif defined(NOTES)
	say_notes(at(argument));
#elif defined(ZERO_PAGE)
	fact("header", *(const uint32_t *)at(si + 0x202));
	text_fact("cmdline", at(*(const uint32_t *)at(si + 0x228)));
	for (uint8_t i = 0; i < *(const uint8_t *)at(si + 0x1e8); i++) {
		const uint32_t *entry = at(si + 0x2d0 + i * 20U);

		say_range(entry[0] | (uint64_t)entry[1] << 32, entry[2] | (uint64_t)entry[3] << 32,
			  entry[4]);
	}
	if (*(const uint32_t *)at(si + 0x21c))
		say_module(*(const uint32_t *)at(si + 0x218),
			   *(const uint32_t *)at(si + 0x218) + *(const uint32_t *)at(si + 0x21c),
			   "initrd");
#endif
	say("PROGRAM DONE\n");
	out(RESET, 0x0e);
	for (;;)
		__asm__ volatile("hlt");
}
