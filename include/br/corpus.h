/*
 * corpus - the workspace, its notebooks and documents; ingest and sync.
 * Use:     br_ws_find + br_ws_open; br_nb_get; br_ingest or br_sync; br_ws_close.
 * Threads: a workspace may be shared by readers; ingest and sync start their own worker threads.
 * Lives:   records decoded into an arena live as long as the arena, not as the transaction.
 * Fails:   NOWORKSPACE, NOTFOUND, EXISTS, LOCKED, FULL, CORRUPT. Inputs that fail are counted and reported, and do not stop the rest.
 */
#ifndef BR_CORPUS_H
#define BR_CORPUS_H

#include "br/chunk.h"
#include "br/config.h"
#include "br/embed.h"
#include "br/fts.h"
#include "br/json.h"
#include "br/os.h"
#include "br/store.h"

#include <stdatomic.h>

/* ---- workspace ---- */

typedef void br_problem_fn(const char *what, void *arg); /* a line about something damaged */

const char *br_corpus_library(void); /* "zstd 1.5.4", what is linked */

struct br_ws {
	struct br_store *store;
	char *dir;                /* ".br", absolute */
	char *root;               /* its parent: document paths are relative to it */
	struct br_config *config;
	const struct br_model *model;
	struct br_vindexes *vindexes; /* opened vector indexes */
	struct br_services *services; /* the embedding service, once it was asked for */
	int64_t wait_ms;          /* for locks, as it was opened */
};
/* Absolute path of the .br that serves `start` (NULL: current folder), walking up; `forced` (from --workspace or BR_DIR) wins. */
BR_MUST_USE int br_ws_find(char **dir, const char *start, const char *forced, struct br_err *err);
/* Creates parent/.br with an empty "default" notebook. EXISTS if there is one. Never leaves half a workspace behind. */
BR_MUST_USE int br_ws_init(const char *dir, struct br_err *err);
BR_MUST_USE int br_ws_open(struct br_ws **out, const char *dir, int64_t wait_ms, struct br_err *err);
void br_ws_close(struct br_ws *ws);

/* ---- notebooks ---- */

struct br_nb {
	uint32_t nb;
	char id[37];
	char *name;
	int64_t created, updated;       /* seconds since 1970 */
	uint64_t generation;            /* workspace generation of its last change */
	uint32_t next_doc, next_chunk;  /* numbers ever given */
	uint32_t docs, chunks, dead;    /* live documents, live chunks, deleted chunks whose postings remain */
	uint64_t text_bytes;            /* of live documents */
	uint64_t source_bytes;
	struct br_chunk_opts chunking;
	char lang[8];                   /* "" guess per document */
	double k1, b;
	char model_id[BR_MAX_MODEL_ID + 1]; /* pinned: id, hash, dimension; dim 0: no vectors */
	uint8_t model_sha[8];
	uint32_t dim;
	char *settings;                 /* further settings as JSON, "{}" */
	BR_VEC(struct br_lang_count { char lang[8]; uint32_t docs; }) langs; /* live documents by language; decides how questions are stemmed */
	BR_VEC(char *) roots;           /* folders kept equal by sync, relative to the workspace's root */
};
/* name NULL: the one `br notebook use` chose ("default" at first). By name or id. */
BR_MUST_USE int br_nb_get(struct br_nb **out, struct br_arena *a, struct br_txn *t, const char *name, struct br_err *err);
BR_MUST_USE int br_nb_by_number(struct br_nb **out, struct br_arena *a, struct br_txn *t, uint32_t nb, struct br_err *err);
typedef int br_nb_fn(const struct br_nb *nb, void *arg);
BR_MUST_USE int br_nb_each(struct br_txn *t, br_nb_fn *fn, void *arg, struct br_err *err);
BR_MUST_USE int br_nb_create(struct br_ws *ws, const char *name, char id_out[37], struct br_err *err);
/* With an id that somebody else chose, and settings, in one commit. EXISTS: the name or the id is taken. */
struct br_nb_pair;
BR_MUST_USE int br_nb_create_as(struct br_ws *ws, const char *name, const char id[37], const struct br_nb_pair *pair, size_t n, struct br_err *err);
BR_MUST_USE int br_nb_rename(struct br_ws *ws, const char *name, const char *to, struct br_err *err);
BR_MUST_USE int br_nb_use(struct br_ws *ws, const char *name, struct br_err *err);
BR_MUST_USE int br_nb_delete(struct br_ws *ws, const char *name, struct br_err *err); /* documents, index and all; in one commit */
bool br_nb_name_ok(const char *name, struct br_err *err);
const char *br_nb_current(char **out, struct br_txn *t); /* name in use; caller frees *out */

