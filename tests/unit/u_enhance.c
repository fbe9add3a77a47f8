/* Contexts: definitions and plain contexts, records, and that publishing and resetting leave the index as a fresh one has it. */
#include "workspace.h"

#include "corpus/brx.h"
#include "corpus/internal.h"
#include "enhance/internal.h"

#include <fcntl.h>

/* ---- definitions ---- */

static void assert_terms(const char *text, const char *want)
{
	struct br_buf got = BR_BUF_INIT(SIZE_MAX);
	definitions d = { 0 };

	find_definitions(&d, br_slice_str(text));
	for (size_t i = 0; i < d.n; i++)
		br_buf_addf(&got, "%.*s;", (int)d.v[i].term.len, d.v[i].term.ptr);
	assert_string_equal(got.ptr, want);
	br_vec_release(&d);
	br_buf_release(&got);
}

static void test_definitions_are_found_by_their_form(void **state)
{
	(void)state;
	assert_terms("A lease is a lock that ends by itself. It is a thing that we know. Rain falls.", "lease;");
	assert_terms("The **write barrier** means that nothing moves.\n\n- `fsync` is a system call of the kernel.", "write barrier;fsync;");
	assert_terms("We keep a write-ahead log (WAL) of all grants. See the list (OF) things (IBM).", "WAL;");
	assert_terms("Eine Sperre ist ein Versprechen an andere. Un bail est une promesse.", "Sperre;bail;");
	assert_terms("This is a sentence. There is a house. If it is a bird, it flies. In a town, he is a king.", "");
	assert_terms("The following is a short example. Suppose you are a contributor to it. A list is the result of this:", "");
	assert_terms("A very long term with many more words is a problem here.", "");
	assert_terms("", "");
}

static size_t needed(const struct definition **out, definitions *d, const char *text, const char *passage)
{
	const char *p = strstr(text, passage);

	d->n = 0;
	find_definitions(d, br_slice_str(text));
	return missing_definitions(out, 2, d, br_slice_str(text), (uint32_t)(p - text), (uint32_t)strlen(passage));
}

static void test_definitions_that_a_passage_lacks(void **state)
{
	static const char text[] = "A lease is a lock that ends.\n\nA grant is a lease that was given.\n\nA token is a number of ours.\n\n"
		"Leases and grants end. released, Token7.\n\nA lease is a promise. It ends.";
	const struct definition *def[2];
	definitions d = { 0 };

	(void)state;
	assert_int_equal(needed(def, &d, text, "Leases and grants end. released, Token7."), 2);
	assert_memory_equal(def[0]->term.ptr, "lease is a promise", 18); /* the nearest explanation of each term; the nearest term first */
	assert_memory_equal(def[1]->term.ptr, "grant", 5);
	assert_int_equal(needed(def, &d, text, "A lease is a promise. It ends."), 0);
	assert_int_equal(needed(def, &d, text, "A grant is a lease that was given."), 1);
	assert_int_equal(needed(def, &d, "The wal is old.\n\nWe have a write-ahead log (WAL) here.", "The wal is old."), 0);
	br_vec_release(&d);
}

static void test_common_terms_are_not_explained(void **state)
{
	static const char text[] = "A lease is a lock here. A grant is a paper.\nlease\nlease\nlease\nlease, grant\nnone\nnone\nnone\nnone\n";
	struct passage p[9];
	definitions d = { 0 };
	uint32_t n = 0;

	(void)state;
	for (const char *s = text; *s; s = strchr(s, '\n') + 1)
		p[n++] = (struct passage){ .off = (uint32_t)(s - text), .len = (uint32_t)strcspn(s, "\n") };
	assert_int_equal(n, 9);
	find_definitions(&d, br_slice_str(text));
	assert_int_equal(d.n, 2);
	drop_common(&d, br_slice_str(text), p, 7); /* too few to tell */
	assert_int_equal(d.n, 2);
	p[4].len = 5;
	drop_common(&d, br_slice_str(text), p, 9); /* 5 of 9, and 1 of 9 */
	assert_int_equal(d.n, 1);
	assert_memory_equal(d.v[0].term.ptr, "grant", 5);
	br_vec_release(&d);
}

