#!/bin/sh
# Runs the unit programs, the command-line tests, those of the server and, in short, the tests of faults of one build, as many at a time
# as there are processors: tests/run.sh build/MODE. Prints a line a suite, everything of a suite that failed, and at the end
# "N passed, N failed". tests/run.sh build/MODE SUITE runs one.
set -u
# What is started in the background inherits that Ctrl-C is ignored, and several tests press it.
[ -n "${BR_TESTS_SIGNALS-}" ] || BR_TESTS_SIGNALS=1 exec env --default-signal=INT,QUIT,HUP,PIPE "$0" "$@"
b=$1
log=$b/log
mkdir -p "$log"
export BR_EXTRACT="$PWD/$b/br-extract" BR_ANN_LIB="$PWD/$b/libbr-ann.so"

# ---- one suite: its output in $f, its status in $rc, what passed and failed in $ok and $no ----

unit() { # program
	"$b/tests/$1" >"$f" 2>&1
	rc=$?
	ok=$(grep -c '^\[       OK \]' "$f")
	no=$(grep -c '^\[  FAILED  \] [a-z_]*$' "$f")
	[ $rc -ne 0 ] || no=0
}

cli() { # file without .bats
	BR="$PWD/$b/br" BR_MODE=${b##*/} bats --tap "tests/cli/$1.bats" >"$f" 2>&1
	rc=$?
	ok=$(grep -c '^ok' "$f")
	no=$(grep -c '^not ok' "$f")
	grep -E '^ok .* # skip' "$f" | sed 's/^ok [0-9]* /skipped: /' >"$f.skips"
	cat "$f.skips" >>"$f"
	rm -f "$f.skips"
}

fuzz() { # the corpora of the fuzz targets, where they were built: with sanitizers
	"$b/fuzz-replay" tests/fuzz/corpus >"$f" 2>&1
	rc=$?
	ok=$(sed -n 's/^fuzz corpora: \([0-9]*\) passed.*/\1/p' "$f")
	no=$(sed -n 's/^fuzz corpora: .* \([0-9]*\) failed$/\1/p' "$f")
}

http() { # the server, asked over HTTP
	BR_B="$PWD/$b" build/venv/bin/python -m pytest -q -p no:cacheprovider tests/http >"$f" 2>&1
	rc=$?
	ok=$(sed -n 's/^\(.*[^0-9]\)\{0,1\}\([0-9][0-9]*\) passed.*$/\2/p' "$f" | tail -1)
	no=$(sed -n 's/^\([0-9]*\) failed.*$/\1/p' "$f" | tail -1)
}

fault() { # program and its options, with commas
	# shellcheck disable=SC2046 # a program and its options
	python3 tests/$(echo "$1" | tr , ' ') --bin "$b" >"$f" 2>&1
	rc=$?
	ok=$(sed -n 's/.*: \([0-9]*\) passed, [0-9]* failed$/\1/p' "$f")
	no=$(sed -n 's/.*: [0-9]* passed, \([0-9]*\) failed$/\1/p' "$f")
}

one() { # KIND:WHAT
	what=${1#*:}
	name=${1%%,*}
	f=$log/$(echo "$name" | tr / _)
	"${1%%:*}" "$what"
	[ "$rc" -eq 0 ] || [ "${no:-0}" -gt 0 ] || no=1
	echo "${ok:-0} ${no:-0}" >"$f.count"
	if [ "${no:-0}" -gt 0 ]; then
		printf '  FAIL  %-26s %d passed, %d failed\n%s\n' "$name" "${ok:-0}" "$no" "$(sed 's/^/        /' "$f")"
	else
		printf '  ok    %-26s %d\n' "$name" "${ok:-0}"
	fi
	grep -hiE '^(skipped:|# skipped)' "$f" | sort -u | sed 's/^/        /'
}

# ---- all ----

suites() {
	if [ -x "$b/http-lab" ] && [ -x build/venv/bin/python ]; then
		echo http:all
	else
		echo "        skipped: tests/http: make check-http builds what they need" >&2
	fi
	for t in tests/cli/*.bats; do
		echo "cli:$(basename "$t" .bats)"
	done
	for t in "$b"/tests/u_*; do
		case $t in *.d) ;; *) echo "unit:${t##*/}" ;; esac
	done
	[ ! -x "$b/fuzz-replay" ] || echo fuzz:corpora
	# Faults, loss of power, kills, damage and load, where br was linked with the seam; tests/fault/README.md.
	for t in fault/fault.py,--trials,200 fault/fulldisk.py,--short crash/power.py,--states,120 crash/crash.py,--n,20 \
		crash/bitflip.py,--n,50 crash/stress.py,--seconds,4 crash/enhance.py,--n,5,--chunks,300; do
		[ ! -x "$b/br-fault" ] || echo "fault:$t"
	done
}

if [ $# -gt 1 ]; then
	one "$2"
	exit
fi
rm -f "$log"/*.count
suites >"$log/suites"
xargs -n 1 -P "$(nproc)" "$0" "$b" <"$log/suites"
cat "$log"/*.count | awk -v want="$(wc -l <"$log/suites")" '{ ok += $1; no += $2 } END {
	if (NR != want) print want - NR " suites did not end"
	print ok " passed, " no " failed"
	exit no > 0 || NR != want }'
