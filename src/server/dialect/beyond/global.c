/* G1 to G8: global settings: keys of providers, storage, kind of database. Keys are kept enciphered and shown masked. */
#include "beyond.h"

#include "br/llm.h"

#include <stdio.h>
#include <stdlib.h>

#define SETTINGS "/api/settings"
#define PROBE_MS 15000

/* ---- G1 to G4: keys of providers, each user's own ---- */

struct slot { const char *name, *provider, *env; };
static const struct slot slots[] = {
#define X(name, provider, env) { name, provider, env },
	BR_KEEP_SLOTS(X)
#undef X
};

static const struct slot *find_slot(const char *name)
{
	for (size_t i = 0; i < BR_COUNT(slots); i++)
		if (!strcmp(slots[i].name, name))
			return &slots[i];
	return NULL;
}

/* NULL: the workspace's, where nobody is asked who they are. */
static const char *owner(struct br_req *r)
{
	return br_req_who(r)->bypass ? NULL : br_req_who(r)->user;
}

static const char *mask(struct br_req *r, const char *key)
{
	size_t n = strlen(key);

	return n < 12 ? "...****" : br_arena_printf(br_req_arena(r), "%.3s...****%s", key, key + n - 4);
}

struct shown { const char *source, *masked; };

static int show_slot(struct shown *out, struct br_req *r, const struct slot *s, struct br_err *err)
{
	const char *env = getenv(s->env);
	char name[80], *own;
	int rc;

	br_keep_slot_name(name, s->name, owner(r));
	if ((rc = br_keep_secret_get(&own, br_req_ws(r), name, err)) < 0)
		return rc;
	*out = (struct shown){ own ? "user" : env && *env ? "server" : "none", own ? mask(r, own) : env && *env ? mask(r, env) : NULL };
	if (own)
		br_wipe(own, strlen(own));
	free(own);
	return 0;
}

