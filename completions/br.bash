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
	local verbs='init status notebook config sync watch ingest upload docs query chat log eval serve verify health gc index backup export import doctor models keys tenant enhance wiki webhook help version completion'
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
			notebook|config|docs|chat|index|keys|tenant|enhance|wiki|webhook) cmd=$cmd.$word ;;
			esac ;;
		esac
	done

	case ${cmd:-br}:$prev in
	notebook.reembed:--model) _br_words 'builtin service'; return ;;
	sync:--max-errors) :; return ;;
	sync:--since-commit) :; return ;;
	sync:--poll) :; return ;;
	sync:--exclude|sync:-x) :; return ;;
	sync:--remote) :; return ;;
	sync:--kb) :; return ;;
	sync:--key) :; return ;;
	sync:--source) :; return ;;
	sync:--meta) :; return ;;
	sync:--jobs|sync:-j) :; return ;;
	watch:--poll) :; return ;;
	watch:--exclude|watch:-x) :; return ;;
	ingest:--max-errors) :; return ;;
	ingest:--depth) :; return ;;
	ingest:--max-pages) :; return ;;
	ingest:--delay) :; return ;;
	ingest:--stdin-name) :; return ;;
	ingest:--type|ingest:-t) _br_words 'plain markdown rst asciidoc code csv tsv json ndjson html pdf docx pptx xlsx odt ods odp epub mail mbox xml rtf ipynb subtitles doc xls ppt image zip tar'; return ;;
	ingest:--title) :; return ;;
	ingest:--lang) :; return ;;
	ingest:--meta) :; return ;;
	ingest:--exclude|ingest:-x) :; return ;;
	upload:--stdin-name) :; return ;;
	upload:--title) :; return ;;
	upload:--lang) :; return ;;
	upload:--meta) :; return ;;
	docs.cat:--lines|docs.cat:-l) :; return ;;
	docs.duplicates:--threshold) :; return ;;
	query:--top|query:-k) :; return ;;
	query:--strategy|query:-s) _br_words 'hybrid fusion full_text semantic hyde multi_query kb_explorer'; return ;;
	query:--filter|query:-f) :; return ;;
	query:--format) _br_words 'text json ndjson trec csv'; return ;;
	query:--full-text-weight) :; return ;;
	query:--semantic-weight) :; return ;;
	chat:--conversation|chat:-c) :; return ;;
	chat:--top|chat:-k) :; return ;;
	chat:--strategy|chat:-s) _br_words 'hybrid fusion full_text semantic hyde multi_query kb_explorer'; return ;;
	chat:--files) :; return ;;
	chat:--filter|chat:-f) :; return ;;
	chat:--persona) _br_words 'professional funny mentor storyteller clear custom'; return ;;
	chat:--language) _br_words 'en de es fr it pt nl ru zh ja'; return ;;
	chat.export:--format) _br_words 'markdown json'; return ;;
	chat.feedback:--comment|chat.feedback:-m) :; return ;;
	log:--top|log:-k) :; return ;;
	log:--tenant) :; return ;;
	eval:--strategy|eval:-s) _br_words 'hybrid fusion full_text semantic hyde multi_query kb_explorer'; return ;;
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
	serve:--audit-log) _br_files -f; return ;;
	serve:--proxy) :; return ;;
	serve:--pid-file) _br_files -f; return ;;
	serve:--grace) :; return ;;
	serve:--workers) :; return ;;
	health:--rule|health:-r) :; return ;;
	health:--examples) :; return ;;
	health:--min-score) :; return ;;
	health:--format) _br_words 'text prometheus'; return ;;
	health:--output|health:-o) _br_files -f; return ;;
	health:--warning|health:-w) :; return ;;
	health:--critical|health:-c) :; return ;;
	index.build:--kind|index.build:-k) _br_words 'flat sq8 ivf hnsw pq'; return ;;
	import:--as) :; return ;;
	models:--offered) _br_words 'chat embed rerank'; return ;;
	keys.create:--kind) _br_words 'any beyond quivr baiyuan'; return ;;
	keys.create:--scope) :; return ;;
	keys.create:--for) _br_lines notebook list --names; return ;;
	keys.create:--tenant) :; return ;;
	keys.create:--from) :; return ;;
	keys.create:--rate) :; return ;;
	keys.create:--tokens-per-day) :; return ;;
	keys.create:--tokens-per-month) :; return ;;
	keys.create:--expires) :; return ;;
	keys.create:--owner) :; return ;;
	keys.list:--kind) _br_words 'any beyond quivr baiyuan'; return ;;
	keys.set:--name) :; return ;;
	keys.set:--scope) :; return ;;
	keys.set:--for) _br_lines notebook list --names; return ;;
	keys.set:--tenant) :; return ;;
	keys.set:--from) :; return ;;
	keys.set:--rate) :; return ;;
	keys.set:--tokens-per-day) :; return ;;
	keys.set:--tokens-per-month) :; return ;;
	keys.set:--expires) :; return ;;
	keys.set:--owner) :; return ;;
	keys.rotate:--grace) :; return ;;
	keys.usage:--days) :; return ;;
	keys.check:--address) :; return ;;
	keys.check:--scope) :; return ;;
	keys.check:--for) _br_lines notebook list --names; return ;;
	keys.check:--tenant) :; return ;;
	keys.check:--kind) _br_words 'any beyond quivr baiyuan'; return ;;
	tenant.create:--id) :; return ;;
	tenant.create:--key) :; return ;;
	tenant.set:--name) :; return ;;
	tenant.set:--rate) :; return ;;
	tenant.set:--memory) :; return ;;
	tenant.set:--handoff-timeout) :; return ;;
	enhance.run:--files|enhance.run:-f) :; return ;;
	enhance.run:--limit) :; return ;;
	enhance.run:--model) _br_words 'auto on off'; return ;;
	enhance.status:--files|enhance.status:-f) :; return ;;
	enhance.publish:--files|enhance.publish:-f) :; return ;;
	enhance.reset:--files|enhance.reset:-f) :; return ;;
	wiki.plan:--file|wiki.plan:-f) _br_files -f; return ;;
	wiki.plan:--model) _br_words 'auto on off'; return ;;
	wiki.compile:--model) _br_words 'auto on off'; return ;;
	wiki.lint:--model) _br_words 'auto on off'; return ;;
	wiki.show:--version) :; return ;;
	wiki.patch:--section|wiki.patch:-s) :; return ;;
	wiki.patch:--claim|wiki.patch:-c) :; return ;;
	wiki.patch:--confidence) :; return ;;
	wiki.patch:--actor) :; return ;;
	wiki.history:--publish) :; return ;;
	wiki.history:--actor) :; return ;;
	webhook.create:--event) :; return ;;
	webhook.create:--for) _br_lines notebook list --names; return ;;
	webhook.create:--secret) :; return ;;
	webhook.deliveries:--limit) :; return ;;
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
		*) _br_words 'create list show rename use set unset reembed delete' ;;
		esac ;;
	config)
		case $cur in
		-*) _br_words "$common" ;;
		*) _br_words 'get set unset list path trust untrust' ;;
		esac ;;
	docs)
		case $cur in
		-*) _br_words "$common" ;;
		*) _br_words 'list show cat rm duplicates' ;;
		esac ;;
	chat)
		case $cur in
		-*) _br_words " --conversation -c --new --top -k --strategy -s --files --filter -f --plain --persona --language --strict --quote --suggest --no-stream --no-save $common" ;;
		*) _br_words 'list show rename pin archive delete export feedback' ;;
		esac ;;
	index)
		case $cur in
		-*) _br_words "$common" ;;
		*) _br_words 'build status drop' ;;
		esac ;;
	keys)
		case $cur in
		-*) _br_words "$common" ;;
		*) _br_words 'create list show set enable disable rotate revoke delete usage check' ;;
		esac ;;
	tenant)
		case $cur in
		-*) _br_words "$common" ;;
		*) _br_words 'create list show set enable disable secret delete' ;;
		esac ;;
	enhance)
		case $cur in
		-*) _br_words "$common" ;;
		*) _br_words 'run status show publish reset' ;;
		esac ;;
	wiki)
		case $cur in
		-*) _br_words "$common" ;;
		*) _br_words 'plan compile lint list show patch history export' ;;
		esac ;;
	webhook)
		case $cur in
		-*) _br_words "$common" ;;
		*) _br_words 'create list show test deliveries enable disable delete' ;;
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
	notebook.unset)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	notebook.reembed)
		case $cur in
		-*) _br_words " --plan --model $common" ;;
		*) _br_lines notebook list --names ;;
		esac ;;
	notebook.delete)
		case $cur in
		-*) _br_words " --yes -y $common" ;;
		*) _br_lines notebook list --names ;;
		esac ;;
	config.get)
		case $cur in
		-*) _br_words " $common" ;;
		*) _br_words 'search.strategy search.top search.rerank chunk.strategy chunk.size chunk.overlap bm25.k1 bm25.b language core.threads core.color core.pager core.wait ingest.max_file ingest.hidden net.allow_private net.allow net.proxy net.ca_file net.contact net.timeout net.max_size net.delay chat.provider chat.model chat.base_url chat.key chat.key_command chat.temperature chat.max_tokens chat.price_prompt chat.price_completion ollama.base_url embed.provider embed.model embed.base_url embed.key embed.key_command embed.dimensions embed.query_prefix embed.passage_prefix embed.input_type embed.batch embed.price embed.cache rerank.provider rerank.model rerank.base_url rerank.key rerank.key_command rerank.price llm.connect_timeout llm.first_timeout llm.idle_timeout llm.timeout llm.retries llm.concurrency ann.kind ann.min_rows ann.auto extract.ocr extract.ocr_language auth.profile auth.bypass auth.secret_key auth.publishable_key auth.jwks_url auth.jwks_file auth.issuer auth.audience auth.admins auth.refresh auth.max_age auth.secret auth.developer_rate health.duplicate health.near_duplicate health.orphan health.lost_original health.stale health.failed health.gone_page health.no_text health.broken_reference health.missing_vector health.long_passage health.short_passage health.garbage health.vector_index health.embedding_cache health.similarity health.stale_after health.max_passage health.min_passage health.warning health.critical log.questions serve.listen serve.hosts serve.origins serve.access_log serve.audit_log serve.proxies serve.grace serve.cache serve.upload serve.workers webhook.retry webhook.give_up remote.key external.enabled external.rate external.base_url tenant.models tenant.small_model tenant.retry_delay tenant.ping tenant.scrape_delay extract.helper' ;;
		esac ;;
	config.set)
		case $cur in
		-*) _br_words " --user $common" ;;
		*) _br_words 'search.strategy search.top search.rerank chunk.strategy chunk.size chunk.overlap bm25.k1 bm25.b language core.threads core.color core.pager core.wait ingest.max_file ingest.hidden net.allow_private net.allow net.proxy net.ca_file net.contact net.timeout net.max_size net.delay chat.provider chat.model chat.base_url chat.key chat.key_command chat.temperature chat.max_tokens chat.price_prompt chat.price_completion ollama.base_url embed.provider embed.model embed.base_url embed.key embed.key_command embed.dimensions embed.query_prefix embed.passage_prefix embed.input_type embed.batch embed.price embed.cache rerank.provider rerank.model rerank.base_url rerank.key rerank.key_command rerank.price llm.connect_timeout llm.first_timeout llm.idle_timeout llm.timeout llm.retries llm.concurrency ann.kind ann.min_rows ann.auto extract.ocr extract.ocr_language auth.profile auth.bypass auth.secret_key auth.publishable_key auth.jwks_url auth.jwks_file auth.issuer auth.audience auth.admins auth.refresh auth.max_age auth.secret auth.developer_rate health.duplicate health.near_duplicate health.orphan health.lost_original health.stale health.failed health.gone_page health.no_text health.broken_reference health.missing_vector health.long_passage health.short_passage health.garbage health.vector_index health.embedding_cache health.similarity health.stale_after health.max_passage health.min_passage health.warning health.critical log.questions serve.listen serve.hosts serve.origins serve.access_log serve.audit_log serve.proxies serve.grace serve.cache serve.upload serve.workers webhook.retry webhook.give_up remote.key external.enabled external.rate external.base_url tenant.models tenant.small_model tenant.retry_delay tenant.ping tenant.scrape_delay extract.helper' ;;
		esac ;;
	config.unset)
		case $cur in
		-*) _br_words " --user $common" ;;
		*) _br_words 'search.strategy search.top search.rerank chunk.strategy chunk.size chunk.overlap bm25.k1 bm25.b language core.threads core.color core.pager core.wait ingest.max_file ingest.hidden net.allow_private net.allow net.proxy net.ca_file net.contact net.timeout net.max_size net.delay chat.provider chat.model chat.base_url chat.key chat.key_command chat.temperature chat.max_tokens chat.price_prompt chat.price_completion ollama.base_url embed.provider embed.model embed.base_url embed.key embed.key_command embed.dimensions embed.query_prefix embed.passage_prefix embed.input_type embed.batch embed.price embed.cache rerank.provider rerank.model rerank.base_url rerank.key rerank.key_command rerank.price llm.connect_timeout llm.first_timeout llm.idle_timeout llm.timeout llm.retries llm.concurrency ann.kind ann.min_rows ann.auto extract.ocr extract.ocr_language auth.profile auth.bypass auth.secret_key auth.publishable_key auth.jwks_url auth.jwks_file auth.issuer auth.audience auth.admins auth.refresh auth.max_age auth.secret auth.developer_rate health.duplicate health.near_duplicate health.orphan health.lost_original health.stale health.failed health.gone_page health.no_text health.broken_reference health.missing_vector health.long_passage health.short_passage health.garbage health.vector_index health.embedding_cache health.similarity health.stale_after health.max_passage health.min_passage health.warning health.critical log.questions serve.listen serve.hosts serve.origins serve.access_log serve.audit_log serve.proxies serve.grace serve.cache serve.upload serve.workers webhook.retry webhook.give_up remote.key external.enabled external.rate external.base_url tenant.models tenant.small_model tenant.retry_delay tenant.ping tenant.scrape_delay extract.helper' ;;
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
		-*) _br_words " --plan --force -f --ocr --max-errors --nice --since-commit --watch -w --poll --exclude -x --hidden --no-ignore --remote --kb --key --source --meta --jobs -j $common" ;;
		*) _br_files -d ;;
		esac ;;
	watch)
		case $cur in
		-*) _br_words " --poll --nice --exclude -x --hidden --no-ignore $common" ;;
		*) _br_files -d ;;
		esac ;;
	ingest)
		case $cur in
		-*) _br_words " --plan --force -f --ocr --max-errors --nice --depth --max-pages --delay --refresh --allow-private --ndjson --stdin-name --type -t --title --lang --meta --exclude -x --hidden --no-ignore $common" ;;
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
	docs.duplicates)
		case $cur in
		-*) _br_words " --threshold --exact $common" ;;
		*) : ;;
		esac ;;
	query)
		case $cur in
		-*) _br_words " --top -k --strategy -s --filter -f --by-doc -d --no-fold --plain --files-only -l --format --explain -e --full-text-weight --semantic-weight --rerank --strict --stdin $common" ;;
		*) : ;;
		esac ;;
	chat.list)
		case $cur in
		-*) _br_words " --all -a $common" ;;
		*) : ;;
		esac ;;
	chat.show)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	chat.rename)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	chat.pin)
		case $cur in
		-*) _br_words " --off $common" ;;
		*) : ;;
		esac ;;
	chat.archive)
		case $cur in
		-*) _br_words " --off $common" ;;
		*) : ;;
		esac ;;
	chat.delete)
		case $cur in
		-*) _br_words " --yes -y $common" ;;
		*) : ;;
		esac ;;
	chat.export)
		case $cur in
		-*) _br_words " --format $common" ;;
		*) : ;;
		esac ;;
	chat.feedback)
		case $cur in
		-*) _br_words " --like --dislike --comment -m $common" ;;
		*) : ;;
		esac ;;
	log)
		case $cur in
		-*) _br_words " --top -k --tenant --clear $common" ;;
		*) : ;;
		esac ;;
	eval)
		case $cur in
		-*) _br_words " --strategy -s --qrels --queries --run --baseline --per-query --min-ndcg $common" ;;
		*) _br_files -d ;;
		esac ;;
	serve)
		case $cur in
		-*) _br_words " --listen -l --unix --cert --key --host --origin --access-log --audit-log --proxy --pid-file --grace --workers --insecure --print-openapi $common" ;;
		*) : ;;
		esac ;;
	verify)
		case $cur in
		-*) _br_words " --quick --repair $common" ;;
		*) : ;;
		esac ;;
	health)
		case $cur in
		-*) _br_words " --fix --plan --rule -r --rules --list -l --examples --all -a --min-score --format --output -o --nagios --warning -w --critical -c $common" ;;
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
	backup)
		case $cur in
		-*) _br_words " --verify --restore $common" ;;
		*) _br_files -f ;;
		esac ;;
	export)
		case $cur in
		-*) _br_words " --no-times $common" ;;
		*) _br_lines notebook list --names ;;
		esac ;;
	import)
		case $cur in
		-*) _br_words " --as --replace --reembed $common" ;;
		*) _br_files -f ;;
		esac ;;
	doctor)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	models)
		case $cur in
		-*) _br_words " --check --offered $common" ;;
		*) : ;;
		esac ;;
	keys.create)
		case $cur in
		-*) _br_words " --kind --scope --for --tenant --from --rate --tokens-per-day --tokens-per-month --expires --owner --disabled $common" ;;
		*) : ;;
		esac ;;
	keys.list)
		case $cur in
		-*) _br_words " --kind --all -a $common" ;;
		*) : ;;
		esac ;;
	keys.show)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	keys.set)
		case $cur in
		-*) _br_words " --name --scope --for --tenant --from --rate --tokens-per-day --tokens-per-month --expires --owner $common" ;;
		*) : ;;
		esac ;;
	keys.enable)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	keys.disable)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	keys.rotate)
		case $cur in
		-*) _br_words " --grace $common" ;;
		*) : ;;
		esac ;;
	keys.revoke)
		case $cur in
		-*) _br_words " --old $common" ;;
		*) : ;;
		esac ;;
	keys.delete)
		case $cur in
		-*) _br_words " --yes -y $common" ;;
		*) : ;;
		esac ;;
	keys.usage)
		case $cur in
		-*) _br_words " --days $common" ;;
		*) : ;;
		esac ;;
	keys.check)
		case $cur in
		-*) _br_words " --address --scope --for --tenant --kind $common" ;;
		*) : ;;
		esac ;;
	tenant.create)
		case $cur in
		-*) _br_words " --id --key $common" ;;
		*) : ;;
		esac ;;
	tenant.list)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	tenant.show)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	tenant.set)
		case $cur in
		-*) _br_words " --name --rate --memory --handoff-timeout $common" ;;
		*) : ;;
		esac ;;
	tenant.enable)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	tenant.disable)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	tenant.secret)
		case $cur in
		-*) _br_words " --stdin --clear $common" ;;
		*) : ;;
		esac ;;
	tenant.delete)
		case $cur in
		-*) _br_words " --yes -y $common" ;;
		*) : ;;
		esac ;;
	enhance.run)
		case $cur in
		-*) _br_words " --files -f --limit --model --plan $common" ;;
		*) : ;;
		esac ;;
	enhance.status)
		case $cur in
		-*) _br_words " --files -f $common" ;;
		*) : ;;
		esac ;;
	enhance.show)
		case $cur in
		-*) _br_words " $common" ;;
		*) _br_lines docs list --paths ;;
		esac ;;
	enhance.publish)
		case $cur in
		-*) _br_words " --files -f --partial $common" ;;
		*) : ;;
		esac ;;
	enhance.reset)
		case $cur in
		-*) _br_words " --files -f --failed $common" ;;
		*) : ;;
		esac ;;
	wiki.plan)
		case $cur in
		-*) _br_words " --find --file -f --edit -e --model $common" ;;
		*) : ;;
		esac ;;
	wiki.compile)
		case $cur in
		-*) _br_words " --force -f --model --plan $common" ;;
		*) : ;;
		esac ;;
	wiki.lint)
		case $cur in
		-*) _br_words " --no-recompile --model $common" ;;
		*) : ;;
		esac ;;
	wiki.list)
		case $cur in
		-*) _br_words " --all -a $common" ;;
		*) : ;;
		esac ;;
	wiki.show)
		case $cur in
		-*) _br_words " --version --markers $common" ;;
		*) : ;;
		esac ;;
	wiki.patch)
		case $cur in
		-*) _br_words " --section -s --claim -c --confidence --actor --create $common" ;;
		*) : ;;
		esac ;;
	wiki.history)
		case $cur in
		-*) _br_words " --publish --reviewed --actor $common" ;;
		*) : ;;
		esac ;;
	wiki.export)
		case $cur in
		-*) _br_words " --all -a $common" ;;
		*) _br_files -d ;;
		esac ;;
	webhook.create)
		case $cur in
		-*) _br_words " --event --for --secret --unsigned --inactive $common" ;;
		*) : ;;
		esac ;;
	webhook.list)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	webhook.show)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	webhook.test)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	webhook.deliveries)
		case $cur in
		-*) _br_words " --limit $common" ;;
		*) : ;;
		esac ;;
	webhook.enable)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	webhook.disable)
		case $cur in
		-*) _br_words " $common" ;;
		*) : ;;
		esac ;;
	webhook.delete)
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
