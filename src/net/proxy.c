/*
 * Which proxy a request goes through: the setting, or the variables that every program of its kind reads. Decided here and
 * not by libcurl, because the address of the socket is then the proxy's and must not be judged as the page's.
 */
#include "internal.h"

#include <stdlib.h>

static const char *variable(const char *lower, const char *upper)
{
	const char *v = getenv(lower);

	if (!v && upper)
		v = getenv(upper);
	return v && *v ? v : NULL;
}

/* "example.org" and ".example.org" stand for the host and all below it, "*" for every host. */
static bool bypassed(const char *list, const char *host)
{
	size_t n = strlen(host);

	while (list && *(list += strspn(list, ", "))) {
		size_t k = strcspn(list, ", ");
		const char *word = list;

		list += k;
		if (k == 1 && *word == '*')
			return true;
		if (*word == '.')
			word++, k--;
		if (k && k <= n && !strncasecmp(host + n - k, word, k) && (k == n || host[n - k - 1] == '.'))
			return true;
	}
	return false;
}

const char *br_net__proxy_for(const struct br_net_rules *rules, const struct br_url *u)
{
	const char *p;

	if (rules->proxy) {
		p = rules->proxy;
	} else {
		/* HTTP_PROXY in capitals comes from a request's header where a program runs as CGI: nobody reads it. */
		p = u->https ? variable("https_proxy", "HTTPS_PROXY") : variable("http_proxy", NULL);
		p = p ? p : variable("all_proxy", "ALL_PROXY");
	}
	return !p || bypassed(variable("no_proxy", "NO_PROXY"), u->host) ? "" : p;
}
