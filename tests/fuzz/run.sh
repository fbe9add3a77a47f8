#!/bin/sh
# Fuzzes one target after the other, sharing out the seconds: tests/fuzz/run.sh BUILD SECONDS TARGET...
# Corpora grow in BUILD/corpus/TARGET; an input that fails is kept in BUILD/crash, named, and makes the status 1.
set -u
b=$1
seconds=$2
shift 2
each=$((seconds / $#))
[ $each -gt 0 ] || each=1
mkdir -p "$b/crash" "$b/log"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export TMPDIR="$tmp"
failed=0
printf '%-20s %10s %8s %8s %8s\n' target runs runs/s edges corpus
for t in "$@"; do
	log=$b/log/fuzz-$t
	mkdir -p "$b/corpus/$t" "tests/fuzz/corpus/$t"
	# What targets of text and queries have in common; other words libFuzzer learns from comparisons.
	"$b/fuzz/$t" -max_total_time=$each -max_len=2048 -len_control=50 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=1 \
		-dict=tests/fuzz/words.dict -artifact_prefix="$b/crash/$t-" "$b/corpus/$t" "tests/fuzz/corpus/$t" >"$log" 2>&1
	rc=$?
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
	edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
	printf '%-20s %10s %8s %8s %8s\n' "$t" "${runs:--}" "${rate:--}" "${edges:--}" "$(find "$b/corpus/$t" -type f | wc -l)"
	if [ $rc -ne 0 ]; then
		failed=1
		grep -E 'does not hold|^SUMMARY|runtime error|Test unit written' "$log" | sed 's/^/    /'
	fi
done
exit $failed
