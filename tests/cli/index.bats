#!/usr/bin/env bats
# Vector indexes: by hand, after sync, in the background; a library that is not installed; damage.
load lib

prepare() {
	small_workspace
	[ -e "${BR%/*}/libbr-ann.so" ] || [[ $BATS_TEST_DESCRIPTION == *"not installed"* ]] || skip "built without FAISS"
}

# 1,200 passages of a few words each, synced as settings say.
many() {
	local i
	mkdir -p many
	for ((i = 0; i < 1200; i++)); do
		echo "passage $i about $((i % 7)) rivers, $((i % 11)) bridges and $((i % 13)) boats in harbour $i" >many/$i.txt
	done
	want 0 sync .
}

@test "without an index: status says why, nothing is built for few passages" {
	want 0 index status
	out_has "default: no index; 4 passages are compared one by one; an index is made from 65536 on (ann.min_rows)"
	want 0 index build
	out_has "nothing to build: 4 passages are compared one by one"
	want 0 index status --json
	json '.v == 1 and (.notebooks | length == 1) and (.notebooks[0] | .index == null and (.wanted or .due | not) and .notebook == "default")'
	want 0 index drop
	out_has "0 indexes removed"
	[ ! -e .br/index/*.faiss ]
}

@test "a kind by hand: built, shown, used, dropped" {
	want 0 index build --kind ivf --json
	json '.v == 1 and .built and .index.kind == "ivf" and .index.passages == 4 and .index.newer == 0 and .index.recall_10 == 1'
	want 0 index build
	out_has "nothing to build: the index is up to date"
	want 0 index build --force -q
	out_empty
	[ "$(ls .br/index/*.faiss | wc -l)" -eq 1 ]
	want 0 query --explain 'lock'
	out_has "exact scan: 100 hits of 4 rows are asked for"
	want 0 index drop --json
	json '.removed == 1'
	[ ! -e .br/index/*.json ]
	want 129 index build --kind tree
	err_has "flat"
}

@test "sync builds what is due before it ends, with ann.auto = wait" {
	want 0 config set ann.min_rows 1000
	want 0 config set ann.auto wait
	want 0 sync .
	[ ! -e .br/index/*.faiss ]
	many
	err_has "built a vector index (ivf)"
	want 0 index status --json
	json '.notebooks[0] | .due == false and .index.kind == "ivf" and .index.passages == 1204'
	want 0 query --explain --json 'bridges and boats'
	json '.way | startswith("ivf, nprobe ")'
	want 0 query --explain 'bridges and boats'
	out_has ", ivf, nprobe "
	want 0 verify
	echo "one more about rivers" >many/more.txt
	want 0 sync .
	err_empty
	want 0 query --explain --json 'bridges and boats'
	json '.way | endswith(", 1 newer rows scanned")'
}

@test "sync starts the build in the background and does not wait" {
	want 0 config set ann.min_rows 1000
	many
	err_empty
	for ((i = 0; i < 600; i++)); do
		ls .br/index/*.json >/dev/null 2>&1 && break
		sleep 0.1
	done
	want 0 index status --json
	json '.notebooks[0] | .due == false and .index.passages == 1204'
}

@test "ann.auto = false, and --plan, build nothing" {
	EXTRA=(BR_ANN_AUTO=false)
	want 0 config set ann.min_rows 1
	many
	EXTRA=(BR_ANN_AUTO=wait)
	want 0 sync --plan .
	[ ! -e .br/index/*.faiss ]
	want 0 index status
	out_has "one is due: there is none"
}

@test "the library is not installed: the scan answers, doctor tells" {
	EXTRA=(BR_ANN_LIB=/nonexistent/libbr-ann.so)
	want 0 config set ann.min_rows 1
	want 0 sync --force .
	err_empty
	want 0 query --explain 'lock'
	out_has "exact scan"
	want 128 index build
	err_has "vector indexes need libbr-ann.so: not installed"
	local status=0
	br doctor >"$S/out" 2>"$S/err" </dev/null || status=$?
	out_has "warn  vectors      vector indexes need libbr-ann.so"
}

@test "an index that cannot be used: a warning, the scan answers" {
	EXTRA=(BR_ANN_AUTO=false)
	want 0 index build --kind sq8
	printf x >>"$(ls .br/index/*.faiss)"
	want 0 query 'lock'
	err_has "searching without it"
	EXTRA=(BR_ANN_LIB=/nonexistent BR_ANN_AUTO=false)
	want 0 query --explain 'lock'
	out_has "exact scan"
	EXTRA=(BR_ANN_KIND=exact)
	want 0 query 'lock'
	err_empty
	EXTRA=()
	want 0 index build
	out_has "built sq8"
	want 0 query 'lock'
	err_empty
	printf x >>"$(ls .br/index/*.json)"
	want 0 query 'lock'
	err_has "is damaged"
	want 0 index build
	out_has "nothing to build"
	[ ! -e .br/index/*.faiss ]
	want 0 query 'lock'
	err_empty
}

@test "verify hashes index files, --repair removes damaged ones" {
	want 0 index build --kind hnsw
	want 0 verify
	printf X | dd of="$(ls .br/index/*.faiss)" bs=1 seek=1000 conv=notrunc status=none
	want 3 verify
	out_has "notebook 'default': vector index: "
	out_has "does not match its hash"
	want 0 verify --quick
	want 3 verify --json
	json '(.ok | not) and (.problems | length == 1)'
	want 0 verify --repair
	out_has "vector index removed"
	[ ! -e .br/index/*.faiss ]
	want 0 verify
}

@test "another build holds the lock" {
	command -v python3 >/dev/null || skip "python3 is not installed"
	touch .br/index/lock; python3 - .br/index/lock "$S/go" <<'PY' &
import fcntl, struct, sys, time, os
f = open(sys.argv[1], "r+")
fcntl.fcntl(f, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))  # F_OFD_SETLK
open(sys.argv[2], "w").close()
time.sleep(60)
PY
	local holder=$!
	eventually test -e "$S/go"
	local status=0
	br index build --kind flat --wait 0 >"$S/out" 2>"$S/err" </dev/null || status=$?
	kill $holder
	check_status 11 $status "index build"
	err_has "index/lock"
}
