/* index - vector indexes at the end of sync and ingest. */
#ifndef BR_CMD_INDEX_H
#define BR_CMD_INDEX_H

#include "cmd.h"

/* Builds the notebook's vector index if it is due: in the background or at once, as ann.auto says. Errors are told, no more. */
void br_index_after_load(struct br_cli *c);

#endif
