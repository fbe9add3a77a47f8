#!/usr/bin/env bats
load lib
prepare() { small_workspace; }

@test "text: rank, path and line, headings, the passage" {
	want 0 query who takes the lock
	head -1 "$S/out" | grep -Eq '^ 1\. docs/locks\.md:3  [0-9.]+$'
	out_has "    Locks"
	out_has "The writer takes one lock. Others wait."
	err_empty
}

@test "operands are one question" {
	want 0 query --json writer lock
	json '.query == "writer lock"'
	cp "$S/out" "$S/first"
	want 0 query --json 'writer lock'
	[ "$(jq -c .hits "$S/first")" = "$(jq -c .hits "$S/out")" ]
}

@test "--json has the documented fields" {
	want 0 query --json lock
	json '.v == 1 and .notebook == "default" and .strategy == "hybrid" and .degraded == null and .generation > 0'
	json '.indexed_at == "2023-11-14T22:13:20Z" and .stale_sources == 0 and .took_ms >= 0'
	json '.hits[0] | .rank == 1 and .score > 0 and .path == "docs/locks.md" and .title == "Locks" and .heading == ["Locks"]'
	json '.hits[0] | .lines == {"from":3,"to":3} and .page == null and (.doc_id | length == 36) and .chunk == 0 and .text'
	json '[.hits[].rank] == [range(1; (.hits | length) + 1)]'
	json '.hits[0] | has("why") | not'
	json '[.hits[].score] == ([.hits[].score] | sort | reverse)'
}

@test "--explain" {
	want 0 query --json --explain lock
	json '.hits[0].why | .lexical.rank == 1 and .lexical.bm25 > 0 and .matched == ["lock"] and has("title") and has("pairs")'
	json '.way and .candidates >= 1 and has("fit")'
	want 0 query --explain lock
	out_has "matched: lock"
}

@test "nothing found: status 1, a word on stderr, an empty list in JSON" {
	want 1 query -s full_text zzzqqqxxx
	out_empty
	err_has "nothing found"
	want 1 query -q -s full_text zzzqqqxxx
	err_empty
	want 1 query --json -s full_text zzzqqqxxx
	json '.hits == []'
	err_empty
}

@test "strategies" {
	for s in hybrid fusion full_text semantic; do
		want 0 query --json -s $s carrots and onions
		json ".strategy == \"$s\" and .hits[0].path == \"soup.md\""
	done
}

@test "--top, --by-doc, --files-only" {
	want 0 query --json -k 1 lock
	json '.hits | length == 1'
	want 0 query --json --by-doc writers
	json '[.hits[].path] | length == (unique | length)'
	want 0 query -l lock
	head -1 "$S/out" | grep -qx docs/locks.md
	[ "$(sort "$S/out" | uniq -d)" = "" ]
}

@test "filters hold for every hit" {
	want 0 query --json -f 'path~docs/**' lock rain carrots
	json '.hits | length > 0 and all(.[]; .path | startswith("docs/"))'
	want 0 query --json -f type=plain lock rain
	json 'all(.hits[]; .path == "docs/rain.txt")'
	want 0 query --json -f 'path~docs/**' -f type=markdown lock rain
	json 'all(.hits[]; .path == "docs/locks.md")'
	want 129 query -f nonsense lock
	err_has "filter 'nonsense'"
	want 129 query -f 'date>=someday' lock
	err_has "someday"
}

@test "phrases and words left out" {
	want 0 query --json '"one lock"'
	json 'all(.hits[]; .text | test("one lock"))'
	want 0 query --json -- 'writers -takes'
	json 'all(.hits[]; .text | test("takes") | not)'
}

@test "--plain takes the question as words only" {
	want 0 query --json --plain -- 'writers -takes'
	json 'any(.hits[]; .text | test("takes"))'
	want 0 query --json --plain 'path:docs carrots'
	json 'any(.hits[]; .path == "soup.md")'
	want 1 query --json -s full_text 'path:docs carrots'
}

