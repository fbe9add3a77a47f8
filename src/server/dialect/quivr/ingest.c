/*
 * Uploads: indexed when the answer is written. A document's identity is its file_path, else its file name; what happens when it is there
 * already is the client's to say (deduplicate).
 */
#include "quivr.h"

#include "br/net.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

/* ---- one document on its way ---- */

struct upload {
	struct br_req *r;
	struct br_nb *nb;
	const char *path, *filename;   /* identity, and the name as uploaded */
	const char *file;              /* where its bytes are */
	const char *metadata;          /* JSON object */
	struct br_chunk_opts chunking;
	bool deduplicate;
	uint8_t sha[32];
	struct br_doc *old, *doc;      /* old: of the same identity; doc: what it became */
	const char *status;            /* "created", "updated", "unchanged", "existing" */
	int64_t began;
};

static int existing(struct upload *u, struct br_txn *t, struct br_err *err)
{
	int rc = br_doc_at(&u->old, br_req_arena(u->r), t, u->nb->nb, u->path, err);

	if (rc == 0 && u->old->state != BR_DOC_INDEXED && u->old->state != BR_DOC_CONTAINER)
		u->old = NULL; /* one that could not be read is no document yet */
	return rc == -BR_ENOTFOUND ? 0 : rc;
}

struct same { struct upload *u; char id[37]; };

static int is_same(const struct br_doc *d, void *arg)
{
	struct same *s = arg;

	if (d->state != BR_DOC_INDEXED || d->origin == BR_FROM_MEMBER || memcmp(d->sha, s->u->sha, sizeof d->sha))
		return 0;
	memcpy(s->id, d->id, sizeof s->id);
	return 1;
}

/* The same bytes under another name. */
static int find_copy(struct upload *u, struct br_txn *t, struct br_err *err)
{
	struct same s = { u, "" };
	int rc = br_doc_each(t, u->nb->nb, is_same, &s, err);

	return rc > 0 ? br_doc_find(&u->doc, br_req_arena(u->r), t, br_req_ws(u->r), u->nb->nb, s.id, err) : rc;
}

static int take_stored(struct upload *u, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, br_req_ws(u->r)->store, err);

	if (rc < 0)
		return rc;
	rc = br_doc_at(&u->doc, br_req_arena(u->r), t, u->nb->nb, u->path, err);
	br_txn_end(t);
	return rc;
}

/* What is wrong with the bytes is the client's; all else is ours. */
static int failed(struct upload *u, int rc, struct br_err *err)
{
	char why[sizeof err->msg];

	if (rc != -BR_EINPUT && rc != -BR_EUNSUPPORTED && rc != -BR_EUSAGE)
		return rc;
	memcpy(why, err->msg, sizeof why);
	br_quivr__failure_event(u->r, u->nb, u->path, why);
	return br_quivr__bad(u->r, err, "file", "'%s': %s", u->filename, why);
}

static int put(struct upload *u, struct br_err *err)
{
	const struct br_put p = { .path = u->path, .file = u->file, .meta = u->metadata, .chunking = &u->chunking };
	int rc = u->old ? br_quivr__keep_version(u->r, u->nb, u->old, err) : 0;

	if (rc < 0 || (rc = br_put_upload(br_req_ws(u->r), u->nb->id, &p, err)) < 0)
		return failed(u, rc, err);
	if ((rc = take_stored(u, err)) < 0)
		return rc;
	u->status = u->old ? "updated" : "created";
	br_quivr__doc_event(u->r, u->old ? BR_HOOK_DOCUMENT_UPDATED : BR_HOOK_DOCUMENT_UPLOADED, u->nb, u->doc, u->old ? u->old->chunks : 0);
	return 0;
}

static int conflict(struct upload *u, struct br_err *err)
{
	return br_quivr__conflict(u->r, err, "document", u->old->id, "file", "Document '%s' exists already; send deduplicate=true to update it", u->path);
}

static int keep_old(struct upload *u, const char *status)
{
	u->status = status;
	return 0;
}

/* Same identity, same bytes: what is said of it is replaced, and nothing else. */
static int unchanged(struct upload *u, struct br_err *err)
{
	int rc = strcmp(u->old->meta[0] ? u->old->meta : "{}", u->metadata) ? br_doc_set_meta(br_req_ws(u->r), u->nb->nb, u->old->doc, u->metadata, err) : 0;

	return rc < 0 || (rc = take_stored(u, err)) < 0 ? rc : keep_old(u, "unchanged");
}

