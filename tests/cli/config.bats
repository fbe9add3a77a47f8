#!/usr/bin/env bats
load lib
prepare() { br init -q; }

@test "get, set, unset in the workspace" {
	want 0 config get search.top
	out_is 8
	want 0 config set search.top 20
	out_empty
	want 0 config get search.top
	out_is 20
	want 0 config unset search.top
	want 0 config get search.top
	out_is 8
}

@test "precedence: option, environment, workspace, user, built in" {
	want 0 config set --user search.top 2
	want 0 config get search.top
	out_is 2
	want 0 config set search.top 3
	want 0 config get search.top
	out_is 3
	EXTRA=(BR_TOP=4)
	want 0 config get search.top
	out_is 4
	want 0 config get --json search.top
	json '.value == "4" and .from == "environment" and .default == "8" and .env == "BR_TOP"'
	for i in 1 2 3 4 5 6; do printf 'a lock number %d\n\n' $i >l$i.txt; done
	br sync -q .
	want 0 query --json --no-fold lock
	json '.hits | length == 4'
	want 0 query --json --no-fold -k 5 lock
	json '.hits | length == 5'
}

@test "list shows where values come from" {
	want 0 config set --user core.color never
	want 0 config set search.strategy fusion
	want 0 config list --json
	json_all 'map(select(.key == "core.color"))[0].from == "user"'
	json_all 'map(select(.key == "search.strategy"))[0].from == "workspace"'
	json_all 'map(select(.key == "search.top"))[0].from == "built in"'
	want 0 config list --set
	[ "$(wc -l <"$S/out")" -eq 2 ]
	want 0 config list
	out_has "bm25.k1"
}

@test "an unset setting has status 1, an unknown one 129 with a suggestion" {
	want 1 config get core.pager
	out_empty
	want 129 config get search.tpo
	err_has "did you mean 'search.top'?"
	want 129 config set nonsense.key 1
	err_has "there is no setting 'nonsense.key'"
}

@test "values are checked before anything is written" {
	want 129 config set search.top 0
	err_has "search.top"
	want 129 config set search.strategy best
	[ ! -s .br/config ]
}

@test "comments and order stay" {
	printf '# mine\n[search]\n; why\ntop = 3\n' >.br/config
	want 0 config set search.top 5
	grep -q '^# mine$' .br/config
	grep -q '^; why$' .br/config
	want 0 config get search.top
	out_is 5
}

@test "a program from a workspace's settings counts only after trust" {
	printf '[core]\npager = touch %s\n' "$S/pwned" >.br/config
	want 1 config get core.pager
	want 0 status
	err_has "not honoured before 'br config trust': core.pager"
	want 0 config trust
	want 0 config get core.pager
	out_has "touch"
	printf '\n# changed by someone\n' >>.br/config
	want 1 config get core.pager
	want 0 config trust
	want 0 config untrust
	want 1 config get core.pager
	[ ! -e "$S/pwned" ]
}

@test "path" {
	want 0 config path
	out_is "$S/w/.br/config"
	want 0 config path --user
	out_is "$S/home/.config/br/config"
	want 0 config path --json
	json '.path | endswith("/.br/config")'
}

@test "without a workspace the user's settings can be read and changed" {
	cd "$S/home"
	want 0 config list
	want 0 config set --user search.top 3
	want 0 config get search.top
	out_is 3
	want 10 config set search.top 3
	err_has "--user"
}

@test "a broken settings file is an error that names file and line" {
	printf '[search\ntop = 3\n' >.br/config
	want 128 status
	err_has ".br/config"
	want 3 doctor -q
	out_has "settings"
}
