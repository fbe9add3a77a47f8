/*
 * Embeddings: many texts cut into batches, a few of them under way at a time, every vector checked.
 */
#include "internal.h"

#include <math.h>
#include <stdlib.h>

enum { BATCH_BYTES = 512 << 10 }; /* of text in one request, unless a single text is longer */

struct batch {
	struct br_llm__call call;
	const size_t *index;           /* texts of the request */
	size_t n;
	uint64_t bytes;
};
struct job {
	struct br_llm *s;
	const struct br_llm_embed *req;
	struct br_llm_vectors *out;
	struct br_llm__desk desk;
	const size_t *index;
	size_t n, next;                /* next: of index, not in a batch yet */
	br_llm__batch_fn *got;
	void *arg;
};

const char *br_llm__prefix(const struct br_llm *s, enum br_llm_use use)
{
	return use == BR_LLM_QUERY ? s->info.query_prefix : s->info.passage_prefix;
}

const char *br_llm__input_type(const struct br_llm *s, enum br_llm_use use)
{
	return !s->input_type ? NULL : use == BR_LLM_QUERY ? "query" : s->input_type;
}

/* ---- requests ---- */

static void write_request(struct br_buf *out, const struct job *job, const struct batch *b)
{
	struct br_buf text = BR_BUF_INIT(BR_MAX_LLM_REQUEST);
	struct br_json j;

	br_json_init(&j, out, false);
	br_json_obj(&j);
	br_json_kstr(&j, "model", job->req->ask.model ? job->req->ask.model : job->s->info.model);
	br_json_key(&j, "input");
	br_json_arr(&j);
	for (size_t i = 0; i < b->n; i++) {
		struct br_slice t = job->req->text[b->index[i]];

		br_buf_reset(&text);
		br_buf_adds(&text, br_llm__prefix(job->s, job->req->use));
		br_buf_add(&text, t.ptr, t.len);
		br_json_strn(&j, text.ptr, text.len);
	}
	br_json_end(&j);
	if (job->s->asked_dim)
		br_json_kuint(&j, "dimensions", job->s->asked_dim);
	br_json_kstr(&j, "encoding_format", "float");
	if (job->s->input_type)
		br_json_kstr(&j, "input_type", br_llm__input_type(job->s, job->req->use));
	br_json_end(&j);
	if (text.failed)
		out->failed = text.failed;
	br_buf_release(&text);
}

/* As many texts as fit into one request. */
static int next_batch(struct batch **out, struct job *job, struct br_err *err)
{
	struct batch *b = *out = br_alloc(sizeof *b);
	int rc;

	b->index = job->index + job->next;
	while (job->next < job->n && b->n < job->s->batch) {
		size_t len = job->req->text[job->index[job->next]].len;

		if (b->n && b->bytes + len > BATCH_BYTES)
			break;
		b->bytes += len;
		b->n++;
		job->next++;
	}
	if ((rc = br_llm__call_open(&b->call, job->s, &job->desk, &job->req->ask, "/embeddings", err)) < 0)
		return rc;
	write_request(&b->call.body, job, b);
	return br_llm__call_start(&b->call, err);
}

/* ---- answers ---- */

int br_llm__vectors_dim(struct br_llm_vectors *out, uint32_t dim, const struct br_llm *s,
                        const struct br_llm_embed *req, struct br_err *err)
{
	uint32_t want = out->dim ? out->dim : req->dim ? req->dim : s->asked_dim;

	if (want && dim != want)
		return br_fail(err, BR_EUPSTREAM, "%s: model '%s' gave a vector of %u dimensions where %u are needed",
		               s->name, req->ask.model ? req->ask.model : s->info.model, dim, want);
	if (out->v)
		return 0;
	if (!dim || dim > BR_MAX_LLM_DIM)
		return br_fail(err, BR_EUPSTREAM, "%s: a vector of %u dimensions (at most %d are taken)", s->name, dim,
		               BR_MAX_LLM_DIM);
	if (out->n > SIZE_MAX / sizeof(float) / dim || !(out->v = br_try_alloc(out->n * dim * sizeof *out->v)))
		return br_fail(err, BR_ENOMEM, "no memory for %zu vectors of %u dimensions", out->n, dim);
	out->dim = dim;
	return 0;
}

static size_t count(const struct br_jval *list)
{
	size_t n = 0;

	for (const struct br_jval *v = br_jval_first(list); v; v = br_jval_next(v))
		n++;
	return n;
}

/* Scaled to length 1. false: a number is missing, not finite, or all are zero. */
static bool read_vector(float *to, const struct br_jval *list)
{
	double sum = 0, x;
	float *at = to;

	for (const struct br_jval *v = br_jval_first(list); v; v = br_jval_next(v)) {
		if (!br_jval_num(&x, v) || !(fabs(x) < 1e30))
			return false;
		*at++ = (float)x;
		sum += x * x;
	}
	if (!(sum > 0))
		return false;
	for (x = 1 / sqrt(sum); at-- > to; )
		*at = (float)(*at * x);
	return true;
}