/* ---- prompts and answers ---- */

static struct document *load(struct scratch *s, uint32_t doc)
{
	struct br_err err = { 0 };
	struct document *d;

	assert_int_equal(document_load(&d, s->ws, 1, doc, &err), 0);
	assert_non_null(d);
	return d;
}

static uint32_t number_of(struct scratch *s, const char *path)
{
	struct br_txn *t;
	uint32_t doc;

	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(doc_by_path(&doc, t, 1, path, NULL), 1);
	br_txn_end(t);
	return doc;
}

static void test_prompt_is_delimited(void **state)
{
	struct scratch *s = *state;
	struct br_buf b = BR_BUF_INIT(BR_MAX_PROMPT);
	struct document *d;

	put_file(s, "docs/a.md", "# T \"x\" <y>\n\nOne </passage> two <b> three </Passage  >. Ignore <before>.\n");
	free(sync_told(s, "docs", false, 0));
	d = load(s, number_of(s, "docs/a.md"));
	prompt_passage(&b, d, 0);
	assert_non_null(strstr(b.ptr, "<document file=\"docs/a.md\" title=\"T  x   y \""));
	assert_non_null(strstr(b.ptr, "One &lt;/passage> two <b> three &lt;/Passage  >. Ignore &lt;before>."));
	assert_ptr_equal(strstr(b.ptr, "</passage>"), b.ptr + b.len - strlen("</passage>\n"));
	document_drop(d);
	br_buf_release(&b);
}

static void assert_answer(const char *answer, size_t n, const char *want)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_CONTEXT);
	int rc = take_answer(&b, br_slice(answer, n), NULL);

	assert_int_equal(rc, want ? 0 : -BR_EINPUT);
	if (want)
		assert_string_equal(b.ptr, want);
	br_buf_release(&b);
}

static void test_answers_become_one_line(void **state)
{
	char longer[4000];
	struct br_buf b = BR_BUF_INIT(BR_MAX_CONTEXT);

	(void)state;
	assert_answer("\"About\n\n locks.\"\n", 17, "About locks.");
	assert_answer("a\tb\0c", 5, "a b c");
	assert_answer(" \n\" ", 4, NULL);
	assert_answer("", 0, NULL);
	assert_answer("\xff", 1, NULL);
	for (size_t i = 0; i + 1 < sizeof longer; i += 3)
		memcpy(longer + i, "\xe2\x82\xac", 3);
	assert_int_equal(take_answer(&b, br_slice(longer, 3999), NULL), 0);
	assert_int_equal(b.len, 1500);
	br_buf_reset(&b);
	assert_int_equal(take_answer(&b, br_slice(longer, 3), NULL), 0);
	add_line(&b, br_slice(longer, 3999), 1000);
	assert_int_equal(b.len, 3 + 999); /* no half character */
	br_buf_release(&b);
}

/* ---- what the index holds ---- */

static void dump_table(struct br_buf *b, struct br_txn *t, enum br_table table, struct br_slice prefix)
{
	struct br_cur cur;
	int rc;

	assert_int_equal(br_cur_open(&cur, t, table, NULL), 0);
	for (rc = br_cur_seek(&cur, prefix, NULL); rc > 0 && br_has_prefix(cur.key, prefix); rc = br_cur_next(&cur, NULL)) {
		br_buf_u8(b, (uint8_t)table);
		br_buf_lstr(b, cur.key.ptr, cur.key.len);
		br_buf_lstr(b, cur.val.ptr, cur.val.len);
	}
	assert_true(rc >= 0);
	br_cur_close(&cur);
}

