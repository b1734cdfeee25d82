/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The first stage: what is run before anything is known to be good. It checks the
 * second stage, which is the rest of the purgatory with its parameters and tables, takes
 * it from its spare if it is damaged, and enters it. It has no stack, calls nothing, writes
 * nothing but the second stage, and is small: nothing checks it.
 *
 * The check is the CRC-64 of ECMA-182, reflected: certain to find damage that spans 64 bits
 * or less, and as good as certain to find any other.
 *
 * The second stage finds in ebp whether it was taken from its spare.
 */
#include "purgatory-abi.h"

#define CRC64_POLYNOMIAL 0xc96c5795d7870f42
/* Line status register of an 8250, and its bit that says that there is room. */
#define LSR	 5
#define LSR_THRE 0x20
#define POLLS	 0x100000

	.section .stage1, "ax", @progbits
	.globl	purgatory_entry
	.hidden	purgatory_entry
purgatory_entry:
	cli
	cld
	jmp	first_stage

	.org	PURGATORY_STAGE1_OFFSET
	.type	block, @object
block:
	.skip	PURGATORY_STAGE1_SIZE

#define STAGE2_SIZE (block + OFF_STAGE1_SIZE)
#define STAGE2_CRC  (block + OFF_STAGE1_CRC)
#define SPARE	    (block + OFF_STAGE1_SPARE)
#define SERIAL_PORT (block + OFF_STAGE1_SERIAL_PORT)
#define FLAGS	    (block + OFF_STAGE1_FLAGS)
#define RESET_DELAY (block + OFF_STAGE1_RESET_DELAY)

	.type	first_stage, @function
first_stage:
	xorl	%ebp, %ebp
	leaq	second_stage(%rip), %rdi
	movq	%rdi, %rsi
	leaq	.Lchecked(%rip), %rdx
	jmp	check
.Lchecked:
	je	second_stage

	movq	SPARE(%rip), %rsi
	testq	%rsi, %rsi
	jz	damaged
	movq	%rsi, %r8
	leaq	.Lspare_checked(%rip), %rdx
	jmp	check
.Lspare_checked:
	jne	damaged
	incl	%ebp
	movq	%r8, %rsi
	movq	STAGE2_SIZE(%rip), %rcx
	shrq	$3, %rcx
	rep movsq
	leaq	second_stage(%rip), %rsi
	leaq	.Lcopy_checked(%rip), %rdx
	jmp	check
.Lcopy_checked:
	je	second_stage

damaged:
	testb	$PURGATORY_STAGE1_NO_IO, FLAGS(%rip)
	jnz	.Lend
	leaq	text(%rip), %rsi
.Lcharacter:
	lodsb
	testb	%al, %al
	jz	.Lend
	movb	%al, %bl
	movw	SERIAL_PORT(%rip), %dx
	testw	%dx, %dx
	jz	.Lend
	addl	$LSR, %edx
	movl	$POLLS, %ecx
.Lpoll:
	inb	%dx, %al
	testb	$LSR_THRE, %al
	jnz	.Lsend
	decl	%ecx
	jnz	.Lpoll
.Lsend:
	subl	$LSR, %edx
	movb	%bl, %al
	outb	%al, %dx
	jmp	.Lcharacter
.Lend:
	testb	$PURGATORY_STAGE1_HALT, FLAGS(%rip)
	jz	.Lreset
.Lhalt:
	hlt
	jmp	.Lhalt
.Lreset:
	rdtsc
	shrdl	$16, %edx, %eax
	movl	%eax, %esi
.Lwait:
	rdtsc
	shrdl	$16, %edx, %eax
	subl	%esi, %eax
	cmpl	RESET_DELAY(%rip), %eax
	jb	.Lwait
	lidt	no_idt(%rip)
	ud2

/* Sets ZF if the bytes at rsi are those of the second stage; continues at rdx. */
check:
	movq	STAGE2_SIZE(%rip), %rcx
	shrq	$3, %rcx
	movabsq	$CRC64_POLYNOMIAL, %rbx
	movq	$-1, %rax
.Lword:
	xorq	(%rsi), %rax
	addq	$8, %rsi
	movl	$64, %r9d
.Lbit:
	shrq	%rax
	jnc	.Lno_carry
	xorq	%rbx, %rax
.Lno_carry:
	decl	%r9d
	jnz	.Lbit
	decq	%rcx
	jnz	.Lword
	cmpq	STAGE2_CRC(%rip), %rax
	jmp	*%rdx

	.type	text, @object
text:
	.asciz	"safekexec purgatory: damaged, and its spare copy, if any\r\n"
	.type	no_idt, @object
no_idt:
	.skip	10
	.globl	purgatory_stage1_end
	.hidden	purgatory_stage1_end
purgatory_stage1_end:
	.org	PURGATORY_STAGE2_OFFSET
second_stage:

	.section .note.GNU-stack, "", @progbits
