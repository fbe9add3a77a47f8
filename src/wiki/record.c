/*
 * Records of table WIKI: encoder beside decoder (man/br-index.5, WIKI), and walks over them.
 */
#include "internal.h"

#include <stdlib.h>

enum { RECORD_VERSION = 1, RECORD_MAX = 4 << 20, MAX_ITEMS = 1000 };

static const char *const lint_names[] = { "pending", "passed", "failed" }, *const status_names[] = { "active", "stale", "deleted" };

const char *br_wiki_lint_name(enum br_wiki_lint_status s) { return lint_names[s]; }
const char *br_wiki_status_name(enum br_wiki_status s) { return status_names[s]; }

/* ---- pieces ---- */

static void put_str(struct br_buf *b, const char *s) { br_buf_lstr(b, s ? s : "", s ? strlen(s) : 0); }

static const char *get_str(struct br_arena *a, struct br_rd *r)
{
	struct br_slice s = br_rd_lstr(r);

	return br_arena_strndup(a, s.len ? s.ptr : "", s.len);
}

static void put_list(struct br_buf *b, const char *const *v)
{
	size_t n = 0;

	while (v && v[n])
		n++;
	br_buf_varint(b, n);
	for (size_t i = 0; i < n; i++)
		put_str(b, v[i]);
}

/* How many items follow; each has at least `least` bytes, so a damaged number never asks for much memory. */
static size_t get_count(struct br_rd *r, size_t least)
{
	uint64_t n = br_rd_varint(r);

	if (n > MAX_ITEMS || n * least > (size_t)(r->end - r->p))
		r->bad = true;
	return r->bad ? 0 : (size_t)n;
}

static const char *const *get_list(struct br_arena *a, struct br_rd *r)
{
	size_t n = get_count(r, 1);
	const char **v = br_arena_zalloc(a, (n + 1) * sizeof *v);

	for (size_t i = 0; i < n; i++)
		v[i] = get_str(a, r);
	return v;
}

static void get_bytes(void *out, size_t n, struct br_rd *r)
{
	struct br_slice s = br_rd_bytes(r, n);

	if (s.len == n)
		memcpy(out, s.ptr, n);
	else
		memset(out, 0, n);
}

static void put_double(struct br_buf *b, double v)
{
	uint64_t u;

	memcpy(&u, &v, sizeof u);
	br_buf_le64(b, u);
}

static double get_double(struct br_rd *r)
{
	uint64_t u = br_rd_u64(r);
	double v;

	memcpy(&v, &u, sizeof v);
	return v >= 0 && v <= 1e9 ? v : 0; /* no NaN either */
}

/* ---- keys ---- */

static void make_key(struct br_key *k, uint32_t nb, enum kind kind, const char *name)
{
	uint8_t byte = (uint8_t)kind;

	br_key_init(k, nb);
	br_key_bytes(k, &byte, 1);
	br_key_bytes(k, name, strnlen(name, BR_MAX_WIKI_SLUG));
}

static void version_key(struct br_key *k, uint32_t nb, const char *slug, uint32_t version)
{
	make_key(k, nb, KIND_VERSION, slug);
	br_key_bytes(k, "", 1);
	br_key_u32(k, version);
}

static void patch_key(struct br_key *k, uint32_t nb, const char *slug, const char *claim)
{
	make_key(k, nb, KIND_PATCH, slug);
	br_key_bytes(k, "", 1);
	br_key_bytes(k, claim, strnlen(claim, BR_MAX_WIKI_CLAIM));
}

bool br_wiki__read_key(char slug[BR_MAX_WIKI_SLUG + 1], struct br_slice *rest, struct br_slice key)
{
	struct br_slice name = br_slice(key.ptr + 5, key.len < 5 ? 0 : key.len - 5);
	size_t n = strnlen(name.ptr, name.len);

	if (!name.len || !n || n > BR_MAX_WIKI_SLUG)
		return false;
	memcpy(slug, name.ptr, n);
	slug[n] = '\0';
	*rest = n < name.len ? br_slice(name.ptr + n + 1, name.len - n - 1) : br_slice("", 0);
	return true;
}

static int damaged(struct br_err *err, const char *what, const char *slug)
{
	return br_fail(err, BR_ECORRUPT, "%s '%.*s' of the wiki is damaged", what, BR_MAX_WIKI_SLUG, slug);
}

static int check_version(struct br_rd *r, struct br_err *err)
{
	return br_rd_u8(r) > RECORD_VERSION ? br_fail(err, BR_EVERSION, "the wiki was written by a newer br") : 0;
}

