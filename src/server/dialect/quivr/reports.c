/* What a synchronisation elsewhere has done: told once at its end (br sync --remote), and passed on as the event sync.completed. */
#include "quivr.h"

struct report_in { const char *source; int64_t added, updated, deleted, failed; };
#define COUNT(name) { #name, BR_FAT_INT(struct report_in, name), .min = 0, .max = 1e9, .dflt = "0" }
static const struct br_field report_in[] = {
	{ "source", BR_FAT_STR(struct report_in, source), .max = 200 }, COUNT(added), COUNT(updated), COUNT(deleted), COUNT(failed), BR_FIELD_END,
};
static const struct br_field report_out[] = {
	{ "knowledge_base_id", MUST(STR) }, { "source", MAY_NULL(STR) }, { "added", MUST(INT) }, { "updated", MUST(INT) }, { "deleted", MUST(INT) },
	{ "failed", MUST(INT) }, BR_FIELD_END,
};
static const struct br_shape report_shape = { "QuivrSyncReport", report_out, 0 };

static void write_report(struct br_json *j, const struct report_in *p, const char *kb, bool event)
{
	br_json_obj(j);
	if (event)
		br_json_kstr(j, "kb_id", kb);
	br_json_kstr(j, "knowledge_base_id", kb);
	br_json_kstr(j, "source", p->source);
	br_json_kint(j, "added", p->added);
	br_json_kint(j, "updated", p->updated);
	br_json_kint(j, "deleted", p->deleted);
	br_json_kint(j, "failed", p->failed);
	br_json_end(j);
}

static int report(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(64 << 10);
	struct br_json j;
	struct br_nb *nb;
	int rc = br_quivr__kb(&nb, r, br_req_param(r, "id"), err);

	if (rc < 0)
		return rc;
	br_json_init(&j, &b, false);
	write_report(&j, in, nb->id, true);
	br_quivr__event(r, BR_HOOK_SYNC_COMPLETED, nb->id, br_buf_slice(&b));
	br_buf_release(&b);
	write_report(br_reply(r, 0), in, nb->id, false);
	return 0;
}

static const short fails[] = { 400, 404, 0 };
static const struct br_route rows[] = {
	{ "POST", KB "/syncs/completed", "quivr_sync_completed", "Tell that a synchronisation has ended", "syncs", BR_LEVEL_KEY, .scopes = "documents:write",
	  .rate = "key", .body = BR_BODY_JSON, .in = report_in, .in_size = sizeof(struct report_in), .out = &report_shape, .ok = 201, .fails = fails,
	  .run = report },
};
const struct br_routes br_quivr__reports_rows = { rows, BR_COUNT(rows) };
