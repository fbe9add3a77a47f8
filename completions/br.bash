# bash completion for br; written by `br completion bash`

_br_words() { COMPREPLY=($(compgen -W "$1" -- "$cur")); }
_br_files()
{
	local IFS=$'\n'
	compopt -o filenames 2>/dev/null
	COMPREPLY=($(compgen "$1" -- "$cur"))
}
_br_lines()
{
	local line
	COMPREPLY=()
	while IFS= read -r line; do
		[[ $line == "$cur"* ]] && COMPREPLY+=("$(printf %q "$line")")
	done < <("${COMP_WORDS[0]}" "${where[@]}" "$@" 2>/dev/null)
}

_br()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= word i
	local -a where=()
	local verbs='init status notebook config sync ingest upload docs query eval serve verify gc index doctor help version completion'
	local common=' --directory -C --workspace --notebook -n --json --quiet -q --verbose -v --no-color --wait --timeout --help -h'

	COMPREPLY=()
	# bash cuts --name=value at the sign
	if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--directory|-C|--workspace|--notebook|-n|--wait|--timeout) ((i++)); [[ $i -lt $COMP_CWORD ]] && where+=("$word" "${COMP_WORDS[i]}") ;;
		-*) ;;
		*)	case $cmd in
			'') cmd=$word ;;
			notebook|config|docs|index) cmd=$cmd.$word ;;
			esac ;;
		esac
	done

	case ${cmd:-br}:$prev in
	sync:--exclude|sync:-x) :; return ;;
	ingest:--stdin-name) :; return ;;
	ingest:--type|ingest:-t) _br_words 'plain markdown rst asciidoc code csv tsv json ndjson html'; return ;;
	ingest:--title) :; return ;;
	ingest:--lang) :; return ;;
	ingest:--meta) :; return ;;
	ingest:--exclude|ingest:-x) :; return ;;
	upload:--stdin-name) :; return ;;
	upload:--title) :; return ;;
	upload:--lang) :; return ;;
	upload:--meta) :; return ;;
	docs.cat:--lines|docs.cat:-l) :; return ;;
	query:--top|query:-k) :; return ;;
	query:--strategy|query:-s) _br_words 'hybrid fusion full_text semantic'; return ;;
	query:--filter|query:-f) :; return ;;
	query:--format) _br_words 'text json ndjson trec csv'; return ;;
	query:--full-text-weight) :; return ;;
	query:--semantic-weight) :; return ;;
	eval:--strategy|eval:-s) _br_words 'hybrid fusion full_text semantic'; return ;;
	eval:--qrels) _br_files -f; return ;;
	eval:--queries) _br_files -f; return ;;
	eval:--run) _br_files -f; return ;;
	eval:--baseline) _br_files -f; return ;;
	eval:--min-ndcg) :; return ;;
	serve:--listen|serve:-l) :; return ;;
	serve:--unix) _br_files -f; return ;;
	serve:--cert) _br_files -f; return ;;
	serve:--key) _br_files -f; return ;;
	serve:--host) :; return ;;
	serve:--origin) :; return ;;
	serve:--access-log) _br_files -f; return ;;
	serve:--pid-file) _br_files -f; return ;;
	serve:--grace) :; return ;;
	serve:--workers) :; return ;;
	index.build:--kind|index.build:-k) _br_words 'flat sq8 ivf hnsw pq'; return ;;
	*:--directory|*:-C) _br_files -d; return ;;
	*:--workspace) _br_files -d; return ;;
	*:--notebook|*:-n) _br_lines notebook list --names; return ;;
	*:--wait) :; return ;;
	*:--timeout) :; return ;;
	esac

	case $cmd in
	'')
		case $cur in
		-*) _br_words "$common --version" ;;
		*) _br_words "$verbs" ;;
		esac ;;
	notebook)
		case $cur in
		-*) _br_words "$common" ;;
		*) _br_words 'create list show rename use set delete' ;;
		esac ;;
	config)
		case $cur in
		-*) _br_words "$common" ;;
		*) _br_words 'get set unset list path trust untrust' ;;
		esac ;;
	docs)
		case $cur in
		-*) _br_words "$common" ;;
		*) _br_words 'list show cat rm' ;;
		esac ;;
	index)
		case $cur in
		-*) _br_words "$common" ;;
		*) _br_words 'build status drop' ;;
		esac ;;
	init)
		case $cur in
		-*) _br_words " $common" ;;
		*) _br_files -d ;;
		esac ;;
	status)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	notebook.create)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	notebook.list)
		case $cur in
		-*) _br_words " --names $common" ;;
		*) : ;;
		esac ;;
	notebook.show)
		case $cur in
		-*) _br_words " $common" ;;
		*) _br_lines notebook list --names ;;
		esac ;;
	notebook.rename)
		case $cur in
		-*) _br_words " $common" ;;
		*) _br_lines notebook list --names ;;
		esac ;;
	notebook.use)
		case $cur in
		-*) _br_words " $common" ;;
		*) _br_lines notebook list --names ;;
		esac ;;
	notebook.set)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	notebook.delete)
		case $cur in
		-*) _br_words " --yes -y $common" ;;
		*) _br_lines notebook list --names ;;
		esac ;;
	config.get)
		case $cur in
		-*) _br_words " $common" ;;
		*) _br_words 'search.strategy search.top chunk.strategy chunk.size chunk.overlap bm25.k1 bm25.b language core.threads core.color core.pager core.wait ingest.max_file ingest.hidden embed.model ann.kind ann.min_rows ann.auto serve.listen serve.hosts serve.origins serve.access_log serve.grace serve.cache serve.workers extract.helper' ;;
		esac ;;
	config.set)
		case $cur in
		-*) _br_words " --user $common" ;;
		*) _br_words 'search.strategy search.top chunk.strategy chunk.size chunk.overlap bm25.k1 bm25.b language core.threads core.color core.pager core.wait ingest.max_file ingest.hidden embed.model ann.kind ann.min_rows ann.auto serve.listen serve.hosts serve.origins serve.access_log serve.grace serve.cache serve.workers extract.helper' ;;
		esac ;;
	config.unset)
		case $cur in
		-*) _br_words " --user $common" ;;
		*) _br_words 'search.strategy search.top chunk.strategy chunk.size chunk.overlap bm25.k1 bm25.b language core.threads core.color core.pager core.wait ingest.max_file ingest.hidden embed.model ann.kind ann.min_rows ann.auto serve.listen serve.hosts serve.origins serve.access_log serve.grace serve.cache serve.workers extract.helper' ;;
		esac ;;
	config.list)
		case $cur in
		-*) _br_words " --set $common" ;;
		*) : ;;
		esac ;;
	config.path)
		case $cur in
		-*) _br_words " --user $common" ;;
		*) : ;;
		esac ;;
	config.trust)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	config.untrust)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	sync)
		case $cur in
		-*) _br_words " --plan --force -f --exclude -x --hidden --no-ignore $common" ;;
		*) _br_files -d ;;
		esac ;;
	ingest)
		case $cur in
		-*) _br_words " --plan --force -f --ndjson --stdin-name --type -t --title --lang --meta --exclude -x --hidden --no-ignore $common" ;;
		*) _br_files -f ;;
		esac ;;
	upload)
		case $cur in
		-*) _br_words " --stdin-name --title --lang --meta $common" ;;
		*) _br_files -f ;;
		esac ;;
	docs.list)
		case $cur in
		-*) _br_words " --failed --skipped --paths $common" ;;
		*) _br_lines docs list --paths ;;
		esac ;;
	docs.show)
		case $cur in
		-*) _br_words " $common" ;;
		*) _br_lines docs list --paths ;;
		esac ;;
	docs.cat)
		case $cur in
		-*) _br_words " --lines -l $common" ;;
		*) _br_lines docs list --paths ;;
		esac ;;
	docs.rm)
		case $cur in
		-*) _br_words " $common" ;;
		*) _br_lines docs list --paths ;;
		esac ;;
	query)
		case $cur in
		-*) _br_words " --top -k --strategy -s --filter -f --by-doc -d --no-fold --plain --files-only -l --format --explain -e --full-text-weight --semantic-weight --stdin $common" ;;
		*) : ;;
		esac ;;
	eval)
		case $cur in
		-*) _br_words " --strategy -s --qrels --queries --run --baseline --per-query --min-ndcg $common" ;;
		*) _br_files -d ;;
		esac ;;
	serve)
		case $cur in
		-*) _br_words " --listen -l --unix --cert --key --host --origin --access-log --pid-file --grace --workers --insecure --print-openapi $common" ;;
		*) : ;;
		esac ;;
	verify)
		case $cur in
		-*) _br_words " --quick --repair $common" ;;
		*) : ;;
		esac ;;
	gc)
		case $cur in
		-*) _br_words " --plan --no-compact $common" ;;
		*) : ;;
		esac ;;
	index.build)
		case $cur in
		-*) _br_words " --kind -k --force -f --auto $common" ;;
		*) : ;;
		esac ;;
	index.status)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	index.drop)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	doctor)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	help)
		case $cur in
		-*) _br_words " $common" ;;
		*) _br_words "$verbs" ;;
		esac ;;
	version)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	completion)
		case $cur in
		-*) _br_words " $common" ;;
		*) _br_words 'bash zsh fish' ;;
		esac ;;
	esac
}

complete -F _br br
