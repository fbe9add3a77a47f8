/* text, inside: mail messages and their parts (RFC 5322, 2045-2047, 2231). Slices are borrowed from the message. */
#ifndef BR_TEXT_MIME_H
#define BR_TEXT_MIME_H

#include "internal.h"

struct br_text__part {
	struct br_slice head, body;      /* header lines with their line ends; what follows the empty line */
	char type[64];                   /* "text/plain", lower case */
	struct br_slice charset;         /* as named, empty if it is not */
	char boundary[80];
	bool base64, quoted;             /* how the body is encoded; neither: as it is */
	bool attached;                   /* Content-Disposition says so */
	bool flowed;
	char *name;                      /* of a file, UTF-8, or NULL */
};
/* What a leaf is for. */
enum br_text__role {
	BR_PART_PLAIN, BR_PART_HTML,     /* belongs to what the message says */
	BR_PART_FILE,                    /* a document of its own */
	BR_PART_MESSAGE,                 /* a message within the message begins: only its head counts */
};
typedef int br_text__part_fn(const struct br_text__part *p, enum br_text__role role, void *arg, struct br_err *err);
/*
 * Calls fn for each leaf in order. Of alternatives one is chosen: plain text if it has words, else HTML. Deeper than
 * BR_MAX_MIME_DEPTH nothing is unfolded, and parts beyond BR_MAX_MIME_PARTS do not count.
 */
BR_MUST_USE int br_text__mime(struct br_slice message, br_text__part_fn *fn, void *arg, struct br_err *err);

/* Body of a part with its transfer encoding undone, appended. Garbage within base64 is passed over. */
void br_text__part_bytes(struct br_buf *out, const struct br_text__part *p);
/* The header lines at the begin of a message. */
struct br_slice br_text__head(struct br_slice message);
/* Header `name` (first one) of a head: unfolded, encoded words decoded, UTF-8 on one line. False: there is none. */
bool br_text__header(struct br_buf *out, struct br_slice head, const char *name);

#endif
