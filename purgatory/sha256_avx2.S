/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compression function of SHA-256 with AVX2, of 8 messages at a time: each register has
 * one word of each message.
 *
 * ymm0 to ymm7 are the working variables, which change their roles from round to round. The
 * message schedule is a ring of 16 words on the stack: word t replaces word t - 16 in the
 * round that needs it. AVX2 has no rotation: two shifts and an exclusive or.
 */

#include "purgatory/sha256_lanes.inc"

	.text

/*
 * What a round does once its message word and K are in h. Maj(a, b, c) is
 * ((a ^ b) & (b ^ c)) ^ b, and the a ^ b of one round is the b ^ c of the next: \ab and \bc
 * change places, too.
 */
	.macro	round a, b, c, d, e, f, g, h, ab, bc
	vpsrld	$6, \e, %ymm8
	vpslld	$26, \e, %ymm9
	vpsrld	$11, \e, %ymm10
	vpslld	$21, \e, %ymm11
	vpxor	\f, \g, %ymm12
	vpxor	%ymm9, %ymm8, %ymm8
	vpsrld	$25, \e, %ymm9
	vpxor	%ymm11, %ymm10, %ymm10
	vpslld	$7, \e, %ymm11
	vpand	\e, %ymm12, %ymm12
	vpxor	%ymm10, %ymm8, %ymm8
	vpxor	%ymm11, %ymm9, %ymm9
	vpxor	\g, %ymm12, %ymm12
	vpxor	%ymm9, %ymm8, %ymm8
	vpaddd	%ymm12, \h, \h
	vpaddd	%ymm8, \h, \h
	vpsrld	$2, \a, %ymm8
	vpslld	$30, \a, %ymm9
	vpsrld	$13, \a, %ymm10
	vpslld	$19, \a, %ymm11
	vpaddd	\h, \d, \d
	vpxor	%ymm9, %ymm8, %ymm8
	vpsrld	$22, \a, %ymm9
	vpxor	%ymm11, %ymm10, %ymm10
	vpslld	$10, \a, %ymm11
	vpxor	\a, \b, \ab
	vpxor	%ymm10, %ymm8, %ymm8
	vpxor	%ymm11, %ymm9, %ymm9
	vpand	\ab, \bc, \bc
	vpxor	%ymm9, %ymm8, %ymm8
	vpxor	\b, \bc, \bc
	vpaddd	%ymm8, \h, \h
	vpaddd	\bc, \h, \h
	.endm

	.macro	first t, a, b, c, d, e, f, g, h, ab, bc
	vpbroadcastd 4*(\t)(%rax), %ymm8
	vpaddd	32*(\t)(%r8), \h, \h
	vpaddd	%ymm8, \h, \h
	round	\a, \b, \c, \d, \e, \f, \g, \h, \ab, \bc
	.endm

/* w(t) = sigma1(w(t-2)) + w(t-7) + sigma0(w(t-15)) + w(t-16). */
	.macro	later t, a, b, c, d, e, f, g, h, ab, bc
	vmovdqa	32*((\t+1)&15)(%rsp), %ymm8
	vmovdqa	32*((\t+14)&15)(%rsp), %ymm9
	vpsrld	$7, %ymm8, %ymm10
	vpslld	$25, %ymm8, %ymm11
	vpsrld	$18, %ymm8, %ymm12
	vpslld	$14, %ymm8, %ymm13
	vpsrld	$3, %ymm8, %ymm8
	vpxor	%ymm11, %ymm10, %ymm10
	vpxor	%ymm13, %ymm12, %ymm12
	vpxor	%ymm10, %ymm8, %ymm8
	vpsrld	$17, %ymm9, %ymm10
	vpslld	$15, %ymm9, %ymm11
	vpxor	%ymm12, %ymm8, %ymm8
	vpsrld	$19, %ymm9, %ymm12
	vpslld	$13, %ymm9, %ymm13
	vpsrld	$10, %ymm9, %ymm9
	vpxor	%ymm11, %ymm10, %ymm10
	vpxor	%ymm13, %ymm12, %ymm12
	vpxor	%ymm10, %ymm9, %ymm9
	vpaddd	32*(\t)(%rsp), %ymm8, %ymm8
	vpxor	%ymm12, %ymm9, %ymm9
	vpaddd	32*((\t+9)&15)(%rsp), %ymm8, %ymm8
	vpbroadcastd 4*(\t)(%rax), %ymm10
	vpaddd	%ymm9, %ymm8, %ymm8
	vpaddd	%ymm10, \h, \h
	vmovdqa	%ymm8, 32*(\t)(%rsp)
	vpaddd	%ymm8, \h, \h
	round	\a, \b, \c, \d, \e, \f, \g, \h, \ab, \bc
	.endm

	.macro	eight how, t
	\how	\t+0, %ymm0, %ymm1, %ymm2, %ymm3, %ymm4, %ymm5, %ymm6, %ymm7, %ymm14, %ymm15
	\how	\t+1, %ymm7, %ymm0, %ymm1, %ymm2, %ymm3, %ymm4, %ymm5, %ymm6, %ymm15, %ymm14
	\how	\t+2, %ymm6, %ymm7, %ymm0, %ymm1, %ymm2, %ymm3, %ymm4, %ymm5, %ymm14, %ymm15
	\how	\t+3, %ymm5, %ymm6, %ymm7, %ymm0, %ymm1, %ymm2, %ymm3, %ymm4, %ymm15, %ymm14
	\how	\t+4, %ymm4, %ymm5, %ymm6, %ymm7, %ymm0, %ymm1, %ymm2, %ymm3, %ymm14, %ymm15
	\how	\t+5, %ymm3, %ymm4, %ymm5, %ymm6, %ymm7, %ymm0, %ymm1, %ymm2, %ymm15, %ymm14
	\how	\t+6, %ymm2, %ymm3, %ymm4, %ymm5, %ymm6, %ymm7, %ymm0, %ymm1, %ymm14, %ymm15
	\how	\t+7, %ymm1, %ymm2, %ymm3, %ymm4, %ymm5, %ymm6, %ymm7, %ymm0, %ymm15, %ymm14
	.endm

	.macro	load lane, at, to
	movq	8*\lane(%rsi), %r8
	vmovdqu	\at(%r8,%rcx), \to
	vpshufb	%ymm15, \to, \to
	.endm

