/*
 * Which machines may be reached: an address is the same in every notation and wrapping, and without a word of allowance only public
 * ones are reached. Input: four bytes of an address, a line with an address, a line with allowances, a host.
 */
#include "fuzz.h"

#include "br/net.h"

static enum br_addr_kind kind_of(const char *text)
{
	struct br_addr a;

	HOLDS(br_addr_parse(&a, text));
	return br_addr_kind(&a);
}

static void check_notations(const uint8_t b[4])
{
	struct br_addr plain = { .len = 4 };
	enum br_addr_kind k;
	uint32_t v = br_rd_be32(b);
	char plain_text[16], text[8][64];

	memcpy(plain.b, b, 4);
	k = br_addr_kind(&plain);
	snprintf(plain_text, sizeof plain_text, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	snprintf(text[0], sizeof text[0], "%s", plain_text);
	snprintf(text[1], sizeof text[1], "%u", v);
	snprintf(text[2], sizeof text[2], "0x%x", v);
	snprintf(text[3], sizeof text[3], "0%o.0x%x.%u", b[0], b[1], v & 0xffff);
	snprintf(text[4], sizeof text[4], "::ffff:%s", plain_text);
	snprintf(text[5], sizeof text[5], "64:ff9b::%s", plain_text);
	snprintf(text[6], sizeof text[6], "2002:%02x%02x:%02x%02x::1", b[0], b[1], b[2], b[3]);
	snprintf(text[7], sizeof text[7], "2a00::5efe:%s", plain_text);
	for (size_t i = 0; i < BR_COUNT(text); i++)
		HOLDS(kind_of(text[i]) == k);
}

static void check_permits(const struct br_addr *a, const char *allow, const char *host)
{
	struct br_net_rules none = { .allow = NULL }, private = { .allow_private = true }, some = { .allow = allow };
	bool whole = br_net_allow_check(allow, NULL) == 0;

	HOLDS(br_net_permits(&none, host, a) == (br_addr_kind(a) == BR_ADDR_PUBLIC));
	HOLDS(br_net_permits(&private, host, a) == (br_addr_kind(a) != BR_ADDR_METADATA));
	/* Without names and addresses in it a list allows nothing more. */
	if (whole && !allow[strspn(allow, " ,\t")])
		HOLDS(br_net_permits(&some, host, a) == (br_addr_kind(a) == BR_ADDR_PUBLIC));
	else if (whole)
		HOLDS(br_net_permits(&some, host, a) || br_addr_kind(a) != BR_ADDR_PUBLIC);
}

FUZZ(net_address)
{
	struct br_rd r = br_rd(in);
	uint8_t b[4];
	struct br_addr a = { .len = 4 };
	char *text, *allow, *host;

	for (int i = 0; i < 4; i++)
		b[i] = br_rd_u8(&r);
	text = fuzz_line(&r);
	allow = fuzz_line(&r);
	host = fuzz_line(&r);
	check_notations(b);
	memcpy(a.b, b, 4);
	check_permits(&a, allow, host);
	if (br_addr_parse(&a, text)) {
		HOLDS(a.len == 4 || a.len == 16);
		HOLDS(br_addr_kind_name(br_addr_kind(&a)));
		check_permits(&a, allow, host);
	}
	free(text);
	free(allow);
	free(host);
}
