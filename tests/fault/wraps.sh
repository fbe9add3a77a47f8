#!/bin/sh
# Prints a linker option --wrap for each function that seam.c stands in for.
sed -nE 's/^SEAM\([^,]*, ([a-z_0-9]+),.*/\1/p
	s/^(READER|CHANGE)\(([a-z_0-9]+),.*/\2/p
	s/^[a-z].*__wrap_([a-z_0-9]+)\(.*;$/\1/p' "${0%/*}/seam.c" | sort -u | sed 's/^/-Wl,--wrap=/'
