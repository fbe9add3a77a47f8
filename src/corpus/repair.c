/*
 * Repair: what can be derived is built anew, from documents whose text and chunks are whole; the others leave the index and are
 * marked, so that they are read again from where they came from. What is lost is named. One commit for each notebook.
 *
 * Text, chunks and records of documents are the truth. Words, vectors, paths, ids, counts and the list of deleted chunks follow
 * from them, so in a notebook with any damage all of these are made again: the result is that of a fresh one.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

enum { FLUSH_BYTES = 16 << 20 }; /* memory of words and vectors that wait to be written */

struct repair {
	struct br_ws *ws;
	struct br_repair_report *out;
	br_problem_fn *fn;
	void *arg;
	BR_VEC(uint32_t) nbs;           /* numbers of all notebooks that left a trace */
};

/* One notebook in its transaction, which may be begun again: what is told and counted waits for the commit. */
struct fix {
	struct repair *r;
	struct br_txn *t;
	struct br_err *err;
	uint32_t number;
	struct br_nb *nb;
	char *name, id[37];             /* as EXTID has them; NULL and "": not there */
	struct br_arena arena;
	BR_VEC(char *) told;
	uint64_t again, lost;
	BR_VEC(uint32_t) docs;
	BR_VEC(struct place) sound;     /* indexed documents that are whole */
	struct br_bits live;            /* their chunks */
	struct br_bits has_text;        /* they */
	struct doc_check check;
};

