/* Answers for programs: JSON, NDJSON, TREC run lines, CSV. The JSON shapes are those of br-json(7). */
#include "query.h"

#include <ctype.h>

/* ---- JSON ---- */

static struct br_result_json how(const struct br_cli *c, const struct br_answer *a)
{
	const struct br_query_params *p = c->params;

	return (struct br_result_json){ .id = a->several ? a->id : NULL, .explain = p->explain, .no_text = p->files_only };
}

void br_query_json(struct br_cli *c, const struct br_answer *a)
{
	struct br_result_json as = how(c, a);
	struct br_json j;

	br_json_init(&j, br_out_json(&c->out), false);
	br_result_json(&j, a->r, &as);
	br_out_line(&c->out);
}

/* One hit a line. */
void br_query_ndjson(struct br_cli *c, const struct br_answer *a)
{
	struct br_result_json as = how(c, a);
	struct br_json j;
	size_t i;

	for (i = 0; i < a->r->n; i++) {
		br_json_init(&j, br_out_json(&c->out), false);
		br_json_obj(&j);
		if (a->several)
			br_json_kstr(&j, "id", a->id);
		br_json_kstr(&j, "query", a->r->query);
		br_found_json(&j, &a->r->hit[i], i + 1, &as);
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
