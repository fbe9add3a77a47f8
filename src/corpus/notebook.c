/*
 * Notebooks: the record, its codec, and what the `notebook` verb does.
 * Record and keys: man/br-index.5, DOCUMENTS.
 */
#include "internal.h"
#include "settings.h"

#include <math.h>
#include <stdlib.h>

enum { NB_VERSION = 1 };

void extid_key(struct br_key *k, enum br_extid_kind kind, uint32_t nb, const char *id)
{
	k->b[0] = (char)kind;
	k->n = 1;
	if (kind >= EXT_DOC_ID)
		br_key_u32(k, nb);
	br_key_bytes(k, id, strnlen(id, 256));
}

static void nb_encode(struct br_buf *b, const struct br_nb *nb)
{
	br_buf_u8(b, NB_VERSION);
	put_str(b, nb->id);
	put_str(b, nb->name);
	br_buf_le64(b, (uint64_t)nb->created);
	br_buf_le64(b, (uint64_t)nb->updated);
	br_buf_le64(b, nb->generation);
	br_buf_le32(b, nb->next_doc);
	br_buf_le32(b, nb->next_chunk);
	br_buf_le32(b, nb->docs);
	br_buf_le32(b, nb->chunks);
	br_buf_le32(b, nb->dead);
	br_buf_le64(b, nb->text_bytes);
	br_buf_le64(b, nb->source_bytes);
	br_buf_u8(b, (uint8_t)nb->chunking.how);
	br_buf_le32(b, nb->chunking.size);
	br_buf_le32(b, nb->chunking.overlap);
	put_str(b, nb->lang);
	put_double(b, nb->k1);
	put_double(b, nb->b);
	put_str(b, nb->model_id);
	br_buf_add(b, nb->model_sha, sizeof nb->model_sha);
	br_buf_le32(b, nb->dim);
	put_str(b, nb->settings);
	br_buf_varint(b, nb->langs.n);
	for (size_t i = 0; i < nb->langs.n; i++) {
		put_str(b, nb->langs.v[i].lang);
		br_buf_le32(b, nb->langs.v[i].docs);
	}
	br_buf_varint(b, nb->roots.n);
	for (size_t i = 0; i < nb->roots.n; i++)
		put_str(b, nb->roots.v[i]);
}

static void get_lists(struct br_nb *nb, struct br_arena *a, struct br_rd *r)
{
	uint64_t n = br_rd_varint(r);

	r->bad |= n > 1000;
	nb->langs.v = br_arena_zalloc(a, (r->bad ? 0 : n + 8) * sizeof *nb->langs.v); /* room for nb_count_lang */
	nb->langs.cap = r->bad ? 0 : n + 8;
	for (uint64_t i = 0; i < n && !r->bad; i++) {
		get_fixed(nb->langs.v[i].lang, sizeof nb->langs.v[i].lang, r);
		nb->langs.v[i].docs = br_rd_u32(r);
		nb->langs.n = i + 1;
	}
	n = br_rd_varint(r);
	r->bad |= n > 100000;
	nb->roots.v = br_arena_alloc(a, (r->bad ? 0 : n + 64) * sizeof *nb->roots.v);
	nb->roots.cap = r->bad ? 0 : n + 64;
	for (uint64_t i = 0; i < n && !r->bad; i++)
		nb->roots.v[nb->roots.n++] = get_str(a, r);
}

static void get_head(struct br_nb *nb, struct br_arena *a, struct br_rd *r)
{
	get_fixed(nb->id, sizeof nb->id, r);
	nb->name = get_str(a, r);
	nb->created = (int64_t)br_rd_u64(r);
	nb->updated = (int64_t)br_rd_u64(r);
	nb->generation = br_rd_u64(r);
	nb->next_doc = br_rd_u32(r);
	nb->next_chunk = br_rd_u32(r);
	nb->docs = br_rd_u32(r);
	nb->chunks = br_rd_u32(r);
	nb->dead = br_rd_u32(r);
	nb->text_bytes = br_rd_u64(r);
	nb->source_bytes = br_rd_u64(r);
	nb->chunking.how = br_rd_u8(r);
	nb->chunking.size = br_rd_u32(r);
	nb->chunking.overlap = br_rd_u32(r);
	get_fixed(nb->lang, sizeof nb->lang, r);
	nb->k1 = get_double(r);
	nb->b = get_double(r);
	get_fixed(nb->model_id, sizeof nb->model_id, r);
	get_bytes(nb->model_sha, sizeof nb->model_sha, r);
	nb->dim = br_rd_u32(r);
	nb->settings = get_str(a, r);
}

