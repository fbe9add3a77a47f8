/*
 * Tenants: records by id. They are made on the command line alone; deleting one takes its notebooks and everything kept of it along.
 */
#include "internal.h"

#include <stdlib.h>

static const struct member members[] = {
	MEM(br_tenant, id, 'u'), MEM(br_tenant, name, 's'), MEM(br_tenant, secret, 's'), MEM(br_tenant, enabled, 'b'), MEM(br_tenant, rate, 'i'),
	MEM(br_tenant, memory, 'i'), MEM(br_tenant, handoff_timeout, 'i'), MEM(br_tenant, created, 'i'), { NULL },
};

struct search { struct br_arena *a; const char *name; struct br_tenant *out; bool found; br_tenant_fn *fn; void *arg; };

static int look(const char *id, const char *json, void *arg)
{
	struct search *s = arg;
	struct br_tenant t = { .secret = "" };

	if (record_read(&t, s->a, members, json, NULL) < 0 || strcmp(t.id, id))
		return 0;
	if (s->fn)
		s->fn(&t, s->arg);
	else if (!strcmp(t.name, s->name) || !strcasecmp(t.id, s->name)) {
		*s->out = t;
		s->found = true;
	}
	return s->found;
}

int br_tenant_each(struct br_arena *a, struct br_ws *ws, br_tenant_fn *fn, void *arg, struct br_err *err)
{
	struct search s = { .a = a, .fn = fn, .arg = arg };

	return br_keep_under(a, ws, 0, BR_KEEP_TENANT, "", look, &s, err);
}

static int by_id(struct br_tenant *out, struct br_arena *a, struct br_ws *ws, const char *id, struct br_err *err)
{
	const char *json;
	int rc = br_keep_get(&json, a, ws, 0, BR_KEEP_TENANT, lower_id(a, id), err);

	if (rc < 0 || !json)
		return rc;
	*out = (struct br_tenant){ .secret = "" };
	return (rc = record_read(out, a, members, json, err)) < 0 ? rc : 1;
}

int br_tenant_find(struct br_tenant *out, struct br_arena *a, struct br_ws *ws, const char *name, struct br_err *err)
{
	struct search s = { .a = a, .name = name, .out = out };
	int rc = is_uuid(name) ? by_id(out, a, ws, name, err) : 0;

	if (rc == 0)
		rc = br_keep_under(a, ws, 0, BR_KEEP_TENANT, "", look, &s, err);
	return rc < 0 ? rc : rc ? 0 : br_fail(err, BR_ENOTFOUND, "no tenant '%.200s'", name);
}

int br_tenant_put(struct br_ws *ws, const struct br_tenant *t, struct br_err *err)
{
	struct br_arena a = { 0 };
	int rc = br_keep_put(ws, 0, BR_KEEP_TENANT, t->id, record_text(&a, members, t), err);

	br_arena_release(&a);
	return BR_MIN(rc, 0);
}

int br_tenant_create(struct br_tenant *out, struct br_arena *a, struct br_ws *ws, const char *name, const char *id, struct br_err *err)
{
	struct br_tenant old;
	int rc;

	if (!br_nb_name_ok(name, NULL) || is_uuid(name))
		return br_fail(err, BR_EUSAGE, "'%.200s' cannot be the name of a tenant", name);
	if (id && !is_uuid(id))
		return br_fail(err, BR_EUSAGE, "'%.200s' is not a UUID", id);
	*out = (struct br_tenant){ .name = br_arena_strdup(a, name), .secret = "", .enabled = true, .rate = BR_TENANT_RATE, .memory = BR_TENANT_MEMORY,
		.handoff_timeout = BR_TENANT_HANDOFF, .created = br_now() };
	if (id)
		memcpy(out->id, lower_id(a, id), 37);
	else
		br_uuid(out->id);
	rc = br_tenant_find(&old, a, ws, name, NULL);
	if (rc == -BR_ENOTFOUND)
		rc = br_tenant_find(&old, a, ws, out->id, NULL);
	if (rc == 0)
		return br_fail(err, BR_EEXISTS, "there is a tenant '%s' already", name);
	return rc == -BR_ENOTFOUND ? br_tenant_put(ws, out, err) : br_tenant_find(&old, a, ws, name, err);
}

/* ---- deleting ---- */

struct gone { BR_VEC(struct br_keep_row) row; enum br_keep_kind kind; };

static int note_row(const char *name, const char *json, void *arg)
{
	struct gone *g = arg;

	(void)json;
	*br_vec_push(&g->row) = (struct br_keep_row){ 0, g->kind, name, NULL };
	return 0;
}

static int forget_rows(struct br_arena *a, struct br_ws *ws, const char *id, struct br_err *err)
{
	static const enum br_keep_kind kinds[] = { BR_KEEP_SESSION, BR_KEEP_SESSION_NAME, BR_KEEP_AUDIT, BR_KEEP_AUDIT_SUM };
	struct gone g = { .kind = BR_KEEP_TENANT };
	int rc = 0;

	note_row(id, NULL, &g);
	for (size_t i = 0; i < BR_COUNT(kinds) && rc == 0; i++) {
		g.kind = kinds[i];
		rc = br_keep_under(a, ws, 0, kinds[i], id, note_row, &g, err);
	}
	if (rc == 0)
		rc = br_keep_put_all(ws, g.row.v, g.row.n, err);
	br_vec_release(&g.row);
	return rc;
}

int br_tenant_delete(struct br_ws *ws, const char *id, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_kbs kbs = { 0 };
	int rc = br_kb_list(&kbs, &a, ws, id, err);

	for (size_t i = 0; i < kbs.v.n && rc == 0; i++)
		rc = br_nb_delete(ws, kbs.v.v[i].id, err);
	if (rc == 0 && (rc = forget_rows(&a, ws, id, err)) == 0)
		rc = (int)kbs.v.n;
	br_vec_release(&kbs.v);
	br_arena_release(&a);
	return rc;
}
