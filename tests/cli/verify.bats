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
	err_has "hint: 'br verify'"
	want 15 query lock
	want 15 status --json
	err_json '.error.exit == 15'
}
