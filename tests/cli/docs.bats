#!/usr/bin/env bats
load lib
prepare() { small_workspace; }

@test "list: people's form, globs, paths" {
	want 0 docs list
	out_has "docs/locks.md  (Locks)"
	out_has "just now"
	want 0 docs list --paths 'docs/*'
	[ "$(tr '\n' ' ' <"$S/out")" = "docs/locks.md docs/rain.txt " ]
	want 0 docs list --paths '*.md'
	out_is soup.md
	want 0 docs list --paths '**/*.md'
	[ "$(wc -l <"$S/out")" -eq 2 ]
	want 1 docs list 'x*'
	out_empty
}

@test "list --json: one object a line with the documented fields" {
	want 0 docs list --json
	[ "$(wc -l <"$S/out")" -eq 3 ]
	json_all 'all(has("id") and has("path") and has("title") and has("state") and has("error") and has("origin")
	          and has("format") and has("language") and has("size") and has("chunks") and has("indexed_at") and has("sha256"))'
	json_all 'map(select(.path == "soup.md"))[0] | .title == "Soup" and .format == "markdown" and .state == "indexed"'
}

@test "--failed and --skipped" {
	head -c 300 /dev/zero >zero.bin
	want 0 sync
	want 0 docs list --skipped
	out_has zero.bin
	want 0 docs list --failed
	out_empty
	want 0 docs list --paths
	out_lacks zero.bin
}

@test "show by path, by path from below, by id, by the beginning of the id" {
	want 0 docs show --json soup.md
	local id sum
	id=$(jq -r .id "$S/out")
	sum=$(sha256sum <soup.md | cut -d' ' -f1)
	json ".sha256 == \"$sum\" and .size == $(stat -c %s soup.md)"
	want 0 docs show "$id"
	out_has soup.md
	cd docs
	want 0 docs show locks.md
	out_has "docs/locks.md"
	want 0 docs show ../soup.md
	want 1 docs show nope.md
	err_has "nope.md"
	want 1 docs show --json nope.md
	err_json '(.error.code | ascii_downcase) == "notfound" and .error.exit == 1'
}

@test "cat prints what was indexed, whole or by lines" {
	want 0 docs cat docs/locks.md
	cmp docs/locks.md "$S/out"
	want 0 docs cat docs/locks.md --lines 3
	out_is "The writer takes one lock. Others wait."
	want 0 docs cat docs/locks.md --lines 3-5
	[ "$(wc -l <"$S/out")" -eq 3 ]
	want 0 docs cat docs/locks.md -l 7-
	out_is "Readers never block writers."
	want 0 docs cat docs/locks.md -l -1
	out_is "# Locks"
	want 0 docs cat docs/locks.md -l 100
	out_empty
	want 0 docs cat --json soup.md
	json ".text == \"# Soup\\n\\nBoil carrots with onions and salt.\\n\""
	for bad in 0 5-3 x 1-x - ''; do
		want 129 docs cat soup.md --lines "$bad"
		err_has "--lines"
	done
}

@test "rm by path, id and glob; the files stay" {
	want 0 docs rm soup.md
	out_is "removed 1 document"
	[ -f soup.md ]
	want 1 docs show soup.md
	want 1 query --json carrots
	want 0 docs rm 'docs/*'
	out_is "removed 2 documents"
	want 0 docs list --paths
	out_empty
	want 0 verify
	want 0 sync
	out_has "3 added"
}

@test "rm of what is not there: status 1 alone, 2 among others" {
	want 1 docs rm nope
	err_has "nope"
	want 1 docs rm 'nope*'
	err_has "no document matches 'nope*'"
	want 2 docs rm nope soup.md soup.md
	err_has "nope"
	out_is "removed 1 document"
	want 1 docs rm nope nada
	want 0 docs rm --json 'docs/*'
	json '.removed == 2'
}

@test "duplicates: the same bytes, nearly the same text" {
	want 0 docs duplicates
	out_empty
	err_has "0 of 3 documents"
	cp soup.md again.md
	seq -f 'line %g of a long text that is the same in both.' 60 >long.txt
	sed '30s/.*/Here it is not./' long.txt >longer.txt
	want 0 sync
	want 0 docs duplicates
	out_has "2 with the same bytes"
	out_has "   same  soup.md"
	out_has "2 alike"
	out_has "%  longer.txt"
	want 0 docs duplicates --json
	json_all 'length == 2 and .[0].kind == "exact" and .[1].kind == "near" and .[1].documents[1].similarity > 0.8'
	want 0 docs duplicates --exact --json
	json_all 'length == 1 and .[0].documents[0].path == "again.md"'
	want 129 docs duplicates --threshold 0.1
}