/* Kinds of EXTID records, keyed by notebook, that are kept above this module; br_nb_delete removes them, too. */
enum { BR_EXT_CHAT = 4, BR_EXT_MESSAGE = 5 };

struct br_progress;

/* ---- whose vectors a notebook has (space.c) ---- */

enum br_space {
	BR_SPACE_NONE,
	BR_SPACE_BUILTIN,  /* of ws->model */
	BR_SPACE_SERVICE,  /* of the configured embedding service */
	BR_SPACE_FOREIGN,  /* of a model that is not configured here: searched by words alone, and nothing can be added */
};
enum br_space br_nb_space(const struct br_ws *ws, const struct br_nb *nb);
/* The vector of a question from the service, while no transaction is open. Errors as br_llm_embed. */
BR_MUST_USE int br_nb_embed_query(struct br_ann_query *out, const struct br_ws *ws, const struct br_nb *nb, struct br_slice text, struct br_err *err);

struct br_reembed_stats {
	uint64_t texts, bytes;     /* of all passages */
	uint64_t asked, tokens;    /* of the service: texts that are not in the cache, tokens as estimated */
	double cost;               /* US dollars, by embed.price; negative: not known */
	uint64_t generation;
};
struct br_reembed_opts {
	enum br_space want;        /* BUILTIN or SERVICE */
	bool plan;                 /* count only */
	void (*progress)(const struct br_progress *p, void *arg); /* "files" are passages here */
	void *arg;
};
/*
 * Makes all vectors of a notebook anew with another model (or the same) and pins it to that, in one commit; until then it answers as
 * before. Stopped or killed it leaves what the service gave in the cache, and the next run goes on from there.
 */
BR_MUST_USE int br_nb_reembed(struct br_reembed_stats *out, struct br_ws *ws, const char *name, const struct br_reembed_opts *opts, struct br_err *err);

/* The configured language model as the notebook's settings chat.* want it; *out NULL: none is configured. */
struct br_llm;
BR_MUST_USE int br_nb_llm_open(struct br_llm **out, const struct br_config *c, const struct br_nb *nb, struct br_err *err);

/* ---- settings of notebooks: the table is in src/corpus/nb_settings.c; br-notebook(1) lists it ---- */

enum br_nb_setting_type {
	BR_NBS_CONFIG, /* type, range and default of a new notebook are those of the setting of that name in br-config(5) */
	BR_NBS_STR, BR_NBS_TEXT, BR_NBS_INT, BR_NBS_NUM, BR_NBS_BOOL, BR_NBS_ENUM, BR_NBS_LIST, BR_NBS_OBJECT,
};
enum br_nb_api { BR_API_BEYOND, BR_API_QUIVR, BR_API_BAIYUAN };
struct br_nb_setting {
	const char *key;                     /* "chat.temperature" */
	enum br_nb_setting_type type;
	double min, max;                     /* numbers; max of texts: bytes, of lists: elements */
	const char *dflt;                    /* as one would type it; NULL: unset, null in JSON */
	const char *choices;                 /* ENUM: "a|b|c" */
	const char *beyond, *quivr, *baiyuan; /* its name there, "strategies_config.match_count"; NULL: none */
	enum { BR_NBS_NO_CHECK, BR_NBS_PATTERNS, BR_NBS_SCHEMA } check;
	bool fixed;                          /* cannot be changed once there are documents */
	bool reindex;                        /* holds for documents indexed from then on */
	const char *help;
};
const struct br_nb_setting *br_nb_settings(size_t *n);
const struct br_nb_setting *br_nb_setting_find(const char *key);
const struct br_nb_setting *br_nb_setting_named(enum br_nb_api api, const char *name);
BR_MUST_USE int br_nb_setting_check(const char *key, const char *value, struct br_err *err); /* USAGE */
/* All in one commit, or none. value NULL: back to the default (of those with a field of their own: as in a new notebook). */
struct br_nb_pair { const char *key, *value; };
BR_MUST_USE int br_nb_set_all(struct br_ws *ws, const char *name, const struct br_nb_pair *pair, size_t n, bool *reindex, struct br_err *err);
BR_MUST_USE int br_nb_set(struct br_ws *ws, const char *name, const char *key, const char *value, bool *reindex, struct br_err *err);
/* Values in force; of a setting without a default: NULL, 0, false. Not for those of type CONFIG, which are fields of br_nb. nb outlives v. */
struct br_nb_values;
struct br_nb_values *br_nb_values_new(const struct br_nb *nb);
void br_nb_values_free(struct br_nb_values *v);
bool br_nb_is_set(const struct br_nb_values *v, const char *key);
const char *br_nb_str(const struct br_nb_values *v, const char *key);
int64_t br_nb_int(const struct br_nb_values *v, const char *key);
double br_nb_num(const struct br_nb_values *v, const char *key);
bool br_nb_bool(const struct br_nb_values *v, const char *key);
const struct br_jval *br_nb_json(const struct br_nb_values *v, const char *key); /* LIST, OBJECT: what was set, or NULL */
void br_nb_value_write(struct br_json *j, const struct br_nb_values *v, const struct br_nb_setting *s); /* of any type; null when unset */