static bool settings_ok(const struct br_nb *nb)
{
	return (nb->chunking.how == BR_CHUNK_STRUCTURE || nb->chunking.how == BR_CHUNK_RECURSIVE) && nb->chunking.size > 0 &&
	       nb->k1 >= 0 && isfinite(nb->k1) && nb->b >= 0 && nb->b <= 1;
}

static int nb_decode(struct br_nb **out, struct br_arena *a, uint32_t num, struct br_slice rec, struct br_err *err)
{
	struct br_nb *nb = br_arena_zalloc(a, sizeof *nb);
	struct br_rd r = br_rd(rec);
	uint8_t version = br_rd_u8(&r);

	if (version > NB_VERSION)
		return br_fail(err, BR_EVERSION, "notebook %u: record version %u is newer than this br", num, version);
	nb->nb = num;
	get_head(nb, a, &r);
	get_lists(nb, a, &r);
	if (r.bad || nb->dim > BR_ANN_MAX_DIM || nb->chunks + (uint64_t)nb->dead > nb->next_chunk || nb->docs > nb->next_doc ||
	    !settings_ok(nb))
		return br_fail(err, BR_ECORRUPT, "notebook %u: damaged record", num);
	*out = nb;
	return 1;
}

int nb_load(struct br_nb **out, struct br_arena *a, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	int rc;

	br_key_init(&k, nb);
	rc = br_get(&val, t, BR_T_NOTEBOOK, br_key_slice(&k), err);
	return rc <= 0 ? rc : nb_decode(out, a, nb, val, err);
}

static int put_record(struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(16 << 20);
	struct br_key k;
	int rc;

	nb_encode(&b, nb);
	br_key_init(&k, nb->nb);
	if ((rc = br_buf_check(&b, "notebook record", err)) == 0)
		rc = br_put(t, BR_T_NOTEBOOK, br_key_slice(&k), br_buf_slice(&b), err);
	br_buf_release(&b);
	return rc;
}

int nb_restore(struct br_txn *t, struct br_nb *nb, struct br_err *err)
{
	nb->generation = br_txn_generation(t);
	return put_record(t, nb, err);
}

int nb_store_unseen(struct br_txn *t, struct br_nb *nb, struct br_err *err)
{
	nb->updated = br_now();
	return put_record(t, nb, err);
}

int nb_store(struct br_txn *t, struct br_nb *nb, struct br_err *err)
{
	nb->updated = br_now();
	return nb_restore(t, nb, err);
}

void nb_count_lang(struct br_nb *nb, struct br_arena *a, const char *lang, int by)
{
	struct br_lang_count *l = nb->langs.v;
	size_t i;

	for (i = 0; i < nb->langs.n && strcmp(l[i].lang, lang); i++)
		;
	if (i == nb->langs.n) {
		if (by < 0)
			return;
		if (i == nb->langs.cap) {
			l = br_arena_zalloc(a, (i * 2 + 8) * sizeof *l);
			if (i)
				memcpy(l, nb->langs.v, i * sizeof *l);
			nb->langs.v = l;
			nb->langs.cap = i * 2 + 8;
		}
		l[i] = (struct br_lang_count){ .docs = 0 };
		memcpy(l[i].lang, lang, strnlen(lang, sizeof l[i].lang - 1));
		nb->langs.n++;
	}
	l[i].docs = by < 0 && l[i].docs == 0 ? 0 : l[i].docs + (uint32_t)by;
	if (!l[i].docs) /* keep the list to what is there: question words are stemmed in each of these */
		l[i] = l[--nb->langs.n];
}

/* ---- finding ---- */

static int by_extid(uint32_t *out, struct br_txn *t, enum br_extid_kind kind, const char *id, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	int rc;

	extid_key(&k, kind, 0, id);
	if ((rc = br_get(&val, t, BR_T_EXTID, br_key_slice(&k), err)) <= 0)
		return rc;
	if (val.len != 8)
		return br_fail(err, BR_ECORRUPT, "notebook '%s': damaged id record", id);
	*out = (uint32_t)br_rd_le64(val.ptr);
	return 1;
}

static int find(uint32_t *out, struct br_txn *t, const char *name, struct br_err *err)
{
	int rc = by_extid(out, t, EXT_NB_NAME, name, err);

	if (!rc)
		rc = by_extid(out, t, EXT_NB_ID, name, err);
	return rc ? rc : br_fail(err, BR_ENOTFOUND, "no notebook '%s'", name);
}

