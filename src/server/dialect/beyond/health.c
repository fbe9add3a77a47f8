/*
 * H1, H2: health as the contract scores it. A passage is a duplicate when an earlier one of the notebook has the same text, but for case
 * and white space at both ends; an orphan when the file that it is from is known to be gone. Cleanup takes the surplus passages out of
 * their documents, and no more than H1 tells: files stay, and are whole again when they are ingested again.
 */
#include "beyond.h"

#include "br/enhance.h"
#include "br/health.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

struct passage { uint8_t hash[16]; struct br_passage at; const char *file; bool orphan; };
struct survey {
	struct br_req *r;
	const struct br_nb *nb;
	struct br_txn *t;
	struct br_text_reader *reader;
	struct br_buf text;
	BR_VEC(const char *) orphan;  /* paths, sorted */
	BR_VEC(struct passage) v;     /* by document and place, then by text */
	uint64_t duplicates, orphans, enhanced;
	struct br_err *err;
};

/* ---- passages ---- */

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

static int by_path(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int survey_doc(const struct br_doc *d, void *arg)
{
	struct survey *s = arg;
	const char *path = d->path, *file;
	bool orphan = s->orphan.n && bsearch(&path, s->orphan.v, s->orphan.n, sizeof *s->orphan.v, by_path);
	int rc = 0;

	if (d->state != BR_DOC_INDEXED)
		return 0;
	file = br_arena_strdup(br_req_arena(s->r), d->id);
	for (uint32_t i = 0; i < d->chunks && rc == 0; i++) {
		struct passage *p = br_vec_push(&s->v);
		struct br_chunk_rec k;
		*p = (struct passage){ .at = { d->doc, d->first_chunk + i, i }, .file = file, .orphan = orphan };
		if ((rc = br_chunk_get(&k, s->t, s->nb->nb, p->at.chunk, s->err)) < 0)
			break;
		br_buf_reset(&s->text);
		if ((rc = br_doc_text(&s->text, s->reader, s->t, s->nb->nb, d->doc, k.off, k.len, s->err)) == 0)
			hash_text(p->hash, &s->text);
		s->orphans += orphan;
	}
	return rc;
}

static int by_text(const void *a, const void *b)
{
	const struct passage *x = a, *y = b;
	int order = memcmp(x->hash, y->hash, sizeof x->hash);

	if (!order)
		order = (x->at.doc > y->at.doc) - (x->at.doc < y->at.doc);
	return order ? order : (x->at.ordinal > y->at.ordinal) - (x->at.ordinal < y->at.ordinal);
}

static bool is_copy(const struct survey *s, size_t i)
{
	return i && !memcmp(s->v.v[i].hash, s->v.v[i - 1].hash, sizeof s->v.v[i].hash);
}

static void find_copies(struct survey *s)
{
	if (s->v.n)
		qsort(s->v.v, s->v.n, sizeof *s->v.v, by_text);
	for (size_t i = 0; i < s->v.n; i++)
		s->duplicates += is_copy(s, i);
}

/* ---- documents whose file is gone ---- */

static void take_orphan(const struct br_finding *f, void *arg)
{
	struct survey *s = arg;

	*br_vec_push(&s->orphan) = br_arena_strdup(br_req_arena(s->r), f->path);
}

static int find_orphans(struct survey *s)
{
	const struct br_health_opts o = { .rules = 1u << BR_H_ORPHAN, .finding = take_orphan, .arg = s };
	struct br_health h = { 0 };
	int rc = br_health_check(&h, br_req_ws(s->r), s->nb->id, &o, s->err);

	br_health_release(&h);
	if (s->orphan.n)
		qsort(s->orphan.v, s->orphan.n, sizeof *s->orphan.v, by_path);
	return rc;
}

/* ---- the whole ---- */

static int count_enhanced(struct survey *s)
{
	struct br_enhance_count n;
	int rc = br_enhance_status(&n, br_req_ws(s->r), s->nb->id, NULL, NULL, NULL, NULL, s->err);

	s->enhanced = rc < 0 ? 0 : n.state[BR_CTX_EMBEDDED];
	return BR_MIN(rc, 0);
}

static void release(struct survey *s)
{
	br_buf_release(&s->text);
	br_vec_release(&s->orphan);
	br_vec_release(&s->v);
}

static int survey(struct survey *s, struct br_req *r, const struct br_nb *nb, struct br_err *err)
{
	int rc;

	*s = (struct survey){ .r = r, .nb = nb, .text = BR_BUF_INIT(BR_MAX_TEXT), .err = err };
	if ((rc = find_orphans(s)) < 0 || (rc = br_txn_read(&s->t, br_req_ws(r)->store, err)) < 0)
		return rc;
	s->reader = br_text_reader_new();
	rc = br_doc_each(s->t, nb->nb, survey_doc, s, err);
	br_text_reader_free(s->reader);
	br_txn_end(s->t);
	if (rc == 0)
		find_copies(s);
	return rc == 0 ? count_enhanced(s) : rc;
}

static int64_t score(const struct survey *s)
{
	double bad = 40.0 * (double)s->duplicates + 30.0 * (double)s->orphans - 10.0 * (double)s->enhanced;
	double points = s->v.n ? 100 - bad / (double)s->v.n : 100;

	return points < 0 ? 0 : points > 100 ? 100 : (int64_t)(points + 0.5);
}

/* ---- H1 ---- */

static void write_id(struct br_json *j, const struct passage *p)
{
	char id[60];

	snprintf(id, sizeof id, "%s:%u", p->file, p->at.ordinal);
	br_json_str(j, id);
}

static void write_group(struct br_json *j, const struct passage *p, size_t n)
{
	char hex[33];

	br_hex(hex, p->hash, 16);
	br_json_obj(j);
	br_json_kstr(j, "content_hash", hex);
	br_json_kuint(j, "count", n);
	br_json_key(j, "chunk_ids");
	br_json_arr(j);
	for (size_t i = 0; i < n; i++)
		write_id(j, p + i);
	br_json_end(j);
	br_json_end(j);
}

static void write_groups(struct br_json *j, const struct survey *s)
{
	br_json_key(j, "duplicate_groups");
	br_json_arr(j);
	for (size_t i = 0, n; i < s->v.n; i += n) {
		for (n = 1; i + n < s->v.n && is_copy(s, i + n); n++)
			;
		if (n > 1)
			write_group(j, &s->v.v[i], n);
	}
	br_json_end(j);
	br_json_key(j, "orphaned_ids");
	br_json_arr(j);
	for (size_t i = 0; i < s->v.n; i++)
		if (s->v.v[i].orphan)
			write_id(j, &s->v.v[i]);
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
		br_json_kint(j, "health_score", score(&s));
		br_json_kuint(j, "total_chunks", s.v.n);
		br_json_kuint(j, "duplicate_count", s.duplicates);
		br_json_kuint(j, "orphaned_count", s.orphans);
		br_json_kuint(j, "enhanced_count", s.enhanced);
		write_groups(j, &s);
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

static int remove_copies(uint64_t *done, struct survey *s, struct br_err *err)
{
	struct br_passage *v = br_allocn(s->v.n + 1, sizeof *v);
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < s->v.n; i++)
		if (is_copy(s, i))
			v[n++] = s->v.v[i].at;
	rc = br_passages_remove(done, br_req_ws(s->r), s->nb->nb, v, n, err);
	free(v);
	return rc;
}

static int cleanup(struct br_req *r, const void *in, struct br_err *err)
{
	struct survey s = { 0 };
	uint64_t done = 0;
	struct br_json *j;
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc == 0 && (rc = survey(&s, r, nb, err)) == 0 && (rc = remove_copies(&done, &s, err)) == 0) {
		release(&s);
		rc = survey(&s, r, nb, err);
	}
	if (rc == 0) {
		j = br_reply(r, 0);
		br_json_obj(j);
		br_json_kuint(j, "removed_count", done);
		br_json_kint(j, "new_health_score", score(&s));
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
	{ "POST", NB "/health/cleanup", "beyond_cleanup", "Take duplicate passages out of their files, the earliest stays", "health", BR_LEVEL_ADMIN, .out = &cleanup_shape,
	  .fails = cleanup_fails, .flags = BR_ROUTE_SLOW, .run = cleanup },
};
const struct br_routes br_beyond__health_rows = { rows, BR_COUNT(rows) };