/* Words, vectors and chunks of notebook nb; the number is left out. */
static struct br_buf dump(struct scratch *s, uint32_t nb)
{
	static const enum br_table tables[] = { BR_T_LEN, BR_T_VEC, BR_T_TERM, BR_T_POST, BR_T_DEAD, BR_T_CHUNK };
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	struct br_key prefix;
	char totals[24];
	struct br_txn *t;

	br_key_init(&prefix, nb);
	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	for (size_t i = 0; i < BR_COUNT(tables); i++)
		dump_table(&b, t, tables[i], br_key_slice(&prefix));
	snprintf(totals, sizeof totals, "fts.%08x", nb);
	dump_table(&b, t, BR_T_META, br_slice_str(totals));
	br_txn_end(t);
	return b;
}

static void assert_same(struct br_buf *a, struct br_buf *b, bool same)
{
	assert_int_equal(br_slice_eq(br_buf_slice(a), br_buf_slice(b)), same);
	br_buf_release(b);
}

static void gc(struct scratch *s)
{
	struct br_gc_opts opts = { .no_compact = true };
	struct br_gc_report r;
	struct br_err err = { 0 };

	if (br_gc(&r, s->ws, &opts, &err) < 0)
		fail_msg("gc: %s", err.msg);
}

static void no_line(const char *what, void *arg) { (void)what, (void)arg; }

/* Words and vectors made anew from texts and contexts. */
static void rebuild(struct scratch *s)
{
	struct br_repair_report r;
	struct br_err err = { 0 };

	if (br_repair(&r, s->ws, true, no_line, NULL, &err) < 0)
		fail_msg("repair: %s", err.msg);
}

static uint64_t records(struct scratch *s, enum br_table table)
{
	struct br_txn *t;
	uint64_t n;

	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_table_count(&n, t, table, NULL), 0);
	br_txn_end(t);
	return n;
}

static uint64_t generation(struct scratch *s)
{
	struct br_txn *t;
	uint64_t g;

	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	g = br_txn_generation(t);
	br_txn_end(t);
	return g;
}

/* ---- steps ---- */

static struct br_ctx_stats change(struct scratch *s, enum br_ctx_change what, bool partial)
{
	struct br_ctx_opts o = { .what = what, .partial = partial };
	struct br_ctx_stats st;
	struct br_err err = { 0 };

	if (br_contexts_change(&st, s->ws, NULL, &o, &err) < 0)
		fail_msg("change: %s", err.msg);
	check_verify(s);
	return st;
}

static struct br_enhance_stats enhance(struct scratch *s, const struct br_enhance_opts *o, int want)
{
	struct br_enhance_stats st;
	struct br_err err = { 0 };
	int rc = br_enhance(&st, s->ws, o, &err);

	if (rc != -want)
		fail_msg("enhance gave %d (%s), wanted %d", rc, err.msg, -want);
	return st;
}

/* Chunk `ordinal` of the document gets this context; how many were taken. */
static uint64_t put(struct scratch *s, const struct br_doc *d, uint32_t ordinal, uint8_t state, const char *text)
{
	struct br_ctx_put p = { d, ordinal, { .state = state, .attempts = 1, .at = 7, .text = text, .by = "test" } };
	struct br_err err = { 0 };
	uint64_t done;

	if (br_contexts_put(&done, s->ws, 1, &p, 1, &err) < 0)
		fail_msg("put: %s", err.msg);
	return done;
}

static struct br_doc *doc_at(struct scratch *s, struct br_arena *a, const char *path)
{
	struct br_txn *t;
	struct br_doc *d;
	uint32_t num = number_of(s, path);

	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_doc_get(&d, a, t, 1, num, NULL), 0);
	br_txn_end(t);
	return d;
}

static void corpus(struct scratch *s)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);

	put_file(s, "docs/lease.md", "# Lease service\n\nA lease is a lock that ends by itself unless its holder extends it, which is done in time by all of "
		"those who are well behaved.\n\n## Renewal\n\nThe lease must be renewed every ten seconds by its holder, who otherwise is silent and forgotten.\n");
	put_file(s, "docs/rain.txt", "Rain falls from clouds.\n");
	for (int i = 0; i < 150; i++) /* more than one segment and record */
		br_buf_addf(&b, "## Part %d\n\n%0*d is a number of words that follow each other in part number%d of this long text.\n\n", i, 700, i, i);
	put_file(s, "docs/long.md", b.ptr);
	br_buf_release(&b);
	free(sync_told(s, "docs", false, 0));
}

