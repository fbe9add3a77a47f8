#!/usr/bin/env bats
# br itself: version, help, the parser, output streams.
load lib

@test "--version and version print one line" {
	want 0 --version
	[[ $(cat "$S/out") =~ ^br\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	err_empty
	cp "$S/out" "$S/first"
	want 0 version
	cmp "$S/first" "$S/out"
}

@test "--help, -h and help list every verb" {
	want 0 --help
	for verb in init status notebook config sync ingest upload docs query eval verify doctor models help version completion; do
		out_has "  $verb "
	done
	err_empty
	cp "$S/out" "$S/first"
	want 0 -h
	cmp "$S/first" "$S/out"
	want 0 help
	cmp "$S/first" "$S/out"
}

@test "no verb is a usage error" {
	want 129
	out_empty
	err_has "usage: br [common options] <verb>"
	err_has "'br help' lists the verbs"
}

@test "a verb misspelt gets a suggestion" {
	want 129 statsu
	err_has "'statsu' is not something 'br' can do"
	err_has "did you mean 'status'?"
	want 129 docs lsit
	err_has "did you mean 'list'?"
	err_has "usage: br docs"
}

@test "a verb of two words needs its second" {
	for verb in notebook docs config; do
		want 129 $verb
		err_has "'br $verb' needs to know what to do"
	done
}

@test "an option misspelt gets a suggestion, a prefix is no option" {
	want 129 query --tpo 3 x
	err_has "unknown option '--tpo'"
	err_has "did you mean '--top'?"
	want 129 query --strat hybrid x
	err_has "unknown option '--strat'"
}

@test "values: missing, out of range, not a number, not a choice" {
	want 129 query --top
	err_has "--top needs a value: <n>"
	want 129 query -k 0 x
	err_has "-k: 0 is not between 1 and 1000"
	want 129 query -k 1x x
	err_has "-k: "
	want 129 query -s bm25 x
	err_has "-s: 'bm25' is not one of: hybrid, fusion, full_text, semantic"
	want 129 query --explain=maybe x
	err_has "neither true nor false"
	want 129 query --no-explain=true x
	err_has "--no-explain takes no value"
	want 129 --wait soon status
	err_has "--wait"
}

@test "ways to write an option" {
	small_workspace
	want 0 query --top=1 --json lock
	json '.hits | length == 1'
	cp "$S/out" "$S/first"
	for form in "--top 1" "-k1" "-k 1" "-ek1 --no-explain" "-qk1" "-k 5 -k 1"; do
		want 0 query $form --json lock
		json '.hits | length == 1'
	done
	want 0 query --explain --no-explain --json lock
	json '.hits[0] | has("why") | not'
	want 0 query --no-fold --fold --json lock
}

@test "common options stand before and after the verb" {
	small_workspace
	want 0 --json status
	json '.v == 1'
	want 0 notebook --json list
	json '.name == "default"'
	want 0 -q --no-color notebook list
}

@test "-- ends the options, and '-' in front of it is an operand" {
	small_workspace
	want 0 query --json -- --lock
	json '.query == "--lock"'
	want 1 docs show -- -k
	err_has "no document '-k'"
}

@test "-C changes folder, --workspace and BR_DIR name the workspace" {
	small_workspace
	mkdir -p "$S/elsewhere"
	cd "$S/elsewhere"
	want 10 status
	want 0 -C ../w status
	out_has "$S/w/.br"
	want 0 -C .. -C w status
	want 0 status --workspace "$S/w"
	want 0 status --workspace="$S/w/.br"
	EXTRA=(BR_DIR="$S/w")
	want 0 status
	want 10 status --workspace "$S/home"
	err_has "'$S/home' is not a workspace"
	want 128 -C nowhere status
	err_has "cannot change to 'nowhere'"
}

@test "a workspace is found from below" {
	small_workspace
	cd docs
	want 0 status
	out_has "$S/w/.br"
	want 0 docs cat locks.md
	out_has "# Locks"
}

@test "BR_NOTEBOOK and -n choose the notebook" {
	small_workspace
	want 0 notebook create other
	EXTRA=(BR_NOTEBOOK=other)
	want 0 docs list --paths
	out_empty
	want 0 docs list --paths -n default
	out_has soup.md
	EXTRA=()
	want 1 query -n nope lock
	err_has "no notebook 'nope'"
}

@test "an error with --json is one object on stderr" {
	want 10 status --json
	out_empty
	err_json '.error | keys == ["code","exit","hint","message"]'
	err_json '.error.exit == 10 and (.error.code | ascii_downcase) == "noworkspace"'
	[ "$(wc -l <"$S/err")" -eq 1 ]
}

@test "no escape sequences outside a terminal, whatever TERM says" {
	small_workspace
	EXTRA=(TERM=xterm-256color)
	want 0 query lock
	! grep -q $'\033' "$S/out" "$S/err"
	want 0 status
	! grep -q $'\033' "$S/out"
}

@test "core.color always colours, NO_COLOR and --no-color win" {
	small_workspace
	want 0 config set core.color always
	want 0 query lock
	grep -q $'\033' "$S/out"
	want 0 query --no-color lock
	! grep -q $'\033' "$S/out"
	EXTRA=(NO_COLOR=1)
	want 0 query lock
	! grep -q $'\033' "$S/out"
	want 0 query --json lock
	! grep -q $'\033' "$S/out"
}

@test "on a terminal: colours, a link, control characters of documents shown and not obeyed" {
	command -v script >/dev/null || skip "script(1) is not installed"
	br init -q
	printf 'A lock \033]0;evil\007 stands here, among words enough to be taken for the ordinary text it mostly is.\n' >evil.txt
	br sync -q .
	env -i "${ENV[@]}" TERM=xterm script -qec "$BR query lock" /dev/null >"$S/out" </dev/null
	grep -q $'\033\\[' "$S/out"
	grep -q $'\033]8;;file://' "$S/out"
	! grep -q $'\033]0;evil' "$S/out"
	env -i "${ENV[@]}" TERM=xterm NO_COLOR=1 script -qec "$BR query lock" /dev/null >"$S/out" </dev/null
	! grep -q $'\033' "$S/out"
	env -i "${ENV[@]}" TERM=dumb script -qec "$BR query lock" /dev/null >"$S/out" </dev/null
	! grep -q $'\033' "$S/out"
}

@test "the pager runs on a terminal only" {
	command -v script >/dev/null || skip "script(1) is not installed"
	small_workspace
	EXTRA=(BR_PAGER="sed 's/^/paged: /'")
	want 0 query lock
	out_lacks "paged: "
	env -i "${ENV[@]}" "${EXTRA[@]}" TERM=xterm script -qec "$BR query lock" /dev/null >"$S/out" </dev/null
	out_has "paged: "
}

@test "a full disk behind stdout is an error, also for --version" {
	small_workspace
	full_disk --version
	full_disk help
	full_disk completion bash
}

@test "a reader that went away ends br silently" {
	broken_pipe help
}

@test "--timeout ends what takes too long" {
	small_workspace
	mkfifo "$S/never"
	exec 7<>"$S/never"
	local status=0
	br query --timeout 1 - <"$S/never" >"$S/out" 2>"$S/err" || status=$?
	exec 7<&-
	check_status 128 "$status" "query --timeout 1"
	err_has "stopped by --timeout"
}
