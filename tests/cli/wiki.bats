#!/usr/bin/env bats
# br wiki: plan, compile, lint, list, show, patch, history, export; with and without a model.
load lib

teardown() { [ -z "$FAKE" ] || kill "$FAKE" 2>/dev/null || true; }

start_fake() {
	command -v python3 >/dev/null || skip "python3 is not installed"
	python3 -B "$BATS_TEST_DIRNAME/../fake/model.py" "$S/port" "$S/model.log" 3>&- &
	FAKE=$!
	for _ in $(seq 250); do [ ! -s "$S/port" ] || break; sleep 0.02; done
	br config set --user chat.base_url "http://127.0.0.1:$(cat "$S/port")/v1"
	br config set --user chat.model "$1"
}

prepare() {
	small_workspace
	printf '# Leases\n\nA lease is a lock that ends by itself after ten seconds.\n\n## Renewal of a lease\n\nWhoever holds a lease renews it every five seconds.\n' >docs/leases.md
	printf '# Boats\n\nA boat is a small ship that floats on water.\n' >docs/boats.md
	br sync -q .
	printf 'lease | Lease | leases | locks\nboat | Boat\n' >"$S/topics.txt"
}

@test "from nothing: topics are found, pages written, linted, exported" {
	want 0 wiki list
	err_has "there are no pages"
	want 4 wiki compile --plan
	want 0 wiki compile --json
	json_all '.[-1] | .event == "done" and .compiled > 1 and .failed == 0 and .passed == .compiled and .exit == 0'
	want 0 wiki plan
	out_has "leases"
	want 0 wiki compile
	out_has "0 of"
	want 0 wiki lint --json
	json_all '.[-1] | .failed == 0 and .checked > 1'
	want 0 wiki list --json
	json '.running == false and .last_compile.failed == 0 and ([.pages[] | select(.serveable | not)] | length == 0)'
	want 0 verify
	want 0 wiki export wiki
	[ -s wiki/README.md ] || fails_with "no list of pages"
	[ "$(head -2 wiki/leases.md | tail -1)" = "generator: br wiki" ] || fails_with "no front matter"
	want 0 wiki export --json wiki
	json '.written == 0 and .same > 2 and .removed == 0'
}

@test "a list of people: read, shown, edited, refused" {
	want 0 wiki plan --file "$S/topics.txt"
	out_has "2 topics"
	want 0 wiki plan
	[ "$(cat "$S/out")" = "$(printf 'boat | Boat\nlease | Lease | leases | locks')" ] || fails_with "another list"
	want 0 wiki plan --json
	json '.topics[1] == {"slug":"lease","title":"Lease","aliases":["leases"],"category":"locks","manual":true}'
	want_in 0 '[{"slug":"boat","aliases":["ship"]}]' wiki plan --file -
	want 0 wiki plan
	out_has "boat | Boat | ship"
	EXTRA=(EDITOR="sed -i s/ship/barge/")
	want 0 wiki plan --edit
	want 0 wiki plan
	out_has "boat | Boat | barge"
	EXTRA=(EDITOR="sed -i s/boat/No_slug/")
	want 128 wiki plan --edit
	[ -s .br/wiki-topics.txt ] || fails_with "what was typed is lost"
	EXTRA=(EDITOR=false)
	want 128 wiki plan --edit
	want_in 128 'a | x\nNo slug\n' wiki plan --file -
	err_has "line 2"
	want 129 wiki plan --find --edit
	want 129 wiki compile --model on
}

@test "compile: pages of which something changed, and those whose source goes" {
	br wiki plan -q --file "$S/topics.txt"
	want 0 wiki compile
	out_has "2 of 2 pages compiled, 0 skipped"
	want 0 wiki show lease
	out_has "A lease is a lock that ends by itself after ten seconds."
	out_has "docs/leases.md:"
	! grep -q 'seconds. \[chunk_' "$S/out" || fails_with "markers are shown"
	want 0 wiki show --markers lease
	out_has "seconds. [chunk_"
	want 0 wiki show --json lease
	json '.slug == "lease" and .status == "active" and .aliases == ["leases"] and ([.sources[] | select(.there)] | length) == (.source_chunks | length)'
	want 0 wiki compile --force lease
	out_has "1 of 1 page compiled"
	want 1 wiki compile nothing
	want 1 wiki show nothing
	rm docs/boats.md
	br sync -q .
	want 0 wiki show --json boat
	json '.lint_status == "failed" and .lint_errors[-1].code == "E5" and .serveable == false and .status == "deleted"'
	want 3 wiki lint --no-recompile
	out_has "boat: error E5"
	want 0 wiki lint --json
	json_all '.[-1] | .recompiled == 1 and .failed == 0'
	want 0 wiki list
	! grep -q boat "$S/out" || fails_with "a page without a source is listed"
	want 0 wiki list --all
	out_has "deleted"
	want 0 verify
}