static int current(uint32_t *out, struct br_txn *t, struct br_err *err)
{
	uint64_t nb;
	int rc = br_meta_get(&nb, t, "current", err);

	if (rc < 0)
		return rc;
	*out = (uint32_t)nb;
	return 0;
}

int br_nb_get(struct br_nb **out, struct br_arena *a, struct br_txn *t, const char *name, struct br_err *err)
{
	uint32_t nb;
	int rc = name && *name ? find(&nb, t, name, err) : current(&nb, t, err);

	*out = NULL;
	if (rc < 0)
		return rc;
	if ((rc = nb_load(out, a, t, nb, err)) == 0)
		return br_fail(err, name ? BR_ECORRUPT : BR_ENOTFOUND,
			       name ? "notebook '%s' has no record" : "no notebook is in use%s; choose one with 'br notebook use'", name ? name : "");
	return rc < 0 ? rc : 0;
}

int br_nb_by_number(struct br_nb **out, struct br_arena *a, struct br_txn *t, uint32_t nb, struct br_err *err)
{
	int rc = nb_load(out, a, t, nb, err);

	return rc ? BR_MIN(rc, 0) : br_fail(err, BR_ENOTFOUND, "no notebook has the number %u", nb);
}

const char *br_nb_current(char **out, struct br_txn *t)
{
	struct br_arena a = { 0 };
	struct br_nb *nb;

	*out = br_nb_get(&nb, &a, t, NULL, NULL) < 0 ? br_strdup("") : br_strdup(nb->name);
	br_arena_release(&a);
	return *out;
}

int br_nb_each(struct br_txn *t, br_nb_fn *fn, void *arg, struct br_err *err)
{
	struct br_cur cur;
	int rc, stop = 0;

	if ((rc = br_cur_open(&cur, t, BR_T_NOTEBOOK, err)) < 0)
		return rc;
	for (rc = br_cur_seek(&cur, br_slice("", 0), err); rc > 0 && !stop; rc = br_cur_next(&cur, err)) {
		struct br_arena a = { 0 };
		struct br_nb *nb;
		if (cur.key.len != 4)
			rc = br_fail(err, BR_ECORRUPT, "notebook table: damaged key");
		else if ((rc = nb_decode(&nb, &a, br_rd_be32(cur.key.ptr), cur.val, err)) > 0)
			stop = fn(nb, arg);
		br_arena_release(&a);
		if (rc < 0)
			break;
	}
	br_cur_close(&cur);
	return rc < 0 ? rc : stop;
}

/* ---- changing ---- */

bool br_nb_name_ok(const char *name, struct br_err *err)
{
	size_t n = strlen(name);

	if (!n || n > BR_MAX_NOTEBOOK_NAME || br_utf8_valid(name, n) != n) {
		br_fail(err, BR_EUSAGE, "a notebook's name has 1 to %d bytes of UTF-8", BR_MAX_NOTEBOOK_NAME);
		return false;
	}
	for (const char *p = name; *p; p++) {
		if ((unsigned char)*p < 32 || *p == 127) {
			br_fail(err, BR_EUSAGE, "a notebook's name has no control characters");
			return false;
		}
	}
	return true;
}

static int put_extid(struct br_txn *t, enum br_extid_kind kind, const char *id, uint32_t nb, struct br_err *err)
{
	struct br_key k;
	uint64_t v = nb;

	extid_key(&k, kind, 0, id);
	return br_put(t, BR_T_EXTID, br_key_slice(&k), br_slice(&v, 8), err);
}

static int del_extid(struct br_txn *t, enum br_extid_kind kind, const char *id, struct br_err *err)
{
	struct br_key k;
	int rc;

	extid_key(&k, kind, 0, id);
	rc = br_del(t, BR_T_EXTID, br_key_slice(&k), err);
	return rc < 0 ? rc : 0;
}

struct nb_change {
	struct br_ws *ws;
	const char *name, *to, *key, *value;
	const struct br_nb_pair *pair;
	size_t pairs;
	char id[37];
	bool reindex;
};

static int free_name(struct br_txn *t, const char *name, struct br_err *err)
{
	uint32_t nb;
	int rc = by_extid(&nb, t, EXT_NB_NAME, name, err);

	return rc > 0 ? br_fail(err, BR_EEXISTS, "a notebook '%s' exists already", name) : rc;
}

