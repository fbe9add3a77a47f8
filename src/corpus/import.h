/* import - what import.c (reading, committing) and imported.c (documents, in worker threads) share. */
#ifndef BR_CORPUS_IMPORT_H
#define BR_CORPUS_IMPORT_H

#include "internal.h"

/* One DOCS section with its CTXT and VECS: an item of the pool. */
struct piece {
	struct br_buf docs, contexts, vecs; /* payloads; vecs: codes of all passages, then their scales */
	uint64_t at;                    /* where it stands in the file, for messages */
	struct slice *s;                /* what the worker made of it */
	struct br_err err;              /* of the worker; code OK: it is right */
};
struct import_env {                     /* what every worker reads */
	const struct br_model *model;
	uint32_t dim, file_dim;         /* of the new notebook, of the vectors in the file */
	bool reembed;
	const struct text_dict *dict;   /* or NULL */
};
void *importer_new(void *env);
void importer_free(void *importer);
void import_piece(void *piece, void *importer, void *env);

#endif
