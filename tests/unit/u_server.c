/* server, without a network: heads, bodies in chunks, multipart, routes and the check of their tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "server/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct br_slice text(const char *s) { return br_slice_str(s); }

#define assert_slice(s, want) do { \
	struct br_slice got_ = (s); \
	assert_int_equal(got_.len, strlen(want)); \
	assert_memory_equal(got_.ptr, want, got_.len); \
} while (0)

/* ---- heads ---- */

static int parse(struct br_head *h, const char *s)
{
	const char *why = NULL;
	int rc = br_head_parse(h, s, strlen(s), &why);

	assert_true(rc == 0 || why);
	return rc;
}

static void reads_a_head(void **state)
{
	struct br_head h;

	(void)state;
	assert_int_equal(parse(&h, "POST /a/b?c=d HTTP/1.1\r\nHost: x:80\r\nContent-Length:  12 \r\nX-Empty:\r\nConnection: a, keep-alive,close\r\n\r\n"), 0);
	assert_slice(h.method, "POST");
	assert_slice(h.path, "/a/b");
	assert_slice(h.query, "c=d");
	assert_slice(h.host, "x:80");
	assert_int_equal(h.length, 12);
	assert_int_equal(h.n, 4);
	assert_slice(br_head_get(&h, "x-EMPTY", 0)->value, "");
	assert_true(h.close && h.keep_alive && !h.chunked && !h.upgrade && h.minor == 1);
	assert_int_equal(parse(&h, "GET http://h:1/p HTTP/1.0\r\n\r\n"), 0);
	assert_slice(h.host, "h:1");
	assert_slice(h.path, "/p");
	assert_int_equal(h.minor, 0);
	assert_int_equal(h.length, -1);
}

static void a_head_is_found_byte_by_byte(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /next";
	const char *why = NULL;
	size_t seen = 0, n;

	(void)state;
	for (n = 0; n < 27; n++)
		assert_int_equal(br_head_find(&seen, head, n, &why), 0);
	assert_int_equal(br_head_find(&seen, head, 27, &why), 27);
	seen = 0;
	assert_int_equal(br_head_find(&seen, head, sizeof head - 1, &why), 27);
}

static void a_bad_byte_is_refused_at_once(void **state)
{
	static const struct { const char *s; size_t n; int rc; } cases[] = {
		{ "GET / HTTP/1.1\n", 15, -400 }, { "GET /\0", 6, -400 }, { "GET /\rx", 7, -400 }, { "G\x1b", 2, -400 }, { "G\x7f", 2, -400 }, { "G\r", 2, 0 },
	};
	const char *why = NULL;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		size_t seen = 0;
		assert_int_equal(br_head_find(&seen, cases[i].s, cases[i].n, &why), cases[i].rc);
	}
}

/* Whatever the bytes are, nothing is read outside of them, and what is taken satisfies what the rest of the server relies on. */
static void damaged_heads(void **state)
{
	static const char good[] = "POST /lab/echo?a=b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";
	unsigned taken = 0;

	(void)state;
	srand(7);
	for (int i = 0; i < 20000; i++) {
		size_t n = sizeof good - 1, seen = 0;
		char *copy = malloc(n); /* exact, for the sanitizer */
		const char *why = NULL;
		struct br_head h;

		memcpy(copy, good, n);
		for (int k = rand() % 4; k >= 0; k--)
			copy[(size_t)rand() % n] = (char)(rand() % 3 ? " \r\n\t:,/?0a"[rand() % 10] : rand());
		if (br_head_find(&seen, copy, n, &why) > 0 && br_head_parse(&h, copy, n, &why) == 0) {
			taken++;
			assert_true(h.host_given && h.n <= BR_SERVE_HEADERS);
			assert_false(h.chunked && h.length >= 0);
		}
		free(copy);
	}
	assert_int_not_equal(taken, 20000);
}

