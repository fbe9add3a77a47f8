/*
 * Chunks: exact ranges for documents made by hand, invariants for generated ones, cost counted in bytes looked at.
 */
#include "chunk/internal.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- making documents ---- */

struct doc {
	struct br_extracted e;
	uint32_t line;
};

static void doc_init(struct doc *d)
{
	memset(d, 0, sizeof *d);
	br_buf_init(&d->e.text, BR_MAX_TEXT);
	d->e.format = BR_FMT_MARKDOWN;
	d->line = 1;
}

static void doc_release(struct doc *d)
{
	br_buf_release(&d->e.text);
	br_vec_release(&d->e.blocks);
	br_vec_release(&d->e.skip);
}

static void doc_gap(struct doc *d, const char *s)
{
	br_buf_adds(&d->e.text, s);
	for (; *s; s++)
		d->line += *s == '\n';
}

static void doc_add(struct doc *d, enum br_block_kind kind, unsigned level, const char *p, size_t n)
{
	struct br_block b = { .off = (uint32_t)d->e.text.len, .len = (uint32_t)n, .kind = (uint8_t)kind, .level = (uint8_t)level, .line = d->line };

	br_buf_add(&d->e.text, p, n);
	for (size_t i = 0; i < n; i++)
		d->line += p[i] == '\n';
	b.line_end = d->line;
	*br_vec_push(&d->e.blocks) = b;
	doc_gap(d, "\n\n");
}

static void heading(struct doc *d, unsigned level, const char *words)
{
	char marks[] = "######## ";

	doc_gap(d, marks + 8 - level);
	doc_add(d, BR_BLOCK_HEADING, level, words, strlen(words));
}

/* n characters that begin with `first` and go on in words of four letters. */
static char *words(char first, size_t n)
{
	char *s = br_alloc(n + 1);

	for (size_t i = 0; i < n; i++)
		s[i] = i == 0 ? first : i % 5 == 4 && i + 1 < n ? ' ' : 'w';
	return s;
}

static void para(struct doc *d, char first, size_t n)
{
	char *s = words(first, n);

	doc_add(d, BR_BLOCK_PARA, 0, s, n);
	free(s);
}

/* `n` sentences of exactly 50 characters (with the space behind), the last without the space. */
static void sentences(struct doc *d, unsigned n)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);

	for (unsigned i = 0; i < n; i++)
		br_buf_addf(&b, "%sSentence %04u has forty nine characters in all now.", i ? " " : "", i);
	doc_add(d, BR_BLOCK_PARA, 0, b.ptr, b.len);
	br_buf_release(&b);
}

static const struct br_chunk_opts by_structure = { BR_CHUNK_STRUCTURE, 1000, 0 };

static struct br_chunks chunk(const struct doc *d, const struct br_chunk_opts *o)
{
	struct br_chunks out = { 0 };
	struct br_err err = { 0 };

	if (br_chunk(&out, &d->e, o, &err) < 0)
		fail_msg("%s", err.msg);
	return out;
}

/* ---- exact expectations ---- */

static void expect_chunk(const struct doc *d, const struct br_chunks *c, size_t i, const char *first, const char *last, uint32_t line,
                         uint32_t line_end, uint32_t head)
{
	const struct br_chunk *k;
	const char *p;

	assert_in_range(i, 0, c->chunks.n ? c->chunks.n - 1 : 0);
	k = &c->chunks.v[i];
	p = d->e.text.ptr + k->off;
	assert_true(k->len >= strlen(first) && k->len >= strlen(last));
	assert_memory_equal(p, first, strlen(first));
	assert_memory_equal(p + k->len - strlen(last), last, strlen(last));
	assert_int_equal(k->line, line);
	assert_int_equal(k->line_end, line_end);
	assert_int_equal(k->heading, head);
}

