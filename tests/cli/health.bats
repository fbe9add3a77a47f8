#!/usr/bin/env bats
# br health: planted faults are each found and only those, repairs once and twice, what machines read, the README's examples.
load lib

teardown() { [ -z "$FAKE" ] || kill "$FAKE" 2>/dev/null || true; }

# Ten documents of which none is like another, in a folder that sync keeps.
ten() {
	br init -q
	mkdir -p docs
	for i in 0 1 2 3 4 5 6 7 8 9; do
		echo "Number $i stands alone, item$((i * 7)) of a list that knows word$((i * 11)) and thing$((i * 13))." >"docs/n$i.txt"
	done
	br sync -q docs
}

# finds NAME=COUNT...: these rules count, and no other.
finds() {
	want 0 health --json
	jq -r '.rules[] | select(.counts) | "\(.name)=\(.found)"' "$S/out" | sort >"$S/got"
	printf '%s\n' "$@" | grep . | sort | diff - "$S/got" || fails_with "other findings than planted"
}

score() { json ".score == $1"; }

# fixes FROM TO: the plan touches nothing, the repair raises the score so, the second has nothing to do.
fixes() {
	local before
	before=$(br status --json | jq .generation)
	want 4 health --fix --plan
	cp "$S/out" "$S/plan"
	[ "$(br status --json | jq .generation)" = "$before" ] || fails_with "the plan changed something"
	want 0 health --fix --json
	json_all "last | .event == \"done\" and .score_before == $1 and .score == $2 and .fixed > 0 and .not_fixed == 0"
	want 0 health --fix --json
	json_all 'length == 1 and .[0].fixed == 0 and .[0].score_before == .[0].score'
	want 0 health --fix --plan
	want 0 verify
}

@test "nothing is wrong" {
	ten
	finds
	score 100
	json '.v == 1 and .notebook == "default" and .totals.docs == 10 and .totals.passages == 10 and (.rules | length) == 15'
	want 0 health
	out_is "default: 100 of 100; 10 documents, 10 passages"
	want 0 health -q
	out_empty
	want 0 health --fix
	out_is "default: 100 of 100; 10 documents, 10 passages"
	want 0 health --fix --plan
}

@test "a duplicate: the earliest stays, by age and not by name" {
	ten
	echo "This very text is there twice, word by word." | tee late.txt >early.txt
	mv late.txt a-late.txt
	br ingest -q early.txt
	br ingest -q a-late.txt
	finds duplicate=1
	score 96
	fixes 96 100
	grep -qF "to remove: a-late.txt (the same bytes as 'early.txt', which stays)" "$S/plan"
	want 0 docs list
	out_has early.txt
	out_lacks a-late.txt
	[ -e a-late.txt ] || fails_with "a file was removed"
}

@test "a duplicate in a kept folder is told and left, as a sync would bring it back" {
	ten
	cp docs/n1.txt docs/copy.txt
	br sync -q
	finds duplicate=1
	json '.rules[0] | .fixable == 0 and .examples[0].path == "docs/n1.txt" or .examples[0].path == "docs/copy.txt"'
	want 0 health --fix --json
	json_all 'length == 1'
}

@test "what was uploaded and exists once is not deleted" {
	ten
	cp docs/n1.txt n1-again.txt
	br upload -q n1-again.txt
	br ingest -q
	finds duplicate=1
	want 0 health --fix
	want 0 docs list
	out_has n1-again.txt
	cp docs/n1.txt n1-third.txt
	br upload -q n1-third.txt
	br ingest -q
	want 0 health --fix
	out_has "removed: n1-third.txt"
	want 0 docs list
	out_has n1-again.txt
	[ "$(find .br/objects -type f | wc -l)" -eq 1 ]
}

@test "a near-duplicate" {
	ten
	seq 1 40 | sed 's/.*/Line & with its own word& and no other./' >docs/old.txt
	{ cat docs/old.txt; echo "A last line."; } >docs/new.txt
	br sync -q
	finds near-duplicate=1
	score 99
	want 0 health --fix --json
	json_all 'length == 1 and .[0].fixed == 0'
	br config set health.near_duplicate 9
	finds
	want 0 health -v
	out_has "near-duplicate: 1 of 12 documents, put up with (health.near_duplicate)"
}

@test "an orphan; nothing is known of a folder that is not there" {
	ten
	rm docs/n3.txt
	finds orphan=1
	score 97
	mv docs away
	want 0 health --fix --json
	json_all 'length == 1 and .[0].fixed == 0'
	mv away docs
	fixes 97 100
	grep -qF "to remove: docs/n3.txt (its file is gone)" "$S/plan"
	want 0 docs list
	out_lacks n3.txt
}

