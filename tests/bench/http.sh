#!/bin/sh
# Load on `br serve`: tests/bench/http.sh BUILD WORKSPACE [SECONDS]
# 64 keep-alive connections: trivial answers, questions that repeat, questions that do not.
set -eu
b=$1 ws=$2 seconds=${3:-5}
here=$(dirname "$0")
"$b/br" --workspace "$ws" serve --listen 127.0.0.1:0 2>"$b/serve.err" &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid 2>/dev/null || true' EXIT
until grep -q '^listening' "$b/serve.err"; do kill -0 $pid && sleep 0.1; done
port=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$b/serve.err")
say() { printf '%-34s ' "$1"; shift; "$@" || true; }
say 'GET /healthz' "$b/http_load" -d "$seconds" -g /healthz "$port"
say 'POST /query, 44 questions' "$b/http_load" -d "$seconds" "$port" "$here/../data/docs-questions.tsv"
say 'POST /query, none asked twice' "$b/http_load" -d "$seconds" -n 2000 "$port" "$here/../data/docs-questions.tsv"
grep VmRSS "/proc/$pid/status"
