/*
 * The cache of embeddings: a store of its own whose table VEC has, under the first half of a hash of model and text, the
 * vector as half floats. META counts the bytes. What is written batch by batch is not asked for again after a kill.
 */
#include "br/os.h"
#include "internal.h"

#include <stdlib.h>
#include <unistd.h>

enum { KEY = 16, OVERHEAD = 32, EVICT_AT_ONCE = 4096 }; /* OVERHEAD: bytes of a record besides its vector, about */

struct br_llm_cache {
	struct br_store *store;
	uint64_t max_bytes;
	pthread_mutex_t mu;          /* one request for vectors at a time */
};

/* ---- half floats, round to nearest even ---- */

static uint16_t to_half(float f)
{
	uint32_t u, sign, mant, half;
	int32_t exp;

	memcpy(&u, &f, 4);
	sign = u >> 16 & 0x8000;
	exp = (int32_t)(u >> 23 & 0xff) - 127 + 15;
	mant = (u & 0x7fffff) | 0x800000;
	if (exp >= 31)
		return (uint16_t)(sign | 0x7c00);
	if (exp < -10)
		return (uint16_t)sign;
	int shift = exp > 0 ? 13 : 14 - exp;
	half = mant >> shift;
	uint32_t rest = mant & ((1u << shift) - 1), middle = 1u << (shift - 1);
	half += rest > middle || (rest == middle && (half & 1));
	if (exp > 0)
		half += (uint32_t)(exp - 1) << 10;
	return (uint16_t)(sign | half);
}

static float from_half(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = h >> 10 & 31, mant = h & 0x3ff, u;
	float f;

	if (exp == 0) {
		f = (float)mant * 0x1p-24f;
		return sign ? -f : f;
	}
	u = sign | (exp + 112) << 23 | mant << 13;
	memcpy(&f, &u, 4);
	return f;
}

static void round_all(float *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		v[i] = from_half(to_half(v[i]));
}

/* ---- records ---- */

static void key_of(uint8_t key[KEY], const struct br_llm *s, const struct br_llm_embed *req, struct br_slice text)
{
	const char *type = br_llm__input_type(s, req->use);
	struct br_buf b = BR_BUF_INIT(BR_MAX_TEXT + BR_MAX_LLM_REQUEST);
	uint8_t sum[32];

	br_buf_addf(&b, "%s%c%u%c%s%c%s", req->ask.model ? req->ask.model : s->info.model, 0, s->asked_dim, 0,
	            type ? type : "", 0, br_llm__prefix(s, req->use));
	br_buf_add(&b, text.ptr, text.len);
	br_sha256(sum, b.ptr, b.len);
	memcpy(key, sum, KEY);
	br_buf_release(&b);
}

static struct br_slice key_slice(const uint8_t key[KEY]) { return br_slice(key, KEY); }

/* A record that makes no sense or has another dimension than is wanted is as good as none. */
static bool read_record(struct br_llm_vectors *out, size_t i, struct br_slice val, const struct br_llm *s,
                        const struct br_llm_embed *req)
{
	uint32_t dim = (uint32_t)(val.len / 2);
	float *to;

	if (!dim || val.len % 2 || br_llm__vectors_dim(out, dim, s, req, NULL) < 0)
		return false;
	to = out->v + i * dim;
	for (uint32_t k = 0; k < dim; k++)
		to[k] = from_half(br_rd_le16(val.ptr + 2 * k));
	return true;
}

static uint64_t cost_of(struct br_slice val) { return val.len + KEY + OVERHEAD; }

/* ---- opening ---- */

