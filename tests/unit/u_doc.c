/*
 * The document record with what few documents have: round trip, records of version 1, tags of the future, damage.
 * And what a server's word on a page's type and encoding is worth.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "corpus/web.h"

static struct br_doc sample(enum br_origin origin)
{
	struct br_doc d = { .doc = 7, .path = (char *)"https://example.org/a", .title = (char *)"A", .lang = "en", .encoding = "UTF-8",
		.format = BR_FMT_HTML, .origin = (uint8_t)origin, .size = 300, .inode = 1ull << 40, .mtime_ns = -5, .seen_ns = 9, .created = 10,
		.indexed = 11, .first_chunk = 70000, .chunks = 200, .text_bytes = 123456, .tokens = 99, .meta = (char *)"{\"a\":1}", .error = (char *)"" };

	strcpy(d.id, "01a1fe79-9ffb-7b51-823f-08538d1df7c9");
	memset(d.sha, 0xab, sizeof d.sha);
	return d;
}

static void assert_same(const struct br_doc *a, const struct br_doc *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->path, b->path);
	assert_string_equal(a->title, b->title);
	assert_string_equal(a->meta, b->meta);
	assert_int_equal(a->origin, b->origin);
	assert_int_equal(a->inode, b->inode);
	assert_int_equal(a->mtime_ns, b->mtime_ns);
	assert_int_equal(a->tokens, b->tokens);
	assert_memory_equal(a->sha, b->sha, sizeof a->sha);
}

static void test_round_trip(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 16);
	struct br_arena a = { 0 };
	struct br_doc d = sample(BR_FROM_URL), back;

	(void)state;
	d.etag = (char *)"W/\"1\"";
	d.gone = (char *)"HTTP 410 Gone";
	doc_encode(&b, &d);
	assert_int_equal(b.ptr[0], 2);
	assert_int_equal(doc_decode(&back, &a, 7, br_buf_slice(&b), NULL), 0);
	assert_same(&d, &back);
	assert_string_equal(back.etag, d.etag);
	assert_string_equal(back.gone, d.gone);
	assert_string_equal(back.modified, "");
	br_buf_add(&b, "\xfe\3new\xff\0", 7); /* tags of a newer program */
	assert_int_equal(doc_decode(&back, &a, 7, br_buf_slice(&b), NULL), 0);
	assert_string_equal(back.etag, d.etag);
	br_arena_release(&a);
	br_buf_release(&b);
}

/* A file's record has nothing that the first version could not say: an older program goes on reading it. */
static void test_files_stay_version_1(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 16);
	struct br_arena a = { 0 };
	struct br_doc d = sample(BR_FROM_FILE), back;

	(void)state;
	doc_encode(&b, &d);
	assert_int_equal(b.ptr[0], 1);
	assert_int_equal(doc_decode(&back, &a, 7, br_buf_slice(&b), NULL), 0);
	assert_same(&d, &back);
	assert_string_equal(back.etag, "");
	br_buf_add(&b, "\1\1x", 3); /* version 1 ends where it ends */
	assert_int_equal(doc_decode(&back, &a, 7, br_buf_slice(&b), NULL), -BR_ECORRUPT);
	b.ptr[0] = 3;
	assert_int_equal(doc_decode(&back, &a, 7, br_buf_slice(&b), NULL), -BR_EVERSION);
	br_arena_release(&a);
	br_buf_release(&b);
}

static void test_damage(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 16);
	struct br_doc d = sample(BR_FROM_URL), back;
	unsigned seed = 3, refused = 0;
	size_t plain;

	(void)state;
	doc_encode(&b, &d);
	plain = b.len;
	br_buf_reset(&b);
	d.etag = d.modified = d.gone = (char *)"xyz";
	doc_encode(&b, &d);
	for (size_t n = 0; n <= b.len; n++) {
		char *copy = br_alloc(n + 1);
		struct br_arena a = { 0 };
		int rc;

		memcpy(copy, b.ptr, n);
		rc = doc_decode(&back, &a, 7, br_slice(copy, n), NULL);
		assert_int_equal(rc == 0, n >= plain && (n - plain) % 5 == 0); /* a whole number of tags */
		br_arena_release(&a);
		free(copy);
	}
	for (int round = 0; round < 5000; round++) {
		char *copy = br_alloc(b.len);
		struct br_arena a = { 0 };

		memcpy(copy, b.ptr, b.len);
		for (int k = 0; k < 3; k++) {
			seed = seed * 1103515245 + 12345;
			copy[(seed >> 8) % b.len] = (char)(seed >> 20);
		}
		refused += doc_decode(&back, &a, 7, br_slice(copy, b.len), NULL) < 0;
		br_arena_release(&a);
		free(copy);
	}
	assert_true(refused > 100 && refused < 5000);
	br_buf_release(&b);
}