static void test_small_siblings_join(void **state)
{
	struct doc d;
	struct br_chunks c;

	(void)state;
	doc_init(&d);
	heading(&d, 1, "Guide"); /* line 1: only a path */
	heading(&d, 2, "One");   /* 3, body 5 */
	para(&d, 'a', 100);
	heading(&d, 2, "Two");   /* 7, body 9 */
	para(&d, 'b', 120);
	heading(&d, 2, "Three"); /* 11, body 13: the sum would be over 1000 */
	para(&d, 'c', 800);
	heading(&d, 2, "Four");  /* 15, body 17: small, but its neighbour is not a sibling */
	para(&d, 'd', 90);
	heading(&d, 1, "Last");  /* 19 */
	para(&d, 'e', 90);       /* 21 */
	c = chunk(&d, &by_structure);
	assert_int_equal(c.headings.n, 6);
	assert_int_equal(c.headings.v[0].parent, BR_NO_HEADING);
	assert_int_equal(c.headings.v[2].parent, 0);
	assert_int_equal(c.headings.v[5].parent, BR_NO_HEADING);
	assert_int_equal(c.chunks.n, 4);
	expect_chunk(&d, &c, 0, "awww", "www", 5, 9, 1);
	assert_non_null(memmem(d.e.text.ptr + c.chunks.v[0].off, c.chunks.v[0].len, "## Two", 6));
	expect_chunk(&d, &c, 1, "cwww", "www", 13, 13, 3);
	expect_chunk(&d, &c, 2, "dwww", "www", 17, 17, 4);
	expect_chunk(&d, &c, 3, "ewww", "www", 21, 21, 5);
	br_chunks_release(&c);
	doc_release(&d);
}

static void test_headings_without_body(void **state)
{
	struct doc d;
	struct br_chunks c;

	(void)state;
	doc_init(&d);
	para(&d, 'p', 40);        /* 1: before any heading */
	heading(&d, 3, "Alone");  /* 3: nothing below */
	heading(&d, 1, "Parent"); /* 5: a section below, so only a path */
	heading(&d, 3, "Child");  /* 7 */
	c = chunk(&d, &by_structure);
	assert_int_equal(c.chunks.n, 3);
	expect_chunk(&d, &c, 0, "pwww", "w", 1, 1, BR_NO_HEADING);
	expect_chunk(&d, &c, 1, "Alone", "Alone", 3, 3, 0);
	assert_int_equal(c.chunks.v[1].len, 5);
	expect_chunk(&d, &c, 2, "Child", "Child", 7, 7, 2);
	assert_int_equal(c.headings.v[2].parent, 1);
	br_chunks_release(&c);
	doc_release(&d);
}

static void test_paragraphs_pack_to_size(void **state)
{
	struct doc d;
	struct br_chunks c;

	(void)state;
	doc_init(&d);
	heading(&d, 1, "T");    /* 1 */
	para(&d, 'a', 400);     /* 3 */
	para(&d, 'b', 400);     /* 5: 802 with the gap */
	para(&d, 'c', 400);     /* 7 */
	para(&d, 'd', 598);     /* 9: 400 + 2 + 598 = 1000 exactly */
	para(&d, 'e', 100);     /* 11: a scrap (under 125): absorbed */
	heading(&d, 1, "U");    /* 13 */
	para(&d, 'f', 60);      /* 15: a scrap in front of a large block stays with it */
	para(&d, 'g', 1250);    /* 17: whole up to 1.25 times size */
	para(&d, 'h', 130);     /* 19: not a scrap */
	c = chunk(&d, &by_structure);
	assert_int_equal(c.chunks.n, 4);
	expect_chunk(&d, &c, 0, "awww", "w", 3, 5, 0);
	expect_chunk(&d, &c, 1, "cwww", "w", 7, 11, 0);
	expect_chunk(&d, &c, 2, "fwww", "w", 15, 17, 1);
	expect_chunk(&d, &c, 3, "hwww", "w", 19, 19, 1);
	br_chunks_release(&c);
	doc_release(&d);
}

static void test_long_paragraph_is_halved_at_sentences(void **state)
{
	struct doc d;
	struct br_chunks c;

	(void)state;
	doc_init(&d);
	sentences(&d, 26); /* 26 * 52 - 1 = 1351 characters: over 1250 */
	para(&d, 'x', 600);
	c = chunk(&d, &by_structure);
	assert_int_equal(c.chunks.n, 3);
	expect_chunk(&d, &c, 0, "Sentence 0000", "Sentence 0012 has forty nine characters in all now.", 1, 1, BR_NO_HEADING);
	expect_chunk(&d, &c, 1, "Sentence 0013", "Sentence 0025 has forty nine characters in all now.", 1, 1, BR_NO_HEADING);
	expect_chunk(&d, &c, 2, "xwww", "w", 3, 3, BR_NO_HEADING);
	br_chunks_release(&c);
	doc_release(&d);
}