static int decide(struct upload *u, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, br_req_ws(u->r)->store, err);

	if (rc < 0)
		return rc;
	if ((rc = existing(u, t, err)) == 0 && !u->old && u->deduplicate)
		rc = find_copy(u, t, err);
	br_txn_end(t);
	if (rc < 0)
		return rc;
	if (u->old && !u->deduplicate)
		return conflict(u, err);
	if (u->old && !memcmp(u->old->sha, u->sha, sizeof u->sha))
		return unchanged(u, err);
	return u->doc ? keep_old(u, "existing") : put(u, err);
}

/* ---- what a form or a body says ---- */

struct common { const char *kb, *metadata, *path; int64_t size, overlap; bool deduplicate; };

static int hash_file(uint8_t sha[32], const char *file, struct br_err *err)
{
	struct br_map m;
	int rc = br_map_file(&m, file, err);

	if (rc == 0)
		br_sha256(sha, m.ptr, m.len);
	br_unmap(&m);
	return rc;
}

static const char *const endings[] = {
	"pdf", "docx", "doc", "odt", "rtf", "txt", "text", "md", "markdown", "mdx", "rst", "adoc", "asciidoc", "org", "tex", "log",
	"html", "htm", "xhtml", "xml", "epub", "pptx", "ppt", "odp", "xlsx", "xls", "ods", "csv", "tsv", "json", "jsonl", "ndjson", "ipynb",
	"eml", "srt", "vtt", "png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp",
	"c", "h", "cc", "cpp", "hpp", "cs", "go", "java", "js", "jsx", "ts", "tsx", "py", "rb", "rs", "php", "swift", "kt", "scala", "sh", "bash",
	"sql", "pl", "r", "lua", "m", "dart", "ex", "exs", "erl", "hs", "ml", "clj", "vue", "svelte", "css", "scss", "yaml", "yml", "toml", "ini",
	"cfg", "conf", "env", "properties", "proto", "graphql", "tf", "gradle", "cmake", "mk", "dockerfile", "diff", "patch",
};

static bool is_allowed(const char *name)
{
	const char *ext = br_path_ext(name);

	for (size_t i = 0; *ext && i < BR_COUNT(endings); i++)
		if (!strcasecmp(endings[i], ext))
			return true;
	return !*ext; /* README, Makefile */
}

/* Of the three escapes that clients put into a file name, the quote; line ends become blanks. */
static const char *plain_name(struct br_arena *a, const char *name)
{
	char *out = br_arena_strdup(a, name), *to = out;

	for (const char *p = out; *p; p++) {
		if (p[0] == '%' && p[1] == '2' && p[2] == '2') {
			*to++ = '"';
			p += 2;
		} else if (p[0] == '%' && p[1] == '0' && (p[2] == 'D' || p[2] == 'd' || p[2] == 'A' || p[2] == 'a')) {
			*to++ = ' ';
			p += 2;
		} else {
			*to++ = *p;
		}
	}
	*to = 0;
	return out;
}

