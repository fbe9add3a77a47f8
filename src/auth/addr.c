/*
 * Addresses and networks. All are IPv6 inside; IPv4 stands in ::ffff:0:0/96, where an address that comes in by a socket for both
 * kinds has it too.
 */
#include "internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool is_v4(const struct br_key_addr *a)
{
	return !memcmp(a->b, mapped, sizeof mapped);
}

bool br_key_addr_parse(struct br_key_addr *out, const char *text)
{
	if (inet_pton(AF_INET6, text, out->b) == 1)
		return true;
	memcpy(out->b, mapped, sizeof mapped);
	return inet_pton(AF_INET, text, out->b + 12) == 1;
}

static void cut(struct br_key_addr *a, unsigned bits)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = bits >= 8 * i + 8 ? 8 : bits > 8 * i ? bits - 8 * i : 0;
		a->b[i] &= (uint8_t)(0xff00u >> keep);
	}
}

static int parse_length(struct br_key_net *c, const char *text, const char *whole, struct br_err *err)
{
	unsigned most = c->v4 ? 32 : 128;
	int64_t bits = most;

	if (text && br_parse_int(&bits, text, 0, most, "length", NULL) < 0)
		return br_fail(err, BR_EUSAGE, "address: '%s' has no length from 0 to %u behind its slash", whole, most);
	c->bits = (uint8_t)(bits + 128 - most);
	return 0;
}

int br_key_net_parse(struct br_key_net *out, const char *text, struct br_err *err)
{
	const char *slash = strchr(text, '/');
	struct br_key_net c = { .bits = 0 };
	char host[64] = "", right[64];
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	struct br_key_addr given;
	int rc;

	if (n < sizeof host)
		memcpy(host, text, n);
	if (!host[0] || !br_key_addr_parse(&given, host))
		return br_fail(err, BR_EUSAGE, "address: '%.80s' is neither an address nor a network such as 10.0.0.0/8 or 2001:db8::/32", text);
	c.net = given;
	c.v4 = !strchr(host, ':') || is_v4(&given);
	if (c.v4 && strchr(host, ':') && slash)
		return br_fail(err, BR_EUSAGE, "address: '%s': write an IPv4 network as 10.0.0.0/8", text);
	if ((rc = parse_length(&c, slash ? slash + 1 : NULL, text, err)) < 0)
		return rc;
	cut(&c.net, c.bits);
	if (memcmp(&c.net, &given, sizeof given)) {
		br_key_net_text(right, &c);
		return br_fail(err, BR_EUSAGE, "address: '%s' has bits behind its length; did you mean %s?", text, right);
	}
	*out = c;
	return 0;
}

void br_key_net_text(char out[64], const struct br_key_net *c)
{
	unsigned most = c->v4 ? 32 : 128, bits = c->bits - (128u - most);
	char host[INET6_ADDRSTRLEN] = "";

	inet_ntop(c->v4 ? AF_INET : AF_INET6, c->v4 ? c->net.b + 12 : c->net.b, host, sizeof host);
	if (bits == most)
		snprintf(out, 64, "%s", host);
	else
		snprintf(out, 64, "%s/%u", host, bits);
}

bool br_key_net_has(const struct br_key_net *c, const struct br_key_addr *a)
{
	struct br_key_addr net = *a;

	if (c->v4 != is_v4(a))
		return false;
	cut(&net, c->bits);
	return !memcmp(&net, &c->net, sizeof net);
}
