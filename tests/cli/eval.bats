#!/usr/bin/env bats
load lib

prepare() {
	mkdir beir
	cat >beir/corpus.jsonl <<'X'
{"_id":"d1","title":"Locks","text":"The writer takes one lock, and others wait for it."}
{"_id":"d2","title":"Soup","text":"Boil carrots with onions and salt."}
{"_id":"d3","title":"Weather","text":"Rain and wind all day long."}
X
	cat >beir/queries.jsonl <<'X'
{"_id":"q1","text":"who takes the lock"}
{"_id":"q2","text":"carrots and onions"}
{"_id":"q3","text":"this one is not judged"}
X
	printf 'query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\n' >beir/qrels.tsv
}

@test "a BEIR folder: every measure, and nothing left behind" {
	want 0 eval beir
	out_has "beir: 3 documents, 2 questions"
	out_has "ndcg@10"
	grep -Eq '^hybrid +1\.0000 +1\.0000 +1\.0000 +1\.0000 +1\.0000' "$S/out"
	[ ! -e .br ]
	! ls "$S"/br-eval-* 2>/dev/null
}

@test "--json" {
	want 0 eval --json beir
	json '.v == 1 and .documents == 3 and .queries == 2 and (.results | length == 1)'
	json '.results[0] | .strategy == "hybrid" and ."ndcg@10" == 1 and ."recall@10" == 1 and ."recall@100" == 1 and ."mrr@10" == 1 and .map == 1'
	json '.results[0].latency_ms | .p50 > 0 and .p50 <= .p95 and .p95 <= .p99'
	want 0 eval --json --per-query beir
	json '.results[0].per_query | length == 2 and all(.id and ."ndcg@10" == 1)'
}

@test "qrels/test.tsv is found, several strategies make a table" {
	mkdir beir/qrels
	mv beir/qrels.tsv beir/qrels/test.tsv
	want 0 eval -s hybrid,full_text,semantic beir
	[ "$(grep -Ec '^(hybrid|full_text|semantic) ' "$S/out")" -eq 3 ]
	want 129 eval -s hybrid,best beir
	err_has "'best' is not one of"
}

@test "a run is written, and read again as a baseline" {
	want 0 eval --run "$S/run.trec" beir
	grep -Eq '^q1 Q0 d1 1 ' "$S/run.trec"
	! grep -q '^q3 ' "$S/run.trec"
	want 0 eval --baseline "$S/run.trec" beir
	out_has "0 better, 0 worse, 2 equal"
	printf 'q1 Q0 d1 1 2.0 x\nq1 Q0 d2 2 1.0 x\nq2 Q0 d1 1 2.0 x\nq2 Q0 d2 2 1.0 x\n' >"$S/worse.trec"
	want 0 eval --baseline "$S/worse.trec" beir
	out_has "1 better, 0 worse, 1 equal"
	want 0 eval --json --baseline "$S/worse.trec" beir
	# q1: 1; q2: 1/log2(3) = 0.63093; mean 0.815465
	json '.results[0].baseline | ."ndcg@10" == 0.815465 and .better == 1 and .worse == []'
	printf 'q1\td2\t1\nq2\td2\t1\n' >beir/qrels.tsv
	printf 'q1 Q0 d2 1 2.0 x\nq2 Q0 d2 1 2.0 x\n' >"$S/better.trec"
	want 0 eval --baseline "$S/better.trec" beir
	out_has "worse: q1"
}

@test "--min-ndcg makes a test of it" {
	want 0 eval --min-ndcg 0.9 beir
	printf 'q1\td2\t1\nq2\td2\t1\n' >beir/qrels.tsv
	want 3 eval --min-ndcg 0.99 beir
	err_has "ndcg@10"
	err_has "is below 0.99"
	want 129 eval --min-ndcg 2 beir
}

@test "own judgements on the notebook at hand" {
	echo beir/ >.brignore
	small_workspace
	printf 'q1\tdocs/locks.md\t1\nq2\tsoup.md\t1\n' >judged.tsv
	want 0 eval --json --qrels judged.tsv --queries beir/queries.jsonl
	json '.queries == 2 and .results[0]."ndcg@10" == 1'
}

@test "usage and inputs" {
	want 129 eval
	err_has "name a BEIR folder, or --qrels and --queries"
	want 129 eval --qrels x
	err_has "go together"
	want 129 eval --qrels x --queries y beir
	want 129 eval -s hybrid,semantic --run r beir
	want 128 eval nowhere
	err_has "'nowhere' is not a folder"
	want 128 eval "$S/home"
	err_has "no corpus.jsonl"
	printf 'nonsense\n' >beir/queries.jsonl
	want 128 eval beir
	err_has "queries.jsonl:1"
	rm beir/queries.jsonl
	local status=0
	br eval beir >"$S/out" 2>"$S/err" || status=$?
	[ "$status" -eq 1 ] || [ "$status" -eq 128 ]
	err_has "queries.jsonl"
	! ls "$S"/br-eval-* 2>/dev/null
}

@test "Ctrl-C: status 130 and nothing left behind" {
	local i pid status=0
	for ((i = 0; i < 20000; i++)); do printf '{"_id":"x%d","text":"words number %d about things"}\n' $i $i; done >>beir/corpus.jsonl
	env --default-signal=INT -i "${ENV[@]}" "$BR" eval beir >"$S/out" 2>"$S/err" &
	pid=$!
	until compgen -G "$S/br-eval-*/.br/data.mdb" >/dev/null; do
		kill -0 $pid
		read -rt 0.01 <> <(:) || true
	done
	kill -INT $pid
	wait $pid || status=$?
	check_status 130 $status "eval, interrupted"
	! ls "$S"/br-eval-* 2>/dev/null
}
