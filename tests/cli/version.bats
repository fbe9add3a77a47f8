#!/usr/bin/env bats
load lib

@test "-v tells formats, model and libraries" {
	want 0 version -v
	out_has "store format 2"
	out_has "br-static-256-v1"
	out_has "LMDB 0."
}

@test "--json" {
	want 0 version --json
	json '.v == 1 and (.version | test("^[0-9.]+$")) and .store_format == 2 and .model.dimensions == 256'
	json '.libraries | map(startswith("LMDB ")) | any'
}
