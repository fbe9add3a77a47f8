/* Keys: what is stored, who is let in and why not, rotation, usage, and that nothing tells a secret. */
#include "workspace.h"

#include "auth/internal.h"

#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define NOW 1700000000
#ifdef __SANITIZE_THREAD__
#define TRACES_THREADS true /* notes every access in ways that differ from call to call */
#else
#define TRACES_THREADS false
#endif

static void ok(int rc, const struct br_err *err)
{
	if (rc < 0)
		fail_msg("%s", err->msg);
}

static int key_setup(void **state)
{
	setenv("BR_CLOCK", "1700000000", 1);
	return scratch_setup(state);
}

static struct br_apikey *create(struct scratch *s, struct br_arena *a, const struct br_apikey *spec, char secret[BR_SECRET_SIZE])
{
	struct br_apikey *k = NULL;
	struct br_err err = { 0 };

	ok(br_apikey_create(&k, secret, a, s->ws->store, spec, &err), &err);
	return k;
}

static struct br_apikey *simple(struct scratch *s, struct br_arena *a, const char *name, char secret[BR_SECRET_SIZE])
{
	struct br_apikey spec = { .name = name, .enabled = true };

	return create(s, a, &spec, secret);
}

/* The reason, by name. */
static const char *check_at(struct scratch *s, const char *secret, const char *from, int64_t now)
{
	struct br_arena a = { 0 };
	struct br_apikey *k;
	struct br_key_addr addr;
	struct br_err err = { 0 };
	enum br_refusal why;
	struct br_txn *t;
	size_t which;
	int rc;

	if (from)
		assert_true(br_key_addr_parse(&addr, from));
	ok(br_txn_read(&t, s->ws->store, &err), &err);
	rc = br_auth_check(&k, &which, &why, &a, t, secret, from ? &addr : NULL, now, &err);
	br_txn_end(t);
	assert_int_equal(rc, -(int)br_refusal_info(why)->code);
	assert_int_equal(rc == 0, k != NULL);
	if (secret && *secret && rc < 0)
		assert_null(strstr(err.msg, secret));
	br_arena_release(&a);
	return br_refusal_info(why)->name;
}

#define IS(why, ...) assert_string_equal(check_at(__VA_ARGS__), why)

/* ---- texts ---- */

static void test_scopes(void **state)
{
	uint32_t s;
	struct br_err err;

	(void)state;
	ok(br_scopes_parse(&s, "query", &err), &err);
	assert_int_equal(s, BR_SCOPE_QUERY);
	ok(br_scopes_parse(&s, "kb:read,ingest,query", &err), &err);
	assert_int_equal(s, BR_SCOPE_QUERY | BR_SCOPE_KB_READ | BR_SCOPE_DOCUMENTS);
	assert_int_equal(br_scopes_parse(&s, "query,quary", &err), -BR_EUSAGE);
	assert_non_null(strstr(err.msg, "'quary'"));
	assert_int_equal(br_scopes_parse(&s, "", &err), -BR_EUSAGE);
	assert_int_equal(br_scopes_parse(&s, "query,", &err), -BR_EUSAGE);
	assert_int_equal(br_scopes_parse(&s, "Query", &err), -BR_EUSAGE);
}

static void test_rates(void **state)
{
	static const struct { const char *text; uint32_t n, seconds; } good[] = {
		{ "5/second", 5, 1 }, { "10/minute", 10, 60 }, { "100/hour", 100, 3600 }, { "1000/day", 1000, 86400 }, { "1/Hour", 1, 3600 },
	};
	static const char *const bad[] = { "", "/", "5", "5/", "/hour", "0/hour", "-1/hour", "1.5/hour", "5/hours", "5/fortnight", " 5/hour",
		"5 /hour", "5/ hour", "1000001/day", "99999999999999999999/day", "5/hour/day" };
	struct br_key_rate r;
	char text[32];

	(void)state;
	for (size_t i = 0; i < BR_COUNT(good); i++) {
		assert_int_equal(br_key_rate_parse(&r, good[i].text, NULL), 0);
		assert_int_equal(r.n, good[i].n);
		assert_int_equal(r.seconds, good[i].seconds);
	}
	br_key_rate_text(text, (struct br_key_rate){ 100, 3600 });
	assert_string_equal(text, "100/hour");
	for (size_t i = 0; i < BR_COUNT(bad); i++)
		if (br_key_rate_parse(&r, bad[i], NULL) != -BR_EUSAGE)
			fail_msg("'%s' was taken", bad[i]);
}

