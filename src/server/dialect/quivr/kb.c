/*
 * Knowledge bases are notebooks. What clients configure becomes settings of the notebook; the objects they sent are kept as they came,
 * to be given back.
 */
#include "quivr.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the object ---- */

struct whole { struct br_req *r; struct br_txn *t; };

static int64_t updated(const struct br_nb *nb) { return nb->updated ? nb->updated : nb->created; }

static void write_sizes(struct br_json *j, const struct br_nb *nb, const struct br_nb_values *v)
{
	br_json_key(j, "chunking_config");
	br_json_obj(j);
	br_json_kstr(j, "strategy", nb->chunking.how == BR_CHUNK_RECURSIVE ? "recursive" : "heading");
	br_json_kuint(j, "chunk_size", nb->chunking.size);
	br_json_kuint(j, "chunk_overlap", nb->chunking.overlap);
	br_json_key(j, "heading_patterns");
	br_nb_value_write(j, v, br_nb_setting_find("ingest.heading_patterns"));
	br_json_end(j);
	br_json_key(j, "retention_policy");
	br_json_obj(j);
	br_json_kint(j, "max_documents", br_nb_int(v, "retention.max_documents"));
	br_json_knum(j, "max_storage_gb", br_nb_num(v, "retention.max_storage_gb"), 6);
	br_json_kint(j, "auto_archive_after_days", br_nb_int(v, "retention.archive_after_days"));
	br_json_end(j);
}

/* As the client sent them; else what there is. */
static void write_embedding(struct br_json *j, const struct br_nb *nb, const char *kept)
{
	struct br_jdoc *doc = NULL;
	const struct br_jval *sent = kept && br_jdoc_parse(&doc, br_slice_str(kept), "", NULL) == 0 ? br_jval_get(br_jdoc_root(doc), "embedding_config") : NULL;

	br_json_key(j, "embedding_config");
	if (sent && br_jval_type(sent) == BR_J_OBJ) {
		br_jval_write(j, sent);
	} else {
		br_json_obj(j);
		br_json_kstr(j, "model", nb->model_id[0] ? nb->model_id : "builtin");
		br_json_kuint(j, "dimensions", nb->dim);
		br_json_kstr(j, "provider", "br");
		br_json_end(j);
	}
	br_jdoc_free(doc);
}

/* Members of every form; kept: the record, or NULL. */
static void write_members(struct br_json *j, const struct br_nb *nb, const char *kept)
{
	struct br_nb_values *v = br_nb_values_new(nb);
	struct br_arena a = { 0 };

	br_json_kstr(j, "id", nb->id);
	br_json_kstr(j, "name", nb->name);
	br_json_kstr(j, "description", br_nb_str(v, "description"));
	br_json_key(j, "tags");
	br_nb_value_write(j, v, br_nb_setting_find("tags"));
	br_json_kstr(j, "status", br_nb_bool(v, "archived") ? "archived" : "active");
	br_json_kuint(j, "document_count", nb->docs);
	br_json_kuint(j, "chunk_count", nb->chunks);
	br_json_knum(j, "storage_mb", (double)nb->source_bytes / 1048576, 3);
	br_quivr__time(j, "created_at", nb->created);
	br_quivr__time(j, "updated_at", updated(nb));
	br_quivr__time(j, "last_updated", updated(nb));
	br_json_kstr(j, "created_by", kept ? br_keep_member(&a, kept, "creator") : NULL);
	br_json_key(j, "metadata_schema");
	br_nb_value_write(j, v, br_nb_setting_find("ingest.metadata_schema"));
	write_embedding(j, nb, kept);
	write_sizes(j, nb, v);
	br_nb_values_free(v);
	br_arena_release(&a);
}
#define KB_OUT { "id", MUST(STR) }, { "name", MUST(STR) }, { "description", MUST(STR) }, { "tags", MUST(ARR) }, \
	{ "status", MUST(STR), .choices = "active|archived" }, { "document_count", MUST(INT) }, { "chunk_count", MUST(INT) }, { "storage_mb", MUST(NUM) }, \
	{ "created_at", MAY_NULL(STR), .format = "date-time" }, { "updated_at", MAY_NULL(STR), .format = "date-time" }, \
	{ "last_updated", MAY_NULL(STR), .format = "date-time" }, { "created_by", MAY_NULL(STR) }, { "metadata_schema", MUST(OBJ) }, \
	{ "embedding_config", MUST(OBJ) }, { "chunking_config", MUST(OBJ) }, { "retention_policy", MUST(OBJ) }
