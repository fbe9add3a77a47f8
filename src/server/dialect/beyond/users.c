/*
 * U1 to U3: users: those whose tokens came, and those whom invitations or permissions name. Where nobody is asked who they are there is
 * one more, the administrator. Nothing is asked of the identity provider, which never learns what is changed here.
 */
#include "beyond.h"

#include <stdlib.h>

#define DEV "dev-user"

struct grant { const char *user, *kind, *nb; };
struct people { struct br_req *r; BR_VEC(struct grant) grant; BR_VEC(struct br_person) person; };

/* ---- who there is ---- */

static const struct br_person *find(const struct people *p, const char *user)
{
	for (size_t i = 0; i < p->person.n; i++)
		if (!strcmp(p->person.v[i].id, user))
			return &p->person.v[i];
	return NULL;
}

static void note_user(struct people *p, const char *user)
{
	if (!find(p, user))
		*br_vec_push(&p->person) = (struct br_person){ .id = user };
}

static void take_person(uint32_t nb, const char *name, const char *json, void *arg)
{
	struct people *p = arg;
	struct br_person who;

	(void)nb;
	br_person_read(&who, p->r, name, json);
	if (who.seen || (who.role && !strcmp(who.role, "admin"))) /* else only an access that was taken away again is left of them */
		*br_vec_push(&p->person) = who;
}

struct numbered { uint32_t nb; const char *user, *json; };
struct raw { BR_VEC(struct numbered) v; };

static void take(uint32_t nb, const char *name, const char *json, void *arg)
{
	struct raw *w = arg;

	*br_vec_push(&w->v) = (struct numbered){ nb, name, json };
}

static int load(struct people *p, struct br_err *err)
{
	struct raw w = { 0 };
	struct br_txn *t;
	int rc = br_keep_each(br_req_arena(p->r), br_req_ws(p->r), 0, BR_KEEP_ACCESS, take, &w, err);

	if (rc == 0)
		rc = br_keep_each(br_req_arena(p->r), br_req_ws(p->r), 0, BR_KEEP_PERSON, take_person, p, err);
	if (br_req_who(p->r)->bypass)
		note_user(p, DEV);
	if (rc == 0 && (rc = br_txn_read(&t, br_req_ws(p->r)->store, err)) == 0) {
		for (size_t i = 0; i < w.v.n; i++) {
			struct br_nb *nb;
			if (br_nb_by_number(&nb, br_req_arena(p->r), t, w.v.v[i].nb, NULL) < 0)
				continue;
			note_user(p, w.v.v[i].user);
			*br_vec_push(&p->grant) = (struct grant){ w.v.v[i].user, br_keep_member(br_req_arena(p->r), w.v.v[i].json, "access_type"), nb->id };
		}
		br_txn_end(t);
	}
	br_vec_release(&w.v);
	return rc;
}

static void release(struct people *p)
{
	br_vec_release(&p->grant);
	br_vec_release(&p->person);
}

static const char *or_else(const char *s, const char *other)
{
	return s ? s : other;
}