static void test_networks(void **state)
{
	static const struct { const char *net, *addr; bool in; } rows[] = {
		{ "10.0.0.0/8", "10.0.0.0", true }, { "10.0.0.0/8", "10.255.255.255", true }, { "10.0.0.0/8", "11.0.0.0", false },
		{ "172.16.0.0/12", "172.31.255.255", true }, { "172.16.0.0/12", "172.32.0.0", false }, { "172.16.0.0/12", "172.15.255.255", false },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", true }, { "10.0.0.1", "10.0.0.1", true }, { "10.0.0.1", "10.0.0.2", false },
		{ "10.0.0.1/32", "10.0.0.1", true }, { "0.0.0.0/0", "255.1.2.3", true }, { "0.0.0.0/0", "::1", false },
		{ "::/0", "2001:db8::1", true }, { "::/0", "10.0.0.1", false }, { "2001:db8::/32", "2001:db8:ffff::1", true },
		{ "2001:db8::/32", "2001:db9::", false }, { "2001:db8::/33", "2001:db8:8000::", false }, { "2001:db8::/33", "2001:db8:7fff::", true },
		{ "::1", "::1", true }, { "::1", "::2", false }, { "192.168.1.128/25", "192.168.1.127", false }, { "192.168.1.128/25", "192.168.1.128", true },
		{ "::ffff:10.0.0.1", "10.0.0.1", true },
	};
	static const char *const bad[] = { "", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "10.0.0.1/8", "::1/129", "fe80::1%eth0",
		"example.org", "10.0.0.0/8/8", "::ffff:10.0.0.0/104", "2001:db8::1/32", "010.0.0.1", " 10.0.0.1", "10.0.0.0/08x" };
	struct br_key_net c;
	struct br_key_addr a;
	struct br_err err;
	char text[64];

	(void)state;
	for (size_t i = 0; i < BR_COUNT(rows); i++) {
		ok(br_key_net_parse(&c, rows[i].net, &err), &err);
		assert_true(br_key_addr_parse(&a, rows[i].addr));
		if (br_key_net_has(&c, &a) != rows[i].in)
			fail_msg("%s and %s", rows[i].net, rows[i].addr);
	}
	for (size_t i = 0; i < BR_COUNT(bad); i++)
		if (br_key_net_parse(&c, bad[i], &err) != -BR_EUSAGE)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(br_key_net_parse(&c, "10.1.2.3/8", &err), -BR_EUSAGE);
	assert_non_null(strstr(err.msg, "10.0.0.0/8?"));
	ok(br_key_net_parse(&c, "2001:DB8::/32", &err), &err);
	br_key_net_text(text, &c);
	assert_string_equal(text, "2001:db8::/32");
	ok(br_key_net_parse(&c, "10.0.0.1/32", &err), &err);
	br_key_net_text(text, &c);
	assert_string_equal(text, "10.0.0.1");
	assert_false(br_key_addr_parse(&a, "10.0.0.1 "));
}

/* ---- who is let in ---- */

static void test_create_and_check(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	char secret[BR_SECRET_SIZE], other[BR_SECRET_SIZE];
	uint8_t hash[32];
	struct br_apikey *k = simple(s, &a, "bot", secret);

	assert_memory_equal(secret, "br_", 3);
	assert_int_equal(strlen(secret), 3 + 43);
	br_sha256(hash, secret, strlen(secret));
	assert_memory_equal(hash, k->secret[0].hash, 32);
	assert_memory_equal(k->secret[0].shown, secret, 7);
	assert_int_equal(strlen(k->secret[0].shown), 7);
	assert_int_equal(k->number, 1);
	assert_int_equal(k->scopes, BR_SCOPE_QUERY);
	assert_int_equal(k->created, NOW);
	IS("allowed", s, secret, NULL, NOW);
	IS("missing", s, NULL, NULL, NOW);
	IS("missing", s, "", NULL, NOW);
	for (size_t i = 0; secret[i]; i++) { /* another character at any place */
		memcpy(other, secret, sizeof other);
		other[i] = other[i] == 'A' ? 'B' : 'A';
		IS("unknown", s, other, NULL, NOW);
	}
	memcpy(other, secret, sizeof other);
	other[strlen(other) - 1] = 0;
	IS("unknown", s, other, NULL, NOW);
	strcat(secret, "x");
	IS("unknown", s, secret, NULL, NOW);
	char *far = br_alloc(BR_MAX_SECRET + 2);
	memset(far, 'x', BR_MAX_SECRET + 1);
	IS("unknown", s, far, NULL, NOW);
	free(far);
	assert_int_equal(simple(s, &a, "second", other)->number, 2);
	assert_true(strcmp(secret, other) != 0);
	br_arena_release(&a);
}

static int disable(struct br_apikey *k, void *arg, struct br_err *err)
{
	(void)err;
	k->enabled = *(const bool *)arg;
	k->number = 99; /* what an edit may not change */
	k->secrets = 0;
	k->revoked = 5;
	return 0;
}

static void test_states(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	struct br_key_net net[2];
	struct br_apikey spec = { .name = "k", .enabled = true, .expires = NOW + 10 }, near = { .name = "near", .enabled = true };
	char secret[BR_SECRET_SIZE], local[BR_SECRET_SIZE];
	bool on = false;

	ok(br_key_net_parse(&net[0], "10.0.0.0/8", &err), &err);
	ok(br_key_net_parse(&net[1], "2001:db8::/32", &err), &err);
	near.from.v = net;
	near.from.n = 2;
	create(s, &a, &near, local);
	IS("allowed", s, local, "10.2.3.4", NOW);
	IS("allowed", s, local, "2001:db8::5", NOW);
	IS("address", s, local, "11.2.3.4", NOW);
	IS("allowed", s, local, NULL, NOW);

	create(s, &a, &spec, secret);
	IS("allowed", s, secret, "1.2.3.4", NOW + 9);
	IS("expired", s, secret, NULL, NOW + 10);
	ok(br_apikey_edit(s->ws->store, "k", disable, &on, &err), &err);
	IS("disabled", s, secret, NULL, NOW);
	IS("disabled", s, secret, NULL, NOW + 10);
	on = true;
	ok(br_apikey_edit(s->ws->store, "k", disable, &on, &err), &err);
	IS("allowed", s, secret, NULL, NOW);
	ok(br_apikey_revoke(s->ws->store, "k", BR_REVOKE_KEY, &err), &err);
	IS("revoked", s, secret, NULL, NOW);
	IS("revoked", s, secret, NULL, NOW + 10); /* for ever */
	ok(br_apikey_delete(s->ws->store, "k", &err), &err);
	IS("unknown", s, secret, NULL, NOW);
	assert_int_equal(br_apikey_delete(s->ws->store, "k", &err), -BR_ENOTFOUND);
	IS("allowed", s, local, "10.2.3.4", NOW);
	br_arena_release(&a);
}

