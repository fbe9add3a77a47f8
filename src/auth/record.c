/*
 * Records of keys and of their use, and the keys under which they stand. Layouts: man/br-index.5, KEYS.
 * A record is a version and fields, each with a tag and its length: what an older program does not know it keeps.
 */
#include "internal.h"

#include <stdlib.h>

enum { KEY_VERSION = 1, USE_VERSION = 1 };
enum tag {
	K_ID = 1, K_NAME, K_KIND, K_SCOPES, K_NOTEBOOK, K_TENANT, K_OWNER, K_FROM, K_RATE, K_BUDGET, K_DISABLED, K_CREATED, K_CHANGED,
	K_EXPIRES, K_REVOKED, K_SECRET,
};
enum use_tag { U_REQUESTS = 1, U_ERRORS, U_TOKENS, U_LAST, U_ADDRESSES, U_MORE };

void apikey_key(struct br_key *k, uint32_t number)
{
	br_key_init(k, number);
}

void ref_hash_key(struct br_key *k, const uint8_t hash[32], uint32_t number)
{
	k->b[0] = REF_HASH;
	k->n = 1;
	br_key_bytes(k, hash, HASH_PREFIX);
	if (number)
		br_key_u32(k, number);
}

void ref_id_key(struct br_key *k, const char *id)
{
	k->b[0] = REF_ID;
	k->n = 1;
	br_key_bytes(k, id, strnlen(id, 36));
}

void use_key(struct br_key *k, uint32_t number, uint32_t day)
{
	br_key_init(k, number);
	br_key_u32(k, day);
}

/* ---- fields ---- */

static void put_bytes(struct br_buf *b, unsigned tag, const void *p, size_t n)
{
	br_buf_varint(b, tag);
	br_buf_lstr(b, p, n);
}

static void put_text(struct br_buf *b, enum tag tag, const char *s)
{
	if (s && *s)
		put_bytes(b, tag, s, strlen(s));
}

static void put_u64(struct br_buf *b, unsigned tag, uint64_t v)
{
	struct br_buf f = BR_BUF_INIT(SIZE_MAX);

	if (v) {
		br_buf_varint(&f, v);
		put_bytes(b, tag, f.ptr, f.len);
	}
	br_buf_release(&f);
}

static uint64_t get_u64(struct br_slice f, bool *bad)
{
	struct br_rd r = br_rd(f);
	uint64_t v = br_rd_varint(&r);

	*bad |= r.bad || r.p != r.end;
	return v;
}

static int64_t get_time(struct br_slice f, bool *bad)
{
	uint64_t v = get_u64(f, bad);

	*bad |= v > INT64_MAX;
	return (int64_t)v;
}

/* ---- a key ---- */

static void put_secret(struct br_buf *b, const struct br_key_secret *s)
{
	struct br_buf f = BR_BUF_INIT(SIZE_MAX);

	br_buf_add(&f, s->id, 36);
	br_buf_add(&f, s->hash, sizeof s->hash);
	br_buf_le64(&f, (uint64_t)s->created);
	br_buf_le64(&f, (uint64_t)s->until);
	br_buf_le64(&f, (uint64_t)s->revoked);
	br_buf_adds(&f, s->shown);
	put_bytes(b, K_SECRET, f.ptr, f.len);
	br_buf_release(&f);
}

static void put_limits(struct br_buf *b, const struct br_apikey *k)
{
	char f[18];

	for (size_t i = 0; i < k->from.n; i++) {
		memcpy(f, k->from.v[i].net.b, 16);
		f[16] = (char)k->from.v[i].bits;
		f[17] = k->from.v[i].v4;
		put_bytes(b, K_FROM, f, 18);
	}
	for (unsigned i = 0; i < k->rates; i++) {
		struct br_buf r = BR_BUF_INIT(SIZE_MAX);
		br_buf_le32(&r, k->rate[i].n);
		br_buf_le32(&r, k->rate[i].seconds);
		put_bytes(b, K_RATE, r.ptr, r.len);
		br_buf_release(&r);
	}
	if (k->budget.day || k->budget.month) {
		struct br_buf r = BR_BUF_INIT(SIZE_MAX);
		br_buf_le64(&r, k->budget.day);
		br_buf_le64(&r, k->budget.month);
		put_bytes(b, K_BUDGET, r.ptr, r.len);
		br_buf_release(&r);
	}
}

