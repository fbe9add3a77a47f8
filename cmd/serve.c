/* `br serve`: answers HTTP. Reads options, opens sockets, and runs the server until a signal. */
#include "cmd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct params {
	const char *listen, *unix_path, *cert, *key, *hosts, *origins, *access_log, *audit_log, *proxies, *pid_file;
	bool insecure, print_openapi;
	int64_t grace, workers;
};

static const struct br_opt opts[] = {
	{ "listen", 'l', BR_AT_STR(struct params, listen), "addr:port", "listen there; several with commas, port 0: any free one",
	  .key = "serve.listen" },
	{ "unix", 0, BR_AT_STR(struct params, unix_path), "path", "listen on a socket file, for this user alone", .complete = BR_C_FILE },
	{ "cert", 0, BR_AT_STR(struct params, cert), "file", "speak TLS with this certificate (PEM, with its chain)", .complete = BR_C_FILE },
	{ "key", 0, BR_AT_STR(struct params, key), "file", "the key of the certificate (PEM)", .complete = BR_C_FILE },
	{ "host", 0, BR_AT_STR(struct params, hosts), "names", "names under which the server is called, with commas; '*' for any",
	  .key = "serve.hosts" },
	{ "origin", 0, BR_AT_STR(struct params, origins), "origins", "origins of web pages that may call, with commas; '*' for any",
	  .key = "serve.origins" },
	{ "access-log", 0, BR_AT_STR(struct params, access_log), "file", "write a line of JSON for each answer there; '-' is standard output",
	  .key = "serve.access_log", .complete = BR_C_FILE },
	{ "audit-log", 0, BR_AT_STR(struct params, audit_log), "file",
	  "write a line of JSON for each request with a key of the integration API there; audit.log in the workspace where the profile wants one",
	  .key = "serve.audit_log", .complete = BR_C_FILE },
	{ "proxy", 0, BR_AT_STR(struct params, proxies), "networks",
	  "addresses and networks of proxies of ours, with commas: what they say of clients and of HTTPS is believed", .key = "serve.proxies" },
	{ "pid-file", 0, BR_AT_STR(struct params, pid_file), "file", "write the number of the process there", .complete = BR_C_FILE },
	{ "grace", 0, BR_AT_SECONDS(struct params, grace), "time", "at the end, wait so long for answers on their way", .key = "serve.grace" },
	{ "workers", 0, BR_AT_INT(struct params, workers), "n", "threads that compute; 0 for one on each processor", .key = "serve.workers",
	  .min = 0, .max = 1024 },
	{ "insecure", 0, BR_AT_BOOL(struct params, insecure), NULL, "listen beyond this machine without asking who calls" },
	{ "print-openapi", 0, BR_AT_BOOL(struct params, print_openapi), NULL, "print the OpenAPI document and end" },
	BR_OPT_END,
};

static const struct br_dialect *const dialects[] = {
#define X(name) &br_dialect_##name,
	BR_DIALECT_LIST(X)
#undef X
};

static int add_dialects(struct br_server *s, struct br_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < BR_COUNT(dialects) && rc == 0; i++)
		rc = br_server_add(s, dialects[i], err);
	return rc;
}

static int print_openapi(struct br_cli *c, struct br_err *err)
{
	struct br_buf text = BR_BUF_INIT(16u << 20);
	struct br_server_opts o = { 0 };
	struct br_server *s;
	int rc = br_server_new(&s, &o, err);

	if (rc == 0 && (rc = add_dialects(s, err)) == 0) {
		br_server_openapi(&text, s);
		br_out_n(&c->out, text.ptr, text.len);
	}
	br_server_free(s);
	br_buf_release(&text);
	return rc;
}

/* ---- listening ---- */

static int listen_on_all(struct br_server *s, struct br_arena *a, const char *list, struct br_err *err)
{
	int rc = 0;

	while (rc == 0 && *list) {
		size_t n = strcspn(list, ",");

		if (n)
			rc = br_server_listen(s, br_arena_strndup(a, list, n), err);
		list += n + (list[n] == ',');
	}
	return rc;
}

/* What systemd hands over comes instead of what we would open; a socket file instead of an address nobody asked for. */
static int open_sockets(struct br_cli *c, struct br_server *s, struct br_err *err)
{
	const struct params *p = c->params;
	int rc = br_server_listen_inherited(s, err);

	if (rc != 0)
		return BR_MIN(rc, 0);
	if (p->unix_path && (rc = br_server_listen_unix(s, p->unix_path, err)) < 0)
		return rc;
	if (p->unix_path && !br_opt_is_set(c, "listen"))
		return 0;
	return listen_on_all(s, &c->arena, p->listen, err);
}

/* ---- the file with our number ---- */

static int write_pid(const char *path, struct br_err *err)
{
	char *text = br_sprintf("%d\n", (int)getpid());
	int rc = path ? br_file_write_atomic(path, text, strlen(text), 0644, err) : 0;

	free(text);
	return rc;
}

/* ---- running ---- */

/* CORS_ORIGINS comes as a JSON array. */
static const char *plain_list(struct br_arena *a, const char *list)
{
	char *out = list ? br_arena_strdup(a, list) : NULL, *to = out;

	for (const char *p = list; p && *p; p++)
		if (!strchr("[]\"' ", *p))
			*to++ = *p;
	if (to)
		*to = 0;
	return out;
}

static void on_reload(struct br_server *s, void *arg)
{
	struct br_ws *ws = br_server_opts(s)->ws;
	struct br_err err;

	(void)arg;
	if (br_config_reload(ws->config, ws->dir, &err) < 0)
		br_log(BR_LOG_ERROR, "the settings stay as they were: %s", err.msg);
	else
		br_log(BR_LOG_INFO, "settings were read again");
	if (br_server_opts(s)->idp)
		br_idp_refresh(br_server_opts(s)->idp);
	if (br_idp_wanted(ws->config) != !!br_server_opts(s)->idp)
		br_log(BR_LOG_WARN, "whether tokens are asked for is decided when the server starts");
}