/* A path within a repository: relative, without steps upwards. NULL: it is none. */
static const char *plain_path(struct br_arena *a, const char *path)
{
	char *out = br_arena_alloc(a, strlen(path) + 1), *to = out;

	for (const char *p = path; *p;) {
		size_t n = strcspn(p, "/\\");

		if ((n == 2 && !strncmp(p, "..", 2)) || br_utf8_valid(p, n) != n)
			return NULL;
		if (n && !(n == 1 && *p == '.')) {
			if (to != out)
				*to++ = '/';
			memcpy(to, p, n);
			to += n;
		}
		p += n + (p[n] != 0);
	}
	*to = 0;
	for (const char *p = out; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return NULL;
	return *out && strlen(out) <= BR_MAX_PATH ? out : NULL;
}

/* ---- metadata against the knowledge base's schema ---- */

static bool is_date(const struct br_jval *v)
{
	int64_t t;

	return br_jval_str(v) && br_time_parse(&t, br_jval_str(v)) == 0;
}

static bool has_type(const struct br_jval *v, const char *type)
{
	static const struct { const char *name; enum br_jtype type; } types[] = {
		{ "string", BR_J_STR }, { "text", BR_J_STR }, { "number", BR_J_NUM }, { "float", BR_J_NUM }, { "integer", BR_J_NUM }, { "int", BR_J_NUM },
		{ "boolean", BR_J_BOOL }, { "bool", BR_J_BOOL }, { "array", BR_J_ARR }, { "list", BR_J_ARR }, { "object", BR_J_OBJ },
	};
	double num;

	if (!strcmp(type, "date") || !strcmp(type, "datetime"))
		return is_date(v);
	for (size_t i = 0; i < BR_COUNT(types); i++)
		if (!strcmp(type, types[i].name))
			return br_jval_type(v) == types[i].type && (type[0] != 'i' || (br_jval_num(&num, v) && num == (double)(int64_t)num));
	return true;
}

static bool is_one_of(const struct br_jval *v, const struct br_jval *list)
{
	const char *s = br_jval_str(v);
	double x, y;

	for (const struct br_jval *e = br_jval_first(list); e; e = br_jval_next(e))
		if ((s && br_jval_str(e) && !strcmp(s, br_jval_str(e))) || (br_jval_num(&x, v) && br_jval_num(&y, e) && x == y))
			return true;
	return !br_jval_first(list);
}

static const char *violation(const struct br_jval *v, const struct br_jval *rule)
{
	const char *type = br_jval_str(br_jval_get(rule, "type"));
	const struct br_jval *list = br_jval_get(rule, "enum");
	bool required = false;

	br_jval_bool(&required, br_jval_get(rule, "required"));
	if (!v || br_jval_type(v) == BR_J_NULL)
		return required ? "is required by the knowledge base" : NULL;
	if (type && !has_type(v, type))
		return "has another type than the knowledge base wants";
	return list && !is_one_of(v, list) ? "is none of the values that the knowledge base allows" : NULL;
}

static int check_schema(struct br_req *r, const struct br_nb *nb, const struct br_jval *metadata, struct br_err *err)
{
	struct br_nb_values *v = br_nb_values_new(nb);
	int rc = 0;

	for (const struct br_jval *f = br_jval_first(br_nb_json(v, "ingest.metadata_schema")); f && rc == 0; f = br_jval_next(f)) {
		const char *what = violation(br_jval_get(metadata, br_jval_key(f)), f), *name = br_jval_key(f);
		if (what)
			rc = br_quivr__bad(r, err, br_arena_printf(br_req_arena(r), "metadata.%s", name), "metadata.%s %s", name, what);
	}
	br_nb_values_free(v);
	return rc;
}

/* Canonical text of an object; NULL stands for none. */
static int take_metadata(const char **out, struct br_req *r, const struct br_nb *nb, const struct br_jval *root, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_META);
	struct br_json j;
	int rc;

	*out = "{}";
	if (root && br_jval_type(root) != BR_J_OBJ)
		return br_quivr__bad(r, err, "metadata", "metadata must be a JSON object");
	if ((rc = check_schema(r, nb, root, err)) < 0 || !root)
		return rc;
	br_json_init(&j, &b, false);
	br_jval_write(&j, root);
	if (b.failed)
		rc = br_quivr__bad(r, err, "metadata", "metadata has more than %u bytes", BR_MAX_META);
	else
		*out = br_arena_strdup(br_req_arena(r), b.ptr);
	br_buf_release(&b);
	return rc;
}

static int parse_metadata(const char **out, struct br_req *r, const struct br_nb *nb, const char *text, struct br_err *err)
{
	struct br_jdoc *doc = NULL;
	int rc;

	if (text && *text && br_jdoc_parse(&doc, br_slice_str(text), "metadata", err) < 0)
		return br_quivr__bad(r, err, "metadata", "metadata must be a JSON object, as text");
	rc = take_metadata(out, r, nb, doc ? br_jdoc_root(doc) : NULL, err);
	br_jdoc_free(doc);
	return rc;
}

static int take_sizes(struct br_chunk_opts *out, struct br_req *r, const struct br_nb *nb, const struct common *c, struct br_err *err)
{
	bool has_overlap = c->overlap >= 0;

	*out = nb->chunking;
	if (c->size)
		out->size = (uint32_t)c->size;
	if (has_overlap)
		out->overlap = (uint32_t)c->overlap;
	else if (out->overlap >= out->size)
		out->overlap = out->size / 5;
	if (out->overlap >= out->size)
		return br_quivr__bad(r, err, "chunk_overlap", "chunk_overlap must be smaller than chunk_size");
	if (has_overlap && out->overlap)
		out->how = BR_CHUNK_RECURSIVE; /* the one that knows overlaps */
	return 0;
}

