/*
 * Requests: made from a head, read by handlers through these functions, reset for the next one.
 */
#include "internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <unistd.h>

struct br_req *br_req__new(struct br_conn *c)
{
	struct br_loop *l = c->loop;
	struct br_req *r = l->spare;

	if (r) {
		l->spare = r->next_posted;
		l->spares--;
	} else {
		r = br_alloc(sizeof *r);
		r->job.fn = br_step__run;
		br_buf_init(&r->body, 0);
		br_buf_init(&r->block, BR_SERVE_BLOCK + 1);
		br_buf_init(&r->value, BR_SERVE_FORM_VALUE);
		br_buf_init(&r->headers, BR_SERVE_HEAD);
		br_buf_init(&r->out, BR_SERVE_REPLY);
		br_buf_init(&r->head_out, 2 * BR_SERVE_HEAD);
		br_buf_init(&r->ring, BR_SERVE_RING);
		br_buf_init(&r->inward, BR_SERVE_RING);
		pthread_mutex_init(&r->mu, NULL);
		pthread_cond_init(&r->stirred, NULL);
	}
	r->next_posted = NULL;
	r->server = l->server;
	r->conn = c;
	r->began = br_mono_ns();
	return r;
}

/* Small memory is kept for the next request. */
static void slim(struct br_buf *b)
{
	if (b->cap > BR_SERVE_RING)
		br_buf_release(b);
	else
		br_buf_reset(b);
}

static void reset(struct br_req *r)
{
	struct br_buf *const all[] = { &r->body, &r->block, &r->value, &r->headers, &r->out, &r->head_out, &r->ring, &r->inward };

	br_upload__release(r);
	br_jdoc_free(r->doc);
	for (size_t i = 0; i < BR_COUNT(all); i++)
		slim(all[i]);
	if (r->file)
		close(r->file);
	br_arena_reset(&r->arena);
	r->problem.n = 0;
	memset(&r->match, 0, (size_t)((char *)&r->framing - (char *)&r->match));
	r->framing = (struct br_framing){ 0 };
	r->body_max = r->body_seen = r->form_bytes = r->given = 0;
	r->body_over = r->replied = r->enveloped = r->head_only = r->no_body = r->gzip = r->transient = r->done = r->posted = false;
	r->busy = r->slow = r->later = r->parsed = false;
	r->doc = NULL;
	r->in = NULL;
	r->status = r->fail_status = r->file = r->step_rc = 0;
	r->type = NULL;
	r->file_at = r->file_left = r->bytes = 0;
	r->worker = NULL;
	r->conn = NULL;
	r->err = (struct br_err){ 0 };
	r->streaming = r->stream_over = r->gone = r->upgrade = false;
	r->on_gone = NULL;
}

#define SPARE_REQS 64 /* of an event thread */

void br_req__done(struct br_req *r)
{
	struct br_loop *l = r->conn->loop;

	reset(r);
	if (l->spares >= SPARE_REQS) {
		br_req__free(r);
		return;
	}
	r->next_posted = l->spare;
	l->spare = r;
	l->spares++;
}

void br_req__free(struct br_req *r)
{
	struct br_buf *const all[] = { &r->body, &r->block, &r->value, &r->headers, &r->out, &r->head_out, &r->ring, &r->inward };

	for (size_t i = 0; i < BR_COUNT(all); i++)
		br_buf_release(all[i]);
	br_vec_release(&r->problem);
	br_vec_release(&r->part);
	br_arena_release(&r->arena);
	pthread_mutex_destroy(&r->mu);
	pthread_cond_destroy(&r->stirred);
	free(r);
}

/* ---- from the head ---- */

static bool read_query(struct br_req *r)
{
	struct br_slice rest = r->head.query.len ? r->head.query : br_slice(NULL, 0), item;
	size_t max = 1;

	for (size_t i = 0; i < rest.len; i++)
		max += rest.ptr[i] == '&';
	if (max > BR_SERVE_PARAMS)
		return false;
	r->query = rest.len ? br_arena_alloc(&r->arena, max * sizeof *r->query) : NULL;
	while (br_list_next(&item, &rest, '&')) {
		const char *eq = memchr(item.ptr, '=', item.len);
		size_t n = eq ? (size_t)(eq - item.ptr) : item.len;
		char *name = br_arena_alloc(&r->arena, item.len + 2), *value = name + n + 1;

		if (!item.len)
			continue;
		*value = 0;
		if (br_url_decode(name, br_slice(item.ptr, n), true) < 0 ||
		    (eq && br_url_decode(value, br_slice(eq + 1, item.len - n - 1), true) < 0))
			return false;
		r->query[r->queries++] = (struct br_pair){ name, value };
	}
	return true;
}

