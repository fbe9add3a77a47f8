/*
 * Documents: the record and its codec, finding by path or id, retiring what is indexed of one.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HASH_BLOCK ((size_t)256 << 10)

enum { DOC_VERSION = 2, ID_PREFIX_MIN = 6 };
enum doc_tag { TAG_ETAG = 1, TAG_MODIFIED, TAG_GONE, TAG_SIGNATURE }; /* of the fields behind a record of version 2 */

void doc_key(struct br_key *k, uint32_t nb, uint32_t doc)
{
	br_key_init(k, nb);
	br_key_u32(k, doc);
}

/* ---- codec ---- */

static void put_tag(struct br_buf *b, enum doc_tag tag, struct br_slice s)
{
	if (!s.len)
		return;
	br_buf_u8(b, (uint8_t)tag);
	br_buf_lstr(b, s.ptr, s.len);
}

/* Fields that few documents have, each with its tag, to the end of the record. */
static void put_tags(struct br_buf *b, const struct br_doc *d)
{
	put_tag(b, TAG_ETAG, br_slice_str(d->etag));
	put_tag(b, TAG_MODIFIED, br_slice_str(d->modified));
	put_tag(b, TAG_GONE, br_slice_str(d->gone));
	put_tag(b, TAG_SIGNATURE, d->signature);
}

static struct br_slice get_signature(struct br_arena *a, struct br_rd *r, struct br_slice s)
{
	r->bad |= s.len != SIGNATURE;
	return r->bad ? br_slice("", 0) : br_slice(memcpy(br_arena_alloc(a, s.len), s.ptr, s.len), s.len);
}

/* Tags that are not known are passed over: they came with a newer program and do not change what the record means. */
static void get_tags(struct br_doc *d, struct br_arena *a, struct br_rd *r)
{
	while (!r->bad && r->p < r->end) {
		uint8_t tag = br_rd_u8(r);
		struct br_slice s = br_rd_lstr(r);

		if (tag == TAG_ETAG)
			d->etag = br_arena_strndup(a, s.ptr, s.len);
		else if (tag == TAG_MODIFIED)
			d->modified = br_arena_strndup(a, s.ptr, s.len);
		else if (tag == TAG_GONE)
			d->gone = br_arena_strndup(a, s.ptr, s.len);
		else if (tag == TAG_SIGNATURE)
			d->signature = get_signature(a, r, s);
	}
}

/* A record that an older program understands is written as its version. */
static uint8_t version_for(const struct br_doc *d)
{
	return d->origin >= BR_FROM_URL || d->state > BR_DOC_SKIPPED || d->signature.len ? 2 : 1;
}

void doc_encode(struct br_buf *b, const struct br_doc *d)
{
	br_buf_u8(b, version_for(d));
	br_buf_add(b, d->id, 36);
	put_str(b, d->path);
	put_str(b, d->title);
	put_str(b, d->lang);
	put_str(b, d->encoding);
	br_buf_u8(b, d->format);
	br_buf_u8(b, d->origin);
	br_buf_u8(b, d->state);
	br_buf_varint(b, d->size);
	br_buf_varint(b, d->inode);
	br_buf_le64(b, (uint64_t)d->mtime_ns);
	br_buf_le64(b, (uint64_t)d->seen_ns);
	br_buf_le64(b, (uint64_t)d->created);
	br_buf_le64(b, (uint64_t)d->indexed);
	br_buf_add(b, d->sha, sizeof d->sha);
	br_buf_le32(b, d->first_chunk);
	br_buf_varint(b, d->chunks);
	br_buf_varint(b, d->text_bytes);
	br_buf_varint(b, d->tokens);
	put_str(b, d->meta);
	put_str(b, d->error);
	if (version_for(d) >= 2)
		put_tags(b, d);
}

