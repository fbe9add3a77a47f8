/* corpus - shared inside src/corpus only. */
#ifndef BR_CORPUS_INTERNAL_H
#define BR_CORPUS_INTERNAL_H

#include "br/corpus.h"
#include "br/net.h"

/* ---- sizes of stored pieces (man/br-index.5, DOCUMENTS) ---- */
enum {
	TEXT_BLOCK = 4096,       /* bytes of text compressed together: small enough that fetching one passage is cheap */
	SEGMENT_CHUNKS = 128,    /* chunk entries of one CHUNK record */
	DEAD_BITS = 32000,       /* chunks of one DEAD bitmap: 4,000 bytes stay within one page */
	TEXT_ZSTD_LEVEL = 3,
};
enum br_extid_kind { EXT_NB_ID = 1, EXT_NB_NAME = 2, EXT_DOC_ID = 3 }; /* 4 and 5: BR_EXT_CHAT, BR_EXT_MESSAGE */

/* ---- pieces of records (codec.c); what does not fit sets r->bad ---- */
void put_str(struct br_buf *b, const char *s);
char *get_str(struct br_arena *a, struct br_rd *r);
void get_fixed(char *out, size_t size, struct br_rd *r);  /* a string into a zeroed field */
void get_bytes(void *out, size_t n, struct br_rd *r);
void put_double(struct br_buf *b, double v);
double get_double(struct br_rd *r);
uint32_t get_varint32(struct br_rd *r);

/* ---- notebooks (notebook.c) ---- */
int nb_load(struct br_nb **out, struct br_arena *a, struct br_txn *t, uint32_t nb, struct br_err *err); /* 1 there, 0 not */
int nb_store(struct br_txn *t, struct br_nb *nb, struct br_err *err); /* also stamps updated and generation */
int nb_store_unseen(struct br_txn *t, struct br_nb *nb, struct br_err *err); /* stamps updated only: nothing changed that a search can find */
int nb_restore(struct br_txn *t, struct br_nb *nb, struct br_err *err); /* stamps generation only: the same documents as before */
void nb_defaults(struct br_nb *nb, const struct br_ws *ws);             /* settings and model of a new one */
bool nb_fits(const struct br_nb *nb, const struct br_model *m);         /* its vectors are of this model */

/* ---- models of vectors (space.c) ---- */
struct br_services *services_new(void);
void services_free(struct br_services *s);
bool services_cache_open(struct br_services *s);                        /* the cache of embeddings is, in this process */
bool space_same(const struct br_nb *a, const struct br_nb *b);          /* pinned to the same model */
void space_pin_builtin(struct br_nb *nb, const struct br_model *m);     /* in memory */
int space_choose(struct br_nb *nb, const struct br_ws *ws, enum br_space want, struct br_err *err); /* in memory; asks the service for its dimensions */
/* Before passages are added: an empty notebook takes the model that is configured. UNSUPPORTED: another one has vectors of none that is. */
int space_settle(struct br_nb *nb, struct br_ws *ws, struct br_err *err);
/* Rows of n passages from the service or the cache; no transaction is open. */
int space_embed(int8_t *code, float *scale, const struct br_ws *ws, uint32_t dim, const struct br_slice *text, size_t n, struct br_err *err);
/* Adds what embedding them would ask of the service, and cost. */
int space_missing(struct br_reembed_stats *out, const struct br_ws *ws, uint32_t dim, const struct br_slice *text, size_t n, struct br_err *err);
void nb_count_lang(struct br_nb *nb, struct br_arena *a, const char *lang, int by);
int nb_by_name(struct br_nb **out, struct br_arena *a, struct br_txn *t, const char *name, struct br_err *err); /* 1 there, 0 not */
/* Every record under this number, but for its name and id. */
int nb_drop_records(struct br_txn *t, uint32_t nb, struct br_err *err);
/* Record, name and id of a notebook whose other records are there. replace: in place of the one of that name, whose id it gets;
 * one that never had a document gives way in any case. EXISTS. */
