/* Rules of health: each with a planted fault, and only that; the score by hand; repairs, once and twice; links and anchors. */
#include "workspace.h"

#include "corpus/internal.h"
#include "health/internal.h"

#include <math.h>

static const char words[] = "The quick brown fox jumps over the lazy dog while seven wizards mix nine potions and a small band of sailors "
                            "sings about rain in the harbour until the morning comes.\n";

/* "orphan docs/a.md;" for each finding, whatever is put up with, in the order of the rules. */
struct heard { struct br_buf text; };

static void hear(const struct br_finding *f, void *arg)
{
	struct heard *h = arg;

	br_buf_addf(&h->text, "%s %s", br_health_rule(f->rule)->name, f->path);
	if (f->line)
		br_buf_addf(&h->text, ":%u", f->line);
	br_buf_adds(&h->text, f->fixable ? "!;" : ";");
}

static struct br_health check(struct scratch *s, uint32_t rules, struct heard *heard)
{
	struct br_health_opts o = { .rules = rules, .examples = 2, .finding = heard ? hear : NULL, .arg = heard };
	struct br_health h;
	struct br_err err = { 0 };

	if (br_health_check(&h, s->ws, NULL, &o, &err) < 0)
		fail_msg("%s", err.msg);
	return h;
}

/* What is found, and the score. */
static void assert_found(struct scratch *s, const char *want, int score)
{
	struct heard heard = { BR_BUF_INIT(1 << 20) };
	struct br_health h = check(s, 0, &heard);

	assert_string_equal(heard.text.ptr, want);
	assert_int_equal(h.score, score);
	br_health_release(&h);
	br_buf_release(&heard.text);
}

static void on_fix(const struct br_fix_event *e, void *arg)
{
	struct heard *h = arg;

	br_buf_addf(&h->text, "%s %s %s%s;", br_health_rule(e->rule)->name, br_fix_name(e->what), e->path, e->failed ? " failed" : "");
}

static void assert_fix(struct scratch *s, bool plan, int want_rc, const char *want)
{
	struct heard heard = { BR_BUF_INIT(1 << 20) };
	struct br_fix_opts o = { .plan = plan, .event = on_fix, .arg = &heard };
	struct br_fixed fixed;
	struct br_err err = { 0 };
	int rc = br_health_fix(&fixed, s->ws, NULL, &o, &err);

	if (rc != -want_rc)
		fail_msg("fix gave %d (%s), wanted %d", rc, err.msg, -want_rc);
	assert_string_equal(heard.text.ptr, want);
	br_buf_release(&heard.text);
}

/* The plan says it, the repair does it, and a second one has nothing to do. */
static void assert_fixed(struct scratch *s, const char *want)
{
	assert_fix(s, true, BR_ECHANGES, want);
	assert_fix(s, false, 0, want);
	assert_fix(s, false, 0, "");
	assert_fix(s, true, 0, "");
	check_verify(s);
}

static int ingest(struct scratch *s, const char *rel, const char *meta)
{
	char *path = scratch_path(s, rel);
	struct br_ingest_opts o = { .meta = meta };
	struct br_ingest_stats stats;
	int rc = br_ingest(&stats, s->ws, (const char *const *)&path, 1, &o, NULL);

	free(path);
	return rc;
}

static void upload(struct scratch *s, const char *rel)
{
	char *path = scratch_path(s, rel);
	struct br_ingest_stats stats;

	assert_int_equal(br_upload(&stats, s->ws, (const char *const *)&path, 1, &(struct br_ingest_opts){ 0 }, NULL), 0);
	assert_int_equal(br_ingest(&stats, s->ws, NULL, 0, &(struct br_ingest_opts){ 0 }, NULL), 0);
	free(path);
}

/* Ten documents of different words below docs/, kept by sync. */
static void ten(struct scratch *s)
{
	char name[32], text[600];

	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "docs/n%d.txt", i);
		snprintf(text, sizeof text, "Number %d alone here, item%d of a list that knows word%d and thing%d.\n", i, i * 7, i * 11, i * 13);
		put_file(s, name, text);
	}
	free(sync_told(s, "docs", false, 0));
}

