/* Rules about single documents: their sources, their originals, whether they were understood. */
#include "internal.h"

#include "br/os.h"

#include <stdlib.h>
#include <sys/stat.h>

static int by_path(const void *a, const void *b)
{
	return strcmp((*(struct entry *const *)a)->path, (*(struct entry *const *)b)->path);
}

static bool stands(const struct entry *const *v, size_t n, const char *path)
{
	struct entry key = { .path = (char *)path };
	const struct entry *k = &key;

	return n && bsearch(&k, v, n, sizeof *v, by_path);
}

bool has_container(const struct entry *const *v, size_t n, const char *member)
{
	bool yes = false;

	for (const char *p = member; !yes && (p = strstr(p, "!/")); p += 2) {
		char *path = br_strndup(member, (size_t)(p - member));
		yes = stands(v, n, path);
		free(path);
	}
	return yes;
}

/* ---- sources ---- */

bool is_orphan(const struct entry *e)
{
	return (e->origin == BR_FROM_FILE || e->origin == BR_FROM_MEMBER) && e->source == BR_SOURCE_MISSING;
}

bool orphan_fixable(const struct entry *e) { return e->kept && e->absent; }

static bool indexed(const struct entry *e) { return e->state == BR_DOC_INDEXED || e->state == BR_DOC_CONTAINER; }

bool is_stale(const struct look *l, const struct entry *e)
{
	int64_t grace = br_config_int(l->ws->config, "health.stale_after");
	struct stat st;
	char *file;
	int rc;

	if (e->origin != BR_FROM_FILE || !indexed(e) || e->source != BR_SOURCE_CHANGED)
		return false;
	if (!grace)
		return true;
	file = br_path_join(l->ws->root, e->path);
	rc = stat(file, &st);
	free(file);
	return rc == 0 && st.st_mtim.tv_sec <= br_now() - grace;
}

bool stale_fixable(const struct entry *e) { return e->kept; }

static const char *orphan_detail(const struct entry *e)
{
	if (e->origin == BR_FROM_MEMBER)
		return "its archive is gone";
	return e->kept ? "its file is gone" : "its file is gone, and sync does not keep its folder";
}

static void check_source(struct look *l, const struct entry *e, const struct entry *const *all, size_t n)
{
	if (!asked(l, BR_H_ORPHAN) && !asked(l, BR_H_STALE))
		return;
	if (asked(l, BR_H_ORPHAN) && is_orphan(e))
		found(l, (struct br_finding){ BR_H_ORPHAN, e->path, 0, orphan_detail(e), orphan_fixable(e) });
	else if (asked(l, BR_H_ORPHAN) && e->origin == BR_FROM_MEMBER && !has_container(all, n, e->path))
		found(l, (struct br_finding){ BR_H_ORPHAN, e->path, 0, "its archive is not in the notebook", false });
	if (asked(l, BR_H_STALE) && is_stale(l, e))
		found(l, (struct br_finding){ BR_H_STALE, e->path, 0, "its file changed", stale_fixable(e) });
}

/* ---- what became of it ---- */

/* Of pictures and what has no format text is not expected. */
static bool has_no_text(const struct entry *e)
{
	bool silent = e->format == BR_FMT_UNKNOWN || e->format == BR_FMT_IMAGE;

	return !silent && (e->state == BR_DOC_SKIPPED || (e->state == BR_DOC_INDEXED && !e->chunks));
}

static void check_outcome(struct look *l, const struct entry *e)
{
	if (asked(l, BR_H_LOST_ORIGINAL) && !e->original)
		found(l, (struct br_finding){ BR_H_LOST_ORIGINAL, e->path, 0, "its stored original is not there or damaged", false });
	if (asked(l, BR_H_FAILED) && e->state == BR_DOC_FAILED && !is_orphan(e))
		found(l, (struct br_finding){ BR_H_FAILED, e->path, 0, e->meta, false });
	if (asked(l, BR_H_GONE_PAGE) && e->origin == BR_FROM_URL && e->source == BR_SOURCE_MISSING)
		found(l, (struct br_finding){ BR_H_GONE_PAGE, e->path, 0, e->meta, false });
	if (asked(l, BR_H_NO_TEXT) && has_no_text(e)) {
		bool said = e->state == BR_DOC_SKIPPED && e->meta[0];
		found(l, (struct br_finding){ BR_H_NO_TEXT, e->path, 0, said ? e->meta : "it has no text", false });
	}
}

void check_documents(struct look *l)
{
	static const enum br_health_id own[] = { BR_H_ORPHAN, BR_H_STALE, BR_H_LOST_ORIGINAL, BR_H_FAILED, BR_H_GONE_PAGE, BR_H_NO_TEXT };
	const struct entry **all = br_allocn(l->v.n + 1, sizeof *all);

	for (size_t i = 0; i < BR_COUNT(own); i++)
		if (asked(l, own[i]))
			l->out->rule[own[i]].of = l->v.n;
	for (size_t i = 0; i < l->v.n; i++)
		all[i] = &l->v.v[i];
	if (l->v.n)
		qsort(all, l->v.n, sizeof *all, by_path);
	for (size_t i = 0; i < l->v.n; i++) {
		check_source(l, all[i], all, l->v.n);
		check_outcome(l, all[i]);
	}
	free(all);
}
