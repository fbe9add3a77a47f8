#!/usr/bin/env bats
load lib

@test "files, folders, nothing is deleted" {
	small_workspace
	mkdir more
	printf 'more\n' >more/m.txt
	printf 'one\n' >one.txt
	want 0 ingest one.txt more
	out_has "2 added"
	rm one.txt
	want 0 ingest more
	want 0 docs list --paths
	out_has one.txt
	[ "$(wc -l <"$S/out")" -eq 5 ]
}

@test "standard input under a name" {
	br init -q
	want_in 0 'words from a pipe\n' ingest --stdin-name notes.txt -
	out_has "1 added"
	want 0 docs cat notes.txt
	out_is "words from a pipe"
	want_in 0 'other words\n' ingest -
	want 0 docs show stdin
}

@test "records" {
	br init -q
	want_in 0 '{"id":"r1","title":"T","text":"about locks","metadata":{"team":"a","n":3}}\n{"_id":"r2","text":"about rain"}\n' ingest --ndjson -
	out_has "2 added"
	want 0 docs show r1 --json
	json '.origin == "record" and .title == "T" and .metadata == {"team":"a","n":3}'
	want 0 query --json -f team=a locks
	json '.hits[0].path == "r1"'
	want_in 0 '{"id":"r1","text":"about boats"}\n' ingest --ndjson -
	out_has "1 changed"
	want 0 docs cat r1
	out_is "about boats"
}

@test "records that are no records are named by line; the others are taken" {
	br init -q
	want_in 2 '{"id":"a","text":"x"}\nnonsense\n{"id":"b"}\n\n{"id":"c","text":"y"}\n' ingest --ndjson -
	out_has "2 added, 2 failed"
	err_has "br: cannot index 'stdin:2': "
	err_has "br: cannot index 'stdin:3': "
	want 0 docs list --paths
	[ "$(sort "$S/out" | tr '\n' ' ')" = "a c " ]
}

@test "--title, --lang, --meta, --type" {
	br init -q
	printf 'a,b\n1,2\n' >data
	want 0 ingest --type csv --title Numbers --lang en --meta '{"kind":"table"}' data
	want 0 docs show --json data
	json '.format == "csv" and .title == "Numbers" and .language == "en" and .metadata.kind == "table"'
	want 129 ingest --meta '[1]' data
	err_has "--meta: not a JSON object"
	want 129 ingest --meta '{' data
	want 129 ingest --ndjson
	err_has "--ndjson needs a file"
	want 129 ingest --type paper data
	err_has "is not one of"
}

@test "unchanged files are kept, --force indexes them again" {
	small_workspace
	want 0 ingest --json soup.md
	json_all '.[0].action == "keep"'
	want 0 ingest --json --force soup.md
	json_all '.[0].action == "change"'
}

@test "--plan" {
	small_workspace
	printf 'x\n' >x.txt
	want 4 ingest --plan x.txt
	out_has "A x.txt"
	want 1 docs show x.txt
	want 0 ingest --plan soup.md
}

@test "a path that is not there is named" {
	small_workspace
	want 2 ingest nowhere.txt docs
	err_has "cannot index 'nowhere.txt': no such file or folder"
	want 128 ingest --ndjson nowhere.jsonl
	err_has "cannot read 'nowhere.jsonl'"
}

@test "Ctrl-C while it waits for input: status 130, the workspace is whole" {
	small_workspace
	mkfifo "$S/slow"
	local pid status=0 tries
	env --default-signal=INT -i "${ENV[@]}" "$BR" ingest --ndjson - <"$S/slow" >"$S/out" 2>"$S/err" &
	pid=$!
	exec 7>"$S/slow"
	printf '{"id":"r1","text":"record"}\n' >&7
	# it reads our line, then waits: the pipe is empty
	waits() { [ "$(awk '/^SigCgt/ { print $2 }' /proc/$pid/status)" != 0000000000000000 ] && [ "$(cut -d' ' -f3 /proc/$pid/stat)" = S ]; }
	eventually waits
	kill -INT $pid
	wait $pid || status=$?
	exec 7>&-
	check_status 130 $status "ingest, interrupted"
	want 0 verify
	want_in 0 '{"id":"r1","text":"record"}\n' ingest --ndjson -
}