/* What the client calls it, when that can be put into logs and headers; else a name of our own. */
static void take_id(struct br_req *r)
{
	static _Thread_local struct { uint64_t process; uint32_t count; } own; /* unique, not secret */
	const struct br_header *h = br_head_get(&r->head, "X-Request-Id", 0);
	size_t n = h ? h->value.len : 0;

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)h->value.ptr[i]) && !strchr("-_.:+/=", h->value.ptr[i]))
			n = 0;
	r->own_id = !n || n >= sizeof r->id;
	if (!r->own_id) {
		memcpy(r->id, h->value.ptr, n);
		r->id[n] = 0;
		return;
	}
	if (!own.process)
		br_random(&own, sizeof own);
	own.count++;
	br_hex(r->id, (const uint8_t *)&own, 12);
}

bool br_req__take_head(struct br_req *r, const char *p, size_t n, int *status, const char **why)
{
	char *copy = br_arena_strndup(&r->arena, p, n);
	int rc = br_head_parse(&r->head, copy, n, why);

	take_id(r);
	if (rc < 0) {
		*status = -rc;
		return false;
	}
	r->head_only = br_slice_eq(r->head.method, br_slice_str("HEAD"));
	if (!read_query(r)) {
		*status = 400;
		*why = "the query of the request cannot be decoded, or has too many parameters";
		return false;
	}
	return true;
}

/* ---- for handlers ---- */

const struct br_identity *br_req_who(const struct br_req *r) { return &r->who; }
const struct br_route *br_req_route(const struct br_req *r) { return r->row ? r->row->route : NULL; }
struct br_arena *br_req_arena(struct br_req *r) { return &r->arena; }
struct br_ws *br_req_ws(struct br_req *r) { return r->server->o.ws; }
struct br_server *br_req_server(struct br_req *r) { return r->server; }
const char *br_req_id(const struct br_req *r) { return r->id; }
const char *br_req_address(const struct br_req *r) { return r->client; }
bool br_req_local(const struct br_req *r) { return r->conn->peer.local && r->client == r->conn->peer.text; }
bool br_req_secure(const struct br_req *r) { return r->secure; }
struct br_slice br_req_body(const struct br_req *r) { return br_buf_slice(&r->body); }

struct br_searcher *br_req_searcher(struct br_req *r)
{
	if (!r->worker->searcher)
		r->worker->searcher = br_searcher_new(r->server->o.ws);
	return r->worker->searcher;
}

static const char *text_of(const struct br_req *r, struct br_slice s)
{
	return br_arena_strndup((struct br_arena *)&r->arena, s.ptr ? s.ptr : "", s.len);
}

const char *br_req_path(const struct br_req *r) { return text_of(r, r->head.path); }
const char *br_req_method(const struct br_req *r) { return text_of(r, r->head.method); }

const char *br_req_header(const struct br_req *r, const char *name)
{
	const struct br_header *h = br_head_get(&r->head, name, 0);
	const char *all = NULL;

	for (; h; h = br_head_get(&r->head, name, (size_t)(h - r->head.header) + 1))
		all = !all ? text_of(r, h->value)
		           : br_arena_printf((struct br_arena *)&r->arena, "%s, %.*s", all, (int)h->value.len, h->value.ptr);
	return all;
}

const char *br_req_query(const struct br_req *r, const char *name)
{
	for (size_t i = 0; i < r->queries; i++)
		if (!strcmp(r->query[i].name, name))
			return r->query[i].value;
	return NULL;
}

const char *br_req_param(const struct br_req *r, const char *name)
{
	for (unsigned i = 0; r->row && i < r->row->params; i++)
		if (!strcmp(r->row->param[i], name))
			return r->match.value[i];
	return NULL;
}

const struct br_problem *br_req_problems(const struct br_req *r, size_t *n)
{
	*n = r->problem.n;
	return r->problem.v;
}

void br_req_forget(struct br_req *r)
{
	r->problem.n = 0;
	r->fail_status = 0;
}

struct br_part *br_req_part(struct br_req *r, size_t i)
{
	return i < r->part.n ? &r->part.v[i] : NULL;
}
