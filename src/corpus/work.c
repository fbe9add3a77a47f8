/*
 * What a worker thread does with one slice of inputs: read, extract, cut, count words, embed, compress. A pure function of the
 * inputs and the notebook's settings, apart from asking whether the notebook has this very content already.
 */
#include "internal.h"

#include <stdlib.h>

enum { TOLD_CHUNKS = 64 }; /* so many are embedded before it is told again */

struct worker {
	struct br_extractor *extractor;
	struct br_extracted text;
	struct br_tokenizer *tok;
	struct br_embedder *embedder;
	struct br_embedding vec;
	struct br_buf raw;
	br_slices piece;
	BR_VEC(uint32_t) tokens;
	struct text_packer *packer;
	struct signer signer;
	const char *ocr;                /* languages of pictures, NULL: they are not read */
};

void *worker_new(void *arg)
{
	const struct work_env *env = arg;
	struct worker *w = br_alloc(sizeof *w);

	w->extractor = br_extractor_new(br_config_get(env->ws->config, "extract.helper", NULL));
	br_extracted_init(&w->text);
	if (env->opts->ocr || br_config_bool(env->ws->config, "extract.ocr"))
		w->ocr = br_config_get(env->ws->config, "extract.ocr_language", NULL);
	w->tok = br_tokenizer_new();
	w->embedder = br_embedder_new(env->ws->model);
	br_buf_init(&w->raw, (size_t)br_config_int(env->ws->config, "ingest.max_file"));
	w->packer = text_packer_new(env->dict);
	return w;
}

void worker_free(void *arg)
{
	struct worker *w = arg;

	br_extractor_free(w->extractor);
	br_extracted_release(&w->text);
	br_tokenizer_free(w->tok);
	br_embedder_free(w->embedder);
	br_buf_release(&w->raw);
	br_vec_release(&w->piece);
	br_vec_release(&w->tokens);
	text_packer_free(w->packer);
	free(w);
}

struct slice *slice_new(void)
{
	struct slice *s = br_alloc(sizeof *s);

	br_buf_init(&s->passage, SIZE_MAX);
	return s;
}

void slice_free(struct slice *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->made.n; i++) {
		packed_text_release(&s->made.v[i].text);
		packed_chunks_release(&s->made.v[i].chunks);
	}
	br_vec_release(&s->in);
	br_vec_release(&s->made);
	br_vec_release(&s->code);
	br_vec_release(&s->scale);
	br_buf_release(&s->passage);
	br_vec_release(&s->passage_end);
	br_fts_unit_free(s->unit);
	br_arena_release(&s->arena);
	free(s);
}

struct job {                            /* one input on its way */
	struct worker *w;
	struct slice *s;
	const struct work_env *env;
	const struct input *in;
	struct made *m;
	struct record rec;              /* RECORD only */
	enum br_format sniffed;         /* UNKNOWN: not yet, or nothing that is read */
};

static char *keep(struct job *j, const char *str) { return br_arena_strdup(&j->s->arena, str ? str : ""); }

static void failed(struct job *j, enum br_action action, const char *why)
{
	j->m->action = action;
	j->m->doc.state = action == BR_ACT_SKIP ? BR_DOC_SKIPPED : BR_DOC_FAILED;
	j->m->doc.error = keep(j, why);
}

/* ---- bytes ---- */

static int read_input(struct job *j, struct br_slice *bytes, struct br_err *err)
{
	struct br_doc *d = &j->m->doc;
	int rc;

	if (j->in->file) {
		br_buf_reset(&j->w->raw);
		if ((rc = br_file_read(&j->w->raw, j->in->file, j->w->raw.max, err)) < 0)
			return rc;
		*bytes = br_buf_slice(&j->w->raw);
	} else
		*bytes = j->in->bytes;
	if (j->in->origin == BR_FROM_RECORD) {
		if ((rc = record_parse(&j->rec, &j->s->arena, *bytes, j->in->path, err)) < 0)
			return rc;
		d->path = keep(j, j->rec.id);
		d->meta = keep(j, j->rec.meta);
		br_sha256(d->sha, bytes->ptr, bytes->len); /* of the whole line: title and metadata count */
		*bytes = br_slice_str(j->rec.text);
		d->size = bytes->len;
		return 0;
	}
	d->size = bytes->len;
	br_sha256(d->sha, bytes->ptr, bytes->len);
	return 0;
}

