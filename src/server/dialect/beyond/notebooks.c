/*
 * N1 to N7: notebooks. Clients choose their ids; a title that cannot be the name of a notebook here, or is one already, is kept
 * beside the id as name.
 */
#include "beyond.h"

#include <stdlib.h>

/* ---- the object ---- */

static const struct br_field notebook_out[] = {
	{ "notebook_id", MUST(STR) }, { "notebook_title", MUST(STR) }, { "notebook_description", MUST(STR) }, { "icon", MUST(STR) },
	{ "db_type", MUST(STR) }, { "storage_provider", MUST(STR) }, { "user_id", MUST(STR) }, { "embedding_model", MUST(STR) },
	{ "number_of_documents", MUST(INT) }, { "created_at", MUST(STR), .format = "date-time" },
	{ "updated_at", MUST(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape notebook_shape = { "BeyondNotebook", notebook_out, 0 };

static void write_notebook(struct br_json *j, const struct br_nb *nb)
{
	struct br_nb_values *v = br_nb_values_new(nb);
	const char *title = br_nb_str(v, "title");

	br_json_obj(j);
	br_json_kstr(j, "notebook_id", nb->id);
	br_json_kstr(j, "notebook_title", *title ? title : nb->name);
	br_json_kstr(j, "notebook_description", br_nb_str(v, "description"));
	br_json_kstr(j, "icon", br_nb_str(v, "icon"));
	br_json_kstr(j, "db_type", br_nb_str(v, "api.db_type"));
	br_json_kstr(j, "storage_provider", br_nb_str(v, "api.storage_provider"));
	br_json_kstr(j, "user_id", br_nb_str(v, "owner"));
	br_json_kstr(j, "embedding_model", br_nb_str(v, "api.embedding_model"));
	br_json_kuint(j, "number_of_documents", nb->docs);
	br_beyond__time(j, "created_at", nb->created);
	br_beyond__time(j, "updated_at", nb->updated ? nb->updated : nb->created);
	br_json_end(j);
	br_nb_values_free(v);
}

static int reply_notebook(struct br_req *r, const char *id, struct br_err *err)
{
	struct br_nb *nb;
	int rc = br_beyond__nb_by_id(&nb, r, id, err);

	if (rc == 0)
		write_notebook(br_reply(r, 0), nb);
	return rc;
}

/* ---- N1 ---- */

struct create_in { const char *id, *title, *description, *icon, *model, *db, *storage, *user; };
static const struct br_field create_in[] = {
	{ "notebook_id", BR_FAT_STR(struct create_in, id), .flags = BR_REQUIRED, .format = "uuid", .help = "chosen by the client" },
	{ "notebook_title", BR_FAT_STR(struct create_in, title), .flags = BR_REQUIRED, .min = 1, .max = 200 },
	{ "notebook_description", BR_FAT_STR(struct create_in, description), .max = 1000, .dflt = "" },
	{ "icon", BR_FAT_STR(struct create_in, icon), .max = 32, .dflt = "\xf0\x9f\x93\x8a" },
	{ "embedding_model", BR_FAT_STR(struct create_in, model), .max = 200, .dflt = "openai/text-embedding-3-small" },
	{ "db_type", BR_FAT_STR(struct create_in, db), .choices = "cloud|local", .dflt = "cloud" },
	{ "storage_provider", BR_FAT_STR(struct create_in, storage), .choices = "supabase|s3|local|none", .dflt = "supabase" },
	{ "user_id", BR_FAT_STR(struct create_in, user), .max = 200, .help = "the caller when it is empty" }, BR_FIELD_END,
};

static bool looks_like_id(const char *s)
{
	return strlen(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-';
}

static char *lower_id(struct br_arena *a, const char *id)
{
	char *out = br_arena_strdup(a, id);

	for (char *p = out; *p; p++)
		*p = (char)(*p >= 'A' && *p <= 'F' ? *p + 32 : *p);
	return out;
}

static int make(struct br_req *r, const char *id, const struct create_in *c, struct br_err *err)
{
	const char *owner = c->user && *c->user ? c->user : br_req_who(r)->user;
	const struct br_nb_pair pair[] = {
		{ "title", c->title }, { "description", c->description }, { "icon", c->icon }, { "api.embedding_model", c->model },
		{ "api.db_type", c->db }, { "api.storage_provider", c->storage }, { "owner", owner },
	};
	int rc = -BR_EEXISTS;

	if (br_nb_name_ok(c->title, NULL) && !looks_like_id(c->title))
		rc = br_nb_create_as(br_req_ws(r), c->title, id, pair, BR_COUNT(pair), err);
	return rc == -BR_EEXISTS ? br_nb_create_as(br_req_ws(r), id, id, pair, BR_COUNT(pair), err) : rc;
}

/* Who makes a notebook for somebody else keeps access to it. */
static int keep_access(struct br_req *r, const char *id, const struct create_in *c, struct br_err *err)
{
	const struct br_identity *who = br_req_who(r);
	struct br_nb *nb;
	char iso[32];
	int rc;

	if (who->bypass || !c->user || !*c->user || !strcmp(c->user, who->user))
		return 0;
	br_time_iso(iso, br_now());
	if ((rc = br_beyond__nb_by_id(&nb, r, id, err)) == 0)
		rc = br_keep_put(br_req_ws(r), nb->nb, BR_KEEP_ACCESS, who->user,
		                 br_arena_printf(br_req_arena(r), "{\"access_type\":\"full_access\",\"created_at\":\"%s\"}", iso), err);
	return BR_MIN(rc, 0);
}

static int create(struct br_req *r, const void *in, struct br_err *err)
{
	const struct create_in *c = in;
	const char *id = lower_id(br_req_arena(r), c->id);
	int rc = make(r, id, c, err);

	return rc < 0 || (rc = keep_access(r, id, c, err)) < 0 ? rc : reply_notebook(r, id, err);
}

/* ---- N2, N3 ---- */

struct listing { struct br_req *r; struct br_beyond_mine mine; BR_VEC(char *) text; };

static int list_one(const struct br_nb *nb, void *arg)
{
	struct listing *l = arg;
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_json j;

	if (br_beyond__is_mine(&l->mine, nb)) {
		br_json_init(&j, &b, false);
		write_notebook(&j, nb);
		*br_vec_push(&l->text) = br_arena_strdup(br_req_arena(l->r), b.ptr);
	}
	br_buf_release(&b);
	return 0;
}

static int list(struct br_req *r, const void *in, struct br_err *err)
{
	struct listing l = { .r = r };
	struct br_txn *t;
	int rc = br_beyond__mine(&l.mine, r, err);

	(void)in;
	if (rc == 0 && (rc = br_txn_read(&t, br_req_ws(r)->store, err)) == 0) {
		rc = br_nb_each(t, list_one, &l, err);
		br_txn_end(t);
	}
	br_vec_release(&l.mine.nb);
	if (rc == 0) {
		struct br_json *j = br_reply(r, 0);
		br_json_arr(j);
		for (size_t i = l.text.n; i-- > 0;) /* newest first */
			br_json_raw(j, l.text.v[i], strlen(l.text.v[i]));
		br_json_end(j);
	}
	br_vec_release(&l.text);
	return rc;
}

static int show(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc == 0)
		write_notebook(br_reply(r, 0), nb);
	return rc;
}

/* ---- N4 ---- */

struct tally { struct br_txn *t; uint32_t nb; uint64_t total, state[4]; struct br_err *err; };

static int tally_doc(const struct br_doc *d, void *arg)
{
	struct tally *s = arg;
	struct br_arena a = { 0 };
	struct br_job_info job;
	enum br_job_state is = d->state == BR_DOC_UPLOADED ? BR_JOB_PENDING : d->state == BR_DOC_FAILED || d->state == BR_DOC_SKIPPED ?
		BR_JOB_ERROR : BR_JOB_SUCCESS;

	if (br_job_get(&job, &a, s->t, s->nb, d->id, NULL) == 0)
		is = job.state;
	s->total++;
	s->state[is]++;
	br_arena_release(&a);
	return 0;
}

static int status(struct br_req *r, const void *in, struct br_err *err)
{
	struct tally s = { .err = err };
	struct br_json *j;
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc < 0 || (rc = br_txn_read(&s.t, br_req_ws(r)->store, err)) < 0)
		return rc;
	s.nb = nb->nb;
	rc = br_doc_each(s.t, nb->nb, tally_doc, &s, err);
	br_txn_end(s.t);
	if (rc < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "notebook_id", nb->id);
	br_json_kstr(j, "status", s.state[BR_JOB_PROCESSING] ? "processing" : "ready");
	br_json_kuint(j, "total_files", s.total);
	for (int i = 0; i < 4; i++)
		br_json_kuint(j, br_job_state_name((enum br_job_state)i), s.state[i]);
	br_json_end(j);
	return 0;
}
static const struct br_field status_out[] = {
	{ "notebook_id", MUST(STR) }, { "status", MUST(STR) }, { "total_files", MUST(INT) }, { "pending", MUST(INT) },
	{ "processing", MUST(INT) }, { "success", MUST(INT) }, { "error", MUST(INT) }, BR_FIELD_END,
};
static const struct br_shape status_shape = { "BeyondNotebookStatus", status_out, 0 };

/* ---- N5 ---- */

struct patch_in { const char *title, *description, *icon; };
static const struct br_field patch_in[] = {
	{ "notebook_title", BR_FAT_STR(struct patch_in, title), .min = 1, .max = 200 },
	{ "notebook_description", BR_FAT_STR(struct patch_in, description), .max = 1000 },
	{ "icon", BR_FAT_STR(struct patch_in, icon), .max = 32 }, BR_FIELD_END,
};

static int patch(struct br_req *r, const void *in, struct br_err *err)
{
	const struct patch_in *p = in;
	const struct br_nb_pair all[] = { { "title", p->title }, { "description", p->description }, { "icon", p->icon } };
	struct br_nb_pair pair[BR_COUNT(all)];
	struct br_nb *nb;
	size_t n = 0;
	bool reindex;
	int rc = br_beyond__nb(&nb, r, err);

	for (size_t i = 0; i < BR_COUNT(all); i++)
		if (all[i].value)
			pair[n++] = all[i];
	if (rc == 0)
		rc = br_nb_set_all(br_req_ws(r), nb->id, pair, n, &reindex, err);
	return rc < 0 ? rc : reply_notebook(r, nb->id, err);
}

/* ---- N6, N7 ---- */

static int drop(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_json *j;
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc < 0 || (rc = br_nb_delete(br_req_ws(r), nb->id, err)) < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kbool(j, "deleted", true);
	br_json_kstr(j, "notebook_id", nb->id);
	br_json_end(j);
	return 0;
}
static const struct br_field drop_out[] = { { "deleted", MUST(BOOL) }, { "notebook_id", MUST(STR) }, BR_FIELD_END };
static const struct br_shape drop_shape = { "BeyondNotebookDeleted", drop_out, 0 };

static int take_id(const struct br_nb *nb, void *arg)
{
	struct listing *l = arg;

	if (br_beyond__owns(l->mine.who, nb))
		*br_vec_push(&l->text) = br_arena_strdup(br_req_arena(l->r), nb->id);
	return 0;
}

static int drop_all(struct br_req *r, const void *in, struct br_err *err)
{
	struct listing l = { .r = r, .mine.who = br_req_who(r) };
	struct br_json *j;
	struct br_txn *t;
	size_t n = 0;
	int rc = br_txn_read(&t, br_req_ws(r)->store, err);

	(void)in;
	if (rc < 0)
		return rc;
	rc = br_nb_each(t, take_id, &l, err);
	br_txn_end(t);
	for (size_t i = 0; i < l.text.n && rc == 0; i++) {
		rc = br_nb_delete(br_req_ws(r), l.text.v[i], err);
		n += rc == 0;
		rc = rc == -BR_ENOTFOUND ? 0 : rc; /* somebody else was quicker */
	}
	br_vec_release(&l.text);
	if (rc < 0)
		return rc;
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kuint(j, "deleted_count", n);
	br_json_end(j);
	return 0;
}
static const struct br_field drop_all_out[] = { { "deleted_count", MUST(INT) }, BR_FIELD_END };
static const struct br_shape drop_all_shape = { "BeyondNotebooksDeleted", drop_all_out, 0 };

static const short create_fails[] = { 400, 409, 0 }, patch_fails[] = { 400, 404, 0 }, known[] = { 404, 0 };
static const struct br_route rows[] = {
	{ "POST", "/api/notebooks", "beyond_create_notebook", "Make a notebook", "notebooks", BR_LEVEL_ADMIN, .body = BR_BODY_JSON, .in = create_in,
	  .in_size = sizeof(struct create_in), .out = &notebook_shape, .ok = 201, .fails = create_fails, .flags = BR_ROUTE_SLOW, .run = create },
	{ "GET", "/api/notebooks", "beyond_list_notebooks", "All notebooks, newest first", "notebooks", BR_LEVEL_USER, .out = &notebook_shape,
	  .flags = BR_ROUTE_LIST, .run = list },
	{ "DELETE", "/api/notebooks", "beyond_delete_notebooks", "Delete all notebooks that are the caller's own", "notebooks", BR_LEVEL_ADMIN, .out = &drop_all_shape,
	  .flags = BR_ROUTE_SLOW, .run = drop_all },
	{ "GET", NB, "beyond_get_notebook", "A notebook", "notebooks", BR_LEVEL_USER, .out = &notebook_shape, .fails = known, .run = show },
	{ "GET", NB "/status", "beyond_notebook_status", "How far its files are", "notebooks", BR_LEVEL_USER, .out = &status_shape, .fails = known,
	  .run = status },
	{ "PATCH", NB, "beyond_change_notebook", "Change title, description or icon", "notebooks", BR_LEVEL_ADMIN, .body = BR_BODY_JSON,
	  .in = patch_in, .in_size = sizeof(struct patch_in), .out = &notebook_shape, .fails = patch_fails, .flags = BR_ROUTE_SLOW, .run = patch },
	{ "DELETE", NB, "beyond_delete_notebook", "Delete a notebook with all it holds", "notebooks", BR_LEVEL_ADMIN, .out = &drop_shape,
	  .fails = known, .flags = BR_ROUTE_SLOW, .run = drop },
};
const struct br_routes br_beyond__notebooks_rows = { rows, BR_COUNT(rows) };