/* ---- documents ---- */

enum br_origin { BR_FROM_FILE, BR_FROM_UPLOAD, BR_FROM_RECORD, BR_FROM_URL, BR_FROM_MEMBER /* of a container */ };
enum br_doc_state {
	BR_DOC_INDEXED,
	BR_DOC_UPLOADED, /* stored, not indexed yet */
	BR_DOC_FAILED,   /* could not be read or understood: tried again by every sync */
	BR_DOC_SKIPPED,  /* nothing to index (binary, empty): remembered, so that it is not read again */
	BR_DOC_CONTAINER, /* an archive or mailbox: nothing but its members, which are documents */
};
struct br_doc {
	uint32_t doc;                 /* number in the notebook */
	char id[37];
	char *path;                   /* relative to the workspace's root, or the name given at upload, or the record's id, or the URL; of a member "a.zip!/inner/name.md" */
	char *title;                  /* "" if none */
	char lang[8], encoding[24];
	uint8_t format, origin, state;
	uint64_t size, inode;         /* of the source; of a member: inode and mtime_ns of the file that holds it, 0 if there is none */
	int64_t mtime_ns, seen_ns;    /* of the source; wall clock just before it was read */
	int64_t created, indexed;     /* seconds since 1970 */
	uint8_t sha[32];              /* of the source's bytes */
	uint32_t first_chunk, chunks; /* chunk numbers first_chunk .. first_chunk + chunks - 1 */
	uint32_t text_bytes, tokens;
	char *meta;                   /* JSON object, "" if none */
	char *error;                  /* why it failed or was skipped, "" otherwise */
	struct br_slice signature;    /* of its text, for br_doc_similarity; empty: too short, or indexed by an older br */
	char *etag, *modified;        /* URL: what its server said of the version that was read, "" if nothing */
	char *gone;                   /* URL: why what is indexed is not there any more ("HTTP 404 Not Found"), "" as far as known it is */
};
BR_MUST_USE int br_doc_get(struct br_doc **out, struct br_arena *a, struct br_txn *t, uint32_t nb, uint32_t doc, struct br_err *err);
/* By path as given (relative to the current folder or to the root), id, or unique id prefix of at least 6 characters. */
BR_MUST_USE int br_doc_find(struct br_doc **out, struct br_arena *a, struct br_txn *t, const struct br_ws *ws, uint32_t nb, const char *name, struct br_err *err);
BR_MUST_USE int br_doc_at(struct br_doc **out, struct br_arena *a, struct br_txn *t, uint32_t nb, const char *path, struct br_err *err); /* by exactly this path */
typedef int br_doc_fn(const struct br_doc *doc, void *arg);
BR_MUST_USE int br_doc_each(struct br_txn *t, uint32_t nb, br_doc_fn *fn, void *arg, struct br_err *err); /* doc lives for the call */
/*
 * Stored text, bytes off .. off + len - 1 (clipped) appended to out. A reader keeps the decompressor and the last block between calls
 * of one thread; it belongs to one transaction at a time and is reset between two. NULL: one for this call.
 */
struct br_text_reader;
struct br_text_reader *br_text_reader_new(void);
void br_text_reader_free(struct br_text_reader *r);
void br_text_reader_reset(struct br_text_reader *r);
BR_MUST_USE int br_doc_text(struct br_buf *out, struct br_text_reader *r, struct br_txn *t, uint32_t nb, uint32_t doc, uint32_t off, uint32_t len, struct br_err *err);
/* What is indexed of its file name: "git-reset" of "docs/git-reset.adoc", borrowed from d->path; empty for records. */
struct br_slice br_doc_name(const struct br_doc *d);
/* Members of containers among them go, too. */
BR_MUST_USE int br_doc_remove(struct br_ws *ws, uint32_t nb, const uint32_t *doc, size_t n, struct br_err *err);