static void test_only_paragraph_stays_whole(void **state)
{
	struct doc d;
	struct br_chunks c;

	(void)state;
	doc_init(&d);
	heading(&d, 1, "Record");
	para(&d, 'r', 2000);
	c = chunk(&d, &by_structure);
	assert_int_equal(c.chunks.n, 1);
	assert_int_equal(c.chunks.v[0].len, 2000);
	br_chunks_release(&c);
	doc_release(&d);

	doc_init(&d);
	heading(&d, 1, "Record");
	para(&d, 'r', 2001);
	c = chunk(&d, &by_structure);
	assert_int_equal(c.chunks.n, 3); /* 667 each, cut at words */
	for (size_t i = 0; i < 3; i++)
		assert_in_range(c.chunks.v[i].len, 660, 672);
	br_chunks_release(&c);
	doc_release(&d);
}

static void add_lines(struct br_buf *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		br_buf_addf(b, "%sint line_%03u = %03u; /* 30 */", i ? "\n" : "", i, i);
}

static void test_code_splits_at_lines(void **state)
{
	struct br_buf code = BR_BUF_INIT(1 << 20);
	struct doc d;
	struct br_chunks c;

	(void)state;
	doc_init(&d);
	add_lines(&code, 68); /* 68 * 29 - 1 = 1971 characters: whole */
	doc_add(&d, BR_BLOCK_CODE, 0, code.ptr, code.len);
	br_buf_reset(&code);
	add_lines(&code, 100); /* 2899: three parts of 34, 33, 33 lines */
	doc_add(&d, BR_BLOCK_CODE, 0, code.ptr, code.len);
	c = chunk(&d, &by_structure);
	assert_int_equal(c.chunks.n, 4);
	expect_chunk(&d, &c, 0, "int line_000", "line_067 = 067; /* 30 */", 1, 68, BR_NO_HEADING);
	expect_chunk(&d, &c, 1, "int line_000", "/* 30 */", 70, 102, BR_NO_HEADING);
	expect_chunk(&d, &c, 2, "int line_033", "/* 30 */", 103, 136, BR_NO_HEADING);
	expect_chunk(&d, &c, 3, "int line_067", "line_099 = 099; /* 30 */", 137, 169, BR_NO_HEADING);
	br_chunks_release(&c);
	doc_release(&d);
	br_buf_release(&code);
}

static void test_csv_splits_at_rows(void **state)
{
	struct br_buf csv = BR_BUF_INIT(1 << 20);
	struct doc d;
	struct br_chunks c;

	(void)state;
	doc_init(&d);
	d.e.format = BR_FMT_CSV;
	for (unsigned i = 0; i < 120; i++) /* every record holds a line end in quotes */
		br_buf_addf(&csv, "%03u,\"first line\nsecond \"\"line\"\"\",end\n", i);
	doc_add(&d, BR_BLOCK_TABLE, 0, csv.ptr, csv.len - 1);
	c = chunk(&d, &by_structure);
	assert_true(c.chunks.n >= 4);
	for (size_t i = 0; i < c.chunks.n; i++) {
		const char *p = d.e.text.ptr + c.chunks.v[i].off;
		assert_true(p[0] >= '0' && p[0] <= '9' && p[3] == ',');
		assert_memory_equal(p + c.chunks.v[i].len - 4, ",end", 4);
		assert_int_equal(c.chunks.v[i].line % 2, 1);
		assert_int_equal(c.chunks.v[i].line_end % 2, 0);
	}
	br_chunks_release(&c);
	doc_release(&d);
	br_buf_release(&csv);
}

/* What is kept but not indexed counts for nothing, so data in base64 does not become chunks of its own. */
static void test_skipped_text_has_no_size(void **state)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);
	struct doc d;
	struct br_chunks c;

	(void)state;
	doc_init(&d);
	br_buf_adds(&b, "Look at ![this](data:");
	*br_vec_push(&d.e.skip) = (struct br_range){ (uint32_t)b.len, 90000 };
	for (unsigned i = 0; i < 90000; i++)
		br_buf_addc(&b, "QUJD"[i % 4]);
	br_buf_adds(&b, ") closely.");
	doc_add(&d, BR_BLOCK_PARA, 0, b.ptr, b.len);
	para(&d, 'z', 500);
	c = chunk(&d, &by_structure);
	assert_int_equal(c.chunks.n, 1);
	br_chunks_release(&c);
	doc_release(&d);
	br_buf_release(&b);
}

