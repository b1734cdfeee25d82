/* SPDX-License-Identifier: LGPL-2.1-or-later */
	.section .rodata, "a", @progbits
	.globl	purgatory_image, purgatory_image_end
	.hidden	purgatory_image, purgatory_image_end
	.type	purgatory_image, @object
	.balign	64
purgatory_image:
	.incbin	"purgatory.bin"
purgatory_image_end:
	.size	purgatory_image, . - purgatory_image

	.section .note.GNU-stack, "", @progbits
