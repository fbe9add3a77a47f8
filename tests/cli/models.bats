#!/usr/bin/env bats
# br models, and that a key goes nowhere but into the request.
load lib

KEY=sk-test-0123456789abcdef-THE-KEY

teardown() { [ -z "$FAKE" ] || kill "$FAKE" 2>/dev/null || true; }

# The service of tests/fake/model.py: its address in URL, its log in $S/model.log. start_fake [CERT KEY]
start_fake() {
	command -v python3 >/dev/null || skip "python3 is not installed"
	python3 -B "$BATS_TEST_DIRNAME/../fake/model.py" "$S/port" "$S/model.log" "$@" 3>&- &
	FAKE=$!
	for _ in $(seq 250); do [ ! -s "$S/port" ] || break; sleep 0.02; done
	URL=http://127.0.0.1:$(cat "$S/port")/v1
}

# settings ROLE NAME=VALUE...: into the user's file.
settings() {
	local role=$1 pair
	shift
	for pair; do br config set --user "$role.${pair%%=*}" "${pair#*=}"; done
}

no_key_anywhere() {
	! grep -rqF -e "${1:-$KEY}" "$S/out" "$S/err" "$S/w" || fails_with "a key was shown"
	! grep -rqF -e "0123456789abcdef" "$S/out" "$S/err" || fails_with "a part of a key was shown"
}

@test "nothing configured: the built-in model, no service" {
	want 0 models
	out_has "br-static-256-v1"
	out_has "not configured"
	want 0 models --check
	want 0 models --json
	json_all 'length == 3 and map(.role) == ["chat","embed","rerank"]'
	json_all '.[1] | .built_in and .dimensions == 256 and .reachable == null and .error == null'
	json_all '.[0] | .configured == false and .model == null'
}

@test "configured and reachable" {
	start_fake
	settings chat "base_url=$URL" model=fake
	settings embed "base_url=$URL" 'model=fake;dim=1536' "key=$KEY"
	settings rerank "base_url=$URL" model=fake
	want 0 models
	out_has "key from embed.key"
	no_key_anywhere
	[ ! -s "$S/model.log" ] || fails_with "br models asked somebody"
	want 0 models --check --json
	json_all 'all(.[]; .configured and .reachable and .provider == "custom" and .took_ms >= 0)'
	json_all '.[0].offered == true and .[1].offered == null and .[1].dimensions == 1536 and .[1].key_from == "embed.key"'
	grep -qF "\"key\": \"$KEY\"" "$S/model.log" || fails_with "the key did not arrive"
	no_key_anywhere
	want 0 models --offered chat
	out_has fake-embed
	want 0 models --offered chat --json
	json_all 'length == 2 and .[0].id == "fake" and .[0].context == 8192 and .[1].price_prompt == null'
	br config set --user chat.model absent
	want 0 models --check
	out_has "does not offer this model"
}

@test "a service that is not there has status 13, a refused or missing key 12; all rows are printed" {
	start_fake
	settings chat base_url=http://127.0.0.1:1/v1 model=m
	settings embed "base_url=$URL" 'model=fake;dim=8'
	want 13 models --check
	out_has "embed"
	out_has "reachable, "
	err_has "127.0.0.1:1: cannot read from '127.0.0.1'"
	settings chat "base_url=$URL/locked" "key=$KEY"
	want 12 models --check
	err_has "refuses the key of chat.key (HTTP 401 Unauthorized): Incorrect API key provided: ****"
	no_key_anywhere
	want 12 models --check --json -v
	err_json '.error.exit == 12 and .error.code == "AUTH"'
	no_key_anywhere
	want 0 config unset --user chat.key
	want 0 config unset --user chat.base_url
	settings chat provider=openrouter
	want 12 models --check
	err_has "no key for openrouter: set OPENROUTER_API_KEY, chat.key or chat.key_command"
	want 0 doctor
	out_has "it needs a key, and there is none"
}