static const struct br_field kb_out[] = { KB_OUT, BR_FIELD_END };
static const struct br_shape kb_shape = { "QuivrKnowledgeBase", kb_out, 0 };
static const struct br_field whole_out[] = { KB_OUT, { "queries_last_30d", MUST(INT) }, BR_FIELD_END };
static const struct br_shape whole_shape = { "QuivrKnowledgeBaseDetails", whole_out, 0 };

static int kept_of(const char **out, struct br_req *r, const struct br_nb *nb, struct br_err *err)
{
	return br_keep_get(out, br_req_arena(r), br_req_ws(r), nb->nb, BR_KEEP_QUIVR_KB, "kb", err);
}

static int count_recent(const struct br_asked *q, void *arg)
{
	uint64_t *n = arg;

	if (q->at_ms / 1000 < br_now() - 30 * 86400)
		return 1;
	++*n;
	return 0;
}

static int reply_kb(struct br_req *r, const char *id, int status, struct br_err *err)
{
	const char *kept;
	struct br_json *j;
	struct br_nb *nb;
	uint64_t asked = 0;
	int rc = br_quivr__kb(&nb, r, id, err);

	if (rc < 0 || (rc = kept_of(&kept, r, nb, err)) < 0 ||
	    (rc = br_asked_each(br_req_ws(r), nb->id, SIZE_MAX, count_recent, &asked, err)) < 0)
		return rc;
	j = br_reply(r, status);
	br_json_obj(j);
	write_members(j, nb, kept);
	br_json_kuint(j, "queries_last_30d", asked);
	br_json_end(j);
	return 0;
}

/* ---- GET /kb ---- */

struct list_in { const char *status, *sort, *order; };
static const struct br_field list_in[] = {
	{ "status", BR_FAT_STR(struct list_in, status), .in = BR_IN_QUERY, .choices = "active|archived|all" },
	{ "sort_by", BR_FAT_STR(struct list_in, sort), .in = BR_IN_QUERY, .choices = "updated_at|created_at|last_updated|name|document_count", .dflt = "updated_at" },
	{ "order", BR_FAT_STR(struct list_in, order), .in = BR_IN_QUERY, .choices = "asc|desc", .help = "desc; names: asc" }, BR_FIELD_END,
};

struct listed { const char *name, *text; int64_t created, updated; uint32_t nb, docs; };
struct listing { struct br_req *r; const struct list_in *in; BR_VEC(struct br_nb *) nb; BR_VEC(struct listed) all; };

static int take_number(const struct br_nb *nb, void *arg)
{
	struct listing *l = arg;
	const struct br_apikey *k = br_quivr__caller(l->r)->key;
	struct br_nb_values *v;
	bool archived;

	if (br_apikey_may(k, BR_KEY_ANY, 0, nb->id, NULL) != BR_ALLOWED)
		return 0;
	v = br_nb_values_new(nb);
	archived = br_nb_bool(v, "archived");
	br_nb_values_free(v);
	if (l->in->status && strcmp(l->in->status, "all") && strcmp(l->in->status, archived ? "archived" : "active"))
		return 0;
	*br_vec_push(&l->all) = (struct listed){ br_arena_strdup(br_req_arena(l->r), nb->name), NULL, nb->created, updated(nb), nb->nb, nb->docs };
	return 0;
}

static int compare(const struct listed *x, const struct listed *y, const char *by)
{
	if (!strcmp(by, "name"))
		return strcmp(x->name, y->name);
	if (!strcmp(by, "document_count") && x->docs != y->docs)
		return x->docs < y->docs ? -1 : 1;
	if (!strcmp(by, "created_at") && x->created != y->created)
		return x->created < y->created ? -1 : 1;
	if ((!strcmp(by, "updated_at") || !strcmp(by, "last_updated")) && x->updated != y->updated)
		return x->updated < y->updated ? -1 : 1;
	return x->nb < y->nb ? -1 : x->nb > y->nb;
}

