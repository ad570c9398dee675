// vfork cannot be wrapped in C: the child returns through the wrapper's frame and overwrites it before the parent
// returns through it too. So the return address is kept outside the stack while the real vfork runs: enter()
// stores it, leave() gives it back, to the child without writing anything, to the parent for good.
	.text
	.globl vfork
	.type vfork, @function
vfork:
	.cfi_startproc
	endbr64
	movq (%rsp), %rdi
	leaq -8(%rsp), %rsi
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	call gordian_vfork_enter
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	testq %rax, %rax
	jz 1f
	addq $8, %rsp		// drop the return address: it is kept by enter()
	.cfi_adjust_cfa_offset -8
	call *%rax
	// Here the child comes first, the parent later, both with the caller's stack pointer.
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	pushq %rax
	.cfi_adjust_cfa_offset 8
	movq %rax, %rdi
	call gordian_vfork_leave
	movq %rax, %rdx
	popq %rax
	.cfi_adjust_cfa_offset -8
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	jmp *%rdx
1:	.cfi_adjust_cfa_offset 8
	jmp fork@PLT		// nested too deep to keep track: a fork is a vfork that shares nothing
	.cfi_endproc
	.size vfork, .-vfork
	.globl __vfork
	.set __vfork, vfork
	.section .note.GNU-stack,"",@progbits
