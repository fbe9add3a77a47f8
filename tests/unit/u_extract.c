/*
 * HTML through the real br-extract (BR_EXTRACT names it), the client's view of helpers that die, lie or hang, and the sandbox.
 */
#include "text/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "extract/sandbox.c" /* its layers are tested one by one */

static struct br_extractor *shared; /* one child for all pages */
static char dir[] = "/tmp/br-extract-XXXXXX";

/* ---- pages ---- */

static bool no_helper(void)
{
	if (getenv("BR_EXTRACT"))
		return false;
	print_message("skipped: BR_EXTRACT not set\n");
	return true;
}

static int read_bytes(struct br_extracted *e, struct br_slice page, struct br_err *err)
{
	struct br_source src = { page, "page.html", BR_FMT_HTML, NULL };

	if (!shared)
		shared = br_extractor_new(getenv("BR_EXTRACT"));
	return br_extract(e, shared, &src, err);
}

static void add_text(struct br_buf *b, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		br_buf_addc(b, p[i] == '\n' ? '~' : p[i]);
}

/* One line a block: kind and level, lines of the page, text with ~ for line ends; a table's head ends at '^'. */
static void dump(struct br_buf *b, const struct br_extracted *e)
{
	for (size_t i = 0; i < e->blocks.n; i++) {
		const struct br_block *k = &e->blocks.v[i];
		const char *p = e->text.ptr + k->off;

		br_buf_addf(b, "%c%u %u", "PHCTLQ"[k->kind], k->level, k->line);
		if (k->line_end != k->line)
			br_buf_addf(b, "-%u", k->line_end);
		br_buf_addc(b, ' ');
		add_text(b, p, k->head_len);
		br_buf_adds(b, k->head_len ? "^" : "");
		add_text(b, p + k->head_len, k->len - k->head_len);
		br_buf_addc(b, '\n');
	}
}

static void page_is(const char *page, const char *expected)
{
	struct br_buf got = BR_BUF_INIT(1 << 20);
	struct br_extracted e;
	struct br_err err = { 0 };

	br_extracted_init(&e);
	if (read_bytes(&e, br_slice_str(page), &err) < 0)
		fail_msg("%s: %s", page, err.msg);
	dump(&got, &e);
	assert_string_equal(got.ptr, expected);
	br_extracted_release(&e);
	br_buf_release(&got);
}

