/* Documents: taken at once and worked on later; asked for, tried again, deleted. */
#include "baiyuan.h"

#include "br/net.h"
#include "br/os.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#define DOCS API "/documents"
enum { FILE_MAX = 50 << 20, TEXT_MAX = 16 << 20 };

/* ---- the document object ---- */

static const struct br_field doc_out[] = {
	{ "id", MUST(STR) }, { "document_id", MUST(STR) }, { "knowledge_base_id", MUST(STR) }, { "title", MUST(STR) },
	{ "doc_type", MUST(STR), .choices = "text|url|file|scraped|auto_push|api" },
	{ "status", MUST(STR), .choices = "uploaded|extracting|chunking|embedding|ready|re_embedding|failed|deleted" }, { "source_uri", MAY_NULL(STR) },
	{ "file_name", MAY_NULL(STR) }, { "file_size", MUST(INT) }, { "char_count", MUST(INT) }, { "chunk_count", MUST(INT) }, { "error", MAY_NULL(STR) },
	{ "source_hash", MAY_NULL(STR) }, { "external_id", MAY_NULL(STR) }, { "version", MUST(INT) }, { "attempts", MUST(INT) }, { "dead_letter", MUST(BOOL) },
	{ "created_at", MUST(STR), .format = "date-time" }, { "ingested_at", MAY_NULL(STR), .format = "date-time" },
	{ "ready_at", MAY_NULL(STR), .format = "date-time" }, { "deleted_at", MAY_NULL(STR), .format = "date-time" },
	{ "history", BR_FOUT(ARR), .help = "when it came into each state" }, { "duplicate", BR_FOUT(BOOL) }, BR_FIELD_END,
};
static const struct br_shape doc_shape = { "BaiyuanDocument", doc_out, 0 };

static void write_members(struct br_json *j, const struct br_tdoc *d)
{
	br_json_kstr(j, "id", d->id);
	br_json_kstr(j, "document_id", d->id);
	br_json_kstr(j, "knowledge_base_id", d->kb);
	br_json_kstr(j, "title", d->title);
	br_json_kstr(j, "doc_type", d->doc_type);
	br_json_kstr(j, "status", br_tdoc_status_name(d->status));
	br_baiyuan__or_null(j, "source_uri", d->source_uri);
	br_baiyuan__or_null(j, "file_name", d->file_name);
	br_json_kint(j, "file_size", d->file_size);
	br_json_kint(j, "char_count", d->char_count);
	br_json_kint(j, "chunk_count", d->chunk_count);
	br_baiyuan__or_null(j, "error", d->error);
	br_baiyuan__or_null(j, "source_hash", d->source_hash);
	br_baiyuan__or_null(j, "external_id", d->external_id);
	br_json_kint(j, "version", d->version);
	br_json_kint(j, "attempts", d->attempts);
	br_json_kbool(j, "dead_letter", d->dead);
	br_baiyuan__time(j, "created_at", d->created);
	br_baiyuan__time(j, "ingested_at", d->ingested);
	br_baiyuan__time(j, "ready_at", d->ready);
	br_baiyuan__time(j, "deleted_at", d->deleted);
}

static void write_whole(struct br_json *j, const struct br_tdoc *d)
{
	br_json_obj(j);
	write_members(j, d);
	br_json_key(j, "history");
	br_json_raw(j, d->history, strlen(d->history));
	br_json_end(j);
}

/* ---- adding ---- */