static void write_user(struct br_json *j, const struct people *p, const struct br_person *who)
{
	const char *user = who->id;
	bool dev = !strcmp(user, DEV) && br_req_who(p->r)->bypass;

	br_json_obj(j);
	br_json_kstr(j, "user_id", user);
	br_json_kstr(j, "email", or_else(who->email, dev ? "dev@localhost" : ""));
	br_json_kstr(j, "first_name", or_else(who->first_name, dev ? "Dev" : ""));
	br_json_kstr(j, "last_name", or_else(who->last_name, dev ? "User" : ""));
	br_json_kstr(j, "role", dev || br_person_is_admin(p->r, who) ? "admin" : "user");
	if (who->created)
		br_json_kstr(j, "created_at", who->created);
	if (who->seen)
		br_json_kstr(j, "last_sign_in_at", who->seen);
	br_json_key(j, "notebook_permissions");
	br_json_obj(j);
	for (size_t i = 0; i < p->grant.n; i++)
		if (!strcmp(p->grant.v[i].user, user))
			br_json_kstr(j, p->grant.v[i].nb, p->grant.v[i].kind);
	br_json_end(j);
	br_json_end(j);
}
static const struct br_field user_out[] = {
	{ "user_id", MUST(STR) }, { "email", MUST(STR) }, { "first_name", MUST(STR) }, { "last_name", MUST(STR) },
	{ "role", MUST(STR), .choices = "admin|user" }, { "notebook_permissions", MUST(OBJ) },
	{ "created_at", BR_FOUT(STR), .format = "date-time" }, { "last_sign_in_at", BR_FOUT(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape user_shape = { "BeyondUser", user_out, 0 };

static int list(struct br_req *r, const void *in, struct br_err *err)
{
	struct people p = { .r = r };
	struct br_json *j;
	int rc = load(&p, err);

	(void)in;
	if (rc == 0) {
		j = br_reply(r, 0);
		br_json_obj(j);
		br_json_key(j, "users");
		br_json_arr(j);
		for (size_t i = 0; i < p.person.n; i++)
			write_user(j, &p, &p.person.v[i]);
		br_json_end(j);
		br_json_end(j);
	}
	release(&p);
	return rc;
}
static const struct br_field list_out[] = { { "users", MUST(ARR), .shape = &user_shape }, BR_FIELD_END };
static const struct br_shape list_shape = { "BeyondUsers", list_out, 0 };

static int reply_user(struct br_req *r, const char *user, struct br_err *err)
{
	struct people p = { .r = r };
	const struct br_person *who;
	int rc = load(&p, err);

	who = find(&p, user);
	if (rc == 0 && !who)
		rc = br_fail(err, BR_ENOTFOUND, "User not found");
	if (rc == 0)
		write_user(br_reply(r, 0), &p, who);
	release(&p);
	return rc;
}

static int show(struct br_req *r, const void *in, struct br_err *err)
{
	(void)in;
	return reply_user(r, br_req_param(r, "user_id"), err);
}

/* ---- U3 ---- */

struct permit_in { const struct br_jval *permissions; const char *role; };
static const struct br_field permit_in[] = {
	{ "notebook_permissions", BR_FAT_OBJ(struct permit_in, permissions), .flags = BR_REQUIRED, .help = "chat_only or full_access by notebook" },
	{ "role", BR_FAT_STR(struct permit_in, role), .choices = "admin|user" }, BR_FIELD_END,
};

static int check(struct br_req *r, const struct br_jval *m, struct br_nb **nb, struct br_err *err)
{
	const char *kind = br_jval_str(m);

	if (!kind || (strcmp(kind, "chat_only") && strcmp(kind, "full_access")))
		return br_req_fail(r, 422, err, BR_EUSAGE, "notebook_permissions must be chat_only or full_access");
	return br_beyond__nb_by_id(nb, r, br_jval_key(m), err);
}

static int revoke_all(struct br_req *r, const char *user, struct br_err *err)
{
	struct raw w = { 0 };
	int rc = br_keep_each(br_req_arena(r), br_req_ws(r), 0, BR_KEEP_ACCESS, take, &w, err);

	for (size_t i = 0; i < w.v.n && rc >= 0; i++)
		if (!strcmp(w.v.v[i].user, user))
			rc = br_keep_put(br_req_ws(r), w.v.v[i].nb, BR_KEEP_ACCESS, user, NULL, err);
	br_vec_release(&w.v);
	return BR_MIN(rc, 0);
}

/* The role given here goes before that of tokens. */
static int set_role(struct br_req *r, const char *user, const char *role, struct br_err *err)
{
	struct br_person p;
	char now[32];
	int rc = br_person_get(&p, r, user, err);

	if (rc < 0 || (!role && rc))
		return BR_MIN(rc, 0);
	br_time_iso(now, br_now());
	p.created = or_else(p.created, now);
	p.role = or_else(role, p.role);
	return br_person_put(r, &p, err);
}

static int permit(struct br_req *r, const void *in, struct br_err *err)
{
	const struct permit_in *p = in;
	const char *user = br_req_param(r, "user_id");
	struct br_nb *nb;
	char iso[32];
	int rc = 0;

	br_time_iso(iso, br_now());
	for (const struct br_jval *m = br_jval_first(p->permissions); m && rc == 0; m = br_jval_next(m))
		rc = check(r, m, &nb, err);
	if (rc < 0 || (rc = revoke_all(r, user, err)) < 0 || (rc = set_role(r, user, p->role, err)) < 0)
		return rc;
	for (const struct br_jval *m = br_jval_first(p->permissions); m && rc >= 0; m = br_jval_next(m))
		if ((rc = check(r, m, &nb, err)) == 0)
			rc = br_keep_put(br_req_ws(r), nb->nb, BR_KEEP_ACCESS, user, br_arena_printf(br_req_arena(r),
			                     "{\"access_type\":\"%s\",\"created_at\":\"%s\"}", br_jval_str(m), iso), err);
	return rc < 0 ? rc : reply_user(r, user, err);
}

static const short known[] = { 404, 502, 0 }, permit_fails[] = { 400, 404, 502, 0 };
static const struct br_route rows[] = {
	{ "GET", "/api/admin/users", "beyond_users", "Users", "users", BR_LEVEL_ADMIN, .out = &list_shape, .fails = known, .run = list },
	{ "GET", "/api/admin/users/{user_id}", "beyond_user", "A user", "users", BR_LEVEL_ADMIN, .out = &user_shape, .fails = known, .run = show },
	{ "PUT", "/api/admin/users/{user_id}/permissions", "beyond_permit", "Give access to notebooks", "users", BR_LEVEL_ADMIN, .body = BR_BODY_JSON,
	  .in = permit_in, .in_size = sizeof(struct permit_in), .out = &user_shape, .fails = permit_fails, .flags = BR_ROUTE_SLOW, .run = permit },
};
const struct br_routes br_beyond__users_rows = { rows, BR_COUNT(rows) };