static int put_record(struct br_txn *t, const struct br_key *k, struct br_buf *b, struct br_err *err)
{
	int rc = br_buf_check(b, "a record of the wiki", err);

	if (rc == 0)
		rc = br_put(t, BR_T_WIKI, br_key_slice(k), br_buf_slice(b), err);
	br_buf_release(b);
	return rc;
}

/* ---- topics ---- */

int br_wiki__topic_put(struct br_txn *t, uint32_t nb, const struct br_wiki_topic *topic, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(RECORD_MAX);
	struct br_key k;

	br_buf_u8(&b, RECORD_VERSION);
	br_buf_u8(&b, topic->manual);
	put_str(&b, topic->title);
	put_list(&b, topic->alias);
	put_str(&b, topic->category);
	make_key(&k, nb, KIND_TOPIC, topic->slug);
	return put_record(t, &k, &b, err);
}

static int read_topic(struct br_wiki_topic *out, struct br_arena *a, const char *slug, struct br_slice val, struct br_err *err)
{
	struct br_rd r = br_rd(val);
	int rc = check_version(&r, err);

	if (rc < 0)
		return rc;
	*out = (struct br_wiki_topic){ .slug = br_arena_strdup(a, slug) };
	out->manual = br_rd_u8(&r) != 0;
	out->title = get_str(a, &r);
	out->alias = get_list(a, &r);
	out->category = get_str(a, &r);
	return r.bad || r.p != r.end ? damaged(err, "topic", slug) : 0;
}

int br_wiki__topic_get(struct br_wiki_topic *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *slug, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	int rc;

	make_key(&k, nb, KIND_TOPIC, slug);
	if ((rc = br_get(&val, t, BR_T_WIKI, br_key_slice(&k), err)) <= 0)
		return rc;
	rc = read_topic(out, a, slug, val, err);
	return rc < 0 ? rc : 1;
}

int br_wiki__topic_del(struct br_txn *t, uint32_t nb, const char *slug, struct br_err *err)
{
	struct br_key k;
	int rc;

	make_key(&k, nb, KIND_TOPIC, slug);
	rc = br_del(t, BR_T_WIKI, br_key_slice(&k), err);
	return BR_MIN(rc, 0);
}

/* ---- pages ---- */

int br_wiki__head_put(struct br_txn *t, uint32_t nb, const struct head *h, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(RECORD_MAX);
	struct br_key k;
	uint32_t scale;

	memcpy(&scale, &h->scale, sizeof scale);
	br_buf_u8(&b, RECORD_VERSION);
	br_buf_u8(&b, h->patched);
	br_buf_le32(&b, h->published);
	br_buf_le32(&b, h->newest);
	br_buf_le64(&b, (uint64_t)h->created);
	br_buf_le64(&b, (uint64_t)h->deleted);
	br_buf_le64(&b, h->generation);
	br_buf_add(&b, h->input, sizeof h->input);
	br_buf_add(&b, h->fingerprint, sizeof h->fingerprint);
	br_buf_add(&b, h->again, sizeof h->again);
	put_str(&b, h->title);
	put_str(&b, h->summary);
	put_list(&b, h->alias);
	br_buf_add(&b, h->model, sizeof h->model);
	br_buf_le32(&b, scale);
	br_buf_lstr(&b, h->code.ptr, h->code.len);
	make_key(&k, nb, KIND_PAGE, h->slug);
	return put_record(t, &k, &b, err);
}

static int read_head(struct head *out, struct br_arena *a, const char *slug, struct br_slice val, struct br_err *err)
{
	struct br_rd r = br_rd(val);
	int rc = check_version(&r, err);
	struct br_slice code;
	uint32_t scale;

	if (rc < 0)
		return rc;
	*out = (struct head){ .slug = br_arena_strdup(a, slug) };
	out->patched = br_rd_u8(&r) != 0;
	out->published = br_rd_u32(&r);
	out->newest = br_rd_u32(&r);
	out->created = (int64_t)br_rd_u64(&r);
	out->deleted = (int64_t)br_rd_u64(&r);
	out->generation = br_rd_u64(&r);
	get_bytes(out->input, sizeof out->input, &r);
	get_bytes(out->fingerprint, sizeof out->fingerprint, &r);
	get_bytes(out->again, sizeof out->again, &r);
	out->title = get_str(a, &r);
	out->summary = get_str(a, &r);
	out->alias = get_list(a, &r);
	get_bytes(out->model, sizeof out->model, &r);
	scale = br_rd_u32(&r);
	memcpy(&out->scale, &scale, sizeof scale);
	code = br_rd_lstr(&r);
	out->code = br_slice(br_arena_strndup(a, code.len ? code.ptr : "", code.len), code.len);
	if (r.bad || r.p != r.end || code.len > BR_ANN_MAX_DIM || out->published > out->newest || !(out->scale >= 0 && out->scale <= 1))
		return damaged(err, "page", slug);
	return 0;
}