int doc_decode(struct br_doc *d, struct br_arena *a, uint32_t num, struct br_slice rec, struct br_err *err)
{
	struct br_rd r = br_rd(rec);
	uint8_t version = br_rd_u8(&r);

	if (version > DOC_VERSION)
		return br_fail(err, BR_EVERSION, "document %u: record version %u is newer than this br", num, version);
	*d = (struct br_doc){ .doc = num };
	get_bytes(d->id, 36, &r);
	d->path = get_str(a, &r);
	d->title = get_str(a, &r);
	get_fixed(d->lang, sizeof d->lang, &r);
	get_fixed(d->encoding, sizeof d->encoding, &r);
	d->format = br_rd_u8(&r);
	d->origin = br_rd_u8(&r);
	d->state = br_rd_u8(&r);
	d->size = br_rd_varint(&r);
	d->inode = br_rd_varint(&r);
	d->mtime_ns = (int64_t)br_rd_u64(&r);
	d->seen_ns = (int64_t)br_rd_u64(&r);
	d->created = (int64_t)br_rd_u64(&r);
	d->indexed = (int64_t)br_rd_u64(&r);
	get_bytes(d->sha, sizeof d->sha, &r);
	d->first_chunk = br_rd_u32(&r);
	d->chunks = get_varint32(&r);
	d->text_bytes = get_varint32(&r);
	d->tokens = get_varint32(&r);
	d->meta = get_str(a, &r);
	d->error = get_str(a, &r);
	d->etag = d->modified = d->gone = (char *)"";
	if (version >= 2)
		get_tags(d, a, &r);
	if (r.bad || r.p != r.end || d->format >= BR_FMT_COUNT || d->state > BR_DOC_CONTAINER || d->origin > BR_FROM_MEMBER ||
	    d->chunks > UINT32_MAX - d->first_chunk)
		return br_fail(err, BR_ECORRUPT, "document %u: damaged record", num);
	return 0;
}

/* ---- finding ---- */

int br_doc_get(struct br_doc **out, struct br_arena *a, struct br_txn *t, uint32_t nb, uint32_t doc, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	int rc;

	doc_key(&k, nb, doc);
	if ((rc = br_get(&val, t, BR_T_DOC, br_key_slice(&k), err)) < 0)
		return rc;
	if (!rc)
		return br_fail(err, BR_ENOTFOUND, "document %u has no record", doc);
	*out = br_arena_alloc(a, sizeof **out);
	return doc_decode(*out, a, doc, val, err);
}

static void path_key(struct br_key *k, uint32_t nb, const char *path)
{
	uint8_t h[16];

	br_hash128(h, path, strlen(path));
	br_key_init(k, nb);
	br_key_bytes(k, h, sizeof h);
}

int doc_by_path(uint32_t *out, struct br_txn *t, uint32_t nb, const char *path, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	int rc;

	path_key(&k, nb, path);
	if ((rc = br_get(&val, t, BR_T_PATH, br_key_slice(&k), err)) <= 0)
		return rc;
	if (val.len != 4)
		return br_fail(err, BR_ECORRUPT, "path record of '%s' is damaged", path);
	*out = br_rd_le32(val.ptr);
	return 1;
}

static int by_id(uint32_t *out, struct br_txn *t, uint32_t nb, const char *id, struct br_err *err)
{
	struct br_key k;
	struct br_cur cur;
	size_t n = strlen(id);
	int rc, found = 0;

	if (n < ID_PREFIX_MIN || n > 36)
		return 0;
	extid_key(&k, EXT_DOC_ID, nb, id);
	if ((rc = br_cur_open(&cur, t, BR_T_EXTID, err)) < 0)
		return rc;
	cur.within = br_key_slice(&k);
	for (rc = br_cur_seek(&cur, br_key_slice(&k), err); rc > 0 && br_has_prefix(cur.key, br_key_slice(&k)); rc = br_cur_next(&cur, err)) {
		if (found++) {
			rc = br_fail(err, BR_EUSAGE, "'%s' is the beginning of more than one document id", id);
			break;
		}
		if (cur.val.len == 8)
			*out = (uint32_t)br_rd_le64(cur.val.ptr);
	}
	br_cur_close(&cur);
	return rc < 0 ? rc : found;
}

char *doc_path_of(const struct br_ws *ws, const char *file)
{
	char *abs = br_path_abs(file);
	size_t n = strlen(ws->root);

	if (!strcmp(abs, ws->root)) {
		free(abs);
		return br_strdup(".");
	}
	if (!strcmp(ws->root, "/"))
		memmove(abs, abs + 1, strlen(abs));
	else if (!strncmp(abs, ws->root, n) && abs[n] == '/')
		memmove(abs, abs + n + 1, strlen(abs + n));
	return abs;
}

char *doc_file_of(const struct br_ws *ws, const char *path) { return br_path_join(ws->root, path); }