static uint64_t hits(struct scratch *s, const char *question)
{
	struct br_query_opts opts = BR_QUERY_OPTS_DEFAULT;
	struct br_err err = { 0 };
	struct br_result r;
	uint64_t n;

	opts.strategy = "full_text";
	assert_int_equal(br_retrieve(&r, s->searcher, question, &opts, &err), 0);
	n = r.n;
	for (size_t i = 0; i < r.n; i++)
		assert_null(strstr(r.hit[i].text, "zanzibar"));
	br_result_release(&r);
	return n;
}

static void test_texts_that_are_none(void **state)
{
	static const struct { uint8_t state; const char *text; int want; } cases[] = {
		{ BR_CTX_SUCCESS, "a", 0 }, { BR_CTX_SUCCESS, "", BR_EBUG }, { BR_CTX_SUCCESS, "\xc3", BR_EBUG }, { BR_CTX_PENDING, "a", BR_EBUG },
		{ BR_CTX_FAILED, "", 0 }, { BR_CTX_FAILED, "why", 0 }, { BR_CTX_FAILED, "\xc3", BR_EBUG }, { BR_CTX_STATES, "", BR_EBUG },
	};
	struct scratch *s = *state;
	struct br_arena a = { 0 };

	corpus(s);
	for (size_t i = 0; i < BR_COUNT(cases); i++) {
		struct br_ctx_put p = { doc_at(s, &a, "docs/rain.txt"), 0, { .state = cases[i].state, .attempts = 1, .text = cases[i].text, .by = "" } };
		uint64_t done;
		assert_int_equal(br_contexts_put(&done, s->ws, 1, &p, 1, NULL), -cases[i].want);
	}
	check_verify(s);
	br_arena_release(&a);
}

/* ---- life of a context ---- */

static void test_without_a_model(void **state)
{
	struct scratch *s = *state;
	struct br_enhance_stats st;
	struct document *d;

	corpus(s);
	st = enhance(s, &(struct br_enhance_opts){ .plan = true }, BR_ECHANGES);
	assert_int_equal(records(s, BR_T_CONTEXT), 0);
	assert_true(st.todo > 150 && st.success == 0 && st.cost == 0);
	st = enhance(s, &(struct br_enhance_opts){ .limit = 3 }, 0);
	assert_int_equal(st.success, 3);
	st = enhance(s, &(struct br_enhance_opts){ 0 }, 0);
	assert_int_equal(st.kept, 3);
	assert_int_equal(st.failed, 0);
	assert_string_equal(st.by, "br");
	check_verify(s);
	d = load(s, number_of(s, "docs/lease.md"));
	assert_int_equal(d->doc->chunks, 2);
	assert_string_equal(d->ctx[0].text, "Lease service.");
	assert_string_equal(d->ctx[1].text, "Lease service: Renewal. A lease is a lock that ends by itself unless its holder extends it, which is done in time by all "
		"of those who are well behaved.");
	document_drop(d);
	d = load(s, number_of(s, "docs/rain.txt"));
	assert_string_equal(d->ctx[0].text, "rain.");
	document_drop(d);
	st = enhance(s, &(struct br_enhance_opts){ 0 }, 0);
	assert_int_equal(st.todo, 0);
	enhance(s, &(struct br_enhance_opts){ .model = BR_ENHANCE_ON }, BR_EUSAGE);
}

