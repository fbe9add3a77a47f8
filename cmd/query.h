/* query - what `br query` and its printers share. */
#ifndef BR_CMD_QUERY_H
#define BR_CMD_QUERY_H

#include "cmd.h"

struct br_query_params {
	int64_t top;
	const char *strategy, *format;
	struct br_list filter;
	bool explain, by_doc, no_fold, plain, files_only, from_stdin, rerank, strict;
	double full_text_weight, semantic_weight;
};

/* One answer to one question. id: of a question read from standard input, else NULL; number: from 1. */
struct br_answer {
	const struct br_result *r;
	const char *id;
	uint64_t number;
	bool several; /* more than one question is asked in this run */
};
/* What is printed between them leads to the file of this document, where there is one. */
void br_link_begin(struct br_cli *c, const char *path);
void br_link_end(struct br_cli *c);
void br_query_text(struct br_cli *c, const struct br_answer *a);
void br_query_files(struct br_cli *c, const struct br_answer *a);
void br_query_json(struct br_cli *c, const struct br_answer *a);
void br_query_ndjson(struct br_cli *c, const struct br_answer *a);
void br_query_trec(struct br_cli *c, const struct br_answer *a);
void br_query_csv(struct br_cli *c, const struct br_answer *a);

#endif
