/*
 * Keys: making, finding, changing, rotating, revoking and deleting them. A secret exists in memory only between its making and
 * the caller's showing it.
 */
#include "br/os.h"

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { ID_LEAST = 6 }; /* characters of an id that stand for it */

/* ---- what may be stored ---- */

static int valid_text(const char *what, const char *s, size_t least, struct br_err *err)
{
	size_t n = s ? strlen(s) : 0;

	if (n < least || n > BR_MAX_KEY_NAME || br_utf8_valid(s ? s : "", n) != n)
		return br_fail(err, BR_EUSAGE, "%s has %zu to %d bytes of UTF-8", what, least, BR_MAX_KEY_NAME);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 32 || s[i] == 127)
			return br_fail(err, BR_EUSAGE, "%s has no control characters", what);
	return 0;
}

static int valid_list(const char *what, const struct br_names *l, struct br_err *err)
{
	int rc = 0;

	if (l->n > BR_MAX_KEY_LIST)
		return br_fail(err, BR_EUSAGE, "a key has at most %d %ss", BR_MAX_KEY_LIST, what);
	for (size_t i = 0; i < l->n && rc == 0; i++)
		rc = valid_text(what, l->v[i], 1, err);
	return rc;
}

static int valid_rates(const struct br_apikey *k, struct br_err *err)
{
	for (unsigned i = 0; i < k->rates; i++)
		for (unsigned j = 0; j < i; j++)
			if (k->rate[i].seconds == k->rate[j].seconds)
				return br_fail(err, BR_EUSAGE, "two rates of one key are for the same period");
	return 0;
}

static bool is_uuid(const char *s)
{
	size_t i;

	for (i = 0; s[i] && i < 37; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s[i] != '-' : !strchr("0123456789abcdefABCDEF", s[i]))
			return false;
	return i == 36;
}

static int valid_kind(const struct br_apikey *k, struct br_err *err)
{
	if (k->kind == BR_KEY_BEYOND && k->notebooks.n != 1)
		return br_fail(err, BR_EUSAGE, "a key of kind beyond is for exactly one notebook");
	if (k->kind == BR_KEY_BAIYUAN && !k->tenants.n)
		return br_fail(err, BR_EUSAGE, "a key of kind baiyuan is for one tenant or more");
	for (size_t i = 0; k->kind == BR_KEY_BAIYUAN && i < k->tenants.n; i++)
		if (!is_uuid(k->tenants.v[i]))
			return br_fail(err, BR_EUSAGE, "tenant '%.60s' is not a UUID", k->tenants.v[i]);
	return k->scopes ? 0 : br_fail(err, BR_EUSAGE, "a key has one scope or more");
}

int apikey_valid(const struct br_apikey *k, struct br_err *err)
{
	int rc;

	if (k->from.n > BR_MAX_KEY_LIST)
		return br_fail(err, BR_EUSAGE, "a key has at most %d addresses", BR_MAX_KEY_LIST);
	if ((rc = valid_text("name", k->name, 1, err)) < 0 || (rc = valid_text("owner", k->owner, 0, err)) < 0 ||
	    (rc = valid_list("notebook", &k->notebooks, err)) < 0 || (rc = valid_list("tenant", &k->tenants, err)) < 0 ||
	    (rc = valid_rates(k, err)) < 0)
		return rc;
	return valid_kind(k, err);
}

/* ---- secrets ---- */

static void make_secret(struct br_key_secret *s, char out[BR_SECRET_SIZE], enum br_key_kind kind)
{
	const char *begins = br_key_kind_info(kind)->begins;
	struct br_buf text = BR_BUF_INIT(SIZE_MAX);
	uint8_t random[32];

	br_random(random, sizeof random);
	br_buf_adds(&text, begins);
	br_base64url(&text, random, sizeof random);
	BR_ASSERT(text.len < BR_SECRET_SIZE);
	memcpy(out, text.ptr, text.len + 1);
	*s = (struct br_key_secret){ .created = br_now() };
	br_uuid(s->id); /* random, so that its first characters tell keys apart */
	memcpy(s->shown, out, strlen(begins) + 4);
	br_sha256(s->hash, out, text.len);
	br_wipe(text.ptr, text.len);
	br_wipe(random, sizeof random);
	br_buf_release(&text);
}

const struct br_key_secret *br_apikey_current(const struct br_apikey *k)
{
	return &k->secret[k->secrets - 1];
}

