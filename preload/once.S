// Runs the routine of a pthread_once between two calls of once_calls.cc. Assembly for its personality routine: one of
// the compiler's would ask our own libgcc about a frame that the program's unwinder describes.
	.text
	.globl gordian_once_run
	.hidden gordian_once_run
	.type gordian_once_run, @function
gordian_once_run:
	.cfi_startproc
	.cfi_personality 0x1b, gordian_once_unwound	// at a relative address of four bytes
	endbr64
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	call gordian_once_begin
	movq %rdx, (%rsp)
	call *%rax
	movq (%rsp), %rdi
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	jmp gordian_once_end
	.cfi_endproc
	.size gordian_once_run, .-gordian_once_run
	.section .note.GNU-stack,"",@progbits
