/*
 * The client: rules from the settings, one libcurl handle with the connections it keeps, the name we give.
 */
#include "client.h"

#include <ctype.h>
#include <stdlib.h>

#ifndef BR_VERSION
#define BR_VERSION "0"
#endif

void br_net_rules(struct br_net_rules *out, const struct br_config *c)
{
	*out = (struct br_net_rules){
		.allow_private = br_config_bool(c, "net.allow_private"), .allow = br_config_get(c, "net.allow", NULL),
		.proxy = br_config_get(c, "net.proxy", NULL), .ca_file = br_config_get(c, "net.ca_file", NULL),
		.contact = br_config_get(c, "net.contact", NULL), .timeout_ms = br_config_int(c, "net.timeout") * 1000,
		.max_bytes = (uint64_t)br_config_int(c, "net.max_size"),
	};
}

/* BR_RESOLVE: "host:port:address ..." is believed instead of the resolver; for tests, and judged like any other address. */
static void take_resolve(struct br_net *n)
{
	const char *at = getenv("BR_RESOLVE");

	while (at && *(at += strspn(at, " "))) {
		size_t k = strcspn(at, " ");
		char *entry = br_strndup(at, k);

		n->resolve = n->c->slist_append(n->resolve, entry);
		free(entry);
		at += k;
	}
}

int br_net_open(struct br_net **out, const struct br_net_rules *rules, struct br_err *err)
{
	const struct br_net__curl *c;
	struct br_net *n;
	int rc;

	*out = NULL;
	if ((rc = br_net_allow_check(rules->allow, err)) < 0 || (rc = br_net__load(&c, err)) < 0)
		return rc;
	n = br_alloc(sizeof *n);
	*n = (struct br_net){ .c = c, .rules = *rules, .easy = c->easy_init(), .multi = c->multi_init() };
	n->agent = br_strdup("br/" BR_VERSION);
	if (rules->contact && *rules->contact) {
		free(n->agent);
		n->agent = br_sprintf("br/%s (+%s)", BR_VERSION, rules->contact);
	}
	take_resolve(n);
	if (!n->easy || !n->multi) {
		br_net_close(n);
		return br_fail(err, BR_ENOMEM, "libcurl does not start");
	}
	*out = n;
	return 0;
}

void br_net_close(struct br_net *n)
{
	if (!n)
		return;
	if (n->easy)
		n->c->easy_cleanup(n->easy);
	if (n->multi)
		n->c->multi_cleanup(n->multi);
	n->c->slist_free_all(n->resolve);
	free(n->agent);
	free(n);
}

const char *br_net_agent(const struct br_net *n) { return n->agent; }
