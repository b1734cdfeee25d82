/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compression function of SHA-256 with AVX-512 (F and BW), of 16 messages at a time:
 * each register has one word of each message.
 *
 * zmm0 to zmm7 are the working variables, which change their roles from round to round;
 * zmm8 to zmm23 the message schedule, a ring of 16 words; the rest is scratch. vpternlogd's
 * immediate is the truth table: 0x96 is a xor b xor c, 0xca the choice by a, 0xe8 the majority.
 */

#include "purgatory/sha256_lanes.inc"

	.text

	.macro	round t, a, b, c, d, e, f, g, h, w
	vpaddd	4*(\t)(%rax){1to16}, \h, \h
	vprord	$6, \e, %zmm24
	vprord	$11, \e, %zmm25
	vprord	$25, \e, %zmm26
	vpaddd	\w, \h, \h
	vmovdqa32 \e, %zmm27
	vpternlogd $0xca, \g, \f, %zmm27
	vpternlogd $0x96, %zmm26, %zmm25, %zmm24
	vpaddd	%zmm27, \h, \h
	vpaddd	%zmm24, \h, \h
	vprord	$2, \a, %zmm28
	vprord	$13, \a, %zmm29
	vprord	$22, \a, %zmm30
	vpaddd	\h, \d, \d
	vmovdqa32 \a, %zmm31
	vpternlogd $0xe8, \c, \b, %zmm31
	vpternlogd $0x96, %zmm30, %zmm29, %zmm28
	vpaddd	%zmm31, \h, \h
	vpaddd	%zmm28, \h, \h
	.endm

/* w becomes sigma1(two before) + seven before + sigma0(fifteen before) + w. */
	.macro	later t, a, b, c, d, e, f, g, h, w, w15, w7, w2
	vprord	$7, \w15, %zmm24
	vprord	$18, \w15, %zmm25
	vpsrld	$3, \w15, %zmm26
	vprord	$17, \w2, %zmm27
	vprord	$19, \w2, %zmm28
	vpsrld	$10, \w2, %zmm29
	vpaddd	\w7, \w, \w
	vpternlogd $0x96, %zmm26, %zmm25, %zmm24
	vpternlogd $0x96, %zmm29, %zmm28, %zmm27
	vpaddd	%zmm24, \w, \w
	vpaddd	%zmm27, \w, \w
	round	\t, \a, \b, \c, \d, \e, \f, \g, \h, \w
	.endm

	.macro	first t, a, b, c, d, e, f, g, h, w, w15, w7, w2
	round	\t, \a, \b, \c, \d, \e, \f, \g, \h, \w
	.endm

	.macro	eight how, t, w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15
	\how	\t+0, %zmm0, %zmm1, %zmm2, %zmm3, %zmm4, %zmm5, %zmm6, %zmm7, \w0, \w1, \w9, \w14
	\how	\t+1, %zmm7, %zmm0, %zmm1, %zmm2, %zmm3, %zmm4, %zmm5, %zmm6, \w1, \w2, \w10, \w15
	\how	\t+2, %zmm6, %zmm7, %zmm0, %zmm1, %zmm2, %zmm3, %zmm4, %zmm5, \w2, \w3, \w11, \w0
	\how	\t+3, %zmm5, %zmm6, %zmm7, %zmm0, %zmm1, %zmm2, %zmm3, %zmm4, \w3, \w4, \w12, \w1
	\how	\t+4, %zmm4, %zmm5, %zmm6, %zmm7, %zmm0, %zmm1, %zmm2, %zmm3, \w4, \w5, \w13, \w2
	\how	\t+5, %zmm3, %zmm4, %zmm5, %zmm6, %zmm7, %zmm0, %zmm1, %zmm2, \w5, \w6, \w14, \w3
	\how	\t+6, %zmm2, %zmm3, %zmm4, %zmm5, %zmm6, %zmm7, %zmm0, %zmm1, \w6, \w7, \w15, \w4
	\how	\t+7, %zmm1, %zmm2, %zmm3, %zmm4, %zmm5, %zmm6, %zmm7, %zmm0, \w7, \w8, \w0, \w5
	.endm

	.macro	sixteen how
	eight	\how, 0, %zmm8, %zmm9, %zmm10, %zmm11, %zmm12, %zmm13, %zmm14, %zmm15, %zmm16, %zmm17, %zmm18, %zmm19, %zmm20, %zmm21, %zmm22, %zmm23
	eight	\how, 8, %zmm16, %zmm17, %zmm18, %zmm19, %zmm20, %zmm21, %zmm22, %zmm23, %zmm8, %zmm9, %zmm10, %zmm11, %zmm12, %zmm13, %zmm14, %zmm15
	.endm

	.macro	load lane, to
	movq	8*\lane(%rsi), %r8
	vmovdqu32 (%r8,%rcx), \to
	vpshufb	%zmm31, \to, \to
	.endm

