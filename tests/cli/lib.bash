# What all CLI tests share: an empty environment, a scratch folder, and ways to run br and look at what it did.
#   BR      the binary under test (br-extract beside it)
#   BR_GEN  the generator, for tests of tables and documents; the one beside BR, and skipped aloud when there is none
# br is never run in a pipe, which would hide its status, and expected statuses are exact.

bats_require_minimum_version 1.5.0
: "${BR:?set BR to the br binary}"
BR=$(realpath "$BR")
[ -n "$BR_GEN" ] || [ ! -x "${BR%/*}/br-gen" ] || BR_GEN=${BR%/*}/br-gen
CHECKS='ASAN_OPTIONS=abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1 TSAN_OPTIONS=halt_on_error=1'

setup() {
	S=$BATS_TEST_TMPDIR
	mkdir -p "$S/home" "$S/w"
	ENV=(PATH="$PATH" HOME="$S/home" LC_ALL=C.UTF-8 TZ=UTC BR_CLOCK=1700000000 TMPDIR="$S" $CHECKS)
	cd "$S/w" || return 1
	if declare -F prepare >/dev/null; then prepare; fi
}

# br in the empty environment; more variables may be put into EXTRA, a command that runs it into AS.
br() { env -i "${ENV[@]}" "${EXTRA[@]}" "${AS[@]}" "$BR" "$@"; }

# want STATUS ARGS...: runs br with empty input; fails unless it ends with exactly this status. Output is in out and err.
want() {
	local wanted=$1 status=0
	shift
	br "$@" >"$S/out" 2>"$S/err" </dev/null || status=$?
	check_status "$wanted" "$status" "$*"
}

# want_in STATUS TEXT ARGS...: the same with TEXT (printf %b) as input.
want_in() {
	local wanted=$1 text=$2 status=0
	shift 2
	printf %b "$text" >"$S/in"
	br "$@" >"$S/out" 2>"$S/err" <"$S/in" || status=$?
	check_status "$wanted" "$status" "$*"
}

check_status() {
	[ "$2" -eq "$1" ] && return 0
	echo "br $3: status $2, wanted $1"
	show_output
	return 1
}

show_output() {
	echo "stdout:"; head -c 2000 "$S/out"
	echo "stderr:"; head -c 2000 "$S/err"
}

# eventually COMMAND...: waits until it succeeds, a minute at most.
eventually() {
	local end=$((SECONDS + 60))
	until "$@"; do
		[ $SECONDS -lt $end ] || { fails_with "not within a minute: $*"; return 1; }
		read -rt 0.02 <> <(:) || true
	done
}

fails_with() { echo "$1"; show_output; return 1; }
out_has()   { grep -qF -e "$1" "$S/out" || fails_with "stdout lacks: $1"; }
out_lacks() { ! grep -qF -e "$1" "$S/out" || fails_with "stdout has: $1"; }
err_has()   { grep -qF -e "$1" "$S/err" || fails_with "stderr lacks: $1"; }
out_empty() { [ ! -s "$S/out" ] || fails_with "stdout is not empty"; }
err_empty() { [ ! -s "$S/err" ] || fails_with "stderr is not empty"; }
out_is()    { [ "$(cat "$S/out")" = "$1" ] || fails_with "stdout is not: $1"; }
# Every line of stdout is JSON, and the expression is true of it (jq: of all lines as one array with json_all).
json()      { jq -e "$1" "$S/out" >/dev/null || fails_with "not true of stdout: $1"; }
json_all()  { jq -se "$1" "$S/out" >/dev/null || fails_with "not true of stdout: $1"; }
err_json()  { jq -e "$1" "$S/err" >/dev/null || fails_with "not true of stderr: $1"; }

# A workspace with three small documents, synced.
small_workspace() {
	br init -q
	mkdir -p docs
	printf '# Locks\n\nThe writer takes one lock. Others wait.\n\n## Reading\n\nReaders never block writers.\n' >docs/locks.md
	printf 'Plain text about weather, rain and wind.\n' >docs/rain.txt
	printf '# Soup\n\nBoil carrots with onions and salt.\n' >soup.md
	br sync -q .
}

# A write end of a pipe that nobody reads, as fd 8.
closed_pipe() {
	mkfifo "$S/closed"
	exec 7<>"$S/closed" 8>"$S/closed" 7<&-
}

# usage_errors VERB...: what every verb refuses in the same way.
usage_errors() {
	want 129 "$@" --no-such-option
	out_empty
	err_has "br: unknown option '--no-such-option'"
	err_has "usage: br $*"
	want 129 "$@" -Z
	err_has "unknown option '-Z'"
	want 129 "$@" --json --no-such-option
	out_empty
	err_json '.error | .exit == 129 and (.code | ascii_downcase) == "usage" and has("message") and has("hint")'
}

no_workspace() {
	want 10 "$@"
	out_empty
	err_has "br: no workspace in this folder or any above it"
	err_has "hint: 'br init' makes one"
	want 10 "$@" --json
	err_json '.error.exit == 10'
}

full_disk() {
	local status=0
	br "$@" >/dev/full 2>"$S/err" </dev/null || status=$?
	: >"$S/out"
	check_status 14 "$status" "$* >/dev/full"
	err_has "cannot write to standard output"
}

broken_pipe() {
	local status=0
	closed_pipe
	br "$@" >&8 2>"$S/err" </dev/null || status=$?
	exec 8>&-
	: >"$S/out"
	check_status 141 "$status" "$* into a closed pipe"
	err_empty
}