static int check_room(struct br_req *r, const struct br_nb *nb, struct br_err *err)
{
	struct br_nb_values *v = br_nb_values_new(nb);
	bool archived = br_nb_bool(v, "archived");
	int64_t most = br_nb_int(v, "retention.max_documents");
	double gb = br_nb_num(v, "retention.max_storage_gb");

	br_nb_values_free(v);
	if (archived)
		return br_quivr__conflict(r, err, "knowledge_base", nb->id, "knowledge_base_id", "This knowledge base is archived");
	if ((most && nb->docs >= most) || (gb > 0 && (double)nb->source_bytes >= gb * 1073741824.0))
		return br_quivr__conflict(r, err, "knowledge_base", nb->id, "retention_policy", "This knowledge base is full: its retention policy allows no more");
	return 0;
}

/* ---- answers ---- */

static void write_done(struct br_json *j, struct upload *u, struct br_txn *t)
{
	br_json_obj(j);
	br_quivr__doc_members(j, t, u->nb, u->doc, u->status);
	br_json_kint(j, "processing_time_ms", (br_mono_ns() - u->began) / 1000000);
	br_json_end(j);
}
#define INGEST_OUT { "id", MUST(STR) }, { "document_id", MUST(STR) }, { "chunk_count", MUST(INT) }, { "filename", MUST(STR) }, \
	{ "knowledge_base_id", MUST(STR) }, { "status", MUST(STR) }, { "content_hash", MUST(STR) }, { "metadata", MUST(OBJ) }, \
	{ "page_count", MAY_NULL(INT) }, { "created_at", MAY_NULL(STR), .format = "date-time" }
static const struct br_field done_out[] = { INGEST_OUT, { "processing_time_ms", MUST(NUM) }, BR_FIELD_END };
static const struct br_shape done_shape = { "QuivrIngested", done_out, 0 };

static int describe(struct br_buf *out, struct upload *u, struct br_err *err)
{
	struct br_json j;
	struct br_txn *t;
	int rc = br_txn_read(&t, br_req_ws(u->r)->store, err);

	if (rc < 0)
		return rc;
	br_json_init(&j, out, false);
	write_done(&j, u, t);
	br_txn_end(t);
	return br_buf_check(out, "the answer", err);
}

static const char *hex(struct br_arena *a, const uint8_t sha[32])
{
	char *out = br_arena_alloc(a, 65);

	br_hex(out, sha, 32);
	return out;
}

/* The one who sends the same twice and did not get the first answer gets it now. */
static int once(struct upload *u, struct br_err *err)
{
	struct br_arena *a = br_req_arena(u->r);
	const char *key = br_req_header(u->r, "Idempotency-Key"), *who = br_req_who(u->r)->key_id;
	const char *place = br_arena_printf(a, "%s\n%s", u->nb->id, u->path);
	const char *what = br_arena_printf(a, "%s\n%s\n%s\n%d %u %u\n%s", who, place, hex(a, u->sha), u->deduplicate, u->chunking.size, u->chunking.overlap,
	                                   u->metadata);
	struct br_slice named = key ? br_slice_str(br_arena_printf(a, "%s\n%s\n%s", who, u->nb->id, key)) : br_slice("", 0);
	struct br_quivr_flight *f = br_quivr__enter(br_slice_str(place), br_slice_str(what));
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_quivr_said said;
	int status, rc = br_quivr__said(&said, f, a, named);

	if (rc > 0) {
		br_json_raw(br_reply(u->r, said.status), said.json, strlen(said.json));
	} else if (rc < 0) {
		rc = br_quivr__conflict(u->r, err, "document", u->path, "Idempotency-Key", "This Idempotency-Key was used for another request");
	} else if ((rc = decide(u, err)) == 0 && (rc = describe(&b, u, err)) == 0) {
		status = !strcmp(u->status, "created") ? 201 : 200;
		br_quivr__say(f, named, status, br_buf_slice(&b), !br_req_gone(u->r));
		br_json_raw(br_reply(u->r, status), b.ptr, b.len);
	}
	br_quivr__leave(f);
	br_buf_release(&b);
	return BR_MIN(rc, 0);
}