static void decodes_addresses(void **state)
{
	char out[64];

	(void)state;
	assert_int_equal(br_url_decode(out, text("a%20b+c%C3%A4"), false), 7);
	assert_string_equal(out, "a b+c\xc3\xa4");
	assert_int_equal(br_url_decode(out, text("a+b"), true), 3);
	assert_string_equal(out, "a b");
	assert_int_equal(br_url_decode(out, text("%"), false), -1);
	assert_int_equal(br_url_decode(out, text("%4"), false), -1);
	assert_int_equal(br_url_decode(out, text("%g0"), false), -1);
	assert_int_equal(br_url_decode(out, text("%00"), false), -1);
	assert_int_equal(br_url_decode(out, text("%C3"), false), -1);
}

static void weighs_encodings(void **state)
{
	static const struct { const char *s; bool yes; } cases[] = {
		{ "gzip", true }, { "", false }, { "br", false }, { "br, gzip", true }, { "gzip;q=0", false }, { "gzip;q=0.001", true }, { "gzip;q=0.000", false },
		{ "gzip; q=1.0", true }, { "gzip;q=2", false }, { "gzip;q=x", false }, { "*", true }, { "*;q=0", false }, { "gzip;q=0, *", false },
		{ "identity;q=0.5, gzip;q=0.4", false }, { "identity;q=0.4, gzip;q=0.5", true }, { "x-gzip", true }, { "gzipped", false },
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(cases); i++)
		if (br_accepts_gzip(text(cases[i].s)) != cases[i].yes)
			fail_msg("%s", cases[i].s);
}

/* ---- chunks ---- */

/* All data of a body given in pieces of `step` bytes; the last code. */
static int unchunk(struct br_buf *out, const char *s, size_t n, size_t step, size_t *used)
{
	struct br_head h = { .chunked = true, .length = -1 };
	struct br_framing f;
	int rc = 0;

	br_buf_reset(out);
	br_framing_init(&f, &h);
	for (*used = 0; *used < n && rc == 0;) {
		struct br_slice in = br_slice(s + *used, BR_MIN(step, n - *used)), data;
		size_t had = in.len;

		while ((rc = br_framing_next(&f, &in, &data)) == 1)
			br_buf_add(out, data.ptr, data.len);
		*used += had - in.len;
	}
	return rc;
}

static void reads_chunks(void **state)
{
	static const char body[] = "5\r\nhello\r\n00A;x=\"y\"\r\n 0123456\r\n\r\n0\r\nA: b\r\nC: d\r\n\r\nGET";
	struct br_buf out = BR_BUF_INIT(1000);
	size_t used;

	(void)state;
	for (size_t step = 1; step < sizeof body; step++) {
		assert_int_equal(unchunk(&out, body, sizeof body - 1, step, &used), 2);
		assert_string_equal(out.ptr, "hello 0123456\r\n");
		assert_int_equal(used, sizeof body - 4);
	}
	br_buf_release(&out);
}

static void refuses_damaged_chunks(void **state)
{
	static const char *const cases[] = {
		"\r\n", "g\r\n", "-1\r\nx", "+1\r\nx", "0x1\r\nx", "1\nx", "1\r\nxy", "1\r\nx\n", "1;\nx", "1\rx", " 1\r\nx", "1111111111111111\r\n", "0\r\nA\n", "0\r\n\rX", "1;a\x01\r\n",
	};
	struct br_buf out = BR_BUF_INIT(1000);
	size_t used;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(cases); i++)
		for (size_t step = 1; step < 8; step++)
			if (unchunk(&out, cases[i], strlen(cases[i]), step, &used) != -400)
				fail_msg("%s", cases[i]);
	br_buf_release(&out);
}

static void counted_bodies(void **state)
{
	struct br_head h = { .length = 3 };
	struct br_slice in = text("abcdef"), data;
	struct br_framing f;

	(void)state;
	br_framing_init(&f, &h);
	assert_int_equal(br_framing_next(&f, &in, &data), 1);
	assert_slice(data, "abc");
	assert_int_equal(br_framing_next(&f, &in, &data), 2);
	assert_slice(in, "def");
	h.length = 0;
	br_framing_init(&f, &h);
	assert_int_equal(br_framing_next(&f, &in, &data), 2);
}

/* ---- multipart ---- */