void apikey_encode(struct br_buf *b, const struct br_apikey *k)
{
	br_buf_u8(b, KEY_VERSION);
	put_text(b, K_ID, k->id);
	put_text(b, K_NAME, k->name);
	put_text(b, K_OWNER, k->owner);
	put_u64(b, K_KIND, k->kind);
	put_u64(b, K_SCOPES, k->scopes);
	for (size_t i = 0; i < k->notebooks.n; i++)
		put_text(b, K_NOTEBOOK, k->notebooks.v[i]);
	for (size_t i = 0; i < k->tenants.n; i++)
		put_text(b, K_TENANT, k->tenants.v[i]);
	put_limits(b, k);
	put_u64(b, K_DISABLED, !k->enabled);
	put_u64(b, K_CREATED, (uint64_t)k->created);
	put_u64(b, K_CHANGED, (uint64_t)k->changed);
	put_u64(b, K_EXPIRES, (uint64_t)k->expires);
	put_u64(b, K_REVOKED, (uint64_t)k->revoked);
	for (size_t i = 0; i < k->secrets; i++)
		put_secret(b, &k->secret[i]);
	br_buf_add(b, k->unknown.ptr, k->unknown.len);
}

/* Counts of the lists, so that decoding allocates each once. */
struct counts { size_t notebooks, tenants, from, secrets; bool bad; };

static struct counts count_fields(struct br_rd r)
{
	struct counts c = { 0 };

	while (!r.bad && r.p != r.end) {
		uint64_t tag = br_rd_varint(&r);
		br_rd_lstr(&r);
		c.notebooks += tag == K_NOTEBOOK;
		c.tenants += tag == K_TENANT;
		c.from += tag == K_FROM;
		c.secrets += tag == K_SECRET;
	}
	c.bad = r.bad || c.notebooks > BR_MAX_KEY_LIST || c.tenants > BR_MAX_KEY_LIST || c.from > BR_MAX_KEY_LIST ||
		!c.secrets || c.secrets > BR_MAX_KEY_SECRETS;
	return c;
}

static void get_id(char out[37], struct br_slice f, bool *bad)
{
	for (size_t i = 0; i < f.len; i++)
		*bad |= !strchr("0123456789abcdef-", f.ptr[i]) || !f.ptr[i];
	if (f.len != 36)
		*bad = true;
	else
		memcpy(out, f.ptr, 36);
}

static void get_secret(struct br_apikey *k, struct br_slice f, bool *bad)
{
	struct br_key_secret *s = &k->secret[k->secrets++];
	struct br_rd r = br_rd(f);
	struct br_slice id = br_rd_bytes(&r, 36), hash = br_rd_bytes(&r, 32), shown;

	s->created = (int64_t)br_rd_u64(&r);
	s->until = (int64_t)br_rd_u64(&r);
	s->revoked = (int64_t)br_rd_u64(&r);
	shown = br_slice(r.p, (size_t)(r.end - r.p));
	if (r.bad || shown.len >= sizeof s->shown) {
		*bad = true;
		return;
	}
	get_id(s->id, id, bad);
	memcpy(s->hash, hash.ptr, hash.len);
	if (shown.len)
		memcpy(s->shown, shown.ptr, shown.len);
}

static void get_from(struct br_apikey *k, struct br_slice f, bool *bad)
{
	struct br_key_net *c = &k->from.v[k->from.n++];

	if (f.len != 18 || (uint8_t)f.ptr[16] > 128 || (uint8_t)f.ptr[17] > 1 || (f.ptr[17] && (uint8_t)f.ptr[16] < 96)) {
		*bad = true;
		return;
	}
	memcpy(c->net.b, f.ptr, 16);
	c->bits = (uint8_t)f.ptr[16];
	c->v4 = f.ptr[17];
}

static void get_rate(struct br_apikey *k, struct br_slice f, bool *bad)
{
	struct br_key_rate rate;

	if (f.len != 8 || k->rates == BR_MAX_KEY_RATES) {
		*bad = true;
		return;
	}
	rate = (struct br_key_rate){ br_rd_le32(f.ptr), br_rd_le32(f.ptr + 4) };
	*bad |= !rate.n || rate.n > BR_MAX_RATE || !rate.seconds;
	k->rate[k->rates++] = rate;
}

static void get_budget(struct br_apikey *k, struct br_slice f, bool *bad)
{
	struct br_rd r = br_rd(f);

	k->budget.day = br_rd_u64(&r);
	k->budget.month = br_rd_u64(&r);
	*bad |= r.bad || r.p != r.end;
}

