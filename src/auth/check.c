/*
 * Whose secret is this, and what may its key do? The path of every request, so: one look into an index, one record.
 */
#include "internal.h"

#include <stdlib.h>
#include <strings.h>

static int refused(enum br_refusal *why, enum br_refusal what, struct br_err *err)
{
	*why = what;
	return br_auth_refuse(err, what);
}

/* The state of the key with one of its secrets. */
static enum br_refusal state(const struct br_apikey *k, const struct br_key_secret *s, int64_t now)
{
	if (k->revoked || s->revoked || (s->until && s->until <= now))
		return BR_REFUSED_REVOKED;
	if (!k->enabled)
		return BR_REFUSED_DISABLED;
	return k->expires && k->expires <= now ? BR_REFUSED_EXPIRED : BR_ALLOWED;
}

enum br_refusal br_apikey_state(const struct br_apikey *k, int64_t now)
{
	return state(k, br_apikey_current(k), now);
}

/* Compares with every secret of the key, whichever fits. */
static bool holds(size_t *which, const struct br_apikey *k, const uint8_t hash[32])
{
	bool found = false;

	for (size_t i = 0; i < k->secrets; i++) {
		if (br_secret_equal(k->secret[i].hash, hash, 32)) {
			*which = i;
			found = true;
		}
	}
	return found;
}

/* 1 and the key that has this hash, 0 none. Several keys may share the first bytes, in theory. */
static int find_hash(struct br_apikey **out, size_t *which, struct br_arena *a, struct br_txn *t, const uint8_t hash[32], struct br_err *err)
{
	struct br_key prefix;
	struct br_cur cur;
	bool found = false;
	int rc;

	ref_hash_key(&prefix, hash, 0);
	if ((rc = br_cur_open(&cur, t, BR_T_KEYREF, err)) < 0)
		return rc;
	cur.within = br_key_slice(&prefix);
	for (rc = br_cur_seek(&cur, br_key_slice(&prefix), err); rc > 0 && !found; rc = found ? 1 : br_cur_next(&cur, err)) {
		if (cur.val.len != 4)
			rc = br_fail(err, BR_ECORRUPT, "table 'keyref': damaged record");
		else if ((rc = apikey_load(out, a, t, br_rd_be32(cur.val.ptr), err)) > 0)
			found = holds(which, *out, hash);
		if (rc < 0)
			break;
	}
	br_cur_close(&cur);
	return rc < 0 ? rc : found;
}

static bool from_here(const struct br_apikey *k, const struct br_key_addr *from)
{
	for (size_t i = 0; i < k->from.n; i++)
		if (br_key_net_has(&k->from.v[i], from))
			return true;
	return !k->from.n;
}

int br_auth_check(struct br_apikey **out, size_t *which, enum br_refusal *why, struct br_arena *a, struct br_txn *t,
                  const char *secret, const struct br_key_addr *from, int64_t now, struct br_err *err)
{
	size_t n = secret ? strnlen(secret, BR_MAX_SECRET + 1) : 0;
	struct br_apikey *k = NULL;
	uint8_t hash[32];
	int rc;

	*out = NULL;
	*why = BR_ALLOWED;
	if (!n)
		return refused(why, BR_REFUSED_MISSING, err);
	if (n > BR_MAX_SECRET)
		return refused(why, BR_REFUSED_UNKNOWN, err);
	br_sha256(hash, secret, n);
	if ((rc = find_hash(&k, which, a, t, hash, err)) < 0)
		return rc;
	if (!rc)
		return refused(why, BR_REFUSED_UNKNOWN, err);
	if ((*why = state(k, &k->secret[*which], now)) != BR_ALLOWED)
		return br_auth_refuse(err, *why);
	if (from && !from_here(k, from))
		return refused(why, BR_REFUSED_ADDRESS, err);
	*out = k;
	return 0;
}

/* Ids are compared without regard to case: UUIDs may come in either. */
static bool has_name(const struct br_names *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcasecmp(l->v[i], name))
			return true;
	return !l->n;
}

enum br_refusal br_apikey_may(const struct br_apikey *k, enum br_key_kind kind, uint32_t scopes, const char *notebook, const char *tenant)
{
	if (kind != BR_KEY_ANY && k->kind != BR_KEY_ANY && k->kind != kind)
		return BR_REFUSED_KIND;
	if (scopes & ~k->scopes && !(k->scopes & BR_SCOPE_ADMIN))
		return BR_REFUSED_SCOPE;
	if (notebook && !has_name(&k->notebooks, notebook))
		return BR_REFUSED_NOTEBOOK;
	return tenant && !has_name(&k->tenants, tenant) ? BR_REFUSED_TENANT : BR_ALLOWED;
}