int nb_publish(struct br_txn *t, struct br_nb *nb, bool replace, struct br_err *err);
/* The key of an external id. */
void extid_key(struct br_key *k, enum br_extid_kind kind, uint32_t nb, const char *id);

/* ---- signatures of texts (signature.c) ---- */
enum { SIGNATURE_BINS = 128, SIGNATURE = 1 + SIGNATURE_BINS }; /* bytes: kind, then one a bin */
struct signer { uint64_t least[SIGNATURE_BINS]; uint32_t word[4]; uint32_t words; };
void signer_begin(struct signer *s);
void signer_add(struct signer *s, const uint32_t *hash, size_t n); /* hashes of consecutive words */
struct br_slice signer_end(const struct signer *s, char out[SIGNATURE]); /* empty when the text is too short */

/* ---- documents (doc.c) ---- */
void doc_key(struct br_key *k, uint32_t nb, uint32_t doc);
void doc_encode(struct br_buf *out, const struct br_doc *d);
int doc_decode(struct br_doc *out, struct br_arena *a, uint32_t doc, struct br_slice rec, struct br_err *err);
/* Number of the document at this exact path: 1 there, 0 not. */
int doc_by_path(uint32_t *out, struct br_txn *t, uint32_t nb, const char *path, struct br_err *err);
int doc_put(struct br_txn *t, uint32_t nb, const struct br_doc *d, struct br_err *err); /* record, path and id */
int doc_store(struct br_txn *t, uint32_t nb, const struct br_doc *d, struct br_err *err); /* record alone */
/* Takes the document's chunks out of the index and its text out of the store; the DOC record and its keys stay. nb's counts follow. */
int doc_retire(struct br_txn *t, struct br_nb *nb, struct br_arena *a, const struct br_doc *d, struct br_err *err);
/* doc_retire, and the record, path and id go too. */
int doc_forget(struct br_txn *t, struct br_nb *nb, struct br_arena *a, const struct br_doc *d, struct br_err *err);
/* Workspace path of a file: relative to the root when below it ("." for the root itself), else absolute; caller frees. */
char *doc_path_of(const struct br_ws *ws, const char *file);
/* The file behind a FILE document, openable from anywhere; caller frees. */
char *doc_file_of(const struct br_ws *ws, const char *path);
char *object_file(const struct br_ws *ws, const uint8_t sha[32]);
/* Noted in the error of an upload whose stored original is known to be lost. */
#define ORIGINAL_LOST "stored original was damaged"
static inline bool original_lost(const struct br_doc *d) { return !strncmp(d->error, ORIGINAL_LOST, sizeof ORIGINAL_LOST - 1); }
/* Stores an original. Only under the writer lock: br gc, which holds it, then never takes one that a commit will name for a leftover. */
int object_keep(const struct br_ws *ws, const uint8_t sha[32], struct br_slice bytes, struct br_err *err);
/* The same of a file, which is moved there, and need not be synced: of many files the caller syncs the file system once before it commits. */
int object_take(const struct br_ws *ws, const uint8_t sha[32], const char *file, struct br_err *err);
int object_hash(uint8_t sha[32], const char *file, struct br_err *err);

/* ---- stored text (text.c) ---- */
struct plan;
/* What a notebook's texts have in common. The first of the notebook (*out NULL: none); from the files of a plan, NULL when they are too few; written unless it is there. */
struct text_dict;
int text_dict_load(struct text_dict **out, struct br_txn *t, uint32_t nb, struct br_err *err);
struct text_dict *text_dict_learn(const struct plan *p);
int text_dict_put(struct br_txn *t, uint32_t nb, const struct text_dict *d, struct br_err *err);
/* From the texts of these documents (`bytes` of text in all), a pure function of them; of an import. */
int text_dict_learn_stored(struct text_dict **out, struct br_txn *t, uint32_t nb, const uint32_t *doc, size_t n, uint64_t bytes, struct br_err *err);
int text_dict_open(struct text_dict **out, struct br_slice bytes, struct br_err *err);
struct br_slice text_dict_bytes(const struct text_dict *d);
void text_dict_free(struct text_dict *d);
/* One thread's compressor; d (or NULL) outlives it. */
struct text_packer;
struct text_packer *text_packer_new(const struct text_dict *d);
void text_packer_free(struct text_packer *p);
struct packed_text { struct br_buf bytes; BR_VEC(uint32_t) end; uint32_t raw; }; /* compressed blocks one behind the other, ends of each */
void packed_text_release(struct packed_text *p);
int pack_text(struct packed_text *out, struct text_packer *packer, struct br_slice text, struct br_err *err);
int text_put(struct br_txn *t, uint32_t nb, uint32_t doc, const struct packed_text *p, struct br_err *err);