@test "patch and history" {
	br wiki plan -q --file "$S/topics.txt"
	br wiki compile -q
	want 129 wiki patch lease 'x'
	want 0 wiki patch lease --section terms --claim c-1 Longest term: 60 seconds
	out_has "version 2: lint passed, live"
	want 0 wiki patch lease --section terms --claim c-2 --json 'Longest term: 90 seconds'
	json '.version == 3 and .live and .superseded == 1 and .lint_errors == []'
	want 0 wiki show lease
	out_has "Longest term: 90 seconds"
	! grep -q "60 seconds" "$S/out" || fails_with "what was superseded is there"
	want 129 wiki patch lease --section terms --claim c-3 --confidence 0.4 'x is 1'
	want 1 wiki patch nothing --section terms --claim c-3 'x is 1'
	want 0 wiki patch new-page --create --section terms --claim c-3 'x is 1'
	want 0 wiki history --json lease
	json '[.versions[].version] == [3,2,1] and .versions[0].reason == "patch" and .versions[2].status == "stale"'
	want 0 wiki history --publish 1 lease
	out_has "published"
	want 0 wiki show --json lease
	json '.version == 1 and .newest_version == 3'
	want 1 wiki history --publish 9 lease
	want 129 wiki history --reviewed lease
	want 0 wiki compile --force
	want 0 wiki show lease
	out_has "Longest term: 90 seconds"
	want 0 verify
}

@test "with a model: pages without markers wait for a person" {
	start_fake "fake;text=Leases_are_what_ends_by_itself_and_nobody_here_says_where_that_was_read."
	br wiki plan -q --file "$S/topics.txt"
	want 0 wiki compile --json lease
	json_all '.[0] | .outcome == "compiled" and .lint_status == "failed"'
	want 0 wiki list --json
	json '.pages[0] | .tags == ["wiki_fallback"] and .serveable == false and (.compiled_by | startswith("fake"))'
	want 0 wiki history --publish 1 --reviewed --actor anna lease
	want 0 wiki show --json lease
	json '.serveable and .tags == [] and .actor == "anna"'
	br config set --user chat.model 'fake;fail=400,0'
	want 2 wiki compile --force lease
	err_has "page 'lease'"
	want 0 wiki show --json lease
	json '.version == 1 and .serveable'
	want 0 wiki compile --force --model off lease
	want 0 wiki show --json lease
	json '.version == 2 and .compiled_by == "br"'
}

@test "killed while compiling: what was committed stays, the next run does the rest" {
	for i in $(seq 60); do
		printf '# Thing number%s\n\nThe thing number%s is a part of the machine and weighs %s grams.\n' "$i" "$i" "$i" >"docs/t$i.md"
		printf 'thing-%s | Thing number%s\n' "$i" "$i" >>"$S/topics.txt"
	done
	br sync -q .
	br wiki plan -q --file "$S/topics.txt"
	br wiki compile --json >"$S/events" 2>/dev/null &
	eventually grep -q '"outcome":"compiled"' "$S/events"
	kill -9 $! 2>/dev/null || true
	wait $! 2>/dev/null || true
	want 0 verify
	n=$(br wiki list --json | jq '.pages | length')
	[ "$n" -gt 0 ] || fails_with "nothing was committed"
	want 0 wiki compile --json
	json_all ".[-1] | .failed == 0 and .compiled + .skipped == 62 and .skipped >= $n"
	want 0 wiki compile --json
	json_all '.[-1] | .skipped == 62'
	want 0 verify
}