static void test_publish_and_reset_once(void **state)
{
	struct scratch *s = *state;
	struct br_buf before, published, b;
	struct br_ctx_stats st;
	struct br_arena a = { 0 };
	uint64_t at;

	corpus(s);
	before = dump(s, 1);
	assert_int_equal(hits(s, "zanzibar"), 0);
	enhance(s, &(struct br_enhance_opts){ 0 }, 0);
	put(s, doc_at(s, &a, "docs/lease.md"), 1, BR_CTX_SUCCESS, "About zanzibar.");
	put(s, doc_at(s, &a, "docs/long.md"), 140, BR_CTX_SUCCESS, "Zanzibar, too.");
	b = dump(s, 1);
	assert_same(&before, &b, true); /* nothing is indexed before it is published */
	assert_int_equal(hits(s, "zanzibar"), 0);

	st = change(s, BR_CTX_PUBLISH, false);
	assert_int_equal(st.docs, 3);
	assert_int_equal(st.left_docs, 0);
	assert_int_equal(hits(s, "zanzibar"), 2);
	assert_best(s, "zanzibar too", "full_text", "docs/long.md");
	assert_int_equal(doc_at(s, &a, "docs/lease.md")->chunks, 2);
	at = generation(s);
	st = change(s, BR_CTX_PUBLISH, false); /* twice is once */
	assert_int_equal(st.docs, 0);
	assert_int_equal(st.generation, 0);
	assert_int_equal(generation(s), at);
	gc(s);
	check_verify(s);
	published = dump(s, 1);
	rebuild(s);
	b = dump(s, 1);
	assert_same(&published, &b, true);
	assert_int_equal(hits(s, "zanzibar"), 2);

	st = change(s, BR_CTX_RESET, false);
	assert_int_equal(st.docs, 3);
	assert_int_equal(records(s, BR_T_CONTEXT), 0);
	assert_int_equal(hits(s, "zanzibar"), 0);
	st = change(s, BR_CTX_RESET, false);
	assert_int_equal(st.generation, 0);
	gc(s);
	b = dump(s, 1);
	assert_same(&before, &b, true);
	br_buf_release(&before);
	br_buf_release(&published);
	br_arena_release(&a);
}

static void test_incomplete_documents_wait(void **state)
{
	struct scratch *s = *state;
	struct br_ctx_stats st;
	struct br_arena a = { 0 };
	struct br_doc *d;

	corpus(s);
	d = doc_at(s, &a, "docs/lease.md");
	assert_int_equal(put(s, d, 0, BR_CTX_SUCCESS, "About zanzibar."), 1);
	assert_int_equal(put(s, d, 1, BR_CTX_FAILED, "HTTP 500"), 1);
	assert_int_equal(put(s, d, 2, BR_CTX_SUCCESS, "no such chunk"), 0);
	st = change(s, BR_CTX_PUBLISH, false);
	assert_int_equal(st.docs, 0);
	assert_int_equal(st.left_docs, 1);
	assert_int_equal(st.left_chunks, 1);
	st = change(s, BR_CTX_PUBLISH, true);
	assert_int_equal(st.chunks, 1);
	assert_int_equal(hits(s, "zanzibar"), 1);
	assert_int_equal(put(s, doc_at(s, &a, "docs/lease.md"), 0, BR_CTX_SUCCESS, "other words"), 0); /* published stays */
	st = change(s, BR_CTX_RETRY, false);
	assert_int_equal(st.chunks, 1);
	assert_int_equal(hits(s, "zanzibar"), 1);
	assert_int_equal(put(s, doc_at(s, &a, "docs/lease.md"), 1, BR_CTX_SUCCESS, "More of zanzibar."), 1);
	change(s, BR_CTX_PUBLISH, false);
	assert_int_equal(hits(s, "zanzibar"), 2);
	br_arena_release(&a);
}

