#!/usr/bin/env bats
# What holds for every verb: help, usage errors, no workspace, a full disk, a reader that went away, documents.
load lib

VERBS=(init status sync watch ingest upload query chat log eval serve verify health gc backup export import doctor models help version completion
       'notebook create' 'notebook list' 'notebook show' 'notebook rename' 'notebook use' 'notebook set' 'notebook reembed' 'notebook unset' 'notebook delete'
       'config get' 'config set' 'config unset' 'config list' 'config path' 'config trust' 'config untrust'
       'docs list' 'docs show' 'docs cat' 'docs rm' 'docs duplicates' 'index build' 'index status' 'index drop'
       'keys create' 'keys list' 'keys show' 'keys set' 'keys enable' 'keys disable' 'keys rotate' 'keys revoke' 'keys delete'
       'keys usage' 'keys check'
       'tenant create' 'tenant list' 'tenant show' 'tenant set' 'tenant enable' 'tenant disable' 'tenant secret' 'tenant delete'
       'chat list' 'chat show' 'chat rename' 'chat pin' 'chat archive' 'chat delete' 'chat export' 'chat feedback'
       'enhance run' 'enhance status' 'enhance show' 'enhance publish' 'enhance reset'
       'webhook create' 'webhook list' 'webhook show' 'webhook test' 'webhook deliveries' 'webhook enable' 'webhook disable' 'webhook delete'
       'wiki plan' 'wiki compile' 'wiki lint' 'wiki list' 'wiki show' 'wiki patch' 'wiki history' 'wiki export')

@test "the list here is the list of the program" {
	[ -n "$BR_GEN" ] || skip "BR_GEN not set"
	"$BR_GEN" verbs | sort >"$S/have"
	printf '%s\n' "${VERBS[@]}" | sort >"$S/here"
	diff "$S/here" "$S/have"
}

@test "every verb has help: -h, help VERB, anywhere on the line, without a workspace" {
	for verb in "${VERBS[@]}"; do
		want 0 $verb -h
		err_empty
		out_has "usage: br $verb"
		out_has "Common options"
		cp "$S/out" "$S/first"
		want 0 help $verb
		cmp "$S/first" "$S/out"
		want 0 $verb --help
		cmp "$S/first" "$S/out"
	done
}

@test "every verb refuses unknown options with status 129 and says how it is used" {
	for verb in "${VERBS[@]}"; do
		usage_errors $verb
	done
}

@test "operands: too few and too many" {
	for verb in upload 'docs show' 'docs cat' 'docs rm' 'notebook create' 'notebook rename' 'notebook use' \
	            'notebook delete' 'config get' 'config set' 'config unset' completion query backup export import \
	            'chat show' 'chat rename' 'chat feedback'; do
		want 129 $verb
		err_has "missing operand"
		err_has "usage: br $verb"
	done
	for verb in status verify health gc doctor models version serve 'notebook list' 'config list' 'config path' 'config trust'; do
		want 129 $verb extra
		err_has "'extra' is one operand too many"
	done
	want 129 notebook use a extra
	err_has "'extra' is one operand too many"
	want 129 completion ksh
	err_has "'ksh' is not one of"
}

@test "every verb that needs a workspace says so with status 10" {
	no_workspace status
	no_workspace sync .
	no_workspace watch .
	no_workspace ingest f
	no_workspace ingest
	no_workspace upload f
	no_workspace query q
	no_workspace chat q
	no_workspace chat list
	no_workspace log
	no_workspace serve
	no_workspace verify
	no_workspace health
	no_workspace gc
	no_workspace backup f
	no_workspace export default f
	no_workspace import f
	no_workspace docs duplicates
	no_workspace docs list
	no_workspace docs show f
	no_workspace docs cat f
	no_workspace docs rm f
	no_workspace notebook create n
	no_workspace notebook list
	no_workspace notebook show
	no_workspace notebook rename a b
	no_workspace notebook use n
	no_workspace notebook set language de
	no_workspace notebook delete n
	no_workspace notebook reembed n
	no_workspace keys create k
	no_workspace enhance run
	no_workspace enhance show f
	no_workspace wiki compile
	no_workspace wiki plan
	no_workspace wiki show s
	no_workspace wiki patch s --section a --claim b c
	no_workspace keys list
	no_workspace keys check
	no_workspace webhook list
	want 10 config trust
	want 10 config path
	want 10 config set search.top 3
	want 10 eval --qrels q --queries q
}