int br_wiki__head_get(struct head *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *slug, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	int rc;

	make_key(&k, nb, KIND_PAGE, slug);
	if ((rc = br_get(&val, t, BR_T_WIKI, br_key_slice(&k), err)) <= 0)
		return rc;
	rc = read_head(out, a, slug, val, err);
	return rc < 0 ? rc : 1;
}

/* ---- versions ---- */

static void put_sources(struct br_buf *b, const struct version *v)
{
	br_buf_varint(b, v->n_docs);
	for (size_t i = 0; i < v->n_docs; i++) {
		br_buf_le32(b, v->doc[i].doc);
		br_buf_le64(b, v->doc[i].sig);
		put_str(b, v->doc[i].id);
	}
	br_buf_varint(b, v->p.n_sources);
	for (size_t i = 0; i < v->p.n_sources; i++) {
		br_buf_add(b, v->p.source[i].chunk, 32);
		br_buf_varint(b, v->of[i]);
	}
}

static void get_docs(struct version *v, struct br_arena *a, struct br_rd *r)
{
	size_t n = get_count(r, 13);
	struct cited *doc = br_arena_zalloc(a, (n + 1) * sizeof *doc);
	const char **id = br_arena_zalloc(a, (n + 1) * sizeof *id);

	for (size_t i = 0; i < n; i++) {
		struct br_slice s;
		doc[i].doc = br_rd_u32(r);
		doc[i].sig = br_rd_u64(r);
		s = br_rd_lstr(r);
		if (s.len > 36)
			r->bad = true;
		memcpy(doc[i].id, s.len ? s.ptr : "", BR_MIN(s.len, (size_t)36));
		id[i] = doc[i].id;
	}
	v->doc = doc;
	v->n_docs = n;
	v->p.doc_id = id;
}

static void get_sources(struct version *v, struct br_arena *a, struct br_rd *r)
{
	size_t n;
	struct br_wiki_source *source;
	uint32_t *of;

	get_docs(v, a, r);
	n = get_count(r, 33);
	source = br_arena_zalloc(a, (n + 1) * sizeof *source);
	of = br_arena_zalloc(a, (n + 1) * sizeof *of);
	for (size_t i = 0; i < n; i++) {
		uint64_t d;
		get_bytes(source[i].chunk, 32, r);
		d = br_rd_varint(r);
		if (d >= v->n_docs || strlen(source[i].chunk) != 32) {
			r->bad = true;
			break;
		}
		of[i] = (uint32_t)d;
		memcpy(source[i].doc_id, v->doc[d].id, sizeof source[i].doc_id);
	}
	v->p.source = source;
	v->p.n_sources = n;
	v->of = of;
}

static void put_errors(struct br_buf *b, const struct br_wiki_page *p)
{
	br_buf_varint(b, p->n_errors);
	for (size_t i = 0; i < p->n_errors; i++) {
		br_buf_u8(b, p->error[i].code);
		br_buf_u8(b, p->error[i].blocks);
		put_str(b, p->error[i].text);
	}
}

static void get_errors(struct br_wiki_page *p, struct br_arena *a, struct br_rd *r)
{
	size_t n = get_count(r, 3);
	struct br_wiki_error *v = br_arena_zalloc(a, (n + 1) * sizeof *v);

	for (size_t i = 0; i < n; i++) {
		v[i].code = br_rd_u8(r);
		v[i].blocks = br_rd_u8(r) != 0;
		v[i].text = get_str(a, r);
		if (v[i].code < 1 || v[i].code > 5)
			r->bad = true;
	}
	p->error = v;
	p->n_errors = n;
}

