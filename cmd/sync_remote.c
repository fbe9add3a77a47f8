/* `br sync --remote`: makes a knowledge base of a server equal to a folder, as build pipelines do. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>

int br_remote_check(const struct br_cli *c, struct br_err *err)
{
	const struct br_load_params *p = c->params;
	struct br_jdoc *doc = NULL;
	int rc = 0;

	if (!p->remote)
		return p->meta || br_opt_is_set(c, "kb") || br_opt_is_set(c, "key") ? br_fail(err, BR_EUSAGE, "--kb, --key and --meta go with --remote") : 0;
	if (!br_is_url(p->remote))
		return br_fail(err, BR_EUSAGE, "--remote: '%s' does not begin with http:// or https://", p->remote);
	if (!p->kb || !*p->kb || p->kb[strspn(p->kb, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~")])
		return br_fail(err, BR_EUSAGE, "--remote needs --kb, the id of a knowledge base");
	if (!p->key || !*p->key)
		return br_fail(err, BR_EUSAGE, "--remote needs a key: BR_REMOTE_KEY, setting remote.key or --key");
	if (p->watch || p->since_commit || p->ocr)
		return br_fail(err, BR_EUSAGE, "--remote goes with neither --watch, --since-commit nor --ocr");
	if (c->n != 1)
		return br_fail(err, BR_EUSAGE, "--remote takes one folder");
	if (!p->meta)
		return 0;
	if (br_jdoc_parse(&doc, br_slice_str(p->meta), "--meta", err) < 0)
		rc = -(int)(err->code = BR_EUSAGE);
	else if (br_jval_type(br_jdoc_root(doc)) != BR_J_OBJ)
		rc = br_fail(err, BR_EUSAGE, "--meta: not a JSON object");
	br_jdoc_free(doc);
	return rc;
}

/* A file for each server, knowledge base and folder; NULL where there is no folder for such things. */
static const char *cache_path(struct br_cli *c, const struct br_load_params *p)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *dir = br_path_abs(c->operand[0]), *name = br_sprintf("%s\n%s\n%s", p->remote, p->kb, dir), hex[33];
	const char *out = NULL;
	uint8_t hash[16];

	br_hash128(hash, name, strlen(name));
	br_hex(hex, hash, sizeof hash);
	if (base && *base == '/')
		out = br_arena_printf(&c->arena, "%s/br/remote-%s", base, hex);
	else if (home && *home == '/')
		out = br_arena_printf(&c->arena, "%s/.cache/br/remote-%s", home, hex);
	free(name);
	free(dir);
	return out;
}

static bool in_clear(const char *url)
{
	struct br_url u = { 0 };
	struct br_addr a;
	bool clear = br_url_parse(&u, NULL, br_slice_str(url), NULL) == 0 && !u.https && strcmp(u.host, "localhost") &&
		!(br_addr_parse(&a, u.host) && br_addr_kind(&a) == BR_ADDR_LOOPBACK);

	br_url_release(&u);
	return clear;
}

int br_remote_run(struct br_cli *c, struct br_err *err)
{
	const struct br_load_params *p = c->params;
	struct br_load l = { .c = c, .p = p, .doing = "uploading" };
	struct br_ingest_stats stats = { 0 };
	struct br_net_rules net;
	struct br_remote_opts o = {
		.url = p->remote, .key = p->key, .kb = p->kb, .dir = c->operand[0], .source = p->source, .meta = p->meta, .cache = cache_path(c, p),
		.net = &net, .jobs = (unsigned)p->jobs, .max_errors = (uint64_t)p->max_errors, .plan = p->plan, .force = p->force,
		.walk = { .hidden = p->hidden, .no_ignore = p->no_ignore, .exclude = p->exclude.v },
		.event = br_load_event, .progress = br_load_progress, .arg = &l,
	};
	int rc;

	br_net_rules(&net, c->config);
	net.allow_private = true; /* the address is the caller's own */
	if (in_clear(p->remote))
		br_warn(&c->out, "the key travels unencrypted to '%s'", p->remote);
	rc = br_remote_sync(&stats, &o, err);
	return br_load_finish(&l, &stats, rc, err);
}
