/* Webhooks: making, finding, changing and deleting them, what may be registered, the names of events, the signature. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const event_names[] = {
#define X(id, number, name, ...) [number] = name,
	BR_HOOK_EVENT_LIST(X)
#undef X
};

const char *br_hook_event_name(enum br_hook_event_id e) { return event_names[e]; }

bool br_hook_event_parse(enum br_hook_event_id *out, const char *name)
{
	for (size_t i = 0; i < BR_COUNT(event_names); i++)
		if (!strcmp(event_names[i], name)) {
			*out = (enum br_hook_event_id)i;
			return true;
		}
	return false;
}

void br_hook_sign(char out[72], const char *secret, struct br_slice body)
{
	uint8_t mac[32];

	br_hmac_sha256(mac, br_slice_str(secret), body);
	memcpy(out, "sha256=", 7);
	br_hex(out + 7, mac, sizeof mac);
}

/* ---- what may be registered ---- */

/*
 * A name is looked up only when something is sent, and what it leads to then decides; so this refuses at once what can be told from
 * the text, and net refuses the rest each time.
 */
int hook_url_check(const char *url, const struct br_hook_rules *rules, struct br_err *err)
{
	struct br_url u = { 0 };
	struct br_addr a;
	size_t n;
	int rc;

	if (strlen(url) > BR_MAX_URL)
		return br_fail(err, BR_EUSAGE, "the address of a webhook has at most %d bytes", BR_MAX_URL);
	if ((rc = br_url_parse(&u, NULL, br_slice_str(url), err)) < 0)
		return br_fail(err, BR_EUSAGE, "'%.200s' is not an address of a webhook: http or https, and a host", url);
	n = strlen(u.host);
	if (rules->https && !u.https)
		rc = br_fail(err, BR_EUSAGE, "webhooks must use https here");
	else if (u.user || u.password)
		rc = br_fail(err, BR_EUSAGE, "the address of a webhook must not have a user or a password");
	else if ((br_addr_parse(&a, u.host) ||
	          ((!strcmp(u.host, "localhost") || (n > 10 && !strcmp(u.host + n - 10, ".localhost"))) && br_addr_parse(&a, "127.0.0.1"))) &&
	         !br_net_permits(rules->net, u.host, &a))
		rc = br_fail(err, BR_EUSAGE, "'%.200s' is a %s address; net.allow or net.allow_private lets webhooks go there", u.host,
		             br_addr_kind_name(br_addr_kind(&a)));
	br_url_release(&u);
	return rc;
}

/* url NULL: not looked at. */
static int check(const struct br_hook *h, const char *url, const struct br_hook_rules *rules, struct br_err *err)
{
	if (!h->events || h->events >> BR_HOOK_EVENT_COUNT)
		return br_fail(err, BR_EUSAGE, "a webhook needs events");
	if (h->secret && strlen(h->secret) > BR_MAX_HOOK_SECRET)
		return br_fail(err, BR_EUSAGE, "a webhook's secret has at most %d bytes", BR_MAX_HOOK_SECRET);
	return url ? hook_url_check(url, rules, err) : 0;
}

/* ---- secrets ---- */

static void secret_name(char out[50], const char *id) { snprintf(out, 50, "webhook:%s", id); }

/* "": none any more. */
static int keep_secret(struct br_ws *ws, const char *id, const char *secret, struct br_err *err)
{
	char name[50];
	int rc;

	secret_name(name, id);
	rc = br_keep_secret_put(ws, name, *secret ? secret : NULL, err);
	return BR_MIN(rc, 0);
}

char *hook_secret(struct br_ws *ws, const struct br_hook *h, struct br_err *err)
{
	char name[50], *out;

	if (!h->is_signed)
		return br_strdup("");
	secret_name(name, h->id);
	if (br_keep_secret_get(&out, ws, name, err) < 0)
		return NULL;
	if (!out)
		br_fail(err, BR_EINPUT, "the webhook's secret cannot be read: was the key of the workspace changed?");
	return out;
}

void hook_secret_free(char *secret)
{
	if (secret)
		br_wipe(secret, strlen(secret));
	free(secret);
}

/* ---- making ---- */

static int create(struct br_txn *t, void *arg, struct br_err *err)
{
	struct br_hook *h = arg;
	uint64_t next, n;
	int rc;

	if ((rc = br_table_count(&n, t, BR_T_HOOK, err)) < 0 || (rc = br_meta_get(&next, t, "next_hook", err)) < 0)
		return rc;
	if (n >= BR_MAX_HOOKS || next >= UINT32_MAX)
		return br_fail(err, BR_ETOOBIG, "there are %d webhooks already", BR_MAX_HOOKS);
	h->number = (uint32_t)next + 1;
	rc = hook_store(t, h, err);
	return rc < 0 ? rc : br_meta_put(t, "next_hook", h->number, err);
}