@test "members whose archive is gone" {
	ten
	printf 'A text of its own in the archive.\n' >one.txt
	tar -cf docs/x.tar one.txt
	br sync -q
	finds
	rm docs/x.tar
	finds orphan=2
	fixes 95 100
	want 0 docs list
	out_lacks x.tar
}

@test "a stale document" {
	ten
	echo "What number three says now is different, and longer than it was." >docs/n3.txt
	finds stale=1
	score 98
	fixes 98 100
	grep -qF "to read again: docs/n3.txt" "$S/plan"
	want 0 query --json says now is different
	json '.hits[0].path == "docs/n3.txt"'
	EXTRA=(BR_CLOCK="$(($(date +%s) + 60))")
	br config set health.stale_after 1h
	echo "And now it says something else once more, which is longer still." >docs/n3.txt
	finds
	br config set health.stale_after 1
	finds stale=1
}

@test "a repair that fails is told, has status 2, and is not tried again and again" {
	ten
	printf '%%PDF-1.4\nnot at all\n' >docs/n3.txt
	want 2 health --fix
	err_has "br: not read again: docs/n3.txt: its file changed: "
	want 0 health --fix --json
	json_all 'length == 1 and .[0].fixed == 0 and .[0].not_fixed == 0'
	finds failed=1
}

@test "a document that cannot be understood" {
	ten
	printf '%%PDF-1.4\nnot at all\n' >docs/bad.pdf
	want 2 sync
	finds failed=1
	want 0 health
	out_has "docs/bad.pdf: "
	want 0 health --fix --json
	json_all 'length == 1 and .[0].fixed == 0'
}

@test "references that lead nowhere" {
	ten
	printf '# A\n\n[b](b.md) and [c](c.md).\n\n![p](p.png)\n' >docs/a.md
	printf '# B\n\n[a](a.md#a) [none](a.md#none) [web](https://example.org/none)\n' >docs/b.md
	br sync -q
	finds broken-reference=3
	want 0 health --rule broken-reference --list
	out_has "broken-reference  docs/a.md:3: no file 'docs/c.md'"
	out_has "broken-reference  docs/a.md:5: no file 'docs/p.png'"
	out_has "broken-reference  docs/b.md:3: no place '#none' in 'docs/a.md'"
}

@test "missing vectors: a model that is not configured any more" {
	command -v python3 >/dev/null || skip "python3 is not installed"
	python3 -B "$BATS_TEST_DIRNAME/../fake/model.py" "$S/port" "$S/model.log" 3>&- &
	FAKE=$!
	for _ in $(seq 250); do [ ! -s "$S/port" ] || break; sleep 0.02; done
	br config set --user embed.base_url "http://127.0.0.1:$(cat "$S/port")/v1"
	br config set --user embed.model 'fake;dim=64'
	ten
	finds
	br config unset --user embed.base_url
	br config unset --user embed.model
	finds missing-vector=10
	score 80
	want 0 health
	out_has "its vectors are of 'fake;dim=64', which is not configured"
}

@test "a damaged cache of embeddings" {
	ten
	mkdir .br/embeddings
	head -c 65536 /dev/zero >.br/embeddings/data.mdb
	finds embedding-cache=1
	score 90
	fixes 90 100
	grep -q "^to drop: " "$S/plan"
	[ ! -e .br/embeddings/data.mdb ]
}

@test "a damaged vector index is built anew" {
	br doctor | grep -q "libbr-ann.so" && skip "FAISS is not installed"
	ten
	br config set ann.kind sq8
	br config set ann.auto false
	finds vector-index=1
	fixes 90 100
	printf x | dd of="$(ls .br/index/*.faiss)" bs=1 seek=99 conv=notrunc status=none
	finds vector-index=1
	fixes 90 100
	want 0 index status --json
	json '.notebooks[0] | .index.kind == "sq8" and (.due | not)'
}

@test "garbage is collected; files of uploads stay until br gc" {
	ten
	br upload -q docs/n1.txt
	br ingest -q
	br docs rm -q docs/n2.txt docs/n3.txt n1.txt
	rm docs/n2.txt docs/n3.txt
	finds garbage=3
	score 98
	fixes 98 100
	[ "$(find .br/objects -type f | wc -l)" -eq 1 ]
}

@test "several faults at once add up, and are repaired together" {
	ten
	rm docs/n1.txt docs/n2.txt
	echo "Number three has a new text now, longer than the one before it was." >docs/n3.txt
	echo "This very text is there twice." | tee x.txt >y.txt
	br ingest -q x.txt
	br ingest -q y.txt
	finds orphan=2 stale=1 duplicate=1
	score 90 # 100 - 30 * 2/12 - 20/12 - 40/12 = 90 exactly
	want 3 health --min-score 91
	err_has "notebook 'default' has a score of 90, below 91"
	out_has "'br health --fix' repairs 4 of these"
	want 3 health -q --min-score 91
	out_has "orphan: 2 of 12 documents, -5.00"
	want 0 health -q --min-score 90
	out_empty
	fixes 90 100
	grep -qc "^to " "$S/plan"
	want 0 docs list
	out_has n3.txt
}

