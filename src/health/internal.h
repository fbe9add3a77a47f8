/* health - shared inside src/health only. */
#ifndef BR_HEALTH_INTERNAL_H
#define BR_HEALTH_INTERNAL_H

#include "br/health.h"

/* What the rules need to know of a document. */
struct entry {
	uint32_t doc, first_chunk, chunks;
	uint8_t origin, state, format;
	char id[37];
	char *path, *meta;              /* in the arena of the look; meta: why it failed, was skipped or is gone, when it is not indexed */
	uint8_t sha[32];
	int64_t created;
	enum br_source_state source;
	bool kept;                      /* below a folder that sync keeps equal, which is there */
	bool absent, unseen;            /* MISSING, as its file is known not to be there; or as it cannot be looked at, whatever the reason */
	bool original;                  /* of an upload: is stored */
};

/* One look at a notebook. */
struct look {
	struct br_ws *ws;
	struct br_health *out;
	const struct br_health_opts *opts;
	struct br_arena arena;
	struct br_nb *nb;               /* in the arena */
	BR_VEC(struct entry) v;         /* documents by number */
	struct br_err *err;
};
bool asked(const struct look *l, enum br_health_id id);
/* Counts it, tells it, and keeps it if there is room. path NULL: about the notebook. */
void found(struct look *l, struct br_finding f);
void health_score(struct br_health *h, const struct br_config *config); /* rules.c */
int look_gather(struct look *l, const char *notebook);  /* fills nb and v */
void look_release(struct look *l);

/* ---- documents.c ---- */
void check_documents(struct look *l);
bool is_orphan(const struct entry *e);
bool is_stale(const struct look *l, const struct entry *e);
/* Whether a sync would do the same, and to no other document. */
bool orphan_fixable(const struct entry *e);
bool stale_fixable(const struct entry *e);
/* Whether a document stands at one of the paths in front of a "!/" of this member. by_path: sorted by path. */
bool has_container(const struct entry *const *by_path, size_t n, const char *member);

/* ---- copies.c: documents with the same bytes ---- */
struct copy {
	const struct entry *e, *stays;  /* stays: the earliest of its group whose source is what was indexed */
	const char *why_not;            /* it is not to be removed, or NULL */
};
struct copies { BR_VEC(struct copy) v; };
void find_copies(struct copies *out, const struct look *l);
void copies_release(struct copies *c);
void check_copies(struct look *l);
int check_near(struct look *l);

/* ---- passages.c, references.c, caches.c ---- */
int check_passages(struct look *l, struct br_txn *t);
int check_vectors(struct look *l, struct br_txn *t);
int check_references(struct look *l, struct br_txn *t);
int check_caches(struct look *l);
bool garbage_due(const struct look *l, uint64_t dead, uint64_t chunks);

/* ---- links.c: what a page refers to, and what of it can be referred to ---- */
struct ref { struct br_slice target; uint32_t line; };
struct refs {
	struct br_arena arena;
	BR_VEC(struct ref) link;        /* as written, in the arena */
	BR_VEC(uint64_t) anchor;        /* anchor_hash of each name */
};
void refs_markdown(struct refs *out, struct br_slice text);
void refs_html(struct refs *out, struct br_slice text);
void refs_release(struct refs *r);
/*
 * Names of headings are made in a dozen ways: what all leave is compared, ASCII letters and digits in lower case. 0: nothing is left,
 * which fits everything.
 */
uint64_t anchor_hash(struct br_slice name);

#endif
