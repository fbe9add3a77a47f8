#!/usr/bin/env bats
# Notebooks whose vectors are an embedding service's (tests/fake/model.py).
load lib

teardown() { [ -z "$FAKE" ] || kill "$FAKE" 2>/dev/null || true; }

# Address in URL, log in $S/model.log.
start_fake() {
	command -v python3 >/dev/null || skip "python3 is not installed"
	rm -f "$S/port"
	python3 -B "$BATS_TEST_DIRNAME/../fake/model.py" "$S/port" "$S/model.log" 3>&- &
	FAKE=$!
	eventually test -s "$S/port"
	URL=http://127.0.0.1:$(cat "$S/port")/v1
}

stop_fake() {
	kill "$FAKE"
	wait "$FAKE" 2>/dev/null || true
	FAKE=
}

settings() {
	local role=$1 pair
	shift
	for pair; do br config set --user "$role.${pair%%=*}" "${pair#*=}"; done
}

# One request after the other with one text each: what is under way when something fails is known.
one_by_one() {
	settings embed batch=1
	br config set --user llm.concurrency 1
	br config set --user llm.retries 0
}

# service DIRECTIVES: a fake with 1536 dimensions is the embedding service.
service() {
	start_fake
	settings embed "base_url=$URL" "model=fake;dim=1536${1:+;$1}"
}

# documents N: each is one passage with a word of its own.
documents() {
	mkdir -p docs
	for i in $(seq "$1"); do printf '# Page %s\n\nThe word of page %s is zebra%s.\n' "$i" "$i" "$i" >"docs/p$i.md"; done
}

# Texts that were answered, one a line, as JSON: those of requests behind which "done" came. (The log of one_by_one is in order.)
answered() {
	jq -rc 'select(.path == "/v1/embeddings")' "$S/model.log" |
		jq -rsc '[., .[1:]] | transpose | .[] | select(.[0].event == "request" and .[1].event == "done") | .[0].ask.input[]|tojson'
}

each_once() { # N texts besides the probe for dimensions
	answered | grep -vxF '"dimensions"' | sort >"$S/answered"
	[ -z "$(uniq -d "$S/answered")" ] || fails_with "embedded twice: $(uniq -d "$S/answered" | head -3)"
	[ "$(wc -l <"$S/answered")" -eq "$1" ] || fails_with "$(wc -l <"$S/answered") texts embedded, not $1"
}

requests() { grep -c '"event": "request"' "$S/model.log" 2>/dev/null || true; }
asked_at_least() { [ "$(requests)" -ge "$1" ]; }

# killed_at N ARGS...: br ARGS is killed -9 while its Nth request waits for an answer.
killed_at() {
	local n=$1 pid status=0
	shift
	env -i "${ENV[@]}" "$BR" "$@" >"$S/out" 2>"$S/err" </dev/null 3>&- &
	pid=$!
	eventually asked_at_least "$n"
	kill -KILL $pid
	wait $pid || status=$?
	[ "$status" -eq 137 ] || fails_with "status $status instead of a kill"
}

model_is() {
	want 0 notebook show --json
	json ".model == \"$1\""
}

intact() { want 0 verify; }

@test "1536 dimensions: ingests, finds by meaning, chats" {
	service
	br init -q
	documents 6
	want 0 sync -q .
	model_is 'fake;dim=1536'
	each_once 6
	want 0 query --json --strict zebra4
	json '.degraded == null and .hits[0].path == "docs/p4.md"'
	want 0 query -s semantic --json --strict page word zebra4
	json '.hits[0].path == "docs/p4.md"'
	want 0 chat --json 'what is the word of page 4?'
	json '.found and .degraded == null and .citations[0].path == "docs/p4.md" and .model == null'
	settings chat "base_url=$URL" 'model=fake;text=It_is_zebra4_[1].'
	want 0 chat --json --strict 'what is the word of page 4?'
	json '.answer == "It is zebra4 [1]." and .citations[0].path == "docs/p4.md" and .degraded == null'
	want 0 sync -q .
	n=$(answered | grep -c "The word of page")
	[ "$n" -eq 6 ] || fails_with "$n passages embedded"
	printf '# Page 2\n\nThe word of page 2 is yak now.\n' >docs/p2.md
	want 0 sync -q .
	want 0 query --json --strict yak
	json '.hits[0].path == "docs/p2.md"'
	[ "$(answered | grep -c 'The word of page')" -eq 7 ]
	intact
}

