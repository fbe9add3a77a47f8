/*
 * Suggested questions: made from titles and headings of passages that lie evenly over the notebook, so that the same notebook gives
 * the same ones. In the notebook's main language where a phrase for it is known.
 */
#include "internal.h"

#include <stdlib.h>

enum { TRIES = 8, LONGEST_NAME = 120 }; /* passages looked at for each question wanted */

static const struct { const char *lang, *about, *what; } phrases[] = {
	{ "en", "What does \"%s\" say about \"%s\"?", "What is \"%s\" about?" },
	{ "de", "Was steht in „%s“ über „%s“?", "Worum geht es in „%s“?" },
	{ "es", "¿Qué dice «%s» sobre «%s»?", "¿De qué trata «%s»?" },
	{ "fr", "Que dit « %s » sur « %s » ?", "De quoi parle « %s » ?" },
	{ "it", "Che cosa dice «%s» su «%s»?", "Di che cosa parla «%s»?" },
	{ "pt", "O que diz «%s» sobre «%s»?", "Do que trata «%s»?" },
	{ "nl", "Wat zegt ‘%s’ over ‘%s’?", "Waar gaat ‘%s’ over?" },
	{ "ru", "Что говорится в «%s» о «%s»?", "О чём «%s»?" },
	{ "zh", "《%s》关于“%s”说了什么？", "《%s》讲的是什么？" },
	{ "ja", "「%s」は「%s」について何と述べていますか？", "「%s」は何についてですか？" },
};

static const char *main_language(const struct br_nb *nb)
{
	const struct br_lang_count *best = NULL;

	for (size_t i = 0; i < nb->langs.n; i++)
		if (!best || nb->langs.v[i].docs > best->docs)
			best = &nb->langs.v[i];
	return best ? best->lang : "";
}

static struct br_slice last_heading(struct br_slice path)
{
	const char *cut = path.len ? memrchr(path.ptr, '\x1f', path.len) : NULL;

	return cut ? br_slice(cut + 1, (size_t)(path.ptr + path.len - cut) - 1) : path;
}

/* A phrase has its words from this table and two places for names. */
static char *fill(struct br_arena *a, const char *phrase, struct br_slice one, struct br_slice two)
{
	struct br_buf b = BR_BUF_INIT(SIZE_MAX);
	char *out;

	for (const char *p; (p = strstr(phrase, "%s")); phrase = p + 2, one = two) {
		br_buf_add(&b, phrase, (size_t)(p - phrase));
		br_buf_add(&b, one.ptr, one.len);
	}
	br_buf_adds(&b, phrase);
	out = br_arena_strndup(a, b.ptr, b.len);
	br_buf_release(&b);
	return out;
}

static char *phrase(struct br_arena *a, const char *lang, const struct br_doc *d, struct br_slice heading)
{
	struct br_slice title = br_slice_str(d->title[0] ? d->title : br_path_base(d->path));
	size_t i = 0;

	for (size_t k = 0; k < BR_COUNT(phrases); k++)
		if (!strcmp(phrases[k].lang, lang))
			i = k;
	if (title.len > LONGEST_NAME || heading.len > LONGEST_NAME)
		return NULL;
	if (heading.len && !br_slice_eq(heading, title))
		return fill(a, phrases[i].about, title, heading);
	return fill(a, phrases[i].what, title, title);
}

/* A question about this passage, or NULL: it was deleted, or has nothing to name it by. */
static int about_chunk(char **out, struct br_arena *a, struct br_txn *t, const struct br_nb *nb, uint32_t chunk, struct br_err *err)
{
	struct br_chunk_rec c;
	struct br_doc *d;
	int rc;

	*out = NULL;
	if ((rc = br_chunk_get(&c, t, nb->nb, chunk, err)) < 0 || (rc = br_doc_get(&d, a, t, nb->nb, c.doc, err)) < 0)
		return rc == -BR_ENOTFOUND ? 0 : rc;
	*out = phrase(a, main_language(nb), d, last_heading(c.heading));
	return 0;
}

static bool is_new(const char *const *have, size_t n, const char *q)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(have[i], q))
			return false;
	return true;
}

static int gather(const char **out, size_t want, struct br_arena *a, struct br_txn *t, const struct br_nb *nb, struct br_err *err)
{
	struct br_bits live = { 0 };
	uint64_t tries = (uint64_t)want * TRIES;
	size_t n = 0;
	char *q;
	int rc = br_chunks_live(&live, t, nb, err);

	/* Every TRIES-th place first, so that a few questions are spread over the whole notebook. */
	for (uint64_t i = 0; i < tries && n < want && rc >= 0; i++) {
		uint64_t place = i % want * TRIES + i / want;
		uint32_t chunk = (uint32_t)((2 * place + 1) * nb->next_chunk / (2 * tries));
		if (chunk >= nb->next_chunk || (nb->dead && !br_bits_get(&live, chunk)))
			continue;
		if ((rc = about_chunk(&q, a, t, nb, chunk, err)) == 0 && q && is_new(out, n, q))
			out[n++] = q;
	}
	br_bits_release(&live);
	return BR_MIN(rc, 0);
}

int br_suggest(const char ***out, struct br_arena *a, struct br_ws *ws, const char *notebook, size_t n, struct br_err *err)
{
	struct br_txn *t;
	struct br_nb *nb;
	int rc = br_txn_read(&t, ws->store, err);

	*out = br_arena_zalloc(a, (n + 1) * sizeof **out);
	if (rc < 0)
		return rc;
	if ((rc = br_nb_get(&nb, a, t, notebook, err)) == 0)
		rc = gather(*out, n, a, t, nb, err);
	br_txn_end(t);
	return rc;
}