/* The notebook has this content under this path already. */
static int is_known(struct job *j, struct br_err *err)
{
	struct br_arena a = { 0 };
	struct br_doc *old;
	struct br_txn *t;
	uint32_t num;
	int rc;

	if (j->env->opts->force || j->in->action == BR_ACT_MOVE)
		return 0;
	if ((rc = br_txn_read(&t, j->env->ws->store, err)) < 0)
		return rc;
	if ((rc = doc_by_path(&num, t, j->env->nb->nb, j->m->doc.path, err)) > 0 &&
	    (rc = br_doc_get(&old, &a, t, j->env->nb->nb, num, err)) == 0)
		rc = old->state != BR_DOC_UPLOADED && !worth_retry(old, j->env->opts) && !memcmp(old->sha, j->m->doc.sha, sizeof old->sha);
	br_txn_end(t);
	br_arena_release(&a);
	return rc;
}

/* Reasons of versions that could not read these: none that is given today. */
static bool is_read_today(const char *why)
{
	static const char *const reasons[] = { "PDF document", "RTF document", "Word document", "Excel workbook", "PowerPoint presentation", "EPUB book",
		"OpenDocument file", "old Microsoft Office document", "ZIP archive", "tar archive", "gzip archive", "zstd archive", "xz archive",
		"PNG image", "JPEG image", "WebP image", "TIFF image", "BMP image" };

	for (size_t i = 0; i < BR_COUNT(reasons); i++)
		if (!strcmp(why, reasons[i]))
			return true;
	return false;
}

bool worth_retry(const struct br_doc *d, const struct br_ingest_opts *opts)
{
	if (d->state == BR_DOC_FAILED)
		return true;
	if (d->state != BR_DOC_SKIPPED || !d->error)
		return false;
	return !strncmp(d->error, "needs ", 6) || (opts->ocr && strstr(d->error, "--ocr")) || is_read_today(d->error);
}

/* ---- containers ---- */

/* Holds documents that nobody looked at yet: it is left to the thread that plans. */
static bool is_closed(struct job *j, struct br_slice bytes)
{
	enum br_format f = j->env->opts->format ? j->env->opts->format : j->in->format;

	if (j->in->expanded || j->in->origin == BR_FROM_RECORD)
		return false;
	if (!f && j->in->origin != BR_FROM_URL) /* a URL's name is not its path */
		f = j->sniffed = br_sniff(br_path_base(j->m->doc.path), bytes, NULL);
	return br_has_members(f ? f : br_sniff(NULL, bytes, NULL), bytes);
}

/* What members.c made out already; true: nothing is left to do. */
static bool is_settled(struct job *j)
{
	struct br_doc *d = &j->m->doc;

	if (j->in->sha)
		memcpy(d->sha, j->in->sha, sizeof d->sha);
	d->format = (uint8_t)j->in->format;
	if (j->in->refused)
		failed(j, j->in->failed ? BR_ACT_FAIL : BR_ACT_SKIP, j->in->refused);
	else if (j->in->sha)
		d->state = BR_DOC_CONTAINER;
	return j->in->refused || j->in->sha;
}

/* ---- text ---- */

static int extract(struct job *j, struct br_slice bytes, struct br_err *err)
{
	const struct br_ingest_opts *o = j->env->opts;
	const char *lang = j->env->nb->lang[0] ? j->env->nb->lang : o->lang;
	struct br_source src = { bytes, br_path_base(j->m->doc.path), o->format ? o->format : j->sniffed, lang, j->w->ocr };
	struct br_slice name;

	if (j->in->origin == BR_FROM_RECORD)
		src.format = BR_FMT_PLAIN;
	if (j->in->origin == BR_FROM_MEMBER)
		src.format = BR_FMT_UNKNOWN; /* what is said of the input is said of the container */
	if (j->in->origin == BR_FROM_URL) {
		name = br_url_name(j->in->path);
		src.name = br_arena_strndup(&j->s->arena, name.ptr, name.len);
		src.format = o->format ? o->format : j->in->format;
	}
	br_extracted_reset(&j->w->text);
	return br_extract(&j->w->text, j->w->extractor, &src, err);
}

