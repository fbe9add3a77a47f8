/*
 * Formats that br itself renders (mail, RTF, notebooks, subtitles) and XML by br-extract (BR_EXTRACT names it): what they give, and
 * that damage and hostility end in text or in a word of warning.
 */
#include "br/br.h"
#include "text/rtf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct br_extractor *shared; /* one child for all */

static int read_bytes(struct br_extracted *e, const char *name, struct br_slice bytes, struct br_err *err)
{
	struct br_source src = { bytes, name, BR_FMT_UNKNOWN, NULL, NULL };

	if (!shared)
		shared = br_extractor_new(getenv("BR_EXTRACT"));
	return br_extract(e, shared, &src, err);
}

/* "H1 Title\nP words/second line\n" with "[" and "]" around what is not indexed within a block. */
static void dump(struct br_buf *b, const struct br_extracted *e)
{
	size_t s = 0;

	for (size_t i = 0; i < e->blocks.n; i++) {
		const struct br_block *k = &e->blocks.v[i];
		br_buf_addc(b, "PHCTLQ"[k->kind]);
		br_buf_addf(b, k->level ? "%u " : " ", k->level);
		for (size_t at = k->off; at <= k->off + k->len; at++) {
			while (s < e->skip.n && e->skip.v[s].off + e->skip.v[s].len <= at) {
				if (e->skip.v[s].off + e->skip.v[s].len == at && at > k->off)
					br_buf_addc(b, ']');
				s++;
			}
			if (s < e->skip.n && e->skip.v[s].off == at && at < k->off + k->len)
				br_buf_addc(b, '[');
			if (at < k->off + k->len)
				br_buf_addc(b, e->text.ptr[at] == '\n' ? '/' : e->text.ptr[at]);
		}
		br_buf_addc(b, '\n');
	}
}

static void check_invariants(const struct br_extracted *e)
{
	size_t at = 0;

	assert_int_equal(br_utf8_valid(e->text.ptr, e->text.len), e->text.len);
	assert_null(memchr(e->text.ptr, 0, e->text.len));
	assert_null(memchr(e->text.ptr, '\r', e->text.len));
	for (size_t i = 0; i < e->blocks.n; i++) {
		assert_true(e->blocks.v[i].off >= at && e->blocks.v[i].len > 0);
		at = e->blocks.v[i].off + e->blocks.v[i].len;
		assert_true(at <= e->text.len && e->blocks.v[i].line > 0 && e->blocks.v[i].head_len <= e->blocks.v[i].len);
	}
}

static void gives(const char *name, const char *bytes, const char *title, const char *blocks)
{
	struct br_buf got = BR_BUF_INIT(1 << 20);
	struct br_extracted e;
	struct br_err err = { 0 };

	br_extracted_init(&e);
	if (read_bytes(&e, name, br_slice_str(bytes), &err) < 0)
		fail_msg("%s: %s", name, err.msg);
	check_invariants(&e);
	dump(&got, &e);
	assert_string_equal(got.ptr, blocks);
	if (title)
		assert_string_equal(e.title ? e.title : "", title);
	br_extracted_release(&e);
	br_buf_release(&got);
}

static bool no_helper(void)
{
	if (getenv("BR_EXTRACT"))
		return false;
	print_message("skipped: BR_EXTRACT not set\n");
	return true;
}

/* ---- mail ---- */

#define HEAD "From: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>\r\nTo: team@example.org\r\nSubject: =?iso-8859-1?Q?Caf=E9?=\r\n =?iso-8859-1?Q?_am_Markt?=\r\n" \
             "Date: Mon, 5 Jan 2026 10:00:00 +0100\r\nReceived: from x\r\n"
#define HEAD_OUT "H1 Caf\xc3\xa9 am Markt\nP From: J\xc3\xbcrgen <j@example.org>/To: team@example.org/Date: Mon, 5 Jan 2026 10:00:00 +0100\n"