static void test_what_a_key_may(void **state)
{
	static const char *books[] = { "a1", "b2" }, *tenants[] = { "0b6f1c1e-5a0e-4a3b-9d3a-2f6d6f1a9c11" };
	struct br_apikey k = { .kind = BR_KEY_QUIVR, .scopes = BR_SCOPE_QUERY | BR_SCOPE_KB_READ, .notebooks = { books, 2 }, .tenants = { tenants, 1 } };

	(void)state;
	assert_int_equal(br_apikey_may(&k, BR_KEY_QUIVR, BR_SCOPE_QUERY, "b2", "0B6F1C1E-5A0E-4A3B-9D3A-2F6D6F1A9C11"), BR_ALLOWED);
	assert_int_equal(br_apikey_may(&k, BR_KEY_ANY, 0, NULL, NULL), BR_ALLOWED);
	assert_int_equal(br_apikey_may(&k, BR_KEY_BEYOND, 0, NULL, NULL), BR_REFUSED_KIND);
	assert_int_equal(br_apikey_may(&k, BR_KEY_QUIVR, BR_SCOPE_QUERY | BR_SCOPE_KB_WRITE, NULL, NULL), BR_REFUSED_SCOPE);
	assert_int_equal(br_apikey_may(&k, BR_KEY_QUIVR, BR_SCOPE_QUERY, "c3", NULL), BR_REFUSED_NOTEBOOK);
	assert_int_equal(br_apikey_may(&k, BR_KEY_QUIVR, BR_SCOPE_QUERY, "a1", "other"), BR_REFUSED_TENANT);
	k.scopes = BR_SCOPE_ADMIN;
	assert_int_equal(br_apikey_may(&k, BR_KEY_QUIVR, BR_SCOPE_KB_WRITE | BR_SCOPE_WEBHOOKS, "a1", NULL), BR_ALLOWED);
	k.kind = BR_KEY_ANY;
	assert_int_equal(br_apikey_may(&k, BR_KEY_BAIYUAN, 0, "a1", NULL), BR_ALLOWED);
	k.notebooks.n = k.tenants.n = 0;
	assert_int_equal(br_apikey_may(&k, BR_KEY_BAIYUAN, 0, "anything", "anyone"), BR_ALLOWED);
}

static void test_profiles(void **state)
{
	const struct br_profile *strict = br_profile_find("production"), *mid = br_profile_find("staging"), *loose = br_profile_find("development");
	struct br_key_secret secret = { .created = NOW };
	struct br_apikey k = { .secret = &secret, .secrets = 1 };
	struct br_key_limits l;

	(void)state;
	assert_null(br_profile_find("test"));
	assert_int_equal(strict->body, 26214400);
	br_apikey_limits(&l, &k, strict);
	assert_int_equal(l.rates, 1);
	assert_int_equal(l.rate[0].n, 100);
	assert_int_equal(l.rate[0].seconds, 60);
	assert_int_equal(l.budget.day, 0);
	br_apikey_limits(&l, &k, mid);
	assert_int_equal(l.rate[0].n, 500);
	assert_int_equal(l.budget.day, 1000000);
	br_apikey_limits(&l, &k, loose);
	assert_int_equal(l.rates, 0);
	k.rate[0] = (struct br_key_rate){ 7, 1 };
	k.rates = 1;
	k.budget.month = 5;
	br_apikey_limits(&l, &k, mid);
	assert_int_equal(l.rates, 1);
	assert_int_equal(l.rate[0].n, 7);
	assert_int_equal(l.budget.day, 0);
	assert_int_equal(l.budget.month, 5);
	assert_int_equal(br_apikey_overdue(&k, strict, NOW + 30 * 86400), 0);
	assert_int_equal(br_apikey_overdue(&k, strict, NOW + 31 * 86400), 31);
	assert_int_equal(br_apikey_overdue(&k, loose, NOW + 31 * 86400), 0);
}

static void test_what_a_key_must_have(void **state)
{
	static const char *book[] = { "a1" }, *two[] = { "a1", "b2" }, *not_uuid[] = { "acme" }, *uuid[] = { "0b6f1c1e-5a0e-4a3b-9d3a-2f6d6f1a9c11" };
	static char long_name[BR_MAX_KEY_NAME + 2];
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_apikey *k;
	char secret[BR_SECRET_SIZE];
	struct { struct br_apikey spec; bool good; } rows[] = {
		{ { .name = "" }, false }, { { .name = NULL }, false }, { { .name = "a\nb" }, false }, { { .name = "\xff" }, false },
		{ { .name = long_name }, false }, { { .name = "b", .kind = BR_KEY_BEYOND }, false },
		{ { .name = "b", .kind = BR_KEY_BEYOND, .notebooks = { two, 2 } }, false }, { { .name = "b", .kind = BR_KEY_BEYOND, .notebooks = { book, 1 } }, true },
		{ { .name = "c", .kind = BR_KEY_BAIYUAN }, false }, { { .name = "c", .kind = BR_KEY_BAIYUAN, .tenants = { not_uuid, 1 } }, false },
		{ { .name = "c", .kind = BR_KEY_BAIYUAN, .tenants = { uuid, 1 } }, true },
		{ { .name = "d", .rates = 2, .rate = { { 1, 60 }, { 2, 60 } } }, false }, { { .name = "d", .rates = 2, .rate = { { 1, 60 }, { 2, 1 } } }, true },
		{ { .name = "e", .notebooks = { two, BR_MAX_KEY_LIST + 1 } }, false },
	};

	memset(long_name, 'x', sizeof long_name - 1);
	for (size_t i = 0; i < BR_COUNT(rows); i++) {
		int rc = br_apikey_create(&k, secret, &a, s->ws->store, &rows[i].spec, NULL);
		if (rc != (rows[i].good ? 0 : -BR_EUSAGE))
			fail_msg("row %zu gives %d", i, rc);
		if (!rows[i].good)
			assert_int_equal(secret[0], 0);
	}
	assert_memory_equal(create(s, &a, &rows[7].spec, secret)->secret->shown, "br_key_", 7);
	assert_int_equal(strlen(secret), 50); /* as in the product's sample: 43 characters behind the prefix */
	br_arena_release(&a);
}

