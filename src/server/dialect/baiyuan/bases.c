/* Knowledge bases: list, create, delete. */
#include "baiyuan.h"

#include <stdlib.h>

#define KBS API "/knowledge-bases"

static const struct br_field meta_out[] = { BR_FIELD_END };
static const struct br_shape meta_shape = { NULL, meta_out, 0 };
static const struct br_field kb_out[] = {
	{ "id", MUST(STR) }, { "name", MUST(STR) }, { "description", MUST(STR) }, { "metadata", MUST(OBJ), .shape = &meta_shape }, { "is_default", MUST(BOOL) },
	{ "wiki_enabled", MUST(BOOL) }, { "document_count", MUST(INT) }, { "wiki_page_count", MUST(INT) }, { "created_at", MUST(STR), .format = "date-time" },
	BR_FIELD_END,
};
static const struct br_shape kb_shape = { "BaiyuanKnowledgeBase", kb_out, 0 };

static int pages_of(uint64_t *n, struct br_ws *ws, const struct br_kb *k, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, ws->store, err);

	if (rc < 0)
		return rc;
	rc = br_wiki_count(n, t, k->nb, err);
	br_txn_end(t);
	return rc;
}

static void write_kb(struct br_json *j, const struct br_kb *k, uint64_t pages)
{
	br_json_obj(j);
	br_json_kstr(j, "id", k->id);
	br_json_kstr(j, "name", k->name);
	br_json_kstr(j, "description", k->description);
	br_json_key(j, "metadata");
	br_json_raw(j, k->metadata, strlen(k->metadata));
	br_json_kbool(j, "is_default", k->is_default);
	br_json_kbool(j, "wiki_enabled", k->wiki_enabled);
	br_json_kuint(j, "document_count", k->docs);
	br_json_kuint(j, "wiki_page_count", pages);
	br_baiyuan__time(j, "created_at", k->created);
	br_json_end(j);
}

static int list(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_kbs all = { 0 };
	struct br_json *j;
	uint64_t *pages;
	int rc = br_kb_list(&all, br_req_arena(r), br_req_ws(r), br_baiyuan__tenant(r), err);

	(void)in;
	pages = br_arena_zalloc(br_req_arena(r), (all.v.n + 1) * sizeof *pages);
	for (size_t i = 0; i < all.v.n && rc == 0; i++)
		rc = pages_of(&pages[i], br_req_ws(r), &all.v.v[i], err);
	if (rc == 0) {
		j = br_reply(r, 0);
		br_json_arr(j);
		for (size_t i = 0; i < all.v.n; i++)
			write_kb(j, &all.v.v[i], pages[i]);
		br_json_end(j);
	}
	br_vec_release(&all.v);
	return rc;
}

struct create_in { const char *name, *description; const struct br_jval *metadata; bool is_default, wiki_enabled; };
static const struct br_field create_in[] = {
	{ "name", BR_FAT_STR(struct create_in, name), .flags = BR_REQUIRED, .min = 1, .max = 200 },
	{ "metadata", BR_FAT_OBJ(struct create_in, metadata), .shape = &meta_shape, .help = "kept and given back as it is" },
	{ "description", BR_FAT_STR(struct create_in, description), .max = 4000 },
	{ "is_default", BR_FAT_BOOL(struct create_in, is_default), .help = "the first one is in any case" },
	{ "wiki_enabled", BR_FAT_BOOL(struct create_in, wiki_enabled), .dflt = "true" }, BR_FIELD_END,
};

static int create(struct br_req *r, const void *in, struct br_err *err)
{
	const struct create_in *p = in;
	struct br_buf meta = BR_BUF_INIT(BR_MAX_SETTING);
	struct br_kb_spec spec = { .name = p->name, .description = p->description, .is_default = br_req_given(r, "is_default") ? p->is_default : -1,
		.wiki_enabled = br_req_given(r, "wiki_enabled") ? p->wiki_enabled : -1 };
	struct br_json j;
	struct br_kb k;
	int rc = 0;

	if (!p->name[strspn(p->name, " \t\r\n")])
		return br_fail(err, BR_EUSAGE, "name is missing");
	if (p->metadata) {
		br_json_init(&j, &meta, false);
		br_jval_write(&j, p->metadata);
		spec.metadata = meta.ptr;
		rc = br_buf_check(&meta, "metadata", err);
	}
	if (rc == 0 && (rc = br_kb_create(&k, br_req_arena(r), br_req_ws(r), br_baiyuan__tenant(r), &spec, err)) == 0)
		write_kb(br_reply(r, 0), &k, 0);
	br_buf_release(&meta);
	return rc;
}

static int drop(struct br_req *r, const void *in, struct br_err *err)
{
	const char *id = br_req_param(r, "id");
	struct br_json *j;
	int rc = br_tenancy_kb_delete(br_baiyuan__tenancy(r), br_baiyuan__tenant(r), id, err);

	(void)in;
	if (rc < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "id", id);
	br_json_kbool(j, "deleted", true);
	br_json_end(j);
	return 0;
}
static const struct br_field drop_out[] = { { "id", MUST(STR) }, { "deleted", MUST(BOOL) }, BR_FIELD_END };
static const struct br_shape drop_shape = { "BaiyuanDeleted", drop_out, 0 };

static const short none[] = { 0 }, create_fails[] = { 400, 0 }, drop_fails[] = { 404, 0 };
static const struct br_route rows[] = {
	{ "GET", KBS, "baiyuan_kb_list", "Knowledge bases of the tenant", "knowledge bases", BR_LEVEL_KEY, .scopes = "kb:read", .rate = "tenant", .out = &kb_shape,
	  .fails = none, .flags = BR_ROUTE_LIST, .run = list },
	{ "POST", KBS, "baiyuan_kb_create", "Make one", "knowledge bases", BR_LEVEL_KEY, .scopes = "kb:write", .rate = "tenant", .body = BR_BODY_JSON, .in = create_in,
	  .in_size = sizeof(struct create_in), .out = &kb_shape, .ok = 201, .fails = create_fails, .run = create },
	{ "DELETE", KBS "/{id}", "baiyuan_kb_delete", "Delete one with all that is in it", "knowledge bases", BR_LEVEL_KEY, .scopes = "kb:write", .rate = "tenant",
	  .out = &drop_shape, .fails = drop_fails, .flags = BR_ROUTE_SLOW, .run = drop },
};
const struct br_routes br_baiyuan__bases_rows = { rows, BR_COUNT(rows) };
