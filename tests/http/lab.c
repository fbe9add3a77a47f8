/*
 * http-lab: a server with a dialect that exists for tests alone: every kind of body and answer, levels, rates, streams, an
 * upgraded connection. Run as `http-lab WORKSPACE [--listen ADDR | --unix PATH] [--cert F --key F] [--log F] [--insecure]`.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "br/br.h"

static atomic_uint streams, gone;
static atomic_ullong gone_at_us;

static void pause_ms(int64_t ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* ---- values in, values out ---- */

struct echo_in {
	const char *id, *name, *mood, *code, *text;
	int64_t count, page;
	double share;
	bool loud;
	const struct br_jval *tags, *things, *extra;
};
static const struct br_field thing_in[] = {
	{ "file_id", BR_F_STR, 0, .flags = BR_REQUIRED, .min = 1 }, { "size", BR_F_INT, 0, .min = 0, .max = 100 }, BR_FIELD_END,
};
static const struct br_shape thing = { "LabThing", thing_in, 0 };
static const struct br_field echo_in[] = {
	{ "id", BR_FAT_STR(struct echo_in, id), .in = BR_IN_PATH, .format = "uuid" },
	{ "page", BR_FAT_INT(struct echo_in, page), .in = BR_IN_QUERY, .min = 1, .max = 50, .dflt = "1" },
	{ "name", BR_FAT_STR(struct echo_in, name), .flags = BR_REQUIRED, .min = 1, .max = 10 },
	{ "mood", BR_FAT_STR(struct echo_in, mood), .choices = "good|bad", .dflt = "good" },
	{ "code", BR_FAT_STR(struct echo_in, code), .pattern = "[a-z]{2}-[0-9]+" },
	{ "text", BR_FAT_STR(struct echo_in, text) },
	{ "count", BR_FAT_INT(struct echo_in, count), .min = -5, .max = 5, .dflt = "3" },
	{ "share", BR_FAT_NUM(struct echo_in, share), .min = 0, .max = 1 },
	{ "loud", BR_FAT_BOOL(struct echo_in, loud) },
	{ "tags", BR_FAT_ARR(struct echo_in, tags), .of = BR_F_STR, .max = 3 },
	{ "things", BR_FAT_ARR(struct echo_in, things), .shape = &thing },
	{ "extra", BR_FAT_OBJ(struct echo_in, extra) },
	BR_FIELD_END,
};
static const struct br_field echo_out[] = {
	{ "id", BR_FOUT(STR) }, { "name", BR_FOUT(STR), .flags = BR_REQUIRED }, { "mood", BR_FOUT(STR), .flags = BR_REQUIRED },
	{ "code", BR_FOUT(STR), .flags = BR_REQUIRED | BR_NULLABLE }, { "page", BR_FOUT(INT), .flags = BR_REQUIRED },
	{ "count", BR_FOUT(INT), .flags = BR_REQUIRED }, { "share", BR_FOUT(NUM), .flags = BR_REQUIRED },
	{ "loud", BR_FOUT(BOOL), .flags = BR_REQUIRED }, { "given", BR_FOUT(ARR), .of = BR_F_STR, .flags = BR_REQUIRED }, BR_FIELD_END,
};
static const struct br_shape echo_shape = { "LabEcho", echo_out, 0 };

static int echo(struct br_req *r, const void *in, struct br_err *err)
{
	const struct echo_in *e = in;
	struct br_json *j = br_reply(r, 0);

	(void)err;
	br_json_obj(j);
	br_json_kstr(j, "id", e->id);
	br_json_kstr(j, "name", e->name);
	br_json_kstr(j, "mood", e->mood);
	br_json_kstr(j, "code", e->code);
	br_json_kint(j, "page", e->page);
	br_json_kint(j, "count", e->count);
	br_json_knum(j, "share", e->share, 3);
	br_json_kbool(j, "loud", e->loud);
	br_json_key(j, "given");
	br_json_arr(j);
	for (const struct br_field *f = echo_in; f->name; f++)
		if (br_req_given(r, f->name))
			br_json_str(j, f->name);
	br_json_end(j);
	br_json_end(j);
	return 0;
}