/* ---- rotation ---- */

static struct br_apikey *rotate(struct scratch *s, struct br_arena *a, const char *name, int64_t grace, char secret[BR_SECRET_SIZE])
{
	struct br_apikey *k = NULL;
	struct br_err err = { 0 };

	ok(br_apikey_rotate(&k, secret, a, s->ws->store, name, grace, &err), &err);
	return k;
}

static void test_rotation(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	struct br_apikey *k;
	char first[BR_SECRET_SIZE], second[BR_SECRET_SIZE], third[BR_SECRET_SIZE];
	char id[37];

	memcpy(id, simple(s, &a, "k", first)->id, 37);
	k = rotate(s, &a, "k", 60, second);
	assert_string_equal(k->id, id);
	assert_int_equal(k->secrets, 2);
	assert_string_equal(k->secret[0].id, id);
	assert_true(strcmp(k->secret[1].id, id) != 0);
	IS("allowed", s, first, NULL, NOW + 59);
	IS("revoked", s, first, NULL, NOW + 60);
	IS("allowed", s, second, NULL, NOW + 60);

	rotate(s, &a, k->secret[1].id, 3600, third); /* a longer overlap does not bring an older secret more */
	IS("revoked", s, first, NULL, NOW + 60);
	IS("allowed", s, second, NULL, NOW + 3599);
	IS("revoked", s, second, NULL, NOW + 3600);

	/* as clients of the integration API do: the id that was rotated away is revoked, and the new secret goes on */
	ok(br_apikey_revoke(s->ws->store, k->secret[1].id, BR_REVOKE_ONE, &err), &err);
	IS("revoked", s, second, NULL, NOW);
	IS("allowed", s, first, NULL, NOW);
	IS("allowed", s, third, NULL, NOW);
	ok(br_apikey_revoke(s->ws->store, "k", BR_REVOKE_OLD, &err), &err);
	IS("revoked", s, first, NULL, NOW);
	IS("allowed", s, third, NULL, NOW);

	rotate(s, &a, "k", 0, first);
	IS("revoked", s, third, NULL, NOW);
	IS("allowed", s, first, NULL, NOW);
	ok(br_apikey_revoke(s->ws->store, id, BR_REVOKE_KEY, &err), &err);
	IS("revoked", s, first, NULL, NOW);
	assert_int_equal(br_apikey_rotate(&k, second, &a, s->ws->store, "k", 60, &err), -BR_EFORBIDDEN);
	br_arena_release(&a);
}

static void test_many_rotations(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	struct br_apikey *k = NULL;
	struct br_txn *t;
	char secret[BR_SECRET_SIZE], first[BR_SECRET_SIZE];
	uint64_t n;

	simple(s, &a, "k", first);
	for (int i = 0; i < 3 * BR_MAX_KEY_SECRETS; i++)
		k = rotate(s, &a, "k", 0, secret);
	assert_int_equal(k->secrets, BR_MAX_KEY_SECRETS);
	IS("allowed", s, secret, NULL, NOW);
	IS("unknown", s, first, NULL, NOW); /* long forgotten */
	ok(br_txn_read(&t, s->ws->store, &err), &err);
	ok(br_apikey_find(&k, &a, t, k->id, &err), &err); /* the key's own id never is */
	ok(br_auth_verify(&n, t, false, NULL, NULL, &err), &err);
	assert_int_equal(n, 0);
	br_txn_end(t);
	for (int i = 1; i < BR_MAX_KEY_SECRETS; i++)
		rotate(s, &a, "k", 1000, secret);
	assert_int_equal(br_apikey_rotate(&k, secret, &a, s->ws->store, "k", 1000, &err), -BR_ETOOBIG);
	ok(br_apikey_delete(s->ws->store, "k", &err), &err);
	ok(br_txn_read(&t, s->ws->store, &err), &err);
	ok(br_table_count(&n, t, BR_T_KEYREF, &err), &err);
	br_txn_end(t);
	assert_int_equal(n, 0);
	br_arena_release(&a);
}

/* ---- finding ---- */

static int find(struct scratch *s, const char *name, char id[37])
{
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	struct br_apikey *k;
	struct br_txn *t;
	int rc;

	ok(br_txn_read(&t, s->ws->store, &err), &err);
	if ((rc = br_apikey_find(&k, &a, t, name, &err)) == 0)
		memcpy(id, k->id, 37);
	br_txn_end(t);
	br_arena_release(&a);
	return rc;
}