static void test_mail(void **state)
{
	(void)state;
	gives("a.eml", HEAD "\r\nHello there.\r\n\r\nSecond one.\r\n", "Caf\xc3\xa9 am Markt", HEAD_OUT "P Hello there.\nP Second one.\n");
	gives("a", HEAD "Content-Type: text/plain; charset=\"iso-8859-1\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9 is o=\r\npen\r\n",
	      NULL, HEAD_OUT "P caf\xc3\xa9 is open\n");
	gives("a.eml", HEAD "Content-Transfer-Encoding: base64\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSGVs!!bG8g\r\nd29ybGQ=\r\n", NULL, HEAD_OUT "P Hello world\n");
	gives("a.eml", HEAD "Content-Type: text/plain; format=flowed\r\n\r\nlong line \r\ngoes on \r\nhere\r\n-- \r\nme\r\n", NULL, HEAD_OUT "P long line  goes on  here/-- /me\n");
	gives("a.eml", "Subject: only\n\n", "only", "H1 only\n");
	gives("a.eml", "Subject:\n\nno subject\n", "", "P no subject\n");
	gives("a.eml", "no headers at all, just words\n", NULL, "P no headers at all, just words\n");
	gives("a.eml", "Subject: =?utf-8?Q?broken\nX: =?bogus?X?y?=\n\nwords\n", "=?utf-8?Q?broken", "H1 =?utf-8?Q?broken\nP words\n");
}

static void test_multipart(void **state)
{
	(void)state;
	gives("a.eml", HEAD "MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary=\"b 1\"\r\n\r\npreamble\r\n--b 1\r\n\r\nplain text\r\n--b 1\r\n"
	      "Content-Type: text/html\r\n\r\n<p>html text\r\n--b 1--\r\nepilogue\r\n", NULL, HEAD_OUT "P plain text\n");
	gives("a.eml", HEAD "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n\r\none\r\n--a--\r\n"
	      "--m\r\nContent-Type: text/plain; name=x.txt\r\nContent-Disposition: attachment; filename=x.txt\r\n\r\nattached words\r\n"
	      "--m\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nFrom: z@example.org\r\n\r\ntwo\r\n--m--\r\n", NULL,
	      HEAD_OUT "P one\nH2 inner\nP From: z@example.org\nP two\n");
	gives("a.eml", HEAD "Content-Type: multipart/mixed; boundary=never\r\n\r\n--never\r\n\r\nthe end is missing\r\n", NULL, HEAD_OUT "P the end is missing\n");
	gives("a.eml", HEAD "Content-Type: multipart/mixed\r\n\r\nno boundary\r\n", NULL, HEAD_OUT);
	if (!no_helper())
		gives("a.eml", HEAD "Content-Type: text/html; charset=iso-8859-1\r\n\r\n<title>t</title><h2>News</h2><p>caf\xe9</p>", "Caf\xc3\xa9 am Markt", HEAD_OUT "H2 News\nP caf\xc3\xa9\n");
}

static void test_hostile_mail(void **state)
{
	struct br_buf b = BR_BUF_INIT(32 << 20);
	struct br_extracted e;
	struct br_err err = { 0 };

	(void)state;
	br_extracted_init(&e);
	br_buf_adds(&b, "Subject: deep\nMIME-Version: 1.0\n");
	for (int i = 0; i < 5000; i++)
		br_buf_addf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
	br_buf_adds(&b, "\nnever reached");
	assert_int_equal(read_bytes(&e, "a.eml", br_buf_slice(&b), &err), 0);
	assert_string_equal(e.text.ptr, "deep");
	br_buf_reset(&b);
	br_buf_adds(&b, "Subject: parts\nContent-Type: multipart/mixed; boundary=b\n");
	for (int i = 0; i < 20000; i++)
		br_buf_adds(&b, "\n--b\n\nx\n");
	assert_int_equal(read_bytes(&e, "a.eml", br_buf_slice(&b), &err), 0);
	assert_true(e.blocks.n <= BR_MAX_MIME_PARTS + 2);
	br_buf_reset(&b);
	br_buf_adds(&b, "Subject: =?utf-8?B?");
	for (int i = 0; i < 300000; i++)
		br_buf_adds(&b, "=?utf-8?Q?=");
	br_buf_adds(&b, "\n\nwords\n");
	assert_int_equal(read_bytes(&e, "a.eml", br_buf_slice(&b), &err), 0);
	assert_true(e.title && strlen(e.title) <= BR_MAX_TITLE);
	br_buf_reset(&b);
	br_buf_adds(&b, "Subject: long\nContent-Transfer-Encoding: base64\n\n");
	for (int i = 0; i < 10 << 20; i++)
		br_buf_addc(&b, "ab=\t\n"[i % 5]);
	assert_int_equal(read_bytes(&e, "a.eml", br_buf_slice(&b), &err), 0);
	check_invariants(&e);
	br_extracted_release(&e);
	br_buf_release(&b);
}

/* ---- RTF ---- */

