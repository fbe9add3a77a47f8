/* What people write of keys: scopes, rates, networks, addresses; each that is taken is written and read again. Input: lines. */
#include "fuzz.h"

static void net(const char *line)
{
	struct br_key_net a, b;
	struct br_key_addr from;
	char text[64];

	if (br_key_net_parse(&a, line, NULL) == 0) {
		br_key_net_text(text, &a);
		HOLDS(br_key_net_parse(&b, text, NULL) == 0 && !memcmp(&a.net, &b.net, 16) && a.bits == b.bits && a.v4 == b.v4);
		HOLDS(br_key_net_has(&a, &a.net));
	}
	if (br_key_addr_parse(&from, line)) {
		HOLDS(br_key_net_parse(&a, line, NULL) == 0 && br_key_net_has(&a, &from));
		from.b[15] ^= 1;
		HOLDS(!br_key_net_has(&a, &from));
	}
}

static void rate(const char *line)
{
	struct br_key_rate a, b;
	char text[32];

	if (br_key_rate_parse(&a, line, NULL) < 0)
		return;
	br_key_rate_text(text, a);
	HOLDS(a.n > 0 && a.n <= BR_MAX_RATE && br_key_rate_parse(&b, text, NULL) == 0 && a.n == b.n && a.seconds == b.seconds);
}

FUZZ(auth_text)
{
	struct br_rd r = br_rd(in);
	uint32_t scopes;

	while (r.p < r.end) {
		char *line = fuzz_line(&r);
		net(line);
		rate(line);
		HOLDS(br_scopes_parse(&scopes, line, NULL) < 0 || (scopes && !(scopes & ~(uint32_t)BR_SCOPE_ALL)));
		free(line);
	}
}
