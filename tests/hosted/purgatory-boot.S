/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A multiboot kernel that enters a purgatory at PURGATORY_AT as the old kernel does:
 * long mode, the first 4 GiB identity-mapped, interrupts off, GDT and IDT without
 * room. General registers are not zero, unlike then, so that one that the purgatory
 * passes on shows. At TARGET_AT it has what the purgatory then enters: it looks at the state it is given, prints a dot or a letter for each thing to the
 * debug port, and ends QEMU by the debug exit device.
 */
#include "tests/hosted/purgatory-boot.h"

	.section .text, "ax", @progbits
	.code32
	.globl	_start
multiboot:
	.long	0x1badb002, 0, -0x1badb002

_start:
	cli
	movl	$tables, %edi
	xorl	%eax, %eax
	movl	$(6 * 4096 / 4), %ecx
	rep stosl
	movl	$(tables + 0x1003), tables
	movl	$(tables + 0x2003), %eax
	movl	$(tables + 0x1000), %edi
.Ldirectory:
	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x1000, %eax
	cmpl	$(tables + 0x6003), %eax
	jne	.Ldirectory
	movl	$0x83, %eax	/* present, writable, 2 MiB */
	movl	$(tables + 0x2000), %edi
	movl	$2048, %ecx
.Lpage:
	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	loop	.Lpage

	movl	$tables, %eax
	movl	%eax, %cr3
	movl	$0x20, %eax	/* PAE */
	movl	%eax, %cr4
	movl	$0xc0000080, %ecx
	rdmsr
	orl	$0x900, %eax	/* LME, NXE */
	wrmsr
	movl	$0x80000033, %eax
	movl	%eax, %cr0
	lgdt	gdt_pointer
	ljmp	$0x10, $.Llong

	.code64
.Llong:
	lgdt	nothing(%rip)
	lidt	nothing(%rip)
	movl	$stack_end, %esp
	movl	$PURGATORY_AT, %eax
	pushq	%rax
	xorl	%ecx, %ecx
	notq	%rcx
	.irp	register, rax, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	movq	%rcx, %\register
	.endr
	ret

	.macro	expect letter	/* if the zero flag is set */
	movb	$'.', %cl
	je	.Las_expected\@
	movb	$\letter, %cl
.Las_expected\@:
	movb	%cl, %al
	outb	%al, $0xe9
	.endm

	.macro	selector register, expected, letter
	movl	%\register, %eax
	cmpl	$\expected, %eax
	expect	\letter
	.endm

	.macro	segments_and_flags	/* the flags are in edx */
	selector cs, 0x10, 'c'
	selector ds, 0x18, 'd'
	selector es, 0x18, 'e'
	selector ss, 0x18, 't'
	testl	$0x600, %edx	/* IF, DF */
	expect	'f'
	.endm

	.org	TARGET_AT - BOOT_AT
	orq	%rbx, %rax
	orq	%rcx, %rax
	orq	%rdx, %rax
	orq	%rbp, %rax
	orq	%r8, %rax
	orq	%r9, %rax
	orq	%r10, %rax
	orq	%r11, %rax
	orq	%r12, %rax
	orq	%r13, %rax
	orq	%r14, %rax
	orq	%r15, %rax
	movq	%rax, %rbx
	pushfq
	popq	%rdx
	testq	%rbx, %rbx
	expect	'r'
	movabsq	$TARGET_RSI, %rax
	cmpq	%rax, %rsi
	expect	's'
	movabsq	$TARGET_RDI, %rax
	cmpq	%rax, %rdi
	expect	'i'
	segments_and_flags
	movq	%cr4, %rax
	cmpq	$0x20, %rax
	expect	'4'
	movq	%cr0, %rax
	cmpl	$0x80000033, %eax
	expect	'0'
	movl	$1, %eax
	cpuid
	testl	$(1 << 26), %ecx	/* XSAVE */
	jz	.Lxcr0_read
	movq	%cr4, %rax
	orl	$(1 << 18), %eax	/* OSXSAVE */
	movq	%rax, %cr4
	xorl	%ecx, %ecx
	xgetbv
	xorl	$1, %eax	/* x87 alone, as after a reset */
.Lxcr0_read:
	expect	'x'
	/* The descriptor tables are whole, and an NMI is returned from. */
	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %ss
	movq	%rsp, %rbx
	int	$2
	cmpq	%rsp, %rbx
	expect	'n'
	movb	$'\n', %al
	outb	%al, $0xe9
	movb	$(TARGET_EXIT >> 1), %al
	outb	%al, $TARGET_EXIT_PORT
	hlt

	.code32
	.org	TARGET_32_AT - BOOT_AT
	orl	%edx, %ecx
	orl	%ebp, %ecx
	movl	%ecx, %ebp
	pushfl
	popl	%edx
	cmpl	$TARGET_EAX, %eax
	expect	'a'
	testl	%ebp, %ebp
	expect	'r'
	cmpl	$TARGET_EBX, %ebx
	expect	'b'
	cmpl	$(TARGET_RDI & 0xffffffff), %edi
	expect	'i'
	cmpl	$0, (%esp)	/* where a function would return to, and its argument */
	expect	'k'
	cmpl	$(TARGET_RDI & 0xffffffff), 4(%esp)
	expect	'k'
	cmpl	$(TARGET_RSI & 0xffffffff), %esi
	expect	's'
	segments_and_flags
	movl	%cr4, %eax
	testl	%eax, %eax
	expect	'4'
	movl	%cr0, %eax
	cmpl	$0x33, %eax
	expect	'0'
	movl	$0xc0000080, %ecx
	rdmsr
	testl	$0x500, %eax	/* LME, LMA */
	expect	'l'
	/* The segments are flat: what lies below 1 MiB and near 4 GiB can be read. */
	movl	$0x10, %eax
	movl	%eax, %ds
	movl	%ds:0xfffffff0, %eax
	cmpl	0xfffffff0, %eax
	expect	'w'
	movb	$'\n', %al
	outb	%al, $0xe9
	movb	$(TARGET_EXIT >> 1), %al
	outb	%al, $TARGET_EXIT_PORT
	hlt
	.code64

	.balign	8
gdt:
	.quad	0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt
	.balign	8
nothing:
	.word	0
	.quad	0

	.bss
	.balign	4096
tables:
	.skip	6 * 4096
	.skip	512
stack_end:

	.section .note.GNU-stack, "", @progbits
