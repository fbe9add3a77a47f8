#!/usr/bin/env bats
load lib

@test "one line for each check, status 0 or 3 by the worst" {
	small_workspace
	local status=0
	br doctor >"$S/out" 2>"$S/err" </dev/null || status=$?
	for check in workspace settings lock 'file system' disk model processor threads extractor network locale; do
		grep -Eq "^(ok  |warn|fail)  $check" "$S/out" || fails_with "no line for $check"
	done
	if grep -q '^fail' "$S/out"; then [ "$status" -eq 3 ]; else [ "$status" -eq 0 ]; fi
	grep -Eq "^ok    workspace +$S/w/.br" "$S/out"
	grep -Eq '^ok    locale +UTF-8' "$S/out"
}

@test "works without a workspace" {
	local status=0
	br doctor >"$S/out" 2>"$S/err" </dev/null || status=$?
	[ "$status" -eq 0 ] || [ "$status" -eq 3 ]
	grep -Eq '^warn  workspace +none here' "$S/out"
}

@test "--json" {
	small_workspace
	local status=0
	br doctor --json >"$S/out" 2>"$S/err" </dev/null || status=$?
	json '.v == 1 and has("ok") and (.checks | length >= 10) and all(.checks[]; .name and .detail and (.state | test("^(ok|warn|fail)$")))'
	[ "$(jq .ok "$S/out")" = "$([ $status -eq 0 ] && echo true || echo false)" ]
}

@test "a damaged workspace fails, -q shows only failures" {
	small_workspace
	head -c 100000 /dev/urandom >.br/data.mdb
	want 3 doctor -q
	out_has "fail  workspace"
	out_lacks "ok "
}

@test "a locale that is not UTF-8 is a warning" {
	EXTRA=(LC_ALL=C)
	local status=0
	br doctor >"$S/out" 2>"$S/err" </dev/null || status=$?
	grep -q '^warn  locale' "$S/out"
}