static void test_nothing(void **state)
{
	struct br_health h;

	assert_found(*state, "", 100);
	assert_fix(*state, false, 0, "");
	ten(*state);
	assert_found(*state, "", 100);
	assert_fix(*state, true, 0, "");
	h = check(*state, 0, NULL);
	assert_string_equal(h.notebook, "default");
	assert_true(h.docs == 10 && h.chunks == 10 && !h.dead && h.points == 0);
	for (int i = 0; i < BR_H_COUNT; i++)
		assert_true(h.rule[i].asked && !h.rule[i].found);
	br_health_release(&h);
}

static void test_duplicate(void **state)
{
	struct scratch *s = *state;

	ten(s);
	put_file(s, "b.txt", words);
	put_file(s, "a.txt", words);
	put_file(s, "c.txt", words);
	assert_int_equal(ingest(s, "b.txt", NULL), 0); /* the earliest, whatever its name */
	assert_int_equal(ingest(s, "a.txt", NULL), 0);
	assert_int_equal(ingest(s, "c.txt", "{\"k\":1}"), 0); /* it says more than the others */
	assert_found(s, "duplicate a.txt!;duplicate c.txt;", 93); /* 40 * 2 / 13 = 6.15 */
	assert_fixed(s, "duplicate remove a.txt;");
	assert_found(s, "garbage ;duplicate c.txt;", 96); /* 40 / 12 = 3.33; one of 13 passages deleted is put up with */
	put_file(s, "docs/copy.txt", words);
	free(sync_told(s, "docs", false, 0));
	assert_found(s, "garbage ;duplicate c.txt;duplicate docs/copy.txt;", 93);
	assert_fix(s, false, 0, "");
}

static void test_uploaded_once(void **state)
{
	struct scratch *s = *state;

	put_file(s, "f.txt", words);
	put_file(s, "up/f1.txt", words);
	put_file(s, "up/f2.txt", words);
	assert_int_equal(ingest(s, "f.txt", NULL), 0);
	upload(s, "up/f1.txt");
	upload(s, "up/f2.txt");
	assert_found(s, "duplicate f1.txt;duplicate f2.txt!;", 73); /* 40 * 2 / 3 */
	assert_fixed(s, "duplicate remove f2.txt;garbage collect ;");
	assert_found(s, "duplicate f1.txt;", 80);
}

/* While the one that would stay is not what its file is, nothing is taken away. */
static void test_unsound(void **state)
{
	struct scratch *s = *state;

	put_file(s, "a.txt", words);
	put_file(s, "b.txt", words);
	assert_int_equal(ingest(s, "a.txt", NULL), 0);
	assert_int_equal(ingest(s, "b.txt", NULL), 0);
	remove_file(s, "a.txt");
	assert_found(s, "orphan a.txt;duplicate a.txt!;", 65); /* 30 / 2 + 40 / 2; b stays, as its file is there */
	remove_file(s, "b.txt");
	assert_found(s, "orphan a.txt;orphan b.txt;duplicate b.txt;", 50);
	assert_fix(s, false, 0, "");
}

static void test_near(void **state)
{
	struct scratch *s = *state;
	struct br_buf b = BR_BUF_INIT(1 << 16);

	ten(s);
	for (int i = 0; i < 40; i++)
		br_buf_addf(&b, "Sentence %d speaks of term%d and of token%d.\n", i, i * 3, i * 5);
	put_file(s, "docs/x.txt", b.ptr);
	br_buf_adds(&b, "One more sentence at the end.\n");
	put_file(s, "docs/y.txt", b.ptr);
	free(sync_told(s, "docs", false, 0));
	assert_found(s, "near-duplicate docs/y.txt;", 99); /* 10 / 12 */
	assert_fix(s, false, 0, "");
	br_buf_release(&b);
}

static void test_orphan(void **state)
{
	struct scratch *s = *state;

	ten(s);
	remove_file(s, "docs/n3.txt");
	assert_found(s, "orphan docs/n3.txt!;", 97);
	move_file(s, "docs", "elsewhere"); /* the folder itself is not there: nothing is known about its files */
	assert_fix(s, false, 0, "");
	move_file(s, "elsewhere", "docs");
	assert_fixed(s, "orphan remove docs/n3.txt;");
	assert_found(s, "garbage ;", 100); /* 1 of 10 */
	put_file(s, "lone.txt", words);
	assert_int_equal(ingest(s, "lone.txt", NULL), 0);
	remove_file(s, "lone.txt");
	assert_found(s, "garbage ;orphan lone.txt;", 97);
	assert_fix(s, false, 0, "");
}

