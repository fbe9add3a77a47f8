/* head - requests as they come from the wire: pure functions over bytes, for head.c and framing.c. */
#ifndef BR_SERVER_HEAD_H
#define BR_SERVER_HEAD_H

#include "br/base.h"

struct br_header { struct br_slice name, value; };

/* Slices point into the bytes that were parsed. */
struct br_head {
	struct br_slice method, target, path, query, host; /* path, query: of the target, as sent */
	int minor;                  /* HTTP/1.minor */
	struct br_header header[BR_SERVE_HEADERS];
	size_t n;
	int64_t length;             /* Content-Length; -1: none */
	bool chunked, close, keep_alive, expect, upgrade; /* close, keep_alive, upgrade: named in Connection */
	bool star, host_given;
};

/*
 * Looks for the end of a head in p[0..n), of which *seen bytes are known to be without fault and without end (starts at 0).
 * Above 0: its length; 0: more is needed; below 0: minus a status (400, 414, 431) and *why.
 */
int64_t br_head_find(size_t *seen, const char *p, size_t n, const char **why);
/* A whole head. 0, or minus a status and *why. Strict: what two readers could understand differently is refused. */
int br_head_parse(struct br_head *out, const char *p, size_t n, const char **why);
const struct br_header *br_head_get(const struct br_head *h, const char *name, size_t from); /* from 0; NULL: no more */
bool br_slice_is(struct br_slice s, const char *text);     /* ASCII case ignored */
/* Percent-decoding into out (at least s.len + 1 bytes): length, or -1: bad escape, NUL, or not UTF-8. plus: '+' is a space. */
int64_t br_url_decode(char *out, struct br_slice s, bool plus);
/* Next of a list with commas: false at the end. Blanks around it are left out. */
bool br_list_next(struct br_slice *out, struct br_slice *rest, char sep);
/* Accept-Encoding allows gzip, and likes it no less than nothing. */
bool br_accepts_gzip(struct br_slice accept);

/* ---- bodies ---- */

struct br_framing {
	uint64_t left;              /* of the body, or of the chunk; UINT64_MAX while a size is read */
	uint64_t size;              /* of the chunk, being read */
	unsigned digits, line;      /* of the size; bytes of the line */
	enum { BR_FR_END, BR_FR_PLAIN, BR_FR_SIZE, BR_FR_EXT, BR_FR_SIZE_LF, BR_FR_DATA, BR_FR_DATA_CR, BR_FR_DATA_LF, BR_FR_TRAILER,
	       BR_FR_TRAILER_LF, BR_FR_LAST_LF } state;
};
void br_framing_init(struct br_framing *f, const struct br_head *h);
/* Takes from *in; *data is the next piece. 1: a piece, 0: more is needed, 2: the body is over, -400: damaged. */
int br_framing_next(struct br_framing *f, struct br_slice *in, struct br_slice *data);

#endif