int br_hook_create(struct br_hook *hook, struct br_ws *ws, const struct br_hook_rules *rules, struct br_err *err)
{
	int rc;

	hook->secret = hook->secret ? hook->secret : "";
	hook->owner = hook->owner ? hook->owner : "";
	hook->notebooks = hook->notebooks ? hook->notebooks : "";
	hook->stopped = "";
	hook->failing = 0;
	br_uuid(hook->id);
	hook->created = hook->changed = br_now();
	hook->is_signed = *hook->secret;
	if ((rc = check(hook, hook->url, rules, err)) < 0 || (rc = keep_secret(ws, hook->id, hook->secret, err)) < 0)
		return rc;
	if ((rc = br_store_write(ws->store, create, hook, err)) < 0)
		(void)keep_secret(ws, hook->id, "", NULL);
	return rc;
}

/* ---- finding ---- */

int br_hook_each(struct br_txn *t, br_hook_fn *fn, void *arg, struct br_err *err)
{
	struct br_cur cur;
	int rc = br_cur_open(&cur, t, BR_T_HOOK, err), stop = 0;

	if (rc < 0)
		return rc;
	for (rc = br_cur_seek(&cur, br_slice("", 0), err); rc > 0 && !stop; rc = br_cur_next(&cur, err)) {
		struct br_arena a = { 0 };
		struct br_hook h;
		int bad = cur.key.len == 4 ? hook_decode(&h, &a, br_rd_be32(cur.key.ptr), cur.val, err) :
			br_fail(err, BR_ECORRUPT, "the key of a webhook is damaged");
		if (bad == 0)
			stop = fn(&h, arg);
		br_arena_release(&a);
		if (bad < 0) {
			rc = bad;
			break;
		}
	}
	br_cur_close(&cur);
	return rc < 0 ? rc : stop;
}

struct wanted { const char *id; size_t n; uint32_t number; unsigned found; };

static int match(const struct br_hook *h, void *arg)
{
	struct wanted *w = arg;

	if (!strncmp(h->id, w->id, w->n)) {
		w->number = h->number;
		w->found++;
	}
	return 0;
}

int br_hook_find(struct br_hook *out, struct br_arena *a, struct br_txn *t, const char *id, struct br_err *err)
{
	struct wanted w = { .id = id, .n = strlen(id) };
	int rc;

	if (w.n >= 6 && w.n <= 36 && (rc = br_hook_each(t, match, &w, err)) < 0)
		return rc;
	if (w.found > 1)
		return br_fail(err, BR_EUSAGE, "several webhooks begin with '%s'", id);
	if (!w.found)
		return br_fail(err, BR_ENOTFOUND, "no webhook '%.100s'", id);
	rc = hook_load(out, a, t, w.number, err);
	return BR_MIN(rc, 0);
}

/* ---- changing ---- */

struct edit { const char *id; const struct br_hook_rules *rules; br_hook_edit_fn *fn; void *arg; char whole_id[37]; const char *secret; };

static int edit(struct br_txn *t, void *arg, struct br_err *err)
{
	struct edit *e = arg;
	struct br_arena a = { 0 };
	struct br_hook h;
	const char *url;
	bool was;
	int rc;

	if ((rc = br_hook_find(&h, &a, t, e->id, err)) < 0)
		goto out;
	was = h.active;
	url = h.url;
	if ((rc = e->fn(&h, e->arg, err)) < 0)
		goto out;
	h.changed = br_now();
	memcpy(e->whole_id, h.id, sizeof e->whole_id);
	e->secret = h.secret;
	if (h.secret)
		h.is_signed = *h.secret;
	if (h.active && !was) { /* begins anew */
		h.stopped = "";
		h.failing = 0;
	}
	if ((rc = check(&h, strcmp(url, h.url) || (h.active && !was) ? h.url : NULL, e->rules, err)) == 0)
		rc = hook_store(t, &h, err);
out:
	br_arena_release(&a);
	return BR_MIN(rc, 0);
}

int br_hook_edit(struct br_ws *ws, const char *id, const struct br_hook_rules *rules, br_hook_edit_fn *fn, void *arg, struct br_err *err)
{
	struct edit e = { .id = id, .rules = rules, .fn = fn, .arg = arg };
	int rc = br_store_write(ws->store, edit, &e, err);

	return rc < 0 || !e.secret ? rc : keep_secret(ws, e.whole_id, e.secret, err);
}

static int drop(struct br_txn *t, void *arg, struct br_err *err)
{
	struct edit *e = arg;
	struct br_arena a = { 0 };
	struct br_hook h;
	struct br_key k;
	int rc = br_hook_find(&h, &a, t, e->id, err);

	if (rc == 0) {
		memcpy(e->whole_id, h.id, sizeof e->whole_id);
		br_key_init(&k, h.number);
		if ((rc = br_del_prefix(t, BR_T_DELIVERY, br_key_slice(&k), err)) >= 0)
			rc = br_del(t, BR_T_HOOK, br_key_slice(&k), err);
	}
	br_arena_release(&a);
	return BR_MIN(rc, 0);
}

int br_hook_delete(struct br_ws *ws, const char *id, struct br_err *err)
{
	struct edit e = { .id = id };
	int rc = br_store_write(ws->store, drop, &e, err);

	return rc < 0 ? rc : keep_secret(ws, e.whole_id, "", err);
}
