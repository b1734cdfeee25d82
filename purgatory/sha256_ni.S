/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compression function of SHA-256 with the SHA extensions (Intel SDM volume 2,
 * SHA256RNDS2, SHA256MSG1, SHA256MSG2; SSSE3 besides), of two messages at a time: one
 * message leaves the unit idle while a round waits for the one before it.
 *
 * sha256rnds2 does two rounds. It wants the state as (f, e, b, a) and (h, g, d, c), lowest
 * word first, and w + K of both rounds in the low half of xmm0.
 */

#define ABEF_0	%xmm1
#define CDGH_0	%xmm2
#define ABEF_1	%xmm3
#define CDGH_1	%xmm4
#define SPARE_0	%xmm13
#define SPARE_1	%xmm15
#define SWAP	%xmm14

	.text

/* Four rounds of a message. `this` has their words; `after` is to have the next four,
 * `before` has those of the last four. schedule: 1: words 16 on are begun; 2: finished, too;
 * 3: only finished; 0: there are none. */
	.macro	rounds k, schedule, abef, cdgh, spare, this, before, after
	movdqa	\this, %xmm0
	paddd	16*(\k)(%rax), %xmm0
	sha256rnds2 \abef, \cdgh
	.if	\schedule >= 2
	movdqa	\this, \spare
	palignr	$4, \before, \spare
	paddd	\spare, \after
	sha256msg2 \this, \after
	.endif
	pshufd	$0x0e, %xmm0, %xmm0
	sha256rnds2 \cdgh, \abef
	.if	\schedule == 1 || \schedule == 2
	sha256msg1 \this, \before
	.endif
	.endm

	.macro	four k, schedule, this_0, before_0, after_0, this_1, before_1, after_1
	rounds	\k, \schedule, ABEF_0, CDGH_0, SPARE_0, \this_0, \before_0, \after_0
	rounds	\k, \schedule, ABEF_1, CDGH_1, SPARE_1, \this_1, \before_1, \after_1
	.endm

	.macro	sixteen k, first, second, third, fourth
	four	\k, \first, %xmm5, %xmm8, %xmm6, %xmm9, %xmm12, %xmm10
	four	\k+1, \second, %xmm6, %xmm5, %xmm7, %xmm10, %xmm9, %xmm11
	four	\k+2, \third, %xmm7, %xmm6, %xmm8, %xmm11, %xmm10, %xmm12
	four	\k+3, \fourth, %xmm8, %xmm7, %xmm5, %xmm12, %xmm11, %xmm9
	.endm

	.macro	load from, a, b, c, d
	movdqu	0(\from), \a
	movdqu	16(\from), \b
	movdqu	32(\from), \c
	movdqu	48(\from), \d
	pshufb	SWAP, \a
	pshufb	SWAP, \b
	pshufb	SWAP, \c
	pshufb	SWAP, \d
	.endm

/* void sha256_blocks_ni_2(uint32_t state[8][2], const uint8_t *const data[2], size_t nr_blocks) */
	.globl	sha256_blocks_ni_2
	.hidden	sha256_blocks_ni_2
	.type	sha256_blocks_ni_2, @function
	.balign	64
sha256_blocks_ni_2:
	testq	%rdx, %rdx
	jz	.Ldone
	pushq	%rbp
	movq	%rsp, %rbp
	subq	$64, %rsp
	andq	$-16, %rsp
	leaq	sha256_constants(%rip), %rax
	movdqa	sha256_byte_order(%rip), SWAP
	movq	0(%rsi), %r8
	movq	8(%rsi), %r9
	movups	0(%rdi), %xmm5
	movups	16(%rdi), %xmm6
	movups	32(%rdi), ABEF_0
	movups	48(%rdi), CDGH_0
	movaps	ABEF_0, ABEF_1
	movaps	CDGH_0, CDGH_1
	shufps	$0x22, %xmm5, ABEF_0
	shufps	$0x77, %xmm5, ABEF_1
	shufps	$0x22, %xmm6, CDGH_0
	shufps	$0x77, %xmm6, CDGH_1

	.balign	32
.Lblock:
	movdqa	ABEF_0, 0(%rsp)
	movdqa	CDGH_0, 16(%rsp)
	movdqa	ABEF_1, 32(%rsp)
	movdqa	CDGH_1, 48(%rsp)
	load	%r8, %xmm5, %xmm6, %xmm7, %xmm8
	load	%r9, %xmm9, %xmm10, %xmm11, %xmm12
	sixteen	0, 0, 1, 1, 2
	sixteen	4, 2, 2, 2, 2
	sixteen	8, 2, 2, 2, 2
	sixteen	12, 2, 3, 3, 0
	paddd	0(%rsp), ABEF_0
	paddd	16(%rsp), CDGH_0
	paddd	32(%rsp), ABEF_1
	paddd	48(%rsp), CDGH_1
	addq	$64, %r8
	addq	$64, %r9
	decq	%rdx
	jnz	.Lblock

	movaps	ABEF_0, %xmm5
	movaps	CDGH_0, %xmm6
	unpckhps ABEF_1, %xmm5
	unpckhps CDGH_1, %xmm6
	unpcklps ABEF_1, ABEF_0
	unpcklps CDGH_1, CDGH_0
	pshufd	$0x4e, %xmm5, %xmm5
	pshufd	$0x4e, %xmm6, %xmm6
	pshufd	$0x4e, ABEF_0, ABEF_0
	pshufd	$0x4e, CDGH_0, CDGH_0
	movups	%xmm5, 0(%rdi)
	movups	%xmm6, 16(%rdi)
	movups	ABEF_0, 32(%rdi)
	movups	CDGH_0, 48(%rdi)
	leave
.Ldone:
	ret
	.size	sha256_blocks_ni_2, . - sha256_blocks_ni_2

	.section .note.GNU-stack, "", @progbits
