/* The rules, and what they make of the score. br-health(1) lists them; its test compares the two. */
#include "internal.h"

#include <math.h>

static const struct br_health_rule table[BR_H_COUNT] = {
	[BR_H_DUPLICATE] = { "duplicate", BR_WARNING, "health.duplicate", "documents", 40,
		"documents with the same bytes as an earlier one",
		"the same passage fills several places of an answer",
		"removes all but the earliest from the notebook, where a sync would not bring them back" },
	[BR_H_NEAR_DUPLICATE] = { "near-duplicate", BR_INFO, "health.near_duplicate", "documents", 10,
		"documents with nearly the same words as another (health.similarity)",
		"an old version may be quoted in place of the new one", NULL },
	[BR_H_ORPHAN] = { "orphan", BR_WARNING, "health.orphan", "documents", 30,
		"documents whose file is gone, and members without their archive",
		"answers quote what is not there any more",
		"removes those of folders that sync keeps equal, when the folder is there" },
	[BR_H_LOST_ORIGINAL] = { "lost-original", BR_ERROR, "health.lost_original", "documents", 20,
		"uploads whose stored original is not there or damaged",
		"they can be neither indexed again nor given back", NULL },
	[BR_H_STALE] = { "stale", BR_WARNING, "health.stale", "documents", 20,
		"documents whose file changed since it was indexed (health.stale_after)",
		"answers quote what is not said any more",
		"reads those of folders that sync keeps equal" },
	[BR_H_FAILED] = { "failed", BR_WARNING, "health.failed", "documents", 20,
		"documents that could not be read or understood",
		"what they say is not found; every sync tries again", NULL },
	[BR_H_GONE_PAGE] = { "gone-page", BR_WARNING, "health.gone_page", "documents", 10,
		"web pages that were not at their address when last asked for",
		"answers quote what is not there any more", NULL },
	[BR_H_NO_TEXT] = { "no-text", BR_INFO, "health.no_text", "documents", 5,
		"documents of a known format in which no text was found",
		"a scan without its text is not found; see --ocr in br-sync(1)", NULL },
	[BR_H_BROKEN_REFERENCE] = { "broken-reference", BR_INFO, "health.broken_reference", "references", 5,
		"relative links and images of Markdown and HTML files to files or anchors that do not exist",
		"who follows a citation ends nowhere", NULL },
	[BR_H_MISSING_VECTOR] = { "missing-vector", BR_WARNING, "health.missing_vector", "passages", 20,
		"passages without the vector that the notebook's model gives them, or all of them when that model is not configured",
		"they are found by their words alone",
		"makes the vectors of the built-in model anew" },
	[BR_H_LONG_PASSAGE] = { "long-passage", BR_INFO, "health.long_passage", "passages", 5,
		"passages of more bytes than health.max_passage",
		"one vector for too much text says little", NULL },
	[BR_H_SHORT_PASSAGE] = { "short-passage", BR_INFO, "health.short_passage", "passages", 5,
		"passages that are empty or of fewer bytes than health.min_passage",
		"they rank high and tell nothing", NULL },
	[BR_H_GARBAGE] = { "garbage", BR_INFO, "health.garbage", "passages, deleted ones included", 5,
		"deleted passages that are still in the index",
		"they take room and time until they are collected",
		"collects them, as br-gc(1) does, without touching any file" },
	[BR_H_VECTOR_INDEX] = { "vector-index", BR_WARNING, "health.vector_index", "vector index", 10,
		"a vector index that is wanted and not there or out of date, or one that is damaged",
		"questions are answered more slowly",
		"removes what is damaged and builds what is wanted, when FAISS is installed" },
	[BR_H_EMBEDDING_CACHE] = { "embedding-cache", BR_ERROR, "health.embedding_cache", "cache", 10,
		"a damaged cache of the embeddings of a service",
		"nothing can be embedded with that service",
		"removes it; what is needed is asked for again" },
};

const struct br_health_rule *br_health_rule(enum br_health_id id) { return &table[id]; }

int br_health_rule_find(const char *name)
{
	for (int i = 0; i < BR_H_COUNT; i++)
		if (!strcmp(table[i].name, name))
			return i;
	return -1;
}

const char *br_severity_name(enum br_severity s)
{
	static const char *const names[] = { "info", "warning", "error" };

	return names[s];
}

const char *br_fix_name(enum br_fix f)
{
	static const char *const names[] = { "remove", "read", "drop", "embed", "build", "collect" };

	return names[f];
}

/* ---- the score ---- */

static bool counts(const struct br_health_result *r, const struct br_health_rule *rule, const struct br_config *config)
{
	double share = r->of ? 100.0 * (double)r->found / (double)r->of : 100;

	return r->found && share > br_config_num(config, rule->key);
}

void health_score(struct br_health *h, const struct br_config *config)
{
	h->points = 0;
	for (int i = 0; i < BR_H_COUNT; i++) {
		struct br_health_result *r = &h->rule[i];
		r->counts = counts(r, &table[i], config);
		r->points = r->counts ? table[i].weight * (r->of ? fmin(1, (double)r->found / (double)r->of) : 1) : 0;
		h->points += r->points;
	}
	h->score = h->points > 100 ? 0 : (int)floor(100 - h->points);
	if (h->points > 0 && h->score > 99)
		h->score = 99; /* too little for the arithmetic, yet something */
}