static void describe(struct job *j)
{
	struct br_doc *d = &j->m->doc;
	const struct br_extracted *e = &j->w->text;
	const char *given = j->rec.title ? j->rec.title : j->in->title ? j->in->title : j->in->origin == BR_FROM_MEMBER ? NULL : j->env->opts->title;
	const char *title = given ? given : e->title;

	d->title = br_arena_strndup(&j->s->arena, title ? title : "", title ? strnlen(title, BR_MAX_TITLE) : 0);
	memcpy(d->lang, e->lang, sizeof d->lang);
	memcpy(d->encoding, e->encoding, sizeof d->encoding);
	if (!d->lang[0] && e->format == BR_FMT_CODE)
		memcpy(d->lang, "en", 3); /* comments and the words within identifiers */
	d->format = (uint8_t)e->format;
	d->text_bytes = (uint32_t)e->text.len;
}

/* ---- chunks ---- */

uint32_t index_words(struct br_fts_unit *u, struct br_tokenizer *tok, struct signer *signer, br_slices *piece, const struct compose *what)
{
	size_t body = compose(piece, what), n;

	br_fts_unit_begin(u);
	for (size_t i = 0; i < piece->n; i++) {
		br_fts_unit_text(u, tok, piece->v[i]);
		if (i >= body) {
			const uint32_t *hash = br_fts_unit_hashes(u, &n);
			signer_add(signer, hash, n);
		}
	}
	return br_fts_unit_end(u);
}

static void index_chunk(struct job *j, const struct compose *what)
{
	struct slice *s = j->s;
	struct worker *w = j->w;
	uint32_t dim = j->env->nb->dim;

	*br_vec_push(&w->tokens) = index_words(s->unit, w->tok, &w->signer, &w->piece, what);
	if (dim && j->env->service) {
		passage_text(&s->passage, &w->piece);
		*br_vec_push(&s->passage_end) = s->passage.len;
	} else if (dim) {
		br_embed(&w->vec, w->embedder, w->piece.v, w->piece.n);
		br_vec_reserve(&s->code, dim);
		memcpy(s->code.v + s->code.n, w->vec.code, dim);
		s->code.n += dim;
		*br_vec_push(&s->scale) = w->vec.scale;
	}
	s->chunks++;
}

static void sign(struct job *j)
{
	char *room = br_arena_alloc(&j->s->arena, SIGNATURE);

	j->m->doc.signature = signer_end(&j->w->signer, room);
}

/* CANCELLED: it is not wanted any more. */
static int reached(struct job *j, enum br_ingest_stage stage, double done, struct br_err *err)
{
	const struct br_ingest_opts *o = j->env->opts;

	return o->stage && o->stage(j->in->path, stage, done, o->arg) ? br_fail(err, BR_ECANCELLED, "cancelled") : 0;
}

static void index_chunks(struct job *j, const struct br_chunks *c)
{
	const struct br_extracted *e = &j->w->text;
	struct br_buf path = BR_BUF_INIT(SIZE_MAX);
	struct compose what = { .title = j->m->doc.title, .name = br_doc_name(&j->m->doc), .skip = e->skip.v, .n_skip = e->skip.n };

	j->w->tokens.n = 0;
	br_tokenizer_lang(j->w->tok, j->m->doc.lang);
	signer_begin(&j->w->signer);
	for (size_t i = 0; i < c->chunks.n; i++) {
		what.off = c->chunks.v[i].off;
		what.body = br_slice(e->text.ptr + what.off, c->chunks.v[i].len);
		heading_path(&path, e, c, c->chunks.v[i].heading);
		what.heading = br_buf_slice(&path);
		index_chunk(j, &what);
		j->m->doc.tokens += j->w->tokens.v[i];
		if (i % TOLD_CHUNKS == 0) /* too late to give up: the words of some are in the unit */
			(void)reached(j, BR_STAGE_EMBEDDING, (double)i / (double)c->chunks.n, NULL);
	}
	sign(j);
	br_buf_release(&path);
}