/* ---- POST /ingest ---- */

#define COMMON_FIELDS(where) \
	{ "knowledge_base_id", BR_FAT_STR(struct common, kb), .in = where, .flags = BR_REQUIRED, .min = 1, .max = 200 }, \
	{ "chunk_size", BR_FAT_INT(struct common, size), .in = where, .min = 10, .max = 100000, .help = "characters; the knowledge base's" }, \
	{ "chunk_overlap", BR_FAT_INT(struct common, overlap), .in = where, .min = -1, .max = 99999, .dflt = "-1" }, \
	{ "deduplicate", BR_FAT_BOOL(struct common, deduplicate), .in = where, .help = "update what is there already" }, \
	{ "file_path", BR_FAT_STR(struct common, path), .in = where, .max = 1000, .help = "identity of the document; its file name" }

static const struct br_field ingest_in[] = {
	COMMON_FIELDS(BR_IN_FORM), { "metadata", BR_FAT_STR(struct common, metadata), .in = BR_IN_FORM, .help = "JSON object as text" },
	{ "file", BR_F_FILE, 0, .in = BR_IN_FORM, .flags = BR_REQUIRED }, BR_FIELD_END,
};

static int take_name(struct upload *u, const struct common *c, const char *filename, struct br_err *err)
{
	struct br_arena *a = br_req_arena(u->r);

	u->filename = plain_name(a, filename);
	u->path = c->path && *c->path ? plain_path(a, c->path) : u->filename;
	if (!u->path)
		return br_quivr__bad(u->r, err, "file_path", "file_path must be a relative path within a repository");
	if (!*u->filename || !is_allowed(u->filename))
		return br_quivr__bad(u->r, err, "file", "'%s': files of this type are not accepted", u->filename);
	return 0;
}

static int take_common(struct upload *u, const struct common *c, struct br_err *err)
{
	u->deduplicate = c->deduplicate;
	u->began = br_mono_ns();
	return take_sizes(&u->chunking, u->r, u->nb, c, err);
}

static struct br_part *file_part(struct br_req *r, size_t *at, const char *name)
{
	struct br_part *p;

	while ((p = br_req_part(r, (*at)++)))
		if (p->path && !strcmp(p->name, name))
			return p;
	return NULL;
}

static int ingest(struct br_req *r, const void *in, struct br_err *err)
{
	const struct common *c = in;
	struct upload u = { .r = r };
	size_t at = 0;
	struct br_part *p = file_part(r, &at, "file");
	int rc = br_quivr__kb(&u.nb, r, c->kb, err);

	if (rc < 0 || (rc = take_name(&u, c, p->filename, err)) < 0 || (rc = take_common(&u, c, err)) < 0 ||
	    (rc = parse_metadata(&u.metadata, r, u.nb, c->metadata, err)) < 0 || (rc = check_room(r, u.nb, err)) < 0 ||
	    (rc = hash_file(u.sha, p->path, err)) < 0)
		return rc;
	u.file = p->path;
	return once(&u, err);
}

/* ---- POST /ingest/text ---- */

struct text_in { struct common c; const char *content, *filename, *type; const struct br_jval *metadata; };
static const struct br_field text_in[] = {
	COMMON_FIELDS(BR_IN_BODY), { "content", BR_FAT_STR(struct text_in, content), .flags = BR_REQUIRED, .min = 1 },
	{ "filename", BR_FAT_STR(struct text_in, filename), .max = 255, .dflt = "text.txt" },
	{ "file_type", BR_FAT_STR(struct text_in, type), .max = 100, .help = "an ending, or a media type" },
	{ "metadata", BR_FAT_OBJ(struct text_in, metadata) }, BR_FIELD_END,
};
_Static_assert(offsetof(struct text_in, c) == 0, "the common fields are those of the beginning");

static const char *ending(const char *type)
{
	static const struct { const char *type, *ext; } known[] = {
		{ "text/markdown", "md" }, { "markdown", "md" }, { "text/plain", "txt" }, { "text", "txt" }, { "plain", "txt" }, { "text/html", "html" },
		{ "text/csv", "csv" }, { "application/json", "json" }, { "text/x-rst", "rst" },
	};

	for (size_t i = 0; i < BR_COUNT(known); i++)
		if (!strcasecmp(type, known[i].type))
			return known[i].ext;
	return type[*type == '.'] && !strchr(type, '/') ? type + (*type == '.') : "txt";
}