@test "prefixes stand before questions and passages" {
	service
	settings embed query_prefix=query: passage_prefix=passage:
	br init -q
	documents 2
	want 0 sync -q .
	want 0 query --strict zebra1
	[ "$(answered | grep -c '^"passage: .*zebra')" -eq 2 ] || fails_with "no prefix before passages: $(answered)"
	answered | grep -qxF '"query: zebra1"' || fails_with "no prefix before the question: $(answered)"
	settings embed passage_prefix=text:
	want 0 query --json zebra1
	json '.degraded | contains("which is not configured here")'
	printf 'new\n' >docs/new.txt
	want 128 sync -q .
	err_has "br notebook reembed"
	want 0 notebook reembed
	[ "$(answered | grep -c '^"text: .*zebra')" -eq 2 ]
	want 0 query --strict zebra1
	intact
}

@test "the service goes away in the middle of an ingest: exit 13, the next run finishes, each text once" {
	service 'down=9,1'
	one_by_one
	br init -q
	documents 12
	want 13 sync .
	err_has "HTTP 503"
	intact
	want 0 sync .
	each_once 12
	want 0 query --json --strict zebra12
	json '.hits[0].path == "docs/p12.md"'
	want 0 status --json
	json '.notebooks[0].docs == 12'
	intact
}

@test "another service takes over where the first one ended" {
	service 'hold=8'
	one_by_one
	br init -q
	documents 12
	local status=0 pid
	env -i "${ENV[@]}" "$BR" sync . >"$S/out" 2>"$S/err" </dev/null 3>&- &
	pid=$!
	eventually asked_at_least 8
	stop_fake
	wait $pid || status=$?
	check_status 13 "$status" sync
	intact
	want 13 sync .
	intact
	start_fake
	settings embed "base_url=$URL"
	want 0 sync .
	grep -vF '"event": "closed"' "$S/model.log" >"$S/model.new" && mv "$S/model.new" "$S/model.log"
	each_once 12
	intact
}

@test "killed -9 in the middle of an ingest: each text is embedded once over both runs" {
	service 'hold=8'
	one_by_one
	br init -q
	documents 12
	killed_at 8 sync .
	intact
	want 0 sync .
	each_once 12
	want 0 query --json --strict zebra7
	json '.hits[0].path == "docs/p7.md"'
	intact
}

@test "equal passages are embedded once, and not again after they were deleted" {
	service
	br init -q
	mkdir docs
	for i in 1 2 3; do printf 'The same words in three files.\n' >docs/same.txt; cp docs/same.txt docs/same$i.txt; done
	rm docs/same.txt
	mkdir a b c
	for d in a b c; do mv "docs/same$(($(printf %d "'$d") - 96)).txt" "$d/same.txt"; done
	want 0 sync -q a b c
	[ "$(answered | grep -c 'The same words')" -eq 1 ] || fails_with "$(answered)"
	rm -r a
	want 0 sync -q a b c || true
	want 0 gc
	cp -r b a
	want 0 sync -q a b c
	[ "$(answered | grep -c 'The same words')" -eq 1 ] || fails_with "$(answered)"
	intact
}

@test "questions while the service is away: by words, which is said; a failure under --strict" {
	service
	br config set --user llm.retries 0
	br init -q
	documents 3
	want 0 sync -q .
	stop_fake
	want 0 query zebra2
	out_has docs/p2.md
	err_has "hybrid ran as less: 127.0.0.1"
	err_has "ran as full_text"
	want 0 query --json zebra2
	json '.hits[0].path == "docs/p2.md" and (.degraded | endswith("ran as full_text"))'
	want 3 query --strict zebra2
	err_has "would run as less"
	want 0 chat --json 'what is the word of page 2?'
	json '.found and .citations[0].path == "docs/p2.md" and (.degraded | endswith("ran as full_text"))'
	want 0 query -s full_text --json --strict zebra2
	json '.degraded == null'
	rm docs/p3.md
	want 0 sync -q .
	want 0 query --json zebra2
	json '.hits[0].path == "docs/p2.md"'
	intact
}

@test "from the built-in model to a service and back: the plan, its cost, the change, each text once" {
	br init -q
	documents 10
	want 0 sync -q .
	model_is br-static-256-v1
	service
	settings embed price=2
	want 4 notebook reembed --plan
	out_has "would embed 10 passages of 'default'"
	out_has "would be asked for 10 of them"
	want 4 notebook reembed --plan --json
	json '.plan and .passages == 10 and .asked == 10 and .tokens > 50 and .tokens < 500 and .cost > 0.0001 and .cost < 0.001'
	model_is br-static-256-v1
	want 0 query --json zebra3
	json '.hits[0].path == "docs/p3.md"'
	want 0 notebook reembed --json
	json '.asked == 10 and .model == "fake;dim=1536" and .dimensions == 1536 and .plan == false'
	each_once_passages 10
	intact
	want 0 query --json --strict zebra3
	json '.hits[0].path == "docs/p3.md" and .degraded == null'
	want 4 notebook reembed --plan --json
	json '.asked == 0 and .tokens == 0 and .cost == 0'
	want 4 notebook reembed --plan --model builtin
	want 0 notebook reembed --model builtin
	model_is br-static-256-v1
	intact
	want 0 query --json --strict zebra3
	json '.hits[0].path == "docs/p3.md"'
	want 0 notebook reembed --model service
	each_once_passages 10
	intact
}

each_once_passages() { [ "$(answered | grep -c 'The word of page')" -eq "$1" ] || fails_with "not $1 passages were embedded"; }

@test "a re-embedding that is killed leaves the notebook as it was, and goes on where it ended" {
	br init -q
	documents 12
	want 0 sync -q .
	service 'hold=6'
	one_by_one
	killed_at 6 notebook reembed
	model_is br-static-256-v1
	intact
	want 0 query --json zebra3
	json '.hits[0].path == "docs/p3.md"'
	want 4 notebook reembed --plan --json
	json '.passages == 12 and .asked == 8'
	want 0 notebook reembed
	each_once_passages 12
	intact
	want 0 query --json --strict zebra3
	json '.hits[0].path == "docs/p3.md"'
}

@test "vectors of a model that is not configured: by words, nothing is added, reembed mends it" {
	service
	br init -q
	documents 3
	want 0 sync -q .
	settings embed 'model=other;dim=64'
	want 0 query --json zebra1
	json '.hits[0].path == "docs/p1.md" and (.degraded | contains("'"fake;dim=1536"'") and contains("which is not configured here"))'
	want 3 query --strict zebra1
	printf 'more\n' >docs/more.txt
	want 128 sync -q .
	err_has "notebook 'default' has vectors of 'fake;dim=1536', which is not configured here"
	err_has "br notebook reembed"
	want 0 notebook reembed
	model_is 'other;dim=64'
	want 0 sync -q .
	want 0 query --json --strict zebra1
	json '.hits[0].path == "docs/p1.md"'
	intact
	br config unset --user embed.base_url
	br config unset --user embed.model
	want 0 query --json zebra1
	json '.degraded | contains("which is not configured here")'
	want 0 notebook reembed
	model_is br-static-256-v1
	want 0 query --json --strict zebra1
	intact
}

@test "exported, imported elsewhere: the vectors are those of the service" {
	service
	br init -q
	documents 4
	want 0 sync -q .
	want 0 export default "$S/nb.brx"
	before=$(requests)
	mkdir "$S/other"
	cd "$S/other"
	br init -q
	want 0 import "$S/nb.brx" --as brought
	[ "$(requests)" -eq "$before" ] || fails_with "import asked the service"
	want 0 query -n brought --json --strict zebra2
	json '.hits[0].path == "docs/p2.md"'
	want 0 query -n brought -s semantic --json --strict page word zebra3
	json '.hits[0].path == "docs/p3.md"'
	intact
	br config unset --user embed.base_url
	br config unset --user embed.model
	want 0 query -n brought --json zebra2
	json '.hits[0].path == "docs/p2.md" and (.degraded | contains("which is not configured here"))'
	intact
}

@test "wrong dimensions, too few vectors and nonsense are refused, nothing of them is kept" {
	for how in wrongat=1 short zero big text malformed; do
		rm -rf .br docs "$S/model.log"
		service "$how"
		br config set --user llm.retries 0
		br init -q
		documents 4
		want 13 sync .
		err_has "127.0.0.1"
		intact
		want 0 status --json
		json '.notebooks[0].docs == 0'
		stop_fake
		start_fake
		settings embed "base_url=$URL" 'model=fake;dim=1536'
		want 0 sync -q .
		want 0 query --strict zebra3
		intact
		stop_fake
	done
}

@test "a service whose vectors have another length than the notebook's" {
	service
	br init -q
	documents 2
	want 0 sync -q .
	settings embed dimensions=512
	want 0 query --json zebra1
	json '.degraded | contains("which is not configured here")'
	br config unset --user embed.dimensions
	want 0 query --json --strict zebra1
	intact
}

@test "Ctrl-C in the middle of an ingest: what was given stays, the next run finishes" {
	service 'hold=5'
	one_by_one
	br init -q
	documents 8
	local status=0 pid
	env -i "${ENV[@]}" "$BR" sync . >"$S/out" 2>"$S/err" </dev/null 3>&- &
	pid=$!
	eventually asked_at_least 5
	kill -TERM $pid
	wait $pid || status=$?
	check_status 130 "$status" sync
	eventually grep -q '"closed".*"by": "client"' "$S/model.log"
	intact
	want 0 sync .
	each_once 8
	intact
}