struct ms_in { int64_t ms, n, size; };
static const struct br_field ms_in[] = {
	{ "ms", BR_FAT_INT(struct ms_in, ms), .in = BR_IN_QUERY, .max = 60000, .dflt = "0" },
	{ "n", BR_FAT_INT(struct ms_in, n), .in = BR_IN_QUERY, .max = 1000000000, .dflt = "3" },
	{ "size", BR_FAT_INT(struct ms_in, size), .in = BR_IN_QUERY, .max = 100000000, .dflt = "0" },
	BR_FIELD_END,
};

static int slow(struct br_req *r, const void *in, struct br_err *err)
{
	const struct ms_in *p = in;

	(void)err;
	for (int64_t left = p->ms; left > 0 && !br_req_gone(r); left -= 20)
		pause_ms(BR_MIN(left, 20));
	br_reply_text(r, 200, "text/plain", br_req_gone(r) ? "gone" : "done", 4);
	return 0;
}

static int big(struct br_req *r, const void *in, struct br_err *err)
{
	const struct ms_in *p = in;
	char *text = br_try_alloc((size_t)p->size + 1);

	if (!text)
		return br_fail(err, BR_ENOMEM, "no memory");
	for (int64_t i = 0; i < p->size; i++)
		text[i] = (char)('a' + i % 26);
	br_reply_text(r, 200, "text/plain", text, (size_t)p->size);
	free(text);
	return 0;
}

static int who(struct br_req *r, const void *in, struct br_err *err)
{
	const struct br_identity *i = br_req_who(r);
	struct br_json *j = br_reply(r, 0);

	(void)in;
	(void)err;
	br_json_obj(j);
	br_json_kstr(j, "user", i->user);
	br_json_kint(j, "level", (int)i->level);
	br_json_kstr(j, "address", br_req_address(r));
	br_json_kbool(j, "local", br_req_local(r));
	br_json_kstr(j, "request_id", br_req_id(r));
	br_json_kstr(j, "agent", br_req_header(r, "user-agent"));
	br_json_end(j);
	return 0;
}

static int fail(struct br_req *r, const void *in, struct br_err *err)
{
	const char *name = br_req_param(r, "code");

	(void)in;
	if (!strcmp(name, "own"))
		return br_req_fail(r, 418, err, BR_EINPUT, "a teapot");
	for (int i = 1; i < BR_ERR_COUNT; i++)
		if (!strcmp(br_err_info((enum br_code)i)->name, name))
			return br_fail(err, (enum br_code)i, "failed as asked");
	return br_fail(err, BR_ENOTFOUND, "no code '%s'", name);
}

/* ---- bodies on disk ---- */

static uint64_t hash_file(int fd, uint64_t size)
{
	struct br_buf b = BR_BUF_INIT(1u << 30);
	uint64_t h = 0;
	ssize_t n;

	lseek(fd, 0, SEEK_SET);
	if (size <= 1u << 26 && br_buf_reserve(&b, size + 1)) {
		while ((n = read(fd, b.ptr + b.len, size + 1 - b.len)) > 0)
			b.len += (size_t)n;
		h = br_hash64(b.ptr, b.len);
	}
	br_buf_release(&b);
	return h;
}