static int text_file(char **path, struct br_req *r, const char *text, struct br_err *err)
{
	char *tmp = br_path_join(br_req_ws(r)->dir, "tmp");
	int fd = br_tmp_open(path, tmp, 0600, err), rc = BR_MIN(fd, 0);

	free(tmp);
	if (fd >= 0 && br_fd_write(fd, text, strlen(text)) < 0)
		rc = br_fail_errno(err, BR_EIO, "cannot write a text to be indexed");
	if (fd >= 0)
		close(fd);
	return rc;
}

static int ingest_text(struct br_req *r, const void *in, struct br_err *err)
{
	const struct text_in *p = in;
	const char *name = br_path_base(p->filename);
	struct upload u = { .r = r };
	char *file = NULL;
	int rc = br_quivr__kb(&u.nb, r, p->c.kb, err);

	if (p->type && !*br_path_ext(name))
		name = br_arena_printf(br_req_arena(r), "%s.%s", name, ending(p->type));
	if (rc < 0 || (rc = take_name(&u, &p->c, name, err)) < 0 || (rc = take_common(&u, &p->c, err)) < 0 ||
	    (rc = take_metadata(&u.metadata, r, u.nb, p->metadata, err)) < 0 || (rc = check_room(r, u.nb, err)) < 0)
		return rc;
	br_sha256(u.sha, p->content, strlen(p->content));
	if ((rc = text_file(&file, r, p->content, err)) == 0) {
		u.file = file;
		rc = once(&u, err);
	}
	if (file)
		unlink(file);
	free(file);
	return rc;
}

/* ---- POST /ingest/url ---- */

struct url_in { struct common c; const char *url; const struct br_jval *metadata; };
static const struct br_field url_in[] = {
	COMMON_FIELDS(BR_IN_BODY), { "url", BR_FAT_STR(struct url_in, url), .flags = BR_REQUIRED, .min = 1, .max = 4000, .format = "uri" },
	{ "metadata", BR_FAT_OBJ(struct url_in, metadata) }, BR_FIELD_END,
};

struct fetched { char why[400]; };

static void on_fetch(const struct br_event *e, void *arg)
{
	struct fetched *f = arg;

	if (e->action == BR_ACT_FAIL || e->action == BR_ACT_SKIP)
		snprintf(f->why, sizeof f->why, "%s", e->reason ? e->reason : "no text");
}

/* A page that could not be had leaves nothing behind. */
static int drop_failed(struct upload *u, struct br_err *err)
{
	struct br_doc *d;
	struct br_txn *t;
	int rc = br_txn_read(&t, br_req_ws(u->r)->store, err);

	if (rc < 0)
		return rc;
	rc = br_doc_at(&d, br_req_arena(u->r), t, u->nb->nb, u->path, NULL);
	br_txn_end(t);
	if (rc == 0 && d->state != BR_DOC_INDEXED)
		rc = br_doc_remove(br_req_ws(u->r), u->nb->nb, &d->doc, 1, err);
	return rc == -BR_ENOTFOUND ? 0 : rc;
}

static int fetch(struct upload *u, struct br_err *err)
{
	struct fetched f = { "" };
	const struct br_ingest_opts opts = { .notebook = u->nb->id, .meta = u->metadata, .chunking = &u->chunking, .force = true, .event = on_fetch, .arg = &f };
	struct br_ingest_stats stats;
	int rc = br_ingest(&stats, br_req_ws(u->r), &u->path, 1, &opts, err), dropped;

	if (rc < 0 && !f.why[0])
		snprintf(f.why, sizeof f.why, "%s", err->msg);
	if (!f.why[0])
		return rc;
	if ((dropped = drop_failed(u, err)) < 0)
		return dropped;
	br_quivr__failure_event(u->r, u->nb, u->path, f.why);
	return br_quivr__bad(u->r, err, "url", "'%.200s': %s", u->path, f.why);
}

