/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compression function of SHA-256 (FIPS 180-4, 6.2.2) in general registers,
 * for every x86-64 processor and for a state in which no other may be used.
 *
 * The eight working variables stay in registers and change their roles from round
 * to round instead of moving. The message schedule is a ring of 16 words on the
 * stack: word t replaces word t - 16 in the round that needs it.
 */

#define STATE	64(%rsp)
#define END	72(%rsp)
#define FRAME	88

	.text

/*
 * What a round does once its message word is in %r12d:
 *	h += w + K + Sigma1(e) + Ch(e, f, g);  d += h;  h += Sigma0(a) + Maj(a, b, c)
 * Nested rotations make a Sigma: ror(ror(ror(e, 14) ^ e, 5) ^ e, 6) is
 * ror(e, 6) ^ ror(e, 11) ^ ror(e, 25). Maj(a, b, c) is ((a ^ b) & (b ^ c)) ^ b,
 * and the a ^ b of one round is the b ^ c of the next, so \ab and \bc change
 * places too.
 */
	.macro	round a, b, c, d, e, f, g, h, ab, bc, k
	addl	\k(%rbp), %r12d
	movl	\f, %r13d
	addl	%r12d, \h
	movl	\e, %r12d
	xorl	\g, %r13d
	rorl	$14, %r12d
	andl	\e, %r13d
	xorl	\e, %r12d
	xorl	\g, %r13d
	rorl	$5, %r12d
	movl	\a, \ab
	xorl	\e, %r12d
	addl	%r13d, \h
	rorl	$6, %r12d
	movl	\a, %r13d
	xorl	\b, \ab
	addl	%r12d, \h
	rorl	$9, %r13d
	andl	\ab, \bc
	addl	\h, \d
	xorl	\a, %r13d
	xorl	\b, \bc
	rorl	$11, %r13d
	addl	\bc, \h
	xorl	\a, %r13d
	rorl	$2, %r13d
	addl	%r13d, \h
	.endm

/* Rounds 0 to 15: the message word comes from the block, big endian. */
	.macro	first t, a, b, c, d, e, f, g, h, ab, bc
	movl	4*\t(%rsi), %r12d
	bswapl	%r12d
	movl	%r12d, 4*\t(%rsp)
	round	\a, \b, \c, \d, \e, \f, \g, \h, \ab, \bc, 4*\t
	.endm

/* Rounds 16 to 63: w(t) = sigma1(w(t-2)) + w(t-7) + sigma0(w(t-15)) + w(t-16). */
	.macro	later t, a, b, c, d, e, f, g, h, ab, bc
	movl	4*((\t+1)&15)(%rsp), %r12d
	movl	4*((\t+14)&15)(%rsp), %r13d
	movl	%r12d, %edi
	rorl	$11, %r12d
	xorl	%edi, %r12d
	shrl	$3, %edi
	rorl	$7, %r12d
	xorl	%edi, %r12d
	movl	%r13d, %edi
	rorl	$2, %r13d
	addl	4*\t(%rsp), %r12d
	xorl	%edi, %r13d
	shrl	$10, %edi
	rorl	$17, %r13d
	addl	4*((\t+9)&15)(%rsp), %r12d
	xorl	%edi, %r13d
	addl	%r13d, %r12d
	movl	%r12d, 4*\t(%rsp)
	round	\a, \b, \c, \d, \e, \f, \g, \h, \ab, \bc, 4*\t
	.endm

	.macro	sixteen how
	\how	0, %eax, %ebx, %ecx, %edx, %r8d, %r9d, %r10d, %r11d, %r14d, %r15d
	\how	1, %r11d, %eax, %ebx, %ecx, %edx, %r8d, %r9d, %r10d, %r15d, %r14d
	\how	2, %r10d, %r11d, %eax, %ebx, %ecx, %edx, %r8d, %r9d, %r14d, %r15d
	\how	3, %r9d, %r10d, %r11d, %eax, %ebx, %ecx, %edx, %r8d, %r15d, %r14d
	\how	4, %r8d, %r9d, %r10d, %r11d, %eax, %ebx, %ecx, %edx, %r14d, %r15d
	\how	5, %edx, %r8d, %r9d, %r10d, %r11d, %eax, %ebx, %ecx, %r15d, %r14d
	\how	6, %ecx, %edx, %r8d, %r9d, %r10d, %r11d, %eax, %ebx, %r14d, %r15d
	\how	7, %ebx, %ecx, %edx, %r8d, %r9d, %r10d, %r11d, %eax, %r15d, %r14d
	\how	8, %eax, %ebx, %ecx, %edx, %r8d, %r9d, %r10d, %r11d, %r14d, %r15d
	\how	9, %r11d, %eax, %ebx, %ecx, %edx, %r8d, %r9d, %r10d, %r15d, %r14d
	\how	10, %r10d, %r11d, %eax, %ebx, %ecx, %edx, %r8d, %r9d, %r14d, %r15d
	\how	11, %r9d, %r10d, %r11d, %eax, %ebx, %ecx, %edx, %r8d, %r15d, %r14d
	\how	12, %r8d, %r9d, %r10d, %r11d, %eax, %ebx, %ecx, %edx, %r14d, %r15d
	\how	13, %edx, %r8d, %r9d, %r10d, %r11d, %eax, %ebx, %ecx, %r15d, %r14d
	\how	14, %ecx, %edx, %r8d, %r9d, %r10d, %r11d, %eax, %ebx, %r14d, %r15d
	\how	15, %ebx, %ecx, %edx, %r8d, %r9d, %r10d, %r11d, %eax, %r15d, %r14d
	.endm

