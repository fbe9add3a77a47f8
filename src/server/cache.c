/*
 * Answers that may be given again: the same request by the same caller. Of BR_ROUTE_CACHE while no commit has happened, and for a
 * second or two, as such an answer also tells which files have changed since they were indexed, and files change without a commit. Of
 * BR_ROUTE_CACHE_NB while nothing has changed in the notebook that the path names, whatever is committed to others.
 */
#include "internal.h"

#include <stdlib.h>

#define SHARDS 16
#define SETS 256
#define WAYS 4
#define AGE_NS 1000000000LL

struct entry {
	uint8_t key[16];
	uint64_t generation;
	int64_t made, renewing; /* renewing: until when somebody is thought to be making a new one */
	char *text;
	size_t n;
};

struct shard {
	pthread_mutex_t mu;
	struct entry set[SETS][WAYS];
	size_t bytes;
};

struct br_cache {
	size_t most; /* bytes in one shard */
	struct shard shard[SHARDS];
};

struct br_cache *br_cache__new(size_t bytes)
{
	struct br_cache *c = br_alloc(sizeof *c);

	c->most = bytes / SHARDS;
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_init(&c->shard[i].mu, NULL);
	return c;
}

static void clear(struct shard *s, struct entry *e)
{
	s->bytes -= e->n;
	free(e->text);
	*e = (struct entry){ 0 };
}

void br_cache__free(struct br_cache *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		for (size_t k = 0; k < SETS * WAYS; k++)
			clear(&c->shard[i], &c->shard[i].set[k / WAYS][k % WAYS]);
		pthread_mutex_destroy(&c->shard[i].mu);
	}
	free(c);
}

/* ---- keys ---- */

static void add_text(struct br_buf *b, const char *s)
{
	br_buf_lstr(b, s ? s : "", s ? strlen(s) : 0);
}

static void add_list(struct br_buf *b, const char *const *list)
{
	for (size_t i = 0; list && list[i]; i++)
		add_text(b, list[i]);
	br_buf_addc(b, list ? 'l' : 'n');
}

/* What the caller may do is part of it: an answer is not given to who has lost access since. */
static void add_caller(struct br_buf *b, const struct br_identity *who)
{
	br_buf_addc(b, (char)who->level);
	add_text(b, who->user);
	add_text(b, who->key_id);
	add_text(b, who->tenant);
	add_list(b, who->notebooks);
	add_list(b, who->scopes);
}

static bool find_generation(uint64_t *out, struct br_req *r)
{
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_txn_read(&t, r->server->o.ws->store, NULL);

	if (rc < 0)
		return false;
	*out = br_txn_generation(t);
	if (r->row->route->flags & BR_ROUTE_CACHE_NB && (rc = br_nb_get(&nb, &r->arena, t, br_req_param(r, "notebook_id"), NULL)) == 0)
		*out = nb->generation;
	br_txn_end(t);
	return rc == 0;
}

bool br_cache__key(struct br_cache_key *out, struct br_req *r)
{
	struct br_buf b = BR_BUF_INIT(BR_SERVE_JSON_BODY + BR_SERVE_HEAD);
	unsigned reloads = atomic_load_explicit(&r->server->reloads, memory_order_relaxed);
	bool ok;

	br_buf_add(&b, &r->row, sizeof r->row);
	br_buf_add(&b, &reloads, sizeof reloads);
	add_caller(&b, &r->who);
	br_buf_lstr(&b, r->head.target.ptr, r->head.target.len);
	br_buf_add(&b, r->body.ptr, r->body.len);
	out->lasting = (r->row->route->flags & BR_ROUTE_CACHE_NB) != 0;
	ok = !b.failed && find_generation(&out->generation, r);
	if (ok)
		br_hash128(out->hash, b.ptr, b.len);
	br_buf_release(&b);
	return ok;
}

static struct shard *shard_of(struct br_cache *c, const struct br_cache_key *k)
{
	return &c->shard[k->hash[0] % SHARDS];
}

static struct entry *find(struct shard *s, const struct br_cache_key *k)
{
	struct entry *set = s->set[k->hash[1] % SETS];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].text && !memcmp(set[i].key, k->hash, sizeof set[i].key))
			return &set[i];
	return NULL;
}

/* Of those who find an answer too old one makes a new one; the others take the old one meanwhile, for a second more. */
static bool may_give(struct entry *e, int64_t now)
{
	if (now - e->made < AGE_NS || (now < e->renewing && now - e->made < 3 * AGE_NS))
		return true;
	e->renewing = now + AGE_NS;
	return false;
}

bool br_cache__get(struct br_cache *c, const struct br_cache_key *k, struct br_buf *out)
{
	struct shard *s = shard_of(c, k);
	struct entry *e;
	bool hit;

	pthread_mutex_lock(&s->mu);
	e = find(s, k);
	hit = e && e->generation == k->generation && (k->lasting || may_give(e, br_mono_ns()));
	if (hit)
		br_buf_add(out, e->text, e->n);
	pthread_mutex_unlock(&s->mu);
	return hit && !out->failed;
}

/* The oldest of its set makes room. */
void br_cache__put(struct br_cache *c, const struct br_cache_key *k, struct br_slice text)
{
	struct shard *s = shard_of(c, k);
	struct entry *set = s->set[k->hash[1] % SETS], *e;

	pthread_mutex_lock(&s->mu);
	if (!(e = find(s, k))) {
		e = &set[0];
		for (size_t i = 1; i < WAYS; i++)
			if (set[i].made < e->made)
				e = &set[i];
	}
	clear(s, e);
	if (s->bytes + text.len <= c->most && (e->text = malloc(text.len + 1))) {
		memcpy(e->text, text.ptr, text.len);
		memcpy(e->key, k->hash, sizeof e->key);
		e->n = text.len;
		e->generation = k->generation;
		e->made = br_mono_ns();
		s->bytes += text.len;
	}
	pthread_mutex_unlock(&s->mu);
}
