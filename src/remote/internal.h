/* remote - shared inside src/remote only. */
#ifndef BR_REMOTE_INTERNAL_H
#define BR_REMOTE_INTERNAL_H

#include "br/json.h"
#include "br/os.h"
#include "br/remote.h"

/* ---- what is there, and what is here ---- */
struct far {                         /* a document of the server */
	const char *path, *id;
	uint8_t sha[32];
	bool ours;                   /* its source is the one of this run */
	bool failed;                 /* it could not be read there */
};
struct near {                        /* a file of the folder */
	const char *rel, *path;
	uint64_t size, inode;
	int64_t mtime;
	uint8_t sha[32];
	bool hashed, refused;        /* refused: the server said that it is no document */
};
struct fars { BR_VEC(struct far) v; };
struct nears { BR_VEC(struct near) v; };

/* ---- requests (api.c); a struct api belongs to one thread ---- */
struct api {
	const struct br_remote_opts *o;
	struct br_net *net;
	struct br_arena arena;
	char *base, *bearer;
};
int api_open(struct api *a, const struct br_remote_opts *o, struct br_err *err);
void api_close(struct api *a);
/* Sorted by path. */
int api_list(struct fars *out, struct br_arena *arena, struct api *a, struct br_err *err);
enum said { SAID_YES, SAID_NO_DOCUMENT, SAID_NO }; /* NO_DOCUMENT, NO: err says why */
/* Negative: nothing more can be done with this server. update: it is there and gives way. */
int api_upload(enum said *said, struct api *a, const struct near *f, bool update, struct br_err *err);
int api_delete(enum said *said, struct api *a, const struct far *d, struct br_err *err);
int api_report(struct api *a, const struct br_ingest_stats *s, struct br_err *err);

/* ---- hashes of earlier runs (cache.c) ---- */
/* Fills the hashes of files that are as they were. */
void cache_read(struct nears *files, const char *path);
void cache_write(const struct nears *files, const char *path, int64_t since_ns);

#endif
