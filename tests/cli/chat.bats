#!/usr/bin/env bats
load lib
prepare() { small_workspace; }

Q='who takes the lock'

@test "text: sentences with numbers, then where each stands" {
	want 0 chat $Q
	out_has "The writer takes one lock. [1]"
	grep -Eq '^\[1\] docs/locks\.md:3$' "$S/out" || fails_with "no citation"
	out_lacks $'\033'
	err_empty
}

@test "--json has the documented fields" {
	want 0 chat --json $Q
	json '.v == 1 and .question == "who takes the lock" and .found == true and (.answer | contains("The writer takes one lock. [1]"))'
	json '.citations[0] | .n == 1 and .path == "docs/locks.md" and .lines == {"from":3,"to":3} and .page == null and .score > 0'
	json '.citations[0] | .quote == "The writer takes one lock." and (.doc_id | length) == 36 and .chunk == 0 and .stale == false'
	json '.conversation_id == null and .message_id == null and .notebook == "default" and .strategy == "hybrid" and .degraded == null'
	json '.model == null and .cached == false and .repaired == 0 and .generation > 0 and .took_ms >= 0 and .suggested == []'
	json '.tokens == {"prompt":0,"completion":0} and .stale_sources == 0 and .indexed_at == "2023-11-14T22:13:20Z"'
}

@test "nothing found: status 1, a sentence that says so, no citation" {
	want 1 chat who won the world cup in football
	out_is "Nothing in this notebook answers that."
	want 1 chat --json who won the world cup in football
	json '.found == false and .citations == [] and (.answer | length) > 0'
	want 1 chat --language de who won the world cup in football
	out_is "In diesem Notizbuch steht darauf keine Antwort."
}

@test "words that stand in all of a few files still count" {
	cd "$S"
	mkdir few
	cd few
	local text="command reapplies commits on top of another base tip. Use --onto to choose."
	echo "The rebase $text" >rebase.txt
	echo "The pick $text" >pick.txt
	want 0 init
	want 0 sync .
	want 0 chat how do I reapply commits
	out_has "reapplies commits on top of another base tip. [1]"
	want 1 chat how do I bake a cake
	echo "Refunds are paid within 14 days." >refunds.txt
	want 0 sync .
	want 0 chat how long do refunds take
	out_has "Refunds are paid within 14 days. [1]"
	want 1 chat how long does the train take
}

@test "questions about everything are answered with how the documents begin" {
	for q in 'What are these documents about?' 'Summarize the documents' 'Give me an overview of the main topics.' 'Worum geht es hier?' \
	         '¿De qué tratan estos documentos?' 'De quoi parlent ces documents ?' 'О чём эти документы?' '这些文档讲的是什么？'; do
		want 0 chat --json "$q"
		json '.found and (.citations | length) > 1 and ([.citations[].path] | unique | length) == (.citations | length)'
	done
	want 0 chat --json -f 'path=docs/locks.md' 'What is this file about?'
	json '[.citations[].path] == ["docs/locks.md"]'
	for q in 'What is it?' 'Who wrote these documents?' 'What are the main exports of Bolivia?'; do
		want 1 chat "$q"
	done
}

@test "a question from standard input" {
	want_in 0 "$Q\n" chat -
	out_has "The writer takes one lock. [1]"
	want_in 0 "$Q" chat
	out_has "The writer takes one lock. [1]"
	want 129 chat
	err_has "the question is empty"
	head -c 9000 /dev/zero | tr '\0' a >"$S/long"
	br chat - <"$S/long" >"$S/out" 2>"$S/err" && false
	err_has "8192"
}

