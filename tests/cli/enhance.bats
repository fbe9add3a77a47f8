#!/usr/bin/env bats
# br enhance: contexts from the document itself and from a model, published and taken back.
load lib

teardown() { [ -z "$FAKE" ] || kill "$FAKE" 2>/dev/null || true; }

start_fake() {
	command -v python3 >/dev/null || skip "python3 is not installed"
	python3 -B "$BATS_TEST_DIRNAME/../fake/model.py" "$S/port" "$S/model.log" 3>&- &
	FAKE=$!
	for _ in $(seq 250); do [ ! -s "$S/port" ] || break; sleep 0.02; done
	URL=http://127.0.0.1:$(cat "$S/port")/v1
	br config set --user chat.base_url "$URL"
	model "${1:-fake;text=About_zanzibar.}"
}

model() { br config set --user chat.model "$1"; }

some_done() { br enhance status --json >"$S/out" 2>"$S/err" && jq -e '.success > 0' "$S/out" >/dev/null; }

asked() { grep -c '"event": "request"' "$S/model.log"; }

prepare() {
	small_workspace
	printf '# Leases\n\nA lease is a lock that ends by itself.\n\n## Renewal\n\nThe lease is renewed in time.\n' >docs/leases.md
	br sync -q .
}

@test "without a model: run, look, publish, find, reset" {
	want 4 enhance run --plan
	out_has "passages to enhance"
	want 0 enhance status --json
	json '.pending == .total and .embedded == 0 and .progress_pct == 0 and .all_terminated == false and .running == false'
	want 0 enhance run
	out_has "enhanced; 'br enhance publish'"
	want 0 enhance show docs/rain.txt
	out_has "passage 1, lines 1-1: success, by br"
	out_has "rain."
	want 0 enhance publish --json
	json '.published > 3 and .left == 0 and .generation > 0'
	want 0 verify
	want 0 enhance publish --json
	json '.published == 0 and .generation == null'
	want 0 enhance status
	out_has "100%"
	want 0 enhance run
	out_has "nothing to do"
	want 0 enhance reset --json
	json '.reset > 3'
	want 0 enhance reset
	out_has "0 passages of 0 documents reset"
	want 0 verify
	want 0 gc
	want 0 verify
	want 129 enhance run --model on
	err_has "no language model is configured"
}

@test "with a model: a word that only the context has is found, and the original quoted" {
	start_fake
	want 0 enhance run --json --files docs/rain.txt
	json_all '.[0] == {"event":"chunk","path":"docs/rain.txt","doc_id":.[0].doc_id,"chunk":0,"state":"success","error":null}'
	json_all '.[-1] | .event == "done" and .success == 1 and .exit == 0 and (.model | startswith("fake")) and .tokens.prompt > 0'
	[ "$(asked)" = 1 ] || fails_with "asked more than once"
	grep -qF 'Plain text about weather' "$S/model.log" || fails_with "the passage was not sent"
	want 1 query -s full_text zanzibar
	want 0 enhance publish -q
	want 0 query -s full_text --json zanzibar
	json '.hits | length == 1 and (.[0].path == "docs/rain.txt") and (.[0].text == "Plain text about weather, rain and wind.")'
	want 0 enhance show --json docs/rain.txt
	json '.state == "embedded" and .context == "About zanzibar." and (.by | startswith("fake")) and .attempts == 1 and .text == "Plain text about weather, rain and wind."'
	want 0 enhance run --files docs/rain.txt
	[ "$(asked)" = 1 ] || fails_with "asked for what it had"
	printf 'Plain text about weather and snow.\n' >docs/rain.txt
	want 0 sync -q .
	want 0 verify
	want 1 query -s full_text zanzibar
	want 0 enhance status --json --files docs/rain.txt
	json '.total == 1 and .pending == 1'
	want 1 enhance run --files 'nothing/*'
	err_has "no document matches 'nothing/*'"
}

