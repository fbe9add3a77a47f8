#!/usr/bin/env bats
# br export and br import
load lib
prepare() { small_workspace; }

# elsewhere: another workspace, into which we go
elsewhere() { mkdir -p ../other && cd ../other && br init -q; }

@test "a notebook goes to another workspace, with its answers" {
	want 0 query --json lock
	jq -c '[.hits[] | [.path, .score, .text]]' "$S/out" >"$S/first"
	want 0 export default ../a.brx
	out_has "exported 3 documents, 4 passages"
	elsewhere
	want 0 import ../a.brx
	out_has "imported 'default': 3 documents, 4 passages"
	want 0 query --json lock
	jq -c '[.hits[] | [.path, .score, .text]]' "$S/out" | cmp - "$S/first"
	json '.stale_sources == 0'
	want 0 verify
	want 0 export default ../b.brx
	cmp ../a.brx ../b.brx
}

@test "json, standard output and standard input" {
	want 0 export --json default ../a.brx
	json '.v == 1 and .notebook == "default" and .docs == 3 and .chunks == 4 and (.content | length == 64)'
	br export default - >../b.brx 2>"$S/err" </dev/null
	cmp ../a.brx ../b.brx
	elsewhere
	br import --json - <../a.brx >"$S/out" 2>"$S/err"
	json '.v == 1 and .notebook == "default" and .docs == 3 and .generation > 1'
	want 129 export --json default -
	full_disk export default -
}

@test "times of modification" {
	want 0 export --no-times default ../a.brx
	touch -d 2020-01-01 soup.md
	want 0 sync
	want 0 export --no-times default ../b.brx
	cmp ../a.brx ../b.brx
	want 0 export default ../b.brx
	! cmp -s ../a.brx ../b.brx
}

@test "names: taken, another, replaced" {
	want 0 export default ../a.brx
	want 128 import ../a.brx
	err_has "a notebook 'default' exists already"
	err_has "hint: --as"
	want 0 import --as copy ../a.brx
	want 0 notebook list
	out_has "copy"
	echo 'Zebras.' >docs/z.md
	want 0 sync
	want 0 export default ../b.brx
	want 0 import --as copy --replace ../b.brx
	want 0 query -n copy zebras
	want 0 verify
	want 129 import --as '' ../b.brx
}

@test "what is none, is damaged, or is newer" {
	want 0 export default ../a.brx
	elsewhere
	want 128 import ../w/soup.md
	err_has "is not an exported notebook"
	want 1 import ../nothing
	cp ../a.brx ../b.brx
	printf 'xxxx' | dd of=../b.brx bs=1 seek=300 conv=notrunc status=none
	want 128 import ../b.brx
	err_has "is damaged: section at byte"
	cp ../a.brx ../b.brx
	printf '\002' | dd of=../b.brx bs=1 seek=8 conv=notrunc status=none
	want 15 import ../b.brx
	err_has "version 2"
	want 1 query carrots
	want 1 export nothing ../c.brx
	[ ! -e ../c.brx ]
}