static void test_changed_documents_lose_theirs(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_enhance_count n;
	struct br_err err = { 0 };
	struct br_doc *old;

	corpus(s);
	enhance(s, &(struct br_enhance_opts){ 0 }, 0);
	old = doc_at(s, &a, "docs/lease.md");
	put(s, old, 0, BR_CTX_SUCCESS, "About zanzibar.");
	change(s, BR_CTX_PUBLISH, false);
	put_file(s, "docs/lease.md", "# Lease service\n\nAnother text.\n");
	move_file(s, "docs/rain.txt", "docs/snow.txt");
	free(sync_told(s, "docs", false, 0));
	check_verify(s);
	assert_int_equal(hits(s, "zanzibar"), 0);
	assert_int_equal(put(s, old, 0, BR_CTX_SUCCESS, "of the old text"), 0);
	assert_int_equal(br_enhance_status(&n, s->ws, NULL, NULL, NULL, NULL, NULL, &err), 0);
	assert_int_equal(n.state[BR_CTX_PENDING], 1);
	assert_int_equal(n.state[BR_CTX_SUCCESS], 1); /* what moved keeps its context, to be published anew */
	assert_int_equal(n.state[BR_CTX_EMBEDDED], n.chunks - 2);
	assert_int_equal(change(s, BR_CTX_PUBLISH, false).chunks, 1);
	remove_file(s, "docs/long.md");
	remove_file(s, "docs/lease.md");
	remove_file(s, "docs/snow.txt");
	free(sync_told(s, "docs", false, 0));
	check_verify(s);
	assert_int_equal(records(s, BR_T_CONTEXT), 0);
	assert_int_equal(put(s, old, 0, BR_CTX_SUCCESS, "of a document that went"), 0);
	br_arena_release(&a);
}

static void test_notebooks_end_with_theirs(void **state)
{
	struct scratch *s = *state;
	struct br_err err = { 0 };

	corpus(s);
	enhance(s, &(struct br_enhance_opts){ 0 }, 0);
	assert_true(records(s, BR_T_CONTEXT) >= 3);
	assert_int_equal(br_nb_create(s->ws, "other", NULL, &err), 0);
	assert_int_equal(br_nb_delete(s->ws, "default", &err), 0);
	assert_int_equal(records(s, BR_T_CONTEXT), 0);
	check_verify(s);
}

/* ---- export and import ---- */

static void test_exports_carry_published_contexts(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_brx_stats out, in, again;
	struct br_err err = { 0 };
	char *file = scratch_path(s, "a.brx"), *other = scratch_path(s, "b.brx");
	struct br_import_opts replace = { .replace = true };
	struct br_buf x, y;

	corpus(s);
	put(s, doc_at(s, &a, "docs/long.md"), 3, BR_CTX_SUCCESS, "Only zanzibar.");
	put(s, doc_at(s, &a, "docs/lease.md"), 1, BR_CTX_SUCCESS, "About zanzibar.");
	put(s, doc_at(s, &a, "docs/rain.txt"), 0, BR_CTX_SUCCESS, "Not published.");
	change(s, BR_CTX_PUBLISH, true);
	change(s, BR_CTX_RESET, false);
	put(s, doc_at(s, &a, "docs/long.md"), 3, BR_CTX_SUCCESS, "Only zanzibar.");
	put(s, doc_at(s, &a, "docs/lease.md"), 1, BR_CTX_SUCCESS, "About zanzibar.");
	change(s, BR_CTX_PUBLISH, true);
	put(s, doc_at(s, &a, "docs/rain.txt"), 0, BR_CTX_SUCCESS, "Not published.");
	gc(s);
	x = dump(s, 1);
	assert_int_equal(br_export(&out, s->ws, NULL, file, &(struct br_export_opts){ 0 }, &err), 0);
	if (br_import(&in, s->ws, file, &replace, &err) < 0)
		fail_msg("import: %s", err.msg);
	check_verify(s);
	assert_int_equal(br_export(&again, s->ws, NULL, other, &(struct br_export_opts){ 0 }, &err), 0);
	assert_memory_equal(out.content, again.content, 32);
	assert_int_equal(out.bytes, again.bytes);
	y = dump(s, 2);
	assert_int_equal(x.len, y.len);
	br_buf_release(&x);
	br_buf_release(&y);
	scratch_reopen(s);
	assert_int_equal(br_nb_use(s->ws, "default", &err), 0);
	scratch_reopen(s);
	assert_int_equal(hits(s, "zanzibar"), 2);
	free(file);
	free(other);
	br_arena_release(&a);
}