/* ---- stored chunks (stored.c) ---- */
/* One document's chunks, ready to be written: segments without their chunk numbers. */
struct packed_chunks { struct br_buf bytes; BR_VEC(uint32_t) end; uint32_t n; };
void packed_chunks_release(struct packed_chunks *p);
/* "Guide\x1fInstall\x1fLinux": heading h and those above it, outermost first; empty for BR_NO_HEADING. */
void heading_path(struct br_buf *out, const struct br_extracted *e, const struct br_chunks *c, uint32_t h);
void pack_chunks(struct packed_chunks *out, const struct br_extracted *e, const struct br_chunks *c, const uint32_t *tokens);
/* From records, which get new ordinals in their order, and the skip ranges of their document, ascending. */
void pack_recs(struct packed_chunks *out, const struct br_chunk_rec *v, uint32_t n, const struct br_range *skip, size_t n_skip);
int chunks_put(struct br_txn *t, uint32_t nb, uint32_t doc, uint32_t first, const struct packed_chunks *p, struct br_err *err);
int chunks_del(struct br_txn *t, uint32_t nb, uint32_t first, uint32_t n, struct br_err *err);
/* Every chunk of a document in order; skip ranges (of the whole document's text) go into skip. */
typedef int chunk_fn(const struct br_chunk_rec *c, const struct br_range *skip, size_t n_skip, void *arg, struct br_err *err);
int chunks_each(struct br_txn *t, uint32_t nb, uint32_t first, uint32_t n, chunk_fn *fn, void *arg, struct br_err *err);
/* The segments of a document as they stand, without the version and document in front; and reading one such body, whose first chunk has this ordinal. */
int segments_get(struct packed_chunks *out, struct br_txn *t, uint32_t nb, const struct br_doc *d, struct br_err *err);
int segment_read(uint32_t *n, struct br_slice body, uint32_t ordinal, chunk_fn *fn, void *arg, struct br_err *err);
int dead_mark(struct br_txn *t, uint32_t nb, uint32_t first, uint32_t n, struct br_err *err);
int dead_load(struct br_bits *out, struct br_txn *t, uint32_t nb, uint32_t chunks, struct br_err *err);

/* ---- what of a chunk is indexed (compose.c): one composition for words and vectors, and the same when a document is forgotten ---- */
struct compose {
	const char *title;
	struct br_slice name;           /* br_doc_name */
	struct br_slice heading;        /* path, '\x1f' between parts */
	struct br_slice body;           /* the chunk's text */
	uint32_t off;                   /* of body in the document's text */
	const struct br_range *skip;    /* of the document, sorted */
	size_t n_skip;
	struct br_slice context;        /* that was published, or empty */
};
typedef BR_VEC(struct br_slice) br_slices;
/* Slices of c (borrowed) that make up the indexed text, in a fixed order; returns how many stand before those of the body. */
size_t compose(br_slices *out, const struct compose *c);
/* The text of a passage as a service gets it: its parts in lines. */
void passage_text(struct br_buf *out, const br_slices *piece);

/* ---- contexts (context.c) ---- */
enum { CONTEXT_CHUNKS = 64 };   /* of one record */
/* Of a document's n chunks, in a; those without a record are pending. */
int ctx_load(struct br_ctx **out, struct br_arena *a, struct br_txn *t, uint32_t nb, uint32_t doc, uint32_t n, struct br_err *err);
int ctx_store(struct br_txn *t, uint32_t nb, uint32_t doc, const struct br_ctx *v, uint32_t n, struct br_err *err); /* in place of what there was */
int ctx_check(struct br_slice key, struct br_slice val, struct br_err *err); /* one record */
bool ctx_text_ok(struct br_slice text);                                      /* may be a context */
/* What is indexed of it: empty unless it was published. */
static inline struct br_slice ctx_indexed(const struct br_ctx *c) { return br_slice_str(c->state == BR_CTX_EMBEDDED ? c->text : ""); }