static int told_begin(const char *name, const char *filename, const char *type, void *arg, struct br_err *err)
{
	(void)err;
	br_buf_addf(arg, "[%s|%s|%s:", name, filename ? filename : "-", type ? type : "-");
	return 0;
}

static int told_data(const char *p, size_t n, void *arg, struct br_err *err)
{
	(void)err;
	br_buf_add(arg, p, n);
	return 0;
}

static int told_end(void *arg, struct br_err *err)
{
	(void)err;
	br_buf_addc(arg, ']');
	return 0;
}

static int read_form(struct br_buf *out, const char *type, const char *s, size_t n, size_t step)
{
	struct br_multipart_events ev = { told_begin, told_data, told_end, out };
	struct br_multipart *m;
	struct br_err err;
	int rc;

	br_buf_reset(out);
	if ((rc = br_multipart__new(&m, type, &ev, &err)) < 0)
		return rc;
	for (size_t at = 0; at < n && rc == 0; at += step)
		rc = br_multipart__feed(m, s + at, BR_MIN(step, n - at), &err);
	if (rc == 0)
		rc = br_multipart__end(m, &err);
	br_multipart__free(m);
	return rc;
}

static void a_boundary_ends_its_line(void **state)
{
	static const char form[] = "to be ignored\r\n--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--B \r\n"
	                           "content-disposition: form-data; filename=\"x;y\\\"z\"; name=b\r\nContent-Type: text/plain\r\n\r\n\r\n--\r\n--Bx\r\n\r\n--B\r\n"
	                           "Content-Disposition: form-data; name=c\r\n\r\n\r\n--B--\r\nand this";
	struct br_buf out = BR_BUF_INIT(10000);

	(void)state;
	for (size_t step = 1; step < sizeof form; step++) {
		int rc = read_form(&out, "multipart/form-data; charset=x; boundary=B", form, sizeof form - 1, step);
		assert_int_equal(rc, -BR_EINPUT); /* "--Bx": a boundary that does not end its line */
	}
	br_buf_release(&out);
}

static void reads_good_forms_in_any_pieces(void **state)
{
	static const char form[] = "to be ignored\r\n--BO\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--BO \r\n"
	                           "content-disposition: form-data; filename=\"x;y\\\"z\"; name=b\r\nContent-Type: text/plain\r\n\r\n\r\n--\r\n--B\r\n\r\n--BO\r\n"
	                           "Content-Disposition: form-data; name=c\r\n\r\n\r\n--BO--\r\nand this";
	struct br_buf out = BR_BUF_INIT(10000);

	(void)state;
	for (size_t step = 1; step < sizeof form; step++) {
		assert_int_equal(read_form(&out, "multipart/form-data; charset=x; boundary=BO", form, sizeof form - 1, step), 0);
		assert_string_equal(out.ptr, "[a|-|-:one][b|x;y\"z|text/plain:\r\n--\r\n--B\r\n][c|-|-:]");
	}
	br_buf_release(&out);
}

static void forms_need_a_boundary(void **state)
{
	struct br_buf out = BR_BUF_INIT(1000);
	char long_one[200];

	(void)state;
	assert_int_equal(read_form(&out, "multipart/form-data", "", 0, 1), -BR_EINPUT);
	assert_int_equal(read_form(&out, "multipart/form-data; boundary=", "", 0, 1), -BR_EINPUT);
	assert_int_equal(read_form(&out, "text/plain; boundary=x", "", 0, 1), -BR_EINPUT);
	snprintf(long_one, sizeof long_one, "multipart/form-data; boundary=%0100d", 1);
	assert_int_equal(read_form(&out, long_one, "", 0, 1), -BR_EINPUT);
	assert_int_equal(read_form(&out, "multipart/form-data; boundary=x", "", 0, 1), -BR_EINPUT);
	assert_int_equal(read_form(&out, "multipart/form-data; boundary=x", "--x--", 5, 1), 0);
	br_buf_release(&out);
}