char *object_file(const struct br_ws *ws, const uint8_t sha[32])
{
	char hex[65];

	br_hex(hex, sha, 32);
	return br_sprintf("%s/objects/%.2s/%s", ws->dir, hex, hex + 2);
}

static bool holds(const char *file, struct br_slice bytes)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_FILE);
	bool same = br_is_file(file) && br_file_read(&b, file, BR_MAX_FILE, NULL) == 0 && br_slice_eq(br_buf_slice(&b), bytes);

	br_buf_release(&b);
	return same;
}

int object_keep(const struct br_ws *ws, const uint8_t sha[32], struct br_slice bytes, struct br_err *err)
{
	char *file = object_file(ws, sha), *dir;
	int rc = 0;

	if (!holds(file, bytes)) {
		dir = br_strndup(file, (size_t)(br_path_base(file) - file));
		if ((rc = br_mkdirs(dir, 0777, err)) == 0)
			rc = br_file_write_atomic(file, bytes.ptr, bytes.len, 0666, err);
		free(dir);
	}
	free(file);
	return rc;
}

int object_hash(uint8_t sha[32], const char *file, struct br_err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	char *block = br_alloc(HASH_BLOCK);
	struct br_sha256 c;
	ssize_t n = -1;

	br_sha256_init(&c);
	while (fd >= 0 && ((n = read(fd, block, HASH_BLOCK)) > 0 || (n < 0 && errno == EINTR)))
		br_sha256_add(&c, block, n > 0 ? (size_t)n : 0);
	if (n == 0)
		br_sha256_end(sha, &c);
	else
		br_fail_errno(err, BR_EIO, "cannot read '%s'", file);
	if (fd >= 0)
		close(fd);
	free(block);
	return n == 0 ? 0 : -BR_EIO;
}

/* What lies there, whole, stays; damaged originals are replaced. */
int object_take(const struct br_ws *ws, const uint8_t sha[32], const char *file, struct br_err *err)
{
	char *to = object_file(ws, sha), *dir = br_strndup(to, (size_t)(br_path_base(to) - to));
	uint8_t there[32];
	int rc = 0;

	if (!br_is_file(to) || object_hash(there, to, NULL) < 0 || memcmp(there, sha, sizeof there)) {
		rc = br_mkdirs(dir, 0777, err);
		if (rc == 0 && rename(file, to) < 0)
			rc = br_fail_errno(err, BR_EIO, "cannot write '%s'", to);
	}
	free(dir);
	free(to);
	return rc;
}

/* A URL that is written differently. */
static int by_url(uint32_t *out, struct br_txn *t, uint32_t nb, const char *name, struct br_err *err)
{
	struct br_url u;
	int rc = br_url_parse(&u, NULL, br_slice_str(name), NULL) == 0 ? doc_by_path(out, t, nb, u.text, err) : 0;

	br_url_release(&u);
	return rc;
}

int br_doc_find(struct br_doc **out, struct br_arena *a, struct br_txn *t, const struct br_ws *ws, uint32_t nb, const char *name, struct br_err *err)
{
	char *path = doc_path_of(ws, name);
	uint32_t doc;
	int rc = doc_by_path(&doc, t, nb, name, err);

	if (!rc)
		rc = br_is_url(name) ? by_url(&doc, t, nb, name, err) : doc_by_path(&doc, t, nb, path, err);
	if (!rc)
		rc = by_id(&doc, t, nb, name, err);
	free(path);
	if (rc < 0)
		return rc;
	return rc ? br_doc_get(out, a, t, nb, doc, err) : br_fail(err, BR_ENOTFOUND, "no document '%s' in this notebook", name);
}

int br_doc_each(struct br_txn *t, uint32_t nb, br_doc_fn *fn, void *arg, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_cur cur;
	struct br_key k;
	int rc, stop = 0;

	br_key_init(&k, nb);
	if ((rc = br_cur_open(&cur, t, BR_T_DOC, err)) < 0)
		return rc;
	cur.within = br_key_slice(&k);
	for (rc = br_cur_seek(&cur, br_key_slice(&k), err); rc > 0 && br_has_prefix(cur.key, br_key_slice(&k)); rc = br_cur_next(&cur, err)) {
		struct br_doc d;
		if (cur.key.len != 8)
			rc = br_fail(err, BR_ECORRUPT, "document table: damaged key");
		else
			rc = doc_decode(&d, &a, br_rd_be32(cur.key.ptr + 4), cur.val, err);
		if (rc < 0 || (stop = fn(&d, arg)) != 0)
			break;
		br_arena_reset(&a);
	}
	br_cur_close(&cur);
	br_arena_release(&a);
	return rc < 0 ? rc : stop;
}