static void announce(struct br_cli *c, const struct br_server *s)
{
	const char *url;

	for (size_t i = 0; (url = br_server_url(s, i)); i++)
		br_note(&c->out, "listening on %s", url);
}

static int serve(struct br_cli *c, struct br_server *s, struct br_err *err)
{
	const struct params *p = c->params;
	int rc;

	if ((rc = add_dialects(s, err)) < 0 || (rc = open_sockets(c, s, err)) < 0 || (rc = write_pid(p->pid_file, err)) < 0)
		return rc;
	announce(c, s);
	rc = br_server_run(s, err);
	if (p->pid_file)
		unlink(p->pid_file);
	return rc;
}

static int flush_meter(struct br_meter *m, int rc, struct br_err *err)
{
	int flushed = br_meter_flush(m, rc < 0 ? NULL : err);

	return rc < 0 ? rc : flushed;
}

/* Settings of the workspace that do not count for lack of trust may have been meant to keep people out. */
static int open_identity(struct br_server_opts *o, const struct br_config *c, struct br_err *err)
{
	char why[200];
	int rc;

	if (strstr(br_config_ignored(c), "auth."))
		return br_fail(err, BR_EUSAGE, "settings auth.* of this workspace do not count before 'br config trust'");
	if (!br_idp_wanted(c))
		return 0;
	if (br_idp_problem(why, sizeof why, c))
		br_log(BR_LOG_ERROR, "nobody can be identified: %s", why);
	if ((rc = br_idp_open(&o->idp, c, err)) == 0)
		o->authenticated = true;
	return rc;
}

static int start_hooks(struct br_hooks **out, struct br_cli *c, struct br_err *err)
{
	struct br_hooks_opts o;
	struct br_net_rules net;
	int rc = br_hook_opts(&o, &net, c, err);

	return rc < 0 ? rc : br_hooks_start(out, &o, err);
}

/* What was spent by an earlier server. The meter is flushed when one ends. */
static void load_spent(uint64_t *day, uint64_t *month, uint32_t key, int64_t now, void *arg)
{
	struct br_err err;
	struct br_txn *t;

	if (br_txn_read(&t, ((struct br_ws *)arg)->store, &err) < 0)
		return;
	if (br_key_spent(day, month, t, key, now, &err) < 0)
		br_log(BR_LOG_ERROR, "%s", err.msg);
	br_txn_end(t);
}

/* What a server needs beside the workspace; what was opened before a failure is closed by close_services. */
static int open_services(struct br_server_opts *o, struct br_cli *c, struct br_err *err)
{
	int rc = open_identity(o, c->config, err);

	o->limiter = br_limiter_new(NULL);
	o->meter = br_meter_new(c->ws->store);
	o->budgets = br_budgets_new(load_spent, c->ws);
	if (rc < 0 || (rc = start_hooks(&o->hooks, c, err)) < 0)
		return rc;
	if ((rc = br_history_start(&o->history, c->ws, err)) < 0 || (rc = br_jobs_start(&o->jobs, c->ws, err)) < 0)
		return rc;
	return br_tenancy_open(&o->tenancy, c->ws, err);
}

static int close_services(struct br_server_opts *o, int rc, struct br_err *err)
{
	br_tenancy_close(o->tenancy);
	br_jobs_stop(o->jobs);
	br_history_stop(o->history);
	br_hooks_stop(o->hooks);
	br_idp_close(o->idp);
	br_limiter_free(o->limiter);
	br_budgets_free(o->budgets);
	rc = flush_meter(o->meter, rc, err);
	br_meter_free(o->meter);
	return rc;
}

static void take_profile(struct br_server_opts *o, struct br_cli *c, const struct params *p)
{
	const struct br_profile *profile = br_profile_find(br_config_get(c->config, "auth.profile", NULL));

	o->any_origin = profile->any_origin;
	o->proxies = p->proxies;
	o->audit = p->audit_log && *p->audit_log ? p->audit_log : profile->audit ? br_arena_printf(&c->arena, "%s/audit.log", c->ws->dir) : NULL;
}

static int serve_run(struct br_cli *c, struct br_err *err)
{
	const struct params *p = c->params;
	struct br_server_opts o = {
		.cert = p->cert, .key = p->key, .access_log = p->access_log, .hosts = p->hosts, .insecure = p->insecure,
		.workers = (unsigned)p->workers, .grace = p->grace, .on_reload = on_reload,
	};
	struct br_server *s;
	int rc;

	if (p->print_openapi)
		return print_openapi(c, err);
	if (!c->dir && (rc = br_cli_find(c, 1, err)) < 0)
		return rc;
	if ((rc = br_cli_open(c, err)) < 0)
		return rc;
	o.ws = c->ws;
	take_profile(&o, c, p);
	o.cache = (uint64_t)br_config_int(c->config, "serve.cache");
	o.origins = plain_list(&c->arena, p->origins);
	if ((rc = open_services(&o, c, err)) == 0 && (rc = br_server_new(&s, &o, err)) == 0) {
		rc = serve(c, s, err);
		br_server_free(s);
	}
	return close_services(&o, rc, err);
}

static const struct br_example examples[] = {
	{ "br serve --print-openapi", "what can be asked, for generators of clients" },
	{ NULL },
};
const struct br_cmd br_cmd_serve = {
	.name = "serve", .group = "search", .summary = "answer over HTTP",
	.opts = opts, .params_size = sizeof(struct params),
	.flags = BR_CMD_MAY_WS, .run = serve_run, .examples = examples,
};