static void BR_PRINTF(2, 3) say(struct fix *f, const char *fmt, ...)
{
	char msg[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	*br_vec_push(&f->told) = br_arena_strdup(&f->arena, msg);
}

static void fix_reset(struct fix *f)
{
	br_arena_release(&f->arena);
	br_vec_release(&f->told);
	br_vec_release(&f->docs);
	br_vec_release(&f->sound);
	br_bits_release(&f->live);
	br_bits_release(&f->has_text);
	f->again = f->lost = 0;
	f->nb = NULL;
	f->name = NULL;
	memset(f->id, 0, sizeof f->id);
}

/* ---- the notebook's record ---- */

static int find_name(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	struct fix *f = arg;
	bool name = key.ptr[0] == EXT_NB_NAME;

	if (why || val.len != 8)
		return SCAN_DROP;
	if (br_rd_le64(val.ptr) != f->number)
		return SCAN_KEEP;
	if (name)
		f->name = br_arena_strndup(&f->arena, key.ptr + 1, key.len - 1);
	else if (key.len == sizeof f->id)
		memcpy(f->id, key.ptr + 1, key.len - 1);
	return SCAN_DROP; /* put again later */
}

static int drop_names(struct fix *f)
{
	static const char kinds[] = { EXT_NB_ID, EXT_NB_NAME };
	int rc = 0;

	for (size_t i = 0; i < BR_COUNT(kinds) && rc == 0; i++)
		rc = scan(f->t, BR_T_EXTID, br_slice(&kinds[i], 1), find_name, f, f->err);
	return rc;
}

static int put_names(struct fix *f)
{
	uint64_t number = f->number;
	struct br_key k;
	int rc;

	extid_key(&k, EXT_NB_ID, 0, f->nb->id);
	if ((rc = br_put(f->t, BR_T_EXTID, br_key_slice(&k), br_slice(&number, 8), f->err)) < 0)
		return rc;
	extid_key(&k, EXT_NB_NAME, 0, f->nb->name);
	return br_put(f->t, BR_T_EXTID, br_key_slice(&k), br_slice(&number, 8), f->err);
}

static int last_chunk(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	struct fix *f = arg;

	(void)val, (void)why;
	if (key.len == 8)
		f->nb->next_chunk = BR_MIN(br_rd_be32(key.ptr + 4), UINT32_MAX - 1 - SEGMENT_CHUNKS) + SEGMENT_CHUNKS;
	return SCAN_KEEP;
}

/* Name and id as far as others still know them, settings as for a new one. */
static int make_nb(struct fix *f)
{
	struct br_key k;
	int rc;

	f->nb = br_arena_zalloc(&f->arena, sizeof *f->nb);
	f->nb->nb = f->number;
	f->nb->created = br_now();
	f->nb->settings = br_arena_strdup(&f->arena, "{}");
	nb_defaults(f->nb, f->r->ws);
	if ((rc = drop_names(f)) < 0)
		return rc;
	f->nb->name = f->name ? f->name : br_arena_printf(&f->arena, "recovered-%u", f->number);
	memcpy(f->nb->id, f->id, sizeof f->nb->id);
	if (!f->nb->id[0])
		br_uuid_ordered(f->nb->id, br_now_ns() / 1000000);
	br_key_init(&k, f->number);
	f->lost++;
	say(f, "lost: settings of notebook '%s': its record was damaged; those of a new one apply, and 'br sync' needs its folders named", f->nb->name);
	return scan(f->t, BR_T_CHUNK, br_key_slice(&k), last_chunk, f, f->err);
}

static int load_nb(struct fix *f)
{
	struct br_err why;
	int rc = nb_load(&f->nb, &f->arena, f->t, f->number, &why);

	if (rc == 0 || rc == -BR_ECORRUPT)
		return make_nb(f);
	if (rc < 0)
		return br_fail(f->err, why.code, "%s", why.msg);
	return drop_names(f); /* the record decides */
}

/* ---- documents ---- */

static int gather_doc(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	struct fix *f = arg;
	struct br_arena a = { 0 };
	struct br_doc d;
	uint32_t num = key.len == 8 ? br_rd_be32(key.ptr + 4) : 0;
	int rc = key.len != 8 || why ? -BR_ECORRUPT : doc_decode(&d, &a, num, val, NULL);

	br_arena_release(&a);
	if (rc == 0) {
		*br_vec_push(&f->docs) = num;
		return SCAN_KEEP;
	}
	if (rc != -BR_ECORRUPT)
		return br_fail(f->err, BR_EVERSION, "document %u was written by a newer br", num);
	f->lost++;
	say(f, "lost: document %u of notebook '%s', whose record is damaged; 'br sync' finds its file again if it came from one, "
	       "and what was uploaded is in .br/objects until 'br gc'", num, f->nb->name);
	return SCAN_DROP;
}

static void take_out(struct fix *f, struct br_doc *d, const char *why)
{
	bool uploaded = d->origin == BR_FROM_UPLOAD && object_check(f->r->ws, d, NULL) == 0;
	bool file = d->origin == BR_FROM_FILE && br_source_state(f->r->ws, d) != BR_SOURCE_MISSING;
	bool page = d->origin == BR_FROM_URL, member = d->origin == BR_FROM_MEMBER, again = uploaded || file || page || member;
	const char *what = uploaded ? "'br ingest' indexes its original again" : file ? "'br sync' reads it again" :
		page ? "'br ingest --refresh' asks for it again" : member ? "'br sync', or an ingest of what holds it, reads it again" :
		d->origin == BR_FROM_RECORD ? "ingest its record again" : d->origin == BR_FROM_FILE ? "and its file is gone" : "upload it again";

	d->state = uploaded ? BR_DOC_UPLOADED : BR_DOC_FAILED;
	d->etag = d->modified = br_arena_strdup(&f->arena, "");
	d->error = uploaded ? br_arena_strdup(&f->arena, "") : br_arena_printf(&f->arena, "stored text was damaged: %s", why);
	d->chunks = d->first_chunk = d->text_bytes = d->tokens = 0;
	f->again += again;
	f->lost += !again;
	say(f, "%s: '%s': its stored text was damaged; %s", again ? "taken out" : "lost", d->path, what);
}

static bool is_free(const struct br_bits *live, const struct br_doc *d)
{
	if (!d->chunks || (uint64_t)d->first_chunk + d->chunks > live->n)
		return false;
	for (uint32_t c = d->first_chunk; c < d->first_chunk + d->chunks; c++)
		if (br_bits_get(live, c))
			return false;
	return true;
}

static void count_in(struct fix *f, const struct br_doc *d)
{
	br_bits_set_range(&f->live, d->first_chunk, d->chunks);
	br_bits_set(&f->has_text, d->doc);
	*br_vec_push(&f->sound) = (struct place){ d->first_chunk, d->doc };
	f->nb->docs++;
	f->nb->chunks += d->chunks;
	f->nb->text_bytes += d->text_bytes;
	f->nb->source_bytes += d->size;
	nb_count_lang(f->nb, &f->arena, d->lang, 1);
}

static int look_at_text(struct fix *f, struct br_doc *d)
{
	struct br_err why = { .msg = "its chunks are not its own" };
	int rc = is_free(&f->live, d) ? doc_check(&f->check, d, &why) : -BR_ECORRUPT;

	if (rc == 0)
		count_in(f, d);
	else if (rc == -BR_ECORRUPT)
		take_out(f, d, why.msg);
	else
		return br_fail(f->err, why.code, "%s", why.msg);
	return 0;
}

static void look_at_original(struct fix *f, struct br_doc *d)
{
	if (d->origin != BR_FROM_UPLOAD || original_lost(d) || object_check(f->r->ws, d, NULL) == 0)
		return;
	d->error = br_arena_strdup(&f->arena, ORIGINAL_LOST);
	if (d->state == BR_DOC_UPLOADED)
		d->state = BR_DOC_FAILED;
	f->lost++;
	say(f, "lost: the stored original of '%s', damaged or not there%s", d->path,
	    d->state == BR_DOC_INDEXED ? "; its text is whole" : "; upload it again");
}

static int fix_doc(struct fix *f, uint32_t num)
{
	struct br_arena a = { 0 };
	struct br_doc *d;
	int rc = br_doc_get(&d, &a, f->t, f->number, num, f->err);

	if (rc == 0 && d->state == BR_DOC_INDEXED)
		rc = look_at_text(f, d);
	if (rc == 0) {
		if (d->state != BR_DOC_INDEXED)
			d->chunks = d->first_chunk = 0;
		look_at_original(f, d);
		rc = doc_put(f->t, f->number, d, f->err);
	}
	br_arena_release(&a);
	return rc;
}

static int drop_prefixes(struct fix *f)
{
	struct br_key k;
	int rc;

	extid_key(&k, EXT_DOC_ID, f->number, "");
	if ((rc = br_del_prefix(f->t, BR_T_EXTID, br_key_slice(&k), f->err)) < 0)
		return rc;
	br_key_init(&k, f->number);
	return br_del_prefix(f->t, BR_T_PATH, br_key_slice(&k), f->err);
}

static int fix_docs(struct fix *f)
{
	struct br_nb *nb = f->nb;
	struct br_key k;
	int rc;

	br_key_init(&k, f->number);
	if ((rc = scan(f->t, BR_T_DOC, br_key_slice(&k), gather_doc, f, f->err)) < 0 || (rc = drop_prefixes(f)) < 0)
		return rc;
	if (f->docs.n)
		nb->next_doc = BR_MAX(nb->next_doc, f->docs.v[f->docs.n - 1] + 1);
	nb->docs = nb->chunks = 0;
	nb->text_bytes = nb->source_bytes = 0;
	nb->langs.n = 0;
	br_bits_init(&f->live, nb->next_chunk, false);
	br_bits_init(&f->has_text, nb->next_doc, false);
	doc_check_init(&f->check, f->t, f->number);
	for (size_t i = 0; i < f->docs.n && rc == 0; i++)
		if ((rc = br_check_stop(f->err)) == 0)
			rc = fix_doc(f, f->docs.v[i]);
	doc_check_release(&f->check);
	return rc;
}

/* ---- what belongs to no sound document ---- */

static int keep_text(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	const struct fix *f = arg;

	(void)val;
	return !why && key.len == 12 && br_bits_get(&f->has_text, br_rd_be32(key.ptr + 4)) ? SCAN_KEEP : SCAN_DROP;
}

static int keep_segment(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	const struct fix *f = arg;

	(void)val;
	return !why && key.len == 8 && br_bits_get(&f->live, br_rd_be32(key.ptr + 4)) ? SCAN_KEEP : SCAN_DROP;
}

/* What was added to passages cannot be made again here: the passages stay, without it. */
static int keep_context(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	struct fix *f = arg;
	bool own = key.len == 12 && br_bits_get(&f->has_text, br_rd_be32(key.ptr + 4));

	if (own && !why && ctx_check(key, val, NULL) == 0)
		return SCAN_KEEP;
	if (own) {
		f->lost++;
		say(f, "lost: contexts of document %u of notebook '%s'; 'br enhance run' makes new ones", br_rd_be32(key.ptr + 4), f->nb->name);
	}
	return SCAN_DROP;
}

static int keep_dict(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	(void)val, (void)arg;
	return !why && key.len == 8 ? SCAN_KEEP : SCAN_DROP;
}

static int drop_rest(struct fix *f)
{
	static const struct { enum br_table table; scan_fn *keep; } rest[] = {
		{ BR_T_TEXT, keep_text }, { BR_T_CHUNK, keep_segment }, { BR_T_DICT, keep_dict }, { BR_T_CONTEXT, keep_context },
	};
	struct br_key k;
	int rc = 0;

	br_key_init(&k, f->number);
	for (size_t i = 0; i < BR_COUNT(rest) && rc == 0; i++)
		rc = scan(f->t, rest[i].table, br_key_slice(&k), rest[i].keep, f, f->err);
	return rc;
}

/* ---- the index ---- */

static int flush(struct fix *f, struct reindex *r, uint32_t *at)
{
	uint32_t n = br_fts_unit_chunks(r->unit);
	int rc = 0;

	br_fts_unit_finish(r->unit);
	if (n && (rc = br_fts_write(f->t, f->number, *at, &r->unit, 1, f->err)) == 0 && r->dim)
		rc = br_vec_write(f->t, f->number, r->dim, *at, r->code.v, r->scale.v, n, f->err);
	*at += n;
	reindex_reset(r);
	return rc;
}

static int index_doc(struct fix *f, struct reindex *r, uint32_t num)
{
	struct br_arena a = { 0 };
	struct br_doc *d;
	int rc = br_doc_get(&d, &a, f->t, f->number, num, f->err);

	if (rc == 0)
		rc = reindex_doc(r, f->t, f->number, d, f->err);
	br_arena_release(&a);
	return rc;
}

static int index_docs(struct fix *f, const struct br_model *model)
{
	struct reindex *r = reindex_new(model);
	uint32_t at = 0;
	int rc = 0;

	places_sort(f->sound.v, f->sound.n);
	for (size_t i = 0; i < f->sound.n && rc == 0; i++) {
		if ((rc = br_check_stop(f->err)) == 0 && (rc = index_doc(f, r, f->sound.v[i].doc)) == 0 &&
		    br_fts_unit_bytes(r->unit) + r->code.n > FLUSH_BYTES)
			rc = flush(f, r, &at);
	}
	if (rc == 0)
		rc = flush(f, r, &at);
	reindex_free(r);
	return rc;
}

/* Vectors of a model that is not at hand cannot be made again; they may still be whole. */
static int keep_vectors(struct fix *f)
{
	struct br_err why = { 0 };
	int rc = br_vec_verify(f->t, f->number, f->nb->dim, f->live.n, &why);

	if (rc < 0)
		return br_fail(f->err, rc == -BR_ECORRUPT ? BR_EUNSUPPORTED : why.code,
		               "cannot repair notebook '%s': its vectors are damaged and come from model '%s', which is not at hand: %s",
		               f->nb->name, f->nb->model_id, why.msg);
	return br_vec_compact(f->t, f->number, f->nb->dim, &f->live, f->err);
}

static int build_index(struct fix *f)
{
	const struct br_model *model = f->nb->dim ? f->r->ws->model : NULL;
	bool ours = model && nb_fits(f->nb, model);
	int rc;

	if ((rc = br_fts_drop(f->t, f->number, f->err)) < 0 ||
	    (rc = model && !ours ? keep_vectors(f) : br_vec_drop(f->t, f->number, f->err)) < 0 ||
	    (rc = renumber_chunks(f->t, f->nb, &f->live, f->err)) < 0)
		return rc;
	return index_docs(f, ours ? model : NULL);
}

static int fix_nb(struct br_txn *t, void *arg, struct br_err *err)
{
	struct fix *f = arg;
	int rc;

	fix_reset(f);
	f->t = t;
	f->err = err;
	br_txn_check_all(t);
	if ((rc = load_nb(f)) < 0 || (rc = fix_docs(f)) < 0 || (rc = drop_rest(f)) < 0 || (rc = build_index(f)) < 0 || (rc = put_names(f)) < 0)
		return rc;
	say(f, "repaired: notebook '%s': index, paths and counts were made again from %u documents", f->nb->name, f->nb->docs);
	return nb_store(t, f->nb, err);
}

static int repair_nb(struct repair *r, uint32_t number, struct br_err *err)
{
	struct fix f = { .r = r, .number = number };
	int rc = br_store_write(r->ws->store, fix_nb, &f, err);

	for (size_t i = 0; rc == 0 && i < f.told.n; i++)
		r->fn(f.told.v[i], r->arg);
	if (rc == 0) {
		r->out->notebooks++;
		r->out->again += f.again;
		r->out->lost += f.lost;
	}
	fix_reset(&f);
	return rc;
}

/* ---- META and what belongs to no notebook ---- */

/* The records of META that cannot be read and what stands for them. */
struct meta_fix { struct br_txn *t; uint64_t n; BR_VEC(struct br_key) numbering; bool uuid, created; };

static int drop_meta(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	struct meta_fix *m = arg;

	(void)val;
	if (!why || br_slice_eq(key, br_slice_str("format")))
		return SCAN_KEEP;
	m->n++;
	m->uuid |= br_slice_eq(key, br_slice_str("uuid"));
	m->created |= br_slice_eq(key, br_slice_str("created"));
	if (br_has_prefix(key, br_slice_str("numbering."))) {
		struct br_key *k = br_vec_push(&m->numbering);
		k->n = 0;
		br_key_bytes(k, key.ptr, key.len);
	}
	return SCAN_DROP;
}

static int fix_meta(struct br_txn *t, void *arg, struct br_err *err)
{
	struct meta_fix *m = arg;
	uint64_t now = (uint64_t)br_now(); /* more than any count of renumberings, so that caches notice */
	char uuid[37];
	int rc;

	m->numbering.n = 0;
	m->n = 0;
	if ((rc = scan(t, BR_T_META, br_slice("", 0), drop_meta, m, err)) < 0)
		return rc;
	br_uuid(uuid);
	if ((m->uuid && (rc = br_put(t, BR_T_META, br_slice_str("uuid"), br_slice(uuid, 36), err)) < 0) ||
	    (m->created && (rc = br_meta_put(t, "created", now, err)) < 0))
		return rc;
	for (size_t i = 0; i < m->numbering.n && rc == 0; i++)
		rc = br_put(t, BR_T_META, br_key_slice(&m->numbering.v[i]), br_slice(&now, 8), err);
	return rc;
}

static int find_damage(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	uint64_t *n = arg;

	(void)key, (void)val;
	*n += why != NULL;
	return SCAN_KEEP;
}

static void add_nb(struct repair *r, uint64_t number)
{
	if (!number || number > UINT32_MAX)
		return;
	for (size_t i = 0; i < r->nbs.n; i++)
		if (r->nbs.v[i] == number)
			return;
	*br_vec_push(&r->nbs) = (uint32_t)number;
}

static int trace_record(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	(void)val, (void)why;
	if (key.len == 4)
		add_nb(arg, br_rd_be32(key.ptr));
	return SCAN_KEEP;
}

static int trace_name(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	if (!why && (key.ptr[0] == EXT_NB_ID || key.ptr[0] == EXT_NB_NAME) && val.len == 8)
		add_nb(arg, br_rd_le64(val.ptr));
	return SCAN_KEEP;
}

static int trace_doc(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	struct repair *r = arg;
	uint32_t nb = key.len == 8 ? br_rd_be32(key.ptr) : 0;

	(void)val, (void)why;
	if (nb && (!r->nbs.n || r->nbs.v[r->nbs.n - 1] != nb))
		add_nb(r, nb);
	return SCAN_KEEP;
}

static int trace(struct repair *r, uint64_t *meta, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, r->ws->store, err);

	if (rc < 0)
		return rc;
	if ((rc = scan(t, BR_T_META, br_slice("", 0), find_damage, meta, err)) == 0 &&
	    (rc = scan(t, BR_T_NOTEBOOK, br_slice("", 0), trace_record, r, err)) == 0 &&
	    (rc = scan(t, BR_T_EXTID, br_slice("", 0), trace_name, r, err)) == 0)
		rc = scan(t, BR_T_DOC, br_slice("", 0), trace_doc, r, err);
	br_txn_end(t);
	return rc;
}

