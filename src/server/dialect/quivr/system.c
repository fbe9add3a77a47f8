/* Whether the server lives and can read its workspace: the only routes without a key. */
#include "quivr.h"

static bool is_healthy(struct br_req *r)
{
	struct br_txn *t;
	struct br_nb *nb;
	int rc;

	if (br_req_draining(r) || br_txn_read(&t, br_req_ws(r)->store, NULL) < 0)
		return false;
	rc = br_nb_get(&nb, br_req_arena(r), t, NULL, NULL);
	br_txn_end(t);
	return rc == 0 || rc == -BR_ENOTFOUND;
}

static int health(struct br_req *r, const void *in, struct br_err *err)
{
	bool healthy = is_healthy(r);
	struct br_server_load load;
	struct br_json *j = br_reply(r, healthy ? 200 : 503);

	(void)in;
	(void)err;
	br_server_load(&load, br_req_server(r));
	br_json_obj(j);
	br_json_kstr(j, "status", healthy ? "ok" : "unavailable");
	br_json_knum(j, "avg_response_time", load.average_ms, 3);
	br_json_knum(j, "error_rate", load.error_percent, 3);
	br_json_kuint(j, "active_connections", load.connections);
	br_json_end(j);
	return 0;
}

static const struct br_field health_out[] = {
	{ "status", MUST(STR), .choices = "ok|unavailable" }, { "avg_response_time", MUST(NUM), .help = "milliseconds" },
	{ "error_rate", MUST(NUM), .help = "percent" }, { "active_connections", MUST(INT) }, BR_FIELD_END,
};
static const struct br_shape health_shape = { "QuivrHealth", health_out, 0 };

static const short fails[] = { 503, 0 };
static const struct br_route rows[] = {
	{ "GET", API "/health", "quivr_health", "The server lives", "system", BR_LEVEL_OPEN, .out = &health_shape, .fails = fails, .run = health },
	{ "GET", "/health", "quivr_root_health", "The server lives", "system", BR_LEVEL_OPEN, .out = &health_shape, .fails = fails, .run = health },
};
const struct br_routes br_quivr__system_rows = { rows, BR_COUNT(rows) };
