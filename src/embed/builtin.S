/* The built-in model as bytes of the program. The path is as seen from the root of the source tree, where make runs. */
	.section .rodata
	.balign	64
	.globl	br_model_data
	.type	br_model_data, %object
br_model_data:
	.incbin	"src/embed/br-static-256-v1.brem"
	.globl	br_model_data_end
	.type	br_model_data_end, %object
br_model_data_end:
	.byte	0
	.size	br_model_data, br_model_data_end - br_model_data
	.size	br_model_data_end, 1

	.section .note.GNU-stack, "", %progbits