@test "only the rules that are asked for" {
	ten
	rm docs/n1.txt
	echo "Number three has a new text now, longer than the one before it was." >docs/n3.txt
	want 0 health --rule stale --json
	json '(.rules | map(.name)) == ["stale"] and .score == 98'
	want 0 health -r stale,orphan --json
	json '(.rules | length) == 2 and .score == 95'
	want 0 health --fix --rule stale
	out_has "read again: docs/n3.txt"
	want 0 docs list
	out_has n1.txt
	want 129 health --rule stael
	err_has "no rule 'stael'; did you mean 'stale'?"
	want 0 health --rules --json
	json_all 'length == 15 and all(.[]; .weight > 0 and .finds and .reason and (.setting | startswith("health.")))'
	want 0 health --rules
	out_has "near-duplicate (info, up to 10 points)"
}

@test "options that do not go together" {
	ten
	for o in --plan "--output f" "--nagios --fix" "--nagios --json" "--format prometheus --json" "--format prometheus --fix" \
	         "--fix --plan --min-score 3" "--format prometheus --list" "--all -n default" "--min-score 101" "--format xml"; do
		want 129 health $o
		out_empty
	done
	want 1 health -n nonesuch
}

# Reads the text format strictly: HELP, TYPE, then all samples of the metric; names, labels, numbers, no sample twice.
prometheus_ok() {
	python3 - "$1" <<'PY'
import re, sys
text = open(sys.argv[1], encoding="utf-8").read()
assert text.endswith("\n"), "no line end at the end"
name, typed, seen, done = None, False, set(), set()
label = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
for line in text[:-1].split("\n"):
    m = re.fullmatch(r"# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (\S.*)", line)
    if m:
        assert m[1] not in done, "metric in two places: " + line
        name, typed = m[1], False
        done.add(name)
        continue
    m = re.fullmatch(r"# TYPE (\S+) (gauge|counter)", line)
    if m:
        assert m[1] == name and not typed, line
        typed = True
        continue
    m = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(%s(?:,%s)*)\})? (\S+)" % (label, label), line)
    assert m and m[1] == name and typed, "bad line: " + line
    float(m[3])
    assert (m[1], m[2]) not in seen, "twice: " + line
    seen.add((m[1], m[2]))
assert len(seen) > 10
PY
}

@test "the textfile collector" {
	command -v python3 >/dev/null || skip "python3 is not installed"
	ten
	rm docs/n1.txt
	want 0 health --format prometheus
	prometheus_ok "$S/out"
	out_has 'br_health_score{notebook="default"} 97'
	out_has 'br_health_findings{notebook="default",rule="orphan",severity="warning"} 1'
	out_has 'br_health_points{notebook="default",rule="orphan",severity="warning"} 3'
	out_has 'br_documents{notebook="default"} 10'
	br notebook create 'odd "name" \ here'
	mkdir metrics
	echo old >metrics/br.prom
	want 0 health --all --format prometheus --output metrics/br.prom
	out_empty
	prometheus_ok metrics/br.prom
	grep -qF 'br_health_score{notebook="odd \"name\" \\ here"} 100' metrics/br.prom
	[ "$(ls -A metrics)" = br.prom ]
	[ "$(stat -c %a metrics/br.prom)" = 644 ]
	want 0 health --fix --format prometheus -o metrics/br.prom
	out_is "removed: docs/n1.txt (its file is gone)"
	grep -qF 'br_health_score{notebook="default"} 100' metrics/br.prom
	want 128 health --format prometheus --output none/br.prom
}

@test "a monitoring plugin: four statuses, one line, performance data" {
	ten
	want 0 health --nagios
	[ "$(wc -l <"$S/out")" -eq 1 ]
	grep -qE "^BR OK - default 100 of 100 \| 'score'=100;90:;70:;0;100 'documents'=10;;;0 .*'embedding-cache'=0;;;0$" "$S/out"
	rm docs/n1.txt docs/n2.txt docs/n3.txt docs/n4.txt
	want 1 health --nagios
	grep -qE "^BR WARNING - default 88 of 100: orphan 4 \| .*'orphan'=4;;;0" "$S/out"
	want 0 health --nagios --warning 88
	want 2 health --nagios -c 89
	grep -q "^BR CRITICAL" "$S/out"
	br config set health.critical 100
	want 2 health --nagios
	br notebook create "it's"
	want 2 health --nagios --all
	grep -qF "'it''s score'=100;90:;100:;0;100" "$S/out"
	want 3 health --nagios -n nonesuch
	grep -q "^BR UNKNOWN - " "$S/out"
	err_empty
	cd "$S"
	want 3 health --nagios
	grep -q "^BR UNKNOWN - no workspace" "$S/out"
	want 129 health --nagios --no-such-option
}