/* ---- writing ---- */

static int put_keys(struct br_txn *t, uint32_t nb, const struct br_doc *d, struct br_err *err)
{
	uint64_t num = d->doc;
	struct br_key k;
	int rc;

	path_key(&k, nb, d->path);
	if ((rc = br_put(t, BR_T_PATH, br_key_slice(&k), br_slice(&d->doc, 4), err)) < 0)
		return rc;
	extid_key(&k, EXT_DOC_ID, nb, d->id);
	return br_put(t, BR_T_EXTID, br_key_slice(&k), br_slice(&num, 8), err);
}

int doc_store(struct br_txn *t, uint32_t nb, const struct br_doc *d, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_key k;
	int rc;

	doc_encode(&b, d);
	doc_key(&k, nb, d->doc);
	if ((rc = br_buf_check(&b, "document record", err)) == 0)
		rc = br_append(t, BR_T_DOC, br_key_slice(&k), br_buf_slice(&b), err);
	br_buf_release(&b);
	return rc;
}

int doc_put(struct br_txn *t, uint32_t nb, const struct br_doc *d, struct br_err *err)
{
	int rc = doc_store(t, nb, d, err);

	return rc < 0 ? rc : put_keys(t, nb, d, err);
}

static int del_keys(struct br_txn *t, uint32_t nb, const struct br_doc *d, struct br_err *err)
{
	struct br_key k;
	int rc;

	path_key(&k, nb, d->path);
	if ((rc = br_del(t, BR_T_PATH, br_key_slice(&k), err)) < 0)
		return rc;
	extid_key(&k, EXT_DOC_ID, nb, d->id);
	rc = br_del(t, BR_T_EXTID, br_key_slice(&k), err);
	return rc < 0 ? rc : 0;
}

/* ---- retiring: the same words that were counted in are counted out ---- */

static int forget_words(struct br_txn *t, uint32_t nb, const struct br_doc *d, struct br_err *err)
{
	struct reindex *r = reindex_new(NULL);
	int rc = reindex_doc(r, t, nb, d, err);

	if (rc == 0) {
		br_fts_unit_finish(r->unit);
		rc = br_fts_forget(t, nb, r->unit, err);
	}
	reindex_free(r);
	return rc;
}

int doc_retire(struct br_txn *t, struct br_nb *nb, struct br_arena *a, const struct br_doc *d, struct br_err *err)
{
	struct br_key k;
	int rc;

	if (d->state == BR_DOC_INDEXED) {
		nb->docs--;
		nb->chunks -= d->chunks;
		nb->dead += d->chunks;
		nb->text_bytes -= d->text_bytes;
		nb->source_bytes -= d->size;
		nb_count_lang(nb, a, d->lang, -1);
	}
	if (!d->chunks)
		return 0;
	doc_key(&k, nb->nb, d->doc);
	if ((rc = forget_words(t, nb->nb, d, err)) < 0 ||
	    (rc = dead_mark(t, nb->nb, d->first_chunk, d->chunks, err)) < 0 ||
	    (rc = chunks_del(t, nb->nb, d->first_chunk, d->chunks, err)) < 0 ||
	    (rc = br_del_prefix(t, BR_T_CONTEXT, br_key_slice(&k), err)) < 0)
		return rc;
	return br_del_prefix(t, BR_T_TEXT, br_key_slice(&k), err);
}

int doc_forget(struct br_txn *t, struct br_nb *nb, struct br_arena *a, const struct br_doc *d, struct br_err *err)
{
	struct br_key k;
	int rc;

	if ((rc = doc_retire(t, nb, a, d, err)) < 0 || (rc = del_keys(t, nb->nb, d, err)) < 0)
		return rc;
	doc_key(&k, nb->nb, d->doc);
	rc = br_del(t, BR_T_DOC, br_key_slice(&k), err);
	return rc < 0 ? rc : 0;
}

struct removal { uint32_t nb; const uint32_t *doc; size_t n; };

/* Documents that hold others, and those others. */
struct holders { BR_VEC(char *) prefix; BR_VEC(uint32_t) member; };