static const char *text_of(struct br_arena *a, struct br_slice f)
{
	return br_arena_strndup(a, f.ptr, f.len);
}

static void get_field(struct br_apikey *k, struct br_arena *a, uint64_t tag, struct br_slice f, bool *bad)
{
	uint64_t v;

	switch (tag) {
	case K_ID:       get_id(k->id, f, bad); break;
	case K_NAME:     k->name = text_of(a, f); break;
	case K_OWNER:    k->owner = text_of(a, f); break;
	case K_KIND:
		v = get_u64(f, bad);
		*bad |= v >= BR_KEY_KIND_COUNT;
		k->kind = *bad ? BR_KEY_ANY : (enum br_key_kind)v;
		break;
	case K_SCOPES:
		v = get_u64(f, bad);
		*bad |= v > UINT32_MAX;
		k->scopes = (uint32_t)v;
		break;
	case K_NOTEBOOK: k->notebooks.v[k->notebooks.n++] = text_of(a, f); break;
	case K_TENANT:   k->tenants.v[k->tenants.n++] = text_of(a, f); break;
	case K_FROM:     get_from(k, f, bad); break;
	case K_RATE:     get_rate(k, f, bad); break;
	case K_BUDGET:   get_budget(k, f, bad); break;
	case K_DISABLED: k->enabled = !get_u64(f, bad); break;
	case K_CREATED:  k->created = get_time(f, bad); break;
	case K_CHANGED:  k->changed = get_time(f, bad); break;
	case K_EXPIRES:  k->expires = get_time(f, bad); break;
	case K_REVOKED:  k->revoked = get_time(f, bad); break;
	case K_SECRET:   get_secret(k, f, bad); break;
	}
}

static void get_fields(struct br_apikey *k, struct br_arena *a, struct br_rd r, bool *bad)
{
	struct br_buf unknown = BR_BUF_INIT(SIZE_MAX);

	while (!r.bad && !*bad && r.p != r.end) {
		const unsigned char *start = r.p;
		uint64_t tag = br_rd_varint(&r);
		struct br_slice f = br_rd_lstr(&r);
		if (tag > K_SECRET)
			br_buf_add(&unknown, start, (size_t)(r.p - start));
		else if (!r.bad)
			get_field(k, a, tag, f, bad);
	}
	*bad |= r.bad || unknown.failed;
	if (unknown.len)
		k->unknown = br_slice(br_arena_strndup(a, unknown.ptr, unknown.len), unknown.len);
	br_buf_release(&unknown);
}

int apikey_decode(struct br_apikey *out, struct br_arena *a, uint32_t number, struct br_slice rec, struct br_err *err)
{
	struct br_rd r = br_rd(rec);
	uint8_t version = br_rd_u8(&r);
	struct counts n;
	bool bad;

	*out = (struct br_apikey){ .number = number, .name = "", .owner = "", .enabled = true };
	if (version > KEY_VERSION)
		return br_fail(err, BR_EVERSION, "key %u: record version %u is newer than this br", number, version);
	n = count_fields(r);
	bad = n.bad || !version;
	if (!bad) {
		out->notebooks.v = br_arena_alloc(a, n.notebooks * sizeof *out->notebooks.v);
		out->tenants.v = br_arena_alloc(a, n.tenants * sizeof *out->tenants.v);
		out->from.v = br_arena_zalloc(a, n.from * sizeof *out->from.v);
		out->secret = br_arena_zalloc(a, n.secrets * sizeof *out->secret);
		get_fields(out, a, r, &bad);
	}
	return bad || !out->id[0] ? br_fail(err, BR_ECORRUPT, "key %u: damaged record", number) : 0;
}

int apikey_load(struct br_apikey **out, struct br_arena *a, struct br_txn *t, uint32_t number, struct br_err *err)
{
	struct br_slice val;
	struct br_key k;
	int rc;

	apikey_key(&k, number);
	if ((rc = br_get(&val, t, BR_T_KEY, br_key_slice(&k), err)) <= 0)
		return rc;
	*out = br_arena_alloc(a, sizeof **out);
	return (rc = apikey_decode(*out, a, number, val, err)) < 0 ? rc : 1;
}