int br_llm_cache_open(struct br_llm_cache **out, const char *dir, uint64_t max_bytes, int64_t wait_ms, struct br_err *err)
{
	const struct br_store_opts opts = { BR_STORE_CREATE, wait_ms };
	struct br_llm_cache *c = br_alloc(sizeof *c);
	int rc = br_store_open(&c->store, dir, &opts, err);

	if (rc == -BR_ECORRUPT || rc == -BR_EVERSION) { /* it can be made anew */
		char *path = br_path_join(dir, "data.mdb");

		br_log(BR_LOG_WARN, "'%s' is damaged or of another version: begun anew", path);
		unlink(path);
		free(path);
		rc = br_store_open(&c->store, dir, &opts, err);
	}
	c->max_bytes = max_bytes;
	pthread_mutex_init(&c->mu, NULL);
	if (rc < 0) {
		br_llm_cache_close(c);
		c = NULL;
	}
	*out = c;
	return rc;
}

void br_llm_cache_close(struct br_llm_cache *c)
{
	if (!c)
		return;
	br_store_close(c->store);
	pthread_mutex_destroy(&c->mu);
	free(c);
}

/* ---- writing ---- */

struct writing {
	struct br_llm_cache *cache;
	const struct br_llm_vectors *v;
	const size_t *index;
	size_t n;
	const uint8_t (*key)[KEY];   /* by text of the request */
};

/* Old and new go alike, beginning anywhere: the keys are hashes. */
static int evict(struct br_txn *t, uint64_t *bytes, uint64_t max, struct br_err *err)
{
	struct br_cur cur;
	uint8_t from[KEY];
	int rc, there;

	br_random(from, sizeof from);
	for (int i = 0; i < EVICT_AT_ONCE && *bytes > max; i++) {
		if ((rc = br_cur_open(&cur, t, BR_T_VEC, err)) < 0)
			return rc;
		if ((there = br_cur_seek(&cur, key_slice(from), err)) == 0)
			there = br_cur_seek(&cur, br_slice("", 0), err);
		if (there == 1 && cur.key.len == KEY) {
			memcpy(from, cur.key.ptr, KEY);
			*bytes -= BR_MIN(*bytes, cost_of(cur.val));
		}
		br_cur_close(&cur);
		if (there != 1)
			return there;
		if ((rc = br_del(t, BR_T_VEC, key_slice(from), err)) < 0)
			return rc;
	}
	return 0;
}

static int put_one(struct br_txn *t, const struct writing *w, size_t i, uint64_t *bytes, struct br_err *err)
{
	uint32_t dim = w->v->dim;
	struct br_buf b = BR_BUF_INIT((size_t)BR_MAX_LLM_DIM * 2);
	struct br_slice old;
	int rc;

	for (uint32_t k = 0; k < dim; k++)
		br_buf_le16(&b, to_half(w->v->v[i * dim + k]));
	if ((rc = br_get(&old, t, BR_T_VEC, key_slice(w->key[i]), err)) == 1)
		*bytes -= BR_MIN(*bytes, cost_of(old));
	if (rc >= 0)
		rc = br_put(t, BR_T_VEC, key_slice(w->key[i]), br_buf_slice(&b), err);
	*bytes += cost_of(br_buf_slice(&b));
	br_buf_release(&b);
	return rc;
}

static int write_batch(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct writing *w = arg;
	uint64_t bytes, most = w->cache->max_bytes;
	int rc = br_meta_get(&bytes, t, "embeddings.bytes", err);

	for (size_t i = 0; i < w->n && rc >= 0; i++)
		rc = put_one(t, w, w->index[i], &bytes, err);
	if (rc >= 0 && bytes > most)
		rc = evict(t, &bytes, most - most / 10, err);
	return rc < 0 ? rc : br_meta_put(t, "embeddings.bytes", bytes, err);
}

static int keep_batch(struct br_llm_vectors *out, const size_t *index, size_t n, void *arg, struct br_err *err)
{
	struct writing *w = arg;

	for (size_t i = 0; i < n; i++)
		round_all(out->v + index[i] * out->dim, out->dim);
	w->v = out;
	w->index = index;
	w->n = n;
	return br_store_write(w->cache->store, write_batch, w, err);
}

/* ---- looking ---- */

struct look {
	uint8_t (*key)[KEY];         /* by text */
	size_t *twin;                /* by text: the first that is the same, often itself */
	size_t *missing, n_missing;  /* firsts that are not in the cache */
};

