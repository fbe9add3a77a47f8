/*
 * What every reader promises for any input: blocks in order, apart, not empty, in range, at characters; right line
 * numbers; sorted skip ranges; every byte that is not blank in a block or a skip range. Checked by plain loops over
 * hostile, generated and mutated documents.
 */
#include "br/text.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct reader { const char *name; br_reader_fn *fn; enum br_format format; };
static const struct reader readers[] = {
	{ "plain", br_read_plain, BR_FMT_PLAIN },       { "markdown", br_read_markdown, BR_FMT_MARKDOWN },
	{ "rst", br_read_rst, BR_FMT_RST },             { "asciidoc", br_read_asciidoc, BR_FMT_ASCIIDOC },
	{ "code", br_read_code, BR_FMT_CODE },          { "csv", br_read_csv, BR_FMT_CSV },
	{ "tsv", br_read_csv, BR_FMT_TSV },             { "json", br_read_json, BR_FMT_JSON },
	{ "ndjson", br_read_json, BR_FMT_NDJSON },
};

/* ---- the checks ---- */

#define CHECK(x)                                                                                            \
	do {                                                                                                \
		if (!(x))                                                                                   \
			fail_msg("%s: %s\ninput (%zu bytes):\n%.2000s", what, #x, e->text.len, e->text.ptr); \
	} while (0)

static bool blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool at_character(const struct br_extracted *e, size_t at) { return at == e->text.len || (e->text.ptr[at] & 0xc0) != 0x80; }

static uint32_t line_of(const uint32_t *newlines, size_t at) { return newlines[at] + 1; }

static void check_blocks(const struct br_extracted *e, const char *what, const uint32_t *newlines, unsigned char *covered)
{
	size_t end = 0;

	for (size_t i = 0; i < e->blocks.n; i++) {
		const struct br_block *b = &e->blocks.v[i];
		CHECK(b->len > 0);
		CHECK(b->off >= end);
		CHECK((size_t)b->off + b->len <= e->text.len);
		end = (size_t)b->off + b->len;
		CHECK(at_character(e, b->off) && at_character(e, end));
		CHECK(!blank(e->text.ptr[b->off]) && !blank(e->text.ptr[end - 1]));
		CHECK(b->line == line_of(newlines, b->off));
		CHECK(b->line_end == line_of(newlines, end - 1));
		CHECK(b->head_len <= b->len);
		CHECK(b->head_len == 0 || b->kind == BR_BLOCK_TABLE);
		CHECK(b->kind < BR_BLOCK_KIND_COUNT);
		CHECK((b->kind == BR_BLOCK_HEADING) <= (b->level >= 1 && b->level <= 8));
		CHECK(b->kind == BR_BLOCK_LIST || b->kind == BR_BLOCK_HEADING || b->level == 0);
		memset(covered + b->off, 1, b->len);
	}
}

static void check_skip(const struct br_extracted *e, const char *what, unsigned char *covered)
{
	size_t end = 0;

	for (size_t i = 0; i < e->skip.n; i++) {
		const struct br_range *s = &e->skip.v[i];
		CHECK(s->len > 0);
		CHECK(i == 0 || s->off >= end);
		CHECK((size_t)s->off + s->len <= e->text.len);
		end = (size_t)s->off + s->len;
		CHECK(at_character(e, s->off) && at_character(e, end));
		memset(covered + s->off, 1, s->len);
	}
}

static void check_all(const struct br_extracted *e, const char *what)
{
	size_t n = e->text.len;
	unsigned char *covered = calloc(1, n + 1);
	uint32_t *newlines = calloc(n + 1, sizeof *newlines);

	for (size_t i = 0; i < n; i++)
		newlines[i + 1] = newlines[i] + (e->text.ptr[i] == '\n');
	check_blocks(e, what, newlines, covered);
	check_skip(e, what, covered);
	for (size_t i = 0; i < n; i++)
		CHECK(covered[i] || blank(e->text.ptr[i]));
	CHECK(!e->title || (strlen(e->title) > 0 && strlen(e->title) <= BR_MAX_TITLE && !strchr(e->title, '\n')));
	CHECK(!e->title || br_utf8_valid(e->title, strlen(e->title)) == strlen(e->title));
	free(covered);
	free(newlines);
}

static void run(struct br_extracted *e, const struct reader *r, const char *p, size_t n, const char *what)
{
	struct br_err err;
	char label[200];

	br_extracted_reset(e);
	br_buf_add(&e->text, p, n);
	e->format = r->format;
	snprintf(label, sizeof label, "%s, %s", r->name, what);
	assert_int_equal(0, r->fn(e, "test", &err));
	check_all(e, label);
}

static void run_all(const char *p, size_t n, const char *what)
{
	struct br_extracted e;

	br_extracted_init(&e);
	for (size_t i = 0; i < BR_COUNT(readers); i++)
		run(&e, &readers[i], p, n, what);
	br_extracted_release(&e);
}

/* ---- documents to start from ---- */

static const char *const seeds[] = {
	"---\ntitle: Tea\nc: nobody\ntags:\n  - a\n---\n\n# Tea {#tea}\n\nGreen *tea* from [here](http://x.org/a(b) \"t\") and <b>there</b>.\n\n"
	"- one\n  - two\n\n    more\n- three\n\n1. first\n2. second\n\n> quote\n> > deep\n\n```c\nint x;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[r]: http://y\n\n"
	"Sub\n---\n\n    indented\n\n<!-- hidden -->\n\n<div>\n<h2>HTML</h2>\n</div>\n",
	"PEP: 9\nTitle: Käse\nAuthor: A\nStatus: Draft\n\nIntro\n=====\n\nText::\n\n    code\n\n.. note:: look\n   out\n\n.. code-block:: c\n   :linenos:\n\n   x;\n\n"
	".. _t: http://x\n\n.. comment\n   more\n\n* a\n* b\n\n  c\n\nterm\n  definition\n\n+---+---+\n| a | b |\n+===+===+\n| 1 | 2 |\n+---+---+\n\n"
	"=== ===\nA   B\n=== ===\n1   2\n=== ===\n\nSee :ref:`text <target>` and ``lit``.\n\n>>> 1\n1\n\n====\nOver\n====\n\nSub\n~~~\nEnd.\n",
	"git-x(1)\n========\n:attr: v\n\nNAME\n----\ngit-x - do things\n\nOPTIONS\n-------\n-a::\n--all::\n\tAll of it.\n+\nMore, see linkgit:git-y[1].\n\n"
	"* one\n** two\n. num\n\n----\ncode\n----\n\n|===\n|a |b\n\n|1 |2\n|===\n\n[[anchor]]\n.Title\n====\nexample <<anchor,text>>\n====\n\n"
	"include::x[]\nifdef::y[shown]\n// comment\n////\nhidden\n////\n____\nquote\n____\n\n literal\n\n== Last\nlink:http://z[words]\n",
	"#include <x.h>\n\n/* does it */\nint f(void)\n{\n\tint a;\n\n\treturn a;\n}\n\nclass A:\n    def b(self):\n        pass\n\n    def c(self):\n        pass\n",
	"name,note,n\n\"a, b\",\"line\none\",1\nc,\"\"\"q\"\"\",2\n\nd,,3\n",
	"{\"a\": [1, 2, {\"b\": \"c,d\"}],\n \"e\": \"\\\"\", \"f\": null}\n{\"g\": 1}\n[1, 2]\n",
	"1.  Introduction\n\nThis is text\nof two lines.\n\nTITLE LINE\n\n  o  item\n  o  more\n\nSub\n---\n\n- a\n- b\n\nAuthor            Informational             [Page 3]\n\fRFC 1   Title   May 1990\n",
	"Größe über 日本語 ✓\n==================\n\nΑλφα — “quoted” text\n",
};

static const char *const tokens[] = {
	"\n", "\n\n", " ", "    ", "\t", "#", "## ", "=", "====", "====\n", "-", "---", "----\n", "~~~~", "```\n", "`", "``", "*", "* ", "- ", "1. ",
	"+\n", "--\n", "[", "]", "](", "(", ")", "<", ">", "> ", "<!--", "-->", "<div>", "</div>", "<pre>", "<h2>", "</h2>", "|", "|---|", "|===\n", "::", "::\n",
	".. ", ".. x::", ".. _", ":", ":a:", "\"", "'", "\\", ",", ";", "{", "}", "{#", "http://", "data:x;base64,AAAA", "&amp;", "ä", "日", "\xf0\x9f\x98\x80",
	"+--+\n", "=== ===\n", "////\n", "____\n", "[[", "]]", "<<", ">>", "\f", "\v", "\x01", "ifdef::a[", "include::", "PEP: 1\n", "NAME\n", " - ", "[^1]:", "[a]: b\n",
};

/* ---- generation ---- */

static uint64_t rng;

static uint32_t pick(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 33) % n;
}