static int find_members(const struct br_doc *d, void *arg)
{
	struct holders *h = arg;

	for (size_t i = 0; i < h->prefix.n && d->origin == BR_FROM_MEMBER; i++)
		if (!strncmp(d->path, h->prefix.v[i], strlen(h->prefix.v[i]))) {
			*br_vec_push(&h->member) = d->doc;
			break;
		}
	return 0;
}

/* Members of what is removed. */
static int add_members(struct holders *h, const struct removal *r, struct br_arena *a, struct br_txn *t, struct br_err *err)
{
	struct br_doc *d;
	int rc;

	for (size_t i = 0; i < r->n; i++) {
		rc = br_doc_get(&d, a, t, r->nb, r->doc[i], NULL);
		if (rc == 0 && (d->state == BR_DOC_CONTAINER || d->format == BR_FMT_MAIL))
			*br_vec_push(&h->prefix) = br_arena_printf(a, "%s!/", d->path);
	}
	return h->prefix.n ? br_doc_each(t, r->nb, find_members, h, err) : 0;
}

static int forget_docs(struct br_txn *t, struct br_nb *nb, struct br_arena *a, const uint32_t *doc, size_t n, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc >= 0; i++) {
		struct br_doc *d;
		struct br_err gone;
		rc = br_doc_get(&d, a, t, nb->nb, doc[i], &gone);
		if (rc == -BR_ENOTFOUND)
			rc = 0; /* another process was quicker */
		else if (rc < 0)
			rc = br_fail(err, gone.code, "%s", gone.msg);
		else
			rc = doc_forget(t, nb, a, d, err);
	}
	return rc;
}

static int remove_docs(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct removal *r = arg;
	struct holders h = { 0 };
	struct br_arena a = { 0 };
	struct br_nb *nb;
	int rc = nb_load(&nb, &a, t, r->nb, err);

	if (!rc)
		rc = br_fail(err, BR_ENOTFOUND, "the notebook was deleted meanwhile");
	if (rc >= 0)
		rc = add_members(&h, r, &a, t, err);
	if (rc >= 0)
		rc = forget_docs(t, nb, &a, r->doc, r->n, err);
	if (rc >= 0)
		rc = forget_docs(t, nb, &a, h.member.v, h.member.n, err);
	if (rc >= 0)
		rc = nb_store(t, nb, err);
	br_vec_release(&h.prefix);
	br_vec_release(&h.member);
	br_arena_release(&a);
	return rc;
}

int br_doc_remove(struct br_ws *ws, uint32_t nb, const uint32_t *doc, size_t n, struct br_err *err)
{
	struct removal r = { nb, doc, n };

	return br_store_write(ws->store, remove_docs, &r, err);
}

int br_doc_at(struct br_doc **out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *path, struct br_err *err)
{
	uint32_t num;
	int rc = doc_by_path(&num, t, nb, path, err);

	*out = NULL;
	if (rc < 0)
		return rc;
	return rc ? br_doc_get(out, a, t, nb, num, err) : br_fail(err, BR_ENOTFOUND, "no document '%s'", path);
}

/* ---- metadata ---- */

struct new_meta { uint32_t nb, doc; const char *meta; };

static int put_meta(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct new_meta *m = arg;
	struct br_arena a = { 0 };
	struct br_nb *nb;
	struct br_doc *d;
	int rc = br_nb_by_number(&nb, &a, t, m->nb, err);

	if (rc == 0 && (rc = br_doc_get(&d, &a, t, m->nb, m->doc, err)) == 0) {
		d->meta = br_arena_strdup(&a, m->meta);
		if ((rc = doc_put(t, m->nb, d, err)) == 0)
			rc = nb_store(t, nb, err);
	}
	br_arena_release(&a);
	return rc;
}

int br_doc_set_meta(struct br_ws *ws, uint32_t nb, uint32_t doc, const char *meta, struct br_err *err)
{
	struct new_meta m = { nb, doc, meta };

	if (strlen(meta) > BR_MAX_META)
		return br_fail(err, BR_ETOOBIG, "metadata of more than %u bytes", BR_MAX_META);
	return br_store_write(ws->store, put_meta, &m, err);
}

char *br_original_file(const struct br_ws *ws, const uint8_t sha[32])
{
	return object_file(ws, sha);
}