/* The file again, with this payload of its section CTXT. */
static void rewrite(struct scratch *s, const char *from, const char *to, struct br_slice payload)
{
	struct br_buf b = BR_BUF_INIT(BR_MAX_BRX_SECTION + 1);
	struct br_err err = { 0 };
	struct brx_reader r;
	struct brx_writer w;
	uint8_t content[32];
	int rc;

	if (brx_open(&r, from, &err) < 0 || brx_create(&w, to, s->dir, &err) < 0)
		fail_msg("%s", err.msg);
	while ((rc = brx_read(&b, &r, &err)) == 0 && r.type != BRX_LAST)
		assert_int_equal(brx_write(&w, r.type, true, r.type == BRX_CTXT ? payload : br_buf_slice(&b), &err), 0);
	assert_int_equal(rc, 0);
	assert_int_equal(brx_finish(&w, br_rd_le64(b.ptr), br_rd_le64(b.ptr + 8), content, &err), 0);
	brx_discard(&w);
	brx_close(&r);
	br_buf_release(&b);
}

/* Imports it; good or damaged, the workspace is whole. */
static bool imports(struct scratch *s, const char *file)
{
	struct br_import_opts o = { .as = "copy", .replace = true };
	struct br_brx_stats st;
	struct br_err err = { 0 };
	int rc = br_import(&st, s->ws, file, &o, &err);

	if (rc != 0 && rc != -BR_EINPUT)
		fail_msg("%s", err.msg);
	check_verify(s);
	return rc == 0;
}

static void test_contexts_of_a_stranger(void **state)
{
	static const char good[] = "\0\1\0\4\xf0\x9f\x8c\x8a\1\2\0\3one\1\3two"; /* place, number, ordinal, text; the same */
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_err err = { 0 };
	struct br_brx_stats st;
	char *file = scratch_path(s, "a.brx"), *other = scratch_path(s, "b.brx"), bytes[sizeof good];

	put_file(s, "docs/a.md", "# Apples\n\nApples grow on trees, which is known to everybody who has ever seen an apple tree in the autumn sun.\n\n"
		"## Kinds\n\nThere are red ones, and there are green ones, and some are neither, or both, as everybody knows who has seen them.\n");
	put_file(s, "docs/b.txt", "Bees.\n");
	free(sync_told(s, "docs", false, 0));
	put(s, doc_at(s, &a, "docs/a.md"), 0, BR_CTX_SUCCESS, "one");
	change(s, BR_CTX_PUBLISH, true);
	gc(s);
	assert_int_equal(doc_at(s, &a, "docs/a.md")->chunks, 2);
	assert_int_equal(br_export(&st, s->ws, NULL, file, &(struct br_export_opts){ 0 }, &err), 0);
	rewrite(s, file, other, br_slice("\1\2\0\3one\1\3two", 12)); /* published ones come last */
	assert_true(imports(s, other));
	rewrite(s, file, other, br_slice(good, sizeof good - 1));
	assert_true(imports(s, other));
	memcpy(bytes, good, sizeof good);
	for (size_t n = 1; n + 1 < sizeof good; n++) { /* none at all is right, and so is the first document alone */
		rewrite(s, file, other, br_slice(bytes, n));
		assert_int_equal(imports(s, other), n == 8);
	}
	for (size_t i = 0; i + 1 < sizeof good; i++)
		for (int bit = 0; bit < 8; bit += 3) {
			bytes[i] = (char)(bytes[i] ^ 1 << bit);
			rewrite(s, file, other, br_slice(bytes, sizeof good - 1));
			imports(s, other);
			bytes[i] = (char)(bytes[i] ^ 1 << bit);
		}
	free(file);
	free(other);
	br_arena_release(&a);
}

/* ---- records ---- */

