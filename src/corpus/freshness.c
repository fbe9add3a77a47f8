/*
 * Freshness: how many sources changed since they were indexed, looked at until a budget of time is used up.
 */
#include "internal.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { LOOK_EVERY = 32 }; /* sources between two looks at the clock */

struct look {
	struct br_freshness *out;
	const struct br_ws *ws;
	int64_t until_ns;
};

/* A member is what it was as long as the file that holds it is: the shortest path in front of a "!/" that is one. */
static enum br_source_state member_state(const struct br_ws *ws, const struct br_doc *d)
{
	for (const char *p = d->path; (p = strstr(p, "!/")); p += 2) {
		char *path = br_strndup(d->path, (size_t)(p - d->path)), *file = doc_file_of(ws, path);
		struct stat st;
		int rc = stat(file, &st);

		free(file);
		free(path);
		if (rc == 0 && S_ISREG(st.st_mode))
			return st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec == d->mtime_ns ? BR_SOURCE_SAME : BR_SOURCE_CHANGED;
	}
	return BR_SOURCE_MISSING;
}

enum br_source_state br_source_state(const struct br_ws *ws, const struct br_doc *d)
{
	struct stat st;
	char *file;
	int rc;

	if (d->origin == BR_FROM_URL)
		return d->gone[0] ? BR_SOURCE_MISSING : BR_SOURCE_SAME; /* as the last look at it told */
	if (d->origin == BR_FROM_MEMBER && d->mtime_ns)
		return member_state(ws, d);
	if (d->origin != BR_FROM_FILE)
		return BR_SOURCE_SAME;
	file = doc_file_of(ws, d->path);
	rc = stat(file, &st);
	free(file);
	if (rc < 0)
		return d->inode ? BR_SOURCE_MISSING : BR_SOURCE_SAME; /* imported: its file was never on this machine */
	return (uint64_t)st.st_size == d->size && st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec == d->mtime_ns ? BR_SOURCE_SAME : BR_SOURCE_CHANGED;
}

static int look(const struct br_doc *d, void *arg)
{
	struct look *l = arg;

	l->out->indexed_at = BR_MAX(l->out->indexed_at, d->indexed);
	if (d->origin != BR_FROM_FILE || (d->state != BR_DOC_INDEXED && d->state != BR_DOC_CONTAINER))
		return 0;
	if (l->out->checked % LOOK_EVERY == 0 && br_mono_ns() >= l->until_ns) {
		l->out->complete = false;
		return 1;
	}
	l->out->checked++;
	switch (br_source_state(l->ws, d)) {
	case BR_SOURCE_MISSING:
		l->out->missing++;
		break;
	case BR_SOURCE_CHANGED:
		l->out->changed++;
		break;
	default:
		break;
	}
	return 0;
}

int br_freshness(struct br_freshness *out, struct br_txn *t, const struct br_ws *ws, const struct br_nb *nb, int64_t budget_ns, struct br_err *err)
{
	struct look l = { out, ws, br_mono_ns() + budget_ns };
	int rc;

	*out = (struct br_freshness){ .generation = br_txn_generation(t), .complete = true, .indexed_at = nb->updated };
	rc = budget_ns > 0 ? br_doc_each(t, nb->nb, look, &l, err) : 0;
	return rc < 0 ? rc : 0;
}