static int in_order(const void *a, const void *b, void *arg)
{
	const struct list_in *in = arg;
	bool up = in->order ? !strcmp(in->order, "asc") : !strcmp(in->sort, "name");
	int c = compare(a, b, in->sort);

	return up ? c : -c;
}

static int describe_one(struct listed *one, struct br_req *r, struct br_txn *t, const char *kept, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(4 << 20);
	struct br_json j;
	struct br_nb *nb;
	int rc = br_nb_by_number(&nb, br_req_arena(r), t, one->nb, err);

	if (rc == 0) {
		br_json_init(&j, &b, false);
		br_json_obj(&j);
		write_members(&j, nb, kept);
		br_json_end(&j);
		one->text = br_arena_strdup(br_req_arena(r), b.ptr);
	}
	br_buf_release(&b);
	return rc;
}

struct kept_list { BR_VEC(struct kept_one { uint32_t nb; const char *json; }) v; };

static void take_kept(uint32_t nb, const char *name, const char *json, void *arg)
{
	struct kept_list *l = arg;

	(void)name;
	*br_vec_push(&l->v) = (struct kept_one){ nb, json };
}

static const char *kept_in(const struct kept_list *l, uint32_t nb)
{
	for (size_t i = 0; i < l->v.n; i++)
		if (l->v.v[i].nb == nb)
			return l->v.v[i].json;
	return NULL;
}

static int gather(struct listing *l, struct br_err *err)
{
	struct kept_list kept = { 0 };
	struct br_txn *t;
	int rc = br_keep_each(br_req_arena(l->r), br_req_ws(l->r), 0, BR_KEEP_QUIVR_KB, take_kept, &kept, err);

	if (rc < 0 || (rc = br_txn_read(&t, br_req_ws(l->r)->store, err)) < 0) {
		br_vec_release(&kept.v);
		return rc;
	}
	rc = br_nb_each(t, take_number, l, err);
	for (size_t i = 0; i < l->all.n && rc == 0; i++)
		rc = describe_one(&l->all.v[i], l->r, t, kept_in(&kept, l->all.v[i].nb), err);
	br_txn_end(t);
	br_vec_release(&kept.v);
	return rc;
}

static int list(struct br_req *r, const void *in, struct br_err *err)
{
	struct listing l = { .r = r, .in = in };
	struct br_json *j;
	int rc = gather(&l, err);

	if (rc == 0) {
		if (l.all.n)
			qsort_r(l.all.v, l.all.n, sizeof *l.all.v, in_order, (void *)l.in);
		j = br_reply(r, 0);
		br_json_obj(j);
		br_json_key(j, "knowledge_bases");
		br_json_arr(j);
		for (size_t i = 0; i < l.all.n; i++)
			br_json_raw(j, l.all.v[i].text, strlen(l.all.v[i].text));
		br_json_end(j);
		br_json_kuint(j, "total", l.all.n);
		br_json_end(j);
	}
	br_vec_release(&l.all);
	return rc;
}
static const struct br_field list_out[] = { { "knowledge_bases", MUST(ARR), .shape = &kb_shape }, { "total", MUST(INT) }, BR_FIELD_END };
static const struct br_shape list_shape = { "QuivrKnowledgeBases", list_out, 0 };

/* ---- POST /kb, PATCH /kb/{id} ---- */

struct kb_in { const char *name, *description; const struct br_jval *tags, *schema, *embedding, *chunking, *retention; };
#define KB_FIELDS \
	{ "description", BR_FAT_STR(struct kb_in, description), .max = 1000 }, { "tags", BR_FAT_ARR(struct kb_in, tags), .of = BR_F_STR, .max = 100 }, \
	{ "metadata_schema", BR_FAT_OBJ(struct kb_in, schema), .help = "{field: {type, required, enum}}: what metadata documents must have" }, \
	{ "embedding_config", BR_FAT_OBJ(struct kb_in, embedding), .help = "model, dimensions, provider: kept, and fixed once there are documents" }, \
	{ "chunking_config", BR_FAT_OBJ(struct kb_in, chunking), .shape = &chunking_shape }, \
	{ "retention_policy", BR_FAT_OBJ(struct kb_in, retention), .shape = &retention_shape }
