/*
 * The audit log: who asked for what, from where, and what came of it. The file is opened for each line, so that it may be moved away
 * at any time; a line is one write, so that lines of several threads do not mix.
 */
#include "quivr.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void begin(struct br_json *j, struct br_buf *b, struct br_req *r, const char *event)
{
	const struct br_quivr_caller *c = br_quivr__caller(r);
	char iso[32];

	br_time_iso(iso, br_now());
	br_json_init(j, b, false);
	br_json_obj(j);
	br_json_kstr(j, "timestamp", iso);
	br_json_kstr(j, "event", event);
	br_json_kstr(j, "request_id", br_req_id(r));
	br_json_kstr(j, "key_id", c && c->key ? c->key->id : NULL);
	br_json_kstr(j, "client", br_req_address(r));
	br_json_kstr(j, "method", br_req_method(r));
	br_json_kstr(j, "path", br_req_path(r));
}

static void end(struct br_json *j, struct br_buf *b, struct br_req *r, int status, int64_t ms)
{
	const char *path = br_server_opts(br_req_server(r))->audit;
	int fd;

	br_json_kint(j, "status_code", status);
	br_json_kint(j, "latency_ms", ms);
	br_json_end(j);
	br_buf_addc(b, '\n');
	if ((fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600)) < 0 || br_fd_write(fd, b->ptr, b->len) < 0)
		br_log(BR_LOG_ERROR, "the audit log '%s' cannot be written", path);
	if (fd >= 0)
		close(fd);
}

static bool is_wanted(const struct br_req *r)
{
	return br_server_opts(br_req_server((struct br_req *)r))->audit != NULL;
}

/* Refused keys and limits are what somebody should look at. */
static bool is_alert(int status) { return status == 401 || status == 403 || status == 429; }

static bool is_answer(const struct br_req *r, int status)
{
	const struct br_route *route = br_req_route(r);

	return status < 400 && route && route->rate && (!strcmp(route->rate, "query") || !strcmp(route->rate, "socket"));
}

void br_quivr__audit(struct br_req *r, int status)
{
	const struct br_quivr_caller *c = br_quivr__caller(r);
	const struct br_route *route = br_req_route(r);
	bool alert = is_alert(status), in_kb = route && strstr(route->path, "/kb/{id}");
	struct br_buf b = BR_BUF_INIT(64 << 10);
	struct br_json j;

	if (alert && c && c->profile && c->profile->addresses) /* production */
		br_log(BR_LOG_WARN, "audit: %s: %s %s from %s: status %d", br_req_id(r), br_req_method(r), br_req_path(r), br_req_address(r), status);
	if (!is_wanted(r) || is_answer(r, status)) /* what is answered has a line of its own */
		return;
	begin(&j, &b, r, alert ? "refused" : "request");
	br_json_kstr(&j, "knowledge_base_id", in_kb ? br_req_param(r, "id") : NULL);
	if (alert)
		br_json_kbool(&j, "alert", true);
	end(&j, &b, r, status, c && c->began ? (br_mono_ns() - c->began) / 1000000 : 0);
	br_buf_release(&b);
}

void br_quivr__audit_answer(struct br_req *r, int status, const char *kb, const char *question, const struct br_quivr_answer *a)
{
	struct br_buf b = BR_BUF_INIT(64 << 10);
	struct br_json j;

	if (!is_wanted(r))
		return;
	begin(&j, &b, r, "query");
	br_json_kstr(&j, "knowledge_base_id", kb);
	br_json_kstr(&j, "query_id", a->id);
	br_json_kstr(&j, "query", question);
	br_json_kuint(&j, "answer_length", a->reply.text ? strlen(a->reply.text) : 0);
	br_json_kuint(&j, "source_count", a->n);
	br_json_kstr(&j, "model", a->model);
	br_json_kuint(&j, "total_tokens", a->usage.prompt + a->usage.completion);
	end(&j, &b, r, status, a->latency_ms);
	br_buf_release(&b);
}
