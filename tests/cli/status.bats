#!/usr/bin/env bats
load lib
prepare() { small_workspace; }

@test "shows notebooks, counts and freshness" {
	want 0 status
	out_has "workspace  $S/w/.br"
	out_has "up to date"
	grep -Eq '^\* default +3 +4 ' "$S/out"
	err_empty
}

@test "says what changed and what is missing, and what to do" {
	printf 'more words\n' >>soup.md
	rm docs/rain.txt
	want 0 status
	out_has "1 changed, 1 missing"
	out_has "'br sync' brings the index up to date"
	want 0 status --json
	json '.notebooks[0].sources == {"checked":3,"changed":1,"missing":1,"complete":true}'
}

@test "names documents that failed" {
	printf '{"id":"x"}\n' >bad.jsonl
	want 2 ingest --ndjson bad.jsonl
	want 0 status --json
	json '.notebooks[0] | has("failed") and has("uploaded")'
}

@test "--json has the documented fields" {
	want 0 status --json
	json '.v == 1 and .root and .bytes > 0 and .generation > 0 and .model.id and .model.dimensions == 256'
	json '.notebooks | length == 1'
	json '.notebooks[0] | .name == "default" and .current and .docs == 3 and .chunks >= 3 and .failed == 0'
	json '.notebooks[0].indexed_at == "2023-11-14T22:13:20Z"'
}

@test "-n shows one notebook" {
	want 0 notebook create other
	want 0 status
	out_has other
	want 0 status -n default
	out_lacks other
	want 1 status -n nope
	err_has "no notebook 'nope'"
}