struct chunking_in { const char *strategy; int64_t size, overlap; const struct br_jval *patterns; };
static const struct br_field chunking_in[] = {
	{ "strategy", BR_FAT_STR(struct chunking_in, strategy), .choices = "fixed|recursive|sentence|semantic|heading|sliding", .dflt = "recursive" },
	{ "chunk_size", BR_FAT_INT(struct chunking_in, size), .min = 10, .max = 100000, .dflt = "1000" },
	{ "chunk_overlap", BR_FAT_INT(struct chunking_in, overlap), .min = -1, .max = 99999, .dflt = "-1", .help = "200, or a fifth of a small size" },
	{ "heading_patterns", BR_FAT_ARR(struct chunking_in, patterns), .of = BR_F_STR, .max = 100 }, BR_FIELD_END,
};
static const struct br_shape chunking_shape = { "QuivrChunkingIn", chunking_in, sizeof(struct chunking_in) };
struct retention_in { int64_t documents, days; double gb; };
static const struct br_field retention_in[] = {
	{ "max_documents", BR_FAT_INT(struct retention_in, documents), .min = 0, .max = 1e9 },
	{ "max_storage_gb", BR_FAT_NUM(struct retention_in, gb), .min = 0, .max = 1e6 },
	{ "auto_archive_after_days", BR_FAT_INT(struct retention_in, days), .min = 0, .max = 36500 }, BR_FIELD_END,
};
static const struct br_shape retention_shape = { "QuivrRetentionIn", retention_in, sizeof(struct retention_in) };
static const struct br_field create_in[] = {
	{ "name", BR_FAT_STR(struct kb_in, name), .flags = BR_REQUIRED, .min = 1, .max = BR_MAX_NOTEBOOK_NAME }, KB_FIELDS, BR_FIELD_END,
};
static const struct br_field patch_in[] = { { "name", BR_FAT_STR(struct kb_in, name), .min = 1, .max = BR_MAX_NOTEBOOK_NAME }, KB_FIELDS, BR_FIELD_END };

struct settings { struct br_req *r; struct br_nb_pair pair[16]; size_t n; };

static void set(struct settings *s, const char *key, const char *value)
{
	s->pair[s->n++] = (struct br_nb_pair){ key, value };
}

static void set_json(struct settings *s, const char *key, const struct br_jval *v)
{
	struct br_buf b = BR_BUF_INIT(BR_SERVE_JSON_BODY);
	struct br_json j;

	if (!v)
		return;
	br_json_init(&j, &b, false);
	br_jval_write(&j, v);
	set(s, key, br_arena_strdup(br_req_arena(s->r), b.ptr));
	br_buf_release(&b);
}

static void set_int(struct settings *s, const char *key, int64_t v)
{
	set(s, key, br_arena_printf(br_req_arena(s->r), "%lld", (long long)v));
}

static int set_chunking(struct settings *s, const struct br_jval *v, struct br_err *err)
{
	struct chunking_in c;
	bool whole;

	br_shape_read(&c, &chunking_shape, v, s->r);
	if (c.overlap < 0)
		c.overlap = BR_MIN(200, c.size / 5);
	if (c.overlap >= c.size)
		return br_quivr__bad(s->r, err, "chunking_config.chunk_overlap", "chunk_overlap must be smaller than chunk_size");
	whole = !strcmp(c.strategy, "heading") || !strcmp(c.strategy, "sentence") || !strcmp(c.strategy, "semantic");
	set(s, "chunk.strategy", whole ? "structure" : "recursive");
	set_int(s, "chunk.size", c.size);
	set_int(s, "chunk.overlap", c.overlap);
	set_json(s, "ingest.heading_patterns", c.patterns);
	return 0;
}

static void set_retention(struct settings *s, const struct br_jval *v)
{
	struct retention_in p;

	if (!v)
		return;
	br_shape_read(&p, &retention_shape, v, s->r);
	set_int(s, "retention.max_documents", p.documents);
	set(s, "retention.max_storage_gb", br_arena_printf(br_req_arena(s->r), "%.15g", p.gb));
	set_int(s, "retention.archive_after_days", p.days);
}