static void test_rtf(void **state)
{
	(void)state;
	gives("a.rtf", "{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0\\fswiss Helvetica;}{\\f1\\fcharset204 Arial;}}{\\colortbl;\\red0;}{\\info{\\title A Title}{\\author x}}"
	      "{\\stylesheet{\\s1 heading 1;}{\\s2 Body;}}\\pard\\s1 Begin\\par\n\\pard\\s2 caf\\'e9 \\b bold\\b0  text\\par {\\f1 \\'cf\\'f0\\'e8} end\\par}",
	      "A Title", "H1 Begin\nP caf\xc3\xa9 bold text\nP \xd0\x9f\xd1\x80\xd0\xb8 end\n");
	gives("a.rtf", "{\\rtf1\\uc1 a\\u8364?b\\u-10179?\\u-8704?c\\uc0\\u228 d\\uc2\\u233\\'82\\'63e}", "", "P a\xe2\x82\xac" "b\xf0\x9f\x98\x80" "c\xc3\xa4" "d\xc3\xa9" "e\n");
	gives("a.rtf", "{\\rtf1 {\\*\\unknown hidden}{\\pict\\pngblip 89504e47}seen{\\v not}{\\field{\\*\\fldinst HYPERLINK \"x\"}{\\fldrslt link}} {\\header top}\\{x\\}\\~y\\emdash z}",
	      "", "P seenlink {x} y\xe2\x80\x94z\n");
	gives("a.rtf", "{\\rtf1 before\\par\\trowd\\cellx1\\cellx2\\pard\\intbl Name\\cell Cost\\cell\\row\\pard\\intbl Tea\\cell 2\\cell\\row\\pard after\\par}", "",
	      "P before\nT Name | Cost/Tea | 2\nP after\n");
	gives("a.rtf", "{\\rtf1{\\pntext\\'b7\\tab}first\\par{\\listtext 2.\\tab}second\\par\\pard\\outlinelevel1 Part\\par\\pard text}", "", "L1 first\nL1 second\nH2 Part\nP text\n");
	gives("a.rtf", "{\\rtf1\\ansi\\ansicpg932 \\'93\\'fa\\'96\\'7b{\\bin4 }}{}}x}", "", "P \xe6\x97\xa5\xe6\x9c\xacx\n");
}

static void test_damaged_rtf(void **state)
{
	struct br_buf b = BR_BUF_INIT(16 << 20);
	struct br_extracted e;
	struct br_err err = { 0 };

	(void)state;
	gives("a.rtf", "{\\rtf1 open {\\b never closed", "", "P open never closed\n");
	gives("a.rtf", "{\\rtf1 x}}}}} y", "", "P x y\n");
	gives("a.rtf", "{\\rtf1 \\bin2147483647 abc", "", "");
	gives("a.rtf", "{\\rtf1 a\\'zz\\'9\\u99999999999?b\\", "", "P azz9b\n");
	br_extracted_init(&e);
	br_buf_adds(&b, "{\\rtf1 ");
	for (int i = 0; i < 200000; i++)
		br_buf_adds(&b, "{\\b a");
	assert_int_equal(read_bytes(&e, "a.rtf", br_buf_slice(&b), &err), 0);
	assert_int_equal(e.text.len, 200000);
	br_buf_reset(&b);
	br_buf_adds(&b, "{\\rtf1{\\fonttbl{\\f99999999\\fcharset2 x;}}{\\stylesheet{\\s9999 heading 9;}{\\s10000000 heading 1;}}\\s99999999 x}");
	assert_int_equal(read_bytes(&e, "a.rtf", br_buf_slice(&b), &err), 0);
	assert_string_equal(e.text.ptr, "x");
	br_extracted_release(&e);
	br_buf_release(&b);
}

static void test_rtf_words_are_sorted(void **state)
{
	static const char *const some[] = { "aftncn", "ansicpg", "bin", "cell", "f", "fcharset", "fonttbl", "info", "mmathPr", "par", "pard", "u", "uc", "v", "xmlnstbl" };

	(void)state;
	for (size_t i = 0; i < BR_COUNT(some); i++)
		assert_non_null(br_rtf__find(some[i]));
	assert_null(br_rtf__find("b"));
	assert_null(br_rtf__find(""));
}

/* ---- notebooks ---- */

static void test_notebook(void **state)
{
	(void)state;
	gives("a.ipynb", "{\"cells\":[{\"cell_type\":\"markdown\",\"source\":[\"# Title\\n\",\"\\r\\n\",\"Some [link](http://x.org/y) text\"]},"
	      "{\"cell_type\":\"code\",\"source\":\"print(1)\",\"outputs\":[{\"output_type\":\"stream\",\"text\":[\"1\\n\",\"\\u001b[31mred\\u001b[0m\"]},"
	      "{\"output_type\":\"display_data\",\"data\":{\"image/png\":\"iVBORw0KGgo=\",\"text/plain\":\"<Figure>\"}},"
	      "{\"output_type\":\"error\",\"ename\":\"E\",\"evalue\":\"bad\",\"traceback\":[\"long\"]}]},"
	      "{\"cell_type\":\"raw\",\"source\":\"raw words\"},{\"cell_type\":7},{}],\"nbformat\":4}", "Title",
	      "H1 Title\nP Some [link[](http://x.org/y)] text\nC print(1)\nC 1/red\nC <Figure>\nC E: bad\nC raw words\n");
}

