/* I1 to I7: invitations, and the access that they give. */
#include "beyond.h"

#include <stdio.h>
#include <stdlib.h>

#define INVITES NB "/invites"

static const char *now_text(struct br_req *r)
{
	char iso[32];

	br_time_iso(iso, br_now());
	return br_arena_strdup(br_req_arena(r), iso);
}

/* An object of strings; NULL values are null. */
static const char *make_json(struct br_req *r, const char *const pair[][2], size_t n)
{
	struct br_buf b = BR_BUF_INIT(64 << 10);
	struct br_json j;
	char *out;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	for (size_t i = 0; i < n; i++)
		br_json_kstr(&j, pair[i][0], pair[i][1]);
	br_json_end(&j);
	out = br_arena_strdup(br_req_arena(r), b.ptr);
	br_buf_release(&b);
	return out;
}

/* ---- I1, I2, I3 ---- */

static void write_invite(struct br_json *j, struct br_req *r, const struct br_nb *nb, const char *code, const char *rec, int64_t redeemed)
{
	br_json_obj(j);
	br_json_kstr(j, "invite_code", code);
	br_json_kstr(j, "notebook_id", nb->id);
	br_json_kstr(j, "created_by", br_keep_member(br_req_arena(r), rec, "created_by"));
	br_json_kstr(j, "expires_at", br_keep_member(br_req_arena(r), rec, "expires_at"));
	br_json_kstr(j, "invite_url", br_arena_printf(br_req_arena(r), "%s/invite/%s", br_beyond__base_url(r), code));
	br_json_kstr(j, "created_at", br_keep_member(br_req_arena(r), rec, "created_at"));
	br_json_kint(j, "redeemed_count", redeemed);
	br_json_end(j);
}
static const struct br_field invite_out[] = {
	{ "invite_code", MUST(STR) }, { "notebook_id", MUST(STR) }, { "created_by", MUST(STR) }, { "expires_at", MAY_NULL(STR), .format = "date-time" },
	{ "invite_url", MUST(STR) }, { "created_at", MUST(STR), .format = "date-time" }, { "redeemed_count", MUST(INT) }, BR_FIELD_END,
};
static const struct br_shape invite_shape = { "BeyondInvite", invite_out, 0 };

struct invite_in { const char *expires; };
static const struct br_field invite_in[] = {
	{ "expires_at", BR_FAT_STR(struct invite_in, expires), .max = 40, .format = "date-time", .help = "never when it is left out" }, BR_FIELD_END,
};

static void make_code(char out[13])
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	uint8_t b[12];

	br_random(b, sizeof b);
	for (size_t i = 0; i < sizeof b; i++)
		out[i] = letters[b[i] % 36];
	out[12] = 0;
}

static int invite(struct br_req *r, const void *in, struct br_err *err)
{
	const struct invite_in *p = in;
	const char *rec;
	char code[13];
	struct br_nb *nb;
	int64_t when;
	int rc = br_beyond__nb(&nb, r, err);

	if (rc < 0)
		return rc;
	if (p->expires && br_beyond__parse_time(&when, p->expires) < 0)
		return br_req_fail(r, 422, err, BR_EUSAGE, "expires_at must be a time such as 2030-01-31T12:00:00Z");
	make_code(code);
	rec = make_json(r, (const char *const[][2]){ { "created_by", br_req_who(r)->user }, { "expires_at", p->expires }, { "created_at", now_text(r) } }, 3);
	if ((rc = br_keep_put(br_req_ws(r), nb->nb, BR_KEEP_INVITE, code, rec, err)) < 0)
		return rc;
	write_invite(br_reply(r, 0), r, nb, code, rec, 0);
	return 0;
}

struct listing { struct br_req *r; struct br_nb *nb; struct br_json *j; const char *code; int64_t n; BR_VEC(const char *) v; };

static void count_redeemed(uint32_t nb, const char *name, const char *json, void *arg)
{
	struct listing *l = arg;
	const char *code = br_keep_member(br_req_arena(l->r), json, "invite_code");

	(void)nb;
	(void)name;
	l->n += code && !strcmp(code, l->code);
}

static void take_both(uint32_t nb, const char *name, const char *json, void *arg)
{
	struct listing *l = arg;

	(void)nb;
	*br_vec_push(&l->v) = name;
	*br_vec_push(&l->v) = json;
}