static int fetch_and_tell(struct upload *u, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, br_req_ws(u->r)->store, err);

	if (rc < 0)
		return rc;
	rc = existing(u, t, err);
	br_txn_end(t);
	if (rc < 0 || (u->old && !u->deduplicate))
		return rc < 0 ? rc : conflict(u, err);
	if ((rc = fetch(u, err)) < 0 || (rc = take_stored(u, err)) < 0)
		return rc;
	u->status = u->old ? "updated" : "created";
	br_quivr__doc_event(u->r, u->old ? BR_HOOK_DOCUMENT_UPDATED : BR_HOOK_DOCUMENT_UPLOADED, u->nb, u->doc, u->old ? u->old->chunks : 0);
	return 0;
}

static int ingest_url(struct br_req *r, const void *in, struct br_err *err)
{
	const struct url_in *p = in;
	struct upload u = { .r = r };
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_url url = { 0 };
	int rc = br_quivr__kb(&u.nb, r, p->c.kb, err);

	if (rc < 0 || (rc = take_common(&u, &p->c, err)) < 0 || (rc = take_metadata(&u.metadata, r, u.nb, p->metadata, err)) < 0 ||
	    (rc = check_room(r, u.nb, err)) < 0)
		return rc;
	if (br_url_parse(&url, NULL, br_slice_str(p->url), err) < 0)
		return br_quivr__bad(r, err, "url", "url must be an address that begins with http:// or https://");
	u.path = br_arena_strdup(br_req_arena(r), url.text);
	br_url_release(&url);
	if ((rc = fetch_and_tell(&u, err)) == 0 && (rc = describe(&b, &u, err)) == 0)
		br_json_raw(br_reply(r, u.old ? 200 : 201), b.ptr, b.len);
	br_buf_release(&b);
	return rc;
}

/* ---- POST /ingest/batch ---- */

struct batch_in { struct common c; const char *on_error; };
static const struct br_field batch_in[] = {
	COMMON_FIELDS(BR_IN_FORM), { "metadata", BR_FAT_STR(struct common, metadata), .in = BR_IN_FORM, .help = "JSON object as text, for every file" },
	{ "on_error", BR_FAT_STR(struct batch_in, on_error), .in = BR_IN_FORM, .choices = "continue|abort", .dflt = "abort" },
	{ "files", BR_F_FILE, 0, .in = BR_IN_FORM, .flags = BR_REQUIRED, .help = "one part for each file" }, BR_FIELD_END,
};

struct batch { unsigned good, bad, skipped; struct br_json j; };

static void list_file(struct batch *b, const char *filename, const char *status, const struct upload *u, const char *why, const char *field)
{
	struct br_json *j = &b->j;

	br_json_obj(j);
	br_json_kstr(j, "filename", filename);
	br_json_kstr(j, "status", status);
	br_json_kuint(j, "chunk_count", u && u->doc ? u->doc->chunks : 0);
	br_json_kstr(j, "document_id", u && u->doc ? u->doc->id : NULL);
	br_json_key(j, "error");
	if (why) {
		br_json_obj(j);
		br_json_kstr(j, "message", why);
		br_json_kstr(j, "field", field);
		br_json_end(j);
	} else {
		br_json_null(j);
	}
	br_json_end(j);
}

/* One file of several: the place is taken while it is worked on, its failure is its own. */
static int one_of_batch(struct batch *b, struct upload *u, const struct batch_in *in, struct br_part *p)
{
	struct common c = in->c;
	struct br_quivr_flight *f = NULL;
	struct br_err err = { 0 };
	const char *place;
	int rc;

	c.path = NULL;
	u->file = p->path;
	if ((rc = take_name(u, &c, p->filename, &err)) == 0 && (rc = hash_file(u->sha, p->path, &err)) == 0) {
		place = br_arena_printf(br_req_arena(u->r), "%s\n%s", u->nb->id, u->path);
		f = br_quivr__enter(br_slice_str(place), br_slice("", 0));
		rc = decide(u, &err);
		br_quivr__leave(f);
	}
	if (rc == 0) {
		bool left = !strcmp(u->status, "unchanged") || !strcmp(u->status, "existing");
		++*(left ? &b->skipped : &b->good);
		list_file(b, u->filename, left ? "skipped" : "success", u, NULL, NULL);
		return 0;
	}
	b->bad++;
	list_file(b, u->filename ? u->filename : p->filename, "failed", NULL, err.msg, br_quivr__caller(u->r)->why.field);
	br_req_forget(u->r);
	br_quivr__caller(u->r)->why = (struct br_quivr_why){ 0 };
	return rc;
}

