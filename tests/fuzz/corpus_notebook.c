/* The record of a notebook, and what is done with one that was accepted: languages counted, text cut by its settings, record written. */
#include "fuzz.h"

#include "corpus/internal.h"

#include <math.h>

static void same(const struct br_nb *a, const struct br_nb *b)
{
	HOLDS(!strcmp(a->id, b->id) && !strcmp(a->name, b->name) && a->created == b->created && a->updated == b->updated);
	HOLDS(a->next_doc == b->next_doc && a->next_chunk == b->next_chunk && a->docs == b->docs && a->chunks == b->chunks && a->dead == b->dead);
	HOLDS(a->text_bytes == b->text_bytes && a->source_bytes == b->source_bytes && a->dim == b->dim);
	HOLDS(a->chunking.how == b->chunking.how && a->chunking.size == b->chunking.size && a->chunking.overlap == b->chunking.overlap);
	HOLDS(!strcmp(a->lang, b->lang) && !memcmp(&a->k1, &b->k1, sizeof a->k1) && !memcmp(&a->b, &b->b, sizeof a->b));
	HOLDS(!strcmp(a->model_id, b->model_id) && !memcmp(a->model_sha, b->model_sha, sizeof a->model_sha) && !strcmp(a->settings, b->settings));
	HOLDS(a->langs.n == b->langs.n && a->roots.n == b->roots.n);
	for (size_t i = 0; i < a->langs.n; i++)
		HOLDS(!strcmp(a->langs.v[i].lang, b->langs.v[i].lang) && a->langs.v[i].docs == b->langs.v[i].docs);
	for (size_t i = 0; i < a->roots.n; i++)
		HOLDS(!strcmp(a->roots.v[i], b->roots.v[i]));
}

/* What is in a record that was accepted does no harm where it is used. */
static void check_use(const struct br_nb *nb)
{
	static const char text[] = "One sentence. And another one, which is longer.\n\nA paragraph.\n";
	struct br_extracted e;
	struct br_chunks c = { 0 };

	br_extracted_init(&e);
	br_buf_add(&e.text, text, sizeof text - 1);
	HOLDS(nb->chunking.overlap >= nb->chunking.size || (br_chunk(&c, &e, &nb->chunking, NULL) == 0 && c.chunks.n > 0));
	HOLDS(isfinite(nb->k1) && isfinite(nb->b) && nb->k1 >= 0 && nb->b >= 0 && nb->b <= 1);
	br_chunks_release(&c);
	br_extracted_release(&e);
}

static int run(struct br_txn *t, void *arg, struct br_err *err)
{
	const struct br_slice *rec = arg;
	struct br_arena a = { 0 };
	struct br_nb *nb, *again;
	struct br_err why = { 0 };
	struct br_key k;

	br_key_init(&k, 5);
	FUZZ_OK(br_put(t, BR_T_NOTEBOOK, br_key_slice(&k), *rec, err));
	if (nb_load(&nb, &a, t, 5, &why) == 1) {
		HOLDS(nb->chunks + (uint64_t)nb->dead <= nb->next_chunk && nb->docs <= nb->next_doc && nb->dim <= BR_ANN_MAX_DIM);
		check_use(nb);
		FUZZ_OK(nb_restore(t, nb, err));
		HOLDS(nb_load(&again, &a, t, 5, err) == 1);
		same(nb, again);
		nb_count_lang(again, &a, "en", 1);
		nb_count_lang(again, &a, "xx", -1);
		(void)nb_fits(again, br_model_builtin());
	} else {
		HOLDS(why.code == BR_ECORRUPT || why.code == BR_EVERSION);
	}
	br_arena_release(&a);
	return 0;
}

FUZZ(corpus_notebook)
{
	fuzz_in_store(run, &in);
}
