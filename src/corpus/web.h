/* corpus: what web.c and web_type.c share. */
#ifndef BR_CORPUS_WEB_H
#define BR_CORPUS_WEB_H

#include "internal.h"

/* The format a page is read as: what its server says where that can be true, else what its bytes look like. UNKNOWN: not text. */
enum br_format web__format(const char *content_type, const char *url, struct br_slice bytes);
/* Bytes in an encoding that only the server told, as UTF-8 that says so itself; false: they are best read as they are. */
bool web__to_utf8(struct br_buf *out, const char *content_type, enum br_format f, struct br_slice bytes);
/* The URL's ending says picture, film, program ...: not worth a request. */
bool web__is_no_text(const char *url);

#endif
