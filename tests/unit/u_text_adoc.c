/* AsciiDoc: blocks, skip ranges and titles of small documents. */
#include "text_blocks.h"

static void expect(const char *text, const char *blocks, const char *skip, const char *title)
{
	expect_text(br_read_asciidoc, BR_FMT_ASCIIDOC, text, blocks, skip, title);
}

static void test_manual_page(void **state)
{
	(void)state;
	expect("git-reset(1)\n============\n\nNAME\n----\ngit-reset - Reset current HEAD\n\nSYNOPSIS\n--------\n[verse]\n[<x>] y\nz\n",
	       "H1 git-reset(1)\nH2 NAME\nP git-reset - Reset current HEAD\nH2 SYNOPSIS\nP [<x>] y/z\n", "============\n----\n--------\n[verse]\n",
	       "git-reset(1) - Reset current HEAD");
}

static void test_headings(void **state)
{
	(void)state;
	expect("= Title\n\n== Section\nText\n\n=== Sub\n", "H1 Title\nH2 Section\nP Text\nH3 Sub\n", "=\n==\n===\n", "Title");
	expect("Deep\n~~~~\n\nDeeper\n^^^^^^\n", "H3 Deep\nH4 Deeper\n", NULL, NULL);
	expect("Text:\n----\ncode\n----\n", "P Text:\nC ----/code/----\n", NULL, "(none)");
	expect("Far too long for that\n----\ncode\n----\n", "P Far too long for that\nC ----/code/----\n", NULL, NULL);
}

static void test_labelled_lists(void **state)
{
	(void)state;
	expect("-a::\n--all::\n\tAll of it.\n+\nMore.\n\n-b <x>:: Short.\n\nAfter.\n",
	       "L1 -a::/--all::/\tAll of it./+/More.\nL1 -b <x>:: Short.\nP After.\n", "", NULL);
	expect("term::\n\n\tText.\n", "L1 term:://\tText.\n", NULL, NULL);
	expect("a::\n\tOne.\n+\n--\nx::\n\tInner.\ny::\n\tOther.\n--\n+\nTail.\n\nb::\n\tTwo.\n",
	       "L1 a::/\tOne.\nL2 x::/\tInner.\nL2 y::/\tOther.\nL1 Tail.\nL1 b::/\tTwo.\n", NULL, NULL);
	expect("Call std::string and A::b here.\n", "P Call std::string and A::b here.\n", NULL, NULL);
}

static void test_lists(void **state)
{
	(void)state;
	expect("* one\n** two\n* three\n  more\n\nText\n", "L1 * one\nL2 ** two\nL1 * three/  more\nP Text\n", NULL, NULL);
	expect(". one\n.. sub\n- dash\n", "L1 . one\nL2 .. sub\nL3 - dash\n", NULL, NULL);
	expect("1. one\n2. two\n", "L1 1. one\nL1 2. two\n", NULL, NULL);
	expect("----\nx <1>\n----\n<1> first\n<2> second\n", "C ----/x <1>/----\nL1 <1> first\nL1 <2> second\n", NULL, NULL);
	expect("Text\n* no list\n", "P Text/* no list\n", NULL, NULL);
}

static void test_delimited_blocks(void **state)
{
	(void)state;
	expect("....\nlit\n\nmore\n....\n", "C ..../lit//more/....\n", "", NULL);
	expect("////\nhidden\n\n----\n////\nText\n", "P Text\n", "/////hidden//----/////\n", NULL);
	expect("====\nexample\n\n* item\n====\nText\n", "P example\nL1 * item\nP Text\n", "====\n====\n", NULL);
	expect("____\nsaid\n____\n\nText\n", "Q said\nP Text\n", NULL, NULL);
	expect("----\nnever closed\n\ntext\n", "P never closed\nP text\n", "----\n", NULL);
	expect("* item\n+\n----\ncode\n----\n+\nmore\n", "L1 * item\nC ----/code/----\nL1 more\n", NULL, NULL);
	expect(" literal\n text\n\nText\n", "C literal/ text\nP Text\n", NULL, NULL);
	expect("```c\nx\n```\n", "C ```c/x/```\n", NULL, NULL);
}

static void test_tables(void **state)
{
	struct br_extracted e;

	(void)state;
	read_text(&e, br_read_asciidoc, BR_FMT_ASCIIDOC, "|===\n|a |b\n\n|1 |2\n|===\nText\n");
	assert_int_equal(2, e.blocks.n);
	assert_int_equal(BR_BLOCK_TABLE, e.blocks.v[0].kind);
	assert_int_equal(10, e.blocks.v[0].head_len);
	br_extracted_release(&e);
	read_text(&e, br_read_asciidoc, BR_FMT_ASCIIDOC, "[options=\"header\"]\n|===\n|a |b\n|1 |2\n|===\n\n|===\n|c\n|===\n");
	assert_int_equal(2, e.blocks.n);
	assert_int_equal(10, e.blocks.v[0].head_len);
	assert_int_equal(0, e.blocks.v[1].head_len);
	br_extracted_release(&e);
}

static void test_lines_without_text(void **state)
{
	(void)state;
	expect(":attr: value\n:!other:\n\n// comment\nText\n// in between\nmore\n", "P Text/// in between/more\n", ":attr: value\n:!other:\n// comment\n// in between\n", NULL);
	expect("include::a.adoc[]\n\nifdef::x[]\nText\nendif::x[]\n", "P Text\n", "include::a.adoc[]\nifdef::x[]\nendif::x[]\n", NULL);
	expect("ifdef::x[shown]\n", "P shown\n", "ifdef::x[\n]\n", NULL);
	expect("[[anchor]]\n.Block title\nText\n", "P .Block title/Text\n", "[[anchor]]\n", NULL);
}

static void test_inline(void **state)
{
	(void)state;
	expect("See linkgit:git-add[1] and link:http://x.org/y[the page].", NULL, "linkgit:\nlink:http://x.org/y[\n", NULL);
	expect("See <<anchor,the words>> or <<other>>.", NULL, "<<anchor,\n", NULL);
	expect("[[def]]term:: meaning", "L1 [[def]]term:: meaning\n", "[[def]]\n", NULL);
	expect("https://x.org[site] @{upstream}", NULL, "https://\n", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manual_page),      cmocka_unit_test(test_headings), cmocka_unit_test(test_labelled_lists),
		cmocka_unit_test(test_lists),            cmocka_unit_test(test_delimited_blocks), cmocka_unit_test(test_tables),
		cmocka_unit_test(test_lines_without_text), cmocka_unit_test(test_inline),
	};

	return cmocka_run_group_tests_name("text_adoc", tests, NULL, NULL);
}