/* Slides and sheets stand alone however small they are; a chunk that is half full does not go on on the next page. */
static void test_pages(void **state)
{
	struct doc d;
	struct br_chunks c;

	(void)state;
	doc_init(&d);
	d.e.format = BR_FMT_PPTX;
	for (uint32_t i = 0; i < 6; i += 2) {
		heading(&d, 1, "Slide");
		d.e.blocks.v[i].page = i + 1;
		para(&d, 'a', 100);
		d.e.blocks.v[i + 1].page = i + 1;
	}
	c = chunk(&d, &by_structure);
	assert_int_equal(c.chunks.n, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(c.chunks.v[i].page, 2 * i + 1);
	br_chunks_release(&c);
	doc_release(&d);

	doc_init(&d);
	d.e.format = BR_FMT_PDF;
	for (uint32_t i = 0; i < 4; i++) {
		para(&d, 'a', i == 1 ? 300 : 200); /* 200 and 300 on the first page, 200 and 200 on the second */
		d.e.blocks.v[i].page = 1 + i / 2;
	}
	c = chunk(&d, &by_structure);
	assert_int_equal(c.chunks.n, 2);
	assert_int_equal(c.chunks.v[0].page, 1);
	assert_int_equal(c.chunks.v[1].page, 2);
	br_chunks_release(&c);
	d.e.blocks.v[1].page = 2; /* 200 on the first page: too little to stand alone */
	c = chunk(&d, &by_structure);
	assert_int_equal(c.chunks.n, 1);
	br_chunks_release(&c);
	doc_release(&d);
}

static void test_rendered_lines(void **state)
{
	struct doc d;
	struct br_chunks c;
	struct br_buf b = BR_BUF_INIT(1 << 20);

	(void)state;
	doc_init(&d);
	d.e.format = BR_FMT_HTML;
	sentences(&d, 60); /* one line of text that came from lines 10 to 40 */
	d.e.blocks.v[0].line = 10;
	d.e.blocks.v[0].line_end = 40;
	add_lines(&b, 100);
	doc_add(&d, BR_BLOCK_CODE, 0, b.ptr, b.len);
	d.e.blocks.v[1].line = 50;
	d.e.blocks.v[1].line_end = 149;
	d.e.blocks.v[1].page = 7;
	c = chunk(&d, &by_structure);
	assert_int_equal(c.chunks.v[1].line, 10);
	assert_int_equal(c.chunks.v[1].line_end, 40);
	assert_int_equal(c.chunks.v[c.chunks.n - 1].line_end, 149);
	assert_int_equal(c.chunks.v[c.chunks.n - 1].page, 7);
	assert_in_range(c.chunks.v[c.chunks.n - 1].line, 110, 120);
	br_chunks_release(&c);
	doc_release(&d);
	br_buf_release(&b);
}

static void test_long_heading_is_text_too(void **state)
{
	struct doc d;
	struct br_chunks c;
	char *s = words('h', 3000);

	(void)state;
	doc_init(&d);
	memcpy(s + BR_MAX_HEADING - 1, "\xc3\xa9", 2); /* a character across the cut */
	doc_add(&d, BR_BLOCK_HEADING, 1, s, 3000);
	free(s);
	c = chunk(&d, &by_structure);
	assert_int_equal(c.headings.v[0].len, BR_MAX_HEADING - 1);
	assert_in_range(c.chunks.n, 3, 4);
	assert_int_equal(c.chunks.v[0].off, 0);
	br_chunks_release(&c);
	doc_release(&d);
}

static void test_bad_input(void **state)
{
	struct br_chunk_opts o = { BR_CHUNK_STRUCTURE, 0, 0 };
	struct br_chunks out = { 0 };
	struct br_err err;
	struct doc d;

	(void)state;
	doc_init(&d);
	assert_int_equal(br_chunk(&out, &d.e, &o, &err), -BR_EUSAGE);
	o = (struct br_chunk_opts){ BR_CHUNK_RECURSIVE, 10, 10 };
	assert_int_equal(br_chunk(&out, &d.e, &o, &err), -BR_EUSAGE);
	o.overlap = 0;
	assert_int_equal(br_chunk(&out, &d.e, &o, &err), 0);
	assert_int_equal(out.chunks.n, 0);
	doc_gap(&d, " \n\t\n ");
	assert_int_equal(br_chunk(&out, &d.e, &o, &err), 0);
	assert_int_equal(br_chunk(&out, &d.e, &by_structure, &err), 0);
	assert_int_equal(out.chunks.n, 0);
	para(&d, 'a', 10);
	para(&d, 'b', 10);
	d.e.blocks.v[1].off = d.e.blocks.v[0].off + 9;
	assert_int_equal(br_chunk(&out, &d.e, &by_structure, &err), -BR_EBUG);
	d.e.blocks.v[1].off = (uint32_t)d.e.text.len - 5;
	assert_int_equal(br_chunk(&out, &d.e, &by_structure, &err), -BR_EBUG);
	br_chunks_release(&out);
	doc_release(&d);
}

static void test_text_without_blocks(void **state)
{
	struct doc d;
	struct br_chunks c;

	(void)state;
	doc_init(&d);
	doc_gap(&d, "\none\ntwo\n");
	c = chunk(&d, &by_structure);
	assert_int_equal(c.chunks.n, 1);
	expect_chunk(&d, &c, 0, "one", "two", 2, 3, BR_NO_HEADING);
	br_chunks_release(&c);
	doc_release(&d);
}

/* ---- invariants on generated documents ---- */

static uint64_t seed;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

static void random_text(struct br_buf *b, unsigned chars)
{
	static const char *const bits[] = { "word ", "a ", "longer-word ", "end. ", "Next ", "e.g. ", "1.5 ", "\xc3\xa9t\xc3\xa9 ", "\xe6\x97\xa5\xe6\x9c\xac\xe3\x80\x82",
		                            "what? ", "\n", "\xf0\x9f\x98\x80", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" };

	for (size_t start = b->len; b->len - start < chars;)
		br_buf_adds(b, bits[rnd(rnd(20) ? BR_COUNT(bits) - 2 : BR_COUNT(bits))]);
}

static void random_doc(struct doc *d, unsigned blocks)
{
	struct br_buf b = BR_BUF_INIT(1 << 20);

	for (unsigned i = 0; i < blocks; i++) {
		unsigned k = rnd(10);
		br_buf_reset(&b);
		if (k == 0)
			br_buf_addf(&b, "Heading %u", i);
		else
			random_text(&b, k == 1 ? 6000 : k < 5 ? 30 : 30 + rnd(900));
		if (k == 0)
			heading(d, 1 + rnd(4), b.ptr);
		else
			doc_add(d, k == 2 ? BR_BLOCK_CODE : k == 3 ? BR_BLOCK_LIST : k == 4 ? BR_BLOCK_TABLE : BR_BLOCK_PARA, 0, b.ptr, b.len);
		if (rnd(8) == 0 && d->e.blocks.v[d->e.blocks.n - 1].len > 30)
			*br_vec_push(&d->e.skip) = (struct br_range){ d->e.blocks.v[d->e.blocks.n - 1].off, 20 };
	}
	for (size_t i = 0; i < d->e.skip.n; i++) /* keep skip ranges on characters */
		while (((unsigned char)d->e.text.ptr[d->e.skip.v[i].off + d->e.skip.v[i].len] & 0xc0) == 0x80)
			d->e.skip.v[i].len++;
	br_buf_release(&b);
}

static size_t chars_of(const char *p, size_t n)
{
	size_t c = 0;

	for (size_t i = 0; i < n; i++)
		c += ((unsigned char)p[i] & 0xc0) != 0x80;
	return c;
}

static uint32_t line_of(const char *t, size_t off)
{
	uint32_t line = 1;

	for (size_t i = 0; i < off; i++)
		line += t[i] == '\n';
	return line;
}

static void check_ranges(const struct doc *d, const struct br_chunks *c)
{
	const char *t = d->e.text.ptr;

	for (size_t i = 0; i < c->chunks.n; i++) {
		const struct br_chunk *k = &c->chunks.v[i];
		assert_true(k->len > 0 && (size_t)k->off + k->len <= d->e.text.len);
		assert_int_equal(br_utf8_valid(t + k->off, k->len), k->len);
		assert_false(is_blank(t[k->off]) || is_blank(t[k->off + k->len - 1]));
		assert_int_equal(k->line, line_of(t, k->off));
		assert_int_equal(k->line_end, line_of(t, k->off + k->len - 1));
		assert_true(k->heading == BR_NO_HEADING || k->heading < c->headings.n);
		if (k->heading != BR_NO_HEADING)
			assert_true(c->headings.v[k->heading].off <= k->off);
	}
}

static unsigned char *cover(const struct doc *d, const struct br_chunks *c)
{
	unsigned char *n = br_alloc(d->e.text.len + 1);

	for (size_t i = 0; i < c->chunks.n; i++)
		for (size_t j = 0; j < c->chunks.v[i].len; j++)
			n[c->chunks.v[i].off + j]++;
	return n;
}

static void test_structure_covers_each_block_once(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		struct br_chunk_opts o = { BR_CHUNK_STRUCTURE, round % 3 ? 1000 : 1 + round * 7, 0 };
		struct doc d;
		struct br_chunks c, again;
		unsigned char *n;

		seed = round;
		doc_init(&d);
		random_doc(&d, 1 + rnd(80));
		c = chunk(&d, &o);
		again = chunk(&d, &o);
		assert_int_equal(c.chunks.n, again.chunks.n);
		assert_memory_equal(c.chunks.v, again.chunks.v, c.chunks.n * sizeof *c.chunks.v);
		check_ranges(&d, &c);
		n = cover(&d, &c);
		for (size_t i = 0; i < d.e.blocks.n; i++) {
			const struct br_block *b = &d.e.blocks.v[i];
			for (size_t j = b->off; j < b->off + b->len; j++)
				if (b->kind == BR_BLOCK_HEADING || is_blank(d.e.text.ptr[j]))
					assert_in_range(n[j], 0, 1);
				else
					assert_int_equal(n[j], 1);
		}
		free(n);
		br_chunks_release(&c);
		br_chunks_release(&again);
		doc_release(&d);
	}
}

static void test_sizes(void **state)
{
	struct doc d;
	struct br_chunks c;
	size_t good = 0, sum = 0;

	(void)state;
	seed = 42;
	doc_init(&d);
	random_doc(&d, 3000);
	d.e.skip.n = 0;
	c = chunk(&d, &by_structure);
	for (size_t i = 0; i < c.chunks.n; i++) {
		size_t n = chars_of(d.e.text.ptr + c.chunks.v[i].off, c.chunks.v[i].len);
		assert_in_range(n, 1, 2250);
		good += n >= 500 && n <= 1250;
		sum += n;
	}
	assert_in_range(sum / c.chunks.n, 600, 1000);
	assert_true(good * 100 >= c.chunks.n * 65);
	br_chunks_release(&c);
	doc_release(&d);
}

static void test_recursive_covers_with_overlap(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		struct br_chunk_opts o = { BR_CHUNK_RECURSIVE, 1 + rnd(1200), 0 };
		struct doc d;
		struct br_chunks c;
		unsigned char *n;

		seed = 1000 + round;
		o.overlap = round % 2 ? rnd(o.size) : 0;
		doc_init(&d);
		random_doc(&d, 1 + rnd(30));
		c = chunk(&d, &o);
		check_ranges(&d, &c);
		if (o.overlap < o.size / 2) { /* cover counts in bytes: not more than 255 deep */
			n = cover(&d, &c);
			for (size_t j = 0; j < d.e.text.len; j++)
				if (!is_blank(d.e.text.ptr[j]))
					assert_true(o.overlap ? n[j] >= 1 : n[j] == 1);
			free(n);
		}
		for (size_t i = 0; i < c.chunks.n; i++) {
			const struct br_chunk *k = &c.chunks.v[i], *p = k - 1;
			assert_in_range(chars_of(d.e.text.ptr + k->off, k->len), 1, o.size);
			if (i == 0 || k->off >= p->off + p->len)
				continue;
			assert_true(k->off > p->off && k->off + k->len > p->off + p->len);
			assert_in_range(chars_of(d.e.text.ptr + k->off, p->off + p->len - k->off), 1, o.overlap);
		}
		br_chunks_release(&c);
		doc_release(&d);
	}
}

static void expect_recursive(const char *text, uint32_t size, uint32_t overlap, const char *expected)
{
	struct br_chunk_opts o = { BR_CHUNK_RECURSIVE, size, overlap };
	struct br_buf got = BR_BUF_INIT(4096);
	struct doc d;
	struct br_chunks c;

	doc_init(&d);
	doc_gap(&d, text);
	c = chunk(&d, &o);
	for (size_t i = 0; i < c.chunks.n; i++)
		br_buf_addf(&got, "[%.*s]", (int)c.chunks.v[i].len, d.e.text.ptr + c.chunks.v[i].off);
	assert_string_equal(got.ptr, expected);
	br_buf_release(&got);
	br_chunks_release(&c);
	doc_release(&d);
}

static void test_recursive_exact(void **state)
{
	(void)state;
	expect_recursive("one two\n\nthree four\n\nfive", 20, 0, "[one two\n\nthree four][five]");
	expect_recursive("one two\n\nthree four", 18, 0, "[one two][three four]");
	expect_recursive("one two\nthree four five", 18, 0, "[one two][three four five]");
	expect_recursive("It is. It was. It will", 16, 0, "[It is. It was.][It will]");
	expect_recursive("alpha beta gamma", 12, 0, "[alpha beta][gamma]");
	expect_recursive("abcdefghij", 4, 0, "[abcd][efgh][ij]");
	expect_recursive("\xc3\xa9\xc3\xa9\xc3\xa9", 2, 1, "[\xc3\xa9\xc3\xa9][\xc3\xa9\xc3\xa9]");
	expect_recursive("alpha beta gamma delta", 16, 6, "[alpha beta gamma][gamma delta]");
	expect_recursive("abcdefghij", 4, 2, "[abcd][cdef][efgh][ghij]");
	expect_recursive("ab                     cd", 4, 2, "[ab][cd]");
}

/* What stands in front of the first block is part of the first chunk, and of its lines. */
static void test_lines_in_front_of_the_first_block(void **state)
{
	static const struct br_chunk_opts o = { BR_CHUNK_RECURSIVE, 100, 0 };
	struct doc d;
	struct br_chunks c;

	(void)state;
	doc_init(&d);
	doc_gap(&d, "---\n---\n\n");
	para(&d, 'a', 20);
	c = chunk(&d, &o);
	assert_int_equal(c.chunks.n, 1);
	assert_int_equal(c.chunks.v[0].off, 0);
	assert_int_equal(c.chunks.v[0].line, 1);
	assert_int_equal(c.chunks.v[0].line_end, 4);
	br_chunks_release(&c);
	doc_release(&d);
}

/* ---- cost ---- */

static void expect_linear(const struct doc *d, const struct br_chunk_opts *o, uint64_t most)
{
	struct br_chunks c = { 0 };
	struct br_err err;
	uint64_t work = 0;

	assert_int_equal(br_chunk__run(&c, &d->e, o, &work, &err), 0);
	assert_true(c.chunks.n > 0);
	assert_true(work > 0 && work <= most * (d->e.text.len + d->e.blocks.n));
	br_chunks_release(&c);
}

static void expect_linear_both(struct doc *d)
{
	static const struct br_chunk_opts plain = { BR_CHUNK_RECURSIVE, 1000, 100 };

	expect_linear(d, &by_structure, 12);
	expect_linear(d, &plain, 12);
	doc_release(d);
}

static void test_cost_is_linear(void **state)
{
	enum { N = 300000 };
	static const char *const hostile[] = { "x", ".", "a.", "\n", " ", "\"", "\xe3\x80\x82", "x\n", ".\n ", "e.g. " };
	struct doc d;

	(void)state;
	doc_init(&d);
	for (unsigned i = 0; i < N; i++)
		doc_add(&d, BR_BLOCK_LIST, 1, "x", 1);
	expect_linear_both(&d);

	doc_init(&d);
	for (unsigned i = 0; i < N; i++)
		doc_add(&d, i % 2 ? BR_BLOCK_PARA : BR_BLOCK_HEADING, 1, "x", 1);
	expect_linear_both(&d);

	for (size_t i = 0; i < BR_COUNT(hostile); i++) {
		struct br_buf b = BR_BUF_INIT(8 * N);
		for (unsigned j = 0; j < N; j++)
			br_buf_adds(&b, hostile[i]);
		br_buf_addc(&b, 'z');
		doc_init(&d);
		doc_add(&d, i % 2 ? BR_BLOCK_PARA : BR_BLOCK_CODE, 0, b.ptr, b.len);
		expect_linear_both(&d);
		br_buf_release(&b);
	}
}

/* ---- sentences ---- */

/* `marked` holds the sentences with '|' between them; a blank before '|' belongs to the text. */
static void expect_sentences(const char *marked)
{
	struct br_buf text = BR_BUF_INIT(4096), got = BR_BUF_INIT(4096), want = BR_BUF_INIT(4096);
	struct br_range r;
	size_t pos = 0;

	for (const char *p = marked; *p; p++)
		if (*p != '|')
			br_buf_addc(&text, *p);
	while (br_sentence_next(&r, br_buf_slice(&text), &pos))
		br_buf_addf(&got, "<%.*s>", (int)r.len, text.ptr + r.off);
	for (const char *p = marked, *q;; p = q + 1) {
		size_t n = (q = strchrnul(p, '|')) - p;
		while (n && is_blank(p[n - 1]))
			n--;
		while (n && is_blank(*p))
			p++, n--;
		br_buf_addf(&want, "<%.*s>", (int)n, p);
		if (!*q)
			break;
	}
	assert_string_equal(got.ptr, want.ptr);
	br_buf_release(&text);
	br_buf_release(&got);
	br_buf_release(&want);
}

static void test_sentences(void **state)
{
	static const char *const cases[] = {
		"One. |Two! |Three?",
		"Use e.g. Apache, i.e. a server. |It costs 3.14 dollars. |Done",
		"Dr. Smith met Mr. J. R. Jones. |They spoke.",
		"Das gilt z. B. Montags, d. h. Oft. |Vgl. Abb. 3 dazu. |Ende.",
		"Le 5 mai, M. Dupont et Mme. Durand. |\xc3\x89t\xc3\xa9 venu.",
		"El Sr. Garc\303\255a vino. |\xc2\xbfQu\xc3\xa9? |Nada.",
		"See fig. 3 and No. 7. |He said no. |Then he left.",
		"Wait... what? |Really?! |Yes\xe2\x80\xa6 |No.",
		"He said \"Stop.\" |She went on. |\"Why?\" he asked. |(It was late.) |End.",
		"Edit main.c at example.org. |Version 1.2.3 is out.",
		"3. Install it. |4. Run it.",
		"\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82|\xe5\x86\x8d\xe8\xa7\x81\xef\xbc\x81|\xe5\x97\xaf\xef\xbc\x9f|\xe5\xa5\xbd",
		"\xe5\xbd\xbc\xe3\x81\xaf\xe3\x80\x8c\xe5\x97\xaf\xe3\x80\x82\xe3\x80\x8d|\xe6\xac\xa1",
		"A title\n\n|A paragraph\nover lines. |More\n \n|Last",
		"no end at all",
		"He is here. lower case goes on. |But not here.",
	};
	struct br_range r;
	size_t pos = 0;

	(void)state;
	for (size_t i = 0; i < BR_COUNT(cases); i++)
		expect_sentences(cases[i]);
	assert_false(br_sentence_next(&r, br_slice(" \n ", 3), &pos));
	pos = 0;
	assert_false(br_sentence_next(&r, br_slice(NULL, 0), &pos));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_siblings_join),
		cmocka_unit_test(test_headings_without_body),
		cmocka_unit_test(test_paragraphs_pack_to_size),
		cmocka_unit_test(test_long_paragraph_is_halved_at_sentences),
		cmocka_unit_test(test_only_paragraph_stays_whole),
		cmocka_unit_test(test_code_splits_at_lines),
		cmocka_unit_test(test_csv_splits_at_rows),
		cmocka_unit_test(test_skipped_text_has_no_size),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_rendered_lines),
		cmocka_unit_test(test_long_heading_is_text_too),
		cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_text_without_blocks),
		cmocka_unit_test(test_structure_covers_each_block_once),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_recursive_covers_with_overlap),
		cmocka_unit_test(test_recursive_exact),
		cmocka_unit_test(test_lines_in_front_of_the_first_block),
		cmocka_unit_test(test_cost_is_linear),
		cmocka_unit_test(test_sentences),
	};

	return cmocka_run_group_tests_name("chunk", tests, NULL, NULL);
}
