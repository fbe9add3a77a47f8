/* cmd/wiki - shared by the files of `br wiki`. */
#ifndef BR_CMD_WIKI_H
#define BR_CMD_WIKI_H

#include "cmd.h"

/* The model of --model: configured and wanted, or NULL in use->model. */
struct br_wiki_use { struct br_llm *llm; struct br_wiki_model m; const struct br_wiki_model *model; };
int br_wiki_use_open(struct br_wiki_use *u, struct br_cli *c, const char *when, struct br_err *err);
void br_wiki_use_close(struct br_wiki_use *u);
#define BR_WIKI_MODEL_OPT(T) \
	{ "model", 0, BR_AT_STR(T, model), "when", "let the language model write: auto, if one is configured; off, never; on, or fail", \
	  .dflt = "auto", .choices = "auto|on|off" }

/* Number of the notebook; its name lives as long as c. */
int br_wiki_notebook(uint32_t *nb, const char **name, struct br_cli *c, struct br_err *err);
struct br_json br_wiki_json_begin(struct br_cli *c);
void br_wiki_json_end(struct br_cli *c, struct br_json *j);

extern const struct br_cmd br_cmd_wiki_plan; /* wiki_plan.c */
extern const struct br_cmd br_cmd_wiki_list, br_cmd_wiki_show, br_cmd_wiki_history; /* wiki_show.c */

#endif