@test "a damaged workspace is not taken for a healthy one" {
	ten
	head -c 100 .br/data.mdb >t && cp t .br/data.mdb
	want 15 health
	want 3 health --nagios
}

@test "the manual lists every rule with its weight and setting" {
	local page=$BATS_TEST_DIRNAME/../../man/br-health.1
	[ -e "$page" ] || skip "no manual here"
	ten
	want 0 health --rules --json
	jq -r '"\(.name) Pq \(.severity), weight \(.weight)"' "$S/out" | while IFS= read -r row; do
		grep -qF ".It Cm $row" "$page" || fails_with "the manual lacks: $row"
	done
	for key in $(jq -r .setting "$S/out"); do grep -qF "$key" "$page"; want 0 config get "$key"; done
}

# ---- the README's examples, as they stand ----

# The fenced block behind the marker of this name.
block() {
	awk -v mark="<!-- run by tests/cli/health.bats as it stands: $1 -->" \
		'$0 == mark { on = 1; next } on == 1 && /^```/ { on = 2; next } on == 2 && /^```/ { exit } on == 2' \
		"$BATS_TEST_DIRNAME/../../README.md" >"$S/block"
	[ -s "$S/block" ] || fails_with "README.md has no block '$1'"
}

# as_cron LINE: its command in the environment of cron, where only PATH is as in the crontab.
as_cron() {
	local command=$1 status=0
	for _ in 1 2 3 4 5; do command=${command#* }; while [ "${command# }" != "$command" ]; do command=${command# }; done; done
	env -i HOME="$S/home" PATH="${BR%/*}:/usr/bin:/bin" SHELL=/bin/sh BR_EXTRACT="${BR%/*}/br-extract" $CHECKS \
		sh -c "$command" >"$S/out" 2>"$S/err" </dev/null || status=$?
	echo "$status" >"$S/status"
}

@test "README: the crontab runs as it stands" {
	block crontab
	mkdir "$S/home/notes" "$S/home/metrics"
	cd "$S/home/notes"
	ten
	rm docs/n1.txt
	echo "A new file." >docs/new.txt
	cp docs/n2.txt lone.txt
	br ingest -q lone.txt
	[ "$(grep -vc '^#' "$S/block")" -eq 2 ]
	while IFS= read -r line; do
		set -f
		set -- $line
		set +f
		[ $# -gt 5 ] || fails_with "no line of a crontab: $line"
		printf '%s\n' "$1" "$2" "$3" "$4" "$5" | grep -qvE '^(\*|[0-9]+)(/[0-9]+)?$' && fails_with "no time of a crontab: $line"
		case $line in *%*) fails_with "an unquoted % ends a command of a crontab" ;; esac
		as_cron "$line"
		[ "$(cat "$S/status")" -eq 0 ] || fails_with "status $(cat "$S/status") of: $line"
		err_empty
	done <"$S/block"
	command -v python3 >/dev/null && prometheus_ok "$S/home/metrics/br.prom"
	grep -qF 'br_health_score{notebook="default"} 100' "$S/home/metrics/br.prom"
	br docs list | grep -q docs/new.txt
	! br docs list | grep -qE "n1.txt|lone.txt"
	as_cron "$(head -1 "$S/block")"
	out_empty
	err_empty
}

@test "README: the CI job runs as it stands, and fails for a broken link" {
	block ci
	mkdir docs
	printf '# A\n\nSee [b](b.md).\n' >docs/a.md
	printf '# B\n\nBack to [a](a.md#a).\n' >docs/b.md
	ci() { env -i HOME="$S/home" PATH="${BR%/*}:/usr/bin:/bin" $CHECKS sh "$S/block" >"$S/out" 2>"$S/err" </dev/null; }
	ci || fails_with "the job fails"
	ci || fails_with "the job fails when it is run again"
	printf '# B\n\nBack to [c](c.md).\n' >docs/b.md
	run ci
	[ "$status" -eq 3 ] || fails_with "status $status, wanted 3"
	out_has "broken-reference  docs/b.md:3: no file 'docs/c.md'"
	rm docs/b.md
	cp docs/a.md docs/c.md
	run ci
	[ "$status" -eq 3 ]
	out_has "duplicate  docs/c.md"
}