@test "a key is set unseen, hidden by every verb, and its file is for its owner only" {
	want_in 0 "$KEY\n" config set --user chat.key -
	out_empty
	[ "$(stat -c %a "$S/home/.config/br/config")" = 600 ]
	grep -qF "key = $KEY" "$S/home/.config/br/config"
	for args in 'config get chat.key' 'config get --json chat.key' 'config list' 'config list --json' 'config list --set' doctor \
	            'doctor --json' models 'models --json' 'version -v' 'config set --user chat.key'; do
		br $args >"$S/out" 2>"$S/err" </dev/null || true
		no_key_anywhere
	done
	want 0 config get chat.key
	out_is "(hidden)"
	want_in 129 "\n" config set --user chat.key -
	want 129 config set --user chat.kee "$KEY"
	no_key_anywhere
	want 129 config set --user chat.key " $KEY ; "
	no_key_anywhere
	chmod 644 "$S/home/.config/br/config"
	want 0 models
	err_has "holds a key and is open to others: chmod 600"
	no_key_anywhere
	want 0 config unset --user chat.key
	want 1 config get chat.key
}

@test "a key of a workspace is in a file for its owner only, and counts after trust" {
	br init -q
	start_fake
	want 0 config set embed.key "$KEY"
	want 0 config set embed.base_url "$URL"
	want 0 config set embed.model "fake;key=$KEY"
	[ "$(stat -c %a .br/config)" = 600 ]
	want 0 models --json
	json_all '.[1].configured == false'
	err_has "not honoured before 'br config trust'"
	want 0 config trust
	want 0 models --check --json
	json_all '.[1].reachable and .[1].key_from == "embed.key"'
}

@test "a command gives the key; from a workspace only after trust" {
	start_fake
	settings chat "base_url=$URL/locked" model=fake "key_command=echo asked >>$S/asked; echo right"
	want 0 models
	[ ! -e "$S/asked" ]
	want 0 models --check
	[ "$(wc -l <"$S/asked")" -eq 1 ]
	br init -q
	want 0 config set chat.key_command "touch $S/pwned"
	want 0 models --check
	[ ! -e "$S/pwned" ]
	settings chat 'key_command=echo no key for you >&2; exit 4'
	want 12 models --check
	err_has "chat.key_command gives no key: it ended with status 4"
}

@test "a service that cannot prove who it is gets no key" {
	command -v openssl >/dev/null || skip "openssl is not installed"
	openssl req -x509 -newkey rsa:2048 -nodes -days 30000 -subj /CN=x -addext subjectAltName=IP:127.0.0.1 -keyout "$S/tls.key" -out "$S/tls.cert" 2>/dev/null
	start_fake "$S/tls.cert" "$S/tls.key"
	settings chat "base_url=${URL/http:/https:}" model=fake "key=$KEY"
	want 13 models --check
	err_has "does not prove that it is who it says"
	[ ! -s "$S/model.log" ]
	br config set --user net.ca_file "$S/tls.cert"
	want 0 models --check
	grep -qF "$KEY" "$S/model.log"
	settings chat "base_url=${URL/http:\/\/127.0.0.1/https://localhost}"
	want 13 models --check
	err_has "does not prove that it is who it says"
}

@test "strategies that ask a language model: as less without one, --strict, with one, when it fails" {
	start_fake
	small_workspace
	want 0 query -s hyde --json locks
	json '.strategy == "hyde" and .degraded == "no language model configured" and .hits[0].path == "docs/locks.md"'
	want 3 query -s multi_query --strict locks
	err_has "'multi_query' would run as less: no language model configured"
	settings chat "base_url=$URL" 'model=fake;text=Rain,_wind_and_weather.'
	want 0 query -s hyde --json --strict "locks"
	json '.degraded == null and .hits[0].path == "docs/locks.md"'
	want 0 query -s multi_query --json --strict "locks"
	json '.degraded == null and ([.hits[].path] | index("docs/rain.txt")) != null'
	want 0 query --json "locks"
	json '[.hits[].path] | index("docs/rain.txt") == null'
	[ "$(grep -c '"request"' "$S/model.log")" -eq 2 ]
	printf '{"_id":"q1","text":"locks"}\n' >"$S/asked"
	printf 'q1\tdocs/locks.md\t1\n' >"$S/judged"
	want 0 eval -s hyde --json --qrels "$S/judged" --queries "$S/asked"
	json '.results[0]."mrr@10" == 1'
	[ "$(grep -c '"request"' "$S/model.log")" -eq 3 ]
	br config set --user chat.model 'fake;fail=400,0'
	want 0 query -s hyde --json locks
	json '.degraded | startswith("the language model failed: ") and contains("HTTP 400")'
	want 13 query -s hyde --json --strict locks
	want 13 eval -s hyde --qrels "$S/judged" --queries "$S/asked"
}