/* ---- numbers of chunks (renumber.c) ---- */
void numbering_name(char out[24], uint32_t nb); /* META counter of how often chunks were renumbered */
/* Chunks in `live` keep their order and get new numbers from 0 on, in CHUNK and DOC; other segments and DEAD go. nb's counts follow. */
int renumber_chunks(struct br_txn *t, struct br_nb *nb, const struct br_bits *live, struct br_err *err);

/* ---- stored documents, composed chunk by chunk exactly as when they were indexed (reindex.c) ---- */
typedef int composed_fn(const struct br_chunk_rec *c, const br_slices *piece, void *arg, struct br_err *err);
struct composer {                       /* inside */
	struct br_text_reader *reader;
	struct br_buf text;
	br_slices piece;
	const struct br_doc *doc;
	const struct br_ctx *ctx;       /* of its chunks */
	composed_fn *fn;
	void *arg;
};
void composer_init(struct composer *c);
void composer_release(struct composer *c);
/* ctx NULL: with the contexts that are stored. */
int compose_doc(struct composer *c, struct br_txn *t, uint32_t nb, const struct br_doc *d, const struct br_ctx *ctx, composed_fn *fn, void *arg,
                struct br_err *err);

/* Documents by their first chunks. */
struct place { uint32_t first, doc; };
void places_sort(struct place *v, size_t n);

/* ---- words and vectors of stored documents, with their published contexts (reindex.c); model NULL: words alone ---- */
struct reindex {
	struct br_fts_unit *unit;       /* chunks of all documents since the last reset */
	BR_VEC(int8_t) code;            /* [chunks][dim] */
	BR_VEC(float) scale;
	uint32_t dim;
	bool passages;                  /* to be set: gather what a service is to embed, too */
	struct br_buf passage;
	BR_VEC(size_t) passage_end;
	/* inside */
	struct br_tokenizer *tok;
	struct br_embedder *embedder;
	struct br_embedding vec;
	struct composer composer;
};
struct reindex *reindex_new(const struct br_model *model);
void reindex_free(struct reindex *r);
void reindex_reset(struct reindex *r);
int reindex_doc(struct reindex *r, struct br_txn *t, uint32_t nb, const struct br_doc *d, struct br_err *err);
/* With these contexts instead of those that are stored. */
int reindex_doc_with(struct reindex *r, struct br_txn *t, uint32_t nb, const struct br_doc *d, const struct br_ctx *ctx, struct br_err *err);

/* ---- walks that damage does not end (scan.c) ---- */
enum { SCAN_KEEP, SCAN_DROP };
/* why: what is wrong with the record, whose value is empty then; else NULL. SCAN_KEEP, SCAN_DROP (in a write transaction), or negative to stop. */
typedef int scan_fn(struct br_slice key, struct br_slice val, const struct br_err *why, void *arg);
/* Every record whose key begins with prefix. fn changes nothing itself. */
int scan(struct br_txn *t, enum br_table table, struct br_slice prefix, scan_fn *fn, void *arg, struct br_err *err);

/* ---- verify.c ---- */
/* Whether the text and chunks of an indexed document are whole and its own; CORRUPT names what is not. */
struct doc_check { struct br_txn *t; uint32_t nb; bool quick; struct br_text_reader *reader; struct br_buf text; };
void doc_check_init(struct doc_check *c, struct br_txn *t, uint32_t nb);
void doc_check_release(struct doc_check *c);
int doc_check(struct doc_check *c, const struct br_doc *d, struct br_err *err);
/* The stored original of an upload: there, and what its name says. */
int object_check(const struct br_ws *ws, const struct br_doc *d, struct br_err *err);
/* Problems of one notebook, told to nobody; more when it has no readable record. */
int nb_problems(uint64_t *n, struct br_ws *ws, struct br_txn *t, uint32_t nb, struct br_err *err);

