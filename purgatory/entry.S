/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the first stage goes, and from where the new kernel is entered.
 *
 * At the entry, as the old kernel left it: long mode, memory identity-mapped, interrupts off, a few hundred
 * bytes of stack, and a GDT and IDT that may have no room at all, so that until
 * ours are loaded no segment may be loaded, and every exception resets the machine.
 *
 * At the exit: the purgatory's own GDT, IDT and stack stay in place, so that an NMI
 * is survived until the new kernel has loaded its own. Control registers are as
 * they were found. CS is 0x10, the data segments are 0x18, rsi is entry_rsi, rdi is entry_rdi, the
 * other general registers except rsp are zero.
 *
 * At a 32-bit exit the same of segments and registers, but eax is entry_eax, ebx is entry_ebx, and the stack
 * has a return address of 0 and entry_rdi, as a function of one argument finds it;
 * paging is off, CR4 and EFER.LME are 0, and there is no IDT, so that from there on an NMI resets
 * the machine, as at any start by that protocol (Documentation/arch/x86/boot.rst).
 */
#include "purgatory-abi.h"

#define CODE_SELECTOR 0x10
#define DATA_SELECTOR 0x18
#define TSS_SELECTOR  0x20

#define STACK_SIZE	 0x4000
#define FAULT_STACK_SIZE 0x1800
#define NMI_STACK_SIZE	 0x400

/* Gates and task state segment: Intel SDM volume 3, 6.14.1 and 7.7; AMD APM volume 2, 4.8.4
 * and 12.2.5. */
#define VECTORS		32
#define VECTOR_NMI	2
#define STUB_SIZE	16
#define GATE_INTERRUPT	0x8e00	/* present, ring 0, interrupt gate */
#define IST_FAULT	1
#define IST_NMI		2
#define TSS_SIZE	0x68
#define TSS_IST1	0x24
#define TSS_IST2	0x2c
#define TSS_IO_MAP_BASE	0x66

#define CR0_PG	 0x80000000
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100

	.section .entry, "ax", @progbits
.Lsecond_stage:
	jmp	start

	.org	PURGATORY_PARAMS_OFFSET - PURGATORY_STAGE2_OFFSET
	.globl	purgatory_params
	.hidden	purgatory_params
	.type	purgatory_params, @object
purgatory_params:
	.quad	PURGATORY_MAGIC
	.long	PURGATORY_ABI_VERSION
	.long	PURGATORY_PARAMS_SIZE
	.org	PURGATORY_PARAMS_OFFSET - PURGATORY_STAGE2_OFFSET + OFF_PARAMS_IMAGE_SIZE
	.quad	purgatory_end - .Lsecond_stage + PURGATORY_STAGE2_OFFSET
	.org	PURGATORY_PARAMS_OFFSET - PURGATORY_STAGE2_OFFSET + PURGATORY_PARAMS_SIZE

	.text
	.type	start, @function
start:
	leaq	stack_end(%rip), %rsp
	leaq	gdt(%rip), %rax
	movq	%rax, gdt_pointer + 2(%rip)
	lgdt	gdt_pointer(%rip)
	movl	$DATA_SELECTOR, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	leaq	.Lnew_code_segment(%rip), %rax
	pushq	$CODE_SELECTOR
	pushq	%rax
	lretq
.Lnew_code_segment:

	/* The task state segment names the stacks of the handlers: whatever rsp an
	 * exception finds, it can be reported. */
	leaq	tss(%rip), %rax
	leaq	fault_stack_end(%rip), %rcx
	movq	%rcx, TSS_IST1(%rax)
	leaq	nmi_stack_end(%rip), %rcx
	movq	%rcx, TSS_IST2(%rax)
	movw	$TSS_SIZE, TSS_IO_MAP_BASE(%rax)
	leaq	gdt + TSS_SELECTOR(%rip), %rdx
	movw	%ax, 2(%rdx)
	shrq	$16, %rax
	movb	%al, 4(%rdx)
	movb	%ah, 7(%rdx)
	shrq	$16, %rax
	movl	%eax, 8(%rdx)
	movl	$TSS_SELECTOR, %eax
	ltr	%ax

	leaq	idt(%rip), %rdi
	leaq	stubs(%rip), %rax
	xorl	%ecx, %ecx
.Lgate:
	movl	$(GATE_INTERRUPT | IST_FAULT), %r8d
	cmpl	$VECTOR_NMI, %ecx
	jne	.Lstack_chosen
	movl	$(GATE_INTERRUPT | IST_NMI), %r8d
