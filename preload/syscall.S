// syscall: only futex calls are looked at. Any other number goes on to the real one as it came, with no frame of ours
// below it: syscall(SYS_vfork) returns twice through it, and a raw clone may come back on another stack.
	.text
	.globl syscall
	.type syscall, @function
syscall:
	.cfi_startproc
	endbr64
	cmpq $202, %rdi		// SYS_futex
	je gordian_futex_call
	movq gordian_real_syscall(%rip), %r11
	testq %r11, %r11
	jz 1f
	jmp *%r11
1:	pushq %rdi
	.cfi_adjust_cfa_offset 8
	pushq %rsi
	.cfi_adjust_cfa_offset 8
	pushq %rdx
	.cfi_adjust_cfa_offset 8
	pushq %rcx
	.cfi_adjust_cfa_offset 8
	pushq %r8
	.cfi_adjust_cfa_offset 8
	pushq %r9
	.cfi_adjust_cfa_offset 8
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	call gordian_resolve_syscall
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	popq %r9
	.cfi_adjust_cfa_offset -8
	popq %r8
	.cfi_adjust_cfa_offset -8
	popq %rcx
	.cfi_adjust_cfa_offset -8
	popq %rdx
	.cfi_adjust_cfa_offset -8
	popq %rsi
	.cfi_adjust_cfa_offset -8
	popq %rdi
	.cfi_adjust_cfa_offset -8
	jmp *%rax
	.cfi_endproc
	.size syscall, .-syscall
	.section .note.GNU-stack,"",@progbits