static void test_old_and_damaged_notebooks(void **state)
{
	(void)state;
	gives("a.ipynb", "{\"worksheets\":[{\"cells\":[{\"cell_type\":\"heading\",\"source\":\"Part\"},{\"cell_type\":\"code\",\"input\":[\"a=1\"],"
	      "\"outputs\":[{\"output_type\":\"pyout\",\"text\":\"2\"}]}]}]}", "", "H2 Part\nC a=1\nC 2\n");
	gives("a.ipynb", "{\"cells\": [ {\"broken", "", "C {\"cells\": [ {\"broken\n");
	gives("a.ipynb", "{\"cells\":{\"a\":{\"cell_type\":\"markdown\",\"source\":{\"x\":1}}}}", "", "");
}

/* ---- subtitles ---- */

static void test_subtitles(void **state)
{
	(void)state;
	gives("a.srt", "1\n00:00:01,000 --> 00:00:02,500\nThe river <i>rises</i>\nin spring.\n\n2\n00:00:03,000 --> 00:00:04,000\n{\\an8}And falls.\n", "",
	      "P The river [<i>]rises[</i>]/in spring.//[2/00:00:03,000 --> 00:00:04,000/{\\an8}]And falls.\n");
	/* what is left out before "Mary" begins in front of the block */
	gives("a.vtt", "WEBVTT - talk\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE translated\n\nintro\n00:01.000 --> 00:02.000 align:left\n<v Mary>Two < three\n", "",
	      "P NOTE translated\nP <v ]Mary[>]Two < three\n");
	gives("a", "WEBVTT\r\n\r\n00:01.000 --> 00:02.000\r\nunnamed\r\n", "", "P unnamed\n");
	gives("a.srt", "no cues in here\n", "", "P no cues in here\n");
}

static void test_subtitle_lines_are_those_of_the_file(void **state)
{
	struct br_extracted e;
	struct br_err err = { 0 };

	(void)state;
	br_extracted_init(&e);
	assert_int_equal(read_bytes(&e, "a.srt", br_slice_str("1\n00:00:01,000 --> 00:00:02,500\nfirst\n"), &err), 0);
	assert_int_equal(e.blocks.n, 1);
	assert_int_equal(e.blocks.v[0].line, 3);
	br_extracted_release(&e);
}

/* ---- XML ---- */

static void test_xml(void **state)
{
	struct br_extracted e;
	struct br_err err = { 0 };

	(void)state;
	if (no_helper())
		skip();
	gives("a.xml", "<?xml version='1.0'?>\n<doc><head><title>My  doc</title></head>\n<p>Some <b>bold</b> words</p><p>more</p>\n<!-- no --><a>1</a><b>2</b><?pi x?></doc>", "My doc",
	      "P My doc\nP Some bold words\nP more\nP 1\nP 2\n");
	gives("a.xml", "<?xml version='1.0' encoding='ISO-8859-1'?><a>caf\xe9</a>", "", "P caf\xc3\xa9\n");
	gives("a", "<?xml version='1.0'?><a><![CDATA[x < y]]></a>", "", "P x < y\n");
	gives("a.xml", "<a>good <b>words</b><c>lost</a>", "", "P good words\nP lost\n");
	gives("a.xml", "<a>caf&eacute; &nope; &amp; &#8364;</a>", "", "P caf\xc3\xa9 &nope; & \xe2\x82\xac\n");
	br_extracted_init(&e);
	assert_int_equal(read_bytes(&e, "a.xml", br_slice_str("<a/>"), &err), -BR_EUNSUPPORTED);
	assert_non_null(strstr(err.msg, "no text"));
	br_extracted_release(&e);
}

