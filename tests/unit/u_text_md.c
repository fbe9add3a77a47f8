/* Markdown: blocks, skip ranges and titles of small documents, and agreement with md4c on the structure of generated ones. */
#include "text_blocks.h"

/* For its tables, which are searched by halves. */
#include "text/inline.c"

#include <ctype.h>
#include <md4c.h>

static void test_tables_are_sorted(void **state)
{
	(void)state;
	for (size_t i = 1; i < BR_COUNT(block_tags); i++)
		assert_true(strcmp(block_tags[i - 1], block_tags[i]) < 0);
	for (size_t i = 1; i < BR_COUNT(inline_tags); i++)
		assert_true(strcmp(inline_tags[i - 1], inline_tags[i]) < 0);
}

static void expect(const char *text, const char *blocks, const char *skip, const char *title)
{
	expect_text(br_read_markdown, BR_FMT_MARKDOWN, text, blocks, skip, title);
}

static void test_leaves(void **state)
{
	(void)state;
	expect("# One #\nText\nmore\n\nTwo\n---\n***\nlast", "H1 One\nP Text/more\nH2 Two\nP last\n", "# \n#\n---/***\n", "One");
	expect("```c\nint x;\n\n# no\n```\nafter", "C ```c/int x;//# no/```\nP after\n", "", "(none)");
	expect("~~~\nopen\n", "C ~~~/open\n", "", NULL);
	expect("````\n```\n````\n", "C ````/```/````\n", NULL, NULL);
	expect("    a\n\n    b\nc", "C a//    b\nP c\n", NULL, NULL);
	expect("text\n    no code\n", "P text/    no code\n", NULL, NULL);
	expect("a\nb\n===\n", "H1 a/b\n", "===\n", "a b");
	expect("#no heading\n####### nor this\n", "P #no heading/####### nor this\n", NULL, NULL);
	expect("## Head {#head}\n", "H2 Head\n", "## \n{#head}\n", "Head");
	expect("", "", "", "(none)");
	expect(" \n\t\n", "", "", "(none)");
}

static void test_lists(void **state)
{
	(void)state;
	expect("- one\n- two\n  more\n", "L1 - one\nL1 - two/  more\n", "", NULL);
	expect("- one\n  - in\n    - deep\n- two\n", "L1 - one\nL2 - in\nL3 - deep\nL1 - two\n", NULL, NULL);
	expect("1. one\n\n   second\n2. two\n", "L1 1. one//   second\nL1 2. two\n", NULL, NULL);
	expect("- one\n\n  ```\n  x\n  ```\n  tail\n", "L1 - one\nC ```/  x/  ```\nL1 tail\n", NULL, NULL);
	expect("- one\nlazy\n\nafter\n", "L1 - one/lazy\nP after\n", NULL, NULL);
	expect("text\n2. no list\n", "P text/2. no list\n", NULL, NULL);
	expect("text\n- list\n", "P text\nL1 - list\n", NULL, NULL);
	expect("* * *\n- - -\n", "", NULL, NULL);
	expect("- - a\n", "L2 - - a\n", NULL, NULL);
	expect("1. # Head\n", "H1 Head\n", "1. # \n", NULL);
	expect("-\tTab\n\n\tmore\n", "L1 -\tTab//\tmore\n", NULL, NULL);
}

static void test_long_item_is_cut(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct br_extracted e;

	(void)state;
	br_buf_adds(&b, "- first\n\n");
	for (int i = 0; i < 20; i++)
		br_buf_adds(&b, "  a paragraph of just so many characters that a dozen of them fill a block of the list, and then a bit\n\n");
	read_text(&e, br_read_markdown, BR_FMT_MARKDOWN, b.ptr);
	assert_true(e.blocks.n >= 2 && e.blocks.n <= 4);
	for (size_t i = 0; i < e.blocks.n; i++) {
		assert_int_equal(BR_BLOCK_LIST, e.blocks.v[i].kind);
		assert_true(e.blocks.v[i].len <= 1200);
	}
	br_extracted_release(&e);
	br_buf_release(&b);
}

static void test_quotes(void **state)
{
	(void)state;
	expect("> one\n> two\n\nafter\n", "Q > one/> two\nP after\n", NULL, NULL);
	expect("> one\nlazy\n", "Q > one/lazy\n", NULL, NULL);
	expect("> - item\n> - more\n", "L1 > - item\nL1 > - more\n", NULL, NULL);
	expect("> # Head\n> text\n", "H1 Head\nQ > text\n", "> # \n", NULL);
	expect("> a\n---\n", "Q > a\n", "---\n", NULL);
}