/* Halves of two registers, after "fours", change places: they are then the words t and t + 4. */
	.macro	store t, a, b
	vperm2i128 $0x20, \b, \a, %ymm8
	vperm2i128 $0x31, \b, \a, %ymm9
	vmovdqa	%ymm8, 32*(\t)(%rsp)
	vmovdqa	%ymm9, 32*(\t+4)(%rsp)
	.endm

/* Half of a block of each message: eight words from word t on. */
	.macro	words t
	load	0, 4*\t, %ymm0
	load	1, 4*\t, %ymm1
	load	2, 4*\t, %ymm2
	load	3, 4*\t, %ymm3
	load	4, 4*\t, %ymm4
	load	5, 4*\t, %ymm5
	load	6, 4*\t, %ymm6
	load	7, 4*\t, %ymm7
	fours	%ymm0, %ymm1, %ymm2, %ymm3, %ymm8, %ymm9, %ymm10, %ymm11
	fours	%ymm4, %ymm5, %ymm6, %ymm7, %ymm8, %ymm9, %ymm10, %ymm11
	store	\t+0, %ymm0, %ymm4
	store	\t+1, %ymm1, %ymm5
	store	\t+2, %ymm2, %ymm6
	store	\t+3, %ymm3, %ymm7
	.endm

/* void sha256_blocks_avx2_8(uint32_t state[8][8], const uint8_t *const data[8], size_t nr_blocks) */
	.globl	sha256_blocks_avx2_8
	.hidden	sha256_blocks_avx2_8
	.type	sha256_blocks_avx2_8, @function
	.balign	64
sha256_blocks_avx2_8:
	xorl	%ecx, %ecx
	shlq	$6, %rdx
	jz	.Ldone
	pushq	%rbp
	movq	%rsp, %rbp
	subq	$512, %rsp
	andq	$-32, %rsp

	.balign	32
.Lblock:
	vbroadcasti128 sha256_byte_order(%rip), %ymm15
	words	0
	words	8
	vmovdqu	0(%rdi), %ymm0
	vmovdqu	32(%rdi), %ymm1
	vmovdqu	64(%rdi), %ymm2
	vmovdqu	96(%rdi), %ymm3
	vmovdqu	128(%rdi), %ymm4
	vmovdqu	160(%rdi), %ymm5
	vmovdqu	192(%rdi), %ymm6
	vmovdqu	224(%rdi), %ymm7
	vpxor	%ymm1, %ymm2, %ymm15
	leaq	sha256_constants(%rip), %rax
	leaq	256(%rax), %r9
	movq	%rsp, %r8

	.balign	32
.Leight:
	eight	first, 0
	addq	$32, %rax
	addq	$256, %r8
	leaq	512(%rsp), %r10
	cmpq	%r10, %r8
	jne	.Leight

	.balign	32
.Lsixteen:
	eight	later, 0
	eight	later, 8
	addq	$64, %rax
	cmpq	%r9, %rax
	jne	.Lsixteen

	vpaddd	0(%rdi), %ymm0, %ymm0
	vpaddd	32(%rdi), %ymm1, %ymm1
	vpaddd	64(%rdi), %ymm2, %ymm2
	vpaddd	96(%rdi), %ymm3, %ymm3
	vpaddd	128(%rdi), %ymm4, %ymm4
	vpaddd	160(%rdi), %ymm5, %ymm5
	vpaddd	192(%rdi), %ymm6, %ymm6
	vpaddd	224(%rdi), %ymm7, %ymm7
	vmovdqu	%ymm0, 0(%rdi)
	vmovdqu	%ymm1, 32(%rdi)
	vmovdqu	%ymm2, 64(%rdi)
	vmovdqu	%ymm3, 96(%rdi)
	vmovdqu	%ymm4, 128(%rdi)
	vmovdqu	%ymm5, 160(%rdi)
	vmovdqu	%ymm6, 192(%rdi)
	vmovdqu	%ymm7, 224(%rdi)
	addq	$64, %rcx
	cmpq	%rdx, %rcx
	jne	.Lblock

	leave
	vzeroupper
.Ldone:
	ret
	.size	sha256_blocks_avx2_8, . - sha256_blocks_avx2_8

	.section .note.GNU-stack, "", @progbits