static void test_hostile_xml(void **state)
{
	struct br_buf b = BR_BUF_INIT(16 << 20);
	struct br_extracted e;
	struct br_err err = { 0 };

	(void)state;
	if (no_helper())
		skip();
	gives("a.xml", "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'><!ENTITY y 'inner'>]><a>before &x; &y; after</a>", "", "P before &x; &y; after\n");
	br_buf_adds(&b, "<!DOCTYPE a [<!ENTITY l0 'lol'>");
	for (int i = 1; i < 20; i++)
		br_buf_addf(&b, "<!ENTITY l%d '&l%d;&l%d;&l%d;&l%d;&l%d;&l%d;&l%d;&l%d;&l%d;&l%d;'>", i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	br_buf_adds(&b, "]><a title='&l19;'>laughs &l19; end</a>");
	br_extracted_init(&e);
	if (read_bytes(&e, "a.xml", br_buf_slice(&b), &err) == 0)
		assert_true(e.text.len < 1000);
	br_buf_reset(&b);
	br_buf_adds(&b, "<r>top");
	for (int i = 0; i < 500000; i++)
		br_buf_adds(&b, "<d>");
	assert_int_equal(read_bytes(&e, "a.xml", br_buf_slice(&b), &err), 0);
	assert_string_equal(e.text.ptr, "top");
	br_extracted_release(&e);
	br_buf_release(&b);
}

/* ---- all of them, mutated ---- */

static void mutate(char *bad, size_t n, int round, uint64_t *seed)
{
	for (int i = 0; i <= round % 6; i++) {
		*seed = *seed * 6364136223846793005u + 1442695040888963407u;
		if (round % 2)
			bad[(*seed >> 33) % n] = "\\{}<>=?\"%\n\r\0-\x80\xe9"[(*seed >> 20) % 16];
		else
			memmove(bad + (*seed >> 33) % (n / 2), bad + (*seed >> 20) % (n / 2), (*seed >> 45) % (n / 2));
	}
}

static void test_mutated(void **state)
{
	static const struct { const char *name, *bytes; } seeds[] = {
		{ "a.eml", HEAD "Content-Type: multipart/mixed; boundary=\"m\"\r\n\r\n--m\r\nContent-Type: text/plain; charset*=utf-8''x; name*0*=a%20; name*1=b\r\n"
		           "Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n--m\r\nContent-Type: message/rfc822\r\n\r\nSubject: =?utf-8?B?w6k=?=\r\n\r\nx\r\n--m--\r\n" },
		{ "a.rtf", "{\\rtf1\\ansi{\\fonttbl{\\f1\\fcharset128 A;}}{\\stylesheet{\\s1 heading 1;}}\\s1 T\\par\\f1\\'93\\'fa\\u9731?\\intbl a\\cell b\\cell\\row{\\*\\x y}\\bin2 ab c}" },
		{ "a.ipynb", "{\"cells\":[{\"cell_type\":\"markdown\",\"source\":[\"# a\\n\",\"b\"]},{\"cell_type\":\"code\",\"source\":\"x\",\"outputs\":[{\"text\":\"y\"}]}]}" },
		{ "a.srt", "1\n00:00:01,000 --> 00:00:02,500\n<v A>first</v> {\\an8}\n\n2\n00:00:03,000 --> 00:00:04,000\nsecond\n" },
		{ "a.xml", "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a d='e'><title>f</title><p>g &b; <i>h</i></p><![CDATA[j]]></a>" },
	};
	struct br_extracted e;
	uint64_t seed = 5;

	(void)state;
	if (no_helper())
		skip();
	br_extracted_init(&e);
	for (size_t k = 0; k < BR_COUNT(seeds); k++) {
		size_t n = strlen(seeds[k].bytes);
		char *bad = br_alloc(n + 1);
		for (int round = 0; round < 1500; round++) {
			struct br_err err = { 0 };
			memcpy(bad, seeds[k].bytes, n);
			mutate(bad, n, round, &seed);
			if (read_bytes(&e, seeds[k].name, br_slice(bad, n - (size_t)(round % 7)), &err) == 0)
				check_invariants(&e);
			else
				assert_true(err.msg[0] != 0);
		}
		free(bad);
	}
	br_extracted_release(&e);
}

static int done(void **state)
{
	(void)state;
	br_extractor_free(shared);
	shared = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_multipart),
		cmocka_unit_test(test_hostile_mail),
		cmocka_unit_test(test_rtf),
		cmocka_unit_test(test_damaged_rtf),
		cmocka_unit_test(test_rtf_words_are_sorted),
		cmocka_unit_test(test_notebook),
		cmocka_unit_test(test_old_and_damaged_notebooks),
		cmocka_unit_test(test_subtitles),
		cmocka_unit_test(test_subtitle_lines_are_those_of_the_file),
		cmocka_unit_test(test_xml),
		cmocka_unit_test(test_hostile_xml),
		cmocka_unit_test(test_mutated),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
