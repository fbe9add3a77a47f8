/*
 * H1, H2: health as the contract scores it. A passage is a duplicate when it stands in a document that says the same, passage by
 * passage, as an older one: such a document can be taken away whole, which is what cleanup does, so that its count is the one told before.
 */
#include "beyond.h"

#include "br/enhance.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

struct copy { uint32_t doc, first_of, chunks; char id[37]; uint8_t sign[16]; size_t hashes; }; /* first_of: index of the oldest; its own: it is that */
struct survey {
	struct br_req *r;
	const struct br_nb *nb;
	struct br_txn *t;
	struct br_text_reader *reader;
	struct br_buf text;
	BR_VEC(struct copy) doc;
	BR_VEC(struct content { uint8_t h[16]; }) hash; /* of all passages, by document */
	uint64_t duplicates, enhanced;
	struct br_err *err;
};

/* ---- what says the same ---- */

/* Without regard to case and to white space at both ends. */
static void hash_text(uint8_t out[16], struct br_buf *b)
{
	size_t from = 0, to = b->len;

	while (from < to && isspace((unsigned char)b->ptr[from]))
		from++;
	while (to > from && isspace((unsigned char)b->ptr[to - 1]))
		to--;
	for (size_t i = from; i < to; i++)
		b->ptr[i] = (char)tolower((unsigned char)b->ptr[i]);
	br_hash128(out, b->ptr + from, to - from);
}

static int survey_doc(const struct br_doc *d, void *arg)
{
	struct survey *s = arg;
	struct copy *c;
	int rc = 0;

	if (d->state != BR_DOC_INDEXED || !d->chunks)
		return 0;
	c = br_vec_push(&s->doc);
	*c = (struct copy){ .doc = d->doc, .chunks = d->chunks, .hashes = s->hash.n };
	memcpy(c->id, d->id, sizeof c->id);
	for (uint32_t i = 0; i < d->chunks && rc == 0; i++) {
		struct br_chunk_rec k;
		if ((rc = br_chunk_get(&k, s->t, s->nb->nb, d->first_chunk + i, s->err)) < 0)
			break;
		br_buf_reset(&s->text);
		rc = br_doc_text(&s->text, s->reader, s->t, s->nb->nb, d->doc, k.off, k.len, s->err);
		hash_text(br_vec_push(&s->hash)->h, &s->text);
	}
	if (rc == 0)
		br_hash128(c->sign, s->hash.v + c->hashes, d->chunks * sizeof *s->hash.v);
	return rc;
}

static int by_sign(const void *a, const void *b)
{
	const struct copy *x = a, *y = b;
	int order = memcmp(x->sign, y->sign, sizeof x->sign);

	return order ? order : x->doc < y->doc ? -1 : x->doc > y->doc;
}

static void find_copies(struct survey *s)
{
	if (s->doc.n)
		qsort(s->doc.v, s->doc.n, sizeof *s->doc.v, by_sign);
	for (size_t i = 0; i < s->doc.n; i++) {
		struct copy *c = &s->doc.v[i];
		bool same = i && c->chunks == c[-1].chunks && !memcmp(c->sign, c[-1].sign, sizeof c->sign);
		c->first_of = same ? c[-1].first_of : (uint32_t)i;
		s->duplicates += same ? c->chunks : 0;
	}
}

static int count_enhanced(struct survey *s)
{
	struct br_enhance_count n;
	int rc = br_enhance_status(&n, br_req_ws(s->r), s->nb->id, NULL, NULL, NULL, NULL, s->err);

	s->enhanced = rc < 0 ? 0 : n.state[BR_CTX_EMBEDDED];
	return BR_MIN(rc, 0);
}

static int survey(struct survey *s, struct br_req *r, const struct br_nb *nb, struct br_err *err)
{
	int rc;

	*s = (struct survey){ .r = r, .nb = nb, .text = BR_BUF_INIT(BR_MAX_TEXT), .err = err };
	if ((rc = br_txn_read(&s->t, br_req_ws(r)->store, err)) < 0)
		return rc;
	s->reader = br_text_reader_new();
	rc = br_doc_each(s->t, nb->nb, survey_doc, s, err);
	br_text_reader_free(s->reader);
	br_txn_end(s->t);
	if (rc == 0)
		find_copies(s);
	return rc == 0 ? count_enhanced(s) : rc;
}

static void release(struct survey *s)
{
	br_buf_release(&s->text);
	br_vec_release(&s->doc);
	br_vec_release(&s->hash);
}

static int64_t score(uint64_t total, uint64_t duplicates, uint64_t orphans, uint64_t enhanced)
{
	double points = total ? 100 - (40.0 * (double)duplicates + 30.0 * (double)orphans - 10.0 * (double)enhanced) / (double)total : 100;

	return points < 0 ? 0 : points > 100 ? 100 : (int64_t)(points + 0.5);
}

/* ---- H1 ---- */