.Lstack_chosen:
	movq	%rax, %rdx
	movw	%dx, (%rdi)
	movw	$CODE_SELECTOR, 2(%rdi)
	movw	%r8w, 4(%rdi)
	shrq	$16, %rdx
	movw	%dx, 6(%rdi)
	shrq	$16, %rdx
	movl	%edx, 8(%rdi)
	addq	$16, %rdi
	addq	$STUB_SIZE, %rax
	incl	%ecx
	cmpl	$VECTORS, %ecx
	jne	.Lgate
	leaq	idt(%rip), %rax
	movq	%rax, idt_pointer + 2(%rip)
	lidt	idt_pointer(%rip)

	leaq	purgatory_params(%rip), %rdi
	movl	%ebp, %esi
	call	purgatory_main

	movq	purgatory_params + OFF_PARAMS_ENTRY_RSI(%rip), %rsi
	testl	$PURGATORY_ENTRY_32, purgatory_params + OFF_PARAMS_FLAGS(%rip)
	jnz	leave_long_mode
	xorl	%eax, %eax
	xorl	%ebx, %ebx
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	movq	purgatory_params + OFF_PARAMS_ENTRY_RDI(%rip), %rdi
	xorl	%ebp, %ebp
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
	xorl	%r12d, %r12d
	xorl	%r13d, %r13d
	xorl	%r14d, %r14d
	xorl	%r15d, %r15d
	jmpq	*purgatory_params + OFF_PARAMS_ENTRY_RIP(%rip)

	/* Nothing but registers and the stack is used from the compatibility mode on. */
	.type	leave_long_mode, @function
leave_long_mode:
	movl	purgatory_params + OFF_PARAMS_ENTRY_RIP(%rip), %ebp
	movl	purgatory_params + OFF_PARAMS_ENTRY_EAX(%rip), %edx
	movl	purgatory_params + OFF_PARAMS_ENTRY_EBX(%rip), %ebx
	movl	purgatory_params + OFF_PARAMS_ENTRY_RDI(%rip), %edi
	leaq	gdt_32(%rip), %rax
	movq	%rax, gdt_pointer + 2(%rip)
	movw	$(gdt_32_end - gdt_32 - 1), gdt_pointer(%rip)
	lgdt	gdt_pointer(%rip)
	movw	$0, idt_pointer(%rip)
	lidt	idt_pointer(%rip)
	leaq	.Lcompatibility_mode(%rip), %rax
	pushq	$CODE_SELECTOR
	pushq	%rax
	lretq

	.code32
.Lcompatibility_mode:
	movl	$DATA_SELECTOR, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	%eax, %fs
	movl	%eax, %gs
	pushl	%edx
	movl	%cr0, %eax
	andl	$~CR0_PG, %eax
	movl	%eax, %cr0
	movl	$MSR_EFER, %ecx
	rdmsr
	andl	$~EFER_LME, %eax
	wrmsr
	xorl	%eax, %eax
	movl	%eax, %cr4
	popl	%eax
	pushl	%edi
	pushl	$0
	pushl	%ebp
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%ebp, %ebp
	ret
	.code64

/*
 * One stub for each vector. Where the processor pushes no error code, a zero stands
 * in for it, so that every handler finds a struct exception_frame.
 */
	.balign	STUB_SIZE
stubs:
	.set	vector, 0
	.rept	VECTORS
	.balign	STUB_SIZE
	.if	vector == VECTOR_NMI
	incq	machine_nmi_count(%rip)
	iretq
	.else
	/* #DF, #TS, #NP, #SS, #GP, #PF, #AC, #CP, #VC, #SX */
	.if	((0x60227d00 >> vector) & 1) == 0
	pushq	$0
	.endif
	pushq	$vector
	jmp	exception
	.endif
	.set	vector, vector + 1
	.endr

exception:
	cld
	movq	%cr2, %rax
	pushq	%rax
	movq	%rsp, %rsi
	leaq	purgatory_params(%rip), %rdi
	andq	$-16, %rsp
	call	purgatory_exception
	ud2

	.data
	.balign	16
gdt:
	.quad	0
	.quad	0
	.quad	0x00af9b000000ffff	/* 64-bit code */
	.quad	0x00cf93000000ffff	/* data, 4 GiB, writable */
	.quad	0x0000890000000000 | (TSS_SIZE - 1), 0	/* base filled in */
gdt_end:
gdt_32:
	.quad	0
	.quad	0
	.quad	0x00cf9b000000ffff	/* 32-bit code, 4 GiB */
	.quad	0x00cf93000000ffff	/* data, 4 GiB, writable */
gdt_32_end:
	.balign	8
	.skip	6	/* so that the address is aligned */
gdt_pointer:
	.word	gdt_end - gdt - 1
	.quad	0
	.skip	6
idt_pointer:
	.word	16 * VECTORS - 1
	.quad	0

	.bss
	.balign	16
	.globl	machine_nmi_count
	.hidden	machine_nmi_count
machine_nmi_count:
	.skip	16
idt:
	.skip	16 * VECTORS
tss:
	.skip	TSS_SIZE
	.balign	16
	.skip	NMI_STACK_SIZE
nmi_stack_end:
	.skip	FAULT_STACK_SIZE
fault_stack_end:
	.skip	STACK_SIZE
stack_end:

	.section .note.GNU-stack, "", @progbits
