/* A result as JSON, the shape of br-json(7), for the command line and the server alike. */
#include "br/retrieve.h"

static void why(struct br_json *j, const struct br_found *f)
{
	const char *at = f->matched ? f->matched : "";
	size_t n;

	br_json_key(j, "why");
	br_json_obj(j);
	br_json_key(j, "lexical");
	br_json_obj(j);
	br_json_kint(j, "rank", f->lexical_rank);
	br_json_knum(j, "bm25", f->bm25, 6);
	br_json_knum(j, "share", f->f_lexical, 6);
	br_json_end(j);
	br_json_key(j, "semantic");
	br_json_obj(j);
	br_json_kint(j, "rank", f->semantic_rank);
	br_json_knum(j, "cosine", f->cosine, 6);
	br_json_knum(j, "share", f->f_semantic, 6);
	br_json_end(j);
	br_json_knum(j, "title", f->f_title, 6);
	br_json_knum(j, "pairs", f->f_pairs, 6);
	br_json_knum(j, "about", f->f_about, 6);
	br_json_knum(j, "many", f->f_many, 6);
	br_json_knum(j, "crowding", f->f_crowding, 6);
	br_json_kuint(j, "folded", f->folded);
	br_json_key(j, "matched");
	br_json_arr(j);
	for (at += strspn(at, " "); (n = strcspn(at, " ")); at += n, at += strspn(at, " "))
		br_json_strn(j, at, n);
	br_json_end(j);
	br_json_end(j);
}

static void number_or_null(struct br_json *j, const char *key, uint32_t n)
{
	if (n)
		br_json_kuint(j, key, n);
	else
		br_json_knull(j, key);
}

void br_found_json(struct br_json *j, const struct br_found *f, size_t rank, const struct br_result_json *how)
{
	const char *const *h;

	br_json_kuint(j, "rank", rank);
	br_json_knum(j, "score", f->score, 6);
	br_json_kstr(j, "path", f->path);
	br_json_kstr(j, "title", f->title);
	br_json_key(j, "heading");
	br_json_arr(j);
	for (h = f->heading; h && *h; h++)
		br_json_str(j, *h);
	br_json_end(j);
	br_json_key(j, "lines");
	br_json_obj(j);
	number_or_null(j, "from", f->line);
	number_or_null(j, "to", f->line_end);
	br_json_end(j);
	number_or_null(j, "page", f->page);
	br_json_kbool(j, "stale", f->stale);
	br_json_kstr(j, "doc_id", f->doc_id);
	br_json_kuint(j, "chunk", f->ordinal);
	if (!how->no_text)
		br_json_kstr(j, "text", f->text);
	if (how->explain)
		why(j, f);
}

static void times(struct br_json *j, const struct br_result *r)
{
	char iso[32];

	br_json_kuint(j, "generation", r->generation);
	br_time_iso(iso, r->indexed_at);
	br_json_kstr(j, "indexed_at", r->indexed_at ? iso : NULL);
	br_json_kuint(j, "stale_sources", r->stale_sources);
	br_json_kbool(j, "stale_complete", r->fresh.complete);
	br_json_knum(j, "took_ms", r->took_ms, 3);
}

void br_result_json(struct br_json *j, const struct br_result *r, const struct br_result_json *how)
{
	br_json_obj(j);
	br_json_kint(j, "v", 1);
	if (how->id)
		br_json_kstr(j, "id", how->id);
	br_json_kstr(j, "query", r->query);
	br_json_kstr(j, "notebook", r->notebook);
	br_json_kstr(j, "strategy", r->strategy);
	br_json_kstr(j, "degraded", r->degraded);
	times(j, r);
	if (how->explain) {
		br_json_kuint(j, "candidates", r->candidates);
		br_json_kstr(j, "way", r->way);
		br_json_knum(j, "fit", r->fit, 4);
		if (r->trace) {
			br_json_key(j, "trace");
			br_json_arr(j);
			for (const char *const *line = r->trace; *line; line++)
				br_json_str(j, *line);
			br_json_end(j);
		}
	}
	br_json_key(j, "hits");
	br_json_arr(j);
	for (size_t i = 0; i < r->n; i++) {
		br_json_obj(j);
		br_found_json(j, &r->hit[i], i + 1, how);
		br_json_end(j);
	}
	br_json_end(j);
	br_json_end(j);
}