static void damaged_forms(void **state)
{
	static const char good[] = "--B\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\r\n\r\none\r\n--B--\r\n";
	struct br_buf out = BR_BUF_INIT(10000);

	(void)state;
	srand(11);
	for (int i = 0; i < 5000; i++) {
		size_t n = sizeof good - 1;
		char *copy = malloc(n);

		memcpy(copy, good, n);
		for (int k = rand() % 5; k >= 0; k--)
			copy[(size_t)rand() % n] = (char)(rand() % 2 ? "\r\n-B;\"\\= "[rand() % 9] : rand());
		(void)read_form(&out, "multipart/form-data; boundary=B", copy, n - (size_t)(rand() % 10), 1 + (size_t)(rand() % 40));
		free(copy);
	}
	br_buf_release(&out);
}

/* ---- routes ---- */

static int never(struct br_req *r, const void *in, struct br_err *err)
{
	(void)r;
	(void)in;
	return br_fail(err, BR_EBUG, "called");
}

static enum br_who nobody(struct br_identity *out, struct br_req *r, bool may_wait, struct br_err *err)
{
	(void)out;
	(void)r;
	(void)may_wait;
	br_fail(err, BR_EAUTH, "no");
	return BR_WHO_REFUSED;
}

static void no_error(struct br_json *j, struct br_req *r, struct br_fault *f)
{
	(void)r;
	(void)f;
	br_json_null(j);
}

#define ROW(m, p) { m, p, "id", "summary", "tag", BR_LEVEL_OPEN, .run = never }
static struct br_dialect dialect_of(const struct br_route *route, size_t n)
{
	return (struct br_dialect){ .name = "t", .prefix = "", .route = route, .n = n, .identify = nobody, .error = no_error };
}

static void find(struct br_match *m, const struct br_router *r, const char *method, const char *path, struct br_arena *a)
{
	br_router__find(m, r, text(method), text(path), a);
}

static void finds_routes(void **state)
{
	static const struct br_route rows[] = {
		ROW("GET", "/"), ROW("GET", "/a"), ROW("GET", "/a/{x}"), ROW("DELETE", "/a/{y}"), ROW("POST", "/a/b"), ROW("GET", "/a/{x}/c/{y}"), ROW("GET", "/a/b/d"),
	};
	static const struct { const char *method, *path; int row; const char *value; } cases[] = {
		{ "GET", "/", 0, NULL }, { "HEAD", "/", 0, NULL }, { "GET", "/a", 1, NULL }, { "GET", "/a/", 1, NULL }, { "GET", "/a/z", 2, "z" }, { "GET", "/a/b", 2, "b" },
		{ "POST", "/a/b", 4, NULL }, { "DELETE", "/a/b", 3, "b" }, { "GET", "/a/b/c/q", 5, "b" }, { "GET", "/a/b/d", 6, NULL }, { "GET", "/a/b%2Fd", 2, "b/d" },
		{ "GET", "/a/b/e", -404, NULL }, { "GET", "/a//c/d", -404, NULL }, { "GET", "//", -404, NULL }, { "PUT", "/a/z", -405, NULL }, { "get", "/a", -405, NULL },
		{ "GET", "/a/%", -400, NULL }, { "GET", "/a/../a", -400, NULL }, { "GET", "/a/%2e%2E", -400, NULL }, { "GET", "/A", -404, NULL },
	};
	struct br_dialect d = dialect_of(rows, BR_COUNT(rows));
	struct br_router r = { 0 };
	struct br_arena a = { 0 };
	struct br_match m;
	struct br_err err;

	(void)state;
	assert_int_equal(br_router__add(&r, &d, &err), 0);
	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		find(&m, &r, cases[i].method, cases[i].path, &a);
		if (cases[i].row >= 0 ? !m.row || m.row->route != &rows[cases[i].row] : m.row || m.status != -cases[i].row)
			fail_msg("%s %s: status %d", cases[i].method, cases[i].path, m.status);
		if (cases[i].value)
			assert_string_equal(m.value[0], cases[i].value);
	}
	find(&m, &r, "PUT", "/a/z", &a);
	assert_string_equal(m.allow, "GET, HEAD, DELETE, OPTIONS");
	br_arena_release(&a);
	br_router__release(&r);
}

