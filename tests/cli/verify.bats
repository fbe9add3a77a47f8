#!/usr/bin/env bats
load lib
prepare() { small_workspace; }

@test "an intact workspace" {
	want 0 verify
	out_has "intact: 1 notebook, 3 documents, 4 passages"
	err_empty
	want 0 verify --quick
	want 0 verify -q
	out_empty
	want 0 verify --json
	json '.v == 1 and .ok and .problems == [] and .docs == 3 and .chunks == 4 and .vectors == 4'
}

@test "damage is found and named, status 3" {
	command -v python3 >/dev/null || skip "python3 is not installed"
	# the stored text of a document, found by its zstd frame, one byte changed in each
	python3 - .br/data.mdb <<'PY'
import sys
path = sys.argv[1]
data = bytearray(open(path, "rb").read())
at, n = data.find(b"\x28\xb5\x2f\xfd"), 0
while at >= 0:
    data[at + 9] ^= 0x5a
    n += 1
    at = data.find(b"\x28\xb5\x2f\xfd", at + 4)
assert n, "no compressed text found"
open(path, "wb").write(data)
PY
	want 3 verify
	out_has "damaged: "
	want 3 verify --json
	json '(.ok | not) and (.problems | length > 0)'
}

@test "a data file that is none" {
	head -c 100000 /dev/urandom >.br/data.mdb
	local status=0
	br verify >"$S/out" 2>"$S/err" || status=$?
	check_status 15 $status verify
	err_has "hint: 'br verify --repair'"
	want 15 query lock
	want 15 status --json
	err_json '.error.exit == 15'
}

# Changes the stored texts (zstd frames) on the disk.
damage_texts() {
	command -v python3 >/dev/null || skip "python3 is not installed"
	python3 - .br/data.mdb <<'PY'
import sys
path = sys.argv[1]
data = bytearray(open(path, "rb").read())
at = data.find(b"\x28\xb5\x2f\xfd")
while at >= 0:
    data[at + 9] ^= 0x5a
    at = data.find(b"\x28\xb5\x2f\xfd", at + 4)
open(path, "wb").write(data)
PY
}

@test "--repair: nothing to do" {
	want 0 verify --repair
	out_has "intact: "
	want 0 verify --repair --json
	json '.ok and .problems == [] and .repairs == [] and .lost == 0 and (.salvaged | not)'
	want 129 verify --repair --quick
}

@test "--repair takes damaged documents out, sync reads them again" {
	damage_texts
	want 3 verify --repair
	out_has "taken out: 'soup.md'"
	out_has "repaired: notebook 'default'"
	out_has "3 documents are to be read again"
	out_has "intact: "
	want 0 verify
	want 1 query --strategy full_text carrots
	want 0 docs list --failed
	out_has "stored text was damaged"
	want 0 sync
	out_has "3 changed"
	want 0 query carrots
	out_has soup.md
	want 0 verify
}

@test "--repair --json" {
	damage_texts
	want 3 verify --repair --json
	json '(.ok | not) and (.problems | length) == 3 and (.repairs | length) == 4 and .read_again == 3 and .lost == 0 and .repaired == 1'
	want 0 verify --json
	json .ok
}

@test "--repair of what can be derived gives status 0" {
	command -v python3 >/dev/null || skip "python3 is not installed"
	# the vectors are the only large record; their block begins with its magic
	python3 - .br/data.mdb <<'PY'
import sys
path = sys.argv[1]
data = bytearray(open(path, "rb").read())
at = data.find(b"\x42\x56\x01\x00\x00\x01\x00\x00")
assert at >= 0
while at >= 0:
    data[at + 40] ^= 0x5a
    at = data.find(b"\x42\x56\x01\x00\x00\x01\x00\x00", at + 4)
open(path, "wb").write(data)
PY
	want 3 verify
	want 0 verify --repair
	out_has "repaired: notebook 'default'"
	out_has "intact: "
	want 0 verify
	want 0 query carrots
}

@test "--repair of damaged pages keeps the old file and what can be read" {
	command -v python3 >/dev/null || skip "python3 is not installed"
	# a leaf page that holds a document's path in its text: the page of table 'doc'
	python3 - .br/data.mdb <<'PY'
import sys
path = sys.argv[1]
data = bytearray(open(path, "rb").read())
for at in range(8192, len(data), 4096):
    page = data[at:at + 4096]
    if b"docs/locks.md" in page and b"docs/rain.txt" in page:
        data[at + 12:at + 16] = b"\xff\xff\xff\xff"
open(path, "wb").write(data)
PY
	want 15 verify
	err_has "page "
	err_has "of table doc"
	err_has "hint: 'br verify --repair'"
	want 3 verify --repair
	out_has "damaged: "
	out_has "intact: "
	[ -f .br/data.mdb.damaged ]
	want 0 verify
	want 0 sync
	want 0 query carrots
	out_has soup.md
	want 0 verify
}
