/*
 * The workspace: finding, making and opening the .br folder.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_workspace(const char *dir)
{
	char *data = br_path_join(dir, "data.mdb");
	bool yes = br_is_file(data);

	free(data);
	return yes;
}

/* The parent of an absolute path, in place; false at the root. */
static bool up(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || !slash[1])
		return false;
	slash[slash == path] = 0;
	return true;
}

static int find_forced(char **dir, const char *forced, struct br_err *err)
{
	char *abs = br_path_abs(forced), *inner = br_path_join(abs, ".br");
	char *pick = !is_workspace(abs) && is_workspace(inner) ? inner : abs;

	if (!is_workspace(pick)) {
		free(abs);
		free(inner);
		return br_fail(err, BR_ENOWORKSPACE, "'%s' is not a workspace", forced);
	}
	*dir = br_strdup(pick);
	free(abs);
	free(inner);
	return 0;
}

int br_ws_find(char **dir, const char *start, const char *forced, struct br_err *err)
{
	char *at;

	*dir = NULL;
	if (forced && *forced)
		return find_forced(dir, forced, err);
	at = br_path_abs(start ? start : ".");
	do {
		char *br = br_path_join(at, ".br");
		if (is_workspace(br)) {
			*dir = br;
			free(at);
			return 0;
		}
		free(br);
	} while (up(at));
	free(at);
	return br_fail(err, BR_ENOWORKSPACE, "no workspace in this folder or any above it");
}

/* ---- making ---- */

static int make_default(struct br_store *store, struct br_config *config, struct br_err *err)
{
	struct br_ws ws = { .store = store, .config = config, .model = br_model_builtin() };

	return br_nb_create(&ws, "default", NULL, err);
}

/* Without one the data file was left by an init that died before its end: it can be gone on with. */
static int has_commits(struct br_store *store, struct br_err *err)
{
	struct br_txn *t;
	int rc = br_txn_read(&t, store, err);

	if (rc == 0) {
		rc = br_txn_generation(t) > 0;
		br_txn_end(t);
	}
	return rc;
}

int br_ws_init(const char *dir, struct br_err *err)
{
	static const char *const sub[] = { "objects", "index", "tmp" };
	struct br_store *store = NULL;
	struct br_config *config = NULL;
	int rc;

	if ((rc = br_mkdirs(dir, 0777, err)) < 0)
		return rc;
	for (size_t i = 0; i < BR_COUNT(sub); i++) {
		char *path = br_path_join(dir, sub[i]);
		rc = br_mkdirs(path, 0777, err);
		free(path);
		if (rc < 0)
			return rc;
	}
	if ((rc = br_config_load(&config, NULL, err)) < 0 ||
	    (rc = br_store_open(&store, dir, &(struct br_store_opts){ BR_STORE_CREATE, 10000 }, err)) < 0)
		goto out;
	if ((rc = has_commits(store, err)) > 0)
		rc = br_fail(err, BR_EEXISTS, "'%s' is a workspace already", dir);
	else if (rc == 0 && (rc = make_default(store, config, err)) == 0)
		rc = br_sync_folder_of(dir, err);
out:
	br_store_close(store);
	br_config_free(config);
	return rc;
}

/* ---- opening ---- */

static int open_model(struct br_ws *ws, struct br_err *err)
{
	const char *path = br_config_get(ws->config, "embed.model", NULL);
	struct br_model *m;
	int rc;

	if (!path || !*path) {
		ws->model = br_model_builtin();
		return 0;
	}
	if ((rc = br_model_open(&m, path, err)) < 0)
		return rc;
	ws->model = m;
	return 0;
}

int br_ws_open(struct br_ws **out, const char *dir, int64_t wait_ms, struct br_err *err)
{
	struct br_ws *ws = br_alloc(sizeof *ws);
	int rc;

	*out = NULL;
	ws->dir = br_path_abs(dir);
	ws->wait_ms = wait_ms;
	ws->root = br_strdup(ws->dir);
	up(ws->root);
	if ((rc = br_config_load(&ws->config, ws->dir, err)) < 0 ||
	    (rc = open_model(ws, err)) < 0 ||
	    (rc = br_store_open(&ws->store, ws->dir, &(struct br_store_opts){ 0, wait_ms }, err)) < 0) {
		br_ws_close(ws);
		return rc;
	}
	ws->vindexes = br_vindexes_new();
	*out = ws;
	return 0;
}

void br_ws_close(struct br_ws *ws)
{
	if (!ws)
		return;
	br_vindexes_free(ws->vindexes);
	br_store_close(ws->store);
	if (ws->model && ws->model != br_model_builtin())
		br_model_close((struct br_model *)ws->model);
	br_config_free(ws->config);
	free(ws->dir);
	free(ws->root);
	free(ws);
}
