/*
 * What workers do with a request: find out who asks where that takes time, take a block of an upload, run the handler.
 */
#include "internal.h"

#include <stdlib.h>

static int status_of(const struct br_req *r, const struct br_err *err)
{
	if (r->fail_status)
		return r->fail_status;
	if (r->problem.n)
		return r->dialect->invalid ? r->dialect->invalid : 422;
	return br_err_info(err->code)->http;
}

static void parse_and_run(struct br_req *r)
{
	const struct br_route *route = r->row->route;
	struct br_err err = { 0 };
	int rc;

	if (!r->parsed && br_fields__read(r, &err) < 0) {
		br_reply__err(r, BR_AT_PARSE, err.code == BR_EINPUT ? 400 : status_of(r, &err), &err);
		return;
	}
	if (!r->parsed && r->dialect->gateway && br_gate__authorise(r) < 0)
		return;
	r->parsed = true;
	rc = route->run(r, r->in, &err);
	if (r->later)
		return;
	if (rc < 0 && !r->streaming) {
		if (err.code == BR_EBUG || err.code == BR_ECORRUPT || err.code == BR_EIO)
			br_log(BR_LOG_ERROR, "%s %s: %s", r->id, route->id, err.msg);
		br_reply__err(r, BR_AT_RUN, status_of(r, &err), &err);
	} else if (!r->replied && !r->streaming) {
		br_reply_empty(r, 204);
	}
}

/* The answer as it stands is complete but for its last line end. */
static void close_envelope(struct br_req *r)
{
	if (r->enveloped && r->dialect->close)
		r->dialect->close(&r->json);
	r->enveloped = false;
}

static void run_or_repeat(struct br_req *r)
{
	struct br_cache *cache = r->server->cache;
	struct br_cache_key key;

	if (!cache || !(r->row->route->flags & (BR_ROUTE_CACHE | BR_ROUTE_CACHE_NB)) || !br_cache__key(&key, r)) {
		parse_and_run(r);
		return;
	}
	if (br_cache__get(cache, &key, &r->out)) {
		br_reply_text(r, 0, "application/json", "", 0);
		if (r->row->route->again)
			r->row->route->again(r, br_buf_slice(&r->out));
		atomic_fetch_add_explicit(&r->server->cache_hits, 1, memory_order_relaxed);
		return;
	}
	parse_and_run(r);
	close_envelope(r);
	if (r->status == 200 && !r->streaming && !r->transient && !r->later && !r->out.failed)
		br_cache__put(cache, &key, br_buf_slice(&r->out));
}

bool br_req_may_wait(struct br_req *r)
{
	r->later = !r->slow;
	return r->slow;
}

/* To the threads that may wait. The connection goes on waiting for its answer. */
static bool move_on(struct br_req *r)
{
	r->slow = true;
	r->later = false;
	if (br_work__give(&r->server->slow, &r->job))
		return true;
	br_reply__fault(r, BR_AT_RUN, 503, BR_ENOMEM, "too many requests are waiting");
	return false;
}

/* False: it is run again elsewhere, and belongs to nobody here any more. */
static bool run(struct br_req *r)
{
	run_or_repeat(r);
	if (r->later && move_on(r))
		return false;
	br_req_on_gone(r, NULL, NULL);
	if (!r->streaming)
		br_reply__finish(r);
	br_upload__release(r);
	return true;
}

void br_step__handle(struct br_req *r)
{
	r->slow = true; /* of the event thread, which nothing here keeps waiting */
	(void)run(r);
}

void br_step__run(struct br_job *j, struct br_worker *w)
{
	struct br_req *r = (struct br_req *)j;

	r->worker = w;
	switch (r->step) {
	case STEP_IDENTIFY:
		r->step_who = r->dialect->identify(&r->who, r, true, &r->err);
		break;
	case STEP_FEED:
		r->step_rc = br_upload__feed(r, br_buf_slice(&r->block), r->body_over, &r->err);
		br_buf_reset(&r->block);
		break;
	case STEP_RUN:
		if (!run(r))
			return;
		break;
	}
	br_loop__post(r, true);
}

/* ---- what needs no request ---- */

struct later { struct br_job job; void (*fn)(void *arg); void *arg; };

static void run_later(struct br_job *j, struct br_worker *w)
{
	struct later *l = (struct later *)j;

	(void)w;
	l->fn(l->arg);
	free(l);
}

bool br_server_later(struct br_server *s, void (*fn)(void *arg), void *arg)
{
	struct later *l = br_alloc(sizeof *l);

	*l = (struct later){ .job.fn = run_later, .fn = fn, .arg = arg };
	if (br_work__give(&s->slow, &l->job))
		return true;
	free(l);
	return false;
}
