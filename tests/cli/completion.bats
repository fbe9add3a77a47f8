#!/usr/bin/env bats
load lib

@test "the script of each shell is printed; another shell is refused" {
	for shell in bash zsh fish; do
		want 0 completion $shell
		out_has "completion $shell"
		err_empty
	done
	want 129 completion ksh
	err_has "'ksh' is not one of"
}

# complete_bash WORD...: the last word is being completed; candidates, sorted, in one line
complete_bash() {
	br completion bash >"$S/br.bash"
	env -i "${ENV[@]}" PATH="$S/bin:$PATH" bash --norc -c '
		source "$1"; shift
		COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		compopt() { :; }
		_br
		printf "%s\n" "${COMPREPLY[@]}"' - "$S/br.bash" "$@" | sort | tr '\n' ' '
}

@test "bash: syntax, verbs, second words, options, values, files, names" {
	small_workspace
	want 0 notebook create research
	mkdir "$S/bin"
	ln -s "$BR" "$S/bin/br"
	br completion bash >"$S/br.bash"
	bash -n "$S/br.bash"
	[ "$(complete_bash br q)" = "query " ]
	[ "$(complete_bash br docs c)" = "cat " ]
	[ "$(complete_bash br query --ex)" = "--explain " ]
	[ "$(complete_bash br query -s f)" = "full_text fusion " ]
	[ "$(complete_bash br query --strategy = s)" = "semantic " ]
	[ "$(complete_bash br -n default query --strategy hyb)" = "hybrid " ]
	[ "$(complete_bash br notebook use r)" = "research " ]
	[ "$(complete_bash br status -n d)" = "default " ]
	[ "$(complete_bash br docs cat so)" = "soup.md " ]
	[ "$(complete_bash br ingest so)" = "soup.md " ]
	[ "$(complete_bash br config get search.s)" = "search.strategy " ]
	[ "$(complete_bash br completion z)" = "zsh " ]
	[ "$(complete_bash br help doct)" = "doctor " ]
}

@test "fish: syntax and candidates" {
	command -v fish >/dev/null || skip "fish is not installed"
	small_workspace
	mkdir "$S/bin"
	ln -s "$BR" "$S/bin/br"
	br completion fish >"$S/br.fish"
	fish -n "$S/br.fish"
	ask() { env -i "${ENV[@]}" PATH="$S/bin:$PATH" fish --no-config -c "source $S/br.fish; complete -C '$1'" | cut -f1 | sort | tr '\n' ' '; }
	[ "$(ask 'br que')" = "query " ]
	[ "$(ask 'br docs c')" = "cat " ]
	[ "$(ask 'br query --strategy f')" = "full_text fusion " ]
	[ "$(ask 'br query --expl')" = "--explain " ]
	[ "$(ask 'br notebook use d')" = "default " ]
	[ "$(ask 'br -n default docs cat so')" = "soup.md " ]
}

@test "zsh: syntax and candidates" {
	command -v zsh >/dev/null || skip "zsh is not installed"
	small_workspace
	mkdir "$S/bin" "$S/fpath"
	ln -s "$BR" "$S/bin/br"
	br completion zsh >"$S/fpath/_br"
	zsh -n "$S/fpath/_br"
	cat >"$S/ask.zsh" <<'Z'
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PROMPT='' ; unsetopt zle_bracketed_paste; fpath=($2 \$fpath); autoload -Uz compinit; compinit -u -d $2/dump
bindkey '^I' complete-word; zstyle ':completion:*' list-prompt ''; LISTMAX=0; echo re''ady"
zpty -r z line '*ready*'
zpty -w -n z "$1"$'\t'
zpty -w -n z $'\C-a : \C-e ;echo do''ne\n'
zpty -r z line '*done*'
print -r -- "$line"
Z
	ask() { env -i "${ENV[@]}" TERM=dumb PATH="$S/bin:$PATH" timeout 20 zsh -f "$S/ask.zsh" "$1" "$S/fpath"; }
	# what is typed may come before the shell listens, on a busy machine
	offers() { ask "$1" | grep -q "$2"; }
	eventually offers 'br quer' 'br query'
	eventually offers 'br docs sh' 'br docs show'
	eventually offers 'br query --strategy=sem' 'semantic'
	eventually offers 'br notebook use def' 'use default'
}