/* ---- chunks ---- */

struct br_chunk_rec {
	uint32_t chunk, doc, ordinal; /* ordinal: from 0 within the document */
	uint32_t off, len, line, line_end, page, tokens;
	struct br_slice heading;      /* path, parts separated by '\x1f', "" none; in the map: lives as long as the transaction */
};
BR_MUST_USE int br_chunk_get(struct br_chunk_rec *out, struct br_txn *t, uint32_t nb, uint32_t chunk, struct br_err *err);
/* Document numbers of chunks (ascending): one walk, cheaper than br_chunk_get for each. */
BR_MUST_USE int br_chunk_docs(uint32_t *doc, struct br_txn *t, uint32_t nb, const uint32_t *chunk, size_t n, struct br_err *err);
/* Bits of live chunks; *out stays all zero size when none is deleted (then NULL may be passed on as `keep`). */
BR_MUST_USE int br_chunks_live(struct br_bits *out, struct br_txn *t, const struct br_nb *nb, struct br_err *err);

/*
 * Takes passages out of their documents, in one commit: nothing finds or quotes them any more, those that stay are counted anew from 0,
 * and the text of the document stays while one of them does. When the document is indexed again, all are back. Passages of documents
 * that changed since `chunk` was read are left alone. *done: how many went.
 */
struct br_passage { uint32_t doc, chunk, ordinal; };
BR_MUST_USE int br_passages_remove(uint64_t *done, struct br_ws *ws, uint32_t nb, const struct br_passage *v, size_t n, struct br_err *err);

/*
 * ---- contexts: text that is indexed with a passage so that it is found, and never quoted (context.c, publish.c) ----
 *
 * PENDING -> PROCESSING -> SUCCESS or FAILED; SUCCESS -> EMBEDDED when it is published, and only then it is indexed. A document whose
 * text changes loses its contexts; one that moves keeps them as SUCCESS. Who writes them: br/enhance.h.
 */
enum br_ctx_state { BR_CTX_PENDING, BR_CTX_PROCESSING, BR_CTX_SUCCESS, BR_CTX_FAILED, BR_CTX_EMBEDDED, BR_CTX_STATES };
const char *br_ctx_state_name(enum br_ctx_state s);
struct br_ctx {                       /* of one chunk */
	uint8_t state;
	uint32_t attempts;
	int64_t at;                   /* of the last change, seconds since 1970; 0: there was none */
	const char *text;             /* SUCCESS, EMBEDDED: the context; FAILED: why; else "" */
	const char *by;               /* model that wrote it, "br" without one; "" */
};
/* Of all d->chunks chunks, by ordinal. */
BR_MUST_USE int br_contexts_get(struct br_ctx **out, struct br_arena *a, struct br_txn *t, uint32_t nb, const struct br_doc *d, struct br_err *err);
/*
 * New states of some chunks, in one commit; entries of a document stand together. Those that are EMBEDDED stay so, and those of a document
 * that is not what it was when `doc` was read are left out.
 */
struct br_ctx_put { const struct br_doc *doc; uint32_t ordinal; struct br_ctx ctx; };
BR_MUST_USE int br_contexts_put(uint64_t *done, struct br_ws *ws, uint32_t nb, const struct br_ctx_put *v, size_t n, struct br_err *err);

enum br_ctx_change {
	BR_CTX_PUBLISH,  /* SUCCESS becomes EMBEDDED */
	BR_CTX_RESET,    /* everything becomes PENDING */
	BR_CTX_RETRY,    /* FAILED becomes PENDING */
};
struct br_ctx_stats {
	uint64_t docs, chunks;       /* that were changed */
	uint64_t left_docs, left_chunks; /* publish: documents that are not complete, and their chunks without a context */
	uint64_t generation;         /* of the commit; 0: there was nothing to do */
};
struct br_ctx_opts {
	enum br_ctx_change what;
	bool partial;                /* publish: also of documents some of whose chunks have no context */
	bool (*want)(const struct br_doc *d, void *arg); /* NULL: every document */
	void *arg;
};
/*
 * In one commit: readers find by the old or by the new texts. Numbers of chunks change as with a changed document; ids, texts and
 * ordinals stay. Twice is once. UNSUPPORTED: the notebook's vectors are of a model that is not configured; UPSTREAM, AUTH: its service.
 */
