#!/usr/bin/env bats
load lib
prepare() { small_workspace; }

@test "a backup, its check, and what is made of it" {
	want 0 backup ../b.tar
	out_has "backed up: "
	[ "$(stat -c %a ../b.tar)" = 600 ]
	want 0 backup --json ../b.tar
	json '.v == 1 and .action == "backup" and .bytes > .data_bytes and .originals == 0 and .generation > 0'
	want 0 backup --verify ../b.tar
	out_has "intact: "
	want 0 backup --restore ../b.tar ../new
	cd ../new
	want 0 verify
	out_has "3 documents, 4 passages"
	want 0 query --json -k 1 carrots
	json '.hits[0].path == "soup.md"'
	want 128 backup --restore ../b.tar .
	err_has "is there already"
}

@test "tar and sha256sum do as well" {
	want 0 upload soup.md
	want 0 backup -q ../b.tar
	out_empty
	mkdir ../new
	tar -C ../new -xf ../b.tar
	cd ../new
	sha256sum --quiet -c .br/backup.sha256
	want 0 verify
	want 0 ingest
	want 0 verify
}

@test "standard output and standard input" {
	br backup - >"$S/b.tar" 2>"$S/err" </dev/null
	tar -tf "$S/b.tar" >"$S/out"
	out_has ".br/data.mdb"
	br backup --verify - <"$S/b.tar" >"$S/out" 2>"$S/err"
	out_has "intact"
	[ -z "$(ls .br/tmp)" ]
	want 129 backup --json -
	full_disk backup -
}

@test "damage is found, status 3, and is not restored" {
	want 0 backup ../b.tar
	printf x | dd of=../b.tar bs=1 seek=9000 conv=notrunc status=none
	want 3 backup --verify ../b.tar
	err_has "checksums in its list"
	want 128 backup --restore ../b.tar ../new
	[ ! -e ../new/.br ]
	head -c 4000 ../b.tar >../c.tar
	want 3 backup --verify ../c.tar
	err_has "ends too early"
	want 3 backup --verify docs/locks.md
	want 1 backup --verify nothing
}

@test "a target that cannot be" {
	want 128 backup docs
	err_has "it is a folder"
	want 128 backup /dev/null
	err_has "not a regular file"
	want 128 backup no/such/folder
	want 129 backup a b
	want 129 backup --restore a
	want 129 backup --verify --restore a b
}