static int cut(struct job *j, struct br_err *err)
{
	struct br_chunks c = { 0 };
	int rc;

	if ((rc = reached(j, BR_STAGE_CHUNKING, 0, err)) < 0)
		return rc;
	if ((rc = br_chunk(&c, &j->w->text, &j->env->nb->chunking, err)) == 0 && c.chunks.n)
		rc = pack_text(&j->m->text, j->w->packer, br_buf_slice(&j->w->text.text), err);
	if (rc == 0 && c.chunks.n && (rc = reached(j, BR_STAGE_EMBEDDING, 0, err)) == 0) {
		index_chunks(j, &c);
		pack_chunks(&j->m->chunks, &j->w->text, &c, j->w->tokens.v);
		j->m->doc.chunks = (uint32_t)c.chunks.n;
	}
	br_chunks_release(&c);
	return rc;
}

/* ---- one input ---- */

static void start(struct job *j)
{
	struct made *m = j->m;

	*m = (struct made){ .action = j->in->action, .from = j->in->from, .touch = j->in->touch_only, .only_good = j->in->only_good };
	m->doc = (struct br_doc){ .origin = j->in->origin, .size = j->in->size, .inode = j->in->inode, .mtime_ns = j->in->mtime_ns,
		.path = keep(j, j->in->path), .title = keep(j, ""), .error = keep(j, ""),
		.meta = keep(j, j->in->meta ? j->in->meta : j->env->opts->meta), .seen_ns = j->in->seen_ns ? j->in->seen_ns : br_now_ns(),
		.etag = keep(j, j->in->etag), .modified = keep(j, j->in->modified), .gone = keep(j, "") };
	br_uuid_ordered(m->doc.id, m->doc.seen_ns / 1000000);
}

static void work(struct job *j)
{
	struct br_err err = { 0 };
	struct br_slice bytes;
	int rc;

	start(j);
	if (j->in->touch_only || is_settled(j))
		return;
	if ((rc = reached(j, BR_STAGE_PARSING, 0, &err)) < 0 || (rc = read_input(j, &bytes, &err)) < 0) {
		failed(j, BR_ACT_FAIL, err.msg);
		j->m->unread = true;
		return;
	}
	if ((rc = is_known(j, &err)) != 0) {
		if (rc < 0)
			failed(j, BR_ACT_FAIL, err.msg);
		else {
			j->m->action = BR_ACT_KEEP;
			j->m->container = j->in->again && is_closed(j, bytes);
			j->m->touch = true;
		}
		return;
	}
	if ((j->m->container = is_closed(j, bytes)))
		return;
	rc = extract(j, bytes, &err);
	if (rc == 0 && (rc = reached(j, BR_STAGE_CLEANING, 0, &err)) == 0) {
		describe(j);
		rc = cut(j, &err);
	}
	j->m->unread = rc == -BR_ENOMEM || rc == -BR_EIO || rc == -BR_ECANCELLED; /* not the input's fault: another time it may succeed */
	if (rc < 0)
		failed(j, rc == -BR_EUNSUPPORTED ? BR_ACT_SKIP : BR_ACT_FAIL, err.msg);
	else if (!j->m->doc.chunks)
		failed(j, BR_ACT_SKIP, "no text");
}

void work_slice(void *item, void *worker, void *env)
{
	struct slice *s = item;

	s->unit = br_fts_unit_new();
	br_vec_reserve(&s->made, s->in.n);
	for (size_t i = 0; i < s->in.n && !br_stop_signal(); i++) {
		struct job j = { .w = worker, .s = s, .env = env, .in = &s->in.v[i], .m = br_vec_push(&s->made) };
		work(&j);
	}
	br_fts_unit_finish(s->unit);
}