static int upload(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_json *j = br_reply(r, 0);
	struct br_part *p;
	char hex[17];

	(void)in;
	(void)err;
	br_json_obj(j);
	br_json_key(j, "parts");
	br_json_arr(j);
	for (size_t i = 0; (p = br_req_part(r, i)); i++) {
		br_json_obj(j);
		br_json_kstr(j, "name", p->name);
		br_json_kstr(j, "filename", p->filename);
		br_json_kstr(j, "type", p->type);
		br_json_kstr(j, "value", p->value);
		br_json_kuint(j, "size", p->size);
		if (p->path) {
			snprintf(hex, sizeof hex, "%016llx", (unsigned long long)hash_file(p->fd, p->size));
			br_json_kstr(j, "hash", hex);
		}
		br_json_end(j);
	}
	br_json_end(j);
	br_json_end(j);
	return 0;
}

struct form_in { const char *title; int64_t year; };
static const struct br_field form_in[] = {
	{ "files", BR_F_FILE, 0, .in = BR_IN_FORM, .flags = BR_REQUIRED },
	{ "title", BR_FAT_STR(struct form_in, title), .in = BR_IN_FORM, .max = 20 },
	{ "year", BR_FAT_INT(struct form_in, year), .in = BR_IN_FORM, .min = 1900, .max = 2100 },
	BR_FIELD_END,
};

static int file(struct br_req *r, const void *in, struct br_err *err)
{
	char *path = br_path_join(br_req_ws(r)->dir, "data.mdb");
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	(void)in;
	free(path);
	if (fd < 0)
		return br_fail_errno(err, BR_EIO, "no file");
	return br_reply_file(r, fd, "application/octet-stream", "data n\xc3\xa4me.mdb", err);
}

/* ---- streams ---- */

static void note_gone(void *arg)
{
	(void)arg;
	atomic_store(&gone_at_us, now_us());
	atomic_fetch_add(&gone, 1);
}

static int sse(struct br_req *r, const void *in, struct br_err *err)
{
	const struct ms_in *p = in;
	char *text = br_alloc((size_t)p->size + 64);
	int rc;

	atomic_fetch_add(&streams, 1);
	br_req_on_gone(r, note_gone, NULL);
	rc = br_stream_open(r, 200, "text/event-stream", err);
	for (int64_t i = 0; i < p->n && rc == 0 && !br_req_draining(r); i++) {
		int n = snprintf(text, 64, "%lld %llu ", (long long)i, (unsigned long long)now_us());
		memset(text + n, 'x', (size_t)p->size);
		rc = br_stream_event(r, NULL, "tick", text, (size_t)n + (size_t)p->size, err);
		for (int64_t left = p->ms; left > 0 && !br_req_gone(r); left -= 20)
			pause_ms(BR_MIN(left, 20));
	}
	atomic_fetch_sub(&streams, 1);
	free(text);
	return rc;
}

static int bytes(struct br_req *r, const void *in, struct br_err *err)
{
	int64_t n;
	char text[4096];
	int rc = br_req_upgrade(r, "lab", err);

	(void)in;
	while (rc == 0 && (n = br_upgrade_read(r, text, sizeof text, -1, err)) > 0)
		rc = br_stream_write(r, text, (size_t)n, err);
	return rc;
}

static int number(struct br_req *r, const void *in, struct br_err *err)
{
	static atomic_int n;

	(void)in;
	(void)err;
	br_json_int(br_reply(r, 0), atomic_fetch_add(&n, 1));
	return 0;
}

static int counts(struct br_req *r, const void *in, struct br_err *err)
{
	struct br_json *j = br_reply(r, 0);

	(void)in;
	(void)err;
	br_json_obj(j);
	br_json_kuint(j, "streams", atomic_load(&streams));
	br_json_kuint(j, "gone", atomic_load(&gone));
	br_json_kuint(j, "gone_at_us", atomic_load(&gone_at_us));
	br_json_end(j);
	return 0;
}

/* ---- the dialect ---- */

static enum br_who identify(struct br_identity *out, struct br_req *r, bool may_wait, struct br_err *err)
{
	static const char *const scopes[] = { "read", NULL };
	const char *as = br_req_header(r, "X-Lab");