static int list(struct br_req *r, const void *in, struct br_err *err)
{
	struct listing l = { .r = r };
	int rc = br_beyond__nb(&l.nb, r, err);

	(void)in;
	if (rc == 0 && (rc = br_keep_each(br_req_arena(r), br_req_ws(r), l.nb->nb, BR_KEEP_INVITE, take_both, &l, err)) == 0) {
		l.j = br_reply(r, 0);
		br_json_arr(l.j);
		for (size_t i = 0; i < l.v.n && rc == 0; i += 2) {
			l.code = l.v.v[i];
			l.n = 0;
			rc = br_keep_each(br_req_arena(r), br_req_ws(r), l.nb->nb, BR_KEEP_ACCESS, count_redeemed, &l, err);
			write_invite(l.j, r, l.nb, l.v.v[i], l.v.v[i + 1], l.n);
		}
		br_json_end(l.j);
	}
	br_vec_release(&l.v);
	return rc;
}

static int reply_deleted(struct br_req *r, int was, const char *what, struct br_err *err)
{
	struct br_json *j;

	if (was < 0)
		return was;
	if (!was)
		return br_fail(err, BR_ENOTFOUND, "%s not found", what);
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kbool(j, "deleted", true);
	br_json_end(j);
	return 0;
}
static const struct br_field deleted_out[] = { { "deleted", MUST(BOOL) }, BR_FIELD_END };
static const struct br_shape deleted_shape = { "BeyondDeleted", deleted_out, 0 };

static int revoke(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc < 0)
		return rc;
	return reply_deleted(r, br_keep_put(br_req_ws(r), nb->nb, BR_KEEP_INVITE, br_req_param(r, "invite_code"), NULL, err), "Invitation", err);
}

/* ---- I4, I5 ---- */

struct found { const char *code, *rec; uint32_t nb; };

static void find_code(uint32_t nb, const char *name, const char *json, void *arg)
{
	struct found *f = arg;

	if (!strcmp(name, f->code))
		*f = (struct found){ f->code, json, nb };
}

static int find_invite(struct br_nb **nb, struct found *f, struct br_req *r, struct br_err *err)
{
	const char *until;
	struct br_txn *t;
	int64_t when;
	int rc;

	f->code = br_req_param(r, "invite_code");
	if ((rc = br_keep_each(br_req_arena(r), br_req_ws(r), 0, BR_KEEP_INVITE, find_code, f, err)) < 0)
		return rc;
	if (!f->rec)
		return br_fail(err, BR_ENOTFOUND, "Invitation not found");
	until = br_keep_member(br_req_arena(r), f->rec, "expires_at");
	if (until && br_beyond__parse_time(&when, until) == 0 && when <= br_now())
		return br_req_fail(r, 410, err, BR_ENOTFOUND, "This invitation has expired");
	if ((rc = br_txn_read(&t, br_req_ws(r)->store, err)) < 0)
		return rc;
	rc = br_nb_by_number(nb, br_req_arena(r), t, f->nb, err);
	br_txn_end(t);
	return rc;
}

static int preview(struct br_req *r, const void *in, struct br_err *err)
{
	struct found f = { 0 };
	struct br_nb_values *v;
	struct br_json *j;
	struct br_nb *nb;
	int rc = find_invite(&nb, &f, r, err);

	(void)in;
	if (rc < 0)
		return rc;
	v = br_nb_values_new(nb);
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "invite_code", f.code);
	br_json_kstr(j, "notebook_id", nb->id);
	br_json_kstr(j, "notebook_title", *br_nb_str(v, "title") ? br_nb_str(v, "title") : nb->name);
	br_json_kstr(j, "expires_at", br_keep_member(br_req_arena(r), f.rec, "expires_at"));
	br_json_end(j);
	br_nb_values_free(v);
	return 0;
}
static const struct br_field preview_out[] = {
	{ "invite_code", MUST(STR) }, { "notebook_id", MUST(STR) }, { "notebook_title", MUST(STR) }, { "expires_at", MAY_NULL(STR), .format = "date-time" },
	BR_FIELD_END,
};
static const struct br_shape preview_shape = { "BeyondInvitePreview", preview_out, 0 };