static void test_stale(void **state)
{
	struct scratch *s = *state;

	ten(s);
	put_file(s, "docs/n3.txt", "Something else entirely, and longer than it was before.\n");
	assert_found(s, "stale docs/n3.txt!;", 98);
	assert_fixed(s, "stale read docs/n3.txt;");
	assert_best(s, "something else entirely", NULL, "docs/n3.txt");
	assert_found(s, "garbage ;", 100);
	put_file(s, "lone.txt", words);
	assert_int_equal(ingest(s, "lone.txt", NULL), 0);
	put_file(s, "lone.txt", "Others.\n");
	assert_found(s, "garbage ;stale lone.txt;", 98);
	assert_fix(s, false, 0, "");
}

static void test_outcomes(void **state)
{
	struct scratch *s = *state;
	char *object;

	ten(s);
	put_file(s, "empty.txt", "");
	put_file(s, "u.txt", words);
	assert_int_equal(ingest(s, "empty.txt", NULL), 0);
	upload(s, "u.txt");
	object = br_sprintf("rm -rf '%s/.br/objects'", s->dir);
	assert_int_equal(system(object), 0);
	free(object);
	assert_found(s, "no-text empty.txt;lost-original u.txt;", 97); /* (5 + 20) / 12 = 2.08 */
	assert_fix(s, false, 0, "");
}

/* A document that is made to be what neither a test nor a network need bring about. */
struct change { const char *name; uint8_t origin, state; const char *gone, *error; struct scratch *s; };

static int change_doc(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct change *c = arg;
	struct br_arena a = { 0 };
	struct br_doc *d;
	int rc = br_doc_find(&d, &a, t, c->s->ws, 1, c->name, err);

	if (rc == 0) {
		d->origin = c->origin;
		d->state = c->state;
		d->gone = (char *)c->gone;
		d->error = (char *)c->error;
		rc = doc_store(t, 1, d, err);
	}
	br_arena_release(&a);
	return rc;
}

static void change(struct scratch *s, struct change c)
{
	struct br_err err = { 0 };

	c.s = s;
	if (br_store_write(s->ws->store, change_doc, &c, &err) < 0)
		fail_msg("%s", err.msg);
}

static void test_told_by_records(void **state)
{
	struct scratch *s = *state;
	struct br_health h;

	ten(s);
	change(s, (struct change){ "docs/n2.txt", BR_FROM_URL, BR_DOC_INDEXED, "HTTP 404 Not Found", "" });
	assert_found(s, "gone-page docs/n2.txt;", 99);
	change(s, (struct change){ "docs/n2.txt", BR_FROM_FILE, BR_DOC_FAILED, "", "it is torn" });
	assert_found(s, "failed docs/n2.txt;", 98);
	h = check(s, 0, NULL);
	assert_true(h.failed == 1 && h.rule[BR_H_FAILED].of == 10);
	assert_string_equal(h.rule[BR_H_FAILED].examples.v[0].detail, "it is torn");
	br_health_release(&h);
	change(s, (struct change){ "docs/n2.txt", BR_FROM_MEMBER, BR_DOC_INDEXED, "", "" });
	assert_found(s, "orphan docs/n2.txt;", 97); /* no archive that is its */
	assert_fix(s, false, 0, "");
}

static int spoil(struct br_txn *t, void *arg, struct br_err *err)
{
	struct scratch *s = arg;
	uint32_t dim = br_model_info(s->ws->model)->dim;
	int8_t *code = br_allocn(10, dim);
	float scale[10] = { 0 };
	int rc = br_vec_drop(t, 1, err);

	if (rc >= 0)
		rc = br_vec_write(t, 1, dim, 0, code, scale, 10, err);
	free(code);
	return rc;
}

/* What exists in the notebook alone stays as long as no other of its kind does. */
static void test_only_one_of_its_kind(void **state)
{
	struct scratch *s = *state;
	static const char *const names[] = { "a.txt", "b.txt", "c.txt" };

	for (size_t i = 0; i < BR_COUNT(names); i++) {
		put_file(s, names[i], words);
		assert_int_equal(ingest(s, names[i], NULL), 0);
	}
	change(s, (struct change){ "b.txt", BR_FROM_RECORD, BR_DOC_INDEXED, "", "" });
	change(s, (struct change){ "c.txt", BR_FROM_URL, BR_DOC_INDEXED, "", "" });
	assert_found(s, "duplicate b.txt;duplicate c.txt;", 73);
	change(s, (struct change){ "c.txt", BR_FROM_RECORD, BR_DOC_INDEXED, "", "" });
	assert_found(s, "duplicate b.txt;duplicate c.txt!;", 73);
}

