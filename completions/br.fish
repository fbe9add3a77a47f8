# fish completion for br; written by `br completion fish`

# The words before the cursor without options, without their values, and without `br`
function __br_words
    set -l skip 0
    for w in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $w
            case -C --directory --workspace -n --notebook --wait --timeout 
                set skip 1
            case '-*'
            case '*'
                echo $w
        end
    end
end
function __br_in
    set -l w (__br_words)
    test (count $w) -ge (count $argv); and test "$w[1.."(count $argv)"]" = "$argv"
end
function __br_at
    set -l w (__br_words)
    test "$w" = "$argv"
end

complete -c br -f
complete -c br -l directory -s C -d 'run as if started in dir' -xa '(__fish_complete_directories)'
complete -c br -l workspace -d 'use the workspace of dir instead of looking upwards' -xa '(__fish_complete_directories)'
complete -c br -l notebook -s n -d 'work on this notebook instead of the one in use' -xa '(br notebook list --names 2>/dev/null)'
complete -c br -l json -d 'print JSON; errors too, on standard error'
complete -c br -l quiet -s q -d 'print results and errors, nothing else'
complete -c br -l verbose -s v -d 'tell more'
complete -c br -l no-color -d 'no colours, even on a terminal'
complete -c br -l wait -d 'wait so long for another writer (90, 15m, 2h)' -x
complete -c br -l timeout -d 'give up after so long' -x
complete -c br -l help -s h -d 'show this help'
complete -c br -n '__br_at' -fa init -d 'make a workspace'
complete -c br -n '__br_at' -fa status -d 'show what is indexed and how fresh it is'
complete -c br -n '__br_at' -fa notebook -d 'make, list, choose and delete notebooks'
complete -c br -n '__br_at' -fa config -d 'read and change settings'
complete -c br -n '__br_at' -fa sync -d 'make a notebook equal to folders: add, change, move, delete'
complete -c br -n '__br_at' -fa watch -d 'keep a notebook equal to folders as they change'
complete -c br -n '__br_at' -fa ingest -d 'add or update files, folders, web pages or records'
complete -c br -n '__br_at' -fa upload -d 'keep copies of files in the workspace'
complete -c br -n '__br_at' -fa docs -d 'list, show, print and remove documents'
complete -c br -n '__br_at' -fa query -d 'find passages by words and by meaning'
complete -c br -n '__br_at' -fa chat -d 'answer questions from the documents, with citations'
complete -c br -n '__br_at' -fa log -d 'show past questions and where their answers came from'
complete -c br -n '__br_at' -fa eval -d 'measure retrieval over judged questions'
complete -c br -n '__br_at' -fa serve -d 'answer over HTTP'
complete -c br -n '__br_at' -fa verify -d 'check the workspace for damage, and repair it'
complete -c br -n '__br_at' -fa health -d 'tell how well a notebook is kept, and repair what is safe'
complete -c br -n '__br_at' -fa gc -d 'drop what deleted documents left and give room back to the disk'
complete -c br -n '__br_at' -fa index -d 'build and look at vector indexes for large notebooks'
complete -c br -n '__br_at' -fa backup -d 'copy the whole workspace into one file, while it is in use'
complete -c br -n '__br_at' -fa export -d 'write a notebook into one portable file'
complete -c br -n '__br_at' -fa import -d 'make a notebook from an exported file'
complete -c br -n '__br_at' -fa doctor -d 'check the surroundings br runs in'
complete -c br -n '__br_at' -fa models -d 'list the models in use and check their services'
complete -c br -n '__br_at' -fa keys -d 'make and manage keys for programs that use the server'
complete -c br -n '__br_at' -fa tenant -d 'make and manage tenants of the Baiyuan API'
complete -c br -n '__br_at' -fa enhance -d 'write contexts for passages, so that more questions find them'
complete -c br -n '__br_at' -fa wiki -d 'compile pages about a notebook\'s topics, check and mend them'
complete -c br -n '__br_at' -fa webhook -d 'tell other programs over HTTP what happens in the server'
complete -c br -n '__br_at' -fa help -d 'show help on br or on one verb'
complete -c br -n '__br_at' -fa version -d 'show the version of br and of what it is made of'
complete -c br -n '__br_at' -fa completion -d 'print the completion script of a shell'
complete -c br -n '__br_at notebook' -fa create -d 'make a notebook'
complete -c br -n '__br_at notebook' -fa list -d 'show all notebooks'
complete -c br -n '__br_at notebook' -fa show -d 'show one notebook and its settings'
complete -c br -n '__br_at notebook' -fa rename -d 'give a notebook another name'
complete -c br -n '__br_at notebook' -fa use -d 'choose the notebook that verbs work on'
complete -c br -n '__br_at notebook' -fa set -d 'change settings of the notebook, all of them or none'
complete -c br -n '__br_at notebook' -fa unset -d 'take settings of the notebook back'
complete -c br -n '__br_at notebook' -fa reembed -d 'make the vectors of a notebook anew, with another model'
complete -c br -n '__br_at notebook' -fa delete -d 'delete a notebook with all its documents'
complete -c br -n '__br_at config' -fa get -d 'print one setting'
complete -c br -n '__br_at config' -fa set -d 'change one setting'
complete -c br -n '__br_at config' -fa unset -d 'take one setting back'
complete -c br -n '__br_at config' -fa list -d 'show every setting and where its value comes from'
complete -c br -n '__br_at config' -fa path -d 'print the name of the settings file'
complete -c br -n '__br_at config' -fa trust -d 'let this workspace\'s settings reach the network and run programs'
complete -c br -n '__br_at config' -fa untrust -d 'take the trust back'
complete -c br -n '__br_at docs' -fa list -d 'show documents, all or those whose path matches'
complete -c br -n '__br_at docs' -fa show -d 'show what is known of one document'
complete -c br -n '__br_at docs' -fa cat -d 'print the stored text of one document'
complete -c br -n '__br_at docs' -fa rm -d 'take documents out of the notebook; the files stay'
complete -c br -n '__br_at docs' -fa duplicates -d 'show documents that are the same, or nearly'
complete -c br -n '__br_at chat' -fa list -d 'show the conversations of the notebook'
complete -c br -n '__br_at chat' -fa show -d 'show a conversation with its messages'
complete -c br -n '__br_at chat' -fa rename -d 'give a conversation a title'
complete -c br -n '__br_at chat' -fa pin -d 'list a conversation first'
complete -c br -n '__br_at chat' -fa archive -d 'put a conversation away; it is listed with --all'
complete -c br -n '__br_at chat' -fa delete -d 'delete a conversation with its messages'
complete -c br -n '__br_at chat' -fa export -d 'write a conversation to standard output'
complete -c br -n '__br_at chat' -fa feedback -d 'say whether an answer was good'
complete -c br -n '__br_at index' -fa build -d 'build the index of a notebook'
complete -c br -n '__br_at index' -fa status -d 'show the indexes, and whether one is due'
complete -c br -n '__br_at index' -fa drop -d 'remove the index of a notebook'
complete -c br -n '__br_at keys' -fa create -d 'make a key and print its secret, this once'
complete -c br -n '__br_at keys' -fa list -d 'show all keys that are not revoked'
complete -c br -n '__br_at keys' -fa show -d 'show one key: its state, limits and secrets\' ids'
complete -c br -n '__br_at keys' -fa set -d 'change what a key may do'
complete -c br -n '__br_at keys' -fa enable -d 'let a key be used again'
complete -c br -n '__br_at keys' -fa disable -d 'let a key not be used for a while'
complete -c br -n '__br_at keys' -fa rotate -d 'give a key a new secret and print it, this once'
complete -c br -n '__br_at keys' -fa revoke -d 'end a key for good, and keep its usage'
complete -c br -n '__br_at keys' -fa delete -d 'remove a key and its usage'
complete -c br -n '__br_at keys' -fa usage -d 'show what a key was used for, by day'
complete -c br -n '__br_at keys' -fa check -d 'tell what a secret on standard input may do'
complete -c br -n '__br_at tenant' -fa create -d 'make a tenant and print its id'
complete -c br -n '__br_at tenant' -fa list -d 'list tenants'
complete -c br -n '__br_at tenant' -fa show -d 'show a tenant, and how its questions were answered'
complete -c br -n '__br_at tenant' -fa set -d 'change limits or the name of a tenant'
complete -c br -n '__br_at tenant' -fa enable -d 'let a tenant be served again'
complete -c br -n '__br_at tenant' -fa disable -d 'refuse all requests for a tenant, and keep what it has'
complete -c br -n '__br_at tenant' -fa secret -d 'give a tenant a secret for signed pushes and print it'
complete -c br -n '__br_at tenant' -fa delete -d 'remove a tenant with its knowledge bases, conversations and records'
complete -c br -n '__br_at enhance' -fa run -d 'write a context for every passage that has none'
complete -c br -n '__br_at enhance' -fa status -d 'tell how far each document is'
complete -c br -n '__br_at enhance' -fa show -d 'print the contexts of a document'
complete -c br -n '__br_at enhance' -fa publish -d 'make passages be found by their contexts, too'
complete -c br -n '__br_at enhance' -fa reset -d 'drop contexts, and take them out of the index'
complete -c br -n '__br_at wiki' -fa plan -d 'print the topics, find them in the notebook, or take a list'
complete -c br -n '__br_at wiki' -fa compile -d 'write the pages of which something changed'
complete -c br -n '__br_at wiki' -fa lint -d 'check citations and contradictions of pages; exit 3 when one fails'
complete -c br -n '__br_at wiki' -fa list -d 'list pages and what may be served'
complete -c br -n '__br_at wiki' -fa show -d 'print a page and the places it quotes'
complete -c br -n '__br_at wiki' -fa patch -d 'put a verified fact into a page'
complete -c br -n '__br_at wiki' -fa history -d 'list the versions of a page, or publish another one'
complete -c br -n '__br_at wiki' -fa export -d 'write pages as Markdown files into a folder'
complete -c br -n '__br_at webhook' -fa create -d 'make a webhook and print its id'
complete -c br -n '__br_at webhook' -fa list -d 'show all webhooks'
complete -c br -n '__br_at webhook' -fa show -d 'show one webhook'
complete -c br -n '__br_at webhook' -fa test -d 'send a made-up event now and tell whether it arrived'
complete -c br -n '__br_at webhook' -fa deliveries -d 'show what was sent and what waits, newest first'
complete -c br -n '__br_at webhook' -fa enable -d 'let a webhook be told again'
complete -c br -n '__br_at webhook' -fa disable -d 'tell a webhook nothing for a while'
complete -c br -n '__br_at webhook' -fa delete -d 'remove a webhook and what waits for it'
complete -c br -n '__br_in init' -xa '(__fish_complete_directories)'
complete -c br -n '__br_in notebook list' -l names -d 'only the names, one a line'
complete -c br -n '__br_in notebook show' -xa '(br notebook list --names 2>/dev/null)'
complete -c br -n '__br_in notebook rename' -xa '(br notebook list --names 2>/dev/null)'
complete -c br -n '__br_in notebook use' -xa '(br notebook list --names 2>/dev/null)'
complete -c br -n '__br_in notebook reembed' -l plan -d 'tell what it would take, and change nothing; exit 4'
complete -c br -n '__br_in notebook reembed' -l model -d 'whose vectors: of the model inside br, or of the embedding service; the service\'s if one is configured' -xa 'builtin service'
complete -c br -n '__br_in notebook reembed' -xa '(br notebook list --names 2>/dev/null)'
complete -c br -n '__br_in notebook delete' -l yes -s y -d 'do not ask'
complete -c br -n '__br_in notebook delete' -xa '(br notebook list --names 2>/dev/null)'
complete -c br -n '__br_in config get' -xa 'search.strategy search.top search.rerank chunk.strategy chunk.size chunk.overlap bm25.k1 bm25.b language core.threads core.color core.pager core.wait ingest.max_file ingest.hidden net.allow_private net.allow net.proxy net.ca_file net.contact net.timeout net.max_size net.delay chat.provider chat.model chat.base_url chat.key chat.key_command chat.temperature chat.max_tokens chat.price_prompt chat.price_completion ollama.base_url embed.provider embed.model embed.base_url embed.key embed.key_command embed.dimensions embed.query_prefix embed.passage_prefix embed.input_type embed.batch embed.price embed.cache rerank.provider rerank.model rerank.base_url rerank.key rerank.key_command rerank.price llm.connect_timeout llm.first_timeout llm.idle_timeout llm.timeout llm.retries llm.concurrency ann.kind ann.min_rows ann.auto extract.ocr extract.ocr_language auth.profile auth.bypass auth.secret_key auth.publishable_key auth.jwks_url auth.jwks_file auth.issuer auth.audience auth.admins auth.refresh auth.max_age auth.secret auth.developer_rate health.duplicate health.near_duplicate health.orphan health.lost_original health.stale health.failed health.gone_page health.no_text health.broken_reference health.missing_vector health.long_passage health.short_passage health.garbage health.vector_index health.embedding_cache health.similarity health.stale_after health.max_passage health.min_passage health.warning health.critical log.questions serve.listen serve.hosts serve.origins serve.access_log serve.audit_log serve.proxies serve.grace serve.cache serve.upload serve.workers webhook.retry webhook.give_up remote.key external.enabled external.rate external.base_url tenant.models tenant.small_model tenant.retry_delay tenant.ping tenant.scrape_delay extract.helper'
complete -c br -n '__br_in config set' -l user -d 'the user\'s own settings instead of the workspace\'s'
complete -c br -n '__br_in config set' -xa 'search.strategy search.top search.rerank chunk.strategy chunk.size chunk.overlap bm25.k1 bm25.b language core.threads core.color core.pager core.wait ingest.max_file ingest.hidden net.allow_private net.allow net.proxy net.ca_file net.contact net.timeout net.max_size net.delay chat.provider chat.model chat.base_url chat.key chat.key_command chat.temperature chat.max_tokens chat.price_prompt chat.price_completion ollama.base_url embed.provider embed.model embed.base_url embed.key embed.key_command embed.dimensions embed.query_prefix embed.passage_prefix embed.input_type embed.batch embed.price embed.cache rerank.provider rerank.model rerank.base_url rerank.key rerank.key_command rerank.price llm.connect_timeout llm.first_timeout llm.idle_timeout llm.timeout llm.retries llm.concurrency ann.kind ann.min_rows ann.auto extract.ocr extract.ocr_language auth.profile auth.bypass auth.secret_key auth.publishable_key auth.jwks_url auth.jwks_file auth.issuer auth.audience auth.admins auth.refresh auth.max_age auth.secret auth.developer_rate health.duplicate health.near_duplicate health.orphan health.lost_original health.stale health.failed health.gone_page health.no_text health.broken_reference health.missing_vector health.long_passage health.short_passage health.garbage health.vector_index health.embedding_cache health.similarity health.stale_after health.max_passage health.min_passage health.warning health.critical log.questions serve.listen serve.hosts serve.origins serve.access_log serve.audit_log serve.proxies serve.grace serve.cache serve.upload serve.workers webhook.retry webhook.give_up remote.key external.enabled external.rate external.base_url tenant.models tenant.small_model tenant.retry_delay tenant.ping tenant.scrape_delay extract.helper'
complete -c br -n '__br_in config unset' -l user -d 'the user\'s own settings instead of the workspace\'s'
complete -c br -n '__br_in config unset' -xa 'search.strategy search.top search.rerank chunk.strategy chunk.size chunk.overlap bm25.k1 bm25.b language core.threads core.color core.pager core.wait ingest.max_file ingest.hidden net.allow_private net.allow net.proxy net.ca_file net.contact net.timeout net.max_size net.delay chat.provider chat.model chat.base_url chat.key chat.key_command chat.temperature chat.max_tokens chat.price_prompt chat.price_completion ollama.base_url embed.provider embed.model embed.base_url embed.key embed.key_command embed.dimensions embed.query_prefix embed.passage_prefix embed.input_type embed.batch embed.price embed.cache rerank.provider rerank.model rerank.base_url rerank.key rerank.key_command rerank.price llm.connect_timeout llm.first_timeout llm.idle_timeout llm.timeout llm.retries llm.concurrency ann.kind ann.min_rows ann.auto extract.ocr extract.ocr_language auth.profile auth.bypass auth.secret_key auth.publishable_key auth.jwks_url auth.jwks_file auth.issuer auth.audience auth.admins auth.refresh auth.max_age auth.secret auth.developer_rate health.duplicate health.near_duplicate health.orphan health.lost_original health.stale health.failed health.gone_page health.no_text health.broken_reference health.missing_vector health.long_passage health.short_passage health.garbage health.vector_index health.embedding_cache health.similarity health.stale_after health.max_passage health.min_passage health.warning health.critical log.questions serve.listen serve.hosts serve.origins serve.access_log serve.audit_log serve.proxies serve.grace serve.cache serve.upload serve.workers webhook.retry webhook.give_up remote.key external.enabled external.rate external.base_url tenant.models tenant.small_model tenant.retry_delay tenant.ping tenant.scrape_delay extract.helper'
complete -c br -n '__br_in config list' -l set -d 'only settings that differ from the built-in ones'
complete -c br -n '__br_in config path' -l user -d 'the user\'s own settings instead of the workspace\'s'
complete -c br -n '__br_in sync' -l plan -d 'tell what would be done and touch nothing; exit 4 if there is something'
complete -c br -n '__br_in sync' -l force -s f -d 'index again what has not changed'
complete -c br -n '__br_in sync' -l ocr -d 'read the text of pictures and scans, with tesseract'
complete -c br -n '__br_in sync' -l max-errors -d 'stop after n failed inputs; 0 for never' -x
complete -c br -n '__br_in sync' -l nice -d 'leave processor and disk to others'
complete -c br -n '__br_in sync' -l since-commit -d 'look only at what git says changed since this commit' -x
complete -c br -n '__br_in sync' -l watch -s w -d 'go on, and sync whenever something changes'
complete -c br -n '__br_in sync' -l poll -d 'when watching, look at everything so often instead of being told by the system' -x
complete -c br -n '__br_in sync' -l exclude -s x -d 'leave out what this gitignore pattern matches' -x
complete -c br -n '__br_in sync' -l hidden -d 'also names that begin with a dot'
complete -c br -n '__br_in sync' -l no-ignore -d 'do not read .gitignore and .brignore'
complete -c br -n '__br_in sync' -l remote -d 'sync a folder to a knowledge base of the server there; needs no workspace' -x
complete -c br -n '__br_in sync' -l kb -d 'with --remote, the knowledge base' -x
complete -c br -n '__br_in sync' -l key -d 'with --remote, the key; better in BR_REMOTE_KEY, which process lists do not show' -x
complete -c br -n '__br_in sync' -l source -d 'with --remote, kept with each document; only documents of this source are deleted' -x
complete -c br -n '__br_in sync' -l meta -d 'with --remote, metadata of what is uploaded, a JSON object' -x
complete -c br -n '__br_in sync' -l jobs -s j -d 'with --remote, uploads at once' -x
complete -c br -n '__br_in sync' -xa '(__fish_complete_directories)'
complete -c br -n '__br_in watch' -l poll -d 'when watching, look at everything so often instead of being told by the system' -x
complete -c br -n '__br_in watch' -l nice -d 'leave processor and disk to others'
complete -c br -n '__br_in watch' -l exclude -s x -d 'leave out what this gitignore pattern matches' -x
complete -c br -n '__br_in watch' -l hidden -d 'also names that begin with a dot'
complete -c br -n '__br_in watch' -l no-ignore -d 'do not read .gitignore and .brignore'
complete -c br -n '__br_in watch' -xa '(__fish_complete_directories)'
complete -c br -n '__br_in ingest' -l plan -d 'tell what would be done and touch nothing; exit 4 if there is something'
complete -c br -n '__br_in ingest' -l force -s f -d 'index again what has not changed'
complete -c br -n '__br_in ingest' -l ocr -d 'read the text of pictures and scans, with tesseract'
complete -c br -n '__br_in ingest' -l max-errors -d 'stop after n failed inputs; 0 for never' -x
complete -c br -n '__br_in ingest' -l nice -d 'leave processor and disk to others'
complete -c br -n '__br_in ingest' -l depth -d 'of a URL, follow links on the same host n steps far' -x
complete -c br -n '__br_in ingest' -l max-pages -d 'with --depth, ask for n pages at most' -x
complete -c br -n '__br_in ingest' -l delay -d 'with --depth, wait so long between two pages' -x
complete -c br -n '__br_in ingest' -l refresh -d 'ask again for every URL that was indexed'
complete -c br -n '__br_in ingest' -l allow-private -d 'also URLs of this machine and of private networks'
complete -c br -n '__br_in ingest' -l ndjson -d 'read records, one JSON object a line'
complete -c br -n '__br_in ingest' -l stdin-name -d 'name of what comes from standard input (-)' -x
complete -c br -n '__br_in ingest' -l type -s t -d 'take the input as this' -xa 'plain markdown rst asciidoc code csv tsv json ndjson html pdf docx pptx xlsx odt ods odp epub mail mbox xml rtf ipynb subtitles doc xls ppt image zip tar'
complete -c br -n '__br_in ingest' -l title -d 'title, instead of the document\'s own' -x
complete -c br -n '__br_in ingest' -l lang -d 'language (en, de ...), instead of a guess' -x
complete -c br -n '__br_in ingest' -l meta -d 'metadata, a JSON object; filters can ask for it' -x
complete -c br -n '__br_in ingest' -l exclude -s x -d 'leave out what this gitignore pattern matches' -x
complete -c br -n '__br_in ingest' -l hidden -d 'also names that begin with a dot'
complete -c br -n '__br_in ingest' -l no-ignore -d 'do not read .gitignore and .brignore'
complete -c br -n '__br_in ingest' -F
complete -c br -n '__br_in upload' -l stdin-name -d 'name of what comes from standard input (-)' -x
complete -c br -n '__br_in upload' -l title -d 'title, instead of the document\'s own' -x
complete -c br -n '__br_in upload' -l lang -d 'language (en, de ...), instead of a guess' -x
complete -c br -n '__br_in upload' -l meta -d 'metadata, a JSON object; filters can ask for it' -x
complete -c br -n '__br_in upload' -F
complete -c br -n '__br_in docs list' -l failed -d 'only documents that could not be indexed, with the reason'
complete -c br -n '__br_in docs list' -l skipped -d 'only files in which there is nothing to index, with the reason'
complete -c br -n '__br_in docs list' -l paths -d 'only the paths, one a line'
complete -c br -n '__br_in docs list' -xa '(br docs list --paths 2>/dev/null)'
complete -c br -n '__br_in docs show' -xa '(br docs list --paths 2>/dev/null)'
complete -c br -n '__br_in docs cat' -l lines -s l -d 'only these lines (12, 12-40, 12-, -40)' -x
complete -c br -n '__br_in docs cat' -xa '(br docs list --paths 2>/dev/null)'
complete -c br -n '__br_in docs rm' -xa '(br docs list --paths 2>/dev/null)'
complete -c br -n '__br_in docs duplicates' -l threshold -d 'how alike two texts must be, from 0.5 to 1' -x
complete -c br -n '__br_in docs duplicates' -l exact -d 'only documents whose bytes are the same'
complete -c br -n '__br_in query' -l top -s k -d 'return at most n passages' -x
complete -c br -n '__br_in query' -l strategy -s s -d 'how passages are found' -xa 'hybrid fusion full_text semantic hyde multi_query kb_explorer'
complete -c br -n '__br_in query' -l filter -s f -d 'only documents for which this holds (path~docs/**, type=markdown, date>=2026-01-01)' -x
complete -c br -n '__br_in query' -l by-doc -s d -d 'at most one passage of each document: its best'
complete -c br -n '__br_in query' -l no-fold -d 'also show passages nearly identical to a better one'
complete -c br -n '__br_in query' -l plain -d 'the question is words only: quotes, \'-\' and field: mean nothing'
complete -c br -n '__br_in query' -l files-only -s l -d 'print only the paths of documents'
complete -c br -n '__br_in query' -l format -d 'how to print' -xa 'text json ndjson trec csv'
complete -c br -n '__br_in query' -l explain -s e -d 'tell why each passage was found'
complete -c br -n '__br_in query' -l full-text-weight -d 'weight of words, instead of the strategy\'s own' -x
complete -c br -n '__br_in query' -l semantic-weight -d 'weight of meaning, instead of the strategy\'s own' -x
complete -c br -n '__br_in query' -l rerank -d 'let the rerank service put the best passages in order'
complete -c br -n '__br_in query' -l strict -d 'fail where a model or service is missing, instead of doing with less'
complete -c br -n '__br_in query' -l stdin -d 'read questions from standard input, one a line, as the operand \'-\''
complete -c br -n '__br_in chat' -l conversation -s c -d 'go on with this conversation; \'last\' is the one written to last' -x
complete -c br -n '__br_in chat' -l new -d 'begin a conversation with this question'
complete -c br -n '__br_in chat' -l top -s k -d 'passages an answer is made from, 50 at the most' -x
complete -c br -n '__br_in chat' -l strategy -s s -d 'how passages are found' -xa 'hybrid fusion full_text semantic hyde multi_query kb_explorer'
complete -c br -n '__br_in chat' -l files -d 'only from documents whose path matches' -x
complete -c br -n '__br_in chat' -l filter -s f -d 'only from documents for which this holds, as for \'br query\'' -x
complete -c br -n '__br_in chat' -l plain -d 'the question is words only: quotes, \'-\' and field: mean nothing'
complete -c br -n '__br_in chat' -l persona -d 'how a language model writes' -xa 'professional funny mentor storyteller clear custom'
complete -c br -n '__br_in chat' -l language -d 'language of the answer' -xa 'en de es fr it pt nl ru zh ja'
complete -c br -n '__br_in chat' -l strict -d 'fail rather than run as less, and accept no answer without a citation'
complete -c br -n '__br_in chat' -l quote -d 'quote sentences, even if a language model is configured'
complete -c br -n '__br_in chat' -l suggest -d 'also suggest questions'
complete -c br -n '__br_in chat' -l no-stream -d 'print the answer when it is whole'
complete -c br -n '__br_in chat' -l no-save -d 'keep nothing of what is said'
complete -c br -n '__br_in chat list' -l all -s a -d 'archived ones, too'
complete -c br -n '__br_in chat pin' -l off -d 'take it back'
complete -c br -n '__br_in chat archive' -l off -d 'take it back'
complete -c br -n '__br_in chat delete' -l yes -s y -d 'do not ask'
complete -c br -n '__br_in chat export' -l format -d 'how to write it' -xa 'markdown json'
complete -c br -n '__br_in chat feedback' -l like -d 'the answer was good'
complete -c br -n '__br_in chat feedback' -l dislike -d 'the answer was not good'
complete -c br -n '__br_in chat feedback' -l comment -s m -d 'what about it' -x
complete -c br -n '__br_in log' -l top -s k -d 'show at most n questions' -x
complete -c br -n '__br_in log' -l tenant -d 'show what was asked for this tenant, over all its knowledge bases' -x
complete -c br -n '__br_in log' -l clear -d 'forget all past questions of the notebook'
complete -c br -n '__br_in eval' -l strategy -s s -d 'strategies, several separated by commas' -xa 'hybrid fusion full_text semantic hyde multi_query kb_explorer'
complete -c br -n '__br_in eval' -l qrels -d 'judgements whose documents are paths of this notebook' -F
complete -c br -n '__br_in eval' -l queries -d 'questions for --qrels, as BEIR\'s queries.jsonl' -F
complete -c br -n '__br_in eval' -l run -d 'write the ranking as a TREC run file' -F
complete -c br -n '__br_in eval' -l baseline -d 'compare with this run file' -F
complete -c br -n '__br_in eval' -l per-query -d 'show every question'
complete -c br -n '__br_in eval' -l min-ndcg -d 'exit 3 when ndcg@10 stays below x' -x
complete -c br -n '__br_in eval' -xa '(__fish_complete_directories)'
complete -c br -n '__br_in serve' -l listen -s l -d 'listen there; several with commas, port 0: any free one' -x
complete -c br -n '__br_in serve' -l unix -d 'listen on a socket file, for this user alone' -F
complete -c br -n '__br_in serve' -l cert -d 'speak TLS with this certificate (PEM, with its chain)' -F
complete -c br -n '__br_in serve' -l key -d 'the key of the certificate (PEM)' -F
complete -c br -n '__br_in serve' -l host -d 'names under which the server is called, with commas; \'*\' for any' -x
complete -c br -n '__br_in serve' -l origin -d 'origins of web pages that may call, with commas; \'*\' for any' -x
complete -c br -n '__br_in serve' -l access-log -d 'write a line of JSON for each answer there; \'-\' is standard output' -F
complete -c br -n '__br_in serve' -l audit-log -d 'write a line of JSON for each request with a key of the integration API there; audit.log in the workspace where the profile wants one' -F
complete -c br -n '__br_in serve' -l proxy -d 'addresses and networks of proxies of ours, with commas: what they say of clients and of HTTPS is believed' -x
complete -c br -n '__br_in serve' -l pid-file -d 'write the number of the process there' -F
complete -c br -n '__br_in serve' -l grace -d 'at the end, wait so long for answers on their way' -x
complete -c br -n '__br_in serve' -l workers -d 'threads that compute; 0 for one on each processor' -x
complete -c br -n '__br_in serve' -l insecure -d 'listen beyond this machine without asking who calls'
complete -c br -n '__br_in serve' -l print-openapi -d 'print the OpenAPI document and end'
complete -c br -n '__br_in verify' -l quick -d 'counts and ranges only, not every record'
complete -c br -n '__br_in verify' -l repair -d 'build anew what can be derived, and mark the rest to be read again'
complete -c br -n '__br_in health' -l fix -d 'do the repairs that lose nothing, and tell each'
complete -c br -n '__br_in health' -l plan -d 'with --fix: tell what would be done and touch nothing; exit 4 if there is something'
complete -c br -n '__br_in health' -l rule -s r -d 'look at these rules only; several with commas' -x
complete -c br -n '__br_in health' -l rules -d 'list the rules'
complete -c br -n '__br_in health' -l list -s l -d 'print every finding, not only examples'
complete -c br -n '__br_in health' -l examples -d 'findings shown of each rule' -x
complete -c br -n '__br_in health' -l all -s a -d 'every notebook'
complete -c br -n '__br_in health' -l min-score -d 'exit 3 when the score is lower' -x
complete -c br -n '__br_in health' -l format -d 'how it is printed' -xa 'text prometheus'
complete -c br -n '__br_in health' -l output -s o -d 'with --format prometheus: write this file, whole or not at all' -F
complete -c br -n '__br_in health' -l nagios -d 'print the line of a monitoring plugin; exit 0, 1, 2 or 3 as such'
complete -c br -n '__br_in health' -l warning -s w -d 'with --nagios: warn when the score is lower' -x
complete -c br -n '__br_in health' -l critical -s c -d 'with --nagios: critical when the score is lower' -x
complete -c br -n '__br_in gc' -l plan -d 'print what would be done; exit 4 if there is something'
complete -c br -n '__br_in gc' -l no-compact -d 'leave the size of the data file as it is'
complete -c br -n '__br_in index build' -l kind -s k -d 'build this kind, instead of what ann.kind says' -xa 'flat sq8 ivf hnsw pq'
complete -c br -n '__br_in index build' -l force -s f -d 'build even when nothing changed'
complete -c br -n '__br_in index build' -l auto -d 'in the background, and only what is due; sync and ingest start this'
complete -c br -n '__br_in backup' -l verify -d 'check a backup instead of making one'
complete -c br -n '__br_in backup' -l restore -d 'make a workspace in the folder from a backup'
complete -c br -n '__br_in backup' -F
complete -c br -n '__br_in export' -l no-times -d 'without the documents\' times of modification, so that equal files give equal bytes'
complete -c br -n '__br_in export' -xa '(br notebook list --names 2>/dev/null)'
complete -c br -n '__br_in import' -l as -d 'give the notebook this name' -x
complete -c br -n '__br_in import' -l replace -d 'in place of the notebook of that name'
complete -c br -n '__br_in import' -l reembed -d 'make the vectors anew, with the model in use here'
complete -c br -n '__br_in import' -F
complete -c br -n '__br_in models' -l check -d 'ask each service for something small'
complete -c br -n '__br_in models' -l offered -d 'list what the service of a role offers instead' -xa 'chat embed rerank'
complete -c br -n '__br_in keys create' -l kind -d 'the API that it is for' -xa 'any beyond quivr baiyuan'
complete -c br -n '__br_in keys create' -l scope -d 'what it allows: query, kb:read, kb:write, documents:write, webhooks:manage, wiki:write, admin; separated by commas' -x
complete -c br -n '__br_in keys create' -l for -d 'a notebook that it may use; all without one, but for kind beyond the one in use' -xa '(br notebook list --names 2>/dev/null)'
complete -c br -n '__br_in keys create' -l tenant -d 'a tenant that it belongs to' -x
complete -c br -n '__br_in keys create' -l from -d 'an address or network that it may be used from; any without one' -x
complete -c br -n '__br_in keys create' -l rate -d 'at most n requests in any second, minute, hour or day; may be given for several periods' -x
complete -c br -n '__br_in keys create' -l tokens-per-day -d 'tokens of answers in a day of UTC; 0 for no limit' -x
complete -c br -n '__br_in keys create' -l tokens-per-month -d 'and in a month' -x
complete -c br -n '__br_in keys create' -l expires -d 'when it ends: 90d or 12h from now, 2027-01-31, 2027-01-31T12:00:00Z, or never' -x
complete -c br -n '__br_in keys create' -l owner -d 'the user to whom it belongs' -x
complete -c br -n '__br_in keys create' -l disabled -d 'not usable until \'br keys enable\''
complete -c br -n '__br_in keys list' -l kind -d 'only keys of this kind' -xa 'any beyond quivr baiyuan'
complete -c br -n '__br_in keys list' -l all -s a -d 'revoked keys too'
complete -c br -n '__br_in keys set' -l name -d 'another name' -x
complete -c br -n '__br_in keys set' -l scope -d 'what it allows: query, kb:read, kb:write, documents:write, webhooks:manage, wiki:write, admin; separated by commas' -x
complete -c br -n '__br_in keys set' -l for -d 'a notebook that it may use; \'all\' for every one' -xa '(br notebook list --names 2>/dev/null)'
complete -c br -n '__br_in keys set' -l tenant -d 'a tenant that it belongs to' -x
complete -c br -n '__br_in keys set' -l from -d 'an address or network that it may be used from; any without one' -x
complete -c br -n '__br_in keys set' -l rate -d 'at most n requests in any second, minute, hour or day; may be given for several periods' -x
complete -c br -n '__br_in keys set' -l tokens-per-day -d 'tokens of answers in a day of UTC; 0 for no limit' -x
complete -c br -n '__br_in keys set' -l tokens-per-month -d 'and in a month' -x
complete -c br -n '__br_in keys set' -l expires -d 'when it ends: 90d or 12h from now, 2027-01-31, 2027-01-31T12:00:00Z, or never' -x
complete -c br -n '__br_in keys set' -l owner -d 'the user to whom it belongs' -x
complete -c br -n '__br_in keys rotate' -l grace -d 'how long the old secret still works (0, 90m, 24h, 7d)' -x
complete -c br -n '__br_in keys revoke' -l old -d 'only secrets that were rotated away, before their time'
complete -c br -n '__br_in keys delete' -l yes -s y -d 'do not ask'
complete -c br -n '__br_in keys usage' -l days -d 'so many days, today included' -x
complete -c br -n '__br_in keys check' -l address -d 'as if it came from there' -x
complete -c br -n '__br_in keys check' -l scope -d 'and wanted to do this' -x
complete -c br -n '__br_in keys check' -l for -d 'with this notebook' -xa '(br notebook list --names 2>/dev/null)'
complete -c br -n '__br_in keys check' -l tenant -d 'as this tenant' -x
complete -c br -n '__br_in keys check' -l kind -d 'at this API' -xa 'any beyond quivr baiyuan'
complete -c br -n '__br_in tenant create' -l id -d 'an id that clients know already, instead of a new one' -x
complete -c br -n '__br_in tenant create' -l key -d 'make a key of this name for it, too, and print its secret' -x
complete -c br -n '__br_in tenant set' -l name -d 'another name' -x
complete -c br -n '__br_in tenant set' -l rate -d 'requests a minute, whatever keys ask' -x
complete -c br -n '__br_in tenant set' -l memory -d 'messages of a conversation that count; 12 at first' -x
complete -c br -n '__br_in tenant set' -l handoff-timeout -d 'when people do not come, the AI answers again after so long; 0 for never' -x
complete -c br -n '__br_in tenant secret' -l stdin -d 'take the one on standard input instead of a new one'
complete -c br -n '__br_in tenant secret' -l clear -d 'remove it: nothing can be pushed any more'
complete -c br -n '__br_in tenant delete' -l yes -s y -d 'do not ask'
complete -c br -n '__br_in enhance run' -l files -s f -d 'only documents whose path fits; may be given more than once' -x
complete -c br -n '__br_in enhance run' -l limit -d 'at most n passages in this run; 0 is all' -x
complete -c br -n '__br_in enhance run' -l model -d 'let the language model write: auto, if one is configured; off, never; on, or fail' -xa 'auto on off'
complete -c br -n '__br_in enhance run' -l plan -d 'tell what it would take, and ask nobody; exit 4'
complete -c br -n '__br_in enhance status' -l files -s f -d 'only documents whose path fits; may be given more than once' -x
complete -c br -n '__br_in enhance show' -xa '(br docs list --paths 2>/dev/null)'
complete -c br -n '__br_in enhance publish' -l files -s f -d 'only documents whose path fits; may be given more than once' -x
complete -c br -n '__br_in enhance publish' -l partial -d 'also what there is of documents that are not complete'
complete -c br -n '__br_in enhance reset' -l files -s f -d 'only documents whose path fits; may be given more than once' -x
complete -c br -n '__br_in enhance reset' -l failed -d 'only passages that failed; nothing is taken out of the index'
complete -c br -n '__br_in wiki plan' -l find -d 'find topics in the notebook, instead of those found before'
complete -c br -n '__br_in wiki plan' -l file -s f -d 'read the list of people\'s topics from file, \'-\' for standard input' -F
complete -c br -n '__br_in wiki plan' -l edit -s e -d 'edit that list in $VISUAL or $EDITOR'
complete -c br -n '__br_in wiki plan' -l model -d 'let the language model write: auto, if one is configured; off, never; on, or fail' -xa 'auto on off'
complete -c br -n '__br_in wiki compile' -l force -s f -d 'write also pages of which nothing changed'
complete -c br -n '__br_in wiki compile' -l model -d 'let the language model write: auto, if one is configured; off, never; on, or fail' -xa 'auto on off'
complete -c br -n '__br_in wiki compile' -l plan -d 'tell what would be written, and touch nothing; exit 4'
complete -c br -n '__br_in wiki lint' -l no-recompile -d 'only look: leave pages alone that a compile might mend'
complete -c br -n '__br_in wiki lint' -l model -d 'let the language model write: auto, if one is configured; off, never; on, or fail' -xa 'auto on off'
complete -c br -n '__br_in wiki list' -l all -s a -d 'also pages that were deleted'
complete -c br -n '__br_in wiki show' -l version -d 'that version instead of the published one' -x
complete -c br -n '__br_in wiki show' -l markers -d 'leave the markers of passages in the text'
complete -c br -n '__br_in wiki patch' -l section -s s -d 'the section it belongs to, made when there is none' -x
complete -c br -n '__br_in wiki patch' -l claim -s c -d 'id of the verified claim; the same again replaces what it said' -x
complete -c br -n '__br_in wiki patch' -l confidence -d 'how sure it is; below 0.5 it is refused' -x
complete -c br -n '__br_in wiki patch' -l actor -d 'who says so, for the history' -x
complete -c br -n '__br_in wiki patch' -l create -d 'make the page when there is none'
complete -c br -n '__br_in wiki history' -l publish -d 'make version n the published one again' -x
complete -c br -n '__br_in wiki history' -l reviewed -d 'with --publish: a person has read it, whatever lint says'
complete -c br -n '__br_in wiki history' -l actor -d 'with --publish: who did, for the history' -x
complete -c br -n '__br_in wiki export' -l all -s a -d 'also pages that may not be served, such as those that failed lint'
complete -c br -n '__br_in wiki export' -xa '(__fish_complete_directories)'
complete -c br -n '__br_in webhook create' -l event -d 'an event that is told: document.uploaded, document.deleted, document.updated, kb.created, kb.deleted, query.completed, sync.completed, error.ingestion; all but query.completed without one' -x
complete -c br -n '__br_in webhook create' -l for -d 'a notebook whose events are told; all without one' -xa '(br notebook list --names 2>/dev/null)'
complete -c br -n '__br_in webhook create' -l secret -d 'what deliveries are signed with; without it one is made and printed' -x
complete -c br -n '__br_in webhook create' -l unsigned -d 'do not sign deliveries'
complete -c br -n '__br_in webhook create' -l inactive -d 'tell it nothing yet'
complete -c br -n '__br_in webhook deliveries' -l limit -d 'the last n' -x
complete -c br -n '__br_in help' -xa 'init status notebook config sync watch ingest upload docs query chat log eval serve verify health gc index backup export import doctor models keys tenant enhance wiki webhook help version completion'
complete -c br -n '__br_in completion' -xa 'bash zsh fish'
