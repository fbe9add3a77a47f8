#!/usr/bin/env bats
load lib
prepare() { small_workspace; }

@test "create, list, use, show, rename, delete" {
	want 0 notebook create research
	out_is "made notebook 'research'"
	want 0 notebook list --names
	[ "$(sort "$S/out" | tr '\n' ' ')" = "default research " ]
	want 0 notebook use research
	want 0 notebook list
	out_has "* research"
	want 0 notebook show
	out_has "research"
	want 0 notebook rename research papers
	want 0 notebook show papers
	want 1 notebook show research
	err_has "no notebook 'research'"
	want 0 notebook delete papers --yes
	want 0 notebook list --names
	out_is default
}

@test "--json" {
	want 0 notebook create --json a
	json '.name == "a" and (.id | length == 36)'
	want 0 notebook list --json
	json_all 'length == 2 and all(.id and .name and has("current"))'
	json_all 'map(select(.name == "default"))[0] | .docs == 3 and (.folders | length == 1)'
	want 0 notebook show --json
	json '.settings["chunk.size"] == 1000 and .settings["bm25.k1"] == 1.2'
}

@test "names are checked, and exist once" {
	want 128 notebook create default
	err_has "default"
	want 129 notebook create ''
	want 129 notebook create "$(printf 'x%.0s' {1..200})"
}

@test "delete asks; without a terminal it wants --yes" {
	want 0 notebook create a
	want 129 notebook delete a
	err_has "notebook 'a' was not deleted: nobody said yes"
	err_has "--yes"
	want 0 notebook show a
	want 1 notebook delete nope --yes
	err_has "no notebook 'nope'"
	want 0 notebook delete -y a
	want 1 notebook show a
}

@test "delete on a terminal: y deletes, anything else does not" {
	command -v script >/dev/null || skip "script(1) is not installed"
	want 0 notebook create a
	printf 'n\n' | env -i "${ENV[@]}" TERM=dumb script -qec "$BR notebook delete a" /dev/null >"$S/out" || true
	grep -q "Delete notebook 'a' with 0 documents?" "$S/out"
	want 0 notebook show a
	printf 'y\n' | env -i "${ENV[@]}" TERM=dumb script -qec "$BR notebook delete a" /dev/null >"$S/out"
	want 1 notebook show a
}

@test "deleting takes the documents along" {
	want 0 notebook delete default --yes
	want 0 verify
	want 0 verify --json
	json '.ok and .docs == 0'
}

@test "set checks keys and values, and says when documents must be indexed again" {
	want 0 notebook set chunk.size 500
	err_has "br sync --force"
	want 0 notebook show --json
	json '.settings["chunk.size"] == 500'
	want 0 notebook set bm25.k1 0.9
	err_empty
	want 129 notebook set chunk.size 5
	err_has "chunk.size"
	want 129 notebook set nonsense 5
	err_has "nonsense"
	want 0 notebook create other
	want 0 notebook set -n other language de
	want 0 notebook show other --json
	json '.settings.language == "de"'
}

@test "set: several settings at once, all or none, and unset" {
	want 0 notebook set chat.persona mentor chat.temperature 0.9 tags 'a, b' search.top 20
	err_empty
	want 0 notebook show
	out_has chat.persona
	out_has mentor
	out_lacks search.rrf_k
	want 0 notebook show --json
	json '.settings | .["chat.persona"] == "mentor" and .["chat.temperature"] == 0.9 and .["search.top"] == 20 and .["search.rrf_k"] == 60
	      and .["chat.language"] == null and .["chunk.size"] == 1000'
	want 129 notebook set chat.persona clear chat.temperature 9
	err_has "chat.temperature: 9 is not between 0 and 2"
	want 129 notebook set chat.persona
	err_has "missing operand"
	want 129 notebook set chat.persona clear chat.temperature
	err_has "'chat.temperature' has no value"
	want 129 notebook set chat.persona pirate
	err_has "chat.persona: 'pirate' is not one of professional|funny|mentor"
	want 129 notebook set chat.persone clear
	err_has "did you mean 'chat.persona'?"
	want 0 notebook show --json
	json '.settings["chat.persona"] == "mentor"'
	want 0 notebook set --json chat.system_prompt $'two\nlines' metadata '{"a":{"b":[1,null]}}' chunk.size 600
	json '.v == 1 and .notebook == "default" and .reindex and .settings["chat.system_prompt"] == "two\nlines"
	      and .settings.metadata == {"a":{"b":[1,null]}} and (.settings | length == 3)'
	err_empty
	want 0 notebook unset chat.persona chunk.size
	want 0 notebook show --json
	json '.settings | .["chat.persona"] == null and .["chunk.size"] == 1000 and .["chat.temperature"] == 0.9'
	want 129 notebook unset nonsense
	want 129 notebook set metadata '{"a":'
	err_has "metadata"
	want 0 notebook create other
	want 0 notebook set -n other chat.persona funny
	want 0 notebook show default --json
	json '.settings["chat.persona"] == null'
	want 0 verify
}