static int check_schema(struct br_req *r, const struct br_jval *schema, struct br_err *err)
{
	for (const struct br_jval *f = br_jval_first(schema); f; f = br_jval_next(f))
		if (br_jval_type(f) != BR_J_OBJ || (br_jval_get(f, "enum") && br_jval_type(br_jval_get(f, "enum")) != BR_J_ARR))
			return br_quivr__bad(r, err, br_arena_printf(br_req_arena(r), "metadata_schema.%s", br_jval_key(f)),
			                     "metadata_schema.%s must be an object such as {\"type\": \"string\", \"required\": true}", br_jval_key(f));
	return 0;
}

static int gather_settings(struct settings *s, const struct kb_in *p, bool fresh, struct br_err *err)
{
	const char *model = br_jval_str(br_jval_get(p->embedding, "model"));
	int rc = check_schema(s->r, p->schema, err);

	if (p->description)
		set(s, "description", p->description);
	set_json(s, "tags", p->tags);
	set_json(s, "ingest.metadata_schema", p->schema);
	set_retention(s, p->retention);
	if (model)
		set(s, "api.embedding_model", model);
	return rc == 0 && (p->chunking || fresh) ? set_chunking(s, p->chunking, err) : rc;
}

static const char *creator(struct br_req *r)
{
	const struct br_apikey *k = br_quivr__caller(r)->key;

	return *k->name ? k->name : k->id;
}

static int keep_sent(struct br_req *r, const struct br_nb *nb, const struct kb_in *p, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(BR_SERVE_JSON_BODY);
	struct br_json j;
	int rc;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "creator", creator(r));
	if (p->embedding) {
		br_json_key(&j, "embedding_config");
		br_jval_write(&j, p->embedding);
	}
	br_json_end(&j);
	rc = br_keep_put(br_req_ws(r), nb->nb, BR_KEEP_QUIVR_KB, "kb", b.ptr, err);
	br_buf_release(&b);
	return BR_MIN(rc, 0);
}

static void kb_event(struct br_req *r, enum br_hook_event_id event, const struct br_nb *nb)
{
	struct br_buf b = BR_BUF_INIT(16 << 10);
	struct br_json j;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "kb_id", nb->id);
	br_json_kstr(&j, "knowledge_base_id", nb->id);
	br_json_kstr(&j, "name", nb->name);
	if (event == BR_HOOK_KB_CREATED)
		br_json_kstr(&j, "creator", creator(r));
	br_json_end(&j);
	br_quivr__event(r, event, nb->id, br_buf_slice(&b));
	br_buf_release(&b);
}

/* Whatever key asks: the name is taken for all of them. */
static int taken(struct br_req *r, const char *name, struct br_err *err)
{
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_txn_read(&t, br_req_ws(r)->store, err);

	if (rc < 0)
		return rc;
	rc = br_nb_get(&nb, br_req_arena(r), t, name, NULL);
	br_txn_end(t);
	return br_quivr__conflict(r, err, "knowledge_base", rc == 0 ? nb->id : name, "name", "A knowledge base named '%s' exists already", name);
}

/* What the store says of a value that its table does not allow. */
static int settings_failed(struct br_req *r, int rc, struct br_err *err)
{
	char why[sizeof err->msg];

	memcpy(why, err->msg, sizeof why);
	return rc == -BR_EUSAGE || rc == -BR_EINPUT ? br_quivr__bad(r, err, "body", "%s", why) : rc;
}

static int create(struct br_req *r, const void *in, struct br_err *err)
{
	const struct kb_in *p = in;
	struct settings s = { .r = r };
	struct br_nb nb = { .name = NULL }, *made;
	int rc;

	if (br_quivr__caller(r)->key->notebooks.n)
		return br_quivr__forbid(r, err, "kb_access", "This API key is bound to other knowledge bases");
	if (!br_nb_name_ok(p->name, err))
		return br_quivr__bad(r, err, "name", "name has 1 to %d bytes and no control characters", BR_MAX_NOTEBOOK_NAME);
	if ((rc = gather_settings(&s, p, true, err)) < 0)
		return rc;
	br_uuid_ordered(nb.id, br_now_ns() / 1000000);
	rc = br_nb_create_as(br_req_ws(r), p->name, nb.id, s.pair, s.n, err);
	if (rc < 0)
		return rc == -BR_EEXISTS ? taken(r, p->name, err) : settings_failed(r, rc, err);
	if ((rc = br_quivr__kb(&made, r, nb.id, err)) < 0 || (rc = keep_sent(r, made, p, err)) < 0)
		return rc;
	kb_event(r, BR_HOOK_KB_CREATED, made);
	return reply_kb(r, nb.id, 201, err);
}