static bool is_nb(const struct repair *r, uint32_t number)
{
	for (size_t i = 0; i < r->nbs.n; i++)
		if (r->nbs.v[i] == number)
			return true;
	return false;
}

static int keep_owned(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	(void)val, (void)why;
	return key.len > 4 && is_nb(arg, br_rd_be32(key.ptr)) ? SCAN_KEEP : SCAN_DROP;
}

static int keep_ids(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	bool of_doc = key.ptr[0] == EXT_DOC_ID;

	(void)val;
	if (of_doc)
		return key.len > 5 && is_nb(arg, br_rd_be32(key.ptr + 1)) ? SCAN_KEEP : SCAN_DROP;
	return why && (key.ptr[0] == EXT_NB_ID || key.ptr[0] == EXT_NB_NAME) ? SCAN_DROP : SCAN_KEEP;
}

/* Conversations, kept answers and past questions can be built from nothing: what is damaged goes. */
static int keep_said(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg)
{
	struct repair *r = arg;

	if (keep_owned(key, val, why, arg) == SCAN_DROP)
		return SCAN_DROP;
	if (!why)
		return SCAN_KEEP;
	r->out->lost++;
	r->fn("lost: a damaged record of a conversation, a kept answer, a past question, a job or the wiki", r->arg);
	return SCAN_DROP;
}