static int add(struct br_req *r, const struct br_tdoc_spec *spec, struct br_err *err)
{
	struct br_json *j;
	struct br_tdoc d;
	bool duplicate;
	int rc = br_tdoc_add(&d, &duplicate, br_req_arena(r), br_baiyuan__tenancy(r), br_baiyuan__tenant(r), spec, err);

	if (rc < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	write_members(j, &d);
	br_json_kbool(j, "duplicate", duplicate);
	br_json_end(j);
	return 0;
}

struct text_in { const char *kb, *kb_id, *title, *content; };
static const struct br_field text_in[] = {
	{ "knowledge_base_id", BR_FAT_STR(struct text_in, kb), .max = 100, .help = "the tenant's default one without it" },
	{ "kb_id", BR_FAT_STR(struct text_in, kb_id), .max = 100 },
	{ "title", BR_FAT_STR(struct text_in, title), .max = 500 },
	{ "content", BR_FAT_STR(struct text_in, content), .flags = BR_REQUIRED, .min = 1 }, BR_FIELD_END,
};

static bool is_blank(const char *s) { return !s || !s[strspn(s, " \t\r\n")]; }

static int text(struct br_req *r, const void *in, struct br_err *err)
{
	const struct text_in *p = in;
	const struct br_tdoc_spec spec = { .kb = br_baiyuan__kb(p->kb, p->kb_id), .title = p->title, .doc_type = "text", .bytes = br_slice_str(p->content) };

	return is_blank(p->content) ? br_fail(err, BR_EUSAGE, "content is missing") : add(r, &spec, err);
}

/* ---- the web ---- */

/* Addresses that are spelt out and must not be reached are refused at once; names are looked at when they are. */
static int check_url(struct br_req *r, const char *url, struct br_err *err)
{
	struct br_net_rules rules;
	struct br_addr addr;
	struct br_url u;
	int rc = 0;

	if (br_url_parse(&u, NULL, br_slice_str(url), NULL) < 0)
		return br_fail(err, BR_EUSAGE, "'%.200s' is not an address of the web", url);
	br_net_rules(&rules, br_req_ws(r)->config);
	if (!strcmp(u.host, "localhost") && !rules.allow_private && !rules.allow)
		rc = br_fail(err, BR_EUSAGE, "'%.200s' may not be reached", url);
	if (rc == 0 && br_addr_parse(&addr, u.host) && !br_net_permits(&rules, u.host, &addr))
		rc = br_fail(err, BR_EUSAGE, "'%.200s' may not be reached", url);
	br_url_release(&u);
	return rc;
}

struct url_in { const char *kb, *kb_id, *title, *url; bool recursive; };
static const struct br_field url_in[] = {
	{ "url", BR_FAT_STR(struct url_in, url), .flags = BR_REQUIRED, .min = 1, .max = 4000 },
	{ "recursive", BR_FAT_BOOL(struct url_in, recursive), .dflt = "false", .help = "also the pages that it leads to" },
	{ "knowledge_base_id", BR_FAT_STR(struct url_in, kb), .max = 100 }, { "kb_id", BR_FAT_STR(struct url_in, kb_id), .max = 100 },
	{ "title", BR_FAT_STR(struct url_in, title), .max = 500 }, BR_FIELD_END,
};

static int url(struct br_req *r, const void *in, struct br_err *err)
{
	const struct url_in *p = in;
	const struct br_tdoc_spec spec = { .kb = br_baiyuan__kb(p->kb, p->kb_id), .title = p->title, .doc_type = p->recursive ? "scraped" : "url", .url = p->url,
		.max_depth = p->recursive, .max_pages = p->recursive ? 500 : 0, .robots = true };
	int rc = check_url(r, p->url, err);

	return rc < 0 ? rc : add(r, &spec, err);
}

struct scrape_in { const char *kb, *kb_id, *url; int64_t depth, pages; bool robots; };
static const struct br_field scrape_in[] = {
	{ "root_url", BR_FAT_STR(struct scrape_in, url), .flags = BR_REQUIRED, .min = 1, .max = 4000 },
	{ "max_depth", BR_FAT_INT(struct scrape_in, depth), .min = 0, .max = 20, .dflt = "3" },
	{ "max_pages", BR_FAT_INT(struct scrape_in, pages), .min = 1, .max = 5000, .dflt = "500" },
	{ "respect_robots", BR_FAT_BOOL(struct scrape_in, robots), .dflt = "true" },
	{ "knowledge_base_id", BR_FAT_STR(struct scrape_in, kb), .max = 100 }, { "kb_id", BR_FAT_STR(struct scrape_in, kb_id), .max = 100 }, BR_FIELD_END,
};

static int scrape(struct br_req *r, const void *in, struct br_err *err)
{
	const struct scrape_in *p = in;
	const struct br_tdoc_spec spec = { .kb = br_baiyuan__kb(p->kb, p->kb_id), .doc_type = "scraped", .url = p->url, .max_depth = p->depth, .max_pages = p->pages,
		.robots = p->robots };
	int rc = check_url(r, p->url, err);

	return rc < 0 ? rc : add(r, &spec, err);
}

/* ---- files ---- */

static bool is_supported(const char *name)
{
	static const char *const types[] = { "pdf", "doc", "docx", "ppt", "pptx", "xls", "xlsx", "txt", "md", "html", "htm", "markdown", "csv", "tsv", "rtf", "odt", "ods",
		"odp", "epub", "eml", "json", "rst", "adoc", "ipynb", "xhtml" };

	for (size_t i = 0; i < BR_COUNT(types); i++)
		if (!strcasecmp(types[i], br_path_ext(name)))
			return true;
	return false;
}

struct file_in { const char *kb, *kb_id, *title; };
static const struct br_field file_in[] = {
	{ "file", BR_F_FILE, 0, .in = BR_IN_FORM, .flags = BR_REQUIRED },
	{ "knowledge_base_id", BR_FAT_STR(struct file_in, kb), .in = BR_IN_FORM, .max = 100 }, { "kb_id", BR_FAT_STR(struct file_in, kb_id), .in = BR_IN_FORM, .max = 100 },
	{ "title", BR_FAT_STR(struct file_in, title), .in = BR_IN_FORM, .max = 500 }, BR_FIELD_END,
};

static struct br_part *file_part(struct br_req *r)
{
	struct br_part *p;

	for (size_t i = 0; (p = br_req_part(r, i)); i++)
		if (p->path && !strcmp(p->name, "file"))
			return p;
	return NULL;
}

static int file(struct br_req *r, const void *in, struct br_err *err)
{
	const struct file_in *p = in;
	struct br_part *part = file_part(r);
	struct br_tdoc_spec spec = { .kb = br_baiyuan__kb(p->kb, p->kb_id), .title = p->title, .doc_type = "file" };
	struct br_map m;
	int rc;

	if (!part || !part->filename || !*part->filename)
		return br_fail(err, BR_EUSAGE, "file is missing");
	if (!is_supported(part->filename))
		return br_fail(err, BR_EUNSUPPORTED, "'%.200s': this type of file is not supported", part->filename);
	if (!part->size)
		return br_fail(err, BR_EUSAGE, "the file is empty");
	spec.file_name = part->filename;
	if ((rc = br_map_file(&m, part->path, err)) < 0)
		return rc;
	spec.bytes = br_slice(m.ptr, m.len);
	rc = add(r, &spec, err);
	br_unmap(&m);
	return rc;
}

/* ---- push ---- */

struct push_in { const char *external_id, *kb, *kb_id, *title, *content; int64_t version; };
static const struct br_field push_in[] = {
	{ "external_id", BR_FAT_STR(struct push_in, external_id), .max = 1000 }, { "kb_id", BR_FAT_STR(struct push_in, kb_id), .max = 100 },
	{ "knowledge_base_id", BR_FAT_STR(struct push_in, kb), .max = 100 }, { "title", BR_FAT_STR(struct push_in, title), .max = 500 },
	{ "content", BR_FAT_STR(struct push_in, content) },
	{ "version", BR_FAT_INT(struct push_in, version), .min = 0, .dflt = "1", .help = "a higher one replaces what there is" }, BR_FIELD_END,
};

static int check_signature(struct br_req *r, struct br_err *err)
{
	const char *given = br_req_header(r, "X-Webhook-Signature");
	struct br_slice body = br_req_body(r);
	struct br_tenant t;
	char want[65], got[65] = "";
	int rc = br_tenant_find(&t, br_req_arena(r), br_req_ws(r), br_baiyuan__tenant(r), err);

	if (rc < 0)
		return rc;
	if (given && !strncasecmp(given, "sha256=", 7))
		given += 7;
	br_tenant_sign(want, t.secret, body);
	for (size_t i = 0; given && i < 64 && given[i]; i++)
		got[i] = (char)tolower((unsigned char)given[i]);
	if (!given || strlen(given) != 64 || !*t.secret || !br_secret_equal(want, got, 64))
		return br_fail(err, BR_EAUTH, "invalid signature");
	return 0;
}

static int push(struct br_req *r, const void *in, struct br_err *err)
{
	const struct push_in *p = in;
	const struct br_tdoc_spec spec = { .kb = br_baiyuan__kb(p->kb, p->kb_id), .title = p->title, .doc_type = "auto_push", .bytes = br_slice_str(p->content),
		.external_id = p->external_id, .version = p->version };
	int rc = check_signature(r, err);

	if (rc < 0)
		return rc;
	if (is_blank(p->external_id) || is_blank(p->content))
		return br_fail(err, BR_EUSAGE, "%s is missing", is_blank(p->content) ? "content" : "external_id");
	return add(r, &spec, err);
}

/* ---- list, get, retry, delete ---- */

struct list_in { const char *kb, *kb_id, *status; int64_t limit, offset; };
static const struct br_field list_in[] = {
	{ "knowledge_base_id", BR_FAT_STR(struct list_in, kb), .in = BR_IN_QUERY, .max = 100 }, { "kb_id", BR_FAT_STR(struct list_in, kb_id), .in = BR_IN_QUERY, .max = 100 },
	{ "status", BR_FAT_STR(struct list_in, status), .in = BR_IN_QUERY, .choices = "uploaded|extracting|chunking|embedding|ready|re_embedding|failed|deleted" },
	{ "limit", BR_FAT_INT(struct list_in, limit), .in = BR_IN_QUERY, .min = 1, .max = 1000, .dflt = "100" },
	{ "offset", BR_FAT_INT(struct list_in, offset), .in = BR_IN_QUERY, .min = 0, .max = 1e9, .dflt = "0" }, BR_FIELD_END,
};

static int list(struct br_req *r, const void *in, struct br_err *err)
{
	const struct list_in *p = in;
	const struct br_tdoc_query q = { br_baiyuan__kb(p->kb, p->kb_id), p->status, (size_t)p->limit, (size_t)p->offset };
	struct br_tdocs all = { 0 };
	struct br_json *j;
	int rc = br_tdoc_list(&all, br_req_arena(r), br_baiyuan__tenancy(r), br_baiyuan__tenant(r), &q, err);

	if (rc == 0) {
		br_reply_header(r, "X-Total-Count", br_arena_printf(br_req_arena(r), "%zu", all.total));
		j = br_reply(r, 0);
		br_json_arr(j);
		for (size_t i = 0; i < all.v.n; i++) {
			br_json_obj(j);
			write_members(j, &all.v.v[i]);
			br_json_end(j);
		}
		br_json_end(j);
	}
	br_vec_release(&all.v);
	return rc;
}

static int get(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_tdoc d;
	int rc = br_tdoc_get(&d, br_req_arena(r), br_baiyuan__tenancy(r), br_baiyuan__tenant(r), br_req_param(r, "id"), err);

	(void)in;
	if (rc == 0)
		write_whole(br_reply(r, 0), &d);
	return rc;
}

static int retry(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_tdoc d;
	int rc = br_tdoc_retry(&d, br_req_arena(r), br_baiyuan__tenancy(r), br_baiyuan__tenant(r), br_req_param(r, "id"), err);

	(void)in;
	if (rc == 0)
		write_whole(br_reply(r, 0), &d);
	return rc;
}

static int drop(struct br_req *r, const void *in, struct br_err *err)
{
	const char *id = br_req_param(r, "id");
	struct br_json *j;
	int rc = br_tdoc_delete(br_baiyuan__tenancy(r), br_baiyuan__tenant(r), id, err);

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
static const struct br_shape drop_shape = { "BaiyuanDocumentDeleted", drop_out, 0 };

#define POSTS(what, table, fn) BR_LEVEL_KEY, .scopes = "documents:write", .rate = "tenant", .in = table, .in_size = sizeof(what), .out = &doc_shape, .ok = 202, \
	.fails = add_fails, .run = fn
static const short add_fails[] = { 400, 404, 413, 415, 0 }, none[] = { 400, 404, 0 }, get_fails[] = { 404, 0 }, retry_fails[] = { 404, 409, 0 };
static const struct br_route rows[] = {
	{ "GET", DOCS, "baiyuan_documents", "Documents, newest first", "documents", BR_LEVEL_KEY, .scopes = "kb:read", .rate = "tenant", .in = list_in,
	  .in_size = sizeof(struct list_in), .out = &doc_shape, .fails = none, .flags = BR_ROUTE_LIST, .run = list },
	{ "POST", DOCS "/text", "baiyuan_add_text", "Add a text", "documents", POSTS(struct text_in, text_in, text), .body = BR_BODY_JSON, .body_max = TEXT_MAX },
	{ "POST", DOCS "/url", "baiyuan_add_url", "Add a page of the web", "documents", POSTS(struct url_in, url_in, url), .body = BR_BODY_JSON },
	{ "POST", DOCS "/scrape", "baiyuan_scrape", "Add the pages of a site", "documents", POSTS(struct scrape_in, scrape_in, scrape), .body = BR_BODY_JSON },
	{ "POST", DOCS "/file", "baiyuan_add_file", "Add a file", "documents", POSTS(struct file_in, file_in, file), .body = BR_BODY_FORM, .body_max = FILE_MAX,
	  .flags = BR_ROUTE_SLOW },
	{ "POST", DOCS "/push", "baiyuan_push", "Add or replace a text by an id of one's own, signed", "documents", POSTS(struct push_in, push_in, push),
	  .body = BR_BODY_JSON, .body_max = TEXT_MAX },
	{ "GET", DOCS "/{id}", "baiyuan_document", "How far a document is", "documents", BR_LEVEL_KEY, .scopes = "kb:read", .rate = "tenant", .out = &doc_shape,
	  .fails = get_fails, .run = get },
	{ "POST", DOCS "/{id}/retry", "baiyuan_retry", "Try a failed document again, or make the vectors of another anew", "documents", BR_LEVEL_KEY,
	  .scopes = "documents:write", .rate = "tenant", .out = &doc_shape, .ok = 202, .fails = retry_fails, .run = retry },
	{ "DELETE", DOCS "/{id}", "baiyuan_document_delete", "Delete a document; what it says is gone at once", "documents", BR_LEVEL_KEY, .scopes = "documents:write",
	  .rate = "tenant", .out = &drop_shape, .fails = get_fails, .flags = BR_ROUTE_SLOW, .run = drop },
};
const struct br_routes br_baiyuan__documents_rows = { rows, BR_COUNT(rows) };