/* void sha256_blocks_x86_64(uint32_t state[8], const void *data, size_t nr_blocks) */
	.globl	sha256_blocks_x86_64
	.hidden	sha256_blocks_x86_64
	.type	sha256_blocks_x86_64, @function
	.balign	64
sha256_blocks_x86_64:
	testq	%rdx, %rdx
	jz	.Ldone
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	subq	$FRAME, %rsp
	shlq	$6, %rdx
	addq	%rsi, %rdx
	movq	%rdi, STATE
	movq	%rdx, END
	movl	0(%rdi), %eax
	movl	4(%rdi), %ebx
	movl	8(%rdi), %ecx
	movl	12(%rdi), %edx
	movl	16(%rdi), %r8d
	movl	20(%rdi), %r9d
	movl	24(%rdi), %r10d
	movl	28(%rdi), %r11d

	.balign	32
.Lblock:
	leaq	sha256_constants(%rip), %rbp
	movl	%ebx, %r15d
	xorl	%ecx, %r15d
	sixteen first
	addq	$64, %rsi

	.balign	32
.Lsixteen:
	addq	$64, %rbp
	sixteen later
	leaq	sha256_constants + 192(%rip), %rdi
	cmpq	%rdi, %rbp
	jne	.Lsixteen

	movq	STATE, %rdi
	addl	0(%rdi), %eax
	addl	4(%rdi), %ebx
	addl	8(%rdi), %ecx
	addl	12(%rdi), %edx
	addl	16(%rdi), %r8d
	addl	20(%rdi), %r9d
	addl	24(%rdi), %r10d
	addl	28(%rdi), %r11d
	movl	%eax, 0(%rdi)
	movl	%ebx, 4(%rdi)
	movl	%ecx, 8(%rdi)
	movl	%edx, 12(%rdi)
	movl	%r8d, 16(%rdi)
	movl	%r9d, 20(%rdi)
	movl	%r10d, 24(%rdi)
	movl	%r11d, 28(%rdi)
	cmpq	END, %rsi
	jne	.Lblock

	addq	$FRAME, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
.Ldone:
	ret
	.size	sha256_blocks_x86_64, . - sha256_blocks_x86_64

/* FIPS 180-4, 4.2.2: of the cube roots of the first 64 primes, the first 32 bits
 * of the fractional parts. */
	.section .rodata, "a", @progbits
	.balign	64
	.globl	sha256_constants
	.hidden	sha256_constants
	.type	sha256_constants, @object
sha256_constants:
	.long	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5
	.long	0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5
	.long	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3
	.long	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174
	.long	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc
	.long	0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da
	.long	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7
	.long	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967
	.long	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13
	.long	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85
	.long	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3
	.long	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070
	.long	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5
	.long	0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3
	.long	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208
	.long	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
	.size	sha256_constants, . - sha256_constants

/* For pshufb: message words are big endian. */
	.balign	16
	.globl	sha256_byte_order
	.hidden	sha256_byte_order
	.type	sha256_byte_order, @object
sha256_byte_order:
	.byte	3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12
	.size	sha256_byte_order, . - sha256_byte_order

	.section .note.GNU-stack, "", @progbits