static void text_is(const char *page, size_t n, const char *text, const char *encoding)
{
	struct br_extracted e;
	struct br_err err = { 0 };

	br_extracted_init(&e);
	if (read_bytes(&e, br_slice(page, n), &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(e.text.ptr, text);
	if (encoding)
		assert_string_equal(e.encoding, encoding);
	assert_int_equal(e.format, BR_FMT_HTML);
	br_extracted_release(&e);
}

static void title_is(const char *page, const char *title, const char *lang)
{
	struct br_extracted e;
	struct br_err err = { 0 };

	br_extracted_init(&e);
	if (read_bytes(&e, br_slice_str(page), &err) < 0)
		fail_msg("%s: %s", page, err.msg);
	if (title)
		assert_string_equal(e.title, title);
	else
		assert_null(e.title);
	if (lang)
		assert_string_equal(e.lang, lang);
	br_extracted_release(&e);
}

static void refuses(const char *page, size_t n, int rc, const char *message)
{
	struct br_extracted e;
	struct br_err err = { 0 };

	br_extracted_init(&e);
	assert_int_equal(read_bytes(&e, br_slice(page, n), &err), rc);
	assert_non_null(strstr(err.msg, message));
	assert_int_equal(e.text.len, 0);
	br_extracted_release(&e);
}

static void test_paragraphs(void **state)
{
	(void)state;
	if (no_helper())
		skip();
	page_is("<h1>A <em>big</em>\n  title</h1>\n<p>One\ttwo&nbsp;\n three.<p>Four<br>five<br><br>six\n", "H1 1-2 A big title\nP0 3-4 One two three.\nP0 4 Four~five\nP0 4 six\n");
	page_is("loose <b>bold</b><i>ita</i>lic<div>in div</div>tail", "P0 1 loose boldita" "lic\nP0 1 in div\nP0 1 tail\n");
	page_is("<p>soft\xc2\xadhyphen zero\xe2\x80\x8bwidth &amp; &lt;tag&gt; &#8364;</p>", "P0 1 softhyphen zerowidth & <tag> \xe2\x82\xac\n");
	page_is("<p>see <img src=a.png alt=\"the  map\"> here</p>", "P0 1 see the map here\n");
	page_is("<blockquote><p>Said</p><p>he</p></blockquote><p>out</p>", "Q0 1 Said\nQ0 1 he\nP0 1 out\n");
	page_is("<h2></h2><p> </p><p>x</p>", "P0 1 x\n");
	page_is("<h3>a<br>b</h3>", "H3 1 a b\n");
}

static void test_code(void **state)
{
	(void)state;
	if (no_helper())
		skip();
	page_is("<p>x</p>\n<pre>\n\n  if (a &lt; b)\n\t<b>return</b>  1;\n\n}\n</pre>", "P0 1 x\nC0 4-7   if (a < b)~\treturn  1;~~}\n");
	page_is("<ul><li>Run<pre>make\n</pre>then</ul>", "L1 1 - Run\nC0 1 make\nL1 2 then\n");
}

static void test_lists(void **state)
{
	(void)state;
	if (no_helper())
		skip();
	page_is("<ul><li>a<li><p>b</p><p>c</p></ul>\n<ol start=3><li>d<ul><li>e</ul>f<li>g</ol>",
	        "L1 1 - a\nL1 1 - b\nL1 1 c\nL1 2 3. d\nL2 2 - e\nL1 2 f\nL1 2 4. g\n");
	page_is("<dl><dt>Term<dd>what it\nmeans<dt>Other</dt><dd><p>first</p><p>second</p></dd></dl>after",
	        "L1 1-2 Term~what it means\nL1 2 Other~first\nL1 2 second\nP0 2 after\n");
	page_is("<ul><li><h2>In</h2>text</ul>", "H2 1 In\nL1 1 text\n");
	text_is("<p>p</p><ul><li>a<li>b</ul><p>q</p>", 34, "p\n\n- a\n- b\n\nq", "UTF-8");
}

static void test_tables(void **state)
{
	(void)state;
	if (no_helper())
		skip();
	page_is("<table><caption>Prices</caption>\n<tr><th>Name<th>Cost</tr>\n<tr><td>Tea<td>2</tr>\n<tr><td>Milk<td></tr></table>",
	        "P0 1 Prices\nT0 1-4 Name | Cost^~Tea | 2~Milk |\n");
	page_is("<table><thead><tr><td>A<td>B</thead><tbody><tr><td><ul><li>x<li>y</ul>z<td>1</table>", "T0 1 A | B^~x y z | 1\n");
	page_is("<table><tr><th>row<td>1<tr><th>more<td>2</table>", "T0 1 row | 1~more | 2\n");
	page_is("<table><tr><td>only</td></tr><tr><td>column</td></tr></table>", "P0 1 only\nP0 1 column\n");
	page_is("<table><tr><td>menu<td><h1>Page</h1><p>text</table>", "P0 1 menu\nH1 1 Page\nP0 1 text\n");
	page_is("<table><tr><td>outer<td><table><tr><td>a<td>b</table>tail</table>", "P0 1 outer\nT0 1 a | b\nP0 1 tail\n");
	page_is("<table><tr><td>m<td><p>1<p>2<p>3<p>4</table>", "P0 1 m\nP0 1 1\nP0 1 2\nP0 1 3\nP0 1 4\n");
	page_is("<table><tr><td><td>b<tr><td>c<td>d</table>", "T0 1 | b~c | d\n");
}

#define WORDS20 "words words words words words words words words words words "
#define ENOUGH_TEXT WORDS20 WORDS20 WORDS20 WORDS20 "end"

static void test_what_is_left_out(void **state)
{
	(void)state;
	if (no_helper())
		skip();
	page_is("<head><style>s{}</style><script>var a='</p>';</script></head><nav>N</nav><header>H</header><p>in</p>"
	        "<aside>A</aside><div class='x sidebar'>S</div><div id=Cookie-Banner>C</div><div role=navigation>R</div>"
	        "<noscript>NS</noscript><svg><title>T</title><text>V</text></svg><template>L</template><button>B</button><footer>F</footer>",
	        "P0 1 in\n");
	page_is("<div>before</div><main><nav>n</nav><header>kept</header><p>" ENOUGH_TEXT "</p></main><p>after</p>", "P0 1 kept\nP0 1 " ENOUGH_TEXT "\n");
	page_is("<div>before</div><article><h1>t</h1><p>" ENOUGH_TEXT "</p><footer>by me</footer></article><p>after</p>",
	        "H1 1 t\nP0 1 " ENOUGH_TEXT "\nP0 1 by me\n");
	page_is("<p>text</p><main>short</main>", "P0 1 text\nP0 1 short\n");
	page_is("<h2>Install<a class=headerlink href=#i>\xc2\xb6</a></h2><nav class=toc>Contents</nav>", "H2 1 Install\nP0 1 Contents\n");
	page_is("<form>find<input></form><p>the text of it</p>", "P0 1 the text of it\n");
	page_is("<form><p>a whole page in a form</p></form>", "P0 1 a whole page in a form\n");
	page_is("<nav>only this</nav>", "P0 1 only this\n");
	page_is("<body class=sidebar><p>x</p></body>", "P0 1 x\n");
	refuses("<script>document.write('x')</script>", 36, -BR_EUNSUPPORTED, "no text");
	refuses("", 0, -BR_EUNSUPPORTED, "no text");
}

static void test_title_and_language(void **state)
{
	(void)state;
	if (no_helper())
		skip();
	title_is("<html lang=de-AT><title> A &amp;\n B </title><h1>H</h1>", "A & B", "de");
	title_is("<h2>no</h2><h1>First\n <b>one</b></h1><h1>x</h1>", "First one", NULL);
	title_is("<!--{\n \"Title\": \"Effective \\\"Go\\\"\", \"x\": 1 }-->\n<h1>x</h1>", "Effective \"Go\"", NULL);
	title_is("<!-- a comment --><p>x", NULL, "");
	title_is("<html lang=''><p>x", NULL, "");
}

static void test_encodings(void **state)
{
	static const char wide[] = "\xff\xfe<\0p\0>\0\xe9\0t\0\xe9\0";
	static const char cyrillic[] = "<meta charset='windows-1251'><p>\xcf\xf0\xe8\xe2\xe5\xf2";
	static const char latin[] = "<meta http-equiv=content-type content=\"text/html; charset=ISO-8859-1\"><p>caf\xe9 \x96 x";
	static const char none[] = "<p>une page en fran\xe7" "ais avec des accents : \xe9t\xe9, d\xe9j\xe0, o\xf9";
	static const char lies[] = "<meta charset=iso-8859-1><p>caf\xc3\xa9";
	static const char broken[] = "<meta charset=utf-8><p>\xc3\xa9t\xc3\xa9 \xc3\xa0 \xc3\xa9 \xc3\xa9 \xff x";
	static const char nul[] = "<p>a\0b</p><p>\r\nc\rd and more words";
	static const char unknown[] = "<meta charset=x-evil><p>plain";

	(void)state;
	if (no_helper())
		skip();
	text_is(wide, sizeof wide - 1, "\xc3\xa9t\xc3\xa9", "UTF-16LE");
	text_is(cyrillic, sizeof cyrillic - 1, "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", "WINDOWS-1251");
	text_is(latin, sizeof latin - 1, "caf\xc3\xa9 \xe2\x80\x93 x", "WINDOWS-1252");
	text_is(none, sizeof none - 1, "une page en fran\xc3\xa7" "ais avec des accents : \xc3\xa9t\xc3\xa9, d\xc3\xa9j\xc3\xa0, o\xc3\xb9", NULL);
	text_is(lies, sizeof lies - 1, "caf\xc3\xa9", "UTF-8");
	text_is(broken, sizeof broken - 1, "\xc3\xa9t\xc3\xa9 \xc3\xa0 \xc3\xa9 \xc3\xa9 \xef\xbf\xbd x", "UTF-8");
	text_is(unknown, sizeof unknown - 1, "plain", "UTF-8");
	text_is(nul, sizeof nul - 1, "ab\n\nc d and more words", "UTF-8");
}

/* ---- hostile pages ---- */

static void repeat(struct br_buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		br_buf_adds(b, s);
}

static void test_hostile_pages(void **state)
{
	static const char *const cycles[] = { "<div>", "<table>", "<table><tr><td>", "<ul><li>", "<b>", "<a ", "<", "&", "<!--", "<p title=\"", "</div>",
		                              "<dl><dt><dd>", "<form>", "<h1>", "<pre>", "<main>", "<nav>", "<br>", "\xc2\xa0", "<select>" };
	struct br_buf b = BR_BUF_INIT(64 << 20);
	struct br_extracted e;
	struct br_err err;

	(void)state;
	if (no_helper())
		skip();
	br_extracted_init(&e);
	for (size_t i = 0; i < BR_COUNT(cycles); i++) {
		int rc;
		br_buf_reset(&b);
		br_buf_adds(&b, "<p>first</p>");
		repeat(&b, cycles[i], 100000);
		br_buf_adds(&b, "last");
		rc = read_bytes(&e, br_buf_slice(&b), &err);
		if (rc < 0)
			fail_msg("%s: %s", cycles[i], err.msg);
		assert_memory_equal(e.text.ptr, "first", 5);
	}
	br_buf_reset(&b);
	br_buf_adds(&b, "<p>x</p><p title='");
	repeat(&b, "attribute ", 1000000);
	br_buf_adds(&b, "'>after</p>");
	assert_int_equal(read_bytes(&e, br_buf_slice(&b), &err), 0);
	assert_string_equal(e.text.ptr, "x\n\nafter");
	br_extracted_release(&e);
	br_buf_release(&b);
}

/* Deeper than is followed: the words stay, apart from each other. */
static void test_nesting_is_flattened(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_extracted e;
	struct br_err err;

	(void)state;
	if (no_helper())
		skip();
	repeat(&b, "<div>", BR_EXTRACT_NESTING + 10);
	br_buf_adds(&b, "deep<div>deeper</div><script>no</script>");
	repeat(&b, "</div>", BR_EXTRACT_NESTING + 10);
	br_buf_adds(&b, "<p>out</p>");
	br_extracted_init(&e);
	assert_int_equal(read_bytes(&e, br_buf_slice(&b), &err), 0);
	assert_string_equal(e.text.ptr, "deep deeper\n\nout");
	br_extracted_release(&e);
	br_buf_release(&b);
}

static void test_mutated_pages(void **state)
{
	static const char page[] = "<!DOCTYPE html><html lang=en><head><title>T</title></head><body><nav>n</nav><main><h1 id=a>H</h1>"
	                           "<p class='x'>text &amp; <b>more</b><br>x</p><table><tr><th>a<th>b<tr><td>1<td>2</table><ul><li>i<ol><li>j</ol></ul>"
	                           "<dl><dt>t<dd>d</dl><pre> code\n</pre><!-- c --><img alt=z><form><button>b</button></form></main></body></html>";
	struct br_extracted e;
	uint64_t seed = 11;

	(void)state;
	if (no_helper())
		skip();
	br_extracted_init(&e);
	for (int round = 0; round < 3000; round++) {
		struct br_err err = { 0 };
		char bad[sizeof page];
		size_t n = sizeof page - 1;
		int rc;

		memcpy(bad, page, sizeof page);
		for (int k = 0; k <= round % 8; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			if (round % 2)
				bad[(seed >> 33) % n] = "<>/&\"'= \n\x80\xc3"[(seed >> 20) % 11];
			else
				memmove(bad + (seed >> 33) % (n / 2), bad + (seed >> 20) % (n / 2), (seed >> 45) % (n / 2));
		}
		rc = read_bytes(&e, br_slice(bad, n), &err);
		if (rc < 0 && !strstr(err.msg, "no text"))
			fail_msg("round %d: %s", round, err.msg);
	}
	br_extracted_release(&e);
}

static void test_pages_from_the_wild(void **state)
{
	static const struct { const char *file, *words; } cases[] = {
		{ "testHTML_utf8.html", "\xc3\xa5\xc3\xa4\xc3\xb6" },
		{ "testHTML_charset_utf16le.html", "This is a sample text" },
		{ "testHTMLNoisyMetaEncoding_1.html", "\xd8\xa7\xd9\x84\xd8\xac\xd8\xb2\xd8\xa7\xd8\xa6\xd8\xb1\xd9\x8a" },
		{ "html-reader.html", "This is a set of tests for pandoc." },
		{ "big-preamble.html", "\xd0\x90\xd1\x80\xd0\xb5\xd0\xbd\xd0\xb4\xd0\xb0" },
	};
	const char *root = getenv("BR_SHARED");
	struct br_extracted e;

	(void)state;
	if (no_helper())
		skip();
	if (!root) {
		print_message("skipped: BR_SHARED not set\n");
		skip();
	}
	br_extracted_init(&e);
	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		struct br_buf b = BR_BUF_INIT(BR_MAX_FILE);
		struct br_err err = { 0 };
		char *path = br_sprintf("%s/corpora/files/%s", root, cases[i].file);

		assert_int_equal(br_file_read(&b, path, BR_MAX_FILE, &err), 0);
		assert_int_equal(read_bytes(&e, br_buf_slice(&b), &err), 0);
		assert_non_null(strstr(e.text.ptr, cases[i].words));
		assert_null(strstr(e.text.ptr, "font-family"));
		free(path);
		br_buf_release(&b);
	}
	br_extracted_release(&e);
}

/* ---- in-process formats by the same door ---- */

static void test_dispatch(void **state)
{
	struct br_extractor *x = br_extractor_new("/nonexistent/br-extract");
	struct br_source src = { br_slice_str("# Title\r\n\r\nwords\r\n"), "a.md", BR_FMT_UNKNOWN, NULL };
	struct br_extracted e;
	struct br_err err = { 0 };

	(void)state;
	br_extracted_init(&e);
	assert_int_equal(br_extract(&e, x, &src, &err), 0);
	assert_int_equal(e.format, BR_FMT_MARKDOWN);
	assert_string_equal(e.text.ptr, "# Title\n\nwords\n");
	assert_string_equal(e.encoding, "UTF-8");
	src.lang = "fr";
	assert_int_equal(br_extract(&e, x, &src, &err), 0);
	assert_string_equal(e.lang, "fr");
	src = (struct br_source){ br_slice_str("int main(void)\n{\n\treturn the_value_of_it;\n}\n"), "a.c", BR_FMT_UNKNOWN, NULL };
	assert_int_equal(br_extract(&e, x, &src, &err), 0);
	assert_int_equal(e.format, BR_FMT_CODE);
	assert_string_equal(e.lang, "");
	src = (struct br_source){ br_slice("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16), "a.txt", BR_FMT_UNKNOWN, NULL };
	assert_int_equal(br_extract(&e, x, &src, &err), -BR_EUNSUPPORTED);
	assert_int_equal(e.text.len, 0);
	src = (struct br_source){ br_slice_str("<p>x"), "a.html", BR_FMT_HTML, NULL };
	assert_int_equal(br_extract(&e, x, &src, &err), -BR_EUNSUPPORTED);
	assert_non_null(strstr(err.msg, "/nonexistent/br-extract"));
	src.bytes.len = (size_t)BR_MAX_FILE + 1; /* never looked at */
	assert_int_equal(br_extract(&e, x, &src, &err), -BR_ETOOBIG);
	br_extracted_release(&e);
	br_extractor_free(x);
	br_extractor_free(NULL);
}

/* ---- helpers that misbehave ---- */

static void write_script(const char *path, const char *body)
{
	char *s = br_sprintf("#!/bin/sh\n%s\n", body);
	struct br_err err;

	assert_int_equal(br_file_write_atomic(path, s, strlen(s), 0755, &err), 0);
	assert_int_equal(chmod(path, 0755), 0);
	free(s);
}

static struct br_text__helper new_helper(const char *body)
{
	struct br_text__helper h = { .path = br_path_join(dir, "helper") };

	br_buf_init(&h.reply, BR_PROTO_MAX);
	write_script(h.path, body);
	return h;
}

static int ask(struct br_text__helper *h, const char *page, struct br_extracted *e, struct br_err *err)
{
	return br_text__helper_ask(e, h, BR_FMT_HTML, br_slice_str(page), err);
}

static void script_gives(const char *body, int rc, const char *message)
{
	struct br_text__helper h = new_helper(body);
	struct br_buf page = BR_BUF_INIT(1 << 20);
	struct br_extracted e;
	struct br_err err = { 0 };

	repeat(&page, "larger than a pipe holds, ", 10000);
	br_extracted_init(&e);
	assert_int_equal(ask(&h, page.ptr, &e, &err), rc);
	if (!strstr(err.msg, message))
		fail_msg("'%s' lacks '%s'", err.msg, message);
	assert_int_equal(e.text.len, 0);
	br_extracted_release(&e);
	br_text__helper_release(&h);
	br_buf_release(&page);
}

static void test_helpers_that_misbehave(void **state)
{
	(void)state;
	script_gives("kill -11 $$", -BR_EINPUT, "crashed (signal 11)");
	script_gives("dd bs=1000 count=1 of=/dev/null 2>/dev/null; kill -6 $$", -BR_EINPUT, "crashed (signal 6)");
	script_gives("exit 120", -BR_ETIMEOUT, "processor time");
	script_gives("exit 121", -BR_EUNSUPPORTED, "sandbox");
	script_gives("exit 7", -BR_EINPUT, "status 7");
	script_gives("printf 'no reply at all, only words'; exec cat >/dev/null", -BR_ECORRUPT, "header");
	/* a header that promises 4 GB */
	script_gives("printf 'BRXR\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0'; exec cat >/dev/null", -BR_ECORRUPT, "header");
	script_gives("printf 'BRXR\\0\\0\\0\\0\\3\\0\\0\\0\\0\\0\\0\\0abc'; exec cat >/dev/null", -BR_ECORRUPT, "damaged");
	char body[120]; /* its words are made printable */
	snprintf(body, sizeof body, "printf 'BRXR\\%o\\0\\0\\0\\5\\0\\0\\0\\0\\0\\0\\0a\\033[2J'; exec cat >/dev/null", (unsigned)BR_EINPUT);
	script_gives(body, -BR_EINPUT, "a?[2J");
}

static void test_starts_again(void **state)
{
	struct br_text__helper h;
	struct br_extracted e;
	struct br_err err = { 0 };
	siginfo_t info;
	char *body;

	(void)state;
	if (no_helper())
		skip();
	br_extracted_init(&e);
	h = new_helper("kill -11 $$");
	assert_int_equal(ask(&h, "<p>one", &e, &err), -BR_EINPUT);
	body = br_sprintf("exec '%s'", getenv("BR_EXTRACT"));
	write_script(h.path, body);
	assert_int_equal(ask(&h, "<p>two", &e, &err), 0);
	assert_string_equal(e.text.ptr, "two");
	/* it dies while it waits: nobody notices */
	kill(h.child.pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)h.child.pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(ask(&h, "<p>three", &e, &err), 0);
	assert_string_equal(e.text.ptr, "three");
	free(body);
	br_extracted_release(&e);
	br_text__helper_release(&h);
}

/* In a process of its own, since a request to stop stays. */
static void test_request_to_stop(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	if ((pid = fork()) == 0) {
		struct br_text__helper h = new_helper("exec cat >/dev/null");
		struct br_extracted e;
		struct br_err err;
		int rc;

		br_catch_signals();
		raise(SIGTERM);
		br_extracted_init(&e);
		rc = ask(&h, "<p>x", &e, &err);
		_exit(rc == -BR_ECANCELLED && !h.running ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- sandbox ---- */

static void enter(void)
{
	struct br_extract__layers on;
	struct br_err err;

	if (br_extract__sandbox(&on, &err) < 0 || !on.seccomp || !on.limits)
		_exit(99);
}

static void do_open(void) { open("/etc/passwd", O_RDONLY); }
static void do_socket(void) { socket(AF_INET, SOCK_STREAM, 0); }
static void do_fork(void) { fork(); }
static void do_exec(void) { execl("/bin/true", "true", (char *)NULL); }
static void do_kill(void) { kill(getppid(), 0); }
static void do_code(void) { mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
static void do_write_elsewhere(void) { syscall(SYS_write, 7, "x", 1); }
static void do_other_limits(void) { prlimit((pid_t)1, RLIMIT_CPU, NULL, NULL); }

static int run_inside(void (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		enter();
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool sanitized(void)
{
	bool yes = SANITIZED || getenv("BR_VALGRIND");

	if (yes)
		print_message("skipped: the sandbox is off in builds with a sanitizer, and under valgrind\n");
	return yes;
}

static void test_sandbox_kills(void **state)
{
	void (*const deeds[])(void) = { do_open, do_socket, do_fork, do_exec, do_kill, do_code, do_write_elsewhere, do_other_limits };

	(void)state;
	if (sanitized())
		skip();
	for (size_t i = 0; i < BR_COUNT(deeds); i++) {
		int status = run_inside(deeds[i]);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("deed %zu: status %d", i, status);
	}
}

static void do_memory(void)
{
	char *volatile p = malloc(100 << 20), *volatile q = malloc((size_t)3 << 30);
	struct timespec t;

	if (!p || q)
		_exit(1);
	memset(p, 1, 100 << 20);
	p = realloc(p, 200 << 20);
	free(p);
	clock_gettime(CLOCK_MONOTONIC, &t);
	br_extract__cpu_limit(100);
}

static void do_spin(void)
{
	br_extract__cpu_limit(1);
	for (volatile unsigned i = 0;; i++)
		;
}

static void do_abort(void)
{
	abort();
}

static void test_sandbox_allows(void **state)
{
	int status;

	(void)state;
	if (sanitized())
		skip();
	assert_int_equal(run_inside(do_memory), 0);
	status = run_inside(do_spin);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == BR_EXTRACT_EXIT_CPU);
	status = run_inside(do_abort); /* told apart from a forbidden call */
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void test_landlock_alone(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (!landlock_abi()) {
		print_message("skipped: this kernel has no Landlock\n");
		skip();
	}
	if ((pid = fork()) == 0) {
		bool denied;
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (!set_landlock())
			_exit(1);
		denied = open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES && open("/tmp", O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES &&
		         open("/tmp/br-extract-new", O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES;
		_exit(denied ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char *helper = br_path_join(dir, "helper");

	(void)state;
	br_extractor_free(shared);
	unlink(helper);
	free(helper);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paragraphs),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_what_is_left_out),
		cmocka_unit_test(test_title_and_language),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_hostile_pages),
		cmocka_unit_test(test_nesting_is_flattened),
		cmocka_unit_test(test_mutated_pages),
		cmocka_unit_test(test_pages_from_the_wild),
		cmocka_unit_test(test_dispatch),
		cmocka_unit_test(test_helpers_that_misbehave),
		cmocka_unit_test(test_starts_again),
		cmocka_unit_test(test_request_to_stop),
		cmocka_unit_test(test_sandbox_kills),
		cmocka_unit_test(test_sandbox_allows),
		cmocka_unit_test(test_landlock_alone),
	};

	return cmocka_run_group_tests_name("extract", tests, setup, teardown);
}