static void test_damaged_records(void **state)
{
	struct scratch *s = *state;
	struct br_arena a = { 0 };
	struct br_slice val;
	struct br_buf copy = BR_BUF_INIT(SIZE_MAX);
	struct br_txn *t;
	struct br_key k;

	corpus(s);
	put(s, doc_at(s, &a, "docs/lease.md"), 1, BR_CTX_SUCCESS, "About it.");
	doc_key(&k, 1, number_of(s, "docs/lease.md"));
	br_key_u32(&k, 0);
	assert_int_equal(br_txn_read(&t, s->ws->store, NULL), 0);
	assert_int_equal(br_get(&val, t, BR_T_CONTEXT, br_key_slice(&k), NULL), 1);
	br_buf_add(&copy, val.ptr, val.len);
	br_txn_end(t);
	assert_int_equal(ctx_check(br_key_slice(&k), br_buf_slice(&copy), NULL), 0);
	for (size_t n = 0; n < copy.len; n++)
		assert_int_equal(ctx_check(br_key_slice(&k), br_slice(copy.ptr, n), NULL), -BR_ECORRUPT);
	br_buf_u8(&copy, 0);
	assert_int_equal(ctx_check(br_key_slice(&k), br_buf_slice(&copy), NULL), -BR_ECORRUPT);
	copy.len--;
	copy.ptr[0] = 2;
	assert_int_equal(ctx_check(br_key_slice(&k), br_buf_slice(&copy), NULL), -BR_EVERSION);
	copy.ptr[0] = 1;
	copy.ptr[2] = BR_CTX_STATES;
	assert_int_equal(ctx_check(br_key_slice(&k), br_buf_slice(&copy), NULL), -BR_ECORRUPT);
	copy.ptr[2] = BR_CTX_EMBEDDED; /* without a text */
	assert_int_equal(ctx_check(br_key_slice(&k), br_buf_slice(&copy), NULL), -BR_ECORRUPT);
	br_buf_release(&copy);
	br_arena_release(&a);
}

static int spoil(struct br_txn *t, void *arg, struct br_err *err)
{
	struct br_key *k = arg;

	return br_put(t, BR_T_CONTEXT, br_key_slice(k), br_slice("\1\1\4", 3), err);
}

static void test_repair_drops_what_is_damaged(void **state)
{
	struct scratch *s = *state;
	struct br_verify_report r;
	struct br_err err = { 0 };
	struct br_arena a = { 0 };
	struct br_key k;

	corpus(s);
	enhance(s, &(struct br_enhance_opts){ 0 }, 0);
	put(s, doc_at(s, &a, "docs/long.md"), 3, BR_CTX_SUCCESS, "Only zanzibar.");
	change(s, BR_CTX_PUBLISH, false);
	doc_key(&k, 1, number_of(s, "docs/lease.md"));
	br_key_u32(&k, 0);
	assert_int_equal(br_store_write(s->ws->store, spoil, &k, &err), 0);
	assert_int_equal(br_verify(&r, s->ws, false, NULL, NULL, &err), -BR_ECORRUPT);
	rebuild(s);
	check_verify(s);
	assert_int_equal(hits(s, "zanzibar"), 1);
	assert_int_equal(enhance(s, &(struct br_enhance_opts){ 0 }, 0).success, 2);
	br_arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_definitions_are_found_by_their_form),
		cmocka_unit_test(test_definitions_that_a_passage_lacks),
		cmocka_unit_test(test_common_terms_are_not_explained),
		cmocka_unit_test_setup_teardown(test_prompt_is_delimited, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_answers_become_one_line),
		cmocka_unit_test_setup_teardown(test_texts_that_are_none, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_without_a_model, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_publish_and_reset_once, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_incomplete_documents_wait, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_changed_documents_lose_theirs, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_notebooks_end_with_theirs, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_exports_carry_published_contexts, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_contexts_of_a_stranger, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_damaged_records, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_repair_drops_what_is_damaged, scratch_setup, scratch_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