BR_MUST_USE int br_contexts_change(struct br_ctx_stats *out, struct br_ws *ws, const char *notebook, const struct br_ctx_opts *opts, struct br_err *err);

/* ---- vector indexes: files in index/, derived from the vectors; see br-index(5). Threads: any number may get and put. ---- */

struct br_vindex;
/* The index for questions in this snapshot, to be given back by put; NULL when there is none that is whole and fits, which the log says once. */
struct br_vindex *br_vindex_get(struct br_ws *ws, struct br_txn *t, const struct br_nb *nb);
void br_vindex_put(struct br_ws *ws, struct br_vindex *x);
const struct br_ann_index *br_vindex_ann(const struct br_vindex *x);
struct br_vindexes *br_vindexes_new(void); /* of br_ws_open and br_ws_close */
void br_vindexes_free(struct br_vindexes *v);

struct br_vindex_state {
	char name[80];               /* of the file, without ending; "" when there is none that holds */
	struct br_ann_file file;
	uint64_t bytes, generation;
	uint32_t newer, dead;        /* rows behind those it covers; rows of it that were deleted since */
	bool wanted;                 /* the settings ask for an index of this notebook */
	bool due;                    /* and one should be built now */
	bool broken;                 /* there are files, but none that holds */
	enum br_ann_kind kind;       /* of the newest, broken or not; BR_ANN_KIND_COUNT when nothing tells */
	char why[200];               /* why there is none, or why one is due or not wanted */
};
bool br_vindex_wanted(const struct br_ws *ws, const struct br_nb *nb); /* by the settings alone */
BR_MUST_USE int br_vindex_state(struct br_vindex_state *out, struct br_ws *ws, struct br_txn *t, const struct br_nb *nb, struct br_err *err);

struct br_vindex_opts {
	const char *kind;            /* NULL: ann.kind; for "auto" and "exact" nothing is built where the settings want nothing */
	bool only_due, force;        /* only_due: not for a few newer or deleted passages; force: even when nothing changed */
	int64_t wait_ms;             /* for another build; building does not hold the writers' lock */
	void (*progress)(const char *doing, double share, void *arg); /* may be NULL */
	void *arg;
};
/*
 * Builds, publishes, and removes what it replaces. 1: built, 0: nothing to do (out->why). LOCKED: another one is building.
 * UNSUPPORTED: FAISS is not installed. CANCELLED, FULL, IO: what was there stays.
 */
BR_MUST_USE int br_vindex_build(struct br_vindex_state *out, struct br_ws *ws, const char *notebook, const struct br_vindex_opts *opts, struct br_err *err);
/* Removes the notebook's index files; how many there were. */
BR_MUST_USE int br_vindex_drop(struct br_ws *ws, const char *notebook, struct br_err *err);
/* Hashes of the notebook's index files: the number of damaged ones, each told to fn; `repair` removes them. */
BR_MUST_USE int br_vindex_verify(struct br_ws *ws, const struct br_nb *nb, bool repair, br_problem_fn *fn, void *arg, struct br_err *err);

/* ---- ingest and sync ---- */