@test "rerank: the service's order, as less when it fails" {
	start_fake
	br init -q
	printf '# One\n\nlock lock lock lock lock\n' >one.md
	printf '# Two\n\nThe lock of the writer is taken by a reader of the manual.\n' >two.md
	br sync -q .
	want 0 query --json writer reader manual lock
	want 0 query --rerank --json lock
	err_has "no rerank service configured"
	settings rerank "base_url=$URL" model=fake
	want 0 query --rerank --json -k 1 'reader taken lock'
	json '(.hits | length) == 1 and .hits[0].path == "two.md" and .hits[0].score == 1 and .degraded == null'
	want 0 config set search.rerank true
	want 0 query --json 'reader taken lock'
	json '.hits[0].score == 1'
	want 0 query --no-rerank --json 'reader taken lock'
	json '.hits[0].score != 1'
	grep -q '"documents": \[".*taken by a reader' "$S/model.log"
	br config set --user rerank.model 'fake;fail=500,0,0'
	want 0 query --json lock
	json '.degraded | startswith("the rerank service failed: ")'
	want 13 query --strict lock
}

@test "Ctrl-C ends a check, and the connection with it" {
	start_fake
	settings embed "base_url=$URL" 'model=fake;mute'
	local status=0 pid
	env -i "${ENV[@]}" "$BR" models --check >"$S/out" 2>"$S/err" </dev/null 3>&- &
	pid=$!
	for _ in $(seq 250); do ! grep -q '"request"' "$S/model.log" 2>/dev/null || break; sleep 0.02; done
	kill -TERM $pid
	wait $pid || status=$?
	[ "$status" -eq 143 ] || [ "$status" -eq 130 ] || fails_with "status $status"
	for _ in $(seq 250); do ! grep -q '"closed"' "$S/model.log" || break; sleep 0.02; done
	grep -q '"closed".*"by": "client"' "$S/model.log"
}

@test "--timeout bounds a check" {
	start_fake
	settings embed "base_url=$URL" 'model=fake;mute'
	want 128 models --check --timeout 1
	err_has "stopped by --timeout"
}

@test "the name of a service's model is no path of a model file" {
	small_workspace
	settings embed provider=ollama model=nomic-embed-text
	want 0 query locks
	out_has locks.md
}

# script ANSWER...: what the model says, one after the other (JSON values).
script() {
	printf '%s\n' "$@" | jq -sc '{answers: .}' >"$S/script"
	curl -sf -H 'Content-Type: application/json' --data-binary "@$S/script" "${URL%/v1}/_/script" >/dev/null
}

last_tool() { # what the last tool returned, of the last request
	jq -src '[.[] | select(.event == "request")][-1].ask.messages[-1] | select(.role == "tool").content' "$S/model.log"
}

@test "kb_explorer: searches, opens, lists, chooses; --explain shows it" {
	command -v curl >/dev/null || skip "curl is not installed"
	start_fake
	small_workspace
	settings chat "base_url=$URL" model=fake
	script '{"tool":"list","arguments":{"folder":"docs/"}}' '{"tool":"search","arguments":{"query":"rain wind"}}' \
		'{"tool":"search","arguments":{"query":"carrots onions"}}' '{"tool":"open","arguments":{"passage":1}}' '"The answer: [2], [1] and [77]."'
	want 0 query -s kb_explorer --strict --explain --json "locks"
	json '.strategy == "kb_explorer" and .degraded == null and [.hits[:2][].path] == ["soup.md","docs/rain.txt"]'
	json '[.hits[].path] | index("docs/locks.md") != null'
	json '.trace[:5] == ["list \"docs/\": 2 found","search \"rain wind\": 1 found, best in docs/rain.txt",
		"search \"carrots onions\": 1 found, best in soup.md","open 1: docs/rain.txt","chose 2, 1"]'
	json '.trace[5] | test("^requests 5, tokens [0-9]+$")'
	[ "$(grep -c '"event": "request"' "$S/model.log")" -eq 5 ]
	jq -se '[.[] | select(.event == "request")] | (.[0].ask.tools | map(.function.name)) == ["search","open","list"] and
		(.[4].ask.messages | [.[].role] == ["system","user","assistant","tool","assistant","tool","assistant","tool","assistant","tool"]) and
		.[4].ask.messages[3].tool_call_id == "call_1" and
		(.[2].ask.messages[-1].content | fromjson | .[0].document == "docs/rain.txt" and (.[0].text | contains("weather, rain")))' "$S/model.log" >/dev/null
	script '{"tool":"search","arguments":{"query":"rain"}}' '"[1]"'
	want 0 query -s kb_explorer --explain locks
	out_has 'search "rain": 1 found, best in docs/rain.txt'
	out_has 'chose 1'
	out_has '1. docs/rain.txt'
}

