/*
 * The passages of a topic: what its title, slug and aliases find, in two languages where their words are known, and the fingerprint by
 * which a page knows that nothing it is made of has changed.
 */
#include "internal.h"

#include <stdlib.h>

enum { LOOKED_AT = 30, KEPT = 20, STEM = 5 };
static const double LEAST_SHARE = 0.6; /* of the words of one of the topic's names, in a passage with its title and headings */

static void add_hash(struct br_sha256 *c, const char *s) { br_sha256_add(c, s ? s : "", s ? strlen(s) + 1 : 1); }

void br_wiki__input(uint8_t out[16], const struct br_wiki_topic *topic, const struct br_wiki_model *model)
{
	struct br_sha256 c;
	uint8_t sha[32];

	br_sha256_init(&c);
	add_hash(&c, topic->title);
	for (const char *const *a = topic->alias; *a; a++)
		add_hash(&c, *a);
	add_hash(&c, "\n");
	add_hash(&c, topic->category);
	add_hash(&c, model ? PROMPT_MODEL : PROMPT_PLAIN);
	add_hash(&c, model ? model->name : PLAIN_NAME);
	br_sha256_end(sha, &c);
	memcpy(out, sha, 16);
}

static int by_text(const void *a, const void *b) { return strcmp(a, b); }

static void fingerprint(struct gathered *g)
{
	char (*id)[33] = br_allocn(g->q.r.n + 1, sizeof *id);
	struct br_sha256 c;
	uint8_t sha[32];
	size_t n = 0;

	for (size_t i = 0; i < g->q.r.n; i++)
		if (g->use[i])
			memcpy(id[n++], g->id[i], sizeof *id);
	qsort(id, n, sizeof *id, by_text);
	br_sha256_init(&c);
	br_sha256_add(&c, g->input, sizeof g->input);
	for (size_t i = 0; i < n; i++)
		br_sha256_add(&c, id[i], 32);
	br_sha256_end(sha, &c);
	memcpy(g->fingerprint, sha, 16);
	free(id);
}

static void question_of(struct br_buf *out, const struct br_wiki_topic *topic)
{
	br_buf_adds(out, topic->title);
	for (const char *const *a = topic->alias; *a; a++)
		br_buf_addf(out, " %s", *a);
	if (strncmp(topic->slug, "topic-", 6)) { /* else it is no words */
		br_buf_addc(out, ' ');
		for (const char *s = topic->slug; *s; s++)
			br_buf_addc(out, *s == '-' ? ' ' : *s);
	}
	br_wiki__translate(out, topic->title);
}

/* ---- whether a passage is about the topic ---- */

/* A word of text begins as this one does: words that differ in their ends are taken for the same. */
static bool has_word(const char *text, const char *word, size_t n)
{
	size_t most = n > STEM ? BR_MAX((size_t)STEM, n - 3) : n;
	bool wide = (unsigned char)word[0] >= 0xe2;

	for (const char *p = text; (p = memmem(p, strlen(p), word, wide ? n : most)); p++)
		if (wide || p == text || p[-1] == ' ')
			return true;
	return false;
}

/* Words of a name that the text has; characters of a script without blanks count as pairs. */
static double name_share(const char *text, const char *name)
{
	size_t n = strlen(name), all = 0, there = 0;
	uint32_t cp;

	for (size_t i = 0; i < n;) {
		size_t step = br_utf8_next(&cp, name + i, n - i), len = strcspn(name + i, " "), next;
		if (br_wiki__is_wide(cp)) {
			next = i + step < n ? br_utf8_next(&cp, name + i + step, n - i - step) : 0;
			if (next && br_wiki__is_wide(cp)) {
				all++;
				there += has_word(text, name + i, step + next);
			}
			i += step;
			continue;
		}
		if (len && !br_wiki__is_function_word(br_slice(name + i, len))) {
			all++;
			there += has_word(text, name + i, len);
		}
		i += len + 1;
	}
	return all ? (double)there / (double)all : 0;
}

static char *text_of(struct br_arena *a, const struct br_found *f)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	char *out;

	br_buf_addf(&b, "%s %s ", f->title, br_path_base(f->path));
	for (const char *const *h = f->heading; h && *h; h++)
		br_buf_addf(&b, "%s ", *h);
	br_buf_adds(&b, f->text);
	out = br_wiki__phrase(a, br_buf_slice(&b));
	br_buf_release(&b);
	return out;
}

static bool is_about(struct br_arena *a, const struct br_found *f, const strings *name)
{
	char *text = text_of(a, f);

	for (size_t i = 0; i < name->n; i++)
		if (name_share(text, name->v[i]) >= LEAST_SHARE)
			return true;
	return false;
}

static void add_names(strings *out, struct br_arena *a, const char *name)
{
	const char *phrase = br_wiki__phrase(a, br_slice_str(name)), *other = br_wiki__synonym(phrase);

	*br_vec_push(out) = phrase;
	if (other)
		*br_vec_push(out) = other;
}

/* Passages with the words of a name; those that only mean something alike are left out. */
static void choose(struct gathered *g, const struct br_wiki_topic *topic)
{
	struct br_arena a = { 0 };
	strings name = { 0 };

	add_names(&name, &a, topic->title);
	for (const char *const *s = topic->alias; *s; s++)
		add_names(&name, &a, *s);
	for (size_t i = 0; i < g->q.r.n && g->used < KEPT; i++) {
		g->use[i] = is_about(&a, &g->q.r.hit[i], &name);
		g->used += g->use[i];
	}
	br_vec_release(&name);
	br_arena_release(&a);
}

int br_wiki__gather(struct gathered *out, struct br_searcher *s, const char *notebook, const struct br_wiki_topic *topic, const struct br_wiki_model *model, struct br_err *err)
{
	struct br_query_opts q = BR_QUERY_OPTS_DEFAULT;
	struct br_buf text = BR_BUF_INIT(BR_MAX_QUERY);
	int rc;

	*out = (struct gathered){ 0 };
	q.notebook = notebook;
	q.strategy = "hybrid";
	q.top = LOOKED_AT;
	q.plain = true;
	q.freshness_ns = 0;
	question_of(&text, topic);
	rc = br_quotables_find(&out->q, s, text.failed ? topic->title : text.ptr, &q, err);
	br_buf_release(&text);
	if (rc < 0)
		return rc;
	out->id = br_allocn(out->q.r.n + 1, sizeof *out->id);
	out->use = br_allocn(out->q.r.n + 1, sizeof *out->use);
	for (size_t i = 0; i < out->q.r.n; i++)
		br_wiki__chunk_id(out->id[i], out->q.r.hit[i].doc_id, br_slice_str(out->q.r.hit[i].text));
	choose(out, topic);
	br_wiki__input(out->input, topic, model);
	fingerprint(out);
	return 0;
}

void br_wiki__gathered_release(struct gathered *g)
{
	br_quotables_release(&g->q);
	free(g->id);
	free(g->use);
	*g = (struct gathered){ 0 };
}
