/* An index in a store of a test's own, written from an array of texts. Include behind cmocka.h. */
#ifndef TEST_FTS_INDEX_H
#define TEST_FTS_INDEX_H

#include "br/fts.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct fts_index {
	char dir[256];
	struct br_store *store;
	struct br_tokenizer *tok;
	struct br_err err;
};

#define OK(f, call)                                                                       \
	do {                                                                              \
		if ((call) < 0)                                                           \
			fail_msg("%s: %s", #call, (f)->err.msg);                          \
	} while (0)

static inline int fts_setup(void **state)
{
	struct fts_index *f = br_alloc(sizeof *f);
	const struct br_store_opts opts = { BR_STORE_CREATE, 0 };

	snprintf(f->dir, sizeof f->dir, "%s/u_fts-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(f->dir) || br_store_open(&f->store, f->dir, &opts, &f->err) < 0)
		return -1;
	f->tok = br_tokenizer_new();
	*state = f;
	return 0;
}

static inline int fts_unlink(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st, (void)flag, (void)at;
	return remove(path);
}

static inline int fts_teardown(void **state)
{
	struct fts_index *f = *state;
	int rc;

	br_store_close(f->store);
	br_tokenizer_free(f->tok);
	rc = nftw(f->dir, fts_unlink, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return rc;
}

static inline struct br_fts_unit *fts_unit(struct fts_index *f, const char *const *text, size_t n)
{
	struct br_fts_unit *u = br_fts_unit_new();

	for (size_t i = 0; i < n; i++) {
		br_fts_unit_begin(u);
		br_fts_unit_text(u, f->tok, br_slice_str(text[i]));
		br_fts_unit_end(u);
	}
	br_fts_unit_finish(u);
	return u;
}

struct fts_job {
	uint32_t nb, first;
	struct br_fts_unit **units;
	size_t n;
	bool forget, drop;
};

static inline int fts_job_run(struct br_txn *t, void *arg, struct br_err *err)
{
	struct fts_job *j = arg;
	int rc = 0;

	if (j->drop)
		return br_fts_drop(t, j->nb, err);
	if (!j->forget)
		return br_fts_write(t, j->nb, j->first, j->units, j->n, err);
	for (size_t i = 0; rc == 0 && i < j->n; i++)
		rc = br_fts_forget(t, j->nb, j->units[i], err);
	return rc;
}

/* The texts become chunks first, first + 1 ..., in units of `per_unit` and one commit. */
static inline void fts_add(struct fts_index *f, uint32_t nb, uint32_t first, const char *const *text, size_t n, size_t per_unit)
{
	struct fts_job j = { .nb = nb, .first = first };

	j.units = br_allocn(n / per_unit + 1, sizeof *j.units);
	for (size_t i = 0; i < n; i += per_unit)
		j.units[j.n++] = fts_unit(f, text + i, BR_MIN(per_unit, n - i));
	OK(f, br_store_write(f->store, fts_job_run, &j, &f->err));
	for (size_t i = 0; i < j.n; i++)
		br_fts_unit_free(j.units[i]);
	free(j.units);
}

static inline void fts_forget(struct fts_index *f, uint32_t nb, const char *text)
{
	struct br_fts_unit *u = fts_unit(f, &text, 1);
	struct fts_job j = { .nb = nb, .units = &u, .n = 1, .forget = true };

	OK(f, br_store_write(f->store, fts_job_run, &j, &f->err));
	br_fts_unit_free(u);
}

static inline uint32_t fts_random(uint32_t *seed) { return (*seed = *seed * 1664525 + 1013904223) >> 8; }

static inline void fts_same_hits(const struct br_topk *a, const struct br_topk *b, const char *what)
{
	if (a->n != b->n)
		fail_msg("%s: %u and %u hits", what, a->n, b->n);
	for (uint32_t i = 0; i < a->n; i++)
		if (a->h[i].chunk != b->h[i].chunk || memcmp(&a->h[i].score, &b->h[i].score, sizeof(float)) != 0)
			fail_msg("%s: hit %u is chunk %u with %.9g and chunk %u with %.9g", what, i, a->h[i].chunk, (double)a->h[i].score,
			         b->h[i].chunk, (double)b->h[i].score);
}

#endif