static void test_formats(void **state)
{
	static const struct { const char *type, *url, *bytes; enum br_format f; } row[] = {
		{ "text/html; charset=utf-8", "http://h/", "<p>x</p>", BR_FMT_HTML },
		{ "TEXT/HTML", "http://h/", "words only\n", BR_FMT_HTML },
		{ "application/xhtml+xml", "http://h/", "<html><p>x", BR_FMT_HTML },
		{ " text/markdown ;x", "http://h/a", "words\n", BR_FMT_MARKDOWN },
		{ "text/plain", "http://h/a.md", "# Head\n", BR_FMT_MARKDOWN },
		{ "text/plain", "http://h/a.md?x=y.csv", "# Head\n", BR_FMT_MARKDOWN },
		{ "text/csv", "http://h/a", "a,b\n1,2\n", BR_FMT_CSV },
		{ NULL, "http://h/a", "words\n", BR_FMT_PLAIN },
		{ "", "http://h/a.html", "<!doctype html><p>x", BR_FMT_HTML },
		{ "text/html", "http://h/", "\x89PNG\r\n\x1a\n", BR_FMT_UNKNOWN },
		{ "nonsense", "http://h/a.csv", "a,b\n1,2\n", BR_FMT_CSV },
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(row); i++) {
		enum br_format f = web__format(row[i].type, row[i].url, br_slice_str(row[i].bytes));

		/* a picture is text only where pictures are read */
		if (f != row[i].f && !(row[i].f == BR_FMT_UNKNOWN && !strncmp(br_format_name(f), "image", 5)))
			fail_msg("'%s' %s: %s", row[i].type ? row[i].type : "-", row[i].url, br_format_name(f));
	}
}

static void test_encodings(void **state)
{
	struct br_buf out = BR_BUF_INIT(1 << 16), small = BR_BUF_INIT(100);
	char big[30000];

	(void)state;
	memset(big, 0xe9, sizeof big);
	assert_true(web__to_utf8(&out, "text/html; Charset=\"ISO-8859-1\"", BR_FMT_HTML, br_slice("caf\xe9", 4)));
	assert_string_equal(out.ptr, "\xef\xbb\xbf" "caf\xc3\xa9");
	br_buf_reset(&out);
	assert_false(web__to_utf8(&out, "text/html; charset=iso-8859-1", BR_FMT_HTML, br_slice_str("caf\xc3\xa9"))); /* it is UTF-8 already */
	assert_false(web__to_utf8(&out, "text/html", BR_FMT_HTML, br_slice("caf\xe9", 4)));
	assert_false(web__to_utf8(&out, NULL, BR_FMT_HTML, br_slice("caf\xe9", 4)));
	assert_false(web__to_utf8(&out, "x; charset=utf-8", BR_FMT_HTML, br_slice("caf\xe9", 4)));
	assert_false(web__to_utf8(&out, "x; charset=no-such-thing", BR_FMT_HTML, br_slice("caf\xe9", 4)));
	assert_false(web__to_utf8(&out, "x; charset=latin1//TRANSLIT", BR_FMT_HTML, br_slice("caf\xe9", 4)));
	assert_false(web__to_utf8(&out, "x; charset=utf-16le", BR_FMT_HTML, br_slice("\0\xd8", 2))); /* half a pair */
	assert_false(web__to_utf8(&out, "x; charset=iso-8859-1", BR_FMT_UNKNOWN, br_slice("caf\xe9", 4)));
	assert_false(web__to_utf8(&small, "x; charset=iso-8859-1", BR_FMT_HTML, br_slice(big, sizeof big)));
	br_buf_reset(&out);
	assert_true(web__to_utf8(&out, "x; charset=iso-8859-1", BR_FMT_HTML, br_slice(big, sizeof big)));
	assert_int_equal(out.len, 3 + 2 * sizeof big);
	br_buf_release(&out);
	br_buf_release(&small);
}

static void test_no_text(void **state)
{
	(void)state;
	assert_true(web__is_no_text("http://h/a.PNG?x"));
	assert_true(web__is_no_text("http://h/x.tar.gz"));
	assert_false(web__is_no_text("http://h/png"));
	assert_false(web__is_no_text("http://h/a.png/"));
	assert_false(web__is_no_text("http://h/a?x.png"));
	assert_false(web__is_no_text("http://h.zip/"));
	assert_false(web__is_no_text("http://h/a.html"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_files_stay_version_1),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_no_text),
	};

	return cmocka_run_group_tests_name("doc", tests, NULL, NULL);
}