/* Numbers of notebooks in META, and records of notebooks that there are not. */
static int fix_rest(struct br_txn *t, void *arg, struct br_err *err)
{
	static const enum br_table owned[] = {
		BR_T_DOC, BR_T_PATH, BR_T_TEXT, BR_T_DICT, BR_T_CHUNK, BR_T_LEN, BR_T_VEC, BR_T_DEAD, BR_T_TERM, BR_T_POST,
		BR_T_CONTEXT,
	};
	static const enum br_table said[] = { BR_T_CHAT, BR_T_MSG, BR_T_REPLY, BR_T_ASKED, BR_T_JOB, BR_T_WIKI };
	struct repair *r = arg;
	uint64_t next, current;
	int rc;

	for (size_t i = 0; i < BR_COUNT(owned); i++)
		if ((rc = scan(t, owned[i], br_slice("", 0), keep_owned, r, err)) < 0)
			return rc;
	for (size_t i = 0; i < BR_COUNT(said); i++)
		if ((rc = scan(t, said[i], br_slice("", 0), keep_said, r, err)) < 0)
			return rc;
	if ((rc = scan(t, BR_T_EXTID, br_slice("", 0), keep_ids, r, err)) < 0 ||
	    (rc = br_meta_get(&next, t, "next_notebook", err)) < 0 || (rc = br_meta_get(&current, t, "current", err)) < 0)
		return rc;
	for (size_t i = 0; i < r->nbs.n; i++)
		next = BR_MAX(next, (uint64_t)r->nbs.v[i] + 1);
	if (!is_nb(r, (uint32_t)current))
		current = r->nbs.n ? r->nbs.v[0] : next; /* next: the one that is made when there is none */
	if ((rc = br_meta_put(t, "next_notebook", next, err)) < 0)
		return rc;
	return br_meta_put(t, "current", current, err);
}

