/*
 * Retrieval as the contract has it: two lists of strategies, what a notebook says where a request does not, scores from 0 to 1.
 * Strategies that want a language model run as fusion where none is configured.
 */
#include "beyond.h"

#include <stdlib.h>

struct alias { const char *name, *is, *without; bool rerank; }; /* without: what it is where there is no language model */
static const struct alias aliases[] = {
	{ "fusion", "fusion", "fusion", false }, { "semantic", "semantic", "semantic", false }, { "full_text", "full_text", "full_text", false },
	{ "hybrid", "hybrid", "hybrid", false }, { "hyde", "hyde", "fusion", false }, { "multi_query", "multi_query", "fusion", false },
	{ "kb_explorer", "kb_explorer", "fusion", false }, { "semantic-context", "semantic", "semantic", false },
	{ "semantic-rerank", "semantic", "semantic", true }, { "hybrid-rerank", "hybrid", "hybrid", true },
	{ "expanded-hybrid", "multi_query", "fusion", false }, { "multi-query", "multi_query", "fusion", false },
	{ "advanced-multipath", "multi_query", "fusion", false }, { "agentic-sql", "kb_explorer", "fusion", false },
	{ "agent-router", "kb_explorer", "fusion", false }, { "agent-harness", "kb_explorer", "fusion", false },
};

static const struct alias *find_alias(const char *name)
{
	for (size_t i = 0; i < BR_COUNT(aliases); i++)
		if (!strcmp(aliases[i].name, name))
			return &aliases[i];
	return NULL;
}

static const char *const *file_filter(struct br_req *r, const struct br_jval *files)
{
	const char **filter = br_arena_zalloc(br_req_arena(r), 2 * sizeof *filter);
	struct br_buf b = BR_BUF_INIT(1 << 20);

	br_buf_adds(&b, "id=");
	for (const struct br_jval *f = br_jval_first(files); f; f = br_jval_next(f))
		if (br_jval_str(f) && !strchr(br_jval_str(f), ','))
			br_buf_addf(&b, "%s%s", b.len > 3 ? "," : "", br_jval_str(f));
	filter[0] = br_arena_strndup(br_req_arena(r), b.ptr, b.len);
	br_buf_release(&b);
	return filter;
}

/* Weight 0 takes part of the search away altogether. */
static const char *by_weights(const char *strategy, double full_text, double semantic)
{
	if (strcmp(strategy, "fusion") && strcmp(strategy, "hybrid"))
		return strategy;
	return full_text <= 0 && semantic > 0 ? "semantic" : semantic <= 0 && full_text > 0 ? "full_text" : strategy;
}

static void set_weights(struct br_beyond_ask *out, const struct br_nb_values *v, const struct br_beyond_question *q)
{
	double full_text = q->full_text >= 0 ? q->full_text : br_nb_num(v, "search.full_text_weight");
	double semantic = q->semantic >= 0 ? q->semantic : br_nb_num(v, "search.semantic_weight");

	out->opts.strategy = by_weights(out->opts.strategy, full_text, semantic);
	if (full_text != semantic && full_text > 0 && semantic > 0) { /* alike: the strategy's own */
		out->opts.full_text_weight = full_text;
		out->opts.semantic_weight = semantic;
	}
}

static int open_models(struct br_beyond_ask *out, struct br_req *r, const struct alias *is, const struct br_nb *nb, struct br_err *err)
{
	const struct br_config *c = br_req_ws(r)->config;
	bool rerank = is->rerank && br_llm_configured(c, BR_LLM_RERANK), asks = br_strategy_asks(is->is) && br_llm_configured(c, BR_LLM_CHAT);
	int rc = 0;

	out->later = (rerank || asks || br_llm_configured(c, BR_LLM_EMBED)) && !br_req_may_wait(r);
	if (out->later)
		return 0;
	if (asks && ((rc = br_nb_llm_open(&out->llm, c, nb, err)) < 0 || (rc = br_beyond__use_key(out->llm, r, nb, err)) < 0))
		return rc;
	if (rerank && (rc = br_llm_open(&out->rerank, c, BR_LLM_RERANK, err)) < 0)
		return rc;
	out->opts.ask = asks ? br_ask_llm : NULL;
	out->opts.ask_arg = out->opts.explorer = out->llm;
	out->opts.rerank = out->rerank;
	out->opts.reorder = is->rerank && !rerank;
	return 0;
}