static size_t character(const char *p, size_t n, size_t at)
{
	at = BR_MIN(at, n);
	while (at < n && (p[at] & 0xc0) == 0x80)
		at++;
	return at;
}

/* Replaces a range by a token, another range of the text, or nothing. */
static void mutate(struct br_buf *b)
{
	struct br_buf out = BR_BUF_INIT(1 << 20);
	size_t from = character(b->ptr, b->len, pick((uint32_t)b->len + 1));
	size_t to = pick(2) ? from : character(b->ptr, b->len, from + pick(12));
	size_t other = character(b->ptr, b->len, pick((uint32_t)b->len + 1)), stop = character(b->ptr, b->len, other + pick(40));

	br_buf_add(&out, b->ptr, from);
	if (pick(4))
		br_buf_adds(&out, tokens[pick(BR_COUNT(tokens))]);
	else
		br_buf_add(&out, b->ptr + other, stop - other);
	br_buf_add(&out, b->ptr + to, b->len - to);
	br_buf_release(b);
	*b = out;
}

static void test_seeds(void **state)
{
	(void)state;
	for (size_t i = 0; i < BR_COUNT(seeds); i++) {
		run_all(seeds[i], strlen(seeds[i]), "seed");
		for (size_t n = 0; n < strlen(seeds[i]); n++)
			if ((seeds[i][n] & 0xc0) != 0x80)
				run_all(seeds[i], n, "seed cut");
	}
}

