/* One attempt at a delivery: the bytes of the record, signed, and what the receiver made of them. */
#include "internal.h"

#include <stdio.h>

enum { TIMEOUT_MS = 10000, ANSWER_MAX = 1 << 20 };

static int ignore(struct br_slice piece, void *arg)
{
	(void)piece;
	(void)arg;
	return 0;
}

static int post(struct br_http_response *out, struct br_net *net, const struct br_hooks_opts *o, const struct br_hook *hook,
                const struct br_delivery *d, struct br_err *err)
{
	char signature[72] = "", *secret = hook_secret(o->ws, hook, err);
	struct br_http_header headers[] = {
		{ "X-Quivr-Event", br_hook_event_name(d->event) },
		{ "X-Quivr-Delivery", d->id },
		{ hook->is_signed ? "X-Quivr-Signature" : NULL, signature },
		{ NULL, NULL },
	};
	struct br_http_request r = {
		.url = hook->url, .method = "POST", .headers = headers, .body = d->body, .content_type = "application/json",
		.timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_MS, .max_bytes = ANSWER_MAX, .data = ignore,
	};
	int rc;

	if (!secret)
		return -(int)err->code;
	br_hook_sign(signature, secret, d->body);
	hook_secret_free(secret);
	rc = br_http(out, net, &r, err);
	br_wipe(signature, sizeof signature);
	return rc;
}

int hook_attempt(struct attempt *out, struct br_net *net, const struct br_hooks_opts *o, const struct br_hook *hook, const struct br_delivery *d,
                 struct br_err *err)
{
	struct br_http_response res = { 0 };
	int64_t start = br_mono_ns();
	struct br_err why;
	int rc;

	*out = (struct attempt){ 0 };
	if ((rc = hook_url_check(hook->url, &o->rules, &why)) == 0)
		rc = post(&res, net, o, hook, d, &why);
	out->took = (uint32_t)((br_mono_ns() - start) / 1000000);
	if (rc == -BR_ECANCELLED) {
		br_http_response_release(&res);
		return br_fail(err, BR_ECANCELLED, "stopped");
	}
	out->status = rc == 0 ? res.status : 0;
	out->ok = out->status >= 200 && out->status < 300;
	out->gone = out->status == 410;
	if (rc < 0)
		snprintf(out->error, sizeof out->error, "%.*s", (int)sizeof out->error - 1, why.msg);
	else if (!out->ok)
		snprintf(out->error, sizeof out->error, "status %d%s", out->status, out->status >= 300 && out->status < 400 ? ": redirects are not followed" : "");
	br_http_response_release(&res);
	return 0;
}