static const struct alias *choose(const char *asked, const struct br_nb_values *v, struct br_err *err)
{
	const char *name = asked ? asked : br_nb_str(v, "search.strategy");
	const struct alias *is = find_alias(name ? name : BEYOND_STRATEGY);

	if (!is)
		br_fail(err, BR_EUSAGE, "Unknown strategy '%.60s'", name);
	return is;
}

static int fill(struct br_beyond_ask *out, struct br_req *r, const struct br_nb *nb, const struct br_nb_values *v, const struct br_beyond_question *q,
                struct br_err *err)
{
	const struct alias *is = choose(q->strategy, v, err);
	int64_t rerank = q->rerank_top ? q->rerank_top : br_nb_int(v, "search.rerank_top");
	int rc;

	if (!is)
		return -BR_EUSAGE;
	out->strategy = is->name;
	out->opts.top = (uint32_t)(q->top ? q->top : br_nb_int(v, "search.top"));
	out->opts.rrf_k = (double)(q->rrf_k ? q->rrf_k : br_nb_int(v, "search.rrf_k"));
	if (is->rerank)
		out->opts.top = BR_MIN(out->opts.top, (uint32_t)rerank);
	rc = open_models(out, r, is, nb, err);
	out->opts.strategy = out->llm ? is->is : is->without;
	set_weights(out, v, q);
	if (q->files && br_jval_first(q->files))
		out->opts.filter = file_filter(r, q->files);
	return rc;
}

int br_beyond__ask(struct br_beyond_ask *out, struct br_req *r, const struct br_nb *nb, const struct br_beyond_question *q, struct br_err *err)
{
	struct br_nb_values *v = br_nb_values_new(nb);
	int rc;

	*out = (struct br_beyond_ask){ .opts = BR_QUERY_OPTS_DEFAULT };
	out->opts.notebook = nb->id;
	rc = fill(out, r, nb, v, q, err);
	br_nb_values_free(v);
	return rc;
}

void br_beyond__ask_close(struct br_beyond_ask *a)
{
	br_llm_close(a->llm);
	br_llm_close(a->rerank);
}

double br_beyond__score(double score, double best)
{
	double s = best > 0 ? score / best : 0;

	return s < 0 ? 0 : s > 1 ? 1 : s;
}

void br_beyond__metadata(struct br_json *j, const struct br_nb *nb, const struct br_found *f)
{
	const char *name = br_path_base(f->path);

	br_json_obj(j);
	br_json_kstr(j, "file_id", f->doc_id);
	br_json_kstr(j, "file_name", name);
	br_json_kstr(j, "file_title", f->title && *f->title ? f->title : name);
	br_json_kstr(j, "source", name);
	br_json_kuint(j, "chunk_index", f->ordinal);
	br_json_kstr(j, "notebook_id", nb->id);
	br_json_key(j, "loc");
	br_json_obj(j);
	br_json_key(j, "lines");
	br_json_obj(j);
	br_json_kuint(j, "from", f->line);
	br_json_kuint(j, "to", f->line_end);
	br_json_end(j);
	br_json_end(j);
	if (f->page)
		br_json_kuint(j, "page", f->page);
	br_json_end(j);
}

static const struct br_field lines_out[] = { { "from", MUST(INT) }, { "to", MUST(INT) }, BR_FIELD_END };
static const struct br_shape lines_shape = { "BeyondLines", lines_out, 0 };
static const struct br_field loc_out[] = { { "lines", MUST(OBJ), .shape = &lines_shape }, BR_FIELD_END };
static const struct br_shape loc_shape = { "BeyondLocation", loc_out, 0 };
static const struct br_field metadata_out[] = {
	{ "file_id", MUST(STR) }, { "file_name", MUST(STR) }, { "file_title", MUST(STR) }, { "source", MUST(STR) }, { "chunk_index", MUST(INT) },
	{ "notebook_id", MUST(STR) }, { "loc", MUST(OBJ), .shape = &loc_shape }, { "page", BR_FOUT(INT) }, BR_FIELD_END,
};
const struct br_shape br_beyond__metadata_shape = { "BeyondChunkMetadata", metadata_out, 0 };
