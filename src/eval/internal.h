/* eval, inside: lines of judgement and run files, ids to numbers, the order of a ranking. */
#ifndef BR_EVAL_INTERNAL_H
#define BR_EVAL_INTERNAL_H

#include <stdio.h>
#include <stdlib.h>

#include "br/eval.h"

/* ---- lines.c: a text file by lines, in bounded memory ---- */

struct eval_lines {
	FILE *f;
	const char *path;
	size_t no;               /* number of the current line, from 1 */
	struct br_buf line;      /* without its line end; a byte order mark at the start of the file is gone */
	char block[16384];
	size_t pos, len;
};
int eval__lines_open(struct eval_lines *l, const char *path, struct br_err *err);
int eval__lines_next(struct eval_lines *l, struct br_err *err); /* 1: a line, 0: the end; blank lines are passed over */
void eval__lines_close(struct eval_lines *l);
/* Cuts line in place; returns the number of fields, of which the first `max` are in field. */
size_t eval__words(char *line, char **field, size_t max);       /* at runs of white space */
size_t eval__tabs(char *line, char **field, size_t max);        /* at each TAB; fields may be empty */
bool eval__number(double *out, const char *s);                  /* a finite number and nothing else */
size_t eval__space(const char *p, size_t n);                    /* bytes of the white space character at p, or 0 */

/* ---- ids.c: strings to numbers 0, 1, 2 ... in the order in which they came ---- */

struct eval_ids {
	struct br_arena arena;
	BR_VEC(const char *) name;
	uint32_t *slot;          /* number + 1; 0 is free */
	size_t slots;            /* a power of two, or 0 */
};
#define EVAL_NO_ID UINT32_MAX
uint32_t eval__id_find(const struct eval_ids *ids, const char *name);
uint32_t eval__id_add(struct eval_ids *ids, const char *name);
void eval__ids_release(struct eval_ids *ids);

/* ---- qrels.c, run.c ---- */

struct eval_judgement {
	const char *doc;
	int64_t rel;
	size_t seq;              /* line in the file: of two judgements of one document the later one holds */
};
struct eval_judged { BR_VEC(struct eval_judgement) v; }; /* by document id */
struct br_qrels {
	struct eval_ids query;   /* number: index into judged */
	struct br_arena docs;
	BR_VEC(struct eval_judged) judged;
};
int64_t eval__rel(const struct eval_judged *j, const char *doc); /* 0 when not judged */

struct eval_scored { const char *doc; double score; };
struct eval_ranking { BR_VEC(struct eval_scored) v; };           /* in the order of br_run_add */
struct br_run {
	struct eval_ids query;
	struct br_arena docs;
	BR_VEC(struct eval_ranking) ranking;
};
/* The order that counts, as a copy: best first, a document once. Caller frees *out. */
size_t eval__rank(struct eval_scored **out, const struct eval_ranking *r);

#endif