static void test_missing_vector(void **state)
{
	struct scratch *s = *state;
	struct br_err err = { 0 };

	ten(s);
	if (br_store_write(s->ws->store, spoil, s, &err) < 0)
		fail_msg("%s", err.msg);
	assert_found(s, "missing-vector docs/n0.txt!;missing-vector docs/n1.txt!;missing-vector docs/n2.txt!;missing-vector docs/n3.txt!;"
	                "missing-vector docs/n4.txt!;missing-vector docs/n5.txt!;missing-vector docs/n6.txt!;missing-vector docs/n7.txt!;"
	                "missing-vector docs/n8.txt!;missing-vector docs/n9.txt!;", 80);
	assert_fixed(s, "missing-vector embed ;");
	assert_found(s, "", 100);
}

/* What the model does not know has no vector, and misses none. */
static void test_no_vector_is_due(void **state)
{
	struct scratch *s = *state;

	put_file(s, "docs/x.txt", "\xe2\x98\x83 \xe2\x98\x84 \xe2\x98\x85 \xe2\x98\x86 \xe2\x98\x87 \xe2\x98\x88\n");
	free(sync_told(s, "docs", false, 0));
	assert_found(s, "", 100);
}

static void test_passages(void **state)
{
	struct scratch *s = *state;

	ten(s);
	setenv("XDG_CONFIG_HOME", s->dir, 1);
	put_file(s, "br/config", "[health]\nmin_passage = 20\nmax_passage = 100\n");
	put_file(s, "docs/short.txt", "Small words.\n");
	put_file(s, "docs/long.txt", words);
	scratch_reopen(s);
	free(sync_told(s, "docs", false, 0));
	assert_found(s, "long-passage docs/long.txt:1;short-passage docs/short.txt:1;", 99); /* 5 / 12 each */
	put_file(s, "br/config", "[health]\nmin_passage = 20\nmax_passage = 100\nlong_passage = 8\nshort_passage = 100\n");
	scratch_reopen(s);
	assert_found(s, "long-passage docs/long.txt:1;short-passage docs/short.txt:1;", 99); /* 8.3 % is more than 8 */
	put_file(s, "br/config", "[health]\nmin_passage = 20\nmax_passage = 100\nlong_passage = 9\nshort_passage = 9\n");
	scratch_reopen(s);
	assert_found(s, "long-passage docs/long.txt:1;short-passage docs/short.txt:1;", 100);
}

static void test_garbage(void **state)
{
	struct scratch *s = *state;
	uint32_t doc[3] = { 0, 1, 2 };
	struct br_err err = { 0 };

	ten(s);
	if (br_doc_remove(s->ws, 1, doc, 3, &err) < 0)
		fail_msg("%s", err.msg);
	assert_found(s, "garbage !;", 98); /* 5 * 3 / 10 */
	assert_fixed(s, "garbage collect ;");
	assert_found(s, "", 100);
}

static void test_caches(void **state)
{
	struct scratch *s = *state;
	struct br_llm_cache *cache;
	char *dir = scratch_path(s, ".br/embeddings");

	ten(s);
	assert_int_equal(br_mkdirs(dir, 0777, NULL), 0);
	assert_int_equal(br_llm_cache_open(&cache, dir, 1 << 20, 1000, NULL), 0);
	br_llm_cache_close(cache);
	assert_found(s, "", 100);
	put_file(s, ".br/embeddings/data.mdb", "this is no data file");
	assert_found(s, "embedding-cache !;", 90);
	assert_fixed(s, "embedding-cache drop ;");
	assert_found(s, "", 100);
	assert_int_equal(br_llm_cache_open(&cache, dir, 1 << 20, 1000, NULL), 0);
	br_llm_cache_close(cache);
	free(dir);
}

static void test_vector_index(void **state)
{
	struct scratch *s = *state;
	char *damage;

	if (!br_ann_faiss(NULL)) {
		print_message("skipped: libbr-ann.so cannot be used\n");
		return;
	}
	ten(s);
	put_file(s, "br/config", "[ann]\nkind = sq8\n");
	scratch_reopen(s);
	assert_found(s, "vector-index !;", 90);
	assert_fixed(s, "vector-index build ;");
	assert_found(s, "", 100);
	damage = br_sprintf("for f in '%s'/.br/index/*.faiss; do printf x | dd of=\"$f\" bs=1 seek=99 conv=notrunc status=none; done", s->dir);
	assert_int_equal(system(damage), 0);
	free(damage);
	assert_found(s, "vector-index !;", 90);
	assert_fix(s, true, BR_ECHANGES, "vector-index drop ;vector-index build ;");
	assert_fix(s, false, 0, "vector-index drop ;vector-index build ;");
	assert_fix(s, false, 0, "");
	assert_found(s, "", 100);
}

