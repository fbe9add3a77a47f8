#!/bin/sh
# Runs the unit programs, the command-line tests and, in short, the tests of faults of one build: tests/run.sh build/MODE
# Prints a line a suite, everything of a suite that failed, and at the end "N passed, N failed".
set -u
b=$1
log=$b/log
mkdir -p "$log"
passed=0 failed=0
export BR_EXTRACT="$PWD/$b/br-extract" BR_ANN_LIB="$PWD/$b/libbr-ann.so"

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

# The corpora of the fuzz targets, where they were built: with sanitizers.
if [ -x "$b/fuzz-replay" ]; then
	f=$log/fuzz
	"$b/fuzz-replay" tests/fuzz/corpus >"$f" 2>&1
	rc=$?
	ok=$(sed -n 's/^fuzz corpora: \([0-9]*\) passed.*/\1/p' "$f")
	no=$(sed -n 's/^fuzz corpora: .* \([0-9]*\) failed$/\1/p' "$f")
	[ $rc -eq 0 ] || [ "${no:-0}" -gt 0 ] || no=1
	count "fuzz corpora" "${ok:-0}" "${no:-0}" "$f"
fi

# The server, asked over HTTP, where its test server and its Python packages are there.
if [ -x "$b/http-lab" ] && [ -x build/venv/bin/python ]; then
	f=$log/http
	BR_B="$PWD/$b" build/venv/bin/python -m pytest -q -p no:cacheprovider tests/http >"$f" 2>&1
	rc=$?
	ok=$(sed -n 's/^\(.*[^0-9]\)\{0,1\}\([0-9][0-9]*\) passed.*$/\2/p' "$f" | tail -1)
	no=$(sed -n 's/^\([0-9]*\) failed.*$/\1/p' "$f" | tail -1)
	[ $rc -eq 0 ] || [ "${no:-0}" -gt 0 ] || no=1
	count http "${ok:-0}" "${no:-0}" "$f"
else
	echo "        skipped: tests/http: make check-http builds what they need"
fi

# Faults, loss of power, kills, damage and load, in short, where br was linked with the seam; tests/fault/README.md.
for t in "fault/fault.py --trials 200" "fault/fulldisk.py --short" "crash/power.py --states 120" "crash/crash.py --n 20" \
	"crash/bitflip.py --n 50" "crash/stress.py --seconds 4" "crash/enhance.py --n 5 --chunks 300"; do
	[ -x "$b/br-fault" ] || break
	name=${t%.py*}
	f=$log/${name#*/}.py
	# shellcheck disable=SC2086 # a program and its options
	python3 tests/$t --bin "$b" >"$f" 2>&1
	rc=$?
	ok=$(sed -n 's/.*: \([0-9]*\) passed, [0-9]* failed$/\1/p' "$f")
	no=$(sed -n 's/.*: [0-9]* passed, \([0-9]*\) failed$/\1/p' "$f")
	[ $rc -eq 0 ] || [ "${no:-0}" -gt 0 ] || no=1
	count "$name" "${ok:-0}" "${no:-0}" "$f"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