static void write_group(struct br_json *j, const struct survey *s, size_t first, size_t n, uint32_t ordinal)
{
	char hex[33], id[60];

	br_hex(hex, s->hash.v[s->doc.v[first].hashes + ordinal].h, 16);
	br_json_obj(j);
	br_json_kstr(j, "content_hash", hex);
	br_json_kuint(j, "count", n);
	br_json_key(j, "chunk_ids");
	br_json_arr(j);
	for (size_t i = first; i < first + n; i++) {
		snprintf(id, sizeof id, "%s:%u", s->doc.v[i].id, ordinal);
		br_json_str(j, id);
	}
	br_json_end(j);
	br_json_end(j);
}

static void write_groups(struct br_json *j, const struct survey *s)
{
	br_json_arr(j);
	for (size_t i = 0, n; i < s->doc.n; i += n) {
		for (n = 1; i + n < s->doc.n && s->doc.v[i + n].first_of == i; n++)
			;
		for (uint32_t k = 0; n > 1 && k < s->doc.v[i].chunks; k++)
			write_group(j, s, i, n, k);
	}
	br_json_end(j);
}

static int health(struct br_req *r, const void *in, struct br_err *err)
{
	struct survey s = { 0 };
	struct br_json *j;
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc == 0 && (rc = survey(&s, r, nb, err)) == 0) {
		j = br_reply(r, 0);
		br_json_obj(j);
		br_json_kint(j, "health_score", score(s.hash.n, s.duplicates, 0, s.enhanced));
		br_json_kuint(j, "total_chunks", s.hash.n);
		br_json_kuint(j, "duplicate_count", s.duplicates);
		br_json_kint(j, "orphaned_count", 0); /* a passage never outlives its document here */
		br_json_kuint(j, "enhanced_count", s.enhanced);
		br_json_key(j, "duplicate_groups");
		write_groups(j, &s);
		br_json_key(j, "orphaned_ids");
		br_json_arr(j);
		br_json_end(j);
		br_json_end(j);
	}
	release(&s);
	return rc;
}
static const struct br_field group_out[] = {
	{ "content_hash", MUST(STR) }, { "count", MUST(INT) }, { "chunk_ids", MUST(ARR), .of = BR_F_STR }, BR_FIELD_END,
};
static const struct br_shape group_shape = { "BeyondDuplicateGroup", group_out, 0 };
static const struct br_field health_out[] = {
	{ "health_score", MUST(INT) }, { "total_chunks", MUST(INT) }, { "duplicate_count", MUST(INT) }, { "orphaned_count", MUST(INT) },
	{ "enhanced_count", MUST(INT) }, { "duplicate_groups", MUST(ARR), .shape = &group_shape }, { "orphaned_ids", MUST(ARR), .of = BR_F_STR },
	BR_FIELD_END,
};
static const struct br_shape health_shape = { "BeyondNotebookHealth", health_out, 0 };

/* ---- H2 ---- */

static int remove_copies(struct survey *s, struct br_err *err)
{
	uint32_t *doc = br_allocn(s->doc.n + 1, sizeof *doc);
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < s->doc.n && rc == 0; i++) {
		if (s->doc.v[i].first_of == i)
			continue;
		rc = br_job_forget(br_req_ws(s->r), s->nb->nb, s->doc.v[i].id, err);
		doc[n++] = s->doc.v[i].doc;
	}
	if (rc == 0 && n)
		rc = br_doc_remove(br_req_ws(s->r), s->nb->nb, doc, n, err);
	free(doc);
	return rc;
}

static int cleanup(struct br_req *r, const void *in, struct br_err *err)
{
	struct survey s = { 0 };
	struct br_json *j;
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc == 0 && (rc = survey(&s, r, nb, err)) == 0 && (rc = remove_copies(&s, err)) == 0 && (rc = count_enhanced(&s)) == 0) {
		j = br_reply(r, 0);
		br_json_obj(j);
		br_json_kuint(j, "removed_count", s.duplicates);
		br_json_kint(j, "new_health_score", score(s.hash.n - s.duplicates, 0, 0, s.enhanced));
		br_json_end(j);
	}
	release(&s);
	return rc;
}
static const struct br_field cleanup_out[] = { { "removed_count", MUST(INT) }, { "new_health_score", MUST(INT) }, BR_FIELD_END };
static const struct br_shape cleanup_shape = { "BeyondCleanup", cleanup_out, 0 };

static const short known[] = { 404, 0 }, cleanup_fails[] = { 404, 409, 0 };
static const struct br_route rows[] = {
	{ "GET", NB "/health", "beyond_notebook_health", "Duplicates, orphans and a score", "health", BR_LEVEL_ADMIN, .out = &health_shape,
	  .fails = known, .flags = BR_ROUTE_SLOW, .run = health },
	{ "POST", NB "/health/cleanup", "beyond_cleanup", "Remove duplicates, the oldest stays", "health", BR_LEVEL_ADMIN, .out = &cleanup_shape,
	  .fails = cleanup_fails, .flags = BR_ROUTE_SLOW, .run = cleanup },
};
const struct br_routes br_beyond__health_rows = { rows, BR_COUNT(rows) };