static int settings_fit(const struct br_nb *nb, struct br_err *err)
{
	for (const char *p = nb->lang; *p; p++)
		if (*p != '-' && !((*p | 32) >= 'a' && (*p | 32) <= 'z'))
			return br_fail(err, BR_EUSAGE, "language is a code such as en or de");
	if (nb->chunking.overlap >= nb->chunking.size)
		return br_fail(err, BR_EUSAGE, "chunk.overlap must be smaller than chunk.size (%u)", nb->chunking.size);
	return 0;
}

static void settings_from_config(struct br_nb *nb, const struct br_config *c)
{
	const char *lang = br_config_get(c, "language", NULL);

	nb->chunking.how = strcmp(br_config_get(c, "chunk.strategy", NULL), "recursive") ? BR_CHUNK_STRUCTURE : BR_CHUNK_RECURSIVE;
	nb->chunking.size = (uint32_t)br_config_int(c, "chunk.size");
	nb->chunking.overlap = (uint32_t)br_config_int(c, "chunk.overlap");
	nb->k1 = br_config_num(c, "bm25.k1");
	nb->b = br_config_num(c, "bm25.b");
	if (lang)
		memcpy(nb->lang, lang, strnlen(lang, sizeof nb->lang - 1));
}

void nb_defaults(struct br_nb *nb, const struct br_ws *ws)
{
	settings_from_config(nb, ws->config);
	space_pin_builtin(nb, ws->model);
}

static int apply_settings(struct br_nb *nb, struct br_arena *a, struct nb_change *c, struct br_err *err);

static int free_id(struct br_txn *t, const char *id, struct br_err *err)
{
	uint32_t nb;
	int rc = by_extid(&nb, t, EXT_NB_ID, id, err);

	return rc > 0 ? br_fail(err, BR_EEXISTS, "a notebook '%s' exists already", id) : rc;
}

static int put_new(struct br_txn *t, struct br_arena *a, struct nb_change *c, struct br_err *err)
{
	struct br_nb nb = { .settings = (char[]){ "{}" } };
	uint64_t next;
	int rc;

	if ((rc = free_name(t, c->name, err)) < 0 || (rc = free_id(t, c->id, err)) < 0 || (rc = br_meta_get(&next, t, "next_notebook", err)) < 0)
		return rc;
	nb.nb = next ? (uint32_t)next : 1;
	nb.name = (char *)c->name;
	nb.created = br_now();
	memcpy(nb.id, c->id, sizeof nb.id);
	nb_defaults(&nb, c->ws);
	if ((rc = apply_settings(&nb, a, c, err)) < 0 || (rc = br_meta_put(t, "next_notebook", nb.nb + 1, err)) < 0 ||
	    (rc = put_extid(t, EXT_NB_ID, nb.id, nb.nb, err)) < 0 ||
	    (rc = put_extid(t, EXT_NB_NAME, nb.name, nb.nb, err)) < 0)
		return rc;
	if (nb.nb == 1 && (rc = br_meta_put(t, "current", 1, err)) < 0)
		return rc;
	return nb_store(t, &nb, err);
}

static int create(struct br_txn *t, void *arg, struct br_err *err)
{
	struct br_arena a = { 0 };
	int rc = put_new(t, &a, arg, err);

	br_arena_release(&a);
	return rc;
}

int br_nb_create(struct br_ws *ws, const char *name, char id_out[37], struct br_err *err)
{
	struct nb_change c = { .ws = ws, .name = name };
	int rc;

	if (!br_nb_name_ok(name, err))
		return -BR_EUSAGE;
	br_uuid_ordered(c.id, br_now_ns() / 1000000);
	if ((rc = br_store_write(ws->store, create, &c, err)) == 0 && id_out)
		memcpy(id_out, c.id, sizeof c.id);
	return rc;
}

int br_nb_create_as(struct br_ws *ws, const char *name, const char id[37], const struct br_nb_pair *pair, size_t n, struct br_err *err)
{
	struct nb_change c = { .ws = ws, .name = name, .pair = pair, .pairs = n };

	if (!br_nb_name_ok(name, err))
		return -BR_EUSAGE;
	BR_ASSERT(strlen(id) == 36);
	memcpy(c.id, id, sizeof c.id);
	return br_store_write(ws->store, create, &c, err);
}