/* ---- the whole ---- */

static int is_damaged(uint64_t *n, struct repair *r, uint32_t number, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, r->ws->store, err);

	if (rc < 0)
		return rc;
	rc = nb_problems(n, r->ws, t, number, err);
	br_txn_end(t);
	return rc;
}

static int repair_meta(struct repair *r, struct br_err *err)
{
	struct meta_fix m = { 0 };
	int rc = br_store_write(r->ws->store, fix_meta, &m, err);

	br_vec_release(&m.numbering);
	if (rc == 0)
		r->fn("repaired: damaged records of table 'meta' were made again", r->arg);
	return rc;
}

/* Damaged index files go: they are built again when they are due. */
static int repair_vindexes(struct repair *r, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_txn_read(&t, r->ws->store, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < r->nbs.n && rc >= 0; i++)
		if ((rc = nb_load(&nb, &a, t, r->nbs.v[i], err)) > 0)
			rc = br_vindex_verify(r->ws, nb, true, r->fn, r->arg, err);
	br_txn_end(t);
	br_arena_release(&a);
	return BR_MIN(0, rc);
}

int br_repair(struct br_repair_report *out, struct br_ws *ws, bool all, br_problem_fn *fn, void *arg, struct br_err *err)
{
	struct repair r = { .ws = ws, .out = out, .fn = fn, .arg = arg };
	struct br_lock imports = { 0 };
	uint64_t bad = 0;
	int rc;

	*out = (struct br_repair_report){ 0 };
	if ((rc = import_shut_out(&imports, ws, err)) < 0 && rc != -BR_ECORRUPT) /* damage is what it is here for */
		return rc;
	if ((rc = trace(&r, &bad, err)) == 0 && bad)
		rc = repair_meta(&r, err);
	for (size_t i = 0; i < r.nbs.n && rc == 0; i++) {
		if ((rc = br_check_stop(err)) == 0 && (rc = is_damaged(&bad, &r, r.nbs.v[i], err)) == 0 && (bad || all))
			rc = repair_nb(&r, r.nbs.v[i], err);
	}
	if (rc == 0)
		rc = br_store_write(ws->store, fix_rest, &r, err);
	if (rc == 0)
		rc = repair_vindexes(&r, err);
	if (rc == 0 && !r.nbs.n)
		rc = br_nb_create(ws, "default", NULL, err);
	br_lock_drop(&imports);
	br_vec_release(&r.nbs);
	return rc;
}
