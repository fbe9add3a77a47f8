/* G1 to G8: settings of the whole server: keys of providers, storage, kind of database. Keys are shown masked. */
#include "beyond.h"

#include <stdio.h>
#include <stdlib.h>

#define SETTINGS "/api/settings"

/* ---- G1 to G4: keys of providers ---- */

static const struct { const char *name, *env; } slots[] = {
	{ "openrouter_api_key", "OPENROUTER_API_KEY" }, { "openai_api_key", "OPENAI_API_KEY" }, { "mistral_api_key", "MISTRAL_API_KEY" },
};

static bool is_slot(const char *name)
{
	for (size_t i = 0; i < BR_COUNT(slots); i++)
		if (!strcmp(slots[i].name, name))
			return true;
	return false;
}

static const char *mask(struct br_req *r, const char *key)
{
	size_t n = strlen(key);

	return n < 12 ? "...****" : br_arena_printf(br_req_arena(r), "%.3s...****%s", key, key + n - 4);
}

static int reply_keys(struct br_req *r, struct br_err *err)
{
	const char *own[BR_COUNT(slots)], *rec;
	struct br_json *j;
	int rc = 0;

	for (size_t i = 0; i < BR_COUNT(slots) && rc == 0; i++) {
		rc = br_keep_get(&rec, br_req_arena(r), br_req_ws(r), 0, BR_KEEP_SETTING, slots[i].name, err);
		own[i] = br_keep_member(br_req_arena(r), rec, "value");
	}
	if (rc < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_key(j, "keys");
	br_json_arr(j);
	for (size_t i = 0; i < BR_COUNT(slots); i++) {
		const char *env = getenv(slots[i].env), *key = own[i] ? own[i] : env && *env ? env : NULL;
		br_json_obj(j);
		br_json_kstr(j, "key_name", slots[i].name);
		br_json_kbool(j, "is_set", key != NULL);
		br_json_kstr(j, "source", own[i] ? "user" : key ? "server" : "none");
		br_json_kstr(j, "masked_value", key ? mask(r, key) : NULL);
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

static int keep_value(struct br_req *r, const char *name, const char *value, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(64 << 10);
	struct br_json j;
	int rc;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "value", value);
	br_json_end(&j);
	rc = br_keep_put(br_req_ws(r), 0, BR_KEEP_SETTING, name, b.ptr, err);
	br_wipe(b.ptr, b.len);
	br_buf_release(&b);
	return BR_MIN(rc, 0);
}

struct keys_in { const struct br_jval *keys; };
static const struct br_field keys_in[] = {
	{ "keys", BR_FAT_OBJ(struct keys_in, keys), .flags = BR_REQUIRED, .help = "key by name; names that are not known are ignored" }, BR_FIELD_END,
};

static int set_keys(struct br_req *r, const void *in, struct br_err *err)
{
	const struct keys_in *p = in;
	int rc = 0;

	for (const struct br_jval *m = br_jval_first(p->keys); m && rc == 0; m = br_jval_next(m)) {
		const char *value = br_jval_str(m);
		if (!is_slot(br_jval_key(m)) || !value || !*value)
			continue;
		rc = strlen(value) > 1000 ? br_req_fail(r, 422, err, BR_EUSAGE, "A key is longer than 1000 characters") :
			keep_value(r, br_jval_key(m), value, err);
	}
	return rc < 0 ? rc : reply_keys(r, err);
}

static int drop_key(struct br_req *r, const void *in, struct br_err *err)
{
	const char *name = br_req_param(r, "key_name");
	struct br_json *j;
	int rc;

	(void)in;
	if (!is_slot(name))
		return br_fail(err, BR_ENOTFOUND, "Unknown key '%.60s'", name);
	if ((rc = br_keep_put(br_req_ws(r), 0, BR_KEEP_SETTING, name, NULL, err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kbool(j, "deleted", true);
	br_json_kstr(j, "key_name", name);
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

/* Providers are not asked from here, so no key is called valid. */
static int test_key(struct br_req *r, const void *in, struct br_err *err)
{
	const struct test_in *p = in;
	struct br_json *j = br_reply(r, 0);

	(void)err;
	br_json_obj(j);
	br_json_kbool(j, "valid", false);
	br_json_kstr(j, "message", is_slot(p->name) ? "This server does not ask providers about keys; the key was not tried." : "There is no such key.");
	br_json_end(j);
	return 0;
}
static const struct br_field test_out[] = { { "valid", MUST(BOOL) }, { "message", MUST(STR) }, BR_FIELD_END };
static const struct br_shape test_shape = { "BeyondProviderKeyTest", test_out, 0 };

/* ---- G5 to G8 ---- */

static int reply_value(struct br_req *r, const char *name, const char *dflt, struct br_err *err)
{
	const char *rec, *value;
	struct br_json *j;
	int rc = br_keep_get(&rec, br_req_arena(r), br_req_ws(r), 0, BR_KEEP_SETTING, name, err);

	if (rc < 0)
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
	  .in_size = sizeof(struct test_in), .out = &test_shape, .run = test_key },
	{ "GET", SETTINGS "/storage", "beyond_storage", "Where files are kept", "global settings", BR_LEVEL_USER, .out = &storage_shape, .run = get_storage },
	{ "PUT", SETTINGS "/storage", "beyond_set_storage", "Where files are kept", "global settings", BR_LEVEL_USER, .body = BR_BODY_JSON,
	  .in = storage_in, .in_size = sizeof(struct value_in), .out = &storage_shape, .fails = usage, .flags = BR_ROUTE_SLOW, .run = set_storage },
	{ "GET", SETTINGS "/db-type", "beyond_db_type", "Kind of database", "global settings", BR_LEVEL_USER, .out = &db_shape, .run = get_db },
	{ "PUT", SETTINGS "/db-type", "beyond_set_db_type", "Kind of database", "global settings", BR_LEVEL_USER, .body = BR_BODY_JSON, .in = db_in,
	  .in_size = sizeof(struct value_in), .out = &db_shape, .fails = usage, .flags = BR_ROUTE_SLOW, .run = set_db },
};
const struct br_routes br_beyond__global_rows = { rows, BR_COUNT(rows) };