/* ---- care (gc.c, repair.c) ---- */
/* The notebook without deleted chunks; force: written anew though there are none. 1 changed, 0 nothing to do. */
int gc_notebook(struct br_txn *t, struct br_ws *ws, struct br_nb *nb, bool force, struct br_err *err);

/* ---- planning and doing (plan.c, work.c, commit.c, ingest.c) ---- */
struct input {
	uint8_t origin;                 /* enum br_origin */
	const char *path;               /* document path */
	const char *file;               /* to read from; NULL: bytes */
	struct br_slice bytes;          /* a record's line, or what stdin gave */
	struct br_slice original;       /* what stdin gave, to be stored with the document; ptr NULL: nothing */
	const char *from;               /* MOVE: the path it had */
	const char *title, *meta;       /* given at upload, or NULL */
	const char *etag, *modified;    /* URL: from its server, or NULL */
	enum br_format format;          /* URL: as its server says; UNKNOWN: sniff */
	uint64_t size, inode;
	int64_t mtime_ns;
	bool touch_only;                /* same content: only size, mtime and inode are recorded */
	bool only_good;                 /* one that gives no text is not recorded */
	enum br_action action;

	/* containers and their members (members.c) */
	int64_t seen_ns;                /* when it was read; 0: when the worker reads it */
	const char *refused;            /* why it is not read, or NULL */
	bool failed;                    /* that may pass: FAIL, not SKIP */
	const uint8_t *sha;             /* of an archive that was opened: it becomes a CONTAINER */
	bool expanded;                  /* members, if any, were taken care of */
	bool again;                     /* opened even if it is as it was: members are to be tried again */
	bool same;                      /* it is as it was */
	bool members;                   /* the notebook has members of it */
};
struct plan {
	struct br_arena arena;
	BR_VEC(struct input) in;        /* to be read: add, change, move, retry */
	BR_VEC(uint32_t) gone;          /* documents to delete */
	BR_VEC(struct br_event) events; /* what --plan tells: all but keep */
	uint64_t bytes, keep;
	uint64_t failed;                /* folders and files that could not be looked at */
};
void plan_release(struct plan *p);
int plan_make(struct plan *out, struct br_ws *ws, const struct br_nb *nb, const char *const *path, size_t n, const struct br_ingest_opts *opts, bool sync, struct br_err *err);

/* What a worker makes of one input. */
struct made {
	struct br_doc doc;              /* without number; strings in the slice's arena */
	const char *from;
	enum br_action action;          /* KEEP, SKIP and FAIL are decided by the worker, ADD or CHANGE when written */
	enum br_action outcome;         /* ADD or CHANGE, known once written */
	bool touch;                     /* KEEP with new size, mtime or inode to record */
	bool only_good;                 /* FAIL and SKIP leave what there is */
	bool unread;                    /* FAIL before it was understood: what there is of an older version stays */
	bool container;                 /* to be opened first: nothing was made of it */
	struct packed_text text;
	struct packed_chunks chunks;
	const struct br_ctx *ctx;       /* import: published contexts of its chunks, or NULL */
};
struct slice {                          /* consecutive inputs: one item of the pool */
	uint64_t bytes;                 /* of source */
	struct br_arena arena;
	BR_VEC(struct input) in;
	BR_VEC(struct made) made;
	struct br_fts_unit *unit;       /* chunks of all made documents, in order */
	BR_VEC(int8_t) code;            /* [chunks][dim] */
	BR_VEC(float) scale;
	struct br_buf passage;          /* what a service is to embed, chunk after chunk: code and scale come before the commit */
	BR_VEC(size_t) passage_end;
	uint32_t chunks;
};
struct slice *slice_new(void);
void slice_free(struct slice *s);