static int reply_keys(struct br_req *r, struct br_err *err)
{
	struct shown shown[BR_COUNT(slots)];
	struct br_json *j;
	int rc = 0;

	for (size_t i = 0; i < BR_COUNT(slots) && rc == 0; i++)
		rc = show_slot(&shown[i], r, &slots[i], err);
	if (rc < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_key(j, "keys");
	br_json_arr(j);
	for (size_t i = 0; i < BR_COUNT(slots); i++) {
		br_json_obj(j);
		br_json_kstr(j, "key_name", slots[i].name);
		br_json_kbool(j, "is_set", shown[i].masked != NULL);
		br_json_kstr(j, "source", shown[i].source);
		br_json_kstr(j, "masked_value", shown[i].masked);
		br_json_end(j);
	}
	br_json_end(j);
	br_json_end(j);
	return 0;
}

static int list_keys(struct br_req *r, const void *in, struct br_err *err)
{
	(void)in;
	return reply_keys(r, err);
}
static const struct br_field key_out[] = {
	{ "key_name", MUST(STR) }, { "is_set", MUST(BOOL) }, { "source", MUST(STR), .choices = "user|server|none" }, { "masked_value", MAY_NULL(STR) },
	BR_FIELD_END,
};
static const struct br_shape key_shape = { "BeyondProviderKey", key_out, 0 };
static const struct br_field keys_out[] = { { "keys", MUST(ARR), .shape = &key_shape }, BR_FIELD_END };
static const struct br_shape keys_shape = { "BeyondProviderKeys", keys_out, 0 };

struct keys_in { const struct br_jval *keys; };
static const struct br_field keys_in[] = {
	{ "keys", BR_FAT_OBJ(struct keys_in, keys), .flags = BR_REQUIRED, .help = "key by name; names that are not known are ignored" }, BR_FIELD_END,
};

static int set_key(struct br_req *r, const char *slot, const char *value, struct br_err *err)
{
	char name[80];

	if (strlen(value) > 1000)
		return br_req_fail(r, 422, err, BR_EUSAGE, "A key is longer than 1000 characters");
	br_keep_slot_name(name, slot, owner(r));
	return BR_MIN(br_keep_secret_put(br_req_ws(r), name, value, err), 0);
}

static int set_keys(struct br_req *r, const void *in, struct br_err *err)
{
	const struct keys_in *p = in;
	int rc = 0;

	for (const struct br_jval *m = br_jval_first(p->keys); m && rc == 0; m = br_jval_next(m)) {
		const char *value = br_jval_str(m);
		if (find_slot(br_jval_key(m)) && value && *value)
			rc = set_key(r, br_jval_key(m), value, err);
	}
	return rc < 0 ? rc : reply_keys(r, err);
}

static int drop_key(struct br_req *r, const void *in, struct br_err *err)
{
	const char *slot = br_req_param(r, "key_name");
	char name[80];
	struct br_json *j;
	int rc;

	(void)in;
	if (!find_slot(slot))
		return br_fail(err, BR_ENOTFOUND, "Unknown key '%.60s'", slot);
	br_keep_slot_name(name, slot, owner(r));
	if ((rc = br_keep_secret_put(br_req_ws(r), name, NULL, err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kbool(j, "deleted", true);
	br_json_kstr(j, "key_name", slot);
	br_json_end(j);
	return 0;
}
static const struct br_field dropped_out[] = { { "deleted", MUST(BOOL) }, { "key_name", MUST(STR) }, BR_FIELD_END };
static const struct br_shape dropped_shape = { "BeyondProviderKeyDeleted", dropped_out, 0 };

struct test_in { const char *name, *value; };
static const struct br_field test_in[] = {
	{ "key_name", BR_FAT_STR(struct test_in, name), .flags = BR_REQUIRED, .min = 1, .max = 100 },
	{ "key_value", BR_FAT_STR(struct test_in, value), .max = 1000 }, BR_FIELD_END,
};

/* One request, whose answer only says whether the key is taken; without a value, the key that would be used. */
static int probe(struct br_req *r, const struct slot *s, const char *value, struct br_err *err)
{
	const struct br_llm_ask ask = { .timeout_ms = PROBE_MS, .once = true };
	char *kept = NULL;
	struct br_llm *llm = NULL;
	int rc = value ? 0 : br_beyond__provider_key(&kept, r, s->provider, err);

	if (rc == 0)
		rc = br_llm_open_provider(&llm, br_req_ws(r)->config, s->provider, value ? value : kept, err);
	if (rc == 0)
		rc = br_llm_probe(llm, &ask, err);
	br_llm_close(llm);
	if (kept)
		br_wipe(kept, strlen(kept));
	free(kept);
	return rc;
}

static int test_key(struct br_req *r, const void *in, struct br_err *err)
{
	const struct test_in *p = in;
	const struct slot *s = find_slot(p->name);
	int rc = s ? probe(r, s, p->value && *p->value ? p->value : NULL, err) : -1;
	struct br_json *j = br_reply(r, 0);

	br_json_obj(j);
	br_json_kbool(j, "valid", rc == 0);
	br_json_kstr(j, "message", !s ? "There is no such key." : rc == 0 ? "The provider accepts the key." :
		rc == -BR_EAUTH ? "The provider refuses the key." : "The provider cannot be asked.");
	br_json_end(j);
	return 0;
}
static const struct br_field test_out[] = { { "valid", MUST(BOOL) }, { "message", MUST(STR) }, BR_FIELD_END };
static const struct br_shape test_shape = { "BeyondProviderKeyTest", test_out, 0 };

/* ---- G5 to G8: one of the choices of the field, each user's own ---- */

static int keep_value(struct br_req *r, const char *name, const char *value, struct br_err *err)
{
	char own[80];
	int rc;

	br_keep_slot_name(own, name, owner(r));
	rc = br_keep_put(br_req_ws(r), 0, BR_KEEP_SETTING, own, br_arena_printf(br_req_arena(r), "{\"value\":\"%s\"}", value), err);
	return BR_MIN(rc, 0);
}

static int reply_value(struct br_req *r, const char *name, const char *dflt, struct br_err *err)
{
	const char *rec, *value;
	struct br_json *j;
	char own[80];
	int rc;

	br_keep_slot_name(own, name, owner(r));
	if ((rc = br_keep_get(&rec, br_req_arena(r), br_req_ws(r), 0, BR_KEEP_SETTING, own, err)) < 0)
		return rc;
	value = br_keep_member(br_req_arena(r), rec, "value");
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, name, value ? value : dflt);
	br_json_end(j);
	return 0;
}

struct value_in { const char *value; };
#define GLOBAL(fn, name, dflt, values, type)                                                                       \
	static int get_##fn(struct br_req *r, const void *in, struct br_err *err)                                  \
	{                                                                                                          \
		(void)in;                                                                                          \
		return reply_value(r, name, dflt, err);                                                            \
	}                                                                                                          \
	static int set_##fn(struct br_req *r, const void *in, struct br_err *err)                                  \
	{                                                                                                          \
		const struct value_in *p = in;                                                                     \
		int rc = keep_value(r, name, p->value, err);                                                       \
		return rc < 0 ? rc : reply_value(r, name, dflt, err);                                              \
	}                                                                                                          \
	static const struct br_field fn##_in[] = {                                                                 \
		{ name, BR_FAT_STR(struct value_in, value), .flags = BR_REQUIRED, .choices = values }, BR_FIELD_END, \
	};                                                                                                         \
	static const struct br_field fn##_out[] = { { name, MUST(STR), .choices = values }, BR_FIELD_END };        \
	static const struct br_shape fn##_shape = { type, fn##_out, 0 };
GLOBAL(storage, "storage_provider", "supabase", "supabase|s3|local|none", "BeyondStorage")
GLOBAL(db, "db_type", "cloud", "cloud|local", "BeyondDbType")

static const short known[] = { 404, 0 }, usage[] = { 400, 0 };
static const struct br_route rows[] = {
	{ "GET", SETTINGS "/api-keys", "beyond_provider_keys", "Keys of providers, masked", "global settings", BR_LEVEL_USER, .out = &keys_shape, .run = list_keys },
	{ "PUT", SETTINGS "/api-keys", "beyond_set_provider_keys", "Set keys of providers", "global settings", BR_LEVEL_USER, .body = BR_BODY_JSON,
	  .in = keys_in, .in_size = sizeof(struct keys_in), .out = &keys_shape, .flags = BR_ROUTE_SLOW, .run = set_keys },
	{ "DELETE", SETTINGS "/api-keys/{key_name}", "beyond_delete_provider_key", "Go back to the server's key", "global settings", BR_LEVEL_USER,
	  .out = &dropped_shape, .fails = known, .flags = BR_ROUTE_SLOW, .run = drop_key },
	{ "POST", SETTINGS "/api-keys/test", "beyond_test_provider_key", "Try a key", "global settings", BR_LEVEL_USER, .body = BR_BODY_JSON, .in = test_in,
	  .in_size = sizeof(struct test_in), .out = &test_shape, .flags = BR_ROUTE_SLOW, .run = test_key },
	{ "GET", SETTINGS "/storage", "beyond_storage", "Where files are kept", "global settings", BR_LEVEL_USER, .out = &storage_shape, .run = get_storage },
	{ "PUT", SETTINGS "/storage", "beyond_set_storage", "Where files are kept", "global settings", BR_LEVEL_USER, .body = BR_BODY_JSON,
	  .in = storage_in, .in_size = sizeof(struct value_in), .out = &storage_shape, .fails = usage, .flags = BR_ROUTE_SLOW, .run = set_storage },
	{ "GET", SETTINGS "/db-type", "beyond_db_type", "Kind of database", "global settings", BR_LEVEL_USER, .out = &db_shape, .run = get_db },
	{ "PUT", SETTINGS "/db-type", "beyond_set_db_type", "Kind of database", "global settings", BR_LEVEL_USER, .body = BR_BODY_JSON, .in = db_in,
	  .in_size = sizeof(struct value_in), .out = &db_shape, .fails = usage, .flags = BR_ROUTE_SLOW, .run = set_db },
};
const struct br_routes br_beyond__global_rows = { rows, BR_COUNT(rows) };