@test "every verb that prints reports a full disk" {
	small_workspace
	for args in status 'status --json' 'query lock' 'query --json lock' 'chat who takes the lock' 'chat --json who takes the lock' 'docs list' 'docs list --json' 'docs show soup.md' \
	            'docs cat soup.md' 'notebook list' 'notebook show' 'config list' 'config path' verify health 'health --json' 'health --format prometheus' 'health --rules' gc doctor models version help \
	            'completion zsh' 'sync --json' 'sync'; do
		full_disk $args
	done
}

@test "every verb that prints ends silently when nobody reads" {
	small_workspace
	for args in status 'query lock' 'chat who takes the lock' 'docs list' 'docs cat soup.md' 'notebook list' 'config list' verify health gc doctor models \
	            'completion fish' 'sync --json'; do
		rm -f "$S/closed"
		broken_pipe $args
	done
	want 0 verify
}

@test "every verb has a manual page that mandoc accepts" {
	[ -n "$BR_GEN" ] || skip "BR_GEN not set"
	command -v mandoc >/dev/null || skip "mandoc is not installed"
	local root
	root=$(realpath "$BATS_TEST_DIRNAME/../..")
	for verb in "${VERBS[@]}"; do
		[ -f "$root/man/br-${verb%% *}.1" ]
	done
	for page in "$root"/man/*.[157]; do
		mandoc -T lint -W warning "$page" >"$S/out" || true
		: >"$S/err"
		out_empty
	done
}

@test "generated files are fresh" {
	[ -n "$BR_GEN" ] || skip "BR_GEN not set"
	local root
	root=$(realpath "$BATS_TEST_DIRNAME/../..")
	(cd "$root" && "$BR_GEN" all "$S/gen")
	for file in "$S"/gen/man/* "$S"/gen/completions/*; do
		cmp "$file" "$root/${file#"$S/gen/"}"
	done
}

@test "the examples of the manual run" {
	[ -n "$BR_GEN" ] || skip "BR_GEN not set"
	small_workspace
	cp docs/locks.md docs/guide.md
	cp soup.md notes.md
	mkdir -p old "$S/bin" "$S/home/.zfunc" "$S/home/.local/share/bash-completion/completions" "$S/home/.config/fish/completions"
	echo old >old/a.txt
	echo todo >todo.txt
	echo sk-example >key.txt
	printf '{"id":"r1","text":"a record"}\n' >records.jsonl
	printf '<p>a report about locks</p>\n' >report.html
	mkdir -p beir/scifact
	printf '{"_id":"d1","title":"t","text":"about locks"}\n' >beir/scifact/corpus.jsonl
	printf '{"_id":"q1","text":"locks"}\n' >beir/scifact/queries.jsonl
	printf 'query-id\tcorpus-id\tscore\nq1\td1\t1\n' >beir/scifact/qrels.tsv
	cp beir/scifact/queries.jsonl asked.jsonl
	printf 'q1\tdocs/locks.md\t1\n' >judged.tsv
	ln -s "$BR" "$S/bin/br"
	br sync -q . || true
	"$BR_GEN" examples >"$S/lines"
	[ "$(wc -l <"$S/lines")" -gt 20 ]
	while IFS= read -r line <&9; do
		case $line in
		'br init') continue ;; # there is one already
		'br watch'* | *https://* | *--since-commit*) continue ;; # for ever; a network; a repository
		esac
		local status=0
		env -i "${ENV[@]}" PATH="$S/bin:$PATH" HOME="$S/home" bash -c "$line" >"$S/out" 2>"$S/err" </dev/null || status=$?
		[ "$status" -le 4 ] || fails_with "$line: status $status"
		env -i "${ENV[@]}" "$BR" notebook use default
	done 9<"$S/lines"
}
