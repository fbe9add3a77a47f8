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

	if (br_fields__read(r, &err) < 0) {
		br_reply__err(r, BR_AT_PARSE, err.code == BR_EINPUT ? 400 : status_of(r, &err), &err);
		return;
	}
	if (r->dialect->gateway && br_gate__authorise(r) < 0)
		return;
	rc = route->run(r, r->in, &err);
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
		atomic_fetch_add_explicit(&r->server->cache_hits, 1, memory_order_relaxed);
		return;
	}
	parse_and_run(r);
	close_envelope(r);
	if (r->status == 200 && !r->streaming && !r->transient && !r->out.failed)
		br_cache__put(cache, &key, br_buf_slice(&r->out));
}

void br_step__handle(struct br_req *r)
{
	run_or_repeat(r);
	br_req_on_gone(r, NULL, NULL);
	if (!r->streaming)
		br_reply__finish(r);
	br_upload__release(r);
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
		br_step__handle(r);
		break;
	}
	br_loop__post(r, true);
}