@test "formats" {
	want 0 query --format ndjson lock
	json_all 'length > 0 and all(.query == "lock" and .path and .rank)'
	want 0 query --format trec lock
	head -1 "$S/out" | grep -Eq '^1 Q0 docs/locks\.md 1 [0-9.e-]+ br-hybrid$'
	want 0 query --format csv lock
	head -1 "$S/out" | grep -qx 'query,rank,score,path,from,to,page,title,heading,doc_id,chunk,text'
	command -v python3 >/dev/null || skip "python3 is not installed"
	python3 - "$S/out" <<'PY'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
assert rows and rows[0]["path"] == "docs/locks.md" and rows[0]["rank"] == "1", rows
PY
}

@test "CSV and TREC survive names and text that need quoting" {
	printf 'he said "lock, now"\nand left\n' >'a "b", c%.txt'
	want 0 sync
	want 0 query --format trec -k1 -s full_text said lock now
	grep -Eq '^1 Q0 a%20"b",%20c%25\.txt 1 ' "$S/out"
	want 0 query --format csv -k1 -s full_text said lock now
	out_has '"a ""b"", c%.txt"'
}

@test "questions from standard input, one a line" {
	want_in 0 'lock\nq7\tcarrots onions\n\n' query --format trec -k 1 -
	[ "$(cut -d' ' -f1,3 "$S/out" | tr '\n' ' ')" = "1 docs/locks.md q7 soup.md " ]
	want_in 0 'lock\nrain\n' query --json --stdin
	[ "$(wc -l <"$S/out")" -eq 2 ]
	json_all '.[0].id == "1" and .[1].query == "rain"'
	want_in 1 'zzzqqq\n' query -s full_text --json -
	want_in 1 '' query -
	out_empty
	want 129 query --stdin lock
}

@test "an answer comes before the next question is asked" {
	mkfifo "$S/q" "$S/a"
	br query --json - <"$S/q" >"$S/a" 2>"$S/err" &
	local pid=$! line
	exec 7>"$S/q" 9<"$S/a"
	printf 'lock\n' >&7
	IFS= read -r line <&9
	[ "$(jq -r .query <<<"$line")" = lock ]
	printf 'rain\n' >&7
	IFS= read -r line <&9
	[ "$(jq -r .query <<<"$line")" = rain ]
	exec 7>&- 9<&-
	wait $pid
}

@test "Ctrl-C between questions: status 130" {
	mkfifo "$S/q" "$S/a"
	env --default-signal=INT -i "${ENV[@]}" "$BR" query --json - <"$S/q" >"$S/a" 2>"$S/err" &
	local pid=$! line status=0
	exec 7>"$S/q" 9<"$S/a"
	printf 'lock\n' >&7
	IFS= read -r line <&9
	kill -INT $pid
	wait $pid || status=$?
	exec 7>&- 9<&-
	: >"$S/out"
	check_status 130 $status "query, interrupted"
	err_empty
}

@test "changed sources are told, on stderr and in JSON" {
	printf 'more\n' >>soup.md
	want 0 query lock
	err_has "1 source has changed since it was indexed; 'br sync' brings it up to date"
	want 0 query --json lock
	json '.stale_sources == 1'
	err_empty
	want 0 query -q lock
	err_empty
}

@test "empty and oversized questions" {
	want 129 query ''
	err_has "empty"
	want 129 query "$(printf 'x%.0s' {1..9000})"
	err_has "8192"
	want_in 129 "$(printf 'x%.0s' {1..9000})\n" query -
}

@test "a question may look like anything" {
	for q in 'a:b' '(' '"' 'AND OR' '*' '$x' '\\' '日本語' 'é' '100%'; do
		local status=0
		br query --json -- "$q" >"$S/out" 2>"$S/err" </dev/null || status=$?
		[ "$status" -le 1 ] || fails_with "question $q: status $status"
		json '.v == 1'
	done
}

@test "the same question gives the same answer, byte for byte" {
	want 0 query --format ndjson lock rain
	cp "$S/out" "$S/first"
	want 0 query --format ndjson lock rain
	cmp "$S/first" "$S/out"
}