static void test_references(void **state)
{
	struct scratch *s = *state;

	put_file(s, "docs/sub/pic.png", "\x89PNG\r\n\x1a\n");
	put_file(s, "docs/b.md", "# Beta\n\n## Second part {#two}\n\nText <a name=\"here\"></a> of beta.\n");
	put_file(s, "docs/a.md",
	         "# Alpha\n\nSee [b](b.md), [b](b.md#second-part), [b](b.md#two), [b](b.md#HERE), [b](b), [up](../docs/b.md).\n"
	         "[web](https://example.org/x.md) [root](/x.md) [mail](mailto:a@b.c) ![p](sub/pic.png) [d](sub/) [me](#alpha-1)\n"
	         "`[code](none.md)` and [out](../../../outside.md) [t]({{url}}) f[T](x, y)\n\n"
	         "```\n[fenced](none.md)\n```\n\n<!-- [comment](none.md) -->\n\n"
	         "Broken: [x](none.md) ![y](sub/no%20pic.png \"title\") [z](b.md#third) [w](#nowhere)\n\n[ref]: <gone file.md>\n");
	put_file(s, "docs/h.html", "<html><body><h1 id=\"top1\">H</h1><p>Some text.</p>\n<a href=\"b.md\">b</a><a href=\"#top1\">t</a>\n"
	                           "<script>\"<a href='no.html'>\"</script><img src=\"none.png\"><a href='a.html'>a</a></body></html>\n");
	free(sync_told(s, "docs", false, 0));
	assert_found(s, "broken-reference docs/a.md:13;broken-reference docs/a.md:13;broken-reference docs/a.md:13;broken-reference docs/a.md:13;"
	                "broken-reference docs/a.md:15;broken-reference docs/h.html:3;", 98);
}

static char *links_of(void (*page)(struct refs *, struct br_slice), const char *text)
{
	struct br_buf b = BR_BUF_INIT(1 << 16);
	struct refs r = { 0 };

	page(&r, br_slice_str(text));
	for (size_t i = 0; i < r.link.n; i++)
		br_buf_addf(&b, "%u:%.*s;", r.link.v[i].line, (int)r.link.v[i].target.len, r.link.v[i].target.ptr);
	br_buf_addf(&b, "%zu", r.anchor.n);
	refs_release(&r);
	return br_buf_take(&b, NULL);
}

static void assert_links(void (*page)(struct refs *, struct br_slice), const char *text, const char *want)
{
	char *got = links_of(page, text);

	assert_string_equal(got, want);
	free(got);
}

static void test_links(void **state)
{
	(void)state;
	assert_links(refs_markdown, "", "0");
	assert_links(refs_markdown, "[a](b)", "1:b;0");
	assert_links(refs_markdown, "[![i](p.png)](x(1).md 'T')", "1:p.png;1:x(1).md;0");
	assert_links(refs_markdown, "[a](<b c>)\n[^1]: note\n[l]: d\n", "1:b c;3:d;0");
	assert_links(refs_markdown, "[a](b\n[a](b c\n[a](", "0");
	assert_links(refs_markdown, "~~~\n[a](b)\n```\n[a](b)\n~~~\n[c](d)", "6:d;0");
	assert_links(refs_markdown, "``[a](b)` `` [c](d) `x [e](f)", "1:d;1:f;0");
	assert_links(refs_markdown, "\n    [a](b)\n\n- x\n\n    [c](d)\n", "6:d;0");
	assert_links(refs_markdown, "T\n===\n# U\n#V\n<img src=i&amp;j>\n", "5:i&j;2");
	assert_links(refs_markdown, "<!-- \n[a](b)\n--> [c](d)", "3:d;0");
	assert_links(refs_html, "<A HREF=x><a\nhref='y' id=z><img alt=1 src=\"q\"", "1:x;1:y;2:q;1");
	assert_links(refs_html, "<!-- <a href=x> --><style><a href=y></style><a href=", "0");
	assert_links(refs_html, "<", "0");
	assert_links(refs_html, "<a href=\"x", "1:x;0");
	assert_int_equal(anchor_hash(br_slice_str("")), 0);
	assert_int_equal(anchor_hash(br_slice_str("-\xc3\xa4 ")), 0);
	assert_true(anchor_hash(br_slice_str("Second part")) == anchor_hash(br_slice_str("second_part")));
	assert_true(anchor_hash(br_slice_str("second")) != anchor_hash(br_slice_str("first")));
}