static int patch(struct br_req *r, const void *in, struct br_err *err)
{
	const struct kb_in *p = in;
	struct settings s = { .r = r };
	struct br_nb *nb;
	bool reindex;
	int rc = br_quivr__kb(&nb, r, br_req_param(r, "id"), err);

	if (rc == 0 && p->embedding && nb->docs)
		return br_quivr__conflict(r, err, "knowledge_base", nb->id, "embedding_config", "embedding_config cannot be changed once there are documents");
	if (rc < 0 || (rc = gather_settings(&s, p, false, err)) < 0)
		return rc;
	if (p->name && strcmp(p->name, nb->name) && (rc = br_nb_rename(br_req_ws(r), nb->id, p->name, err)) < 0)
		return rc == -BR_EEXISTS ? taken(r, p->name, err) : settings_failed(r, rc, err);
	if (s.n && (rc = br_nb_set_all(br_req_ws(r), nb->id, s.pair, s.n, &reindex, err)) < 0)
		return settings_failed(r, rc, err);
	if (p->embedding && (rc = keep_sent(r, nb, p, err)) < 0)
		return rc;
	return reply_kb(r, nb->id, 200, err);
}

/* ---- GET and DELETE /kb/{id}, archive ---- */

static int show(struct br_req *r, const void *in, struct br_err *err)
{
	(void)in;
	return reply_kb(r, br_req_param(r, "id"), 200, err);
}

static int drop(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_json *j;
	struct br_nb *nb;
	int rc = br_quivr__kb(&nb, r, br_req_param(r, "id"), err);

	(void)in;
	if (rc < 0 || (rc = br_nb_delete(br_req_ws(r), nb->id, err)) < 0)
		return rc == -BR_ENOTFOUND && nb ? br_quivr__absent(r, err, "knowledge_base", nb->id) : rc;
	kb_event(r, BR_HOOK_KB_DELETED, nb);
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "id", nb->id);
	br_json_kstr(j, "name", nb->name);
	br_json_kbool(j, "deleted", true);
	br_json_end(j);
	return 0;
}
static const struct br_field drop_out[] = { { "id", MUST(STR) }, { "name", MUST(STR) }, { "deleted", MUST(BOOL) }, BR_FIELD_END };
static const struct br_shape drop_shape = { "QuivrKnowledgeBaseDeleted", drop_out, 0 };

struct archive_in { bool archived; };
static const struct br_field archive_in[] = { { "archived", BR_FAT_BOOL(struct archive_in, archived), .dflt = "true" }, BR_FIELD_END };

static int archive(struct br_req *r, const void *in, struct br_err *err)
{
	const struct archive_in *p = in;
	struct br_nb *nb;
	bool reindex;
	int rc = br_quivr__kb(&nb, r, br_req_param(r, "id"), err);

	if (rc < 0 || (rc = br_nb_set(br_req_ws(r), nb->id, "archived", p->archived ? "true" : "false", &reindex, err)) < 0)
		return rc;
	return reply_kb(r, nb->id, 200, err);
}

/* ---- POST /kb/{id}/duplicate: by way of a file ---- */

struct duplicate_in { const char *name; };
static const struct br_field duplicate_in[] = {
	{ "name", BR_FAT_STR(struct duplicate_in, name), .min = 1, .max = BR_MAX_NOTEBOOK_NAME, .help = "of the copy" }, BR_FIELD_END,
};

