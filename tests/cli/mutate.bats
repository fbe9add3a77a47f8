#!/usr/bin/env bats
# A short run of tests/fuzz/mutate.py over documents of every format, made here. `make mutate N=1000` is the long one.
load lib

@test "forty mutated documents: no crash, nothing touched, verify clean" {
	command -v python3 >/dev/null || skip "python3 is not installed"
	local root=$BATS_TEST_DIRNAME/..
	python3 "$root/data/formats/make.py" seeds
	python3 "$root/data/formats/make_more.py" seeds
	env -i "${ENV[@]}" python3 "$root/fuzz/mutate.py" --br "$BR" -n 40 --batch 20 seeds >"$S/out" 2>&1 || fails_with "trouble"
	out_has "no crash, no hang, nothing touched, verify clean"
}

@test "each of them as it should be" {
	command -v python3 >/dev/null || skip "python3 is not installed"
	br init -q
	python3 "$BATS_TEST_DIRNAME/../data/formats/make_more.py" docs
	want 0 sync docs
	found() { # PATH QUESTION: is the best answer
		want 0 query --json -s full_text $2
		json ".hits[0].path | startswith(\"$1\")"
	}
	found docs/ "Boskoop trees forty crates"
	found docs/knots. "bowline slips jams"
	want 0 docs show --json docs/orchard.eml
	json '.title == "The orchard in Oktober" and .format == "mail" and .chunks > 0'
	want 0 docs cat docs/orchard.eml
	out_has "the café wants forty crates"
	out_has "Two of the ladders are broken."
	want 0 docs cat 'docs/orchard.eml!/crates 1.csv'
	out_has "Boskoop,40"
	want 0 docs cat 'docs/post.mbox!/3@example.org.eml!/crates 3.csv'
	want 0 docs cat docs/ferries.rtf
	out_has "Halfway over the estuary the tide turned… and the oar broke."
	out_has "High | 6"
	out_has "Прилив"
	want 0 docs show --json docs/ferries.rtf
	json '.title == "Ferries"'
	want 0 docs cat 'docs/all.zip!/inner.zip!/sub/tides.ipynb'
	out_has "4.2 metres"
	want 0 docs cat 'docs/all.tar.gz!/guide.xml'
	out_has "Oil the pallet stones sparingly."
	out_has "Too much & the anchor drags"
	want 0 verify
}