static int rename_nb(struct br_txn *t, void *arg, struct br_err *err)
{
	struct nb_change *c = arg;
	struct br_arena a = { 0 };
	struct br_nb *nb;
	int rc;

	if ((rc = br_nb_get(&nb, &a, t, c->name, err)) < 0 || (rc = free_name(t, c->to, err)) < 0 ||
	    (rc = del_extid(t, EXT_NB_NAME, nb->name, err)) < 0)
		goto out;
	nb->name = br_arena_strdup(&a, c->to);
	if ((rc = put_extid(t, EXT_NB_NAME, nb->name, nb->nb, err)) == 0)
		rc = nb_store(t, nb, err);
out:
	br_arena_release(&a);
	return rc;
}

int br_nb_rename(struct br_ws *ws, const char *name, const char *to, struct br_err *err)
{
	struct nb_change c = { .ws = ws, .name = name, .to = to };

	return br_nb_name_ok(to, err) ? br_store_write(ws->store, rename_nb, &c, err) : -BR_EUSAGE;
}

static int use(struct br_txn *t, void *arg, struct br_err *err)
{
	struct nb_change *c = arg;
	uint32_t nb;
	int rc = find(&nb, t, c->name, err);

	return rc < 0 ? rc : br_meta_put(t, "current", nb, err);
}

int br_nb_use(struct br_ws *ws, const char *name, struct br_err *err)
{
	struct nb_change c = { .ws = ws, .name = name };

	return br_store_write(ws->store, use, &c, err);
}

static int delete_ids(struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	int rc = del_extid(t, EXT_NB_ID, nb->id, err);

	return rc < 0 ? rc : del_extid(t, EXT_NB_NAME, nb->name, err);
}

/* The notebook in use went: the oldest that is left takes its place. */
static int use_first(struct br_txn *t, struct br_err *err)
{
	struct br_cur cur;
	uint32_t first = 0;
	int rc;

	if ((rc = br_cur_open(&cur, t, BR_T_NOTEBOOK, err)) < 0)
		return rc;
	if ((rc = br_cur_seek(&cur, br_slice("", 0), err)) > 0 && cur.key.len == 4)
		first = br_rd_be32(cur.key.ptr);
	br_cur_close(&cur);
	return rc < 0 ? rc : br_meta_put(t, "current", first, err);
}

int nb_drop_records(struct br_txn *t, uint32_t nb, struct br_err *err)
{
	static const enum br_table tables[] = { BR_T_NOTEBOOK, BR_T_DOC, BR_T_PATH, BR_T_TEXT, BR_T_DICT, BR_T_CHUNK, BR_T_DEAD,
		BR_T_CHAT, BR_T_MSG, BR_T_REPLY, BR_T_ASKED, BR_T_JOB, BR_T_API, BR_T_WIKI, BR_T_CONTEXT };
	struct br_key k;
	char name[24];
	int rc = 0;

	for (int kind = EXT_DOC_ID; kind <= BR_EXT_MESSAGE && rc >= 0; kind++) {
		extid_key(&k, (enum br_extid_kind)kind, nb, "");
		rc = br_del_prefix(t, BR_T_EXTID, br_key_slice(&k), err);
	}
	if (rc < 0 || (rc = br_fts_drop(t, nb, err)) < 0)
		return rc;
	rc = br_vec_drop(t, nb, err);
	br_key_init(&k, nb);
	for (size_t i = 0; i < BR_COUNT(tables) && rc >= 0; i++)
		rc = br_del_prefix(t, tables[i], br_key_slice(&k), err);
	numbering_name(name, nb);
	if (rc < 0 || (rc = br_del(t, BR_T_META, br_slice_str(name), err)) < 0)
		return rc;
	return 0;
}

static int delete_nb(struct br_txn *t, void *arg, struct br_err *err)
{
	struct nb_change *c = arg;
	struct br_arena a = { 0 };
	struct br_nb *nb;
	uint64_t now;
	int rc;

	if ((rc = br_nb_get(&nb, &a, t, c->name, err)) < 0 || (rc = delete_ids(t, nb, err)) < 0 ||
	    (rc = nb_drop_records(t, nb->nb, err)) < 0)
		goto out;
	if ((rc = br_meta_get(&now, t, "current", err)) < 0)
		goto out;
	if (now == nb->nb)
		rc = use_first(t, err);
out:
	br_arena_release(&a);
	return rc < 0 ? rc : 0;
}

int br_nb_delete(struct br_ws *ws, const char *name, struct br_err *err)
{
	struct nb_change c = { .ws = ws, .name = name };

	return br_store_write(ws->store, delete_nb, &c, err);
}

/* ---- import ---- */