enum br_action { BR_ACT_ADD, BR_ACT_CHANGE, BR_ACT_MOVE, BR_ACT_DELETE, BR_ACT_KEEP, BR_ACT_SKIP, BR_ACT_FAIL, BR_ACT_COUNT };
const char *br_action_name(enum br_action a); /* "add" ... as in the JSON events */
struct br_event {
	enum br_action action;
	const char *path;    /* relative to the root */
	const char *from;    /* MOVE: the old path */
	const char *reason;  /* SKIP, FAIL; else NULL */
	uint64_t size;
};
struct br_progress { uint64_t files_done, files_total, bytes_done, bytes_total; };
struct br_ingest_stats {
	uint64_t count[BR_ACT_COUNT];
	uint64_t chunks, bytes, text_bytes; /* written */
	uint64_t generation;
	double seconds;
	bool stopped;                       /* max_errors was reached */
};
enum br_ingest_stage { BR_STAGE_PARSING, BR_STAGE_CLEANING, BR_STAGE_CHUNKING, BR_STAGE_EMBEDDING, BR_STAGE_STORING };
struct br_ingest_opts {
	const char *notebook;                      /* NULL: the one in use */
	bool plan;                                 /* tell, touch nothing; returns CHANGES if there is something to do */
	bool force;                                /* index again what has not changed */
	bool ocr;                                  /* read the text of pictures and scans, also when the setting extract.ocr is off */
	bool ndjson;                               /* inputs are NDJSON records */
	const char *stdin_name;                    /* name for "-" */
	const char *title, *lang;                  /* for every input of this call; NULL: from the document */
	enum br_format format;                     /* UNKNOWN: sniff */
	const char *meta;                          /* JSON object, or NULL */
	bool hidden, no_ignore;
	const char *const *exclude;                /* NULL-terminated, or NULL */
	const char *since_commit;                  /* sync: look only at what git says changed since this commit */
	const char *const *only;                   /* sync: look only at these and what is below them: absolute, clean, sorted; NULL: at all */
	size_t n_only;
	uint64_t max_errors;                       /* stop after so many failed inputs; 0: never */
	unsigned depth, max_pages;                 /* URLs: follow links of the same host so deep; pages at most, 0: no limit of ours */
	double delay;                              /* URLs, depth > 0: seconds between two requests */
	bool refresh;                              /* ingest without inputs: ask again for every URL document */
	bool allow_private;                        /* URLs: as the setting net.allow_private */
	const char *const *uploads;                /* ingest without inputs: these uploads alone, by id, whatever their state; NULL-terminated */
	const struct br_chunk_opts *chunking;      /* instead of the notebook's; NULL: the notebook's */
	const atomic_bool *cancel;                 /* may be NULL; set: stops as a signal does */
	/*
	 * A document has come so far; done: how much of this stage is (0 to 1). From any thread, several at a time; quick. True: it is given
	 * up and FAILs as "cancelled", and what there is of it stays.
	 */
	bool (*stage)(const char *path, enum br_ingest_stage stage, double done, void *arg);
	void (*event)(const struct br_event *e, void *arg);      /* called from the calling thread, in order of path within each kind */
	void (*progress)(const struct br_progress *p, void *arg); /* a few times a second */
	void *arg;
};
/*
 * ingest: adds or updates these files and everything below these folders; removes nothing. "-" is stdin, http:// and https://
 *         are fetched.
 * sync:   makes the notebook's documents below these folders equal to the folders: also removes what is gone. Without
 *         folders: those of earlier syncs.
 * upload: keeps a copy of the bytes in objects/ and a document in state UPLOADED; `br ingest` of it indexes the copy.
 * All return 0, or PARTIAL when inputs failed, or CHANGES (plan), or the error that stopped them; stats hold in every case.
 */
BR_MUST_USE int br_ingest(struct br_ingest_stats *stats, struct br_ws *ws, const char *const *path, size_t n, const struct br_ingest_opts *opts, struct br_err *err);
BR_MUST_USE int br_sync(struct br_ingest_stats *stats, struct br_ws *ws, const char *const *path, size_t n, const struct br_ingest_opts *opts, struct br_err *err);
BR_MUST_USE int br_upload(struct br_ingest_stats *stats, struct br_ws *ws, const char *const *path, size_t n, const struct br_ingest_opts *opts, struct br_err *err);
/*
 * Files, in one commit, each always a document of its own: where the name is taken its path is "ID/name". They lie in the workspace's
 * tmp folder and are moved away from there. id and path (caller frees, also after a failure) are filled. TOOBIG over BR_MAX_OBJECT.
 */
struct br_new_upload {
	const char *file, *name;     /* file NULL: bytes */
	struct br_slice bytes;
	const char *title;           /* or NULL */
	uint64_t size;               /* of the file */
	char id[37];                 /* empty: a new one */
	char *path;
	uint8_t sha[32];
};
BR_MUST_USE int br_upload_new(struct br_new_upload *v, size_t n, struct br_ws *ws, const char *notebook, struct br_err *err);

struct br_put {
	const char *path;            /* of the document, which is replaced if it is there and keeps its id then */
	const char *file;            /* what is read, and kept as the original */
	const char *title, *meta;    /* or NULL */
	enum br_format format;       /* UNKNOWN: sniff */
	const struct br_chunk_opts *chunking; /* instead of the notebook's; NULL: the notebook's */
	const atomic_bool *cancel;   /* may be NULL */
};
/*
 * One upload, indexed at once: readers see the document as it was or as it is now, whole. Negative, and nothing has changed: INPUT or
 * UNSUPPORTED when there is no text in it, TOOBIG, and what the store fails with. An archive is a CONTAINER with its members.
 */
