/*
 * Who may do what with which notebook. Access comes from owning it, from an invitation (chat_only) or from an administrator (either
 * kind); administrators have it to what nobody owns, too. Who has chat_only may see the notebook and talk with it; everything else
 * wants full access, and the rows of administrators want an administrator besides. In bypass mode everybody may everything.
 */
#include "beyond.h"

#include <stdlib.h>

enum access { ACCESS_UNKNOWN, ACCESS_NONE, ACCESS_CHAT, ACCESS_FULL };

static enum access kind_of(const char *kind)
{
	return !kind ? ACCESS_NONE : !strcmp(kind, "full_access") ? ACCESS_FULL : ACCESS_CHAT;
}

bool br_beyond__owns(const struct br_identity *who, const struct br_nb *nb)
{
	struct br_nb_values *v = br_nb_values_new(nb);
	const char *owner = br_nb_str(v, "owner");
	bool yes = who->bypass || (*owner ? !strcmp(owner, who->user) : who->level == BR_LEVEL_ADMIN);

	br_nb_values_free(v);
	return yes;
}

static int find_access(enum access *out, const struct br_identity *who, struct br_req *r, const struct br_nb *nb, struct br_err *err)
{
	const char *rec;
	int rc;

	*out = ACCESS_FULL;
	if (br_beyond__owns(who, nb))
		return 0;
	rc = br_keep_get(&rec, br_req_arena(r), br_req_ws(r), nb->nb, BR_KEEP_ACCESS, who->user, err);
	*out = kind_of(br_keep_member(br_req_arena(r), rec, "access_type"));
	return rc;
}

/* ---- for handlers ---- */

int br_beyond__need_full(struct br_req *r, const struct br_nb *nb, struct br_err *err)
{
	enum access a;
	int rc = find_access(&a, br_req_who(r), r, nb, err);

	return rc < 0 || a == ACCESS_FULL ? rc : br_fail(err, BR_EFORBIDDEN, "You have no access to this notebook");
}

static void take_mine(uint32_t nb, const char *name, const char *json, void *arg)
{
	struct br_beyond_mine *m = arg;

	(void)json;
	if (!strcmp(name, m->who->user))
		*br_vec_push(&m->nb) = nb;
}

int br_beyond__mine(struct br_beyond_mine *out, struct br_req *r, struct br_err *err)
{
	*out = (struct br_beyond_mine){ .who = br_req_who(r) };
	return out->who->bypass ? 0 : br_keep_each(br_req_arena(r), br_req_ws(r), 0, BR_KEEP_ACCESS, take_mine, out, err);
}

bool br_beyond__is_mine(const struct br_beyond_mine *m, const struct br_nb *nb)
{
	for (size_t i = 0; i < m->nb.n; i++)
		if (m->nb.v[i] == nb->nb)
			return true;
	return br_beyond__owns(m->who, nb);
}

/* ---- whose keys of model services are used: the caller's, the notebook's owner's, the workspace's ---- */

int br_beyond__provider_key(char **out, struct br_req *r, const char *provider, struct br_err *err)
{
	const struct br_identity *who = br_req_who(r);

	return br_keep_provider_key(out, br_req_ws(r), provider, (const char *[]){ who->bypass ? NULL : who->user, NULL }, err);
}

int br_beyond__use_key(struct br_llm *s, struct br_req *r, const struct br_nb *nb, struct br_err *err)
{
	const struct br_identity *who = br_req_who(r);
	struct br_nb_values *v = br_nb_values_new(nb);
	const char *const users[] = { who->user, br_nb_str(v, "owner"), NULL };
	int rc = br_keep_use_key(s, br_req_ws(r), who->bypass ? NULL : users, err);

	br_nb_values_free(v);
	return rc;
}

/* ---- before any handler: the notebook that the path names ---- */

static bool chat_suffices(const struct br_route *route)
{
	bool reads = !strcmp(route->method, "GET");

	return !strcmp(route->tag, "chat") || (reads && !strcmp(route->tag, "notebooks")) || !strcmp(route->id, "beyond_strategies");
}

static int look(enum access *out, const struct br_identity *who, struct br_req *r, const char *id, struct br_err *err)
{
	struct br_nb *nb;
	int rc = br_beyond__nb_by_id(&nb, r, id, err);

	*out = ACCESS_UNKNOWN;
	if (rc == -BR_ENOTFOUND) /* the handler says so, to those who may ask */
		return 0;
	return rc < 0 ? rc : find_access(out, who, r, nb, err);
}

enum br_who br_beyond__identify(struct br_identity *out, struct br_req *r, bool may_wait, struct br_err *err)
{
	enum br_who who = br_identify_user(out, r, may_wait, err);
	const char *id = br_req_param(r, "notebook_id");
	enum access *a;

	if (who != BR_WHO_KNOWN || out->bypass || !id)
		return who;
	out->own = a = br_arena_alloc(br_req_arena(r), sizeof *a);
	return look(a, out, r, id, err) < 0 ? BR_WHO_REFUSED : BR_WHO_KNOWN;
}

int br_beyond__authorise(struct br_req *r, struct br_err *err)
{
	const enum access *a = br_req_who(r)->own;

	if (!a || *a == ACCESS_UNKNOWN || *a == ACCESS_FULL)
		return 0;
	if (*a == ACCESS_NONE)
		return br_fail(err, BR_EFORBIDDEN, "You have no access to this notebook");
	return chat_suffices(br_req_route(r)) ? 0 : br_fail(err, BR_EFORBIDDEN, "Your access to this notebook is for chat only");
}
