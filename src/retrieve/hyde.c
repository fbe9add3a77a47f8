/*
 * hyde - hypothetical document embeddings: a language model writes a passage that would answer the question; the meaning
 * of both is searched for, while words stay those of the question. Gao et al., ACL 2023. Otherwise as hybrid.
 */
#include "internal.h"

static const char system_text[] =
	"Write one short passage, of three or four sentences, as it could stand in a handbook that answers the question. "
	"Write in the language of the question. Give the passage only; when you do not know, write what it would be about.";

int prepare_hyde(struct search *s, struct br_err *err)
{
	const char *passage, *both;
	int rc = ask_model(&passage, s, system_text, err);

	if (rc < 0 || !passage)
		return rc;
	both = br_arena_printf(&s->scratch, "%s\n%s", s->q.plain.ptr, passage);
	s->written = br_slice_str(both);
	return 0;
}

int rank_hyde(struct search *s, struct br_err *err)
{
	return rank_hybrid(s, err);
}