static void refuses_bad_tables(void **state)
{
	struct in { const char *s; };
	static const struct br_field in_body[] = { { "s", BR_FAT_STR(struct in, s) }, BR_FIELD_END };
	static const struct br_field not_in_path[] = { { "s", BR_FAT_STR(struct in, s), .in = BR_IN_PATH }, BR_FIELD_END };
	static const struct br_field bad_pattern[] = { { "s", BR_FAT_STR(struct in, s), .in = BR_IN_QUERY, .pattern = "(" }, BR_FIELD_END };
	static const struct br_route rows[] = {
		{ "GET", "/a", "id", "no level", "t", .run = never },
		{ "FETCH", "/a", "id", "no such method", "t", BR_LEVEL_OPEN, .run = never },
		{ "GET", "a", "id", "no slash", "t", BR_LEVEL_OPEN, .run = never },
		{ "GET", "/a", "an id", "blank in the id", "t", BR_LEVEL_OPEN, .run = never },
		{ "GET", "/a", "id", "no handler", "t", BR_LEVEL_OPEN },
		{ "GET", "/a", "id", "no body", "t", BR_LEVEL_OPEN, .in = in_body, .in_size = sizeof(struct in), .run = never },
		{ "GET", "/a", "id", "not in the path", "t", BR_LEVEL_OPEN, .in = not_in_path, .in_size = sizeof(struct in), .run = never },
		{ "GET", "/{s}", "id", "no struct", "t", BR_LEVEL_OPEN, .in = not_in_path, .run = never },
		{ "GET", "/a", "id", "bad pattern", "t", BR_LEVEL_OPEN, .in = bad_pattern, .in_size = sizeof(struct in), .run = never },
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(rows); i++) {
		struct br_dialect d = dialect_of(&rows[i], 1);
		struct br_router r = { 0 };
		struct br_err err;

		if (br_router__add(&r, &d, &err) >= 0)
			fail_msg("taken: %s", rows[i].summary);
		br_router__release(&r);
	}
}

static void refuses_rows_that_are_alike(void **state)
{
	static const struct br_route rows[] = { ROW("GET", "/a/{x}"), ROW("GET", "/a/{y}") };
	struct br_dialect d = dialect_of(rows, 2);
	struct br_router r = { 0 };
	struct br_err err;

	(void)state;
	assert_int_equal(br_router__add(&r, &d, &err), -BR_EBUG);
	br_router__release(&r);
}

static void errors_go_to_the_nearest_dialect(void **state)
{
	struct br_dialect a = dialect_of(NULL, 0), b = dialect_of(NULL, 0), c = dialect_of(NULL, 0);
	struct br_router r = { 0 };
	struct br_err err;

	(void)state;
	b.prefix = "/api";
	c.prefix = "/api/v1/external";
	assert_int_equal(br_router__add(&r, &b, &err) | br_router__add(&r, &c, &err) | br_router__add(&r, &a, &err), 0);
	assert_ptr_equal(br_router__dialect(&r, text("/x")), &a);
	assert_ptr_equal(br_router__dialect(&r, text("/api/x")), &b);
	assert_ptr_equal(br_router__dialect(&r, text("/api/v1/external/x")), &c);
	br_router__release(&r);
}

/* ---- answers against their tables ---- */

static bool fits(const struct br_shape *s, bool list, const char *json, char *why, size_t size)
{
	struct br_jdoc *doc;
	bool ok;

	assert_int_equal(br_jdoc_parse(&doc, text(json), "test", NULL), 0);
	ok = br_fields__check(s, list, br_jdoc_root(doc), why, size);
	br_jdoc_free(doc);
	return ok;
}

