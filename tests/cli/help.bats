#!/usr/bin/env bats
load lib

@test "help on verbs of one and of two words" {
	want 0 help query
	out_has "br query - find passages"
	out_has "-k, --top <n>"
	out_has "[8]"
	out_has "Examples"
	want 0 help docs
	out_has "br docs rm [options] <document>..."
	want 0 help docs cat
	out_has "--lines <from-to>"
}

@test "help on what does not exist" {
	want 129 help qurey
	err_has "there is no help on 'qurey'"
	err_has "did you mean 'query'?"
	want 129 help docs nope
	want 129 help query nope
}

@test "--help wins over other mistakes behind it, and needs no workspace" {
	want 0 query --help
	want 0 query -h lock -k 3
}