static void test_finding(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	char secret[BR_SECRET_SIZE], id[37], got[37], part[20];

	memcpy(id, simple(s, &a, "one", secret)->id, 37);
	simple(s, &a, "two", secret);
	simple(s, &a, "two", secret);
	assert_int_equal(find(s, "one", got), 0);
	assert_string_equal(got, id);
	assert_int_equal(find(s, id, got), 0);
	assert_string_equal(got, id);
	memcpy(part, id, 12);
	part[12] = 0;
	assert_int_equal(find(s, part, got), 0);
	assert_string_equal(got, id);
	part[5] = 0;
	assert_int_equal(find(s, part, got), -BR_ENOTFOUND);
	assert_int_equal(find(s, "two", got), -BR_EUSAGE);
	assert_int_equal(find(s, "three", got), -BR_ENOTFOUND);
	assert_int_equal(find(s, "", got), -BR_ENOTFOUND);
	br_arena_release(&a);
}

/* ---- records ---- */

static void fill(struct br_apikey *k, struct br_key_secret secret[2])
{
	static const char *books[] = { "book-1", "book-2" }, *tenants[] = { "acme" };
	static struct br_key_net net[2];

	assert_int_equal(br_key_net_parse(&net[0], "10.0.0.0/8", NULL), 0);
	assert_int_equal(br_key_net_parse(&net[1], "2001:db8::/32", NULL), 0);
	*k = (struct br_apikey){ .number = 7, .id = "0b6f1c1e-5a0e-4a3b-9d3a-2f6d6f1a9c11", .name = "name", .owner = "owner", .kind = BR_KEY_QUIVR,
		.scopes = BR_SCOPE_ALL, .notebooks = { books, 2 }, .tenants = { tenants, 1 }, .from = { net, 2 }, .rate = { { 5, 1 }, { 100, 3600 } }, .rates = 2,
		.budget = { 1000, 20000 }, .created = 1, .changed = 2, .expires = 3, .revoked = 4, .secret = secret, .secrets = 2,
		.unknown = br_slice("\x63\x03" "new\x64\x00", 7) };
	for (int i = 0; i < 2; i++) {
		secret[i] = (struct br_key_secret){ .id = "1b6f1c1e-5a0e-4a3b-9d3a-2f6d6f1a9c11", .shown = "qk_abcd", .created = 5, .until = 6, .revoked = 7 };
		memset(secret[i].hash, i + 1, 32);
	}
}

static void test_record_round_trip(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 16), again = BR_BUF_INIT(1 << 16);
	struct br_key_secret secret[2];
	struct br_apikey k, d;
	struct br_arena a = { 0 };
	struct br_err err = { 0 };

	(void)state;
	fill(&k, secret);
	apikey_encode(&b, &k);
	ok(apikey_decode(&d, &a, 7, br_buf_slice(&b), &err), &err);
	assert_string_equal(d.name, "name");
	assert_false(d.enabled);
	assert_int_equal(d.notebooks.n, 2);
	assert_string_equal(d.notebooks.v[1], "book-2");
	assert_string_equal(d.tenants.v[0], "acme");
	assert_int_equal(d.rate[1].n, 100);
	assert_int_equal(d.budget.month, 20000);
	assert_int_equal(d.secret[1].until, 6);
	assert_memory_equal(d.secret[1].hash, secret[1].hash, 32);
	assert_int_equal(d.expires, 3);
	assert_int_equal(d.unknown.len, 7);
	apikey_encode(&again, &d);
	assert_true(br_slice_eq(br_buf_slice(&b), br_buf_slice(&again)));
	b.ptr[0] = 2;
	assert_int_equal(apikey_decode(&d, &a, 7, br_buf_slice(&b), &err), -BR_EVERSION);
	br_arena_release(&a);
	br_buf_release(&b);
	br_buf_release(&again);
}

/* Copies, so that a sanitizer sees every byte read beyond the record. */
static void try_decode(struct br_slice rec, bool use)
{
	char *copy = malloc(rec.len + !rec.len);
	struct br_arena a = { 0 };
	struct br_apikey k;
	struct use_rec u;
	int rc;

	if (rec.len)
		memcpy(copy, rec.ptr, rec.len);
	rc = use ? use_decode(&u, 1, 2, br_slice(copy, rec.len), NULL) : apikey_decode(&k, &a, 1, br_slice(copy, rec.len), NULL);
	assert_true(rc == 0 || rc == -BR_ECORRUPT || rc == -BR_EVERSION);
	if (use && rc == 0)
		use_release(&u);
	br_arena_release(&a);
	free(copy);
}

static void test_damaged_records(void **state)
{
	struct br_buf b[2] = { BR_BUF_INIT(1 << 16), BR_BUF_INIT(1 << 16) };
	struct use_rec u = { .requests = 1000000, .errors = 3, .tokens = 1ull << 60, .last = NOW, .more = true };
	struct br_key_secret secret[2];
	struct br_apikey k;
	uint32_t seed = 1;

	(void)state;
	fill(&k, secret);
	apikey_encode(&b[0], &k);
	for (uint64_t i = 0; i < 5; i++)
		use_add_address(&u, i * 77777 % 5);
	assert_int_equal(u.addresses.n, 5);
	use_encode(&b[1], &u);
	use_release(&u);
	for (int w = 0; w < 2; w++) {
		for (size_t n = 0; n < b[w].len; n++)
			try_decode(br_slice(b[w].ptr, n), w);
		for (size_t i = 0; i < b[w].len; i++) {
			for (int v = 0; v < 256; v += i < 64 ? 1 : 17) {
				char was = b[w].ptr[i];
				b[w].ptr[i] = (char)v;
				try_decode(br_buf_slice(&b[w]), w);
				b[w].ptr[i] = was;
			}
		}
		for (int i = 0; i < 20000; i++) {
			char mess[200];
			for (size_t j = 0; j < sizeof mess; j++)
				mess[j] = (char)((seed = seed * 1664525 + 1013904223) >> 24) & (j % 3 ? 15 : 127);
			mess[0] = 1;
			try_decode(br_slice(mess, seed % sizeof mess), w);
		}
		br_buf_release(&b[w]);
	}
}