/* Who has access already keeps what they have. */
static int redeem(struct br_req *r, const void *in, struct br_err *err)
{
	const char *user = br_req_who(r)->user, *was, *kind;
	struct found f = { 0 };
	struct br_json *j;
	struct br_nb *nb;
	int rc = find_invite(&nb, &f, r, err);

	(void)in;
	if (rc < 0 || (rc = br_keep_get(&was, br_req_arena(r), br_req_ws(r), nb->nb, BR_KEEP_ACCESS, user, err)) < 0)
		return rc;
	kind = br_keep_member(br_req_arena(r), was, "access_type");
	if (!was) {
		const char *rec = make_json(r, (const char *const[][2]){ { "access_type", "chat_only" }, { "created_at", now_text(r) }, { "invite_code", f.code } }, 3);
		if ((rc = br_keep_put(br_req_ws(r), nb->nb, BR_KEEP_ACCESS, user, rec, err)) < 0)
			return rc;
	}
	j = br_reply(r, 0);
	br_json_obj(j);
	br_json_kstr(j, "notebook_id", nb->id);
	br_json_kstr(j, "access_type", kind ? kind : "chat_only");
	br_json_end(j);
	return 0;
}
static const struct br_field redeem_out[] = { { "notebook_id", MUST(STR) }, { "access_type", MUST(STR), .choices = "chat_only|full_access" }, BR_FIELD_END };
static const struct br_shape redeem_shape = { "BeyondRedeemed", redeem_out, 0 };

/* ---- I6, I7 ---- */

static int list_access(struct br_req *r, const void *in, struct br_err *err)
{
	struct listing l = { .r = r };
	int rc = br_beyond__nb(&l.nb, r, err);

	(void)in;
	if (rc == 0 && (rc = br_keep_each(br_req_arena(r), br_req_ws(r), l.nb->nb, BR_KEEP_ACCESS, take_both, &l, err)) == 0) {
		l.j = br_reply(r, 0);
		br_json_arr(l.j);
		for (size_t i = 0; i < l.v.n; i += 2) {
			br_json_obj(l.j);
			br_json_kstr(l.j, "user_id", l.v.v[i]);
			br_json_kstr(l.j, "access_type", br_keep_member(br_req_arena(r), l.v.v[i + 1], "access_type"));
			br_json_kstr(l.j, "created_at", br_keep_member(br_req_arena(r), l.v.v[i + 1], "created_at"));
			br_json_end(l.j);
		}
		br_json_end(l.j);
	}
	br_vec_release(&l.v);
	return rc;
}
static const struct br_field access_out[] = {
	{ "user_id", MUST(STR) }, { "access_type", MUST(STR), .choices = "chat_only|full_access" }, { "created_at", MUST(STR), .format = "date-time" }, BR_FIELD_END,
};
static const struct br_shape access_shape = { "BeyondAccess", access_out, 0 };

static int revoke_access(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_nb *nb;
	int rc = br_beyond__nb(&nb, r, err);

	(void)in;
	if (rc < 0)
		return rc;
	return reply_deleted(r, br_keep_put(br_req_ws(r), nb->nb, BR_KEEP_ACCESS, br_req_param(r, "user_id"), NULL, err), "Access", err);
}

static const short known[] = { 404, 0 }, redeem_fails[] = { 404, 410, 0 };
static const struct br_route rows[] = {
	{ "POST", INVITES, "beyond_invite", "Invite somebody", "sharing", BR_LEVEL_ADMIN, .body = BR_BODY_JSON, .in = invite_in,
	  .in_size = sizeof(struct invite_in), .out = &invite_shape, .ok = 201, .fails = known, .flags = BR_ROUTE_SLOW | BR_ROUTE_MAY_BODY, .run = invite },
	{ "GET", INVITES, "beyond_invites", "Invitations", "sharing", BR_LEVEL_ADMIN, .out = &invite_shape, .fails = known, .flags = BR_ROUTE_LIST, .run = list },
	{ "DELETE", INVITES "/{invite_code}", "beyond_revoke_invite", "Take an invitation back", "sharing", BR_LEVEL_ADMIN, .out = &deleted_shape,
	  .fails = known, .flags = BR_ROUTE_SLOW, .run = revoke },
	{ "GET", "/api/invite/{invite_code}", "beyond_invite_preview", "What an invitation is for", "sharing", BR_LEVEL_USER, .out = &preview_shape,
	  .fails = redeem_fails, .run = preview },
	{ "POST", "/api/invite/{invite_code}/redeem", "beyond_redeem", "Accept an invitation", "sharing", BR_LEVEL_USER, .out = &redeem_shape,
	  .fails = redeem_fails, .flags = BR_ROUTE_SLOW, .run = redeem },
	{ "GET", NB "/access", "beyond_access", "Who has access", "sharing", BR_LEVEL_ADMIN, .out = &access_shape, .fails = known,
	  .flags = BR_ROUTE_LIST, .run = list_access },
	{ "DELETE", NB "/access/{user_id}", "beyond_revoke_access", "Take access away", "sharing", BR_LEVEL_ADMIN, .out = &deleted_shape, .fails = known,
	  .flags = BR_ROUTE_SLOW, .run = revoke_access },
};
const struct br_routes br_beyond__sharing_rows = { rows, BR_COUNT(rows) };
