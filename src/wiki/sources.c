/*
 * Passages that pages cite: their ids, whether they are still there, and what they say.
 *
 * A document is known by its number and a signature of its record; while that is what it was, its passages are. Of one that changed
 * the passages are read and compared, so that those which stayed the same keep their pages.
 */
#include "internal.h"

#include <stdlib.h>

void br_wiki__chunk_id(char out[33], const char *doc_id, struct br_slice text)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	uint8_t hash[16];

	br_buf_adds(&b, doc_id);
	br_buf_addc(&b, '\n');
	br_buf_add(&b, text.ptr, text.len);
	br_hash128(hash, b.ptr, b.len);
	br_hex(out, hash, sizeof hash);
	br_buf_release(&b);
}

uint64_t br_wiki__doc_sig(const struct br_doc *d)
{
	char b[32 + 4 * 4 + 8 + 1];

	memcpy(b, d->sha, 32);
	br_be32(b + 32, d->first_chunk);
	br_be32(b + 36, d->chunks);
	br_be32(b + 40, d->text_bytes);
	br_be32(b + 44, d->tokens);
	br_be64(b + 48, (uint64_t)d->indexed);
	b[56] = (char)d->state;
	return br_hash64(b, sizeof b);
}

/* ---- passages of one document ---- */

struct walk { struct br_txn *t; uint32_t nb; const struct br_doc *d; struct br_text_reader *reader; struct br_buf text; };
typedef void passage_fn(const char *id, const struct br_chunk_rec *c, struct br_slice text, void *arg);

static int each_passage(struct walk *w, passage_fn *fn, void *arg, struct br_err *err)
{
	struct br_chunk_rec c;
	char id[33];
	int rc = 0;

	for (uint32_t i = 0; i < w->d->chunks && rc == 0; i++) {
		br_buf_reset(&w->text);
		if ((rc = br_chunk_get(&c, w->t, w->nb, w->d->first_chunk + i, err)) == 0 &&
		    (rc = br_doc_text(&w->text, w->reader, w->t, w->nb, w->d->doc, c.off, c.len, err)) == 0) {
			br_wiki__chunk_id(id, w->d->id, br_buf_slice(&w->text));
			fn(id, &c, br_buf_slice(&w->text), arg);
		}
	}
	return rc;
}

static int walk_doc(struct br_txn *t, uint32_t nb, const struct br_doc *d, passage_fn *fn, void *arg, struct br_err *err)
{
	struct walk w = { .t = t, .nb = nb, .d = d, .reader = br_text_reader_new(), .text = BR_BUF_INIT(BR_MAX_TEXT) };
	int rc = each_passage(&w, fn, arg, err);

	br_text_reader_free(w.reader);
	br_buf_release(&w.text);
	return rc;
}

/* The cited document, or NULL when it is gone. */
static int cited_doc(struct br_doc **out, struct br_arena *a, struct br_txn *t, uint32_t nb, const struct cited *c, struct br_err *err)
{
	struct br_err why = { 0 };
	int rc = br_doc_get(out, a, t, nb, c->doc, &why);

	if (rc == -BR_ENOTFOUND || (rc == 0 && ((*out)->state != BR_DOC_INDEXED || strcmp((*out)->id, c->id)))) {
		*out = NULL;
		return 0;
	}
	if (rc < 0 && err)
		*err = why;
	return rc;
}

/* ---- what is gone ---- */

struct search { const struct version *v; uint32_t doc; bool *gone; };

static void on_found(const char *id, const struct br_chunk_rec *c, struct br_slice text, void *arg)
{
	struct search *s = arg;

	(void)c, (void)text;
	for (size_t i = 0; i < s->v->p.n_sources; i++)
		if (s->v->of[i] == s->doc && !strcmp(s->v->p.source[i].chunk, id))
			s->gone[i] = false;
}

static int gone_of_doc(bool *gone, struct br_arena *a, struct br_txn *t, uint32_t nb, const struct version *v, uint32_t doc, struct br_err *err)
{
	struct search s = { v, doc, gone };
	struct br_doc *d;
	int rc = cited_doc(&d, a, t, nb, &v->doc[doc], err);

	if (rc < 0 || (d && br_wiki__doc_sig(d) == v->doc[doc].sig))
		return rc;
	for (size_t i = 0; i < v->p.n_sources; i++)
		if (v->of[i] == doc)
			gone[i] = true;
	return d ? walk_doc(t, nb, d, on_found, &s, err) : 0;
}

int br_wiki__gone(bool *gone, struct br_txn *t, uint32_t nb, const struct version *v, struct br_err *err)
{
	struct br_arena a = { 0 };
	int rc = 0, n = 0;

	memset(gone, 0, v->p.n_sources * sizeof *gone);
	for (uint32_t i = 0; i < v->n_docs && rc == 0; i++)
		rc = gone_of_doc(gone, &a, t, nb, v, i, err);
	for (size_t i = 0; i < v->p.n_sources; i++)
		n += gone[i];
	br_arena_release(&a);
	return rc < 0 ? rc : n;
}

/* ---- what they say ---- */

struct resolve { struct br_wiki_passages *out; struct br_arena *a; const struct br_doc *d; };

static void on_passage(const char *id, const struct br_chunk_rec *c, struct br_slice text, void *arg)
{
	struct resolve *r = arg;

	for (size_t i = 0; i < r->out->v.n; i++) {
		struct br_wiki_passage *p = &r->out->v.v[i];
		if (p->there || strcmp(p->chunk, id) || strcmp(p->doc_id, r->d->id))
			continue;
		*p = (struct br_wiki_passage){ .there = true, .doc_id = p->doc_id, .path = r->d->path, .title = r->d->title,
			.text = br_arena_strndup(r->a, text.ptr, text.len), .doc = r->d->doc, .number = c->chunk, .ordinal = c->ordinal,
			.line = c->line, .line_end = c->line_end, .page = c->page };
		memcpy(p->chunk, id, sizeof p->chunk);
	}
}

int br_wiki_sources(struct br_wiki_passages *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const struct br_wiki_page *p, struct br_err *err)
{
	struct resolve r = { .out = out, .a = a };
	struct version v;
	int rc;

	*out = (struct br_wiki_passages){ 0 };
	if ((rc = br_wiki__version_get(&v, a, t, nb, p->slug, p->version, err)) < 0)
		return rc;
	for (size_t i = 0; i < v.p.n_sources; i++) {
		struct br_wiki_passage *x = br_vec_push(&out->v);
		*x = (struct br_wiki_passage){ .doc_id = v.p.source[i].doc_id, .path = "", .title = "", .text = "" };
		memcpy(x->chunk, v.p.source[i].chunk, sizeof x->chunk);
	}
	for (size_t i = 0; i < v.n_docs && rc == 0; i++) {
		struct br_doc *d;
		if ((rc = cited_doc(&d, a, t, nb, &v.doc[i], err)) == 0 && d) {
			r.d = d;
			rc = walk_doc(t, nb, d, on_passage, &r, err);
		}
	}
	if (rc < 0)
		br_vec_release(&out->v);
	return rc;
}
