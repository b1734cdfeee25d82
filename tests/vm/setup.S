/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel, from its first byte on, whose setup code says on the first serial port how it finds the processor, the interrupt
 * controllers and the timer in real mode, waits for three ticks, which only the BIOS counts, and stops.
 * Documentation/arch/x86/boot.rst; the 8254's data sheet for its read-back command.
 */
#define SETUP_SECTORS 3
#define TICKS_AT      0x46c /* in the BIOS data area */

	.code16
_start:
	.org	0x1f1
	.byte	SETUP_SECTORS
	.word	0			/* root_flags */
	.long	(end - code) / 16
	.word	0, 0, 0			/* ram_size, vid_mode, root_dev */
	.word	0xaa55
	.byte	0xeb, entry - jumped
jumped:
	.ascii	"HdrS"
	.word	0x20f
	.long	0			/* realmode_swtch */
	.word	0, 0			/* start_sys_seg, kernel_version */
	.byte	0, 1			/* type_of_loader, loadflags: LOADED_HIGH */
	.word	0
	.long	0x100000, 0, 0, 0	/* code32_start, ramdisk_image, ramdisk_size, bootsect_kludge */
	.word	0			/* heap_end_ptr */
	.byte	0, 0
	.long	0			/* cmd_line_ptr */
	.long	0x7fffffff		/* initrd_addr_max */
	.long	0x200000		/* kernel_alignment */
	.byte	1, 21			/* relocatable_kernel, min_alignment */
	.word	0			/* xloadflags */
	.long	255, 0			/* cmdline_size, hardware_subarch */
	.quad	0
	.long	0, 0			/* payload_offset, payload_length */
	.quad	0, 0x1000000		/* setup_data, pref_address */
	.long	0x200000, 0		/* init_size, handover_offset */

entry:
	pushfw
	popw	%dx
	movw	%cs, %bx
	movw	$text_flags, %si
	call	say
	movb	%dh, %al
	call	byte
	movb	%dl, %al
	call	byte
	movw	$text_segments, %si
	call	say
	movw	%ds, %ax
	subw	%ax, %bx
	movb	%bl, %al
	call	byte
	movw	$text_masks, %si
	call	say
	inb	$0x21, %al
	call	byte
	inb	$0xa1, %al
	call	byte
	movw	$text_timer, %si
	call	say
	movb	$0xe2, %al		/* read back: the state of counter 0 */
	outb	%al, $0x43
	inb	$0x40, %al
	andb	$0x3f, %al
	call	byte
	xorw	%ax, %ax
	movw	%ax, %fs
	movw	$3, %cx
	movw	%fs:TICKS_AT, %bx
	sti
1:	hlt
	movw	%fs:TICKS_AT, %ax
	cmpw	%ax, %bx
	je	1b
	movw	%ax, %bx
	loop	1b
	movw	$text_ticks, %si
	call	say
2:	cli
	hlt
	jmp	2b

/* Writes al in hexadecimal. */
byte:
	pushw	%ax
	shrb	$4, %al
	call	digit
	popw	%ax
	andb	$0xf, %al
digit:
	addb	$'0', %al
	cmpb	$'9', %al
	jbe	put
	addb	$'a' - '9' - 1, %al
put:
	pushw	%dx
	pushw	%ax
	movw	$0x3fd, %dx
1:	inb	%dx, %al
	testb	$0x20, %al		/* room for a byte */
	jz	1b
	popw	%ax
	movw	$0x3f8, %dx
	outb	%al, %dx
	popw	%dx
	ret

/* Writes what is at si, to its zero. */
say:
	lodsb
	testb	%al, %al
	jz	1f
	call	put
	jmp	say
1:	ret

text_flags:
	.asciz	"@ flags="
text_segments:
	.asciz	"\n@ code-behind-data="
text_masks:
	.asciz	"\n@ masks="
text_timer:
	.asciz	"\n@ timer="
text_ticks:
	.asciz	"\nSETUP CODE: THREE TICKS\n"

	.org	(SETUP_SECTORS + 1) * 512
code:
	.fill	4096, 1, 0xf4
end:
