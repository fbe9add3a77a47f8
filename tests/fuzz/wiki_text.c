/* Lists of topics, bodies of pages, patches: what people and models write. */
#include "fuzz.h"

#include "wiki/internal.h"

static void check_body(struct br_slice body)
{
	struct br_buf plain = BR_BUF_INIT(SIZE_MAX), again = BR_BUF_INIT(SIZE_MAX);
	struct claims c;

	br_wiki__claims(&c, body);
	for (size_t i = 0; i < c.v.n; i++) {
		HOLDS(c.v.v[i].text.ptr >= body.ptr && c.v.v[i].text.ptr + c.v.v[i].text.len <= body.ptr + body.len);
		HOLDS(c.v.v[i].section < c.section.n && c.v.v[i].first_marker + c.v.v[i].markers <= c.m.n);
		HOLDS(br_wiki_judge(c.v.v[i].text, c.v.v[i].text) != BR_CONTRADICTION);
	}
	br_wiki__claims_release(&c);
	br_wiki_strip(&plain, body);
	HOLDS(plain.len <= body.len);
	HOLDS(br_wiki_token_count(body) <= body.len);
	br_buf_release(&plain);
	br_buf_release(&again);
}

static void check_patch(const char *base, const char *content)
{
	struct br_wiki_patch p = { .slug = "p", .section = "facts", .claim = "c-1", .content = content };
	struct br_wiki_patches list = { .v = { &p, 1, 1 } };
	struct br_buf once = BR_BUF_INIT(BR_MAX_WIKI_BODY);

	br_wiki__apply(&once, base, &list, NULL);
	HOLDS(once.failed || !*content || strstr(once.ptr, "\n- ") || !strncmp(once.ptr, "- ", 2) || !strncmp(once.ptr, "-\n", 2) || strstr(once.ptr, "\n-\n"));
	br_buf_release(&once);
}

FUZZ(wiki_text)
{
	struct br_buf text = BR_BUF_INIT(1 << 20);
	struct br_arena a = { 0 };
	struct br_wiki_topics t;
	struct br_rd r;
	char *line;

	fuzz_text(&text, in);
	if (br_wiki_plan_parse(&t, &a, in, "fuzz", NULL) == 0) {
		struct br_buf out = BR_BUF_INIT(SIZE_MAX);
		struct br_wiki_topics back;
		br_wiki_plan_write(&out, &t);
		HOLDS(br_wiki_plan_parse(&back, &a, br_buf_slice(&out), "again", NULL) == 0 && back.v.n == t.v.n);
		br_vec_release(&back.v);
		br_vec_release(&t.v);
		br_buf_release(&out);
	}
	r = br_rd(br_buf_slice(&text));
	line = fuzz_line(&r);
	HOLDS(br_wiki_slug_ok(br_wiki_slugify(&a, line), NULL));
	HOLDS(br_wiki__chars(br_slice_str(br_wiki__summary(&a, br_slice_str(line)))) <= 80);
	check_body(fuzz_rest(&r));
	check_patch(text.ptr, line);
	free(line);
	br_arena_release(&a);
	br_buf_release(&text);
}