/* Another key whose hash begins with the same 8 bytes must not come in the way. */
static int plant_ref(struct br_txn *t, void *arg, struct br_err *err)
{
	const uint8_t *hash = arg;
	struct br_key ref;
	char number[4];

	br_be32(number, 1);
	ref_hash_key(&ref, hash, 1);
	return br_put(t, BR_T_KEYREF, br_key_slice(&ref), br_slice(number, 4), err);
}

static void test_shared_prefix(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	char first[BR_SECRET_SIZE], second[BR_SECRET_SIZE];
	struct br_apikey *k;

	simple(s, &a, "one", first);
	k = simple(s, &a, "two", second);
	ok(br_store_write(s->ws->store, plant_ref, k->secret->hash, &err), &err);
	IS("allowed", s, second, NULL, NOW);
	IS("allowed", s, first, NULL, NOW);
	ok(br_apikey_delete(s->ws->store, "two", &err), &err);
	IS("unknown", s, second, NULL, NOW);
	br_arena_release(&a);
}

/* ---- verify ---- */

static int hurt(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct br_apikey *k = arg;
	struct br_key key;
	int rc;

	ref_hash_key(&key, k->secret->hash, k->number); /* key 1 loses a reference */
	if ((rc = br_del(t, BR_T_KEYREF, br_key_slice(&key), err)) < 0)
		return rc;
	apikey_key(&key, 2); /* key 2 is damaged */
	if ((rc = br_put(t, BR_T_KEY, br_key_slice(&key), br_slice("\1\2\3", 3), err)) < 0)
		return rc;
	use_key(&key, 9, 5); /* key 9 never was */
	if ((rc = br_put(t, BR_T_KEYUSE, br_key_slice(&key), br_slice("\1", 1), err)) < 0)
		return rc;
	return br_meta_put(t, "next_key", 1, err);
}

struct fix { uint64_t n; };

static int repair(struct br_txn *t, void *arg, struct br_err *err)
{
	return br_auth_verify(&((struct fix *)arg)->n, t, true, NULL, NULL, err);
}

static uint64_t problems(struct scratch *s)
{
	struct br_err err = { 0 };
	struct br_txn *t;
	uint64_t n;

	ok(br_txn_read(&t, s->ws->store, &err), &err);
	ok(br_auth_verify(&n, t, false, NULL, NULL, &err), &err);
	br_txn_end(t);
	return n;
}

static void test_verify_and_repair(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	char first[BR_SECRET_SIZE], second[BR_SECRET_SIZE];
	struct br_apikey *k = simple(s, &a, "one", first);
	struct fix f;

	simple(s, &a, "two", second);
	assert_int_equal(problems(s), 0);
	ok(br_store_write(s->ws->store, hurt, k, &err), &err);
	IS("unknown", s, first, NULL, NOW);
	assert_int_equal(problems(s), 1 + 1 + 2 + 1 + 1); /* lost reference, record, its two references, use of nobody, counter */
	ok(br_store_write(s->ws->store, repair, &f, &err), &err);
	assert_int_equal(f.n, 6);
	assert_int_equal(problems(s), 0);
	IS("allowed", s, first, NULL, NOW);
	IS("unknown", s, second, NULL, NOW);
	assert_int_equal(simple(s, &a, "three", second)->number, 2);
	br_arena_release(&a);
}

/* ---- usage ---- */

struct days { char text[400]; };

static int tell_day(const struct br_key_usage *u, void *arg)
{
	struct days *d = arg;
	size_t n = strlen(d->text);

	snprintf(d->text + n, sizeof d->text - n, "%d:%llu/%llu/%llu/%llu;", (int)u->day - NOW / 86400, (unsigned long long)u->requests,
	         (unsigned long long)u->errors, (unsigned long long)u->tokens, (unsigned long long)u->addresses);
	return 0;
}

static void use(struct br_meter *m, uint32_t key, uint64_t requests, uint64_t errors, uint64_t tokens, const char *from, int64_t now)
{
	struct br_key_addr a;
	struct br_key_use u = { requests, errors, tokens, NULL };

	if (from) {
		assert_true(br_key_addr_parse(&a, from));
		u.from = &a;
	}
	br_meter_add(m, key, &u, now);
}