	if (as && !strcmp(as, "slow") && !may_wait)
		return BR_WHO_LATER;
	if (as && !strcmp(as, "slow"))
		pause_ms(300);
	*out = (struct br_identity){ .level = BR_LEVEL_USER, .user = as };
	if (as && !strcmp(as, "admin"))
		out->level = BR_LEVEL_ADMIN;
	else if (as && !strcmp(as, "key"))
		*out = (struct br_identity){ .level = BR_LEVEL_KEY, .user = as, .scopes = scopes };
	else if (!as || (strcmp(as, "user") && strcmp(as, "slow"))) {
		br_fail(err, BR_EAUTH, "Not authenticated");
		return BR_WHO_REFUSED;
	}
	return BR_WHO_KNOWN;
}

static bool rate(struct br_rate *out, struct br_req *r, const char *class)
{
	static atomic_int left = 3;
	int now = atomic_fetch_sub(&left, 1) - 1;

	(void)r;
	(void)class;
	*out = (struct br_rate){ .limit = 3, .left = BR_MAX(now, 0), .reset = 60, .after = 7 };
	return now >= 0;
}

static void open_envelope(struct br_json *j)
{
	br_json_obj(j);
	br_json_kbool(j, "success", true);
	br_json_key(j, "data");
}

static void close_envelope(struct br_json *j)
{
	br_json_knull(j, "error");
	br_json_end(j);
}

static void error_body(struct br_json *j, struct br_req *r, struct br_fault *f)
{
	(void)r;
	br_json_obj(j);
	br_json_kbool(j, "success", false);
	br_json_knull(j, "data");
	br_json_kstr(j, "error", f->message);
	br_json_key(j, "where");
	br_json_arr(j);
	for (size_t i = 0; i < f->problems; i++)
		br_json_str(j, f->problem[i].field);
	br_json_end(j);
	br_json_end(j);
}

#define SLOW BR_ROUTE_SLOW
static const struct br_route routes[] = {
	{ "POST", "/lab/echo/{id}", "lab_echo", "Echo", "lab", BR_LEVEL_OPEN, .body = BR_BODY_JSON, .body_max = 20000, .in = echo_in,
	  .in_size = sizeof(struct echo_in), .out = &echo_shape, .ok = 201, .run = echo },
	{ "GET", "/lab/slow", "lab_slow", "Slow", "lab", BR_LEVEL_OPEN, .in = ms_in, .in_size = sizeof(struct ms_in), .flags = SLOW, .type = "text/plain", .run = slow },
	{ "GET", "/lab/big", "lab_big", "Big", "lab", BR_LEVEL_OPEN, .in = ms_in, .in_size = sizeof(struct ms_in), .type = "text/plain", .run = big },
	{ "GET", "/lab/who", "lab_who", "Who", "lab", BR_LEVEL_KEY, .run = who },
	{ "GET", "/lab/user", "lab_user", "User", "lab", BR_LEVEL_USER, .run = who },
	{ "GET", "/lab/admin", "lab_admin", "Admin", "lab", BR_LEVEL_ADMIN, .run = who },
	{ "GET", "/lab/scoped", "lab_scoped", "Scoped", "lab", BR_LEVEL_KEY, .scopes = "read write", .run = who },
	{ "GET", "/lab/rated", "lab_rated", "Rated", "lab", BR_LEVEL_OPEN, .rate = "lab", .run = counts },
	{ "GET", "/lab/fail/{code}", "lab_fail", "Fail", "lab", BR_LEVEL_OPEN, .run = fail },
	{ "PUT", "/lab/fail/own", "lab_own", "Static beside parameter", "lab", BR_LEVEL_OPEN, .run = counts },
	{ "POST", "/lab/upload", "lab_upload", "Form", "lab", BR_LEVEL_OPEN, .body = BR_BODY_FORM, .in = form_in, .in_size = sizeof(struct form_in), .run = upload },
	{ "POST", "/lab/small", "lab_small", "Small form", "lab", BR_LEVEL_OPEN, .body = BR_BODY_FORM, .body_max = 100000, .run = upload },
	{ "PUT", "/lab/raw", "lab_raw", "Raw", "lab", BR_LEVEL_OPEN, .body = BR_BODY_RAW, .run = upload },
	{ "POST", "/lab/guarded", "lab_guarded", "Guarded upload", "lab", BR_LEVEL_ADMIN, .body = BR_BODY_RAW, .run = upload },
	{ "GET", "/lab/file", "lab_file", "File", "lab", BR_LEVEL_OPEN, .type = "application/octet-stream", .run = file },
	{ "GET", "/lab/sse", "lab_sse", "Events", "lab", BR_LEVEL_OPEN, .in = ms_in, .in_size = sizeof(struct ms_in), .flags = SLOW | BR_ROUTE_STREAM,
	  .type = "text/event-stream", .run = sse },
	{ "GET", "/lab/bytes", "lab_bytes", "Bytes both ways", "lab", BR_LEVEL_OPEN, .ok = 101, .flags = SLOW | BR_ROUTE_STREAM, .run = bytes },
	{ "GET", "/lab/number", "lab_number", "A number that grows with every run", "lab", BR_LEVEL_KEY, .flags = BR_ROUTE_CACHE, .run = number },
	{ "GET", "/lab/counts", "lab_counts", "Counts", "lab", BR_LEVEL_OPEN, .run = counts },
};