/* ---- making ---- */

struct making { const struct br_apikey *spec; struct br_apikey *out; };

static int create(struct br_txn *t, void *arg, struct br_err *err)
{
	struct making *m = arg;
	uint64_t next, count;
	struct br_slice val;
	struct br_key k;
	int rc;

	if ((rc = br_meta_get(&next, t, "next_key", err)) < 0 || (rc = br_table_count(&count, t, BR_T_KEY, err)) < 0)
		return rc;
	if (count >= BR_MAX_KEYS)
		return br_fail(err, BR_ETOOBIG, "there are %d keys already; delete some", BR_MAX_KEYS);
	m->out->number = next ? (uint32_t)next : 1;
	apikey_key(&k, m->out->number);
	if ((rc = br_get(&val, t, BR_T_KEY, br_key_slice(&k), err)) > 0)
		return br_fail(err, BR_ECORRUPT, "the number of the next key is damaged");
	if (rc < 0 || (rc = br_meta_put(t, "next_key", (uint64_t)m->out->number + 1, err)) < 0)
		return rc;
	return apikey_store(t, m->out, err);
}

int br_apikey_create(struct br_apikey **out, char secret[BR_SECRET_SIZE], struct br_arena *a, struct br_store *s,
                     const struct br_apikey *spec, struct br_err *err)
{
	struct br_apikey *k = br_arena_alloc(a, sizeof *k);
	struct making m = { spec, k };
	int rc;

	memset(secret, 0, BR_SECRET_SIZE);
	*k = *spec;
	k->scopes = spec->scopes ? spec->scopes : br_key_kind_info(spec->kind)->scopes;
	k->owner = spec->owner ? spec->owner : "";
	k->secret = br_arena_alloc(a, sizeof *k->secret);
	k->secrets = 1;
	k->unknown = br_slice("", 0);
	k->revoked = 0;
	if ((rc = apikey_valid(k, err)) < 0)
		return rc;
	make_secret(k->secret, secret, k->kind);
	memcpy(k->id, k->secret->id, sizeof k->id);
	k->created = k->changed = k->secret->created;
	if ((rc = br_store_write(s, create, &m, err)) < 0)
		br_wipe(secret, BR_SECRET_SIZE);
	*out = k;
	return rc;
}

/* ---- finding ---- */

static int by_id(uint32_t *out, struct br_txn *t, const char *id, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	int rc;

	ref_id_key(&k, id);
	if (strlen(id) != 36 || (rc = br_get(&val, t, BR_T_KEYREF, br_key_slice(&k), err)) == 0)
		return 0;
	if (rc > 0 && val.len != 4)
		rc = br_fail(err, BR_ECORRUPT, "key '%s': damaged reference", id);
	if (rc > 0)
		*out = br_rd_be32(val.ptr);
	return rc;
}

struct search { const char *name; uint32_t named, begun; size_t names, begins; };

static bool id_begins(const struct br_apikey *k, const char *with)
{
	size_t n = strlen(with);

	if (n < ID_LEAST)
		return false;
	for (size_t i = 0; i < k->secrets; i++)
		if (!strncmp(k->secret[i].id, with, n))
			return true;
	return !strncmp(k->id, with, n);
}

static int look(const struct br_apikey *k, void *arg)
{
	struct search *s = arg;

	if (!strcmp(k->name, s->name)) {
		s->named = k->number;
		s->names++;
	}
	if (id_begins(k, s->name)) {
		s->begun = k->number;
		s->begins++;
	}
	return 0;
}

static int number_of(uint32_t *out, struct br_txn *t, const char *name, struct br_err *err)
{
	struct search s = { .name = name };
	int rc = by_id(out, t, name, err);

	if (rc)
		return rc;
	if ((rc = br_apikey_each(t, look, &s, err)) < 0)
		return rc;
	if (s.names > 1 || (!s.names && s.begins > 1))
		return br_fail(err, BR_EUSAGE, "'%.100s' stands for %zu keys; use an id", name, s.names ? s.names : s.begins);
	if (!s.names && !s.begins)
		return br_fail(err, BR_ENOTFOUND, "no key '%.100s'", name);
	*out = s.names ? s.named : s.begun;
	return 1;
}

