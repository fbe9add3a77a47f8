/* Rules about what can be made again at any time: the vector index of the notebook, the cache of embeddings. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

static void tell_damage(const char *what, void *arg)
{
	found(arg, (struct br_finding){ BR_H_VECTOR_INDEX, NULL, 0, what, true });
}

static int check_index(struct look *l)
{
	struct br_vindex_state s;
	struct br_txn *t;
	int rc, bad = 0;

	if ((rc = bad = br_vindex_verify(l->ws, l->nb, false, tell_damage, l, l->err)) < 0 || (rc = br_txn_read(&t, l->ws->store, l->err)) < 0)
		return rc;
	rc = br_vindex_state(&s, l->ws, t, l->nb, l->err);
	br_txn_end(t);
	l->out->rule[BR_H_VECTOR_INDEX].of = rc == 0 && (s.wanted || bad);
	if (rc == 0 && s.due && !bad)
		found(l, (struct br_finding){ BR_H_VECTOR_INDEX, NULL, 0, s.why, br_ann_faiss(NULL) != NULL });
	return rc;
}

static int check_embeddings(struct look *l)
{
	struct br_err why = { 0 };
	int rc = br_embeddings_check(l->ws, false, &why);

	l->out->rule[BR_H_EMBEDDING_CACHE].of = 1;
	if (rc == -BR_ECORRUPT || rc == -BR_EVERSION)
		found(l, (struct br_finding){ BR_H_EMBEDDING_CACHE, NULL, 0, why.msg, true });
	return rc == -BR_ECANCELLED ? br_fail(l->err, BR_ECANCELLED, "%s", why.msg) : 0; /* one that is in use is not damaged */
}

int check_caches(struct look *l)
{
	int rc = asked(l, BR_H_VECTOR_INDEX) ? check_index(l) : 0;

	return rc == 0 && asked(l, BR_H_EMBEDDING_CACHE) ? check_embeddings(l) : rc;
}
