/* Answers for programs: JSON, NDJSON, TREC run lines, CSV. The JSON shapes are those of br-json(7). */
#include "query.h"

#include <ctype.h>

/* ---- JSON ---- */

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

static void hit_fields(struct br_cli *c, struct br_json *j, const struct br_found *f, size_t rank)
{
	const struct br_query_params *p = c->params;
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
	if (!p->files_only)
		br_json_kstr(j, "text", f->text);
	if (p->explain)
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

void br_query_json(struct br_cli *c, const struct br_answer *a)
{
	const struct br_query_params *p = c->params;
	const struct br_result *r = a->r;
	struct br_json j;
	size_t i;

	br_json_init(&j, br_out_json(&c->out), false);
	br_json_obj(&j);
	br_json_kint(&j, "v", 1);
	if (a->several)
		br_json_kstr(&j, "id", a->id);
	br_json_kstr(&j, "query", r->query);
	br_json_kstr(&j, "notebook", r->notebook);
	br_json_kstr(&j, "strategy", r->strategy);
	br_json_kstr(&j, "degraded", r->degraded);
	times(&j, r);
	if (p->explain) {
		br_json_kuint(&j, "candidates", r->candidates);
		br_json_kstr(&j, "way", r->way);
		br_json_knum(&j, "fit", r->fit, 4);
	}
	br_json_key(&j, "hits");
	br_json_arr(&j);
	for (i = 0; i < r->n; i++) {
		br_json_obj(&j);
		hit_fields(c, &j, &r->hit[i], i + 1);
		br_json_end(&j);
	}
	br_json_end(&j);
	br_json_end(&j);
	br_out_line(&c->out);
}

/* One hit a line. */
void br_query_ndjson(struct br_cli *c, const struct br_answer *a)
{
	struct br_json j;
	size_t i;

	for (i = 0; i < a->r->n; i++) {
		br_json_init(&j, br_out_json(&c->out), false);
		br_json_obj(&j);
		if (a->several)
			br_json_kstr(&j, "id", a->id);
		br_json_kstr(&j, "query", a->r->query);
		hit_fields(c, &j, &a->r->hit[i], i + 1);
		br_json_end(&j);
		br_out_line(&c->out);
	}
}

/* ---- TREC: "question Q0 document rank score tag"; white space inside a field is percent-encoded ---- */

static void trec_field(struct br_out *o, const char *s)
{
	for (; *s; s++) {
		if (isspace((unsigned char)*s) || *s == '%')
			br_out_f(o, "%%%02X", (unsigned char)*s);
		else
			br_out_n(o, s, 1);
	}
}

void br_query_trec(struct br_cli *c, const struct br_answer *a)
{
	size_t i;

	for (i = 0; i < a->r->n; i++) {
		trec_field(&c->out, a->id ? a->id : "1");
		br_out_s(&c->out, " Q0 ");
		trec_field(&c->out, a->r->hit[i].path);
		br_out_f(&c->out, " %zu %.9g br-%s\n", i + 1, a->r->hit[i].score, a->r->strategy);
	}
}

/* ---- CSV as RFC 4180 has it, lines ended by LF ---- */

static void csv_field(struct br_out *o, const char *s)
{
	const char *quote;

	if (s && s[strcspn(s, "\",\r\n")]) {
		br_out_s(o, "\"");
		for (; (quote = strchr(s, '"')); s = quote + 1) {
			br_out_n(o, s, (size_t)(quote - s) + 1);
			br_out_s(o, "\"");
		}
		br_out_s(o, s);
		br_out_s(o, "\"");
	} else {
		br_out_s(o, s ? s : "");
	}
}

static void csv_headings(struct br_out *o, const struct br_found *f)
{
	struct br_buf b = BR_BUF_INIT(64u << 10);
	const char *const *h;

	for (h = f->heading; h && *h; h++)
		br_buf_addf(&b, "%s%s", b.len ? " > " : "", *h);
	csv_field(o, b.ptr);
	br_buf_release(&b);
}

void br_query_csv(struct br_cli *c, const struct br_answer *a)
{
	struct br_out *o = &c->out;
	const struct br_found *f;
	size_t i;

	if (a->number == 1)
		br_out_s(o, "query,rank,score,path,from,to,page,title,heading,doc_id,chunk,text\n");
	for (i = 0; i < a->r->n; i++) {
		f = &a->r->hit[i];
		csv_field(o, a->r->query);
		br_out_f(o, ",%zu,%.6f,", i + 1, f->score);
		csv_field(o, f->path);
		br_out_f(o, ",%u,%u,%u,", f->line, f->line_end, f->page);
		csv_field(o, f->title);
		br_out_s(o, ",");
		csv_headings(o, f);
		br_out_f(o, ",%s,%u,", f->doc_id, f->ordinal);
		csv_field(o, f->text);
		br_out_s(o, "\n");
	}
}
