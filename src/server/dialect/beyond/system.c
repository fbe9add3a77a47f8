/* S1, S2: whether the server lives, and how one identifies oneself. */
#include "beyond.h"

static int health(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_json *j = br_reply(r, 0);

	(void)in;
	(void)err;
	br_json_obj(j);
	br_json_kstr(j, "status", "ok");
	br_json_end(j);
	return 0;
}

static int auth_config(struct br_req *r, const void *in, struct br_err *err)
{
	const struct br_config *c = br_req_ws(r)->config;
	bool required = br_server_opts(br_req_server(r))->idp != NULL;
	const char *key = required ? br_config_get(c, "auth.publishable_key", NULL) : NULL;
	struct br_json *j;
	char why[200];

	(void)in;
	if (required && br_idp_problem(why, sizeof why, c))
		return br_req_fail(r, 500, err, BR_EUSAGE, "The server asks for tokens, but is not told whose");
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kbool(j, "auth_required", required);
	br_json_kstr(j, "clerk_publishable_key", key ? key : "");
	br_json_end(j);
	return 0;
}

static const struct br_field health_out[] = { { "status", MUST(STR) }, BR_FIELD_END };
static const struct br_shape health_shape = { "BeyondHealth", health_out, 0 };
static const struct br_field config_out[] = { { "auth_required", MUST(BOOL) }, { "clerk_publishable_key", MUST(STR) }, BR_FIELD_END };
static const struct br_shape config_shape = { "BeyondAuthConfig", config_out, 0 };

static const struct br_route rows[] = {
	{ "GET", "/api/health", "beyond_health", "The server lives", "system", BR_LEVEL_OPEN, .out = &health_shape,
	  .flags = BR_ROUTE_INLINE | BR_ROUTE_BARE, .run = health },
	{ "GET", "/api/auth/config", "beyond_auth_config", "How to identify oneself", "system", BR_LEVEL_OPEN, .out = &config_shape,
	  .flags = BR_ROUTE_INLINE, .run = auth_config },
};
const struct br_routes br_beyond__system_rows = { rows, BR_COUNT(rows) };