struct work_env {                       /* what every worker reads */
	struct br_ws *ws;
	const struct br_nb *nb;
	const struct br_ingest_opts *opts;
	struct text_dict *dict;         /* or NULL */
	bool service;                   /* vectors come from a service, not from ws->model */
};
/* The words of one chunk into the unit, those of its body into the signature; returns its length in tokens. piece is scratch. */
uint32_t index_words(struct br_fts_unit *u, struct br_tokenizer *tok, struct signer *signer, br_slices *piece, const struct compose *what);
void *worker_new(void *env);
void worker_free(void *worker);
void work_slice(void *slice, void *worker, void *env);

struct commit {                         /* gathers slices, writes them in one transaction */
	struct br_ws *ws;
	uint32_t nb;
	const struct br_nb *pinned;     /* the notebook when the run began: its model is that of the slices */
	const struct br_ingest_opts *opts;
	struct br_ingest_stats *stats;
	const struct text_dict *dict;   /* that the slices' texts were packed with, or NULL */
	BR_VEC(struct slice *) slice;
	uint64_t bytes, asked;          /* of source; of passages for a service */
	int64_t since_ns;               /* of the first slice that waits */
};
void commit_add(struct commit *c, struct slice *s);
bool commit_due(const struct commit *c);
int commit_flush(struct commit *c, struct br_err *err);
int commit_deletes(struct commit *c, const uint32_t *doc, size_t n, struct br_err *err);
void commit_release(struct commit *c);

/*
 * URLs (web.c). Pages are handed to `page` as they come, their bytes being borrowed for the call; what needs no work is told here.
 * Without urls: those of the notebook's documents.
 */
struct web_run {
	struct br_ws *ws;
	const struct br_nb *nb;
	const struct br_ingest_opts *opts;
	struct br_ingest_stats *stats;
	int (*page)(const struct input *in, void *arg, struct br_err *err);
	void *arg;
};
int web_ingest(const struct web_run *r, const char *const *url, size_t n, struct br_err *err);
/* PARTIAL when so many inputs failed, `more` of them not told yet, that the run is to end. */
int check_errors(struct br_ingest_stats *stats, const struct br_ingest_opts *opts, uint64_t more, struct br_err *err);

/* Failed, or skipped for a reason that may have passed: a missing program, an option that was not given. */
bool worth_retry(const struct br_doc *d, const struct br_ingest_opts *opts);

/* Containers (members.c). What they hold is handed to `give`, which copies it. */
struct members_run {
	struct br_ws *ws;
	const struct br_nb *nb;
	const struct br_ingest_opts *opts;
	struct br_ingest_stats *stats;
	int (*give)(const struct input *in, void *arg, struct br_err *err);
	int (*remove)(const uint32_t *doc, size_t n, void *arg, struct br_err *err);
	void *arg;
};
struct members;
int members_new(struct members **out, const struct members_run *r, struct br_err *err); /* *out is to be freed in every case */
void members_free(struct members *m);
/* Opens a file (input) whose members are to be indexed; then gives the file itself. */
int members_open(struct members *m, const struct input *in, struct br_err *err);
/* What was a container is none any more: its members go. */
int members_drop(struct members *m, const char *container, struct br_err *err);

/* What git says changed below the folder since a commit (git.c), as absolute paths: files and such as are gone. */
struct path_list { struct br_arena arena; BR_VEC(const char *) v; };
void path_list_release(struct path_list *l);
void path_list_sort(struct path_list *l);
int git_changed(struct path_list *out, const char *dir, const char *commit, struct br_err *err);

/* Tells opts->event and counts. */
void tell(struct br_ingest_stats *stats, const struct br_ingest_opts *opts, const struct br_event *e);

/* NDJSON records (records.c): id, title, text and metadata of one line, copied into a. */
struct record { const char *id, *title, *text, *meta; };
int record_parse(struct record *out, struct br_arena *a, struct br_slice line, const char *name, struct br_err *err);

/*
 * import.c: until the lock is dropped no import runs, and nothing of one that died is left. For those who look for what nothing names:
 * originals and records of an import are named only when it ends. Before the writer lock. LOCKED while an import runs.
 */
#define IMPORTING "importing" /* META: number of the notebook that is being imported, 0 when there is none */
int import_shut_out(struct br_lock *lock, struct br_ws *ws, struct br_err *err);

#endif