BR_MUST_USE int br_put_upload(struct br_ws *ws, const char *notebook, const struct br_put *p, struct br_err *err);
/* What is said about a document, as a JSON object; its passages stay as they are. NOTFOUND: it is gone. */
BR_MUST_USE int br_doc_set_meta(struct br_ws *ws, uint32_t nb, uint32_t doc, const char *meta, struct br_err *err);

/* ---- what is missing (care.c) ---- */

typedef int br_missing_fn(const struct br_doc *d, uint32_t passages, void *arg);
/* Documents with passages that have no vector although the notebook's model gives them one. A model that is not configured tells nothing. */
BR_MUST_USE int br_missing_vectors(struct br_ws *ws, struct br_txn *t, const struct br_nb *nb, br_missing_fn *fn, void *arg, struct br_err *err);
/* Whether the stored original of an upload is there, and not known to be damaged. */
bool br_original_there(const struct br_ws *ws, const struct br_doc *d);
char *br_original_file(const struct br_ws *ws, const uint8_t sha[32]); /* where it is kept, if it is; caller frees */
/* The cache of embeddings: 0 whole or none, CORRUPT or VERSION; with drop such a one is removed: 1. One that this process uses is not looked at. */
BR_MUST_USE int br_embeddings_check(struct br_ws *ws, bool drop, struct br_err *err);

/* ---- freshness ---- */

struct br_freshness { uint64_t generation; int64_t indexed_at; uint64_t checked, changed, missing; bool complete; };
/* A FILE document whose source is not what was indexed, by size and time of modification. */
enum br_source_state { BR_SOURCE_SAME, BR_SOURCE_CHANGED, BR_SOURCE_MISSING };
enum br_source_state br_source_state(const struct br_ws *ws, const struct br_doc *d);
/* Looks at the sources of file documents (size, mtime, existence) until budget_ns is used up. */
BR_MUST_USE int br_freshness(struct br_freshness *out, struct br_txn *t, const struct br_ws *ws, const struct br_nb *nb, int64_t budget_ns, struct br_err *err);

/* ---- care ---- */

/*
 * gc: drops deleted chunks from the indexes, so that they are those of fresh notebooks (a commit for each); removes originals that no
 * document names and what dead processes left; then shrinks the data file. Needs room in tmp/ for the postings of a notebook and
 * for the copy of the data file. Returns 0, CHANGES (plan), or the error that stopped it; what was done before it stays.
 */
struct br_gc_event { const char *notebook; uint64_t chunks, terms, kept; }; /* dropped chunks and words, chunks that stay */
struct br_gc_opts {
	const char *notebook; /* drop deleted chunks of this one only; NULL: of all */
	bool plan;            /* tell, touch nothing */
	bool no_compact;      /* leave the data file as it is */
	bool passages_only;   /* and all other files, too */
	void (*event)(const struct br_gc_event *e, void *arg);
	void *arg;
};
struct br_gc_report {
	bool anything;                     /* was done */
	uint64_t notebooks, chunks, terms; /* notebooks cleaned, deleted chunks and words dropped */
	uint64_t objects, indexes, leftovers; /* files removed: originals, vector indexes of notebooks that are gone, others */
	uint64_t file_bytes;               /* theirs */
	uint64_t slack;                    /* bytes of the data file that hold nothing, at the end */
	struct br_shrunk shrunk;
	uint64_t generation;
};
BR_MUST_USE int br_gc(struct br_gc_report *out, struct br_ws *ws, const struct br_gc_opts *opts, struct br_err *err);

struct br_verify_report { uint64_t notebooks, docs, chunks, vectors, terms, problems; };
/* Every record of every table: decodes, counts, ranges, hashes. Each problem is told to fn. Returns 0 or CORRUPT. quick: counts and ranges only. */
BR_MUST_USE int br_verify(struct br_verify_report *out, struct br_ws *ws, bool quick, br_problem_fn *fn, void *arg, struct br_err *err);

/*
 * Builds what is damaged anew from what is whole, a commit for each notebook; tells fn what it did, and what is lost by name. What
 * leaves the index is marked, so that sync or ingest read it again. Pages must be in order: br_store_salvage comes first, and when it
 * lost any, `all` notebooks are built anew: of a block of vectors that is not there nobody can tell whether it should be.
 */
struct br_repair_report {
	uint64_t notebooks; /* built anew */
	uint64_t again;     /* documents that are to be read again from their files or originals */
	uint64_t lost;      /* documents, originals, settings that cannot be brought back from here */
};
BR_MUST_USE int br_repair(struct br_repair_report *out, struct br_ws *ws, bool all, br_problem_fn *fn, void *arg, struct br_err *err);

