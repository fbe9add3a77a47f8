#!/usr/bin/env bats
load lib

@test "makes a workspace here and says where" {
	want 0 init
	out_is "made an empty workspace in $S/w/.br"
	err_empty
	[ -f .br/data.mdb ]
	want 0 notebook list --names
	out_is default
}

@test "makes the folder when it is not there" {
	want 0 init a/b
	[ -f a/b/.br/data.mdb ]
}

@test "a second init is refused and changes nothing" {
	small_workspace
	want 128 init
	err_has "'$S/w/.br' is a workspace already"
	want 128 init --json
	err_json '(.error.code | ascii_downcase) == "exists"'
	want 0 docs list --paths
	[ "$(wc -l <"$S/out")" -eq 3 ]
}

@test "a workspace inside a workspace is its own" {
	small_workspace
	want 0 init docs
	cd docs
	want 0 docs list --paths
	out_empty
}

@test "-q and --json" {
	want 0 init -q
	out_empty
	want 0 init --json x
	json '.v == 1 and (.workspace | endswith("/w/x/.br")) and (.root | endswith("/w/x"))'
}

@test "a folder that cannot be written is named" {
	want 128 init /proc/nowhere
	err_has "/proc/nowhere"
	touch file
	want 128 init file
	err_has "file"
}