static void test_mutated(void **state)
{
	struct br_extracted e;

	(void)state;
	rng = 20240517;
	br_extracted_init(&e);
	for (size_t r = 0; r < BR_COUNT(readers); r++) {
		for (int i = 0; i < 3000; i++) {
			struct br_buf b = BR_BUF_INIT(1 << 20);
			br_buf_adds(&b, seeds[i % BR_COUNT(seeds)]);
			for (uint32_t k = 1 + pick(12); k; k--)
				mutate(&b);
			run(&e, &readers[r], b.ptr, b.len, "mutated");
			br_buf_release(&b);
		}
	}
	br_extracted_release(&e);
}

static void test_token_soup(void **state)
{
	(void)state;
	rng = 42;
	for (int i = 0; i < 2000; i++) {
		struct br_buf b = BR_BUF_INIT(1 << 20);
		for (uint32_t k = pick(60); k; k--)
			br_buf_adds(&b, pick(5) ? tokens[pick(BR_COUNT(tokens))] : "word");
		run_all(b.ptr, b.len, "soup");
		br_buf_release(&b);
	}
}

/* ---- hostile documents: long, deep, unclosed. A reader that is not linear would not come back. ---- */

static void repeat(const char *unit, size_t bytes, const char *tail)
{
	struct br_buf b = BR_BUF_INIT(16 << 20);
	size_t n = strlen(unit);

	while (b.len < bytes)
		br_buf_add(&b, unit, n);
	br_buf_adds(&b, tail);
	run_all(b.ptr, b.len, unit);
	br_buf_release(&b);
}