static void test_usage(void **state)
{
	struct scratch *s = *state;
	struct br_meter *m = br_meter_new(s->ws->store);
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	uint32_t today = NOW / 86400, key;
	char secret[BR_SECRET_SIZE];
	struct days d = { "" };
	struct br_key_usage u;
	struct br_txn *t;
	uint64_t day, month, generation;
	int64_t last;

	key = simple(s, &a, "k", secret)->number;
	simple(s, &a, "other", secret);
	ok(br_txn_read(&t, s->ws->store, &err), &err);
	generation = br_txn_generation(t);
	br_txn_end(t);
	ok(br_meter_flush(m, &err), &err); /* nothing to write: no commit */
	use(m, key, 1, 0, 100, "10.0.0.1", NOW - 86400);
	use(m, key, 1, 1, 0, "10.0.0.2", NOW);
	use(m, key, 1, 0, 50, "10.0.0.2", NOW + 5);
	use(m, key + 1, 7, 0, 7, "10.0.0.9", NOW);
	use(m, 77, 1, 0, 0, NULL, NOW); /* of a key that is gone */
	ok(br_meter_flush(m, &err), &err);
	use(m, key, 1, 0, 1, "10.0.0.1", NOW + 6);
	use(m, key, 1, 0, 1, "10.0.0.3", NOW - 40 * 86400);
	ok(br_meter_flush(m, &err), &err);
	ok(br_meter_flush(m, &err), &err);

	ok(br_txn_read(&t, s->ws->store, &err), &err);
	assert_int_equal(br_txn_generation(t), generation + 2);
	ok(br_key_usage(&u, t, key, today - 1, today, tell_day, &d, &err), &err);
	assert_string_equal(d.text, "-1:1/0/100/1;0:3/1/51/2;");
	assert_int_equal(u.requests, 4);
	assert_int_equal(u.errors, 1);
	assert_int_equal(u.tokens, 151);
	assert_int_equal(u.addresses, 2);
	assert_int_equal(u.last, NOW + 6);
	ok(br_key_usage(&u, t, key, 0, UINT32_MAX, NULL, NULL, &err), &err);
	assert_int_equal(u.requests, 5);
	assert_int_equal(u.addresses, 3);
	ok(br_key_last_use(&last, t, key, &err), &err);
	assert_int_equal(last, NOW + 6);
	ok(br_key_last_use(&last, t, 77, &err), &err);
	assert_int_equal(last, 0);
	ok(br_key_spent(&day, &month, t, key, NOW, &err), &err);
	assert_int_equal(day, 51);
	assert_int_equal(month, 151); /* 14 November 2023: the day before counts, October does not */
	br_txn_end(t);
	assert_int_equal(problems(s), 0);
	br_meter_free(m);
	br_arena_release(&a);
}

static void test_usage_survives_a_failed_flush(void **state)
{
	struct scratch *s = *state;
	struct br_meter *m;
	struct br_arena a = { 0 };
	struct br_lock lock;
	struct br_err err = { 0 };
	char secret[BR_SECRET_SIZE], *path = br_path_join(s->ws->dir, "lock"), *dir = br_strdup(s->ws->dir);
	struct br_key_usage u;
	struct br_txn *t;
	uint32_t key = simple(s, &a, "k", secret)->number;

	br_searcher_free(s->searcher);
	s->searcher = NULL;
	br_ws_close(s->ws);
	ok(br_ws_open(&s->ws, dir, 0, &err), &err);
	m = br_meter_new(s->ws->store);
	use(m, key, 1, 0, 10, "10.0.0.1", NOW);
	ok(br_lock_take(&lock, path, 0, &err), &err);
	assert_int_equal(br_meter_flush(m, &err), -BR_ELOCKED);
	use(m, key, 1, 0, 10, "10.0.0.1", NOW);
	assert_int_equal(br_meter_flush(m, &err), -BR_ELOCKED);
	br_lock_drop(&lock);
	ok(br_meter_flush(m, &err), &err);
	ok(br_txn_read(&t, s->ws->store, &err), &err);
	ok(br_key_usage(&u, t, key, 0, UINT32_MAX, NULL, NULL, &err), &err);
	br_txn_end(t);
	assert_int_equal(u.requests, 2);
	assert_int_equal(u.tokens, 20);
	assert_int_equal(u.addresses, 1);
	br_meter_free(m);
	br_arena_release(&a);
	free(path);
	free(dir);
}

/* Threads add while another flushes: nothing is lost or counted twice. */
struct crowd { struct br_meter *m; uint32_t key; _Atomic int left; };
enum { CROWD = 16, EACH_ADDS = 2000 };

static void *add_many(void *arg)
{
	struct crowd *c = arg;

	for (int i = 0; i < EACH_ADDS; i++)
		use(c->m, c->key, 1, i % 2, 3, i % 3 ? "10.0.0.1" : "10.0.0.2", NOW + i % 2 * 86400);
	c->left--;
	return NULL;
}

static void *flush_often(void *arg)
{
	struct crowd *c = arg;
	struct br_err err;

	while (c->left)
		if (br_meter_flush(c->m, &err) < 0)
			return c;
	return NULL;
}

static void test_usage_from_many_threads(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	char secret[BR_SECRET_SIZE];
	struct crowd c = { .m = br_meter_new(s->ws->store), .key = simple(s, &a, "k", secret)->number, .left = CROWD };
	pthread_t t[CROWD + 1];
	struct br_key_usage u;
	struct br_txn *txn;
	void *failed;

	for (int i = 0; i <= CROWD; i++)
		assert_int_equal(pthread_create(&t[i], NULL, i ? add_many : flush_often, &c), 0);
	for (int i = 0; i <= CROWD; i++) {
		assert_int_equal(pthread_join(t[i], &failed), 0);
		assert_null(failed);
	}
	ok(br_meter_flush(c.m, &err), &err);
	ok(br_txn_read(&txn, s->ws->store, &err), &err);
	ok(br_key_usage(&u, txn, c.key, 0, UINT32_MAX, NULL, NULL, &err), &err);
	br_txn_end(txn);
	assert_int_equal(u.requests, CROWD * EACH_ADDS);
	assert_int_equal(u.errors, CROWD * EACH_ADDS / 2);
	assert_int_equal(u.tokens, CROWD * EACH_ADDS * 3);
	assert_int_equal(u.addresses, 2);
	br_meter_free(c.m);
	br_arena_release(&a);
}

