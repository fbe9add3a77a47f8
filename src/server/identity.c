/*
 * Who asks, by a token of the identity provider, and what is kept about users: their names and roles as tokens told them, and the role
 * that an administrator gave.
 */
#include "internal.h"

#include "br/auth.h"
#include "br/keep.h"

#include <stdlib.h>
#include <strings.h>

#define SEEN_SECONDS 3600 /* a user who comes again within is not written down again */

/* ---- people ---- */

static const char *member(struct br_req *r, const struct br_jval *v, const char *key)
{
	return br_arena_strdup(&r->arena, br_jval_str(br_jval_get(v, key)));
}

void br_person_read(struct br_person *out, struct br_req *r, const char *id, const char *json)
{
	struct br_jdoc *doc = NULL;
	const struct br_jval *v = NULL;

	if (json && br_jdoc_parse(&doc, br_slice_str(json), "a user", NULL) == 0)
		v = br_jdoc_root(doc);
	*out = (struct br_person){ id, member(r, v, "email"), member(r, v, "first_name"), member(r, v, "last_name"), member(r, v, "claim"),
		member(r, v, "role"), member(r, v, "created"), member(r, v, "seen") };
	br_jdoc_free(doc);
}

int br_person_get(struct br_person *out, struct br_req *r, const char *id, struct br_err *err)
{
	const char *json;
	int rc = br_keep_get(&json, &r->arena, r->server->o.ws, 0, BR_KEEP_PERSON, id, err);

	br_person_read(out, r, id, json);
	return rc < 0 ? rc : json != NULL;
}

int br_person_put(struct br_req *r, const struct br_person *p, struct br_err *err)
{
	struct br_buf b = BR_BUF_INIT(64 << 10);
	struct br_json j;
	int rc;

	br_json_init(&j, &b, false);
	br_json_obj(&j);
	br_json_kstr(&j, "email", p->email);
	br_json_kstr(&j, "first_name", p->first_name);
	br_json_kstr(&j, "last_name", p->last_name);
	br_json_kstr(&j, "claim", p->claim);
	br_json_kstr(&j, "role", p->role);
	br_json_kstr(&j, "created", p->created);
	br_json_kstr(&j, "seen", p->seen);
	br_json_end(&j);
	if ((rc = br_buf_check(&b, "a user", err)) == 0)
		rc = br_keep_put(r->server->o.ws, 0, BR_KEEP_PERSON, p->id, b.ptr, err);
	br_buf_release(&b);
	return BR_MIN(rc, 0);
}

/* ---- what a token says ---- */

static const char *claim(struct br_req *r, const struct br_jval *claims, const char *const *names)
{
	const char *s = NULL;

	for (; !s && *names; names++)
		s = br_jval_str(br_jval_get(claims, *names));
	return s && strlen(s) <= 200 ? br_arena_strdup(&r->arena, s) : NULL;
}

/* Where providers put it is decided by who makes the template of the token. */
static const char *role_claim(const struct br_jval *claims)
{
	static const char *const holders[] = { "public_metadata", "publicMetadata", "metadata" };

	for (size_t i = 0; i < BR_COUNT(holders); i++) {
		const char *role = br_jval_str(br_jval_get(br_jval_get(claims, holders[i]), "role"));
		if (role)
			return role;
	}
	return br_jval_str(br_jval_get(claims, "role"));
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool is_fresh(const struct br_person *p)
{
	int64_t at;

	return p->seen && br_time_parse(&at, p->seen) == 0 && br_now() - at < SEEN_SECONDS;
}

/* What cannot be written down now is written when the user comes again. */
static void note(struct br_req *r, struct br_person *p, const struct br_jval *claims)
{
	static const char *const email[] = { "email", "email_address", "primary_email_address", NULL }, *const first[] = { "first_name", "given_name", NULL },
	                         *const last[] = { "last_name", "family_name", NULL };
	const char *role = role_claim(claims) && !strcmp(role_claim(claims), "admin") ? "admin" : "user";
	struct br_err err;
	char now[32];

	if (is_fresh(p) && same(p->claim, role))
		return;
	br_time_iso(now, br_now());
	p->seen = br_arena_strdup(&r->arena, now);
	p->created = p->created ? p->created : p->seen;
	p->claim = role;
	p->email = claim(r, claims, email);
	p->first_name = claim(r, claims, first);
	p->last_name = claim(r, claims, last);
	if (br_person_put(r, p, &err) < 0)
		br_log(BR_LOG_WARN, "%s: a user is not noted: %s", r->id, err.msg);
}

static bool in_list(const char *list, const char *word)
{
	struct br_slice rest = br_slice_str(list), item;

	while (br_list_next(&item, &rest, ','))
		if (br_slice_eq(item, br_slice_str(word)))
			return true;
	return false;
}

bool br_person_is_admin(struct br_req *r, const struct br_person *p)
{
	const char *role = p->role ? p->role : p->claim, *admins = br_config_get(r->server->o.ws->config, "auth.admins", NULL);

	return in_list(admins, p->id) || (role && !strcmp(role, "admin"));
}

/* ---- identify ---- */

/* Empty: none, or not of this kind. */
static struct br_slice bearer(const struct br_req *r)
{
	const char *h = br_req_header(r, "Authorization");

	if (!h || strncasecmp(h, "Bearer ", 7))
		return br_slice("", 0);
	return br_slice_str(h + 7 + strspn(h + 7, " "));
}

static int refuse(struct br_req *r, int rc, struct br_err *err)
{
	if (rc == -BR_EUPSTREAM)
		return br_req_fail(r, 502, err, BR_EUPSTREAM, "The identity provider cannot be reached");
	if (rc == -BR_EUSAGE)
		return br_req_fail(r, 500, err, BR_EUSAGE, "The server asks for tokens, but is not told whose");
	return rc;
}

static int find_user(struct br_identity *out, struct br_req *r, const struct br_jwt *t, struct br_err *err)
{
	struct br_person p;
	int rc = br_person_get(&p, r, br_arena_strdup(&r->arena, t->sub), err);

	if (rc < 0)
		return rc;
	note(r, &p, t->claims);
	*out = (struct br_identity){ .level = br_person_is_admin(r, &p) ? BR_LEVEL_ADMIN : BR_LEVEL_USER, .user = p.id };
	return 0;
}

enum br_who br_identify_user(struct br_identity *out, struct br_req *r, bool may_wait, struct br_err *err)
{
	struct br_idp *p = r->server->o.idp;
	enum br_jwt_refusal why;
	struct br_jwt t = { 0 };
	int rc;

	if (!p)
		return br_identify_bypass(out, r, may_wait, err);
	if (!may_wait)
		return BR_WHO_LATER;
	if ((rc = br_idp_check(&t, &why, p, bearer(r), err)) == 0)
		rc = find_user(out, r, &t, err);
	else
		refuse(r, rc, err);
	br_jwt_release(&t);
	return rc < 0 ? BR_WHO_REFUSED : BR_WHO_KNOWN;
}