@test "filters, files, strategies and their mistakes" {
	want 0 chat --files 'docs/*' $Q
	want 1 chat --files '*.txt' $Q
	want 1 chat -f 'type=code' $Q
	for s in hybrid fusion full_text semantic; do
		want 0 chat -s $s $Q
		out_has "The writer takes one lock."
	done
	want 129 chat -s nonsense $Q
	want 129 chat --persona pirate $Q
	err_has "pirate"
	want 129 chat --language xx $Q
	want 129 chat --new -c last $Q
	err_has "exclude each other"
	want 129 chat --new --no-save $Q
	want 129 chat -k 0 $Q
	want 0 config set search.top 200
	want 0 chat $Q
}

@test "a single question writes nothing; --new and -c keep what is said" {
	cp .br/data.mdb "$S/before"
	want 0 chat $Q
	cmp "$S/before" .br/data.mdb
	want 1 chat -c last $Q
	err_has "there is no conversation yet"
	want 0 chat --new --json $Q
	json '(.conversation_id | length) == 36 and (.message_id | length) == 36'
	id=$(jq -r .conversation_id "$S/out")
	want 0 chat -c last --json 'and who waits for it?'
	json ".conversation_id == \"$id\""
	want 0 chat list --json
	json_all 'length == 1 and .[0].messages == 4 and .[0].title == "who takes the lock" and .[0].pinned == false'
	want 0 chat -c "$id" --no-save $Q
	want 0 chat show "$id" --json
	json '.v == 1 and ([.messages[].role] == ["user","assistant","user","assistant"]) and .messages[1].citations[0].path == "docs/locks.md"'
	json '.messages[1].run.found == true and .messages[1].took_ms >= 0 and .messages[0].content == "who takes the lock"'
	want 0 verify
}

@test "rename, pin, archive, feedback, export, delete" {
	want 0 chat --new $Q
	err_has "conversation "
	want 0 chat --new boil carrots with onions
	want 0 chat rename last 'Soup again'
	want 0 chat list
	out_has "Soup again"
	id=$(br chat list --json | jq -r 'select(.title == "who takes the lock").id')
	want 0 chat pin "$id"
	want 0 chat list --json
	json_all '.[0].pinned and .[0].title == "who takes the lock" and .[1].pinned == false'
	want 0 chat pin --off "$id" --json
	json '.pinned == false'
	want 0 chat archive "${id:0:20}"
	want 0 chat list --json
	json_all 'length == 1'
	want 0 chat list -a
	out_has "(archived)"
	message=$(br chat show "$id" --json | jq -r '.messages[1].id')
	want 129 chat feedback "$message"
	err_has "either --like or --dislike"
	want 0 chat feedback "$message" --dislike -m 'too short' --json
	json '.feedback == {"verdict":"dislike","comment":"too short"}'
	want 0 chat feedback "$message" --like
	want 0 chat export "$id"
	out_has "# who takes the lock"
	out_has '- [1] `docs/locks.md:3`: The writer takes one lock.'
	out_has "Feedback: like"
	want 0 chat export --format json "$id"
	json '.messages | length == 2'
	want 129 chat delete "$id"
	err_has "nobody said yes"
	want 0 chat delete -y "$id"
	want 1 chat show "$id"
	err_has "no conversation '$id'"
	want 1 chat feedback "$message" --like
}

@test "names of sub-verbs may begin a question" {
	want 0 chat list
	err_has "no conversations"
	want 1 chat list the football world cups of the world
	want 0 chat -- show who takes the lock
	out_has "The writer takes one lock."
	want 129 chat show
	err_has "missing operand"
}

@test "conversations belong to their notebook" {
	want 0 chat --new $Q
	want 0 notebook create other
	want 0 chat list -n other
	out_empty
	want 0 notebook delete -y other
}

@test "the answer says which sources changed" {
	printf '# Locks\n\nThe writer takes one lock. Now changed.\n' >docs/locks.md
	want 0 chat --json $Q
	json '.stale_sources == 1 and .citations[0].stale'
	want 0 chat $Q
	err_has "changed since"
}

