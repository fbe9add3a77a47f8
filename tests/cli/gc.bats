#!/usr/bin/env bats
load lib
prepare() { small_workspace; }

# Documents of some hundred kilobytes, so that the data file has something to give back.
bulk() {
	mkdir -p docs/bulk
	for i in $(seq 1 "$1"); do
		awk -v d="$i" 'BEGIN { for (n = 1; n < 900; n++) print "line", n, "of document", d, "with its own word w" d "x" n }' \
			>"docs/bulk/$i.txt"
	done
	want 0 sync
}

@test "nothing to do" {
	want 0 gc --no-compact
	out_is "nothing to do"
	want 0 gc --plan
	out_is "nothing to do"
	want 0 gc -q
	out_empty
	want 0 gc --json
	json '.v == 1 and .notebooks == [] and .dropped == 0 and (.data.shrunk | not) and .data.reason == null'
}

@test "deleted passages go, answers stay, the plan tells it" {
	local generation
	rm docs/rain.txt
	printf '# Soup\n\nBoil leeks with butter.\n' >soup.md
	want 0 sync
	want 0 query --json leeks butter
	jq 'del(.took_ms, .generation)' "$S/out" >"$S/before"
	want 0 status --json
	generation=$(jq .generation "$S/out")
	want 4 gc --plan
	out_has "default: 2 deleted passages; 3 stay"
	want 4 gc --plan --json
	json '.plan and .dropped == 2 and .notebooks[0].name == "default"'
	want 0 status --json
	json ".generation == $generation"
	want 0 gc
	out_has "default: 2 deleted passages and "
	out_has "; 3 stay"
	want 0 query --json leeks butter
	jq 'del(.took_ms, .generation)' "$S/out" | diff "$S/before" -
	want 0 verify
	want 0 gc
	out_is "nothing to do"
	want 1 query weather
	want 0 sync
	want 0 verify
}

@test "only the notebook that is named" {
	want 0 notebook create other
	want 0 ingest -n other soup.md docs
	want 0 docs rm -n other soup.md
	want 0 docs rm soup.md
	want 1 gc -n nonesuch
	want 0 gc -n other
	out_has "other: "
	out_lacks "default: "
	want 0 gc
	out_has "default: "
	want 0 verify
}

@test "originals of removed uploads, and files of dead processes" {
	printf 'Harbours and cranes.\n' >../harbour.txt
	want 0 upload ../harbour.txt
	want 0 ingest
	[ "$(find .br/objects -type f | wc -l)" -eq 1 ]
	want 0 docs rm harbour.txt
	touch .br/tmp/.br-tmp-0001
	want 4 gc --plan
	out_has "1 original that no document names"
	out_has "1 file left by processes that died"
	want 0 gc
	[ "$(find .br/objects .br/tmp -type f | wc -l)" -eq 0 ]
	want 0 verify
}

@test "the data file shrinks, unless another process has it open" {
	local before pid
	bulk 20
	rm -r docs/bulk
	want 0 sync
	before=$(stat -c %s .br/data.mdb)
	want 0 gc --no-compact
	[ "$(stat -c %s .br/data.mdb)" -ge "$before" ]
	want 4 gc --plan
	out_has "data file: "

	mkfifo "$S/fifo"
	br query --stdin -q <"$S/fifo" >/dev/null 2>&1 & # has the workspace open as long as the pipe
	pid=$!
	exec 9>"$S/fifo"
	printf 'soup\n' >&9
	for _ in $(seq 600); do # until it has come so far
		grep -qs 'data.mdb-lock' /proc/$pid/maps /proc/"$(pgrep -P $pid || echo $pid)"/maps && break
		sleep 0.05
	done
	want 0 gc
	err_has "data file not shrunk: the workspace is open in"
	[ "$(stat -c %s .br/data.mdb)" -ge "$before" ]
	exec 9>&-
	wait $pid

	want 0 gc
	out_has "data file: "
	[ "$(stat -c %s .br/data.mdb)" -lt $((before / 2)) ]
	want 0 verify
	want 0 query soup
}
