#!/usr/bin/env bats
load lib
prepare() { br init -q; }

@test "keeps a copy that can be indexed when the file is gone" {
	printf 'about locks\n' >report.txt
	want 0 upload report.txt
	out_has "1 added"
	want 0 docs show report.txt --json
	json '.state == "uploaded" and .origin == "upload" and .chunks == 0'
	rm report.txt
	want 0 ingest
	out_has "1 changed"
	want 0 docs show report.txt --json
	json '.state == "indexed" and .chunks == 1'
	want 0 query --json locks
	json '.hits[0].path == "report.txt"'
	want 0 verify
}

@test "standard input, title, metadata" {
	want_in 0 'words\n' upload --stdin-name n.txt --title T --meta '{"a":1}' -
	want 0 docs show n.txt --json
	json '.title == "T" and .metadata.a == 1'
}

@test "what is not a file is named, the others are kept" {
	printf 'x\n' >x.txt
	mkfifo pipe
	want 2 upload pipe x.txt
	err_has "cannot index 'pipe'"
	out_has "1 added, 1 failed"
	want 2 upload nowhere.txt
	err_has "nowhere.txt"
}

@test "--json" {
	printf 'x\n' >x.txt
	want 0 upload --json x.txt
	json_all '.[0] == {"event":"file","path":"x.txt","action":"add","from":null,"reason":null,"bytes":2} and last.event == "done"'
}