static int copy(struct br_req *r, const struct br_nb *nb, const char *name, struct br_err *err)
{
	const struct br_export_opts out = { .no_times = false };
	const struct br_import_opts into = { .as = name };
	struct br_brx_stats stats;
	char *folder = br_path_join(br_req_ws(r)->dir, "tmp"), *file = br_sprintf("%s/copy-%s.brx", folder, br_req_id(r));
	int rc = br_export(&stats, br_req_ws(r), nb->id, file, &out, err);

	if (rc == 0)
		rc = br_import(&stats, br_req_ws(r), file, &into, err);
	remove(file);
	free(file);
	free(folder);
	return rc;
}

static int duplicate(struct br_req *r, const void *in, struct br_err *err)
{
	const struct duplicate_in *p = in;
	struct br_nb *nb, *made;
	const char *name;
	int rc = br_quivr__kb(&nb, r, br_req_param(r, "id"), err);

	if (rc < 0)
		return rc;
	if (br_quivr__caller(r)->key->notebooks.n)
		return br_quivr__forbid(r, err, "kb_access", "This API key is bound to other knowledge bases");
	name = p->name ? p->name : br_arena_printf(br_req_arena(r), "%.100s (copy)", nb->name);
	if (!br_nb_name_ok(name, err))
		return br_quivr__bad(r, err, "name", "name has 1 to %d bytes and no control characters", BR_MAX_NOTEBOOK_NAME);
	if ((rc = copy(r, nb, name, err)) < 0)
		return rc == -BR_EEXISTS ? taken(r, name, err) : rc;
	if ((rc = br_quivr__kb(&made, r, name, err)) < 0 || (rc = keep_sent(r, made, &(struct kb_in){ .name = name }, err)) < 0)
		return rc;
	kb_event(r, BR_HOOK_KB_CREATED, made);
	return reply_kb(r, made->id, 201, err);
}

static const short known[] = { 404, 0 }, changes[] = { 400, 404, 409, 0 };
#define READ BR_LEVEL_KEY, .scopes = "kb:read", .rate = "key"
#define WRITE BR_LEVEL_KEY, .scopes = "kb:write", .rate = "key"
static const struct br_route rows[] = {
	{ "GET", API "/kb", "quivr_kbs", "Knowledge bases", "knowledge bases", READ, .in = list_in, .in_size = sizeof(struct list_in), .out = &list_shape, .run = list },
	{ "POST", API "/kb", "quivr_create_kb", "Make a knowledge base", "knowledge bases", WRITE, .body = BR_BODY_JSON, .in = create_in,
	  .in_size = sizeof(struct kb_in), .out = &whole_shape, .ok = 201, .fails = changes, .flags = BR_ROUTE_SLOW, .run = create },
	{ "GET", KB, "quivr_kb", "A knowledge base", "knowledge bases", READ, .out = &whole_shape, .fails = known, .run = show },
	{ "PATCH", KB, "quivr_change_kb", "Change a knowledge base", "knowledge bases", WRITE, .body = BR_BODY_JSON, .in = patch_in,
	  .in_size = sizeof(struct kb_in), .out = &whole_shape, .fails = changes, .flags = BR_ROUTE_SLOW, .run = patch },
	{ "DELETE", KB, "quivr_delete_kb", "Delete a knowledge base with all it holds", "knowledge bases", WRITE, .out = &drop_shape, .fails = known,
	  .flags = BR_ROUTE_SLOW, .run = drop },
	{ "POST", KB "/archive", "quivr_archive_kb", "Put out of use, or back", "knowledge bases", WRITE, .body = BR_BODY_JSON, .in = archive_in,
	  .in_size = sizeof(struct archive_in), .out = &whole_shape, .fails = known, .flags = BR_ROUTE_SLOW | BR_ROUTE_MAY_BODY, .run = archive },
	{ "POST", KB "/duplicate", "quivr_duplicate_kb", "Copy a knowledge base", "knowledge bases", WRITE, .body = BR_BODY_JSON, .in = duplicate_in,
	  .in_size = sizeof(struct duplicate_in), .out = &whole_shape, .ok = 201, .fails = changes, .flags = BR_ROUTE_SLOW | BR_ROUTE_MAY_BODY,
	  .run = duplicate },
};
const struct br_routes br_quivr__kb_rows = { rows, BR_COUNT(rows) };
