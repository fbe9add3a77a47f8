/* json, inside. */
#ifndef BR_JSON_INTERNAL_H
#define BR_JSON_INTERNAL_H

#include "br/json.h"

/* Is text one JSON value by RFC 8259, within our limits, as br/json.h promises? INPUT with the byte offset. */
int br_json__scan(struct br_slice text, const char *name, struct br_err *err);

#endif