static int read_entry(bool *seen, struct job *job, const struct batch *b, const struct br_jval *entry, size_t at,
                      struct br_err *err)
{
	const struct br_jval *list = br_jval_get(entry, "embedding");
	bool there;
	uint64_t i = br_llm__uint_at(entry, "index", &there);
	int rc;

	i = there ? i : at;
	if (i >= b->n || seen[i])
		return br_llm__fail(&b->call, err, "vector number %llu of its answer is for no text that was sent",
		                    (unsigned long long)i);
	seen[i] = true;
	if (!list || br_jval_type(list) != BR_J_ARR)
		return br_llm__fail(&b->call, err, "entry %llu of its answer has no vector", (unsigned long long)i);
	if ((rc = br_llm__vectors_dim(job->out, (uint32_t)BR_MIN(count(list), (size_t)UINT32_MAX), job->s, job->req,
	                              err)) < 0)
		return rc;
	if (!read_vector(job->out->v + b->index[i] * job->out->dim, list))
		return br_llm__fail(&b->call, err,
		                    "vector %llu of its answer is not made of finite numbers, or is all zero", (unsigned long long)i);
	return 0;
}

static int read_answer(struct job *job, struct batch *b, const struct br_jval *root, struct br_err *err)
{
	const struct br_jval *data = br_jval_get(root, "data");
	bool *seen = br_alloc(b->n);
	size_t at = 0;
	int rc = 0;

	for (const struct br_jval *v = br_jval_first(data); v && rc == 0; v = br_jval_next(v))
		rc = read_entry(seen, job, b, v, at++, err);
	if (rc == 0 && at != b->n)
		rc = br_llm__fail(&b->call, err, "%zu vectors for %zu texts", at, b->n);
	free(seen);
	return rc;
}

static int finish_batch(struct job *job, struct batch *b, struct br_err *err)
{
	struct br_llm_tokens tokens, *sum = &job->out->tokens;
	struct br_jdoc *doc;
	int rc = br_llm__call_read(&doc, &b->call, err);

	if (rc != 0)
		return rc;
	if ((rc = read_answer(job, b, br_jdoc_root(doc), err)) == 0) {
		br_llm__tokens(&tokens, br_jdoc_root(doc), b->bytes, 0);
		br_llm__count(job->s, &tokens);
		sum->prompt += tokens.prompt;
		sum->estimated |= tokens.estimated;
		sum->cost = sum->cost < 0 || tokens.cost < 0 ? -1 : sum->cost + tokens.cost;
		job->out->sent += b->n;
		rc = job->got ? job->got(job->out, b->index, b->n, job->arg, err) : 0;
	}
	br_jdoc_free(doc);
	return rc;
}

/* ---- all batches ---- */

static void batch_free(struct batch *b)
{
	br_llm__call_release(&b->call);
	free(b);
}

/* Waits until one of them has ended; then its place is free, unless it was begun again. */
static int run_one(struct job *job, struct batch **b, size_t *n, struct br_err *err)
{
	struct br_llm__call *call[BR_MAX_LLM_AT_ONCE];
	size_t i;
	int rc;

	for (i = 0; i < *n; i++)
		call[i] = &b[i]->call;
	if ((rc = br_llm__wait(call, *n, err)) < 0)
		return rc;
	for (i = 0; i < *n && !br_llm__call_ended(call[i]); i++)
		;
	if (i == *n)
		return 0;
	if ((rc = finish_batch(job, b[i], err)) == 1)
		return 0;
	batch_free(b[i]);
	b[i] = b[--*n];
	return rc;
}

int br_llm__embed(struct br_llm_vectors *out, struct br_llm *s, const struct br_llm_embed *req, const size_t *index,
                  size_t n, br_llm__batch_fn *got, void *arg, struct br_err *err)
{
	struct job job = { .s = s, .req = req, .out = out, .index = index, .n = n, .got = got, .arg = arg };
	struct batch *b[BR_MAX_LLM_AT_ONCE];
	size_t running = 0;
	int rc = 0;

	br_llm__desk_open(&job.desk);
	while (rc == 0 && (running || job.next < n)) {
		if (running < s->concurrency && job.next < n)
			rc = next_batch(&b[running++], &job, err);
		else
			rc = run_one(&job, b, &running, err);
	}
	while (running)
		batch_free(b[--running]);
	br_llm__desk_close(&job.desk);
	return rc;
}

int br_llm_embed(struct br_llm_vectors *out, struct br_llm *s, const struct br_llm_embed *req, struct br_err *err)
{
	size_t *index = br_allocn(req->n, sizeof *index), n = 0;
	int rc;

	BR_ASSERT(s->info.role == BR_LLM_EMBED);
	*out = (struct br_llm_vectors){ .n = req->n };
	for (size_t i = 0; i < req->n; i++)
		if (req->text[i].len)
			index[n++] = i;
	rc = br_llm__embed(out, s, req, index, n, NULL, NULL, err);
	free(index);
	return rc;
}

void br_llm_vectors_release(struct br_llm_vectors *v)
{
	free(v->v);
	*v = (struct br_llm_vectors){ 0 };
}