int br_wiki__version_put(struct br_txn *t, uint32_t nb, const struct version *v, struct br_err *err)
{
	const struct br_wiki_page *p = &v->p;
	struct br_buf b = BR_BUF_INIT(RECORD_MAX);
	struct br_key k;

	br_buf_u8(&b, RECORD_VERSION);
	put_str(&b, p->title);
	put_list(&b, p->alias);
	put_str(&b, p->category);
	put_str(&b, p->summary);
	put_list(&b, p->tags);
	put_double(&b, p->confidence);
	br_buf_le32(&b, p->token_count);
	br_buf_le64(&b, (uint64_t)p->compiled_at);
	put_str(&b, p->compiled_by);
	put_str(&b, p->compiled_prompt);
	put_str(&b, p->reason);
	put_str(&b, p->actor);
	br_buf_u8(&b, (uint8_t)p->lint_status);
	put_errors(&b, p);
	br_buf_add(&b, v->fingerprint, sizeof v->fingerprint);
	put_sources(&b, v);
	put_str(&b, v->base && strcmp(v->base, p->body) ? v->base : "");
	put_str(&b, p->body);
	version_key(&k, nb, p->slug, p->version);
	return put_record(t, &k, &b, err);
}

static int read_version(struct version *out, struct br_arena *a, const char *slug, uint32_t version, struct br_slice val, struct br_err *err)
{
	struct br_rd r = br_rd(val);
	struct br_wiki_page *p = &out->p;
	int rc = check_version(&r, err);
	uint8_t lint;

	if (rc < 0)
		return rc;
	*out = (struct version){ .p = { .slug = br_arena_strdup(a, slug), .version = version, .why = "" } };
	p->title = get_str(a, &r);
	p->alias = get_list(a, &r);
	p->category = get_str(a, &r);
	p->summary = get_str(a, &r);
	p->tags = get_list(a, &r);
	p->confidence = get_double(&r);
	p->token_count = br_rd_u32(&r);
	p->compiled_at = (int64_t)br_rd_u64(&r);
	p->compiled_by = get_str(a, &r);
	p->compiled_prompt = get_str(a, &r);
	p->reason = get_str(a, &r);
	p->actor = get_str(a, &r);
	lint = br_rd_u8(&r);
	get_errors(p, a, &r);
	get_bytes(out->fingerprint, sizeof out->fingerprint, &r);
	get_sources(out, a, &r);
	out->base = get_str(a, &r);
	p->body = get_str(a, &r);
	if (!out->base[0])
		out->base = p->body;
	br_hex(p->fingerprint, out->fingerprint, sizeof out->fingerprint);
	if (r.bad || r.p != r.end || lint > BR_WIKI_FAILED)
		return damaged(err, "a version of page", slug);
	p->lint_status = (enum br_wiki_lint_status)lint;
	return 0;
}

int br_wiki__version_get(struct version *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *slug, uint32_t version, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	int rc;

	version_key(&k, nb, slug, version);
	if ((rc = br_get(&val, t, BR_T_WIKI, br_key_slice(&k), err)) < 0)
		return rc;
	return rc ? read_version(out, a, slug, version, val, err) : br_fail(err, BR_ENOTFOUND, "page '%s' has no version %u", slug, version);
}

int br_wiki__version_del(struct br_txn *t, uint32_t nb, const char *slug, uint32_t version, struct br_err *err)
{
	struct br_key k;
	int rc;

	version_key(&k, nb, slug, version);
	rc = br_del(t, BR_T_WIKI, br_key_slice(&k), err);
	return BR_MIN(rc, 0);
}

/* ---- patches ---- */

int br_wiki__patch_put(struct br_txn *t, uint32_t nb, const struct br_wiki_patch *p, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(RECORD_MAX);
	struct br_key k;

	br_buf_u8(&b, RECORD_VERSION);
	put_str(&b, p->section);
	put_str(&b, p->content);
	put_double(&b, p->confidence);
	put_str(&b, p->actor);
	br_buf_le64(&b, (uint64_t)p->at);
	br_buf_le32(&b, p->version);
	patch_key(&k, nb, p->slug, p->claim);
	return put_record(t, &k, &b, err);
}

static int read_patch(struct br_wiki_patch *out, struct br_arena *a, const char *slug, struct br_slice claim, struct br_slice val, struct br_err *err)
{
	struct br_rd r = br_rd(val);
	int rc = check_version(&r, err);

	if (rc < 0)
		return rc;
	*out = (struct br_wiki_patch){ .slug = br_arena_strdup(a, slug), .claim = br_arena_strndup(a, claim.ptr, claim.len) };
	out->section = get_str(a, &r);
	out->content = get_str(a, &r);
	out->confidence = get_double(&r);
	out->actor = get_str(a, &r);
	out->at = (int64_t)br_rd_u64(&r);
	out->version = br_rd_u32(&r);
	return r.bad || r.p != r.end || !claim.len || claim.len > BR_MAX_WIKI_CLAIM ? damaged(err, "a patch of page", slug) : 0;
}