int br_apikey_find(struct br_apikey **out, struct br_arena *a, struct br_txn *t, const char *name, struct br_err *err)
{
	uint32_t number;
	int rc = number_of(&number, t, name, err);

	*out = NULL;
	if (rc < 0)
		return rc;
	rc = apikey_load(out, a, t, number, err);
	return rc ? BR_MIN(rc, 0) : br_fail(err, BR_ECORRUPT, "key '%.100s' has no record", name);
}

int br_apikey_each(struct br_txn *t, br_apikey_fn *fn, void *arg, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_apikey k;
	struct br_cur cur;
	int rc, stop = 0;

	if ((rc = br_cur_open(&cur, t, BR_T_KEY, err)) < 0)
		return rc;
	for (rc = br_cur_seek(&cur, br_slice("", 0), err); rc > 0 && !stop; rc = br_cur_next(&cur, err)) {
		br_arena_reset(&a);
		if (cur.key.len != 4)
			rc = br_fail(err, BR_ECORRUPT, "table 'key': damaged key");
		else if ((rc = apikey_decode(&k, &a, br_rd_be32(cur.key.ptr), cur.val, err)) == 0)
			stop = fn(&k, arg);
		if (rc < 0)
			break;
	}
	br_cur_close(&cur);
	br_arena_release(&a);
	return rc < 0 ? rc : stop;
}

/* ---- changing ---- */

struct change {
	const char *name;
	br_apikey_edit_fn *fn;
	void *arg;
};

/* What fn has no say in. */
static void keep_fixed(struct br_apikey *k, const struct br_apikey *was)
{
	k->number = was->number;
	memcpy(k->id, was->id, sizeof k->id);
	k->kind = was->kind;
	k->created = was->created;
	k->revoked = was->revoked;
	k->secret = was->secret;
	k->secrets = was->secrets;
	k->unknown = was->unknown;
}

static int edit(struct br_txn *t, void *arg, struct br_err *err)
{
	struct change *c = arg;
	struct br_arena a = { 0 };
	struct br_apikey *k, was;
	int rc;

	if ((rc = br_apikey_find(&k, &a, t, c->name, err)) == 0) {
		was = *k;
		if ((rc = c->fn(k, c->arg, err)) == 0) {
			keep_fixed(k, &was);
			k->changed = br_now();
			if ((rc = apikey_valid(k, err)) == 0)
				rc = apikey_store(t, k, err);
		}
	}
	br_arena_release(&a);
	return rc;
}

int br_apikey_edit(struct br_store *s, const char *name, br_apikey_edit_fn *fn, void *arg, struct br_err *err)
{
	struct change c = { name, fn, arg };

	return br_store_write(s, edit, &c, err);
}

/* ---- rotating ---- */

struct rotation {
	const char *name;
	int64_t grace;
	char *secret;
	struct br_apikey *out;
	struct br_arena *arena;
};

static bool is_dead(const struct br_key_secret *s, int64_t now)
{
	return s->revoked || (s->until && s->until <= now);
}

static int drop_refs(struct br_txn *t, uint32_t number, const struct br_key_secret *s, bool id_too, struct br_err *err)
{
	struct br_key k;
	int rc;

	ref_hash_key(&k, s->hash, number);
	if ((rc = br_del(t, BR_T_KEYREF, br_key_slice(&k), err)) < 0 || !id_too)
		return BR_MIN(rc, 0);
	ref_id_key(&k, s->id);
	return BR_MIN(br_del(t, BR_T_KEYREF, br_key_slice(&k), err), 0);
}

/* Room for one more: the oldest secret that no longer works is forgotten. */
static int make_room(struct br_txn *t, struct br_apikey *k, int64_t now, struct br_err *err)
{
	size_t i = 0;
	int rc;

	if (k->secrets < BR_MAX_KEY_SECRETS)
		return 0;
	while (i < k->secrets && !is_dead(&k->secret[i], now))
		i++;
	if (i == k->secrets)
		return br_fail(err, BR_ETOOBIG, "key '%s' has %d secrets that work; revoke the old ones", k->name, BR_MAX_KEY_SECRETS);
	rc = drop_refs(t, k->number, &k->secret[i], strcmp(k->secret[i].id, k->id) != 0, err);
	memmove(k->secret + i, k->secret + i + 1, (--k->secrets - i) * sizeof *k->secret);
	return rc;
}

static void end_secret(struct br_key_secret *s, int64_t now, int64_t grace)
{
	if (is_dead(s, now))
		return;
	if (grace <= 0)
		s->revoked = now;
	else if (!s->until || s->until > now + grace)
		s->until = now + grace;
}