static void test_many_addresses(void **state)
{
	struct use_rec u = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 3 * BR_MAX_KEY_ADDRESSES; i++)
		use_add_address(&u, i * 2654435761u);
	assert_int_equal(u.addresses.n, BR_MAX_KEY_ADDRESSES);
	assert_true(u.more);
	for (size_t i = 1; i < u.addresses.n; i++)
		assert_true(u.addresses.v[i - 1] < u.addresses.v[i]);
	use_release(&u);
}

/* ---- nothing tells a secret ---- */

/* Instructions a comparison takes: a child runs it in single steps. -1: not possible here. */
static long steps(bool (*equal)(const void *, const void *, size_t), const uint8_t *x, const uint8_t *y)
{
	long n = 0;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(9);
		raise(SIGSTOP);
		_exit(equal(x, y, 32));
	}
	assert_true(pid > 0);
	for (assert_int_equal(waitpid(pid, &status, 0), pid); WIFSTOPPED(status); n++) {
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0 || waitpid(pid, &status, 0) != pid)
			break;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) < 9 ? n : -1;
}

static bool early_end(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;

	for (size_t i = 0; i < n; i++)
		if (x[i] != y[i])
			return false;
	return true;
}

static void test_comparison_takes_the_same_steps(void **state)
{
	uint8_t x[32], y[32];
	long equal, early[2] = { 0 };

	(void)state;
	for (int i = 0; i < 32; i++)
		x[i] = y[i] = (uint8_t)(i * 37);
	assert_true(br_secret_equal(x, y, 32)); /* bound before the steps are counted */
	assert_true(early_end(x, y, 32));
	if (TRACES_THREADS || getenv("BR_VALGRIND") || (equal = steps(br_secret_equal, x, y)) < 0) {
		print_message("skipped: a child cannot be traced here\n");
		skip();
	}
	for (int i = 0; i < 32; i++) {
		y[i] ^= (uint8_t)(1 << i % 8);
		assert_false(br_secret_equal(x, y, 32));
		assert_int_equal(steps(br_secret_equal, x, y), equal);
		early[i > 15] = i == 0 || i == 31 ? steps(early_end, x, y) : early[i > 15];
		y[i] = x[i];
	}
	assert_true(early[1] > early[0] + 30); /* the method tells one that ends early */
	memset(y, 0xff, sizeof y);
	assert_int_equal(steps(br_secret_equal, x, y), equal);
}

static void test_no_secret_on_disk(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_buf file = BR_BUF_INIT(64 << 20);
	struct br_err err = { 0 };
	char secret[3][BR_SECRET_SIZE], *path = br_path_join(s->ws->dir, "data.mdb");
	struct br_apikey *k = simple(s, &a, "needle-name", secret[0]);

	rotate(s, &a, "needle-name", 100, secret[1]);
	rotate(s, &a, k->id, 0, secret[2]);
	ok(br_file_read(&file, path, file.max, &err), &err);
	assert_non_null(memmem(file.ptr, file.len, "needle-name", 11));
	assert_non_null(memmem(file.ptr, file.len, k->secret->hash, 32));
	for (int i = 0; i < 3; i++)
		assert_null(memmem(file.ptr, file.len, secret[i] + 8, 20));
	br_buf_release(&file);
	br_arena_release(&a);
	free(path);
}

static void test_base64url(void **state)
{
	static const struct { const char *bytes, *text; } rows[] = {
		{ "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" }, { "foobar", "Zm9vYmFy" },
		{ "\xff\xef\xbe", "_---" }, /* 111111 111110 111110 111110 */
	};
	static const char *const bad[] = { "Z", "Zg==", "Zh", "Zm9", "Zm9vY", "Zm+v", "Zm/v", "Zm 9v", "Zm9v\n", "\xc3\xa4\x61\x61" };
	struct br_buf b = BR_BUF_INIT(100);

	(void)state;
	for (size_t i = 0; i < BR_COUNT(rows); i++) {
		br_buf_reset(&b);
		br_base64url(&b, rows[i].bytes, strlen(rows[i].bytes));
		assert_string_equal(b.ptr, rows[i].text);
		br_buf_reset(&b);
		assert_true(br_base64url_decode(&b, br_slice_str(rows[i].text)));
		assert_string_equal(b.ptr, rows[i].bytes);
	}
	for (size_t i = 0; i < BR_COUNT(bad); i++) {
		br_buf_reset(&b);
		if (br_base64url_decode(&b, br_slice_str(bad[i])))
			fail_msg("'%s' was taken", bad[i]);
	}
	br_buf_release(&b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, key_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scopes), cmocka_unit_test(test_rates), cmocka_unit_test(test_networks), cmocka_unit_test(test_what_a_key_may), cmocka_unit_test(test_profiles),
		cmocka_unit_test(test_record_round_trip), cmocka_unit_test(test_damaged_records), cmocka_unit_test(test_many_addresses),
		cmocka_unit_test(test_comparison_takes_the_same_steps), cmocka_unit_test(test_base64url),
		T(test_create_and_check), T(test_states), T(test_what_a_key_must_have), T(test_rotation), T(test_many_rotations), T(test_finding),
		T(test_shared_prefix), T(test_verify_and_repair), T(test_usage), T(test_usage_survives_a_failed_flush), T(test_usage_from_many_threads), T(test_no_secret_on_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