/* Quarters of four registers, after "fours", change places: they are then the words n, n + 4, n + 8, n + 12. */
	.macro	exchange a, b, c, d
	vshufi32x4 $0x88, \b, \a, %zmm0
	vshufi32x4 $0xdd, \b, \a, %zmm1
	vshufi32x4 $0x88, \d, \c, %zmm2
	vshufi32x4 $0xdd, \d, \c, %zmm3
	vshufi32x4 $0x88, %zmm2, %zmm0, \a
	vshufi32x4 $0x88, %zmm3, %zmm1, \b
	vshufi32x4 $0xdd, %zmm2, %zmm0, \c
	vshufi32x4 $0xdd, %zmm3, %zmm1, \d
	.endm

/* void sha256_blocks_avx512_16(uint32_t state[8][16], const uint8_t *const data[16], size_t nr_blocks) */
	.globl	sha256_blocks_avx512_16
	.hidden	sha256_blocks_avx512_16
	.type	sha256_blocks_avx512_16, @function
	.balign	64
sha256_blocks_avx512_16:
	xorl	%ecx, %ecx
	shlq	$6, %rdx
	jz	.Ldone

	.balign	32
.Lblock:
	vbroadcasti32x4 sha256_byte_order(%rip), %zmm31
	load	0, %zmm8
	load	1, %zmm9
	load	2, %zmm10
	load	3, %zmm11
	load	4, %zmm12
	load	5, %zmm13
	load	6, %zmm14
	load	7, %zmm15
	load	8, %zmm16
	load	9, %zmm17
	load	10, %zmm18
	load	11, %zmm19
	load	12, %zmm20
	load	13, %zmm21
	load	14, %zmm22
	load	15, %zmm23
	fours	%zmm8, %zmm9, %zmm10, %zmm11, %zmm0, %zmm1, %zmm2, %zmm3
	fours	%zmm12, %zmm13, %zmm14, %zmm15, %zmm4, %zmm5, %zmm6, %zmm7
	fours	%zmm16, %zmm17, %zmm18, %zmm19, %zmm24, %zmm25, %zmm26, %zmm27
	fours	%zmm20, %zmm21, %zmm22, %zmm23, %zmm28, %zmm29, %zmm30, %zmm31
	exchange %zmm8, %zmm12, %zmm16, %zmm20
	exchange %zmm9, %zmm13, %zmm17, %zmm21
	exchange %zmm10, %zmm14, %zmm18, %zmm22
	exchange %zmm11, %zmm15, %zmm19, %zmm23
	vmovdqu32 0(%rdi), %zmm0
	vmovdqu32 64(%rdi), %zmm1
	vmovdqu32 128(%rdi), %zmm2
	vmovdqu32 192(%rdi), %zmm3
	vmovdqu32 256(%rdi), %zmm4
	vmovdqu32 320(%rdi), %zmm5
	vmovdqu32 384(%rdi), %zmm6
	vmovdqu32 448(%rdi), %zmm7
	leaq	sha256_constants(%rip), %rax
	sixteen	first
	leaq	192(%rax), %r8

	.balign	32
.Lsixteen:
	addq	$64, %rax
	sixteen	later
	cmpq	%r8, %rax
	jne	.Lsixteen

	vpaddd	0(%rdi), %zmm0, %zmm0
	vpaddd	64(%rdi), %zmm1, %zmm1
	vpaddd	128(%rdi), %zmm2, %zmm2
	vpaddd	192(%rdi), %zmm3, %zmm3
	vpaddd	256(%rdi), %zmm4, %zmm4
	vpaddd	320(%rdi), %zmm5, %zmm5
	vpaddd	384(%rdi), %zmm6, %zmm6
	vpaddd	448(%rdi), %zmm7, %zmm7
	vmovdqu32 %zmm0, 0(%rdi)
	vmovdqu32 %zmm1, 64(%rdi)
	vmovdqu32 %zmm2, 128(%rdi)
	vmovdqu32 %zmm3, 192(%rdi)
	vmovdqu32 %zmm4, 256(%rdi)
	vmovdqu32 %zmm5, 320(%rdi)
	vmovdqu32 %zmm6, 384(%rdi)
	vmovdqu32 %zmm7, 448(%rdi)
	addq	$64, %rcx
	cmpq	%rdx, %rcx
	jne	.Lblock

	/* The upper half of the registers, which vzeroupper leaves, by hand. */
	.irp	n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	vpxord	%zmm\n, %zmm\n, %zmm\n
	.endr
	vzeroupper
.Ldone:
	ret
	.size	sha256_blocks_avx512_16, . - sha256_blocks_avx512_16

	.section .note.GNU-stack, "", @progbits
