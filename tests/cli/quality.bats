#!/usr/bin/env bats
# Retrieval quality on judged sets and on the documentation corpus, which are not part of the project: BR_SHARED names
# the folder that has them. The bars are the BM25 figures of that folder, not maxima of ours.
load lib

need_shared() {
	[ -n "${BR_SHARED:-}" ] && [ -d "$BR_SHARED/eval" ] || skip "BR_SHARED not set"
	[ "${BR_MODE:-release}" = release ] || skip "measured in the release build"
}

measure() { # set strategy measure
	jq -r --arg s "$2" --arg m "$3" '.results[] | select(.strategy == $s) | .[$m]' "$S/$1.json"
}

at_least() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a >= b) }' || { echo "$3: $1 is below $2"; return 1; }; }

@test "full_text is not below BM25, hybrid is above it" {
	need_shared
	# the better of two settings of BM25 for each set; nDCG@10
	local gain=0 set bar full hybrid
	while read -r set bar; do
		"$BR" eval --json -s full_text,hybrid "$BR_SHARED/eval/$set" >"$S/$set.json"
		full=$(measure "$set" full_text ndcg@10) hybrid=$(measure "$set" hybrid ndcg@10)
		at_least "$full" "$(awk "BEGIN { print $bar - 0.005 }")" "$set, full_text"
		at_least "$hybrid" "$(awk "BEGIN { print $full - 0.01 }")" "$set, hybrid"
		case $set in cranfield | cisi | squad2-dev) gain=$(awk "BEGIN { print $gain + $hybrid - $bar }") ;; esac
	done <<-SETS
		cranfield .374
		cisi .381
		squad2-dev .888
		xquad-de .916
		xquad-es .949
		xquad-ru .871
		xquad-zh .967
	SETS
	at_least "$(awk "BEGIN { print $gain / 3 }")" 0.022 "mean gain of hybrid"
}

@test "the measures equal those of an independent program over the run file" {
	need_shared
	"$BR" eval --json -s hybrid --run "$S/run" "$BR_SHARED/eval/cranfield" >"$S/cranfield.json"
	python3 "$BR_SHARED/eval/ir_eval.py" --json "$S/run" "$BR_SHARED/eval/cranfield/qrels.tsv" >"$S/other.json"
	for m in ndcg@10 recall@10 recall@100 mrr@10 map; do
		awk -v a="$(measure cranfield hybrid "$m")" -v b="$(jq -r --arg m "$m" '.[$m]' "$S/other.json")" \
			'BEGIN { d = a - b; exit !(d < 0.00006 && d > -0.00006) }' || { echo "$m differs"; return 1; }
	done
}

@test "questions in plain words find the right page among the first three" {
	need_shared
	python3 "$BATS_TEST_DIRNAME/../bench/questions.py" --br "$BR"
}