static void test_tables(void **state)
{
	struct br_extracted e;

	(void)state;
	expect("| a | b |\n|---|:-:|\n| 1 | 2 |\n\nend\n", "T | a | b |/|---|:-:|/| 1 | 2 |\nP end\n", NULL, NULL);
	expect("above\n| a | b |\n|---|---|\n| 1 | 2 |\n# H\n", "P above\nT | a | b |/|---|---|/| 1 | 2 |\nH1 H\n", NULL, NULL);
	expect("a | b\n--|--|--\n", "P a | b/--|--|--\n", NULL, NULL);
	read_text(&e, br_read_markdown, BR_FMT_MARKDOWN, "x|y\n-|-\n1|2\n3|4\n");
	assert_int_equal(1, e.blocks.n);
	assert_int_equal(strlen("x|y\n-|-"), e.blocks.v[0].head_len);
	assert_int_equal(1, e.blocks.v[0].line);
	assert_int_equal(4, e.blocks.v[0].line_end);
	br_extracted_release(&e);
}

static void test_links(void **state)
{
	(void)state;
	expect("See [the docs](http://x.org/a(b)c) now.", NULL, "](http://x.org/a(b)c)\n", NULL);
	expect("[a](<b c> \"title\")", NULL, "](<b c>\n", NULL);
	expect("![alt](data:image/png;base64,AAAA)", NULL, "](data:image/png;base64,AAAA)\n", NULL);
	expect("bare data:image/png;base64,iVBO+/= end", NULL, "data:image/png;base64,iVBO+/=\n", NULL);
	expect("[text][label] and [x]", NULL, "][label]\n", NULL);
	expect("[x](see below)", NULL, "", NULL);
	expect("`[a](b)` and \\[a](b)", NULL, "", NULL);
	expect("Go to https://x.org/y or <http://z>.", NULL, "https://\nhttp://\n", NULL);
	expect("[a]: http://b\n[c]: d \"t\"\n\ntext", "P text\n", "[a]: http://b\n[c]: d \"t\"\n", NULL);
	expect("[^1]: a footnote", "P [^1]: a footnote\n", "", NULL);
	expect("a &lt; b &#169; &x", NULL, "&lt;\n&#169;\n", NULL);
}

static void test_html(void **state)
{
	(void)state;
	expect("a <b class='x>y'>bold</b> <file> Vec<T>", NULL, "<b class='x>y'>\n</b>\n", NULL);
	expect("<!-- hid\n\nden -->\n\ntext <!-- x --> end", "P text <!-- x --> end\n", "<!-- hid//den -->\n<!-- x -->\n", NULL);
	expect("<h2 id=\"a\">Words</h2>\n", "H2 Words\n", "<h2 id=\"a\">\n</h2>\n", "Words");
	expect("<div>\n<p>text</p>\n</div>\n", "P <div>/<p>text</p>/</div>\n", "<div>\n<p>\n</p>\n</div>\n", NULL);
	expect("<pre>\ncode\n\nmore\n</pre>\ntext", "C <pre>/code//more/</pre>\nP text\n", "<pre>\n</pre>\n", NULL);
	expect("<script>\nvar a;\n</script>\ntext", "P text\n", "<script>/var a;/</script>\n", NULL);
}

static void test_titles(void **state)
{
	(void)state;
	expect("---\ntitle: \"A: b\"\nlayout: x\n---\n# C\n", "P title: \"A: b\"/layout: x\nH1 C\n", "---\nlayout: x\n---\n# \n", "A: b");
	expect("+++\ntitle = 'T'\n+++\ntext\n", "P title = 'T'\nP text\n", NULL, "T");
	expect("---\nnot keys\n---\n", NULL, NULL, "not keys");
	expect("<!--{\n  \"Title\": \"Say \\\"hi\\\" \\u00e4\"\n}-->\n\n# Other\n", NULL, NULL, "Say \"hi\" \xc3\xa4");
	expect("---\nLong: max-time\nHelp: Limit the time\n---\n\n# `--max-time`\n", NULL, NULL, "--max-time: Limit the time");
	expect("---\nTitle: f\nSection: 3\n---\n\n# NAME\n\nf - does it\n\n# SYNOPSIS\n", NULL, NULL, "f(3) - does it");
	expect("- Feature Name: `let_else`\n- Start: now\n\n# Summary\n\na\n\n# More\n", NULL, NULL, "let_else");
	expect("badge\n\n# Project\n\n## A\n", NULL, NULL, "Project");
	expect("text\n\n## Only second\n", NULL, NULL, "(none)");
	expect("# **Bold** [link](x) title\n", NULL, NULL, "Bold link title");
}

static void test_lines_are_those_of_the_file(void **state)
{
	struct br_extracted e;

	(void)state;
	read_text(&e, br_read_markdown, BR_FMT_MARKDOWN, "\n\n# A\n\ntwo\nlines\n\n```\nx\n```\n");
	assert_int_equal(3, e.blocks.n);
	assert_int_equal(3, e.blocks.v[0].line);
	assert_int_equal(5, e.blocks.v[1].line);
	assert_int_equal(6, e.blocks.v[1].line_end);
	assert_int_equal(8, e.blocks.v[2].line);
	assert_int_equal(10, e.blocks.v[2].line_end);
	br_extracted_release(&e);
}