static void test_hostile(void **state)
{
	static const char *const units[] = {
		">", "> ", "- ", "* ", "[", "]", "![", "](", "[](", "[a](", "](<", "<a ", "<a \"", "<!--", "<div>", "`", "``` ", "a`b``c```", "\\", "&#", "*a **b ", "| ", "|-",
		"a\n-\n", "=\n", "-\n", "--\n", "----\n", "====\n", "a\n====\n", "> \n", "- a\n", " - a\n", "```\n", "~~~\n", "[a]: b\n", "[a]: ", "+\n", "+-\n", "== ==\n", "== ==\na\n", ".. a::\n",
		".. \n", "..\n ", ".. [a\n", "a::\n", "a::\n\n b\n", ":a: b\n", "::", "::\n\n", "\"", "\"\n", "\",\"", "{", "[{\"a\":", "},", ",", "\n", "\t", " ", "\f", "http://", "data:;base64,",
		"<h1>", "<h1>a</h1>\n", "[[", "[[a\n", "<<", "<<a,", "link:", "link:a[", "ifdef::a[\n", "|===\n", "////\n", "////a\n", "____\n", "{#", "# {#a}\n", "<!--\n", "<?\n", "<pre>\n", "1. ", "1.\n", "A B\n\n", "a::\nb::\n",
		"\xc3\xa4", "\xe6\x97\xa5", "<pre", "<b a='", ":a", "`a <", "`a <b>`_ ", "\ta\n", "+--+\n", "+++\n", "---\n", "---\na: b\n", "......\n",
	};

	(void)state;
	for (size_t i = 0; i < BR_COUNT(units); i++) {
		repeat(units[i], 200000, "");
		repeat(units[i], 3000, "\n\nend\n");
	}
}

/* Each line longer than the one before: nothing may be searched for anew at each length. */
static void test_growing(void **state)
{
	static const char chars[] = "-=~`+./*_|#>[<\"";

	(void)state;
	for (const char *c = chars; *c; c++) {
		struct br_buf b = BR_BUF_INIT(1 << 20);
		for (size_t n = 1; n < 600; n++) {
			for (size_t k = 0; k < n; k++)
				br_buf_addc(&b, *c);
			br_buf_addc(&b, '\n');
		}
		run_all(b.ptr, b.len, "growing");
		br_buf_release(&b);
	}
}

static void test_large(void **state)
{
	static const char *const units[] = { "word ", "(", "[", ">", "`", "<b>", "a\n" };

	(void)state;
	for (size_t i = 0; i < BR_COUNT(units); i++)
		repeat(units[i], 4 << 20, "");
}

/* ---- real files: every reader reads every file of the folder that BR_DOCS names ---- */

static int check_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_TEXT);
	char encoding[24], *bytes;
	struct br_err err;
	FILE *f;

	(void)ftw;
	if (type != FTW_F || st->st_size > 4 << 20 || !(f = fopen(path, "rb")))
		return 0;
	bytes = calloc(1, (size_t)st->st_size + 1);
	assert_int_equal((size_t)st->st_size, fread(bytes, 1, (size_t)st->st_size, f));
	fclose(f);
	if (br_sniff(path, br_slice(bytes, (size_t)st->st_size), NULL) && br_decode(&text, encoding, br_slice(bytes, (size_t)st->st_size), &err) == 0)
		run_all(text.ptr, text.len, path);
	free(bytes);
	br_buf_release(&text);
	return 0;
}

static void test_real_files(void **state)
{
	const char *docs = getenv("BR_DOCS");

	(void)state;
	if (!docs) {
		print_message("skipped: BR_DOCS not set\n");
		skip();
	}
	assert_int_equal(0, nftw(docs, check_file, 16, FTW_PHYS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seeds),   cmocka_unit_test(test_mutated), cmocka_unit_test(test_token_soup),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_growing), cmocka_unit_test(test_large),
		cmocka_unit_test(test_real_files),
	};

	return cmocka_run_group_tests_name("text_invariants", tests, NULL, NULL);
}
