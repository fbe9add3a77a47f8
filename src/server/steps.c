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
	rc = route->run(r, r->in, &err);
	if (rc < 0 && !r->streaming) {
		if (err.code == BR_EBUG || err.code == BR_ECORRUPT || err.code == BR_EIO)
			br_log(BR_LOG_ERROR, "%s %s: %s", r->id, route->id, err.msg);
		br_reply__err(r, BR_AT_RUN, status_of(r, &err), &err);
	} else if (!r->replied && !r->streaming) {
		br_reply_empty(r, 204);
	}
}

void br_step__handle(struct br_req *r)
{
	parse_and_run(r);
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