/* ---- the last compile, the stamp ---- */

int br_wiki__state_put(struct br_txn *t, uint32_t nb, const struct br_wiki_report *p, struct br_err *err)
{
	const uint64_t n[] = { p->topics, p->compiled, p->skipped, p->failed, p->removed, p->passed };
	struct br_buf b = BR_BUF_INIT(RECORD_MAX);
	struct br_key k;

	br_buf_u8(&b, RECORD_VERSION);
	for (size_t i = 0; i < BR_COUNT(n); i++)
		br_buf_varint(&b, n[i]);
	br_buf_le64(&b, (uint64_t)p->at);
	put_double(&b, p->seconds);
	make_key(&k, nb, KIND_STATE, "compile");
	return put_record(t, &k, &b, err);
}

static int read_state(struct br_wiki_report *p, struct br_slice val, struct br_err *err)
{
	uint64_t *const n[] = { &p->topics, &p->compiled, &p->skipped, &p->failed, &p->removed, &p->passed };
	struct br_rd r = br_rd(val);
	int rc = check_version(&r, err);

	for (size_t i = 0; i < BR_COUNT(n) && rc == 0; i++)
		*n[i] = br_rd_varint(&r);
	if (rc == 0) {
		p->at = (int64_t)br_rd_u64(&r);
		p->seconds = get_double(&r);
		if (r.bad || r.p != r.end)
			rc = br_fail(err, BR_ECORRUPT, "the report of the last compile of the wiki is damaged");
	}
	return rc;
}

int br_wiki__state_get(struct br_wiki_report *out, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	int rc;

	*out = (struct br_wiki_report){ 0 };
	make_key(&k, nb, KIND_STATE, "compile");
	if ((rc = br_get(&val, t, BR_T_WIKI, br_key_slice(&k), err)) > 0)
		rc = read_state(out, val, err);
	return rc;
}

int br_wiki__touch(struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(RECORD_MAX);
	struct br_key k;

	br_buf_u8(&b, RECORD_VERSION);
	br_buf_le64(&b, br_txn_generation(t));
	make_key(&k, nb, KIND_STATE, "stamp");
	return put_record(t, &k, &b, err);
}

int br_wiki_stamp(uint64_t *out, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	struct br_rd r;
	int rc;

	*out = 0;
	make_key(&k, nb, KIND_STATE, "stamp");
	if ((rc = br_get(&val, t, BR_T_WIKI, br_key_slice(&k), err)) <= 0)
		return rc;
	r = br_rd(val);
	if ((rc = check_version(&r, err)) < 0)
		return rc;
	*out = br_rd_u64(&r);
	return r.bad || r.p != r.end ? br_fail(err, BR_ECORRUPT, "the stamp of the wiki is damaged") : 0;
}

/* ---- walks ---- */

typedef int record_fn(void *arg, const char *slug, struct br_slice rest, struct br_slice val, struct br_err *err);

/* Records of a kind, of one page or (slug NULL) of all. */
static int walk(struct br_txn *t, uint32_t nb, enum kind kind, const char *slug, record_fn *fn, void *arg, struct br_err *err)
{
	char name[BR_MAX_WIKI_SLUG + 1];
	struct br_slice rest;
	struct br_cur cur;
	struct br_key k;
	int rc = br_cur_open(&cur, t, BR_T_WIKI, err), stop = 0;

	if (rc < 0)
		return rc;
	make_key(&k, nb, kind, slug ? slug : "");
	if (slug)
		br_key_bytes(&k, "", 1);
	cur.within = br_key_slice(&k);
	for (rc = br_cur_seek(&cur, br_key_slice(&k), err); rc > 0 && !stop; rc = stop ? 0 : br_cur_next(&cur, err))
		stop = br_wiki__read_key(name, &rest, cur.key) ? fn(arg, name, rest, cur.val, err) : br_fail(err, BR_ECORRUPT, "a key of the wiki is damaged");
	br_cur_close(&cur);
	return rc < 0 ? rc : stop;
}

struct walked { struct br_arena *a; topic_fn *topic; head_fn *head; version_fn *version; struct br_wiki_patches *patches; void *arg; };

static int on_topic(void *arg, const char *slug, struct br_slice rest, struct br_slice val, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_wiki_topic topic;
	struct walked *w = arg;
	int rc = read_topic(&topic, &a, slug, val, err);

	(void)rest;
	if (rc == 0)
		rc = w->topic(&topic, w->arg);
	br_arena_release(&a);
	return rc;
}