static int store_refs(struct br_txn *t, const struct br_apikey *k, struct br_err *err)
{
	char number[4];
	struct br_key ref;
	int rc = 0;

	br_be32(number, k->number);
	for (size_t i = 0; i <= k->secrets && rc == 0; i++) {
		ref_id_key(&ref, i ? k->secret[i - 1].id : k->id);
		if ((rc = br_put(t, BR_T_KEYREF, br_key_slice(&ref), br_slice(number, 4), err)) < 0 || !i)
			continue;
		ref_hash_key(&ref, k->secret[i - 1].hash, k->number);
		rc = br_put(t, BR_T_KEYREF, br_key_slice(&ref), br_slice(number, 4), err);
	}
	return rc;
}

int apikey_store(struct br_txn *t, const struct br_apikey *k, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_key key;
	int rc;

	apikey_encode(&b, k);
	apikey_key(&key, k->number);
	if ((rc = br_buf_check(&b, "key record", err)) == 0 &&
	    (rc = br_put(t, BR_T_KEY, br_key_slice(&key), br_buf_slice(&b), err)) == 0)
		rc = store_refs(t, k, err);
	br_buf_release(&b);
	return rc;
}

/* ---- the use of a day ---- */

void use_release(struct use_rec *u)
{
	br_vec_release(&u->addresses);
}

void use_encode(struct br_buf *b, const struct use_rec *u)
{
	br_buf_u8(b, USE_VERSION);
	put_u64(b, U_REQUESTS, u->requests);
	put_u64(b, U_ERRORS, u->errors);
	put_u64(b, U_TOKENS, u->tokens);
	put_u64(b, U_LAST, (uint64_t)u->last);
	if (u->addresses.n)
		put_bytes(b, U_ADDRESSES, u->addresses.v, u->addresses.n * sizeof *u->addresses.v);
	put_u64(b, U_MORE, u->more);
}

static void get_addresses(struct use_rec *u, struct br_slice f, bool *bad)
{
	if (f.len % 8 || f.len / 8 > BR_MAX_KEY_ADDRESSES) {
		*bad = true;
		return;
	}
	for (size_t i = 0; i < f.len; i += 8)
		use_add_address(u, br_rd_le64(f.ptr + i));
}

int use_decode(struct use_rec *out, uint32_t number, uint32_t day, struct br_slice rec, struct br_err *err)
{
	struct br_rd r = br_rd(rec);
	uint8_t version = br_rd_u8(&r);
	bool bad = !version;

	*out = (struct use_rec){ 0 };
	if (version > USE_VERSION)
		return br_fail(err, BR_EVERSION, "use of key %u: record version %u is newer than this br", number, version);
	while (!r.bad && !bad && r.p != r.end) {
		uint64_t tag = br_rd_varint(&r);
		struct br_slice f = br_rd_lstr(&r);
		if (r.bad)
			break;
		switch (tag) {
		case U_REQUESTS:  out->requests = get_u64(f, &bad); break;
		case U_ERRORS:    out->errors = get_u64(f, &bad); break;
		case U_TOKENS:    out->tokens = get_u64(f, &bad); break;
		case U_LAST:      out->last = get_time(f, &bad); break;
		case U_ADDRESSES: get_addresses(out, f, &bad); break;
		case U_MORE:      out->more = get_u64(f, &bad); break;
		}
	}
	if (!r.bad && !bad)
		return 0;
	use_release(out);
	return br_fail(err, BR_ECORRUPT, "use of key %u on day %u: damaged record", number, day);
}

void use_add_address(struct use_rec *u, uint64_t hash)
{
	size_t lo = 0, hi = u->addresses.n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (u->addresses.v[mid] < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < u->addresses.n && u->addresses.v[lo] == hash)
		return;
	if (u->addresses.n >= BR_MAX_KEY_ADDRESSES) {
		u->more = true;
		return;
	}
	br_vec_reserve(&u->addresses, 1);
	memmove(u->addresses.v + lo + 1, u->addresses.v + lo, (u->addresses.n - lo) * sizeof *u->addresses.v);
	u->addresses.v[lo] = hash;
	u->addresses.n++;
}

void use_merge(struct use_rec *to, const struct use_rec *from)
{
	to->requests += from->requests;
	to->errors += from->errors;
	to->tokens += from->tokens;
	to->last = BR_MAX(to->last, from->last);
	to->more |= from->more;
	for (size_t i = 0; i < from->addresses.n; i++)
		use_add_address(to, from->addresses.v[i]);
}