static void checks_answers(void **state)
{
	static const struct br_field inner[] = { { "n", BR_FOUT(INT), .flags = BR_REQUIRED }, BR_FIELD_END };
	static const struct br_shape inner_shape = { "Inner", inner, 0 };
	static const struct br_field outer[] = {
		{ "a", BR_FOUT(STR), .flags = BR_REQUIRED }, { "b", BR_FOUT(STR), .flags = BR_REQUIRED | BR_NULLABLE },
		{ "c", BR_FOUT(ARR), .shape = &inner_shape }, { "d", BR_FOUT(OBJ), .shape = &inner_shape }, BR_FIELD_END,
	};
	static const struct br_shape shape = { "Outer", outer, 0 };
	char why[200];

	(void)state;
	assert_true(fits(&shape, false, "{\"a\":\"x\",\"b\":null,\"c\":[{\"n\":1}],\"d\":{\"n\":2},\"more\":1}", why, sizeof why));
	assert_true(fits(&shape, true, "[{\"a\":\"x\",\"b\":\"y\"}]", why, sizeof why));
	assert_false(fits(&shape, false, "{\"a\":null,\"b\":null}", why, sizeof why));
	assert_false(fits(&shape, false, "{\"a\":\"x\"}", why, sizeof why));
	assert_false(fits(&shape, false, "{\"a\":\"x\",\"b\":\"\",\"c\":[{\"n\":1.5}]}", why, sizeof why));
	assert_string_equal(why, "data.c[0].n: must be a whole number");
	assert_false(fits(&shape, false, "{\"a\":\"x\",\"b\":\"\",\"d\":{}}", why, sizeof why));
	assert_false(fits(&shape, true, "{}", why, sizeof why));
}

static void cleans_names_of_files(void **state)
{
	struct br_arena a = { 0 };

	(void)state;
	assert_string_equal(br_multipart__clean_name(&a, "/etc/passwd"), "passwd");
	assert_string_equal(br_multipart__clean_name(&a, "a\\b\\c.txt"), "c.txt");
	assert_string_equal(br_multipart__clean_name(&a, "a/.."), "file");
	assert_string_equal(br_multipart__clean_name(&a, "x\x01y"), "xy");
	br_arena_release(&a);
}

static void counts_by_latency(void **state)
{
	struct br_metric *m = calloc(1, sizeof *m);

	(void)state;
	br_metric__count(m, 200, 400000);
	br_metric__count(m, 200, 500000);
	br_metric__count(m, 404, 500001);
	br_metric__count(m, 200, 99000000000);
	assert_int_equal(m->bucket[0], 2);
	assert_int_equal(m->bucket[1], 1);
	assert_int_equal(m->bucket[11], 1);
	assert_int_equal(m->status[200], 3);
	assert_int_equal(m->count, 4);
	free(m);
}

/* ---- work.c ---- */

static void note_done(struct br_job *j, struct br_worker *self)
{
	(void)j, (void)self;
}

static void idle_threads_sleep(void **state)
{
	struct timespec before, after, nap = { .tv_nsec = 200000000 };
	struct br_job job[3] = { { .fn = note_done }, { .fn = note_done }, { .fn = note_done } };
	struct br_work w;

	(void)state;
	br_work__init(&w, 1, 3, 8);
	w.spare_ns = 10000000;
	for (size_t i = 0; i < BR_COUNT(job); i++)
		assert_true(br_work__give(&w, &job[i]));
	nanosleep(&nap, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	nanosleep(&nap, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	assert_int_equal(w.threads, 1);
	assert_true((after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec < 100000000);
	br_work__end(&w);
	assert_int_equal(w.threads, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_head),
		cmocka_unit_test(a_head_is_found_byte_by_byte),
		cmocka_unit_test(a_bad_byte_is_refused_at_once),
		cmocka_unit_test(damaged_heads),
		cmocka_unit_test(decodes_addresses),
		cmocka_unit_test(weighs_encodings),
		cmocka_unit_test(reads_chunks),
		cmocka_unit_test(refuses_damaged_chunks),
		cmocka_unit_test(counted_bodies),
		cmocka_unit_test(a_boundary_ends_its_line),
		cmocka_unit_test(reads_good_forms_in_any_pieces),
		cmocka_unit_test(forms_need_a_boundary),
		cmocka_unit_test(damaged_forms),
		cmocka_unit_test(finds_routes),
		cmocka_unit_test(refuses_bad_tables),
		cmocka_unit_test(refuses_rows_that_are_alike),
		cmocka_unit_test(errors_go_to_the_nearest_dialect),
		cmocka_unit_test(checks_answers),
		cmocka_unit_test(cleans_names_of_files),
		cmocka_unit_test(counts_by_latency),
		cmocka_unit_test(idle_threads_sleep),
	};

	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