@test "kb_explorer: filters bind what the model sees" {
	command -v curl >/dev/null || skip "curl is not installed"
	start_fake
	small_workspace
	settings chat "base_url=$URL" model=fake
	script '{"tool":"search","arguments":{"query":"carrots rain"}}' '{"tool":"list","arguments":{}}' '"[1][2]"'
	want 0 query -s kb_explorer --strict --json -f 'path~docs/**' "locks"
	json '[.hits[].path] | index("soup.md") == null and .[0] == "docs/rain.txt"'
	! jq -c 'select(.event == "request").ask.messages' "$S/model.log" | grep -q 'soup\|Boil' || fails_with "the model saw what the filter leaves out"
}

@test "kb_explorer: nonsense, endless calls and faults are bounded and said" {
	command -v curl >/dev/null || skip "curl is not installed"
	start_fake
	small_workspace
	want 0 query -s kb_explorer --json locks
	json '.degraded == "no language model configured" and .hits[0].path == "docs/locks.md" and (has("trace") | not)'
	want 3 query -s kb_explorer --strict locks
	settings chat "base_url=$URL" 'model=fake;tool=search,{"query":"wind"}'
	want 0 query -s kb_explorer --strict --explain --json locks
	json '(.trace | length) == 10 and (.trace[8] | startswith("stopped: ")) and (.trace[9] | startswith("requests 8, "))'
	json '[.hits[].path] | index("docs/locks.md") != null and index("docs/rain.txt") != null'
	[ "$(grep -c '"event": "request"' "$S/model.log")" -eq 8 ]
	for call in 'search,{}' 'search,{"query":7}' 'open,{"passage":1}' 'open,{"passage":-1}' 'open,{"passage":1e99}' 'open,[]' 'delete,{}' 'list,{"folder":7}' 'search,{' 'open,'; do
		br config set --user chat.model "fake;tool=$call"
		want 0 query -s kb_explorer --strict --json locks
		json '.hits[0].path == "docs/locks.md"'
	done
	br config set --user chat.model 'fake;text=I_think_[5]_or_[0]_or_[x_or_[99999999999999999999].'
	want 0 query -s kb_explorer --strict --explain --json locks
	json '.trace[0] == "chose none" and .hits[0].path == "docs/locks.md"'
	br config set --user chat.model 'fake;fail=400,0'
	want 0 query -s kb_explorer --json locks
	json '(.degraded | startswith("the language model failed: ")) and .hits[0].path == "docs/locks.md"'
	want 13 query -s kb_explorer --strict locks
}

@test "kb_explorer: what was chosen and is deleted meanwhile is left out" {
	command -v curl >/dev/null || skip "curl is not installed"
	start_fake
	small_workspace
	settings chat "base_url=$URL" 'model=fake;delay=3000'
	script '{"tool":"search","arguments":{"query":"rain"}}' '"[1]"'
	env -i "${ENV[@]}" "$BR" query -s kb_explorer --explain --json locks >"$S/out" 2>"$S/err" </dev/null 3>&- &
	local pid=$!
	eventually grep -q '"role": "tool"' "$S/model.log"
	kill -STOP "$FAKE"
	rm docs/rain.txt
	br sync -q .
	kill -CONT "$FAKE"
	wait $pid
	json '([.hits[].path] | index("docs/rain.txt")) == null and .hits[0].path == "docs/locks.md" and .trace[1] == "chose 1"'
}

@test "kb_explorer: in a chat the chosen passages come first" {
	command -v curl >/dev/null || skip "curl is not installed"
	start_fake
	small_workspace
	settings chat "base_url=$URL" model=fake
	script '{"tool":"search","arguments":{"query":"rain wind"}}' '"[1]"' '"It rains [1]."'
	want 0 chat --json --strict -s kb_explorer locks
	json '.answer == "It rains [1]." and .citations[0].path == "docs/rain.txt" and .strategy == "kb_explorer" and .degraded == null'
}