@test "a plan asks nobody and tells the cost" {
	start_fake
	br config set --user chat.price_prompt 1
	br config set --user chat.price_completion 2
	want 4 enhance run --plan --json
	json '.plan and .todo > 3 and .success == 0 and .tokens.prompt > 100 and .tokens.completion == 80 * .todo and .cost > 0 and .exit == 4'
	[ ! -s "$S/model.log" ] || fails_with "it asked"
	want 4 enhance run --plan --limit 2 --json
	json '.todo == 2'
	want 0 enhance run --model off --json
	json_all '.[-1] | .model == null and .cost == 0'
	[ ! -s "$S/model.log" ] || fails_with "it asked"
	want 0 enhance run --plan
}

@test "failures: some is 2, all is 13, a refused key is 12; the next run does what is missing" {
	start_fake 'fake;fail=500,2;text=good'
	br config set --user llm.retries 0
	br config set --user llm.concurrency 1
	want 2 enhance run --json
	json_all '[.[] | select(.state == "failed")] | length == 2'
	json_all '.[-1] | .failed == 2 and .success > 1 and .exit == 2'
	want 2 enhance publish --json
	json '.left > 0 and .left_documents > 0'
	want 0 enhance run --json
	json_all '.[-1] | .success == 2 and .kept > 1'
	want 0 enhance publish
	want 0 enhance reset -q
	model 'fake;malformed'
	want 13 enhance run --json
	json_all '[.[] | select(.event == "chunk")] | length == 4 and all(.state == "failed" and (.error | length) > 0)'
	json_all '.[-1].exit == 13'
	want 0 enhance status --json
	json '.failed == 4 and .processing == 0 and .pending == .total - 4'
	want 0 enhance reset --failed
	out_has "4 passages"
	model 'fake;drop=0;fail=429,0'
	want 13 enhance run --limit 1
	err_has "429"
	model 'fake;key=right'
	want 12 enhance run
	want 0 enhance status --json
	json '.failed == 1 and .processing == 0'
	model 'fake;text=_'
	want 2 enhance run --limit 1 || want 13 enhance run --limit 1
	err_has "the model's answer is empty"
	model 'fake;fail=429,1,0;text=fine'
	br config set --user llm.retries 2
	want 0 enhance run
	want 0 enhance publish
	want 0 verify
}

@test "an interrupt keeps what there is; a second run waits" {
	start_fake 'fake;delay=300;text=slow_words'
	br config set --user llm.concurrency 1
	env -i "${ENV[@]}" "$BR" enhance run --json >"$S/first" 2>"$S/second" </dev/null 3>&- &
	local pid=$! status=0
	eventually some_done
	json '.running and .processing > 0 and .success > 0'
	want 11 enhance run --wait 0
	kill -TERM "$pid" # a shell makes what runs in the background ignore SIGINT
	wait "$pid" || status=$?
	[ "$status" = 130 ] || fails_with "status $status"
	want 0 enhance status --json
	json '(.running | not) and .processing == 0 and .success > 0 and .pending > 0 and .failed == 0'
	model 'fake;text=words'
	want 0 enhance run --json
	json_all '.[-1] | .kept > 0 and .success == .todo'
	want 0 enhance publish
	want 0 verify
}

@test "vectors of a service: published texts are embedded once" {
	start_fake
	br config set --user embed.base_url "$URL"
	br config set --user embed.model 'fake;dim=64'
	want 0 notebook create served
	want 0 sync -q -n served docs
	want 0 enhance run -n served -q
	want 0 enhance publish -n served
	want 0 verify
	local before
	before=$(asked)
	want 0 enhance publish -n served
	[ "$(asked)" = "$before" ] || fails_with "asked again"
	[ "$(grep -c 'embeddings.*zanzibar' "$S/model.log")" = 1 ] || fails_with "not embedded once"
	want 0 query -n served -s semantic zanzibar
	before=$(asked)
	want 0 enhance reset -n served
	[ "$(asked)" = "$before" ] || fails_with "the old texts were asked for again"
	want 0 verify
	br config unset --user embed.base_url
	br config unset --user embed.model
	want 0 enhance run -n served --model off -q
	want 128 enhance publish -n served
	err_has "which is not configured here"
}
