/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From 32-bit mode back to real mode, as a BIOS leaves it to a boot loader, and into a kernel's setup
 * code. Intel SDM volume 3, 9.9.2; 8259A and 8254 as in the PC/AT Technical Reference.
 */
#include "kexec/x86/realmode.h"

#define OFFSET(label) (REALMODE_CODE_AT + (label - realmode_code))
#define LINEAR(label) (REALMODE_AT + OFFSET(label))

#define SEGMENT	       (REALMODE_AT >> 4)
#define SETUP_ENTRY    0x20 /* paragraphs behind the segment, by boot.rst */
#define CODE_SELECTOR  0x08
#define DATA_SELECTOR  0x10
#define CR0_AFTER_BOOT 0x10 /* ET alone */
#define IVT_SIZE       0x400

#define PIC_1	       0x20
#define PIC_2	       0xa0
#define PIC_INIT       0x11 /* edge triggered, cascade, four words */
#define PIC_8086       0x01
#define PIC_MASK_BIOS  0xf8 /* of timer, keyboard and second controller alone, the rest masked */
#define PIC_MASK_ALL   0xff
#define PIT_CONTROL    0x43
#define PIT_CHANNEL_0  0x40
#define PIT_SQUARE     0x36 /* channel 0, both bytes, mode 3 */
#define IO_DELAY       0x80

	.macro	write port, value
	movb	$\value, %al
	outb	%al, $\port
	outb	%al, $IO_DELAY
	.endm

	.section .rodata, "a", @progbits
	.globl	realmode_code
	.hidden	realmode_code
	.type	realmode_code, @object
	.balign	16
realmode_code:
	.code32
	lgdt	LINEAR(.Lgdt_pointer)
	ljmp	$CODE_SELECTOR, $OFFSET(.Lprotected_16)

	.code16
	/* Segments of 64 KiB: their limits stay in real mode. */
.Lprotected_16:
	movw	$DATA_SELECTOR, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	lidtw	OFFSET(.Lidt_pointer)
	movl	$CR0_AFTER_BOOT, %eax
	movl	%eax, %cr0
	ljmp	$SEGMENT, $OFFSET(.Lreal)
.Lreal:
	movw	$SEGMENT, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	movl	$REALMODE_STACK_END, %esp

	/* The running kernel has moved the vectors to where the BIOS has none for them. */
	write	PIC_1, PIC_INIT
	write	PIC_2, PIC_INIT
	write	PIC_1 + 1, 0x08
	write	PIC_2 + 1, 0x70
	write	PIC_1 + 1, 0x04
	write	PIC_2 + 1, 0x02
	write	PIC_1 + 1, PIC_8086
	write	PIC_2 + 1, PIC_8086
	write	PIC_1 + 1, PIC_MASK_BIOS
	write	PIC_2 + 1, PIC_MASK_ALL
	/* The BIOS counts these ticks, 18.2 a second, to know how long it waits. */
	write	PIT_CONTROL, PIT_SQUARE
	write	PIT_CHANNEL_0, 0
	write	PIT_CHANNEL_0, 0

	pushl	$0
	popfl
	ljmp	$SEGMENT + SETUP_ENTRY, $0

	.balign	8
.Lgdt:
	.quad	0
	.quad	0x00009b000000ffff | (REALMODE_AT << 16)	/* 16-bit code, 64 KiB */
	.quad	0x000093000000ffff | (REALMODE_AT << 16)	/* data, 64 KiB */
.Lgdt_end:
.Lgdt_pointer:
	.word	.Lgdt_end - .Lgdt - 1
	.long	LINEAR(.Lgdt)
.Lidt_pointer:
	.word	IVT_SIZE - 1
	.long	0
	/* The assembler refuses what does not fit. */
	.org	realmode_code + REALMODE_SIZE - REALMODE_CODE_AT
	.size	realmode_code, . - realmode_code

	.section .note.GNU-stack, "", @progbits