/* Any bytes, in a block that ends where they do. */
static void test_links_of_anything(void **state)
{
	static const char seed[] = "# H {#x}\n[a](<b c> \"t\") `` ` `` ![i](p(q).png)\n```\n[x](y)\n```\n<!-- c --><a href='u&amp;v' id=w>\n"
	                           "[r]: d\nT\n==\n- l\n\n    code\n<script></script><img src=z>";
	static const char bytes[] = "<>[]()`~#\"'!-=&;\n\t \\a/:{}";
	unsigned r = 1;

	(void)state;
	for (int round = 0; round < 4000; round++) {
		size_t n = (r = r * 1103515245 + 12345) % sizeof seed;
		struct refs md = { 0 }, html = { 0 };
		char *text = malloc(n ? n : 1);
		assert_non_null(text);
		memcpy(text, seed, n);
		for (int k = 0; k < round % 9 && n; k++) {
			r = r * 1103515245 + 12345;
			text[(r >> 8) % n] = bytes[(r >> 20) % (sizeof bytes - 1)];
		}
		refs_markdown(&md, br_slice(text, n));
		refs_html(&html, br_slice(text, n));
		assert_true(md.link.n <= n && html.link.n <= n);
		refs_release(&md);
		refs_release(&html);
		free(text);
	}
}

/* Sums of points, bounded; the table is whole. */
static void test_score(void **state)
{
	struct scratch *s = *state;
	struct br_health h = { 0 };

	for (int i = 0; i < BR_H_COUNT; i++) {
		const struct br_health_rule *r = br_health_rule((enum br_health_id)i);
		assert_true(r->name && r->finds && r->reason && r->of && r->weight && br_setting_find(r->key));
		assert_int_equal(br_health_rule_find(r->name), i);
		h.rule[i].found = h.rule[i].of = 7;
	}
	assert_int_equal(br_health_rule_find("nonesuch"), -1);
	health_score(&h, s->ws->config);
	assert_int_equal(h.score, 0);
	assert_true(h.points > 200);
	for (int i = 1; i < BR_H_COUNT; i++)
		h.rule[i].found = 0;
	h.rule[0].of = 1000;
	health_score(&h, s->ws->config);
	assert_true(fabs(h.points - 0.28) < 1e-9);
	assert_int_equal(h.score, 99);
	h.rule[0].found = 1001;
	health_score(&h, s->ws->config);
	assert_int_equal(h.score, 60);
}

static void test_chosen_rules(void **state)
{
	struct scratch *s = *state;
	struct heard heard = { BR_BUF_INIT(1 << 16) };
	struct br_health h;

	ten(s);
	remove_file(s, "docs/n3.txt");
	put_file(s, "docs/n4.txt", "Changed, and longer than the text that was here before, by far.\n");
	h = check(s, 1u << BR_H_STALE, &heard);
	assert_string_equal(heard.text.ptr, "stale docs/n4.txt!;");
	assert_true(h.rule[BR_H_STALE].asked && !h.rule[BR_H_ORPHAN].asked && h.rule[BR_H_STALE].examples.n == 1);
	assert_string_equal(h.rule[BR_H_STALE].examples.v[0].path, "docs/n4.txt");
	br_health_release(&h);
	br_health_release(&h);
	br_buf_release(&heard.text);
}

#define EACH(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, scratch_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_nothing), EACH(test_duplicate), EACH(test_uploaded_once), EACH(test_unsound), EACH(test_near), EACH(test_orphan),
		EACH(test_stale), EACH(test_outcomes), EACH(test_told_by_records), EACH(test_missing_vector), EACH(test_no_vector_is_due), EACH(test_passages),
		EACH(test_garbage), EACH(test_caches), EACH(test_vector_index), EACH(test_references), cmocka_unit_test(test_links), cmocka_unit_test(test_links_of_anything),
		EACH(test_only_one_of_its_kind),
		EACH(test_score), EACH(test_chosen_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