static int add_secret(struct br_txn *t, struct br_arena *a, struct br_apikey *k, const struct rotation *r, struct br_err *err)
{
	int64_t now = br_now();
	struct br_key_secret *all;
	int rc;

	if (k->revoked)
		return br_fail(err, BR_EFORBIDDEN, "key '%s' was revoked; create another", k->name);
	for (size_t i = 0; i < k->secrets; i++)
		end_secret(&k->secret[i], now, r->grace);
	if ((rc = make_room(t, k, now, err)) < 0)
		return rc;
	all = br_arena_alloc(a, (k->secrets + 1) * sizeof *all);
	memcpy(all, k->secret, k->secrets * sizeof *all);
	make_secret(&all[k->secrets], r->secret, k->kind);
	k->secret = all;
	k->secrets++;
	k->changed = now;
	return 0;
}

static int rotate(struct br_txn *t, void *arg, struct br_err *err)
{
	struct rotation *r = arg;
	int rc;

	if ((rc = br_apikey_find(&r->out, r->arena, t, r->name, err)) < 0 || (rc = add_secret(t, r->arena, r->out, r, err)) < 0)
		return rc;
	return apikey_store(t, r->out, err);
}

int br_apikey_rotate(struct br_apikey **out, char secret[BR_SECRET_SIZE], struct br_arena *a, struct br_store *s,
                     const char *name, int64_t grace, struct br_err *err)
{
	struct rotation r = { name, grace, secret, NULL, a };
	int rc;

	memset(secret, 0, BR_SECRET_SIZE);
	if ((rc = br_store_write(s, rotate, &r, err)) < 0)
		br_wipe(secret, BR_SECRET_SIZE);
	*out = r.out;
	return rc;
}

/* ---- revoking, deleting ---- */

struct ending { const char *name; enum br_revoke what; };

static void revoke_secrets(struct br_apikey *k, const struct ending *e, int64_t now)
{
	const struct br_key_secret *current = br_apikey_current(k);

	for (size_t i = 0; i < k->secrets; i++) {
		struct br_key_secret *s = &k->secret[i];
		bool meant = e->what == BR_REVOKE_KEY || (e->what == BR_REVOKE_OLD && s != current) ||
			(e->what == BR_REVOKE_ONE && !strcmp(s->id, e->name));
		if (meant && !s->revoked)
			s->revoked = now;
	}
	if (e->what != BR_REVOKE_OLD && current->revoked && !k->revoked)
		k->revoked = now;
}

static int revoke(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct ending *e = arg;
	struct br_arena a = { 0 };
	struct br_apikey *k;
	int rc = br_apikey_find(&k, &a, t, e->name, err);

	if (rc == 0) {
		k->changed = br_now();
		revoke_secrets(k, e, k->changed);
		rc = apikey_store(t, k, err);
	}
	br_arena_release(&a);
	return rc;
}

int br_apikey_revoke(struct br_store *s, const char *name, enum br_revoke what, struct br_err *err)
{
	struct ending e = { name, what };

	return br_store_write(s, revoke, &e, err);
}

static int delete_refs(struct br_txn *t, const struct br_apikey *k, struct br_err *err)
{
	struct br_key ref;
	int rc = 0;

	for (size_t i = 0; i < k->secrets && rc == 0; i++)
		rc = drop_refs(t, k->number, &k->secret[i], true, err);
	if (rc < 0)
		return rc;
	ref_id_key(&ref, k->id);
	return BR_MIN(br_del(t, BR_T_KEYREF, br_key_slice(&ref), err), 0);
}

static int delete(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct ending *e = arg;
	struct br_arena a = { 0 };
	struct br_apikey *k;
	struct br_key rec;
	int rc;

	if ((rc = br_apikey_find(&k, &a, t, e->name, err)) == 0 && (rc = delete_refs(t, k, err)) == 0) {
		apikey_key(&rec, k->number);
		if ((rc = br_del(t, BR_T_KEY, br_key_slice(&rec), err)) >= 0)
			rc = br_del_prefix(t, BR_T_KEYUSE, br_key_slice(&rec), err);
	}
	br_arena_release(&a);
	return rc;
}

int br_apikey_delete(struct br_store *s, const char *name, struct br_err *err)
{
	struct ending e = { .name = name };

	return br_store_write(s, delete, &e, err);
}