/* ---- md4c as the reference: headings, code and tables, in order, by their letters ---- */

struct outline { struct br_buf text; bool inside; };

static void open_entry(struct outline *o, const char *what)
{
	/* One without letters says nothing and is dropped. */
	while (o->text.len && o->text.ptr[o->text.len - 1] == ':')
		o->text.len = (size_t)((char *)memrchr(o->text.ptr, '\n', o->text.len) - o->text.ptr);
	br_buf_addf(&o->text, "\n%s:", what);
	o->inside = true;
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
	char h[3] = "H1";

	if (type == MD_BLOCK_H) {
		h[1] = (char)('0' + ((MD_BLOCK_H_DETAIL *)detail)->level);
		open_entry(arg, h);
	} else if (type == MD_BLOCK_CODE || type == MD_BLOCK_TABLE) {
		open_entry(arg, type == MD_BLOCK_CODE ? "C" : "T");
	}
	return 0;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
	(void)detail;
	if (type == MD_BLOCK_H || type == MD_BLOCK_CODE || type == MD_BLOCK_TABLE)
		((struct outline *)arg)->inside = false;
	return 0;
}

static int span(MD_SPANTYPE type, void *detail, void *arg)
{
	(void)type, (void)detail, (void)arg;
	return 0;
}

static int text_of(MD_TEXTTYPE type, const MD_CHAR *p, MD_SIZE n, void *arg)
{
	struct outline *o = arg;

	(void)type;
	for (MD_SIZE i = 0; o->inside && i < n; i++)
		if (isalpha((unsigned char)p[i]))
			br_buf_addc(&o->text, p[i]);
	return 0;
}

static void our_outline(struct outline *o, const struct br_extracted *e)
{
	for (size_t i = 0; i < e->blocks.n; i++) {
		const struct br_block *b = &e->blocks.v[i];
		char h[3] = "H1";
		if (b->kind != BR_BLOCK_HEADING && b->kind != BR_BLOCK_CODE && b->kind != BR_BLOCK_TABLE)
			continue;
		h[1] = (char)('0' + b->level);
		open_entry(o, b->kind == BR_BLOCK_HEADING ? h : b->kind == BR_BLOCK_CODE ? "C" : "T");
		text_of(MD_TEXT_NORMAL, e->text.ptr + b->off, b->len, o);
	}
}

static void compare(const char *text, size_t n)
{
	static const MD_PARSER parser = { 0, MD_FLAG_TABLES, enter_block, leave_block, span, span, text_of, NULL, NULL };
	struct outline ours = { BR_BUF_INIT(1 << 20), false }, theirs = { BR_BUF_INIT(1 << 20), false };
	struct br_extracted e;

	read_text(&e, br_read_markdown, BR_FMT_MARKDOWN, text);
	our_outline(&ours, &e);
	assert_int_equal(0, md_parse(text, (MD_SIZE)n, &parser, &theirs));
	open_entry(&ours, "end");
	open_entry(&theirs, "end");
	if (strcmp(ours.text.ptr, theirs.text.ptr))
		fail_msg("md4c:%s\nours:%s\ninput:\n%s", theirs.text.ptr, ours.text.ptr, text);
	br_buf_release(&ours.text);
	br_buf_release(&theirs.text);
	br_extracted_release(&e);
}

static void test_agrees_with_md4c(void **state)
{
	static const char *const lines[] = {
		"# top\n", "## sub ##\n", "text\n", "two words\n", "- item\n", "  - deeper\n", "    - deepest\n", "* star\n", "1. one\n", "2. two\n",
		"> quote\n", "> > twice\n", "```\ncode\n```\n", "~~~\n# no\n~~~\n", "***\n", "===\n", "---\n", "\n", "\n", "    indented\n", "  cont\n",
		"- ## head\n", "> # head\n", "   spaced\n", "\tTab\n", "\na|b\n---|---\nc|d\n\n", "#no\n",
	};
	uint64_t rng = 88172645463325252u;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct br_buf b = BR_BUF_INIT(1 << 16);
		br_buf_adds(&b, "Begin\n\n");
		for (int k = 0; k < 12; k++) {
			rng ^= rng << 13;
			rng ^= rng >> 7;
			rng ^= rng << 17;
			br_buf_adds(&b, lines[(rng >> 33) % BR_COUNT(lines)]);
		}
		compare(b.ptr, b.len);
		br_buf_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_are_sorted),
		cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_long_item_is_cut),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_titles),
		cmocka_unit_test(test_lines_are_those_of_the_file),
		cmocka_unit_test(test_agrees_with_md4c),
	};

	return cmocka_run_group_tests_name("text_md", tests, NULL, NULL);
}