/* ---- backup: the whole workspace in one tar file (br-backup(1), FORMAT) ---- */

struct br_backup_stats {
	uint64_t bytes, data_bytes, objects; /* of the file, of data.mdb in it; originals */
	uint64_t generation;                 /* when the backup began: it holds this one or a later */
	double seconds;
};
struct br_backup_opts {
	void (*progress)(const struct br_progress *p, void *arg); /* a few times a second, or NULL */
	void *arg;
};
/* State of one commit, while others write; the file appears whole or not at all. path "-": standard output. FULL, IO, CORRUPT. */
BR_MUST_USE int br_backup(struct br_backup_stats *stats, struct br_ws *ws, const char *path, const struct br_backup_opts *opts, struct br_err *err);
/* Reads all of it and compares the checksums: INPUT names the member that is damaged. Nothing is unpacked. */
BR_MUST_USE int br_backup_verify(struct br_backup_stats *stats, const char *path, const struct br_backup_opts *opts, struct br_err *err);
/* Makes dir/.br of it, which must not be there yet, whole or not at all. */
BR_MUST_USE int br_backup_restore(struct br_backup_stats *stats, const char *path, const char *dir, const struct br_backup_opts *opts, struct br_err *err);

/* ---- export and import: a notebook as one portable file (brx(5)) ---- */

struct br_brx_stats {
	uint64_t docs, chunks, originals, bytes; /* bytes of the file */
	uint8_t content[32];                     /* SHA-256 of what is in it before compression: equal content, equal hash */
	char name[BR_MAX_NOTEBOOK_NAME + 1];     /* of the notebook that was made */
	uint64_t generation;                     /* export: that was read; import: that its commit made */
	double seconds;
};
struct br_export_opts {
	bool no_times;                           /* leave out the documents' times of modification */
	void (*progress)(const struct br_progress *p, void *arg);
	void *arg;
};
struct br_import_opts {
	const char *as;                          /* name of the new notebook; NULL: the one in the file */
	bool replace;                            /* a notebook of that name gives way, in the same commit */
	bool reembed;                            /* make vectors anew with the model of this workspace */
	uint64_t batch;                          /* bytes of text written at a time, 0: as it is best; for tests */
	void (*progress)(const struct br_progress *p, void *arg);
	void *arg;
};
BR_MUST_USE int br_export(struct br_brx_stats *stats, struct br_ws *ws, const char *notebook, const char *path, const struct br_export_opts *opts, struct br_err *err);
/*
 * The notebook appears whole, in one commit, or not at all. EXISTS (an empty notebook of the name gives way); INPUT: the file is damaged or no such file (says where);
 * VERSION: of a newer br; UNSUPPORTED: made with another model. One at a time in a workspace: LOCKED.
 */
BR_MUST_USE int br_import(struct br_brx_stats *stats, struct br_ws *ws, const char *path, const struct br_import_opts *opts, struct br_err *err);
/* Removes what an import that died left behind, if no import is running: cheap when there is nothing. 1 removed, 0 nothing to do. */
BR_MUST_USE int br_import_sweep(struct br_ws *ws, struct br_err *err);

/* ---- documents that say the same ---- */

struct br_dup { const struct br_doc *doc; double similarity; bool same_bytes; }; /* to the first of the group */
struct br_dup_group { const struct br_dup *doc; size_t n; bool exact; };         /* exact: all have the same bytes */
typedef int br_dup_fn(const struct br_dup_group *g, void *arg);                  /* of doc: number, id, path, title, size, sha */
struct br_dup_report {
	uint64_t docs;           /* indexed documents that were compared */
	uint64_t bytes_only;     /* of them, without a signature (shorter than 20 words, or indexed by an older br): compared by their bytes alone */
	uint64_t exact, near;    /* groups */
	uint64_t copies;         /* documents that stand behind the first of their group */
};
/*
 * Groups of documents with the same bytes, or with texts whose estimated similarity to the group's first (by path) is at least
 * threshold, 0.5 to 1. Estimates are within 0.04 as a rule; work grows with the number of documents, not of pairs.
 */
BR_MUST_USE int br_duplicates(struct br_dup_report *out, struct br_ws *ws, uint32_t nb, double threshold, br_dup_fn *fn, void *arg, struct br_err *err);
/* Share of the runs of four words that two documents have in common, estimated; 0 when one has no signature. */
double br_doc_similarity(const struct br_doc *a, const struct br_doc *b);

#endif
