/*
 * Which machines may be reached. One table of ranges says what an address is, and an address of any notation or wrapping is
 * first brought to the one that would be talked to. The check is made on the address of the socket, so names do not matter
 * to it: a name that is resolved to something else the second time gains nothing.
 */
#include "internal.h"

#include <arpa/inet.h>
#include <stdlib.h>

bool br_addr_parse(struct br_addr *out, const char *text)
{
	struct in_addr v4;

	*out = (struct br_addr){ .len = 16 };
	if (inet_pton(AF_INET6, text, out->b) == 1)
		return true;
	if (!*text || text[strspn(text, "0123456789abcdefABCDEFxX.")] || !inet_aton(text, &v4))
		return false;
	out->len = 4;
	memcpy(out->b, &v4, 4);
	return true;
}

/* ---- what an address is ---- */

struct range { uint8_t b[16]; uint8_t bits; enum br_addr_kind kind; };

static const struct range ranges4[] = { /* the first that fits counts */
	{ { 169, 254, 169, 254 }, 32, BR_ADDR_METADATA },
	{ { 169, 254, 170, 2 }, 32, BR_ADDR_METADATA },    /* credentials of ECS tasks */
	{ { 169, 254, 170, 23 }, 32, BR_ADDR_METADATA },   /* of EKS pods */
	{ { 100, 100, 100, 200 }, 32, BR_ADDR_METADATA },  /* Alibaba */
	{ { 168, 63, 129, 16 }, 32, BR_ADDR_METADATA },    /* Azure's wire server */
	{ { 192, 0, 0, 192 }, 32, BR_ADDR_METADATA },      /* Oracle */
	{ { 0 }, 8, BR_ADDR_UNSPECIFIED },
	{ { 10 }, 8, BR_ADDR_PRIVATE },
	{ { 100, 64 }, 10, BR_ADDR_SHARED },
	{ { 127 }, 8, BR_ADDR_LOOPBACK },
	{ { 169, 254 }, 16, BR_ADDR_LINK_LOCAL },
	{ { 172, 16 }, 12, BR_ADDR_PRIVATE },
	{ { 192, 0, 0 }, 24, BR_ADDR_RESERVED },
	{ { 192, 0, 2 }, 24, BR_ADDR_RESERVED },
	{ { 192, 88, 99 }, 24, BR_ADDR_RESERVED },
	{ { 192, 168 }, 16, BR_ADDR_PRIVATE },
	{ { 198, 18 }, 15, BR_ADDR_RESERVED },
	{ { 198, 51, 100 }, 24, BR_ADDR_RESERVED },
	{ { 203, 0, 113 }, 24, BR_ADDR_RESERVED },
	{ { 224 }, 4, BR_ADDR_MULTICAST },
	{ { 240 }, 4, BR_ADDR_RESERVED },
};

static const struct range ranges6[] = {
	{ { 0xfd, 0x00, 0x0e, 0xc2, [15] = 0x54, [14] = 0x02 }, 128, BR_ADDR_METADATA }, /* fd00:ec2::254 */
	{ { 0xfd, 0x20, 0x00, 0xce, [15] = 0x54, [14] = 0x02 }, 128, BR_ADDR_METADATA }, /* fd20:ce::254, Google */
	{ { 0 }, 128, BR_ADDR_UNSPECIFIED },
	{ { [15] = 1 }, 128, BR_ADDR_LOOPBACK },
	{ { 0xfc }, 7, BR_ADDR_PRIVATE },
	{ { 0xfe, 0x80 }, 10, BR_ADDR_LINK_LOCAL },
	{ { 0xfe, 0xc0 }, 10, BR_ADDR_PRIVATE },
	{ { 0xff }, 8, BR_ADDR_MULTICAST },
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, BR_ADDR_RESERVED },
	{ { 0x20, 0x01 }, 23, BR_ADDR_RESERVED },          /* Teredo among them: its end cannot be known */
	{ { 0x3f, 0xff }, 20, BR_ADDR_RESERVED },
	{ { 0x20 }, 3, BR_ADDR_PUBLIC },
	{ { 0 }, 0, BR_ADDR_RESERVED },
};

/* IPv6 prefixes behind which an IPv4 address stands, and at which byte. */
static const struct { uint8_t b[16]; uint8_t bits, at; } wraps[] = {
	{ { [10] = 0xff, 0xff }, 96, 12 },                  /* mapped */
	{ { [8] = 0xff, 0xff }, 96, 12 },                   /* translated, RFC 2765 */
	{ { 0x00, 0x64, 0xff, 0x9b }, 96, 12 },             /* NAT64 */
	{ { 0x20, 0x02 }, 16, 2 },                          /* 6to4 */
	{ { 0 }, 96, 12 },                                  /* compatible, deprecated */
};

static bool in_range(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return !memcmp(a, b, whole) && (!rest || !((a[whole] ^ b[whole]) >> (8 - rest)));
}

static enum br_addr_kind look_up(const struct range *r, const uint8_t *a)
{
	while (!in_range(a, r->b, r->bits))
		r++;
	return r->kind;
}