int br_wiki__topics(struct br_txn *t, uint32_t nb, topic_fn *fn, void *arg, struct br_err *err)
{
	struct walked w = { .topic = fn, .arg = arg };

	return walk(t, nb, KIND_TOPIC, NULL, on_topic, &w, err);
}

static int on_head(void *arg, const char *slug, struct br_slice rest, struct br_slice val, struct br_err *err)
{
	struct walked *w = arg;
	struct head h;
	int rc = read_head(&h, w->a, slug, val, err);

	(void)rest;
	return rc < 0 ? rc : w->head(&h, w->arg);
}

int br_wiki__heads(struct br_arena *a, struct br_txn *t, uint32_t nb, head_fn *fn, void *arg, struct br_err *err)
{
	struct walked w = { .a = a, .head = fn, .arg = arg };

	return walk(t, nb, KIND_PAGE, NULL, on_head, &w, err);
}

static int on_version(void *arg, const char *slug, struct br_slice rest, struct br_slice val, struct br_err *err)
{
	struct walked *w = arg;
	struct version v;
	int rc = rest.len == 4 ? read_version(&v, w->a, slug, br_rd_be32(rest.ptr), val, err) : damaged(err, "a version of page", slug);

	return rc < 0 ? rc : w->version(&v, w->arg);
}

int br_wiki__versions(struct br_arena *a, struct br_txn *t, uint32_t nb, const char *slug, version_fn *fn, void *arg, struct br_err *err)
{
	struct walked w = { .a = a, .version = fn, .arg = arg };

	return walk(t, nb, KIND_VERSION, slug, on_version, &w, err);
}

static int on_patch(void *arg, const char *slug, struct br_slice rest, struct br_slice val, struct br_err *err)
{
	struct walked *w = arg;
	struct br_wiki_patch p;
	int rc = read_patch(&p, w->a, slug, rest, val, err);

	if (rc == 0)
		*br_vec_push(&w->patches->v) = p;
	return rc;
}

static int by_time(const void *a, const void *b)
{
	const struct br_wiki_patch *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->version != y->version ? (x->version < y->version ? -1 : 1) : strcmp(x->claim, y->claim);
}

int br_wiki_patches(struct br_wiki_patches *out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *slug, struct br_err *err)
{
	struct walked w = { .a = a, .patches = out };
	int rc;

	*out = (struct br_wiki_patches){ 0 };
	rc = walk(t, nb, KIND_PATCH, slug, on_patch, &w, err);
	if (out->v.n)
		qsort(out->v.v, out->v.n, sizeof *out->v.v, by_time);
	return rc;
}

/* ---- checking ---- */

static int check_record(struct br_arena *a, enum kind kind, const char *name, struct br_slice rest, struct br_slice val, struct br_err *err)
{
	struct br_wiki_report report;
	struct br_wiki_topic topic;
	struct br_wiki_patch patch;
	struct version version;
	struct head head;

	switch (kind) {
	case KIND_TOPIC: return rest.len ? damaged(err, "topic", name) : read_topic(&topic, a, name, val, err);
	case KIND_PAGE: return rest.len ? damaged(err, "page", name) : read_head(&head, a, name, val, err);
	case KIND_VERSION:
		return rest.len != 4 ? damaged(err, "a version of page", name) : read_version(&version, a, name, br_rd_be32(rest.ptr), val, err);
	case KIND_PATCH: return read_patch(&patch, a, name, rest, val, err);
	case KIND_STATE:
		if (!strcmp(name, "compile"))
			return read_state(&report, val, err);
		return strcmp(name, "stamp") || val.len != 9 ? br_fail(err, BR_ECORRUPT, "a record of the wiki belongs to nothing") : 0;
	}
	return br_fail(err, BR_ECORRUPT, "a record of the wiki is of no kind that is known");
}

int br_wiki__record_check(struct br_slice key, struct br_slice val, struct br_err *err)
{
	char name[BR_MAX_WIKI_SLUG + 1];
	struct br_arena a = { 0 };
	struct br_slice rest;
	int rc;

	if (key.len < 6 || !br_wiki__read_key(name, &rest, key))
		rc = br_fail(err, BR_ECORRUPT, "a key of the wiki is damaged");
	else
		rc = check_record(&a, (enum kind)(unsigned char)key.ptr[4], name, rest, val, err);
	br_arena_release(&a);
	return rc;
}