int nb_by_name(struct br_nb **out, struct br_arena *a, struct br_txn *t, const char *name, struct br_err *err)
{
	uint32_t nb;
	int rc = by_extid(&nb, t, EXT_NB_NAME, name, err);

	return rc <= 0 ? rc : nb_load(out, a, t, nb, err);
}

int nb_publish(struct br_txn *t, struct br_nb *nb, bool replace, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_nb *old;
	uint64_t now;
	int rc = nb_by_name(&old, &a, t, nb->name, err);

	if (rc > 0 && !replace && old->next_doc)
		rc = free_name(t, nb->name, err);
	else if (rc > 0) { /* who knows the notebook by its id goes on to do so */
		memcpy(nb->id, old->id, sizeof nb->id);
		nb->created = old->created;
		if ((rc = nb_drop_records(t, old->nb, err)) == 0 && (rc = br_meta_get(&now, t, "current", err)) == 0 && now == old->nb)
			rc = br_meta_put(t, "current", nb->nb, err);
	}
	br_arena_release(&a);
	if (rc < 0 || (rc = put_extid(t, EXT_NB_ID, nb->id, nb->nb, err)) < 0 || (rc = put_extid(t, EXT_NB_NAME, nb->name, nb->nb, err)) < 0 ||
	    (rc = br_meta_get(&now, t, "current", err)) < 0)
		return rc;
	if (!now && (rc = br_meta_put(t, "current", nb->nb, err)) < 0)
		return rc;
	return nb_store(t, nb, err);
}

/* ---- settings ---- */

static int apply_setting(struct br_nb *nb, struct br_arena *a, struct nb_change *c, struct br_err *err)
{
	const struct br_nb_setting *s = br_nb_setting_find(c->key);
	const char *key = c->key, *v = c->value;
	int rc;

	if (!s)
		return nb_setting_unknown(key, err);
	c->reindex |= s->reindex;
	if (s->type != BR_NBS_CONFIG)
		return nb_setting_put(nb, a, s, v, err);
	if (!v && !(v = br_config_get(c->ws->config, key, NULL)))
		v = "";
	if ((rc = br_config_check(key, v, err)) < 0)
		return rc;
	if (!strcmp(key, "language")) {
		memset(nb->lang, 0, sizeof nb->lang);
		memcpy(nb->lang, v, strnlen(v, sizeof nb->lang - 1));
	} else if (!strcmp(key, "chunk.strategy"))
		nb->chunking.how = strcmp(v, "recursive") ? BR_CHUNK_STRUCTURE : BR_CHUNK_RECURSIVE;
	else if (!strcmp(key, "chunk.size"))
		nb->chunking.size = (uint32_t)strtoul(v, NULL, 10);
	else if (!strcmp(key, "chunk.overlap"))
		nb->chunking.overlap = (uint32_t)strtoul(v, NULL, 10);
	else if (!strcmp(key, "bm25.k1"))
		nb->k1 = strtod(v, NULL);
	else
		nb->b = strtod(v, NULL);
	return 0;
}

/* In the order given; what must fit together is looked at when all are in place. */
static int apply_settings(struct br_nb *nb, struct br_arena *a, struct nb_change *c, struct br_err *err)
{
	int rc = 0;

	c->reindex = false;
	for (size_t i = 0; i < c->pairs && rc == 0; i++) {
		c->key = c->pair[i].key;
		c->value = c->pair[i].value;
		rc = apply_setting(nb, a, c, err);
	}
	return rc < 0 ? rc : settings_fit(nb, err);
}

static int set_nb(struct br_txn *t, void *arg, struct br_err *err)
{
	struct nb_change *c = arg;
	struct br_arena a = { 0 };
	struct br_nb *nb;
	int rc;

	if ((rc = br_nb_get(&nb, &a, t, c->name, err)) == 0 && (rc = apply_settings(nb, &a, c, err)) == 0)
		rc = nb_store(t, nb, err);
	br_arena_release(&a);
	return rc;
}

int br_nb_set_all(struct br_ws *ws, const char *name, const struct br_nb_pair *pair, size_t n, bool *reindex, struct br_err *err)
{
	struct nb_change c = { .ws = ws, .name = name, .pair = pair, .pairs = n };
	int rc = br_store_write(ws->store, set_nb, &c, err);

	*reindex = c.reindex;
	return rc;
}

int br_nb_set(struct br_ws *ws, const char *name, const char *key, const char *value, bool *reindex, struct br_err *err)
{
	return br_nb_set_all(ws, name, &(struct br_nb_pair){ key, value }, 1, reindex, err);
}