static enum br_addr_kind kind4(const uint8_t *a)
{
	for (size_t i = 0; i < BR_COUNT(ranges4); i++)
		if (in_range(a, ranges4[i].b, ranges4[i].bits))
			return ranges4[i].kind;
	return BR_ADDR_PUBLIC;
}

/* The IPv4 address inside, or NULL. */
static const uint8_t *inner(const uint8_t *a, enum br_addr_kind outer)
{
	static const uint8_t isatap[] = { 0, 0x5e, 0xfe };

	for (size_t i = 0; i < BR_COUNT(wraps); i++)
		if (in_range(a, wraps[i].b, wraps[i].bits))
			return a + wraps[i].at;
	return outer == BR_ADDR_PUBLIC && (a[8] & ~2) == 0 && !memcmp(a + 9, isatap, 3) ? a + 12 : NULL;
}

enum br_addr_kind br_addr_kind(const struct br_addr *a)
{
	enum br_addr_kind outer;
	const uint8_t *v4;

	if (a->len == 4)
		return kind4(a->b);
	outer = look_up(ranges6, a->b);
	if (outer != BR_ADDR_PUBLIC && outer != BR_ADDR_RESERVED) /* ::1 is also "compatible" with 0.0.0.1 */
		return outer;
	v4 = inner(a->b, outer);
	return v4 ? kind4(v4) : outer;
}

const char *br_addr_kind_name(enum br_addr_kind k)
{
	static const char *const names[] = {
		[BR_ADDR_PUBLIC] = "public", [BR_ADDR_LOOPBACK] = "loopback", [BR_ADDR_PRIVATE] = "private",
		[BR_ADDR_LINK_LOCAL] = "link-local", [BR_ADDR_SHARED] = "shared (carrier)", [BR_ADDR_METADATA] = "metadata service",
		[BR_ADDR_MULTICAST] = "multicast", [BR_ADDR_UNSPECIFIED] = "unspecified", [BR_ADDR_RESERVED] = "reserved",
	};

	return names[k];
}

/* ---- the list of what is allowed ---- */

static struct br_slice next_word(const char **at)
{
	const char *p = *at + strspn(*at, " ,\t");
	size_t n = strcspn(p, " ,\t");

	*at = p + n;
	return br_slice(p, n);
}

/* "10.0.0.0/8", "::1", "[::1]": 1; a word that is none of these: 0; a broken range: -1. */
static int word_range(struct br_addr *a, unsigned *bits, struct br_slice w)
{
	char text[80], *slash;
	int64_t n;

	if (w.len && w.ptr[0] == '[' && w.ptr[w.len - 1] == ']')
		w = br_slice(w.ptr + 1, w.len - 2);
	if (w.len >= sizeof text)
		return 0;
	memcpy(text, w.ptr, w.len);
	text[w.len] = 0;
	if ((slash = strchr(text, '/')))
		*slash++ = 0;
	if (!br_addr_parse(a, text))
		return slash ? -1 : 0;
	*bits = a->len * 8u;
	if (!slash)
		return 1;
	if (br_parse_int(&n, slash, 0, a->len * 8, "range", NULL) < 0)
		return -1;
	*bits = (unsigned)n;
	return 1;
}

static bool is_name(struct br_slice w)
{
	for (size_t i = 0; i < w.len; i++)
		if (!br_net__alpha(w.ptr[i]) && !br_net__digit(w.ptr[i]) && !strchr("-._", w.ptr[i]) && !(w.ptr[i] & 0x80))
			return false;
	return true;
}

int br_net_allow_check(const char *allow, struct br_err *err)
{
	struct br_addr a;
	struct br_slice w;
	unsigned bits;
	int kind;

	while (allow && (w = next_word(&allow)).len)
		if ((kind = word_range(&a, &bits, w)) < 0 || (!kind && !is_name(w)))
			return br_fail(err, BR_EUSAGE, "net.allow: '%.*s' is neither a host, an address nor a range as 10.0.0.0/8",
			               (int)BR_MIN(w.len, (size_t)100), w.ptr);
	return 0;
}

/* "wiki.corp" is itself, ".corp" everything below corp. */
static bool name_fits(struct br_slice w, const char *host)
{
	size_t n = strlen(host);

	if (w.ptr[0] != '.')
		return n == w.len && !strncasecmp(w.ptr, host, n);
	return n > w.len && !strncasecmp(w.ptr, host + n - w.len, w.len);
}

static bool listed(const char *allow, const char *host, const struct br_addr *a)
{
	struct br_addr from;
	struct br_slice w;
	unsigned bits;
	int kind;

	while (allow && (w = next_word(&allow)).len) {
		if ((kind = word_range(&from, &bits, w)) > 0 ? from.len == a->len && in_range(a->b, from.b, bits)
		                                             : kind == 0 && name_fits(w, host))
			return true;
	}
	return false;
}

bool br_net_permits(const struct br_net_rules *rules, const char *host, const struct br_addr *a)
{
	enum br_addr_kind k = br_addr_kind(a);

	return k == BR_ADDR_PUBLIC || listed(rules->allow, host, a) || (rules->allow_private && k != BR_ADDR_METADATA);
}