static int by_key(const void *a, const void *b, void *arg)
{
	const struct look *l = arg;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int c = memcmp(l->key[x], l->key[y], KEY);

	return c ? c : x < y ? -1 : x > y;
}

static void find_twins(struct look *l, const struct br_llm_embed *req)
{
	size_t *order = br_allocn(req->n, sizeof *order), n = 0;

	for (size_t i = 0; i < req->n; i++)
		if (req->text[i].len)
			order[n++] = i;
	qsort_r(order, n, sizeof *order, by_key, l);
	for (size_t k = 0; k < n; k++)
		l->twin[order[k]] = k && !memcmp(l->key[order[k]], l->key[order[k - 1]], KEY) ? l->twin[order[k - 1]]
		                                                                              : order[k];
	free(order);
}

static void look_release(struct look *l)
{
	free(l->key);
	free(l->twin);
	free(l->missing);
}

/* Fills what is there into out; the rest is `missing`, in the order of the request. */
static int look(struct look *l, struct br_llm_vectors *out, struct br_llm *s, struct br_llm_cache *c,
                const struct br_llm_embed *req, struct br_err *err)
{
	struct br_slice val;
	struct br_txn *t;
	int rc;

	*l = (struct look){ br_allocn(req->n, sizeof *l->key), br_allocn(req->n, sizeof *l->twin), br_allocn(req->n, sizeof *l->missing), 0 };
	for (size_t i = 0; i < req->n; i++)
		key_of(l->key[i], s, req, req->text[i]);
	find_twins(l, req);
	if ((rc = br_txn_read(&t, c->store, err)) < 0)
		return rc;
	for (size_t i = 0; i < req->n && rc >= 0; i++) {
		if (!req->text[i].len || l->twin[i] != i)
			continue;
		rc = br_get(&val, t, BR_T_VEC, key_slice(l->key[i]), err);
		if (rc == 1 && read_record(out, i, val, s, req))
			out->cached++;
		else if (rc >= 0)
			l->missing[l->n_missing++] = i;
	}
	br_txn_end(t);
	return BR_MIN(rc, 0);
}

static void copy_twins(struct br_llm_vectors *out, const struct look *l, const struct br_llm_embed *req)
{
	size_t dim = out->dim;

	for (size_t i = 0; i < req->n; i++)
		if (req->text[i].len && l->twin[i] != i) {
			memcpy(out->v + i * dim, out->v + l->twin[i] * dim, dim * sizeof *out->v);
			out->cached++;
		}
}

int br_llm_embed_cached(struct br_llm_vectors *out, struct br_llm *s, struct br_llm_cache *c,
                        const struct br_llm_embed *req, struct br_err *err)
{
	struct writing w = { .cache = c };
	struct look l;
	int rc;

	BR_ASSERT(s->info.role == BR_LLM_EMBED);
	*out = (struct br_llm_vectors){ .n = req->n };
	pthread_mutex_lock(&c->mu);
	if ((rc = look(&l, out, s, c, req, err)) == 0 && l.n_missing) {
		w.key = (const uint8_t (*)[KEY])l.key;
		rc = br_llm__embed(out, s, req, l.missing, l.n_missing, keep_batch, &w, err);
	}
	pthread_mutex_unlock(&c->mu);
	if (rc == 0)
		copy_twins(out, &l, req);
	look_release(&l);
	return rc;
}

int br_llm_cache_missing(size_t *texts, uint64_t *bytes, struct br_llm *s, struct br_llm_cache *c,
                         const struct br_llm_embed *req, struct br_err *err)
{
	struct br_llm_vectors v = { .n = req->n };
	struct look l;
	int rc = look(&l, &v, s, c, req, err);

	*texts = l.n_missing;
	*bytes = 0;
	for (size_t i = 0; i < l.n_missing; i++)
		*bytes += req->text[l.missing[i]].len;
	look_release(&l);
	br_llm_vectors_release(&v);
	return rc;
}
