/* reStructuredText: blocks, skip ranges and titles of small documents. */
#include "text_blocks.h"

static void expect(const char *text, const char *blocks, const char *skip, const char *title)
{
	expect_text(br_read_rst, BR_FMT_RST, text, blocks, skip, title);
}

static void test_headings(void **state)
{
	(void)state;
	expect("Top\n===\n\nSub\n---\n\nText.\n\nAgain\n=====\n", "H1 Top\nH2 Sub\nP Text.\nH1 Again\n", "===\n---\n=====\n", "Top");
	expect("====\nDoc\n====\n\nA\n====\n\nB\n~~~~\n", "H1 Doc\nH2 A\nH3 B\n", NULL, "Doc");
	expect("Text before\n\n-----\n\nafter\n", "P Text before\nP after\n", "-----\n", NULL);
	expect("K\xc3\xa4se\n====\n", "H1 K\xc3\xa4se\n", NULL, "K\xc3\xa4se");
	expect("Too long a title for that\n---\n", "P Too long a title for that/---\n", NULL, "(none)");
}

static void test_pep_header(void **state)
{
	(void)state;
	expect("PEP: 703\nTitle: Making ``GIL`` optional\nAuthor: A,\n        B\nStatus: Final\n\nAbstract\n========\n\nText.\n",
	       "P PEP: 703/Title: Making ``GIL`` optional/Author: A,/        B/Status: Final\nH1 Abstract\nP Text.\n", NULL, "PEP 703: Making GIL optional");
	expect("Note: this is text\nand more.\n", "P Note: this is text/and more.\n", NULL, "(none)");
}

static void test_literal_blocks(void **state)
{
	(void)state;
	expect("Look::\n\n    a\n\n      b\n\nText.\n", "P Look::\nC a//      b\nP Text.\n", NULL, NULL);
	expect("- item::\n\n    code\n\n  more\n", "L1 - item::\nC code\nL1 more\n", NULL, NULL);
	expect("Not indented::\n\ntext\n", "P Not indented::\nP text\n", NULL, NULL);
	expect("::\n\n  code\n", "C code\n", "::\n", NULL);
	expect(">>> 1 + 1\n2\n\nText\n", "C >>> 1 + 1/2\nP Text\n", NULL, NULL);
}

static void test_directives(void **state)
{
	(void)state;
	expect(".. note:: look\n   here\n\n   second\n\nText\n", "P look/   here\nP second\nP Text\n", ".. note::\n", NULL);
	expect(".. code-block:: c\n   :linenos:\n\n   int x;\n\n   int y;\n\nText\n", "C int x;//   int y;\nP Text\n", ".. code-block::\nc\n:linenos:\n", NULL);
	expect(".. toctree::\n   :maxdepth: 2\n\n   one\n   two\n\nText\n", "P Text\n", NULL, NULL);
	expect(".. function:: f(x)\n\n   Does it.\n", "L1 f(x)//   Does it.\n", ".. function::\n", NULL);
	expect(".. list-table:: Fruit\n   :header-rows: 1\n\n   * - a\n     - b\n", "P Fruit\nT * - a/     - b\n", NULL, NULL);
	expect(".. figure:: a.png\n   :width: 50%\n\n   Words.\n", "P a.png\nP Words.\n", ".. figure::\n:width: 50%\n", NULL);
}

static void test_other_markup(void **state)
{
	(void)state;
	expect(".. _target: http://x\n\nText\n", "P Text\n", ".. _target: http://x\n", NULL);
	expect(".. a comment\n   of two lines\n\nText\n", "P Text\n", ".. a comment/   of two lines\n", NULL);
	expect("..\n\n   Quote\n", "Q Quote\n", "..\n", NULL);
	expect(".. [1] A footnote\n   goes on.\n", "P .. [1] A footnote/   goes on.\n", "", NULL);
	expect("__ http://x\n\nText\n", "P Text\n", "__ http://x\n", NULL);
}

static void test_lists(void **state)
{
	(void)state;
	expect("* one\n* two\n  more\n\n  second\n\nText\n", "L1 * one\nL1 * two/  more//  second\nP Text\n", NULL, NULL);
	expect("- a\n\n  - b\n\n    - c\n\n- d\n", "L1 - a\nL2 - b\nL3 - c\nL1 - d\n", NULL, NULL);
	expect("1. one\n#. two\n(3) three\n", "L1 1. one\nL1 #. two\nL1 (3) three\n", NULL, NULL);
	expect("term\n    meaning\n\n    more\nother\n    thing\n", "L1 term/    meaning//    more\nL1 other/    thing\n", NULL, NULL);
	expect(":param x: value\n    and more\n:returns: it\n", "L1 :param x: value/    and more\nL1 :returns: it\n", NULL, NULL);
	expect("Text\n- no list\n", "P Text/- no list\n", NULL, NULL);
	expect("Text:\n\n  quoted\n\nend\n", "P Text:\nQ quoted\nP end\n", NULL, NULL);
}

static void test_tables(void **state)
{
	struct br_extracted e;

	(void)state;
	read_text(&e, br_read_rst, BR_FMT_RST, "+---+---+\n| a | b |\n+===+===+\n| 1 | 2 |\n+---+---+\n\nText\n");
	assert_int_equal(2, e.blocks.n);
	assert_int_equal(BR_BLOCK_TABLE, e.blocks.v[0].kind);
	assert_int_equal(29, e.blocks.v[0].head_len);
	assert_int_equal(49, e.blocks.v[0].len);
	br_extracted_release(&e);
	read_text(&e, br_read_rst, BR_FMT_RST, "=== ===\nA   B\n=== ===\n1   2\n\n3   4\n=== ===\n\nText\n");
	assert_int_equal(2, e.blocks.n);
	assert_int_equal(BR_BLOCK_TABLE, e.blocks.v[0].kind);
	assert_int_equal(21, e.blocks.v[0].head_len);
	assert_int_equal(7, e.blocks.v[0].line_end);
	br_extracted_release(&e);
	expect("== ==\n1  2\n== ==\n\nText\n", "T == ==/1  2/== ==\nP Text\n", NULL, NULL);
	expect("== ==\nnever closed\n", NULL, NULL, NULL);
}

static void test_inline(void **state)
{
	(void)state;
	expect("See `the docs <http://x.org/a>`_ and :ref:`words <target>`.", NULL, "<http://x.org/a>\n:ref:\n<target>\n", NULL);
	expect("Use ``a `b <c>` d`` and :py:func:`open`.", NULL, ":py:func:\n", NULL);
	expect("At https://x.org/y now", NULL, "https://\n", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headings),   cmocka_unit_test(test_pep_header),   cmocka_unit_test(test_literal_blocks),
		cmocka_unit_test(test_directives), cmocka_unit_test(test_other_markup), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_tables),     cmocka_unit_test(test_inline),
	};

	return cmocka_run_group_tests_name("text_rst", tests, NULL, NULL);
}