static void all_of_batch(struct batch *b, const struct upload *common, const struct batch_in *in)
{
	bool stop = false;
	struct br_part *p;
	size_t at = 0;

	while ((p = file_part(common->r, &at, "files"))) {
		struct upload u = *common;

		u.began = br_mono_ns();
		if (!stop) {
			stop = one_of_batch(b, &u, in, p) < 0 && !strcmp(in->on_error, "abort");
			continue;
		}
		b->skipped++;
		list_file(b, p->filename, "skipped", NULL, NULL, NULL);
	}
}

static int ingest_batch(struct br_req *r, const void *in, struct br_err *err)
{
	const struct batch_in *p = in;
	struct upload u = { .r = r };
	struct br_buf text = BR_BUF_INIT(16 << 20);
	struct batch b = { 0 };
	struct br_json *j;
	int rc = br_quivr__kb(&u.nb, r, p->c.kb, err);

	if (rc < 0 || (rc = take_common(&u, &p->c, err)) < 0 || (rc = parse_metadata(&u.metadata, r, u.nb, p->c.metadata, err)) < 0 ||
	    (rc = check_room(r, u.nb, err)) < 0)
		return rc;
	br_json_init(&b.j, &text, false);
	br_json_arr(&b.j);
	all_of_batch(&b, &u, p);
	br_json_end(&b.j);
	j = br_reply(r, 200);
	br_json_obj(j);
	br_json_kuint(j, "successful", b.good);
	br_json_kuint(j, "failed", b.bad);
	br_json_kuint(j, "skipped", b.skipped);
	br_json_key(j, "documents");
	br_json_raw(j, text.ptr, text.len);
	br_json_end(j);
	br_buf_release(&text);
	return 0;
}
static const struct br_field file_out[] = {
	{ "filename", MUST(STR) }, { "status", MUST(STR), .choices = "success|failed|skipped" }, { "chunk_count", MUST(INT) },
	{ "document_id", MAY_NULL(STR) }, { "error", MAY_NULL(OBJ) }, BR_FIELD_END,
};
static const struct br_shape file_shape = { "QuivrBatchFile", file_out, 0 };
static const struct br_field batch_out[] = {
	{ "successful", MUST(INT) }, { "failed", MUST(INT) }, { "skipped", MUST(INT) }, { "documents", MUST(ARR), .shape = &file_shape }, BR_FIELD_END,
};
static const struct br_shape batch_shape = { "QuivrBatch", batch_out, 0 };

static const short fails[] = { 200, 400, 404, 409, 503, 0 };
static const struct br_route rows[] = {
	{ "POST", API "/ingest", "quivr_ingest", "Index a document; it can be found when the answer comes", "ingest", BR_LEVEL_KEY, .scopes = "documents:write",
	  .rate = "key", .body = BR_BODY_FORM, .in = ingest_in, .in_size = sizeof(struct common), .out = &done_shape, .ok = 201, .fails = fails,
	  .flags = BR_ROUTE_SLOW, .run = ingest },
	{ "POST", API "/ingest/batch", "quivr_ingest_batch", "Index several documents", "ingest", BR_LEVEL_KEY, .scopes = "documents:write", .rate = "key",
	  .body = BR_BODY_FORM, .in = batch_in, .in_size = sizeof(struct batch_in), .out = &batch_shape, .fails = fails, .flags = BR_ROUTE_SLOW,
	  .run = ingest_batch },
	{ "POST", API "/ingest/text", "quivr_ingest_text", "Index a text", "ingest", BR_LEVEL_KEY, .scopes = "documents:write", .rate = "key",
	  .body = BR_BODY_JSON, .body_max = 32u << 20, .in = text_in, .in_size = sizeof(struct text_in), .out = &done_shape, .ok = 201, .fails = fails,
	  .flags = BR_ROUTE_SLOW, .run = ingest_text },
	{ "POST", API "/ingest/url", "quivr_ingest_url", "Fetch and index a page", "ingest", BR_LEVEL_KEY, .scopes = "documents:write", .rate = "key",
	  .body = BR_BODY_JSON, .in = url_in, .in_size = sizeof(struct url_in), .out = &done_shape, .ok = 201, .fails = fails, .flags = BR_ROUTE_SLOW,
	  .run = ingest_url },
};
const struct br_routes br_quivr__ingest_rows = { rows, BR_COUNT(rows) };