@test "br log keeps questions only when it is told to" {
	want 0 chat $Q
	want 0 log
	err_has "log.questions"
	want 0 config set log.questions true
	want 0 chat $Q
	want 1 chat who won the world cup in football
	want 0 log --json
	json_all 'length == 2 and .[0].way == "none" and .[1].way == "quoted" and .[1].top == "docs/locks.md" and .[1].citations >= 1'
	want 0 log -k 1
	out_has "who won"
	out_lacks "takes the lock"
	want 0 log --clear
	want 0 log --json
	out_empty
}

@test "suggested questions, the same each time" {
	want 0 chat --suggest --json $Q
	json '.suggested | length >= 1'
	jq -c .suggested "$S/out" >"$S/first"
	want 0 chat --suggest --json $Q
	[ "$(jq -c .suggested "$S/out")" = "$(cat "$S/first")" ]
}

@test "quotes of pages that are not text are exact in what was read" {
	printf '<html><body><h1>Seals</h1><p>Replace the <b>shaft</b> seal after two thousand hours.</p></body></html>' >seal.html
	want 0 sync -q .
	want 0 chat --json when is the shaft seal replaced
	json '.citations[0].quote == "Replace the shaft seal after two thousand hours."'
}

session() { # steps on standard input
	command -v python3 >/dev/null || skip "python3 is not installed"
	printf '%b' "$(cat)" >"$S/steps"
	local status=0
	env -i "${ENV[@]}" TERM=xterm python3 "$BATS_TEST_DIRNAME/pty_chat.py" "$S/steps" "$BR" chat "$@" >"$S/out" 2>"$S/err" || status=$?
	check_status 0 "$status" "chat at a terminal"
}

@test "session: answers, links, continued lines, completion, commands, Ctrl-C, Ctrl-D, history" {
	session <<-'STEPS'
		who takes\\\\\\n\t\\.\\.\\. 
		the lock\\n\t\\[1\\].*docs/locks.md.*br> 
		/quo\\t\tt.*es
		\\n\t(writer takes one lock|br> )
		half a line\\x03\tbr> 
		/like well said\\n\tbr> 
		/nonsense\\n\tno '/nonsense'.*br> 
		who won the football world cup\\n\tNothing in this notebook.*br> 
		/list\\n\t4 messages.*br> 
		\\x04\t\\n
	STEPS
	grep -qF $'\033]8;;file://' "$S/out" || fails_with "no link"
	want 0 chat show last --json
	json '.messages | length == 4'
	json '.messages[0].content == "who takes\nthe lock" and .messages[1].feedback == {"verdict":"like","comment":"well said"}'
	[ "$(stat -c %a "$S/home/.local/state/br/chat_history")" = 600 ]
	grep -q "who.*takes" "$S/home/.local/state/br/chat_history"
}

@test "session: nothing is kept under --no-save, -c goes on" {
	session --no-save <<-'STEPS'
		who takes the lock\\n\t\\[1\\].*br> 
		/quit\\n\t
	STEPS
	want 0 chat list --json
	out_empty
	want 0 chat --new $Q
	session -c last <<-'STEPS'
		boil carrots with onions\\n\t\\[1\\].*br> 
		\\x04\t
	STEPS
	want 0 chat list --json
	json_all 'length == 1 and .[0].messages == 4'
}

# ---- on judged sets and documentation that are not part of the project: BR_SHARED names the folder that has them ----

need_shared() {
	[ -n "${BR_SHARED:-}" ] && [ -d "$BR_SHARED/eval" ] || skip "BR_SHARED not set"
	[ "${BR_MODE:-release}" = release ] || skip "measured in the release build"
}

@test "questions that the notebook cannot answer are declined, others are answered" {
	need_shared
	python3 "$BATS_TEST_DIRNAME/../bench/declined.py" --br "$BR" --shared "$BR_SHARED" --tmp "$S"
}

@test "every quotation stands in the lines that are cited" {
	need_shared
	python3 "$BATS_TEST_DIRNAME/../bench/quotations.py" --br "$BR"
}
