#!/bin/sh
# Runs the unit programs and the command-line tests of one build: tests/run.sh build/MODE
# Prints a line a suite, everything of a suite that failed, and at the end "N passed, N failed".
set -u
b=$1
log=$b/log
mkdir -p "$log"
passed=0 failed=0
export BR_EXTRACT="$PWD/$b/br-extract"

count() { # suite, passed, failed, log
	passed=$((passed + $2)) failed=$((failed + $3))
	if [ "$3" -gt 0 ]; then
		printf '  FAIL  %-24s %d passed, %d failed\n' "$1" "$2" "$3"
		sed 's/^/        /' "$4"
	else
		printf '  ok    %-24s %d\n' "$1" "$2"
	fi
	grep -hiE '^(skipped:|# skipped)' "$4" | sort -u | sed 's/^/        /'
}

for t in "$b"/tests/u_*; do
	case $t in *.d) continue ;; esac
	name=${t##*/}
	"$t" >"$log/$name" 2>&1
	rc=$?
	ok=$(grep -c '^\[       OK \]' "$log/$name")
	no=$(grep -c '^\[  FAILED  \] [a-z_]*$' "$log/$name")
	[ $rc -eq 0 ] || [ "$no" -gt 0 ] || no=1
	[ $rc -eq 0 ] && no=0
	count "$name" "$ok" "$no" "$log/$name"
done

for t in tests/cli/*.bats; do
	[ -e "$t" ] || continue
	name=cli/$(basename "$t" .bats)
	f=$log/$(basename "$t").tap
	BR="$PWD/$b/br" BR_MODE=${b##*/} bats --tap "$t" >"$f" 2>&1
	rc=$?
	ok=$(grep -c '^ok' "$f")
	no=$(grep -c '^not ok' "$f")
	[ $rc -eq 0 ] || [ "$no" -gt 0 ] || no=1
	grep -E '^ok .* # skip' "$f" | sed 's/^ok [0-9]* /skipped: /' >>"$f.skips"
	count "$name" "$ok" "$no" "$f"
	sed 's/^/        /' "$f.skips" && rm -f "$f.skips"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
