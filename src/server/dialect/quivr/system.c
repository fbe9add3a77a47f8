/* Whether the server lives: the only routes without a key. */
#include "quivr.h"

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

static const struct br_field health_out[] = { { "status", MUST(STR), .choices = "ok|unavailable" }, BR_FIELD_END };
static const struct br_shape health_shape = { "QuivrHealth", health_out, 0 };

static const struct br_route rows[] = {
	{ "GET", API "/health", "quivr_health", "The server lives", "system", BR_LEVEL_OPEN, .out = &health_shape, .flags = BR_ROUTE_INLINE, .run = health },
	{ "GET", "/health", "quivr_root_health", "The server lives", "system", BR_LEVEL_OPEN, .out = &health_shape, .flags = BR_ROUTE_INLINE, .run = health },
};
const struct br_routes br_quivr__system_rows = { rows, BR_COUNT(rows) };
