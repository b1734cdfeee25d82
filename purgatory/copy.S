/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * memcpy and memset for the purgatory: quadwords, then the last bytes. The string
 * instructions are fast from the first byte on processors of the last decade,
 * and the shortest loop on all others.
 */
	.text

	.globl	memcpy
	.type	memcpy, @function
memcpy:
	movq	%rdi, %rax
	movq	%rdx, %rcx
	shrq	$3, %rcx
	rep movsq
	movl	%edx, %ecx
	andl	$7, %ecx
	rep movsb
	ret
	.size	memcpy, . - memcpy

	.globl	memset
	.type	memset, @function
memset:
	movq	%rdi, %r8
	movzbl	%sil, %esi
	movabsq	$0x0101010101010101, %rax
	imulq	%rsi, %rax
	movq	%rdx, %rcx
	shrq	$3, %rcx
	rep stosq
	movl	%edx, %ecx
	andl	$7, %ecx
	rep stosb
	movq	%r8, %rax
	ret
	.size	memset, . - memset

	.section .note.GNU-stack, "", @progbits
