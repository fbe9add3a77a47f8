/* Vector indexes of a workspace, inside src/corpus: the description beside each file, and what tells whether it holds. */
#ifndef BR_CORPUS_VINDEX_H
#define BR_CORPUS_VINDEX_H

#include "internal.h"

/* ---- sidecar.c: .br/index/NAME.faiss and NAME.json, NAME = notebook's id, generation, eight random digits ---- */

struct sidecar {
	char name[80];
	char workspace[37], notebook[37];
	char model_id[BR_MAX_MODEL_ID + 1];
	uint8_t model_sha[8];
	char faiss[16];                 /* version */
	uint64_t numbering, generation; /* of the workspace when the vectors were copied */
	uint32_t dead;                  /* deleted rows then */
	struct br_ann_file file;
	uint64_t size, inode;           /* of the index file, as it was published */
	int64_t mtime_ns;
	uint8_t hash[16];               /* XXH3-128 */
};
void sidecar_name(char out[80], const char *nb_id, uint64_t generation);
char *vindex_path(const struct br_ws *ws, const char *name, const char *ending); /* in index/; caller frees */
void sidecar_encode(struct br_buf *out, const struct sidecar *s);
int sidecar_read(struct sidecar *out, const struct br_ws *ws, const char *name, struct br_err *err); /* CORRUPT, VERSION, NOTFOUND */
int sidecar_stat(struct sidecar *s, int fd, struct br_err *err);                                     /* size, inode, mtime_ns */
int vindex_hash(uint8_t out[16], int fd, struct br_err *err);                                        /* of all bytes of the file */
/* Names (without ending) in index/ that begin with prefix, each once, in order; ends of names are left out of account. */
typedef BR_VEC(char *) vindex_names;
int vindex_list(vindex_names *out, const struct br_ws *ws, const char *prefix, struct br_err *err);
void vindex_names_release(vindex_names *n);
void vindex_remove(const struct br_ws *ws, const char *name);                                        /* both files */

/* ---- vindex.c ---- */

/* The data file as this snapshot has it. */
int vindex_workspace_id(char out[37], struct br_txn *t, struct br_err *err);
int vindex_numbering(uint64_t *out, struct br_txn *t, const struct br_nb *nb, struct br_err *err);
/* Opens the file after its hash was checked, unless size, mtime and inode are what they were; any reason not to is in err. */
int vindex_open(struct br_ann_index **out, const struct br_ws *ws, const struct sidecar *s, struct br_txn *t, const struct br_nb *nb, struct br_err *err);
/* It belongs to this notebook, as it is in this snapshot; otherwise err says why not. */
int vindex_belongs(const struct sidecar *s, struct br_txn *t, const struct br_nb *nb, struct br_err *err);

#endif
