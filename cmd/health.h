/* health - what the files of `br health` share. */
#ifndef BR_CMD_HEALTH_H
#define BR_CMD_HEALTH_H

#include "cmd.h"

struct br_health_params {
	bool fix, plan, nagios, list, rules, all;
	const char *format, *output;
	struct br_list rule;
	int64_t min_score, examples, warning, critical;
};
struct br_healths { BR_VEC(struct br_health) v; };      /* a report for each notebook */

/* How a report is told (health_print.c); before: score before the repairs, -1: there were none. */
void br_health_text(struct br_cli *c, const struct br_health *h, int before);
void br_health_json(struct br_cli *c, const struct br_health *h, const char *event, int before, const struct br_fixed *fixed);
void br_health_finding(struct br_cli *c, const struct br_finding *f);
void br_health_event(struct br_cli *c, const struct br_fix_event *e, bool plan);
void br_health_rules(struct br_cli *c);

/* For monitoring (health_metrics.c). */
void br_health_prometheus(struct br_buf *out, const struct br_ws *ws, const struct br_healths *all);
/* The line, and its status: 0 OK, 1 WARNING, 2 CRITICAL. */
int br_health_nagios(struct br_buf *out, const struct br_healths *all, int64_t warning, int64_t critical);

#endif