static const struct br_dialect lab = {
	.name = "lab", .prefix = "/lab", .route = routes, .n = BR_COUNT(routes), .identify = identify, .rate = rate,
	.open = open_envelope, .close = close_envelope, .error = error_body, .security = "X-Lab",
};

/* ---- main ---- */

static _Noreturn void die(const struct br_err *err)
{
	fprintf(stderr, "http-lab: %s\n", err->msg);
	exit(1);
}

static void on_reload(struct br_server *s, void *arg)
{
	(void)s;
	(void)arg;
	fprintf(stderr, "reloaded\n");
}

int main(int argc, char **argv)
{
	struct br_server_opts o = { .origins = "https://good.example", .grace = 3, .cache = 1 << 20, .on_reload = on_reload };
	const char *listen = "127.0.0.1:0", *unix_path = NULL;
	struct br_server *s;
	struct br_err err;
	char *dir;
	int rc;

	for (int i = 2; i < argc; i++) {
		const char *v = i + 1 < argc ? argv[i + 1] : "";
		if (!strcmp(argv[i], "--insecure"))
			o.insecure = true;
		else if (!strcmp(argv[i], "--listen") && ++i)
			listen = v;
		else if (!strcmp(argv[i], "--unix") && ++i)
			unix_path = v;
		else if (!strcmp(argv[i], "--cert") && ++i)
			o.cert = v;
		else if (!strcmp(argv[i], "--key") && ++i)
			o.key = v;
		else if (!strcmp(argv[i], "--log") && ++i)
			o.access_log = v;
	}
	if (br_ws_find(&dir, argc > 1 ? argv[1] : NULL, NULL, &err) < 0 || br_ws_open(&o.ws, dir, 1000, &err) < 0 || br_server_new(&s, &o, &err) < 0 ||
	    br_server_add(s, &lab, &err) < 0 || br_server_add(s, &br_dialect_plain, &err) < 0)
		die(&err);
	rc = br_server_listen_inherited(s, &err);
	if (rc == 0)
		rc = unix_path ? br_server_listen_unix(s, unix_path, &err) : br_server_listen(s, listen, &err);
	if (rc < 0)
		die(&err);
	for (size_t i = 0; br_server_url(s, i); i++)
		fprintf(stderr, "listening on %s\n", br_server_url(s, i));
	if (br_server_run(s, &err) < 0)
		die(&err);
	br_server_free(s);
	br_ws_close(o.ws);
	free(dir);
	return 0;
}
